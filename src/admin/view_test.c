// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/json.h"
#include "admin/status.h"
#include "admin/table.h"
#include "admin/view.h"
#include "base/hash.h"

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const struct ip fra1_at = { IP_V4, { 192, 0, 2, 10 } };
static const struct ip nyc1_at = { IP_V4, { 203, 0, 113, 1 } };
static struct pop pops[2];
static const struct node nodes[] = {
    { .name = TEXT("fra1"),
        .pop = &pops[0],
        .addresses = &fra1_at,
        .address_count = 1,
        .ports.http = 80 },
    { .name = TEXT("nyc1"),
        .pop = &pops[1],
        .addresses = &nyc1_at,
        .address_count = 1,
        .ports.http = 80 },
};
static struct pop pops[2] = {
    { .name = TEXT("fra"), .nodes = nodes, .node_count = 1 },
    { .name = TEXT("nyc"), .nodes = nodes + 1, .node_count = 1 },
};
static const struct customer acme = { .name = TEXT("acme") };
static const struct origin origins[] = {
    { .name = TEXT("ams"), .customer = &acme, .address = { { IP_V4, { 198, 51, 100, 7 } }, 80 } },
    { .name = TEXT("nyc"), .customer = &acme, .address = { { IP_V4, { 203, 0, 113, 9 } }, 80 } },
};
static const struct origin *const listed[] = { &origins[0], &origins[1] };
static const uint32_t weights[] = { 1, 1 };

#define SITE(name, of_kind)                                                                   \
    {                                                                                         \
        .host = TEXT(name), .customer = &acme, .kind = (of_kind), .policy = POLICY_BALANCED,  \
        .origins = listed, .weights = weights, .origin_count = 2, .first_reserve = 2,         \
        .ttl = { INT64_C(20000000000) }, .weigh = { [TERM_LATENCY] = 1 },                     \
        .probe = { .every = { 1000000000 }, .timeout = { 800000000 }, .rise = 5, .fall = 4 }, \
    }

static const struct site all[] = { SITE("static.acme.test", SITE_DELIVER),
    SITE("www.acme.test", SITE_STEER) };
static const struct site *const sites[] = { &all[0], &all[1] };
static const struct network network = { .name = TEXT("example"),
    .zone = TEXT("cdn.test"),
    .pops = pops,
    .pop_count = 2,
    .sites = sites,
    .site_count = 2,
    .hash = 0xabc };

static const struct wall epoch = { 1795341600000 }; // 2026-11-22T10:00:00Z

/* A node and what it heard, until it is asked. */
struct scene {
    struct checks *checks;
    struct geo *geo;
    struct steer_rows *rows;
    struct view *view;
    struct steer_map *map;
    struct arena arena;
    json_t *json;
};

static void scene_init(struct scene *s, const struct node *self)
{
    *s = (struct scene){ .checks = checks_new(&network), .geo = geo_none(), .view = view_new() };
    s->rows = steer_rows_new(&network, self, s->checks, s->geo);
    arena_init(&s->arena, 64 << 20);
}

static void scene_done(struct scene *s)
{
    json_decref(s->json);
    steer_map_free(s->map);
    steer_rows_free(s->rows);
    view_free(s->view);
    arena_done(&s->arena);
    geo_free(s->geo);
    checks_free(s->checks);
}

static uint64_t origin_check(const struct scene *s, size_t origin)
{
    return s->checks->list[checks_of_origin(s->checks, &all[1], origin)].id;
}

/* The scene's node hears it, two seconds before the epoch. */
static void hear(
    struct scene *s, const char *observer, uint64_t check, enum report_kind kind, int64_t value)
{
    const struct report report = { .observer = hash_bytes(slice_text(observer), 0),
        .check = check,
        .kind = kind,
        .value = value,
        .spread = 100,
        .evidence = 9500,
        .at = { epoch.ms - 2000 } };

    assert_int_equal(view_take(s->view, &report, epoch), VIEW_TAKEN);
}

static struct admin_view told_of(const struct scene *s)
{
    return (struct admin_view){ .network = &network,
        .rows = s->rows,
        .view = s->view,
        .map = s->map,
        .now = { epoch.ms + 3000 } };
}

