// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A line of an access log: who asked for what, when, and what came of it; in one of two forms.
 *
 * Combined is the form that tools expect of Apache and nginx by that name, to the byte:
 *
 *     203.0.113.9 - - [22/Nov/2026:21:02:35 +0000] "GET /a HTTP/1.1" 200 1234 "-" "curl/8"
 *
 * with the bytes of the whole answer, head included, as Apache's %O has them: what is billed. It
 * has no room for the site; who has several in one log takes JSON:
 *
 *     {"time":"2026-11-22T21:02:35.250Z","site":"a.example","pop":"fra","node":"fra1",...}
 *
 * Strangers choose much of it. No control byte and nothing above ASCII gets into a combined line
 * (there as \n, \xhh, \" and \\); a JSON line is valid UTF-8, where each byte that was none stands
 * as U+FFFD. What is too long is cut.
 */

#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/slice.h"

enum access_format { ACCESS_COMBINED, ACCESS_JSON };

enum {
    ACCESS_METHOD_MAX = 32, // bytes of each text before it is escaped
    ACCESS_TARGET_MAX = 4096,
    ACCESS_REFERER_MAX = 2048,
    ACCESS_AGENT_MAX = 1024,
    ACCESS_NAME_MAX = 255,
    ACCESS_LINE_MAX = 6 * (ACCESS_METHOD_MAX + ACCESS_TARGET_MAX + ACCESS_REFERER_MAX +
                              ACCESS_AGENT_MAX + 3 * ACCESS_NAME_MAX) +
                      1024, // of a line, its end included
    ACCESS_LEFT = 499,      // status of who left before there was an answer, as nginx has it
};

struct access_line {
    struct slice site, pop, node; // JSON alone
    struct ip client;
    struct slice method, target; // as asked
    struct slice protocol;       // such as HTTP/1.1
    struct slice tls;            // version; empty: none
    struct slice referer, agent; // at == NULL: not said
    struct slice cache;          // outcome, a word
    unsigned status;             // 0: none was sent
    uint64_t sent_bytes;
    struct wall began;
    struct span took;
};

/* Writes the line, its end included, to `room` of ACCESS_LINE_MAX bytes; returns its length. */
size_t access_line_write(const struct access_line *line, enum access_format format, char *room);
