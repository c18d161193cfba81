// SPDX-License-Identifier: Apache-2.0
/* Which addresses were given out: /api/v1/answers. */
#include "admin/admin_priv.h"
#include "admin/answers.h"
#include "admin/names.h"
#include "admin/query.h"

/* The site that is asked for, as the configuration has it; false when it is refused. */
static bool read_site(struct admin *admin, struct http_exchange *x, const struct admin_scope *scope,
    struct slice *host)
{
    struct slice name;

    if (!query_find(x->authority.path, SLICE("site"), &x->arena, &name))
        return true;
    const struct network *own = admin_own_network(admin, scope, &x->arena);
    const struct site *site = admin_site_find(own, name);

    if (site == NULL)
        admin_refuse_site(x, name, own);
    else
        *host = site->host;
    return site != NULL;
}

void admin_serve_answers(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct admin_answers_question question = { .is_of_customer = !scope->is_operator,
        .customer = scope->customer,
        .limit = (size_t)admin_query_number(x, "limit", ANSWERS_TOLD_DEFAULT),
        .after = admin_query_number(x, "after", 0) };
    struct admin_answers answers = { 0 };
    struct text body;

    if (!read_site(admin, x, scope, &question.site))
        return;
    text_init(&body, ADMIN_ANSWER_MAX);
    admin->source->ops->answers(admin->source, &x->arena, &answers);
    admin_answers_write(&answers, &question, &body);
    admin_answer_written(x, &body);
}
