// SPDX-License-Identifier: Apache-2.0
#include "steer/geo.h"

#include <assert.h>
#include <math.h>

#include "base/mem.h"
#include "steer/prefix_table.h"

/*
 * Fitted to measured round trips between hosting sites: a floor for what is not distance (last
 * miles, queues, servers), and a slope well above that of light in glass, as cables make detours.
 */
static const double FLOOR_MS = 14, SLOPE_MS_PER_KM = 0.017, EARTH_RADIUS_KM = 6371;

struct geo *geo_none(void)
{
    struct geo *geo = mem_new(struct geo);
    enum err err = prefix_table_new(NULL, 0, &geo->table);

    assert(err == ERR_NONE);
    geo->cells = mem_array(1, sizeof *geo->cells);
    geo->cell_count = 1;
    return geo;
}

void geo_free(struct geo *geo)
{
    if (geo == NULL)
        return;
    prefix_table_free(geo->table);
    mem_free(geo->cells);
    mem_free(geo);
}

struct geo_found geo_find(const struct geo *geo, const struct ip *ip)
{
    struct prefix_found found = prefix_table_find(geo->table, ip);

    assert(found.number < geo->cell_count);
    return (struct geo_found){ found.number, found.bits };
}

static double radians(double degrees)
{
    return degrees * M_PI / 180;
}

double geo_distance_km(const struct location *a, const struct location *b)
{
    assert(a->is_set && b->is_set);
    double half_lat = sin(radians(b->latitude - a->latitude) / 2);
    double half_lon = sin(radians(b->longitude - a->longitude) / 2);
    double chord = half_lat * half_lat +
                   cos(radians(a->latitude)) * cos(radians(b->latitude)) * half_lon * half_lon;

    return 2 * EARTH_RADIUS_KM * asin(sqrt(fmin(1, chord)));
}

double geo_round_trip_ms(double distance_km)
{
    return FLOOR_MS + SLOPE_MS_PER_KM * distance_km;
}
