// SPDX-License-Identifier: Apache-2.0
/*
 * A watch stands for one check in use; a run is one of its probes under way. A watch has one timer,
 * for its next probe; after whatever happens to it, `plan` says anew when that is. Each run has one
 * timer, for its end.
 *
 *     start                  usual x 2          timeout
 *       |----------------------|-----------------|
 *       first run ................................ miss
 *                              second ..................... miss      "live" until a later run is
 *                              | 100 ms | third .................     answered; then "late"
 */
#include "probe/probe.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/ping.h"
#include "probe/health.h"
#include "probe/run_priv.h"
#include "tls/client.h"

struct watch {
    struct probes *probes;
    const struct check *check;
    struct span every;        // as told; at least the check's own
    struct timer timer;       // the next probe
    struct list runs;         // under way, oldest first
    uint32_t run_count;       //
    uint32_t live_count;      // of which may still count as misses: the newest ones
    struct health health;     //
    struct instant started;   // the newest probe
    struct instant regular;   // the next, if nothing is in doubt
    struct instant hurried;   // no hurrying before that
    struct instant alarmed;   // no alarm before that
    struct span usual;        // response time, smoothed; negative: none seen
    uint64_t luck;            // state of the generator
    struct probe_state state; // but for the verdict
    bool is_alarmed;          //
    bool is_new;              // not probed yet
    bool is_settled;          //
};

struct probes {
    struct loop *loop;
    struct ping *ping;
    struct probe_user *user;
    uint64_t seed;
    struct watch **watches; // in the order of the checks
    size_t count;
    size_t unsettled_count;
    size_t in_flight;
    bool is_calling;           // the user
    struct tls_clients *trust; // of the checks in use
    struct probe_counts counts;
};

#define ROW(field, name, labels, help) COUNTER_ROW(struct probe_counts, field, name, labels, help),
const struct counter_row probe_counter_rows[] = { PROBE_COUNTERS(ROW) };
#undef ROW
const size_t probe_counter_row_count = COUNT_OF(probe_counter_rows);

static const struct runner *const RUNNERS[] = {
    [CHECK_HTTP] = &http_runner,
    [CHECK_FTP] = &ftp_runner,
    [CHECK_TCP] = &tcp_runner,
    [CHECK_ICMP] = &icmp_runner,
    [CHECK_LOAD] = &http_runner,
};

static struct instant later(struct instant a, struct instant b)
{
    return a.ns > b.ns ? a : b;
}

static struct instant earlier(struct instant a, struct instant b)
{
    return a.ns < b.ns ? a : b;
}

/* From 0 to `most`. */
static struct span draw(struct watch *watch, struct span most)
{
    watch->luck += UINT64_C(0x9e3779b97f4a7c15);
    return (struct span){ (int64_t)(hash_mix(watch->luck) % ((uint64_t)most.ns + 1)) };
}

static struct run *run_of(struct list *link)
{
    return container_of(link, struct run, link);
}

/* The oldest that may still count as a miss; there is one. */
static struct run *oldest_live(const struct watch *watch)
{
    struct list *link = watch->runs.next;

    while (run_of(link)->is_late)
        link = link->next;
    assert(link != &watch->runs);
    return run_of(link);
}

/* So many misses of what is under way, all of them silent, make it down. */
static uint32_t misses_wanted(const struct watch *watch)
{
    uint32_t patience = health_patience(&watch->health, watch->check->fall);

    return watch->is_alarmed ? (patience + 1) / 2 : patience;
}

/* How long an answer is waited for. A target that is far is not taken for silent in an alarm. */
static struct span timeout_of(const struct watch *watch)
{
    struct span timeout = span_ms(PROBE_ALARM_TIMEOUT_MS), most = watch->check->timeout;

    if (timeout.ns < 2 * watch->usual.ns)
        timeout.ns = 2 * watch->usual.ns;
    return watch->is_alarmed && timeout.ns < most.ns ? timeout : most;
}

