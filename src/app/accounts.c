// SPDX-License-Identifier: Apache-2.0
#include "app/accounts.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/mem.h"
#include "conf/network.h"
#include "io/loop.h"
#include "meter/plan_text.h"

enum { WAITING_MAX = ACCOUNTS_BATCHES_MAX + ACCOUNTS_QUESTIONS_MAX + 1 };

/* A node's batch on its way into the ledger. */
struct taking {
    struct pool_job job;
    struct list link;
    struct accounts *accounts;
    struct ledger_batch batch; // copied behind the struct
    uint64_t before;           // how far the chain was
    uint64_t told_again;       // entries
    enum settle_answer answer;
    struct settle_position position;
    enum err err;
    struct diag why;
};

/* What was said of a node's entries that were refused. */
struct refusal {
    struct list link;
    char *node;
    size_t node_length;
    uint64_t settled; // as it was then
    struct instant at;
    uint64_t unsaid; // refusals since
};

/* The plans of a release, on their way into the ledger or waiting for it. */
struct agreement {
    struct pool_job job;
    struct list link;
    struct accounts *accounts;
    struct arena arena;
    struct wall now;
    struct ledger_term *terms;
    size_t count, added;
    enum err err;
    struct diag why;
};

struct accounts {
    struct accounts_user *user;
    struct loop *loop;
    struct log *log;
    struct slice node;
    char *path;
    struct pool *pool;                         // of one thread, or none
    struct ledger *ledger;                     // of that thread; NULL: not open
    struct list takings, agreements, refusals; // the last: as they were said
    size_t taking_count, agreement_count, question_count, refusal_count;
    bool is_agreeing; // the first of the agreements is under way
    struct timer retry;
    bool is_failing;
    struct accounts_counts counts;
};

#define COUNTER_ROW_OF_ACCOUNTS(field, name, labels, help) \
    COUNTER_ROW(struct accounts_counts, field, name, labels, help),

const struct counter_row accounts_counter_rows[] = { ACCOUNTS_COUNTERS(COUNTER_ROW_OF_ACCOUNTS) };
const size_t accounts_counter_row_count = COUNT_OF(accounts_counter_rows);

/* On the ledger's thread, as the next one. */
static enum err open_ledger(struct accounts *a, struct diag *why)
{
    return a->ledger != NULL ? ERR_NONE : ledger_open(a->path, &a->ledger, why);
}

/* After an error whose reason may be the file itself; not after one that another try may mend. */
static void close_after(struct accounts *a, enum err err)
{
    if (err == ERR_NONE || err == ERR_RANGE || err == ERR_SPACE || err == ERR_AGAIN)
        return;
    ledger_close(a->ledger);
    a->ledger = NULL;
}

static const char *mend_of(enum err err)
{
    switch ((int)err) {
    case ERR_SPACE: return "make room on the disk";
    case ERR_PARSE: return "move it aside or put a backup in its place; nodes keep what is new";
    case ERR_UNSUPPORTED: return "set `accounts: {ledger: ...}` to another file";
    case ERR_AGAIN: return "another program holds it: end that";
    default: return "mend the disk or the file's rights";
    }
}

/* Said once each way. */
static void note_result(struct accounts *a, enum err err, const struct diag *why)
{
    if (err != ERR_NONE) {
        counter_up(&a->counts.errors);
        if (!a->is_failing)
            log_line(a->log, LOG_ERROR, "meter",
                "ledger_fails node=%.*s file=%s reason=\"%s\" mend=\"%s; until then nothing is "
                "settled, and nothing is lost\"",
                SLICE_ARG(a->node), a->path, why->text, mend_of(err));
    } else if (a->is_failing) {
        log_line(a->log, LOG_INFO, "meter", "ledger_works_again node=%.*s file=%s",
            SLICE_ARG(a->node), a->path);
    }
    a->is_failing = err != ERR_NONE;
}

static enum err settle(struct taking *t)
{
    struct accounts *a = t->accounts;
    struct settle_position before;

    TRY(open_ledger(a, &t->why));
    TRY(ledger_position(a->ledger, t->batch.node, &before, &t->why));
    t->before = before.sequence;
    uint64_t told_again = ledger_told_again(a->ledger);
    enum err err = ledger_settle(a->ledger, &t->batch, &t->answer, &t->position, &t->why);

    t->told_again = ledger_told_again(a->ledger) - told_again;
    return err;
}

static void on_settle(struct pool_job *job)
{
    struct taking *t = container_of(job, struct taking, job);

    t->err = settle(t);
    close_after(t->accounts, t->err);
}

static void refusal_free(struct accounts *a, struct refusal *r)
{
    list_remove(&r->link);
    a->refusal_count--;
    mem_free(r->node);
    mem_free(r);
}

static struct refusal *find_refusal(const struct accounts *a, struct slice node)
{
    list_each (link, &a->refusals) {
        struct refusal *r = container_of(link, struct refusal, link);

        if (slice_equal(slice_of(r->node, r->node_length), node))
            return r;
    }
    return NULL;
}

