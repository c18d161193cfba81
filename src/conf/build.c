// SPDX-License-Identifier: Apache-2.0
#include "conf/build.h"

#include <assert.h>
#include <stdlib.h>

#include "base/attr.h"
#include "conf/units.h"

enum { NETWORK_BYTES_MAX = 1 << 30 };

struct builder {
    struct arena *arena;
    struct conf_errors *errors;
};

/* A site on its way: what is needed to say what is wrong with it. */
struct site_builder {
    struct builder *b;
    const struct set_site *set;
    const struct customer *customer;
    struct site *site;
};

static struct slice keep(struct builder *b, struct slice text)
{
    return text.length == 0 ? SLICE_NONE : arena_copy(b->arena, text);
}

/* "a" and "b" to "aSEPARATORb"; empty when `right` is, which has been told then. */
static struct slice keep_joined(
    struct builder *b, struct slice left, char separator, struct slice right)
{
    if (right.length == 0)
        return SLICE_NONE;
    char *text = arena_alloc(b->arena, left.length + 1 + right.length + 1);

    memcpy(text, left.at, left.length);
    text[left.length] = separator;
    memcpy(text + left.length + 1, right.at, right.length);
    return slice_of(text, left.length + 1 + right.length);
}

/* Where the value of a key was written; where the section begins when it was not. */
static struct conf_place place_of(const struct schema_head *head, struct slice key)
{
    const struct yaml_node *value = yaml_find(head->at, key);

    struct conf_place nowhere = { 0 };

    if (value != NULL)
        return value->at;
    return head->at == NULL ? nowhere : head->at->key_at;
}

static void build_node(
    struct builder *b, const struct set_node *set, const struct pop *pop, struct node *node)
{
    struct ip *addresses = arena_array(b->arena, set->address.count, sizeof *addresses);

    for (size_t i = 0; i < set->address.count; i++) {
        static const struct ip ANY_V4 = { .family = IP_V4 }, ANY_V6 = { .family = IP_V6 };

        addresses[i] = ((const struct ip *)set->address.items)[i];
        if (ip_equal(&addresses[i], &ANY_V4) || ip_equal(&addresses[i], &ANY_V6))
            conf_errors_add(b->errors, set->address.nodes[i]->at,
                "address: found %.*s, expected one that visitors can reach: it is given out in "
                "answers",
                SHOWN(set->address.nodes[i]->text));
    }
    *node = (struct node){
        .name = keep(b, set->head.name),
        .pop = pop,
        .addresses = addresses,
        .address_count = set->address.count,
        .capacity_bits_per_s = set->capacity_bits_per_s,
        .ports = set->ports.ports,
    };
}

static void build_pop(struct builder *b, const struct set_pop *set, struct pop *pop)
{
    const struct set_node *from = set->nodes.items;
    struct node *nodes = arena_array(b->arena, set->nodes.count, sizeof *nodes);

    for (size_t i = 0; i < set->nodes.count; i++)
        build_node(b, &from[i], pop, &nodes[i]);
    if (set->cache.disk.length > 0 && set->cache.disk_bytes == 0 &&
        yaml_find(set->cache.head.at, SLICE("disk_size")) == NULL)
        conf_errors_add(b->errors, place_of(&set->cache.head, SLICE("disk")),
            "disk: expected \"disk_size\" beside it, such as 200 GiB");
    if (set->cache.disk_bytes > 0 && yaml_find(set->cache.head.at, SLICE("disk")) == NULL)
        conf_errors_add(b->errors, place_of(&set->cache.head, SLICE("disk_size")),
            "disk_size: expected \"disk\" beside it, the folder it is about");
    *pop = (struct pop){
        .name = keep(b, set->head.name),
        .place = keep(b, set->place),
        .location = set->location,
        .nodes = nodes,
        .node_count = set->nodes.count,
        .memory_bytes = set->cache.memory_bytes,
        .disk = keep(b, set->cache.disk),
        .disk_bytes = set->cache.disk_bytes,
        .probe = { .ftp = set->probe.ftp },
    };
}