/* When an answer is overdue, judged by those before; INSTANT_NEVER: its timeout says so. */
static struct instant doubt_at(const struct watch *watch)
{
    struct span patience = span_ms(PROBE_CONFIRM_MS);

    if (watch->health.verdict != HEALTH_UP)
        return INSTANT_NEVER;
    if (patience.ns < 2 * watch->usual.ns)
        patience.ns = 2 * watch->usual.ns;
    return instant_after(oldest_live(watch)->start, patience);
}

/* It answers again: to know whether it is back is not to take as many intervals of its rest. */
static struct instant regular_of(const struct watch *watch)
{
    if (watch->health.verdict != HEALTH_DOWN || watch->health.successes == 0)
        return watch->regular;
    return earlier(watch->regular, instant_after(watch->started, watch->check->every));
}

/* When the next probe is due, from what is known now; INSTANT_NEVER while runs are waited for. */
static struct instant due_of(const struct watch *watch, struct instant now)
{
    struct instant soon = instant_after(watch->started, span_ms(PROBE_CONFIRM_MS));
    struct instant doubt = watch->live_count == 0 ? INSTANT_NEVER : doubt_at(watch);
    bool is_doubtful = watch->is_alarmed || health_is_doubtful(&watch->health);

    if (watch->run_count == PROBE_CONFIRM_MAX)
        return INSTANT_NEVER;
    if (watch->live_count == 0)
        return is_doubtful ? soon : regular_of(watch);
    if (watch->live_count >= misses_wanted(watch))
        return INSTANT_NEVER;
    return is_doubtful || doubt.ns <= now.ns ? soon : doubt;
}

static void plan(struct watch *watch)
{
    struct loop *loop = watch->probes->loop;
    struct instant now = loop_now(loop), due = due_of(watch, now);

    if (due.ns == INSTANT_NEVER.ns)
        timer_clear(loop, &watch->timer);
    else
        timer_set(loop, &watch->timer, later(due, now));
}

/* Ends a run without a word of it. */
static void drop(struct run *run)
{
    struct watch *watch = run->watch;

    timer_clear(run->loop, &run->timer);
    list_remove(&run->link);
    watch->run_count--;
    watch->live_count -= !run->is_late;
    watch->probes->in_flight--;
    run->runner->drop(run);
}

static void settle(struct watch *watch)
{
    watch->probes->unsettled_count -= !watch->is_settled;
    watch->is_settled = true;
}

/* The runs that set out before `answered` are late from now on. */
static void outrun(struct watch *watch, struct instant answered)
{
    list_each (link, &watch->runs) {
        struct run *run = run_of(link);

        if (run->is_late || run->start.ns >= answered.ns)
            continue;
        run->is_late = true;
        watch->live_count--;
    }
}

static enum health_news news_of(enum probe_outcome outcome, bool is_alarmed)
{
    switch ((int)outcome) {
    case PROBE_OK: return HEALTH_SUCCESS;
    case PROBE_TIMEOUT: return is_alarmed ? HEALTH_MISS : HEALTH_SILENCE;
    default: return HEALTH_MISS;
    }
}

/* True when the verdict changed. */
static bool learn(struct watch *watch, const struct run *run, const struct probe_result *result)
{
    bool is_ok = result->outcome == PROBE_OK, was_alarmed = watch->is_alarmed;

    if (is_ok || result->outcome == PROBE_DENIED) // or what cannot be sent would be tried for ever
        watch->is_alarmed = false;
    if (result->outcome == PROBE_DENIED)
        settle(watch);
    if (result->outcome == PROBE_DENIED || (run->is_late && !is_ok))
        return false;
    if (is_ok) {
        struct span surprise = { result->response.ns - watch->usual.ns };

        watch->usual.ns += watch->usual.ns < 0 ? surprise.ns : surprise.ns / 8;
        outrun(watch, run->start);
    }
    enum health_news news = news_of(result->outcome, was_alarmed);
    struct health_limits limits = { watch->check->rise, watch->check->fall };
    bool is_news = health_learn(&watch->health, news, limits, result->now);

    watch->is_alarmed &= watch->health.verdict != HEALTH_DOWN;
    return is_news;
}

