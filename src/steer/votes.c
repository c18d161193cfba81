// SPDX-License-Identifier: Apache-2.0
/*
 * Observers stand in the order of the configuration, pop by pop; the seats of a check stand in the
 * order of their observers. So the seats of a group lie together, and one pass counts them all.
 */
#include "steer/votes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "steer/watch.h"

enum { NOT_LISTED = VOTES_OBSERVERS_MAX }; // position of an observer that has no vote

struct observer_of {
    uint64_t id;
    uint16_t group; // of neighbours alone: those of one group have the same
    bool does_count;
};

/* Finds an observer by its id. */
struct name_of {
    uint64_t id;
    uint16_t at;
};

/* Of all checks all seats are looked at when one observer comes or goes: so who watches is noted.
 */
struct seat {
    uint16_t observer;
    uint8_t word; // enum votes_word; not VOTES_NONE
    bool does_watch;
};

/* What is said of one check. */
struct ballot {
    uint64_t id;
    struct seat *seats;
    uint16_t count, room;
    uint8_t own; // enum votes_word
    bool is_down;
    bool is_dirty; // and in the queue
};

struct votes {
    uint64_t self;
    struct observer_of *observers;
    struct name_of *names; // by id
    size_t observer_count;
    struct ballot *ballots; // by position of the check, and so by its id
    size_t count;
    uint32_t *queue; // of those to be decided
    size_t queued;
    const struct watch_table *watch; // NULL: all watch
    struct votes_sight sight;
};

struct votes *votes_new(uint64_t self)
{
    struct votes *v = mem_new(struct votes);

    v->self = self;
    return v;
}

static void ballots_free(struct ballot *ballots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(ballots[i].seats);
    mem_free(ballots);
}

void votes_free(struct votes *votes)
{
    if (votes == NULL)
        return;
    ballots_free(votes->ballots, votes->count);
    mem_free(votes->observers);
    mem_free(votes->names);
    mem_free(votes->queue);
    mem_free(votes);
}

static int order_of_ids(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int names_order(const void *a, const void *b)
{
    return order_of_ids(((const struct name_of *)a)->id, ((const struct name_of *)b)->id);
}

static int ballots_order(const void *a, const void *b)
{
    return order_of_ids(((const struct ballot *)a)->id, ((const struct ballot *)b)->id);
}

/* NOT_LISTED for strangers. */
static uint16_t position_of(const struct name_of *names, size_t count, uint64_t id)
{
    const struct name_of asked = { .id = id };
    const struct name_of *found =
        count == 0 ? NULL : bsearch(&asked, names, count, sizeof asked, names_order);

    return found == NULL ? NOT_LISTED : found->at;
}

static void mark(struct votes *v, uint32_t check)
{
    if (v->ballots[check].is_dirty)
        return;
    v->ballots[check].is_dirty = true;
    v->queue[v->queued++] = check;
}

static void mark_all(struct votes *v)
{
    for (uint32_t i = 0; i < v->count; i++)
        mark(v, i);
}

/* Where the observer sits, or would. */
static uint16_t seat_at(const struct ballot *b, uint16_t observer)
{
    uint16_t low = 0, high = b->count;

    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);

        if (b->seats[middle].observer < observer)
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return low;
}

static void seat_open(struct ballot *b, uint16_t at, struct seat seat)
{
    if (b->count == b->room) {
        b->room = (uint16_t)(b->room < 4 ? 4 : b->room < INT16_MAX ? b->room * 2 : UINT16_MAX);
        b->seats = mem_resize(b->seats, b->room * sizeof *b->seats);
    }
    memmove(&b->seats[at + 1], &b->seats[at], (size_t)(b->count - at) * sizeof *b->seats);
    b->seats[at] = seat;
    b->count++;
}

static void seat_close(struct ballot *b, uint16_t at)
{
    b->count--;
    memmove(&b->seats[at], &b->seats[at + 1], (size_t)(b->count - at) * sizeof *b->seats);
}

static bool does_watch(const struct votes *v, uint32_t check, uint64_t observer)
{
    return v->watch == NULL || watch_has(v->watch, check, observer);
}

/* True when it is news. */
static bool seat_set(struct votes *v, uint32_t check, uint16_t observer, enum votes_word word)
{
    struct ballot *b = &v->ballots[check];
    uint16_t at = seat_at(b, observer);
    bool is_there = at < b->count && b->seats[at].observer == observer;

    if ((is_there ? b->seats[at].word : VOTES_NONE) == (uint8_t)word)
        return false;
    if (word == VOTES_NONE)
        seat_close(b, at);
    else if (is_there)
        b->seats[at].word = (uint8_t)word;
    else
        seat_open(b, at,
            (struct seat){
                observer, (uint8_t)word, does_watch(v, check, v->observers[observer].id) });
    return true;
}

static void list_observers(struct votes *v, const struct network *network)
{
    size_t nodes = 0;

    for (size_t i = 0; i < network->pop_count; i++)
        nodes += network->pops[i].node_count;
    v->observers = mem_array(nodes + 1, sizeof *v->observers);
    v->names = mem_array(nodes + 1, sizeof *v->names);
    v->observer_count = 0;
    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++) {
            size_t at = v->observer_count;
            uint64_t id = hash_bytes(network->pops[i].nodes[j].name, 0);

            if (at == VOTES_OBSERVERS_MAX)
                return;
            v->observers[at] = (struct observer_of){ .id = id, .group = (uint16_t)i };
            v->names[at] = (struct name_of){ id, (uint16_t)at };
            v->observer_count++;
        }
}

/* What was said of the check by those that are still observers. */
static void carry_over(
    struct votes *v, const struct ballot *from, const struct observer_of *observers, uint32_t check)
{
    struct ballot *to = &v->ballots[check];

