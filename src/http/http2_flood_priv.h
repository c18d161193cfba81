// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a client may do only so often, as each costs us more than it. The heads of frames are read
 * here, as nghttp2 passes many frames over in silence: those of kinds that it does not know, and
 * those on streams that it has forgotten.
 *
 * Who downloads much widens windows much. So WINDOW_UPDATEs are earned by what is sent: a client
 * may say one for each half KiB that came, and two for each frame that its windows did not cut
 * short, and what it says beyond that is a flood.
 */

#include <nghttp2/nghttp2.h>

#include "base/clock.h"
#include "base/slice.h"

struct http2;

enum {
    HTTP2_FRAME_HEAD = 9,
    HTTP2_RESETS_MAX = 1000,       // more than were answered
    HTTP2_WINDOWS_MAX = 64 * 1024, // that can be earned ahead
    HTTP2_WINDOWS_REQUEST = 4,     // that a request earns
    HTTP2_WINDOWS_FRAME = 2,       // and a frame of an answer that was not cut short
    HTTP2_WINDOW_BYTES = 512,      // of an answer that earn one
};

enum http2_flood {
    HTTP2_FLOOD_RESET, // its own, and those that it provokes
    HTTP2_FLOOD_PING,
    HTTP2_FLOOD_SETTINGS,
    HTTP2_FLOOD_EMPTY,    // DATA, with nothing or padding in it
    HTTP2_FLOOD_PRIORITY, //
    HTTP2_FLOOD_HEADERS,  // a header block that unpacks to more than HTTP2_BLOCK_MAX
    HTTP2_FLOOD_WINDOW,   // beyond those that were earned
    HTTP2_FLOOD_TRAILERS, // header blocks that begin no stream
    HTTP2_FLOOD_GOAWAY,
    HTTP2_FLOOD_UNKNOWN, // frames of a kind that clients have nothing to say in
    HTTP2_FLOOD_COUNT
};

struct http2_floods {
    uint32_t counts[HTTP2_FLOOD_COUNT]; // in the second that began then:
    struct instant since;
    uint32_t resets;  // less what was answered
    uint32_t windows; // earned and not used
    uint32_t newest;  // stream that was begun
    uint32_t skip;    // bytes before the next head
    uint8_t head_length;
    uint8_t head[HTTP2_FRAME_HEAD + 1];
};

/* Once more; beyond the limit the connection is told to calm down. */
void http2_flood(struct http2 *h2, enum http2_flood flood);

/* The client may widen so many windows more. */
void http2_flood_earn(struct http2 *h2, size_t windows);

void http2_floods_init(struct http2_floods *floods, struct instant now);

/* Counts the frames in what the client says next, before nghttp2 sees it. */
void http2_flood_see(struct http2 *h2, struct slice bytes);
