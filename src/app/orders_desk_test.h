// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: the orders of one node, with a folder of its own and a simulated loop. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/orders.h"
#include "app/orders_journal.h"
#include "base/hash.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "cache/purges.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/pool.h"
#include "io/sim.h"

enum { ERA = 7, LOG_BYTES = 1 << 20 };

/* One node's orders, with a disk of its own and a simulated loop. */
struct desk {
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernel;
    struct loop *loop;
    struct pool *pool;
    struct log log;
    struct purges *purges;
    char folder[64], path[80];
    struct orders *orders;
    struct orders_user user;
    unsigned drained, moved; // times it was told
};

static inline void on_drained(struct orders_user *user, const struct drains *drains)
{
    (void)drains;
    container_of(user, struct desk, user)->drained++;
}

static inline void on_moved(struct orders_user *user)
{
    container_of(user, struct desk, user)->moved++;
}

static const struct orders_user_ops USER = { .drained = on_drained, .moved = on_moved };

static inline void desk_start(struct desk *d, bool has_file)
{
    const struct orders_plan plan = { .loop = d->loop,
        .pool = d->pool,
        .log = &d->log,
        .node = SLICE("fra1"),
        .purges = d->purges,
        .path = has_file ? d->path : NULL };

    d->orders = orders_new(&plan);
    orders_use(d->orders, &d->user);
}

static inline void desk_init(struct desk *d, bool has_file)
{
    const struct ip address = ip_v4(10, 0, 0, 1);

    *d = (struct desk){ .user.ops = &USER };
    d->sim = sim_new(1);
    epoch_init(&d->epoch);
    d->kernel = sim_kernel(d->sim, &address);
    d->loop = loop_new(d->kernel, &d->epoch, 0);
    sim_kernel_turns(d->kernel, d->loop);
    assert_int_equal(pool_new(0, 1, &d->pool), ERR_NONE);
    log_init(&d->log, memfd_create("log", 0), LOG_INFO);
    d->purges = purges_new(1);
    snprintf(d->folder, sizeof d->folder, "/tmp/waypost-orders-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    snprintf(d->path, sizeof d->path, "%s/orders", d->folder);
    desk_start(d, has_file);
}

static inline void rest(struct desk *d)
{
    sim_run_for(d->sim, span_ms(10));
}

static inline void desk_restart(struct desk *d)
{
    rest(d);
    orders_free(d->orders);
    desk_start(d, true);
}

static inline void unlink_ending(const struct desk *d, const char *end)
{
    char path[100];

    snprintf(path, sizeof path, "%s%s", d->path, end);
    unlink(path);
}

static inline void desk_done(struct desk *d)
{
    rest(d);
    pool_free(d->pool);
    orders_free(d->orders);
    purges_free(d->purges);
    loop_free(d->loop);
    kernel_free(d->kernel);
    epoch_done(&d->epoch);
    sim_free(d->sim);
    close(d->log.fd);
    unlink_ending(d, "");
    unlink_ending(d, ".new");
    unlink_ending(d, ".broken");
    rmdir(d->folder);
}

static inline bool has_logged(const struct desk *d, const char *text)
{
    static char log[LOG_BYTES];
    ssize_t length = pread(d->log.fd, log, sizeof log - 1, 0);

    assert_true(length >= 0);
    log[length] = '\0';
    return strstr(log, text) != NULL;
}

/* An order whose id is its mark. */
static inline struct order order_of(enum order_kind kind, const char *text, uint64_t mark)
{
    struct order order = { .kind = kind,
        .at = { 1700000000000 },
        .by = SLICE("ann"),
        .site = order_is_purge(kind) ? SLICE("www.test") : SLICE_NONE,
        .text = slice_text(text) };

    memcpy(order.id, &mark, sizeof mark);
    return order;
}

static inline void takes(struct desk *d, uint64_t number, const struct order *order)
{
    char room[ORDER_MAX];

    orders_take(d->orders, ERA, number, order_write(order, room));
}

/* With an id that is its number's. */
static inline void takes_new(
    struct desk *d, uint64_t number, enum order_kind kind, const char *text)
{
    const struct order order = order_of(kind, text, number);

    takes(d, number, &order);
}

static inline void position_is(const struct desk *d, uint64_t era, uint64_t number)
{
    struct orders_position position = orders_position(d->orders);

    assert_true(position.era == era);
    assert_true(position.number == number);
}

static inline bool is_drained(const struct desk *d, const char *pop)
{
    const struct drain *list;
    size_t count = drains_list(orders_drained(d->orders), &list);

    for (size_t i = 0; i < count; i++)
        if (list[i].kind == DRAIN_POP && slice_equal(list[i].name, slice_text(pop)))
            return true;
    return false;
}

static inline uint64_t added(const struct desk *d, enum purge_kind kind)
{
    struct purges_stats stats;

    purges_stats(d->purges, &stats);
    return stats.added[kind];
}
