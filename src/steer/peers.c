// SPDX-License-Identifier: Apache-2.0
#include "steer/peers.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "steer/id_table.h"
#include "steer/view.h"

/* How far one of its lanes was heard, within its boot. */
struct lane {
    bool is_known;
    uint64_t sequence;
};

enum { DIGESTS, HEARTBEATS, LANE_COUNT };

/* What a digest and a heartbeat have in common. */
struct word {
    size_t lane;
    uint64_t observer, boot, sequence;
    struct wall at;
};

struct member {
    struct id_link link; // observer
    struct list all;
    char *name;
    size_t name_length;
    bool is_listed; // in the release
    bool is_known;  // was heard; the rest says how far
    uint64_t boot;
    struct lane lanes[LANE_COUNT];
    struct wall newest; // of its words, by its clock
    struct instant heard;
    struct heartbeat heartbeat; // with lanes[HEARTBEATS].is_known
    bool was_present;           // when last looked at
};

struct peers {
    char *self;
    struct slice self_name;
    struct id_table by_observer;
    struct list all;
};

struct peers *peers_new(struct slice self)
{
    struct peers *peers = mem_new(struct peers);

    peers->self = mem_text(self.at, self.length);
    peers->self_name = slice_of(peers->self, self.length);
    list_init(&peers->all);
    return peers;
}

static void drop(struct peers *peers, struct member *member)
{
    list_remove(&member->all);
    id_table_remove(&peers->by_observer, member->link.id);
    mem_free(member->name);
    mem_free(member);
}

void peers_free(struct peers *peers)
{
    if (peers == NULL)
        return;
    list_each_safe (link, &peers->all)
        drop(peers, container_of(link, struct member, all));
    id_table_done(&peers->by_observer);
    mem_free(peers->self);
    mem_free(peers);
}

static struct member *find(const struct peers *peers, uint64_t observer)
{
    struct id_link *link = id_table_find(&peers->by_observer, observer);

    return link == NULL ? NULL : container_of(link, struct member, link);
}

static void list_node(struct peers *peers, struct slice name)
{
    uint64_t observer = hash_bytes(name, 0);
    struct member *member = find(peers, observer);

    if (slice_equal(name, peers->self_name))
        return;
    if (member == NULL) {
        member = mem_new(struct member);
        member->link.id = observer;
        member->name = mem_text(name.at, name.length);
        member->name_length = name.length;
        list_append(&peers->all, &member->all);
        id_table_put(&peers->by_observer, &member->link);
    }
    member->is_listed = true;
}

void peers_use(struct peers *peers, const struct network *network)
{
    list_each (link, &peers->all)
        container_of(link, struct member, all)->is_listed = false;
    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++)
            list_node(peers, network->pops[i].nodes[j].name);
    list_each_safe (link, &peers->all) {
        struct member *member = container_of(link, struct member, all);

        if (!member->is_listed)
            drop(peers, member);
    }
}

/* With a heartbeat of its boot, there are more to come, and soon. */
static struct span patience(const struct member *member)
{
    return member->lanes[HEARTBEATS].is_known ? PEERS_MISSED : PEERS_SILENCE;
}

static bool is_silent_for(const struct member *member, struct span span, struct instant now)
{
    return !member->is_known || instant_since(member->heard, now).ns > span.ns;
}

static bool is_present(const struct member *member, struct instant now)
{
    return !is_silent_for(member, patience(member), now);
}

static bool is_replayed(const struct member *member, const struct word *word)
{
    const struct lane *lane = &member->lanes[word->lane];

    if (!member->is_known)
        return false;
    if (word->boot == member->boot)
        return lane->is_known && word->sequence <= lane->sequence;
    return word->at.ms <= member->newest.ms;
}

/* Takes the word into what is known of the peer. */
static void note(struct member *member, const struct word *word, struct instant now)
{
    if (!member->is_known || word->at.ms > member->newest.ms)
        member->newest = word->at;
    if (member->boot != word->boot)
        for (size_t i = 0; i < LANE_COUNT; i++)
            member->lanes[i].is_known = false;
    member->is_known = true;
    member->boot = word->boot;
    member->lanes[word->lane] = (struct lane){ true, word->sequence };
    member->heard = now;
}

