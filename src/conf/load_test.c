// SPDX-License-Identifier: Apache-2.0
#include "conf/load_test.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"

/* A file beside the sources, from the place this one was compiled at. */
static void source_path(char path[PATH_MAX], const char *name)
{
    snprintf(path, PATH_MAX, "%.*s../../%s", (int)(strlen(__FILE__) - strlen("load_test.c")),
        __FILE__, name);
}

static struct network *load_example(void)
{
    struct conf_errors errors;
    char path[PATH_MAX];

    conf_errors_init(&errors);
    source_path(path, "tests/corpus/conf-load/network.yaml");
    struct network *network = conf_load_file(path, &errors);

    conf_errors_print(&errors, stderr);
    assert_non_null(network);
    conf_errors_done(&errors);
    return network;
}

static void the_example_loads_with_pops_nodes_and_plans(void **)
{
    struct network *network = load_example();
    const struct pop *pop = network_pop(network, SLICE("fra"));
    const struct node *node = network_node(network, SLICE("fra1"));
    char text[IP_TEXT_MAX];

    check_text(network->name, "example");
    check_text(network->zone, "cdn.example.net");
    assert_int_equal(network->nameserver_count, 2);
    check_text(network->nameservers[1], "ns2.cdn.example.net");
    check_text(network->accounts_ledger, "sqlite:ledger.db");
    check_text(pop->place, "Frankfurt, DE");
    assert_true(pop->location.is_set && pop->location.latitude == 50.11);
    assert_int_equal(pop->memory_bytes, UINT64_C(4) << 30);
    assert_int_equal(pop->disk_bytes, UINT64_C(200) << 30);
    assert_int_equal(pop->probe.ftp.port, 21);
    assert_ptr_equal(node->pop, pop);
    assert_string_equal(ip_text(&node->addresses[1], text), "2001:db8::10");
    assert_int_equal(node->capacity_bits_per_s, UINT64_C(10000000000));
    assert_int_equal(node->ports.admin, 8653);
    assert_int_equal(network->plans[0].traffic.tiers[0].gigabyte_microcents, 2000000);
    network_free(network);
}

static void the_example_loads_with_customers_origins_and_sites(void **)
{
    struct network *network = load_example();
    const struct site *page = site_of(network, "www.acme.example");
    const struct site *content = site_of(network, "static.acme.example");
    const struct site *shop = site_of(network, "SHOP.acme.example");

    assert_ptr_equal(page->customer->plan_prices, &network->plans[0]);
    assert_int_equal(page->kind, SITE_STEER);
    assert_int_equal(page->policy, POLICY_BALANCED);
    assert_int_equal(page->origin_count, 2);
    check_text(page->origins[0]->name, "ams");
    assert_true(page->origins[0]->capacity_requests_per_s == 500);
    assert_int_equal(page->ttl.ns, span_s(20).ns);
    check_text(page->probe.path, "/health");
    assert_int_equal(content->kind, SITE_DELIVER);
    assert_int_equal(content->fill, FILL_LEAST_LOADED);
    assert_true(content->missing_next);
    assert_int_equal(shop->path_count, 3);
    assert_false(shop->paths[0].may_cache);
    assert_int_equal(shop->paths[1].ttl.ns, span_s(86400).ns);
    check_text(shop->paths[2].pattern, "*");
    assert_true(shop->paths[2].may_cache && shop->paths[2].ttl.ns == 0);
    network_free(network);
}

static void what_is_not_written_has_its_default(void **)
{
    struct network *network = load(BASE "    sites: {a.example: {deliver: ams}}\n");
    const struct site *site = site_of(network, "a.example");
    const struct node *node = network_node(network, SLICE("fra1"));

    assert_int_equal(node->ports.dns, 53);
    assert_int_equal(node->ports.http, 80);
    assert_int_equal(node->ports.https, 443);
    assert_int_equal(node->ports.admin, 8653);
    assert_int_equal(network->pops[0].memory_bytes, UINT64_C(256) << 20);
    check_text(network->name, "waypost");
    check_text(network->state, "/var/lib/waypost");
    assert_int_equal(network->bus.server_count, 0);
    check_text(network->contact, "hostmaster@cdn.example.net");
    assert_int_equal(network->nameserver_count, 1);
    check_text(network->nameservers[0], "ns1.cdn.example.net");
    assert_int_equal(site->ttl.ns, span_s(20).ns);
    assert_int_equal(site->weights[0], 1);
    assert_int_equal(site->object_max_bytes, UINT64_C(64) << 20);
    assert_int_equal(site->path_count, 1);
    assert_int_equal(site->paths[0].stale_if_error.ns, span_s(3600).ns);
    network_free(network);
}

