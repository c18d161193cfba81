// SPDX-License-Identifier: Apache-2.0
#include "meter/price_test.h"

#include "base/attr.h"
#include "meter/money.h"

#define COUNTS       "per_million_requests 0.60 included 1000000\nper_million_answers 0.00 included 0\n"
#define NO_COUNTS    "per_million_requests 0.00 included 0\nper_million_answers 0.00 included 0\n"
#define FREE_TRAFFIC "per_gb 0.00\nincluded_traffic 0\n"

#define STANDARD                                                                     \
    "plan 1 standard\ncurrency EUR\nmonthly 50.00\nminimum 0.00\n" COUNTS            \
    "per_gb 0.02 up_to 10000000000000\nper_gb 0.01\nincluded_traffic 100000000000\n" \
    "group asia sin tyo\nper_gb 0.05\nincluded_traffic 0\n"
#define TRANSIT \
    "plan 1 transit\ncurrency EUR\nmonthly 0.00\nminimum 0.00\n" NO_COUNTS "per_mbit 2.00\n"
#define MONTHLY(name, currency, monthly, minimum)                                   \
    "plan 1 " name "\ncurrency " currency "\nmonthly " monthly "\nminimum " minimum \
    "\n" NO_COUNTS FREE_TRAFFIC

#define DEAR(name)                                                           \
    "plan 1 " name "\ncurrency EUR\nmonthly 92.00\nminimum 0.00\n" NO_COUNTS \
    "per_gb 92233720368.00\nincluded_traffic 0\n"

#define TERA INT64_C(1000000000000)
#define GIGA INT64_C(1000000000)

/* A term from the month's begin, or before it, on. */
static struct price_term always(const char *text)
{
    return (struct price_term){ { 0 }, slice_text(text) };
}

static struct price_term from(int64_t days, int64_t ms, const char *text)
{
    return (struct price_term){ november(days, ms), slice_text(text) };
}

static struct price_use sent(const char *pop, int64_t days, int64_t ms, int64_t bytes)
{
    return (struct price_use){
        .begin = november(days, ms), .pop = slice_text(pop), .sent_bytes = bytes
    };
}

/* The bill is that text. */
#define CHECK_BILL(terms, uses, expected) \
    check_bill_text(terms, COUNT_OF(terms), uses, COUNT_OF(uses), expected)

static void check_bill_text(const struct price_term *terms, size_t term_count,
    const struct price_use *uses, size_t use_count, const char *expected)
{
    struct bill b = bill_of(terms, term_count, uses, use_count);
    struct slice text = bill_text(&b);

    if (!slice_equal(text, slice_text(expected)))
        print_error("found:\n%.*s", SLICE_ARG(text));
    assert_true(slice_equal(text, slice_text(expected)));
    bill_drop(&b);
}

static const struct price_use NOTHING[] = { { { INT64_C(1793491200000) }, { "x", 1 }, 0, 0, 0 } };

#define WHOLE "1793491200000 2592000000\n" // of November 2026: begin and length

static void a_month_is_priced_by_tiers_groups_and_what_is_included(void **)
{
    struct price_term terms[] = { always(STANDARD) };
    struct price_use uses[] = { sent("fra", 0, 0, 9 * TERA), sent("sin", 3, 0, TERA),
        sent("nyc", 29, DAY_MS - 1, 2 * TERA), sent("tyo", 4, 0, TERA),
        { november(5, 0), SLICE("fra"), 0, 3500000, 12 } };

    CHECK_BILL(terms, uses,
        "part standard EUR " WHOLE "0 month  0 2592000000 x 5000000000 = 5000000000\n"
        "0 traffic_included  0 100000000000 x 0 = 0\n"
        "0 traffic  1 10000000000000 x 2000000 = 20000000000\n"
        "0 traffic  2 900000000000 x 1000000 = 900000000\n"
        "0 traffic asia 1 2000000000000 x 5000000 = 10000000000\n"
        "0 requests_included  0 1000000 x 0 = 0\n"
        "0 requests  0 2500000 x 60000000 = 150000000\n"
        "0 answers  0 12 x 0 = 0\n"
        "total EUR 36050000000\n");
}

