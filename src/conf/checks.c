// SPDX-License-Identifier: Apache-2.0
#include "conf/checks.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

enum {
    FTP_PORT = 21,
    NODE_TIMEOUT_MS = 800,
    POP_FTP_TIMEOUT_MS = 5000, // some ten round trips, and nobody is taken for down by it
    RISE = 5,
    FALL = 4,
};

/* The checks of one origin of one site. */
struct pair {
    uint32_t check, load;
};

/* Where one node, pop or site leads to. */
struct spot {
    const void *of;
    uint32_t at; // position in the list; of a site: its first pair
};

struct checks_index {
    struct pair *pairs;
    size_t pair_count;
    struct spot *spots; // by address
    size_t spot_count;
};

/* While it is made, pairs and spots hold numbers of drafts instead of positions. */
struct maker {
    const struct network *network;
    struct arena *arena;
    struct checks_index *index;
    struct check *drafts; // one for each question asked, before those that are alike are merged
    uint32_t draft_count;
};

static uint64_t add_number(uint64_t id, uint64_t number)
{
    return hash_mix(id ^ number);
}

static uint64_t add_text(uint64_t id, struct slice text)
{
    return hash_bytes(text, id);
}

/*
 * Of names and values alone, so that it holds beyond this process and this release. The password is
 * left out: the id is shown, and a weak one could be guessed from it.
 */
static uint64_t id_of(const struct check *check)
{
    uint64_t id = add_number(0, (uint64_t)check->kind + 1);

    if (check->node != NULL)
        id = add_text(add_text(id, SLICE("node")), check->node->name);
    if (check->pop != NULL)
        id = add_text(add_text(id, SLICE("pop")), check->pop->name);
    if (check->origin != NULL) {
        id = add_text(add_text(id, SLICE("origin")), check->origin->customer->name);
        id = add_text(id, check->origin->name);
    }
    id = add_text(id, slice_of(check->to.ip.bytes, sizeof check->to.ip.bytes));
    id = add_number(add_number(id, check->to.ip.family), check->to.port);
    id = add_text(add_text(id, check->host), check->path);
    id = add_text(add_number(id, check->expect), check->match);
    id = add_text(id, check->user);
    id = add_text(add_number(id, check->is_tls), check->ca);
    id = add_number(id, (uint64_t)check->timeout.ns);
    return add_number(add_number(id, check->rise), check->fall);
}

static uint32_t draft(struct maker *m, const struct check *check)
{
    struct check *at = &m->drafts[m->draft_count];

    *at = *check;
    at->id = id_of(at);
    return m->draft_count++;
}

static void point(struct maker *m, const void *of, uint32_t at)
{
    m->index->spots[m->index->spot_count++] = (struct spot){ of, at };
}

/* By HTTP where it serves that; else by TCP to what it serves; CHECK_NONE when that is nothing. */
static uint32_t draft_node(struct maker *m, const struct node *node)
{
    struct check check = {
        .kind = CHECK_HTTP,
        .node = node,
        .to = { node->addresses[0], node->ports.http },
        .host = m->network->zone,
        .path = CHECK_NODE_PATH,
        .expect = 200,
        .every = span_s(1),
        .timeout = span_ms(NODE_TIMEOUT_MS),
        .rise = RISE,
        .fall = FALL,
    };

    if (node->ports.http == 0) {
        check.kind = CHECK_TCP;
        check.to.port = node->ports.dns != 0 ? node->ports.dns : node->ports.https;
        check.host = check.path = SLICE_NONE;
        check.expect = 0;
    }
    return check.to.port == 0 ? CHECK_NONE : draft(m, &check);
}

static uint32_t draft_pop(struct maker *m, const struct pop *pop)
{
    const struct pop_probe *probe = &pop->probe;

    if (probe->ftp.ip.family == IP_NONE)
        return CHECK_NONE;
    return draft(m, &(struct check){
                        .kind = CHECK_FTP,
                        .pop = pop,
                        .to = probe->ftp,
                        .path = probe->path,
                        .user = probe->user,
                        .password = probe->password,
                        .every = probe->every,
                        .timeout = span_ms(POP_FTP_TIMEOUT_MS),
                        .rise = RISE,
                        .fall = FALL,
                    });
}

static enum check_kind kind_of_probe(enum site_probe_kind kind)
{
    switch (kind) {
    case SITE_PROBE_TCP: return CHECK_TCP;
    case SITE_PROBE_HTTP: return CHECK_HTTP;
    case SITE_PROBE_FTP: return CHECK_FTP;
    case SITE_PROBE_ICMP: return CHECK_ICMP;
    }
    assert(false);
    return CHECK_TCP;
}

/* What checks of every kind have; what only some have is added, so that the others stay alike. */
static struct check of_origin(const struct site *site, size_t at, enum check_kind kind)
{
    const struct site_probe *probe = &site->probe;
    struct check check = {
        .kind = kind,
        .origin = site->origins[at],
        .to = site->origins[at]->address,
        .every = probe->every,
        .timeout = probe->timeout,
        .rise = probe->rise,
        .fall = probe->fall,
    };

