// SPDX-License-Identifier: Apache-2.0
/*
 * What happens within a visitor's handshake, in OpenSSL's order: the name chooses the certificate,
 * before a session is looked at (client_hello); a ticket is opened (ticket); the protocol is chosen
 * (choose); an OCSP response is added (staple).
 */
#include <assert.h>
#include <string.h>

#include <openssl/err.h>

#include "base/mem.h"
#include "tls/server_priv.h"
#include "tls/tickets_priv.h"

#define COUNTER_ROW_OF_TLS(field, name, labels, help) \
    COUNTER_ROW(struct tls_counts, field, name, labels, help),

const struct counter_row tls_counter_rows[] = { TLS_COUNTERS(COUNTER_ROW_OF_TLS) };
const size_t tls_counter_row_count = COUNT_OF(tls_counter_rows);

static struct tls_server *server_of(struct tls_filter *f)
{
    return container_of(f->context, struct tls_server, context);
}

/* The host name in a server_name extension (RFC 6066 §3); false when that is malformed. */
static bool parse_name(const unsigned char *at, size_t length, struct slice *name)
{
    size_t list = length < 2 ? 0 : (size_t)at[0] << 8 | at[1];
    size_t claimed = length < 5 ? 0 : (size_t)at[3] << 8 | at[4];

    if (length < 5 || list != length - 2 || at[2] != TLSEXT_NAMETYPE_host_name ||
        claimed != length - 5 || claimed == 0 || claimed > NAME_MAX_BYTES)
        return false;
    *name = slice_of(at + 5, claimed);
    return memchr(name->at, '\0', claimed) == NULL;
}

static char *lower_copy(struct slice name)
{
    char *copy = mem_text(name.at, name.length);

    for (size_t i = 0; i < name.length; i++)
        copy[i] = ascii_lower(copy[i]);
    return copy;
}

/* Beside the one that is shown: OpenSSL takes the one whose signatures the visitor knows. */
static bool add_other(SSL *ssl, const struct shown *other)
{
    STACK_OF(X509) *chain = NULL;

    SSL_CTX_get0_chain_certs(other->ssl, &chain);
    return SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(other->ssl),
               SSL_CTX_get0_privatekey(other->ssl), chain, 1) == 1;
}

