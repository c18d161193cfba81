// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The order of names, for sorting and searching: by bytes, a name before those that go on. */

#include "base/slice.h"

/* Below zero: a comes before b; zero: they are equal. */
static inline int slice_order(struct slice a, struct slice b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common == 0 ? 0 : memcmp(a.at, b.at, common);

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}
