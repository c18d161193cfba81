// SPDX-License-Identifier: Apache-2.0
#include "admin/names.h"

enum {
    HOST_DISTANCE_MAX = 6, // farther than below it is another name
    WORD_DISTANCE_MAX = 3,
};

/* The nearest of the names that were looked at. */
struct search {
    struct slice wanted;
    size_t best; // distance; only what is nearer is taken
    size_t left; // to be looked at
    struct slice nearest;
};

static struct search search_for(struct slice wanted, size_t distance)
{
    return (struct search){ .wanted = wanted, .best = distance, .left = NAMES_LOOKED_AT_MAX };
}

/* True when it is the nearest so far. */
static bool look_at(struct search *search, struct slice name)
{
    if (search->left == 0)
        return false;
    size_t distance = slice_distance(search->wanted, name);

    search->left--;
    if (distance >= search->best)
        return false;
    search->best = distance;
    search->nearest = name;
    return true;
}

/* In lower levels a name is either HOST or HOST.ZONE. */
static struct slice without_zone(const struct network *network, struct slice name)
{
    size_t zone = network->zone.length;

    if (name.length > zone + 1 && name.at[name.length - zone - 1] == '.' &&
        slice_same(slice_from(name, name.length - zone), network->zone))
        return slice_head(name, name.length - zone - 1);
    return name;
}

static struct slice without_dot(struct slice name)
{
    bool has_dot = name.length > 0 && name.at[name.length - 1] == '.';

    return slice_head(name, name.length - has_dot);
}

const struct site *admin_site_find(const struct network *network, struct slice name)
{
    struct slice host = without_dot(name);
    const struct site *site = network_site(network, host);

    return site != NULL ? site : network_site(network, without_zone(network, host));
}

const struct origin *admin_origin_find(const struct network *network, struct slice name)
{
    size_t slash = slice_find(name, '/');
    struct slice customer = slice_head(name, slash), own = slice_from(name, slash + 1);

    if (slash == name.length)
        return NULL;
    for (size_t i = 0; i < network->customer_count; i++) {
        const struct customer *c = &network->customers[i];

        if (!slice_equal(c->name, customer))
            continue;
        for (size_t j = 0; j < c->origin_count; j++)
            if (slice_equal(c->origins[j].name, own))
                return &c->origins[j];
    }
    return NULL;
}

struct slice admin_site_nearest(const struct network *network, struct slice name)
{
    struct search search = search_for(without_zone(network, without_dot(name)), HOST_DISTANCE_MAX);

    for (size_t i = 0; i < network->site_count; i++)
        look_at(&search, network->sites[i]->host);
    return search.nearest;
}

struct slice admin_node_nearest(const struct network *network, struct slice name)
{
    struct search search = search_for(name, WORD_DISTANCE_MAX);

    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++)
            look_at(&search, network->pops[i].nodes[j].name);
    return search.nearest;
}

struct slice admin_pop_nearest(const struct network *network, struct slice name)
{
    struct search search = search_for(name, WORD_DISTANCE_MAX);

    for (size_t i = 0; i < network->pop_count; i++)
        look_at(&search, network->pops[i].name);
    return search.nearest;
}

struct slice admin_customer_nearest(const struct network *network, struct slice name)
{
    struct search search = search_for(name, WORD_DISTANCE_MAX);

    for (size_t i = 0; i < network->customer_count; i++)
        look_at(&search, network->customers[i].name);
    return search.nearest;
}

const struct origin *admin_origin_nearest(const struct network *network, struct slice name)
{
    size_t slash = slice_find(name, '/');
    struct slice own = slash == name.length ? name : slice_from(name, slash + 1);
    struct slice customer = slash == name.length ? SLICE_NONE : slice_head(name, slash);
    struct search search = search_for(own, WORD_DISTANCE_MAX);
    const struct origin *nearest = NULL;

    // The same name of the right customer comes before that of another.
    for (int pass = customer.length == 0; pass < 2; pass++)
        for (size_t i = 0; i < network->customer_count; i++) {
            const struct customer *c = &network->customers[i];

            if (pass == 0 && slice_distance(c->name, customer) >= WORD_DISTANCE_MAX)
                continue;
            for (size_t j = 0; j < c->origin_count; j++)
                if (look_at(&search, c->origins[j].name))
                    nearest = &c->origins[j];
        }
    return nearest;
}
