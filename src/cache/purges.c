// SPDX-License-Identifier: Apache-2.0
/*
 * The table of purges: two halves of open addressing, the young one, which is written, and the old
 * one. A site has up to four marks in it: one for its own purges, and one for each other kind,
 * which tells the newest of that kind, so that nobody looks for tags where no tag was purged.
 *
 * To give the old half up, control (1) raises, in the young half, the site's own mark for each mark
 * of the old half, (2) clears the old half, (3) makes it the young one. Readers take no lock. All
 * stores to slots are releases and all loads of them acquires, and who asks goes from the old half
 * to the young one and asks for the site last: whoever meets a slot that (2) cleared then also sees
 * what (1) wrote. One who was asleep from before (2) to the next (1) sees that the halves have
 * changed places, and asks again.
 */
#include "cache/purges.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "base/mem.h"

enum {
    SLOTS = PURGES_MAX,                    // of each half, of which at most a half is in use
    CARRY_MAX = PURGES_MAX / 8,            // marks that outlive their half
    HALF_MAX = PURGES_MAX / 2 - CARRY_MAX, // entries that make a half full
    ENTRIES_OF_ONE = 2,                    // that a purge makes
    LENGTH_END = 8192,                     // prefixes are shorter
    LENGTH_WORDS = LENGTH_END / 64,
    TRIES_MAX = 3,
};

#define PRIME ((UINT64_C(1) << 61) - 1) // of the rolling hash

struct slot {
    _Atomic uint64_t name;       // 0: free
    _Atomic uint64_t hard, soft; // newest generation; 0: none
    _Atomic uint64_t site;       // of a mark: hash of its site; else 0
};

struct half {
    _Atomic(struct slot *) slots;           // NULL: nothing was purged yet
    _Atomic uint64_t lengths[LENGTH_WORDS]; // a bit for each length of prefixes in use
    _Atomic uint64_t count;
    unsigned length_count;
};

struct purges {
    _Atomic uint64_t generation;
    _Atomic uint64_t rotations;  // the lowest bit tells which half is the young one
    _Atomic uint64_t hard, soft; // newest generation that purges all
    _Atomic uint64_t doubt;      // what is older is in doubt; 0: nothing
    uint64_t seed, base;
    struct half halves[2];
    _Atomic uint64_t added[PURGE_KIND_COUNT], widened;
};

/* The newest purges that match. */
struct found {
    uint64_t hard, soft;
};

static uint64_t load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_acquire);
}

static void store(_Atomic uint64_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_release);
}

static void raise(_Atomic uint64_t *number, uint64_t value)
{
    if (load(number) < value)
        store(number, value);
}

struct purges *purges_new(uint64_t seed)
{
    struct purges *p = mem_new(struct purges);

    p->seed = seed;
    p->base = hash_mix(seed + 1) % (PRIME - 1) + 1;
    return p;
}

void purges_free(struct purges *purges)
{
    if (purges == NULL)
        return;
    for (unsigned i = 0; i < 2; i++)
        mem_free(purges->halves[i].slots);
    mem_free(purges);
}

static uint64_t not_zero(uint64_t name)
{
    return name == 0 ? 1 : name;
}

static uint64_t site_hash(const struct purges *p, struct slice site)
{
    return not_zero(hash_bytes(site, p->seed));
}

static uint64_t mark_name(uint64_t site, enum purge_kind kind)
{
    return not_zero(hash_mix(site + (uint64_t)kind + 1));
}

/* Of a URL or a tag. */
static uint64_t text_name(uint64_t site, enum purge_kind kind, struct slice text)
{
    return not_zero(hash_bytes(text, mark_name(site, kind)));
}

static uint64_t prefix_name(uint64_t site, uint64_t rolled)
{
    return not_zero(hash_mix(rolled ^ mark_name(site, PURGE_PREFIX)));
}

