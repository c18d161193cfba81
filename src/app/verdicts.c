// SPDX-License-Identifier: Apache-2.0
#include "app/verdicts.h"

#include "app/hearing.h"
#include "app/noting.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/loop.h"
#include "probe/probe.h"
#include "steer/blindness.h"
#include "steer/peers.h"
#include "steer/watch.h"
#include "wire/report.h"

struct verdicts {
    struct hearing_follower follower;
    struct hearing *hearing;
    struct loop *loop;
    struct log *log;
    struct slice name;
    uint64_t self;
    struct steer_rows *rows;
    const struct watch_table *watch; // NULL: all watch
    struct probes *probes;           // NULL: not those of the rows
    struct votes *votes;
    struct blindness *blindness;
    bool is_blind, is_suspect;
    struct instant suspected; // when it became suspect
    struct changes *changes;  // NULL: nobody wants to know
    struct verdicts_counts counts;
};

#define COUNTER_ROW_OF_VERDICTS(field, name, labels, help) \
    COUNTER_ROW(struct verdicts_counts, field, name, labels, help),

const struct counter_row verdicts_counter_rows[] = { VERDICTS_COUNTERS(COUNTER_ROW_OF_VERDICTS) };
const size_t verdicts_counter_row_count = COUNT_OF(verdicts_counter_rows);

void verdicts_free(struct verdicts *verdicts)
{
    if (verdicts == NULL)
        return;
    votes_free(verdicts->votes);
    blindness_free(verdicts->blindness);
    mem_free(verdicts);
}

static void on_changed(void *to, uint32_t at, const struct votes_tally *tally)
{
    struct verdicts *v = to;
    const struct check *check = &v->rows->checks->list[at];
    static const char *const OWN[] = {
        [VOTES_NONE] = "unknown", [VOTES_UP] = "up", [VOTES_DOWN] = "down"
    };
    enum votes_word word = tally->is_down ? VOTES_DOWN : VOTES_UP;
    char name[CHECK_NAME_MAX];

    // Who does not watch it would else go on as before with its fills, until its next probe.
    if (v->probes != NULL && tally->own != word)
        probes_hurry(v->probes, at);
    counter_up(tally->is_down ? &v->counts.down : &v->counts.up);
    steer_health_set(v->rows, at, STEER_DOWN, tally->is_down);
    // Whatever it said when it went: it is there again.
    if (!tally->is_down)
        steer_health_set(v->rows, at, STEER_LEAVING, false);
    log_line(v->log, tally->is_down ? LOG_WARNING : LOG_INFO, "steer",
        "%s node=%.*s check=\"%s\" here=%s groups=%u down=%u", tally->is_down ? "down" : "up",
        SLICE_ARG(v->name), check_name(check, name), OWN[tally->own], tally->groups, tally->down);
    note_target(v->changes, loop_wall(v->loop), check, tally);
}

void verdicts_probe(struct verdicts *verdicts, struct probes *probes)
{
    struct verdicts *v = verdicts;

    v->probes = probes;
    for (uint32_t i = 0; i < v->rows->checks->count; i++) {
        struct votes_tally tally = votes_tally(v->votes, i);

        if (tally.own != VOTES_NONE && tally.own != (tally.is_down ? VOTES_DOWN : VOTES_UP))
            probes_hurry(probes, i);
    }
}

static void decide(struct verdicts *v)
{
    votes_decide(v->votes, on_changed, v);
}

static void look(struct verdicts *v)
{
    votes_sight(
        v->votes, (struct votes_sight){ .is_blind = v->is_blind, .is_suspect = v->is_suspect });
}

static void note_blindness(struct verdicts *v)
{
    bool is_blind = blindness_is_blind(v->blindness);

    if (is_blind == v->is_blind)
        return;
    v->is_blind = is_blind;
    counter_add(&v->counts.blind, is_blind);
    log_line(v->log, is_blind ? LOG_WARNING : LOG_INFO, "steer", "%s node=%.*s",
        is_blind ? "blind" : "sees", SLICE_ARG(v->name));
    look(v);
    hearing_say_flag(v->hearing, HEARTBEAT_BLIND, is_blind);
}

void verdicts_use(
    struct verdicts *verdicts, struct steer_rows *rows, const struct watch_table *watch)
{
    const struct steer_rows *from = verdicts->rows;

    for (uint32_t i = 0; i < rows->checks->count; i++) {
        uint32_t at = checks_find(from->checks, rows->checks->list[i].id);
        uint8_t health = steer_health(from, at); // 0 where there was none

        steer_health_set(rows, i, STEER_DOWN, (health & STEER_DOWN) != 0);
        steer_health_set(rows, i, STEER_DOWN_HERE, (health & STEER_DOWN_HERE) != 0);
        steer_health_set(rows, i, STEER_LEAVING, (health & STEER_LEAVING) != 0);
    }
    verdicts->rows = rows;
    verdicts->watch = watch;
    verdicts->probes = NULL; // theirs are still the checks before
    votes_use(verdicts->votes, rows->network, rows->checks, watch);
    blindness_use(verdicts->blindness, rows->checks, watch, verdicts->self);
    note_blindness(verdicts);
    decide(verdicts);
}

