// SPDX-License-Identifier: Apache-2.0
/*
 * A node dies, or its disk fails, before and after each call that changes its files, and in the
 * middle of each write: what follows must bill what was delivered, once.
 *
 * The calls of the C library are defined here again. What a child counts, delivers and settles is
 * in memory that outlives it, as the mapping of usage and the ledger do.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "meter/journal_ticks_test.h"

enum mishap {
    KILLED,    // what was written is there
    CUT,       // what was not synced is gone
    ZEROED,    // what was not synced is zeros
    REFUSED,   // the call fails once, and the node lives on
    DISK_LOST, // it fails from there on, for a while
};

enum { FILES_MAX = 64, DEAD = 137 };

/* A file that was made since the start, as the disk has it. */
struct made {
    int fd;
    char path[100];
    off_t synced;
    bool is_named; // the folder was synced since
};

/* What a child leaves behind. */
struct left {
    uint64_t hits[SITES], written[SITES]; // delivered; of them told as written
    struct ledger ledger;
    unsigned calls; // that were made
};

static struct trouble {
    bool is_armed;
    enum mishap mishap;
    unsigned at, call; // where it happens; where we are
    struct made files[FILES_MAX];
    size_t file_count;
    struct left *left;
} trouble;

static void lose_unsynced(void)
{
    for (size_t i = 0; i < trouble.file_count; i++) {
        struct made *m = &trouble.files[i];
        struct stat facts;

        if (!m->is_named)
            unlink(m->path);
        if (fstat(m->fd, &facts) != 0)
            continue;
        assert_int_equal(ftruncate(m->fd, m->synced), 0);
        if (trouble.mishap == ZEROED)
            assert_int_equal(ftruncate(m->fd, facts.st_size), 0);
    }
}

static void die(void)
{
    trouble.is_armed = false;
    if (trouble.mishap == CUT || trouble.mishap == ZEROED)
        lose_unsynced();
    _exit(DEAD);
}

/* At each place where the world may end; true: this call is to fail. */
static bool happens(void)
{
    if (!trouble.is_armed)
        return false;
    unsigned call = ++trouble.call;

    trouble.left->calls = call;
    if (trouble.mishap == DISK_LOST)
        return call >= trouble.at;
    if (call != trouble.at)
        return false;
    if (trouble.mishap != REFUSED)
        die();
    return true;
}

static int refuse(int number)
{
    errno = number;
    return -1;
}

/* The C library's, from here on: by these names its headers call them where files may be large, and
 * so do they name what they take. */

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
    if (happens())
        return refuse(ENOSPC);
    if (trouble.is_armed && trouble.call + 1 == trouble.at)
        n = (n + 1) / 2;
    ssize_t wrote = syscall(SYS_pwrite64, fd, buf, n, offset);

    return happens() ? refuse(EIO) : wrote;
}

int open64(const char *file, int oflag, ...)
{
    va_list more;

    va_start(more, oflag);
    mode_t mode = (oflag & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;

    va_end(more);
    if ((oflag & O_CREAT) != 0 && happens())
        return refuse(EROFS);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file, oflag, mode);

    if ((oflag & O_CREAT) != 0 && fd >= 0 && trouble.is_armed) {
        assert_true(trouble.file_count < FILES_MAX);
        struct made *m = &trouble.files[trouble.file_count++];

        // Closing it does not keep the disk from losing it.
        *m = (struct made){ .fd = fcntl(fd, F_DUPFD_CLOEXEC, 500) };
        snprintf(m->path, sizeof m->path, "%s", file);
        if (happens()) {
            close(fd);
            return refuse(EIO);
        }
    }
    return fd;
}

static void note_synced(int fd)
{
    struct stat synced, facts;

    if (fstat(fd, &synced) != 0)
        return;
    for (size_t i = 0; i < trouble.file_count; i++) {
        struct made *m = &trouble.files[i];

        if (S_ISDIR(synced.st_mode))
            m->is_named = true;
        else if (fstat(m->fd, &facts) == 0 && facts.st_ino == synced.st_ino)
            m->synced = facts.st_size;
    }
}

int fdatasync(int fildes)
{
    if (happens())
        return refuse(EIO);
    note_synced(fildes);
    return happens() ? refuse(EIO) : 0;
}

int fsync(int fd)
{
    return fdatasync(fd);
}

