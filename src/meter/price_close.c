// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/currency.h"
#include "meter/money.h"
#include "meter/price_priv.h"

enum { GIGABYTE = 1000000000, MILLION = 1000000, PERCENTILE = 95 };

/* A bill on its way. */
struct closer {
    const struct price *price;
    struct arena *arena;
    struct diag *why;
    struct price_line *lines;
    size_t line_count;
    size_t part; // whose lines are being written
    int64_t sum; // of its lines so far
};

static const struct price_sums *sums_of(const struct closer *c)
{
    return &c->price->parts[c->part];
}

/* Of the part's currency; the lines of no plan are all zero. */
static int digits_of(const struct closer *c)
{
    int digits = currency_digits(sums_of(c)->part.currency);

    return digits < 0 ? 0 : digits;
}

static enum err too_large(const struct closer *c, const struct price_line *line)
{
    diag_say(c->why, "the amount for \"%s\" of plan %.*s is too large to hold",
        price_kind_text(line->kind), SLICE_ARG(sums_of(c)->part.plan));
    return ERR_RANGE;
}

/* Writes a line whose amount is known. */
static enum err put(struct closer *c, const struct price_line *line)
{
    struct price_line *kept = &c->lines[c->line_count];

    *kept = *line;
    kept->part = (unsigned)c->part;
    kept->group = line->group.length == 0 ? SLICE_NONE : arena_copy(c->arena, line->group);
    c->line_count++;
    return __builtin_add_overflow(c->sum, line->amount_microcents, &c->sum) ? too_large(c, line)
                                                                            : ERR_NONE;
}

/* Computes the amount of quantity / per; `is_monthly`: the price is that of a whole month. */
static enum err put_priced(struct closer *c, struct price_line line, int64_t per, bool is_monthly)
{
    int64_t month_ms = price_month_ms(c->price);
    struct money_sum sum = {
        .quantity = line.quantity,
        .price_microcents = line.price_microcents,
        .per = per,
        .held_ms = is_monthly ? sums_of(c)->part.held_ms : month_ms,
        .month_ms = month_ms,
    };

    if (line.quantity == 0)
        return ERR_NONE;
    if (money_round(&sum, digits_of(c), &line.amount_microcents) != ERR_NONE)
        return too_large(c, &line);
    return put(c, &line);
}

/* A month's price is that of the time its plan held, which is its quantity. */
static enum err month_amount(const struct closer *c, struct price_line *line)
{
    struct money_sum sum = {
        .quantity = 1,
        .price_microcents = line->price_microcents,
        .per = 1,
        .held_ms = sums_of(c)->part.held_ms,
        .month_ms = price_month_ms(c->price),
    };

    line->quantity = sum.held_ms;
    return money_round(&sum, digits_of(c), &line->amount_microcents) == ERR_NONE
               ? ERR_NONE
               : too_large(c, line);
}

static enum err put_month(struct closer *c)
{
    struct price_line line = { .kind = PRICE_MONTH,
        .price_microcents = sums_of(c)->plan.monthly_microcents };

    if (line.price_microcents == 0)
        return ERR_NONE;
    TRY(month_amount(c, &line));
    return put(c, &line);
}

/* What the minimum has more than all lines so far. */
static enum err put_minimum(struct closer *c)
{
    struct price_line line = { .kind = PRICE_MINIMUM,
        .price_microcents = sums_of(c)->plan.minimum_microcents };

    TRY(month_amount(c, &line));
    if (line.amount_microcents <= c->sum)
        return ERR_NONE;
    line.amount_microcents -= c->sum;
    return put(c, &line);
}

static int64_t share(const struct closer *c, uint64_t quantity)
{
    uint64_t held = money_share(quantity, sums_of(c)->part.held_ms, price_month_ms(c->price));

    return held > INT64_MAX ? INT64_MAX : (int64_t)held;
}

static enum err taken_back(const struct closer *c, const char *what, struct slice group)
{
    bool has_group = group.length > 0;

    diag_say(c->why, "more %s taken back than counted under plan %.*s%s%.*s", what,
        SLICE_ARG(sums_of(c)->part.plan), has_group ? " in group " : "",
        SLICE_ARG(has_group ? group : SLICE("")));
    return ERR_RANGE;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum err put_volume(struct closer *c, const struct price_area *area)
{
    const struct plan_traffic *traffic = area->traffic;
    int64_t free = least(area->bytes, share(c, traffic->included_bytes));
    int64_t left = area->bytes - free, begin = 0;
    struct price_line line = { .group = area->group };

    line.kind = PRICE_TRAFFIC_INCLUDED;
    line.quantity = free;
    TRY(put_priced(c, line, GIGABYTE, false));
    line.kind = PRICE_TRAFFIC;
    for (size_t i = 0; i < traffic->tier_count; i++) {
        // The last tier has no end, however little of the month its plan held.
        bool is_last = i + 1 == traffic->tier_count;
        int64_t end = is_last ? INT64_MAX : share(c, traffic->tiers[i].up_to_bytes);

        line.tier = (unsigned)i + 1;
        line.quantity = least(left, end - begin);
        line.price_microcents = traffic->tiers[i].gigabyte_microcents;
        TRY(put_priced(c, line, GIGABYTE, false));
        left -= line.quantity;
        begin = end;
    }
    return ERR_NONE;
}

static int by_descent(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left < right) - (left > right);
}

