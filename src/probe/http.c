// SPDX-License-Identifier: Apache-2.0
/*
 * One GET over a fresh connection. What is decided by the head ends the probe there; a body is
 * read to its end or to PROBE_BODY_MAX bytes, and searched as it comes. Load metrics are taken
 * from the head's field, whatever the status, and for CHECK_LOAD else from the body.
 */
#include "base/mem.h"
#include "base/writer.h"
#include "http/client.h"
#include "probe/needle.h"
#include "probe/run_priv.h"

enum { LOAD_BODY_MAX = 2048 };

static const char REQUEST_END[] = "\r\nUser-Agent: waypost-probe\r\nAccept: */*\r\n"
                                  "Connection: close\r\n\r\n";

struct http {
    struct run run;
    struct http_client_user user;
    struct http_client *client;
    struct needle needle;
    size_t body_bytes;
    char body[LOAD_BODY_MAX]; // its beginning, with CHECK_LOAD
};

static struct http *http_of(struct http_client_user *user)
{
    return container_of(user, struct http, user);
}

static void take_load(struct http *http, struct slice text)
{
    struct load_metrics load = { 0 };

    if (load_metrics_parse(text, &load))
        http->run.result.load = load;
    else
        http->run.load_is_wrong = true;
}

static bool has_load(const struct http *http)
{
    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++) {
        if (http->run.result.load.is_known[i])
            return true;
    }
    return false;
}

/* Nothing more is read; the answer is as it was expected as far as the head tells. */
static void conclude(struct http *http, bool is_whole)
{
    const struct check *check = http->run.check;

    if (check->kind == CHECK_LOAD && !has_load(http) && is_whole) {
        struct slice text = slice_of(http->body, http->body_bytes);

        while (text.length > 0 && (unsigned char)text.at[text.length - 1] <= ' ')
            text.length--;
        take_load(http, text);
    }
    bool is_there = http->needle.is_found && (check->kind != CHECK_LOAD || has_load(http));
    enum probe_outcome missing = is_whole ? PROBE_MISMATCH : PROBE_TOO_LONG;

    run_over(&http->run, is_there ? PROBE_OK : missing);
}

static void http_open(struct http_client_user *user)
{
    run_note_latency(&http_of(user)->run);
}

static void http_head(struct http_client_user *user, const struct http_head *head)
{
    struct http *http = http_of(user);

    for (size_t i = 0; i < head->field_count; i++) {
        if (slice_same(head->fields[i].name, SLICE("endpoint-load-metrics")))
            take_load(http, head->fields[i].value);
    }
    http->run.result.status = head->status;
    if (head->status != http->run.check->expect)
        run_over(&http->run, PROBE_STATUS);
}

static size_t http_body(struct http_client_user *user, struct slice bytes)
{
    struct http *http = http_of(user);
    const struct check *check = http->run.check;
    size_t most = check->kind == CHECK_LOAD ? LOAD_BODY_MAX : PROBE_BODY_MAX;
    bool is_over = bytes.length > most - http->body_bytes;

    bytes = slice_head(bytes, most - http->body_bytes);
    if (check->kind == CHECK_LOAD)
        memcpy(http->body + http->body_bytes, bytes.at, bytes.length);
    http->body_bytes += bytes.length;
    needle_read(&http->needle, check->match, bytes);
    if (is_over)
        conclude(http, false);
    return bytes.length;
}

static void http_done(struct http_client_user *user, enum err why, bool got_bytes)
{
    struct http *http = http_of(user);

    (void)got_bytes;
    http->client = NULL;
    if (why == ERR_NONE)
        conclude(http, true);
    else
        run_failed(&http->run, why, http->run.result.has_latency);
}

static const struct http_client_ops HTTP_OPS = {
    .head = http_head,
    .body = http_body,
    .done = http_done,
    .open = http_open,
};

static struct run *http_create(void)
{
    return &mem_new(struct http)->run;
}

/* How one asks. Of TLS each probe shows the whole: certificate, name and trust, as a fill would. */
static void http_start(struct run *run)
{
    struct http *http = container_of(run, struct http, run);
    const struct check *check = run->check;
    struct tls_client *trust = check->is_tls ? run_trust(run) : NULL;
    size_t room = sizeof "GET  HTTP/1.1\r\nHost: " + check->path.length + check->host.length +
                  sizeof REQUEST_END;
    char *head = mem_alloc(room);
    struct writer w = writer_on(head, room);

    write_slice(&w, SLICE("GET "));
    write_slice(&w, check->path);
    write_slice(&w, SLICE(" HTTP/1.1\r\nHost: "));
    write_slice(&w, check->host);
    write_slice(&w, slice_text(REQUEST_END));
    // The engine ends what takes longer than the whole may; so these never come first.
    struct http_client_request request = {
        .head = writer_slice(&w),
        .method = HTTP_GET,
        .times = { check->timeout, check->timeout, check->timeout },
        .tls = { trust, check->host },
    };

    needle_init(&http->needle, check->match);
    http->user.ops = &HTTP_OPS;
    if (check->is_tls && trust == NULL) {
        mem_free(head);
        run_over(run, PROBE_TLS);
        return;
    }
    http->client = http_client_start(run->loop, &check->to, NULL, &request, &http->user);
    mem_free(head);
}

static void http_drop(struct run *run)
{
    struct http *http = container_of(run, struct http, run);

    if (http->client != NULL)
        http_client_cancel(http->client);
    needle_done(&http->needle);
    mem_free(http);
}

const struct runner http_runner = { http_create, http_start, http_drop };
