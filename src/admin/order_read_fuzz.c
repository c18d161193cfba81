// SPDX-License-Identifier: Apache-2.0
/* Bodies of requests for orders, whoever sent them; the first byte chooses the verb. What is read
 * can be written into the log, and names no path in two ways. */
#include <stdlib.h>

#include "admin/orders_test.h"
#include "cache/key.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must_be_normal(const struct order *order)
{
    char room[HTTP_TARGET_MAX];
    struct slice again;

    if (!cache_path_normalise(order->text, room, sizeof room, &again) ||
        !slice_equal(again, order->text))
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const struct admin_orders KNOWN = {
        .network = &orders_network, .drains = orders_drains, .drain_count = 2
    };
    struct admin_refusal refusal;
    struct order order = { 0 }, read;
    char room[ORDER_MAX];
    struct arena arena;

    if (size == 0)
        return 0;
    const struct admin_order_asked asked = { .verb = (enum admin_verb)(data[0] % 3),
        .body = slice_of(data + 1, size - 1),
        .known = &KNOWN,
        .is_customers = (data[0] & 0x40) != 0 };

    arena_init(&arena, 1 << 20);
    if (admin_order_read(&asked, &arena, &order, &refusal)) {
        if (!order_parse(order_write(&order, room), &read) || read.kind != order.kind)
            abort();
        if (order.kind == ORDER_PURGE_URL)
            must_be_normal(&order);
    } else if (refusal.status < 400 || refusal.status > 499 || refusal.message.text[0] == '\0' ||
               refusal.mend.text[0] == '\0') {
        abort();
    }
    arena_done(&arena);
    return 0;
}
