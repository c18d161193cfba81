// SPDX-License-Identifier: Apache-2.0
#include "dns/server.h"

#include <assert.h>

#include "base/list.h"
#include "base/mem.h"
#include "io/datagram.h"
#include "io/loop.h"
#include "io/stream.h"
#include "wire/dns_writer.h"

enum { LENGTH_SIZE = 2 }; // in front of each message on a stream

struct face {
    struct datagram_user datagrams;
    struct listener_user connections;
    struct datagram_socket *socket;
    struct listener *listener;
    struct dns_server *server;
};

struct dns_server {
    struct loop *loop;
    struct dns_source *source;
    struct dns_answerer answerer;
    struct dns_counts *counts;
    unsigned line; // in the usage
    struct face *faces;
    size_t face_count;
    struct list connections; // longest idle first
    size_t connection_count, connections_max;
    struct timer idle;
    char message[LENGTH_SIZE + DNS_MESSAGE_MAX]; // the answer in the making
};

struct connection {
    struct stream_user user;
    struct stream *stream;
    struct dns_server *server;
    struct dns_client client;
    struct list link;
    struct instant active; // when a query was completed or an answer taken, last
    char *out;             // answers; NULL when there are none
    size_t out_at, out_length, out_room;
    bool is_paused; // enough answers wait
    bool has_ended; // the other side will ask no more
};

static void server_refresh(struct dns_server *server)
{
    struct dns_source *source = server->source;

    server->answerer.zones = source->zones(source);
    server->answerer.map = source->map == NULL ? NULL : source->map(source);
}

/* Answers, and counts for the site what that gave out. */
static size_t answer(struct dns_server *server, const struct dns_client *client,
    struct slice message, char *out, size_t room)
{
    struct dns_answerer *answerer = &server->answerer;
    size_t length = dns_answer(answerer, client, message, out, room);
    const struct dns_given *given = &answerer->given;

    if (given->of != NULL && given->of->usage != NULL) {
        struct usage_line *line = usage_line(given->of->usage, server->line);

        counter_up(&line->of[USAGE_DNS_ANSWERS]);
        counter_add(&line->of[USAGE_DNS_ADDRESSES], given->addresses);
    }
    return length;
}

static void datagrams_answer(struct datagram_user *user, struct datagram *batch, size_t count)
{
    struct face *face = container_of(user, struct face, datagrams);
    struct dns_server *server = face->server;
    struct dns_client client = { .is_stream = false };

    server_refresh(server);
    for (size_t i = 0; i < count; i++) {
        struct datagram *datagram = &batch[i];

        client.address = datagram->peer->ip;
        datagram->out_length =
            answer(server, &client, datagram->in, datagram->out, DATAGRAM_OUT_MAX);
    }
}

static void connection_free(struct connection *c)
{
    list_remove(&c->link);
    c->server->connection_count--;
    mem_free(c->out);
    mem_free(c);
}

static void connection_close(struct connection *c, struct counter *counter)
{
    if (counter != NULL)
        counter_up(counter);
    stream_close(c->stream, false);
    connection_free(c);
}

static void connection_touch(struct connection *c)
{
    c->active = loop_now(c->server->loop);
    list_remove(&c->link);
    list_append(&c->server->connections, &c->link);
}

/* Appends an answer behind its length. */
static void answer_queue(struct connection *c, struct slice message)
{
    struct dns_server *server = c->server;
    size_t length =
        answer(server, &c->client, message, server->message + LENGTH_SIZE, DNS_MESSAGE_MAX);

    if (length == 0)
        return;
    dns_u16_put(server->message, (uint16_t)length);
    length += LENGTH_SIZE;
    if (c->out_length + length > c->out_room) {
        c->out_room = (c->out_length + length) * 2;
        c->out = mem_resize(c->out, c->out_room);
    }
    memcpy(c->out + c->out_length, server->message, length);
    c->out_length += length;
}

static struct connection *connection_of(struct stream_user *user)
{
    return container_of(user, struct connection, user);
}

static size_t connection_data(struct stream_user *user, struct slice bytes)
{
    struct connection *c = connection_of(user);
    struct slice rest = bytes;

    server_refresh(c->server);
    while (rest.length >= LENGTH_SIZE) {
        size_t length = dns_u16(rest.at);

        // Shorter than a header it is no message; longer than a stream keeps it never completes.
        if (length < DNS_HEADER_SIZE || length + LENGTH_SIZE > STREAM_KEEP_MAX) {
            connection_close(c, &c->server->counts->connections_malformed);
            return bytes.length;
        }
        if (length + LENGTH_SIZE > rest.length)
            break;
        if (c->out_length - c->out_at > DNS_PENDING_MAX) {
            c->is_paused = true;
            stream_pause(c->stream);
            break;
        }
        answer_queue(c, slice_head(slice_from(rest, LENGTH_SIZE), length));
        rest = slice_from(rest, LENGTH_SIZE + length);
    }
    if (rest.length < bytes.length)
        connection_touch(c);
    if (c->out_length > 0)
        stream_ready(c->stream);
    return bytes.length - rest.length;
}

