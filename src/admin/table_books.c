// SPDX-License-Identifier: Apache-2.0
#include "admin/table_books.h"

#include <inttypes.h>
#include <stdio.h>

#include "admin/json.h"
#include "admin/table_priv.h"
#include "wire/usage.h"

enum { BAR_CELLS = 16, BAR_TEXT_MAX = 3 * BAR_CELLS + 1, DATE_LENGTH = sizeof "2026-11-22" - 1 };

static int64_t number_of(const json_t *object, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(object, key));
}

const char *table_traffic(int64_t bytes, char text[TABLE_AMOUNT_MAX])
{
    static const char *const UNITS[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double amount = bytes < 0 ? -(double)bytes : (double)bytes;
    size_t unit = 0;

    // 999.5 would be shown as 1000 of the smaller unit
    for (; amount >= 999.5 && unit + 1 < COUNT_OF(UNITS); unit++)
        amount /= 1000;
    int digits = unit == 0 || amount >= 99.95 ? 0 : amount >= 9.995 ? 1 : 2;

    snprintf(
        text, TABLE_AMOUNT_MAX, "%s%.*f %s", bytes < 0 ? "-" : "", digits, amount, UNITS[unit]);
    return text;
}

/* 1,234,567, or of what was corrected too much -12. */
static const char *count_text(int64_t count, char text[TABLE_AMOUNT_MAX])
{
    if (count >= 0)
        return table_count((uint64_t)count, text);
    text[0] = '-';
    char digits[TABLE_AMOUNT_MAX];

    snprintf(text + 1, TABLE_AMOUNT_MAX - 1, "%s", table_count(0 - (uint64_t)count, digits));
    return text;
}

/* A thin line as long as its part of the whole, to half a cell. */
static const char *bar_text(int64_t part, int64_t whole, char text[BAR_TEXT_MAX])
{
    double share = whole <= 0 || part <= 0 ? 0 : (double)part / (double)whole;
    int halves = (int)(share * 2 * BAR_CELLS + 0.5), length = 0;

    if (halves > 2 * BAR_CELLS)
        halves = 2 * BAR_CELLS;
    text[0] = '\0';
    for (; halves >= 2; halves -= 2)
        length += snprintf(text + length, BAR_TEXT_MAX - (size_t)length, "━");
    if (halves == 1)
        snprintf(text + length, BAR_TEXT_MAX - (size_t)length, "╸");
    return text;
}

/* What the lines of an answer are by, and what they are measured by: bytes, or where there are
 * none requests, or answers of the DNS. */
struct lines {
    const char *by;
    const char *measure;
    int64_t whole;
};

static struct lines lines_of(const json_t *answer)
{
    static const char *const MEASURES[] = { "sent_bytes", "requests", "dns_answers" };
    const json_t *total = json_object_get(answer, "total");
    struct lines lines = { .by = table_text_of(answer, "by") };

    for (size_t i = 0; i < COUNT_OF(MEASURES) && lines.whole <= 0; i++) {
        lines.measure = MEASURES[i];
        lines.whole = number_of(total, MEASURES[i]);
    }
    return lines;
}

/* The day alone where a line is a day, the month where it is one. */
static void put_name(struct table *t, const json_t *row, const struct lines *lines)
{
    const char *at = table_text_of(row, "at");
    int length = DATE_LENGTH;

    if (json_get_text(row, "at").length > 0) {
        if (strcmp(lines->by, "month") == 0)
            length -= 3;
        else if (strcmp(lines->by, "hour") == 0)
            length += 6; // to its minutes
        table_cell(t, "%.*s", length, at);
    } else if (json_get_text(row, lines->by).length == 0) {
        table_cell(t, "(of no site)"); // what found no slot to be counted in
    } else {
        table_cell(t, "%s", table_text_of(row, lines->by));
    }
}

static void put_amounts(struct table *t, const json_t *row)
{
    int64_t requests = number_of(row, "requests"), redirected = number_of(row, "redirected");
    int64_t hits = number_of(row, "hit") + number_of(row, "stale");
    bool has_hits = requests > redirected && hits >= 0;
    char text[TABLE_AMOUNT_MAX];

    table_cell(t, "%s", count_text(requests, text));
    table_cell(t, "%s", table_traffic(number_of(row, "sent_bytes"), text));
    table_cell(t, "%s",
        table_share(
            has_hits ? (uint64_t)hits : 0, has_hits ? (uint64_t)(requests - redirected) : 0, text));
    table_cell(t, "%s", table_traffic(number_of(row, "filled_bytes"), text));
    table_cell(t, "%s", count_text(number_of(row, "dns_answers"), text));
}

static void put_row(struct table *t, const json_t *row, const struct lines *lines)
{
    int64_t part = number_of(row, lines->measure);
    char bar[BAR_TEXT_MAX], share[TABLE_AMOUNT_MAX];

    put_name(t, row, lines);
    put_amounts(t, row);
    table_cell(t, "%s",
        table_share(
            part > 0 ? (uint64_t)part : 0, lines->whole > 0 ? (uint64_t)lines->whole : 0, share));
    table_cell(t, "%s", bar_text(part, lines->whole, bar));
}

/* "Usage of acme, pop fra, 2026-11-01 to 2026-12-01". */
static void write_head(const json_t *answer, struct text *out)
{
    static const char *const KEYS[] = { "customer", "site", "pop" };
    static const char *const WORDS[] = { "", "", "pop " };
    const char *from = table_text_of(answer, "from"), *to = table_text_of(answer, "to");
    bool is_by_days = strstr(from, "T00:00:00Z") != NULL && strstr(to, "T00:00:00Z") != NULL;
    char clock[TABLE_CELL_MAX];
    size_t start = out->length;
    int shown = is_by_days ? DATE_LENGTH : TABLE_CELL_MAX;
    bool is_named = false;

    text_say(out, "Usage of ");
    for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
        if (json_get_text(answer, KEYS[i]).length == 0)
            continue;
        text_say(out, "%s%s%s", is_named ? ", " : "", WORDS[i], table_text_of(answer, KEYS[i]));
        is_named = true;
    }
    table_clock(table_text_of(answer, "now"), table_text_of(answer, "now"), clock);
    text_say(out, "%s, %.*s to %.*s (UTC), as it is settled on %s at %s",
        is_named ? "" : "all customers", shown, from, shown, to, table_text_of(answer, "node"),
        clock);
    table_end_line(out, start);
    text_add(out, SLICE("\n"));
}

