// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/attr.h"
#include "probe/machine.h"

/* A machine of files: the kernel's, as far as it is looked at. */
struct files {
    char root[32];
    struct machine machine;
};

static const char *const FOLDERS[] = { "/proc", "/proc/self", "/sys", "/sys/fs", "/sys/fs/cgroup",
    "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/system.slice/waypost.service" };

#define TOP     "/sys/fs/cgroup"
#define SLICED  "/sys/fs/cgroup/system.slice"
#define NEAREST "/sys/fs/cgroup/system.slice/waypost.service"

static void put(const struct files *f, const char *folder, const char *name, const char *text)
{
    char path[200];

    snprintf(path, sizeof path, "%s%s/%s", f->root, folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void take_away(const struct files *f, const char *folder, const char *name)
{
    char path[200];

    snprintf(path, sizeof path, "%s%s/%s", f->root, folder, name);
    remove(path);
}

static struct files *files_new(const char *group)
{
    struct files *f = calloc(1, sizeof *f);
    char path[200];

    assert_non_null(f);
    strcpy(f->root, "/tmp/waypost-machine-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    for (size_t i = 0; i < COUNT_OF(FOLDERS); i++) {
        snprintf(path, sizeof path, "%s%s", f->root, FOLDERS[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    put(f, "/proc", "stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n");
    put(f, "/proc", "meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable:  600 kB\n");
    put(f, "/proc/self", "cgroup", group);
    machine_init(&f->machine, f->root);
    return f;
}

static void files_free(struct files *f)
{
    static const char *const groups[] = { TOP, SLICED, NEAREST };
    static const char *const names[] = { "cpu.max", "cpu.stat", "memory.max", "memory.current",
        "memory.stat" };

    for (size_t i = 0; i < COUNT_OF(groups); i++)
        for (size_t j = 0; j < COUNT_OF(names); j++)
            take_away(f, groups[i], names[j]);
    take_away(f, "/proc", "stat");
    take_away(f, "/proc", "meminfo");
    take_away(f, "/proc/self", "cgroup");
    for (size_t i = COUNT_OF(FOLDERS); i > 0; i--)
        take_away(f, FOLDERS[i - 1], "");
    take_away(f, "", "");
    free(f);
}

static struct machine_load read_at(struct files *f, int64_t second)
{
    return machine_read(&f->machine, (struct instant){ span_s(second).ns });
}

static struct machine_cpu cpu_of(const char *line)
{
    struct machine_cpu cpu;

    assert_true(machine_cpu_parse(slice_text(line), &cpu));
    return cpu;
}

static void waiting_for_a_disk_is_idle_and_stolen_time_is_busy(void **)
{
    struct machine_cpu cpu = cpu_of("cpu  1 20 300 4000 50000 600000 7000000 80000000 5 6\n");

    assert_int_equal(cpu.busy, 87600321);
    assert_int_equal(cpu.idle, 54000);
}

static void the_time_of_guests_is_not_counted_twice(void **)
{
    assert_int_equal(cpu_of("cpu 9 0 0 1 0 0 0 0 9 0").busy, 9);
}

static void another_text_is_no_reading(void **)
{
    static const char *const texts[] = { "", "cpu", "cpu0 1 2 3 4 5 6 7 8", "cpu  1 2 3 4 5 6 7\n8",
        "cpu  1 2 3 x 5 6 7 8", "cpu  1 2 3 -4 5 6 7 8", "intr 1 2 3 4 5 6 7 8" };
    struct machine_cpu cpu;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_false(machine_cpu_parse(slice_text(texts[i]), &cpu));
}

static void the_share_is_of_what_passed_between_two_readings(void **)
{
    struct machine_cpu before = { 1000, 9000 }, after = { 1025, 9075 };

    assert_int_equal(machine_cpu_share(&before, &after), 250000);
    assert_int_equal(machine_cpu_share(&before, &(struct machine_cpu){ 1001, 9000 }), 1000000);
    assert_int_equal(machine_cpu_share(&before, &(struct machine_cpu){ 1000, 9001 }), 0);
    assert_true(machine_cpu_share(&before, &before) == MACHINE_UNKNOWN);
}

static void sums_that_run_backwards_stand_still(void **)
{
    struct machine_cpu before = { 1000, 9000 };

    assert_int_equal(machine_cpu_share(&before, &(struct machine_cpu){ 1010, 8999 }), 1000000);
    assert_int_equal(machine_cpu_share(&before, &(struct machine_cpu){ 999, 9010 }), 0);
    assert_true(machine_cpu_share(&before, &(struct machine_cpu){ 1, 2 }) == MACHINE_UNKNOWN);
}

static void memory_in_use_is_what_is_not_available(void **)
{
    assert_int_equal(
        machine_memory_share(SLICE("MemTotal:    8000 kB\nMemFree: 10 kB\nMemAvailable:  2000 kB")),
        750000);
    assert_true(machine_memory_share(SLICE("MemTotal: 8000 kB\n")) == MACHINE_UNKNOWN);
    assert_true(
        machine_memory_share(SLICE("MemTotal: 0 kB\nMemAvailable: 0 kB\n")) == MACHINE_UNKNOWN);
    assert_int_equal(machine_memory_share(SLICE("MemTotal: 1 kB\nMemAvailable: 2 kB\n")), 0);
}

static void a_quota_is_processors_in_millionths(void **)
{
    assert_int_equal(machine_group_quota(SLICE("150000 100000\n")), 1500000);
    assert_int_equal(machine_group_quota(SLICE("max 100000\n")), 0);
    assert_int_equal(machine_group_quota(SLICE("1000 0\n")), 0);
    assert_int_equal(machine_group_quota(SLICE_NONE), 0);
}

static void numbers_are_found_by_their_whole_name(void **)
{
    struct slice text = SLICE("\nactive_file_x 1\n active_file 2\ninactive_file 3\nend x\n");
    uint64_t number = 0;

    assert_true(machine_number_find(text, SLICE("active_file"), &number));
    assert_int_equal(number, 2);
    assert_true(machine_number_find(text, SLICE("inactive_file"), &number));
    assert_int_equal(number, 3);
    assert_false(machine_number_find(text, SLICE("end"), &number));
    assert_false(machine_number_find(text, SLICE("file"), &number));
    assert_false(machine_number_find(SLICE_NONE, SLICE("file"), &number));
}

static void the_first_reading_knows_memory_alone(void **)
{
    struct files *f = files_new("0::/\n");
    struct machine_load load = read_at(f, 1);

    assert_true(load.cpu == MACHINE_UNKNOWN);
    assert_int_equal(load.memory, 400000);
    put(f, "/proc", "stat", "cpu  130 0 100 770 100 0 0 0 0 0\n");
    assert_int_equal(read_at(f, 2).cpu, 300000);
    put(f, "/proc", "stat", "cpu  135 0 100 775 100 0 0 0 0 0\n");
    assert_int_equal(read_at(f, 3).cpu, 500000);
    files_free(f);
}

static void what_cannot_be_read_is_unknown(void **)
{
    struct files *f = files_new("");

    read_at(f, 1);
    take_away(f, "/proc", "stat");
    take_away(f, "/proc", "meminfo");
    struct machine_load load = read_at(f, 2);

    assert_true(load.cpu == MACHINE_UNKNOWN);
    assert_true(load.memory == MACHINE_UNKNOWN);
    put(f, "/proc", "stat", "cpu  130 0 100 770 100 0 0 0 0 0\n");
    assert_true(read_at(f, 3).cpu == MACHINE_UNKNOWN); // there is none before it
    files_free(f);
}

static void a_group_that_is_fuller_than_the_machine_counts(void **)
{
    struct files *f = files_new("9:name=systemd:/x\n0::/system.slice/waypost.service\n");

    put(f, NEAREST, "cpu.max", "50000 100000\n");
    put(f, NEAREST, "cpu.stat", "usage_usec 7000000\nuser_usec 1\n");
    put(f, NEAREST, "memory.max", "1000000\n");
    put(f, NEAREST, "memory.current", "900000\n");
    put(f, NEAREST, "memory.stat", "anon 1\ninactive_file 100000\n");
    struct machine_load load = read_at(f, 10);

    assert_true(load.cpu == MACHINE_UNKNOWN);
    assert_int_equal(load.memory, 800000);
    // Half a processor for two seconds, of which 0.9 seconds were used; the machine is idle.
    put(f, NEAREST, "cpu.stat", "usage_usec 7900000\n");
    put(f, "/proc", "stat", "cpu  110 0 100 790 100 0 0 0 0 0\n");
    assert_int_equal(read_at(f, 12).cpu, 900000);
    // Now the machine is the fuller.
    put(f, NEAREST, "cpu.stat", "usage_usec 8000000\n");
    put(f, NEAREST, "memory.max", "9000000\n");
    put(f, "/proc", "stat", "cpu  160 0 100 840 100 0 0 0 0 0\n");
    load = read_at(f, 14);
    assert_int_equal(load.cpu, 500000);
    assert_int_equal(load.memory, 400000);
    files_free(f);
}

static void groups_above_bind_too(void **)
{
    struct files *f = files_new("0::/system.slice/waypost.service\n");

    put(f, NEAREST, "cpu.max", "max 100000\n");
    put(f, NEAREST, "memory.max", "max\n");
    put(f, SLICED, "memory.max", "1000\n");
    put(f, SLICED, "memory.current", "700\n");
    assert_int_equal(read_at(f, 1).memory, 700000);
    put(f, TOP, "memory.max", "1000\n");
    put(f, TOP, "memory.current", "950\n");
    put(f, TOP, "cpu.max", "200000 100000\n");
    put(f, TOP, "cpu.stat", "usage_usec 0\n");
    assert_int_equal(read_at(f, 2).memory, 950000);
    put(f, TOP, "cpu.stat", "usage_usec 3000000\n"); // bursts may pass the quota
    assert_int_equal(read_at(f, 3).cpu, 1000000);
    files_free(f);
}

static void a_limit_that_comes_later_is_measured_from_then_on(void **)
{
    struct files *f = files_new("0::/system.slice\n");

    put(f, SLICED, "cpu.stat", "usage_usec 5000000\n");
    read_at(f, 1);
    put(f, SLICED, "cpu.max", "100000 100000\n");
    assert_true(read_at(f, 2).cpu == MACHINE_UNKNOWN);
    put(f, SLICED, "cpu.stat", "usage_usec 5400000\n");
    assert_int_equal(read_at(f, 3).cpu, 400000);
    files_free(f);
}

static void a_group_out_of_sight_is_that_of_all(void **)
{
    struct files *f = files_new("0::/../../system.slice\n");

    put(f, TOP, "memory.max", "1000\n");
    put(f, TOP, "memory.current", "990\n");
    assert_int_equal(read_at(f, 1).memory, 990000);
    files_free(f);
}

static void this_machine_can_be_read(void **)
{
    struct machine m;
    struct timespec t;

    machine_init(&m, "");
    struct machine_load load = machine_read(&m, (struct instant){ 1 });

    assert_true(load.memory <= 1000000);
    // Ticks are a hundredth of a second: work until the kernel has counted some.
    for (int i = 0; i < 1000 && load.cpu == MACHINE_UNKNOWN; i++) {
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        clock_gettime(CLOCK_MONOTONIC, &t);
        load = machine_read(&m, (struct instant){ t.tv_sec * INT64_C(1000000000) + t.tv_nsec });
    }
    assert_true(load.cpu <= 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_a_disk_is_idle_and_stolen_time_is_busy),
        cmocka_unit_test(the_time_of_guests_is_not_counted_twice),
        cmocka_unit_test(another_text_is_no_reading),
        cmocka_unit_test(the_share_is_of_what_passed_between_two_readings),
        cmocka_unit_test(sums_that_run_backwards_stand_still),
        cmocka_unit_test(memory_in_use_is_what_is_not_available),
        cmocka_unit_test(a_quota_is_processors_in_millionths),
        cmocka_unit_test(numbers_are_found_by_their_whole_name),
        cmocka_unit_test(the_first_reading_knows_memory_alone),
        cmocka_unit_test(what_cannot_be_read_is_unknown),
        cmocka_unit_test(a_group_that_is_fuller_than_the_machine_counts),
        cmocka_unit_test(groups_above_bind_too),
        cmocka_unit_test(a_limit_that_comes_later_is_measured_from_then_on),
        cmocka_unit_test(a_group_out_of_sight_is_that_of_all),
        cmocka_unit_test(this_machine_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
