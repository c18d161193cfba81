// SPDX-License-Identifier: Apache-2.0
/* What is said of certificates in files, and what is served all the same. */
#include <sys/stat.h>

#include <openssl/ocsp.h>

#include "tls/visitor_test.h"

static const struct claim GOOD = { .names = "DNS:good.test, DNS:*.wild.test" };

static struct visit *one(const struct claim *claim)
{
    struct visit *v = visit_new((void *const[]){ bench_simulated() });

    visit_add(v, "good.test", claim);
    return v;
}

static void expect_verdict(
    const struct visit *v, size_t at, enum tls_fitness fitness, const char *words)
{
    const struct tls_verdict *verdict = &v->verdicts[at];

    assert_int_equal(verdict->fitness, fitness);
    if (strstr(verdict->text, words) == NULL)
        assert_string_equal(verdict->text, words);
    assert_true((verdict->text[0] == '\0') == (fitness == TLS_FITNESS_GOOD));
}

static void a_good_one_is_told_with_its_dates(void **)
{
    struct visit *v = one(&GOOD);

    visit_serve(v);
    expect_verdict(v, 0, TLS_FITNESS_GOOD, "");
    assert_int_equal(wall_s(v->verdicts[0].till), wall_s(v->at) + DAY_S);
    assert_int_equal(wall_s(v->verdicts[0].from), wall_s(v->at) - DAY_S);
    visit_close(v);
}

static void a_later_moment_makes_the_verdict_better_or_worse_with_no_file_read(void **)
{
    const struct claim early = { .names = "DNS:other.test", .from_s = DAY_S, .till_s = 3 * DAY_S };
    struct visit *v = one(&early);
    const struct {
        int at_s;
        enum tls_fitness fitness;
        const char *words;
    } moments[] = {
        { DAY_S - 1, TLS_FITNESS_EARLY, "0.crt is not valid before 20" },
        { DAY_S, TLS_FITNESS_UNCOVERED, "0.crt is not for good.test" },
        { 3 * DAY_S - 1, TLS_FITNESS_UNCOVERED, "0.crt is not for good.test" },
        { 3 * DAY_S, TLS_FITNESS_EXPIRED, "0.crt expired on 20" },
        { 0, TLS_FITNESS_EARLY, "0.crt is not valid before 20" },
    };

    visit_serve(v);
    for (size_t i = 0; i < COUNT_OF(moments); i++) {
        tls_verdict_renew(&v->verdicts[0], wall_from_s(wall_s(v->at) + moments[i].at_s));
        expect_verdict(v, 0, moments[i].fitness, moments[i].words);
    }
    visit_close(v);
}

static void one_whose_time_is_not_now_is_told_and_shown_all_the_same(void **)
{
    static const struct {
        struct claim claim;
        enum tls_fitness fitness;
        const char *words;
    } CASES[] = {
        { { .names = "DNS:good.test", .from_s = -2 * DAY_S, .till_s = -DAY_S }, TLS_FITNESS_EXPIRED,
            "0.crt expired on 20" },
        { { .names = "DNS:good.test", .from_s = DAY_S, .till_s = 2 * DAY_S }, TLS_FITNESS_EARLY,
            "0.crt is not valid before 20" },
        { { .names = "DNS:good.test", .from_s = -DAY_S, .till_s = DAY_S / 3 }, TLS_FITNESS_EXPIRING,
            "0.crt expires on 20" },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct visit *v = one(&CASES[i].claim);

        visit_serve(v);
        expect_verdict(v, 0, CASES[i].fitness, CASES[i].words);
        assert_true(tls_server_knows(v->server, SLICE("good.test")));
        visit_close(v);
    }
}

static void one_that_is_not_for_its_name_is_told(void **)
{
    static const struct {
        const char *name;
        bool is_covered;
    } CASES[] = { { "good.test", true }, { "GOOD.test", true }, { "*.wild.test", true },
        { "a.wild.test", true }, { "a.b.wild.test", false }, { "wild.test", false },
        { "other.test", false }, { "*.good.test", false } };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct visit *v = one(&GOOD);

        v->names[0][1] = slice_text(CASES[i].name);
        v->certificates[0].name_count = 2;
        visit_serve(v);
        expect_verdict(v, 0, CASES[i].is_covered ? TLS_FITNESS_GOOD : TLS_FITNESS_UNCOVERED,
            CASES[i].is_covered ? "" : "0.crt is not for ");
        assert_true(CASES[i].is_covered || strstr(v->verdicts[0].text, CASES[i].name) != NULL);
        visit_close(v);
    }
}

static void write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void spoil_nothing_there(struct visit *v)
{
    unlink(v->files[0][0]);
}

static void spoil_no_key(struct visit *v)
{
    unlink(v->files[0][1]);
}

