// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/access_line.h"

static struct access_line usual(void)
{
    return (struct access_line){
        .site = SLICE("a.example"),
        .pop = SLICE("fra"),
        .node = SLICE("fra1"),
        .client = ip_v4(203, 0, 113, 9),
        .method = SLICE("GET"),
        .target = SLICE("/a?b=c"),
        .protocol = SLICE("HTTP/1.1"),
        .tls = SLICE("TLSv1.3"),
        .referer = SLICE("http://b.example/"),
        .agent = SLICE("curl/8"),
        .cache = SLICE("hit"),
        .status = 200,
        .sent_bytes = 1234,
        .began = { INT64_C(1795381355250) }, // 2026-11-22T21:02:35.250Z
        .took = span_us(1000250),
    };
}

static void check(const struct access_line *line, enum access_format format, const char *expected)
{
    static char room[ACCESS_LINE_MAX + 1];

    room[access_line_write(line, format, room)] = '\0';
    assert_string_equal(room, expected);
}

static void a_combined_line_is_that_of_apache_and_nginx(void **)
{
    struct access_line line = usual();

    check(&line, ACCESS_COMBINED,
        "203.0.113.9 - - [22/Nov/2026:21:02:35 +0000] \"GET /a?b=c HTTP/1.1\" 200 1234 "
        "\"http://b.example/\" \"curl/8\"\n");
}

static void a_json_line_has_all_that_is_known(void **)
{
    struct access_line line = usual();

    check(&line, ACCESS_JSON,
        "{\"time\":\"2026-11-22T21:02:35.250Z\",\"site\":\"a.example\",\"pop\":\"fra\","
        "\"node\":\"fra1\",\"client\":\"203.0.113.9\",\"method\":\"GET\",\"path\":\"/a?b=c\","
        "\"protocol\":\"HTTP/1.1\",\"tls\":\"TLSv1.3\",\"status\":200,\"sent_bytes\":1234,"
        "\"duration\":1.000250,\"cache\":\"hit\",\"referer\":\"http://b.example/\","
        "\"agent\":\"curl/8\"}\n");
}

static void what_was_not_said_is_a_dash_or_null(void **)
{
    struct access_line line = usual();

    line.referer = line.agent = line.tls = SLICE_NONE;
    check(&line, ACCESS_COMBINED,
        "203.0.113.9 - - [22/Nov/2026:21:02:35 +0000] \"GET /a?b=c HTTP/1.1\" 200 1234 \"-\" "
        "\"-\"\n");
    line.agent = SLICE("");
    check(&line, ACCESS_JSON,
        "{\"time\":\"2026-11-22T21:02:35.250Z\",\"site\":\"a.example\",\"pop\":\"fra\","
        "\"node\":\"fra1\",\"client\":\"203.0.113.9\",\"method\":\"GET\",\"path\":\"/a?b=c\","
        "\"protocol\":\"HTTP/1.1\",\"tls\":null,\"status\":200,\"sent_bytes\":1234,"
        "\"duration\":1.000250,\"cache\":\"hit\",\"referer\":null,\"agent\":\"\"}\n");
}

static void who_left_before_an_answer_stands_with_499(void **)
{
    struct access_line line = usual();
    static char room[ACCESS_LINE_MAX + 1];

    line.status = 0;
    room[access_line_write(&line, ACCESS_COMBINED, room)] = '\0';
    assert_non_null(strstr(room, "\" 499 1234 \""));
    room[access_line_write(&line, ACCESS_JSON, room)] = '\0';
    assert_non_null(strstr(room, "\"status\":499,"));
}

/* What stands between the last two quotes of a combined line, as the agent. */
static void check_combined(struct slice agent, const char *expected)
{
    static char room[ACCESS_LINE_MAX + 1];
    struct access_line line = usual();

    line.referer = SLICE_NONE;
    line.agent = agent;
    size_t length = access_line_write(&line, ACCESS_COMBINED, room);

    assert_true(length > 2 && room[length - 1] == '\n' && room[length - 2] == '"');
    room[length - 2] = '\0';
    const char *at = strstr(room, "\"-\" \"");

    assert_non_null(at);
    assert_string_equal(at + 5, expected);
}

