// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/access_log.h"

enum { FOLDER_MAX = 64, TEXT_MAX = 256, READ_MAX = 1 << 16, LOOKS = 500 };

/* A folder, and logs of two workers whose writer turns when the test says so. */
struct desk {
    char folder[FOLDER_MAX];
    struct log log;
    FILE *said;
    struct access_log *access;
    struct instant now;
};

static void desk_open(struct desk *desk, bool has_thread)
{
    *desk = (struct desk){
        .folder = "/tmp/waypost-access-XXXXXX", .said = tmpfile(), .now = { 1000000000000 }
    };
    assert_non_null(desk->said);
    assert_non_null(mkdtemp(desk->folder));
    log_init(&desk->log, fileno(desk->said), LOG_DEBUG);
    desk->access = access_log_new(2, has_thread, &desk->log);
}

static void desk_close(struct desk *desk)
{
    char command[TEXT_MAX];

    access_log_free(desk->access);
    fclose(desk->said);
    snprintf(command, sizeof command, "rm -r %s", desk->folder);
    assert_int_equal(system(command), 0);
}

static const char *path_of(const struct desk *desk, const char *name)
{
    static char path[TEXT_MAX];

    snprintf(path, sizeof path, "%s/%s", desk->folder, name);
    return path;
}

static struct access_place *use_file(struct desk *desk, const char *name)
{
    return access_log_use(desk->access, SLICE("acme"),
        &(struct customer_access){ .file = slice_text(path_of(desk, name)) });
}

/* A command line in which %s stands for the folder. */
static struct access_place *use_program(struct desk *desk, const char *form)
{
    char command[TEXT_MAX];
    const char *gap = strstr(form, "%s");

    if (gap == NULL)
        snprintf(command, sizeof command, "%s", form);
    else
        snprintf(
            command, sizeof command, "%.*s%s%s", (int)(gap - form), form, desk->folder, gap + 2);
    return access_log_use(
        desk->access, SLICE("acme"), &(struct customer_access){ .pipe = slice_text(command) });
}

static void put(struct desk *desk, unsigned worker, struct access_place *place, const char *line)
{
    assert_true(line_ring_put(access_log_ring(desk->access, worker), place, slice_text(line)));
}

static void turn(struct desk *desk)
{
    access_log_turn(desk->access, desk->now);
}

static const char *text_of(FILE *file)
{
    static char text[READ_MAX + 1];

    rewind(file);
    text[fread(text, 1, READ_MAX, file)] = '\0';
    return text;
}

static const char *content(const struct desk *desk, const char *name)
{
    FILE *file = fopen(path_of(desk, name), "r");

    if (file == NULL)
        return "";
    const char *text = text_of(file);

    fclose(file);
    return text;
}

/* Until a program has written it. */
static void await_content(const struct desk *desk, const char *name, const char *expected)
{
    for (int i = 0; i < LOOKS && strcmp(content(desk, name), expected) != 0; i++)
        usleep(10000);
    assert_string_equal(content(desk, name), expected);
}

static bool was_said(const struct desk *desk, const char *what)
{
    return strstr(text_of(desk->said), what) != NULL;
}

static void lines_of_all_workers_reach_the_file_that_is_meant(void **)
{
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_file(&desk, "a.log"), *b = use_file(&desk, "b.log");

    put(&desk, 0, a, "one\n");
    put(&desk, 1, a, "two\n");
    put(&desk, 1, b, "three\n");
    turn(&desk);
    assert_string_equal(content(&desk, "a.log"), "one\ntwo\n");
    assert_string_equal(content(&desk, "b.log"), "three\n");
    assert_int_equal(counter_read(&a->counts->bytes), 14);
    access_log_drop(desk.access, a);
    access_log_drop(desk.access, b);
    desk_close(&desk);
}

