// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * SQL: one connection to a database whose statements are known when the program is built. What was
 * committed is on disk: SQLite, write-ahead log, synced at each commit. Others may read the same
 * file meanwhile (an operator's shell, a backup); who writes it waits DB_BUSY_MS for another.
 *
 * All of it blocks. One thread at a time, not always the same one: a pool of one thread serves.
 *
 *     struct db_rows rows;
 *
 *     db_ask(db, STATEMENT, (struct db_value[]){ db_text(name) }, 1, &rows);
 *     while (db_next(&rows))
 *         total += db_number_at(&rows, 0);
 *     TRY(db_end(&rows, why));
 *
 * Errors: ERR_SPACE (disk full), ERR_PARSE (the file is broken, or no database), ERR_AGAIN (another
 * holds it), ERR_EXISTS (a row that may be there once), ERR_RANGE (a value that its column does not
 * take, or a sum beyond 64 bits), ERR_DENIED (read-only), ERR_SYSTEM; always with a text.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct db;

enum {
    DB_BUSY_MS = 2000,
    DB_VALUES_MAX = 32, // of one statement
};

#define DB_MEMORY ":memory:" // as a path: gone when it is closed

struct db_plan {
    const char *path;
    uint32_t application; // in the file's head: whose database it is (the `file` program shows it)
    const char *const *steps; // the first makes the tables, each other makes them those of the next
    size_t step_count;        // version; the file knows how many it has behind it
    const char *const *statements; // named by their place
    size_t statement_count;
};

/*
 * Opens the file, or makes it, readable for its owner alone. ERR_UNSUPPORTED: another application's
 * database, or of a later version.
 */
[[nodiscard]] enum err db_open(const struct db_plan *plan, struct db **db, struct diag *why);

/* Rolls back what was not committed. Accepts NULL. */
void db_close(struct db *db);

struct db_value {
    enum { DB_NUMBER, DB_TEXT, DB_BYTES } kind;
    int64_t number;
    struct slice bytes; // good until the statement has ended
};

static inline struct db_value db_number(int64_t number)
{
    return (struct db_value){ .kind = DB_NUMBER, .number = number };
}

static inline struct db_value db_text(struct slice text)
{
    return (struct db_value){ .kind = DB_TEXT, .bytes = text };
}

static inline struct db_value db_bytes(struct slice bytes)
{
    return (struct db_value){ .kind = DB_BYTES, .bytes = bytes };
}

/* From here to the commit all is done or nothing. No other is open. */
[[nodiscard]] enum err db_begin(struct db *db, struct diag *why);

/* On disk when it returns ERR_NONE; else it is rolled back. (Where syncing failed, a power cut may
 * still leave all of it: what is done again must be harmless.) */
[[nodiscard]] enum err db_commit(struct db *db, struct diag *why);

/* Nothing where no transaction is open. */
void db_rollback(struct db *db);

/* A statement without rows. */
[[nodiscard]] enum err db_run(
    struct db *db, size_t statement, const struct db_value *values, size_t count, struct diag *why);

/* The rows of a statement; plain. */
struct db_rows {
    struct db *db;
    void *statement;
    int result; // of the newest step
};

/* One at a time of each statement; ended by db_end. */
void db_ask(struct db *db, size_t statement, const struct db_value *values, size_t count,
    struct db_rows *rows);

/* False: there are no more, or it failed; db_end says which. */
bool db_next(struct db_rows *rows);

/* Of the row at hand, columns from 0. What is no number reads as 0, what is no text or bytes as
 * empty. Slices are good until the next step. */
int64_t db_number_at(const struct db_rows *rows, int column);
struct slice db_bytes_at(const struct db_rows *rows, int column);

/* Also before the last row. */
[[nodiscard]] enum err db_end(struct db_rows *rows, struct diag *why);

/* Reads all of it and looks whether it is sound: ERR_PARSE with what is not. Takes its time. */
[[nodiscard]] enum err db_check(struct db *db, struct diag *why);
