// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Purges, in constant time. Each has a generation: a count of this process that rises by one. An
 * object keeps the generation that was in force when its fill began, and is gone (or stale, where
 * the purge is soft) once a purge that matches it is newer. One mechanism for a URL with all its
 * variants, a prefix, a tag and a site; nothing is searched for when a purge comes.
 *
 * A purge is an entry of a table: hash of (kind, site, text), with its newest hard and newest soft
 * generation. What is found is compared with the newest purge of all first: one comparison, and
 * for most it is the only one. Who is older asks the table for its site, its URL, each of its tags
 * and each prefix length in use (one pass of a rolling hash over the path), and is raised to the
 * newest generation where nothing matches, so that this is asked once per object and not per hit.
 *
 * Two texts of one hash share an entry, and whatever does not fit is widened: more is purged than
 * was asked for, never less. Limits, each with a counter in purges_stats:
 * - PURGES_MAX entries. They lie in two halves; when the newer is full, the older one is given up:
 *   each site in it is purged as a whole, as far as its purges there went (and with too many sites
 *   for that, all of them).
 * - PURGE_LENGTHS_MAX lengths of prefixes in each half; another is cut to the next shorter one that
 *   is in use, and where there is none, to the site.
 * - PURGE_TAGS_MAX tags of an object; one with more is hit by each purge of a tag of its site.
 *
 * Written by the control thread, asked by all, without a lock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct purges;
struct cache_object;
struct store;

enum { PURGES_MAX = 65536, PURGE_LENGTHS_MAX = 64, PURGE_TAGS_MAX = 1024 };

enum purge_kind {
    PURGE_URL,    // path with query, with all variants
    PURGE_PREFIX, // all whose path with query begins with those bytes
    PURGE_TAG,    // all that name the tag in Surrogate-Key or Cache-Tag; the case counts
    PURGE_SITE,
    PURGE_KIND_COUNT,
};

/* What is to be done with something that is stored. In order of strength. */
enum purged {
    PURGED_NOT,
    PURGED_DOUBT, // may have been purged: ask the origin before it is used
    PURGED_STALE, // softly: as if its lifetime were over
    PURGED_GONE,  // as if it were not there
};

struct purges_stats {
    uint64_t added[PURGE_KIND_COUNT];
    uint64_t entries; // of the table, now
    uint64_t folds;   // times the older half was given up
    uint64_t widened; // prefixes cut for want of lengths
    bool is_doubtful;
};

/* `seed`: strangers choose what is hashed. */
struct purges *purges_new(uint64_t seed);

/* Accepts NULL. */
void purges_free(struct purges *purges);

/* Those of a store. */
struct purges *store_purges(struct store *store);

/* What became of a stored object, complete or being read: one comparison, unless there was a purge
 * since this was last asked of it. */
enum purged store_purged(struct store *store, struct cache_object *object);

/*
 * Control thread. `site`: its host, as the network names it; `text`: what the kind says, URL and
 * prefix as cache_path_normalise makes them, empty for a site. Holds for each look-up that begins
 * after the call. Returns the generation.
 */
uint64_t purges_add(struct purges *purges, enum purge_kind kind, struct slice site,
    struct slice text, bool is_soft);

/* Control thread: purges all that is stored, of all sites. */
void purges_add_all(struct purges *purges, bool is_soft);

/*
 * Control thread. From a call with true to one with false: what was stored before it is asked for
 * before it is used, since purges may have been missed. Another call with true moves that moment
 * on.
 */
void purges_doubt(struct purges *purges, bool is_behind);

/* Any thread. */
void purges_stats(const struct purges *purges, struct purges_stats *stats);

/* What a purge may match. */
struct purge_subject {
    struct slice key;      // of the object: site, path and query; from a line feed on, the variant
    struct slice tags;     // lines "Surrogate-Key: ..." and "Cache-Tag: ...", see cache_fields_tags
    bool has_unknown_tags; // its head is still to come: each purge of a tag of the site hits it
};

/* The newest generation: of what begins now. */
uint64_t purges_generation(const struct purges *purges);

/*
 * What became of something that began at `generation`. Where it is PURGED_NOT, it may be said to
 * have begun at what purges_generation was before the call.
 */
enum purged purges_judge(
    const struct purges *purges, const struct purge_subject *subject, uint64_t generation);

/* A walk over those lines; begins with `lines` set and the rest zero. */
struct purge_tags {
    struct slice lines, line; // what is left: behind the present line, and of it
    bool is_comma;            // divides the tags of the present line; else blanks do
};

/* The next tag, never empty; false at the end. Lines with other names are passed over. */
bool purge_tags_next(struct purge_tags *tags, struct slice *tag);
