// SPDX-License-Identifier: Apache-2.0
#include "dns/answer.h"

#include <assert.h>

#include "base/attr.h"
#include "steer/pick.h"
#include "wire/dns_writer.h"

static_assert((int)STEER_REASON_COUNT <= (int)ANSWERS_REASONS_MAX, "each reason has a counter");

#define DNS_COUNTER_ROW(field, name, labels, help) \
    COUNTER_ROW(struct dns_counts, field, name, labels, help),

const struct counter_row dns_counter_rows[] = { DNS_COUNTERS(DNS_COUNTER_ROW) };
const size_t dns_counter_row_count = COUNT_OF(dns_counter_rows);

/* The answer in the making. */
struct reply {
    const struct dns_zones *zones;
    const struct steer_map *map;
    struct dns_query *query;
    const struct dns_client *client;
    struct dns_counts *counts;
    unsigned line; // in what is counted by target
    char *out;
    size_t used, limit; // limit: without what OPT will take
    enum dns_rcode rcode;
    uint16_t flags; // beside those that every answer has
    uint16_t answer_count, authority_count;
    uint8_t scope_bits;
    struct dns_given given;
    bool is_ours;  // the name lies in one of our zones
    bool is_empty; // a steered set has nothing for this client
};

/* A name on the way through CNAMEs, and where it stands in the message. */
struct asked {
    struct slice name; // lower case
    size_t at;
    const struct dns_node *node; // NULL: does not exist
};

/* Copies prepared records; false, with TC set, when they do not fit as a whole. */
static bool records_put(struct reply *r, struct slice records, size_t owner_at)
{
    if (records.length > r->limit - r->used) {
        r->flags |= DNS_FLAG_TC;
        return false;
    }
    char *to = r->out + r->used;

    memcpy(to, records.at, records.length);
    r->used += records.length;
    if (LIKELY(owner_at == DNS_OWNER_AT))
        return true;
    for (const char *end = to + records.length; to < end; to += 12 + dns_u16(to + 10))
        dns_u16_put(to, (uint16_t)(DNS_OWNER_BITS | owner_at));
    return true;
}

/*
 * How many leading bits share the private or unroutable block that the address is in; 0: it is in
 * none. By the first octets alone, since this is asked for each query with a subnet.
 */
static uint8_t private_block_bits(const struct ip *ip)
{
    static const struct {
        uint32_t start;
        uint8_t bits, family;
    } BLOCKS[] = {
        { 0x00000000, 8, IP_V4 },
        { 0x0a000000, 8, IP_V4 },
        { 0x64400000, 10, IP_V4 },
        { 0x7f000000, 8, IP_V4 },
        { 0xa9fe0000, 16, IP_V4 },
        { 0xac100000, 12, IP_V4 },
        { 0xc0a80000, 16, IP_V4 },
        { 0xe0000000, 3, IP_V4 },
        { 0x00000000, 32, IP_V6 }, // loopback, and what stands for IPv4
        { 0xfc000000, 7, IP_V6 },
        { 0xfe800000, 9, IP_V6 },
        { 0xff000000, 8, IP_V6 },
    };
    uint32_t start = dns_u32((const char *)ip->bytes);

    for (size_t i = 0; i < COUNT_OF(BLOCKS); i++)
        if (BLOCKS[i].family == ip->family &&
            ((start ^ BLOCKS[i].start) >> (32 - BLOCKS[i].bits)) == 0)
            return BLOCKS[i].bits;
    return 0;
}

static struct steer_pick pick_for(
    const struct reply *r, const struct dns_steered *steered, const struct ip *client)
{
    return steer_pick(r->zones->rows, steered->row, r->map, steered->families, client);
}

static struct steer_pick client_pick(const struct reply *r, const struct dns_steered *steered)
{
    const struct dns_ecs *ecs = &r->query->ecs;
    bool has_subnet = ecs->is_present && ecs->source_bits > 0;
    uint8_t block_bits = has_subnet ? private_block_bits(&ecs->address) : 0;

    if (has_subnet && (block_bits == 0 || private_block_bits(&r->client->address) > 0))
        return pick_for(r, steered, &ecs->address);
    struct steer_pick pick = pick_for(r, steered, &r->client->address);

    // Without a subnet there is no scope to tell; of a private one, any address has this answer.
    pick.scope_bits = pick.scope_bits == 0 ? 0 : block_bits;
    return pick;
}

static struct counter *steered_counter(struct dns_counts *counts, enum steer_reason reason)
{
    switch (reason) {
    case STEER_BEST: return &counts->steered_best;
    case STEER_DRAWN: return &counts->steered_drawn;
    case STEER_NEXT: return &counts->steered_next;
    case STEER_OVER_CAPACITY: return &counts->steered_over_capacity;
    case STEER_RESERVE: return &counts->steered_reserve;
    case STEER_ALL_DOWN: return &counts->steered_all_down;
    case STEER_NOTHING:
    case STEER_REASON_COUNT: break;
    }
    return &counts->steered_nothing;
}

