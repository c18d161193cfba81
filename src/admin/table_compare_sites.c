// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/table_compare_priv.h"
#include "admin/view.h"
#include "base/mem.h"

enum { CHOICES_COMPARED = STEER_CHOICES_MAX };

/* Shares of clients that are sent on move a little in each epoch; up to this they are alike. */
static const double SHED_ALIKE = 0.05;

/* The sites of one side by name. */
struct site_list {
    const json_t **at;
    size_t count;
};

/* The two sides of one site. */
struct pair {
    const struct compare_page *page;
    const json_t *sites[COMPARE_SIDES];
};

/* In how many cells clients are led elsewhere. */
struct elsewhere {
    bool is_known; // else only whether there are any
    bool is_any;
    size_t cells, of;
};

static int by_name(const void *left, const void *right)
{
    return strcmp(table_text_of(*(const json_t *const *)left, "name"),
        table_text_of(*(const json_t *const *)right, "name"));
}

static struct site_list list_sites(const json_t *map)
{
    const json_t *sites = json_object_get(map, "sites"), *site;
    struct site_list list = { .at = mem_array(json_array_size(sites) + 1, sizeof *list.at) };
    size_t i;

    json_array_foreach (sites, i, site) {
        list.at[list.count++] = site;
    }
    if (list.count > 0)
        qsort(list.at, list.count, sizeof *list.at, by_name);
    return list;
}

static bool is_down(const json_t *site, struct slice target)
{
    const json_t *down = json_object_get(site, "down"), *name;
    size_t i;

    json_array_foreach (down, i, name) {
        if (json_is_string(name) && slice_equal(slice_text(json_string_value(name)), target))
            return true;
    }
    return false;
}

/* Each target that one side takes for down is down for the other. */
static bool is_down_in_both(const json_t *one, const json_t *other)
{
    const json_t *down = json_object_get(one, "down"), *name;
    size_t i;

    json_array_foreach (down, i, name) {
        if (json_is_string(name) && !is_down(other, slice_text(json_string_value(name))))
            return false;
    }
    return true;
}

/* NULL when the target is none of its choices. */
static const json_t *choice_of(const json_t *site, struct slice target)
{
    const json_t *choices = json_object_get(site, "choices");

    for (size_t i = 0; i < json_array_size(choices) && i < CHOICES_COMPARED; i++)
        if (slice_equal(json_get_text(json_array_get(choices, i), "target"), target))
            return json_array_get(choices, i);
    return NULL;
}

static size_t choice_count(const json_t *site)
{
    size_t count = json_array_size(json_object_get(site, "choices"));

    return count < CHOICES_COMPARED ? count : CHOICES_COMPARED;
}

static const json_t *choice_at(const json_t *site, size_t at)
{
    return json_array_get(json_object_get(site, "choices"), at);
}

/* Clients of whom nothing is known are led alike: a band in any order, the others in the same. */
static bool is_choice_alike(const struct pair *p)
{
    const json_t *one = p->sites[0], *other = p->sites[1];

    if (choice_count(one) != choice_count(other))
        return false;
    for (size_t i = 0; i < choice_count(one); i++) {
        const json_t *choice = choice_at(one, i);
        struct slice target = json_get_text(choice, "target");
        const json_t *same = choice_of(other, target);
        bool is_in_band = json_get_flag(choice, "is_in_band");

        if (same == NULL || json_get_flag(same, "is_in_band") != is_in_band ||
            fabs(json_get_real(same, "shed_share") - json_get_real(choice, "shed_share")) >
                SHED_ALIKE ||
            (!is_in_band && same != choice_at(other, i)))
            return false;
    }
    return true;
}

static const json_t *class_of(const struct pair *p, size_t side)
{
    return json_array_get(
        json_object_get(p->page->maps[side], "classes"), json_get_number(p->sites[side], "class"));
}

/* The hash of a cell; of a class that is planned for one cell alone, of that. */
static struct slice cell_of(struct slice cells, size_t at)
{
    size_t from = cells.length == MAP_HASH_DIGITS ? 0 : at * MAP_HASH_DIGITS;

    return slice_head(slice_from(cells, from), MAP_HASH_DIGITS);
}

static struct elsewhere cells_elsewhere(const struct pair *p)
{
    const json_t *one = class_of(p, 0), *other = class_of(p, 1);
    struct slice a = json_get_text(one, "cells"), b = json_get_text(other, "cells");
    struct slice longer = a.length > b.length ? a : b;
    bool is_geo_same =
        slice_equal(json_get_text(p->page->maps[0], "geo"), json_get_text(p->page->maps[1], "geo"));
    struct elsewhere e = { .of = longer.length / MAP_HASH_DIGITS };

    e.is_known =
        a.length > 0 && b.length > 0 &&
        (a.length == b.length || a.length == MAP_HASH_DIGITS || b.length == MAP_HASH_DIGITS) &&
        (is_geo_same || e.of <= 1);
    e.is_any = !slice_equal(json_get_text(one, "hash"), json_get_text(other, "hash"));
    if (!e.is_known)
        return e;
    for (size_t i = 0; i < e.of; i++)
        e.cells += !slice_equal(cell_of(a, i), cell_of(b, i));
    e.is_any = e.cells > 0;
    return e;
}

