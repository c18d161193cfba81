// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/arena.h"
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

/* Names, in an arena. */
struct names {
    struct arena arena;
    struct slice *list;
    size_t count, room;
};

static void keep(struct names *names, struct slice name)
{
    if (names->count == names->room) {
        struct slice *more =
            arena_array(&names->arena, names->room = 2 * names->room + 16, sizeof *more);

        if (names->count > 0)
            memcpy(more, names->list, names->count * sizeof *more);
        names->list = more;
    }
    names->list[names->count++] = arena_copy(&names->arena, name);
}

/* Those who have a plan and are not among `here`, which is sorted. */
static enum err find_gone(
    struct ledger *l, const struct names *here, struct names *gone, struct diag *why)
{
    struct db_rows rows;

    db_ask(l->db, LEDGER_TERMS_NEWEST, NULL, 0, &rows);
    while (db_next(&rows)) {
        struct slice name = db_bytes_at(&rows, 0);

        if (here->count == 0 ||
            bsearch(&name, here->list, here->count, sizeof name, compare_names) == NULL)
            keep(gone, name);
    }
    return db_end(&rows, why);
}

/* Who is in no release any more has no plan. */
static enum err let_go(struct ledger *l, struct wall now, const struct ledger_term *terms,
    size_t count, size_t *added, struct diag *why)
{
    struct names here = { .count = 0 }, gone = { .count = 0 };

    arena_init(&here.arena, SIZE_MAX);
    arena_init(&gone.arena, SIZE_MAX);
    for (size_t i = 0; i < count; i++)
        keep(&here, terms[i].customer);
    if (count > 0)
        qsort(here.list, count, sizeof *here.list, compare_names);
    enum err err = find_gone(l, &here, &gone, why);

    for (size_t i = 0; i < gone.count && err == ERR_NONE; i++)
        err = agree_on(l, now, &(struct ledger_term){ .customer = gone.list[i] }, added, why);
    arena_done(&here.arena);
    arena_done(&gone.arena);
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