#define NATS BASE "bus: nats://10.0.0.5:4222\n"

static void servers_of_the_bus_and_how_to_sign_in_reach_the_network(void **)
{
    struct network *network = load(BASE "bus: nats://10.0.0.5:4222,[2001:db8::6]:4223\n"
                                        "bus_access: {user: node, password: secret, ca: /a/ca.pem,"
                                        " cert: /a/cert.pem, key: /a/key.pem}\n");
    const struct network_bus *bus = &network->bus;
    char text[ENDPOINT_TEXT_MAX];

    assert_int_equal(bus->server_count, 2);
    assert_string_equal(endpoint_text(&bus->servers[0], text), "10.0.0.5:4222");
    assert_string_equal(endpoint_text(&bus->servers[1], text), "[2001:db8::6]:4223");
    check_text(bus->user, "node");
    check_text(bus->password, "secret");
    check_text(bus->ca, "/a/ca.pem");
    check_text(bus->cert, "/a/cert.pem");
    check_text(bus->key, "/a/key.pem");
    assert_int_equal(bus->token.length, 0);
    assert_true(bus->is_tls);
    network_free(network);
    network = load(NATS "bus_access: {token: secret}\n");
    check_text(network->bus.token, "secret");
    assert_false(network->bus.is_tls);
    network_free(network);
    network = load(BASE "bus: local\n");
    assert_int_equal(network->bus.server_count, 0);
    network_free(network);
}

static void settings_of_a_site_reach_the_network(void **)
{
    struct network *network =
        load(BASE "    sites:\n"
                  "      A.Example.:\n"
                  "        deliver: [ams, nyc]\n"
                  "        fill: pinned\n"
                  "        pinned: nyc\n"
                  "        weights: {nyc: 3}\n"
                  "        stale_if_error: 5m\n"
                  "        object_max: 1 MiB\n"
                  "        paths: {/a: {stale_if_error: 0s}, \"*\": {cache: no}}\n"
                  "      b.example: {steer: nyc, policy: sticky}\n");
    const struct site *site = site_of(network, "a.example");

    check_text(site->host, "a.example");
    assert_int_equal(site->fill, FILL_PINNED);
    assert_ptr_equal(site->pinned, site->origins[1]);
    assert_int_equal(site->weights[0], 1);
    assert_int_equal(site->weights[1], 3);
    assert_int_equal(site->object_max_bytes, 1 << 20);
    assert_int_equal(site->path_count, 2);
    assert_int_equal(site->paths[0].stale_if_error.ns, 0);
    assert_int_equal(site->paths[1].stale_if_error.ns, span_s(300).ns);
    assert_false(site->paths[1].may_cache);
    assert_int_equal(site_of(network, "b.example")->policy, POLICY_STICKY);
    network_free(network);
}

static void json_is_read_as_well(void **)
{
    struct network *network = load("{\"zone\": \"cdn.example.net\", \"pops\": {\"fra\": {\"nodes\":"
                                   "{\"fra1\": {\"address\": [\"192.0.2.10\"], \"ports\":"
                                   "{\"https\": \"off\", \"dns\": 5300}}}}}, \"customers\": {}}");

    assert_int_equal(network_node(network, SLICE("fra1"))->ports.dns, 5300);
    assert_int_equal(network_node(network, SLICE("fra1"))->ports.https, 0);
    network_free(network);
}

static void look_ups_find_what_is_there_and_nothing_else(void **)
{
    struct network *network = load(BASE "    sites: {b.example: {steer: ams}, a.example: {steer: "
                                        "ams}, bb.example: {steer: ams}, c: {steer: nyc}}\n");

    check_text(site_of(network, "B.EXAMPLE")->host, "b.example");
    check_text(site_of(network, "a.example")->host, "a.example");
    check_text(site_of(network, "bb.example")->host, "bb.example");
    check_text(site_of(network, "c")->host, "c");
    assert_null(network_site(network, SLICE("b.exampl")));
    assert_null(network_site(network, SLICE("d")));
    assert_null(network_site(network, SLICE("")));
    assert_null(network_pop(network, SLICE("FRA")));
    assert_null(network_node(network, SLICE("fra2")));
    network_free(network);
}

