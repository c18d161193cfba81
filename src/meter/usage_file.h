// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * How the totals of a boot lie in their file (meter/usage.h): a header; then chunks of
 * USAGE_CHUNK_SLOTS slots each, first their names, then for each worker its lines of them. The file
 * grows by whole chunks. In the machine's own byte order, since it never leaves it.
 *
 *     header │ names of 0-31 │ worker 0: lines of 0-31 │ worker 1: … │ names of 32-63 │ …
 *
 * Names and the fixed part of the header have a hash, as they are written once. Totals change all
 * the time and have none: they are believed if the ledger can hold them.
 *
 * Pure.
 */

#include <assert.h>
#include <stdatomic.h>

#include "meter/usage.h"

enum {
    USAGE_FILE_VERSION = 1,
    USAGE_FILE_HEADER = 4096,
    USAGE_CHUNK_SLOTS = USAGE_LINES_APART / (int)sizeof(struct usage_line),
    USAGE_SLOT_NAMES = 512,     // bytes that a slot's names have, of which
    USAGE_SLOT_NAMES_MAX = 502, //   these are for customer and site together
    USAGE_SLOTS_MAX = USAGE_SITES_MAX + 1,
};

struct usage_file_header {
    char mark[8];
    uint32_t version, kinds, workers, unused;
    uint64_t boot;
    int64_t begin_ms;
    uint64_t check; // of what stands above
    _Atomic uint32_t slots;
    _Atomic int64_t seen_ms;
};

struct usage_names {
    uint64_t check; // usage_names_hash; of a slot that is not in use, 0
    uint8_t customer_length, site_length;
    char text[USAGE_SLOT_NAMES_MAX]; // customer, then site
};

static_assert(sizeof(struct usage_names) == USAGE_SLOT_NAMES, "names lie one behind the other");
static_assert(sizeof(struct usage_file_header) <= USAGE_FILE_HEADER, "a header has its page");

static inline size_t usage_chunk_bytes(unsigned workers)
{
    return (size_t)USAGE_CHUNK_SLOTS * USAGE_SLOT_NAMES + (size_t)workers * USAGE_LINES_APART;
}

/* Of a chunk, the slot that is number `at` in it. */
static inline struct usage_names *usage_chunk_names(char *chunk, size_t at)
{
    return (struct usage_names *)(void *)(chunk + at * USAGE_SLOT_NAMES);
}

static inline struct usage_line *usage_chunk_lines(char *chunk, size_t at)
{
    size_t names = (size_t)USAGE_CHUNK_SLOTS * USAGE_SLOT_NAMES;

    return (struct usage_line *)(void *)(chunk + names + at * sizeof(struct usage_line));
}

void usage_file_header_write(
    struct usage_file_header *header, uint64_t boot, struct wall begin, unsigned workers);

/* False: none of ours, or of a version that counts what we do not know. */
bool usage_file_header_is_ours(const struct usage_file_header *header);

/* Never 0. */
uint64_t usage_names_hash(struct slice customer, struct slice site);

/* They fit into a slot and into an entry: both empty or neither, no control bytes. */
bool usage_names_are_sane(struct slice customer, struct slice site);
void usage_names_write(struct usage_names *names, struct slice customer, struct slice site);
struct slice usage_names_customer(const struct usage_names *names);
struct slice usage_names_site(const struct usage_names *names);

/* What usage_names_write wrote. */
bool usage_names_are_whole(const struct usage_names *names);

/* The sums over all workers; false: no ledger could hold them. */
bool usage_lines_sum(struct usage_line *lines, unsigned workers, struct usage_totals *totals);
