// SPDX-License-Identifier: Apache-2.0
#include "admin/books_test.h"

#include "admin/books_ask.h"

static json_t *row_at(struct asked *a, size_t at)
{
    json_t *row = json_array_get(json_object_get(a->json, "usage"), at);

    assert_non_null(row);
    return row;
}

static size_t rows_of(struct asked *a)
{
    return json_array_size(json_object_get(a->json, "usage"));
}

static void text_is(const json_t *object, const char *key, const char *text)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), text);
}

static void usage_is_of_this_month_and_by_customer_unless_said(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = books_ask(&p, books_read_usage, "/api/v1/usage");

    text_is(a->json, "by", "customer");
    text_is(a->json, "from", "2026-11-01T00:00:00Z");
    text_is(a->json, "to", "2026-12-01T00:00:00Z");
    assert_int_equal(rows_of(a), 2);
    text_is(row_at(a, 0), "customer", "acme");
    assert_int_equal(json_get_number(row_at(a, 0), "requests"), 4800);
    assert_int_equal(json_get_number(row_at(a, 0), "sent_bytes"), 4800000);
    assert_int_equal(json_get_number(json_object_get(a->json, "total"), "hit"), 4850);
    asked_done(a);
    place_done(&p);
}

static void usage_is_told_in_pages_that_meet_and_each_has_the_total_of_all(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = books_ask(&p, books_read_usage, "/api/v1/usage?limit=1");

    assert_int_equal(rows_of(a), 1);
    text_is(row_at(a, 0), "customer", "acme");
    assert_int_equal(json_get_number(a->json, "more"), 1);
    assert_int_equal(json_get_number(a->json, "after"), 1);
    assert_int_equal(json_get_number(json_object_get(a->json, "total"), "hit"), 4850);
    asked_done(a);
    a = books_ask(&p, books_read_usage, "/api/v1/usage?limit=1&after=1");
    assert_int_equal(rows_of(a), 1);
    assert_false(slice_equal(json_get_text(row_at(a, 0), "customer"), SLICE("acme")));
    assert_null(json_object_get(a->json, "after"));
    assert_int_equal(json_get_number(json_object_get(a->json, "total"), "hit"), 4850);
    asked_done(a);
    a = books_ask(&p, books_read_usage, "/api/v1/usage?after=7");
    assert_int_equal(rows_of(a), 0);
    assert_int_equal(json_get_number(a->json, "more"), 0);
    asked_done(a);
    place_done(&p);
}

static void invoices_are_listed_in_pages_by_name(void **)
{
    struct place p;
    const char *const none[] = { "/api/v1/invoices?after=zzz", "/api/v1/invoices?after=~" };

    books_ledger(&p);
    struct asked *a = books_ask(&p, books_read_invoices, "/api/v1/invoices?limit=1");
    const json_t *list = json_object_get(a->json, "invoices");

    assert_int_equal(json_array_size(list), 1);
    text_is(json_array_get(list, 0), "customer", "acme");
    text_is(a->json, "after", "acme");
    assert_true(json_get_number(a->json, "more") > 0);
    uint64_t more = json_get_number(a->json, "more");

    asked_done(a);
    a = books_ask(&p, books_read_invoices, "/api/v1/invoices?after=acme");
    assert_int_equal(json_array_size(json_object_get(a->json, "invoices")), more);
    assert_null(json_object_get(a->json, "after"));
    asked_done(a);
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        a = books_ask(&p, books_read_invoices, none[i]);
        assert_int_equal(json_array_size(json_object_get(a->json, "invoices")), 0);
        asked_done(a);
    }
    place_done(&p);
}

static void usage_of_a_customer_is_by_site_and_of_a_site_by_pop(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = books_ask(&p, books_read_usage, "/api/v1/usage?customer=acme");

    assert_int_equal(rows_of(a), 2);
    text_is(row_at(a, 0), "site", "static.acme.test");
    assert_int_equal(json_get_number(row_at(a, 0), "requests"), 4700);
    asked_done(a);
    a = books_ask(&p, books_read_usage, "/api/v1/usage?site=STATIC.acme.test.cdn.test");
    assert_int_equal(rows_of(a), 2);
    text_is(row_at(a, 1), "pop", "nyc");
    assert_int_equal(json_get_number(row_at(a, 1), "requests"), 200);
    asked_done(a);
    place_done(&p);
}

