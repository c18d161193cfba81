// SPDX-License-Identifier: Apache-2.0
/* Both sides are real: our client, and a server made of the same filter and OpenSSL's settings. */
#include <assert.h>
#include <string.h>

#include "tls/client.h"
#include "tls/filter_priv.h"
#include "tls/meeting_test.h"

enum { BIG = 5 * 1024 * 1024, HUGE_BODY = 8 * BIG };

// What sealing adds, and by how much the kernel may take less than it said.
enum { SEALED_MORE = 16 * 1024 };

static void what_is_sent_comes_and_comes_back(void **state)
{
    struct meeting *m = meeting_open(state, &MEETING_GOOD);

    m->pair.far.is_echo = true;
    meeting_start(m, "good.test");
    talker_say(&m->pair.near, "hello", 5); // waits for the greeting
    meeting_expect(m, &m->pair.far, "hello", 5);
    meeting_expect(m, &m->pair.near, "hello", 5);
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
    meeting_expect(m, &m->pair.far, bytes, BIG);
    meeting_expect(m, &m->pair.near, bytes, BIG);
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
    meeting_expect(m, &m->pair.far, bytes, ALL);
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
    size_t went;

    do { // a busy machine takes its time
        went = m->pair.near.out_at;
        bench_settle(m->pair.bench);
    } while (m->pair.near.out_at > went || sealed_waiting(m->pair.near.stream) == 0);
    assert_true(went < HUGE_BODY);
    assert_true(m->pair.far.in_length <= STREAM_READ_MAX);
    assert_true(sealed_waiting(m->pair.near.stream) <= STREAM_SEALED_MAX + SEALED_MORE);
    bench_settle(m->pair.bench);
    assert_int_equal(m->pair.near.out_at, went);
    m->pair.far.heard = NULL;
    stream_resume(m->pair.far.stream);
    meeting_expect(m, &m->pair.far, bytes, HUGE_BODY);
    assert_int_equal(sealed_waiting(m->pair.near.stream), 0);
    meeting_close(m);
    mem_free(bytes);
}

static void a_quick_reader_is_sent_much_at_a_time(void **state)
{
    enum { LENGTH = STREAM_SEALED_ONCE };
    struct meeting *m = meeting_good(state);
    char *bytes = pattern(LENGTH);

    unsigned before = m->pair.near.calls;
    talker_say(&m->pair.near, bytes, LENGTH);
    meeting_expect(m, &m->pair.far, bytes, LENGTH);
    // Pulled and sent once or twice, and asked once more whether there is more to come.
    assert_in_range(m->pair.near.calls - before, 2, 5);
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
    meeting_expect(m, &m->pair.far, "partial", 7);
    meeting_close(m);
}

static void who_pauses_while_greeting_is_greeted_and_hears_later(void **state)
{
    struct meeting *m = meeting_open(state, &MEETING_GOOD);

    meeting_start(m, "good.test");
    stream_pause(m->pair.near.stream);
    assert_true(bench_until(m->pair.bench, meeting_is_open, m, WITHIN));
    talker_say(&m->pair.far, "patience", 8);
    bench_settle(m->pair.bench);
    assert_int_equal(m->pair.near.in_length, 0);
    stream_resume(m->pair.near.stream);
    meeting_expect(m, &m->pair.near, "patience", 8);
    meeting_close(m);
}

/* Meets `server` and expects that the client refuses it, with words that say why. */
static void refuses(void *const *state, const struct claim *claim, const char *name, enum err err,
    const char *words)
{
    struct meeting *m = meeting_open(state, claim);

    meeting_start(m, name);
    talker_say(&m->pair.near, "secret", 6);
    assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
    assert_false(m->pair.near.is_open);
    assert_int_equal(m->pair.near.why, err);
    assert_non_null(strstr(m->pair.near.words, words));
    // The other side learns that it was refused, and never what was to be said.
    assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.far, WITHIN));
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
    refuses(state, &MEETING_GOOD, "other.test", ERR_CERT_NAME, "other.test: hostname mismatch");
}

static void one_for_another_address_is_refused(void **state)
{
    refuses(state, &MEETING_GOOD, "127.0.0.9", ERR_CERT_NAME, "127.0.0.9: IP address mismatch");
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
        m->server = server_new(&stranger, &MEETING_GOOD);
        meeting_start(m, "good.test");
        assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
        assert_int_equal(m->pair.near.why, ERR_CERT_AUTHORITY);
        authority_done(&stranger);
        meeting_close(m);
    }
}

