// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "http/http2_flood_priv.h"
#include "http/http2_priv.h"

enum { HEAD_BYTES = HTTP2_FRAME_HEAD, TYPE_AT = 3, FLAGS_AT = 4, STREAM_AT = 5 };

/* A second's worth. Browsers that leave a page reset all its streams at once; nobody pings, or
 * changes settings, more than a few times. */
static const uint32_t FLOODS_MAX[HTTP2_FLOOD_COUNT] = {
    [HTTP2_FLOOD_RESET] = 250,
    [HTTP2_FLOOD_PING] = 50,
    [HTTP2_FLOOD_SETTINGS] = 20,
    [HTTP2_FLOOD_EMPTY] = 100,
    [HTTP2_FLOOD_PRIORITY] = 500,
    [HTTP2_FLOOD_HEADERS] = 0,
    [HTTP2_FLOOD_WINDOW] = 500,
    [HTTP2_FLOOD_TRAILERS] = 500,
    [HTTP2_FLOOD_GOAWAY] = 10,
    [HTTP2_FLOOD_UNKNOWN] = 50,
};

static struct counter *counter_of(struct http_server_counts *counts, enum http2_flood flood)
{
    switch (flood) {
    case HTTP2_FLOOD_RESET: return &counts->h2_floods_reset;
    case HTTP2_FLOOD_PING: return &counts->h2_floods_ping;
    case HTTP2_FLOOD_SETTINGS: return &counts->h2_floods_settings;
    case HTTP2_FLOOD_EMPTY: return &counts->h2_floods_empty;
    case HTTP2_FLOOD_PRIORITY: return &counts->h2_floods_priority;
    case HTTP2_FLOOD_WINDOW: return &counts->h2_floods_window;
    case HTTP2_FLOOD_TRAILERS: return &counts->h2_floods_trailers;
    case HTTP2_FLOOD_GOAWAY: return &counts->h2_floods_goaway;
    case HTTP2_FLOOD_UNKNOWN: return &counts->h2_floods_unknown;
    case HTTP2_FLOOD_HEADERS:
    case HTTP2_FLOOD_COUNT: break;
    }
    return &counts->h2_floods_headers;
}

void http2_flood(struct http2 *h2, enum http2_flood flood)
{
    struct http2_floods *f = &h2->floods;
    struct instant now = loop_now(http2_server(h2)->loop);

    if (instant_since(f->since, now).ns >= span_ms(1000).ns) {
        memset(f->counts, 0, sizeof f->counts);
        f->since = now;
    }
    f->resets += flood == HTTP2_FLOOD_RESET;
    if (++f->counts[flood] <= FLOODS_MAX[flood] && f->resets <= HTTP2_RESETS_MAX)
        return;
    if (!h2->is_ending)
        counter_up(counter_of(&http2_server(h2)->counts, flood));
    http2_terminate(h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

void http2_flood_earn(struct http2 *h2, size_t windows)
{
    struct http2_floods *f = &h2->floods;

    f->windows += (uint32_t)(windows < HTTP2_WINDOWS_MAX ? windows : HTTP2_WINDOWS_MAX);
    if (f->windows > HTTP2_WINDOWS_MAX)
        f->windows = HTTP2_WINDOWS_MAX;
}

static void window_widened(struct http2 *h2)
{
    if (h2->floods.windows > 0)
        h2->floods.windows--;
    else
        http2_flood(h2, HTTP2_FLOOD_WINDOW);
}

static uint32_t number_at(const uint8_t *at, size_t bytes)
{
    uint32_t number = 0;

    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

/* A header block that begins no stream ends one, or comes for one that is over. */
static void block_begins(struct http2 *h2, uint32_t stream)
{
    struct http2_floods *f = &h2->floods;

    if (stream <= f->newest) {
        http2_flood(h2, HTTP2_FLOOD_TRAILERS);
        return;
    }
    f->newest = stream;
    http2_flood_earn(h2, HTTP2_WINDOWS_REQUEST);
}

static void data_begins(struct http2 *h2, const uint8_t *head, uint32_t length)
{
    bool is_padded = (head[FLAGS_AT] & NGHTTP2_FLAG_PADDED) != 0;
    bool is_empty = length == 0 || (is_padded && length == 1U + head[HEAD_BYTES]);

    if (is_empty && (head[FLAGS_AT] & NGHTTP2_FLAG_END_STREAM) == 0)
        http2_flood(h2, HTTP2_FLOOD_EMPTY);
}

static void frame_begins(struct http2 *h2, const uint8_t *head, uint32_t length)
{
    uint32_t stream = number_at(head + STREAM_AT, 4) & INT32_MAX;

    switch (head[TYPE_AT]) {
    case NGHTTP2_DATA: data_begins(h2, head, length); break;
    case NGHTTP2_HEADERS: block_begins(h2, stream); break;
    case NGHTTP2_CONTINUATION: break; // nghttp2 takes a few of them for each header block
    case NGHTTP2_RST_STREAM: http2_flood(h2, HTTP2_FLOOD_RESET); break;
    case NGHTTP2_PRIORITY:
        if (stream == 0) // RFC 9113 §6.3, where nghttp2 looks away
            http2_terminate(h2, NGHTTP2_PROTOCOL_ERROR);
        http2_flood(h2, HTTP2_FLOOD_PRIORITY);
        break;
    case NGHTTP2_PRIORITY_UPDATE: http2_flood(h2, HTTP2_FLOOD_PRIORITY); break;
    case NGHTTP2_PING: http2_flood(h2, HTTP2_FLOOD_PING); break;
    case NGHTTP2_SETTINGS: http2_flood(h2, HTTP2_FLOOD_SETTINGS); break;
    case NGHTTP2_WINDOW_UPDATE: window_widened(h2); break;
    case NGHTTP2_GOAWAY: http2_flood(h2, HTTP2_FLOOD_GOAWAY); break;
    default: http2_flood(h2, HTTP2_FLOOD_UNKNOWN); break;
    }
}

/* Of a frame whose head is known: the length of its padding, which comes behind the head. */
static size_t head_wanted(const struct http2_floods *f)
{
    bool is_padded = f->head_length >= HEAD_BYTES && f->head[TYPE_AT] == NGHTTP2_DATA &&
                     (f->head[FLAGS_AT] & NGHTTP2_FLAG_PADDED) != 0 && number_at(f->head, 3) > 0;

    return is_padded ? HEAD_BYTES + 1 : HEAD_BYTES;
}

void http2_flood_see(struct http2 *h2, struct slice bytes)
{
    struct http2_floods *f = &h2->floods;

    while (bytes.length > 0 && !h2->is_deaf) {
        if (f->skip > 0) {
            uint32_t skip = f->skip < bytes.length ? f->skip : (uint32_t)bytes.length;

            f->skip -= skip;
            bytes = slice_from(bytes, skip);
            continue;
        }
        size_t wanted = head_wanted(f) - f->head_length;
        size_t part = wanted < bytes.length ? wanted : bytes.length;

        memcpy(f->head + f->head_length, bytes.at, part);
        f->head_length = (uint8_t)(f->head_length + part);
        bytes = slice_from(bytes, part);
        if (f->head_length < head_wanted(f))
            continue;
        uint32_t length = number_at(f->head, 3);

        f->skip = length - (f->head_length - HEAD_BYTES);
        f->head_length = 0;
        frame_begins(h2, f->head, length);
    }
}

void http2_floods_init(struct http2_floods *floods, struct instant now)
{
    *floods = (struct http2_floods){ .since = now, .skip = NGHTTP2_CLIENT_MAGIC_LEN };
}
