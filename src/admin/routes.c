// SPDX-License-Identifier: Apache-2.0
#include "admin/routes.h"

#include <stdio.h>

#include "admin/admin_priv.h"
#include "admin/answers.h"
#include "admin/moment.h"
#include "admin/query.h"

enum {
    SHOWN_MAX = 100, // bytes of what was given, in an error
    ALLOW_MAX = 64,
    WORD_MOST = 32, // bytes; longer than right, so that who reads it says what is
    NAME_MOST = 255,
    HOST_MOST = 512, // HOST.ZONE, with the dot at the end
};

#define TEXT(least_, most_)   .kind = ADMIN_FIELD_TEXT, .least = (least_), .most = (most_)
#define NUMBER(least_, most_) .kind = ADMIN_FIELD_NUMBER, .least = (least_), .most = (most_)

#define NODE_FIELD                                        \
    {                                                     \
        .name = "node", TEXT(0, NAME_MOST),               \
        .help = "A node of the process; its first where " \
                "none is named"                           \
    }
#define SITE_FIELD                                                                 \
    {                                                                              \
        .name = "site", TEXT(1, HOST_MOST), .help = "A site, as HOST or HOST.ZONE" \
    }
#define MONTH_FIELD                                                                      \
    {                                                                                    \
        .name = "month", TEXT(0, WORD_MOST), .pattern = "^([0-9]{4}-(0[1-9]|1[0-2]))?$", \
        .help = "Year and month, UTC; this one where none is said"                       \
    }
#define TIME_PATTERN "^([0-9]{4}-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z)?)?)?$"

static const struct admin_field WHY_FIELDS[] = {
    { .name = "name",
        TEXT(1, HOST_MOST),
        .is_needed = true,
        .help = "The name that is asked for: a site, as HOST or HOST.ZONE" },
    { .name = "client",
        .kind = ADMIN_FIELD_ADDRESS,
        .help = "Who asks; without it, somebody of whom nothing is known" },
    { .name = "at",
        TEXT(2, MOMENT_TEXT_MAX),
        .pattern = "^(-[0-9.]+ ?[a-z]+|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]+)?Z)$",
        .help = "A time that has been: as it was answered then" },
    NODE_FIELD,
    { .name = NULL },
};

static const struct admin_field STATUS_FIELDS[] = {
    { .name = "limit",
        NUMBER(1, STATUS_TOLD_MAX),
        .help = "Members of all lists together in the answer; all where none is said" },
    { .name = "after", NUMBER(1, INT64_MAX), .help = "As the answer before had it" },
    { .name = NULL },
};

static const struct admin_field VIEW_FIELDS[] = {
    NODE_FIELD,
    { .name = "limit", NUMBER(1, VIEW_TOLD_MAX), .help = "Reports in the answer" },
    { .name = "after",
        TEXT(VIEW_PLACE_TEXT_MAX - 1, VIEW_PLACE_TEXT_MAX - 1),
        .pattern = "^[0-9a-fA-F]+$",
        .help = "As the answer before had it" },
    { .name = NULL },
};

static const struct admin_field MAP_FIELDS[] = { NODE_FIELD, { .name = NULL } };

static const struct admin_field CHANGES_FIELDS[] = {
    { .name = "limit", NUMBER(1, CHANGES_MAX), .help = "Changes in the answer" },
    { .name = "after", NUMBER(1, INT64_MAX), .help = "As the answer before had it" },
    { .name = NULL },
};

static const struct admin_field LIVE_FIELDS[] = {
    { .name = "every", NUMBER(1, ADMIN_LIVE_EVERY_MAX_S), .help = "Seconds between two events" },
    { .name = NULL },
};

static const struct admin_field ORDERS_FIELDS[] = {
    { .name = "limit", NUMBER(1, ORDERS_TOLD_MAX), .help = "Orders in the answer" },
    { .name = "after", NUMBER(1, INT64_MAX), .help = "As the answer before had it" },
    { .name = NULL },
};

static const struct admin_field ANSWERS_FIELDS[] = {
    SITE_FIELD,
    { .name = "limit", NUMBER(1, ANSWERS_TOLD_MAX), .help = "Rows in the answer" },
    { .name = "after", NUMBER(1, INT64_MAX), .help = "As the answer before had it" },
    { .name = NULL },
};

