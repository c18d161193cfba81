// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A segment of the journal, STATE/NODE/usage/NUMBER.entries, as bytes:
 *
 *     file    "wpulog" 0 version(1), then records
 *     record  check(4) length(2) kind(1) 0(1) write(8) payload(length) check(8)
 *
 * Big-endian; both checks are hashes of what they stand beside, `write` is where in the file the
 * write began that the record came with. It tells two misfortunes apart: when what is wrong is
 * followed by records of a later write, it was good once and is broken now; when it is not, it is
 * of the last write, which was not finished, and torn.
 *
 * Read through a window, since a segment may be larger than memory is to be given to it. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/usage.h"

enum {
    JOURNAL_FILE_HEADER = 8,
    JOURNAL_RECORD_HEADER = 16,
    JOURNAL_RECORD_EXTRA = JOURNAL_RECORD_HEADER + 8, // beside its payload
    JOURNAL_RECORD_MAX = JOURNAL_RECORD_EXTRA + USAGE_ENTRY_MAX,
    JOURNAL_SETTLED_SIZE = 8 + USAGE_HASH_SIZE,
};

enum journal_record_kind {
    JOURNAL_ENTRY,   // of usage
    JOURNAL_TOTALS,  // of a site, as closing_totals tells them: older segments may go
    JOURNAL_SETTLED, // sequence(8) hash(32): the ledger holds the entries up to this one
    JOURNAL_OLDEST,  // number(8) first(8); first in its segment: those with lower numbers count no
                     // more, and its first entry is that
    JOURNAL_RECORD_KIND_COUNT,
};

struct journal_record {
    enum journal_record_kind kind;
    uint64_t write;
    struct slice payload;
};

/* Writes the file's beginning, which belongs to its first write, at 0. */
void journal_file_begin(char room[JOURNAL_FILE_HEADER]);

bool journal_file_is_ours(struct slice header);

/* `room` has JOURNAL_RECORD_EXTRA bytes beside the payload; returns how many it took. */
size_t journal_record_write(const struct journal_record *record, char *room);

/* Part of a file. */
struct journal_window {
    struct slice bytes;
    uint64_t at; // in the file
    bool is_end; // the file ends with it
};

enum journal_reading {
    JOURNAL_READ_RECORD,
    JOURNAL_READ_END,
    JOURNAL_READ_MORE,  // it goes on behind the window
    JOURNAL_READ_WRONG, // no record is here, or no whole one
};

/* The record at `*at` in the window, behind which it moves; else it stays. The payload is that of
 * the window. */
enum journal_reading journal_record_read(
    const struct journal_window *window, size_t *at, struct journal_record *record);

/* Moves `*at` on to where a record's header is. False: there is none, and the search goes on from
 * `*at` in what comes behind the window. */
bool journal_record_find(const struct journal_window *window, size_t *at);

struct journal_position {
    uint64_t sequence; // 0: before the first entry
    unsigned char hash[USAGE_HASH_SIZE];
};

/* Of JOURNAL_OLDEST. */
struct journal_oldest {
    uint64_t number; // of a segment
    uint64_t first;  // sequence
};

enum { JOURNAL_OLDEST_SIZE = 16 };
struct slice journal_oldest_write(
    const struct journal_oldest *oldest, char room[JOURNAL_OLDEST_SIZE]);
bool journal_oldest_parse(struct slice payload, struct journal_oldest *oldest);

/* Of JOURNAL_SETTLED. `room` has JOURNAL_SETTLED_SIZE bytes. */
struct slice journal_settled_write(const struct journal_position *settled, char *room);
bool journal_settled_parse(struct slice payload, struct journal_position *settled);
