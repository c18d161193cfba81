// SPDX-License-Identifier: Apache-2.0
#include "app/orders_desk_test.h"

static enum purged judge(const struct desk *d, const char *key, uint64_t generation)
{
    const struct purge_subject subject = { .key = slice_text(key) };

    return purges_judge(d->purges, &subject, generation);
}

static void each_purge_goes_to_the_table_as_what_it_is(void **)
{
    struct desk d;

    desk_init(&d, false);
    uint64_t before = purges_generation(d.purges);

    takes_new(&d, 1, ORDER_PURGE_URL, "/a");
    takes_new(&d, 2, ORDER_PURGE_PREFIX, "/b/");
    takes_new(&d, 3, ORDER_PURGE_TAG, "news");
    assert_int_equal(judge(&d, "www.test/a", before), PURGED_GONE);
    assert_int_equal(judge(&d, "www.test/b/c", before), PURGED_GONE);
    assert_int_equal(judge(&d, "www.test/c", before), PURGED_NOT);
    assert_int_equal(added(&d, PURGE_TAG), 1);
    takes_new(&d, 4, ORDER_PURGE_SITE, "");
    assert_int_equal(judge(&d, "www.test/c", before), PURGED_GONE);
    assert_int_equal(judge(&d, "other.test/c", before), PURGED_NOT);
    assert_int_equal(counter_read(&orders_counts(d.orders)->applied), 4);
    position_is(&d, ERA, 4);
    desk_done(&d);
}

static void a_soft_purge_makes_stale(void **)
{
    struct order order = order_of(ORDER_PURGE_URL, "/a", 1);
    struct desk d;

    desk_init(&d, false);
    uint64_t before = purges_generation(d.purges);

    order.is_soft = true;
    takes(&d, 1, &order);
    assert_int_equal(judge(&d, "www.test/a", before), PURGED_STALE);
    desk_done(&d);
}

static void drains_are_kept_until_they_are_taken_back(void **)
{
    const struct drain *list;
    struct desk d;

    desk_init(&d, false);
    takes_new(&d, 1, ORDER_DRAIN_POP, "fra");
    takes_new(&d, 2, ORDER_DRAIN_NODE, "nyc1");
    takes_new(&d, 3, ORDER_DRAIN_ORIGIN, "acme/ams");
    assert_int_equal(drains_list(orders_drained(d.orders), &list), 3);
    assert_int_equal(list[1].kind, DRAIN_NODE);
    assert_int_equal(list[2].kind, DRAIN_ORIGIN);
    assert_true(slice_equal(list[2].by, SLICE("ann")));
    assert_int_equal(list[2].since.ms, 1700000000000);
    assert_int_equal(list[2].number, 3);
    assert_int_equal(d.drained, 3);
    takes_new(&d, 4, ORDER_UNDRAIN_NODE, "nyc1");
    takes_new(&d, 5, ORDER_UNDRAIN_ORIGIN, "acme/ams");
    assert_int_equal(drains_list(orders_drained(d.orders), &list), 1);
    takes_new(&d, 6, ORDER_UNDRAIN_POP, "fra");
    assert_int_equal(drains_list(orders_drained(d.orders), &list), 0);
    assert_int_equal(d.drained, 6);
    assert_true(orders_position(d.orders).drains == 0);
    assert_true(
        has_logged(&d, "orders applied node=fra1 number=1 order=\"drain pop\" name=\"fra\""));
    desk_done(&d);
}

static void what_comes_twice_changes_nothing(void **)
{
    const struct order drain = order_of(ORDER_DRAIN_POP, "fra", 77);
    struct desk d;

    desk_init(&d, true);
    takes(&d, 1, &drain);
    takes_new(&d, 2, ORDER_UNDRAIN_POP, "fra");
    takes(&d, 1, &drain);
    takes(&d, 3, &drain); // the same once more under another number
    assert_false(is_drained(&d, "fra"));
    assert_int_equal(counter_read(&orders_counts(d.orders)->repeated), 2);
    rest(&d);
    position_is(&d, ERA, 3);
    assert_int_equal(orders_newest(d.orders, 0)->number, 2);
    desk_restart(&d);
    position_is(&d, ERA, 3);
    assert_false(is_drained(&d, "fra"));
    desk_done(&d);
}

