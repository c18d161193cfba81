// SPDX-License-Identifier: Apache-2.0
/* What holds for every bus, whatever is below: each case runs on both back ends. */
#include <pthread.h>

#include "bus/world_test.h"

static const enum world_kind KINDS[] = { LOCAL_REAL, LOCAL_SIMULATED, NATS_REAL };

#define ON_ALL(case)                                                            \
    { #case " local", case, NULL, NULL, (void *)(uintptr_t)&KINDS[0] },         \
        { #case " simulated", case, NULL, NULL, (void *)(uintptr_t)&KINDS[1] }, \
    {                                                                           \
#case " nats", case, NULL, NULL, (void *)(uintptr_t)&KINDS[2]           \
    }

/* Where a loop may have a thread to itself. */
#define ON_THREADS(case)                                                \
    { #case " local", case, NULL, NULL, (void *)(uintptr_t)&KINDS[0] }, \
    {                                                                   \
#case " nats", case, NULL, NULL, (void *)(uintptr_t)&KINDS[2]   \
    }

static struct world *world_of(void **state)
{
    return world_new(*(const enum world_kind *)*state);
}

static void nodes_hear_each_other_and_not_themselves(void **state)
{
    struct world *w = world_of(state);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");
    struct told_node *c = world_node(w, 2, "c");

    say(a, BUS_REPORTS, "from a");
    say(b, BUS_HEARTBEATS, "from b");
    world_hear(w, a, 1);
    world_hear(w, b, 1);
    world_hear(w, c, 2);
    world_settle(w);
    assert_int_equal(a->heard_count, 1);
    assert_heard(a, 0, BUS_HEARTBEATS, "b", "from b");
    assert_heard(b, 0, BUS_REPORTS, "a", "from a");
    assert_int_equal(counter_read(&bus_counts(a->bus)->sent), 1);
    assert_int_equal(counter_read(&bus_counts(c->bus)->heard), 2);
    world_free(w);
}

static void each_lane_is_told_as_what_it_is(void **state)
{
    struct world *w = world_of(state);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");

    for (int lane = 0; lane < BUS_LANE_COUNT; lane++)
        say(a, (enum bus_lane)lane, "hello");
    world_hear(w, b, BUS_LANE_COUNT);
    for (int lane = 0; lane < BUS_LANE_COUNT; lane++)
        assert_heard(b, (size_t)lane, (enum bus_lane)lane, "a", "hello");
    world_free(w);
}

static void the_way_is_told_once_while_it_holds(void **state)
{
    struct world *w = world_of(state);
    struct told_node *a = world_open_node(w, 0, "example", "a");

    assert_false(bus_is_linked(a->bus)); // nobody is called before the loop turns
    world_until(w, is_linked_now, a);
    world_settle(w);
    assert_int_equal(a->linked_count, 1);
    assert_int_equal(a->lost_count, 0);
    assert_int_equal(counter_read(&bus_counts(a->bus)->cut), 0);
    world_free(w);
}

static void messages_of_one_sender_keep_their_order(void **state)
{
    struct world *w = world_of(state);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");
    char text[24];

    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "%d", i);
        say(a, i % 3 == 0 ? BUS_HEARTBEATS : BUS_REPORTS, text);
    }
    world_hear(w, b, 500);
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_heard(b, (size_t)i, i % 3 == 0 ? BUS_HEARTBEATS : BUS_REPORTS, "a", text);
    }
    world_free(w);
}

static void a_payload_up_to_the_limit_goes_and_one_above_is_refused(void **state)
{
    struct world *w = world_of(state);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");
    char *payload = mem_alloc(BUS_PAYLOAD_MAX + 1);

    memset(payload, 'x', BUS_PAYLOAD_MAX + 1);
    bus_publish(a->bus, BUS_REPORTS, slice_of(payload, BUS_PAYLOAD_MAX + 1));
    bus_publish(a->bus, BUS_REPORTS, slice_of(payload, BUS_PAYLOAD_MAX));
    bus_publish(a->bus, BUS_REPORTS, SLICE_NONE);
    world_hear(w, b, 2);
    assert_int_equal(b->heard[0].length, BUS_PAYLOAD_MAX);
    assert_heard(b, 0, BUS_REPORTS, "a", "xxxxxxxxxxxxxxxxxxxx");
    assert_int_equal(b->heard[1].length, 0);
    assert_int_equal(counter_read(&bus_counts(a->bus)->too_large), 1);
    assert_int_equal(counter_read(&bus_counts(a->bus)->sent), 2);
    mem_free(payload);
    world_free(w);
}

