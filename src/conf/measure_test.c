// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "conf/load_test.h"

#define SITE(rows) BASE "    sites: {a.example: {" rows "}}\n"
#define POP(rows)  "zone: z.example\npops: {b: {nodes: {c: {address: 192.0.2.1}}, " rows "}}\n"

static int load_measured(void **state)
{
    struct conf_errors errors;
    char path[PATH_MAX];

    conf_errors_init(&errors);
    snprintf(path, sizeof path, "%.*s../../tests/corpus/conf-load/measured.yaml",
        (int)(strlen(__FILE__) - strlen("measure_test.c")), __FILE__);
    *state = conf_load_file(path, &errors);
    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    return *state == NULL ? -1 : 0;
}

static int drop_measured(void **state)
{
    network_free(*state);
    return 0;
}

static void a_pop_says_how_its_ftp_service_is_measured(void **state)
{
    const struct pop *signs_in = network_pop(*state, SLICE("fra"));
    const struct pop *greets = network_pop(*state, SLICE("nyc"));

    assert_int_equal(signs_in->probe.ftp.port, 21);
    check_text(signs_in->probe.user, "waypost");
    check_text(signs_in->probe.password, "s3cret:#");
    check_text(signs_in->probe.path, "/probe.txt");
    assert_int_equal(signs_in->probe.every.ns, span_s(5).ns);
    assert_int_equal(greets->probe.ftp.port, 2121);
    assert_int_equal(greets->probe.user.length, 0);
    assert_int_equal(greets->probe.every.ns, span_s(1).ns);
    assert_false(signs_in->is_reserve);
    assert_true(greets->is_reserve);
}

static void an_origin_says_whether_it_speaks_tls_and_who_vouches_for_it(void **state)
{
    const struct site *site = site_of(*state, "www.acme.example");

    assert_true(site->origins[0]->is_tls);
    check_text(site->origins[0]->ca, "/etc/waypost/acme.pem");
    assert_false(site->origins[1]->is_tls);
    assert_int_equal(site->origins[1]->ca.length, 0);
}

static void an_http_probe_is_as_its_site_says(void **state)
{
    const struct site_probe *probe = &site_of(*state, "www.acme.example")->probe;

    assert_int_equal(probe->kind, SITE_PROBE_HTTP);
    check_text(probe->path, "/health");
    assert_int_equal(probe->port, 8080);
    assert_int_equal(probe->expect, 204);
    check_text(probe->match, "all: well");
    check_text(probe->load, "/load");
    assert_int_equal(probe->every.ns, span_s(2).ns);
    assert_int_equal(probe->timeout.ns, span_ms(1500).ns);
    assert_int_equal(probe->rise, 2);
    assert_int_equal(probe->fall, 3);
}

static void a_site_that_names_no_probe_is_measured_by_tcp(void **state)
{
    static const char *const SITES[] = { "silent.acme.example", "plain.acme.example" };

    for (size_t i = 0; i < COUNT_OF(SITES); i++) {
        const struct site_probe *probe = &site_of(*state, SITES[i])->probe;

        assert_int_equal(probe->kind, SITE_PROBE_TCP);
        assert_int_equal(probe->port, 0);
        assert_int_equal(probe->every.ns, span_s(i == 0 ? 1 : 10).ns);
        assert_int_equal(probe->timeout.ns, span_ms(800).ns);
        assert_int_equal(probe->rise, 5);
        assert_int_equal(probe->fall, 4);
        assert_int_equal(probe->load.length, 0);
    }
}

static void tcp_and_icmp_probes_are_chosen_by_yes(void **state)
{
    const struct site_probe *tcp = &site_of(*state, "static.acme.example")->probe;
    const struct site_probe *icmp = &site_of(*state, "echo.acme.example")->probe;

    assert_int_equal(tcp->kind, SITE_PROBE_TCP);
    assert_int_equal(tcp->port, 8443);
    assert_int_equal(icmp->kind, SITE_PROBE_ICMP);
    check_text(icmp->load, "/load");
}

static void ftp_is_measured_by_greeting_signing_in_or_a_file(void **state)
{
    const struct site_probe *file = &site_of(*state, "files.acme.example")->probe;
    const struct site_probe *anybody = &site_of(*state, "anonymous.acme.example")->probe;
    const struct site_probe *greeting = &site_of(*state, "greeting.acme.example")->probe;

    assert_int_equal(file->kind, SITE_PROBE_FTP);
    check_text(file->path, "/pub/probe.txt");
    check_text(file->user, "us");
    check_text(file->password, "geheim");
    assert_int_equal(file->timeout.ns, span_s(3).ns);
    check_text(anybody->user, "anonymous");
    check_text(anybody->password, "guest");
    assert_int_equal(anybody->timeout.ns, span_s(5).ns);
    assert_int_equal(greeting->kind, SITE_PROBE_FTP);
    assert_int_equal(greeting->path.length + greeting->user.length, 0);
    assert_int_equal(greeting->timeout.ns, span_ms(800).ns);
}

