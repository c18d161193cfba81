// SPDX-License-Identifier: Apache-2.0
#include "app/access_log.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "admin/metrics.h"
#include "base/mem.h"

enum {
    TURN_BYTES = 1 << 20,   // taken from one ring before the others have their turn
    HURRY_BYTES = 64 << 10, // in one turn: there will be more soon
    TELL_EVERY_S = 10,      // of rings that were full
};

#define ACCESS_ROW(field, name, labels, help) \
    COUNTER_ROW(struct access_counts, field, name, labels, help),
static const struct counter_row ROWS[] = { ACCESS_COUNTERS(ACCESS_ROW) };
#undef ACCESS_ROW

struct access_log {
    struct log *log;
    struct line_ring **rings;
    unsigned ring_count;
    bool has_thread;
    struct access_counts counts;
    uint64_t dropped_told; // of the rings' counts
    struct instant told;
    struct access_place *leaving; // taken out, while their programs end; the writer's
    atomic_bool reopens;
    pthread_mutex_t lock; // of what follows, but that the writer alone takes places out
    pthread_cond_t news;
    bool is_running, is_stopping;
    pthread_t thread;
    struct access_place *places;
};

static struct instant monotonic_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct instant){ (int64_t)now.tv_sec * 1000000000 + now.tv_nsec };
}

struct access_log *access_log_new(unsigned worker_count, bool has_thread, struct log *log)
{
    struct access_log *access = mem_new(struct access_log);
    pthread_condattr_t monotonic;

    access->log = log;
    access->has_thread = has_thread;
    access->ring_count = worker_count;
    access->rings = mem_array(worker_count, sizeof(struct line_ring *));
    for (unsigned i = 0; i < worker_count; i++)
        access->rings[i] = line_ring_new(ACCESS_RING_BYTES);
    pthread_mutex_init(&access->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&access->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return access;
}

struct line_ring *access_log_ring(struct access_log *access, unsigned index)
{
    assert(index < access->ring_count);
    return access->rings[index];
}

/* Marks the places that nobody uses, so that what the rings have for them is all there will be. */
static struct access_place *first_place(struct access_log *access)
{
    pthread_mutex_lock(&access->lock);
    struct access_place *first = access->places;

    for (struct access_place *place = first; place != NULL; place = place->next)
        place->is_unused = place->uses == 0;
    pthread_mutex_unlock(&access->lock);
    return first;
}

static size_t empty_ring(struct line_ring *ring, struct instant now)
{
    struct slice line;
    size_t bytes = 0;
    void *whom;

    while (bytes < TURN_BYTES && line_ring_next(ring, &whom, &line)) {
        access_place_add(whom, line, now);
        bytes += line.length;
        line_ring_taken(ring);
    }
    return bytes;
}

/* Takes the place out unless somebody has come to use it meanwhile. */
static bool unlink_unused(struct access_log *access, struct access_place *place)
{
    struct access_place **at = &access->places;

    pthread_mutex_lock(&access->lock);
    bool is_unused = place->is_unused;

    while (is_unused && *at != place)
        at = &(*at)->next;
    if (is_unused)
        *at = place->next;
    pthread_mutex_unlock(&access->lock);
    return is_unused;
}

static void leave(struct access_log *access, struct access_place *place, struct instant now)
{
    access_place_leave(place, now);
    place->next = access->leaving;
    access->leaving = place;
}

/* False: some are not left yet. */
static bool free_left(struct access_log *access, struct instant now)
{
    for (struct access_place **at = &access->leaving, *place; (place = *at) != NULL;) {
        if (!access_place_is_left(place, now)) {
            at = &place->next;
            continue;
        }
        *at = place->next;
        access_place_free(place);
    }
    return access->leaving == NULL;
}

static void tell_of_full_rings(struct access_log *access, struct instant now)
{
    uint64_t dropped = 0;

    for (unsigned i = 0; i < access->ring_count; i++)
        dropped += line_ring_dropped(access->rings[i]);
    if (dropped == access->dropped_told ||
        (access->dropped_told > 0 && instant_since(access->told, now).ns < span_s(TELL_EVERY_S).ns))
        return;
    log_line(access->log, LOG_WARNING, "access",
        "lines_lost reason=\"the writer is late\" lines=%llu",
        (unsigned long long)(dropped - access->dropped_told));
    access->dropped_told = dropped;
    access->told = now;
}

bool access_log_turn(struct access_log *access, struct instant now)
{
    struct access_place *first = first_place(access);
    bool reopens = atomic_exchange(&access->reopens, false);
    size_t bytes = 0;
    bool is_more = false;

    for (unsigned i = 0; i < access->ring_count; i++) {
        size_t of_it = empty_ring(access->rings[i], now);

        bytes += of_it;
        is_more |= of_it >= TURN_BYTES;
    }
    for (struct access_place *place = first, *next; place != NULL; place = next) {
        next = place->next;
        access_place_flush(place, now);
        if (reopens)
            access_place_reopen(place, now);
        if (!is_more && unlink_unused(access, place))
            leave(access, place, now);
    }
    free_left(access, now);
    tell_of_full_rings(access, now);
    return is_more || bytes >= HURRY_BYTES;
}

/* Waits for the next turn; false: there is none. */
static bool await_turn(struct access_log *access, bool is_hurried)
{
    const struct instant due =
        instant_after(monotonic_now(), span_ms(is_hurried ? 1 : ACCESS_TURN_MS));
    const struct timespec until = { .tv_sec = due.ns / 1000000000, .tv_nsec = due.ns % 1000000000 };

    pthread_mutex_lock(&access->lock);
    if (!access->is_stopping && !atomic_load(&access->reopens))
        pthread_cond_timedwait(&access->news, &access->lock, &until);
    bool goes_on = !access->is_stopping;

    pthread_mutex_unlock(&access->lock);
    return goes_on;
}

static void *run(void *argument)
{
    struct access_log *access = argument;

    pthread_setname_np(pthread_self(), "access-log");
    while (await_turn(access, access_log_turn(access, monotonic_now())))
        ;
    return NULL;
}

/* The lock is held. */
static void start_thread(struct access_log *access)
{
    sigset_t all, before;

    if (!access->has_thread || access->is_running)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    access->is_running = pthread_create(&access->thread, NULL, run, access) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!access->is_running)
        log_line(access->log, LOG_ERROR, "access",
            "no_thread mend=\"nothing is written; reload when the system has threads again\"");
}

