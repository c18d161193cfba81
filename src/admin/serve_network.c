// SPDX-License-Identifier: Apache-2.0
/* The network at a glance, and what changed in it lately. */
#include "admin/admin_priv.h"
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

void admin_serve_changes(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct changes_question question = { .scope = scope,
        .limit = (size_t)admin_query_number(x, "limit", CHANGES_TOLD_DEFAULT),
        .after = admin_query_number(x, "after", 0),
        .now = loop_wall(admin->loop) };
    struct arena arena;
    struct text body;

    arena_init(&arena, ADMIN_ARENA_MAX);
    text_init(&body, ADMIN_ANSWER_MAX);
    question.network = admin_own_network(admin, &ADMIN_SCOPE_ALL, &arena);
    changes_write(admin->source->ops->changes(admin->source), &question, &body);
    arena_done(&arena);
    admin_answer_written(x, &body);
}
