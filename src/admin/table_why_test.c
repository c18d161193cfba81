// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/table.h"

/* The text of a JSON that is written with ' for ". */
static void text_is(const char *quoted, const char *expected)
{
    struct text json, out;

    text_init(&json, 1 << 20);
    text_init(&out, 1 << 20);
    text_add(&json, slice_text(quoted));
    for (size_t i = 0; i < json.length; i++)
        if (json.at[i] == '\'')
            json.at[i] = '"';
    assert_int_equal(table_why(&out, text_slice(&json), NULL), ERR_NONE);
    assert_string_equal(out.at, expected);
    text_done(&json);
    text_done(&out);
}

#define UP_CHECK(name) \
    "{'name':'origin acme/" name " http /health','every_ms':1000,'rise':5,'verdict':'up'}"
#define DOWN_CHECK(name)                                                    \
    "{'name':'origin acme/" name " http /health','every_ms':1000,'rise':5," \
    "'verdict':'down','since':'2026-11-22T10:02:11Z','outcome':'timeout',"  \
    "'outcome_at':'2026-11-22T13:02:09Z'}"
#define MAP                                                                      \
    "'map':{'hash':'0123456789abcdef','epoch':'2026-11-22T13:02:05Z','age_s':5," \
    "'observers':3}"

/* What the lead story is about: geography, queues, one origin near its capacity, one down. */
static const char BALANCED[] =
    "{'name':'www.acme.example','customer':'acme','kind':'steer','policy':'balanced',"
    "'ordered_by':'cost','all_down':'any','ttl_s':20,'node':'fra1','now':'2026-11-22T13:02:10Z',"
    "'client':{'address':'192.0.2.7','cell':17,'country':'DE','latitude':49.5,'longitude':-8.5},"
    "'latency_basis':'geography','margin_ms':3.0,'is_dominant':false,"
    "'answers':[{'type':'A','target':'ams','addresses':['198.51.100.7'],'reason':'best',"
    "'scope_bits':20}]," MAP ",'targets':["
    "{'name':'ams','rank':0,'weight':1,'cost_ms':17.0,'value_ms':17.0,'load':0.41,'pressure':1.0,"
    "'is_fit':true,'is_picked':true,'is_in_band':true,'terms':{"
    "'latency':{'ms':17.0,'weight':1,'measured_ms':12.0,'sources':3,'age_s':0.4},"
    "'response':{'ms':0,'weight':1,'measured_ms':0.0,'sources':3,'age_s':0.4},"
    "'cpu':{'ms':71.0,'weight':0,'measured_share':0.71,'sources':1,'age_s':2.0},"
    "'errors':{'ms':0,'weight':1,'measured_share':0,'sources':3,'age_s':0.4}},"
    "'members':[{'addresses':['198.51.100.7'],'checks':[" UP_CHECK(
        "ams") "]}]},"
               "{'name':'fra','rank':1,'weight':1,'cost_ms':30.5,'value_ms':40.7,'load':0.85,'"
               "pressure':1.33,"
               "'is_fit':true,'wins_below_ms':17.0,'shed_share':0.2,'terms':{"
               "'latency':{'ms':9.0,'weight':1,'measured_ms':8.0,'sources':3,'age_s':0.4},"
               "'response':{'ms':14.0,'weight':1,'measured_ms':14.0,'sources':3,'age_s':125.2},"
               "'cpu':{'ms':0,'weight':0,'sources':0},"
               "'errors':{'ms':7.5,'weight':1,'measured_share':0.025,'sources':3,'age_s':0.4}},"
               "'members':[{'addresses':['198.51.100.8'],'checks':[" UP_CHECK(
                   "fra") "]}]},"
                          "{'name':'nyc','rank':2,'weight':1,'cost_ms':395.0,'value_ms':395.0,'"
                          "terms':{"
                          "'latency':{'ms':95.0,'weight':1,'sources':0},'response':{'ms':0,'weight'"
                          ":1,'sources':0},"
                          "'errors':{'ms':300.0,'weight':1,'measured_share':1.0,'sources':3,'age_s'"
                          ":0.4}},"
                          "'members':[{'addresses':['203.0.113.9'],'is_down':true,'checks':"
                          "[" DOWN_CHECK("nyc") "]}]}],"
                                                "'targets_left_out':0}";

