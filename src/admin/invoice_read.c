// SPDX-License-Identifier: Apache-2.0
#include "admin/invoice.h"
#include "admin/json.h"
#include "base/mem.h"
#include "conf/currency.h"
#include "conf/units.h"

enum { DIGITS_MAX = 8 };

/* An invoice on its way, and what is being read of it. */
struct reader {
    struct invoice *invoice;
    struct diag *why;
    const char *list; // "lines"; NULL: the top
    size_t at;        // of it, from 0
};

static enum err wrong(const struct reader *r, const char *member, const char *expected)
{
    if (r->list == NULL)
        diag_say(r->why, "not an invoice: expected \"%s\" to be %s", member, expected);
    else
        diag_say(r->why, "not an invoice: expected \"%s\" of %s %zu to be %s", member, r->list,
            r->at + 1, expected);
    return ERR_PARSE;
}

/* Clean text, kept; what a terminal would obey is none. */
static enum err take_text(
    const struct reader *r, const json_t *object, const char *member, struct slice *text)
{
    const json_t *value = json_object_get(object, member);
    struct slice found = json_get_text(object, member);

    if (!json_is_string(value))
        return wrong(r, member, "text");
    for (size_t i = 0; i < found.length; i++)
        if ((unsigned char)found.at[i] < ' ' || (unsigned char)found.at[i] >= 0x7f)
            return wrong(r, member, "plain text");
    *text = found.length == 0 ? SLICE_NONE : arena_copy(&r->invoice->arena, found);
    return ERR_NONE;
}

/* A name of ours, or nothing. */
static enum err take_name(
    const struct reader *r, const json_t *object, const char *member, struct slice *name)
{
    TRY(take_text(r, object, member, name));
    return name->length == 0 || units_is_name(*name) ? ERR_NONE : wrong(r, member, "a name");
}

static enum err take_number(
    const struct reader *r, const json_t *object, const char *member, int64_t *number)
{
    const json_t *value = json_object_get(object, member);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return wrong(r, member, "a whole number");
    *number = json_integer_value(value);
    return ERR_NONE;
}

/* An amount with so many decimals at most. */
static enum err take_money(const struct reader *r, const json_t *object, const char *member,
    int digits, int64_t *microcents)
{
    int64_t unit = 1;

    for (int i = digits; i < DIGITS_MAX; i++)
        unit *= 10;
    if (units_money(json_get_text(object, member), microcents) != ERR_NONE ||
        *microcents % unit != 0)
        return wrong(r, member, "an amount of the currency");
    return ERR_NONE;
}

