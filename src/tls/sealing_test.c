// SPDX-License-Identifier: Apache-2.0
/* Who seals what: we ourselves by TLS 1.3, OpenSSL before that and once keys have changed. What
 * came out is opened by OpenSSL. */
#include "tls/filter_priv.h"
#include "tls/meeting_test.h"

enum { BODY = 700 * 1000 };

static const struct tls_filter *filter_at(const struct talker *t)
{
    return tls_filter_of(stream_filter(t->stream));
}

static bool is_ours(const struct talker *t)
{
    return sealer_is_on(&filter_at(t)->sealer);
}

static void expect_said(struct meeting *m, struct talker *from, struct talker *to, size_t length)
{
    char *bytes = pattern(length);

    to->in_length = 0;
    talker_say(from, bytes, length);
    meeting_expect(m, to, bytes, length);
    mem_free(bytes);
}

/* Small and large, there and back. */
static void expect_talk(struct meeting *m)
{
    static const size_t LENGTHS[] = { 1, 1500, BODY, 2, STREAM_SEALED_ONCE };

    for (size_t i = 0; i < COUNT_OF(LENGTHS); i++) {
        expect_said(m, &m->pair.far, &m->pair.near, LENGTHS[i]);
        expect_said(m, &m->pair.near, &m->pair.far, LENGTHS[i]);
    }
}

static void both_sides_seal(void *const *state, const char *suite)
{
    struct meeting *m = meeting_open(state, &MEETING_GOOD);

    assert_int_equal(SSL_CTX_set_ciphersuites(m->server->ssl, suite), 1);
    meeting_start(m, "good.test");
    assert_true(bench_until(m->pair.bench, meeting_is_open, m, WITHIN));
    assert_string_equal(SSL_get_cipher_name(m->far), suite);
    assert_true(is_ours(&m->pair.near) && is_ours(&m->pair.far));
    expect_talk(m);
    meeting_close(m);
}

static void we_seal_with_aes_128(void **state)
{
    both_sides_seal(state, "TLS_AES_128_GCM_SHA256");
}

static void we_seal_with_aes_256(void **state)
{
    both_sides_seal(state, "TLS_AES_256_GCM_SHA384");
}

static void we_seal_with_chacha20(void **state)
{
    both_sides_seal(state, "TLS_CHACHA20_POLY1305_SHA256");
}

static void openssl_seals_by_tls_1_2(void **state)
{
    struct meeting *m = meeting_open(state, &MEETING_GOOD);

    SSL_CTX_set_max_proto_version(m->server->ssl, TLS1_2_VERSION);
    meeting_start(m, "good.test");
    assert_true(bench_until(m->pair.bench, meeting_is_open, m, WITHIN));
    assert_true(!is_ours(&m->pair.near) && !is_ours(&m->pair.far));
    expect_talk(m);
    meeting_close(m);
}

static void keys_may_change_between_what_is_said(void **state)
{
    struct meeting *m = meeting_good(state);

    expect_talk(m);
    assert_true(is_ours(&m->pair.near) && is_ours(&m->pair.far));
    for (int i = 0; i < 3; i++) { // the later ones among records that OpenSSL seals
        assert_int_equal(SSL_key_update(m->far, SSL_KEY_UPDATE_REQUESTED), 1);
        expect_talk(m);
        assert_true(!is_ours(&m->pair.near) && !is_ours(&m->pair.far));
    }
    meeting_close(m);
}

static bool has_half(void *what)
{
    const struct talker *t = what;

    return t->in_length >= BODY / 2;
}

static void keys_may_change_amid_a_body(void **state)
{
    struct meeting *m = meeting_good(state);
    char *body = pattern(BODY);

    talker_say(&m->pair.far, body, BODY);
    assert_true(bench_until(m->pair.bench, has_half, &m->pair.near, WITHIN));
    assert_int_equal(SSL_key_update(m->far, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    meeting_expect(m, &m->pair.near, body, BODY);
    assert_true(is_ours(&m->pair.near)); // each side has keys of its own
    expect_talk(m);
    assert_false(is_ours(&m->pair.far));
    meeting_close(m);
    mem_free(body);
}

static void the_end_is_sealed_by_who_seals(void **state)
{
    struct meeting *m = meeting_good(state);

    expect_talk(m);
    stream_finish(m->pair.far.stream);
    assert_true(bench_until(m->pair.bench, meeting_is_over, &m->pair.near, WITHIN));
    assert_true(m->pair.near.has_ended && !m->pair.near.is_closed); // an alert, and no cut
    meeting_close(m);
}

/* As ours to speak with. */
static struct tls_filter *own_filter(const struct talker *t)
{
    return BIO_get_data(SSL_get_wbio(filter_at(t)->ssl));
}

static bool has_one(void *what)
{
    const struct talker *t = what;

    return t->in_length == 1;
}

static void nothing_is_said_behind_a_failure_that_is_still_to_be_told(void **state)
{
    static const char RUBBISH[] = "\x17\x03\x03\x00\x20 and what no key of ours has sealed ";
    struct meeting *m = meeting_good(state);
    struct tls_filter *near = own_filter(&m->pair.near);
    const struct iovec one = { .iov_base = (char[]){ "1" }, .iov_len = 1 };
    char both[200];
    size_t taken;

    // In one go, so that the far side has heard the one, and rests, when the other fails.
    m->pair.far.pauses = true;
    assert_int_equal(near->filter.ops->seal(&near->filter, &one, 1, 1, &taken), ERR_NONE);
    struct slice good = near->filter.ops->sealed(&near->filter);

    assert_true(good.length + sizeof RUBBISH <= sizeof both);
    memcpy(both, good.at, good.length);
    memcpy(both + good.length, RUBBISH, sizeof RUBBISH);
    tls_filter_say(near, slice_of(both, good.length + sizeof RUBBISH));
    stream_ready(m->pair.near.stream);
    assert_true(bench_until(m->pair.bench, has_one, &m->pair.far, WITHIN));
    assert_int_equal(filter_at(&m->pair.far)->failed, ERR_TLS);
    assert_false(m->pair.far.is_closed);
    talker_say(&m->pair.far, "more", 4);
    bench_settle(m->pair.bench);
    assert_int_equal(m->pair.far.out_at, 0);
    assert_int_equal(m->pair.near.in_length, 0);
    meeting_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(we_seal_with_aes_128),
        ON_BOTH(we_seal_with_aes_256),
        ON_BOTH(we_seal_with_chacha20),
        ON_BOTH(openssl_seals_by_tls_1_2),
        ON_BOTH(keys_may_change_between_what_is_said),
        ON_BOTH(keys_may_change_amid_a_body),
        ON_BOTH(the_end_is_sealed_by_who_seals),
        ON_BOTH(nothing_is_said_behind_a_failure_that_is_still_to_be_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
