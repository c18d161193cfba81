// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"
#include "http/server_priv.h"

#define SERVER_ROW(field, name, labels, help) \
    COUNTER_ROW(struct http_server_counts, field, name, labels, help),

const struct counter_row http_server_counter_rows[] = { HTTP_SERVER_COUNTERS(SERVER_ROW)
        HTTP2_SERVER_COUNTERS(SERVER_ROW) };
const size_t http_server_counter_row_count = COUNT_OF(http_server_counter_rows);

struct http_task *http_task_new(struct http_connection *c)
{
    struct http_server *server = c->server;
    struct http_task *task = server->free;

    if (task == NULL) {
        task = mem_new(struct http_task);
        arena_init(&task->x.arena, server->limits.arena_bytes);
    } else {
        server->free = task->next;
        server->free_count--;
        struct arena arena = task->x.arena; // with the block it kept

        *task = (struct http_task){ .x.arena = arena };
    }
    task->connection = c;
    list_init(&task->doomed);
    task->x.carrier = &http1_carrier;
    task->x.loop = server->loop;
    if (c->last == NULL)
        c->first = task;
    else
        c->last->next = task;
    c->last = task;
    c->task_count++;
    return task;
}

void http_task_free(struct http_task *task)
{
    struct http_connection *c = task->connection;
    struct http_server *server = c->server;

    assert(c->first == task);
    c->first = task->next;
    if (c->first == NULL)
        c->last = NULL;
    c->task_count--;
    list_remove(&task->doomed);
    mem_free(task->own);
    if (server->free_count == HTTP_EXCHANGES_FREE_MAX) {
        arena_done(&task->x.arena);
        mem_free(task);
        return;
    }
    arena_reset(&task->x.arena);
    task->own = NULL;
    task->next = server->free;
    server->free = task;
    server->free_count++;
}

void http_task_doom(struct http_task *task)
{
    struct http_server *server = task->connection->server;

    if (!list_empty(&task->doomed))
        return;
    list_append(&server->doomed, &task->doomed);
    timer_set(server->loop, &server->doom, loop_now(server->loop));
}

static void cut_doomed(struct timer *timer)
{
    struct http_server *server = container_of(timer, struct http_server, doom);
    struct list *link;

    while ((link = list_pop(&server->doomed)) != NULL)
        http_connection_close(container_of(link, struct http_task, doomed)->connection, true);
}

/* True for one on which nothing is being answered: idle, or still to say what it wants. */
static bool is_expendable(const struct http_connection *c)
{
    if (c->h2 != NULL)
        return http2_is_idle(c);
    return c->first == NULL && !c->is_finishing;
}

static bool is_idle(const struct http_connection *c)
{
    if (c->h2 != NULL)
        return http2_is_idle(c);
    return c->first == NULL && c->seen == 0 && !c->is_finishing;
}

/* Makes room for a new connection; false when none was found that nothing is owed to. */
static bool evict(struct http_server *server)
{
    struct http_connection *longest = NULL;

    for (unsigned tries = 0; tries < HTTP_EVICT_TRIES && !list_empty(&server->connections);
         tries++) {
        struct list *link = list_take(&server->connections);
        struct http_connection *c = container_of(link, struct http_connection, link);

        list_append(&server->connections, link);
        if (is_expendable(c) && (longest == NULL || c->at.ns < longest->at.ns))
            longest = c;
    }
    if (longest == NULL)
        return false;
    counter_up(&server->counts.evicted);
    http_connection_close(longest, false);
    return true;
}

static struct stream_user *accept_stream(struct listener_user *user, struct stream *stream)
{
    struct http_server *server = container_of(user, struct http_server, listener);
    struct ip client = stream_peer(stream).ip;

    if (!http_guard_enter(&server->guard, &client, server->limits.per_client)) {
        counter_up(&server->counts.turned_away_client);
        return NULL;
    }
    if (server->open_count >= server->limits.connections && !evict(server)) {
        counter_up(&server->counts.turned_away);
        http_guard_leave(&server->guard, &client);
        return NULL;
    }
    return &http_connection_new(server, stream)->user;
}

static void turn_begins(struct loop_hook *hook)
{
    container_of(hook, struct http_server, hook)->is_late = false;
}

static void turn_ends(struct loop_hook *hook)
{
    container_of(hook, struct http_server, hook)->is_late = true;
}

void http_server_limit(struct http_server *server, const struct http_server_limits *limits)
{
    assert(limits->connections > 0 && limits->pipelined > 0);
    assert(
        limits->stall.ns >= 0 && limits->stall.ns / 1000000000 <= UINT32_MAX / (limits->rate + 1));
    server->limits = *limits;
    server->progress_bytes = (uint32_t)(limits->stall.ns / 1000000 * limits->rate / 1000);
}

struct http_server *http_server_new(
    struct loop *loop, struct http_service *service, const struct http_server_limits *limits)
{
    struct http_server *server = mem_new(struct http_server);

    server->loop = loop;
    server->service = service;
    http_server_limit(server, limits);
    http_guard_init(&server->guard, hash_seed_random());
    server->listener.accept = accept_stream;
    list_init(&server->connections);
    list_init(&server->doomed);
    server->doom.fire = cut_doomed;
    server->is_late = true;
    server->hook.begin = turn_begins;
    server->hook.end = turn_ends;
    loop_hook_add(loop, &server->hook);
    return server;
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    while (!list_empty(&server->connections))
        http_connection_close(
            container_of(server->connections.next, struct http_connection, link), false);
    timer_clear(server->loop, &server->doom);
    loop_hook_remove(server->loop, &server->hook);
    http_guard_done(&server->guard);
    for (struct http_task *task = server->free, *next; task != NULL; task = next) {
        next = task->next;
        arena_done(&task->x.arena);
        mem_free(task);
    }
    http2_shared_free(server->h2);
    mem_free(server);
}

struct listener_user *http_server_listener(struct http_server *server)
{
    return &server->listener;
}

void http_server_drain(struct http_server *server)
{
    if (!server->is_draining)
        server->drained_at = loop_now(server->loop);
    server->is_draining = true;
    list_each_safe (link, &server->connections) {
        struct http_connection *c = container_of(link, struct http_connection, link);

        if (c->h2 != NULL)
            http2_drain(c);
        else if (is_idle(c))
            http_connection_close(c, false);
        else if (c->is_upgraded)
            http_connection_settle(c); // what it speaks has no word for this: it gets a while
    }
}

void http_server_resume(struct http_server *server)
{
    server->is_draining = false;
}

size_t http_server_open_count(const struct http_server *server)
{
    return server->open_count;
}

struct http_server_counts *http_server_counts(struct http_server *server)
{
    return &server->counts;
}
