// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/slice.h"

static const char *const LEVEL_NAMES[] = { "error", "warning", "info", "debug" };

void log_init(struct log *l, int fd, enum log_level most)
{
    l->fd = fd;
    l->most = most;
    atomic_init(&l->remote_second, 0);
    atomic_init(&l->remote_count, 0);
    atomic_init(&l->dropped, 0);
}

static void write_line(struct log *l, enum log_level level, const char *part, const char *fmt,
    va_list args) __attribute__((format(printf, 4, 0)));

static void write_line(
    struct log *l, enum log_level level, const char *part, const char *fmt, va_list args)
{
    char line[LOG_LINE_MAX];
    struct pollfd writable = { .fd = l->fd, .events = POLLOUT };
    int start = snprintf(line, sizeof line, "%s %s ", LEVEL_NAMES[level], part);
    int more = vsnprintf(line + start, sizeof line - (size_t)start - 1, fmt, args);
    size_t length = (size_t)start + (more < 0 ? 0 : (size_t)more);

    if (length > sizeof line - 2)
        length = sizeof line - 2;
    for (size_t i = 0; i < length; i++)
        if (ascii_is_control(line[i]))
            line[i] = '?';
    line[length++] = '\n';
    if (poll(&writable, 1, 0) != 1 || write(l->fd, line, length) != (ssize_t)length)
        atomic_fetch_add_explicit(&l->dropped, 1, memory_order_relaxed);
}

void log_line(struct log *l, enum log_level level, const char *part, const char *fmt, ...)
{
    va_list args;

    if (l->fd < 0 || level > l->most)
        return;
    va_start(args, fmt);
    write_line(l, level, part, fmt, args);
    va_end(args);
}

void log_remote(struct log *l, struct wall now, const char *part, const char *fmt, ...)
{
    va_list args;

    if (l->fd < 0 || LOG_INFO > l->most)
        return;
    if (atomic_load_explicit(&l->remote_second, memory_order_relaxed) != wall_s(now)) {
        atomic_store_explicit(&l->remote_second, wall_s(now), memory_order_relaxed);
        atomic_store_explicit(&l->remote_count, 0, memory_order_relaxed);
    }
    if (atomic_fetch_add_explicit(&l->remote_count, 1, memory_order_relaxed) >=
        LOG_REMOTE_PER_SECOND) {
        atomic_fetch_add_explicit(&l->dropped, 1, memory_order_relaxed);
        return;
    }
    va_start(args, fmt);
    write_line(l, LOG_INFO, part, fmt, args);
    va_end(args);
}
