// SPDX-License-Identifier: Apache-2.0
#include "admin/top.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/table_priv.h"
#include "base/mem.h"

#define FIGURE_MAX 1e15 // beyond it nobody reads on

/* A node of the network, and what is known of its load where it is one of the process asked. */
struct node_row {
    const json_t *pop, *node, *live; // live: NULL where it is elsewhere
};

/* How urgent a state is: what is first is shown first. */
static const char *const STATES[] = { "down", "drained", "unknown", "up" };

const char *top_sort_text(enum top_sort sort)
{
    static const char *const TEXTS[] = { "requests", "bytes", "DNS", "CPU", "name" };

    static_assert(COUNT_OF(TEXTS) == TOP_SORT_COUNT, "each order has a name");
    return TEXTS[sort];
}

/* A member that is a number of something; negative where it is not known. */
static double figure(const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);
    double value = json_is_number(member) ? json_number_value(member) : -1;

    return value >= 0 && value < FIGURE_MAX ? value : value >= FIGURE_MAX ? FIGURE_MAX : -1;
}

/* 0, 0.4, 12, 1,234; "-" where it is not known. */
static const char *rate_text(double rate, char text[TABLE_AMOUNT_MAX])
{
    if (rate < 0)
        return "-";
    if (rate >= 9.95)
        return table_count((uint64_t)(rate + 0.5), text);
    snprintf(text, TABLE_AMOUNT_MAX, "%.*f", rate > 0, rate);
    return text;
}

static const char *size_text(double rate, char text[TABLE_AMOUNT_MAX])
{
    return rate < 0 ? "-" : table_size((uint64_t)(rate + 0.5), text);
}

static const char *percent_text(double share, char text[TABLE_AMOUNT_MAX])
{
    return share < 0 ? "-" : table_percent(share, text);
}

static const char *ms_text(double ms, char text[TABLE_AMOUNT_MAX])
{
    return ms < 0 ? "-" : table_ms(ms, text);
}

/* Hits of requests; not known where there are none. */
static double hit_share(double hits, double requests)
{
    return hits < 0 || requests <= 0 ? -1 : hits > requests ? 1 : hits / requests;
}

static double sort_figure(const json_t *live, enum top_sort sort, const char *dns)
{
    switch (sort) {
    case TOP_BY_REQUESTS: return figure(live, "requests_per_s");
    case TOP_BY_SENT: return figure(live, "sent_bytes_per_s");
    case TOP_BY_DNS: return figure(live, dns);
    case TOP_BY_CPU: return figure(live, "cpu");
    case TOP_BY_NAME:
    case TOP_SORT_COUNT: break;
    }
    return 0;
}

/* The member of both that is a name: as they are shown. */
static int by_text(const json_t *a, const json_t *b, const char *key)
{
    return strcmp(table_text_of(a, key), table_text_of(b, key));
}

static int by_figure(double a, double b)
{
    return a == b ? 0 : a < b ? 1 : -1;
}

static int node_order(const void *left, const void *right, void *argument)
{
    const struct node_row *a = left, *b = right;
    enum top_sort sort = *(const enum top_sort *)argument;
    int order = by_figure(sort_figure(a->live, sort, "dns_queries_per_s"),
        sort_figure(b->live, sort, "dns_queries_per_s"));

    if (order == 0)
        order = by_text(a->pop, b->pop, "pop");
    return order != 0 ? order : by_text(a->node, b->node, "node");
}

static int site_order(const void *left, const void *right, void *argument)
{
    const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;
    enum top_sort sort = *(const enum top_sort *)argument;
    int order = by_figure(
        sort_figure(a, sort, "dns_answers_per_s"), sort_figure(b, sort, "dns_answers_per_s"));

    return order != 0 ? order : by_text(a, b, "site");
}

static size_t urgency(const json_t *object)
{
    size_t at = 0;

    while (at < COUNT_OF(STATES) && !table_text_is(object, "state", STATES[at]))
        at++;
    return at;
}

static const json_t *live_of(const json_t *live, const json_t *node)
{
    const json_t *one;
    size_t i;

    json_array_foreach (json_object_get(live, "nodes"), i, one)
        if (by_text(one, node, "node") == 0)
            return one;
    return NULL;
}

/* All nodes of all pops; the caller frees the list. */
static struct node_row *list_nodes(const json_t *network, const json_t *live, size_t *count)
{
    struct node_row *list = NULL;
    const json_t *pop, *node;
    size_t i, j;

