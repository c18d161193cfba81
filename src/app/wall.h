// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The time of day, for those who have no loop to ask: before the first, and on pool threads. */

#include <time.h>

#include "base/clock.h"

static inline struct wall wall_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall){ (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 };
}
