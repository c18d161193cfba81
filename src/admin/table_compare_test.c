// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "admin/table.h"

static void quote(const char *quoted, struct text *json)
{
    text_init(json, 1 << 20);
    text_add(json, slice_text(quoted));
    for (size_t i = 0; i < json->length; i++)
        if (json->at[i] == '\'')
            json->at[i] = '"';
}

/* The text of two maps, written with ' for ". */
static void compare(const char *one, const char *other, struct text *out)
{
    struct text a, b;

    quote(one, &a);
    quote(other, &b);
    text_init(out, 1 << 20);
    assert_int_equal(table_compare(out, text_slice(&a), text_slice(&b), NULL), ERR_NONE);
    text_done(&a);
    text_done(&b);
}

static void text_is(const char *one, const char *other, const char *expected)
{
    struct text out;

    compare(one, other, &out);
    assert_string_equal(out.at, expected);
    text_done(&out);
}

static void text_has(const char *one, const char *other, const char *part)
{
    struct text out;

    compare(one, other, &out);
    if (strstr(out.at, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, out.at);
    text_done(&out);
}

#define MAP_AT(node, release, epoch, hash)                                                  \
    "{'node':'" node "','now':'2026-11-22T13:02:10Z','release':'" release "','geo':'00aa'," \
    "'map':{'hash':'" hash "','epoch':'2026-11-22T" epoch "','age_s':5},"
#define MAP(node, hash) MAP_AT(node, "0000000000000abc", "13:02:05Z", hash)

#define FACT(kind, unit, own, own_spread, all, sources)                              \
    "{'check':'origin acme/ams tcp','check_id':'01','kind':'" kind "','unit':'" unit \
    "','own':{'planned':" own ",'spread':" own_spread ",'age_s':0.5,'sources':1},"   \
    "'all':{'planned':" all ",'spread':100,'age_s':0.5,'sources':" sources "}}"
#define CHOICE(target, band, shed) \
    "{'target':'" target "','is_in_band':" band ",'shed_share':" shed "}"
#define SITE(name, class, choices, down) \
    "{'name':'" name "','class':" class ",'choices':[" choices "],'down':[" down "]}"
#define CLASS(hash, cells) "{'hash':'" hash "','cells':'" cells "'}"
#define NO_FACTS           "'facts':[]"

#define AMS_THEN_NYC CHOICE("ams", "true", "0") "," CHOICE("nyc", "false", "0")
#define NYC_THEN_AMS CHOICE("nyc", "true", "0") "," CHOICE("ams", "false", "0")
#define EITHER       CHOICE("ams", "true", "0") "," CHOICE("nyc", "true", "0.01")
#define EITHER_TOO   CHOICE("nyc", "true", "0") "," CHOICE("ams", "true", "0")

static void what_differs_is_told_and_what_follows(void **)
{
    text_is(MAP("fra1", "aaaa") "'sites':["                           //
        SITE("static.acme.example", "1", AMS_THEN_NYC, "") ","        //
        SITE("www.acme.example", "0", EITHER, "")                     //
        "],'classes':[" CLASS("01", "1111111122222222") ","           //
        CLASS("02", "33333333444444445555555566666666") "],'facts':[" //
        FACT("latency", "us", "11300", "200", "50000", "3") ","       //
        FACT("errors", "share", "0", "0", "0", "3") "]}",
        MAP("nyc1", "bbbb") "'sites':["                                     //
        SITE("static.acme.example", "0", NYC_THEN_AMS, "") ","              //
        SITE("www.acme.example", "1", EITHER_TOO, "")                       //
        "],'classes':[" CLASS("02", "99999999444444448888888866666666") "," //
        CLASS("01", "1111111122222222") "],'facts':["                       //
        FACT("latency", "us", "92000", "900", "50100", "2") ","             //
        FACT("errors", "share", "0", "0", "0", "2") "]}",
        "fra1: map aaaa of 13:02:05Z. nyc1: map bbbb of 13:02:05Z. They differ.\n"
        "\n"
        "What they know differs by more than it spreads:\n"
        "\n"
        "CHECK                WHAT     fra1 ITSELF  nyc1 ITSELF  fra1 FROM ALL  nyc1 FROM ALL\n"
        "origin acme/ams tcp  latency      11.3 ms      92.0 ms   50.0 ms of 3   50.1 ms of 2\n"
        "All else they know (1) is the same within its spread.\n"
        "\n"
        "What follows, where nothing is known of the client and in how many cells of clients:\n"
        "\n"
        "SITE                 fra1 LEADS TO  nyc1 LEADS TO   CELLS\n"
        "static.acme.example  ams, then nyc  nyc, then ams  2 of 4\n"
        "1 more site leads every client alike.\n");
}

#define SHARED(node, hash, shared)                                                               \
    "{'node':'" node "','now':'2026-11-22T13:02:10Z','release':'0000000000000abc','geo':'00aa'," \
    "'map':{'hash':'" hash "','shared':'" shared                                                 \
    "','epoch':'2026-11-22T13:02:05Z','age_s':5},'sites':[],'classes':[]," NO_FACTS "}"

static void maps_may_differ_in_what_is_each_nodes_own(void **)
{
    static const char OWN[] = "They differ in what each plans by its own latencies alone.\n";
    static const char FRA[] = SHARED("fra1", "aaaa", "5555");

    text_has(FRA, SHARED("nyc1", "bbbb", "5555"), OWN);
    text_has(FRA, SHARED("nyc1", "bbbb", "6666"), "They differ.\n");
    text_has(FRA, SHARED("nyc1", "aaaa", "5555"), "They are the same.\n");
}

static void where_all_is_alike_nothing_follows(void **)
{
    static const char FRA[] = MAP("fra1", "aaaa") "'sites':[" //
        SITE("www.acme.example", "0", EITHER, "'nyc'") "],'classes':[" CLASS("01",
            "11111111") "],'facts':[" FACT("latency", "us", "11300", "200", "50000", "3") "]}";
    static const char NYC[] = MAP("nyc1", "aaaa") "'sites':[" //
        SITE("www.acme.example", "0", EITHER_TOO, "'nyc'") "],'classes':[" CLASS("01",
            "11111111") "],'facts':[" FACT("latency", "us", "11500", "200", "50090", "3") "]}";

    text_is(FRA, NYC,
        "fra1: map aaaa of 13:02:05Z. nyc1: map aaaa of 13:02:05Z. They are the same.\n"
        "\n"
        "All they know (1) is the same within its spread.\n"
        "\n"
        "Nothing follows: 1 site leads every client alike.\n");
}

#define ONE_SITE(node, hash, choices, down, cells)                           \
    MAP(node, hash)                                                          \
    "'sites':[" SITE("a.example", "0", choices, down) "],'classes':[" CLASS( \
        hash, cells) "]," NO_FACTS "}"

static void equals_in_another_order_decide_nothing(void **)
{
    text_has(ONE_SITE("fra1", "aaaa", EITHER, "", "11111111"),
        ONE_SITE("nyc1", "bbbb", EITHER_TOO, "", "11111111"),
        "Nothing follows: 1 site leads every client alike.\n"
        "The maps differ in what counts for nothing here");
}

static void what_one_takes_for_down_leads_all_clients_elsewhere(void **)
{
    text_has(ONE_SITE("fra1", "aaaa", AMS_THEN_NYC, "'ams'", "11111111"),
        ONE_SITE("nyc1", "aaaa", AMS_THEN_NYC, "", "11111111"),
        "a.example  ams (down), then nyc  ams, then nyc  all, by health\n");
    text_has(ONE_SITE("fra1", "aaaa", AMS_THEN_NYC, "", "11111111"),
        ONE_SITE("nyc1", "aaaa", AMS_THEN_NYC, "'ams'", "11111111"), "ams (down), then nyc");
}

static void a_share_sent_on_by_one_alone_is_told(void **)
{
    text_has(ONE_SITE("fra1", "aaaa", CHOICE("ams", "true", "0.2") "," CHOICE("nyc", "false", "0"),
                 "", "11111111"),
        ONE_SITE("nyc1", "bbbb", AMS_THEN_NYC, "", "11111111"),
        "a.example  ams (sends on 20 %), then nyc  ams, then nyc  0 of 1\n");
}

static void a_map_for_one_cell_holds_for_all_cells_of_the_other(void **)
{
    text_has(ONE_SITE("fra1", "aaaa", AMS_THEN_NYC, "", "11111111"),
        ONE_SITE("nyc1", "bbbb", AMS_THEN_NYC, "", "111111112222222211111111"),
        "ams, then nyc  1 of 3\n");
}

static void cells_that_are_not_told_are_compared_as_a_whole(void **)
{
    text_has(ONE_SITE("fra1", "aaaa", AMS_THEN_NYC, "", ""),
        ONE_SITE("nyc1", "bbbb", AMS_THEN_NYC, "", ""), "ams, then nyc   some\n");
    text_has(ONE_SITE("fra1", "aaaa", AMS_THEN_NYC, "", ""),
        ONE_SITE("nyc1", "aaaa", AMS_THEN_NYC, "", ""), "Nothing follows: 1 site");
}

static void what_one_alone_knows_is_a_difference(void **)
{
    text_has(MAP("fra1",
                 "aaaa") "'sites':[],'facts':["
                         "{'check':'node fra1 http','check_id':'02','kind':'load','unit':'share',"
                         "'own':{'planned':0.41,'sources':1},'all':{'planned':0.41,'sources':1}}]}",
        MAP("nyc1", "aaaa") "'sites':[]," NO_FACTS "}",
        "node fra1 http  load         41 %            -      41 % of 1              -\n");
}

static void where_nothing_is_known_nothing_is_compared(void **)
{
    text_has(ONE_SITE("fra1", "aaaa", AMS_THEN_NYC, "", "11111111"),
        ONE_SITE("nyc1", "aaaa", AMS_THEN_NYC, "", "11111111"), "Neither knows anything yet.\n");
}

static void names_do_not_command_the_terminal(void **)
{
    static const char EVIL[] =
        "{'node':'f\\u001b','map':{'hash':'\\u001b'},'release':'\\u001b',"
        "'sites':[{'name':'a\\u001b','choices':[{'target':'\\u001b'}]},"
        "{'name':'\\u0007'}],'facts':[{'check':'\\u001b','kind':'\\u001b'}]}";
    struct text out;

    compare(EVIL, ONE_SITE("nyc1", "bbbb", AMS_THEN_NYC, "", "11111111"), &out);
    assert_null(strchr(out.at, '\x1b'));
    assert_null(strchr(out.at, '\a'));
    assert_non_null(strstr(out.at, "f?"));
    text_done(&out);
}

static void other_times_releases_and_geography_are_said(void **)
{
    static const char OLD[] = MAP_AT("nyc1", "0000000000000def", "13:02:00Z", "aaaa") "'sites':[" //
        SITE("b.example", "0", AMS_THEN_NYC, "") "],'classes':[]," NO_FACTS "}";
    static const char NEW[] = ONE_SITE("fra1", "aaaa", AMS_THEN_NYC, "", "11111111");

    text_has(NEW, OLD, "They are of different times");
    text_has(NEW, OLD,
        "They run different releases: fra1 has 0000000000000abc, nyc1 has 0000000000000def.\n");
    text_has(NEW, OLD, "fra1 does not have 1 site of the other.\n");
    text_has(NEW, OLD, "nyc1 does not have 1 site of the other.\n");
    text_has(
        "{'node':'fra1','sites':[],'facts':[]}", OLD, "fra1 has planned nothing yet. nyc1: map");
}

static void maps_of_one_epoch_are_known(void **)
{
    struct slice one = SLICE("{\"map\":{\"epoch\":\"2026-11-22T13:02:05Z\"}}"),
                 other = SLICE("{\"map\":{\"epoch\":\"2026-11-22T13:02:10Z\"}}");

    assert_true(table_same_epoch(one, one));
    assert_false(table_same_epoch(one, other));
    assert_false(table_same_epoch(SLICE("{}"), SLICE("{}")));
}

static void what_is_no_map_is_an_error(void **)
{
    struct slice map = SLICE("{\"sites\":[],\"facts\":[]}");
    struct diag why;
    struct text out;

    text_init(&out, 1000);
    assert_int_equal(table_compare(&out, map, SLICE("{\"sites\":[]}"), &why), ERR_PARSE);
    assert_int_equal(table_compare(&out, SLICE("["), map, &why), ERR_PARSE);
    assert_int_equal(out.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_is_told_and_what_follows),
        cmocka_unit_test(maps_may_differ_in_what_is_each_nodes_own),
        cmocka_unit_test(where_all_is_alike_nothing_follows),
        cmocka_unit_test(equals_in_another_order_decide_nothing),
        cmocka_unit_test(what_one_takes_for_down_leads_all_clients_elsewhere),
        cmocka_unit_test(a_share_sent_on_by_one_alone_is_told),
        cmocka_unit_test(a_map_for_one_cell_holds_for_all_cells_of_the_other),
        cmocka_unit_test(cells_that_are_not_told_are_compared_as_a_whole),
        cmocka_unit_test(what_one_alone_knows_is_a_difference),
        cmocka_unit_test(where_nothing_is_known_nothing_is_compared),
        cmocka_unit_test(names_do_not_command_the_terminal),
        cmocka_unit_test(other_times_releases_and_geography_are_said),
        cmocka_unit_test(maps_of_one_epoch_are_known),
        cmocka_unit_test(what_is_no_map_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