/* Takes one more byte into the hash of all before it, a polynomial modulo a prime. */
static uint64_t roll(const struct purges *p, uint64_t rolled, char byte)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)rolled * p->base + (unsigned char)byte + 1;
    uint64_t sum = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);

    return sum >= PRIME ? sum - PRIME : sum;
}

/* Where the name stands, or would; NULL where nothing stands at all. */
static struct slot *slot_of(const struct half *half, uint64_t name)
{
    struct slot *slots = atomic_load_explicit(&half->slots, memory_order_acquire);

    for (unsigned i = 0; i < SLOTS && slots != NULL; i++) {
        struct slot *slot = &slots[(name + i) % SLOTS];
        uint64_t found = load(&slot->name);

        if (found == name || found == 0)
            return slot;
    }
    return NULL; // or what a reader reads is exchanged as fast as it reads
}

/* `site`: of a mark; else 0. */
static void enter(struct half *half, uint64_t name, uint64_t site, const struct found *generations)
{
    if (half->slots == NULL)
        atomic_store_explicit(
            &half->slots, mem_array(SLOTS, sizeof(struct slot)), memory_order_release);
    struct slot *slot = slot_of(half, name);

    assert(slot != NULL);
    raise(&slot->hard, generations->hard);
    raise(&slot->soft, generations->soft);
    if (load(&slot->name) != 0)
        return;
    store(&slot->site, site);
    store(&slot->name, name);
    store(&half->count, load(&half->count) + 1);
}

static void half_clear(struct half *half)
{
    struct slot *slots = half->slots;

    for (unsigned i = 0; i < SLOTS && slots != NULL; i++) {
        struct slot *slot = &slots[i];

        store(&slot->name, 0);
        store(&slot->hard, 0);
        store(&slot->soft, 0);
        store(&slot->site, 0);
    }
    for (unsigned i = 0; i < LENGTH_WORDS; i++)
        store(&half->lengths[i], 0);
    half->length_count = 0;
    store(&half->count, 0);
}

/* Gives the old half up, and makes it the young one. */
static void rotate(struct purges *p)
{
    uint64_t rotations = load(&p->rotations);
    struct half *young = &p->halves[rotations % 2], *old = &p->halves[(rotations + 1) % 2];
    const struct slot *slots = old->slots;
    unsigned carried = 0;

    for (unsigned i = 0; i < SLOTS && slots != NULL; i++) {
        const struct slot *slot = &slots[i];
        uint64_t site = load(&slot->site);
        struct found generations = { load(&slot->hard), load(&slot->soft) };

        if (site == 0)
            continue;
        if (carried++ < CARRY_MAX) {
            enter(young, mark_name(site, PURGE_SITE), site, &generations);
            continue;
        }
        raise(&p->hard, generations.hard);
        raise(&p->soft, generations.soft);
    }
    half_clear(old);
    store(&p->rotations, rotations + 1);
}

static bool has_length(const struct half *half, size_t length)
{
    return (load(&half->lengths[length / 64]) >> length % 64 & 1) != 0;
}

/* The length to purge by, at most that of the prefix; 0: the whole site. */
static size_t use_length(struct purges *p, struct half *half, size_t length)
{
    size_t used = length < LENGTH_END ? length : LENGTH_END - 1;

    if (used > 0 && !has_length(half, used) && half->length_count < PURGE_LENGTHS_MAX) {
        store(
            &half->lengths[used / 64], load(&half->lengths[used / 64]) | UINT64_C(1) << used % 64);
        half->length_count++;
    }
    while (used > 0 && !has_length(half, used))
        used--;
    if (used < length)
        store(&p->widened, load(&p->widened) + 1);
    return used;
}

static uint64_t roll_all(const struct purges *p, struct slice text)
{
    uint64_t rolled = 0;

    for (size_t i = 0; i < text.length; i++)
        rolled = roll(p, rolled, text.at[i]);
    return rolled;
}