    return check;
}

/* What is asked by HTTP is asked as fills ask: of the same host, over TLS where they use it. */
static void ask_by_http(struct check *check, const struct site *site, struct slice path)
{
    check->host = check->origin->host.length > 0 ? check->origin->host : site->host;
    check->path = path;
    check->is_tls = check->origin->is_tls;
    check->ca = check->origin->ca;
}

static uint32_t draft_origin(struct maker *m, const struct site *site, size_t at)
{
    const struct site_probe *probe = &site->probe;
    struct check check = of_origin(site, at, kind_of_probe(probe->kind));

    if (probe->port != 0)
        check.to.port = probe->port;
    if (check.kind == CHECK_HTTP) {
        ask_by_http(&check, site, probe->path);
        check.expect = probe->expect;
        check.match = probe->match;
    }
    if (check.kind == CHECK_FTP) {
        check.to.port = probe->port != 0 ? probe->port : FTP_PORT;
        check.path = probe->path;
        check.user = probe->user;
        check.password = probe->password;
    }
    if (check.kind == CHECK_ICMP)
        check.to.port = 0;
    return draft(m, &check);
}

/* Where the probe is HTTP as well, at the same port. */
static uint32_t draft_load(struct maker *m, const struct site *site, size_t at)
{
    const struct site_probe *probe = &site->probe;
    struct check check = of_origin(site, at, CHECK_LOAD);

    if (probe->load.length == 0)
        return CHECK_NONE;
    if (probe->kind == SITE_PROBE_HTTP && probe->port != 0)
        check.to.port = probe->port;
    ask_by_http(&check, site, probe->load);
    check.expect = 200;
    return draft(m, &check);
}

static int spot_order(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t)((const struct spot *)a)->of;
    uintptr_t right = (uintptr_t)((const struct spot *)b)->of;

    return (left > right) - (left < right);
}

/* Room for as many drafts and look-ups as the network can ask for. */
static void make_room(struct maker *m)
{
    const struct network *network = m->network;
    size_t spots = network->pop_count + network->site_count, pairs = 0;

    for (size_t i = 0; i < network->pop_count; i++)
        spots += network->pops[i].node_count;
    for (size_t i = 0; i < network->site_count; i++)
        pairs += network->sites[i]->origin_count;
    assert(spots + 2 * pairs < CHECK_NONE);
    m->index = arena_new(m->arena, struct checks_index);
    m->index->spots = arena_array(m->arena, spots, sizeof m->index->spots[0]);
    m->index->pairs = arena_array(m->arena, pairs, sizeof m->index->pairs[0]);
    m->drafts = mem_array(spots + 2 * pairs, sizeof m->drafts[0]);
}

static void draft_all(struct maker *m)
{
    const struct network *network = m->network;

    for (size_t i = 0; i < network->pop_count; i++) {
        const struct pop *pop = &network->pops[i];

        point(m, pop, draft_pop(m, pop));
        for (size_t j = 0; j < pop->node_count; j++)
            point(m, &pop->nodes[j], draft_node(m, &pop->nodes[j]));
    }
    for (size_t i = 0; i < network->site_count; i++) {
        const struct site *site = network->sites[i];

        point(m, site, (uint32_t)m->index->pair_count);
        for (size_t j = 0; j < site->origin_count; j++)
            m->index->pairs[m->index->pair_count++] =
                (struct pair){ draft_origin(m, site, j), draft_load(m, site, j) };
    }
}

struct ordered {
    uint64_t id;
    uint32_t draft;
};

static int id_order(const void *a, const void *b)
{
    const struct ordered *left = a, *right = b;

    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->draft > right->draft) - (left->draft < right->draft);
}

/* Makes the list of the drafts, each id once; final[draft] becomes its position. */
static void merge(struct maker *m, struct checks *checks, uint32_t *final)
{
    struct ordered *order = mem_array((size_t)m->draft_count + 1, sizeof *order);
    size_t count = 0;

    for (uint32_t i = 0; i < m->draft_count; i++)
        order[i] = (struct ordered){ m->drafts[i].id, i };
    qsort(order, m->draft_count, sizeof *order, id_order);
    for (uint32_t i = 0; i < m->draft_count; i++)
        count += i == 0 || order[i].id != order[i - 1].id;
    struct check *list = arena_array(m->arena, count, sizeof *list);

    count = 0;
    for (uint32_t i = 0; i < m->draft_count; i++) {
        const struct check *draft = &m->drafts[order[i].draft];

        if (i == 0 || order[i].id != order[i - 1].id)
            list[count++] = *draft;
        else if (draft->every.ns < list[count - 1].every.ns)
            list[count - 1].every = draft->every;
        final[order[i].draft] = (uint32_t)(count - 1);
    }
    checks->list = list;
    checks->count = count;
    mem_free(order);
}

static void settle(const uint32_t *final, uint32_t *at)
{
    if (*at != CHECK_NONE)
        *at = final[*at];
}

