// SPDX-License-Identifier: Apache-2.0
#include "app/hearing.h"

#include <assert.h>

#include "app/heart.h"
#include "app/orders.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/loop.h"
#include "steer/observer.h"
#include "steer/peers.h"
#include "steer/view.h"
#include "wire/digest.h"

enum { DIGEST_MAX = DIGEST_HEADER_SIZE + DIGEST_REPORTS_MAX * DIGEST_REPORT_SIZE };

static_assert(DIGEST_MAX <= (int)BUS_PAYLOAD_MAX, "the bus carries the longest digest");

struct hearing {
    struct bus_user user;
    struct bus *bus;       // NULL: alone
    struct orders *orders; // NULL: the log is not followed
    struct loop *loop;
    struct log *log;
    struct observer *observer;
    struct view *view;
    struct peers *peers;
    const struct checks *checks;
    char *name;
    struct digest head; // of the next digest
    struct digest_writer writer;
    struct instant told, told_all;
    struct instant clocks_next; // not to be spoken of before that
    struct timer news;          // set: a digest out of turn is due
    struct heart heart;
    struct timer look; // set: a peer that is present may fall silent
    struct list followers;
    bool owes_all, is_lost, is_suspect;
    struct hearing_counts counts;
    char bytes[DIGEST_MAX]; // of the digest being made
};

#define COUNTER_ROW_OF_HEARING(field, name, labels, help) \
    COUNTER_ROW(struct hearing_counts, field, name, labels, help),

const struct counter_row hearing_counter_rows[] = { HEARING_COUNTERS(COUNTER_ROW_OF_HEARING) };
const size_t hearing_counter_row_count = COUNT_OF(hearing_counter_rows);

/* Calls one op of every follower that has it. */
#define TELL(h, op, ...)                                                                         \
    list_each (link_, &(h)->followers) {                                                         \
        struct hearing_follower *follower_ = container_of(link_, struct hearing_follower, link); \
                                                                                                 \
        if (follower_->ops->op != NULL)                                                          \
            follower_->ops->op(follower_, __VA_ARGS__);                                          \
    }

/* Of this lane, by what becomes of its messages; the rows stand in the same order for each. */
static struct counter *counter_of(struct hearing *h, enum bus_lane lane, enum peers_verdict verdict)
{
    struct hearing_counts *c = &h->counts;
    bool is_beat = lane == BUS_HEARTBEATS;

    switch (verdict) {
    case PEERS_HEARD:
    case PEERS_RETURNED: return is_beat ? &c->beat_taken : &c->taken;
    case PEERS_TWIN: return is_beat ? &c->beat_twin : &c->twin;
    case PEERS_UNKNOWN: return is_beat ? &c->beat_unknown : &c->unknown;
    case PEERS_IMPOSTOR: return is_beat ? &c->beat_impostor : &c->impostor;
    case PEERS_FUTURE: return is_beat ? &c->beat_future : &c->future;
    case PEERS_REPLAYED: return is_beat ? &c->beat_replayed : &c->replayed;
    case PEERS_VERDICT_COUNT: break;
    }
    assert(false);
    return NULL;
}

/* Not at each word of that peer. */
static void say_clocks(struct hearing *h, struct slice from)
{
    struct instant now = loop_now(h->loop);

    if (now.ns < h->clocks_next.ns)
        return;
    h->clocks_next = instant_after(now, HEARING_CLOCKS);
    log_line(h->log, LOG_WARNING, "bus",
        "clock_ahead node=%s peer=%.*s mend=\"have both set their clocks by NTP; until then the "
        "peer is not heard\"",
        h->name, SLICE_ARG(from));
}

/* True: it is to be taken. Words that nobody should say are logged. */
static bool is_taken(
    struct hearing *h, enum bus_lane lane, struct slice from, enum peers_verdict verdict)
{
    counter_up(counter_of(h, lane, verdict));
    if (verdict == PEERS_TWIN)
        log_remote(h->log, loop_wall(h->loop), "bus", "twin node=%s", h->name);
    if (verdict == PEERS_IMPOSTOR)
        log_remote(h->log, loop_wall(h->loop), "bus", "impostor node=%s from=\"%.*s\"", h->name,
            SLICE_ARG(from));
    if (verdict == PEERS_FUTURE)
        say_clocks(h, from);
    return verdict == PEERS_HEARD || verdict == PEERS_RETURNED;
}

