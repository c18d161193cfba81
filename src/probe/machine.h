// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * How much of this machine is in use: CPU and memory, in millionths of what there is. Where a
 * control group (cgroup v2) that this process is in, or one above it, binds tighter than the
 * machine does, its share is told instead: whoever may have two of sixteen cores is full at two.
 *
 * CPU is the busy share between two readings. Waiting for a disk is idle, since others could run
 * meanwhile; time that the hypervisor stole is busy, since nobody here could. Memory is what
 * nobody could have without swapping: 1 - MemAvailable / MemTotal; of a group what it holds, less
 * its inactive file pages, which the kernel would drop first.
 *
 * Of groups the nearest MACHINE_LEVELS_MAX are looked at. The parsers are pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

enum { MACHINE_LEVELS_MAX = 8, MACHINE_PATH_MAX = 512 };

#define MACHINE_UNKNOWN UINT32_MAX

struct machine_load {
    uint32_t cpu, memory; // millionths, at most a million; or MACHINE_UNKNOWN
};

struct machine_cpu {
    uint64_t busy, idle; // ticks since boot, of all processors together
};

struct machine_group {
    uint64_t usage_us; // CPU time it used so far
    bool is_known;
};

struct machine {
    char root[MACHINE_PATH_MAX / 4];
    char groups[MACHINE_PATH_MAX]; // folder of the nearest group
    size_t groups_top;             // as much of it is the folder of all groups
    struct instant read_at;        // the reading before
    struct machine_cpu cpu;
    bool has_cpu;
    struct machine_group levels[MACHINE_LEVELS_MAX]; // the nearest first
};

/*
 * Finds the group of this process. `root` stands before /proc and /sys: "", or a folder of tests;
 * at most a hundred bytes.
 */
void machine_init(struct machine *machine, const char *root);

/*
 * Reads some files, which blocks for about a tenth of a millisecond: the kernel makes their text as
 * it is read. The first reading has no CPU share, as there is none before it. What cannot be read
 * is unknown.
 */
struct machine_load machine_read(struct machine *machine, struct instant now);

/* Of /proc/stat, its first line. */
bool machine_cpu_parse(struct slice stat, struct machine_cpu *cpu);

/* Millionths; MACHINE_UNKNOWN when no time passed between the readings. */
uint32_t machine_cpu_share(const struct machine_cpu *before, const struct machine_cpu *after);

/* Of /proc/meminfo; millionths, or MACHINE_UNKNOWN. */
uint32_t machine_memory_share(struct slice meminfo);

/* Of cpu.max: CPU time for each microsecond, in millionths; 0: no limit. */
uint64_t machine_group_quota(struct slice cpu_max);

/* Of files with a name and a number on each line: cpu.stat, memory.stat, meminfo. */
bool machine_number_find(struct slice text, struct slice name, uint64_t *number);
