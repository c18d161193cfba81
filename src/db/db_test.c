// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "db/db.h"

enum { ADD, COUNT, LIST, RAISE, BROKEN, STATEMENT_COUNT };

static const char *const STEPS[] = {
    "CREATE TABLE words(word TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT",
    "ALTER TABLE words ADD COLUMN bytes BLOB NOT NULL DEFAULT x''",
    "CREATE TABLE more(a INTEGER) STRICT; INSERT INTO nowhere VALUES(1)",
};
enum { STEPS_GOOD = 2 };

static const char *const STATEMENTS[STATEMENT_COUNT] = {
    [ADD] = "INSERT INTO words(word, number, bytes) VALUES(?1, ?2, ?3)",
    [COUNT] = "SELECT count(*) FROM words",
    [LIST] = "SELECT word, number, bytes FROM words WHERE number >= ?1 ORDER BY number",
    [RAISE] = "UPDATE words SET number = number + ?1",
    [BROKEN] = "SELECT x FROM nowhere",
};

struct place {
    char folder[64], path[80];
    struct db_plan plan;
    struct db *db;
};

static void place_init(struct place *p)
{
    *p = (struct place){ .folder = "/tmp/waypost-db-XXXXXX" };
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof p->path, "%s/words.db", p->folder);
    p->plan = (struct db_plan){ .path = p->path,
        .application = 0x77707431,
        .steps = STEPS,
        .step_count = STEPS_GOOD,
        .statements = STATEMENTS,
        .statement_count = STATEMENT_COUNT };
}

static void place_open(struct place *p)
{
    struct diag why = { 0 };

    if (db_open(&p->plan, &p->db, &why) != ERR_NONE)
        fail_msg("%s", why.text);
}

