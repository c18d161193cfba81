// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/table_compare_priv.h"
#include "base/mem.h"

/* A fact of one side; what both know of one check in one respect stands side by side. */
struct known {
    const json_t *fact;
    const char *check, *id, *title;
    size_t kind;
    size_t side;
};

const char *compare_title(
    const struct compare_page *page, size_t side, const char *words, char title[TABLE_CELL_MAX])
{
    snprintf(title, TABLE_CELL_MAX, "%.40s %s", page->nodes[side], words);
    for (char *c = title; *c != '\0'; c++)
        if (ascii_is_control(*c))
            *c = '?';
    return title;
}

static int by_check(const struct known *a, const struct known *b)
{
    int names = strcmp(a->check, b->check);

    if (names != 0)
        return names;
    int ids = strcmp(a->id, b->id);

    if (ids != 0)
        return ids;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return strcmp(a->title, b->title);
}

static int by_check_and_side(const void *left, const void *right)
{
    const struct known *a = left, *b = right;
    int order = by_check(a, b);

    return order != 0 ? order : (a->side > b->side) - (a->side < b->side);
}

static struct known *gather(const struct compare_page *p, size_t *count)
{
    const json_t *facts[COMPARE_SIDES], *fact;
    size_t room = 1, i;

    for (size_t side = 0; side < COMPARE_SIDES; side++) {
        facts[side] = json_object_get(p->maps[side], "facts");
        room += json_array_size(facts[side]);
    }
    struct known *list = mem_array(room, sizeof *list);

    *count = 0;
    for (size_t side = 0; side < COMPARE_SIDES; side++)
        json_array_foreach (facts[side], i, fact) {
            struct known *known = &list[(*count)++];

            *known = (struct known){ .fact = fact,
                .check = table_text_of(fact, "check"),
                .id = table_text_of(fact, "check_id"),
                .side = side };
            known->title = table_kind(table_text_of(fact, "kind"), &known->kind);
        }
    if (*count > 0)
        qsort(list, *count, sizeof *list, by_check_and_side);
    return list;
}

/* What nobody would notice, in the unit: a difference below it is none. */
static double grain_of(const char *unit)
{
    if (strcmp(unit, "us") == 0)
        return 100;
    if (strcmp(unit, "share") == 0)
        return 0.01;
    return strcmp(unit, "up") == 0 ? 0.5 : 1;
}

/* The values are further apart than their spreads together reach. */
static bool is_apart(const json_t *one, const json_t *other, const char *unit)
{
    double reach = json_get_real(one, "spread") + json_get_real(other, "spread");

    return fabs(json_get_real(one, "planned") - json_get_real(other, "planned")) >
           fmax(reach, grain_of(unit));
}

/*
 * One side may be NULL. That a node does not measure something itself is no difference; that it
 * knows nothing of it is.
 */
static bool differs(const json_t *const facts[COMPARE_SIDES])
{
    if (facts[0] == NULL || facts[1] == NULL)
        return true;
    const char *unit = table_text_of(facts[0], "unit");
    const json_t *own[COMPARE_SIDES];

    for (size_t side = 0; side < COMPARE_SIDES; side++)
        own[side] = json_object_get(facts[side], "own");
    return is_apart(json_object_get(facts[0], "all"), json_object_get(facts[1], "all"), unit) ||
           (json_is_object(own[0]) && json_is_object(own[1]) && is_apart(own[0], own[1], unit));
}

static void put_fact(struct table *t, const json_t *fact, const char *key)
{
    const json_t *measured = json_object_get(fact, key);
    const uint64_t sources = json_get_number(measured, "sources");
    char amount[TABLE_AMOUNT_MAX], old[TABLE_AMOUNT_MAX], of[TABLE_AMOUNT_MAX] = "";

    if (!json_is_object(measured)) {
        table_cell(t, "-");
        return;
    }
    if (strcmp(key, "all") == 0)
        snprintf(of, sizeof of, " of %" PRIu64, sources);
    table_cell(t, "%s%s%s",
        table_amount(table_text_of(fact, "unit"), json_get_real(measured, "planned"), amount), of,
        table_old(json_get_real(measured, "age_s"), old));
}

static void put_row(
    struct table *t, const struct known *known, const json_t *const facts[COMPARE_SIDES])
{
    char title[TABLE_CELL_MAX];

    snprintf(title, sizeof title, "%s", known->title);
    for (char *c = title; *c != '\0'; c++)
        *c = ascii_lower(*c);
    table_cell(t, "%s", known->check);
    table_cell(t, "%s", title);
    for (size_t side = 0; side < COMPARE_SIDES; side++)
        put_fact(t, facts[side], "own");
    for (size_t side = 0; side < COMPARE_SIDES; side++)
        put_fact(t, facts[side], "all");
}

/* Fills the table with what differs; says how many are alike, and how many had no room. */
static void put_differences(
    struct table *t, const struct known *list, size_t count, size_t *alike, size_t *hidden)
{
    size_t shown = 0;

    for (size_t at = 0, next; at < count; at = next) {
        const json_t *facts[COMPARE_SIDES] = { NULL, NULL };

        for (next = at; next < count && by_check(&list[at], &list[next]) == 0; next++)
            facts[list[next].side] = list[next].fact;
        if (!differs(facts)) {
            (*alike)++;
            continue;
        }
        if (shown++ < COMPARE_ROWS_SHOWN)
            put_row(t, &list[at], facts);
        else
            (*hidden)++;
    }
}

