// SPDX-License-Identifier: Apache-2.0
/*
 * Measures the journal of usage alone, on a real disk.
 *
 *   meter-journal write FOLDER SITES SECONDS   intervals of SITES entries, one after the other
 *   meter-journal fill FOLDER MEBIBYTES        intervals of 10,000 entries, until there is so much
 *   meter-journal read FOLDER                  a start: how long, and how much memory at most
 *   meter-journal drain FOLDER                 hands all of it out and settles it, as a ledger that
 *                                              takes no time would
 *
 * Each interval is closed, appended and synced before the next begins. The first two want a folder
 * that is not there yet.
 */
#include "meter/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/pool.h"
#include "meter/closing.h"
#include "tls/sha256.h"

enum { FILL_SITES = 10000, BOOT = 1 };

struct bench {
    struct log log;
    struct epoch epoch;
    struct kernel *kernel;
    struct loop *loop;
    struct pool *pool;
    struct closing *closing;
    struct journal *journal;
    struct journal_user user;
    uint64_t tick, written, batches;
    bool is_answered;
};

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void on_written(struct journal_user *user, uint64_t sequence)
{
    (void)sequence;
    ((struct bench *)container_of(user, struct bench, user))->is_answered = true;
}

/* Says that it has them all. */
static void on_pending(struct journal_user *user, const struct journal_pending *pending)
{
    struct bench *b = container_of(user, struct bench, user);
    struct slice rest = pending->batch, bytes = SLICE_NONE;
    unsigned char hash[USAGE_HASH_SIZE];

    while (usage_batch_next(&rest, &bytes))
        b->written++;
    b->batches++;
    b->is_answered = true;
    if (pending->first == 0)
        return;
    sha256(bytes, hash);
    journal_settled(b->journal, pending->last, hash);
}

static const struct journal_user_ops USER = { .written = on_written, .pending = on_pending };

static void open_journal(struct bench *b, const char *folder)
{
    *b = (struct bench){ .user.ops = &USER };
    log_init(&b->log, STDERR_FILENO, LOG_INFO);
    epoch_init(&b->epoch);
    enum err err = kernel_epoll_new(&b->kernel);

    assert(err == ERR_NONE);
    b->loop = loop_new(b->kernel, &b->epoch, 0);
    err = pool_new(1, 16, &b->pool);
    assert(err == ERR_NONE);
    b->closing = closing_new(SLICE("fra1"), SLICE("fra"));
    const struct journal_plan plan = { .loop = b->loop,
        .pool = b->pool,
        .log = &b->log,
        .closing = b->closing,
        .node = "fra1",
        .folder = folder };

    b->journal = journal_new(&plan, &b->user);
    journal_read(b->journal);
}

static void close_journal(struct bench *b)
{
    pool_free(b->pool);
    journal_free(b->journal);
    closing_free(b->closing);
    loop_free(b->loop);
    kernel_free(b->kernel);
    epoch_done(&b->epoch);
}

static void await(struct bench *b)
{
    while (!b->is_answered)
        loop_turn(b->loop, span_ms(100));
    b->is_answered = false;
}

/* One interval in which each site had visitors. */
static void write_interval(struct bench *b, unsigned sites)
{
    char room[USAGE_ENTRY_MAX], site[40];
    struct usage_totals totals = { 0 };
    int64_t begin_ms = INT64_C(1700000000000) + 10000 * (int64_t)b->tick++;

    closing_begin(b->closing, BOOT, (struct wall){ begin_ms }, (struct wall){ begin_ms + 10000 });
    for (int kind = USAGE_HIT; kind <= USAGE_MISS; kind++)
        totals.of[kind] = b->tick * (uint64_t)(kind + 1);
    totals.of[USAGE_SENT_BYTES] = b->tick * 100000;
    totals.of[USAGE_FILLED_BYTES] = b->tick * 10000;
    totals.of[USAGE_DNS_ANSWERS] = b->tick * 10;
    for (unsigned i = 0; i < sites; i++) {
        snprintf(site, sizeof site, "www%u.customer.example", i);
        struct slice entry =
            closing_entry(b->closing, SLICE("customer"), slice_text(site), &totals, room);

        assert(entry.length > 0 && journal_takes(b->journal));
        journal_put(b->journal, entry);
    }
    journal_write(b->journal);
    await(b);
    b->written += sites;
}

static void report(const struct bench *b, const char *what, double wall, double cpu)
{
    struct journal_state state = journal_state(b->journal);
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("%s: %" PRIu64 " entries in %.2f s: %.0f a second, %.2f us of processor each; "
           "%.1f MiB in %zu segments, %.0f bytes each; at most %.1f MiB of memory\n",
        what, b->written, wall, (double)b->written / wall, cpu * 1e6 / (double)b->written,
        (double)state.bytes / (1 << 20), state.segments,
        (double)state.bytes / (double)(b->written + (b->written == 0)),
        (double)usage.ru_maxrss / 1024);
}

static void run_write(struct bench *b, unsigned sites, double seconds, uint64_t bytes)
{
    double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    double end = began + seconds, now = began;
    uint64_t intervals = 0;

    while (now < end && journal_state(b->journal).bytes < bytes) {
        write_interval(b, sites);
        intervals++;
        now = seconds_of(CLOCK_MONOTONIC);
    }
    report(b, "write", now - began, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    printf("intervals: %" PRIu64 ", each synced: %.0f a second\n", intervals,
        (double)intervals / (now - began));
}

static void run_drain(struct bench *b)
{
    double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);

    while (journal_state(b->journal).settled < journal_state(b->journal).last) {
        journal_ask(b->journal, 256 * 1024);
        await(b);
    }
    report(b, "drain", seconds_of(CLOCK_MONOTONIC) - began,
        seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

int main(int count, char **words)
{
    const char *what = count > 2 ? words[1] : "";
    double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    struct bench b;

    if (count < 3) {
        fprintf(stderr, "usage: meter-journal write|fill|read|drain FOLDER ...\n");
        return 2;
    }
    open_journal(&b, words[2]);
    if (strcmp(what, "write") == 0 && count == 5) {
        run_write(&b, (unsigned)atoi(words[3]), atof(words[4]), UINT64_MAX);
    } else if (strcmp(what, "fill") == 0 && count == 4) {
        run_write(&b, FILL_SITES, 1e9, (uint64_t)atoi(words[3]) << 20);
    } else if (strcmp(what, "drain") == 0) {
        run_drain(&b);
    } else {
        b.written = journal_state(b.journal).last;
        report(&b, "read", seconds_of(CLOCK_MONOTONIC) - began,
            seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    }
    close_journal(&b);
    return 0;
}
