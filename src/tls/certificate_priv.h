// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Certificates and keys out of files, and what is to be said of them. Nothing here speaks TLS.
 */

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

/* Terminated; key_file may be empty: then the key is in cert_file. */
struct pem_files {
    const char *cert_file, *key_file;
};

/* The certificate, its chain and its key into `ssl`. ERR_CONFIG: `why` names the file and says
 * what is wrong. Blocks; never asks for a password. */
[[nodiscard]] enum err certificate_load(
    SSL_CTX *ssl, const struct pem_files *files, struct diag *why);

/* From when till when it is valid. */
void certificate_span(const X509 *certificate, struct wall *from, struct wall *till);

/* True when it is for `name`: a host, or a wildcard as it stands in certificates. */
bool certificate_covers(X509 *certificate, struct slice name);

/* The names that it is for, to be freed with GENERAL_NAMES_free; NULL: none. */
GENERAL_NAMES *certificate_names(const X509 *certificate);

/* The host or wildcard at that place; empty where it is something else. The list's. */
struct slice certificate_host(const GENERAL_NAMES *names, int at);

enum { STAPLE_MAX = 64 * 1024 };

/* An OCSP response as the handshake carries it (RFC 6066 §8). */
struct staple {
    unsigned char *bytes;
    size_t length;    // 0: none
    struct wall till; // to be shown before that
};

/* Reads one that speaks of `certificate` and is not too old at `now`. ERR_CONFIG as above. */
[[nodiscard]] enum err staple_load(struct staple *staple, const char *file, const X509 *certificate,
    struct wall now, struct diag *why);
void staple_done(struct staple *staple);
