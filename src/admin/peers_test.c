// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/json.h"
#include "admin/peers.h"

static const struct pop fra = { .name = { "fra", 3 } };
static const struct node fra1 = { .name = { "fra1", 4 }, .pop = &fra };
static const struct heartbeat BEAT = { .release = 0xabc,
    .epoch = { 1795341595000 },
    .map = 0xbeef,
    .era = 0xe,
    .order = 17,
    .drains = 0xd };

static void text_is(const json_t *object, const char *key, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), expected);
}

static void a_peer_says_what_its_heartbeats_said(void **)
{
    const struct admin_peer_status status = { .node = &fra1,
        .is_heard = true,
        .is_present = true,
        .age = { 120999999 },
        .heartbeat = &BEAT };
    json_t *json = admin_peer_json(&status);

    text_is(json, "name", "fra1");
    text_is(json, "pop", "fra");
    text_is(json, "state", "present");
    assert_int_equal(json_get_number(json, "heard_ms"), 120);
    text_is(json, "release", "0000000000000abc");
    text_is(json_object_get(json, "map"), "hash", "000000000000beef");
    text_is(json_object_get(json, "map"), "epoch", "2026-11-22T09:59:55Z");
    text_is(json_object_get(json, "orders"), "era", "000000000000000e");
    assert_int_equal(json_get_number(json_object_get(json, "orders"), "applied"), 17);
    text_is(json_object_get(json, "orders"), "drains", "000000000000000d");
    json_decref(json);
}

static void each_mark_of_a_peer_is_a_flag_of_its_own(void **)
{
    static const struct {
        uint8_t flag;
        const char *key;
    } MARKS[] = { { HEARTBEAT_LEAVING, "leaving" }, { HEARTBEAT_SUSPECT, "suspect" },
        { HEARTBEAT_BLIND, "blind" } };

    for (size_t i = 0; i < COUNT_OF(MARKS); i++) {
        struct heartbeat beat = BEAT;
        const struct admin_peer_status status = { .node = &fra1, .heartbeat = &beat };

        beat.flags = MARKS[i].flag;
        json_t *json = admin_peer_json(&status);

        for (size_t k = 0; k < COUNT_OF(MARKS); k++) {
            assert_true(json_is_boolean(json_object_get(json, MARKS[k].key)));
            assert_int_equal(json_get_flag(json, MARKS[k].key), i == k);
        }
        json_decref(json);
    }
}

static void where_a_peer_stands_is_one_word(void **)
{
    const struct heartbeat left = { .flags = HEARTBEAT_LEAVING };
    const struct {
        struct admin_peer_status status;
        const char *word;
        bool has_age;
    } stands[] = {
        { { .node = &fra1, .is_self = true, .heartbeat = &BEAT }, "self", false },
        { { .node = &fra1 }, "never heard", false },
        { { .node = &fra1, .is_heard = true, .is_present = true }, "present", true },
        { { .node = &fra1, .is_heard = true, .is_present = true, .heartbeat = &left }, "present",
            true },
        { { .node = &fra1, .is_heard = true, .heartbeat = &left }, "left", true },
        { { .node = &fra1, .is_heard = true, .heartbeat = &BEAT }, "missing", true },
        { { .node = &fra1, .is_heard = true }, "missing", true },
    };

    for (size_t i = 0; i < COUNT_OF(stands); i++) {
        json_t *json = admin_peer_json(&stands[i].status);

        text_is(json, "state", stands[i].word);
        assert_int_equal(json_object_get(json, "heard_ms") != NULL, stands[i].has_age);
        json_decref(json);
    }
}

static void one_without_map_orders_or_heartbeat_is_told_without(void **)
{
    const struct heartbeat beat = { .release = 1 };
    const struct admin_peer_status some = { .node = &fra1, .heartbeat = &beat },
                                   none = { .node = &fra1 };
    json_t *json = admin_peer_json(&some);

    assert_non_null(json_object_get(json, "release"));
    assert_null(json_object_get(json, "map"));
    assert_null(json_object_get(json, "orders"));
    json_decref(json);
    json = admin_peer_json(&none);
    assert_null(json_object_get(json, "release"));
    assert_null(json_object_get(json, "leaving"));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_peer_says_what_its_heartbeats_said),
        cmocka_unit_test(each_mark_of_a_peer_is_a_flag_of_its_own),
        cmocka_unit_test(where_a_peer_stands_is_one_word),
        cmocka_unit_test(one_without_map_orders_or_heartbeat_is_told_without),
    };

    return cmocka_run_group_tests_name("admin/peers", cases, NULL, NULL);
}
