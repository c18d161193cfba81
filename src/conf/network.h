// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The network as configured: one frozen tree, made from the configuration file by conf/load.h and
 * never changed. All memory is in its arena; pointers within it are good as long as it is. Shared
 * by all threads as part of a root snapshot. What leaves the process or outlives a root names
 * pops, customers, origins and sites by their names, never by pointer or index.
 *
 * Each field is a setting; conf/settings.c has their units, defaults and limits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/slice.h"
#include "conf/access.h"
#include "conf/bus.h"
#include "conf/history.h"
#include "conf/https.h"
#include "conf/limits.h"
#include "conf/plan.h"
#include "conf/token.h"

struct location {
    double latitude, longitude; // degrees
    bool is_set;
};

struct node_ports {
    uint16_t dns, http, https, admin; // 0: not served
};

struct pop;

struct node {
    struct slice name; // unique in the network
    const struct pop *pop;
    const struct ip *addresses; // at least one
    size_t address_count;
    uint64_t capacity_bits_per_s; // 0: not given
    struct node_ports ports;
};

/* A service of a pop measured beside its nodes' own HTTP. */
struct pop_probe {
    struct endpoint ftp; // family IP_NONE: not measured
    struct slice user;   // empty: the greeting alone is timed
    struct slice password;
    struct slice path; // of a small file to fetch after sign-in; empty: none
    struct span every;
};

struct pop {
    struct slice name;
    struct slice place; // for people; empty when not given
    struct location location;
    const struct node *nodes; // at least one
    size_t node_count;
    uint64_t memory_bytes; // of each node's store
    struct slice disk;     // folder of the disk tier; empty when there is none
    uint64_t disk_bytes;   // above 0 where there is a disk
    struct pop_probe probe;
    bool is_reserve; // answers lead there only when no other pop is fit
};

struct customer;

struct origin {
    struct slice name; // unique within the customer
    const struct customer *customer;
    struct endpoint address;
    struct slice host;              // Host header towards the origin; empty: the site's own
    bool is_tls;                    // HTTPS for fills and probes
    struct slice ca;                // file of certificates that vouch for it; empty: the system's
    struct certificate_files shown; // what we show it; empty: nothing
    bool may_be_private;
    struct location location;
    double capacity_requests_per_s; // 0: not given
};

enum site_kind { SITE_STEER, SITE_DELIVER };

enum site_policy { POLICY_BALANCED, POLICY_STRICT, POLICY_WEIGHTED, POLICY_ORDERED, POLICY_STICKY };

enum site_fill { FILL_LEAST_LOADED, FILL_ORDERED, FILL_PINNED, FILL_HASH };

/* What a path of a deliver site asks for; the rules of the first pattern that matches hold. */
struct path_rules {
    struct slice pattern;       // a star stands for any bytes; the last row is one star alone
    bool may_cache;             // cache: no
    struct span ttl;            // 0: as the origin says; above 0: instead of what it says
    struct span stale_if_error; // how long past freshness a copy may stand in for a failed origin
};

enum site_probe_kind { SITE_PROBE_TCP, SITE_PROBE_HTTP, SITE_PROBE_FTP, SITE_PROBE_ICMP };

/* How the origins of a site are measured. */
struct site_probe {
    enum site_probe_kind kind;   // TCP where the site says nothing: a connection's opening
    struct slice path;           // of HTTP and FTP; of HTTP it begins with a slash
    uint16_t port;               // 0: the origin's own; FTP: 21
    uint16_t expect;             // status that means healthy
    struct slice match;          // the body's beginning must contain it; empty: any body
    struct slice user, password; // of FTP; empty: the greeting alone
    struct slice load;           // path that tells CPU and memory load; empty: none
    struct span every, timeout;
    uint16_t rise, fall; // answers in a row that make it up, misses that make it down
};

/* What a site counts against a target; the value of each term is in milliseconds. */
enum site_term {
    TERM_LATENCY,  // round trip
    TERM_RESPONSE, // response time above the target's own idle median
    TERM_FTP,      // the same of its FTP service
    TERM_CPU,      // 1 ms for each percent in use
    TERM_MEMORY,   // likewise
    TERM_ERRORS,   // 3 ms for each percent of failed probes and fills
    TERM_COUNT,
};

enum site_all_down { ALL_DOWN_ANY, ALL_DOWN_NODATA };

struct site {
    struct slice host; // lower case, no dot at the end
    const struct customer *customer;
    enum site_kind kind;
    enum site_policy policy;             // of steer sites
    enum site_fill fill;                 // of deliver sites
    const struct origin *pinned;         // with FILL_PINNED alone, else NULL; one of origins
    bool missing_next;                   // a 404 from one origin asks the next
    const struct origin *const *origins; // steer or deliver list, in order, at least one
    const uint32_t *weights;             // one for each origin; 1 where not given
    size_t origin_count;
    size_t first_reserve;        // used from here on only when no other is fit; at least 1, and of
                                 // the weights before it not all are 0
    uint16_t weigh[TERM_COUNT];  // factor of each term
    enum site_all_down all_down; // what is answered when nothing is fit
    struct span ttl;             // of DNS answers that name the site
    struct site_probe probe;
    const struct path_rules *paths; // at least the last row, which matches all
    size_t path_count;
    uint64_t object_max_bytes; // larger ones are passed on and not kept
    struct site_https https;   // of deliver sites
};

struct customer {
    struct slice name;
    struct slice plan;              // empty when none is named
    const struct plan *plan_prices; // NULL when none is named
    struct customer_access access;
    const struct origin *origins;
    size_t origin_count;
    const struct site *sites;
    size_t site_count;
    const struct token *tokens;
    size_t token_count;
};

struct network {
    struct arena arena;
    struct slice name, zone; // the zone in lower case, no dot at the end
    const struct slice *nameservers;
    size_t nameserver_count;
    struct slice contact; // hostmaster@example.net
    struct slice state;   // folder
    struct network_bus bus;
    struct network_limits limits;
    struct network_tls tls;
    struct network_admin admin;
    struct slice geo;                            // country database file; empty when not given
    struct slice accounts_node, accounts_ledger; // who keeps the ledger (empty: none), and where
    const struct pop *pops;
    size_t pop_count;
    const struct plan *plans;
    size_t plan_count;
    const struct customer *customers;
    size_t customer_count;
    const struct site *const *sites; // of all customers, by host
    size_t site_count;
    struct network_history history;
    uint64_t hash;   // of the settings as read, includes in; names the release
    uint32_t serial; // SOA serial: the newest change of any file read, seconds since 1970
};

/* NULL where there is none of that name. Hosts are compared without case. */
const struct node *network_node(const struct network *network, struct slice name);
const struct site *network_site(const struct network *network, struct slice host);
const struct pop *network_pop(const struct network *network, struct slice name);
const struct customer *network_customer(const struct network *network, struct slice name);

/* Some certificate is given, so that there is something to answer HTTPS with. */
bool network_has_https(const struct network *network);

/* Gives all of it back. Accepts NULL. */
void network_free(struct network *network);
