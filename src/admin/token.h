// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The token that whoever asks from afar has to show (RFC 6750: Authorization: Bearer TOKEN). It
 * lies in a file, so that it is in no process list and in no configuration.
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

enum { ADMIN_TOKEN_MIN = 16, ADMIN_TOKEN_MAX = 512 };

/*
 * The file's text without blanks and line ends around it; freed with mem_free. Blocks. ERR_CONFIG:
 * it cannot be read, is too short or too long, or has bytes that no such field may have; `why`
 * names the file.
 */
[[nodiscard]] enum err admin_token_load(struct slice file, char **token, struct diag *why);

/* Whether an Authorization field shows it; how long that takes says nothing about the token but
 * its length. */
bool admin_token_fits(const char *token, struct slice authorization);
