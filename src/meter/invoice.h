// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Invoice: a customer's month, derived from the ledger and from nothing else, so that whoever has
 * the ledger can derive it again and compare. It names the entries it was derived from (of each
 * node the first and last number, how many, and the hash of the last) and the hash of each plan.
 *
 *     terms, entries ──invoice_derive──▶ struct invoice ──▶ text, CSV; JSON by admin/invoice.h
 *
 * One pass over the entries, which may come in any order. Memory does not grow with their number;
 * limits are INVOICE_NODES_MAX and those of meter/price.h. Pure but for what the source does.
 */

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "meter/month.h"
#include "meter/price.h"
#include "wire/usage.h"

enum { INVOICE_NODES_MAX = 4096, INVOICE_HASH_SIZE = USAGE_HASH_SIZE };

/* One entry of the ledger, as pricing needs it. */
struct invoice_entry {
    struct slice node, pop;
    uint64_t sequence;
    struct wall begin;
    int64_t added[USAGE_KIND_COUNT]; // differences; below zero in corrections
    unsigned char hash[INVOICE_HASH_SIZE];
};

/* Where the entries of one customer and month come from; embedded in who has them. */
struct invoice_source {
    /* False: no more. Slices of an entry are good until the next is asked for. */
    bool (*next)(struct invoice_source *source, struct invoice_entry *entry);
};

/* What an invoice is of. Terms as for price_new. */
struct invoice_basis {
    struct slice customer;
    struct month month;
    const struct price_term *terms;
    size_t term_count;
    struct invoice_source *source;
};

/* What of a node's books is in it. */
struct invoice_chain {
    struct slice node;
    uint64_t first, last;                  // numbers; entries of other customers are between them
    uint64_t count;                        // of this customer's
    unsigned char hash[INVOICE_HASH_SIZE]; // of the last
};

struct invoice_plan {
    unsigned char hash[INVOICE_HASH_SIZE]; // of the text
};

struct invoice {
    struct slice customer;
    struct month month;
    struct price_bill bill;
    const struct invoice_plan *plans;   // one for each part; of no plan zeros
    const struct invoice_chain *chains; // by name of node
    size_t chain_count;
    struct arena arena; // of all that it points to
};

/*
 * Errors are those of meter/price.h, and ERR_LIMIT for more than INVOICE_NODES_MAX nodes; *invoice
 * is untouched then. Else it is given back by invoice_free.
 */
[[nodiscard]] enum err invoice_derive(
    const struct invoice_basis *basis, struct invoice **invoice, struct diag *why);

/* Accepts NULL. */
void invoice_free(struct invoice *invoice);

/*
 * Whether they are the same in all; else the first difference in words, as between what was given
 * and what the ledger says. Entries come first, since other differences follow from theirs.
 */
bool invoice_same(
    const struct invoice *given, const struct invoice *derived, struct diag *difference);

/* For people, some 110 columns wide. */
void invoice_write_text(const struct invoice *invoice, FILE *out);

/* A row for each line, RFC 4180 with a line of names; amounts add up to the totals. */
void invoice_write_csv(const struct invoice *invoice, FILE *out);

/* Decimals of a part's amounts; 0 where no plan held. */
int invoice_digits(const struct price_part *part);

/* What a line's quantity is counted in, and what its price is for: "B" and "GB"; never NULL. */
const char *invoice_unit(enum price_kind kind);
const char *invoice_per(enum price_kind kind);