static void any_name_is_told_as_its_sender_gave_it(void **state)
{
    static const char *const NAMES[] = { "fra1.example", "a b*>%2E" };
    struct world *w = world_of(state);
    struct told_node *odd[2] = { world_node(w, 0, NAMES[0]), world_node(w, 1, NAMES[1]) };

    say(odd[0], BUS_REPORTS, "1");
    say(odd[1], BUS_REPORTS, "2");
    world_hear(w, odd[0], 1);
    world_hear(w, odd[1], 1);
    assert_heard(odd[0], 0, BUS_REPORTS, NAMES[1], "2");
    assert_heard(odd[1], 0, BUS_REPORTS, NAMES[0], "1");
    world_free(w);
}

/* So that no queue of the sender comes into it. */
static void say_and_see_it_go(struct told_node *node, unsigned number)
{
    char text[24];

    snprintf(text, sizeof text, "%u", number);
    say(node, BUS_REPORTS, text);
    while (counter_read(&bus_counts(node->bus)->sent) <= number)
        sleep_ms(0);
}

static void a_receiver_that_does_not_keep_up_loses_the_oldest_and_counts(void **state)
{
    struct world *w = world_of(state);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");

    for (unsigned i = 0; i < BUS_QUEUE_MAX + 50; i++)
        say_and_see_it_go(a, i); // no loop turns meanwhile
    sleep_ms(w->kind == NATS_REAL ? 300 : 0);
    world_hear(w, b, BUS_QUEUE_MAX);
    assert_heard(b, 0, BUS_REPORTS, "a", "50");
    assert_heard(b, BUS_QUEUE_MAX - 1, BUS_REPORTS, "a", "1073");
    assert_int_equal(counter_read(&bus_counts(b->bus)->full_in), 50);
    say(a, BUS_REPORTS, "goes on");
    world_hear(w, b, BUS_QUEUE_MAX + 1);
    world_free(w);
}

static void a_turn_hands_over_a_few_messages_and_leaves_the_rest_to_the_next(void **state)
{
    struct world *w = world_of(state);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");

    for (unsigned i = 0; i < 100; i++)
        say_and_see_it_go(a, i);
    sleep_ms(w->kind == NATS_REAL ? 300 : 0);
    loop_turn(w->bench->loops[1], span_ms(0));
    assert_in_range(b->heard_count, 1, 50);
    world_hear(w, b, 100);
    world_free(w);
}

static void a_node_is_heard_again_after_it_came_back(void **state)
{
    struct world *w = world_of(state);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");

    say(a, BUS_REPORTS, "before");
    world_hear(w, b, 1);
    node_free(a);
    say(b, BUS_REPORTS, "to nobody");
    world_settle(w);
    a = world_node(w, 0, "a");
    say(a, BUS_REPORTS, "after");
    world_hear(w, b, 2);
    assert_heard(b, 1, BUS_REPORTS, "a", "after");
    assert_int_equal(a->heard_count, 0);
    world_free(w);
}

static void a_bus_may_go_while_messages_are_under_way(void **state)
{
    for (int round = 0; round < 5; round++) {
        struct world *w = world_of(state);
        struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");
        struct told_node *c = world_node(w, 2, "c");
        char *payload = mem_alloc(10000);

        for (int i = 0; i < 200; i++)
            bus_publish(a->bus, BUS_REPORTS, slice_of(payload, 10000));
        sleep_ms(round);
        node_free(b); // its inbox is filling
        node_free(a); // its queue is not empty
        size_t heard = b->heard_count;

        world_settle(w);
        assert_int_equal(b->heard_count, heard); // calls back no more
        assert_true(c->heard_count <= 200);
        mem_free(payload);
        world_free(w);
    }
}