#define BUS "addresses such as nats://10.0.0.5:4222,10.0.0.6:4222\n"

/* One mistake each: what the file has wrong, and all that is said about it. */
static const struct {
    const char *text, *expected;
} mistakes[] = {
    { "", "net.yaml: empty: no settings in it\n" },
    { "- a\n", "net.yaml:1:1: found a list, expected lines of `key: value`\n" },
    { "zone: [a\n",
        "net.yaml:2:1: no YAML: did not find expected ',' or ']' while parsing a flow sequence\n" },
    { "zone: a: b\n",
        "net.yaml:1:8: no YAML: mapping values are not allowed in this context; check the "
        "indentation, and quote text that holds a colon and a blank\n" },
    { "zone: \xff\n", "net.yaml:1:7: no text: invalid leading UTF-8 octet; files are UTF-8\n" },
    { "zone: &a x\n",
        "net.yaml:1:7: anchors (&) and tags (!) are not supported: write the value alone\n" },
    { "zone: *a\n", "net.yaml:1:7: aliases (*name) are not supported: write the value out, and "
                    "quote text that begins with *\n" },
    { "*.jpg: 1\n",
        "net.yaml:1:2: no YAML: did not find expected alphabetic or numeric character while "
        "scanning an alias; quote text that begins with *, such as \"*.jpg\"\n" },
    { "zone: a\n---\nzone: b\n", "net.yaml:2:1: a second document: one file holds one\n" },
    { "[a]: b\n", "net.yaml:1:1: a key must be text; quote it if it begins with [ or {\n" },
    { "include: a.yaml\n" BASE,
        "net.yaml:1:10: include: text that is no file cannot include others\n" },
    { BASE "zonne: x\n",
        "net.yaml:10:1: unknown key \"zonne\" in the network, did you mean \"zone\"?\n" },
    { BASE "    flavour: x\n", "net.yaml:10:5: unknown key \"flavour\" in a customer, known are: "
                               "plan, access_log, origins, sites, tokens\n" },
    { BASE "zone: b\n",
        "net.yaml:10:1: \"zone\" is given twice: keep this one or the one at line 1\n" },
    { "pops: {a: {nodes: {b: {address: 192.0.2.1}}}}\n",
        "net.yaml:1:1: the network lacks \"zone\": Names under this zone are ours to answer, such "
        "as cdn.example.net.\n" },
    { "zone: a.example\n", "net.yaml:1:1: the network lacks \"pops\": Our places, by name.\n" },
    { "zone: a.example\npops: {fra: {}}\n",
        "net.yaml:2:8: a pop lacks \"nodes\": The machines there, by name.\n" },
    { "zone: a.example\npops: {}\n", "net.yaml:2:7: pops: found none, expected a map with at least "
                                     "one line of `name: value`\n" },
    { BASE "network: a b\n",
        "net.yaml:10:10: network: found \"a b\", expected a name of letters, digits, - _ and dots, "
        "at most 63, such as fra1\n" },
    { BASE "contact: nobody\n", "net.yaml:10:10: contact: found \"nobody\", expected a mail "
                                "address, such as hostmaster@example.net\n" },
    { BASE "state: \"a\\tb\"\n", "net.yaml:10:8: state: found \"a?b\", expected text without "
                                 "control characters, not empty\n" },
    { BASE "bus: \"nats://\"\n", "net.yaml:10:6: bus: found \"nats://\", expected local, or " BUS },
    { BASE "bus: \"nats://10.0.0.5:4222,\"\n",
        "net.yaml:10:6: bus: found \"nats://10.0.0.5:4222,\", expected local, or " BUS },
    { BASE "bus: nats://bus.example:4222\n",
        "net.yaml:10:6: bus: found \"nats://bus.example:4222\", expected local, or " BUS },
    { BASE "bus_access: {user: a, password: b}\n",
        "net.yaml:10:14: \"user\" has no meaning without servers: `bus: nats://ADDRESS:PORT`; add "
        "that, or leave it out\n"
        "net.yaml:10:23: \"password\" has no meaning without servers: `bus: nats://ADDRESS:PORT`; "
        "add that, or leave it out\n" },
    { NATS "bus_access: {user: a}\n", "net.yaml:11:14: \"user\" has no meaning without password; "
                                      "add that, or leave it out\n" },
    { NATS "bus_access: {password: a}\n", "net.yaml:11:14: \"password\" has no meaning without "
                                          "user; add that, or leave it out\n" },
    { NATS "bus_access: {tls: yes, cert: a}\n", "net.yaml:11:24: \"cert\" has no meaning without "
                                                "key; add that, or leave it out\n" },
    { NATS "bus_access: {tls: yes, key: a}\n", "net.yaml:11:24: \"key\" has no meaning without "
                                               "cert; add that, or leave it out\n" },
    { NATS "bus_access: {cert: a, key: b}\n",
        "net.yaml:11:14: \"cert\" has no meaning without `ca` or `tls: yes`; add that, or leave it "
        "out\n" },
    { NATS "bus_access: {user: a, password: b, token: c}\n",
        "net.yaml:11:36: nodes sign in by \"user\" and \"password\" or by \"token\", not both; "
        "leave one out\n" },
    { BASE "accounts: {node: fra2}\n",
        "net.yaml:10:18: there is no node \"fra2\", did you mean \"fra1\"?\n" },
    { BASE "accounts: {node: fra1, ledger: ledger.db}\n",
        "net.yaml:10:32: found \"ledger.db\", expected a database such as sqlite:ledger.db\n" },
    { BASE "accounts: {node: fra1, ledger: \"sqlite:\"}\n",
        "net.yaml:10:32: found \"sqlite:\", expected a database such as sqlite:ledger.db\n" },
    { BASE "    plan: standart\n",
        "net.yaml:10:11: there is no plan \"standart\", did you mean \"standard\"?\n" },
    { BASE "  b: {origins: {o: {address: \"www.example:80\"}}}\n",
        "net.yaml:10:30: address: found \"www.example:80\", expected a literal address with its "
        "port, such as 198.51.100.7:80 or \"[2001:db8::7]:80\"\n" },
    { BASE "  b: {origins: {o: {address: \"192.0.2.10:80\"}}}\n",
        "net.yaml:10:30: origin o has the address of our own node fra1 (http): fills would go in "
        "circles\n" },
    { BASE "    sites: {a.example: {steer: amz}}\n",
        "net.yaml:10:32: customer acme has no origin \"amz\", did you mean \"ams\"?\n" },
    { BASE "    sites: {a.example: {steer: [ams, ams]}}\n",
        "net.yaml:10:38: origin \"ams\" is listed twice; \"weights\" gives it a larger share\n" },
    { BASE "    sites: {a.example: {deliver: ams, policy: ordered}}\n",
        "net.yaml:10:47: policy: ordered has no meaning in a site with \"deliver\": pops have no "
        "weights or order; choose balanced, strict or sticky (\"fill\" chooses the origin)\n" },
    { BASE "    sites: {a.example: {steer: ams, object_max: 1 MiB}}\n",
        "net.yaml:10:37: \"object_max\" has no meaning in a site with \"steer\": nothing of it is "
        "stored; leave it out, or write \"deliver\"\n" },
    { BASE "    sites: {a.example: {steer: ams, deliver: ams}}\n",
        "net.yaml:10:37: a site has \"steer\" or \"deliver\", not both; give the other a host name "
        "of its own\n" },
    { BASE "    sites: {a.example: {ttl: 1s}}\n",
        "net.yaml:10:13: a site needs \"steer\" (visitors go to an origin) or \"deliver\" "
        "(visitors go to a pop), with a list of origins\n" },
    { BASE "    sites: {a.example: {steer: []}}\n",
        "net.yaml:10:32: steer: found none, expected a list with at least one item, such as "
        "[a, b]\n" },
    { BASE "    sites: {a.example: }\n",
        "net.yaml:10:24: found nothing, expected a site: lines of `key: value`\n" },
    { BASE "    sites: {a.example: {steer: ams, ttl: 20}}\n",
        "net.yaml:10:42: ttl: found \"20\", expected a duration with its unit (us, ms, s, m, h, "
        "d), such as 20s or 500ms\n" },
    { BASE "    sites: {a.example: {steer: ams, ttl: 8d}}\n",
        "net.yaml:10:42: ttl: found \"8d\", expected at most 7d\n" },
    { BASE "    sites: {a.example: {steer: ams, ttl: 1500ms}}\n",
        "net.yaml:10:42: ttl: found \"1500ms\", expected whole seconds: DNS has no finer ones\n" },
    { BASE "    sites: {a.example: {steer: ams, policy: strikt}}\n",
        "net.yaml:10:45: policy: found \"strikt\", expected one of balanced, strict, weighted, "
        "ordered, sticky, did you mean \"strict\"?\n" },
    { BASE "    sites: {a.example: {steer: ams, weights: {nyc: 1}}}\n",
        "net.yaml:10:47: weights: origin \"nyc\" is not one of this site's; add it to its "
        "\"steer\"\n" },
    { BASE "    sites: {a.example: {steer: ams, weights: {ams: 0}}}\n",
        "net.yaml:10:46: weights: all are 0, expected at least one origin that gets a share\n" },
    { BASE "    sites: {a.example: {steer: ams, weights: {ams: -1}}}\n",
        "net.yaml:10:52: weights: found \"-1\", expected a whole number, such as 200\n" },
    { BASE "    sites: {a.example: {deliver: ams, fill: pinned}}\n",
        "net.yaml:10:45: fill: pinned to which origin? add a line such as `pinned: ams`\n" },
    { BASE "    sites: {a.example: {deliver: ams, pinned: ams}}\n",
        "net.yaml:10:39: \"pinned\" has no meaning without `fill: pinned`; add that, or leave it "
        "out\n" },
    { BASE "    sites: {a.example: {deliver: ams, fill: pinned, pinned: nyc}}\n",
        "net.yaml:10:61: pinned: origin \"nyc\" is not one of this site's; add it to its "
        "\"deliver\"\n" },
    { BASE "    sites: {a.example: {deliver: ams, paths: {img: {}}}}\n",
        "net.yaml:10:47: paths: found \"img\", expected a path pattern that begins with / or *, "
        "without blanks, ? and #, such as /img/*\n" },
    { BASE "    sites: {a.example: {deliver: ams, paths: {/*: {}, /a: {}}}}\n",
        "net.yaml:10:55: \"/a\" is never reached, as \"/*\" above matches all; move that one to "
        "the end\n" },
    { BASE "    sites: {a.example: {deliver: ams, paths: {/a: {cache: no, ttl: 1d}}}}\n",
        "net.yaml:10:68: ttl: has no meaning with `cache: no`; leave out one of the two\n" },
    { BASE "    sites: {192.0.2.1: {steer: ams}}\n",
        "net.yaml:10:13: sites: found \"192.0.2.1\", expected a host name in ASCII (xn-- for "
        "others), such as www.acme.example; an address is none\n" },
    { BASE "    sites: {a.example: {steer: ams}}\n"
           "  b: {origins: {o: {address: \"198.51.100.8:80\"}}, sites: {A.example: {steer: o}}}\n",
        "net.yaml:11:59: host a.example is a site of customer acme already, at net.yaml:10:13; a "
        "host belongs to one site\n" },
    { BASE "    sites: {a.example: {steer: ams}, a.example.cdn.example.net: {steer: ams}}\n",
        "net.yaml:10:38: host a.example.cdn.example.net is taken: it is the shared name of site "
        "a.example, HOST.ZONE\n" },
    { BASE "    sites: {ns1.cdn.example.net: {steer: ams}}\n",
        "net.yaml:10:13: host ns1.cdn.example.net collides with the name server "
        "ns1.cdn.example.net; give one of them another name\n" },
    { "zone: a.example\npops: {b: {nodes: {c: {address: 192.0.2.1}, C: {address: 192.0.2.2}}}}\n",
        "net.yaml:2:45: there is a node \"c\" already, at net.yaml:2:20; names of nodes are unique "
        "in the network, without regard to case\n" },
    { "zone: a.example\n"
      "pops: {b: {nodes: {c: {address: 192.0.2.1, ports: {dns: 80, http: 80}}}}}\n",
        "net.yaml:2:33: 192.0.2.1:80 is taken twice: for dns of node c and http of node c; give "
        "one of them another address or other \"ports\"\n" },
    { "zone: a.example\n"
      "pops: {b: {nodes: {c: {address: 192.0.2.1}, d: {address: 192.0.2.1, ports: {dns: 54, http: "
      "off, https: 444, admin: 8653}}}}}\n",
        "net.yaml:2:58: 192.0.2.1:8653 is taken twice: for admin of node c and admin of node d; "
        "give one of them another address or other \"ports\"\n" },
    { "zone: a.example\npops: {b: {nodes: {c: {address: 0.0.0.0}}}}\n",
        "net.yaml:2:33: address: found 0.0.0.0, expected one that visitors can reach: it is given "
        "out in answers\n" },
    { "zone: a.example\npops: {b: {nodes: {c: {address: 192.0.2.1}}, cache: {memory: 1 KiB}}}\n",
        "net.yaml:2:62: memory: found \"1 KiB\", expected at least 1 MiB\n" },
    { "zone: a.example\npops: {b: {nodes: {c: {address: 192.0.2.1}}, cache: {disk: /x}}}\n",
        "net.yaml:2:60: disk: expected \"disk_size\" beside it, such as 200 GiB\n" },
    { "zone: a.example\npops: {b: {nodes: {c: {address: 192.0.2.1}}, location: [91, 0]}}\n",
        "net.yaml:2:57: location: found \"91\", expected a latitude in degrees, from -90 to 90, "
        "such as 50.11\n" },
};

