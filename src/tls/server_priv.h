// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A server as its two files see it: tls/server.c makes it, tls/accept.c greets with it. */

#include "tls/certificate_priv.h"
#include "tls/filter_priv.h"
#include "tls/server.h"

/* A certificate with its key, shared by all names that are served with it. */
struct shown {
    SSL_CTX *ssl;
    struct staple staple;
    int key_type; // EVP_PKEY_RSA or another
};

struct named {
    char *name; // lower case
    size_t length;
    const struct shown *shown;
    const struct shown *other; // whose key is of another type; NULL: none
    size_t at;                 // in the plan
};

/* What is shown to somebody. */
struct found {
    const struct shown *shown; // NULL: nothing
    const struct shown *other; // with it, for visitors who do not know its signatures; or NULL
};

struct tls_server {
    struct tls_context context; // without a certificate: the visitor's name chooses one
    struct shown *shown;
    size_t shown_count;
    struct named *names; // in order, each once
    size_t name_count, name_room;
    const struct shown *fallback; // NULL: none
    struct tls_tickets *tickets;  // NULL: none
    struct slice plain_reply;
};

enum {
    NAME_MAX_BYTES = 253,      // RFC 1035 §2.3.4, as text
    TICKET_LIFE_S = 24 * 3600, // what each ticket key opens for, at least
};

/* `name` is in lower case. */
struct found tls_server_find(const struct tls_server *server, struct slice name);

/* What happens within handshakes: of the server's front, and of a certificate's own SSL_CTX. */
void tls_accept_set_front(SSL_CTX *ssl);
void tls_accept_set_shown(struct shown *shown);

/* A handshake has ended, either way: it is counted, and who spoke plain is told so. */
void tls_accept_greeted(struct tls_filter *f);
