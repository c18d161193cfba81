// SPDX-License-Identifier: Apache-2.0
#include "io/loop.h"

#include <assert.h>

#include "base/mem.h"
#include "io/loop_priv.h"

enum { SCRATCH_ALIGN = 16 };

#define ENDLESS    ((struct span){ -1 })
#define RETIRE_ASK span_ms(10) // how long what is retired may wait for us to look again

#define ROW_OF_LOOP(...) COUNTER_ROW(struct loop_counts, __VA_ARGS__),

const struct counter_row loop_counter_rows[] = { LOOP_COUNTERS(ROW_OF_LOOP) };
const size_t loop_counter_row_count = COUNT_OF(loop_counter_rows);

static void read_clocks(struct loop *loop)
{
    loop->now = loop->kernel->ops->now(loop->kernel);
    loop->wall = loop->kernel->ops->wall(loop->kernel);
}

struct loop *loop_new(struct kernel *kernel, struct epoch *epoch, unsigned index)
{
    struct loop *loop = mem_new(struct loop);

    loop->kernel = kernel;
    loop->index = index;
    loop->input = mem_alloc(LOOP_INPUT_BYTES);
    loop->scratch = mem_alloc(LOOP_SCRATCH_BYTES);
    heap_init(&loop->timers);
    list_init(&loop->hooks);
    list_init(&loop->open);
    list_init(&loop->fresh);
    list_init(&loop->closed);
    list_init(&loop->arriving);
    list_init(&loop->accepting);
    list_init(&loop->readable);
    list_init(&loop->writable);
    epoch_join(epoch, &loop->reader);
    read_clocks(loop);
    return loop;
}

static void free_closed(struct loop *loop)
{
    for (struct list *link; (link = list_pop(&loop->closed)) != NULL;) {
        struct watched *watched = container_of(link, struct watched, link);

        if (watched->kind == WATCHED_STREAM)
            stream_free(watched);
        else
            mem_free(watched); // first in whatever it is
    }
}

static void drop_all(struct list *head)
{
    while (!list_empty(head)) {
        struct watched *watched = container_of(head->next, struct watched, link);

        switch (watched->kind) {
        case WATCHED_STREAM: stream_drop(watched); break;
        case WATCHED_LISTENER: listener_drop(watched); break;
        case WATCHED_DATAGRAMS: datagram_drop(watched); break;
        }
    }
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    drop_all(&loop->open);
    drop_all(&loop->fresh);
    free_closed(loop);
    epoch_leave(&loop->reader);
    heap_done(&loop->timers);
    mem_free(loop->datagrams);
    mem_free(loop->input);
    mem_free(loop->scratch);
    mem_free(loop);
}

static bool has_work(const struct loop *loop)
{
    return atomic_load(&loop->inbox) != NULL || loop->early != NULL ||
           atomic_load(&loop->is_stopping) || !list_empty(&loop->readable) ||
           !list_empty(&loop->writable) || !list_empty(&loop->arriving) ||
           !list_empty(&loop->accepting);
}

/* The shorter wait, where negative is endless. */
static struct span shorter(struct span a, struct span b)
{
    if (a.ns < 0)
        return b;
    return b.ns < 0 || a.ns < b.ns ? a : b;
}

struct span loop_patience(const struct loop *loop)
{
    const struct heap_link *next = heap_top(&loop->timers);
    struct span patience = loop->is_retiring ? RETIRE_ASK : ENDLESS;

    if (has_work(loop) || !list_empty(&loop->fresh) || !list_empty(&loop->closed))
        return (struct span){ 0 };
    if (next != NULL) {
        struct instant now = loop->kernel->ops->now(loop->kernel);

        patience = shorter(patience, (struct span){ next->due > now.ns ? next->due - now.ns : 0 });
    }
    return patience;
}

static void note_events(struct loop *loop, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct kernel_event *event = &loop->events[i];
        struct watched *watched = event->owner;

        switch (watched->kind) {
        case WATCHED_STREAM: stream_note(watched, event); break;
        case WATCHED_LISTENER: listener_note(watched); break;
        case WATCHED_DATAGRAMS: datagram_note(watched); break;
        }
    }
}

static size_t sleep_and_note(struct loop *loop, struct span wait)
{
    wait = shorter(wait, loop_patience(loop));
    if (wait.ns != 0) {
        // Whoever posts first puts the message in, then looks whether we sleep; we do it the
        // other way round. So one of both sees the other.
        atomic_store(&loop->is_asleep, true);
        if (atomic_load(&loop->inbox) != NULL || atomic_load(&loop->is_stopping))
            wait.ns = 0;
    }
    size_t count =
        loop->kernel->ops->wait(loop->kernel, loop->events, COUNT_OF(loop->events), wait);

    atomic_store_explicit(&loop->is_asleep, false, memory_order_relaxed);
    note_events(loop, count);
    return count;
}

static void call_hooks(struct loop *loop, size_t which)
{
    for (struct list *link = loop->hooks.next; link != &loop->hooks; link = loop->next_hook) {
        struct loop_hook *hook = container_of(link, struct loop_hook, link);
        void (*call)(struct loop_hook *) = which == 0 ? hook->begin : hook->end;

        loop->next_hook = link->next;
        if (call != NULL)
            call(hook);
    }
    loop->next_hook = NULL;
}

