// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"
#include "delivery/delivery_priv.h"
#include "steer/fill.h"

static_assert((int)FETCH_ORIGINS_MAX <= (int)FILL_ORIGINS_MAX, "all of a route's can be ordered");

/* What probes and fills tell of the origins: either may say that one is not to be asked. */
static void see_loads(const struct delivery *d, const struct route *route, struct fill_origin *seen)
{
    struct origin_load loads[FETCH_ORIGINS_MAX];

    for (size_t i = 0; i < route->origin_count; i++)
        loads[i].origin = &route->origins[i].fetch.address;
    origin_pool_loads(d->setup.pool, loads, route->origin_count, loop_now(d->setup.loop));
    for (size_t i = 0; i < route->origin_count; i++) {
        const struct route_origin *origin = &route->origins[i];
        uint8_t health = steer_health(route->rows, origin->check);

        seen[i] = (struct fill_origin){
            .hash = origin->hash,
            .weight = origin->weight,
            .is_fit = !loads[i].is_avoided && (health & STEER_DOWN_HERE) == 0,
            .is_drained = (health & STEER_DRAINED) != 0,
            .is_reserve = origin->is_reserve,
            .in_flight = loads[i].in_flight,
            .response_us = loads[i].response_us,
        };
    }
}

void ranking_of(struct delivery *d, const struct visit *visit, struct ranking *ranking)
{
    const struct route *route = visit->route;
    struct fill_origin seen[FETCH_ORIGINS_MAX];
    uint8_t order[FILL_ORIGINS_MAX];

    ranking->count = 1;
    ranking->missing_count = 0;
    if (route->origin_count == 1) {
        ranking->origins[0] = route->origins[0].fetch;
        return;
    }
    see_loads(d, route, seen);
    d->lots++;
    // Not the store's hash of the key, which is another on each node.
    uint64_t key = route->site->fill == FILL_HASH ? hash_bytes(visit->first.text, 0) : 0;

    ranking->count =
        fill_order(route->site->fill, seen, route->origin_count, key, hash_mix(d->lots), order);
    for (size_t i = 0; i < ranking->count; i++) {
        ranking->origins[i] = route->origins[order[i]].fetch;
        ranking->missing_count += route->site->missing_next && !seen[order[i]].is_drained;
    }
}
