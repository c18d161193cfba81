// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The part of http/script_test.h that gives bodies: the service, its tasks, and their sources. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "http/server.h"
#include "io/loop.h"

enum { SCRIPT_HELD_MAX = 256, SCRIPT_BODY_MAX = 4 * 1024 * 1024, SCRIPT_PIECE_MAX = 40000 };

struct script {
    struct http_service service;
    struct loop *loop;
    struct loop_hook hook;
    uint64_t luck;
    unsigned served, completed, cut; // cut: over, but not complete
    char *held[SCRIPT_HELD_MAX];     // good until this turn's end
    unsigned held_count;
    size_t length_max;    // of bodies
    struct slice more;    // fields of what is at hand; empty: an Age
    struct counter *sent; // of each kind of answer; NULL: not counted
    bool waits;           // sources have pauses, sinks are slow
};

enum script_kind {
    SCRIPT_HAND,
    SCRIPT_SOURCE,
    SCRIPT_STREAM,
    SCRIPT_LATER,
    SCRIPT_ECHO,
    SCRIPT_CUT,
    SCRIPT_SHORT,
    SCRIPT_NEVER,
    SCRIPT_STATUS,
    SCRIPT_KEPT,
};

struct script_task {
    struct script *script;
    struct http_exchange *x;
    struct http_source source;
    struct http_sink sink;
    struct timer timer;
    enum script_kind kind;
    size_t length, at, pulled;
    char *piece; // what was pulled last
    char *heard; // of the request's body
    size_t heard_length;
    bool is_heard;
};

static inline uint64_t script_draw(struct script *s, uint64_t below)
{
    s->luck = s->luck * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (s->luck >> 33) % below;
}

/* The byte at a place of every body. */
static inline char script_byte(size_t at)
{
    return (char)(at * 31 + at / 251);
}

/* Bytes of a body in memory that is given back at the next turn's begin. */
static inline struct slice script_hold(struct script *s, size_t at, size_t length)
{
    char *bytes = malloc(length + 1);

    assert(bytes != NULL && s->held_count < SCRIPT_HELD_MAX);
    for (size_t i = 0; i < length; i++)
        bytes[i] = script_byte(at + i);
    s->held[s->held_count++] = bytes;
    return slice_of(bytes, length);
}

static inline void script_forget(struct loop_hook *hook)
{
    struct script *s = container_of(hook, struct script, hook);

    while (s->held_count > 0)
        free(s->held[--s->held_count]);
}

static inline struct script_task *script_task_of(struct http_exchange *x)
{
    struct script_task *task;

    memcpy(&task, x->service, sizeof task);
    return task;
}

static inline void script_wake_later(struct script_task *task)
{
    struct loop *loop = task->script->loop;

    if (!timer_is_set(&task->timer))
        timer_set(loop, &task->timer,
            instant_after(loop_now(loop), span_us(100 + (int64_t)script_draw(task->script, 5000))));
}

static inline void script_drop_piece(struct script_task *task)
{
    free(task->piece);
    task->piece = NULL;
    task->pulled = 0;
}

static inline size_t script_pull(
    struct http_source *source, struct iovec *iov, size_t most, bool *is_last)
{
    struct script_task *task = container_of(source, struct script_task, source);
    struct script *s = task->script;
    size_t end = task->kind == SCRIPT_SHORT ? task->length / 2 : task->length;
    size_t left = end - task->at, count = 0, piece;

    script_drop_piece(task);
    if (task->kind == SCRIPT_CUT && left == 0) {
        http_exchange_abort(task->x);
        return 0;
    }
    if (left > 0 && s->waits && script_draw(s, 3) == 0) {
        script_wake_later(task);
        return 0;
    }
    piece = left < SCRIPT_PIECE_MAX ? left : SCRIPT_PIECE_MAX;
    piece = s->waits ? script_draw(s, piece + 1) : piece;
    task->piece = malloc(piece + 1);
    assert(task->piece != NULL);
    for (size_t i = 0; i < piece; i++)
        task->piece[i] = script_byte(task->at + i);
    while (task->pulled < piece && count < most) {
        size_t part =
            count + 1 == most ? piece - task->pulled : script_draw(s, piece - task->pulled) + 1;

        iov[count++] = (struct iovec){ task->piece + task->pulled, part };
        task->pulled += part;
    }
    // A source may know its end with the last bytes or find out later.
    *is_last = piece == left && task->kind != SCRIPT_CUT && (left == 0 || script_draw(s, 2) == 0);
    if (count == 0 && !*is_last)
        script_wake_later(task);
    return count;
}

static inline void script_sent(struct http_source *source, size_t bytes)
{
    struct script_task *task = container_of(source, struct script_task, source);

    assert(bytes <= task->pulled);
    task->at += bytes;
    script_drop_piece(task);
}

static const struct http_source_ops SCRIPT_SOURCE_OPS = { script_pull, script_sent };
