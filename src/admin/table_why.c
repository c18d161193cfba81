// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "admin/json.h"
#include "admin/table_why_priv.h"

enum { TERMS = 6, TARGETS_SHOWN = 20, NODES_SHOWN = 40 };

static const struct term {
    const char *key, *title, *idle_title; // idle: measured, but not counted
    const char *sign;                     // before a time; NULL: it is a share
} TERM[TERMS] = {
    { "latency", "LATENCY", "(LATENCY)", "" },
    { "response", "RESPONSE", "(RESPONSE)", "+" },
    { "ftp", "FTP", "(FTP)", "+" },
    { "cpu", "CPU", "(CPU)", NULL },
    { "memory", "MEMORY", "(MEMORY)", NULL },
    { "errors", "ERRORS", "(ERRORS)", NULL },
};

/* Which columns the targets' table has, and the table. */
struct target_table {
    const struct why_page *page;
    struct table_column columns[TABLE_COLUMNS_MAX];
    size_t column_count;
    struct table table;
    const char *cost; // key of what decides; NULL: nothing measured does
    bool has_term[TERMS];
    bool has_load, has_weight;
    bool has_idle, has_old; // something shown wants a word of explanation
};

static const json_t *term_of(const json_t *target, size_t term)
{
    return json_object_get(json_object_get(target, "terms"), TERM[term].key);
}

static void say_place(const json_t *client, struct text *out)
{
    double latitude = json_get_real(client, "latitude");
    double longitude = json_get_real(client, "longitude");

    if (!json_is_number(json_object_get(client, "latitude"))) {
        text_say(out, "place not known");
        return;
    }
    if (json_get_text(client, "country").length > 0)
        text_say(out, "%s, ", table_text_of(client, "country"));
    text_say(out, "near %.1f %c %.1f %c", fabs(latitude), latitude < 0 ? 'S' : 'N', fabs(longitude),
        longitude < 0 ? 'W' : 'E');
}

static void write_question(const struct why_page *p, struct text *out)
{
    const json_t *client = json_object_get(p->why, "client");
    uint64_t bits = json_get_number(json_array_get(p->answers, 0), "scope_bits");
    size_t start = out->length;

    text_say(out, "%s for ", table_text_of(p->why, "name"));
    if (json_get_text(client, "address").length == 0) {
        text_say(out, "a client of whom nothing is known");
    } else {
        text_say(out, "%s (", table_text_of(client, "address"));
        say_place(client, out);
        if (bits > 0)
            text_say(out, "; its /%" PRIu64 " decides)", bits);
        else
            text_say(out, "; all are answered alike)");
    }
    text_say(out, ", policy %s, asked of %s", table_text_of(p->why, "policy"),
        table_text_of(p->why, "node"));
    table_end_line(out, start);
    if (json_get_text(p->why, "at").length > 0)
        text_say(out, "As it was at %s, by release %s.\n", table_text_of(p->why, "at"),
            table_text_of(p->why, "release"));
}

static void add_column(struct target_table *t, const char *title, bool is_number)
{
    t->columns[t->column_count++] = (struct table_column){ title, is_number };
}

/* What some target has, or is judged by. */
static void look_at_targets(struct target_table *t)
{
    const json_t *targets = t->page->targets, *target;
    json_int_t weight = -1;
    size_t i;

    json_array_foreach (targets, i, target) {
        const json_t *own = json_object_get(target, "weight");

        for (size_t j = 0; j < TERMS; j++)
            t->has_term[j] |=
                json_get_number(term_of(target, j), "sources") > 0 ||
                (t->cost != NULL && json_get_number(term_of(target, j), "weight") > 0);
        t->has_load |= json_is_number(json_object_get(target, "load"));
        t->has_weight |= i > 0 && json_integer_value(own) != weight;
        weight = json_integer_value(own);
    }
}

