// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/descriptors.h"

static void what_is_needed_admits_as_many_as_it_is_needed_for(void **)
{
    for (uint64_t connections = 1; connections < 200000; connections += 7)
        assert_in_range(
            descriptors_admit(descriptors_needed(connections)), connections, connections + 1);
}

static void some_are_always_kept_and_one_visitor_is_always_admitted(void **)
{
    assert_int_equal(descriptors_admit(1024), 1024 - 257);
    assert_int_equal(descriptors_admit(1000000), 1000000 - 4096);
    assert_int_equal(descriptors_admit(1), 1);
    assert_int_equal(descriptors_admit(0), 1);
    assert_true(descriptors_needed(UINT32_MAX) > UINT32_MAX);
}

/* In a process of its own, whose hard limit is the one given: what it may open after raising. */
static int raised_from(rlim_t soft, rlim_t hard, uint64_t wanted)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        const struct rlimit start = { soft, hard };
        struct rlimit now;

        if (setrlimit(RLIMIT_NOFILE, &start) != 0)
            _exit(200);
        uint64_t said = descriptors_raise(wanted);

        if (getrlimit(RLIMIT_NOFILE, &now) != 0 || said != now.rlim_cur)
            _exit(201);
        _exit((int)(now.rlim_cur / 10));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) * 10;
}

static void the_soft_limit_is_raised_to_the_hard_one(void **)
{
    assert_int_equal(raised_from(50, 900, 100), 900);
    assert_int_equal(raised_from(50, 900, 900), 900);
}

static void beyond_the_hard_limit_is_what_the_kernel_allows(void **)
{
    // Root of the machine gets what it wants, everybody else all that there is.
    int got = raised_from(50, 900, 1200);

    assert_true(got == 900 || got == 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_needed_admits_as_many_as_it_is_needed_for),
        cmocka_unit_test(some_are_always_kept_and_one_visitor_is_always_admitted),
        cmocka_unit_test(the_soft_limit_is_raised_to_the_hard_one),
        cmocka_unit_test(beyond_the_hard_limit_is_what_the_kernel_allows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
