// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What changed lately, for people who come and ask what happened: a bounded list in memory, told as
 * /api/v1/changes. It holds the newest CHANGES_MAX of them since the process was started; the log
 * has all.
 *
 * Orders of one kind for one site that the same asker gives in a row within CHANGES_ROW_MS are one
 * change with a count, so that a flood of purges does not soon push out the rest.
 *
 * Who may be told is the customer it is of; what is of none is for operators. One thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "admin/text.h"
#include "base/clock.h"
#include "base/slice.h"

struct admin_scope;
struct changes;
struct network;

enum {
    CHANGES_MAX = 512,
    CHANGES_TOLD_DEFAULT = 50, // in one answer, where no limit is asked for
    CHANGES_ROW_MS = 1000,
    CHANGES_TEXT_MAX = 320, // bytes of `what` and of `text`; the rest is cut off
};

enum change_kind {
    CHANGE_TARGET, // a node, a pop or an origin went up or down
    CHANGE_ORDER,  // a purge or a drain was applied here
    CHANGE_RELEASE,
    CHANGE_NODE, // a peer came, left or fell silent
    CHANGE_CERTIFICATE,
    CHANGE_KIND_COUNT,
};

struct change {
    uint64_t number; // from 1, within a process; of those that are added: not looked at
    struct wall at;
    enum change_kind kind;
    struct slice what;           // "origin acme/ams"
    struct slice text;           // "is down: 3 of 4 places say so"
    struct slice by;             // who did it; empty: nobody, or not known
    struct slice customer, site; // whose it is; both empty: the operators'
    uint64_t more;               // of the same, told by this one; likewise not looked at
};

struct changes *changes_new(void);

/* Accepts NULL. */
void changes_free(struct changes *changes);

/* Copied. Accepts NULL: nobody wants to know. */
void changes_add(struct changes *changes, const struct change *change);

/* What is asked: at most `limit` changes that have a lower number than `after`. */
struct changes_question {
    size_t limit;
    uint64_t after;                  // 0: the newest
    const struct admin_scope *scope; // who asks
    const struct network *network;   // in use: whose a site is
    struct wall now;
};

/* {"now", "changes": [{"number", "at", "kind", "what", "text", "by", "more"}], "after"}, the newest
 * first; `after` is there when more are. Nothing is added when memory runs out. */
void changes_write(
    const struct changes *changes, const struct changes_question *question, struct text *out);

/* "target", "order"; never NULL. */
const char *change_kind_text(enum change_kind kind);
