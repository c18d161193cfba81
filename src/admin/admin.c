// SPDX-License-Identifier: Apache-2.0
#include "admin/admin.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/admin_priv.h"
#include "admin/json.h"
#include "admin/names.h"
#include "admin/pages.h"
#include "admin/query.h"
#include "base/hash.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/stream.h"
#include "wire/http_date.h"

enum {
    CONNECTIONS_MAX = 256,
    FIELDS_MAX = 256,
    RETRY_MAX = 48,
    TAG_MAX = 17,         // of an entity tag, terminated
    TYPE_SHOWN_MAX = 100, // bytes of a media type, in an error
};

static const struct counter_row ROWS[] = {
#define ROW(field, name, labels, help) COUNTER_ROW(struct admin_counts, field, name, labels, help),
    ADMIN_COUNTERS(ROW)
#undef ROW
};

/* What an answer of ours is made of. */
struct answer {
    int status;
    const char *type; // media type
    const char *more; // further fields, each with its line end
    struct text *body;
};

#define TYPE_TEXT    "text/plain; charset=utf-8"
#define TYPE_JSON    "application/json"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

/* The fields of a head, in the exchange's arena. */
static struct slice fields(
    struct http_exchange *x, const char *type, const char *kept, const char *more)
{
    char date[HTTP_DATE_BYTES], *text = arena_alloc(&x->arena, FIELDS_MAX);

    http_date_write(loop_wall(x->loop), date);
    int length = snprintf(text, FIELDS_MAX,
        "Date: %.*s\r\nContent-Type: %s\r\nCache-Control: %s\r\n"
        "X-Content-Type-Options: nosniff\r\n%s",
        HTTP_DATE_BYTES, date, type, kept, more);

    assert(length > 0 && length < FIELDS_MAX);
    return slice_of(text, (size_t)length);
}

struct slice admin_fields(struct http_exchange *x, const char *type, const char *more)
{
    return fields(x, type, "no-store", more);
}

/* An answer of /api that may be kept, and asked for anew with its tag. RFC 9110 §13.1.2 */
static bool has_tag(const struct http_exchange *x, int status)
{
    return status == 200 && x->request->method != HTTP_POST &&
           slice_starts(x->authority.path, SLICE("/api/"));
}

static void answer_tagged(struct http_exchange *x, const struct answer *a, struct slice body)
{
    char tag[TAG_MAX], *more = arena_alloc(&x->arena, FIELDS_MAX);
    int length = snprintf(tag, sizeof tag, "%016" PRIx64, hash_bytes(body, 0));
    bool is_known = page_is_known(x->request, slice_of(tag, (size_t)length));

    snprintf(more, FIELDS_MAX, "ETag: \"%s\"\r\n%s", tag, a->more);
    if (is_known)
        body = SLICE_NONE;
    http_reply(x, &(struct http_reply){ .status = is_known ? 304 : 200,
                      .fields = fields(x, a->type, "private, no-cache", more),
                      .length = (int64_t)body.length,
                      .body = body });
}

/* Sends the answer and gives its body back. */
static void answer(struct http_exchange *x, const struct answer *a)
{
    struct slice body = arena_copy(&x->arena, text_slice(a->body));

    text_done(a->body);
    if (has_tag(x, a->status)) {
        answer_tagged(x, a, body);
        return;
    }
    http_reply(x, &(struct http_reply){ .status = a->status,
                      .fields = admin_fields(x, a->type, a->more),
                      .length = (int64_t)body.length,
                      .body = body });
}

static void answer_text(struct http_exchange *x, int status, const char *more, const char *line)
{
    struct text body;

    text_init(&body, ADMIN_ANSWER_MAX);
    text_say(&body, "%s\n", line);
    answer(x, &(struct answer){ status, TYPE_TEXT, more, &body });
}

void admin_answer_json(struct http_exchange *x, int status, const char *more, json_t *json)
{
    struct text body;

    text_init(&body, ADMIN_ANSWER_MAX);
    json_write(json, &body);
    answer(x, &(struct answer){ status, TYPE_JSON, more, &body });
}

