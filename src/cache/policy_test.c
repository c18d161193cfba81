// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cache/heads_test.h"
#include "cache/policy.h"

/* Sun, 22 Nov 2026 10:30:00 GMT */
static const struct wall NOW = { INT64_C(1795343400000) };
static const struct cache_rules PLAIN = { .may_cache = true };

#define DATE  "Date: Sun, 22 Nov 2026 10:30:00 GMT\r\n"
#define LATER "Expires: Sun, 22 Nov 2026 11:30:00 GMT\r\n"
#define CC    "Cache-Control: "

struct store_case {
    const char *request, *response; // fields
    int status;
    enum cache_store verdict;
    int64_t lifetime_s, age_s;
};

static void check_store(const struct store_case *c, const struct cache_rules *rules)
{
    struct test_head request, response;
    struct cache_meta meta = { .lifetime_s = -1 };

    request_of(&request, "GET", c->request);
    response_of(&response, c->status, c->response);
    enum cache_store verdict =
        cache_may_store(&request.head, &response.head, rules, false, NOW, &meta);

    if (verdict != c->verdict)
        print_message("%d %s\n", c->status, c->response);
    assert_int_equal(verdict, c->verdict);
    if (verdict == CACHE_STORE && (meta.lifetime_s != c->lifetime_s || meta.age_s != c->age_s))
        print_message("%d %s\n", c->status, c->response);
    assert_int_equal(meta.lifetime_s, verdict == CACHE_STORE ? c->lifetime_s : -1);
    assert_int_equal(meta.age_s, verdict == CACHE_STORE ? c->age_s : 0);
}

