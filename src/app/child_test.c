// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/child.h"

static const char *const SLEEP[] = { "sleep", "60", NULL };

static struct child run(const char *const *words)
{
    struct child child = { 0 };
    struct diag why = { 0 };

    if (child_start(words, &child, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    return child;
}

static void its_end_is_noticed_and_told(void **)
{
    static const char *const WORDS[] = { "sh", "-c", "exit 3", NULL };
    struct child child = run(WORDS);
    char text[CHILD_ENDING_SIZE];

    child_await(&child, span_s(10));
    assert_false(child_runs(&child));
    assert_string_equal(child_ending(&child, text), "exit status 3");
}

static void one_that_ignores_its_end_is_killed(void **)
{
    char folder[] = "/tmp/waypost-child-XXXXXX", script[200], text[CHILD_ENDING_SIZE];

    assert_non_null(mkdtemp(folder));
    snprintf(script, sizeof script, "trap '' TERM; rmdir %s; while :; do sleep 0.05; done", folder);
    const char *const words[] = { "sh", "-c", script, NULL };
    struct child child = run(words);

    while (access(folder, F_OK) == 0) // until the trap is set
        usleep(1000);
    child_signal(&child, SIGTERM);
    usleep(100000);
    assert_true(child_runs(&child));
    child_await(&child, span_ms(50));
    assert_int_equal(child.pid, 0);
    assert_string_equal(child_ending(&child, text), "killed by signal 9");
    child_signal(&child, SIGTERM); // of nobody: no harm
}

static void what_does_not_exist_is_told(void **)
{
    static const char *const WORDS[] = { "waypost-has-no-such-program", NULL };
    struct child child = { 0 };
    struct diag why = { 0 };

    assert_int_equal(child_start(WORDS, &child, &why), ERR_MISSING);
    assert_non_null(strstr(why.text, WORDS[0]));
    assert_false(child_runs(&child));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // nothing is left
}

static void signals_that_are_blocked_here_are_not_blocked_there(void **)
{
    struct child child;
    sigset_t term, before;
    char text[CHILD_ENDING_SIZE];

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    child = run(SLEEP);
    sigprocmask(SIG_SETMASK, &before, NULL);
    child_signal(&child, SIGTERM);
    child_await(&child, span_s(10));
    assert_string_equal(child_ending(&child, text), "killed by signal 15");
}

static void descriptors_are_not_handed_on(void **)
{
    int pipe_ends[2];

    assert_int_equal(pipe(pipe_ends), 0);
    struct child child = run(SLEEP);
    struct pollfd hung_up = { .fd = pipe_ends[0] };

    close(pipe_ends[1]);
    assert_int_equal(poll(&hung_up, 1, 5000), 1); // the child has no other end of it
    close(pipe_ends[0]);
    child_await(&child, span_ms(0));
}

static void it_has_a_process_group_of_its_own(void **)
{
    struct child child = run(SLEEP);

    assert_int_equal(getpgid(child.pid), child.pid);
    child_await(&child, span_ms(0));
}

static void system_programs_are_found_whatever_the_path(void **)
{
    static const char *const WORDS[] = { "chroot", "/", "true",
        NULL }; // only root may; all start it
    const char *path = getenv("PATH");
    char *before = strdup(path == NULL ? "/usr/bin:/bin" : path);

    assert_int_equal(setenv("PATH", "/usr/bin", 1), 0);
    struct child child = run(WORDS);

    assert_int_equal(setenv("PATH", before, 1), 0);
    free(before);
    child_await(&child, span_s(10));
}

static void it_dies_with_a_parent_that_is_killed(void **)
{
    int pids[2], status;
    pid_t parent, orphan = 0;

    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); // orphans come to us
    assert_int_equal(pipe(pids), 0);
    parent = fork();
    if (parent == 0) {
        struct child child = run(SLEEP);

        if (write(pids[1], &child.pid, sizeof child.pid) == sizeof child.pid)
            pause();
        _exit(1);
    }
    assert_int_equal(read(pids[0], &orphan, sizeof orphan), sizeof orphan);
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    alarm(10); // rather than wait for its minute
    assert_int_equal(waitpid(orphan, &status, 0), orphan);
    alarm(0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    close(pids[0]);
    close(pids[1]);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(its_end_is_noticed_and_told),
        cmocka_unit_test(one_that_ignores_its_end_is_killed),
        cmocka_unit_test(what_does_not_exist_is_told),
        cmocka_unit_test(signals_that_are_blocked_here_are_not_blocked_there),
        cmocka_unit_test(descriptors_are_not_handed_on),
        cmocka_unit_test(it_has_a_process_group_of_its_own),
        cmocka_unit_test(system_programs_are_found_whatever_the_path),
        cmocka_unit_test(it_dies_with_a_parent_that_is_killed),
    };

    return cmocka_run_group_tests_name("app/child", cases, NULL, NULL);
}