void compare_facts(const struct compare_page *p)
{
    char titles[2 * COMPARE_SIDES][TABLE_CELL_MAX], text[TABLE_AMOUNT_MAX];
    const struct table_column columns[] = { { "CHECK", false }, { "WHAT", false },
        { compare_title(p, 0, "ITSELF", titles[0]), true },
        { compare_title(p, 1, "ITSELF", titles[1]), true },
        { compare_title(p, 0, "FROM ALL", titles[2]), true },
        { compare_title(p, 1, "FROM ALL", titles[3]), true } };
    size_t count, alike = 0, hidden = 0;
    struct known *list = gather(p, &count);
    struct table t;

    table_init(&t, columns, COUNT_OF(columns));
    put_differences(&t, list, count, &alike, &hidden);
    if (t.cell_count > 0)
        text_add(p->out, SLICE("\nWhat they know differs by more than it spreads:\n\n"));
    table_write(&t, p->out);
    if (hidden > 0)
        text_say(p->out, "... and %s more\n", table_count(hidden, text));
    if (t.cell_count > 0)
        text_say(p->out, "All else they know (%s) is the same within its spread.\n",
            table_count(alike, text));
    else if (alike > 0)
        text_say(p->out, "\nAll they know (%s) is the same within its spread.\n",
            table_count(alike, text));
    else
        text_say(p->out, "\nNeither knows anything yet.\n");
    table_done(&t);
    mem_free(list);
}

static bool is_same(const json_t *const maps[COMPARE_SIDES], const char *hash)
{
    return slice_equal(json_get_text(maps[0], hash), json_get_text(maps[1], hash));
}

/* Whether it is worth comparing at all, and what the differences may come from. */
static void say_maps(const struct compare_page *p)
{
    const json_t *maps[COMPARE_SIDES];
    char clocks[COMPARE_SIDES][TABLE_CELL_MAX];
    size_t start = p->out->length;

    for (size_t side = 0; side < COMPARE_SIDES; side++) {
        maps[side] = json_object_get(p->maps[side], "map");
        if (!json_is_object(maps[side]))
            text_say(p->out, "%s has planned nothing yet. ", p->nodes[side]);
        else
            text_say(p->out, "%s: map %s of %s. ", p->nodes[side],
                table_text_of(maps[side], "hash"),
                table_clock(table_text_of(maps[side], "epoch"), table_text_of(p->maps[side], "now"),
                    clocks[side]));
    }
    text_say(p->out, "%s",
        is_same(maps, "hash") ? "They are the same."
        : is_same(maps, "shared") && json_get_text(maps[0], "shared").length > 0
            ? "They differ in what each plans by its own latencies alone."
            : "They differ.");
    table_end_line(p->out, start);
    if (json_is_object(maps[0]) && json_is_object(maps[1]) &&
        !slice_equal(json_get_text(maps[0], "epoch"), json_get_text(maps[1], "epoch")))
        text_say(p->out, "They are of different times: what differs may have come in between.\n");
}

static void say_release(const struct compare_page *p)
{
    size_t start = p->out->length;

    if (slice_equal(json_get_text(p->maps[0], "release"), json_get_text(p->maps[1], "release")))
        return;
    text_say(p->out, "They run different releases: %s has %s, %s has %s.", p->nodes[0],
        table_text_of(p->maps[0], "release"), p->nodes[1], table_text_of(p->maps[1], "release"));
    table_end_line(p->out, start);
}

static void say_left_out(const struct compare_page *p)
{
    uint64_t checks = json_get_number(p->maps[0], "checks_left_out");
    uint64_t sites = json_get_number(p->maps[0], "sites_left_out");
    char text[2][TABLE_AMOUNT_MAX];

    if (checks + sites > 0)
        text_say(p->out, "Not compared, since they are so many: %s more checks, %s more sites.\n",
            table_count(checks, text[0]), table_count(sites, text[1]));
}

bool table_same_epoch(struct slice one, struct slice other)
{
    json_t *maps[COMPARE_SIDES] = { json_read(one), json_read(other) };
    struct slice epochs[COMPARE_SIDES];

    for (size_t side = 0; side < COMPARE_SIDES; side++)
        epochs[side] = json_get_text(json_object_get(maps[side], "map"), "epoch");
    bool is_same = epochs[0].length > 0 && slice_equal(epochs[0], epochs[1]);

    for (size_t side = 0; side < COMPARE_SIDES; side++)
        json_decref(maps[side]);
    return is_same;
}

enum err table_compare(struct text *out, struct slice one, struct slice other, struct diag *why)
{
    const struct slice texts[COMPARE_SIDES] = { one, other };
    struct compare_page page = { .out = out };
    json_t *maps[COMPARE_SIDES];
    bool are_maps = true;

    for (size_t side = 0; side < COMPARE_SIDES; side++) {
        maps[side] = json_read(texts[side]);
        page.maps[side] = maps[side];
        page.nodes[side] = table_text_of(maps[side], "node");
        are_maps = are_maps && json_is_array(json_object_get(maps[side], "sites")) &&
                   json_is_array(json_object_get(maps[side], "facts"));
    }
    if (are_maps) {
        say_maps(&page);
        say_release(&page);
        compare_facts(&page);
        compare_sites(&page);
        say_left_out(&page);
    } else {
        diag_say(why, "the answers tell no maps; are they nodes of this version?");
    }
    for (size_t side = 0; side < COMPARE_SIDES; side++)
        json_decref(maps[side]);
    return are_maps ? ERR_NONE : ERR_PARSE;
}