static void each_mistake_is_told_with_place_and_mend(void **)
{
    for (size_t i = 0; i < COUNT_OF(mistakes); i++)
        check_errors(mistakes[i].text, mistakes[i].expected);
}

static void all_mistakes_are_told_at_once_in_order(void **)
{
    check_errors(BASE "    plan: none\n"
                      "    sites: {a.example: {steer: amz, ttl: 1}}\n"
                      "bus: tram\n"
                      "geo: [x]\n",
        "net.yaml:10:11: there is no plan \"none\"\n"
        "net.yaml:11:32: customer acme has no origin \"amz\", did you mean \"ams\"?\n"
        "net.yaml:11:42: ttl: found \"1\", expected a duration with its unit (us, ms, s, m, h, d), "
        "such as 20s or 500ms\n"
        "net.yaml:12:6: bus: found \"tram\", expected local, or addresses such as "
        "nats://10.0.0.5:4222,10.0.0.6:4222\n"
        "net.yaml:13:6: geo: found a list, expected text without control characters, not empty\n");
}

static void errors_beyond_the_limit_are_counted(void **)
{
    char text[8192] = BASE;

    for (size_t i = 0; i < CONF_ERRORS_MAX + 7; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "wrong%zu: x\n", i);
    char *printed = errors_of(text);

    assert_non_null(strstr(printed, "net.yaml:109:1: unknown key \"wrong99\""));
    assert_null(strstr(printed, "wrong100"));
    assert_string_equal(printed + strlen(printed) - strlen("\nand 7 more\n"), "\nand 7 more\n");
    free(printed);
}

