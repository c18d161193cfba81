// SPDX-License-Identifier: Apache-2.0
#include "steer/observer.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "base/list.h"
#include "base/mem.h"
#include "steer/estimate.h"
#include "steer/id_table.h"

/* So many measurements smooth a response time; one lucky answer is not what idle looks like. */
static const double IDLE_EVIDENCE = 4;

struct observed {
    struct id_link link;    // check
    struct list by_silence; // among all, that which was silent for longest first
    struct list by_news;    // among those to be told; else alone
    unsigned news;          // bit for each kind that changed since it was told
    struct wall newest;     // of any kind
    struct idle idle;
    struct estimate kinds[REPORT_KIND_COUNT]; // that of REPORT_EXCESS is unused
};

struct observer {
    uint64_t self;
    struct id_table checks;
    struct list by_silence, by_news;
    struct observer_counts counts;
};

#define COUNTER_ROW_OF_OBSERVER(field, name, labels, help) \
    COUNTER_ROW(struct observer_counts, field, name, labels, help),

const struct counter_row observer_counter_rows[] = { OBSERVER_COUNTERS(COUNTER_ROW_OF_OBSERVER) };
const size_t observer_counter_row_count = COUNT_OF(observer_counter_rows);

struct observer *observer_new(uint64_t self)
{
    struct observer *observer = mem_new(struct observer);

    observer->self = self;
    list_init(&observer->by_silence);
    list_init(&observer->by_news);
    return observer;
}

static void drop(struct observer *observer, struct observed *observed)
{
    list_remove(&observed->by_silence);
    list_remove(&observed->by_news);
    id_table_remove(&observer->checks, observed->link.id);
    mem_free(observed);
}

void observer_free(struct observer *observer)
{
    if (observer == NULL)
        return;
    list_each_safe (link, &observer->by_silence)
        mem_free(container_of(link, struct observed, by_silence));
    id_table_done(&observer->checks);
    mem_free(observer);
}

static struct observed *find(const struct observer *observer, uint64_t check)
{
    struct id_link *link = id_table_find(&observer->checks, check);

    return link == NULL ? NULL : container_of(link, struct observed, link);
}

static struct observed *find_or_make(struct observer *observer, uint64_t check)
{
    struct observed *observed = find(observer, check);

    if (observed != NULL)
        return observed;
    if (observer->checks.count == OBSERVER_CHECKS_MAX) {
        counter_up(&observer->counts.displaced);
        drop(observer, container_of(observer->by_silence.next, struct observed, by_silence));
    }
    observed = mem_new(struct observed);
    observed->link.id = check;
    list_init(&observed->by_silence);
    list_init(&observed->by_news);
    id_table_put(&observer->checks, &observed->link);
    return observed;
}

void observer_learn(
    struct observer *observer, uint64_t check, enum report_kind kind, struct wall at, int64_t value)
{
    assert(kind != REPORT_EXCESS);
    // Asked here too, so that a wrong value takes no place from a check.
    if (value < 0 || value > report_most(kind)) {
        counter_up(&observer->counts.out_of_range);
        return;
    }
    struct observed *observed = find_or_make(observer, check);
    struct estimate *e = &observed->kinds[kind];
    enum err err = estimate_learn(e, kind, at, value);

    assert(err == ERR_NONE);
    counter_up(&observer->counts.learnt);
    if (kind == REPORT_RESPONSE && e->evidence >= IDLE_EVIDENCE)
        idle_learn(&observed->idle, at, llround(e->mean));
    observed->newest = at;
    observed->news |= 1u << kind;
    list_remove(&observed->by_silence);
    list_append(&observer->by_silence, &observed->by_silence);
    list_remove(&observed->by_news);
    list_append(&observer->by_news, &observed->by_news);
}

/* What is told of one check, to whom. */
struct telling {
    const struct observer *observer;
    const struct observed *observed;
    observer_report_fn *tell;
    void *to;
};

static void tell(const struct telling *t, struct report report)
{
    report.observer = t->observer->self;
    report.check = t->observed->link.id;
    assert(report_is_sane(&report));
    t->tell(t->to, &report);
}

static void tell_excess(const struct telling *t)
{
    struct report report = estimate_report(&t->observed->kinds[REPORT_RESPONSE], REPORT_RESPONSE);
    int64_t idle = idle_median(&t->observed->idle);

    if (idle == 0)
        return;
    report.kind = REPORT_EXCESS;
    report.value = report.value > idle ? report.value - idle : 0;
    tell(t, report);
}

/* A verdict changes seldom, but whatever is measured under it says that it stands. */
static void tell_health(const struct telling *t)
{
    const struct estimate *e = &t->observed->kinds[REPORT_HEALTH];

    if (e->evidence == 0)
        return;
    struct report report = estimate_report(e, REPORT_HEALTH);

    report.at = t->observed->newest;
    tell(t, report);
}

/* Of those kinds, what was measured; and what follows from it. */
static void tell_kinds(const struct telling *t, unsigned kinds)
{
    for (int kind = 0; kind < REPORT_HEALTH; kind++)
        if ((kinds >> kind & 1) != 0)
            tell(t, estimate_report(&t->observed->kinds[kind], (enum report_kind)kind));
    if ((kinds >> REPORT_RESPONSE & 1) != 0)
        tell_excess(t);
    tell_health(t);
}

void observer_report(struct observer *observer, observer_report_fn *tell_to, void *to)
{
    for (struct list *link; (link = list_pop(&observer->by_news)) != NULL;) {
        struct observed *observed = container_of(link, struct observed, by_news);
        unsigned news = observed->news;

        observed->news = 0;
        tell_kinds(&(struct telling){ observer, observed, tell_to, to }, news);
    }
}

static unsigned kinds_held(const struct observed *observed)
{
    unsigned kinds = 0;

    for (int kind = 0; kind < REPORT_KIND_COUNT; kind++)
        if (observed->kinds[kind].evidence > 0)
            kinds |= 1u << kind;
    return kinds;
}

void observer_each(const struct observer *observer, observer_report_fn *tell_to, void *to)
{
    list_each (link, &observer->by_silence) {
        const struct observed *observed = container_of(link, struct observed, by_silence);

        tell_kinds(&(struct telling){ observer, observed, tell_to, to }, kinds_held(observed));
    }
}

void observer_restart(struct observer *observer, uint64_t check, enum report_kind kind)
{
    struct observed *observed = find(observer, check);

    if (observed == NULL)
        return;
    observed->kinds[kind] = (struct estimate){ 0 };
    observed->news &= ~(1u << kind);
}

void observer_forget(struct observer *observer, uint64_t check)
{
    struct observed *observed = find(observer, check);

    if (observed != NULL)
        drop(observer, observed);
}

const struct observer_counts *observer_counts(const struct observer *observer)
{
    return &observer->counts;
}
