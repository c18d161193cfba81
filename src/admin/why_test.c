// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "admin/json.h"
#include "admin/names.h"
#include "admin/why.h"
#include "base/mem.h"

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const struct ip fra1_at[] = { { IP_V4, { 192, 0, 2, 10 } },
    { IP_V6, { 0x20, 1, 0xd, 0xb8, [15] = 16 } } };
static const struct ip fra2_at = { IP_V4, { 192, 0, 2, 11 } };
static const struct ip nyc1_at = { IP_V4, { 203, 0, 113, 1 } };
static struct pop pops[2];
static const struct node nodes[] = {
    { .name = TEXT("fra1"),
        .pop = &pops[0],
        .addresses = fra1_at,
        .address_count = 2,
        .ports.http = 80 },
    { .name = TEXT("fra2"),
        .pop = &pops[0],
        .addresses = &fra2_at,
        .address_count = 1,
        .ports.http = 80 },
    { .name = TEXT("nyc1"),
        .pop = &pops[1],
        .addresses = &nyc1_at,
        .address_count = 1,
        .ports.http = 80 },
};
static struct pop pops[2] = {
    { .name = TEXT("fra"), .nodes = nodes, .node_count = 2 },
    { .name = TEXT("nyc"), .nodes = nodes + 2, .node_count = 1 },
};
static const struct customer acme = { .name = TEXT("acme") };
static const struct origin origins[] = {
    { .name = TEXT("ams"), .customer = &acme, .address = { { IP_V4, { 198, 51, 100, 7 } }, 80 } },
    { .name = TEXT("nyc"), .customer = &acme, .address = { { IP_V4, { 203, 0, 113, 9 } }, 80 } },
};
static const struct origin *const listed[] = { &origins[0], &origins[1] };
static const uint32_t weights[] = { 1, 3 };

#define SITE(name, of_kind, of_policy)                                                        \
    {                                                                                         \
        .host = TEXT(name), .customer = &acme, .kind = (of_kind), .policy = (of_policy),      \
        .origins = listed, .weights = weights, .origin_count = 2, .first_reserve = 2,         \
        .ttl = { INT64_C(20000000000) }, .weigh = { [TERM_LATENCY] = 1, [TERM_CPU] = 2 },     \
        .probe = { .every = { 1000000000 }, .timeout = { 800000000 }, .rise = 5, .fall = 4 }, \
        .all_down = ALL_DOWN_NODATA                                                           \
    }

static const struct site all[] = {
    SITE("a.acme.test", SITE_STEER, POLICY_ORDERED),
    SITE("static.acme.test", SITE_DELIVER, POLICY_BALANCED),
    SITE("www.acme.test", SITE_STEER, POLICY_BALANCED),
};
static const struct site *const sites[] = { &all[0], &all[1], &all[2] };
static const struct network network = { .name = TEXT("example"),
    .zone = TEXT("cdn.test"),
    .pops = pops,
    .pop_count = 2,
    .sites = sites,
    .site_count = 3 };

enum { ORDERED_SITE, DELIVER_SITE, BALANCED_SITE };

/* What a node knows: rows, a map of the facts that a case set, and who asks. */
struct scene {
    struct checks *checks;
    struct geo *geo;
    struct steer_rows *rows;
    struct facts *facts; // until planned
    struct steer_map *map;
    struct admin_check_status *known;
    struct arena arena, facts_arena;
    struct ip client;
    json_t *json;
};

static const struct wall epoch = { 1795341600000 }; // 2026-11-22T10:00:00Z

static void scene_init(struct scene *s, const struct network *of)
{
    *s = (struct scene){ .checks = checks_new(of), .geo = geo_none() };
    s->rows = steer_rows_new(of, &of->pops[0].nodes[0], s->checks, s->geo);
    s->client = ip_v4(192, 0, 2, 7);
    arena_init(&s->arena, 64 << 20);
    arena_init(&s->facts_arena, 64 << 20);
    s->facts = arena_alloc(
        &s->facts_arena, sizeof *s->facts + s->checks->count * sizeof s->facts->checks[0]);
    s->facts->epoch = epoch;
    s->facts->count = s->checks->count;
    s->known = arena_array(&s->arena, s->checks->count, sizeof *s->known);
    for (size_t i = 0; i < s->checks->count; i++)
        s->known[i] = (struct admin_check_status){
            .check = &s->checks->list[i], .node = SLICE("fra1"), .verdict = HEALTH_UP
        };
}

