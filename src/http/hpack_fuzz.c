// SPDX-License-Identifier: Apache-2.0
/*
 * Any lines, and tables of any size in between: what is packed is unpacked by nghttp2 as what was
 * said. Each byte is a line of its own kind, so that lines come again; 255 changes the table.
 */
#include <assert.h>
#include <stdio.h>

#include <nghttp2/nghttp2.h>

#include "base/attr.h"
#include "http/hpack.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { LINE_MAX_BYTES = 1200 };

static size_t number_put(uint8_t *to, uint8_t first, size_t most, size_t number)
{
    size_t length = 1;

    to[0] = (uint8_t)(first | (number < most ? number : most));
    if (number < most)
        return 1;
    for (number -= most; number >= 128; number >>= 7)
        to[length++] = (uint8_t)(number | 128);
    to[length++] = (uint8_t)number;
    return length;
}

/* The two sides agree on another size, in a block of its own. */
static void table_change(struct hpack *h, nghttp2_hd_inflater *client, uint32_t table_bytes)
{
    uint8_t told[8];
    nghttp2_nv field;
    int flags = 0;
    size_t length = number_put(told, 0x20, 31, table_bytes);

    assert(nghttp2_hd_inflate_change_table_size(client, table_bytes) == 0);
    assert(nghttp2_hd_inflate_hd2(client, &field, &flags, told, length, 1) == (ssize_t)length);
    nghttp2_hd_inflate_end_headers(client);
    hpack_init(h, table_bytes);
}

/* One of 255 lines; their names' kinds, their lengths and whether they are alike differ. */
static size_t line_of(unsigned char kind, char line[LINE_MAX_BYTES])
{
    static const char *const NAMES[] = { "x", "age", "ETag", "Via", "x-a-name", "content-type",
        "Set-Cookie", "x-something-else" };
    static const int LENGTHS[] = { 1, 3, 8, 20, 100, 130, 500, 1100 };

    return (size_t)snprintf(
        line, LINE_MAX_BYTES, "%s: %0*d\r\n", NAMES[kind % 8], LENGTHS[kind / 8 % 8], kind / 64);
}

static void expect(nghttp2_hd_inflater *client, struct slice line, struct slice packed)
{
    nghttp2_nv field;
    int flags = 0;
    ssize_t taken = nghttp2_hd_inflate_hd2(
        client, &field, &flags, (const uint8_t *)packed.at, packed.length, 1);
    struct slice name = slice_head(line, slice_find(line, ':'));
    struct slice value = slice_from(line, name.length + strlen(": "));

    assert(taken == (ssize_t)packed.length && (flags & NGHTTP2_HD_INFLATE_EMIT) != 0);
    assert(slice_same(slice_of(field.name, field.namelen), name));
    assert(slice_equal(
        slice_of(field.value, field.valuelen), slice_head(value, value.length - strlen("\r\n"))));
    taken = nghttp2_hd_inflate_hd2(client, &field, &flags, NULL, 0, 1);
    assert(taken == 0 && (flags & NGHTTP2_HD_INFLATE_FINAL) != 0);
    nghttp2_hd_inflate_end_headers(client);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct hpack h;
    nghttp2_hd_inflater *client;

    hpack_init(&h, HPACK_TABLE_MAX);
    if (nghttp2_hd_inflate_new(&client) != 0)
        return 0;
    for (size_t i = 0; i < size; i++) {
        char text[LINE_MAX_BYTES];
        uint8_t room[2 * LINE_MAX_BYTES];

        if (data[i] == 255) {
            table_change(&h, client, i + 1 < size ? data[i + 1] * 40u : 0);
            continue;
        }
        struct slice line = slice_of(text, line_of(data[i], text));
        size_t length = hpack_pack(&h, line, room);

        assert(length <= hpack_most(line.length));
        expect(client, line, slice_of(room, length));
    }
    nghttp2_hd_inflate_del(client);
    return 0;
}