json_t *admin_error_json(const char *code, const char *message, const char *mend)
{
    json_t *json = json_object(), *error = json_object();

    json_put_text(error, "code", slice_text(code));
    json_put_text(error, "message", slice_text(message));
    json_put_text(error, "mend", slice_text(mend));
    json_object_set_new(json, "error", error);
    return json;
}

void admin_serve_healthz(struct admin *admin, struct http_exchange *x, const struct admin_scope *)
{
    struct diag why = { .text = "not ready" };

    if (admin->source->ops->healthy(admin->source, &why))
        answer_text(x, 200, "", "ok");
    else
        answer_text(x, 503, "", why.text);
}

void admin_serve_metrics(struct admin *admin, struct http_exchange *x, const struct admin_scope *)
{
    const void *own = &admin->counts, *http = http_server_counts(admin->server);
    const struct metrics_label face = { SLICE("face"), SLICE("admin") };
    struct metrics m;
    struct text body;

    metrics_init(&m);
    text_init(&body, ADMIN_ANSWER_MAX);
    admin->source->ops->metrics(admin->source, &m);
    metrics_add_counters(&m,
        &(struct metrics_set){
            .rows = ROWS, .row_count = COUNT_OF(ROWS), .instances = &own, .instance_count = 1 });
    metrics_add_counters(&m, &(struct metrics_set){ .prefix = "admin_",
                                 .rows = http_server_counter_rows,
                                 .row_count = http_server_counter_row_count,
                                 .instances = &http,
                                 .instance_count = 1 });
    metrics_add_counts(&m, &face, tls_counter_rows, tls_counter_row_count, &admin->tls_counts);
    metrics_write(&m, &body);
    metrics_done(&m);
    if (body.is_full) {
        text_done(&body);
        answer_text(x, 500, "", "the metrics are larger than an answer may be");
        return;
    }
    answer(x, &(struct answer){ 200, TYPE_METRICS, "", &body });
}

const struct network *admin_own_network(
    struct admin *admin, const struct admin_scope *scope, struct arena *arena)
{
    const struct admin_orders_question none = { 0 };
    struct admin_orders known = { 0 };

    admin->source->ops->orders(admin->source, arena, &none, &known); // which tells it in any case
    return admin_scope_network(scope, known.network, arena);
}

void admin_answer_written(struct http_exchange *x, struct text *body)
{
    if (!body->is_full && body->length > 0) {
        answer(x, &(struct answer){ 200, TYPE_JSON, "", body });
        return;
    }
    text_done(body);
    admin_answer_json(x, 500, "",
        admin_error_json("large", "this is larger than an answer may be",
            "ask for less: with `limit`, where lists come in pages"));
}

void admin_serve_status(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    const struct admin_status_question question = {
        .limit = (size_t)admin_query_number(x, "limit", 0),
        .after = admin_query_number(x, "after", 0),
    };
    struct admin_status status = { 0 };
    struct arena arena;
    struct text body;

    arena_init(&arena, ADMIN_ARENA_MAX);
    text_init(&body, ADMIN_ANSWER_MAX);
    admin->source->ops->status(admin->source, &arena, &status);
    admin_scope_status(scope, &arena, &status);
    admin_status_write(&status, &question, &body);
    arena_done(&arena);
    admin_answer_written(x, &body);
}

void admin_serve_openapi(struct admin *, struct http_exchange *x, const struct admin_scope *)
{
    admin_answer_json(x, 200, "", admin_openapi_json());
}

void admin_serve_reload(struct admin *admin, struct http_exchange *x, const struct admin_scope *)
{
    if (admin->is_reloading) {
        counter_up(&admin->counts.reloads_busy);
        admin_answer_json(x, 409, "",
            admin_error_json("busy", "a reload is under way", "ask again when it has ended"));
        return;
    }
    if (!http_exchange_keep(x)) { // it is answered in a later turn
        admin_answer_json(x, 503, "",
            admin_error_json("busy", "there is no memory for this now", "ask again in a second"));
        return;
    }
    admin->is_reloading = true;
    admin->reload = x;
    admin->source->ops->reload(admin->source, admin);
}

