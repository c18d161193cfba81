// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Price: what a customer owes for a month, from the plans that held and what was used.
 *
 *     terms ──price_new──▶ struct price ◀──price_add── uses, in any order
 *                              └──price_close──▶ parts, lines, totals
 *
 * A use belongs wholly to the plan that holds at its begin. Each plan of the month is a part:
 * equal plans are one part, however often they were changed to and fro. A part lasts as many
 * milliseconds as its plan held; what a plan says of a month is scaled by that share: the monthly
 * price and the minimum exactly; what is included, and the ends of tiers, down to a whole byte or
 * request. Tiers count what was used in the part beyond what is included.
 *
 * The 95th percentile is that of the bit rates of a part's five-minute slots, all pops of the
 * group together, by nearest rank: of 8640 slots the 8208th from below. Slots begin at multiples
 * of five minutes. One with no use counts as zero; one in which the plan changes is a slot of both
 * parts, each with its own bytes. A rate is bytes times eight by 300, down to a whole bit/s.
 *
 * Each line is computed exactly and rounded once, half away from zero, to the currency's smallest
 * unit. The minimum is a line of its own: what the other lines of its part lack. Totals are sums
 * of lines, one for each currency, since nothing here knows rates of exchange. Use while no plan
 * held has lines without a price, so that it is seen.
 *
 * Pure: no clock, no I/O. Money never wraps: what is too large to hold is an error that is told.
 * Memory: some 70 KB for each part and group that is priced by rate; nothing for a use.
 */

#include <stdbool.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/plan.h"
#include "meter/month.h"

enum { PRICE_TERMS_MAX = 64 }; // changes of plan within a month

#define PRICE_SLOT_MS INT64_C(300000)

/* From when on a plan holds. */
struct price_term {
    struct wall from;
    struct slice text; // by plan_text.h; empty: no plan
};

/* Differences, below zero where a correction takes back. */
struct price_use {
    struct wall begin;
    struct slice pop;
    int64_t sent_bytes, requests, answers;
};

enum price_kind {
    PRICE_MONTH,             // quantity: milliseconds that the plan held
    PRICE_TRAFFIC_INCLUDED,  // bytes
    PRICE_TRAFFIC,           // bytes
    PRICE_RATE,              // bits a second
    PRICE_REQUESTS_INCLUDED, // requests
    PRICE_REQUESTS,
    PRICE_ANSWERS_INCLUDED, // answers of the DNS
    PRICE_ANSWERS,
    PRICE_MINIMUM, // milliseconds that the plan held
    PRICE_KIND_COUNT,
};

/*
 * Lines of a part: the month; traffic by group, the pops in none first, what is included before
 * the tiers; requests, answers, the minimum. There is none for a quantity or a monthly price of
 * zero, nor for a minimum that is reached.
 */
struct price_line {
    enum price_kind kind;
    unsigned part;      // position in parts
    unsigned tier;      // of PRICE_TRAFFIC, from 1
    struct slice group; // of traffic and rate; empty: the pops in no group
    int64_t quantity;
    int64_t price_microcents; // of a month, 10^9 bytes, 10^6 bit/s, 10^6 requests or answers
    int64_t amount_microcents;
};

struct price_part {
    struct slice text; // the plan's; empty: no plan held
    struct slice plan; // its name
    struct slice currency;
    struct wall begin; // when it first held
    int64_t held_ms;   // together
};

struct price_total {
    struct slice currency;
    int64_t amount_microcents;
};

/* By time of the first millisecond; currencies in the order of parts. */
struct price_bill {
    const struct price_part *parts;
    size_t part_count;
    const struct price_line *lines;
    size_t line_count;
    const struct price_total *totals;
    size_t total_count;
};

struct price;

/*
 * Terms ascend by time; that before the month's begin is the one it begins with. They are copied.
 * ERR_PARSE: a term's text is no plan. ERR_LIMIT: more than PRICE_TERMS_MAX within the month.
 * Freed by price_free.
 */
[[nodiscard]] enum err price_new(const struct price_term *terms, size_t count, struct month month,
    struct price **price, struct diag *why);

/* ERR_RANGE: it begins in another month, or its sums are too large to hold. */
[[nodiscard]] enum err price_add(
    struct price *price, const struct price_use *use, struct diag *why);

/*
 * The bill is in the arena. ERR_RANGE: money that is too large, or more was taken back in a group
 * or of a kind than there was.
 */
[[nodiscard]] enum err price_close(
    const struct price *price, struct arena *arena, struct price_bill *bill, struct diag *why);

/* Accepts NULL. */
void price_free(struct price *price);

/* "traffic", "traffic_included", "minimum"; never NULL. */
const char *price_kind_text(enum price_kind kind);