static void spoil_not_pem(struct visit *v)
{
    write_file(v->files[0][0], "0x30 0x82", 9);
}

static void spoil_key_not_pem(struct visit *v)
{
    write_file(v->files[0][1], "", 0);
}

static void spoil_mixed(struct visit *v)
{
    v->certificates[0].key_file = slice_text(v->files[1][1]);
}

static void spoil_other_kind(struct visit *v)
{
    authority_issue_for(&v->authority, EVP_RSA_gen(2048), &GOOD, v->files[3][0], v->files[0][1]);
}

static void spoil_weak(struct visit *v)
{
    authority_issue_for(&v->authority, EVP_RSA_gen(1024), &GOOD, v->files[0][0], v->files[0][1]);
}

static void spoil_encrypted(struct visit *v)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(v->files[0][1], "w");

    assert_non_null(file);
    PEM_write_PrivateKey(
        file, key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL);
    fclose(file);
    EVP_PKEY_free(key);
}

static void one_that_cannot_be_used_is_named_and_takes_no_other_down(void **)
{
    static const struct {
        void (*spoil)(struct visit *v);
        const char *words;
    } CASES[] = {
        { spoil_nothing_there, "0.crt cannot be read: No such file" },
        { spoil_no_key, "0.key cannot be read: No such file" },
        { spoil_not_pem, "the certificate in /tmp/visit-test-" },
        { spoil_not_pem, "0.crt cannot be used: it holds none in PEM" },
        { spoil_key_not_pem, "0.key cannot be used: it holds none in PEM" },
        { spoil_mixed, "1.key does not belong to the certificate in " },
        { spoil_other_kind, "0.key does not belong to the certificate in " },
        { spoil_weak, "0.crt cannot be used: ee key too small" },
        { spoil_encrypted, "0.key cannot be used: it is encrypted" },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct visit *v = one(&GOOD);

        visit_add(v, "other.test", &(struct claim){ .names = "DNS:other.test" });
        snprintf(v->files[3][0], sizeof v->files[3][0], "%s/unused.crt", v->folder);
        CASES[i].spoil(v);
        visit_serve(v);
        expect_verdict(v, 0, TLS_FITNESS_UNUSABLE, CASES[i].words);
        expect_verdict(v, 1, TLS_FITNESS_GOOD, "");
        assert_false(tls_server_knows(v->server, SLICE("good.test")));
        assert_true(tls_server_knows(v->server, SLICE("other.test")));
        unlink(v->files[3][0]);
        visit_close(v);
    }
}

static void many_names_share_the_same_files_and_the_first_plan_for_a_name_counts(void **state)
{
    struct visit *v = visit_new(state);

    visit_add(v, "good.test", &GOOD);
    visit_add(v, "good.test", &GOOD);
    v->certificates[2] = v->certificates[0];
    v->names[2][0] = SLICE("a.wild.test");
    v->certificates[2].names = v->names[2];
    v->plan.count = 3;
    visit_serve(v);
    for (size_t i = 0; i < 3; i++)
        expect_verdict(v, i, TLS_FITNESS_GOOD, "");
    assert_true(tls_server_knows(v->server, SLICE("a.wild.test")));
    assert_false(tls_server_knows(v->server, SLICE("b.wild.test")));
    visit_start(v, "good.test");
    visit_expect_open(v);
    assert_true(visit_was_shown(v, 0));
    visit_close(v);
}

static void a_key_may_stand_behind_its_certificate(void **)
{
    struct visit *v = one(&GOOD);
    char key[4096];
    FILE *file = fopen(v->files[0][1], "r");
    size_t length = fread(key, 1, sizeof key, file);

    fclose(file);
    file = fopen(v->files[0][0], "a");
    assert_int_equal(fwrite(key, 1, length, file), length);
    fclose(file);
    v->certificates[0].key_file = SLICE_NONE;
    visit_serve(v);
    expect_verdict(v, 0, TLS_FITNESS_GOOD, "");
    visit_close(v);
}

static void ciphers_that_do_not_exist_are_refused(void **)
{
    struct visit *v = one(&GOOD);
    struct diag why = { 0 };

    v->plan.ciphers = SLICE("ROT13");
    assert_int_equal(tls_server_new(&v->plan, v->at, &v->server, v->verdicts, &why), ERR_CONFIG);
    assert_non_null(strstr(why.text, "ROT13"));
    v->plan.ciphers = SLICE("ECDHE-ECDSA-CHACHA20-POLY1305");
    v->plan.suites = SLICE("TLS_NONE_AT_ALL");
    assert_int_equal(tls_server_new(&v->plan, v->at, &v->server, v->verdicts, &why), ERR_CONFIG);
    assert_non_null(strstr(why.text, "TLS_NONE_AT_ALL"));
    assert_null(v->server);
    v->plan.suites = SLICE("TLS_CHACHA20_POLY1305_SHA256");
    visit_serve(v);
    visit_close(v);
}