static void scene_done(struct scene *s)
{
    json_decref(s->json);
    steer_map_free(s->map);
    steer_rows_free(s->rows);
    arena_done(&s->facts_arena);
    arena_done(&s->arena);
    geo_free(s->geo);
    checks_free(s->checks);
}

/* Of an origin of the balanced site. */
static uint32_t check_of(const struct scene *s, size_t origin)
{
    return checks_of_origin(s->checks, &all[BALANCED_SITE], origin);
}

static void fact_is(struct scene *s, size_t origin, enum report_kind kind, int64_t value)
{
    struct check_facts *facts = &s->facts->checks[check_of(s, origin)];

    facts->all[kind] = facts->own[kind] = (struct fact){
        .value = value, .measured = value, .spread = value / 10, .age_ms = 500, .sources = 3
    };
}

/* Plans, asks for the site at that position two seconds after the epoch, and reads the answer. */
static const json_t *ask(struct scene *s, size_t site)
{
    struct admin_why why = {
        .network = s->rows->network, .rows = s->rows, .checks = s->known, .now = { epoch.ms + 2000 }
    };
    struct text text;

    s->map = steer_plan(s->rows, &s->facts_arena, s->facts, NULL);
    why.map = s->map;
    why.why = steer_why(&s->arena, s->rows, &s->rows->list[site], s->map, &s->client);
    text_init(&text, 64 << 20);
    admin_why_write(&why, &text);
    s->json = json_loads(text.at, JSON_REJECT_DUPLICATES, NULL);
    text_done(&text);
    assert_non_null(s->json);
    return s->json;
}

static void text_is(const json_t *object, const char *key, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), expected);
}

static const json_t *at(const json_t *object, const char *key, size_t index)
{
    return json_array_get(json_object_get(object, key), index);
}

static void site_client_map_and_answer_are_named(void **)
{
    struct scene s;

    scene_init(&s, &network);
    fact_is(&s, 0, REPORT_LATENCY, 9500);
    fact_is(&s, 1, REPORT_LATENCY, 81000);
    const json_t *why = ask(&s, BALANCED_SITE), *answer = at(why, "answers", 0);

    text_is(why, "name", "www.acme.test");
    text_is(why, "customer", "acme");
    text_is(why, "kind", "steer");
    text_is(why, "policy", "balanced");
    text_is(why, "ordered_by", "cost");
    text_is(why, "all_down", "nodata");
    text_is(why, "node", "fra1");
    text_is(why, "now", "2026-11-22T10:00:02Z");
    text_is(why, "latency_basis", "observers");
    text_is(json_object_get(why, "client"), "address", "192.0.2.7");
    assert_null(json_object_get(json_object_get(why, "client"), "latitude"));
    text_is(json_object_get(why, "map"), "epoch", "2026-11-22T10:00:00Z");
    assert_int_equal(json_get_number(json_object_get(why, "map"), "age_s"), 2);
    assert_int_equal(json_get_number(json_object_get(why, "map"), "observers"), 3);
    assert_int_equal(json_get_text(json_object_get(why, "map"), "hash").length, 16);
    assert_int_equal(json_get_number(why, "ttl_s"), 20);
    assert_int_equal(json_array_size(json_object_get(why, "answers")), 1);
    text_is(answer, "type", "A");
    text_is(answer, "target", "ams");
    text_is(answer, "reason", "best");
    assert_null(json_object_get(answer, "node"));
    assert_string_equal(json_string_value(at(answer, "addresses", 0)), "198.51.100.7");
    scene_done(&s);
}

