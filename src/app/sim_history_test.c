// SPDX-License-Identifier: Apache-2.0
/* A node's past: whatever happens to it, what it answered is answered again, or said to be lost. */
#include "app/sim_past_test.h"
#include "steer/drains.h"

static void drain(struct past *p, uint32_t check_at, bool is_drained)
{
    steer_health_set(node_root(p->w->node)->rows, check_at, STEER_DRAINED, is_drained);
}

/* A minute and a half in which everything happens. */
static void live(struct past *p)
{
    struct world *w = p->w;

    for (unsigned i = 0; i < 120; i++) {
        sim_run_for(w->sim, span_us((int64_t)sim_draw(w->sim, 1400000)));
        note_now(p);
        sim_run_for(w->sim, span_us(1)); // of two things at one moment, the later holds
        if (i == 20)
            origin_stop(&w->origins[0]);
        if (i == 40)
            origin_open(&w->origins[0]);
        if (i == 55)
            w->origins[1].thinks = span_ms(70);
        if (i == 60 || i == 63)
            drain(p, 1, i == 60);
        if (i == 70)
            use_network(w, SECOND);
        if (i == 90)
            w->origins[1].thinks = span_ms(0);
        if (i == 100)
            use_network(w, FIRST);
        note_now(p); // at once: it is in force
    }
    sim_run_for(w->sim, span_ms(1100));
}

static void what_was_answered_is_answered_again(void **)
{
    static struct past p;

    for (uint64_t seed = 1; seed <= (seeds() + 9) / 10; seed++) {
        past_open(&p, seed);
        live(&p);
        for (size_t i = 0; i < p.count; i++)
            check(&p, &p.noted[i]);
        for (size_t i = 0; i < 40; i++) // in any order
            check(&p, &p.noted[sim_draw(p.w->sim, (uint32_t)p.count)]);
        assert_true(counter_read(&history_counts(p.history)->replays) == p.count + 40);
        past_close(&p);
    }
}

static void what_was_answered_while_nothing_was_noted_is_said_to_be_lost(void **)
{
    static struct past p;

    past_open(&p, 3);
    live(&p);
    struct moment written = loop_moment(p.w->control);

    history_leave(p.history); // nothing more is heard of it
    steering_remember(p.w->steering[0], NULL);
    history_free(p.history);
    sim_run_for(p.w->sim, span_s(7));
    struct moment away = { loop_moment(p.w->control).us - 2000000 };

    history_open(&p);
    sim_run_for(p.w->sim, span_s(3));
    for (size_t i = 0; i < p.count; i++)
        check(&p, &p.noted[i]);
    assert_true(away.us > written.us);
    check_refused(&p, away, "gap");
    check_refused(&p, (struct moment){ p.noted[0].at.us - 3600000000 }, "past");
    past_close(&p);
}

enum { TARGETS = 100, TARGETS_TEXT = 16384 };

/* So many origins of one site, all of them measured, and none quite as it was before. */
static char *network_of_many(void)
{
    static const char HEAD[] = "zone: cdn.test\ncustomers:\n  acme:\n    origins:\n";
    static const char POP[] = "pops: {fra: {nodes: {fra1: {address: 10.0.0.1}}, "
                              "cache: {memory: 16 MiB}}}\n";
    char *text = mem_alloc(TARGETS_TEXT);
    size_t used = (size_t)snprintf(text, TARGETS_TEXT, "%s%s", POP, HEAD);

    for (int i = 0; i < TARGETS; i++)
        used += (size_t)snprintf(text + used, TARGETS_TEXT - used,
            "      o%d: {address: \"10.0.1.%d:80\"}\n", i, i % 2 + 1);
    used += (size_t)snprintf(text + used, TARGETS_TEXT - used,
        "    sites: {www.test: {probe: {http: /health}, steer: [o0");
    for (int i = 1; i < TARGETS; i++)
        used += (size_t)snprintf(text + used, TARGETS_TEXT - used, ", o%d", i);
    snprintf(text + used, TARGETS_TEXT - used, "]}}\n");
    return text;
}

static void a_day_of_a_hundred_targets_takes_less_than_200_mb(void **)
{
    static struct past p;
    char *network = network_of_many();

    p = (struct past){ .w = world_prepared(8, network), .folder = "/tmp/waypost-past-XXXXXX" };
    assert_non_null(mkdtemp(p.folder));
    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        p.w->origins[i].noise = span_ms(3);
    world_steer(p.w);
    history_open(&p);
    sim_run_for(p.w->sim, span_s(600));
    double day_mb = (double)counter_read(&history_counts(p.history)->bytes) * 144 / 1e6;

    fprintf(stderr, "# %.1f MB in a day of %zu checks\n", day_mb,
        node_root(p.w->node)->rows->checks->count);
    assert_true(day_mb > 10 && day_mb < 200);
    past_close(&p);
    mem_free(network);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_was_answered_is_answered_again),
        cmocka_unit_test(what_was_answered_while_nothing_was_noted_is_said_to_be_lost),
        cmocka_unit_test(a_day_of_a_hundred_targets_takes_less_than_200_mb),
    };

    return cmocka_run_group_tests_name("app/sim_history", cases, NULL, NULL);
}
