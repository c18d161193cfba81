// SPDX-License-Identifier: Apache-2.0
#include "admin/books.h"

#include <assert.h>

#include "admin/invoice.h"
#include "admin/json.h"
#include "admin/status.h"
#include "base/mem.h"
#include "base/order.h"
#include "meter/invoice_ledger.h"

/* Below zero where more was corrected than used. */
static void put_signed(json_t *object, const char *key, int64_t number)
{
    json_object_set_new(object, key, json_integer(number));
}

static void put_kinds(json_t *object, const int64_t added[USAGE_KIND_COUNT])
{
    int64_t requests = 0;

    // Sums of the ledger are far from what would wrap: each is one, and it keeps them in 63 bits.
    for (int kind = 0; kind < USAGE_SENT_BYTES; kind++)
        requests = (int64_t)((uint64_t)requests + (uint64_t)added[kind]);
    put_signed(object, "requests", requests);
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        put_signed(object, usage_kind_text((enum usage_kind)kind), added[kind]);
}

static json_t *json_of_row(const struct ledger_row *row, enum ledger_by by)
{
    json_t *object = json_object();

    if (by == LEDGER_BY_HOUR || by == LEDGER_BY_DAY || by == LEDGER_BY_MONTH)
        json_put_time(object, "at", row->at);
    if (by == LEDGER_BY_CUSTOMER || by == LEDGER_BY_SITE)
        json_put_text(object, "customer", row->customer);
    if (by == LEDGER_BY_SITE)
        json_put_text(object, "site", row->site);
    if (by == LEDGER_BY_POP)
        json_put_text(object, "pop", row->pop);
    put_kinds(object, row->added);
    return object;
}

static void add_row(int64_t sum[USAGE_KIND_COUNT], const struct ledger_row *row)
{
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        sum[kind] = (int64_t)((uint64_t)sum[kind] + (uint64_t)row->added[kind]);
}

static void put_name(json_t *object, const char *key, struct slice name)
{
    if (name.length > 0)
        json_put_text(object, key, name);
}

/* What was asked, so that an answer that was kept says what it is of. */
static json_t *usage_head(const struct books_question *q)
{
    json_t *object = json_object();

    json_put_text(object, "node", q->node);
    json_put_time(object, "now", q->now);
    put_name(object, "customer", q->customer);
    put_name(object, "site", q->site);
    put_name(object, "pop", q->pop);
    json_put_time(object, "from", q->period.from);
    json_put_time(object, "to", q->period.to);
    json_put_text(object, "by", slice_text(books_by_text(q->by)));
    return object;
}

json_t *books_waiting_json(const struct books_waiting *waiting, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();

        json_put_text(object, "node", waiting[i].node);
        json_put_number(object, "entries", waiting[i].entries);
        json_array_append_new(list, object);
    }
    return list;
}

static enum err answer_usage(struct ledger *ledger, const struct books_question *q,
    struct books_answer *answer, struct diag *why)
{
    const struct ledger_query query = { q->customer, q->site, q->pop, q->period.from, q->period.to,
        q->by };
    json_t *object = usage_head(q), *list = json_array(), *total = json_object();
    int64_t sum[USAGE_KIND_COUNT] = { 0 };
    struct ledger_row row;
    struct db_rows rows;
    size_t found = 0;

    ledger_usage(ledger, &query, &rows);
    while (ledger_row_next(&rows, &row)) {
        add_row(sum, &row);
        if (found++ >= q->skip && json_array_size(list) < q->limit)
            json_array_append_new(list, json_of_row(&row, q->by));
    }
    enum err err = db_end(&rows, why);
    uint64_t told = q->skip + json_array_size(list);

    put_kinds(total, sum);
    json_object_set_new(object, "usage", list);
    json_object_set_new(object, "total", total);
    json_put_number(object, "more", found > told ? found - told : 0);
    if (found > told)
        json_put_number(object, "after", told);
    json_object_set_new(object, "unsettled", books_waiting_json(q->waiting, q->waiting_count));
    bool is_unknown = found == 0 && q->stranger.what != NULL;

    if (err == ERR_NONE && is_unknown)
        books_refuse_name(&q->stranger, &answer->refusal);
    if (err == ERR_NONE && !is_unknown)
        json_write(object, &answer->body);
    else
        json_decref(object);
    return err;
}

/* An invoice that cannot be made is no fault of the ledger's. */
static enum err refuse_price(
    enum err err, const struct diag *why, struct slice customer, struct books_answer *answer)
{
    if (err != ERR_RANGE && err != ERR_LIMIT)
        return err;
    answer->refusal.status = 422;
    answer->refusal.code = "price";
    diag_say(&answer->refusal.message, "there is no invoice of %.*s: %s",
        SLICE_ARG(slice_head(customer, 100)), why->text);
    diag_say(&answer->refusal.mend, "look at `waypost usage`; what was taken back too much is put "
                                    "right by a correction");
    return ERR_NONE;
}

/* The customer's, or NULL with a refusal. */
static enum err derive(struct ledger *ledger, const struct books_question *q,
    struct books_answer *answer, struct invoice **invoice, struct diag *why)
{
    *invoice = NULL;
    enum err err = invoice_from_ledger(ledger, q->customer, q->month, invoice, why);

    if (err != ERR_NONE)
        return refuse_price(err, why, q->customer, answer);
    bool is_empty = (*invoice)->chain_count == 0 && (*invoice)->bill.total_count == 0;

    if (is_empty && q->stranger.what != NULL) {
        invoice_free(*invoice);
        *invoice = NULL;
        books_refuse_name(&q->stranger, &answer->refusal);
    }
    return ERR_NONE;
}

static enum err answer_invoice(struct ledger *ledger, const struct books_question *q,
    struct books_answer *answer, struct diag *why)
{
    struct invoice *invoice;

