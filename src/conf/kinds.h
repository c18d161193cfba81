// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The kinds of value a setting may have, one row each: how its text is read, what to say when it
 * cannot be, and what an editor should accept. Adding a kind is adding a row.
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "conf/schema.h"

enum { KIND_BUS_SERVERS_MAX = 16 }; // in the text of a KIND_BUS

struct kind {
    const char *name;
    const char *expects;
    const char *pattern; // ECMA-262; NULL: any text
    bool is_number;      // YAML reads it as a number (or, for yes and no, as a truth)
    size_t size_bytes;   // of the field
    /* NULL for kinds that more than a text and a kind decide. Untouched output on failure. */
    enum err (*read)(struct arena *arena, struct slice text, void *field);
    /* For least and most; NULL: the kind has no order. */
    double (*measure)(const void *field);
};

const struct kind *kind_of(enum schema_kind kind);