static size_t connection_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct connection *c = connection_of(user);

    assert(most > 0);
    if (c->out == NULL)
        return 0;
    iov[0] = (struct iovec){ c->out + c->out_at, c->out_length - c->out_at };
    return 1;
}

static void connection_sent(struct stream_user *user, size_t bytes)
{
    struct connection *c = connection_of(user);

    c->out_at += bytes;
    if (bytes > 0)
        connection_touch(c);
    if (c->out_at < c->out_length)
        return;
    mem_free(c->out);
    c->out = NULL;
    c->out_at = c->out_length = c->out_room = 0;
    if (c->has_ended) {
        connection_close(c, NULL);
    } else if (c->is_paused) {
        c->is_paused = false;
        stream_resume(c->stream);
    }
}

static void connection_end(struct stream_user *user)
{
    struct connection *c = connection_of(user);

    c->has_ended = true;
    if (c->out == NULL)
        connection_close(c, NULL);
}

static void connection_closed(struct stream_user *user, enum err why)
{
    (void)why; // strangers come and go
    connection_free(connection_of(user));
}

static const struct stream_user_ops connection_ops = {
    .data = connection_data,
    .end = connection_end,
    .pull = connection_pull,
    .sent = connection_sent,
    .closed = connection_closed,
};

static void idle_set(struct dns_server *server)
{
    if (list_empty(&server->connections) || timer_is_set(&server->idle))
        return;
    const struct connection *oldest =
        container_of(server->connections.next, struct connection, link);

    timer_set(server->loop, &server->idle, instant_after(oldest->active, DNS_IDLE));
}

static void idle_fire(struct timer *timer)
{
    struct dns_server *server = container_of(timer, struct dns_server, idle);
    struct instant now = loop_now(server->loop);

    list_each_safe (link, &server->connections) {
        struct connection *c = container_of(link, struct connection, link);

        if (instant_since(c->active, now).ns < DNS_IDLE.ns)
            break;
        connection_close(c, &server->counts->connections_idle);
    }
    idle_set(server);
}

static struct stream_user *connection_accept(struct listener_user *user, struct stream *stream)
{
    struct face *face = container_of(user, struct face, connections);
    struct dns_server *server = face->server;

    counter_up(&server->counts->connections);
    if (server->connection_count == server->connections_max)
        connection_close(container_of(server->connections.next, struct connection, link),
            &server->counts->connections_limited);
    struct connection *c = mem_new(struct connection);

    c->user.ops = &connection_ops;
    c->stream = stream;
    c->server = server;
    c->client = (struct dns_client){ .address = stream_peer(stream).ip, .is_stream = true };
    list_init(&c->link);
    server->connection_count++;
    connection_touch(c);
    idle_set(server);
    return &c->user;
}

static enum err face_open(struct face *face, const struct endpoint *at, struct diag *why)
{
    struct loop *loop = face->server->loop;
    struct endpoint stream_at = *at;
    char text[ENDPOINT_TEXT_MAX];
    enum err err = datagram_open(loop, at, &face->datagrams, &face->socket);

    if (err == ERR_NONE) {
        stream_at.port = datagram_at(face->socket).port;
        err = listener_open(loop, &stream_at, &face->connections, &face->listener);
    }
    if (err != ERR_NONE)
        diag_say(why, "DNS at %s: %s", endpoint_text(at, text), err_text(err));
    return err;
}

enum err dns_server_start(struct loop *loop, const struct dns_server_options *options,
    struct dns_server **server, struct diag *why)
{
    struct dns_server *s = mem_new(struct dns_server);

    s->loop = loop;
    s->source = options->source;
    s->line = s->answerer.line = options->line;
    s->counts = s->answerer.counts = options->counts;
    s->connections_max =
        options->connections_max == 0 ? DNS_CONNECTIONS_MAX : options->connections_max;
    s->idle.fire = idle_fire;
    list_init(&s->connections);
    s->faces = mem_array(options->at_count, sizeof *s->faces);
    for (; s->face_count < options->at_count; s->face_count++) {
        struct face *face = &s->faces[s->face_count];

        face->server = s;
        face->datagrams.batch = datagrams_answer;
        face->connections.accept = connection_accept;
        enum err err = face_open(face, &options->at[s->face_count], why);

        if (err != ERR_NONE) {
            s->face_count++; // half open, and closed with the others
            dns_server_stop(s);
            return err;
        }
    }
    *server = s;
    return ERR_NONE;
}

void dns_server_stop(struct dns_server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->face_count; i++) {
        datagram_close(server->faces[i].socket);
        listener_close(server->faces[i].listener);
    }
    while (!list_empty(&server->connections))
        connection_close(container_of(server->connections.next, struct connection, link), NULL);
    timer_clear(server->loop, &server->idle);
    mem_free(server->faces);
    mem_free(server);
}

struct endpoint dns_server_at(const struct dns_server *server, size_t index)
{
    assert(index < server->face_count);
    return datagram_at(server->faces[index].socket);
}
