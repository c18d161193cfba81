// SPDX-License-Identifier: Apache-2.0
#include "steer/estimate.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "base/attr.h"
#include "steer/median.h"

enum {
    HALF_LIFE_GAPS = 4, // a half-life is at least so many usual gaps
    OUTLIER_SPREADS = 4,
    HOUR_MS = 3600 * 1000,
    EVIDENCE_MOST = REPORT_EVIDENCE_MOST / 1000,
    START_COUNT = 2, // a time that rests on fewer gives way to a lower one
};

struct trait {
    int64_t half_life_ms; // 0: nothing of the past counts
    int64_t grain;        // a difference that means nothing
    bool is_time;
};

/*
 * Routes stay for hours and single round trips scatter, so latency and the share of errors look
 * back half a minute: at one probe a second they rest on some forty. Response time and what tells
 * of the next few seconds (load, rate, requests in flight) must show a crowd while it arrives. CPU
 * and memory swing with every batch job and are a slow penalty, not a signal to follow.
 */
static const struct trait TRAITS[] = {
    [REPORT_LATENCY] = { 30000, 1000, true },
    [REPORT_RESPONSE] = { 5000, 1000, true },
    [REPORT_EXCESS] = { 5000, 1000, true },
    [REPORT_ERRORS] = { 30000, 10000, false },
    [REPORT_CPU] = { 10000, 10000, false },
    [REPORT_MEMORY] = { 10000, 10000, false },
    [REPORT_LOAD] = { 5000, 10000, false },
    [REPORT_RATE] = { 5000, 1000, false },
    [REPORT_IN_FLIGHT] = { 5000, 1000, false },
    [REPORT_HEALTH] = { 0, 0, false },
};

static_assert(COUNT_OF(TRAITS) == REPORT_KIND_COUNT, "each kind has a row");

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Evidence that is left after a gap. */
static double kept_after(const struct estimate *e, const struct trait *trait, int64_t gap_ms)
{
    if (trait->half_life_ms == 0)
        return 0;
    // The shorter of two gaps is a usual one: after a silence the one before it, at an even pace
    // both.
    double usual_ms = (double)least(gap_ms, e->gap_ms);
    double half_life_ms = fmax((double)trait->half_life_ms, HALF_LIFE_GAPS * usual_ms);

    return e->evidence * exp2(-(double)gap_ms / half_life_ms);
}

/* The distance at which a time stops to count. It grows without bound as evidence fades. */
static double outlier_distance(const struct estimate *e, const struct trait *trait, double kept)
{
    double distance = OUTLIER_SPREADS * e->spread + e->mean / 2 + (double)trait->grain;

    return distance / fmin(kept, 1);
}

/* Counts measurements that are cut on one side in a row; true when they are news. */
static bool is_news(struct estimate *e, struct wall at, double value, int side)
{
    if (e->strange * side <= 0) { // not cut, or the first of a row
        e->strange = 0;
        e->strange_sum = 0;
        e->strange_since = at;
    }
    if (side == 0)
        return false;
    e->strange += side;
    e->strange_sum += value;
    e->strange_since.ms = least(e->strange_since.ms, at.ms); // the clock may have been set back
    return e->strange * side >= ESTIMATE_NEWS_COUNT &&
           at.ms - e->strange_since.ms >= ESTIMATE_NEWS_MS;
}

static void begin_anew(struct estimate *e, double value)
{
    double count = fabs((double)e->strange);

    e->mean = e->strange_sum / count;
    e->spread = fmax(e->spread, fabs(value - e->mean));
    e->evidence = fmin(count, EVIDENCE_MOST);
    e->strange = 0;
    e->strange_sum = 0;
}

/* `kept` is what is left of the evidence before. */
static void blend(struct estimate *e, double kept, double surprise)
{
    // The first needs no case of its own: without evidence its share is all of it.
    double share = 1 / (kept + 1);

    // The distance from a mean that rests on less than one is as much less a distance.
    e->spread += share * (fabs(surprise) * fmin(kept, 1) - e->spread);
    e->mean += share * surprise;
    e->evidence = fmin(kept + 1, EVIDENCE_MOST);
}

