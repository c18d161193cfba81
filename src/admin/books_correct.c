// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>

#include "admin/books.h"
#include "admin/json.h"
#include "base/arena.h"
#include "meter/price.h"

/*
 * A correction is one entry and belongs where it begins: to a five-minute slot and to the plan that
 * held then. It is put to the moment at which most of what it takes back was used, under a plan
 * under which as much was used: else it would leave less than nothing of one plan, which no invoice
 * can show.
 */

enum { CHAIN_NAME_MAX = USAGE_NAME_MAX, NUMBER_TEXT_MAX = 32 };

/* A time within which one plan held, and what was used in it. */
struct span_of_plan {
    struct wall from;
    int64_t used;        // of the kind, by this site at this pop
    struct wall busiest; // begin of the entry with the most of it
    int64_t most;
};

struct correcting {
    struct ledger *ledger;
    const struct books_question *q;
    struct slice pop;
    struct span_of_plan spans[PRICE_TERMS_MAX + 2];
    size_t span_count;
    struct books_answer *answer;
    struct diag *why;
};

static void refuse(struct books_answer *answer, int status, const char *code)
{
    answer->refusal.status = status;
    answer->refusal.code = code;
}

/* Where the site used any of it in the month; told with the pops when there are several. */
static enum err find_pop(struct correcting *c, struct arena *arena)
{
    const struct books_question *q = c->q;
    const struct ledger_query query = { q->customer, q->site, q->pop, month_begin(q->month),
        month_end(q->month), LEDGER_BY_POP };
    struct diag *message = &c->answer->refusal.message;
    struct text pops;
    struct ledger_row row;
    struct db_rows rows;
    size_t count = 0;

    text_init(&pops, DIAG_TEXT_MAX / 2);
    ledger_usage(c->ledger, &query, &rows);
    while (ledger_row_next(&rows, &row)) {
        if (row.added[q->kind] <= 0)
            continue;
        if (count++ < BOOKS_POPS_TOLD_MAX)
            text_say(&pops, "%s%.*s (%" PRId64 ")", count == 1 ? "" : ", ", SLICE_ARG(row.pop),
                row.added[q->kind]);
        c->pop = arena_copy(arena, row.pop);
    }
    enum err err = db_end(&rows, c->why);

    if (err == ERR_NONE && count == 0 && q->stranger.what != NULL) {
        books_refuse_name(&q->stranger, &c->answer->refusal);
    } else if (err == ERR_NONE && count == 0) {
        refuse(c->answer, 422, "unused");
        diag_say(message, "the ledger has no %s of %.*s in that month%s", usage_kind_text(q->kind),
            SLICE_ARG(slice_head(q->site, 100)), q->pop.length > 0 ? " at that pop" : "");
        diag_say(&c->answer->refusal.mend, "`waypost usage %.*s --site %.*s` says what it has",
            SLICE_ARG(slice_head(q->customer, 100)), SLICE_ARG(slice_head(q->site, 100)));
    } else if (err == ERR_NONE && count > 1) {
        refuse(c->answer, 422, "pop");
        diag_say(message, "there are %s of it at %zu pops: %s", usage_kind_text(q->kind), count,
            pops.at);
        diag_say(
            &c->answer->refusal.mend, "say at which of them it was: --pop POP, or a member pop");
    }
    text_done(&pops);
    return err;
}

/* When which plan held. */
static enum err find_spans(struct correcting *c)
{
    const struct wall begin = month_begin(c->q->month);
    struct ledger_term term;
    struct db_rows rows;

    c->spans[c->span_count++].from = begin;
    ledger_terms(c->ledger, c->q->customer, begin, month_end(c->q->month), &rows);
    while (ledger_term_next(&rows, &term) && c->span_count < PRICE_TERMS_MAX + 2)
        if (term.from.ms > begin.ms)
            c->spans[c->span_count++].from = term.from;
    return db_end(&rows, c->why);
}

static struct span_of_plan *span_at(struct correcting *c, struct wall at)
{
    size_t i = c->span_count - 1;

    while (i > 0 && c->spans[i].from.ms > at.ms)
        i--;
    return &c->spans[i];
}

/* The same that was taken back before, for the same reason, is likely one order given twice. */
static bool is_same(const struct correcting *c, const struct ledger_entry *found)
{
    const struct books_question *q = c->q;
    struct usage_entry entry;

    return found->added[q->kind] == -(int64_t)q->take_back &&
           usage_entry_parse(found->bytes, &entry) && slice_equal(entry.reason, q->reason) &&
           (q->at.ms == 0 || entry.begin.ms == q->at.ms);
}

static void refuse_twice(struct correcting *c, const struct ledger_entry *found)
{
    refuse(c->answer, 409, "twice");
    diag_say(&c->answer->refusal.message,
        "as much was taken back there for the same reason: entry %" PRIu64 " of %.*s",
        found->sequence, SLICE_ARG(slice_head(found->node, 100)));
    diag_say(&c->answer->refusal.mend, "nothing was changed; if it is another one, say so in its "
                                       "reason");
}

