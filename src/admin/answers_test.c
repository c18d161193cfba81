// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "admin/answers.h"
#include "admin/json.h"
#include "steer/pick.h"

enum { WORKERS = 2 };

static struct answers *of_fra, *of_nyc;
static struct admin_answers_node nodes[2];
static struct admin_answers answers = { nodes, 2 };

static void give(struct answers *a, const char *customer, const char *site, const char *target,
    enum steer_reason reason)
{
    struct answers_line *lines =
        answers_pair(a, slice_text(customer), slice_text(site), slice_text(target));

    counter_up(&answers_line(lines, 0)->of[reason]);
    counter_up(&answers_line(lines, 1)->of[reason]);
}

static int setup(void **)
{
    of_fra = answers_new(WORKERS);
    of_nyc = answers_new(WORKERS);
    nodes[0] = (struct admin_answers_node){ SLICE("fra1"), of_fra };
    nodes[1] = (struct admin_answers_node){ SLICE("nyc1"), of_nyc };
    give(of_fra, "acme", "www.acme.test", "ams", STEER_BEST);
    give(of_fra, "acme", "www.acme.test", "nyc", STEER_NEXT);
    give(of_fra, "bolt", "www.bolt.test", "ams", STEER_DRAWN);
    give(of_fra, "acme", "www.acme.test", "ams", STEER_RESERVE);
    give(of_nyc, "acme", "www.acme.test", "ams", STEER_BEST);
    answers_pair(of_nyc, SLICE("acme"), SLICE("www.acme.test"), SLICE("nyc")); // never given out
    return 0;
}

static int teardown(void **)
{
    answers_free(of_fra);
    answers_free(of_nyc);
    return 0;
}

/* "NODE/SITE/TARGET/REASON=ADDRESSES ", row by row. */
static const char *rows_of(const json_t *page, char *room, size_t room_bytes)
{
    const json_t *row;
    size_t i, used = 0;

    room[0] = '\0';
    json_array_foreach (json_object_get(page, "answers"), i, row)
        used += (size_t)snprintf(room + used, room_bytes - used, "%.*s/%.*s/%.*s/%.*s=%d ",
            SLICE_ARG(json_get_text(row, "node")), SLICE_ARG(json_get_text(row, "site")),
            SLICE_ARG(json_get_text(row, "target")), SLICE_ARG(json_get_text(row, "reason")),
            (int)json_get_number(row, "addresses"));
    return room;
}

static json_t *ask(const struct admin_answers_question *question)
{
    struct text text;

    text_init(&text, 1 << 20);
    admin_answers_write(&answers, question, &text);
    json_t *page = json_read(text_slice(&text));

    text_done(&text);
    assert_non_null(page);
    return page;
}

static void check(const struct admin_answers_question *question, const char *expected)
{
    json_t *page = ask(question);
    char room[1024];

    assert_string_equal(rows_of(page, room, sizeof room), expected);
    assert_null(json_object_get(page, "after"));
    json_decref(page);
}

#define ACME_OF_FRA                                                   \
    "fra1/www.acme.test/ams/best=2 fra1/www.acme.test/ams/reserve=2 " \
    "fra1/www.acme.test/nyc/next=2 "
#define OF_NYC "nyc1/www.acme.test/ams/best=2 "

static void each_site_target_and_reason_that_was_given_out_is_a_row(void **)
{
    check(&(struct admin_answers_question){ .limit = 10 },
        ACME_OF_FRA "fra1/www.bolt.test/ams/drawn=2 " OF_NYC);
}

static void the_rows_of_one_customer_or_site_are_told_alone(void **)
{
    check(
        &(struct admin_answers_question){
            .limit = 10, .is_of_customer = true, .customer = SLICE("acme") },
        ACME_OF_FRA OF_NYC);
    check(&(struct admin_answers_question){ .limit = 10, .site = SLICE("www.bolt.test") },
        "fra1/www.bolt.test/ams/drawn=2 ");
    check(&(struct admin_answers_question){ .limit = 10,
              .is_of_customer = true,
              .customer = SLICE("acme"),
              .site = SLICE("www.bolt.test") },
        "");
    check(&(struct admin_answers_question){ .limit = 10, .is_of_customer = true }, "");
}

static void pages_follow_each_other_without_gap_or_double(void **)
{
    static const char *const ROWS[] = { "fra1/www.acme.test/ams/best=2 ",
        "fra1/www.acme.test/ams/reserve=2 ", "fra1/www.acme.test/nyc/next=2 ",
        "fra1/www.bolt.test/ams/drawn=2 ", OF_NYC };
    struct admin_answers_question question = { .limit = 1 };
    char room[256];

    for (size_t i = 0; i < 5; i++) {
        json_t *page = ask(&question);
        struct slice after = json_get_text(page, "after");

        assert_string_equal(rows_of(page, room, sizeof room), ROWS[i]);
        assert_int_equal(slice_number(after, UINT64_MAX, &question.after), i < 4);
        json_decref(page);
    }
}

static void a_place_behind_the_last_has_no_rows(void **)
{
    check(&(struct admin_answers_question){ .limit = 10, .after = UINT64_MAX }, "");
}

static void a_node_that_counts_nothing_has_no_rows(void **)
{
    nodes[0].answers = NULL;
    check(&(struct admin_answers_question){ .limit = 10 }, OF_NYC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            each_site_target_and_reason_that_was_given_out_is_a_row, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_rows_of_one_customer_or_site_are_told_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(
            pages_follow_each_other_without_gap_or_double, setup, teardown),
        cmocka_unit_test_setup_teardown(a_place_behind_the_last_has_no_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_node_that_counts_nothing_has_no_rows, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