static void say_suspect(struct hearing *h)
{
    struct instant now = loop_now(h->loop);
    bool is_suspect = peers_are_few(h->peers, now);

    if (is_suspect == h->is_suspect)
        return;
    h->is_suspect = is_suspect;
    log_line(h->log, is_suspect ? LOG_WARNING : LOG_INFO, "bus", "%s node=%s present=%zu peers=%zu",
        is_suspect ? "suspect" : "trusted", h->name, peers_present(h->peers, now),
        peers_count(h->peers));
    hearing_say_flag(h, HEARTBEAT_SUSPECT, is_suspect);
    TELL(h, suspect, is_suspect);
}

static void tell_presence(void *to, const struct peer *peer)
{
    struct hearing *h = to;
    bool has_left = peer->heartbeat != NULL && (peer->heartbeat->flags & HEARTBEAT_LEAVING) != 0;

    if (peer->is_missing)
        counter_up(&h->counts.missed);
    log_line(h->log, peer->is_present || has_left ? LOG_INFO : LOG_WARNING, "bus",
        "%s node=%s peer=%.*s",
        peer->is_present ? "present"
        : has_left       ? "left"
                         : "missing",
        h->name, SLICE_ARG(peer->name));
    TELL(h, presence, peer);
}

/* Who came and who is silent; and whether too many are. */
static void look(struct hearing *h)
{
    struct instant next = peers_look(h->peers, loop_now(h->loop), tell_presence, h);

    if (next.ns == INSTANT_NEVER.ns)
        timer_clear(h->loop, &h->look);
    else
        timer_set(h->loop, &h->look, next);
    say_suspect(h);
}

static void on_look(struct timer *timer)
{
    look(container_of(timer, struct hearing, look));
}

/* A peer before a word of it was heard, to be compared with what it is then. */
struct before {
    struct peer peer;
    struct heartbeat heartbeat; // where the peer has one
};

static bool peer_before(struct hearing *h, struct slice from, struct before *before)
{
    if (!peers_find(h->peers, hash_bytes(from, 0), loop_now(h->loop), &before->peer))
        return false;
    if (before->peer.heartbeat != NULL) {
        before->heartbeat = *before->peer.heartbeat;
        before->peer.heartbeat = &before->heartbeat;
    }
    return true;
}

/* A word of it was taken: who is told what of that. */
static void tell_changes(struct hearing *h, const struct before *before)
{
    const struct heartbeat *then = before->peer.heartbeat, *now;
    struct peer peer;
    bool is_there = peers_find(h->peers, before->peer.observer, loop_now(h->loop), &peer);

    assert(is_there);
    now = peer.heartbeat;
    bool is_other = (then == NULL) != (now == NULL);

    if (is_other || (then != NULL && !heartbeat_says_same(then, now)))
        TELL(h, said, &peer, then);
    if (!before->peer.is_present || is_other) // a heartbeat makes silence count sooner
        look(h);
}

static void take_all(struct hearing *h, const struct digest *digest)
{
    struct report report;

    for (size_t at = 0; digest_next(digest, &at, &report);) {
        if (checks_find(h->checks, report.check) == CHECK_NONE) {
            counter_up(&h->counts.foreign);
            continue;
        }
        (void)view_take(h->view, &report, loop_wall(h->loop)); // which counts what it refuses
        if (report.kind == REPORT_HEALTH && report_is_sane(&report))
            TELL(h, health, &report);
    }
}

static void on_digest(struct hearing *h, struct slice from, struct slice payload)
{
    struct digest digest;
    struct before before;

    if (!digest_parse(payload, &digest)) {
        counter_up(&h->counts.malformed);
        return;
    }
    bool is_peer = peer_before(h, from, &before);
    enum peers_verdict verdict =
        peers_hear(h->peers, from, &digest, loop_wall(h->loop), loop_now(h->loop));

    if (!is_taken(h, BUS_REPORTS, from, verdict))
        return;
    assert(is_peer);
    h->owes_all |= verdict == PEERS_RETURNED;
    tell_changes(h, &before);
    take_all(h, &digest);
}

static void on_heartbeat(struct hearing *h, struct slice from, struct slice payload)
{
    struct heartbeat heartbeat;
    struct before before;

    if (!heartbeat_parse(payload, &heartbeat)) {
        counter_up(&h->counts.beat_malformed);
        return;
    }
    bool is_peer = peer_before(h, from, &before);
    enum peers_verdict verdict =
        peers_hear_heartbeat(h->peers, from, &heartbeat, loop_wall(h->loop), loop_now(h->loop));

    if (!is_taken(h, BUS_HEARTBEATS, from, verdict))
        return;
    assert(is_peer);
    h->owes_all |= verdict == PEERS_RETURNED;
    tell_changes(h, &before);
}

