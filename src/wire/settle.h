// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Settling: what a node and the one that keeps the accounts say to each other on BUS_USAGE. A node
 * tells a batch of its entries, an empty one to ask how far its chain is in the ledger; the answer
 * says that, and why not all of it was taken. Who tells is known by the bus. Big-endian; unknown
 * versions, kinds and answers are refused. Pure.
 *
 *     "wps" version(1)  kind(1) to_length(1) to
 *     batch:   entries, as of usage_batch_put
 *     answer:  answer(1) sequence(8) hash(32)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/usage.h"

enum { SETTLE_HEAD_MAX = 6 + USAGE_NAME_MAX, SETTLE_ANSWER_MAX = SETTLE_HEAD_MAX + 41 };

/* On the wire by number: new ones are added at the end. */
enum settle_answer {
    SETTLE_ALL,     // all of the batch is in the ledger, now or before
    SETTLE_GAP,     // an entry is missing before the first that was refused
    SETTLE_FORK,    // another entry has its number, or stands where the one before it should
    SETTLE_FOREIGN, // not an entry, or not this node's: nothing that the node may settle
    SETTLE_EXCESS,  // with the first that was refused a sum would be more than the ledger can hold
    SETTLE_MOVED,   // another node keeps the accounts; the position says nothing
    SETTLE_ANSWER_COUNT,
};

/* How far a chain is in the ledger. Zeroed: there is nothing of it. */
struct settle_position {
    uint64_t sequence;                   // at most INT64_MAX, as the ledger's numbers have a sign
    unsigned char hash[USAGE_HASH_SIZE]; // of that entry
};

enum settle_kind { SETTLE_BATCH, SETTLE_ANSWER };

struct settle {
    enum settle_kind kind;
    struct slice to;           // name of a node, 1 to USAGE_NAME_MAX bytes
    struct slice entries;      // of a batch; not looked at here
    enum settle_answer answer; // of an answer, as the position
    struct settle_position position;
};

/* `room` has SETTLE_HEAD_MAX bytes and those of the entries, or SETTLE_ANSWER_MAX; good as long as
 * it is. */
struct slice settle_write(const struct settle *settle, char *room);

/* False: neither of the two, or cut short. The slices are those of `bytes`. */
bool settle_parse(struct slice bytes, struct settle *settle);

/* "gap"; never NULL. */
const char *settle_answer_text(enum settle_answer answer);
