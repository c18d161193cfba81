// SPDX-License-Identifier: Apache-2.0
/*
 * The store between threads. First several loops in one simulated thread, in an order drawn from a
 * seed: one fills, all watch, nobody sleeps through the end. Then real threads that find, claim,
 * join, drop and evict each other's objects, and check every byte they read.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/bench_test.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"

enum { LOOPS = 3, SEEDS = 200, THREADS = 3, ROUNDS = 30000, KEYS = 1500 };

struct world {
    struct epoch epoch;
    struct sim *sim;
    struct kernel *kernels[LOOPS];
    struct loop *loops[LOOPS];
    struct store *store;
};

static void world_open(struct world *w, uint64_t seed)
{
    struct store_limits limits = { 8 * MIB, 4 * MIB, LOOPS };

    epoch_init(&w->epoch);
    w->sim = sim_new(seed);
    for (unsigned i = 0; i < LOOPS; i++) {
        struct ip address = ip_v4(10, 0, 0, (uint8_t)(i + 1));

        w->kernels[i] = sim_kernel(w->sim, &address);
        w->loops[i] = loop_new(w->kernels[i], &w->epoch, i);
        sim_kernel_turns(w->kernels[i], w->loops[i]);
    }
    assert_int_equal(store_new(&limits, seed, &w->store, NULL), ERR_NONE);
}

static void world_close(struct world *w)
{
    for (unsigned i = 0; i < LOOPS; i++) {
        loop_free(w->loops[i]);
        w->kernels[i]->ops->free(w->kernels[i]);
    }
    sim_free(w->sim);
    store_free(w->store);
    epoch_done(&w->epoch);
}

/* One who follows a fill on one loop. */
struct follower {
    struct store_watch watch;
    struct timer timer; // when it begins
    struct world *world;
    struct loop *loop;
    uint64_t seen; // bytes
    unsigned calls;
    bool has_ended;
    enum cache_state end;
};

static void follow(struct store_watch *watch)
{
    struct follower *f = container_of(watch, struct follower, watch);
    struct cache_object *object = store_fill_object(watch->fill);
    enum cache_state state = cache_object_state(object);
    uint64_t length = cache_object_length(object);

    f->calls++;
    assert_true(length >= f->seen);
    f->seen = length;
    if (state != CACHE_STATE_COMPLETE && state != CACHE_STATE_FAILED)
        return;
    if (length > 0)
        check_body(object, 1, length);
    f->has_ended = true;
    f->end = state;
    store_watch_end(watch, f->loop);
}

static void join(struct timer *timer)
{
    struct follower *f = container_of(timer, struct follower, timer);
    struct cache_key key = cache_key_of(SLICE("a.example/1"), store_seed(f->world->store));
    struct epoch_reader *reader = loop_epoch_reader(f->loop);
    struct store_fill *fill;
    enum store_claim claim = store_claim(f->world->store, reader, &key, NULL, &fill);

    if (claim == STORE_FOUND) { // came after the end
        f->has_ended = true;
        f->end = CACHE_STATE_COMPLETE;
        return;
    }
    if (claim == STORE_CLAIMED) { // came after it failed
        store_fill_fail(fill, reader, (struct wall){ 0 });
        store_fill_unref(fill, reader);
        f->has_ended = true;
        f->end = CACHE_STATE_FAILED;
        return;
    }
    assert_int_equal(claim, STORE_JOINED);
    store_fill_watch(fill, f->loop, &f->watch);
    store_fill_unref(fill, reader); // the watch holds one
}

/* Fills step by step, at each tick of its timer. */
struct filler {
    struct timer timer;
    struct world *world;
    struct store_fill *fill;
    unsigned step, steps;
    bool fails, is_known;
};

enum { STEP_BYTES = 7000, STEP_US = 100 };

