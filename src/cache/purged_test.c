// SPDX-License-Identifier: Apache-2.0
/* The store under purges: what is found, who joins whom, and that no thread finds what was purged
 * before it looked. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "cache/bench_test.h"
#include "cache/purges.h"

static const struct slice TAGGED = { "Surrogate-Key: s t\r\nCache-Tag: u\r\nETag: \"e\"\r\n", 45 };

static void purge(struct bench *b, enum purge_kind kind, const char *text, bool is_soft)
{
    purges_add(store_purges(b->store), kind, SLICE("a.example"), slice_text(text), is_soft);
}

static void head(struct bench *b, struct store_fill *fill, int64_t bytes)
{
    assert_int_equal(store_fill_head(fill, &b->reader, 200, TAGGED, &META, bytes), ERR_NONE);
}

static void finish(struct bench *b, struct store_fill *fill)
{
    assert_int_equal(store_fill_finish(fill, &b->reader), ERR_NONE);
    store_fill_unref(fill, &b->reader);
}

static struct cache_object *put_tagged(struct bench *b, unsigned number)
{
    struct store_fill *fill = claim(b, number, find(b, number));

    head(b, fill, 0);
    finish(b, fill);
    return find(b, number);
}

static void what_is_gone_is_not_found_and_counted(void **state)
{
    struct bench *b = *state;
    struct store_stats stats;

    put(b, 1, 10, true);
    put(b, 2, 10, true);
    purge(b, PURGE_URL, "/1", false);
    assert_null(find(b, 1));
    assert_non_null(find(b, 2));
    store_stats(b->store, &stats);
    assert_int_equal(stats.found_gone, 1);
    assert_int_equal(stats.found_stale, 0);
}

static void what_is_stale_is_found_and_says_so(void **state)
{
    struct bench *b = *state;
    struct store_stats stats;

    put(b, 1, 10, true);
    assert_int_equal(store_purged(b->store, find(b, 1)), PURGED_NOT);
    purge(b, PURGE_URL, "/1", true);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(store_purged(b->store, find(b, 1)), PURGED_STALE);
    purges_doubt(store_purges(b->store), true);
    put(b, 2, 10, true);
    assert_int_equal(store_purged(b->store, find(b, 1)), PURGED_STALE);
    assert_int_equal(store_purged(b->store, find(b, 2)), PURGED_NOT);
    purges_doubt(store_purges(b->store), true);
    assert_int_equal(store_purged(b->store, find(b, 2)), PURGED_DOUBT);
    store_stats(b->store, &stats);
    assert_int_equal(stats.found_gone, 0);
    assert_int_equal(stats.found_stale, 4);
}

static void tags_are_kept_and_not_sent(void **state)
{
    struct bench *b = *state;
    const struct cache_object *object = put_tagged(b, 1);
    struct cache_meta meta;

    assert_true(slice_equal(cache_object_fields(object), SLICE("ETag: \"e\"\r\n")));
    assert_true(slice_equal(cache_object_kept_fields(object), TAGGED));
    cache_object_meta(object, &meta);
    assert_true(slice_equal(meta.etag, SLICE("\"e\"")));
    purge(b, PURGE_TAG, "v", false);
    assert_non_null(find(b, 1));
    purge(b, PURGE_TAG, "u", false);
    assert_null(find(b, 1));
}

static void what_began_before_a_purge_is_purged_when_it_comes(void **state)
{
    struct bench *b = *state;
    struct store_fill *fill = claim(b, 1, NULL);

    purge(b, PURGE_TAG, "t", false);
    head(b, fill, -1);
    assert_null(find(b, 1));
    assert_int_equal(append(b, fill, 1, 10), ERR_NONE);
    finish(b, fill); // which makes a smaller copy of it
    assert_null(find(b, 1));
    assert_non_null(put_tagged(b, 1));
}

static void a_fill_that_a_purge_matches_goes_on_beside_the_new_one(void **state)
{
    struct bench *b = *state;
    struct store_fill *old = claim(b, 1, NULL);

    head(b, old, 20);
    assert_int_equal(append(b, old, 1, 10), ERR_NONE);
    purge(b, PURGE_TAG, "s", false);
    struct store_fill *new = claim(b, 1, NULL);

    assert_ptr_not_equal(old, new);
    assert_null(find(b, 1));
    head(b, new, 0);
    finish(b, new);
    assert_int_equal(append(b, old, 1, 10), ERR_NONE);
    assert_int_equal(store_fill_finish(old, &b->reader), ERR_NONE);
    check_body(store_fill_object(old), 1, 20);
    assert_int_equal(cache_object_length(find(b, 1)), 0);
    store_fill_unref(old, &b->reader);
}

static bool joins(struct bench *b, unsigned number, struct store_fill *running)
{
    struct cache_key key = key_of(b, number);
    struct store_fill *fill = NULL;
    enum store_claim claim = store_claim(b->store, &b->reader, &key, NULL, &fill);
    bool is_joined = claim == STORE_JOINED && fill == running;

    if (claim == STORE_CLAIMED)
        store_fill_fail(fill, &b->reader, (struct wall){ 0 });
    store_fill_unref(fill, &b->reader);
    return is_joined;
}

static void before_its_head_a_fill_may_have_any_tag(void **state)
{
    struct bench *b = *state;
    struct store_fill *first = claim(b, 1, NULL), *second = claim(b, 2, NULL);

    purge(b, PURGE_URL, "/3", false);
    assert_true(joins(b, 1, first));
    head(b, second, 1);
    purge(b, PURGE_TAG, "other", true);
    assert_false(joins(b, 1, first));
    assert_true(joins(b, 2, second));
    store_fill_fail(first, &b->reader, (struct wall){ 0 });
    store_fill_fail(second, &b->reader, (struct wall){ 0 });
    store_fill_unref(first, &b->reader);
    store_fill_unref(second, &b->reader);
}

static void a_refreshed_object_is_as_young_as_its_fill(void **state)
{
    struct bench *b = *state;
    struct cache_object *stale = put_tagged(b, 1);

    purge(b, PURGE_URL, "/1", true);
    struct store_fill *fill = claim(b, 1, stale);

    assert_int_equal(store_fill_refresh(fill, &b->reader, 200, TAGGED, &META), ERR_NONE);
    store_fill_unref(fill, &b->reader);
    assert_int_equal(store_purged(b->store, find(b, 1)), PURGED_NOT);
    fill = claim(b, 1, find(b, 1));
    purge(b, PURGE_URL, "/1", false);
    assert_int_equal(store_fill_refresh(fill, &b->reader, 200, TAGGED, &META), ERR_NONE);
    store_fill_unref(fill, &b->reader);
    assert_null(find(b, 1));
}

static void what_is_gone_or_half_there_is_nothing_to_validate(void **state)
{
    struct bench *b = *state;
    struct cache_object *object = put_tagged(b, 1);

    purge(b, PURGE_SITE, "", false);
    struct store_fill *fill = claim(b, 1, object);

    assert_null(store_fill_stale(fill));
    head(b, fill, 10);
    object = find(b, 1);
    purge(b, PURGE_SITE, "", true);
    struct store_fill *next = claim(b, 1, object);

    assert_null(store_fill_stale(next));
    store_fill_fail(next, &b->reader, (struct wall){ 0 });
    store_fill_fail(fill, &b->reader, (struct wall){ 0 });
    store_fill_unref(next, &b->reader);
    store_fill_unref(fill, &b->reader);
}

/* Fails, and leaves a mark for others not to wait. */
static void give_up(struct bench *b, unsigned number)
{
    struct store_fill *fill = claim(b, number, NULL);

    store_fill_fail(fill, &b->reader, (struct wall){ 1000 });
    store_fill_unref(fill, &b->reader);
}

