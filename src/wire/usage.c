// SPDX-License-Identifier: Apache-2.0
#include "wire/usage.h"

#include <assert.h>

#include "base/number.h"

enum { VERSION = 1, MARK_SIZE = 4, TOTALS_SIZE = 16 };

static const char MARK[MARK_SIZE] = { 'w', 'p', 'u', VERSION };

static_assert(MARK_SIZE + 4 + 4 * 8 + USAGE_HASH_SIZE + 4 + 2 == USAGE_ENTRY_HEADER_SIZE,
    "the fields are the header");
static_assert(USAGE_NAME_MAX <= UINT8_MAX && USAGE_REASON_MAX <= UINT16_MAX, "lengths fit");
static_assert(USAGE_KIND_COUNT <= 32, "each kind has a bit");

/* Printed in tables, logs and invoices. */
static bool is_plain(struct slice text, size_t most)
{
    return text.length <= most && !slice_has_control(text);
}

static bool are_totals_sane(const struct usage_entry *entry)
{
    bool is_correction = entry->reason.length > 0;

    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
        uint64_t from = entry->from.of[kind], to = entry->to.of[kind];

        if (from > INT64_MAX || to > INT64_MAX || (to < from && !is_correction))
            return false;
    }
    return true;
}

static bool is_zero(const unsigned char hash[USAGE_HASH_SIZE])
{
    static const unsigned char none[USAGE_HASH_SIZE];

    return memcmp(hash, none, USAGE_HASH_SIZE) == 0;
}

bool usage_entry_is_sane(const struct usage_entry *entry)
{
    return entry->node.length > 0 && entry->pop.length > 0 &&
           (entry->customer.length > 0) == (entry->site.length > 0) &&
           is_plain(entry->node, USAGE_NAME_MAX) && is_plain(entry->pop, USAGE_NAME_MAX) &&
           is_plain(entry->customer, USAGE_NAME_MAX) && is_plain(entry->site, USAGE_NAME_MAX) &&
           is_plain(entry->reason, USAGE_REASON_MAX) && entry->sequence > 0 &&
           (entry->sequence > 1 || is_zero(entry->before)) && entry->begin.ms >= 0 &&
           entry->begin.ms <= entry->end.ms && entry->end.ms <= USAGE_WALL_MAX.ms &&
           are_totals_sane(entry);
}

/* A bit for each kind that has something to say. */
static uint64_t kinds_of(const struct usage_entry *entry)
{
    uint64_t kinds = 0;

    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        if ((entry->from.of[kind] | entry->to.of[kind]) != 0)
            kinds |= UINT64_C(1) << kind;
    return kinds;
}

static char *put_totals(char *out, const struct usage_entry *entry, uint64_t kinds)
{
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
        if ((kinds >> kind & 1) == 0)
            continue;
        out = number_put(out, entry->from.of[kind], 8);
        out = number_put(out, entry->to.of[kind], 8);
    }
    return out;
}

struct slice usage_entry_write(const struct usage_entry *entry, char *room)
{
    assert(usage_entry_is_sane(entry));
    uint64_t kinds = kinds_of(entry);
    char *out = bytes_put(room, MARK, MARK_SIZE);

    out = number_put(out, kinds, 4);
    out = number_put(out, entry->boot, 8);
    out = number_put(out, entry->sequence, 8);
    out = number_put(out, (uint64_t)entry->begin.ms, 8);
    out = number_put(out, (uint64_t)entry->end.ms, 8);
    out = bytes_put(out, entry->before, USAGE_HASH_SIZE);
    out = number_put(out, entry->node.length, 1);
    out = number_put(out, entry->pop.length, 1);
    out = number_put(out, entry->customer.length, 1);
    out = number_put(out, entry->site.length, 1);
    out = number_put(out, entry->reason.length, 2);
    out = put_totals(out, entry, kinds);
    out = bytes_put(out, entry->node.at, entry->node.length);
    out = bytes_put(out, entry->pop.at, entry->pop.length);
    out = bytes_put(out, entry->customer.at, entry->customer.length);
    out = bytes_put(out, entry->site.at, entry->site.length);
    out = bytes_put(out, entry->reason.at, entry->reason.length);
    return slice_of(room, (size_t)(out - room));
}

