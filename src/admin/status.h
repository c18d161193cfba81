// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a running process says of itself: the structs that app fills, and their JSON
 * (/api/v1/status). Plain values; all they point to is the filler's, or in the arena it was given.
 *
 * A new part adds a field here, a line in status.c, and where people should see it a column in
 * table.c. Names in the JSON are never changed or taken away within /api/v1.
 */

#include <stddef.h>
#include <stdint.h>

#include "admin/checks.h"
#include "admin/peers.h"
#include "admin/text.h"
#include "base/clock.h"
#include "conf/network.h"
#include "steer/map.h"

struct drain;
struct json_t;

enum {
    ADMIN_CHECKS_MAX = 40000, // in an answer that is no page
    STATUS_TOLD_MAX = 100000, // members of lists on a page
};

struct admin_store_status {
    uint64_t used_bytes, limit_bytes, objects;
};

/* A node of this process. Totals are since its start. */
struct admin_node_status {
    const struct node *node;
    const struct steer_map *map; // in use; NULL: none yet
    uint64_t dns_queries;
    uint64_t requests, hits; // of visitors, and those answered from the store
    uint64_t probes;         // requests that measure the node, among the former
    uint64_t sent_bytes;
    uint64_t connections; // open now, of visitors
    struct admin_store_status store;
};

/* A certificate that this process shows. */
struct admin_certificate_status {
    struct slice name; // of the site; "default" or "admin"
    struct slice file;
    struct wall from, till; // it is valid
    int64_t days_left;      // negative: it has expired
    struct slice note;      // what is wrong with it; empty: nothing
};

struct admin_origin_status {
    const struct origin *origin;
    struct slice node; // that fetched
    uint64_t fetches, failures;
    uint64_t in_flight;        // requests with it now
    uint64_t response_us;      // smoothed time to an answer's head; 0: never asked
    struct slice last_error;   // empty: none so far
    struct wall last_error_at; // with last_error
};

struct admin_status {
    struct slice version;
    struct span uptime;
    struct wall now;
    unsigned workers;
    const struct network *network; // in use; its sites and release are shown
    const struct admin_node_status *nodes;
    size_t node_count;
    const struct admin_peer_status *peers; // every node of the network
    size_t peer_count;
    const struct admin_origin_status *origins;
    size_t origin_count;
    const struct admin_certificate_status *certificates;
    size_t certificate_count;
    const struct slice *bare_sites; // hosts of delivered sites that no certificate is for
    size_t bare_count;
    const struct admin_check_status *checks; // by node
    size_t check_count;
    const struct drain *drains; // in force
    size_t drain_count;
    struct slice customer; // whose all this is; empty: it is all there is
};

/* All lists count as one, in the order in which they are told; the rest is on every page. */
struct admin_status_question {
    size_t limit;   // members of lists on the page; 0: no page, all of them
    uint64_t after; // how many are before the page
};

/* Nothing is added when memory for it runs out. */
void admin_status_write(const struct admin_status *status,
    const struct admin_status_question *question, struct text *out);

/* As in the file; policies and fills have theirs in conf/summary.h. */
const char *admin_kind_text(enum site_kind kind);

/* {"hash", "serial"}: how answers name the release in use. */
struct json_t *admin_release_json(const struct network *network);

enum { ADMIN_RELEASE_TEXT_MAX = 17, ADMIN_TIME_TEXT_MAX = 21 };

/* Sixteen hexadecimal digits, terminated; returns `text`. */
const char *admin_release_text(uint64_t hash, char text[ADMIN_RELEASE_TEXT_MAX]);

/* RFC 3339, seconds, UTC: 2026-11-22T10:00:00Z; terminated; returns `text`. */
const char *admin_time_text(struct wall wall, char text[ADMIN_TIME_TEXT_MAX]);