static void given_count(const struct reply *r, const struct dns_steered *steered,
    struct steer_pick pick, unsigned addresses)
{
    if (steered->given == NULL)
        return;
    struct answers_line *line = answers_line(steered->given[pick.target], r->line);

    counter_add(&line->of[pick.reason], addresses);
}

/* One RRset of the node, at least counted: a steered one by the target picked for the client. */
static bool set_put(struct reply *r, const struct dns_set *set, size_t owner_at)
{
    struct slice records = slice_of(set->body, set->length);
    uint16_t count = set->record_count;
    const struct dns_steered *steered = NULL;
    struct steer_pick pick = { 0 };

    if (set->is_steered) {
        uint32_t index;

        memcpy(&index, set->body, sizeof index);
        steered = &r->zones->steered[index];
        pick = client_pick(r, steered);

        counter_up(steered_counter(r->counts, pick.reason));
        if (UNLIKELY(pick.reason == STEER_NOTHING)) {
            r->is_empty = true;
            return true;
        }
        const struct dns_body *body = &steered->bodies[pick.member];

        records = slice_of(body->at, body->length);
        count = body->record_count;
        r->scope_bits = pick.scope_bits > r->scope_bits ? pick.scope_bits : r->scope_bits;
    }
    if (!records_put(r, records, owner_at))
        return false;
    if (steered != NULL) {
        r->given = (struct dns_given){ steered, r->given.addresses + count };
        given_count(r, steered, pick, count);
    }
    r->answer_count = (uint16_t)(r->answer_count + count);
    return true;
}

/* SOA for a name without such data: its owner is the tail of the name as it stands. */
static void soa_put(struct reply *r, const struct asked *asked, const struct dns_zone *zone)
{
    size_t owner_at = asked->at + asked->name.length - zone->name_length;
    const char *soa = r->zones->block + (size_t)zone->soa_at * DNS_BLOCK_UNIT;

    r->authority_count = records_put(r, slice_of(soa, zone->soa_length), owner_at);
}

static void any_put(struct reply *r, const struct asked *asked)
{
    const struct dns_set *set = dns_node_sets(asked->node);

    for (unsigned left = asked->node->set_count; left > 0; left--, set = dns_set_next(set))
        if (!set_put(r, set, asked->at) || !r->client->is_stream)
            return;
}

/* The name is not in the table: missing in one of our zones, or none of our business. */
static void missing_put(struct reply *r, const struct asked *asked)
{
    const struct dns_zone *zone = dns_zones_enclosing(r->zones, &r->query->name);

    if (zone != NULL) {
        r->rcode = DNS_RCODE_NXDOMAIN;
        r->is_ours = true;
        soa_put(r, asked, zone);
        return;
    }
    // At the end of a chain that leaves our zones there is nothing to refuse.
    if (r->answer_count == 0)
        r->rcode = DNS_RCODE_REFUSED;
}

/* The CNAME's target becomes the name asked for. It was just put, and stands last. */
static void chain_follow(struct reply *r, struct asked *asked, const struct dns_set *cname)
{
    struct dns_name *name = &r->query->name; // the first name has had its time
    struct slice target = slice_from(slice_of(cname->body, cname->length), 12);
    uint8_t labels = 0;
    size_t length = dns_name_measure(target, 0, &labels);

    assert(length == target.length);
    uint64_t hash = dns_name_lower(target, labels, r->zones->seed, name);

    asked->name = dns_name_wire(name);
    asked->at = r->used - length;
    asked->node = dns_zones_find(r->zones, asked->name, hash);
}

static void resolve(struct reply *r)
{
    struct slice name = dns_name_wire(&r->query->name);
    struct asked asked = { name, DNS_OWNER_AT, dns_zones_find(r->zones, name, r->query->hash) };

    for (unsigned hops = 0; asked.node != NULL; hops++) {
        const struct dns_set *set = dns_node_set(asked.node, r->query->type);

        r->is_ours = true;
        if (LIKELY(set != NULL)) {
            set_put(r, set, asked.at);
            if (UNLIKELY(r->is_empty))
                soa_put(r, &asked, &r->zones->zones[asked.node->zone]);
            return;
        }
        const struct dns_set *cname = dns_node_set(asked.node, DNS_TYPE_CNAME);

        if (r->query->type == DNS_TYPE_ANY && asked.node->set_count > 0) {
            any_put(r, &asked);
            if (r->is_empty && r->answer_count == 0)
                soa_put(r, &asked, &r->zones->zones[asked.node->zone]);
            return;
        }
        if (cname == NULL) {
            soa_put(r, &asked, &r->zones->zones[asked.node->zone]);
            return;
        }
        if (hops == DNS_CHAIN_MAX) {
            counter_up(&r->counts->chain_limited);
            return;
        }
        if (!set_put(r, cname, asked.at))
            return;
        chain_follow(r, &asked, cname);
    }
    missing_put(r, &asked);
}

