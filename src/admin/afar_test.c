// SPDX-License-Identifier: Apache-2.0
#include "admin/ask_test.h"
#include "admin/attempts.h"
#include "admin/tokens.h"
#include "io/filter.h"
#include "tls/authority_test.h"
#include "tls/client.h"
#include "tls/server.h"

#define TOKEN "0123456789abcdef"

static const struct endpoint AFAR = { { IP_V4, { 127, 0, 0, 1 } }, 8654 };

static bool healthy(struct admin_source *, struct diag *)
{
    return true;
}

static const struct admin_source_ops OPS = { .healthy = healthy };

/* An admin that is asked over TLS, and who trusts it. */
struct place {
    struct bench *bench;
    struct listener *listener;
    struct authority authority;
    struct tls_client *trust;
};

/* A server that proves admin.test; the caller's to give back. */
static struct tls_server *server_of(struct place *p)
{
    char certificate[] = "/tmp/afar-test-cert-XXXXXX", key[] = "/tmp/afar-test-key-XXXXXX";
    const struct tls_certificate shown = {
        .cert_file = slice_text(certificate), .key_file = slice_text(key), .is_default = true
    };
    const struct tls_server_plan plan = { .certificates = &shown, .count = 1 };
    struct tls_server *server = NULL;
    struct tls_verdict verdict;

    close(mkstemp(certificate));
    close(mkstemp(key));
    authority_issue(&p->authority, &(struct claim){ .names = "DNS:admin.test" }, certificate, key);
    assert_int_equal(tls_server_new(&plan, p->authority.now, &server, &verdict, NULL), ERR_NONE);
    assert_int_equal(verdict.fitness, TLS_FITNESS_GOOD);
    unlink(certificate);
    unlink(key);
    return server;
}

static void place_open(struct place *p)
{
    *p = (struct place){ .bench = bench_open(&OPS) };
    authority_init(&p->authority, "ours", loop_wall(p->bench->loop));
    assert_int_equal(tls_client_new(&(struct tls_trust){ .ca_file = slice_text(p->authority.file) },
                         &p->trust, NULL),
        ERR_NONE);
    assert_int_equal(
        listener_open(p->bench->loop, &AFAR, admin_secure_listener(p->bench->admin), &p->listener),
        ERR_NONE);
}

static void place_close(struct place *p)
{
    listener_close(p->listener);
    bench_close(p->bench);
    tls_client_unref(p->trust);
    authority_done(&p->authority);
}

static void admit(struct place *p, const char *token)
{
    static const struct network NOBODY;
    struct tls_server *server = server_of(p);

    admin_admit(p->bench->admin, server, admin_tokens_new(&NOBODY, token));
    tls_server_unref(server);
}

static void begin(struct place *p, struct asker *o, const char *request)
{
    const struct tls_name to = { p->trust, SLICE("admin.test") };

    *o = (struct asker){ .user = { &ASKER_OPS }, .to_send = slice_text(request) };
    text_init(&o->came, 1 << 20);
    o->stream = stream_connect(p->bench->loop, &AFAR, &o->user);
    struct stream_filter *filter = tls_client_filter(&to, p->authority.now);

    stream_filter_set(o->stream, &filter);
    stream_ready(o->stream);
    for (int i = 0; i < 20 && !o->has_ended; i++)
        sim_run_for(p->bench->sim, span_ms(250));
}

/* The status of the answer; 0: there was none. */
static int ask_afar(struct place *p, const char *request, struct asker *o)
{
    struct http_head head = { 0 };

    begin(p, o, request);
    if (o->came.length > 0)
        asker_answer(o, &head);
    return head.status;
}

#define ASK(fields) \
    "GET /healthz HTTP/1.1\r\nHost: admin.test:8654\r\n" fields "Connection: close\r\n\r\n"

static void who_shows_the_token_over_tls_is_answered(void **)
{
    struct place p;
    struct asker o;

    place_open(&p);
    admit(&p, TOKEN);
    assert_int_equal(ask_afar(&p, ASK("Authorization: Bearer " TOKEN "\r\n"), &o), 200);
    asker_done(&o);
    place_close(&p);
}

