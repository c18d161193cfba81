// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/attr.h"
#include "base/order.h"
#include "conf/build_priv.h"
#include "conf/currency.h"

/* A plan on its way: what is needed to say what is wrong with it. */
struct plan_builder {
    struct builder *b;
    const struct network *network; // with its pops
    const struct set_plan *set;
    struct slice *pops;              // of all groups built so far
    const struct yaml_node **places; // of each
    size_t pop_count;
};

static bool is_given(const struct schema_head *head, const char *key)
{
    return yaml_find(head->at, slice_text(key)) != NULL;
}

/* Of the ways to price traffic at most one is used; returns how many are. */
static size_t check_ways(struct builder *b, const struct schema_head *head)
{
    static const char *const WAYS[] = { "per_gb", "tiers", "per_mbit" };
    const char *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(WAYS); i++) {
        if (!is_given(head, WAYS[i]))
            continue;
        count++;
        if (first == NULL)
            first = WAYS[i];
        else
            conf_errors_add(b->errors, yaml_find(head->at, slice_text(WAYS[i]))->key_at,
                "traffic has one price: \"%s\" or \"%s\", not both; leave one out", first, WAYS[i]);
    }
    return count;
}

/* Each tier ends above the one before it, and the last does not end. */
static void check_tier(struct builder *b, const struct set_tier *tiers, size_t at, bool is_last)
{
    const struct yaml_node *end = yaml_find(tiers[at].head.at, SLICE("up_to"));

    if (tiers[at].head.at == NULL)
        return; // was no section, which has been told
    if (is_last && end != NULL)
        conf_errors_add(b->errors, end->key_at,
            "the last tier is for all the rest; leave its \"up_to\" out, or add a tier for what is "
            "beyond");
    else if (!is_last && end == NULL)
        conf_errors_add(b->errors, tiers[at].head.at->at,
            "a tier without \"up_to\" is for all the rest, so those after it are never reached; "
            "add one, such as `up_to: 10 TB`");
    else if (end != NULL && at > 0 && tiers[at].up_to_bytes > 0 &&
             tiers[at].up_to_bytes <= tiers[at - 1].up_to_bytes)
        conf_errors_add(b->errors, end->at,
            "up_to: found \"%.*s\", expected more than that of the tier before it",
            SHOWN(end->text));
}

static void build_tiers(struct builder *b, const struct schema_head *head,
    const struct set_price *set, struct plan_traffic *traffic)
{
    const struct set_tier *from = set->tiers.items;
    size_t count = set->tiers.count == 0 ? 1 : set->tiers.count;

    if (count > PLAN_TIERS_MAX) {
        conf_errors_add(b->errors, build_place(head, SLICE("tiers")),
            "tiers: found %zu, expected at most %d", count, PLAN_TIERS_MAX);
        count = PLAN_TIERS_MAX;
    }
    struct plan_tier *tiers = arena_array(b->arena, count, sizeof *tiers);

    tiers[count - 1].gigabyte_microcents = set->gigabyte_microcents;
    for (size_t i = 0; i < count && set->tiers.count > 0; i++) {
        check_tier(b, from, i, i + 1 == set->tiers.count);
        tiers[i] = (struct plan_tier){ from[i].up_to_bytes, from[i].gigabyte_microcents };
    }
    tiers[count - 1].up_to_bytes = PLAN_REST;
    traffic->tiers = tiers;
    traffic->tier_count = count;
}

static struct plan_traffic build_traffic(struct builder *b, const struct schema_head *head,
    const struct set_price *set, const struct set_included *included)
{
    struct plan_traffic traffic = { .included_bytes = included->traffic_bytes,
        .megabit_microcents = set->megabit_microcents };

    check_ways(b, head);
    if (!is_given(head, "per_mbit"))
        build_tiers(b, head, set, &traffic);
    if (!is_given(head, "per_gb") && !is_given(head, "tiers"))
        build_lacks(b, &included->head, "traffic", "`per_gb` or `tiers`");
    return traffic;
}

static struct plan_count build_count(const struct plan_builder *p, int64_t million_microcents,
    uint64_t included, const char *key, const char *price)
{
    if (!is_given(&p->set->head, price))
        build_lacks(p->b, &p->set->included.head, key, price);
    return (struct plan_count){ million_microcents, included };
}

static struct slice pop_word(const void *words, size_t at)
{
    return ((const struct pop *)words)[at].name;
}

