// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/attr.h"
#include "base/hex.h"
#include "conf/units.h"
#include "meter/invoice.h"
#include "meter/money.h"

enum { QUANTITY_MAX = 64, GIGABYTE_DIGITS = 9, MEGABIT_DIGITS = 6 };

#define DAY_MS INT64_C(86400000)

/* The number divided by ten to the power of `digits`, with no more decimals than it takes. */
static void write_scaled(char text[QUANTITY_MAX], int64_t number, int digits, const char *unit)
{
    int64_t one = 1;

    for (int i = 0; i < digits; i++)
        one *= 10;
    int64_t whole = number / one, part = number % one;

    for (; digits > 0 && part % 10 == 0; digits--)
        part /= 10;
    if (digits == 0)
        snprintf(text, QUANTITY_MAX, "%" PRId64 " %s", whole, unit);
    else
        snprintf(text, QUANTITY_MAX, "%" PRId64 ".%0*" PRId64 " %s", whole, digits, part, unit);
}

/* "30d", "9d 23:59:59.999". */
static void write_time(char text[QUANTITY_MAX], int64_t ms)
{
    int64_t rest = ms % DAY_MS, s = rest / 1000;
    int length = snprintf(text, QUANTITY_MAX, "%" PRId64 "d", ms / DAY_MS);

    if (rest > 0)
        length += snprintf(text + length, QUANTITY_MAX - (size_t)length,
            " %02" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
    if (rest % 1000 > 0)
        snprintf(text + length, QUANTITY_MAX - (size_t)length, ".%03" PRId64, rest % 1000);
}

static void write_quantity(char text[QUANTITY_MAX], const struct price_line *line)
{
    switch (line->kind) {
    case PRICE_MONTH:
    case PRICE_MINIMUM: write_time(text, line->quantity); return;
    case PRICE_TRAFFIC_INCLUDED:
    case PRICE_TRAFFIC: write_scaled(text, line->quantity, GIGABYTE_DIGITS, "GB"); return;
    case PRICE_RATE: write_scaled(text, line->quantity, MEGABIT_DIGITS, "Mbit/s"); return;
    case PRICE_REQUESTS_INCLUDED:
    case PRICE_REQUESTS:
    case PRICE_ANSWERS_INCLUDED:
    case PRICE_ANSWERS: snprintf(text, QUANTITY_MAX, "%" PRId64, line->quantity); return;
    case PRICE_KIND_COUNT: break;
    }
    assert(false);
}

static const char *words_of(enum price_kind kind)
{
    switch (kind) {
    case PRICE_MONTH: return "price of the month";
    case PRICE_TRAFFIC_INCLUDED: return "traffic, included";
    case PRICE_TRAFFIC: return "traffic";
    case PRICE_RATE: return "95th percentile";
    case PRICE_REQUESTS_INCLUDED: return "requests, included";
    case PRICE_REQUESTS: return "requests";
    case PRICE_ANSWERS_INCLUDED: return "DNS answers, included";
    case PRICE_ANSWERS: return "DNS answers";
    case PRICE_MINIMUM: return "up to the minimum";
    case PRICE_KIND_COUNT: break;
    }
    assert(false);
    return "";
}

/* How many tiers the traffic of that line has, as far as lines show it. */
static bool has_tiers(const struct price_bill *bill, const struct price_line *line)
{
    if (line->tier > 1)
        return true;
    for (size_t i = 0; i < bill->line_count; i++)
        if (bill->lines[i].tier > 1 && bill->lines[i].part == line->part &&
            slice_equal(bill->lines[i].group, line->group))
            return true;
    return false;
}

static void write_line(const struct price_bill *bill, const struct price_line *line, FILE *out)
{
    char what[UNITS_NAME_MAX + 64], quantity[QUANTITY_MAX], money[UNITS_MONEY_MAX];
    char price[UNITS_MONEY_MAX + 32] = "", amount[MONEY_TEXT_MAX];
    int length = snprintf(what, sizeof what, "%s", words_of(line->kind));

    if (line->group.length > 0)
        length +=
            snprintf(what + length, sizeof what - (size_t)length, ", %.*s", SLICE_ARG(line->group));
    if (line->kind == PRICE_TRAFFIC && has_tiers(bill, line))
        snprintf(what + length, sizeof what - (size_t)length, ", tier %u", line->tier);
    write_quantity(quantity, line);
    if (line->price_microcents > 0)
        snprintf(price, sizeof price, "%s per %s", units_money_text(line->price_microcents, money),
            invoice_per(line->kind));
    money_text(line->amount_microcents, invoice_digits(&bill->parts[line->part]), amount);
    fprintf(out, "  %-34s %26s  %-28s %16s\n", what, quantity, price, amount);
}

static void write_part(const struct price_bill *bill, size_t at, FILE *out)
{
    const struct price_part *part = &bill->parts[at];
    char held[QUANTITY_MAX];
    bool has_line = false;

    write_time(held, part->held_ms);
    if (part->text.length == 0)
        fprintf(out, "\nNo plan held for %s: not priced\n", held);
    else
        fprintf(out, "\nPlan %.*s in %.*s, held for %s\n", SLICE_ARG(part->plan),
            SLICE_ARG(part->currency), held);
    for (size_t i = 0; i < bill->line_count; i++) {
        if (bill->lines[i].part != at)
            continue;
        write_line(bill, &bill->lines[i], out);
        has_line = true;
    }
    if (!has_line)
        fputs("  nothing\n", out);
}

/* Of the part that has the currency first. */
static int total_digits(const struct price_bill *bill, struct slice currency)
{
    size_t at = 0;

    while (at < bill->part_count && !slice_equal(bill->parts[at].currency, currency))
        at++;
    return at < bill->part_count ? invoice_digits(&bill->parts[at]) : 8;
}

static void write_hash(const unsigned char *hash, FILE *out)
{
    char text[2 * INVOICE_HASH_SIZE];

    hex_write(hash, INVOICE_HASH_SIZE, text);
    fwrite(text, 1, sizeof text, out);
}

static void write_books(const struct invoice *invoice, FILE *out)
{
    fputs("\nDerived from\n", out);
    for (size_t i = 0; i < invoice->bill.part_count; i++) {
        const struct price_part *part = &invoice->bill.parts[i];

        if (part->text.length == 0)
            continue;
        fprintf(out, "  plan %.*s, hash ", SLICE_ARG(part->plan));
        write_hash(invoice->plans[i].hash, out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < invoice->chain_count; i++) {
        const struct invoice_chain *chain = &invoice->chains[i];

        fprintf(out,
            "  node %.*s, entries %" PRIu64 " to %" PRIu64 " (%" PRIu64
            " of this customer), hash of the last ",
            SLICE_ARG(chain->node), chain->first, chain->last, chain->count);
        write_hash(chain->hash, out);
        fputc('\n', out);
    }
    if (invoice->chain_count == 0)
        fputs("  no entries\n", out);
}

void invoice_write_text(const struct invoice *invoice, FILE *out)
{
    const struct price_bill *bill = &invoice->bill;
    char month[MONTH_TEXT_MAX], amount[MONEY_TEXT_MAX];

    fprintf(out, "Invoice of %.*s for %s (UTC)\n", SLICE_ARG(invoice->customer),
        month_text(invoice->month, month));
    for (size_t i = 0; i < bill->part_count; i++)
        write_part(bill, i, out);
    fputc('\n', out);
    for (size_t i = 0; i < bill->total_count; i++)
        fprintf(out, "Total %.*s %s\n", SLICE_ARG(bill->totals[i].currency),
            money_text(bill->totals[i].amount_microcents,
                total_digits(bill, bill->totals[i].currency), amount));
    if (bill->total_count == 0)
        fputs("No total: no plan held\n", out);
    write_books(invoice, out);
}

void invoice_write_csv(const struct invoice *invoice, FILE *out)
{
    const struct price_bill *bill = &invoice->bill;
    char month[MONTH_TEXT_MAX], price[UNITS_MONEY_MAX], amount[MONEY_TEXT_MAX];

    fputs("customer,month,plan,currency,line,group,tier,quantity,unit,price,per,amount\r\n", out);
    month_text(invoice->month, month);
    for (size_t i = 0; i < bill->line_count; i++) {
        const struct price_line *line = &bill->lines[i];
        const struct price_part *part = &bill->parts[line->part];

        // Names have letters, digits, - _ and dots alone: nothing is to be quoted.
        fprintf(out, "%.*s,%s,%.*s,%.*s,%s,", SLICE_ARG(invoice->customer), month,
            SLICE_ARG(part->plan), SLICE_ARG(part->currency), price_kind_text(line->kind));
        fprintf(
            out, "%.*s,", (int)line->group.length, line->group.length > 0 ? line->group.at : "");
        if (line->tier > 0)
            fprintf(out, "%u", line->tier);
        fprintf(out, ",%" PRId64 ",%s,%s,%s,%s\r\n", line->quantity, invoice_unit(line->kind),
            units_money_text(line->price_microcents, price), invoice_per(line->kind),
            money_text(line->amount_microcents, invoice_digits(part), amount));
    }
}
