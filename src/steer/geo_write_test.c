// SPDX-License-Identifier: Apache-2.0
#include <maxminddb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/attr.h"
#include "steer/geo_file_test.h"

/* The country that the library finds for an address; empty where there is none. */
static const char *country_at(MMDB_s *file, const char *address)
{
    static char code[3];
    int resolve_error, error;
    MMDB_lookup_result_s found = MMDB_lookup_string(file, address, &resolve_error, &error);
    MMDB_entry_data_s field;

    assert_int_equal(resolve_error, 0);
    assert_int_equal(error, MMDB_SUCCESS);
    if (!found.found_entry)
        return "";
    assert_int_equal(
        MMDB_get_value(&found.entry, &field, "country", "iso_code", (char *)NULL), MMDB_SUCCESS);
    assert_int_equal(field.data_size, 2);
    memcpy(code, field.utf8_string, 2);
    return code;
}

/* What mmdblookup of the package mmdb-bin prints for an address, or for a field of its data. */
static void lookup(
    const char *address, const char *group, const char *field, char *said, size_t room)
{
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("mmdblookup", "mmdblookup", "--verbose", "--file", file_path(), "--ip", address,
            group, field, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t length = 0;

    for (ssize_t count = 1; count > 0; length += (size_t)count)
        count = read(ends[0], said + length, room - 1 - length);
    said[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void the_library_finds_what_was_written(void **)
{
    struct geo_write_entry entries[] = { of_country("10.1.2.0/24", "DE"),
        of_country("10.0.0.0/8", "FR"), of_country("2001:db8::/32", "JP"),
        of_country("2001:db8:7::/48", "KR"), of_country("10.0.0.0/8", "NL"),
        of_country("192.0.2.1/32", "US"), of_country("::/0", "AQ") };
    MMDB_s file;

    file_write(entries, COUNT_OF(entries));
    assert_int_equal(MMDB_open(file_path(), MMDB_MODE_MMAP, &file), MMDB_SUCCESS);
    assert_string_equal(country_at(&file, "10.1.2.3"), "DE");
    assert_string_equal(country_at(&file, "10.1.3.3"), "NL"); // the later of two
    assert_string_equal(country_at(&file, "2001:db8:7::1"), "KR");
    assert_string_equal(country_at(&file, "2001:db8:8::1"), "JP");
    assert_string_equal(country_at(&file, "192.0.2.1"), "US");
    assert_string_equal(country_at(&file, "192.0.2.2"), "AQ");
    assert_string_equal(country_at(&file, "::ffff:10.1.2.3"), "AQ"); // somebody's already
    MMDB_close(&file);
}

static void mapped_and_6to4_addresses_lead_to_those_of_ipv4(void **)
{
    struct geo_write_entry entries[] = { of_country("10.1.2.0/24", "DE") };
    MMDB_s file;

    file_write(entries, COUNT_OF(entries));
    assert_int_equal(MMDB_open(file_path(), MMDB_MODE_MMAP, &file), MMDB_SUCCESS);
    assert_string_equal(country_at(&file, "::ffff:10.1.2.3"), "DE");
    assert_string_equal(country_at(&file, "2002:0a01:0203::1"), "DE");
    assert_string_equal(country_at(&file, "2002:0a01:0303::1"), "");
    assert_string_equal(country_at(&file, "10.1.3.1"), "");
    MMDB_close(&file);
}

static void the_usual_tool_reads_it(void **)
{
    struct geo_write_entry entries[] = { placed("198.51.100.0/24", "IS", 64.15, -21.94),
        of_country("203.0.113.0/24", "AU") };
    char said[4000];

    file_write(entries, COUNT_OF(entries));
    lookup("198.51.100.9", "location", "longitude", said, sizeof said);
    assert_non_null(strstr(said, "-21.94"));
    assert_non_null(strstr(said, "<double>"));
    assert_non_null(strstr(said, "waypost-City"));
    lookup("198.51.100.9", "country", "iso_code", said, sizeof said);
    assert_non_null(strstr(said, "\"IS\" <utf8_string>"));
    lookup("203.0.113.1", NULL, NULL, said, sizeof said);
    assert_non_null(strstr(said, "\"AU\""));
    assert_null(strstr(said, "latitude"));
    lookup("192.0.2.1", NULL, NULL, said, sizeof said);
    assert_non_null(strstr(said, "Could not find an entry"));
}

static void no_place_at_all_makes_a_file_too(void **)
{
    MMDB_s file;

    file_write(NULL, 0);
    assert_int_equal(MMDB_open(file_path(), MMDB_MODE_MMAP, &file), MMDB_SUCCESS);
    assert_string_equal(country_at(&file, "10.1.2.3"), "");
    MMDB_close(&file);
}

static void what_cannot_be_written_leaves_nothing_behind(void **)
{
    struct geo_write_entry entries[] = { of_country("10.0.0.0/8", "DE") };
    struct diag why = { 0 };
    char longest[5000];

    assert_int_equal(geo_write("/nowhere/at/all.mmdb", entries, 1, &why), ERR_MISSING);
    assert_non_null(strstr(why.text, "/nowhere/at/all.mmdb"));
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(geo_write(longest, entries, 1, &why), ERR_LIMIT);
    file_gone(NULL);
    // A folder of that name is there: the finished file cannot take its place.
    assert_int_equal(mkdir(file_path(), 0700), 0);
    assert_int_not_equal(geo_write(file_path(), entries, 1, &why), ERR_NONE);
    snprintf(longest, sizeof longest, "%s.new", file_path());
    assert_int_not_equal(access(longest, F_OK), 0);
    assert_int_equal(rmdir(file_path()), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_finds_what_was_written),
        cmocka_unit_test(mapped_and_6to4_addresses_lead_to_those_of_ipv4),
        cmocka_unit_test(the_usual_tool_reads_it),
        cmocka_unit_test(no_place_at_all_makes_a_file_too),
        cmocka_unit_test(what_cannot_be_written_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, file_gone);
}
