// SPDX-License-Identifier: Apache-2.0
/* Disks that are full, read-only, torn or broken, and ledgers that hold something else. */
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "meter/journal_file.h"
#include "meter/journal_ticks_test.h"

#define COUNT(d, field) counter_read(&journal_counts((d)->journal)->field)

/* In memory, since these tests sync often. */
static void desk_init_fast(struct desk *d)
{
    char folder[64] = "/dev/shm/waypost-journal-XXXXXX";

    if (mkdtemp(folder) == NULL) {
        desk_init(d);
        return;
    }
    assert_int_equal(rmdir(folder), 0);
    desk_init_at(d, folder);
}

static void an_end_cut_anywhere_costs_no_entry_before_it(void **)
{
    struct desk d;
    size_t whole = 1, first = 0;

    for (size_t cut = 0; cut < whole - first; cut++) {
        desk_init_fast(&d);
        tick(&d, SITES);
        first = size_of(path_of(&d, 1, ".entries"));
        tick(&d, SITES);
        whole = size_of(path_of(&d, 1, ".entries"));
        assert_int_equal(truncate(path_of(&d, 1, ".entries"), (off_t)(whole - cut)), 0);
        desk_restart(&d);
        uint64_t last = journal_state(d.journal).last;

        assert_in_range(last, SITES, 2 * SITES);
        assert_int_equal(COUNT(&d, broken), 0);
        assert_int_equal(COUNT(&d, torn), has_logged(&d, "torn_end node=fra1"));
        assert_true(COUNT(&d, torn) == 1 || (whole - cut - first) % ((whole - first) / 3) == 0);
        desk_restart(&d); // it was cut off, and is not said again
        assert_int_equal(COUNT(&d, torn), 0);
        assert_int_equal(journal_state(d.journal).last, last);
        books_equal_totals(&d);
        assert_int_equal(d.ledger.refused, 0);
        desk_done(&d);
    }
    assert_in_range(whole, 500, 5000);
}

/* Each start and each write in a file of its own, or all in one. */
static void write_some(struct desk *d, bool is_many)
{
    for (int i = 0; i < 3; i++) {
        tick(d, SITES);
        if (is_many)
            desk_restart(d);
    }
    tick(d, 1);
}

static void what_a_broken_segment_held_is_billed_with_what_follows(void **)
{
    struct desk d;
    size_t size = 1;

    for (size_t at = 0; at < size; at += 5) {
        desk_init_fast(&d);
        write_some(&d, true);
        size = size_of(path_of(&d, 2, ".entries"));
        spoil(path_of(&d, 2, ".entries"), at);
        desk_restart(&d);
        bool is_broken = has_logged(&d, "broken_segment node=fra1");

        assert_int_equal(COUNT(&d, broken) > 0, is_broken || has_logged(&d, "broken_chain"));
        assert_true(COUNT(&d, broken) + COUNT(&d, torn) > 0);
        assert_int_equal(count_files(&d, ".broken"), is_broken);
        tick(&d, SITES);
        books_equal_totals(&d);
        assert_int_equal(COUNT(&d, left_out), 0);
        desk_done(&d);
    }
    assert_in_range(size, 500, 5000);
}

static void a_segment_broken_in_the_middle_is_kept_and_the_rest_is_billed(void **)
{
    struct desk d;
    size_t first, whole = 1;

    for (size_t at = 0; at < whole; at += 7) {
        desk_init_fast(&d);
        tick(&d, SITES);
        first = size_of(path_of(&d, 1, ".entries"));
        write_some(&d, false);
        whole = size_of(path_of(&d, 1, ".entries"));
        spoil(path_of(&d, 1, ".entries"), at);
        desk_restart(&d);
        assert_true(COUNT(&d, broken) + COUNT(&d, torn) > 0);
        tick(&d, SITES);
        put_all(&d);
        journal_write(d.journal);
        rest(&d);
        settle_all(&d);
        for (int i = 0; i < SITES; i++) {
            assert_in_range(d.ledger.hits[i], 1, d.hits[i]);
            if (at >= first) // before it nobody knows from what on the next one is
                assert_int_equal(d.ledger.hits[i], d.hits[i]);
        }
        desk_done(&d);
    }
}

