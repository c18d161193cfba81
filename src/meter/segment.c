// SPDX-License-Identifier: Apache-2.0
#include "meter/segment.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

#define ENDING SLICE(".entries")

const char *segment_path(
    const char *folder, uint64_t number, const char *ending, char path[SEGMENT_PATH_MAX])
{
    snprintf(path, SEGMENT_PATH_MAX, "%s/%010" PRIu64 "%s", folder, number, ending);
    return path;
}

bool segment_number(const char *name, uint64_t *number)
{
    struct slice text = slice_text(name);

    return slice_ends(text, ENDING) &&
           slice_number(slice_head(text, text.length - ENDING.length), UINT64_MAX - 1, number);
}

enum err segment_open(struct segment_reader *reader, const char *path, uint64_t at, uint64_t limit)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert(at <= limit);
    if (fd < 0)
        return err_from_errno(errno);
    *reader = (struct segment_reader){ .fd = fd,
        .room = mem_alloc(SEGMENT_WINDOW_BYTES),
        .window.at = at,
        .limit = limit,
        .is_begun = at > 0 };
    return ERR_NONE;
}

void segment_close(struct segment_reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    mem_free(reader->room);
    *reader = (struct segment_reader){ .fd = -1 };
}

/* Puts the window where `at` is, and as much into it as there is. */
static enum err fill(struct segment_reader *r)
{
    struct slice kept = slice_from(r->window.bytes, r->at);
    uint64_t end = r->window.at + r->at + kept.length;
    size_t room = SEGMENT_WINDOW_BYTES - kept.length, length = 0;

    assert(room > 0);
    if (room > r->limit - end)
        room = (size_t)(r->limit - end);
    if (kept.length > 0)
        memmove(r->room, kept.at, kept.length);
    r->window.at += r->at;
    r->at = 0;
    r->window.bytes = slice_of(r->room, kept.length);
    TRY(file_read(r->fd, r->room + kept.length, room, end, &length));
    r->window.bytes.length += length;
    r->window.is_end = length < room || end + length == r->limit;
    return ERR_NONE;
}

static enum segment_reading failed(struct segment_reader *r, enum err err)
{
    r->err = err;
    return SEGMENT_ERROR;
}

/* From anywhere in the file. */
static void seek(struct segment_reader *r, uint64_t at)
{
    r->window = (struct journal_window){ .at = at };
    r->at = 0;
}

/* The next place from `at` in the file where there is a whole record; SEGMENT_END: none. */
static enum segment_reading find(
    struct segment_reader *r, uint64_t at, struct journal_record *record, uint64_t *found)
{
    enum err err;

    seek(r, at);
    for (;;) {
        if (!journal_record_find(&r->window, &r->at)) {
            if (r->window.is_end)
                return SEGMENT_END;
        } else {
            uint64_t here = segment_at(r);
            enum journal_reading reading = journal_record_read(&r->window, &r->at, record);

            if (reading == JOURNAL_READ_RECORD) {
                *found = here;
                return SEGMENT_RECORD;
            }
            if (reading == JOURNAL_READ_WRONG) {
                r->at++;
                continue;
            }
        }
        if ((err = fill(r)) != ERR_NONE)
            return failed(r, err);
    }
}

/* Something is wrong at `wrong_at`. What is good behind it may still be of the same write. */
static enum segment_reading judge(struct segment_reader *r)
{
    uint64_t wrong_at = segment_at(r), next = 0, found = 0;
    struct journal_record record;
    enum segment_reading reading = find(r, wrong_at + 1, &record, &found);

    next = found;
    while (reading == SEGMENT_RECORD && record.write <= wrong_at)
        reading = find(r, segment_at(r), &record, &found);
    if (reading == SEGMENT_ERROR)
        return reading;
    r->wrong_at = wrong_at;
    r->wrong_end = next;
    if (reading == SEGMENT_END) {
        r->wrong_end = r->window.at + r->window.bytes.length;
        seek(r, r->wrong_end);
        r->limit = r->wrong_end;
        return SEGMENT_TORN;
    }
    r->is_begun = true;
    seek(r, next);
    return SEGMENT_BROKEN;
}

/* False: it is not there. */
static bool read_header(struct segment_reader *r)
{
    struct slice header = slice_head(r->window.bytes, JOURNAL_FILE_HEADER);

    r->is_begun = journal_file_is_ours(header);
    if (r->is_begun)
        r->at = JOURNAL_FILE_HEADER;
    return r->is_begun;
}

enum segment_reading segment_next(struct segment_reader *reader, struct journal_record *record)
{
    struct segment_reader *r = reader;
    enum err err;

    if (!r->is_begun) {
        if ((err = fill(r)) != ERR_NONE)
            return failed(r, err);
        if (r->window.bytes.length == 0)
            return SEGMENT_END;
        if (!read_header(r))
            return judge(r);
    }
    for (;;) {
        switch (journal_record_read(&r->window, &r->at, record)) {
        case JOURNAL_READ_RECORD: return SEGMENT_RECORD;
        case JOURNAL_READ_END: return SEGMENT_END;
        case JOURNAL_READ_WRONG: return judge(r);
        case JOURNAL_READ_MORE: break;
        }
        if ((err = fill(r)) != ERR_NONE)
            return failed(r, err);
    }
}

uint64_t segment_at(const struct segment_reader *reader)
{
    return reader->window.at + reader->at;
}

enum err segment_make(struct segment_writer *writer, const char *path)
{
    char header[JOURNAL_FILE_HEADER];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_from_errno(errno);
    *writer = (struct segment_writer){ .fd = fd };
    journal_file_begin(header);
    return segment_append(writer, slice_of(header, sizeof header));
}

enum err segment_append(struct segment_writer *writer, struct slice records)
{
    assert(writer->fd >= 0);
    TRY(file_write(writer->fd, records, writer->size_bytes));
    writer->size_bytes += records.length;
    return ERR_NONE;
}

enum err segment_sync(struct segment_writer *writer)
{
    assert(writer->fd >= 0);
    return fdatasync(writer->fd) == 0 ? ERR_NONE : err_from_errno(errno);
}

void segment_abandon(struct segment_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    writer->fd = -1;
    writer->size_bytes = 0;
}