uint64_t purges_add(
    struct purges *purges, enum purge_kind kind, struct slice site, struct slice text, bool is_soft)
{
    struct purges *p = purges;
    uint64_t generation = load(&p->generation) + 1, hash = site_hash(p, site);
    const struct found generations = { is_soft ? 0 : generation, is_soft ? generation : 0 };

    assert(kind < PURGE_KIND_COUNT);
    if (load(&p->halves[load(&p->rotations) % 2].count) + ENTRIES_OF_ONE > HALF_MAX)
        rotate(p);
    struct half *young = &p->halves[load(&p->rotations) % 2];

    store(&p->added[kind], load(&p->added[kind]) + 1);
    if (kind == PURGE_PREFIX) {
        text = slice_head(text, use_length(p, young, text.length));
        kind = text.length > 0 ? PURGE_PREFIX : PURGE_SITE;
    }
    if (kind == PURGE_PREFIX)
        enter(young, prefix_name(hash, roll_all(p, text)), 0, &generations);
    else if (kind != PURGE_SITE)
        enter(young, text_name(hash, kind, text), 0, &generations);
    enter(young, mark_name(hash, kind), hash, &generations);
    store(&p->generation, generation);
    return generation;
}

void purges_add_all(struct purges *purges, bool is_soft)
{
    uint64_t generation = load(&purges->generation) + 1;

    store(is_soft ? &purges->soft : &purges->hard, generation);
    store(&purges->generation, generation);
}

void purges_doubt(struct purges *purges, bool is_behind)
{
    uint64_t generation = load(&purges->generation) + (is_behind ? 1 : 0);

    store(&purges->doubt, is_behind ? generation : 0);
    store(&purges->generation, generation);
}

void purges_stats(const struct purges *purges, struct purges_stats *stats)
{
    *stats = (struct purges_stats){
        .entries = load(&purges->halves[0].count) + load(&purges->halves[1].count),
        .folds = load(&purges->rotations),
        .widened = load(&purges->widened),
        .is_doubtful = load(&purges->doubt) != 0,
    };
    for (unsigned i = 0; i < PURGE_KIND_COUNT; i++)
        stats->added[i] = load(&purges->added[i]);
}

uint64_t purges_generation(const struct purges *purges)
{
    return load(&purges->generation);
}

/* One asker's way through the table. */
struct search {
    const struct purges *purges;
    const struct half *halves[2]; // in the order of asking: the old one first
    uint64_t site;                // its hash
    struct found found;
};

static void raise_found(struct found *found, uint64_t hard, uint64_t soft)
{
    found->hard = found->hard > hard ? found->hard : hard;
    found->soft = found->soft > soft ? found->soft : soft;
}

static void look(const struct search *s, uint64_t name, struct found *found)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct slot *slot = slot_of(s->halves[i], name);

        if (slot != NULL && load(&slot->name) == name)
            raise_found(found, load(&slot->hard), load(&slot->soft));
    }
}

/* The newest purges of that kind in the site; true where there are any after `generation`. */
static bool has_newer(
    const struct search *s, enum purge_kind kind, uint64_t generation, struct found *newest)
{
    *newest = (struct found){ 0, 0 };
    look(s, mark_name(s->site, kind), newest);
    return newest->hard > generation || newest->soft > generation;
}

static void look_for_prefixes(struct search *s, struct slice path)
{
    uint64_t rolled = 0, word = 0, words_left = 0;

    for (size_t i = 0; i < LENGTH_WORDS; i++)
        if ((load(&s->halves[0]->lengths[i]) | load(&s->halves[1]->lengths[i])) != 0)
            words_left = i + 1;
    for (size_t length = 1; length <= path.length && length / 64 < words_left; length++) {
        if (length == 1 || length % 64 == 0)
            word = load(&s->halves[0]->lengths[length / 64]) |
                   load(&s->halves[1]->lengths[length / 64]);
        rolled = roll(s->purges, rolled, path.at[length - 1]);
        if ((word >> length % 64 & 1) != 0)
            look(s, prefix_name(s->site, rolled), &s->found);
    }
}

