// SPDX-License-Identifier: Apache-2.0
/*
 * Any frames in any order, in pieces of any size, at a server in the simulated world, with a
 * service that answers in all its ways. Whatever comes of it: each exchange has one last word, all
 * memory and descriptors are given back, and what is heard are whole frames of kinds that exist.
 *
 * The first eight bytes seed the world; the ninth says how fast the visitor and the sources are.
 * Then frames: type, flags, stream and length take a byte each, so that any byte means something;
 * a length of 255 says that the rest is said as it is. DATA with an unknown flag is 64 times as
 * long, so that few bytes fill a window. Field blocks are told in paths of the script where a
 * HEADERS frame's first byte is zero.
 */
#include "http/http2_frames_test.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct frames said; // too large for a stack

enum { LONG_FLAG = 0x40 };

static const char *const PATHS[] = { "/hand/3000", "/source/70000", "/stream/70000", "/later/100",
    "/echo", "/cut/20000", "/short/20000", "/never", "/status/304", "/kept", "/hand/100000", "/" };

static struct slice frame_say(struct slice rest)
{
    const unsigned char *head = (const unsigned char *)rest.at;
    struct slice payload = slice_head(slice_from(rest, 4), head[3]);
    uint32_t stream = head[2];
    static const char zeros[255 * 64];
    char lines[100];

    if (head[3] == 255) {
        frames_bytes(&said, payload.at, rest.length - 4);
        return SLICE_NONE;
    }
    if (head[0] == NGHTTP2_HEADERS && payload.length > 1 && payload.at[0] == 0) {
        snprintf(lines, sizeof lines, ":method %s\n:scheme http\n:authority a\n:path %s\n",
            head[1] % 2 == 0 ? "POST" : "GET",
            PATHS[(unsigned char)payload.at[1] % COUNT_OF(PATHS)]);
        frames_headers(&said, stream, head[1], lines);
    } else if (head[0] == NGHTTP2_DATA && (head[1] & LONG_FLAG) != 0) {
        frames_add(&said, head[0], head[1], stream, slice_of(zeros, head[3] * 64U));
        return slice_from(rest, 4);
    } else {
        frames_add(&said, head[0] % 18, head[1], stream, payload);
    }
    return slice_from(rest, 4 + payload.length);
}

static void expect_frames(struct slice heard)
{
    while (heard.length >= 9) {
        const unsigned char *at = (const unsigned char *)heard.at;

        assert(at[3] <= NGHTTP2_CONTINUATION && at[0] == 0);
        heard = slice_from(heard, 9 + ((size_t)at[1] << 8 | at[2]));
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    uint64_t seed;
    struct visitor v;

    if (size < sizeof seed + 1)
        return 0;
    memcpy(&seed, data, sizeof seed);
    unsigned char pace = data[sizeof seed];
    struct slice rest = slice_from(slice_of(data, size), sizeof seed + 1);

    limits.http2_plain = true;
    limits.streams = 1 + pace % 8;
    limits.arena_bytes = 4096;
    frames_begin(&said);
    while (rest.length >= 4)
        rest = frame_say(rest);
    struct world *w = world_serve(seed, &limits);
    struct sim_link link = { .delay = span_us(pace % 8),
        .chunk_max = pace % 4 * 30,
        .buffer_bytes = pace % 3 == 0 ? 0 : 2000 + pace * 100U };

    sim_link_set(w->sim, NULL, NULL, &link);
    w->script.waits = pace % 5 == 0;
    visitor_come(&v, w, slice_of(said.text, said.length));
    sim_run_for(w->sim, span_ms(1000));
    if (pace % 2 == 0) {
        http_server_drain(w->server);
        sim_run_for(w->sim, span_ms(100000));
    }
    expect_frames(visitor_heard(&v));
    visitor_done(&v);
    if (pace % 7 != 0)
        sim_run_for(w->sim, span_ms(100));
    world_free(w);
    return 0;
}
