// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/mem.h"

enum { PRAGMA_MAX = 100 };

struct db {
    sqlite3 *connection;
    const char *const *texts;
    sqlite3_stmt **statements; // each made when it is used first
    size_t statement_count;
};

static enum err err_of(int result, int system_error)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return ERR_NONE;
    case SQLITE_FULL: return ERR_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_PARSE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_AGAIN;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return ERR_DENIED;
    case SQLITE_CONSTRAINT:
        return result == SQLITE_CONSTRAINT_UNIQUE || result == SQLITE_CONSTRAINT_PRIMARYKEY
                   ? ERR_EXISTS
                   : ERR_RANGE;
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_ERROR: return ERR_RANGE; // of statements that are known: an overflow
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: return system_error == 0 ? ERR_SYSTEM : err_from_errno(system_error);
    default: return ERR_SYSTEM;
    }
}

/* What the connection says of its newest failure. */
static enum err failure(const struct db *db, int result, struct diag *why)
{
    diag_say(why, "%s", sqlite3_errmsg(db->connection));
    return err_of(result, sqlite3_system_errno(db->connection));
}

static enum err run_text(struct db *db, const char *text, struct diag *why)
{
    int result = sqlite3_exec(db->connection, text, NULL, NULL, NULL);

    return result == SQLITE_OK ? ERR_NONE
                               : failure(db, sqlite3_extended_errcode(db->connection), why);
}

/* The first column of the first row. */
static enum err read_number(struct db *db, const char *text, int64_t *number, struct diag *why)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(db->connection, text, -1, &statement, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    enum err err = result == SQLITE_ROW ? ERR_NONE : failure(db, result, why);

    sqlite3_finalize(statement);
    return err;
}

/* SQLite gives its log and index the rights of the database. */
static enum err make_file(const char *path, struct diag *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_EXCL, 0600);

    if (fd < 0 && errno != EEXIST) {
        enum err err = err_from_errno(errno);

        diag_say(why, "%s cannot be made: %s", path, err_text(err));
        return err;
    }
    // Never of a file that was there: closing it would drop the locks of other connections.
    if (fd >= 0)
        close(fd);
    return ERR_NONE;
}

static enum err set_up(struct db *db, struct diag *why)
{
    sqlite3_extended_result_codes(db->connection, 1);
    sqlite3_busy_timeout(db->connection, DB_BUSY_MS);
    sqlite3_db_config(db->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return run_text(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", why);
}

/* One transaction: a step that fails leaves the file as it was. */
static enum err take_step(struct db *db, const struct db_plan *plan, int64_t at, struct diag *why)
{
    char pragma[PRAGMA_MAX];

    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%lld; PRAGMA application_id=%u",
        (long long)at + 1, plan->application);
    TRY(run_text(db, plan->steps[at], why));
    return run_text(db, pragma, why);
}

/* How many steps the file has behind it. */
static enum err read_version(
    struct db *db, const struct db_plan *plan, int64_t *version, struct diag *why)
{
    int64_t application = 0, tables = 0;

    TRY(read_number(db, "PRAGMA application_id", &application, why));
    TRY(read_number(db, "PRAGMA user_version", version, why));
    TRY(read_number(db, "SELECT count(*) FROM sqlite_schema", &tables, why));
    bool is_new = application == 0 && *version == 0 && tables == 0;

    if (!is_new && application != (int64_t)plan->application) {
        diag_say(why, "%s is a database of something else", plan->path);
        return ERR_UNSUPPORTED;
    }
    if (*version < 0 || *version > (int64_t)plan->step_count) {
        diag_say(why, "%s was written by a later version of this program", plan->path);
        return ERR_UNSUPPORTED;
    }
    return ERR_NONE;
}

static enum err bring_up_to_date(struct db *db, const struct db_plan *plan, struct diag *why)
{
    int64_t version = 0;
    enum err err = read_version(db, plan, &version, why);

    for (; err == ERR_NONE && version < (int64_t)plan->step_count; version++) {
        TRY(db_begin(db, why));
        err = take_step(db, plan, version, why);
        if (err == ERR_NONE)
            err = db_commit(db, why);
        else
            db_rollback(db);
    }
    return err;
}

static enum err open_connection(struct db *db, const struct db_plan *plan, struct diag *why)
{
    // One thread at a time, so that it needs no locks of its own.
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

    if (strcmp(plan->path, DB_MEMORY) != 0)
        TRY(make_file(plan->path, why));
    int result = sqlite3_open_v2(plan->path, &db->connection, flags, NULL);

    if (result != SQLITE_OK)
        return failure(db, result, why);
    TRY(set_up(db, why));
    return bring_up_to_date(db, plan, why);
}

enum err db_open(const struct db_plan *plan, struct db **db, struct diag *why)
{
    struct db *d = mem_new(struct db);

