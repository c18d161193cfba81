// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A person's terminal, taken over for a while: another screen, keys as they are pressed, no cursor.
 * What it was before comes back with terminal_leave, on every way out that a process can see:
 * signals that end it come as TERMINAL_ENDS, and stopping it (Ctrl-Z) gives the terminal back until
 * it goes on.
 */

#include <stdbool.h>
#include <termios.h>

#include "base/slice.h"

enum { TERMINAL_KEYS_MAX = 64 };

struct terminal {
    struct termios before;
    int signals; // a descriptor that is readable when one came
    bool has_keys;
    bool is_taken;
};

/* What woke terminal_wait. */
enum terminal_event { TERMINAL_TIME, TERMINAL_KEYS, TERMINAL_SIZE, TERMINAL_NEWS, TERMINAL_ENDS };

/* Whether there is somebody to draw for: stdout is a terminal that can move its cursor. */
bool terminal_is_there(void);

/* From here on signals are waited for; before any thread is started. */
bool terminal_open(struct terminal *t);

void terminal_enter(struct terminal *t);
void terminal_leave(struct terminal *t);

/* Waits so long for something, or for `news` to be readable. *keys is what was pressed, in `room`.
 */
enum terminal_event terminal_wait(
    struct terminal *t, int news, int wait_ms, char room[TERMINAL_KEYS_MAX], struct slice *keys);

/* In characters; 80 by 24 where it does not say. */
void terminal_size(unsigned *width, unsigned *height);

/* All of it, or as much as the terminal takes before it goes away. */
void terminal_write(struct slice bytes);