void verdicts_learn(struct verdicts *verdicts, const struct check *check, bool is_up)
{
    uint32_t at = checks_find(verdicts->rows->checks, check->id);

    if (at == CHECK_NONE)
        return;
    // First: what blinds us must not count for a moment.
    blindness_learn(verdicts->blindness, at, is_up, loop_now(verdicts->loop));
    note_blindness(verdicts);
    steer_health_set(verdicts->rows, at, STEER_DOWN_HERE, !is_up);
    votes_say(verdicts->votes, verdicts->self, at, is_up ? VOTES_UP : VOTES_DOWN);
    decide(verdicts);
    hearing_tell_now(verdicts->hearing);
}

static bool does_watch(const struct verdicts *v, uint32_t check)
{
    return v->watch == NULL || watch_has(v->watch, check, v->self);
}

static enum votes_word own_word(const struct verdicts *v, uint32_t check)
{
    return votes_tally(v->votes, check).own;
}

static void on_health(struct hearing_follower *follower, const struct report *report)
{
    struct verdicts *v = container_of(follower, struct verdicts, follower);
    uint32_t at = checks_find(v->rows->checks, report->check);
    enum votes_word word = report->value != 0 ? VOTES_UP : VOTES_DOWN;

    if (at == CHECK_NONE)
        return;
    votes_say(v->votes, report->observer, at, word);
    if (v->probes != NULL && does_watch(v, at) && own_word(v, at) != word)
        probes_hurry(v->probes, at);
    decide(v);
}

/* CHECK_NONE where nothing of it is measured. */
static uint32_t check_of(const struct verdicts *v, uint64_t observer)
{
    const struct network *network = v->rows->network;

    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++)
            if (hash_bytes(network->pops[i].nodes[j].name, 0) == observer)
                return checks_of_node(v->rows->checks, &network->pops[i].nodes[j]);
    return CHECK_NONE;
}

static void note_leaving(struct verdicts *v, uint32_t at, const struct peer *peer, bool is_leaving)
{
    if (((steer_health(v->rows, at) & STEER_LEAVING) != 0) == is_leaving)
        return;
    steer_health_set(v->rows, at, STEER_LEAVING, is_leaving);
    log_line(v->log, LOG_INFO, "steer", "%s node=%.*s peer=%.*s", is_leaving ? "leaving" : "stays",
        SLICE_ARG(v->name), SLICE_ARG(peer->name));
}

/* What follows of how a peer stands now. */
static void judge(struct verdicts *v, const struct peer *peer)
{
    uint8_t flags = peer->heartbeat == NULL ? 0 : peer->heartbeat->flags;
    uint32_t at = check_of(v, peer->observer);

    votes_count(v->votes, peer->observer,
        peer->is_present && (flags & (HEARTBEAT_BLIND | HEARTBEAT_SUSPECT)) == 0);
    if (at != CHECK_NONE)
        note_leaving(v, at, peer, (flags & HEARTBEAT_LEAVING) != 0);
    if (at != CHECK_NONE && peer->is_missing && v->probes != NULL)
        probes_alarm(v->probes, at);
    decide(v);
}

static void on_presence(struct hearing_follower *follower, const struct peer *peer)
{
    struct verdicts *v = container_of(follower, struct verdicts, follower);

    note_peer(v->changes, loop_wall(v->loop), peer);
    judge(v, peer);
}

static void on_said(
    struct hearing_follower *follower, const struct peer *peer, const struct heartbeat *)
{
    judge(container_of(follower, struct verdicts, follower), peer);
}

static void on_suspect(struct hearing_follower *follower, bool is_suspect)
{
    struct verdicts *v = container_of(follower, struct verdicts, follower);

    v->is_suspect = is_suspect;
    v->suspected = loop_now(v->loop);
    look(v);
    decide(v);
}

static const struct hearing_follower_ops FOLLOWER_OPS = {
    .presence = on_presence, .said = on_said, .health = on_health, .suspect = on_suspect
};

struct verdicts *verdicts_new(const struct verdicts_plan *plan)
{
    struct verdicts *v = mem_new(struct verdicts);

    v->follower.ops = &FOLLOWER_OPS;
    v->hearing = plan->hearing;
    v->loop = plan->loop;
    v->log = plan->log;
    v->name = plan->name;
    v->self = hash_bytes(plan->name, 0);
    v->rows = plan->rows;
    v->votes = votes_new(v->self);
    v->blindness = blindness_new();
    v->watch = plan->watch;
    votes_use(v->votes, plan->rows->network, plan->rows->checks, plan->watch);
    blindness_use(v->blindness, plan->rows->checks, plan->watch, v->self);
    hearing_follow(v->hearing, &v->follower);
    return v;
}

void verdicts_note(struct verdicts *verdicts, struct changes *changes)
{
    verdicts->changes = changes;
}

bool verdicts_keep_map(const struct verdicts *verdicts)
{
    return verdicts->is_suspect &&
           instant_since(verdicts->suspected, loop_now(verdicts->loop)).ns < VERDICTS_KEEP_MAP.ns;
}

bool verdicts_is_blind(const struct verdicts *verdicts)
{
    return verdicts->is_blind;
}

struct votes_tally verdicts_tally(const struct verdicts *verdicts, uint32_t check)
{
    return votes_tally(verdicts->votes, check);
}

const struct verdicts_counts *verdicts_counts(const struct verdicts *verdicts)
{
    return &verdicts->counts;
}
