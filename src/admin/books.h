// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What operators ask of the accounts: usage, invoices and whether one is what the ledger says; and
 * what they put right there. Three steps, since the ledger has a thread of its own:
 *
 *     books_read_…       a request to a question, against the network in use      pure
 *     books_answer       the question to the answer in JSON                       ledger's thread
 *     admin/serve_books  takes the request, hands the question over, sends the answer
 *
 * A name that the release does not have may be one of last year: it is refused where the ledger
 * does not have it either, with the one that was probably meant.
 *
 * Names in the JSON are never changed or taken away within /api/v1.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/orders.h"
#include "admin/period.h"
#include "admin/text.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/network.h"
#include "meter/ledger.h"
#include "meter/month.h"

struct json_t;

enum {
    BOOKS_BODY_MAX = 16 * 1024,  // of a correction
    BOOKS_INVOICE_MAX = 4 << 20, // of one that is to be verified
    BOOKS_ROWS_MAX = 50000,      // of usage in one answer
    BOOKS_CUSTOMERS_MAX = 1000,  // whose invoices are in one list
    BOOKS_POPS_TOLD_MAX = 10,    // in an error
};

enum books_verb { BOOKS_USAGE, BOOKS_INVOICES, BOOKS_INVOICE, BOOKS_VERIFY, BOOKS_CORRECT };

/* A name of the question that the release does not have. */
struct books_stranger {
    const char *what; // "customer", "site", "pop"; NULL: all are there
    struct slice name;
    struct slice nearest; // empty: none is similar
};

/* What a node of this process has written down, and the ledger does not have yet. */
struct books_waiting {
    struct slice node;
    uint64_t entries;
};

/* All it points to is in the arena of who asks. */
struct books_question {
    enum books_verb verb;
    const struct books_waiting *waiting; // told with usage
    size_t waiting_count;
    struct slice node; // who keeps the accounts
    struct wall now;
    struct slice customer, site, pop; // empty: all; of BOOKS_VERIFY: whose it is to be
    struct books_stranger stranger;
    struct period period; // of usage
    enum ledger_by by;    // likewise
    struct month month;   // of invoices and corrections
    size_t limit;         // rows of usage, or customers in a list of invoices
    uint64_t skip;        // rows of usage that an answer before had
    struct slice after;   // only customers behind this name
    struct slice invoice; // of BOOKS_VERIFY
    struct wall at;       // of a correction; 0: anywhere in the month
    enum usage_kind kind;
    uint64_t take_back;
    struct slice reason;
};

/* Against what a request is read, and who keeps the accounts; filled by app. */
struct books_known {
    const struct network *network; // as far as it is theirs who ask
    struct slice customer;         // who asks; empty: an operator
    struct wall now;
    struct slice node;   // whose word it is
    struct slice keeper; // empty: nobody keeps accounts
    bool is_here;        // the keeper is of this process, and has the ledger
    const struct books_waiting *waiting;
    size_t waiting_count;
};

/* GET /api/v1/usage, invoices: the path with its query, which is of the form that the table of
 * routes says (admin_route_check). False: only the refusal is filled. */
[[nodiscard]] bool books_read_usage(struct slice path, const struct books_known *known,
    struct arena *arena, struct books_question *question, struct admin_refusal *refusal);
[[nodiscard]] bool books_read_invoices(struct slice path, const struct books_known *known,
    struct arena *arena, struct books_question *question, struct admin_refusal *refusal);

/* POST /api/v1/corrections: the body. Likewise. */
[[nodiscard]] bool books_read_correction(struct slice body, const struct books_known *known,
    struct arena *arena, struct books_question *question, struct admin_refusal *refusal);

struct books_answer {
    struct text body;             // JSON; inited by who asks
    struct admin_refusal refusal; // status 0: there is none
};

/*
 * Asks the ledger. Refusals, as of a name that it does not have, are in the answer; an error is one
 * of the ledger, and then the answer is nothing. Blocks.
 */
[[nodiscard]] enum err books_answer(struct ledger *ledger, const struct books_question *question,
    struct books_answer *answer, struct diag *why);

/*
 * A request on its way to the ledger and back. App is handed it (admin_source_ops), and sees to it
 * that books_call_work is called on the ledger's thread and then books_call_done on the loop, once.
 */
struct books_call;

/* As of accounts_question. */
[[nodiscard]] enum err books_call_work(
    struct books_call *books, struct ledger *ledger, struct diag *why);
void books_call_done(struct books_call *books, enum err err, const struct diag *why);

/* Of a correction; books_answer calls it. */
[[nodiscard]] enum err books_correct(struct ledger *ledger, const struct books_question *question,
    struct books_answer *answer, struct diag *why);

/* Says that a name is not there. */
void books_refuse_name(const struct books_stranger *stranger, struct admin_refusal *refusal);

/* A list of how much waits to be settled. */
struct json_t *books_waiting_json(const struct books_waiting *waiting, size_t count);

/* "day", "site"; never NULL. */
const char *books_by_text(enum ledger_by by);
