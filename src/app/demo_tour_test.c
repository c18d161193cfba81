// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "app/demo_tour.h"

static const struct demo_ports ports = DEMO_PORTS_DEFAULT;

static struct text tour_text(void)
{
    const struct demo_tour tour = { ports, "./waypost", "/tmp/demo/waypost.yaml" };
    struct text out;

    text_init(&out, 1 << 20);
    demo_tour_write(&out, &tour);
    assert_false(out.is_full);
    return out;
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
        "\n    dig @127.0.0.11 -p 5300 +short +subnet=198.18.1.0/24 www.acme.example\n",
        "\n    ./waypost why www.acme.example --client 198.18.1.7 -c /tmp/demo/waypost.yaml\n",
        "\n    curl -sd '' http://127.0.0.21:8081/demo/slow; sleep 10; "
        "dig @127.0.0.11 -p 5300 +short +subnet=198.18.1.0/24 www.acme.example\n",
        "\n    curl -sd '' http://127.0.0.22:8081/demo/stop; sleep 3; "
        "dig @127.0.0.11 -p 5300 +short +subnet=198.18.21.0/24 www.acme.example\n",
        "\n    curl -si -H 'Host: static.acme.example' http://127.0.0.11:8080/logo.svg | grep",
        "\n    ./waypost status -c /tmp/demo/waypost.yaml\n",
        "\n    curl -s http://127.0.0.11:8653/metrics\n",
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

static void it_is_short_enough_to_be_read(void **)
{
    struct text out = tour_text();
    struct slice rest = text_slice(&out), line;
    size_t count = 0;

    for (; slice_cut(&rest, '\n', &line); count++)
        assert_true(slice_starts(line, SLICE("    ")) || line.length <= 100);
    assert_in_range(count, 20, 62);
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
        cmocka_unit_test(how_to_stop_stands_last),
    };

    return cmocka_run_group_tests_name("app/demo_tour", cases, NULL, NULL);
}
