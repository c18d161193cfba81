// SPDX-License-Identifier: Apache-2.0
#include "app/steering.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "app/hearing.h"
#include "app/history.h"
#include "app/load.h"
#include "app/node.h"
#include "app/obeying.h"
#include "app/settling.h"
#include "app/sharing.h"
#include "app/verdicts.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/loop.h"
#include "io/pool.h"
#include "steer/observer.h"
#include "steer/watch.h"

#define TICK  span_ms(250) // between two looks at fills that failed
#define SWEEP span_s(60)   // between two sweeps of the view

enum {
    CLOCK_STEP_MS = 2 * STEER_EPOCH_MS, // no map is planned so long before its time
    DIGEST_MS = 1000,                   // between two digests of what was measured
    DIGEST_SPREAD_MS = 250,             // nodes send theirs within so much after a full second
};

/* A map on its way, on a thread of the pool. */
struct planning {
    struct pool_job job;
    struct root *root; // held; NULL when none is under way
    struct arena arena;
    const struct facts *facts;
    struct steer_map *before; // NULL: the root's
    struct steer_map *map;
};

struct steering {
    struct probe_user probe_user;
    struct sharing_user sharing_user;
    struct running_node *node;
    struct loop *loop;
    struct pool *pool;
    struct log *log;
    struct loop_message begin;
    struct probes *probes; // NULL before the loop's first turn
    struct observer *observer;
    struct view *view;
    struct hearing *hearing;
    struct verdicts *verdicts;
    struct sharing *sharing;
    struct obeying *obeying; // NULL: it follows no orders
    struct history *history; // NULL: nothing is noted
    uint64_t self;
    struct timer tick, digest, epoch, sweep;
    struct planning plan;
    struct wall planned; // epoch of the map in use
    uint64_t map_hash;
    uint64_t failed_fills; // of all origins, when last looked at
    uint64_t *failed;      // by position of the origin's check
    struct load load;
    struct steering_counts counts;
    atomic_bool is_settled;
};

#define COUNTER_ROW_OF_STEERING(field, name, labels, help) \
    COUNTER_ROW(struct steering_counts, field, name, labels, help),

const struct counter_row steering_counter_rows[] = { STEERING_COUNTERS(COUNTER_ROW_OF_STEERING) };
const size_t steering_counter_row_count = COUNT_OF(steering_counter_rows);

static struct steer_rows *rows_now(const struct steering *s)
{
    return node_root(s->node)->rows;
}

static struct wall wall_now(const struct steering *s)
{
    return loop_wall(s->loop);
}

static void learn(
    struct steering *s, const struct check *check, enum report_kind kind, int64_t value)
{
    observer_learn(s->observer, check->id, kind, wall_now(s), value);
}

static void learn_load(
    struct steering *s, const struct check *check, const struct load_metrics *load)
{
    static const struct {
        enum load_metric metric;
        enum report_kind kind;
        int64_t divisor; // from millionths to the report's unit
    } METRICS[] = {
        { LOAD_METRIC_CPU, REPORT_CPU, 1 },
        { LOAD_METRIC_MEMORY, REPORT_MEMORY, 1 },
        { LOAD_METRIC_APPLICATION, REPORT_LOAD, 1 },
        { LOAD_METRIC_RATE, REPORT_RATE, 1000 },
    };

    for (size_t i = 0; i < COUNT_OF(METRICS); i++)
        if (load->is_known[METRICS[i].metric])
            learn(s, check, METRICS[i].kind,
                (int64_t)load->millionths[METRICS[i].metric] / METRICS[i].divisor);
}

/* Being stopped, as it said: what it fails at then is not held against it when it is back. */
static bool is_leaving(const struct steering *s, const struct check *check)
{
    const struct steer_rows *rows = rows_now(s);

    return (steer_health(rows, checks_find(rows->checks, check->id)) & STEER_LEAVING) != 0;
}