static void a_plan_that_changes_within_the_month_holds_pro_rata(void **)
{
    // A third of the month: a third of the price, of what is included, and of the first tier.
    struct price_term terms[] = { always(STANDARD),
        from(10, 0, MONTHLY("flat", "EUR", "90", "0")) };
    struct price_term good[] = { terms[0], from(10, 0, MONTHLY("flat", "EUR", "90.00", "0.00")) };
    struct price_use uses[] = { sent("fra", 0, 0, 4 * TERA), sent("fra", 10, -1, 1),
        sent("fra", 10, 0, TERA) };
    struct price *price;

    assert_int_equal(price_new(terms, 2, NOVEMBER, &price, NULL), ERR_PARSE); // "90" is no text
    CHECK_BILL(good, uses,
        "part standard EUR 1793491200000 864000000\npart flat EUR 1794355200000 1728000000\n"
        "0 month  0 864000000 x 5000000000 = 1667000000\n"
        "0 traffic_included  0 33333333333 x 0 = 0\n"
        "0 traffic  1 3333333333333 x 2000000 = 6667000000\n"
        "0 traffic  2 633333333335 x 1000000 = 633000000\n"
        "1 month  0 1728000000 x 9000000000 = 6000000000\n"
        "1 traffic  1 1000000000000 x 0 = 0\n"
        "total EUR 14967000000\n");
}

/* docs/manual/fees.md has it. */
static void the_example_of_the_manual_is_right(void **)
{
    struct price_term terms[] = {
        always("plan 1 standard\ncurrency EUR\nmonthly 50.00\nminimum 100.00\n" COUNTS
               "per_gb 0.02 up_to 10000000000000\nper_gb 0.01\nincluded_traffic 100000000000\n"),
        from(10, 0, MONTHLY("flat", "EUR", "90.00", "0.00"))
    };
    struct price_use uses[] = { sent("fra", 0, 0, 3 * TERA), sent("fra", 9, DAY_MS - 1, TERA) };

    CHECK_BILL(terms, uses,
        "part standard EUR 1793491200000 864000000\npart flat EUR 1794355200000 1728000000\n"
        "0 month  0 864000000 x 5000000000 = 1667000000\n"
        "0 traffic_included  0 33333333333 x 0 = 0\n"
        "0 traffic  1 3333333333333 x 2000000 = 6667000000\n"
        "0 traffic  2 633333333334 x 1000000 = 633000000\n"
        "1 month  0 1728000000 x 9000000000 = 6000000000\n"
        "total EUR 14967000000\n");
}

static void a_plan_is_priced_to_the_millisecond(void **)
{
    struct price_term terms[] = { always(MONTHLY("a", "CLF", "25920.00", "0.00")),
        from(29, DAY_MS - 1, MONTHLY("b", "CLF", "25920.00", "0.00")) };

    CHECK_BILL(terms, NOTHING,
        "part a CLF 1793491200000 2591999999\npart b CLF 1796083199999 1\n"
        "0 month  0 2591999999 x 2592000000000 = 2592000000000\n"
        "1 month  0 1 x 2592000000000 = 0\n"
        "total CLF 2592000000000\n");
    struct price_term longer[] = { terms[0],
        from(29, DAY_MS - 10, MONTHLY("b", "CLF", "25920.00", "0.00")) };

    // 10 ms of 25920.00 a month are 0.0001.
    CHECK_BILL(longer, NOTHING,
        "part a CLF 1793491200000 2591999990\npart b CLF 1796083199990 10\n"
        "0 month  0 2591999990 x 2592000000000 = 2591999990000\n"
        "1 month  0 10 x 2592000000000 = 10000\n"
        "total CLF 2592000000000\n");
}

static void an_equal_plan_is_one_part_however_often_it_was_changed(void **)
{
    const char *a = MONTHLY("a", "EUR", "30.00", "0.00"), *b = MONTHLY("b", "EUR", "60.00", "0.00");
    struct price_term terms[] = { always(a), from(5, 0, a), from(10, 0, b), from(20, 0, a),
        from(30, 0, MONTHLY("c", "JPY", "1.00", "0.00")) };

    CHECK_BILL(terms, NOTHING,
        "part a EUR 1793491200000 1728000000\npart b EUR 1794355200000 864000000\n"
        "0 month  0 1728000000 x 3000000000 = 2000000000\n"
        "1 month  0 864000000 x 6000000000 = 2000000000\n"
        "total EUR 4000000000\n");
}

static void of_terms_from_the_same_moment_the_last_holds(void **)
{
    const char *a = MONTHLY("a", "EUR", "30.00", "0.00"), *b = MONTHLY("b", "EUR", "60.00", "0.00");
    struct price_term terms[] = { from(0, 0, b), from(0, 0, a), from(15, 0, b), from(15, 0, a) };

    CHECK_BILL(terms, NOTHING,
        "part a EUR " WHOLE "0 month  0 2592000000 x 3000000000 = 3000000000\n"
        "total EUR 3000000000\n");
}

