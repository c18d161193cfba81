// SPDX-License-Identifier: Apache-2.0
#include "app/orders_desk_test.h"

static void there_is_a_receipt_only_when_it_is_on_disk(void **)
{
    struct desk d;

    desk_init(&d, true);
    position_is(&d, 0, 0);
    takes_new(&d, 1, ORDER_PURGE_URL, "/a");
    assert_int_equal(added(&d, PURGE_URL), 1);
    position_is(&d, 0, 0);
    assert_int_equal(d.moved, 0);
    assert_int_equal(orders_receipt(d.orders, hash_bytes(SLICE("fra1"), 0), ERA, 1).ms, 0);
    rest(&d);
    position_is(&d, ERA, 1);
    assert_int_equal(d.moved, 1);
    assert_true(orders_receipt(d.orders, hash_bytes(SLICE("fra1"), 0), ERA, 1).ms > 0);
    assert_int_equal(access(d.path, F_OK), 0);
    desk_done(&d);
}

static void a_restart_knows_position_drains_and_what_was_shown(void **)
{
    struct desk d;

    desk_init(&d, true);
    takes_new(&d, 1, ORDER_DRAIN_POP, "fra");
    takes_new(&d, 2, ORDER_DRAIN_POP, "nyc");
    rest(&d);
    takes_new(&d, 3, ORDER_UNDRAIN_POP, "fra");
    takes_new(&d, 4, ORDER_PURGE_URL, "/a");
    rest(&d);
    uint64_t drains = orders_position(d.orders).drains;
    uint64_t purged = added(&d, PURGE_URL);

    desk_restart(&d);
    position_is(&d, ERA, 4);
    assert_true(orders_position(d.orders).drains == drains && drains != 0);
    assert_true(is_drained(&d, "nyc"));
    assert_false(is_drained(&d, "fra"));
    assert_int_equal(added(&d, PURGE_URL), purged); // the store is empty anyway
    assert_int_equal(orders_newest(d.orders, 0)->number, 4);
    assert_true(slice_equal(orders_newest(d.orders, 0)->order.text, SLICE("/a")));
    assert_int_equal(orders_newest(d.orders, 3)->number, 1);
    assert_null(orders_newest(d.orders, 4));
    takes_new(&d, 4, ORDER_DRAIN_POP, "sin"); // told again from a little before: nothing
    assert_false(is_drained(&d, "sin"));
    takes_new(&d, 5, ORDER_DRAIN_POP, "sin");
    assert_true(is_drained(&d, "sin"));
    desk_done(&d);
}

static void cut_file(const struct desk *d, off_t less)
{
    struct stat facts;

    assert_int_equal(stat(d->path, &facts), 0);
    assert_int_equal(truncate(d->path, facts.st_size - less), 0);
}

static void a_torn_end_is_cut_off_and_the_rest_is_good(void **)
{
    struct desk d;

    desk_init(&d, true);
    takes_new(&d, 1, ORDER_DRAIN_POP, "fra");
    rest(&d);
    takes_new(&d, 2, ORDER_DRAIN_POP, "nyc");
    rest(&d);
    cut_file(&d, 3);
    desk_restart(&d);
    assert_true(has_logged(&d, "torn_end node=fra1"));
    position_is(&d, ERA, 1);
    assert_true(is_drained(&d, "fra"));
    assert_false(is_drained(&d, "nyc"));
    takes_new(&d, 2, ORDER_DRAIN_POP, "nyc");
    desk_restart(&d);
    position_is(&d, ERA, 2);
    assert_true(is_drained(&d, "nyc"));
    desk_done(&d);
}

static void a_file_broken_in_the_middle_is_set_aside(void **)
{
    char path[100];
    struct desk d;

    desk_init(&d, true);
    takes_new(&d, 1, ORDER_DRAIN_POP, "fra");
    rest(&d);
    takes_new(&d, 2, ORDER_DRAIN_POP, "nyc");
    rest(&d);
    FILE *file = fopen(d.path, "r+");

    assert_non_null(file);
    assert_int_equal(fseek(file, ORDERS_FILE_HEADER + ORDERS_RECORD_HEADER + 5, SEEK_SET), 0);
    assert_int_equal(fputs("####", file) >= 0, 1);
    fclose(file);
    desk_restart(&d);
    assert_true(has_logged(&d, "broken_file node=fra1"));
    position_is(&d, 0, 0);
    assert_false(is_drained(&d, "fra"));
    snprintf(path, sizeof path, "%s.broken", d.path);
    assert_int_equal(access(path, F_OK), 0);
    takes_new(&d, 1, ORDER_DRAIN_POP, "fra");
    desk_restart(&d);
    position_is(&d, ERA, 1);
    assert_true(is_drained(&d, "fra"));
    desk_done(&d);
}

