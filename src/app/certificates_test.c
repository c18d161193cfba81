// SPDX-License-Identifier: Apache-2.0
#include "app/certificates_test.h"

/* The verdict of the certificate of that name. */
static const struct tls_verdict *verdict_of(const struct place *p, const char *name)
{
    char text[CERTIFICATE_NAME_MAX];

    for (size_t i = 0; i < p->certificates->count; i++)
        if (strcmp(certificate_name(&p->certificates->list[i], text), name) == 0)
            return &p->certificates->verdicts[i];
    fail_msg("there is no certificate of %s", name);
    return NULL;
}

static void each_site_has_its_own_and_all_others_the_default(void **)
{
    struct place p;

    place_open(&p);
    load_with(&p, A, B, "");
    assert_non_null(p.certificates);
    assert_int_equal(p.certificates->count, 2);
    assert_true(tls_server_knows(p.certificates->visitors, SLICE("a.test")));
    assert_true(tls_server_knows(p.certificates->visitors, SLICE("b.test")));
    assert_false(tls_server_knows(p.certificates->visitors, SLICE("c.test")));
    assert_null(p.certificates->admin);
    load_with(&p, A, "", "tls: {default: {cert: %/b.pem, key: %/b.key}}");
    assert_true(tls_server_knows(p.certificates->visitors, SLICE("c.test")));
    assert_int_equal(verdict_of(&p, "default")->fitness, TLS_FITNESS_EXPIRING);
    load_with(&p, "", "", "");
    assert_null(p.certificates->visitors);
    place_close(&p);
}