static void marks_are_purged_too(void **state)
{
    struct bench *b = *state;

    give_up(b, 1);
    assert_int_equal(cache_object_kind(find(b, 1)), CACHE_KIND_PASS);
    purge(b, PURGE_URL, "/1", false);
    assert_null(find(b, 1));
    give_up(b, 1);
    assert_int_equal(cache_object_kind(find(b, 1)), CACHE_KIND_PASS); // younger than the purge

    struct store_fill *fill = claim(b, 2, NULL);
    struct cache_key second = cache_key_of(SLICE("a.example/2\n0"), store_seed(b->store));

    assert_int_equal(store_fill_vary(fill, &b->reader, SLICE("x"), 1, &second), ERR_NONE);
    head(b, fill, 0);
    finish(b, fill);
    purge(b, PURGE_TAG, "t", false);
    assert_int_equal(cache_object_kind(find(b, 2)), CACHE_KIND_VARY);
    assert_null(store_find(b->store, &second));
    purge(b, PURGE_URL, "/2", false);
    assert_null(find(b, 2));
}

static void graces_are_kept_to_a_thousandth_and_never_longer(void **state)
{
    static const int64_t graces[] = { 0, 1, 2047, 2048, 2049, 86400, 604800, 31536000,
        INT64_C(2147483647), INT64_C(2147483648) };
    struct bench *b = *state;

    for (unsigned i = 0; i < COUNT_OF(graces); i++) {
        struct cache_meta meta = { .stale_if_error_s = graces[i],
            .stale_while_revalidate_s = graces[COUNT_OF(graces) - 1 - i] };
        struct store_fill *fill = claim(b, i, NULL);

        assert_int_equal(store_fill_head(fill, &b->reader, 200, FIELDS, &meta, 0), ERR_NONE);
        finish(b, fill);
        cache_object_freshness(find(b, i), &meta);
        assert_in_range(meta.stale_if_error_s, graces[i] - graces[i] / 1000, graces[i]);
        if (graces[i] < 2048)
            assert_int_equal(meta.stale_if_error_s, graces[i]);
        assert_in_range(meta.stale_while_revalidate_s,
            graces[COUNT_OF(graces) - 1 - i] - graces[COUNT_OF(graces) - 1 - i] / 1000,
            graces[COUNT_OF(graces) - 1 - i]);
    }
}

