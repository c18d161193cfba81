// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Invoices out of a ledger. Blocks as it does; one pass over the customer's entries of the month.
 */

#include "meter/invoice.h"
#include "meter/ledger.h"

/*
 * Errors are those of the ledger and of invoice_derive. Who has neither entries nor a plan in the
 * month has an invoice without lines. Given back by invoice_free.
 */
[[nodiscard]] enum err invoice_from_ledger(struct ledger *ledger, struct slice customer,
    struct month month, struct invoice **invoice, struct diag *why);
