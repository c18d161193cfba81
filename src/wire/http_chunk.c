// SPDX-License-Identifier: Apache-2.0
#include "wire/http_chunk.h"

#include <assert.h>

#include "wire/http_name.h"
#include "wire/http_scan_priv.h"

enum { SIZE_DIGITS_MAX = 15 }; // so that sizes stay below 2^60, and sums of them are safe

enum state {
    SIZE,          // at the first digit
    SIZE_MORE,     // at a digit behind the first
    SIZE_BLANK,    // behind a blank, which an extension must follow
    EXTENSION,     // up to the line's end
    SIZE_LF,       // behind its CR
    DATA,          // `left` bytes
    DATA_CR,       // behind the data
    DATA_LF,       // behind its CR
    TRAILER,       // at the start of a line
    TRAILER_NAME,  // within a name
    TRAILER_VALUE, // behind the colon
    TRAILER_LF,    // behind the CR of a trailer
    LAST_LF,       // behind the CR of the blank line
    DONE,
    BAD,
};

void http_chunk_init(struct http_chunk *c)
{
    *c = (struct http_chunk){ .state = SIZE, .budget = HTTP_CHUNK_EXTRA_MAX };
}

static enum state size_end(char byte)
{
    if (byte == '\r')
        return SIZE_LF;
    if (byte == ';')
        return EXTENSION;
    // RFC 9112 §7.1.1 has blanks read, though nobody may write them.
    return byte == ' ' || byte == '\t' ? SIZE_BLANK : BAD;
}

static enum state size_step(struct http_chunk *c, char byte)
{
    int digit = ascii_hex(byte);

    if (digit < 0)
        return c->state == SIZE ? BAD : size_end(byte);
    if (c->line > SIZE_DIGITS_MAX)
        return BAD;
    c->left = c->left << 4 | (unsigned)digit;
    return SIZE_MORE;
}

static enum state extension_step(struct http_chunk *c, char byte)
{
    c->budget--;
    if (byte == '\r')
        return SIZE_LF;
    if (scan_is_control(byte) || c->budget < 0)
        return BAD;
    return EXTENSION;
}

static enum state blank_step(struct http_chunk *c, char byte)
{
    if (byte == ';')
        return EXTENSION;
    c->budget--;
    return (byte == ' ' || byte == '\t') && c->budget >= 0 ? SIZE_BLANK : BAD;
}

/* A trailer is checked as a field is (RFC 9112 §7.1.2), its name for tokens byte by byte. */
static enum state trailer_step(const struct http_chunk *c, char byte)
{
    if (c->state == TRAILER && byte == '\r')
        return LAST_LF;
    if (c->state == TRAILER_NAME && byte == ':')
        return TRAILER_VALUE;
    return http_is_token(slice_of(&byte, 1)) ? TRAILER_NAME : BAD;
}

static enum state value_step(char byte)
{
    if (byte == '\r')
        return TRAILER_LF;
    return scan_is_control(byte) ? BAD : TRAILER_VALUE;
}

/* Lines are counted from their first byte, trailers all together. */
static bool is_within_line(struct http_chunk *c)
{
    switch ((enum state)c->state) {
    case SIZE: c->line = 1; return true;
    case SIZE_MORE:
    case SIZE_BLANK:
    case EXTENSION: return ++c->line <= HTTP_CHUNK_LINE_MAX;
    case TRAILER:
    case TRAILER_NAME:
    case TRAILER_VALUE: return ++c->line <= HTTP_CHUNK_TRAILERS_MAX;
    case SIZE_LF:
    case DATA:
    case DATA_CR:
    case DATA_LF:
    case TRAILER_LF:
    case LAST_LF:
    case DONE:
    case BAD: break;
    }
    return true;
}

/* The state behind one byte of framing. */
static enum state step(struct http_chunk *c, char byte)
{
    if (!is_within_line(c))
        return BAD;
    switch ((enum state)c->state) {
    case SIZE:
    case SIZE_MORE: return size_step(c, byte);
    case SIZE_BLANK: return blank_step(c, byte);
    case EXTENSION: return extension_step(c, byte);
    case SIZE_LF:
        c->line = 0;
        if (byte != '\n')
            return BAD;
        return c->left == 0 ? TRAILER : DATA;
    case DATA_CR: return byte == '\r' ? DATA_LF : BAD;
    case DATA_LF: return byte == '\n' ? SIZE : BAD;
    case TRAILER:
    case TRAILER_NAME: return trailer_step(c, byte);
    case TRAILER_VALUE: return value_step(byte);
    case TRAILER_LF: return byte == '\n' ? TRAILER : BAD;
    case LAST_LF: return byte == '\n' ? DONE : BAD;
    case DATA:
    case DONE:
    case BAD: break;
    }
    return BAD;
}

enum http_chunk_step http_chunk_next(struct http_chunk *c, struct slice *bytes, struct slice *data)
{
    while (bytes->length > 0 && c->state != DATA && c->state < DONE) {
        c->state = (uint8_t)step(c, bytes->at[0]);
        *bytes = slice_from(*bytes, 1);
    }
    if (c->state == BAD)
        return HTTP_CHUNK_BAD;
    if (c->state == DONE)
        return HTTP_CHUNK_DONE;
    if (bytes->length == 0)
        return HTTP_CHUNK_MORE;
    *data = c->left < bytes->length ? slice_head(*bytes, (size_t)c->left) : *bytes;
    return HTTP_CHUNK_DATA;
}

void http_chunk_take(struct http_chunk *c, struct slice *bytes, size_t count)
{
    assert(c->state == DATA && count <= c->left && count <= bytes->length);
    c->left -= count;
    c->budget += (int64_t)count;
    *bytes = slice_from(*bytes, count);
    if (c->left == 0)
        c->state = DATA_CR;
}

size_t http_chunk_head_write(char *room, uint64_t size)
{
    size_t length = 0;

    assert(size > 0);
    for (int shift = 60 - __builtin_clzll(size) / 4 * 4; shift >= 0; shift -= 4)
        room[length++] = "0123456789abcdef"[size >> shift & 15];
    room[length++] = '\r';
    room[length++] = '\n';
    return length;
}
