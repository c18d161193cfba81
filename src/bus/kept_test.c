// SPDX-License-Identifier: Apache-2.0
/* What a log in a file adds: it is there after a restart, whatever happened to it. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "bus/follower_test.h"

static struct follower A;
static struct world *WORLD;

static int begin(void **)
{
    WORLD = world_new(LOCAL_FILE);
    return 0;
}

static int end(void **)
{
    char broken[80];

    follower_close(&A);
    snprintf(broken, sizeof broken, "%s.broken", WORLD->log);
    unlink(broken);
    world_free(WORLD);
    return 0;
}

/* As the process ends and comes again. */
static void restart(struct diag *why)
{
    follower_close(&A);
    world_open_hub(WORLD, why);
}

static struct stat file_facts(void)
{
    struct stat s;

    assert_int_equal(stat(WORLD->log, &s), 0);
    return s;
}

static off_t file_size(void)
{
    return file_facts().st_size;
}

static void give(unsigned from, unsigned to)
{
    char text[24];

    for (unsigned i = from; i <= to; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(follower_give(&A, WORLD, i, text), i);
    }
}

static void what_was_taken_is_there_after_a_restart(void **)
{
    follower_start(&A, WORLD, "a", 0, 0);
    give(1, 20);
    uint64_t era = A.answers[0].era;

    restart(NULL);
    follower_start(&A, WORLD, "a", era, 15);
    follower_hear(&A, WORLD, 5);
    assert_order(&A, 0, 16, "16");
    assert_order(&A, 4, 20, "20");
    assert_int_equal(follower_give(&A, WORLD, 3, "again"), 3); // ids are there, too
    give(21, 21);
    assert_int_equal(A.answers[A.answer_count - 1].era, era);
}

static void an_end_that_is_torn_is_cut_off_and_written_over(void **)
{
    follower_start(&A, WORLD, "a", 0, 0);
    give(1, 2);
    off_t two = file_size();

    give(3, 3);
    off_t three = file_size();
    uint64_t era = A.answers[0].era;

    for (off_t cut = two + 1; cut < three; cut++) {
        struct diag why = { .text = "" };

        follower_close(&A);
        assert_int_equal(truncate(WORLD->log, cut), 0);
        restart(&why);
        assert_string_equal(why.text, "");
        assert_int_equal(file_size(), two);
        follower_start(&A, WORLD, "a", era, 0);
        follower_hear(&A, WORLD, 2);
        give(3, 3);
        assert_int_equal(file_size(), three);
    }
}

