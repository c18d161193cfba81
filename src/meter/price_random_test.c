// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/attr.h"
#include "base/mem.h"
#include "conf/currency.h"
#include "meter/plan_test.h"
#include "meter/plan_text.h"
#include "meter/price_test.h"

/*
 * Prices of random months: held against a plain reckoning that walks over all slots, all periods
 * and all uses anew for every line, and against what must change nothing.
 */

enum { ROUNDS = 1500, TERMS = 4, USES = 40, SLOTS = 8640, ROOM = 1 << 16 };

#define MONTH_MS (NOVEMBER_DAYS * DAY_MS)

__extension__ typedef __int128 wide;

/* A customer's month by dice. */
struct month_dice {
    struct dice dice;
    struct arena arena;
    struct plan plans[TERMS];
    struct price_term terms[TERMS];
    size_t term_count;
    struct price_use uses[2 * USES];
    size_t use_count;
};

static struct price_use random_use(struct month_dice *m)
{
    struct dice *dice = &m->dice;
    int64_t at = (int64_t)dice_below(dice, MONTH_MS);

    // Often near a border of plans, or where many others are.
    if (m->term_count > 1 && dice_below(dice, 4) == 0)
        at = m->terms[1 + dice_below(dice, m->term_count - 1)].from.ms - november(0, 0).ms - 2 +
             (int64_t)dice_below(dice, 4);
    else if (dice_below(dice, 4) == 0)
        at %= 40 * PRICE_SLOT_MS;
    return (struct price_use){
        .begin = november(0, at < 0 ? 0 : at),
        .pop = text_printed(&m->arena, "pop", (unsigned)dice_below(dice, 8)),
        .sent_bytes = (int64_t)dice_amount(dice, INT64_C(20000000000000)),
        .requests = (int64_t)dice_amount(dice, 1000000000),
        .answers = (int64_t)dice_amount(dice, 1000000000),
    };
}

static int term_order(const void *a, const void *b)
{
    int64_t left = ((const struct price_term *)a)->from.ms;
    int64_t right = ((const struct price_term *)b)->from.ms;

    return (left > right) - (left < right);
}

/* The month's times are all different, so that each term but those before it holds. */
static void roll(struct month_dice *m, uint64_t seed)
{
    char *room = mem_alloc(PLAN_TEXT_MAX);

    *m = (struct month_dice){ .dice = { seed * 1000003 } };
    arena_init(&m->arena, SIZE_MAX);
    m->term_count = dice_below(&m->dice, TERMS + 1);
    for (size_t i = 0; i < m->term_count; i++) {
        bool is_near = dice_below(&m->dice, 3) == 0; // within a few slots of the month's begin
        uint64_t within = is_near ? 5 * (uint64_t)PRICE_SLOT_MS : (uint64_t)MONTH_MS;

        m->plans[i] = i > 0 && dice_below(&m->dice, 3) == 0 ? m->plans[dice_below(&m->dice, i)]
                                                            : random_plan(&m->dice, &m->arena);
        m->terms[i].text = arena_copy(&m->arena, plan_text_write(&m->plans[i], room));
        m->terms[i].from = november(0, 1 + (int64_t)(dice_below(&m->dice, within) / 8 * 8 + i));
    }
    if (m->term_count > 0 && dice_below(&m->dice, 2) == 0)
        m->terms[0].from.ms = 0;
    if (m->term_count > 0)
        qsort(m->terms, m->term_count, sizeof m->terms[0], term_order);
    m->use_count = dice_below(&m->dice, USES);
    for (size_t i = 0; i < m->use_count; i++)
        m->uses[i] = random_use(m);
    mem_free(room);
}

static void roll_drop(struct month_dice *m)
{
    arena_done(&m->arena);
}

static struct bill priced(const struct month_dice *m)
{
    return bill_of(m->terms, m->term_count, m->uses, m->use_count);
}

