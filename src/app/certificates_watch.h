// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Tells the log which certificates are not good: when a release is taken into use, and then once a
 * day, since what was good then comes to its end between reloads too, which is when nobody looks.
 *
 * A plain value; embed it. Control thread. Zeroed, it has nothing to do.
 */

#include "io/loop.h"

struct certificates;
struct log;

#define CERTIFICATES_WATCH_PERIOD span_s(86400)

struct certificates_watch {
    struct loop *loop;
    struct log *log;
    const struct certificates *certificates; // in use
    struct timer timer;
};

/* Both outlive it. */
void certificates_watch_init(struct certificates_watch *watch, struct loop *loop, struct log *log);

/* Says nothing more. */
void certificates_watch_done(struct certificates_watch *watch);

/* From now on of these, and of these at once. They are there until others are put in their place.
 */
void certificates_watch_set(
    struct certificates_watch *watch, const struct certificates *certificates);
