// SPDX-License-Identifier: Apache-2.0
/* Orders: reading stays within bounds whatever the bytes are, and what is an order is written again
 * as the same bytes. */
#include <assert.h>
#include <string.h>

#include "wire/order.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct order order;
    char room[ORDER_MAX];

    if (!order_parse(slice_of(data, size), &order))
        return 0;
    assert(order_is_sane(&order) && size <= ORDER_MAX);
    struct slice again = order_write(&order, room);

    assert(again.length == size && memcmp(again.at, data, size) == 0);
    return 0;
}
