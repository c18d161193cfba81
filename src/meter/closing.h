// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Closing an interval: from the totals of a node's sites, and those that were closed last, the
 * entries of what came in between. Each is the next in the node's chain.
 *
 * Totals are since boot, so that an interval that could not be closed in its time is lost to
 * nobody: the next entry covers both. Sites whose totals did not change have no entry.
 *
 * The wall clock may jump, entries do not: none begins before the last one ended, and none ends
 * before it begins. After a jump forward that was taken back, entries have no length until the
 * clock is where it was. Totals that shrink within a boot are an error of whoever counts: the site
 * has no entry until they have grown past what was closed. Both are counted.
 *
 * Pure: no clock, no I/O; one thread at a time.
 *
 *     closing_learn(c, …)                        at the start, each entry of the journal
 *     closing_begin(c, boot, begin, end)         every interval
 *     closing_entry(c, customer, site, totals)     each of its sites
 */

#include "base/counter.h"
#include "wire/usage.h"

struct closing;

/* Sites of a boot whose totals are known; of those that found no room nothing can be closed, since
 * nobody would know later that it was. */
enum { CLOSING_SITES_MAX = 1 << 17 };

#define CLOSING_COUNTERS(X)                                                                 \
    X(entries, "usage_entries_total", "", "Entries made of what was counted")               \
    X(clamped, "usage_clock_jumps_total", "", "Intervals cut since the clock was put back") \
    X(shrunk, "usage_totals_shrunk_total", "", "Totals that were less than closed before")  \
    X(no_room, "usage_closing_no_room_total", "", "Sites not closed: too many in this boot")

struct closing_counts {
    CLOSING_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row closing_counter_rows[];
extern const size_t closing_counter_row_count;

/* Where a chain is. Zeroed: before its first entry. */
struct closing_position {
    uint64_t sequence; // of the newest entry; 0: none
    unsigned char hash[USAGE_HASH_SIZE];
    struct wall end; // no later entry begins before
};

/* The names are copied. */
struct closing *closing_new(struct slice node, struct slice pop);

/* Accepts NULL. */
void closing_free(struct closing *closing);

/* This entry, whose hash that is, is the newest of the chain: the next follows it. */
void closing_learn(struct closing *closing, const struct usage_entry *entry,
    const unsigned char hash[USAGE_HASH_SIZE]);

/*
 * What is known of the boot, so that the entries it came from may go: for each site something that
 * looks like its next entry and adds nothing. `*at` is 0 to begin with; false: that was all.
 * closing_restore takes such a one; where `is_new_only`, sites that are known already stay, and so
 * does the chain.
 */
bool closing_totals(const struct closing *closing, size_t *at, char *room, struct slice *bytes);
void closing_restore(struct closing *closing, const struct usage_entry *totals, bool is_new_only);

/*
 * What an entry of the same node says, as the next one of this chain. It is from what was closed
 * here: so that it holds, too, what an entry between them held that is lost, and nothing that is in
 * this chain already. In `room` of USAGE_ENTRY_MAX bytes; empty: it adds nothing.
 */
struct slice closing_again(struct closing *closing, const struct usage_entry *entry, char *room);

/* The chain is to follow another entry; totals and time stay. */
void closing_move(
    struct closing *closing, uint64_t sequence, const unsigned char hash[USAGE_HASH_SIZE]);

/* From now on entries are of this interval, of totals that began at 0 with this boot. */
void closing_begin(struct closing *closing, uint64_t boot, struct wall begin, struct wall end);

/*
 * The bytes of the entry that brings a site to these totals, in `room` of USAGE_ENTRY_MAX bytes;
 * it counts as closed from now on. Empty: there is nothing new. Names within their limits and both
 * empty or neither. After closing_begin.
 */
struct slice closing_entry(struct closing *closing, struct slice customer, struct slice site,
    const struct usage_totals *totals, char *room);

const struct closing_position *closing_position(const struct closing *closing);

const struct closing_counts *closing_counts(const struct closing *closing);
