// SPDX-License-Identifier: Apache-2.0
#include "admin/schemas.h"

#include <assert.h>
#include <stdio.h>

#include "admin/json.h"

enum { REF_MAX = 128 };

#define KINDS_OF_USAGE                                                                   \
    "requests:whole hit:whole stale:whole miss:whole revalidated:whole collapsed:whole " \
    "pass:whole refused:whole error:whole redirected:whole sent_bytes:whole "            \
    "filled_bytes:whole dns_answers:whole dns_addresses:whole"
#define MEASURES                                                                             \
    "latency_us?:@measure response_us?:@measure excess_us?:@measure errors_share?:@measure " \
    "cpu_share?:@measure memory_share?:@measure load_share?:@measure rate_per_s?:@measure "  \
    "in_flight?:@measure"
#define HOW_IT_IS                                                                            \
    "state:up,down,drained,unknown latency_ms?:real response_ms?:real load?:real cpu?:real " \
    "memory?:real requests_per_s?:real"
#define ORDER                                                                                \
    "number:count era:hash id:text kind:text site?:text soft?:flag path?:text prefix?:text " \
    "tag?:text pop?:text node?:text origin?:text by:text given_at:time"
#define ORDERS "node:text now:time era:hash newest:count behind:flag unwritten:flag"

