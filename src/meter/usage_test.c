// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/file.h"
#include "meter/usage.h"
#include "meter/usage_file.h"

/* A folder that stands for tmpfs, and one for the state; emptied by hand. */
struct scene {
    char root[40], shared[60], state[60], node[80];
    struct log log;
    int64_t now_ms;
    struct usage *u;
};

static void open_as(struct scene *s, unsigned workers, bool is_journaled)
{
    s->u = usage_open(&(struct usage_plan){ .shared = s->shared,
        .state = s->state,
        .node = SLICE("fra1"),
        .workers = workers,
        .log = &s->log,
        .now = { s->now_ms += 1000 },
        .is_journaled = is_journaled });
}

static void open_again(struct scene *s)
{
    open_as(s, 2, true);
}

/* As a killed process leaves it. */
static void die(struct scene *s)
{
    usage_close(s->u, false);
    s->u = NULL;
}

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    *state = s;
    if (s == NULL)
        return -1;
    strcpy(s->root, "/tmp/usage-test-XXXXXX");
    if (mkdtemp(s->root) == NULL)
        return -1;
    snprintf(s->shared, sizeof s->shared, "%s/shm", s->root);
    snprintf(s->state, sizeof s->state, "%s/state", s->root);
    snprintf(s->node, sizeof s->node, "%s/fra1", s->state);
    s->now_ms = 1700000000000;
    log_init(&s->log, -1, LOG_ERROR);
    return mkdir(s->shared, 0700) + mkdir(s->state, 0700) + mkdir(s->node, 0700);
}

static int teardown(void **state)
{
    struct scene *s = *state;
    char command[80];

    usage_close(s->u, true);
    snprintf(command, sizeof command, "rm -rf %s", s->root);
    int failed = system(command);

    free(s);
    return failed;
}

static size_t files_in(const char *folder, char last[300])
{
    DIR *dir = opendir(folder);
    size_t count = 0;

    assert_non_null(dir);
    for (struct dirent *at; (at = readdir(dir)) != NULL;)
        if (at->d_name[0] != '.') {
            snprintf(last, 300, "%s/%s", folder, at->d_name);
            count++;
        }
    closedir(dir);
    return count;
}

static void count_some(
    struct scene *s, const char *site, unsigned worker, enum usage_kind kind, uint64_t more)
{
    struct usage_line *lines = usage_site(s->u, SLICE("acme"), slice_text(site));

    counter_add(&usage_line(lines, worker)->of[kind], more);
}

static uint64_t dead_total(const struct scene *s, const char *site, enum usage_kind kind)
{
    struct usage_boot boot;
    uint64_t total = 0;

    assert_true(usage_dead(s->u, &boot));
    for (size_t i = 0; i < boot.slots; i++) {
        struct usage_slot slot;

        usage_dead_slot(s->u, i, &slot);
        if (slice_equal(slot.site, slice_text(site)))
            total += slot.totals.of[kind];
    }
    return total;
}

static bool is_any_dead(const struct scene *s)
{
    struct usage_boot boot;

    return usage_dead(s->u, &boot);
}

static void totals_are_summed_over_workers(void **state)
{
    struct scene *s = *state;
    struct usage_boot boot;
    struct usage_slot slot;

    open_again(s);
    count_some(s, "a.test", 0, USAGE_HIT, 3);
    count_some(s, "a.test", 1, USAGE_HIT, 4);
    count_some(s, "b.test", 1, USAGE_DNS_ADDRESSES, 5);
    usage_live(s->u, &boot);
    assert_int_equal(boot.slots, 3);
    usage_live_slot(s->u, 1, &slot);
    assert_true(slice_equal(slot.customer, SLICE("acme")));
    assert_true(slice_equal(slot.site, SLICE("a.test")));
    assert_int_equal(slot.totals.of[USAGE_HIT], 7);
    usage_live_slot(s->u, 2, &slot);
    assert_int_equal(slot.totals.of[USAGE_DNS_ADDRESSES], 5);
    assert_int_equal(slot.totals.of[USAGE_HIT], 0);
}

