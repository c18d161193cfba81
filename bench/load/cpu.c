// SPDX-License-Identifier: Apache-2.0
#include "cpu.h"

#include <stdlib.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec t;

    if (clock_gettime(id, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool cpu_watch_parse(struct cpu_watch *watch, const char *text)
{
    watch->count = 0;
    for (;;) {
        char *end;
        long pid = strtol(text, &end, 10);

        if (end == text || pid <= 0 || watch->count == CPU_PIDS_MAX)
            return false;
        watch->pids[watch->count++] = (pid_t)pid;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
        text = end + 1;
    }
}

uint64_t cpu_watch_ns(const struct cpu_watch *watch)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < watch->count; i++) {
        clockid_t id;

        if (clock_getcpuclockid(watch->pids[i], &id) == 0)
            sum += read_clock(id);
    }
    return sum;
}

uint64_t cpu_own_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