static void use_while_no_plan_held_is_shown_without_a_price(void **)
{
    struct price_term terms[] = { from(29, 0, STANDARD) };
    struct price_use uses[] = { sent("sin", 28, 0, GIGA),
        { november(2, 0), SLICE("fra"), 0, 5, 6 } };

    CHECK_BILL(terms, uses,
        "part   1793491200000 2505600000\npart standard EUR 1795996800000 86400000\n"
        "0 traffic  1 1000000000 x 0 = 0\n0 requests  0 5 x 0 = 0\n0 answers  0 6 x 0 = 0\n"
        "1 month  0 86400000 x 5000000000 = 167000000\n"
        "total EUR 167000000\n");
    struct price_term ended[] = { always(STANDARD), from(1, 0, "") };

    CHECK_BILL(ended, NOTHING,
        "part standard EUR 1793491200000 86400000\npart   1793577600000 2505600000\n"
        "0 month  0 86400000 x 5000000000 = 167000000\n"
        "total EUR 167000000\n");
}

static void a_minimum_is_a_line_of_what_the_others_lack(void **)
{
    struct price_term reached[] = { always(MONTHLY("a", "EUR", "30.00", "30.00")) };
    struct price_term lacking[] = { always(MONTHLY("a", "EUR", "30.00", "100.00")),
        from(15, 0, MONTHLY("b", "EUR", "10.00", "5.01")) };

    CHECK_BILL(reached, NOTHING,
        "part a EUR " WHOLE "0 month  0 2592000000 x 3000000000 = 3000000000\n"
        "total EUR 3000000000\n");
    CHECK_BILL(lacking, NOTHING,
        "part a EUR 1793491200000 1296000000\npart b EUR 1794787200000 1296000000\n"
        "0 month  0 1296000000 x 3000000000 = 1500000000\n"
        "0 minimum  0 1296000000 x 10000000000 = 3500000000\n"
        "1 month  0 1296000000 x 1000000000 = 500000000\n"
        "total EUR 5500000000\n");
}

/* `high` slots at 300 MB and the others at 3 MB, or nothing. */
static int64_t rate_of(size_t high, int64_t low_bytes)
{
    struct price_term terms[] = { always(TRANSIT) };
    struct price *price;
    struct bill b;

    arena_init(&b.arena, SIZE_MAX);
    assert_int_equal(price_new(terms, 1, NOVEMBER, &price, NULL), ERR_NONE);
    for (size_t i = 0; i < 8640; i++) {
        struct price_use use =
            sent(i % 2 == 0 ? "fra" : "nyc", 0, 0, i < high ? 300000000 : low_bytes);

        use.begin.ms += (int64_t)i * PRICE_SLOT_MS + (int64_t)(i * 7919 % 300000);
        assert_int_equal(price_add(price, &use, NULL), ERR_NONE);
    }
    assert_int_equal(price_close(price, &b.arena, &b.bill, NULL), ERR_NONE);
    int64_t rate = b.bill.line_count == 0 ? 0 : b.bill.lines[0].quantity;

    price_free(price);
    bill_drop(&b);
    return rate;
}

static void five_of_a_hundred_slots_do_not_count_for_the_rate(void **)
{
    assert_int_equal(rate_of(432, 3000000), 80000);
    assert_int_equal(rate_of(433, 3000000), 8000000);
    assert_int_equal(rate_of(432, 0), 0);
    assert_int_equal(rate_of(8640, 0), 8000000);
    assert_int_equal(rate_of(0, 37), 0);
    assert_int_equal(rate_of(0, 38), 1); // 1.01 bit/s
}

static void a_rate_is_priced_by_the_megabit_and_month(void **)
{
    struct price_term terms[] = { always(TRANSIT), from(0, 301000, STANDARD) };
    struct price_use uses[] = { sent("sin", 0, 0, 4687500000), sent("fra", 0, 299999, 1),
        sent("fra", 0, 300000, 9), sent("fra", 0, 301000, 10) };

    // Two slots: the second is the part's though its plan changed within; rank 2 is the higher.
    CHECK_BILL(terms, uses,
        "part transit EUR 1793491200000 301000\npart standard EUR 1793491501000 2591699000\n"
        "0 rate  0 125000000 x 200000000 = 3000000\n"
        "1 month  0 2591699000 x 5000000000 = 4999000000\n"
        "1 traffic_included  0 10 x 0 = 0\n"
        "total EUR 5002000000\n");
}

