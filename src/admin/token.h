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

/* What an Authorization field shows: the text behind `Bearer`. False: it is of another kind, or is
 * no token that there could be. Pure. */
[[nodiscard]] bool admin_token_shown(struct slice authorization, struct slice *token);
