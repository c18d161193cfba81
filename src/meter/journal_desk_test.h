// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: a node that counts and journals, on a simulated loop and a disk of its own, and a
 * ledger that takes only successors. */

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/pool.h"
#include "io/sim.h"
#include "meter/closing.h"
#include "meter/journal.h"
#include "tls/sha256.h"

#define T0 INT64_C(1700000000000)

enum { SITES = 3, LOG_BYTES = 1 << 20, ASKED_BYTES = 64 * 1024 };

struct ledger {
    uint64_t sequence;
    unsigned char hash[USAGE_HASH_SIZE];
    int64_t hits[SITES]; // that are billed
    unsigned refused, ticks;
};

struct desk {
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernel;
    struct loop *loop;
    struct pool *pool;
    struct log log;
    char folder[64];
    struct closing *closing;
    struct journal *journal;
    struct journal_user user;
    uint64_t boot, hits[SITES]; // what was delivered since
    int64_t tick;
    uint64_t written, pending_first, pending_last;
    unsigned asked;
    struct ledger ledger;
};

static inline void ledger_take(struct ledger *l, struct slice batch)
{
    struct usage_entry entry;
    struct slice bytes;

    while (usage_batch_next(&batch, &bytes)) {
        assert_true(usage_entry_parse(bytes, &entry));
        if (entry.sequence <= l->sequence)
            continue;
        if (entry.sequence != l->sequence + 1 ||
            memcmp(entry.before, l->hash, sizeof l->hash) != 0) {
            l->refused++;
            return;
        }
        l->sequence = entry.sequence;
        sha256(bytes, l->hash);
        l->hits[entry.site.at[0] - 'a'] += usage_entry_added(&entry, USAGE_HIT);
    }
    assert_int_equal(batch.length, 0);
}

static inline void on_written(struct journal_user *user, uint64_t sequence)
{
    struct desk *d = container_of(user, struct desk, user);

    d->written = sequence;
}

static inline void on_pending(struct journal_user *user, const struct journal_pending *pending)
{
    struct desk *d = container_of(user, struct desk, user);

    d->asked++;
    d->pending_first = pending->first;
    d->pending_last = pending->last;
    assert_int_equal(pending->batch.length == 0, pending->first == 0);
    ledger_take(&d->ledger, pending->batch);
}

static const struct journal_user_ops USER = { .written = on_written, .pending = on_pending };

/* A start, with the totals of a boot. */
static inline void desk_start(struct desk *d, uint64_t boot)
{
    d->closing = closing_new(SLICE("fra1"), SLICE("fra"));
    const struct journal_plan plan = { .loop = d->loop,
        .pool = d->pool,
        .log = &d->log,
        .closing = d->closing,
        .node = "fra1",
        .folder = d->folder };

    d->journal = journal_new(&plan, &d->user);
    d->boot = boot;
    journal_read(d->journal);
}

static inline void desk_init_at(struct desk *d, const char *folder)
{
    const struct ip address = ip_v4(10, 0, 0, 1);

    *d = (struct desk){ .user.ops = &USER };
    snprintf(d->folder, sizeof d->folder, "%s", folder);
    d->sim = sim_new(1);
    epoch_init(&d->epoch);
    d->kernel = sim_kernel(d->sim, &address);
    d->loop = loop_new(d->kernel, &d->epoch, 0);
    sim_kernel_turns(d->kernel, d->loop);
    assert_int_equal(pool_new(0, 1, &d->pool), ERR_NONE);
    log_init(&d->log, memfd_create("log", 0), LOG_INFO);
    desk_start(d, 1);
}

static inline void desk_init(struct desk *d)
{
    char folder[64] = "/tmp/waypost-journal-XXXXXX";

    assert_non_null(mkdtemp(folder));
    assert_int_equal(rmdir(folder), 0); // the journal makes it
    desk_init_at(d, folder);
}

static inline void rest(struct desk *d)
{
    sim_run_for(d->sim, span_ms(10));
}

/* As kill -9 would: what is not on disk is gone. */
static inline void desk_stop(struct desk *d)
{
    journal_free(d->journal);
    closing_free(d->closing);
}

static inline void desk_restart(struct desk *d)
{
    rest(d);
    desk_stop(d);
    desk_start(d, d->boot);
}

static inline void delete_folder(const char *path)
{
    DIR *folder = opendir(path);
    char file[400];

    if (folder == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        unlink(file);
    }
    closedir(folder);
    rmdir(path);
}

static inline void desk_done(struct desk *d)
{
    rest(d);
    pool_free(d->pool);
    desk_stop(d);
    loop_free(d->loop);
    kernel_free(d->kernel);
    epoch_done(&d->epoch);
    sim_free(d->sim);
    close(d->log.fd);
    delete_folder(d->folder);
}