static int client_hello(SSL *ssl, int *alert, void *unused)
{
    struct tls_filter *f = SSL_get_app_data(ssl);
    const unsigned char *extension;
    struct slice name = SLICE_NONE;
    size_t length;

    (void)unused;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &length) == 1 &&
        !parse_name(extension, length, &name)) {
        *alert = SSL_AD_DECODE_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (name.length > 0 && f->name == NULL)
        f->name = lower_copy(name);
    name = f->name == NULL ? SLICE_NONE : slice_text(f->name);
    struct found found = tls_server_find(server_of(f), name);

    if (found.shown == NULL) {
        f->visit.is_unknown = true;
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    f->visit.other = found.other;
    if (SSL_set_SSL_CTX(ssl, found.shown->ssl) == NULL ||
        (found.other != NULL && !add_other(ssl, found.other))) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* The choice was made before; this has the answer say that the name was heard. */
static int acknowledge_name(SSL *ssl, int *alert, void *unused)
{
    (void)ssl;
    (void)alert;
    (void)unused;
    return SSL_TLSEXT_ERR_OK;
}

static int ticket(SSL *ssl, unsigned char *name, unsigned char *vector, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int seals)
{
    struct tls_filter *f = SSL_get_app_data(ssl);
    struct tls_tickets *tickets = server_of(f)->tickets;

    if (seals == 1)
        return tls_tickets_seal(tickets, f->visit.at, name, vector, cipher, mac) ? 1 : -1;
    switch (tls_tickets_open(tickets, f->visit.at, name, vector, cipher, mac)) {
    case TICKET_OPENS: return 1;
    case TICKET_IS_OLD: return 2;
    case TICKET_UNKNOWN: break;
    }
    return 0;
}

static int choose(SSL *ssl, const unsigned char **chosen, unsigned char *length,
    const unsigned char *offered, unsigned offered_length, void *unused)
{
    static const unsigned char OURS[] = "\x02h2\x08http/1.1";
    enum { H2_LENGTH = 3 };
    struct tls_filter *f = SSL_get_app_data(ssl);
    size_t skipped = f->visit.may_h2 ? 0 : H2_LENGTH;

    (void)unused;
    // It points into either list and writes neither.
    if (SSL_select_next_proto((unsigned char **)(uintptr_t)chosen, length, OURS + skipped,
            (unsigned)(sizeof OURS - 1 - skipped), offered,
            offered_length) != OPENSSL_NPN_NEGOTIATED) {
        f->visit.is_misspoken = true;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    f->visit.has_h2 = *length == H2_LENGTH - 1;
    return SSL_TLSEXT_ERR_OK;
}

static int staple(SSL *ssl, void *what)
{
    const struct shown *shown = what;
    const struct tls_filter *f = SSL_get_app_data(ssl);

    if (SSL_get_certificate(ssl) != SSL_CTX_get0_certificate(shown->ssl) && f->visit.other != NULL)
        shown = f->visit.other;
    if (shown->staple.length == 0 || shown->staple.till.ms <= f->visit.at.ms)
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char *bytes = OPENSSL_memdup(shown->staple.bytes, shown->staple.length);

    if (bytes == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, bytes, (long)shown->staple.length); // frees it
    return SSL_TLSEXT_ERR_OK;
}

void tls_accept_set_front(SSL_CTX *ssl)
{
    SSL_CTX_set_client_hello_cb(ssl, client_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(ssl, acknowledge_name);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, ticket);
}

void tls_accept_set_shown(struct shown *shown)
{
    SSL_CTX_set_alpn_select_cb(shown->ssl, choose, NULL);
    SSL_CTX_set_tlsext_status_cb(shown->ssl, staple);
    SSL_CTX_set_tlsext_status_arg(shown->ssl, shown);
}

static struct counter *failure_counter(const struct tls_filter *f)
{
    struct tls_counts *counts = f->visit.counts;

    if (f->visit.is_unknown)
        return &counts->unknown_name;
    if (f->visit.is_misspoken)
        return &counts->wrong_protocol;
    if (f->visit.is_plain)
        return &counts->plain;
    if (f->below != ERR_NONE)
        return &counts->cut;
    if (f->reason >= SSL_AD_REASON_OFFSET) // what OpenSSL adds to the number of an alert that came
        return &counts->refused;
    switch (f->reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION: return &counts->wrong_version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS: return &counts->wrong_cipher;
    default: return &counts->malformed;
    }
}

void tls_accept_greeted(struct tls_filter *f)
{
    struct tls_counts *counts = f->visit.counts;
    struct slice reply = server_of(f)->plain_reply;

    if (f->failed != ERR_NONE) {
        counter_up(failure_counter(f));
        if (f->visit.is_plain && reply.length > 0)
            tls_filter_say(f, reply);
        return;
    }
    counter_up(SSL_version(f->ssl) == TLS1_3_VERSION ? &counts->greeted_1_3 : &counts->greeted_1_2);
    if (SSL_session_reused(f->ssl) == 1)
        counter_up(&counts->resumed);
    if (f->visit.has_h2)
        counter_up(&counts->greeted_h2);
}

struct stream_filter *tls_server_filter(struct tls_server *server, const struct tls_accept *how)
{
    struct tls_filter *f = tls_filter_new(&server->context, SLICE_NONE);

    assert(how->counts != NULL);
    f->visit = (struct tls_visit){ .counts = how->counts, .at = how->now, .may_h2 = how->has_h2 };
    SSL_set_app_data(f->ssl, f);
    SSL_set_accept_state(f->ssl);
    return &f->filter;
}

static const struct tls_filter *visit_of(const struct stream_filter *filter)
{
    const struct tls_filter *f = tls_filter_of(filter);

    assert(f != NULL && f->visit.counts != NULL);
    return f;
}

enum tls_protocol tls_filter_protocol(const struct stream_filter *filter)
{
    return visit_of(filter)->visit.has_h2 ? TLS_PROTOCOL_HTTP_2 : TLS_PROTOCOL_HTTP_1_1;
}

size_t tls_filter_sealed(const struct stream_filter *filter)
{
    return tls_filter_of(filter)->sealed_room;
}

struct slice tls_filter_name(const struct stream_filter *filter)
{
    const char *name = visit_of(filter)->name;

    return name == NULL ? SLICE_NONE : slice_text(name);
}

const char *tls_filter_version(const struct stream_filter *filter)
{
    return SSL_get_version(visit_of(filter)->ssl);
}

const char *tls_filter_cipher(const struct stream_filter *filter)
{
    return SSL_get_cipher_name(visit_of(filter)->ssl);
}

bool tls_filter_is_resumed(const struct stream_filter *filter)
{
    return SSL_session_reused(visit_of(filter)->ssl) == 1;
}
