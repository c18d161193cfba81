// SPDX-License-Identifier: Apache-2.0
#include "wire/access_line.h"

#include <assert.h>

#include "base/writer.h"
#include "wire/http_date.h"

enum { MONTH_AT = 8, YEAR_AT = 12, TIME_AT = 17 }; // in a date of HTTP; its day is at 5

static const char HEX[] = "0123456789abcdef";

static void write_byte(struct writer *w, char byte)
{
    write_slice(w, slice_of(&byte, 1));
}

/* ASCII that can be seen, but for what both forms escape. */
static bool is_plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static size_t plain_length(struct slice text)
{
    size_t length = 0;

    while (length < text.length && is_plain(text.at[length]))
        length++;
    return length;
}

/* As Apache escapes: what C has a letter for by that, the rest by its number. */
static void write_escaped(struct writer *w, char c)
{
    static const char LETTERS[] = "btnvfr"; // of the bytes from 8 on
    unsigned char byte = (unsigned char)c;

    write_byte(w, '\\');
    if (c == '"' || c == '\\') {
        write_byte(w, c);
    } else if (byte >= '\b' && byte <= '\r') {
        write_byte(w, LETTERS[byte - '\b']);
    } else {
        write_byte(w, 'x');
        write_byte(w, HEX[byte >> 4]);
        write_byte(w, HEX[byte & 15]);
    }
}

static void write_text(struct writer *w, struct slice text, size_t most)
{
    for (text = slice_head(text, most); text.length > 0;) {
        size_t length = plain_length(text);

        write_slice(w, slice_head(text, length));
        text = slice_from(text, length);
        if (text.length == 0)
            return;
        write_escaped(w, text.at[0]);
        text = slice_from(text, 1);
    }
}

/* In quotes; a field that was not sent is a dash. */
static void write_field(struct writer *w, struct slice text, size_t most)
{
    write_slice(w, SLICE(" \""));
    write_text(w, text.at == NULL ? SLICE("-") : text, most);
    write_byte(w, '"');
}

static void write_combined(struct writer *w, const struct access_line *line, const char *date)
{
    write_slice(w, SLICE(" - - ["));
    write_slice(w, slice_of(date + 5, 2));
    write_byte(w, '/');
    write_slice(w, slice_of(date + MONTH_AT, 3));
    write_byte(w, '/');
    write_slice(w, slice_of(date + YEAR_AT, 4));
    write_byte(w, ':');
    write_slice(w, slice_of(date + TIME_AT, 8));
    write_slice(w, SLICE(" +0000] \""));
    write_text(w, line->method, ACCESS_METHOD_MAX);
    write_byte(w, ' ');
    write_text(w, line->target, ACCESS_TARGET_MAX);
    write_byte(w, ' ');
    write_slice(w, line->protocol);
    write_slice(w, SLICE("\" "));
    write_number(w, line->status == 0 ? ACCESS_LEFT : line->status);
    write_byte(w, ' ');
    write_number(w, (int64_t)line->sent_bytes);
    write_field(w, line->referer, ACCESS_REFERER_MAX);
    write_field(w, line->agent, ACCESS_AGENT_MAX);
    write_byte(w, '\n');
}

static size_t continuation(struct slice text, size_t at, unsigned char least, unsigned char most)
{
    unsigned char byte = at < text.length ? (unsigned char)text.at[at] : 0;

    return byte >= least && byte <= most ? 1 : 0;
}

/* Bytes of the character beyond ASCII that the text begins with; 0: none of UTF-8 (RFC 3629 §4),
 * or a control character. */
static size_t utf8_length(struct slice text)
{
    unsigned char first = (unsigned char)text.at[0];
    unsigned char least = 0x80, most = 0xbf;
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first < 0xc2 || first > 0xf4)
        return 0;
    if (first == 0xc2 || first == 0xe0)
        least = 0xa0; // U+0080 to U+009F are controls; 0xe0 with less is a form too long
    else if (first == 0xf0)
        least = 0x90;
    else if (first == 0xed)
        most = 0x9f; // no halves of surrogate pairs
    else if (first == 0xf4)
        most = 0x8f;
    if (continuation(text, 1, least, most) == 0)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (continuation(text, i, 0x80, 0xbf) == 0)
            return 0;
    return length;
}

/* One byte or character that is not plain; returns how many bytes it took. */
static size_t write_json_escaped(struct writer *w, struct slice text)
{
    unsigned char byte = (unsigned char)text.at[0];
    size_t length = byte < 0x80 ? 0 : utf8_length(text);

    if (length > 0) {
        write_slice(w, slice_head(text, length));
        return length;
    }
    if (byte == '"' || byte == '\\') {
        write_byte(w, '\\');
        write_byte(w, (char)byte);
    } else if (byte >= 0x80) {
        write_slice(w, SLICE("\\ufffd"));
    } else {
        write_slice(w, SLICE("\\u00"));
        write_byte(w, HEX[byte >> 4]);
        write_byte(w, HEX[byte & 15]);
    }
    return 1;
}

