// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The small world of `waypost demo`: three pops, two customers with two web servers each, all on
 * loopback addresses of this machine, and cities from which visitors come. The tables here are the
 * only place that names them; the configuration, the geography, the web servers, the visitors and
 * the tour are made from them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct demo_pop {
    const char *name, *node, *place, *location;
    struct ip address;
};

struct demo_customer {
    const char *name;  // sites are www.NAME.example and static.NAME.example
    const char *title; // for people
    unsigned hue;      // of pages and pictures, degrees
};

struct demo_server {
    const struct demo_customer *customer;
    const char *name, *place, *location;
    struct ip address;
    bool has_rare; // the one that has /rare.svg
};

/* Its visitors are in DEMO_CITY_NETWORKS networks each (demo_network). */
struct demo_city {
    const char *name;
    char country[3];
    double latitude, longitude; // degrees
};

struct demo_ports {
    uint16_t dns, http, https, admin, origin, bus;
};

/* Above 1024, so that anybody may run it. */
#define DEMO_PORTS_DEFAULT                                                                   \
    {                                                                                        \
        .dns = 5300, .http = 8080, .https = 8443, .admin = 8653, .origin = 8081, .bus = 4223 \
    }

enum {
    DEMO_POP_COUNT = 3,
    DEMO_CUSTOMER_COUNT = 2,
    DEMO_SERVER_COUNT = 4,
    DEMO_CITY_COUNT = 6,
    DEMO_CITY_NETWORKS = 10,
    DEMO_NETWORK_COUNT = DEMO_CITY_COUNT * DEMO_CITY_NETWORKS,
    DEMO_NETWORK_BITS = 24,
};

extern const struct demo_pop demo_pops[DEMO_POP_COUNT];
extern const struct demo_customer demo_customers[DEMO_CUSTOMER_COUNT];
extern const struct demo_server demo_servers[DEMO_SERVER_COUNT];
extern const struct ip demo_bus; // of the NATS server, where there is one
extern const struct demo_city demo_cities[DEMO_CITY_COUNT];

/*
 * The first address of the visitors' network `at`, below DEMO_NETWORK_COUNT: the first ten are
 * those of the first city, and so on. In a range that is nobody's (RFC 2544).
 */
struct ip demo_network(unsigned at);
