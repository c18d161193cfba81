// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/bench_test.h"

static void what_was_stored_is_found_as_it_was(void **state)
{
    struct bench *b = *state;
    struct cache_meta meta;

    put(b, 1, 1000, true);
    struct cache_object *object = find(b, 1);

    assert_non_null(object);
    assert_null(find(b, 2));
    assert_int_equal(cache_object_kind(object), CACHE_KIND_OBJECT);
    assert_int_equal(cache_object_state(object), CACHE_STATE_COMPLETE);
    assert_int_equal(cache_object_status(object), 200);
    assert_int_equal(cache_object_total(object), 1000);
    assert_true(slice_equal(cache_object_fields(object), FIELDS));
    assert_true(slice_equal(cache_object_key(object), SLICE("a.example/1")));
    cache_object_meta(object, &meta);
    assert_int_equal(meta.received.ms, 5000);
    assert_int_equal(meta.age_s, 1);
    assert_true(meta.lifetime_s == INT64_C(2147483648));
    assert_int_equal(meta.stale_if_error_s, 3);
    assert_int_equal(meta.stale_while_revalidate_s, 4);
    assert_true(meta.always_revalidate);
    assert_false(meta.must_revalidate || meta.serves_authorized);
    assert_true(slice_equal(meta.etag, SLICE("\"e\"")));
    assert_int_equal(meta.last_modified.length, 0);
    check_body(object, 1, 1000);
}

static void bodies_of_all_sizes_come_back_whole(void **state)
{
    static const uint64_t sizes[] = { 0, 1, 4095, 4096, 4097, 20479, 20480, 20481, 65000, 65536,
        65537, 131072, 262143, 262144, 262145, 300000, 1 << 20, (1 << 20) + 1, 3000000 };
    struct bench *b = *state;

    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
        put(b, i, sizes[i], true);
        check_body(find(b, i), i, sizes[i]);
        put(b, 100 + i, sizes[i], false);
        check_body(find(b, 100 + i), 100 + i, sizes[i]);
        assert_int_equal(cache_object_total(find(b, 100 + i)), sizes[i]);
        turn(b);
    }
}

static void a_large_body_can_be_read_from_anywhere(void **state)
{
    const uint64_t bytes = 7 * MIB + 12345;
    struct bench *b = *state;
    struct iovec iov;

    put(b, 1, bytes, true);
    for (uint64_t offset = 0; offset < bytes; offset += 9973) {
        assert_int_equal(cache_object_read(find(b, 1), offset, &iov, 1), 1);
        assert_int_equal(*(const char *)iov.iov_base, byte_at(1, offset));
    }
}

static void the_second_to_miss_joins_the_first(void **state)
{
    struct bench *b = *state;
    struct store_fill *first = claim(b, 1, NULL), *second = NULL;
    struct cache_key key = key_of(b, 1);

    assert_null(find(b, 1));
    assert_int_equal(store_claim(b->store, &b->reader, &key, NULL, &second), STORE_JOINED);
    assert_ptr_equal(first, second);
    assert_int_equal(cache_object_state(store_fill_object(second)), CACHE_STATE_WAITING);
    assert_int_equal(store_fill_head(first, &b->reader, 200, FIELDS, &META, 10), ERR_NONE);
    assert_ptr_equal(find(b, 1), store_fill_object(second));
    assert_int_equal(cache_object_state(find(b, 1)), CACHE_STATE_READING);
    assert_int_equal(append(b, first, 1, 4), ERR_NONE);
    check_body(find(b, 1), 1, 4);
    assert_int_equal(cache_object_total(find(b, 1)), 10);
    assert_int_equal(append(b, first, 1, 6), ERR_NONE);
    assert_int_equal(store_fill_finish(first, &b->reader), ERR_NONE);
    key = key_of(b, 1);
    struct store_fill *third = NULL;

    assert_int_equal(store_claim(b->store, &b->reader, &key, NULL, &third), STORE_FOUND);
    store_fill_unref(first, &b->reader);
    turn(b);
    check_body(store_fill_object(second), 1, 10);
    store_fill_unref(second, &b->reader);
}

static void a_body_that_is_not_as_long_as_announced_fails(void **state)
{
    struct bench *b = *state;
    struct store_fill *fill = claim(b, 1, NULL);

    assert_int_equal(store_fill_head(fill, &b->reader, 200, FIELDS, &META, 10), ERR_NONE);
    assert_int_equal(append(b, fill, 1, 9), ERR_NONE);
    assert_int_equal(store_fill_finish(fill, &b->reader), ERR_RANGE);
    assert_int_equal(cache_object_state(store_fill_object(fill)), CACHE_STATE_FAILED);
    check_body(store_fill_object(fill), 1, 9);
    assert_null(find(b, 1));
    store_fill_unref(fill, &b->reader);

    fill = claim(b, 1, NULL);
    assert_int_equal(store_fill_head(fill, &b->reader, 200, FIELDS, &META, 10), ERR_NONE);
    assert_int_equal(append(b, fill, 1, 11), ERR_RANGE);
    assert_null(find(b, 1));
    store_fill_unref(fill, &b->reader);
}