static enum err take_hash(
    const struct reader *r, const json_t *object, unsigned char hash[INVOICE_HASH_SIZE])
{
    struct slice text = json_get_text(object, "sha256");

    if (text.length != (size_t)2 * INVOICE_HASH_SIZE)
        return wrong(r, "sha256", "64 hexadecimal digits");
    for (size_t i = 0; i < INVOICE_HASH_SIZE; i++) {
        int high = ascii_hex(text.at[2 * i]), low = ascii_hex(text.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return wrong(r, "sha256", "64 hexadecimal digits");
        hash[i] = (unsigned char)(high << 4 | low);
    }
    return ERR_NONE;
}

/* The list's length, of at most so many. */
static enum err take_list(
    struct reader *r, const json_t *json, const char *name, size_t most, size_t *count)
{
    const json_t *list = json_object_get(json, name);

    r->list = NULL;
    if (!json_is_array(list) || json_array_size(list) > most)
        return wrong(r, name, "a list of no unusual length");
    *count = json_array_size(list);
    r->list = name;
    r->at = 0;
    return ERR_NONE;
}

static enum err take_totals(struct reader *r, const json_t *json)
{
    struct price_bill *bill = &r->invoice->bill;
    struct price_total *totals;

    TRY(take_list(r, json, "totals", PRICE_TERMS_MAX + 1, &bill->total_count));
    totals = arena_array(&r->invoice->arena, bill->total_count, sizeof *totals);
    bill->totals = totals;
    for (; r->at < bill->total_count; r->at++) {
        const json_t *total = json_array_get(json_object_get(json, "totals"), r->at);

        TRY(take_name(r, total, "currency", &totals[r->at].currency));
        int digits = currency_digits(totals[r->at].currency);

        if (digits < 0)
            return wrong(r, "currency", "one that is known");
        TRY(take_money(r, total, "amount", digits, &totals[r->at].amount_microcents));
    }
    return ERR_NONE;
}

static enum err take_plan(
    struct reader *r, const json_t *plan, struct price_part *part, struct invoice_plan *hash)
{
    const json_t *text = json_object_get(plan, "text");

    TRY(take_name(r, plan, "plan", &part->plan));
    TRY(take_name(r, plan, "currency", &part->currency));
    TRY(take_number(r, plan, "from_ms", &part->begin.ms));
    TRY(take_number(r, plan, "held_ms", &part->held_ms));
    if (!json_is_string(text))
        return wrong(r, "text", "text");
    part->text = arena_copy(&r->invoice->arena, json_get_text(plan, "text"));
    return take_hash(r, plan, hash->hash);
}

static enum err take_plans(struct reader *r, const json_t *json)
{
    struct price_bill *bill = &r->invoice->bill;

    TRY(take_list(r, json, "plans", PRICE_TERMS_MAX + 1, &bill->part_count));
    struct price_part *parts = arena_array(&r->invoice->arena, bill->part_count, sizeof *parts);
    struct invoice_plan *hashes = arena_array(&r->invoice->arena, bill->part_count, sizeof *hashes);

    bill->parts = parts;
    r->invoice->plans = hashes;
    for (; r->at < bill->part_count; r->at++)
        TRY(take_plan(r, json_array_get(json_object_get(json, "plans"), r->at), &parts[r->at],
            &hashes[r->at]));
    return ERR_NONE;
}

static enum err take_kind(const struct reader *r, const json_t *row, enum price_kind *kind)
{
    struct slice text = json_get_text(row, "line");

    for (*kind = 0; *kind < PRICE_KIND_COUNT; ++*kind)
        if (slice_equal(text, slice_text(price_kind_text(*kind))))
            break;
    if (*kind == PRICE_KIND_COUNT)
        return wrong(r, "line", "a kind of line that is known");
    if (!slice_equal(json_get_text(row, "unit"), slice_text(invoice_unit(*kind))))
        return wrong(r, "unit", "that of the line");
    if (!slice_equal(json_get_text(row, "per"), slice_text(invoice_per(*kind))))
        return wrong(r, "per", "that of the line");
    return ERR_NONE;
}

static enum err take_line(struct reader *r, const json_t *row, struct price_line *line)
{
    const struct price_bill *bill = &r->invoice->bill;
    int64_t number = 0;

    TRY(take_number(r, row, "plan", &number));
    if ((size_t)number >= bill->part_count)
        return wrong(r, "plan", "the position of a plan");
    line->part = (unsigned)number;
    TRY(take_kind(r, row, &line->kind));
    if (json_object_get(row, "group") != NULL)
        TRY(take_name(r, row, "group", &line->group));
    if (json_object_get(row, "tier") != NULL) {
        TRY(take_number(r, row, "tier", &number));
        if (number > PLAN_TIERS_MAX)
            return wrong(r, "tier", "one that a plan can have");
        line->tier = (unsigned)number;
    }
    TRY(take_number(r, row, "quantity", &line->quantity));
    TRY(take_money(r, row, "price", DIGITS_MAX, &line->price_microcents));
    return take_money(
        r, row, "amount", invoice_digits(&bill->parts[line->part]), &line->amount_microcents);
}

static enum err take_lines(struct reader *r, const json_t *json)
{
    struct price_bill *bill = &r->invoice->bill;

    TRY(take_list(r, json, "lines", INVOICE_LINES_MAX, &bill->line_count));
    struct price_line *lines = arena_array(&r->invoice->arena, bill->line_count, sizeof *lines);

    bill->lines = lines;
    for (; r->at < bill->line_count; r->at++)
        TRY(take_line(r, json_array_get(json_object_get(json, "lines"), r->at), &lines[r->at]));
    return ERR_NONE;
}

static enum err take_chain(struct reader *r, const json_t *row, struct invoice_chain *chain)
{
    int64_t first = 0, last = 0, count = 0;

    TRY(take_text(r, row, "node", &chain->node));
    TRY(take_number(r, row, "first", &first));
    TRY(take_number(r, row, "last", &last));
    TRY(take_number(r, row, "count", &count));
    chain->first = (uint64_t)first;
    chain->last = (uint64_t)last;
    chain->count = (uint64_t)count;
    return take_hash(r, row, chain->hash);
}

static enum err take_chains(struct reader *r, const json_t *json)
{
    struct invoice *invoice = r->invoice;

    TRY(take_list(r, json, "entries", INVOICE_NODES_MAX, &invoice->chain_count));
    struct invoice_chain *chains =
        arena_array(&invoice->arena, invoice->chain_count, sizeof *chains);

    invoice->chains = chains;
    for (; r->at < invoice->chain_count; r->at++)
        TRY(take_chain(r, json_array_get(json_object_get(json, "entries"), r->at), &chains[r->at]));
    return ERR_NONE;
}

static enum err take_invoice(struct reader *r, const json_t *json)
{
    if (!json_is_object(json) || json_get_number(json, "invoice") != 1)
        return wrong(r, "invoice", "1, the version of its form");
    TRY(take_name(r, json, "customer", &r->invoice->customer));
    if (!month_parse(json_get_text(json, "month"), &r->invoice->month))
        return wrong(r, "month", "a month, such as 2026-11");
    TRY(take_totals(r, json));
    TRY(take_plans(r, json));
    TRY(take_lines(r, json));
    return take_chains(r, json);
}

enum err invoice_json_read(struct slice json, struct invoice **invoice, struct diag *why)
{
    struct reader r = { .invoice = mem_new(struct invoice), .why = why };
    json_t *read = json.length > INVOICE_TEXT_MAX ? NULL : json_read(json);

    arena_init(&r.invoice->arena, SIZE_MAX); // bounded by the text that is read
    enum err err = take_invoice(&r, read);

    json_decref(read);
    if (err == ERR_NONE)
        *invoice = r.invoice;
    else
        invoice_free(r.invoice);
    return err;
}