static json_t *reload_errors_json(const struct conf_errors *errors, const char *release)
{
    char message[128];
    json_t *list = json_array();

    snprintf(message, sizeof message, "the configuration has %zu error%s; release %s stays in use",
        errors->count + errors->more, errors->count + errors->more == 1 ? "" : "s", release);
    json_t *json =
        admin_error_json("configuration", message, "mend the places named and reload again");

    for (size_t i = 0; i < errors->count; i++) {
        const struct diag *diag = &errors->list[i];
        json_t *place = json_object();

        json_put_text(place, "file", slice_text(diag->file));
        json_put_number(place, "line", (uint64_t)diag->line);
        json_put_number(place, "column", (uint64_t)diag->column);
        json_put_text(place, "text", slice_text(diag->text));
        json_array_append_new(list, place);
    }
    json_object_set_new(json, "errors", list);
    json_put_number(json, "more", errors->more);
    return json;
}

void admin_reload_done(struct admin *admin, const struct admin_reload_result *result)
{
    struct http_exchange *x = admin->reload;
    char release[ADMIN_RELEASE_TEXT_MAX];

    assert(admin->is_reloading);
    admin->is_reloading = false;
    admin->reload = NULL;
    counter_up(
        result->errors == NULL ? &admin->counts.reloads_done : &admin->counts.reloads_failed);
    if (x == NULL)
        return;
    admin_release_text(result->release_hash, release);
    if (result->errors != NULL) {
        admin_answer_json(x, 422, "", reload_errors_json(result->errors, release));
        return;
    }
    json_t *json = json_object(), *object = json_object();

    json_put_text(object, "hash", slice_text(release));
    json_put_number(object, "serial", result->release_serial);
    json_object_set_new(json, "release", object);
    admin_answer_json(x, 200, "", json);
}

/* Refuses in the dress of the path: JSON for /api, a line for the rest. */
static void refuse(struct http_exchange *x, int status, const char *more, json_t *error)
{
    if (slice_starts(x->authority.path, SLICE("/api/"))) {
        admin_answer_json(x, status, more, error);
        return;
    }
    const json_t *inner = json_object_get(error, "error");
    char line[256];

    snprintf(line, sizeof line, "%s; %s", json_string_value(json_object_get(inner, "message")),
        json_string_value(json_object_get(inner, "mend")));
    json_decref(error);
    answer_text(x, status, more, line);
}

/* A literal address or `localhost`: what no name that a stranger controls can be (DNS rebinding).
 */
static bool is_literal_host(struct slice host)
{
    struct ip ip;

    if (host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']')
        host = slice_of(host.at + 1, host.length - 2);
    return slice_same(host, SLICE("localhost")) || ip_parse(host, &ip);
}

/* Whether a field says that it is a page from elsewhere that asks. A browser names the page with
 * what it posts, and (Fetch Metadata) with whatever it asks of a loopback address; "none" is what a
 * person has typed in. */
static bool says_foreign(const struct http_field *field, struct slice own)
{
    if (slice_same(field->name, SLICE("origin")))
        return !slice_starts(field->value, SLICE("http://")) ||
               !slice_same(slice_from(field->value, strlen("http://")), own);
    return slice_same(field->name, SLICE("sec-fetch-site")) &&
           !slice_equal(field->value, SLICE("same-origin")) &&
           !slice_equal(field->value, SLICE("none"));
}

/* Asked for by a page from elsewhere in somebody's browser. */
static bool is_foreign(const struct http_exchange *x)
{
    struct slice own = http_head_value(x->request, HTTP_NAME_HOST);

    for (size_t i = 0; i < x->request->field_count; i++)
        if (says_foreign(&x->request->fields[i], own))
            return true;
    return false;
}

