// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A filter as simple as one can be that still greets, frames, changes each byte, and says an end:
 * what streams do with filters is tested with it, without any cryptography.
 *
 *     greeting: "hi"    record: length (2 bytes, at most 1000), bytes    end: a length of 0
 */

#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "io/filter.h"

enum { SCRAMBLER_RECORD_MAX = 1000, SCRAMBLER_MASK = 0x5a };

struct scrambler {
    struct stream_filter filter;
    char *sealed;
    size_t sealed_length;
    unsigned char in[3000]; // sealed, not opened yet
    size_t in_at, in_end;
    size_t left; // of the record that is being opened
    enum err below;
    bool has_said, is_greeted, is_rude, has_ended, is_finished;
};

static inline struct scrambler *scrambler_of(struct stream_filter *filter)
{
    return container_of(filter, struct scrambler, filter);
}

static inline const struct scrambler *scrambler_at(const struct stream_filter *filter)
{
    return (const struct scrambler *)((const char *)filter - offsetof(struct scrambler, filter));
}

static inline void scrambler_say(struct scrambler *s, const void *bytes, size_t length)
{
    s->sealed = mem_resize(s->sealed, s->sealed_length + length);
    memcpy(s->sealed + s->sealed_length, bytes, length);
    s->sealed_length += length;
}

/* Makes sure that `wanted` sealed bytes are there. */
static inline enum err scrambler_need(struct scrambler *s, size_t wanted)
{
    while (s->in_end - s->in_at < wanted) {
        size_t got = 0;

        if (s->below != ERR_NONE)
            return s->below;
        memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
        s->in_end -= s->in_at;
        s->in_at = 0;
        enum err err = stream_receive_sealed(
            s->filter.stream, s->in + s->in_end, sizeof s->in - s->in_end, &got);

        if (err == ERR_AGAIN)
            return err;
        if (got == 0)
            s->below = err == ERR_NONE ? ERR_CLOSED : err;
        s->in_end += got;
    }
    return ERR_NONE;
}

static inline enum err scrambler_greet(struct stream_filter *filter)
{
    struct scrambler *s = scrambler_of(filter);

    scrambler_say(s, "hi", s->has_said ? 0 : 2);
    s->has_said = true;
    TRY(scrambler_need(s, 2));
    s->is_greeted = memcmp(s->in + s->in_at, "hi", 2) == 0;
    s->is_rude = !s->is_greeted;
    s->in_at += 2;
    return s->is_rude ? ERR_PARSE : ERR_NONE;
}

/* Opens some bytes of a record. */
static inline enum err scrambler_open(struct scrambler *s, char *room, size_t most, size_t *got)
{
    if (s->left == 0) {
        TRY(scrambler_need(s, 2));
        s->left = s->in[s->in_at] * 256u + s->in[s->in_at + 1];
        s->in_at += 2;
        s->has_ended = s->left == 0;
    }
    if (s->has_ended)
        return ERR_NONE;
    TRY(scrambler_need(s, 1));
    size_t length = s->in_end - s->in_at < s->left ? s->in_end - s->in_at : s->left;

    length = length < most ? length : most;
    for (size_t i = 0; i < length; i++)
        room[i] = (char)(s->in[s->in_at + i] ^ SCRAMBLER_MASK);
    s->in_at += length;
    s->left -= length;
    *got += length;
    return ERR_NONE;
}

static inline enum err scrambler_receive(
    struct stream_filter *filter, void *room, size_t most, size_t *got)
{
    struct scrambler *s = scrambler_of(filter);
    enum err err = ERR_NONE;

    *got = 0;
    while (err == ERR_NONE && *got < most && !s->has_ended)
        err = scrambler_open(s, (char *)room + *got, most - *got, got);
    return *got > 0 ? ERR_NONE : err;
}

static inline bool scrambler_holds_input(const struct stream_filter *filter)
{
    const struct scrambler *s = scrambler_at(filter);

    return s->has_ended || s->below != ERR_NONE || s->in_end > s->in_at || s->left > 0;
}

static inline enum err scrambler_seal(
    struct stream_filter *filter, const struct iovec *iov, size_t count, size_t most, size_t *taken)
{
    struct scrambler *s = scrambler_of(filter);

    assert(s->is_greeted && !s->is_finished);
    *taken = 0;
    for (size_t i = 0, at = 0; i < count && s->sealed_length < most;) {
        size_t left = iov[i].iov_len - at;
        size_t length = left < SCRAMBLER_RECORD_MAX ? left : SCRAMBLER_RECORD_MAX;
        char record[2 + SCRAMBLER_RECORD_MAX] = { (char)(length / 256), (char)(length % 256) };

        for (size_t k = 0; k < length; k++)
            record[2 + k] = (char)(((const char *)iov[i].iov_base)[at + k] ^ SCRAMBLER_MASK);
        if (length > 0) // which would be an end
            scrambler_say(s, record, 2 + length);
        *taken += length;
        i += length == left;
        at = length == left ? 0 : at + length;
    }
    return ERR_NONE;
}

static inline void scrambler_finish(struct stream_filter *filter)
{
    struct scrambler *s = scrambler_of(filter);

    if (s->is_greeted && !s->is_finished)
        scrambler_say(s, (const char[]){ 0, 0 }, 2);
    s->is_finished = true;
}

static inline struct slice scrambler_sealed(const struct stream_filter *filter)
{
    return slice_of(scrambler_at(filter)->sealed, scrambler_at(filter)->sealed_length);
}

static inline void scrambler_went(struct stream_filter *filter, size_t bytes)
{
    struct scrambler *s = scrambler_of(filter);

    assert(bytes <= s->sealed_length);
    s->sealed_length -= bytes;
    memmove(s->sealed, s->sealed + bytes, s->sealed_length);
}

static inline const char *scrambler_why(const struct stream_filter *filter)
{
    return scrambler_at(filter)->is_rude ? "rude" : "cut";
}

static inline void scrambler_free(struct stream_filter *filter)
{
    mem_free(scrambler_of(filter)->sealed);
    mem_free(scrambler_of(filter));
}

static const struct stream_filter_ops SCRAMBLER_OPS = { .greet = scrambler_greet,
    .receive = scrambler_receive,
    .holds_input = scrambler_holds_input,
    .seal = scrambler_seal,
    .finish = scrambler_finish,
    .sealed = scrambler_sealed,
    .went = scrambler_went,
    .why = scrambler_why,
    .free = scrambler_free };

/* The stream has one from now on. */
static inline void scrambler_set(struct stream *stream)
{
    struct stream_filter *filter = &mem_new(struct scrambler)->filter;

    filter->ops = &SCRAMBLER_OPS;
    stream_filter_set(stream, &filter);
}