static void depth_is_bounded(void **)
{
    char text[4096] = "a: ";

    memset(text + 3, '[', 2000);
    check_errors(text, "net.yaml:1:35: nested too deeply: no setting lies this deep\n");
}

static void a_bad_load_leaves_the_served_network_as_it_was(void **)
{
    struct network *served = load(BASE "    sites: {a.example: {steer: ams}}\n");
    uint64_t hash = served->hash;

    check_errors("zone: []\n", "net.yaml:1:1: the network lacks \"pops\": Our places, by name.\n"
                               "net.yaml:1:7: zone: found a list, expected a host name in ASCII "
                               "(xn-- for others), such as www.acme.example; an address is none\n");
    assert_int_equal(served->hash, hash);
    check_text(site_of(served, "a.example")->origins[0]->name, "ams");
    network_free(served);
}

static void the_hash_names_the_content(void **)
{
    struct network *first = load(BASE), *same = load(BASE), *other = load(BASE "geo: x\n");

    assert_true(first->hash == same->hash);
    assert_true(first->hash != other->hash);
    network_free(first);
    network_free(same);
    network_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_loads_with_pops_nodes_and_plans),
        cmocka_unit_test(the_example_loads_with_customers_origins_and_sites),
        cmocka_unit_test(what_is_not_written_has_its_default),
        cmocka_unit_test(servers_of_the_bus_and_how_to_sign_in_reach_the_network),
        cmocka_unit_test(settings_of_a_site_reach_the_network),
        cmocka_unit_test(json_is_read_as_well),
        cmocka_unit_test(look_ups_find_what_is_there_and_nothing_else),
        cmocka_unit_test(each_mistake_is_told_with_place_and_mend),
        cmocka_unit_test(all_mistakes_are_told_at_once_in_order),
        cmocka_unit_test(errors_beyond_the_limit_are_counted),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(a_bad_load_leaves_the_served_network_as_it_was),
        cmocka_unit_test(the_hash_names_the_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
