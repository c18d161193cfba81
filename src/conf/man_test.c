// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/json_schema.h"
#include "conf/roff.h"

static char *closed(FILE *memory, char **text)
{
    assert_int_equal(fclose(memory), 0);
    return *text;
}

static char *escaped(const char *line)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);

    roff_write(line, memory);
    return closed(memory, &text);
}

static void assert_escaped(const char *line, const char *wanted)
{
    char *text = escaped(line);

    assert_string_equal(text, wanted);
    free(text);
}

static void what_means_something_to_troff_comes_out_as_itself(void **)
{
    assert_escaped(".TH", "\\&.TH");
    assert_escaped("'tis a\\b", "\\&'tis a\\eb");
    assert_escaped("--node a.b", "\\-\\-node a.b");
    assert_escaped("~/x^2", "\\(ti/x\\(ha2");
}

static void what_stands_between_backticks_is_bold_and_bold_ends_with_the_line(void **)
{
    assert_escaped("see `state`.", "see \\fBstate\\fR.");
    assert_escaped("see `state", "see \\fBstate\\fR");
}

static void the_page_has_sections_below_sections_and_all_kinds(void **)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);

    conf_man_write(memory);
    closed(memory, &text);
    assert_non_null(strstr(text, ".SS \"pops.NAME.nodes.NAME\"\n"));
    assert_non_null(strstr(text, "\\fBzone\\fR (host name; required)\n"));
    assert_non_null(strstr(text, "Default: /var/lib/waypost.\n"));
    assert_non_null(strstr(text, "\\fBduration\\fR\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_something_to_troff_comes_out_as_itself),
        cmocka_unit_test(what_stands_between_backticks_is_bold_and_bold_ends_with_the_line),
        cmocka_unit_test(the_page_has_sections_below_sections_and_all_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
