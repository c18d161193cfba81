// SPDX-License-Identifier: Apache-2.0
#include "app/certificates.h"

#include <inttypes.h>

#include "admin/metrics.h"
#include "admin/status.h"
#include "admin/token.h"
#include "admin/tokens.h"
#include "base/mem.h"
#include "tls/tickets.h"

#define WARN_BEFORE span_s((int64_t)CERTIFICATES_WARN_DAYS * 86400)

/* To those who speak plain HTTP to a port of HTTPS. */
#define PLAIN_REPLY                                                  \
    SLICE("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n" \
          "Content-Length: 43\r\nConnection: close\r\n\r\n"          \
          "This port speaks HTTPS; ask with https://.\n")

static size_t count_given(const struct network *network)
{
    size_t count = network->tls.more_count + (size_t)certificate_is_given(&network->tls.standard) +
                   (size_t)certificate_is_given(&network->admin.files);

    for (size_t i = 0; i < network->site_count; i++)
        count += certificate_is_given(&network->sites[i]->https.files);
    return count;
}

/* The visitors' first, so that the first so many are one server's. */
static size_t list_given(const struct network *network, struct certificate *list)
{
    size_t count = 0;

    for (size_t i = 0; i < network->site_count; i++)
        if (certificate_is_given(&network->sites[i]->https.files))
            list[count++] = (struct certificate){ .site = network->sites[i],
                .files = &network->sites[i]->https.files };
    for (size_t i = 0; i < network->tls.more_count; i++)
        list[count++] = (struct certificate){ .more = &network->tls.more[i],
            .files = &network->tls.more[i].files };
    if (certificate_is_given(&network->tls.standard))
        list[count++] = (struct certificate){ .files = &network->tls.standard };
    if (certificate_is_given(&network->admin.files))
        list[count++] = (struct certificate){ .is_admin = true, .files = &network->admin.files };
    return count;
}

/* The keys in the network's file, if it names one; else those given. NULL, and told, on failure. */
static struct tls_tickets *choose_tickets(const struct network *network,
    struct tls_tickets *tickets, struct wall now, struct conf_errors *errors)
{
    const struct network_tls *tls = &network->tls;
    struct diag why;

    if (tls->tickets.length == 0)
        return tls_tickets_ref(tickets);
    // Others than those in use, as this release may be refused yet.
    struct tls_tickets *own = tls_tickets_new(now);

    if (tls_tickets_load(own, tls->tickets, &why) == ERR_NONE)
        return own;
    conf_errors_add(errors, tls->tickets_at, "tickets: %s", why.text);
    tls_tickets_unref(own);
    return NULL;
}

/* What certificates are made of; what is wrong is told at its place. */
struct maker {
    const struct network *network;
    struct tls_tickets *tickets;
    struct wall now;
    struct conf_errors *errors;
    const struct certificate *list;
    struct tls_verdict *verdicts;
};

/* The server that shows some of the list, those of visitors or the admin's. NULL, and told, when
 * the plan as such is wrong. */
static struct tls_server *make_server(const struct maker *m, size_t first, size_t count)
{
    const struct network_tls *tls = &m->network->tls;
    struct tls_certificate *shown = mem_array(count, sizeof *shown);
    bool is_admin = m->list[first].is_admin;
    const struct tls_server_plan plan = {
        .certificates = shown,
        .count = count,
        .least = tls->oldest == TLS_OLDEST_1_3 ? TLS_VERSION_1_3 : TLS_VERSION_1_2,
        .ciphers = tls->ciphers,
        .tickets = is_admin ? NULL : m->tickets,
        .warn_before = WARN_BEFORE,
        .plain_reply = PLAIN_REPLY,
    };
    struct tls_server *server = NULL;
    struct diag why;