static struct counter *counter_of(struct probe_counts *counts, enum probe_outcome outcome)
{
    switch (outcome) {
    case PROBE_OK: return &counts->ok;
    case PROBE_REFUSED: return &counts->refused;
    case PROBE_TIMEOUT: return &counts->timeout;
    case PROBE_UNREACHABLE: return &counts->unreachable;
    case PROBE_STATUS: return &counts->status;
    case PROBE_MISMATCH: return &counts->mismatch;
    case PROBE_PROTOCOL: return &counts->protocol;
    case PROBE_TLS: return &counts->tls;
    case PROBE_TOO_LONG: return &counts->too_long;
    case PROBE_DENIED:
    case PROBE_OUTCOME_COUNT: break;
    }
    return &counts->denied;
}

/* For who asks what is known of the check. */
static void note(
    struct watch *watch, const struct run *run, const struct probe_result *result, bool is_news)
{
    struct probe_state *state = &watch->state;

    if (is_news)
        state->since = result->at;
    if (run->is_late)
        return; // what was answered later is newer
    state->has_outcome = true;
    state->outcome = result->outcome;
    state->status = result->status;
    state->at = result->at;
}

void run_over(struct run *run, enum probe_outcome outcome)
{
    struct watch *watch = run->watch;
    struct probes *probes = watch->probes;
    struct probe_result result = run->result;

    result.check = watch->check;
    result.outcome = outcome;
    result.now = loop_now(probes->loop);
    result.at = loop_wall(probes->loop);
    if (outcome == PROBE_OK)
        result.response = instant_since(run->start, result.now);
    counter_up(counter_of(&probes->counts, outcome));
    counter_add(&probes->counts.load_wrong, run->load_is_wrong);
    bool is_news = learn(watch, run, &result);

    note(watch, run, &result, is_news);
    drop(run);
    plan(watch);
    probes->is_calling = true;
    probes->user->ops->result(probes->user, &result);
    if (is_news) {
        settle(watch);
        probes->user->ops->verdict(probes->user, watch->check, watch->health.verdict == HEALTH_UP);
    }
    probes->is_calling = false;
}

void run_failed(struct run *run, enum err why, bool was_open)
{
    switch ((int)why) {
    case ERR_REFUSED: run_over(run, PROBE_REFUSED); break;
    case ERR_TIMEOUT: run_over(run, PROBE_TIMEOUT); break;
    case ERR_TLS:
    case ERR_CERT:
    case ERR_CERT_TIME:
    case ERR_CERT_NAME:
    case ERR_CERT_AUTHORITY: run_over(run, PROBE_TLS); break;
    case ERR_PARSE:
    case ERR_CLOSED: run_over(run, PROBE_PROTOCOL); break;
    case ERR_LIMIT:   // no descriptors here; or, once open, a line or head without end from there
    case ERR_ADDRESS: // no port of ours is left
        run_over(run, was_open ? PROBE_PROTOCOL : PROBE_DENIED);
        break;
    default: run_over(run, PROBE_UNREACHABLE); break;
    }
}

struct tls_client *run_trust(struct run *run)
{
    const struct check *check = run->check;
    struct tls_trust trust = { .ca_file = check->ca };
    struct tls_client *client = NULL;

    if (check->origin != NULL) {
        trust.cert_file = check->origin->shown.cert;
        trust.key_file = check->origin->shown.key;
    }
    enum err err = tls_clients_get(run->watch->probes->trust, &trust, &client, NULL);

    return err == ERR_NONE ? client : NULL;
}

void run_note_latency(struct run *run)
{
    run->result.has_latency = true;
    run->result.latency = instant_since(run->start, loop_now(run->loop));
}

static void time_out(struct timer *timer)
{
    run_over(container_of(timer, struct run, timer), PROBE_TIMEOUT);
}