/* "ams or fra, then nyc (down)"; of more than three, how many. */
static void put_choices(struct table *t, const json_t *site)
{
    enum { NAMES_SHOWN = 3 };
    const size_t count = json_array_size(json_object_get(site, "choices"));
    char amount[TABLE_AMOUNT_MAX];
    struct text text;

    text_init(&text, 16 << 10);
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
        const json_t *choice = choice_at(site, i);
        double shed = json_get_real(choice, "shed_share");
        bool is_in_band = json_get_flag(choice, "is_in_band");

        if (i > 0)
            text_say(&text, "%s", is_in_band ? " or " : ", then ");
        text_say(&text, "%s%s", table_text_of(choice, "target"),
            is_down(site, json_get_text(choice, "target")) ? " (down)" : "");
        if (shed >= 0.01)
            text_say(&text, " (sends on %s)", table_percent(shed, amount));
    }
    if (count > NAMES_SHOWN)
        text_say(&text, ", ...");
    table_cell(t, "%s", text.at == NULL ? "-" : text.at);
    text_done(&text);
}

/* Adds a row when the two sides lead clients elsewhere; false when they do not. */
static bool compare_pair(const struct pair *p, struct table *t, bool has_room)
{
    struct elsewhere e = cells_elsewhere(p);
    bool is_health_same =
        is_down_in_both(p->sites[0], p->sites[1]) && is_down_in_both(p->sites[1], p->sites[0]);

    if (is_health_same && !e.is_any && is_choice_alike(p))
        return false;
    if (!has_room)
        return true;
    table_cell(t, "%s", table_text_of(p->sites[0], "name"));
    for (size_t side = 0; side < COMPARE_SIDES; side++)
        put_choices(t, p->sites[side]);
    if (!is_health_same)
        table_cell(t, "all, by health");
    else if (e.is_known)
        table_cell(t, "%zu of %zu", e.cells, e.of);
    else
        table_cell(t, "%s", e.is_any ? "some" : "-");
    return true;
}

/* What became of the sites compared. */
struct tally {
    size_t alike, other, missing[COMPARE_SIDES];
};

static struct tally compare_lists(
    const struct compare_page *p, const struct site_list lists[COMPARE_SIDES], struct table *t)
{
    size_t at[COMPARE_SIDES] = { 0, 0 };
    struct tally tally = { 0 };

    while (at[0] < lists[0].count && at[1] < lists[1].count) {
        const struct pair pair = { p, { lists[0].at[at[0]], lists[1].at[at[1]] } };
        int order = by_name(&pair.sites[0], &pair.sites[1]);

        if (order == 0 && compare_pair(&pair, t, tally.other < COMPARE_ROWS_SHOWN))
            tally.other++;
        else if (order == 0)
            tally.alike++;
        else
            tally.missing[order < 0 ? 1 : 0]++;
        at[0] += order <= 0;
        at[1] += order >= 0;
    }
    tally.missing[1] += lists[0].count - at[0];
    tally.missing[0] += lists[1].count - at[1];
    return tally;
}

static bool is_hash_other(const struct compare_page *p)
{
    struct slice hashes[COMPARE_SIDES];

    for (size_t side = 0; side < COMPARE_SIDES; side++)
        hashes[side] = json_get_text(json_object_get(p->maps[side], "map"), "hash");
    return hashes[0].length > 0 && hashes[1].length > 0 && !slice_equal(hashes[0], hashes[1]);
}

static void say_tally(const struct compare_page *p, const struct tally *tally)
{
    char text[TABLE_AMOUNT_MAX];

    if (tally->other > COMPARE_ROWS_SHOWN)
        text_say(p->out, "... and %s more sites\n",
            table_count(tally->other - COMPARE_ROWS_SHOWN, text));
    if (tally->other == 0)
        text_add(p->out, SLICE("\nNothing follows: "));
    if (tally->other == 0 || tally->alike > 0)
        text_say(p->out, "%s%s site%s lead%s every client alike.\n",
            table_count(tally->alike, text), tally->other > 0 ? " more" : "",
            tally->alike == 1 ? "" : "s", tally->alike == 1 ? "s" : "");
    if (tally->other == 0 && is_hash_other(p))
        text_say(p->out, "The maps differ in what counts for nothing here: the order of equals, "
                         "and shares sent on that differ by less than 5 in 100.\n");
    for (size_t side = 0; side < COMPARE_SIDES; side++) {
        size_t start = p->out->length;

        if (tally->missing[side] == 0)
            continue;
        text_say(p->out, "%s does not have %s site%s of the other.", p->nodes[side],
            table_count(tally->missing[side], text), tally->missing[side] == 1 ? "" : "s");
        table_end_line(p->out, start);
    }
}

void compare_sites(const struct compare_page *p)
{
    char titles[COMPARE_SIDES][TABLE_CELL_MAX];
    const struct table_column columns[] = { { "SITE", false },
        { compare_title(p, 0, "LEADS TO", titles[0]), false },
        { compare_title(p, 1, "LEADS TO", titles[1]), false }, { "CELLS", true } };
    struct site_list lists[COMPARE_SIDES];
    struct table t;

    for (size_t side = 0; side < COMPARE_SIDES; side++)
        lists[side] = list_sites(p->maps[side]);
    table_init(&t, columns, COUNT_OF(columns));
    const struct tally tally = compare_lists(p, lists, &t);

    if (t.cell_count > 0)
        text_add(p->out,
            SLICE("\nWhat follows, where nothing is known of the client and in how many cells of "
                  "clients:\n\n"));
    table_write(&t, p->out);
    say_tally(p, &tally);
    table_done(&t);
    for (size_t side = 0; side < COMPARE_SIDES; side++)
        mem_free(lists[side].at);
}
