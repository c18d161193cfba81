// SPDX-License-Identifier: Apache-2.0
/* Server-sent events (HTML §9.2) as our own nodes send them: a line of data in each, ended by line
 * feeds. */
#include <stdio.h>

#include "admin/client_priv.h"
#include "base/mem.h"
#include "wire/http_chunk.h"
#include "wire/http_head.h"

/* How the body stands in the connection. */
struct body {
    struct http_chunk chunk;
    bool is_chunked;
    bool is_over;
};

/* The data line of an event; false: it has none, as a comment. */
static bool find_data(struct slice event, struct slice *data)
{
    struct slice line;

    while (slice_cut(&event, '\n', &line))
        if (slice_starts(line, SLICE("data:"))) {
            *data = slice_trim(slice_from(line, SLICE("data:").length));
            return true;
        }
    return false;
}

static void drop_front(struct text *pending, size_t count)
{
    memmove(pending->at, pending->at + count, pending->length - count);
    pending->length -= count;
}

enum err client_hear(struct client_hearing *hearing, struct slice bytes)
{
    struct text *pending = &hearing->pending;
    size_t begun = 0, looked = pending->length > 0 ? pending->length - 1 : 0;
    struct slice data;

    text_add(pending, bytes);
    for (size_t at = looked; at + 1 < pending->length && !hearing->has_enough; at++) {
        if (pending->at[at] != '\n' || pending->at[at + 1] != '\n')
            continue;
        if (find_data(slice_of(pending->at + begun, at - begun), &data))
            hearing->has_enough = !hearing->listener->heard(hearing->listener, data);
        begun = at + 2;
    }
    if (begun > 0)
        drop_front(pending, begun);
    return pending->is_full ? ERR_LIMIT : ERR_NONE;
}

/* Bytes behind the head. */
static enum err take_body(
    struct client_call *call, struct body *body, struct client_hearing *hearing, struct slice bytes)
{
    enum err err = ERR_NONE;

    if (!body->is_chunked)
        err = client_hear(hearing, bytes);
    while (body->is_chunked && bytes.length > 0 && err == ERR_NONE && !body->is_over) {
        struct slice data;
        enum http_chunk_step step = http_chunk_next(&body->chunk, &bytes, &data);

        body->is_over = step == HTTP_CHUNK_DONE;
        if (step == HTTP_CHUNK_BAD)
            err = ERR_PARSE;
        if (step != HTTP_CHUNK_DATA)
            break;
        err = client_hear(hearing, data);
        http_chunk_take(&body->chunk, &bytes, data.length);
    }
    if (err != ERR_NONE)
        diag_say(call->why, "%s: what it says is none of ours: %s", call->name, err_text(err));
    return err;
}

/* The answer's head, and what has come behind it. */
static enum err receive_head(
    struct client_call *call, struct text *came, struct http_head *head, struct slice *rest)
{
    char buffer[4096];
    size_t got;

    for (;;) {
        enum http_parse step = http_response_parse(text_slice(came), 0, head);

        if (step == HTTP_PARSE_DONE) {
            *rest = slice_from(text_slice(came), head->length);
            return ERR_NONE;
        }
        TRY(client_call_receive(call, buffer, sizeof buffer, &got));
        text_add(came, slice_of(buffer, got));
        if (got == 0 || step != HTTP_PARSE_MORE || came->is_full) {
            diag_say(
                call->why, "%s: the answer is none of ours; is it a node's admin?", call->name);
            return ERR_PARSE;
        }
    }
}

static enum err listen_here(struct client_call *call, const struct http_head *head,
    struct slice rest, struct client_hearing *hearing)
{
    struct body body = { .is_over = false };
    char buffer[16 * 1024];
    uint64_t length;
    size_t got;

    body.is_chunked = http_response_framing(head, HTTP_GET, &length) == HTTP_BODY_CHUNKED;
    http_chunk_init(&body.chunk);
    for (;;) {
        TRY(take_body(call, &body, hearing, rest));
        if (hearing->has_enough)
            return ERR_NONE;
        client_call_be_patient(call);
        got = 0;
        if (!body.is_over)
            TRY(client_call_receive(call, buffer, sizeof buffer, &got));
        if (got == 0) {
            diag_say(call->why, "%s has ended", call->name);
            return ERR_CLOSED;
        }
        rest = slice_of(buffer, got);
    }
}

/* One that is no stream is asked for once more, to be read whole. */
static enum err refuse(const struct client_ask *ask, struct client_answer *answer, struct diag *why)
{
    TRY(client_ask(ask, answer, why));
    diag_say(why, "the node answered with status %d", answer->status);
    return ERR_REFUSED;
}

static enum err ask_here(const struct client_ask *ask, struct client_hearing *hearing,
    struct client_answer *answer, struct diag *why)
{
    struct client_call call;
    struct http_head head = { 0 };
    struct slice rest = { 0 };
    struct text came;
    enum err err;

    text_init(&came, HTTP_HEAD_MAX + CLIENT_EVENT_MAX);
    err = client_call_begin(&call, ask, why);
    if (err == ERR_NONE)
        err = receive_head(&call, &came, &head, &rest);
    bool is_refused = err == ERR_NONE && head.status != 200;

    if (err == ERR_NONE && !is_refused)
        err = listen_here(&call, &head, rest, hearing);
    client_call_end(&call);
    text_done(&came);
    return is_refused ? refuse(ask, answer, why) : err;
}

static enum err ask_afar(const struct client_ask *ask, struct client_hearing *hearing,
    struct client_answer *answer, struct diag *why)
{
    TRY(client_ask_afar(ask, hearing, answer, why));
    if (hearing->has_enough)
        return ERR_NONE;
    if (answer->status != 200) {
        diag_say(why, "%s answered with status %d", ask->url, answer->status);
        return ERR_REFUSED;
    }
    diag_say(why, "%s has ended", ask->url);
    return ERR_CLOSED;
}

enum err client_listen(const struct client_ask *ask, struct client_listener *listener,
    struct client_answer *answer, struct diag *why)
{
    struct client_hearing hearing = { .listener = listener };

    *answer = (struct client_answer){ 0 };
    text_init(&hearing.pending, CLIENT_EVENT_MAX);
    enum err err = (ask->url != NULL ? ask_afar : ask_here)(ask, &hearing, answer, why);

    text_done(&hearing.pending);
    return err;
}
