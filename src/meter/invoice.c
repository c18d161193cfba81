// SPDX-License-Identifier: Apache-2.0
#include "meter/invoice.h"

#include <assert.h>
#include <inttypes.h>

#include "base/mem.h"
#include "base/order.h"
#include "conf/currency.h"
#include "tls/sha256.h"

static_assert((int)INVOICE_HASH_SIZE == (int)SHA256_SIZE, "plans and entries are hashed alike");

/* Chains on their way, by name of node. */
struct chains {
    struct invoice_chain *list;
    size_t count, room;
    size_t last; // entries of a node often come together
};

/* Where the node's chain is, or would be. */
static size_t chain_at(const struct chains *chains, struct slice node)
{
    size_t low = 0, high = chains->count;

    if (chains->last < high && slice_equal(chains->list[chains->last].node, node))
        return chains->last;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (slice_order(chains->list[middle].node, node) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void chain_insert(struct chains *chains, size_t at, const struct invoice_entry *entry)
{
    if (chains->count == chains->room) {
        chains->room = chains->room == 0 ? 16 : chains->room * 2;
        chains->list = mem_resize(chains->list, chains->room * sizeof chains->list[0]);
    }
    memmove(
        &chains->list[at + 1], &chains->list[at], (chains->count - at) * sizeof chains->list[0]);
    chains->count++;
    chains->list[at] = (struct invoice_chain){
        .node = slice_of(mem_text(entry->node.at, entry->node.length), entry->node.length),
        .first = entry->sequence,
    };
}

static enum err chain_add(
    struct chains *chains, const struct invoice_entry *entry, struct diag *why)
{
    size_t at = chain_at(chains, entry->node);

    if (at == chains->count || !slice_equal(chains->list[at].node, entry->node)) {
        if (chains->count == INVOICE_NODES_MAX) {
            diag_say(why, "entries of more than %d nodes", INVOICE_NODES_MAX);
            return ERR_LIMIT;
        }
        chain_insert(chains, at, entry);
    }
    struct invoice_chain *chain = &chains->list[at];

    chains->last = at;
    chain->count++;
    if (entry->sequence < chain->first)
        chain->first = entry->sequence;
    if (entry->sequence >= chain->last) {
        chain->last = entry->sequence;
        memcpy(chain->hash, entry->hash, sizeof chain->hash);
    }
    return ERR_NONE;
}

static void chains_drop(struct chains *chains)
{
    for (size_t i = 0; i < chains->count; i++)
        mem_free((void *)(uintptr_t)chains->list[i].node.at);
    mem_free(chains->list);
}

static enum err add_entry(struct price *price, const struct invoice_entry *entry, struct diag *why)
{
    struct price_use use = { .begin = entry->begin,
        .pop = entry->pop,
        .sent_bytes = entry->added[USAGE_SENT_BYTES],
        .answers = entry->added[USAGE_DNS_ANSWERS] };

    for (enum usage_kind kind = USAGE_HIT; kind <= USAGE_REDIRECTED; kind++)
        if (__builtin_add_overflow(use.requests, entry->added[kind], &use.requests)) {
            diag_say(why, "entry %" PRIu64 " of %.*s has more requests than can be counted",
                entry->sequence, SLICE_ARG(entry->node));
            return ERR_RANGE;
        }
    return price_add(price, &use, why);
}

static enum err add_entries(
    const struct invoice_basis *basis, struct price *price, struct chains *chains, struct diag *why)
{
    struct invoice_entry entry;

    while (basis->source->next(basis->source, &entry)) {
        TRY(chain_add(chains, &entry, why));
        TRY(add_entry(price, &entry, why));
    }
    return ERR_NONE;
}

static void keep_plans(struct invoice *invoice)
{
    struct invoice_plan *plans =
        arena_array(&invoice->arena, invoice->bill.part_count, sizeof *plans);

    for (size_t i = 0; i < invoice->bill.part_count; i++)
        if (invoice->bill.parts[i].text.length > 0)
            sha256(invoice->bill.parts[i].text, plans[i].hash);
    invoice->plans = plans;
}

static void keep_chains(struct invoice *invoice, const struct chains *chains)
{
    struct invoice_chain *list = arena_array(&invoice->arena, chains->count, sizeof *list);

    for (size_t i = 0; i < chains->count; i++) {
        list[i] = chains->list[i];
        list[i].node = arena_copy(&invoice->arena, list[i].node);
    }
    invoice->chains = list;
    invoice->chain_count = chains->count;
}

enum err invoice_derive(
    const struct invoice_basis *basis, struct invoice **invoice, struct diag *why)
{
    struct invoice *made = mem_new(struct invoice);
    struct price *price = NULL;
    struct chains chains = { 0 };

    arena_init(&made->arena, SIZE_MAX); // bounded by parts, their lines, and chains
    made->customer = arena_copy(&made->arena, basis->customer);
    made->month = basis->month;
    enum err err = price_new(basis->terms, basis->term_count, basis->month, &price, why);

    if (err == ERR_NONE)
        err = add_entries(basis, price, &chains, why);
    if (err == ERR_NONE)
        err = price_close(price, &made->arena, &made->bill, why);
    if (err == ERR_NONE) {
        keep_plans(made);
        keep_chains(made, &chains);
        *invoice = made;
    } else {
        invoice_free(made);
    }
    price_free(price);
    chains_drop(&chains);
    return err;
}

void invoice_free(struct invoice *invoice)
{
    if (invoice == NULL)
        return;
    arena_done(&invoice->arena);
    mem_free(invoice);
}

int invoice_digits(const struct price_part *part)
{
    int digits = currency_digits(part->currency);

    return digits < 0 ? 0 : digits;
}

const char *invoice_unit(enum price_kind kind)
{
    switch (kind) {
    case PRICE_MONTH:
    case PRICE_MINIMUM: return "ms";
    case PRICE_TRAFFIC_INCLUDED:
    case PRICE_TRAFFIC: return "B";
    case PRICE_RATE: return "bit/s";
    case PRICE_REQUESTS_INCLUDED:
    case PRICE_REQUESTS: return "requests";
    case PRICE_ANSWERS_INCLUDED:
    case PRICE_ANSWERS: return "answers";
    case PRICE_KIND_COUNT: break;
    }
    assert(false);
    return "";
}

const char *invoice_per(enum price_kind kind)
{
    switch (kind) {
    case PRICE_MONTH:
    case PRICE_MINIMUM: return "month";
    case PRICE_TRAFFIC_INCLUDED:
    case PRICE_TRAFFIC: return "GB";
    case PRICE_RATE: return "Mbit/s and month";
    case PRICE_REQUESTS_INCLUDED:
    case PRICE_REQUESTS:
    case PRICE_ANSWERS_INCLUDED:
    case PRICE_ANSWERS: return "million";
    case PRICE_KIND_COUNT: break;
    }
    assert(false);
    return "";
}
