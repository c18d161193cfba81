// SPDX-License-Identifier: Apache-2.0
#include "app/demo_png.h"

#include <assert.h>

enum {
    STORED_MAX = 65535, // bytes of one uncompressed block (RFC 1951 §3.2.4)
    ADLER_BASE = 65521,
};

uint32_t demo_png_crc(struct slice bytes)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes.length; i++) {
        crc ^= (unsigned char)bytes.at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void add_byte(struct text *out, unsigned value)
{
    char byte = (char)value;

    text_add(out, slice_of(&byte, 1));
}

static void add_u32(struct text *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        add_byte(out, value >> shift & 0xff);
}

/* A chunk: length, then name and data, then the checksum of both. */
static void add_chunk(struct text *out, struct slice name, struct slice data)
{
    add_u32(out, (uint32_t)data.length);
    size_t start = out->length;

    text_add(out, name);
    text_add(out, data);
    add_u32(out, out->is_full ? 0 : demo_png_crc(slice_from(text_slice(out), start)));
}

/* The rows, each behind a zero: no filter. */
static void add_rows(struct text *out, const struct demo_png *png)
{
    for (uint32_t y = 0; y < png->height; y++) {
        add_byte(out, 0);
        for (uint32_t x = 0; x < png->width; x++)
            add_byte(out, png->pixel(x, y, png));
    }
}

static uint32_t adler(struct slice bytes)
{
    uint32_t a = 1, b = 0;

    for (size_t i = 0; i < bytes.length; i++) {
        a = (a + (unsigned char)bytes.at[i]) % ADLER_BASE;
        b = (b + a) % ADLER_BASE;
    }
    return b << 16 | a;
}

/* A zlib stream (RFC 1950) of blocks that are stored as they are. */
static void add_stored(struct text *out, struct slice bytes)
{
    uint32_t sum = adler(bytes);

    text_add(out, SLICE("\x78\x01"));
    while (bytes.length > 0) {
        struct slice block = slice_head(bytes, STORED_MAX);
        unsigned length = (unsigned)block.length;

        bytes = slice_from(bytes, length);
        add_byte(out, bytes.length == 0);
        add_byte(out, length & 0xff);
        add_byte(out, length >> 8);
        add_byte(out, ~length & 0xff);
        add_byte(out, ~length >> 8 & 0xff);
        text_add(out, block);
    }
    add_u32(out, sum);
}

void demo_png_write(struct text *out, const struct demo_png *png)
{
    struct text rows, data;

    assert(png->width > 0 && png->width <= DEMO_PNG_SIDE_MAX);
    assert(png->height > 0 && png->height <= DEMO_PNG_SIDE_MAX);
    text_init(&rows, (size_t)(png->width + 1) * png->height);
    text_init(&data, rows.limit + (rows.limit / STORED_MAX + 1) * 5 + 6);
    text_add(out, SLICE("\x89PNG\r\n\x1a\n"));
    add_u32(&data, png->width);
    add_u32(&data, png->height);
    text_add(&data, SLICE("\x08\x03\0\0\0")); // 8 bits, palette
    add_chunk(out, SLICE("IHDR"), text_slice(&data));
    text_done(&data);
    add_chunk(out, SLICE("PLTE"), slice_of(png->palette, sizeof png->palette));
    add_rows(&rows, png);
    add_stored(&data, text_slice(&rows));
    add_chunk(out, SLICE("IDAT"), text_slice(&data));
    add_chunk(out, SLICE("IEND"), SLICE_NONE);
    text_done(&rows);
    text_done(&data);
}