static void learn_time(
    struct estimate *e, const struct trait *trait, struct wall at, double value, double kept)
{
    double surprise = value - e->mean;

    // What comes first is the likeliest to be an outlier: a cold path, a handshake that was lost.
    if (kept < START_COUNT && surprise < 0) {
        e->mean = value;
        e->spread = 0;
        surprise = 0;
    }
    double distance = kept > 0 ? outlier_distance(e, trait, kept) : HUGE_VAL;
    int side = surprise > distance ? 1 : surprise < -distance ? -1 : 0;

    if (is_news(e, at, value, side))
        begin_anew(e, value);
    else
        blend(e, kept, fmax(-distance, fmin(surprise, distance)));
}

enum err estimate_learn(struct estimate *e, enum report_kind kind, struct wall at, int64_t value)
{
    if ((unsigned)kind >= REPORT_KIND_COUNT || value < 0 || value > report_most(kind))
        return ERR_RANGE;
    const struct trait *trait = &TRAITS[kind];
    int64_t gap_ms = e->evidence > 0 ? greatest(at.ms - e->newest.ms, 0) : 0;
    double kept = kept_after(e, trait, gap_ms);

    if (trait->is_time)
        learn_time(e, trait, at, (double)value, kept);
    else
        blend(e, kept, (double)value - e->mean);
    e->gap_ms = gap_ms;
    e->newest = at;
    return ERR_NONE;
}

/* Whole and within the kind's range, whatever rounding did to the last digits. */
static int64_t whole(enum report_kind kind, double value)
{
    return greatest(0, least(llround(value), report_most(kind)));
}

struct report estimate_report(const struct estimate *e, enum report_kind kind)
{
    assert(e->evidence > 0);
    return (struct report){
        .kind = kind,
        .value = whole(kind, e->mean),
        .spread = whole(kind, e->spread),
        .evidence = (uint32_t)llround(fmax(e->evidence * 1000, 1)),
        .at = e->newest,
    };
}

int64_t estimate_fresh_ms(struct span every)
{
    return greatest(ESTIMATE_FRESH_MS, ESTIMATE_FRESH_INTERVALS * (every.ns / 1000000));
}

int64_t estimate_expect(const struct report *report, struct span every, struct wall now)
{
    const struct trait *trait = &TRAITS[report->kind];
    int64_t most = report_most(report->kind);
    int64_t fresh_ms = estimate_fresh_ms(every);
    int64_t late_ms = now.ms - report->at.ms - fresh_ms;
    int64_t more;

    if (late_ms <= 0 || report->kind == REPORT_HEALTH)
        return report->value;
    if (__builtin_mul_overflow(report->value / 4 + report->spread + trait->grain, late_ms, &more))
        return most;
    return least(report->value + more / fresh_ms, most);
}

void idle_learn(struct idle *idle, struct wall at, int64_t value)
{
    int64_t hour = at.ms / HOUR_MS;

    assert(value >= 0 && hour >= 0);
    if (idle->hour - hour >= IDLE_HOURS || hour - idle->hour >= IDLE_HOURS)
        *idle = (struct idle){ .hour = hour };
    while (idle->hour < hour)
        idle->lowest[++idle->hour % IDLE_HOURS] = 0;
    int64_t *lowest = &idle->lowest[hour % IDLE_HOURS];

    value = greatest(value, 1); // 0 means that nothing was seen
    *lowest = *lowest == 0 ? value : least(*lowest, value);
}

static size_t highest_at(const int64_t *values, size_t count)
{
    size_t at = 0;

    for (size_t i = 1; i < count; i++)
        if (values[i] > values[at])
            at = i;
    return at;
}

int64_t idle_median(const struct idle *idle)
{
    int64_t seen[IDLE_HOURS];
    size_t count = 0;

    for (size_t i = 0; i < IDLE_HOURS; i++)
        if (idle->lowest[i] != 0)
            seen[count++] = idle->lowest[i];
    if (count == 0)
        return 0;
    // Of an even number the lower middle one: of two hours, a slow one is not half the truth.
    if (count % 2 == 0)
        seen[highest_at(seen, count)] = seen[count - 1];
    return median(seen, count - (count % 2 == 0));
}