static void an_address_can_be_proven_too_and_is_not_told_as_a_name(void **state)
{
    struct meeting *m = meeting_open(state, &MEETING_GOOD);

    meeting_start(m, "127.0.0.1");
    assert_true(bench_until(m->pair.bench, meeting_is_open, m, WITHIN));
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
    struct meeting *m = meeting_open(state, &MEETING_GOOD);

    SSL_CTX_set_max_proto_version(m->server->ssl, TLS1_2_VERSION);
    meeting_start(m, "good.test");
    m->pair.far.is_echo = true;
    talker_say(&m->pair.near, "hello", 5);
    meeting_expect(m, &m->pair.near, "hello", 5);
    assert_int_equal(SSL_version(m->far), TLS1_2_VERSION);
    assert_true(stream_is_idle(m->pair.near.stream));
    meeting_close(m);

    m = meeting_open(state, &MEETING_GOOD);
    SSL_CTX_set_min_proto_version(m->server->ssl, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(m->server->ssl, TLS1_1_VERSION);
    SSL_CTX_set_security_level(m->server->ssl, 0);
    meeting_start(m, "good.test");
    assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
    assert_int_equal(m->pair.near.why, ERR_TLS);
    assert_non_null(strstr(m->pair.near.words, "protocol"));
    meeting_close(m);
}

static void a_server_that_speaks_plain_is_refused(void **state)
{
    struct meeting *m = meeting_open(state, NULL);

    meeting_start(m, "good.test");
    assert_true(
        bench_until(m->pair.bench, meeting_has_heard, &(struct heard){ &m->pair.far, 1 }, WITHIN));
    talker_say(&m->pair.far, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
    assert_int_equal(m->pair.near.why, ERR_TLS);
    assert_non_null(strstr(m->pair.near.words, "wrong version number"));
    meeting_close(m);
}

static void a_greeting_that_is_cut_is_told_as_such(void **state)
{
    for (int reset = 0; reset < 2; reset++) {
        struct meeting *m = meeting_open(state, NULL);

        meeting_start(m, "good.test");
        assert_true(bench_until(
            m->pair.bench, meeting_has_heard, &(struct heard){ &m->pair.far, 1 }, WITHIN));
        assert_false(m->pair.near.is_open);
        stream_close(m->pair.far.stream, reset == 1);
        assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
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
    assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
    assert_true(m->pair.near.has_ended && !m->pair.near.is_closed);
    meeting_expect(m, &m->pair.near, bytes, BIG);
    assert_false(stream_is_idle(m->pair.near.stream));
    talker_say(&m->pair.near, "late", 4);
    meeting_expect(m, &m->pair.far, "late", 4);
    meeting_close(m);
    mem_free(bytes);
}

static void a_close_ends_in_good_order_and_a_reset_does_not(void **state)
{
    for (int reset = 0; reset < 2; reset++) {
        struct meeting *m = meeting_good(state);

        m->pair.far.has_left = true;
        stream_close(m->pair.far.stream, reset == 1);
        assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
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
    assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
    meeting_expect(m, &m->pair.near, "half of it", 10); // what came is handed over, but no end
    assert_true(m->pair.near.is_closed && !m->pair.near.has_ended);
    assert_int_equal(m->pair.near.why, ERR_CLOSED);
    assert_string_equal(m->pair.near.words, "closed without a TLS end");
    meeting_close(m);
}

static void bytes_that_were_tampered_with_end_the_stream(void **state)
{
    struct meeting *m = meeting_good(state);
    static const char FORGED[] = "\x17\x03\x03\x00\x20 thirty-two bytes of no good key";

    tls_filter_say(BIO_get_data(SSL_get_wbio(m->far)), slice_of(FORGED, 37));
    talker_say(&m->pair.far, "true", 4);
    assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
    assert_int_equal(m->pair.near.why, ERR_TLS);
    assert_int_equal(m->pair.near.in_length, 0);
    meeting_close(m);
}

static void a_new_key_may_be_asked_for_while_nothing_is_sent(void **state)
{
    struct meeting *m = meeting_good(state);

    assert_int_equal(SSL_key_update(m->far, SSL_KEY_UPDATE_REQUESTED), 1);
    talker_say(&m->pair.far, "new", 3);
    meeting_expect(m, &m->pair.near, "new", 3);
    bench_settle(m->pair.bench); // its answer has gone out by itself
    assert_true(stream_is_idle(m->pair.near.stream));
    talker_say(&m->pair.near, "key", 3);
    meeting_expect(m, &m->pair.far, "key", 3);
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
    meeting_expect(m, &heir, "meanwhile", 9);
    talker_say(&heir, "back", 4);
    meeting_expect(m, &m->pair.far, "back", 4);
    assert_false(heir.is_open); // it was before
    stream_detach(heir.stream);
    stream_discard(heir.stream);
    assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.far, WITHIN));
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
            struct meeting *m = meeting_open(state, &MEETING_GOOD);
            struct talker *leaver = side == 0 ? &m->pair.near : &m->pair.far;

            m->pair.far.is_echo = true;
            leaver->close_in = call;
            meeting_start(m, "good.test");
            talker_say(&m->pair.near, "bytes", 5);
            if (call == CALL_END && side == 1)
                stream_finish(m->pair.near.stream);
            if (call == CALL_END && side == 0) {
                assert_true(bench_until(m->pair.bench, meeting_is_open, m, WITHIN));
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

    assert_int_equal(tls_client_new(&(struct tls_trust){ 0 }, &other, NULL), ERR_NONE);
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

    assert_int_equal(
        tls_client_new(&(struct tls_trust){ .ca_file = SLICE("/nowhere/ca.pem") }, &client, &why),
        ERR_CONFIG);
    assert_string_equal(
        why.text, "the certificates in /nowhere/ca.pem cannot be used: No such file or directory");
    assert_int_equal(
        tls_client_new(&(struct tls_trust){ .ca_file = SLICE("/etc/hostname") }, &client, &why),
        ERR_CONFIG);
    assert_non_null(strstr(why.text, "/etc/hostname cannot be used: no certificate"));
    assert_null(client);
    tls_client_unref(NULL);
}

static void origins_that_name_the_same_file_share_a_client(void **state)
{
    struct meeting *m = meeting_open(state, &MEETING_GOOD);
    struct slice file = slice_text(m->authority.file);
    struct tls_clients *clients = tls_clients_new();
    struct tls_client *first = NULL, *same = NULL, *other = NULL, *wrong = NULL;

    assert_int_equal(
        tls_clients_get(clients, &(struct tls_trust){ .ca_file = file }, &first, NULL), ERR_NONE);
    assert_int_equal(tls_clients_get(clients, &(struct tls_trust){ 0 }, &other, NULL), ERR_NONE);
    assert_int_equal(
        tls_clients_get(clients, &(struct tls_trust){ .ca_file = file }, &same, NULL), ERR_NONE);
    assert_int_equal(
        tls_clients_get(clients, &(struct tls_trust){ .ca_file = SLICE("/nowhere") }, &wrong, NULL),
        ERR_CONFIG);
    assert_ptr_equal(first, same);
    assert_ptr_not_equal(first, other);
    assert_null(wrong);
    tls_clients_free(clients);
    tls_clients_free(NULL);
    meeting_close(m);
}

/* What a client shows itself with, issued by the meeting's authority. */
struct identity {
    char cert_file[64], key_file[64];
};

static struct identity identity_new(struct meeting *m)
{
    struct identity identity = { "/tmp/identity-test-XXXXXX", "/tmp/identity-test-XXXXXX" };

    close(mkstemp(identity.cert_file));
    close(mkstemp(identity.key_file));
    authority_issue(&m->authority, &(struct claim){ .names = "DNS:us.test" }, identity.cert_file,
        identity.key_file);
    return identity;
}

static void identity_done(const struct identity *identity)
{
    unlink(identity->cert_file);
    unlink(identity->key_file);
}

static void a_server_that_asks_who_we_are_is_shown_our_certificate(void **state)
{
    for (int shows = 0; shows < 2; shows++) {
        struct meeting *m = meeting_open(state, &MEETING_GOOD);
        struct identity identity = identity_new(m);
        struct tls_trust trust = { .ca_file = slice_text(m->authority.file) };

        if (shows == 1) {
            trust.cert_file = slice_text(identity.cert_file);
            trust.key_file = slice_text(identity.key_file);
        }
        tls_client_unref(m->client);
        assert_int_equal(tls_client_new(&trust, &m->client, NULL), ERR_NONE);
        SSL_CTX_load_verify_file(m->server->ssl, m->authority.file);
        SSL_CTX_set_verify(m->server->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(m->server->ssl), wall_s(m->authority.now));
        meeting_start(m, "good.test");
        talker_say(&m->pair.near, "it is us", 8);
        if (shows == 1)
            meeting_expect(m, &m->pair.far, "it is us", 8);
        else
            assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.far, WITHIN));
        assert_int_equal(m->pair.far.is_open, shows == 1);
        identity_done(&identity);
        meeting_close(m);
    }
}

static void a_key_of_another_certificate_is_named(void **state)
{
    struct meeting *m = meeting_open(state, &MEETING_GOOD);
    struct identity ours = identity_new(m), another = identity_new(m);
    const struct tls_trust trust = { .cert_file = slice_text(ours.cert_file),
        .key_file = slice_text(another.key_file) };
    struct tls_client *client = NULL;
    struct diag why;

    assert_int_equal(tls_client_new(&trust, &client, &why), ERR_CONFIG);
    assert_non_null(strstr(why.text, another.key_file));
    assert_non_null(strstr(why.text, "does not belong"));
    assert_null(client);
    identity_done(&ours);
    identity_done(&another);
    meeting_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_is_sent_comes_and_comes_back),
        ON_BOTH(a_large_body_comes_whole_both_ways),
        ON_BOTH(ten_thousand_small_messages_keep_their_order),
        ON_BOTH(a_slow_reader_holds_the_writer_not_memory),
        { "a_quick_reader_is_sent_much_at_a_time", a_quick_reader_is_sent_much_at_a_time, NULL,
            NULL, REAL },
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
        ON_BOTH(a_server_that_asks_who_we_are_is_shown_our_certificate),
        { "a_key_of_another_certificate_is_named", a_key_of_another_certificate_is_named, NULL,
            NULL, SIMULATED },
        { "origins_that_name_the_same_file_share_a_client",
            origins_that_name_the_same_file_share_a_client, NULL, NULL, SIMULATED },
        cmocka_unit_test(a_file_of_authorities_that_is_no_good_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