static void on_result(struct probe_user *user, const struct probe_result *result)
{
    struct steering *s = container_of(user, struct steering, probe_user);
    const struct check *check = result->check;

    if (result->outcome == PROBE_DENIED) // it never left this machine: no failure of the target
        return;
    if (result->has_latency)
        learn(s, check, REPORT_LATENCY, result->latency.ns / 1000);
    if (result->outcome == PROBE_OK)
        learn(s, check, REPORT_RESPONSE, result->response.ns / 1000);
    if (result->outcome == PROBE_OK || !is_leaving(s, check))
        learn(s, check, REPORT_ERRORS, result->outcome == PROBE_OK ? 0 : 1000000);
    learn_load(s, check, &result->load);
}

static void on_verdict(struct probe_user *user, const struct check *check, bool is_up)
{
    struct steering *s = container_of(user, struct steering, probe_user);

    learn(s, check, REPORT_HEALTH, is_up);
    // The failures of an outage have cost it its place; it does not pay for them once more when
    // it is back.
    if (is_up) {
        observer_restart(s->observer, check->id, REPORT_ERRORS);
        learn(s, check, REPORT_ERRORS, 0);
    }
    counter_up(&s->counts.verdicts);
    verdicts_learn(s->verdicts, check, is_up);
}

static const struct probe_user_ops PROBE_OPS = { .result = on_result, .verdict = on_verdict };

/* The epoch that may be planned at `now`: what belongs to it has had STEER_LAG_MS to arrive. */
static struct wall epoch_at(struct wall now)
{
    int64_t ready_ms = now.ms - STEER_LAG_MS;

    return (struct wall){ ready_ms - ready_ms % STEER_EPOCH_MS };
}

/* Puts a map into the root, which may not be published yet. `is_planned`: from the root's map
 * before alone. */
static void put_map(struct steering *s, struct root *root, struct steer_map *map, bool is_planned)
{
    struct snapshot_value *value = &map->value;
    bool is_settled = atomic_load(&s->is_settled);

    if (!is_settled)
        sharing_lay_over(s->sharing, root, map);
    if (map->hash != s->map_hash)
        counter_up(&s->counts.changes);
    s->map_hash = map->hash;
    s->planned = map->epoch;
    snapshot_publish(&root->map, s->node->control, &value);
    if (root == node_root(s->node))
        history_map(s->history, is_planned && is_settled);
}

static void use_map(struct steering *s, struct root *root, struct steer_map *map, bool is_planned)
{
    counter_up(&s->counts.plans);
    put_map(s, root, map, is_planned);
}

/* What all others hold is better than nothing, which is what this node knows of its own. */
static void on_adopted(struct sharing_user *user)
{
    struct steering *s = container_of(user, struct steering, sharing_user);
    struct root *root = node_root(s->node);

    if (!atomic_load(&s->is_settled))
        put_map(s, root, steer_map_copy(root_map(root)), false);
}

static const struct facts *draw_facts(
    const struct steering *s, const struct root *root, struct arena *arena, struct wall epoch)
{
    return view_facts(s->view, arena, root->rows->checks, root->release->watch, s->self, epoch);
}

/* At once, for what cannot wait: the first map, and that of a new root. */
static void plan_now(struct steering *s, struct root *root, struct wall epoch)
{
    struct arena arena;

    arena_init(&arena, SIZE_MAX);
    const struct facts *facts = draw_facts(s, root, &arena, epoch);

    use_map(s, root, steer_plan(root->rows, &arena, facts, root_map(node_root(s->node))), false);
}

/* On a pool thread: a map of many sites and cells takes longer than probes may wait. */
static void plan_work(struct pool_job *job)
{
    struct planning *plan = container_of(job, struct planning, job);

    plan->map = steer_plan(plan->root->rows, &plan->arena, plan->facts,
        plan->before != NULL ? plan->before : root_map(plan->root));
}

static void plan_end(struct steering *s)
{
    steer_map_free(s->plan.before);
    steer_map_free(s->plan.map);
    arena_done(&s->plan.arena);
    snapshot_release(&s->plan.root->value, loop_index(s->loop));
    s->plan.root = NULL;
}

