// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One TLS connection as a stream's filter (io/filter.h), for either side: clients and servers make
 * the SSL, and differ in nothing else. OpenSSL sees no socket; what it reads it takes from the
 * stream, and what it writes is kept until the stream fetches it.
 *
 * Of an idle connection neither OpenSSL nor we hold a buffer.
 */

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "io/filter.h"

enum { TLS_WHY_MAX = 200 };

/*
 * What all connections of one setting share. Counted from all threads, since an idle connection
 * outlives the configuration that it was made under. First in what embeds it, which it frees.
 */
struct tls_context {
    _Atomic unsigned uses;
    SSL_CTX *ssl;
    BIO_METHOD *below; // how OpenSSL reaches the stream
};

/* With the settings that clients and servers share; used once. */
void tls_context_init(struct tls_context *context, const SSL_METHOD *method);
void tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context);

struct tls_filter {
    uint32_t tag;
    struct stream_filter filter;
    struct tls_context *context;
    SSL *ssl;
    char *name;   // that the other side has to prove, or NULL
    char *sealed; // NULL when empty
    size_t sealed_at, sealed_end, sealed_room;
    enum err below;   // what the stream said last, when that was an end or an error
    enum err failed;  // what greet, receive or seal said for good
    bool is_greeted;  //
    bool has_ended;   // the other side said so
    bool is_finished; // and so did we
    char why[TLS_WHY_MAX];
};

/* A connection whose SSL is still to be told its side and whom it talks to. `name` is copied. */
struct tls_filter *tls_filter_new(struct tls_context *context, struct slice name);

/* NULL when it is not one of these. */
const struct tls_filter *tls_filter_of(const struct stream_filter *filter);
