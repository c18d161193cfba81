// SPDX-License-Identifier: Apache-2.0
#include "steer/row.h"

#include <assert.h>

#include "base/hash.h"
#include "steer/geo.h"

static const double FAR_KM = 20015; // half around the globe

/* Along the great circle; without a place on both sides, as far as can be. */
static double distance_km(const struct location *a, const struct location *b)
{
    if (!a->is_set || !b->is_set)
        return FAR_KM;
    return geo_distance_km(a, b);
}

static struct steer_row steer_origins(struct arena *arena, const struct site *site)
{
    struct steer_target *targets = arena_array(arena, site->origin_count, sizeof *targets);

    for (size_t i = 0; i < site->origin_count; i++)
        targets[i] = (struct steer_target){
            .origin = site->origins[i],
            .hash = hash_bytes(site->origins[i]->name, 0),
            .weight = site->weights[i],
        };
    return (struct steer_row){ .targets = targets, .count = site->origin_count };
}

/* Stable insertion: few pops, once a reload. */
static struct steer_row steer_pops(
    struct arena *arena, const struct network *network, const struct node *self)
{
    struct steer_target *targets = arena_array(arena, network->pop_count, sizeof *targets);
    double *far_km = arena_array(arena, network->pop_count, sizeof *far_km);

    for (size_t i = 0; i < network->pop_count; i++) {
        const struct pop *pop = &network->pops[i];
        double km = pop == self->pop ? -1 : distance_km(&self->pop->location, &pop->location);
        size_t at = i;

        for (; at > 0 && far_km[at - 1] > km; at--) {
            far_km[at] = far_km[at - 1];
            targets[at] = targets[at - 1];
        }
        far_km[at] = km;
        targets[at] =
            (struct steer_target){ .pop = pop, .hash = hash_bytes(pop->name, 0), .weight = 1 };
    }
    return (struct steer_row){ .targets = targets, .count = network->pop_count };
}

struct steer_row steer_row_build(struct arena *arena, const struct network *network,
    const struct node *self, const struct site *site)
{
    struct steer_row row =
        site->kind == SITE_STEER ? steer_origins(arena, site) : steer_pops(arena, network, self);

    assert(row.count > 0);
    row.site = site;
    row.hash = hash_bytes(site->host, 0);
    return row;
}
