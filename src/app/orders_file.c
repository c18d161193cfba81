// SPDX-License-Identifier: Apache-2.0
#include "app/orders_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/file.h"

enum { CHECK_SIZE = 8, HEADER_CHECK_SIZE = 4 };

static const char MARK[ORDERS_FILE_HEADER] = { 'w', 'p', 'o', 'l', 'o', 'g', 0, 1 };

static uint32_t header_check(const char *header)
{
    return (uint32_t)hash_bytes(
        slice_of(header + HEADER_CHECK_SIZE, ORDERS_RECORD_HEADER - HEADER_CHECK_SIZE), 0);
}

void orders_file_begin(char room[ORDERS_FILE_HEADER])
{
    memcpy(room, MARK, sizeof MARK);
}

size_t orders_record_write(const struct orders_record *record, char *room)
{
    size_t length = record->payload.length;

    assert(length <= ORDERS_PAYLOAD_MAX && record->kind < ORDERS_RECORD_KIND_COUNT);
    char *out = number_put(room + HEADER_CHECK_SIZE, length, 2);

    out = number_put(out, (uint64_t)record->kind, 1);
    out = number_put(out, 0, 1);
    out = number_put(out, record->era, 8);
    out = number_put(out, record->number, 8);
    out = number_put(out, (uint64_t)record->applied.ms, 8);
    number_put(room, header_check(room), HEADER_CHECK_SIZE);
    if (length > 0) {
        memcpy(out, record->payload.at, length);
        out = number_put(out + length, hash_bytes(record->payload, 0), CHECK_SIZE);
    }
    return (size_t)(out - room);
}

/* Wrong at `at`, where what is there would end at `end`. */
static enum orders_reading wrong(struct slice file, size_t end)
{
    for (size_t i = end; i < file.length; i++)
        if (file.at[i] != 0)
            return ORDERS_READ_BROKEN;
    return ORDERS_READ_TORN;
}

static enum orders_reading read_mark(struct slice file, size_t *at)
{
    size_t there = file.length < sizeof MARK ? file.length : sizeof MARK;

    if (file.length == 0)
        return ORDERS_READ_END;
    if (memcmp(file.at, MARK, there) != 0)
        return wrong(file, sizeof MARK);
    if (there < sizeof MARK)
        return ORDERS_READ_TORN;
    *at = sizeof MARK;
    return ORDERS_READ_RECORD;
}

/* False where the header is not one of ours. */
static bool read_header(const char *in, struct orders_record *record)
{
    const char *start = in;

    if (number_get(&in, HEADER_CHECK_SIZE) != header_check(start))
        return false;
    size_t length = (size_t)number_get(&in, 2);
    uint64_t kind = number_get(&in, 1);

    in++;
    *record = (struct orders_record){ .payload.length = length };
    record->era = number_get(&in, 8);
    record->number = number_get(&in, 8);
    uint64_t applied_ms = number_get(&in, 8);

    if (length > ORDERS_PAYLOAD_MAX || kind >= ORDERS_RECORD_KIND_COUNT || applied_ms > INT64_MAX)
        return false;
    record->kind = (enum orders_record_kind)kind;
    record->applied.ms = (int64_t)applied_ms;
    return true;
}

enum orders_reading orders_record_read(struct slice file, size_t *at, struct orders_record *record)
{
    struct orders_record read;

    if (*at == 0) {
        enum orders_reading mark = read_mark(file, at);

        if (mark != ORDERS_READ_RECORD)
            return mark;
    }
    struct slice rest = slice_from(file, *at);

    if (rest.length == 0)
        return ORDERS_READ_END;
    if (rest.length < ORDERS_RECORD_HEADER)
        return ORDERS_READ_TORN;
    if (!read_header(rest.at, &read))
        return wrong(rest, ORDERS_RECORD_HEADER);
    size_t length = read.payload.length;
    size_t end = ORDERS_RECORD_HEADER + (length > 0 ? length + CHECK_SIZE : 0);

    if (rest.length < end)
        return ORDERS_READ_TORN;
    if (length > 0) {
        const char *check = rest.at + ORDERS_RECORD_HEADER + length;

        read.payload.at = rest.at + ORDERS_RECORD_HEADER;
        if (number_get(&check, CHECK_SIZE) != hash_bytes(read.payload, 0))
            return wrong(rest, end);
    }
    *record = read;
    *at += end;
    return ORDERS_READ_RECORD;
}

void orders_file_init(struct orders_file *file, const char *path)
{
    *file = (struct orders_file){ .path = mem_text(path, strlen(path)), .fd = -1 };
}

static void close_file(struct orders_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    file->size_bytes = 0;
}

void orders_file_done(struct orders_file *file)
{
    close_file(file);
    mem_free(file->path);
    file->path = NULL;
}

static enum err read_all(int fd, char **bytes, size_t *length)
{
    struct stat facts;

    if (fstat(fd, &facts) != 0)
        return err_from_errno(errno);
    if (facts.st_size > ORDERS_FILE_MAX)
        return ERR_LIMIT;
    char *room = mem_alloc((size_t)facts.st_size + 1);
    enum err err = file_read(fd, room, (size_t)facts.st_size, 0, length);

    if (err == ERR_NONE)
        *bytes = room;
    else
        mem_free(room);
    return err;
}

enum err orders_file_load(struct orders_file *file, char **bytes, size_t *length)
{
    assert(file->fd < 0);
    file->fd = open(file->path, O_RDWR | O_CLOEXEC);
    if (file->fd < 0)
        return errno == ENOENT ? ERR_MISSING : err_from_errno(errno);
    enum err err = read_all(file->fd, bytes, length);

    if (err != ERR_NONE)
        close_file(file);
    return err;
}

enum err orders_file_keep(struct orders_file *file, size_t size_bytes)
{
    assert(file->fd >= 0);
    if (ftruncate(file->fd, (off_t)size_bytes) != 0) {
        enum err err = err_from_errno(errno);

        close_file(file);
        return err;
    }
    file->size_bytes = size_bytes;
    return ERR_NONE;
}

enum err orders_file_set_aside(struct orders_file *file)
{
    char path[PATH_MAX];

    close_file(file);
    if ((size_t)snprintf(path, sizeof path, "%s.broken", file->path) >= sizeof path)
        return ERR_LIMIT;
    return rename(file->path, path) == 0 ? ERR_NONE : err_from_errno(errno);
}

/* All of it, and to the disk. */
static enum err write_at(int fd, struct slice bytes, size_t at)
{
    TRY(file_write(fd, bytes, at));
    return fdatasync(fd) == 0 ? ERR_NONE : err_from_errno(errno);
}

enum err orders_file_append(struct orders_file *file, struct slice bytes)
{
    assert(file->fd >= 0);
    enum err err = write_at(file->fd, bytes, file->size_bytes);

    if (err == ERR_NONE)
        file->size_bytes += bytes.length;
    else
        close_file(file);
    return err;
}

enum err orders_file_replace(struct orders_file *file, struct slice bytes)
{
    char path[PATH_MAX];

    close_file(file);
    if ((size_t)snprintf(path, sizeof path, "%s.new", file->path) >= sizeof path)
        return ERR_LIMIT;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_from_errno(errno);
    enum err err = write_at(fd, bytes, 0);

    if (err == ERR_NONE && rename(path, file->path) != 0)
        err = err_from_errno(errno);
    if (err == ERR_NONE)
        err = file_sync_folder(file->path);
    if (err != ERR_NONE) {
        close(fd);
        return err;
    }
    file->fd = fd;
    file->size_bytes = bytes.length;
    return ERR_NONE;
}