static void each_target_has_its_terms_in_their_own_units(void **)
{
    struct scene s;

    scene_init(&s, &network);
    fact_is(&s, 0, REPORT_LATENCY, 9500);
    fact_is(&s, 0, REPORT_CPU, 250000);
    fact_is(&s, 0, REPORT_LOAD, 410000);
    fact_is(&s, 1, REPORT_LATENCY, 81000);
    const json_t *why = ask(&s, BALANCED_SITE), *ams = at(why, "targets", 0),
                 *nyc = at(why, "targets", 1), *terms = json_object_get(ams, "terms");
    const json_t *latency = json_object_get(terms, "latency"), *cpu = json_object_get(terms, "cpu");

    text_is(ams, "name", "ams");
    assert_true(json_get_flag(ams, "is_picked"));
    assert_true(json_get_flag(ams, "is_fit"));
    assert_true(json_get_real(latency, "ms") == 9.5);
    assert_true(json_get_real(latency, "measured_ms") == 9.5);
    assert_true(json_get_real(latency, "spread_ms") == 0.95);
    assert_true(json_get_real(latency, "age_s") == 2.5);
    assert_int_equal(json_get_number(latency, "weight"), 1);
    assert_int_equal(json_get_number(latency, "sources"), 3);
    assert_true(json_get_real(cpu, "measured_share") == 0.25);
    assert_true(json_get_real(cpu, "ms") == 25);
    assert_int_equal(json_get_number(cpu, "weight"), 2);
    assert_true(json_get_real(ams, "cost_ms") == 59.5);
    assert_true(json_get_real(ams, "load") == 0.41);
    assert_null(json_object_get(ams, "wins_below_ms"));
    assert_false(json_get_flag(nyc, "is_picked"));
    assert_true(json_get_real(nyc, "wins_below_ms") == 59.5);
    assert_null(json_object_get(nyc, "load"));
    assert_int_equal(json_get_number(nyc, "rank"), 1);
    cpu = json_object_get(json_object_get(nyc, "terms"), "cpu");
    assert_int_equal(json_get_number(cpu, "sources"), 0);
    assert_null(json_object_get(cpu, "measured_share"));
    scene_done(&s);
}

static void what_is_down_is_told_with_what_its_check_found(void **)
{
    struct scene s;

    scene_init(&s, &network);
    uint32_t check = check_of(&s, 0);

    steer_health_set(s.rows, check, STEER_DOWN, true);
    s.known[check].verdict = HEALTH_DOWN;
    s.known[check].since = epoch;
    s.known[check].outcome = SLICE("timeout");
    const json_t *why = ask(&s, BALANCED_SITE), *ams = NULL, *target;
    size_t i;

    json_array_foreach (json_object_get(why, "targets"), i, target)
        if (slice_equal(json_get_text(target, "name"), SLICE("ams")))
            ams = target;
    const json_t *member = at(ams, "members", 0);

    text_is(at(why, "answers", 0), "target", "nyc");
    assert_false(json_get_flag(ams, "is_fit"));
    assert_true(json_get_flag(member, "is_down"));
    assert_false(json_get_flag(member, "is_drained"));
    text_is(at(member, "checks", 0), "verdict", "down");
    text_is(at(member, "checks", 0), "outcome", "timeout");
    text_is(at(member, "checks", 0), "since", "2026-11-22T10:00:00Z");
    assert_int_equal(json_array_size(json_object_get(member, "checks")), 1);
    scene_done(&s);
}

static void an_answer_of_no_address_has_no_target(void **)
{
    struct scene s;

    scene_init(&s, &network);
    steer_health_set(s.rows, check_of(&s, 0), STEER_DOWN, true);
    steer_health_set(s.rows, check_of(&s, 1), STEER_DRAINED, true);
    const json_t *why = ask(&s, BALANCED_SITE), *answer = at(why, "answers", 0), *target;
    size_t i;

    text_is(answer, "reason", "nothing");
    assert_null(json_object_get(answer, "target"));
    assert_null(json_object_get(answer, "addresses"));
    json_array_foreach (json_object_get(why, "targets"), i, target) {
        assert_false(json_get_flag(target, "is_picked"));
    }
    scene_done(&s);
}

static void each_kind_of_address_has_its_answer(void **)
{
    struct scene s;

    scene_init(&s, &network);
    const json_t *why = ask(&s, DELIVER_SITE), *v6 = at(why, "answers", 1);

    text_is(why, "kind", "deliver");
    text_is(at(why, "answers", 0), "type", "A");
    text_is(v6, "type", "AAAA");
    text_is(v6, "target", "fra");
    text_is(v6, "node", "fra1");
    assert_int_equal(json_array_size(json_object_get(v6, "addresses")), 1);
    assert_string_equal(json_string_value(at(v6, "addresses", 0)), "2001:db8::10");
    const json_t *fra = at(why, "targets", 0);

    assert_true(json_get_flag(fra, "is_picked"));
    text_is(at(fra, "members", 0), "node", "fra1");
    assert_int_equal(json_array_size(json_object_get(at(fra, "members", 0), "addresses")), 2);
    text_is(at(fra, "members", 1), "node", "fra2");
    scene_done(&s);
}

