// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/top.h"

#define NETWORK                                                                                  \
    "{\"network\":\"example\",\"pops\":["                                                        \
    "{\"pop\":\"fra\",\"state\":\"up\",\"nodes\":["                                              \
    "{\"node\":\"fra1\",\"state\":\"up\",\"cpu\":0.9},"                                          \
    "{\"node\":\"fra2\",\"state\":\"drained\",\"cpu\":0.1,\"requests_per_s\":7}]},"              \
    "{\"pop\":\"nyc\",\"state\":\"down\",\"nodes\":[{\"node\":\"nyc1\",\"state\":\"down\"}]}],"  \
    "\"customers\":[{\"customer\":\"acme\",\"origins\":["                                        \
    "{\"origin\":\"ams\",\"address\":\"198.51.100.7:80\",\"state\":\"up\",\"latency_ms\":12.34," \
    "\"load\":0.5},"                                                                             \
    "{\"origin\":\"nyc\",\"address\":\"203.0.113.9:80\",\"state\":\"down\"}]}]}"

#define LIVE                                                                                \
    "{\"now\":\"2026-11-22T10:00:05Z\",\"uptime_s\":3725,\"nodes\":["                       \
    "{\"node\":\"fra1\",\"pop\":\"fra\",\"dns_queries_per_s\":3,\"requests_per_s\":1234.4," \
    "\"hits_per_s\":1200,\"sent_bytes_per_s\":1048576,\"connections\":17,\"cpu\":0.41,"     \
    "\"memory\":0.25},"                                                                     \
    "{\"node\":\"nyc1\",\"pop\":\"nyc\",\"dns_queries_per_s\":90,\"requests_per_s\":0.5,"   \
    "\"hits_per_s\":0,\"sent_bytes_per_s\":2048,\"connections\":0}],\"sites\":["            \
    "{\"site\":\"static.acme.example\",\"customer\":\"acme\",\"requests_per_s\":10,"        \
    "\"hits_per_s\":9,\"sent_bytes_per_s\":5,\"dns_answers_per_s\":1},"                     \
    "{\"site\":\"www.acme.example\",\"customer\":\"acme\",\"requests_per_s\":0,"            \
    "\"hits_per_s\":0,\"sent_bytes_per_s\":0,\"dns_answers_per_s\":2}]}"

#define CHANGES                                                                         \
    "{\"now\":\"2026-11-22T10:00:05Z\",\"changes\":[{\"number\":2,"                     \
    "\"at\":\"2026-11-22T10:00:01Z\",\"kind\":\"target\",\"what\":\"origin acme/nyc\"," \
    "\"text\":\"is down: \\u001b[31m\"},{\"number\":1,\"at\":\"2026-11-21T10:00:01Z\"," \
    "\"kind\":\"order\",\"what\":\"order 4\",\"text\":\"purge\",\"more\":3}]}"

static void check(const struct top_look *look, enum top_sort sort, const char *expected)
{
    struct text out;

    text_init(&out, 1 << 16);
    assert_int_equal(top_write(&out, look, sort, NULL), ERR_NONE);
    assert_string_equal(out.at, expected);
    text_done(&out);
}

static struct top_look usual(void)
{
    return (struct top_look){ SLICE(LIVE), SLICE(NETWORK), SLICE(CHANGES) };
}

