// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/attr.h"
#include "conf/checks.h"
#include "conf/load_test.h"

/* A network and what it asks to be measured. */
struct world {
    struct network *network;
    struct checks *checks;
};

static struct world world_of(struct network *network)
{
    assert_non_null(network);
    return (struct world){ network, checks_new(network) };
}

static struct world world(const char *text)
{
    return world_of(load(text));
}

static void world_drop(struct world *w)
{
    checks_free(w->checks);
    network_free(w->network);
}

static int measured(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct conf_errors errors;
    char path[PATH_MAX];

    conf_errors_init(&errors);
    snprintf(path, sizeof path, "%.*s../../tests/corpus/conf-load/measured.yaml",
        (int)(strlen(__FILE__) - strlen("checks_test.c")), __FILE__);
    assert_non_null(w);
    *w = world_of(conf_load_file(path, &errors));
    conf_errors_done(&errors);
    *state = w;
    return 0;
}

static int measured_drop(void **state)
{
    world_drop(*state);
    free(*state);
    return 0;
}

static const struct check *at(const struct world *w, uint32_t position)
{
    assert_true(position < w->checks->count);
    return &w->checks->list[position];
}

static const struct check *of_origin(const struct world *w, const char *host, size_t position)
{
    return at(w, checks_of_origin(w->checks, site_of(w->network, host), position));
}

static const struct check *load_of(const struct world *w, const char *host, size_t position)
{
    return at(w, checks_load_of_origin(w->checks, site_of(w->network, host), position));
}

static const struct check *of_node(const struct world *w, const char *name)
{
    return at(w, checks_of_node(w->checks, network_node(w->network, slice_text(name))));
}

static const struct check *of_pop(const struct world *w, const char *name)
{
    return at(w, checks_ftp_of_pop(w->checks, network_pop(w->network, slice_text(name))));
}

static void check_place(const struct check *check, const char *expected)
{
    char text[ENDPOINT_TEXT_MAX];

    assert_string_equal(endpoint_text(&check->to, text), expected);
}

static void check_pace(const struct check *check, int64_t every_ms, int64_t timeout_ms)
{
    assert_int_equal(check->every.ns, span_ms(every_ms).ns);
    assert_int_equal(check->timeout.ns, span_ms(timeout_ms).ns);
}

static void a_node_is_asked_for_its_probe_path_as_the_zone(void **state)
{
    const struct check *check = of_node(*state, "fra1");

    assert_int_equal(check->kind, CHECK_HTTP);
    check_text(check->node->name, "fra1");
    assert_true(check->pop == NULL && check->origin == NULL && !check->is_tls);
    check_place(check, "192.0.2.10:80");
    check_text(check->host, "cdn.example.net");
    check_text(check->path, "/.well-known/waypost/probe");
    assert_int_equal(check->expect, 200);
    check_pace(check, 1000, 800);
    assert_int_equal(check->rise, 5);
    assert_int_equal(check->fall, 4);
    check_place(of_node(*state, "nyc1"), "[2001:db8::30]:80");
}

static void a_node_without_http_is_measured_where_it_does_listen(void **state)
{
    const struct check *check = of_node(*state, "fra2");
    struct world w = world("zone: z.example\n"
                           "pops:\n"
                           "  a:\n"
                           "    nodes:\n"
                           "      b: {address: 192.0.2.1, ports: {http: off, dns: off}}\n"
                           "      c: {address: 192.0.2.2, ports: {http: off, dns: off, https: "
                           "off}}\n");

    assert_int_equal(check->kind, CHECK_TCP);
    check_place(check, "192.0.2.11:53");
    assert_int_equal(check->host.length + check->path.length + check->expect, 0);
    check_place(of_node(&w, "b"), "192.0.2.1:443");
    assert_int_equal(checks_of_node(w.checks, network_node(w.network, SLICE("c"))), CHECK_NONE);
    assert_int_equal(w.checks->count, 1);
    world_drop(&w);
}

static void the_ftp_of_a_pop_is_measured_where_it_has_one(void **state)
{
    const struct check *check = of_pop(*state, "fra");
    struct world w = world(BASE);

    assert_int_equal(check->kind, CHECK_FTP);
    check_text(check->pop->name, "fra");
    assert_true(check->node == NULL && check->origin == NULL);
    check_place(check, "192.0.2.10:21");
    check_text(check->user, "waypost");
    check_text(check->password, "s3cret:#");
    check_text(check->path, "/probe.txt");
    check_pace(check, 5000, 5000);
    check_place(of_pop(*state, "nyc"), "[2001:db8::30]:2121");
    assert_int_equal(checks_ftp_of_pop(w.checks, network_pop(w.network, SLICE("fra"))), CHECK_NONE);
    world_drop(&w);
}