/* A pop that there is, and that no group of the plan has yet. */
static bool may_add(const struct plan_builder *p, struct slice name, const struct yaml_node *node)
{
    const struct network *network = p->network;

    if (name.length == 0)
        return false; // was no name, which has been told
    if (network_pop(network, name) == NULL) {
        conf_errors_add(p->b->errors, node->at, "there is no pop \"%.*s\"%s", SHOWN(name),
            schema_hint(name, pop_word, network->pops, network->pop_count).text);
        return false;
    }
    for (size_t i = 0; i < p->pop_count; i++)
        if (slice_equal(p->pops[i], name)) {
            const struct conf_place *first = &p->places[i]->at;

            conf_errors_add(p->b->errors, node->at,
                "pop \"%.*s\" is in a group of this plan already, at %s:%d:%d; its traffic has one "
                "price",
                SHOWN(name), first->file, first->line, first->column);
            return false;
        }
    if (p->pop_count < PLAN_POPS_MAX)
        return true;
    conf_errors_add(
        p->b->errors, node->at, "the groups of a plan have at most %d pops", PLAN_POPS_MAX);
    return false;
}

static int pop_order(const void *a, const void *b)
{
    return slice_order(*(const struct slice *)a, *(const struct slice *)b);
}

static int group_order(const void *a, const void *b)
{
    return slice_order(((const struct plan_group *)a)->name, ((const struct plan_group *)b)->name);
}

static struct plan_group build_group(struct plan_builder *p, const struct set_group *set)
{
    size_t before = p->pop_count;

    for (size_t i = 0; i < set->pops.count; i++) {
        struct slice name = ((const struct slice *)set->pops.items)[i];

        if (!may_add(p, name, set->pops.nodes[i]))
            continue;
        p->places[p->pop_count] = set->pops.nodes[i];
        p->pops[p->pop_count++] = build_keep(p->b, name);
    }
    size_t count = p->pop_count - before;
    struct slice *pops = arena_array(p->b->arena, count, sizeof *pops);

    if (count > 0) {
        memcpy(pops, &p->pops[before], count * sizeof *pops);
        qsort(pops, count, sizeof pops[0], pop_order);
    }
    if (set->head.at != NULL && !is_given(&set->head, "per_gb") && !is_given(&set->head, "tiers") &&
        !is_given(&set->head, "per_mbit"))
        conf_errors_add(p->b->errors, set->head.at->key_at,
            "a group needs a price of its own: \"per_gb\", \"tiers\" or \"per_mbit\"");
    return (struct plan_group){
        .name = build_keep(p->b, set->head.name),
        .pops = pops,
        .pop_count = count,
        .traffic = build_traffic(p->b, &set->head, &set->price, &set->included),
    };
}

static void build_groups(struct plan_builder *p, struct plan *plan)
{
    const struct set_group *from = p->set->groups.items;
    size_t count = p->set->groups.count;

    if (count > PLAN_GROUPS_MAX) {
        conf_errors_add(p->b->errors, build_place(&p->set->head, SLICE("groups")),
            "groups: found %zu, expected at most %d", count, PLAN_GROUPS_MAX);
        count = PLAN_GROUPS_MAX;
    }
    struct plan_group *groups = arena_array(p->b->arena, count, sizeof *groups);

    p->pops = arena_array(p->b->arena, PLAN_POPS_MAX, sizeof p->pops[0]);
    p->places = arena_array(p->b->arena, PLAN_POPS_MAX, sizeof p->places[0]);
    for (size_t i = 0; i < count; i++)
        groups[i] = build_group(p, &from[i]);
    if (count > 0)
        qsort(groups, count, sizeof groups[0], group_order);
    plan->groups = groups;
    plan->group_count = count;
}

static void build_plan(
    struct builder *b, const struct network *network, const struct set_plan *set, struct plan *plan)
{
    struct plan_builder p = { .b = b, .network = network, .set = set };

    if (set->currency.length > 0 && currency_digits(set->currency) < 0)
        conf_errors_add(b->errors, build_place(&set->head, SLICE("currency")),
            "ISO 4217 has no currency \"%.*s\"%s", SHOWN(set->currency),
            schema_hint(set->currency, currency_word, NULL, currency_count()).text);
    *plan = (struct plan){
        .name = build_keep(b, set->head.name),
        .currency = build_keep(b, set->currency),
        .monthly_microcents = set->monthly_microcents,
        .minimum_microcents = set->minimum_microcents,
        .traffic = build_traffic(b, &set->head, &set->price, &set->included),
        .requests = build_count(&p, set->million_requests_microcents, set->included.requests,
            "requests", "per_million_requests"),
        .answers = build_count(&p, set->million_answers_microcents, set->included.answers,
            "answers", "per_million_answers"),
    };
    if (set->groups.count > 0)
        build_groups(&p, plan);
}

void build_plans(struct builder *b, const struct schema_list *list, struct network *network)
{
    const struct set_plan *from = list->items;
    struct plan *plans = arena_array(b->arena, list->count, sizeof *plans);

    for (size_t i = 0; i < list->count; i++)
        build_plan(b, network, &from[i], &plans[i]);
    network->plans = plans;
    network->plan_count = list->count;
}
