// SPDX-License-Identifier: Apache-2.0
/* The file of a book: what is read is written back as it was, and ends where the reader says. */
#include <assert.h>

#include "bus/book_bytes.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    struct book_reader reader;
    struct book_order order;
    char again[BOOK_ORDER_SIZE_MAX];
    enum book_found found;

    if (!book_reader_open(&reader, bytes)) {
        found = book_reader_next(&reader, &order);
        assert(found == BOOK_END);
        return 0;
    }
    book_head_write(again, reader.era, reader.next);
    assert(memcmp(again, data, BOOK_HEAD_SIZE) == 0);
    for (const char *at = reader.rest.at; (found = book_reader_next(&reader, &order)) == BOOK_ORDER;
         at = reader.rest.at) {
        size_t length = book_order_write(again, reader.era, reader.next - 1, &order);

        assert(at + length == reader.rest.at && memcmp(again, at, length) == 0);
    }
    assert((found == BOOK_END) == (reader.rest.length == 0));
    return 0;
}