/* What a node must not tell is told to people: once while its chain does not move, and never
 * often, as that node may be a liar. */
static void say_refused(struct accounts *a, const struct taking *t)
{
    struct refusal *r = find_refusal(a, t->batch.node);
    struct instant now = loop_now(a->loop);
    uint64_t unsaid = 0;

    if (r != NULL &&
        (r->settled == t->position.sequence || instant_since(r->at, now).ns < ACCOUNTS_QUIET.ns)) {
        r->unsaid++;
        return;
    }
    if (r != NULL) {
        unsaid = r->unsaid;
        refusal_free(a, r);
    } else if (a->refusal_count == ACCOUNTS_REFUSALS_MAX) {
        refusal_free(a, container_of(a->refusals.next, struct refusal, link));
    }
    r = mem_new(struct refusal);
    *r = (struct refusal){ .node = mem_text(t->batch.node.at, t->batch.node.length),
        .node_length = t->batch.node.length,
        .settled = t->position.sequence,
        .at = now };
    list_append(&a->refusals, &r->link);
    a->refusal_count++;
    log_line(a->log, LOG_ERROR, "meter",
        "entries_refused node=%.*s of=%.*s reason=%s settled_up_to=%llu unsaid=%llu",
        SLICE_ARG(a->node), SLICE_ARG(t->batch.node), settle_answer_text(t->answer),
        (unsigned long long)t->position.sequence, (unsigned long long)unsaid);
}

static void note_answer(struct accounts *a, const struct taking *t)
{
    switch (t->answer) {
    case SETTLE_ALL: counter_up(&a->counts.all); break;
    case SETTLE_GAP: counter_up(&a->counts.gap); break;
    case SETTLE_FORK: counter_up(&a->counts.fork); break;
    case SETTLE_EXCESS: counter_up(&a->counts.excess); break;
    case SETTLE_FOREIGN:
    case SETTLE_MOVED: // which no ledger answers
    case SETTLE_ANSWER_COUNT: counter_up(&a->counts.foreign); break;
    }
    counter_add(&a->counts.settled, t->position.sequence - t->before);
    counter_add(&a->counts.told_again, t->told_again);
    if (t->answer != SETTLE_ALL)
        say_refused(a, t);
}

static void taking_free(struct taking *t)
{
    list_remove(&t->link);
    t->accounts->taking_count--;
    mem_free(t);
}

static void on_settled(struct pool_job *job)
{
    struct taking *t = container_of(job, struct taking, job);
    struct accounts *a = t->accounts;

    note_result(a, t->err, &t->why);
    if (t->err != ERR_NONE) {
        counter_up(&a->counts.failed);
    } else {
        note_answer(a, t);
        a->user->ops->answered(a->user, t->batch.node, t->answer, &t->position);
    }
    taking_free(t);
}

static bool is_taking(const struct accounts *a, struct slice node)
{
    list_each (link, &a->takings)
        if (slice_equal(container_of(link, struct taking, link)->batch.node, node))
            return true;
    return false;
}

void accounts_settle(struct accounts *accounts, const struct ledger_batch *batch)
{
    if (accounts->taking_count == ACCOUNTS_BATCHES_MAX || is_taking(accounts, batch->node)) {
        counter_up(&accounts->counts.dropped);
        return;
    }
    struct taking *t = mem_alloc(sizeof *t + batch->node.length + batch->entries.length);
    char *copy = (char *)(t + 1);

    t->accounts = accounts;
    t->job = (struct pool_job){ .work = on_settle, .done = on_settled, .loop = accounts->loop };
    memcpy(copy, batch->node.at, batch->node.length);
    if (batch->entries.length > 0)
        memcpy(copy + batch->node.length, batch->entries.at, batch->entries.length);
    t->batch.node = slice_of(copy, batch->node.length);
    t->batch.entries = slice_of(copy + batch->node.length, batch->entries.length);
    list_append(&accounts->takings, &t->link);
    accounts->taking_count++;
    // Its queue has room for all that these limits let in.
    enum err err = pool_submit(accounts->pool, &t->job);

    assert(err == ERR_NONE);
}

static void on_agree(struct pool_job *job)
{
    struct agreement *g = container_of(job, struct agreement, job);
    struct accounts *a = g->accounts;

    g->err = open_ledger(a, &g->why);
    if (g->err == ERR_NONE)
        g->err = ledger_agree(a->ledger, g->now, g->terms, g->count, &g->added, &g->why);
    close_after(a, g->err);
}

static void agreement_free(struct agreement *g)
{
    list_remove(&g->link);
    g->accounts->agreement_count--;
    arena_done(&g->arena);
    mem_free(g);
}

static void agree_next(struct accounts *a)
{
    if (a->is_agreeing || list_empty(&a->agreements) || timer_is_set(&a->retry))
        return;
    struct agreement *g = container_of(a->agreements.next, struct agreement, link);

    a->is_agreeing = true;
    enum err err = pool_submit(a->pool, &g->job);

    assert(err == ERR_NONE); // likewise
}

