// SPDX-License-Identifier: Apache-2.0
#include "app/demo_config.h"

#define BUS_USER "waypost"

/* A path in double quotes, with what YAML and nats-server would read otherwise escaped: no control
 * bytes in it. */
static void write_path(struct text *out, struct slice folder, struct slice name)
{
    text_add(out, SLICE("\""));
    for (size_t i = 0; i < folder.length; i++) {
        char c = folder.at[i];

        if (c == '"' || c == '\\')
            text_say(out, "\\%c", c);
        else
            text_add(out, slice_of(&folder.at[i], 1));
    }
    text_say(out, "%.*s\"", SLICE_ARG(name));
}

static void write_tls(struct text *out, struct slice state)
{
    text_add(out,
        SLICE("\ntls: # " DEMO_CA_NAME ", beside this file, vouches for it\n  default: {cert: "));
    write_path(out, state, SLICE("/" DEMO_CERT_NAME));
    text_add(out, SLICE(", key: "));
    write_path(out, state, SLICE("/" DEMO_KEY_NAME));
    text_add(out, SLICE("}\n"));
}

static void write_bus(struct text *out, const struct demo_config *config)
{
    char address[IP_TEXT_MAX];

    if (config->bus_password.length == 0)
        return;
    text_say(out, "bus: nats://%s:%u\n", ip_text(&demo_bus, address), config->ports.bus);
    text_say(
        out, "bus_access: {user: %s, password: %.*s}\n", BUS_USER, SLICE_ARG(config->bus_password));
}

static void write_pops(struct text *out, const struct demo_ports *ports)
{
    text_add(out, SLICE("pops:\n"));
    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        const struct demo_pop *pop = &demo_pops[i];
        char address[IP_TEXT_MAX];

        text_say(out,
            "  %s:\n"
            "    place: %s\n"
            "    location: [%s]\n"
            "    nodes:\n"
            "      %s:\n"
            "        address: %s\n"
            "        ports: {dns: %u, http: %u, https: %u, admin: %u}\n"
            "    cache: {memory: 64 MiB}\n",
            pop->name, pop->place, pop->location, pop->node, ip_text(&pop->address, address),
            ports->dns, ports->http, ports->https, ports->admin);
    }
}

static void write_origins(
    struct text *out, const struct demo_customer *customer, const struct demo_ports *ports)
{
    text_say(out, "  %s:\n    plan: %s\n    origins:\n", customer->name,
        customer == &demo_customers[0] ? "standard" : "transit");
    for (size_t i = 0; i < DEMO_SERVER_COUNT; i++) {
        const struct demo_server *server = &demo_servers[i];
        char address[IP_TEXT_MAX];

        if (server->customer == customer)
            text_say(out, "      %s: {address: \"%s:%u\", location: [%s]}\n", server->name,
                ip_text(&server->address, address), ports->origin, server->location);
    }
}

void demo_config_write(struct text *out, const struct demo_config *config)
{
    const struct demo_ports *ports = &config->ports;

    text_add(out,
        SLICE("# The network of `waypost demo`. Change it while it runs, then: waypost reload\n"
              "network: demo\n"
              "zone: cdn.example             # each site is HOST.cdn.example too\n"
              "contact: hostmaster@cdn.example\n"
              "state: "));
    write_path(out, config->state, SLICE_NONE);
    text_add(out, SLICE("\ngeo: "));
    write_path(out, config->state, SLICE("/" DEMO_GEO_NAME));
    write_tls(out, config->state);
    write_bus(out, config);
    text_add(out, SLICE("\n"));
    write_pops(out, ports);
    text_add(
        out, SLICE("\nlimits: {connections: 500}    # of each node: three share a process here\n"));
    text_say(out, "\naccounts: {node: %s} # keeps the ledger, of which invoices are made\n",
        demo_pops[0].node);
    text_add(out, SLICE("\n"
                        "plans:\n"
                        "  # Ten thousand times what is usual, so that a demo's traffic shows.\n"
                        "  standard: {currency: EUR, monthly: 50.00, per_gb: 200.00, "
                        "per_million_requests: 6000.00, per_million_answers: 1000.00}\n"
                        "  transit: {currency: USD, per_mbit: 2.00, minimum: 25.00}\n"
                        "\n"
                        "customers:\n"));
    write_origins(out, &demo_customers[0], ports);
    text_add(out,
        SLICE("    sites:\n"
              "      www.acme.example:         # the page: visitors go to the best origin\n"
              "        steer: [ams, chi]\n"
              "        policy: balanced\n"
              "        ttl: 5s\n"
              "        probe: {http: /health, every: 1s}\n"
              "      static.acme.example:      # the pictures: visitors go to the best pop\n"
              "        deliver: [ams, chi]\n"
              "        missing: next           # what one origin lacks, the next is asked for\n"
              "      shop.acme.example:        # both behind one name: paths decide\n"
              "        deliver: [ams, chi]\n"
              "        fill: ordered\n"
              "        paths:\n"
              "          /cart/*: {cache: no}\n"
              "          /img/*: {ttl: 1d}\n"));
    write_origins(out, &demo_customers[1], ports);
    text_add(out, SLICE("    sites:\n"
                        "      www.globex.example:       # three visitors of four to London\n"
                        "        steer: [lon, tyo]\n"
                        "        policy: weighted\n"
                        "        weights: {lon: 3, tyo: 1}\n"
                        "        ttl: 5s\n"
                        "      static.globex.example:\n"
                        "        deliver: [lon, tyo]\n"
                        "        fill: pinned\n"
                        "        pinned: lon\n"));
}

void demo_config_write_nats(struct text *out, const struct demo_config *config)
{
    char address[IP_TEXT_MAX];

    text_say(out,
        "# The server that joins the pops of `waypost demo --nats`.\n"
        "listen: \"%s:%u\"\n"
        "authorization: {user: " BUS_USER ", password: \"%.*s\"}\n"
        "jetstream: {  # keeps the log of orders\n"
        "  store_dir: ",
        ip_text(&demo_bus, address), config->ports.bus, SLICE_ARG(config->bus_password));
    write_path(out, config->state, SLICE("/nats"));
    text_add(out, SLICE("\n}\nlog_file: "));
    write_path(out, config->state, SLICE("/" DEMO_NATS_LOG));
    text_add(out, SLICE("\n"));
}
