// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Usage: what was delivered for a site, as totals that only grow, and the entry, one line of the
 * ledger that is never changed: from which totals to which others a site went on one node within an
 * interval. The entries of a node are numbered without a gap and each holds the hash of the one
 * before it (SHA-256 of all its bytes), so that none can be changed, left out or added unseen.
 *
 * An interval belongs wholly to the month, the five minutes and the plan that hold at its begin.
 *
 * An entry that has a reason is a correction: `from` is what is taken back and `to` what is put
 * in its place. Corrections are a chain of their own, of a node named "NODE/corrections".
 *
 * As bytes, big-endian; `kinds` has a bit for each kind whose totals are not both zero, and only
 * those follow, in order:
 *
 *     "wpu" version(1)  kinds(4) boot(8) sequence(8) begin_ms(8) end_ms(8) before(32)
 *     node_length(1) pop_length(1) customer_length(1) site_length(1) reason_length(2)
 *     from(8) to(8) of each kind  node pop customer site reason
 *
 * There is one way to write an entry, so that its hash is that of what it says. An entry with a
 * kind that this version does not know is none to it: what a later version counted is not to be
 * stored without it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

/* On the wire and in the ledger by number: new kinds are added at the end. The first ones are
 * requests by outcome. */
enum usage_kind {
    USAGE_HIT,
    USAGE_STALE,
    USAGE_MISS,
    USAGE_REVALIDATED,
    USAGE_COLLAPSED,
    USAGE_PASS,
    USAGE_REFUSED,
    USAGE_ERROR,
    USAGE_REDIRECTED,
    USAGE_SENT_BYTES,   // of answers, heads and bodies, that the kernel took; without TLS's own
    USAGE_FILLED_BYTES, // of bodies that came from origins, kept or passed on
    USAGE_DNS_ANSWERS,
    USAGE_DNS_ADDRESSES, // given out in them
    USAGE_KIND_COUNT,
};

struct usage_totals {
    uint64_t of[USAGE_KIND_COUNT]; // each at most INT64_MAX, as the ledger's numbers have a sign
};

enum {
    USAGE_HASH_SIZE = 32,
    USAGE_NAME_MAX = 255, // of each name
    USAGE_REASON_MAX = 1024,
    USAGE_ENTRY_HEADER_SIZE = 78,
    USAGE_ENTRY_MAX =
        USAGE_ENTRY_HEADER_SIZE + 16 * USAGE_KIND_COUNT + 4 * USAGE_NAME_MAX + USAGE_REASON_MAX,
};

#define USAGE_WALL_MAX ((struct wall){ INT64_C(253402300799999) }) // the end of the year 9999

struct usage_entry {
    struct slice node;           // of whose chain it is; never empty
    struct slice pop;            // where it was delivered; never empty
    struct slice customer, site; // both empty: what found no place of its own
    uint64_t boot;               // the life of the totals: they begin again at 0 with another
    uint64_t sequence;           // from 1, over all boots
    struct wall begin, end;      // begin <= end <= USAGE_WALL_MAX
    struct usage_totals from, to;
    unsigned char before[USAGE_HASH_SIZE]; // the hash of the entry before; of the first all zeros
    struct slice reason;                   // of a correction; else empty
};

/*
 * May be written: lengths and times within limits, no control bytes, a number, a node and a pop, no
 * customer without a site nor the other way round, totals that do not shrink but in a correction,
 * zeros before the first.
 */
bool usage_entry_is_sane(const struct usage_entry *entry);

/* The entry is sane, and `room` has USAGE_ENTRY_MAX bytes; good as long as the room is. */
struct slice usage_entry_write(const struct usage_entry *entry, char *room);

/* False: not an entry that this version knows, or not a sane one. The texts are those of `bytes`.
 */
bool usage_entry_parse(struct slice bytes, struct usage_entry *entry);

/*
 * A batch of entries, as the journal hands them out and the bus carries them: each as its length(2)
 * and its bytes.
 */
enum { USAGE_BATCH_ENTRY_MAX = 2 + USAGE_ENTRY_MAX };

/* Puts one to the end of a batch; `room` has length + 2 bytes. Returns how many it took. */
size_t usage_batch_put(struct slice entry, char *room);

/* The next entry's bytes, while *batch moves behind it. False: none is left, or what is there is no
 * whole one; then the batch is not empty. */
[[nodiscard]] bool usage_batch_next(struct slice *batch, struct slice *entry);

/* What an entry adds to a kind; below zero in corrections alone. */
static inline int64_t usage_entry_added(const struct usage_entry *entry, enum usage_kind kind)
{
    return (int64_t)(entry->to.of[kind] - entry->from.of[kind]);
}

/* All requests, whatever became of them. */
uint64_t usage_requests(const struct usage_totals *totals);

/* "hit", "sent_bytes": in answers of the API and as the ledger's columns; never NULL. */
const char *usage_kind_text(enum usage_kind kind);
