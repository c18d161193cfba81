// SPDX-License-Identifier: Apache-2.0
/* A network made again from what it was loaded from, when the files are others or gone. */
#include <limits.h>
#include <unistd.h>

#include "base/attr.h"
#include "conf/load_test.h"

#define REST                                          \
    "zone: cdn.example.net\n"                         \
    "pops:\n"                                         \
    "  fra: {nodes: {fra1: {address: 192.0.2.10}}}\n" \
    "customers: {}\n"
#define CUSTOMER(name, host)                                                \
    "customers: {" name ": {origins: {o: {address: \"198.51.100.7:80\"}}, " \
    "sites: {" host ": {steer: [o]}}}}\n"

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static char folder[64];

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void drop(const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static int setup(void **)
{
    snprintf(folder, sizeof folder, "/tmp/waypost-texts-XXXXXX");
    assert_non_null(mkdtemp(folder));
    put("net.yaml", "include: [\"b*.yaml\", a.yaml]\n" REST);
    put("a.yaml", CUSTOMER("acme", "www.acme.test"));
    put("b1.yaml", CUSTOMER("bolt", "www.bolt.test"));
    put("b2.yaml", "include: \"deep-?.yaml\"\n" CUSTOMER("bow", "www.bow.test"));
    put("deep-1.yaml", CUSTOMER("dive", "www.dive.test"));
    put("deep-12.yaml", "this is: [not, included");
    return 0;
}

static int teardown(void **)
{
    static const char *const NAMES[] = { "net.yaml", "a.yaml", "b1.yaml", "b2.yaml", "b3.yaml",
        "deep-1.yaml", "deep-12.yaml" };

    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        drop(NAMES[i]);
    rmdir(folder);
    return 0;
}

static struct network *load_files(void)
{
    struct conf_errors errors;
    char path[PATH_MAX];

    conf_errors_init(&errors);
    snprintf(path, sizeof path, "%s/net.yaml", folder);
    struct network *network = conf_load_file(path, &errors);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    assert_non_null(network);
    return network;
}

static void what_was_included_is_found_again_when_the_files_are_others(void **)
{
    struct conf_errors errors;
    struct network *first = load_files();

    drop("net.yaml");
    drop("b1.yaml");
    put("a.yaml", "changed: yes\n");
    put("b3.yaml", CUSTOMER("new", "www.new.test"));
    conf_errors_init(&errors);
    struct network *again =
        conf_load_texts(first->history.texts, first->history.text_count, &errors);

    conf_errors_print(&errors, stderr);
    assert_non_null(again);
    assert_int_equal(first->history.text_count, 5);
    assert_int_equal(again->hash, first->hash);
    assert_int_equal(again->site_count, 4);
    for (size_t i = 0; i < again->site_count; i++)
        assert_true(slice_equal(again->sites[i]->host, first->sites[i]->host));
    for (size_t i = 0; i < again->history.text_count; i++)
        assert_true(slice_equal(again->history.texts[i].text, first->history.texts[i].text));
    network_free(first);
    network_free(again);
    conf_errors_done(&errors);
}

static void text_from_memory_is_kept_too(void **)
{
    struct conf_errors errors;
    struct network *first = load(BASE);

    conf_errors_init(&errors);
    struct network *again =
        conf_load_texts(first->history.texts, first->history.text_count, &errors);

    assert_non_null(again);
    assert_int_equal(again->hash, first->hash);
    network_free(first);
    network_free(again);
    conf_errors_done(&errors);
}

/* The texts come from a disk, where anything may be. Returns how many errors were found. */
static size_t check_refused(const struct conf_text *texts, size_t count)
{
    struct conf_errors errors;

    conf_errors_init(&errors);
    assert_null(conf_load_texts(texts, count, &errors));
    size_t found = errors.count + errors.more;

    assert_true(found > 0);
    conf_errors_done(&errors);
    return found;
}

static void texts_that_include_themselves_or_what_is_not_there_are_refused(void **)
{
    static const struct conf_text SELF[] = { { TEXT("net.yaml"), TEXT("include: a.yaml\n" REST) },
        { TEXT("a.yaml"), TEXT("include: \"*.yaml\"\nzone: x.test\n") } };
    // Each in the other as deep as may be, that would be read 3^8 times.
    static const struct conf_text MANY[] = { { TEXT("net.yaml"), TEXT("include: a.yaml\n" REST) },
        { TEXT("a.yaml"), TEXT("include: [a.yaml, a.yaml, a.yaml]\n") } };
    static const struct conf_text BROKEN[] = { { TEXT("net.yaml"), TEXT("zone: [") } };

    check_refused(SELF, COUNT_OF(SELF));
    assert_true(check_refused(MANY, COUNT_OF(MANY)) < 10);
    check_refused(BROKEN, COUNT_OF(BROKEN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_included_is_found_again_when_the_files_are_others, setup, teardown),
        cmocka_unit_test(text_from_memory_is_kept_too),
        cmocka_unit_test(texts_that_include_themselves_or_what_is_not_there_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
