// SPDX-License-Identifier: Apache-2.0
/* Maps told by strangers: whatever the bytes are, what was taken over leads to targets that there
 * are, and is what the hash says. */
#include "steer/share_world_test.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* The bytes are the cells; the rest of the message is as it has to be, and so is the hash if the
 * cells are those of the map. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct share_world w;

    share_world_init(&w, 0);
    share_world_plan(&w);
    struct share_taker *taker = share_taker_new(w.rows, w.map, w.map->shared_hash);
    uint32_t total = share_size(w.rows, w.map).cells;
    const struct map_part part = { .kind = MAP_PART,
        .release = share_release(w.rows),
        .hash = w.map->shared_hash,
        .total = total,
        .count = size > 0 && data[0] < total ? total - data[0] : total,
        .cells = slice_of(data + (size > 0), size - (size > 0)) };

    if (share_take(taker, &part) == SHARE_WHOLE) {
        struct steer_map *map = share_taker_end(taker);

        assert(map->shared_hash == w.map->shared_hash);
        share_world_check(&w, map);
        steer_map_free(map);
    } else {
        share_taker_free(taker);
    }
    share_world_done(&w);
    return 0;
}