/* Of a lane that is not read here. */
static void on_other(struct hearing *h, enum bus_lane lane, struct slice from, struct slice payload)
{
    struct peer peer;

    if (!peers_find(h->peers, hash_bytes(from, 0), loop_now(h->loop), &peer) ||
        !slice_equal(peer.name, from)) {
        counter_up(&h->counts.strange);
        return;
    }
    TELL(h, message, lane, &peer, payload);
}

static void on_message(
    struct bus_user *user, enum bus_lane lane, struct slice from, struct slice payload)
{
    struct hearing *h = container_of(user, struct hearing, user);

    switch ((int)lane) {
    case BUS_REPORTS: on_digest(h, from, payload); break;
    case BUS_HEARTBEATS: on_heartbeat(h, from, payload); break;
    default: on_other(h, lane, from, payload); break;
    }
}

static void on_linked(struct bus_user *user, bool is_linked, const char *why)
{
    struct hearing *h = container_of(user, struct hearing, user);

    if (!is_linked)
        log_line(h->log, LOG_WARNING, "bus", "lost node=%s reason=\"%s\"", h->name,
            why == NULL ? "" : why);
    else if (h->is_lost)
        log_line(h->log, LOG_INFO, "bus", "back node=%s", h->name);
    h->is_lost = !is_linked;
    h->owes_all |= is_linked;
    if (h->orders != NULL)
        orders_linked(h->orders, is_linked);
    if (is_linked)
        heart_beat(&h->heart);
}

static void on_order(struct bus_user *user, uint64_t era, uint64_t number, struct slice payload)
{
    orders_take(container_of(user, struct hearing, user)->orders, era, number, payload);
}

static void on_order_gap(struct bus_user *user, uint64_t era, uint64_t number)
{
    orders_gap(container_of(user, struct hearing, user)->orders, era, number);
}

static void on_behind(struct bus_user *user, bool is_behind)
{
    struct hearing *h = container_of(user, struct hearing, user);

    if (h->orders != NULL) // told also where nothing is followed
        orders_behind(h->orders, is_behind);
}

static void on_ordered(struct bus_user *user, uint64_t ticket, enum err err, uint64_t era,
    uint64_t number, const char *why)
{
    const struct orders_answer answer = { err, era, number, why };

    orders_ordered(container_of(user, struct hearing, user)->orders, ticket, &answer);
}

static const struct bus_user_ops USER_OPS = { .message = on_message,
    .linked = on_linked,
    .order = on_order,
    .order_gap = on_order_gap,
    .behind = on_behind,
    .ordered = on_ordered };

static void digest_open(struct hearing *h)
{
    h->head.at = loop_wall(h->loop);
    digest_begin(&h->writer, h->bytes, sizeof h->bytes, &h->head);
    h->head.sequence++;
}

static void digest_send(struct hearing *h)
{
    h->told = loop_now(h->loop);
    counter_up(&h->counts.told);
    counter_add(&h->counts.told_reports, h->writer.count);
    bus_publish(h->bus, BUS_REPORTS, digest_end(&h->writer));
}

/* What was measured before the clock was set back would look new at each telling. */
static void tell_others(struct hearing *h, const struct report *report)
{
    if (report->at.ms > h->head.at.ms || report->at.ms < h->head.at.ms - VIEW_KEPT_MS)
        return;
    if (digest_add(&h->writer, report))
        return;
    digest_send(h);
    digest_open(h);
    bool has_room = digest_add(&h->writer, report);

    assert(has_room);
}

static void tell_again(void *to, const struct report *report)
{
    tell_others(to, report);
}

static void tell_self(void *to, const struct report *report)
{
    struct hearing *h = to;

    (void)view_take(h->view, report, loop_wall(h->loop));
}

static void tell_news(void *to, const struct report *report)
{
    tell_self(to, report);
    tell_others(to, report);
}

/* Also where nothing is new, so that others know it for present. */
static void tell(struct hearing *h)
{
    struct instant now = loop_now(h->loop);
    bool is_all = h->owes_all || instant_since(h->told_all, now).ns >= HEARING_ALL.ns;

    digest_open(h);
    observer_report(h->observer, is_all ? tell_self : tell_news, h);
    if (is_all) {
        observer_each(h->observer, tell_again, h);
        h->told_all = now;
        h->owes_all = false;
    }
    digest_send(h);
}

void hearing_tell(struct hearing *hearing)
{
    if (hearing->bus == NULL)
        observer_report(hearing->observer, tell_self, hearing);
    else
        tell(hearing);
}