/* The rate of the transit plan, which holds for so many slots from the month's begin on but for a
 * minute within the first where `is_split`. */
static int64_t rate_over(int64_t slots, bool is_split, const struct price_use *uses, size_t count)
{
    struct price_term terms[] = { always(TRANSIT), from(0, 60000, is_split ? STANDARD : TRANSIT),
        from(0, 120000, TRANSIT), from(0, slots * PRICE_SLOT_MS, "") };
    struct bill b = bill_of(terms, COUNT_OF(terms), uses, count);
    int64_t rate = 0;

    for (size_t i = 0; i < b.bill.line_count; i++)
        if (b.bill.lines[i].kind == PRICE_RATE)
            rate = b.bill.lines[i].quantity;
    bill_drop(&b);
    return rate;
}

static void of_a_plan_that_held_for_less_its_own_slots_are_ranked(void **)
{
    struct price_use one = sent("fra", 0, 0, 300000000);

    // The highest of 19 is the rate; of 20, the second highest.
    assert_int_equal(rate_over(19, false, &one, 1), 8000000);
    assert_int_equal(rate_over(20, false, &one, 1), 0);
    assert_int_equal(rate_over(19, true, &one, 1), 8000000);
    assert_int_equal(rate_over(20, true, &one, 1), 0);
}

static void a_slot_in_which_more_was_taken_back_counts_as_zero(void **)
{
    struct price_use uses[20] = { sent("fra", 0, 0, 300000000) };

    for (int64_t i = 1; i < 20; i++)
        uses[i] = sent("fra", 0, i * PRICE_SLOT_MS, -3000);
    assert_int_equal(rate_over(20, false, uses, 20), 0);
    assert_int_equal(rate_over(19, false, uses, 19), 8000000);
    assert_int_equal(rate_of(1, -1), 0);
}

static void the_last_tier_has_no_end_however_short_its_plan_held(void **)
{
    struct price_term terms[] = { always(STANDARD), from(0, 1, "") };
    struct price_use use[] = { sent("sin", 0, 0, 900 * TERA) };

    CHECK_BILL(terms, use,
        "part standard EUR 1793491200000 1\npart   1793491200001 2591999999\n"
        "0 month  0 1 x 5000000000 = 0\n"
        "0 traffic asia 1 900000000000000 x 5000000 = 4500000000000\n"
        "total EUR 4500000000000\n");
}

static void an_amount_is_rounded_once_half_away_from_zero(void **)
{
    static const struct {
        int64_t quantity, price, per;
        int digits;
        int64_t expected;
    } CASES[] = {
        { 1, 500000, 1, 2, 1000000 },
        { 1, 499999, 1, 2, 0 },
        { 3, 500000, 1, 2, 2000000 },
        { 1, 50000000, 1, 0, 100000000 },
        { 1, 49999999, 1, 0, 0 },
        { 1, 50000, 1, 3, 100000 },
        { 1, 1, 1, 8, 1 },
        { 1, 1, 2, 8, 1 },
        { 1, 1, 3, 8, 0 },
        { 1000000000, INT64_MAX / 1000000 * 1000000, 1000000000, 2, INT64_MAX / 1000000 * 1000000 },
    };
    int64_t amount;

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct money_sum sum = { CASES[i].quantity, CASES[i].price, CASES[i].per, 7, 7 };

        assert_int_equal(money_round(&sum, CASES[i].digits, &amount), ERR_NONE);
        assert_int_equal(amount, CASES[i].expected);
    }
}

static void money_that_is_too_large_is_an_error(void **)
{
    struct money_sum sum = { 2, INT64_MAX / 2, 1, 1, 1 };
    int64_t amount = 7;

    assert_int_equal(money_round(&sum, 8, &amount), ERR_NONE);
    assert_int_equal(amount, INT64_MAX - 1);
    sum = (struct money_sum){ 2, INT64_MAX / 2 + 1, 1, 1, 1 };
    amount = 7;
    assert_int_equal(money_round(&sum, 8, &amount), ERR_RANGE);
    sum = (struct money_sum){ INT64_MAX, INT64_MAX, 1000000000, 2678400000, 2678400000 };
    assert_int_equal(money_round(&sum, 2, &amount), ERR_RANGE);
    sum = (struct money_sum){ INT64_C(1) << 62, INT64_C(1) << 62, 1000000000, 16, 16 };
    assert_int_equal(money_round(&sum, 2, &amount), ERR_RANGE); // 2^128 wraps to nothing
    sum = (struct money_sum){ 1, INT64_MAX, 1, 1, 1 };
    assert_int_equal(money_round(&sum, 2, &amount), ERR_RANGE); // rounded up it has no room
    assert_int_equal(amount, 7);
}

