// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "app/demo_tour.h"

static const struct demo_ports ports = DEMO_PORTS_DEFAULT;

static struct text text_of(struct demo_tour tour)
{
    struct text out;

    tour.ports = ports;
    tour.program = "./waypost";
    tour.config = "/tmp/demo/waypost.yaml";
    tour.authority = "/tmp/demo/ca.pem";
    text_init(&out, 1 << 20);
    demo_tour_write(&out, &tour);
    assert_false(out.is_full);
    return out;
}

/* Of pops that are one process. */
static struct text tour_text(void)
{
    return text_of((struct demo_tour){ .bus_pid = 0 });
}

/* Of pops that are processes of their own. */
static struct text fleet_text(void)
{
    return text_of((struct demo_tour){ .node_pids = { 71, 72, 73 }, .bus_pid = 70 });
}

static void every_pop_and_origin_is_named_with_its_address(void **)
{
    struct text out = tour_text();
    char address[IP_TEXT_MAX];

    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        assert_non_null(strstr(out.at, demo_pops[i].place));
        assert_non_null(strstr(out.at, ip_text(&demo_pops[i].address, address)));
    }
    for (size_t i = 0; i < DEMO_SERVER_COUNT; i++) {
        assert_non_null(strstr(out.at, demo_servers[i].place));
        assert_non_null(strstr(out.at, ip_text(&demo_servers[i].address, address)));
    }
    text_done(&out);
}

static void commands_can_be_copied_as_they_stand(void **)
{
    static const char *const COMMANDS[] = {
        " In a browser, http://127.0.0.11:8653/ shows",
        "\n    dig @127.0.0.11 -p 5300 +short +subnet=198.18.1.0/24 www.acme.example\n",
        "\n    ./waypost why www.acme.example --client 198.18.1.7 -c /tmp/demo/waypost.yaml\n",
        "\n    curl -sd '' http://127.0.0.21:8081/demo/slow; sleep 10; "
        "dig @127.0.0.11 -p 5300 +short +subnet=198.18.1.0/24 www.acme.example\n",
        "\n    curl -sd '' http://127.0.0.22:8081/demo/stop; sleep 3; "
        "dig @127.0.0.11 -p 5300 +short +subnet=198.18.21.0/24 www.acme.example\n",
        "\n    curl -si -H 'Host: static.acme.example' http://127.0.0.11:8080/logo.svg | grep",
        "\n    curl -si --cacert /tmp/demo/ca.pem --resolve static.acme.example:8443:127.0.0.11 "
        "https://static.acme.example:8443/logo.svg | grep",
        "\n    ./waypost status -c /tmp/demo/waypost.yaml\n",
        "\n    curl -s http://127.0.0.11:8653/metrics\n",
        "\n    ./waypost purge http://static.acme.example/logo.svg -c /tmp/demo/waypost.yaml\n",
        "\n    ./waypost drain pop fra -c /tmp/demo/waypost.yaml; dig @127.0.0.11 -p 5300 +short "
        "+subnet=198.18.1.0/24 static.acme.example\n",
        "\n    ./waypost usage -c /tmp/demo/waypost.yaml\n",
        "\n    ./waypost invoice acme -c /tmp/demo/waypost.yaml\n",
        "\n    ./waypost invoice acme --format json --output /tmp/acme.json -c "
        "/tmp/demo/waypost.yaml; ./waypost invoice --verify /tmp/acme.json -c "
        "/tmp/demo/waypost.yaml\n",
        "\n    ./waypost status --compare fra1 nyc1 -c /tmp/demo/waypost.yaml\n",
        "\n    ./waypost top --once -c /tmp/demo/waypost.yaml\n",
        "\n    ./waypost why www.acme.example --client 198.18.1.7 --at -10s -c "
        "/tmp/demo/waypost.yaml\n",
        "http://127.0.0.21:8081/logo.svg; ./waypost rewrite /tmp/waypost-pages --site "
        "static.acme.example --dry-run -c /tmp/demo/waypost.yaml\n",
        "waypost.yaml && ./waypost reload -c /tmp/demo/waypost.yaml\n",
        "+subnet=198.18.$n.0/24 www.globex.example; done\n",
        "MAP www.acme.example 127.0.0.21, MAP *.acme.example 127.0.0.11' http://www.acme.example",
    };
    struct text out = tour_text();

    for (size_t i = 0; i < COUNT_OF(COMMANDS); i++)
        assert_non_null(strstr(out.at, COMMANDS[i]));
    text_done(&out);
}

static void every_city_is_named_with_its_networks(void **)
{
    struct text out = tour_text();
    char phrase[100];

    for (unsigned i = 0; i < DEMO_CITY_COUNT; i++) {
        struct ip first = demo_network(i * DEMO_CITY_NETWORKS);

        snprintf(phrase, sizeof phrase, "%d-%d in %s", first.bytes[2],
            first.bytes[2] + DEMO_CITY_NETWORKS - 1, demo_cities[i].name);
        assert_non_null(strstr(out.at, phrase));
    }
    text_done(&out);
}

static void pops_that_are_processes_can_be_killed_and_reload_one_by_one(void **)
{
    static const char *const COMMANDS[] = {
        "nats-server joins them at 127.0.0.10:4223",
        "\n    kill -9 72; sleep 2; dig @127.0.0.11 -p 5300 +short +subnet=198.18.21.0/24 static",
        "\n    kill -9 70; sleep 2; dig @127.0.0.11 -p 5300 +short +subnet=198.18.21.0/24 www",
        "for n in fra1 nyc1 sin1; do ./waypost reload --node $n -c /tmp/demo/waypost.yaml; done\n",
    };
    struct text out = fleet_text(), one = tour_text();

    for (size_t i = 0; i < COUNT_OF(COMMANDS); i++) {
        assert_non_null(strstr(out.at, COMMANDS[i]));
        assert_null(strstr(one.at, COMMANDS[i]));
    }
    text_done(&out);
    text_done(&one);
}

static void it_is_short_enough_to_be_read(void **)
{
    struct text out = fleet_text();
    struct slice rest = text_slice(&out), line;
    size_t count = 0;

    for (; slice_cut(&rest, '\n', &line); count++)
        assert_true(slice_starts(line, SLICE("    ")) || line.length <= 100);
    assert_in_range(count, 20, 92);
    text_done(&out);
}

static void how_to_stop_stands_last(void **)
{
    struct text out = tour_text();

    assert_true(
        slice_ends(text_slice(&out), SLICE("Ctrl-C ends it all and leaves nothing behind.\n")));
    text_done(&out);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(every_pop_and_origin_is_named_with_its_address),
        cmocka_unit_test(every_city_is_named_with_its_networks),
        cmocka_unit_test(it_is_short_enough_to_be_read),
        cmocka_unit_test(commands_can_be_copied_as_they_stand),
        cmocka_unit_test(pops_that_are_processes_can_be_killed_and_reload_one_by_one),
        cmocka_unit_test(how_to_stop_stands_last),
    };

    return cmocka_run_group_tests_name("app/demo_tour", cases, NULL, NULL);
}