static void who_mean_the_same_file_share_it(void **)
{
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_file(&desk, "a.log");

    assert_ptr_equal(use_file(&desk, "a.log"), a);
    access_log_drop(desk.access, a);
    turn(&desk);
    put(&desk, 0, a, "still in use\n");
    turn(&desk);
    assert_string_equal(content(&desk, "a.log"), "still in use\n");
    access_log_drop(desk.access, a);
    desk_close(&desk);
}

static void a_place_is_left_after_the_lines_that_are_on_their_way(void **)
{
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_file(&desk, "a.log");

    put(&desk, 0, a, "the last\n");
    access_log_drop(desk.access, a);
    turn(&desk); // and a is gone, as the sanitizers see
    assert_string_equal(content(&desk, "a.log"), "the last\n");
    a = use_file(&desk, "a.log");
    put(&desk, 0, a, "and on\n");
    access_log_drop(desk.access, a);
    desk_close(&desk);
}

static void a_place_outlives_a_turn_that_leaves_lines_for_it(void **)
{
    enum { LINE = 32 << 10, LINES = 80 }; // together more than a turn takes
    static char line[LINE + 1];
    struct desk desk;
    struct stat file;

    desk_open(&desk, false);
    struct access_place *a = use_file(&desk, "a.log");

    memset(line, 'x', LINE);
    line[LINE - 1] = '\n';
    for (int i = 0; i < LINES; i++)
        put(&desk, 0, a, line);
    access_log_drop(desk.access, a);
    assert_true(access_log_turn(desk.access, desk.now));
    assert_ptr_equal(use_file(&desk, "a.log"), a); // used again before it was left
    while (access_log_turn(desk.access, desk.now))
        ;
    put(&desk, 1, a, line);
    turn(&desk);
    assert_int_equal(stat(path_of(&desk, "a.log"), &file), 0);
    assert_int_equal(file.st_size, (LINES + 1) * LINE);
    access_log_drop(desk.access, a);
    desk_close(&desk);
}

static void a_file_that_was_moved_is_begun_anew_without_a_line_lost(void **)
{
    struct desk desk;
    char old[TEXT_MAX];

    desk_open(&desk, false);
    struct access_place *a = use_file(&desk, "a.log");

    put(&desk, 0, a, "before\n");
    turn(&desk);
    snprintf(old, sizeof old, "%s", path_of(&desk, "a.log.1"));
    assert_int_equal(rename(path_of(&desk, "a.log"), old), 0);
    put(&desk, 0, a, "between\n");
    turn(&desk);
    put(&desk, 1, a, "asked\n");
    access_log_reopen(desk.access);
    turn(&desk);
    put(&desk, 0, a, "after\n");
    turn(&desk);
    assert_string_equal(content(&desk, "a.log.1"), "before\nbetween\nasked\n");
    assert_string_equal(content(&desk, "a.log"), "after\n");
    assert_int_equal(counter_read(&a->counts->reopened), 1);
    access_log_drop(desk.access, a);
    desk_close(&desk);
}

static void a_file_that_cannot_be_opened_is_told_once_and_tried_again(void **)
{
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_file(&desk, "later/a.log");

    put(&desk, 0, a, "kept\n");
    turn(&desk);
    turn(&desk);
    assert_true(was_said(&desk, "error access not_written file="));
    assert_int_equal(counter_read(&a->counts->failures), 1); // not at each turn
    assert_int_equal(mkdir(path_of(&desk, "later"), 0755), 0);
    turn(&desk);
    assert_string_equal(content(&desk, "later/a.log"), "");
    desk.now = instant_after(desk.now, span_s(PLACE_PAUSE_LEAST_S));
    turn(&desk);
    assert_string_equal(content(&desk, "later/a.log"), "kept\n");
    assert_true(was_said(&desk, "written_again"));
    access_log_drop(desk.access, a);
    desk_close(&desk);
}

static void what_a_place_cannot_hold_is_dropped_whole_and_counted(void **)
{
    static char line[100 * 1024];
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_file(&desk, "nowhere/a.log");

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 12; i++)
        access_place_add(a, slice_of(line, sizeof line), desk.now);
    assert_int_equal(counter_read(&a->counts->dropped), 2);
    assert_int_equal(a->held_length, 10 * sizeof line);
    assert_true(was_said(&desk, "too_slow"));
    access_log_drop(desk.access, a);
    turn(&desk);
    assert_true(was_said(&desk, "lines=12"));
    desk_close(&desk);
}

