// SPDX-License-Identifier: Apache-2.0
/* Both sides are real: our client, and a server made of the same filter and OpenSSL's settings. */
#include <assert.h>
#include <string.h>

#include "io/pair_test.h"
#include "tls/authority_test.h"
#include "tls/client.h"

enum { BIG = 5 * 1024 * 1024, HUGE_BODY = 8 * BIG };

/* A bench, an authority, and what is accepted is greeted by `server` (NULL: spoken to in plain). */
struct meeting {
    struct pair pair;
    struct authority authority;
    struct tls_context *server;
    struct tls_client *client;
    SSL *far; // the accepted connection's
};

static struct stream_user *accept_tls(struct listener_user *user, struct stream *stream)
{
    struct host *h = container_of(user, struct host, user);
    struct meeting *m = container_of(container_of(h, struct pair, host), struct meeting, pair);

    if (m->server != NULL)
        m->far = server_filter(m->server, stream);
    return host_accept(user, stream);
}

static struct meeting *meeting_open(void *const *state, const struct claim *claim)
{
    struct meeting *m = mem_new(struct meeting);
    struct diag why;

    pair_init(&m->pair, bench_open(state));
    m->pair.host.user.accept = accept_tls;
    authority_init(&m->authority, "ours", loop_wall(m->pair.bench->loop));
    if (claim != NULL)
        m->server = server_new(&m->authority, claim);
    assert_int_equal(tls_client_new(slice_text(m->authority.file), &m->client, &why), ERR_NONE);
    return m;
}

static void meeting_close(struct meeting *m)
{
    struct pair pair = m->pair;

    tls_client_unref(m->client); // before its connections
    if (m->server != NULL)
        tls_context_unref(m->server);
    authority_done(&m->authority);
    bench_close(pair.bench);
    talker_done(&m->pair.near);
    talker_done(&m->pair.far);
    mem_free(m);
}

static void start(struct meeting *m, const char *name)
{
    struct endpoint at = listener_at(m->pair.host.listener);
    const struct tls_name to = { m->client, slice_text(name) };
    struct stream_filter *filter = tls_client_filter(&to, loop_wall(m->pair.bench->loop));

    m->pair.near.stream = stream_connect(m->pair.bench->loop, &at, &m->pair.near.user);
    stream_filter_set(m->pair.near.stream, &filter);
    assert_null(filter);
}

static const struct claim GOOD = { .names = "DNS:good.test, IP:127.0.0.1" };

static bool are_both_open(void *what)
{
    const struct meeting *m = what;

    return m->pair.near.is_open && m->pair.far.is_open;
}

/* A good server and a client that are through with each other's greeting. */
static struct meeting *meeting_good(void *const *state)
{
    struct meeting *m = meeting_open(state, &GOOD);

    start(m, "good.test");
    assert_true(bench_until(m->pair.bench, are_both_open, m, WITHIN));
    return m;
}

struct heard {
    const struct talker *talker;
    size_t length;
};

static bool has_heard(void *what)
{
    const struct heard *h = what;

    return h->talker->in_length >= h->length;
}

static void expect(struct meeting *m, const struct talker *talker, const char *bytes, size_t length)
{
    struct heard heard = { talker, length };

    assert_true(bench_until(m->pair.bench, has_heard, &heard, WITHIN));
    assert_int_equal(talker->in_length, length);
    assert_memory_equal(talker->in, bytes, length);
}

static bool is_over(void *what)
{
    const struct talker *t = what;

    return t->is_closed || t->has_ended;
}

static void what_is_sent_comes_and_comes_back(void **state)
{
    struct meeting *m = meeting_open(state, &GOOD);

    m->pair.far.is_echo = true;
    start(m, "good.test");
    talker_say(&m->pair.near, "hello", 5); // waits for the greeting
    expect(m, &m->pair.far, "hello", 5);
    expect(m, &m->pair.near, "hello", 5);
    assert_true(m->pair.near.is_open && m->pair.far.is_open);
    assert_true(stream_is_idle(m->pair.near.stream));
    meeting_close(m);
}

