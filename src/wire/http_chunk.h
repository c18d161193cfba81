// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The chunked transfer coding (RFC 9112 §7.1), both ways. The decoder is a plain value that is
 * shown the bytes as they come and says what they are; data is never copied, extensions and
 * trailers are checked and dropped. Strict: CRLF alone ends a line, sizes are hexadecimal digits
 * and nothing else. Limits: a line of a size and its extensions, the trailers together, and the
 * extensions of a body, which may be as long as its data and a little more.
 */

#include <stdint.h>

#include "base/slice.h"

enum {
    HTTP_CHUNK_LINE_MAX = 512,          // of a size with its extensions
    HTTP_CHUNK_TRAILERS_MAX = 8 * 1024, // together, with their line ends
    HTTP_CHUNK_EXTRA_MAX = 16 * 1024,   // extensions beyond the length of the data
    HTTP_CHUNK_HEAD_BYTES = 16 + 2,     // room for http_chunk_head_write
};

enum http_chunk_step {
    HTTP_CHUNK_MORE, // all bytes were taken, the end has not come
    HTTP_CHUNK_DATA, // the bytes at hand begin with data
    HTTP_CHUNK_DONE, // the last byte of the body was taken; what follows is not of it
    HTTP_CHUNK_BAD,
};

struct http_chunk {
    uint64_t left;  // of the chunk's data; while its size is read, the size so far
    int64_t budget; // bytes that extensions may still take
    uint16_t line;  // bytes of the line so far; of the trailers, in these
    uint8_t state;
};

void http_chunk_init(struct http_chunk *c);

/*
 * Takes framing off the front of *bytes until data, the end or an error. With HTTP_CHUNK_DATA,
 * *data is what there is of the chunk, at the front of *bytes; the caller takes as much of it as
 * it likes with http_chunk_take. Whoever calls again without taking is told the same.
 */
enum http_chunk_step http_chunk_next(struct http_chunk *c, struct slice *bytes, struct slice *data);

/* Takes `count` bytes, at most the length of the last data, off the front of *bytes. */
void http_chunk_take(struct http_chunk *c, struct slice *bytes, size_t count);

/* Writes size and line end, as stand before a chunk's data; `size` is above 0, as 0 ends the
 * body. Returns how many bytes, at most HTTP_CHUNK_HEAD_BYTES. */
size_t http_chunk_head_write(char *room, uint64_t size);
