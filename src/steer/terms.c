// SPDX-License-Identifier: Apache-2.0
#include "steer/terms.h"

#include <assert.h>

#define UNKNOWN_MARGIN_US INT64_C(20000)
#define LOAD_MOST         (1000 * INT64_C(1000000)) // more is no other news
#define GUARD_DOUBT       INT64_C(10000)            // shares this near are alike

enum { MEMBERS_MOST = 64 }; // of a pop, that are looked at for the one in the middle

/* Of a member's checks, the one that tells this. */
static uint32_t check_of(const struct steer_member *member, enum report_kind kind)
{
    bool is_load = kind == REPORT_CPU || kind == REPORT_MEMORY || kind == REPORT_LOAD;

    return is_load && member->load_check != CHECK_NONE ? member->load_check : member->check;
}

static const struct fact *fact_of(
    const struct facts *facts, uint32_t check, enum report_kind kind, bool is_own)
{
    static const struct fact UNKNOWN = { 0 };

    if (check == CHECK_NONE)
        return &UNKNOWN;
    assert(check < facts->count);
    return is_own ? &facts->checks[check].own[kind] : &facts->checks[check].all[kind];
}

/* The lower median over the members of whom it is known; sources 0 where it is of none. */
static struct fact middle_of(const struct steer_row *row, const struct steer_target *target,
    const struct facts *facts, enum report_kind kind, bool is_own)
{
    const struct fact *known[MEMBERS_MOST];
    size_t count = 0;

    for (uint32_t i = 0; i < target->member_count && count < MEMBERS_MOST; i++) {
        const struct steer_member *member = &row->members[target->first_member + i];
        const struct fact *fact = fact_of(facts, check_of(member, kind), kind, is_own);
        size_t at = count;

        if (fact->sources == 0)
            continue;
        for (; at > 0 && known[at - 1]->value > fact->value; at--)
            known[at] = known[at - 1];
        known[at] = fact;
        count++;
    }
    if (count == 0)
        return (struct fact){ 0 };
    return *known[(count - 1) / 2];
}

/* Microseconds of a term for a value in the report's unit: percent are ten thousand millionths. */
static int64_t in_us(enum site_term term, int64_t value)
{
    switch (term) {
    case TERM_CPU:
    case TERM_MEMORY: return value / 10;
    case TERM_ERRORS: return value * 3 / 10;
    case TERM_LATENCY:
    case TERM_RESPONSE:
    case TERM_FTP:
    case TERM_COUNT: break;
    }
    return value;
}

static void load_learn(struct terms *t, int64_t load, int64_t spread)
{
    if (load > LOAD_MOST)
        load = LOAD_MOST;
    if (load <= t->load)
        return;
    t->load = load;
    t->load_spread = spread;
}

static const struct fact *fuller_of(const struct terms *t)
{
    const struct fact *cpu = &t->facts[TERM_CPU], *memory = &t->facts[TERM_MEMORY];

    return cpu->value > memory->value ? cpu : memory;
}

static int64_t fuller(const struct terms *t)
{
    return fuller_of(t)->value;
}

/*
 * A machine near the end of its CPU or memory counts as loaded, the nearer the more. What all have
 * in common (one machine under all of them, a quiet night's backup) tells none from the others, and
 * would only freeze things as they are; so does what differs by no more than chance.
 */
static void guard_of(struct terms *terms, const struct steer_row *row)
{
    const int64_t one = 1000000;
    int64_t least = one;

    for (size_t i = 0; i < row->count; i++)
        if (!row->targets[i].is_reserve && fuller(&terms[i]) < least)
            least = fuller(&terms[i]);
    int64_t from = least > TERMS_GUARD ? least : TERMS_GUARD;

    for (size_t i = 0; i < row->count; i++) {
        int64_t full = fuller(&terms[i]) < one ? fuller(&terms[i]) : one;

        if (full > from + GUARD_DOUBT + fuller_of(&terms[i])->spread)
            load_learn(&terms[i],
                PRESSURE_FROM +
                    (full - from) * (TERMS_OVERLOAD - PRESSURE_FROM) / (one - TERMS_GUARD),
                0);
    }
}

/* The fuller of what is known: told load, rate against capacity. */
static void load_of(struct terms *t, const struct steer_row *row, const struct steer_target *target,
    const struct facts *facts)
{
    struct fact load = middle_of(row, target, facts, REPORT_LOAD, false);
    struct fact rate = middle_of(row, target, facts, REPORT_RATE, false);
    double capacity = target->origin == NULL ? 0 : target->origin->capacity_requests_per_s;

    t->load = TERMS_UNKNOWN;
    if (load.sources > 0)
        load_learn(t, load.value, load.spread);
    if (rate.sources > 0 && capacity > 0) {
        // Thousandths a second into millionths of capacity.
        int64_t thousandths = capacity < 0.001 ? 1 : (int64_t)(capacity * 1000);

        load_learn(t, rate.value * 1000000 / thousandths, rate.spread * 1000000 / thousandths);
    }
}