static void an_origin_is_asked_as_its_site_says(void **state)
{
    const struct check *own = of_origin(*state, "www.acme.example", 0);
    const struct check *named = of_origin(*state, "www.acme.example", 1);

    assert_int_equal(own->kind, CHECK_HTTP);
    check_text(own->origin->name, "ams");
    check_place(own, "198.51.100.7:8080");
    check_text(own->host, "ams.acme.example");
    check_text(own->path, "/health");
    check_text(own->match, "all: well");
    assert_int_equal(own->expect, 204);
    assert_true(own->is_tls);
    check_text(own->ca, "/etc/waypost/acme.pem");
    check_pace(own, 2000, 1500);
    assert_int_equal(own->rise, 2);
    assert_int_equal(own->fall, 3);
    check_text(named->host, "www.acme.example");
    assert_false(named->is_tls);
}

static void reserves_are_measured_as_the_others(void **state)
{
    const struct check *check = of_origin(*state, "static.acme.example", 2);

    check_text(check->origin->name, "old");
    assert_int_equal(check->kind, CHECK_TCP);
    check_place(check, "203.0.113.10:8443");
}

static void only_http_is_asked_with_host_tls_and_status(void **state)
{
    const struct check *tcp = of_origin(*state, "silent.acme.example", 0);
    const struct check *icmp = of_origin(*state, "echo.acme.example", 0);
    const struct check *ftp = of_origin(*state, "files.acme.example", 0);

    assert_int_equal(tcp->kind, CHECK_TCP);
    check_place(tcp, "198.51.100.7:443");
    assert_int_equal(icmp->kind, CHECK_ICMP);
    check_place(icmp, "198.51.100.7:0");
    assert_int_equal(ftp->kind, CHECK_FTP);
    check_place(ftp, "198.51.100.7:21");
    check_text(ftp->path, "/pub/probe.txt");
    check_text(ftp->user, "us");
    check_text(ftp->password, "geheim");
    for (const struct check **one = (const struct check *[]){ tcp, icmp, ftp, NULL }; *one != NULL;
         one++)
        assert_true((*one)->host.length == 0 && (*one)->expect == 0 && !(*one)->is_tls);
}

static void a_load_path_is_a_check_of_its_own(void **state)
{
    const struct world *w = *state;
    const struct check *beside_http = load_of(w, "www.acme.example", 1);
    const struct check *beside_echo = load_of(w, "echo.acme.example", 0);

    assert_int_equal(beside_http->kind, CHECK_LOAD);
    check_place(beside_http, "203.0.113.9:8080");
    check_text(beside_http->path, "/load");
    check_text(beside_http->host, "www.acme.example");
    assert_int_equal(beside_http->expect, 200);
    assert_int_equal(beside_http->match.length, 0);
    check_place(beside_echo, "198.51.100.7:443");
    assert_true(beside_echo->is_tls);
    assert_int_equal(
        checks_load_of_origin(w->checks, site_of(w->network, "silent.acme.example"), 0),
        CHECK_NONE);
}

static void what_is_asked_alike_is_one_check_at_the_shortest_interval(void **state)
{
    const struct check *one = of_origin(*state, "silent.acme.example", 0);
    const struct check *same = of_origin(*state, "plain.acme.example", 0);
    const struct check *other = of_origin(*state, "static.acme.example", 0);

    assert_ptr_equal(one, same);
    assert_int_equal(one->every.ns, span_s(1).ns);
    assert_ptr_not_equal(one, other);
}

/* Two sites that differ in one thing alone; whether they share their origin's check. */
static bool is_shared(const char *first, const char *second)
{
    char text[1024];

    snprintf(text, sizeof text,
        BASE "    sites:\n"
             "      a.example: {steer: ams, probe: {%s}}\n"
             "      b.example: {steer: ams, probe: {%s}}\n",
        first, second);
    struct world w = world(text);
    bool is_one = of_origin(&w, "a.example", 0) == of_origin(&w, "b.example", 0);

    assert_int_equal(w.checks->count, is_one ? 2 : 3);
    world_drop(&w);
    return is_one;
}