    TRY(derive(ledger, q, answer, &invoice, why));
    if (invoice != NULL)
        invoice_json_write(invoice, &answer->body);
    invoice_free(invoice);
    return ERR_NONE;
}

/* One customer's in a list: what it comes to, or why there is none. */
static enum err put_invoice(
    struct ledger *ledger, const struct books_question *q, json_t *list, struct diag *why)
{
    struct books_answer answer = { .refusal.status = 0 };
    json_t *object = json_object(), *plans = json_array();
    struct invoice *invoice;
    uint64_t entries = 0;
    enum err err = derive(ledger, q, &answer, &invoice, why);

    json_put_text(object, "customer", q->customer);
    if (invoice != NULL) {
        for (size_t i = 0; i < invoice->bill.part_count; i++)
            if (invoice->bill.parts[i].plan.length > 0)
                json_array_append_new(plans, json_of_text(invoice->bill.parts[i].plan));
        for (size_t i = 0; i < invoice->chain_count; i++)
            entries += invoice->chains[i].count;
        json_object_set_new(object, "totals", invoice_totals_json(&invoice->bill));
    } else {
        json_put_text(object, "error", slice_text(answer.refusal.message.text));
    }
    json_object_set_new(object, "plans", plans);
    json_put_number(object, "entries", entries);
    invoice_free(invoice);
    if (err == ERR_NONE)
        json_array_append_new(list, object);
    else
        json_decref(object);
    return err;
}

/* Who had something in a month. */
struct customers {
    struct slice names[BOOKS_CUSTOMERS_MAX]; // in the arena
    size_t count, more;                      // more: beyond the limit
    struct arena arena;
};

static enum err find_customers(struct ledger *ledger, const struct books_question *q,
    struct customers *found, struct diag *why)
{
    struct db_rows rows;

    ledger_customers(ledger, month_begin(q->month), month_end(q->month), &rows);
    while (db_next(&rows)) {
        struct slice name = db_bytes_at(&rows, 0);

        // What found no slot has no name, and is nobody's.
        if (slice_order(name, q->after) <= 0)
            continue;
        if (found->count < q->limit)
            found->names[found->count++] = arena_copy(&found->arena, name);
        else
            found->more++;
    }
    return db_end(&rows, why);
}

static enum err answer_invoices(struct ledger *ledger, const struct books_question *q,
    struct books_answer *answer, struct diag *why)
{
    struct customers *found = mem_new(struct customers);
    struct books_question one = *q;
    char month[MONTH_TEXT_MAX];

    arena_init(&found->arena, SIZE_MAX); // BOOKS_CUSTOMERS_MAX names
    enum err err = find_customers(ledger, q, found, why);
    json_t *object = json_object(), *list = json_array();

    for (size_t i = 0; err == ERR_NONE && i < found->count; i++) {
        one.customer = found->names[i];
        err = put_invoice(ledger, &one, list, why);
    }
    json_put_text(object, "node", q->node);
    json_put_time(object, "now", q->now);
    json_put_text(object, "month", slice_text(month_text(q->month, month)));
    json_object_set_new(object, "invoices", list);
    json_put_number(object, "more", found->more);
    if (found->more > 0)
        json_put_text(object, "after", found->names[found->count - 1]);
    if (err == ERR_NONE)
        json_write(object, &answer->body);
    else
        json_decref(object);
    arena_done(&found->arena);
    mem_free(found);
    return err;
}

static void write_verdict(
    const struct invoice *given, const struct diag *difference, bool is_same, struct text *out)
{
    json_t *object = json_object();
    char month[MONTH_TEXT_MAX];

    json_put_flag(object, "verified", is_same);
    json_put_text(object, "customer", given->customer);
    json_put_text(object, "month", slice_text(month_text(given->month, month)));
    if (!is_same)
        json_put_text(object, "difference", slice_text(difference->text));
    json_write(object, out);
}

static enum err answer_verify(struct ledger *ledger, const struct books_question *q,
    struct books_answer *answer, struct diag *why)
{
    struct diag difference = { 0 };
    struct books_question of = *q;
    struct invoice *given, *derived;

    if (invoice_json_read(q->invoice, &given, &difference) != ERR_NONE) {
        answer->refusal.status = 400;
        answer->refusal.code = "invoice";
        answer->refusal.message = difference;
        diag_say(
            &answer->refusal.mend, "give the file as `waypost invoice --format json` wrote it");
        return ERR_NONE;
    }
    of.customer = given->customer;
    of.month = given->month;
    if (q->customer.length > 0 && !slice_equal(q->customer, given->customer)) {
        // Of another customer or of nobody: it is not said which.
        books_refuse_name(
            &(struct books_stranger){ "customer", given->customer, q->customer }, &answer->refusal);
        invoice_free(given);
        return ERR_NONE;
    }
    enum err err = derive(ledger, &of, answer, &derived, why);

    if (derived != NULL) {
        bool is_same = invoice_json_verify(q->invoice, derived, &difference);

        write_verdict(given, &difference, is_same, &answer->body);
    }
    invoice_free(derived);
    invoice_free(given);
    return err;
}

enum err books_answer(struct ledger *ledger, const struct books_question *question,
    struct books_answer *answer, struct diag *why)
{
    switch (question->verb) {
    case BOOKS_USAGE: return answer_usage(ledger, question, answer, why);
    case BOOKS_INVOICES: return answer_invoices(ledger, question, answer, why);
    case BOOKS_INVOICE: return answer_invoice(ledger, question, answer, why);
    case BOOKS_VERIFY: return answer_verify(ledger, question, answer, why);
    case BOOKS_CORRECT: return books_correct(ledger, question, answer, why);
    }
    assert(false);
    return ERR_NONE;
}
