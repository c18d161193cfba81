// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "admin/order_ask.h"
#include "admin/orders_test.h"

/* What the admin reads of the body that is written for these words. */
static struct order read_back(
    const struct order_words *words, enum admin_verb verb, struct arena *arena)
{
    static const struct admin_orders KNOWN = { .network = &orders_network };
    struct admin_refusal refusal;
    struct order order = { 0 };
    struct text body;

    text_init(&body, 1 << 16);
    order_ask_write(words, &body);
    if (!admin_order_read(
            &(struct admin_order_asked){ .verb = verb, .body = text_slice(&body), .known = &KNOWN },
            arena, &order, &refusal))
        fail_msg("%s", refusal.message.text);
    text_done(&body);
    return order;
}

static void what_is_asked_is_what_is_read(void **)
{
    struct arena arena;

    arena_init(&arena, 1 << 20);
    struct order order = read_back(&(struct order_words){ .key = "tag",
                                       .value = "he said \"hi\"",
                                       .site = "static.acme.test",
                                       .is_soft = true,
                                       .id = "000000000000000000000000000000ff" },
        ADMIN_PURGE, &arena);

    assert_int_equal(order.kind, ORDER_PURGE_TAG);
    assert_true(order.is_soft && order.id[15] == 0xff);
    assert_true(slice_equal(order.text, SLICE("he said \"hi\"")));
    order = read_back(&(struct order_words){ .key = "node", .value = "fra1" }, ADMIN_DRAIN, &arena);
    assert_int_equal(order.kind, ORDER_DRAIN_NODE);
    arena_done(&arena);
}

static void ids_are_drawn(void **)
{
    char one[ORDER_ASK_ID_SIZE], other[ORDER_ASK_ID_SIZE];

    assert_int_equal(strlen(order_ask_id(one)), 32);
    assert_int_equal(strspn(one, "0123456789abcdef"), 32);
    assert_string_not_equal(one, order_ask_id(other));
}

static void the_number_is_found_or_there_is_none(void **)
{
    uint64_t number;

    assert_true(order_ask_number(SLICE("{\"order\": {\"number\": 7}}"), &number));
    assert_int_equal(number, 7);
    assert_false(order_ask_number(SLICE("{\"order\": {\"number\": \"7\"}}"), &number));
    assert_false(order_ask_number(SLICE("{\"number\": 7}"), &number));
    assert_false(order_ask_number(SLICE("nothing"), &number));
    assert_false(order_ask_number(SLICE_NONE, &number));
}

static void an_order_is_applied_when_all_that_are_present_say_so(void **)
{
    static const struct {
        const char *answer;
        enum order_progress progress;
    } CASES[] = {
        { "{\"receipts\": [{\"present\": true, \"applied\": true}, {\"present\": false, "
          "\"applied\": false}]}",
            ORDER_APPLIED },
        { "{\"receipts\": [{\"present\": true, \"applied\": true}, {\"present\": true, "
          "\"applied\": false}]}",
            ORDER_UNDER_WAY },
        { "{\"receipts\": [{\"present\": false, \"applied\": false}]}", ORDER_UNDER_WAY },
        { "{\"receipts\": []}", ORDER_UNDER_WAY },
        { "{\"error\": {\"code\": \"order\"}}", ORDER_UNDER_WAY },
        { "", ORDER_UNDER_WAY },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        assert_int_equal(order_ask_progress(slice_text(CASES[i].answer)), CASES[i].progress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_is_what_is_read),
        cmocka_unit_test(ids_are_drawn),
        cmocka_unit_test(the_number_is_found_or_there_is_none),
        cmocka_unit_test(an_order_is_applied_when_all_that_are_present_say_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