static void all_is_seen_at_a_glance(void **)
{
    struct top_look look = usual();

    check(&look, TOP_BY_REQUESTS,
        "example: 1 of 2 pops up, 1 of 3 nodes; this one for 1 h 2 min; 2026-11-22T10:00:05Z\n"
        "1,235 requests/s, 97 % hits, 1.0 MiB/s sent, 93 DNS queries/s\n"
        "\n"
        "STATE    POP  NODE  REQUESTS/S  HITS   SENT/S  DNS/S  OPEN   CPU  MEMORY\n"
        "up       fra  fra1       1,234  97 %  1.0 MiB    3.0    17  41 %    25 %\n"
        "down     nyc  nyc1         0.5   0 %  2.0 KiB     90     0     -       -\n"
        "drained  fra  fra2         7.0     -        -      -     -  10 %       -\n"
        "\n"
        "SITE                 CUSTOMER  REQUESTS/S  HITS  SENT/S  DNS/S\n"
        "static.acme.example  acme              10  90 %     5 B    1.0\n"
        "www.acme.example     acme               0     -     0 B    2.0\n"
        "\n"
        "STATE  ORIGIN    ADDRESS          LATENCY  RESPONSE  REQUESTS/S  LOAD  CPU\n"
        "down   acme/nyc  203.0.113.9:80         -         -           -     -    -\n"
        "up     acme/ams  198.51.100.7:80  12.3 ms         -           -  50 %    -\n"
        "\n"
        "CHANGES\n"
        "10:00:01Z  origin acme/nyc is down: ?[31m\n"
        "2026-11-21T10:00:01Z  order 4 purge (and 3 more)\n");
}

/* The names of the first column after the state, in the order in which they stand. */
static void check_order(enum top_sort sort, const char *first, const char *second)
{
    struct top_look look = usual();
    struct text out;

    text_init(&out, 1 << 16);
    assert_int_equal(top_write(&out, &look, sort, NULL), ERR_NONE);
    const char *one = strstr(out.at, first), *two = strstr(out.at, second);

    assert_non_null(one);
    assert_non_null(two);
    assert_true(one < two);
    text_done(&out);
}

static void nodes_and_sites_stand_in_the_order_asked_for(void **)
{
    check_order(TOP_BY_REQUESTS, "fra1", "nyc1");
    check_order(TOP_BY_DNS, "nyc1", "fra1");
    check_order(TOP_BY_DNS, "www.acme", "static.acme");
    check_order(TOP_BY_SENT, "static.acme", "www.acme");
    check_order(TOP_BY_CPU, "fra1", "nyc1");
    check_order(TOP_BY_NAME, "fra2", "nyc1");
    check_order(TOP_BY_REQUESTS, "acme/nyc", "acme/ams"); // the worst first
}

static void what_is_not_known_is_left_out(void **)
{
    struct top_look look = { SLICE(""), SLICE("{\"pops\":[{\"nodes\":[{}]}]}"), SLICE("[]") };
    struct diag why = { 0 };
    struct text out;

    check(&look, TOP_BY_NAME,
        "-: 0 of 1 pops up, 0 of 1 nodes; this one for 0 s; -\n"
        "- requests/s, - hits, -/s sent, - DNS queries/s\n"
        "\n"
        "STATE  POP  NODE  REQUESTS/S  HITS  SENT/S  DNS/S  OPEN  CPU  MEMORY\n"
        "-      -    -              -     -       -      -     -    -       -\n");
    look.network = SLICE("{\"pop\":[]}");
    text_init(&out, 100);
    assert_int_equal(top_write(&out, &look, TOP_BY_NAME, &why), ERR_PARSE);
    assert_non_null(strstr(why.text, "version"));
    text_done(&out);
}

static void only_the_busiest_sites_are_shown_and_the_rest_is_counted(void **)
{
    static char json[8000] = "{\"sites_left_out\":5,\"sites\":[";
    struct top_look look = { .network = SLICE("{\"pops\":[]}") };
    size_t length = strlen(json);
    struct text out;

    for (int i = 0; i < TOP_SITES_SHOWN + 2; i++)
        length += (size_t)snprintf(json + length, sizeof json - length,
            "%s{\"site\":\"s%02d.test\",\"requests_per_s\":%d}", i == 0 ? "" : ",", i, i);
    snprintf(json + length, sizeof json - length, "]}");
    look.live = slice_text(json);
    text_init(&out, 1 << 16);
    assert_int_equal(top_write(&out, &look, TOP_BY_REQUESTS, NULL), ERR_NONE);
    assert_non_null(strstr(out.at, "s31.test"));
    assert_null(strstr(out.at, "s01.test"));
    assert_non_null(strstr(out.at, "and 7 sites more\n"));
    text_done(&out);
}

