// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What one node holds, as JSON: its view, report by report and by observer (/api/v1/view), and
 * what it plans with and came to choose (/api/v1/map). Two of the latter compared say where two
 * nodes differ and what follows (table_compare). Names in the JSON are never changed or taken away
 * within /api/v1; a value has its unit beside it, shares are parts of one.
 *
 * Observers are told by the node's name, checks by theirs; who is not of this release is told by
 * the sixteen digits of its hash.
 *
 * Choices of cells are told as hashes, so that comparing two maps takes eight digits a cell and
 * class; beyond MAP_CELLS_MAX of them, a class has one hash for all its cells.
 */

#include "admin/text.h"
#include "base/arena.h"
#include "steer/map.h"
#include "steer/view.h"

enum {
    VIEW_TOLD_DEFAULT = 1000,       // reports in one answer, where no limit is asked for
    VIEW_TOLD_MAX = 10000,          // some 0.2 s of work; nothing else is done meanwhile
    VIEW_OBSERVERS_TOLD_MAX = 1024, // more are in the reports, and not in the list of observers
    MAP_CHECKS_MAX = 1000,          // whose facts are told
    MAP_SITES_MAX = 10000,          // with the checks some half a second of work
    MAP_CELLS_MAX = 1 << 20,        // of all classes
    MAP_HASH_DIGITS = 8,            // of a cell
};

enum { VIEW_PLACE_TEXT_MAX = 35 };

/* Where a report is in the order in which they are told: by check, kind and observer. */
struct admin_view_place {
    uint64_t check;
    enum report_kind kind;
    uint64_t observer;
};

/* What is asked. */
struct admin_view_question {
    struct slice node; // of this process; empty: its first
    size_t limit;      // of reports, 1 to VIEW_TOLD_MAX
    bool has_after;
    struct admin_view_place after; // only reports after it
};

/* What app knows; filled from above. */
struct admin_view {
    const struct network *network; // in use in this process
    const struct steer_rows *rows; // of the node; NULL: it does not run in this process
    const struct view *view;
    const struct steer_map *map; // NULL: none is planned yet
    struct wall now;
};

/* As the members `after` of the JSON and of the query: terminated; returns `text`. */
const char *admin_view_place_text(
    const struct admin_view_place *place, char text[VIEW_PLACE_TEXT_MAX]);
bool admin_view_place_parse(struct slice text, struct admin_view_place *place);

/* Of a node that runs here. Nothing is added when memory runs out. Scratch is in the arena. */
void admin_view_write(const struct admin_view *view, const struct admin_view_question *question,
    struct arena *arena, struct text *out);

/* Likewise. */
void admin_map_write(const struct admin_view *view, struct arena *arena, struct text *out);

/* How the values of a kind are told: "us", "share", "per_s", "requests" or "up". */
struct admin_unit {
    const char *text;
    double per; // as many of the report's are one of it
};

struct admin_unit admin_unit_of(enum report_kind kind);