static struct slice origin_word(const void *words, size_t at)
{
    return ((const struct origin *)words)[at].name;
}

static struct slice plan_word(const void *words, size_t at)
{
    return ((const struct plan *)words)[at].name;
}

/* The customer's origin of that name; NULL, and told, when there is none. */
static const struct origin *find_origin(
    struct site_builder *s, struct slice name, struct conf_place at)
{
    const struct customer *customer = s->customer;

    if (name.length == 0)
        return NULL; // was no name, which has been told
    for (size_t i = 0; i < customer->origin_count; i++)
        if (slice_equal(customer->origins[i].name, name))
            return &customer->origins[i];
    conf_errors_add(s->b->errors, at, "customer %.*s has no origin \"%.*s\"%s",
        SHOWN(customer->name), SHOWN(name),
        schema_hint(name, origin_word, customer->origins, customer->origin_count).text);
    return NULL;
}

/* Position of the name in the site's list of origins; origin_count when it is not there. */
static size_t listed_at(const struct site *site, struct slice name)
{
    size_t at = 0;

    while (at < site->origin_count && !slice_equal(site->origins[at]->name, name))
        at++;
    return at;
}

static void build_targets(struct site_builder *s, const struct schema_list *list)
{
    const struct slice *names = list->items;
    const struct origin **origins = arena_array(s->b->arena, list->count, sizeof origins[0]);

    s->site->origins = origins;
    for (size_t i = 0; i < list->count; i++) {
        const struct origin *origin = find_origin(s, names[i], list->nodes[i]->at);

        if (origin == NULL)
            continue;
        if (listed_at(s->site, names[i]) < s->site->origin_count)
            conf_errors_add(s->b->errors, list->nodes[i]->at,
                "origin \"%.*s\" is listed twice; \"weights\" gives it a larger share",
                SHOWN(names[i]));
        else
            origins[s->site->origin_count++] = origin;
    }
}

/* Sets one origin's weight. A value that was wrong has been told, and changes nothing. */
static void build_weight(
    struct site_builder *s, uint32_t *weights, const struct yaml_node *node, uint64_t weight)
{
    uint64_t zero;
    size_t at = listed_at(s->site, node->key);
    bool is_wrong = weight == 0 && !slice_number(node->text, 0, &zero);

    if (at < s->site->origin_count)
        weights[at] = is_wrong ? 1 : (uint32_t)weight;
    else if (find_origin(s, node->key, node->key_at) != NULL)
        conf_errors_add(s->b->errors, node->key_at,
            "weights: origin \"%.*s\" is not one of this site's; add it to its \"%s\"",
            SHOWN(node->key), s->site->kind == SITE_STEER ? "steer" : "deliver");
}

static void build_weights(struct site_builder *s)
{
    const struct schema_list *list = &s->set->weights;
    size_t asked = s->site->kind == SITE_STEER ? s->set->steer.count : s->set->deliver.count;
    uint32_t *weights = arena_array(s->b->arena, s->site->origin_count, sizeof *weights);
    uint64_t sum = 0;

    for (size_t i = 0; i < s->site->origin_count; i++)
        weights[i] = 1;
    for (size_t i = 0; i < list->count; i++)
        build_weight(s, weights, list->nodes[i], ((const uint64_t *)list->items)[i]);
    for (size_t i = 0; i < s->site->origin_count; i++)
        sum += weights[i];
    if (asked > 0 && s->site->origin_count == asked && sum == 0)
        conf_errors_add(s->b->errors, place_of(&s->set->head, SLICE("weights")),
            "weights: all are 0, expected at least one origin that gets a share");
    s->site->weights = weights;
}

static bool matches_all(struct slice pattern)
{
    return slice_equal(pattern, SLICE("*")) || slice_equal(pattern, SLICE("/*"));
}

