// SPDX-License-Identifier: Apache-2.0
/* Those who ask from afar: by TLS, and with the token. */
#include <string.h>

#include "admin/admin_priv.h"
#include "admin/token.h"
#include "base/mem.h"
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

void admin_admit(struct admin *admin, struct tls_server *server, const char *token)
{
    tls_server_ref(server); // first: it may be the same
    tls_server_unref(admin->tls);
    mem_free(admin->token);
    admin->tls = server;
    admin->token = token == NULL ? NULL : mem_text(token, strlen(token));
}

void admin_afar_init(struct admin *admin)
{
    admin->secure.accept = accept_secure;
}

bool admin_is_known(const struct admin *admin, const struct http_exchange *x)
{
    return admin->token != NULL &&
           admin_token_fits(admin->token, http_head_value(x->request, HTTP_NAME_AUTHORIZATION));
}
