// SPDX-License-Identifier: Apache-2.0
/* One request to an admin port elsewhere, by TLS and with the token: on a loop that lives as long
 * as the request does. */
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/client_priv.h"
#include "admin/text.h"
#include "admin/token.h"
#include "base/mem.h"
#include "http/client.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/stream.h"

enum { HOST_MAX = 256, ADDRESSES_MAX = 8, PORT_STANDARD = 443 };

struct afar {
    const struct client_ask *ask;
    struct http_client_user user;
    struct http_source source; // the request's body
    struct slice to_send;
    struct http_client *client;     // NULL: over
    struct client_hearing *hearing; // NULL: the whole answer is wanted
    struct instant deadline;
    struct loop *loop;
    struct text came;
    int status;
    enum err err, heard; // heard: of the events, so far
    char reason[DIAG_TEXT_MAX];
};

static void on_head(struct http_client_user *user, const struct http_head *head)
{
    container_of(user, struct afar, user)->status = head->status;
}

static size_t on_body(struct http_client_user *user, struct slice bytes)
{
    struct afar *a = container_of(user, struct afar, user);

    if (a->hearing == NULL || a->status != 200) {
        text_add(&a->came, bytes);
        return bytes.length;
    }
    a->deadline = instant_after(loop_now(a->loop), a->ask->patience);
    if (!a->hearing->has_enough)
        a->heard = client_hear(a->hearing, bytes);
    return bytes.length;
}

static void on_done(struct http_client_user *user, enum err why, bool)
{
    struct afar *a = container_of(user, struct afar, user);
    const char *more = http_client_why(a->client);

    a->err = why;
    snprintf(
        a->reason, sizeof a->reason, "%s%s%s", err_text(why), more[0] == '\0' ? "" : ": ", more);
    a->client = NULL;
}

static const struct http_client_ops OPS = { .head = on_head, .body = on_body, .done = on_done };

static size_t pull(struct http_source *source, struct iovec *iov, size_t, bool *is_last)
{
    struct afar *a = container_of(source, struct afar, source);

    iov[0] = stream_iovec(a->to_send);
    *is_last = true;
    return a->to_send.length > 0;
}

static void sent(struct http_source *source, size_t bytes)
{
    struct afar *a = container_of(source, struct afar, source);

    a->to_send = slice_from(a->to_send, bytes);
}

static const struct http_source_ops SOURCE_OPS = { .pull = pull, .sent = sent };

/* "https://HOST" or "https://HOST:PORT", with a slash at the end or without. */
static bool read_url(struct slice url, struct slice *host, uint16_t *port)
{
    struct slice rest = slice_from(url, strlen("https://"));
    struct endpoint literal;
    uint64_t number = PORT_STANDARD;

    if (!slice_starts(url, SLICE("https://")))
        return false;
    if (slice_ends(rest, SLICE("/")))
        rest = slice_head(rest, rest.length - 1);
    if (endpoint_parse(rest, PORT_STANDARD, &literal)) { // also an IPv6 address in brackets
        bool has_brackets = rest.at[0] == '[';

        *port = literal.port;
        *host = has_brackets ? slice_of(rest.at + 1, slice_find(rest, ']') - 1)
                             : slice_head(rest, slice_find(rest, ':'));
        return true;
    }
    size_t colon = slice_find(rest, ':');

    if (colon < rest.length &&
        (!slice_number(slice_from(rest, colon + 1), UINT16_MAX, &number) || number == 0))
        return false;
    *host = slice_head(rest, colon);
    *port = (uint16_t)number;
    return host->length > 0 && host->length < HOST_MAX && slice_find(*host, '/') == host->length;
}

static struct endpoint endpoint_of(const struct sockaddr *address, uint16_t port)
{
    struct endpoint at = { .port = port };

