// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The admin face, shared by the files that serve its paths. */

#include "admin/admin.h"
#include "admin/attempts.h"
#include "admin/json.h"
#include "admin/routes.h"
#include "admin/scope.h"
#include "base/list.h"
#include "http/exchange.h"
#include "io/loop.h"
#include "io/stream.h"
#include "tls/server.h"

struct http_server;

enum {
    ADMIN_ARENA_MAX = 64 << 20, // of what a source tells
    ADMIN_USER_MAX = 32,        // bytes of a user's name, with the terminating zero
};

/* Who waits for word of an order from the source. */
struct admin_waiting {
    uint64_t ticket;         // 0: nobody
    struct http_exchange *x; // NULL: left
};

struct admin_ordering {
    struct admin_waiting waiting[ADMIN_ORDERS_WAITING_MAX];
    uint64_t newest_ticket;
    uint32_t user; // of this process
    char user_name[ADMIN_USER_MAX];
};

/* Who watches live figures. */
struct admin_watching {
    struct list watchers;
    size_t count;
    struct timer timer; // set while there are any
    uint64_t tick;      // of the timer: seconds that somebody watched
    bool is_over;       // the process is being stopped
};

struct admin {
    struct http_service service;
    struct loop *loop;
    struct http_server *server;
    struct listener_user secure;
    struct tls_server *tls;      // NULL: nobody is admitted by TLS
    struct admin_tokens *tokens; // NULL: none
    struct tls_counts tls_counts;
    struct admin_attempts attempts; // by TLS
    struct admin_source *source;
    struct admin_counts counts;
    bool is_reloading;
    struct http_exchange *reload; // who waits for its end; NULL: left, or nobody
    struct admin_ordering orders;
    struct list books; // on their way
    size_t books_count;
    struct list past; // likewise: questions of the past
    struct admin_watching live;
};

/* The head's fields of an answer of that media type, with `more` of them; in the exchange's arena.
 */
struct slice admin_fields(struct http_exchange *x, const char *type, const char *more);

/* An answer in JSON; takes `json`. */
void admin_answer_json(struct http_exchange *x, int status, const char *more, json_t *json);

json_t *admin_error_json(const char *code, const char *message, const char *mend);

/* A body in JSON that may have been too large, or memory too small for it; takes it. */
void admin_answer_written(struct http_exchange *x, struct text *body);

/* A number of the query, which the table of routes has seen to; `otherwise` where it is not there.
 */
uint64_t admin_query_number(struct http_exchange *x, const char *key, uint64_t otherwise);

/* The network in use, as far as it is theirs who ask. */
const struct network *admin_own_network(
    struct admin *admin, const struct admin_scope *scope, struct arena *arena);

/* afar.c */
void admin_afar_init(struct admin *admin);

/* Who asks: who shows a token, or where none is needed an operator. Asked anew whenever something
 * is done for them, since tokens may have been exchanged while they were connected. The scope is
 * good until the next admin_admit. False: it is not known, and the scope not touched. */
bool admin_is_known(
    const struct admin *admin, const struct http_exchange *x, struct admin_scope *scope);

/* Answers who is not known by now. */
void admin_refuse_unknown(struct admin *admin, struct http_exchange *x);

/* Serves a path to who may ask for it at all; what of it is theirs, the scope says. */
typedef void admin_serve_fn(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope);

/* admin.c */
admin_serve_fn admin_serve_healthz;
admin_serve_fn admin_serve_metrics;
admin_serve_fn admin_serve_openapi;
admin_serve_fn admin_serve_status;
admin_serve_fn admin_serve_reload;

/* serve_why.c. Answers for a site that is not there, or another's, with what was probably meant. */
void admin_refuse_site(struct http_exchange *x, struct slice name, const struct network *network);
admin_serve_fn admin_serve_why;
admin_serve_fn admin_serve_view;
admin_serve_fn admin_serve_map;

/* serve_past.c: the question is complete, and of what is theirs now. */
void admin_past_init(struct admin *admin);
void admin_past_done(struct admin *admin);
void admin_past_leave(struct admin *admin, const struct http_exchange *x);
void admin_serve_past(struct admin *admin, struct http_exchange *x, struct slice at,
    const struct admin_question *question, const struct admin_scope *scope);

/* serve_answers.c */
admin_serve_fn admin_serve_answers;

/* serve_orders.c. Asks the system once for the name of this process's user. */
void admin_orders_init(struct admin_ordering *orders);
void admin_orders_leave(struct admin *admin, const struct http_exchange *x);
admin_serve_fn admin_serve_purge;
admin_serve_fn admin_serve_drain;
admin_serve_fn admin_serve_undrain;
admin_serve_fn admin_serve_orders;
admin_serve_fn admin_serve_one_order;

/* serve_books.c */
void admin_books_init(struct admin *admin);
void admin_books_done(struct admin *admin);
void admin_books_leave(struct admin *admin, const struct http_exchange *x);
admin_serve_fn admin_serve_usage;
admin_serve_fn admin_serve_invoices;
admin_serve_fn admin_serve_verify;
admin_serve_fn admin_serve_correction;

/* serve_network.c */
admin_serve_fn admin_serve_network;
admin_serve_fn admin_serve_changes;

/* serve_live.c */
void admin_live_init(struct admin *admin);
void admin_live_done(struct admin *admin);
void admin_live_leave(struct admin *admin, struct http_exchange *x);
admin_serve_fn admin_serve_live;