static void step(struct timer *timer)
{
    struct filler *f = container_of(timer, struct filler, timer);
    struct loop *loop = f->world->loops[0];
    struct epoch_reader *reader = loop_epoch_reader(loop);
    static char bytes[STEP_BYTES];

    if (f->step == 0) {
        assert_int_equal(store_fill_head(f->fill, reader, 200, FIELDS, &META,
                             f->is_known ? (int64_t)f->steps * STEP_BYTES : -1),
            ERR_NONE);
    } else if (f->step <= f->steps) {
        for (unsigned i = 0; i < STEP_BYTES; i++)
            bytes[i] = byte_at(1, (f->step - 1) * (uint64_t)STEP_BYTES + i);
        assert_int_equal(store_fill_append(f->fill, reader, slice_of(bytes, STEP_BYTES)), ERR_NONE);
    } else {
        if (f->fails)
            store_fill_fail(f->fill, reader, (struct wall){ 0 });
        else
            assert_int_equal(store_fill_finish(f->fill, reader), ERR_NONE);
        store_fill_wake(f->fill);
        store_fill_unref(f->fill, reader);
        return;
    }
    store_fill_wake(f->fill);
    f->step++;
    timer_set(loop, timer, instant_after(loop_now(loop), span_us(STEP_US)));
}

static void run_fill(uint64_t seed)
{
    struct follower followers[12] = { 0 };
    struct world w;
    struct cache_key key;
    struct filler filler = { .timer.fire = step, .world = &w };

    world_open(&w, seed);
    key = cache_key_of(SLICE("a.example/1"), store_seed(w.store));
    filler.steps = (unsigned)sim_draw(w.sim, 12);
    filler.fails = sim_draw(w.sim, 4) == 0;
    filler.is_known = sim_draw(w.sim, 2) == 0;
    assert_int_equal(store_claim(w.store, loop_epoch_reader(w.loops[0]), &key, NULL, &filler.fill),
        STORE_CLAIMED);
    timer_set(w.loops[0], &filler.timer, instant_after(sim_now(w.sim), span_us(STEP_US)));
    for (unsigned i = 0; i < COUNT_OF(followers); i++) {
        struct follower *f = &followers[i];
        int64_t start_us = (int64_t)sim_draw(w.sim, (filler.steps + 3) * STEP_US + 50);

        *f = (struct follower){ .watch.progress = follow, .timer.fire = join, .world = &w };
        f->loop = w.loops[i % LOOPS];
        timer_set(f->loop, &f->timer, instant_after(sim_now(w.sim), span_us(start_us)));
    }
    sim_run_for(w.sim, span_ms(20));
    for (unsigned i = 0; i < COUNT_OF(followers); i++) {
        assert_true(followers[i].has_ended);
        assert_int_equal(
            followers[i].end, filler.fails ? CACHE_STATE_FAILED : CACHE_STATE_COMPLETE);
        // One for each change, and one for each watch that began on the loop.
        assert_in_range(followers[i].calls, 0, filler.steps + 2 + COUNT_OF(followers) / LOOPS);
    }
    struct store_stats stats;

    store_stats(w.store, &stats);
    assert_int_equal(stats.fills, 0);
    world_close(&w);
}

static void all_who_watch_see_the_end_on_their_own_loop(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_fill(seed);
}

/* One that ends all other watches of its loop when it is called first. */
struct canceller {
    struct follower *others;
    struct follower self;
    unsigned count;
};

static void cancel(struct store_watch *watch)
{
    struct canceller *c = container_of(watch, struct canceller, self.watch);

    for (unsigned i = 0; i < c->count; i++)
        store_watch_end(&c->others[i].watch, c->self.loop);
    store_watch_end(watch, c->self.loop);
}

