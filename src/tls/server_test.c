// SPDX-License-Identifier: Apache-2.0
/* Our server's side of the handshake, met by plain OpenSSL. */
#include <openssl/err.h>

#include "tls/filter_priv.h"
#include "tls/server.h"
#include "tls/visitor_test.h"

static const struct claim GOOD = { .names = "DNS:good.test" };

struct heard {
    const struct talker *talker;
    size_t length;
};

static bool has_heard(void *what)
{
    const struct heard *h = what;

    return h->talker->in_length >= h->length;
}

static void expect(struct visit *v, const struct talker *talker, const char *bytes, size_t length)
{
    struct heard heard = { talker, length };

    assert_true(bench_until(v->pair.bench, has_heard, &heard, WITHIN));
    assert_int_equal(talker->in_length, length);
    assert_memory_equal(talker->in, bytes, length);
}

static uint64_t failures(const struct tls_counts *c)
{
    return c->plain.total + c->unknown_name.total + c->wrong_protocol.total +
           c->wrong_version.total + c->wrong_cipher.total + c->refused.total + c->cut.total +
           c->malformed.total;
}

static void a_visitor_is_greeted_and_served(void **state)
{
    struct visit *v = visit_open(state);

    visit_start(v, "good.test");
    talker_say(&v->pair.near, "GET", 3);
    v->pair.far.is_echo = true;
    expect(v, &v->pair.near, "GET", 3);
    assert_true(slice_equal(tls_filter_name(visit_filter(v)), SLICE("good.test")));
    assert_string_equal(tls_filter_version(visit_filter(v)), "TLSv1.3");
    assert_string_equal(tls_filter_cipher(visit_filter(v)), "TLS_AES_128_GCM_SHA256");
    assert_int_equal(tls_filter_protocol(visit_filter(v)), TLS_PROTOCOL_HTTP_1_1);
    assert_false(tls_filter_is_resumed(visit_filter(v)));
    assert_int_equal(v->counts.greeted_1_3.total, 1);
    assert_int_equal(v->counts.greeted_1_2.total + failures(&v->counts), 0);
    visit_close(v);
}

static void tls_1_2_is_spoken_and_1_1_is_not(void **state)
{
    struct visit *v = visit_open(state);

    visit_start(v, "good.test");
    SSL_set_max_proto_version(v->near, TLS1_2_VERSION);
    visit_expect_open(v);
    assert_string_equal(tls_filter_version(visit_filter(v)), "TLSv1.2");
    assert_string_equal(tls_filter_cipher(visit_filter(v)), "ECDHE-ECDSA-AES128-GCM-SHA256");
    assert_int_equal(v->counts.greeted_1_2.total, 1);
    visit_again(v);
    visit_start(v, "good.test");
    SSL_set_security_level(v->near, 0);
    SSL_set_min_proto_version(v->near, TLS1_VERSION);
    SSL_set_max_proto_version(v->near, TLS1_1_VERSION);
    visit_expect_refused(v, "alert protocol version");
    assert_int_equal(v->counts.wrong_version.total, 1);
    visit_close(v);
}

static void tls_1_3_alone_is_spoken_where_the_plan_says_so(void **state)
{
    struct visit *v = visit_new(state);

    visit_add(v, "good.test", &GOOD);
    v->plan.least = TLS_VERSION_1_3;
    visit_serve(v);
    visit_start(v, "good.test");
    SSL_set_max_proto_version(v->near, TLS1_2_VERSION);
    visit_expect_refused(v, "alert protocol version");
    visit_again(v);
    visit_start(v, "good.test");
    visit_expect_open(v);
    visit_close(v);
}

static void the_name_chooses_the_certificate(void **state)
{
    static const struct {
        const char *name;
        size_t shown;
    } CASES[] = { { "good.test", 0 }, { "GOOD.test", 0 }, { "a.wild.test", 1 },
        { "named.wild.test", 2 }, { "a.b.wild.test", 3 }, { "wild.test", 3 }, { "unknown.test", 3 },
        { NULL, 3 } };
    struct visit *v = visit_new(state);

    visit_add(v, "Good.test", &GOOD);
    visit_add(v, "*.wild.test", &(struct claim){ .names = "DNS:*.wild.test" });
    visit_add(v, "named.wild.test", &(struct claim){ .names = "DNS:named.wild.test" });
    visit_add(v, "rest.test", &(struct claim){ .names = "DNS:rest.test" })->is_default = true;
    visit_serve(v);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        visit_start(v, CASES[i].name);
        visit_expect_open(v);
        assert_true(visit_was_shown(v, CASES[i].shown));
        visit_again(v);
    }
    visit_close(v);
}

