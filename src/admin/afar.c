// SPDX-License-Identifier: Apache-2.0
/* Those who ask from afar: by TLS, and with the token. */
#include "admin/admin_priv.h"
#include "admin/token.h"
#include "admin/tokens.h"
#include "http/server.h"
#include "io/filter.h"
#include "io/loop.h"

static struct stream_user *accept_secure(struct listener_user *user, struct stream *stream)
{
    struct admin *admin = container_of(user, struct admin, secure);
    struct listener_user *http = http_server_listener(admin->server);

    if (admin->tls == NULL)
        return NULL;
    struct stream_filter *filter = tls_server_filter(admin->tls,
        &(struct tls_accept){ .counts = &admin->tls_counts, .now = loop_wall(admin->loop) });

    stream_filter_set(stream, &filter);
    return http->accept(http, stream);
}

struct listener_user *admin_secure_listener(struct admin *admin)
{
    return &admin->secure;
}

void admin_admit(struct admin *admin, struct tls_server *server, struct admin_tokens *tokens)
{
    tls_server_ref(server); // first: it may be the same
    tls_server_unref(admin->tls);
    admin_tokens_free(admin->tokens);
    admin->tls = server;
    admin->tokens = tokens;
}

void admin_afar_init(struct admin *admin)
{
    admin->secure.accept = accept_secure;
}

bool admin_is_known(
    const struct admin *admin, const struct http_exchange *x, struct admin_scope *scope)
{
    const struct http_field *field = http_head_field(x->request, HTTP_NAME_AUTHORIZATION);
    struct slice token;

    if (field == NULL && !x->is_secure) {
        *scope = ADMIN_SCOPE_ALL;
        return true;
    }
    // Of two fields, what is between us and who asks may have looked at the other one.
    return field != NULL && http_head_next(x->request, HTTP_NAME_AUTHORIZATION, field) == NULL &&
           admin_token_shown(field->value, &token) &&
           admin_tokens_find(admin->tokens, token, scope);
}
