// SPDX-License-Identifier: Apache-2.0
#include "conf/summary.h"

#include <assert.h>
#include <inttypes.h>

#include "base/attr.h"
#include "conf/units.h"

const char *site_policy_text(enum site_policy policy)
{
    switch (policy) {
    case POLICY_BALANCED: return "balanced";
    case POLICY_STRICT: return "strict";
    case POLICY_WEIGHTED: return "weighted";
    case POLICY_ORDERED: return "ordered";
    case POLICY_STICKY: return "sticky";
    }
    assert(false);
    return "";
}

const char *site_fill_text(enum site_fill fill)
{
    switch (fill) {
    case FILL_LEAST_LOADED: return "least-loaded";
    case FILL_ORDERED: return "ordered";
    case FILL_PINNED: return "pinned";
    case FILL_HASH: return "hash";
    }
    assert(false);
    return "";
}

const char *site_term_text(enum site_term term)
{
    switch (term) {
    case TERM_LATENCY: return "latency";
    case TERM_RESPONSE: return "response";
    case TERM_FTP: return "ftp";
    case TERM_CPU: return "cpu";
    case TERM_MEMORY: return "memory";
    case TERM_ERRORS: return "errors";
    case TERM_COUNT: break;
    }
    assert(false);
    return "";
}

const char *site_probe_text(enum site_probe_kind kind)
{
    switch (kind) {
    case SITE_PROBE_TCP: return "tcp";
    case SITE_PROBE_HTTP: return "http";
    case SITE_PROBE_FTP: return "ftp";
    case SITE_PROBE_ICMP: return "icmp";
    }
    assert(false);
    return "";
}