static void plan_done(struct pool_job *job)
{
    struct steering *s = container_of(job, struct steering, plan.job);

    if (s->plan.root == node_root(s->node)) { // else a release came meanwhile, with its own map
        use_map(s, s->plan.root, s->plan.map, s->plan.before == NULL);
        if (atomic_load(&s->is_settled))
            sharing_planned(s->sharing, s->plan.map);
        s->plan.map = NULL;
    }
    plan_end(s);
}

static void plan_begin(struct steering *s, struct wall epoch)
{
    struct planning *plan = &s->plan;

    if (plan->root != NULL) {
        counter_up(&s->counts.late);
        return;
    }
    plan->root = node_root(s->node);
    snapshot_hold(&plan->root->value, loop_index(s->loop));
    plan->map = NULL;
    plan->before = atomic_load(&s->is_settled) ? sharing_take(s->sharing) : NULL;
    arena_init(&plan->arena, SIZE_MAX);
    plan->facts = draw_facts(s, plan->root, &plan->arena, epoch);
    plan->job = (struct pool_job){ .work = plan_work, .done = plan_done, .loop = s->loop };
    if (pool_submit(s->pool, &plan->job) == ERR_NONE)
        return;
    counter_up(&s->counts.late);
    plan_end(s);
}

static void on_epoch(struct timer *timer)
{
    struct steering *s = container_of(timer, struct steering, epoch);
    struct wall now = wall_now(s);
    struct wall epoch = epoch_at(now);

    // Not again after the first map, which was early; but a clock that was set back does not stop
    // us.
    bool is_due = epoch.ms > s->planned.ms || s->planned.ms - epoch.ms > CLOCK_STEP_MS;

    if (is_due && verdicts_keep_map(s->verdicts))
        counter_up(&s->counts.kept);
    else if (is_due)
        plan_begin(s, epoch);
    int64_t next_ms = epoch.ms + STEER_EPOCH_MS + STEER_LAG_MS;

    timer_set(s->loop, timer, instant_after(loop_now(s->loop), span_ms(next_ms - now.ms)));
}

/*
 * Digests are made just after full seconds of UTC, and so just after an epoch begins: what belongs
 * to it has nearly all of STEER_LAG_MS to reach the others, and none holds it back for long.
 */
static struct span until_digest(const struct steering *s)
{
    int64_t past_ms = (wall_now(s).ms - (int64_t)(s->self % DIGEST_SPREAD_MS)) % DIGEST_MS;
    int64_t wait_ms = DIGEST_MS - past_ms;

    return span_ms(wait_ms < DIGEST_MS / 2 ? wait_ms + DIGEST_MS : wait_ms);
}

/* Of origins that this node has asked, as its own fills see them. */
static void learn_in_flight(struct steering *s)
{
    const struct checks *checks = rows_now(s)->checks;

    for (size_t i = 0; i < checks->count; i++) {
        const struct check *check = &checks->list[i];

        if (check->origin == NULL)
            continue;
        struct origin_load load = { .origin = &check->origin->address };

        origin_pool_loads(s->node->pool, &load, 1, loop_now(s->loop));
        if (load.in_flight > 0 || load.response_us > 0)
            learn(s, check, REPORT_IN_FLIGHT, load.in_flight * INT64_C(1000));
    }
}

static void on_digest(struct timer *timer)
{
    struct steering *s = container_of(timer, struct steering, digest);

    learn_in_flight(s);
    hearing_tell(s->hearing);
    load_tell(&s->load, s->node, loop_now(s->loop));
    timer_set(s->loop, timer, instant_after(loop_now(s->loop), until_digest(s)));
}

/* The first map made of measurements does not wait for the next epoch. */
static void settle(struct steering *s)
{
    if (atomic_load(&s->is_settled) || !probes_are_settled(s->probes) || s->plan.root != NULL ||
        sharing_is_waiting(s->sharing))
        return;
    hearing_tell(s->hearing);
    plan_now(s, node_root(s->node), (struct wall){ wall_now(s).ms + 1 });
    atomic_store(&s->is_settled, true);
}