enum { TALKER_MESSAGES = 300 };

/* A node on a thread of its own, which says so many things and goes on until it heard the others.
 */
struct talker {
    struct timer timer;
    struct told_node *node;
    struct loop *loop;
    unsigned said;
    pthread_t thread;
};

static void talk(struct timer *timer)
{
    struct talker *t = container_of(timer, struct talker, timer);
    char text[24];

    for (unsigned i = 0; i < 3 && t->said < TALKER_MESSAGES; i++) {
        snprintf(text, sizeof text, "%u", t->said++);
        say(t->node, BUS_REPORTS, text);
    }
    if (t->said == TALKER_MESSAGES && t->node->heard_count >= 2 * TALKER_MESSAGES)
        loop_stop(t->loop);
    else
        timer_set(t->loop, timer, instant_after(loop_now(t->loop), span_us(300)));
}

static void *talk_on(void *argument)
{
    struct talker *t = argument;

    timer_set(t->loop, &t->timer, loop_now(t->loop));
    loop_run(t->loop);
    return NULL;
}

static void loops_on_threads_of_their_own_hear_all_in_order(void **state)
{
    struct world *w = world_of(state);
    struct talker talkers[BENCH_LOOPS];

    for (unsigned i = 0; i < BENCH_LOOPS; i++) {
        talkers[i] = (struct talker){ .timer.fire = talk, .loop = w->bench->loops[i] };
        talkers[i].node = world_node(w, i, (char[]){ (char)('a' + i), '\0' });
    }
    for (unsigned i = 0; i < BENCH_LOOPS; i++)
        pthread_create(&talkers[i].thread, NULL, talk_on, &talkers[i]);
    for (unsigned i = 0; i < BENCH_LOOPS; i++)
        pthread_join(talkers[i].thread, NULL);
    for (unsigned i = 0; i < BENCH_LOOPS; i++) {
        const struct told_node *node = talkers[i].node;
        int next[BENCH_LOOPS] = { 0 };

        assert_int_equal(node->heard_count, 2 * TALKER_MESSAGES);
        for (size_t j = 0; j < node->heard_count; j++)
            assert_int_equal(atoi(node->heard[j].text), next[node->heard[j].from[0] - 'a']++);
        assert_int_equal(next[i], 0);
    }
    world_free(w);
}

static void one_that_never_got_to_a_turn_goes_without_a_word(void **state)
{
    struct world *w = world_of(state);
    struct told_node *a = world_open_node(w, 0, "example", "a");

    say(a, BUS_REPORTS, "unheard");
    node_free(a);
    world_settle(w);
    assert_int_equal(a->linked_count + a->lost_count, 0);
    bus_free(NULL);
    world_free(w);
}

static void each_counter_has_its_row(void **)
{
    assert_int_equal(bus_counter_row_count * sizeof(struct counter), sizeof(struct bus_counts));
    assert_string_equal(bus_counter_rows[0].labels, "direction=\"out\"");
    assert_int_equal(bus_counter_rows[1].offset, offsetof(struct bus_counts, heard));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(nodes_hear_each_other_and_not_themselves),
        ON_ALL(each_lane_is_told_as_what_it_is),
        ON_ALL(the_way_is_told_once_while_it_holds),
        ON_ALL(messages_of_one_sender_keep_their_order),
        ON_ALL(a_payload_up_to_the_limit_goes_and_one_above_is_refused),
        ON_ALL(any_name_is_told_as_its_sender_gave_it),
        ON_ALL(a_receiver_that_does_not_keep_up_loses_the_oldest_and_counts),
        ON_ALL(a_turn_hands_over_a_few_messages_and_leaves_the_rest_to_the_next),
        ON_ALL(a_node_is_heard_again_after_it_came_back),
        ON_ALL(a_bus_may_go_while_messages_are_under_way),
        ON_ALL(one_that_never_got_to_a_turn_goes_without_a_word),
        ON_THREADS(loops_on_threads_of_their_own_hear_all_in_order),
        cmocka_unit_test(each_counter_has_its_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