    for (size_t i = 0; i < count; i++) {
        const struct certificate *c = &m->list[first + i];

        shown[i] = (struct tls_certificate){
            .names = c->site == NULL ? NULL : &c->site->host,
            .name_count = c->site != NULL,
            .cert_file = c->files->cert,
            .key_file = c->files->key,
            .ocsp_file = c->files->ocsp,
            .is_default = c->site == NULL && c->more == NULL,
            .has_own_names = c->more != NULL,
        };
    }
    if (tls_server_new(&plan, m->now, &server, &m->verdicts[first], &why) != ERR_NONE)
        conf_errors_add(m->errors, tls->ciphers_at, "tls: %s", why.text);
    mem_free(shown);
    return server;
}

static void tell_unusable(const struct maker *m, size_t count)
{
    char name[CERTIFICATE_NAME_MAX];

    for (size_t i = 0; i < count; i++)
        if (m->verdicts[i].fitness == TLS_FITNESS_UNUSABLE)
            conf_errors_add(m->errors, m->list[i].files->at, "certificate of %s: %s",
                certificate_name(&m->list[i], name), m->verdicts[i].text);
}

static void make_admin(const struct maker *m, size_t first, size_t count, struct certificates *made)
{
    const struct network_admin *admin = &m->network->admin;
    unsigned char hash[SHA256_SIZE];
    char owner[ADMIN_TOKEN_OWNER_MAX];
    struct diag why;

    if (count == first)
        return;
    made->admin = make_server(m, first, count - first);
    if (admin->token.length == 0)
        return; // there are others
    if (admin_token_load(admin->token, &made->token, &why) != ERR_NONE) {
        conf_errors_add(m->errors, admin->token_at, "token: %s", why.text);
        return;
    }
    sha256(slice_text(made->token), hash);
    if (admin_tokens_owner(m->network, hash, owner))
        conf_errors_add(m->errors, admin->token_at,
            "token: the file has %s, and one token is for one of them; make another", owner);
}

struct certificates *certificates_new(const struct network *network, struct tls_tickets *tickets,
    struct wall now, struct conf_errors *errors)
{
    struct certificates *made = mem_new(struct certificates);
    size_t before = errors->count + errors->more, most = count_given(network);
    struct certificate *list = mem_array(most + 1, sizeof *list);
    struct tls_verdict *verdicts = mem_array(most + 1, sizeof *verdicts);
    struct maker m = { network, choose_tickets(network, tickets, now, errors), now, errors, list,
        verdicts };

    made->network = network;
    made->list = list;
    made->verdicts = verdicts;
    made->count = list_given(network, list);
    size_t of_visitors = made->count - (size_t)certificate_is_given(&network->admin.files);

    if (of_visitors > 0)
        made->visitors = make_server(&m, 0, of_visitors);
    make_admin(&m, of_visitors, made->count, made);
    tls_tickets_unref(m.tickets);
    if (errors->count + errors->more == before)
        tell_unusable(&m, made->count);
    if (errors->count + errors->more == before)
        return made;
    certificates_free(made);
    conf_errors_sort(errors);
    return NULL;
}

void certificates_free(struct certificates *certificates)
{
    if (certificates == NULL)
        return;
    tls_server_unref(certificates->visitors);
    tls_server_unref(certificates->admin);
    mem_free(certificates->token);
    mem_free((void *)(uintptr_t)certificates->list);
    mem_free((void *)(uintptr_t)certificates->verdicts);
    mem_free(certificates);
}

const char *certificate_name(const struct certificate *certificate, char text[CERTIFICATE_NAME_MAX])
{
    if (certificate->more != NULL)
        snprintf(
            text, CERTIFICATE_NAME_MAX, "certificates.%.*s", SLICE_ARG(certificate->more->name));
    else if (certificate->site == NULL)
        return certificate->is_admin ? "admin" : "default";
    else
        snprintf(text, CERTIFICATE_NAME_MAX, "%.*s", SLICE_ARG(certificate->site->host));
    return text;
}

int64_t certificate_days_left(const struct tls_verdict *verdict, struct wall now)
{
    int64_t left_s = wall_s(verdict->till) - wall_s(now);

    return left_s >= 0 ? left_s / 86400 : -(-left_s / 86400) - 1;
}

bool certificates_cover(const struct certificates *certificates, const struct site *site)
{
    return certificates->visitors != NULL && tls_server_knows(certificates->visitors, site->host);
}

