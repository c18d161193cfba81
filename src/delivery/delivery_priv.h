// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the files of this folder share: the worker's state, a visit, and the two ways to an origin.
 */

#include "cache/failure.h"
#include "cache/key.h"
#include "cache/store.h"
#include "delivery/delivery.h"
#include "delivery/pipe.h"
#include "delivery/routes.h"
#include "http/exchange.h"
#include "io/loop.h"
#include "origin/fetch.h"

enum {
    LOOK_UPS_MAX = 4,              // of one visit: after that it is passed
    AT_HAND_MAX = 64 * 1024,       // a stored body up to this is answered without a reference
    HEAD_ROOM = 2 * HTTP_HEAD_MAX, // for field lines that are written; trimmed to what they take
    ORIGIN_ROOM = HEAD_ROOM + HTTP_HEAD_MAX / 2, // a request's, and the stale one's validators
    PASS_MARK_S = 60, // how long an uncacheable key is remembered as such
};

struct delivery {
    struct http_service service;
    struct delivery_setup setup;
    struct delivery_counts counts;
    struct loop_hook hook;
    struct list dirty; // fillings with news for those who wait
    struct list fillings;
    struct list spare; // fillings that are over, with their arenas, for the next ones
    unsigned spare_count;
    struct charge pipes;
    const struct routes *routes; // of this turn
    struct snapshot_value *root; // which they are part of
    uint64_t lots;               // how many were drawn, from the seed on
    char via[96];
    char *line; // ACCESS_LINE_MAX bytes, where lines of access logs are made; NULL: they are not
};

enum outcome {
    OUTCOME_NONE,
    OUTCOME_HIT,
    OUTCOME_STALE,
    OUTCOME_MISS,
    OUTCOME_REVALIDATED,
    OUTCOME_COLLAPSED,
    OUTCOME_PASS,
};

/* Why the store alone had no answer, in the words of RFC 9211 §2.2. */
enum forward {
    FORWARD_NONE,
    FORWARD_URI_MISS,
    FORWARD_VARY_MISS,
    FORWARD_STALE,
    FORWARD_REQUEST,
};

/* The service's state of one exchange. */
struct visit {
    struct delivery *delivery;
    struct snapshot_value *root; // held; NULL while nothing of it is needed beyond the first turn
    const struct route *route;
    const struct path_rules *rules;
    struct slice path;           // normalised, with the query: what the origin is asked for
    struct cache_key first;      // by host, path and query
    struct cache_key key;        // the same, or by what the response varies by
    struct slice vary;           // the marker's list when key is that of a variant
    struct wall began;           // when the visit was kept
    struct store_watch watch;    // of the fill that is waited for
    struct cache_object *object; // referenced: what is being sent
    struct http_source source;
    uint64_t at, end; // of the object's body; end UINT64_MAX: wherever it ends
    struct filling *leads;
    struct passing *passing;
    struct note *note;        // for the access log; NULL: it has none
    struct usage_line *usage; // of the site, this worker's; NULL: not counted
    const char *why_passed;   // for Cache-Status
    uint8_t look_ups;
    uint8_t outcome;          // enum outcome
    uint8_t forward;          // enum forward
    bool is_kept, is_counted; // the latter as a request: once, whatever follows
};

static_assert(sizeof(struct visit) <= HTTP_SERVICE_BYTES, "a visit lies in its exchange");

static inline struct visit *visit_of(struct http_exchange *x)
{
    return (struct visit *)(void *)x->service;
}

static inline struct http_exchange *visit_exchange(struct visit *visit)
{
    return container_of(
        (unsigned char(*)[HTTP_SERVICE_BYTES])(void *)visit, struct http_exchange, service);
}

static inline struct epoch_reader *delivery_reader(const struct delivery *d)
{
    return loop_epoch_reader(d->setup.loop);
}

