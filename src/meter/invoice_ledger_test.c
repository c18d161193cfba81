// SPDX-License-Identifier: Apache-2.0
#include "meter/invoice_ledger.h"
#include "meter/ledger_test.h"

#define PLAN(name, price)                                                                    \
    SLICE("plan 1 " name "\ncurrency EUR\nmonthly 30.00\nminimum 0.00\n"                     \
          "per_million_requests " price " included 0\nper_million_answers 0.00 included 0\n" \
          "per_gb 2.00\nincluded_traffic 0\n")

static void agree(struct place *p, int64_t at_ms, struct slice plan)
{
    struct ledger_term term = { .customer = SLICE("acme"), .plan = plan };
    size_t added;

    assert_int_equal(
        ledger_agree(p->ledger, (struct wall){ at_ms }, &term, 1, &added, NULL), ERR_NONE);
    assert_int_equal(added, 1);
}

static struct invoice *invoice_of(struct place *p, const char *customer, uint8_t month)
{
    struct invoice *invoice = NULL;
    struct diag why = { 0 };

    if (invoice_from_ledger(p->ledger, slice_text(customer), (struct month){ 2026, month },
            &invoice, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    return invoice;
}

static void a_ledger_gives_each_customer_the_months_own_use_and_plans(void **)
{
    struct place p;
    struct chain c = chain_of("fra1", "fra");

    place_init(&p);
    agree(&p, NOVEMBER_MS - 5 * (int64_t)DAY_MS, PLAN("old", "9.00"));
    agree(&p, NOVEMBER_MS - 1, PLAN("first", "1.00"));
    agree(&p, NOVEMBER_MS + 10 * (int64_t)DAY_MS, PLAN("second", "2.00"));
    agree(&p, DECEMBER_MS, PLAN("third", "3.00"));
    chain_add(&c, "acme", "a.example", NOVEMBER_MS - 10000, 1000000);
    chain_add(&c, "acme", "a.example", NOVEMBER_MS, 2000000);
    chain_add(&c, "other", "b.example", NOVEMBER_MS, 4000000);
    chain_add(&c, "acme", "c.example", DECEMBER_MS - 1, 8000000);
    chain_add(&c, "acme", "a.example", DECEMBER_MS, 16000000);
    settle_all(&p, &c);
    struct invoice *invoice = invoice_of(&p, "acme", 11);
    const struct price_bill *bill = &invoice->bill;

    assert_int_equal(bill->part_count, 2);
    assert_true(slice_equal(bill->parts[0].plan, SLICE("first")));
    assert_true(slice_equal(bill->parts[1].plan, SLICE("second")));
    assert_int_equal(bill->parts[0].held_ms, 10 * (int64_t)DAY_MS);
    // 10 + 2 GB at 2 + 2 million at 1; 20 + 8 GB at 2 + 8 million at 2.
    assert_int_equal(bill->totals[0].amount_microcents, INT64_C(6800000000));
    assert_int_equal(invoice->chain_count, 1);
    assert_int_equal(invoice->chains[0].first, 2);
    assert_int_equal(invoice->chains[0].last, 4);
    assert_int_equal(invoice->chains[0].count, 2);
    unsigned char hash[SHA256_SIZE];

    sha256(c.entries[3], hash);
    assert_memory_equal(invoice->chains[0].hash, hash, sizeof hash);
    sha256(PLAN("second", "2.00"), hash);
    assert_memory_equal(invoice->plans[1].hash, hash, sizeof hash);
    invoice_free(invoice);
    chain_done(&c);
    place_done(&p);
}

static void who_is_not_in_the_ledger_owes_nothing(void **)
{
    struct place p;

    place_init(&p);
    struct invoice *invoice = invoice_of(&p, "nobody", 11);

    assert_int_equal(invoice->bill.line_count, 0);
    assert_int_equal(invoice->bill.total_count, 0);
    assert_int_equal(invoice->chain_count, 0);
    invoice_free(invoice);
    place_done(&p);
}

static void a_plan_that_cannot_be_read_is_told(void **)
{
    struct place p;
    struct invoice *invoice = NULL;
    struct diag why = { 0 };

    place_init(&p);
    agree(&p, NOVEMBER_MS, SLICE("plan 2 later\n"));
    assert_int_equal(
        invoice_from_ledger(p.ledger, SLICE("acme"), (struct month){ 2026, 11 }, &invoice, &why),
        ERR_PARSE);
    assert_non_null(strstr(why.text, "line 1"));
    assert_null(invoice);
    place_done(&p);
}

static void too_many_changes_of_plan_are_told(void **)
{
    struct place p;
    struct invoice *invoice = NULL;
    struct diag why = { 0 };

    place_init(&p);
    for (int i = 0; i < PRICE_TERMS_MAX + 10; i++)
        agree(&p, NOVEMBER_MS + i, i % 2 == 0 ? PLAN("a", "1.00") : PLAN("b", "1.00"));
    assert_int_equal(
        invoice_from_ledger(p.ledger, SLICE("acme"), (struct month){ 2026, 11 }, &invoice, &why),
        ERR_LIMIT);
    assert_null(invoice);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ledger_gives_each_customer_the_months_own_use_and_plans),
        cmocka_unit_test(who_is_not_in_the_ledger_owes_nothing),
        cmocka_unit_test(a_plan_that_cannot_be_read_is_told),
        cmocka_unit_test(too_many_changes_of_plan_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