/* What the authority says of the certificate in the first file, good until `till_s` from now. */
static char *write_response(struct visit *v, int status, int64_t till_s)
{
    static char path[96];
    FILE *file = fopen(v->files[0][0], "r");
    X509 *leaf = PEM_read_X509(file, NULL, NULL, NULL);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), leaf, v->authority.certificate);
    ASN1_TIME *from = ASN1_TIME_adj(NULL, wall_s(v->at) - DAY_S, 0, 0);
    ASN1_TIME *till = ASN1_TIME_adj(NULL, wall_s(v->at) + till_s, 0, 0);
    unsigned char *bytes = NULL;

    fclose(file);
    OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
        status == V_OCSP_CERTSTATUS_REVOKED ? from : NULL, from, till);
    OCSP_basic_sign(
        basic, v->authority.certificate, v->authority.key, EVP_sha256(), NULL, OCSP_NOCERTS);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int length = i2d_OCSP_RESPONSE(response, &bytes);

    snprintf(path, sizeof path, "%s/ocsp", v->folder);
    write_file(path, bytes, (size_t)length);
    OPENSSL_free(bytes);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(till);
    X509_free(leaf);
    return path;
}

/* The length of the OCSP response that the visitor is shown, 0 for none. */
static long response_shown(struct visit *v)
{
    const unsigned char *bytes;

    visit_start(v, "good.test");
    SSL_set_tlsext_status_type(v->near, TLSEXT_STATUSTYPE_ocsp);
    visit_expect_open(v);
    long length = SSL_get_tlsext_status_ocsp_resp(v->near, &bytes);

    visit_again(v);
    return length > 0 ? length : 0;
}

static void an_ocsp_response_is_shown_until_it_is_too_old(void **state)
{
    struct visit *v = visit_new(state);
    struct stat file;

    visit_add(v, "good.test", &GOOD);
    const char *path = write_response(v, V_OCSP_CERTSTATUS_GOOD, 3600);

    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(response_shown((visit_serve(v), v)), 0);
    v->certificates[0].ocsp_file = slice_text(path);
    visit_serve(v);
    expect_verdict(v, 0, TLS_FITNESS_GOOD, "");
    assert_int_equal(response_shown(v), file.st_size);
    v->at.ms += INT64_C(3600) * 1000;
    assert_int_equal(response_shown(v), 0);
    visit_serve(v);
    expect_verdict(v, 0, TLS_FITNESS_UNSTAPLED, "/ocsp cannot be shown: it is too old");
    unlink(path);
    visit_serve(v);
    expect_verdict(v, 0, TLS_FITNESS_UNSTAPLED, "/ocsp cannot be shown: No such file");
    visit_close(v);
}

static void an_ocsp_response_that_does_not_vouch_is_not_shown(void **)
{
    struct visit *v = one(&GOOD);
    const char *path = write_response(v, V_OCSP_CERTSTATUS_REVOKED, 3600);

    v->certificates[0].ocsp_file = slice_text(path);
    visit_serve(v);
    expect_verdict(v, 0, TLS_FITNESS_UNSTAPLED, "does not vouch");
    write_file(path, "no DER", 6);
    visit_serve(v);
    expect_verdict(v, 0, TLS_FITNESS_UNSTAPLED, "no OCSP response");
    write_response(v, V_OCSP_CERTSTATUS_GOOD, 3600);
    visit_add(v, "other.test", &(struct claim){ .names = "DNS:other.test", .is_authority = true });
    v->certificates[1].ocsp_file = slice_text(path);
    visit_serve(v);
    expect_verdict(v, 0, TLS_FITNESS_GOOD, "");
    expect_verdict(v, 1, TLS_FITNESS_UNSTAPLED, "about another certificate");
    unlink(path);
    visit_close(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_is_told_with_its_dates),
        cmocka_unit_test(a_later_moment_makes_the_verdict_better_or_worse_with_no_file_read),
        cmocka_unit_test(one_whose_time_is_not_now_is_told_and_shown_all_the_same),
        cmocka_unit_test(one_that_is_not_for_its_name_is_told),
        cmocka_unit_test(one_that_cannot_be_used_is_named_and_takes_no_other_down),
        ON_BOTH(many_names_share_the_same_files_and_the_first_plan_for_a_name_counts),
        cmocka_unit_test(a_key_may_stand_behind_its_certificate),
        cmocka_unit_test(ciphers_that_do_not_exist_are_refused),
        ON_BOTH(an_ocsp_response_is_shown_until_it_is_too_old),
        cmocka_unit_test(an_ocsp_response_that_does_not_vouch_is_not_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
