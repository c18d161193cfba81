// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bus/queue.h"

static struct message *numbered(enum bus_lane lane, unsigned number)
{
    return message_new(lane, SLICE("a"), slice_of(&number, sizeof number));
}

/* The oldest one's number, which is taken out. */
static unsigned pop_number(struct queue *queue)
{
    struct message *m = queue_pop(queue);
    unsigned number;

    assert_non_null(m);
    memcpy(&number, m->payload.at, sizeof number);
    message_unref(m);
    return number;
}

static void what_came_first_goes_first(void **)
{
    struct queue *queue = mem_new(struct queue);

    assert_null(queue_pop(queue));
    for (unsigned round = 0; round < 3 * BUS_QUEUE_MAX; round++) {
        assert_int_equal(queue_push(queue, numbered(BUS_REPORTS, round)), 0);
        if (round >= 7)
            assert_int_equal(pop_number(queue), round - 7);
    }
    assert_int_equal(queue->count, 7);
    queue_done(queue);
    assert_int_equal(queue->count, 0);
    assert_int_equal(queue->bytes, 0);
    mem_free(queue);
}

static void one_message_too_many_costs_the_oldest(void **)
{
    struct queue *queue = mem_new(struct queue);

    for (unsigned i = 0; i < BUS_QUEUE_MAX; i++)
        assert_int_equal(queue_push(queue, numbered(BUS_REPORTS, i)), 0);
    assert_int_equal(queue_push(queue, numbered(BUS_REPORTS, BUS_QUEUE_MAX)), 1);
    assert_int_equal(queue->count, BUS_QUEUE_MAX);
    assert_int_equal(pop_number(queue), 1);
    queue_done(queue);
    mem_free(queue);
}

static void bytes_are_limited_as_messages_are(void **)
{
    enum { FIT = BUS_QUEUE_BYTES_MAX / BUS_PAYLOAD_MAX };
    struct queue *queue = mem_new(struct queue);
    char *large = mem_alloc(BUS_PAYLOAD_MAX);

    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(queue_push(queue, numbered(BUS_REPORTS, i)), 0);
    for (unsigned i = 0; i < FIT - 1; i++)
        assert_int_equal(queue_push(queue, message_new(BUS_REPORTS, SLICE("a"),
                                               slice_of(large, BUS_PAYLOAD_MAX))),
            0);
    assert_int_equal(
        queue_push(queue, message_new(BUS_REPORTS, SLICE("a"), slice_of(large, BUS_PAYLOAD_MAX))),
        10);
    assert_int_equal(queue->count, FIT);
    assert_int_equal(queue->bytes, BUS_QUEUE_BYTES_MAX);
    queue_done(queue);
    mem_free(large);
    mem_free(queue);
}

static void the_newest_of_each_lane_can_be_kept_alone(void **)
{
    struct queue *queue = mem_new(struct queue);

    assert_int_equal(queue_keep_newest(queue), 0);
    for (unsigned i = 0; i < 900; i++) // so that it lies across the ring's end
        queue_push(queue, numbered(BUS_REPORTS, i));
    for (unsigned i = 0; i < 900; i++)
        pop_number(queue);
    for (unsigned i = 0; i < 300; i++)
        queue_push(queue, numbered(i % 10 == 0 ? BUS_REPORTS : BUS_HEARTBEATS, i));
    assert_int_equal(queue_keep_newest(queue), 298);
    assert_int_equal(queue_keep_newest(queue), 0);
    assert_int_equal(pop_number(queue), 290);
    assert_int_equal(pop_number(queue), 299);
    assert_null(queue_pop(queue));
    mem_free(queue);
}

static void a_message_lives_as_long_as_somebody_counts_it(void **)
{
    struct queue *queues = mem_array(2, sizeof *queues);
    struct message *m = numbered(BUS_REPORTS, 7);

    queue_push(&queues[0], message_ref(m));
    queue_push(&queues[1], m);
    queue_done(&queues[0]);
    assert_int_equal(pop_number(&queues[1]), 7);
    message_unref(NULL);
    mem_free(queues);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_first_goes_first),
        cmocka_unit_test(one_message_too_many_costs_the_oldest),
        cmocka_unit_test(bytes_are_limited_as_messages_are),
        cmocka_unit_test(the_newest_of_each_lane_can_be_kept_alone),
        cmocka_unit_test(a_message_lives_as_long_as_somebody_counts_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
