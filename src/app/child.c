// SPDX-License-Identifier: Apache-2.0
#include "app/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 10, PROGRAM_MAX = 256, NOT_STARTED = 127 };

/* Where programs lie that people without rights rarely have in their PATH. */
static const char *const PLACES[] = { "", "/usr/sbin/", "/usr/local/sbin/" };

/*
 * In the child: becomes the program, or says through `report` why not. Other threads of the parent
 * may have held locks when it was made, so nothing is called that could take one.
 */
static _Noreturn void become(const char *const *words, pid_t parent, int fed, int report)
{
    sigset_t none;
    int input = fed >= 0 ? fed : open("/dev/null", O_RDONLY);
    char program[PROGRAM_MAX];

    setpgid(0, 0);
    if (input >= 0)
        dup2(input, STDIN_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // Who is fed reads the end of its input when the parent ends, and may finish what it does.
    if (fed < 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
        _exit(NOT_STARTED); // the parent ended before it could be noticed
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        size_t length = strlen(PLACES[i]);

        if (i > 0 && (words[0][0] == '/' || length + strlen(words[0]) >= sizeof program))
            break;
        memcpy(program, PLACES[i], length + 1);
        strncat(program, words[0], sizeof program - length - 1);
        execvp(program, (char *const *)(const void *)words);
        if (errno != ENOENT)
            break;
    }
    int reason = errno;

    _exit(write(report, &reason, sizeof reason) < 0 ? NOT_STARTED - 1 : NOT_STARTED);
}

static enum err start(const char *const *words, int input, struct child *child, struct diag *why)
{
    const pid_t parent = getpid();
    int report[2], reason = 0;

    assert(child->pid == 0);
    if (pipe2(report, O_CLOEXEC) != 0) {
        diag_say(why, "%s cannot be started: %s", words[0], strerror(errno));
        return ERR_SYSTEM;
    }
    pid_t pid = fork();

    if (pid == 0)
        become(words, parent, input, report[1]);
    reason = pid < 0 ? errno : 0;
    close(report[1]);
    // The other end closes by itself when the program has taken over.
    if (pid > 0 && read(report[0], &reason, sizeof reason) > 0)
        waitpid(pid, NULL, 0);
    close(report[0]);
    if (reason == 0) {
        child->pid = pid;
        return ERR_NONE;
    }
    diag_say(why, "%s cannot be started: %s", words[0], strerror(reason));
    return reason == ENOENT ? ERR_MISSING : err_from_errno(reason);
}

enum err child_start(const char *const *words, struct child *child, struct diag *why)
{
    return start(words, -1, child, why);
}

enum err child_start_fed(const char *const *words, int input, struct child *child, struct diag *why)
{
    return start(words, input, child, why);
}

bool child_runs(struct child *child)
{
    if (child->pid != 0 && waitpid(child->pid, &child->status, WNOHANG) != 0)
        child->pid = 0;
    return child->pid != 0;
}

void child_signal(const struct child *child, int number)
{
    if (child->pid != 0)
        kill(child->pid, number);
}

void child_await(struct child *child, struct span patience)
{
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };

    for (; child_runs(child) && patience.ns > 0; patience.ns -= look.tv_nsec)
        nanosleep(&look, NULL);
    if (!child_runs(child))
        return;
    kill(child->pid, SIGKILL);
    waitpid(child->pid, &child->status, 0);
    child->pid = 0;
}

const char *child_ending(const struct child *child, char text[CHILD_ENDING_SIZE])
{
    if (WIFSIGNALED(child->status))
        snprintf(text, CHILD_ENDING_SIZE, "killed by signal %d", WTERMSIG(child->status));
    else
        snprintf(text, CHILD_ENDING_SIZE, "exit status %d", WEXITSTATUS(child->status));
    return text;
}