/* Three starts; entries of the second are spoilt after all were settled. */
static void what_is_settled_may_break_without_being_billed_again(void **)
{
    struct desk d;
    size_t size = 1;

    for (size_t at = 0; at < size; at += 11) {
        desk_init_fast(&d);
        write_some(&d, true);
        journal_ask(d.journal, ASKED_BYTES);
        rest(&d); // the ledger has all of it, and its word is lost
        size = size_of(path_of(&d, 2, ".entries"));
        spoil(path_of(&d, 2, ".entries"), at);
        rest(&d);
        desk_stop(&d);
        const uint64_t before[SITES] = { d.hits[0], d.hits[1], d.hits[2] };

        desk_start(&d, 2);
        memset(d.hits, 0, sizeof d.hits);
        tick(&d, SITES);
        settle_all(&d);
        for (int i = 0; i < SITES; i++)
            assert_int_equal(d.ledger.hits[i], before[i] + d.hits[i]);
        assert_int_equal(COUNT(&d, moves), 0);
        desk_done(&d);
    }
}

static void a_folder_that_is_lost_is_followed_by_a_chain_behind_the_old_one(void **)
{
    struct desk d;

    desk_init_fast(&d);
    write_some(&d, false);
    settle_all(&d);
    rest(&d);
    desk_stop(&d);
    delete_folder(d.folder);
    const int64_t before = d.ledger.hits[0];

    desk_start(&d, 2);
    memset(d.hits, 0, sizeof d.hits);
    tick(&d, SITES);
    uint64_t held = d.ledger.sequence;

    settle_all(&d);
    assert_int_equal(COUNT(&d, moves), 1);
    assert_true(has_logged(&d, "chained_anew node=fra1"));
    assert_int_equal(d.ledger.sequence, held + SITES);
    assert_int_equal(d.ledger.hits[0], before + 1);
    tick(&d, 1);
    desk_restart(&d);
    tick(&d, 1);
    settle_all(&d);
    assert_int_equal(d.ledger.hits[0], before + 3);
    assert_int_equal(COUNT(&d, moves), 0);
    desk_done(&d);
}

static void a_folder_of_an_earlier_day_bills_nothing_twice(void **)
{
    static char image[100000];
    struct desk d;

    desk_init_fast(&d);
    tick(&d, SITES);
    settle_all(&d);
    tick(&d, 1); // notes it
    size_t length = size_of(path_of(&d, 1, ".entries"));
    int fd = open(path_of(&d, 1, ".entries"), O_RDONLY);

    assert_int_equal(read(fd, image, sizeof image), length);
    close(fd);
    tick(&d, SITES);
    settle_all(&d);
    desk_stop(&d);
    delete_folder(d.folder);
    assert_int_equal(mkdir(d.folder, 0700), 0);
    fd = open(path_of(&d, 1, ".entries"), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, image, length), length);
    close(fd);
    const int64_t before = d.ledger.hits[0];

    desk_start(&d, 2);
    memset(d.hits, 0, sizeof d.hits);
    tick(&d, SITES);
    settle_all(&d);
    assert_int_equal(d.ledger.hits[0], before + 1);
    assert_int_equal(COUNT(&d, moves), 1);
    assert_int_equal(COUNT(&d, left_out), 1);
    desk_done(&d);
}

static void a_ledger_that_forgot_all_is_given_what_is_here(void **)
{
    struct desk d;

    desk_init_fast(&d);
    tick(&d, SITES);
    settle_all(&d);
    d.ledger = (struct ledger){ 0 };
    tick(&d, 2);
    settle_all(&d);
    assert_int_equal(d.ledger.hits[0], d.hits[0]); // the segment is still here, and so is all of it
    assert_int_equal(COUNT(&d, left_out), 0);
    desk_done(&d);
}

