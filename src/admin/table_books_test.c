// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "admin/books_ask.h"
#include "admin/table_books.h"
#include "base/attr.h"

typedef enum err table_fn(struct text *out, struct slice json, struct diag *why);

/* It is shown so. */
static void shows(table_fn *table, const char *json, const char *shown)
{
    struct diag why = { 0 };
    struct text out;

    text_init(&out, 1 << 16);
    if (table(&out, slice_text(json), &why) != ERR_NONE)
        fail_msg("%s", why.text);
    assert_string_equal(out.at, shown);
    text_done(&out);
}

static const char USAGE[] =
    "{\"node\": \"fra1\", \"now\": \"2026-11-22T10:02:11Z\", \"customer\": \"acme\","
    " \"from\": \"2026-11-01T00:00:00Z\", \"to\": \"2026-12-01T00:00:00Z\", \"by\": \"site\","
    " \"usage\": [{\"customer\": \"acme\", \"site\": \"static.acme.test\", \"requests\": 123456,"
    " \"hit\": 110000, \"stale\": 1000, \"redirected\": 3456, \"sent_bytes\": 75000000000,"
    " \"filled_bytes\": 1250000},"
    " {\"customer\": \"acme\", \"site\": \"www.acme.test\", \"requests\": -3, \"dns_answers\": 12,"
    " \"sent_bytes\": 25000000000}],"
    " \"total\": {\"requests\": 123453, \"hit\": 110000, \"sent_bytes\": 100000000000}, \"more\": "
    "0}";

static void usage_is_shown_with_its_share_of_the_traffic(void **)
{
    shows(table_usage, USAGE,
        "Usage of acme, 2026-11-01 to 2026-12-01 (UTC), as it is settled on fra1 at 10:02:11Z\n"
        "\n"
        "SITE              REQUESTS  TRAFFIC  HITS  FROM ORIGINS  DNS ANSWERS  SHARE\n"
        "static.acme.test   123,456  75.0 GB  92 %       1.25 MB            0   75 %  "
        "━━━━━━━━━━━━\n"
        "www.acme.test           -3  25.0 GB     -           0 B           12   25 %  ━━━━\n"
        "all                123,453   100 GB  89 %           0 B            0\n");
}

static void usage_by_hours_shows_when_and_nothing_is_said_to_be_nothing(void **)
{
    shows(table_usage,
        "{\"node\": \"fra1\", \"now\": \"2026-11-22T10:02:11Z\", \"pop\": \"nyc\","
        " \"from\": \"2026-11-01T10:05:00Z\", \"to\": \"2026-12-01T00:00:00Z\", \"by\": \"hour\","
        " \"usage\": [{\"at\": \"2026-11-01T10:00:00Z\", \"requests\": 2}],"
        " \"total\": {\"requests\": 2}, \"more\": 7}",
        "Usage of pop nyc, 2026-11-01T10:05:00Z to 2026-12-01T00:00:00Z (UTC), as it is settled on "
        "fra1 at 10:02:11Z\n"
        "\n"
        "HOUR              REQUESTS  TRAFFIC  HITS  FROM ORIGINS  DNS ANSWERS  SHARE\n"
        "2026-11-01T10:00         2      0 B   0 %           0 B            0  100 %  "
        "━━━━━━━━━━━━━━━━\n"
        "and 7 lines more: ask for a shorter time\n");
    shows(table_usage,
        "{\"node\": \"fra1\", \"now\": \"2026-11-22T10:02:11Z\", \"by\": \"site\","
        " \"from\": \"2026-11-01T00:00:00Z\", \"to\": \"2026-12-01T00:00:00Z\", \"usage\": [],"
        " \"unsettled\": [{\"node\": \"fra1\", \"entries\": 1}, {\"node\": \"nyc1\", \"entries\": "
        "0}]}",
        "Usage of all customers, 2026-11-01 to 2026-12-01 (UTC), as it is settled on fra1 at "
        "10:02:11Z\n"
        "\n"
        "nothing has been settled yet\n"
        "fra1 has written down 1 entry more, not settled yet\n");
}

static void usage_as_csv_has_every_kind_and_what_was_asked_for(void **)
{
    shows(table_usage_csv,
        "{\"customer\": \"acme\", \"by\": \"day\", \"usage\": [{\"at\": \"2026-11-01T00:00:00Z\","
        " \"requests\": 2, \"hit\": 2, \"sent_bytes\": -5}]}",
        "at,customer,site,pop,requests,hit,stale,miss,revalidated,collapsed,pass,refused,error,"
        "redirected,sent_bytes,filled_bytes,dns_answers,dns_addresses\r\n"
        "2026-11-01T00:00:00Z,acme,,,2,2,0,0,0,0,0,0,0,0,-5,0,0,0\r\n");
}