static const struct admin_field USAGE_FIELDS[] = {
    { .name = "customer", TEXT(0, NAME_MOST), .help = "Whose; all where none is named" },
    { .name = "site", TEXT(0, HOST_MOST), .help = "Of which site; likewise" },
    { .name = "pop", TEXT(0, NAME_MOST), .help = "Delivered where; likewise" },
    MONTH_FIELD,
    { .name = "from",
        TEXT(0, 20),
        .pattern = TIME_PATTERN,
        .help = "A month, a day or a moment, UTC; in steps of five minutes" },
    { .name = "to",
        TEXT(0, 20),
        .pattern = TIME_PATTERN,
        .help = "Likewise; it is not part of it" },
    { .name = "by",
        .kind = ADMIN_FIELD_CHOICE,
        .words = "hour day month customer site pop",
        .help = "What rows are of" },
    { .name = "limit", NUMBER(1, BOOKS_ROWS_MAX), .help = "Rows in the answer" },
    { .name = "after", NUMBER(1, INT64_MAX), .help = "As the answer before had it" },
    { .name = NULL },
};

static const struct admin_field INVOICES_FIELDS[] = {
    MONTH_FIELD,
    { .name = "limit", NUMBER(1, BOOKS_CUSTOMERS_MAX), .help = "Customers in the answer" },
    { .name = "after", TEXT(1, NAME_MOST), .help = "As the answer before had it" },
    { .name = NULL },
};

static const struct admin_field INVOICE_FIELDS[] = { MONTH_FIELD, { .name = NULL } };

static const struct admin_field ORDER_PART = {
    .name = "number", NUMBER(1, INT64_MAX), .is_needed = true, .help = "Of the order, in the log"
};
static const struct admin_field CUSTOMER_PART = {
    .name = "customer", TEXT(1, NAME_MOST), .is_needed = true, .help = "Whose invoice"
};

#define GET(path_, access_, serve_) \
    .path = (path_), .method = HTTP_GET, .access = ADMIN_FOR_##access_, .serve = (serve_)
#define POST(path_, access_, serve_) \
    .path = (path_), .method = HTTP_POST, .access = ADMIN_FOR_##access_, .serve = (serve_)

const struct admin_route admin_routes[] = {
    { GET("/healthz", ALL, admin_serve_healthz) },
    { GET("/metrics", OPERATORS, admin_serve_metrics) },
    { GET("/api/v1/openapi.json", ALL, admin_serve_openapi), .answer = "",
        .summary = "This document" },
    { GET("/api/v1/status", ALL, admin_serve_status), .query = STATUS_FIELDS, .answer = "status",
        .summary = "What this process serves, counts and measures" },
    { GET("/api/v1/network", ALL, admin_serve_network), .answer = "network",
        .summary = "Pops, customers and sites, and how each is doing as this node sees it" },
    { GET("/api/v1/changes", ALL, admin_serve_changes), .query = CHANGES_FIELDS,
        .answer = "changes", .summary = "What changed lately, the newest first" },
    { GET("/api/v1/live", ALL, admin_serve_live), .query = LIVE_FIELDS, .answer = "live",
        .type = "text/event-stream", .errors = "503",
        .summary = "What is carried now: server-sent events named `live`, whose data is the "
                   "schema in one line" },
    { GET("/api/v1/why", ALL, admin_serve_why), .query = WHY_FIELDS, .answer = "why",
        .errors = "404 409 503",
        .summary = "Why a name is answered as it is, or with `at` as it was then" },
    { GET("/api/v1/answers", ALL, admin_serve_answers), .query = ANSWERS_FIELDS,
        .answer = "answers", .errors = "404",
        .summary = "Addresses that were given out, by site, target and reason" },
    { GET("/api/v1/view", OPERATORS, admin_serve_view), .query = VIEW_FIELDS, .answer = "view",
        .errors = "404", .summary = "What a node holds of what was measured" },
    { GET("/api/v1/map", OPERATORS, admin_serve_map), .query = MAP_FIELDS, .answer = "map",
        .errors = "404", .summary = "What a node plans with, and what it chose" },
    { POST("/api/v1/reload", OPERATORS, admin_serve_reload), .answer = "reload",
        .errors = "409 422 503", .summary = "Takes the configuration file as it is now into use" },
    { POST("/api/v1/purge", ALL, admin_serve_purge), .body = "purge_body", .answer = "given",
        .errors = "404 413 415 422 503 504",
        .summary = "Has what is stored forgotten everywhere: a URL, all below a prefix, what has "
                   "a tag on a site, or all of a site" },
    { POST("/api/v1/drain", ALL, admin_serve_drain), .body = "drain_body", .answer = "given",
        .errors = "404 413 415 503 504",
        .summary = "Takes a pop, a node or an origin (CUSTOMER/NAME) out of all answers, gently" },
    { POST("/api/v1/undrain", ALL, admin_serve_undrain), .body = "drain_body", .answer = "given",
        .errors = "404 413 415 503 504", .summary = "Takes it back in" },
    { GET("/api/v1/orders", ALL, admin_serve_orders), .query = ORDERS_FIELDS, .answer = "orders",
        .summary = "Purges and drains, the newest first" },
    { GET("/api/v1/orders/{number}", ALL, admin_serve_one_order), .part = &ORDER_PART,
        .answer = "one_order", .errors = "404", .summary = "One, with the receipt of each node" },
    { GET("/api/v1/usage", ALL, admin_serve_usage), .query = USAGE_FIELDS, .answer = "usage",
        .errors = "404 409 422 503", .summary = "What was delivered, of the ledger" },
    { GET("/api/v1/invoices", OPERATORS, admin_serve_invoices), .query = INVOICES_FIELDS,
        .answer = "invoices", .errors = "409 503",
        .summary = "What all customers owe for a month" },
    { POST("/api/v1/invoices/verify", ALL_TO_ASK, admin_serve_verify), .body = "invoice",
        .answer = "verdict", .errors = "404 409 413 415 422 503",
        .summary = "Whether an invoice is what the ledger says" },
    { GET("/api/v1/invoices/{customer}", ALL, admin_serve_invoices), .query = INVOICE_FIELDS,
        .part = &CUSTOMER_PART, .answer = "invoice", .errors = "404 409 422 503",
        .summary = "The invoice of a month, which names the entries that it sums up" },
    { POST("/api/v1/corrections", OPERATORS, admin_serve_correction), .body = "correction_body",
        .answer = "corrected", .errors = "404 409 413 415 422 503",
        .summary = "Takes usage back, by an entry of its own" },
    { .path = NULL },
};