/* What came to the inbox goes to the end of `early`, oldest first. */
static void collect_messages(struct loop *loop)
{
    struct loop_message *newest, *oldest = NULL, **end = &loop->early;

    newest = atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire);
    while (newest != NULL) {
        struct loop_message *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (*end != NULL)
        end = &(*end)->next;
    *end = oldest;
}

static bool run_messages(struct loop *loop)
{
    if (atomic_load_explicit(&loop->inbox, memory_order_relaxed) == NULL && loop->early == NULL)
        return false;
    collect_messages(loop);
    loop->due = loop->early;
    loop->early = NULL;
    while (loop->due != NULL) {
        struct loop_message *message = loop->due;

        loop->due = message->next;
        message->run(message); // may post, take back, or free itself
    }
    return true;
}

static bool fire_timers(struct loop *loop)
{
    bool happened = false;

    loop->is_firing = true;
    for (struct heap_link *top; (top = heap_top(&loop->timers)) != NULL;) {
        if (top->due > loop->now.ns)
            break;
        struct timer *timer = container_of(top, struct timer, link);

        heap_remove(&loop->timers, top);
        timer->fire(timer);
        happened = true;
    }
    loop->is_firing = false;
    return happened;
}

bool loop_turn(struct loop *loop, struct span wait)
{
    bool had_work = has_work(loop);
    bool happened = sleep_and_note(loop, wait) > 0 || had_work;

    read_clocks(loop);
    counter_up(&loop->counts.turns);
    epoch_enter(&loop->reader);
    call_hooks(loop, 0);
    happened |= run_messages(loop);
    datagrams_exchange(loop);
    listeners_accept(loop);
    streams_read(loop);
    happened |= fire_timers(loop);
    call_hooks(loop, 1);
    streams_write(loop);
    streams_watch_fresh(loop);
    free_closed(loop);
    loop->input_used = 0;
    loop->scratch_used = 0;
    epoch_rest(&loop->reader);
    loop->is_retiring = epoch_collect(&loop->reader);
    return happened;
}

void loop_run(struct loop *loop)
{
    while (!atomic_load_explicit(&loop->is_stopping, memory_order_acquire))
        loop_turn(loop, ENDLESS);
    atomic_store(&loop->is_stopping, false);
}

static void wake(struct loop *loop)
{
    if (atomic_load(&loop->is_asleep) && atomic_exchange(&loop->is_asleep, false))
        loop->kernel->ops->wake(loop->kernel);
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->is_stopping, true);
    wake(loop);
}

void loop_post(struct loop *loop, struct loop_message *message)
{
    message->next = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&loop->inbox, &message->next, message))
        ;
    wake(loop);
}

static void take_out(struct loop_message **first, const struct loop_message *message)
{
    for (struct loop_message **at = first; *at != NULL; at = &(*at)->next)
        if (*at == message) {
            *at = message->next;
            return;
        }
}

void loop_unpost(struct loop *loop, const struct loop_message *message)
{
    collect_messages(loop);
    take_out(&loop->due, message);
    take_out(&loop->early, message);
}

struct instant loop_now(const struct loop *loop)
{
    return loop->now;
}

struct wall loop_wall(const struct loop *loop)
{
    return loop->wall;
}

struct moment loop_moment(const struct loop *loop)
{
    return loop->kernel->ops->moment(loop->kernel);
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

struct loop_counts *loop_counts(struct loop *loop)
{
    return &loop->counts;
}

struct epoch_reader *loop_epoch_reader(struct loop *loop)
{
    return &loop->reader;
}

void loop_hook_add(struct loop *loop, struct loop_hook *hook)
{
    list_append(&loop->hooks, &hook->link);
}

void loop_hook_remove(struct loop *loop, struct loop_hook *hook)
{
    if (loop->next_hook == &hook->link)
        loop->next_hook = hook->link.next;
    list_remove(&hook->link);
}

void timer_set(struct loop *loop, struct timer *timer, struct instant due)
{
    // A timer that sets itself again at once must not keep the turn from ending.
    if (loop->is_firing && due.ns <= loop->now.ns)
        due.ns = loop->now.ns + 1;
    heap_put(&loop->timers, &timer->link, due.ns);
}

void timer_clear(struct loop *loop, struct timer *timer)
{
    heap_remove(&loop->timers, &timer->link);
}

void *loop_scratch(struct loop *loop, size_t size_bytes)
{
    size_t left = LOOP_SCRATCH_BYTES - loop->scratch_used;

    if (size_bytes > left)
        return NULL;
    char *scratch = loop->scratch + loop->scratch_used;
    size_t aligned = (size_bytes + SCRATCH_ALIGN - 1) & ~(size_t)(SCRATCH_ALIGN - 1);

    loop->scratch_used += aligned; // the whole is a multiple, so this fits too
    return scratch;
}

void loop_scratch_trim(struct loop *loop, void *scratch, size_t used)
{
    size_t start = (size_t)((char *)scratch - loop->scratch);
    size_t aligned = (used + SCRATCH_ALIGN - 1) & ~(size_t)(SCRATCH_ALIGN - 1);

    assert(loop_is_scratch(loop, scratch) && start + aligned <= loop->scratch_used);
    loop->scratch_used = start + aligned;
}

bool loop_is_scratch(const struct loop *loop, const void *at)
{
    return (const char *)at >= loop->scratch &&
           (const char *)at < loop->scratch + loop->scratch_used;
}