static void write_json_text(struct writer *w, struct slice text, size_t most)
{
    write_byte(w, '"');
    for (text = slice_head(text, most); text.length > 0;) {
        size_t length = plain_length(text);

        write_slice(w, slice_head(text, length));
        text = slice_from(text, length);
        if (text.length > 0)
            text = slice_from(text, write_json_escaped(w, text));
    }
    write_byte(w, '"');
}

/* `key` comes with what stands around it; a text that was not said is null. */
static void write_member(struct writer *w, struct slice key, struct slice text, size_t most)
{
    write_slice(w, key);
    if (text.at == NULL)
        write_slice(w, SLICE("null"));
    else
        write_json_text(w, text, most);
}

static void write_digits(struct writer *w, int64_t number, size_t digits)
{
    char text[8];

    assert(digits <= sizeof text);
    for (size_t i = digits; i > 0; i--, number /= 10)
        text[i - 1] = (char)('0' + number % 10);
    write_slice(w, slice_of(text, digits));
}

static int64_t month_of(const char *date)
{
    static const char NAMES[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t month = 0;

    while (memcmp(NAMES + month * 3, date + MONTH_AT, 3) != 0)
        month++;
    return month + 1;
}

/* RFC 3339, in milliseconds. */
static void write_time(struct writer *w, struct wall time, const char *date)
{
    write_slice(w, SLICE("{\"time\":\""));
    write_slice(w, slice_of(date + YEAR_AT, 4));
    write_byte(w, '-');
    write_digits(w, month_of(date), 2);
    write_byte(w, '-');
    write_slice(w, slice_of(date + 5, 2));
    write_byte(w, 'T');
    write_slice(w, slice_of(date + TIME_AT, 8));
    write_byte(w, '.');
    write_digits(w, time.ms < 0 ? 0 : time.ms % 1000, 3);
    write_slice(w, SLICE("Z\""));
}

static void write_json(struct writer *w, const struct access_line *line, struct slice client)
{
    int64_t took_us = line->took.ns < 0 ? 0 : line->took.ns / 1000;

    write_member(w, SLICE(",\"site\":"), line->site, ACCESS_NAME_MAX);
    write_member(w, SLICE(",\"pop\":"), line->pop, ACCESS_NAME_MAX);
    write_member(w, SLICE(",\"node\":"), line->node, ACCESS_NAME_MAX);
    write_member(w, SLICE(",\"client\":"), client, ACCESS_NAME_MAX);
    write_member(w, SLICE(",\"method\":"), line->method, ACCESS_METHOD_MAX);
    write_member(w, SLICE(",\"path\":"), line->target, ACCESS_TARGET_MAX);
    write_member(w, SLICE(",\"protocol\":"), line->protocol, ACCESS_NAME_MAX);
    write_member(w, SLICE(",\"tls\":"), line->tls, ACCESS_NAME_MAX);
    write_slice(w, SLICE(",\"status\":"));
    write_number(w, line->status == 0 ? ACCESS_LEFT : line->status);
    write_slice(w, SLICE(",\"sent_bytes\":"));
    write_number(w, (int64_t)line->sent_bytes);
    write_slice(w, SLICE(",\"duration\":"));
    write_number(w, took_us / 1000000);
    write_byte(w, '.');
    write_digits(w, took_us % 1000000, 6);
    write_member(w, SLICE(",\"cache\":"), line->cache, ACCESS_NAME_MAX);
    write_member(w, SLICE(",\"referer\":"), line->referer, ACCESS_REFERER_MAX);
    write_member(w, SLICE(",\"agent\":"), line->agent, ACCESS_AGENT_MAX);
    write_slice(w, SLICE("}\n"));
}

size_t access_line_write(const struct access_line *line, enum access_format format, char *room)
{
    struct writer w = writer_on(room, ACCESS_LINE_MAX);
    char date[HTTP_DATE_BYTES], address[IP_TEXT_MAX];
    struct slice client = slice_text(ip_text(&line->client, address));

    http_date_write(line->began, date);
    switch (format) {
    case ACCESS_COMBINED:
        write_slice(&w, client);
        write_combined(&w, line, date);
        break;
    case ACCESS_JSON:
        write_time(&w, line->began, date);
        write_json(&w, line, client);
        break;
    }
    assert(!w.is_short);
    return w.length;
}
