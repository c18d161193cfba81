// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "admin/table.h"

/* The text of a JSON that is written with ' for ". */
static void say(const char *quoted, struct text *out)
{
    struct text json;

    text_init(&json, 1 << 20);
    text_init(out, 1 << 20);
    text_add(&json, slice_text(quoted));
    for (size_t i = 0; i < json.length; i++)
        if (json.at[i] == '\'')
            json.at[i] = '"';
    const struct slice page = text_slice(&json);

    assert_int_equal(table_view(out, &page, 1, NULL), ERR_NONE);
    text_done(&json);
}

static void text_is(const char *quoted, const char *expected)
{
    struct text out;

    say(quoted, &out);
    assert_string_equal(out.at, expected);
    text_done(&out);
}

#define HEAD "{'node':'fra1','now':'2026-11-22T13:02:10Z',"
#define FRA1 "{'name':'fra1','is_self':true,'is_known':true,'reports':3,'age_s':0.3}"
#define NYC1 "{'name':'nyc1','is_self':false,'is_known':true,'reports':3,'age_s':0.6}"
#define REPORT(observer, check, kind, unit, value, age)                                   \
    "{'observer':'" observer "','check':'" check "','check_id':'" check "','kind':'" kind \
    "','unit':'" unit "','value':" value ",'spread':0,'evidence':9.5,'age_s':" age "}"

static void who_observed_stands_side_by_side_the_node_itself_first(void **)
{
    text_is(HEAD "'reports_held':7,'reports_after':0,'observers':[" FRA1 "," NYC1 "],'reports':[" //
        REPORT("nyc1", "origin acme/ams tcp", "latency", "us", "92000.0", "0.6") ","              //
        REPORT("fra1", "origin acme/ams tcp", "latency", "us", "11300.0", "0.3") ","              //
        REPORT("fra1", "origin acme/nyc tcp", "latency", "us", "90100.0", "125.0") ","            //
        REPORT("fra1", "origin acme/ams tcp", "errors", "share", "0.025", "0.3") ","              //
        REPORT("nyc1", "origin acme/ams tcp", "health", "up", "0", "0.6") ","                     //
        REPORT("fra1", "origin acme/ams tcp", "health", "up", "1", "0.3") ","                     //
        REPORT("fra1", "origin acme/ams tcp", "rate", "per_s", "3", "0.3") "]}",
        "fra1 holds 7 reports of 2 observers at 2026-11-22T13:02:10Z\n"
        "\n"
        "LATENCY                    fra1 (itself)     nyc1\n"
        "origin acme/ams tcp              11.3 ms  92.0 ms\n"
        "origin acme/nyc tcp  90.1 ms (2 min old)        -\n"
        "\n"
        "ERRORS               fra1 (itself)  nyc1\n"
        "origin acme/ams tcp          2.5 %     -\n"
        "\n"
        "VERDICT              fra1 (itself)  nyc1\n"
        "origin acme/ams tcp             up  down\n");
}

static void a_node_that_heard_nothing_says_so(void **)
{
    text_is(HEAD "'reports_held':0,'reports_after':0,'observers':[],'reports':[]}",
        "fra1 holds no report yet\n");
}

static void what_has_no_room_is_counted(void **)
{
    struct text json, out;

    text_init(&json, 1 << 20);
    text_say(&json, HEAD "'reports_held':99000,'reports_after':49000,'observers':[");
    for (int i = 0; i < 10; i++)
        text_say(&json, "%s{'name':'n%d'}", i == 0 ? "" : ",", i);
    text_say(&json, "],'reports':[");
    for (int i = 0; i < 45; i++)
        text_say(&json, "%s" REPORT("n%d", "check %d", "load", "share", "0.5", "1"),
            i == 0 ? "" : ",", i % 2, i, i);
    text_say(&json, "]}");
    say(json.at, &out);
    assert_non_null(strstr(out.at, "n7"));
    assert_null(strstr(out.at, "n8"));
    assert_non_null(strstr(out.at, "... and 5 more checks\n"));
    assert_non_null(strstr(out.at, "... and 2 more observers, told by --json\n"));
    assert_non_null(strstr(out.at, "... and 49,000 more reports"));
    text_done(&json);
    text_done(&out);
}

static void pages_are_put_together(void **)
{
    static const char *const QUOTED[] = {
        HEAD "'reports_held':3,'reports_after':2,'after':'0a','observers':[" FRA1 "],'reports':[" //
        REPORT("fra1", "b", "latency", "us", "92000.0", "0.6") "]}",
        HEAD "'reports_held':3,'reports_after':1,'observers':[" FRA1 "],'reports':[" //
        REPORT("fra1", "a", "latency", "us", "11300.0", "0.3") "]}",
    };
    struct slice pages[COUNT_OF(QUOTED)];
    struct text json[COUNT_OF(QUOTED)], out;
    char after[TABLE_CELL_MAX];

    for (size_t i = 0; i < COUNT_OF(QUOTED); i++) {
        text_init(&json[i], 1 << 20);
        text_add(&json[i], slice_text(QUOTED[i]));
        for (size_t j = 0; j < json[i].length; j++)
            if (json[i].at[j] == '\'')
                json[i].at[j] = '"';
        pages[i] = text_slice(&json[i]);
    }
    assert_true(table_next_page(pages[0], after));
    assert_string_equal(after, "0a");
    assert_false(table_next_page(pages[1], after));
    text_init(&out, 1 << 20);
    assert_int_equal(table_view(&out, pages, COUNT_OF(QUOTED), NULL), ERR_NONE);
    assert_string_equal(out.at, "fra1 holds 3 reports of 1 observer at 2026-11-22T13:02:10Z\n"
                                "\n"
                                "LATENCY  fra1 (itself)\n"
                                "a              11.3 ms\n"
                                "b              92.0 ms\n"
                                "\n"
                                "... and 1 more reports, told page by page by /api/v1/view\n");
    for (size_t i = 0; i < COUNT_OF(QUOTED); i++)
        text_done(&json[i]);
    text_done(&out);
}

static void names_do_not_command_the_terminal(void **)
{
    struct text out;

    say("{'node':'fr\\u001ba1','now':'\\u0007','reports_held':1,'observers':[{'name':'e\\u001b'}],"
        "'reports':[" REPORT("e\\u001b", "c\\u001b", "latency", "us", "1", "1") "]}",
        &out);
    assert_null(strchr(out.at, '\x1b'));
    assert_null(strchr(out.at, '\a'));
    assert_non_null(strstr(out.at, "c?"));
    text_done(&out);
}

static void what_is_no_view_is_an_error(void **)
{
    static const char *const CASES[] = { "", "[]", "{\"reports\":[]}", "{\"observers\":[]}", "{" };
    struct diag why;
    struct text out;

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const struct slice page = slice_text(CASES[i]);

        text_init(&out, 1000);
        assert_int_equal(table_view(&out, &page, 1, &why), ERR_PARSE);
        assert_int_equal(out.length, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_observed_stands_side_by_side_the_node_itself_first),
        cmocka_unit_test(a_node_that_heard_nothing_says_so),
        cmocka_unit_test(what_has_no_room_is_counted),
        cmocka_unit_test(pages_are_put_together),
        cmocka_unit_test(names_do_not_command_the_terminal),
        cmocka_unit_test(what_is_no_view_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
