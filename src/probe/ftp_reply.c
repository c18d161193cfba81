// SPDX-License-Identifier: Apache-2.0
#include "probe/ftp_reply.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The code that a line begins with, alone or before a blank or a hyphen; 0: none. */
static uint16_t code_of(struct slice line)
{
    uint64_t code = 0;

    if (!slice_number(slice_head(line, 3), 599, &code) || line.length < 3 || code < 100)
        return 0;
    if (line.length > 3 && line.at[3] != ' ' && line.at[3] != '-')
        return 0;
    return (uint16_t)code;
}

static enum ftp_reply_step take_line(struct ftp_reply *reply, struct slice line)
{
    uint16_t code = code_of(line);
    bool goes_on = line.length > 3 && line.at[3] == '-';

    if (reply->code == 0) {
        if (code == 0)
            return FTP_REPLY_BAD;
        reply->code = code;
    } else if (code != reply->code) {
        return FTP_REPLY_MORE; // within a long reply anything may stand, other codes too
    }
    if (goes_on)
        return FTP_REPLY_MORE;
    reply->text = slice_from(line, 4);
    return FTP_REPLY_DONE;
}

enum ftp_reply_step ftp_reply_next(struct ftp_reply *reply, struct slice *bytes)
{
    enum ftp_reply_step step = FTP_REPLY_MORE;

    while (step == FTP_REPLY_MORE) {
        struct slice line = slice_head(*bytes, slice_find(*bytes, '\n'));

        if (line.length >= FTP_LINE_MAX)
            return FTP_REPLY_BAD;
        if (line.length == bytes->length)
            return FTP_REPLY_MORE;
        *bytes = slice_from(*bytes, line.length + 1);
        reply->bytes += (uint32_t)line.length + 1;
        if (reply->bytes > FTP_REPLY_MAX)
            return FTP_REPLY_BAD;
        if (slice_ends(line, SLICE("\r")))
            line.length--;
        step = take_line(reply, line);
    }
    return step;
}

/* The decimal number at the front, taken off; false: none, or above `most`. */
static bool take_number(struct slice *text, uint64_t most, uint64_t *number)
{
    size_t length = 0;

    while (length < text->length && is_digit(text->at[length]))
        length++;
    if (!slice_number(slice_head(*text, length), most, number))
        return false;
    *text = slice_from(*text, length);
    return true;
}

bool ftp_extended_port(struct slice text, uint16_t *port)
{
    uint64_t number = 0;

    text = slice_from(text, slice_find(text, '('));
    if (text.length < 7)
        return false;
    char mark = text.at[1]; // any printable, usually a bar

    if (is_digit(mark) || text.at[2] != mark || text.at[3] != mark)
        return false;
    text = slice_from(text, 4);
    if (!take_number(&text, UINT16_MAX, &number) || number == 0)
        return false;
    if (text.length < 2 || text.at[0] != mark || text.at[1] != ')')
        return false;
    *port = (uint16_t)number;
    return true;
}

bool ftp_passive_endpoint(struct slice text, struct endpoint *endpoint)
{
    uint8_t numbers[6];

    while (text.length > 0 && !is_digit(text.at[0]))
        text = slice_from(text, 1);
    for (size_t i = 0; i < sizeof numbers; i++) {
        uint64_t number = 0;

        if (i > 0 && !slice_starts(text, SLICE(",")))
            return false;
        text = slice_from(text, i > 0);
        if (!take_number(&text, UINT8_MAX, &number))
            return false;
        numbers[i] = (uint8_t)number;
    }
    uint16_t port = (uint16_t)(numbers[4] << 8 | numbers[5]);

    if (port == 0)
        return false;
    *endpoint = (struct endpoint){ ip_v4(numbers[0], numbers[1], numbers[2], numbers[3]), port };
    return true;
}