static void check_paint(const char *text, const struct top_screen *screen, const char *expected)
{
    struct text out;

    text_init(&out, 4096);
    top_paint(&out, slice_text(text), screen);
    assert_string_equal(out.at, expected);
    text_done(&out);
}

#define FOOT "\x1b[7mq\x1b[0m\x1b[K"
#define END  "\x1b[K\r\n"

static void a_screen_holds_what_it_has_room_for(void **)
{
    check_paint("one\ntwo\nthree\n", &(struct top_screen){ 80, 3, 0, SLICE("q") },
        "\x1b[Hone" END "two" END FOOT);
    check_paint("one\ntwo\nthree\n", &(struct top_screen){ 2, 3, 1, SLICE("q") },
        "\x1b[Htw" END "th" END FOOT);
    check_paint(
        "one\n", &(struct top_screen){ 80, 4, 0, SLICE("q") }, "\x1b[Hone" END END END FOOT);
    check_paint("a\xc3\xa9\xe2\x82\xac\n", &(struct top_screen){ 2, 2, 0, SLICE("q") },
        "\x1b[Ha\xc3\xa9" END FOOT);
    check_paint("one\n", &(struct top_screen){ 0, 0, 9, SLICE("q") }, "\x1b[H\x1b[7m\x1b[0m\x1b[K");
}

static void what_is_down_is_red(void **)
{
    check_paint("STATE x\ndown x\nunknown x\nup x\n", &(struct top_screen){ 4, 5, 0, SLICE("q") },
        "\x1b[H\x1b[1mSTAT\x1b[0m" END "\x1b[31mdown\x1b[0m" END "\x1b[33munkn\x1b[0m" END
        "up x" END FOOT);
}

static void a_text_is_scrolled_to_its_last_line_and_no_further(void **)
{
    assert_int_equal(top_offset_max(SLICE("a\nb\nc\n"), 3), 1);
    assert_int_equal(top_offset_max(SLICE("a\nb\nc\n"), 4), 0);
    assert_int_equal(top_offset_max(SLICE("a\nb\nc\n"), 0), 3);
    assert_int_equal(top_offset_max(SLICE(""), 1), 0);
}

static void keys_are_known_one_by_one(void **)
{
    static const enum top_key keys[] = { TOP_KEY_SORT, TOP_KEY_UP, TOP_KEY_DOWN, TOP_KEY_PAGE_UP,
        TOP_KEY_PAGE_DOWN, TOP_KEY_OTHER, TOP_KEY_HELP, TOP_KEY_UP, TOP_KEY_QUIT, TOP_KEY_QUIT };
    struct slice bytes = SLICE("s\x1b[A\x1bOB\x1b[5~\x1b[6~x?kq\x03"),
                 sequence = SLICE("\x1b[24~q");

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_int_equal(top_key_take(&bytes), keys[i]);
    assert_int_equal(top_key_take(&bytes), TOP_KEY_NONE);
    assert_int_equal(top_key_take(&sequence), TOP_KEY_OTHER);
    assert_int_equal(top_key_take(&sequence), TOP_KEY_NONE);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(all_is_seen_at_a_glance),
        cmocka_unit_test(nodes_and_sites_stand_in_the_order_asked_for),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(only_the_busiest_sites_are_shown_and_the_rest_is_counted),
        cmocka_unit_test(a_screen_holds_what_it_has_room_for),
        cmocka_unit_test(what_is_down_is_red),
        cmocka_unit_test(a_text_is_scrolled_to_its_last_line_and_no_further),
        cmocka_unit_test(keys_are_known_one_by_one),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
