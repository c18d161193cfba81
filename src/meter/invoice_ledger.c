// SPDX-License-Identifier: Apache-2.0
#include "meter/invoice_ledger.h"

#include "base/attr.h"

/* Entries as the ledger gives them. */
struct ledger_source {
    struct invoice_source source;
    struct db_rows rows;
};

static bool source_next(struct invoice_source *source, struct invoice_entry *entry)
{
    struct ledger_source *from = container_of(source, struct ledger_source, source);
    struct ledger_entry found;

    if (!ledger_entry_next(&from->rows, &found))
        return false;
    entry->node = found.node;
    entry->pop = found.pop;
    entry->sequence = found.sequence;
    entry->begin = found.begin;
    memcpy(entry->added, found.added, sizeof entry->added);
    memcpy(entry->hash, found.hash, sizeof entry->hash);
    return true;
}

/* The customer's terms, one more than are allowed at most, so that it is told. */
static enum err take_terms(struct ledger *ledger, struct slice customer, struct month month,
    struct arena *arena, struct invoice_basis *basis, struct diag *why)
{
    struct price_term *terms = arena_array(arena, PRICE_TERMS_MAX + 2, sizeof *terms);
    struct ledger_term term;
    struct db_rows rows;
    size_t count = 0;

    ledger_terms(ledger, customer, month_begin(month), month_end(month), &rows);
    for (; count < PRICE_TERMS_MAX + 2 && ledger_term_next(&rows, &term); count++)
        terms[count] = (struct price_term){ term.from, arena_copy(arena, term.plan) };
    basis->terms = terms;
    basis->term_count = count;
    return db_end(&rows, why);
}

enum err invoice_from_ledger(struct ledger *ledger, struct slice customer, struct month month,
    struct invoice **invoice, struct diag *why)
{
    struct ledger_source from = { .source = { source_next } };
    struct invoice_basis basis = { .customer = customer, .month = month, .source = &from.source };
    struct invoice *made = NULL;
    struct arena arena;

    arena_init(&arena, SIZE_MAX); // PRICE_TERMS_MAX texts of plans
    enum err err = take_terms(ledger, customer, month, &arena, &basis, why);

    if (err == ERR_NONE) {
        ledger_entries(ledger, customer, month_begin(month), month_end(month), &from.rows);
        err = invoice_derive(&basis, &made, why);
        enum err read = db_end(&from.rows, err == ERR_NONE ? why : NULL);

        if (err == ERR_NONE)
            err = read;
    }
    arena_done(&arena);
    if (err == ERR_NONE)
        *invoice = made;
    else
        invoice_free(made);
    return err;
}
