// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * HTTP/2 by hand, for tests: frames are written one by one into a text that a visitor says. Nothing
 * is said unasked: no window is opened, no SETTINGS acknowledged.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "http/world_test.h"

enum { FRAMES_ROOM = 4 * 1024 * 1024 };

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* What a visitor says. */
struct frames {
    size_t length;
    char text[FRAMES_ROOM];
};

static inline void frames_bytes(struct frames *f, const void *bytes, size_t length)
{
    assert(length <= FRAMES_ROOM - f->length);
    if (length > 0)
        memcpy(f->text + f->length, bytes, length);
    f->length += length;
}

static inline void frames_number(struct frames *f, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0) {
        char byte = (char)(number >> 8 * bytes);

        frames_bytes(f, &byte, 1);
    }
}

static inline void frames_head(
    struct frames *f, size_t length, uint8_t type, uint8_t flags, uint32_t stream)
{
    frames_number(f, length, 3);
    frames_number(f, type, 1);
    frames_number(f, flags, 1);
    frames_number(f, stream, 4);
}

static inline void frames_add(
    struct frames *f, uint8_t type, uint8_t flags, uint32_t stream, struct slice payload)
{
    frames_head(f, payload.length, type, flags, stream);
    frames_bytes(f, payload.at, payload.length);
}

static inline void frames_setting(struct frames *f, uint16_t id, uint32_t value)
{
    frames_head(f, 6, NGHTTP2_SETTINGS, 0, 0);
    frames_number(f, id, 2);
    frames_number(f, value, 4);
}

/* RST_STREAM and WINDOW_UPDATE carry a number and no more. */
static inline void frames_reset(struct frames *f, uint32_t stream)
{
    frames_head(f, 4, NGHTTP2_RST_STREAM, 0, stream);
    frames_number(f, NGHTTP2_CANCEL, 4);
}

static inline void frames_window(struct frames *f, uint32_t stream, uint32_t more)
{
    frames_head(f, 4, NGHTTP2_WINDOW_UPDATE, 0, stream);
    frames_number(f, more, 4);
}

static inline void frames_begin(struct frames *f)
{
    f->length = 0;
    frames_bytes(f, PREFACE, strlen(PREFACE));
    frames_head(f, 0, NGHTTP2_SETTINGS, 0, 0);
}

/* With windows that never close. */
static inline void frames_begin_wide(struct frames *f)
{
    f->length = 0;
    frames_bytes(f, PREFACE, strlen(PREFACE));
    frames_setting(f, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, INT32_MAX);
    frames_window(f, 0, INT32_MAX - 65535);
}

/* RFC 7541 §5.2, without Huffman's code. */
static inline void frames_string(struct frames *f, struct slice text)
{
    size_t length = text.length;

    frames_number(f, length < 127 ? length : 127, 1);
    if (length >= 127) {
        for (length -= 127; length >= 128; length /= 128)
            frames_number(f, length % 128 + 128, 1);
        frames_number(f, length, 1);
    }
    frames_bytes(f, text.at, text.length);
}

/* RFC 7541 §6.2.2: a literal that is not indexed, with a name of its own. */
static inline void frames_field(struct frames *f, struct slice name, struct slice value)
{
    frames_number(f, 0, 1);
    frames_string(f, name);
    frames_string(f, value);
}

/* "name value\n" lines become a field block in a HEADERS frame. */
static inline void frames_headers(
    struct frames *f, uint32_t stream, uint8_t flags, const char *lines)
{
    size_t at = f->length;
    struct slice rest = slice_text(lines), line, name;

    frames_head(f, 0, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, stream);
    while (slice_cut(&rest, '\n', &line) && line.length > 0) {
        slice_cut(&line, ' ', &name);
        frames_field(f, name, line);
    }
    size_t length = f->length - at - 9;

    assert(length < 1 << 14);
    f->text[at + 1] = (char)(length >> 8);
    f->text[at + 2] = (char)length;
}

#define GET_LINES(path) ":method GET\n:scheme http\n:authority a\n:path " path "\n"

static inline void frames_get(struct frames *f, uint32_t stream, const char *path)
{
    char lines[400];

    snprintf(lines, sizeof lines, GET_LINES("%s"), path);
    frames_headers(f, stream, NGHTTP2_FLAG_END_STREAM, lines);
}

/* The script's bytes as a body, in frames of at most `piece` bytes; the last ends the stream. */
static inline void frames_data(struct frames *f, uint32_t stream, size_t length, size_t piece)
{
    for (size_t at = 0; at < length;) {
        size_t part = length - at < piece ? length - at : piece;

        frames_head(
            f, part, NGHTTP2_DATA, at + part == length ? NGHTTP2_FLAG_END_STREAM : 0, stream);
        for (size_t i = 0; i < part; i++) {
            char byte = script_byte(at + i);

            frames_bytes(f, &byte, 1);
        }
        at += part;
    }
}
