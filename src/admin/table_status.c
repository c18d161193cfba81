// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "admin/json.h"
#include "admin/table_priv.h"

enum { BARE_SHOWN_MAX = 10 }; // sites without a certificate

static void put_count(struct table *t, const json_t *object, const char *key)
{
    char text[TABLE_AMOUNT_MAX];

    table_cell(t, "%s", table_count(json_get_number(object, key), text));
}

/* The texts of a list, with commas. */
static void put_list(struct table *t, const json_t *list)
{
    char text[TABLE_CELL_MAX * 2] = "";
    size_t length = 0, i;
    const json_t *item;

    json_array_foreach (list, i, item) {
        const char *word = json_string_value(item);

        if (word == NULL || length >= sizeof text - 1)
            continue;
        int more =
            snprintf(text + length, sizeof text - length, "%s%s", length == 0 ? "" : ", ", word);
        length += (size_t)more;
    }
    table_cell(t, "%s", text[0] == '\0' ? "-" : text);
}

static void put_port(struct table *t, uint64_t port)
{
    if (port == 0)
        table_cell(t, "-");
    else
        table_cell(t, "%" PRIu64, port);
}

static void write_nodes(const json_t *nodes, struct text *out)
{
    static const struct table_column COLUMNS[] = { { "NODE", false }, { "POP", false },
        { "ADDRESSES", false }, { "DNS", true }, { "HTTP", true }, { "HTTPS", true },
        { "QUERIES", true }, { "REQUESTS", true }, { "HITS", true }, { "SENT", true },
        { "OPEN", true }, { "OBJECTS", true }, { "STORE", false } };
    struct table t;
    size_t i;
    const json_t *node;

    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    json_array_foreach (nodes, i, node) {
        const json_t *ports = json_object_get(node, "ports"),
                     *store = json_object_get(node, "store");
        uint64_t requests = json_get_number(node, "requests");
        char one[TABLE_AMOUNT_MAX], two[TABLE_AMOUNT_MAX];

        table_cell(&t, "%s", table_text_of(node, "name"));
        table_cell(&t, "%s", table_text_of(node, "pop"));
        put_list(&t, json_object_get(node, "addresses"));
        table_cell(&t, "%" PRIu64, json_get_number(ports, "dns"));
        table_cell(&t, "%" PRIu64, json_get_number(ports, "http"));
        put_port(&t, json_get_number(ports, "https"));
        put_count(&t, node, "dns_queries");
        put_count(&t, node, "requests");
        table_cell(&t, "%s", table_share(json_get_number(node, "hits"), requests, one));
        table_cell(&t, "%s", table_size(json_get_number(node, "sent_bytes"), one));
        put_count(&t, node, "connections");
        put_count(&t, store, "objects");
        table_cell(&t, "%s of %s", table_size(json_get_number(store, "used_bytes"), one),
            table_size(json_get_number(store, "limit_bytes"), two));
    }
    table_write(&t, out);
    table_done(&t);
}

static void put_response(struct table *t, uint64_t response_us)
{
    if (response_us == 0)
        table_cell(t, "-");
    else
        table_cell(t, "%.1f ms", (double)response_us / 1000);
}

static void write_origins(const json_t *origins, struct text *out)
{
    static const struct table_column COLUMNS[] = { { "ORIGIN", false }, { "ADDRESS", false },
        { "NODE", false }, { "FETCHES", true }, { "FAILED", true }, { "IN FLIGHT", true },
        { "RESPONSE", true }, { "LAST ERROR", false } };
    struct table t;
    size_t i;
    const json_t *origin;

    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    json_array_foreach (origins, i, origin) {
        table_cell(&t, "%s/%s", table_text_of(origin, "customer"), table_text_of(origin, "name"));
        table_cell(&t, "%s", table_text_of(origin, "address"));
        table_cell(&t, "%s", table_text_of(origin, "node"));
        put_count(&t, origin, "fetches");
        put_count(&t, origin, "failures");
        put_count(&t, origin, "in_flight");
        put_response(&t, json_get_number(origin, "response_us"));
        if (json_get_text(origin, "last_error").length == 0)
            table_cell(&t, "-");
        else
            table_cell(&t, "%s, %s", table_text_of(origin, "last_error"),
                table_text_of(origin, "last_error_at"));
    }
    if (t.cell_count > 0)
        text_add(out, SLICE("\n"));
    table_write(&t, out);
    table_done(&t);
}

