// SPDX-License-Identifier: Apache-2.0
#include "app/certificates_watch.h"

#include "app/certificates.h"

static void look(struct certificates_watch *w)
{
    certificates_warn(w->certificates, loop_wall(w->loop), w->log);
    timer_set(w->loop, &w->timer, instant_after(loop_now(w->loop), CERTIFICATES_WATCH_PERIOD));
}

static void on_day(struct timer *timer)
{
    look(container_of(timer, struct certificates_watch, timer));
}

void certificates_watch_init(struct certificates_watch *watch, struct loop *loop, struct log *log)
{
    *watch = (struct certificates_watch){ .loop = loop, .log = log, .timer.fire = on_day };
}

void certificates_watch_done(struct certificates_watch *watch)
{
    if (watch->loop != NULL)
        timer_clear(watch->loop, &watch->timer);
}

void certificates_watch_set(
    struct certificates_watch *watch, const struct certificates *certificates)
{
    watch->certificates = certificates;
    look(watch);
}
