// SPDX-License-Identifier: Apache-2.0
#include "meter/invoice_test.h"

#include <stdlib.h>

#include "meter/plan_test.h"

/* What the writer writes; freed by the caller. */
static char *written(
    const struct invoice *invoice, void (*write)(const struct invoice *invoice, FILE *out))
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    write(invoice, out);
    fclose(out);
    return text;
}

static void check_written(const struct invoice *invoice,
    void (*write)(const struct invoice *invoice, FILE *out), const char *expected)
{
    char *text = written(invoice, write);

    assert_string_equal(text, expected);
    free(text);
}

static void an_invoice_as_text_says_all_that_it_is_made_of(void **)
{
    struct invoice *invoice = example();

    check_written(invoice, invoice_write_text,
        "Invoice of acme for 2026-11 (UTC)\n"
        "\n"
        "Plan standard in EUR, held for 29d 23:50:00\n"
        "  price of the month                               29d 23:50:00  50.00 per month          "
        "               49.99\n"
        "  traffic, included                             99.976851851 GB                           "
        "                0.00\n"
        "  traffic                                     3900.023148149 GB  0.02 per GB              "
        "               78.00\n"
        "  traffic, asia                                500.123456789 GB  0.05 per GB              "
        "               25.01\n"
        "  requests, included                                     999768                           "
        "                0.00\n"
        "  requests                                              3500359  0.60 per million         "
        "                2.10\n"
        "  DNS answers                                                40                           "
        "                0.00\n"
        "\n"
        "Plan transit in EUR, held for 0d 00:10:00\n"
        "  95th percentile                                    200 Mbit/s  2.00 per Mbit/s and "
        "month                0.09\n"
        "  requests                                                 7502                           "
        "                0.00\n"
        "  DNS answers                                                20  0.20 per million         "
        "                0.00\n"
        "\n"
        "Total EUR 155.19\n"
        "\n"
        "Derived from\n"
        "  plan standard, hash e4b0f4280b17002a91148404b1fe1d1070445e74bb2c0388d7750571ef0a4b14\n"
        "  plan transit, hash be2f05379448565a8e69cb37169b7ad270f8dc43f99113169e42dabd36d9bcfc\n"
        "  node fra1, entries 7 to 9 (3 of this customer), hash of the last "
        "0909090909090909090909090909090909090909090909090909090909090909\n"
        "  node fra1/corrections, entries 1 to 1 (1 of this customer), hash of the last "
        "0101010101010101010101010101010101010101010101010101010101010101\n"
        "  node sin1, entries 199 to 200 (2 of this customer), hash of the last "
        "c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8\n");
    invoice_free(invoice);
}

static void an_invoice_as_csv_has_a_row_for_each_line(void **)
{
    struct invoice *invoice = example();

    check_written(invoice, invoice_write_csv,
        "customer,month,plan,currency,line,group,tier,quantity,unit,price,per,amount\r\n"
        "acme,2026-11,standard,EUR,month,,,2591400000,ms,50.00,month,49.99\r\n"
        "acme,2026-11,standard,EUR,traffic_included,,,99976851851,B,0.00,GB,0.00\r\n"
        "acme,2026-11,standard,EUR,traffic,,1,3900023148149,B,0.02,GB,78.00\r\n"
        "acme,2026-11,standard,EUR,traffic,asia,1,500123456789,B,0.05,GB,25.01\r\n"
        "acme,2026-11,standard,EUR,requests_included,,,999768,requests,0.00,million,0.00\r\n"
        "acme,2026-11,standard,EUR,requests,,,3500359,requests,0.60,million,2.10\r\n"
        "acme,2026-11,standard,EUR,answers,,,40,answers,0.00,million,0.00\r\n"
        "acme,2026-11,transit,EUR,rate,,,200000000,bit/s,2.00,Mbit/s and month,0.09\r\n"
        "acme,2026-11,transit,EUR,requests,,,7502,requests,0.00,million,0.00\r\n"
        "acme,2026-11,transit,EUR,answers,,,20,answers,0.20,million,0.00\r\n");
    invoice_free(invoice);
}

