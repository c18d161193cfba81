// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/heads_test.h"
#include "cache/policy.h"

static const struct wall NOW = { INT64_C(1795343400000) };

#define DATE "Date: Sun, 22 Nov 2026 10:30:00 GMT\r\n"
#define OLD  "Date: Sun, 22 Nov 2026 09:30:00 GMT\r\n"

static void check_write(const char *fields, const char *stored)
{
    struct test_head response;
    char room[1024] = { 0 };

    response_of(&response, 200, fields);
    size_t length = cache_fields_write(&response.head, NOW, room, sizeof room);

    assert_string_equal(room, stored);
    assert_int_equal(length, strlen(stored));
}

static void what_speaks_of_one_transfer_is_left_out(void **state)
{
    (void)state;
    check_write(DATE "X: 1\r\nAge: 5\r\nContent-Length: 3\r\nConnection: x-hop, close\r\n"
                     "X-Hop: 1\r\nKeep-Alive: 3\r\nProxy-Authenticate: a\r\nTE: x\r\n"
                     "Proxy-Authentication-Info: b\r\nUpgrade: u\r\nY: 2\r\n",
        DATE "X: 1\r\nY: 2\r\n");
    check_write(DATE "Transfer-Encoding: chunked\r\nTrailer: t\r\n", DATE);
}

static void what_other_caches_added_is_kept(void **state)
{
    (void)state;
    check_write(DATE "Via: 1.1 up\r\nCache-Status: up; hit\r\n",
        DATE "Via: 1.1 up\r\nCache-Status: up; hit\r\n");
}

static void a_date_is_added_where_there_is_none(void **state)
{
    (void)state;
    check_write("X: 1\r\n", "X: 1\r\n" DATE);
    check_write("Date: today\r\nX: 1\r\n", "X: 1\r\n" DATE);
    check_write(OLD OLD "X: 1\r\n", "X: 1\r\n" DATE);
}

static void vary_becomes_one_line(void **state)
{
    (void)state;
    check_write(
        DATE "Vary: a\r\nX: 1\r\nVary:\r\nVary: b, c\r\n", DATE "Vary: a, b, c\r\nX: 1\r\n");
}

static void too_little_room_writes_nothing(void **state)
{
    struct test_head response;
    char room[256];
    const size_t whole = strlen(DATE "X: 1\r\n");

    (void)state;
    response_of(&response, 200, DATE "X: 1\r\n");
    for (size_t bytes = 0; bytes < whole; bytes++)
        assert_int_equal(cache_fields_write(&response.head, NOW, room, bytes), 0);
    assert_int_equal(cache_fields_write(&response.head, NOW, room, whole), whole);
}

static void check_update(const char *stored, const char *update, const char *result)
{
    struct test_head head;
    char room[1024] = { 0 };

    response_of(&head, 304, update);
    cache_fields_update(slice_text(stored), &head.head, NOW, room, sizeof room);
    assert_string_equal(room, result);
}

static void a_304_replaces_what_it_names(void **state)
{
    (void)state;
    // RFC 9111 §3.2
    check_update(OLD "X: 1\r\nY: 2\r\n", DATE "x: 3\r\n", "Y: 2\r\n" DATE "x: 3\r\n");
    check_update(OLD "X: 1\r\nX: 2\r\nY: 2\r\n", DATE "X: 3\r\n", "Y: 2\r\n" DATE "X: 3\r\n");
    check_update(OLD "X: 1\r\n", "", "X: 1\r\n" DATE);
}

static void tags_come_first_and_are_not_sent(void **state)
{
    struct test_head response;
    char room[256] = { 0 };

    (void)state;
    response_of(&response, 200, DATE "Cache-tag: a,b\r\nX: 1\r\nSurrogate-Key: c\r\n");
    size_t length = cache_fields_write(&response.head, NOW, room, sizeof room);
    struct slice stored = slice_of(room, length), tags = SLICE("Cache-tag: a,b\r\n"
                                                               "Surrogate-Key: c\r\n");

    assert_true(slice_equal(cache_fields_tags(stored), tags));
    assert_true(slice_equal(cache_fields_sent(stored), SLICE(DATE "X: 1\r\n")));
    assert_int_equal(cache_fields_tags(SLICE(DATE)).length, 0);
    assert_true(slice_equal(cache_fields_sent(SLICE(DATE)), SLICE(DATE)));
}