const struct schema schemas[] = {
    { "error", "error:@error_text" },
    { "error_text", "code:text message:text mend:text" },
    { "release", "hash:hash serial:count" },

    { "status", "network:text customer?:text version:text now:time uptime_s:count workers:count "
                "release:@release nodes:[@status_node] peers:[@peer] origins:[@status_origin] "
                "sites:[@status_site] certificates:[@certificate] sites_without_certificate:[text] "
                "checks:[@measured_check] checks_left_out:count drains:[@drain] "
                "after?:count" },
    { "status_node",
        "name:text pop:text place:text addresses:[text] ports:@ports dns_queries:count "
        "requests:count hits:count sent_bytes:count connections:count store:@store "
        "map?:@node_map" },
    { "ports", "dns:count http:count https:count admin:count" },
    { "store", "used_bytes:count limit_bytes:count objects:count" },
    { "node_map", "hash:hash shared:hash epoch:time" },
    { "peer", "name:text pop:text state:self,present,missing,left,never_heard heard_ms?:count "
              "leaving?:flag suspect?:flag blind?:flag release?:hash map?:@peer_map "
              "orders?:@peer_orders" },
    { "peer_map", "hash:hash epoch:time" },
    { "peer_orders", "era:hash applied:count drains:hash" },
    { "status_origin",
        "customer:text name:text address:text node:text fetches:count failures:count "
        "in_flight:count response_us?:count last_error?:text last_error_at?:time" },
    { "status_site",
        "host:text customer:text kind:steer,deliver policy:text origins:[text] ttl_s:count" },
    { "certificate",
        "name:text file?:text valid_from:time valid_till:time days_left:whole note?:text" },
    { "check",
        "name:text target:text kind:http,ftp,tcp,icmp,load node:text every_ms:count rise:count "
        "verdict:up,down,unknown since?:time outcome?:text outcome_at?:time reply?:count "
        "counted?:@counted" },
    { "measured_check",
        "name:text target:text kind:http,ftp,tcp,icmp,load node:text every_ms:count rise:count "
        "verdict:up,down,unknown since?:time outcome?:text outcome_at?:time reply?:count "
        "counted?:@counted " MEASURES },
    { "counted", "verdict:up,down by:node,groups groups:count groups_down:count" },
    { "measure", "value:real spread:real age_s:real" },
    { "drain", "what:pop,node,origin name:text since:time by:text order:count in_release:flag" },

    { "network", "network:text zone:text release:@release pops:[@network_pop] "
                 "customers:[@network_customer]" },
    { "network_pop", "pop:text place:text location:[real]|null capacity_bits_per_s?:count "
                     "nodes:[@network_node] " HOW_IT_IS },
    { "network_node", "node:text addresses:[text] capacity_bits_per_s?:count " HOW_IT_IS },
    { "network_customer", "customer:text origins:[@network_origin] sites:[@network_site]" },
    { "network_origin",
        "origin:text address:text location:[real]|null capacity_requests_per_s?:real " HOW_IT_IS },
    { "network_site",
        "site:text name:text kind:steer,deliver policy:text targets:[text] origins:[text]" },

    { "changes", "now:time changes:[@change] after?:count" },
    { "change",
        "number:count at:time kind:target,order,release,node,certificate what:text text:text "
        "by?:text more?:count" },

    { "live", "now:time uptime_s:count nodes:[@live_node] sites:[@live_site] "
              "sites_left_out?:count" },
    { "live_node", "node:text pop:text dns_queries_per_s:real requests_per_s:real hits_per_s:real "
                   "sent_bytes_per_s:real connections:count cpu?:real memory?:real" },
    { "live_site",
        "site:text customer:text requests_per_s:real hits_per_s:real sent_bytes_per_s:real "
        "dns_answers_per_s:real" },

    { "why", "name:text customer:text kind:steer,deliver policy:text ordered_by:text "
             "all_down:any,nodata ttl_s:count node:text now:time at?:text release?:hash "
             "client:@why_client "
             "latency_basis:text margin_ms:real is_dominant:flag map?:@why_map "
             "answers:[@why_answer] targets:[@why_target] targets_left_out:count" },
    { "why_client", "address?:text cell:count country?:text latitude?:real longitude?:real" },
    { "why_map", "hash:hash epoch:time age_s:count observers:count" },
    { "why_answer",
        "type:A,AAAA reason:text scope_bits:count target?:text node?:text addresses?:[text]" },
    { "why_target",
        "name:text weight:count is_reserve:flag is_picked:flag rank?:count cost_ms:real "
        "value_ms:real load?:real pressure:real wins_below_ms?:real is_fit:flag "
        "is_in_band:flag sheds_client:flag shed_share:real terms:{@why_term} "
        "members:[@why_member] checks:[@check]" },
    { "why_term", "ms:real weight:count sources:count measured_ms?:real measured_share?:real "
                  "spread_ms?:real spread_share?:real age_s?:real" },
    { "why_member", "node?:text addresses:[text] is_down:flag is_drained:flag is_leaving:flag "
                    "checks:[@check]" },

    { "view", "node:text now:time reports_held:count reports_after:count after?:text "
              "observers:[@observer] reports:[@report]" },
    { "observer", "name:text is_self:flag is_known:flag reports:count age_s:real" },
    { "report", "observer:text check:text check_id:hash kind:text unit:text value:real spread:real "
                "evidence:real age_s:real" },

    { "map", "node:text now:time release:hash geo:hash map?:@map_of sites:[@map_site] "
             "sites_left_out:count classes:[@map_class] facts:[@map_fact] checks_left_out:count" },
    { "map_of", "hash:hash shared:hash epoch:time age_s:count" },
    { "map_site", "name:text kind:steer,deliver policy:text class:count choices:[@map_choice] "
                  "down:[text]" },
    { "map_choice", "target:text is_in_band:flag shed_share:real" },
    { "map_class", "cell_count:count hash:hash cells?:text" },
    { "map_fact", "check:text check_id:hash kind:text unit:text own?:@map_value all:@map_value" },
    { "map_value", "value:real planned:real spread:real age_s:real sources:count" },

    { "answers", "answers:[@answers_row] after?:text" },
    { "answers_row", "node:text customer:text site:text target:text reason:text addresses:count" },

    { "reload", "release:@release" },
    { "purge_body", "url?:text prefix?:text tag?:text site?:text soft?:flag id?:text" },
    { "drain_body", "pop?:text node?:text origin?:text id?:text" },
    { "given", "order:@order" },
    { "order", ORDER },
    { "listed_order", ORDER " nodes:count applied:count missing:[text]" },
    { "orders", ORDERS " orders:[@listed_order] after?:count" },
    { "one_order", ORDERS " order:@listed_order receipts:[@receipt]" },
    { "receipt",
        "node:text pop:text present:flag applied:flag applied_at?:time applied_after_ms?:count "
        "heard_at?:time heard_ago_ms?:count" },

    { "usage", "node:text now:time customer?:text site?:text pop?:text from:time to:time "
               "by:hour,day,month,customer,site,pop usage:[@usage_row] total:@usage_total "
               "more:count after?:count "
               "unsettled:[@unsettled]" },
    { "usage_row", "at?:time customer?:text site?:text pop?:text " KINDS_OF_USAGE },
    { "usage_total", KINDS_OF_USAGE },
    { "unsettled", "node:text entries:count" },
    { "invoices", "node:text now:time month:text invoices:[@invoices_row] more:count after?:text" },
    { "invoices_row", "customer:text totals?:[@money] error?:text plans:[text] entries:count" },
    { "money", "currency:text amount:text" },
    { "invoice", "invoice:count customer:text month:text totals:[@money] plans:[@invoice_plan] "
                 "lines:[@invoice_line] entries:[@invoice_chain]" },
    { "invoice_plan", "plan:text currency:text from_ms:count held_ms:count text:text sha256:text" },
    { "invoice_line",
        "plan:count line:text group?:text tier?:count quantity:count unit:text price:text "
        "per:text amount:text" },
    { "invoice_chain", "node:text first:count last:count count:count sha256:text" },
    { "verdict", "verified:flag customer:text month:text difference?:text" },
    { "correction_body",
        "customer:text site:text kind:text reason:text take_back:count pop?:text month?:text "
        "at?:text" },
    { "corrected", "correction:@correction" },
    { "correction", "chain:text sequence:count customer:text site:text pop:text month:text at:time "
                    "kind:text taken_back:count reason:text" },
    { NULL, NULL },
};

