// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * YAML text to a small tree in which every value and key knows its place. JSON is YAML, so it is
 * read as well.
 *
 * A subset on purpose: anchors, aliases, tags, keys that are not text, and several documents in
 * one file are refused. They make settings hard to read and a parser easy to exhaust; `include`
 * does what aliases are wanted for. All scalars are text here; what they are is the tables' to say.
 *
 * Limits: depth YAML_DEPTH_MAX, and YAML_NODES_MAX and YAML_BYTES_MAX for all files of one tree.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"
#include "conf/errors.h"

enum { YAML_DEPTH_MAX = 32, YAML_NODES_MAX = 1 << 20, YAML_BYTES_MAX = 512 << 20 };

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    struct conf_place at;
    struct slice text; // YAML_TEXT: the value, quotes and escapes undone
    bool is_plain;     // YAML_TEXT: written without quotes
    struct slice key;  // when its parent is a map
    struct conf_place key_at;
    struct yaml_node *next;         // in its parent, in the order of the file
    struct yaml_node *first, *last; // of a list or map
    size_t count;
    struct yaml_node **slots; // of a larger map: its nodes by hash of their key
    size_t slot_count;        // a power of two, or 0
};

struct yaml_tree {
    struct arena arena;
    size_t node_count;
};

void yaml_tree_init(struct yaml_tree *tree);
void yaml_tree_done(struct yaml_tree *tree);

/*
 * Reads one document; the tree's memory holds the result and `text` may go. NULL when the syntax
 * is beyond reading on. A key that comes twice is an error, its second value is left out, and
 * reading goes on: ask `errors` too.
 */
struct yaml_node *yaml_read(
    struct yaml_tree *tree, const char *file, struct slice text, struct conf_errors *errors);

/* The value of a key; NULL when there is none, or `map` is NULL or no map. */
struct yaml_node *yaml_find(const struct yaml_node *map, struct slice key);

/* As yaml_find, and takes it out of the map. */
struct yaml_node *yaml_take(struct yaml_node *map, struct slice key);

/*
 * Moves what `from` holds into `into`, both maps: maps that meet are merged in the same way,
 * anything else that is in both is an error that names both places. `from` is used up.
 */
void yaml_merge(struct yaml_tree *tree, struct yaml_node *into, struct yaml_node *from,
    struct conf_errors *errors);

/* "a list", "a map", or "text": for errors. */
const char *yaml_kind_text(const struct yaml_node *node);
