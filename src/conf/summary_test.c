// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/load.h"
#include "conf/summary.h"

static void the_summary_names_all_that_would_be_served(void **)
{
    struct conf_errors errors;
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    conf_errors_init(&errors);
    struct network *network = conf_load_text("net.yaml",
        SLICE("network: n\n"
              "zone: z.example\n"
              "pops:\n"
              "  fra:\n"
              "    place: Frankfurt\n"
              "    nodes: {fra1: {address: [192.0.2.1, \"2001:db8::1\"], ports: {https: off}}}\n"
              "    cache: {memory: 1536 MiB, disk: /d, disk_size: 1 GiB}\n"
              "    probe: {ftp: \"192.0.2.1:21\", user: u, password: geheim}\n"
              "  nyc: {reserve: yes, nodes: {nyc1: {address: 192.0.2.3}}}\n"
              "plans:\n"
              "  p:\n"
              "    currency: EUR\n"
              "    monthly: 50\n"
              "    minimum: 99.5\n"
              "    tiers: [{up_to: 10 TB, per_gb: 0.02}, {per_gb: 0.015}]\n"
              "    per_million_requests: 0.6\n"
              "    included: {traffic: 100 GB, requests: 1000}\n"
              "    groups: {far: {pops: [nyc, fra], per_mbit: 2}}\n"
              "  q: {currency: JPY, per_million_answers: 3}\n"
              "customers:\n"
              "  acme:\n"
              "    plan: p\n"
              "    origins: {o: {address: \"198.51.100.7:80\", tls: yes},\n"
              "              q: {address: \"[::2]:80\"}}\n"
              "    sites:\n"
              "      a.example: {steer: [o, q], policy: weighted, weights: {q: 3}}\n"
              "      b.example: {deliver: o, fill: pinned, pinned: o, ttl: 1m,\n"
              "                  paths: {/cart/*: {cache: no}}}\n"
              "      c.example: {steer: o, reserve: q, weigh: {cpu: 2, errors: 0},\n"
              "                  probe: {ftp: /x, port: 2121, user: u, password: geheim, load: "
              "/l},\n"
              "                  all_down: nodata}\n"),
        &errors);

    assert_non_null(network);
    network->hash = 0xabc;
    conf_summary_write(network, out);
    fclose(out);
    assert_string_equal(text,
        "network n  zone z.example  release 0000000000000abc  serial 1\n"
        "name servers ns1.z.example, ns2.z.example\n"
        "pops: 2\n"
        "  pop fra  Frankfurt  memory 1536 MiB  disk 1 GiB in /d (not used yet: memory alone "
        "stores)  ftp 192.0.2.1:21\n"
        "    node fra1  192.0.2.1, 2001:db8::1  dns 53  http 80  https off  admin 8653\n"
        "  pop nyc  memory 256 MiB  reserve\n"
        "    node nyc1  192.0.2.3  dns 53  http 80  https closed (no certificate)  admin 8653\n"
        "plans: 2\n"
        "  plan p  EUR  50.00 a month, at least 99.50  0.02 to 10 TB, 0.015 per GB, 100 GB included"
        "  0.60 per million requests, 1000 included\n"
        "    group far: fra, nyc  2.00 per Mbit/s\n"
        "  plan q  JPY  0.00 a month  0.00 per GB  3.00 per million answers\n"
        "customers: 1, sites: 3\n"
        "  customer acme  plan p\n"
        "    a.example  steers to o (198.51.100.7:80 tls), q ([::2]:80) weight 3  policy weighted  "
        "probe tcp  ttl 20s\n"
        "    b.example  delivers from o (198.51.100.7:80 tls)  fill pinned to o  weighs latency, "
        "response, errors  probe tcp  ttl 60s\n"
        "      /cart/*  not stored\n"
        "    c.example  steers to o (198.51.100.7:80 tls)  reserve q ([::2]:80)  policy balanced  "
        "weighs latency, response, cpu x2  probe ftp :2121 /x, load /l  ttl 20s  nodata when all "
        "are down\n");
    free(text);
    network_free(network);
    conf_errors_done(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_summary_names_all_that_would_be_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
