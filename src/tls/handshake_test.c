// SPDX-License-Identifier: Apache-2.0
/* Handshakes that break off, byte by byte, and bytes that are none. */
#include <openssl/err.h>

#include "tls/visitor_test.h"

/* A visitor whose bytes pass through our hands: OpenSSL speaks into memory, a plain stream carries
 * at most `most` of what it says. */
struct raw {
    struct talker talker; // first: it is the near end's user
    SSL *ssl;
    BIO *in, *out;
    size_t most, heard;
};

static void pump(struct raw *r)
{
    char *bytes;

    ERR_clear_error();
    SSL_do_handshake(r->ssl);
    size_t length = (size_t)BIO_get_mem_data(r->out, &bytes);

    r->talker.out = bytes; // all that it ever said
    r->talker.out_length = length < r->most ? length : r->most;
    stream_ready(r->talker.stream);
    if (length >= r->most)
        stream_finish(r->talker.stream);
}

static void on_heard(struct talker *talker)
{
    struct raw *r = container_of(talker, struct raw, talker);

    BIO_write(r->in, talker->in + r->heard, (int)(talker->in_length - r->heard));
    r->heard = talker->in_length;
    pump(r);
}

/* Its memory keeps what was read, so that what waits to be sent stays where it is. */
static struct raw *raw_new(struct visit *v, int version, size_t most)
{
    struct raw *r = mem_new(struct raw);
    struct endpoint at = listener_at(v->pair.host.listener);
    char asked[] = "good.test"; // not const, which OpenSSL's macro would cast away

    talker_init(&r->talker);
    r->talker.heard = on_heard;
    r->most = most;
    r->ssl = SSL_new(v->visitor->ssl);
    r->in = BIO_new(BIO_s_mem());
    r->out = BIO_new(BIO_s_mem());
    SSL_set_bio(r->ssl, r->in, r->out);
    SSL_set_max_proto_version(r->ssl, version);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(r->ssl), wall_s(v->authority.now));
    SSL_set_tlsext_host_name(r->ssl, asked);
    SSL_set_connect_state(r->ssl);
    r->talker.stream = stream_connect(v->pair.bench->loop, &at, &r->talker.user);
    pump(r);
    return r;
}

static bool is_settled(void *what)
{
    const struct visit *v = what;

    return v->pair.far.is_open || v->pair.far.is_closed;
}

static void raw_done(struct visit *v, struct raw *r)
{
    if (!r->talker.is_closed)
        stream_close(r->talker.stream, false);
    if (!v->pair.far.is_closed)
        stream_close(v->pair.far.stream, false);
    loop_turn(v->pair.bench->loops[0], (struct span){ 0 });
    loop_turn(v->pair.bench->loops[1], (struct span){ 0 });
    SSL_free(r->ssl);
    talker_done(&r->talker);
    mem_free(r);
    talker_done(&v->pair.far);
    talker_init(&v->pair.far);
    v->pair.host.count = 0;
}

/* How much a visitor says until our side is done. */
static size_t whole_length(struct visit *v, int version)
{
    struct raw *r = raw_new(v, version, SIZE_MAX);

    assert_true(bench_until(v->pair.bench, is_settled, v, WITHIN));
    assert_true(v->pair.far.is_open);
    size_t length = r->talker.out_at;

    raw_done(v, r);
    return length;
}

static void one_that_is_cut_at_any_byte_is_told_as_cut(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct visit *v = visit_open(state);
        size_t length = whole_length(v, version);

        assert_in_range(length, 200, 1000);
        for (size_t most = 1; most < length; most++) {
            struct raw *r = raw_new(v, version, most);

            assert_true(bench_until(v->pair.bench, is_settled, v, WITHIN));
            assert_false(v->pair.far.is_open);
            assert_int_equal(v->pair.far.why, ERR_CLOSED);
            assert_string_equal(v->pair.far.words, "closed within the TLS handshake");
            raw_done(v, r);
        }
        assert_int_equal(v->counts.cut.total, length - 1);
        assert_int_equal(v->counts.greeted_1_2.total + v->counts.greeted_1_3.total, 1);
        visit_close(v);
    }
}

static void bytes_that_are_no_tls_end_the_connection(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } CASES[] = {
        { "SSH-2.0-OpenSSH_9.2\r\n", 21 },
        { "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9 }, // an empty hello
        { "\x16\x03\x01\xff\xff\x01\x00\xff\xfb", 9 }, // a record that is too long
        { "\x17\x03\x03\x00\x05hello", 10 },           // data before any hello
        { "\x15\x03\x01\x00\x02\x02\x28", 7 },         // an alert
        { "\0\0\0\0\0\0\0\0\0\0\0\0", 12 },
    };
    struct visit *v = visit_open(state);
    struct endpoint at = listener_at(v->pair.host.listener);

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        v->pair.near.stream = stream_connect(v->pair.bench->loop, &at, &v->pair.near.user);
        talker_say(&v->pair.near, CASES[i].bytes, CASES[i].length);
        assert_true(bench_until(v->pair.bench, is_settled, v, WITHIN));
        assert_true(v->pair.far.is_closed && !v->pair.far.is_open);
        assert_int_equal(v->pair.far.why, ERR_TLS);
        visit_again(v);
    }
    assert_int_equal(v->counts.plain.total, 1); // the first
    assert_int_equal(v->counts.malformed.total, COUNT_OF(CASES) - 1);
    visit_close(v);
}

enum { STORM = 200 };

struct storm {
    struct visit *v;
    struct talker far[STORM];
    struct raw *near[STORM];
};

static bool has_passed(void *what)
{
    const struct storm *s = what;
    size_t settled = 0;

    for (size_t i = 0; i < s->v->pair.host.count; i++)
        settled += s->far[i].is_open || s->far[i].is_closed;
    return settled == STORM;
}

/* Every third gives up on its way; over lines that are slow and cut what they carry in pieces. */
static void in_a_storm_each_is_greeted_who_stays(void **state)
{
    struct storm *s = mem_new(struct storm);
    struct visit *v = s->v = visit_open(state);
    const struct sim_link slow = { .delay = span_ms(40), .jitter = span_ms(30), .chunk_max = 100 };
    uint64_t expected = 0;

    sim_link_set(v->pair.bench->sim, NULL, NULL, &slow);
    v->pair.host.talkers = s->far;
    v->pair.host.room = STORM;
    for (size_t i = 0; i < STORM; i++) {
        size_t most = i % 3 == 0 ? i + 1 : SIZE_MAX;

        talker_init(&s->far[i]);
        expected += i % 3 != 0;
        s->near[i] = raw_new(v, i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION, most);
    }
    assert_true(bench_until(v->pair.bench, has_passed, s, span_s(60)));
    assert_int_equal(v->counts.greeted_1_2.total + v->counts.greeted_1_3.total, expected);
    assert_int_equal(v->counts.cut.total, STORM - expected);
    bench_close(v->pair.bench); // with all that is open
    v->pair.bench = bench_open(state);
    for (size_t i = 0; i < STORM; i++) {
        SSL_free(s->near[i]->ssl);
        talker_done(&s->near[i]->talker);
        talker_done(&s->far[i]);
        mem_free(s->near[i]);
    }
    visit_close(v);
    mem_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(one_that_is_cut_at_any_byte_is_told_as_cut),
        ON_BOTH(bytes_that_are_no_tls_end_the_connection),
        { "in_a_storm_each_is_greeted_who_stays", in_a_storm_each_is_greeted_who_stays, NULL, NULL,
            SIMULATED },
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
