// SPDX-License-Identifier: Apache-2.0
#include "meter/plan_text.h"

#include <assert.h>

#include "base/mem.h"
#include "base/writer.h"
#include "conf/units.h"

static void write_money(struct writer *w, int64_t microcents)
{
    char text[UNITS_MONEY_MAX];

    write_slice(w, slice_text(units_money_text(microcents, text)));
}

/* "KEY " and the amount. */
static void write_price(struct writer *w, struct slice key, int64_t microcents)
{
    write_slice(w, key);
    write_slice(w, SLICE(" "));
    write_money(w, microcents);
}

static void write_count(struct writer *w, struct slice key, const struct plan_count *count)
{
    write_price(w, key, count->million_microcents);
    write_slice(w, SLICE(" included "));
    write_number(w, (int64_t)count->included);
    write_slice(w, SLICE("\n"));
}

static void write_traffic(struct writer *w, const struct plan_traffic *traffic)
{
    if (traffic->tiers == NULL) {
        write_price(w, SLICE("per_mbit"), traffic->megabit_microcents);
        write_slice(w, SLICE("\n"));
        return;
    }
    for (size_t i = 0; i < traffic->tier_count; i++) {
        write_price(w, SLICE("per_gb"), traffic->tiers[i].gigabyte_microcents);
        if (i + 1 < traffic->tier_count) {
            write_slice(w, SLICE(" up_to "));
            write_number(w, (int64_t)traffic->tiers[i].up_to_bytes);
        }
        write_slice(w, SLICE("\n"));
    }
    write_slice(w, SLICE("included_traffic "));
    write_number(w, (int64_t)traffic->included_bytes);
    write_slice(w, SLICE("\n"));
}

struct slice plan_text_write(const struct plan *plan, char *room)
{
    struct writer w = writer_on(room, PLAN_TEXT_MAX);

    write_slice(&w, SLICE("plan 1 "));
    write_slice(&w, plan->name);
    write_slice(&w, SLICE("\ncurrency "));
    write_slice(&w, plan->currency);
    write_price(&w, SLICE("\nmonthly"), plan->monthly_microcents);
    write_price(&w, SLICE("\nminimum"), plan->minimum_microcents);
    write_count(&w, SLICE("\nper_million_requests"), &plan->requests);
    write_count(&w, SLICE("per_million_answers"), &plan->answers);
    write_traffic(&w, &plan->traffic);
    for (size_t i = 0; i < plan->group_count; i++) {
        write_slice(&w, SLICE("group "));
        write_slice(&w, plan->groups[i].name);
        for (size_t j = 0; j < plan->groups[i].pop_count; j++) {
            write_slice(&w, SLICE(" "));
            write_slice(&w, plan->groups[i].pops[j]);
        }
        write_slice(&w, SLICE("\n"));
        write_traffic(&w, &plan->groups[i].traffic);
    }
    assert(!w.is_short); // the limits of a plan see to it
    return writer_slice(&w);
}

struct reader {
    struct slice rest;
    int line; // the last one taken, from 1
    struct arena *arena;
};

/* Whether the next line begins with the word. */
static bool is_next(const struct reader *r, struct slice word)
{
    return slice_starts(r->rest, word) &&
           slice_starts(slice_from(r->rest, word.length), SLICE(" "));
}

/* Takes the next line; what stands behind its first word. */
static enum err take(struct reader *r, struct slice word, struct slice *behind)
{
    struct slice line;

    r->line++;
    if (!is_next(r, word) || !slice_cut(&r->rest, '\n', &line))
        return ERR_PARSE;
    *behind = slice_from(line, word.length + 1);
    return ERR_NONE;
}

static enum err take_money(struct reader *r, struct slice word, int64_t *microcents)
{
    struct slice text;

    TRY(take(r, word, &text));
    return units_money(text, microcents);
}

static enum err take_number(struct slice text, uint64_t *number)
{
    return slice_number(text, INT64_MAX, number) ? ERR_NONE : ERR_PARSE;
}

/* "0.60 included 1000000" */
static enum err take_count(struct reader *r, struct slice word, struct plan_count *count)
{
    struct slice rest, price, key;

    TRY(take(r, word, &rest));
    if (!slice_cut(&rest, ' ', &price) || !slice_cut(&rest, ' ', &key) ||
        !slice_equal(key, SLICE("included")))
        return ERR_PARSE;
    TRY(units_money(price, &count->million_microcents));
    return take_number(rest, &count->included);
}

/* "0.02 up_to 10000000000000", or "0.01" of the last. */
static enum err take_tier(struct reader *r, uint64_t from, struct plan_tier *tier)
{
    struct slice rest, price, key;

    TRY(take(r, SLICE("per_gb"), &rest));
    if (!slice_cut(&rest, ' ', &price))
        return ERR_PARSE;
    TRY(units_money(price, &tier->gigabyte_microcents));
    tier->up_to_bytes = PLAN_REST;
    if (!slice_cut(&rest, ' ', &key))
        return ERR_NONE;
    TRY(take_number(rest, &tier->up_to_bytes));
    return slice_equal(key, SLICE("up_to")) && tier->up_to_bytes > from ? ERR_NONE : ERR_PARSE;
}

static enum err take_traffic(struct reader *r, struct plan_traffic *traffic)
{
    struct slice included;