/* Not asked for by the admin's own address. From elsewhere one may come to the dashboard: its files
 * are the same everywhere. */
static bool is_strange(const struct http_exchange *x, struct slice path)
{
    return !is_literal_host(x->authority.host) ||
           (page_find(pages, page_count, path) == NULL && is_foreign(x));
}

void admin_refuse_unknown(struct admin *admin, struct http_exchange *x)
{
    counter_up(&admin->counts.unknown);
    refuse(x, 401, "WWW-Authenticate: Bearer realm=\"waypost\"\r\n", // RFC 6750 §3
        admin_error_json("token", "this is for those who show the token",
            "send `Authorization: Bearer TOKEN`, or with waypost --token FILE"));
}

/* Who asks from afar shows a token, and does not guess at it; false when it is refused. On the
 * machine itself there is nothing to guess: who shows none is an operator. */
static bool is_admitted(struct admin *admin, struct http_exchange *x, struct admin_scope *scope)
{
    struct instant now = loop_now(admin->loop);
    int64_t wait_s = x->is_secure ? admin_attempts_wait_s(&admin->attempts, &x->peer.ip, now) : 0;
    char more[RETRY_MAX];

    if (wait_s > 0) { // also with the right one: see admin/attempts.h
        counter_up(&admin->counts.throttled);
        snprintf(more, sizeof more, "Retry-After: %" PRId64 "\r\n", wait_s);
        refuse(x, 429, more, // RFC 6585 §4
            admin_error_json("attempts", "too many wrong tokens came from this address",
                "wait for as long as Retry-After says"));
        return false;
    }
    if (admin_is_known(admin, x, scope))
        return true;
    if (x->is_secure && http_head_field(x->request, HTTP_NAME_AUTHORIZATION) != NULL)
        admin_attempts_failed(&admin->attempts, &x->peer.ip, now);
    admin_refuse_unknown(admin, x);
    return false;
}

/* Whether the path is for who asks; false when it is refused. */
static bool is_allowed(struct admin *admin, struct http_exchange *x,
    const struct admin_route *route, const struct admin_scope *scope)
{
    const char *code = NULL, *message, *mend;

    if (route->access == ADMIN_FOR_OPERATORS && !scope->is_operator) {
        code = "operators";
        message = "this is for operators alone";
        mend = "GET /api/v1/openapi.json says of each call whether customers may ask";
    } else if (route->method != HTTP_GET && route->access != ADMIN_FOR_ALL_TO_ASK &&
               !scope->may_change) {
        code = "viewer";
        message = "the token is a viewer's, who changes nothing";
        mend = "ask with a token whose role is manager, or operator";
    }
    if (code == NULL)
        return true;
    counter_up(&admin->counts.forbidden);
    refuse(x, 403, "", admin_error_json(code, message, mend));
    return false;
}

/* The media type of a request without its parameters; empty: none is said. */
static struct slice type_of(const struct http_exchange *x)
{
    struct slice value = http_head_value(x->request, HTTP_NAME_CONTENT_TYPE);

    return slice_trim(slice_head(value, slice_find(value, ';')));
}

/* A type that is not said is taken for JSON; so is that of a form, which curl and others say of
 * whatever they are given, unless they are told what it is. */
static bool may_be_json(struct slice type)
{
    return type.length == 0 || slice_same(type, SLICE("application/json")) ||
           slice_same(type, SLICE("application/x-www-form-urlencoded"));
}

/* Whether there is a body where there is to be one, and none where not. What it says is looked at
 * by who serves it. */
static bool has_fitting_body(
    struct http_exchange *x, const struct admin_route *route, struct admin_refusal *refusal)
{
    struct slice type = type_of(x);
    bool has_body = x->framing != HTTP_BODY_NONE;

