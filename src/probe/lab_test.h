// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Checks of one target by one observer, and what the observer was told. */

#include "probe/target_test.h"

struct lab {
    struct probe_user user;
    struct bench *bench;
    struct target target;
    struct probes *probes;
    struct check list[LAB_CHECKS];
    struct checks checks;
    struct probe_result last;
    unsigned results, outcomes[PROBE_OUTCOME_COUNT];
    unsigned verdicts;
    uint64_t decided_id; // of the newest verdict's check
    bool is_up;
    struct instant decided;
};

static inline void lab_result(struct probe_user *user, const struct probe_result *result)
{
    struct lab *lab = container_of(user, struct lab, user);

    lab->last = *result;
    lab->results++;
    lab->outcomes[result->outcome]++;
}

static inline void lab_verdict(struct probe_user *user, const struct check *check, bool is_up)
{
    struct lab *lab = container_of(user, struct lab, user);

    // News each time.
    assert_true(check->id != lab->decided_id || lab->verdicts == 0 || lab->is_up != is_up);
    lab->decided_id = check->id;
    lab->is_up = is_up;
    lab->verdicts++;
    lab->decided = loop_now(lab->bench->loop);
}

static const struct probe_user_ops LAB_OPS = { lab_result, lab_verdict };

/* As the documented defaults have it: every 1 s, timeout 800 ms, rise 5, fall 4. */
static inline struct check lab_check(const struct lab *lab, enum check_kind kind, uint64_t id)
{
    return (struct check){
        .id = id,
        .kind = kind,
        .to = lab->target.at,
        .host = SLICE("www.example.net"),
        .path = SLICE("/health"),
        .expect = 200,
        .every = span_s(1),
        .timeout = span_ms(800),
        .rise = 5,
        .fall = 4,
    };
}

/* One check of the kind, not yet in use. */
static inline struct lab *lab_new(struct bench *bench, enum check_kind kind, uint64_t seed)
{
    struct lab *lab = mem_new(struct lab);

    lab->user.ops = &LAB_OPS;
    lab->bench = bench;
    target_init(&lab->target, bench->loops[1], bench_ip(1));
    lab->target.luck = seed * 1000;
    lab->list[0] = lab_check(lab, kind, 1);
    lab->checks = (struct checks){ .list = lab->list, .count = 1 };
    lab->probes = probes_new(bench->loop, seed, &lab->user);
    return lab;
}

static inline struct lab *lab_open(void *const *state, enum check_kind kind)
{
    return lab_new(bench_open(state), kind, 1);
}

/* The bench goes with it. */
static inline void lab_close(struct lab *lab)
{
    probes_free(lab->probes);
    target_done(&lab->target);
    bench_close(lab->bench);
    mem_free(lab);
}

static inline bool lab_has_result(void *what)
{
    const struct lab *lab = what;

    return lab->results > 0;
}

static inline bool lab_is_down(void *what)
{
    const struct lab *lab = what;

    return lab->verdicts > 0 && !lab->is_up;
}

static inline bool lab_is_up(void *what)
{
    const struct lab *lab = what;

    return lab->verdicts > 0 && lab->is_up;
}

static inline void lab_run(struct lab *lab, struct span time)
{
    bench_until(lab->bench, bench_never, NULL, time);
}

/* The first verdict is up. */
static inline struct lab *lab_settled(struct bench *bench, enum check_kind kind, uint64_t seed)
{
    struct lab *lab = lab_new(bench, kind, seed);

    probes_use(lab->probes, &lab->checks, NULL);
    assert_false(probes_are_settled(lab->probes));
    assert_true(bench_until(bench, lab_is_up, lab, WITHIN));
    assert_true(probes_are_settled(lab->probes));
    return lab;
}

/* From now to the verdict. */
static inline struct span lab_time_to_down(struct lab *lab)
{
    struct instant start = loop_now(lab->bench->loop);

    assert_true(bench_until(lab->bench, lab_is_down, lab, WITHIN));
    return instant_since(start, lab->decided);
}

/* Uses the check until there is a first result, and nothing afterwards; returns its outcome. */
static inline enum probe_outcome lab_probe_once(struct lab *lab)
{
    static const struct checks NOTHING = { 0 };

    lab->results = lab->verdicts = 0;
    probes_use(lab->probes, &lab->checks, NULL);
    probes_hurry(lab->probes, 0);
    assert_true(bench_until(lab->bench, lab_has_result, lab, WITHIN));
    probes_use(lab->probes, &NOTHING, NULL);
    lab_run(lab, span_ms(20));
    return lab->last.outcome;
}