/* The fixed fields; of the texts the lengths alone. False: a time out of range. */
static bool get_header(const char **in, struct usage_entry *entry)
{
    entry->boot = number_get(in, 8);
    entry->sequence = number_get(in, 8);
    uint64_t begin_ms = number_get(in, 8), end_ms = number_get(in, 8);

    memcpy(entry->before, *in, USAGE_HASH_SIZE);
    *in += USAGE_HASH_SIZE;
    entry->node.length = (size_t)number_get(in, 1);
    entry->pop.length = (size_t)number_get(in, 1);
    entry->customer.length = (size_t)number_get(in, 1);
    entry->site.length = (size_t)number_get(in, 1);
    entry->reason.length = (size_t)number_get(in, 2);
    if (begin_ms > INT64_MAX || end_ms > INT64_MAX)
        return false;
    entry->begin.ms = (int64_t)begin_ms;
    entry->end.ms = (int64_t)end_ms;
    return true;
}

static void get_totals(const char **in, uint64_t kinds, struct usage_entry *entry)
{
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
        if ((kinds >> kind & 1) == 0)
            continue;
        entry->from.of[kind] = number_get(in, 8);
        entry->to.of[kind] = number_get(in, 8);
    }
}

static size_t length_of(const struct usage_entry *entry, uint64_t kinds)
{
    return USAGE_ENTRY_HEADER_SIZE + TOTALS_SIZE * (size_t)__builtin_popcountll(kinds) +
           entry->node.length + entry->pop.length + entry->customer.length + entry->site.length +
           entry->reason.length;
}

bool usage_entry_parse(struct slice bytes, struct usage_entry *entry)
{
    if (bytes.length < USAGE_ENTRY_HEADER_SIZE || memcmp(bytes.at, MARK, MARK_SIZE) != 0)
        return false;
    const char *in = bytes.at + MARK_SIZE;
    struct usage_entry read = { 0 };
    uint64_t kinds = number_get(&in, 4);

    if (kinds >> USAGE_KIND_COUNT != 0 || !get_header(&in, &read) ||
        bytes.length != length_of(&read, kinds))
        return false;
    get_totals(&in, kinds, &read);
    read.node = bytes_get(&in, read.node.length);
    read.pop = bytes_get(&in, read.pop.length);
    read.customer = bytes_get(&in, read.customer.length);
    read.site = bytes_get(&in, read.site.length);
    read.reason = bytes_get(&in, read.reason.length);
    // A kind that is named and zero would be a second way to say the same.
    if (!usage_entry_is_sane(&read) || kinds != kinds_of(&read))
        return false;
    *entry = read;
    return true;
}

size_t usage_batch_put(struct slice entry, char *room)
{
    assert(entry.length <= USAGE_ENTRY_MAX);
    char *out = number_put(room, entry.length, 2);

    return (size_t)(bytes_put(out, entry.at, entry.length) - room);
}

bool usage_batch_next(struct slice *batch, struct slice *entry)
{
    if (batch->length < 2)
        return false;
    const char *in = batch->at;
    size_t length = (size_t)number_get(&in, 2);

    if (batch->length - 2 < length)
        return false;
    *entry = slice_of(in, length);
    *batch = slice_from(*batch, 2 + length);
    return true;
}

uint64_t usage_requests(const struct usage_totals *totals)
{
    uint64_t requests = 0;

    for (int kind = USAGE_HIT; kind <= USAGE_REDIRECTED; kind++)
        requests += totals->of[kind];
    return requests;
}

const char *usage_kind_text(enum usage_kind kind)
{
    switch (kind) {
    case USAGE_HIT: return "hit";
    case USAGE_STALE: return "stale";
    case USAGE_MISS: return "miss";
    case USAGE_REVALIDATED: return "revalidated";
    case USAGE_COLLAPSED: return "collapsed";
    case USAGE_PASS: return "pass";
    case USAGE_REFUSED: return "refused";
    case USAGE_ERROR: return "error";
    case USAGE_REDIRECTED: return "redirected";
    case USAGE_SENT_BYTES: return "sent_bytes";
    case USAGE_FILLED_BYTES: return "filled_bytes";
    case USAGE_DNS_ANSWERS: return "dns_answers";
    case USAGE_DNS_ADDRESSES: return "dns_addresses";
    case USAGE_KIND_COUNT: break;
    }
    return "unknown";
}
