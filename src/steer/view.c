// SPDX-License-Identifier: Apache-2.0
#include "steer/view.h"

#include <assert.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "steer/estimate.h"
#include "steer/id_table.h"
#include "steer/median.h"
#include "steer/watch.h"

enum {
    LENGTHS_KEPT = 3, // before the epoch, after its begin, and of clocks that are ahead
    PLACES_FIRST = 4,
};

/* A report in its place; sane ones have evidence, so that none marks what is empty. */
struct heard {
    struct wall at;
    int64_t value, spread;
    uint32_t evidence;
};

struct place {
    uint64_t observer;
    struct heard heard[LENGTHS_KEPT]; // newest first, each of another length
};

/* Places of one kind of one check, by observer. */
struct shelf {
    struct place *places;
    uint32_t count, room;
};

struct subject {
    struct id_link link; // check
    struct list all;
    struct shelf shelves[REPORT_KIND_COUNT];
};

struct view {
    struct id_table by_check;
    struct list all;
    size_t place_count;
    struct view_counts counts;
};

#define COUNTER_ROW_OF_VIEW(field, name, labels, help) \
    COUNTER_ROW(struct view_counts, field, name, labels, help),

const struct counter_row view_counter_rows[] = { VIEW_COUNTERS(COUNTER_ROW_OF_VIEW) };
const size_t view_counter_row_count = COUNT_OF(view_counter_rows);

struct view *view_new(void)
{
    struct view *view = mem_new(struct view);

    list_init(&view->all);
    return view;
}

static void drop(struct view *view, struct subject *subject)
{
    for (size_t kind = 0; kind < REPORT_KIND_COUNT; kind++)
        mem_free(subject->shelves[kind].places);
    list_remove(&subject->all);
    id_table_remove(&view->by_check, subject->link.id);
    mem_free(subject);
}

void view_free(struct view *view)
{
    if (view == NULL)
        return;
    list_each_safe (link, &view->all)
        drop(view, container_of(link, struct subject, all));
    id_table_done(&view->by_check);
    mem_free(view);
}

static struct subject *find(const struct view *view, uint64_t check)
{
    struct id_link *link = id_table_find(&view->by_check, check);

    return link == NULL ? NULL : container_of(link, struct subject, link);
}

static struct subject *find_or_make(struct view *view, uint64_t check)
{
    struct subject *subject = find(view, check);

    if (subject != NULL)
        return subject;
    subject = mem_new(struct subject);
    subject->link.id = check;
    list_append(&view->all, &subject->all);
    id_table_put(&view->by_check, &subject->link);
    return subject;
}