static void the_answer_comes_first_then_its_costs_then_what_would_change_it(void **)
{
    text_is(BALANCED,
        "www.acme.example for 192.0.2.7 (DE, near 49.5 N 8.5 W; its /20 decides), policy balanced, "
        "asked of fra1\n"
        "answer: ams 198.51.100.7, since it is the best; kept for 20 s\n"
        "\n"
        "ORIGIN     COST  LATENCY              RESPONSE  (CPU)         ERRORS  LOAD  STATE\n"
        "ams     17.0 ms  17.0 ms                 +0 ms   71 %            0 %  41 %  up, chosen\n"
        "fra     30.5 ms   9.0 ms  +14.0 ms (2 min old)      -  2.5 % +7.5 ms  85 %  up, sheds 20 "
        "%\n"
        "nyc      395 ms  95.0 ms                     -      -  100 % +300 ms     -  down since "
        "10:02:11Z: timeout\n"
        "In brackets: measured, and not counted by this site.\n"
        "What is old counts as worse, the longer nothing was heard.\n"
        "\n"
        "fra would be first if its cost fell below 17.0 ms (now 30.5 ms).\n"
        "nyc is down since 10:02:11Z; probe \"origin acme/nyc http /health\": timeout; 5 good "
        "answers in a row, one every 1 s, bring it back.\n"
        "\n"
        "Latency is by geography: the distance from the client to each. Map of 13:02:05Z, 5 s old, "
        "from 3 observers; hash 0123456789abcdef.\n");
}

/* A deliver site: the client's A and AAAA lead to different pops; of one pop's nodes two are out.
 */
static const char POPS[] =
    "{'name':'static.acme.example','kind':'deliver','policy':'balanced','ordered_by':'cost',"
    "'ttl_s':30,'node':'fra1','now':'2026-11-22T13:02:10Z','client':{'address':'192.0.2.7',"
    "'cell':0},'latency_basis':'own','margin_ms':3.0,'answers':["
    "{'type':'A','target':'fra','node':'fra1','addresses':['192.0.2.10','192.0.2.11'],"
    "'reason':'drawn','scope_bits':24},"
    "{'type':'AAAA','target':'nyc','node':'nyc1','addresses':['2001:db8::20'],'reason':'drawn',"
    "'scope_bits':24}]," MAP ",'targets':["
    "{'name':'fra','weight':1,'cost_ms':1.25,'pressure':1,'is_fit':true,'is_picked':true,"
    "'is_in_band':true,'terms':{'latency':{'ms':1.25,'weight':1,'sources':1,'age_s':1}},'members':["
    "{'node':'fra1','addresses':['192.0.2.10','2001:db8::10'],'checks':[{'verdict':'up'}]},"
    "{'node':'fra2','addresses':['192.0.2.12'],'is_down':true,'checks':[{'name':'node fra2 http',"
    "'every_ms':500,'rise':5,'verdict':'down','since':'2026-11-21T23:59:59Z','outcome':'status',"
    "'reply':503}]},"
    "{'node':'fra3','addresses':['192.0.2.13'],'is_drained':true,'checks':[{'verdict':'up'}]}]},"
    "{'name':'nyc','weight':1,'cost_ms':2.5,'pressure':1,'is_fit':true,'is_picked':true,"
    "'is_in_band':true,'terms':{'latency':{'ms':2.5,'weight':1,'sources':1,'age_s':1}},'members':["
    "{'node':'nyc1','addresses':['2001:db8::20'],'checks':[{'verdict':'unknown'}]}]}]}";

static void pops_show_their_nodes_and_each_kind_of_address_its_answer(void **)
{
    text_is(POPS,
        "static.acme.example for 192.0.2.7 (place not known; its /24 decides), policy balanced, "
        "asked of fra1\n"
        "answer A: fra (node fra1) 192.0.2.10 192.0.2.11, since it is drawn by hash from those as "
        "good: fra, nyc (within 3.0 ms); kept for 30 s\n"
        "answer AAAA: nyc (node nyc1) 2001:db8::20, since it is drawn by hash from those as good: "
        "fra, nyc (within 3.0 ms); kept for 30 s\n"
        "\n"
        "POP    COST  LATENCY  STATE\n"
        "fra  1.2 ms   1.2 ms  up, 1 of 3 nodes, chosen\n"
        "nyc  2.5 ms   2.5 ms  not known yet, chosen\n"
        "\n"
        "NODE  POP  ADDRESSES                 STATE\n"
        "fra1  fra  192.0.2.10, 2001:db8::10  up, chosen\n"
        "fra2  fra  192.0.2.12                down since 2026-11-21T23:59:59Z: answered 503\n"
        "fra3  fra  192.0.2.13                drained\n"
        "\n"
        "fra2 is down since 2026-11-21T23:59:59Z; probe \"node fra2 http\": answered 503; 5 good "
        "answers in a row, one every 500 ms, bring it back.\n"
        "fra3 is drained by an operator: nobody new is sent there.\n"
        "\n"
        "Latency is what fra1 measured itself. Map of 13:02:05Z, 5 s old, from 3 observers; hash "
        "0123456789abcdef.\n");
}

