// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/file.h"

static void what_was_written_at_a_place_is_read_there(void **)
{
    char room[16];
    size_t length;
    int fd = memfd_create("file", 0);

    assert_int_equal(file_write(fd, SLICE("0123456789"), 0), ERR_NONE);
    assert_int_equal(file_write(fd, SLICE("ab"), 4), ERR_NONE);
    assert_int_equal(file_write(fd, SLICE_NONE, 9), ERR_NONE);
    assert_int_equal(file_read(fd, room, sizeof room, 3, &length), ERR_NONE);
    assert_true(slice_equal(slice_of(room, length), SLICE("3ab6789")));
    assert_int_equal(file_read(fd, room, 2, 0, &length), ERR_NONE);
    assert_true(slice_equal(slice_of(room, length), SLICE("01")));
    assert_int_equal(file_read(fd, room, sizeof room, 10, &length), ERR_NONE);
    assert_int_equal(length, 0);
    close(fd);
}

static void a_disk_that_fills_in_the_middle_is_told(void **)
{
    struct rlimit before, limit;
    int fd = memfd_create("file", 0);

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 4;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum err err = file_write(fd, SLICE("0123456789"), 0);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_not_equal(err, ERR_NONE);
    close(fd);
}

static void a_folder_that_is_not_there_is_told(void **)
{
    assert_int_equal(file_sync_folder("/nowhere/at/all"), ERR_MISSING);
    assert_int_equal(file_sync_folder("/tmp/file"), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_at_a_place_is_read_there),
        cmocka_unit_test(a_disk_that_fills_in_the_middle_is_told),
        cmocka_unit_test(a_folder_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