int rename(const char *old, const char *new)
{
    if (happens())
        return refuse(EIO);
    int done = (int)syscall(SYS_rename, old, new);

    for (size_t i = 0; i < trouble.file_count; i++) {
        struct made *m = &trouble.files[i];

        if (strcmp(m->path, old) == 0) {
            snprintf(m->path, sizeof m->path, "%s", new);
            m->is_named = false;
        }
    }
    return happens() ? refuse(EIO) : done;
}

int unlink(const char *name)
{
    if (happens())
        return refuse(EROFS);
    int done = (int)syscall(SYS_unlink, name);

    happens(); // to die behind it
    return done;
}

static void note_written(struct desk *d)
{
    struct journal_state state = journal_state(d->journal);

    if (d->written == state.last && journal_takes(d->journal) && state.last > 0)
        memcpy(trouble.left->written, d->hits, sizeof d->hits);
}

static void keep(struct desk *d)
{
    memcpy(trouble.left->hits, d->hits, sizeof d->hits);
    trouble.left->ledger = d->ledger;
    note_written(d);
}

static void live_tick(struct desk *d, int sites)
{
    for (int i = 0; i < sites; i++)
        trouble.left->hits[i] = d->hits[i] += (uint64_t)i + 1;
    tick(d, 0);
    keep(d);
}

/* The ledger has what it was given, also when the node dies before it hears of it. */
static void live_settle(struct desk *d)
{
    journal_ask(d->journal, USAGE_BATCH_ENTRY_MAX + 200);
    rest(d);
    keep(d);
    journal_settled(d->journal, d->ledger.sequence, d->ledger.hash);
    rest(d);
}

/* Some starts, with entries that are settled or not, and segments that go. */
static void live(struct desk *d)
{
    for (int life = 0; life < 3; life++) {
        live_tick(d, SITES);
        live_tick(d, 1);
        for (int i = 0; i < 4; i++)
            live_settle(d);
        live_tick(d, 2);
        desk_restart(d);
        keep(d);
    }
}

static void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

/* Where syncing costs nothing. */
static void name_folder(char folder[64])
{
    snprintf(folder, 64, "%s/waypost-journal-XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(rmdir(folder), 0);
}

/* A life with the mishap at a place; true: it came to that place. */
static bool child_meets(
    enum mishap mishap, unsigned at, const char *folder, const struct ledger *ledger)
{
    int status = 0;

    memset(trouble.left, 0, sizeof *trouble.left);
    trouble.left->ledger = *ledger;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct desk d;

        desk_init_at(&d, folder);
        d.ledger = *ledger;
        trouble.is_armed = true;
        trouble.mishap = mishap;
        trouble.at = at;
        live(&d);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == DEAD || WEXITSTATUS(status) == 0);
    return WEXITSTATUS(status) == DEAD;
}

/* The next start, in this process. `boot`: the totals are the dead one's, or new ones. */
static void start_again(struct desk *d, const char *folder, bool has_totals)
{
    desk_init_at(d, folder);
    d->ledger = trouble.left->ledger;
    d->tick = 1000;
    if (has_totals)
        memcpy(d->hits, trouble.left->hits, sizeof d->hits);
    else
        d->boot = 2;
}

static void nothing_is_wrong(const struct desk *d, const struct ledger *before)
{
    const struct journal_counts *counts = journal_counts(d->journal);

    assert_int_equal(counter_read(&counts->broken), 0);
    assert_int_equal(counter_read(&counts->left_out), 0);
    if (before->sequence > 0)
        return;
    assert_int_equal(counter_read(&counts->moves), 0);
    assert_int_equal(d->ledger.refused, 0);
}

static const struct ledger EMPTY;
/* Of a node of this name whose disk was lost. */
static const struct ledger FAR_AHEAD = { .sequence = 50, .hash = { 1, 2, 3 } };

static void killed_anywhere_bills_all(const struct ledger *ledger)
{
    char folder[64];
    struct desk d;
    unsigned at = 1;

    for (bool is_dead = true; is_dead; at++) {
        name_folder(folder);
        is_dead = child_meets(KILLED, at, folder, ledger);
        start_again(&d, folder, true);
        books_equal_totals(&d);
        nothing_is_wrong(&d, ledger);
        desk_done(&d);
    }
    assert_in_range(at, 50, 1000);
}

