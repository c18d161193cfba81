// SPDX-License-Identifier: Apache-2.0
#include "app/heart.h"

#include "bus/bus.h"

static const int64_t PERIOD_NS = HEARTBEAT_PERIOD_MS * INT64_C(1000000);

static void set(struct heart *heart, struct instant due)
{
    heart->due = due;
    timer_set(heart->loop, &heart->timer, due);
}

/* The next moment of this node's phase. */
static struct instant next_in_phase(const struct heart *heart, struct instant now)
{
    int64_t phase_ns = (int64_t)(heart->says.observer % (uint64_t)PERIOD_NS);
    int64_t past_ns = (now.ns % PERIOD_NS + PERIOD_NS - phase_ns) % PERIOD_NS;

    return (struct instant){ now.ns + PERIOD_NS - past_ns };
}

void heart_beat(struct heart *heart)
{
    struct instant now = loop_now(heart->loop);
    char bytes[HEARTBEAT_SIZE];

    if (heart->bus == NULL)
        return;
    heart->says.at = loop_wall(heart->loop);
    bus_publish(heart->bus, BUS_HEARTBEATS, heartbeat_write(&heart->says, bytes));
    heart->says.sequence++;
    heart->beaten = now;
    counter_up(heart->beats);
    set(heart, next_in_phase(heart, now));
}

static void on_due(struct timer *timer)
{
    heart_beat(container_of(timer, struct heart, timer));
}

void heart_init(struct heart *heart, struct loop *loop, uint64_t observer, uint64_t boot)
{
    *heart = (struct heart){
        .loop = loop, .timer.fire = on_due, .says = { .observer = observer, .boot = boot }
    };
}

void heart_done(struct heart *heart)
{
    timer_clear(heart->loop, &heart->timer);
    heart->bus = NULL;
}

void heart_begin(struct heart *heart, struct bus *bus, struct counter *beats)
{
    heart->bus = bus;
    heart->beats = beats;
    heart_beat(heart);
}

void heart_says(struct heart *heart, const struct heartbeat *says)
{
    struct heartbeat *now_says = &heart->says;

    if (heartbeat_says_same(now_says, says))
        return;
    now_says->flags = says->flags;
    now_says->release = says->release;
    now_says->epoch = says->epoch;
    now_says->map = says->map;
    now_says->era = says->era;
    now_says->order = says->order;
    now_says->drains = says->drains;
    if (heart->bus == NULL)
        return;
    struct instant now = loop_now(heart->loop), due = instant_after(heart->beaten, HEART_LEAST);

    if (due.ns < now.ns)
        due = now;
    if (due.ns < heart->due.ns)
        set(heart, due);
}
