// SPDX-License-Identifier: Apache-2.0
#include "steer/peers.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "steer/id_table.h"
#include "steer/view.h"

struct peer {
    struct id_link link; // observer
    struct list all;
    char *name;
    size_t name_length;
    bool is_listed; // in the release
    bool is_known;  // was heard; the rest says how far
    uint64_t boot, sequence;
    struct wall newest; // of its digests, by its clock
    struct instant heard;
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

static void drop(struct peers *peers, struct peer *peer)
{
    list_remove(&peer->all);
    id_table_remove(&peers->by_observer, peer->link.id);
    mem_free(peer->name);
    mem_free(peer);
}

void peers_free(struct peers *peers)
{
    if (peers == NULL)
        return;
    list_each_safe (link, &peers->all)
        drop(peers, container_of(link, struct peer, all));
    id_table_done(&peers->by_observer);
    mem_free(peers->self);
    mem_free(peers);
}

static struct peer *find(const struct peers *peers, uint64_t observer)
{
    struct id_link *link = id_table_find(&peers->by_observer, observer);

    return link == NULL ? NULL : container_of(link, struct peer, link);
}

static void list_node(struct peers *peers, struct slice name)
{
    uint64_t observer = hash_bytes(name, 0);
    struct peer *peer = find(peers, observer);

    if (slice_equal(name, peers->self_name))
        return;
    if (peer == NULL) {
        peer = mem_new(struct peer);
        peer->link.id = observer;
        peer->name = mem_text(name.at, name.length);
        peer->name_length = name.length;
        list_append(&peers->all, &peer->all);
        id_table_put(&peers->by_observer, &peer->link);
    }
    peer->is_listed = true;
}

void peers_use(struct peers *peers, const struct network *network)
{
    list_each (link, &peers->all)
        container_of(link, struct peer, all)->is_listed = false;
    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++)
            list_node(peers, network->pops[i].nodes[j].name);
    list_each_safe (link, &peers->all) {
        struct peer *peer = container_of(link, struct peer, all);

        if (!peer->is_listed)
            drop(peers, peer);
    }
}

static bool is_silent(const struct peer *peer, struct instant now)
{
    return !peer->is_known || instant_since(peer->heard, now).ns > PEERS_SILENCE.ns;
}

static bool is_replayed(const struct peer *peer, const struct digest *digest)
{
    if (!peer->is_known)
        return false;
    if (digest->boot == peer->boot)
        return digest->sequence <= peer->sequence;
    return digest->at.ms <= peer->newest.ms;
}

enum peers_verdict peers_hear(struct peers *peers, struct slice from, const struct digest *digest,
    struct wall wall, struct instant now)
{
    if (slice_equal(from, peers->self_name))
        return PEERS_TWIN;
    struct peer *peer = find(peers, hash_bytes(from, 0));

    if (peer == NULL || !slice_equal(from, slice_of(peer->name, peer->name_length)))
        return PEERS_UNKNOWN;
    if (digest->observer != peer->link.id)
        return PEERS_IMPOSTOR;
    if (digest->at.ms - VIEW_FUTURE_MS > wall.ms)
        return PEERS_FUTURE;
    if (is_replayed(peer, digest))
        return PEERS_REPLAYED;
    bool is_back = is_silent(peer, now) || digest->boot != peer->boot;

    if (!peer->is_known || digest->at.ms > peer->newest.ms)
        peer->newest = digest->at;
    peer->is_known = true;
    peer->boot = digest->boot;
    peer->sequence = digest->sequence;
    peer->heard = now;
    return is_back ? PEERS_RETURNED : PEERS_HEARD;
}

size_t peers_present(const struct peers *peers, struct instant now)
{
    size_t count = 0;

    list_each (link, &peers->all)
        count += !is_silent(container_of(link, struct peer, all), now);
    return count;
}
