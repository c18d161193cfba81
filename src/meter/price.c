// SPDX-License-Identifier: Apache-2.0
#include "meter/price.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/order.h"
#include "conf/currency.h"
#include "meter/plan_text.h"
#include "meter/price_priv.h"

/* Prices nothing: what is used while no plan holds. */
static const struct plan_tier FREE_TIER = { PLAN_REST, 0 };
static const struct plan NO_PLAN = { .traffic = { .tiers = &FREE_TIER, .tier_count = 1 } };

static int pop_order(const void *a, const void *b)
{
    return slice_order(((const struct price_pop *)a)->name, ((const struct price_pop *)b)->name);
}

/* Makes room for the traffic of each group, and the table that finds it by pop. */
static void spread(struct arena *arena, struct price_sums *sums)
{
    const struct plan *plan = &sums->plan;
    size_t pop_count = 0;

    for (size_t i = 0; i < plan->group_count; i++)
        pop_count += plan->groups[i].pop_count;
    sums->area_count = plan->group_count + 1;
    sums->areas = arena_array(arena, sums->area_count, sizeof sums->areas[0]);
    sums->areas[0].traffic = &plan->traffic;
    sums->pops = arena_array(arena, pop_count, sizeof sums->pops[0]);
    for (size_t i = 0; i < plan->group_count; i++) {
        const struct plan_group *group = &plan->groups[i];

        sums->areas[i + 1].traffic = &group->traffic;
        sums->areas[i + 1].group = group->name;
        for (size_t j = 0; j < group->pop_count; j++)
            sums->pops[sums->pop_count++] = (struct price_pop){ group->pops[j], i + 1 };
    }
    if (pop_count > 0)
        qsort(sums->pops, pop_count, sizeof sums->pops[0], pop_order);
}

/* The part of the plan with that text, which is new when no period had it so far. */
static enum err part_of(struct price *price, struct slice text, size_t *at, struct diag *why)
{
    for (*at = 0; *at < price->part_count; ++*at)
        if (slice_equal(price->parts[*at].part.text, text))
            return ERR_NONE;
    struct price_sums *sums = &price->parts[*at];

    *sums = (struct price_sums){ .plan = NO_PLAN, .last_slot = -1 };
    if (text.length > 0)
        TRY(plan_text_parse(text, &price->arena, &sums->plan, why));
    if (text.length > 0 && currency_digits(sums->plan.currency) < 0) {
        diag_say(why, "plan %.*s is in %.*s, which is no currency that is known",
            SLICE_ARG(sums->plan.name), SLICE_ARG(sums->plan.currency));
        return ERR_PARSE;
    }
    sums->part.text = arena_copy(&price->arena, text);
    sums->part.plan = sums->plan.name;
    sums->part.currency = sums->plan.currency;
    spread(&price->arena, sums);
    price->part_count++;
    return ERR_NONE;
}

/* From then on the plan holds. */
static enum err add_period(
    struct price *price, struct wall from, struct slice text, struct diag *why)
{
    if (price->period_count > PRICE_TERMS_MAX) {
        diag_say(why, "the plan was changed more than %d times in a month", PRICE_TERMS_MAX);
        return ERR_LIMIT;
    }
    struct price_period *period = &price->periods[price->period_count];

    period->from = from;
    period->part = 0;
    TRY(part_of(price, text, &period->part, why));
    price->period_count++;
    return ERR_NONE;
}

static struct wall period_end(const struct price *price, size_t at)
{
    return at + 1 < price->period_count ? price->periods[at + 1].from : price->end;
}

/* How long each part's plan held, and how many slots that touches. */
static void measure(struct price *price)
{
    for (size_t i = 0; i < price->period_count; i++) {
        struct wall from = price->periods[i].from, to = period_end(price, i);
        struct price_sums *sums = &price->parts[price->periods[i].part];
        int64_t first = (from.ms - price->begin.ms) / PRICE_SLOT_MS;
        int64_t last = (to.ms - 1 - price->begin.ms) / PRICE_SLOT_MS;

        if (sums->part.held_ms == 0)
            sums->part.begin = from;
        sums->part.held_ms += to.ms - from.ms;
        sums->slot_count += last - first + (first != sums->last_slot);
        sums->last_slot = last;
    }
}

