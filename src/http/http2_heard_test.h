// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What a visitor hears in HTTP/2, read frame by frame into one row a stream. */

#include "http/http2_frames_test.h"

enum { STREAMS_MAX = 512, ORDER_MAX = 4096 };

/* What became of one stream. */
struct heard_stream {
    int status, interim;
    size_t length;
    bool has_ended, is_reset;
    uint32_t code; // of the reset
    char body[200], fields[400];
};

struct heard {
    nghttp2_hd_inflater *inflater;
    struct heard_stream streams[STREAMS_MAX]; // by (id - 1) / 2
    struct heard_stream none;                 // for frames of the connection
    unsigned settings, settings_acks, pings, goaways;
    uint32_t goaway_code, goaway_last, goaway_first_last;
    uint64_t widened;          // the connection's window
    uint32_t order[ORDER_MAX]; // of the streams that DATA came on
    size_t order_count;
};

static inline struct heard_stream *heard_stream(struct heard *h, uint32_t id)
{
    assert(id % 2 == 1 && id / 2 < STREAMS_MAX);
    return &h->streams[id / 2];
}

static inline void heard_headers(struct heard *h, struct heard_stream *s, struct slice payload)
{
    int flags = 0;
    uint64_t status = 0;
    size_t at = 0;

    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv nv;
        ssize_t used = nghttp2_hd_inflate_hd2(
            h->inflater, &nv, &flags, (const uint8_t *)payload.at, payload.length, 1);

        assert_true(used >= 0);
        payload = slice_from(payload, (size_t)used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
            continue;
        if (slice_equal(slice_of(nv.name, nv.namelen), SLICE(":status")))
            slice_number(slice_of(nv.value, nv.valuelen), 999, &status);
        else
            at += (size_t)snprintf(s->fields + at, sizeof s->fields - at, "%.*s: %.*s\n",
                (int)nv.namelen, nv.name, (int)nv.valuelen, nv.value);
    }
    nghttp2_hd_inflate_end_headers(h->inflater);
    assert_true(status >= 100);
    if (status < 200)
        s->interim = (int)status;
    else
        s->status = (int)status;
}

static inline uint32_t heard_number(struct slice payload)
{
    uint32_t number = 0;

    assert_true(payload.length >= 4);
    for (size_t i = 0; i < 4; i++)
        number = number << 8 | (unsigned char)payload.at[i];
    return number;
}

/* Bytes of a 200 are the script's, in order, but for those of /kept. */
static inline void heard_data(struct heard_stream *s, struct slice payload, bool has_pattern)
{
    assert_true(s->status != 0 && !s->has_ended && !s->is_reset);
    for (size_t i = 0; i < payload.length; i++) {
        if (s->length < sizeof s->body - 1)
            s->body[s->length] = payload.at[i];
        if (has_pattern && s->status == 200 && payload.at[i] != script_byte(s->length))
            fail_msg("wrong byte at %zu", s->length);
        s->length++;
    }
}

static inline void heard_frame(
    struct heard *h, uint8_t type, uint8_t flags, uint32_t id, struct slice payload, bool pattern)
{
    struct heard_stream *s = id == 0 ? &h->none : heard_stream(h, id);
    bool is_ack = (flags & NGHTTP2_FLAG_ACK) != 0;

    switch (type) {
    case NGHTTP2_HEADERS:
        assert_true((flags & NGHTTP2_FLAG_END_HEADERS) != 0);
        heard_headers(h, s, payload);
        break;
    case NGHTTP2_DATA:
        assert_true(h->order_count < ORDER_MAX && payload.length <= 16384);
        h->order[h->order_count++] = id;
        heard_data(s, payload, pattern);
        break;
    case NGHTTP2_RST_STREAM:
        s->is_reset = true;
        s->code = heard_number(payload);
        break;
    case NGHTTP2_SETTINGS:
        h->settings += !is_ack;
        h->settings_acks += is_ack;
        break;
    case NGHTTP2_PING: h->pings += is_ack; break;
    case NGHTTP2_GOAWAY:
        h->goaway_last = heard_number(payload);
        if (h->goaways++ == 0)
            h->goaway_first_last = h->goaway_last;
        h->goaway_code = heard_number(slice_from(payload, 4));
        break;
    case NGHTTP2_WINDOW_UPDATE: h->widened += id == 0 ? heard_number(payload) : 0; break;
    default: fail_msg("frame of type %d", type);
    }
    if ((type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) && (flags & NGHTTP2_FLAG_END_STREAM) != 0)
        s->has_ended = true;
}

/* Reads all that was heard; what is left is part of a frame. */
static inline struct slice heard_read(struct heard *h, struct slice bytes, bool has_pattern)
{
    if (h->inflater != NULL)
        nghttp2_hd_inflate_del(h->inflater);
    memset(h, 0, sizeof *h);
    assert_int_equal(nghttp2_hd_inflate_new(&h->inflater), 0);
    while (bytes.length >= 9) {
        const unsigned char *at = (const unsigned char *)bytes.at;
        size_t length = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];

        if (bytes.length < 9 + length)
            break;
        heard_frame(h, at[3], at[4], heard_number(slice_from(bytes, 5)),
            slice_head(slice_from(bytes, 9), length), has_pattern);
        bytes = slice_from(bytes, 9 + length);
    }
    return bytes;
}

static inline void heard_done(struct heard *h)
{
    if (h->inflater != NULL)
        nghttp2_hd_inflate_del(h->inflater);
    h->inflater = NULL;
}
