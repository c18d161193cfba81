// SPDX-License-Identifier: Apache-2.0
#include "admin/invoice.h"

#include "admin/json.h"
#include "base/hex.h"
#include "conf/currency.h"
#include "conf/units.h"
#include "meter/money.h"

static void put_hash(json_t *object, const unsigned char *hash)
{
    char text[2 * INVOICE_HASH_SIZE];

    json_put_text(object, "sha256", hex_write(hash, INVOICE_HASH_SIZE, text));
}

struct json_t *invoice_totals_json(const struct price_bill *bill)
{
    json_t *list = json_array();

    for (size_t i = 0; i < bill->total_count; i++) {
        json_t *total = json_object();
        char text[MONEY_TEXT_MAX];
        int digits = currency_digits(bill->totals[i].currency);

        money_text(bill->totals[i].amount_microcents, digits < 0 ? 0 : digits, text);
        json_put_text(total, "currency", bill->totals[i].currency);
        json_put_text(total, "amount", slice_text(text));
        json_array_append_new(list, total);
    }
    return list;
}

static json_t *json_of_plans(const struct invoice *invoice)
{
    json_t *list = json_array();

    for (size_t i = 0; i < invoice->bill.part_count; i++) {
        const struct price_part *part = &invoice->bill.parts[i];
        json_t *plan = json_object();

        json_put_text(plan, "plan", part->plan);
        json_put_text(plan, "currency", part->currency);
        json_put_number(plan, "from_ms", (uint64_t)part->begin.ms);
        json_put_number(plan, "held_ms", (uint64_t)part->held_ms);
        json_put_text(plan, "text", part->text);
        put_hash(plan, invoice->plans[i].hash);
        json_array_append_new(list, plan);
    }
    return list;
}

static json_t *json_of_lines(const struct price_bill *bill)
{
    json_t *list = json_array();

    for (size_t i = 0; i < bill->line_count; i++) {
        const struct price_line *line = &bill->lines[i];
        char price[UNITS_MONEY_MAX], amount[MONEY_TEXT_MAX];
        json_t *row = json_object();

        units_money_text(line->price_microcents, price);
        money_text(line->amount_microcents, invoice_digits(&bill->parts[line->part]), amount);
        json_put_number(row, "plan", line->part);
        json_put_text(row, "line", slice_text(price_kind_text(line->kind)));
        if (line->group.length > 0)
            json_put_text(row, "group", line->group);
        if (line->tier > 0)
            json_put_number(row, "tier", line->tier);
        json_put_number(row, "quantity", (uint64_t)line->quantity);
        json_put_text(row, "unit", slice_text(invoice_unit(line->kind)));
        json_put_text(row, "price", slice_text(price));
        json_put_text(row, "per", slice_text(invoice_per(line->kind)));
        json_put_text(row, "amount", slice_text(amount));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *json_of_chains(const struct invoice *invoice)
{
    json_t *list = json_array();

    for (size_t i = 0; i < invoice->chain_count; i++) {
        const struct invoice_chain *chain = &invoice->chains[i];
        json_t *row = json_object();

        json_put_text(row, "node", chain->node);
        json_put_number(row, "first", chain->first);
        json_put_number(row, "last", chain->last);
        json_put_number(row, "count", chain->count);
        put_hash(row, chain->hash);
        json_array_append_new(list, row);
    }
    return list;
}

void invoice_json_write(const struct invoice *invoice, struct text *out)
{
    json_t *json = json_object();
    char month[MONTH_TEXT_MAX];

    json_put_number(json, "invoice", 1);
    json_put_text(json, "customer", invoice->customer);
    json_put_text(json, "month", slice_text(month_text(invoice->month, month)));
    json_object_set_new(json, "totals", invoice_totals_json(&invoice->bill));
    json_object_set_new(json, "plans", json_of_plans(invoice));
    json_object_set_new(json, "lines", json_of_lines(&invoice->bill));
    json_object_set_new(json, "entries", json_of_chains(invoice));
    json_write(json, out);
}

/* Where two texts part: line and column, from 1. */
static void tell_bytes(struct slice given, struct slice derived, struct diag *difference)
{
    size_t at = 0, line = 1, column = 1;

    for (; at < given.length && at < derived.length && given.at[at] == derived.at[at]; at++) {
        column = given.at[at] == '\n' ? 1 : column + 1;
        line += given.at[at] == '\n';
    }
    diag_say(difference,
        "it says the same as the ledger, but not in the same bytes: line %zu, column %zu", line,
        column);
}

bool invoice_json_verify(struct slice file, const struct invoice *derived, struct diag *difference)
{
    struct invoice *given;
    struct text text;

    if (invoice_json_read(file, &given, difference) != ERR_NONE)
        return false;
    bool is_same = invoice_same(given, derived, difference);

    invoice_free(given);
    if (!is_same)
        return false;
    text_init(&text, INVOICE_TEXT_MAX);
    invoice_json_write(derived, &text);
    is_same = slice_equal(text_slice(&text), file);
    if (!is_same)
        tell_bytes(file, text_slice(&text), difference);
    text_done(&text);
    return is_same;
}
