// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"
#include "io/stream.h"
#include "origin/pool.h"
#include "tls/client.h"

static const struct tls_name PLAIN = { 0 };
static const struct instant START = { INT64_C(1000000000000) };

static struct instant later(struct span span)
{
    return instant_after(START, span);
}

static struct endpoint origin(unsigned number)
{
    return (struct endpoint){ ip_v4(10, 1, (uint8_t)(number >> 8), (uint8_t)number), 80 };
}

static void note(struct origin_pool *pool, unsigned number, enum err err, int status)
{
    const struct endpoint at = origin(number);

    origin_pool_note(
        pool, &at, &(struct origin_outcome){ err, status, START, START, { 0 }, false });
}

static struct origin_load load(struct origin_pool *pool, unsigned number, struct span after)
{
    const struct endpoint at = origin(number);
    struct origin_load load = { .origin = &at };

    origin_pool_loads(pool, &load, 1, later(after));
    return load;
}

static bool avoids(struct origin_pool *pool, unsigned number, struct span after)
{
    return load(pool, number, after).is_avoided;
}

static void begin(struct origin_pool *pool, unsigned number, struct span after)
{
    const struct endpoint at = origin(number);

    assert_null(origin_pool_begin(pool, &at, later(after), &PLAIN));
}

static void end(struct origin_pool *pool, unsigned number)
{
    const struct endpoint at = origin(number);
    struct stream *none = NULL;

    origin_pool_end(pool, &at, START, &none);
}

static void answer(struct origin_pool *pool, unsigned number, struct span after, struct span took)
{
    const struct endpoint at = origin(number);
    const struct origin_outcome outcome = {
        .status = 200, .began = later((struct span){ after.ns - took.ns }), .now = later(after)
    };

    origin_pool_note(pool, &at, &outcome);
}

static void an_origin_that_fails_is_avoided_for_a_while(void **)
{
    struct origin_pool *pool = origin_pool_new();

    assert_false(avoids(pool, 1, span_s(0)));
    note(pool, 1, ERR_REFUSED, 0);
    assert_true(avoids(pool, 1, span_ms(999)));
    assert_false(avoids(pool, 1, span_s(1)));
    assert_false(avoids(pool, 2, span_s(0)));
    origin_pool_free(pool);
}

static void each_failure_in_a_row_doubles_the_while_up_to_a_bound(void **)
{
    struct origin_pool *pool = origin_pool_new();

    for (int64_t s = 1; s <= 8; s *= 2) {
        note(pool, 1, ERR_NONE, 503);
        assert_true(avoids(pool, 1, span_ms(s * 1000 - 1)));
        assert_false(avoids(pool, 1, span_s(s)));
    }
    note(pool, 1, ERR_TIMEOUT, 0);
    assert_false(avoids(pool, 1, span_s(8)));
    origin_pool_free(pool);
}

static void requests_under_way_together_fail_as_one(void **)
{
    struct origin_pool *pool = origin_pool_new();
    const struct endpoint at = origin(1);

    for (int64_t ms = 10; ms < 20; ms++)
        origin_pool_note(pool, &at,
            &(struct origin_outcome){
                .err = ERR_RESET, .began = START, .now = later(span_ms(ms)) });
    assert_true(avoids(pool, 1, span_ms(1009)));
    assert_false(avoids(pool, 1, span_ms(1010)));
    origin_pool_free(pool);
}

static void a_good_answer_clears_its_name(void **)
{
    struct origin_pool *pool = origin_pool_new();

    note(pool, 1, ERR_NONE, 500);
    note(pool, 1, ERR_NONE, 500);
    note(pool, 1, ERR_NONE, 404); // says nothing against the origin
    assert_false(avoids(pool, 1, span_s(0)));
    note(pool, 1, ERR_NONE, 500);
    assert_false(avoids(pool, 1, span_s(1)));
    origin_pool_free(pool);
}

static void when_the_while_is_over_one_request_tries_for_all(void **)
{
    struct origin_pool *pool = origin_pool_new();

    note(pool, 1, ERR_REFUSED, 0);
    begin(pool, 1, span_ms(500)); // nobody else would answer; this is no trial
    assert_false(avoids(pool, 1, span_s(1)));
    begin(pool, 1, span_s(1));
    assert_true(avoids(pool, 1, span_ms(2999)));
    assert_false(avoids(pool, 1, span_s(3))); // it came to nothing: the next one
    begin(pool, 1, span_s(3));
    answer(pool, 1, span_s(3), span_ms(1));
    assert_false(avoids(pool, 1, span_s(3)));
    begin(pool, 1, span_s(4)); // well again: no trial either
    assert_false(avoids(pool, 1, span_s(4)));
    origin_pool_free(pool);
}

