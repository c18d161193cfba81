// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/manual.h"

static const struct command COMMANDS[] = {
    { "ask", "NAME... [-c FILE] [--client IP] [--no-wait | --wait SECONDS]", "explain an answer",
        NULL },
    { "rest", "", "do nothing", NULL },
    { NULL, NULL, NULL, NULL },
};

typedef void write_fn(const struct command *commands, FILE *out);

static void assert_writes(write_fn *write, const char *wanted)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);

    write(COMMANDS, memory);
    assert_int_equal(fclose(memory), 0);
    if (strstr(text, wanted) == NULL)
        fail_msg("not there: %s\nin: %s", wanted, text);
    free(text);
}

static void the_man_page_has_every_command_with_arguments_that_can_be_copied(void **)
{
    assert_writes(manual_page_write,
        ".TP\n\\fBwaypost ask\\fR NAME... [\\-c FILE] [\\-\\-client IP] "
        "[\\-\\-no\\-wait | \\-\\-wait SECONDS]\nexplain an answer.\n"
        ".TP\n\\fBwaypost rest\\fR \ndo nothing.\n");
}

static void the_reference_has_a_heading_for_each(void **)
{
    assert_writes(
        manual_reference_write, "\n## waypost rest\n\n```\nwaypost rest\n```\n\nDo nothing.\n");
}

static void completion_knows_commands_and_their_options(void **)
{
    assert_writes(manual_completion_write, "words='ask rest'\n");
    assert_writes(manual_completion_write, "ask) words='-c --client --no-wait --wait' ;;\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_man_page_has_every_command_with_arguments_that_can_be_copied),
        cmocka_unit_test(the_reference_has_a_heading_for_each),
        cmocka_unit_test(completion_knows_commands_and_their_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