/* The sites that lack one, by commas. */
static void assert_lacking(const struct place *p, const char *expected)
{
    const struct slice *list = NULL;
    struct arena arena;
    char found[64] = "";

    arena_init(&arena, 4096);
    size_t count = certificates_lacking(p->certificates, &arena, &list);

    for (size_t i = 0; i < count; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s,", SLICE_ARG(list[i]));
    assert_string_equal(found, expected);
    arena_done(&arena);
}

static void sites_that_none_is_for_are_named(void **)
{
    struct place p;

    place_open(&p);
    load_with(&p, "", "", "");
    assert_lacking(&p, "a.test,b.test,");
    load_with(&p, A, "", "");
    assert_lacking(&p, "b.test,");
    load_with(&p, A, "", "tls: {certificates: {one: {cert: %/b.pem, key: %/b.key}}}");
    assert_lacking(&p, "");
    load_with(&p, "", "", "tls: {default: {cert: %/b.pem, key: %/b.key}}");
    assert_lacking(&p, "");
    place_close(&p);
}

static void further_ones_are_for_the_names_in_them(void **)
{
    struct place p;

    place_open(&p);
    load_with(&p, A, "",
        "tls: {certificates: {one: {cert: %/b.pem, key: %/b.key}, two: {cert: %/old.pem, key: "
        "%/old.key}}}");
    assert_int_equal(p.certificates->count, 3);
    assert_true(tls_server_knows(p.certificates->visitors, SLICE("b.test")));
    assert_false(tls_server_knows(p.certificates->visitors, SLICE("c.test")));
    assert_int_equal(verdict_of(&p, "certificates.one")->fitness, TLS_FITNESS_EXPIRING);
    assert_int_equal(verdict_of(&p, "certificates.two")->fitness, TLS_FITNESS_EXPIRED);
    load_with(&p, "", "", "tls: {certificates: {one: {cert: %/b.pem, key: %/b.key}}}");
    assert_non_null(p.certificates->visitors);
    assert_true(network_has_https(p.network));
    place_close(&p);
}

static void one_that_expires_soon_has_expired_or_is_for_another_is_told_and_served(void **)
{
    struct place p;

    place_open(&p);
    load_with(&p, A, B, "");
    assert_int_equal(verdict_of(&p, "a.test")->fitness, TLS_FITNESS_GOOD);
    assert_int_equal(verdict_of(&p, "b.test")->fitness, TLS_FITNESS_EXPIRING);
    assert_int_equal(certificate_days_left(verdict_of(&p, "b.test"), NOW), 13);
    load_with(&p, A, OLD, "");
    assert_non_null(p.certificates);
    assert_int_equal(verdict_of(&p, "b.test")->fitness, TLS_FITNESS_EXPIRED);
    assert_int_equal(certificate_days_left(verdict_of(&p, "b.test"), NOW), -2);
    assert_true(tls_server_knows(p.certificates->visitors, SLICE("b.test")));
    load_with(&p, A, A, "");
    assert_int_equal(verdict_of(&p, "b.test")->fitness, TLS_FITNESS_UNCOVERED);
    place_close(&p);
}

/* The errors of what does not load. */
static const char *error_at(const struct place *p, size_t at)
{
    assert_null(p->certificates);
    assert_in_range(at, 0, p->errors.count - 1);
    return p->errors.list[at].text;
}

static void every_one_that_cannot_be_used_is_an_error_where_it_is_named(void **)
{
    struct place p;

    place_open(&p);
    load_with(
        &p, ", tls: {cert: %/none.pem, key: %/a.key}", ", tls: {cert: %/b.pem, key: %/a.key}", "");
    assert_int_equal(p.errors.count, 2);
    assert_non_null(strstr(error_at(&p, 0), "certificate of a.test: "));
    assert_non_null(strstr(error_at(&p, 0), "/none.pem"));
    assert_int_equal(p.errors.list[0].line, 8);
    assert_string_equal(p.errors.list[0].file, "net.yaml");
    assert_non_null(strstr(error_at(&p, 1), "certificate of b.test: "));
    assert_int_equal(p.errors.list[1].line, 9);
    place_close(&p);
}

static void put(const struct place *p, const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", p->folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void admin_from_afar_takes_a_certificate_and_a_good_token(void **)
{
    static const char ADMIN[] = "admin: {tls: {cert: %/a.pem, key: %/a.key}, token: %/token}";
    struct place p;

    place_open(&p);
    load_with(&p, "", "", ADMIN);
    assert_non_null(strstr(error_at(&p, 0), "token: "));
    put(&p, "token", "short\n");
    load_with(&p, "", "", ADMIN);
    assert_non_null(strstr(error_at(&p, 0), "shorter than 16"));
    put(&p, "token", "0123456789abcdef\n");
    load_with(&p, "", "", ADMIN);
    assert_non_null(p.certificates);
    assert_string_equal(p.certificates->token, "0123456789abcdef");
    assert_non_null(p.certificates->admin);
    assert_null(p.certificates->visitors);
    assert_int_equal(verdict_of(&p, "admin")->fitness, TLS_FITNESS_GOOD);
    place_close(&p);
}

static void ciphers_and_keys_of_tickets_that_are_none_are_errors(void **)
{
    struct place p;

    place_open(&p);
    load_with(&p, A, "", "tls: {ciphers: NONSENSE}");
    assert_non_null(strstr(error_at(&p, 0), "tls: "));
    assert_int_equal(p.errors.list[0].line, 3);
    put(&p, "tickets", "not eighty bytes");
    load_with(&p, A, "", "tls: {tickets: %/tickets}");
    assert_non_null(strstr(error_at(&p, 0), "/tickets"));
    put(&p, "tickets",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    load_with(&p, A, "", "tls: {tickets: %/tickets}");
    assert_non_null(p.certificates);
    place_close(&p);
}

static void what_is_wrong_is_said_with_what_would_be_served(void **)
{
    struct place p;
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    place_open(&p);
    load_with(&p, A, OLD, "");
    certificates_write(p.certificates, NOW, out);
    fclose(out);
    assert_non_null(strstr(text, "certificates: 2\n  a.test  /tmp/"));
    assert_non_null(strstr(text, "a.pem  100 days left\n"));
    assert_non_null(strstr(text, "old.pem  -2 days left  warning: "));
    free(text);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_site_has_its_own_and_all_others_the_default),
        cmocka_unit_test(sites_that_none_is_for_are_named),
        cmocka_unit_test(further_ones_are_for_the_names_in_them),
        cmocka_unit_test(one_that_expires_soon_has_expired_or_is_for_another_is_told_and_served),
        cmocka_unit_test(every_one_that_cannot_be_used_is_an_error_where_it_is_named),
        cmocka_unit_test(admin_from_afar_takes_a_certificate_and_a_good_token),
        cmocka_unit_test(ciphers_and_keys_of_tickets_that_are_none_are_errors),
        cmocka_unit_test(what_is_wrong_is_said_with_what_would_be_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