static void a_large_body_comes_whole_both_ways(void **state)
{
    struct meeting *m = meeting_good(state);
    char *bytes = pattern(BIG);

    m->pair.far.is_echo = true;
    m->pair.near.out_max = 300000;
    talker_say(&m->pair.near, bytes, BIG);
    expect(m, &m->pair.far, bytes, BIG);
    expect(m, &m->pair.near, bytes, BIG);
    assert_int_equal(m->pair.near.out_at, BIG);
    meeting_close(m);
    mem_free(bytes);
}

static void ten_thousand_small_messages_keep_their_order(void **state)
{
    enum { MESSAGES = 10000, LENGTH = 9, ALL = MESSAGES * LENGTH };
    struct meeting *m = meeting_good(state);
    char *bytes = pattern(ALL);

    for (size_t i = 0; i < MESSAGES; i++) {
        m->pair.near.out = bytes;
        m->pair.near.out_length = (i + 1) * (size_t)LENGTH;
        stream_ready(m->pair.near.stream);
        loop_turn(m->pair.bench->loop, (struct span){ 0 });
    }
    expect(m, &m->pair.far, bytes, ALL);
    meeting_close(m);
    mem_free(bytes);
}

static void pause_in_the_call(struct talker *t)
{
    stream_pause(t->stream);
}

static size_t sealed_waiting(const struct stream *stream)
{
    const struct stream_filter *filter = stream_filter(stream);

    return filter->ops->sealed(filter).length;
}

static void a_slow_reader_holds_the_writer_not_memory(void **state)
{
    struct meeting *m = meeting_good(state);
    char *bytes = pattern(HUGE_BODY);

    m->pair.far.heard = pause_in_the_call;
    talker_say(&m->pair.near, bytes, HUGE_BODY);
    bench_settle(m->pair.bench);
    size_t went = m->pair.near.out_at;

    assert_true(went < HUGE_BODY);
    assert_true(m->pair.far.in_length <= STREAM_READ_MAX);
    assert_in_range(sealed_waiting(m->pair.near.stream), 1, STREAM_SEALED_MAX + 4096);
    bench_settle(m->pair.bench);
    assert_int_equal(m->pair.near.out_at, went);
    m->pair.far.heard = NULL;
    stream_resume(m->pair.far.stream);
    expect(m, &m->pair.far, bytes, HUGE_BODY);
    assert_int_equal(sealed_waiting(m->pair.near.stream), 0);
    meeting_close(m);
    mem_free(bytes);
}

static void what_is_not_taken_comes_again_before_the_rest(void **state)
{
    struct meeting *m = meeting_good(state);

    m->pair.far.takes_nothing = true;
    talker_say(&m->pair.near, "par", 3);
    bench_settle(m->pair.bench);
    assert_int_equal(m->pair.far.in_length, 0);
    assert_false(stream_is_idle(m->pair.far.stream));
    m->pair.far.takes_nothing = false;
    talker_say(&m->pair.near, "tial", 4);
    expect(m, &m->pair.far, "partial", 7);
    meeting_close(m);
}

static void who_pauses_while_greeting_is_greeted_and_hears_later(void **state)
{
    struct meeting *m = meeting_open(state, &GOOD);

    start(m, "good.test");
    stream_pause(m->pair.near.stream);
    assert_true(bench_until(m->pair.bench, are_both_open, m, WITHIN));
    talker_say(&m->pair.far, "patience", 8);
    bench_settle(m->pair.bench);
    assert_int_equal(m->pair.near.in_length, 0);
    stream_resume(m->pair.near.stream);
    expect(m, &m->pair.near, "patience", 8);
    meeting_close(m);
}

