// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The file of a node's orders, STATE/NODE/orders: what it applied, in turn, so that a start knows
 * how far it was and what is drained.
 *
 *     file    "wpolog" 0 version(1), then records
 *     record  check(4) length(2) kind(1) 0(1) era(8) number(8) applied_ms(8)
 *             and, where it has a payload, payload(length) check(8)
 *
 * Big-endian; both checks are hashes of what they stand beside. Records are appended and synced; a
 * power cut may leave the end half-written: what is incomplete, or wrong with nothing but zeros
 * behind it, is torn and cut off. Anything else that is wrong was not written by us: broken.
 *
 * After a failed write or sync nobody knows what is in the file, so that it is never written again:
 * the next write makes a new one of all that is known and puts it in its place.
 *
 * Reading and making records is pure; the rest blocks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    ORDERS_FILE_HEADER = 8,
    ORDERS_RECORD_HEADER = 32,
    ORDERS_PAYLOAD_MAX = 16 * 1024, // of what the bus carries
    ORDERS_RECORD_MAX = ORDERS_RECORD_HEADER + ORDERS_PAYLOAD_MAX + 8,
    ORDERS_FILE_MAX = 64 << 20, // a larger one was not written by us
};

enum orders_record_kind {
    ORDERS_APPLIED, // the order of that number, as it stood in the log
    ORDERS_PASSED,  // no order, but the position is now that; no payload
    ORDERS_DRAIN,   // a drain in force, older than all that follow: an order to drain it
    ORDERS_RECORD_KIND_COUNT,
};

struct orders_record {
    enum orders_record_kind kind;
    uint64_t era, number;
    struct wall applied;
    struct slice payload;
};

/* Writes the file's beginning. */
void orders_file_begin(char room[ORDERS_FILE_HEADER]);

/* Writes one record; `room` has ORDERS_RECORD_MAX bytes. Returns how many it took. */
size_t orders_record_write(const struct orders_record *record, char *room);

enum orders_reading {
    ORDERS_READ_RECORD,
    ORDERS_READ_END,
    ORDERS_READ_TORN,   // the file is good up to `at`
    ORDERS_READ_BROKEN, // likewise
};

/* The next record from `at` (0 to begin with), which moves behind it. The payload is that of
 * `file`. */
enum orders_reading orders_record_read(struct slice file, size_t *at, struct orders_record *record);

/* An open file. Plain; one thread at a time. */
struct orders_file {
    char *path;
    int fd;            // -1: there is none that may be appended to
    size_t size_bytes; // of what is good in it
};

/* Copies the path, opens nothing. */
void orders_file_init(struct orders_file *file, const char *path);
void orders_file_done(struct orders_file *file);

/* Reads all of it; freed by mem_free. ERR_MISSING: there is none. ERR_LIMIT: ORDERS_FILE_MAX. */
[[nodiscard]] enum err orders_file_load(struct orders_file *file, char **bytes, size_t *length);

/* After a load: cuts it to what is good, and appends there from now on. */
[[nodiscard]] enum err orders_file_keep(struct orders_file *file, size_t size_bytes);

/* Renames it to PATH.broken, in place of an older one. */
[[nodiscard]] enum err orders_file_set_aside(struct orders_file *file);

/* Both: on disk when they return ERR_NONE. On error the file is not to be appended to any more, and
 * the next write is a replacement. */
[[nodiscard]] enum err orders_file_append(struct orders_file *file, struct slice bytes);
[[nodiscard]] enum err orders_file_replace(struct orders_file *file, struct slice bytes);
