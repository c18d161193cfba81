// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Visitors of the server in tls/visit_test.h, and what they were shown. */

#include "tls/visit_test.h"

/* A visitor who asks for `name` (NULL: tells none). Its SSL is v->near, still to be told more. */
static inline void visit_start(struct visit *v, const char *name)
{
    struct endpoint at = listener_at(v->pair.host.listener);
    struct tls_filter *f = tls_filter_new(v->visitor, name == NULL ? SLICE_NONE : slice_text(name));
    struct stream_filter *filter = &f->filter;

    v->near = f->ssl;
    X509_VERIFY_PARAM_set_time(SSL_get0_param(f->ssl), wall_s(v->authority.now));
    if (name != NULL)
        SSL_set_tlsext_host_name(f->ssl, f->name);
    SSL_set_connect_state(f->ssl);
    v->pair.near.stream = stream_connect(v->pair.bench->loop, &at, &v->pair.near.user);
    stream_filter_set(v->pair.near.stream, &filter);
}

/* Both talkers as new, for another visit; what the last one opened is closed. */
static inline void visit_again(struct visit *v)
{
    struct talker *both[] = { &v->pair.near, &v->pair.far };

    for (size_t i = 0; i < 2; i++) {
        if (both[i]->stream != NULL && !both[i]->is_closed && !both[i]->has_left)
            stream_close(both[i]->stream, false);
        talker_done(both[i]);
        talker_init(both[i]);
    }
    v->pair.host.count = 0;
    bench_settle(v->pair.bench);
}

static inline bool visit_is_open(void *what)
{
    const struct visit *v = what;

    return v->pair.near.is_open && v->pair.far.is_open;
}

static inline bool visit_is_refused(void *what)
{
    const struct visit *v = what;

    return v->pair.near.is_closed && v->pair.far.is_closed;
}

static inline void visit_expect_open(struct visit *v)
{
    assert_true(bench_until(v->pair.bench, visit_is_open, v, WITHIN));
    bench_settle(v->pair.bench); // tickets have come
}

/* Both sides failed, the visitor with these words. */
static inline void visit_expect_refused(struct visit *v, const char *words)
{
    assert_true(bench_until(v->pair.bench, visit_is_refused, v, WITHIN));
    assert_false(v->pair.near.is_open || v->pair.far.is_open);
    if (strstr(v->pair.near.words, words) == NULL)
        assert_string_equal(v->pair.near.words, words);
}

/* Keeps the ticket that came last, as if stored: what the connection does to its own, this one is
 * not told. */
static inline void visit_keep_ticket(struct visit *v)
{
    SSL_SESSION *session = SSL_get1_session(v->near);
    unsigned char *bytes = NULL;
    int length = i2d_SSL_SESSION(session, &bytes);
    const unsigned char *at = bytes;

    SSL_SESSION_free(v->ticket);
    v->ticket = d2i_SSL_SESSION(NULL, &at, length);
    assert_non_null(v->ticket);
    OPENSSL_free(bytes);
    SSL_SESSION_free(session);
}

static inline const struct stream_filter *visit_filter(const struct visit *v)
{
    return stream_filter(v->pair.far.stream);
}

/* The visitor was shown the certificate in that file. */
static inline bool visit_was_shown(const struct visit *v, size_t at)
{
    FILE *file = fopen(v->files[at][0], "r");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL), *shown;

    fclose(file);
    shown = SSL_get1_peer_certificate(v->near);
    bool is_same = X509_cmp(shown, certificate) == 0;

    X509_free(shown);
    X509_free(certificate);
    return is_same;
}