static void forget_failures(struct steering *s)
{
    size_t count = rows_now(s)->checks->count;

    mem_free(s->failed);
    s->failed = mem_array(count, sizeof *s->failed);
    for (size_t i = 0; i < count; i++) {
        const struct check *check = &rows_now(s)->checks->list[i];
        struct origin_record record;

        if (check->origin == NULL)
            continue;
        origin_pool_record(s->node->pool, &check->origin->address, &record);
        s->failed[i] = record.failed;
    }
}

/* Traffic sees a failure before the next probe would: it counts, and is looked into at once. */
static void look_at_fills(struct steering *s)
{
    const struct checks *checks = rows_now(s)->checks;
    struct origin_pool_stats stats;

    origin_pool_stats(s->node->pool, &stats);
    if (stats.failed == s->failed_fills)
        return;
    s->failed_fills = stats.failed;
    for (size_t i = 0; i < checks->count; i++) {
        struct origin_record record;

        if (checks->list[i].origin == NULL)
            continue;
        origin_pool_record(s->node->pool, &checks->list[i].origin->address, &record);
        bool is_news = record.failed > s->failed[i]; // lower: the pool forgot it meanwhile

        s->failed[i] = record.failed;
        if (!is_news)
            continue;
        learn(s, &checks->list[i], REPORT_ERRORS, 1000000);
        probes_hurry(s->probes, (uint32_t)i);
    }
}

static void on_tick(struct timer *timer)
{
    struct steering *s = container_of(timer, struct steering, tick);

    settle(s);
    look_at_fills(s);
    timer_set(s->loop, timer, instant_after(loop_now(s->loop), TICK));
}

static void on_sweep(struct timer *timer)
{
    struct steering *s = container_of(timer, struct steering, sweep);

    view_sweep(s->view, wall_now(s));
    timer_set(s->loop, timer, instant_after(loop_now(s->loop), SWEEP));
}

/* Those of the root in use: often what this node watches, seldom the rest. */
static void measure(struct steering *s)
{
    const struct root *root = node_root(s->node);
    const struct checks *checks = root->rows->checks;
    struct span *intervals = mem_array(checks->count + 1, sizeof *intervals);

    for (uint32_t i = 0; i < checks->count; i++)
        intervals[i] = watch_interval(root->release->watch, i, s->self);
    probes_use(s->probes, checks, intervals);
    verdicts_probe(s->verdicts, s->probes);
    mem_free(intervals);
}

static void on_begin(struct loop_message *message)
{
    struct steering *s = container_of(message, struct steering, begin);
    struct instant now = loop_now(s->loop);

    s->probes = probes_new(s->loop, s->self, &s->probe_user);
    measure(s);
    forget_failures(s);
    hearing_begin(s->hearing);
    sharing_begin(s->sharing);
    on_digest(&s->digest);
    on_epoch(&s->epoch);
    on_tick(&s->tick);
    timer_set(s->loop, &s->sweep, instant_after(now, SWEEP));
}

struct steering *steering_new(
    struct loop *control, struct pool *pool, struct running_node *node, struct log *log)
{
    struct steering *s = mem_new(struct steering);

