// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>

#include "admin/json.h"
#include "admin/table_priv.h"

enum { THING_ROOM = 16 * 1024 };

/* What the order is of: "static.acme.test/logo.png", "tag spring of static.acme.test", "fra". */
static void say_thing(const json_t *order, struct text *out)
{
    static const char *const NAMES[] = { "pop", "node", "origin" };
    const char *site = table_text_of(order, "site");

    if (json_get_text(order, "path").length > 0) {
        text_say(out, "%s%s", site, table_text_of(order, "path"));
    } else if (json_get_text(order, "prefix").length > 0) {
        text_say(out, "%s%s*", site, table_text_of(order, "prefix"));
    } else if (json_get_text(order, "tag").length > 0) {
        text_say(out, "%s of %s", table_text_of(order, "tag"), site);
    } else {
        for (size_t i = 0; i < COUNT_OF(NAMES); i++)
            if (json_get_text(order, NAMES[i]).length > 0)
                site = table_text_of(order, NAMES[i]);
        text_say(out, "%s", site);
    }
}

/* "soft purge url static.acme.test/logo.png", "drain pop fra". */
static void say_order(const json_t *order, struct text *out)
{
    text_say(
        out, "%s%s ", json_get_flag(order, "soft") ? "soft " : "", table_text_of(order, "kind"));
    say_thing(order, out);
}

/* How far all nodes are: "3 of 3", "1 of 3, not yet nyc1, sin1". */
static void put_count(struct table *t, const json_t *order)
{
    const json_t *missing = json_object_get(order, "missing"), *name;
    struct text text;
    size_t i;

    text_init(&text, 4 * TABLE_CELL_MAX);
    text_say(&text, "%" PRIu64 " of %" PRIu64, json_get_number(order, "applied"),
        json_get_number(order, "nodes"));
    json_array_foreach (missing, i, name)
        if (json_is_string(name))
            text_say(&text, "%s%s", i == 0 ? ", not yet " : ", ", json_string_value(name));
    table_cell(t, "%s", text.at == NULL ? "" : text.at);
    text_done(&text);
}

static void put_order(struct table *t, const json_t *order, const char *now)
{
    char clock[TABLE_CELL_MAX];
    struct text text;

    text_init(&text, THING_ROOM);
    table_cell(t, "%" PRIu64, json_get_number(order, "number"));
    table_cell(t, "%s", table_clock(table_text_of(order, "given_at"), now, clock));
    table_cell(t, "%s", table_text_of(order, "by"));
    say_order(order, &text);
    table_cell(t, "%s", text.at == NULL ? "" : text.at);
    put_count(t, order);
    text_done(&text);
}

/* Why there may be more orders than are told, or fewer receipts. */
static void write_state(const json_t *answer, struct text *out)
{
    const char *node = table_text_of(answer, "node");
    size_t start = out->length;

    if (json_get_flag(answer, "behind")) {
        text_say(out,
            "%s is behind the log of orders: there may be newer ones. What it stored before is "
            "asked about at the origin before it is used.",
            node);
        table_end_line(out, start);
    }
    start = out->length;
    if (json_get_flag(answer, "unwritten")) {
        text_say(out,
            "%s cannot write orders to its disk: it obeys them, and gives no receipts until it "
            "can; look at its log.",
            node);
        table_end_line(out, start);
    }
}

enum err table_orders(struct text *out, struct slice json, struct diag *why)
{
    static const struct table_column COLUMNS[] = { { "NUMBER", true }, { "GIVEN", false },
        { "BY", false }, { "ORDER", false }, { "NODES", false } };
    json_t *answer = json_read(json);
    const json_t *list = json_object_get(answer, "orders"), *order;
    struct table t;
    size_t i;

    if (!json_is_array(list)) {
        json_decref(answer);
        diag_say(why, "the answer is no list of orders; is it a node of this version?");
        return ERR_PARSE;
    }
    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    json_array_foreach (list, i, order)
        put_order(&t, order, table_text_of(answer, "now"));
    if (t.cell_count == 0)
        text_say(out, "no order has been given yet\n");
    table_write(&t, out);
    table_done(&t);
    write_state(answer, out);
    json_decref(answer);
    return ERR_NONE;
}

static void put_receipt(struct table *t, const json_t *receipt, const char *now)
{
    char text[TABLE_CELL_MAX];
    uint64_t ms = json_get_number(receipt, "applied_after_ms");

    table_cell(t, "%s", table_text_of(receipt, "node"));
    table_cell(t, "%s", table_text_of(receipt, "pop"));
    if (json_get_flag(receipt, "applied") && ms < 10000)
        table_cell(t, "after %" PRIu64 " ms", ms);
    else if (json_get_flag(receipt, "applied"))
        table_cell(t, "after %s", table_duration(ms / 1000, text));
    else if (json_get_flag(receipt, "present"))
        table_cell(t, "not yet");
    else if (json_get_text(receipt, "heard_at").length == 0)
        table_cell(t, "not heard yet: applies it when it comes");
    else
        table_cell(t, "not heard since %s: applies it when back",
            table_clock(table_text_of(receipt, "heard_at"), now, text));
}

enum err table_order(struct text *out, struct slice json, struct diag *why)
{
    static const struct table_column COLUMNS[] = { { "NODE", false }, { "POP", false },
        { "RECEIPT", false } };
    json_t *answer = json_read(json);
    const json_t *order = json_object_get(answer, "order"), *receipt;
    const char *now = table_text_of(answer, "now");
    char clock[TABLE_CELL_MAX];
    size_t start = out->length, i;
    struct table t;

    if (!json_is_object(order)) {
        json_decref(answer);
        diag_say(why, "the answer is no order; is it a node of this version?");
        return ERR_PARSE;
    }
    text_say(out, "order %" PRIu64 ": ", json_get_number(order, "number"));
    say_order(order, out);
    text_say(out, ", given at %s by %s", table_clock(table_text_of(order, "given_at"), now, clock),
        table_text_of(order, "by"));
    table_end_line(out, start);
    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    json_array_foreach (json_object_get(answer, "receipts"), i, receipt)
        put_receipt(&t, receipt, now);
    table_write(&t, out);
    table_done(&t);
    write_state(answer, out);
    json_decref(answer);
    return ERR_NONE;
}

void table_drains(const json_t *status, struct text *out)
{
    static const struct table_column COLUMNS[] = { { "DRAINED", false }, { "SINCE", false },
        { "BY", false }, { "ORDER", true }, { "", false } };
    const json_t *drain;
    struct table t;
    size_t i;

    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    json_array_foreach (json_object_get(status, "drains"), i, drain) {
        char clock[TABLE_CELL_MAX];

        table_cell(&t, "%s %s", table_text_of(drain, "what"), table_text_of(drain, "name"));
        table_cell(&t, "%s",
            table_clock(table_text_of(drain, "since"), table_text_of(status, "now"), clock));
        table_cell(&t, "%s", table_text_of(drain, "by"));
        table_cell(&t, "%" PRIu64, json_get_number(drain, "order"));
        table_cell(&t, "%s", json_get_flag(drain, "in_release") ? "" : "not in this release");
    }
    if (t.cell_count > 0)
        text_add(out, SLICE("\n"));
    table_write(&t, out);
    table_done(&t);
}