/* Meets `server` and expects that the client refuses it, with words that say why. */
static void refuses(void *const *state, const struct claim *claim, const char *name, enum err err,
    const char *words)
{
    struct meeting *m = meeting_open(state, claim);

    start(m, name);
    talker_say(&m->pair.near, "secret", 6);
    assert_true(bench_until(m->pair.bench, is_over, &m->pair.near, WITHIN));
    assert_false(m->pair.near.is_open);
    assert_int_equal(m->pair.near.why, err);
    assert_non_null(strstr(m->pair.near.words, words));
    // The other side learns that it was refused, and never what was to be said.
    assert_true(bench_until(m->pair.bench, is_over, &m->pair.far, WITHIN));
    assert_int_equal(m->pair.far.in_length, 0);
    assert_int_equal(m->pair.far.why, ERR_TLS);
    assert_non_null(strstr(m->pair.far.words, "alert"));
    meeting_close(m);
}

static void an_expired_certificate_is_refused(void **state)
{
    refuses(state,
        &(struct claim){ .names = "DNS:good.test", .from_s = -2 * DAY_S, .till_s = -DAY_S },
        "good.test", ERR_CERT_TIME, "certificate of good.test: certificate has expired");
}

static void one_that_is_not_valid_yet_is_refused(void **state)
{
    refuses(state,
        &(struct claim){ .names = "DNS:good.test", .from_s = DAY_S, .till_s = 2 * DAY_S },
        "good.test", ERR_CERT_TIME, "not yet valid");
}

static void one_for_another_name_is_refused(void **state)
{
    refuses(state, &GOOD, "other.test", ERR_CERT_NAME, "other.test: hostname mismatch");
}

static void one_for_another_address_is_refused(void **state)
{
    refuses(state, &GOOD, "127.0.0.9", ERR_CERT_NAME, "127.0.0.9: IP address mismatch");
}

static void one_that_vouches_for_itself_is_refused(void **state)
{
    refuses(state, &(struct claim){ .names = "DNS:good.test", .is_self_signed = true }, "good.test",
        ERR_CERT_AUTHORITY, "self-signed");
}

static void one_of_another_authority_is_refused_whatever_that_calls_itself(void **state)
{
    static const char *const NAMES[] = { "another", "ours" };

    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        struct meeting *m = meeting_open(state, NULL);
        struct authority stranger;

        authority_init(&stranger, NAMES[i], m->authority.now);
        m->server = server_new(&stranger, &GOOD);
        start(m, "good.test");
        assert_true(bench_until(m->pair.bench, is_over, &m->pair.near, WITHIN));
        assert_int_equal(m->pair.near.why, ERR_CERT_AUTHORITY);
        authority_done(&stranger);
        meeting_close(m);
    }
}

static void an_address_can_be_proven_too_and_is_not_told_as_a_name(void **state)
{
    struct meeting *m = meeting_open(state, &GOOD);

    start(m, "127.0.0.1");
    assert_true(bench_until(m->pair.bench, are_both_open, m, WITHIN));
    assert_null(SSL_get_servername(m->far, TLSEXT_NAMETYPE_host_name));
    meeting_close(m);
}

