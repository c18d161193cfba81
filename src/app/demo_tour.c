// SPDX-License-Identifier: Apache-2.0
#include "app/demo_tour.h"

#include "admin/table.h"

static void write_world(struct text *out, const struct demo_tour *tour)
{
    static const struct table_column POPS[] = { { "  POP", false }, { "PLACE", false },
        { "DNS", false }, { "HTTP", false }, { "HTTPS", false }, { "ADMIN", false } };
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
        table_cell(&t, "%s:%u", address, tour->ports.https);
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

/* Where the visitors are, by network: "0-9 in Leipzig". */
static void write_visitors(struct text *out, const struct demo_tour *tour)
{
    char pop[IP_TEXT_MAX];

    text_add(out, SLICE("\nVisitors are in networks 198.18.N.0/24, with N"));
    for (unsigned i = 0; i < DEMO_CITY_COUNT; i++)
        text_say(out, "%s%u-%u in %s",
            i == 0                     ? " "
            : i == DEMO_CITY_COUNT / 2 ? ",\n"
                                       : ", ",
            i * DEMO_CITY_NETWORKS, (i + 1) * DEMO_CITY_NETWORKS - 1, demo_cities[i].name);
    text_say(out,
        ". They ask its DNS and fetch\n"
        "pages and pictures, a few a second. In a browser, http://%s:%u/ shows all\n"
        "of it and takes orders. To try, in another terminal:\n",
        ip_text(&demo_pops[0].address, pop), tour->ports.admin);
}

/* What is to be seen; commands follow, a line each. */
static void write_step(struct text *out, const char *what)
{
    text_say(out, "\n  %s\n", what);
}

/* "198.18.21.0" or "198.18.21.7": a network in a city, or somebody there. */
static const char *visitor_text(unsigned city, uint8_t last_byte, char text[IP_TEXT_MAX])
{
    struct ip ip = demo_network(city * DEMO_CITY_NETWORKS + 1);

    ip.bytes[3] = last_byte;
    return ip_text(&ip, text);
}

/* Asks the first pop's DNS for a name, for visitors of a city. */
static void write_dig(
    struct text *out, const struct demo_tour *tour, unsigned city, const char *host)
{
    char pop[IP_TEXT_MAX], network[IP_TEXT_MAX];

    text_say(out, "dig @%s -p %u +short +subnet=%s/%d %s\n", ip_text(&demo_pops[0].address, pop),
        tour->ports.dns, visitor_text(city, 0, network), DEMO_NETWORK_BITS, host);
}

static void write_why(
    struct text *out, const struct demo_tour *tour, unsigned city, const char *host)
{
    char somebody[IP_TEXT_MAX];

    text_say(out, "    %s why %s --client %s -c %s\n", tour->program, host,
        visitor_text(city, 7, somebody), tour->config);
}

/* Tells an origin to misbehave and asks DNS after it had time to be noticed. */
static void write_trouble(struct text *out, const struct demo_tour *tour, const char *trouble,
    unsigned server, unsigned wait_s)
{
    char address[IP_TEXT_MAX];

    text_say(out, "    curl -sd '' http://%s:%u/demo/%s; sleep %u; ",
        ip_text(&demo_servers[server].address, address), tour->ports.origin, trouble, wait_s);
}

enum { LEIPZIG = 0, DETROIT = 2, AMSTERDAM = 0, CHICAGO = 1, NEW_YORK = 1 }; // of app/demo_world.h
static const char PAGE[] = "www.acme.example", STATIC[] = "static.acme.example";

static void write_steering(struct text *out, const struct demo_tour *tour)
{
    char pop[IP_TEXT_MAX];

    ip_text(&demo_pops[0].address, pop);
    write_step(out, "The pictures: DNS names the best pop, for Leipzig, Detroit and Jakarta.");
    text_say(out, "    for n in 1 21 41; do dig @%s -p %u +short +subnet=198.18.$n.0/24 %s; done\n",
        pop, tour->ports.dns, STATIC);
    write_step(out, "The page: DNS names the best origin, and here is why.");
    text_add(out, SLICE("    "));
    write_dig(out, tour, LEIPZIG, PAGE);
    write_why(out, tour, LEIPZIG, PAGE);
    write_step(
        out, "That origin gets slow for a minute: some seconds on, the farther one is better.");
    write_trouble(out, tour, "slow", AMSTERDAM, 10);
    write_dig(out, tour, LEIPZIG, PAGE);
    write_why(out, tour, LEIPZIG, PAGE);
    write_step(out, "The other stops for a minute: within 3 s its visitors are sent elsewhere.");
    write_trouble(out, tour, "stop", CHICAGO, 3);
    write_dig(out, tour, DETROIT, PAGE);
    write_why(out, tour, DETROIT, PAGE);
    write_step(out, "A weighted site: three networks of visitors out of four go to London.");
    text_say(out,
        "    for n in 1 2 3 4 5 6 7 8; do dig @%s -p %u +short +subnet=198.18.$n.0/24 "
        "www.globex.example; done\n",
        pop, tour->ports.dns);
}

static void write_http(struct text *out, const struct demo_tour *tour)
{
    char pop[IP_TEXT_MAX];

    ip_text(&demo_pops[0].address, pop);
    write_step(out, "A picture, twice: Cache-Status says who answered, the origin or the store.");
    text_say(out,
        "    curl -si -H 'Host: static.acme.example' http://%s:%u/logo.svg | grep -iE "
        "'^(HTTP|age|cache-status|x-origin)'\n",
        pop, tour->ports.http);
    write_step(out, "The same by HTTPS: an authority that this demo made up vouches for it.");
    text_say(out,
        "    curl -si --cacert %s --resolve static.acme.example:%u:%s "
        "https://static.acme.example:%u/logo.svg | grep -iE '^(HTTP|cache-status)'\n",
        tour->authority, tour->ports.https, pop, tour->ports.https);
    write_step(out, "What only one origin has: the next one is asked.");
    text_say(out,
        "    curl -si -H 'Host: static.acme.example' http://%s:%u/rare.svg | grep -i x-origin\n",
        pop, tour->ports.http);
    write_step(out, "A path that is never stored, by the settings.");
    text_say(out,
        "    curl -si -H 'Host: shop.acme.example' http://%s:%u/cart/ | grep -iE "
        "'cache-status|counted'\n",
        pop, tour->ports.http);
}

static void write_browser(struct text *out, const struct demo_tour *tour)
{
    char pop[IP_TEXT_MAX], server[IP_TEXT_MAX];

    ip_text(&demo_pops[0].address, pop);
    ip_text(&demo_servers[0].address, server);
    write_step(
        out, "In a browser, with these names; below, from one origin alone, in any browser:");
    text_say(out,
        "    chromium --user-data-dir=/tmp/waypost-browser --host-resolver-rules="
        "'MAP www.acme.example %s, MAP *.acme.example %s' http://www.acme.example:%u/\n"
        "    http://%s:%u/\n",
        server, pop, tour->ports.origin, server, tour->ports.origin);
}

/* A command line of ours, up to its configuration. */
static void write_command(struct text *out, const struct demo_tour *tour, const char *words)
{
    text_say(out, "    %s %s -c %s", tour->program, words, tour->config);
}

static void write_orders(struct text *out, const struct demo_tour *tour)
{
    write_step(out, "A picture is to be forgotten: every pop gives a receipt that it has done so.");
    write_command(out, tour, "purge http://static.acme.example/logo.svg");
    text_add(out, SLICE("\n"));
    write_step(out, "Nobody is to be led to Frankfurt any more; then as before.");
    write_command(out, tour, "drain pop fra");
    text_add(out, SLICE("; "));
    write_dig(out, tour, LEIPZIG, STATIC);
    write_command(out, tour, "undrain pop fra");
    text_add(out, SLICE("; "));
    write_dig(out, tour, LEIPZIG, STATIC);
}

/* Of pages that a customer has in a folder: a page of an origin, fetched with what it embeds. */
static void write_rewrite(struct text *out, const struct demo_tour *tour)
{
    char server[IP_TEXT_MAX];

    ip_text(&demo_servers[0].address, server);
    write_step(
        out, "A page in a folder would embed its pictures from the site that delivers them:");
    text_add(out, SLICE("    curl -s --create-dirs"));
    text_say(out, " -o /tmp/waypost-pages/index.html http://%s:%u/", server, tour->ports.origin);
    text_say(
        out, " -o /tmp/waypost-pages/logo.svg http://%s:%u/logo.svg; ", server, tour->ports.origin);
    text_say(out, "%s rewrite /tmp/waypost-pages --site static.acme.example --dry-run -c %s\n",
        tour->program, tour->config);
}

/* The month goes on: after ten seconds the invoice is not what the ledger says any more. */
static void write_fees(struct text *out, const struct demo_tour *tour)
{
    write_step(out,
        "What was delivered, settled every ten seconds; what acme owes; the ledger proves it.");
    write_command(out, tour, "usage");
    text_add(out, SLICE("\n"));
    write_command(out, tour, "invoice acme");
    text_add(out, SLICE("\n"));
    write_command(out, tour, "invoice acme --format json --output /tmp/acme.json");
    text_say(out, "; %s invoice --verify /tmp/acme.json -c %s\n", tour->program, tour->config);
}

static void write_face(struct text *out, const struct demo_tour *tour)
{
    char pop[IP_TEXT_MAX];

    write_step(out, "The network at a glance; where two pops differ in what they know:");
    write_command(out, tour, "status");
    text_add(out, SLICE("\n"));
    write_command(out, tour, "status --compare fra1 nyc1");
    text_add(out, SLICE("\n"));
    write_step(out, "Its figures as they move; without --once it stays until q:");
    write_command(out, tour, "top --once");
    text_add(out, SLICE("\n"));
    write_step(out, "An answer of ten seconds ago, and why it was that:");
    write_command(out, tour, "why www.acme.example --client 198.18.1.7 --at -10s");
    text_add(out, SLICE("\n"));
    write_step(out, "What Prometheus reads:");
    text_say(out, "    curl -s http://%s:%u/metrics\n", ip_text(&demo_pops[0].address, pop),
        tour->ports.admin);
}

static void write_reload(struct text *out, const struct demo_tour *tour)
{
    write_step(out, "Change the settings while it runs:");
    text_say(out, "    edit %s && ", tour->config);
    if (tour->bus_pid == 0) {
        text_say(out, "%s reload -c %s\n", tour->program, tour->config);
        return;
    }
    text_add(out, SLICE("for n in"));
    for (size_t i = 0; i < DEMO_POP_COUNT; i++)
        text_say(out, " %s", demo_pops[i].node);
    text_say(out, "; do %s reload --node $n -c %s; done\n", tour->program, tour->config);
}

/* What only processes of their own can show. The last, as orders need the server. */
static void write_deaths(struct text *out, const struct demo_tour *tour)
{
    char server[IP_TEXT_MAX];

    text_say(out,
        "\n  Each pop is a process of its own; nats-server joins them at %s:%u. One dies: two\n"
        "  seconds later nobody is led there. It is started again after ten.\n",
        ip_text(&demo_bus, server), tour->ports.bus);
    text_say(out, "    kill -9 %d; sleep 2; ", (int)tour->node_pids[NEW_YORK]);
    write_dig(out, tour, DETROIT, STATIC);
    write_step(out, "nats-server dies: the pops serve, and steer by what each measures itself.");
    text_say(out, "    kill -9 %d; sleep 2; ", (int)tour->bus_pid);
    write_dig(out, tour, DETROIT, PAGE);
}

void demo_tour_write(struct text *out, const struct demo_tour *tour)
{
    text_add(out, SLICE("A small network runs on this machine:\n\n"));
    write_world(out, tour);
    write_visitors(out, tour);
    write_steering(out, tour);
    write_http(out, tour);
    write_orders(out, tour);
    write_fees(out, tour);
    write_rewrite(out, tour);
    write_browser(out, tour);
    write_face(out, tour);
    write_reload(out, tour);
    if (tour->bus_pid != 0)
        write_deaths(out, tour);
    text_add(out, SLICE("\nCtrl-C ends it all and leaves nothing behind.\n"));
}
