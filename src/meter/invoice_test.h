// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: an invoice of November 2026 with two plans, a group, a rate and three nodes. */

#include "base/attr.h"
#include "meter/invoice.h"
#include "meter/price_test.h"

#define STANDARD_TEXT                                                                   \
    "plan 1 standard\ncurrency EUR\nmonthly 50.00\nminimum 100.00\n"                    \
    "per_million_requests 0.60 included 1000000\nper_million_answers 0.00 included 0\n" \
    "per_gb 0.02 up_to 10000000000000\nper_gb 0.01\nincluded_traffic 100000000000\n"    \
    "group asia sin tyo\nper_gb 0.05\nincluded_traffic 0\n"
#define TRANSIT_TEXT                                             \
    "plan 1 transit\ncurrency EUR\nmonthly 0.00\nminimum 0.00\n" \
    "per_million_requests 0.00 included 0\nper_million_answers 0.20 included 0\nper_mbit 2.00\n"

/* From before the month; from ten minutes before its end. */
static const struct price_term EXAMPLE_TERMS[2] = {
    { { 0 }, { STANDARD_TEXT, sizeof STANDARD_TEXT - 1 } },
    { { INT64_C(1796082600000) }, { TRANSIT_TEXT, sizeof TRANSIT_TEXT - 1 } },
};

/* Entries out of an array. */
struct shelf {
    struct invoice_source source;
    const struct invoice_entry *entries;
    size_t count, at;
};

static inline bool shelf_next(struct invoice_source *source, struct invoice_entry *entry)
{
    struct shelf *shelf = container_of(source, struct shelf, source);

    if (shelf->at == shelf->count)
        return false;
    *entry = shelf->entries[shelf->at++];
    return true;
}

static inline struct invoice_entry entry_of(
    const char *node, const char *pop, uint64_t sequence, int64_t days, int64_t bytes)
{
    struct invoice_entry entry = { .node = slice_text(node),
        .pop = slice_text(pop),
        .sequence = sequence,
        .begin = november(days, 0) };

    entry.added[USAGE_SENT_BYTES] = bytes;
    entry.added[USAGE_HIT] = bytes / 1000000;
    entry.added[USAGE_REDIRECTED] = 1;
    entry.added[USAGE_FILLED_BYTES] = 777;
    entry.added[USAGE_DNS_ANSWERS] = 10;
    entry.added[USAGE_DNS_ADDRESSES] = 20;
    memset(entry.hash, (int)sequence, sizeof entry.hash);
    return entry;
}

enum { EXAMPLE_ENTRIES = 6 };

static inline void example_entries(struct invoice_entry entries[EXAMPLE_ENTRIES])
{
    const struct invoice_entry all[EXAMPLE_ENTRIES] = {
        entry_of("fra1", "fra", 7, 0, INT64_C(4000000000000)),
        entry_of("fra1", "fra", 9, 1, 1000),
        entry_of("fra1", "fra", 8, 29, INT64_C(3750000000)),
        entry_of("sin1", "sin", 200, 3, INT64_C(500123456789)),
        entry_of("fra1/corrections", "fra", 1, 1, -1000),
        entry_of("sin1", "sin", 199, 29, INT64_C(3750000000)),
    };

    memcpy(entries, all, sizeof all);
    entries[2].begin = november(29, DAY_MS - 600000);
    entries[5].begin = november(29, DAY_MS - 300001);
}

static inline struct invoice *derive(const struct invoice_entry *entries, size_t count,
    const struct price_term *terms, size_t terms_count)
{
    struct shelf shelf = { { shelf_next }, entries, count, 0 };
    struct invoice_basis basis = { SLICE("acme"), NOVEMBER, terms, terms_count, &shelf.source };
    struct invoice *invoice = NULL;
    struct diag why = { 0 };

    if (invoice_derive(&basis, &invoice, &why) != ERR_NONE)
        print_error("%s\n", why.text);
    assert_non_null(invoice);
    return invoice;
}

static inline struct invoice *example(void)
{
    struct invoice_entry entries[EXAMPLE_ENTRIES];

    example_entries(entries);
    return derive(entries, EXAMPLE_ENTRIES, EXAMPLE_TERMS, 2);
}
