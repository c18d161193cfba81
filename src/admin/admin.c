// SPDX-License-Identifier: Apache-2.0
#include "admin/admin.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "admin/admin_priv.h"
#include "admin/json.h"
#include "admin/names.h"
#include "admin/query.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/stream.h"
#include "wire/http_date.h"

enum {
    CONNECTIONS_MAX = 256,
    FIELDS_MAX = 256,
    NAME_SHOWN_MAX = 256, // of a name in an error
    RETRY_MAX = 48,
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

/* Sends the answer and gives its body back. */
static void answer(struct http_exchange *x, const struct answer *a)
{
    char date[HTTP_DATE_BYTES], *fields = arena_alloc(&x->arena, FIELDS_MAX);

    http_date_write(loop_wall(x->loop), date);
    int length = snprintf(fields, FIELDS_MAX,
        "Date: %.*s\r\nContent-Type: %s\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n%s",
        HTTP_DATE_BYTES, date, a->type, a->more);

    assert(length > 0 && length < FIELDS_MAX);
    struct slice body = arena_copy(&x->arena, text_slice(a->body));

    text_done(a->body);
    http_reply(x, &(struct http_reply){ .status = a->status,
                      .fields = slice_of(fields, (size_t)length),
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

static void serve_healthz(struct admin *admin, struct http_exchange *x)
{
    struct diag why = { .text = "not ready" };

    if (admin->source->ops->healthy(admin->source, &why))
        answer_text(x, 200, "", "ok");
    else
        answer_text(x, 503, "", why.text);
}

static void serve_metrics(struct admin *admin, struct http_exchange *x)
{
    const void *own = &admin->counts, *tls = &admin->tls_counts;
    const struct metrics_label face = { SLICE("face"), SLICE("admin") };
    struct metrics m;
    struct text body;

    metrics_init(&m);
    text_init(&body, ADMIN_ANSWER_MAX);
    admin->source->ops->metrics(admin->source, &m);
    metrics_add_counters(&m,
        &(struct metrics_set){
            .rows = ROWS, .row_count = COUNT_OF(ROWS), .instances = &own, .instance_count = 1 });
    metrics_add_counters(&m, &(struct metrics_set){ .rows = tls_counter_rows,
                                 .row_count = tls_counter_row_count,
                                 .labels = &face,
                                 .label_count = 1,
                                 .instances = &tls,
                                 .instance_count = 1 });
    metrics_write(&m, &body);
    metrics_done(&m);
    if (body.is_full) {
        text_done(&body);
        answer_text(x, 500, "", "the metrics are larger than an answer may be");
        return;
    }
    answer(x, &(struct answer){ 200, TYPE_METRICS, "", &body });
}

void admin_answer_written(struct http_exchange *x, struct text *body)
{
    if (!body->is_full && body->length > 0) {
        answer(x, &(struct answer){ 200, TYPE_JSON, "", body });
        return;
    }
    text_done(body);
    admin_answer_json(x, 500, "",
        admin_error_json("large", "this is larger than an answer may be", "read /metrics"));
}

static void serve_status(struct admin *admin, struct http_exchange *x)
{
    struct admin_status status = { 0 };
    struct arena arena;
    struct text body;

    arena_init(&arena, ADMIN_ARENA_MAX);
    text_init(&body, ADMIN_ANSWER_MAX);
    admin->source->ops->status(admin->source, &arena, &status);
    admin_status_write(&status, &body);
    arena_done(&arena);
    admin_answer_written(x, &body);
}

/* The question in a query; false when it is answered as wrong. */
static bool read_question(struct http_exchange *x, struct admin_question *q)
{
    struct slice path = x->authority.path, client = SLICE_NONE;

    query_find(path, SLICE("node"), &x->arena, &q->node);
    if (!query_find(path, SLICE("name"), &x->arena, &q->name) || q->name.length == 0) {
        admin_answer_json(x, 400, "",
            admin_error_json(
                "name", "no name was asked for", "add ?name=HOST, a site's host name"));
        return false;
    }
    if (query_find(path, SLICE("client"), &x->arena, &client) && !ip_parse(client, &q->client)) {
        admin_answer_json(x, 400, "",
            admin_error_json("client", "the client is no IP address",
                "give one address, such as client=192.0.2.7 or client=2001:db8::7"));
        return false;
    }
    return true;
}

/* Of a site that is not there, with what was probably meant. */
static void refuse_site(struct http_exchange *x, struct slice name, const struct network *network)
{
    char message[NAME_SHOWN_MAX + 64], mend[NAME_SHOWN_MAX + 64];
    struct slice nearest = admin_site_nearest(network, name);

    snprintf(message, sizeof message, "there is no site \"%.*s\" in this network",
        SLICE_ARG(slice_head(name, NAME_SHOWN_MAX)));
    if (nearest.length > 0)
        snprintf(mend, sizeof mend, "did you mean %.*s?", SLICE_ARG(nearest));
    else
        snprintf(mend, sizeof mend, "`waypost status` lists the sites");
    admin_answer_json(x, 404, "", admin_error_json("site", message, mend));
}

/* Of a node that is not in this process, with what was probably meant. */
static void refuse_node(struct http_exchange *x, struct slice node, const struct network *network)
{
    char message[NAME_SHOWN_MAX + 64], mend[NAME_SHOWN_MAX + 128];
    struct slice shown = slice_head(node, NAME_SHOWN_MAX);
    struct slice nearest = admin_node_nearest(network, node);
    bool is_elsewhere = network_node(network, node) != NULL;

    snprintf(message, sizeof message, "%s \"%.*s\" in this %s",
        is_elsewhere ? "there runs no node" : "there is no node", SLICE_ARG(shown),
        is_elsewhere ? "process" : "network");
    if (is_elsewhere)
        snprintf(mend, sizeof mend, "ask on the machine where it runs: it is of pop %.*s",
            SLICE_ARG(network_node(network, node)->pop->name));
    else if (nearest.length > 0)
        snprintf(mend, sizeof mend, "did you mean %.*s?", SLICE_ARG(nearest));
    else
        snprintf(mend, sizeof mend, "`waypost status` lists the nodes of a process");
    admin_answer_json(x, 404, "", admin_error_json("node", message, mend));
}

static void serve_why(struct admin *admin, struct http_exchange *x)
{
    struct admin_question question = { 0 };
    struct admin_why why = { 0 };
    struct arena arena;
    struct text body;

    if (!read_question(x, &question))
        return;
    arena_init(&arena, ADMIN_ARENA_MAX);
    text_init(&body, ADMIN_ANSWER_MAX);
    admin->source->ops->why(admin->source, &arena, &question, &why);
    if (why.rows == NULL) {
        refuse_node(x, question.node, why.network);
    } else if (why.why == NULL) {
        refuse_site(x, question.name, why.network);
    } else {
        admin_why_write(&why, &body);
        admin_answer_written(x, &body);
    }
    arena_done(&arena);
}

/* Which reports are asked for; false when it is answered as wrong. */
static bool read_pages(struct http_exchange *x, struct admin_view_question *q)
{
    struct slice limit, after;
    uint64_t number = VIEW_TOLD_DEFAULT;

    if (query_find(x->authority.path, SLICE("limit"), &x->arena, &limit) &&
        (!slice_number(limit, VIEW_TOLD_MAX, &number) || number == 0)) {
        admin_answer_json(x, 400, "",
            admin_error_json("limit", "the limit is no number of reports", "give 1 to 10000"));
        return false;
    }
    q->limit = (size_t)number;
    q->has_after = query_find(x->authority.path, SLICE("after"), &x->arena, &after);
    if (q->has_after && !admin_view_place_parse(after, &q->after)) {
        admin_answer_json(x, 400, "",
            admin_error_json("after", "there is no such place in a view",
                "give the member `after` of the answer before"));
        return false;
    }
    return true;
}

/* Serves the view, or the map where there is no question for reports. */
static void serve_node(
    struct admin *admin, struct http_exchange *x, const struct admin_view_question *reports)
{
    struct admin_view view = { 0 };
    struct slice node = SLICE_NONE;
    struct arena arena;
    struct text body;

    query_find(x->authority.path, SLICE("node"), &x->arena, &node);
    admin->source->ops->view(admin->source, &node, &view);
    if (view.rows == NULL) {
        refuse_node(x, node, view.network);
        return;
    }
    arena_init(&arena, ADMIN_ARENA_MAX);
    text_init(&body, ADMIN_ANSWER_MAX);
    if (reports != NULL)
        admin_view_write(&view, reports, &arena, &body);
    else
        admin_map_write(&view, &arena, &body);
    admin_answer_written(x, &body);
    arena_done(&arena);
}

static void serve_view(struct admin *admin, struct http_exchange *x)
{
    struct admin_view_question question = { 0 };

    if (read_pages(x, &question))
        serve_node(admin, x, &question);
}

static void serve_map(struct admin *admin, struct http_exchange *x)
{
    serve_node(admin, x, NULL);
}

static void serve_reload(struct admin *admin, struct http_exchange *x)
{
    if (admin->is_reloading) {
        counter_up(&admin->counts.reloads_busy);
        admin_answer_json(x, 409, "",
            admin_error_json("busy", "a reload is under way", "ask again when it has ended"));
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

struct route {
    struct slice path;       // with a slash at the end: all below it
    enum http_method method; // HTTP_GET takes HTTP_HEAD too
    const char *allow;       // the field for a 405
    void (*serve)(struct admin *admin, struct http_exchange *x);
};

static const struct route ROUTES[] = {
    { { "/healthz", 8 }, HTTP_GET, "Allow: GET, HEAD\r\n", serve_healthz },
    { { "/metrics", 8 }, HTTP_GET, "Allow: GET, HEAD\r\n", serve_metrics },
    { { "/api/v1/status", 14 }, HTTP_GET, "Allow: GET, HEAD\r\n", serve_status },
    { { "/api/v1/why", 11 }, HTTP_GET, "Allow: GET, HEAD\r\n", serve_why },
    { { "/api/v1/view", 12 }, HTTP_GET, "Allow: GET, HEAD\r\n", serve_view },
    { { "/api/v1/map", 11 }, HTTP_GET, "Allow: GET, HEAD\r\n", serve_map },
    { { "/api/v1/reload", 14 }, HTTP_POST, "Allow: POST\r\n", serve_reload },
    { { "/api/v1/purge", 13 }, HTTP_POST, "Allow: POST\r\n", admin_serve_purge },
    { { "/api/v1/drain", 13 }, HTTP_POST, "Allow: POST\r\n", admin_serve_drain },
    { { "/api/v1/undrain", 15 }, HTTP_POST, "Allow: POST\r\n", admin_serve_undrain },
    { { "/api/v1/orders", 14 }, HTTP_GET, "Allow: GET, HEAD\r\n", admin_serve_orders },
    { { "/api/v1/orders/", 15 }, HTTP_GET, "Allow: GET, HEAD\r\n", admin_serve_one_order },
    { { "/api/v1/usage", 13 }, HTTP_GET, "Allow: GET, HEAD\r\n", admin_serve_usage },
    { { "/api/v1/invoices", 16 }, HTTP_GET, "Allow: GET, HEAD\r\n", admin_serve_invoices },
    { { "/api/v1/invoices/verify", 23 }, HTTP_POST, "Allow: POST\r\n", admin_serve_verify },
    { { "/api/v1/invoices/", 17 }, HTTP_GET, "Allow: GET, HEAD\r\n", admin_serve_invoices },
    { { "/api/v1/corrections", 19 }, HTTP_POST, "Allow: POST\r\n", admin_serve_correction },
};

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

/* A change that a page from elsewhere asks for in somebody's browser. */
static bool is_foreign(const struct http_exchange *x)
{
    struct slice own = http_head_value(x->request, HTTP_NAME_HOST);

    for (size_t i = 0; i < x->request->field_count; i++) {
        const struct http_field *field = &x->request->fields[i];

        if (slice_same(field->name, SLICE("origin")) &&
            !(slice_starts(field->value, SLICE("http://")) &&
                slice_same(slice_from(field->value, 7), own)))
            return true;
    }
    return false;
}

/* Not asked for by the admin's own address, as a page in a browser may be made to. */
static bool is_strange(const struct http_exchange *x)
{
    bool is_change = x->request->method != HTTP_GET && x->request->method != HTTP_HEAD;

    return !is_literal_host(x->authority.host) || (is_change && is_foreign(x));
}

static bool is_of(const struct route *route, struct slice path)
{
    return slice_ends(route->path, SLICE("/")) ? slice_starts(path, route->path)
                                               : slice_equal(path, route->path);
}

/* Who asks from afar shows the token, and does not guess at it; false when it is refused. */
static bool is_admitted(struct admin *admin, struct http_exchange *x)
{
    struct instant now = loop_now(admin->loop);
    int64_t wait_s = admin_attempts_wait_s(&admin->attempts, &x->peer.ip, now);
    char more[RETRY_MAX];

    if (wait_s > 0) { // also with the right one: see admin/attempts.h
        counter_up(&admin->counts.throttled);
        snprintf(more, sizeof more, "Retry-After: %" PRId64 "\r\n", wait_s);
        refuse(x, 429, more, // RFC 6585 §4
            admin_error_json("attempts", "too many wrong tokens came from this address",
                "wait for as long as Retry-After says"));
        return false;
    }
    if (admin_is_known(admin, x))
        return true;
    counter_up(&admin->counts.unknown);
    if (http_head_field(x->request, HTTP_NAME_AUTHORIZATION) != NULL)
        admin_attempts_failed(&admin->attempts, &x->peer.ip, now);
    refuse(x, 401, "WWW-Authenticate: Bearer realm=\"waypost\"\r\n", // RFC 6750 §3
        admin_error_json("token", "this is for those who show the token",
            "send `Authorization: Bearer TOKEN`, or with waypost --token FILE"));
    return false;
}

static void serve(struct http_service *service, struct http_exchange *x)
{
    struct admin *admin = container_of(service, struct admin, service);
    enum http_method method = x->request->method == HTTP_HEAD ? HTTP_GET : x->request->method;
    struct slice path = slice_head(x->authority.path, slice_find(x->authority.path, '?'));

    counter_up(&admin->counts.requests);
    if (x->is_secure && !is_admitted(admin, x))
        return;
    if (!x->is_secure && is_strange(x)) {
        counter_up(&admin->counts.refused);
        refuse(x, 403, "",
            admin_error_json("foreign", "this is not asked for by the admin's own address",
                "ask with a literal address or localhost as Host, and not from another page"));
        return;
    }
    for (size_t i = 0; i < COUNT_OF(ROUTES); i++) {
        const struct route *route = &ROUTES[i];

        if (!is_of(route, path))
            continue;
        if (route->method == method)
            route->serve(admin, x);
        else
            refuse(x, 405, route->allow,
                admin_error_json("method", "the method is not allowed here", "see Allow"));
        return;
    }
    refuse(x, 404, "",
        admin_error_json("missing", "there is nothing of that name",
            "there are /healthz, /metrics, /api/v1/status, /api/v1/why, /api/v1/view, "
            "/api/v1/map, /api/v1/orders, /api/v1/usage, /api/v1/invoices, and to be asked with "
            "POST "
            "/api/v1/reload, /api/v1/purge, /api/v1/drain, /api/v1/undrain, "
            "/api/v1/invoices/verify, /api/v1/corrections"));
}

static void over(struct http_service *service, struct http_exchange *x, bool)
{
    struct admin *admin = container_of(service, struct admin, service);

    if (admin->reload == x)
        admin->reload = NULL;
    admin_orders_leave(admin, x);
    admin_books_leave(admin, x);
}

struct admin *admin_new(struct loop *loop, struct admin_source *source)
{
    struct admin *admin = mem_new(struct admin);
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;

    *admin = (struct admin){ .service = { serve, over }, .loop = loop, .source = source };
    admin_afar_init(admin);
    admin_orders_init(&admin->orders);
    admin_books_init(admin);
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
    admin_admit(admin, NULL, NULL);
    mem_free(admin);
}

struct listener_user *admin_listener(struct admin *admin)
{
    return http_server_listener(admin->server);
}