    *count = 0;
    json_array_foreach (json_object_get(network, "pops"), i, pop)
        json_array_foreach (json_object_get(pop, "nodes"), j, node) {
            if (*count == TABLE_ROWS_MAX)
                return list;
            if ((*count & (*count - 1)) == 0) // room is the next power of two
                list = mem_resize(list, (2 * *count + 1) * sizeof *list);
            list[(*count)++] = (struct node_row){ pop, node, live_of(live, node) };
        }
    return list;
}

/* What the node tells of itself, or else what was measured of it. */
static double node_figure(const struct node_row *row, const char *key)
{
    double here = figure(row->live, key);

    return here >= 0 ? here : figure(row->node, key);
}

static void write_nodes(struct text *out, struct node_row *list, size_t count, enum top_sort sort)
{
    static const struct table_column COLUMNS[] = { { "STATE", false }, { "POP", false },
        { "NODE", false }, { "REQUESTS/S", true }, { "HITS", true }, { "SENT/S", true },
        { "DNS/S", true }, { "OPEN", true }, { "CPU", true }, { "MEMORY", true } };
    char text[TABLE_AMOUNT_MAX];
    struct table t;

    if (count > 0)
        qsort_r(list, count, sizeof *list, node_order, &sort);
    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    for (size_t i = 0; i < count; i++) {
        const struct node_row *row = &list[i];
        double requests = figure(row->live, "requests_per_s");

        table_cell(&t, "%s", table_text_of(row->node, "state"));
        table_cell(&t, "%s", table_text_of(row->pop, "pop"));
        table_cell(&t, "%s", table_text_of(row->node, "node"));
        table_cell(&t, "%s", rate_text(node_figure(row, "requests_per_s"), text));
        table_cell(
            &t, "%s", percent_text(hit_share(figure(row->live, "hits_per_s"), requests), text));
        table_cell(&t, "%s", size_text(figure(row->live, "sent_bytes_per_s"), text));
        table_cell(&t, "%s", rate_text(figure(row->live, "dns_queries_per_s"), text));
        table_cell(&t, "%s", rate_text(figure(row->live, "connections"), text));
        table_cell(&t, "%s", percent_text(node_figure(row, "cpu"), text));
        table_cell(&t, "%s", percent_text(node_figure(row, "memory"), text));
    }
    table_write(&t, out);
    table_done(&t);
}

static void write_sites(struct text *out, const json_t *live, enum top_sort sort)
{
    static const struct table_column COLUMNS[] = { { "SITE", false }, { "CUSTOMER", false },
        { "REQUESTS/S", true }, { "HITS", true }, { "SENT/S", true }, { "DNS/S", true } };
    const json_t *sites = json_object_get(live, "sites");
    size_t count = json_array_size(sites);
    json_t **list = mem_array(count + 1, sizeof *list);
    char text[TABLE_AMOUNT_MAX];
    struct table t;

    for (size_t i = 0; i < count; i++)
        list[i] = json_array_get(sites, i);
    qsort_r(list, count, sizeof *list, site_order, &sort);
    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    for (size_t i = 0; i < count && i < TOP_SITES_SHOWN; i++) {
        double requests = figure(list[i], "requests_per_s");

        table_cell(&t, "%s", table_text_of(list[i], "site"));
        table_cell(&t, "%s", table_text_of(list[i], "customer"));
        table_cell(&t, "%s", rate_text(requests, text));
        table_cell(
            &t, "%s", percent_text(hit_share(figure(list[i], "hits_per_s"), requests), text));
        table_cell(&t, "%s", size_text(figure(list[i], "sent_bytes_per_s"), text));
        table_cell(&t, "%s", rate_text(figure(list[i], "dns_answers_per_s"), text));
    }
    if (t.cell_count > 0)
        text_add(out, SLICE("\n"));
    table_write(&t, out);
    table_done(&t);
    if (count > TOP_SITES_SHOWN)
        text_say(out, "and %zu sites more\n",
            count - TOP_SITES_SHOWN + json_get_number(live, "sites_left_out"));
    mem_free(list);
}

/* Those of one state, in the order of the network. */
static void put_origins(struct table *t, const json_t *network, size_t state)
{
    const json_t *customer, *origin;
    char text[TABLE_AMOUNT_MAX];
    size_t i, j;

    json_array_foreach (json_object_get(network, "customers"), i, customer)
        json_array_foreach (json_object_get(customer, "origins"), j, origin) {
            if (urgency(origin) != state)
                continue;
            table_cell(t, "%s", table_text_of(origin, "state"));
            table_cell(
                t, "%s/%s", table_text_of(customer, "customer"), table_text_of(origin, "origin"));
            table_cell(t, "%s", table_text_of(origin, "address"));
            table_cell(t, "%s", ms_text(figure(origin, "latency_ms"), text));
            table_cell(t, "%s", ms_text(figure(origin, "response_ms"), text));
            table_cell(t, "%s", rate_text(figure(origin, "requests_per_s"), text));
            table_cell(t, "%s", percent_text(figure(origin, "load"), text));
            table_cell(t, "%s", percent_text(figure(origin, "cpu"), text));
        }
}

