// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin_priv.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/loop.h"

enum { PASSWD_ROOM = 16 * 1024 };

/* A request for an order, while its body comes and while it is under way. */
struct request {
    struct http_sink sink;
    struct admin *admin;
    struct http_exchange *x;
    enum admin_verb verb;
    bool is_answered; // what comes after it is dropped
    char *body;
    size_t length;
    struct order order;
};

static_assert(sizeof(struct request) <= HTTP_SERVICE_BYTES, "it lives in the exchange");

static struct request *request_of(struct http_exchange *x)
{
    return (struct request *)(void *)x->service;
}

void admin_orders_init(struct admin_ordering *orders)
{
    char *room = mem_alloc(PASSWD_ROOM);
    struct passwd entry, *found = NULL;

    orders->user = (uint32_t)geteuid();
    if (getpwuid_r(orders->user, &entry, room, PASSWD_ROOM, &found) == 0 && found != NULL)
        snprintf(orders->user_name, sizeof orders->user_name, "%s", found->pw_name);
    mem_free(room);
}

/* "acme/deploy", "token anna", or "token" alone for that of the file. */
static struct slice who_showed(struct http_exchange *x, const struct admin_scope *scope)
{
    char *text = arena_alloc(&x->arena, ORDER_BY_MAX + 1);
    int length = snprintf(text, ORDER_BY_MAX + 1, "%.*s%s%.*s",
        SLICE_ARG(scope->is_operator ? SLICE("token") : scope->customer),
        !scope->is_operator       ? "/"
        : scope->token.length > 0 ? " "
                                  : "",
        SLICE_ARG(scope->token));

    assert(length <= ORDER_BY_MAX);
    return slice_of(text, (size_t)length);
}

/* Only root and the user of this process may open the socket, so no other name is looked up, which
 * would block the loop. */
static struct slice who_asks(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    uint32_t user;

    if (scope->has_token)
        return who_showed(x, scope);
    if (http_exchange_user(x, &user) != ERR_NONE)
        return SLICE("loopback");
    if (user == 0)
        return SLICE("root");
    if (user == admin->orders.user && admin->orders.user_name[0] != '\0')
        return slice_text(admin->orders.user_name);
    char *text = arena_alloc(&x->arena, ADMIN_USER_MAX);
    int length = snprintf(text, ADMIN_USER_MAX, "uid %u", user);

    return slice_of(text, (size_t)length);
}

static void refuse(struct request *r, const struct admin_refusal *refusal)
{
    r->is_answered = true;
    counter_up(&r->admin->counts.orders_refused);
    admin_answer_json(r->x, refusal->status, "",
        admin_error_json(refusal->code, refusal->message.text, refusal->mend.text));
}

static void refuse_as(
    struct request *r, int status, const char *code, const char *message, const char *mend)
{
    struct admin_refusal refusal = { .status = status, .code = code };

    diag_say(&refusal.message, "%s", message);
    diag_say(&refusal.mend, "%s", mend);
    refuse(r, &refusal);
}

static struct admin_waiting *find_waiting(struct admin *admin, uint64_t ticket)
{
    for (size_t i = 0; i < COUNT_OF(admin->orders.waiting); i++)
        if (admin->orders.waiting[i].ticket == ticket)
            return &admin->orders.waiting[i];
    return NULL;
}

void admin_orders_leave(struct admin *admin, const struct http_exchange *x)
{
    for (size_t i = 0; i < COUNT_OF(admin->orders.waiting); i++)
        if (admin->orders.waiting[i].x == x)
            admin->orders.waiting[i].x = NULL;
}

static bool is_zero(const unsigned char id[ORDER_ID_SIZE])
{
    static const unsigned char ZERO[ORDER_ID_SIZE];

    return memcmp(id, ZERO, sizeof ZERO) == 0;
}

static void draw_id(unsigned char id[ORDER_ID_SIZE])
{
    for (size_t i = 0; i < ORDER_ID_SIZE; i += sizeof(uint64_t)) {
        uint64_t drawn = hash_seed_random();

        memcpy(id + i, &drawn, sizeof drawn);
    }
}

/* Reads the body; false when it is refused. */
static bool read_body(struct request *r, const struct admin_scope *scope)
{
    struct admin_source *source = r->admin->source;
    const struct admin_orders_question question = { .limit = 0 };
    struct admin_orders known = { 0 };
    struct admin_refusal refusal;
    struct arena arena;

    arena_init(&arena, ADMIN_ARENA_MAX);
    source->ops->orders(source, &arena, &question, &known);
    admin_scope_orders(scope, &arena, &known);
    bool is_read = admin_order_read(&(struct admin_order_asked){ r->verb,
                                        slice_of(r->body, r->length), &known, !scope->is_operator },
        &r->x->arena, &r->order, &refusal);

    // The site is the release's, and another one may come before the order is in the log.
    if (is_read)
        r->order.site = arena_copy(&r->x->arena, r->order.site);
    arena_done(&arena);
    if (!is_read)
        refuse(r, &refusal);
    return is_read;
}

static void give(struct request *r)
{
    struct admin *admin = r->admin;
    struct admin_waiting *waiting = find_waiting(admin, 0);
    struct admin_scope scope;

    // The body took its time: the token may have been taken back, or changed its role.
    if (!admin_is_known(admin, r->x, &scope) || !scope.may_change) {
        r->is_answered = true;
        admin_refuse_unknown(admin, r->x);
        return;
    }
    r->order.at = loop_wall(admin->loop);
    r->order.by = who_asks(admin, r->x, &scope);
    if (!read_body(r, &scope))
        return;
    if (is_zero(r->order.id))
        draw_id(r->order.id);
    if (waiting == NULL) {
        refuse_as(r, 503, "busy", "too many orders are under way", "ask again in a second");
        return;
    }
    r->is_answered = true;
    *waiting = (struct admin_waiting){ ++admin->orders.newest_ticket, r->x };
    admin->source->ops->order(admin->source, admin, waiting->ticket, &r->order);
}