static void a_month_without_a_plan_has_no_total(void **)
{
    struct invoice_entry entry = entry_of("fra1", "fra", 1, 0, 1);
    struct invoice *used = derive(&entry, 1, NULL, 0), *idle = derive(NULL, 0, NULL, 0);

    check_written(used, invoice_write_csv,
        "customer,month,plan,currency,line,group,tier,quantity,unit,price,per,amount\r\n"
        "acme,2026-11,,,traffic,,1,1,B,0.00,GB,0\r\n"
        "acme,2026-11,,,requests,,,1,requests,0.00,million,0\r\n"
        "acme,2026-11,,,answers,,,10,answers,0.00,million,0\r\n");
    check_written(idle, invoice_write_text,
        "Invoice of acme for 2026-11 (UTC)\n\nNo plan held for 30d: not priced\n  nothing\n"
        "\nNo total: no plan held\n\nDerived from\n  no entries\n");
    check_written(idle, invoice_write_csv,
        "customer,month,plan,currency,line,group,tier,quantity,unit,price,per,amount\r\n");
    invoice_free(used);
    invoice_free(idle);
}

static void swap(struct invoice_entry *a, struct invoice_entry *b)
{
    struct invoice_entry held = *a;

    *a = *b;
    *b = held;
}

static void the_order_of_entries_changes_nothing(void **)
{
    struct invoice_entry entries[EXAMPLE_ENTRIES];
    struct invoice *sorted = example();
    struct dice dice = { 3 };

    example_entries(entries);
    for (int round = 0; round < 200; round++) {
        for (size_t i = EXAMPLE_ENTRIES; i > 1; i--)
            swap(&entries[i - 1], &entries[dice_below(&dice, i)]);
        struct invoice *mixed = derive(entries, EXAMPLE_ENTRIES, EXAMPLE_TERMS, 2);
        struct diag why = { 0 };

        if (!invoice_same(mixed, sorted, &why))
            fail_msg("%s", why.text);
        invoice_free(mixed);
    }
    invoice_free(sorted);
}

static void a_correction_that_takes_all_back_leaves_the_price_without_it(void **)
{
    struct price_term term = { { 0 }, SLICE(STANDARD_TEXT) };
    struct invoice_entry entries[3] = { entry_of("fra1", "sin", 1, 3, 12345678901),
        entry_of("fra1", "fra", 2, 3, 777), entry_of("fra1/corrections", "fra", 1, 3, -777) };

    for (enum usage_kind kind = 0; kind < USAGE_KIND_COUNT; kind++)
        entries[2].added[kind] = -entries[1].added[kind];
    struct invoice *with = derive(entries, 3, &term, 1), *without = derive(entries, 1, &term, 1);
    char *left = written(with, invoice_write_csv), *right = written(without, invoice_write_csv);

    assert_string_equal(left, right);
    assert_int_equal(with->chain_count, 2);
    assert_int_equal(without->chain_count, 1);
    free(left);
    free(right);
    invoice_free(with);
    invoice_free(without);
}

/* What the example is changed into, and what is said of it. */
struct forgery {
    const char *expected;
    void (*forge)(struct invoice *invoice);
};

#define LINE(invoice, at)  (((struct price_line *)(uintptr_t)(invoice)->bill.lines)[at])
#define PART(invoice, at)  (((struct price_part *)(uintptr_t)(invoice)->bill.parts)[at])
#define TOTAL(invoice, at) (((struct price_total *)(uintptr_t)(invoice)->bill.totals)[at])
#define CHAIN(invoice, at) (((struct invoice_chain *)(uintptr_t)(invoice)->chains)[at])
#define PLAN(invoice, at)  (((struct invoice_plan *)(uintptr_t)(invoice)->plans)[at])

#define FORGERY(name, statement)              \
    static void name(struct invoice *invoice) \
    {                                         \
        statement;                            \
    }