static const char *title_of(const char *by)
{
    static const char *const WORDS[][2] = { { "hour", "HOUR" }, { "day", "DAY" },
        { "month", "MONTH" }, { "customer", "CUSTOMER" }, { "site", "SITE" }, { "pop", "POP" } };

    for (size_t i = 0; i < COUNT_OF(WORDS); i++)
        if (strcmp(by, WORDS[i][0]) == 0)
            return WORDS[i][1];
    return "";
}

/* What is not in the lines above, as far as the node that was asked knows of it. */
static void write_unsettled(const json_t *answer, struct text *out)
{
    const json_t *row;
    size_t i;

    json_array_foreach (json_object_get(answer, "unsettled"), i, row) {
        uint64_t entries = json_get_number(row, "entries");
        size_t start = out->length;

        if (entries == 0)
            continue;
        text_say(out, "%s has written down %" PRIu64 " entr%s more, not settled yet",
            table_text_of(row, "node"), entries, entries == 1 ? "y" : "ies");
        table_end_line(out, start);
    }
}

enum err table_usage(struct text *out, struct slice json, struct diag *why)
{
    json_t *answer = json_read(json);
    const json_t *list = json_object_get(answer, "usage"), *row;
    const struct lines lines = lines_of(answer);
    const struct table_column columns[] = { { title_of(lines.by), false }, { "REQUESTS", true },
        { "TRAFFIC", true }, { "HITS", true }, { "FROM ORIGINS", true }, { "DNS ANSWERS", true },
        { "SHARE", true }, { "", false } };
    struct table t;
    size_t i;

    if (!json_is_array(list)) {
        json_decref(answer);
        diag_say(why, "the answer is no usage; is it a node of this version?");
        return ERR_PARSE;
    }
    write_head(answer, out);
    table_init(&t, columns, COUNT_OF(columns));
    json_array_foreach (list, i, row)
        put_row(&t, row, &lines);
    if (json_array_size(list) > 1) {
        table_cell(&t, "all");
        put_amounts(&t, json_object_get(answer, "total"));
        table_cell(&t, "%s", "");
        table_cell(&t, "%s", "");
    }
    if (t.cell_count == 0)
        text_say(out, "nothing has been settled yet\n");
    table_write(&t, out);
    table_done(&t);
    if (json_get_number(answer, "more") > 0)
        text_say(out, "and %" PRIu64 " lines more: ask for a shorter time\n",
            json_get_number(answer, "more"));
    write_unsettled(answer, out);
    json_decref(answer);
    return ERR_NONE;
}

/* A field of CSV; names have nothing that is to be quoted, but what came may be anything. */
static void add_field(struct text *out, struct slice value)
{
    for (size_t i = 0; i < value.length; i++)
        if (value.at[i] != ',' && value.at[i] != '"' && (unsigned char)value.at[i] >= ' ')
            text_add(out, slice_of(&value.at[i], 1));
    text_add(out, SLICE(","));
}

enum err table_usage_csv(struct text *out, struct slice json, struct diag *why)
{
    static const char *const NAMES[] = { "at", "customer", "site", "pop" };
    json_t *answer = json_read(json);
    const json_t *list = json_object_get(answer, "usage"), *row;
    size_t i;

