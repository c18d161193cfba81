// SPDX-License-Identifier: Apache-2.0
#include "tls/client.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/mem.h"
#include "tls/certificate_priv.h"
#include "tls/filter_priv.h"

struct tls_client {
    struct tls_context context;
};

static const struct tls_side SIDE = { 0 };

struct shared {
    struct list link;
    struct tls_trust trust; // its bytes behind this
    struct tls_client *client;
};

struct tls_clients {
    struct list all;
};

/* False with the reason. */
static bool trust_file(SSL_CTX *ssl, const char *path, const char **why)
{
    if (access(path, R_OK) != 0) {
        *why = strerror(errno);
        return false;
    }
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(ssl, path) == 1)
        return true;
    *why = ERR_reason_error_string(ERR_peek_error());
    if (*why == NULL)
        *why = "no certificate found";
    ERR_clear_error();
    return false;
}

/* What is in `ca_file`, or whom the system trusts. */
static enum err set_authorities(SSL_CTX *ssl, struct slice ca_file, struct diag *why)
{
    if (ca_file.length == 0) {
        SSL_CTX_set_default_verify_paths(ssl); // where there are none, nobody is trusted
        return ERR_NONE;
    }
    char *path = mem_text(ca_file.at, ca_file.length);
    const char *reason = "";
    bool is_read = trust_file(ssl, path, &reason);

    if (!is_read)
        diag_say(why, "the certificates in %s cannot be used: %s", path, reason);
    mem_free(path);
    return is_read ? ERR_NONE : ERR_CONFIG;
}

static enum err set_certificate(SSL_CTX *ssl, const struct tls_trust *trust, struct diag *why)
{
    if (trust->cert_file.length == 0)
        return ERR_NONE;
    char *cert_file = mem_text(trust->cert_file.at, trust->cert_file.length);
    char *key_file = mem_text(trust->key_file.at, trust->key_file.length);
    enum err err = certificate_load(ssl, &(struct pem_files){ cert_file, key_file }, why);

    mem_free(cert_file);
    mem_free(key_file);
    return err;
}

enum err tls_client_new(const struct tls_trust *trust, struct tls_client **client, struct diag *why)
{
    static const unsigned char PROTOCOLS[] = "\x08http/1.1";
    struct tls_client *made = mem_new(struct tls_client);
    SSL_CTX *ssl;

    tls_context_init(&made->context, TLS_client_method(), &SIDE);
    ssl = made->context.ssl;
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_alpn_protos(ssl, PROTOCOLS, sizeof PROTOCOLS - 1);
    enum err err = set_authorities(ssl, trust->ca_file, why);

    if (err == ERR_NONE)
        err = set_certificate(ssl, trust, why);
    if (err != ERR_NONE) {
        tls_client_unref(made);
        return err;
    }
    *client = made;
    return ERR_NONE;
}

struct tls_client *tls_client_ref(struct tls_client *client)
{
    if (client != NULL)
        tls_context_ref(&client->context);
    return client;
}

void tls_client_unref(struct tls_client *client)
{
    if (client != NULL)
        tls_context_unref(&client->context);
}

struct tls_clients *tls_clients_new(void)
{
    struct tls_clients *clients = mem_new(struct tls_clients);

    list_init(&clients->all);
    return clients;
}

void tls_clients_free(struct tls_clients *clients)
{
    if (clients == NULL)
        return;
    list_each_safe (link, &clients->all) {
        struct shared *shared = container_of(link, struct shared, link);

        tls_client_unref(shared->client);
        mem_free(shared);
    }
    mem_free(clients);
}

static bool is_same(const struct tls_trust *a, const struct tls_trust *b)
{
    return slice_equal(a->ca_file, b->ca_file) && slice_equal(a->cert_file, b->cert_file) &&
           slice_equal(a->key_file, b->key_file);
}

/* A copy of `from` at *room, which moves behind it. */
static struct slice copy_to(char **room, struct slice from)
{
    char *at = *room;

    if (from.length > 0)
        memcpy(at, from.at, from.length);
    *room += from.length;
    return slice_of(at, from.length);
}

enum err tls_clients_get(struct tls_clients *clients, const struct tls_trust *trust,
    struct tls_client **client, struct diag *why)
{
    list_each (link, &clients->all) {
        const struct shared *shared = container_of(link, struct shared, link);

        if (is_same(&shared->trust, trust)) {
            *client = shared->client;
            return ERR_NONE;
        }
    }
    TRY(tls_client_new(trust, client, why));
    struct shared *made = mem_alloc(
        sizeof *made + trust->ca_file.length + trust->cert_file.length + trust->key_file.length);
    char *room = (char *)(made + 1);

    made->trust.ca_file = copy_to(&room, trust->ca_file);
    made->trust.cert_file = copy_to(&room, trust->cert_file);
    made->trust.key_file = copy_to(&room, trust->key_file);
    made->client = *client;
    list_append(&clients->all, &made->link);
    return ERR_NONE;
}

struct stream_filter *tls_client_filter(const struct tls_name *to, struct wall now)
{
    struct tls_filter *f = tls_filter_new(&to->client->context, to->name);
    X509_VERIFY_PARAM *wants = SSL_get0_param(f->ssl);
    struct ip ip;
    int is_set;

    assert(to->name.length > 0);
    X509_VERIFY_PARAM_set_time(wants, wall_s(now));
    X509_VERIFY_PARAM_set_hostflags(wants, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (ip_parse(to->name, &ip)) {
        is_set = X509_VERIFY_PARAM_set1_ip(wants, ip.bytes, ip.family == IP_V4 ? 4 : 16);
    } else {
        is_set = X509_VERIFY_PARAM_set1_host(wants, f->name, to->name.length);
        SSL_set_tlsext_host_name(f->ssl, f->name); // RFC 6066 §3: names, no addresses
    }
    assert(is_set == 1); // or any certificate would do
    SSL_set_connect_state(f->ssl);
    return &f->filter;
}

bool tls_client_fits(const struct stream_filter *filter, const struct tls_name *to)
{
    if (filter == NULL || to->client == NULL)
        return filter == NULL && to->client == NULL;
    const struct tls_filter *f = tls_filter_of(filter);

    return f != NULL && f->context == &to->client->context &&
           slice_equal(slice_text(f->name), to->name);
}
