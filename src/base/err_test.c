// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void every_error_has_a_text_of_its_own(void **)
{
    for (int i = ERR_NONE; i <= ERR_SYSTEM; i++) {
        assert_true(err_text((enum err)i)[0] != '\0');
        for (int j = ERR_NONE; j < i; j++)
            assert_string_not_equal(err_text((enum err)i), err_text((enum err)j));
    }
    assert_string_equal(err_text((enum err)999), "unknown error");
}

static void errno_is_told_in_our_words(void **)
{
    assert_int_equal(err_from_errno(0), ERR_NONE);
    assert_int_equal(err_from_errno(EAGAIN), ERR_AGAIN);
    assert_int_equal(err_from_errno(EINPROGRESS), ERR_AGAIN);
    assert_int_equal(err_from_errno(ECONNREFUSED), ERR_REFUSED);
    assert_int_equal(err_from_errno(ECONNABORTED), ERR_RESET);
    assert_int_equal(err_from_errno(EPIPE), ERR_RESET);
    assert_int_equal(err_from_errno(ETIMEDOUT), ERR_TIMEOUT);
    assert_int_equal(err_from_errno(ENETUNREACH), ERR_UNREACHABLE);
    assert_int_equal(err_from_errno(EADDRINUSE), ERR_ADDRESS_IN_USE);
    assert_int_equal(err_from_errno(EACCES), ERR_DENIED);
    assert_int_equal(err_from_errno(EMFILE), ERR_LIMIT);
    assert_int_equal(err_from_errno(ENOSPC), ERR_SPACE);
    assert_int_equal(err_from_errno(EXDEV), ERR_SYSTEM);
}

static enum err pass_up(enum err from_below, int *reached)
{
    TRY(from_below);
    *reached += 1;
    return ERR_NONE;
}

static void try_leaves_only_on_an_error(void **)
{
    int reached = 0;

    assert_int_equal(pass_up(ERR_STALE, &reached), ERR_STALE);
    assert_int_equal(reached, 0);
    assert_int_equal(pass_up(ERR_NONE, &reached), ERR_NONE);
    assert_int_equal(reached, 1);
}

static void a_diag_is_cut_to_fit(void **)
{
    struct diag why = { .line = 3 };
    char text[2 * DIAG_TEXT_MAX];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    diag_say(&why, "%s", text);
    assert_int_equal(strlen(why.text), DIAG_TEXT_MAX - 1);
    assert_int_equal(why.line, 3);
    diag_say(&why, "port %d is taken", 53);
    assert_string_equal(why.text, "port 53 is taken");
}

static void nobody_needs_to_ask_why(void **)
{
    diag_say(NULL, "%d", 1);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(every_error_has_a_text_of_its_own),
        cmocka_unit_test(errno_is_told_in_our_words),
        cmocka_unit_test(try_leaves_only_on_an_error),
        cmocka_unit_test(a_diag_is_cut_to_fit),
        cmocka_unit_test(nobody_needs_to_ask_why),
    };

    return cmocka_run_group_tests_name("base/err", cases, NULL, NULL);
}