static void checks_that_differ_in_more_than_interval_and_password_stay_apart(void **)
{
    assert_true(is_shared("", ""));
    assert_true(is_shared("every: 1s", "every: 2s"));
    assert_true(is_shared("port: 80", ""));
    assert_false(is_shared("tcp: yes", "icmp: yes"));
    assert_false(is_shared("port: 81", "port: 82"));
    assert_false(is_shared("timeout: 1s", "timeout: 2s"));
    assert_false(is_shared("rise: 1", "rise: 2"));
    assert_false(is_shared("fall: 1", "fall: 2"));
    assert_false(is_shared("rise: 1, fall: 2", "rise: 2, fall: 1"));
    assert_false(is_shared("http: /", "http: /")); // the origin names no host, so the sites' own
    assert_true(is_shared("ftp: /a", "ftp: /a"));
    assert_false(is_shared("ftp: /a", "ftp: /b"));
    assert_false(is_shared("ftp: , user: a", "ftp: , user: b"));
    assert_true(is_shared("ftp: , user: a, password: a", "ftp: , user: a, password: b"));
    assert_false(is_shared("ftp: , user: ab", "ftp: , user: a, password: b, timeout: 5s"));
}

static void http_checks_are_shared_where_the_origin_names_its_host(void **)
{
    struct world w = world("zone: z.example\n"
                           "pops: {p: {nodes: {n: {address: 192.0.2.1}}}}\n"
                           "customers:\n"
                           "  c:\n"
                           "    origins: {o: {address: \"198.51.100.7:80\", host: o.example}}\n"
                           "    sites:\n"
                           "      a.example: {steer: o, probe: {http: /, every: 3s}}\n"
                           "      b.example: {steer: o, probe: {http: /, every: 2s}}\n"
                           "      c.example: {steer: o, probe: {http: /, expect: 204}}\n"
                           "      d.example: {steer: o, probe: {http: /, match: ok}}\n"
                           "  d:\n"
                           "    origins: {o: {address: \"198.51.100.7:80\", host: o.example}}\n"
                           "    sites: {e.example: {steer: o, probe: {http: /}}}\n");

    assert_ptr_equal(of_origin(&w, "a.example", 0), of_origin(&w, "b.example", 0));
    assert_int_equal(of_origin(&w, "a.example", 0)->every.ns, span_s(2).ns);
    assert_int_equal(w.checks->count, 5);
    world_drop(&w);
}

static void ids_hold_in_every_release(void **)
{
    struct world w = world(BASE "    sites: {b.example: {steer: [nyc, ams]}}\n");
    struct world later = world("network: other\n" BASE "      old: {address: \"203.0.113.10:80\"}\n"
                               "    sites: {a.example: {steer: old}, b.example: {steer: [ams, "
                               "nyc]}}\n");

    assert_int_equal(of_origin(&w, "b.example", 1)->id, of_origin(&later, "b.example", 0)->id);
    assert_int_equal(of_node(&w, "fra1")->id, of_node(&later, "fra1")->id);
    assert_int_equal(of_node(&w, "fra1")->id, UINT64_C(0x06a5ef74da07c1af)); // as on all machines
    world_drop(&w);
    world_drop(&later);
}

static void checks_are_found_by_id_and_only_those(void **state)
{
    const struct checks *checks = ((const struct world *)*state)->checks;

    assert_true(checks->count > 10);
    for (uint32_t i = 0; i < checks->count; i++) {
        assert_int_equal(checks_find(checks, checks->list[i].id), i);
        assert_true(i == 0 || checks->list[i - 1].id < checks->list[i].id);
    }
    assert_int_equal(checks_find(checks, checks->list[3].id + 1), CHECK_NONE);
    assert_int_equal(checks_find(checks, 0), CHECK_NONE);
    assert_int_equal(checks_find(checks, UINT64_MAX), CHECK_NONE);
}

static void strangers_have_no_checks(void **state)
{
    const struct checks *checks = ((const struct world *)*state)->checks;
    struct world w = world(BASE "    sites: {b.example: {steer: [nyc, ams]}}\n");

    assert_int_equal(checks_of_node(checks, network_node(w.network, SLICE("fra1"))), CHECK_NONE);
    assert_int_equal(checks_ftp_of_pop(checks, w.network->pops), CHECK_NONE);
    assert_int_equal(checks_of_origin(checks, w.network->sites[0], 1), CHECK_NONE);
    assert_int_equal(checks_load_of_origin(checks, w.network->sites[0], 0), CHECK_NONE);
    world_drop(&w);
    checks_free(NULL);
}

