// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * How a web server of the demo misbehaves when its user tells it to, and for how long, so that one
 * can watch the network notice: POST to
 *
 *     /demo/stop   it refuses connections
 *     /demo/slow   each answer comes DEMO_SLOW_MS later
 *     /demo/fail   it answers 503 to everything
 *     /demo/well   the latter two end
 *
 * Each ends by itself after DEMO_TROUBLE_S. Pure: what is said and what holds when; the web server
 * (app/demo_origin.h) acts on it.
 */

#include <stdbool.h>

#include "admin/text.h"
#include "app/demo_world.h"
#include "base/clock.h"

#define DEMO_TROUBLE_PREFIX SLICE("/demo/")

enum { DEMO_TROUBLE_S = 60, DEMO_SLOW_MS = 300 };

enum demo_trouble_kind { DEMO_STOP, DEMO_SLOW, DEMO_FAIL, DEMO_WELL, DEMO_TROUBLE_COUNT };

/* Zeroed is well. */
struct demo_trouble {
    struct instant until[DEMO_TROUBLE_COUNT];
};

/* "/demo/stop"; DEMO_TROUBLE_COUNT for any other path. */
enum demo_trouble_kind demo_trouble_find(struct slice path);

/* Once more begins anew. */
void demo_trouble_begin(
    struct demo_trouble *trouble, enum demo_trouble_kind kind, struct instant now);

bool demo_trouble_has(
    const struct demo_trouble *trouble, enum demo_trouble_kind kind, struct instant now);

/* What was begun at `now`, and until when it is so: one line. */
void demo_trouble_write_done(struct text *out, const struct demo_server *server,
    enum demo_trouble_kind kind, struct wall now);

/* What may be asked for and how: one line, or all of them for DEMO_TROUBLE_COUNT. */
void demo_trouble_write_help(
    struct text *out, const struct demo_server *server, uint16_t port, enum demo_trouble_kind kind);
