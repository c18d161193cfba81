// SPDX-License-Identifier: Apache-2.0
#include "bus/bus.h"

#include <assert.h>

#include "base/mem.h"
#include "bus/bus_priv.h"

#define ROW_OF_BUS(...) COUNTER_ROW(struct bus_counts, __VA_ARGS__),

const struct counter_row bus_counter_rows[] = { BUS_COUNTERS(ROW_OF_BUS) };
const size_t bus_counter_row_count = COUNT_OF(bus_counter_rows);

static void tell(struct bus *bus, bool is_linked, const char *why)
{
    if (bus->was_told && bus->is_linked == is_linked)
        return;
    if (bus->is_linked)
        counter_up(&bus->counts.cut);
    bus->was_told = true;
    bus->is_linked = is_linked;
    bus->user->ops->linked(bus->user, is_linked, is_linked ? "" : why);
}

/* A way that was lost and found again within a turn is told as both, as messages may be missing. */
static void tell_news(struct bus *bus, const struct link_news *news)
{
    if (!news->is_told)
        return;
    if (news->was_lost && (bus->is_linked || !news->is_linked))
        tell(bus, false, news->why);
    if (news->is_linked)
        tell(bus, true, "");
}

static void tell_behind(struct bus *bus, bool is_behind)
{
    if (bus->was_told_behind && bus->is_behind == is_behind)
        return;
    if (is_behind && bus->was_told_behind)
        counter_up(&bus->counts.behind);
    bus->was_told_behind = true;
    bus->is_behind = is_behind;
    bus->user->ops->behind(bus->user, is_behind);
}

static void tell_order(struct bus *bus, struct desk_order *order)
{
    if (order->is_gap) {
        counter_up(&bus->counts.order_gaps);
        bus->user->ops->order_gap(bus->user, order->era, order->number);
    } else {
        counter_up(order->is_foreign ? &bus->counts.orders_foreign : &bus->counts.orders_told);
        bus->user->ops->order(bus->user, order->era, order->number, order->payload);
    }
    mem_free((void *)(uintptr_t)order->payload.at); // the desk's, and ours now
}

/* Falling behind is told before what made it so, catching up after. */
static void tell_orders(struct bus *bus)
{
    struct desk_taken taken;

    desk_take(&bus->desk, &taken);
    if (!taken.is_followed)
        return;
    if (taken.is_behind)
        tell_behind(bus, true);
    for (size_t i = 0; i < taken.count; i++)
        tell_order(bus, &taken.orders[i]);
    if (!taken.is_behind)
        tell_behind(bus, false);
    if (taken.is_awaited)
        bus->ops->attend(bus);
}

static void answer(struct bus *bus, uint64_t ticket, const struct desk_answer *a)
{
    counter_up(a->err == ERR_NONE ? &bus->counts.orders_given : &bus->counts.orders_refused);
    bus->user->ops->ordered(bus->user, ticket, a->err, a->era, a->number, a->why);
}

static void tell_answers(struct bus *bus)
{
    struct desk_answer a;
    uint64_t ticket;

    while (desk_take_answer(&bus->desk, &ticket, &a))
        answer(bus, ticket, &a);
}

static void hurry(struct bus *bus)
{
    struct loop *loop = bus->inbox.loop;
    struct instant next = desk_hurry(&bus->desk, loop_now(loop));

    if (next.ns == INSTANT_NEVER.ns)
        timer_clear(loop, &bus->overdue);
    else
        timer_set(loop, &bus->overdue, next);
}

static void on_overdue(struct timer *timer)
{
    hurry(container_of(timer, struct bus, overdue));
}

static void on_wake(struct loop_message *message)
{
    struct bus *bus = container_of(message, struct bus, inbox.wake);
    struct inbox_taken taken;

    inbox_take(&bus->inbox, &taken);
    counter_add(&bus->counts.full_in, taken.full);
    counter_add(&bus->counts.malformed, taken.malformed);
    tell_news(bus, &taken.news);
    for (size_t i = 0; i < taken.count; i++) {
        struct message *m = taken.messages[i];

        counter_up(&bus->counts.heard);
        bus->user->ops->message(bus->user, m->lane, m->from, m->payload);
        message_unref(m);
    }
    tell_orders(bus);
    tell_answers(bus);
}

void bus_init(struct bus *bus, const struct bus_ops *ops, struct loop *loop, struct slice node,
    struct bus_user *user)
{
    assert(node.length > 0 && node.length <= BUS_NAME_MAX);
    *bus = (struct bus){ .ops = ops, .user = user, .overdue.fire = on_overdue };
    bus->node = slice_of(mem_text(node.at, node.length), node.length);
    inbox_init(&bus->inbox, loop, on_wake);
    desk_init(&bus->desk, &bus->inbox);
}

void bus_done(struct bus *bus)
{
    timer_clear(bus->inbox.loop, &bus->overdue);
    inbox_done(&bus->inbox);
    desk_done(&bus->desk);
    mem_free((void *)(uintptr_t)bus->node.at); // ours: bus_init made it
}

void bus_free(struct bus *bus)
{
    if (bus != NULL)
        bus->ops->free(bus);
}

void bus_publish(struct bus *bus, enum bus_lane lane, struct slice payload)
{
    assert(lane < BUS_LANE_COUNT);
    if (payload.length > BUS_PAYLOAD_MAX) {
        counter_up(&bus->counts.too_large);
        return;
    }
    bus->ops->publish(bus, message_new(lane, bus->node, payload));
}

void bus_follow(struct bus *bus, uint64_t era, uint64_t number)
{
    const struct bus_user_ops *ops = bus->user->ops;

    assert(ops->order != NULL && ops->order_gap != NULL && ops->behind != NULL);
    desk_follow(&bus->desk, era, number);
    bus->ops->attend(bus);
}

void bus_order(struct bus *bus, uint64_t ticket, const unsigned char id[BUS_ORDER_ID_SIZE],
    struct slice payload)
{
    struct instant due = instant_after(loop_now(bus->inbox.loop), span_ms(BUS_ORDER_WAIT_MS));

    assert(bus->user->ops->ordered != NULL);
    assert(payload.length > 0 && payload.length <= BUS_ORDER_MAX);
    if (!desk_ask(&bus->desk, ticket, id, payload, due)) {
        answer(bus, ticket,
            &(struct desk_answer){ .err = ERR_LIMIT, .why = "too many orders wait already" });
        return;
    }
    bus->ops->attend(bus);
    hurry(bus);
}

bool bus_is_linked(const struct bus *bus)
{
    return bus->is_linked;
}

const struct bus_counts *bus_counts(const struct bus *bus)
{
    return &bus->counts;
}
