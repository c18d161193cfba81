// SPDX-License-Identifier: Apache-2.0
/*
 * A handful of connections between three simulated loops, driven by the input: who says how much,
 * pauses, takes half, finishes, closes in which call, moves to another loop, whether a filter
 * stands between, and what the network does meanwhile. Whatever comes must be the bytes that were
 * said, in order; nobody is called after closing; where nobody cut the connection all arrives in
 * the end; no descriptor is left.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/scrambler_test.h"
#include "io/sim.h"
#include "io/stream.h"

enum { LOOPS = 3, PAIRS = 4, WAVE = 256, WAVE_BYTES = 128 * 1024 };

struct pair;

struct side {
    struct stream_user user;
    struct pair *pair;
    struct side *other;
    struct stream *stream; // NULL: not there yet, or gone
    size_t said, sent, heard;
    uint8_t phase;     // of the wave that this side sends
    uint8_t leaves_in; // so many more calls, then it closes; 0: never
    bool takes_half, has_taken_half, has_ended, is_parked, has_finished;
};

struct pair {
    struct fuzz *fuzz;
    struct listener_user user;
    struct listener *listener;
    struct side near, far;
    bool is_cut; // somebody closed or the network reset: bytes may be missing
    bool is_scrambled;
};

struct fuzz {
    const uint8_t *at, *end;
    char *wave; // byte i is i mod WAVE
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernels[LOOPS];
    struct loop *loops[LOOPS];
    struct pair pairs[PAIRS];
};

static uint8_t next(struct fuzz *f)
{
    return f->at < f->end ? *f->at++ : 0;
}

static struct side *side_of(struct stream_user *user)
{
    struct side *s = container_of(user, struct side, user);

    assert(s->stream != NULL && !s->is_parked); // nobody is called after closing or detaching
    return s;
}

static void leave(struct side *s, bool reset)
{
    s->pair->is_cut = true;
    stream_close(s->stream, reset);
    s->stream = NULL;
}

static bool leaves_now(struct side *s)
{
    if (s->leaves_in == 0 || --s->leaves_in > 0)
        return false;
    leave(s, s->said % 2 == 0);
    return true;
}

static void on_open(struct stream_user *user)
{
    leaves_now(side_of(user));
}

static size_t on_data(struct stream_user *user, struct slice bytes)
{
    struct side *s = side_of(user);
    size_t taken = s->takes_half ? (bytes.length + 1) / 2 : bytes.length;

    assert(bytes.length > 0 && bytes.length <= STREAM_KEEP_MAX && !s->has_ended);
    if (leaves_now(s))
        return 0;
    s->has_taken_half |= s->takes_half;
    for (size_t i = 0; i < bytes.length; i++)
        assert((uint8_t)bytes.at[i] == (uint8_t)(s->other->phase + s->heard + i));
    s->heard += taken;
    return taken;
}

static void on_end(struct stream_user *user)
{
    struct side *s = side_of(user);

    assert(!s->has_ended);
    s->has_ended = true;
    leaves_now(s);
}

static size_t on_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct side *s = side_of(user);
    size_t left = s->said - s->sent, count = 0;

    if (leaves_now(s))
        return 0;
    for (size_t at = s->sent; left > 0 && count < most; count++) {
        size_t piece = left < 5000 ? left : 5000;

        iov[count] = stream_iovec(slice_of(s->pair->fuzz->wave + (s->phase + at) % WAVE, piece));
        at += piece;
        left -= piece;
    }
    return count;
}

static void on_sent(struct stream_user *user, size_t bytes)
{
    struct side *s = side_of(user);

    s->sent += bytes;
    assert(s->sent <= s->said);
    leaves_now(s);
}

static void on_finished(struct stream_user *user)
{
    struct side *s = side_of(user);

    assert(s->has_finished && s->sent == s->said && !stream_holds_output(s->stream));
    leaves_now(s);
}

static void on_closed(struct stream_user *user, enum err why)
{
    struct side *s = side_of(user);

    assert(why != ERR_NONE);
    assert(s->pair->is_cut || why == ERR_REFUSED || why == ERR_LIMIT);
    s->pair->is_cut = true;
    s->stream = NULL;
}

static const struct stream_user_ops SIDE_OPS = { .open = on_open,
    .data = on_data,
    .end = on_end,
    .pull = on_pull,
    .sent = on_sent,
    .finished = on_finished,
    .closed = on_closed };

static struct stream_user *on_accept(struct listener_user *user, struct stream *stream)
{
    struct pair *p = container_of(user, struct pair, user);

    p->far.stream = stream;
    if (p->is_scrambled)
        scrambler_set(stream);
    if (leaves_now(&p->far))
        return NULL;
    return &p->far.user;
}

static void side_init(struct side *s, struct pair *p, struct side *other)
{
    *s = (struct side){ .user = { &SIDE_OPS }, .pair = p, .other = other };
    s->phase = next(p->fuzz);
}

static void pair_open(struct fuzz *f, struct pair *p, unsigned near, unsigned far)
{
    struct endpoint at = { ip_v4(10, 0, 0, (uint8_t)far), 0 };

    p->fuzz = f;
    p->user.accept = on_accept;
    side_init(&p->near, p, &p->far);
    side_init(&p->far, p, &p->near);
    uint8_t how = next(f);

    p->far.leaves_in = how / 16; // mostly never, or late
    p->is_scrambled = how % 2 == 1;
    if (listener_open(f->loops[far], &at, &p->user, &p->listener) != ERR_NONE)
        return;
    at = listener_at(p->listener);
    p->near.stream = stream_connect(f->loops[near], &at, &p->near.user);
    if (p->is_scrambled)
        scrambler_set(p->near.stream);
}

static void set_link(struct fuzz *f)
{
    struct ip from = ip_v4(10, 0, 0, next(f) % LOOPS), to = ip_v4(10, 0, 0, next(f) % LOOPS);
    struct sim_link link = { .delay = span_us(next(f) * 100),
        .jitter = span_us(next(f) * 100),
        .loss = next(f) / 1024.0,
        .chunk_max = next(f) * 16u,
        .buffer_bytes = next(f) * 256u,
        .bytes_per_s = next(f) * UINT64_C(100000) };
    uint8_t faults = next(f);

    link.is_dark = faults % 8 == 1;
    link.refuses = faults % 8 == 2;
    if (faults % 8 == 3) {
        link.reset_after = 1 + (uint64_t)next(f) * 100;
        for (unsigned i = 0; i < PAIRS; i++)
            f->pairs[i].is_cut = true;
    }
    sim_link_set(f->sim, &from, &to, &link);
}

static void park(struct side *s)
{
    if (stream_is_idle(s->stream)) {
        stream_detach(s->stream);
        s->is_parked = true;
    }
}

static void unpark(struct fuzz *f, struct side *s, unsigned loop)
{
    s->is_parked = false;
    stream_attach(s->stream, f->loops[loop], &s->user);
    if (s->said > s->sent)
        stream_ready(s->stream);
}

static void discard(struct side *s)
{
    s->pair->is_cut = true;
    s->is_parked = false;
    stream_discard(s->stream);
    s->stream = NULL;
}

static void act_parked(struct fuzz *f, struct side *s, uint8_t what)
{
    if (what % 8 == 0)
        discard(s);
    else
        unpark(f, s, what % LOOPS);
}

static void say(struct fuzz *f, struct side *s)
{
    size_t length = next(f);

    if (s->has_finished)
        return;
    s->said += length * length; // up to one turn's input
    stream_ready(s->stream);
}

static void act(struct fuzz *f, struct side *s, uint8_t what)
{
    if (s->stream == NULL)
        return;
    if (s->is_parked) {
        act_parked(f, s, what);
        return;
    }
    switch (what % 12) {
    case 0:
    case 1:
    case 2: say(f, s); break;
    case 3: stream_pause(s->stream); break;
    case 4: stream_resume(s->stream); break;
    case 5: s->takes_half = !s->takes_half; break;
    case 6: park(s); break;
    case 7: s->leaves_in = next(f) % 16; break;
    case 8:
        s->has_finished = true;
        stream_finish(s->stream);
        break;
    case 9:
        if (next(f) % 4 == 0)
            leave(s, what >= 128);
        break;
    case 10: stream_ready(s->stream); break;
    default:
        stream_pause(s->stream);
        stream_resume(s->stream);
        break;
    }
}

static void run_input(struct fuzz *f)
{
    while (f->at < f->end) {
        uint8_t what = next(f);
        struct pair *p = &f->pairs[what % PAIRS];

        switch (what / PAIRS % 8) {
        case 0:
            if (p->fuzz == NULL)
                pair_open(f, p, next(f) % LOOPS, next(f) % LOOPS);
            break;
        case 1: set_link(f); break;
        case 2: sim_run_for(f->sim, span_us(next(f) * 50)); break;
        case 3:
            p->is_cut |= p->far.stream == NULL; // who waits to be accepted is reset
            listener_close(p->listener);
            p->listener = NULL;
            break;
        case 4:
        case 5: act(f, &p->near, next(f)); break;
        default: act(f, &p->far, next(f)); break;
        }
    }
}

/* Light everywhere, everybody listens again and has time: what can arrive now does. */
static void let_all_arrive(struct fuzz *f)
{
    struct sim_link clear = { 0 };

    for (unsigned i = 0; i < LOOPS; i++)
        for (unsigned j = 0; j < LOOPS; j++)
            sim_link_set(f->sim, &(struct ip){ IP_V4, { 10, 0, 0, (uint8_t)i } },
                &(struct ip){ IP_V4, { 10, 0, 0, (uint8_t)j } }, &clear);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 2 * PAIRS; i++) {
            struct side *s = i % 2 == 0 ? &f->pairs[i / 2].near : &f->pairs[i / 2].far;

            s->takes_half = false;
            s->leaves_in = 0;
            if (s->stream == NULL)
                continue;
            if (s->is_parked)
                unpark(f, s, 0);
            stream_pause(s->stream);
            stream_resume(s->stream); // what is kept comes again
        }
        sim_run_for(f->sim, span_s(60));
    }
}