static void a_program_reads_the_lines_and_the_end(void **)
{
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_program(&desk, "cd %s; cat > out; echo over >> out");

    put(&desk, 0, a, "one\n");
    put(&desk, 1, a, "two\n");
    turn(&desk);
    access_log_drop(desk.access, a);
    turn(&desk);
    await_content(&desk, "out", "one\ntwo\nover\n");
    desk_close(&desk);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* As a configuration that is exchanged leaves it. */
static void a_program_that_is_left_and_does_not_end_holds_nobody_up(void **)
{
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_program(&desk, "exec sleep 60"), *b = use_file(&desk, "b.log");

    put(&desk, 0, a, "one\n");
    turn(&desk);
    const pid_t program = a->child.pid;

    assert_true(program > 0);
    access_log_drop(desk.access, a);
    put(&desk, 0, b, "two\n");
    int64_t began_ms = now_ms();

    turn(&desk);
    assert_true(now_ms() - began_ms < PLACE_LEAVE_MS / 2);
    assert_string_equal(content(&desk, "b.log"), "two\n");
    assert_int_equal(kill(program, 0), 0); // it has its time
    desk.now = instant_after(desk.now, span_ms(PLACE_LEAVE_MS));
    turn(&desk);
    assert_int_equal(kill(program, 0), -1);
    access_log_drop(desk.access, b);
    desk_close(&desk);
}

static void what_a_left_program_was_slow_to_take_reaches_it(void **)
{
    static char line[3 << 18];
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_program(
        &desk, "cd %s; while [ ! -e go ]; do sleep 0.01; done; wc -c > size; echo over > out");

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 2; i++) { // more than a pipe takes
        access_place_add(a, slice_of(line, sizeof line), desk.now);
        access_place_flush(a, desk.now);
    }
    assert_true(a->held_length > 0);
    access_log_drop(desk.access, a);
    turn(&desk);
    assert_int_equal(mkdir(path_of(&desk, "go"), 0755), 0);
    for (int i = 0; i < LOOKS && content(&desk, "out")[0] == '\0'; i++) {
        turn(&desk);
        usleep(10000);
    }
    assert_string_equal(content(&desk, "out"), "over\n");
    assert_int_equal(atoi(content(&desk, "size")), 2 * sizeof line);
    assert_false(was_said(&desk, "lines_lost"));
    desk_close(&desk);
}

/* It may hold a password. */
static void the_command_line_of_a_program_is_not_told(void **)
{
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_program(&desk, "PASSWORD=mellon exit 3");

    put(&desk, 0, a, "one\n");
    for (int i = 0; i < LOOKS && !was_said(&desk, "exit status 3"); i++) {
        turn(&desk);
        usleep(10000);
    }
    assert_true(was_said(&desk, "not_written pipe=\"acme\" reason=\"exit status 3\""));
    assert_false(was_said(&desk, "mellon"));
    access_log_drop(desk.access, a);
    desk_close(&desk);
}

static void a_program_that_ended_is_started_again_after_a_pause(void **)
{
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_program(&desk, "cd %s; head -n 1 >> out");

    put(&desk, 0, a, "one\n");
    turn(&desk);
    await_content(&desk, "out", "one\n");
    for (int i = 0; i < LOOKS && a->fd >= 0; i++) {
        usleep(10000);
        turn(&desk);
    }
    assert_int_equal(a->fd, -1);
    assert_true(was_said(&desk, "not_written pipe=") && was_said(&desk, "exit status 0"));
    put(&desk, 0, a, "two\n");
    turn(&desk);
    assert_int_equal(counter_read(&a->counts->programs), 1);
    desk.now = instant_after(desk.now, span_s(2 * PLACE_PAUSE_LEAST_S));
    turn(&desk);
    await_content(&desk, "out", "one\ntwo\n");
    assert_int_equal(counter_read(&a->counts->programs), 2);
    access_log_drop(desk.access, a);
    desk_close(&desk);
}