/* What is not in the log, as far as is known. */
static void answer_failed(struct http_exchange *x, const struct admin_order_result *result)
{
    bool is_unknown = result->err == ERR_TIMEOUT;
    const char *why = result->why != NULL ? result->why : err_text(result->err);
    json_t *json = admin_error_json(is_unknown ? "unknown" : "log", why,
        is_unknown ? "it may be in the log or not: ask again with the same id, which does no harm"
                   : "nothing was changed; ask again when nodes reach the log of orders");

    json_object_set_new(
        json, "order", admin_order_json(&(struct admin_order){ .order = &request_of(x)->order }));
    admin_answer_json(x, is_unknown ? 504 : 503, "", json);
}

void admin_order_done(struct admin *admin, uint64_t ticket, const struct admin_order_result *result)
{
    struct admin_waiting *waiting = find_waiting(admin, ticket);

    assert(ticket != 0 && waiting != NULL);
    struct http_exchange *x = waiting->x;

    *waiting = (struct admin_waiting){ 0 };
    counter_up(
        result->err == ERR_NONE ? &admin->counts.orders_given : &admin->counts.orders_failed);
    if (x == NULL)
        return;
    if (result->err != ERR_NONE) {
        answer_failed(x, result);
        return;
    }
    json_t *json = json_object();
    const struct admin_order order = { result->era, result->number, &request_of(x)->order, NULL,
        0 };

    json_object_set_new(json, "order", admin_order_json(&order));
    admin_answer_json(x, 200, "", json);
}

static void refuse_large(struct request *r)
{
    refuse_as(r, 413, "large", "the body is larger than any order",
        "give one order in a request, of at most 16 KiB");
}

static size_t on_data(struct http_sink *sink, struct slice bytes)
{
    struct request *r = container_of(sink, struct request, sink);

    if (r->is_answered)
        return bytes.length;
    if (bytes.length > ORDER_BODY_MAX - r->length) {
        refuse_large(r);
        return bytes.length;
    }
    memcpy(r->body + r->length, bytes.at, bytes.length);
    r->length += bytes.length;
    return bytes.length;
}

static void on_end(struct http_sink *sink)
{
    struct request *r = container_of(sink, struct request, sink);

    if (!r->is_answered)
        give(r);
}

static const struct http_sink_ops SINK_OPS = { on_data, on_end };

static void begin(struct admin *admin, struct http_exchange *x, enum admin_verb verb)
{
    struct request *r = request_of(x);

    *r = (struct request){ .sink = { &SINK_OPS }, .admin = admin, .x = x, .verb = verb };
    if (x->framing == HTTP_BODY_NONE) {
        refuse_as(r, 400, "json", "there is no body", "say in JSON what this is of");
        return;
    }
    if (x->framing == HTTP_BODY_LENGTH && x->request_length > ORDER_BODY_MAX) {
        refuse_large(r);
        return;
    }
    r->body = arena_room(&x->arena, ORDER_BODY_MAX);
    if (!http_exchange_keep(x)) {
        refuse_as(r, 503, "busy", "there is no memory for this now", "ask again in a second");
        return;
    }
    http_exchange_read(x, &r->sink);
}

void admin_serve_purge(struct admin *admin, struct http_exchange *x, const struct admin_scope *)
{
    begin(admin, x, ADMIN_PURGE);
}

void admin_serve_drain(struct admin *admin, struct http_exchange *x, const struct admin_scope *)
{
    begin(admin, x, ADMIN_DRAIN);
}

void admin_serve_undrain(struct admin *admin, struct http_exchange *x, const struct admin_scope *)
{
    begin(admin, x, ADMIN_UNDRAIN);
}

/* Asks the source, and writes what it told; false when it has no such order. */
static bool write_orders(
    struct admin *admin, const struct admin_orders_question *question, struct text *body)
{
    struct admin_orders orders = { 0 };
    struct arena arena;

    arena_init(&arena, ADMIN_ARENA_MAX);
    admin->source->ops->orders(admin->source, &arena, question, &orders);
    admin_scope_orders(question->scope, &arena, &orders);
    bool is_there = question->number == 0 || orders.order_count > 0;

    if (question->number == 0)
        admin_orders_write(&orders, body);
    else if (is_there)
        admin_order_write(&orders, body);
    arena_done(&arena);
    return is_there;
}

void admin_serve_orders(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    const struct admin_orders_question question = {
        .limit = (size_t)admin_query_number(x, "limit", ORDERS_TOLD_DEFAULT),
        .after = admin_query_number(x, "after", 0),
        .scope = scope,
    };
    struct text body;

    text_init(&body, ADMIN_ANSWER_MAX);
    write_orders(admin, &question, &body);
    admin_answer_written(x, &body);
}

void admin_serve_one_order(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct slice path = slice_head(x->authority.path, slice_find(x->authority.path, '?'));
    struct admin_orders_question question = { .limit = 1, .scope = scope };
    struct text body;

    text_init(&body, ADMIN_ANSWER_MAX);
    if (slice_number(slice_from(path, strlen("/api/v1/orders/")), INT64_MAX, &question.number) &&
        question.number > 0 && write_orders(admin, &question, &body)) {
        admin_answer_written(x, &body);
        return;
    }
    text_done(&body);
    admin_answer_json(x, 404, "",
        admin_error_json("order", "there is no order of that number, or it is no longer kept",
            "`waypost orders` lists the newest"));
}