static void build_paths(struct site_builder *s)
{
    const struct schema_list *list = &s->set->paths;
    const struct set_path *from = list->items;
    struct path_rules *rules = arena_array(s->b->arena, list->count + 1, sizeof *rules);
    size_t count = list->count;

    for (size_t i = 0; i < count; i++) {
        bool has_own = yaml_find(from[i].head.at, SLICE("stale_if_error")) != NULL;

        rules[i] = (struct path_rules){
            .pattern = keep(s->b, from[i].head.name),
            .may_cache = from[i].may_cache,
            .ttl = from[i].ttl,
            .stale_if_error = has_own ? from[i].stale_if_error : s->set->stale_if_error,
        };
        if (!from[i].may_cache && from[i].ttl.ns > 0)
            conf_errors_add(s->b->errors, place_of(&from[i].head, SLICE("ttl")),
                "ttl: has no meaning with `cache: no`; leave out one of the two");
        if (i > 0 && matches_all(rules[i - 1].pattern))
            conf_errors_add(s->b->errors, list->nodes[i]->key_at,
                "\"%.*s\" is never reached, as \"%.*s\" above matches all; move that one to the "
                "end",
                SHOWN(rules[i].pattern), SHOWN(rules[i - 1].pattern));
    }
    if (count == 0 || !slice_equal(rules[count - 1].pattern, SLICE("*")))
        rules[count++] = (struct path_rules){
            .pattern = SLICE("*"),
            .may_cache = true,
            .stale_if_error = s->set->stale_if_error,
        };
    s->site->paths = rules;
    s->site->path_count = count;
}

/* Settings that say nothing about a site of this kind are errors: whoever wrote them meant more. */
static void check_meaning(struct site_builder *s)
{
    static const struct {
        const char *key;
        enum site_kind kind;
        const char *mend;
    } ROWS[] = {
        { "policy", SITE_DELIVER, "visitors go to the best pop, and \"fill\" chooses the origin" },
        { "fill", SITE_STEER, "visitors go to the origin itself, which \"policy\" chooses" },
        { "pinned", SITE_STEER, "visitors go to the origin itself, which \"policy\" chooses" },
        { "missing", SITE_STEER, "visitors go to the origin itself" },
        { "stale_if_error", SITE_STEER, "nothing of it is stored" },
        { "object_max", SITE_STEER, "nothing of it is stored" },
        { "paths", SITE_STEER, "its requests do not come through us" },
    };
    bool is_steer = s->site->kind == SITE_STEER;

    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        const struct yaml_node *value = yaml_find(s->set->head.at, slice_text(ROWS[i].key));

        if (value != NULL && ROWS[i].kind == s->site->kind)
            conf_errors_add(s->b->errors, value->key_at,
                "\"%s\" has no meaning in a site with \"%s\": %s; leave it out, or write \"%s\"",
                ROWS[i].key, is_steer ? "steer" : "deliver", ROWS[i].mend,
                is_steer ? "deliver" : "steer");
    }
}

static void build_pinned(struct site_builder *s)
{
    const struct yaml_node *pinned = yaml_find(s->set->head.at, SLICE("pinned"));

    if (s->site->kind != SITE_DELIVER)
        return;
    if (s->site->fill != FILL_PINNED) {
        if (pinned != NULL)
            conf_errors_add(s->b->errors, pinned->key_at,
                "\"pinned\" has no meaning without `fill: pinned`; add that, or leave it out");
        return;
    }
    if (pinned == NULL) {
        conf_errors_add(s->b->errors, place_of(&s->set->head, SLICE("fill")),
            "fill: pinned to which origin? add a line such as `pinned: %.*s`",
            SHOWN(s->site->origin_count > 0 ? s->site->origins[0]->name : SLICE("NAME")));
        return;
    }
    const struct origin *origin = find_origin(s, s->set->pinned, pinned->at);
    size_t at = origin == NULL ? 0 : listed_at(s->site, origin->name);

    if (origin != NULL && at == s->site->origin_count)
        conf_errors_add(s->b->errors, pinned->at,
            "pinned: origin \"%.*s\" is not one of this site's; add it to its \"deliver\"",
            SHOWN(origin->name));
    s->site->pinned = origin;
}