FORGERY(forge_customer, invoice->customer = SLICE("acne"))
FORGERY(forge_month, invoice->month.month = 10)
FORGERY(forge_node, CHAIN(invoice, 0).node = SLICE("fra2"))
FORGERY(forge_first, CHAIN(invoice, 0).first = 1)
FORGERY(forge_last, CHAIN(invoice, 0).last = 8)
FORGERY(forge_count, CHAIN(invoice, 2).count = 3)
FORGERY(forge_hash, CHAIN(invoice, 2).hash[31] ^= 1)
FORGERY(forge_chains, invoice->chain_count--)
FORGERY(forge_plan, PART(invoice, 0).plan = SLICE("large"))
FORGERY(forge_currency, PART(invoice, 1).currency = SLICE("USD"))
FORGERY(forge_begin, PART(invoice, 1).begin.ms++)
FORGERY(forge_held, PART(invoice, 1).held_ms--)
FORGERY(forge_text, PART(invoice, 1).text.length--)
FORGERY(forge_plan_hash, PLAN(invoice, 1).hash[0] ^= 1)
FORGERY(forge_parts, invoice->bill.part_count--)
FORGERY(forge_line_part, LINE(invoice, 7).part = 0)
FORGERY(forge_kind, LINE(invoice, 2).kind = PRICE_TRAFFIC_INCLUDED)
FORGERY(forge_group, LINE(invoice, 3).group = SLICE_NONE)
FORGERY(forge_tier, LINE(invoice, 3).tier = 2)
FORGERY(forge_quantity, LINE(invoice, 4).quantity++)
FORGERY(forge_price, LINE(invoice, 2).price_microcents--)
FORGERY(forge_amount, LINE(invoice, 2).amount_microcents -= 1000000)
FORGERY(forge_lines, invoice->bill.line_count--)
FORGERY(forge_total, TOTAL(invoice, 0).amount_microcents++)
FORGERY(forge_total_currency, TOTAL(invoice, 0).currency = SLICE("USD"))
FORGERY(forge_totals, invoice->bill.total_count--)

static const struct forgery FORGERIES[] = {
    { "customer: given \"acne\", the ledger says \"acme\"", forge_customer },
    { "month: given \"2026-10\", the ledger says \"2026-11\"", forge_month },
    { "nodes with entries: given \"fra2\", the ledger says \"fra1\"", forge_node },
    { "entries of node fra1, the first: given 1, the ledger says 7", forge_first },
    { "entries of node fra1, the last: given 8, the ledger says 9", forge_last },
    { "entries of node sin1, how many: given 3, the ledger says 2", forge_count },
    { "the hash of entry 200 of node sin1 is another in the ledger", forge_hash },
    { "how many nodes have entries: given 2, the ledger says 3", forge_chains },
    { "plan 1: given \"large\", the ledger says \"standard\"", forge_plan },
    { "plan 2, currency: given \"USD\", the ledger says \"EUR\"", forge_currency },
    { "plan 2, held from: given 1796082600001, the ledger says 1796082600000", forge_begin },
    { "plan 2, held for how many ms: given 599999, the ledger says 600000", forge_held },
    { "plan 2, transit: its prices or its hash are others in the ledger", forge_text },
    { "plan 2, transit: its prices or its hash are others in the ledger", forge_plan_hash },
    { "how many plans held: given 1, the ledger says 2", forge_parts },
    { "plan of a line: given 0, the ledger says 1", forge_line_part },
    { "line 3: given \"traffic_included\", the ledger says \"traffic\"", forge_kind },
    { "line 4 (traffic): given \"\", the ledger says \"asia\"", forge_group },
    { "line 4 (traffic), tier: given 2, the ledger says 1", forge_tier },
    { "line 5 (requests_included), quantity: given 999769, the ledger says 999768",
        forge_quantity },
    { "line 3 (traffic), price: given 0.01999999, the ledger says 0.02000000", forge_price },
    { "line 3 (traffic), amount: given 77.99000000, the ledger says 78.00000000", forge_amount },
    { "how many lines: given 9, the ledger says 10", forge_lines },
    { "total: given 155.19000001, the ledger says 155.19000000", forge_total },
    { "currency of a total: given \"USD\", the ledger says \"EUR\"", forge_total_currency },
    { "how many totals: given 0, the ledger says 1", forge_totals },
};

