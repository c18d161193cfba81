// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What is kept so that past answers can be replayed, and the text that a network was made of. */

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

/* A file that was read, as it was. */
struct conf_text {
    struct slice path, text;
};

struct network_history {
    struct span keep;              // 0: nothing is kept
    uint64_t size_bytes;           // on the disk of a node
    const struct conf_text *texts; // all that it was loaded from, in the order of reading
    size_t text_count;
};
