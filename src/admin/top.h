// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What `waypost top` shows: the live figures, the network and its latest changes as one text, and
 * of that text as much as a screen has room for. Pure: JSON and sizes in, bytes out. What a newer
 * or older node says otherwise than expected is shown as far as it is understood.
 *
 * Limits: TOP_SITES_SHOWN sites and TOP_CHANGES_SHOWN changes; how many more sites there are is
 * said.
 */

#include <stdbool.h>

#include "admin/text.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    TOP_SITES_SHOWN = 30,
    TOP_CHANGES_SHOWN = 12,
    TOP_WIDTH_MAX = 1000, // of screens; larger ones are not filled
    TOP_HEIGHT_MAX = 500,
};

/* Nodes and sites stand in this order, the most first; of those that are alike by name. */
enum top_sort { TOP_BY_REQUESTS, TOP_BY_SENT, TOP_BY_DNS, TOP_BY_CPU, TOP_BY_NAME, TOP_SORT_COUNT };

/* "requests"; never NULL. */
const char *top_sort_text(enum top_sort sort);

/* Answers of /api/v1/live (one event), /network and /changes, as they came; empty: not known. */
struct top_look {
    struct slice live, network, changes;
};

/*
 * All of it, in lines that end and have no byte that a terminal would obey: the network in two
 * lines, then nodes, sites, origins (the worst first) and changes. ERR_PARSE: there is no network
 * in it.
 */
[[nodiscard]] enum err top_write(
    struct text *out, const struct top_look *look, enum top_sort sort, struct diag *why);

/* What is on the screen. */
struct top_screen {
    unsigned width, height;
    size_t offset;     // lines of the text that are above it; at most top_offset_max
    struct slice foot; // the last line
};

/* How many lines of a text may be scrolled away; 0 where all has room. */
size_t top_offset_max(struct slice text, unsigned height);

/* The bytes that paint the screen anew, from any state: titles bold, what is down red, what is
 * drained or not known yellow. Characters count as one column each. */
void top_paint(struct text *out, struct slice text, const struct top_screen *screen);

/* What a person has pressed. */
enum top_key {
    TOP_KEY_NONE,
    TOP_KEY_QUIT,
    TOP_KEY_SORT,
    TOP_KEY_HELP,
    TOP_KEY_UP,
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_OTHER,
};

/* Takes the next key off the front of what was read; TOP_KEY_NONE: nothing is left. */
enum top_key top_key_take(struct slice *bytes);
