// SPDX-License-Identifier: Apache-2.0
#include "admin/peers.h"

#include "admin/json.h"
#include "admin/status.h"

static void put_hash(json_t *object, const char *key, uint64_t hash)
{
    char text[ADMIN_RELEASE_TEXT_MAX];

    json_put_text(object, key, slice_text(admin_release_text(hash, text)));
}

/* The one word on where it stands. */
static const char *standing(const struct admin_peer_status *s)
{
    if (s->is_self)
        return "self";
    if (!s->is_heard)
        return "never heard";
    if (s->is_present)
        return "present";
    return s->heartbeat != NULL && (s->heartbeat->flags & HEARTBEAT_LEAVING) != 0 ? "left"
                                                                                  : "missing";
}

static void put_heartbeat(json_t *object, const struct heartbeat *heartbeat)
{
    json_put_flag(object, "leaving", (heartbeat->flags & HEARTBEAT_LEAVING) != 0);
    json_put_flag(object, "suspect", (heartbeat->flags & HEARTBEAT_SUSPECT) != 0);
    json_put_flag(object, "blind", (heartbeat->flags & HEARTBEAT_BLIND) != 0);
    put_hash(object, "release", heartbeat->release);
    if (heartbeat->epoch.ms > 0) {
        json_t *map = json_object();

        put_hash(map, "hash", heartbeat->map);
        json_put_time(map, "epoch", heartbeat->epoch);
        json_object_set_new(object, "map", map);
    }
    if (heartbeat->era != 0) {
        json_t *orders = json_object();

        put_hash(orders, "era", heartbeat->era);
        json_put_number(orders, "applied", heartbeat->order);
        put_hash(orders, "drains", heartbeat->drains);
        json_object_set_new(object, "orders", orders);
    }
}

json_t *admin_peer_json(const struct admin_peer_status *status)
{
    json_t *object = json_object();

    json_put_text(object, "name", status->node->name);
    json_put_text(object, "pop", status->node->pop->name);
    json_put_text(object, "state", slice_text(standing(status)));
    if (status->is_heard && !status->is_self)
        json_put_number(object, "heard_ms", (uint64_t)status->age.ns / 1000000);
    if (status->heartbeat != NULL)
        put_heartbeat(object, status->heartbeat);
    return object;
}
