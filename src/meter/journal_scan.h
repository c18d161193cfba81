// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Reads the entries of several segments in turn, each once however often it stands there, and goes
 * on behind whatever cannot be read. Blocks.
 */

#include "meter/segment.h"

struct journal_segment {
    uint64_t number;
    uint64_t first, last; // sequences of its entries; 0: it has none
    uint64_t bytes;       // that are good
};

struct journal_scan {
    const char *folder;
    struct slice node;                      // whose entries they are
    const struct journal_segment *segments; // in order of their numbers
    size_t count, index;                    // the one that is read
    uint64_t offset;                        // where in it reading begins
    uint64_t after;                         // entries up to this one were given already
    struct segment_reader reader;
    bool is_open;
    struct journal_record record;        // what was found
    struct usage_entry entry;            // of SCAN_ENTRY and SCAN_TOTALS
    unsigned char hash[USAGE_HASH_SIZE]; // of SCAN_ENTRY
    enum err err;                        // of SCAN_ERROR
};

enum journal_scanning {
    SCAN_ENTRY,
    SCAN_TOTALS,
    SCAN_SETTLED,
    SCAN_TORN, // from reader.wrong_at to wrong_end, as with the next
    SCAN_BROKEN,
    SCAN_FOREIGN, // an entry of another node, or as a later version writes them
    SCAN_ERROR,   // the rest of this segment cannot be read
    SCAN_END,     // of all segments
};

/* From the segment at `index` on, in which reading begins at `offset`; what comes after `after`.
 * Folder, node and segments outlive it. */
void journal_scan_begin(struct journal_scan *scan, size_t index, uint64_t offset, uint64_t after);

void journal_scan_end(struct journal_scan *scan);

/* What is found is good until the next call. */
enum journal_scanning journal_scan_next(struct journal_scan *scan);

/* Where the next record would be, and in which segment. */
uint64_t journal_scan_offset(const struct journal_scan *scan);
const struct journal_segment *journal_scan_segment(const struct journal_scan *scan);

/* The first segment with entries behind this one; `count` where there is none. */
size_t journal_segment_behind(
    const struct journal_segment *segments, size_t count, uint64_t sequence);

/* This position is of the chain in these segments. Uses the scan, which is ended afterwards. */
bool journal_scan_holds(struct journal_scan *scan, const struct journal_position *position);
