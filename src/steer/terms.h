// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a target costs a client, from the facts: the pure core that the plan and its explanation
 * share. In microseconds and millionths throughout, so that every node computes the same.
 *
 * A target of several members is the one in the middle: of each fact the lower median over those
 * of whom it is known. Whether they are up is not looked at: that is beside the map.
 */

#include <stdint.h>

#include "steer/facts.h"
#include "steer/rows.h"

#define PRESSURE_MOST       INT64_C(10000000) // millionths: ten times
#define PRESSURE_FROM       INT64_C(800000)   // of capacity; below, load costs nothing
#define TERMS_GUARD         INT64_C(900000)   // of CPU or memory; what is above it counts as load
#define TERMS_OVERLOAD      INT64_C(1250000)  // of a full one: how far over it is cannot be seen
#define TERMS_UNKNOWN       INT64_C(-1)
#define TERMS_GEO_SPREAD_US INT64_C(1000)
#define TERMS_NOTICED_US    INT64_C(500) // a latency that is lower by less is not a lower one

/* Where a client's latency to the targets of a row comes from. */
enum steer_latency_basis {
    STEER_BASIS_NONE,      // nothing known: every target alike
    STEER_BASIS_GEOGRAPHY, // distance between the client's cell and the target
    STEER_BASIS_OWN,       // this node's own measurements
    STEER_BASIS_OBSERVERS, // the median of all observers
};

/* Of one target, whatever cell the client is in. */
struct terms {
    struct fact facts[TERM_COUNT]; // as the member in the middle has them; sources 0: not known
    int64_t us[TERM_COUNT];        // before weights; 0 where not known. Latency: as measured
    int64_t spread_us[TERM_COUNT]; // how far single measurements lie from it, on average
    int64_t load;                  // millionths of capacity; TERMS_UNKNOWN
    int64_t load_spread;
};

/*
 * Writes one for each target of the row. Where the latency of some targets is known and that of
 * others is not, these get the worst of the known, a quarter more, and 20 ms: the unknown does not
 * win by being unknown.
 */
void terms_of_row(const struct steer_rows *rows, const struct steer_row *row,
    const struct facts *facts, struct terms *terms);

/* `terms` are the row's; `cell` the client's. */
enum steer_latency_basis terms_basis(const struct steer_rows *rows, const struct steer_row *row,
    const struct terms *terms, uint32_t cell);

/* The latency of clients in a cell, by the row's basis for it. */
static inline int64_t terms_latency_us(const struct terms *terms, const struct steer_target *target,
    enum steer_latency_basis basis, uint32_t cell)
{
    return basis == STEER_BASIS_GEOGRAPHY ? target->round_trips_us[cell] : terms->us[TERM_LATENCY];
}

/* Weighted sum of all terms but latency; and of their spreads. */
int64_t terms_rest_us(const struct terms *terms, const uint16_t weigh[TERM_COUNT]);
int64_t terms_spread_us(
    const struct terms *terms, const uint16_t weigh[TERM_COUNT], enum steer_latency_basis basis);

/* How far a latency may be off: measured, or by a model that is no closer than that. */
static inline int64_t terms_latency_spread_us(
    const struct terms *terms, enum steer_latency_basis basis)
{
    return basis == STEER_BASIS_GEOGRAPHY ? TERMS_GEO_SPREAD_US : terms->spread_us[TERM_LATENCY];
}

/* How much more than the least a target may cost and still be as good. */
static inline int64_t terms_margin_us(enum site_policy policy, int64_t least_us)
{
    int64_t floor_us = policy == POLICY_STICKY ? 30000 : 3000;
    int64_t share_us = policy == POLICY_STICKY ? least_us / 2 : least_us / 10;

    return share_us > floor_us ? share_us : floor_us;
}

/* Millionths; those of an unknown load are one. */
int64_t terms_pressure(int64_t load);

/* The load at which the pressure is `pressure`, which is at least one million. */
int64_t terms_load_at(int64_t pressure);

static inline int64_t terms_value_us(int64_t cost_us, int64_t pressure)
{
    return cost_us * pressure / 1000000;
}

/*
 * Lower in latency by more than both measurements spread, twice over, and by enough to matter; and
 * in no respect of load higher by more than they spread. Never where a site does not weigh latency.
 */
bool terms_dominate(const struct terms *a, int64_t a_latency_us, const struct terms *b,
    int64_t b_latency_us, const uint16_t weigh[TERM_COUNT], enum steer_latency_basis basis);
