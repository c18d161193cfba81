// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "admin/table_priv.h"

#define STATUS(peers) "{\"release\":{\"hash\":\"0123456789abcdef\"},\"peers\":[" peers "]}"

#define SELF                                                                                  \
    "{\"name\":\"fra1\",\"pop\":\"fra\",\"state\":\"self\",\"release\":\"0123456789abcdef\"," \
    "\"map\":{\"hash\":\"beefbeefbeefbeef\"},\"orders\":{\"era\":\"0e\",\"applied\":17}}"

static void table_is(const char *status, const char *expected)
{
    json_t *json = json_loads(status, JSON_REJECT_DUPLICATES, NULL);
    struct text out;

    assert_non_null(json);
    text_init(&out, 1 << 20);
    table_peers(json, &out);
    assert_string_equal(out.at == NULL ? "" : out.at, expected);
    text_done(&out);
    json_decref(json);
}

static void those_that_are_not_well_come_first(void **)
{
    table_is(STATUS(SELF ",{\"name\":\"ams1\",\"pop\":\"ams\",\"state\":\"never heard\"},"
                         "{\"name\":\"nyc1\",\"pop\":\"nyc\",\"state\":\"missing\","
                         "\"heard_ms\":61000,\"suspect\":true,\"blind\":true,"
                         "\"release\":\"fedcba9876543210\",\"map\":{\"hash\":\"00ff00ff00ff\"},"
                         "\"orders\":{\"era\":\"0d\",\"applied\":3}},"
                         "{\"name\":\"sin1\",\"pop\":\"sin\",\"state\":\"present\","
                         "\"heard_ms\":120,\"release\":\"0123456789abcdef\","
                         "\"orders\":{\"era\":\"0e\",\"applied\":16}},"
                         "{\"name\":\"sin2\",\"pop\":\"sin\",\"state\":\"left\",\"leaving\":true,"
                         "\"heard_ms\":9000,\"release\":\"0123456789abcdef\"},"
                         "{\"name\":\"sin3\",\"pop\":\"sin\",\"state\":\"present\","
                         "\"leaving\":true,\"heard_ms\":999}"),
        "\n"
        "PEER  POP          HEARD  STATE                    MAP       RELEASE             ORDERS\n"
        "ams1  ams          never  never heard              -         -                        -\n"
        "nyc1  nyc  1 min 1 s ago  missing, suspect, blind  00ff00ff  fedcba98  3 of another log\n"
        "sin2  sin        9 s ago  left                     -         same                     -\n"
        "sin3  sin     999 ms ago  present, leaving         -         -                        -\n"
        "fra1  fra           self  self                     beefbeef  same                    17\n"
        "sin1  sin     120 ms ago  present                  -         same                    "
        "16\n");
}

static void one_node_alone_has_no_table_of_peers(void **)
{
    table_is(STATUS(SELF), "");
    table_is("{}", "");
    table_is("{\"peers\":7}", "");
}

static void what_is_not_a_peer_is_shown_as_far_as_it_goes(void **)
{
    table_is(STATUS("7,{}"), "\n"
                             "PEER  POP  HEARD  STATE  MAP  RELEASE  ORDERS\n"
                             "-     -    never  -      -    -             -\n"
                             "-     -    never  -      -    -             -\n");
}

/* So many that are missing, and so many that are present. */
static void last_line_is(size_t missing, size_t present, const char *expected)
{
    json_t *status = json_object(), *peers = json_array();
    struct text out;

    for (size_t i = 0; i < missing + present; i++)
        json_array_append_new(
            peers, json_pack("{s:s}", "state", i < present ? "present" : "missing"));
    json_object_set_new(status, "peers", peers);
    text_init(&out, 1 << 20);
    table_peers(status, &out);
    size_t lines = 0, last = 0;

    for (size_t i = 0; i + 1 < out.length; i++)
        if (out.at[i] == '\n') {
            lines++;
            last = i + 1;
        }
    if (expected == NULL)
        assert_int_equal(lines, missing + present + 1);
    else
        assert_string_equal(out.at + last, expected);
    text_done(&out);
    json_decref(status);
}

static void of_many_nodes_twenty_are_shown_and_the_rest_summed_up(void **)
{
    last_line_is(1, 19, NULL);
    last_line_is(1, 20, "... and 1 more, all present\n");
    last_line_is(20, 480, "... and 480 more, all present\n");
    last_line_is(22, 1480, "... and 1,482 more, 2 of them not well\n");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(those_that_are_not_well_come_first),
        cmocka_unit_test(one_node_alone_has_no_table_of_peers),
        cmocka_unit_test(what_is_not_a_peer_is_shown_as_far_as_it_goes),
        cmocka_unit_test(of_many_nodes_twenty_are_shown_and_the_rest_summed_up),
    };

    return cmocka_run_group_tests_name("admin/table_peers", cases, NULL, NULL);
}