/* Strict: load multiplies. One latency is not known, one target sheds, one is a reserve. */
static const char STRICT[] =
    "{'name':'www.acme.example','kind':'steer','policy':'strict','ordered_by':'value','ttl_s':20,"
    "'node':'fra1','now':'2026-11-22T13:02:10Z','client':{'cell':0},'latency_basis':'observers',"
    "'is_dominant':true,'answers':[{'type':'A','target':'ams','addresses':['198.51.100.7'],"
    "'reason':'best','scope_bits':0}],'map':{'hash':'ff','epoch':'2026-11-22T13:02:05Z',"
    "'age_s':5,'observers':1},'targets':["
    "{'name':'ams','cost_ms':10,'value_ms':20,'load':0.9,'pressure':2,'is_fit':true,"
    "'is_picked':true,'is_in_band':true,'terms':{'latency':{'ms':5,'weight':2,'sources':1}},"
    "'members':[{'checks':[" UP_CHECK(
        "ams") "]}]},"
               "{'name':'fra','cost_ms':64,'value_ms':64,'pressure':1,'is_fit':true,'wins_below_ms'"
               ":20,"
               "'terms':{'latency':{'ms':32,'weight':2,'sources':0}},"
               "'members':[{'checks':[" UP_CHECK(
                   "fra") "]}]},"
                          "{'name':'lon','cost_ms':12,'value_ms':120,'load':1.25,'pressure':10,'is_"
                          "fit':true,"
                          "'shed_share':0.5,'sheds_client':true,'wins_below_ms':20,"
                          "'terms':{'latency':{'ms':6,'weight':2,'sources':1}},"
                          "'members':[{'checks':[" UP_CHECK(
                              "lon") "]}]},"
                                     "{'name':'ber','cost_ms':14,'value_ms':14,'pressure':1,'is_"
                                     "fit':true,'is_reserve':true,"
                                     "'terms':{'latency':{'ms':7,'weight':2,'sources':1}},"
                                     "'members':[{'checks':[" UP_CHECK("ber") "]}]}]}";

static void a_strict_site_shows_what_load_multiplies(void **)
{
    text_is(STRICT,
        "www.acme.example for a client of whom nothing is known, policy strict, asked of fra1\n"
        "answer: ams 198.51.100.7, since it is the best: no other has less latency or less load; "
        "kept for 20 s\n"
        "\n"
        "ORIGIN    VALUE             LATENCY          LOAD  STATE\n"
        "ams     20.0 ms           5.0 ms x2    90 % x2.00  up, chosen\n"
        "fra     64.0 ms  32.0 ms x2 guessed             -  up\n"
        "lon      120 ms           6.0 ms x2  125 % x10.00  up, sheds 50 %\n"
        "ber     14.0 ms           7.0 ms x2             -  up, reserve\n"
        "\n"
        "fra would be first if its value fell below 20.0 ms (now 64.0 ms).\n"
        "lon has a load of 125 % and sends 50 % of its clients elsewhere, this one too.\n"
        "ber is a reserve: used when no other is up.\n"
        "\n"
        "Latency is the median of all nodes that measure. Map of 13:02:05Z, 5 s old, from 1 "
        "observer; hash ff.\n");
}

/* Weights decide, and nothing is planned: what is measured is shown, and adds up to nothing. */
static const char WEIGHTED[] =
    "{'name':'www.acme.example','kind':'steer','policy':'weighted','ordered_by':'weight',"
    "'ttl_s':20,'node':'fra1','now':'2026-11-22T13:02:10Z','client':{'address':'2001:db8::7'},"
    "'latency_basis':'observers','answers':[{'type':'A','target':'nyc',"
    "'addresses':['203.0.113.9'],'reason':'drawn','scope_bits':48}],'targets':["
    "{'name':'ams','weight':0,'is_fit':true,'terms':{'latency':{'ms':5,'weight':1,'sources':1},"
    "'errors':{'ms':3,'weight':1,'measured_share':0.01,'sources':1}},"
    "'members':[{'checks':[" UP_CHECK("ams") "]}]},"
                                             "{'name':'nyc','weight':3,'is_fit':true,'is_picked':"
                                             "true,'terms':{'latency':{'ms':20,'weight':1,"
                                             "'sources':0}},'members':[{'checks':[" UP_CHECK(
                                                 "nyc") "]}]}]}";

