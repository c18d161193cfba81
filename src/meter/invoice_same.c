// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "meter/invoice.h"
#include "meter/money.h"

/* What is given and what is derived, and where a difference goes. */
struct pair {
    const struct invoice *given, *derived;
    struct diag *difference;
};

static bool same_number(struct pair *p, const char *what, int64_t given, int64_t derived)
{
    if (given == derived)
        return true;
    diag_say(
        p->difference, "%s: given %" PRId64 ", the ledger says %" PRId64, what, given, derived);
    return false;
}

static bool same_text(struct pair *p, const char *what, struct slice given, struct slice derived)
{
    if (slice_equal(given, derived))
        return true;
    diag_say(p->difference, "%s: given \"%.*s\", the ledger says \"%.*s\"", what, SLICE_ARG(given),
        SLICE_ARG(derived));
    return false;
}

static bool same_chain(struct pair *p, size_t at)
{
    const struct invoice_chain *given = &p->given->chains[at], *derived = &p->derived->chains[at];
    char what[USAGE_NAME_MAX + 40];
    int length;

    if (!same_text(p, "nodes with entries", given->node, derived->node))
        return false;
    length = snprintf(what, sizeof what, "entries of node %.*s, ", SLICE_ARG(given->node));
    snprintf(what + length, sizeof what - (size_t)length, "the first");
    if (!same_number(p, what, (int64_t)given->first, (int64_t)derived->first))
        return false;
    snprintf(what + length, sizeof what - (size_t)length, "the last");
    if (!same_number(p, what, (int64_t)given->last, (int64_t)derived->last))
        return false;
    snprintf(what + length, sizeof what - (size_t)length, "how many");
    if (!same_number(p, what, (int64_t)given->count, (int64_t)derived->count))
        return false;
    if (memcmp(given->hash, derived->hash, sizeof given->hash) == 0)
        return true;
    diag_say(p->difference, "the hash of entry %" PRIu64 " of node %.*s is another in the ledger",
        given->last, SLICE_ARG(given->node));
    return false;
}

static bool same_chains(struct pair *p)
{
    size_t least = p->given->chain_count < p->derived->chain_count ? p->given->chain_count
                                                                   : p->derived->chain_count;

    for (size_t i = 0; i < least; i++)
        if (!same_chain(p, i))
            return false;
    return same_number(p, "how many nodes have entries", (int64_t)p->given->chain_count,
        (int64_t)p->derived->chain_count);
}

static bool same_part(struct pair *p, size_t at)
{
    const struct price_part *given = &p->given->bill.parts[at];
    const struct price_part *derived = &p->derived->bill.parts[at];
    char what[96];

    snprintf(what, sizeof what, "plan %zu", at + 1);
    if (!same_text(p, what, given->plan, derived->plan))
        return false;
    snprintf(what, sizeof what, "plan %zu, currency", at + 1);
    if (!same_text(p, what, given->currency, derived->currency))
        return false;
    snprintf(what, sizeof what, "plan %zu, held from", at + 1);
    if (!same_number(p, what, given->begin.ms, derived->begin.ms))
        return false;
    snprintf(what, sizeof what, "plan %zu, held for how many ms", at + 1);
    if (!same_number(p, what, given->held_ms, derived->held_ms))
        return false;
    bool is_same =
        slice_equal(given->text, derived->text) &&
        memcmp(&p->given->plans[at], &p->derived->plans[at], sizeof p->given->plans[at]) == 0;

    if (!is_same)
        diag_say(p->difference, "plan %zu, %.*s: its prices or its hash are others in the ledger",
            at + 1, SLICE_ARG(given->plan));
    return is_same;
}

static bool same_parts(struct pair *p)
{
    const struct price_bill *given = &p->given->bill, *derived = &p->derived->bill;

    if (!same_number(
            p, "how many plans held", (int64_t)given->part_count, (int64_t)derived->part_count))
        return false;
    for (size_t i = 0; i < given->part_count; i++)
        if (!same_part(p, i))
            return false;
    return true;
}

static bool same_amount(struct pair *p, const char *what, int64_t given, int64_t derived)
{
    char left[MONEY_TEXT_MAX], right[MONEY_TEXT_MAX];

    if (given == derived)
        return true;
    diag_say(p->difference, "%s: given %s, the ledger says %s", what, money_text(given, 8, left),
        money_text(derived, 8, right));
    return false;
}

static bool same_line(struct pair *p, size_t at)
{
    const struct price_line *given = &p->given->bill.lines[at];
    const struct price_line *derived = &p->derived->bill.lines[at];
    char what[64];
    int length = snprintf(what, sizeof what, "line %zu", at + 1);

    if (!same_number(p, "plan of a line", given->part, derived->part) ||
        !same_text(p, what, slice_text(price_kind_text(given->kind)),
            slice_text(price_kind_text(derived->kind))))
        return false;
    snprintf(what + length, sizeof what - (size_t)length, " (%s)", price_kind_text(given->kind));
    if (!same_text(p, what, given->group, derived->group))
        return false;
    length = (int)strlen(what);
    snprintf(what + length, sizeof what - (size_t)length, ", tier");
    if (!same_number(p, what, given->tier, derived->tier))
        return false;
    snprintf(what + length, sizeof what - (size_t)length, ", quantity");
    if (!same_number(p, what, given->quantity, derived->quantity))
        return false;
    snprintf(what + length, sizeof what - (size_t)length, ", price");
    if (!same_amount(p, what, given->price_microcents, derived->price_microcents))
        return false;
    snprintf(what + length, sizeof what - (size_t)length, ", amount");
    return same_amount(p, what, given->amount_microcents, derived->amount_microcents);
}

static bool same_lines(struct pair *p)
{
    size_t given = p->given->bill.line_count, derived = p->derived->bill.line_count;

    for (size_t i = 0; i < given && i < derived; i++)
        if (!same_line(p, i))
            return false;
    return same_number(p, "how many lines", (int64_t)given, (int64_t)derived);
}

static bool same_totals(struct pair *p)
{
    const struct price_bill *given = &p->given->bill, *derived = &p->derived->bill;

    if (!same_number(
            p, "how many totals", (int64_t)given->total_count, (int64_t)derived->total_count))
        return false;
    for (size_t i = 0; i < given->total_count; i++)
        if (!same_text(
                p, "currency of a total", given->totals[i].currency, derived->totals[i].currency) ||
            !same_amount(p, "total", given->totals[i].amount_microcents,
                derived->totals[i].amount_microcents))
            return false;
    return true;
}

bool invoice_same(
    const struct invoice *given, const struct invoice *derived, struct diag *difference)
{
    struct pair p = { given, derived, difference };
    char left[MONTH_TEXT_MAX], right[MONTH_TEXT_MAX];

    return same_text(&p, "customer", given->customer, derived->customer) &&
           same_text(&p, "month", slice_text(month_text(given->month, left)),
               slice_text(month_text(derived->month, right))) &&
           same_chains(&p) && same_parts(&p) && same_lines(&p) && same_totals(&p);
}