/* Sets out. */
static void launch(struct watch *watch)
{
    struct probes *probes = watch->probes;
    const struct runner *runner = RUNNERS[watch->check->kind];
    struct run *run = runner->create();

    run->runner = runner;
    run->watch = watch;
    run->check = watch->check;
    run->loop = probes->loop;
    run->ping = probes->ping;
    run->start = watch->started;
    run->timer.fire = time_out;
    list_append(&watch->runs, &run->link);
    watch->run_count++;
    watch->live_count++;
    probes->in_flight++;
    counter_up(&probes->counts.sent);
    timer_set(run->loop, &run->timer, instant_after(run->start, timeout_of(watch)));
    plan(watch);
    runner->start(run);
}

static void turn_comes(struct timer *timer)
{
    struct watch *watch = container_of(timer, struct watch, timer);
    struct probes *probes = watch->probes;
    int64_t every = watch->every.ns;

    if (probes->in_flight == PROBES_IN_FLIGHT_MAX) { // again soon: its interval may be an hour
        counter_up(&probes->counts.limited);
        timer_set(probes->loop, timer,
            instant_after(loop_now(probes->loop), draw(watch, span_ms(PROBE_SPREAD_MS))));
        return;
    }
    // The first interval is any part of it: all that began together would else stay together.
    struct span shorter = draw(watch, (struct span){ watch->is_new ? every * 9 / 10 : every / 10 });

    watch->is_new = false;
    watch->started = loop_now(probes->loop);
    watch->regular = instant_after(watch->started, (struct span){ every - shorter.ns });
    launch(watch);
}

static struct watch *watch_new(struct probes *probes, const struct check *check, struct span every)
{
    struct watch *watch = mem_new(struct watch);

    watch->probes = probes;
    watch->check = check;
    watch->every = every;
    watch->timer.fire = turn_comes;
    watch->luck = hash_mix(check->id ^ probes->seed);
    watch->usual.ns = -1;
    watch->is_new = true;
    list_init(&watch->runs);
    watch->regular = instant_after(loop_now(probes->loop), draw(watch, span_ms(PROBE_SPREAD_MS)));
    plan(watch);
    return watch;
}

/* Accepts NULL. */
static void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    while (!list_empty(&watch->runs))
        drop(run_of(watch->runs.next));
    timer_clear(watch->probes->loop, &watch->timer);
    mem_free(watch);
}

/* Goes on with another release's word for the same. */
static void watch_adopt(struct watch *watch, const struct check *check, struct span every)
{
    watch->check = check;
    watch->every = every;
    list_each (link, &watch->runs)
        run_of(link)->check = check;
    if (!watch->is_new)
        watch->regular = earlier(watch->regular, instant_after(watch->started, every));
    plan(watch);
}

struct probes *probes_new(struct loop *loop, uint64_t seed, struct probe_user *user)
{
    struct probes *probes = mem_new(struct probes);

    probes->loop = loop;
    probes->seed = hash_mix(seed + 1);
    probes->ping = ping_new(loop, hash_mix(probes->seed));
    probes->user = user;
    return probes;
}

void probes_free(struct probes *probes)
{
    if (probes == NULL)
        return;
    assert(!probes->is_calling);
    for (size_t i = 0; i < probes->count; i++)
        watch_free(probes->watches[i]);
    ping_free(probes->ping);
    tls_clients_free(probes->trust);
    mem_free(probes->watches);
    mem_free(probes);
}

/* A watch that may be taken over, in a list sorted by id. */
struct offer {
    uint64_t id;
    struct watch *watch; // NULL: taken
};

