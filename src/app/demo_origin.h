// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A customer's web server, as the demo has them: it makes a page anew for each request, serves
 * what the page embeds with life times and validators, answers 304, and says in each answer which
 * server it is (X-Origin). For any host it is asked for.
 *
 *     /  /clock  /cart/...           made anew, not to be stored (the cart says 60 s, to show that
 *                                    settings win)
 *     /style.css /logo.svg /img/...  the same from all servers of a customer, for an hour
 *     /rare.svg                      on one server of each customer alone
 *     /health                        ok
 *     /demo/...                      told to misbehave for a while (app/demo_trouble.h)
 */

#include <stdint.h>

#include "app/demo_world.h"
#include "base/clock.h"
#include "base/err.h"

struct demo_origin;
struct loop;

struct demo_origin_plan {
    const struct demo_server *server; // must outlive the origin
    struct demo_ports ports;
    struct wall changed; // Last-Modified of all that may be cached; the same for all servers
};

[[nodiscard]] enum err demo_origin_open(struct loop *loop, const struct demo_origin_plan *plan,
    struct demo_origin **origin, struct diag *why);

/* Accepts NULL. */
void demo_origin_close(struct demo_origin *origin);

/* Requests answered so far. */
uint64_t demo_origin_served(const struct demo_origin *origin);
