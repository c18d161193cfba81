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
#include "tls/filter_priv.h"

struct tls_client {
    struct tls_context context;
};

static const struct tls_side SIDE = { 0 };

struct shared {
    struct list link;
    struct slice ca_file; // ours
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

enum err tls_client_new(struct slice ca_file, struct tls_client **client, struct diag *why)
{
    static const unsigned char PROTOCOLS[] = "\x08http/1.1";
    struct tls_client *made = mem_new(struct tls_client);
    SSL_CTX *ssl;

    tls_context_init(&made->context, TLS_client_method(), &SIDE);
    ssl = made->context.ssl;
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_alpn_protos(ssl, PROTOCOLS, sizeof PROTOCOLS - 1);
    if (ca_file.length == 0) {
        SSL_CTX_set_default_verify_paths(ssl); // where there are none, nobody is trusted
    } else {
        char *path = mem_text(ca_file.at, ca_file.length);
        const char *reason = "";
        bool is_read = trust_file(ssl, path, &reason);

        if (!is_read)
            diag_say(why, "the certificates in %s cannot be used: %s", path, reason);
        mem_free(path);
        if (!is_read) {
            tls_client_unref(made);
            return ERR_CONFIG;
        }
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

enum err tls_clients_get(
    struct tls_clients *clients, struct slice ca_file, struct tls_client **client, struct diag *why)
{
    list_each (link, &clients->all) {
        const struct shared *shared = container_of(link, struct shared, link);

        if (slice_equal(shared->ca_file, ca_file)) {
            *client = shared->client;
            return ERR_NONE;
        }
    }
    TRY(tls_client_new(ca_file, client, why));
    struct shared *made = mem_alloc(sizeof *made + ca_file.length);

    if (ca_file.length > 0)
        memcpy(made + 1, ca_file.at, ca_file.length);
    made->ca_file = slice_of(made + 1, ca_file.length);
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
