// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What /metrics says, in the text format of Prometheus (version 0.0.4). Parts are asked one after
 * the other and add what they have; rows of one name are then written together under one HELP and
 * TYPE, whichever part and node they came from, as the format demands.
 *
 * Two samples of one name must differ in labels: a scraper refuses the whole page otherwise. The
 * labels of a set keep apart what several nodes count in rows of one name.
 *
 * Limit: METRICS_MAX samples; what is beyond is left out and counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/text.h"
#include "base/arena.h"
#include "base/counter.h"
#include "base/slice.h"

enum { METRICS_MAX = 100000 };

struct metrics_family;

struct metrics {
    struct arena arena;
    struct metrics_family *first, *last;
    size_t sample_count;
    size_t refused; // samples beyond METRICS_MAX
};

struct metrics_label {
    struct slice name;  // [a-zA-Z_][a-zA-Z0-9_]*
    struct slice value; // any bytes; escaped when written
};

/* The counters of one part: its rows, and a struct of counts for each worker. */
struct metrics_set {
    const char *prefix; // of the names, where the rows are told of somebody else too; NULL: none
    const struct counter_row *rows;
    size_t row_count;
    const struct metrics_label *labels; // of all rows, beside their own
    size_t label_count;
    const void *const *instances; // as many structs that the rows' offsets speak of; summed up
    size_t instance_count;
};

/* One number that is no counter of a worker. */
struct metrics_value {
    const char *name; // static; without the prefix, as in counter_row
    const char *help; // static
    enum counter_kind kind;
    const struct metrics_label *labels;
    size_t label_count;
    double value;
};

void metrics_init(struct metrics *m);
void metrics_done(struct metrics *m);

/* Reads and sums the counters now; nothing of the set is kept but its rows' text. */
void metrics_add_counters(struct metrics *m, const struct metrics_set *set);

/* Likewise, of one struct that `rows` speak of, with one label. */
void metrics_add_counts(struct metrics *m, const struct metrics_label *label,
    const struct counter_row *rows, size_t row_count, const void *counts);

void metrics_add_value(struct metrics *m, const struct metrics_value *value);

/* The page: families in order of their first sample. */
void metrics_write(const struct metrics *m, struct text *out);