static void build_site(struct site_builder *s)
{
    const struct set_site *set = s->set;
    const struct yaml_node *steer = yaml_find(set->head.at, SLICE("steer"));
    const struct yaml_node *deliver = yaml_find(set->head.at, SLICE("deliver"));

    *s->site = (struct site){
        .host = keep(s->b, set->head.name),
        .customer = s->customer,
        .kind = steer != NULL ? SITE_STEER : SITE_DELIVER,
        .policy = (enum site_policy)set->policy,
        .fill = (enum site_fill)set->fill,
        .missing_next = set->missing == 1,
        .ttl = set->ttl,
        .probe = { .path = keep(s->b, set->probe.path),
            .expect = (uint16_t)set->probe.expect,
            .every = set->probe.every },
        .object_max_bytes = set->object_max_bytes,
    };
    if (set->head.at == NULL)
        return; // was no section, which has been told
    if (steer != NULL && deliver != NULL)
        conf_errors_add(s->b->errors, deliver->key_at,
            "a site has \"steer\" or \"deliver\", not both; give the other a host name of its own");
    if (steer == NULL && deliver == NULL) {
        conf_errors_add(s->b->errors, set->head.at->key_at,
            "a site needs \"steer\" (visitors go to an origin) or \"deliver\" (visitors go to a "
            "pop), with a list of origins");
        return;
    }
    if (steer == NULL || deliver == NULL)
        check_meaning(s);
    if (set->ttl.ns % span_s(1).ns != 0)
        conf_errors_add(s->b->errors, place_of(&set->head, SLICE("ttl")),
            "ttl: found \"%.*s\", expected whole seconds: DNS has no finer ones",
            SHOWN(yaml_find(set->head.at, SLICE("ttl"))->text));
    build_targets(s, steer != NULL ? &set->steer : &set->deliver);
    build_weights(s);
    build_paths(s);
    build_pinned(s);
}

static void build_origin(struct builder *b, const struct set_origin *set,
    const struct customer *customer, struct origin *origin)
{
    *origin = (struct origin){
        .name = keep(b, set->head.name),
        .customer = customer,
        .address = set->address,
        .host = keep(b, set->host),
        .may_be_private = set->may_be_private,
        .location = set->location,
        .capacity_requests_per_s = set->capacity_requests_per_s,
    };
}

static void find_plan(struct builder *b, const struct network *network,
    const struct set_customer *set, struct customer *customer)
{
    if (set->plan.length == 0)
        return;
    for (size_t i = 0; i < network->plan_count; i++)
        if (slice_equal(network->plans[i].name, set->plan))
            customer->plan_prices = &network->plans[i];
    if (customer->plan_prices == NULL)
        conf_errors_add(b->errors, place_of(&set->head, SLICE("plan")),
            "there is no plan \"%.*s\"%s", SHOWN(set->plan),
            schema_hint(set->plan, plan_word, network->plans, network->plan_count).text);
}

static void build_customer(struct builder *b, const struct network *network,
    const struct set_customer *set, struct customer *customer)
{
    const struct set_origin *from_origins = set->origins.items;
    const struct set_site *from_sites = set->sites.items;
    struct origin *origins = arena_array(b->arena, set->origins.count, sizeof *origins);
    struct site *sites = arena_array(b->arena, set->sites.count, sizeof *sites);

    *customer = (struct customer){
        .name = keep(b, set->head.name),
        .plan = keep(b, set->plan),
        .origins = origins,
        .origin_count = set->origins.count,
        .sites = sites,
        .site_count = set->sites.count,
    };
    find_plan(b, network, set, customer);
    for (size_t i = 0; i < set->origins.count; i++)
        build_origin(b, &from_origins[i], customer, &origins[i]);
    for (size_t i = 0; i < set->sites.count; i++) {
        struct site_builder s = { b, &from_sites[i], customer, &sites[i] };

        build_site(&s);
    }
}

static int site_order(const void *a, const void *b)
{
    struct slice left = (*(const struct site *const *)a)->host;
    struct slice right = (*(const struct site *const *)b)->host;
    size_t common = left.length < right.length ? left.length : right.length;
    int order = common == 0 ? 0 : memcmp(left.at, right.at, common);

    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}