struct access_place *access_log_use(
    struct access_log *access, struct slice customer, const struct customer_access *settings)
{
    bool is_pipe = settings->pipe.length > 0;
    struct slice name = is_pipe ? settings->pipe : settings->file;
    const struct access_whither whither = { name, is_pipe, customer };

    pthread_mutex_lock(&access->lock);
    struct access_place *place = access->places;

    while (
        place != NULL && (place->is_pipe != is_pipe || !slice_equal(slice_text(place->name), name)))
        place = place->next;
    if (place == NULL) {
        place = access_place_new(&whither, &access->counts, access->log);
        place->next = access->places;
        access->places = place;
    }
    place->uses++;
    place->is_unused = false;
    start_thread(access);
    pthread_mutex_unlock(&access->lock);
    return place;
}

void access_log_drop(struct access_log *access, struct access_place *place)
{
    pthread_mutex_lock(&access->lock);
    assert(place->uses > 0);
    place->uses--;
    pthread_mutex_unlock(&access->lock);
}

void access_log_reopen(struct access_log *access)
{
    pthread_mutex_lock(&access->lock);
    atomic_store(&access->reopens, true);
    pthread_cond_signal(&access->news);
    pthread_mutex_unlock(&access->lock);
}

static void stop_thread(struct access_log *access)
{
    if (!access->is_running)
        return;
    pthread_mutex_lock(&access->lock);
    access->is_stopping = true;
    pthread_cond_signal(&access->news);
    pthread_mutex_unlock(&access->lock);
    pthread_join(access->thread, NULL);
}

static bool flush_all(struct access_log *access)
{
    bool is_done = true;

    for (struct access_place *place = access->places; place != NULL; place = place->next)
        is_done &= access_place_flush(place, monotonic_now());
    return is_done;
}

/* What the rings hold, and then what slow places do not take at once. */
static void write_the_rest(struct access_log *access)
{
    const struct instant until = instant_after(monotonic_now(), span_ms(ACCESS_STOP_MS));
    const struct timespec moment = { .tv_nsec = 1000000 };
    bool is_more = true;

    while (is_more) {
        is_more = false;
        for (unsigned i = 0; i < access->ring_count; i++)
            is_more |= empty_ring(access->rings[i], monotonic_now()) > 0;
    }
    while (!flush_all(access) && monotonic_now().ns < until.ns)
        nanosleep(&moment, NULL);
}

/* Their programs end, or have had their time. */
static void await_all(struct access_log *access)
{
    const struct timespec moment = { .tv_nsec = 1000000 };

    while (!free_left(access, monotonic_now()))
        nanosleep(&moment, NULL);
}

void access_log_free(struct access_log *access)
{
    if (access == NULL)
        return;
    stop_thread(access);
    write_the_rest(access);
    for (struct access_place *place = access->places, *next; place != NULL; place = next) {
        next = place->next;
        assert(place->uses == 0);
        leave(access, place, monotonic_now());
    }
    await_all(access);
    for (unsigned i = 0; i < access->ring_count; i++)
        line_ring_free(access->rings[i]);
    pthread_cond_destroy(&access->news);
    pthread_mutex_destroy(&access->lock);
    mem_free(access->rings);
    mem_free(access);
}

static void add_total(struct metrics *m, const char *name, const char *help,
    const struct metrics_label *label, uint64_t value)
{
    metrics_add_value(m, &(struct metrics_value){ .name = name,
                             .help = help,
                             .kind = COUNTER_TOTAL,
                             .labels = label,
                             .label_count = label == NULL ? 0 : 1,
                             .value = (double)value });
}

void access_log_metrics(const struct access_log *access, struct metrics *m)
{
    const struct metrics_label at_ring = { SLICE("at"), SLICE("ring") };
    const void *counts = &access->counts;
    uint64_t lines = 0, dropped = 0;

    for (unsigned i = 0; i < access->ring_count; i++) {
        lines += line_ring_count(access->rings[i]);
        dropped += line_ring_dropped(access->rings[i]);
    }
    add_total(m, "access_log_lines_total", "Lines of access logs that were made", NULL, lines);
    add_total(m, "access_log_dropped_total", ROWS[1].help, &at_ring, dropped);
    metrics_add_counters(m,
        &(struct metrics_set){
            .rows = ROWS, .row_count = COUNT_OF(ROWS), .instances = &counts, .instance_count = 1 });
}
