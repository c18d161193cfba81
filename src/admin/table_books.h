// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the accounts answer (admin/books.h) as text for people, as admin/table.h does it for the
 * rest. ERR_PARSE: not the JSON of such an answer. Pure. */

#include <stdint.h>

#include "admin/table.h"

/* What `waypost usage` prints: a line for each site, day or whatever it is by, with a bar for its
 * share of the traffic. */
[[nodiscard]] enum err table_usage(struct text *out, struct slice json, struct diag *why);

/* Likewise as CSV (RFC 4180), all kinds in columns. */
[[nodiscard]] enum err table_usage_csv(struct text *out, struct slice json, struct diag *why);

/* What `waypost invoice` prints without a customer. */
[[nodiscard]] enum err table_invoices(struct text *out, struct slice json, struct diag *why);

/* What `waypost invoice --verify` and `waypost correct` print. */
[[nodiscard]] enum err table_verified(struct text *out, struct slice json, struct diag *why);
[[nodiscard]] enum err table_correction(struct text *out, struct slice json, struct diag *why);

/* As it is priced, by powers of 1000: 0 B, 999 B, 1.50 kB, 12.3 MB, 123 GB. */
const char *table_traffic(int64_t bytes, char text[TABLE_AMOUNT_MAX]);
