// SPDX-License-Identifier: Apache-2.0
/* Streams with a filter between them and the kernel: what they promise is as without. */
#include "io/pair_test.h"
#include "io/scrambler_test.h"
#include "io/stream_priv.h"

enum { BIG = 2 * 1024 * 1024 };

static struct stream_user *accept_scrambled(struct listener_user *user, struct stream *stream)
{
    scrambler_set(stream);
    return host_accept(user, stream);
}

/* Two talkers that have greeted each other, or, not `is_polite`: one whom the other ignores. */
static struct pair *pair_scrambled(void *const *state, bool is_polite)
{
    struct pair *p = mem_new(struct pair);

    pair_init(p, bench_open(state));
    if (is_polite)
        p->host.user.accept = accept_scrambled;
    struct endpoint at = listener_at(p->host.listener);

    p->near.stream = stream_connect(p->bench->loop, &at, &p->near.user);
    scrambler_set(p->near.stream);
    if (is_polite)
        assert_true(bench_until(p->bench, pair_is_open, p, WITHIN));
    return p;
}

static bool is_over(void *what)
{
    const struct talker *t = what;

    return t->is_closed || t->has_ended;
}

static void nothing_is_said_before_the_greeting_and_everything_after(void **state)
{
    struct pair *p = pair_scrambled(state, false);

    talker_say(&p->near, "hello", 5);
    bench_settle(p->bench);
    assert_false(p->near.is_open);
    assert_int_equal(p->near.out_at, 0);
    assert_int_equal(p->far.in_length, 2);
    assert_memory_equal(p->far.in, "hi", 2);
    talker_say(&p->far, "h", 1);
    bench_settle(p->bench);
    assert_false(p->near.is_open);
    talker_say(&p->far, "i", 1);
    bench_settle(p->bench);
    assert_true(p->near.is_open);
    assert_int_equal(p->near.out_at, 5);
    assert_int_equal(p->far.in_length, 2 + 2 + 5);
    pair_close(p);
}

static void a_greeting_that_fails_closes_the_stream_and_says_why(void **state)
{
    struct pair *p = pair_scrambled(state, false);

    bench_settle(p->bench);
    talker_say(&p->far, "no", 2);
    assert_true(bench_until(p->bench, is_over, &p->near, WITHIN));
    assert_false(p->near.is_open);
    assert_int_equal(p->near.why, ERR_PARSE);
    assert_string_equal(p->near.words, "rude");
    pair_close(p);
}

static void what_comes_right_behind_a_greeting_is_handed_over(void **state)
{
    struct pair *p = pair_scrambled(state, false);

    bench_settle(p->bench);
    talker_say(&p->far, "hi\0\3\x38\x3b\x28", 7);
    bench_settle(p->bench);
    assert_int_equal(p->near.in_length, 3);
    assert_memory_equal(p->near.in, "bar", 3);
    pair_close(p);
}

/* Over a link that takes little at a time: what was sealed waits, and what comes next behind it. */
static void all_is_sealed_once_and_sent_in_order_and_then_the_end(void **state)
{
    static const size_t LENGTHS[] = { 100, 3000, 60000, STREAM_SEALED_MAX, BIG };

    for (size_t i = 0; i < COUNT_OF(LENGTHS); i++) {
        struct pair *p = pair_scrambled(state, true);
        struct sim_link narrow = { .buffer_bytes = 700 };
        char *bytes = pattern(LENGTHS[i]);

        if (p->bench->sim != NULL)
            sim_link_set(p->bench->sim, NULL, NULL, &narrow);
        p->near.out_max = 50000;
        talker_say(&p->near, bytes, LENGTHS[i]);
        stream_finish(p->near.stream);
        assert_true(bench_until(p->bench, is_over, &p->far, WITHIN));
        assert_true(p->far.has_ended && p->near.has_finished);
        assert_int_equal(p->far.in_length, LENGTHS[i]);
        assert_memory_equal(p->far.in, bytes, LENGTHS[i]);
        pair_close(p);
        mem_free(bytes);
    }
}

static bool has_taken_all(void *what)
{
    const struct talker *t = what;

    return t->out_at == t->out_length;
}

