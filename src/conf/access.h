// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Where the lines of a customer's access log go. */

#include "base/slice.h"
#include "wire/access_line.h"

struct customer_access {
    struct slice file, pipe; // a path, or a command line of the shell; both empty: no log
    enum access_format format;
};

static inline bool customer_access_is_given(const struct customer_access *access)
{
    return access->file.length > 0 || access->pipe.length > 0;
}
