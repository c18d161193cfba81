// SPDX-License-Identifier: Apache-2.0
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum err file_write(int fd, struct slice bytes, uint64_t at)
{
    while (bytes.length > 0) {
        ssize_t part = pwrite(fd, bytes.at, bytes.length, (off_t)at);

        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return part == 0 ? ERR_SPACE : err_from_errno(errno);
        bytes = slice_from(bytes, (size_t)part);
        at += (uint64_t)part;
    }
    return ERR_NONE;
}

enum err file_read(int fd, char *room, size_t room_bytes, uint64_t at, size_t *length)
{
    size_t got = 0;

    while (got < room_bytes) {
        ssize_t part = pread(fd, room + got, room_bytes - got, (off_t)(at + got));

        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return err_from_errno(errno);
        if (part == 0)
            break;
        got += (size_t)part;
    }
    *length = got;
    return ERR_NONE;
}

enum err file_sync_folder(const char *path)
{
    char folder[PATH_MAX];

    if ((size_t)snprintf(folder, sizeof folder, "%s", path) >= sizeof folder)
        return ERR_LIMIT;
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_from_errno(errno);
    enum err err = fsync(fd) == 0 ? ERR_NONE : err_from_errno(errno);

    close(fd);
    return err;
}