static void check_same(struct bill *a, struct bill *b)
{
    struct slice left = bill_text(a), right = bill_text(b);

    if (!slice_equal(left, right))
        print_error("%.*s\nand\n%.*s", SLICE_ARG(left), SLICE_ARG(right));
    assert_true(slice_equal(left, right));
}

/* The text of the plan that holds at that moment; empty: none. */
static struct slice text_at(const struct month_dice *m, int64_t ms)
{
    struct slice text = SLICE_NONE;

    for (size_t i = 0; i < m->term_count; i++)
        if (m->terms[i].from.ms <= ms)
            text = m->terms[i].text;
    return text;
}

/* One plan's part of the month, reckoned plainly. */
struct reckoning {
    const struct month_dice *m;
    struct slice text; // whose part
    const struct plan *plan;
    unsigned part;
    wide held;
    wide sum;
    char *out;
    size_t used;
};

static bool is_in_part(const struct reckoning *r, int64_t ms)
{
    return slice_equal(text_at(r->m, ms), r->text);
}

/* Milliseconds from `from` on and before `to` that the plan holds. */
static int64_t held_within(const struct reckoning *r, int64_t from, int64_t to)
{
    int64_t held = 0;

    while (from < to) {
        int64_t next = to;

        for (size_t i = 0; i < r->m->term_count; i++)
            if (r->m->terms[i].from.ms > from && r->m->terms[i].from.ms < next)
                next = r->m->terms[i].from.ms;
        held += is_in_part(r, from) ? next - from : 0;
        from = next;
    }
    return held;
}

/* A line before it is rounded: numerator / divisor is its amount. */
struct reckoned {
    enum price_kind kind;
    struct slice group;
    unsigned tier;
    wide quantity;
    int64_t price;
    wide numerator, divisor;
};

static void reckon_line(struct reckoning *r, const struct reckoned *line)
{
    bool is_minimum = line->kind == PRICE_MINIMUM;
    int digits = currency_digits(r->plan->currency);
    wide unit = 100000000;

    for (int i = 0; i < digits; i++)
        unit /= 10;
    wide amount = (2 * line->numerator + line->divisor * unit) / (2 * line->divisor * unit) * unit;

    if (is_minimum)
        amount -= r->sum;
    if (amount < 0 || (is_minimum && amount == 0) || line->quantity == 0 ||
        (line->kind == PRICE_MONTH && line->price == 0))
        return;
    r->sum += amount;
    r->used += (size_t)snprintf(r->out + r->used, ROOM - r->used, "%u %s %.*s %u %ld x %ld = %ld\n",
        r->part, price_kind_text(line->kind), (int)line->group.length,
        line->group.length > 0 ? line->group.at : "", line->tier, (long)line->quantity,
        (long)line->price, (long)amount);
}

/* The group that the pop is in; -1: none. */
static int group_of(const struct plan *plan, struct slice pop)
{
    for (size_t i = 0; i < plan->group_count; i++)
        for (size_t j = 0; j < plan->groups[i].pop_count; j++)
            if (slice_equal(plan->groups[i].pops[j], pop))
                return (int)i;
    return -1;
}

static int ascending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static wide rate_of_slots(const struct reckoning *r, int group)
{
    int64_t *slots = mem_array(SLOTS, sizeof *slots);
    size_t count = 0;

    for (int64_t i = 0; i < SLOTS; i++) {
        int64_t from = november(0, i * PRICE_SLOT_MS).ms;

        if (held_within(r, from, from + PRICE_SLOT_MS) == 0)
            continue;
        for (size_t j = 0; j < r->m->use_count; j++) {
            const struct price_use *use = &r->m->uses[j];

            if (use->begin.ms >= from && use->begin.ms < from + PRICE_SLOT_MS &&
                is_in_part(r, use->begin.ms) && group_of(r->plan, use->pop) == group)
                slots[count] += use->sent_bytes;
        }
        count++;
    }
    qsort(slots, count, sizeof *slots, ascending);
    size_t rank = count * 95 % 100 == 0 ? count * 95 / 100 : count * 95 / 100 + 1;
    wide rate = (wide)slots[rank - 1] * 8 / 300;

    mem_free(slots);
    return rate;
}

