// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * TLS towards servers: whom to trust, and connections that have a name proven to them before a
 * byte of ours goes out. TLS 1.2 at least, HTTP/1.1 by ALPN.
 *
 * Sessions are not resumed: a resumed one shows no certificate, so an expired or exchanged one
 * would go unseen for as long as tickets last. Connections are kept open instead.
 *
 * A connection fails with ERR_CERT_TIME, ERR_CERT_NAME, ERR_CERT_AUTHORITY or ERR_CERT when the
 * certificate is at fault, and ERR_TLS when the protocol is; stream_why says it in full.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

struct stream_filter;
struct tls_client;

/* The name or literal address that a server has to prove, and by whose word. */
struct tls_name {
    struct tls_client *client; // NULL: plain, no TLS
    struct slice name;
};

/* Whom to trust, and what to show servers that ask who we are. Files in PEM. */
struct tls_trust {
    struct slice ca_file;             // empty: those whom the system trusts
    struct slice cert_file, key_file; // both empty: nothing is shown
};

/* ERR_CONFIG: a file cannot be used; `why` names it. Used once, by the caller. */
[[nodiscard]] enum err tls_client_new(
    const struct tls_trust *trust, struct tls_client **client, struct diag *why);

/* Any thread; each connection is a use of its own. Both accept NULL. */
struct tls_client *tls_client_ref(struct tls_client *client);
void tls_client_unref(struct tls_client *client);

/*
 * The clients of one release: one for each trust that is asked for. Not locked; what was
 * got from it may be used by any thread, and lives at least as long.
 */
struct tls_clients;

struct tls_clients *tls_clients_new(void);

/* Accepts NULL. */
void tls_clients_free(struct tls_clients *clients);

/* The one of that trust, made on first asking; errors as of tls_client_new. */
[[nodiscard]] enum err tls_clients_get(struct tls_clients *clients, const struct tls_trust *trust,
    struct tls_client **client, struct diag *why);

/* For stream_filter_set: a connection to `to`, whose certificate has to be valid at `now`. */
struct stream_filter *tls_client_filter(const struct tls_name *to, struct wall now);

/* True when a stream's filter (NULL: none) is what a connection to `to` would have. */
bool tls_client_fits(const struct stream_filter *filter, const struct tls_name *to);
