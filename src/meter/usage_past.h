// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A dead boot, read from the file that it left. Anything may be in there: what is not whole is left
 * out and counted, and never more is believed than the file holds.
 */

#include "base/arena.h"
#include "base/err.h"
#include "meter/usage.h"

struct usage_past {
    struct arena arena;
    struct usage_boot boot;   // slots: of those that counted anything
    struct usage_slot *slots; // their names are in the arena
    size_t broken;            // that cannot be read, or are not there although they should be
    char *path;               // for whoever keeps it
};

/* ERR_PARSE: the file is none of ours, or another version's; ERR_MISSING: nothing was written to it
 * yet, or it was emptied. Blocks. Done with usage_past_free
 * in the one case, nothing to be freed in the other. */
[[nodiscard]] enum err usage_past_read(int fd, struct usage_past **past);

/* Accepts NULL. */
void usage_past_free(struct usage_past *past);
