// SPDX-License-Identifier: Apache-2.0
#include "admin/checks.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "admin/json.h"
#include "admin/status.h"

enum { ID_TEXT_MAX = 17 };

static const char *verdict_text(enum health_verdict verdict)
{
    switch (verdict) {
    case HEALTH_UNKNOWN: return "unknown";
    case HEALTH_UP: return "up";
    case HEALTH_DOWN: return "down";
    }
    assert(false);
    return "";
}

/* Which groups of nodes have a word, how many of them say down, and what came of it. */
static void put_count(json_t *object, const struct votes_tally *counted)
{
    json_t *count = json_object();

    json_put_text(count, "verdict", counted->is_down ? SLICE("down") : SLICE("up"));
    json_put_text(count, "by", counted->by == VOTES_BY_SELF ? SLICE("node") : SLICE("groups"));
    json_put_number(count, "groups", counted->groups);
    json_put_number(count, "groups_down", counted->down);
    json_object_set_new(object, "counted", count);
}

static void put_target(json_t *object, const struct check *check)
{
    char text[CHECK_NAME_MAX];

    if (check->node != NULL)
        snprintf(text, sizeof text, "node %.*s", SLICE_ARG(check->node->name));
    else if (check->pop != NULL)
        snprintf(text, sizeof text, "pop %.*s", SLICE_ARG(check->pop->name));
    else
        snprintf(text, sizeof text, "origin %.*s/%.*s", SLICE_ARG(check->origin->customer->name),
            SLICE_ARG(check->origin->name));
    json_put_text(object, "target", slice_text(text));
}

json_t *admin_check_json(const struct admin_check_status *s)
{
    json_t *object = json_object();
    char name[CHECK_NAME_MAX];

    json_put_text(object, "name", slice_text(check_name(s->check, name)));
    put_target(object, s->check);
    json_put_text(object, "kind", slice_text(check_kind_text(s->check->kind)));
    json_put_text(object, "node", s->node);
    json_put_number(object, "every_ms", (uint64_t)s->check->every.ns / 1000000);
    json_put_number(object, "rise", s->rise);
    json_put_text(object, "verdict", slice_text(verdict_text(s->verdict)));
    if (s->since.ms > 0)
        json_put_time(object, "since", s->since);
    if (s->outcome.length > 0) {
        json_put_text(object, "outcome", s->outcome);
        json_put_time(object, "outcome_at", s->outcome_at);
        if (s->reply > 0)
            json_put_number(object, "reply", s->reply);
    }
    if (s->counted.by != VOTES_BY_NOBODY)
        put_count(object, &s->counted);
    return object;
}

double admin_fact_age_s(const struct fact *fact, struct wall facts_at, struct wall now)
{
    int64_t age_ms = fact->age_ms + now.ms - facts_at.ms;

    return age_ms < 0 ? 0 : (double)age_ms / 1000; // a clock that was set back
}

json_t *admin_check_facts_json(const struct admin_check_status *s, struct wall now)
{
    static const struct {
        enum report_kind kind;
        const char *key;
        double unit; // of the report, in those of the key
    } MEASURES[] = {
        { REPORT_LATENCY, "latency_us", 1 },
        { REPORT_RESPONSE, "response_us", 1 },
        { REPORT_EXCESS, "excess_us", 1 },
        { REPORT_ERRORS, "errors_share", 1e6 },
        { REPORT_CPU, "cpu_share", 1e6 },
        { REPORT_MEMORY, "memory_share", 1e6 },
        { REPORT_LOAD, "load_share", 1e6 },
        { REPORT_RATE, "rate_per_s", 1e3 },
        { REPORT_IN_FLIGHT, "in_flight", 1e3 },
    };
    json_t *object = admin_check_json(s);

    for (size_t i = 0; s->facts != NULL && i < COUNT_OF(MEASURES); i++) {
        const struct fact *fact = &s->facts[MEASURES[i].kind];
        json_t *measure;

        if (fact->sources == 0)
            continue;
        measure = json_object();
        json_put_real(measure, "value", (double)fact->measured / MEASURES[i].unit);
        json_put_real(measure, "spread", (double)fact->spread / MEASURES[i].unit);
        json_put_real(measure, "age_s", admin_fact_age_s(fact, s->facts_at, now));
        json_object_set_new(object, MEASURES[i].key, measure);
    }
    return object;
}

/* Names of checks may be alike; their ids are not. */
static void add_metric(struct metrics *m, const struct admin_check_status *s, const char *name,
    const char *help, double value)
{
    char check[CHECK_NAME_MAX], id[ID_TEXT_MAX];
    const struct metrics_label labels[] = {
        { SLICE("node"), s->node },
        { SLICE("check"), slice_text(check_name(s->check, check)) },
        { SLICE("id"), { id, sizeof id - 1 } },
    };

    snprintf(id, sizeof id, "%016" PRIx64, s->check->id);
    metrics_add_value(m, &(struct metrics_value){ .name = name,
                             .help = help,
                             .kind = COUNTER_GAUGE,
                             .labels = labels,
                             .label_count = COUNT_OF(labels),
                             .value = value });
}

static void add_seconds(struct metrics *m, const struct admin_check_status *s,
    enum report_kind kind, const char *name, const char *help)
{
    if (s->facts != NULL && s->facts[kind].sources > 0)
        add_metric(m, s, name, help, (double)s->facts[kind].measured / 1e6);
}

void admin_checks_metrics(struct metrics *m, const struct admin_check_status *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct admin_check_status *s = &checks[i];

        if (s->verdict != HEALTH_UNKNOWN)
            add_metric(m, s, "check_up", "What is measured is up, as this node sees it",
                s->verdict == HEALTH_UP);
        if (s->counted.by != VOTES_BY_NOBODY)
            add_metric(m, s, "check_counted_up",
                "What is measured is up by the count of votes, which answers go by",
                !s->counted.is_down);
        add_seconds(m, s, REPORT_LATENCY, "check_latency_seconds",
            "Round trip to what is measured, smoothed");
        add_seconds(m, s, REPORT_RESPONSE, "check_response_seconds",
            "Time to the whole answer of what is measured, smoothed");
    }
}
