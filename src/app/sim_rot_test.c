// SPDX-License-Identifier: Apache-2.0
/* Journals of which a part is lost after it was settled, while what was counted is still known. */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "app/sim_usage_test.h"

static const char *folder_of(const struct books *b, size_t node, char path[100])
{
    snprintf(path, 100, "%s/usage-%zu", b->folder, node);
    return path;
}

/* The newest segment. */
static int open_segment(const struct books *b, size_t node, off_t *size)
{
    char folder[100], newest[256] = "", path[360];
    DIR *entries = opendir(folder_of(b, node, folder));
    struct stat facts;

    assert_non_null(entries);
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (slice_ends(slice_text(entry->d_name), SLICE(".entries")) &&
            strcmp(entry->d_name, newest) > 0)
            strcpy(newest, entry->d_name);
    closedir(entries);
    snprintf(path, sizeof path, "%s/%s", folder, newest);
    int fd = open(path, O_RDWR);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &facts), 0);
    *size = facts.st_size;
    return fd;
}

static void spoil_journal(struct books *b, size_t node)
{
    off_t size = 0;
    int fd = open_segment(b, node, &size);
    off_t at = (off_t)sim_draw(b->w->sim, (uint64_t)size);
    char byte = 0;

    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte = (char)~byte;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void rotten_while_idle(struct books *b)
{
    books_run(b, span_s(40));
    books_balance(b, span_s(15)); // all is settled, and nobody comes any more
    spoil_journal(b, SECOND);
    books_node_kill(b, SECOND);
    books_node_start(b, SECOND);
    books_balance(b, span_s(30));
    books_run(b, span_s(30));
    books_balance(b, span_s(60));
}

static void a_settled_entry_that_rots_is_not_billed_again(void **)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct books *b = books_open(seed);

        rotten_while_idle(b);
        books_close(b);
    }
}

/* More than the last write, so that a torn end is not all that there is to see. */
static void shortened_while_idle(struct books *b)
{
    off_t size = 0;

    books_run(b, span_s(40));
    books_balance(b, span_s(15));
    books_node_kill(b, SECOND);
    int fd = open_segment(b, SECOND, &size);

    assert_int_equal(ftruncate(fd, (off_t)sim_draw(b->w->sim, (uint64_t)size)), 0);
    close(fd);
    books_node_start(b, SECOND);
    books_run(b, span_s(30));
    books_balance(b, span_s(60));
}

static void a_settled_end_that_is_lost_is_not_billed_again(void **)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct books *b = books_open(seed);

        shortened_while_idle(b);
        books_close(b);
    }
}

/* The totals since the start are there, of which the most is settled. */
static void lost_while_counting(struct books *b)
{
    char folder[100];

    books_run(b, span_s(45));
    books_node_kill(b, SECOND);
    assert_int_equal(nftw(folder_of(b, SECOND, folder), books_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
    books_node_start(b, SECOND);
    books_run(b, span_s(30));
    books_balance(b, span_s(60));
}

static void a_journal_that_is_lost_as_a_whole_is_not_billed_again(void **)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct books *b = books_open(seed);

        lost_while_counting(b);
        books_close(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_settled_entry_that_rots_is_not_billed_again),
        cmocka_unit_test(a_settled_end_that_is_lost_is_not_billed_again),
        cmocka_unit_test(a_journal_that_is_lost_as_a_whole_is_not_billed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