static void check_json(struct slice agent, const char *expected)
{
    static char room[ACCESS_LINE_MAX + 1];
    struct access_line line = usual();

    line.agent = agent;
    room[access_line_write(&line, ACCESS_JSON, room)] = '\0';
    const char *at = strstr(room, "\"agent\":");

    assert_non_null(at);
    assert_string_equal(at + 8, expected);
}

static void quotes_and_control_bytes_cannot_end_a_combined_field(void **)
{
    check_combined(SLICE("a\" 200 1 \"b"), "a\\\" 200 1 \\\"b");
    check_combined(SLICE("\\\"\\"), "\\\\\\\"\\\\");
    check_combined(SLICE("a\r\nb\tc"), "a\\r\\nb\\tc");
    check_combined(SLICE("\0\x1b[0m\x7f"), "\\x00\\x1b[0m\\x7f");
    check_combined(SLICE("\xc3\xa9\xff"), "\\xc3\\xa9\\xff");
}

static void json_keeps_utf8_and_escapes_the_rest(void **)
{
    check_json(SLICE("a\"b\\c"), "\"a\\\"b\\\\c\"}\n");
    check_json(SLICE("\0\n\x1f\x7f"), "\"\\u0000\\u000a\\u001f\\u007f\"}\n");
    check_json(SLICE("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
        "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"}\n");
}

static void each_byte_that_is_no_utf8_stands_as_a_replacement(void **)
{
    static const struct slice BAD[] = {
        { "\xff", 1 }, { "\x80", 1 }, { "\xc3", 1 }, { "\xc0\xaf", 2 }, // a slash in a longer form
        { "\xe0\x80\xaf", 3 },                                          //
        { "\xe2\x82", 2 },                                              // cut
        { "\xed\xa0\x80", 3 },                                          // half of a surrogate pair
        { "\xf0\x8f\xbf\xbf", 4 },                                      // longer than need be
        { "\xf4\x90\x80\x80", 4 },                                      // beyond U+10FFFF
        { "\xc2\x9b", 2 }, // a control character of terminals
    };

    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        char expected[64] = "\"";

        for (size_t j = 0; j < BAD[i].length; j++)
            strcat(expected, "\\ufffd");
        check_json(BAD[i], strcat(expected, "\"}\n"));
    }
}

static void the_longest_texts_are_cut_and_fit(void **)
{
    static char long_text[64 * 1024], room[ACCESS_LINE_MAX];
    struct access_line line = usual();

    memset(long_text, 0x80, sizeof long_text);
    line.site = line.pop = line.node = line.method = line.target = line.referer = line.agent =
        slice_of(long_text, sizeof long_text);
    size_t json = access_line_write(&line, ACCESS_JSON, room);

    assert_true(json > 6 * (ACCESS_TARGET_MAX + ACCESS_REFERER_MAX + ACCESS_AGENT_MAX));
    assert_true(access_line_write(&line, ACCESS_COMBINED, room) > 4 * ACCESS_TARGET_MAX);
    memset(long_text, 'x', sizeof long_text);
    size_t plain = access_line_write(&line, ACCESS_COMBINED, room);

    assert_true(plain < ACCESS_METHOD_MAX + ACCESS_TARGET_MAX + ACCESS_REFERER_MAX +
                            ACCESS_AGENT_MAX + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_combined_line_is_that_of_apache_and_nginx),
        cmocka_unit_test(a_json_line_has_all_that_is_known),
        cmocka_unit_test(what_was_not_said_is_a_dash_or_null),
        cmocka_unit_test(who_left_before_an_answer_stands_with_499),
        cmocka_unit_test(quotes_and_control_bytes_cannot_end_a_combined_field),
        cmocka_unit_test(json_keeps_utf8_and_escapes_the_rest),
        cmocka_unit_test(each_byte_that_is_no_utf8_stands_as_a_replacement),
        cmocka_unit_test(the_longest_texts_are_cut_and_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