static void reserves_stand_behind_the_origins_of_both_kinds_of_site(void **state)
{
    const struct site *steers = site_of(*state, "www.acme.example");
    const struct site *delivers = site_of(*state, "static.acme.example");
    const struct site *none = site_of(*state, "silent.acme.example");

    assert_int_equal(steers->first_reserve, 2);
    assert_int_equal(steers->origin_count, 3);
    check_text(steers->origins[2]->name, "old");
    assert_int_equal(steers->weights[0], 2);
    assert_int_equal(steers->weights[2], 0);
    assert_int_equal(delivers->first_reserve, 1);
    assert_int_equal(delivers->origin_count, 3);
    check_text(delivers->origins[1]->name, "nyc");
    assert_int_equal(none->first_reserve, 2);
    assert_int_equal(none->origin_count, 2);
}

static void what_counts_is_latency_response_and_errors_unless_told(void **state)
{
    static const uint16_t USUAL[TERM_COUNT] = {
        [TERM_LATENCY] = 1, [TERM_RESPONSE] = 1, [TERM_ERRORS] = 1
    };
    static const uint16_t TOLD[TERM_COUNT] = { 1, 2, 0, 1, 1, 5 };
    const struct site *usual = site_of(*state, "silent.acme.example");
    const struct site *told = site_of(*state, "www.acme.example");
    const struct site *one = site_of(*state, "files.acme.example");

    assert_memory_equal(usual->weigh, USUAL, sizeof USUAL);
    assert_memory_equal(told->weigh, TOLD, sizeof TOLD);
    assert_int_equal(one->weigh[TERM_FTP], 1);
    assert_int_equal(one->weigh[TERM_LATENCY], 1);
    assert_int_equal(usual->all_down, ALL_DOWN_ANY);
    assert_int_equal(told->all_down, ALL_DOWN_NODATA);
}

