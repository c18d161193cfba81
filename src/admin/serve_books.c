// SPDX-License-Identifier: Apache-2.0
/* Requests of the accounts: read here, answered by the ledger in its own time. */
#include <assert.h>

#include "admin/admin_priv.h"
#include "admin/invoice.h"
#include "base/mem.h"
#include "io/loop.h"

enum {
    BOOKS_MAX = 16,            // on their way at a time
    BOOKS_OF_ONE_MAX = 4,      // of one customer, so that none keeps the others from asking
    BOOKS_QUERY_MAX = 1 << 20, // memory of what a query says
};

/* It outlives its exchange where the client leaves before the ledger has answered. */
struct books_call {
    struct list link; // of the admin's
    struct admin *admin;
    struct http_exchange *x; // NULL: left
    bool is_asked;           // it is the ledger's until it is done
    struct arena arena;      // of the question
    struct slice customer;   // who asks; empty: an operator
    struct text body;        // of the request
    struct books_question question;
    struct books_answer answer;
};

/* What an exchange has, while its body comes. */
struct request {
    struct http_sink sink;
    struct books_call *books; // NULL: it is answered
    enum books_verb verb;
    size_t body_max;
};

static_assert(sizeof(struct request) <= HTTP_SERVICE_BYTES, "it lives in the exchange");

static struct request *request_of(struct http_exchange *x)
{
    return (struct request *)(void *)x->service;
}

void admin_books_init(struct admin *admin)
{
    list_init(&admin->books);
}

static void books_free(struct books_call *books)
{
    if (books->x != NULL)
        request_of(books->x)->books = NULL;
    list_remove(&books->link);
    books->admin->books_count--;
    arena_done(&books->arena);
    text_done(&books->body);
    text_done(&books->answer.body);
    mem_free(books);
}

void admin_books_done(struct admin *admin)
{
    list_each_safe (link, &admin->books)
        books_free(container_of(link, struct books_call, link));
}

void admin_books_leave(struct admin *admin, const struct http_exchange *x)
{
    list_each_safe (link, &admin->books) {
        struct books_call *books = container_of(link, struct books_call, link);

        if (books->x != x)
            continue;
        books->x = NULL;
        if (!books->is_asked)
            books_free(books);
    }
}

static json_t *refusal_json(const struct admin_refusal *refusal)
{
    return admin_error_json(refusal->code, refusal->message.text, refusal->mend.text);
}

/* Ends it with an error. */
static void refuse(struct books_call *books, const struct admin_refusal *refusal)
{
    struct http_exchange *x = books->x;

    counter_up(&books->admin->counts.books_refused);
    books_free(books);
    if (x != NULL)
        admin_answer_json(x, refusal->status, "", refusal_json(refusal));
}

static void refuse_as(
    struct books_call *books, int status, const char *code, const char *message, const char *mend)
{
    struct admin_refusal refusal = { .status = status, .code = code };

    diag_say(&refusal.message, "%s", message);
    diag_say(&refusal.mend, "%s", mend);
    refuse(books, &refusal);
}

/* Somebody else keeps them, or nobody: said with the name, so that a program can ask there. */
static void refuse_elsewhere(
    struct admin *admin, struct http_exchange *x, const struct books_known *known)
{
    struct admin_refusal refusal = { .status = 409, .code = "accounts" };
    const struct slice keeper = known->keeper;

    if (keeper.length == 0) {
        refusal.code = "no_accounts";
        diag_say(&refusal.message, "no node of this network keeps accounts: what is delivered is "
                                   "counted and not written down");
        diag_say(&refusal.mend,
            "set `accounts: {node: %.*s}`, or another node, and start the nodes anew",
            SLICE_ARG(known->node));
    } else if (slice_equal(keeper, known->node)) {
        refusal.code = "restart";
        diag_say(&refusal.message, "%.*s is to keep the accounts, and did not when it was started",
            SLICE_ARG(keeper));
        diag_say(&refusal.mend, "start it anew");
    } else {
        diag_say(&refusal.message, "%.*s keeps the accounts of this network, not %.*s",
            SLICE_ARG(keeper), SLICE_ARG(known->node));
        diag_say(&refusal.mend, "ask there: with --node %.*s", SLICE_ARG(keeper));
    }
    json_t *json = refusal_json(&refusal);