static void damage(off_t at)
{
    int fd = open(WORLD->log, O_RDWR);
    char byte;

    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void a_log_broken_in_the_middle_goes_on_in_another_era(void **)
{
    struct diag why = { .text = "" };

    follower_start(&A, WORLD, "a", 0, 0);
    give(1, 2);
    off_t two = file_size();

    give(3, 4);
    uint64_t era = A.answers[0].era;

    follower_close(&A);
    damage(two + 20);
    restart(&why);
    assert_non_null(strstr(why.text, "broken after order 2"));
    follower_start(&A, WORLD, "a", era, 4);
    follower_hear(&A, WORLD, 3);
    assert_int_equal(A.told[0].kind, TOLD_GAP);
    assert_true(A.told[0].era > era);
    assert_int_equal(A.told[0].number, 1);
    assert_order(&A, 1, 1, "1");
    assert_order(&A, 2, 2, "2");
    give(3, 3);
    restart(&why); // it is whole again
    assert_string_equal(why.text, "");
}

static void a_file_that_is_no_log_is_set_aside(void **)
{
    struct diag why = { .text = "" };

    follower_start(&A, WORLD, "a", 0, 0);
    give(1, 1);
    follower_close(&A);
    damage(0);
    restart(&why);
    assert_non_null(strstr(why.text, "set aside"));
    follower_start(&A, WORLD, "a", 0, 0);
    assert_int_equal(A.told_count, 0);
    give(1, 1);
}

static void a_log_that_was_lost_is_told_as_a_gap(void **)
{
    follower_start(&A, WORLD, "a", 0, 0);
    give(1, 5);
    uint64_t era = A.answers[0].era;

    follower_close(&A);
    sleep_ms(2); // so that the clock has moved, as it does between two processes
    unlink(WORLD->log);
    restart(NULL);
    follower_start(&A, WORLD, "a", era, 5);
    follower_hear(&A, WORLD, 1);
    assert_int_equal(A.told[0].kind, TOLD_GAP);
    assert_int_not_equal(A.told[0].era, era);
    give(1, 1);
}

/* So that files may have so many bytes, as on a disk that is full. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit = { bytes, RLIM_INFINITY };

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_refuses_orders_and_is_made_good_when_it_has_room(void **)
{
    follower_start(&A, WORLD, "a", 0, 0);
    give(1, 3);
    off_t three = file_size();
    ino_t in_doubt = file_facts().st_ino;

    limit_files((rlim_t)three + 10);
    for (unsigned i = 0; i < 2; i++) { // added to what there is, then written anew
        follower_ask(&A, 4, "no room");
        assert_int_not_equal(follower_answer(&A, WORLD)->err, ERR_NONE);
        assert_non_null(strstr(A.answers[A.answer_count - 1].why, "File too large"));
    }
    assert_int_equal(file_size(), three);
    world_settle(WORLD);
    assert_int_equal(A.told_count, 3);
    limit_files(RLIM_INFINITY);
    give(4, 5);
    assert_int_not_equal(file_facts().st_ino, in_doubt); // nothing is added to that one
    restart(NULL);
    follower_start(&A, WORLD, "a", 0, 0);
    follower_hear(&A, WORLD, 5);
    assert_order(&A, 3, 4, "4");
    assert_int_equal(counter_read(&bus_counts(A.bus)->orders_refused), 0);
}

static void a_file_is_of_one_process_at_a_time(void **)
{
    struct bus_hub *hub = bus_hub_new();
    struct diag why;

    assert_int_equal(
        bus_hub_log(hub, WORLD->pool, WORLD->bench->loop, WORLD->log, &why), ERR_EXISTS);
    assert_non_null(strstr(why.text, "another process"));
    bus_hub_free(hub);
}

static void a_place_where_nothing_can_be_written_is_an_error_that_says_so(void **)
{
    struct bus_hub *hub = bus_hub_new();
    struct diag why;

    assert_int_not_equal(
        bus_hub_log(hub, WORLD->pool, WORLD->bench->loop, "/nowhere/at/all/orders", &why),
        ERR_NONE);
    assert_non_null(strstr(why.text, "/nowhere/at/all/orders"));
    bus_hub_free(hub);
}

static void a_file_is_written_anew_when_most_of_it_is_of_no_use(void **)
{
    enum { GIVEN = 5200 }; // of the largest size: two and a half times what a log may hold
    static char large[BUS_ORDER_MAX];
    off_t longest = 0;

    follower_open(&A, WORLD, 0, "a");
    for (unsigned i = 1; i <= GIVEN;) {
        unsigned before = i;

        A.answer_count = 0; // there is not room to note all
        for (unsigned j = 0; j < BUS_ORDERS_WAITING_MAX && i <= GIVEN; j++, i++) {
            unsigned char id[BUS_ORDER_ID_SIZE] = { 0 };

            memcpy(id, &i, sizeof i);
            bus_order(A.bus, i, id, slice_of(large, sizeof large));
        }
        world_until(WORLD, is_counted, &(struct counted){ &A.answer_count, i - before });
        longest = file_size() > longest ? file_size() : longest;
    }
    assert_in_range(longest, BUS_LOG_BYTES_MAX, 3 * BUS_LOG_BYTES_MAX);
    assert_true(file_size() < longest);
    uint64_t era = A.answers[0].era;

    restart(NULL);
    follower_start(&A, WORLD, "a", era, 1);
    assert_int_equal(A.told[0].kind, TOLD_GAP);
    assert_int_equal(A.told[0].number, GIVEN + 1 - BUS_LOG_BYTES_MAX / BUS_ORDER_MAX);
    assert_int_equal(A.told[A.told_count - 1].number, GIVEN);
}

/* A process that gives orders for as long as it lives, and says of each that it was taken. */
static void give_for_ever(int told_to)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    follower_close(&A);
    world_open_hub(WORLD, NULL);
    follower_start(&A, WORLD, "a", 0, 0);
    unsigned next = A.told_count == 0 ? 1 : (unsigned)A.told[A.told_count - 1].number + 1;

    for (;; next++) {
        give(next, next);
        if (write(told_to, &next, sizeof next) != sizeof next)
            _exit(1);
    }
}

static void what_was_answered_outlives_a_process_that_is_killed(void **)
{
    unsigned taken = 0;

    pool_free(WORLD->pool); // a process with threads does not fork
    WORLD->pool = NULL;
    bus_hub_free(WORLD->hub);
    WORLD->hub = NULL;
    for (unsigned round = 0; round < 8; round++) {
        int pipe_ends[2];

        assert_int_equal(pipe(pipe_ends), 0);
        fflush(stdout);
        pid_t child = fork();

        if (child == 0)
            give_for_ever(pipe_ends[1]);
        close(pipe_ends[1]);
        sleep_ms(20 + 7 * (long)round);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipe_ends[0], &taken, sizeof taken) == sizeof taken)
            ;
        close(pipe_ends[0]);
    }
    struct diag why = { .text = "" };

    world_open_hub(WORLD, &why);
    assert_string_equal(why.text, "");
    follower_start(&A, WORLD, "a", 0, 0);
    printf("# %u orders were answered, %zu are there\n", taken, A.told_count);
    assert_in_range(A.told_count, taken, taken + 8); // one of each round may lack its answer
    for (size_t i = 0; i < A.told_count; i++)
        assert_int_equal(A.told[i].number, i + 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_taken_is_there_after_a_restart),
        CASE(an_end_that_is_torn_is_cut_off_and_written_over),
        CASE(a_log_broken_in_the_middle_goes_on_in_another_era),
        CASE(a_file_that_is_no_log_is_set_aside),
        CASE(a_log_that_was_lost_is_told_as_a_gap),
        CASE(a_full_disk_refuses_orders_and_is_made_good_when_it_has_room),
        CASE(a_file_is_of_one_process_at_a_time),
        CASE(a_place_where_nothing_can_be_written_is_an_error_that_says_so),
        CASE(a_file_is_written_anew_when_most_of_it_is_of_no_use),
        CASE(what_was_answered_outlives_a_process_that_is_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
