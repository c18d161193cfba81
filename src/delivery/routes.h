// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * From a request's host to the site it belongs to, and from its path to the rules that hold. Built
 * with the root from the network, frozen; one hash and one probe a request. Whom fills trust is
 * read from the files of authorities at that time.
 */

#include "base/slice.h"
#include "conf/network.h"
#include "meter/usage.h"
#include "origin/fetch.h"
#include "steer/rows.h"

struct routes;

/* Where fills and passed requests may go. */
struct route_origin {
    struct fetch_origin fetch;
    uint64_t hash; // of its name
    uint32_t weight;
    uint32_t check; // whose health counts
    bool is_reserve;
};

/* Who takes the lines of the access log of the site's customer. */
struct route_log {
    void *whom; // NULL: nobody
    enum access_format format;
};

struct route {
    const struct site *site;
    const struct route_origin *origins; // as listed; of a pinned site that one and the reserves
    size_t origin_count;                // at least one, at most FETCH_ORIGINS_MAX
    const struct steer_rows *rows;      // which have the health of the checks
    struct slice hsts;                  // the field line of answers by HTTPS; empty: none
    struct route_log log;
    struct usage_line *usage; // of the site's slot; NULL: not counted
};

/*
 * Of the rows' network. The rows must outlive the routes, and so must the usage, in which each site
 * finds its slot; NULL: nothing is counted. ERR_CONFIG: the authorities of some
 * origin's certificates cannot be read; `why` names the origin and the file.
 */
[[nodiscard]] enum err routes_new(
    const struct steer_rows *rows, struct usage *usage, struct routes **routes, struct diag *why);

/* For all sites of the customer; before any worker sees the routes. Whom the lines are for outlives
 * them. */
void routes_log(
    struct routes *routes, const struct customer *customer, const struct route_log *log);

/* Accepts NULL. */
void routes_free(struct routes *routes);

/* By HOST or HOST.ZONE, without case, with or without a dot at the end; NULL: not served here. */
const struct route *routes_find(const struct routes *routes, struct slice host);

/* The first row whose pattern matches the path (without its query). A star stands for any bytes. */
const struct path_rules *route_rules(const struct route *route, struct slice path);
