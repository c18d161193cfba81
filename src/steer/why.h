// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Why a client is answered as it is: the same functions that planned and picked, asked again for
 * one row and one client, with everything they saw kept. Only structs; whoever shows them to
 * people or programs renders them.
 */

#include "base/arena.h"
#include "steer/map.h"
#include "steer/pick.h"
#include "steer/terms.h"

struct why_term {
    enum site_term term;
    double ms;        // before its weight
    unsigned weight;  // 0: the site does not count it
    struct fact fact; // in its own unit; sources 0: not measured (a latency may still be known
                      // from geography, or be taken for the worst)
};

struct why_member {
    const struct steer_member *member;
    uint8_t health; // STEER_DOWN and the like
};

struct why_candidate {
    const struct steer_target *target;
    struct why_term terms[TERM_COUNT];
    double cost_ms;  // weighted sum of the terms: what bands are cut by
    double load;     // share of its capacity, 1 is all; negative: not known
    double pressure; // factor that follows from it
    double value_ms; // cost under pressure: what a strict site orders by
    int rank;        // position among the cell's choices; -1: not listed
    bool is_in_band, is_fit;
    bool sheds_client;
    uint16_t shed; // of STEER_SHED_ALL
    const struct why_member *members;
    size_t member_count;
    bool is_picked;
    /* Of those that are fit, and behind the band for what they cost: they would be first if their
     * cost (of a strict site: their value) were below this; else negative. */
    double wins_below_ms;
};

struct why {
    const struct steer_row *row;
    struct ip client;
    uint32_t cell;
    const struct geo_cell *place;
    enum steer_latency_basis basis;
    bool has_map;      // else nothing is measured yet, and the order is the row's
    struct wall epoch; // of the map
    uint64_t map_hash; // likewise
    double margin_ms;  // of the band
    bool is_dominated; // the first is lower in latency and load than all others
    const struct why_candidate *candidates; // in the order of the cell's choices, then the others
    size_t candidate_count;
    struct steer_pick pick; // for addresses of any family
};

/* All in the arena, pointing into rows and their network. A map of other rows, or NULL, is not
 * looked at. */
struct why *steer_why(struct arena *arena, const struct steer_rows *rows,
    const struct steer_row *row, const struct steer_map *map, const struct ip *client);

/* "geography", "own": as in /api/v1. */
const char *steer_latency_basis_text(enum steer_latency_basis basis);
