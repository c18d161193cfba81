// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The admin face: what operators, their tools and their Prometheus ask a running process.
 *
 *     GET  /, /assets/NAME     the dashboard (admin/pages.h), for whoever asks
 *     GET  /healthz            200 "ok", or 503 and why not
 *     GET  /metrics            Prometheus text (admin/metrics.h)
 *     /api/v1/...              what the table of admin/routes.c has, and its document
 *
 * Answers of /api are JSON (live figures: events of it); an error is {"error": {"code", "message",
 * "mend"}}. What is got there has a tag, by which it is asked for anew; nothing else may be kept.
 *
 * What is told comes from one `admin_source`, which app fills; admin knows no threads and no
 * parts. It lives on the control loop, and so do the source's callbacks.
 *
 * Who asks is told by a token (Authorization: Bearer; admin/tokens.h): an operator, or a customer,
 * who sees and changes what is its own (admin/scope.h); viewers change nothing. Who shows none is
 * an operator on the Unix socket (mode 0600) and on loopback ports (admin_may_listen), and nobody
 * from afar. A page in a browser on the same machine comes from loopback too; it is kept out by
 * asking for a literal address or `localhost` as Host, and by refusing what another page asks for
 * (Origin, Sec-Fetch-Site), but for the dashboard's own files. From afar it takes TLS and a token,
 * which no page can make a browser send: Host may be any name there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/answers.h"
#include "admin/books.h"
#include "admin/changes.h"
#include "admin/live.h"
#include "admin/metrics.h"
#include "admin/network.h"
#include "admin/orders.h"
#include "admin/status.h"
#include "admin/view.h"
#include "admin/why.h"
#include "base/addr.h"
#include "base/arena.h"
#include "base/counter.h"
#include "base/err.h"
#include "conf/errors.h"

struct admin;
struct admin_source;
struct admin_tokens;
struct listener;
struct listener_user;
struct loop;
struct tls_server;

enum {
    ADMIN_ANSWER_MAX = 64 << 20,   // bytes of an answer; beyond: 500
    ADMIN_PATH_MAX = 108,          // of a Unix socket's path, with the terminating zero
    ADMIN_ORDERS_WAITING_MAX = 64, // orders under way; more are refused with 503
    ADMIN_LIVE_EVERY_MAX_S = 60,   // between two events of live figures
    ADMIN_WATCHERS_MAX = 16,       // of live figures; likewise
};

struct admin_source_ops {
    /* True when this process can serve; `why` says what is amiss otherwise. */
    bool (*healthy)(struct admin_source *source, struct diag *why);
    /* Adds all there is to `m`. */
    void (*metrics)(struct admin_source *source, struct metrics *m);
    /* Fills the zeroed status; what it points to is good until the call's end or in the arena. */
    void (*status)(struct admin_source *source, struct arena *arena, struct admin_status *status);
    /* Fills the zeroed answer as far as what was asked for is there; all as with status. */
    void (*why)(struct admin_source *source, struct arena *arena,
        const struct admin_question *question, struct admin_why *why);
    /* Asks what was answered in the past. Answered by admin_replay_done, within the call or later,
     * unless the process ends before the admin is freed. False: not at all, as its refusal says. */
    bool (*replay)(struct admin_source *source, struct admin_replay *replay);
    /* Fills the zeroed view of the node of that name, of the first for an empty one, as far as it
     * is there; what it points to is good until the call's end. */
    void (*view)(struct admin_source *source, const struct slice *node, struct admin_view *view);
    /* What each node of the process gave out in answers; as with status. */
    void (*answers)(
        struct admin_source *source, struct arena *arena, struct admin_answers *answers);
    /* The network in use, and how it is; as with status. */
    void (*network)(
        struct admin_source *source, struct arena *arena, struct admin_network *network);
    /* What changed lately; good until the call's end. */
    const struct changes *(*changes)(struct admin_source *source);
    /* Fills the zeroed figures; all that they point to is in the arena. */
    void (*live)(struct admin_source *source, struct arena *arena, struct admin_live *live);
    /* Starts a reload. Answered by admin_reload_done, once, within the call or later. */
    void (*reload)(struct admin_source *source, struct admin *admin);
    /* Gives an order to the log; it is good until the call's end. Answered by admin_order_done,
     * once, within the call or later, unless the admin is freed before. */
    void (*order)(struct admin_source *source, struct admin *admin, uint64_t ticket,
        const struct order *order);
    /* Fills the zeroed answer as far as what was asked for is there; network always. What it
     * points to is good until the call's end or in the arena. */
    void (*orders)(struct admin_source *source, struct arena *arena,
        const struct admin_orders_question *question, struct admin_orders *orders);
    /* Fills what requests of the accounts are read against; good until the call's end. */
    void (*books_known)(struct admin_source *source, struct books_known *known);
    /* Puts it to the ledger, which is here: books_call_work and then books_call_done follow, in
     * later turns, unless the process ends before the admin is freed. False: too many wait. */
    bool (*books_ask)(struct admin_source *source, struct books_call *books);
};