static void what_is_not_known_is_passed_over_and_counted(void **)
{
    struct order order = order_of(ORDER_DRAIN_POP, "fra", 1);
    char room[ORDER_MAX];
    struct desk d;

    desk_init(&d, true);
    struct slice bytes = order_write(&order, room);

    room[4] = ORDER_KIND_COUNT; // a kind that is still to be invented
    orders_take(d.orders, ERA, 1, bytes);
    orders_take(d.orders, ERA, 2, SLICE("hello"));
    orders_take(d.orders, ERA, 3, SLICE_NONE);
    assert_int_equal(counter_read(&orders_counts(d.orders)->unknown), 3);
    assert_true(has_logged(&d, "unknown node=fra1 number=2 bytes=5"));
    takes_new(&d, 4, ORDER_DRAIN_POP, "nyc");
    desk_restart(&d);
    position_is(&d, ERA, 4);
    assert_true(is_drained(&d, "nyc"));
    assert_int_equal(orders_newest(d.orders, 0)->number, 4);
    assert_null(orders_newest(d.orders, 1));
    desk_done(&d);
}

static void a_gap_makes_all_stale_and_keeps_drains(void **)
{
    struct desk d;

    desk_init(&d, true);
    takes_new(&d, 1, ORDER_DRAIN_POP, "fra");
    uint64_t before = purges_generation(d.purges);

    orders_gap(d.orders, ERA, 9);
    assert_int_equal(judge(&d, "any.test/", before), PURGED_STALE);
    assert_int_equal(counter_read(&orders_counts(d.orders)->gaps), 1);
    assert_true(has_logged(&d, "lost node=fra1 after=1 before=9 new_log=no"));
    rest(&d);
    position_is(&d, ERA, 8);
    takes_new(&d, 9, ORDER_DRAIN_POP, "nyc");
    desk_restart(&d);
    position_is(&d, ERA, 9);
    assert_true(is_drained(&d, "fra"));
    assert_true(is_drained(&d, "nyc"));
    assert_int_equal(counter_read(&orders_counts(d.orders)->gaps), 0);
    desk_done(&d);
}

static void another_log_begins_again_at_its_first_order(void **)
{
    char room[ORDER_MAX];
    const struct order order = order_of(ORDER_DRAIN_POP, "nyc", 99);
    struct desk d;

    desk_init(&d, true);
    for (uint64_t number = 1; number <= 5; number++)
        takes_new(&d, number, ORDER_DRAIN_POP, "fra");
    orders_gap(d.orders, ERA + 1, 1);
    assert_true(has_logged(&d, "new_log=yes"));
    rest(&d);
    position_is(&d, ERA + 1, 0);
    orders_take(d.orders, ERA + 1, 1, order_write(&order, room));
    rest(&d);
    position_is(&d, ERA + 1, 1);
    assert_true(is_drained(&d, "nyc"));
    assert_true(is_drained(&d, "fra"));
    desk_done(&d);
}

static void a_log_that_lost_its_end_is_followed_from_there(void **)
{
    struct desk d;

    desk_init(&d, true);
    for (uint64_t number = 1; number <= 5; number++)
        takes_new(&d, number, ORDER_PURGE_URL, "/a");
    orders_gap(d.orders, ERA, 4);
    const struct order order = order_of(ORDER_DRAIN_POP, "fra", 44);

    takes(&d, 4, &order);
    assert_true(is_drained(&d, "fra"));
    rest(&d);
    position_is(&d, ERA, 4);
    desk_done(&d);
}

static void a_number_that_is_skipped_counts_as_a_gap(void **)
{
    struct desk d;

    desk_init(&d, false);
    takes_new(&d, 1, ORDER_PURGE_URL, "/a");
    uint64_t before = purges_generation(d.purges);

    takes_new(&d, 3, ORDER_PURGE_URL, "/a");
    assert_int_equal(judge(&d, "any.test/", before), PURGED_STALE);
    assert_int_equal(counter_read(&orders_counts(d.orders)->gaps), 1);
    position_is(&d, ERA, 3);
    desk_done(&d);
}

static void what_is_stored_is_in_doubt_once_the_node_was_behind_for_a_while(void **)
{
    struct desk d;

    desk_init(&d, false);
    uint64_t before = purges_generation(d.purges);

    orders_linked(d.orders, true);
    orders_behind(d.orders, true);
    assert_true(orders_is_behind(d.orders));
    sim_run_for(d.sim, span_us(ORDERS_DOUBT.ns / 1000 - 10));
    assert_int_equal(judge(&d, "www.test/a", before), PURGED_NOT);
    sim_run_for(d.sim, span_us(20));
    assert_int_equal(judge(&d, "www.test/a", before), PURGED_DOUBT);
    assert_int_equal(judge(&d, "www.test/a", purges_generation(d.purges)), PURGED_NOT);
    orders_behind(d.orders, false);
    assert_false(orders_is_behind(d.orders));
    assert_int_equal(judge(&d, "www.test/a", before), PURGED_NOT);
    desk_done(&d);
}

