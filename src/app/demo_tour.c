// SPDX-License-Identifier: Apache-2.0
#include "app/demo_tour.h"

#include <stdio.h>

#include "admin/table.h"

static void write_world(struct text *out, const struct demo_tour *tour)
{
    static const struct table_column POPS[] = { { "  POP", false }, { "PLACE", false },
        { "DNS", false }, { "HTTP", false }, { "ADMIN", false } };
    static const struct table_column SERVERS[] = { { "  ORIGIN", false }, { "PLACE", false },
        { "HTTP", false } };
    char address[IP_TEXT_MAX];
    struct table t;

    table_init(&t, POPS, COUNT_OF(POPS));
    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        ip_text(&demo_pops[i].address, address);
        table_cell(&t, "  %s", demo_pops[i].name);
        table_cell(&t, "%s", demo_pops[i].place);
        table_cell(&t, "%s:%u", address, tour->ports.dns);
        table_cell(&t, "%s:%u", address, tour->ports.http);
        table_cell(&t, "%s:%u", address, tour->ports.admin);
    }
    table_write(&t, out);
    table_done(&t);
    text_add(out, SLICE("\n"));
    table_init(&t, SERVERS, COUNT_OF(SERVERS));
    for (size_t i = 0; i < DEMO_SERVER_COUNT; i++) {
        const struct demo_server *server = &demo_servers[i];

        table_cell(&t, "  %s/%s", server->customer->name, server->name);
        table_cell(&t, "%s", server->place);
        table_cell(&t, "%s:%u", ip_text(&server->address, address), tour->ports.origin);
    }
    table_write(&t, out);
    table_done(&t);
}

/* A few lines: what is to be seen, then the command. */
static void write_step(struct text *out, const char *what, const char *command)
{
    text_say(out, "\n  %s\n    %s\n", what, command);
}

static void write_dns(struct text *out, const struct demo_tour *tour)
{
    char command[256], address[IP_TEXT_MAX];
    const char *pop = ip_text(&demo_pops[0].address, address);

    snprintf(command, sizeof command, "dig @%s -p %u www.acme.example", pop, tour->ports.dns);
    write_step(out, "The page: DNS names the best origin.", command);
    snprintf(command, sizeof command, "dig @%s -p %u static.acme.example", pop, tour->ports.dns);
    write_step(out, "The pictures: DNS names the best pop.", command);
    snprintf(command, sizeof command,
        "for i in 1 2 3 4 5 6 7 8; do dig @%s -p %u +short +subnet=198.18.$i.0/24 "
        "www.globex.example; done",
        pop, tour->ports.dns);
    write_step(
        out, "A weighted site: three networks of visitors out of four go to London.", command);
}

static void write_http(struct text *out, const struct demo_tour *tour)
{
    char command[256], address[IP_TEXT_MAX];
    const char *pop = ip_text(&demo_pops[0].address, address);

    snprintf(command, sizeof command,
        "curl -si -H 'Host: static.acme.example' http://%s:%u/logo.svg | grep -iE "
        "'^(HTTP|age|cache-status|x-origin)'",
        pop, tour->ports.http);
    write_step(
        out, "A picture, twice: Cache-Status says who answered, the origin or the store.", command);
    snprintf(command, sizeof command,
        "curl -si -H 'Host: static.acme.example' http://%s:%u/rare.svg | grep -i x-origin", pop,
        tour->ports.http);
    write_step(out, "What only one origin has: the next one is asked.", command);
    snprintf(command, sizeof command,
        "curl -si -H 'Host: shop.acme.example' http://%s:%u/cart/ | grep -iE "
        "'cache-status|counted'",
        pop, tour->ports.http);
    write_step(out, "A path that is never stored, by the settings.", command);
}

static void write_browser(struct text *out, const struct demo_tour *tour)
{
    char command[512], pop[IP_TEXT_MAX], server[IP_TEXT_MAX];

    ip_text(&demo_pops[0].address, pop);
    ip_text(&demo_servers[0].address, server);
    snprintf(command, sizeof command,
        "chromium --user-data-dir=/tmp/waypost-browser --host-resolver-rules="
        "'MAP www.acme.example %s, MAP *.acme.example %s' http://www.acme.example:%u/",
        server, pop, tour->ports.origin);
    write_step(out,
        "In a browser, with these names; below, from one origin alone, in any browser:", command);
    text_say(out, "    http://%s:%u/\n", server, tour->ports.origin);
}

void demo_tour_write(struct text *out, const struct demo_tour *tour)
{
    char command[512], address[IP_TEXT_MAX];

    text_add(out, SLICE("A small network runs on this machine:\n\n"));
    write_world(out, tour);
    text_add(out,
        SLICE("\nVisitors from many networks ask its DNS and fetch pages and pictures, a few a "
              "second.\nTo try, in another terminal:\n"));
    write_dns(out, tour);
    write_http(out, tour);
    write_browser(out, tour);
    snprintf(command, sizeof command, "%s status -c %s", tour->program, tour->config);
    write_step(out, "The network at a glance:", command);
    snprintf(command, sizeof command, "curl -s http://%s:%u/metrics",
        ip_text(&demo_pops[0].address, address), tour->ports.admin);
    write_step(out, "What Prometheus reads:", command);
    snprintf(command, sizeof command, "edit %s && %s reload -c %s", tour->config, tour->program,
        tour->config);
    write_step(out, "Change the settings while it runs:", command);
    text_add(out, SLICE("\nCtrl-C ends it all and leaves nothing behind.\n"));
}
