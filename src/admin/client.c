// SPDX-License-Identifier: Apache-2.0
#include "admin/client.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "admin/client_priv.h"
#include "admin/json.h"
#include "admin/text.h"
#include "admin/token.h"
#include "base/mem.h"
#include "wire/http_head.h"

static struct instant clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct instant){ (int64_t)now.tv_sec * 1000000000 + now.tv_nsec };
}

/* Until the socket can be written or read, as `events` says. */
static enum err wait_for(struct client_call *call, short events)
{
    struct pollfd poll_fd = { .fd = call->fd, .events = events };

    for (;;) {
        struct span left = instant_since(clock_now(), call->deadline);
        int count = left.ns <= 0 ? 0 : poll(&poll_fd, 1, (int)(left.ns / 1000000) + 1);

        if (count > 0)
            return ERR_NONE;
        if (count == 0) {
            diag_say(call->why,
                "%s has not answered within %d s: the node is stuck or very busy; look at its log",
                call->name, (int)(call->ask->patience.ns / 1000000000));
            return ERR_TIMEOUT;
        }
        if (errno != EINTR)
            return err_from_errno(errno);
    }
}

/* Why nothing could be connected to, with the mend. */
static enum err explain_connect(const struct client_call *call, int number)
{
    switch (number) {
    case ENOENT:
        diag_say(call->why,
            "no node runs here: %s does not exist; start one with `waypost run`, or name the "
            "configuration of the one that runs with -c FILE",
            call->name);
        break;
    case ECONNREFUSED:
        diag_say(call->why,
            "no node answers at %s: it has ended; start it again with `waypost run`", call->name);
        break;
    case EACCES:
    case EPERM:
        diag_say(call->why,
            "%s may not be opened by this user; ask as the user the node runs as, or as root",
            call->name);
        break;
    default: diag_say(call->why, "%s cannot be connected to: %s", call->name, strerror(number));
    }
    return err_from_errno(number);
}

static enum err connect_to(
    struct client_call *call, const struct sockaddr *address, socklen_t length)
{
    call->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (call->fd < 0)
        return explain_connect(call, errno);
    if (connect(call->fd, address, length) == 0)
        return ERR_NONE;
    if (errno != EINPROGRESS && errno != EAGAIN)
        return explain_connect(call, errno);
    TRY(wait_for(call, POLLOUT));
    int number = 0;
    socklen_t size = sizeof number;

    getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &number, &size);
    return number == 0 ? ERR_NONE : explain_connect(call, number);
}

static enum err connect_unix(struct client_call *call)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(call->ask->socket) >= sizeof address.sun_path) {
        diag_say(call->why, "%s is longer than the path of a socket may be; set a shorter `state`",
            call->name);
        return ERR_LIMIT;
    }
    memcpy(address.sun_path, call->ask->socket, strlen(call->ask->socket));
    return connect_to(call, (const void *)&address, sizeof address);
}

static enum err connect_endpoint(struct client_call *call)
{
    const struct endpoint *to = &call->ask->endpoint;

    if (to->ip.family == IP_V4) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(to->port) };

        memcpy(&v4.sin_addr, to->ip.bytes, 4);
        return connect_to(call, (const void *)&v4, sizeof v4);
    }
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(to->port) };

    memcpy(&v6.sin6_addr, to->ip.bytes, 16);
    return connect_to(call, (const void *)&v6, sizeof v6);
}

/* After a call that failed: ERR_NONE when it is worth another try, once the socket is ready. */
static enum err retry(struct client_call *call, short events)
{
    if (errno == EAGAIN)
        return wait_for(call, events);
    if (errno == EINTR)
        return ERR_NONE;
    diag_say(call->why, "%s: %s", call->name, strerror(errno));
    return err_from_errno(errno);
}

static enum err send_request(struct client_call *call, const struct text *request)
{
    for (size_t sent = 0; sent < request->length;) {
        ssize_t went = send(call->fd, request->at + sent, request->length - sent, MSG_NOSIGNAL);

        if (went >= 0)
            sent += (size_t)went;
        else
            TRY(retry(call, POLLOUT));
    }
    return ERR_NONE;
}

enum err client_call_receive(struct client_call *call, char *room, size_t room_bytes, size_t *got)
{
    for (;;) {
        ssize_t came = recv(call->fd, room, room_bytes, 0);

        if (came >= 0) {
            *got = (size_t)came;
            return ERR_NONE;
        }
        TRY(retry(call, POLLIN));
    }
}

/* Until the other side ends, since it was asked to. */
static enum err receive_all(struct client_call *call, struct text *came)
{
    char buffer[16 * 1024];
    size_t got;

