// SPDX-License-Identifier: Apache-2.0
/* The network at a glance, and what changed in it lately. */
#include "admin/admin_priv.h"
#include "admin/query.h"
#include "io/loop.h"

void admin_serve_network(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct admin_network network = { 0 };
    struct arena arena;
    struct text body;

    arena_init(&arena, ADMIN_ARENA_MAX);
    text_init(&body, ADMIN_ANSWER_MAX);
    admin->source->ops->network(admin->source, &arena, &network);
    admin_network_write(&network, scope, &body);
    arena_done(&arena);
    admin_answer_written(x, &body);
}

/* Which changes are asked for; false when it is answered as wrong. */
static bool read_changes(struct http_exchange *x, struct changes_question *q)
{
    struct slice limit, after;
    uint64_t number = CHANGES_TOLD_DEFAULT;

    if (query_find(x->authority.path, SLICE("limit"), &x->arena, &limit) &&
        (!slice_number(limit, CHANGES_MAX, &number) || number == 0)) {
        admin_answer_json(x, 400, "",
            admin_error_json("limit", "the limit is no number of changes", "give 1 to 512"));
        return false;
    }
    q->limit = (size_t)number;
    if (query_find(x->authority.path, SLICE("after"), &x->arena, &after) &&
        (!slice_number(after, INT64_MAX, &q->after) || q->after == 0)) {
        admin_answer_json(x, 400, "",
            admin_error_json("after", "there is no such place among the changes",
                "give the member `after` of the answer before"));
        return false;
    }
    return true;
}

void admin_serve_changes(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct changes_question question = { .scope = scope, .now = loop_wall(admin->loop) };
    const struct admin_orders_question none = { 0 };
    struct admin_orders known = { 0 };
    struct arena arena;
    struct text body;

    if (!read_changes(x, &question))
        return;
    arena_init(&arena, ADMIN_ARENA_MAX);
    text_init(&body, ADMIN_ANSWER_MAX);
    admin->source->ops->orders(admin->source, &arena, &none, &known); // for the network alone
    question.network = known.network;
    changes_write(admin->source->ops->changes(admin->source), &question, &body);
    arena_done(&arena);
    admin_answer_written(x, &body);
}
