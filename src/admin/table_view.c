// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/table_priv.h"
#include "base/mem.h"

enum {
    OBSERVERS_SHOWN = 8, // columns; with the name of the check fewer than TABLE_COLUMNS_MAX
    CHECKS_SHOWN = 40,   // rows of each table
    KINDS_SHOWN = 5,     // the first of those known
};

static_assert(OBSERVERS_SHOWN < (int)TABLE_COLUMNS_MAX, "a column for the check");

const char *table_kind(const char *kind, size_t *order)
{
    static const struct {
        const char *kind, *title;
    } KINDS[] = {
        { "latency", "LATENCY" },
        { "excess", "RESPONSE ABOVE IDLE" },
        { "errors", "ERRORS" },
        { "load", "LOAD" },
        { "health", "VERDICT" },
        { "response", "RESPONSE" },
        { "cpu", "CPU" },
        { "memory", "MEMORY" },
        { "rate", "RATE" },
        { "in_flight", "IN FLIGHT" },
    };

    for (*order = 0; *order < COUNT_OF(KINDS); (*order)++)
        if (strcmp(kind, KINDS[*order].kind) == 0)
            return KINDS[*order].title;
    return kind;
}

const char *table_amount(const char *unit, double value, char text[TABLE_AMOUNT_MAX])
{
    if (strcmp(unit, "us") == 0)
        return table_ms(value / 1000, text);
    if (strcmp(unit, "share") == 0)
        return table_percent(value, text);
    if (strcmp(unit, "up") == 0)
        snprintf(text, TABLE_AMOUNT_MAX, "%s", value >= 0.5 ? "up" : "down");
    else
        snprintf(text, TABLE_AMOUNT_MAX, "%.1f%s", value, strcmp(unit, "per_s") == 0 ? "/s" : "");
    return text;
}

/* A report with its place on the page. */
struct placed {
    const json_t *report;
    const char *title, *check, *id;
    size_t kind;     // in the order of tables
    size_t observer; // by column
};

/* One page while it is made. */
struct view_page {
    const json_t *observers;
    struct table_column columns[OBSERVERS_SHOWN + 1];
    size_t column_count;
    struct placed *list;
    size_t count;
    struct text *out;
};

static int by_place(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int names = strcmp(a->check, b->check);

    if (names != 0)
        return names;
    int ids = strcmp(a->id, b->id);

    if (ids != 0)
        return ids;
    return (a->observer > b->observer) - (a->observer < b->observer);
}

static bool is_same_check(const struct placed *a, const struct placed *b)
{
    return strcmp(a->check, b->check) == 0 && strcmp(a->id, b->id) == 0;
}

/* Its column; OBSERVERS_SHOWN when it has none. */
static size_t column_of(const struct view_page *p, const json_t *report)
{
    struct slice observer = json_get_text(report, "observer");
    size_t at = 0;

    while (at < OBSERVERS_SHOWN &&
           !(at < json_array_size(p->observers) &&
               slice_equal(json_get_text(json_array_get(p->observers, at), "name"), observer)))
        at++;
    return at;
}

/* Takes those of a page of reports that are shown. */
static void place_page(struct view_page *p, const json_t *reports)
{
    const json_t *report;
    size_t i;

    p->list = mem_resize(p->list, (p->count + json_array_size(reports) + 1) * sizeof *p->list);
    json_array_foreach (reports, i, report) {
        struct placed *placed = &p->list[p->count];

        *placed = (struct placed){ .report = report,
            .check = table_text_of(report, "check"),
            .id = table_text_of(report, "check_id"),
            .observer = column_of(p, report) };
        placed->title = table_kind(table_text_of(report, "kind"), &placed->kind);
        if (placed->kind < KINDS_SHOWN && placed->observer < OBSERVERS_SHOWN)
            p->count++;
    }
}

static void put_report(struct table *t, const json_t *report)
{
    char amount[TABLE_AMOUNT_MAX], old[TABLE_AMOUNT_MAX];

    table_cell(t, "%s%s",
        table_amount(table_text_of(report, "unit"), json_get_real(report, "value"), amount),
        table_old(json_get_real(report, "age_s"), old));
}

/* A row of one check, whose reports begin at `at`; returns where the next one's do. */
static size_t put_check(const struct view_page *p, struct table *t, size_t at)
{
    const struct placed *first = &p->list[at];

    table_cell(t, "%s", first->check);
    for (size_t column = 0; column + 1 < p->column_count; column++) {
        bool is_here = at < p->count && p->list[at].kind == first->kind &&
                       is_same_check(&p->list[at], first) && p->list[at].observer == column;

        if (is_here)
            put_report(t, p->list[at].report);
        else
            table_cell(t, "-");
        // One observer has one report of a kind; a second, of whoever wrote it, is passed over.
        while (is_here && at < p->count && p->list[at].kind == first->kind &&
               is_same_check(&p->list[at], first) && p->list[at].observer == column)
            at++;
    }
    return at;
}

