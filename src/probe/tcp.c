// SPDX-License-Identifier: Apache-2.0
/* A connection's opening, and nothing said over it. */
#include "base/mem.h"
#include "io/stream.h"
#include "probe/run_priv.h"

struct tcp {
    struct run run;
    struct stream_user user;
    struct stream *stream;
};

static struct tcp *tcp_of(struct run *run)
{
    return container_of(run, struct tcp, run);
}

static void tcp_open(struct stream_user *user)
{
    struct tcp *tcp = container_of(user, struct tcp, user);

    run_note_latency(&tcp->run);
    run_over(&tcp->run, PROBE_OK);
}

static void tcp_closed(struct stream_user *user, enum err why)
{
    struct tcp *tcp = container_of(user, struct tcp, user);

    tcp->stream = NULL;
    run_failed(&tcp->run, why, false);
}

/* The rest is never called: with its opening the stream is closed. */
static const struct stream_user_ops TCP_OPS = { .open = tcp_open, .closed = tcp_closed };

static struct run *tcp_create(void)
{
    return &mem_new(struct tcp)->run;
}

static void tcp_start(struct run *run)
{
    struct tcp *tcp = tcp_of(run);

    tcp->user.ops = &TCP_OPS;
    tcp->stream = stream_connect(run->loop, &run->check->to, &tcp->user);
}

static void tcp_drop(struct run *run)
{
    struct tcp *tcp = tcp_of(run);

    if (tcp->stream != NULL)
        stream_close(tcp->stream, false);
    mem_free(tcp);
}

const struct runner tcp_runner = { tcp_create, tcp_start, tcp_drop };