    to->own = from->own;
    to->is_down = from->is_down;
    for (uint16_t i = 0; i < from->count; i++) {
        uint64_t id = observers[from->seats[i].observer].id;
        uint16_t at = position_of(v->names, v->observer_count, id);

        if (at != NOT_LISTED)
            (void)seat_set(v, check, at, from->seats[i].word);
    }
}

void votes_use(struct votes *votes, const struct network *network, const struct checks *checks,
    const struct watch_table *watch)
{
    struct votes before = *votes;

    list_observers(votes, network);
    qsort(votes->names, votes->observer_count, sizeof *votes->names, names_order);
    for (size_t i = 0; i < votes->observer_count; i++) {
        struct observer_of *o = &votes->observers[i];
        uint16_t at = position_of(before.names, before.observer_count, o->id);

        o->does_count = at != NOT_LISTED && before.observers[at].does_count;
    }
    votes->watch = watch;
    votes->count = checks->count;
    votes->ballots = mem_array(checks->count + 1, sizeof *votes->ballots);
    votes->queue = mem_array(checks->count + 1, sizeof *votes->queue);
    votes->queued = 0;
    for (uint32_t i = 0; i < checks->count; i++) {
        struct ballot *to = &votes->ballots[i];

        to->id = checks->list[i].id;
        const struct ballot *from = before.count == 0 ? NULL
                                                      : bsearch(to, before.ballots, before.count,
                                                            sizeof *to, ballots_order);

        if (from != NULL)
            carry_over(votes, from, before.observers, i);
    }
    mark_all(votes);
    ballots_free(before.ballots, before.count);
    mem_free(before.observers);
    mem_free(before.names);
    mem_free(before.queue);
}

void votes_say(struct votes *votes, uint64_t observer, uint32_t check, enum votes_word word)
{
    assert(check < votes->count);
    struct ballot *b = &votes->ballots[check];
    uint16_t at = position_of(votes->names, votes->observer_count, observer);
    bool is_news = at != NOT_LISTED && seat_set(votes, check, at, word);

    if (observer == votes->self) { // also where the release has so many nodes that we have no vote
        is_news |= b->own != (uint8_t)word;
        b->own = (uint8_t)word;
    }
    if (is_news)
        mark(votes, check);
}

void votes_count(struct votes *votes, uint64_t observer, bool does_count)
{
    uint16_t at = position_of(votes->names, votes->observer_count, observer);

    if (at == NOT_LISTED || observer == votes->self ||
        votes->observers[at].does_count == does_count)
        return;
    votes->observers[at].does_count = does_count;
    mark_all(votes);
}

void votes_sight(struct votes *votes, struct votes_sight sight)
{
    if (sight.is_blind == votes->sight.is_blind && sight.is_suspect == votes->sight.is_suspect)
        return;
    votes->sight = sight;
    mark_all(votes);
}

static bool does_count(const struct votes *v, const struct observer_of *o)
{
    return o->id == v->self ? !v->sight.is_blind : o->does_count;
}

/* Counts the groups that have a word; of watchers alone, or of all. */
static void count_groups(
    const struct votes *v, uint32_t check, bool are_all, struct votes_tally *tally)
{
    const struct ballot *b = &v->ballots[check];

    for (uint16_t i = 0; i < b->count;) {
        uint16_t group = v->observers[b->seats[i].observer].group;
        unsigned words = 0, down = 0;

        for (; i < b->count; i++) {
            const struct observer_of *o = &v->observers[b->seats[i].observer];

            if (o->group != group)
                break;
            if (!does_count(v, o) || (!are_all && !b->seats[i].does_watch))
                continue;
            words++;
            down += b->seats[i].word == VOTES_DOWN;
        }
        tally->groups += words > 0;
        tally->down += down > words / 2;
    }
}

/* Who decides, and how; `is_ours`: our own word counts as others' do. */
static bool judge(const struct votes *v, bool is_ours, struct votes_tally *tally)
{
    bool own_is_down = tally->own == VOTES_DOWN;

    tally->by = VOTES_BY_SELF;
    if (v->sight.is_suspect || tally->groups == 0) {
        if (tally->own == VOTES_NONE)
            tally->by = VOTES_BY_NOBODY;
        return own_is_down;
    }
    if (is_ours && (tally->groups <= 2 || tally->down * 2 == tally->groups))
        return own_is_down;
    tally->by = VOTES_BY_GROUPS;
    return tally->down * 2 > tally->groups;
}

static struct votes_tally tally_of(const struct votes *v, uint32_t check, bool *is_down)
{
    const struct ballot *b = &v->ballots[check];
    struct votes_tally tally = { .is_down = b->is_down, .own = b->own };
    bool is_ours = b->own != VOTES_NONE && !v->sight.is_blind;

    count_groups(v, check, false, &tally);
    if (tally.groups > 0)
        is_ours = is_ours && does_watch(v, check, v->self);
    else
        count_groups(v, check, true, &tally);
    *is_down = judge(v, is_ours, &tally);
    return tally;
}

struct votes_tally votes_tally(const struct votes *votes, uint32_t check)
{
    bool is_down;

    assert(check < votes->count);
    return tally_of(votes, check, &is_down);
}

void votes_decide(struct votes *votes, votes_changed_fn *changed, void *to)
{
    for (size_t i = 0; i < votes->queued; i++) {
        uint32_t check = votes->queue[i];
        struct ballot *b = &votes->ballots[check];
        bool is_down;
        struct votes_tally tally = tally_of(votes, check, &is_down);

        b->is_dirty = false;
        if (b->is_down == is_down)
            continue;
        b->is_down = tally.is_down = is_down;
        changed(to, check, &tally);
    }
    votes->queued = 0;
}