static void a_program_that_reads_nothing_holds_nobody_up(void **)
{
    static char line[1000];
    struct desk desk;
    time_t began = time(NULL);

    desk_open(&desk, false);
    struct access_place *a = use_program(&desk, "exec sleep 60");

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 4000; i++) {
        (void)line_ring_put(access_log_ring(desk.access, 0), a, slice_of(line, sizeof line));
        turn(&desk);
    }
    assert_true(counter_read(&a->counts->dropped) > 1000);
    assert_int_equal(line_ring_dropped(access_log_ring(desk.access, 0)), 0);
    access_log_drop(desk.access, a);
    desk_close(&desk); // which does not wait for it for long
    assert_true(time(NULL) - began < 20);
}

static void a_new_program_begins_with_a_whole_line(void **)
{
    static char line[3 << 18];
    struct desk desk;

    desk_open(&desk, false);
    struct access_place *a = use_program(&desk,
        "cd %s; if mkdir first 2> /dev/null; then while [ ! -e go ]; do sleep 0.01; done; "
        "else cat > out; fi");

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    // The pipe takes a part of the second line, as nobody reads yet.
    for (int i = 0; i < 2; i++) {
        access_place_add(a, slice_of(line, sizeof line), desk.now);
        access_place_flush(a, desk.now);
    }
    assert_true(a->is_within_line);
    assert_int_equal(mkdir(path_of(&desk, "go"), 0755), 0);
    for (int i = 0; i < LOOKS && a->fd >= 0; i++) {
        usleep(10000);
        turn(&desk);
    }
    assert_int_equal(a->fd, -1);
    access_place_add(a, SLICE("whole\n"), desk.now);
    desk.now = instant_after(desk.now, span_s(2 * PLACE_PAUSE_LEAST_S));
    turn(&desk);
    await_content(&desk, "out", "whole\n");
    access_log_drop(desk.access, a);
    desk_close(&desk);
}

static void the_thread_writes_by_itself_and_the_rest_at_the_end(void **)
{
    struct desk desk;

    desk_open(&desk, true);
    struct access_place *a = use_file(&desk, "a.log");

    put(&desk, 0, a, "one\n");
    await_content(&desk, "a.log", "one\n");
    put(&desk, 1, a, "two\n");
    access_log_drop(desk.access, a);
    access_log_free(desk.access);
    desk.access = NULL;
    assert_string_equal(content(&desk, "a.log"), "one\ntwo\n");
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_all_workers_reach_the_file_that_is_meant),
        cmocka_unit_test(who_mean_the_same_file_share_it),
        cmocka_unit_test(a_place_is_left_after_the_lines_that_are_on_their_way),
        cmocka_unit_test(a_place_outlives_a_turn_that_leaves_lines_for_it),
        cmocka_unit_test(a_file_that_was_moved_is_begun_anew_without_a_line_lost),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_told_once_and_tried_again),
        cmocka_unit_test(what_a_place_cannot_hold_is_dropped_whole_and_counted),
        cmocka_unit_test(a_program_reads_the_lines_and_the_end),
        cmocka_unit_test(a_program_that_is_left_and_does_not_end_holds_nobody_up),
        cmocka_unit_test(what_a_left_program_was_slow_to_take_reaches_it),
        cmocka_unit_test(the_command_line_of_a_program_is_not_told),
        cmocka_unit_test(a_program_that_ended_is_started_again_after_a_pause),
        cmocka_unit_test(a_program_that_reads_nothing_holds_nobody_up),
        cmocka_unit_test(a_new_program_begins_with_a_whole_line),
        cmocka_unit_test(the_thread_writes_by_itself_and_the_rest_at_the_end),
    };

    signal(SIGPIPE, SIG_IGN); // the program blocks it
    return cmocka_run_group_tests(tests, NULL, NULL);
}
