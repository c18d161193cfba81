// SPDX-License-Identifier: Apache-2.0
/* Replies in one line and in many, and the ports in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "probe/ftp_reply.h"

/* The code of the first reply; 0: not all there; 1: wrong. *rest is what follows it. */
static int code_of(struct slice bytes, struct slice *text, struct slice *rest)
{
    struct ftp_reply reply = { 0 };

    *rest = bytes;
    switch (ftp_reply_next(&reply, rest)) {
    case FTP_REPLY_DONE: *text = reply.text; return reply.code;
    case FTP_REPLY_MORE: return 0;
    case FTP_REPLY_BAD: break;
    }
    return 1;
}

static void assert_reply(const char *bytes, int code, const char *text, const char *rest)
{
    struct slice said = SLICE_NONE, left;

    assert_int_equal(code_of(slice_text(bytes), &said, &left), code);
    assert_true(slice_equal(left, slice_text(rest)));
    if (code > 1)
        assert_true(slice_equal(said, slice_text(text)));
}

static void a_reply_is_a_code_and_a_text(void **)
{
    assert_reply("220 Hello\r\n", 220, "Hello", "");
    assert_reply("220 Hello\n221 Bye\r\n", 220, "Hello", "221 Bye\r\n");
    assert_reply("220\r\n", 220, "", "");
    assert_reply("220 \r\n", 220, "", "");
    assert_reply("599 \r\n", 599, "", "");
    assert_reply("100 \r\n", 100, "", "");
}

static void a_long_reply_ends_with_its_code_and_a_blank(void **)
{
    assert_reply("220-a\r\n220 b\r\n", 220, "b", "");
    assert_reply(
        "220-a\r\n\r\n 220 b\r\n221 c\r\n221-d\r\n2200\r\n220-e\r\n220 f\r\n1", 220, "f", "1");
    assert_reply("220-a\r\n220\r\n", 220, "", "");
    assert_reply("220-a\r\nb\r\n22", 0, "", "22");
}

static void what_is_not_complete_is_left(void **)
{
    assert_reply("", 0, "", "");
    assert_reply("2", 0, "", "2");
    assert_reply("220 Hello\r", 0, "", "220 Hello\r");
    assert_reply("220-Hello\r\n", 0, "", "");
}

static void what_is_no_code_is_refused(void **)
{
    static const char *const WRONG[] = { "\r\n", "22\r\n", "2200 a\r\n", "220a\r\n", "099 a\r\n",
        "600 a\r\n", " 220 a\r\n", "+22 a\r\n", "a220 a\r\n", "220\t\r\n" };

    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        struct slice text, rest;

        assert_int_equal(code_of(slice_text(WRONG[i]), &text, &rest), 1);
    }
}

static void lines_and_replies_have_limits(void **)
{
    static char bytes[FTP_REPLY_MAX + 8];
    struct slice text, rest;

    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "220 ", 4);
    assert_int_equal(code_of(slice_of(bytes, FTP_LINE_MAX - 1), &text, &rest), 0);
    assert_int_equal(code_of(slice_of(bytes, FTP_LINE_MAX), &text, &rest), 1);
    bytes[FTP_LINE_MAX - 1] = '\n';
    assert_int_equal(code_of(slice_of(bytes, FTP_LINE_MAX), &text, &rest), 220);

    for (size_t at = 0; at + 8 <= sizeof bytes; at += 8)
        memcpy(bytes + at, "220-abc\n", 8);
    assert_int_equal(code_of(slice_of(bytes, FTP_REPLY_MAX), &text, &rest), 0);
    assert_int_equal(code_of(slice_of(bytes, sizeof bytes), &text, &rest), 1);
    memcpy(bytes + FTP_REPLY_MAX - 8, "220 abc\n", 8);
    assert_int_equal(code_of(slice_of(bytes, sizeof bytes), &text, &rest), 220);
}

static uint16_t extended(const char *text)
{
    uint16_t port = 0;

    return ftp_extended_port(slice_text(text), &port) ? port : 0;
}

static void an_extended_port_stands_between_three_marks_and_one(void **)
{
    assert_int_equal(extended("Entering Extended Passive Mode (|||6446|)"), 6446);
    assert_int_equal(extended("(!!!65535!)."), 65535);
    assert_int_equal(extended("(|||1|)"), 1);
    static const char *const WRONG[] = { "", "(", "6446", "(|||0|)", "(|||65536|)", "(||6446|)",
        "(|||6446)", "(|||6446|", "(|||6446!)", "(|!|6446|)", "(|||-1|)", "(||||)", "(111611)",
        "(|||99999999999999999999|)" };

    for (size_t i = 0; i < COUNT_OF(WRONG); i++)
        assert_int_equal(extended(WRONG[i]), 0);
}

static void a_passive_endpoint_is_six_numbers_in_brackets_or_not(void **)
{
    static const char *const RIGHT[] = { "Entering Passive Mode (192,0,2,1,195,80).",
        "=192,0,2,1,195,80", "192,0,2,1,195,80" };
    static const char *const WRONG[] = { "", "(192,0,2,1,195)", "(192,0,2,1,195,256)",
        "(192,0,2,1,0,0)", "(192 0 2 1 195 80)", "(192,0,2,1,195,)", "(256,0,2,1,1,1)", "no" };
    struct endpoint at;

    for (size_t i = 0; i < COUNT_OF(RIGHT); i++) {
        struct ip ip = ip_v4(192, 0, 2, 1);

        assert_true(ftp_passive_endpoint(slice_text(RIGHT[i]), &at));
        assert_true(ip_equal(&at.ip, &ip));
        assert_int_equal(at.port, 195 * 256 + 80);
    }
    for (size_t i = 0; i < COUNT_OF(WRONG); i++)
        assert_false(ftp_passive_endpoint(slice_text(WRONG[i]), &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_a_code_and_a_text),
        cmocka_unit_test(a_long_reply_ends_with_its_code_and_a_blank),
        cmocka_unit_test(what_is_not_complete_is_left),
        cmocka_unit_test(what_is_no_code_is_refused),
        cmocka_unit_test(lines_and_replies_have_limits),
        cmocka_unit_test(an_extended_port_stands_between_three_marks_and_one),
        cmocka_unit_test(a_passive_endpoint_is_six_numbers_in_brackets_or_not),
    };

    return cmocka_run_group_tests_name("ftp_reply", tests, NULL, NULL);
}
