// SPDX-License-Identifier: Apache-2.0
#include "app/load.h"

#include <stdatomic.h>

/* All that this node's visitors asked, and were sent. */
static void visitors_sum(const struct running_node *node, uint64_t *requests, uint64_t *sent_bytes)
{
    *requests = *sent_bytes = 0;
    for (unsigned i = 0; i < node->worker_count; i++) {
        const struct http_server_counts *counts = http_server_counts(node->workers[i].http);

        *requests += counter_read(&counts->requests);
        *sent_bytes += counter_read(&counts->bytes_out);
    }
}

/* As much of it as can be told. */
static uint32_t told(double figure)
{
    return figure < DELIVERY_LOAD_UNKNOWN ? (uint32_t)figure : DELIVERY_LOAD_UNKNOWN - 1;
}

void load_init(struct load *load, const struct running_node *node)
{
    *load = (struct load){ 0 };
    machine_init(&load->machine, node->machine);
}

void load_tell(struct load *load, struct running_node *node, struct instant now)
{
    uint64_t capacity = node_root(node)->self->capacity_bits_per_s;
    struct span passed = instant_since(load->told, now);
    struct delivery_load *tell = &node->load;
    uint32_t used = DELIVERY_LOAD_UNKNOWN, rate = DELIVERY_LOAD_UNKNOWN;
    uint64_t requests, sent;

    visitors_sum(node, &requests, &sent);
    if (passed.ns > 0)
        rate = told(1e12 * (double)(requests - load->requests) / (double)passed.ns);
    if (passed.ns > 0 && capacity > 0)
        used =
            told(8e15 * (double)(sent - load->sent_bytes) / (double)passed.ns / (double)capacity);
    load->requests = requests;
    load->sent_bytes = sent;
    load->told = now;
    const struct machine_load machine = machine_read(&load->machine, now);

    atomic_store_explicit(&tell->application, used, memory_order_relaxed);
    atomic_store_explicit(&tell->rate, rate, memory_order_relaxed);
    atomic_store_explicit(&tell->cpu, machine.cpu, memory_order_relaxed);
    atomic_store_explicit(&tell->memory, machine.memory, memory_order_relaxed);
}

double load_share(const _Atomic uint32_t *millionths)
{
    uint32_t value = atomic_load_explicit(millionths, memory_order_relaxed);

    return value == DELIVERY_LOAD_UNKNOWN ? -1 : (double)value / 1e6;
}
