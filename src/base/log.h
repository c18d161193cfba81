// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One line an event, `key=value`, to a descriptor (journald reads stderr). A line is formatted on
 * the stack and written in one call; where the reader is slow the line is dropped and counted,
 * never waited for. Lines that strangers' packets cause go through log_remote, which lets a few
 * a second pass. Shared by all threads.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

enum { LOG_LINE_MAX = 1024, LOG_REMOTE_PER_SECOND = 10 };

struct log {
    int fd; // -1: nowhere
    enum log_level most;
    _Atomic int64_t remote_second; // the second that remote_count speaks of
    _Atomic int remote_count;
    _Atomic uint64_t dropped; // lines that a slow reader or the rate limit cost
};

void log_init(struct log *l, int fd, enum log_level most);

/*
 * Writes `level part event key=value…`; fmt begins with the event's name. Values with blanks are
 * quoted by the caller: key="%s". Control bytes are shown as '?'.
 */
void log_line(struct log *l, enum log_level level, const char *part, const char *fmt, ...)
    PRINTS(4, 5);

/* As log_line, for what strangers cause: at most LOG_REMOTE_PER_SECOND lines in a second. */
void log_remote(struct log *l, struct wall now, const char *part, const char *fmt, ...)
    PRINTS(4, 5);