    *s = (struct steering){
        .probe_user.ops = &PROBE_OPS,
        .sharing_user.adopted = on_adopted,
        .node = node,
        .loop = control,
        .pool = pool,
        .log = log,
        .self = hash_bytes(node->name, 0),
        .begin.run = on_begin,
        .tick.fire = on_tick,
        .digest.fire = on_digest,
        .epoch.fire = on_epoch,
        .sweep.fire = on_sweep,
        .view = view_new(),
    };
    s->observer = observer_new(s->self);
    s->hearing = hearing_new(&(struct hearing_plan){ .loop = control,
        .log = log,
        .name = node->name,
        .boot = hash_mix(node->seed ^ s->self),
        .observer = s->observer,
        .view = s->view });
    s->verdicts = verdicts_new(&(struct verdicts_plan){ .loop = control,
        .log = log,
        .name = node->name,
        .rows = rows_now(s),
        .watch = node_root(node)->release->watch,
        .hearing = s->hearing });
    s->sharing = sharing_new(&(struct sharing_plan){ .loop = control,
        .log = log,
        .node = node,
        .hearing = s->hearing,
        .user = &s->sharing_user });
    hearing_use(s->hearing, node_root(node)->network, rows_now(s)->checks);
    load_init(&s->load, node);
    loop_post(control, &s->begin);
    return s;
}

void steering_free(struct steering *steering)
{
    if (steering == NULL)
        return;
    loop_unpost(steering->loop, &steering->begin); // of a start that failed
    timer_clear(steering->loop, &steering->tick);
    timer_clear(steering->loop, &steering->digest);
    timer_clear(steering->loop, &steering->epoch);
    timer_clear(steering->loop, &steering->sweep);
    if (steering->plan.root != NULL)
        plan_end(steering);
    probes_free(steering->probes);
    hearing_free(steering->hearing);
    verdicts_free(steering->verdicts);
    sharing_free(steering->sharing);
    obeying_free(steering->obeying);
    observer_free(steering->observer);
    view_free(steering->view);
    mem_free(steering->failed);
    mem_free(steering);
}

static void forget_gone(struct steering *s, const struct checks *now, const struct checks *next)
{
    for (size_t i = 0; i < now->count; i++)
        if (checks_find(next, now->list[i].id) == CHECK_NONE)
            observer_forget(s->observer, now->list[i].id);
}

void steering_publish(struct steering *steering, struct root **root)
{
    const struct checks *checks = (*root)->rows->checks;

    forget_gone(steering, rows_now(steering)->checks, checks);
    obeying_use(steering->obeying, (*root)->rows);
    verdicts_use(steering->verdicts, (*root)->rows, (*root)->release->watch);
    sharing_renew(steering->sharing);
    plan_now(steering, *root, steering->planned);
    history_leave(steering->history);
    node_publish(steering->node, root);
    history_use(steering->history);
    measure(steering);
    hearing_use(steering->hearing, node_root(steering->node)->network, checks);
    forget_failures(steering);
    obeying_used(steering->obeying);
}

void steering_obey(struct steering *steering, struct orders *orders)
{
    steering->obeying = obeying_new(steering->loop, steering->node, orders, steering->hearing);
}

void steering_note(struct steering *steering, struct changes *changes)
{
    verdicts_note(steering->verdicts, changes);
}

void steering_remember(struct steering *steering, struct history *history)
{
    steering->history = history;
    history_use(history);
}

void steering_settle(struct steering *steering, struct settling *settling)
{
    settling_join(settling, steering->hearing);
}

struct bus_user *steering_bus_user(struct steering *steering)
{
    return hearing_user(steering->hearing);
}

void steering_join(struct steering *steering, struct bus **bus)
{
    hearing_join(steering->hearing, bus);
}

void steering_leave(struct steering *steering)
{
    hearing_leave(steering->hearing);
}

bool steering_is_settled(const struct steering *steering)
{
    return atomic_load(&steering->is_settled);
}

const struct view *steering_view(const struct steering *steering)
{
    return steering->view;
}

const struct observer *steering_observer(const struct steering *steering)
{
    return steering->observer;
}

const struct hearing *steering_hearing(const struct steering *steering)
{
    return steering->hearing;
}

const struct sharing *steering_sharing(const struct steering *steering)
{
    return steering->sharing;
}

const struct verdicts *steering_verdicts(const struct steering *steering)
{
    return steering->verdicts;
}

const struct probes *steering_probes(const struct steering *steering)
{
    return steering->probes;
}

const struct steering_counts *steering_counts(const struct steering *steering)
{
    return &steering->counts;
}
