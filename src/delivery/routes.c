// SPDX-License-Identifier: Apache-2.0
#include "delivery/routes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "tls/client.h"

enum { HOST_MAX = 255, HSTS_MAX = 128 };

struct slot {
    uint64_t hash;
    struct slice host; // empty: free
    struct route *route;
};

struct routes {
    struct arena arena;
    uint64_t seed;
    size_t mask; // slots less one; at least twice as many slots as hosts
    struct slot *slots;
    const struct steer_rows *rows;
    struct tls_clients *trust;
};

static struct tls_trust trust_of(const struct origin *origin)
{
    return (struct tls_trust){
        .ca_file = origin->ca, .cert_file = origin->shown.cert, .key_file = origin->shown.key
    };
}

/* Whom each origin is to be vouched for by, also of those that only probes ask. */
static enum err read_authorities(
    struct tls_clients *trust, const struct customer *customer, struct diag *why)
{
    struct tls_client *client;

    for (size_t i = 0; i < customer->origin_count; i++) {
        const struct origin *origin = &customer->origins[i];
        struct diag reason;

        if (!origin->is_tls)
            continue;
        const struct tls_trust wanted = trust_of(origin);
        enum err err = tls_clients_get(trust, &wanted, &client, &reason);

        if (err != ERR_NONE) {
            diag_say(why, "origin %.*s/%.*s: %s", SLICE_ARG(customer->name),
                SLICE_ARG(origin->name), reason.text);
            return err;
        }
    }
    return ERR_NONE;
}

/* NULL: plain. Their files have been read. */
static struct tls_client *client_for(struct tls_clients *trust, const struct origin *origin)
{
    struct tls_client *client = NULL;

    if (origin->is_tls) {
        const struct tls_trust wanted = trust_of(origin);
        enum err err = tls_clients_get(trust, &wanted, &client, NULL);

        assert(err == ERR_NONE);
    }
    return client;
}

static struct route_origin make_origin(
    const struct routes *routes, const struct site *site, size_t at)
{
    const struct origin *origin = site->origins[at];

    return (struct route_origin){
        .fetch = { .address = origin->address,
            .host = origin->host.length > 0 ? origin->host : site->host,
            .tls = client_for(routes->trust, origin) },
        .hash = hash_bytes(origin->name, 0),
        .weight = site->weights[at],
        .check = checks_of_origin(routes->rows->checks, site, at),
        .is_reserve = at >= site->first_reserve,
    };
}

static bool may_ask(const struct site *site, size_t at)
{
    return site->fill != FILL_PINNED || site->origins[at] == site->pinned ||
           at >= site->first_reserve;
}

/* RFC 6797 §6.1: Strict-Transport-Security, as the site asks for it. */
static struct slice make_hsts(struct arena *arena, const struct site_https *https)
{
    char *text;

    if (!https->has_hsts)
        return SLICE_NONE;
    text = arena_alloc(arena, HSTS_MAX);
    int length = snprintf(text, HSTS_MAX, "Strict-Transport-Security: max-age=%" PRId64 "%s\r\n",
        https->hsts.ns / span_s(1).ns, https->hsts_subdomains ? "; includeSubDomains" : "");

    assert(length > 0 && length < HSTS_MAX);
    return slice_of(text, (size_t)length);
}

/* A pinned site has one origin to go to, and its reserves if it names any. */
static struct route make_route(struct routes *routes, const struct site *site)
{
    size_t most = site->origin_count < FETCH_ORIGINS_MAX ? site->origin_count : FETCH_ORIGINS_MAX;
    struct route_origin *origins = arena_array(&routes->arena, most, sizeof *origins);
    size_t count = 0;

    for (size_t i = 0; i < site->origin_count && count < most; i++)
        if (may_ask(site, i))
            origins[count++] = make_origin(routes, site, i);
    assert(count > 0);
    return (struct route){
        .site = site,
        .origins = origins,
        .origin_count = count,
        .rows = routes->rows,
        .hsts = make_hsts(&routes->arena, &site->https),
    };
}

