// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: what happens at a desk. */

#include "meter/journal_desk_test.h"

/* Puts what was delivered since, if the journal takes it. */
static inline void put_all(struct desk *d)
{
    char room[USAGE_ENTRY_MAX], site[2] = "a";

    if (!journal_takes(d->journal))
        return;
    closing_begin(d->closing, d->boot, (struct wall){ T0 + 10000 * d->tick },
        (struct wall){ T0 + 10000 * (d->tick + 1) });
    d->tick++;
    for (int i = 0; i < SITES; i++) {
        const struct usage_totals totals = { .of[USAGE_HIT] = d->hits[i] };

        site[0] = (char)('a' + i);
        struct slice entry =
            closing_entry(d->closing, SLICE("acme"), slice_text(site), &totals, room);

        if (entry.length > 0)
            journal_put(d->journal, entry);
    }
}

/* The first `sites` sites have some more visitors, and the interval ends. */
static inline void tick(struct desk *d, int sites)
{
    for (int i = 0; i < sites; i++)
        d->hits[i] += (uint64_t)i + 1;
    put_all(d);
    journal_write(d->journal);
    rest(d);
}

/* Asks once, and brings the ledger's word. */
static inline void settle_once(struct desk *d)
{
    journal_ask(d->journal, ASKED_BYTES);
    rest(d);
    journal_settled(d->journal, d->ledger.sequence, d->ledger.hash);
    rest(d);
}

/* Until the ledger has all there is, as far as that comes about. */
static inline void settle_all(struct desk *d)
{
    for (int i = 0; i < 100; i++) {
        struct journal_state state = journal_state(d->journal);

        if (state.settled == state.last && d->ledger.sequence == state.last)
            return;
        settle_once(d);
    }
    fail_msg("the ledger does not get there");
}

/* Billed is what was delivered, no more and no less. */
static inline void books_equal_totals(struct desk *d)
{
    put_all(d);
    journal_write(d->journal);
    rest(d);
    settle_all(d);
    for (int i = 0; i < SITES; i++)
        assert_int_equal(d->ledger.hits[i], d->hits[i]);
}

static inline bool has_logged(const struct desk *d, const char *text)
{
    static char log[LOG_BYTES];
    ssize_t length = pread(d->log.fd, log, sizeof log - 1, 0);

    assert_true(length >= 0);
    log[length] = '\0';
    return strstr(log, text) != NULL;
}

/* Files with this ending in the folder. */
static inline unsigned count_files(const struct desk *d, const char *ending)
{
    DIR *folder = opendir(d->folder);
    unsigned count = 0;

    if (folder == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += slice_ends(slice_text(entry->d_name), slice_text(ending));
    closedir(folder);
    return count;
}

static inline const char *path_of(const struct desk *d, uint64_t number, const char *ending)
{
    static char path[SITES + 200];

    snprintf(path, sizeof path, "%s/%010llu%s", d->folder, (unsigned long long)number, ending);
    return path;
}

static inline size_t size_of(const char *path)
{
    struct stat facts;

    assert_int_equal(stat(path, &facts), 0);
    return (size_t)facts.st_size;
}

/* Changes a byte of a file. */
static inline void spoil(const char *path, size_t at)
{
    int fd = open(path, O_RDWR);
    char byte = 0;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte = (char)~byte;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}
