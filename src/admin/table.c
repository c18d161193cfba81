// SPDX-License-Identifier: Apache-2.0
#include "admin/table.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "admin/json.h"
#include "base/mem.h"

enum { GAP = 2 };

void table_init(struct table *t, const struct table_column *columns, size_t column_count)
{
    assert(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
    *t = (struct table){ .columns = columns, .column_count = column_count };
}

void table_done(struct table *t)
{
    mem_free(t->cells);
    *t = (struct table){ 0 };
}

/* Characters as a terminal shows them, one column each: bytes but for those that go on one. */
static size_t width(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

void table_cell(struct table *t, const char *fmt, ...)
{
    if (t->cell_count == TABLE_ROWS_MAX * t->column_count)
        return;
    if ((t->cell_count & (t->cell_count - 1)) == 0) // room is the next power of two
        t->cells = mem_resize(t->cells, (2 * t->cell_count + 1) * sizeof t->cells[0]);
    char *cell = t->cells[t->cell_count++];
    va_list args;

    va_start(args, fmt);
    int length = vsnprintf(cell, TABLE_CELL_MAX, fmt, args);
    va_end(args);
    if (length >= TABLE_CELL_MAX) { // cut before a character, not within
        size_t end = TABLE_CELL_MAX - 4;

        while (((unsigned char)cell[end] & 0xc0) == 0x80)
            end--;
        memcpy(cell + end, "...", 4);
    }
    for (char *c = cell; *c != '\0'; c++)
        if (ascii_is_control(*c))
            *c = '?';
}

static void pad(struct text *out, size_t count)
{
    while (count-- > 0)
        text_add(out, SLICE(" "));
}

/* One line: a cell for each column. */
static void write_row(
    const struct table *t, const size_t *widths, const char *const *cells, struct text *out)
{
    size_t owed = 0; // blanks are written before something, never at a line's end

    for (size_t i = 0; i < t->column_count; i++) {
        size_t rest = widths[i] - width(cells[i]);

        owed += t->columns[i].is_number ? rest : 0;
        if (cells[i][0] != '\0') {
            pad(out, owed);
            text_add(out, slice_text(cells[i]));
            owed = 0;
        }
        owed += (t->columns[i].is_number ? 0 : rest) + GAP;
    }
    text_add(out, SLICE("\n"));
}

void table_write(const struct table *t, struct text *out)
{
    size_t widths[TABLE_COLUMNS_MAX];
    const char *line[TABLE_COLUMNS_MAX];

    if (t->cell_count == 0)
        return;
    assert(t->cell_count % t->column_count == 0);
    for (size_t i = 0; i < t->column_count; i++)
        widths[i] = width(t->columns[i].title);
    for (size_t i = 0; i < t->cell_count; i++)
        if (width(t->cells[i]) > widths[i % t->column_count])
            widths[i % t->column_count] = width(t->cells[i]);
    for (size_t i = 0; i < t->column_count; i++)
        line[i] = t->columns[i].title;
    write_row(t, widths, line, out);
    for (size_t i = 0; i < t->cell_count; i += t->column_count) {
        for (size_t j = 0; j < t->column_count; j++)
            line[j] = t->cells[i + j];
        write_row(t, widths, line, out);
    }
}

const char *table_size(uint64_t bytes, char text[TABLE_AMOUNT_MAX])
{
    static const char *const UNITS[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double amount = (double)bytes;
    size_t unit = 0;

    // 1023.95 would be shown as 1024.0 of the smaller unit
    for (; amount >= 1023.95 && unit + 1 < COUNT_OF(UNITS); unit++)
        amount /= 1024;
    // One decimal where it says something, none where the number is long enough without.
    snprintf(text, TABLE_AMOUNT_MAX, "%.*f %s", unit > 0 && amount < 99.95, amount, UNITS[unit]);
    return text;
}

const char *table_count(uint64_t count, char text[TABLE_AMOUNT_MAX])
{
    char digits[TABLE_AMOUNT_MAX], *to = text;
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

const char *table_duration(uint64_t seconds, char text[TABLE_AMOUNT_MAX])
{
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

    if (minutes == 0)
        snprintf(text, TABLE_AMOUNT_MAX, "%" PRIu64 " s", seconds);
    else if (hours == 0)
        snprintf(text, TABLE_AMOUNT_MAX, "%" PRIu64 " min %" PRIu64 " s", minutes, seconds % 60);
    else if (days == 0)
        snprintf(text, TABLE_AMOUNT_MAX, "%" PRIu64 " h %" PRIu64 " min", hours, minutes % 60);
    else
        snprintf(text, TABLE_AMOUNT_MAX, "%" PRIu64 " d %" PRIu64 " h", days, hours % 24);
    return text;
}

const char *table_share(uint64_t part, uint64_t whole, char text[TABLE_AMOUNT_MAX])
{
    double percent = whole == 0 ? 0 : 100.0 * (double)part / (double)whole;

    if (whole == 0)
        snprintf(text, TABLE_AMOUNT_MAX, "-");
    else
        snprintf(text, TABLE_AMOUNT_MAX, "%.0f %%", floor(percent)); // 100 % means all of it
    return text;
}
