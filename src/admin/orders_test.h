// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests of orders: a network with one of each kind of thing that an order may name. */

#include "admin/orders.h"
#include "steer/drains.h"

static const struct customer orders_customers[1];
static const struct origin orders_origins[] = {
    { .name = { "ams", 3 }, .customer = &orders_customers[0] },
    { .name = { "nyc", 3 }, .customer = &orders_customers[0] },
};
static const struct customer orders_customers[1] = {
    { .name = { "acme", 4 }, .origins = orders_origins, .origin_count = 2 }
};
static const struct site orders_static = {
    .host = { "static.acme.test", 16 }, .customer = &orders_customers[0], .kind = SITE_DELIVER
};
static const struct site orders_www = {
    .host = { "www.acme.test", 13 }, .customer = &orders_customers[0], .kind = SITE_STEER
};
static const struct site *const orders_sites[] = { &orders_static, &orders_www };
static const struct pop orders_pops[2];
static const struct node orders_fra1 = { .name = { "fra1", 4 }, .pop = &orders_pops[0] };
static const struct node orders_nyc1 = { .name = { "nyc1", 4 }, .pop = &orders_pops[1] };
static const struct pop orders_pops[2] = {
    { .name = { "fra", 3 }, .nodes = &orders_fra1, .node_count = 1 },
    { .name = { "nyc", 3 }, .nodes = &orders_nyc1, .node_count = 1 },
};
static const struct network orders_network = { .name = { "example", 7 },
    .zone = { "cdn.test", 8 },
    .pops = orders_pops,
    .pop_count = 2,
    .customers = orders_customers,
    .customer_count = 1,
    .sites = orders_sites,
    .site_count = 2 };

/* A pop that was drained, and then left the network. */
static const struct drain orders_drains[] = {
    { DRAIN_POP, { "sin", 3 }, { "root", 4 }, { 1795341600000 }, 5, 3 },
    { DRAIN_ORIGIN, { "acme/ams", 8 }, { "loopback", 8 }, { 1795341660000 }, 5, 4 },
};
