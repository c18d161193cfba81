// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/pipe.h"

enum { PART = 50000 };

/* What is pulled, up to `most` bytes of it, checked against a running pattern. */
static size_t take(struct pipe *pipe, size_t most, unsigned *next)
{
    struct iovec iov[4];
    size_t count = pipe_pull(pipe, iov, 4), taken = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < iov[i].iov_len && taken < most; j++, taken++)
            assert_int_equal(((unsigned char *)iov[i].iov_base)[j], (*next)++ & 0xff);
    pipe_sent(pipe, taken);
    return taken;
}

static size_t put(struct pipe *pipe, size_t length, unsigned *next)
{
    static unsigned char bytes[2 * PIPE_MAX];

    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(*next + i);
    size_t taken = pipe_put(pipe, slice_of(bytes, length));

    *next += (unsigned)taken;
    return taken;
}

static void bytes_come_out_as_they_went_in(void **)
{
    struct charge charge;
    struct pipe pipe;
    unsigned in = 0, out = 0;

    charge_init(&charge, NULL, INT64_MAX);
    pipe_init(&pipe, &charge);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(put(&pipe, PART, &in), PART);
        while (pipe.held > PART / 2)
            take(&pipe, 777 + (size_t)i * 100, &out);
    }
    while (pipe.held > 0)
        take(&pipe, SIZE_MAX, &out);
    assert_int_equal(in, out);
    pipe_done(&pipe);
    assert_int_equal(charge_used(&charge), 0);
}

static void it_takes_no_more_than_its_limit_and_says_when_to_go_on(void **)
{
    struct charge charge;
    struct pipe pipe;
    unsigned in = 0;

    charge_init(&charge, NULL, INT64_MAX);
    pipe_init(&pipe, &charge);
    size_t taken = put(&pipe, (size_t)PIPE_MAX + PIPE_MAX / 2, &in);

    assert_in_range(taken, PIPE_MAX, PIPE_MAX + 32 * 1024);
    assert_int_equal(put(&pipe, 1, &in), 0);
    assert_false(pipe_sent(&pipe, 1000));
    assert_true(pipe_sent(&pipe, taken - 1000 - PIPE_MAX / 2));
    pipe_done(&pipe);
}

static void without_memory_it_takes_nothing_and_counts(void **)
{
    struct charge charge;
    struct pipe pipe;
    unsigned in = 0;

    charge_init(&charge, NULL, 1000);
    pipe_init(&pipe, &charge);
    assert_int_equal(put(&pipe, 10, &in), 0);
    assert_int_equal(charge_refusals(&charge), 1);
    pipe_done(&pipe);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(it_takes_no_more_than_its_limit_and_says_when_to_go_on),
        cmocka_unit_test(without_memory_it_takes_nothing_and_counts),
    };

    return cmocka_run_group_tests_name("delivery/pipe", cases, NULL, NULL);
}
