// SPDX-License-Identifier: Apache-2.0
#include "base/attr.h"
#include "conf/build_priv.h"

/* A site on its way: what is needed to say what is wrong with it. */
struct site_builder {
    struct builder *b;
    const struct set_site *set;
    const struct customer *customer;
    struct site *site;
};

static struct slice origin_word(const void *words, size_t at)
{
    return ((const struct origin *)words)[at].name;
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

static const char *list_key(const struct site *site)
{
    return site->kind == SITE_STEER ? "steer" : "deliver";
}

static const struct schema_list *own_list(const struct site_builder *s)
{
    return s->site->kind == SITE_STEER ? &s->set->steer : &s->set->deliver;
}

/* Position of the name in the site's list of origins; origin_count when it is not there. */
static size_t listed_at(const struct site *site, struct slice name)
{
    size_t at = 0;

    while (at < site->origin_count && !slice_equal(site->origins[at]->name, name))
        at++;
    return at;
}

static void add_origins(struct site_builder *s, const struct origin **origins,
    const struct schema_list *list, bool is_reserve)
{
    const struct slice *names = list->items;

    for (size_t i = 0; i < list->count; i++) {
        struct conf_place place = list->nodes[i]->at;
        const struct origin *origin = find_origin(s, names[i], place);
        size_t at = listed_at(s->site, names[i]);

        if (origin == NULL)
            continue;
        if (at == s->site->origin_count)
            origins[s->site->origin_count++] = origin;
        else if (is_reserve && at < s->site->first_reserve)
            conf_errors_add(s->b->errors, place,
                "origin \"%.*s\" is in \"%s\" already; a reserve is one that is not",
                SHOWN(names[i]), list_key(s->site));
        else
            conf_errors_add(s->b->errors, place,
                "origin \"%.*s\" is listed twice; \"weights\" gives it a larger share",
                SHOWN(names[i]));
    }
}

/* Those of the site's own list first, then the reserves. */
static void build_targets(struct site_builder *s)
{
    const struct schema_list *list = own_list(s), *reserve = &s->set->reserve;
    const struct origin **origins =
        arena_array(s->b->arena, list->count + reserve->count, sizeof origins[0]);

    s->site->origins = origins;
    add_origins(s, origins, list, false);
    s->site->first_reserve = s->site->origin_count;
    add_origins(s, origins, reserve, true);
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
            SHOWN(node->key), list_key(s->site));
}

static void build_weights(struct site_builder *s)
{
    const struct schema_list *list = &s->set->weights;
    size_t asked = own_list(s)->count;
    uint32_t *weights = arena_array(s->b->arena, s->site->origin_count, sizeof *weights);
    uint64_t sum = 0;

    for (size_t i = 0; i < s->site->origin_count; i++)
        weights[i] = 1;
    for (size_t i = 0; i < list->count; i++)
        build_weight(s, weights, list->nodes[i], ((const uint64_t *)list->items)[i]);
    for (size_t i = 0; i < s->site->first_reserve; i++)
        sum += weights[i];
    if (asked > 0 && s->site->first_reserve == asked && sum == 0)
        conf_errors_add(s->b->errors, build_place(&s->set->head, SLICE("weights")),
            "weights: all are 0, expected at least one origin that gets a share%s",
            s->site->origin_count > asked ? " and is no reserve" : "");
    s->site->weights = weights;
}