    if (address->sa_family == AF_INET) {
        at.ip.family = IP_V4;
        memcpy(at.ip.bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else {
        at.ip.family = IP_V6;
        memcpy(at.ip.bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    }
    return at;
}

/* The addresses of a name, in the system's order. */
static enum err resolve(
    struct slice host, uint16_t port, struct endpoint *list, size_t *count, struct diag *why)
{
    const struct addrinfo wants = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *found = NULL;
    char name[HOST_MAX];

    *count = 1;
    list[0].port = port;
    if (ip_parse(host, &list[0].ip))
        return ERR_NONE;
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(host));
    int outcome = getaddrinfo(name, NULL, &wants, &found);

    if (outcome != 0) {
        diag_say(why, "there is no address of %s: %s", name, gai_strerror(outcome));
        return ERR_MISSING;
    }
    *count = 0;
    for (const struct addrinfo *one = found; one != NULL && *count < ADDRESSES_MAX;
         one = one->ai_next)
        if (one->ai_family == AF_INET || one->ai_family == AF_INET6)
            list[(*count)++] = endpoint_of(one->ai_addr, port);
    freeaddrinfo(found);
    return *count > 0 ? ERR_NONE : ERR_MISSING;
}

static void write_head(struct text *out, const struct client_ask *ask, const char *token)
{
    struct slice authority = slice_from(slice_text(ask->url), strlen("https://"));

    if (slice_ends(authority, SLICE("/")))
        authority = slice_head(authority, authority.length - 1);
    text_say(out,
        "%s %s HTTP/1.1\r\nHost: %.*s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n"
        "Content-Length: %zu\r\n\r\n",
        ask->method, ask->path, SLICE_ARG(authority), token, ask->body.length);
}

/* Whoever listens wants no more, or cannot. */
static bool has_enough(const struct afar *a)
{
    return a->hearing != NULL && (a->hearing->has_enough || a->heard != ERR_NONE);
}

/* Asks one address, until it has answered or the time is up. */
static void try_one(struct afar *a, struct loop *loop, const struct endpoint *to,
    const struct http_client_request *request)
{
    a->loop = loop;
    a->deadline = instant_after(loop_now(loop), a->ask->patience);
    text_done(&a->came);
    text_init(&a->came, CLIENT_ANSWER_MAX);
    a->status = 0;
    a->to_send = a->ask->body;
    a->client = http_client_start(loop, to, NULL, request, &a->user);
    while (a->client != NULL && loop_now(loop).ns < a->deadline.ns && !has_enough(a))
        loop_turn(loop, instant_since(loop_now(loop), a->deadline));
    if (a->client == NULL)
        return;
    http_client_cancel(a->client);
    a->client = NULL;
    a->err = has_enough(a) ? a->heard : ERR_TIMEOUT;
    snprintf(a->reason, sizeof a->reason, "%s", err_text(a->err));
}

/* Asks addresses in turn, until one answers: what was not connected has heard nothing. */
static enum err try_all(struct afar *a, const struct endpoint *list, size_t count,
    const struct http_client_request *request)
{
    struct kernel *kernel;
    struct epoch epoch;

    TRY(kernel_epoll_new(&kernel));
    epoch_init(&epoch);
    struct loop *loop = loop_new(kernel, &epoch, 0);

    a->err = ERR_MISSING;
    for (size_t i = 0; i < count && (i == 0 || a->err == ERR_REFUSED || a->err == ERR_UNREACHABLE);
         i++)
        try_one(a, loop, &list[i], request);
    loop_free(loop);
    kernel_free(kernel);
    epoch_done(&epoch);
    return ERR_NONE;
}

static enum err ask_by(
    struct afar *a, const struct tls_name *to, uint16_t port, const char *token, struct diag *why)
{
    struct endpoint list[ADDRESSES_MAX];
    struct text head;
    size_t count;

    TRY(resolve(to->name, port, list, &count, why));
    text_init(&head, HTTP_HEAD_MAX);
    write_head(&head, a->ask, token);
    const struct http_client_request request = {
        .head = text_slice(&head),
        .method = strcmp(a->ask->method, "GET") == 0 ? HTTP_GET : HTTP_POST,
        .body = a->ask->body.length > 0 ? &a->source : NULL,
        .times = { a->ask->patience, a->ask->patience, a->ask->patience },
        .tls = *to,
    };
    enum err err = try_all(a, list, count, &request);

    text_done(&head);
    if (err == ERR_NONE)
        err = a->err;
    if (err == ERR_NONE && a->came.is_full)
        err = ERR_LIMIT;
    if (err != ERR_NONE)
        diag_say(why, "%s: %s; is it a node's admin port, and does --ca name who vouches for it?",
            a->ask->url, a->err == ERR_NONE ? err_text(err) : a->reason);
    return err;
}

enum err client_ask_afar(const struct client_ask *ask, struct client_hearing *hearing,
    struct client_answer *answer, struct diag *why)
{
    struct afar a = { .ask = ask, .hearing = hearing, .user.ops = &OPS, .source.ops = &SOURCE_OPS };
    struct tls_name to = { 0 };
    char *token = NULL;
    uint16_t port;

    if (!read_url(slice_text(ask->url), &to.name, &port)) {
        diag_say(why, "%s is no address such as https://fra1.example.net:8653", ask->url);
        return ERR_PARSE;
    }
    TRY(admin_token_load(slice_text(ask->token), &token, why));
    const struct tls_trust trust = { .ca_file =
                                         ask->ca == NULL ? SLICE_NONE : slice_text(ask->ca) };
    enum err err = tls_client_new(&trust, &to.client, why);

    text_init(&a.came, CLIENT_ANSWER_MAX);
    if (err == ERR_NONE)
        err = ask_by(&a, &to, port, token, why);
    if (err == ERR_NONE)
        *answer = (struct client_answer){ a.status, text_slice(&a.came), a.came.at };
    else
        text_done(&a.came);
    tls_client_unref(to.client);
    mem_free(token);
    return err;
}