static void finishing_is_told_when_the_filter_too_has_sent_all(void **state)
{
    struct pair *p = pair_scrambled(state, true);
    struct sim_link narrow = { .buffer_bytes = 700 };
    char *bytes = pattern(STREAM_SEALED_MAX);

    if (p->bench->sim != NULL)
        sim_link_set(p->bench->sim, NULL, NULL, &narrow);
    stream_pause(p->far.stream);
    talker_say(&p->near, bytes, STREAM_SEALED_MAX);
    stream_finish(p->near.stream);
    assert_true(bench_until(p->bench, has_taken_all, &p->near, WITHIN));
    bench_settle(p->bench);
    // A kernel may have taken all of it from the filter, the simulated one cannot have.
    assert_true(p->near.has_finished != stream_holds_output(p->near.stream));
    assert_true(p->bench->sim == NULL || !p->near.has_finished);
    stream_resume(p->far.stream);
    assert_true(bench_until(p->bench, is_over, &p->far, WITHIN));
    assert_true(p->near.has_finished);
    pair_close(p);
    mem_free(bytes);
}

static void an_end_that_was_not_said_is_no_end(void **state)
{
    struct pair *p = pair_scrambled(state, false);

    bench_settle(p->bench);
    talker_say(&p->far, "hi\0\3\x38\x3b", 6); // the last byte is missing
    stream_finish(p->far.stream);
    assert_true(bench_until(p->bench, is_over, &p->near, WITHIN));
    assert_true(p->near.is_closed && !p->near.has_ended);
    assert_int_equal(p->near.why, ERR_CLOSED);
    assert_string_equal(p->near.words, "cut");
    assert_int_equal(p->near.in_length, 2);
    pair_close(p);
}

static void closing_says_the_end_and_resetting_does_not(void **state)
{
    for (int reset = 0; reset < 2; reset++) {
        struct pair *p = pair_scrambled(state, true);

        stream_close(p->near.stream, reset == 1);
        assert_true(bench_until(p->bench, is_over, &p->far, WITHIN));
        assert_true(p->far.has_ended == (reset == 0));
        pair_close(p);
    }
}

static void half_a_record_is_nothing_idle(void **state)
{
    struct pair *p = pair_scrambled(state, false);

    bench_settle(p->bench);
    talker_say(&p->far, "hi", 2);
    bench_settle(p->bench);
    assert_true(p->near.is_open);
    assert_true(stream_is_idle(p->near.stream));
    talker_say(&p->far, "\0", 1);
    bench_settle(p->bench);
    assert_int_equal(p->near.in_length, 0);
    assert_false(stream_is_idle(p->near.stream));
    talker_say(&p->far, "\1\x3b", 2);
    bench_settle(p->bench);
    assert_int_equal(p->near.in_length, 1);
    assert_true(stream_is_idle(p->near.stream));
    pair_close(p);
}

/* Asked while the kernel is at work, which may take more from one question to the next. */
static bool are_both_counted(void *what)
{
    const struct stream *s = ((const struct pair *)what)->near.stream;
    size_t waits = s->filter->ops->sealed(s->filter).length, of_kernel = 0, of_all = 0;

    assert_int_equal(s->kernel->ops->untaken(s->kernel, s->fd, &of_kernel), ERR_NONE);
    assert_int_equal(stream_untaken(s, &of_all), ERR_NONE);
    return waits > 0 && of_all == of_kernel + waits;
}

/* Else a reader who takes all that a kernel held, while the filter fills it up again, would seem to
 * have taken nothing. */
static void what_waits_in_the_filter_was_not_taken_either(void **state)
{
    enum { LENGTH = 16 << 20 };
    struct pair *p = pair_scrambled(state, true);
    char *bytes = pattern(LENGTH);

    stream_pause(p->far.stream);
    talker_say(&p->near, bytes, LENGTH);
    assert_true(bench_until(p->bench, are_both_counted, p, WITHIN));
    mem_free(bytes);
    pair_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(nothing_is_said_before_the_greeting_and_everything_after),
        ON_BOTH(a_greeting_that_fails_closes_the_stream_and_says_why),
        ON_BOTH(what_comes_right_behind_a_greeting_is_handed_over),
        ON_BOTH(all_is_sealed_once_and_sent_in_order_and_then_the_end),
        ON_BOTH(finishing_is_told_when_the_filter_too_has_sent_all),
        ON_BOTH(an_end_that_was_not_said_is_no_end),
        ON_BOTH(closing_says_the_end_and_resetting_does_not),
        ON_BOTH(half_a_record_is_nothing_idle),
        ON_BOTH(what_waits_in_the_filter_was_not_taken_either),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