static void reckon_traffic(
    struct reckoning *r, int group, struct slice name, const struct plan_traffic *traffic)
{
    wide bytes = 0, from = 0, included = (wide)traffic->included_bytes * r->held / MONTH_MS;

    for (size_t i = 0; i < r->m->use_count; i++)
        if (is_in_part(r, r->m->uses[i].begin.ms) && group_of(r->plan, r->m->uses[i].pop) == group)
            bytes += r->m->uses[i].sent_bytes;
    if (traffic->tiers == NULL) {
        wide rate = rate_of_slots(r, group);

        reckon_line(
            r, &(struct reckoned){ PRICE_RATE, name, 0, rate, traffic->megabit_microcents,
                   rate * traffic->megabit_microcents * r->held, (wide)1000000 * MONTH_MS });
        return;
    }
    reckon_line(r, &(struct reckoned){ PRICE_TRAFFIC_INCLUDED, name, 0,
                       bytes < included ? bytes : included, 0, 0, 1 });
    bytes = bytes < included ? 0 : bytes - included;
    for (size_t i = 0; i < traffic->tier_count; i++) {
        int64_t price = traffic->tiers[i].gigabyte_microcents;
        wide to = i + 1 == traffic->tier_count
                      ? bytes + from
                      : (wide)traffic->tiers[i].up_to_bytes * r->held / MONTH_MS;
        wide top = bytes < to ? bytes : to, within = top > from ? top - from : 0;

        reckon_line(r, &(struct reckoned){ PRICE_TRAFFIC, name, (unsigned)i + 1, within, price,
                           within * price, 1000000000 });
        from = to;
    }
}

static void reckon_count(
    struct reckoning *r, enum price_kind kind, wide used, const struct plan_count *count)
{
    wide included = (wide)count->included * r->held / MONTH_MS;
    wide rest = used > included ? used - included : 0;

    reckon_line(r, &(struct reckoned){ kind, SLICE_NONE, 0, used - rest, 0, 0, 1 });
    reckon_line(r, &(struct reckoned){ kind + 1, SLICE_NONE, 0, rest, count->million_microcents,
                       rest * count->million_microcents, 1000000 });
}

static void reckon_part(struct reckoning *r)
{
    const struct plan *plan = r->plan;
    wide requests = 0, answers = 0;

    for (size_t i = 0; i < r->m->use_count; i++)
        if (is_in_part(r, r->m->uses[i].begin.ms)) {
            requests += r->m->uses[i].requests;
            answers += r->m->uses[i].answers;
        }
    r->sum = 0;
    r->held = held_within(r, november(0, 0).ms, november(NOVEMBER_DAYS, 0).ms);
    reckon_line(r, &(struct reckoned){ PRICE_MONTH, SLICE_NONE, 0, r->held,
                       plan->monthly_microcents, plan->monthly_microcents * r->held, MONTH_MS });
    reckon_traffic(r, -1, SLICE_NONE, &plan->traffic);
    for (size_t i = 0; i < plan->group_count; i++)
        reckon_traffic(r, (int)i, plan->groups[i].name, &plan->groups[i].traffic);
    reckon_count(r, PRICE_REQUESTS_INCLUDED, requests, &plan->requests);
    reckon_count(r, PRICE_ANSWERS_INCLUDED, answers, &plan->answers);
    reckon_line(r, &(struct reckoned){ PRICE_MINIMUM, SLICE_NONE, 0, r->held,
                       plan->minimum_microcents, plan->minimum_microcents * r->held, MONTH_MS });
}

/* The lines of a bill, from the line that begins with "0 ", and before its totals. */
static struct slice lines_of(struct bill *b)
{
    struct slice rest = bill_text(b), line, text = rest;
    size_t end = 0;