static void choose_columns(struct target_table *t)
{
    const json_t *first = json_array_get(t->page->targets, 0);

    look_at_targets(t);
    add_column(t, table_text_is(t->page->why, "kind", "deliver") ? "POP" : "ORIGIN", false);
    if (t->cost != NULL)
        add_column(t, strcmp(t->cost, "value_ms") == 0 ? "VALUE" : "COST", true);
    for (size_t i = 0; i < TERMS; i++) {
        bool is_idle = t->cost != NULL && json_get_number(term_of(first, i), "weight") == 0;

        if (t->has_term[i])
            add_column(t, is_idle ? TERM[i].idle_title : TERM[i].title, true);
        t->has_idle |= is_idle && t->has_term[i];
    }
    if (t->has_load)
        add_column(t, "LOAD", true);
    if (t->has_weight)
        add_column(t, "WEIGHT", true);
    add_column(t, "STATE", false);
}

/* "17 ms", "+14 ms x2", "71 % +71 ms", with the age of what is old. */
static void put_term(struct target_table *t, const struct term *term, const json_t *json)
{
    double ms = json_get_real(json, "ms");
    uint64_t weight = t->cost == NULL ? 0 : json_get_number(json, "weight");
    bool is_measured = json_get_number(json, "sources") > 0;
    bool is_by_place =
        term == &TERM[0] && table_text_is(t->page->why, "latency_basis", "geography");
    char amount[TABLE_AMOUNT_MAX], cost[TABLE_AMOUNT_MAX], old[TABLE_AMOUNT_MAX] = "";
    char factor[TABLE_AMOUNT_MAX] = "";

    if (!is_measured && !is_by_place && (t->cost == NULL || !(ms > 0))) {
        table_cell(&t->table, "-");
        return;
    }
    if (is_measured && !is_by_place)
        table_old(json_get_real(json, "age_s"), old);
    t->has_old |= old[0] != '\0';
    if (weight > 1)
        snprintf(factor, sizeof factor, " x%" PRIu64, weight);
    if (term->sign != NULL) {
        table_cell(&t->table, "%s%s%s%s%s", term->sign, table_ms(ms, amount), factor,
            is_measured || is_by_place ? "" : " guessed", old);
        return;
    }
    table_percent(json_get_real(json, "measured_share"), amount);
    if (weight > 0 && ms > 0)
        table_cell(&t->table, "%s +%s%s", amount, table_ms(ms * (double)weight, cost), old);
    else
        table_cell(&t->table, "%s%s", amount, old);
}

static void put_load(struct target_table *t, const json_t *target)
{
    double pressure = json_get_real(target, "pressure");
    bool counts = pressure > 1 && t->cost != NULL && strcmp(t->cost, "value_ms") == 0;
    char amount[TABLE_AMOUNT_MAX];

    if (!json_is_number(json_object_get(target, "load")))
        table_cell(&t->table, "-");
    else if (counts)
        table_cell(
            &t->table, "%s x%.2f", table_percent(json_get_real(target, "load"), amount), pressure);
    else
        table_cell(&t->table, "%s", table_percent(json_get_real(target, "load"), amount));
}

/* Up or not, of one member: the operator's word first, then its own, then that of most. */
static const char *member_state(
    const struct why_page *p, const json_t *member, char text[TABLE_CELL_MAX])
{
    const json_t *check = json_array_get(json_object_get(member, "checks"), 0);

    if (json_get_flag(member, "is_drained"))
        snprintf(text, TABLE_CELL_MAX, "drained");
    else if (json_get_flag(member, "is_leaving"))
        snprintf(text, TABLE_CELL_MAX, "leaving");
    else if (table_is_outvoted(check))
        table_state(check, p->now, text);
    else if (json_get_flag(member, "is_down") && table_text_is(check, "verdict", "down"))
        table_verdict(check, p->now, text);
    else if (json_get_flag(member, "is_down"))
        snprintf(text, TABLE_CELL_MAX, "down");
    else
        snprintf(text, TABLE_CELL_MAX, "%s",
            table_text_is(check, "verdict", "unknown") ? "not known yet" : "up");
    return text;
}