static void read_json(struct scene *s, struct text *out)
{
    json_error_t error;

    json_decref(s->json);
    s->json = json_loadb(out->at, out->length, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(s->json);
    text_done(out);
}

/* Asks for a page of reports; `after` may be NULL. Returns the reports. */
static const json_t *view_of(struct scene *s, size_t limit, const char *after)
{
    const struct admin_view view = told_of(s);
    struct admin_view_question question = { .limit = limit, .has_after = after != NULL };
    struct text out;

    if (after != NULL)
        assert_true(admin_view_place_parse(slice_text(after), &question.after));
    text_init(&out, 1 << 24);
    admin_view_write(&view, &question, &s->arena, &out);
    read_json(s, &out);
    return json_object_get(s->json, "reports");
}

static void plan(struct scene *s)
{
    struct arena arena;

    arena_init(&arena, 64 << 20);
    const struct facts *facts =
        view_facts(s->view, &arena, s->checks, NULL, hash_bytes(s->rows->self->name, 0), epoch);

    s->map = steer_plan(s->rows, &arena, facts, NULL);
}

static void map_of(struct scene *s, struct text *out)
{
    const struct admin_view view = told_of(s);

    text_init(out, 1 << 24);
    admin_map_write(&view, &s->arena, out);
}

/* The member at a path of keys and positions: "reports.0.observer". */
static const json_t *at(const struct scene *s, const char *path)
{
    struct slice rest = slice_text(path), part;
    const json_t *json = s->json;

    while (slice_cut(&rest, '.', &part)) {
        uint64_t position;
        char key[64];

        snprintf(key, sizeof key, "%.*s", SLICE_ARG(part));
        json = slice_number(part, 1000, &position) ? json_array_get(json, position)
                                                   : json_object_get(json, key);
    }
    if (json == NULL)
        fail_msg("there is no %s", path);
    return json;
}

static void text_is(const struct scene *s, const char *path, const char *text)
{
    assert_string_equal(json_string_value(at(s, path)), text);
}

static void number_is(const struct scene *s, const char *path, double number)
{
    assert_float_equal(json_number_value(at(s, path)), number, 1e-9);
}

static void each_report_is_told_with_who_observed_what_and_how_surely(void **)
{
    struct scene s;

    scene_init(&s, &nodes[0]);
    hear(&s, "nyc1", origin_check(&s, 0), REPORT_ERRORS, 25000);
    view_of(&s, 10, NULL);
    text_is(&s, "node", "fra1");
    number_is(&s, "reports_held", 1);
    text_is(&s, "reports.0.observer", "nyc1");
    text_is(&s, "reports.0.check", "origin acme/ams tcp");
    text_is(&s, "reports.0.kind", "errors");
    text_is(&s, "reports.0.unit", "share");
    number_is(&s, "reports.0.value", 0.025);
    number_is(&s, "reports.0.spread", 0.0001);
    number_is(&s, "reports.0.evidence", 9.5);
    number_is(&s, "reports.0.age_s", 5);
    assert_null(json_object_get(s.json, "after"));
    scene_done(&s);
}

static void observers_are_told_by_name_the_node_itself_first(void **)
{
    struct scene s;
    char id[ADMIN_RELEASE_TEXT_MAX];

    scene_init(&s, &nodes[1]);
    hear(&s, "elsewhere", origin_check(&s, 0), REPORT_LATENCY, 9000);
    hear(&s, "fra1", origin_check(&s, 0), REPORT_LATENCY, 9000);
    hear(&s, "nyc1", origin_check(&s, 0), REPORT_LATENCY, 9000);
    hear(&s, "nyc1", 77, REPORT_LATENCY, 9000);
    view_of(&s, 1, NULL);
    text_is(&s, "observers.0.name", "nyc1");
    number_is(&s, "observers.0.reports", 2);
    number_is(&s, "observers.0.age_s", 5);
    assert_true(json_is_true(at(&s, "observers.0.is_self")));
    text_is(&s, "observers.1.name", "fra1");
    text_is(&s, "observers.2.name", admin_release_text(hash_bytes(SLICE("elsewhere"), 0), id));
    assert_false(json_is_true(at(&s, "observers.2.is_known")));
    text_is(&s, "reports.0.check", "000000000000004d");
    scene_done(&s);
}

static void pages_follow_each_other_without_a_gap(void **)
{
    enum { CHECKS = 50 };
    struct scene s;
    char after[VIEW_PLACE_TEXT_MAX] = "", last[17] = "";
    size_t told = 0;

    scene_init(&s, &nodes[0]);
    for (uint64_t i = 0; i < CHECKS; i++) { // in no order
        hear(&s, "fra1", hash_mix(i + 1), REPORT_LATENCY, 9000);
        hear(&s, "nyc1", hash_mix(i + 1), REPORT_LATENCY, 9000);
    }
    for (bool is_last = false; !is_last;) {
        const json_t *reports = view_of(&s, 7, after[0] == '\0' ? NULL : after), *report;
        size_t i;

        json_array_foreach (reports, i, report) {
            const char *id = json_string_value(json_object_get(report, "check_id"));

            assert_int_equal(strcmp(id, last) == 0, told % 2 == 1); // two of each, in order
            assert_true(strcmp(id, last) >= 0);
            snprintf(last, sizeof last, "%s", id);
            told++;
        }
        number_is(&s, "reports_after", (double)(2 * CHECKS - told));
        is_last = json_object_get(s.json, "after") == NULL;
        if (!is_last)
            snprintf(after, sizeof after, "%s", json_string_value(at(&s, "after")));
    }
    assert_int_equal(told, 2 * CHECKS);
    scene_done(&s);
}

static void a_place_is_read_as_it_is_written(void **)
{
    static const char *const WRONG[] = { "", "1",
        "0123456789abcdef0a0123456789abcdef", // no such kind
        "0123456789abcdeg000123456789abcdef", "0123456789abcdef000123456789abcdef0" };
    const struct admin_view_place place = { 0x0123456789abcdef, REPORT_HEALTH, UINT64_MAX };
    struct admin_view_place read;
    char text[VIEW_PLACE_TEXT_MAX];

    assert_true(admin_view_place_parse(slice_text(admin_view_place_text(&place, text)), &read));
    assert_true(read.check == place.check && read.kind == place.kind);
    assert_true(read.observer == place.observer);
    for (size_t i = 0; i < COUNT_OF(WRONG); i++)
        assert_false(admin_view_place_parse(slice_text(WRONG[i]), &read));
}

static void an_empty_view_is_told_too(void **)
{
    struct scene s;

    scene_init(&s, &nodes[0]);
    assert_int_equal(json_array_size(view_of(&s, VIEW_TOLD_MAX, NULL)), 0);
    number_is(&s, "reports_held", 0);
    assert_int_equal(json_array_size(at(&s, "observers")), 0);
    scene_done(&s);
}

static void a_map_tells_what_it_was_made_of_and_what_it_chooses(void **)
{
    struct scene s;
    struct text out;

    scene_init(&s, &nodes[0]);
    hear(&s, "fra1", origin_check(&s, 0), REPORT_LATENCY, 90000);
    hear(&s, "nyc1", origin_check(&s, 0), REPORT_LATENCY, 70000);
    hear(&s, "nyc1", origin_check(&s, 1), REPORT_LATENCY, 9000);
    plan(&s);
    steer_health_set(s.rows, checks_of_origin(s.checks, &all[1], 0), STEER_DOWN, true);
    map_of(&s, &out);
    read_json(&s, &out);
    text_is(&s, "release", "0000000000000abc");
    text_is(&s, "map.epoch", "2026-11-22T10:00:00Z");
    text_is(&s, "sites.1.name", "www.acme.test");
    text_is(&s, "sites.1.choices.0.target", "nyc");
    assert_true(json_is_true(at(&s, "sites.1.choices.0.is_in_band")));
    assert_false(json_is_true(at(&s, "sites.1.choices.1.is_in_band")));
    text_is(&s, "sites.1.down.0", "ams");
    assert_int_equal(json_array_size(at(&s, "facts")), 2);
    size_t ams =
        strcmp(json_string_value(at(&s, "facts.0.check")), "origin acme/ams tcp") == 0 ? 0 : 1;
    const json_t *fact = json_array_get(at(&s, "facts"), ams);

    assert_float_equal(json_get_real(json_object_get(fact, "own"), "value"), 90000, 1e-9);
    assert_float_equal(json_get_real(json_object_get(fact, "own"), "age_s"), 5, 1e-9);
    assert_int_equal(json_get_number(json_object_get(fact, "all"), "sources"), 2);
    assert_null(json_object_get(json_array_get(at(&s, "facts"), 1 - ams), "own"));
    assert_int_equal(json_string_length(at(&s, "classes.0.cells")), MAP_HASH_DIGITS);
    scene_done(&s);
}

static void before_the_first_map_there_is_none(void **)
{
    struct scene s;
    struct text out;

    scene_init(&s, &nodes[0]);
    map_of(&s, &out);
    read_json(&s, &out);
    assert_null(json_object_get(s.json, "map"));
    assert_int_equal(json_array_size(at(&s, "sites.0.choices")), 0);
    assert_int_equal(json_array_size(at(&s, "facts")), 0);
    scene_done(&s);
}

/* The comparison of what the two say. */
static void compare(struct scene *fra, struct scene *nyc, struct text *out)
{
    struct text maps[2];

    plan(fra);
    plan(nyc);
    map_of(fra, &maps[0]);
    map_of(nyc, &maps[1]);
    text_init(out, 1 << 20);
    assert_int_equal(
        table_compare(out, text_slice(&maps[0]), text_slice(&maps[1]), NULL), ERR_NONE);
    text_done(&maps[0]);
    text_done(&maps[1]);
}

static void nodes_that_heard_the_same_choose_alike(void **)
{
    struct scene fra, nyc;
    struct text out;

    scene_init(&fra, &nodes[0]);
    scene_init(&nyc, &nodes[1]);
    for (struct scene *s = &fra; s != NULL; s = s == &fra ? &nyc : NULL) {
        hear(s, "fra1", origin_check(s, 0), REPORT_LATENCY, 9000);
        hear(s, "nyc1", origin_check(s, 0), REPORT_LATENCY, 9000);
        hear(s, "nyc1", origin_check(s, 1), REPORT_LATENCY, 70000);
    }
    compare(&fra, &nyc, &out);
    // Rows of a deliver site begin with the own pop, so positions differ where choices do not.
    assert_non_null(strstr(out.at, "Nothing follows: 2 sites lead every client alike."));
    assert_non_null(strstr(out.at, "is the same within its spread"));
    text_done(&out);
    scene_done(&fra);
    scene_done(&nyc);
}

static void a_node_that_missed_a_report_is_seen_to_choose_otherwise(void **)
{
    struct scene fra, nyc;
    struct text out;

    scene_init(&fra, &nodes[0]);
    scene_init(&nyc, &nodes[1]);
    for (struct scene *s = &fra; s != NULL; s = s == &fra ? &nyc : NULL) {
        hear(s, "nyc1", origin_check(s, 0), REPORT_LATENCY, 9000);
        hear(s, "nyc1", origin_check(s, 1), REPORT_LATENCY, 70000);
    }
    hear(&fra, "fra1", origin_check(&fra, 0), REPORT_LATENCY, 900000);
    compare(&fra, &nyc, &out);
    assert_non_null(strstr(out.at, "origin acme/ams tcp  latency"));
    assert_non_null(strstr(out.at, "www.acme.test  nyc, then ams  ams, then nyc  1 of 1"));
    assert_non_null(strstr(out.at, "1 more site leads every client alike."));
    text_done(&out);
    scene_done(&fra);
    scene_done(&nyc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_report_is_told_with_who_observed_what_and_how_surely),
        cmocka_unit_test(observers_are_told_by_name_the_node_itself_first),
        cmocka_unit_test(pages_follow_each_other_without_a_gap),
        cmocka_unit_test(a_place_is_read_as_it_is_written),
        cmocka_unit_test(an_empty_view_is_told_too),
        cmocka_unit_test(a_map_tells_what_it_was_made_of_and_what_it_chooses),
        cmocka_unit_test(before_the_first_map_there_is_none),
        cmocka_unit_test(nodes_that_heard_the_same_choose_alike),
        cmocka_unit_test(a_node_that_missed_a_report_is_seen_to_choose_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