static void of_an_unknown_client_no_address_is_told(void **)
{
    struct scene s;

    scene_init(&s, &network);
    s.client = (struct ip){ 0 };
    const json_t *why = ask(&s, ORDERED_SITE);

    assert_null(json_object_get(json_object_get(why, "client"), "address"));
    text_is(why, "ordered_by", "list");
    text_is(at(why, "answers", 0), "target", "ams");
    scene_done(&s);
}

static void of_too_many_targets_the_chosen_one_is_told_all_the_same(void **)
{
    enum { MANY = WHY_TARGETS_MAX + 5 };
    struct pop *many = mem_array(MANY, sizeof *many);
    struct node *each = mem_array(MANY, sizeof *each);
    char(*names)[8] = mem_array(MANY, sizeof *names);
    struct network large = network;
    struct scene s;

    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        each[i] = nodes[2];
        each[i].name = slice_text(names[i]);
        each[i].pop = &many[i];
        many[i] = (struct pop){ .name = each[i].name, .nodes = &each[i], .node_count = 1 };
    }
    large.pops = many;
    large.pop_count = MANY;
    scene_init(&s, &large);
    for (size_t i = 0; i < MANY - 1; i++)
        steer_health_set(s.rows, checks_of_node(s.checks, &each[i]), STEER_DOWN, true);
    const json_t *why = ask(&s, DELIVER_SITE), *targets = json_object_get(why, "targets"),
                 *last = json_array_get(targets, json_array_size(targets) - 1);

    assert_int_equal(json_array_size(targets), WHY_TARGETS_MAX + 1);
    assert_int_equal(json_get_number(why, "targets_left_out"), MANY - WHY_TARGETS_MAX - 1);
    text_is(last, "name", names[MANY - 1]);
    assert_true(json_get_flag(last, "is_picked"));
    scene_done(&s);
    mem_free(names);
    mem_free(each);
    mem_free(many);
}

static void a_site_is_found_by_its_host_or_its_name_in_the_zone(void **)
{
    static const struct {
        const char *name;
        int site; // -1: none
    } CASES[] = {
        { "www.acme.test", BALANCED_SITE },
        { "WWW.Acme.TEST.", BALANCED_SITE },
        { "www.acme.test.cdn.test", BALANCED_SITE },
        { "www.acme.test.CDN.test.", BALANCED_SITE },
        { "www.acme.testcdn.test", -1 },
        { "www.acme.test..", -1 },
        { "cdn.test", -1 },
        { ".cdn.test", -1 },
        { "acme.test", -1 },
        { ".", -1 },
        { "", -1 },
    };

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_ptr_equal(admin_site_find(&network, slice_text(CASES[i].name)),
            CASES[i].site < 0 ? NULL : &all[CASES[i].site]);
}

static void a_name_that_is_not_there_has_a_nearest_one_or_none(void **)
{
    assert_true(
        slice_equal(admin_site_nearest(&network, SLICE("wwww.acme.test")), SLICE("www.acme.test")));
    assert_true(slice_equal(
        admin_site_nearest(&network, SLICE("ww.acme.test.cdn.test.")), SLICE("www.acme.test")));
    assert_int_equal(admin_site_nearest(&network, SLICE("elsewhere.example")).length, 0);
    assert_int_equal(admin_site_nearest(&network, SLICE("")).length, 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(site_client_map_and_answer_are_named),
        cmocka_unit_test(each_target_has_its_terms_in_their_own_units),
        cmocka_unit_test(what_is_down_is_told_with_what_its_check_found),
        cmocka_unit_test(an_answer_of_no_address_has_no_target),
        cmocka_unit_test(each_kind_of_address_has_its_answer),
        cmocka_unit_test(of_an_unknown_client_no_address_is_told),
        cmocka_unit_test(of_too_many_targets_the_chosen_one_is_told_all_the_same),
        cmocka_unit_test(a_site_is_found_by_its_host_or_its_name_in_the_zone),
        cmocka_unit_test(a_name_that_is_not_there_has_a_nearest_one_or_none),
    };

    return cmocka_run_group_tests_name("admin/why", cases, NULL, NULL);
}
