// SPDX-License-Identifier: Apache-2.0
/*
 * Bodies: the first bytes stand beside the head, the rest in pieces. Of a body whose length is
 * known, what does not fill a quarter of a block stands beside the head, then come quarters, then
 * whole blocks, so that no piece has an unused end. A body of unknown length grows by sixteenths,
 * quarters and whole blocks.
 *
 * One worker appends. Pieces are never moved, and the length is published after the bytes, so
 * readers need no lock.
 */
#include "cache/store_priv.h"

void body_unref(struct memory *m, struct body *body)
{
    if (body == NULL || atomic_fetch_sub(&body->refs, 1) > 1)
        return;
    struct chunk *chunk = &body->first;
    uint32_t left = body->piece_count;

    while (chunk != NULL) {
        struct chunk *next = chunk->next;

        for (unsigned i = 0; i < CHUNK_PIECES && left > 0; i++, left--)
            memory_free(m, chunk->pieces[i].at);
        if (chunk != &body->first)
            memory_free(m, chunk);
        chunk = next;
    }
    memory_free(m, body);
}

static size_t next_piece(
    const struct memory *m, const struct cache_object *object, const struct body *body)
{
    uint64_t length = object->length;
    uint32_t middle = m->block_bytes / BLOCK_MIDDLE, small = m->block_bytes / BLOCK_SMALL;

    if (body->total >= 0)
        return ((uint64_t)body->total - length) % m->block_bytes != 0 ? middle : m->block_bytes;
    if (length < small)
        return small;
    return length < m->block_bytes ? middle : m->block_bytes;
}

/* The chunk that takes the next piece; it may have to be made. */
static struct chunk *chunk_with_room(struct store *store, struct body *body)
{
    struct chunk *chunk = &body->first;
    uint32_t before = body->piece_count / CHUNK_PIECES;

    while (before > 0 && chunk->next != NULL) {
        chunk = chunk->next;
        before--;
    }
    if (before == 0)
        return chunk;
    struct chunk *more = memory_alloc(&store->memory, sizeof *more, ITEM_PART);

    if (more == NULL)
        return NULL;
    memset(more, 0, sizeof *more);
    body->memory += memory_item_bytes(&store->memory, more);
    atomic_store_explicit(&chunk->next, more, memory_order_release);
    return more;
}

static struct piece *piece_add(struct store *store, struct body *body, uint64_t start, size_t bytes)
{
    struct chunk *chunk = chunk_with_room(store, body);

    if (chunk == NULL)
        return NULL;
    char *at = bytes == store->memory.block_bytes ? memory_alloc_block(&store->memory)
                                                  : memory_alloc(&store->memory, bytes, ITEM_PART);

    if (at == NULL)
        return NULL;
    struct piece *piece = &chunk->pieces[body->piece_count++ % CHUNK_PIECES];

    piece->at = at;
    atomic_store_explicit(&piece->end, start + bytes, memory_order_release);
    body->memory += bytes;
    return piece;
}

static struct piece *last_piece(struct body *body)
{
    struct chunk *chunk = &body->first;

    if (body->piece_count == 0)
        return NULL;
    for (uint32_t i = 0; i < (body->piece_count - 1) / CHUNK_PIECES; i++)
        chunk = chunk->next;
    return &chunk->pieces[(body->piece_count - 1) % CHUNK_PIECES];
}

/* Where the body goes on, and how much fits there; 0: no memory. */
static size_t room_at(struct store *store, struct cache_object *object, char **at)
{
    uint64_t length = object->length;

    if (length < object->inline_bytes) {
        *at = object_inline(object) + length;
        return object->inline_bytes - length;
    }
    struct body *body = *object_body(object);
    struct piece *piece = last_piece(body);

    if (piece == NULL || piece->end == length)
        piece = piece_add(store, body, length, next_piece(&store->memory, object, body));
    if (piece == NULL)
        return 0;
    size_t bytes = memory_item_bytes(&store->memory, piece->at);

    *at = piece->at + (length - (piece->end - bytes));
    return piece->end - length;
}

enum err body_append(struct store *store, struct cache_object *object, struct slice bytes)
{
    while (bytes.length > 0) {
        char *at;
        size_t room = room_at(store, object, &at);

        if (room == 0)
            return ERR_SPACE;
        if (room > bytes.length)
            room = bytes.length;
        memcpy(at, bytes.at, room);
        atomic_store_explicit(&object->length, object->length + room, memory_order_release);
        bytes = slice_from(bytes, room);
    }
    return ERR_NONE;
}

/* A walk over a body's bytes from `offset` to `end`. */
struct walk {
    uint64_t offset, end;
    struct iovec *iov;
    size_t count, most;
};

/* The bytes from `start` to `stop` of the body are at `at`. False: no more is wanted. */
static bool walk_over(struct walk *w, char *at, uint64_t start, uint64_t stop)
{
    uint64_t last = stop < w->end ? stop : w->end;

    if (w->offset >= last)
        return w->offset < w->end;
    char *from = at + (w->offset - start);
    struct iovec *newest = w->count == 0 ? NULL : &w->iov[w->count - 1];

    if (newest != NULL && (char *)newest->iov_base + newest->iov_len == from) {
        newest->iov_len += last - w->offset;
    } else {
        if (w->count == w->most)
            return false;
        w->iov[w->count++] = (struct iovec){ from, last - w->offset };
    }
    w->offset = last;
    return w->offset < w->end;
}

static void walk_pieces(struct walk *w, struct body *body, uint64_t start)
{
    struct chunk *chunk = &body->first;

    while (chunk != NULL) {
        uint64_t chunk_end =
            atomic_load_explicit(&chunk->pieces[CHUNK_PIECES - 1].end, memory_order_acquire);

        for (unsigned i = 0; i < CHUNK_PIECES && (chunk_end == 0 || chunk_end > w->offset); i++) {
            uint64_t end = atomic_load_explicit(&chunk->pieces[i].end, memory_order_acquire);

            if (end == 0 || !walk_over(w, chunk->pieces[i].at, start, end))
                return;
            start = end;
        }
        if (chunk_end != 0)
            start = chunk_end;
        chunk = atomic_load_explicit(&chunk->next, memory_order_acquire);
    }
}

size_t cache_object_read(
    const struct cache_object *object, uint64_t offset, struct iovec *iov, size_t most)
{
    struct walk w = {
        .offset = offset, .end = cache_object_length(object), .iov = iov, .most = most
    };

    if (offset >= w.end || most == 0)
        return 0;
    if (walk_over(&w, object_inline(object), 0, object->inline_bytes) &&
        (object->traits & TRAIT_HAS_BODY) != 0)
        walk_pieces(&w, *(struct body *const *)(const void *)(object + 1), object->inline_bytes);
    return w.count;
}

/* The first bytes of the body, copied. */
void body_copy(const struct cache_object *from, char *to, uint64_t bytes)
{
    uint64_t done = 0;

    while (done < bytes) {
        struct iovec iov;
        size_t count = cache_object_read(from, done, &iov, 1);

        assert(count == 1);
        uint64_t part = iov.iov_len < bytes - done ? iov.iov_len : bytes - done;

        memcpy(to + done, iov.iov_base, part);
        done += part;
    }
}