static void on_agreed(struct pool_job *job)
{
    struct agreement *g = container_of(job, struct agreement, job);
    struct accounts *a = g->accounts;

    note_result(a, g->err, &g->why);
    a->is_agreeing = false;
    if (g->err != ERR_NONE) {
        timer_set(a->loop, &a->retry, instant_after(loop_now(a->loop), ACCOUNTS_RETRY));
        return;
    }
    counter_add(&a->counts.terms, g->added);
    if (g->added > 0)
        log_line(a->log, LOG_INFO, "meter", "terms_changed node=%.*s customers=%zu",
            SLICE_ARG(a->node), g->added);
    agreement_free(g);
    agree_next(a);
}

static void on_retry(struct timer *timer)
{
    agree_next(container_of(timer, struct accounts, retry));
}

/* The text of each plan once; that of no plan is empty. */
static void write_terms(struct agreement *g, const struct network *network)
{
    struct slice *texts = arena_array(&g->arena, network->plan_count + 1, sizeof *texts);
    char *room = mem_alloc(PLAN_TEXT_MAX);

    for (size_t i = 0; i < network->plan_count; i++)
        texts[i] = arena_copy(&g->arena, plan_text_write(&network->plans[i], room));
    mem_free(room);
    g->count = network->customer_count;
    g->terms = arena_array(&g->arena, g->count + 1, sizeof *g->terms);
    for (size_t i = 0; i < g->count; i++) {
        const struct customer *customer = &network->customers[i];

        g->terms[i].customer = arena_copy(&g->arena, customer->name);
        if (customer->plan_prices != NULL)
            g->terms[i].plan = texts[customer->plan_prices - network->plans];
    }
}

void accounts_agree(struct accounts *accounts, const struct network *network)
{
    // Of many releases that come while the ledger fails, the first and the last are known.
    if (accounts->agreement_count == ACCOUNTS_TERMS_MAX)
        agreement_free(container_of(accounts->agreements.prev, struct agreement, link));
    struct agreement *g = mem_new(struct agreement);

    arena_init(&g->arena, SIZE_MAX);
    g->accounts = accounts;
    g->job = (struct pool_job){ .work = on_agree, .done = on_agreed, .loop = accounts->loop };
    g->now = loop_wall(accounts->loop);
    write_terms(g, network);
    list_append(&accounts->agreements, &g->link);
    accounts->agreement_count++;
    agree_next(accounts);
}

static void on_question(struct pool_job *job)
{
    struct accounts_question *q = container_of(job, struct accounts_question, job);
    struct accounts *a = q->accounts;

    q->err = open_ledger(a, &q->why);
    if (q->err == ERR_NONE)
        q->err = q->work(q, a->ledger, &q->why);
    close_after(a, q->err);
}

static void on_answered(struct pool_job *job)
{
    struct accounts_question *q = container_of(job, struct accounts_question, job);

    q->accounts->question_count--;
    q->done(q);
}

enum err accounts_ask(struct accounts *accounts, struct accounts_question *question)
{
    if (accounts->question_count == ACCOUNTS_QUESTIONS_MAX) {
        counter_up(&accounts->counts.refused);
        return ERR_LIMIT;
    }
    question->accounts = accounts;
    question->job =
        (struct pool_job){ .work = on_question, .done = on_answered, .loop = accounts->loop };
    TRY(pool_submit(accounts->pool, &question->job));
    accounts->question_count++;
    counter_up(&accounts->counts.questions);
    return ERR_NONE;
}

enum err accounts_new(
    const struct accounts_plan *plan, struct accounts_user *user, struct accounts **accounts)
{
    struct pool *pool = NULL;

    TRY(pool_new(plan->threads, WAITING_MAX, &pool));
    struct accounts *a = mem_new(struct accounts);

    a->user = user;
    a->loop = plan->loop;
    a->log = plan->log;
    a->node = plan->node;
    a->path = mem_text(plan->path, strlen(plan->path));
    a->pool = pool;
    a->retry.fire = on_retry;
    list_init(&a->takings);
    list_init(&a->agreements);
    list_init(&a->refusals);
    *accounts = a;
    return ERR_NONE;
}

void accounts_free(struct accounts *accounts)
{
    if (accounts == NULL)
        return;
    pool_free(accounts->pool);
    timer_clear(accounts->loop, &accounts->retry);
    list_each_safe (link, &accounts->takings) {
        struct taking *t = container_of(link, struct taking, link);

        loop_unpost(accounts->loop, &t->job.message);
        taking_free(t);
    }
    list_each_safe (link, &accounts->agreements) {
        struct agreement *g = container_of(link, struct agreement, link);

        loop_unpost(accounts->loop, &g->job.message);
        agreement_free(g);
    }
    list_each_safe (link, &accounts->refusals)
        refusal_free(accounts, container_of(link, struct refusal, link));
    ledger_close(accounts->ledger);
    mem_free(accounts->path);
    mem_free(accounts);
}

bool accounts_is_failing(const struct accounts *accounts)
{
    return accounts->is_failing;
}

const struct accounts_counts *accounts_counts(const struct accounts *accounts)
{
    return &accounts->counts;
}