static void a_body_larger_than_allowed_is_refused(void **state)
{
    struct bench *b = *state;
    struct store_fill *fill = claim(b, 1, NULL);
    struct store_stats stats;

    assert_int_equal(store_fill_head(fill, &b->reader, 200, FIELDS, &META, 8 * MIB + 1), ERR_LIMIT);
    store_fill_unref(fill, &b->reader);
    fill = claim(b, 1, NULL);
    assert_int_equal(store_fill_head(fill, &b->reader, 200, FIELDS, &META, -1), ERR_NONE);
    assert_int_equal(append(b, fill, 1, 8 * MIB + 1), ERR_LIMIT);
    assert_null(find(b, 1));
    store_fill_unref(fill, &b->reader);
    store_stats(b->store, &stats);
    assert_int_equal(stats.refused_large, 2);
}

static void a_failed_fill_may_leave_a_mark_to_pass(void **state)
{
    struct bench *b = *state;
    struct store_fill *fill = claim(b, 1, NULL);

    store_fill_fail(fill, &b->reader, NOW);
    store_fill_unref(fill, &b->reader);
    struct cache_object *marker = find(b, 1);

    assert_non_null(marker);
    assert_int_equal(cache_object_kind(marker), CACHE_KIND_PASS);
    assert_int_equal(cache_object_state(marker), CACHE_STATE_COMPLETE);
    assert_true(cache_object_until(marker).ms == NOW.ms);
    fill = claim(b, 1, marker);
    store_fill_fail(fill, &b->reader, (struct wall){ 0 });
    store_fill_unref(fill, &b->reader);
    assert_ptr_equal(find(b, 1), marker);
}

static void what_varies_leaves_a_mark_and_moves(void **state)
{
    struct bench *b = *state;
    struct store_fill *fill = claim(b, 1, NULL), *joined = NULL;
    struct cache_key second = cache_key_of(SLICE("a.example/1\nbr"), store_seed(b->store));
    uint64_t salt = store_salt_new(b->store);

    assert_true(store_salt_new(b->store) != salt);
    assert_false(store_fill_has_moved(fill));
    assert_int_equal(
        store_fill_vary(fill, &b->reader, SLICE("accept-encoding"), salt, &second), ERR_NONE);
    assert_true(store_fill_has_moved(fill));
    struct cache_object *marker = find(b, 1);

    assert_int_equal(cache_object_kind(marker), CACHE_KIND_VARY);
    assert_true(cache_object_salt(marker) == salt);
    assert_true(slice_equal(cache_object_fields(marker), SLICE("accept-encoding")));
    assert_int_equal(store_claim(b->store, &b->reader, &second, NULL, &joined), STORE_JOINED);
    assert_ptr_equal(fill, joined);
    assert_int_equal(store_fill_head(fill, &b->reader, 200, FIELDS, &META, 5), ERR_NONE);
    assert_int_equal(append(b, fill, 1, 5), ERR_NONE);
    assert_int_equal(store_fill_finish(fill, &b->reader), ERR_NONE);
    store_fill_unref(fill, &b->reader);
    store_fill_unref(joined, &b->reader);
    check_body(store_find(b->store, &second), 1, 5);
    assert_int_equal(cache_object_kind(find(b, 1)), CACHE_KIND_VARY);
}

static void refresh(struct bench *b, uint64_t bytes, bool is_known)
{
    struct cache_meta meta = { .received = NOW, .lifetime_s = 60 };

    put(b, 1, bytes, is_known);
    struct cache_object *stale = find(b, 1);
    struct store_fill *fill = claim(b, 1, stale);

    assert_ptr_equal(find(b, 1), stale); // stays until it is replaced
    assert_ptr_equal(store_fill_stale(fill), stale);
    assert_int_equal(store_fill_refresh(fill, &b->reader, 200, SLICE("Y: 2\r\n"), &meta), ERR_NONE);
    struct cache_object *fresh = find(b, 1);

    assert_true(fresh != stale);
    assert_ptr_equal(store_fill_object(fill), fresh);
    check_body(stale, 1, bytes);
    store_fill_unref(fill, &b->reader);
    for (unsigned i = 0; i < 3; i++)
        turn(b);
    assert_ptr_equal(find(b, 1), fresh);
    assert_true(slice_equal(cache_object_fields(fresh), SLICE("Y: 2\r\n")));
    check_body(fresh, 1, bytes);
}

