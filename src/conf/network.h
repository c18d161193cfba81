// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The network as configured: one frozen tree, made from the configuration file by conf/load.h and
 * never changed. All memory is in its arena; pointers within it are good as long as it is. Shared
 * by all threads as part of a root snapshot. What leaves the process or outlives a root names
 * pops, customers, origins and sites by their names, never by pointer or index.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/slice.h"

struct location {
    double latitude, longitude; // degrees
    bool is_set;
};

struct node_ports {
    uint16_t dns, http, https, admin;
};

struct pop;

struct node {
    struct slice name;
    const struct pop *pop;
    const struct ip *addresses; // at least one
    size_t address_count;
    uint64_t capacity_bits_per_s; // 0: not given
    struct node_ports ports;
};

struct pop {
    struct slice name;
    struct slice place; // for people; empty when not given
    struct location location;
    const struct node *nodes; // at least one
    size_t node_count;
    uint64_t memory_bytes; // of each node's store
};

struct customer;

struct origin {
    struct slice name;
    const struct customer *customer;
    struct endpoint address;
    struct slice host; // Host header towards the origin; empty: the site's own
    struct location location;
    double capacity_requests_per_s; // 0: not given
};

enum site_kind { SITE_STEER, SITE_DELIVER };

enum site_policy { POLICY_BALANCED, POLICY_STRICT, POLICY_WEIGHTED, POLICY_ORDERED, POLICY_STICKY };

enum site_fill { FILL_ORDERED, FILL_PINNED };

/* What a path of a deliver site asks for; the rules of the first pattern that matches hold. */
struct path_rules {
    struct slice pattern;       // a star stands for any bytes; the last row is one star alone
    bool may_cache;             // cache: no
    struct span ttl;            // 0: as the origin says; above 0: instead of what it says
    struct span stale_if_error; // how long past freshness a copy may stand in for a failed origin
};

struct site {
    struct slice host; // lower case, no dot at the end
    const struct customer *customer;
    enum site_kind kind;
    enum site_policy policy;
    enum site_fill fill;
    bool missing_next;                   // a 404 from one origin asks the next
    const struct origin *const *origins; // steer or deliver list, in order, at least one
    const uint32_t *weights;             // one for each origin; 1 where not given
    size_t origin_count;
    struct span ttl;                // of steered DNS answers
    const struct path_rules *paths; // at least the last row, which matches all
    size_t path_count;
    uint64_t object_max_bytes; // larger ones are passed on and not kept
};

struct customer {
    struct slice name;
    struct slice plan; // empty when none is named
    const struct origin *origins;
    size_t origin_count;
    const struct site *sites;
    size_t site_count;
};

struct network {
    struct arena arena;
    struct slice name;
    struct slice zone; // lower case, no dot at the end
    const struct slice *nameservers;
    size_t nameserver_count;
    struct slice contact; // hostmaster@example.net
    struct slice state;   // folder
    struct slice bus;     // "local"
    const struct pop *pops;
    size_t pop_count;
    const struct customer *customers;
    size_t customer_count;
    const struct site *const *sites; // of all customers, by host
    size_t site_count;
    uint64_t hash;   // of the settings as read, includes in; names the release
    uint32_t serial; // SOA serial: the newest change of any file read, seconds since 1970
};

/* NULL where there is none of that name. Hosts are compared without case. */
const struct node *network_node(const struct network *network, struct slice name);
const struct site *network_site(const struct network *network, struct slice host);
const struct pop *network_pop(const struct network *network, struct slice name);
