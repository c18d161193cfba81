// SPDX-License-Identifier: Apache-2.0
/*
 * Any reports in any order at any time: the view holds its limits, and facts drawn of it lie within
 * their ranges and are older than the epoch. The first byte of the input says in which order a
 * second view hears them; where no two of one place have the same stamp, both hold equal facts.
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "steer/view.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { REPORTS_MAX = 256, NOW_MS = VIEW_KEPT_MS * 2 };

static const struct check CHECKS[] = {
    { .id = 0, .every = { INT64_C(1000000000) } },
    { .id = 1, .every = { INT64_C(3600000000000) } },
    { .id = 2 },
};

static const struct checks LIST = { .list = CHECKS, .count = COUNT_OF(CHECKS) };

/* One report in the input; short, so that most inputs make many. */
struct scrap {
    uint8_t observer, check, kind, scale;
    int16_t value, spread;
    uint16_t evidence;
    int16_t seconds;
};

static struct report report_of(const struct scrap *scrap)
{
    int64_t scale = INT64_C(1) << scrap->scale % 41;

    return (struct report){ .observer = scrap->observer % 8,
        .check = scrap->check % 4,
        .kind = (enum report_kind)(scrap->kind % (REPORT_KIND_COUNT + 1)),
        .value = scrap->value * scale,
        .spread = scrap->spread * scale,
        .evidence = scrap->evidence,
        .at = { NOW_MS + scrap->seconds * INT64_C(499) } };
}

static size_t read_reports(const unsigned char *data, size_t size, struct report *reports)
{
    size_t count = 0;

    for (; count < REPORTS_MAX && size >= sizeof(struct scrap); count++) {
        struct scrap scrap;

        memcpy(&scrap, data, sizeof scrap);
        data += sizeof scrap;
        size -= sizeof scrap;
        reports[count] = report_of(&scrap);
    }
    return count;
}

static bool stamps_are_distinct(const struct report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (reports[i].observer == reports[j].observer &&
                reports[i].check == reports[j].check && reports[i].kind == reports[j].kind &&
                reports[i].at.ms == reports[j].at.ms)
                return false;
    return true;
}

static struct view *view_of(const struct report *reports, size_t count)
{
    struct view *view = view_new();

    for (size_t i = 0; i < count; i++)
        (void)view_take(view, &reports[i], (struct wall){ NOW_MS });
    return view;
}

static void look_at(const struct fact *fact, enum report_kind kind, bool is_own)
{
    if (fact->sources == 0) {
        assert(fact->value == 0 && fact->measured == 0 && fact->spread == 0 && fact->age_ms == 0);
        return;
    }
    assert(fact->measured >= 0 && fact->measured <= fact->value);
    assert(fact->value <= report_most(kind));
    assert(fact->spread >= 0 && fact->spread <= report_most(kind));
    assert(fact->age_ms > 0 && fact->age_ms <= VIEW_USED_MS);
    assert(fact->sources <= (is_own ? 1 : 8));
}

static bool is_equal(const struct fact *a, const struct fact *b)
{
    return a->value == b->value && a->measured == b->measured && a->spread == b->spread &&
           a->age_ms == b->age_ms && a->sources == b->sources;
}

static void compare(
    const struct view *one, const struct view *other, struct wall epoch, bool must_agree)
{
    struct arena arena;

    arena_init(&arena, SIZE_MAX);
    const struct facts *left = view_facts(one, &arena, &LIST, NULL, 1, epoch);
    const struct facts *right = view_facts(other, &arena, &LIST, NULL, 1, epoch);

    for (size_t i = 0; i < left->count; i++)
        for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
            const struct check_facts *a = &left->checks[i], *b = &right->checks[i];

            look_at(&a->all[kind], (enum report_kind)kind, false);
            look_at(&a->own[kind], (enum report_kind)kind, true);
            assert(a->own[kind].sources <= a->all[kind].sources ||
                   a->own[kind].age_ms > a->all[kind].age_ms);
            assert(!must_agree || is_equal(&a->all[kind], &b->all[kind]));
            assert(!must_agree || is_equal(&a->own[kind], &b->own[kind]));
        }
    arena_done(&arena);
}

static void count_report(void *to, const struct report *report)
{
    assert(report_is_sane(report));
    ++*(size_t *)to;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct report reports[REPORTS_MAX];
    size_t held = 0;

    if (size == 0)
        return 0;
    size_t count = read_reports(data + 1, size - 1, reports);
    bool must_agree = stamps_are_distinct(reports, count);
    struct view *one = view_of(reports, count);

    for (size_t i = count; i > 1; i--) {
        size_t with = (size_t)(hash_mix(data[0] + i) % i);
        struct report kept = reports[i - 1];

        reports[i - 1] = reports[with];
        reports[with] = kept;
    }
    struct view *other = view_of(reports, count);

    view_each(one, count_report, &held);
    assert(held <= count);
    for (int64_t ms = 0; ms <= STEER_EPOCH_MS; ms += STEER_EPOCH_MS)
        compare(one, other, (struct wall){ NOW_MS - NOW_MS % STEER_EPOCH_MS + ms }, must_agree);
    view_sweep(other, (struct wall){ NOW_MS }); // nothing that facts would use
    compare(one, other, (struct wall){ NOW_MS }, must_agree);
    view_sweep(one, (struct wall){ NOW_MS * INT64_C(10) });
    held = 0;
    view_each(one, count_report, &held);
    assert(held == 0);
    view_free(one);
    view_free(other);
    return 0;
}
