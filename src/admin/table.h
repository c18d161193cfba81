// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The JSON of a status, of why or of a view as text for people: tables with aligned columns, a line
 * of capitals above, numbers to the right, units written out. Pure. What a newer or older node says
 * otherwise than expected is shown as far as it is understood; control bytes are shown as '?'.
 */

#include "admin/text.h"
#include "base/err.h"
#include "base/slice.h"

enum { TABLE_COLUMNS_MAX = 13, TABLE_ROWS_MAX = 10000, TABLE_CELL_MAX = 64 };

struct table_column {
    const char *title;
    bool is_number; // to the right
};

/* Cells of text in rows; starts empty. */
struct table {
    const struct table_column *columns;
    size_t column_count;
    char (*cells)[TABLE_CELL_MAX]; // row by row
    size_t cell_count;
};

void table_init(struct table *t, const struct table_column *columns, size_t column_count);
void table_done(struct table *t);

/* The next cell, row by row; cut to TABLE_CELL_MAX. Cells beyond TABLE_ROWS_MAX rows are dropped.
 */
void table_cell(struct table *t, const char *fmt, ...) PRINTS(2, 3);

/* Nothing for a table without rows; else the titles and the rows. */
void table_write(const struct table *t, struct text *out);

enum { TABLE_AMOUNT_MAX = 32 };

/* 0 B, 999 B, 1.5 KiB, 12 MiB, ...; returns `text`, as the others do. */
const char *table_size(uint64_t bytes, char text[TABLE_AMOUNT_MAX]);
/* 1,234,567 */
const char *table_count(uint64_t count, char text[TABLE_AMOUNT_MAX]);
/* 45 s, 2 min 5 s, 3 h 20 min, 12 d 4 h */
const char *table_duration(uint64_t seconds, char text[TABLE_AMOUNT_MAX]);
/* 97 %; "-" of nothing */
const char *table_share(uint64_t part, uint64_t whole, char text[TABLE_AMOUNT_MAX]);

/* What `waypost status` prints. ERR_PARSE: not the JSON of a status. */
[[nodiscard]] enum err table_status(struct text *out, struct slice json, struct diag *why);

/* What `waypost why` prints: the answer first, then what was weighed, then what would change it.
 * ERR_PARSE: not the JSON of a why. */
[[nodiscard]] enum err table_why(struct text *out, struct slice json, struct diag *why);

/* What `waypost status --view` prints of a view's pages, at least one: for each kind of measurement
 * the checks, by who observed them, the node itself first. ERR_PARSE: not the JSON of a view. */
[[nodiscard]] enum err table_view(
    struct text *out, const struct slice *pages, size_t count, struct diag *why);

enum { TABLE_PAGES_MAX = 16 };

/* Copies the member that asks for the page after this one; false where this is the last. */
bool table_next_page(struct slice page, char after[TABLE_CELL_MAX]);

/* What `waypost status --compare` prints of two maps: where what the nodes know differs by more
 * than it spreads, and what follows. ERR_PARSE: not the JSON of two maps. */
[[nodiscard]] enum err table_compare(
    struct text *out, struct slice one, struct slice other, struct diag *why);

/* Two maps as the admin tells them are of the same epoch. False where it is not told. */
bool table_same_epoch(struct slice one, struct slice other);

/* What `waypost orders` prints: the newest first. ERR_PARSE: not the JSON of orders. */
[[nodiscard]] enum err table_orders(struct text *out, struct slice json, struct diag *why);

/* What `waypost orders N`, purge, drain and undrain print: the order, and each node's receipt.
 * ERR_PARSE: not the JSON of an order. */
[[nodiscard]] enum err table_order(struct text *out, struct slice json, struct diag *why);