    for (;;) {
        TRY(client_call_receive(call, buffer, sizeof buffer, &got));
        if (got == 0)
            return ERR_NONE;
        text_add(came, slice_of(buffer, got));
        if (came->is_full) {
            diag_say(call->why, "the answer of %s is larger than %d MiB", call->name,
                CLIENT_ANSWER_MAX >> 20);
            return ERR_LIMIT;
        }
    }
}

/* The body at hand behind the head, whole. */
static enum err read_answer(
    const struct client_call *call, const struct text *came, struct client_answer *answer)
{
    struct http_head head;
    uint64_t length = 0;

    if (http_response_parse(text_slice(came), 0, &head) == HTTP_PARSE_DONE) {
        struct slice body = slice_from(text_slice(came), head.length);
        enum http_framing framing = http_response_framing(&head, HTTP_GET, &length);

        if (framing == HTTP_BODY_UNTIL_CLOSE)
            length = body.length;
        if ((framing == HTTP_BODY_LENGTH && body.length >= length) ||
            framing == HTTP_BODY_UNTIL_CLOSE || framing == HTTP_BODY_NONE) {
            answer->status = head.status;
            answer->body = slice_head(body, length);
            return ERR_NONE;
        }
    }
    diag_say(call->why,
        "%s: the answer is cut or is none of ours; is it a node's admin that "
        "listens there?",
        call->name);
    return ERR_PARSE;
}

/* Whose token is said asks as who has it. */
static enum err write_request(struct client_call *call, struct text *request)
{
    const struct client_ask *ask = call->ask;
    char *token = NULL;

    if (ask->token != NULL)
        TRY(admin_token_load(slice_text(ask->token), &token, call->why));
    text_say(request,
        "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s%s%s\r\n",
        ask->method, ask->path, ask->socket != NULL ? "localhost" : call->name, ask->body.length,
        token == NULL ? "" : "Authorization: Bearer ", token == NULL ? "" : token,
        token == NULL ? "" : "\r\n");
    text_add(request, ask->body);
    mem_free(token);
    return ERR_NONE;
}

enum err client_call_begin(struct client_call *call, const struct client_ask *ask, struct diag *why)
{
    struct text request;
    enum err err;

    *call = (struct client_call){ .ask = ask, .why = why, .fd = -1 };
    assert(ask->socket != NULL || ask->endpoint.ip.family != IP_NONE);
    call->name = ask->socket != NULL ? ask->socket : endpoint_text(&ask->endpoint, call->endpoint);
    client_call_be_patient(call);
    TRY(ask->socket != NULL ? connect_unix(call) : connect_endpoint(call));
    text_init(&request, HTTP_HEAD_MAX + ask->body.length);
    err = write_request(call, &request);
    if (err == ERR_NONE)
        err = send_request(call, &request);
    text_done(&request);
    return err;
}

void client_call_be_patient(struct client_call *call)
{
    call->deadline = instant_after(clock_now(), call->ask->patience);
}

void client_call_end(struct client_call *call)
{
    if (call->fd >= 0)
        close(call->fd);
}

enum err client_ask(const struct client_ask *ask, struct client_answer *answer, struct diag *why)
{
    struct client_call call;
    struct text came;
    enum err err;

    *answer = (struct client_answer){ 0 };
    if (ask->url != NULL)
        return client_ask_afar(ask, NULL, answer, why);
    text_init(&came, CLIENT_ANSWER_MAX);
    err = client_call_begin(&call, ask, why);
    if (err == ERR_NONE)
        err = receive_all(&call, &came);
    if (err == ERR_NONE)
        err = read_answer(&call, &came, answer);
    if (err == ERR_NONE)
        answer->memory = came.at;
    else
        text_done(&came);
    client_call_end(&call);
    return err;
}

void client_answer_done(struct client_answer *answer)
{
    mem_free(answer->memory);
    *answer = (struct client_answer){ 0 };
}

void client_explain(const struct client_answer *answer, struct text *out)
{
    json_t *json = json_read(answer->body);
    const json_t *error = json_object_get(json, "error"), *place;
    size_t i;

    json_array_foreach (json_object_get(json, "errors"), i, place) {
        struct slice file = json_get_text(place, "file"), text = json_get_text(place, "text");

        text_say(out, "%.*s:", SLICE_ARG(file));
        if (json_get_number(place, "line") > 0)
            text_say(out, "%" PRIu64 ":%" PRIu64 ":", json_get_number(place, "line"),
                json_get_number(place, "column"));
        text_say(out, " %.*s\n", SLICE_ARG(text));
    }
    if (json_get_number(json, "more") > 0)
        text_say(out, "and %" PRIu64 " more\n", json_get_number(json, "more"));
    struct slice message = json_get_text(error, "message"), mend = json_get_text(error, "mend");

    if (message.length == 0)
        text_say(out, "the node answered with status %d\n", answer->status);
    else
        text_say(out, "%.*s; %.*s\n", SLICE_ARG(message), SLICE_ARG(mend));
    json_decref(json);
}
