// SPDX-License-Identifier: Apache-2.0
/* Cache-Control: never out of bounds, and what it yields is a lifetime or the absence of one. */
#include <assert.h>

#include "wire/cache_control.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check(int64_t seconds)
{
    assert(seconds >= CACHE_SECONDS_NONE && seconds <= CACHE_SECONDS_MAX);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cache_control c;

    cache_control_init(&c);
    cache_control_add(&c, slice_of(data, size));
    check(c.max_age);
    check(c.s_maxage);
    check(c.stale_if_error);
    check(c.stale_while_revalidate);
    check(c.max_stale);
    check(c.min_fresh);
    return 0;
}
