// SPDX-License-Identifier: Apache-2.0
#include "meter/closing.h"

#include <assert.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "tls/sha256.h"

static_assert((int)SHA256_SIZE == (int)USAGE_HASH_SIZE, "the hash of an entry");

enum { SITES_FIRST = 64 }; // of a table; a power of two

struct site {
    char *names; // customer, then site; NULL: the place is free
    size_t customer_length, site_length;
    uint64_t hash;
    bool is_known; // `closed` is what the chain or the journal says
    struct usage_totals closed;
};

struct closing {
    char *node, *pop;
    size_t node_length, pop_length;
    uint64_t boot;
    struct wall begin, end; // of the interval that is being closed
    struct closing_position position;
    struct site *sites; // open addressing, at most half full
    size_t site_count, site_room;
    struct closing_counts counts;
};

#define COUNTER_ROW_OF_CLOSING(field, name, labels, help) \
    COUNTER_ROW(struct closing_counts, field, name, labels, help),

const struct counter_row closing_counter_rows[] = { CLOSING_COUNTERS(COUNTER_ROW_OF_CLOSING) };
const size_t closing_counter_row_count = COUNT_OF(closing_counter_rows);

static void forget_sites(struct closing *c)
{
    for (size_t i = 0; i < c->site_room; i++)
        mem_free(c->sites[i].names);
    mem_free(c->sites);
    c->sites = mem_array(SITES_FIRST, sizeof *c->sites);
    c->site_room = SITES_FIRST;
    c->site_count = 0;
}

struct closing *closing_new(struct slice node, struct slice pop)
{
    struct closing *c = mem_new(struct closing);

    assert(node.length > 0 && node.length <= USAGE_NAME_MAX && pop.length > 0 &&
           pop.length <= USAGE_NAME_MAX);
    c->node = mem_text(node.at, node.length);
    c->node_length = node.length;
    c->pop = mem_text(pop.at, pop.length);
    c->pop_length = pop.length;
    forget_sites(c);
    return c;
}

void closing_free(struct closing *closing)
{
    if (closing == NULL)
        return;
    forget_sites(closing);
    mem_free(closing->sites);
    mem_free(closing->node);
    mem_free(closing->pop);
    mem_free(closing);
}

static bool is_site(const struct site *s, uint64_t hash, struct slice customer, struct slice site)
{
    return s->hash == hash && s->customer_length == customer.length &&
           slice_equal(slice_of(s->names, s->customer_length), customer) &&
           slice_equal(slice_of(s->names + s->customer_length, s->site_length), site);
}

/* Where it stands, or the free place where it would. */
static struct site *find(
    const struct closing *c, uint64_t hash, struct slice customer, struct slice site)
{
    size_t at = hash & (c->site_room - 1);

    while (c->sites[at].names != NULL && !is_site(&c->sites[at], hash, customer, site))
        at = (at + 1) & (c->site_room - 1);
    return &c->sites[at];
}

static void grow(struct closing *c)
{
    struct site *old = c->sites;
    size_t old_room = c->site_room;

    c->site_room *= 2;
    c->sites = mem_array(c->site_room, sizeof *c->sites);
    for (size_t i = 0; i < old_room; i++) {
        const struct site *s = &old[i];

        if (s->names != NULL)
            *find(c, s->hash, slice_of(s->names, s->customer_length),
                slice_of(s->names + s->customer_length, s->site_length)) = *s;
    }
    mem_free(old);
}

/* The site, added where it is new; NULL: there is no room for it. */
static struct site *site_of(struct closing *c, struct slice customer, struct slice site)
{
    uint64_t hash = hash_bytes(site, hash_bytes(customer, 0));
    struct site *s = find(c, hash, customer, site);

    if (s->names != NULL)
        return s;
    if (c->site_count == CLOSING_SITES_MAX) {
        counter_up(&c->counts.no_room);
        return NULL;
    }
    if (2 * (c->site_count + 1) > c->site_room) {
        grow(c);
        s = find(c, hash, customer, site);
    }
    *s = (struct site){ .names = mem_alloc(customer.length + site.length + 1),
        .customer_length = customer.length,
        .site_length = site.length,
        .hash = hash };
    if (customer.length > 0)
        memcpy(s->names, customer.at, customer.length);
    if (site.length > 0)
        memcpy(s->names + customer.length, site.at, site.length);
    c->site_count++;
    return s;
}

static void set_closed(struct site *s, const struct usage_totals *totals)
{
    s->closed = *totals;
    s->is_known = true;
}

static void use_boot(struct closing *c, uint64_t boot)
{
    if (c->boot != boot)
        forget_sites(c);
    c->boot = boot;
}

void closing_learn(struct closing *closing, const struct usage_entry *entry,
    const unsigned char hash[USAGE_HASH_SIZE])
{
    struct closing_position *p = &closing->position;

    use_boot(closing, entry->boot);
    struct site *s = site_of(closing, entry->customer, entry->site);

    if (s != NULL)
        set_closed(s, &entry->to);
    p->sequence = entry->sequence;
    memcpy(p->hash, hash, USAGE_HASH_SIZE);
    if (p->end.ms < entry->end.ms)
        p->end = entry->end;
}