/* The table of one kind, whose reports begin at `at`; returns where the next one's do. */
static size_t write_kind(struct view_page *p, size_t at)
{
    const size_t kind = p->list[at].kind;
    size_t rows = 0;
    struct table t;

    p->columns[0] = (struct table_column){ .title = p->list[at].title };
    table_init(&t, p->columns, p->column_count);
    while (at < p->count && p->list[at].kind == kind && rows < CHECKS_SHOWN) {
        at = put_check(p, &t, at);
        rows++;
    }
    text_add(p->out, SLICE("\n"));
    table_write(&t, p->out);
    table_done(&t);
    for (rows = 0; at < p->count && p->list[at].kind == kind; at++)
        rows += !is_same_check(&p->list[at], &p->list[at - 1]);
    if (rows > 0)
        text_say(p->out, "... and %zu more checks\n", rows);
    return at;
}

/* Names of observers that a terminal may show, as titles. */
static void choose_columns(struct view_page *p, char titles[][TABLE_CELL_MAX])
{
    const json_t *observer;
    size_t i;

    p->column_count = 1;
    json_array_foreach (p->observers, i, observer) {
        if (i == OBSERVERS_SHOWN)
            break;
        snprintf(titles[i], TABLE_CELL_MAX, "%.48s%s", table_text_of(observer, "name"),
            json_get_flag(observer, "is_self") ? " (itself)" : "");
        for (char *c = titles[i]; *c != '\0'; c++)
            if (ascii_is_control(*c))
                *c = '?';
        p->columns[p->column_count++] = (struct table_column){ titles[i], true };
    }
}

static void say_what_is_held(const json_t *view, const json_t *observers, struct text *out)
{
    const uint64_t held = json_get_number(view, "reports_held");
    const size_t start = out->length, count = json_array_size(observers);
    char text[TABLE_AMOUNT_MAX];

    if (held == 0)
        text_say(out, "%s holds no report yet", table_text_of(view, "node"));
    else
        text_say(out, "%s holds %s report%s of %zu observer%s at %s", table_text_of(view, "node"),
            table_count(held, text), held == 1 ? "" : "s", count, count == 1 ? "" : "s",
            table_text_of(view, "now"));
    table_end_line(out, start);
}

static void say_rest(const json_t *view, const json_t *observers, struct text *out)
{
    const size_t count = json_array_size(observers);
    uint64_t more = json_get_number(view, "reports_after");
    char text[TABLE_AMOUNT_MAX];

    if (count > OBSERVERS_SHOWN || more > 0)
        text_add(out, SLICE("\n"));
    if (count > OBSERVERS_SHOWN)
        text_say(out, "... and %zu more observers, told by --json\n", count - OBSERVERS_SHOWN);
    if (more > 0)
        text_say(out, "... and %s more reports, told page by page by /api/v1/view\n",
            table_count(more, text));
}

bool table_next_page(struct slice page, char after[TABLE_CELL_MAX])
{
    json_t *view = json_read(page);
    struct slice place = json_get_text(view, "after");

    snprintf(after, TABLE_CELL_MAX, "%.*s", SLICE_ARG(place));
    json_decref(view);
    return after[0] != '\0';
}

/* Of pages that are a view's: observers as the first tells them, reports of all. */
static void write_pages(json_t *const *pages, size_t count, struct text *out)
{
    struct view_page page = { .observers = json_object_get(pages[0], "observers"), .out = out };
    char titles[OBSERVERS_SHOWN][TABLE_CELL_MAX];

    say_what_is_held(pages[0], page.observers, out);
    choose_columns(&page, titles);
    for (size_t i = 0; i < count; i++)
        place_page(&page, json_object_get(pages[i], "reports"));
    if (page.count > 0)
        qsort(page.list, page.count, sizeof *page.list, by_place);
    for (size_t at = 0; at < page.count;)
        at = write_kind(&page, at);
    say_rest(pages[count - 1], page.observers, out);
    mem_free(page.list);
}

enum err table_view(struct text *out, const struct slice *pages, size_t count, struct diag *why)
{
    json_t *views[TABLE_PAGES_MAX];
    bool are_views = true;

    assert(count > 0 && count <= TABLE_PAGES_MAX);
    for (size_t i = 0; i < count; i++) {
        views[i] = json_read(pages[i]);
        are_views = are_views && json_is_array(json_object_get(views[i], "reports")) &&
                    json_is_array(json_object_get(views[i], "observers"));
    }
    if (are_views)
        write_pages(views, count, out);
    else
        diag_say(why, "the answer tells no view; is it a node of this version?");
    for (size_t i = 0; i < count; i++)
        json_decref(views[i]);
    return are_views ? ERR_NONE : ERR_PARSE;
}
