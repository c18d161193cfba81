// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Inside the journal: what it asks of the pool, one job at a time, and what is read at the start.
 * A job touches nothing of the journal but what stands in it; `segments` is a copy.
 */

#include "io/pool.h"
#include "meter/closing.h"
#include "meter/journal.h"
#include "meter/journal_scan.h"

enum journal_task {
    TASK_WRITE, // entries, and in a new segment totals
    TASK_ASK,   // reads entries that are not settled
    TASK_SWEEP, // deletes segments
    TASK_MOVE,  // chains anew what is not settled
};

/* What is to be written. */
struct journal_batch {
    char *bytes; // wire/usage.h
    size_t length, room, count;
};

void journal_batch_add(struct journal_batch *batch, struct slice entry);
void journal_batch_done(struct journal_batch *batch);

struct journal_asked {
    bool is_told;                 // the ledger's word came since entries were read last
    bool has_word;                // the position below is to be looked for, and
    struct journal_position word; // what lies behind it is asked for where it is held
    bool is_held;
    struct journal_position after; // entries behind this one
    uint64_t number, offset;       // where that is in a segment, if it is known; else 0
    char *room;
    size_t room_bytes, length;
    uint64_t first;
    unsigned char before[USAGE_HASH_SIZE]; // what the first one says is before it
    struct journal_position last;          // of what was found; sequence 0: nothing
    unsigned broken;                       // places that could not be read
};

struct journal_moved {
    struct journal_position to; // what the ledger holds
    uint64_t settled;           // of our own chain, as far as was known
    uint64_t read_last;         // entries up to this one are of an earlier life
    struct journal_position last;
    uint64_t bytes;             // of the segment that was made
    uint64_t entries, left_out; // how many
    bool is_guess;              // what of ours the ledger has is not known
};

struct journal_job {
    struct pool_job job;
    enum journal_task task;
    const char *folder;
    struct slice node;
    struct journal_segment *segments; // all; of TASK_SWEEP those to be deleted
    size_t segment_count;
    struct segment_writer writer;    // of the newest segment, if it may be appended to
    uint64_t number;                 // of the segment that is begun; 0: none is
    struct journal_oldest oldest;    // what a segment that is begun says
    struct journal_batch entries;    // of TASK_WRITE, and of TASK_MOVE what waits to be written
    struct journal_batch totals;     // of TASK_WRITE
    struct journal_position settled; // to be noted in TASK_WRITE; sequence 0: nothing new
    struct journal_asked asked;
    struct journal_moved moved;
    enum err err;
};

/* pool_job's work. */
void journal_work(struct pool_job *job);

/* A segment in the folder, which is made, too, where it is missing. */
enum err journal_work_make(
    const struct journal_job *job, const char *path, struct segment_writer *writer);

/* TASK_MOVE, in a file of its own. */
enum err journal_work_move(struct journal_job *job);

/* What a start found. */
struct journal_found {
    struct journal_segment *segments; // freed by mem_free
    size_t segment_count;
    uint64_t next_number;
    uint64_t gap_behind; // the last entry that is not followed by its successor; 0: none
    bool has_oldest;     // where the chain begins here is known
    struct journal_position settled;
};

struct journal_start {
    const char *folder;
    struct slice node;
    struct log *log;
    struct closing *closing;
    struct journal_counts *counts;
};

/* Lists and reads the segments, which blocks. */
void journal_start_read(const struct journal_start *start, struct journal_found *found);

struct journal {
    struct journal_user *user;
    struct loop *loop;
    struct pool *pool;
    struct log *log;
    struct closing *closing;
    char *node, *folder;
    struct journal_segment *segments;
    size_t segment_count, segment_room;
    uint64_t next_number;
    uint64_t complete_number;        // of a segment that has all totals; 0: none yet
    size_t totals_bytes;             // in the newest segment
    struct journal_batch put;        // entries that are not written
    bool wants_write;                // they are to be
    struct journal_position last;    // on disk
    struct journal_position settled; // of our chain
    uint64_t noted_settled;          // what of it is on disk
    uint64_t gap_behind;             // of what the start found; 0: there is none
    uint64_t read_last;              // the newest entry that the start found
    struct journal_position word;    // what the ledger said last
    bool is_told, has_word;          // it did since entries were read; that is to be looked for
    struct journal_position asked;   // the last of what was handed out
    unsigned doubts;
    bool wants_move;
    size_t ask_room;                            // 0: nobody asks
    uint64_t at_number, at_offset, at_sequence; // behind what was handed out
    struct journal_job job;
    bool is_working, is_failing;
    struct timer retry;
    struct journal_counts counts;
};
