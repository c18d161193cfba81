// SPDX-License-Identifier: Apache-2.0
/* Entries: reading stays within bounds whatever the bytes are, and what is an entry is written
 * again as the same bytes, so that its hash is that of what it says. */
#include <assert.h>
#include <string.h>

#include "wire/usage.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct usage_entry entry;
    char room[USAGE_ENTRY_MAX];

    if (!usage_entry_parse(slice_of(data, size), &entry))
        return 0;
    assert(usage_entry_is_sane(&entry) && size <= USAGE_ENTRY_MAX);
    struct slice again = usage_entry_write(&entry, room);

    assert(again.length == size && memcmp(again.at, data, size) == 0);
    return 0;
}
