// SPDX-License-Identifier: Apache-2.0
#include "probe/machine.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    MILLION = 1000000,
    TEXT_MAX = 8192, // memory.stat, the longest, has two thousand; of others the beginning counts
    TICK_FIELDS = 8, // user nice system idle iowait irq softirq steal; guests are in user
    AT_IDLE = 3,
    AT_IOWAIT = 4,
};

#define GROUPS "/sys/fs/cgroup"

static bool next_word(struct slice *rest, struct slice *word)
{
    while (rest->length > 0 && rest->at[0] == ' ')
        *rest = slice_from(*rest, 1);
    *word = slice_head(*rest, slice_find(*rest, ' '));
    *rest = slice_from(*rest, word->length);
    return word->length > 0;
}

static bool next_number(struct slice *rest, uint64_t *number)
{
    struct slice word;

    return next_word(rest, &word) && slice_number(word, UINT64_MAX, number);
}

bool machine_cpu_parse(struct slice stat, struct machine_cpu *cpu)
{
    struct slice rest = slice_head(stat, slice_find(stat, '\n')), word;
    struct machine_cpu sums = { 0 };

    if (!next_word(&rest, &word) || !slice_equal(word, SLICE("cpu")))
        return false;
    for (int i = 0; i < TICK_FIELDS; i++) {
        uint64_t ticks;

        if (!next_number(&rest, &ticks))
            return false;
        if (i == AT_IDLE || i == AT_IOWAIT)
            sums.idle += ticks;
        else
            sums.busy += ticks;
    }
    *cpu = sums;
    return true;
}

/* The kernel's sums may run backwards a little (proc(5) says so of iowait). */
static uint64_t grown(uint64_t before, uint64_t after)
{
    return after > before ? after - before : 0;
}

/* part / whole in millionths, at most a million. */
static uint32_t share_of(double part, double whole)
{
    return part >= whole ? MILLION : (uint32_t)(part / whole * MILLION);
}

uint32_t machine_cpu_share(const struct machine_cpu *before, const struct machine_cpu *after)
{
    uint64_t busy = grown(before->busy, after->busy), idle = grown(before->idle, after->idle);

    if (busy + idle == 0)
        return MACHINE_UNKNOWN;
    return share_of((double)busy, (double)busy + (double)idle);
}

bool machine_number_find(struct slice text, struct slice name, uint64_t *number)
{
    struct slice line, word;

    while (slice_cut(&text, '\n', &line)) {
        if (!next_word(&line, &word))
            continue;
        if (word.at[word.length - 1] == ':')
            word.length--;
        if (slice_equal(word, name))
            return next_number(&line, number);
    }
    return false;
}

uint32_t machine_memory_share(struct slice meminfo)
{
    uint64_t total, available;

    if (!machine_number_find(meminfo, SLICE("MemTotal"), &total) ||
        !machine_number_find(meminfo, SLICE("MemAvailable"), &available) || total == 0)
        return MACHINE_UNKNOWN;
    return share_of((double)grown(available, total), (double)total);
}

uint64_t machine_group_quota(struct slice cpu_max)
{
    struct slice rest = slice_head(cpu_max, slice_find(cpu_max, '\n'));
    uint64_t quota_us, period_us;

    if (!next_number(&rest, &quota_us) || !next_number(&rest, &period_us) || period_us == 0)
        return 0; // "max 100000" among others
    return (uint64_t)((double)quota_us / (double)period_us * MILLION);
}

/* The fuller of both. */
static uint32_t tighter(uint32_t a, uint32_t b)
{
    if (a == MACHINE_UNKNOWN || b == MACHINE_UNKNOWN)
        return a == MACHINE_UNKNOWN ? b : a;
    return a > b ? a : b;
}

/* Empty when it cannot be read. */
static struct slice read_file(const char *folder, const char *name, char room[TEXT_MAX])
{
    char path[MACHINE_PATH_MAX + 64];
    size_t length = 0;
    ssize_t got = 0;