static bool lacks(const struct certificates *certificates, const struct site *site)
{
    return site->kind == SITE_DELIVER && !certificates_cover(certificates, site);
}

void certificates_write(const struct certificates *certificates, struct wall now, FILE *out)
{
    const struct network *network = certificates->network;
    char name[CERTIFICATE_NAME_MAX];

    if (certificates->count > 0)
        fprintf(out, "certificates: %zu\n", certificates->count);
    for (size_t i = 0; i < certificates->count; i++) {
        const struct tls_verdict *verdict = &certificates->verdicts[i];

        fprintf(out, "  %s  %.*s  %" PRId64 " days left",
            certificate_name(&certificates->list[i], name),
            SLICE_ARG(certificates->list[i].files->cert), certificate_days_left(verdict, now));
        fprintf(out, "%s%s\n", verdict->text[0] == '\0' ? "" : "  warning: ", verdict->text);
    }
    for (size_t i = 0; i < network->site_count; i++)
        if (lacks(certificates, network->sites[i]))
            fprintf(out, "%.*s: no certificate: HTTPS not served\n",
                SLICE_ARG(network->sites[i]->host));
}

void certificates_warn(const struct certificates *certificates, struct wall now, struct log *log)
{
    char name[CERTIFICATE_NAME_MAX];

    for (size_t i = 0; i < certificates->count; i++) {
        struct tls_verdict verdict = certificates->verdicts[i];

        tls_verdict_renew(&verdict, now);
        if (verdict.fitness != TLS_FITNESS_GOOD)
            log_line(log, LOG_WARNING, "app",
                "certificate name=%s days_left=%" PRId64 " text=\"%s\"",
                certificate_name(&certificates->list[i], name),
                certificate_days_left(&verdict, now), verdict.text);
    }
}

static struct slice kept_name(const struct certificate *certificate, struct arena *arena)
{
    char name[CERTIFICATE_NAME_MAX];

    return arena_copy(arena, slice_text(certificate_name(certificate, name)));
}

size_t certificates_tell(const struct certificates *certificates, struct wall now,
    struct arena *arena, const struct admin_certificate_status **list)
{
    struct admin_certificate_status *told = arena_array(arena, certificates->count, sizeof *told);

    for (size_t i = 0; i < certificates->count; i++) {
        struct tls_verdict verdict = certificates->verdicts[i];

        tls_verdict_renew(&verdict, now);
        told[i] = (struct admin_certificate_status){
            .name = kept_name(&certificates->list[i], arena),
            .file = certificates->list[i].files->cert,
            .from = verdict.from,
            .till = verdict.till,
            .days_left = certificate_days_left(&verdict, now),
            .note = arena_copy(arena, slice_text(verdict.text)),
        };
    }
    *list = told;
    return certificates->count;
}

size_t certificates_lacking(
    const struct certificates *certificates, struct arena *arena, const struct slice **list)
{
    const struct network *network = certificates->network;
    struct slice *hosts = arena_array(arena, network->site_count, sizeof *hosts);
    size_t count = 0;

    for (size_t i = 0; i < network->site_count; i++)
        if (lacks(certificates, network->sites[i]))
            hosts[count++] = network->sites[i]->host;
    *list = hosts;
    return count;
}

void certificates_count(const struct certificates *certificates, struct metrics *metrics)
{
    char name[CERTIFICATE_NAME_MAX];

    for (size_t i = 0; i < certificates->count; i++) {
        const struct metrics_label labels[] = {
            { SLICE("name"), slice_text(certificate_name(&certificates->list[i], name)) },
            { SLICE("file"), certificates->list[i].files->cert },
        };

        metrics_add_value(metrics, &(struct metrics_value){ .name = "certificate_expiry_seconds",
                                       .help = "When the certificate ends, in seconds since 1970",
                                       .kind = COUNTER_GAUGE,
                                       .labels = labels,
                                       .label_count = COUNT_OF(labels),
                                       .value = (double)wall_s(certificates->verdicts[i].till) });
    }
}