static void a_watch_may_end_all_others_while_it_is_called(void **state)
{
    struct follower others[3] = { 0 };
    struct canceller canceller = { .others = others, .count = 3 };
    struct world w;

    (void)state;
    world_open(&w, 1);
    struct epoch_reader *reader = loop_epoch_reader(w.loops[1]);
    struct cache_key key = cache_key_of(SLICE("a.example/1"), store_seed(w.store));
    struct store_fill *fill;

    assert_int_equal(store_claim(w.store, reader, &key, NULL, &fill), STORE_CLAIMED);
    canceller.self = (struct follower){ .watch.progress = cancel, .loop = w.loops[1] };
    store_fill_watch(fill, w.loops[1], &canceller.self.watch);
    for (unsigned i = 0; i < 3; i++) {
        others[i] = (struct follower){ .watch.progress = follow, .loop = w.loops[1] };
        store_fill_watch(fill, w.loops[1], &others[i].watch);
    }
    sim_run_for(w.sim, span_ms(1));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(others[i].calls, 0);
        assert_null(others[i].watch.fill);
    }
    store_fill_fail(fill, reader, (struct wall){ 0 });
    store_fill_wake(fill);
    store_fill_unref(fill, reader);
    sim_run_for(w.sim, span_ms(1));
    world_close(&w);
}

/* A real thread, which turns by itself. */
struct hammer {
    pthread_t thread;
    struct epoch *epoch;
    struct store *store;
    uint64_t luck;
    unsigned reads, fills, joins, wrong;
};

/* Bytes are a function of key and version, which is the status: what was torn or mixed is seen. */
static bool is_right(const struct cache_object *object, unsigned number)
{
    unsigned version = cache_object_status(object);
    uint64_t length = cache_object_length(object), at = 0;
    struct iovec iov[8];

    while (at < length) {
        size_t count = cache_object_read(object, at, iov, COUNT_OF(iov));

        if (count == 0)
            return false;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < iov[i].iov_len && at < length; j++, at++)
                if (((const char *)iov[i].iov_base)[j] != byte_at(number + version, at))
                    return false;
    }
    return true;
}

static uint64_t draw(struct hammer *h, uint64_t below)
{
    h->luck = h->luck * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (h->luck >> 33) % below;
}

static void hammer_fill(
    struct hammer *h, struct epoch_reader *reader, struct store_fill *fill, unsigned number)
{
    static _Thread_local char bytes[70000];
    struct cache_object *stale = store_fill_stale(fill);
    uint16_t version = (uint16_t)(200 + draw(h, 100));
    uint64_t length = draw(h, 10) == 0 ? draw(h, 600000) : draw(h, 3000);
    bool is_known = draw(h, 2) == 0;

    h->fills++;
    if (stale != NULL && draw(h, 2) == 0) {
        enum err err =
            store_fill_refresh(fill, reader, cache_object_status(stale), SLICE("Z: 1\r\n"), &META);

        h->wrong += err != ERR_NONE && err != ERR_SPACE;
        return;
    }
    if (draw(h, 20) == 0) {
        store_fill_fail(fill, reader, (struct wall){ (int64_t)draw(h, 2) });
        return;
    }
    if (store_fill_head(fill, reader, version, FIELDS, &META, is_known ? (int64_t)length : -1) !=
        ERR_NONE)
        return;
    for (uint64_t done = 0; done < length;) {
        uint64_t part = length - done < sizeof bytes ? length - done : sizeof bytes;

        for (uint64_t i = 0; i < part; i++)
            bytes[i] = byte_at(number + version, done + i);
        if (store_fill_append(fill, reader, slice_of(bytes, part)) != ERR_NONE)
            return;
        done += part;
    }
    if (draw(h, 30) == 0)
        store_fill_fail(fill, reader, (struct wall){ 0 });
    else
        h->wrong += store_fill_finish(fill, reader) != ERR_NONE;
}

