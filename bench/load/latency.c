// SPDX-License-Identifier: Apache-2.0
#include "latency.h"

void latency_reset(struct latency *latency)
{
    *latency = (struct latency){ 0 };
}

/* Counting starts at LATENCY_STEPS, so that the smallest values have whole buckets too. */
void latency_record(struct latency *latency, uint64_t ns)
{
    uint64_t value = ns + LATENCY_STEPS;
    unsigned doubling = 63 - (unsigned)__builtin_clzll(value);
    unsigned step = (unsigned)(value >> (doubling - 5)) % LATENCY_STEPS;

    latency->counts[doubling * LATENCY_STEPS + step]++;
    latency->total++;
}

double latency_us(const struct latency *latency, double quantile)
{
    double wanted = quantile * (double)latency->total;
    uint64_t seen = 0;

    for (unsigned i = 0; latency->total > 0 && i < LATENCY_BUCKETS; i++) {
        seen += latency->counts[i];
        if (latency->counts[i] > 0 && (double)seen >= wanted) {
            uint64_t lowest = (uint64_t)(LATENCY_STEPS + i % LATENCY_STEPS);

            return (double)((lowest << (i / LATENCY_STEPS - 5)) - LATENCY_STEPS) / 1000;
        }
    }
    return 0;
}
