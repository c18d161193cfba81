// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/guard.h"

static struct ip v6(const char *text)
{
    struct ip ip;

    assert_true(ip_parse(slice_text(text), &ip));
    return ip;
}

static void a_client_gets_so_many_and_no_more(void **)
{
    struct http_guard guard;
    struct ip one = ip_v4(192, 0, 2, 1), other = ip_v4(192, 0, 2, 2);

    http_guard_init(&guard, 1);
    for (int i = 0; i < 5; i++)
        assert_true(http_guard_enter(&guard, &one, 5));
    assert_false(http_guard_enter(&guard, &one, 5));
    assert_true(http_guard_enter(&guard, &other, 5));
    http_guard_leave(&guard, &one);
    assert_true(http_guard_enter(&guard, &one, 5));
    assert_int_equal(http_guard_count(&guard, &one), 5);
    assert_int_equal(http_guard_count(&guard, &other), 1);
    http_guard_done(&guard);
}

static void addresses_of_one_64_are_one_client(void **)
{
    struct http_guard guard;
    struct ip one = v6("2001:db8:1:2::1"), same = v6("2001:db8:1:2:ffff::9");
    struct ip other = v6("2001:db8:1:3::1");

    http_guard_init(&guard, 1);
    assert_true(http_guard_enter(&guard, &one, 1));
    assert_false(http_guard_enter(&guard, &same, 1));
    assert_true(http_guard_enter(&guard, &other, 1));
    http_guard_leave(&guard, &one);
    assert_true(http_guard_enter(&guard, &same, 1));
    http_guard_done(&guard);
}

static void who_has_no_address_is_not_counted(void **)
{
    struct http_guard guard;
    struct ip nobody = { .family = IP_NONE };

    http_guard_init(&guard, 1);
    assert_true(http_guard_enter(&guard, &nobody, 0));
    assert_int_equal(http_guard_count(&guard, &nobody), 0);
    http_guard_leave(&guard, &nobody);
    http_guard_done(&guard);
}

static void a_limit_of_none_lets_nobody_in_and_keeps_no_row(void **)
{
    struct http_guard guard;
    struct ip one = ip_v4(192, 0, 2, 1);

    http_guard_init(&guard, 1);
    assert_false(http_guard_enter(&guard, &one, 0));
    assert_int_equal(guard.used, 0);
    http_guard_done(&guard);
}

/* Against plain counters, with clients that come and go at random. */
static void counts_stay_right_while_clients_come_and_go(void **)
{
    enum { CLIENTS = 700, STEPS = 200000, MOST = 6 };
    static uint32_t counts[CLIENTS];
    struct http_guard guard;
    uint64_t luck = 88172645463325252U;
    size_t clients = 0;

    http_guard_init(&guard, 7);
    for (int i = 0; i < STEPS; i++) {
        luck ^= luck << 13;
        luck ^= luck >> 7;
        luck ^= luck << 17;
        unsigned which = (unsigned)(luck >> 20) % CLIENTS;
        struct ip ip = which % 2 == 0 ? ip_v4(10, 0, (uint8_t)(which >> 8), (uint8_t)which)
                                      : v6("2001:db8::1");

        if (which % 2 == 1) {
            ip.bytes[6] = (uint8_t)(which >> 8);
            ip.bytes[7] = (uint8_t)which;
        }
        if ((luck & 1) == 0) {
            bool is_let_in = http_guard_enter(&guard, &ip, MOST);

            assert_int_equal(is_let_in, counts[which] < MOST);
            clients += counts[which] == 0;
            counts[which] += is_let_in;
        } else if (counts[which] > 0) {
            http_guard_leave(&guard, &ip);
            counts[which]--;
            clients -= counts[which] == 0;
        }
        assert_int_equal(http_guard_count(&guard, &ip), counts[which]);
        assert_int_equal(guard.used, clients);
    }
    assert_true(guard.room <= 4 * CLIENTS);
    http_guard_done(&guard);
}

static void one_worker_keeps_to_the_limit_itself(void **)
{
    assert_int_equal(http_guard_share(10, 1), 10);
    assert_int_equal(http_guard_share(UINT64_C(1) << 40, 1), UINT32_MAX);
}

static void several_workers_share_a_limit_with_some_room(void **)
{
    assert_int_equal(http_guard_share(1000, 2), 500 + 125 + 4);
    assert_int_equal(http_guard_share(1, 64), 1 + 4);
    assert_int_equal(http_guard_share(0, 64), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_gets_so_many_and_no_more),
        cmocka_unit_test(addresses_of_one_64_are_one_client),
        cmocka_unit_test(who_has_no_address_is_not_counted),
        cmocka_unit_test(a_limit_of_none_lets_nobody_in_and_keeps_no_row),
        cmocka_unit_test(counts_stay_right_while_clients_come_and_go),
        cmocka_unit_test(one_worker_keeps_to_the_limit_itself),
        cmocka_unit_test(several_workers_share_a_limit_with_some_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
