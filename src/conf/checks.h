// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Everything that a network asks to be measured, as one flat list: each node by HTTP, each pop's
 * FTP, each origin as the sites that use it say. What several sites ask of one origin in the same
 * way is one check. Probes run the list, steering reads what came of it; both name a check by its
 * position within one release, and by its id beyond it.
 *
 * A steer or deliver site that names no probe has its origins' TCP latency measured. A node that
 * serves no HTTP has the opening of connections to its DNS port measured, or to its HTTPS port.
 *
 * Limits: as many as there are origins in lists of sites, and again with load paths; the loader
 * bounds them by YAML_NODES_MAX.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/network.h"

/* Where each node answers probes by HTTP. */
#define CHECK_NODE_PATH SLICE("/.well-known/waypost/probe")

enum check_kind { CHECK_HTTP, CHECK_FTP, CHECK_TCP, CHECK_ICMP, CHECK_LOAD };

enum { CHECK_NAME_MAX = 160 };

#define CHECK_NONE UINT32_MAX // an enumerator is an int

struct check {
    uint64_t id; // of what is measured and how, but for passwords: the same on every node
    enum check_kind kind;
    const struct node *node;     // one of these three is set
    const struct pop *pop;       // of its FTP
    const struct origin *origin; // likewise
    struct endpoint to;
    struct slice host; // Host field, and name in the TLS handshake
    struct slice path;
    uint16_t expect;
    struct slice match;
    struct slice user, password;
    bool is_tls;
    struct slice ca;
    struct span every, timeout; // every: the shortest that any site asks for
    uint16_t rise, fall;
};

struct checks_index;

struct checks {
    const struct check *list; // by id
    size_t count;
    const struct checks_index *index; // from nodes, pops and sites into the list
    struct arena arena;
};

/* The network must outlive the checks. Some 10 ms for 10,000 sites. Freed by checks_free. */
struct checks *checks_new(const struct network *network);

/* Accepts NULL. */
void checks_free(struct checks *checks);

/*
 * Positions in the list; CHECK_NONE where there is none, as of a network other than the checks'.
 * `at` counts site->origins.
 */
uint32_t checks_of_origin(const struct checks *checks, const struct site *site, size_t at);
uint32_t checks_load_of_origin(const struct checks *checks, const struct site *site, size_t at);
uint32_t checks_of_node(const struct checks *checks, const struct node *node);
uint32_t checks_ftp_of_pop(const struct checks *checks, const struct pop *pop);

/* By id; CHECK_NONE when it is not in this release. */
uint32_t checks_find(const struct checks *checks, uint64_t id);

/*
 * "origin acme/ams http /health": for people. Host and port stand there where they are not the
 * origin's own; checks that differ in less have the same name. Cut to fit; terminated; valid UTF-8
 * where the configuration is; returns `text`.
 */
const char *check_name(const struct check *check, char text[CHECK_NAME_MAX]);

/* "http", "load"; never NULL. */
const char *check_kind_text(enum check_kind kind);