static void terms_of(struct terms *t, const struct steer_row *row,
    const struct steer_target *target, const struct facts *facts)
{
    static const enum report_kind KINDS[TERM_COUNT] = {
        [TERM_LATENCY] = REPORT_LATENCY,
        [TERM_RESPONSE] = REPORT_EXCESS,
        [TERM_FTP] = REPORT_EXCESS,
        [TERM_CPU] = REPORT_CPU,
        [TERM_MEMORY] = REPORT_MEMORY,
        [TERM_ERRORS] = REPORT_ERRORS,
    };
    bool is_deliver = row->site->kind == SITE_DELIVER;

    for (enum site_term i = 0; i < TERM_COUNT; i++) {
        t->facts[i] = i == TERM_FTP ? *fact_of(facts, target->ftp_check, KINDS[i], false)
                                    : middle_of(row, target, facts, KINDS[i],
                                          is_deliver && i == TERM_LATENCY);
        t->us[i] = in_us(i, t->facts[i].value);
        t->spread_us[i] = in_us(i, t->facts[i].spread);
    }
    load_of(t, row, target, facts);
}

void terms_of_row(const struct steer_rows *rows, const struct steer_row *row,
    const struct facts *facts, struct terms *terms)
{
    int64_t worst = TERMS_UNKNOWN;

    assert(facts->count == rows->checks->count);
    for (size_t i = 0; i < row->count; i++) {
        terms_of(&terms[i], row, &row->targets[i], facts);
        if (terms[i].facts[TERM_LATENCY].sources > 0 && terms[i].us[TERM_LATENCY] > worst)
            worst = terms[i].us[TERM_LATENCY];
    }
    guard_of(terms, row);
    for (size_t i = 0; i < row->count && worst != TERMS_UNKNOWN; i++)
        if (terms[i].facts[TERM_LATENCY].sources == 0)
            terms[i].us[TERM_LATENCY] = worst + worst / 4 + UNKNOWN_MARGIN_US;
}

enum steer_latency_basis terms_basis(const struct steer_rows *rows, const struct steer_row *row,
    const struct terms *terms, uint32_t cell)
{
    assert(cell < rows->geo->cell_count);
    if (row->is_placed && rows->geo->cells[cell].location.is_set)
        return STEER_BASIS_GEOGRAPHY;
    for (size_t i = 0; i < row->count; i++)
        if (terms[i].facts[TERM_LATENCY].sources > 0)
            return row->site->kind == SITE_DELIVER ? STEER_BASIS_OWN : STEER_BASIS_OBSERVERS;
    return STEER_BASIS_NONE;
}

int64_t terms_rest_us(const struct terms *terms, const uint16_t weigh[TERM_COUNT])
{
    int64_t sum = 0;

    for (enum site_term i = 0; i < TERM_COUNT; i++)
        sum += i == TERM_LATENCY ? 0 : weigh[i] * terms->us[i];
    return sum;
}

int64_t terms_spread_us(
    const struct terms *terms, const uint16_t weigh[TERM_COUNT], enum steer_latency_basis basis)
{
    int64_t sum = 0;

    for (enum site_term i = 0; i < TERM_COUNT; i++)
        if (i != TERM_LATENCY || basis != STEER_BASIS_GEOGRAPHY)
            sum += weigh[i] * terms->spread_us[i];
    return sum;
}

int64_t terms_pressure(int64_t load)
{
    const int64_t one = 1000000;

    if (load <= PRESSURE_FROM)
        return one;
    if (load >= one - (one - PRESSURE_FROM) * one / PRESSURE_MOST)
        return PRESSURE_MOST;
    return (one - PRESSURE_FROM) * one / (one - load);
}

int64_t terms_load_at(int64_t pressure)
{
    const int64_t one = 1000000;

    assert(pressure >= one);
    return one - (one - PRESSURE_FROM) * one / pressure;
}

/* No worse in any respect of load, by more than the measurements spread. What is not known counts
 * as none. */
static bool load_is_no_higher(const struct terms *a, const struct terms *b)
{
    int64_t load = b->load == TERMS_UNKNOWN ? 0 : b->load;

    for (enum site_term i = 0; i < TERM_COUNT; i++)
        if (i != TERM_LATENCY && a->us[i] > b->us[i] + a->spread_us[i] + b->spread_us[i])
            return false;
    return a->load <= load + a->load_spread + b->load_spread;
}

bool terms_dominate(const struct terms *a, int64_t a_latency_us, const struct terms *b,
    int64_t b_latency_us, const uint16_t weigh[TERM_COUNT], enum steer_latency_basis basis)
{
    int64_t doubt = 2 * (terms_latency_spread_us(a, basis) + terms_latency_spread_us(b, basis));

    if (doubt < TERMS_NOTICED_US)
        doubt = TERMS_NOTICED_US;
    return basis != STEER_BASIS_NONE && weigh[TERM_LATENCY] > 0 &&
           a_latency_us + doubt < b_latency_us && load_is_no_higher(a, b);
}