static void a_304_gives_the_same_body_a_new_head(void **state)
{
    static const uint64_t sizes[] = { 0, 100, 5000, 70000, 262144, 2000000 };
    struct bench *b = *state;
    struct cache_key key;

    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
        for (unsigned known = 0; known < 2; known++) {
            refresh(b, sizes[i], known == 1);
            key = key_of(b, 1);
            store_drop(b->store, &b->reader, &key);
            for (unsigned turns = 0; turns < 3; turns++)
                turn(b);
            assert_int_equal(used(b), 0);
        }
    }
}

static void what_is_dropped_is_gone_at_once_and_stays_for_its_readers(void **state)
{
    struct bench *b = *state;

    put(b, 1, 300000, true);
    struct cache_object *object = find(b, 1);
    struct cache_key key = key_of(b, 1);

    cache_object_ref(object);
    store_drop(b->store, &b->reader, &key);
    assert_null(find(b, 1));
    for (unsigned i = 0; i < 3; i++)
        turn(b);
    check_body(object, 1, 300000);
    cache_object_unref(b->store, &b->reader, object);
    check_body(object, 1, 300000); // until the turn's end
    for (unsigned i = 0; i < 3; i++)
        turn(b);
    assert_int_equal(used(b), 0);
}

static void who_takes_a_reference_in_the_last_turn_keeps_the_object(void **state)
{
    struct bench *b = *state;

    put(b, 1, 100, true);
    struct cache_object *object = find(b, 1);
    struct cache_key key = key_of(b, 1);

    store_drop(b->store, &b->reader, &key); // without references: waits to be freed
    cache_object_ref(object);
    for (unsigned i = 0; i < 3; i++)
        turn(b);
    check_body(object, 1, 100);
    cache_object_unref(b->store, &b->reader, object);
    for (unsigned i = 0; i < 3; i++)
        turn(b);
    assert_int_equal(used(b), 0);
    put(b, 1, 100, true);
    object = find(b, 1);
    key = key_of(b, 1);
    store_drop(b->store, &b->reader, &key);
    cache_object_ref(object); // and gives it up within the same turn
    cache_object_unref(b->store, &b->reader, object);
    check_body(object, 1, 100);
    for (unsigned i = 0; i < 4; i++)
        turn(b);
    assert_int_equal(used(b), 0);
}

static void a_fill_that_was_purged_is_kept_for_nobody_else(void **state)
{
    struct bench *b = *state;
    struct store_fill *waiting = claim(b, 1, NULL), *reading = claim(b, 2, NULL);
    struct cache_key key = key_of(b, 1);

    store_drop(b->store, &b->reader, &key);
    assert_int_equal(store_fill_head(waiting, &b->reader, 200, FIELDS, &META, 5), ERR_NONE);
    assert_null(find(b, 1));
    assert_int_equal(store_fill_head(reading, &b->reader, 200, FIELDS, &META, 5), ERR_NONE);
    key = key_of(b, 2);
    store_drop(b->store, &b->reader, &key);
    assert_null(find(b, 2));
    struct store_fill *fresh = claim(b, 1, NULL); // a new one, not the purged one

    assert_int_equal(append(b, waiting, 1, 5), ERR_NONE);
    assert_int_equal(append(b, reading, 2, 5), ERR_NONE);
    assert_int_equal(store_fill_finish(waiting, &b->reader), ERR_NONE);
    assert_int_equal(store_fill_finish(reading, &b->reader), ERR_NONE);
    check_body(store_fill_object(waiting), 1, 5);
    assert_null(find(b, 1));
    assert_null(find(b, 2));
    store_fill_fail(fresh, &b->reader, (struct wall){ 0 });
    store_fill_unref(waiting, &b->reader);
    store_fill_unref(reading, &b->reader);
    store_fill_unref(fresh, &b->reader);
    for (unsigned i = 0; i < 3; i++)
        turn(b);
    assert_int_equal(used(b), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_stored_is_found_as_it_was),
        CASE(bodies_of_all_sizes_come_back_whole),
        CASE(a_large_body_can_be_read_from_anywhere),
        CASE(the_second_to_miss_joins_the_first),
        CASE(a_body_that_is_not_as_long_as_announced_fails),
        CASE(a_body_larger_than_allowed_is_refused),
        CASE(a_failed_fill_may_leave_a_mark_to_pass),
        CASE(what_varies_leaves_a_mark_and_moves),
        CASE(a_304_gives_the_same_body_a_new_head),
        CASE(what_is_dropped_is_gone_at_once_and_stays_for_its_readers),
        CASE(who_takes_a_reference_in_the_last_turn_keeps_the_object),
        CASE(a_fill_that_was_purged_is_kept_for_nobody_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
