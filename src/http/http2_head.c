// SPDX-License-Identifier: Apache-2.0
/*
 * Heads of answers. nghttp2 is given the status alone, and makes a HEADERS frame of it; as it
 * leaves, the fields are put behind (RFC 9113 §4.1, RFC 7541). Given all of them, nghttp2 would
 * copy, compare and hash each one of each answer, which costs more than all else that it does for
 * an answer.
 *
 * So the table that the client keeps is ours alone (http/hpack.h): nghttp2 puts nothing into it.
 * What it still does is to tell the client of the table's size, in front of the status. A head that
 * may not fit into one frame is nghttp2's as a whole, and goes out without the table.
 */
#include <assert.h>

#include "base/mem.h"
#include "base/writer.h"
#include "http/http2_head_priv.h"

enum {
    FRAME_HEAD_BYTES = 9,
    STATUS_DIGITS = 3,
    LENGTH_LINE_MAX = 40,
};

void http2_packer_reset(struct http2 *h2)
{
    if (h2->packer != NULL)
        hpack_init(h2->packer,
            nghttp2_session_get_remote_settings(h2->session, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE));
}

void http2_head_left(struct http2 *h2)
{
    assert(h2->heads_due > 0);
    if (--h2->heads_due == 0)
        arena_reset(&h2->heads);
}

void http2_head_complete(struct http2 *h2, struct http2_burst *b, size_t frame_length)
{
    char *frame = b->bytes + b->used - frame_length;
    size_t length = 0;

    if (h2->head.length > 0) {
        if (h2->packer == NULL) {
            h2->packer = mem_new(struct hpack);
            http2_packer_reset(h2);
        }
        assert(hpack_most(h2->head.length) <= sizeof b->bytes - b->used);
        length = hpack_pack(h2->packer, h2->head, (uint8_t *)b->bytes + b->used);
    }
    b->used += length;
    b->total += length;
    b->iov[b->count - 1].iov_len += length;
    length += frame_length - FRAME_HEAD_BYTES;
    if (h2->head_told != NULL)
        h2->head_told->sent_bytes += FRAME_HEAD_BYTES + length;
    frame[0] = (char)(length >> 16); // RFC 9113 §4.1
    frame[1] = (char)(length >> 8);
    frame[2] = (char)length;
    h2->is_head_begun = false;
    http2_head_left(h2);
}

/* Both stay where they are until the frame is packed; the name is in lower case. nghttp2 keeps none
 * in its table, since the client's is not what it would think. */
static nghttp2_nv field_of(struct slice name, struct slice value)
{
    union {
        const void *given;
        uint8_t *taken;
    } names = { .given = name.at }, values = { .given = value.at };

    return (nghttp2_nv){ names.taken, values.taken, name.length, value.length,
        NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE | NGHTTP2_NV_FLAG_NO_INDEX };
}

/* Splits "Name: value\r\n"..., and turns the names to lower case where they lie. Returns the new
 * count; beyond HTTP2_FIELDS_MAX when there are too many. */
static size_t fields_split(char *text, size_t length, nghttp2_nv *fields, size_t count)
{
    const char *end = text + length;

    while (text < end) {
        char *colon = text;

        for (; colon < end && *colon != ':'; colon++)
            *colon = ascii_lower(*colon);
        char *stop = memchr(colon, '\r', (size_t)(end - colon));

        assert(stop != NULL);
        if (count == HTTP2_FIELDS_MAX)
            return HTTP2_FIELDS_MAX + 1;
        fields[count++] = field_of(slice_of(text, (size_t)(colon - text)),
            slice_trim(slice_of(colon + 1, (size_t)(stop - colon - 1))));
        text = stop + strlen("\r\n");
    }
    return count;
}

/* RFC 9110 §8.6: the length, also where no body is sent. */
static int64_t length_of(const struct http2_task *task, const struct http_reply *r)
{
    int64_t length = r->source != NULL ? r->length : (int64_t)r->body.length;

    if (task->is_head && length == 0)
        length = r->length;
    return http2_has_no_body(r->status) ? -1 : length;
}

/* Of three digits; those of the protocol's own table go out as one byte of it. */
static nghttp2_nv status_field(struct http2 *h2, int status)
{
    static const struct {
        int status;
        char digits[STATUS_DIGITS];
    } OWN[] = { { 200, "200" }, { 204, "204" }, { 206, "206" }, { 304, "304" }, { 400, "400" },
        { 404, "404" }, { 500, "500" } }; // RFC 7541 appendix A

    for (size_t i = 0; i < COUNT_OF(OWN); i++) {
        if (status != OWN[i].status)
            continue;
        nghttp2_nv own = field_of(SLICE(":status"), slice_of(OWN[i].digits, STATUS_DIGITS));

        own.flags &= (uint8_t)~NGHTTP2_NV_FLAG_NO_INDEX;
        return own;
    }
    char *digits = arena_room(&h2->heads, STATUS_DIGITS);

    for (int i = STATUS_DIGITS - 1, left = status; i >= 0; i--, left /= 10)
        digits[i] = (char)('0' + left % 10);
    return field_of(SLICE(":status"), slice_of(digits, STATUS_DIGITS));
}

/* The fields of an answer as text, in memory that lasts until they are packed. */
static struct writer lines_write(struct http2 *h2, const struct http_reply *r, int64_t length)
{
    size_t most = LENGTH_LINE_MAX + r->fields.length + r->more.length;
    struct writer w = writer_on(arena_room(&h2->heads, most), most);

    if (length >= 0) {
        write_slice(&w, SLICE("content-length: "));
        write_number(&w, length);
        write_slice(&w, SLICE("\r\n"));
    }
    write_slice(&w, r->fields);
    write_slice(&w, r->more);
    return w;
}

/* A head was handed to nghttp2, which may have failed. */
static void head_due(struct http2 *h2, int failed)
{
    if (failed == 0)
        h2->heads_due++;
    if (h2->heads.is_full)
        counter_up(&http2_server(h2)->counts.h2_memory);
    h2->is_lost |= failed != 0 || h2->heads.is_full;
}

bool http2_head_submit(
    struct http2_task *task, const struct http_reply *r, const nghttp2_data_provider *body)
{
    struct http2 *h2 = task->h2;
    nghttp2_nv *fields = http2_server(h2)->h2->fields;
    struct writer lines = lines_write(h2, r, length_of(task, r));
    size_t count = 1;

    fields[0] = status_field(h2, r->status);
    if (hpack_most(lines.length) <= HTTP2_PACKED_MAX)
        task->head = writer_slice(&lines);
    else
        count = fields_split(lines.start, lines.length, fields, count);
    if (count > HTTP2_FIELDS_MAX)
        return false;
    head_due(h2, nghttp2_submit_response(h2->session, task->stream, fields, count, body));
    return true;
}

void http2_head_continue(struct http2_task *task)
{
    struct http2 *h2 = task->h2;
    nghttp2_nv status = field_of(SLICE(":status"), SLICE("100"));

    task->is_continued = true;
    head_due(h2, nghttp2_submit_headers(
                     h2->session, NGHTTP2_FLAG_NONE, task->stream, NULL, &status, 1, NULL));
}
