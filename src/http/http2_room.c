// SPDX-License-Identifier: Apache-2.0
/*
 * The memory of nghttp2: counted for each connection, which cannot have more than its part. A
 * request takes and gives back the same few small rooms, so those that are free wait by size for
 * the next one. The C library keeps only seven of a size at hand, a page has a hundred streams.
 *
 * Half of what an idle session holds would be the room in which nghttp2 packs a frame that is to be
 * sent. What it gives out of that is good until it is called again, and is copied before anybody
 * else's turn; no frame of ours is packed and left there (body_send takes all it is given). So the
 * sessions of a server share one. A header block of several frames has rooms of its own for the
 * others. Sanitized builds fill the shared room with rubbish after each call, so that a version of
 * nghttp2 that came to rely on it would fail every test.
 */
#include "base/attr.h"
#include "base/mem.h"
#include "http/http2_priv.h"

enum {
    ROOM_STEP = 64,
    // Of each size; of all sizes together, 1 MiB a server. A sanitizer has to see who uses what
    // is free.
    ROOMS_FREE_MAX = IS_SANITIZED ? 0 : 128,
    // What a session asks for to pack frames in: the largest payload, a head, and the padding's
    // length (RFC 9113 §4.1, §4.2).
    FRAME_ROOM = 16384 + 9 + 1,
    RUBBISH = 0xdd,
};

/* In front of each room: its size, for the account; and when it is free, the next one. */
union http2_room {
    _Alignas(max_align_t) size_t size; // which is half of what a max_align_t is long
    union http2_room *next;
};

/* Rooms of one class can stand for each other; from HTTP2_ROOM_CLASSES on none waits. */
static size_t class_of(size_t size)
{
    return (size + ROOM_STEP - 1) / ROOM_STEP;
}

static union http2_room *take(struct http2_rooms *rooms, size_t size)
{
    size_t class = class_of(size);
    union http2_room *room = class < HTTP2_ROOM_CLASSES ? rooms->free[class] : NULL;

    if (room == NULL)
        return mem_resize(
            NULL, sizeof *room + (class < HTTP2_ROOM_CLASSES ? class * ROOM_STEP : size));
    rooms->free[class] = room->next;
    rooms->free_count[class]--;
    return room;
}

static void give_back(struct http2_rooms *rooms, union http2_room *room)
{
    size_t class = class_of(room->size);

    if (class >= HTTP2_ROOM_CLASSES || rooms->free_count[class] == ROOMS_FREE_MAX) {
        mem_free(room);
        return;
    }
    room->next = rooms->free[class];
    rooms->free[class] = room;
    rooms->free_count[class]++;
}

static void *room_new(size_t size, void *user)
{
    struct http2 *h2 = user;
    struct http_server *server = http2_server(h2);

    if (size > HTTP2_MEMORY_MAX - h2->memory) {
        counter_up(&server->counts.h2_memory);
        return NULL;
    }
    union http2_room *room = take(&server->h2->rooms, size);

    room->size = size;
    h2->memory += size;
    return room + 1;
}

static void *room_new_zeroed(size_t count, size_t size, void *user)
{
    size_t total;
    void *room = __builtin_mul_overflow(count, size, &total) ? NULL : room_new(total, user);

    return room == NULL ? NULL : memset(room, 0, total);
}

static void room_free(void *old, void *user)
{
    struct http2 *h2 = user;

    if (old == NULL)
        return;
    union http2_room *room = (union http2_room *)old - 1;

    if (room == http2_server(h2)->h2->rooms.frame) {
        h2->has_frame = false;
        return;
    }
    h2->memory -= room->size;
    give_back(&http2_server(h2)->h2->rooms, room);
}

static void *frame_room(struct http2 *h2)
{
    struct http2_rooms *rooms = &http2_server(h2)->h2->rooms;

    if (rooms->frame == NULL) {
        rooms->frame = mem_resize(NULL, sizeof *rooms->frame + FRAME_ROOM);
        rooms->frame->size = FRAME_ROOM;
    }
    h2->has_frame = true;
    return rooms->frame + 1;
}

/* Few ask for this, so it may move what could have stayed. */
static void *room_resize(void *old, size_t size, void *user)
{
    struct http2 *h2 = user;

    if (old == NULL && size == FRAME_ROOM && !h2->has_frame)
        return frame_room(h2);
    void *room = room_new(size, user);

    if (room == NULL || old == NULL)
        return room;
    size_t had = ((union http2_room *)old - 1)->size;

    memcpy(room, old, had < size ? had : size);
    room_free(old, user);
    return room;
}

nghttp2_mem http2_rooms(struct http2 *h2)
{
    return (nghttp2_mem){ h2, room_new, room_free, room_new_zeroed, room_resize };
}

void http2_rooms_leave(struct http2 *h2)
{
    if (IS_SANITIZED && h2->has_frame)
        memset(http2_server(h2)->h2->rooms.frame + 1, RUBBISH, FRAME_ROOM);
}

void http2_rooms_free(struct http2_rooms *rooms)
{
    mem_free(rooms->frame);
    for (size_t class = 0; class < HTTP2_ROOM_CLASSES; class ++)
        for (union http2_room *room = rooms->free[class], *next; room != NULL; room = next) {
            next = room->next;
            mem_free(room);
        }
}
