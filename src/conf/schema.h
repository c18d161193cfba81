// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What settings there are, as tables: a section is a struct and a row for each of its fields. The
 * same rows give the tree of text its types, print the reference page and the JSON Schema, and
 * name the nearest known word when a key is not known.
 *
 *     file  ──yaml.h──▶  tree of text  ──schema_read──▶  struct of the section, defaults filled in
 *
 * A section's struct begins with a struct schema_head. A row writes to its field by offset; what
 * type the field has, the kind and the shape say (below). A value that is wrong is an error with
 * its place, its field stays zero, and reading goes on.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"
#include "conf/errors.h"
#include "conf/yaml.h"

enum schema_kind {     // type of the field, and of what least, most and standard are read as
    KIND_TEXT,         // struct slice
    KIND_SECRET,       // struct slice; its text is in no error
    KIND_HASH,         // unsigned char[32]; likewise, as it may be a token by mistake
    KIND_NAME,         // struct slice
    KIND_HOST,         // struct slice, lower case, no dot at the end
    KIND_MAILBOX,      // struct slice
    KIND_PATH,         // struct slice: begins with a slash
    KIND_PATH_OR_NONE, // likewise, or empty
    KIND_PATTERN,      // struct slice: begins with a slash or a star
    KIND_BUS,          // struct slice
    KIND_CURRENCY,     // struct slice
    KIND_ADDRESS,      // struct ip
    KIND_ENDPOINT,     // struct endpoint
    KIND_PORT,         // uint16_t, 0 for `off`
    KIND_DURATION,     // struct span
    KIND_SIZE,         // uint64_t, bytes
    KIND_BIT_RATE,     // uint64_t, bits a second
    KIND_REQUEST_RATE, // double, requests a second
    KIND_COUNT,        // uint64_t
    KIND_LOCATION,     // struct location
    KIND_MONEY,        // int64_t, microcents
    KIND_YES_NO,       // bool
    KIND_WORD,         // unsigned: position in `words`
    KIND_SECTION,      // the section's struct
    SCHEMA_KIND_COUNT
};

enum schema_shape {
    SHAPE_ONE,
    SHAPE_LIST, // struct schema_list; a single value, not a section, is taken for a list of one
    SHAPE_MAP,  // struct schema_list; the names are its nodes' keys, of kind key_kind
};

/* Items of one size, and where each was written. An item that was wrong is zero. */
struct schema_list {
    const void *items;
    const struct yaml_node *const *nodes;
    size_t count;
};

struct schema_section;

struct schema_row {
    const char *key;
    enum schema_kind kind;
    enum schema_shape shape;
    enum schema_kind key_kind; // SHAPE_MAP
    bool is_required;
    size_t offset;                        // of the field in the section's struct
    const char *standard;                 // the default, as it would be written; NULL: none
    const char *standard_text;            // the default in words, where it depends on others
    const char *least, *most;             // as they would be written; NULL: no such limit
    const char *const *words;             // KIND_WORD, ends with NULL
    const struct schema_section *section; // KIND_SECTION
    const char *help;                     // one line, says the unit where the kind does not
};

struct schema_section {
    const char *title;
    const char *help;
    const struct schema_row *rows;
    size_t row_count;
    size_t size_bytes; // of the struct
};

struct schema_head {
    struct slice name;          // key in the map that holds it; empty otherwise
    const struct yaml_node *at; // the map as written; NULL when it is all defaults
};

/*
 * Reads the map `node` into `out`, a zeroed struct of the section. Memory comes from `arena`;
 * slices may point into the tree. Whether all went well: ask whether `errors` grew.
 */
void schema_read(const struct schema_section *section, const struct yaml_node *node, void *out,
    struct arena *arena, struct conf_errors *errors);

/* What to add to an error, so that its mend is clear: `, did you mean "address"?`, or nothing. */
struct schema_hint {
    char text[96];
};

/* One of the words that may have been meant. */
typedef struct slice schema_word_fn(const void *words, size_t at);

/* Names the word most like `text`, if one is so like it that it may be a slip of the pen. */
struct schema_hint schema_hint(
    struct slice text, schema_word_fn *word, const void *words, size_t count);