static enum err find_use(struct correcting *c)
{
    const struct books_question *q = c->q;
    struct ledger_entry entry;
    struct db_rows rows;

    ledger_entries(c->ledger, q->customer, month_begin(q->month), month_end(q->month), &rows);
    while (ledger_entry_next(&rows, &entry)) {
        struct span_of_plan *span = span_at(c, entry.begin);
        int64_t added = entry.added[q->kind];

        if (!slice_equal(entry.site, q->site) || !slice_equal(entry.pop, c->pop))
            continue;
        if (is_same(c, &entry))
            refuse_twice(c, &entry);
        span->used += added;
        if (added > span->most) {
            span->most = added;
            span->busiest = entry.begin;
        }
    }
    return db_end(&rows, c->why);
}

/* The last span that has as much, or that of the time which was said. */
static const struct span_of_plan *choose(struct correcting *c)
{
    const struct books_question *q = c->q;

    for (size_t i = c->span_count; i-- > 0;) {
        const struct span_of_plan *span = &c->spans[i];

        if (span->used >= (int64_t)q->take_back && (q->at.ms == 0 || span == span_at(c, q->at)))
            return span;
    }
    return NULL;
}

static void refuse_too_much(struct correcting *c)
{
    const struct books_question *q = c->q;
    int64_t used = 0;

    for (size_t i = 0; i < c->span_count; i++)
        if (q->at.ms == 0 || &c->spans[i] == span_at(c, q->at))
            used = c->spans[i].used > used ? c->spans[i].used : used;
    refuse(c->answer, 422, "much");
    diag_say(&c->answer->refusal.message,
        "%" PRIu64 " %s are more than %.*s had at %.*s under one plan of that month: %" PRId64,
        q->take_back, usage_kind_text(q->kind), SLICE_ARG(slice_head(q->site, 100)),
        SLICE_ARG(slice_head(c->pop, 64)), used);
    diag_say(&c->answer->refusal.mend, "take back no more than was counted%s",
        c->span_count > 1 ? "; the plan changed in that month: correct each part, with `at`" : "");
}

static void write_correction(
    const struct correcting *c, const struct usage_entry *entry, uint64_t sequence)
{
    const struct books_question *q = c->q;
    json_t *object = json_object(), *inner = json_object();
    char month[MONTH_TEXT_MAX];

    json_put_text(inner, "chain", entry->node);
    json_put_number(inner, "sequence", sequence);
    json_put_text(inner, "customer", entry->customer);
    json_put_text(inner, "site", entry->site);
    json_put_text(inner, "pop", entry->pop);
    json_put_text(inner, "month", slice_text(month_text(q->month, month)));
    json_put_time(inner, "at", entry->begin);
    json_put_text(inner, "kind", slice_text(usage_kind_text(q->kind)));
    json_put_number(inner, "taken_back", q->take_back);
    json_put_text(inner, "reason", entry->reason);
    json_object_set_new(object, "correction", inner);
    json_write(object, &c->answer->body);
}

static enum err add(struct correcting *c, const struct span_of_plan *span)
{
    const struct books_question *q = c->q;
    struct settle_position position;
    char chain[CHAIN_NAME_MAX];
    int length = snprintf(chain, sizeof chain, "%.*s/corrections", SLICE_ARG(q->node));
    struct usage_entry entry = { .node = slice_of(chain, (size_t)length),
        .pop = c->pop,
        .customer = q->customer,
        .site = q->site,
        .begin = q->at.ms != 0 ? q->at : span->busiest,
        .reason = q->reason };

    entry.end = entry.begin;
    entry.from.of[q->kind] = q->take_back;
    enum err err = ledger_correct(c->ledger, &entry, &position, c->why);

    if (err == ERR_NONE) {
        write_correction(c, &entry, position.sequence);
    } else if (err == ERR_RANGE) {
        refuse(c->answer, 422, "much");
        c->answer->refusal.message = *c->why;
        diag_say(&c->answer->refusal.mend, "take back no more than was counted");
        err = ERR_NONE;
    }
    return err;
}

enum err books_correct(struct ledger *ledger, const struct books_question *question,
    struct books_answer *answer, struct diag *why)
{
    struct correcting c = { .ledger = ledger, .q = question, .answer = answer, .why = why };
    const struct span_of_plan *span = NULL;
    struct arena arena;

    arena_init(&arena, SIZE_MAX); // a name for each pop
    enum err err = find_pop(&c, &arena);

    if (err == ERR_NONE && answer->refusal.status == 0)
        err = find_spans(&c);
    if (err == ERR_NONE && answer->refusal.status == 0)
        err = find_use(&c);
    if (err == ERR_NONE && answer->refusal.status == 0) {
        span = choose(&c);
        if (span != NULL)
            err = add(&c, span);
        else
            refuse_too_much(&c);
    }
    arena_done(&arena);
    return err;
}