static json_t *typed(const char *type)
{
    json_t *object = json_object();

    json_put_text(object, "type", slice_text(type));
    return object;
}

/* What the words stand for that are neither a list nor a name. */
static json_t *plain_json(struct slice type)
{
    static const struct {
        struct slice word;
        const char *type, *key, *value;
    } WORDS[] = {
        { { "text", 4 }, "string", NULL, NULL },
        { { "flag", 4 }, "boolean", NULL, NULL },
        { { "real", 4 }, "number", NULL, NULL },
        { { "whole", 5 }, "integer", NULL, NULL },
        { { "count", 5 }, "integer", "minimum", NULL },
        { { "time", 4 }, "string", "format", "date-time" },
        { { "hash", 4 }, "string", "pattern", "^[0-9a-f]{16}$" },
    };

    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        if (!slice_equal(type, WORDS[i].word))
            continue;
        json_t *object = typed(WORDS[i].type);

        if (WORDS[i].value != NULL)
            json_put_text(object, WORDS[i].key, slice_text(WORDS[i].value));
        else if (WORDS[i].key != NULL)
            json_put_number(object, WORDS[i].key, 0);
        return object;
    }
    return NULL;
}

static json_t *choice_json(struct slice words)
{
    json_t *object = typed("string"), *list = json_array();
    struct slice word;

    while (slice_cut(&words, ',', &word)) {
        char text[REF_MAX];

        // A word of the wire may hold a space, which the line has no room for.
        snprintf(text, sizeof text, "%.*s", SLICE_ARG(word));
        for (char *c = text; *c != '\0'; c++)
            if (*c == '_')
                *c = ' ';
        json_array_append_new(list, json_string(text));
    }
    json_object_set_new(object, "enum", list);
    return object;
}

static json_t *ref_json(struct slice name)
{
    json_t *object = json_object();
    char text[REF_MAX];

    snprintf(text, sizeof text, "#/components/schemas/%.*s", SLICE_ARG(name));
    json_put_text(object, "$ref", slice_text(text));
    return object;
}

/* What may be null as well: its type is a list of two. */
static json_t *with_null(json_t *object)
{
    json_t *list = json_array();

    json_array_append(list, json_object_get(object, "type"));
    json_array_append_new(list, json_string("null"));
    json_object_set_new(object, "type", list);
    return object;
}

static struct slice inner(struct slice type)
{
    return slice_of(type.at + 1, type.length - 2);
}

/* A type without `[]`, `{}` and `|null` around it. */
static json_t *single_json(struct slice type)
{
    json_t *object = type.at[0] == '@' ? ref_json(slice_from(type, 1)) : plain_json(type);

    return object != NULL ? object : choice_json(type);
}

static json_t *type_json(struct slice type)
{
    bool may_be_null = slice_ends(type, SLICE("|null"));
    json_t *object;

    assert(type.length > 0);
    if (may_be_null)
        type = slice_head(type, type.length - strlen("|null"));
    if (type.at[0] == '[') {
        object = typed("array");
        json_object_set_new(object, "items", single_json(inner(type)));
    } else if (type.at[0] == '{') {
        object = typed("object");
        json_object_set_new(object, "additionalProperties", single_json(inner(type)));
    } else {
        object = single_json(type);
    }
    return may_be_null ? with_null(object) : object;
}

static json_t *members_json(const char *members)
{
    json_t *object = typed("object"), *properties = json_object(), *needed = json_array();
    struct slice rest = slice_text(members), member;

    while (slice_cut(&rest, ' ', &member)) {
        size_t colon = slice_find(member, ':');
        struct slice name = slice_head(member, colon);
        bool is_needed = !slice_ends(name, SLICE("?"));
        char key[REF_MAX];

        assert(colon < member.length && name.length < sizeof key);
        snprintf(key, sizeof key, "%.*s", SLICE_ARG(slice_head(name, name.length - !is_needed)));
        json_object_set_new(properties, key, type_json(slice_from(member, colon + 1)));
        if (is_needed)
            json_array_append_new(needed, json_string(key));
    }
    json_object_set_new(object, "properties", properties);
    json_object_set_new(object, "required", needed);
    return object;
}

json_t *schemas_json(void)
{
    json_t *object = json_object();

    for (const struct schema *s = schemas; s->name != NULL; s++)
        json_object_set_new(object, s->name, members_json(s->members));
    return object;
}
