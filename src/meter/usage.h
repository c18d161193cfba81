// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a node delivers, counted where a killed process does not lose it: in a mapping that is a
 * file on tmpfs (SHARED/waypost-HASH-NODE.usage, where HASH is that of the state folder's path), or
 * where there is none in the state folder (STATE/NODE/usage.totals); with neither, in memory, which
 * is said. A power cut takes what the journal does not have yet, ten seconds at the most.
 *
 * Each site has a slot, and each worker a line of counters in it, which it alone writes: to count
 * is one addition, without a lock or a call. Totals begin at 0 with a boot, which is the life of
 * one mapping, and only grow.
 *
 * At the start, files that are there are dead boots: they are read, and stay until they are buried.
 * What cannot be read (another version's, cut off, rubbish) is set aside, FILE.broken, and said;
 * of a file that is damaged in part the rest counts.
 *
 * Slots are added by one thread at a time, while all others may count and read. They stay where
 * they are until the end, so that old releases and new ones count in the same place. What finds no
 * slot (USAGE_SITES_MAX, or no room on tmpfs) counts in slot 0, which belongs to nobody.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/slice.h"
#include "wire/usage.h"

struct answers;
struct usage;

enum {
    USAGE_SITES_MAX = 1 << 16, // slots of one boot, beside slot 0
    USAGE_WORKERS_MAX = 64,
    USAGE_DEAD_MAX = 32,     // boots that wait for their burial; beyond, the oldest is given up
    USAGE_LINE_KINDS = 16,   // that a line has room for
    USAGE_LINES_APART = 4096 // bytes between one worker's line of a slot and the next one's
};

static_assert(
    (int)USAGE_KIND_COUNT <= (int)USAGE_LINE_KINDS, "a line has room for a total of each kind");

/* One worker's totals of one slot. */
struct usage_line {
    ALIGNED(CACHE_LINE_BYTES) struct counter of[USAGE_LINE_KINDS];
};

/* Of a slot, as usage_site gives it: the line of one of the node's workers. */
static inline struct usage_line *usage_line(struct usage_line *lines, unsigned worker)
{
    return (struct usage_line *)(void *)((char *)lines + (size_t)worker * USAGE_LINES_APART);
}

#define USAGE_COUNTERS(X)                                                                       \
    X(homeless, "usage_sites_without_slot_total", "", "Sites counted for nobody: no slot left") \
    X(broken, "usage_boots_broken_total", "", "Totals of dead boots that could not be read")    \
    X(given_up, "usage_boots_given_up_total", "", "Dead boots dropped unwritten: too many waited")

struct usage_counts {
    USAGE_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row usage_counter_rows[];
extern const size_t usage_counter_row_count;

struct usage_plan {
    const char *shared; // folder on tmpfs, "/dev/shm"; NULL: none
    const char *state;  // STATE; STATE/NODE is there, and locked
    struct slice node;
    unsigned workers; // at most USAGE_WORKERS_MAX
    struct log *log;  // outlives it
    struct wall now;
    bool is_journaled; // dead boots are wanted; else they go at once
};

/* Always succeeds, since what cannot be counted safely is counted nevertheless. */
struct usage *usage_open(const struct usage_plan *plan);

/* In memory alone: for simulated nodes. */
struct usage *usage_new(unsigned workers, struct wall now);

/* Nobody counts any more. The file stays for the next start, unless `is_settled`: all that was
 * counted is on disk as entries, or nobody wants them. Accepts NULL. */
void usage_close(struct usage *usage, bool is_settled);

/* The lines of a site's slot, found or added; of slot 0 where there is none to be had. Good as long
 * as the usage is. By one thread at a time. */
struct usage_line *usage_site(struct usage *usage, struct slice customer, struct slice site);

/* A life of the totals. */
struct usage_boot {
    uint64_t boot;
    struct wall begin, end; // end: of a dead one, when it was last seen alive
    size_t slots;
};

struct usage_slot {
    struct slice customer, site; // both empty: of nobody; good for the boot
    struct usage_totals totals;
};

/* The live boot, and a slot of it, summed over its workers. Any thread, while usage_site adds. */
void usage_live(const struct usage *usage, struct usage_boot *boot);
void usage_live_slot(const struct usage *usage, size_t at, struct usage_slot *slot);

/* The oldest dead boot that was not buried, with those of its slots that counted anything; false:
 * there is none. By one thread, as are the next two. */
bool usage_dead(const struct usage *usage, struct usage_boot *boot);
void usage_dead_slot(const struct usage *usage, size_t at, struct usage_slot *slot);

/* All of the oldest dead boot is on disk as entries: it goes. False: its file cannot be deleted,
 * which is said; it is the oldest still. */
[[nodiscard]] bool usage_bury(struct usage *usage);

/* The live boot was alive at that time. */
void usage_tick(struct usage *usage, struct wall now);

/* What was given out in answers, by target and reason, of as many workers; ends with the usage. */
struct answers *usage_answers(const struct usage *usage);

const struct usage_counts *usage_counts(const struct usage *usage);
