// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The journal of a node's usage, STATE/NODE/usage: its entries, on disk before anybody else hears
 * of them and until the ledger has them. Segments (meter/journal_file.h) with rising numbers; each
 * write is appended and synced on the pool, a few at a time.
 *
 *   - After a failed write or sync nobody knows what is in the segment: it is never written again,
 *     and what was to be written goes to a new one. What stands in both is read once.
 *   - While nothing can be written (disk full, folder read-only) the entries wait in memory, tried
 *     again each JOURNAL_RETRY; journal_takes is false, and the totals go on growing.
 *   - An end that a power cut left half-written was told to nobody and is cut off. A record that
 *     was good and is not any more is passed over; the whole segment is kept for people under
 *     another name (.broken). Both are said and counted.
 *   - Segments go when all their entries are settled.
 *
 * The ledger takes an entry only when it is the successor of the last it holds. What it holds may
 * not fit what is here: an entry became unreadable, the folder was lost with its disk or is that of
 * another machine. Said JOURNAL_DOUBTS times, what is not settled is chained anew behind what the
 * ledger holds, loudly; what an unreadable entry held is put to the next of its site, as far as
 * totals tell it.
 * Where it cannot be known whether the ledger has an entry under another number, it is left out:
 * no usage is billed twice.
 *
 * Memory is bounded whatever waits on disk. On the control loop, but for what runs on the pool.
 */

#include "base/counter.h"
#include "base/log.h"
#include "wire/usage.h"

struct closing;
struct journal;
struct journal_user;
struct loop;
struct pool;

#define JOURNAL_RETRY span_s(1)

enum {
    JOURNAL_SEGMENT_BYTES = 8 << 20, // a segment that passes this is the last to do so
    JOURNAL_SEGMENTS_MAX = 4096,     // more are not begun: nothing is taken until some are settled
    JOURNAL_UNWRITTEN_BYTES = 64 << 20, // what waits to be written
    JOURNAL_PENDING_BYTES = 1 << 20,    // handed out at a time
    JOURNAL_DOUBTS = 3,                 // times that the ledger's word is looked for in vain
};

#define JOURNAL_COUNTERS(X)                                                                        \
    X(written, "usage_journal_entries_total", "", "Entries of usage that were written to disk")    \
    X(writes, "usage_journal_writes_total", "", "Times that entries were written to disk")         \
    X(errors, "usage_journal_errors_total", "", "Writes and reads of the journal that failed")     \
    X(abandoned, "usage_journal_abandoned_total", "", "Segments never written again after one")    \
    X(torn, "usage_journal_torn_total", "", "Ends of segments cut off: a write was not finished")  \
    X(broken, "usage_journal_broken_total", "", "Places in segments that cannot be read any more") \
    X(moves, "usage_journal_moves_total", "", "Times that entries were chained anew")              \
    X(left_out, "usage_journal_left_out_total", "", "Entries left out: perhaps in the ledger")

struct journal_counts {
    JOURNAL_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row journal_counter_rows[];
extern const size_t journal_counter_row_count;

/* The oldest entries that are not settled. */
struct journal_pending {
    struct slice batch;   // wire/usage.h
    uint64_t first, last; // sequences; 0 where there is none
};

struct journal_user_ops {
    /* All entries up to this one are on disk. */
    void (*written)(struct journal_user *user, uint64_t sequence);
    /* What journal_ask asked for; good for the call. */
    void (*pending)(struct journal_user *user, const struct journal_pending *pending);
};

struct journal_user {
    const struct journal_user_ops *ops;
};

/* All of it outlives the journal, but for the texts. */
struct journal_plan {
    struct loop *loop;
    struct pool *pool;
    struct log *log;
    struct closing *closing; // what makes the entries; the journal brings it to where the chain is
    const char *node;        // for the log, and the name in its entries
    const char *folder;      // made where it is missing
};

struct journal *journal_new(const struct journal_plan *plan, struct journal_user *user);

/* Accepts NULL. What is not written yet will not be. After the pool has ended. */
void journal_free(struct journal *journal);

/* Reads all that is there, which blocks, and brings the closing to where it ends. Once, before
 * anything else. */
void journal_read(struct journal *journal);

/*
 * There is room for one more entry, and those that were written before are on disk. While it is
 * false the closing is not to be touched: what it closes must be put, what it knows goes to disk
 * with the entries. So totals of a dead boot are to be kept until the entries of it are written.
 */
bool journal_takes(const struct journal *journal);

/* The bytes that closing_entry gave, to be written with all that is put until journal_write. After
 * journal_takes. */
void journal_put(struct journal *journal, struct slice entry);

/* Writes what was put; `written` follows in a later turn. Nothing put: nothing is done. */
void journal_write(struct journal *journal);

/* The oldest entries on disk that are not settled, as many as go into `room` bytes (at least
 * USAGE_BATCH_ENTRY_MAX, at most JOURNAL_PENDING_BYTES): `pending` follows in a later turn. Asked
 * again before it came, it comes once. */
void journal_ask(struct journal *journal, size_t room);

/* The ledger holds the entries of this node up to this one; sequence 0: none. For each word of it,
 * also when it refused; what does not fit is looked into with the next journal_ask. */
void journal_settled(
    struct journal *journal, uint64_t sequence, const unsigned char hash[USAGE_HASH_SIZE]);

/* The newest write failed. */
bool journal_is_failing(const struct journal *journal);

/* For people. */
struct journal_state {
    uint64_t settled, last; // sequences, of what is on disk
    uint64_t bytes;         // of all segments
    size_t segments;
    size_t unwritten_bytes; // that wait for the disk
};

struct journal_state journal_state(const struct journal *journal);

const struct journal_counts *journal_counts(const struct journal *journal);
