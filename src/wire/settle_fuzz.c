// SPDX-License-Identifier: Apache-2.0
/* Whatever is read is written as the same bytes again: there is one way to say it. */
#include <assert.h>

#include "base/mem.h"
#include "wire/settle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct slice input = slice_of(bytes, length);
    struct settle settle;

    if (!settle_parse(input, &settle))
        return 0;
    char *room = mem_alloc(length + SETTLE_ANSWER_MAX);

    assert(slice_equal(settle_write(&settle, room), input));
    mem_free(room);
    struct slice entry;

    while (usage_batch_next(&settle.entries, &entry))
        assert(entry.at >= input.at && entry.at + entry.length <= input.at + input.length);
    return 0;
}