    snprintf(path, sizeof path, "%s%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return slice_of(room, 0);
    while (length < TEXT_MAX && (got = read(fd, room + length, TEXT_MAX - length)) > 0)
        length += (size_t)got;
    close(fd);
    return slice_of(room, got < 0 ? 0 : length);
}

void machine_init(struct machine *machine, const char *root)
{
    char room[TEXT_MAX];
    struct slice text, line, path = SLICE_NONE;

    *machine = (struct machine){ 0 };
    assert(strlen(root) < sizeof machine->root);
    memcpy(machine->root, root, strlen(root) + 1);
    text = read_file(root, "/proc/self/cgroup", room);
    while (slice_cut(&text, '\n', &line))
        if (slice_starts(line, SLICE("0::/"))) // of version 2; those of version 1 have names
            path = slice_from(line, 3);
    // "/../.." is a group that this process cannot see into; "/" is the folder of all.
    if (path.length == 1 || slice_starts(path, SLICE("/..")) ||
        path.length > sizeof machine->groups - sizeof machine->root - sizeof GROUPS)
        path = SLICE_NONE;
    machine->groups_top = strlen(root) + strlen(GROUPS);
    snprintf(machine->groups, sizeof machine->groups, "%s%s%.*s", root, GROUPS, SLICE_ARG(path));
}

static uint32_t group_cpu(const char *folder, struct machine_group *level, struct span elapsed)
{
    char room[TEXT_MAX];
    uint64_t quota = machine_group_quota(read_file(folder, "/cpu.max", room));
    struct machine_group before = *level;

    *level = (struct machine_group){ 0 };
    if (quota == 0)
        return MACHINE_UNKNOWN;
    level->is_known = machine_number_find(
        read_file(folder, "/cpu.stat", room), SLICE("usage_usec"), &level->usage_us);
    if (!level->is_known || !before.is_known || elapsed.ns <= 0)
        return MACHINE_UNKNOWN;
    double allowed_us = (double)elapsed.ns / 1000 * (double)quota / MILLION;

    return share_of((double)grown(before.usage_us, level->usage_us), allowed_us);
}

static uint32_t group_memory(const char *folder)
{
    char room[TEXT_MAX];
    uint64_t most, held, inactive;
    struct slice line = read_file(folder, "/memory.max", room);

    line = slice_head(line, slice_find(line, '\n'));
    if (!slice_number(line, UINT64_MAX, &most) || most == 0)
        return MACHINE_UNKNOWN; // "max"
    line = read_file(folder, "/memory.current", room);
    line = slice_head(line, slice_find(line, '\n'));
    if (!slice_number(line, UINT64_MAX, &held))
        return MACHINE_UNKNOWN;
    if (!machine_number_find(
            read_file(folder, "/memory.stat", room), SLICE("inactive_file"), &inactive))
        inactive = 0;
    return share_of((double)grown(inactive, held), (double)most);
}

/* From the nearest group upwards, the folder of all included: within a container that is one. */
static void read_groups(struct machine *m, struct span elapsed, struct machine_load *load)
{
    char folder[MACHINE_PATH_MAX];
    size_t length = strlen(m->groups);

    memcpy(folder, m->groups, length + 1);
    for (size_t i = 0; i < MACHINE_LEVELS_MAX; i++) {
        load->cpu = tighter(load->cpu, group_cpu(folder, &m->levels[i], elapsed));
        load->memory = tighter(load->memory, group_memory(folder));
        if (length <= m->groups_top)
            break;
        while (folder[--length] != '/')
            ;
        folder[length] = 0;
    }
}

struct machine_load machine_read(struct machine *machine, struct instant now)
{
    char room[TEXT_MAX];
    struct machine_load load = { MACHINE_UNKNOWN, MACHINE_UNKNOWN };
    struct machine_cpu before = machine->cpu;
    bool has_before = machine->has_cpu;

    machine->has_cpu =
        machine_cpu_parse(read_file(machine->root, "/proc/stat", room), &machine->cpu);
    if (machine->has_cpu && has_before)
        load.cpu = machine_cpu_share(&before, &machine->cpu);
    load.memory = machine_memory_share(read_file(machine->root, "/proc/meminfo", room));
    read_groups(machine, instant_since(machine->read_at, now), &load);
    machine->read_at = now;
    return load;
}