/* Of the part's slots the bytes of that which 95 of 100 do not exceed, by nearest rank. */
static int64_t percentile_bytes(const struct closer *c, const struct price_area *area)
{
    int64_t count = sums_of(c)->slot_count;
    size_t all = (size_t)(price_month_ms(c->price) / PRICE_SLOT_MS);
    int64_t rank = (count * PERCENTILE + 99) / 100; // from below, from 1
    int64_t *slots = mem_array(all, sizeof *slots);

    // Slots that are not the part's have nothing, so from above the first `count` are its own.
    for (size_t i = 0; i < all; i++)
        slots[i] = area->slots[i] > 0 ? area->slots[i] : 0;
    qsort(slots, all, sizeof slots[0], by_descent);
    int64_t bytes = slots[count - rank];

    mem_free(slots);
    return bytes;
}

static enum err put_rate(struct closer *c, const struct price_area *area)
{
    int64_t bytes = area->slots == NULL ? 0 : percentile_bytes(c, area);
    struct price_line line = { .kind = PRICE_RATE,
        .group = area->group,
        .quantity =
            (int64_t)((uint64_t)bytes / (PRICE_SLOT_MS / 1000) * 8 +
                      (uint64_t)bytes % (PRICE_SLOT_MS / 1000) * 8 / (PRICE_SLOT_MS / 1000)),
        .price_microcents = area->traffic->megabit_microcents };

    return put_priced(c, line, MILLION, true);
}

static enum err put_traffic(struct closer *c, const struct price_area *area)
{
    if (area->bytes < 0)
        return taken_back(c, "traffic is", area->group);
    return area->traffic->tiers == NULL ? put_rate(c, area) : put_volume(c, area);
}

/* Requests and answers: what is included, then the rest by the million. */
static enum err put_count(
    struct closer *c, enum price_kind kind, int64_t used, const struct plan_count *count)
{
    struct price_line line = { .kind = kind, .quantity = least(used, share(c, count->included)) };
    bool is_answers = kind == PRICE_ANSWERS_INCLUDED;

    if (used < 0)
        return taken_back(c, is_answers ? "answers are" : "requests are", SLICE_NONE);
    TRY(put_priced(c, line, MILLION, false));
    line.kind = is_answers ? PRICE_ANSWERS : PRICE_REQUESTS;
    line.quantity = used - line.quantity;
    line.price_microcents = count->million_microcents;
    return put_priced(c, line, MILLION, false);
}

static enum err put_part(struct closer *c)
{
    const struct price_sums *sums = sums_of(c);

    c->sum = 0;
    TRY(put_month(c));
    for (size_t i = 0; i < sums->area_count; i++)
        TRY(put_traffic(c, &sums->areas[i]));
    TRY(put_count(c, PRICE_REQUESTS_INCLUDED, sums->requests, &sums->plan.requests));
    TRY(put_count(c, PRICE_ANSWERS_INCLUDED, sums->answers, &sums->plan.answers));
    return put_minimum(c);
}

/* As many as there can be at most. */
static size_t line_room(const struct price *price)
{
    size_t count = 0;

    for (size_t i = 0; i < price->part_count; i++) {
        count += 6; // the month, the minimum, two each of requests and answers
        for (size_t j = 0; j < price->parts[i].area_count; j++)
            count += 1 + price->parts[i].areas[j].traffic->tier_count; // a rate is one
    }
    return count;
}

static enum err add_total(
    struct closer *c, struct slice currency, struct price_total *totals, size_t *count)
{
    size_t at = 0;

    if (currency.length == 0)
        return ERR_NONE; // no plan: all its lines are zero
    while (at < *count && !slice_equal(totals[at].currency, currency))
        at++;
    if (at == *count)
        totals[(*count)++] = (struct price_total){ currency, 0 };
    if (!__builtin_add_overflow(
            totals[at].amount_microcents, c->sum, &totals[at].amount_microcents))
        return ERR_NONE;
    diag_say(c->why, "the total is too large to hold");
    return ERR_RANGE;
}

enum err price_close(
    const struct price *price, struct arena *arena, struct price_bill *bill, struct diag *why)
{
    struct closer c = { .price = price, .arena = arena, .why = why };
    struct price_part *parts = arena_array(arena, price->part_count, sizeof *parts);
    struct price_total *totals = arena_array(arena, price->part_count, sizeof *totals);
    size_t total_count = 0;

    c.lines = arena_array(arena, line_room(price), sizeof c.lines[0]);
    for (; c.part < price->part_count; c.part++) {
        struct price_part *part = &parts[c.part];

        *part = price->parts[c.part].part;
        part->text = arena_copy(arena, part->text);
        part->plan = arena_copy(arena, part->plan);
        part->currency = arena_copy(arena, part->currency);
        TRY(put_part(&c));
        TRY(add_total(&c, part->currency, totals, &total_count));
    }
    *bill =
        (struct price_bill){ parts, price->part_count, c.lines, c.line_count, totals, total_count };
    return ERR_NONE;
}
