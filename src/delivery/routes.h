// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * From a request's host to the site it belongs to, and from its path to the rules that hold. Built
 * with the root from the network, frozen; one hash and one probe a request.
 */

#include "base/slice.h"
#include "conf/network.h"
#include "origin/fetch.h"

struct routes;

struct route {
    const struct site *site;
    const struct fetch_origin *origins; // where fills and passed requests go, ranked
    size_t origin_count;
};

/* The network must outlive the routes. */
struct routes *routes_new(const struct network *network);

/* Accepts NULL. */
void routes_free(struct routes *routes);

/* By HOST or HOST.ZONE, without case, with or without a dot at the end; NULL: not served here. */
const struct route *routes_find(const struct routes *routes, struct slice host);

/* The first row whose pattern matches the path (without its query). A star stands for any bytes. */
const struct path_rules *route_rules(const struct route *route, struct slice path);