static void the_name_is_told_and_http_1_1_is_spoken(void **state)
{
    struct meeting *m = meeting_good(state);
    const unsigned char *chosen;
    unsigned length;

    assert_string_equal(SSL_get_servername(m->far, TLSEXT_NAMETYPE_host_name), "good.test");
    SSL_get0_alpn_selected(m->far, &chosen, &length);
    assert_int_equal(length, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    meeting_close(m);
}

static void tls_1_2_is_spoken_and_1_1_is_not(void **state)
{
    struct meeting *m = meeting_open(state, &GOOD);

    SSL_CTX_set_max_proto_version(m->server->ssl, TLS1_2_VERSION);
    start(m, "good.test");
    m->pair.far.is_echo = true;
    talker_say(&m->pair.near, "hello", 5);
    expect(m, &m->pair.near, "hello", 5);
    assert_int_equal(SSL_version(m->far), TLS1_2_VERSION);
    assert_true(stream_is_idle(m->pair.near.stream));
    meeting_close(m);

    m = meeting_open(state, &GOOD);
    SSL_CTX_set_min_proto_version(m->server->ssl, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(m->server->ssl, TLS1_1_VERSION);
    SSL_CTX_set_security_level(m->server->ssl, 0);
    start(m, "good.test");
    assert_true(bench_until(m->pair.bench, is_over, &m->pair.near, WITHIN));
    assert_int_equal(m->pair.near.why, ERR_TLS);
    assert_non_null(strstr(m->pair.near.words, "protocol"));
    meeting_close(m);
}

static void a_server_that_speaks_plain_is_refused(void **state)
{
    struct meeting *m = meeting_open(state, NULL);

    start(m, "good.test");
    assert_true(bench_until(m->pair.bench, has_heard, &(struct heard){ &m->pair.far, 1 }, WITHIN));
    talker_say(&m->pair.far, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    assert_true(bench_until(m->pair.bench, is_over, &m->pair.near, WITHIN));
    assert_int_equal(m->pair.near.why, ERR_TLS);
    assert_non_null(strstr(m->pair.near.words, "wrong version number"));
    meeting_close(m);
}

static void a_greeting_that_is_cut_is_told_as_such(void **state)
{
    for (int reset = 0; reset < 2; reset++) {
        struct meeting *m = meeting_open(state, NULL);

        start(m, "good.test");
        assert_true(
            bench_until(m->pair.bench, has_heard, &(struct heard){ &m->pair.far, 1 }, WITHIN));
        assert_false(m->pair.near.is_open);
        stream_close(m->pair.far.stream, reset == 1);
        assert_true(bench_until(m->pair.bench, is_over, &m->pair.near, WITHIN));
        assert_true(m->pair.near.is_closed && !m->pair.near.has_ended);
        assert_int_equal(m->pair.near.why, reset == 1 ? ERR_RESET : ERR_CLOSED);
        meeting_close(m);
    }
}

static void an_end_is_told_and_one_can_still_send(void **state)
{
    struct meeting *m = meeting_good(state);
    char *bytes = pattern(BIG);

    talker_say(&m->pair.far, bytes, BIG);
    stream_finish(m->pair.far.stream);
    assert_true(bench_until(m->pair.bench, is_over, &m->pair.near, WITHIN));
    assert_true(m->pair.near.has_ended && !m->pair.near.is_closed);
    expect(m, &m->pair.near, bytes, BIG);
    assert_false(stream_is_idle(m->pair.near.stream));
    talker_say(&m->pair.near, "late", 4);
    expect(m, &m->pair.far, "late", 4);
    meeting_close(m);
    mem_free(bytes);
}

static void a_close_ends_in_good_order_and_a_reset_does_not(void **state)
{
    for (int reset = 0; reset < 2; reset++) {
        struct meeting *m = meeting_good(state);

        m->pair.far.has_left = true;
        stream_close(m->pair.far.stream, reset == 1);
        assert_true(bench_until(m->pair.bench, is_over, &m->pair.near, WITHIN));
        assert_true(m->pair.near.has_ended == (reset == 0));
        assert_int_equal(m->pair.near.why, reset == 1 ? ERR_RESET : ERR_NONE);
        meeting_close(m);
    }
}

static void a_connection_that_ends_without_a_word_was_cut(void **state)
{
    struct meeting *m = meeting_good(state);

    SSL_set_quiet_shutdown(m->far, 1); // it goes without close_notify
    talker_say(&m->pair.far, "half of it", 10);
    stream_finish(m->pair.far.stream);
    assert_true(bench_until(m->pair.bench, is_over, &m->pair.near, WITHIN));
    expect(m, &m->pair.near, "half of it", 10); // what came is handed over, but no end
    assert_true(m->pair.near.is_closed && !m->pair.near.has_ended);
    assert_int_equal(m->pair.near.why, ERR_CLOSED);
    assert_string_equal(m->pair.near.words, "closed without a TLS end");
    meeting_close(m);
}

static void bytes_that_were_tampered_with_end_the_stream(void **state)
{
    struct meeting *m = meeting_good(state);
    static const char FORGED[] = "\x17\x03\x03\x00\x20 thirty-two bytes of no good key";
    BIO *below = SSL_get_wbio(m->far);

    assert_int_equal(BIO_write(below, FORGED, 37), 37);
    talker_say(&m->pair.far, "true", 4);
    assert_true(bench_until(m->pair.bench, is_over, &m->pair.near, WITHIN));
    assert_int_equal(m->pair.near.why, ERR_TLS);
    assert_int_equal(m->pair.near.in_length, 0);
    meeting_close(m);
}

static void a_new_key_may_be_asked_for_while_nothing_is_sent(void **state)
{
    struct meeting *m = meeting_good(state);

    assert_int_equal(SSL_key_update(m->far, SSL_KEY_UPDATE_REQUESTED), 1);
    talker_say(&m->pair.far, "new", 3);
    expect(m, &m->pair.near, "new", 3);
    bench_settle(m->pair.bench); // its answer has gone out by itself
    assert_true(stream_is_idle(m->pair.near.stream));
    talker_say(&m->pair.near, "key", 3);
    expect(m, &m->pair.far, "key", 3);
    meeting_close(m);
}

static void a_connection_moves_from_one_loop_to_another(void **state)
{
    struct meeting *m = meeting_good(state);
    struct talker heir;

    talker_init(&heir);
    bench_settle(m->pair.bench); // the server's tickets have come
    assert_true(stream_is_idle(m->pair.near.stream));
    stream_detach(m->pair.near.stream);
    talker_say(&m->pair.far, "meanwhile", 9);
    bench_settle(m->pair.bench);
    heir.stream = m->pair.near.stream;
    stream_attach(heir.stream, m->pair.bench->loops[2], &heir.user);
    expect(m, &heir, "meanwhile", 9);
    talker_say(&heir, "back", 4);
    expect(m, &m->pair.far, "back", 4);
    assert_false(heir.is_open); // it was before
    stream_detach(heir.stream);
    stream_discard(heir.stream);
    assert_true(bench_until(m->pair.bench, is_over, &m->pair.far, WITHIN));
    meeting_close(m);
    talker_done(&heir);
}

static bool has_left(void *what)
{
    const struct talker *t = what;

    return t->has_left;
}

static void each_call_may_close_the_stream_it_is_about(void **state)
{
    for (enum call call = CALL_OPEN; call <= CALL_SENT; call++) {
        for (int side = 0; side < 2; side++) {
            struct meeting *m = meeting_open(state, &GOOD);
            struct talker *leaver = side == 0 ? &m->pair.near : &m->pair.far;

            m->pair.far.is_echo = true;
            leaver->close_in = call;
            start(m, "good.test");
            talker_say(&m->pair.near, "bytes", 5);
            if (call == CALL_END && side == 1)
                stream_finish(m->pair.near.stream);
            if (call == CALL_END && side == 0) {
                assert_true(bench_until(m->pair.bench, are_both_open, m, WITHIN));
                stream_finish(m->pair.far.stream);
            }
            assert_true(bench_until(m->pair.bench, has_left, leaver, WITHIN));
            bench_settle(m->pair.bench);
            assert_int_equal(m->pair.near.calls_after_close + m->pair.far.calls_after_close, 0);
            meeting_close(m);
        }
    }
}

static void a_connection_serves_those_alone_who_want_this_name_by_this_trust(void **state)
{
    struct meeting *m = meeting_good(state);
    const struct stream_filter *filter = stream_filter(m->pair.near.stream);
    struct tls_client *other;

    assert_int_equal(tls_client_new(SLICE_NONE, &other, NULL), ERR_NONE);
    const struct tls_name same = { m->client, SLICE("good.test") };
    const struct tls_name another = { m->client, SLICE("other.test") };
    const struct tls_name elsewise = { other, SLICE("good.test") }, plain = { 0 };

    assert_true(tls_client_fits(filter, &same));
    assert_false(tls_client_fits(filter, &another));
    assert_false(tls_client_fits(filter, &elsewise));
    assert_false(tls_client_fits(filter, &plain));
    assert_true(tls_client_fits(NULL, &plain));
    assert_false(tls_client_fits(NULL, &same));
    tls_client_unref(other);
    meeting_close(m);
}

static void a_file_of_authorities_that_is_no_good_is_named(void **)
{
    struct tls_client *client = NULL;
    struct diag why;

    assert_int_equal(tls_client_new(SLICE("/nowhere/ca.pem"), &client, &why), ERR_CONFIG);
    assert_string_equal(
        why.text, "the certificates in /nowhere/ca.pem cannot be used: No such file or directory");
    assert_int_equal(tls_client_new(SLICE("/etc/hostname"), &client, &why), ERR_CONFIG);
    assert_non_null(strstr(why.text, "/etc/hostname cannot be used: no certificate"));
    assert_null(client);
    tls_client_unref(NULL);
}

static void origins_that_name_the_same_file_share_a_client(void **state)
{
    struct meeting *m = meeting_open(state, &GOOD);
    struct slice file = slice_text(m->authority.file);
    struct tls_clients *clients = tls_clients_new();
    struct tls_client *first = NULL, *same = NULL, *other = NULL, *wrong = NULL;

    assert_int_equal(tls_clients_get(clients, file, &first, NULL), ERR_NONE);
    assert_int_equal(tls_clients_get(clients, SLICE_NONE, &other, NULL), ERR_NONE);
    assert_int_equal(tls_clients_get(clients, file, &same, NULL), ERR_NONE);
    assert_int_equal(tls_clients_get(clients, SLICE("/nowhere"), &wrong, NULL), ERR_CONFIG);
    assert_ptr_equal(first, same);
    assert_ptr_not_equal(first, other);
    assert_null(wrong);
    tls_clients_free(clients);
    tls_clients_free(NULL);
    meeting_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_is_sent_comes_and_comes_back),
        ON_BOTH(a_large_body_comes_whole_both_ways),
        ON_BOTH(ten_thousand_small_messages_keep_their_order),
        ON_BOTH(a_slow_reader_holds_the_writer_not_memory),
        ON_BOTH(what_is_not_taken_comes_again_before_the_rest),
        ON_BOTH(who_pauses_while_greeting_is_greeted_and_hears_later),
        ON_BOTH(an_expired_certificate_is_refused),
        ON_BOTH(one_that_is_not_valid_yet_is_refused),
        ON_BOTH(one_for_another_name_is_refused),
        ON_BOTH(one_for_another_address_is_refused),
        ON_BOTH(one_that_vouches_for_itself_is_refused),
        ON_BOTH(one_of_another_authority_is_refused_whatever_that_calls_itself),
        ON_BOTH(an_address_can_be_proven_too_and_is_not_told_as_a_name),
        ON_BOTH(the_name_is_told_and_http_1_1_is_spoken),
        ON_BOTH(tls_1_2_is_spoken_and_1_1_is_not),
        ON_BOTH(a_server_that_speaks_plain_is_refused),
        ON_BOTH(a_greeting_that_is_cut_is_told_as_such),
        ON_BOTH(an_end_is_told_and_one_can_still_send),
        ON_BOTH(a_close_ends_in_good_order_and_a_reset_does_not),
        ON_BOTH(a_connection_that_ends_without_a_word_was_cut),
        ON_BOTH(bytes_that_were_tampered_with_end_the_stream),
        ON_BOTH(a_new_key_may_be_asked_for_while_nothing_is_sent),
        ON_BOTH(a_connection_moves_from_one_loop_to_another),
        ON_BOTH(each_call_may_close_the_stream_it_is_about),
        ON_BOTH(a_connection_serves_those_alone_who_want_this_name_by_this_trust),
        { "origins_that_name_the_same_file_share_a_client",
            origins_that_name_the_same_file_share_a_client, NULL, NULL, SIMULATED },
        cmocka_unit_test(a_file_of_authorities_that_is_no_good_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