static void a_word_that_came_late_changes_nothing(void **)
{
    unsigned char hash[USAGE_HASH_SIZE];
    struct desk d;

    desk_init_fast(&d);
    tick(&d, 1);
    settle_all(&d);
    memcpy(hash, d.ledger.hash, sizeof hash);
    tick(&d, 1);
    settle_all(&d);
    for (int i = 0; i < 3; i++) {
        tick(&d, 1);
        journal_settled(d.journal, 1, hash);
        settle_once(&d);
    }
    books_equal_totals(&d);
    assert_int_equal(COUNT(&d, moves), 0);
    desk_done(&d);
}

static void failing_is_said_once_each_way(const struct desk *d)
{
    static char log[LOG_BYTES];
    const char *at = log;
    unsigned count = 0;

    log[pread(d->log.fd, log, sizeof log - 1, 0)] = '\0';
    while ((at = strstr(at, "cannot_write node=fra1")) != NULL) {
        at++;
        count++;
    }
    assert_int_equal(count, 1);
    assert_true(has_logged(d, "can_write_again node=fra1"));
}

/* Entries that the disk did not take are kept, and what is counted meanwhile is in later ones. */
static void is_made_good_after(struct desk *d, void (*mend)(struct desk *))
{
    uint64_t written = d->written;

    for (int i = 0; i < 5; i++) {
        tick(d, SITES);
        sim_run_for(d->sim, span_ms(1000));
    }
    assert_true(journal_is_failing(d->journal));
    assert_false(journal_takes(d->journal));
    assert_int_equal(d->written, written);
    assert_in_range(COUNT(d, errors), 5, 7);
    assert_int_equal(count_files(d, ".entries"), written > 0);
    settle_once(d); // what is on disk is settled meanwhile
    assert_int_equal(journal_state(d->journal).settled, written);
    mend(d);
    sim_run_for(d->sim, span_ms(1500));
    assert_false(journal_is_failing(d->journal));
    failing_is_said_once_each_way(d);
    tick(d, 1);
    books_equal_totals(d);
    desk_restart(d);
    tick(d, 1);
    books_equal_totals(d);
    assert_int_equal(d->ledger.refused, 0);
}

static void grow_files(struct desk *)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void files_that_may_not_grow_cost_nothing(void **)
{
    struct rlimit limit;
    struct desk d;

    desk_init_fast(&d);
    tick(&d, 1);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 1000; // the log's lines are within
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    write_some(&d, false);
    while (!journal_is_failing(d.journal))
        tick(&d, SITES);
    grow_files(&d);
    sim_run_for(d.sim, span_ms(1500));
    books_equal_totals(&d);
    assert_int_equal(COUNT(&d, abandoned), 1);
    desk_done(&d);
}

/* Takes what room is left there. */
static void fill_disk(struct desk *d)
{
    static const char zeros[512];
    int fd = open(path_of(d, 0, ".ballast"), O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof zeros) > 0)
        continue;
    close(fd);
}

static void free_disk(struct desk *d)
{
    assert_int_equal(unlink(path_of(d, 0, ".ballast")), 0);
}

static void a_full_disk_costs_nothing(void **)
{
    struct desk d;
    char folder[64] = "/tmp/waypost-journal-XXXXXX";

    assert_non_null(mkdtemp(folder));
    if (mount("none", folder, "tmpfs", 0, "size=256k") != 0) { // not root: the case above has it
        rmdir(folder);
        return;
    }
    desk_init_at(&d, folder);
    tick(&d, 1);
    desk_restart(&d); // so that the next write begins a segment
    fill_disk(&d);
    is_made_good_after(&d, free_disk);
    desk_done(&d);
    assert_int_equal(umount(folder), 0);
    rmdir(folder);
}

