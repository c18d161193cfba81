// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/nats_ack.h"

static void assert_taken(const char *text, uint64_t number)
{
    struct nats_ack ack;

    assert_true(nats_ack_read(slice_text(text), &ack));
    assert_int_equal(ack.number, number);
    assert_int_equal(ack.error.length, 0);
}

static void assert_refused(const char *text, const char *why)
{
    struct nats_ack ack;

    assert_true(nats_ack_read(slice_text(text), &ack));
    assert_int_equal(ack.number, 0);
    assert_true(slice_equal(ack.error, slice_text(why)));
}

static void a_number_says_that_it_was_taken(void **)
{
    assert_taken("{\"stream\":\"orders\", \"seq\":1}", 1);
    assert_taken("{\"stream\":\"orders\",\"domain\":\"x\",\"seq\":9223372036854775807,"
                 "\"duplicate\": true}",
        INT64_MAX);
    assert_taken(" { \"seq\" : 7 , \"stream\" : \"a\" } ", 7);
}

static void an_error_says_why_it_was_not(void **)
{
    assert_refused("{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum bytes "
                   "exceeded\"},\"stream\":\"orders\",\"seq\":0}",
        "maximum bytes exceeded");
    assert_refused("{\"seq\":5,\"error\":{\"description\":\"no\"}}", "no");
}

static void names_within_names_and_strings_mean_nothing(void **)
{
    assert_taken(
        "{\"stream\":\"\\\"seq\\\":5,\",\"a\":{\"seq\":3},\"b\":[{},\"seq\"],\"seq\":4}", 4);
    assert_taken("{\"description\":\"not of an error\",\"seq\":4}", 4);
}

static void all_else_is_no_answer(void **)
{
    static const char *const NOT[] = { "", "{}", "seq", "[{\"seq\":1}]", "{\"seq\":1", "{\"seq\":}",
        "{\"seq\":-1}", "{\"seq\":0}", "{\"seq\":9223372036854775808}", "{\"seq\":1}}",
        "{\"seq\":1} {}", "{\"seq\":\"1\"}", "{\"stream\":\"x\"}", "{\"seq", "{\"seq\\",
        "{{{{{{{{{{{{\"seq\":1}}}}}}}}}}}}" };
    struct nats_ack ack;

    for (size_t i = 0; i < sizeof NOT / sizeof NOT[0]; i++) {
        if (nats_ack_read(slice_text(NOT[i]), &ack))
            fail_msg("taken: %s", NOT[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_says_that_it_was_taken),
        cmocka_unit_test(an_error_says_why_it_was_not),
        cmocka_unit_test(names_within_names_and_strings_mean_nothing),
        cmocka_unit_test(all_else_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
