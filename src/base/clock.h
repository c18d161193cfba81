// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Kinds of time that must not be mixed: a point on the monotonic clock, a length, and a point in
 * UTC, roughly or exactly. Wrapping them in structs makes the compiler refuse a sum of two points.
 */

#include <stdint.h>

struct instant {
    int64_t ns; // since boot; never leaves the process
};

struct span {
    int64_t ns;
};

struct wall {
    int64_t ms; // since 1970-01-01T00:00:00Z; for all that is stored, sent or shown
};

/* UTC as exactly as the machine knows it: for what is put in order with what others saw. */
struct moment {
    int64_t us; // since 1970-01-01T00:00:00Z
};

#define INSTANT_NEVER ((struct instant){ INT64_MAX })

static inline struct span span_us(int64_t us)
{
    return (struct span){ us * 1000 };
}

static inline struct span span_ms(int64_t ms)
{
    return (struct span){ ms * 1000000 };
}

static inline struct span span_s(int64_t s)
{
    return (struct span){ s * 1000000000 };
}

static inline struct span instant_since(struct instant earlier, struct instant later)
{
    return (struct span){ later.ns - earlier.ns };
}

static inline struct instant instant_after(struct instant start, struct span wait)
{
    return (struct instant){ start.ns + wait.ns };
}

static inline int64_t wall_s(struct wall wall)
{
    return wall.ms / 1000;
}

static inline struct wall wall_from_s(int64_t s)
{
    return (struct wall){ s * 1000 };
}