    while (slice_starts(text, SLICE("part ")) && slice_cut(&rest, '\n', &line))
        text = rest;
    for (rest = text; slice_cut(&rest, '\n', &line) && !slice_starts(line, SLICE("total "));)
        end += line.length + 1;
    return slice_head(text, end);
}

static void each_bill_is_what_a_plain_reckoning_says(void **)
{
    static const struct plan_tier FREE = { PLAN_REST, 0 };
    char *out = mem_alloc(ROOM);

    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct plan plans[TERMS + 1] = { 0 };
        struct month_dice m;

        roll(&m, seed);
        struct bill b = priced(&m);
        struct reckoning r = { .m = &m, .out = out };

        for (; r.part < b.bill.part_count; r.part++) {
            r.text = b.bill.parts[r.part].text;
            plans[r.part].traffic = (struct plan_traffic){ .tiers = &FREE, .tier_count = 1 };
            if (r.text.length > 0)
                assert_int_equal(plan_text_parse(r.text, &m.arena, &plans[r.part], NULL), ERR_NONE);
            r.plan = &plans[r.part];
            reckon_part(&r);
            assert_int_equal(b.bill.parts[r.part].held_ms, (int64_t)r.held);
        }
        if (!slice_equal(lines_of(&b), slice_of(out, r.used)))
            print_error("seed %lu\nfound\n%.*sreckoned\n%.*s", (unsigned long)seed,
                SLICE_ARG(lines_of(&b)), (int)r.used, out);
        assert_true(slice_equal(lines_of(&b), slice_of(out, r.used)));
        bill_drop(&b);
        roll_drop(&m);
    }
    mem_free(out);
}

static void the_sum_of_the_parts_is_the_whole(void **)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        int64_t sum = 0, held = 0, requests = 0, used = 0;
        struct month_dice m;

        roll(&m, seed);
        struct bill b = priced(&m);

        for (size_t i = 0; i < b.bill.part_count; i++)
            held += b.bill.parts[i].held_ms;
        for (size_t i = 0; i < b.bill.line_count; i++) {
            const struct price_line *line = &b.bill.lines[i];

            sum += line->amount_microcents;
            if (line->kind == PRICE_REQUESTS || line->kind == PRICE_REQUESTS_INCLUDED)
                requests += line->quantity;
        }
        for (size_t i = 0; i < b.bill.total_count; i++)
            sum -= b.bill.totals[i].amount_microcents;
        for (size_t i = 0; i < m.use_count; i++)
            used += m.uses[i].requests;
        assert_int_equal(held, MONTH_MS);
        assert_int_equal(sum, 0);
        assert_int_equal(requests, used);
        bill_drop(&b);
        roll_drop(&m);
    }
}

static void the_order_of_uses_changes_nothing(void **)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct month_dice m;

        roll(&m, seed);
        struct bill before = priced(&m);

        for (size_t i = m.use_count; i > 1; i--) {
            size_t other = dice_below(&m.dice, i);
            struct price_use held = m.uses[i - 1];

            m.uses[i - 1] = m.uses[other];
            m.uses[other] = held;
        }
        struct bill after = priced(&m);

        check_same(&before, &after);
        bill_drop(&before);
        bill_drop(&after);
        roll_drop(&m);
    }
}

/* A moment from `at` on, in its slot and under its plan. */
static int64_t moment_after(struct month_dice *m, int64_t at)
{
    int64_t end = at - (at - november(0, 0).ms) % PRICE_SLOT_MS + PRICE_SLOT_MS;

    for (size_t i = 0; i < m->term_count; i++)
        if (m->terms[i].from.ms > at && m->terms[i].from.ms < end)
            end = m->terms[i].from.ms;
    return at + (int64_t)dice_below(&m->dice, (uint64_t)(end - at));
}

