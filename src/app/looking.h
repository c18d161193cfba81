// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Looks at a running node again and again: a thread listens to its live figures, asks for what
 * changed each time they come and for the network now and then, and leaves the newest look for
 * whoever draws. A node that ends is asked again every second, as one that is restarted comes back.
 *
 * The thread lives as long as the process: it may wait for the node when the process ends.
 */

#include <stdbool.h>

#include "admin/text.h"
#include "app/asking.h"

/* Answers as they came. */
struct look {
    struct text live, network, changes;
    char trouble[400]; // why there is nothing newer; empty: there is
};

void look_init(struct look *look);
void look_done(struct look *look);

/* One look; false: stderr has said why there is none. */
bool looking_once(struct asking *who, struct look *look);

struct looking;

/* `who` has answered before, and is copied. NULL: no thread could be had. */
struct looking *looking_start(const struct asking *who);

/* A descriptor that is readable when there is a newer look. */
int looking_news(const struct looking *looking);

/* Copies the newest look, or as long as there is none leaves what is there. */
void looking_take(struct looking *looking, struct look *look);