static void check_name_is(const struct check *check, const char *expected)
{
    char text[CHECK_NAME_MAX];

    assert_string_equal(check_name(check, text), expected);
}

static void names_say_what_is_measured_and_how(void **state)
{
    check_name_is(of_node(*state, "fra1"), "node fra1 http");
    check_name_is(of_node(*state, "fra2"), "node fra2 tcp");
    check_name_is(of_pop(*state, "fra"), "pop fra ftp /probe.txt");
    check_name_is(of_pop(*state, "nyc"), "pop nyc ftp");
    check_name_is(of_origin(*state, "www.acme.example", 0), "origin acme/ams http :8080/health");
    check_name_is(of_origin(*state, "www.acme.example", 1),
        "origin acme/nyc http www.acme.example:8080/health");
    check_name_is(load_of(*state, "echo.acme.example", 0), "origin acme/ams load /load");
    check_name_is(of_origin(*state, "silent.acme.example", 0), "origin acme/ams tcp");
    check_name_is(of_origin(*state, "static.acme.example", 0), "origin acme/ams tcp :8443");
    check_name_is(of_origin(*state, "echo.acme.example", 0), "origin acme/ams icmp");
    check_name_is(of_origin(*state, "greeting.acme.example", 0), "origin acme/nyc ftp");
}

static void names_are_cut_between_characters(void **)
{
    struct check check = { .kind = CHECK_HTTP, .pop = &(struct pop){ .name = SLICE("fra") } };
    char path[400], text[CHECK_NAME_MAX];

    for (size_t ascii = 1; ascii <= 4; ascii++) {
        memset(path, '/', ascii);
        for (size_t i = ascii; i + 3 <= sizeof path; i += 3)
            memcpy(path + i, "\xe2\x82\xac", 3); // a euro sign
        check.path = slice_of(path, sizeof path - 8);
        size_t length = strlen(check_name(&check, text));

        assert_in_range(length, CHECK_NAME_MAX - 4, CHECK_NAME_MAX - 1);
        assert_int_equal((length - strlen("pop fra http ") - ascii) % 3, 0);
    }
}

static void ten_thousand_sites_take_well_under_a_second(void **)
{
    enum { SITES = 10000 };
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    fputs(BASE "    sites:\n", out);
    for (int i = 0; i < SITES; i++)
        fprintf(out, "      s%d.example: {steer: [ams, nyc], probe: {http: /, load: /l}}\n", i);
    fclose(out);
    struct network *network = load(text);
    clock_t start = clock();
    struct world w = world_of(network);

    for (size_t i = 0; i < network->site_count; i++)
        assert_ptr_equal(at(&w, checks_of_origin(w.checks, network->sites[i], 1))->origin,
            network->sites[i]->origins[1]);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;

    assert_int_equal(w.checks->count, 4 * SITES + 1);
    assert_true(seconds < 1);
    world_drop(&w);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_asked_for_its_probe_path_as_the_zone),
        cmocka_unit_test(a_node_without_http_is_measured_where_it_does_listen),
        cmocka_unit_test(the_ftp_of_a_pop_is_measured_where_it_has_one),
        cmocka_unit_test(an_origin_is_asked_as_its_site_says),
        cmocka_unit_test(reserves_are_measured_as_the_others),
        cmocka_unit_test(only_http_is_asked_with_host_tls_and_status),
        cmocka_unit_test(a_load_path_is_a_check_of_its_own),
        cmocka_unit_test(what_is_asked_alike_is_one_check_at_the_shortest_interval),
        cmocka_unit_test(checks_that_differ_in_more_than_interval_and_password_stay_apart),
        cmocka_unit_test(http_checks_are_shared_where_the_origin_names_its_host),
        cmocka_unit_test(ids_hold_in_every_release),
        cmocka_unit_test(checks_are_found_by_id_and_only_those),
        cmocka_unit_test(strangers_have_no_checks),
        cmocka_unit_test(names_say_what_is_measured_and_how),
        cmocka_unit_test(names_are_cut_between_characters),
        cmocka_unit_test(ten_thousand_sites_take_well_under_a_second),
    };

    return cmocka_run_group_tests(tests, measured, measured_drop);
}
