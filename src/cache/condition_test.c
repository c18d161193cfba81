// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cache/heads_test.h"
#include "cache/policy.h"

static const struct cache_meta TAGGED = {
    .received = { INT64_C(1795343400000) }, // Sun, 22 Nov 2026 10:30:00 GMT
    .etag = { "\"ab,c\"", 6 },
    .last_modified = { "Sun, 22 Nov 2026 10:00:00 GMT", 29 },
};
static const struct cache_meta WEAK = { .received = { INT64_C(1795343400000) },
    .etag = { "W/\"abc\"", 7 } };
static const struct cache_meta BARE = { .received = { INT64_C(1795343400000) } };

#define NONE_MATCH "If-None-Match: "
#define MODIFIED   "If-Modified-Since: "
#define BEFORE     "Sun, 22 Nov 2026 09:59:59 GMT\r\n"
#define AT         "Sun, 22 Nov 2026 10:00:00 GMT\r\n"

struct condition_case {
    const struct cache_meta *meta;
    const char *fields;
    enum cache_condition result;
};

static void conditions_are_weighed_in_the_order_of_the_rfc(void **state)
{
    static const struct condition_case cases[] = {
        // RFC 9110 §13.1.2, weak comparison
        { &TAGGED, NONE_MATCH "\"ab,c\"\r\n", CACHE_CONDITION_304 },
        { &TAGGED, NONE_MATCH "W/\"ab,c\"\r\n", CACHE_CONDITION_304 },
        { &WEAK, NONE_MATCH "\"abc\"\r\n", CACHE_CONDITION_304 },
        { &TAGGED, NONE_MATCH "\"x\", \"ab,c\" , \"y\"\r\n", CACHE_CONDITION_304 },
        { &TAGGED, NONE_MATCH "\"x\"\r\n" NONE_MATCH "\"ab,c\"\r\n", CACHE_CONDITION_304 },
        { &TAGGED, NONE_MATCH "\"x\"\r\n", CACHE_CONDITION_NONE },
        { &TAGGED, NONE_MATCH "\"ab\"\r\n", CACHE_CONDITION_NONE },
        { &TAGGED, NONE_MATCH "\"ab\r\n", CACHE_CONDITION_NONE },
        { &TAGGED, NONE_MATCH "*\r\n", CACHE_CONDITION_304 },
        { &BARE, NONE_MATCH "\"\"\r\n", CACHE_CONDITION_NONE },
        // §13.1.3: only without If-None-Match; against the time received where nothing is said
        { &TAGGED, NONE_MATCH "\"x\"\r\n" MODIFIED AT, CACHE_CONDITION_NONE },
        { &TAGGED, MODIFIED AT, CACHE_CONDITION_304 },
        { &TAGGED, MODIFIED "Sunday, 22-Nov-26 10:00:00 GMT\r\n", CACHE_CONDITION_304 },
        { &TAGGED, MODIFIED BEFORE, CACHE_CONDITION_NONE },
        { &TAGGED, MODIFIED "now\r\n", CACHE_CONDITION_NONE },
        { &TAGGED, MODIFIED AT MODIFIED AT, CACHE_CONDITION_NONE },
        { &BARE, MODIFIED AT, CACHE_CONDITION_NONE },
        { &BARE, MODIFIED "Sun, 22 Nov 2026 10:30:00 GMT\r\n", CACHE_CONDITION_304 },
        // §13.1.1, strong comparison, and §13.1.4
        { &TAGGED, "If-Match: \"ab,c\"\r\n", CACHE_CONDITION_NONE },
        { &TAGGED, "If-Match: *\r\n", CACHE_CONDITION_NONE },
        { &TAGGED, "If-Match: \"x\"\r\n", CACHE_CONDITION_412 },
        { &WEAK, "If-Match: W/\"abc\"\r\n", CACHE_CONDITION_412 },
        { &TAGGED, "If-Unmodified-Since: " AT, CACHE_CONDITION_NONE },
        { &TAGGED, "If-Unmodified-Since: " BEFORE, CACHE_CONDITION_412 },
        { &TAGGED, "If-Unmodified-Since: then\r\n", CACHE_CONDITION_NONE },
        { &TAGGED, "If-Match: \"ab,c\"\r\nIf-Unmodified-Since: " BEFORE, CACHE_CONDITION_NONE },
        { &TAGGED, "", CACHE_CONDITION_NONE },
    };
    struct test_head request;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        request_of(&request, "GET", cases[i].fields);
        enum cache_condition result = cache_condition(&request.head, cases[i].meta, 200);

        if (result != cases[i].result)
            print_message("%s\n", cases[i].fields);
        assert_int_equal(result, cases[i].result);
    }
}