static void splitting_an_interval_changes_nothing(void **)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct month_dice m;

        roll(&m, seed);
        struct bill before = priced(&m);

        for (size_t i = 0, count = m.use_count; i < count; i++) {
            struct price_use *use = &m.uses[i], *rest = &m.uses[m.use_count++];

            *rest = *use;
            rest->begin.ms = moment_after(&m, use->begin.ms);
            use->sent_bytes = (int64_t)dice_below(&m.dice, (uint64_t)rest->sent_bytes + 1);
            use->requests = (int64_t)dice_below(&m.dice, (uint64_t)rest->requests + 1);
            use->answers = (int64_t)dice_below(&m.dice, (uint64_t)rest->answers + 1);
            rest->sent_bytes -= use->sent_bytes;
            rest->requests -= use->requests;
            rest->answers -= use->answers;
        }
        struct bill after = priced(&m);

        check_same(&before, &after);
        bill_drop(&before);
        bill_drop(&after);
        roll_drop(&m);
    }
}

static void what_is_all_taken_back_was_never_there(void **)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct month_dice m;

        roll(&m, seed);
        struct bill before = priced(&m);

        for (size_t i = 0; i < USES / 2; i++) {
            struct price_use use = random_use(&m), back = use;

            back.sent_bytes = -use.sent_bytes;
            back.requests = -use.requests;
            back.answers = -use.answers;
            m.uses[m.use_count++] = i % 2 == 0 ? use : back;
            m.uses[m.use_count++] = i % 2 == 0 ? back : use;
            m.use_count -= m.use_count > 2 * USES - 2 ? 2 : 0;
        }
        struct bill after = priced(&m);

        check_same(&before, &after);
        bill_drop(&before);
        bill_drop(&after);
        roll_drop(&m);
    }
}

/* The lines of one part, with its position taken off. */
static struct slice part_lines(struct bill *b, unsigned part)
{
    struct slice rest = lines_of(b), line;
    char *text = arena_alloc(&b->arena, ROOM);
    size_t used = 0;

    while (slice_cut(&rest, '\n', &line))
        if ((unsigned)(line.at[0] - '0') == part)
            used += (size_t)snprintf(
                text + used, ROOM - used, "%.*s\n", SLICE_ARG(slice_from(line, 2)));
    return slice_of(text, used);
}

static void a_change_of_plan_leaves_two_halves_that_do_not_know_each_other(void **)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct price_use first[USES], second[USES];
        size_t first_count = 0, second_count = 0;
        struct month_dice m;

        roll(&m, seed);
        if (m.term_count < 2 || slice_equal(m.terms[0].text, m.terms[1].text)) {
            roll_drop(&m);
            continue;
        }
        m.terms[0].from.ms = 0;
        for (size_t i = 0; i < m.use_count; i++)
            if (m.uses[i].begin.ms < m.terms[1].from.ms)
                first[first_count++] = m.uses[i];
            else
                second[second_count++] = m.uses[i];
        struct price_term none = { m.terms[1].from, SLICE_NONE };
        struct price_term until[] = { m.terms[0], none }, since[] = { m.terms[1] };
        struct bill whole = bill_of(m.terms, 2, m.uses, m.use_count);
        struct bill one = bill_of(until, 2, first, first_count);
        struct bill two = bill_of(since, 1, second, second_count);

        assert_true(slice_equal(part_lines(&whole, 0), part_lines(&one, 0)));
        assert_true(slice_equal(part_lines(&whole, 1), part_lines(&two, 1)));
        assert_int_equal(whole.bill.line_count, one.bill.line_count + two.bill.line_count);
        bill_drop(&whole);
        bill_drop(&one);
        bill_drop(&two);
        roll_drop(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bill_is_what_a_plain_reckoning_says),
        cmocka_unit_test(the_sum_of_the_parts_is_the_whole),
        cmocka_unit_test(the_order_of_uses_changes_nothing),
        cmocka_unit_test(splitting_an_interval_changes_nothing),
        cmocka_unit_test(what_is_all_taken_back_was_never_there),
        cmocka_unit_test(a_change_of_plan_leaves_two_halves_that_do_not_know_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
