// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/demo_png.h"

static uint32_t u32_at(struct slice s, size_t at)
{
    const unsigned char *bytes = (const unsigned char *)s.at + at;

    assert_true(at + 4 <= s.length);
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint8_t sum_of_both(uint32_t x, uint32_t y, const struct demo_png *)
{
    return (uint8_t)(x + y);
}

/* Cuts the next chunk off, its checksum verified. */
static struct slice cut_chunk(struct slice *png, struct slice name)
{
    uint32_t length = u32_at(*png, 0);

    assert_true(png->length >= length + 12);
    assert_true(slice_equal(slice_head(slice_from(*png, 4), 4), name));
    assert_true(u32_at(*png, 8 + length) == demo_png_crc(slice_of(png->at + 4, length + 4)));
    struct slice data = slice_of(png->at + 8, length);

    *png = slice_from(*png, length + 12);
    return data;
}

/* Takes stored blocks apart, byte for byte what went in; their checksum is Adler's. */
static void unpack(struct slice zlib, struct text *out)
{
    bool is_last = false;
    uint32_t a = 1, b = 0;

    assert_true(slice_starts(zlib, SLICE("\x78\x01")));
    zlib = slice_from(zlib, 2);
    while (!is_last) {
        const unsigned char *head = (const unsigned char *)zlib.at;

        assert_true(zlib.length >= 5 && head[0] <= 1);
        size_t length = (size_t)head[1] | (size_t)head[2] << 8;

        assert_int_equal(length ^ 0xffff, (size_t)head[3] | (size_t)head[4] << 8);
        is_last = head[0] == 1;
        assert_true(zlib.length >= 5 + length);
        text_add(out, slice_head(slice_from(zlib, 5), length));
        zlib = slice_from(zlib, 5 + length);
    }
    for (size_t i = 0; i < out->length; i++) {
        a = (a + (unsigned char)out->at[i]) % 65521;
        b = (b + a) % 65521;
    }
    assert_int_equal(zlib.length, 4);
    assert_true(u32_at(zlib, 0) == (b << 16 | a));
}

static void checksum_is_that_of_the_standard(void **)
{
    assert_true(demo_png_crc(SLICE("123456789")) == 0xcbf43926);
    assert_true(demo_png_crc(SLICE("IEND")) == 0xae426082);
}

static void picture_is_read_back_pixel_by_pixel(uint32_t width, uint32_t height)
{
    struct demo_png png = { .width = width, .height = height, .pixel = sum_of_both };
    struct text file, rows;

    png.palette[7][1] = 99;
    text_init(&file, 64 << 20);
    text_init(&rows, 64 << 20);
    demo_png_write(&file, &png);
    struct slice rest = text_slice(&file);

    assert_true(slice_starts(rest, SLICE("\x89PNG\r\n\x1a\n")));
    rest = slice_from(rest, 8);
    struct slice head = cut_chunk(&rest, SLICE("IHDR"));

    assert_int_equal(head.length, 13);
    assert_true(u32_at(head, 0) == width && u32_at(head, 4) == height);
    assert_memory_equal(head.at + 8, "\x08\x03\0\0", 5);
    struct slice palette = cut_chunk(&rest, SLICE("PLTE"));

    assert_int_equal(palette.length, 768);
    assert_int_equal(palette.at[7 * 3 + 1], 99);
    unpack(cut_chunk(&rest, SLICE("IDAT")), &rows);
    assert_int_equal(cut_chunk(&rest, SLICE("IEND")).length, 0);
    assert_int_equal(rest.length, 0);
    assert_int_equal(rows.length, (size_t)(width + 1) * height);
    for (uint32_t y = 0; y < height; y++) {
        const char *row = rows.at + (size_t)y * (width + 1);

        assert_int_equal(row[0], 0);
        for (uint32_t x = 0; x < width; x++)
            assert_true((uint8_t)row[1 + x] == (uint8_t)(x + y));
    }
    text_done(&file);
    text_done(&rows);
}

static void pictures_of_one_and_of_many_blocks_are_read_back(void **)
{
    picture_is_read_back_pixel_by_pixel(1, 1);
    picture_is_read_back_pixel_by_pixel(4095, 16);
    picture_is_read_back_pixel_by_pixel(300, 500);
}

static void a_picture_without_room_is_told(void **)
{
    struct demo_png png = { .width = 10, .height = 10, .pixel = sum_of_both };
    struct text file;

    text_init(&file, 100);
    demo_png_write(&file, &png);
    assert_true(file.is_full);
    text_done(&file);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(checksum_is_that_of_the_standard),
        cmocka_unit_test(pictures_of_one_and_of_many_blocks_are_read_back),
        cmocka_unit_test(a_picture_without_room_is_told),
    };

    return cmocka_run_group_tests_name("app/demo_png", cases, NULL, NULL);
}