struct checks *checks_new(const struct network *network)
{
    struct checks *checks = mem_new(struct checks);
    struct maker m = { .network = network, .arena = &checks->arena };

    arena_init(&checks->arena, SIZE_MAX); // the network's own limits bound it
    make_room(&m);
    draft_all(&m);
    uint32_t *final = mem_array((size_t)m.draft_count + 1, sizeof *final);

    merge(&m, checks, final);
    for (size_t i = 0; i < m.index->spot_count - network->site_count; i++)
        settle(final, &m.index->spots[i].at);
    for (size_t i = 0; i < m.index->pair_count; i++) {
        settle(final, &m.index->pairs[i].check);
        settle(final, &m.index->pairs[i].load);
    }
    if (m.index->spot_count > 0)
        qsort(m.index->spots, m.index->spot_count, sizeof m.index->spots[0], spot_order);
    checks->index = m.index;
    mem_free(final);
    mem_free(m.drafts);
    return checks;
}

void checks_free(struct checks *checks)
{
    if (checks == NULL)
        return;
    arena_done(&checks->arena);
    mem_free(checks);
}

/* Where it leads to; CHECK_NONE when it is not of this network. */
static uint32_t spot_at(const struct checks_index *index, const void *of)
{
    const struct spot asked = { .of = of };
    const struct spot *found =
        index->spot_count == 0
            ? NULL
            : bsearch(&asked, index->spots, index->spot_count, sizeof asked, spot_order);

    return found == NULL ? CHECK_NONE : found->at;
}

static struct pair pair_of(const struct checks *checks, const struct site *site, size_t at)
{
    uint32_t first = spot_at(checks->index, site);

    assert(at < site->origin_count);
    return first == CHECK_NONE ? (struct pair){ CHECK_NONE, CHECK_NONE }
                               : checks->index->pairs[first + at];
}

uint32_t checks_of_origin(const struct checks *checks, const struct site *site, size_t at)
{
    return pair_of(checks, site, at).check;
}

uint32_t checks_load_of_origin(const struct checks *checks, const struct site *site, size_t at)
{
    return pair_of(checks, site, at).load;
}

uint32_t checks_of_node(const struct checks *checks, const struct node *node)
{
    return spot_at(checks->index, node);
}

uint32_t checks_ftp_of_pop(const struct checks *checks, const struct pop *pop)
{
    return spot_at(checks->index, pop);
}

uint32_t checks_find(const struct checks *checks, uint64_t id)
{
    size_t low = 0, high = checks->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (checks->list[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < checks->count && checks->list[low].id == id ? (uint32_t)low : CHECK_NONE;
}

const char *check_kind_text(enum check_kind kind)
{
    switch (kind) {
    case CHECK_HTTP: return "http";
    case CHECK_FTP: return "ftp";
    case CHECK_TCP: return "tcp";
    case CHECK_ICMP: return "icmp";
    case CHECK_LOAD: return "load";
    }
    assert(false);
    return "";
}

/* Takes half a UTF-8 character, or the last whole one, off a text that was cut. */
static void mend_cut(char text[CHECK_NAME_MAX])
{
    size_t length = strlen(text);

    while (length > 0 && (text[length - 1] & 0xc0) == 0x80)
        length--;
    if (length > 0 && (text[length - 1] & 0x80) != 0)
        length--;
    text[length] = '\0';
}

static size_t name_origin(const struct check *check, char text[CHECK_NAME_MAX])
{
    const struct origin *origin = check->origin;
    bool has_own_host = slice_equal(check->host, origin->host);
    bool has_own_port =
        check->kind == CHECK_ICMP ||
        check->to.port == (check->kind == CHECK_FTP ? FTP_PORT : origin->address.port);
    char port[8] = "";

    if (!has_own_port)
        snprintf(port, sizeof port, ":%u", (unsigned)check->to.port);
    struct slice host = has_own_host ? SLICE_NONE : check->host;
    bool has_place = host.length > 0 || !has_own_port || check->path.length > 0;

    return (size_t)snprintf(text, CHECK_NAME_MAX, "origin %.*s/%.*s %s%s%.*s%s%.*s",
        SLICE_ARG(origin->customer->name), SLICE_ARG(origin->name), check_kind_text(check->kind),
        has_place ? " " : "", SLICE_ARG(host), port, SLICE_ARG(check->path));
}

const char *check_name(const struct check *check, char text[CHECK_NAME_MAX])
{
    const char *kind = check_kind_text(check->kind);
    size_t length = 0;

    if (check->node != NULL)
        length = (size_t)snprintf(
            text, CHECK_NAME_MAX, "node %.*s %s", SLICE_ARG(check->node->name), kind);
    else if (check->pop != NULL)
        length =
            (size_t)snprintf(text, CHECK_NAME_MAX, "pop %.*s %s%s%.*s", SLICE_ARG(check->pop->name),
                kind, check->path.length > 0 ? " " : "", SLICE_ARG(check->path));
    else
        length = name_origin(check, text);
    if (length >= CHECK_NAME_MAX)
        mend_cut(text);
    return text;
}
