// SPDX-License-Identifier: Apache-2.0
#pragma once

/* One page of `waypost status --compare` while it is made: of what is known, and what follows. */

#include "admin/table_priv.h"

enum { COMPARE_SIDES = 2, COMPARE_ROWS_SHOWN = 40 };

struct compare_page {
    const json_t *maps[COMPARE_SIDES]; // as /api/v1/map told them
    const char *nodes[COMPARE_SIDES];
    struct text *out;
};

/* Where their facts differ by more than they spread, by check and kind. */
void compare_facts(const struct compare_page *page);

/* Which sites they would lead clients of elsewhere, and how many cells of clients. */
void compare_sites(const struct compare_page *page);

/* A title of a column: `fmt` with the node's name, in `title`; returns it. */
const char *compare_title(
    const struct compare_page *page, size_t side, const char *words, char title[TABLE_CELL_MAX]);
