// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/demo_config.h"
#include "app/demo_geo.h"
#include "conf/load.h"
#include "steer/rows.h"

/* The demo's network as its first node sees it. */
struct seen {
    struct geo *geo;
    struct network *network;
    struct checks *checks;
    struct steer_rows *rows;
};

static void see(struct seen *s)
{
    static const struct demo_ports PORTS = DEMO_PORTS_DEFAULT;
    struct conf_errors errors;
    struct text text;
    struct diag why;
    char path[100];

    snprintf(path, sizeof path, "/tmp/waypost-demo-geo-%d.mmdb", (int)getpid());
    assert_int_equal(demo_geo_write(path, &why), ERR_NONE);
    assert_int_equal(geo_load(path, &s->geo, &why), ERR_NONE);
    unlink(path);
    text_init(&text, 1 << 20);
    demo_config_write(&text, &(struct demo_config){ .ports = PORTS, .state = SLICE("/tmp/demo") });
    conf_errors_init(&errors);
    s->network = conf_load_text("demo.yaml", text_slice(&text), &errors);
    assert_non_null(s->network);
    conf_errors_done(&errors);
    text_done(&text);
    s->checks = checks_new(s->network);
    s->rows = steer_rows_new(s->network, &s->network->pops[0].nodes[0], s->checks, s->geo);
}

static void see_no_more(struct seen *s)
{
    steer_rows_free(s->rows);
    checks_free(s->checks);
    network_free(s->network);
    geo_free(s->geo);
}

/* The nearest target of a site for visitors of a city. */
static void nearest_is(struct seen *s, const char *host, unsigned city, const char *expected)
{
    const struct steer_row *row = steer_row_of(s->rows, network_site(s->network, slice_text(host)));
    struct ip visitor = demo_network(city * DEMO_CITY_NETWORKS);
    struct geo_found found = geo_find(s->geo, &visitor);
    const struct steer_target *nearest = NULL;

    assert_int_not_equal(found.cell, 0);
    assert_string_equal(s->geo->cells[found.cell].country, demo_cities[city].country);
    for (size_t i = 0; i < row->count; i++) {
        const struct steer_target *target = &row->targets[i];

        assert_non_null(target->round_trips_us);
        if (nearest == NULL ||
            target->round_trips_us[found.cell] < nearest->round_trips_us[found.cell])
            nearest = target;
    }
    assert_true(slice_equal(steer_target_name(nearest), slice_text(expected)));
}

static void visitors_of_a_city_have_a_pop_and_an_origin_nearby(void **)
{
    struct seen s;

    see(&s);
    nearest_is(&s, "static.acme.example", 0, "fra");
    nearest_is(&s, "static.acme.example", 1, "fra");
    nearest_is(&s, "static.acme.example", 2, "nyc");
    nearest_is(&s, "static.acme.example", 3, "nyc");
    nearest_is(&s, "static.acme.example", 4, "sin");
    nearest_is(&s, "static.acme.example", 5, "sin");
    nearest_is(&s, "www.acme.example", 0, "ams");
    nearest_is(&s, "www.acme.example", 2, "chi");
    see_no_more(&s);
}

static void who_is_no_visitor_of_the_demo_is_nowhere(void **)
{
    struct ip beyond = demo_network(DEMO_NETWORK_COUNT), stranger = ip_v4(127, 0, 0, 1);
    struct seen s;

    see(&s);
    assert_int_equal(geo_find(s.geo, &beyond).cell, 0);
    assert_int_equal(geo_find(s.geo, &stranger).cell, 0);
    see_no_more(&s);
}

static void file_that_cannot_be_written_is_told(void **)
{
    struct diag why = { 0 };

    assert_int_not_equal(demo_geo_write("/tmp/waypost-no-such-folder/a.mmdb", &why), ERR_NONE);
    assert_true(why.text[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(visitors_of_a_city_have_a_pop_and_an_origin_nearby),
        cmocka_unit_test(who_is_no_visitor_of_the_demo_is_nowhere),
        cmocka_unit_test(file_that_cannot_be_written_is_told),
    };

    return cmocka_run_group_tests_name("app/demo_geo", cases, NULL, NULL);
}
