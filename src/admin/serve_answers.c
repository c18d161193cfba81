// SPDX-License-Identifier: Apache-2.0
/* Which addresses were given out: /api/v1/answers. */
#include <stdio.h>

#include "admin/admin_priv.h"
#include "admin/answers.h"
#include "admin/names.h"
#include "admin/query.h"

enum { NAME_SHOWN_MAX = 256 }; // of a name in an error

/* A number of the query; false when it is answered as wrong. Unchanged where there is none. */
static bool read_number(struct http_exchange *x, const char *key, uint64_t most, uint64_t *number)
{
    struct slice text;
    char message[64], mend[96];

    if (!query_find(x->authority.path, slice_text(key), &x->arena, &text))
        return true;
    if (slice_number(text, most, number) && *number > 0)
        return true;
    snprintf(message, sizeof message, "`%s` is no such number", key);
    if (most == ANSWERS_TOLD_MAX)
        snprintf(mend, sizeof mend, "give 1 to %d rows", ANSWERS_TOLD_MAX);
    else
        snprintf(mend, sizeof mend, "give the member `after` of the answer before");
    admin_answer_json(x, 400, "", admin_error_json(key, message, mend));
    return false;
}

/* Of a site that is not there, or another's, with what was probably meant. */
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

/* The site that is asked for, as the configuration has it; false when it is refused. */
static bool read_site(struct admin *admin, struct http_exchange *x, const struct admin_scope *scope,
    struct slice *host)
{
    const struct admin_orders_question none = { 0 };
    struct admin_orders known = { 0 };
    struct slice name;

    if (!query_find(x->authority.path, SLICE("site"), &x->arena, &name))
        return true;
    admin->source->ops->orders(admin->source, &x->arena, &none, &known); // for the network alone
    const struct network *own = admin_scope_network(scope, known.network, &x->arena);
    const struct site *site = admin_site_find(own, name);

    if (site == NULL)
        refuse_site(x, name, own);
    else
        *host = site->host;
    return site != NULL;
}

void admin_serve_answers(
    struct admin *admin, struct http_exchange *x, const struct admin_scope *scope)
{
    struct admin_answers_question question = { .is_of_customer = !scope->is_operator,
        .customer = scope->customer };
    uint64_t limit = ANSWERS_TOLD_DEFAULT;
    struct admin_answers answers = { 0 };
    struct text body;

    if (!read_number(x, "limit", ANSWERS_TOLD_MAX, &limit) ||
        !read_number(x, "after", UINT64_MAX, &question.after) ||
        !read_site(admin, x, scope, &question.site))
        return;
    question.limit = (size_t)limit;
    text_init(&body, ADMIN_ANSWER_MAX);
    admin->source->ops->answers(admin->source, &x->arena, &answers);
    admin_answers_write(&answers, &question, &body);
    admin_answer_written(x, &body);
}