/* Whether a path is the route's; what stands for {...} is not empty. */
static bool is_of(const struct admin_route *route, struct slice path)
{
    struct slice own = slice_text(route->path);
    size_t brace = slice_find(own, '{');

    if (brace == own.length)
        return slice_equal(path, own);
    return path.length > brace && slice_starts(path, slice_head(own, brace));
}

static bool is_same_path(const struct admin_route *a, const struct admin_route *b)
{
    return slice_equal(slice_text(a->path), slice_text(b->path));
}

const struct admin_route *admin_route_find(
    struct slice path, enum http_method method, bool *is_path)
{
    const struct admin_route *other = NULL;

    for (const struct admin_route *route = admin_routes; route->path != NULL; route++) {
        if (!is_of(route, path))
            continue;
        other = other == NULL ? route : other;
        // A path that is written out is not also one with a part that is left open.
        if (route->method == method && is_same_path(route, other))
            return route;
    }
    *is_path = other != NULL;
    return NULL;
}

const char *admin_route_allow(struct slice path, struct arena *arena)
{
    char *text = arena_alloc(arena, ALLOW_MAX);
    const struct admin_route *first = NULL;
    bool has_get = false, has_post = false;

    for (const struct admin_route *route = admin_routes; route->path != NULL; route++) {
        if (!is_of(route, path))
            continue;
        first = first == NULL ? route : first;
        has_get |= route->method == HTTP_GET && is_same_path(route, first);
        has_post |= route->method == HTTP_POST && is_same_path(route, first);
    }
    snprintf(text, ALLOW_MAX, "Allow: %s%s%s\r\n", has_get ? "GET, HEAD" : "",
        has_get && has_post ? ", " : "", has_post ? "POST" : "");
    return text;
}

static bool refuse(struct admin_refusal *refusal, const char *code)
{
    refusal->status = 400;
    refusal->code = code;
    return false;
}

/* The fields there are, for a mend. */
static void list_fields(const struct admin_field *fields, struct diag *mend)
{
    char text[sizeof mend->text];
    size_t length = 0;

    text[0] = '\0';
    for (const struct admin_field *f = fields; f != NULL && f->name != NULL; f++) {
        int more =
            snprintf(text + length, sizeof text - length, "%s%s", length > 0 ? ", " : "", f->name);

        if (more < 0 || (size_t)more >= sizeof text - length)
            break;
        length += (size_t)more;
    }
    if (length == 0)
        diag_say(mend, "leave the query out: there is nothing to say in it");
    else
        diag_say(mend, "there are %s", text);
}

