// SPDX-License-Identifier: Apache-2.0
#include "app/settling.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "app/accounts.h"
#include "app/hearing.h"
#include "base/mem.h"
#include "conf/network.h"
#include "io/loop.h"
#include "meter/closing.h"
#include "meter/journal.h"
#include "meter/usage.h"
#include "steer/peers.h"
#include "wire/settle.h"

struct settling {
    struct accounts_user accounts_user;
    struct journal_user journal_user;
    struct hearing_follower follower;
    struct loop *loop;
    struct log *log;
    struct usage *usage;
    struct closing *closing;
    struct journal *journal;
    struct accounts *accounts; // NULL: another node keeps them
    struct hearing *hearing;   // NULL: no bus
    char node[USAGE_NAME_MAX], keeper[USAGE_NAME_MAX];
    size_t node_length, keeper_length;
    struct loop_message begin;
    struct timer tick, again;
    bool is_waiting;    // for an answer
    unsigned refusals;  // in a row
    struct wall closed; // end of the newest interval of this boot
    bool has_closed;
    bool is_ending;
    atomic_bool is_written;
    struct settling_counts counts;
};

#define COUNTER_ROW_OF_SETTLING(field, name, labels, help) \
    COUNTER_ROW(struct settling_counts, field, name, labels, help),

const struct counter_row settling_counter_rows[] = { SETTLING_COUNTERS(COUNTER_ROW_OF_SETTLING) };
const size_t settling_counter_row_count = COUNT_OF(settling_counter_rows);

static struct slice own_name(const struct settling *s)
{
    return slice_of(s->node, s->node_length);
}

static struct slice keeper_name(const struct settling *s)
{
    return slice_of(s->keeper, s->keeper_length);
}

static size_t copy_name(char *room, struct slice name)
{
    assert(name.length <= USAGE_NAME_MAX);
    if (name.length > 0)
        memcpy(room, name.at, name.length);
    return name.length;
}

/* By the release in use, whatever file is open. */
static bool keeps_accounts(const struct settling *s)
{
    return s->accounts != NULL && slice_equal(own_name(s), keeper_name(s));
}

/* Asks the journal for what is next to be told. */
static void ask(struct settling *s)
{
    struct journal_state state = journal_state(s->journal);

    if (!s->is_waiting && !timer_is_set(&s->again) && state.last > state.settled)
        journal_ask(s->journal, SETTLING_BATCH_BYTES);
}

static void publish(struct settling *s, const struct settle *settle)
{
    char *room = mem_alloc(SETTLE_ANSWER_MAX + settle->entries.length);

    if (s->hearing != NULL)
        hearing_publish(s->hearing, BUS_USAGE, settle_write(settle, room));
    mem_free(room);
}

/* Entries, or with none the question how far the chain is. */
static void tell(struct settling *s, struct slice entries)
{
    s->is_waiting = true;
    timer_set(s->loop, &s->again, instant_after(loop_now(s->loop), SETTLING_PATIENCE));
    counter_add(&s->counts.batches, entries.length > 0);
    if (keeps_accounts(s))
        accounts_settle(s->accounts, &(struct ledger_batch){ own_name(s), entries });
    else
        publish(
            s, &(struct settle){ .kind = SETTLE_BATCH, .to = keeper_name(s), .entries = entries });
}

static void on_pending(struct journal_user *user, const struct journal_pending *pending)
{
    struct settling *s = container_of(user, struct settling, journal_user);

    if (!s->is_waiting && pending->first > 0)
        tell(s, pending->batch);
}

static void on_again(struct timer *timer)
{
    struct settling *s = container_of(timer, struct settling, again);

    if (s->is_waiting) {
        counter_up(&s->counts.unanswered);
        tell(s, SLICE_NONE);
    } else {
        ask(s);
    }
}

/* The first of a row of refusals is said; a later one no more often than it is asked. */
static void rest_after_refusal(struct settling *s, enum settle_answer answer)
{
    struct span rest = SETTLING_PATIENCE;

    for (unsigned i = 0; i < s->refusals && rest.ns < SETTLING_REST.ns; i++)
        rest.ns *= 2;
    counter_up(&s->counts.refusals);
    if (s->refusals++ == 0)
        log_line(s->log, LOG_WARNING, "usage", "refused node=%.*s by=%.*s reason=%s",
            SLICE_ARG(own_name(s)), SLICE_ARG(keeper_name(s)), settle_answer_text(answer));
    timer_set(s->loop, &s->again,
        instant_after(loop_now(s->loop), rest.ns < SETTLING_REST.ns ? rest : SETTLING_REST));
}

static void on_answer(
    struct settling *s, enum settle_answer answer, const struct settle_position *position)
{
    s->is_waiting = false;
    timer_clear(s->loop, &s->again);
    if (answer != SETTLE_MOVED)
        journal_settled(s->journal, position->sequence, position->hash);
    if (answer != SETTLE_ALL) {
        rest_after_refusal(s, answer);
        return;
    }
    counter_up(&s->counts.answers);
    s->refusals = 0;
    ask(s);
}