static int offers_compare(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static struct watch *offers_take(struct offer *offers, size_t count, uint64_t id)
{
    struct offer wanted = { .id = id };
    struct offer *found =
        count == 0 ? NULL : bsearch(&wanted, offers, count, sizeof *offers, offers_compare);

    if (found == NULL)
        return NULL;
    struct watch *watch = found->watch;

    found->watch = NULL;
    return watch;
}

void probes_use(struct probes *probes, const struct checks *checks, const struct span *intervals)
{
    assert(!probes->is_calling);
    size_t old_count = probes->count;
    struct offer *offers = mem_array(old_count + 1, sizeof *offers);

    for (size_t i = 0; i < old_count; i++)
        offers[i] = (struct offer){ probes->watches[i]->check->id, probes->watches[i] };
    qsort(offers, old_count, sizeof *offers, offers_compare);
    tls_clients_free(probes->trust); // what the files hold may have changed too
    probes->trust = tls_clients_new();
    mem_free(probes->watches);
    probes->watches = mem_array(checks->count + 1, sizeof(struct watch *));
    probes->count = checks->count;
    probes->unsettled_count = 0;
    for (size_t i = 0; i < checks->count; i++) {
        const struct check *check = &checks->list[i];
        struct span every = intervals == NULL ? check->every : intervals[i];
        struct watch *watch = offers_take(offers, old_count, check->id);

        assert(every.ns >= check->every.ns);
        if (watch != NULL)
            watch_adopt(watch, check, every);
        else
            watch = watch_new(probes, check, every);
        probes->watches[i] = watch;
        probes->unsettled_count += !watch->is_settled;
    }
    for (size_t i = 0; i < old_count; i++)
        watch_free(offers[i].watch);
    mem_free(offers);
}

void probes_hurry(struct probes *probes, uint32_t check)
{
    struct watch *watch = check < probes->count ? probes->watches[check] : NULL;

    if (watch == NULL || watch->live_count > 0 ||
        (watch->health.verdict == HEALTH_DOWN && watch->every.ns == watch->check->every.ns))
        return;
    struct instant due = later(loop_now(probes->loop), watch->hurried);

    if (due.ns >= watch->regular.ns)
        return;
    watch->regular = due;
    watch->hurried = instant_after(due, span_ms(PROBE_HURRY_MS));
    plan(watch);
}

void probes_alarm(struct probes *probes, uint32_t check)
{
    struct watch *watch = check < probes->count ? probes->watches[check] : NULL;
    struct instant now = loop_now(probes->loop);

    if (watch == NULL || watch->is_alarmed || watch->health.verdict == HEALTH_DOWN ||
        now.ns < watch->alarmed.ns)
        return;
    watch->is_alarmed = true;
    watch->alarmed = instant_after(now, span_ms(PROBE_HURRY_MS));
    counter_up(&probes->counts.alarms);
    list_each (link, &watch->runs) {
        struct run *run = run_of(link);

        if (!run->is_late)
            timer_set(probes->loop, &run->timer,
                later(instant_after(run->start, timeout_of(watch)), now));
    }
    plan(watch);
}

struct probe_state probes_state(const struct probes *probes, uint32_t check)
{
    assert(check < probes->count);
    const struct watch *watch = probes->watches[check];
    struct probe_state state = watch->state;

    state.verdict = watch->health.verdict;
    state.rise = health_rise(&watch->health, watch->check->rise);
    return state;
}

bool probes_are_settled(const struct probes *probes)
{
    return probes->unsettled_count == 0;
}

const struct probe_counts *probes_counts(const struct probes *probes)
{
    return &probes->counts;
}

const struct ping_counts *probes_ping_counts(const struct probes *probes)
{
    return ping_counts(probes->ping);
}

const char *probe_outcome_text(enum probe_outcome outcome)
{
    static const char *const TEXTS[PROBE_OUTCOME_COUNT] = {
        [PROBE_OK] = "ok",
        [PROBE_REFUSED] = "refused",
        [PROBE_TIMEOUT] = "timeout",
        [PROBE_UNREACHABLE] = "unreachable",
        [PROBE_STATUS] = "status",
        [PROBE_MISMATCH] = "mismatch",
        [PROBE_PROTOCOL] = "protocol",
        [PROBE_TLS] = "tls",
        [PROBE_TOO_LONG] = "too_long",
        [PROBE_DENIED] = "denied",
    };

    assert(outcome < PROBE_OUTCOME_COUNT);
    return TEXTS[outcome];
}
