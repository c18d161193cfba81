// SPDX-License-Identifier: Apache-2.0
#include "app/history.h"

#include "admin/why.h"
#include "app/history_disk.h"
#include "app/history_replay.h"
#include "app/node.h"
#include "base/mem.h"
#include "io/loop.h"
#include "io/pool.h"

#define IDLE span_s(60) // without a question: what was played is forgotten

/* A question and who is told. */
struct asked {
    struct admin_replay *replay;
    struct release *release; // counted
    history_asked_fn *done;
    void *to;
};

/* On a thread of the pool: events are written, and then a question is answered. */
struct working {
    struct pool_job job;
    struct history_disk disk;
    struct history_replay *replay;
    struct history_event *events;
    size_t count;
    struct asked asked; // replay NULL: nobody asks
    bool forgets;       // what was played
    enum err err;
};

struct history {
    struct steer_health_watch watch;
    struct loop *loop;
    struct pool *pool;
    struct log *log;
    struct running_node *node;
    struct timer tick;
    struct history_event *events; // that came since the job began
    size_t count, map_count;
    bool needs_key; // the next event is all there is
    bool is_working, is_failing;
    bool is_in_use; // there was a root
    struct moment newest;
    struct instant retry; // not before
    struct instant asked_last;
    struct asked asked[HISTORY_QUESTIONS_MAX];
    size_t asked_count;
    struct working work;
    struct history_counts counts;
};

#define COUNTER_ROW_OF_HISTORY(field, name, labels, help) \
    COUNTER_ROW(struct history_counts, field, name, labels, help),

const struct counter_row history_counter_rows[] = { HISTORY_COUNTERS(COUNTER_ROW_OF_HISTORY) };
const size_t history_counter_row_count = COUNT_OF(history_counter_rows);

static void work_next(struct history *h);

/* Holds keep what an event speaks of beyond the turn, for the pool. */
static void event_hold(struct history *h, struct history_event *event)
{
    struct root *root = node_root(h->node);
    struct snapshot_value *map = snapshot_read(&root->map);

    event->root = root;
    event->map = steer_map_of(map);
    snapshot_hold(&root->value, loop_index(h->loop));
    snapshot_hold(map, loop_index(h->loop));
}

static void event_done(struct history *h, struct history_event *event)
{
    if (event->map != NULL)
        snapshot_release(&event->map->value, loop_index(h->loop));
    if (event->root != NULL)
        snapshot_release(&event->root->value, loop_index(h->loop));
    mem_free(event->all_health);
}

static void events_drop(struct history *h)
{
    counter_add(&h->counts.lost, h->count);
    for (size_t i = 0; i < h->count; i++)
        event_done(h, &h->events[i]);
    h->count = h->map_count = 0;
}

static bool is_kept(const struct history *h)
{
    return node_root(h->node)->network->history.keep.ns > 0;
}

static uint8_t *health_copy(const struct steer_rows *rows)
{
    uint8_t *health = mem_alloc(rows->checks->count + 1);

    for (uint32_t i = 0; i < rows->checks->count; i++)
        health[i] = steer_health(rows, i);
    return health;
}

static void event_add(struct history *h, const struct history_event *event)
{
    h->events = h->events == NULL ? mem_array(HISTORY_EVENTS_MAX, sizeof *h->events) : h->events;
    h->events[h->count++] = *event;
    h->map_count += event->map != NULL;
    h->newest = event->at;
}

/* All there is. `is_gap`: not all of what was before it was noted. */
static void key_add(struct history *h, struct moment at, bool is_gap)
{
    struct history_event key = { .kind = PAST_KEY, .at = at, .is_gap = is_gap };

    event_hold(h, &key);
    key.all_health = health_copy(key.root->rows);
    h->needs_key = false;
    event_add(h, &key);
}

static bool has_room(const struct history *h, bool for_map)
{
    return h->count < HISTORY_EVENTS_MAX && (!for_map || h->map_count < HISTORY_MAPS_MAX);
}

/* A new segment begins, and what was before it is all noted. */
static void segment_turn(struct history *h)
{
    if (!h->needs_key && has_room(h, true))
        key_add(h, loop_moment(h->loop), false);
    else
        h->needs_key = true;
}

