// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/demo_trouble.h"

static const struct instant START = { 5000000000 };

static struct instant after(int64_t seconds)
{
    return instant_after(START, span_s(seconds));
}

static void paths_name_what_to_do(void **)
{
    assert_int_equal(demo_trouble_find(SLICE("/demo/stop")), DEMO_STOP);
    assert_int_equal(demo_trouble_find(SLICE("/demo/well")), DEMO_WELL);
    assert_int_equal(demo_trouble_find(SLICE("/demo/stops")), DEMO_TROUBLE_COUNT);
    assert_int_equal(demo_trouble_find(SLICE("/demo/")), DEMO_TROUBLE_COUNT);
}

static void trouble_ends_by_itself_and_asking_again_begins_anew(void **)
{
    struct demo_trouble trouble = { 0 };

    assert_false(demo_trouble_has(&trouble, DEMO_SLOW, START));
    demo_trouble_begin(&trouble, DEMO_SLOW, START);
    assert_true(demo_trouble_has(&trouble, DEMO_SLOW, after(59)));
    assert_false(demo_trouble_has(&trouble, DEMO_SLOW, after(60)));
    assert_false(demo_trouble_has(&trouble, DEMO_FAIL, after(1)));
    demo_trouble_begin(&trouble, DEMO_SLOW, after(59));
    assert_true(demo_trouble_has(&trouble, DEMO_SLOW, after(118)));
}

static void to_be_well_ends_slowness_and_failing_alone(void **)
{
    struct demo_trouble trouble = { 0 };

    demo_trouble_begin(&trouble, DEMO_SLOW, START);
    demo_trouble_begin(&trouble, DEMO_FAIL, START);
    demo_trouble_begin(&trouble, DEMO_STOP, START);
    demo_trouble_begin(&trouble, DEMO_WELL, after(1));
    assert_false(demo_trouble_has(&trouble, DEMO_SLOW, after(1)));
    assert_false(demo_trouble_has(&trouble, DEMO_FAIL, after(1)));
    assert_true(demo_trouble_has(&trouble, DEMO_STOP, after(1)));
}

static void what_is_done_is_said_with_its_end_in_utc(void **)
{
    struct text out;

    text_init(&out, 1000);
    demo_trouble_write_done(&out, &demo_servers[1], DEMO_SLOW, wall_from_s(86400 * 3 - 59));
    assert_string_equal(out.at,
        "acme/chi answers 300 ms later until 00:00:01 UTC, then is well again by itself.\n");
    text_done(&out);
}

static void help_is_a_command_for_each_wish(void **)
{
    struct text out;

    text_init(&out, 1000);
    demo_trouble_write_help(&out, &demo_servers[2], 8081, DEMO_TROUBLE_COUNT);
    assert_string_equal(out.at,
        "To have globex/lon refuse connections for 60 s: "
        "curl -d '' http://127.0.0.23:8081/demo/stop\n"
        "To have globex/lon answer 300 ms later for 60 s: "
        "curl -d '' http://127.0.0.23:8081/demo/slow\n"
        "To have globex/lon answer 503 to everything for 60 s: "
        "curl -d '' http://127.0.0.23:8081/demo/fail\n"
        "To have globex/lon be well again: curl -d '' http://127.0.0.23:8081/demo/well\n");
    text_done(&out);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(paths_name_what_to_do),
        cmocka_unit_test(trouble_ends_by_itself_and_asking_again_begins_anew),
        cmocka_unit_test(to_be_well_ends_slowness_and_failing_alone),
        cmocka_unit_test(what_is_done_is_said_with_its_end_in_utc),
        cmocka_unit_test(help_is_a_command_for_each_wish),
    };

    return cmocka_run_group_tests_name("app/demo_trouble", cases, NULL, NULL);
}