/* Memory good until the end of the turn, not zeroed: the loop's, or else the arena's. */
static inline char *turn_room(const struct delivery *d, struct arena *arena, size_t bytes)
{
    char *room = loop_scratch(d->setup.loop, bytes);

    return room != NULL ? room : arena_room(arena, bytes);
}

/* Gives back what lies behind the first `used` bytes of the newest room. */
static inline void turn_room_trim(const struct delivery *d, char *room, size_t used)
{
    if (loop_is_scratch(d->setup.loop, room))
        loop_scratch_trim(d->setup.loop, room, used);
}

/* visit.c */

/* Makes the visit outlive its turn. False: it was answered with 503. */
[[nodiscard]] bool visit_keep(struct visit *visit);

/* Finds or asks for what the visit's key names, and answers or waits. */
void visit_look_up(struct visit *visit);

/* answer.c */

/* From the store; the fields say how it came about. `meta`: the object's freshness. */
void visit_answer(struct visit *visit, struct cache_object *object, const struct cache_meta *meta,
    enum outcome outcome);

/* A short answer of our own: refused, unless it counted already. `detail` goes to Cache-Status. */
void visit_refuse(struct visit *visit, int status, const char *detail);

/* Hears no more of a fill. */
void visit_stop_waiting(struct visit *visit);

/* What is being sent has grown, or moved, or failed. */
void visit_progress(struct visit *visit);

/* filling.c: a fetch into the store, run by this worker. */

/* Takes the claimed fill over. With a leader, it is the one to get an answer that is not kept. */
void filling_start(
    struct delivery *d, struct visit *cause, struct store_fill *fill, bool is_leader);

/* The visit leaves: the fill goes on without it. */
void filling_forget(struct filling *filling);
void filling_end_all(struct delivery *d);

/* Those who wait are told of what changed in this turn. */
void filling_turn_end(struct loop_hook *hook);

/* ranking.c: the origins of the visit's site in the order of asking, for what it asks for. */
struct ranking {
    struct fetch_origin origins[FETCH_ORIGINS_MAX];
    size_t count;         // at least one
    size_t missing_count; // a 404 is asked about among the first so many: drained ones are spared
};

void ranking_of(struct delivery *d, const struct visit *visit, struct ranking *ranking);

/* passing.c: an origin's answer handed through to one visitor. */

void passing_start(struct visit *visit, const char *why);

/* Goes on with a fetch whose answer is not kept; to be called within its `head`. */
void passing_take_over(
    struct visit *visit, struct fetch *fetch, const struct fetch_answer *answer, const char *why);

/*
 * Goes on with a fetch in the middle of its body, which begins with `bytes`, for a visit whose
 * object outgrew the store: what is in the object comes first. Returns how many bytes were taken.
 */
size_t passing_go_on(struct visit *visit, struct fetch *fetch, struct slice bytes);

/* What was passed so far, for a visit that goes on. */
size_t passing_pull(struct passing *passing, struct iovec *iov, size_t most, bool *is_last);
void passing_sent(struct passing *passing, size_t bytes);

/* The visitor left or was answered. */
void passing_end(struct passing *passing);

/* fields.c: what goes to origins and to visitors. */

/* The request's end-to-end fields for an origin, good until the end of the turn; for a fill without
 * what belongs to one visitor alone, with validators of `stale` where it is not NULL. */
struct slice fields_for_origin(struct visit *visit, bool is_fill, const struct cache_object *stale);

/* Those of an origin's answer that this visitor gets; and ours: Via, Cache-Status (this node, then
 * `how`), and Age where it is not negative, good until the end of the turn. */
struct slice fields_of_origin(struct visit *visit, struct slice sent);
struct slice fields_of_ours(struct visit *visit, int64_t age_s, struct slice how);

/* The same for answers that are made here: with Date, and not to be kept by others; to a probe with
 * what is known of the node's load. */
struct slice fields_of_own_answer(struct visit *visit, struct slice how);
struct slice fields_of_probe_answer(struct visit *visit);
