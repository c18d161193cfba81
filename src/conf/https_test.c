// SPDX-License-Identifier: Apache-2.0
#include "conf/https.h"
#include "conf/load_test.h"

#define SITES BASE "    sites:\n      a.example: "

static void a_certificate_and_what_visitors_are_told_reach_the_site(void **)
{
    struct network *network =
        load(SITES "{deliver: ams, tls: {cert: /c.pem, key: /k.pem, ocsp: /o.der}, https: only,\n"
                   "                  hsts: 365d, hsts_subdomains: yes}\n");
    const struct site_https *https = &site_of(network, "a.example")->https;

    check_text(https->files.cert, "/c.pem");
    check_text(https->files.key, "/k.pem");
    check_text(https->files.ocsp, "/o.der");
    assert_string_equal(https->files.at.file, "net.yaml");
    assert_int_equal(https->files.at.line, 11);
    assert_true(https->is_only && https->has_hsts && https->hsts_subdomains);
    assert_int_equal(https->hsts.ns, span_s(365 * 86400).ns);
    network_free(network);
}

static void a_site_that_says_nothing_answers_both_ways_and_sends_no_hsts(void **)
{
    struct network *network = load(SITES "{deliver: ams}\n");
    const struct site_https *https = &site_of(network, "a.example")->https;

    assert_false(certificate_is_given(&https->files));
    assert_false(https->is_only || https->has_hsts || https->hsts_subdomains);
    assert_int_equal(network->tls.oldest, TLS_OLDEST_1_2);
    assert_false(certificate_is_given(&network->tls.standard));
    assert_false(certificate_is_given(&network->admin.files));
    network_free(network);
}

static void the_networks_own_settings_of_tls_and_admin_reach_it(void **)
{
    struct network *network =
        load(SITES "{deliver: ams, https: only, hsts: 0s}\n"
                   "tls: {min_version: 1.3, tickets: /t, default: {cert: /d.pem, key: /d.key}}\n"
                   "admin: {tls: {cert: /a.pem, key: /a.key}, token: /token}\n");

    assert_int_equal(network->tls.oldest, TLS_OLDEST_1_3);
    check_text(network->tls.tickets, "/t");
    check_text(network->tls.standard.cert, "/d.pem");
    check_text(network->admin.files.key, "/a.key");
    check_text(network->admin.token, "/token");
    assert_int_equal(network->admin.token_at.line, 13);
    assert_true(site_of(network, "a.example")->https.has_hsts);
    network_free(network);
    network = load(BASE "tls: {ciphers: ECDHE-RSA-AES128-GCM-SHA256}\n");
    check_text(network->tls.ciphers, "ECDHE-RSA-AES128-GCM-SHA256");
    network_free(network);
}

static void https_is_served_where_any_certificate_is_given(void **)
{
    struct network *network = load(SITES "{deliver: ams}\n");

    assert_false(network_has_https(network));
    network_free(network);
    network = load(SITES "{deliver: ams, tls: {cert: /c, key: /k}}\n");
    assert_true(network_has_https(network));
    network_free(network);
    network = load(BASE "tls: {default: {cert: /c, key: /k}}\n");
    assert_true(network_has_https(network));
    network_free(network);
}

static void what_we_show_an_origin_is_a_certificate_with_its_key(void **)
{
    struct network *network =
        load(BASE "      own: {address: \"192.0.2.7:443\", tls: yes, cert: /c.pem, key: /k.pem}\n");
    const struct origin *origin = &network->customers[0].origins[2];

    check_text(origin->shown.cert, "/c.pem");
    check_text(origin->shown.key, "/k.pem");
    network_free(network);
    check_errors(BASE "      own: {address: \"192.0.2.7:443\", tls: yes, cert: /c.pem}\n",
        "net.yaml:10:49: \"cert\" has no meaning without \"key\"; add that, or leave it out\n");
    check_errors(BASE "      own: {address: \"192.0.2.7:443\", cert: /c.pem, key: /k.pem}\n",
        "net.yaml:10:39: \"cert\" has no meaning without `tls: yes`; add that, or leave it out\n");
}

static void a_certificate_needs_its_key_and_admin_both_proof_and_token(void **)
{
    check_errors(SITES "{deliver: ams, tls: {cert: /c.pem}}\n",
        "net.yaml:11:33: a site's tls lacks \"key\": File of its private key; PEM, no "
        "passphrase.\n");
    check_errors(BASE "admin: {token: /t}\n",
        "net.yaml:10:1: admin lacks \"tls\": The certificate of the admin port.\n");
    check_errors(BASE "admin: {tls: {cert: /c, key: /k}}\n",
        "net.yaml:10:1: admin: expected \"tokens\", or \"token\" with a file, or tokens of a "
        "customer: nobody could ask; `waypost token` makes one\n");
}

static void visitors_are_not_sent_where_nobody_answers(void **)
{
    check_errors(SITES "{deliver: ams, https: only}\n",
        "net.yaml:11:40: https: there is no certificate for this site; give it \"tls\" with "
        "\"cert\" and \"key\", or the network's \"tls\" a \"default\"\n");
    check_errors(SITES "{deliver: ams, hsts: 1d}\n",
        "net.yaml:11:39: hsts: there is no certificate for this site; give it \"tls\" with "
        "\"cert\" and \"key\", or the network's \"tls\" a \"default\"\n");
    check_errors("zone: z.example\n"
                 "pops: {p: {nodes: {n: {address: 192.0.2.1, ports: {https: off}}}}}\n"
                 "customers: {c: {origins: {o: {address: \"192.0.2.7:80\"}}, sites:\n"
                 "  {a.example: {deliver: o, https: only, tls: {cert: /c, key: /k}}}}}\n",
        "net.yaml:4:35: https: node n has `https: off` among its \"ports\"; give it one\n");
}

static void settings_that_could_not_have_an_effect_are_errors(void **)
{
    check_errors(SITES "{steer: ams, tls: {cert: /c, key: /k}}\n",
        "net.yaml:11:31: \"tls\" has no meaning in a site with \"steer\": its requests do not come "
        "through us; leave it out, or write \"deliver\"\n");
    check_errors(SITES "{deliver: ams, hsts_subdomains: yes}\n",
        "net.yaml:11:33: \"hsts_subdomains\" has no meaning without `hsts`; add that, or leave it "
        "out\n");
    check_errors(SITES "{deliver: ams, hsts: 100ms, tls: {cert: /c, key: /k}}\n",
        "net.yaml:11:39: hsts: found \"100ms\", expected whole seconds\n");
    check_errors(BASE "tls: {min_version: 1.3, ciphers: X}\n",
        "net.yaml:10:25: \"ciphers\" has no meaning without TLS 1.2, whose ciphers they are; add "
        "that, or leave it out\n");
    check_errors(BASE "tls: {min_version: 1.1}\n",
        "net.yaml:10:20: min_version: found \"1.1\", expected one of 1.2, 1.3, did you mean "
        "\"1.2\"?\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_and_what_visitors_are_told_reach_the_site),
        cmocka_unit_test(a_site_that_says_nothing_answers_both_ways_and_sends_no_hsts),
        cmocka_unit_test(the_networks_own_settings_of_tls_and_admin_reach_it),
        cmocka_unit_test(https_is_served_where_any_certificate_is_given),
        cmocka_unit_test(what_we_show_an_origin_is_a_certificate_with_its_key),
        cmocka_unit_test(a_certificate_needs_its_key_and_admin_both_proof_and_token),
        cmocka_unit_test(visitors_are_not_sent_where_nobody_answers),
        cmocka_unit_test(settings_that_could_not_have_an_effect_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
