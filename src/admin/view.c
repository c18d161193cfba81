// SPDX-License-Identifier: Apache-2.0
#include "admin/view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/status.h"
#include "base/hash.h"
#include "base/order.h"

/* One whose reports are held. */
struct observer_seen {
    uint64_t hash;
    struct slice name; // empty: not of this network
    uint64_t reports;
    struct wall newest;
    bool is_self;
};

/* What is gathered from one walk through a view. */
struct harvest {
    const struct admin_view *of;
    const struct admin_view_question *question;
    struct report *list; // the first of those asked for, and some more; room for twice the limit
    size_t count, found, held; // in the list; asked for; of all
    bool has_last;             // the list was full once: what comes after `last` is not told
    struct admin_view_place last;
    struct observer_seen *observers; // by hash
    size_t observer_count;
};

struct admin_unit admin_unit_of(enum report_kind kind)
{
    static const struct admin_unit UNITS[] = {
        [REPORT_LATENCY] = { "us", 1 },
        [REPORT_RESPONSE] = { "us", 1 },
        [REPORT_EXCESS] = { "us", 1 },
        [REPORT_ERRORS] = { "share", 1e6 },
        [REPORT_CPU] = { "share", 1e6 },
        [REPORT_MEMORY] = { "share", 1e6 },
        [REPORT_LOAD] = { "share", 1e6 },
        [REPORT_RATE] = { "per_s", 1e3 },
        [REPORT_IN_FLIGHT] = { "requests", 1e3 },
        [REPORT_HEALTH] = { "up", 1 },
    };

    static_assert(COUNT_OF(UNITS) == REPORT_KIND_COUNT, "each kind has a unit");
    assert((unsigned)kind < REPORT_KIND_COUNT);
    return UNITS[kind];
}

const char *admin_view_place_text(
    const struct admin_view_place *place, char text[VIEW_PLACE_TEXT_MAX])
{
    snprintf(text, VIEW_PLACE_TEXT_MAX, "%016" PRIx64 "%02x%016" PRIx64, place->check,
        (unsigned)place->kind & 0xff, place->observer);
    return text;
}

/* False: something in it is no hexadecimal digit. */
static bool hex_parse(struct slice digits, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.length; i++) {
        int digit = ascii_hex(digits.at[i]);

        if (digit < 0)
            return false;
        *number = *number << 4 | (uint64_t)digit;
    }
    return true;
}

bool admin_view_place_parse(struct slice text, struct admin_view_place *place)
{
    uint64_t kind;

    if (text.length != VIEW_PLACE_TEXT_MAX - 1 ||
        !hex_parse(slice_of(text.at, 16), &place->check) ||
        !hex_parse(slice_of(text.at + 16, 2), &kind) || kind >= REPORT_KIND_COUNT ||
        !hex_parse(slice_of(text.at + 18, 16), &place->observer))
        return false;
    place->kind = (enum report_kind)kind;
    return true;
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int place_order(const struct admin_view_place *a, const struct admin_view_place *b)
{
    if (a->check != b->check)
        return order(a->check, b->check);
    if (a->kind != b->kind)
        return order(a->kind, b->kind);
    return order(a->observer, b->observer);
}

static struct admin_view_place place_of(const struct report *report)
{
    return (struct admin_view_place){ report->check, report->kind, report->observer };
}

static int by_place(const void *left, const void *right)
{
    const struct admin_view_place a = place_of(left), b = place_of(right);

    return place_order(&a, &b);
}

/* Those with a name first, by it, and the node's own before all. */
static int by_name(const void *left, const void *right)
{
    const struct observer_seen *a = left, *b = right;

    if (a->is_self != b->is_self)
        return a->is_self ? -1 : 1;
    if ((a->name.length == 0) != (b->name.length == 0))
        return a->name.length == 0 ? 1 : -1;
    return a->name.length == 0 ? order(a->hash, b->hash) : slice_order(a->name, b->name);
}

static struct slice name_of(const struct network *network, uint64_t observer)
{
    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++)
            if (hash_bytes(network->pops[i].nodes[j].name, 0) == observer)
                return network->pops[i].nodes[j].name;
    return SLICE_NONE;
}