static void build_weigh(struct site_builder *s)
{
    const struct schema_head *head = &s->set->weigh.head;
    bool is_steer = s->site->kind == SITE_STEER, is_wrong = false, is_any = false;
    uint64_t zero;

    for (size_t i = 0; i < TERM_COUNT; i++) {
        s->site->weigh[i] = (uint16_t)s->set->weigh.factor[i];
        is_any |= s->site->weigh[i] > 0;
    }
    if (head->at == NULL)
        return;
    // A factor that reads as 0 and is not written so is wrong, which has been told.
    for (const struct yaml_node *value = head->at->first; value != NULL; value = value->next)
        is_wrong |= !slice_number(value->text, 0, &zero);
    if (!is_any && !is_wrong)
        conf_errors_add(
            s->b->errors, head->at->at, "weigh: all are 0, expected at least one term that counts");
    if (is_steer && (s->site->policy == POLICY_WEIGHTED || s->site->policy == POLICY_ORDERED))
        conf_errors_add(s->b->errors, head->at->key_at,
            "\"weigh\" has no meaning with `policy: %.*s`, which measures nothing; leave it out, "
            "or "
            "choose another policy (\"weights\" are shares)",
            SHOWN(yaml_find(s->set->head.at, SLICE("policy"))->text));
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
            .pattern = build_keep(s->b, from[i].head.name),
            .may_cache = from[i].may_cache,
            .ttl = from[i].ttl,
            .stale_if_error = has_own ? from[i].stale_if_error : s->set->stale_if_error,
        };
        if (!from[i].may_cache && from[i].ttl.ns > 0)
            conf_errors_add(s->b->errors, build_place(&from[i].head, SLICE("ttl")),
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
        { "fill", SITE_STEER, "visitors go to the origin itself, which \"policy\" chooses" },
        { "pinned", SITE_STEER, "visitors go to the origin itself, which \"policy\" chooses" },
        { "missing", SITE_STEER, "visitors go to the origin itself" },
        { "stale_if_error", SITE_STEER, "nothing of it is stored" },
        { "object_max", SITE_STEER, "nothing of it is stored" },
        { "paths", SITE_STEER, "its requests do not come through us" },
        { "tls", SITE_STEER, "its requests do not come through us" },
        { "https", SITE_STEER, "its requests do not come through us" },
        { "hsts", SITE_STEER, "its requests do not come through us" },
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

/* Pops have neither shares nor an order of their own: each node has its own first. */
static void check_policy(struct site_builder *s)
{
    const struct yaml_node *policy = yaml_find(s->set->head.at, SLICE("policy"));
    bool suits_pops = s->site->policy != POLICY_WEIGHTED && s->site->policy != POLICY_ORDERED;

    if (s->site->kind == SITE_DELIVER && policy != NULL && !suits_pops)
        conf_errors_add(s->b->errors, policy->at,
            "policy: %.*s has no meaning in a site with \"deliver\": pops have no weights or "
            "order; "
            "choose balanced, strict or sticky (\"fill\" chooses the origin)",
            SHOWN(policy->text));
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
        conf_errors_add(s->b->errors, build_place(&s->set->head, SLICE("fill")),
            "fill: pinned to which origin? add a line such as `pinned: %.*s`",
            SHOWN(s->site->origin_count > 0 ? s->site->origins[0]->name : SLICE("NAME")));
        return;
    }
    const struct origin *origin = find_origin(s, s->set->pinned, pinned->at);
    size_t at = origin == NULL ? 0 : listed_at(s->site, origin->name);

    if (origin != NULL && at >= s->site->first_reserve)
        conf_errors_add(s->b->errors, pinned->at,
            "pinned: origin \"%.*s\" is not one of this site's; add it to its \"deliver\"",
            SHOWN(origin->name));
    s->site->pinned = origin;
}

void build_site(struct builder *b, const struct set_site *set, const struct customer *customer,
    struct site *site)
{
    struct site_builder s = { b, set, customer, site };
    const struct yaml_node *steer = yaml_find(set->head.at, SLICE("steer"));
    const struct yaml_node *deliver = yaml_find(set->head.at, SLICE("deliver"));

    *site = (struct site){
        .host = build_keep(b, set->head.name),
        .customer = customer,
        .kind = steer != NULL ? SITE_STEER : SITE_DELIVER,
        .policy = (enum site_policy)set->policy,
        .fill = (enum site_fill)set->fill,
        .missing_next = set->missing == 1,
        .ttl = set->ttl,
        .all_down = (enum site_all_down)set->all_down,
        .probe = build_site_probe(b, &set->probe),
        .object_max_bytes = set->object_max_bytes,
        .https = build_site_https(b, set),
    };
    if (set->head.at == NULL)
        return; // was no section, which has been told
    if (steer != NULL && deliver != NULL)
        conf_errors_add(b->errors, deliver->key_at,
            "a site has \"steer\" or \"deliver\", not both; give the other a host name of its own");
    if (steer == NULL && deliver == NULL) {
        conf_errors_add(b->errors, set->head.at->key_at,
            "a site needs \"steer\" (visitors go to an origin) or \"deliver\" (visitors go to a "
            "pop), with a list of origins");
        return;
    }
    if (steer == NULL || deliver == NULL) {
        check_meaning(&s);
        check_policy(&s);
    }
    if (set->ttl.ns % span_s(1).ns != 0)
        conf_errors_add(b->errors, build_place(&set->head, SLICE("ttl")),
            "ttl: found \"%.*s\", expected whole seconds: DNS has no finer ones",
            SHOWN(yaml_find(set->head.at, SLICE("ttl"))->text));
    build_targets(&s);
    build_weights(&s);
    build_weigh(&s);
    build_paths(&s);
    build_pinned(&s);
}
