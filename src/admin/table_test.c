// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/table.h"

static const struct table_column columns[] = { { "NAME", false }, { "COUNT", true },
    { "NOTE", false } };

static void table_is(struct table *t, const char *expected)
{
    struct text out;

    text_init(&out, 1 << 20);
    table_write(t, &out);
    assert_string_equal(out.at == NULL ? "" : out.at, expected);
    text_done(&out);
    table_done(t);
}

static void columns_are_as_wide_as_their_widest_cell(void **)
{
    struct table t;

    table_init(&t, columns, 3);
    table_cell(&t, "a");
    table_cell(&t, "%d", 1);
    table_cell(&t, "x");
    table_cell(&t, "longer");
    table_cell(&t, "%d", 1234567);
    table_cell(&t, "y z");
    table_is(&t, "NAME      COUNT  NOTE\n"
                 "a             1  x\n"
                 "longer  1234567  y z\n");
}

static void no_line_ends_in_blanks(void **)
{
    struct table t;

    table_init(&t, columns, 3);
    table_cell(&t, "a");
    table_cell(&t, "1");
    table_cell(&t, "%s", "");
    table_cell(&t, "b");
    table_cell(&t, "%s", "");
    table_cell(&t, "x");
    table_is(&t, "NAME  COUNT  NOTE\n"
                 "a         1\n"
                 "b            x\n");
}

static void a_table_without_rows_is_nothing(void **)
{
    struct table t;

    table_init(&t, columns, 3);
    table_is(&t, "");
}

static void letters_of_several_bytes_take_one_place(void **)
{
    struct table t;

    table_init(&t, columns, 3);
    table_cell(&t, "Zürich");
    table_cell(&t, "1");
    table_cell(&t, "x");
    table_is(&t, "NAME    COUNT  NOTE\n"
                 "Zürich      1  x\n");
}

static void long_cells_are_cut_and_control_bytes_hidden(void **)
{
    struct table t;
    char long_text[200];

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    memcpy(long_text + 59, "ü", 2); // the cut would go through it
    table_init(&t, columns, 1);
    table_cell(&t, "%s", long_text);
    table_cell(&t, "a\033[2Jb");
    assert_int_equal(strlen(t.cells[0]), 62);
    assert_string_equal(t.cells[0] + 57, "xx...");
    assert_string_equal(t.cells[1], "a?[2Jb");
    table_done(&t);
}

static void amounts_have_units_people_read(void **)
{
    static const struct {
        uint64_t amount;
        const char *size, *count, *duration;
    } CASES[] = {
        { 0, "0 B", "0", "0 s" },
        { 59, "59 B", "59", "59 s" },
        { 999, "999 B", "999", "16 min 39 s" },
        { 1023, "1023 B", "1,023", "17 min 3 s" },
        { 1024, "1.0 KiB", "1,024", "17 min 4 s" },
        { 102400, "100 KiB", "102,400", "1 d 4 h" },
        { 1048575, "1.0 MiB", "1,048,575", "12 d 3 h" },
        { 7200, "7.0 KiB", "7,200", "2 h 0 min" },
        { UINT64_MAX, "16.0 EiB", "18,446,744,073,709,551,615", "213503982334601 d 7 h" },
    };
    char text[TABLE_AMOUNT_MAX];

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        assert_string_equal(table_size(CASES[i].amount, text), CASES[i].size);
        assert_string_equal(table_count(CASES[i].amount, text), CASES[i].count);
        assert_string_equal(table_duration(CASES[i].amount, text), CASES[i].duration);
    }
}

static void only_all_of_it_is_a_hundred_percent(void **)
{
    char text[TABLE_AMOUNT_MAX];

    assert_string_equal(table_share(0, 0, text), "-");
    assert_string_equal(table_share(0, 5, text), "0 %");
    assert_string_equal(table_share(999, 1000, text), "99 %");
    assert_string_equal(table_share(1000, 1000, text), "100 %");
}