static void who_shows_none_or_another_is_asked_for_it(void **)
{
    static const char *const REQUESTS[] = { ASK(""),
        ASK("Authorization: Bearer 0123456789abcdeX\r\n"), ASK("Authorization: Basic eDp5\r\n") };
    struct place p;
    struct asker o;

    place_open(&p);
    admit(&p, TOKEN);
    for (size_t i = 0; i < COUNT_OF(REQUESTS); i++) {
        assert_int_equal(ask_afar(&p, REQUESTS[i], &o), 401);
        assert_non_null(strstr(o.came.at, "\r\nWWW-Authenticate: Bearer realm=\"waypost\"\r\n"));
        asker_done(&o);
    }
    place_close(&p);
}

static void who_guesses_is_not_listened_to_for_a_while(void **)
{
    struct place p;
    struct asker o;
    char body[4096];

    place_open(&p);
    admit(&p, TOKEN);
    for (int i = 0; i < 2 * ADMIN_ATTEMPTS_MAX; i++) { // to ask without one is no guess
        assert_int_equal(ask_afar(&p, ASK(""), &o), 401);
        asker_done(&o);
    }
    for (int status = 401, asked = 0; status == 401; asked++) {
        assert_true(asked < 2 * ADMIN_ATTEMPTS_MAX);
        status = ask_afar(&p, ASK("Authorization: Bearer 0123456789abcdeX\r\n"), &o);
        assert_true(status == 401 || (status == 429 && asked >= ADMIN_ATTEMPTS_MAX));
        asker_done(&o);
    }
    assert_int_equal(ask_afar(&p, ASK("Authorization: Bearer " TOKEN "\r\n"), &o), 429);
    assert_non_null(strstr(o.came.at, "\r\nRetry-After: "));
    asker_done(&o);
    assert_int_equal(ask(p.bench, REQUEST("GET /healthz"), body), 200); // here nobody waits
    sim_run_for(p.bench->sim, span_s(6));
    assert_int_equal(ask_afar(&p, ASK("Authorization: Bearer " TOKEN "\r\n"), &o), 200);
    asker_done(&o);
    place_close(&p);
}

static void a_token_that_was_exchanged_holds_from_then_on(void **)
{
    struct place p;
    struct asker o;

    place_open(&p);
    admit(&p, TOKEN);
    admit(&p, "fedcba9876543210");
    assert_int_equal(ask_afar(&p, ASK("Authorization: Bearer " TOKEN "\r\n"), &o), 401);
    asker_done(&o);
    assert_int_equal(ask_afar(&p, ASK("Authorization: Bearer fedcba9876543210\r\n"), &o), 200);
    asker_done(&o);
    place_close(&p);
}

static void nobody_is_admitted_where_nothing_is_shown(void **)
{
    struct place p;
    struct asker o;

    place_open(&p);
    assert_int_equal(ask_afar(&p, ASK("Authorization: Bearer " TOKEN "\r\n"), &o), 0);
    assert_null(o.stream);
    asker_done(&o);
    admit(&p, TOKEN);
    admin_admit(p.bench->admin, NULL, NULL);
    assert_int_equal(ask_afar(&p, ASK("Authorization: Bearer " TOKEN "\r\n"), &o), 0);
    asker_done(&o);
    place_close(&p);
}

static void who_comes_plain_to_loopback_needs_no_token(void **)
{
    struct place p;
    char body[4096];

    place_open(&p);
    admit(&p, TOKEN);
    assert_int_equal(ask(p.bench, REQUEST("GET /healthz"), body), 200);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_shows_the_token_over_tls_is_answered),
        cmocka_unit_test(who_shows_none_or_another_is_asked_for_it),
        cmocka_unit_test(who_guesses_is_not_listened_to_for_a_while),
        cmocka_unit_test(a_token_that_was_exchanged_holds_from_then_on),
        cmocka_unit_test(nobody_is_admitted_where_nothing_is_shown),
        cmocka_unit_test(who_comes_plain_to_loopback_needs_no_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