static void on_news(struct timer *timer)
{
    hearing_tell(container_of(timer, struct hearing, news));
}

void hearing_tell_now(struct hearing *hearing)
{
    struct instant now = loop_now(hearing->loop);
    struct instant due = instant_after(hearing->told, HEARING_NEWS_LEAST);

    if (!timer_is_set(&hearing->news))
        timer_set(hearing->loop, &hearing->news, due.ns > now.ns ? due : now);
}

void hearing_say_flag(struct hearing *hearing, enum heartbeat_flag flag, bool is_set)
{
    struct heartbeat says = hearing->heart.says;

    says.flags = (uint8_t)(is_set ? says.flags | flag : says.flags & ~flag);
    heart_says(&hearing->heart, &says);
}

void hearing_say_map(struct hearing *hearing, struct wall epoch, uint64_t hash)
{
    struct heartbeat says = hearing->heart.says;

    says.epoch = epoch;
    says.map = hash;
    heart_says(&hearing->heart, &says);
}

void hearing_say_orders(struct hearing *hearing, uint64_t era, uint64_t order, uint64_t drains)
{
    struct heartbeat says = hearing->heart.says;

    says.era = era;
    says.order = order;
    says.drains = drains;
    heart_says(&hearing->heart, &says);
}

void hearing_leave(struct hearing *hearing)
{
    hearing_say_flag(hearing, HEARTBEAT_LEAVING, true);
    heart_beat(&hearing->heart);
}

const struct heartbeat *hearing_says(const struct hearing *hearing)
{
    return &hearing->heart.says;
}

const struct peers *hearing_peers(const struct hearing *hearing)
{
    return hearing->peers;
}

bool hearing_is_suspect(const struct hearing *hearing)
{
    return hearing->is_suspect;
}

struct hearing *hearing_new(const struct hearing_plan *plan)
{
    struct hearing *h = mem_new(struct hearing);

    h->user.ops = &USER_OPS;
    h->loop = plan->loop;
    h->log = plan->log;
    h->observer = plan->observer;
    h->view = plan->view;
    h->peers = peers_new(plan->name);
    h->name = mem_text(plan->name.at, plan->name.length);
    h->head = (struct digest){ .observer = hash_bytes(plan->name, 0), .boot = plan->boot };
    h->owes_all = true;
    h->news.fire = on_news;
    h->look.fire = on_look;
    list_init(&h->followers);
    heart_init(&h->heart, plan->loop, h->head.observer, plan->boot);
    return h;
}

void hearing_free(struct hearing *hearing)
{
    if (hearing == NULL)
        return;
    timer_clear(hearing->loop, &hearing->news);
    timer_clear(hearing->loop, &hearing->look);
    heart_done(&hearing->heart);
    bus_free(hearing->bus);
    peers_free(hearing->peers);
    mem_free(hearing->name);
    mem_free(hearing);
}

struct bus_user *hearing_user(struct hearing *hearing)
{
    return &hearing->user;
}

void hearing_join(struct hearing *hearing, struct bus **bus)
{
    assert(hearing->bus == NULL);
    hearing->bus = *bus;
    *bus = NULL;
    if (hearing->orders != NULL)
        orders_join(hearing->orders, hearing->bus);
}

void hearing_obey(struct hearing *hearing, struct orders *orders)
{
    assert(hearing->bus == NULL && hearing->orders == NULL);
    hearing->orders = orders;
}

void hearing_follow(struct hearing *hearing, struct hearing_follower *follower)
{
    list_append(&hearing->followers, &follower->link);
}

void hearing_begin(struct hearing *hearing)
{
    if (hearing->bus != NULL)
        heart_begin(&hearing->heart, hearing->bus, &hearing->counts.beats);
}

void hearing_use(
    struct hearing *hearing, const struct network *network, const struct checks *checks)
{
    struct heartbeat says = hearing->heart.says;

    peers_use(hearing->peers, network);
    hearing->checks = checks;
    says.release = network->hash;
    heart_says(&hearing->heart, &says);
    say_suspect(hearing);
}

void hearing_publish(struct hearing *hearing, enum bus_lane lane, struct slice payload)
{
    assert(lane != BUS_REPORTS && lane != BUS_HEARTBEATS);
    if (hearing->bus != NULL)
        bus_publish(hearing->bus, lane, payload);
}

const struct bus *hearing_bus(const struct hearing *hearing)
{
    return hearing->bus;
}

const struct hearing_counts *hearing_counts(const struct hearing *hearing)
{
    return &hearing->counts;
}
