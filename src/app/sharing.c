// SPDX-License-Identifier: Apache-2.0
#include "app/sharing.h"

#include <assert.h>

#include "app/hearing.h"
#include "app/node.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/loop.h"
#include "steer/peers.h"
#include "steer/share.h"

#define LOOK      span_ms(50) // between two looks at what peers say
#define TELL_WAIT span_ms(20) // others may ask for the same
#define TELL_NEXT span_ms(10) // between two parts, for what else is to be said

enum { BEHIND_MS = 2 * STEER_EPOCH_MS + 2 * STEER_LAG_MS };

static_assert((int)SHARE_PART_MAX <= (int)BUS_PAYLOAD_MAX, "the bus carries a part");

/* What most hold, and what was done to have it. */
struct wish {
    uint64_t hash; // 0: nothing is wished
    struct instant since;
    struct share_taker *taker; // NULL: nobody is being asked
    uint64_t holder;           // who is, by hash of the name
    struct instant heard;      // when it was asked, or told the newest part
    unsigned asks;
};

/* The map that is being told, held meanwhile. */
struct telling {
    struct timer timer;
    uint64_t asked; // hash of what somebody asked for; 0: nobody did
    struct steer_map *map;
    struct share_walk walk;
    uint32_t total;
    struct instant begun;
};

struct sharing {
    struct hearing_follower follower;
    struct sharing_user *user;
    struct loop *loop;
    struct log *log;
    struct running_node *node;
    struct hearing *hearing;
    uint64_t self;
    struct timer look;
    struct instant until; // it is waited for the first map
    uint64_t own;         // hash of our map as we say it; 0: we say none
    struct wall epoch;    // of that
    struct steer_map *adopted;
    unsigned in_vain, rest; // adopted so often, and to do so no more for so many epochs
    struct share_word *words;
    size_t word_count, word_room;
    bool is_behind;     // as of the newest look
    bool all_are_heard; // of the peers, and they hold no map
    struct wish wish;
    struct telling telling;
    bool has_said_too_large;
    struct sharing_counts counts;
    char part[SHARE_PART_MAX];
};

#define ROW_OF_SHARING(...) COUNTER_ROW(struct sharing_counts, __VA_ARGS__),

const struct counter_row sharing_counter_rows[] = { SHARING_COUNTERS(ROW_OF_SHARING) };
const size_t sharing_counter_row_count = COUNT_OF(sharing_counter_rows);

static const struct root *root_now(const struct sharing *s)
{
    return node_root(s->node);
}

static void word_add(struct sharing *s, uint64_t node, uint64_t hash)
{
    s->words[s->word_count++] = (struct share_word){ node, hash };
}

/* We have no map of our own yet, or none that is of now: we made none for an epoch. */
static bool is_behind(const struct sharing *s)
{
    return s->own == 0 || loop_wall(s->loop).ms - s->epoch.ms > BEHIND_MS;
}

/* Who is behind takes a map of any epoch. */
static void hear_word(void *to, const struct peer *peer)
{
    struct sharing *s = to;
    const struct heartbeat *says = peer->heartbeat;

    s->all_are_heard = s->all_are_heard && says != NULL;
    if (says == NULL || !peer->is_present || says->map == 0 ||
        (says->flags & HEARTBEAT_SUSPECT) != 0 || says->release != root_now(s)->network->hash)
        return;
    if (s->is_behind || says->epoch.ms == s->epoch.ms)
        word_add(s, peer->observer, says->map);
}

/* Returns how many hold what most hold; they are the first of the words. */
static size_t words_hear(struct sharing *s)
{
    const struct peers *peers = hearing_peers(s->hearing);
    size_t room = peers_count(peers) + 1;

    if (room > s->word_room) {
        s->words = mem_resize(s->words, room * sizeof *s->words);
        s->word_room = room;
    }
    s->word_count = 0;
    s->is_behind = is_behind(s);
    s->all_are_heard = true;
    peers_each(peers, loop_now(s->loop), hear_word, s);
    if (s->word_count > 0)
        s->all_are_heard = false;
    if (s->own != 0)
        word_add(s, s->self, s->own);
    return share_choose(s->words, s->word_count);
}

static void wish_for(struct sharing *s, uint64_t hash)
{
    share_taker_free(s->wish.taker);
    s->wish = (struct wish){ .hash = hash, .since = loop_now(s->loop) };
}

/* The one of the holders whose turn it is. */
static void ask(struct sharing *s, size_t holders)
{
    const struct root *root = root_now(s);
    char bytes[MAP_ASK_SIZE];

    s->wish.holder = s->words[s->wish.asks++ % holders].node;
    s->wish.heard = loop_now(s->loop);
    share_taker_free(s->wish.taker);
    s->wish.taker = share_taker_new(root->rows, root_map(root), s->wish.hash);
    counter_up(&s->counts.asked);
    const struct map_part question = { .kind = MAP_ASK,
        .release = share_release(root->rows),
        .hash = s->wish.hash,
        .holder = s->wish.holder };

    hearing_publish(s->hearing, BUS_MAPS, map_ask_write(bytes, &question));
}

