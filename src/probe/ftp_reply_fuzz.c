// SPDX-License-Identifier: Apache-2.0
/*
 * A reply is the same in one piece as byte by byte, its parts lie within the bytes, and a port that
 * was found is one. The seeds are what servers say.
 */
#include <assert.h>

#include "probe/ftp_reply.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void read_ports(struct slice text)
{
    struct endpoint at = { 0 };
    uint16_t port = 0;
    bool is_extended = ftp_extended_port(text, &port), is_passive = ftp_passive_endpoint(text, &at);

    assert(is_extended == (port != 0));
    assert(is_passive == (at.port != 0) && is_passive == (at.ip.family == IP_V4));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice bytes = slice_of(data, size), rest = bytes, dripped = SLICE_NONE;
    struct ftp_reply reply = { 0 }, again = { 0 };
    enum ftp_reply_step step = ftp_reply_next(&reply, &rest), slow = FTP_REPLY_MORE;
    size_t taken = 0;

    for (size_t end = 1; end <= size && slow == FTP_REPLY_MORE; end++) {
        dripped = slice_from(slice_head(bytes, end), taken);
        slow = ftp_reply_next(&again, &dripped);
        taken = end - dripped.length;
    }
    assert(slow == step);
    read_ports(bytes);
    if (step == FTP_REPLY_BAD)
        return 0;
    assert(again.code == reply.code && again.bytes == reply.bytes);
    assert(reply.bytes == size - rest.length && reply.bytes <= FTP_REPLY_MAX);
    if (step == FTP_REPLY_MORE)
        return 0;
    assert(reply.code >= 100 && reply.code <= 599);
    assert(slice_equal(again.text, reply.text));
    assert(reply.text.length < FTP_LINE_MAX);
    assert(reply.text.length == 0 || (reply.text.at > bytes.at && reply.text.at < rest.at));
    read_ports(reply.text);
    return 0;
}