static void an_unknown_name_is_refused_where_there_is_no_default(void **state)
{
    static const char *const NAMES[] = { "unknown.test", "sub.good.test", NULL };
    struct visit *v = visit_open(state);

    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        visit_start(v, NAMES[i]);
        visit_expect_refused(v, "unrecognized name");
        visit_again(v);
    }
    assert_int_equal(v->counts.unknown_name.total, COUNT_OF(NAMES));
    assert_true(tls_server_knows(v->server, SLICE("Good.test")));
    assert_false(tls_server_knows(v->server, SLICE("unknown.test")));
    visit_close(v);
}

static void keys_of_rsa_serve_as_well(void **state)
{
    struct visit *v = visit_new(state);

    visit_add_key(v, "good.test", &GOOD, EVP_RSA_gen(2048));
    visit_serve(v);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        visit_start(v, "good.test");
        SSL_set_max_proto_version(v->near, version);
        visit_expect_open(v);
        visit_again(v);
    }
    visit_close(v);
}

/* The visitor knows these signature algorithms, and is shown that certificate. They are not const,
 * which OpenSSL's macro would cast away. */
static void knowing(struct visit *v, const char *name, char *algorithms, int version, size_t shown)
{
    visit_start(v, name);
    SSL_set_max_proto_version(v->near, version);
    assert_int_equal(SSL_set1_sigalgs_list(v->near, algorithms), 1);
    visit_expect_open(v);
    assert_true(visit_was_shown(v, shown));
    visit_again(v);
}

static void of_two_kinds_of_keys_the_visitor_is_shown_the_one_it_knows(void **state)
{
    char ec[] = "ECDSA+SHA256", rsa[] = "rsa_pss_rsae_sha256:RSA+SHA256",
         both[] = "rsa_pss_rsae_sha256:RSA+SHA256:ECDSA+SHA256";
    struct visit *v = visit_new(state);

    visit_add(v, "good.test", &GOOD);
    visit_add_key(v, "good.test", &GOOD, EVP_RSA_gen(2048));
    visit_add(v, "a.wild.test", &(struct claim){ .names = "DNS:a.wild.test" });
    visit_add_key(
        v, "*.wild.test", &(struct claim){ .names = "DNS:*.wild.test" }, EVP_RSA_gen(2048));
    visit_serve(v);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        knowing(v, "good.test", ec, version, 0);
        knowing(v, "good.test", rsa, version, 1);
        knowing(v, "good.test", both, version, 0);
        knowing(v, "a.wild.test", ec, version, 2);
        knowing(v, "a.wild.test", rsa, version, 3);
        knowing(v, "b.wild.test", both, version, 3);
    }
    visit_start(v, "b.wild.test");
    SSL_set1_sigalgs_list(v->near, ec);
    visit_expect_refused(v, "handshake failure");
    assert_int_equal(v->counts.wrong_cipher.total, 1);
    visit_close(v);
}

static void a_certificate_may_be_for_all_names_in_it(void **state)
{
    static const struct {
        const char *name;
        size_t shown;
    } CASES[] = { { "a.test", 1 }, { "X.b.test", 1 }, { "good.test", 0 } };
    struct visit *v = visit_new(state);

    visit_add(v, "good.test", &GOOD);
    visit_add(
        v, "", &(struct claim){ .names = "DNS:A.test, IP:192.0.2.1, DNS:*.b.test, DNS:good.test" })
        ->has_own_names = true;
    visit_add(v, "", &(struct claim){ .names = "IP:192.0.2.1" })->has_own_names = true;
    v->certificates[1].name_count = v->certificates[2].name_count = 0;
    visit_serve(v);
    assert_int_equal(v->verdicts[1].fitness, TLS_FITNESS_GOOD);
    assert_int_equal(v->verdicts[2].fitness, TLS_FITNESS_UNCOVERED);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        visit_start(v, CASES[i].name);
        visit_expect_open(v);
        assert_true(visit_was_shown(v, CASES[i].shown));
        visit_again(v);
    }
    assert_false(tls_server_knows(v->server, SLICE("x.y.b.test")));
    assert_false(tls_server_knows(v->server, SLICE("192.0.2.1")));
    visit_close(v);
}

/* Offers these by ALPN and expects to be told `chosen`; NULL: to be refused. */
static void offer(struct visit *v, const char *list, bool has_h2, const char *chosen)
{
    const unsigned char *told;
    unsigned length;

    v->has_h2 = has_h2;
    visit_start(v, "good.test");
    SSL_set_alpn_protos(v->near, (const unsigned char *)list, (unsigned)strlen(list));
    if (chosen == NULL) {
        visit_expect_refused(v, "no application protocol");
    } else {
        visit_expect_open(v);
        SSL_get0_alpn_selected(v->near, &told, &length);
        assert_int_equal(length, strlen(chosen));
        assert_memory_equal(told, chosen, length);
        assert_int_equal(tls_filter_protocol(visit_filter(v)),
            strcmp(chosen, "h2") == 0 ? TLS_PROTOCOL_HTTP_2 : TLS_PROTOCOL_HTTP_1_1);
    }
    visit_again(v);
}

