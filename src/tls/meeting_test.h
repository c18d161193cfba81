// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Our client meets a server that is plain OpenSSL. */

#include <assert.h>
#include <string.h>

#include "io/pair_test.h"
#include "tls/authority_test.h"
#include "tls/client.h"

/* A bench, an authority, and what is accepted is greeted by `server` (NULL: spoken to in plain). */
struct meeting {
    struct pair pair;
    struct authority authority;
    struct tls_context *server;
    struct tls_client *client;
    SSL *far; // the accepted connection's
};

static inline struct stream_user *meeting_accept(struct listener_user *user, struct stream *stream)
{
    struct host *h = container_of(user, struct host, user);
    struct meeting *m = container_of(container_of(h, struct pair, host), struct meeting, pair);

    if (m->server != NULL)
        m->far = server_filter(m->server, stream);
    return host_accept(user, stream);
}

static inline struct meeting *meeting_open(void *const *state, const struct claim *claim)
{
    struct meeting *m = mem_new(struct meeting);
    struct diag why;

    pair_init(&m->pair, bench_open(state));
    m->pair.host.user.accept = meeting_accept;
    authority_init(&m->authority, "ours", loop_wall(m->pair.bench->loop));
    if (claim != NULL)
        m->server = server_new(&m->authority, claim);
    assert_int_equal(tls_client_new(&(struct tls_trust){ .ca_file = slice_text(m->authority.file) },
                         &m->client, &why),
        ERR_NONE);
    return m;
}

static inline void meeting_close(struct meeting *m)
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

static inline void meeting_start(struct meeting *m, const char *name)
{
    struct endpoint at = listener_at(m->pair.host.listener);
    const struct tls_name to = { m->client, slice_text(name) };
    struct stream_filter *filter = tls_client_filter(&to, loop_wall(m->pair.bench->loop));

    m->pair.near.stream = stream_connect(m->pair.bench->loop, &at, &m->pair.near.user);
    stream_filter_set(m->pair.near.stream, &filter);
    assert_null(filter);
}

static const struct claim MEETING_GOOD = { .names = "DNS:good.test, IP:127.0.0.1" };

static inline bool meeting_is_open(void *what)
{
    const struct meeting *m = what;

    return m->pair.near.is_open && m->pair.far.is_open;
}

/* A good server and a client that are through with each other's greeting. */
static inline struct meeting *meeting_good(void *const *state)
{
    struct meeting *m = meeting_open(state, &MEETING_GOOD);

    meeting_start(m, "good.test");
    assert_true(bench_until(m->pair.bench, meeting_is_open, m, WITHIN));
    return m;
}

struct heard {
    const struct talker *talker;
    size_t length;
};

static inline bool meeting_has_heard(void *what)
{
    const struct heard *h = what;

    return h->talker->in_length >= h->length;
}

static inline void meeting_expect(
    struct meeting *m, const struct talker *talker, const char *bytes, size_t length)
{
    struct heard heard = { talker, length };

    assert_true(bench_until(m->pair.bench, meeting_has_heard, &heard, WITHIN));
    assert_int_equal(talker->in_length, length);
    assert_memory_equal(talker->in, bytes, length);
}

static inline bool meeting_is_over(void *what)
{
    const struct talker *t = what;

    return t->is_closed || t->has_ended;
}