    assert(plan->application <= INT32_MAX);
    d->texts = plan->statements;
    d->statement_count = plan->statement_count;
    d->statements = mem_array(plan->statement_count, sizeof(sqlite3_stmt *));
    enum err err = open_connection(d, plan, why);

    if (err != ERR_NONE) {
        db_close(d);
        return err;
    }
    *db = d;
    return ERR_NONE;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->statement_count; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->connection);
    mem_free(db->statements);
    mem_free(db);
}

enum err db_begin(struct db *db, struct diag *why)
{
    // Immediate: who waits for another writer waits here, and not in the middle.
    return run_text(db, "BEGIN IMMEDIATE", why);
}

enum err db_commit(struct db *db, struct diag *why)
{
    enum err err = run_text(db, "COMMIT", why);

    if (err != ERR_NONE)
        db_rollback(db);
    return err;
}

void db_rollback(struct db *db)
{
    if (sqlite3_get_autocommit(db->connection) == 0) {
        // It fails where SQLite has rolled back by itself, which is as good.
        enum err err = run_text(db, "ROLLBACK", NULL);

        assert(err == ERR_NONE || sqlite3_get_autocommit(db->connection) != 0);
    }
}

static int bind(sqlite3_stmt *statement, int at, const struct db_value *value)
{
    const char *bytes = value->bytes.length == 0 ? "" : value->bytes.at; // NULL would be no text
    sqlite3_uint64 length = value->bytes.length;

    switch (value->kind) {
    case DB_NUMBER: return sqlite3_bind_int64(statement, at, value->number);
    case DB_TEXT:
        return sqlite3_bind_text64(statement, at, bytes, length, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BYTES: return sqlite3_bind_blob64(statement, at, bytes, length, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static int prepare(struct db *db, size_t statement)
{
    assert(statement < db->statement_count);
    if (db->statements[statement] != NULL)
        return SQLITE_OK;
    return sqlite3_prepare_v3(db->connection, db->texts[statement], -1, SQLITE_PREPARE_PERSISTENT,
        &db->statements[statement], NULL);
}

void db_ask(struct db *db, size_t statement, const struct db_value *values, size_t count,
    struct db_rows *rows)
{
    int result = prepare(db, statement);
    sqlite3_stmt *prepared = db->statements[statement];

    assert(count <= DB_VALUES_MAX);
    if (result == SQLITE_OK) {
        assert(!sqlite3_stmt_busy(prepared));
        assert((size_t)sqlite3_bind_parameter_count(prepared) == count);
    }
    for (size_t i = 0; i < count && result == SQLITE_OK; i++)
        result = bind(prepared, (int)i + 1, &values[i]);
    *rows = (struct db_rows){ .db = db, .statement = prepared, .result = result };
}

bool db_next(struct db_rows *rows)
{
    if (rows->result == SQLITE_OK || rows->result == SQLITE_ROW)
        rows->result = sqlite3_step(rows->statement);
    return rows->result == SQLITE_ROW;
}

int64_t db_number_at(const struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

struct slice db_bytes_at(const struct db_rows *rows, int column)
{
    const void *bytes = sqlite3_column_blob(rows->statement, column);

    return slice_of(bytes, (size_t)sqlite3_column_bytes(rows->statement, column));
}

enum err db_end(struct db_rows *rows, struct diag *why)
{
    enum err err =
        err_of(rows->result, 0) == ERR_NONE ? ERR_NONE : failure(rows->db, rows->result, why);

    if (rows->statement != NULL) { // else it could not be made
        sqlite3_reset(rows->statement);
        sqlite3_clear_bindings(rows->statement);
    }
    return err;
}

enum err db_run(
    struct db *db, size_t statement, const struct db_value *values, size_t count, struct diag *why)
{
    struct db_rows rows;

    db_ask(db, statement, values, count, &rows);
    bool has_row = db_next(&rows);

    assert(!has_row);
    return db_end(&rows, why);
}

enum err db_check(struct db *db, struct diag *why)
{
    sqlite3_stmt *statement = NULL;
    int result =
        sqlite3_prepare_v2(db->connection, "PRAGMA integrity_check(1)", -1, &statement, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    enum err err = result == SQLITE_ROW ? ERR_NONE : failure(db, result, why);

    if (err == ERR_NONE) {
        const char *said = (const char *)sqlite3_column_text(statement, 0);

        if (said == NULL || strcmp(said, "ok") != 0) {
            diag_say(why, "%s", said == NULL ? "nothing was said" : said);
            err = ERR_PARSE;
        }
    }
    sqlite3_finalize(statement);
    return err;
}
