// SPDX-License-Identifier: Apache-2.0
/* What a node in the simulated world learns of origins, and of itself. */
#include "app/sim_ask_test.h"
#include "app/sim_steer_test.h"

static const char BOTH[] = STEERED_NETWORK
    "      static.test: {deliver: [one, two], fill: ordered, probe: {http: /health}}\n";

enum { VISITORS = 4 };

/* The newest report of a kind on the checks of an origin, or of nodes where there is none. */
struct wanted {
    const struct checks *checks;
    enum report_kind kind;
    const char *origin;
    int64_t value; // the largest; -1: no report
};

static void look(void *to, const struct report *report)
{
    struct wanted *wanted = to;
    uint32_t at = checks_find(wanted->checks, report->check);

    assert_true(at != CHECK_NONE);
    const struct origin *origin = wanted->checks->list[at].origin;
    bool is_of_it = wanted->origin == NULL
                        ? origin == NULL
                        : origin != NULL && slice_equal(origin->name, slice_text(wanted->origin));

    if (report->kind == wanted->kind && is_of_it && report->value > wanted->value)
        wanted->value = report->value;
}

static int64_t reported(const struct world *w, enum report_kind kind, const char *origin)
{
    struct wanted wanted = {
        .checks = node_root(w->node)->rows->checks, .kind = kind, .origin = origin, .value = -1
    };

    view_each(steering_view(w->steering[0]), look, &wanted);
    return wanted.value;
}

static struct world *measured_world(uint64_t seed)
{
    struct world *w = world_prepared(seed, BOTH);

    world_steer(w);
    sim_run_for(w->sim, span_s(5));
    return w;
}

static void a_probe_that_cannot_be_sent_is_no_failure_of_its_target(void **)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct world *w = measured_world(seed);

        assert_int_equal(reported(w, REPORT_ERRORS, "one"), 0);
        sim_limit_descriptors(w->sim, 0);
        sim_run_for(w->sim, span_s(10));
        assert_true(probes_counts(steering_probes(w->steering[0]))->denied.total >= 20);
        assert_int_equal(reported(w, REPORT_ERRORS, "one"), 0);
        assert_int_equal(reported(w, REPORT_HEALTH, "one"), 1);
        world_close(w);
    }
}

static void requests_in_flight_are_learnt_of_origins_that_are_asked(void **)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct world *w = measured_world(seed);
        struct ask asks[VISITORS];
        char path[32];

        assert_int_equal(reported(w, REPORT_IN_FLIGHT, "one"), -1);
        w->origins[0].thinks = span_s(10);
        for (size_t i = 0; i < VISITORS; i++) {
            snprintf(path, sizeof path, "/kept/%zu", i + 1);
            ask_start(w, &asks[i], path, "");
        }
        sim_run_for(w->sim, span_s(5));
        assert_int_equal(reported(w, REPORT_IN_FLIGHT, "one"), VISITORS * 1000);
        assert_int_equal(reported(w, REPORT_IN_FLIGHT, "two"), -1);
        world_wait(w, asks, VISITORS);
        sim_run_for(w->sim, span_s(60));
        assert_in_range(reported(w, REPORT_IN_FLIGHT, "one"), 0, 10); // none, but for a memory
        world_close(w);
    }
}

/* A node asks itself once a second, and counts that too. */
static void nodes_tell_how_often_they_are_asked(void **)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct world *w = measured_world(seed);

        sim_run_for(w->sim, span_s(30));
        assert_in_range(reported(w, REPORT_RATE, NULL), 500, 1500);
        world_close(w);
    }
}

static void the_first_answers_rest_on_measurements(void **)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct world *w = world_prepared(seed, BOTH);

        world_steer(w); // and not a moment longer: questions are taken from now on
        const struct facts *facts = root_map(node_root(w->node))->facts;

        for (size_t i = 0; i < facts->count; i++)
            assert_int_equal(facts->checks[i].own[REPORT_LATENCY].sources, 1);
        world_close(w);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_probe_that_cannot_be_sent_is_no_failure_of_its_target),
        cmocka_unit_test(requests_in_flight_are_learnt_of_origins_that_are_asked),
        cmocka_unit_test(the_first_answers_rest_on_measurements),
        cmocka_unit_test(nodes_tell_how_often_they_are_asked),
    };

    return cmocka_run_group_tests_name("app/sim_learn", cases, NULL, NULL);
}
