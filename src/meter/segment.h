// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A segment of the journal (meter/journal_file.h) as a file: read through a window, and appended
 * to. Blocks.
 */

#include "base/err.h"
#include "meter/journal_file.h"

enum { SEGMENT_WINDOW_BYTES = 1 << 20, SEGMENT_PATH_MAX = 4096 };

/* FOLDER/NUMBER.entries, or with another ending; returns `path`. */
const char *segment_path(
    const char *folder, uint64_t number, const char *ending, char path[SEGMENT_PATH_MAX]);

/* The number in the name of a segment; false: it is none. */
[[nodiscard]] bool segment_number(const char *name, uint64_t *number);

struct segment_reader {
    int fd;
    char *room;                   // of the window
    struct journal_window window; // what of the file is in it
    size_t at;                    // in the window
    uint64_t limit;               // what lies behind is not looked at
    bool is_begun;                // its header was read
    uint64_t wrong_at, wrong_end; // of the last SEGMENT_BROKEN or SEGMENT_TORN
    enum err err;                 // of SEGMENT_ERROR
};

enum segment_reading {
    SEGMENT_RECORD,
    SEGMENT_END,
    SEGMENT_TORN,   // the end: good up to wrong_at
    SEGMENT_BROKEN, // from wrong_at to wrong_end; what follows may be read
    SEGMENT_ERROR,
};

/* Opens it for reading from `at` (0, or where a record begins) to `limit` (UINT64_MAX: its end). */
[[nodiscard]] enum err segment_open(
    struct segment_reader *reader, const char *path, uint64_t at, uint64_t limit);

/* Accepts one that was not opened and is zeroed but for its fd of -1. */
void segment_close(struct segment_reader *reader);

/* The next record, good until the next call. */
enum segment_reading segment_next(struct segment_reader *reader, struct journal_record *record);

/* Where the next record is, in the file. */
uint64_t segment_at(const struct segment_reader *reader);

/* What is appended to. */
struct segment_writer {
    int fd; // -1: none
    uint64_t size_bytes;
};

/* Makes a file with its header; ERR_EXISTS: there is one. Nothing of it is on the disk yet. */
[[nodiscard]] enum err segment_make(struct segment_writer *writer, const char *path);

/* Appends records made by journal_record_write, whose write is the writer's size when the write
 * began, but 0 for the first. Not on the disk before segment_sync. */
[[nodiscard]] enum err segment_append(struct segment_writer *writer, struct slice records);
[[nodiscard]] enum err segment_sync(struct segment_writer *writer);

/* Accepts one that is closed. */
void segment_abandon(struct segment_writer *writer);
