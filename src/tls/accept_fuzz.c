// SPDX-License-Identifier: Apache-2.0
/*
 * What a stranger may send to a server of ours, in a simulated world. The first byte tells whether
 * a true handshake comes before: then what follows are records that no key of it has sealed. The
 * second says how the network cuts the bytes, those of a true handshake aside, which would take all
 * the time. Whatever comes, nothing of it is handed over, and nothing leaks.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"
#include "tls/authority_test.h"
#include "tls/client.h"
#include "tls/server.h"
#include "tls/tickets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIDES = 2 };

/* Either end of the connection. */
struct end {
    struct stream_user user;
    struct stream *stream;
    struct slice out;
    size_t heard;
    bool is_open, is_over;
};

/* Certificates are made once: they cost more than all the rest. */
struct shared {
    struct authority authority;
    struct tls_server *server;
    struct tls_client *client;
};

struct world {
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernels[SIDES];
    struct loop *loops[SIDES];
    struct listener_user listener;
    struct tls_counts counts;
    const struct shared *shared;
    struct end near, far;
};

static struct end *end_of(struct stream_user *user)
{
    return container_of(user, struct end, user);
}

static void on_open(struct stream_user *user)
{
    end_of(user)->is_open = true;
}

static size_t on_data(struct stream_user *user, struct slice bytes)
{
    end_of(user)->heard += bytes.length;
    return bytes.length;
}

static void on_end(struct stream_user *user)
{
    stream_finish(end_of(user)->stream);
}

static size_t on_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct slice out = end_of(user)->out;

    iov[0] = stream_iovec(out);
    return out.length > 0 && most > 0 ? 1 : 0;
}

static void on_sent(struct stream_user *user, size_t bytes)
{
    end_of(user)->out = slice_from(end_of(user)->out, bytes);
}

static void on_closed(struct stream_user *user, enum err why)
{
    (void)why;
    end_of(user)->is_over = true;
}

static const struct stream_user_ops OPS = {
    .open = on_open,
    .data = on_data,
    .end = on_end,
    .pull = on_pull,
    .sent = on_sent,
    .closed = on_closed,
};

static struct stream_user *accept_one(struct listener_user *user, struct stream *stream)
{
    struct world *w = container_of(user, struct world, listener);
    const struct tls_accept how = { &w->counts, loop_wall(w->loops[1]), true };
    struct stream_filter *filter = tls_server_filter(w->shared->server, &how);

    stream_filter_set(stream, &filter);
    w->far.stream = stream;
    return &w->far.user;
}

static const struct shared *shared_get(struct wall now)
{
    static struct shared shared;
    static const struct slice NAMES[] = { { "good.test", 9 } };
    char cert_file[] = "/tmp/accept-fuzz-XXXXXX", key_file[] = "/tmp/accept-fuzz-XXXXXX";
    struct tls_verdict verdict;

    if (shared.server != NULL)
        return &shared;
    authority_init(&shared.authority, "ours", now);
    close(mkstemp(cert_file));
    close(mkstemp(key_file));
    authority_issue(
        &shared.authority, &(struct claim){ .names = "DNS:good.test" }, cert_file, key_file);
    const struct tls_certificate certificate = { .names = NAMES,
        .name_count = 1,
        .cert_file = slice_text(cert_file),
        .key_file = slice_text(key_file),
        .is_default = true };
    const struct tls_trust trust = { .ca_file = slice_text(shared.authority.file) };
    struct tls_tickets *tickets = tls_tickets_new(now);
    const struct tls_server_plan plan = { .certificates = &certificate,
        .count = 1,
        .tickets = tickets,
        .plain_reply = SLICE("HTTP/1.1 400 Bad Request\r\n\r\n") };
    enum err err = tls_server_new(&plan, now, &shared.server, &verdict, NULL);

    if (err == ERR_NONE)
        err = tls_client_new(&trust, &shared.client, NULL);
    assert(err == ERR_NONE && verdict.fitness != TLS_FITNESS_UNUSABLE);
    tls_tickets_unref(tickets);
    unlink(shared.authority.file);
    unlink(cert_file);
    unlink(key_file);
    return &shared;
}

static void world_open(struct world *w, uint8_t seed)
{
    *w = (struct world){ .listener = { accept_one }, .near.user = { &OPS }, .far.user = { &OPS } };
    epoch_init(&w->epoch);
    w->sim = sim_new(seed);
    for (unsigned i = 0; i < SIDES; i++) {
        w->kernels[i] = sim_kernel(w->sim, &(struct ip){ IP_V4, { 10, 0, 0, (uint8_t)i } });
        w->loops[i] = loop_new(w->kernels[i], &w->epoch, i);
        sim_kernel_turns(w->kernels[i], w->loops[i]);
    }
    w->shared = shared_get(loop_wall(w->loops[0]));
}

static void world_close(struct world *w)
{
    for (unsigned i = 0; i < SIDES; i++) {
        loop_free(w->loops[i]);
        kernel_free(w->kernels[i]);
    }
    assert(sim_descriptors(w->sim) == 0);
    sim_free(w->sim);
    epoch_done(&w->epoch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct endpoint at = { { IP_V4, { 10, 0, 0, 1 } }, 443 };
    struct listener *listener;
    struct world w;

    if (size < 2)
        return 0;
    bool is_greeted = data[0] % 2 == 1;
    struct slice bytes = slice_of(data + 2, size - 2);

    world_open(&w, data[1]);
    enum err err = listener_open(w.loops[1], &at, &w.listener, &listener);

    assert(err == ERR_NONE);
    w.near.stream = stream_connect(w.loops[0], &at, &w.near.user);
    if (is_greeted) {
        const struct tls_name to = { w.shared->client, SLICE("good.test") };
        struct stream_filter *filter = tls_client_filter(&to, loop_wall(w.loops[0]));
        SSL *ssl = tls_filter_of(filter)->ssl;

        stream_filter_set(w.near.stream, &filter);
        sim_run_for(w.sim, span_s(1));
        assert(w.near.is_open && w.far.is_open);
        if (bytes.length > 0)
            tls_filter_say(BIO_get_data(SSL_get_wbio(ssl)), bytes);
        w.near.out = SLICE("true");
    } else {
        w.near.out = bytes;
    }
    sim_link_set(w.sim, NULL, NULL, &(struct sim_link){ .chunk_max = data[1] });
    stream_ready(w.near.stream);
    stream_finish(w.near.stream);
    sim_run_for(w.sim, span_s(1));
    assert(is_greeted || !w.far.is_open);
    assert(w.far.heard == (is_greeted && bytes.length == 0 ? 4 : 0));
    listener_close(listener);
    world_close(&w);
    return 0;
}
