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
}

void bus_init(struct bus *bus, const struct bus_ops *ops, struct loop *loop, struct slice node,
    struct bus_user *user)
{
    assert(node.length > 0 && node.length <= BUS_NAME_MAX);
    *bus = (struct bus){ .ops = ops, .user = user };
    bus->node = slice_of(mem_text(node.at, node.length), node.length);
    inbox_init(&bus->inbox, loop, on_wake);
}

void bus_done(struct bus *bus)
{
    inbox_done(&bus->inbox);
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

bool bus_is_linked(const struct bus *bus)
{
    return bus->is_linked;
}

const struct bus_counts *bus_counts(const struct bus *bus)
{
    return &bus->counts;
}