    if (keeper.length > 0)
        json_put_text(json, "node", keeper);
    json_object_set_new(
        json, "unsettled", books_waiting_json(known->waiting, known->waiting_count));
    counter_up(&admin->counts.books_refused);
    admin_answer_json(x, refusal.status, "", json);
}

/* Whether one more of them may be on its way. Those count too whose asker has left. */
static bool has_room(const struct admin *admin, const struct admin_scope *scope)
{
    size_t of_them = 0;

    list_each (link, &admin->books)
        of_them +=
            slice_equal(container_of(link, struct books_call, link)->customer, scope->customer);
    return admin->books_count < BOOKS_MAX && (scope->is_operator || of_them < BOOKS_OF_ONE_MAX);
}

/* NULL: it is answered as one that cannot be taken. */
static struct books_call *books_new(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct books_known known = { 0 };

    admin->source->ops->books_known(admin->source, &known);
    if (!known.is_here) {
        refuse_elsewhere(admin, x, &known);
        return NULL;
    }
    if (!has_room(admin, scope) || !http_exchange_keep(x)) {
        counter_up(&admin->counts.books_refused);
        admin_answer_json(x, 503, "Retry-After: 1\r\n",
            admin_error_json("busy", "too many questions to the accounts are under way",
                "ask again in a second"));
        return NULL;
    }
    struct books_call *books = mem_new(struct books_call);

    books->admin = admin;
    books->x = x;
    arena_init(&books->arena, BOOKS_QUERY_MAX);
    books->customer = arena_copy(&books->arena, scope->customer);
    text_init(&books->body, BOOKS_INVOICE_MAX);
    text_init(&books->answer.body, ADMIN_ANSWER_MAX);
    list_append(&admin->books, &books->link);
    admin->books_count++;
    return books;
}

static bool read_question(struct books_call *books, enum books_verb verb,
    const struct books_known *known, struct admin_refusal *why)
{
    struct slice path = books->x->authority.path, body = text_slice(&books->body);
    struct books_question *q = &books->question;

    switch (verb) {
    case BOOKS_USAGE: return books_read_usage(path, known, &books->arena, q, why);
    case BOOKS_INVOICES:
    case BOOKS_INVOICE: return books_read_invoices(path, known, &books->arena, q, why);
    case BOOKS_CORRECT: return books_read_correction(body, known, &books->arena, q, why);
    case BOOKS_VERIFY: break;
    }
    *q = (struct books_question){
        .verb = BOOKS_VERIFY, .now = known->now, .customer = known->customer, .invoice = body
    };
    return true;
}

/* What is told of this process, since it may change before the ledger answers. */
static void keep_known(struct books_call *books, const struct books_known *known)
{
    struct books_question *q = &books->question;
    struct books_waiting *waiting =
        arena_array(&books->arena, known->waiting_count, sizeof *waiting);

    for (size_t i = 0; i < known->waiting_count; i++) {
        waiting[i].node = arena_copy(&books->arena, known->waiting[i].node);
        waiting[i].entries = known->waiting[i].entries;
    }
    q->node = arena_copy(&books->arena, known->keeper);
    q->waiting = waiting;
    q->waiting_count = known->waiting_count;
}

/* A body took its time: the token may have been taken back meanwhile, or say less. False: it is
 * answered. */
static bool is_still_known(
    struct books_call *books, enum books_verb verb, struct admin_scope *scope)
{
    struct http_exchange *x = books->x;

    if (admin_is_known(books->admin, x, scope) &&
        (verb != BOOKS_CORRECT || (scope->is_operator && scope->may_change)))
        return true;
    admin_refuse_unknown(books->admin, x);
    books_free(books);
    return false;
}