static void say_members(const struct why_page *p, const json_t *members, struct text *out)
{
    size_t count = json_array_size(members), fit = 0, i;
    char state[TABLE_CELL_MAX];
    const json_t *member;

    if (count <= 1) {
        text_say(out, "%s", member_state(p, json_array_get(members, 0), state));
        return;
    }
    json_array_foreach (members, i, member) {
        fit += !json_get_flag(member, "is_down") && !json_get_flag(member, "is_drained") &&
               !json_get_flag(member, "is_leaving");
    }
    if (fit == count)
        text_say(out, "up, %zu nodes", count);
    else if (fit > 0)
        text_say(out, "up, %zu of %zu nodes", fit, count);
    else
        text_say(out, "down, all %zu nodes", count);
}

static void put_state(struct target_table *t, const json_t *target)
{
    char share[TABLE_AMOUNT_MAX];
    struct text state;

    text_init(&state, TABLE_CELL_MAX * 4);
    say_members(t->page, json_object_get(target, "members"), &state);
    if (json_get_flag(target, "is_reserve"))
        text_say(&state, ", reserve");
    if (json_get_real(target, "shed_share") > 0)
        text_say(&state, ", sheds %s", table_percent(json_get_real(target, "shed_share"), share));
    if (json_get_flag(target, "is_picked"))
        text_say(&state, ", chosen");
    table_cell(&t->table, "%s", state.at == NULL ? "-" : state.at);
    text_done(&state);
}

/* "-" where nothing that counts is known: it would look like the best of all. */
static void put_cost(struct target_table *t, const json_t *target)
{
    double ms = json_get_real(target, t->cost);
    char amount[TABLE_AMOUNT_MAX];
    bool is_known = ms > 0;

    for (size_t i = 0; i < TERMS; i++)
        is_known |= json_get_number(term_of(target, i), "sources") > 0;
    table_cell(&t->table, "%s", is_known ? table_ms(ms, amount) : "-");
}

static void put_target(struct target_table *t, const json_t *target)
{
    table_cell(&t->table, "%s", table_text_of(target, "name"));
    if (t->cost != NULL)
        put_cost(t, target);
    for (size_t i = 0; i < TERMS; i++)
        if (t->has_term[i])
            put_term(t, &TERM[i], term_of(target, i));
    if (t->has_load)
        put_load(t, target);
    if (t->has_weight)
        table_cell(&t->table, "%" PRIu64, json_get_number(target, "weight"));
    put_state(t, target);
}

/* "... and 40 more, 3 of them down": of those that are not in the table. */
static void say_rest(const struct why_page *p, size_t hidden, size_t hidden_down, struct text *out)
{
    uint64_t more = hidden + json_get_number(p->why, "targets_left_out");
    char text[TABLE_AMOUNT_MAX];

    if (more == 0)
        return;
    text_say(out, "... and %s more", table_count(more, text));
    if (hidden_down > 0)
        text_say(out, ", %s of them down", table_count(hidden_down, text));
    else if (hidden == more)
        text_say(out, ", all up");
    text_say(out, "\n");
}

static void write_targets(const struct why_page *p, struct text *out)
{
    struct target_table t = { .page = p };
    size_t i, hidden = 0, hidden_down = 0;
    const json_t *target;

    if (p->is_by_cost)
        t.cost = table_text_is(p->why, "ordered_by", "value") ? "value_ms" : "cost_ms";
    choose_columns(&t);
    table_init(&t.table, t.columns, t.column_count);
    json_array_foreach (p->targets, i, target) {
        if (i < TARGETS_SHOWN || json_get_flag(target, "is_picked")) {
            put_target(&t, target);
            continue;
        }
        hidden++;
        hidden_down += !json_get_flag(target, "is_fit");
    }
    text_add(out, SLICE("\n"));
    table_write(&t.table, out);
    say_rest(p, hidden, hidden_down, out);
    if (t.has_idle)
        text_say(out, "In brackets: measured, and not counted by this site.\n");
    if (t.has_old)
        text_say(out, "What is old counts as worse, the longer nothing was heard.\n");
    table_done(&t.table);
}

static bool is_answered(const struct why_page *p, const char *node)
{
    const json_t *answer;
    size_t i;

    json_array_foreach (p->answers, i, answer) {
        if (table_text_is(answer, "node", node))
            return true;
    }
    return false;
}