    *traffic = (struct plan_traffic){ 0 };
    if (is_next(r, SLICE("per_mbit")))
        return take_money(r, SLICE("per_mbit"), &traffic->megabit_microcents);
    struct plan_tier *tiers = arena_array(r->arena, PLAN_TIERS_MAX, sizeof *tiers);
    uint64_t end = 0;

    for (; end != PLAN_REST; end = tiers[traffic->tier_count++].up_to_bytes) {
        if (traffic->tier_count == PLAN_TIERS_MAX)
            return ERR_LIMIT;
        TRY(take_tier(r, end, &tiers[traffic->tier_count]));
    }
    traffic->tiers = tiers;
    TRY(take(r, SLICE("included_traffic"), &included));
    return take_number(included, &traffic->included_bytes);
}

static bool is_before(struct slice left, struct slice right)
{
    size_t common = left.length < right.length ? left.length : right.length;
    int order = common == 0 ? 0 : memcmp(left.at, right.at, common);

    return order != 0 ? order < 0 : left.length < right.length;
}

static bool has_pop(const struct plan_group *groups, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < groups[i].pop_count; j++)
            if (slice_equal(groups[i].pops[j], name))
                return true;
    return false;
}

static enum err take_pops(
    struct reader *r, struct slice rest, const struct plan_group *others, struct plan_group *group)
{
    size_t count = 0, taken = (size_t)(group - others);
    struct slice name, *pops = NULL;

    for (size_t i = 0; i < rest.length; i++)
        count += rest.at[i] == ' ';
    if (++count > PLAN_POPS_MAX)
        return ERR_LIMIT;
    pops = arena_array(r->arena, count, sizeof *pops);
    for (count = 0; slice_cut(&rest, ' ', &name); count++) {
        if (!units_is_name(name) || (count > 0 && !is_before(pops[count - 1], name)) ||
            has_pop(others, taken, name))
            return ERR_PARSE;
        pops[count] = name;
    }
    group->pops = pops;
    group->pop_count = count;
    return count > 0 ? ERR_NONE : ERR_PARSE;
}

static enum err take_groups(struct reader *r, struct plan *plan)
{
    if (r->rest.length == 0)
        return ERR_NONE;
    struct plan_group *groups = arena_array(r->arena, PLAN_GROUPS_MAX, sizeof *groups);
    struct slice rest;
    size_t count = 0, pop_count = 0;

    for (; r->rest.length > 0; pop_count += groups[count++].pop_count) {
        if (count == PLAN_GROUPS_MAX || pop_count > PLAN_POPS_MAX)
            return ERR_LIMIT;
        TRY(take(r, SLICE("group"), &rest));
        if (!slice_cut(&rest, ' ', &groups[count].name) || !units_is_name(groups[count].name) ||
            (count > 0 && !is_before(groups[count - 1].name, groups[count].name)))
            return ERR_PARSE;
        TRY(take_pops(r, rest, groups, &groups[count]));
        TRY(take_traffic(r, &groups[count].traffic));
    }
    plan->groups = groups;
    plan->group_count = count;
    return pop_count > PLAN_POPS_MAX ? ERR_LIMIT : ERR_NONE;
}

static bool is_currency(struct slice code)
{
    bool is_upper = code.length == 3;

    for (size_t i = 0; i < code.length; i++)
        is_upper = is_upper && code.at[i] >= 'A' && code.at[i] <= 'Z';
    return is_upper;
}

static enum err take_plan(struct reader *r, struct plan *plan)
{
    TRY(take(r, SLICE("plan 1"), &plan->name));
    if (!units_is_name(plan->name))
        return ERR_PARSE;
    TRY(take(r, SLICE("currency"), &plan->currency));
    if (!is_currency(plan->currency))
        return ERR_PARSE;
    TRY(take_money(r, SLICE("monthly"), &plan->monthly_microcents));
    TRY(take_money(r, SLICE("minimum"), &plan->minimum_microcents));
    TRY(take_count(r, SLICE("per_million_requests"), &plan->requests));
    TRY(take_count(r, SLICE("per_million_answers"), &plan->answers));
    TRY(take_traffic(r, &plan->traffic));
    return take_groups(r, plan);
}

/* What was read says the same in the same bytes: no other way to write a number was taken. */
static bool is_canonical(const struct plan *plan, struct slice text)
{
    char *room = mem_alloc(PLAN_TEXT_MAX);
    bool is_same = slice_equal(plan_text_write(plan, room), text);

    mem_free(room);
    return is_same;
}

enum err plan_text_parse(
    struct slice text, struct arena *arena, struct plan *plan, struct diag *why)
{
    struct slice kept = arena_copy(arena, slice_head(text, PLAN_TEXT_MAX));
    struct reader r = { .rest = kept, .arena = arena };
    struct plan found = { 0 };

    if (text.length > PLAN_TEXT_MAX) {
        diag_say(why, "a plan's text has %zu bytes, more than %d", text.length, PLAN_TEXT_MAX);
        return ERR_PARSE;
    }
    if (take_plan(&r, &found) != ERR_NONE) {
        diag_say(why, "line %d of a plan's text says nothing that is known there", r.line);
        return ERR_PARSE;
    }
    if (!is_canonical(&found, kept)) {
        diag_say(why, "a plan's text is not written in the one way there is");
        return ERR_PARSE;
    }
    *plan = found;
    return ERR_NONE;
}
