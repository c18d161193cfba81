// SPDX-License-Identifier: Apache-2.0
#include "meter/ledger_test.h"

#define TEXT(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    } // SLICE, for what is static

static const struct ledger_term BOTH[] = {
    { .customer = TEXT("acme"), .plan = TEXT("plan 1 standard\n") },
    { .customer = TEXT("brook"), .plan = TEXT("plan 1 transit\n") },
};

static size_t agree(struct place *p, int64_t now_ms, const struct ledger_term *terms, size_t count)
{
    struct diag why = { 0 };
    size_t added = 99;

    if (ledger_agree(p->ledger, (struct wall){ now_ms }, terms, count, &added, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    return added;
}

/* "from plan " of each, from 0. */
static const char *terms_of(
    struct place *p, const char *customer, int64_t from_ms, int64_t to_ms, char text[400])
{
    struct ledger_term term;
    struct db_rows rows;
    size_t length = 0;

    text[0] = '\0';
    ledger_terms(
        p->ledger, slice_text(customer), (struct wall){ from_ms }, (struct wall){ to_ms }, &rows);
    while (ledger_term_next(&rows, &term)) {
        assert_true(slice_equal(term.customer, slice_text(customer)));
        length +=
            (size_t)snprintf(text + length, 400 - length, "%lld %.*s ", (long long)term.from.ms,
                SLICE_ARG(
                    slice_from(slice_head(term.plan, term.plan.length - 1), sizeof "plan 1 " - 1)));
    }
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    return text;
}

static void terms_are_added_when_a_release_says_something_else(void **)
{
    const struct ledger_term dearer[] = {
        { .customer = SLICE("acme"), .plan = SLICE("plan 1 dearer\n") }, BOTH[1]
    };
    char text[400];
    struct place p;

    place_init(&p);
    assert_int_equal(agree(&p, 100, BOTH, 2), 2);
    assert_int_equal(agree(&p, 200, BOTH, 2), 0);
    assert_int_equal(agree(&p, 300, dearer, 2), 1);
    assert_int_equal(agree(&p, 400, BOTH, 2), 1);
    assert_string_equal(
        terms_of(&p, "acme", 0, INT64_MAX, text), "100 standard 300 dearer 400 standard ");
    assert_string_equal(terms_of(&p, "brook", 0, INT64_MAX, text), "100 transit ");
    place_done(&p);
}

static void a_month_begins_with_the_terms_that_held_before_it(void **)
{
    char text[400], name[40];
    struct place p;

    place_init(&p);
    for (int i = 1; i <= 5; i++) {
        snprintf(name, sizeof name, "plan 1 p%d\n", i);
        const struct ledger_term term = { .customer = SLICE("acme"), .plan = slice_text(name) };

        assert_int_equal(agree(&p, 100 * i, &term, 1), 1);
    }
    assert_string_equal(terms_of(&p, "acme", 250, 400, text), "200 p2 300 p3 ");
    assert_string_equal(terms_of(&p, "acme", 300, 401, text), "300 p3 400 p4 ");
    assert_string_equal(terms_of(&p, "acme", 0, 100, text), "");
    assert_string_equal(terms_of(&p, "acme", 0, 101, text), "100 p1 ");
    assert_string_equal(terms_of(&p, "acme", 900, 1000, text), "500 p5 ");
    place_done(&p);
}

static void who_has_no_plan_or_is_gone_has_none_from_then_on(void **)
{
    const struct ledger_term free[] = { { .customer = SLICE("acme") }, BOTH[1],
        { .customer = SLICE("never") } };
    struct ledger_term term;
    struct db_rows rows;
    struct place p;

    place_init(&p);
    assert_int_equal(agree(&p, 100, BOTH, 2), 2);
    assert_int_equal(agree(&p, 200, free, 3), 1); // who never had one needs no term
    assert_int_equal(agree(&p, 300, NULL, 0), 1); // brook is gone
    assert_int_equal(agree(&p, 400, NULL, 0), 0);
    ledger_terms(p.ledger, SLICE("brook"), (struct wall){ 0 }, (struct wall){ 1000 }, &rows);
    assert_true(ledger_term_next(&rows, &term));
    assert_true(ledger_term_next(&rows, &term));
    assert_int_equal(term.from.ms, 300);
    assert_int_equal(term.plan.length, 0);
    assert_false(ledger_term_next(&rows, &term));
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    assert_int_equal(agree(&p, 500, BOTH, 2), 2);
    place_done(&p);
}

static void a_clock_that_was_set_back_does_not_change_what_was_agreed(void **)
{
    const struct ledger_term dearer = { .customer = SLICE("acme"),
        .plan = SLICE("plan 1 dearer\n") };
    char text[400];
    struct place p;

    place_init(&p);
    assert_int_equal(agree(&p, 1000, BOTH, 1), 1);
    assert_int_equal(agree(&p, 500, &dearer, 1), 1);
    assert_int_equal(agree(&p, 500, BOTH, 1), 1);
    assert_string_equal(
        terms_of(&p, "acme", 0, INT64_MAX, text), "1000 standard 1001 dearer 1002 standard ");
    place_done(&p);
}

static void releases_of_the_same_millisecond_have_terms_of_their_own(void **)
{
    const struct ledger_term dearer = { .customer = SLICE("acme"),
        .plan = SLICE("plan 1 dearer\n") };
    char text[400];
    struct place p;

    place_init(&p);
    assert_int_equal(agree(&p, 1000, BOTH, 1), 1);
    assert_int_equal(agree(&p, 1000, &dearer, 1), 1);
    assert_string_equal(terms_of(&p, "acme", 0, INT64_MAX, text), "1000 standard 1001 dearer ");
    place_done(&p);
}

/* Names of those who have something to do with the time, with commas. */
static const char *customers(struct place *p, int64_t from_ms, int64_t to_ms, char text[100])
{
    struct db_rows rows;
    size_t length = 0;

    text[0] = '\0';
    ledger_customers(p->ledger, (struct wall){ from_ms }, (struct wall){ to_ms }, &rows);
    while (db_next(&rows))
        length += (size_t)snprintf(
            text + length, 100 - length, "%.*s,", SLICE_ARG(db_bytes_at(&rows, 0)));
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    return text;
}

static void customers_of_a_month_are_those_with_usage_or_a_plan(void **)
{
    struct chain c = chain_of("fra1", "fra");
    char text[100];
    struct place p;

    place_init(&p);
    assert_string_equal(customers(&p, NOVEMBER_MS, DECEMBER_MS, text), "");
    chain_add(&c, "zebra", "z.test", NOVEMBER_MS + HOUR_MS, 1);
    chain_add(&c, "acme", "a.test", DECEMBER_MS + HOUR_MS, 1);
    settle_all(&p, &c);
    assert_int_equal(agree(&p, NOVEMBER_MS + DAY_MS, BOTH, 2), 2);
    assert_int_equal(agree(&p, DECEMBER_MS, BOTH, 1), 1); // brook has left
    assert_string_equal(customers(&p, 0, NOVEMBER_MS, text), "");
    assert_string_equal(customers(&p, NOVEMBER_MS, DECEMBER_MS, text), "acme,brook,zebra,");
    assert_string_equal(customers(&p, DECEMBER_MS, INT64_MAX, text), "acme,");
    chain_done(&c);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_are_added_when_a_release_says_something_else),
        cmocka_unit_test(a_month_begins_with_the_terms_that_held_before_it),
        cmocka_unit_test(who_has_no_plan_or_is_gone_has_none_from_then_on),
        cmocka_unit_test(a_clock_that_was_set_back_does_not_change_what_was_agreed),
        cmocka_unit_test(releases_of_the_same_millisecond_have_terms_of_their_own),
        cmocka_unit_test(customers_of_a_month_are_those_with_usage_or_a_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
