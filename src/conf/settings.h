// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The settings as written: one struct for each section of the file, typed but not yet checked
 * against each other. The tables that describe them hang on `settings_network`; conf/build.c
 * makes a struct network of them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/slice.h"
#include "conf/network.h"
#include "conf/schema.h"
#include "conf/settings_plan.h"

struct set_ports {
    struct schema_head head;
    struct node_ports ports;
};

struct set_node {
    struct schema_head head;
    struct schema_list address; // struct ip
    uint64_t capacity_bits_per_s;
    struct set_ports ports;
};

struct set_cache {
    struct schema_head head;
    uint64_t memory_bytes;
    struct slice disk;
    uint64_t disk_bytes;
};

struct set_pop_probe {
    struct schema_head head;
    struct endpoint ftp;
    struct slice user, password, path;
    struct span every;
};

struct set_pop {
    struct schema_head head;
    struct slice place;
    struct location location;
    struct schema_list nodes; // struct set_node
    struct set_cache cache;
    struct set_pop_probe probe;
    bool is_reserve;
};

/* A certificate's files; `ocsp` is not everywhere. */
struct set_files {
    struct schema_head head;
    struct slice cert, key, ocsp;
};

struct set_tls {
    struct schema_head head;
    unsigned oldest; // enum tls_oldest
    struct slice ciphers, tickets;
    struct set_files standard;
    struct schema_list certificates; // struct set_files
};

/* One way in; customers and operators have other words for the same roles. */
struct set_token {
    struct schema_head head;
    unsigned role; // enum token_role
    unsigned char hash[TOKEN_HASH_SIZE];
};

struct set_admin {
    struct schema_head head;
    struct set_files tls;
    struct slice token;
    struct schema_list tokens; // struct set_token
};

struct set_origin {
    struct schema_head head;
    struct endpoint address;
    struct slice host;
    bool is_tls;
    struct slice ca, cert, key;
    bool may_be_private;
    struct location location;
    double capacity_requests_per_s;
};

struct set_site_probe {
    struct schema_head head;
    struct slice http, ftp; // paths; that of FTP may be empty where it is given
    bool tcp, icmp;
    uint64_t port; // 0: not given
    uint64_t expect;
    struct slice match, load, user, password;
    struct span every, timeout; // timeout: 0 where not given
    uint64_t rise, fall;
};

struct set_weigh {
    struct schema_head head;
    uint64_t factor[TERM_COUNT];
};

struct set_path {
    struct schema_head head;
    bool may_cache;
    struct span ttl;
    struct span stale_if_error;
};

struct set_site {
    struct schema_head head;
    struct schema_list steer, deliver, reserve; // struct slice: names of origins
    unsigned policy;                            // enum site_policy
    unsigned fill;                              // enum site_fill
    struct slice pinned;
    unsigned missing;           // 1: next
    struct schema_list weights; // uint64_t, by name of origin
    struct set_weigh weigh;
    unsigned all_down; // enum site_all_down
    struct span ttl;
    struct span stale_if_error;
    uint64_t object_max_bytes;
    struct set_site_probe probe;
    struct schema_list paths; // struct set_path, by pattern
    struct set_files tls;
    unsigned https; // 1: only
    struct span hsts;
    bool hsts_subdomains;
};

struct set_access {
    struct schema_head head;
    struct slice file, pipe;
    unsigned format; // 1: json
};

struct set_customer {
    struct schema_head head;
    struct slice plan;
    struct set_access access;
    struct schema_list origins; // struct set_origin
    struct schema_list sites;   // struct set_site, by host
    struct schema_list tokens;  // struct set_token
};

struct set_accounts {
    struct schema_head head;
    struct slice node, ledger;
};

struct set_history {
    struct schema_head head;
    struct span keep;
    uint64_t size_bytes;
};

struct set_bus_access {
    struct schema_head head;
    struct slice user, password, token, ca, cert, key;
    bool is_tls;
};

struct set_limits {
    struct schema_head head;
    uint64_t connections, per_client;
    struct span handshake, head_time, idle, stall;
    uint64_t rate_bits_per_s;
    struct span upgraded;
};

struct set_network {
    struct schema_head head;
    struct schema_list include; // struct slice; taken out of the tree before it is typed
    struct slice name, zone;
    struct schema_list nameservers; // struct slice
    struct slice contact, bus, geo, state;
    struct set_bus_access bus_access;
    struct set_limits limits;
    struct set_tls tls;
    struct set_admin admin;
    struct set_accounts accounts;
    struct set_history history;
    struct schema_list pops, plans, customers;
};

extern const struct schema_section settings_network;
