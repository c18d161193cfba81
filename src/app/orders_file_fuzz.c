// SPDX-License-Identifier: Apache-2.0
/* The file of orders: reading stays within bounds and ends whatever the bytes are; what is read is
 * written again as the same bytes. */
#include <assert.h>
#include <string.h>

#include "app/orders_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void write_again(
    const struct orders_record *record, const unsigned char *data, size_t before, size_t at)
{
    static char room[ORDERS_RECORD_MAX];
    size_t length = orders_record_write(record, room);

    // But for the byte of the header that is kept free.
    assert(length <= at - (before == 0 ? ORDERS_FILE_HEADER : before));
    assert(memcmp(room + ORDERS_RECORD_HEADER, data + at - length + ORDERS_RECORD_HEADER,
               length - ORDERS_RECORD_HEADER) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct orders_record record;
    size_t at = 0, before = 0;

    while (orders_record_read(slice_of(data, size), &at, &record) == ORDERS_READ_RECORD) {
        assert(at > before && at <= size);
        assert(record.kind < ORDERS_RECORD_KIND_COUNT && record.applied.ms >= 0);
        write_again(&record, data, before, at);
        before = at;
    }
    assert(at <= size);
    return 0;
}
