// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The files of a node's past (app/history.h): segments are appended to and the oldest removed, and
 * releases kept as long as a segment is of them. Blocks: on the pool, one call at a time.
 *
 * What a kill leaves is read as far as it is whole (steer/past.h): a new process begins a segment
 * of its own, and never appends to another's.
 */

#include "conf/network.h"
#include "steer/past.h"

enum {
    HISTORY_PATH_MAX = 4096,
    HISTORY_SEGMENTS_MAX = 100000, // files that are looked at in the folder
    HISTORY_FILE_BYTES_MAX = 1 << 30,
};

struct history_event {
    enum past_kind kind;
    struct moment at;
    uint32_t check; // of PAST_HEALTH
    uint8_t health;
    bool is_planned;       // of PAST_MAP
    bool is_gap;           // of PAST_KEY: not all of what was before it is here
    struct root *root;     // of PAST_KEY and PAST_MAP: held
    struct steer_map *map; // likewise
    uint8_t *all_health;   // of PAST_KEY; its own
};

struct history_disk {
    char folder[HISTORY_PATH_MAX];
    struct network_history limits; // of the newest key's release
    struct past_writer writer;
    int fd;                               // of the segment; -1: none is written
    uint64_t size_bytes;                  // of it
    uint64_t made_count;                  // records in the writer, not in the segment yet
    uint64_t written_bytes, record_count; // by the last call
};

void history_disk_init(struct history_disk *disk, const char *folder);
void history_disk_done(struct history_disk *disk);

/* Writes them down, in their order. After an error no segment is written until the next key. */
[[nodiscard]] enum err history_disk_write(
    struct history_disk *disk, const struct history_event *events, size_t count);

/* When the segment began that a moment lies in, or the newest before it; false: there is none.
 * *oldest: the first of all, or as it was. */
[[nodiscard]] bool history_disk_find(
    const char *folder, struct moment at, struct moment *segment, struct moment *oldest);

/* The whole segment; the caller frees it with mem_free. */
[[nodiscard]] enum err history_disk_read(
    const char *folder, struct moment segment, char **bytes, size_t *length);

/* The network of a release that was kept, or NULL: it was not, or is damaged. */
struct network *history_disk_release(const char *folder, uint64_t hash);