/* Whether the next term holds from the same moment, so that this one never does. */
static bool is_void(const struct price_term *terms, size_t count, size_t at)
{
    return at + 1 < count && terms[at + 1].from.ms == terms[at].from.ms;
}

/* Terms of before the month leave the last of them, as of its first moment. */
static enum err add_terms(
    struct price *price, const struct price_term *terms, size_t count, struct diag *why)
{
    struct slice first = SLICE_NONE;
    size_t at = 0;

    for (; at < count && terms[at].from.ms <= price->begin.ms; at++)
        first = terms[at].text;
    TRY(add_period(price, price->begin, first, why));
    for (; at < count && terms[at].from.ms < price->end.ms; at++) {
        assert(at == 0 || terms[at - 1].from.ms <= terms[at].from.ms);
        if (!is_void(terms, count, at))
            TRY(add_period(price, terms[at].from, terms[at].text, why));
    }
    return ERR_NONE;
}

enum err price_new(const struct price_term *terms, size_t count, struct month month,
    struct price **price, struct diag *why)
{
    struct price *made = mem_new(struct price);

    arena_init(&made->arena, SIZE_MAX); // bounded by the limits of plans and terms
    made->begin = month_begin(month);
    made->end = month_end(month);
    enum err err = add_terms(made, terms, count, why);

    if (err != ERR_NONE) {
        price_free(made);
        return err;
    }
    measure(made);
    *price = made;
    return ERR_NONE;
}

void price_free(struct price *price)
{
    if (price == NULL)
        return;
    arena_done(&price->arena);
    mem_free(price);
}

static struct price_sums *sums_at(struct price *price, struct wall at)
{
    size_t low = 0, high = price->period_count; // the period is in [low, high)

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (price->periods[middle].from.ms <= at.ms)
            low = middle;
        else
            high = middle;
    }
    return &price->parts[price->periods[low].part];
}

static struct price_area *area_at(struct price_sums *sums, struct slice pop)
{
    const struct price_pop asked = { .name = pop };
    const struct price_pop *found =
        sums->pop_count == 0
            ? NULL
            : bsearch(&asked, sums->pops, sums->pop_count, sizeof asked, pop_order);

    return &sums->areas[found == NULL ? 0 : found->area];
}

/* Adds unless that overflows. */
static bool add(int64_t *sum, int64_t more)
{
    int64_t total;

    if (__builtin_add_overflow(*sum, more, &total))
        return false;
    *sum = total;
    return true;
}

static bool add_traffic(struct price *price, struct price_area *area, const struct price_use *use)
{
    int64_t slot_count = price_month_ms(price) / PRICE_SLOT_MS;
    int64_t at = (use->begin.ms - price->begin.ms) / PRICE_SLOT_MS;

    if (area->traffic->tiers == NULL && area->slots == NULL)
        area->slots = arena_array(&price->arena, (size_t)slot_count, sizeof area->slots[0]);
    return add(&area->bytes, use->sent_bytes) &&
           (area->slots == NULL || add(&area->slots[at], use->sent_bytes));
}

enum err price_add(struct price *price, const struct price_use *use, struct diag *why)
{
    if (use->begin.ms < price->begin.ms || use->begin.ms >= price->end.ms) {
        diag_say(why, "an entry begins outside of the month that is priced");
        return ERR_RANGE;
    }
    struct price_sums *sums = sums_at(price, use->begin);

    if (add_traffic(price, area_at(sums, use->pop), use) && add(&sums->requests, use->requests) &&
        add(&sums->answers, use->answers))
        return ERR_NONE;
    diag_say(why, "the sum of what was used is too large to hold");
    return ERR_RANGE;
}

const char *price_kind_text(enum price_kind kind)
{
    switch (kind) {
    case PRICE_MONTH: return "month";
    case PRICE_TRAFFIC_INCLUDED: return "traffic_included";
    case PRICE_TRAFFIC: return "traffic";
    case PRICE_RATE: return "rate";
    case PRICE_REQUESTS_INCLUDED: return "requests_included";
    case PRICE_REQUESTS: return "requests";
    case PRICE_ANSWERS_INCLUDED: return "answers_included";
    case PRICE_ANSWERS: return "answers";
    case PRICE_MINIMUM: return "minimum";
    case PRICE_KIND_COUNT: break;
    }
    assert(false);
    return "";
}
