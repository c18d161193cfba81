// SPDX-License-Identifier: Apache-2.0
/*
 * A disk that fails at each call that SQLite makes to it, in turn, once or from there on. The file
 * is as a killed process left it, with a log to be read again. (What SQLite syncs it syncs without
 * a detour, so that the stories of tests/system have to see to that.)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/attr.h"
#include "db/db.h"

enum { ADD, COUNT, STATEMENT_COUNT };

static const char *const STEPS[] = { "CREATE TABLE words(word TEXT PRIMARY KEY) STRICT" };

static const char *const STATEMENTS[STATEMENT_COUNT] = {
    [ADD] = "INSERT INTO words(word) VALUES(?1)",
    [COUNT] = "SELECT count(*) FROM words",
};

/* SQLite's calls carry no word of ours, so that this cannot be but global. */
static struct {
    int at;   // number of the call that fails; 0: none
    int most; // as many of them
    int seen;
} disk;

static bool fails(void)
{
    disk.seen++;
    if (disk.at == 0 || disk.seen < disk.at || disk.seen - disk.at >= disk.most)
        return false;
    errno = EIO;
    return true;
}

static int disk_open(const char *path, int flags, int mode)
{
    return fails() ? -1 : open(path, flags, mode);
}

static ssize_t disk_read(int fd, void *bytes, size_t size, off_t at)
{
    return fails() ? -1 : pread(fd, bytes, size, at);
}

static ssize_t disk_write(int fd, const void *bytes, size_t size, off_t at)
{
    return fails() ? -1 : pwrite(fd, bytes, size, at);
}

static int disk_truncate(int fd, off_t size)
{
    return fails() ? -1 : ftruncate(fd, size);
}

static void *disk_map(void *at, size_t size, int rights, int flags, int fd, off_t from)
{
    return fails() ? MAP_FAILED : mmap(at, size, rights, flags, fd, from);
}

static int disk_unlink(const char *path)
{
    return fails() ? -1 : unlink(path);
}

static void disk_use(void)
{
    static const struct {
        const char *name;
        sqlite3_syscall_ptr call;
    } CALLS[] = {
        { "open", (sqlite3_syscall_ptr)disk_open },
        { "pread", (sqlite3_syscall_ptr)disk_read },
        { "pread64", (sqlite3_syscall_ptr)disk_read },
        { "pwrite", (sqlite3_syscall_ptr)disk_write },
        { "pwrite64", (sqlite3_syscall_ptr)disk_write },
        { "ftruncate", (sqlite3_syscall_ptr)disk_truncate },
        { "mmap", (sqlite3_syscall_ptr)disk_map },
        { "unlink", (sqlite3_syscall_ptr)disk_unlink },
    };
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);

    for (size_t i = 0; i < COUNT_OF(CALLS); i++) {
        int result = system->xSetSystemCall(system, CALLS[i].name, CALLS[i].call);

        assert_true(result == SQLITE_OK || result == SQLITE_NOTFOUND); // pread64 may be pread
    }
}

struct place {
    char folder[64], path[80];
    struct db_plan plan;
};

static void place_init(struct place *p)
{
    *p = (struct place){ .folder = "/dev/shm/waypost-db-XXXXXX" };
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof p->path, "%s/words.db", p->folder);
    p->plan = (struct db_plan){ .path = p->path,
        .application = 0x77707432,
        .steps = STEPS,
        .step_count = COUNT_OF(STEPS),
        .statements = STATEMENTS,
        .statement_count = STATEMENT_COUNT };
}

static void place_done(const struct place *p)
{
    static const char *const ENDINGS[] = { "", "-wal", "-shm" };
    char path[100];

    for (size_t i = 0; i < COUNT_OF(ENDINGS); i++) {
        snprintf(path, sizeof path, "%s%s", p->path, ENDINGS[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(p->folder), 0);
}

static enum err add(struct db *db, const char *word)
{
    const struct db_value values[] = { db_text(slice_text(word)) };

    TRY(db_begin(db, NULL));
    enum err err = db_run(db, ADD, values, COUNT_OF(values), NULL);

    if (err == ERR_NONE)
        return db_commit(db, NULL);
    db_rollback(db);
    return err;
}

static enum err count_words(struct db *db, int64_t *count)
{
    struct db_rows rows;

    db_ask(db, COUNT, NULL, 0, &rows);
    while (db_next(&rows))
        *count = db_number_at(&rows, 0);
    return db_end(&rows, NULL);
}

/* One row is in the log when that process is gone. */
static void leave_log(const struct place *p)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        struct db *db = NULL;

        _exit(db_open(&p->plan, &db, NULL) != ERR_NONE || add(db, "before") != ERR_NONE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* As the ledger is used: closed after an error, and opened for whatever is next. How many words
 * were committed. */
static int64_t add_words(const struct place *p)
{
    static const char *const WORDS[] = { "one", "two", "three" };
    struct db *db = NULL;
    int64_t added = 0, seen;

    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        enum err err = db != NULL ? ERR_NONE : db_open(&p->plan, &db, NULL);

        if (err == ERR_NONE)
            err = add(db, WORDS[i]);
        added += err == ERR_NONE;
        if (err == ERR_NONE)
            err = count_words(db, &seen);
        if (err != ERR_NONE) {
            db_close(db);
            db = NULL;
        }
    }
    db_close(db);
    return added;
}

/* True: that call was made. */
static bool fail_at(int at, int most)
{
    struct place p;
    struct db *db = NULL;
    int64_t found = 0;

    disk.at = 0;
    place_init(&p);
    leave_log(&p);
    disk.seen = 0;
    disk.at = at;
    disk.most = most;
    int64_t added = add_words(&p);
    bool is_made = disk.seen >= at;

    disk.at = 0;
    assert_int_equal(db_open(&p.plan, &db, NULL), ERR_NONE);
    assert_int_equal(db_check(db, NULL), ERR_NONE);
    assert_int_equal(count_words(db, &found), ERR_NONE);
    // No word that was said to be there is lost; one that was not may be there all the same.
    assert_in_range(found, 1 + added, 4);
    assert_true(is_made || added == 3);
    db_close(db);
    place_done(&p);
    return is_made;
}

static void a_call_to_the_disk_that_fails_costs_nothing_that_was_committed(void **)
{
    int at = 1;

    while (fail_at(at, 1))
        at++;
    assert_true(at > 20); // else they are not those that SQLite makes
}

static void a_disk_that_fails_from_some_call_on_costs_nothing_that_was_committed(void **)
{
    int at = 1;

    while (fail_at(at, INT_MAX))
        at++;
    assert_true(at > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_to_the_disk_that_fails_costs_nothing_that_was_committed),
        cmocka_unit_test(a_disk_that_fails_from_some_call_on_costs_nothing_that_was_committed),
    };

    disk_use();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