static void requests_are_in_flight_until_they_end(void **)
{
    struct origin_pool *pool = origin_pool_new();

    assert_int_equal(load(pool, 1, span_s(0)).in_flight, 0);
    begin(pool, 1, span_s(0));
    begin(pool, 1, span_s(0));
    begin(pool, 2, span_s(0));
    assert_int_equal(load(pool, 1, span_s(0)).in_flight, 2);
    answer(pool, 1, span_s(0), span_ms(1)); // the head alone
    assert_int_equal(load(pool, 1, span_s(0)).in_flight, 2);
    end(pool, 1);
    end(pool, 1);
    end(pool, 1); // of one that was forgotten meanwhile
    assert_int_equal(load(pool, 1, span_s(0)).in_flight, 0);
    assert_int_equal(load(pool, 2, span_s(0)).in_flight, 1);
    origin_pool_free(pool);
}

static void assert_response(struct origin_pool *pool, int64_t least_us, int64_t most_us)
{
    int64_t response_us = load(pool, 1, span_s(0)).response_us;

    assert_in_range(response_us, least_us, most_us);
}

static void response_times_are_smoothed(void **)
{
    struct origin_pool *pool = origin_pool_new();

    assert_response(pool, 0, 0);
    answer(pool, 1, span_s(0), span_us(8000));
    assert_response(pool, 8000, 8000);
    answer(pool, 1, span_s(0), span_us(16000));
    assert_response(pool, 9000, 9000);
    for (int i = 0; i < 50; i++)
        answer(pool, 1, span_s(0), span_us(16000));
    assert_response(pool, 15900, 16000);
    const struct endpoint at = origin(1);

    origin_pool_note(pool, &at, &(struct origin_outcome){ .status = 200, .had_body = true });
    assert_response(pool, 15900, 16000);
    origin_pool_free(pool);
}

static void after_a_long_silence_the_newest_counts_nearly_alone(void **)
{
    struct origin_pool *pool = origin_pool_new();

    answer(pool, 1, span_s(0), span_us(101000));
    answer(pool, 1, span_s(4), span_us(1000));
    assert_response(pool, 51000, 51000);
    answer(pool, 1, span_s(400), span_us(1000));
    assert_response(pool, 1000, 1600);
    origin_pool_free(pool);
}

static void a_failure_counts_as_a_slow_answer(void **)
{
    struct origin_pool *pool = origin_pool_new();

    answer(pool, 1, span_s(0), span_us(1000));
    note(pool, 1, ERR_NONE, 503);
    assert_response(pool, 125000, 126000);
    origin_pool_free(pool);
}

static void several_origins_are_looked_at_together(void **)
{
    struct origin_pool *pool = origin_pool_new();
    const struct endpoint at[] = { origin(3), origin(2), origin(1) };
    struct origin_load loads[] = { { .origin = &at[0] }, { .origin = &at[1], .is_avoided = true },
        { .origin = &at[2] } };

    note(pool, 1, ERR_REFUSED, 0);
    begin(pool, 3, span_s(0));
    origin_pool_loads(pool, loads, COUNT_OF(loads), START);
    assert_int_equal(loads[0].in_flight, 1);
    assert_int_equal(loads[1].in_flight, 0);
    assert_false(loads[1].is_avoided); // nothing is known of it
    assert_true(loads[2].is_avoided);
    assert_ptr_equal(loads[2].origin, &at[2]);
    origin_pool_free(pool);
}

static void what_came_of_asking_is_recorded(void **)
{
    struct origin_pool *pool = origin_pool_new();
    const struct endpoint at = origin(1), other = origin(2);
    struct origin_record record;

    note(pool, 1, ERR_NONE, 200);
    note(pool, 1, ERR_NONE, 502);
    note(pool, 1, ERR_NONE, 200);
    origin_pool_record(pool, &at, &record);
    assert_int_equal(record.asked, 3);
    assert_int_equal(record.failed, 1);
    assert_int_equal(record.last_failure.status, 502);
    origin_pool_record(pool, &other, &record);
    assert_int_equal(record.asked, 0);
    origin_pool_free(pool);
}

static void of_too_many_origins_the_longest_unused_is_forgotten(void **)
{
    struct origin_pool *pool = origin_pool_new();
    struct origin_pool_stats stats;

    for (unsigned i = 0; i < ORIGIN_POOL_ORIGINS_MAX; i++)
        note(pool, i, ERR_REFUSED, 0);
    note(pool, 0, ERR_REFUSED, 0);
    note(pool, ORIGIN_POOL_ORIGINS_MAX, ERR_REFUSED, 0);
    origin_pool_stats(pool, &stats);
    assert_int_equal(stats.origins, ORIGIN_POOL_ORIGINS_MAX);
    assert_int_equal(stats.forgotten, 1);
    assert_true(avoids(pool, 0, span_s(0)));
    assert_false(avoids(pool, 1, span_s(0)));
    assert_true(avoids(pool, 2, span_s(0)));
    origin_pool_free(pool);
}

/* A host that connects to itself: one end is kept, the other only stays open. */
struct host {
    struct listener_user listens;
    struct stream_user keeps, stays;
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernel;
    struct loop *loop;
    struct listener *listener;
    struct stream *idle; // detached, once it is open
    struct loop_message start;
};

static size_t take_all(struct stream_user *, struct slice bytes)
{
    return bytes.length;
}

static void hear_nothing(struct stream_user *)
{
}