/* We hold, or will go on from, what most hold. */
static bool is_content(const struct sharing *s, uint64_t hash)
{
    return hash == (s->adopted != NULL ? s->adopted->shared_hash : s->own);
}

static void look(struct sharing *s)
{
    struct instant now = loop_now(s->loop);
    size_t holders = words_hear(s);
    uint64_t hash = holders > 0 ? s->words[0].hash : 0;

    if (hash == s->own && holders > 1)
        s->in_vain = 0;
    if (holders == 0 || is_content(s, hash) || hearing_is_suspect(s->hearing))
        hash = 0;
    if (hash != s->wish.hash)
        wish_for(s, hash);
    if (hash == 0 || s->rest > 0 || instant_since(s->wish.since, now).ns < SHARING_SETTLE.ns)
        return;
    if (s->wish.taker != NULL) {
        if (instant_since(s->wish.heard, now).ns < SHARING_ANSWER.ns)
            return;
        counter_up(&s->counts.unanswered);
        share_taker_free(s->wish.taker);
        s->wish.taker = NULL;
    }
    if (s->wish.asks < SHARING_ASKS_MAX)
        ask(s, holders);
}

static void on_look(struct timer *timer)
{
    struct sharing *s = container_of(timer, struct sharing, look);

    look(s);
    timer_set(s->loop, timer, instant_after(loop_now(s->loop), LOOK));
}

/* What others hold may not make ours equal, where we know other things than they. */
static void adopt(struct sharing *s, struct slice from)
{
    steer_map_free(s->adopted);
    s->adopted = share_taker_end(s->wish.taker);
    s->wish.taker = NULL;
    wish_for(s, 0);
    if (s->own != 0 && ++s->in_vain > SHARING_PATIENCE) {
        unsigned doublings = s->in_vain - SHARING_PATIENCE;

        s->rest = doublings < 4 ? 1U << doublings : SHARING_REST_EPOCHS;
    }
    counter_up(&s->counts.adopted);
    log_line(s->log, LOG_INFO, "steer", "map adopted node=%.*s from=%.*s", SLICE_ARG(s->node->name),
        SLICE_ARG(from));
    s->user->adopted(s->user);
}

static void on_part(struct sharing *s, const struct peer *from, const struct map_part *part)
{
    if (s->wish.taker == NULL || from->observer != s->wish.holder)
        return; // others talk among themselves
    switch (share_take(s->wish.taker, part)) {
    case SHARE_PASSED: break;
    case SHARE_MORE: s->wish.heard = loop_now(s->loop); break;
    case SHARE_WHOLE: adopt(s, from->name); break;
    case SHARE_REFUSED:
        counter_up(&s->counts.refused);
        log_remote(s->log, loop_wall(s->loop), "steer", "map refused node=%.*s from=%.*s",
            SLICE_ARG(s->node->name), SLICE_ARG(from->name));
        share_taker_free(s->wish.taker);
        s->wish.taker = NULL;
    }
}

static void tell_when_due(struct sharing *s)
{
    struct instant soon = instant_after(loop_now(s->loop), TELL_WAIT);
    struct instant least = instant_after(s->telling.begun, SHARING_TELL_LEAST);

    timer_set(s->loop, &s->telling.timer, soon.ns > least.ns ? soon : least);
}

static void on_ask(struct sharing *s, const struct map_part *question)
{
    if (question->holder != s->self)
        return;
    if (question->release != share_release(root_now(s)->rows)) {
        counter_up(&s->counts.foreign);
        return;
    }
    if (question->hash != s->own) {
        counter_up(&s->counts.stale);
        return;
    }
    s->telling.asked = question->hash;
    if (s->telling.map == NULL && !timer_is_set(&s->telling.timer))
        tell_when_due(s);
}

static void on_message(struct hearing_follower *follower, enum bus_lane lane,
    const struct peer *from, struct slice payload)
{
    struct sharing *s = container_of(follower, struct sharing, follower);
    struct map_part part;

    if (lane != BUS_MAPS)
        return;
    if (!map_part_parse(payload, &part))
        counter_up(&s->counts.malformed);
    else if (part.kind == MAP_ASK)
        on_ask(s, &part);
    else
        on_part(s, from, &part);
}

static const struct hearing_follower_ops FOLLOWER_OPS = { .message = on_message };

static void tell_end(struct sharing *s)
{
    if (s->telling.map != NULL)
        snapshot_release(&s->telling.map->value, loop_index(s->loop));
    s->telling.map = NULL;
}