static void usage_is_of_the_time_that_is_asked_for(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = books_ask(
        &p, books_read_usage, "/api/v1/usage?from=2026-11-01T01:00Z&to=2026-11-12&by=day&pop=fra");

    assert_int_equal(rows_of(a), 1);
    text_is(row_at(a, 0), "at", "2026-11-01T00:00:00Z");
    assert_int_equal(json_get_number(row_at(a, 0), "requests"), 1000);
    asked_done(a);
    a = books_ask(&p, books_read_usage, "/api/v1/usage?month=2026-10");
    assert_int_equal(rows_of(a), 0);
    asked_done(a);
    a = books_ask(&p, books_read_usage, "/api/v1/usage?from=2026-11-12");
    text_is(a->json, "to", "2026-11-21T00:05:00Z");
    assert_int_equal(json_get_number(json_object_get(a->json, "total"), "requests"), 500);
    asked_done(a);
    place_done(&p);
}

static void who_is_no_customer_any_more_is_found_in_the_ledger(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = books_ask(&p, books_read_usage, "/api/v1/usage?customer=old");

    assert_int_equal(json_get_number(json_object_get(a->json, "total"), "requests"), 50);
    asked_done(a);
    a = books_ask(&p, books_read_usage, "/api/v1/usage?site=gone.test");
    assert_int_equal(rows_of(a), 1);
    asked_done(a);
    a = books_ask(&p, books_read_invoices, "/api/v1/invoices/old?month=2026-11");
    text_is(a->json, "customer", "old");
    asked_done(a);
    place_done(&p);
}

static void who_is_nowhere_is_refused_with_the_nearest_name(void **)
{
    struct place p;

    books_ledger(&p);
    is_refused(books_ask(&p, books_read_usage, "/api/v1/usage?customer=acne"), 404, "customer",
        "did you mean acme?");
    is_refused(books_ask(&p, books_read_usage, "/api/v1/usage?site=statik.acme.test"), 404, "site",
        "did you mean static.acme.test?");
    is_refused(books_ask(&p, books_read_usage, "/api/v1/usage?customer=acme&pop=fri"), 404, "pop",
        "did you mean fra?");
    is_refused(books_ask(&p, books_read_invoices, "/api/v1/invoices/acne"), 404, "customer",
        "did you mean acme?");
    is_refused(books_ask(&p, books_read_invoices, "/api/v1/invoices/somebody-else"), 404,
        "customer", "waypost usage");
    place_done(&p);
}

static void questions_that_make_no_sense_are_refused(void **)
{
    static const struct {
        const char *query, *code, *words;
    } CASES[] = {
        { "?month=2026-13", "month", "such as 2026-11" },
        { "?month=november", "month", "november" },
        { "?from=yesterday", "from", "2026-11-22T10:05Z" },
        { "?from=2026-11-31", "from", "2026-11-31" },
        { "?from=2026-11-01T00:03Z", "from", "five minutes" },
        { "?from=2026-11-02&to=2026-11-02", "to", "ends before" },
        { "?from=2026-11-30", "to", "ends before" },
        { "?by=week", "by", "hour day month" },
        { "?costumer=acme", "query", "costumer" },
    };
    char path[128];

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        snprintf(path, sizeof path, "/api/v1/usage%s", CASES[i].query);
        is_refused(books_ask(NULL, books_read_usage, path), 400, CASES[i].code, CASES[i].words);
    }
    is_refused(books_ask(NULL, books_read_invoices, "/api/v1/invoices?month=11-2026"), 400, "month",
        "11-2026");
    is_refused(
        books_ask(NULL, books_read_invoices, "/api/v1/invoices/acme?pop=fra"), 400, "query", "pop");
}

static void invoices_of_a_month_are_listed_with_their_totals(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = books_ask(&p, books_read_invoices, "/api/v1/invoices?month=2026-11");
    json_t *list = json_object_get(a->json, "invoices"), *acme = json_array_get(list, 0);

    text_is(a->json, "month", "2026-11");
    assert_int_equal(json_array_size(list), 2);
    text_is(acme, "customer", "acme");
    assert_int_equal(json_array_size(json_object_get(acme, "plans")), 2);
    assert_int_equal(json_get_number(acme, "entries"), 5);
    // 10 + 20 for the months, 4.3 and 0.5 MB at 2 a GB, 4300 requests at 1 and 500 at 2 a million.
    text_is(json_array_get(json_object_get(acme, "totals"), 0), "amount", "30.01");
    text_is(json_array_get(list, 1), "customer", "old");
    assert_int_equal(json_array_size(json_object_get(json_array_get(list, 1), "totals")), 0);
    asked_done(a);
    place_done(&p);
}

