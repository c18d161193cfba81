// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Moments as people write them in questions of the past: RFC 3339 in UTC, with fractions of a
 * second or without ("2026-11-22T10:05:00.125Z"), or a time before now ("-1h", "-90s"). Pure.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/slice.h"

enum { MOMENT_TEXT_MAX = 32 };

/* Fractions beyond microseconds are cut. False: it is neither, or before 1970. */
bool moment_parse(struct slice text, struct moment now, struct moment *moment);

/* With all six digits of its fraction; returns `text`. */
const char *moment_text(struct moment moment, char text[MOMENT_TEXT_MAX]);
