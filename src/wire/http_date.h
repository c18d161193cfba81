// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Dates of HTTP (RFC 9110 §5.6.7): the one form that is written, and the two obsolete ones that
 * are still read. Anything else is no date; what that means is for the caller to say (for Expires:
 * already stale).
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/slice.h"

enum { HTTP_DATE_BYTES = 29 };

/*
 * Day names are not checked against the date. `now` settles the century of two-digit years: none
 * is more than 50 years in the future.
 */
[[nodiscard]] bool http_date_parse(struct slice text, struct wall now, struct wall *date);

/* Writes HTTP_DATE_BYTES bytes, not terminated; fractions of a second are dropped. The year is in
 * 1970 to 9999: outside, the nearest date inside is written. */
void http_date_write(struct wall date, char *text);