static const struct admin_field *find_field(const struct admin_field *fields, struct slice name)
{
    for (const struct admin_field *f = fields; f != NULL && f->name != NULL; f++)
        if (slice_equal(slice_text(f->name), name))
            return f;
    return NULL;
}

/* How often a key is there. */
static size_t count_key(struct slice query, struct slice key)
{
    struct slice pair;
    size_t count = 0;

    while (slice_cut(&query, '&', &pair))
        count += slice_equal(slice_head(pair, slice_find(pair, '=')), key);
    return count;
}

static bool is_word(const char *words, struct slice value)
{
    struct slice rest = slice_text(words), word;

    while (slice_cut(&rest, ' ', &word))
        if (slice_equal(word, value))
            return true;
    return false;
}

static bool check_value(
    const struct admin_field *f, struct slice value, struct admin_refusal *refusal)
{
    uint64_t number;
    struct ip ip;

    switch (f->kind) {
    case ADMIN_FIELD_TEXT:
        if (value.length >= f->least && value.length <= f->most && !slice_has_control(value))
            return true;
        diag_say(&refusal->message, "`%s` is %s", f->name,
            value.length < f->least  ? "too short"
            : value.length > f->most ? "too long"
                                     : "no plain text");
        diag_say(&refusal->mend, "give %llu to %llu bytes: %s", (unsigned long long)f->least,
            (unsigned long long)f->most, f->help);
        break;
    case ADMIN_FIELD_NUMBER:
        if (slice_number(value, f->most, &number) && number >= f->least)
            return true;
        diag_say(&refusal->message, "`%s` is no such number: %s", f->name, f->help);
        diag_say(&refusal->mend, "give %llu to %llu", (unsigned long long)f->least,
            (unsigned long long)f->most);
        break;
    case ADMIN_FIELD_CHOICE:
        if (is_word(f->words, value))
            return true;
        diag_say(&refusal->message, "`%s` is \"%.*s\"", f->name,
            SLICE_ARG(slice_head(value, SHOWN_MAX)));
        diag_say(&refusal->mend, "give one of %s", f->words);
        break;
    case ADMIN_FIELD_ADDRESS:
        if (ip_parse(value, &ip))
            return true;
        diag_say(&refusal->message, "the %s is no IP address", f->name);
        diag_say(&refusal->mend, "give one address, such as %s=192.0.2.7 or %s=2001:db8::7",
            f->name, f->name);
        break;
    }
    return refuse(refusal, f->name);
}

static bool check_keys(
    const struct admin_field *fields, struct slice query, struct admin_refusal *refusal)
{
    struct slice rest = query, pair;

    while (slice_cut(&rest, '&', &pair)) {
        struct slice key = slice_head(pair, slice_find(pair, '='));
        const char *fault = pair.length == 0                  ? NULL
                            : find_field(fields, key) == NULL ? "is not known here"
                            : count_key(query, key) > 1       ? "is there twice"
                                                              : NULL;

        if (fault == NULL)
            continue;
        diag_say(&refusal->message, "\"%.*s\" %s", SLICE_ARG(slice_head(key, SHOWN_MAX)), fault);
        list_fields(fields, &refusal->mend);
        return refuse(refusal, "query");
    }
    return true;
}

bool admin_route_check(const struct admin_route *route, struct slice path, struct arena *arena,
    struct admin_refusal *refusal)
{
    size_t mark = slice_find(path, '?');
    struct slice value;

    *refusal = (struct admin_refusal){ 0 };
    if (!check_keys(route->query, slice_from(path, mark + 1), refusal))
        return false;
    for (const struct admin_field *f = route->query; f != NULL && f->name != NULL; f++) {
        bool is_there = query_find(path, slice_text(f->name), arena, &value);

        if (is_there && !check_value(f, value, refusal))
            return false;
        if (is_there || !f->is_needed)
            continue;
        diag_say(&refusal->message, "`%s` is missing", f->name);
        diag_say(&refusal->mend, "add ?%s=...: %s", f->name, f->help);
        return refuse(refusal, f->name);
    }
    return true;
}

uint64_t admin_query_number(struct http_exchange *x, const char *key, uint64_t otherwise)
{
    return query_number(x->authority.path, key, &x->arena, otherwise);
}
