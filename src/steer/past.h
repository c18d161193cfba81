// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a node's answers rested on, written down so that any of them can be given again: the map in
 * use, the facts it was made of, and the health of all checks, from moment to moment.
 *
 *     segment = key record*         of one release and one geography, which the key names by hash
 *     record  = kind(1) after length bytes checksum(4)
 *
 *     key     all there is, at the moment when it was written
 *     map     a new map: what is new in its facts, and where it was not planned from them and the
 *             map before alone, its cells
 *     health  one check's health is another
 *     tick    nothing: all is as it was until then
 *
 * `after` are the microseconds since the record before; numbers are of variable length, seven bits
 * to a byte. A map that was planned from the one before costs no more than the news of its facts:
 * it is planned again when it is played, and must have the hash that was noted. So segments are
 * bounded in the number of maps (PAST_MAPS_MAX), and each begins with a whole state.
 *
 * The checksum covers the record and its place in the segment: what a crash tore, or a disk
 * damaged, ends the segment. What was written is good until the moment of its last record.
 *
 * Pure: bytes in, bytes out; no clock, no files. What is read may be anything.
 */

#include <stdbool.h>

#include "base/err.h"
#include "steer/map.h"

enum {
    PAST_MAPS_LEAST = 60, // of a segment, before it is ended for its size
    PAST_MAPS_MAX = 360,  // half an hour
    PAST_RECORD_MAX = 1 << 30,
};

enum past_kind { PAST_KEY, PAST_MAP, PAST_HEALTH, PAST_TICK, PAST_KIND_COUNT };

/* A segment in the making. */
struct past_writer {
    char *bytes; // that were made and not yet taken
    size_t length, room;
    uint64_t total_bytes, key_bytes; // of the segment so far; of its first record
    size_t map_count;                // in the segment, that of the key left out
    struct moment at;                // of the newest record
    struct wall epoch;               // of the newest map
    struct check_facts *facts;       // likewise
    size_t check_count;
};

/* Zeroed. */
void past_writer_init(struct past_writer *writer);
void past_writer_done(struct past_writer *writer);

/* Of what a segment is. */
struct past_release {
    uint64_t release; // network.hash
    uint64_t geo;     // geo.hash
};

/* Begins a segment, with a state: `health` has a byte for each check of the map's facts. */
void past_write_key(struct past_writer *writer, struct moment at,
    const struct past_release *release, const struct steer_map *map, const uint8_t *health);

/* In the order of time; a moment before the newest counts as that. `is_planned`: by steer_plan,
 * from its facts and the map that was written before, and not changed since. */
void past_write_map(
    struct past_writer *writer, struct moment at, const struct steer_map *map, bool is_planned);
void past_write_health(
    struct past_writer *writer, struct moment at, uint32_t check, uint8_t health);
void past_write_tick(struct past_writer *writer, struct moment at);

/* The segment is long enough, and the next one should begin. */
bool past_writer_is_long(const struct past_writer *writer);

struct past_record {
    enum past_kind kind;
    struct moment at;
    struct slice body;
    struct past_release release; // of a key
};

/* A segment being read. */
struct past_reader {
    struct slice bytes; // of the whole segment
    size_t at;          // of the next record
    struct moment moment;
};

/* The next record, good as long as the bytes. False: that was all, or all that is whole. */
bool past_read(struct past_reader *reader, struct past_record *record);

/* Of which release a segment is, by its first forty bytes, unchecked; false: it is none. */
bool past_head_release(struct slice head, uint64_t *release);

/* The state as it was after the records played so far. */
struct past_player;

/* The rows are those of the key's release and geography; they outlive the player, and their health
 * is set by it. */
struct past_player *past_player_new(struct steer_rows *rows);

/* Accepts NULL. */
void past_player_free(struct past_player *player);

/* The next record of a segment, whose first is its key.
 * ERR_PARSE: it is none that was written for such rows. ERR_STALE: the map that is planned now is
 * another than it was then. After an error the state is none. */
[[nodiscard]] enum err past_play(struct past_player *player, const struct past_record *record);

/* NULL before the key. Good until the next record. */
const struct steer_map *past_player_map(const struct past_player *player);
