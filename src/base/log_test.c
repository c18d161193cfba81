// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

struct reader {
    int ends[2];
    char text[4 * LOG_LINE_MAX];
};

static void reader_open(struct reader *r)
{
    assert_int_equal(pipe2(r->ends, O_NONBLOCK), 0);
}

static void reader_close(struct reader *r)
{
    close(r->ends[0]);
    close(r->ends[1]);
}

/* What was written since the last call. */
static const char *reader_text(struct reader *r)
{
    ssize_t got = read(r->ends[0], r->text, sizeof r->text - 1);

    r->text[got < 0 ? 0 : got] = '\0';
    return r->text;
}

static void a_line_names_level_part_and_event(void **)
{
    struct reader r;
    struct log l;

    reader_open(&r);
    log_init(&l, r.ends[1], LOG_INFO);
    log_line(&l, LOG_WARNING, "probe", "target_down name=%s after=%d", "ams", 3);
    assert_string_equal(reader_text(&r), "warning probe target_down name=ams after=3\n");
    reader_close(&r);
}

static void lines_beyond_the_level_are_not_written(void **)
{
    struct reader r;
    struct log l;

    reader_open(&r);
    log_init(&l, r.ends[1], LOG_WARNING);
    log_line(&l, LOG_INFO, "app", "started");
    log_remote(&l, wall_from_s(1), "dns", "malformed");
    assert_string_equal(reader_text(&r), "");
    log_line(&l, LOG_ERROR, "app", "stopped");
    assert_string_equal(reader_text(&r), "error app stopped\n");
    assert_int_equal(l.dropped, 0);
    reader_close(&r);
}

/* A stranger's line feed must not make a line of its own in the log. */
static void control_bytes_cannot_forge_a_line(void **)
{
    struct reader r;
    struct log l;

    reader_open(&r);
    log_init(&l, r.ends[1], LOG_INFO);
    log_line(&l, LOG_INFO, "dns", "refused name=\"%s\"", "a\nerror app x\r\033[2J\177");
    assert_string_equal(reader_text(&r), "info dns refused name=\"a?error app x??[2J?\"\n");
    reader_close(&r);
}

static void long_lines_are_cut_and_still_end(void **)
{
    struct reader r;
    struct log l;
    char value[2 * LOG_LINE_MAX];

    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    reader_open(&r);
    log_init(&l, r.ends[1], LOG_INFO);
    log_line(&l, LOG_INFO, "app", "%s", value);
    log_line(&l, LOG_INFO, "app", "next");
    const char *text = reader_text(&r);
    const char *end = strchr(text, '\n');

    assert_true(end != NULL && end - text < LOG_LINE_MAX);
    assert_string_equal(end, "\ninfo app next\n");
    reader_close(&r);
}

static void a_slow_reader_costs_lines_never_time(void **)
{
    struct reader r;
    struct log l;

    reader_open(&r);
    fcntl(r.ends[1], F_SETFL, 0); // a blocking write would hang here
    log_init(&l, r.ends[1], LOG_INFO);
    for (int i = 0; i < 100000 && l.dropped == 0; i++)
        log_line(&l, LOG_INFO, "app", "line number=%d", i);
    assert_int_equal(l.dropped, 1);
    while (reader_text(&r)[0] != '\0')
        ;
    log_line(&l, LOG_INFO, "app", "again");
    assert_string_equal(reader_text(&r), "info app again\n");
    reader_close(&r);
}

static void strangers_get_a_few_lines_each_second(void **)
{
    struct reader r;
    struct log l;
    int lines = 0;

    reader_open(&r);
    log_init(&l, r.ends[1], LOG_INFO);
    for (int i = 0; i < 3 * LOG_REMOTE_PER_SECOND; i++)
        log_remote(&l, wall_from_s(7), "dns", "malformed");
    for (const char *at = reader_text(&r); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, LOG_REMOTE_PER_SECOND);
    assert_int_equal(l.dropped, 2 * LOG_REMOTE_PER_SECOND);
    log_remote(&l, wall_from_s(8), "dns", "malformed");
    assert_string_equal(reader_text(&r), "info dns malformed\n");
    reader_close(&r);
}

static void a_log_to_nowhere_is_silent(void **)
{
    struct log l;

    log_init(&l, -1, LOG_DEBUG);
    log_line(&l, LOG_ERROR, "app", "unheard");
    log_remote(&l, wall_from_s(1), "dns", "unheard");
    assert_int_equal(l.dropped, 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_line_names_level_part_and_event),
        cmocka_unit_test(lines_beyond_the_level_are_not_written),
        cmocka_unit_test(control_bytes_cannot_forge_a_line),
        cmocka_unit_test(long_lines_are_cut_and_still_end),
        cmocka_unit_test(a_slow_reader_costs_lines_never_time),
        cmocka_unit_test(strangers_get_a_few_lines_each_second),
        cmocka_unit_test(a_log_to_nowhere_is_silent),
    };

    return cmocka_run_group_tests_name("base/log", cases, NULL, NULL);
}