/* The clock was: what comes now is before what was noted, and belongs to another segment. */
static bool is_set_back(const struct history *h)
{
    return loop_moment(h->loop).us < h->newest.us;
}

/* Notes what happened just now. While nothing can be written, or more waits than may, all there is
 * will be noted later instead. */
static void note(struct history *h, struct history_event *event)
{
    event->at = loop_moment(h->loop);
    if (!has_room(h, event->map != NULL) || is_set_back(h))
        h->needs_key = true;
    if (h->needs_key) {
        counter_up(&h->counts.lost);
        event_done(h, event);
        return;
    }
    event_add(h, event);
}

static void on_health(struct steer_health_watch *watch, uint32_t check, uint8_t health)
{
    struct history *h = container_of(watch, struct history, watch);

    note(h, &(struct history_event){ .kind = PAST_HEALTH, .check = check, .health = health });
}

void history_map(struct history *history, bool is_planned)
{
    struct history_event event = { .kind = PAST_MAP, .is_planned = is_planned };

    if (history == NULL || !history->is_in_use)
        return;
    event_hold(history, &event);
    note(history, &event);
}

void history_leave(struct history *history)
{
    if (history != NULL)
        node_root(history->node)->rows->watch = NULL;
}

void history_use(struct history *history)
{
    if (history == NULL)
        return;
    history->is_in_use = true;
    node_root(history->node)->rows->watch = &history->watch;
    segment_turn(history);
    work_next(history);
}

static void on_work(struct pool_job *job)
{
    struct working *w = container_of(job, struct working, job);

    w->err = history_disk_write(&w->disk, w->events, w->count);
    if (w->forgets)
        history_replay_forget(w->replay);
    if (w->asked.replay == NULL)
        return;
    history_replay_answer(w->replay, w->asked.replay, w->asked.release);
    w->asked.release = NULL;
}

/* Said once each way. */
static void note_result(struct history *h, enum err err)
{
    if (err != ERR_NONE) {
        counter_up(&h->counts.errors);
        counter_add(&h->counts.lost, h->work.count - h->work.disk.record_count);
        h->needs_key = true;
        h->retry = instant_after(loop_now(h->loop), HISTORY_RETRY);
        if (!h->is_failing)
            log_line(h->log, LOG_ERROR, "history",
                "cannot_write node=%.*s folder=%s reason=\"%s\" mend=\"make room or mend the "
                "disk; until then answers are given, and cannot be replayed later\"",
                SLICE_ARG(h->node->name), h->work.disk.folder, err_text(err));
    } else if (h->is_failing && h->work.count > 0) {
        log_line(h->log, LOG_INFO, "history", "can_write_again node=%.*s folder=%s",
            SLICE_ARG(h->node->name), h->work.disk.folder);
    }
    h->is_failing = err != ERR_NONE || (h->is_failing && h->work.count == 0);
}

static void tell(struct history *h, struct asked *asked)
{
    counter_up(asked->replay->refusal.status == 0 ? &h->counts.replays : &h->counts.refused);
    asked->done(asked->to, asked->replay);
    release_drop(asked->release);
    *asked = (struct asked){ 0 };
}

static void on_worked(struct pool_job *job)
{
    struct history *h = container_of(job, struct history, work.job);
    struct working *w = &h->work;
    struct release *spare;

    for (size_t i = 0; i < w->count; i++)
        event_done(h, &w->events[i]);
    note_result(h, w->err);
    counter_add(&h->counts.records, w->disk.record_count);
    counter_add(&h->counts.bytes, w->disk.written_bytes);
    if (w->err == ERR_NONE && past_writer_is_long(&w->disk.writer))
        segment_turn(h);
    w->count = 0;
    h->is_working = false;
    while ((spare = history_replay_spare(w->replay)) != NULL)
        release_drop(spare);
    if (w->asked.replay != NULL)
        tell(h, &w->asked);
    if (h->asked_count > 0)
        work_next(h);
}

/* What has waited is handed to the pool, with the time until which it is all. */
static void events_hand_over(struct history *h)
{
    struct moment now = loop_moment(h->loop);
    struct history_event *room = h->work.events;

    if (loop_now(h->loop).ns < h->retry.ns || !h->is_in_use)
        return;
    if (h->needs_key || is_set_back(h)) {
        events_drop(h);
        key_add(h, now, true);
    } else if (is_kept(h) && has_room(h, false)) {
        event_add(h, &(struct history_event){ .kind = PAST_TICK, .at = now });
    }
    h->work.events = h->events;
    h->work.count = h->count;
    h->events = room;
    h->count = h->map_count = 0;
}

