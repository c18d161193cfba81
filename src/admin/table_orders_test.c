// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "admin/table.h"

typedef enum err table_fn(struct text *out, struct slice json, struct diag *why);

/* The text of a JSON that is written with ' for ". */
static void text_is(table_fn *table, const char *quoted, const char *expected)
{
    struct text json, out;

    text_init(&json, 1 << 20);
    text_init(&out, 1 << 20);
    text_add(&json, slice_text(quoted));
    for (size_t i = 0; i < json.length; i++)
        if (json.at[i] == '\'')
            json.at[i] = '"';
    assert_int_equal(table(&out, text_slice(&json), NULL), ERR_NONE);
    assert_string_equal(out.at == NULL ? "" : out.at, expected);
    text_done(&json);
    text_done(&out);
}

#define PURGE                                                                         \
    "'number':12,'kind':'purge url','soft':true,'site':'static.acme.example',"        \
    "'path':'/logo.png?v=2','by':'root','given_at':'2026-11-22T10:00:00Z','nodes':3," \
    "'applied':1,'missing':['nyc1','sin1']"
#define HEAD "'node':'fra1','now':'2026-11-22T10:00:05Z','newest':12,"

static void an_order_is_shown_with_each_nodes_receipt(void **)
{
    text_is(table_order,
        "{" HEAD "'behind':false,'order':{" PURGE "},'receipts':["
        "{'node':'fra1','pop':'fra','present':true,'applied':true,'applied_after_ms':4},"
        "{'node':'fra2','pop':'fra','present':true,'applied':true,'applied_after_ms':185000},"
        "{'node':'nyc1','pop':'nyc','present':true,'applied':false,"
        "'heard_at':'2026-11-22T10:00:04Z'},"
        "{'node':'sin1','pop':'sin','present':false,'applied':false,"
        "'heard_at':'2026-11-22T09:58:03Z'},"
        "{'node':'syd1','pop':'syd','present':false,'applied':false}]}",
        "order 12: soft purge url static.acme.example/logo.png?v=2, given at 10:00:00Z by root\n"
        "NODE  POP  RECEIPT\n"
        "fra1  fra  after 4 ms\n"
        "fra2  fra  after 3 min 5 s\n"
        "nyc1  nyc  not yet\n"
        "sin1  sin  not heard since 09:58:03Z: applies it when back\n"
        "syd1  syd  not heard yet: applies it when it comes\n");
}

static void orders_are_listed_with_how_many_nodes_have_them(void **)
{
    text_is(table_orders,
        "{" HEAD "'behind':false,'orders':[{" PURGE "},"
        "{'number':11,'kind':'drain origin','origin':'acme/ams','by':'loopback',"
        "'given_at':'2026-11-21T23:59:59Z','nodes':3,'applied':3,'missing':[]},"
        "{'number':10,'kind':'purge tag','soft':false,'site':'static.acme.example',"
        "'tag':'spring','by':'root','given_at':'2026-11-22T09:00:00Z','nodes':3,'applied':3},"
        "{'number':9,'kind':'purge prefix','site':'a.example','prefix':'/img/','by':'root',"
        "'given_at':'2026-11-22T09:00:00Z','nodes':3,'applied':3},"
        "{'number':8,'kind':'purge site','site':'a.example','by':'root',"
        "'given_at':'2026-11-22T09:00:00Z','nodes':3,'applied':3}]}",
        "NUMBER  GIVEN                 BY        ORDER                               "
        "             NODES\n"
        "    12  10:00:00Z             root      soft purge url static.acme.example/l"
        "ogo.png?v=2  1 of 3, not yet nyc1, sin1\n"
        "    11  2026-11-21T23:59:59Z  loopback  drain origin acme/ams               "
        "             3 of 3\n"
        "    10  09:00:00Z             root      purge tag spring of static.acme.exam"
        "ple          3 of 3\n"
        "     9  09:00:00Z             root      purge prefix a.example/img/*        "
        "             3 of 3\n"
        "     8  09:00:00Z             root      purge site a.example                "
        "             3 of 3\n");
}

static void an_empty_list_says_so(void **)
{
    text_is(table_orders, "{" HEAD "'orders':[]}", "no order has been given yet\n");
}

static void a_node_that_is_behind_or_cannot_write_says_what_that_means(void **)
{
    text_is(table_orders, "{" HEAD "'orders':[],'behind':true,'unwritten':true}",
        "no order has been given yet\n"
        "fra1 is behind the log of orders: there may be newer ones. What it stored before is "
        "asked about at the origin before it is used.\n"
        "fra1 cannot write orders to its disk: it obeys them, and gives no receipts until it can; "
        "look at its log.\n");
}

static void what_is_none_of_ours_is_refused(void **)
{
    struct text out;

    text_init(&out, 1 << 20);
    assert_int_equal(table_order(&out, SLICE("{\"orders\": []}"), NULL), ERR_PARSE);
    assert_int_equal(table_orders(&out, SLICE("{\"order\": {}}"), NULL), ERR_PARSE);
    assert_int_equal(table_orders(&out, SLICE("<html>"), NULL), ERR_PARSE);
    assert_int_equal(table_order(&out, SLICE_NONE, NULL), ERR_PARSE);
    text_done(&out);
}

static void control_bytes_and_long_paths_do_no_harm(void **)
{
    text_is(table_order,
        "{'order':{'number':1,'kind':'purge url','site':'a\\u001b[2J','path':'/\\n','by':'x'},"
        "'receipts':[{'node':'\\u0007','present':true},7]}",
        "order 1: purge url a?[2J/?, given at - by x\n"
        "NODE  POP  RECEIPT\n"
        "?     -    not yet\n"
        "-     -    not heard yet: applies it when it comes\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_shown_with_each_nodes_receipt),
        cmocka_unit_test(orders_are_listed_with_how_many_nodes_have_them),
        cmocka_unit_test(an_empty_list_says_so),
        cmocka_unit_test(a_node_that_is_behind_or_cannot_write_says_what_that_means),
        cmocka_unit_test(what_is_none_of_ours_is_refused),
        cmocka_unit_test(control_bytes_and_long_paths_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