/* False: it is not to be told. */
static bool tell_begin(struct sharing *s)
{
    struct telling *t = &s->telling;
    const struct root *root = root_now(s);
    struct steer_map *map = steer_map_of(snapshot_read(&root->map));
    struct share_size size = share_size(root->rows, map);
    uint64_t asked = t->asked;

    t->asked = 0;
    if (map->shared_hash != asked) {
        counter_up(&s->counts.stale);
        return false;
    }
    if (size.bytes > SHARE_BYTES_MAX) {
        counter_up(&s->counts.too_large);
        if (!s->has_said_too_large)
            log_line(s->log, LOG_WARNING, "steer", "map too large to share node=%.*s bytes=%zu",
                SLICE_ARG(s->node->name), size.bytes);
        s->has_said_too_large = true;
        return false;
    }
    snapshot_hold(&map->value, loop_index(s->loop));
    t->map = map;
    t->walk = share_walk_begin(root->rows, map);
    t->total = size.cells;
    t->begun = loop_now(s->loop);
    counter_up(&s->counts.told);
    return true;
}

static void on_tell(struct timer *timer)
{
    struct sharing *s = container_of(timer, struct sharing, telling.timer);
    struct telling *t = &s->telling;

    if (t->map == NULL && !tell_begin(s))
        return;
    struct slice part = share_write(&t->walk, t->total, s->part, sizeof s->part);

    if (part.length > 0) {
        hearing_publish(s->hearing, BUS_MAPS, part);
        timer_set(s->loop, timer, instant_after(loop_now(s->loop), TELL_NEXT));
        return;
    }
    tell_end(s);
    if (t->asked != 0) // by one who came too late for the first part
        tell_when_due(s);
}

struct sharing *sharing_new(const struct sharing_plan *plan)
{
    struct sharing *s = mem_new(struct sharing);

    s->follower.ops = &FOLLOWER_OPS;
    s->user = plan->user;
    s->loop = plan->loop;
    s->log = plan->log;
    s->node = plan->node;
    s->hearing = plan->hearing;
    s->self = hash_bytes(plan->node->name, 0);
    s->look.fire = on_look;
    s->telling.timer.fire = on_tell;
    s->until = INSTANT_NEVER;
    hearing_follow(plan->hearing, &s->follower);
    return s;
}

void sharing_free(struct sharing *sharing)
{
    if (sharing == NULL)
        return;
    timer_clear(sharing->loop, &sharing->look);
    timer_clear(sharing->loop, &sharing->telling.timer);
    tell_end(sharing);
    share_taker_free(sharing->wish.taker);
    steer_map_free(sharing->adopted);
    mem_free(sharing->words);
    mem_free(sharing);
}

void sharing_begin(struct sharing *sharing)
{
    struct instant now = loop_now(sharing->loop);

    sharing->until = instant_after(now, SHARING_START);
    sharing->telling.begun = now;
    if (hearing_bus(sharing->hearing) != NULL)
        on_look(&sharing->look);
}

bool sharing_is_waiting(const struct sharing *sharing)
{
    return hearing_bus(sharing->hearing) != NULL && sharing->adopted == NULL &&
           !sharing->all_are_heard && loop_now(sharing->loop).ns < sharing->until.ns;
}

void sharing_lay_over(struct sharing *sharing, const struct root *root, struct steer_map *map)
{
    if (sharing->adopted == NULL || !steer_map_fits(sharing->adopted, root->rows))
        return;
    share_lay_over(root->rows, map, sharing->adopted);
    // What is the node's own is newer in the map.
    steer_map_free(sharing->adopted);
    sharing->adopted = steer_map_copy(map);
}

struct steer_map *sharing_take(struct sharing *sharing)
{
    struct steer_map *map = sharing->adopted;

    sharing->adopted = NULL;
    return map;
}

void sharing_planned(struct sharing *sharing, const struct steer_map *map)
{
    sharing->own = map->shared_hash;
    sharing->epoch = map->epoch;
    if (sharing->rest > 0)
        sharing->rest--;
    wish_for(sharing, 0);
    hearing_say_map(sharing->hearing, map->epoch, map->shared_hash);
}

void sharing_renew(struct sharing *sharing)
{
    tell_end(sharing);
    timer_clear(sharing->loop, &sharing->telling.timer);
    sharing->telling.asked = 0;
    wish_for(sharing, 0);
    steer_map_free(sharing->adopted);
    sharing->adopted = NULL;
    sharing->own = 0;
    sharing->in_vain = sharing->rest = 0;
    sharing->has_said_too_large = false;
    hearing_say_map(sharing->hearing, (struct wall){ 0 }, 0);
}

const struct sharing_counts *sharing_counts(const struct sharing *sharing)
{
    return &sharing->counts;
}