static void mount_writable(struct desk *d)
{
    assert_int_equal(mount("none", d->folder, "tmpfs", MS_REMOUNT, ""), 0);
}

static void a_folder_that_is_read_only_costs_nothing(void **)
{
    struct desk d;
    char folder[64] = "/tmp/waypost-journal-XXXXXX";

    assert_non_null(mkdtemp(folder));
    if (mount("none", folder, "tmpfs", 0, "size=256k") != 0) {
        rmdir(folder);
        return;
    }
    desk_init_at(&d, folder);
    assert_int_equal(mount("none", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
    is_made_good_after(&d, mount_writable);
    desk_done(&d);
    assert_int_equal(umount(folder), 0);
    rmdir(folder);
}

static void make_parent(struct desk *d)
{
    char parent[64];

    snprintf(parent, sizeof parent, "%s", d->folder);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(mkdir(parent, 0700), 0);
}

static void a_folder_that_cannot_be_made_is_waited_for(void **)
{
    struct desk d;
    char folder[64] = "/tmp/waypost-journal-XXXXXX";

    assert_non_null(mkdtemp(folder));
    assert_int_equal(rmdir(folder), 0);
    strcat(folder, "/usage");
    desk_init_at(&d, folder);
    is_made_good_after(&d, make_parent);
    desk_done(&d);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(rmdir(folder), 0);
}

static void what_is_no_segment_is_left_alone(void **)
{
    struct desk d;

    desk_init_fast(&d);
    tick(&d, SITES);
    int fd = open(path_of(&d, 9, ".entries"), O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, "by hand", 7), 7);
    close(fd);
    fd = open(path_of(&d, 7, ".note"), O_WRONLY | O_CREAT, 0600);
    close(fd);
    desk_restart(&d);
    assert_int_equal(journal_state(d.journal).last, SITES);
    assert_int_equal(COUNT(&d, torn), 1);
    tick(&d, SITES);
    assert_int_equal(access(path_of(&d, 10, ".entries"), F_OK), 0); // numbers are not used twice
    books_equal_totals(&d);
    rest(&d);
    assert_int_equal(count_files(&d, ".note"), 1);
    desk_done(&d);
}

static void entries_of_another_node_are_not_taken_over(void **)
{
    struct desk d;

    desk_init_fast(&d);
    tick(&d, SITES);
    desk_stop(&d);
    d.closing = closing_new(SLICE("fra2"), SLICE("fra"));
    const struct journal_plan plan = { .loop = d.loop,
        .pool = d.pool,
        .log = &d.log,
        .closing = d.closing,
        .node = "fra2",
        .folder = d.folder };

    d.journal = journal_new(&plan, &d.user);
    journal_read(d.journal);
    assert_int_equal(journal_state(d.journal).last, 0);
    assert_true(has_logged(&d, "an entry of another node"));
    assert_int_equal(count_files(&d, ".broken"), 1);
    desk_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_cut_anywhere_costs_no_entry_before_it),
        cmocka_unit_test(what_a_broken_segment_held_is_billed_with_what_follows),
        cmocka_unit_test(a_segment_broken_in_the_middle_is_kept_and_the_rest_is_billed),
        cmocka_unit_test(what_is_settled_may_break_without_being_billed_again),
        cmocka_unit_test(a_folder_that_is_lost_is_followed_by_a_chain_behind_the_old_one),
        cmocka_unit_test(a_folder_of_an_earlier_day_bills_nothing_twice),
        cmocka_unit_test(a_ledger_that_forgot_all_is_given_what_is_here),
        cmocka_unit_test(a_word_that_came_late_changes_nothing),
        cmocka_unit_test(files_that_may_not_grow_cost_nothing),
        cmocka_unit_test(a_full_disk_costs_nothing),
        cmocka_unit_test(a_folder_that_is_read_only_costs_nothing),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_waited_for),
        cmocka_unit_test(what_is_no_segment_is_left_alone),
        cmocka_unit_test(entries_of_another_node_are_not_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
