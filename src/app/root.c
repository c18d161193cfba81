// SPDX-License-Identifier: Apache-2.0
#include "app/root.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>

#include "app/access_log.h"
#include "app/certificates.h"
#include "base/hash.h"
#include "base/mem.h"
#include "conf/checks.h"
#include "delivery/routes.h"
#include "dns/compile.h"
#include "steer/geo.h"
#include "steer/rows.h"
#include "steer/watch.h"

/* The file that the configuration names, or none. */
static enum err load_geo(const struct network *network, struct geo **geo, struct diag *why)
{
    char path[PATH_MAX];

    if (network->geo.length == 0) {
        *geo = geo_none();
        return ERR_NONE;
    }
    if (network->geo.length >= sizeof path) {
        diag_say(why, "the path of `geo` is longer than %zu bytes", sizeof path - 1);
        return ERR_LIMIT;
    }
    snprintf(path, sizeof path, "%.*s", SLICE_ARG(network->geo));
    return geo_load(path, geo, why);
}

enum err release_new(struct network **network, struct release **release, struct diag *why)
{
    struct release *built = mem_new(struct release);

    *built = (struct release){ .network = *network, .uses = 1 };
    *network = NULL;
    enum err err = load_geo(built->network, &built->geo, why);

    if (err != ERR_NONE) {
        release_drop(built);
        return err;
    }
    built->checks = checks_new(built->network);
    built->watch = watch_table_new(built->network, built->checks);
    *release = built;
    return ERR_NONE;
}

void release_drop(struct release *release)
{
    if (release == NULL)
        return;
    assert(release->uses > 0);
    if (--release->uses > 0)
        return;
    certificates_free(release->certificates);
    geo_free(release->geo);
    watch_table_free(release->watch);
    checks_free(release->checks);
    network_free(release->network);
    mem_free(release);
}

/* The routes of a customer with an access log say where its lines go. */
static void use_access_logs(struct root *root)
{
    struct access_log *access = root->release->access;
    const struct network *network = root->network;

    if (access == NULL)
        return;
    root->access = mem_array(network->customer_count, sizeof(struct access_place *));
    for (size_t i = 0; i < network->customer_count; i++) {
        const struct customer *customer = &network->customers[i];

        if (!customer_access_is_given(&customer->access))
            continue;
        root->access[i] = access_log_use(access, customer->name, &customer->access);
        routes_log(root->routes, customer,
            &(struct route_log){ root->access[i], customer->access.format });
    }
}

static void drop_access_logs(struct root *root)
{
    for (size_t i = 0; root->access != NULL && i < root->network->customer_count; i++)
        if (root->access[i] != NULL)
            access_log_drop(root->release->access, root->access[i]);
    mem_free(root->access);
}

void root_free(struct root *root)
{
    if (root == NULL)
        return;
    drop_access_logs(root);
    steer_map_free(steer_map_of(snapshot_read(&root->map)));
    dns_zones_free(root->zones);
    routes_free(root->routes);
    steer_rows_free(root->rows);
    release_drop(root->release);
    mem_free(root);
}

static void free_value(struct snapshot_value *value)
{
    root_free(root_of(value));
}

/* The map to begin with: by geography and the order of the configuration. */
static void plan_unmeasured(struct root *root)
{
    struct arena arena;

    arena_init(&arena, SIZE_MAX);
    const struct facts *facts = facts_none(&arena, root->rows->checks->count);

    atomic_store(&root->map.value, &steer_plan(root->rows, &arena, facts, NULL)->value);
}

enum err root_build(struct release *release, struct slice node, struct usage *usage,
    struct root **root, struct diag *why)
{
    const struct node *self = network_node(release->network, node);
    struct root *built;
    enum err err;

    if (self == NULL) {
        diag_say(why,
            "node %.*s is not in the configuration any more; stop this process, or put it back",
            SLICE_ARG(node));
        return ERR_MISSING;
    }
    built = mem_new(struct root);
    snapshot_value_init(&built->value, free_value);
    release->uses++;
    built->release = release;
    built->network = release->network;
    built->self = self;
    built->rows = steer_rows_new(release->network, self, release->checks, release->geo);
    err = routes_new(built->rows, usage, &built->routes, why);
    if (err == ERR_NONE)
        err = dns_zones_compile(built->rows, usage, hash_seed_random(), &built->zones, why);
    if (err != ERR_NONE) {
        root_free(built);
        return err;
    }
    use_access_logs(built);
    plan_unmeasured(built);
    *root = built;
    return ERR_NONE;
}
