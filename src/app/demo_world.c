// SPDX-License-Identifier: Apache-2.0
#include "app/demo_world.h"

const struct demo_pop demo_pops[DEMO_POP_COUNT] = {
    { "fra", "fra1", "Frankfurt, DE", "50.11, 8.68", { IP_V4, { 127, 0, 0, 11 } } },
    { "nyc", "nyc1", "New York, US", "40.71, -74.01", { IP_V4, { 127, 0, 0, 12 } } },
    { "sin", "sin1", "Singapore, SG", "1.35, 103.82", { IP_V4, { 127, 0, 0, 13 } } },
};

const struct demo_customer demo_customers[DEMO_CUSTOMER_COUNT] = {
    { "acme", "Acme Outdoor", 205 },
    { "globex", "Globex Ceramics", 18 },
};

const struct demo_server demo_servers[DEMO_SERVER_COUNT] = {
    { &demo_customers[0], "ams", "Amsterdam", "52.37, 4.90", { IP_V4, { 127, 0, 0, 21 } }, false },
    { &demo_customers[0], "chi", "Chicago", "41.88, -87.63", { IP_V4, { 127, 0, 0, 22 } }, true },
    { &demo_customers[1], "lon", "London", "51.51, -0.13", { IP_V4, { 127, 0, 0, 23 } }, false },
    { &demo_customers[1], "tyo", "Tokyo", "35.68, 139.69", { IP_V4, { 127, 0, 0, 24 } }, true },
};

const struct ip demo_bus = { IP_V4, { 127, 0, 0, 10 } };

const struct demo_city demo_cities[DEMO_CITY_COUNT] = {
    { "Leipzig", "DE", 51.34, 12.37 },
    { "Lyon", "FR", 45.76, 4.84 },
    { "Detroit", "US", 42.33, -83.05 },
    { "Montreal", "CA", 45.50, -73.57 },
    { "Jakarta", "ID", -6.21, 106.85 },
    { "Osaka", "JP", 34.69, 135.50 },
};

struct ip demo_network(unsigned at)
{
    return ip_v4(198, 18, (uint8_t)at, 0);
}
