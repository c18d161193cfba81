// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>

#include "admin/books.h"
#include "admin/json.h"
#include "admin/names.h"
#include "admin/query.h"
#include "base/attr.h"

enum { SHOWN_MAX = 100 }; // bytes of what was given, in an error

#define SHOWN(given) SLICE_ARG(slice_head(given, SHOWN_MAX))

/* What is being read, from a query or a body. */
struct reading {
    struct slice path; // with the query
    json_t *json;      // of a body; NULL: a query is read
    const struct books_known *known;
    struct arena *arena;
    struct books_question *question;
    struct admin_refusal *refusal;
};

static bool refuse(struct reading *r, int status, const char *code)
{
    r->refusal->status = status;
    r->refusal->code = code;
    return false;
}

/* The text under that key; false where there is none. */
static bool find(struct reading *r, const char *key, struct slice *value)
{
    *value = SLICE_NONE;
    if (r->json == NULL)
        return query_find(r->path, slice_text(key), r->arena, value) && value->length > 0;
    *value = arena_copy(r->arena, json_get_text(r->json, key));
    return value->length > 0;
}

void books_refuse_name(const struct books_stranger *stranger, struct admin_refusal *refusal)
{
    diag_say(&refusal->message, "there is no %s \"%.*s\" in this network, and none in the ledger",
        stranger->what, SHOWN(stranger->name));
    if (stranger->nearest.length > 0)
        diag_say(&refusal->mend, "did you mean %.*s?", SLICE_ARG(stranger->nearest));
    else
        diag_say(&refusal->mend, "`waypost usage` lists whom the ledger knows");
    refusal->status = 404;
    refusal->code = stranger->what;
}

const char *books_by_text(enum ledger_by by)
{
    switch (by) {
    case LEDGER_BY_HOUR: return "hour";
    case LEDGER_BY_DAY: return "day";
    case LEDGER_BY_MONTH: return "month";
    case LEDGER_BY_CUSTOMER: return "customer";
    case LEDGER_BY_SITE: return "site";
    case LEDGER_BY_POP: return "pop";
    case LEDGER_BY_COUNT: break;
    }
    assert(false);
    return "";
}

/* The first name that is not there is the one to be told of. */
static void note_stranger(
    struct reading *r, const char *what, struct slice name, struct slice nearest)
{
    if (r->question->stranger.what == NULL)
        r->question->stranger =
            (struct books_stranger){ what, name, arena_copy(r->arena, nearest) };
}

/* Whoever a customer asks for beside itself is not there, whatever the ledger has of it. */
static bool read_customer(struct reading *r, struct slice name)
{
    struct slice own = r->known->customer;

    r->question->customer = name;
    if (name.length > 0 && network_customer(r->known->network, name) == NULL)
        note_stranger(r, "customer", name, admin_customer_nearest(r->known->network, name));
    if (own.length == 0 || slice_equal(own, name))
        return true;
    r->question->stranger = (struct books_stranger){ "customer", name,
        admin_customer_nearest(r->known->network, name) };
    books_refuse_name(&r->question->stranger, r->refusal);
    return false;
}

/* HOST or HOST.ZONE, as the ledger has it. */
static bool read_site(struct reading *r, struct slice name)
{
    struct books_question *q = r->question;
    const struct site *site = admin_site_find(r->known->network, name);

    q->site = name;
    if (site == NULL) {
        note_stranger(r, "site", name, admin_site_nearest(r->known->network, name));
        return true;
    }
    q->site = arena_copy(r->arena, site->host);
    if (q->customer.length == 0 || slice_equal(site->customer->name, q->customer) ||
        q->stranger.what != NULL)
        return true;
    diag_say(&r->refusal->message, "%.*s is a site of %.*s, not of %.*s", SLICE_ARG(site->host),
        SLICE_ARG(site->customer->name), SHOWN(q->customer));
    diag_say(&r->refusal->mend, "name its customer, or leave the customer out");
    return refuse(r, 422, "site");
}

static void read_pop(struct reading *r, struct slice name)
{
    r->question->pop = name;
    if (network_pop(r->known->network, name) == NULL)
        note_stranger(r, "pop", name, admin_pop_nearest(r->known->network, name));
}

/* Customer, site and pop, as far as they are said. */
static bool read_names(struct reading *r)
{
    struct slice name;

    if (!find(r, "customer", &name))
        name = r->known->customer;
    if (name.length > 0 && !read_customer(r, name))
        return false;
    if (find(r, "site", &name) && !read_site(r, name))
        return false;
    if (find(r, "pop", &name))
        read_pop(r, name);
    return true;
}

