// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/attempts.h"
#include "base/mem.h"

static const struct ip SOMEBODY = { IP_V4, { 192, 0, 2, 1 } };

static struct instant second(int64_t s)
{
    return (struct instant){ span_s(1000 + s).ns };
}

static void fail_times(
    struct admin_attempts *a, const struct ip *client, struct instant at, int times)
{
    for (int i = 0; i < times; i++)
        admin_attempts_failed(a, client, at);
}

static void ten_are_let_pass_and_then_one_in_six_seconds(void **)
{
    struct admin_attempts *a = mem_new(struct admin_attempts);

    for (int i = 0; i < ADMIN_ATTEMPTS_MAX; i++) {
        assert_int_equal(admin_attempts_wait_s(a, &SOMEBODY, second(0)), 0);
        admin_attempts_failed(a, &SOMEBODY, second(0));
    }
    assert_int_equal(admin_attempts_wait_s(a, &SOMEBODY, second(0)), 6);
    assert_int_equal(admin_attempts_wait_s(a, &SOMEBODY, second(5)), 1);
    assert_int_equal(admin_attempts_wait_s(a, &SOMEBODY, second(6)), 0);
    admin_attempts_failed(a, &SOMEBODY, second(6));
    assert_int_equal(admin_attempts_wait_s(a, &SOMEBODY, second(6)), 6);
    mem_free(a);
}

static void after_a_minute_all_is_forgiven(void **)
{
    struct admin_attempts *a = mem_new(struct admin_attempts);

    fail_times(a, &SOMEBODY, second(0), ADMIN_ATTEMPTS_MAX);
    fail_times(a, &SOMEBODY, second(60), ADMIN_ATTEMPTS_MAX - 1);
    assert_int_equal(admin_attempts_wait_s(a, &SOMEBODY, second(60)), 0);
    admin_attempts_failed(a, &SOMEBODY, second(60));
    assert_int_equal(admin_attempts_wait_s(a, &SOMEBODY, second(60)), 6);
    mem_free(a);
}

static void each_client_has_its_own(void **)
{
    static const struct ip OTHER = { IP_V4, { 192, 0, 2, 2 } };
    static const struct ip SIX = { IP_V6, { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9 } };
    static const struct ip NEIGHBOUR = { IP_V6, { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 8, 8 } };
    static const struct ip FAR = { IP_V6, { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 9 } };
    struct admin_attempts *a = mem_new(struct admin_attempts);

    fail_times(a, &SOMEBODY, second(0), ADMIN_ATTEMPTS_MAX);
    fail_times(a, &SIX, second(0), ADMIN_ATTEMPTS_MAX);
    assert_int_equal(admin_attempts_wait_s(a, &OTHER, second(0)), 0);
    assert_int_equal(admin_attempts_wait_s(a, &SIX, second(0)), 6);
    assert_int_equal(admin_attempts_wait_s(a, &NEIGHBOUR, second(0)), 6);
    assert_int_equal(admin_attempts_wait_s(a, &FAR, second(0)), 0);
    mem_free(a);
}

static void of_more_clients_than_rows_the_least_guilty_is_forgotten(void **)
{
    struct admin_attempts *a = mem_new(struct admin_attempts);

    fail_times(a, &SOMEBODY, second(0), ADMIN_ATTEMPTS_MAX);
    for (int i = 0; i < 3 * ADMIN_ATTEMPTS_ROWS; i++)
        admin_attempts_failed(
            a, &(struct ip){ IP_V4, { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } }, second(0));
    assert_int_equal(admin_attempts_wait_s(a, &SOMEBODY, second(0)), 6);
    mem_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_are_let_pass_and_then_one_in_six_seconds),
        cmocka_unit_test(after_a_minute_all_is_forgiven),
        cmocka_unit_test(each_client_has_its_own),
        cmocka_unit_test(of_more_clients_than_rows_the_least_guilty_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
