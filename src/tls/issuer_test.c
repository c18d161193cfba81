// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls/issuer.h"
#include "tls/server.h"

#define NOW  wall_from_s(INT64_C(1800000000))
#define LIFE span_s(INT64_C(30) * 86400)

struct place {
    char folder[64], ca[80], certificate[80], key[80];
    struct tls_issuer *issuer;
};

static void place_open(struct place *p)
{
    *p = (struct place){ .folder = "/tmp/issuer-test-XXXXXX" };
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->ca, sizeof p->ca, "%s/ca.pem", p->folder);
    snprintf(p->certificate, sizeof p->certificate, "%s/a.pem", p->folder);
    snprintf(p->key, sizeof p->key, "%s/a.key", p->folder);
    assert_int_equal(tls_issuer_new("ours", NOW, LIFE, &p->issuer), ERR_NONE);
}

static void place_close(struct place *p)
{
    tls_issuer_free(p->issuer);
    unlink(p->ca);
    unlink(p->certificate);
    unlink(p->key);
    assert_int_equal(rmdir(p->folder), 0);
}

/* How a server that is to show the certificate for this name finds it. */
static enum tls_fitness fitness(const struct place *p, struct slice name, struct wall now)
{
    const struct tls_certificate shown = { .names = &name,
        .name_count = 1,
        .cert_file = slice_of(p->certificate, strlen(p->certificate)),
        .key_file = slice_of(p->key, strlen(p->key)) };
    const struct tls_server_plan plan = { .certificates = &shown, .count = 1 };
    struct tls_server *server = NULL;
    struct tls_verdict verdict;

    assert_int_equal(tls_server_new(&plan, now, &server, &verdict, NULL), ERR_NONE);
    tls_server_unref(server);
    return verdict.fitness;
}

static void what_is_issued_is_good_for_its_names_and_its_time(void **)
{
    struct place p;

    place_open(&p);
    assert_int_equal(
        tls_issuer_issue(p.issuer, SLICE("a.test,*.b.test"), p.certificate, p.key, NULL), ERR_NONE);
    assert_int_equal(fitness(&p, SLICE("a.test"), NOW), TLS_FITNESS_GOOD);
    assert_int_equal(fitness(&p, SLICE("x.b.test"), NOW), TLS_FITNESS_GOOD);
    assert_int_equal(fitness(&p, SLICE("b.test"), NOW), TLS_FITNESS_UNCOVERED);
    assert_int_equal(
        fitness(&p, SLICE("a.test"), wall_from_s(wall_s(NOW) - 3700)), TLS_FITNESS_EARLY);
    assert_int_equal(
        fitness(&p, SLICE("a.test"), wall_from_s(wall_s(NOW) + 30 * 86400)), TLS_FITNESS_EXPIRED);
    place_close(&p);
}

/* Whether OpenSSL's own command finds so. */
static int verify(const struct place *p)
{
    char command[400];

    snprintf(command, sizeof command,
        "openssl verify -attime 1800000000 -purpose sslserver -verify_hostname a.test "
        "-x509_strict -CAfile %s %s >/dev/null 2>&1",
        p->ca, p->certificate);
    return system(command);
}

static void who_trusts_the_issuer_trusts_what_it_issued_and_nothing_else(void **)
{
    struct place p;
    struct tls_issuer *other;

    place_open(&p);
    assert_int_equal(tls_issuer_write(p.issuer, p.ca, NULL), ERR_NONE);
    assert_int_equal(
        tls_issuer_issue(p.issuer, SLICE("a.test"), p.certificate, p.key, NULL), ERR_NONE);
    assert_int_equal(verify(&p), 0);
    assert_int_equal(tls_issuer_new("ours", NOW, LIFE, &other), ERR_NONE);
    assert_int_equal(
        tls_issuer_issue(other, SLICE("a.test"), p.certificate, p.key, NULL), ERR_NONE);
    assert_int_not_equal(verify(&p), 0);
    tls_issuer_free(other);
    place_close(&p);
}

static void nobody_else_may_read_the_key_even_where_an_old_file_was(void **)
{
    struct place p;
    struct stat about;
    FILE *old;

    place_open(&p);
    old = fopen(p.key, "w");
    assert_non_null(old);
    fclose(old);
    assert_int_equal(chmod(p.key, 0666), 0);
    assert_int_equal(
        tls_issuer_issue(p.issuer, SLICE("a.test"), p.certificate, p.key, NULL), ERR_NONE);
    assert_int_equal(stat(p.key, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    place_close(&p);
}

static void what_cannot_be_made_is_told(void **)
{
    struct place p;
    struct diag why = { 0 };

    place_open(&p);
    assert_int_equal(tls_issuer_issue(p.issuer, SLICE_NONE, p.certificate, p.key, &why), ERR_TLS);
    assert_int_equal(tls_issuer_write(p.issuer, "/nowhere/ca.pem", &why), ERR_SYSTEM);
    assert_string_equal(why.text, "/nowhere/ca.pem cannot be written: No such file or directory");
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_issued_is_good_for_its_names_and_its_time),
        cmocka_unit_test(who_trusts_the_issuer_trusts_what_it_issued_and_nothing_else),
        cmocka_unit_test(nobody_else_may_read_the_key_even_where_an_old_file_was),
        cmocka_unit_test(what_cannot_be_made_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