static void a_site_keeps_its_slot_however_many_come(void **state)
{
    struct scene *s = *state;
    struct usage_line *lines[1000];
    char name[20];

    open_again(s);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "%d.test", i);
        lines[i] = usage_site(s->u, SLICE("acme"), slice_text(name));
        counter_add(&lines[i]->of[USAGE_HIT], (uint64_t)i);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "%d.test", i);
        assert_ptr_equal(usage_site(s->u, SLICE("acme"), slice_text(name)), lines[i]);
        assert_int_equal(counter_read(&lines[i]->of[USAGE_HIT]), i);
    }
    assert_ptr_not_equal(usage_site(s->u, SLICE("other"), SLICE("1.test")), lines[1]);
}

/* Counts until it is killed, and says how far it is. */
static _Noreturn void count_for_ever(struct scene *s, int tell)
{
    open_again(s);
    for (uint64_t i = 1;; i++) {
        count_some(s, i % 2 == 0 ? "a.test" : "b.test", i % 3 == 0, USAGE_SENT_BYTES, 10);
        if (i % 1000 == 0 && write(tell, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static void a_killed_process_loses_nothing(void **state)
{
    struct scene *s = *state;
    uint64_t told = 0, last;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();

    if (child == 0)
        count_for_ever(s, ends[1]);
    close(ends[1]);
    while (told < 100000 && read(ends[0], &last, sizeof last) == sizeof last)
        told = last;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (read(ends[0], &last, sizeof last) == sizeof last)
        told = last;
    close(ends[0]);
    open_again(s);
    uint64_t counted = dead_total(s, "a.test", USAGE_SENT_BYTES) / 10 +
                       dead_total(s, "b.test", USAGE_SENT_BYTES) / 10;

    assert_in_range(counted, told, told + 1000);
}

static void dead_boots_are_buried_oldest_first(void **state)
{
    struct scene *s = *state;
    struct usage_boot boot;

    for (unsigned i = 1; i <= 3; i++) {
        open_as(s, i, true); // whatever the number of workers was
        count_some(s, "a.test", i - 1, USAGE_MISS, i);
        usage_tick(s->u, (struct wall){ s->now_ms + 5 });
        die(s);
    }
    s->now_ms -= 100000; // the clock is put back: boots are in their order nevertheless
    open_again(s);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(dead_total(s, "a.test", USAGE_MISS), i);
        assert_true(usage_dead(s->u, &boot));
        assert_int_equal(boot.end.ms, boot.begin.ms + 5);
        uint64_t buried = boot.boot;

        usage_live(s->u, &boot);
        assert_true(boot.boot > buried);
        assert_true(usage_bury(s->u));
    }
    assert_false(is_any_dead(s));
    die(s);
    open_again(s);
    assert_false(is_any_dead(s)); // nothing was counted since
}

static void what_is_not_buried_is_there_again(void **state)
{
    struct scene *s = *state;

    open_again(s);
    count_some(s, "a.test", 0, USAGE_HIT, 7);
    die(s);
    for (int i = 0; i < 3; i++) {
        open_again(s);
        assert_int_equal(dead_total(s, "a.test", USAGE_HIT), 7);
        die(s);
    }
}

static void a_boot_whose_file_cannot_be_deleted_stays_the_oldest(void **state)
{
    struct scene *s = *state;
    char first[300] = "", path[310], child[320];

    for (unsigned i = 0; i < 2; i++) {
        open_again(s);
        if (i == 0)
            files_in(s->shared, first);
        count_some(s, "a.test", 0, USAGE_HIT, 7 + i);
        die(s);
    }
    open_again(s);
    snprintf(path, sizeof path, "%s.1", first);
    snprintf(child, sizeof child, "%s/child", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkdir(child, 0700), 0);
    assert_false(usage_bury(s->u));
    assert_int_equal(dead_total(s, "a.test", USAGE_HIT), 7);
    assert_int_equal(rmdir(child), 0);
    assert_int_equal(rmdir(path), 0);
    assert_true(usage_bury(s->u));
    assert_int_equal(dead_total(s, "a.test", USAGE_HIT), 8);
}

static void a_file_with_nothing_in_it_yet_is_no_loss(void **state)
{
    struct scene *s = *state;
    char path[300];

    for (off_t length = 0; length <= 5000; length += 5000) {
        open_again(s);
        count_some(s, "a.test", 0, USAGE_HIT, 7);
        die(s);
        assert_int_equal(files_in(s->shared, path), 1);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(truncate(path, length), 0);
        open_again(s);
        assert_false(is_any_dead(s));
        assert_int_equal(counter_read(&usage_counts(s->u)->broken), 0);
        usage_close(s->u, true);
        s->u = NULL;
        assert_int_equal(files_in(s->shared, path), 0);
    }
}

static void what_is_settled_leaves_no_file(void **state)
{
    struct scene *s = *state;
    char path[300];

    open_again(s);
    count_some(s, "a.test", 0, USAGE_HIT, 7);
    usage_close(s->u, true);
    s->u = NULL;
    assert_int_equal(files_in(s->shared, path), 0);
    open_as(s, 2, false); // nobody wants the next one's
    count_some(s, "a.test", 0, USAGE_HIT, 7);
    die(s);
    open_as(s, 2, false);
    assert_false(is_any_dead(s));
    assert_int_equal(files_in(s->shared, path), 1);
}

static void too_many_dead_boots_cost_the_oldest(void **state)
{
    struct scene *s = *state;

    for (unsigned i = 0; i < USAGE_DEAD_MAX + 2; i++) {
        open_again(s);
        count_some(s, "a.test", 0, USAGE_HIT, i + 1);
        die(s);
    }
    open_again(s);
    assert_int_equal(counter_read(&usage_counts(s->u)->given_up), 1);
    assert_int_equal(dead_total(s, "a.test", USAGE_HIT), 3);
}

/* Leaves one dead boot with two chunks of sites, and tells its file. */
static void leave_one(struct scene *s, char path[300])
{
    char name[20];

    open_again(s);
    for (int i = 1; i < 2 * USAGE_CHUNK_SLOTS; i++) {
        snprintf(name, sizeof name, "%d.test", i);
        count_some(s, name, 0, USAGE_HIT, 1);
    }
    die(s);
    assert_int_equal(files_in(s->shared, path), 1);
}

static void damage(const char *path, uint64_t at, const char *bytes, size_t length)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(file_write(fd, slice_of(bytes, length), at), ERR_NONE);
    close(fd);
}

static void what_cannot_be_read_is_set_aside(void **state)
{
    struct scene *s = *state;
    static const uint64_t PLACES[] = { 0, offsetof(struct usage_file_header, version),
        offsetof(struct usage_file_header, kinds), offsetof(struct usage_file_header, workers),
        offsetof(struct usage_file_header, boot), offsetof(struct usage_file_header, check) };
    char path[300], aside[320];

    for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
        leave_one(s, path);
        damage(path, PLACES[i], "\xff", 1);
        open_again(s);
        assert_false(is_any_dead(s));
        assert_int_equal(counter_read(&usage_counts(s->u)->broken), 1);
        count_some(s, "a.test", 0, USAGE_HIT, 1); // and counting goes on
        usage_close(s->u, true);
        s->u = NULL;
        snprintf(aside, sizeof aside, "%s.broken", path);
        assert_int_equal(unlink(aside), 0);
    }
    leave_one(s, path);
    assert_int_equal(truncate(path, 10), 0);
    open_again(s);
    assert_false(is_any_dead(s));
}

static void what_is_damaged_in_part_counts_as_to_the_rest(void **state)
{
    struct scene *s = *state;
    size_t chunk = usage_chunk_bytes(2), lines = USAGE_CHUNK_SLOTS * USAGE_SLOT_NAMES;
    struct usage_boot boot;
    char path[300];

    leave_one(s, path);
    damage(path, USAGE_FILE_HEADER + 5 * USAGE_SLOT_NAMES + 12, "x", 1); // a name
    damage(path, USAGE_FILE_HEADER + lines + 7 * sizeof(struct usage_line) + 7, "\x80", 1);
    assert_int_equal(truncate(path, (off_t)(USAGE_FILE_HEADER + 2 * chunk - 1)), 0);
    open_again(s);
    assert_true(usage_dead(s->u, &boot));
    assert_int_equal(boot.slots, USAGE_CHUNK_SLOTS - 1 - 2); // slot 0 counted nothing
    assert_int_equal(dead_total(s, "4.test", USAGE_HIT), 1);
    assert_int_equal(dead_total(s, "5.test", USAGE_HIT), 0);
    assert_int_equal(dead_total(s, "7.test", USAGE_HIT), 0);
    assert_int_equal(counter_read(&usage_counts(s->u)->broken), 1);
}

static void more_slots_than_there_are_is_no_reason_to_believe_in_them(void **state)
{
    struct scene *s = *state;
    struct usage_boot boot;
    char path[300];

    leave_one(s, path);
    damage(path, offsetof(struct usage_file_header, slots), "\xff\xff\xff\xff", 4);
    damage(
        path, offsetof(struct usage_file_header, seen_ms), "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    open_again(s);
    assert_true(usage_dead(s->u, &boot));
    assert_int_equal(boot.slots, 2 * USAGE_CHUNK_SLOTS - 1);
    assert_int_equal(boot.end.ms, boot.begin.ms);
}

static void links_and_pipes_in_the_way_are_not_followed(void **state)
{
    struct scene *s = *state;
    char path[300], target[100];

    leave_one(s, path);
    snprintf(target, sizeof target, "%s/target", s->root);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    open_again(s);
    assert_false(is_any_dead(s));
    count_some(s, "a.test", 0, USAGE_HIT, 1);
    die(s);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    open_again(s); // and does not wait for anybody to write
    assert_false(is_any_dead(s));
}

static void without_tmpfs_the_state_folder_has_the_file(void **state)
{
    struct scene *s = *state;
    char path[300];

    assert_int_equal(rmdir(s->shared), 0);
    open_again(s);
    count_some(s, "a.test", 1, USAGE_HIT, 9);
    die(s);
    assert_int_equal(files_in(s->node, path), 1);
    assert_int_equal(mkdir(s->shared, 0700), 0);
    open_again(s); // and is found there when tmpfs is back
    assert_int_equal(dead_total(s, "a.test", USAGE_HIT), 9);
    assert_int_equal(files_in(s->shared, path), 1);
}

static void without_any_folder_totals_are_in_memory(void **state)
{
    struct scene *s = *state;

    assert_int_equal(rmdir(s->shared) + rmdir(s->node), 0);
    open_again(s);
    count_some(s, "a.test", 1, USAGE_HIT, 9);
    struct usage_slot slot;

    usage_live_slot(s->u, 1, &slot);
    assert_int_equal(slot.totals.of[USAGE_HIT], 9);
}

/* Sites that find no room count, for nobody; those that had some are as they were. */
static int count_without_room(struct scene *s)
{
    struct rlimit limit = { USAGE_FILE_HEADER + usage_chunk_bytes(2), RLIM_INFINITY };
    char name[20];
    struct usage_slot slot;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    open_again(s);
    for (int i = 0; i < 2 * USAGE_CHUNK_SLOTS; i++) {
        snprintf(name, sizeof name, "%d.test", i);
        count_some(s, name, 1, USAGE_HIT, 1);
    }
    usage_live_slot(s->u, 0, &slot);
    if (slot.totals.of[USAGE_HIT] != USAGE_CHUNK_SLOTS + 1 || slot.site.length > 0)
        return 2;
    usage_live_slot(s->u, 1, &slot);
    if (slot.totals.of[USAGE_HIT] != 1 || !slice_equal(slot.site, SLICE("0.test")))
        return 3;
    if (counter_read(&usage_counts(s->u)->homeless) != USAGE_CHUNK_SLOTS + 1)
        return 4;
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
    count_some(s, "late.test", 0, USAGE_HIT, 1); // there is room again
    usage_live_slot(s->u, USAGE_CHUNK_SLOTS, &slot);
    return slice_equal(slot.site, SLICE("late.test")) ? 0 : 5;
}

static void where_there_is_no_room_sites_count_for_nobody(void **state)
{
    struct scene *s = *state;
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(count_without_room(s));
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void beyond_the_limit_sites_count_for_nobody(void **state)
{
    struct scene *s = *state;
    char name[20];

    s->u = usage_new(1, (struct wall){ 1 });
    struct usage_line *nobody = usage_site(s->u, SLICE_NONE, SLICE_NONE);

    for (int i = 0; i < USAGE_SITES_MAX; i++) {
        snprintf(name, sizeof name, "%d.test", i);
        assert_ptr_not_equal(usage_site(s->u, SLICE("acme"), slice_text(name)), nobody);
    }
    assert_ptr_equal(usage_site(s->u, SLICE("acme"), SLICE("one-more.test")), nobody);
    assert_ptr_not_equal(usage_site(s->u, SLICE("acme"), SLICE("5.test")), nobody);
}

static void names_that_no_entry_may_have_count_for_nobody(void **state)
{
    struct scene *s = *state;
    char longest[USAGE_NAME_MAX + 1];

    memset(longest, 'x', sizeof longest);
    open_again(s);
    struct usage_line *nobody = usage_site(s->u, SLICE_NONE, SLICE_NONE);
    struct slice fits = slice_of(longest, USAGE_NAME_MAX - 8);

    assert_ptr_equal(usage_site(s->u, SLICE("acme"), slice_of(longest, sizeof longest)), nobody);
    assert_ptr_equal(usage_site(s->u, SLICE("acme"), SLICE("a\nb")), nobody);
    assert_ptr_equal(usage_site(s->u, SLICE("acme"), SLICE_NONE), nobody);
    assert_ptr_equal(usage_site(s->u, SLICE_NONE, SLICE("a.test")), nobody);
    assert_ptr_not_equal(usage_site(s->u, slice_of(longest, USAGE_NAME_MAX), fits), nobody);
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCENE(totals_are_summed_over_workers),
        SCENE(a_site_keeps_its_slot_however_many_come),
        SCENE(a_killed_process_loses_nothing),
        SCENE(dead_boots_are_buried_oldest_first),
        SCENE(what_is_not_buried_is_there_again),
        SCENE(a_boot_whose_file_cannot_be_deleted_stays_the_oldest),
        SCENE(a_file_with_nothing_in_it_yet_is_no_loss),
        SCENE(what_is_settled_leaves_no_file),
        SCENE(too_many_dead_boots_cost_the_oldest),
        SCENE(what_cannot_be_read_is_set_aside),
        SCENE(what_is_damaged_in_part_counts_as_to_the_rest),
        SCENE(more_slots_than_there_are_is_no_reason_to_believe_in_them),
        SCENE(links_and_pipes_in_the_way_are_not_followed),
        SCENE(without_tmpfs_the_state_folder_has_the_file),
        SCENE(without_any_folder_totals_are_in_memory),
        SCENE(where_there_is_no_room_sites_count_for_nobody),
        SCENE(beyond_the_limit_sites_count_for_nobody),
        SCENE(names_that_no_entry_may_have_count_for_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
