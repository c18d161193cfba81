// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "http/http2_flood_priv.h"
#include "http/http2_priv.h"

/* A second's worth. Browsers that leave a page reset all its streams at once; nobody pings, or
 * changes settings, more than a few times. */
static const uint32_t FLOODS_MAX[HTTP2_FLOOD_COUNT] = {
    [HTTP2_FLOOD_RESET] = 250,
    [HTTP2_FLOOD_PING] = 50,
    [HTTP2_FLOOD_SETTINGS] = 20,
    [HTTP2_FLOOD_EMPTY] = 100,
    [HTTP2_FLOOD_PRIORITY] = 500,
    [HTTP2_FLOOD_HEADERS] = 0,
};

static struct counter *counter_of(struct http_server_counts *counts, enum http2_flood flood)
{
    switch (flood) {
    case HTTP2_FLOOD_RESET: return &counts->h2_floods_reset;
    case HTTP2_FLOOD_PING: return &counts->h2_floods_ping;
    case HTTP2_FLOOD_SETTINGS: return &counts->h2_floods_settings;
    case HTTP2_FLOOD_EMPTY: return &counts->h2_floods_empty;
    case HTTP2_FLOOD_PRIORITY: return &counts->h2_floods_priority;
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