static void where_weights_decide_nothing_is_added_up(void **)
{
    text_is(WEIGHTED, "www.acme.example for 2001:db8::7 (place not known; its /48 decides), policy "
                      "weighted, asked of fra1\n"
                      "answer: nyc 203.0.113.9, since it is drawn by weight; kept for 20 s\n"
                      "\n"
                      "ORIGIN  LATENCY  ERRORS  WEIGHT  STATE\n"
                      "ams      5.0 ms   1.0 %       0  up\n"
                      "nyc           -       -       3  up, chosen\n"
                      "\n"
                      "Nothing is planned yet: the order is that of the configuration.\n");
}

/* The text of an answer with these members, all else left out. */
static void text_of(const char *members, struct text *out)
{
    struct text json;

    text_init(&json, 1 << 20);
    text_init(out, 1 << 20);
    text_say(&json, "{'name':'x','node':'n',%s}", members);
    for (size_t i = 0; i < json.length; i++)
        if (json.at[i] == '\'')
            json.at[i] = '"';
    assert_int_equal(table_why(out, text_slice(&json), NULL), ERR_NONE);
    text_done(&json);
}

static void says(const char *members, const char *expected)
{
    struct text out;

    text_of(members, &out);
    if (strstr(out.at, expected) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", out.at, expected);
    text_done(&out);
}

#define ANSWER(reason) "'answers':[{'type':'A','target':'a','reason':'" reason "'}],"
#define TWO            "'targets':[{'name':'a'},{'name':'b'}]"

#define COUNTED(verdict, down) \
    "'counted':{'verdict':'" verdict "','by':'groups','groups':4,'groups_down':" down "}"

/* Three nodes of one pop: the first says it is leaving, of the others most nodes say otherwise. */
static const char DISPUTED[] =
    "'kind':'deliver','map':{},'answers':[],'targets':[{'name':'fra','is_fit':true,'is_picked':"
    "true,'members':["
    "{'node':'fra1','addresses':['192.0.2.10'],'is_leaving':true,'checks':[{'verdict':'up'}]},"
    "{'node':'fra2','addresses':['192.0.2.12'],'is_down':true,'checks':[{'verdict':'up'," //
    COUNTED("down", "3") "}]},"
                         "{'node':'fra3','addresses':['192.0.2.13'],'checks':[{'verdict':'down'," //
    COUNTED("up", "1") "}]}]}]";

static void who_leaves_or_is_outvoted_is_said_to_be(void **)
{
    says(DISPUTED, "up, 1 of 3 nodes, chosen\n");
    says(DISPUTED, "192.0.2.10  leaving\n");
    says(DISPUTED, "192.0.2.12  down by 3 of 4 groups, here up\n");
    says(DISPUTED, "192.0.2.13  up by 3 of 4 groups, here down\n");
    says(DISPUTED, "fra1 says that it is being stopped: nobody new is sent there.\n");
    says(
        DISPUTED, "fra2 is down by 3 of 4 groups of nodes; the probes of this node do reach it.\n");
    says(DISPUTED,
        "fra3 is up by 3 of 4 groups of nodes; the probes of this node do not reach it.\n");
}

static void every_reason_is_a_sentence_and_steps_of_failing_open_are_counted(void **)
{
    says("'ordered_by':'cost','map':{}," ANSWER("best") TWO, ": a, since it is the best;");
    says("'ordered_by':'cost'," ANSWER("best") TWO, ": a, since it is the first in the list;");
    says("'ordered_by':'cost','map':{},'is_dominant':true," ANSWER("best") TWO,
        "it is the best: no other has less latency or less load;");
    says("'ordered_by':'list'," ANSWER("best") TWO, "since it is the first in the list;");
    says("'ordered_by':'cost'," ANSWER("best") "'targets':[{'name':'a'}]",
        "since it is the only one;");
    says("'ordered_by':'cost','map':{},'is_dominant':true," ANSWER(
             "best") "'targets':[{'name':'a','is_fit':true},{'name':'b'}]",
        "since it is the only one that is up;");
    says("'ordered_by':'weight'," ANSWER("drawn") TWO, "since it is drawn by weight;");
    says("'ordered_by':'cost'," ANSWER("next") TWO,
        "since it is the best that is up and takes this client;");
    says("'ordered_by':'list'," ANSWER("next") TWO, "since it is the first in the list that is up");
    says(
        "'ordered_by':'cost'," ANSWER("next") "'targets':[{'name':'a','is_fit':true},{'name':'b'}]",
        "since it is the only one that is up;");
    says(ANSWER("over_capacity") TWO, "over their capacity (step 2 of 4 of failing open);");
    says(ANSWER("reserve") TWO, "no other is up (step 3 of 4 of failing open);");
    says(ANSWER("all_down") TWO, "so all count as up (step 4 of 4 of failing open);");
    says("'answers':[{'type':'A','reason':'nothing'}]," TWO,
        "answer: no address, since none is up and the site says `all_down: nodata`;");
    says(ANSWER("moonlight") TWO, ": a, since moonlight;");
}

static void equals_are_named_up_to_a_few(void **)
{
#define EQUAL(name) "{'name':'" name "','is_in_band':true,'is_fit':true}"
    says("'ordered_by':'cost','margin_ms':3.5," ANSWER("drawn") "'targets':[" EQUAL("a") "," EQUAL(
             "b") "," EQUAL("c") "," EQUAL("d") "," EQUAL("e") ",{'name':'f','is_in_band':true},{'"
                                                               "name':'g','is_fit':true},"
                                                               "{'name':'h','is_in_band':true,'is_"
                                                               "fit':true,'sheds_client':true}]",
        "as good: a, b, c, d and 1 more (within 3.5 ms);");
#undef EQUAL
}

static void both_kinds_of_address_share_a_line_where_they_lead_to_one_node(void **)
{
    says("'ttl_s':5,'answers':[{'type':'A','target':'fra','node':'fra1','addresses':['192.0.2.1'],"
         "'reason':'best'},{'type':'AAAA','target':'fra','node':'fra1','addresses':"
         "['2001:db8::1'],'reason':'best'}]," TWO,
        "\nanswer: fra (node fra1) 192.0.2.1 2001:db8::1, since ");
}

static void of_many_targets_the_first_and_the_chosen_are_shown(void **)
{
    struct text targets, out;

    text_init(&targets, 1 << 20);
    text_say(&targets, "'answers':[],'targets_left_out':40,'targets':[{'name':'t0'}");
    for (int i = 1; i < 60; i++)
        text_say(&targets, ",{'name':'t%d','is_fit':%s,'is_picked':%s,'members':[{'is_down':%s}]}",
            i, i % 2 == 0 ? "true" : "false", i == 55 ? "true" : "false",
            i % 2 == 0 ? "false" : "true");
    text_say(&targets, "]");
    text_of(targets.at, &out);
    assert_non_null(strstr(out.at, "\nt19 "));
    assert_null(strstr(out.at, "\nt20 "));
    assert_non_null(strstr(out.at, "\nt55 "));
    assert_non_null(strstr(out.at, "\n... and 79 more, 19 of them down\n"));
    assert_non_null(strstr(out.at, "\nt39 is down.\n... and 10 more.\n"));
    text_done(&out);
    text_done(&targets);
}

static void the_rest_is_called_up_only_when_all_of_it_is_known(void **)
{
    struct text targets, out;

    text_init(&targets, 1 << 20);
    for (int i = 0; i < 25; i++)
        text_say(&targets, "%s{'name':'t','is_fit':true}", i == 0 ? "'targets':[" : ",");
    text_say(&targets, "],'answers':[]");
    says(targets.at, "\n... and 5 more, all up\n");
    text_say(&targets, ",'targets_left_out':1");
    text_of(targets.at, &out);
    assert_non_null(strstr(out.at, "\n... and 6 more\n"));
    text_done(&out);
    text_done(&targets);
}

static void only_the_nearest_rivals_are_named(void **)
{
#define RIVAL(name) "{'name':'" name "','is_fit':true,'cost_ms':9,'wins_below_ms':5}"
    struct text out;

    text_of("'answers':[],'targets':[" RIVAL("a") "," RIVAL("b") "," RIVAL("c") "," RIVAL(
                "d") ",{'name':'e','is_fit':true,'cost_ms':4,'wins_below_ms':5}]",
        &out);
    assert_non_null(
        strstr(out.at, "\nc would be first if its cost fell below 5.0 ms (now 9.0 ms)."));
    assert_null(strstr(out.at, "\nd would"));
    assert_null(strstr(out.at, "\ne would"));
    text_done(&out);
#undef RIVAL
}

static void what_an_answer_lacks_is_left_out(void **)
{
    says("'answers':[],'targets':[]",
        "x for a client of whom nothing is known, policy -, asked of n\n");
    says("'answers':[7],'targets':[7,{},{'members':7,'terms':[]}]", "answer: no address");
    says("'answers':[],'targets':[],'map':{}", "Map of -, 0 s old, from 0 observers; hash -.");
}

static void where_nothing_is_known_there_is_no_cost(void **)
{
    says("'ordered_by':'cost','answers':[],'targets':[{'name':'a','cost_ms':0,'terms':{'latency':"
         "{'ms':0,'weight':1,'sources':0}}},{'name':'b','cost_ms':0,'terms':{'latency':{'ms':0,"
         "'weight':1,'sources':1}}}]",
        "ORIGIN  COST  LATENCY  STATE\n"
        "a          -        -  up\n"
        "b       0 ms     0 ms  up\n");
}

static void bytes_that_a_terminal_obeys_are_hidden_in_every_line(void **)
{
#define EVIL "\\u001b[2J\\n\\u007f"
    struct text out;

    text_of("'client':{'address':'" EVIL "','country':'" EVIL "','latitude':1},'policy':'" EVIL
            "','answers':[{'type':'" EVIL "','target':'" EVIL "','node':'" EVIL
            "','addresses':['" EVIL "'],'reason':'" EVIL "'}],'targets':[{'name':'" EVIL
            "','members':[{'node':'" EVIL "','addresses':['" EVIL
            "'],'is_down':true,'checks':[{'name':'" EVIL "','verdict':'down','since':'" EVIL
            "','outcome':'" EVIL "'}]},{'node':'" EVIL
            "','is_drained':true}]}],'map':{'hash':'" EVIL "','epoch':'" EVIL "'}",
        &out);
    size_t lines = 0;

    for (size_t i = 0; i < out.length; i++) {
        lines += out.at[i] == '\n';
        assert_true(out.at[i] == '\n' || (unsigned char)out.at[i] >= ' ');
        assert_int_not_equal(out.at[i], '\x7f');
    }
    // Question, answer; table of one row; of two nodes; two sentences; sources; and blank lines.
    assert_int_equal(lines, 2 + 1 + 2 + 1 + 3 + 1 + 2 + 1 + 1);
    text_done(&out);
#undef EVIL
}

static void what_explains_nothing_is_refused_with_the_mend(void **)
{
    static const char *const OTHERS[] = { "", "{", "[]", "{}", "null", "{\"targets\":[]}",
        "{\"targets\":{},\"answers\":[]}", "{\"answers\":[]}" };

    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        struct diag why = { 0 };
        struct text out;

        text_init(&out, 1 << 20);
        assert_int_equal(table_why(&out, slice_text(OTHERS[i]), &why), ERR_PARSE);
        assert_non_null(strstr(why.text, "explains nothing"));
        assert_int_equal(out.length, 0);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(the_answer_comes_first_then_its_costs_then_what_would_change_it),
        cmocka_unit_test(who_leaves_or_is_outvoted_is_said_to_be),
        cmocka_unit_test(pops_show_their_nodes_and_each_kind_of_address_its_answer),
        cmocka_unit_test(a_strict_site_shows_what_load_multiplies),
        cmocka_unit_test(where_weights_decide_nothing_is_added_up),
        cmocka_unit_test(every_reason_is_a_sentence_and_steps_of_failing_open_are_counted),
        cmocka_unit_test(equals_are_named_up_to_a_few),
        cmocka_unit_test(both_kinds_of_address_share_a_line_where_they_lead_to_one_node),
        cmocka_unit_test(of_many_targets_the_first_and_the_chosen_are_shown),
        cmocka_unit_test(the_rest_is_called_up_only_when_all_of_it_is_known),
        cmocka_unit_test(only_the_nearest_rivals_are_named),
        cmocka_unit_test(what_an_answer_lacks_is_left_out),
        cmocka_unit_test(where_nothing_is_known_there_is_no_cost),
        cmocka_unit_test(bytes_that_a_terminal_obeys_are_hidden_in_every_line),
        cmocka_unit_test(what_explains_nothing_is_refused_with_the_mend),
    };

    return cmocka_run_group_tests_name("admin/table_why", cases, NULL, NULL);
}