static void any_change_of_an_invoice_is_told_in_words(void **)
{
    struct invoice *derived = example();

    for (size_t i = 0; i < COUNT_OF(FORGERIES); i++) {
        struct invoice *given = example();
        struct diag why = { 0 };

        assert_true(invoice_same(given, derived, &why));
        FORGERIES[i].forge(given);
        assert_false(invoice_same(given, derived, &why));
        assert_string_equal(why.text, FORGERIES[i].expected);
        assert_false(invoice_same(given, derived, NULL));
        invoice_free(given);
    }
    invoice_free(derived);
}

/* So many nodes, one entry each. */
struct crowd {
    struct invoice_source source;
    unsigned count, most;
    char name[16];
};

static bool crowd_next(struct invoice_source *source, struct invoice_entry *entry)
{
    struct crowd *crowd = container_of(source, struct crowd, source);

    if (crowd->count == crowd->most)
        return false;
    // Odd steps, so that nodes come out of order.
    snprintf(crowd->name, sizeof crowd->name, "n%u", crowd->count++ * 7919 % 65536);
    *entry = entry_of(crowd->name, "fra", 5, 0, 1);
    return true;
}

static enum err crowd_invoice(unsigned count, struct invoice **invoice, struct diag *why)
{
    struct crowd crowd = { { crowd_next }, 0, count, "" };
    struct invoice_basis basis = { SLICE("acme"), NOVEMBER, NULL, 0, &crowd.source };

    return invoice_derive(&basis, invoice, why);
}

static void nodes_are_told_in_order_and_as_many_as_there_may_be(void **)
{
    struct invoice *invoice = NULL;
    struct diag why = { 0 };

    assert_int_equal(crowd_invoice(INVOICE_NODES_MAX + 1, &invoice, &why), ERR_LIMIT);
    assert_string_equal(why.text, "entries of more than 4096 nodes");
    assert_null(invoice);
    assert_int_equal(crowd_invoice(INVOICE_NODES_MAX, &invoice, &why), ERR_NONE);
    assert_int_equal(invoice->chain_count, INVOICE_NODES_MAX);
    for (size_t i = 1; i < invoice->chain_count; i++)
        assert_true(strcmp(invoice->chains[i - 1].node.at, invoice->chains[i].node.at) < 0 &&
                    invoice->chains[i].count == 1);
    assert_int_equal(invoice->bill.lines[0].quantity, INVOICE_NODES_MAX);
    invoice_free(invoice);
}

static void check_refused(const struct invoice_entry *entry, const struct price_term *term,
    enum err expected, const char *words)
{
    struct shelf shelf = { { shelf_next }, entry, 1, 0 };
    struct invoice_basis basis = { SLICE("acme"), NOVEMBER, term, term != NULL, &shelf.source };
    struct invoice *invoice = NULL;
    struct diag why = { 0 };

    assert_int_equal(invoice_derive(&basis, &invoice, &why), expected);
    assert_string_equal(why.text, words);
    assert_null(invoice);
    invoice_free(invoice);
}

static void what_cannot_be_invoiced_is_told(void **)
{
    struct invoice_entry late = entry_of("fra1", "fra", 1, 30, 1);
    struct invoice_entry many = entry_of("fra1", "fra", 12, 3, 1);
    struct price_term broken = { { 0 }, SLICE("plan 9\n") };

    many.added[USAGE_MISS] = INT64_MAX;
    check_refused(&late, NULL, ERR_RANGE, "an entry begins outside of the month that is priced");
    check_refused(&many, NULL, ERR_RANGE, "entry 12 of fra1 has more requests than can be counted");
    check_refused(
        &many, &broken, ERR_PARSE, "line 1 of a plan's text says nothing that is known there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invoice_as_text_says_all_that_it_is_made_of),
        cmocka_unit_test(an_invoice_as_csv_has_a_row_for_each_line),
        cmocka_unit_test(a_month_without_a_plan_has_no_total),
        cmocka_unit_test(the_order_of_entries_changes_nothing),
        cmocka_unit_test(a_correction_that_takes_all_back_leaves_the_price_without_it),
        cmocka_unit_test(any_change_of_an_invoice_is_told_in_words),
        cmocka_unit_test(nodes_are_told_in_order_and_as_many_as_there_may_be),
        cmocka_unit_test(what_cannot_be_invoiced_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