/* Where it is among the observers, or would be. */
static size_t observer_at(const struct harvest *h, uint64_t hash)
{
    size_t from = 0, to = h->observer_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (h->observers[middle].hash < hash)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* NULL when there is no room for it in the list. */
static struct observer_seen *observer_of(struct harvest *h, uint64_t hash)
{
    size_t at = observer_at(h, hash);
    struct observer_seen *seen = &h->observers[at];

    if (at < h->observer_count && seen->hash == hash)
        return seen;
    if (h->observer_count == VIEW_OBSERVERS_TOLD_MAX)
        return NULL;
    memmove(seen + 1, seen, (h->observer_count - at) * sizeof *seen);
    h->observer_count++;
    *seen = (struct observer_seen){ .hash = hash, .name = name_of(h->of->network, hash) };
    seen->is_self = slice_equal(seen->name, h->of->rows->self->name);
    return seen;
}

/*
 * A view may hold far more than is asked for, in no order. So what comes goes into a list of twice
 * the limit, which is sorted and cut to the limit whenever it is full; from then on, what would
 * come after the last of the list is passed over.
 */
static void harvest_cut(struct harvest *h)
{
    qsort(h->list, h->count, sizeof *h->list, by_place);
    if (h->count < h->question->limit)
        return;
    h->count = h->question->limit;
    h->last = place_of(&h->list[h->count - 1]);
    h->has_last = true;
}

static void harvest_report(void *to, const struct report *report)
{
    struct harvest *h = to;
    struct observer_seen *seen = observer_of(h, report->observer);
    const struct admin_view_place place = place_of(report);

    h->held++;
    if (seen != NULL) {
        seen->reports++;
        if (report->at.ms > seen->newest.ms)
            seen->newest = report->at;
    }
    if (h->question->has_after && place_order(&place, &h->question->after) <= 0)
        return;
    h->found++;
    if (h->has_last && place_order(&place, &h->last) > 0)
        return;
    h->list[h->count++] = *report;
    if (h->count == 2 * h->question->limit)
        harvest_cut(h);
}

static double age_s(struct wall at, struct wall now)
{
    return at.ms > now.ms ? 0 : (double)(now.ms - at.ms) / 1000; // of a clock that is ahead
}

static void put_name(json_t *object, const char *key, struct slice name, uint64_t hash)
{
    char id[ADMIN_RELEASE_TEXT_MAX];

    json_put_text(object, key, name.length > 0 ? name : slice_text(admin_release_text(hash, id)));
}

static json_t *report_json(const struct harvest *h, const struct report *report)
{
    const struct checks *checks = h->of->rows->checks;
    const struct admin_unit unit = admin_unit_of(report->kind);
    uint32_t check = checks_find(checks, report->check);
    size_t seen = observer_at(h, report->observer);
    bool is_seen = seen < h->observer_count && h->observers[seen].hash == report->observer;
    json_t *object = json_object();
    char name[CHECK_NAME_MAX] = "", id[ADMIN_RELEASE_TEXT_MAX];

    if (check != CHECK_NONE)
        check_name(&checks->list[check], name);
    put_name(object, "observer",
        is_seen ? h->observers[seen].name : name_of(h->of->network, report->observer),
        report->observer);
    put_name(object, "check", slice_text(name), report->check);
    json_put_text(object, "check_id", slice_text(admin_release_text(report->check, id)));
    json_put_text(object, "kind", slice_text(report_kind_text(report->kind)));
    json_put_text(object, "unit", slice_text(unit.text));
    json_put_real(object, "value", (double)report->value / unit.per);
    json_put_real(object, "spread", (double)report->spread / unit.per);
    json_put_real(object, "evidence", (double)report->evidence / 1000);
    json_put_real(object, "age_s", age_s(report->at, h->of->now));
    return object;
}

static json_t *observer_json(const struct harvest *h, const struct observer_seen *seen)
{
    json_t *object = json_object();

    put_name(object, "name", seen->name, seen->hash);
    json_put_flag(object, "is_self", seen->is_self);
    json_put_flag(object, "is_known", seen->name.length > 0);
    json_put_number(object, "reports", seen->reports);
    json_put_real(object, "age_s", age_s(seen->newest, h->of->now));
    return object;
}

void admin_view_write(const struct admin_view *view, const struct admin_view_question *question,
    struct arena *arena, struct text *out)
{
    struct harvest h = { .of = view, .question = question };
    json_t *object = json_object(), *reports = json_array(), *observers = json_array();
    char text[VIEW_PLACE_TEXT_MAX];

    assert(question->limit > 0 && question->limit <= VIEW_TOLD_MAX);
    h.list = arena_array(arena, 2 * question->limit, sizeof *h.list);
    h.observers = arena_array(arena, VIEW_OBSERVERS_TOLD_MAX, sizeof *h.observers);
    view_each(view->view, harvest_report, &h);
    harvest_cut(&h);
    for (size_t i = 0; i < h.count; i++)
        json_array_append_new(reports, report_json(&h, &h.list[i]));
    if (h.observer_count > 0)
        qsort(h.observers, h.observer_count, sizeof *h.observers, by_name);
    for (size_t i = 0; i < h.observer_count; i++)
        json_array_append_new(observers, observer_json(&h, &h.observers[i]));
    json_put_text(object, "node", view->rows->self->name);
    json_put_time(object, "now", view->now);
    json_put_number(object, "reports_held", h.held);
    json_put_number(object, "reports_after", h.found - h.count);
    if (h.found > h.count)
        json_put_text(object, "after", slice_text(admin_view_place_text(&h.last, text)));
    json_object_set_new(object, "observers", observers);
    json_object_set_new(object, "reports", reports);
    json_write(object, out);
}
