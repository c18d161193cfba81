// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes, in pieces of any size, at a server in the simulated world, with a service that
 * answers in all its ways. Whatever comes of it: each exchange has one last word, all memory and
 * descriptors are given back, and what the visitor hears begins as an answer does.
 *
 * The first eight bytes seed the world; the ninth says how fast the visitor and the sources are.
 */
#include "http/world_test.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    uint64_t seed;
    struct visitor v;

    if (size < sizeof seed + 1)
        return 0;
    memcpy(&seed, data, sizeof seed);
    unsigned char pace = data[sizeof seed];
    struct slice bytes = slice_from(slice_of(data, size), sizeof seed + 1);

    limits.pipelined = 1 + pace % 4;
    limits.arena_bytes = 4096;
    struct world *w = world_serve(seed, &limits);
    struct sim_link link = { .delay = span_us(pace % 8),
        .chunk_max = pace % 4 * 30,
        .buffer_bytes = pace % 3 == 0 ? 0 : 2000 + pace * 100U };

    sim_link_set(w->sim, NULL, NULL, &link);
    w->script.waits = pace % 2 == 0;
    w->script.length_max = 40000;
    visitor_come(&v, w, bytes);
    v.leaves_half = pace >= 128;
    for (int i = 0; i < 20; i++)
        sim_run_for(w->sim, span_ms(i * i)); // to the edge of two time-outs
    assert(v.in_length < 12 || memcmp(v.in, "HTTP/1.1 ", 9) == 0);
    if (pace % 5 == 0)
        sim_run_for(w->sim, span_s(100));
    visitor_done(&v);
    world_free(w);
    return 0;
}
