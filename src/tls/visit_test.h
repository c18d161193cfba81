// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A server of ours with certificates from files, and visitors that are plain OpenSSL. */

#include <string.h>

#include "io/pair_test.h"
#include "tls/authority_test.h"
#include "tls/server.h"
#include "tls/tickets.h"

enum { VISIT_CERTIFICATES = 4, VISIT_NAMES = 2 };

struct visit {
    struct pair pair;
    struct authority authority;
    char folder[64], files[VISIT_CERTIFICATES][2][96]; // each a certificate and its key
    struct slice names[VISIT_CERTIFICATES][VISIT_NAMES];
    struct tls_certificate certificates[VISIT_CERTIFICATES];
    struct tls_verdict verdicts[VISIT_CERTIFICATES];
    struct tls_server_plan plan;
    struct tls_server *server;
    struct tls_counts counts;
    struct tls_context *visitor;
    SSL *near;           // the visitor's
    SSL_SESSION *ticket; // that was kept
    bool has_h2;
    struct wall at;
};

static inline struct stream_user *visit_accept(struct listener_user *user, struct stream *stream)
{
    struct host *h = container_of(user, struct host, user);
    struct visit *v = container_of(container_of(h, struct pair, host), struct visit, pair);
    const struct tls_accept how = { &v->counts, v->at, v->has_h2 };
    struct stream_filter *filter = tls_server_filter(v->server, &how);

    stream_filter_set(stream, &filter);
    return host_accept(user, stream);
}

/* A visitor who trusts the authority. */
static inline void visit_set_visitor(struct visit *v)
{
    static const struct tls_side SIDE = { 0 };

    v->visitor = mem_new(struct tls_context);
    tls_context_init(v->visitor, TLS_client_method(), &SIDE);
    SSL_CTX_load_verify_file(v->visitor->ssl, v->authority.file);
    SSL_CTX_set_verify(v->visitor->ssl, SSL_VERIFY_PEER, NULL);
}

/* Of no certificates yet. */
static inline struct visit *visit_new(void *const *state)
{
    struct visit *v = mem_new(struct visit);

    pair_init(&v->pair, bench_open(state));
    v->pair.host.user.accept = visit_accept;
    v->at = loop_wall(v->pair.bench->loop);
    authority_init(&v->authority, "ours", v->at);
    snprintf(v->folder, sizeof v->folder, "/tmp/visit-test-XXXXXX");
    assert_non_null(mkdtemp(v->folder));
    v->plan = (struct tls_server_plan){ .certificates = v->certificates,
        .tickets = tls_tickets_new(v->at),
        .warn_before = span_s(DAY_S / 2),
        .plain_reply = SLICE("HTTP/1.1 400 Bad Request\r\n\r\n") };
    visit_set_visitor(v);
    return v;
}

/* One more certificate, with `key` (NULL: a new one), for one name of `name`. */
static inline struct tls_certificate *visit_add_key(
    struct visit *v, const char *name, const struct claim *claim, EVP_PKEY *key)
{
    size_t at = v->plan.count++;
    struct tls_certificate *c = &v->certificates[at];

    assert_true(at < VISIT_CERTIFICATES);
    for (size_t i = 0; i < 2; i++)
        snprintf(v->files[at][i], sizeof v->files[at][i], "%s/%zu.%s", v->folder, at,
            i == 0 ? "crt" : "key");
    authority_issue_for(&v->authority, key != NULL ? key : EVP_EC_gen("P-256"), claim,
        v->files[at][0], v->files[at][1]);
    v->names[at][0] = slice_text(name);
    *c = (struct tls_certificate){ .names = v->names[at],
        .name_count = 1,
        .cert_file = slice_text(v->files[at][0]),
        .key_file = slice_text(v->files[at][1]) };
    return c;
}

static inline struct tls_certificate *visit_add(
    struct visit *v, const char *name, const struct claim *claim)
{
    return visit_add_key(v, name, claim, NULL);
}

static inline void visit_serve(struct visit *v)
{
    struct diag why = { 0 };

    tls_server_unref(v->server);
    enum err err = tls_server_new(&v->plan, v->at, &v->server, v->verdicts, &why);

    assert_string_equal(why.text, "");
    assert_int_equal(err, ERR_NONE);
}

/* One certificate for "good.test". */
static inline struct visit *visit_open(void *const *state)
{
    struct visit *v = visit_new(state);

    visit_add(v, "good.test", &(struct claim){ .names = "DNS:good.test" });
    visit_serve(v);
    return v;
}

static inline void visit_close(struct visit *v)
{
    tls_server_unref(v->server); // before its connections
    tls_tickets_unref(v->plan.tickets);
    bench_close(v->pair.bench);
    tls_context_unref(v->visitor);
    SSL_SESSION_free(v->ticket);
    for (size_t i = 0; i < v->plan.count; i++) {
        unlink(v->files[i][0]);
        unlink(v->files[i][1]);
    }
    rmdir(v->folder);
    authority_done(&v->authority);
    talker_done(&v->pair.near);
    talker_done(&v->pair.far);
    mem_free(v);
}