static const char status[] =
    "{\"network\":\"example\",\"version\":\"0.1\",\"now\":\"2026-11-22T10:00:00Z\",\"uptime_s\":61,"
    "\"workers\":2,\"release\":{\"hash\":\"00000000000000ff\",\"serial\":7},\"nodes\":[{\"name\":"
    "\"fra1\",\"pop\":\"fra\",\"addresses\":[\"192.0.2.10\",\"192.0.2.11\"],\"ports\":{\"dns\":53,"
    "\"http\":80,\"https\":443},\"dns_queries\":1204,\"requests\":200,\"hits\":150,\"sent_bytes\":"
    "2048,"
    "\"connections\":4,\"store\":{\"used_bytes\":1048576,\"limit_bytes\":268435456,\"objects\":31}}"
    "],\"origins\":[{\"customer\":\"acme\",\"name\":\"ams\",\"address\":\"198.51.100.7:80\","
    "\"node\":\"fra1\",\"fetches\":12,\"failures\":1,\"in_flight\":2,\"response_us\":12340,\"last_"
    "error\":\"timed "
    "out\",\"last_error_at\":\"2026-11-22T09:59:00Z\"}],\"sites\":[{\"host\":\"www.acme.example\","
    "\"customer\":\"acme\",\"kind\":\"steer\",\"policy\":\"strict\",\"origins\":[\"ams\",\"nyc\"]}"
    "],\"certificates\":[{\"name\":\"default\",\"file\":\"/any.pem\",\"days_left\":-3,"
    "\"valid_till\":\"2026-11-19T10:00:00Z\",\"note\":\"expired\"}]}";

static void a_status_is_shown_as_tables(void **)
{
    struct text out;

    text_init(&out, 1 << 20);
    assert_int_equal(table_status(&out, slice_text(status), NULL), ERR_NONE);
    assert_string_equal(out.at,
        "NETWORK  RELEASE           SERIAL         UP  WORKERS  VERSION\n"
        "example  00000000000000ff       7  1 min 1 s        2  0.1\n"
        "\n"
        "NODE  POP  ADDRESSES               DNS  HTTP  HTTPS  QUERIES  REQUESTS  HITS     SENT  "
        "OPEN  "
        "OBJECTS  STORE\n"
        "fra1  fra  192.0.2.10, 192.0.2.11   53    80    443    1,204       200  75 %  2.0 KiB     "
        "4"
        "       31  1.0 MiB of 256 MiB\n"
        "\n"
        "ORIGIN    ADDRESS          NODE  FETCHES  FAILED  IN FLIGHT  RESPONSE  LAST ERROR\n"
        "acme/ams  198.51.100.7:80  fra1       12       1          2   12.3 ms  timed out, "
        "2026-11-22T09:59:00Z\n"
        "\n"
        "SITE              CUSTOMER  KIND   POLICY  ORIGINS\n"
        "www.acme.example  acme      steer  strict  ams, nyc\n"
        "\n"
        "CERTIFICATE  FILE      DAYS LEFT  VALID TILL\n"
        "default      /any.pem         -3  2026-11-19T10:00:00Z\n"
        "default: expired\n");
    text_done(&out);
}

static void a_status_that_lacks_things_is_shown_as_far_as_it_goes(void **)
{
    struct text out;

    text_init(&out, 1 << 20);
    assert_int_equal(
        table_status(&out, SLICE("{\"release\":{},\"nodes\":[{},7],\"sites\":{}}"), NULL),
        ERR_NONE);
    assert_non_null(
        strstr(out.at, "\n-     -    -            0     0      -        0         0     -"));
    text_done(&out);
}

static void what_is_no_status_is_refused_with_the_mend(void **)
{
    static const char *const OTHERS[] = { "", "{", "[]", "{}", "{\"release\":1}", "null" };

    for (size_t i = 0; i < COUNT_OF(OTHERS); i++) {
        struct diag why = { 0 };
        struct text out;

        text_init(&out, 1 << 20);
        assert_int_equal(table_status(&out, slice_text(OTHERS[i]), &why), ERR_PARSE);
        assert_non_null(strstr(why.text, "not the status of a node"));
        assert_int_equal(out.length, 0);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(no_line_ends_in_blanks),
        cmocka_unit_test(a_table_without_rows_is_nothing),
        cmocka_unit_test(letters_of_several_bytes_take_one_place),
        cmocka_unit_test(long_cells_are_cut_and_control_bytes_hidden),
        cmocka_unit_test(amounts_have_units_people_read),
        cmocka_unit_test(only_all_of_it_is_a_hundred_percent),
        cmocka_unit_test(a_status_is_shown_as_tables),
        cmocka_unit_test(a_status_that_lacks_things_is_shown_as_far_as_it_goes),
        cmocka_unit_test(what_is_no_status_is_refused_with_the_mend),
    };

    return cmocka_run_group_tests_name("admin/table", cases, NULL, NULL);
}
