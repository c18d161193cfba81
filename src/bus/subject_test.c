// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/subject.h"

static bool reads(const char *subject)
{
    enum bus_lane lane;
    struct slice node;
    char room[BUS_NAME_MAX];

    return subject_read(slice_text(subject), SLICE("net.example"), &lane, room, &node);
}

static void a_subject_names_network_lane_and_node(void **)
{
    char subject[SUBJECT_MAX];

    subject_write(subject, SLICE("example"), BUS_REPORTS, SLICE("fra-1_A"));
    assert_string_equal(subject, "waypost.example.reports.fra-1_A");
    subject_write(subject, SLICE("example"), BUS_HEARTBEATS, SLICE("b"));
    assert_string_equal(subject, "waypost.example.heartbeats.b");
    subject_write_all(subject, SLICE("example"));
    assert_string_equal(subject, "waypost.example.*.*");
}

static void bytes_that_mean_something_to_nats_are_escaped(void **)
{
    char subject[SUBJECT_MAX];

    subject_write(subject, SLICE("a.b"), BUS_REPORTS, SLICE("*> %\xff"));
    assert_string_equal(subject, "waypost.a%2Eb.reports.%2A%3E%20%25%FF");
    subject_write_all(subject, SLICE("*"));
    assert_string_equal(subject, "waypost.%2A.*.*");
}

static void the_log_has_a_subject_that_is_of_no_lane_and_a_stream(void **)
{
    char subject[SUBJECT_MAX], room[BUS_NAME_MAX];
    struct slice node;
    enum bus_lane lane;

    subject_write_log(subject, SLICE("a.b"));
    assert_string_equal(subject, "waypost.a%2Eb.orders");
    assert_false(subject_read(slice_text(subject), SLICE("a.b"), &lane, room, &node));
    subject_write_stream(subject, SLICE("a.b"));
    assert_string_equal(subject, "waypost_a%2Eb_orders"); // dots part here, too
}

static void the_longest_names_fit(void **)
{
    char subject[SUBJECT_MAX], name[BUS_NAME_MAX], room[BUS_NAME_MAX];
    struct slice node, longest = slice_of(name, BUS_NAME_MAX);
    enum bus_lane lane = BUS_REPORTS;

    memset(name, '.', sizeof name);
    subject_write(subject, longest, BUS_HEARTBEATS, longest);
    assert_true(subject_read(slice_text(subject), longest, &lane, room, &node));
    assert_int_equal(lane, BUS_HEARTBEATS);
    assert_true(slice_equal(node, longest));
}

static void what_we_would_not_have_written_is_none(void **)
{
    static const char *const WRONG[] = { "", "waypost", "waypost.", "waypost.net%2Eexample",
        "waypost.net%2Eexample.reports", "waypost.net%2Eexample.reports.",
        "waypost.other.reports.a", "waypost.net%2Eexampl.reports.a", "waypost..reports.a",
        "waypost.net.example.reports.a", "Waypost.net%2Eexample.reports.a",
        "waypost.net%2Eexample.gossip.a", "waypost.net%2Eexample.Reports.a",
        "waypost.net%2Eexample.reports.a.b", "waypost.net%2eexample.reports.a",
        "waypost.net%2Eexample.reports.a%2eb", "waypost.net%2Eexample.reports.a%61",
        "waypost.net%2Eexample.reports.a%", "waypost.net%2Eexample.reports.a%2",
        "waypost.net%2Eexample.reports.a%G0", "waypost.net%2Eexample.reports.a b" };

    assert_true(reads("waypost.net%2Eexample.reports.a%2Eb"));
    assert_true(reads("waypost.net%2Eexample.heartbeats."
                      "a123456789a123456789a123456789a123456789a123456789a123456789a123"));
    assert_false(reads("waypost.net%2Eexample.heartbeats."
                       "a123456789a123456789a123456789a123456789a123456789a123456789a1234"));
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        if (reads(WRONG[i]))
            fail_msg("taken: %s", WRONG[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subject_names_network_lane_and_node),
        cmocka_unit_test(bytes_that_mean_something_to_nats_are_escaped),
        cmocka_unit_test(the_log_has_a_subject_that_is_of_no_lane_and_a_stream),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(what_we_would_not_have_written_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