/* Embedded in what app keeps; it goes back with container_of. Must outlive the admin. */
struct admin_source {
    const struct admin_source_ops *ops;
};

#define ADMIN_COUNTERS(X)                                                                         \
    X(requests, "admin_requests_total", "", "Requests of the admin face")                         \
    X(refused, "admin_refused_total", "", "Requests refused: a browser's page, a wrong Host")     \
    X(unknown, "admin_unauthorized_total", "", "Requests refused: no token, or a wrong one")      \
    X(forbidden, "admin_forbidden_total", "", "Requests refused: not for who showed that token")  \
    X(throttled, "admin_throttled_total", "", "Requests refused: too many wrong tokens before")   \
    X(malformed, "admin_malformed_total", "",                                                     \
        "Requests refused: a field of the query, or the body")                                    \
    X(live_events, "admin_live_events_total", "", "Events with live figures")                     \
    X(live_missed, "admin_live_missed_total", "", "Events not sent: the one before was unread")   \
    X(live_refused, "admin_live_refused_total", "", "Watchers of live figures refused: too many") \
    X(reloads_done, "admin_reloads_total", "result=\"done\"", "Reloads asked for")                \
    X(reloads_failed, "admin_reloads_total", "result=\"failed\"", "Reloads asked for")            \
    X(reloads_busy, "admin_reloads_total", "result=\"busy\"", "Reloads asked for")                \
    X(orders_given, "admin_orders_total", "result=\"given\"", "Orders asked for")                 \
    X(orders_failed, "admin_orders_total", "result=\"failed\"", "Orders asked for")               \
    X(orders_refused, "admin_orders_total", "result=\"refused\"", "Orders asked for")             \
    X(books_answered, "admin_books_total", "result=\"answered\"", "Questions to the accounts")    \
    X(books_refused, "admin_books_total", "result=\"refused\"", "Questions to the accounts")      \
    X(books_failed, "admin_books_total", "result=\"failed\"", "Questions to the accounts")

struct admin_counts {
    ADMIN_COUNTERS(COUNTER_FIELD)
};

/* Freed with all its connections by admin_free; listeners are closed by who opened them, before. */
struct admin *admin_new(struct loop *loop, struct admin_source *source);
void admin_free(struct admin *admin);

/* The process is being stopped: what would never end by itself ends now. */
void admin_leave(struct admin *admin);

/* For listener_open on the ports that admin_may_listen allows. */
struct listener_user *admin_listener(struct admin *admin);

/* For any other: by TLS, and for who shows the token. Admits nobody before admin_admit. */
struct listener_user *admin_secure_listener(struct admin *admin);

/* What those who come by TLS are shown, and what whoever shows a token has to, from now on, on
 * connections that are open too. The server is counted; NULL: nobody is admitted by TLS. Takes the
 * tokens; NULL: none is right. */
void admin_admit(struct admin *admin, struct tls_server *server, struct admin_tokens *tokens);

/* ERR_DENIED: not a loopback address; that needs TLS and the token. */
[[nodiscard]] enum err admin_may_listen(const struct endpoint *at, struct diag *why);

/* STATE/NODE/admin.sock. ERR_LIMIT: longer than the kernel takes. */
[[nodiscard]] enum err admin_socket_path(
    struct slice state, struct slice node, char path[ADMIN_PATH_MAX], struct diag *why);

/* Opens the Unix socket of a node; makes the folder STATE/NODE where it is missing. */
[[nodiscard]] enum err admin_open_unix(struct admin *admin, struct slice state, struct slice node,
    struct listener **listener, struct diag *why);

struct admin_reload_result {
    const struct conf_errors *errors; // NULL: the release below is in use now
    uint64_t release_hash;            // in use after the call, new or not
    uint32_t release_serial;
};

/* Ends the reload that the source was asked for; who asked may have left meanwhile. */
void admin_reload_done(struct admin *admin, const struct admin_reload_result *result);

struct admin_order_result {
    enum err err;         // ERR_NONE: it is in the log; ERR_TIMEOUT: it may be
    uint64_t era, number; // with ERR_NONE
    const char *why;      // else, for people
};

/* Ends the order that the source was given with this ticket; who asked may have left meanwhile. */
void admin_order_done(
    struct admin *admin, uint64_t ticket, const struct admin_order_result *result);