static void on_answered(struct accounts_user *user, struct slice node, enum settle_answer answer,
    const struct settle_position *position)
{
    struct settling *s = container_of(user, struct settling, accounts_user);

    if (slice_equal(node, own_name(s)))
        on_answer(s, answer, position);
    else
        publish(
            s, &(struct settle){
                   .kind = SETTLE_ANSWER, .to = node, .answer = answer, .position = *position });
}

static const struct accounts_user_ops ACCOUNTS_OPS = { .answered = on_answered };

/* What came after the ledger was carried to another node would be in this one alone: who has not
 * heard of it is told, and keeps its entries until its release names the other. */
static void take(struct settling *s, struct slice node, struct slice entries)
{
    if (keeps_accounts(s)) {
        accounts_settle(s->accounts, &(struct ledger_batch){ node, entries });
        return;
    }
    counter_up(&s->counts.moved);
    publish(s, &(struct settle){ .kind = SETTLE_ANSWER, .to = node, .answer = SETTLE_MOVED });
}

static void on_message(struct hearing_follower *follower, enum bus_lane lane,
    const struct peer *from, struct slice payload)
{
    struct settling *s = container_of(follower, struct settling, follower);
    struct settle settle;

    if (lane != BUS_USAGE)
        return;
    if (!settle_parse(payload, &settle)) {
        counter_up(&s->counts.strange);
        return;
    }
    if (!slice_equal(settle.to, own_name(s)))
        return;
    if (settle.kind == SETTLE_BATCH && s->accounts != NULL)
        take(s, from->name, settle.entries);
    else if (settle.kind == SETTLE_ANSWER && slice_equal(from->name, keeper_name(s)))
        on_answer(s, settle.answer, &settle.position);
    else
        counter_up(&s->counts.strange);
}

static const struct hearing_follower_ops FOLLOWER_OPS = { .message = on_message };

/* An entry of each slot that changed. False: there is nothing more to close; else it is on its way
 * to the disk, or what there is no room for has its turn later. */
static bool close_slots(struct settling *s, bool is_dead, size_t slots)
{
    char room[USAGE_ENTRY_MAX];
    bool has_put = false;

    for (size_t i = 0; i < slots && journal_takes(s->journal); i++) {
        struct usage_slot slot;

        if (is_dead)
            usage_dead_slot(s->usage, i, &slot);
        else
            usage_live_slot(s->usage, i, &slot);
        struct slice entry =
            closing_entry(s->closing, slot.customer, slot.site, &slot.totals, room);

        if (entry.length == 0)
            continue;
        journal_put(s->journal, entry);
        has_put = true;
    }
    journal_write(s->journal);
    return has_put;
}

static struct wall later(struct wall a, struct wall b)
{
    return a.ms > b.ms ? a : b;
}

/* One is let go when a second look finds nothing that is not on disk. False: none is left. */
static bool close_dead(struct settling *s)
{
    struct wall last = closing_position(s->closing)->end;
    struct usage_boot boot;

    while (usage_dead(s->usage, &boot)) {
        // It is no jump of the clock when the journal knows of it longer than it was seen alive.
        boot.begin = later(boot.begin, last);
        closing_begin(s->closing, boot.boot, boot.begin, later(boot.begin, boot.end));
        if (close_slots(s, true, boot.slots))
            return true;
        // What is known of it would be forgotten with the next one's entries.
        if (!usage_bury(s->usage))
            return true;
    }
    return false;
}

/* All that can be closed now: nothing while earlier entries are not on disk. */
static void close_interval(struct settling *s, struct wall end)
{
    struct usage_boot boot;

    if (!journal_takes(s->journal) || close_dead(s)) {
        counter_up(&s->counts.late);
        return;
    }
    usage_live(s->usage, &boot);
    closing_begin(s->closing, boot.boot, s->has_closed ? s->closed : boot.begin, end);
    s->has_closed = true;
    s->closed = end;
    close_slots(s, false, boot.slots);
}

/* Looks again until there is nothing left to close. */
static void end_when_written(struct settling *s)
{
    close_interval(s, loop_wall(s->loop));
    if (journal_takes(s->journal))
        atomic_store(&s->is_written, true);
}

static void on_written(struct journal_user *user, uint64_t sequence)
{
    struct settling *s = container_of(user, struct settling, journal_user);

    (void)sequence;
    ask(s);
    if (s->is_ending)
        end_when_written(s);
}

static const struct journal_user_ops JOURNAL_OPS = { .written = on_written, .pending = on_pending };