enum { THREADS = 3, KEYS = 24, VERSIONS = 40000 };

/* Control changes a key, purges it, and says so; the version is the status of what is stored. */
struct race {
    struct epoch epoch;
    struct store *store;
    _Atomic unsigned current[KEYS], least[KEYS];
    _Atomic bool is_over;
    _Atomic unsigned wrong, found, stored;
};

static struct cache_key race_key(const struct race *r, unsigned number, char text[static 32])
{
    int length = snprintf(text, 32, "a.example/dir/%u", number);

    return cache_key_of(slice_of(text, (size_t)length), store_seed(r->store));
}

static void race_fill(
    struct race *r, struct epoch_reader *reader, struct store_fill *fill, unsigned number)
{
    unsigned version = atomic_load(&r->current[number]);
    char fields[64];
    int length = snprintf(fields, sizeof fields, "Surrogate-Key: x%u y\r\n", number);

    if (store_fill_head(fill, reader, (uint16_t)version, slice_of(fields, (size_t)length), &META,
            version % 3) != ERR_NONE)
        return;
    enum err err = store_fill_append(fill, reader, slice_head(SLICE("ab"), version % 3));

    if (err == ERR_NONE)
        err = store_fill_finish(fill, reader);
    atomic_fetch_add(err == ERR_NONE ? &r->stored : &r->wrong, 1);
}

static void race_once(struct race *r, struct epoch_reader *reader, unsigned number)
{
    char text[32];
    struct cache_key key = race_key(r, number, text);
    unsigned least = atomic_load(&r->least[number]);
    struct cache_object *found = store_find(r->store, &key);
    struct store_fill *fill;
    bool is_usable = found != NULL && store_purged(r->store, found) == PURGED_NOT;

    if (is_usable) {
        atomic_fetch_add(&r->wrong, cache_object_status(found) < least);
        atomic_fetch_add(&r->found, 1);
        return;
    }
    switch (store_claim(r->store, reader, &key, found, &fill)) {
    case STORE_CLAIMED:
        race_fill(r, reader, fill, number);
        store_fill_unref(fill, reader);
        break;
    case STORE_JOINED:
        found = store_fill_object(fill);
        if (cache_object_state(found) != CACHE_STATE_WAITING)
            atomic_fetch_add(&r->wrong, cache_object_status(found) < least);
        store_fill_unref(fill, reader);
        break;
    case STORE_FOUND: break;
    case STORE_FULL: atomic_fetch_add(&r->wrong, 1); break;
    }
}

static void *race_run(void *argument)
{
    struct race *r = argument;
    struct epoch_reader reader;

    epoch_join(&r->epoch, &reader);
    for (unsigned i = 0; !atomic_load(&r->is_over); i++) {
        epoch_enter(&reader);
        race_once(r, &reader, i * 7 % KEYS);
        epoch_rest(&reader);
        epoch_collect(&reader);
    }
    epoch_leave(&reader);
    return NULL;
}

static void change(struct race *r, unsigned i)
{
    unsigned number = (unsigned)(hash_mix(i + 1) % KEYS), kind = i % 4;
    unsigned version = atomic_fetch_add(&r->current[number], 1) + 1;
    char text[32];

    snprintf(text, sizeof text, kind == PURGE_TAG ? "x%u" : "/dir/%u", number);
    purges_add(store_purges(r->store), (enum purge_kind)kind, SLICE("a.example"),
        kind == PURGE_SITE ? SLICE_NONE : slice_text(text), i % 5 == 0);
    atomic_store(&r->least[number], version);
}

static void no_thread_uses_what_was_purged_before_it_looked(void **)
{
    const struct store_limits limits = { 8 * MIB, 4 * MIB, THREADS };
    struct race r = { .found = 0 };
    pthread_t threads[THREADS];

    epoch_init(&r.epoch);
    assert_int_equal(store_new(&limits, 5, &r.store, NULL), ERR_NONE);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race_run, &r), 0);
    for (unsigned i = 0; i < VERSIONS; i++) {
        change(&r, i);
        if (i % 64 == 0)
            sched_yield();
    }
    atomic_store(&r.is_over, true);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    print_message("# found %u stored %u\n", r.found, r.stored);
    assert_int_equal(r.wrong, 0);
    assert_true(r.found > 0 && r.stored > KEYS);
    store_free(r.store);
    epoch_done(&r.epoch);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(what_is_gone_is_not_found_and_counted),
        CASE(what_is_stale_is_found_and_says_so),
        CASE(tags_are_kept_and_not_sent),
        CASE(what_began_before_a_purge_is_purged_when_it_comes),
        CASE(a_fill_that_a_purge_matches_goes_on_beside_the_new_one),
        CASE(before_its_head_a_fill_may_have_any_tag),
        CASE(a_refreshed_object_is_as_young_as_its_fill),
        CASE(what_is_gone_or_half_there_is_nothing_to_validate),
        CASE(marks_are_purged_too),
        CASE(graces_are_kept_to_a_thousandth_and_never_longer),
        cmocka_unit_test(no_thread_uses_what_was_purged_before_it_looked),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