static void place_done(struct place *p)
{
    static const char *const ENDINGS[] = { "", "-wal", "-shm" };
    char path[100];

    db_close(p->db);
    for (size_t i = 0; i < COUNT_OF(ENDINGS); i++) {
        snprintf(path, sizeof path, "%s%s", p->path, ENDINGS[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(p->folder), 0);
}

static enum err add(struct db *db, const char *word, int64_t number, struct diag *why)
{
    const struct db_value values[] = { db_text(slice_text(word)), db_number(number),
        db_bytes(slice_of("\0\1", 2)) };

    return db_run(db, ADD, values, COUNT_OF(values), why);
}

static int64_t count_of(struct db *db)
{
    struct db_rows rows;
    int64_t count = -1;

    db_ask(db, COUNT, NULL, 0, &rows);
    while (db_next(&rows))
        count = db_number_at(&rows, 0);
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    return count;
}

static void rows_come_back_as_they_were_given(void **)
{
    struct place p;
    struct db_rows rows;

    place_init(&p);
    p.plan.path = DB_MEMORY;
    place_open(&p);
    assert_int_equal(add(p.db, "last", INT64_MAX, NULL), ERR_NONE);
    assert_int_equal(add(p.db, "", -5, NULL), ERR_NONE);
    assert_int_equal(add(p.db, "first", INT64_MIN, NULL), ERR_NONE);
    db_ask(p.db, LIST, (struct db_value[]){ db_number(-5) }, 1, &rows);
    assert_true(db_next(&rows));
    assert_int_equal(db_bytes_at(&rows, 0).length, 0);
    assert_int_equal(db_number_at(&rows, 1), -5);
    assert_true(slice_equal(db_bytes_at(&rows, 2), slice_of("\0\1", 2)));
    assert_true(db_next(&rows));
    assert_true(slice_equal(db_bytes_at(&rows, 0), SLICE("last")));
    assert_true(db_number_at(&rows, 1) == INT64_MAX);
    assert_false(db_next(&rows));
    assert_false(db_next(&rows)); // and does not begin again
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    place_done(&p);
}

static void a_question_may_end_before_its_last_row_and_be_asked_again(void **)
{
    struct place p;
    struct db_rows rows;

    place_init(&p);
    place_open(&p);
    assert_int_equal(add(p.db, "one", 1, NULL), ERR_NONE);
    assert_int_equal(add(p.db, "two", 2, NULL), ERR_NONE);
    for (int i = 0; i < 3; i++) {
        db_ask(p.db, LIST, (struct db_value[]){ db_number(0) }, 1, &rows);
        assert_true(db_next(&rows));
        assert_int_equal(db_number_at(&rows, 1), 1);
        assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    }
    place_done(&p);
}

static void what_is_committed_is_there_after_a_reopening_and_the_rest_is_not(void **)
{
    struct place p;

    place_init(&p);
    place_open(&p);
    assert_int_equal(db_begin(p.db, NULL), ERR_NONE);
    assert_int_equal(add(p.db, "kept", 1, NULL), ERR_NONE);
    assert_int_equal(db_commit(p.db, NULL), ERR_NONE);
    assert_int_equal(db_begin(p.db, NULL), ERR_NONE);
    assert_int_equal(add(p.db, "taken back", 2, NULL), ERR_NONE);
    db_rollback(p.db);
    db_rollback(p.db); // none is open
    assert_int_equal(db_begin(p.db, NULL), ERR_NONE);
    assert_int_equal(add(p.db, "never committed", 3, NULL), ERR_NONE);
    db_close(p.db);
    place_open(&p);
    assert_int_equal(count_of(p.db), 1);
    assert_int_equal(db_check(p.db, NULL), ERR_NONE);
    place_done(&p);
}

static void a_row_twice_and_an_overflow_are_refused_and_nothing_changes(void **)
{
    struct place p;
    struct diag why = { 0 };

    place_init(&p);
    place_open(&p);
    assert_int_equal(add(p.db, "one", INT64_MAX - 1, NULL), ERR_NONE);
    assert_int_equal(add(p.db, "one", 2, &why), ERR_EXISTS);
    assert_non_null(strstr(why.text, "words.word"));
    assert_int_equal(db_run(p.db, RAISE, (struct db_value[]){ db_number(1) }, 1, &why), ERR_NONE);
    assert_int_equal(db_run(p.db, RAISE, (struct db_value[]){ db_number(1) }, 1, &why), ERR_RANGE);
    assert_int_equal(count_of(p.db), 1);
    place_done(&p);
}

static void a_statement_that_cannot_be_made_fails_when_it_is_asked(void **)
{
    struct place p;
    struct db_rows rows;
    struct diag why = { 0 };

    place_init(&p);
    place_open(&p);
    db_ask(p.db, BROKEN, NULL, 0, &rows);
    assert_false(db_next(&rows));
    assert_int_equal(db_end(&rows, &why), ERR_RANGE);
    assert_non_null(strstr(why.text, "nowhere"));
    place_done(&p);
}

static void an_older_file_is_brought_up_to_date_with_what_is_in_it(void **)
{
    struct place p;

    place_init(&p);
    p.plan.step_count = 1;
    place_open(&p);
    db_close(p.db);
    p.plan.step_count = STEPS_GOOD;
    place_open(&p);
    assert_int_equal(add(p.db, "with bytes", 1, NULL), ERR_NONE);
    db_close(p.db);
    place_open(&p); // and the steps are taken once
    assert_int_equal(count_of(p.db), 1);
    place_done(&p);
}

static void a_step_that_fails_leaves_the_version_before(void **)
{
    struct place p;
    struct diag why = { 0 };

    place_init(&p);
    place_open(&p);
    assert_int_equal(add(p.db, "old", 1, NULL), ERR_NONE);
    db_close(p.db);
    p.db = NULL;
    p.plan.step_count = STEPS_GOOD + 1;
    assert_int_equal(db_open(&p.plan, &p.db, &why), ERR_RANGE);
    assert_non_null(strstr(why.text, "nowhere"));
    assert_null(p.db);
    p.plan.step_count = STEPS_GOOD;
    place_open(&p);
    assert_int_equal(count_of(p.db), 1);
    place_done(&p);
}

static void later_versions_and_other_applications_are_left_alone(void **)
{
    struct place p;
    struct diag why = { 0 };

    place_init(&p);
    place_open(&p);
    db_close(p.db);
    p.db = NULL;
    p.plan.step_count = 1;
    assert_int_equal(db_open(&p.plan, &p.db, &why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why.text, "later version"));
    p.plan.step_count = STEPS_GOOD;
    p.plan.application++;
    assert_int_equal(db_open(&p.plan, &p.db, &why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why.text, "something else"));
    place_done(&p);
}

static void write_over(const char *path, off_t at, const char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, at), (ssize_t)length);
    close(fd);
}

static void a_file_that_is_no_database_is_told_and_stays_as_it_is(void **)
{
    static const char TEXT[] = "these are not the pages you are looking for, but quite long enough "
                               "to be taken for the head of a database, which has 100 bytes";
    struct place p;
    struct diag why = { 0 };
    struct stat facts;

    place_init(&p);
    write_over(p.path, 0, TEXT, sizeof TEXT);
    assert_int_equal(db_open(&p.plan, &p.db, &why), ERR_PARSE);
    assert_true(why.text[0] != '\0');
    assert_int_equal(stat(p.path, &facts), 0);
    assert_int_equal(facts.st_size, sizeof TEXT);
    place_done(&p);
}

