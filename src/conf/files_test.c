// SPDX-License-Identifier: Apache-2.0
/* Configurations of several files. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/mem.h"
#include "conf/load_test.h"

/* Files of one test, in a folder of their own. */
struct folder {
    char path[64];
};

static void folder_make(struct folder *folder)
{
    snprintf(folder->path, sizeof folder->path, "/tmp/waypost-conf-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

static void folder_drop(struct folder *folder)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r %s", folder->path);
    assert_int_equal(system(command), 0);
}

static void file_write(const struct folder *folder, const char *name, const char *text)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Loads main.yaml; `expected` is what is printed with the folder's name taken out. */
static struct network *folder_load(const struct folder *folder, const char *expected)
{
    struct conf_errors errors;
    char path[PATH_MAX], *printed = NULL, *at;
    size_t length, prefix = strlen(folder->path) + 1;
    FILE *out = open_memstream(&printed, &length);

    conf_errors_init(&errors);
    snprintf(path, sizeof path, "%s/main.yaml", folder->path);
    struct network *network = conf_load_file(path, &errors);

    conf_errors_print(&errors, out);
    fclose(out);
    while ((at = strstr(printed, folder->path)) != NULL)
        memmove(at, at + prefix, strlen(at + prefix) + 1);
    assert_string_equal(printed, expected);
    free(printed);
    conf_errors_done(&errors);
    return network;
}

static void included_files_are_merged(void **)
{
    struct folder folder;

    folder_make(&folder);
    file_write(&folder, "main.yaml", "include: [sites-*.yaml, none-*.yaml, one.yaml]\n" BASE);
    file_write(&folder, "sites-1.yaml", "customers: {acme: {sites: {a.example: {steer: ams}}}}\n");
    file_write(&folder, "sites-2.yaml", "customers: {acme: {sites: {b.example: {steer: nyc}}}}\n");
    file_write(&folder, "one.yaml", "geo: x\ninclude: two.yaml\n");
    file_write(&folder, "two.yaml", "state: y\n");
    struct network *network = folder_load(&folder, "");

    assert_int_equal(network->site_count, 2);
    check_text(site_of(network, "b.example")->origins[0]->name, "nyc");
    check_text(network->geo, "x");
    check_text(network->state, "y");
    assert_true(network->serial > 1600000000);
    network_free(network);
    folder_drop(&folder);
}

static void what_two_files_give_is_an_error_that_names_both(void **)
{
    struct folder folder;

    folder_make(&folder);
    file_write(&folder, "main.yaml", "include: part.yaml\n" BASE);
    file_write(&folder, "part.yaml", "customers:\n  acme:\n    plan: x\nzone: b\n");
    assert_null(folder_load(&folder,
        "part.yaml:3:11: there is no plan \"x\"\n"
        "part.yaml:4:1: \"zone\" is given twice: keep this one or the one at main.yaml:2:1\n"));
    folder_drop(&folder);
}

static void a_file_that_cannot_be_read_is_told_where_it_is_named(void **)
{
    struct folder folder;

    folder_make(&folder);
    assert_null(folder_load(&folder, "main.yaml: cannot be read: No such file or directory\n"));
    file_write(&folder, "main.yaml", "include: [gone.yaml, main.yaml, [x], .]\n" BASE);
    assert_null(folder_load(&folder,
        "main.yaml:1:11: include: gone.yaml cannot be read: there is no such file\n"
        "main.yaml:1:22: include: main.yaml cannot be read: it is included twice, or includes "
        "itself\n"
        "main.yaml:1:33: include: found a list, expected a file or pattern, such as "
        "sites/*.yaml\n"
        "main.yaml:1:38: include: . cannot be read: it is no plain file\n"));
    folder_drop(&folder);
}

static void includes_are_bounded_in_depth(void **)
{
    struct folder folder;
    char name[32], text[64];

    folder_make(&folder);
    file_write(&folder, "main.yaml", "include: f0.yaml\n" BASE);
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "f%d.yaml", i);
        snprintf(text, sizeof text, "include: f%d.yaml\n", i + 1);
        file_write(&folder, name, text);
    }
    assert_null(folder_load(&folder, "f7.yaml:1:10: include: nested more than 8 deep\n"));
    folder_drop(&folder);
}

static void the_state_is_told_of_a_file_that_is_wrong_elsewhere(void **)
{
    static const struct {
        const char *text, *state; // NULL: not told
    } CASES[] = {
        { "state: /y\npops: {fra: {nodes: 7}}\nbnus: local\n", "/y" },
        { "include: part.yaml\npops: 7\n", "/part" },
        { "pops: 7\n", "/var/lib/waypost" },
        { "state: [a]\n", NULL },
        { "state: /y\npops: {\n", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct folder folder;
        char path[PATH_MAX];

        folder_make(&folder);
        file_write(&folder, "main.yaml", CASES[i].text);
        file_write(&folder, "part.yaml", "state: /part\n");
        snprintf(path, sizeof path, "%s/main.yaml", folder.path);
        char *state = conf_file_state(path);

        if (CASES[i].state == NULL)
            assert_null(state);
        else
            assert_string_equal(state, CASES[i].state);
        mem_free(state);
        folder_drop(&folder);
    }
    assert_null(conf_file_state("/nonexistent/main.yaml"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(included_files_are_merged),
        cmocka_unit_test(what_two_files_give_is_an_error_that_names_both),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told_where_it_is_named),
        cmocka_unit_test(includes_are_bounded_in_depth),
        cmocka_unit_test(the_state_is_told_of_a_file_that_is_wrong_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