static void put_addresses(struct table *t, const json_t *addresses)
{
    const json_t *address;
    struct text list;
    size_t i;

    text_init(&list, TABLE_CELL_MAX * 4);
    json_array_foreach (addresses, i, address) {
        text_say(&list, "%s%s", i == 0 ? "" : ", ",
            json_is_string(address) ? json_string_value(address) : "-");
    }
    table_cell(t, "%s", list.at == NULL ? "-" : list.at);
    text_done(&list);
}

/* The nodes of pops that have more than one: of the others the pop's own row says all. */
static void write_nodes(const struct why_page *p, struct text *out)
{
    static const struct table_column COLUMNS[] = { { "NODE", false }, { "POP", false },
        { "ADDRESSES", false }, { "STATE", false } };
    const json_t *target, *member;
    char state[TABLE_CELL_MAX];
    size_t i, j, hidden = 0;
    struct table t;

    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    json_array_foreach (p->targets, i, target) {
        const json_t *members = json_object_get(target, "members");

        if (json_array_size(members) < 2)
            continue;
        json_array_foreach (members, j, member) {
            const char *name = table_text_of(member, "node");

            if (t.cell_count >= NODES_SHOWN * COUNT_OF(COLUMNS)) {
                hidden++;
                continue;
            }
            table_cell(&t, "%s", name);
            table_cell(&t, "%s", table_text_of(target, "name"));
            put_addresses(&t, json_object_get(member, "addresses"));
            table_cell(
                &t, "%s%s", member_state(p, member, state), is_answered(p, name) ? ", chosen" : "");
        }
    }
    if (t.cell_count > 0)
        text_add(out, SLICE("\n"));
    table_write(&t, out);
    if (hidden > 0)
        text_say(out, "... and %zu more\n", hidden);
    table_done(&t);
}

/* Where the figures come from: how latency was found, and the map. */
static void write_sources(const struct why_page *p, struct text *out)
{
    const json_t *map = json_object_get(p->why, "map");
    uint64_t observers = json_get_number(map, "observers");
    char clock[TABLE_CELL_MAX], old[TABLE_AMOUNT_MAX];

    text_add(out, SLICE("\n"));
    size_t start = out->length;

    if (!json_is_object(map)) {
        text_say(out, "Nothing is planned yet: the order is that of the configuration.");
        table_end_line(out, start);
        return;
    }
    if (table_text_is(p->why, "latency_basis", "geography"))
        text_say(out, "Latency is by geography: the distance from the client to each. ");
    else if (table_text_is(p->why, "latency_basis", "own"))
        text_say(out, "Latency is what %s measured itself. ", table_text_of(p->why, "node"));
    else if (table_text_is(p->why, "latency_basis", "observers"))
        text_say(out, "Latency is the median of all nodes that measure. ");
    text_say(out, "Map of %s, %s old, from %" PRIu64 " observer%s; hash %s.",
        table_clock(table_text_of(map, "epoch"), p->now, clock),
        table_duration(json_get_number(map, "age_s"), old), observers, observers == 1 ? "" : "s",
        table_text_of(map, "hash"));
    table_end_line(out, start);
}

enum err table_why(struct text *out, struct slice json, struct diag *why)
{
    json_t *answer = json_read(json);
    struct why_page page = { .why = answer,
        .targets = json_object_get(answer, "targets"),
        .answers = json_object_get(answer, "answers"),
        .now = table_text_of(answer, "now"),
        .is_by_cost = table_text_is(answer, "ordered_by", "cost") ||
                      table_text_is(answer, "ordered_by", "value") };

    if (!json_is_array(page.targets) || !json_is_array(page.answers)) {
        json_decref(answer);
        diag_say(why, "the answer explains nothing; is it a node of this version?");
        return ERR_PARSE;
    }
    write_question(&page, out);
    why_answers(&page, out);
    write_targets(&page, out);
    write_nodes(&page, out);
    why_changes(&page, out);
    write_sources(&page, out);
    json_decref(answer);
    return ERR_NONE;
}