    if (!json_is_array(list)) {
        json_decref(answer);
        diag_say(why, "the answer is no usage; is it a node of this version?");
        return ERR_PARSE;
    }
    text_say(out, "at,customer,site,pop,requests");
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        text_say(out, ",%s", usage_kind_text((enum usage_kind)kind));
    text_add(out, SLICE("\r\n"));
    json_array_foreach (list, i, row) {
        // What was asked for holds for each line.
        for (size_t j = 0; j < COUNT_OF(NAMES); j++)
            add_field(out,
                json_get_text(json_object_get(row, NAMES[j]) != NULL ? row : answer, NAMES[j]));
        text_say(out, "%" PRId64, number_of(row, "requests"));
        for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
            text_say(out, ",%" PRId64, number_of(row, usage_kind_text((enum usage_kind)kind)));
        text_add(out, SLICE("\r\n"));
    }
    json_decref(answer);
    return ERR_NONE;
}

/* "EUR 149.67", of several currencies one after the other. */
static void put_totals(struct table *t, const json_t *totals)
{
    char text[TABLE_CELL_MAX * 2] = "";
    size_t length = 0, i;
    const json_t *total;

    json_array_foreach (totals, i, total)
        if (length < sizeof text - 1)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s %s",
                length == 0 ? "" : ", ", table_text_of(total, "currency"),
                table_text_of(total, "amount"));
    table_cell(t, "%s", text[0] == '\0' ? "-" : text);
}

static void put_invoice(struct table *t, const json_t *invoice)
{
    const json_t *plans = json_object_get(invoice, "plans");
    char text[TABLE_AMOUNT_MAX];
    size_t count = json_array_size(plans);
    const char *first = json_string_value(json_array_get(plans, 0));

    table_cell(t, "%s", table_text_of(invoice, "customer"));
    if (count > 1)
        table_cell(t, "%s and %zu more", first == NULL ? "-" : first, count - 1);
    else
        table_cell(t, "%s", first == NULL ? "-" : first);
    if (json_get_text(invoice, "error").length > 0)
        table_cell(t, "%s", table_text_of(invoice, "error"));
    else
        put_totals(t, json_object_get(invoice, "totals"));
    table_cell(t, "%s", table_count(json_get_number(invoice, "entries"), text));
}

enum err table_invoices(struct text *out, struct slice json, struct diag *why)
{
    static const struct table_column COLUMNS[] = { { "CUSTOMER", false }, { "PLAN", false },
        { "TOTAL", true }, { "ENTRIES", true } };
    json_t *answer = json_read(json);
    const json_t *list = json_object_get(answer, "invoices"), *invoice;
    size_t start = out->length, i;
    struct table t;

    if (!json_is_array(list)) {
        json_decref(answer);
        diag_say(why, "the answer is no list of invoices; is it a node of this version?");
        return ERR_PARSE;
    }
    text_say(out, "Invoices of %s (UTC), from the ledger on %s", table_text_of(answer, "month"),
        table_text_of(answer, "node"));
    table_end_line(out, start);
    text_add(out, SLICE("\n"));
    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    json_array_foreach (list, i, invoice)
        put_invoice(&t, invoice);
    if (t.cell_count == 0)
        text_say(out, "nobody had a plan or used anything in that month\n");
    table_write(&t, out);
    table_done(&t);
    if (json_get_number(answer, "more") > 0)
        text_say(out, "and %" PRIu64 " customers more\n", json_get_number(answer, "more"));
    json_decref(answer);
    return ERR_NONE;
}

enum err table_verified(struct text *out, struct slice json, struct diag *why)
{
    json_t *answer = json_read(json);
    size_t start = out->length;

    if (!json_is_boolean(json_object_get(answer, "verified"))) {
        json_decref(answer);
        diag_say(why, "the answer says nothing of an invoice; is it a node of this version?");
        return ERR_PARSE;
    }
    text_say(out, "the invoice of %s for %s ", table_text_of(answer, "customer"),
        table_text_of(answer, "month"));
    if (json_get_flag(answer, "verified"))
        text_say(out, "is what the ledger says, byte for byte");
    else
        text_say(out, "is not what the ledger says: %s", table_text_of(answer, "difference"));
    table_end_line(out, start);
    json_decref(answer);
    return ERR_NONE;
}

enum err table_correction(struct text *out, struct slice json, struct diag *why)
{
    json_t *answer = json_read(json);
    const json_t *c = json_object_get(answer, "correction");
    char count[TABLE_AMOUNT_MAX];
    size_t start = out->length;

    if (!json_is_object(c)) {
        json_decref(answer);
        diag_say(why, "the answer is no correction; is it a node of this version?");
        return ERR_PARSE;
    }
    text_say(out, "%s %s of %s at %s are taken back in %s (%s): entry %" PRIu64 " of %s",
        table_count(json_get_number(c, "taken_back"), count), table_text_of(c, "kind"),
        table_text_of(c, "site"), table_text_of(c, "pop"), table_text_of(c, "month"),
        table_text_of(c, "at"), json_get_number(c, "sequence"), table_text_of(c, "chain"));
    table_end_line(out, start);
    json_decref(answer);
    return ERR_NONE;
}
