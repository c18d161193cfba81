// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hash.h"

static void equal_bytes_hash_alike_wherever_they_lie(void **)
{
    char copy[] = "xwww.acme.example";

    assert_true(hash_bytes(SLICE("www.acme.example"), 1) == hash_bytes(slice_text(copy + 1), 1));
    assert_true(hash_bytes(SLICE_NONE, 1) == hash_bytes(SLICE(""), 1));
}

static void another_byte_length_or_seed_gives_another_hash(void **)
{
    uint64_t hash = hash_bytes(SLICE("www.acme.example"), 1);

    assert_true(hash != hash_bytes(SLICE("www.acme.examplf"), 1));
    assert_true(hash != hash_bytes(SLICE("www.acme.exampl"), 1));
    assert_true(hash != hash_bytes(SLICE("www.acme.example"), 2));
}

/* Names leave the process as hashes and are stored: another build must find them again. */
static void a_hash_is_the_same_on_every_machine(void **)
{
    assert_true(hash_bytes(SLICE(""), 0) == UINT64_C(0x2d06800538d394c2));
}

static void mixing_spreads_small_numbers_over_all_bits(void **)
{
    uint64_t ever_set = 0, ever_clear = 0;

    for (uint64_t i = 1; i < 64; i++) {
        ever_set |= hash_mix(i);
        ever_clear |= ~hash_mix(i);
        for (uint64_t j = 0; j < i; j++)
            assert_true(hash_mix(i) != hash_mix(j));
    }
    assert_true(ever_set == UINT64_MAX);
    assert_true(ever_clear == UINT64_MAX);
}

static void each_start_draws_another_seed(void **)
{
    assert_true(hash_seed_random() != hash_seed_random());
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(equal_bytes_hash_alike_wherever_they_lie),
        cmocka_unit_test(another_byte_length_or_seed_gives_another_hash),
        cmocka_unit_test(a_hash_is_the_same_on_every_machine),
        cmocka_unit_test(mixing_spreads_small_numbers_over_all_bits),
        cmocka_unit_test(each_start_draws_another_seed),
    };

    return cmocka_run_group_tests_name("base/hash", cases, NULL, NULL);
}