/* All sites of all customers, in the order that network_site searches. */
static void build_index(struct builder *b, struct network *network)
{
    size_t count = 0;

    for (size_t i = 0; i < network->customer_count; i++)
        count += network->customers[i].site_count;
    const struct site **sites = arena_array(b->arena, count, sizeof sites[0]);

    for (size_t i = 0, at = 0; i < network->customer_count; i++)
        for (size_t j = 0; j < network->customers[i].site_count; j++)
            sites[at++] = &network->customers[i].sites[j];
    if (count > 0)
        qsort(sites, count, sizeof sites[0], site_order);
    network->sites = sites;
    network->site_count = count;
}

static void build_plans(struct builder *b, const struct schema_list *list, struct network *network)
{
    const struct set_plan *from = list->items;
    struct plan *plans = arena_array(b->arena, list->count, sizeof *plans);

    for (size_t i = 0; i < list->count; i++)
        plans[i] = (struct plan){
            .name = keep(b, from[i].head.name),
            .currency = keep(b, from[i].currency),
            .monthly_microcents = from[i].monthly_microcents,
            .gigabyte_microcents = from[i].gigabyte_microcents,
            .million_requests_microcents = from[i].million_requests_microcents,
        };
    network->plans = plans;
    network->plan_count = list->count;
}

/* As given; else ns1 in the zone, and ns2 when there is a second node to answer there. */
static void build_nameservers(
    struct builder *b, const struct schema_list *list, struct network *network)
{
    size_t node_count = 0;

    for (size_t i = 0; i < network->pop_count; i++)
        node_count += network->pops[i].node_count;
    size_t count = list->count > 0 ? list->count : (size_t)1 + (node_count > 1);
    struct slice *names = arena_array(b->arena, count, sizeof *names);

    for (size_t i = 0; i < list->count; i++)
        names[i] = keep(b, ((const struct slice *)list->items)[i]);
    if (list->count == 0) {
        names[0] = keep_joined(b, SLICE("ns1"), '.', network->zone);
        if (count > 1)
            names[1] = keep_joined(b, SLICE("ns2"), '.', network->zone);
    }
    network->nameservers = names;
    network->nameserver_count = count;
}

struct network *conf_build(const struct set_network *set, struct conf_errors *errors)
{
    struct arena arena;

    arena_init(&arena, NETWORK_BYTES_MAX);
    struct network *network = arena_new(&arena, struct network);
    struct builder b = { &arena, errors };
    struct pop *pops = arena_array(&arena, set->pops.count, sizeof *pops);
    struct customer *customers = arena_array(&arena, set->customers.count, sizeof *customers);

    *network = (struct network){
        .name = keep(&b, set->name),
        .zone = keep(&b, set->zone),
        .contact = set->contact.length > 0
                       ? keep(&b, set->contact)
                       : keep_joined(&b, SLICE("hostmaster"), '@', keep(&b, set->zone)),
        .state = keep(&b, set->state),
        .bus = keep(&b, set->bus),
        .geo = keep(&b, set->geo),
        .accounts_node = keep(&b, set->accounts.node),
        .accounts_ledger = keep(&b, set->accounts.ledger),
        .pops = pops,
        .pop_count = set->pops.count,
        .customers = customers,
        .customer_count = set->customers.count,
    };
    for (size_t i = 0; i < set->pops.count; i++)
        build_pop(&b, &((const struct set_pop *)set->pops.items)[i], &pops[i]);
    build_nameservers(&b, &set->nameservers, network);
    build_plans(&b, &set->plans, network);
    for (size_t i = 0; i < set->customers.count; i++)
        build_customer(
            &b, network, &((const struct set_customer *)set->customers.items)[i], &customers[i]);
    build_index(&b, network);
    conf_check(network, set, errors);
    if (arena.is_full)
        conf_errors_add(
            errors, set->head.at->at, "the network is too large: over %d bytes", NETWORK_BYTES_MAX);
    network->arena = arena;
    return network;
}