/* Asks whether such a file is an invoice. */
static struct asked *verify(struct place *p, struct slice file)
{
    struct asked *a = mem_new(struct asked);
    struct diag why = { 0 };

    arena_init(&a->arena, 1 << 20);
    text_init(&a->answer.body, 16 << 20);
    a->question = (struct books_question){ .verb = BOOKS_VERIFY, .invoice = file };
    assert_int_equal(books_answer(p->ledger, &a->question, &a->answer, &why), ERR_NONE);
    a->json = a->answer.body.length > 0 ? json_read(text_slice(&a->answer.body)) : NULL;
    return a;
}

static void an_invoice_is_verified_and_a_changed_byte_is_named(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = books_ask(&p, books_read_invoices, "/api/v1/invoices/acme?month=2026-11");
    struct asked *of = verify(&p, text_slice(&a->answer.body));

    assert_true(json_get_flag(of->json, "verified"));
    text_is(of->json, "month", "2026-11");
    asked_done(of);
    char *amount = strstr(a->answer.body.at, "\"amount\": \"30.01\"");

    assert_non_null(amount);
    amount[sizeof "\"amount\": \"30.0" - 1] = '2';
    of = verify(&p, text_slice(&a->answer.body));
    assert_false(json_get_flag(of->json, "verified"));
    assert_non_null(strstr(json_string_value(json_object_get(of->json, "difference")), "30.02"));
    asked_done(of);
    is_refused(verify(&p, SLICE("{}")), 400, "invoice", "--format json");
    asked_done(a);
    place_done(&p);
}

#define CORRECTION(more)                                                                  \
    "{\"customer\": \"acme\", \"site\": \"static.acme.test\", \"kind\": \"sent_bytes\", " \
    "\"reason\": \"an attack\", " more "}"

static void a_correction_takes_back_where_most_was_used(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = books_ask(&p, books_read_correction,
        CORRECTION("\"pop\": \"fra\", \"month\": \"2026-11\", \"take_back\": 3500000"));
    const json_t *c = json_object_get(a->json, "correction");

    // Under the first plan, as the second has only half a million.
    text_is(c, "at", "2026-11-01T00:00:00Z");
    text_is(c, "chain", "fra1/corrections");
    assert_int_equal(json_get_number(c, "sequence"), 1);
    asked_done(a);
    a = books_ask(&p, books_read_usage, "/api/v1/usage?customer=acme&pop=fra");
    assert_int_equal(json_get_number(row_at(a, 0), "sent_bytes"), 1000000);
    asked_done(a);
    a = books_ask(&p, books_read_invoices, "/api/v1/invoices/acme?month=2026-11");
    assert_non_null(strstr(a->answer.body.at, "fra1/corrections"));
    asked_done(a);
    audit_is_good(&p);
    place_done(&p);
}

static void a_correction_of_the_command_line_is_read_as_it_was_meant(void **)
{
    struct text body;

    text_init(&body, 1 << 16);
    books_ask_write(&(struct correction_words){ .customer = "acme",
                        .site = "static.acme.test",
                        .pop = "nyc",
                        .month = "2026-11",
                        .kind = "sent_bytes",
                        .reason = "he said \"hi\"",
                        .take_back = 1500 },
        &body);
    struct asked *a = books_ask(NULL, books_read_correction, body.at);

    assert_int_equal(a->answer.refusal.status, 0);
    assert_true(slice_equal(a->question.site, SLICE("static.acme.test")));
    assert_true(slice_equal(a->question.pop, SLICE("nyc")));
    assert_true(slice_equal(a->question.reason, SLICE("he said \"hi\"")));
    assert_true(a->question.kind == USAGE_SENT_BYTES && a->question.take_back == 1500);
    assert_true(a->question.month.month == 11 && a->question.at.ms == 0);
    asked_done(a);
    text_done(&body);
}

static void a_correction_at_a_time_is_of_that_time(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = books_ask(&p, books_read_correction,
        CORRECTION("\"pop\": \"fra\", \"at\": \"2026-11-12T00:00:05Z\", \"take_back\": 500000"));

    text_is(json_object_get(a->json, "correction"), "at", "2026-11-12T00:00:05Z");
    asked_done(a);
    is_refused(books_ask(&p, books_read_correction,
                   CORRECTION("\"pop\": \"fra\", \"at\": \"2026-11-13T00:00Z\", \"take_back\": 1")),
        422, "much", "with `at`");
    place_done(&p);
}

