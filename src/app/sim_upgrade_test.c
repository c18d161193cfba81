// SPDX-License-Identifier: Apache-2.0
/* Whole nodes in a simulated world, and connections through them that leave HTTP. */
#include "app/sim_upgrade_test.h"

/* What may be under way from one end to the other: two connections' windows, what the node holds,
 * and what its loop has read and could not hand on. */
enum { HELD_MAX = 64 * 1024 + 2 * SIM_BUFFER_BYTES + 256 * 1024, PLENTY = 3 * HELD_MAX };
enum { STOP_STEPS = 200 };

/* All that either says was heard by the other. */
static bool talk_is_complete(const struct talk *t)
{
    return t->visitor.heard == t->origin.says && t->origin.heard == t->visitor.says &&
           t->visitor.came[0] != '\0';
}

static bool talk_is_answered(const struct talk *t)
{
    return t->visitor.came[0] != '\0';
}

static bool talk_is_left(const struct talk *t)
{
    return (t->visitor.stream == NULL || t->visitor.has_ended) &&
           (t->origin.stream == NULL || t->origin.has_ended);
}

static bool is_agreed(const struct talk *t)
{
    return strncmp(t->visitor.came, "HTTP/1.1 101 ", 13) == 0;
}

static size_t amount(struct world *w)
{
    return sim_draw(w->sim, 4) == 0 ? sim_draw(w->sim, 3) : sim_draw(w->sim, 300000);
}

/* Either end leaves, in whatever way; the other is told. */
static void leave(struct talk *t)
{
    bool reset = sim_draw(t->world->sim, 2) == 0;

    spoken_leave(sim_draw(t->world->sim, 2) == 0 ? &t->visitor : &t->origin, reset);
    talk_wait(t, talk_is_left, 30);
}

static void whole_story(struct world *w)
{
    // The visitor speaks on without waiting for the 101, the origin right behind it.
    struct talk *t = talk_open(w, TALK_ASKS, TALK_AGREES, amount(w), amount(w));

    talk_wait(t, talk_is_complete, 120);
    assert_true(is_agreed(t));
    assert_non_null(strstr(t->visitor.came, "\r\nUpgrade: websocket\r\n"));
    assert_non_null(strstr(t->origin.came, "\r\nUpgrade: websocket\r\n"));
    assert_false(t->visitor.has_ended || t->origin.has_ended);
    leave(t);
    talk_close(t);
}

static void all_that_either_side_says_comes_whole_and_in_order(void **)
{
    in_many_worlds(whole_story);
}

static void leaves_story(struct world *w)
{
    struct talk *t = talk_open(w, TALK_ASKS, TALK_AGREES, amount(w), amount(w));

    sim_run_for(w->sim, span_ms((int64_t)sim_draw(w->sim, 400)));
    if (t->origin.stream == NULL) // it was not reached yet
        spoken_leave(&t->visitor, true);
    else
        leave(t);
    sim_run_for(w->sim, span_s(5));
    assert_true(talk_is_left(t));
    assert_false(t->visitor.is_wrong || t->origin.is_wrong);
    talk_close(t);
}

static void when_one_leaves_midway_the_other_is_told_and_nothing_is_made_up(void **)
{
    in_many_worlds(leaves_story);
}

static void last_words_story(struct world *w)
{
    struct talk *t = talk_open(w, TALK_ASKS, TALK_AGREES, 0, amount(w));

    talk_wait(t, is_agreed, 60);
    while (t->origin.said < t->origin.says)
        sim_run_for(w->sim, span_ms(10));
    spoken_leave(&t->origin, false);
    talk_wait(t, talk_is_left, 60);
    assert_int_equal(t->visitor.heard, t->origin.says);
    talk_close(t);
}

static void what_an_origin_said_before_it_closed_still_comes(void **)
{
    in_many_worlds(last_words_story);
}

/* The visitor asks and is answered with that status. */
static void answered(struct world *w, const char *asks, const char *answers, const char *status)
{
    struct talk *t = talk_open(w, asks, answers, 0, 0);

    talk_wait(t, talk_is_answered, 60);
    if (strncmp(t->visitor.came, status, strlen(status)) != 0)
        assert_string_equal(t->visitor.came, status);
    talk_close(t);
    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        origin_open(&w->origins[i]);
    sim_run_for(w->sim, span_s(1));
}

