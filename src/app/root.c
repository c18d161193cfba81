// SPDX-License-Identifier: Apache-2.0
#include "app/root.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"
#include "conf/checks.h"
#include "delivery/routes.h"
#include "dns/compile.h"
#include "steer/geo.h"
#include "steer/rows.h"

struct release *release_new(struct network **network)
{
    struct release *release = mem_new(struct release);

    *release = (struct release){
        .network = *network, .checks = checks_new(*network), .geo = geo_none(), .uses = 1
    };
    *network = NULL;
    return release;
}

void release_drop(struct release *release)
{
    if (release == NULL)
        return;
    assert(release->uses > 0);
    if (--release->uses > 0)
        return;
    geo_free(release->geo);
    checks_free(release->checks);
    network_free(release->network);
    mem_free(release);
}

void root_free(struct root *root)
{
    if (root == NULL)
        return;
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

enum err root_build(
    struct release *release, struct slice node, struct root **root, struct diag *why)
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
    built->routes = routes_new(built->rows);
    err = dns_zones_compile(built->rows, hash_seed_random(), &built->zones, why);
    if (err != ERR_NONE) {
        root_free(built);
        return err;
    }
    *root = built;
    return ERR_NONE;
}