static void what_browsers_are_told_of_https_can_be_left_out(void **state)
{
    struct test_head response;
    char room[256] = { 0 };

    (void)state;
    response_of(&response, 200,
        DATE "strict-Transport-security: max-age=1\r\nX: 1\r\nCache-Tag: a\r\n"
             "Strict-Transport-Security:\r\nStrict-Transport-Security-2: y\r\n");
    size_t length = cache_fields_write(&response.head, NOW, room, sizeof room);
    struct slice sent = cache_fields_sent(slice_of(room, length));
    struct slice rest = SLICE(DATE "X: 1\r\nStrict-Transport-Security-2: y\r\n");

    assert_true(slice_starts(sent, SLICE("strict-Transport-security: max-age=1\r\n")));
    assert_true(slice_equal(cache_fields_without_hsts(sent), rest));
    assert_true(slice_equal(cache_fields_without_hsts(rest), rest));
    assert_int_equal(cache_fields_without_hsts(SLICE_NONE).length, 0);
    check_update("Cache-Tag: a\r\nStrict-Transport-Security: b\r\nX: 1\r\n",
        DATE "strict-transport-security: c\r\n",
        "Cache-Tag: a\r\nstrict-transport-security: c\r\nX: 1\r\n" DATE);
    check_update("X: 1\r\n", DATE "Strict-Transport-Security: c\r\n",
        "Strict-Transport-Security: c\r\nX: 1\r\n" DATE);
}

static void a_304_replaces_the_tags_it_names(void **state)
{
    (void)state;
    check_update("Surrogate-Key: a\r\nCache-Tag: b\r\nX: 1\r\n", DATE "Y: 2\r\ncache-tag: c\r\n",
        "Surrogate-Key: a\r\ncache-tag: c\r\nX: 1\r\n" DATE "Y: 2\r\n");
    check_update("X: 1\r\n", DATE "Cache-Tag: c\r\n", "Cache-Tag: c\r\nX: 1\r\n" DATE);
}

static void a_304_says_nothing_about_the_body(void **state)
{
    (void)state;
    check_update(OLD "Content-Encoding: br\r\nETag: \"a\"\r\nContent-Type: a\r\n",
        DATE "Content-Encoding: gzip\r\nContent-Range: bytes 0-1/2\r\nContent-Length: 9\r\n"
             "ETag: \"b\"\r\nContent-Type: b\r\nConnection: x\r\nX: 1\r\n",
        "Content-Encoding: br\r\nETag: \"a\"\r\n" DATE "Content-Type: b\r\n");
}

static void validators_are_found_in_what_is_stored(void **state)
{
    struct cache_meta meta = { .last_modified = SLICE("x") };
    struct slice fields = SLICE("X: 1\r\nEtag: W/\"a\"\r\nLast-Modified: y\r\nVary: a, b\r\n");

    (void)state;
    cache_meta_bind(&meta, fields);
    assert_true(slice_equal(meta.etag, SLICE("W/\"a\"")));
    assert_true(slice_equal(meta.last_modified, SLICE("y")));
    assert_true(slice_equal(meta.vary, SLICE("a, b")));
    assert_ptr_equal(meta.etag.at, fields.at + 12);
    cache_meta_bind(&meta, SLICE("X: 1\r\n"));
    assert_true(meta.etag.length + meta.last_modified.length + meta.vary.length == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_speaks_of_one_transfer_is_left_out),
        cmocka_unit_test(what_other_caches_added_is_kept),
        cmocka_unit_test(a_date_is_added_where_there_is_none),
        cmocka_unit_test(vary_becomes_one_line),
        cmocka_unit_test(too_little_room_writes_nothing),
        cmocka_unit_test(a_304_replaces_what_it_names),
        cmocka_unit_test(tags_come_first_and_are_not_sent),
        cmocka_unit_test(what_browsers_are_told_of_https_can_be_left_out),
        cmocka_unit_test(a_304_replaces_the_tags_it_names),
        cmocka_unit_test(a_304_says_nothing_about_the_body),
        cmocka_unit_test(validators_are_found_in_what_is_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