static void power_cut_anywhere_bills_what_was_written(
    enum mishap mishap, const struct ledger *ledger)
{
    char folder[64];
    struct desk d;
    unsigned at = 1;

    for (bool is_dead = true; is_dead; at++) {
        name_folder(folder);
        is_dead = child_meets(mishap, at, folder, ledger);
        start_again(&d, folder, false);
        tick(&d, 1);
        settle_all(&d);
        for (int i = 0; i < SITES; i++)
            assert_in_range(d.ledger.hits[i], trouble.left->written[i] + d.hits[i],
                trouble.left->hits[i] + d.hits[i]);
        nothing_is_wrong(&d, ledger);
        desk_done(&d);
    }
    assert_in_range(at, 50, 1000);
}

static void a_node_that_is_killed_anywhere_bills_all_and_nothing_twice(void **)
{
    killed_anywhere_bills_all(&EMPTY);
}

static void a_power_cut_anywhere_costs_nothing_that_was_told_as_written(void **)
{
    power_cut_anywhere_bills_what_was_written(CUT, &EMPTY);
}

static void a_power_cut_that_leaves_zeros_costs_no_more(void **)
{
    power_cut_anywhere_bills_what_was_written(ZEROED, &EMPTY);
}

static void chaining_anew_survives_being_killed_anywhere(void **)
{
    killed_anywhere_bills_all(&FAR_AHEAD);
}

static void chaining_anew_survives_a_power_cut_anywhere(void **)
{
    power_cut_anywhere_bills_what_was_written(CUT, &FAR_AHEAD);
}

/* The node lives on, in this process. True: it came to that place. */
static bool life_with(enum mishap mishap, unsigned at, const struct ledger *ledger, struct desk *d)
{
    char folder[64];

    name_folder(folder);
    desk_init_at(d, folder);
    d->ledger = *ledger;
    trouble.call = 0;
    trouble.file_count = 0;
    trouble.mishap = mishap;
    trouble.at = at;
    trouble.is_armed = true;
    for (int i = 0; i < 2; i++) {
        live_tick(d, SITES);
        live_tick(d, 1);
        for (int k = 0; k < 4; k++)
            live_settle(d);
        live_tick(d, 2);
    }
    trouble.is_armed = false;
    for (size_t i = 0; i < trouble.file_count; i++)
        close(trouble.files[i].fd);
    sim_run_for(d->sim, span_ms(2500));
    return trouble.call >= at;
}

static void failure_anywhere_is_made_good(enum mishap mishap, const struct ledger *ledger)
{
    struct desk d;
    unsigned at = 1;

    for (bool is_met = true; is_met; at++) {
        is_met = life_with(mishap, at, ledger, &d);
        assert_false(journal_is_failing(d.journal));
        assert_true(journal_takes(d.journal));
        if (at % 2 == 0)
            desk_restart(&d);
        books_equal_totals(&d);
        nothing_is_wrong(&d, ledger);
        desk_done(&d);
    }
    assert_in_range(at, 20, 1000);
}

static void a_call_that_fails_anywhere_costs_nothing(void **)
{
    failure_anywhere_is_made_good(REFUSED, &EMPTY);
}

static void a_disk_that_is_lost_for_a_while_costs_nothing(void **)
{
    failure_anywhere_is_made_good(DISK_LOST, &EMPTY);
}

static void chaining_anew_is_tried_until_it_is_done(void **)
{
    failure_anywhere_is_made_good(REFUSED, &FAR_AHEAD);
    failure_anywhere_is_made_good(DISK_LOST, &FAR_AHEAD);
}

static int set_up(void **)
{
    trouble.left = share(sizeof *trouble.left);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_that_is_killed_anywhere_bills_all_and_nothing_twice),
        cmocka_unit_test(a_power_cut_anywhere_costs_nothing_that_was_told_as_written),
        cmocka_unit_test(a_power_cut_that_leaves_zeros_costs_no_more),
        cmocka_unit_test(chaining_anew_survives_being_killed_anywhere),
        cmocka_unit_test(chaining_anew_survives_a_power_cut_anywhere),
        cmocka_unit_test(a_call_that_fails_anywhere_costs_nothing),
        cmocka_unit_test(a_disk_that_is_lost_for_a_while_costs_nothing),
        cmocka_unit_test(chaining_anew_is_tried_until_it_is_done),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
