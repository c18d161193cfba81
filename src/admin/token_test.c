// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "admin/token.h"
#include "base/mem.h"

#define TOKEN "0123456789abcdef"

/* What becomes of a file with such bytes; `why` is empty when it is taken. */
static char *loaded(const char *bytes, size_t length, struct diag *why)
{
    char path[] = "/tmp/token-test-XXXXXX", *token = NULL;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
    *why = (struct diag){ 0 };
    enum err err = admin_token_load(slice_text(path), &token, why);

    assert_int_equal(err, token == NULL ? ERR_CONFIG : ERR_NONE);
    unlink(path);
    return token;
}

static void a_token_is_the_files_text_without_what_surrounds_it(void **)
{
    static const char *const FILES[] = { TOKEN, TOKEN "\n", TOKEN "\r\n\n", "  " TOKEN " \t\n" };
    struct diag why;

    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        char *token = loaded(FILES[i], strlen(FILES[i]), &why);

        assert_non_null(token);
        assert_string_equal(token, TOKEN);
        mem_free(token);
    }
}

static void what_is_no_good_token_is_refused_with_the_reason(void **)
{
    static const struct {
        const char *bytes, *why;
    } CASES[] = {
        { "", "shorter than 16" },
        { "0123456789abcde\n", "shorter than 16" },
        { "0123456789 abcdef", "other than letters" },
        { "0123456789\nabcdef", "other than letters" },
        { "0123456789\xc3\xa4"
          "abcdef",
            "other than letters" },
    };
    char large[ADMIN_TOKEN_MAX + 2];
    struct diag why;

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_null(loaded(CASES[i].bytes, strlen(CASES[i].bytes), &why));
        assert_non_null(strstr(why.text, CASES[i].why));
        assert_non_null(strstr(why.text, "/tmp/token-test-"));
    }
    memset(large, 'a', sizeof large);
    assert_null(loaded(large, ADMIN_TOKEN_MAX + 1, &why));
    assert_non_null(strstr(why.text, "longer than 512"));
    char *token = loaded(large, ADMIN_TOKEN_MAX, &why);

    assert_non_null(token);
    mem_free(token);
}

static void a_file_that_is_not_there_is_an_error_that_names_it(void **)
{
    struct diag why;
    char *token = NULL;

    assert_int_equal(admin_token_load(SLICE("/nowhere/token"), &token, &why), ERR_CONFIG);
    assert_string_equal(why.text, "/nowhere/token cannot be used: No such file or directory");
    assert_null(token);
}

static void the_field_shows_what_stands_behind_bearer(void **)
{
    struct slice token = SLICE_NONE;

    assert_true(admin_token_shown(SLICE("Bearer " TOKEN), &token));
    assert_true(slice_equal(token, SLICE(TOKEN)));
    assert_true(admin_token_shown(SLICE("bearer  " TOKEN " "), &token)); // schemes: without case
    assert_true(slice_equal(token, SLICE(TOKEN)));
}

static void other_fields_show_no_token(void **)
{
    static const char *const OTHERS[] = { "", "Bearer", "Bearer ", "Basic " TOKEN, TOKEN,
        "Bearer" TOKEN, "Bearer 0123456789abcde", "Bearer " TOKEN " " TOKEN,
        "Bearer " TOKEN "\x80" };
    struct slice token = SLICE_NONE;

    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
        assert_false(admin_token_shown(slice_text(OTHERS[i]), &token));
    assert_false(admin_token_shown(SLICE_NONE, &token));
    assert_null(token.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_the_files_text_without_what_surrounds_it),
        cmocka_unit_test(what_is_no_good_token_is_refused_with_the_reason),
        cmocka_unit_test(a_file_that_is_not_there_is_an_error_that_names_it),
        cmocka_unit_test(the_field_shows_what_stands_behind_bearer),
        cmocka_unit_test(other_fields_show_no_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
