// SPDX-License-Identifier: Apache-2.0
#include "app/demo_geo.h"

#include <string.h>

#include "app/demo_world.h"
#include "steer/geo_write.h"

enum err demo_geo_write(const char *path, struct diag *why)
{
    struct geo_write_entry entries[DEMO_NETWORK_COUNT];

    for (unsigned i = 0; i < DEMO_NETWORK_COUNT; i++) {
        const struct demo_city *city = &demo_cities[i / DEMO_CITY_NETWORKS];

        entries[i] = (struct geo_write_entry){
            .prefix = { demo_network(i), DEMO_NETWORK_BITS },
            .location = { city->latitude, city->longitude, true },
        };
        memcpy(entries[i].country, city->country, sizeof entries[i].country);
    }
    return geo_write(path, entries, DEMO_NETWORK_COUNT, why);
}
