// SPDX-License-Identifier: Apache-2.0
#include "app/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool terminal_is_there(void)
{
    const char *kind = getenv("TERM");

    return isatty(STDOUT_FILENO) && kind != NULL && kind[0] != '\0' && strcmp(kind, "dumb") != 0;
}

bool terminal_open(struct terminal *t)
{
    sigset_t set;

    *t = (struct terminal){ .signals = -1 };
    sigemptyset(&set);
    for (const int *number =
             (const int[]){ SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, 0 };
         *number != 0; number++)
        sigaddset(&set, *number);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    t->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    t->has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &t->before) == 0;
    return t->signals >= 0;
}

void terminal_write(struct slice bytes)
{
    while (bytes.length > 0) {
        ssize_t went = write(STDOUT_FILENO, bytes.at, bytes.length);

        if (went < 0 && errno != EINTR)
            return;
        bytes = slice_from(bytes, went < 0 ? 0 : (size_t)went);
    }
}

void terminal_enter(struct terminal *t)
{
    struct termios raw = t->before;

    // Keys at once and unseen; signals by keys stay, and come through t->signals.
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (t->has_keys)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    terminal_write(SLICE("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J")); // screen, cursor, no wrapping
    t->is_taken = true;
}

void terminal_leave(struct terminal *t)
{
    if (!t->is_taken)
        return;
    terminal_write(SLICE("\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"));
    if (t->has_keys)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
    t->is_taken = false;
}

/* Takes the signal that came, if one did. */
static enum terminal_event take_signal(struct terminal *t)
{
    struct signalfd_siginfo info;

    if (read(t->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return TERMINAL_TIME;
    if (info.ssi_signo == SIGWINCH)
        return TERMINAL_SIZE;
    if (info.ssi_signo != SIGTSTP)
        return TERMINAL_ENDS;
    terminal_leave(t);
    raise(SIGSTOP);
    terminal_enter(t);
    return TERMINAL_SIZE;
}

enum terminal_event terminal_wait(
    struct terminal *t, int news, int wait_ms, char room[TERMINAL_KEYS_MAX], struct slice *keys)
{
    struct pollfd fds[] = { { .fd = t->signals, .events = POLLIN },
        { .fd = news, .events = POLLIN },
        { .fd = t->has_keys ? STDIN_FILENO : -1, .events = POLLIN } };

    *keys = SLICE_NONE;
    if (poll(fds, 3, wait_ms) <= 0)
        return TERMINAL_TIME;
    if (fds[0].revents != 0)
        return take_signal(t);
    if (fds[2].revents != 0) {
        ssize_t got = read(STDIN_FILENO, room, TERMINAL_KEYS_MAX);

        if (got == 0 || (got < 0 && errno != EINTR)) // the terminal is gone
            return TERMINAL_ENDS;
        *keys = slice_of(room, got < 0 ? 0 : (size_t)got);
        return TERMINAL_KEYS;
    }
    return TERMINAL_NEWS;
}

void terminal_size(unsigned *width, unsigned *height)
{
    struct winsize size = { 0 };

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
        size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
    *width = size.ws_col;
    *height = size.ws_row;
}
