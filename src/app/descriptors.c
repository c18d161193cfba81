// SPDX-License-Identifier: Apache-2.0
#include "app/descriptors.h"

#include <sys/resource.h>

// Not for visitors: a quarter, at most so many. Listeners, loops, files, and origins above all.
#define KEPT_MAX UINT64_C(4096)

uint64_t descriptors_needed(uint64_t connections)
{
    uint64_t kept = connections / 3 + 1;

    return connections + (kept < KEPT_MAX ? kept : KEPT_MAX);
}

uint64_t descriptors_admit(uint64_t limit)
{
    uint64_t kept = limit / 4 + 1 < KEPT_MAX ? limit / 4 + 1 : KEPT_MAX;

    return limit > kept ? limit - kept : 1;
}

uint64_t descriptors_raise(uint64_t wanted)
{
    struct rlimit limit, more;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted; // cannot fail; if it does, the kernel tells when there are no more
    more = (struct rlimit){ wanted, wanted };
    // Root may; others are told no, and so is root beyond fs.nr_open.
    if (limit.rlim_max < wanted && setrlimit(RLIMIT_NOFILE, &more) == 0)
        return wanted;
    more = (struct rlimit){ limit.rlim_max, limit.rlim_max };
    return setrlimit(RLIMIT_NOFILE, &more) == 0 ? more.rlim_cur : limit.rlim_cur;
}