static void check(const struct side *s)
{
    if (s->pair == NULL || s->pair->is_cut || s->pair->far.stream == NULL)
        return;
    assert(s->sent == s->said);
    // What was not taken when the end came will not be completed.
    assert(s->other->heard == s->said || (s->other->has_ended && s->other->has_taken_half));
    assert(s->other->has_ended == s->has_finished);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = { .at = data, .end = data + size };

    f.wave = mem_alloc(WAVE_BYTES);
    for (size_t i = 0; i < WAVE_BYTES; i++)
        f.wave[i] = (char)(uint8_t)i;
    epoch_init(&f.epoch);
    f.sim = sim_new(next(&f));
    for (unsigned i = 0; i < LOOPS; i++) {
        f.kernels[i] = sim_kernel(f.sim, &(struct ip){ IP_V4, { 10, 0, 0, (uint8_t)i } });
        f.loops[i] = loop_new(f.kernels[i], &f.epoch, i);
        sim_kernel_turns(f.kernels[i], f.loops[i]);
    }
    run_input(&f);
    let_all_arrive(&f);
    for (unsigned i = 0; i < PAIRS; i++) {
        check(&f.pairs[i].near);
        check(&f.pairs[i].far);
        if (f.pairs[i].near.is_parked)
            discard(&f.pairs[i].near);
    }
    for (unsigned i = 0; i < LOOPS; i++) {
        loop_free(f.loops[i]);
        kernel_free(f.kernels[i]);
    }
    assert(sim_descriptors(f.sim) == 0);
    sim_free(f.sim);
    epoch_done(&f.epoch);
    mem_free(f.wave);
    return 0;
}