static enum peers_verdict hear(struct peers *peers, struct slice from, const struct word *word,
    struct wall wall, struct instant now)
{
    if (slice_equal(from, peers->self_name))
        return PEERS_TWIN;
    struct member *member = find(peers, hash_bytes(from, 0));

    if (member == NULL || !slice_equal(from, slice_of(member->name, member->name_length)))
        return PEERS_UNKNOWN;
    if (word->observer != member->link.id)
        return PEERS_IMPOSTOR;
    if (word->at.ms - VIEW_FUTURE_MS > wall.ms)
        return PEERS_FUTURE;
    if (is_replayed(member, word))
        return PEERS_REPLAYED;
    bool is_back = is_silent_for(member, PEERS_SILENCE, now) || word->boot != member->boot;

    note(member, word, now);
    return is_back ? PEERS_RETURNED : PEERS_HEARD;
}

enum peers_verdict peers_hear(struct peers *peers, struct slice from, const struct digest *digest,
    struct wall wall, struct instant now)
{
    const struct word word = { DIGESTS, digest->observer, digest->boot, digest->sequence,
        digest->at };

    return hear(peers, from, &word, wall, now);
}

enum peers_verdict peers_hear_heartbeat(struct peers *peers, struct slice from,
    const struct heartbeat *heartbeat, struct wall wall, struct instant now)
{
    const struct word word = { HEARTBEATS, heartbeat->observer, heartbeat->boot,
        heartbeat->sequence, heartbeat->at };
    enum peers_verdict verdict = hear(peers, from, &word, wall, now);

    if (verdict == PEERS_HEARD || verdict == PEERS_RETURNED)
        find(peers, heartbeat->observer)->heartbeat = *heartbeat;
    return verdict;
}

size_t peers_count(const struct peers *peers)
{
    size_t count = 0;

    list_each (link, &peers->all)
        count++;
    return count;
}

size_t peers_present(const struct peers *peers, struct instant now)
{
    size_t count = 0;

    list_each (link, &peers->all)
        count += is_present(container_of(link, struct member, all), now);
    return count;
}

static bool is_leaving(const struct member *member)
{
    return member->lanes[HEARTBEATS].is_known && (member->heartbeat.flags & HEARTBEAT_LEAVING) != 0;
}

bool peers_are_few(const struct peers *peers, struct instant now)
{
    size_t count = 0, present = 0;

    list_each (link, &peers->all) {
        const struct member *member = container_of(link, struct member, all);

        if (!member->is_known || is_leaving(member))
            continue;
        count++;
        present += is_present(member, now);
    }
    return count >= 2 && present * 2 < count;
}

static struct peer peer_of(const struct member *member, struct instant now)
{
    bool has_beaten = member->lanes[HEARTBEATS].is_known;

    return (struct peer){
        .name = slice_of(member->name, member->name_length),
        .observer = member->link.id,
        .heartbeat = has_beaten ? &member->heartbeat : NULL,
        .is_heard = member->is_known,
        .heard = member->heard,
        .is_present = is_present(member, now),
        .is_missing = has_beaten && !is_present(member, now),
    };
}

bool peers_find(const struct peers *peers, uint64_t observer, struct instant now, struct peer *peer)
{
    const struct member *member = find(peers, observer);

    if (member == NULL)
        return false;
    *peer = peer_of(member, now);
    return true;
}

void peers_each(const struct peers *peers, struct instant now, peers_fn *tell, void *to)
{
    list_each (link, &peers->all) {
        const struct peer peer = peer_of(container_of(link, struct member, all), now);

        tell(to, &peer);
    }
}

struct instant peers_look(struct peers *peers, struct instant now, peers_fn *tell, void *to)
{
    struct instant next = INSTANT_NEVER;

    list_each (link, &peers->all) {
        struct member *member = container_of(link, struct member, all);
        const struct peer peer = peer_of(member, now);

        if (peer.is_present) {
            struct instant end = instant_after(member->heard, patience(member));

            next.ns = end.ns < next.ns ? end.ns + 1 : next.ns; // at its end it is present still
        }
        if (peer.is_present == member->was_present)
            continue;
        member->was_present = peer.is_present;
        tell(to, &peer);
    }
    return next;
}