static bool refuse_time(struct reading *r, const char *key, struct slice given)
{
    diag_say(&r->refusal->message, "%s \"%.*s\" is no time that there is", key, SHOWN(given));
    diag_say(&r->refusal->mend,
        "give a month 2026-11, a day 2026-11-22, or a moment 2026-11-22T10:05Z (UTC)");
    return refuse(r, 400, key);
}

/* The month that is said, or the present one. */
static bool read_month(struct reading *r)
{
    struct slice given;

    r->question->month = month_of(r->known->now);
    if (!find(r, "month", &given) || month_parse(given, &r->question->month))
        return true;
    diag_say(&r->refusal->message, "\"%.*s\" is no month", SHOWN(given));
    diag_say(&r->refusal->mend, "write year and month, such as 2026-11");
    return refuse(r, 400, "month");
}

/* The ledger sums up by five minutes. */
static bool read_border(struct reading *r, const char *key, struct wall *border, bool *is_there)
{
    struct period period;
    struct slice given;

    *is_there = find(r, key, &given);
    if (!*is_there)
        return true;
    if (!period_parse(given, &period))
        return refuse_time(r, key, given);
    *border = period.from;
    if (border->ms % LEDGER_SLOT_MS == 0)
        return true;
    diag_say(&r->refusal->message, "%s \"%.*s\" is within five minutes", key, SHOWN(given));
    diag_say(&r->refusal->mend, "usage is summed up by five minutes: give a multiple of them");
    return refuse(r, 400, key);
}

/* From `from` to before `to`; of a month, the present one where nothing is said. */
static bool read_period(struct reading *r)
{
    struct books_question *q = r->question;
    bool has_from, has_to;

    if (!read_month(r))
        return false;
    q->period = period_of_month(q->month);
    if (!read_border(r, "from", &q->period.from, &has_from) ||
        !read_border(r, "to", &q->period.to, &has_to))
        return false;
    if (has_from && !has_to)
        q->period.to.ms = r->known->now.ms - r->known->now.ms % LEDGER_SLOT_MS + LEDGER_SLOT_MS;
    if (q->period.from.ms < q->period.to.ms)
        return true;
    diag_say(&r->refusal->message, "the time that is asked for ends before it begins");
    diag_say(&r->refusal->mend, "give `from`, and behind it `to`, which is not part of it");
    return refuse(r, 400, "to");
}

static void read_by(struct reading *r)
{
    struct books_question *q = r->question;
    struct slice given;

    q->by = q->site.length > 0       ? LEDGER_BY_POP
            : q->customer.length > 0 ? LEDGER_BY_SITE
                                     : LEDGER_BY_CUSTOMER;
    if (!find(r, "by", &given))
        return;
    for (q->by = 0; !slice_equal(given, slice_text(books_by_text(q->by)));)
        q->by++; // the table of routes has the same words
}

bool books_read_usage(struct slice path, const struct books_known *known, struct arena *arena,
    struct books_question *question, struct admin_refusal *refusal)
{
    struct reading r = {
        .path = path, .known = known, .arena = arena, .question = question, .refusal = refusal
    };

    *question = (struct books_question){ .verb = BOOKS_USAGE, .now = known->now };
    if (!read_names(&r) || !read_period(&r))
        return false;
    read_by(&r);
    question->limit = (size_t)query_number(path, "limit", arena, BOOKS_ROWS_MAX);
    question->skip = query_number(path, "after", arena, 0);
    return true;
}

bool books_read_invoices(struct slice path, const struct books_known *known, struct arena *arena,
    struct books_question *question, struct admin_refusal *refusal)
{
    struct slice own = slice_head(path, slice_find(path, '?'));
    struct slice name = slice_from(own, sizeof "/api/v1/invoices/" - 1);
    struct reading r = {
        .path = path, .known = known, .arena = arena, .question = question, .refusal = refusal
    };

    *question = (struct books_question){ .verb = BOOKS_INVOICES, .now = known->now };
    if (!read_month(&r))
        return false;
    if (name.length > 0) {
        question->verb = BOOKS_INVOICE;
        return read_customer(&r, arena_copy(arena, name));
    }
    if (known->customer.length == 0) {
        find(&r, "after", &question->after);
        question->limit = (size_t)query_number(path, "limit", arena, BOOKS_CUSTOMERS_MAX);
        return true;
    }
    diag_say(&refusal->message, "the list of invoices is for operators alone");
    diag_say(&refusal->mend, "ask for /api/v1/invoices/%.*s, yours", SLICE_ARG(known->customer));
    return refuse(&r, 403, "operators");
}

