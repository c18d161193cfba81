// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a client may do only so often, as each costs us more than it.
 */

#include <nghttp2/nghttp2.h>

#include "base/clock.h"

struct http2;

enum { HTTP2_RESETS_MAX = 1000 }; // more than were answered

enum http2_flood {
    HTTP2_FLOOD_RESET, // its own, and those that it provokes
    HTTP2_FLOOD_PING,
    HTTP2_FLOOD_SETTINGS,
    HTTP2_FLOOD_EMPTY,
    HTTP2_FLOOD_PRIORITY,
    HTTP2_FLOOD_HEADERS, // a header block that unpacks to more than HTTP2_BLOCK_MAX
    HTTP2_FLOOD_COUNT
};

struct http2_floods {
    uint32_t counts[HTTP2_FLOOD_COUNT]; // in the second that began then:
    struct instant since;
    uint32_t resets; // less what was answered
};

/* Once more; beyond the limit the connection is told to calm down. */
void http2_flood(struct http2 *h2, enum http2_flood flood);
