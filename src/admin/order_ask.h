// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Orders as the command line asks for them, and what it reads of the answers. Pure. The answers
 * may be of a newer or older node: what is not there counts as not known.
 */

#include "admin/text.h"
#include "base/slice.h"

/* NULL: not said. */
struct order_words {
    const char *key, *value; // "url", "pop", ...: what it is of
    const char *site;        // of a tag
    const char *id;          // of the order, so that it may be asked for again
    bool is_soft;
};

/* The body of a request. */
void order_ask_write(const struct order_words *words, struct text *out);

enum { ORDER_ASK_ID_SIZE = 33 };

/* 32 hexadecimal digits drawn at random, terminated; returns `id`. */
const char *order_ask_id(char id[ORDER_ASK_ID_SIZE]);

/* The number in the answer to that request; false where there is none. */
bool order_ask_number(struct slice answer, uint64_t *number);

/* What an order's receipts come to. */
enum order_progress {
    ORDER_UNDER_WAY, // a node that is present has not given its receipt
    ORDER_APPLIED,   // all that are present have, and there is at least one
};

enum order_progress order_ask_progress(struct slice answer);