static void write_origins(struct text *out, const json_t *network)
{
    static const struct table_column COLUMNS[] = { { "STATE", false }, { "ORIGIN", false },
        { "ADDRESS", false }, { "LATENCY", true }, { "RESPONSE", true }, { "REQUESTS/S", true },
        { "LOAD", true }, { "CPU", true } };
    struct table t;

    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    for (size_t state = 0; state <= COUNT_OF(STATES); state++)
        put_origins(&t, network, state);
    if (t.cell_count > 0)
        text_add(out, SLICE("\n"));
    table_write(&t, out);
    table_done(&t);
}

static void write_changes(struct text *out, const json_t *answer)
{
    const json_t *changes = json_object_get(answer, "changes"), *change;
    const char *now = table_text_of(answer, "now");
    char clock[TABLE_CELL_MAX];
    size_t i;

    if (json_array_size(changes) > 0)
        text_say(out, "\nCHANGES\n");
    json_array_foreach (changes, i, change) {
        size_t start = out->length;

        if (i == TOP_CHANGES_SHOWN)
            return;
        text_say(out, "%s  %s %s", table_clock(table_text_of(change, "at"), now, clock),
            table_text_of(change, "what"), table_text_of(change, "text"));
        if (json_get_number(change, "more") > 0)
            text_say(out, " (and %" PRIu64 " more)", json_get_number(change, "more"));
        table_end_line(out, start);
    }
}

static size_t count_up(const json_t *list, size_t *count)
{
    const json_t *one;
    size_t i, up = 0;

    json_array_foreach (list, i, one)
        up += table_text_is(one, "state", "up");
    *count += json_array_size(list);
    return up;
}

/* Of the nodes that tell it themselves, so that all sums are of the same. */
static double sum(const struct node_row *list, size_t count, const char *key)
{
    double all = -1;

    for (size_t i = 0; i < count; i++) {
        double one = figure(list[i].live, key);

        if (one >= 0)
            all = (all < 0 ? 0 : all) + one;
    }
    return all < FIGURE_MAX ? all : FIGURE_MAX;
}

static void write_head(struct text *out, const json_t *network, const json_t *live,
    const struct node_row *list, size_t count)
{
    const json_t *pops = json_object_get(network, "pops"), *pop;
    size_t pop_count = 0, pops_up = count_up(pops, &pop_count), nodes = 0, nodes_up = 0, i;
    size_t start = out->length;
    double requests = sum(list, count, "requests_per_s");
    char one[TABLE_AMOUNT_MAX], two[TABLE_AMOUNT_MAX], three[TABLE_AMOUNT_MAX];
    const char *now = table_text_of(live, "now");

    json_array_foreach (pops, i, pop)
        nodes_up += count_up(json_object_get(pop, "nodes"), &nodes);
    text_say(out, "%s: %zu of %zu pops up, %zu of %zu nodes; this one for %s; %s",
        table_text_of(network, "network"), pops_up, pop_count, nodes_up, nodes,
        table_duration(json_get_number(live, "uptime_s"), one), now);
    table_end_line(out, start);
    start = out->length;
    text_say(out, "%s requests/s, ", rate_text(requests, one));
    text_say(out, "%s hits, %s/s sent, %s DNS queries/s",
        percent_text(hit_share(sum(list, count, "hits_per_s"), requests), one),
        size_text(sum(list, count, "sent_bytes_per_s"), two),
        rate_text(sum(list, count, "dns_queries_per_s"), three));
    table_end_line(out, start);
    text_add(out, SLICE("\n"));
}

enum err top_write(
    struct text *out, const struct top_look *look, enum top_sort sort, struct diag *why)
{
    json_t *network = json_read(look->network), *live = json_read(look->live),
           *changes = json_read(look->changes);
    enum err err = ERR_NONE;
    size_t count;

    if (json_is_array(json_object_get(network, "pops"))) {
        struct node_row *list = list_nodes(network, live, &count);

        write_head(out, network, live, list, count);
        write_nodes(out, list, count, sort);
        write_sites(out, live, sort);
        write_origins(out, network);
        write_changes(out, changes);
        mem_free(list);
    } else {
        diag_say(why, "the answer is not a network; is it a node of this version?");
        err = ERR_PARSE;
    }
    json_decref(network);
    json_decref(live);
    json_decref(changes);
    return err;
}
