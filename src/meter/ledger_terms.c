// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "meter/ledger_priv.h"

/* One customer's plan from now on; a new term only where it is another than before. */
static enum err agree_on(struct ledger *l, struct wall now, const struct ledger_term *term,
    size_t *added, struct diag *why)
{
    struct db_value values[] = { db_text(term->customer), db_number(now.ms), db_text(term->plan) };
    bool is_same = term->plan.length == 0; // none where there was none
    struct db_rows rows;

    db_ask(l->db, LEDGER_TERM_NEWEST, values, 1, &rows);
    while (db_next(&rows)) {
        int64_t before_ms = db_number_at(&rows, 0);

        is_same = slice_equal(db_bytes_at(&rows, 1), term->plan);
        if (now.ms <= before_ms) // a clock that was set back does not change what was agreed
            values[1] = db_number(before_ms + 1);
    }
    TRY(db_end(&rows, why));
    if (is_same)
        return ERR_NONE;
    ++*added;
    return db_run(l->db, LEDGER_TERM_ADD, values, COUNT_OF(values), why);
}

static int compare_names(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = shorter == 0 ? 0 : memcmp(x->at, y->at, shorter);

    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

/* Those who have a plan and are not among the names, which are sorted; in the arena. */
static enum err find_gone(struct ledger *l, const struct slice *names, size_t count,
    struct arena *arena, struct slice **gone, size_t *gone_count, struct diag *why)
{
    size_t room = 0;
    struct db_rows rows;

    db_ask(l->db, LEDGER_TERMS_NEWEST, NULL, 0, &rows);
    while (db_next(&rows)) {
        struct slice name = db_bytes_at(&rows, 0);

        if (bsearch(&name, names, count, sizeof *names, compare_names) != NULL)
            continue;
        if (*gone_count == room) {
            struct slice *more = arena_array(arena, room = 2 * room + 16, sizeof *more);

            if (*gone_count > 0)
                memcpy(more, *gone, *gone_count * sizeof *more);
            *gone = more;
        }
        (*gone)[(*gone_count)++] = arena_copy(arena, name);
    }
    return db_end(&rows, why);
}

/* Who is in no release any more has no plan. */
static enum err let_go(struct ledger *l, struct wall now, const struct ledger_term *terms,
    size_t count, size_t *added, struct diag *why)
{
    struct slice *names = mem_array(count + 1, sizeof *names), *gone = NULL;
    size_t gone_count = 0;
    struct arena arena;

    for (size_t i = 0; i < count; i++)
        names[i] = terms[i].customer;
    qsort(names, count, sizeof *names, compare_names);
    arena_init(&arena, SIZE_MAX);
    enum err err = find_gone(l, names, count, &arena, &gone, &gone_count, why);

    for (size_t i = 0; i < gone_count && err == ERR_NONE; i++)
        err = agree_on(l, now, &(struct ledger_term){ .customer = gone[i] }, added, why);
    arena_done(&arena);
    mem_free(names);
    return err;
}

static enum err agree(struct ledger *l, struct wall now, const struct ledger_term *terms,
    size_t count, size_t *added, struct diag *why)
{
    for (size_t i = 0; i < count; i++)
        TRY(agree_on(l, now, &terms[i], added, why));
    return let_go(l, now, terms, count, added, why);
}

enum err ledger_agree(struct ledger *ledger, struct wall now, const struct ledger_term *terms,
    size_t count, size_t *added, struct diag *why)
{
    size_t more = 0;

    TRY(db_begin(ledger->db, why));
    TRY(ledger_end(ledger, agree(ledger, now, terms, count, &more, why), why));
    *added = more;
    return ERR_NONE;
}