/* All of the request is there. */
static void begin(struct books_call *books, enum books_verb verb)
{
    struct admin *admin = books->admin;
    struct admin_refusal refusal = { 0 };
    struct books_known known = { 0 };
    struct admin_scope scope;

    if (!is_still_known(books, verb, &scope))
        return;
    admin->source->ops->books_known(admin->source, &known);
    known.network = admin_scope_network(&scope, known.network, &books->arena);
    if (!scope.is_operator)
        known.customer = arena_copy(&books->arena, scope.customer);
    if (!read_question(books, verb, &known, &refusal)) {
        refuse(books, &refusal);
        return;
    }
    keep_known(books, &known);
    if (books->arena.is_full)
        refuse_as(books, 400, "large", "the question is larger than any", "ask for less");
    else if (!known.is_here || !admin->source->ops->books_ask(admin->source, books))
        refuse_as(books, 503, "busy", "too many questions to the accounts are under way",
            "ask again in a second");
    else
        books->is_asked = true;
}

enum err books_call_work(struct books_call *books, struct ledger *ledger, struct diag *why)
{
    return books_answer(ledger, &books->question, &books->answer, why);
}

/* The ledger cannot be read or written now. */
static void answer_failed(struct books_call *books, struct http_exchange *x, const struct diag *why)
{
    struct diag message = { 0 };

    counter_up(&books->admin->counts.books_failed);
    diag_say(&message, "the ledger cannot be used now: %s", why->text);
    admin_answer_json(x, 503, "",
        admin_error_json("ledger", message.text,
            "the log of the node that keeps it says how to mend it; nothing is lost meanwhile"));
}

void books_call_done(struct books_call *books, enum err err, const struct diag *why)
{
    struct http_exchange *x = books->x;

    assert(books->is_asked);
    if (x == NULL) {
        books_free(books);
        return;
    }
    if (err != ERR_NONE) {
        answer_failed(books, x, why);
    } else if (books->answer.refusal.status != 0) {
        struct admin_refusal refusal = books->answer.refusal;

        refuse(books, &refusal);
        return;
    } else {
        counter_up(&books->admin->counts.books_answered);
        admin_answer_written(x, &books->answer.body);
    }
    books_free(books);
}

void admin_serve_usage(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct books_call *books = books_new(admin, x, scope);

    if (books != NULL)
        begin(books, BOOKS_USAGE);
}

void admin_serve_invoices(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct books_call *books = books_new(admin, x, scope);

    if (books != NULL)
        begin(books, BOOKS_INVOICES);
}

static void refuse_large(struct request *r)
{
    struct books_call *books = r->books;

    r->books = NULL; // what comes after it is dropped
    refuse_as(books, 413, "large", "the body is larger than it may be",
        "an invoice has at most 4 MiB here, a correction 16 KiB");
}

static size_t on_data(struct http_sink *sink, struct slice bytes)
{
    struct request *r = container_of(sink, struct request, sink);

    if (r->books == NULL)
        return bytes.length;
    if (bytes.length > r->body_max - r->books->body.length)
        refuse_large(r);
    else
        text_add(&r->books->body, bytes);
    return bytes.length;
}

static void on_end(struct http_sink *sink)
{
    struct request *r = container_of(sink, struct request, sink);

    if (r->books != NULL)
        begin(r->books, r->verb);
}

static const struct http_sink_ops SINK_OPS = { on_data, on_end };

static void take_body(struct admin *admin, struct http_exchange *x, const struct admin_scope *scope,
    enum books_verb verb, size_t body_max)
{
    struct request *r = request_of(x);
    struct books_call *books = books_new(admin, x, scope);

    if (books == NULL)
        return;
    *r = (struct request){ { &SINK_OPS }, books, verb, body_max };
    if (x->framing == HTTP_BODY_NONE)
        refuse_as(
            books, 400, "json", "there is no body", "send an invoice, or a correction, in JSON");
    else if (x->framing == HTTP_BODY_LENGTH && x->request_length > body_max)
        refuse_large(r);
    else
        http_exchange_read(x, &r->sink);
}

void admin_serve_verify(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    take_body(admin, x, scope, BOOKS_VERIFY, BOOKS_INVOICE_MAX);
}

void admin_serve_correction(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    take_body(admin, x, scope, BOOKS_CORRECT, BOOKS_BODY_MAX);
}