static void invoices_are_shown_with_their_totals_or_why_there_is_none(void **)
{
    shows(table_invoices,
        "{\"node\": \"fra1\", \"month\": \"2026-11\", \"more\": 0, \"invoices\": ["
        "{\"customer\": \"acme\", \"plans\": [\"standard\", \"flat\"], \"entries\": 1234,"
        " \"totals\": [{\"currency\": \"EUR\", \"amount\": \"149.67\"}]},"
        "{\"customer\": \"globex\", \"plans\": [], \"entries\": 1, \"error\": \"too much\"}]}",
        "Invoices of 2026-11 (UTC), from the ledger on fra1\n"
        "\n"
        "CUSTOMER  PLAN                      TOTAL  ENTRIES\n"
        "acme      standard and 1 more  EUR 149.67    1,234\n"
        "globex    -                      too much        1\n");
}

static void verdicts_and_corrections_are_sentences(void **)
{
    shows(table_verified, "{\"verified\": true, \"customer\": \"acme\", \"month\": \"2026-11\"}",
        "the invoice of acme for 2026-11 is what the ledger says, byte for byte\n");
    shows(table_verified,
        "{\"verified\": false, \"customer\": \"acme\", \"month\": \"2026-11\", \"difference\": "
        "\"line 3\\u001b[2J\"}",
        "the invoice of acme for 2026-11 is not what the ledger says: line 3?[2J\n");
    shows(table_correction,
        "{\"correction\": {\"chain\": \"fra1/corrections\", \"sequence\": 1, \"customer\": "
        "\"acme\", \"site\": \"www.acme.test\", \"pop\": \"fra\", \"month\": \"2026-11\", \"at\": "
        "\"2026-11-01T00:00:00Z\", \"kind\": \"hit\", \"taken_back\": 1200}}",
        "1,200 hit of www.acme.test at fra are taken back in 2026-11 (2026-11-01T00:00:00Z): entry "
        "1 of fra1/corrections\n");
}

static void what_is_something_else_is_no_table(void **)
{
    static table_fn *const TABLES[] = { table_usage, table_usage_csv, table_invoices,
        table_verified, table_correction };
    struct text out;

    text_init(&out, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(TABLES); i++) {
        struct diag why = { 0 };

        assert_int_equal(TABLES[i](&out, SLICE("[1, 2]"), &why), ERR_PARSE);
        assert_true(why.text[0] != '\0');
    }
    assert_int_equal(out.length, 0);
    text_done(&out);
}

static void traffic_is_shown_in_powers_of_a_thousand(void **)
{
    static const struct {
        int64_t bytes;
        const char *shown;
    } CASES[] = { { 0, "0 B" }, { 999, "999 B" }, { 1000, "1.00 kB" }, { 9996, "10.0 kB" },
        { 99960, "100 kB" }, { 999499, "999 kB" }, { 999500, "1.00 MB" }, { -1500, "-1.50 kB" },
        { INT64_MAX, "9.22 EB" }, { INT64_MIN, "-9.22 EB" } };
    char text[TABLE_AMOUNT_MAX];

    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        assert_string_equal(table_traffic(CASES[i].bytes, text), CASES[i].shown);
}

static void who_keeps_the_accounts_is_read_of_an_error_alone(void **)
{
    static const char *const NONE[] = { "", "{\"node\": \"fra1\"}",
        "{\"error\": {\"code\": \"restart\"}, \"node\": \"fra1\"}",
        "{\"error\": {\"code\": \"accounts\"}, \"node\": \"../fra1\"}",
        "{\"error\": {\"code\": \"accounts\"}, \"node\": \"..\"}",
        "{\"error\": {\"code\": \"accounts\"}}" };
    char keeper[BOOKS_KEEPER_MAX];

    assert_true(books_ask_keeper(
        SLICE("{\"error\": {\"code\": \"accounts\"}, \"node\": \"fra1\"}"), keeper));
    assert_string_equal(keeper, "fra1");
    for (size_t i = 0; i < COUNT_OF(NONE); i++)
        assert_false(books_ask_keeper(slice_text(NONE[i]), keeper));
    assert_true(books_ask_is_verified(SLICE("{\"verified\": true}")));
    assert_false(books_ask_is_verified(SLICE("{\"verified\": false}")));
    assert_false(books_ask_is_verified(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_is_shown_with_its_share_of_the_traffic),
        cmocka_unit_test(usage_by_hours_shows_when_and_nothing_is_said_to_be_nothing),
        cmocka_unit_test(usage_as_csv_has_every_kind_and_what_was_asked_for),
        cmocka_unit_test(invoices_are_shown_with_their_totals_or_why_there_is_none),
        cmocka_unit_test(verdicts_and_corrections_are_sentences),
        cmocka_unit_test(what_is_something_else_is_no_table),
        cmocka_unit_test(traffic_is_shown_in_powers_of_a_thousand),
        cmocka_unit_test(who_keeps_the_accounts_is_read_of_an_error_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
