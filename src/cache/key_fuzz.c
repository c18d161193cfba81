// SPDX-License-Identifier: Apache-2.0
/* A path that was normalised is normal: normalising it again changes nothing. */
#include <assert.h>

#include "cache/key.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static char once[4096], twice[4096];
    struct slice first, second;

    if (!cache_path_normalise(slice_of(data, size), once, sizeof once, &first))
        return 0;
    bool is_path = cache_path_normalise(first, twice, sizeof twice, &second);

    assert(is_path && slice_equal(first, second));
    return 0;
}
