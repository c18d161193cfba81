// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a page; see change_fuzz.h. */
#include "rewrite/change_fuzz.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    change_check(rewrite_page, slice_of(data, size));
    return 0;
}