static void a_page_that_was_overwritten_is_found(void **)
{
    enum { PAGE = 4096, PAGES = 16 };
    char noise[PAGE];
    struct place p;
    struct diag why = { 0 };

    place_init(&p);
    place_open(&p);
    for (int i = 0; i < 2000; i++) {
        char word[16];

        snprintf(word, sizeof word, "word %d", i);
        assert_int_equal(add(p.db, word, i, NULL), ERR_NONE);
    }
    db_close(p.db); // all is in the file itself now
    memset(noise, 0xa5, sizeof noise);
    for (off_t page = 3; page < PAGES; page++)
        write_over(p.path, page * PAGE, noise, sizeof noise);
    place_open(&p);
    assert_int_equal(db_check(p.db, &why), ERR_PARSE);
    assert_true(why.text[0] != '\0');
    enum err err = ERR_NONE;

    for (int i = 0; i < 1000 && err == ERR_NONE; i++) {
        char word[16];

        snprintf(word, sizeof word, "more %d", i);
        err = add(p.db, word, i, &why);
    }
    assert_int_equal(err, ERR_PARSE);
    place_done(&p);
}

/* A limit of the process stands in for a disk: writes beyond it fail. */
static void a_full_disk_costs_the_transaction_and_nothing_else(void **)
{
    struct place p;
    struct rlimit old, small = { 64 * 1024, 0 };
    enum err err = ERR_NONE;
    int written = 0;

    signal(SIGXFSZ, SIG_IGN);
    place_init(&p);
    place_open(&p);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (; written < 1000 && err == ERR_NONE; written++) {
        char word[16];

        snprintf(word, sizeof word, "word %d", written);
        err = db_begin(p.db, NULL);
        if (err == ERR_NONE)
            err = add(p.db, word, written, NULL);
        if (err == ERR_NONE)
            err = db_commit(p.db, NULL);
        else
            db_rollback(p.db);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(err == ERR_SPACE || err == ERR_SYSTEM);
    assert_true(written > 1);
    assert_int_equal(count_of(p.db), written - 1); // the last one failed
    assert_int_equal(add(p.db, "there is room again", 1, NULL), ERR_NONE);
    assert_int_equal(db_check(p.db, NULL), ERR_NONE);
    place_done(&p);
}

static void who_writes_waits_for_another_and_says_when_that_takes_too_long(void **)
{
    struct place p;
    struct diag why = { 0 };
    struct db *other = NULL;

    place_init(&p);
    place_open(&p);
    assert_int_equal(db_open(&p.plan, &other, NULL), ERR_NONE);
    assert_int_equal(db_begin(other, NULL), ERR_NONE);
    assert_int_equal(add(other, "half", 1, NULL), ERR_NONE);
    assert_int_equal(count_of(p.db), 0); // who reads does not wait
    assert_int_equal(db_begin(p.db, &why), ERR_AGAIN);
    assert_non_null(strstr(why.text, "locked"));
    assert_int_equal(db_commit(other, NULL), ERR_NONE);
    assert_int_equal(db_begin(p.db, &why), ERR_NONE);
    assert_int_equal(count_of(p.db), 1);
    db_rollback(p.db);
    db_close(other);
    place_done(&p);
}

static void the_file_is_for_its_owner_alone(void **)
{
    struct place p;
    struct stat facts;

    place_init(&p);
    umask(0);
    place_open(&p);
    assert_int_equal(stat(p.path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    place_done(&p);
    umask(022);
}

static void a_folder_that_is_not_there_is_told(void **)
{
    struct place p;
    struct diag why = { 0 };

    place_init(&p);
    p.plan.path = "/nowhere/at/all/words.db";
    assert_int_equal(db_open(&p.plan, &p.db, &why), ERR_MISSING);
    assert_non_null(strstr(why.text, "/nowhere/at/all/words.db"));
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_as_they_were_given),
        cmocka_unit_test(a_question_may_end_before_its_last_row_and_be_asked_again),
        cmocka_unit_test(what_is_committed_is_there_after_a_reopening_and_the_rest_is_not),
        cmocka_unit_test(a_row_twice_and_an_overflow_are_refused_and_nothing_changes),
        cmocka_unit_test(a_statement_that_cannot_be_made_fails_when_it_is_asked),
        cmocka_unit_test(an_older_file_is_brought_up_to_date_with_what_is_in_it),
        cmocka_unit_test(a_step_that_fails_leaves_the_version_before),
        cmocka_unit_test(later_versions_and_other_applications_are_left_alone),
        cmocka_unit_test(a_file_that_is_no_database_is_told_and_stays_as_it_is),
        cmocka_unit_test(a_page_that_was_overwritten_is_found),
        cmocka_unit_test(a_full_disk_costs_the_transaction_and_nothing_else),
        cmocka_unit_test(who_writes_waits_for_another_and_says_when_that_takes_too_long),
        cmocka_unit_test(the_file_is_for_its_owner_alone),
        cmocka_unit_test(a_folder_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