/* "4 GiB": the largest unit that leaves a whole number. */
static void write_size(uint64_t bytes, FILE *out)
{
    static const char *const UNITS[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    size_t unit = 0;

    for (; bytes > 0 && bytes % 1024 == 0 && unit + 1 < COUNT_OF(UNITS); unit++)
        bytes /= 1024;
    fprintf(out, "%" PRIu64 " %s", bytes, UNITS[unit]);
}

static void write_port(const char *service, uint16_t port, FILE *out)
{
    if (port == 0)
        fprintf(out, "  %s off", service);
    else
        fprintf(out, "  %s %u", service, (unsigned)port);
}

static void write_node(const struct network *network, const struct node *node, FILE *out)
{
    char text[IP_TEXT_MAX];

    fprintf(out, "    node %.*s ", SLICE_ARG(node->name));
    for (size_t i = 0; i < node->address_count; i++)
        fprintf(out, "%s %s", i > 0 ? "," : "", ip_text(&node->addresses[i], text));
    write_port("dns", node->ports.dns, out);
    write_port("http", node->ports.http, out);
    if (node->ports.https != 0 && !network_has_https(network))
        fputs("  https closed (no certificate)", out);
    else
        write_port("https", node->ports.https, out);
    write_port("admin", node->ports.admin, out);
    fputc('\n', out);
}

static void write_pop(const struct network *network, const struct pop *pop, FILE *out)
{
    char text[ENDPOINT_TEXT_MAX];

    fprintf(out, "  pop %.*s", SLICE_ARG(pop->name));
    if (pop->place.length > 0)
        fprintf(out, "  %.*s", SLICE_ARG(pop->place));
    fputs("  memory ", out);
    write_size(pop->memory_bytes, out);
    if (pop->disk.length > 0) {
        fputs("  disk ", out);
        write_size(pop->disk_bytes, out);
        fprintf(out, " in %.*s (not used yet: memory alone stores)", SLICE_ARG(pop->disk));
    }
    if (pop->probe.ftp.ip.family != IP_NONE)
        fprintf(out, "  ftp %s", endpoint_text(&pop->probe.ftp, text));
    if (pop->is_reserve)
        fputs("  reserve", out);
    fputc('\n', out);
    for (size_t i = 0; i < pop->node_count; i++)
        write_node(network, &pop->nodes[i], out);
}

static void write_origins(const struct site *site, size_t from, size_t to, FILE *out)
{
    char text[ENDPOINT_TEXT_MAX];

    for (size_t i = from; i < to; i++) {
        fprintf(out, "%s %.*s (%s%s)", i > from ? "," : "", SLICE_ARG(site->origins[i]->name),
            endpoint_text(&site->origins[i]->address, text),
            site->origins[i]->is_tls ? " tls" : "");
        if (site->weights[i] != 1)
            fprintf(out, " weight %" PRIu32, site->weights[i]);
    }
}

/* "latency, response, errors x2": what counts against a target, where that is asked at all. */
static void write_terms(const struct site *site, FILE *out)
{
    const char *before = "  weighs ";

    if (site->kind == SITE_STEER &&
        (site->policy == POLICY_WEIGHTED || site->policy == POLICY_ORDERED))
        return;
    for (enum site_term term = 0; term < TERM_COUNT; term++) {
        if (site->weigh[term] == 0)
            continue;
        fprintf(out, "%s%s", before, site_term_text(term));
        if (site->weigh[term] > 1)
            fprintf(out, " x%u", (unsigned)site->weigh[term]);
        before = ", ";
    }
}

static void write_probe(const struct site_probe *probe, FILE *out)
{
    fprintf(out, "  probe %s", site_probe_text(probe->kind));
    if (probe->port != 0)
        fprintf(out, " :%u", (unsigned)probe->port);
    if (probe->path.length > 0)
        fprintf(out, " %.*s", SLICE_ARG(probe->path));
    if (probe->load.length > 0)
        fprintf(out, ", load %.*s", SLICE_ARG(probe->load));
}

/* What is said of HTTPS; whether its certificate is good is another question. */
static void write_https(const struct site_https *https, FILE *out)
{
    if (certificate_is_given(&https->files))
        fprintf(out, "  certificate %.*s", SLICE_ARG(https->files.cert));
    if (https->is_only)
        fputs("  https only", out);
    if (https->has_hsts)
        fprintf(out, "  hsts %" PRId64 "s%s", https->hsts.ns / span_s(1).ns,
            https->hsts_subdomains ? " with subdomains" : "");
}

static void write_site(const struct site *site, FILE *out)
{
    bool is_steer = site->kind == SITE_STEER;

    fprintf(out, "    %.*s  %s", SLICE_ARG(site->host), is_steer ? "steers to" : "delivers from");
    write_origins(site, 0, site->first_reserve, out);
    if (site->first_reserve < site->origin_count) {
        fputs("  reserve", out);
        write_origins(site, site->first_reserve, site->origin_count, out);
    }
    if (is_steer)
        fprintf(out, "  policy %s", site_policy_text(site->policy));
    else
        fprintf(out, "  fill %s", site_fill_text(site->fill));
    if (site->pinned != NULL)
        fprintf(out, " to %.*s", SLICE_ARG(site->pinned->name));
    write_terms(site, out);
    write_probe(&site->probe, out);
    write_https(&site->https, out);
    fprintf(out, "  ttl %" PRId64 "s%s\n", site->ttl.ns / span_s(1).ns,
        site->all_down == ALL_DOWN_NODATA ? "  nodata when all are down" : "");
    for (size_t i = 0; i + 1 < site->path_count; i++)
        fprintf(out, "      %.*s%s\n", SLICE_ARG(site->paths[i].pattern),
            site->paths[i].may_cache ? "" : "  not stored");
}

/* "100 GB": as volumes are priced, by powers of 1000. */
static void write_volume(uint64_t bytes, FILE *out)
{
    static const char *const UNITS[] = { "B", "kB", "MB", "GB", "TB" };
    size_t unit = 0;

    for (; bytes > 0 && bytes % 1000 == 0 && unit + 1 < COUNT_OF(UNITS); unit++)
        bytes /= 1000;
    fprintf(out, "%" PRIu64 " %s", bytes, UNITS[unit]);
}

static void write_traffic(const struct plan_traffic *traffic, FILE *out)
{
    char text[UNITS_MONEY_MAX];

    if (traffic->tiers == NULL) {
        fprintf(out, "  %s per Mbit/s", units_money_text(traffic->megabit_microcents, text));
        return;
    }
    for (size_t i = 0; i < traffic->tier_count; i++) {
        fprintf(out, "%s%s", i > 0 ? ", " : "  ",
            units_money_text(traffic->tiers[i].gigabyte_microcents, text));
        if (i + 1 < traffic->tier_count) {
            fputs(" to ", out);
            write_volume(traffic->tiers[i].up_to_bytes, out);
        }
    }
    fputs(" per GB", out);
    if (traffic->included_bytes > 0) {
        fputs(", ", out);
        write_volume(traffic->included_bytes, out);
        fputs(" included", out);
    }
}

static void write_count(const char *what, const struct plan_count *count, FILE *out)
{
    char text[UNITS_MONEY_MAX];

    if (count->million_microcents > 0)
        fprintf(
            out, "  %s per million %s", units_money_text(count->million_microcents, text), what);
    if (count->included > 0)
        fprintf(out, ", %" PRIu64 " included", count->included);
}

static void write_plan(const struct plan *plan, FILE *out)
{
    char text[UNITS_MONEY_MAX];

    fprintf(out, "  plan %.*s  %.*s  %s a month", SLICE_ARG(plan->name), SLICE_ARG(plan->currency),
        units_money_text(plan->monthly_microcents, text));
    if (plan->minimum_microcents > 0)
        fprintf(out, ", at least %s", units_money_text(plan->minimum_microcents, text));
    write_traffic(&plan->traffic, out);
    write_count("requests", &plan->requests, out);
    write_count("answers", &plan->answers, out);
    fputc('\n', out);
    for (size_t i = 0; i < plan->group_count; i++) {
        const struct plan_group *group = &plan->groups[i];

        fprintf(out, "    group %.*s:", SLICE_ARG(group->name));
        for (size_t j = 0; j < group->pop_count; j++)
            fprintf(out, "%s %.*s", j > 0 ? "," : "", SLICE_ARG(group->pops[j]));
        write_traffic(&group->traffic, out);
        fputc('\n', out);
    }
}

static void write_customer(const struct customer *customer, FILE *out)
{
    fprintf(out, "  customer %.*s", SLICE_ARG(customer->name));
    if (customer->plan.length > 0)
        fprintf(out, "  plan %.*s", SLICE_ARG(customer->plan));
    fputc('\n', out);
    for (size_t i = 0; i < customer->site_count; i++)
        write_site(&customer->sites[i], out);
    for (size_t i = 0; i < customer->token_count; i++)
        fprintf(out, "    token %.*s  %s\n", SLICE_ARG(customer->tokens[i].name),
            customer->tokens[i].role == TOKEN_CHANGER ? "manager" : "viewer");
}

void conf_summary_write(const struct network *network, FILE *out)
{
    fprintf(out, "network %.*s  zone %.*s  release %016" PRIx64 "  serial %" PRIu32 "\n",
        SLICE_ARG(network->name), SLICE_ARG(network->zone), network->hash, network->serial);
    fputs("name servers", out);
    for (size_t i = 0; i < network->nameserver_count; i++)
        fprintf(out, "%s %.*s", i > 0 ? "," : "", SLICE_ARG(network->nameservers[i]));
    fputc('\n', out);
    if (certificate_is_given(&network->tls.standard))
        fprintf(out, "default certificate %.*s\n", SLICE_ARG(network->tls.standard.cert));
    if (certificate_is_given(&network->admin.files))
        fprintf(out, "admin from afar by certificate %.*s and token\n",
            SLICE_ARG(network->admin.files.cert));
    for (size_t i = 0; i < network->admin.token_count; i++)
        fprintf(out, "  token %.*s  %s\n", SLICE_ARG(network->admin.tokens[i].name),
            network->admin.tokens[i].role == TOKEN_CHANGER ? "operator" : "viewer");
    fprintf(out, "pops: %zu\n", network->pop_count);
    for (size_t i = 0; i < network->pop_count; i++)
        write_pop(network, &network->pops[i], out);
    if (network->plan_count > 0)
        fprintf(out, "plans: %zu\n", network->plan_count);
    for (size_t i = 0; i < network->plan_count; i++)
        write_plan(&network->plans[i], out);
    fprintf(out, "customers: %zu, sites: %zu\n", network->customer_count, network->site_count);
    for (size_t i = 0; i < network->customer_count; i++)
        write_customer(&network->customers[i], out);
}
