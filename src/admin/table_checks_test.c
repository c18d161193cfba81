// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/table.h"

/* The text of a status of these checks, written with ' for ". */
static void text_of(const char *checks, struct text *out)
{
    struct text json;

    text_init(&json, 1 << 20);
    text_init(out, 1 << 20);
    text_say(&json, "{'release':{},'now':'2026-11-22T13:00:00Z','checks':[%s]}", checks);
    for (size_t i = 0; i < json.length; i++)
        if (json.at[i] == '\'')
            json.at[i] = '"';
    assert_int_equal(table_status(out, text_slice(&json), NULL), ERR_NONE);
    text_done(&json);
}

/* From the line of titles on. */
static void table_is(const char *checks, const char *expected)
{
    struct text out;

    text_of(checks, &out);
    const char *table = strstr(out.at, "\nCHECK ");

    assert_string_equal(table == NULL ? "" : table + 1, expected);
    text_done(&out);
}

static void the_worst_come_first(void **)
{
    table_is("{'name':'node fra1 http','node':'nyc1','verdict':'up','latency_us':{'value':81000,"
             "'age_s':0.3},'response_us':{'value':82500,'age_s':0.3},'errors_share':{'value':0},"
             "'cpu_share':{'value':0.31,'age_s':1},'memory_share':{'value':0.055,'age_s':1},"
             "'load_share':{'value':0.4,'age_s':1}},"
             "{'name':'origin acme/new tcp','node':'fra1','verdict':'unknown'},"
             "{'name':'origin acme/ams http /','node':'fra1','verdict':'up','errors_share':"
             "{'value':0.2},'latency_us':{'value':400,'age_s':75.5}},"
             "{'name':'origin acme/nyc http /','node':'fra1','verdict':'down','since':"
             "'2026-11-22T10:02:11Z','outcome':'status','reply':503},"
             "{'name':'origin acme/ber http /','node':'fra1','verdict':'up','excess_us':"
             "{'value':20000}},"
             "{'name':'pop fra ftp','node':'fra1','verdict':'down','since':'2026-11-21T10:02:11Z',"
             "'outcome':'refused'},"
             "{'name':'a','node':'fra1','verdict':'up','load_share':{'value':0.99}}",
        "CHECK                   NODE             LATENCY  RESPONSE    EXCESS  ERRORS   CPU  "
        "MEMORY  LOAD  STATE\n"
        "origin acme/nyc http /  fra1                   -         -         -       -     -       "
        "-     -  down since 10:02:11Z: answered 503\n"
        "pop fra ftp             fra1                   -         -         -       -     -       "
        "-     -  down since 2026-11-21T10:02:11Z: connection refused\n"
        "origin acme/new tcp     fra1                   -         -         -       -     -       "
        "-     -  not known yet\n"
        "origin acme/ams http /  fra1  0.4 ms (1 min old)         -         -    20 %     -       "
        "-     -  up\n"
        "origin acme/ber http /  fra1                   -         -  +20.0 ms       -     -       "
        "-     -  up\n"
        "a                       fra1                   -         -         -       -     -       "
        "-  99 %  up\n"
        "node fra1 http          nyc1             81.0 ms   82.5 ms         -     0 %  31 %   5.5 "
        "%  40 %  up\n");
}

#define COUNTED(verdict, by, groups, down) \
    "'counted':{'verdict':'" verdict "','by':'" by "','groups':" groups ",'groups_down':" down "}"

static void where_most_nodes_find_otherwise_both_are_said(void **)
{
    table_is(
        "{'name':'a','verdict':'up'," COUNTED("down", "groups", "4",
            "3") "},"
                 "{'name':'b','verdict':'down','since':'2026-11-22T10:02:11Z','outcome':'timeout'"
                 "," COUNTED("up", "groups", "5",
                     "1") "},"
                          "{'name':'c','verdict':'unknown'," COUNTED("up", "groups", "3",
                              "0") "},"
                                   "{'name':'d','verdict':'up'," COUNTED("up", "groups", "3",
                                       "1") "},"
                                            "{'name':'e','verdict':'down'," COUNTED("down", "node",
                                                "1", "1") "},"
                                                          "{'name':'f','verdict':'up'," COUNTED(
                                                              "up", "groups", "1", "9") "}",
        "CHECK  NODE  LATENCY  RESPONSE  EXCESS  ERRORS  CPU  MEMORY  LOAD  STATE\n"
        "a      -           -         -       -       -    -       -     -  "
        "down by 3 of 4 groups, here up\n"
        "b      -           -         -       -       -    -       -     -  "
        "up by 4 of 5 groups, here down since 10:02:11Z: timeout\n"
        "e      -           -         -       -       -    -       -     -  down\n"
        "c      -           -         -       -       -    -       -     -  "
        "up by 3 of 3 groups, here not known yet\n"
        "d      -           -         -       -       -    -       -     -  up\n"
        "f      -           -         -       -       -    -       -     -  up\n");
}

static void those_that_are_not_shown_are_counted(void **)
{
    struct text checks, out;

    text_init(&checks, 1 << 20);
    for (int i = 0; i < 1060; i++)
        text_say(&checks, "%s{'name':'%d','verdict':'%s'}", i == 0 ? "" : ",", i,
            i < 25 ? "down" : "up");
    text_of(checks.at, &out);
    assert_non_null(strstr(out.at, "\n... and 1,040 more, 5 of them down\n"));
    assert_null(strstr(out.at, " up\n"));
    text_done(&out);
    text_of(strstr(checks.at, "{'name':'15'"), &out);
    assert_non_null(strstr(out.at, "\n... and 1,025 more, all up\n"));
    text_done(&out);
    text_done(&checks);
}

static void checks_that_the_answer_leaves_out_are_not_said_to_be_up(void **)
{
    struct text out;

    text_of("{'name':'a','verdict':'up'}],'checks_left_out':7,'more':[", &out);
    assert_non_null(strstr(out.at, "\n... and 7 more\n"));
    text_done(&out);
}

static void words_of_other_versions_are_shown_as_they_are(void **)
{
    table_is("{'name':'a','verdict':'resting'},{'name':'b','verdict':'down','outcome':'odd'},7,"
             "{'name':'c','verdict':'down','since':'soon'},{'name':'d','latency_us':7}",
        "CHECK  NODE  LATENCY  RESPONSE  EXCESS  ERRORS  CPU  MEMORY  LOAD  STATE\n"
        "b      -           -         -       -       -    -       -     -  down: odd\n"
        "c      -           -         -       -       -    -       -     -  down since soon\n"
        "-      -           -         -       -       -    -       -     -  -\n"
        "a      -           -         -       -       -    -       -     -  resting\n"
        "d      -           -         -       -       -    -       -     -  -\n");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(the_worst_come_first),
        cmocka_unit_test(where_most_nodes_find_otherwise_both_are_said),
        cmocka_unit_test(those_that_are_not_shown_are_counted),
        cmocka_unit_test(checks_that_the_answer_leaves_out_are_not_said_to_be_up),
        cmocka_unit_test(words_of_other_versions_are_shown_as_they_are),
    };

    return cmocka_run_group_tests_name("admin/table_checks", cases, NULL, NULL);
}
