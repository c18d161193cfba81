// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Replies of an FTP server (RFC 959 §4.2): a code and text, in one line or in many, of which the
 * last begins with the code and a blank. And the two that say where data is to be had. Pure.
 *
 * A line may end without CR; nothing hangs on where servers of all ages draw it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/slice.h"

enum {
    FTP_LINE_MAX = 2048,       // with its end
    FTP_REPLY_MAX = 16 * 1024, // all lines of a reply
};

enum ftp_reply_step { FTP_REPLY_MORE, FTP_REPLY_DONE, FTP_REPLY_BAD };

/* Zeroed to begin with, and before each reply. */
struct ftp_reply {
    uint16_t code;     // 100 to 599; 0 before the first line
    uint32_t bytes;    // of the lines so far
    struct slice text; // with FTP_REPLY_DONE: of the last line, behind the code
};

/* Takes lines off the front of *bytes until the reply is complete; what is left of a line is left
 * there. With FTP_REPLY_BAD nothing more can be understood. */
enum ftp_reply_step ftp_reply_next(struct ftp_reply *reply, struct slice *bytes);

/* "(|||6446|)" in the text of reply 229 (RFC 2428 §3); false: not there, or no port. */
bool ftp_extended_port(struct slice text, uint16_t *port);

/* "h1,h2,h3,h4,p1,p2" in the text of reply 227, in brackets or not (RFC 1123 §4.1.2.6). */
bool ftp_passive_endpoint(struct slice text, struct endpoint *endpoint);
