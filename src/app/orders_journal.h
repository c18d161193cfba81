// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Brings a node's orders to the disk: one write at a time on the pool, each with all that came
 * since the last. A write is an append, or the whole file anew: at the beginning, when it has grown
 * too long, and after a failure, since nobody knows then what is in the file. A failure is said
 * once and tried again each ORDERS_RETRY.
 *
 * On the control loop, but for what runs on the pool.
 */

#include "app/orders_file.h"
#include "base/counter.h"
#include "base/log.h"

struct loop;
struct orders_journal;
struct orders_journal_user;
struct pool;

#define ORDERS_RETRY span_s(1)

enum {
    ORDERS_COMPACT_BYTES = 4 << 20,   // a file that passes this is made anew,
    ORDERS_COMPACT_TIMES = 2,         // but not before it is so many times as long as when made
    ORDERS_UNWRITTEN_BYTES = 1 << 20, // what waits to be appended; of more the file is made anew
};

/* A file in the making. */
struct orders_image {
    char *bytes;
    size_t length, room;
};

void orders_image_add(struct orders_image *image, const struct orders_record *record);

struct orders_journal_user_ops {
    /* At the start: the next record of the file. */
    void (*read)(struct orders_journal_user *user, const struct orders_record *record);
    /* At the start: what was read is not to be trusted. */
    void (*forget)(struct orders_journal_user *user);
    /* Adds all that is known, up to the newest record that was put. */
    void (*image)(struct orders_journal_user *user, struct orders_image *image);
    /* All that was put up to this order is on disk. */
    void (*written)(
        struct orders_journal_user *user, uint64_t era, uint64_t number, uint64_t drains);
};

struct orders_journal_user {
    const struct orders_journal_user_ops *ops;
};

#define ORDERS_JOURNAL_COUNTERS(X)                                                          \
    X(writes, "orders_writes_total", "", "Times that orders were written down")             \
    X(rewrites, "orders_rewrites_total", "", "Times that the file of orders was made anew") \
    X(errors, "orders_write_errors_total", "", "Times that orders could not be written")

struct orders_journal_counts {
    ORDERS_JOURNAL_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row orders_journal_counter_rows[];
extern const size_t orders_journal_counter_row_count;

/* All of it outlives the journal, but for the texts. */
struct orders_journal_plan {
    struct loop *loop;
    struct pool *pool;
    struct log *log;
    const char *node; // for the log
    const char *path;
};

struct orders_journal *orders_journal_new(
    const struct orders_journal_plan *plan, struct orders_journal_user *user);

/* Accepts NULL. What is not written yet will not be. After the pool has ended. */
void orders_journal_free(struct orders_journal *journal);

/* Reads the file, which blocks. A torn end is cut off; a file that is broken, or cannot be read, is
 * set aside. Each is logged. */
void orders_journal_read(struct orders_journal *journal);

/* To be written; `written` follows within a later turn, with the `drains` of the newest. */
void orders_journal_put(
    struct orders_journal *journal, const struct orders_record *record, uint64_t drains);

/* The newest write failed. */
bool orders_journal_is_failing(const struct orders_journal *journal);

const struct orders_journal_counts *orders_journal_counts(const struct orders_journal *journal);