/* Where the observer's place is, or would be. */
static size_t place_at(const struct shelf *shelf, uint64_t observer)
{
    size_t low = 0, high = shelf->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (shelf->places[middle].observer < observer)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct place *place_insert(struct shelf *shelf, size_t at, uint64_t observer)
{
    if (shelf->count == shelf->room) {
        shelf->room = shelf->room == 0 ? PLACES_FIRST : shelf->room * 2;
        shelf->places = mem_resize(shelf->places, shelf->room * sizeof *shelf->places);
    }
    struct place *place = &shelf->places[at];

    memmove(place + 1, place, (shelf->count - at) * sizeof *place);
    *place = (struct place){ .observer = observer };
    shelf->count++;
    return place;
}

/* NULL: there is none, and no more room for it. */
static struct place *place_of(struct view *view, const struct report *report)
{
    struct subject *subject = find(view, report->check);
    struct shelf *shelf = subject == NULL ? NULL : &subject->shelves[report->kind];
    size_t at = shelf == NULL ? 0 : place_at(shelf, report->observer);

    if (shelf != NULL && at < shelf->count && shelf->places[at].observer == report->observer)
        return &shelf->places[at];
    if (view->place_count == VIEW_REPORTS_MAX ||
        (shelf != NULL && shelf->count == VIEW_OBSERVERS_MAX))
        return NULL;
    view->place_count++;
    return place_insert(
        &find_or_make(view, report->check)->shelves[report->kind], at, report->observer);
}

static bool is_held(const struct heard *heard)
{
    return heard->evidence > 0;
}

/* What a clock stamped that was set back since would keep out all that follows. */
static void forget_future(struct place *place, struct wall now)
{
    while (is_held(&place->heard[0]) && place->heard[0].at.ms - VIEW_FUTURE_MS > now.ms) {
        memmove(&place->heard[0], &place->heard[1], (LENGTHS_KEPT - 1) * sizeof(struct heard));
        place->heard[LENGTHS_KEPT - 1] = (struct heard){ 0 };
    }
}

static bool place_take(struct place *place, const struct report *report)
{
    int64_t length = report->at.ms / STEER_EPOCH_MS;
    size_t at = 0;

    while (at < LENGTHS_KEPT && place->heard[at].at.ms / STEER_EPOCH_MS > length)
        at++;
    if (at == LENGTHS_KEPT)
        return false;
    struct heard *heard = &place->heard[at];

    if (is_held(heard) && heard->at.ms / STEER_EPOCH_MS == length) {
        if (heard->at.ms >= report->at.ms)
            return false;
    } else {
        memmove(heard + 1, heard, (LENGTHS_KEPT - 1 - at) * sizeof *heard);
    }
    *heard = (struct heard){ report->at, report->value, report->spread, report->evidence };
    return true;
}

static enum view_taken take(struct view *view, const struct report *report, struct wall now)
{
    if (!report_is_sane(report))
        return VIEW_OUT_OF_RANGE;
    if (report->at.ms - VIEW_FUTURE_MS > now.ms)
        return VIEW_FUTURE;
    if (report->at.ms < now.ms - VIEW_KEPT_MS)
        return VIEW_STALE;
    struct place *place = place_of(view, report);

    if (place == NULL)
        return VIEW_FULL;
    forget_future(place, now);
    return place_take(place, report) ? VIEW_TAKEN : VIEW_REPLAYED;
}

enum view_taken view_take(struct view *view, const struct report *report, struct wall now)
{
    enum view_taken taken = take(view, report, now);

    switch (taken) {
    case VIEW_TAKEN: counter_up(&view->counts.taken); break;
    case VIEW_OUT_OF_RANGE: counter_up(&view->counts.out_of_range); break;
    case VIEW_FUTURE: counter_up(&view->counts.future); break;
    case VIEW_REPLAYED: counter_up(&view->counts.replayed); break;
    case VIEW_STALE: counter_up(&view->counts.stale); break;
    case VIEW_FULL: counter_up(&view->counts.full); break;
    }
    return taken;
}

static struct report report_of(
    const struct subject *subject, size_t kind, const struct place *place, size_t at)
{
    const struct heard *heard = &place->heard[at];

    return (struct report){ .observer = place->observer,
        .check = subject->link.id,
        .kind = (enum report_kind)kind,
        .value = heard->value,
        .spread = heard->spread,
        .evidence = heard->evidence,
        .at = heard->at };
}

/* What a report is worth beside others: only the best there are count. */
enum worth { WORTH_STALE, WORTH_FRESH, WORTH_WATCHED };

/* Of one kind of one check, what counts for an epoch. */
struct draw {
    const struct check *check;
    const struct watch_table *watch;
    uint32_t at; // position of the check
    uint64_t self;
    struct wall epoch;
    enum worth worth;
    size_t count;
    int64_t youngest_ms;
    int64_t values[VIEW_OBSERVERS_MAX], measured[VIEW_OBSERVERS_MAX], spreads[VIEW_OBSERVERS_MAX];
};

/* The last that was heard of before the epoch; LENGTHS_KEPT when there is none that counts. */
static size_t heard_before(const struct place *place, struct wall epoch)
{
    size_t at = 0;

    while (at < LENGTHS_KEPT && is_held(&place->heard[at]) && place->heard[at].at.ms >= epoch.ms)
        at++;
    if (at == LENGTHS_KEPT || !is_held(&place->heard[at]) ||
        place->heard[at].at.ms < epoch.ms - VIEW_USED_MS)
        return LENGTHS_KEPT;
    return at;
}

/* Whoever fills from an origin knows what is in flight there, without a probe. */
static bool watches(const struct draw *d, const struct report *report)
{
    return d->watch == NULL || report->kind == REPORT_IN_FLIGHT ||
           watch_has(d->watch, d->at, report->observer);
}

static enum worth worth_of(const struct report *report, bool is_fresh, bool is_watcher)
{
    if (!is_fresh)
        return WORTH_STALE;
    return is_watcher || report->kind == REPORT_LATENCY ? WORTH_WATCHED : WORTH_FRESH;
}

static void draw_report(struct draw *d, const struct report *report, struct fact *own)
{
    bool is_watcher = watches(d, report);
    struct span every = is_watcher ? d->check->every : watch_rest(d->check->every);
    int64_t age_ms = d->epoch.ms - report->at.ms;
    bool is_fresh = age_ms <= estimate_fresh_ms(every);
    int64_t value = is_fresh ? report->value : estimate_expect(report, every, d->epoch);
    enum worth worth = worth_of(report, is_fresh, is_watcher);

    if (report->observer == d->self)
        *own = (struct fact){ value, report->value, report->spread, age_ms, 1 };
    if (worth < d->worth)
        return;
    if (worth > d->worth) { // the first that is: forget the others
        d->worth = worth;
        d->count = 0;
    }
    if (d->count == 0 || age_ms < d->youngest_ms)
        d->youngest_ms = age_ms;
    d->values[d->count] = value;
    d->measured[d->count] = report->value;
    d->spreads[d->count++] = report->spread;
}

static void draw_shelf(
    struct draw *d, const struct subject *subject, size_t kind, struct fact *all, struct fact *own)
{
    const struct shelf *shelf = &subject->shelves[kind];

    d->worth = WORTH_STALE;
    d->count = 0;
    for (size_t i = 0; i < shelf->count; i++) {
        size_t at = heard_before(&shelf->places[i], d->epoch);

        if (at == LENGTHS_KEPT)
            continue;
        struct report report = report_of(subject, kind, &shelf->places[i], at);

        draw_report(d, &report, own);
    }
    if (d->count == 0)
        return;
    all->value = median(d->values, d->count);
    all->measured = d->worth > WORTH_STALE ? all->value : median(d->measured, d->count);
    all->spread = median(d->spreads, d->count);
    all->age_ms = d->youngest_ms;
    all->sources = (unsigned)d->count;
}

struct facts *view_facts(const struct view *view, struct arena *arena, const struct checks *checks,
    const struct watch_table *watch, uint64_t self, struct wall epoch)
{
    size_t size = checks->count * sizeof(struct check_facts);
    struct facts *facts = arena_alloc(arena, sizeof *facts + size);
    struct draw d UNSET;

    facts->epoch = epoch;
    facts->count = checks->count;
    d.watch = watch;
    d.self = self;
    d.epoch = epoch;
    for (uint32_t i = 0; i < checks->count; i++) {
        const struct subject *subject = find(view, checks->list[i].id);

        if (subject == NULL)
            continue;
        d.check = &checks->list[i];
        d.at = i;
        for (size_t kind = 0; kind < REPORT_KIND_COUNT; kind++)
            draw_shelf(&d, subject, kind, &facts->checks[i].all[kind], &facts->checks[i].own[kind]);
    }
    return facts;
}

/* Returns how many places went. */
static size_t shelf_sweep(struct shelf *shelf, struct wall now)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < shelf->count; i++)
        if (shelf->places[i].heard[0].at.ms >= now.ms - VIEW_KEPT_MS)
            shelf->places[count++] = shelf->places[i];
    size_t gone = shelf->count - count;

    shelf->count = count;
    if (count == 0) {
        mem_free(shelf->places);
        *shelf = (struct shelf){ 0 };
    }
    return gone;
}

void view_sweep(struct view *view, struct wall now)
{
    list_each_safe (link, &view->all) {
        struct subject *subject = container_of(link, struct subject, all);
        size_t left = 0;

        for (size_t kind = 0; kind < REPORT_KIND_COUNT; kind++) {
            view->place_count -= shelf_sweep(&subject->shelves[kind], now);
            left += subject->shelves[kind].count;
        }
        if (left == 0)
            drop(view, subject);
    }
}

void view_each(const struct view *view, view_report_fn *tell, void *to)
{
    list_each (link, &view->all) {
        const struct subject *subject = container_of(link, struct subject, all);

        for (size_t kind = 0; kind < REPORT_KIND_COUNT; kind++)
            for (size_t i = 0; i < subject->shelves[kind].count; i++) {
                struct report report =
                    report_of(subject, kind, &subject->shelves[kind].places[i], 0);

                tell(to, &report);
            }
    }
}

const struct view_counts *view_counts(const struct view *view)
{
    return &view->counts;
}
