// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Keeps a book of orders in a file: reads it at the start, and adds to it on the pool, a batch at a
 * time, each synced before anybody is told. What the book threw away stays in the file until it is
 * twice as long as it needs to be; then, and after any failure, the next batch is written with all
 * of the book into a file beside it, which takes its place. So nothing is ever added behind bytes
 * that are in doubt.
 *
 * Limits: KEEPER_FILE_MAX bytes of a file; KEEPER_BATCH_MAX orders a batch. One process uses the
 * file at a time.
 */

#include "bus/book.h"
#include "io/pool.h"

enum { KEEPER_FILE_MAX = 256 << 20, KEEPER_BATCH_MAX = 64 };

struct keeper {
    /* The owner's: on the loop. ERR_NONE: they are on disk, and the book is to have them now. */
    void (*done)(struct keeper *keeper, enum err err, const char *why);

    struct pool *pool;
    char *path, *beside;
    int fd;
    uint64_t size;   // of the file
    bool is_doubted; // something failed: it is to be written anew

    struct pool_job job; // and what is its own while it runs
    bool is_busy, is_whole;
    char *bytes;
    size_t length;
    enum err err;
    struct diag why;
};

struct keeper_plan {
    struct pool *pool; // freed before the keeper
    struct loop *loop; // freed after
    const char *path;
};

/*
 * Reads what is in the file into `book`, which is not initialised, or makes the file. Blocks. *why
 * also without an error: the file is broken, so that the book has another era, with what could be
 * read; it was renamed to end in ".broken".
 */
[[nodiscard]] enum err keeper_open(
    struct keeper *keeper, const struct keeper_plan *plan, struct book *book, struct diag *why);

void keeper_close(struct keeper *keeper);

/* Writes up to KEEPER_BATCH_MAX orders, which follow those of the book, unless it is busy. Ends in
 * `done`, not within the call. ERR_LIMIT: the pool is full. */
[[nodiscard]] enum err keeper_write(struct keeper *keeper, const struct book *book,
    const struct book_order *const *orders, size_t count);