static void a_node_without_bus_serves_what_it_has_until_it_can_know_better(void **)
{
    struct desk d;

    desk_init(&d, false);
    uint64_t before = purges_generation(d.purges);

    orders_behind(d.orders, true);
    sim_run_for(d.sim, span_s(60));
    assert_int_equal(judge(&d, "www.test/a", before), PURGED_NOT);
    orders_linked(d.orders, true);
    sim_run_for(d.sim, span_s(1));
    assert_int_equal(judge(&d, "www.test/a", before), PURGED_DOUBT);
    orders_linked(d.orders, false);
    assert_int_equal(judge(&d, "www.test/a", before), PURGED_NOT);
    desk_done(&d);
}

static void a_burst_of_orders_puts_nothing_in_doubt(void **)
{
    struct desk d;

    desk_init(&d, false);
    uint64_t before = purges_generation(d.purges);

    orders_linked(d.orders, true);
    for (unsigned i = 0; i < 40; i++) {
        orders_behind(d.orders, true);
        sim_run_for(d.sim, span_ms(10));
        assert_int_equal(judge(&d, "www.test/a", before), PURGED_NOT);
        orders_behind(d.orders, false);
    }
    sim_run_for(d.sim, span_s(1));
    assert_int_equal(purges_generation(d.purges), before);
    orders_behind(d.orders, true);
    desk_done(&d);
}

static void too_many_drains_are_refused_and_the_log_goes_on(void **)
{
    char name[16];
    struct desk d;

    desk_init(&d, false);
    for (uint64_t number = 1; number <= DRAINS_MAX + 1; number++) {
        snprintf(name, sizeof name, "pop%d", (int)number);
        takes_new(&d, number, ORDER_DRAIN_POP, name);
    }
    assert_int_equal(counter_read(&orders_counts(d.orders)->refused), 1);
    assert_true(has_logged(&d, "too_many_drains node=fra1 number=1025"));
    position_is(&d, ERA, DRAINS_MAX + 1);
    desk_done(&d);
}

static void a_receipt_of_a_peer_is_when_it_was_heard(void **)
{
    struct desk d;

    desk_init(&d, false);
    orders_heard(d.orders, 5, ERA, 3, (struct wall){ 1000 });
    assert_int_equal(orders_receipt(d.orders, 5, ERA, 2).ms, 1000);
    assert_int_equal(orders_receipt(d.orders, 5, ERA, 4).ms, 0);
    assert_int_equal(orders_receipt(d.orders, 6, ERA, 2).ms, 0);
    desk_done(&d);
}

struct asking {
    struct orders_waiter waiter;
    unsigned times;
    enum err err;
    uint64_t number;
};

static void on_answer(struct orders_waiter *waiter, const struct orders_answer *answer)
{
    struct asking *a = container_of(waiter, struct asking, waiter);

    a->times++;
    a->err = answer->err;
    a->number = answer->number;
    assert_true(answer->err == ERR_NONE || strlen(answer->why) > 0);
}

static void an_order_without_a_bus_is_refused_at_once(void **)
{
    const struct order order = order_of(ORDER_DRAIN_POP, "fra", 1);
    struct asking asking = { .waiter.done = on_answer };
    struct desk d;

    desk_init(&d, false);
    orders_give(d.orders, &order, &asking.waiter);
    assert_int_equal(asking.times, 1);
    assert_int_equal(asking.err, ERR_CLOSED);
    assert_int_equal(counter_read(&orders_counts(d.orders)->not_taken), 1);
    orders_forget(d.orders, &asking.waiter);
    desk_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_purge_goes_to_the_table_as_what_it_is),
        cmocka_unit_test(a_soft_purge_makes_stale),
        cmocka_unit_test(drains_are_kept_until_they_are_taken_back),
        cmocka_unit_test(what_comes_twice_changes_nothing),
        cmocka_unit_test(what_is_not_known_is_passed_over_and_counted),
        cmocka_unit_test(a_gap_makes_all_stale_and_keeps_drains),
        cmocka_unit_test(another_log_begins_again_at_its_first_order),
        cmocka_unit_test(a_log_that_lost_its_end_is_followed_from_there),
        cmocka_unit_test(a_number_that_is_skipped_counts_as_a_gap),
        cmocka_unit_test(what_is_stored_is_in_doubt_once_the_node_was_behind_for_a_while),
        cmocka_unit_test(a_node_without_bus_serves_what_it_has_until_it_can_know_better),
        cmocka_unit_test(a_burst_of_orders_puts_nothing_in_doubt),
        cmocka_unit_test(too_many_drains_are_refused_and_the_log_goes_on),
        cmocka_unit_test(a_receipt_of_a_peer_is_when_it_was_heard),
        cmocka_unit_test(an_order_without_a_bus_is_refused_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