/* One mistake each: what the file has wrong, and all that is said about it. */
static const struct {
    const char *text, *expected;
} mistakes[] = {
    { SITE("steer: ams, probe: {htp: /}"),
        "net.yaml:10:45: unknown key \"htp\" in a site's probe, did you mean \"http\"?\n" },
    { SITE("steer: ams, probe: {http: /, tcp: yes}"),
        "net.yaml:10:54: a probe measures by one of http, tcp, ftp and icmp: leave out "
        "\"http\" or \"tcp\"; another site may measure by the other\n" },
    { SITE("steer: ams, probe: {ftp: , icmp: yes, tcp: no}"),
        "net.yaml:10:52: a probe measures by one of http, tcp, ftp and icmp: leave out "
        "\"ftp\" or \"icmp\"; another site may measure by the other\n" },
    { SITE("steer: ams, probe: {tcp: no}"),
        "net.yaml:10:50: tcp: found \"no\", which leaves nothing to measure; add one of http, "
        "ftp and icmp\n" },
    { SITE("steer: ams, probe: {ftp: a.txt}"),
        "net.yaml:10:50: ftp: found \"a.txt\", expected a path that begins with a slash, such "
        "as /probe.txt, or nothing\n" },
    { SITE("steer: ams, probe: {expect: 204}"),
        "net.yaml:10:45: \"expect\" has no meaning without `http`; add that, or leave it "
        "out\n" },
    { SITE("steer: ams, probe: {ftp: , match: x}"),
        "net.yaml:10:52: \"match\" has no meaning without `http`; add that, or leave it "
        "out\n" },
    { SITE("steer: ams, probe: {http: /, user: x, password: y}"),
        "net.yaml:10:54: \"user\" has no meaning without `ftp`; add that, or leave it out\n"
        "net.yaml:10:63: \"password\" has no meaning without `ftp`; add that, or leave it "
        "out\n" },
    { SITE("steer: ams, probe: {ftp: /x, password: y}"),
        "net.yaml:10:54: \"password\" has no meaning without `user`; add that, or leave it "
        "out\n" },
    { SITE("steer: ams, probe: {icmp: yes, port: 7}"),
        "net.yaml:10:56: \"port\" has no meaning with `icmp`: an echo has none; leave it "
        "out\n" },
    { SITE("steer: ams, probe: {port: 65536}"),
        "net.yaml:10:51: port: found \"65536\", expected at most 65535\n" },
    { SITE("steer: ams, probe: {timeout: 10s, rise: 0, fall: 101}"),
        "net.yaml:10:54: timeout: found \"10s\", expected at most 9s\n"
        "net.yaml:10:65: rise: found \"0\", expected at least 1\n"
        "net.yaml:10:74: fall: found \"101\", expected at most 100\n" },
    { SITE("steer: ams, reserve: [nyc, ams]"),
        "net.yaml:10:52: origin \"ams\" is in \"steer\" already; a reserve is one that is "
        "not\n" },
    { SITE("deliver: ams, reserve: [nyc, nyc]"),
        "net.yaml:10:54: origin \"nyc\" is listed twice; \"weights\" gives it a larger "
        "share\n" },
    { SITE("deliver: ams, reserve: nycc"),
        "net.yaml:10:48: customer acme has no origin \"nycc\", did you mean \"nyc\"?\n" },
    { SITE("steer: ams, reserve: nyc, weights: {ams: 0}"),
        "net.yaml:10:60: weights: all are 0, expected at least one origin that gets a share "
        "and is no reserve\n" },
    { SITE("deliver: ams, reserve: nyc, fill: pinned, pinned: nyc"),
        "net.yaml:10:75: pinned: origin \"nyc\" is not one of this site's; add it to its "
        "\"deliver\"\n" },
    { SITE("reserve: ams"),
        "net.yaml:10:13: a site needs \"steer\" (visitors go to an origin) or \"deliver\" "
        "(visitors go to a pop), with a list of origins\n" },
    { SITE("steer: ams, weigh: {latency: 0, response: 0, errors: 0}"),
        "net.yaml:10:44: weigh: all are 0, expected at least one term that counts\n" },
    { SITE("steer: ams, weigh: {latency: 0, response: 1001, errors: 0}"),
        "net.yaml:10:67: response: found \"1001\", expected at most 1000\n" },
    { SITE("steer: ams, weigh: {latency: -1, response: 0, errors: 0}"),
        "net.yaml:10:54: latency: found \"-1\", expected a whole number, such as 200\n" },
    { SITE("steer: ams, weigh: {latncy: 2}"),
        "net.yaml:10:45: unknown key \"latncy\" in weigh, did you mean \"latency\"?\n" },
    { SITE("steer: ams, policy: weighted, weigh: {cpu: 1}"),
        "net.yaml:10:55: \"weigh\" has no meaning with `policy: weighted`, which measures "
        "nothing; leave it out, or choose another policy (\"weights\" are shares)\n" },
    { SITE("steer: ams, all_down: none"),
        "net.yaml:10:47: all_down: found \"none\", expected one of any, nodata\n" },
    { POP("probe: {path: /x, user: y, password: z, every: 2s}"),
        "net.yaml:2:54: \"path\" has no meaning without `ftp`; add that, or leave it out\n"
        "net.yaml:2:64: \"user\" has no meaning without `ftp`; add that, or leave it out\n"
        "net.yaml:2:73: \"password\" has no meaning without `ftp`; add that, or leave it "
        "out\n"
        "net.yaml:2:86: \"every\" has no meaning without `ftp`; add that, or leave it out\n" },
    { POP("probe: {ftp: \"192.0.2.1:21\", password: z}"),
        "net.yaml:2:75: \"password\" has no meaning without `user`; add that, or leave it "
        "out\n" },
    { POP("reserve: yes"),
        "net.yaml:2:55: reserve: all pops are reserves, expected at least one that is none\n" },
    { BASE "  b: {origins: {o: {address: \"198.51.100.8:80\", ca: x.pem}}}\n",
        "net.yaml:10:49: \"ca\" has no meaning without `tls: yes`; add that, or leave it "
        "out\n" },
};

static void each_mistake_is_told_with_place_and_mend(void **)
{
    for (size_t i = 0; i < COUNT_OF(mistakes); i++)
        check_errors(mistakes[i].text, mistakes[i].expected);
}

static void no_error_shows_a_password(void **)
{
    check_errors(SITE("steer: ams, probe: {ftp: /x, user: u, password: \"s3\\tcret\"}"),
        "net.yaml:10:73: password: found text, not shown here, expected text without control "
        "characters, not empty\n");
    check_errors(POP("probe: {ftp: \"192.0.2.1:21\", user: u, password: [s3cret]}"),
        "net.yaml:2:94: password: found a list, expected text without control characters, not "
        "empty\n");
    check_errors(POP("probe: {ftp: \"192.0.2.1:21\", user: u, password: \"\"}"),
        "net.yaml:2:94: password: found nothing, expected text without control characters, not "
        "empty\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pop_says_how_its_ftp_service_is_measured),
        cmocka_unit_test(an_origin_says_whether_it_speaks_tls_and_who_vouches_for_it),
        cmocka_unit_test(an_http_probe_is_as_its_site_says),
        cmocka_unit_test(a_site_that_names_no_probe_is_measured_by_tcp),
        cmocka_unit_test(tcp_and_icmp_probes_are_chosen_by_yes),
        cmocka_unit_test(ftp_is_measured_by_greeting_signing_in_or_a_file),
        cmocka_unit_test(reserves_stand_behind_the_origins_of_both_kinds_of_site),
        cmocka_unit_test(what_counts_is_latency_response_and_errors_unless_told),
        cmocka_unit_test(each_mistake_is_told_with_place_and_mend),
        cmocka_unit_test(no_error_shows_a_password),
    };

    return cmocka_run_group_tests(tests, load_measured, drop_measured);
}
