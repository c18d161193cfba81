// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * An authority that certifies what a test wants, and servers that show it. Made at run time: no
 * certificate in the tree can expire.
 */

#include <stdio.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/stream.h"
#include "tls/filter_priv.h"

enum { DAY_S = 86400 };

struct authority {
    const char *name;
    EVP_PKEY *key;
    X509 *certificate;
    char file[64]; // its certificate, for clients
    struct wall now;
};

/* What a certificate says; zeroed but for `names` it is a good one. */
struct claim {
    const char *names;      // "DNS:a.test, IP:127.0.0.1"
    int64_t from_s, till_s; // from now; both 0: yesterday to tomorrow
    bool is_self_signed, is_authority;
};

static inline void name_extension(X509 *certificate, int kind, const char *text)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, text);
    assert(extension != NULL);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* A certificate for `key`, signed by the authority, or by itself where that has none yet. */
static inline X509 *authority_certify(struct authority *a, EVP_PKEY *key, const struct claim *claim)
{
    X509 *made = X509_new();
    X509_NAME *name = X509_NAME_new();
    int64_t till = claim->till_s == 0 ? DAY_S : claim->till_s;
    int64_t from = claim->from_s == 0 ? -DAY_S : claim->from_s;
    bool is_signed_by_other = a->certificate != NULL && !claim->is_self_signed;

    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), claim->is_authority ? 1 : 2);
    ASN1_TIME_set(X509_getm_notBefore(made), wall_s(a->now) + from);
    ASN1_TIME_set(X509_getm_notAfter(made), wall_s(a->now) + till);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_NID(name, claim->is_authority ? NID_commonName : NID_organizationName,
        MBSTRING_ASC, (const unsigned char *)a->name, -1, -1, 0);
    X509_set_subject_name(made, name);
    X509_set_issuer_name(made, is_signed_by_other ? X509_get_subject_name(a->certificate) : name);
    if (claim->is_authority)
        name_extension(made, NID_basic_constraints, "critical,CA:TRUE");
    if (claim->names != NULL)
        name_extension(made, NID_subject_alt_name, claim->names);
    int is_signed = X509_sign(made, is_signed_by_other ? a->key : key, EVP_sha256());

    assert(is_signed > 0);
    X509_NAME_free(name);
    return made;
}

static inline void authority_init(struct authority *a, const char *name, struct wall now)
{
    *a = (struct authority){ .name = name, .key = EVP_EC_gen("P-256"), .now = now };
    a->certificate = authority_certify(a, a->key, &(struct claim){ .is_authority = true });
    snprintf(a->file, sizeof a->file, "/tmp/authority-test-XXXXXX");
    int fd = mkstemp(a->file);
    FILE *file = fdopen(fd, "w");

    assert(file != NULL);
    PEM_write_X509(file, a->certificate);
    fclose(file);
}

static inline void authority_done(struct authority *a)
{
    unlink(a->file);
    X509_free(a->certificate);
    EVP_PKEY_free(a->key);
}

/* A certificate for `key`, which is given back, and it, as files for programs that want such. */
static inline void authority_issue_for(struct authority *a, EVP_PKEY *key,
    const struct claim *claim, const char *certificate_path, const char *key_path)
{
    X509 *certificate = authority_certify(a, key, claim);
    FILE *file = fopen(certificate_path, "w");

    assert(file != NULL);
    PEM_write_X509(file, certificate);
    fclose(file);
    file = fopen(key_path, "w");
    assert(file != NULL);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* The same with a new key. */
static inline void authority_issue(struct authority *a, const struct claim *claim,
    const char *certificate_path, const char *key_path)
{
    authority_issue_for(a, EVP_EC_gen("P-256"), claim, certificate_path, key_path);
}

/* Chooses http/1.1 where it is offered. */
static inline int server_choose(SSL *ssl, const unsigned char **chosen, unsigned char *length,
    const unsigned char *offered, unsigned offered_length, void *unused)
{
    static const unsigned char OURS[] = "\x08http/1.1";

    (void)ssl;
    (void)unused;
    // It points into either list and writes neither.
    return SSL_select_next_proto((unsigned char **)(uintptr_t)chosen, length, OURS, sizeof OURS - 1,
               offered, offered_length) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* A server that shows such a certificate. Given back with tls_context_unref. */
static inline struct tls_context *server_new(struct authority *a, const struct claim *claim)
{
    static const struct tls_side SIDE = { 0 };
    struct tls_context *server = mem_new(struct tls_context);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = authority_certify(a, key, claim);

    tls_context_init(server, TLS_server_method(), &SIDE);
    SSL_CTX_use_certificate(server->ssl, certificate);
    SSL_CTX_use_PrivateKey(server->ssl, key);
    SSL_CTX_set_alpn_select_cb(server->ssl, server_choose, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return server;
}

/* An accepted stream becomes one of the server's. */
static inline SSL *server_filter(struct tls_context *server, struct stream *stream)
{
    struct tls_filter *f = tls_filter_new(server, SLICE_NONE);
    struct stream_filter *filter = &f->filter;

    SSL_set_accept_state(f->ssl);
    stream_filter_set(stream, &filter);
    return f->ssl;
}
