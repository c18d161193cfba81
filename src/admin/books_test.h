// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests of the accounts' face: a ledger with a little of everything, and questions to it. */

#include "admin/books.h"
#include "admin/json.h"
#include "admin/orders_test.h"
#include "admin/routes.h"
#include "meter/ledger_test.h"

#define BOOKS_PLAN(name, price)                                                        \
    "plan 1 " name "\ncurrency EUR\nmonthly 30.00\nminimum 0.00\n"                     \
    "per_million_requests " price " included 0\nper_million_answers 0.00 included 0\n" \
    "per_gb 2.00\nincluded_traffic 0\n"

#define BOOKS_NOW_MS (NOVEMBER_MS + INT64_C(20) * DAY_MS)

static const struct books_known books_known = { .network = &orders_network,
    .now = { BOOKS_NOW_MS },
    .node = { "fra1", 4 },
    .keeper = { "fra1", 4 },
    .is_here = true };

static inline void books_agree(
    struct place *p, const char *customer, int64_t at_ms, const char *plan)
{
    struct ledger_term term = { .customer = slice_text(customer), .plan = slice_text(plan) };
    size_t added;

    assert_int_equal(
        ledger_agree(p->ledger, (struct wall){ at_ms }, &term, 1, &added, NULL), ERR_NONE);
}

/* acme had a plan, then another one from the 11th on, used its sites at two pops in both; old had
 * neither plan nor site any more. */
static inline void books_ledger(struct place *p)
{
    struct chain fra = chain_of("fra1", "fra"), nyc = chain_of("nyc1", "nyc");

    place_init(p);
    books_agree(p, "acme", NOVEMBER_MS - 1, BOOKS_PLAN("first", "1.00"));
    books_agree(p, "acme", NOVEMBER_MS + INT64_C(10) * DAY_MS, BOOKS_PLAN("second", "2.00"));
    chain_add(&fra, "acme", "static.acme.test", NOVEMBER_MS, 3000);
    chain_add(&fra, "acme", "static.acme.test", NOVEMBER_MS + HOUR_MS, 1000);
    chain_add(&fra, "old", "gone.test", NOVEMBER_MS, 50);
    chain_add(&fra, "acme", "static.acme.test", NOVEMBER_MS + INT64_C(11) * DAY_MS, 500);
    chain_add(&nyc, "acme", "static.acme.test", NOVEMBER_MS + INT64_C(1) * DAY_MS, 200);
    chain_add(&nyc, "acme", "www.acme.test", NOVEMBER_MS + INT64_C(1) * DAY_MS, 100);
    settle_all(p, &fra);
    settle_all(p, &nyc);
    chain_done(&fra);
    chain_done(&nyc);
}

/* What came of a question; given back with asked_done. */
struct asked {
    struct arena arena;
    struct books_question question;
    struct books_answer answer;
    json_t *json; // of the answer; NULL: it was refused
};

typedef bool books_read_fn(struct slice, const struct books_known *, struct arena *,
    struct books_question *, struct admin_refusal *);

/* Reads it, and where it can be read asks the ledger. */
static inline struct asked *books_ask(struct place *p, books_read_fn *read, const char *text)
{
    struct asked *a = mem_new(struct asked);
    struct diag why = { 0 };

    arena_init(&a->arena, 1 << 20);
    text_init(&a->answer.body, 16 << 20);
    struct slice path = slice_text(text);
    bool is_path;
    const struct admin_route *route =
        admin_route_find(slice_head(path, slice_find(path, '?')), HTTP_GET, &is_path);

    if ((route == NULL || // a body
            admin_route_check(route, path, &a->arena, &a->answer.refusal)) &&
        read(path, &books_known, &a->arena, &a->question, &a->answer.refusal)) {
        a->question.node = books_known.keeper;
        if (p != NULL && books_answer(p->ledger, &a->question, &a->answer, &why) != ERR_NONE)
            fail_msg("%s", why.text);
    }
    a->json = a->answer.body.length > 0 ? json_read(text_slice(&a->answer.body)) : NULL;
    assert_true((a->answer.refusal.status == 0) == (a->json != NULL) || p == NULL);
    return a;
}

static inline void asked_done(struct asked *a)
{
    json_decref(a->json);
    text_done(&a->answer.body);
    arena_done(&a->arena);
    mem_free(a);
}

/* It is refused with that status and code, and says these words of it. */
static inline void is_refused(struct asked *a, int status, const char *code, const char *words)
{
    const struct admin_refusal *refusal = &a->answer.refusal;

    assert_int_equal(refusal->status, status);
    assert_string_equal(refusal->code, code);
    if (strstr(refusal->message.text, words) == NULL && strstr(refusal->mend.text, words) == NULL)
        fail_msg("%s; %s", refusal->message.text, refusal->mend.text);
    assert_true(refusal->mend.text[0] != '\0');
    asked_done(a);
}
