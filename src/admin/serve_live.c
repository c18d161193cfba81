// SPDX-License-Identifier: Apache-2.0
/*
 * Who watches live figures: a stream of server-sent events (HTML, 9.2) to each, one timer for all,
 * which runs while there is a watcher. A sample of the totals is taken when somebody is due; each
 * watcher keeps the one it was told of last, so that its rates are those since then, and those who
 * are due together and may see the same are told the same bytes.
 *
 * A watcher that has not read its last event when the next is due misses it, and is cut off by the
 * server as anybody who takes nothing (http_server_limits.stall). In long intervals a comment is
 * sent now and then, which finds out who has left.
 */
#include <stdio.h>

#include "admin/admin_priv.h"
#include "admin/live.h"
#include "base/mem.h"
#include "io/loop.h"

enum {
    LIVE_BREATH_S = 10,  // between two signs of life
    LIVE_OF_ONE_MAX = 4, // watchers of one customer, so that none keeps the others from it
    LIVE_OF_CUSTOMERS_MAX = ADMIN_WATCHERS_MAX - 4, // nor all of them the operators
    LIVE_SAMPLE_MAX = 64 << 20,
};

#define TICK span_s(1)

struct live_sample {
    unsigned refs;
    struct instant at;
    struct arena arena;
    struct admin_live live;
};

/* What is sent; shared by those who are told the same. */
struct live_event {
    unsigned refs;
    struct text text;
};

/* Lives in its exchange. */
struct watcher {
    struct http_source source;
    struct list link; // of the admin's
    struct admin *admin;
    struct http_exchange *x;
    struct live_sample *told; // what the next rates begin with
    struct live_event *event; // NULL: nothing is on its way
    size_t at;                // bytes of it that have left
    uint64_t every_s;
    uint64_t due; // tick of its next event
    bool is_ending;
    struct slice customer; // who watches; empty: an operator
};

static_assert(sizeof(struct watcher) <= HTTP_SERVICE_BYTES, "it lives in the exchange");

static struct watcher *watcher_of(struct http_exchange *x)
{
    return (struct watcher *)(void *)x->service;
}

static struct live_sample *sample_take(struct admin *admin)
{
    struct live_sample *sample = mem_new(struct live_sample);

    sample->refs = 1;
    sample->at = loop_now(admin->loop);
    arena_init(&sample->arena, LIVE_SAMPLE_MAX);
    admin->source->ops->live(admin->source, &sample->arena, &sample->live);
    return sample;
}

static struct live_sample *sample_ref(struct live_sample *sample)
{
    sample->refs++;
    return sample;
}

static void sample_unref(struct live_sample *sample)
{
    if (sample == NULL || --sample->refs > 0)
        return;
    arena_done(&sample->arena);
    mem_free(sample);
}

static void event_unref(struct live_event *event)
{
    if (event == NULL || --event->refs > 0)
        return;
    text_done(&event->text);
    mem_free(event);
}

static struct live_event *event_new(void)
{
    struct live_event *event = mem_new(struct live_event);

    event->refs = 1;
    text_init(&event->text, ADMIN_ANSWER_MAX);
    return event;
}

static struct live_event *event_write(
    const struct live_sample *from, const struct live_sample *to, const struct admin_scope *scope)
{
    double seconds = (double)instant_since(from->at, to->at).ns / 1e9;
    struct live_event *event = event_new();
    struct arena arena;

    arena_init(&arena, LIVE_SAMPLE_MAX);
    text_add(&event->text, SLICE("event: live\ndata: "));
    admin_live_write(
        &from->live, &to->live, seconds > 0 ? seconds : 1, scope, &arena, &event->text);
    text_add(&event->text, SLICE("\n\n"));
    arena_done(&arena);
    return event;
}

static size_t pull(struct http_source *source, struct iovec *iov, size_t, bool *is_last)
{
    struct watcher *w = container_of(source, struct watcher, source);

    *is_last = w->is_ending;
    if (w->event == NULL)
        return 0;
    iov[0] = stream_iovec(slice_from(text_slice(&w->event->text), w->at));
    return 1;
}

static void sent(struct http_source *source, size_t bytes)
{
    struct watcher *w = container_of(source, struct watcher, source);

    w->at += bytes;
    if (w->event == NULL || w->at < w->event->text.length)
        return;
    event_unref(w->event);
    w->event = NULL;
}

static const struct http_source_ops SOURCE_OPS = { pull, sent };

static void give(struct watcher *w, struct live_event *event)
{
    w->event = event;
    w->at = 0;
    http_exchange_wake(w->x);
}

/* The stream ends whole; what was begun is sent. */
static void end(struct watcher *w)
{
    if (w->is_ending)
        return;
    w->is_ending = true;
    http_exchange_wake(w->x);
}

/* What was written last in a tick, and for whom. */
struct written {
    struct live_sample *from;
    struct slice customer;
    struct live_event *event;
};

static void tell(struct watcher *w, struct live_sample *now, const struct admin_scope *scope,
    struct written *was)
{
    bool is_same =
        was->event != NULL && was->from == w->told && slice_equal(was->customer, scope->customer);