/* `newest`: of the site's purges by tag. */
static void look_for_tags(
    struct search *s, const struct purge_subject *subject, const struct found *newest)
{
    struct purge_tags tags = { .lines = subject->tags };
    unsigned count = 0;
    struct slice tag;

    while (purge_tags_next(&tags, &tag) && count++ < PURGE_TAGS_MAX)
        look(s, text_name(s->site, PURGE_TAG, tag), &s->found);
    if (subject->has_unknown_tags || count > PURGE_TAGS_MAX)
        raise_found(&s->found, newest->hard, newest->soft);
}

static void search(struct search *s, const struct purge_subject *subject, uint64_t generation)
{
    struct slice first = slice_head(subject->key, slice_find(subject->key, '\n'));
    size_t site_length = slice_find(first, '/');
    struct slice path = slice_from(first, site_length);
    struct found newest;

    s->site = site_hash(s->purges, slice_head(first, site_length));
    if (has_newer(s, PURGE_URL, generation, &newest))
        look(s, text_name(s->site, PURGE_URL, path), &s->found);
    if (has_newer(s, PURGE_PREFIX, generation, &newest))
        look_for_prefixes(s, path);
    if (has_newer(s, PURGE_TAG, generation, &newest))
        look_for_tags(s, subject, &newest);
    // Last of all: what was given up while we looked stands here by now.
    look(s, mark_name(s->site, PURGE_SITE), &s->found);
    raise_found(&s->found, load(&s->purges->hard), load(&s->purges->soft));
}

enum purged purges_judge(
    const struct purges *purges, const struct purge_subject *subject, uint64_t generation)
{
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        uint64_t rotations = load(&purges->rotations), doubt = load(&purges->doubt);
        struct search s = {
            .purges = purges,
            .halves = { &purges->halves[(rotations + 1) % 2], &purges->halves[rotations % 2] },
        };

        search(&s, subject, generation);
        if (load(&purges->rotations) != rotations)
            continue;
        if (s.found.hard > generation)
            return PURGED_GONE;
        if (s.found.soft > generation)
            return PURGED_STALE;
        return doubt > generation ? PURGED_DOUBT : PURGED_NOT;
    }
    return PURGED_GONE; // nobody purges so fast; and if, it is the safe answer
}

/* The value of the next line that holds tags; false at the end. */
static bool next_line(struct purge_tags *tags)
{
    while (tags->lines.length > 0) {
        struct slice line = slice_head(tags->lines, slice_find(tags->lines, '\r'));
        struct slice name = slice_head(line, slice_find(line, ':'));

        tags->lines = slice_from(tags->lines, line.length + 2);
        tags->line = slice_from(line, name.length + 1);
        tags->is_comma = slice_same(name, SLICE("cache-tag"));
        if (tags->is_comma || slice_same(name, SLICE("surrogate-key")))
            return true;
    }
    return false;
}

/* What comes before the next blank; false when nothing is left. */
static bool cut_at_blank(struct slice *rest, struct slice *part)
{
    size_t end = 0;

    if (rest->length == 0)
        return false;
    while (end < rest->length && rest->at[end] != ' ' && rest->at[end] != '\t')
        end++;
    *part = slice_head(*rest, end);
    *rest = slice_from(*rest, end + 1);
    return true;
}

bool purge_tags_next(struct purge_tags *tags, struct slice *tag)
{
    do {
        struct slice part;

        while (tags->is_comma ? slice_cut(&tags->line, ',', &part)
                              : cut_at_blank(&tags->line, &part)) {
            *tag = slice_trim(part);
            if (tag->length > 0)
                return true;
        }
    } while (next_line(tags));
    return false;
}
