// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Invoices as JSON, in one canonical form: equal invoices are equal bytes, so a file that was kept
 * can be held against what the ledger says today.
 *
 *     {"invoice": 1, "customer": "acme", "month": "2026-11",
 *      "totals": [{"currency": "EUR", "amount": "155.19"}],
 *      "plans": [{"plan": "standard", "currency": "EUR", "from_ms": ..., "held_ms": ...,
 *                 "text": "plan 1 standard\n...", "sha256": "..."}],
 *      "lines": [{"plan": 0, "line": "traffic", "group": "asia", "tier": 1, "quantity": ...,
 *                 "unit": "B", "price": "0.05", "per": "GB", "amount": "25.01"}],
 *      "entries": [{"node": "fra1", "first": 7, "last": 9, "count": 3, "sha256": "..."}]}
 *
 * Money is text, as no reader's floating point may round it; "plan" of a line counts plans from 0;
 * "group" and "tier" are there where they say something. The 1 is the version of the form.
 */

#include <stdbool.h>

#include "admin/text.h"
#include "base/err.h"
#include "meter/invoice.h"

struct json_t;

enum { INVOICE_LINES_MAX = 20000, INVOICE_TEXT_MAX = 16 << 20 };

/* The canonical bytes; some 300 a line. */
void invoice_json_write(const struct invoice *invoice, struct text *out);

/* Its list of totals alone. */
struct json_t *invoice_totals_json(const struct price_bill *bill);

/*
 * ERR_PARSE: not an invoice of this form, of which `why` says what is wrong first. What is read may
 * be shown, and need not be true. Given back by invoice_free.
 */
[[nodiscard]] enum err invoice_json_read(
    struct slice json, struct invoice **invoice, struct diag *why);

/* The file has the derived invoice's bytes, one for one; else the first difference in words. */
bool invoice_json_verify(struct slice file, const struct invoice *derived, struct diag *difference);
