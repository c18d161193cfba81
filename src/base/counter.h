// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Counters: totals that only grow, written by one thread and read by any. A part lists its
 * counters once, as rows of a table; the struct, /metrics and the dashboard are made from it:
 *
 *     #define DNS_COUNTERS(X) \
 *         X(queries_udp, "dns_queries_total", "transport=\"udp\"", "Questions that arrived")
 *     struct dns_counts { DNS_COUNTERS(COUNTER_FIELD) };
 *     const struct counter_row dns_counter_rows[] = { DNS_COUNTERS(COUNTER_ROW_OF_DNS) };
 *
 * A row's name comes without the prefix `waypost_`; rows that share a name differ in labels and
 * stand side by side.
 */

#include <stddef.h>
#include <stdint.h>

struct counter {
    uint64_t total;
};

enum counter_kind { COUNTER_TOTAL, COUNTER_GAUGE };

struct counter_row {
    const char *name, *labels, *help; // labels: Prometheus syntax without braces, "" for none
    enum counter_kind kind;
    size_t offset; // of the struct counter within the part's struct
};

#define COUNTER_FIELD(field, name, labels, help) struct counter field;

/* A row for `field` of `type`; used through a one-line macro of the part that names its type. */
#define COUNTER_ROW(type, field, row_name, row_labels, row_help)                   \
    {                                                                              \
        (row_name), (row_labels), (row_help), COUNTER_TOTAL, offsetof(type, field) \
    }

/* By the one thread that owns the counter: no locked instruction, no torn read elsewhere. */
static inline void counter_add(struct counter *c, uint64_t more)
{
    __atomic_store_n(&c->total, c->total + more, __ATOMIC_RELAXED);
}

static inline void counter_up(struct counter *c)
{
    counter_add(c, 1);
}

/* By any thread. */
static inline uint64_t counter_read(const struct counter *c)
{
    return __atomic_load_n(&c->total, __ATOMIC_RELAXED);
}