static void hammer_once(struct hammer *h, struct epoch_reader *reader)
{
    char text[32];
    unsigned number = (unsigned)(draw(h, KEYS) * draw(h, KEYS) / KEYS);
    int text_length = snprintf(text, sizeof text, "b.example/%u", number);
    struct cache_key key = cache_key_of(slice_of(text, (size_t)text_length), store_seed(h->store));
    struct cache_object *found = store_find(h->store, &key);
    struct store_fill *fill;
    bool is_object = found != NULL && cache_object_kind(found) == CACHE_KIND_OBJECT;
    bool is_complete = is_object && cache_object_state(found) == CACHE_STATE_COMPLETE;

    if (draw(h, 100) == 0)
        store_drop(h->store, reader, &key);
    if (is_object) {
        h->reads++;
        h->wrong += !is_right(found, number);
    }
    if (found != NULL && is_object && draw(h, 4) != 0)
        return;
    struct cache_object *stale = is_complete || !is_object ? found : NULL;

    switch (store_claim(h->store, reader, &key, stale, &fill)) {
    case STORE_CLAIMED:
        if (stale != NULL && !is_object) // a marker has no body to refresh
            store_fill_fail(fill, reader, (struct wall){ 0 });
        else
            hammer_fill(h, reader, fill, number);
        store_fill_wake(fill);
        store_fill_unref(fill, reader);
        break;
    case STORE_JOINED:
        h->joins++;
        if (cache_object_state(store_fill_object(fill)) != CACHE_STATE_WAITING &&
            cache_object_length(store_fill_object(fill)) > 0)
            h->wrong += !is_right(store_fill_object(fill), number);
        store_fill_unref(fill, reader);
        break;
    case STORE_FOUND:
    case STORE_FULL: break;
    }
}

static void *hammer_run(void *argument)
{
    struct hammer *h = argument;
    struct epoch_reader reader;
    struct cache_object *held = NULL;
    unsigned held_number = 0;

    epoch_join(h->epoch, &reader);
    for (unsigned i = 0; i < ROUNDS; i++) {
        epoch_enter(&reader);
        hammer_once(h, &reader);
        // Now and then one is kept over many turns, as a slow client's is.
        if (i % 64 == 0) {
            char text[32];
            int length;

            if (held != NULL)
                h->wrong += !is_right(held, held_number);
            cache_object_unref(h->store, &reader, held);
            held_number = (unsigned)draw(h, KEYS / 8);
            length = snprintf(text, sizeof text, "b.example/%u", held_number);
            struct cache_key key =
                cache_key_of(slice_of(text, (size_t)length), store_seed(h->store));

            held = store_find(h->store, &key);
            if (held != NULL && cache_object_kind(held) != CACHE_KIND_OBJECT)
                held = NULL;
            if (held != NULL)
                cache_object_ref(held);
        }
        epoch_rest(&reader);
        epoch_collect(&reader);
    }
    epoch_enter(&reader);
    cache_object_unref(h->store, &reader, held);
    epoch_rest(&reader);
    epoch_leave(&reader);
    return NULL;
}

static void threads_never_read_what_was_not_written(void **state)
{
    struct store_limits limits = { 8 * MIB, 4 * MIB, THREADS };
    struct hammer hammers[THREADS];
    struct epoch epoch;
    struct store *store;
    struct store_stats stats;

    (void)state;
    epoch_init(&epoch);
    assert_int_equal(store_new(&limits, 5, &store, NULL), ERR_NONE);
    for (unsigned i = 0; i < THREADS; i++) {
        hammers[i] = (struct hammer){ .epoch = &epoch, .store = store, .luck = i + 1 };
        assert_int_equal(pthread_create(&hammers[i].thread, NULL, hammer_run, &hammers[i]), 0);
    }
    unsigned reads = 0, joins = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(hammers[i].thread, NULL);
        assert_int_equal(hammers[i].wrong, 0);
        reads += hammers[i].reads;
        joins += hammers[i].joins;
    }
    store_stats(store, &stats);
    print_message("# reads %u joins %u evictions %llu refused %llu\n", reads, joins,
        (unsigned long long)stats.evictions, (unsigned long long)stats.refused_space);
    assert_true(reads > ROUNDS && stats.evictions > 100);
    assert_int_equal(stats.fills, 0);
    store_free(store);
    epoch_done(&epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_who_watch_see_the_end_on_their_own_loop),
        cmocka_unit_test(a_watch_may_end_all_others_while_it_is_called),
        cmocka_unit_test(threads_never_read_what_was_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