/* Files may not grow beyond this; 0: they may again. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void what_cannot_be_written_is_obeyed_without_a_receipt(void **)
{
    static char text[ORDER_TEXT_MAX + 1];
    struct desk d;

    desk_init(&d, true);
    memset(text, '/', ORDER_TEXT_MAX);
    takes_new(&d, 1, ORDER_DRAIN_POP, "fra");
    rest(&d);
    unsigned moved = d.moved;

    limit_files(ORDER_TEXT_MAX); // a full disk, but for what is logged
    takes_new(&d, 2, ORDER_PURGE_URL, text);
    takes_new(&d, 3, ORDER_DRAIN_POP, "nyc");
    sim_run_for(d.sim, span_ms(3500));
    assert_true(is_drained(&d, "nyc"));
    assert_int_equal(added(&d, PURGE_URL), 1);
    position_is(&d, ERA, 1);
    assert_int_equal(d.moved, moved);
    assert_true(orders_is_unwritten(d.orders));
    assert_int_equal(counter_read(&orders_journal_counts(orders_journal(d.orders))->errors), 4);
    assert_true(has_logged(&d, "cannot_write node=fra1"));
    assert_false(has_logged(&d, "can_write_again"));
    limit_files(0);
    sim_run_for(d.sim, span_ms(1000));
    position_is(&d, ERA, 3);
    assert_false(orders_is_unwritten(d.orders));
    assert_true(has_logged(&d, "can_write_again node=fra1"));
    desk_restart(&d);
    position_is(&d, ERA, 3);
    assert_true(is_drained(&d, "fra"));
    assert_true(is_drained(&d, "nyc"));
    desk_done(&d);
}

static void a_folder_that_is_gone_is_waited_for(void **)
{
    struct desk d;

    desk_init(&d, true);
    assert_int_equal(rmdir(d.folder), 0);
    takes_new(&d, 1, ORDER_DRAIN_POP, "fra");
    sim_run_for(d.sim, span_ms(1500));
    position_is(&d, 0, 0);
    assert_int_equal(mkdir(d.folder, 0700), 0);
    sim_run_for(d.sim, span_ms(1000));
    position_is(&d, ERA, 1);
    desk_restart(&d);
    assert_true(is_drained(&d, "fra"));
    desk_done(&d);
}

/* Texts as long as they may be fill the file quickly. */
static void a_file_that_grows_is_made_anew_and_says_the_same(void **)
{
    static char text[ORDER_TEXT_MAX + 1];
    struct stat facts;
    struct desk d;

    desk_init(&d, true);
    memset(text, 'x', ORDER_TEXT_MAX);
    text[0] = '/';
    takes_new(&d, 1, ORDER_DRAIN_POP, "fra");
    takes_new(&d, 2, ORDER_DRAIN_POP, "nyc");
    takes_new(&d, 3, ORDER_DRAIN_POP, "sin");
    takes_new(&d, 4, ORDER_UNDRAIN_POP, "nyc");
    for (uint64_t number = 5; number <= 1000; number++) {
        takes_new(&d, number, ORDER_PURGE_URL, text);
        rest(&d);
    }
    for (uint64_t number = 1001; number <= 3000; number++)
        takes_new(&d, number, ORDER_PURGE_URL, "/a");
    takes_new(&d, 3001, ORDER_UNDRAIN_POP, "sin");
    rest(&d);
    const struct orders_journal_counts *counts = orders_journal_counts(orders_journal(d.orders));

    assert_in_range(counter_read(&counts->rewrites), 2, 4);
    assert_int_equal(counter_read(&counts->errors), 0);
    uint64_t drains = orders_position(d.orders).drains;

    desk_restart(&d);
    position_is(&d, ERA, 3001);
    assert_true(orders_position(d.orders).drains == drains);
    assert_true(is_drained(&d, "fra"));
    assert_false(is_drained(&d, "nyc"));
    assert_false(is_drained(&d, "sin"));
    assert_int_equal(orders_newest(d.orders, 0)->number, 3001);
    assert_int_equal(orders_newest(d.orders, ORDERS_KEPT - 1)->number, 2002);
    assert_null(orders_newest(d.orders, ORDERS_KEPT));
    assert_int_equal(stat(d.path, &facts), 0);
    assert_true(facts.st_size <= 20 << 20);
    desk_done(&d);
}

static void what_came_while_a_write_was_under_way_goes_with_the_next(void **)
{
    struct desk d;

    desk_init(&d, true);
    for (uint64_t number = 1; number <= 500; number++)
        takes_new(&d, number, ORDER_PURGE_URL, "/a");
    rest(&d);
    const struct orders_journal_counts *counts = orders_journal_counts(orders_journal(d.orders));

    assert_int_equal(counter_read(&counts->rewrites), 1);
    assert_int_equal(counter_read(&counts->writes), 1);
    position_is(&d, ERA, 500);
    desk_restart(&d);
    position_is(&d, ERA, 500);
    desk_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_a_receipt_only_when_it_is_on_disk),
        cmocka_unit_test(a_restart_knows_position_drains_and_what_was_shown),
        cmocka_unit_test(a_torn_end_is_cut_off_and_the_rest_is_good),
        cmocka_unit_test(a_file_broken_in_the_middle_is_set_aside),
        cmocka_unit_test(what_cannot_be_written_is_obeyed_without_a_receipt),
        cmocka_unit_test(a_folder_that_is_gone_is_waited_for),
        cmocka_unit_test(a_file_that_grows_is_made_anew_and_says_the_same),
        cmocka_unit_test(what_came_while_a_write_was_under_way_goes_with_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