static void money_is_written_with_the_currencys_decimals(void **)
{
    char text[MONEY_TEXT_MAX];

    assert_string_equal(money_text(INT64_C(123450000000), 2, text), "1234.50");
    assert_string_equal(money_text(INT64_C(5000000000), 0, text), "50");
    assert_string_equal(money_text(-5000000, 2, text), "-0.05");
    assert_string_equal(money_text(0, 3, text), "0.000");
    assert_string_equal(money_text(INT64_MIN, 8, text), "-92233720368.54775808");
}

/* The error of whatever step there is one at, and its words. */
static enum err error_of(const struct price_term *terms, size_t count, const struct price_use *uses,
    size_t use_count, struct diag *why)
{
    struct price *price = NULL;
    struct arena arena;
    struct price_bill bill;
    enum err err = price_new(terms, count, NOVEMBER, &price, why);

    arena_init(&arena, SIZE_MAX);
    for (size_t i = 0; i < use_count && err == ERR_NONE; i++)
        err = price_add(price, &uses[i], why);
    if (err == ERR_NONE)
        err = price_close(price, &arena, &bill, why);
    price_free(price);
    arena_done(&arena);
    return err;
}

#define CHECK_ERROR(terms, uses, expected, words)                                                  \
    do {                                                                                           \
        struct diag why_ = { 0 };                                                                  \
                                                                                                   \
        assert_int_equal(error_of(terms, COUNT_OF(terms), uses, COUNT_OF(uses), &why_), expected); \
        assert_string_equal(why_.text, words);                                                     \
    } while (false)

static void use_that_cannot_be_summed_is_told(void **)
{
    struct price_term terms[] = { always(STANDARD) };
    struct price_use late[] = { sent("fra", 30, 0, 1) }, early[] = { sent("fra", 0, -1, 1) };
    struct price_use large[] = { sent("fra", 1, 0, INT64_MAX), sent("fra", 1, 1, 1) };

    CHECK_ERROR(terms, late, ERR_RANGE, "an entry begins outside of the month that is priced");
    CHECK_ERROR(terms, early, ERR_RANGE, "an entry begins outside of the month that is priced");
    CHECK_ERROR(terms, large, ERR_RANGE, "the sum of what was used is too large to hold");
}

static void more_taken_back_than_counted_is_told(void **)
{
    struct price_term terms[] = { always(STANDARD) };
    struct price_use bytes[] = { sent("sin", 1, 0, 5), sent("tyo", 1, 0, -6) };
    struct price_use requests[] = { { november(2, 0), SLICE("fra"), 0, -1, 0 } };
    struct price_use answers[] = { { november(2, 0), SLICE("fra"), 0, 0, -1 } };

    CHECK_ERROR(terms, bytes, ERR_RANGE,
        "more traffic is taken back than counted under plan standard in group asia");
    CHECK_ERROR(terms, requests, ERR_RANGE,
        "more requests are taken back than counted under plan standard");
    CHECK_ERROR(
        terms, answers, ERR_RANGE, "more answers are taken back than counted under plan standard");
}

static void an_amount_too_large_to_hold_is_told(void **)
{
    struct price_term dear[] = { always(DEAR("dear")), from(15, 0, DEAR("dearer")) };
    struct price_term strange[] = { always(MONTHLY("x", "QQQ", "1.00", "0.00")) };
    struct price_use product[] = { sent("fra", 1, 0, 2 * GIGA) };
    struct price_use sum[] = { sent("fra", 1, 0, GIGA) };
    struct price_use total[] = { sent("fra", 1, 0, GIGA / 2), sent("fra", 16, 0, GIGA / 10 * 9) };

    CHECK_ERROR(
        dear, product, ERR_RANGE, "the amount for \"traffic\" of plan dear is too large to hold");
    CHECK_ERROR(
        dear, sum, ERR_RANGE, "the amount for \"traffic\" of plan dear is too large to hold");
    CHECK_ERROR(dear, total, ERR_RANGE, "the total is too large to hold");
    CHECK_ERROR(
        strange, NOTHING, ERR_PARSE, "plan x is in QQQ, which is no currency that is known");
}