static void conditions_are_for_successes_alone(void **state)
{
    struct test_head request;

    (void)state;
    request_of(&request, "GET", NONE_MATCH "*\r\n");
    assert_int_equal(cache_condition(&request.head, &TAGGED, 404), CACHE_CONDITION_NONE);
    assert_int_equal(cache_condition(&request.head, &TAGGED, 302), CACHE_CONDITION_NONE);
}

struct range_case {
    const char *fields;
    uint64_t length;
    enum cache_range result;
    uint64_t first, last;
};

static void one_range_is_cut_to_what_is_there(void **state)
{
    static const struct range_case cases[] = {
        // RFC 9110 §14.1.2
        { "Range: bytes=0-0\r\n", 10, CACHE_RANGE_PART, 0, 0 },
        { "Range: bytes=2-5\r\n", 10, CACHE_RANGE_PART, 2, 5 },
        { "Range: BYTES=2-5\r\n", 10, CACHE_RANGE_PART, 2, 5 },
        { "Range: bytes=2-\r\n", 10, CACHE_RANGE_PART, 2, 9 },
        { "Range: bytes=2-100\r\n", 10, CACHE_RANGE_PART, 2, 9 },
        { "Range: bytes=-3\r\n", 10, CACHE_RANGE_PART, 7, 9 },
        { "Range: bytes=-30\r\n", 10, CACHE_RANGE_PART, 0, 9 },
        { "Range: bytes=0-99999999999999999999999\r\n", 10, CACHE_RANGE_PART, 0, 9 },
        { "Range: bytes=10-\r\n", 10, CACHE_RANGE_BAD, 0, 0 },
        { "Range: bytes=99999999999999999999999-\r\n", 10, CACHE_RANGE_BAD, 0, 0 },
        { "Range: bytes=-0\r\n", 10, CACHE_RANGE_BAD, 0, 0 },
        { "Range: bytes=0-\r\n", 0, CACHE_RANGE_BAD, 0, 0 },
        { "Range: bytes=-5\r\n", 0, CACHE_RANGE_BAD, 0, 0 },
        // no grammar, another unit, several: the whole
        { "Range: bytes=5-2\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "Range: bytes=-\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "Range: bytes=a-2\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "Range: bytes=1-2x\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "Range: bytes\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "Range: lines=1-2\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "Range: bytes=1-2,4-5\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "Range: bytes=1-2\r\nRange: bytes=1-2\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "", 10, CACHE_RANGE_NONE, 0, 0 },
        // §13.1.5
        { "Range: bytes=2-5\r\nIf-Range: \"ab,c\"\r\n", 10, CACHE_RANGE_PART, 2, 5 },
        { "Range: bytes=2-5\r\nIf-Range: W/\"ab,c\"\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "Range: bytes=2-5\r\nIf-Range: \"x\"\r\n", 10, CACHE_RANGE_NONE, 0, 0 },
        { "Range: bytes=2-5\r\nIf-Range: " AT, 10, CACHE_RANGE_PART, 2, 5 },
        { "Range: bytes=2-5\r\nIf-Range: " BEFORE, 10, CACHE_RANGE_NONE, 0, 0 },
    };
    struct test_head request;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t first = 0, last = 0;

        request_of(&request, "GET", cases[i].fields);
        enum cache_range result =
            cache_range(&request.head, &TAGGED, cases[i].length, &first, &last);

        if (result != cases[i].result)
            print_message("%s\n", cases[i].fields);
        assert_int_equal(result, cases[i].result);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(last, cases[i].last);
    }
}

static void a_head_request_has_no_ranges(void **state)
{
    struct test_head request;
    uint64_t first, last;

    (void)state;
    request_of(&request, "HEAD", "Range: bytes=0-1\r\n");
    assert_int_equal(cache_range(&request.head, &TAGGED, 10, &first, &last), CACHE_RANGE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_weighed_in_the_order_of_the_rfc),
        cmocka_unit_test(conditions_are_for_successes_alone),
        cmocka_unit_test(one_range_is_cut_to_what_is_there),
        cmocka_unit_test(a_head_request_has_no_ranges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
