// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the tables of several answers share: members of their JSON as people read them. */

#include <jansson.h>

#include "admin/table.h"

enum { TABLE_OLD_S = 10 }; // measurements older than that are shown with their age

/* A member's text as a format argument: never NULL, "-" for none. */
const char *table_text_of(const json_t *object, const char *key);

bool table_text_is(const json_t *object, const char *key, const char *text);

/* Ends the line that was begun at `start`, without a byte that a terminal would obey. */
void table_end_line(struct text *out, size_t start);

/* Sums up the checks of a status: the worst first, TABLE_CHECKS_SHOWN of them. */
void table_checks(const json_t *status, struct text *out);

enum { TABLE_CHECKS_SHOWN = 20, TABLE_PEERS_SHOWN = 20 };

/* The nodes of the network as they are heard, those that are not well first; nothing where there is
 * one alone. */
void table_peers(const json_t *status, struct text *out);

/* What a status says is drained; nothing where nothing is. */
void table_drains(const json_t *status, struct text *out);

/* 0 ms, 0.3 ms, 17.4 ms, 120 ms */
const char *table_ms(double ms, char text[TABLE_AMOUNT_MAX]);

/* 0 %, 2.5 %, 41 %; of 0.41 */
const char *table_percent(double share, char text[TABLE_AMOUNT_MAX]);

/* What stands beside it: "us" in ms, "share" in percent, "up" as a word; terminated. */
const char *table_amount(const char *unit, double value, char text[TABLE_AMOUNT_MAX]);

/* In the order in which they are shown; the kind itself for one that is not known. */
const char *table_kind(const char *kind, size_t *order);

/* " (2 min old)", empty up to TABLE_OLD_S. */
const char *table_old(double age_s, char text[TABLE_AMOUNT_MAX]);

/* Of a time as in the JSON the clock alone where both are of one day: 10:02:11Z. */
const char *table_clock(const char *time, const char *now, char text[TABLE_CELL_MAX]);

/* "timeout", "answered 503": how the newest probe of a check ended; "-" for none. */
const char *table_outcome(const json_t *check, char text[TABLE_CELL_MAX]);

/* "up", "not known yet", "down since 10:02:11Z: timeout". */
const char *table_verdict(const json_t *check, const char *now, char text[TABLE_CELL_MAX]);

/* Most nodes found otherwise than this one: the answers go by them. */
bool table_is_outvoted(const json_t *check);

/* "up by 3 of 4 groups": as it was counted. */
const char *table_counted(const json_t *check, char text[TABLE_CELL_MAX]);

/* The verdict; where it is outvoted "down by 3 of 4 groups, up here". */
const char *table_state(const json_t *check, const char *now, char text[TABLE_CELL_MAX]);