    *refusal = (struct admin_refusal){ .status = 400, .code = "body" };
    if (route->body == NULL && has_body) {
        diag_say(&refusal->message, "there is a body, and nothing is to be said in one here");
        diag_say(&refusal->mend, "leave it out");
        return false;
    }
    if (route->body == NULL || may_be_json(type))
        return true;
    refusal->status = 415; // RFC 9110 §15.5.16
    refusal->code = "type";
    diag_say(&refusal->message, "the body is said to be %.*s",
        SLICE_ARG(slice_head(type, TYPE_SHOWN_MAX)));
    diag_say(&refusal->mend, "send JSON, and with it Content-Type: application/json");
    return false;
}

/* Whether the request has the form that the table says; false when it is refused. */
static bool is_well_formed(
    struct admin *admin, struct http_exchange *x, const struct admin_route *route)
{
    struct admin_refusal refusal;

    if (!slice_starts(x->authority.path, SLICE("/api/")))
        return true;
    if (admin_route_check(route, x->authority.path, &x->arena, &refusal) &&
        has_fitting_body(x, route, &refusal))
        return true;
    counter_up(&admin->counts.malformed);
    refuse(x, refusal.status, "",
        admin_error_json(refusal.code, refusal.message.text, refusal.mend.text));
    return false;
}

static void serve(struct http_service *service, struct http_exchange *x)
{
    struct admin *admin = container_of(service, struct admin, service);
    enum http_method method = x->request->method == HTTP_HEAD ? HTTP_GET : x->request->method;
    struct slice path = slice_head(x->authority.path, slice_find(x->authority.path, '?'));
    bool is_path;
    const struct admin_route *route = admin_route_find(path, method, &is_path);
    struct admin_scope scope;

    counter_up(&admin->counts.requests);
    if (!x->is_secure && is_strange(x, path)) {
        counter_up(&admin->counts.refused);
        refuse(x, 403, "",
            admin_error_json("foreign", "this is not asked for by the admin's own address",
                "ask with a literal address or localhost as Host, and not from another page"));
        return;
    }
    if (pages_serve(x, path)) // of nobody in particular: what they show comes from /api
        return;
    if (!is_admitted(admin, x, &scope))
        return;
    if (route == NULL && !is_path)
        refuse(x, 404, "",
            admin_error_json("missing", "there is nothing of that name",
                "GET /api/v1/openapi.json tells all there is, beside /healthz and /metrics"));
    else if (route == NULL)
        refuse(x, 405, admin_route_allow(path, &x->arena),
            admin_error_json("method", "the method is not allowed here", "see Allow"));
    else if (is_allowed(admin, x, route, &scope) && is_well_formed(admin, x, route))
        route->serve(admin, x, &scope);
}

static void over(struct http_service *service, struct http_exchange *x, bool)
{
    struct admin *admin = container_of(service, struct admin, service);

    if (admin->reload == x)
        admin->reload = NULL;
    admin_orders_leave(admin, x);
    admin_books_leave(admin, x);
    admin_past_leave(admin, x);
    admin_live_leave(admin, x);
}

struct admin *admin_new(struct loop *loop, struct admin_source *source)
{
    struct admin *admin = mem_new(struct admin);
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    *admin = (struct admin){ .service = { serve, over }, .loop = loop, .source = source };
    admin_afar_init(admin);
    admin_orders_init(&admin->orders);
    admin_books_init(admin);
    admin_past_init(admin);
    admin_live_init(admin);
    limits.connections = CONNECTIONS_MAX;
    limits.arena_bytes = ADMIN_ANSWER_MAX + (1 << 20);
    admin->server = http_server_new(loop, &admin->service, &limits);
    return admin;
}

void admin_free(struct admin *admin)
{
    if (admin == NULL)
        return;
    http_server_free(admin->server);
    admin_books_done(admin);
    admin_past_done(admin);
    admin_live_done(admin);
    admin_admit(admin, NULL, NULL);
    mem_free(admin);
}

struct listener_user *admin_listener(struct admin *admin)
{
    return http_server_listener(admin->server);
}
