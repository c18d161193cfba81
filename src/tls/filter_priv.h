// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One TLS connection as a stream's filter (io/filter.h), for either side: clients and servers make
 * the SSL, and differ in nothing else. OpenSSL sees no socket; what it reads it takes from the
 * stream, and what it writes is kept until the stream fetches it. By TLS 1.3 it hands over what is
 * to be sealed, and we seal it (tls/sealer_priv.h).
 *
 * Of an idle connection neither OpenSSL nor we hold a buffer.
 */

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "io/filter.h"
#include "tls/sealer_priv.h"

enum { TLS_WHY_MAX = 200 };

struct tls_context;
struct tls_counts;
struct tls_filter;

/* In what clients and servers differ. */
struct tls_side {
    void (*greeted)(struct tls_filter *f);     // done, or failed for good; may be NULL
    void (*drop)(struct tls_context *context); // what embeds it gives back its own; may be NULL
};

/*
 * What all connections of one setting share. Counted from all threads, since an idle connection
 * outlives the configuration that it was made under. First in what embeds it, which it frees.
 */
struct tls_context {
    const struct tls_side *side;
    _Atomic unsigned uses;
    SSL_CTX *ssl;
    BIO_METHOD *below; // how OpenSSL reaches the stream
};

/* With the settings that clients and servers share; used once. */
void tls_context_init(
    struct tls_context *context, const SSL_METHOD *method, const struct tls_side *side);

/* The same settings for an SSL_CTX of a context that has several. */
void tls_settings_init(SSL_CTX *ssl);

void tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context);

/* Of an accepted connection. */
struct tls_visit {
    const struct shown *other; // may be shown too, see tls/server_priv.h; or NULL
    struct tls_counts *counts; // NULL: not accepted by a server of ours
    struct wall at;
    bool may_h2, has_h2;           // offered; chosen
    bool is_plain;                 // began with a letter, as no TLS does
    bool is_unknown, is_misspoken; // no certificate for the name; no protocol in common
};

struct tls_filter {
    uint32_t tag;
    struct stream_filter filter;
    struct tls_context *context;
    SSL *ssl;
    char *name;   // that the server has to prove: for servers, what they were asked for; or NULL
    char *sealed; // NULL when empty
    size_t sealed_at, sealed_end, sealed_room;
    struct sealer sealer; // off: OpenSSL seals
    uint8_t next_type;    // of the record that OpenSSL writes next; 0: data
    enum err below;       // what the stream said last, when that was an end or an error
    enum err failed;      // what greet, receive or seal said for good
    int reason;           // OpenSSL's, of a failure
    bool is_greeted;      //
    bool has_heard;       // anything at all
    bool has_ended;       // the other side said so
    bool is_finished;     // and so did we
    struct tls_visit visit;
    char why[TLS_WHY_MAX];
};

/* A connection whose SSL is still to be told its side and whom it talks to. `name` is copied. */
struct tls_filter *tls_filter_new(struct tls_context *context, struct slice name);

/* What waits to be sent gives way to `bytes`, with which this connection ends. */
void tls_filter_say(struct tls_filter *f, struct slice bytes);

/* NULL when it is not one of these. */
const struct tls_filter *tls_filter_of(const struct stream_filter *filter);