static void the_protocol_is_agreed_on_or_the_visitor_refused(void **state)
{
    struct visit *v = visit_open(state);

    offer(v, "\x08http/1.1\x02h2", true, "h2");
    offer(v, "\x08http/1.1\x02h2", false, "http/1.1");
    offer(v, "\x08http/1.1", true, "http/1.1");
    offer(v, "\x02h2", false, NULL);
    offer(v, "\x06spdy/3", true, NULL);
    assert_int_equal(v->counts.wrong_protocol.total, 2);
    assert_int_equal(v->counts.greeted_h2.total, 1);
    visit_close(v);
}

static void who_speaks_plain_is_answered_in_plain(void **state)
{
    static const char *const METHODS[] = { "GET / HTTP/1.1\r\nHost: good.test\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\n\r\n" };
    struct visit *v = visit_open(state);
    struct endpoint at = listener_at(v->pair.host.listener);

    for (size_t i = 0; i < COUNT_OF(METHODS); i++) {
        v->pair.near.stream = stream_connect(v->pair.bench->loop, &at, &v->pair.near.user);
        talker_say(&v->pair.near, METHODS[i], strlen(METHODS[i]));
        expect(v, &v->pair.near, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
        assert_true(v->pair.far.is_closed && !v->pair.far.is_open);
        visit_again(v);
    }
    assert_int_equal(v->counts.plain.total, COUNT_OF(METHODS));
    visit_close(v);
}

/* Visits again with the ticket that was kept; true when that shortened the handshake. */
static bool is_resumed(struct visit *v, const char *name)
{
    visit_again(v);
    visit_start(v, name);
    SSL_set_session(v->near, v->ticket);
    visit_expect_open(v);
    bool is = tls_filter_is_resumed(visit_filter(v));

    assert_int_equal(SSL_session_reused(v->near), is);
    return is;
}

static void a_ticket_is_good_on_another_worker_and_after_a_reload(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct visit *v = visit_open(state);

        SSL_CTX_set_max_proto_version(v->visitor->ssl, version);
        visit_start(v, "good.test");
        visit_expect_open(v);
        visit_keep_ticket(v);
        listener_close(v->pair.host.listener);
        host_open(&v->pair.host, v->pair.bench->loops[2], 1, &v->pair.far, 1);
        v->pair.host.user.accept = visit_accept;
        assert_true(is_resumed(v, "good.test"));
        assert_true(slice_equal(tls_filter_name(visit_filter(v)), SLICE("good.test")));
        visit_keep_ticket(v);
        visit_serve(v);
        assert_true(is_resumed(v, "good.test"));
        assert_int_equal(v->counts.resumed.total, 2);
        visit_close(v);
    }
}

static void a_ticket_outlives_two_changes_of_keys_and_not_three(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct visit *v = visit_open(state);
        SSL_SESSION *first;

        SSL_CTX_set_max_proto_version(v->visitor->ssl, version);
        visit_start(v, "good.test");
        visit_expect_open(v);
        visit_keep_ticket(v);
        first = v->ticket;
        SSL_SESSION_up_ref(first);
        for (int life = 1; life <= 3; life++) {
            v->at.ms += TLS_TICKET_KEY_LIFE.ns / 1000000;
            SSL_SESSION_free(v->ticket);
            v->ticket = first;
            SSL_SESSION_up_ref(first);
            assert_int_equal(is_resumed(v, "good.test"), life < 3);
            visit_keep_ticket(v); // a new one was given for the old
            assert_true(is_resumed(v, "good.test"));
        }
        SSL_SESSION_free(first);
        visit_close(v);
    }
}

static void a_ticket_is_not_taken_by_another_certificate(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct visit *v = visit_new(state);

        visit_add(v, "good.test", &GOOD);
        visit_add(v, "other.test", &(struct claim){ .names = "DNS:other.test" });
        visit_serve(v);
        SSL_CTX_set_max_proto_version(v->visitor->ssl, version);
        visit_start(v, "good.test");
        visit_expect_open(v);
        visit_keep_ticket(v);
        assert_false(is_resumed(v, "other.test"));
        assert_true(visit_was_shown(v, 1));
        visit_close(v);
    }
}

static void without_keys_nobody_resumes(void **state)
{
    struct visit *v = visit_new(state);

    visit_add(v, "good.test", &GOOD);
    tls_tickets_unref(v->plan.tickets);
    v->plan.tickets = NULL;
    visit_serve(v);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        visit_start(v, "good.test");
        SSL_set_max_proto_version(v->near, version);
        visit_expect_open(v);
        visit_keep_ticket(v);
        assert_int_equal(SSL_SESSION_has_ticket(v->ticket), 0);
        assert_false(is_resumed(v, "good.test"));
        visit_again(v);
    }
    visit_close(v);
}

