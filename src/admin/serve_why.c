// SPDX-License-Identifier: Apache-2.0
/* Why a name is answered as it is, and what a node holds: /api/v1/why, view and map. */
#include <assert.h>
#include <stdio.h>

#include "admin/admin_priv.h"
#include "admin/names.h"
#include "admin/query.h"

enum { NAME_SHOWN_MAX = 256 }; // of a name in an error

/* The question in a query, which the table of routes has found to be one. */
static struct admin_question read_question(struct http_exchange *x)
{
    struct slice path = x->authority.path, client;
    struct admin_question q = { 0 };

    query_find(path, SLICE("node"), &x->arena, &q.node);
    query_find(path, SLICE("name"), &x->arena, &q.name);
    if (query_find(path, SLICE("client"), &x->arena, &client)) {
        bool is_address = ip_parse(client, &q.client);

        assert(is_address);
    }
    return q;
}

void admin_refuse_site(struct http_exchange *x, struct slice name, const struct network *network)
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
    if (scope->is_operator)
        return question->name;
    const struct network *own = admin_own_network(admin, scope, arena);

    return admin_site_find(own, question->name) == NULL ? SLICE_NONE : question->name;
}

/* Of a site that is a customer's now, who asks; operators may ask for what is gone. */
static void serve_past(struct admin *admin, struct http_exchange *x, struct slice at,
    const struct admin_question *question, const struct admin_scope *scope)
{
    const struct network *own = admin_own_network(admin, scope, &x->arena);

    if (!scope->is_operator && admin_site_find(own, question->name) == NULL)
        admin_refuse_site(x, question->name, own);
    else
        admin_serve_past(admin, x, at, question, scope);
}

void admin_serve_why(struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct admin_question question = read_question(x);
    struct admin_why why = { 0 };
    struct arena arena;
    struct text body;

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
        admin_refuse_site(x, name, admin_scope_network(scope, why.network, &arena));
    } else {
        admin_why_write(&why, &body);
        admin_answer_written(x, &body);
    }
    arena_done(&arena);
}

/* Which reports are asked for; false when it is answered as wrong. */
static bool read_pages(struct http_exchange *x, struct admin_view_question *q)
{
    struct slice after;

    q->limit = (size_t)admin_query_number(x, "limit", VIEW_TOLD_DEFAULT);
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