static void a_correction_that_cannot_be_is_refused(void **)
{
    static const struct {
        const char *body;
        int status;
        const char *code, *words;
    } CASES[] = {
        { CORRECTION("\"month\": \"2026-11\", \"take_back\": 5"), 422, "pop", "nyc (200000)" },
        { CORRECTION("\"month\": \"2026-11\", \"take_back\": 5, \"pop\": \"sin\""), 404, "pop",
            "sin" },
        { CORRECTION("\"month\": \"2026-10\", \"take_back\": 5"), 422, "unused", "waypost usage" },
        { CORRECTION("\"month\": \"2026-11\", \"pop\": \"fra\", \"take_back\": 4000001"), 422,
            "much", "4000000" },
        { CORRECTION("\"month\": \"2026-12\", \"take_back\": 5"), 422, "time", "has been" },
        { CORRECTION("\"month\": \"2026-11\""), 400, "member", "take_back" },
        { CORRECTION("\"month\": \"2026-11\", \"take_back\": -5"), 400, "member", "above 0" },
        { CORRECTION("\"month\": \"2026-11\", \"take_back\": 1.5"), 400, "member", "whole" },
        { CORRECTION("\"month\": \"2026-11\", \"take_back\": 5, \"at\": \"2026-11-01T00:00Z\""),
            400, "member", "month" },
        { CORRECTION("\"at\": \"2026-11-01\", \"take_back\": 5"), 400, "at", "2026-11-01" },
        { CORRECTION("\"month\": \"2026-11\", \"take_back\": 5, \"pops\": \"fra\""), 400, "member",
            "pops" },
        { "[]", 400, "json", "object" },
        { "{\"customer\": \"acme\", \"site\": \"static.acme.test\", \"kind\": \"bytes\", "
          "\"reason\": \"r\", \"month\": \"2026-11\", \"take_back\": 5}",
            400, "kind", "sent_bytes" },
        { "{\"customer\": \"acme\", \"site\": \"static.acme.test\", \"kind\": \"hit\", "
          "\"reason\": \"a\\nb\", \"month\": \"2026-11\", \"take_back\": 5}",
            400, "member", "one line" },
        { "{\"customer\": \"acme\", \"site\": \"static.acme.test\", \"kind\": \"hit\", "
          "\"month\": \"2026-11\", \"take_back\": 5}",
            400, "member", "reason" },
    };
    struct place p;

    books_ledger(&p);
    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        is_refused(books_ask(&p, books_read_correction, CASES[i].body), CASES[i].status,
            CASES[i].code, CASES[i].words);
    assert_int_equal(hits_of(&p, "acme"), 4800);
    place_done(&p);
}

static void the_same_correction_given_twice_is_made_once(void **)
{
    static const char BODY[] =
        CORRECTION("\"pop\": \"fra\", \"month\": \"2026-11\", \"take_back\": 1000");
    struct place p;

    books_ledger(&p);
    asked_done(books_ask(&p, books_read_correction, BODY));
    is_refused(books_ask(&p, books_read_correction, BODY), 409, "twice", "entry 1 of");
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_is_of_this_month_and_by_customer_unless_said),
        cmocka_unit_test(usage_is_told_in_pages_that_meet_and_each_has_the_total_of_all),
        cmocka_unit_test(invoices_are_listed_in_pages_by_name),
        cmocka_unit_test(usage_of_a_customer_is_by_site_and_of_a_site_by_pop),
        cmocka_unit_test(usage_is_of_the_time_that_is_asked_for),
        cmocka_unit_test(who_is_no_customer_any_more_is_found_in_the_ledger),
        cmocka_unit_test(who_is_nowhere_is_refused_with_the_nearest_name),
        cmocka_unit_test(questions_that_make_no_sense_are_refused),
        cmocka_unit_test(invoices_of_a_month_are_listed_with_their_totals),
        cmocka_unit_test(an_invoice_is_verified_and_a_changed_byte_is_named),
        cmocka_unit_test(a_correction_takes_back_where_most_was_used),
        cmocka_unit_test(a_correction_of_the_command_line_is_read_as_it_was_meant),
        cmocka_unit_test(a_correction_at_a_time_is_of_that_time),
        cmocka_unit_test(a_correction_that_cannot_be_is_refused),
        cmocka_unit_test(the_same_correction_given_twice_is_made_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