static void refused_story(struct world *w)
{
    static const char *const WRONG[] = {
        "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket, chat\r\n\r\n",
        "HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade:\r\n\r\n",
    };
    static const char PLAIN[] =
        "GET /live HTTP/1.1\r\nHost: static.test\r\nAuthorization: Basic eDp5\r\n\r\n";

    answered(w, TALK_ASKS, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 403 ");
    for (size_t i = 0; i < COUNT_OF(WRONG); i++)
        answered(w, TALK_ASKS, WRONG[i], "HTTP/1.1 502 ");
    answered(w, PLAIN, TALK_AGREES, "HTTP/1.1 502 "); // it was not asked for
}

static void an_origin_may_refuse_and_may_not_agree_to_something_else(void **)
{
    in_many_worlds(refused_story);
}

/* `slow` reads nothing for a while; what `other` says waits, and not all of it with the node. */
static void hold_up(struct talk *t, struct spoken *slow, const struct spoken *other)
{
    talk_wait(t, is_agreed, 60);
    stream_pause(slow->stream);
    sim_run_for(t->world->sim, span_s(20));
    size_t heard = slow->heard, said = other->said;

    assert_true(said < other->says);
    assert_true(said - heard <= HELD_MAX);
    sim_run_for(t->world->sim, span_s(5));
    assert_int_equal(other->said, said);
    assert_int_equal(slow->heard, heard);
    stream_resume(slow->stream);
    talk_wait(t, talk_is_complete, 600);
    assert_false(t->visitor.has_ended || t->origin.has_ended);
}

static void slow_visitor_story(struct world *w)
{
    struct talk *t = talk_open(w, TALK_ASKS, TALK_AGREES, amount(w), PLENTY);

    hold_up(t, &t->visitor, &t->origin);
    talk_close(t);
}

static void slow_origin_story(struct world *w)
{
    struct talk *t = talk_open(w, TALK_ASKS, TALK_AGREES, PLENTY, amount(w));

    hold_up(t, &t->origin, &t->visitor);
    talk_close(t);
}

static void a_slow_visitor_holds_its_origin_up_and_loses_nothing(void **)
{
    in_many_worlds(slow_visitor_story);
}

static void a_slow_origin_holds_its_visitor_up_and_loses_nothing(void **)
{
    in_many_worlds(slow_origin_story);
}

static void drained_story(struct world *w)
{
    struct talk *t = talk_open(w, TALK_ASKS, TALK_AGREES, 1000, 1000);

    talk_wait(t, talk_is_complete, 60);
    node_set_drained(w->node, true);
    for (int i = 0; i < 20; i++) { // it is alive, and goes on
        sim_run_for(w->sim, span_ms(500));
        t->visitor.says += 10;
        stream_ready(t->visitor.stream);
    }
    talk_wait(t, talk_is_complete, 10);
    assert_false(talk_is_left(t));
    leave(t);
    talk_close(t);
}

static void a_drained_node_lets_those_go_on_that_have_left_http(void **)
{
    in_many_worlds(drained_story);
}

static void stopped_story(struct world *w)
{
    struct talk *t = talk_open(w, TALK_ASKS, TALK_AGREES, 1000, 1000);
    int steps = 0;

    talk_wait(t, talk_is_complete, 60);
    for (size_t i = 0; i < WORLD_WORKERS; i++)
        node_worker_drain(&w->node->workers[i]);
    for (; !talk_is_left(t) && steps < STOP_STEPS; steps++) { // it would go on for ever
        sim_run_for(w->sim, span_s(1));
        t->visitor.says += 10;
        if (t->visitor.stream != NULL)
            stream_ready(t->visitor.stream);
    }
    assert_true(steps > 2 && steps < STOP_STEPS);
    talk_close(t);
}

static void a_node_that_stops_waits_for_them_only_so_long(void **)
{
    in_many_worlds(stopped_story);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(all_that_either_side_says_comes_whole_and_in_order),
        cmocka_unit_test(when_one_leaves_midway_the_other_is_told_and_nothing_is_made_up),
        cmocka_unit_test(what_an_origin_said_before_it_closed_still_comes),
        cmocka_unit_test(an_origin_may_refuse_and_may_not_agree_to_something_else),
        cmocka_unit_test(a_slow_visitor_holds_its_origin_up_and_loses_nothing),
        cmocka_unit_test(a_slow_origin_holds_its_visitor_up_and_loses_nothing),
        cmocka_unit_test(a_drained_node_lets_those_go_on_that_have_left_http),
        cmocka_unit_test(a_node_that_stops_waits_for_them_only_so_long),
    };

    return cmocka_run_group_tests_name("app/sim_upgrade", cases, NULL, NULL);
}