void closing_move(
    struct closing *closing, uint64_t sequence, const unsigned char hash[USAGE_HASH_SIZE])
{
    closing->position.sequence = sequence;
    memcpy(closing->position.hash, hash, USAGE_HASH_SIZE);
}

static struct wall clamp(struct wall at, struct wall least)
{
    struct wall most = USAGE_WALL_MAX;

    if (at.ms > most.ms)
        at = most;
    return at.ms < least.ms ? least : at;
}

void closing_begin(struct closing *closing, uint64_t boot, struct wall begin, struct wall end)
{
    use_boot(closing, boot);
    closing->begin = clamp(begin, closing->position.end);
    closing->end = clamp(end, closing->begin);
    if (closing->begin.ms != begin.ms || closing->end.ms != end.ms)
        counter_up(&closing->counts.clamped);
}

/* No total may be less than it was; those beyond what the ledger holds stay there. */
static bool bring_up(
    struct usage_totals *to, const struct usage_totals *from, const struct usage_totals *now)
{
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
        to->of[kind] = now->of[kind] > INT64_MAX ? INT64_MAX : now->of[kind];
        if (to->of[kind] < from->of[kind])
            return false;
    }
    return true;
}

/* Numbers the entry, brings it to `totals` and writes it; empty: that adds nothing. */
static struct slice write_next(struct closing *c, struct site *s, struct usage_entry *entry,
    const struct usage_totals *totals, char *room)
{
    struct closing_position *p = &c->position;

    entry->from = s->closed;
    if (!bring_up(&entry->to, &entry->from, totals)) {
        counter_up(&c->counts.shrunk);
        return SLICE_NONE;
    }
    if (memcmp(&entry->from, &entry->to, sizeof entry->from) == 0)
        return SLICE_NONE;
    entry->sequence = p->sequence + 1;
    entry->begin = c->begin;
    entry->end = c->end;
    memcpy(entry->before, p->hash, USAGE_HASH_SIZE);
    struct slice bytes = usage_entry_write(entry, room);

    p->sequence = entry->sequence;
    p->end = entry->end;
    sha256(bytes, p->hash);
    set_closed(s, &entry->to);
    counter_up(&c->counts.entries);
    return bytes;
}

struct slice closing_entry(struct closing *closing, struct slice customer, struct slice site,
    const struct usage_totals *totals, char *room)
{
    struct site *s = site_of(closing, customer, site);
    struct usage_entry entry = { .node = slice_of(closing->node, closing->node_length),
        .pop = slice_of(closing->pop, closing->pop_length),
        .customer = customer,
        .site = site,
        .boot = closing->boot };

    return s == NULL ? SLICE_NONE : write_next(closing, s, &entry, totals, room);
}

struct slice closing_again(struct closing *closing, const struct usage_entry *entry, char *room)
{
    struct usage_entry again = *entry;

    closing_begin(closing, entry->boot, entry->begin, entry->end);
    struct site *s = site_of(closing, entry->customer, entry->site);

    if (s == NULL)
        return SLICE_NONE;
    if (!s->is_known)
        set_closed(s, &entry->from);
    return write_next(closing, s, &again, &entry->to, room);
}

bool closing_totals(const struct closing *closing, size_t *at, char *room, struct slice *bytes)
{
    const struct closing_position *p = &closing->position;

    while (*at < closing->site_room && !closing->sites[*at].is_known)
        ++*at;
    if (*at == closing->site_room)
        return false;
    const struct site *s = &closing->sites[(*at)++];
    struct usage_entry entry = { .node = slice_of(closing->node, closing->node_length),
        .pop = slice_of(closing->pop, closing->pop_length),
        .customer = slice_of(s->names, s->customer_length),
        .site = slice_of(s->names + s->customer_length, s->site_length),
        .boot = closing->boot,
        .sequence = p->sequence + 1,
        .begin = p->end,
        .end = p->end,
        .from = s->closed,
        .to = s->closed };

    memcpy(entry.before, p->hash, USAGE_HASH_SIZE);
    *bytes = usage_entry_write(&entry, room);
    return true;
}

void closing_restore(struct closing *closing, const struct usage_entry *totals, bool is_new_only)
{
    struct closing_position *p = &closing->position;

    use_boot(closing, totals->boot);
    struct site *s = site_of(closing, totals->customer, totals->site);

    if (s != NULL && !(is_new_only && s->is_known))
        set_closed(s, &totals->to);
    if (is_new_only)
        return;
    if (p->sequence < totals->sequence - 1) {
        p->sequence = totals->sequence - 1;
        memcpy(p->hash, totals->before, USAGE_HASH_SIZE);
    }
    if (p->end.ms < totals->end.ms)
        p->end = totals->end;
}

const struct closing_position *closing_position(const struct closing *closing)
{
    return &closing->position;
}

const struct closing_counts *closing_counts(const struct closing *closing)
{
    return &closing->counts;
}
