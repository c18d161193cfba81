// SPDX-License-Identifier: Apache-2.0
#include "tls/server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>

#include "base/mem.h"
#include "base/order.h"
#include "tls/server_priv.h"
#include "tls/tickets.h"

// Forward secrecy and authenticated encryption, as all browsers of the last ten years have them.
static const char CIPHERS[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char SUITES[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

enum { NAMES_FIRST = 16 };

/* What a server is made of, on its way. */
struct making {
    const struct tls_server_plan *plan;
    struct wall now;
    struct tls_server *server;
    struct tls_verdict *verdicts;
    const struct tls_certificate **order; // those with the same files side by side
};

static int compare_files(const struct tls_certificate *a, const struct tls_certificate *b)
{
    int differs = slice_order(a->cert_file, b->cert_file);

    if (differs == 0)
        differs = slice_order(a->key_file, b->key_file);
    return differs != 0 ? differs : slice_order(a->ocsp_file, b->ocsp_file);
}

static int by_files(const void *left, const void *right)
{
    const struct tls_certificate *const *a = left, *const *b = right;
    int differs = compare_files(*a, *b);

    return differs != 0 ? differs : (*a > *b) - (*a < *b);
}

static int by_name(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    int differs = slice_order(slice_of(a->name, a->length), slice_of(b->name, b->length));

    return differs != 0 ? differs : (a->at > b->at) - (a->at < b->at);
}

/* NULL: it is nobody's. */
static const struct named *find_named(const struct tls_server *server, struct slice wanted)
{
    size_t low = 0, high = server->name_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct named *named = &server->names[middle];
        int differs = slice_order(slice_of(named->name, named->length), wanted);

        if (differs == 0)
            return named;
        if (differs < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The certificates of a row that come into question beside those that were found before. */
static void add_found(struct found *found, const struct named *named)
{
    if (named == NULL)
        return;
    if (found->shown == NULL)
        *found = (struct found){ named->shown, named->other };
    else if (found->other == NULL)
        found->other =
            named->shown->key_type != found->shown->key_type ? named->shown : named->other;
}

struct found tls_server_find(const struct tls_server *server, struct slice name)
{
    char wildcard[NAME_MAX_BYTES + 1] = "*";
    struct slice rest = slice_from(name, slice_find(name, '.'));
    struct found found = { 0 };

    // The name itself, then the wildcard that stands for its first label.
    add_found(&found, find_named(server, name));
    if (found.other == NULL && rest.length > 0 && rest.length <= NAME_MAX_BYTES) {
        memcpy(wildcard + 1, rest.at, rest.length);
        add_found(&found, find_named(server, slice_of(wildcard, rest.length + 1)));
    }
    if (found.shown == NULL)
        found.shown = server->fallback;
    return found;
}

bool tls_server_knows(const struct tls_server *server, struct slice name)
{
    char lower[NAME_MAX_BYTES];

    if (name.length > sizeof lower)
        return server->fallback != NULL;
    for (size_t i = 0; i < name.length; i++)
        lower[i] = ascii_lower(name.at[i]);
    return tls_server_find(server, slice_of(lower, name.length)).shown != NULL;
}

static bool set_ciphers(SSL_CTX *ssl, struct slice wanted, bool are_suites)
{
    const char *ours = are_suites ? SUITES : CIPHERS;
    char *text = wanted.length > 0 ? mem_text(wanted.at, wanted.length) : NULL;
    const char *list = text != NULL ? text : ours;
    int is_set =
        are_suites ? SSL_CTX_set_ciphersuites(ssl, list) : SSL_CTX_set_cipher_list(ssl, list);

    ERR_clear_error();
    mem_free(text);
    return is_set == 1;
}

/* Of the front and of each certificate's: a handshake begins with one and goes on with another. */
static enum err set_plan(SSL_CTX *ssl, const struct tls_server_plan *plan, struct diag *why)
{
    uint64_t options = SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;
    char groups[] = "X25519:P-256:P-384"; // not const, which OpenSSL's macro would cast away

    // All that we allow are safe; by our order what costs us least goes first, unless the visitor
    // has no AES of its own.
    SSL_CTX_set_options(ssl, options | (plan->tickets == NULL ? SSL_OP_NO_TICKET : 0));
    if (plan->tickets == NULL)
        SSL_CTX_set_num_tickets(ssl, 0);
    // Or each handshake would look for the rest of the chain anew.
    SSL_CTX_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ssl, TICKET_LIFE_S);
    SSL_CTX_set_min_proto_version(
        ssl, plan->least == TLS_VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set1_groups_list(ssl, groups);
    if (!set_ciphers(ssl, plan->ciphers, false)) {
        diag_say(why, "no TLS 1.2 cipher is known of: %.*s", SLICE_ARG(plan->ciphers));
        return ERR_CONFIG;
    }
    if (!set_ciphers(ssl, plan->suites, true)) {
        diag_say(why, "not all TLS 1.3 ciphers are known of: %.*s", SLICE_ARG(plan->suites));
        return ERR_CONFIG;
    }
    return ERR_NONE;
}

static void drop_shown(struct shown *shown)
{
    SSL_CTX_free(shown->ssl);
    staple_done(&shown->staple);
}

/* A session is resumed under the certificate alone that it began with, or one name's visitor
 * could be led to another's site, and a new certificate would go unseen. */
static void set_session_context(SSL_CTX *ssl)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    X509_digest(SSL_CTX_get0_certificate(ssl), EVP_sha256(), digest, &length);
    SSL_CTX_set_session_id_context(ssl, digest, length);
}

/* How a group of certificates with the same files came out; texts are empty where nothing is wrong.
 */
struct outcome {
    struct diag fault, staple_fault;
};

static bool load_shown(const struct making *m, const struct tls_certificate *certificate,
    struct shown *shown, struct outcome *outcome)
{
    char *cert_file = mem_text(certificate->cert_file.at, certificate->cert_file.length);
    char *key_file = mem_text(certificate->key_file.at, certificate->key_file.length);
    char *ocsp_file = mem_text(certificate->ocsp_file.at, certificate->ocsp_file.length);
    const struct pem_files files = { cert_file, key_file };

    *outcome = (struct outcome){ 0 };
    *shown = (struct shown){ .ssl = SSL_CTX_new(TLS_server_method()) };
    assert(shown->ssl != NULL);
    tls_settings_init(shown->ssl);
    enum err err = set_plan(shown->ssl, m->plan, &outcome->fault);

    if (err == ERR_NONE)
        err = certificate_load(shown->ssl, &files, &outcome->fault);
    if (err == ERR_NONE) {
        set_session_context(shown->ssl);
        shown->key_type = EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(shown->ssl));
        if (ocsp_file[0] != '\0' &&
            staple_load(&shown->staple, ocsp_file, SSL_CTX_get0_certificate(shown->ssl), m->now,
                &outcome->staple_fault) != ERR_NONE)
            shown->staple = (struct staple){ 0 };
        tls_accept_set_shown(shown);
    } else {
        drop_shown(shown);
    }
    mem_free(cert_file);
    mem_free(key_file);
    mem_free(ocsp_file);
    return err == ERR_NONE;
}

struct date {
    char text[16];
};

static struct date date_of(struct wall wall)
{
    struct date date;
    time_t seconds = (time_t)wall_s(wall);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(date.text, sizeof date.text, "%Y-%m-%d", &parts) == 0)
        snprintf(date.text, sizeof date.text, "far from now");
    return date;
}

/* NULL: it is for each of its names. */
static const struct slice *uncovered(X509 *leaf, const struct tls_certificate *certificate)
{
    for (size_t i = 0; i < certificate->name_count; i++) {
        if (!certificate_covers(leaf, certificate->names[i]))
            return &certificate->names[i];
    }
    return NULL;
}

static bool has_host(const X509 *leaf)
{
    GENERAL_NAMES *names = certificate_names(leaf);
    bool has_any = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        has_any |= certificate_host(names, i).length > 0;
    GENERAL_NAMES_free(names);
    return has_any;
}

/* Of one that can be shown, the worst that is to be said. */
void tls_verdict_renew(struct tls_verdict *verdict, struct wall now)
{
    const struct slice file = verdict->timeless.file;
    enum tls_fitness fitness = verdict->timeless.fitness;
    int64_t left_ms = verdict->till.ms - now.ms;
    bool is_usable = fitness != TLS_FITNESS_UNUSABLE;
    struct diag words = { 0 };

    if (is_usable && left_ms <= 0) {
        fitness = TLS_FITNESS_EXPIRED;
        diag_say(&words, "the certificate in %.*s expired on %s", SLICE_ARG(file),
            date_of(verdict->till).text);
    } else if (is_usable && verdict->from.ms > now.ms) {
        fitness = TLS_FITNESS_EARLY;
        diag_say(&words, "the certificate in %.*s is not valid before %s", SLICE_ARG(file),
            date_of(verdict->from).text);
    } else if (fitness < TLS_FITNESS_EXPIRING &&
               left_ms <= verdict->timeless.warn_before.ns / 1000000) {
        fitness = TLS_FITNESS_EXPIRING;
        diag_say(&words, "the certificate in %.*s expires on %s", SLICE_ARG(file),
            date_of(verdict->till).text);
    } else {
        diag_say(&words, "%s", verdict->timeless.text);
    }
    verdict->fitness = fitness;
    snprintf(verdict->text, sizeof verdict->text, "%s", words.text);
}

static void say(struct tls_verdict *verdict, enum tls_fitness fitness, const char *text)
{
    verdict->timeless.fitness = fitness;
    snprintf(verdict->timeless.text, sizeof verdict->timeless.text, "%s", text);
}

/* Of one that can be shown, what no time changes. */
static void judge(const struct making *m, const struct tls_certificate *certificate, SSL_CTX *ssl,
    const struct diag *staple_fault)
{
    struct tls_verdict *verdict = &m->verdicts[certificate - m->plan->certificates];
    X509 *leaf = SSL_CTX_get0_certificate(ssl);
    const struct slice *name = uncovered(leaf, certificate);
    struct diag words = { 0 };

    certificate_span(leaf, &verdict->from, &verdict->till);
    if (certificate->has_own_names && !has_host(leaf)) {
        diag_say(
            &words, "the certificate in %.*s is for no host", SLICE_ARG(certificate->cert_file));
        say(verdict, TLS_FITNESS_UNCOVERED, words.text);
    } else if (name != NULL) {
        diag_say(&words, "the certificate in %.*s is not for %.*s",
            SLICE_ARG(certificate->cert_file), SLICE_ARG(*name));
        say(verdict, TLS_FITNESS_UNCOVERED, words.text);
    } else if (staple_fault->text[0] != '\0') {
        say(verdict, TLS_FITNESS_UNSTAPLED, staple_fault->text);
    }
}

static void add_name(const struct making *m, const struct tls_certificate *certificate,
    const struct shown *shown, struct slice name)
{
    struct tls_server *server = m->server;

    if (name.length == 0 || name.length > NAME_MAX_BYTES)
        return;
    if (server->name_count == server->name_room) {
        server->name_room = server->name_room == 0 ? NAMES_FIRST : server->name_room * 2;
        server->names = mem_resize(server->names, server->name_room * sizeof server->names[0]);
    }
    struct named *named = &server->names[server->name_count++];

    *named = (struct named){ .name = mem_text(name.at, name.length),
        .length = name.length,
        .shown = shown,
        .at = (size_t)(certificate - m->plan->certificates) };
    for (size_t at = 0; at < name.length; at++)
        named->name[at] = ascii_lower(name.at[at]);
}

static void add_names(
    const struct making *m, const struct tls_certificate *certificate, const struct shown *shown)
{
    GENERAL_NAMES *own = NULL;

    for (size_t i = 0; i < certificate->name_count; i++)
        add_name(m, certificate, shown, certificate->names[i]);
    if (certificate->has_own_names)
        own = certificate_names(SSL_CTX_get0_certificate(shown->ssl));
    for (int i = 0; i < sk_GENERAL_NAME_num(own); i++) // -1 of none
        add_name(m, certificate, shown, certificate_host(own, i));
    GENERAL_NAMES_free(own);
}

/* Where several certificates are for the same name, the first in the plan is shown, or the first
 * whose key is of another type. */
static void sort_names(struct tls_server *server)
{
    size_t kept = 0;

    if (server->name_count > 0)
        qsort(server->names, server->name_count, sizeof server->names[0], by_name);
    for (size_t i = 0; i < server->name_count; i++) {
        struct named *last = kept > 0 ? &server->names[kept - 1] : NULL;
        const struct named *named = &server->names[i];

        if (last == NULL || !slice_equal(slice_of(last->name, last->length),
                                slice_of(named->name, named->length))) {
            server->names[kept++] = *named;
            continue;
        }
        if (last->other == NULL && named->shown->key_type != last->shown->key_type)
            last->other = named->shown;
        mem_free(named->name);
    }
    server->name_count = kept;
}

/* The first in the plan that is to be and can be shown to all others. */
static void note_default(const struct making *m, const struct tls_certificate *certificate,
    const struct shown *shown, const struct tls_certificate **first)
{
    if (!certificate->is_default || (*first != NULL && *first < certificate))
        return;
    *first = certificate;
    m->server->fallback = shown;
}

static void load_all(const struct making *m)
{
    const struct tls_certificate *first_default = NULL;
    struct tls_server *server = m->server;
    struct shown *shown = NULL;
    struct outcome outcome;

    for (size_t i = 0; i < m->plan->count; i++) {
        const struct tls_certificate *certificate = m->order[i];

        if (i == 0 || compare_files(m->order[i - 1], certificate) != 0) {
            shown = &server->shown[server->shown_count];
            if (load_shown(m, certificate, shown, &outcome))
                server->shown_count++;
            else
                shown = NULL;
        }
        if (shown == NULL) {
            say(&m->verdicts[certificate - m->plan->certificates], TLS_FITNESS_UNUSABLE,
                outcome.fault.text);
            continue;
        }
        judge(m, certificate, shown->ssl, &outcome.staple_fault);
        add_names(m, certificate, shown);
        note_default(m, certificate, shown, &first_default);
    }
    sort_names(server);
}

static void drop(struct tls_context *context)
{
    struct tls_server *server = container_of(context, struct tls_server, context);
    const char *reply = server->plain_reply.at;

    for (size_t i = 0; i < server->shown_count; i++)
        drop_shown(&server->shown[i]);
    for (size_t i = 0; i < server->name_count; i++)
        mem_free(server->names[i].name);
    mem_free(server->shown);
    mem_free(server->names);
    mem_free((void *)(uintptr_t)reply);
    tls_tickets_unref(server->tickets);
}

static const struct tls_side SIDE = { .greeted = tls_accept_greeted, .drop = drop };

enum err tls_server_new(const struct tls_server_plan *plan, struct wall now,
    struct tls_server **server, struct tls_verdict *verdicts, struct diag *why)
{
    struct tls_server *made = mem_new(struct tls_server);
    struct making making = { plan, now, made, verdicts, NULL };

    tls_context_init(&made->context, TLS_server_method(), &SIDE);
    enum err err = set_plan(made->context.ssl, plan, why);

    if (err != ERR_NONE) {
        tls_server_unref(made);
        return err;
    }
    making.order = mem_array(plan->count + 1, sizeof *making.order);
    for (size_t i = 0; i < plan->count; i++) {
        making.order[i] = &plan->certificates[i];
        verdicts[i] = (struct tls_verdict){
            .timeless.file = plan->certificates[i].cert_file,
            .timeless.warn_before = plan->warn_before,
        };
    }
    qsort(making.order, plan->count, sizeof *making.order, by_files);
    made->shown = mem_array(plan->count + 1, sizeof *made->shown);
    made->tickets = tls_tickets_ref(plan->tickets);
    if (plan->plain_reply.length > 0)
        made->plain_reply = slice_of(
            mem_text(plan->plain_reply.at, plan->plain_reply.length), plan->plain_reply.length);
    tls_accept_set_front(made->context.ssl);
    load_all(&making);
    for (size_t i = 0; i < plan->count; i++)
        tls_verdict_renew(&verdicts[i], now);
    mem_free(making.order);
    *server = made;
    return ERR_NONE;
}

struct tls_server *tls_server_ref(struct tls_server *server)
{
    if (server != NULL)
        tls_context_ref(&server->context);
    return server;
}

void tls_server_unref(struct tls_server *server)
{
    if (server != NULL)
        tls_context_unref(&server->context);
}