static void the_largest_amount_is_held_exactly(void **)
{
    struct price_term terms[] = { always(MONTHLY("dear", "JPY", "92233720367.00", "0.00")),
        from(15, 0, MONTHLY("b", "JPY", "92233720368.00", "92233720368.00")) };

    CHECK_BILL(terms, NOTHING,
        "part dear JPY 1793491200000 1296000000\npart b JPY 1794787200000 1296000000\n"
        "0 month  0 1296000000 x 9223372036700000000 = 4611686018400000000\n"
        "1 month  0 1296000000 x 9223372036800000000 = 4611686018400000000\n"
        "total JPY 9223372036800000000\n");
}

static void totals_are_kept_by_currency(void **)
{
    struct price_term terms[] = { always(MONTHLY("a", "EUR", "30.00", "0.00")),
        from(10, 0, MONTHLY("b", "JPY", "3000.00", "0.00")),
        from(20, 0, MONTHLY("c", "EUR", "60.00", "0.00")) };

    CHECK_BILL(terms, NOTHING,
        "part a EUR 1793491200000 864000000\npart b JPY 1794355200000 864000000\n"
        "part c EUR 1795219200000 864000000\n"
        "0 month  0 864000000 x 3000000000 = 1000000000\n"
        "1 month  0 864000000 x 300000000000 = 100000000000\n"
        "2 month  0 864000000 x 6000000000 = 2000000000\n"
        "total EUR 3000000000\ntotal JPY 100000000000\n");
}

static void a_plan_may_change_so_many_times_a_month_and_no_more(void **)
{
    struct price_term terms[PRICE_TERMS_MAX + 2];
    struct price *price;
    struct diag why = { 0 };

    for (size_t i = 0; i < COUNT_OF(terms); i++)
        terms[i] = from(
            (int64_t)i - (i == 0), 0, i % 2 == 0 ? STANDARD : MONTHLY("b", "JPY", "3.00", "0.00"));
    for (size_t i = 0; i < COUNT_OF(terms); i++)
        terms[i].from.ms = november(0, (int64_t)i - 1).ms;
    assert_int_equal(price_new(terms, COUNT_OF(terms), NOVEMBER, &price, &why), ERR_NONE);
    price_free(price);
    for (size_t i = 0; i < COUNT_OF(terms); i++)
        terms[i].from.ms++;
    terms[0].from.ms--;
    terms[1].from.ms = november(0, 0).ms + 1;
    for (size_t i = 2; i < COUNT_OF(terms); i++)
        terms[i].from.ms = november(0, (int64_t)i).ms;
    assert_int_equal(price_new(terms, COUNT_OF(terms), NOVEMBER, &price, &why), ERR_LIMIT);
    assert_string_equal(why.text, "the plan was changed more than 64 times in a month");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_is_priced_by_tiers_groups_and_what_is_included),
        cmocka_unit_test(a_plan_that_changes_within_the_month_holds_pro_rata),
        cmocka_unit_test(the_example_of_the_manual_is_right),
        cmocka_unit_test(a_plan_is_priced_to_the_millisecond),
        cmocka_unit_test(an_equal_plan_is_one_part_however_often_it_was_changed),
        cmocka_unit_test(of_terms_from_the_same_moment_the_last_holds),
        cmocka_unit_test(use_while_no_plan_held_is_shown_without_a_price),
        cmocka_unit_test(a_minimum_is_a_line_of_what_the_others_lack),
        cmocka_unit_test(five_of_a_hundred_slots_do_not_count_for_the_rate),
        cmocka_unit_test(a_rate_is_priced_by_the_megabit_and_month),
        cmocka_unit_test(of_a_plan_that_held_for_less_its_own_slots_are_ranked),
        cmocka_unit_test(a_slot_in_which_more_was_taken_back_counts_as_zero),
        cmocka_unit_test(the_last_tier_has_no_end_however_short_its_plan_held),
        cmocka_unit_test(an_amount_is_rounded_once_half_away_from_zero),
        cmocka_unit_test(money_that_is_too_large_is_an_error),
        cmocka_unit_test(money_is_written_with_the_currencys_decimals),
        cmocka_unit_test(use_that_cannot_be_summed_is_told),
        cmocka_unit_test(more_taken_back_than_counted_is_told),
        cmocka_unit_test(an_amount_too_large_to_hold_is_told),
        cmocka_unit_test(the_largest_amount_is_held_exactly),
        cmocka_unit_test(totals_are_kept_by_currency),
        cmocka_unit_test(a_plan_may_change_so_many_times_a_month_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