static void add_host(struct routes *routes, struct slice host, struct route *route)
{
    uint64_t hash = hash_bytes(host, routes->seed);
    size_t at = hash & routes->mask;

    while (routes->slots[at].host.length > 0)
        at = (at + 1) & routes->mask;
    routes->slots[at] = (struct slot){ .hash = hash, .host = host, .route = route };
}

static struct slice host_in_zone(struct arena *arena, struct slice host, struct slice zone)
{
    size_t length = host.length + 1 + zone.length;
    char *text = arena_alloc(arena, length + 1);

    snprintf(text, length + 1, "%.*s.%.*s", SLICE_ARG(host), SLICE_ARG(zone));
    return slice_of(text, length);
}

static void add_sites(struct routes *routes, struct usage *usage)
{
    const struct network *network = routes->rows->network;
    size_t slots = 16;

    while (slots < network->site_count * 4)
        slots *= 2;
    routes->seed = hash_seed_random();
    routes->mask = slots - 1;
    routes->slots = arena_array(&routes->arena, slots, sizeof *routes->slots);
    for (size_t i = 0; i < network->site_count; i++) {
        const struct site *site = network->sites[i];
        struct route *route = arena_new(&routes->arena, struct route);

        *route = make_route(routes, site);
        if (usage != NULL)
            route->usage = usage_site(usage, site->customer->name, site->host);
        add_host(routes, site->host, route);
        add_host(routes, host_in_zone(&routes->arena, site->host, network->zone), route);
    }
}

enum err routes_new(
    const struct steer_rows *rows, struct usage *usage, struct routes **routes, struct diag *why)
{
    const struct network *network = rows->network;
    struct routes *made = mem_new(struct routes);

    arena_init(&made->arena, SIZE_MAX);
    made->rows = rows;
    made->trust = tls_clients_new();
    for (size_t i = 0; i < network->customer_count; i++) {
        enum err err = read_authorities(made->trust, &network->customers[i], why);

        if (err != ERR_NONE) {
            routes_free(made);
            return err;
        }
    }
    add_sites(made, usage);
    *routes = made;
    return ERR_NONE;
}

void routes_log(struct routes *routes, const struct customer *customer, const struct route_log *log)
{
    for (size_t i = 0; i <= routes->mask; i++) {
        struct route *route = routes->slots[i].route;

        if (route != NULL && route->site->customer == customer)
            route->log = *log;
    }
}

void routes_free(struct routes *routes)
{
    if (routes == NULL)
        return;
    tls_clients_free(routes->trust);
    arena_done(&routes->arena);
    mem_free(routes);
}

const struct route *routes_find(const struct routes *routes, struct slice host)
{
    char lower[HOST_MAX];

    if (host.length > 1 && host.at[host.length - 1] == '.')
        host.length--;
    if (host.length == 0 || host.length > sizeof lower)
        return NULL;
    for (size_t i = 0; i < host.length; i++)
        lower[i] = ascii_lower(host.at[i]);
    struct slice name = slice_of(lower, host.length);
    uint64_t hash = hash_bytes(name, routes->seed);

    for (size_t at = hash & routes->mask; routes->slots[at].host.length > 0;
         at = (at + 1) & routes->mask)
        if (routes->slots[at].hash == hash && slice_equal(routes->slots[at].host, name))
            return routes->slots[at].route;
    return NULL;
}

/* Greedy with one way back: the last star takes one byte more each time the rest did not fit. */
static bool pattern_matches(struct slice pattern, struct slice path)
{
    size_t p = 0, s = 0, star = SIZE_MAX, taken = 0;

    while (s < path.length) {
        if (p < pattern.length && pattern.at[p] == '*') {
            star = p++;
            taken = s;
        } else if (p < pattern.length && pattern.at[p] == path.at[s]) {
            p++;
            s++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            s = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.at[p] == '*')
        p++;
    return p == pattern.length;
}

const struct path_rules *route_rules(const struct route *route, struct slice path)
{
    const struct site *site = route->site;
    struct slice bare = slice_head(path, slice_find(path, '?'));

    for (size_t i = 0; i + 1 < site->path_count; i++)
        if (pattern_matches(site->paths[i].pattern, bare))
            return &site->paths[i];
    assert(site->path_count > 0);
    return &site->paths[site->path_count - 1];
}