static void write_sites(const json_t *sites, struct text *out)
{
    static const struct table_column COLUMNS[] = { { "SITE", false }, { "CUSTOMER", false },
        { "KIND", false }, { "POLICY", false }, { "ORIGINS", false } };
    struct table t;
    size_t i;
    const json_t *site;

    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    json_array_foreach (sites, i, site) {
        table_cell(&t, "%s", table_text_of(site, "host"));
        table_cell(&t, "%s", table_text_of(site, "customer"));
        table_cell(&t, "%s", table_text_of(site, "kind"));
        table_cell(&t, "%s", table_text_of(site, "policy"));
        put_list(&t, json_object_get(site, "origins"));
    }
    if (t.cell_count > 0)
        text_add(out, SLICE("\n"));
    table_write(&t, out);
    table_done(&t);
}

static void write_certificates(const json_t *certificates, struct text *out)
{
    static const struct table_column COLUMNS[] = { { "CERTIFICATE", false }, { "FILE", false },
        { "DAYS LEFT", true }, { "VALID TILL", false } };
    struct table t;
    size_t i;
    const json_t *one;

    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    json_array_foreach (certificates, i, one) {
        table_cell(&t, "%s", table_text_of(one, "name"));
        table_cell(&t, "%s", table_text_of(one, "file"));
        table_cell(&t, "%lld", json_integer_value(json_object_get(one, "days_left")));
        table_cell(&t, "%s", table_text_of(one, "valid_till"));
    }
    if (t.cell_count > 0)
        text_add(out, SLICE("\n"));
    table_write(&t, out);
    table_done(&t);
    json_array_foreach (certificates, i, one) { // too long for a column
        struct slice note = json_get_text(one, "note");

        if (note.length > 0)
            text_say(out, "%s: %.*s\n", table_text_of(one, "name"), SLICE_ARG(note));
    }
}

/* A network without HTTPS has as many as sites. */
static void write_bare(const json_t *sites, struct text *out)
{
    size_t count = json_array_size(sites);

    for (size_t i = 0; i < count && i < BARE_SHOWN_MAX; i++) {
        const char *host = json_string_value(json_array_get(sites, i));

        text_say(out, "%s%s: no certificate: HTTPS not served\n", i == 0 ? "\n" : "",
            host == NULL ? "-" : host);
    }
    if (count > BARE_SHOWN_MAX)
        text_say(out, "and %zu sites more\n", count - BARE_SHOWN_MAX);
}

/* The line above the tables: a table of one row without its titles would be no clearer. */
static void write_head(const json_t *status, struct text *out)
{
    const json_t *release = json_object_get(status, "release");
    char up[TABLE_AMOUNT_MAX];
    struct table t;
    static const struct table_column COLUMNS[] = { { "NETWORK", false }, { "RELEASE", false },
        { "SERIAL", true }, { "UP", true }, { "WORKERS", true }, { "VERSION", false } };

    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    table_cell(&t, "%s", table_text_of(status, "network"));
    table_cell(&t, "%s", table_text_of(release, "hash"));
    table_cell(&t, "%" PRIu64, json_get_number(release, "serial"));
    table_cell(&t, "%s", table_duration(json_get_number(status, "uptime_s"), up));
    table_cell(&t, "%" PRIu64, json_get_number(status, "workers"));
    table_cell(&t, "%s", table_text_of(status, "version"));
    table_write(&t, out);
    table_done(&t);
    text_add(out, SLICE("\n"));
}

enum err table_status(struct text *out, struct slice json, struct diag *why)
{
    json_t *status = json_read(json);

    if (!json_is_object(status) || !json_is_object(json_object_get(status, "release"))) {
        json_decref(status);
        diag_say(why, "the answer is not the status of a node; is it a node of this version?");
        return ERR_PARSE;
    }
    write_head(status, out);
    write_nodes(json_object_get(status, "nodes"), out);
    table_peers(status, out);
    write_origins(json_object_get(status, "origins"), out);
    table_drains(status, out);
    table_checks(status, out);
    write_sites(json_object_get(status, "sites"), out);
    write_certificates(json_object_get(status, "certificates"), out);
    write_bare(json_object_get(status, "sites_without_certificate"), out);
    json_decref(status);
    return ERR_NONE;
}
