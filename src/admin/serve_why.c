// SPDX-License-Identifier: Apache-2.0
/* Why a name is answered as it is, and what a node holds: /api/v1/why, view and map. */
#include <stdio.h>

#include "admin/admin_priv.h"
#include "admin/names.h"
#include "admin/query.h"

enum { NAME_SHOWN_MAX = 256 }; // of a name in an error

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

/* The name, where it is of a site of theirs. Another's is not even looked up, as how long that
 * takes would tell that it is there. */
static struct slice name_to_ask(struct admin *admin, const struct admin_scope *scope,
    const struct admin_question *question, struct arena *arena)
{
    const struct admin_orders_question none = { 0 };
    struct admin_orders known = { 0 };

    if (scope->is_operator)
        return question->name;
    admin->source->ops->orders(admin->source, arena, &none, &known); // for the network alone
    const struct network *own = admin_scope_network(scope, known.network, arena);

    return admin_site_find(own, question->name) == NULL ? SLICE_NONE : question->name;
}

/* Of a site that is a customer's now, who asks; operators may ask for what is gone. */
static void serve_past(struct admin *admin, struct http_exchange *x, struct slice at,
    const struct admin_question *question, const struct admin_scope *scope)
{
    const struct admin_orders_question none = { 0 };
    struct admin_orders known = { 0 };

    admin->source->ops->orders(admin->source, &x->arena, &none, &known); // for the network alone
    const struct network *own = admin_scope_network(scope, known.network, &x->arena);

    if (!scope->is_operator && admin_site_find(own, question->name) == NULL)
        refuse_site(x, question->name, own);
    else
        admin_serve_past(admin, x, at, question, scope);
}

void admin_serve_why(struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct admin_question question = { 0 };
    struct admin_why why = { 0 };
    struct arena arena;
    struct text body;

    if (!read_question(x, &question))
        return;
    struct slice name = question.name, at;

    if (query_find(x->authority.path, SLICE("at"), &x->arena, &at)) {
        serve_past(admin, x, at, &question, scope);
        return;
    }
    arena_init(&arena, ADMIN_ARENA_MAX);
    text_init(&body, ADMIN_ANSWER_MAX);
    question.name = name_to_ask(admin, scope, &question, &arena);
    admin->source->ops->why(admin->source, &arena, &question, &why);
    if (why.rows == NULL) {
        refuse_node(x, question.node, why.network);
    } else if (why.why == NULL) {
        refuse_site(x, name, admin_scope_network(scope, why.network, &arena));
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

void admin_serve_view(struct admin *admin, struct http_exchange *x, const struct admin_scope *)
{
    struct admin_view_question question = { 0 };

    if (read_pages(x, &question))
        serve_node(admin, x, &question);
}

void admin_serve_map(struct admin *admin, struct http_exchange *x, const struct admin_scope *)
{
    serve_node(admin, x, NULL);
}
