// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One suite for both kernels: a case is run with real sockets on loopback and in the simulated
 * world. A bench holds up to BENCH_LOOPS loops, turned by one thread.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/datagram.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"
#include "io/stream.h"

enum { BENCH_LOOPS = 3 };

struct bench {
    struct sim *sim; // NULL: real
    struct epoch epoch;
    struct kernel *kernels[BENCH_LOOPS];
    struct loop *loops[BENCH_LOOPS];
    struct loop *loop; // the first
};

struct bench_wish {
    struct sim_wish wish;
    bool (*is_met)(void *what);
    void *what;
};

/* The state that a case is started with. */
#define REAL      NULL
#define SIMULATED bench_simulated()

static inline void *bench_simulated(void)
{
    static char mark;

    return &mark;
}

#define ON_BOTH(case)                                   \
    { #case " on epoll", case, NULL, NULL, REAL },      \
    {                                                   \
#case " simulated", case, NULL, NULL, SIMULATED \
    }

static inline struct ip bench_ip(unsigned index)
{
    return ip_v4(127, 0, 0, (uint8_t)(index + 1));
}

/* The world is taken over; NULL: real. */
static inline struct bench *bench_new(struct sim *sim)
{
    struct bench *b = mem_new(struct bench);

    epoch_init(&b->epoch);
    b->sim = sim;
    for (unsigned i = 0; i < BENCH_LOOPS; i++) {
        struct ip ip = bench_ip(i);

        if (b->sim != NULL)
            b->kernels[i] = sim_kernel(b->sim, &ip);
        else
            assert_int_equal(kernel_epoll_new(&b->kernels[i]), ERR_NONE);
        b->loops[i] = loop_new(b->kernels[i], &b->epoch, i);
        if (b->sim != NULL)
            sim_kernel_turns(b->kernels[i], b->loops[i]);
    }
    b->loop = b->loops[0];
    return b;
}

static inline struct bench *bench_open(void *const *state)
{
    return bench_new(*state == SIMULATED ? sim_new(1) : NULL);
}

static inline void bench_close(struct bench *b)
{
    for (unsigned i = 0; i < BENCH_LOOPS; i++) {
        loop_free(b->loops[i]);
        kernel_free(b->kernels[i]);
    }
    if (b->sim != NULL)
        assert_int_equal(sim_descriptors(b->sim), 0);
    sim_free(b->sim);
    epoch_done(&b->epoch);
    mem_free(b);
}

static inline bool bench_is_met(struct sim_wish *wish)
{
    struct bench_wish *w = container_of(wish, struct bench_wish, wish);

    return w->is_met(w->what);
}

/* Turns all loops until the wish is met; false when it is not within `limit`. */
static inline bool bench_until(
    struct bench *b, bool (*is_met)(void *), void *what, struct span limit)
{
    struct bench_wish wish = { { bench_is_met }, is_met, what };

    if (b->sim != NULL)
        return sim_run_until(b->sim, &wish.wish, limit);
    struct instant start = b->kernels[0]->ops->now(b->kernels[0]);

    while (!is_met(what)) {
        bool happened = false;

        for (unsigned i = 0; i < BENCH_LOOPS; i++)
            happened |= loop_turn(b->loops[i], (struct span){ 0 });
        if (!happened)
            loop_turn(b->loops[0], span_us(200));
        if (instant_since(start, b->kernels[0]->ops->now(b->kernels[0])).ns > limit.ns)
            return is_met(what);
    }
    return true;
}

static inline bool bench_never(void *what)
{
    (void)what;
    return false;
}

/* Enough for all that is on its way over loopback. */
static inline void bench_settle(struct bench *b)
{
    bench_until(b, bench_never, NULL, span_ms(30));
}

#define WITHIN span_s(10)