static void a_connection_outlives_its_server(void **state)
{
    struct visit *v = visit_open(state);

    visit_start(v, "good.test");
    visit_expect_open(v);
    tls_server_unref(v->server);
    v->server = NULL;
    v->pair.far.is_echo = true;
    talker_say(&v->pair.near, "still", 5);
    expect(v, &v->pair.near, "still", 5);
    visit_close(v);
}

static void one_that_refuses_our_certificate_is_counted_as_such(void **state)
{
    struct visit *v = visit_new(state);

    visit_add(v, "good.test", &(struct claim){ .names = "DNS:good.test", .is_self_signed = true });
    visit_serve(v);
    visit_start(v, "good.test");
    SSL_set_max_proto_version(v->near, TLS1_2_VERSION);
    visit_expect_refused(v, "certificate");
    assert_int_equal(v->counts.refused.total, 1);
    visit_close(v);
}

static void a_visitor_of_no_common_cipher_is_refused(void **state)
{
    struct visit *v = visit_open(state);

    visit_start(v, "good.test");
    SSL_set_max_proto_version(v->near, TLS1_2_VERSION);
    SSL_set_cipher_list(v->near, "AES256-SHA");
    visit_expect_refused(v, "handshake failure");
    assert_int_equal(v->counts.wrong_cipher.total, 1);
    visit_close(v);
}

static void renegotiation_is_refused(void **state)
{
    struct visit *v = visit_open(state);

    visit_start(v, "good.test");
    SSL_set_max_proto_version(v->near, TLS1_2_VERSION);
    SSL_clear_options(v->near, SSL_OP_NO_RENEGOTIATION);
    visit_expect_open(v);
    assert_int_equal(SSL_renegotiate(v->near), 1);
    ERR_clear_error();
    talker_say(&v->pair.near, "more", 4);
    bench_settle(v->pair.bench);
    assert_int_equal(v->counts.greeted_1_2.total, 1);
    assert_int_equal(v->pair.far.in_length, 0);
    assert_true(v->pair.near.is_closed || v->pair.near.has_ended);
    visit_close(v);
}

static void new_keys_asked_for_without_end_end_the_connection(void **state)
{
    enum { ASKED_MAX = 200000 };
    struct visit *v = visit_open(state);
    size_t asked = 0;

    visit_start(v, "good.test");
    visit_expect_open(v);
    stream_pause(v->pair.near.stream); // it asks and never reads
    while (!v->pair.far.is_closed && asked < ASKED_MAX) {
        for (size_t i = 0; i < 1000; i++)
            asked += SSL_key_update(v->near, SSL_KEY_UPDATE_REQUESTED) == 1 &&
                     SSL_do_handshake(v->near) == 1;
        talker_say(&v->pair.near, "x", 1);
        bench_settle(v->pair.bench);
    }
    assert_true(v->pair.far.is_closed);
    assert_int_equal(v->pair.far.why, ERR_LIMIT);
    visit_close(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_visitor_is_greeted_and_served),
        ON_BOTH(tls_1_2_is_spoken_and_1_1_is_not),
        ON_BOTH(tls_1_3_alone_is_spoken_where_the_plan_says_so),
        ON_BOTH(the_name_chooses_the_certificate),
        ON_BOTH(an_unknown_name_is_refused_where_there_is_no_default),
        ON_BOTH(keys_of_rsa_serve_as_well),
        ON_BOTH(of_two_kinds_of_keys_the_visitor_is_shown_the_one_it_knows),
        ON_BOTH(a_certificate_may_be_for_all_names_in_it),
        ON_BOTH(the_protocol_is_agreed_on_or_the_visitor_refused),
        ON_BOTH(who_speaks_plain_is_answered_in_plain),
        ON_BOTH(a_ticket_is_good_on_another_worker_and_after_a_reload),
        ON_BOTH(a_ticket_outlives_two_changes_of_keys_and_not_three),
        ON_BOTH(a_ticket_is_not_taken_by_another_certificate),
        ON_BOTH(without_keys_nobody_resumes),
        ON_BOTH(a_connection_outlives_its_server),
        ON_BOTH(one_that_refuses_our_certificate_is_counted_as_such),
        ON_BOTH(a_visitor_of_no_common_cipher_is_refused),
        ON_BOTH(renegotiation_is_refused),
        { "new_keys_asked_for_without_end_end_the_connection",
            new_keys_asked_for_without_end_end_the_connection, NULL, NULL, SIMULATED },
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