static size_t say_nothing(struct stream_user *, struct iovec *, size_t)
{
    return 0;
}

static void end_unheard(struct stream_user *, enum err)
{
}

static void sent_nothing(struct stream_user *, size_t)
{
}

static void detach(struct stream_user *user)
{
    stream_detach(container_of(user, struct host, keeps)->idle);
}

#define HEARS_NOTHING                                                                 \
    .data = take_all, .end = hear_nothing, .pull = say_nothing, .sent = sent_nothing, \
    .closed = end_unheard

static const struct stream_user_ops STAYS = { HEARS_NOTHING };
static const struct stream_user_ops KEEPS = { .open = detach, HEARS_NOTHING };

static struct stream_user *let_stay(struct listener_user *user, struct stream *)
{
    return &container_of(user, struct host, listens)->stays;
}

static void connect_now(struct loop_message *message)
{
    struct host *h = container_of(message, struct host, start);
    const struct endpoint at = origin(1);

    h->idle = stream_connect(h->loop, &at, &h->keeps);
}

static struct host *host_open(void)
{
    struct host *h = mem_new(struct host);
    const struct endpoint at = origin(1);

    h->listens.accept = let_stay;
    h->keeps.ops = &KEEPS;
    h->stays.ops = &STAYS;
    h->start.run = connect_now;
    h->sim = sim_new(1);
    epoch_init(&h->epoch);
    h->kernel = sim_kernel(h->sim, &at.ip);
    h->loop = loop_new(h->kernel, &h->epoch, 0);
    sim_kernel_turns(h->kernel, h->loop);
    assert_int_equal(listener_open(h->loop, &at, &h->listens, &h->listener), ERR_NONE);
    loop_post(h->loop, &h->start);
    sim_run_for(h->sim, span_s(1));
    return h;
}

static void host_close(struct host *h)
{
    listener_close(h->listener);
    loop_free(h->loop);
    kernel_free(h->kernel);
    assert_int_equal(sim_descriptors(h->sim), 0);
    epoch_done(&h->epoch);
    sim_free(h->sim);
    mem_free(h);
}

static void a_kept_connection_is_handed_out_while_it_is_young(void **)
{
    struct host *h = host_open();
    struct origin_pool *pool = origin_pool_new();
    const struct endpoint at = origin(1), other = origin(2);
    struct stream *kept = h->idle;

    origin_pool_end(pool, &at, START, &kept);
    assert_null(kept);
    assert_null(origin_pool_begin(pool, &other, later(span_s(1)), &PLAIN));
    assert_null(origin_pool_begin(pool, &at, later(span_s(1)), NULL));
    assert_ptr_equal(origin_pool_begin(pool, &at, later(span_s(29)), &PLAIN), h->idle);
    assert_null(origin_pool_begin(pool, &at, later(span_s(29)), &PLAIN));
    kept = h->idle;
    origin_pool_end(pool, &at, START, &kept);
    assert_null(origin_pool_begin(pool, &at, later(span_s(31)), &PLAIN));
    origin_pool_free(pool);
    host_close(h);
}

static void idle_connections_of_one_origin_are_closed_when_asked_for(void **)
{
    struct host *h = host_open();
    struct origin_pool *pool = origin_pool_new();
    const struct endpoint at = origin(1), other = origin(2);
    struct origin_pool_stats stats;
    struct stream *kept = h->idle;

    origin_pool_end(pool, &at, START, &kept);
    size_t open = sim_descriptors(h->sim);

    origin_pool_close_idle(pool, &other);
    origin_pool_stats(pool, &stats);
    assert_int_equal(stats.idle, 1);
    origin_pool_close_idle(pool, &at);
    origin_pool_stats(pool, &stats);
    assert_int_equal(stats.idle, 0);
    assert_int_equal(sim_descriptors(h->sim), open - 1);
    assert_null(origin_pool_begin(pool, &at, later(span_s(1)), &PLAIN));
    origin_pool_free(pool);
    host_close(h);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_kept_connection_is_handed_out_while_it_is_young),
        cmocka_unit_test(idle_connections_of_one_origin_are_closed_when_asked_for),
        cmocka_unit_test(an_origin_that_fails_is_avoided_for_a_while),
        cmocka_unit_test(each_failure_in_a_row_doubles_the_while_up_to_a_bound),
        cmocka_unit_test(requests_under_way_together_fail_as_one),
        cmocka_unit_test(a_good_answer_clears_its_name),
        cmocka_unit_test(when_the_while_is_over_one_request_tries_for_all),
        cmocka_unit_test(requests_are_in_flight_until_they_end),
        cmocka_unit_test(response_times_are_smoothed),
        cmocka_unit_test(after_a_long_silence_the_newest_counts_nearly_alone),
        cmocka_unit_test(a_failure_counts_as_a_slow_answer),
        cmocka_unit_test(several_origins_are_looked_at_together),
        cmocka_unit_test(what_came_of_asking_is_recorded),
        cmocka_unit_test(of_too_many_origins_the_longest_unused_is_forgotten),
    };

    return cmocka_run_group_tests_name("origin/pool", cases, NULL, NULL);
}