static void work_next(struct history *h)
{
    struct working *w = &h->work;

    if (h->is_working)
        return;
    events_hand_over(h);
    w->forgets = instant_since(h->asked_last, loop_now(h->loop)).ns > IDLE.ns;
    if (h->asked_count > 0) {
        w->asked = h->asked[0];
        memmove(h->asked, h->asked + 1, --h->asked_count * sizeof h->asked[0]);
        h->asked_last = loop_now(h->loop);
    }
    w->job = (struct pool_job){ .work = on_work, .done = on_worked, .loop = h->loop };
    h->is_working = true;
    if (pool_submit(h->pool, &w->job) == ERR_NONE)
        return;
    w->err = ERR_LIMIT;                               // as if the write had failed
    w->disk.record_count = w->disk.written_bytes = 0; // those of the last one are counted
    if (w->asked.replay != NULL) {
        w->asked.replay->refusal = (struct admin_refusal){ .status = 503, .code = "busy" };
        diag_say(&w->asked.replay->refusal.message, "too much waits for the disk");
        diag_say(&w->asked.replay->refusal.mend, "ask again in a second");
    }
    on_worked(&w->job);
}

static void on_tick(struct timer *timer)
{
    struct history *h = container_of(timer, struct history, tick);

    work_next(h);
    timer_set(h->loop, timer, instant_after(loop_now(h->loop), HISTORY_EVERY));
}

enum err history_ask(struct history *history, struct admin_replay *replay, struct release *release,
    history_asked_fn *done, void *to)
{
    struct history *h = history;

    if (h == NULL || !h->is_in_use)
        return ERR_MISSING;
    if (h->asked_count == HISTORY_QUESTIONS_MAX)
        return ERR_LIMIT;
    release->uses++;
    h->asked[h->asked_count++] = (struct asked){ replay, release, done, to };
    work_next(h);
    return ERR_NONE;
}

struct history *history_new(const struct history_plan *plan)
{
    struct history *h = mem_new(struct history);

    h->watch.changed = on_health;
    h->loop = plan->loop;
    h->pool = plan->pool;
    h->log = plan->log;
    h->node = plan->node;
    h->needs_key = true;
    h->tick.fire = on_tick;
    h->work.replay = history_replay_new(plan->folder, plan->node->name);
    history_disk_init(&h->work.disk, plan->folder);
    timer_set(h->loop, &h->tick, instant_after(loop_now(h->loop), HISTORY_EVERY));
    return h;
}

/* What came since the last write, so that an orderly stop leaves no gap but its own. */
static void write_rest(struct history *h)
{
    if (h->is_working || h->is_failing || h->needs_key || !is_kept(h) || !has_room(h, false))
        return;
    event_add(h, &(struct history_event){ .kind = PAST_TICK, .at = loop_moment(h->loop) });
    enum err err = history_disk_write(&h->work.disk, h->events, h->count);

    if (err != ERR_NONE)
        log_line(h->log, LOG_ERROR, "history", "cannot_write node=%.*s folder=%s reason=\"%s\"",
            SLICE_ARG(h->node->name), h->work.disk.folder, err_text(err));
}

void history_free(struct history *history)
{
    struct history *h = history;

    if (h == NULL)
        return;
    timer_clear(h->loop, &h->tick);
    write_rest(h);
    loop_unpost(h->loop, &h->work.job.message);
    history_leave(h);
    for (size_t i = 0; i < h->count; i++)
        event_done(h, &h->events[i]);
    for (size_t i = 0; i < h->work.count; i++)
        event_done(h, &h->work.events[i]);
    for (size_t i = 0; i < h->asked_count; i++)
        release_drop(h->asked[i].release);
    release_drop(h->work.asked.release);
    history_disk_done(&h->work.disk);
    history_replay_free(h->work.replay);
    mem_free(h->events);
    mem_free(h->work.events);
    mem_free(h);
}

const struct history_counts *history_counts(const struct history *history)
{
    return &history->counts;
}