static void lifetimes_are_as_the_response_says(void **state)
{
    static const struct store_case cases[] = {
        // RFC 9111 §4.2.1: s-maxage, then max-age, then Expires less Date.
        { "", DATE CC "max-age=60\r\n", 200, CACHE_STORE, 60, 0 },
        { "", DATE CC "max-age=60, s-maxage=5\r\n", 200, CACHE_STORE, 5, 0 },
        { "", DATE LATER CC "max-age=60\r\n", 200, CACHE_STORE, 60, 0 },
        { "", DATE LATER, 200, CACHE_STORE, 3600, 0 },
        { "", LATER, 200, CACHE_STORE, 3600, 0 },
        { "", "Date: nonsense\r\n" LATER, 200, CACHE_STORE, 3600, 0 },
        { "", "Date: Sun, 22 Nov 2026 11:00:00 GMT\r\n" LATER, 200, CACHE_STORE, 1800, 0 },
        { "", CC "max-age=99999999999\r\n", 200, CACHE_STORE, INT64_C(2147483648), 0 },
        // §5.3: Expires that is no date is in the past; so is a doubled one.
        { "", DATE "Expires: 0\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", DATE LATER LATER, 200, CACHE_STORE_NOT, 0, 0 },
        { "", DATE "Expires: 0\r\nETag: \"a\"\r\n", 200, CACHE_STORE, 0, 0 },
        // §4.2.3: Age and the distance to Date.
        { "", DATE CC "max-age=60\r\nAge: 20\r\n", 200, CACHE_STORE, 60, 20 },
        { "", "Date: Sun, 22 Nov 2026 10:29:00 GMT\r\n" CC "max-age=90\r\nAge: 20\r\n", 200,
            CACHE_STORE, 90, 60 },
        { "", DATE CC "max-age=3600\r\nAge: 7200\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", DATE CC "max-age=3600\r\nAge: x\r\nETag: \"a\"\r\n", 200, CACHE_STORE, 3600,
            INT64_C(2147483648) },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_store(&cases[i], &PLAIN);
}

static void a_guess_is_a_tenth_of_the_time_unchanged(void **state)
{
    static const char TENTH[] = DATE "Last-Modified: Sun, 22 Nov 2026 10:20:00 GMT\r\n";
    static const char YEARS[] = DATE "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    static const char OPEN[] = DATE CC "public\r\nLast-Modified: Sun, 22 Nov 2026 10:20:00 GMT\r\n";
    static const struct store_case cases[] = {
        // §4.2.2, for the statuses of RFC 9110 §15.1 and for what is marked public.
        { "", TENTH, 200, CACHE_STORE, 60, 0 },
        { "", YEARS, 200, CACHE_STORE, 86400, 0 },
        { "", TENTH, 404, CACHE_STORE, 60, 0 },
        { "", TENTH, 501, CACHE_STORE, 60, 0 },
        { "", TENTH, 302, CACHE_STORE_NOT, 0, 0 },
        { "", TENTH, 503, CACHE_STORE_NOT, 0, 0 },
        { "", TENTH, 599, CACHE_STORE_NOT, 0, 0 },
        { "", OPEN, 599, CACHE_STORE, 60, 0 },
        // An explicit lifetime of any kind leaves nothing to guess.
        { "", DATE CC "max-age=0\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200,
            CACHE_STORE, 0, 0 },
        // No date, no guess, nothing to validate with.
        { "", DATE "Last-Modified: yesterday\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", DATE, 200, CACHE_STORE_NOT, 0, 0 },
        { "", DATE "ETag: \"a\"\r\n", 200, CACHE_STORE, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_store(&cases[i], &PLAIN);
}

static void what_is_not_for_all_is_not_stored(void **state)
{
    static const struct store_case cases[] = {
        // §5.2.2: no-store, private, in any case and with field names.
        { "", CC "max-age=60, no-store\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60, PRIVATE\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60, private=\"x\"\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { CC "no-store\r\n", CC "max-age=60\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        // §3.5
        { "Authorization: x\r\n", CC "max-age=60\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "Authorization: x\r\n", LATER, 200, CACHE_STORE_NOT, 0, 0 },
        { "Authorization: x\r\n", CC "max-age=60, public\r\n", 200, CACHE_STORE, 60, 0 },
        { "Authorization: x\r\n", CC "max-age=60, must-revalidate\r\n", 200, CACHE_STORE, 60, 0 },
        { "Authorization: x\r\n", CC "s-maxage=60\r\n", 200, CACHE_STORE, 60, 0 },
        // §5.2.2.3: must-understand lifts no-store where the status is known, and forbids else.
        { "", CC "max-age=60, must-understand, no-store\r\n", 200, CACHE_STORE, 60, 0 },
        { "", CC "max-age=60, must-understand\r\n", 599, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60\r\n", 599, CACHE_STORE, 60, 0 },
        // Parts, and answers to one request's conditions.
        { "", CC "max-age=60\r\n", 206, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60\r\n", 304, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60\r\n", 412, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60\r\n", 416, CACHE_STORE_NOT, 0, 0 },
        // §4.1: a star anywhere in any line.
        { "", CC "max-age=60\r\nVary: *\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60\r\nVary: a, *\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60\r\nVary:\r\nVary: , *\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60\r\nVary: a\r\n", 200, CACHE_STORE, 60, 0 },
        // A cookie is for one client unless the origin says otherwise.
        { "", CC "max-age=60\r\nSet-Cookie: a=b\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60, public\r\nSet-Cookie: a=b\r\n", 200, CACHE_STORE, 60, 0 },
        { "", CC "s-maxage=60\r\nSet-Cookie: a=b\r\n", 200, CACHE_STORE, 60, 0 },
        { "Cookie: a=b\r\n", CC "max-age=60\r\n", 200, CACHE_STORE, 60, 0 },
        // Nothing to serve, nothing to validate with.
        { "", CC "max-age=60, no-cache\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=60, no-cache\r\nETag: \"a\"\r\n", 200, CACHE_STORE, 60, 0 },
        { "", CC "max-age=0, stale-if-error=9\r\n", 200, CACHE_STORE, 0, 0 },
        { "", CC "max-age=0, stale-if-error=9, must-revalidate\r\n", 200, CACHE_STORE_NOT, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_store(&cases[i], &PLAIN);
}

static void only_answers_to_get_are_stored(void **state)
{
    static const char *const methods[] = { "HEAD", "POST", "PUT", "DELETE", "OPTIONS" };
    struct test_head request, response;
    struct cache_meta meta;

    (void)state;
    response_of(&response, 200, CC "max-age=60\r\n");
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        request_of(&request, methods[i], "");
        assert_int_equal(cache_may_store(&request.head, &response.head, &PLAIN, false, NOW, &meta),
            CACHE_STORE_NOT);
    }
}

static void a_304_to_our_own_validation_updates(void **state)
{
    struct test_head request, response;
    struct cache_meta meta;

    (void)state;
    request_of(&request, "GET", "");
    response_of(&response, 304, CC "max-age=60\r\n");
    assert_int_equal(
        cache_may_store(&request.head, &response.head, &PLAIN, true, NOW, &meta), CACHE_UPDATE);
}

static void the_rule_of_the_site_sets_the_lifetime(void **state)
{
    static const struct cache_rules day = { .may_cache = true,
        .ttl = { 86400 * INT64_C(1000000000) } };
    static const struct cache_rules never = { .may_cache = false };
    static const struct store_case cases[] = {
        { "", "", 200, CACHE_STORE, 86400, 0 },
        { "", CC "max-age=5\r\nAge: 4\r\n", 200, CACHE_STORE, 86400, 0 },
        { "", CC "no-cache\r\n", 200, CACHE_STORE, 86400, 0 },
        // but makes nothing public, and is not for errors.
        { "", CC "private\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", CC "no-store\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "", "Set-Cookie: a=b\r\n", 200, CACHE_STORE_NOT, 0, 0 },
        { "Authorization: x\r\n", "", 200, CACHE_STORE_NOT, 0, 0 },
        { "", "", 404, CACHE_STORE_NOT, 0, 0 },
        { "", CC "max-age=5\r\n", 404, CACHE_STORE, 5, 0 },
        { "", "", 503, CACHE_STORE_NOT, 0, 0 },
    };
    static const struct store_case fresh = { "", CC "max-age=5\r\n", 200, CACHE_STORE_NOT, 0, 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_store(&cases[i], &day);
    check_store(&fresh, &never);
}

struct use_case {
    const char *response, *request;
    int64_t later_s;
    enum cache_verdict verdict;
};

/* Stores the response, and asks `later_s` seconds later. */
static enum cache_verdict ask(const struct use_case *c, int64_t *age_s)
{
    struct test_head get, request, response;
    struct cache_meta meta;

    request_of(&get, "GET", "");
    request_of(&request, "GET", c->request);
    response_of(&response, 200, c->response);
    assert_int_equal(
        cache_may_store(&get.head, &response.head, &PLAIN, false, NOW, &meta), CACHE_STORE);
    return cache_may_use(&request.head, &meta, (struct wall){ NOW.ms + c->later_s * 1000 }, age_s);
}

static void check_uses(const struct use_case *cases, size_t count)
{
    int64_t age_s;

    for (size_t i = 0; i < count; i++) {
        enum cache_verdict verdict = ask(&cases[i], &age_s);

        if (verdict != cases[i].verdict)
            print_message("%s | %s\n", cases[i].response, cases[i].request);
        assert_int_equal(verdict, cases[i].verdict);
    }
}

static void fresh_ends_when_the_age_reaches_the_lifetime(void **state)
{
    static const struct use_case cases[] = {
        { CC "max-age=60\r\n", "", 0, CACHE_FRESH },
        { CC "max-age=60\r\n", "", 59, CACHE_FRESH },
        { CC "max-age=60\r\n", "", 60, CACHE_REVALIDATE },
        { CC "max-age=60\r\nAge: 59\r\n", "", 0, CACHE_FRESH },
        { CC "max-age=60\r\nAge: 59\r\n", "", 1, CACHE_REVALIDATE },
        { CC "max-age=60\r\n", "", -500, CACHE_FRESH }, // the clock was set back
        { CC "max-age=60, no-cache\r\nETag: \"a\"\r\n", "", 0, CACHE_REVALIDATE },
        { CC "max-age=60, immutable\r\nETag: \"a\"\r\n", "", 60, CACHE_REVALIDATE },
        { CC "s-maxage=60, max-age=1\r\n", "", 59, CACHE_FRESH },
    };
    int64_t age_s;

    (void)state;
    check_uses(cases, COUNT_OF(cases));
    ask(&(struct use_case){ CC "max-age=60\r\nAge: 7\r\n", "", 5, CACHE_FRESH }, &age_s);
    assert_int_equal(age_s, 12);
}

static void the_client_may_ask_for_fresher_or_older(void **state)
{
    static const struct use_case cases[] = {
        // §5.2.1, §5.4
        { CC "max-age=60\r\n", CC "no-cache\r\n", 0, CACHE_REVALIDATE },
        { CC "max-age=60\r\n", "Pragma: no-cache\r\n", 0, CACHE_REVALIDATE },
        { CC "max-age=60\r\n", "Pragma: no-cache\r\n" CC "max-age=9\r\n", 0, CACHE_FRESH },
        { CC "max-age=60\r\n", "Pragma: other\r\n", 0, CACHE_FRESH },
        { CC "max-age=60\r\n", CC "max-age=0\r\n", 0, CACHE_REVALIDATE },
        { CC "max-age=60\r\n", CC "max-age=10\r\n", 10, CACHE_FRESH },
        { CC "max-age=60\r\n", CC "max-age=10\r\n", 11, CACHE_REVALIDATE },
        { CC "max-age=60\r\n", CC "min-fresh=50\r\n", 10, CACHE_FRESH },
        { CC "max-age=60\r\n", CC "min-fresh=50\r\n", 11, CACHE_REVALIDATE },
        { CC "max-age=60\r\n", CC "max-stale=5\r\n", 65, CACHE_FRESH },
        { CC "max-age=60\r\n", CC "max-stale=5\r\n", 66, CACHE_REVALIDATE },
        { CC "max-age=60\r\n", CC "max-stale\r\n", 6000, CACHE_FRESH },
        { CC "max-age=60, must-revalidate\r\n", CC "max-stale\r\n", 65, CACHE_REVALIDATE },
        { CC "max-age=60, proxy-revalidate\r\n", CC "max-stale\r\n", 65, CACHE_REVALIDATE },
        { CC "s-maxage=60\r\n", CC "max-stale\r\n", 65, CACHE_REVALIDATE },
        { CC "max-age=60\r\n", "Authorization: x\r\n", 0, CACHE_UNUSABLE },
        { CC "max-age=60, public\r\n", "Authorization: x\r\n", 0, CACHE_FRESH },
    };

    (void)state;
    check_uses(cases, COUNT_OF(cases));
}

static void stale_answers_stand_in_while_the_new_one_is_fetched(void **state)
{
    static const struct use_case cases[] = {
        // RFC 5861 §3
        { CC "max-age=60, stale-while-revalidate=10\r\n", "", 69, CACHE_STALE },
        { CC "max-age=60, stale-while-revalidate=10\r\n", "", 70, CACHE_REVALIDATE },
        { CC "max-age=60, stale-while-revalidate=10, must-revalidate\r\n", "", 61,
            CACHE_REVALIDATE },
    };

    (void)state;
    check_uses(cases, COUNT_OF(cases));
}

static bool stands_in(const char *fields, const struct cache_rules *rules, int64_t later_s)
{
    struct test_head request, response;
    struct cache_meta meta;

    request_of(&request, "GET", "");
    response_of(&response, 200, fields);
    assert_int_equal(
        cache_may_store(&request.head, &response.head, rules, false, NOW, &meta), CACHE_STORE);
    return cache_may_use_stale(&meta, (struct wall){ NOW.ms + later_s * 1000 });
}

static void stale_answers_stand_in_for_a_failed_origin(void **state)
{
    static const struct cache_rules kind = { .may_cache = true,
        .stale_if_error = { 100 * INT64_C(1000000000) } };

    (void)state;
    // RFC 5861 §4; what the origin says goes before the site's rule.
    assert_true(stands_in(CC "max-age=60, stale-if-error=10\r\n", &PLAIN, 69));
    assert_false(stands_in(CC "max-age=60, stale-if-error=10\r\n", &PLAIN, 70));
    assert_false(stands_in(CC "max-age=60\r\n", &PLAIN, 60));
    assert_true(stands_in(CC "max-age=60\r\n", &kind, 159));
    assert_false(stands_in(CC "max-age=60\r\n", &kind, 160));
    assert_false(stands_in(CC "max-age=60, stale-if-error=0\r\n", &kind, 60));
    // §4.2.4: never against these.
    assert_false(stands_in(CC "max-age=60, must-revalidate\r\n", &kind, 61));
    assert_false(stands_in(CC "max-age=60, proxy-revalidate\r\n", &kind, 61));
    assert_false(stands_in(CC "s-maxage=60\r\n", &kind, 61));
    assert_false(stands_in(CC "max-age=60, no-cache\r\nETag: \"a\"\r\n", &kind, 61));
}

static void only_plain_gets_and_heads_are_looked_up(void **state)
{
    struct test_head h;

    (void)state;
    request_of(&h, "GET", "");
    assert_true(cache_may_look_up(&h.head));
    request_of(&h, "HEAD", "");
    assert_true(cache_may_look_up(&h.head));
    request_of(&h, "GET", "Content-Length: 0\r\n");
    assert_true(cache_may_look_up(&h.head));
    request_of(&h, "GET", "Content-Length: 1\r\n");
    assert_false(cache_may_look_up(&h.head));
    request_of(&h, "POST", "Content-Length: 0\r\n");
    assert_false(cache_may_look_up(&h.head));
    request_of(&h, "GET", CC "only-if-cached\r\n");
    assert_true(cache_only_if_cached(&h.head));
}

static void unsafe_methods_are_those_that_change_things(void **state)
{
    (void)state;
    assert_false(cache_is_unsafe(HTTP_GET) || cache_is_unsafe(HTTP_HEAD) ||
                 cache_is_unsafe(HTTP_OPTIONS) || cache_is_unsafe(HTTP_TRACE));
    assert_true(cache_is_unsafe(HTTP_POST) && cache_is_unsafe(HTTP_PUT) &&
                cache_is_unsafe(HTTP_DELETE) && cache_is_unsafe(HTTP_PATCH) &&
                cache_is_unsafe(HTTP_METHOD_OTHER));
}

static void a_purge_is_the_end_of_the_lifetime_unless_it_was_over(void **state)
{
    static const struct {
        enum cache_verdict was, plain, graced, bound; // by stale-while-revalidate; must-revalidate
    } cases[] = {
        { CACHE_FRESH, CACHE_REVALIDATE, CACHE_STALE, CACHE_REVALIDATE },
        { CACHE_STALE, CACHE_REVALIDATE, CACHE_STALE, CACHE_REVALIDATE },
        { CACHE_REVALIDATE, CACHE_REVALIDATE, CACHE_REVALIDATE, CACHE_REVALIDATE },
        { CACHE_UNUSABLE, CACHE_UNUSABLE, CACHE_UNUSABLE, CACHE_UNUSABLE },
    };
    const struct cache_meta plain = { .lifetime_s = 9 },
                            graced = { .lifetime_s = 9, .stale_while_revalidate_s = 1 },
                            bound = { .lifetime_s = 9,
                                .stale_while_revalidate_s = 1,
                                .must_revalidate = true };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum cache_verdict was = cases[i].was;

        assert_int_equal(cache_may_use_purged(was, PURGED_NOT, &graced), was);
        assert_int_equal(cache_may_use_purged(was, PURGED_STALE, &plain), cases[i].plain);
        assert_int_equal(cache_may_use_purged(was, PURGED_STALE, &graced), cases[i].graced);
        assert_int_equal(cache_may_use_purged(was, PURGED_STALE, &bound), cases[i].bound);
        assert_int_equal(cache_may_use_purged(was, PURGED_DOUBT, &graced), cases[i].plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifetimes_are_as_the_response_says),
        cmocka_unit_test(a_guess_is_a_tenth_of_the_time_unchanged),
        cmocka_unit_test(what_is_not_for_all_is_not_stored),
        cmocka_unit_test(only_answers_to_get_are_stored),
        cmocka_unit_test(a_304_to_our_own_validation_updates),
        cmocka_unit_test(the_rule_of_the_site_sets_the_lifetime),
        cmocka_unit_test(fresh_ends_when_the_age_reaches_the_lifetime),
        cmocka_unit_test(the_client_may_ask_for_fresher_or_older),
        cmocka_unit_test(stale_answers_stand_in_while_the_new_one_is_fetched),
        cmocka_unit_test(stale_answers_stand_in_for_a_failed_origin),
        cmocka_unit_test(only_plain_gets_and_heads_are_looked_up),
        cmocka_unit_test(unsafe_methods_are_those_that_change_things),
        cmocka_unit_test(a_purge_is_the_end_of_the_lifetime_unless_it_was_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