    if (!is_same) {
        event_unref(was->event);
        sample_unref(was->from);
        *was = (struct written){ sample_ref(w->told), scope->customer,
            event_write(w->told, now, scope) };
    }
    was->event->refs++;
    counter_up(&w->admin->counts.live_events);
    give(w, was->event);
    sample_unref(w->told);
    w->told = sample_ref(now);
}

/* A comment, for who is told nothing at this tick. */
static void breathe(struct watcher *w)
{
    if (w->event != NULL || (w->due - w->admin->live.tick) % LIVE_BREATH_S != 0)
        return;
    struct live_event *breath = event_new();

    text_add(&breath->text, SLICE(":\n\n"));
    give(w, breath);
}

/* Everybody whose time has come; the token may have been taken back since they began. */
static void on_tick(struct timer *timer)
{
    struct admin *admin = container_of(timer, struct admin, live.timer);
    struct live_sample *now = NULL;
    struct written was = { 0 };
    struct admin_scope scope;

    admin->live.tick++;
    timer_set(admin->loop, timer, instant_after(loop_now(admin->loop), TICK));
    list_each (link, &admin->live.watchers) {
        struct watcher *w = container_of(link, struct watcher, link);

        if (w->is_ending)
            continue;
        if (w->due > admin->live.tick) {
            breathe(w);
            continue;
        }
        w->due = admin->live.tick + w->every_s;
        if (!admin_is_known(admin, w->x, &scope)) {
            end(w);
        } else if (w->event != NULL) {
            counter_up(&admin->counts.live_missed);
        } else {
            now = now == NULL ? sample_take(admin) : now;
            tell(w, now, &scope, &was);
        }
    }
    event_unref(was.event);
    sample_unref(was.from);
    sample_unref(now);
}

void admin_live_init(struct admin *admin)
{
    list_init(&admin->live.watchers);
    admin->live.timer.fire = on_tick;
}

void admin_live_done(struct admin *admin)
{
    timer_clear(admin->loop, &admin->live.timer);
}

void admin_live_leave(struct admin *admin, struct http_exchange *x)
{
    struct watcher *w = watcher_of(x);

    list_each (link, &admin->live.watchers) {
        if (container_of(link, struct watcher, link) != w)
            continue;
        list_remove(link);
        event_unref(w->event);
        sample_unref(w->told);
        if (--admin->live.count == 0)
            timer_clear(admin->loop, &admin->live.timer);
        return;
    }
}

void admin_leave(struct admin *admin)
{
    admin->live.is_over = true;
    list_each (link, &admin->live.watchers)
        end(container_of(link, struct watcher, link));
}

/* The first event comes after a second, whatever the interval; not at a tick that is nearly there.
 */
static void begin(
    struct admin *admin, struct http_exchange *x, struct slice customer, uint64_t every_s)
{
    struct watcher *w = watcher_of(x);
    struct live_event *greeting = event_new();

    *w = (struct watcher){ .source = { &SOURCE_OPS },
        .admin = admin,
        .x = x,
        .told = sample_take(admin),
        .every_s = every_s,
        .customer = arena_copy(&x->arena, customer),
        .due = admin->live.tick + (admin->live.count == 0 ? 1 : 2) };
    if (admin->live.count++ == 0)
        timer_set(admin->loop, &admin->live.timer, instant_after(loop_now(admin->loop), TICK));
    list_append(&admin->live.watchers, &w->link);
    text_add(&greeting->text, SLICE("retry: 3000\n\n"));
    w->event = greeting;
    http_reply(x, &(struct http_reply){ .status = 200,
                      .fields = admin_fields(x, "text/event-stream", "X-Accel-Buffering: no\r\n"),
                      .length = -1,
                      .source = &w->source });
}

/* Whether one more may watch. */
static bool has_room(const struct admin *admin, const struct admin_scope *scope)
{
    size_t of_them = 0, of_customers = 0;

    list_each (link, &admin->live.watchers) {
        const struct watcher *w = container_of(link, struct watcher, link);

        of_them += slice_equal(w->customer, scope->customer);
        of_customers += w->customer.length > 0;
    }
    if (admin->live.is_over || admin->live.count >= ADMIN_WATCHERS_MAX)
        return false;
    return scope->is_operator ||
           (of_them < LIVE_OF_ONE_MAX && of_customers < LIVE_OF_CUSTOMERS_MAX);
}

void admin_serve_live(struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    if (x->request->method == HTTP_HEAD) {
        http_reply(x,
            &(struct http_reply){
                .status = 200, .fields = admin_fields(x, "text/event-stream", ""), .length = -1 });
        return;
    }
    if (!has_room(admin, scope) || !http_exchange_keep(x)) {
        counter_up(&admin->counts.live_refused);
        admin_answer_json(x, 503, "Retry-After: 10\r\n",
            admin_error_json("busy", "as many watch live figures as may, or this node is stopping",
                "close another watcher, or ask again later"));
        return;
    }
    begin(admin, x, scope->customer, admin_query_number(x, "every", 1));
}
