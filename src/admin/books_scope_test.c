// SPDX-License-Identifier: Apache-2.0
/* What a customer is told of the accounts, in a ledger that has those of another one too. */
#include "admin/books_test.h"

/* As books_ask, for the customer acme. */
static struct asked *ask(struct place *p, books_read_fn *read, const char *text)
{
    struct asked *a = mem_new(struct asked);
    struct books_known known = books_known;
    struct diag why = { 0 };

    known.customer = SLICE("acme");
    arena_init(&a->arena, 1 << 20);
    text_init(&a->answer.body, 16 << 20);
    if (read(slice_text(text), &known, &a->arena, &a->question, &a->answer.refusal)) {
        a->question.node = known.keeper;
        assert_int_equal(books_answer(p->ledger, &a->question, &a->answer, &why), ERR_NONE);
    }
    a->json = a->answer.body.length > 0 ? json_read(text_slice(&a->answer.body)) : NULL;
    assert_true((a->answer.refusal.status == 0) == (a->json != NULL));
    return a;
}

static uint64_t requests_of(const struct asked *a)
{
    return json_get_number(json_object_get(a->json, "total"), "requests");
}

static void usage_is_the_customers_own_whatever_is_asked_for(void **)
{
    static const char *const QUERIES[] = { "/api/v1/usage", "/api/v1/usage?customer=acme",
        "/api/v1/usage?by=customer", "/api/v1/usage?by=month", "/api/v1/usage?by=pop" };
    struct place p;

    books_ledger(&p);
    for (size_t i = 0; i < COUNT_OF(QUERIES); i++) {
        struct asked *a = ask(&p, books_read_usage, QUERIES[i]);

        assert_non_null(a->json);
        assert_int_equal(requests_of(a), 4800); // without the 50 of the other
        assert_null(strstr(a->answer.body.at, "old"));
        assert_null(strstr(a->answer.body.at, "gone.test"));
        asked_done(a);
    }
    place_done(&p);
}

/* Both are refused, in the same words but for the name. */
static void are_alike(struct place *p, books_read_fn *read, const char *there, const char *nowhere)
{
    struct asked *a = ask(p, read, there), *b = ask(p, read, nowhere);
    const struct admin_refusal *left = &a->answer.refusal, *right = &b->answer.refusal;

    assert_int_equal(left->status, 404);
    assert_int_equal(right->status, 404);
    assert_string_equal(left->code, right->code);
    assert_string_equal(left->mend.text, right->mend.text);
    assert_int_equal(strlen(left->message.text), strlen(right->message.text));
    asked_done(a);
    asked_done(b);
}

static void anothers_accounts_are_refused_as_those_of_nobody(void **)
{
    struct place p;

    books_ledger(&p);
    are_alike(&p, books_read_usage, "/api/v1/usage?customer=old", "/api/v1/usage?customer=xyz");
    are_alike(&p, books_read_usage, "/api/v1/usage?site=gone.test", "/api/v1/usage?site=none.test");
    are_alike(&p, books_read_usage, "/api/v1/usage?customer=old&site=static.acme.test",
        "/api/v1/usage?customer=xyz&site=static.acme.test");
    are_alike(&p, books_read_invoices, "/api/v1/invoices/old?month=2026-11",
        "/api/v1/invoices/xyz?month=2026-11");
    place_done(&p);
}

static void a_customer_has_its_own_invoice_and_no_list(void **)
{
    struct place p;

    books_ledger(&p);
    struct asked *a = ask(&p, books_read_invoices, "/api/v1/invoices/acme?month=2026-11");

    assert_non_null(a->json);
    assert_string_equal(json_string_value(json_object_get(a->json, "customer")), "acme");
    asked_done(a);
    is_refused(ask(&p, books_read_invoices, "/api/v1/invoices"), 403, "operators",
        "/api/v1/invoices/acme");
    place_done(&p);
}

/* As acme asks it. */
static struct asked *verify(struct place *p, const char *file)
{
    struct asked *a = mem_new(struct asked);
    struct diag why = { 0 };

    arena_init(&a->arena, 1 << 20);
    text_init(&a->answer.body, 16 << 20);
    a->question = (struct books_question){
        .verb = BOOKS_VERIFY, .customer = SLICE("acme"), .invoice = slice_text(file)
    };
    assert_int_equal(books_answer(p->ledger, &a->question, &a->answer, &why), ERR_NONE);
    a->json = a->answer.body.length > 0 ? json_read(text_slice(&a->answer.body)) : NULL;
    return a;
}

static void a_customer_verifies_its_own_invoice_and_no_other(void **)
{
    static const char OWN[] = "\"customer\": \"acme\"", OTHER[] = "\"customer\": \"old\"";
    struct place p;

    books_ledger(&p);
    struct asked *a = ask(&p, books_read_invoices, "/api/v1/invoices/acme?month=2026-11");
    struct asked *of = verify(&p, a->answer.body.at);

    assert_true(json_get_flag(of->json, "verified"));
    asked_done(of);
    // One of somebody who is in the ledger, and one of nobody.
    struct asked *b = books_ask(&p, books_read_invoices, "/api/v1/invoices/old?month=2026-11");
    char *nobody = mem_text(b->answer.body.at, b->answer.body.length);
    char *name = strstr(nobody, OTHER);

    assert_non_null(strstr(a->answer.body.at, OWN));
    assert_non_null(name);
    memcpy(name + sizeof OTHER - 1 - 4, "xyz", 3);
    of = verify(&p, b->answer.body.at);
    struct asked *none = verify(&p, nobody);

    assert_string_equal(of->answer.refusal.mend.text, none->answer.refusal.mend.text);
    assert_int_equal(
        strlen(of->answer.refusal.message.text), strlen(none->answer.refusal.message.text));
    is_refused(of, 404, "customer", "acme");
    is_refused(none, 404, "customer", "acme");
    mem_free(nobody);
    asked_done(b);
    asked_done(a);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_is_the_customers_own_whatever_is_asked_for),
        cmocka_unit_test(anothers_accounts_are_refused_as_those_of_nobody),
        cmocka_unit_test(a_customer_has_its_own_invoice_and_no_list),
        cmocka_unit_test(a_customer_verifies_its_own_invoice_and_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