/* Timers may be a little early: an interval ends at the multiple of SETTLING_TICK_MS nearby. */
static void on_tick(struct timer *timer)
{
    struct settling *s = container_of(timer, struct settling, tick);
    struct wall now = loop_wall(s->loop);
    int64_t nearby_ms = now.ms + SETTLING_TICK_MS / 2;
    struct wall end = { nearby_ms - nearby_ms % SETTLING_TICK_MS };

    usage_tick(s->usage, end);
    close_interval(s, end);
    ask(s);
    timer_set(s->loop, timer,
        instant_after(loop_now(s->loop), span_ms(end.ms + SETTLING_TICK_MS - now.ms)));
}

static void on_begin(struct loop_message *message)
{
    struct settling *s = container_of(message, struct settling, begin);
    struct wall now = loop_wall(s->loop);

    if (close_dead(s))
        counter_up(&s->counts.late);
    ask(s);
    timer_set(s->loop, &s->tick,
        instant_after(loop_now(s->loop), span_ms(SETTLING_TICK_MS - now.ms % SETTLING_TICK_MS)));
}

/* What a reload cannot give: a ledger, or a journal's end. */
static void warn_of_accounts(struct settling *s, const struct network *network)
{
    bool is_own = slice_equal(network->accounts_node, own_name(s));

    if (network->accounts_node.length == 0 || (is_own && s->accounts == NULL))
        log_line(s->log, LOG_WARNING, "app", "needs_restart node=%.*s setting=accounts",
            SLICE_ARG(own_name(s)));
}

void settling_use(struct settling *settling, const struct network *network)
{
    struct settling *s = settling;

    warn_of_accounts(s, network);
    bool is_new =
        network->accounts_node.length > 0 && !slice_equal(network->accounts_node, keeper_name(s));

    if (is_new)
        s->keeper_length = copy_name(s->keeper, network->accounts_node);
    if (keeps_accounts(s))
        accounts_agree(s->accounts, network);
    if (!is_new)
        return;
    // What was told to another is told anew.
    timer_clear(s->loop, &s->again);
    s->is_waiting = false;
    s->refusals = 0;
    ask(s);
}

static struct settling *make(const struct settling_plan *plan)
{
    struct settling *s = mem_new(struct settling);

    *s = (struct settling){
        .accounts_user.ops = &ACCOUNTS_OPS,
        .journal_user.ops = &JOURNAL_OPS,
        .follower.ops = &FOLLOWER_OPS,
        .loop = plan->loop,
        .log = plan->log,
        .usage = plan->usage,
        .begin.run = on_begin,
        .tick.fire = on_tick,
        .again.fire = on_again,
        .closing = closing_new(plan->node, plan->pop),
    };
    s->node_length = copy_name(s->node, plan->node);
    char *node = mem_text(plan->node.at, plan->node.length);

    s->journal = journal_new(&(struct journal_plan){ .loop = plan->loop,
                                 .pool = plan->pool,
                                 .log = plan->log,
                                 .closing = s->closing,
                                 .node = node,
                                 .folder = plan->folder },
        &s->journal_user);
    mem_free(node);
    return s;
}

enum err settling_new(
    const struct settling_plan *plan, const struct network *network, struct settling **settling)
{
    struct settling *s = make(plan);

    if (plan->ledger != NULL) {
        enum err err = accounts_new(&(struct accounts_plan){ .loop = plan->loop,
                                        .log = plan->log,
                                        .node = own_name(s),
                                        .path = plan->ledger,
                                        .threads = plan->threads },
            &s->accounts_user, &s->accounts);

        if (err != ERR_NONE) {
            settling_free(s);
            return err;
        }
    }
    journal_read(s->journal);
    settling_use(s, network);
    loop_post(plan->loop, &s->begin);
    *settling = s;
    return ERR_NONE;
}

void settling_join(struct settling *settling, struct hearing *hearing)
{
    settling->hearing = hearing;
    hearing_follow(hearing, &settling->follower);
}

void settling_free(struct settling *settling)
{
    if (settling == NULL)
        return;
    timer_clear(settling->loop, &settling->tick);
    timer_clear(settling->loop, &settling->again);
    loop_unpost(settling->loop, &settling->begin);
    accounts_free(settling->accounts);
    journal_free(settling->journal);
    closing_free(settling->closing);
    mem_free(settling);
}

void settling_end(struct settling *settling)
{
    timer_clear(settling->loop, &settling->tick);
    usage_tick(settling->usage, loop_wall(settling->loop));
    settling->is_ending = true;
    end_when_written(settling);
}

bool settling_is_written(const struct settling *settling)
{
    return atomic_load(&settling->is_written);
}

struct accounts *settling_accounts(const struct settling *settling)
{
    return settling->accounts;
}

const struct closing *settling_closing(const struct settling *settling)
{
    return settling->closing;
}

const struct journal *settling_journal(const struct settling *settling)
{
    return settling->journal;
}

const struct settling_counts *settling_counts(const struct settling *settling)
{
    return &settling->counts;
}
