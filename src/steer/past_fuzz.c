// SPDX-License-Identifier: Apache-2.0
/*
 * A past that was not written by us: whatever the bytes are, what is played leads to targets that
 * there are. The input is records without checksums, which no fuzzer would guess: a kind, two bytes
 * of length, a body.
 */
#include "steer/past.h"
#include "steer/share_world_test.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* The bytes as they are too, which must be read without harm. */
static void read_as_is(struct slice bytes)
{
    struct past_reader reader = { .bytes = bytes };
    struct past_record record;

    while (past_read(&reader, &record))
        assert(reader.at <= bytes.length);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice rest = slice_of(data, size);
    struct share_world w;

    read_as_is(rest);
    share_world_init(&w, 0);
    struct past_player *player = past_player_new(w.rows);

    for (int records = 0; rest.length >= 3 && records < 20; records++) {
        const unsigned char *head = (const unsigned char *)rest.at;
        size_t length = (size_t)head[1] << 8 | head[2];
        const struct past_record record = { .kind = (enum past_kind)(head[0] % PAST_KIND_COUNT),
            .body = slice_head(slice_from(rest, 3), length) };
        enum err err = past_play(player, &record);

        assert(err != ERR_NONE || past_player_map(player) != NULL);
        share_world_check(&w, past_player_map(player));
        rest = slice_from(slice_from(rest, 3), length);
    }
    past_player_free(player);
    share_world_done(&w);
    return 0;
}
