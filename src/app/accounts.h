// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the node that keeps the accounts does beside all that a node does: it takes the batches of
 * all nodes into the ledger (meter/ledger.h) and answers each with how far its chain is; writes
 * down which plan holds for whom whenever a release says so; and lets others ask and correct.
 *
 * The ledger has a thread of its own, as its questions may take long and nothing else is to wait
 * for them; that thread alone touches it. Where it cannot be written or read, that is said once,
 * nobody is answered, and nodes keep what is not settled; each batch tries again. It is opened anew
 * after an error, so that an operator may put another file in its place meanwhile.
 *
 * On the control loop. Limits: ACCOUNTS_BATCHES_MAX that wait, one of each node; more are dropped,
 * as they come again. ACCOUNTS_QUESTIONS_MAX. ACCOUNTS_TERMS_MAX releases whose terms wait.
 */

#include "base/counter.h"
#include "base/log.h"
#include "io/pool.h"
#include "meter/ledger.h"

struct accounts;
struct accounts_user;
struct loop;
struct network;

#define ACCOUNTS_RETRY span_s(10) // of terms that could not be written
#define ACCOUNTS_QUIET span_s(60) // between two lines on what one node must not tell

enum {
    ACCOUNTS_BATCHES_MAX = 64,
    ACCOUNTS_QUESTIONS_MAX = 16,
    ACCOUNTS_TERMS_MAX = 16,
    ACCOUNTS_REFUSALS_MAX = 64
};

#define ACCOUNTS_COUNTERS(X)                                                                   \
    X(settled, "ledger_entries_total", "", "Entries of usage that are new in the ledger")      \
    X(told_again, "ledger_entries_told_again_total", "", "Entries that hold what was settled") \
    X(all, "ledger_batches_total", "answer=\"settled\"", "Batches told, by the answer")        \
    X(gap, "ledger_batches_total", "answer=\"gap\"", "Batches told, by the answer")            \
    X(fork, "ledger_batches_total", "answer=\"fork\"", "Batches told, by the answer")          \
    X(foreign, "ledger_batches_total", "answer=\"foreign\"", "Batches told, by the answer")    \
    X(excess, "ledger_batches_total", "answer=\"excess\"", "Batches told, by the answer")      \
    X(failed, "ledger_batches_total", "answer=\"none\"", "Batches told, by the answer")        \
    X(dropped, "ledger_batches_dropped_total", "", "Batches dropped: too many wait")           \
    X(terms, "ledger_terms_total", "", "Changes of plan that were written down")               \
    X(questions, "ledger_questions_total", "", "Questions and corrections put to the ledger")  \
    X(refused, "ledger_questions_refused_total", "", "Questions not taken: too many wait")     \
    X(errors, "ledger_errors_total", "", "Times that the ledger could not be written or read")

struct accounts_counts {
    ACCOUNTS_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row accounts_counter_rows[];
extern const size_t accounts_counter_row_count;

struct accounts_user_ops {
    /* What the ledger holds of a node, and what became of its batch; good for the call. */
    void (*answered)(struct accounts_user *user, struct slice node, enum settle_answer answer,
        const struct settle_position *position);
};

struct accounts_user {
    const struct accounts_user_ops *ops;
};

struct accounts_plan {
    struct loop *loop;
    struct log *log;
    struct slice node; // for the log; outlives it
    const char *path;  // of the ledger; copied
    unsigned threads;  // 1; in the simulation 0
};

/* Opens nothing yet. ERR_LIMIT and the like: there is no thread to be had. */
[[nodiscard]] enum err accounts_new(
    const struct accounts_plan *plan, struct accounts_user *user, struct accounts **accounts);

/* Waits until what was begun is in the ledger. The loop does not run any more; questions that wait
 * are never done. Accepts NULL. */
void accounts_free(struct accounts *accounts);

/* Copied. Answered in a later turn, or not at all: then it is to come again. */
void accounts_settle(struct accounts *accounts, const struct ledger_batch *batch);

/* From now on the plans of this release hold. */
void accounts_agree(struct accounts *accounts, const struct network *network);

/* What is asked of the ledger, or done to it; embedded, and the asker's again when it is done. */
struct accounts_question {
    /* On the ledger's thread: touches the question alone. */
    enum err (*work)(struct accounts_question *question, struct ledger *ledger, struct diag *why);
    /* On the loop. */
    void (*done)(struct accounts_question *question);
    enum err err; // of the work, or of opening the ledger; with why
    struct diag why;
    struct pool_job job; // of the accounts, as the rest
    struct accounts *accounts;
};

/* ERR_LIMIT: too many wait, and it is not taken. */
[[nodiscard]] enum err accounts_ask(struct accounts *accounts, struct accounts_question *question);

/* The newest that was done to the ledger failed. */
bool accounts_is_failing(const struct accounts *accounts);

const struct accounts_counts *accounts_counts(const struct accounts *accounts);