/* NOERROR when the type is one that zones can hold. */
static enum dns_rcode type_check(uint16_t type)
{
    switch (type) {
    case 0:
    case DNS_TYPE_OPT:
    case DNS_TYPE_NXNAME:
    case DNS_TYPE_TSIG: return DNS_RCODE_FORMERR;
    case DNS_TYPE_TKEY:
    case DNS_TYPE_MAILA:
    case DNS_TYPE_MAILB: return DNS_RCODE_NOTIMP;
    case DNS_TYPE_AXFR:
    case DNS_TYPE_IXFR: return DNS_RCODE_REFUSED;
    default: return DNS_RCODE_NOERROR;
    }
}

static void question_answer(struct reply *r)
{
    r->rcode = type_check(r->query->type);
    if (r->rcode != DNS_RCODE_NOERROR)
        return;
    if (r->query->class != DNS_CLASS_IN)
        r->rcode = DNS_RCODE_REFUSED;
    else if (r->zones == NULL)
        r->rcode = DNS_RCODE_SERVFAIL;
    else
        resolve(r);
}

static size_t reply_limit(const struct reply *r, size_t room)
{
    const struct dns_edns *edns = &r->query->edns;
    size_t limit = r->client->is_stream ? DNS_MESSAGE_MAX : DNS_UDP_MIN;

    if (!r->client->is_stream && edns->is_present && edns->payload > DNS_UDP_MIN)
        limit = edns->payload < DNS_UDP_MAX ? edns->payload : DNS_UDP_MAX;
    limit = limit < room ? limit : room;
    return edns->is_present ? limit - dns_opt_size(&r->query->ecs) : limit;
}

/* OPT goes behind the limit that was kept free for it; the header is written last. */
static size_t reply_finish(struct reply *r)
{
    const struct dns_query *query = r->query;
    struct dns_writer w = { .out = r->out, .used = r->used, .room = DNS_MESSAGE_MAX };

    if (query->edns.is_present)
        dns_write_opt(
            &w, &(struct dns_opt){
                    .edns = { .is_dnssec_ok = query->edns.is_dnssec_ok, .payload = DNS_UDP_MAX },
                    .rcode = r->rcode,
                    .ecs = r->is_ours ? &query->ecs : NULL,
                    .scope_bits = r->scope_bits,
                });
    dns_header_put(r->out,
        &(struct dns_header){
            .id = query->id,
            .flags =
                (uint16_t)(DNS_FLAG_QR | (query->flags & (DNS_OPCODE_BITS | DNS_FLAG_RD)) |
                           r->flags | (r->is_ours ? DNS_FLAG_AA : 0) | (r->rcode & DNS_RCODE_BITS)),
            .question_count = query->question.length > 0,
            .answer_count = r->answer_count,
            .authority_count = r->authority_count,
            .additional_count = query->edns.is_present,
        });
    return w.used;
}

static void reply_count(const struct reply *r)
{
    struct dns_counts *counts = r->counts;

    if ((r->flags & DNS_FLAG_TC) != 0)
        counter_up(&counts->truncated);
    if (r->query->ecs.is_present)
        counter_up(&counts->subnets);
    switch (r->rcode) {
    case DNS_RCODE_NOERROR:
        counter_up(r->authority_count > 0 ? &counts->nodata : &counts->data);
        break;
    case DNS_RCODE_FORMERR: counter_up(&counts->formerr); break;
    case DNS_RCODE_SERVFAIL: counter_up(&counts->servfail); break;
    case DNS_RCODE_NXDOMAIN: counter_up(&counts->nxdomain); break;
    case DNS_RCODE_NOTIMP: counter_up(&counts->notimp); break;
    case DNS_RCODE_REFUSED: counter_up(&counts->refused); break;
    case DNS_RCODE_BADVERS: counter_up(&counts->badvers); break;
    }
}

size_t dns_answer(struct dns_answerer *answerer, const struct dns_client *client,
    struct slice message, char *out, size_t room)
{
    assert(room >= DNS_UDP_MIN);
    struct dns_query *query = &answerer->query;
    struct dns_counts *counts = answerer->counts;
    const struct dns_zones *zones = answerer->zones;
    enum dns_verdict verdict = dns_query_parse(message, zones == NULL ? 0 : zones->seed, query);

    counter_up(client->is_stream ? &counts->queries_tcp : &counts->queries_udp);
    if (verdict == DNS_SILENCE) {
        counter_up(&counts->silence);
        answerer->given = (struct dns_given){ 0 };
        return 0;
    }
    struct reply r = { .zones = zones,
        .map = answerer->map,
        .query = query,
        .client = client,
        .counts = counts,
        .line = answerer->line,
        .out = out,
        .used = DNS_HEADER_SIZE };

    r.limit = reply_limit(&r, room);
    if (query->question.length > 0)
        memcpy(out + DNS_HEADER_SIZE, query->question.at, query->question.length);
    r.used += query->question.length;
    switch (verdict) {
    case DNS_ANSWERABLE: question_answer(&r); break;
    case DNS_FORMERR: r.rcode = DNS_RCODE_FORMERR; break;
    case DNS_BADVERS: r.rcode = DNS_RCODE_BADVERS; break;
    case DNS_NOTIMP:
    case DNS_SILENCE: r.rcode = DNS_RCODE_NOTIMP; break;
    }
    reply_count(&r);
    answerer->given = r.given;
    return reply_finish(&r);
}