static bool refuse_member(struct reading *r, const char *key, const char *fault)
{
    diag_say(&r->refusal->message, "the member \"%.*s\" %s", SHOWN(slice_text(key)), fault);
    diag_say(&r->refusal->mend, "there are customer, site, pop, month or at, kind, take_back (a "
                                "number) and reason");
    return refuse(r, 400, "member");
}

/* Each member is known and of its type, and those that must be are there. */
static bool check_members(struct reading *r)
{
    static const char *const TEXTS[] = { "customer", "site", "kind", "reason", "pop", "month",
        "at" };
    enum { NEEDED = 4 };
    const char *key;
    json_t *value;
    struct slice text;

    json_object_foreach(r->json, key, value)
    {
        bool is_number = slice_equal(slice_text(key), SLICE("take_back")), is_known = is_number;

        for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
            is_known = is_known || slice_equal(slice_text(key), slice_text(TEXTS[i]));
        if (!is_known)
            return refuse_member(r, key, "is not known here");
        if (is_number ? !json_is_integer(value) : !json_is_string(value))
            return refuse_member(r, key, is_number ? "is no whole number" : "is no text");
    }
    for (size_t i = 0; i < NEEDED; i++)
        if (!find(r, TEXTS[i], &text))
            return refuse_member(r, TEXTS[i], "is missing");
    r->question->take_back = json_get_number(r->json, "take_back");
    return r->question->take_back > 0 || refuse_member(r, "take_back", "is no number above 0");
}

static bool read_kind(struct reading *r)
{
    struct books_question *q = r->question;
    struct slice given;

    find(r, "kind", &given);
    for (q->kind = 0; q->kind < USAGE_KIND_COUNT; q->kind++)
        if (slice_equal(given, slice_text(usage_kind_text(q->kind))))
            return true;
    diag_say(&r->refusal->message, "nothing is counted as \"%.*s\"", SHOWN(given));
    diag_say(&r->refusal->mend, "give one of sent_bytes, filled_bytes, hit, stale, miss, "
                                "revalidated, collapsed, pass, refused, error, redirected, "
                                "dns_answers, dns_addresses");
    return refuse(r, 400, "kind");
}

/* The month, or the moment and with it its month. */
static bool read_when(struct reading *r)
{
    struct books_question *q = r->question;
    struct period period;
    struct slice at, month;

    if (!read_month(r))
        return false;
    if (find(r, "at", &at)) {
        if (find(r, "month", &month))
            return refuse_member(r, "at", "says what \"month\" says too");
        if (!period_parse(at, &period) || period.from.ms != period.to.ms)
            return refuse_time(r, "at", at);
        q->at = period.from;
        q->month = month_of(q->at);
    }
    if ((q->at.ms != 0 ? q->at : month_begin(q->month)).ms <= r->known->now.ms)
        return true;
    diag_say(&r->refusal->message, "what has not been used yet cannot be taken back");
    diag_say(&r->refusal->mend, "give a time that has been");
    return refuse(r, 422, "time");
}

static bool read_reason(struct reading *r)
{
    struct slice reason;

    find(r, "reason", &reason);
    for (size_t i = 0; i < reason.length; i++)
        if ((unsigned char)reason.at[i] < ' ' || reason.at[i] == '\x7f')
            return refuse_member(r, "reason", "is more than one line of text");
    r->question->reason = reason;
    return reason.length <= USAGE_REASON_MAX ||
           refuse_member(r, "reason", "is longer than 1024 bytes");
}

bool books_read_correction(struct slice body, const struct books_known *known, struct arena *arena,
    struct books_question *question, struct admin_refusal *refusal)
{
    struct reading r = { .json = json_read(body),
        .known = known,
        .arena = arena,
        .question = question,
        .refusal = refusal };
    bool is_read = json_is_object(r.json);

    *question = (struct books_question){ .verb = BOOKS_CORRECT, .now = known->now };
    if (!is_read) {
        diag_say(&refusal->message, "the body is not an object in JSON");
        diag_say(&refusal->mend, "say in it customer, site, kind, take_back and reason");
        refuse(&r, 400, "json");
    } else {
        is_read = check_members(&r) && read_names(&r) && read_kind(&r) && read_when(&r) &&
                  read_reason(&r);
    }
    json_decref(r.json);
    return is_read;
}
