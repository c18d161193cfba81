// SPDX-License-Identifier: Apache-2.0
/*
 * Measures the ledger alone, on a real disk.
 *
 *   meter-ledger settle FILE NODES SITES DAYS [ENTRIES]   what NODES nodes with SITES sites each
 *                                       gather in DAYS days, an interval of ten seconds after the
 *                                       other, told in batches of ENTRIES entries (300)
 *   meter-ledger ask FILE               usage of all by day and by site, the entries of one
 *                                       customer, an audit: how long each takes
 */
#include "meter/ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "tls/sha256.h"

#define BEGIN_MS INT64_C(1793491200000) // 2026-11-01

enum { TICK_MS = 10000, TICKS_A_DAY = 8640, SITES_OF_A_CUSTOMER = 10 };

/* A node and the end of its chain. */
struct teller {
    char name[32], pop[32];
    uint64_t sequence;
    unsigned char hash[USAGE_HASH_SIZE];
    struct usage_totals totals;
    char *batch;
    size_t length, count;
};

struct bench {
    struct ledger *ledger;
    const char *path;
    struct teller *tellers;
    size_t teller_count, batch_max;
    uint64_t settled;
    double spent_s;
};

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void settle(struct bench *b, struct teller *t)
{
    const struct ledger_batch batch = { slice_text(t->name), slice_of(t->batch, t->length) };
    struct settle_position position;
    enum settle_answer answer;
    struct diag why = { 0 };
    double began = seconds_of(CLOCK_MONOTONIC);

    if (t->count == 0)
        return;
    if (ledger_settle(b->ledger, &batch, &answer, &position, &why) != ERR_NONE) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    assert(answer == SETTLE_ALL && position.sequence == t->sequence);
    b->spent_s += seconds_of(CLOCK_MONOTONIC) - began;
    b->settled += t->count;
    t->length = t->count = 0;
}

static void tell(struct bench *b, struct teller *t, size_t site, int64_t begin_ms)
{
    char host[64], customer[32], room[USAGE_ENTRY_MAX];
    struct usage_entry entry = { .node = slice_text(t->name),
        .pop = slice_text(t->pop),
        .boot = 1,
        .sequence = ++t->sequence,
        .begin = { begin_ms },
        .end = { begin_ms + TICK_MS },
        .from = t->totals };

    snprintf(host, sizeof host, "www%zu.customer.example", site);
    snprintf(customer, sizeof customer, "customer%zu", site / SITES_OF_A_CUSTOMER);
    entry.customer = slice_text(customer);
    entry.site = slice_text(host);
    t->totals.of[USAGE_HIT] += 950;
    t->totals.of[USAGE_MISS] += 50;
    t->totals.of[USAGE_SENT_BYTES] += 50000000;
    t->totals.of[USAGE_FILLED_BYTES] += 2500000;
    t->totals.of[USAGE_DNS_ANSWERS] += 20;
    entry.to = t->totals;
    memcpy(entry.before, t->hash, sizeof entry.before);
    struct slice bytes = usage_entry_write(&entry, room);

    sha256(bytes, t->hash);
    t->length += usage_batch_put(bytes, t->batch + t->length);
    if (++t->count == b->batch_max)
        settle(b, t);
}

static void run_settle(struct bench *b, size_t sites, double days)
{
    size_t ticks = (size_t)(days * TICKS_A_DAY);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    struct stat facts;

    for (size_t i = 0; i < b->teller_count; i++) {
        struct teller *t = &b->tellers[i];

        snprintf(t->name, sizeof t->name, "node%zu", i);
        snprintf(t->pop, sizeof t->pop, "pop%zu", i / 4);
        t->batch = mem_alloc(b->batch_max * USAGE_BATCH_ENTRY_MAX);
    }
    for (size_t tick = 0; tick < ticks; tick++)
        for (size_t i = 0; i < b->teller_count; i++)
            for (size_t site = 0; site < sites; site++)
                tell(b, &b->tellers[i], site, BEGIN_MS + (int64_t)tick * TICK_MS);
    for (size_t i = 0; i < b->teller_count; i++) {
        settle(b, &b->tellers[i]);
        mem_free(b->tellers[i].batch);
    }
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    ledger_close(b->ledger); // so that all is in the file
    b->ledger = NULL;
    if (stat(b->path, &facts) != 0)
        exit(1);
    printf("%" PRIu64 " entries in %.2f s: %.0f a second, %.1f us of CPU each, %.0f bytes each\n",
        b->settled, b->spent_s, (double)b->settled / b->spent_s, cpu * 1e6 / (double)b->settled,
        (double)facts.st_size / (double)b->settled);
}

static void ask_usage(struct bench *b, const char *what, enum ledger_by by)
{
    const struct ledger_query query = { .to = { INT64_MAX }, .by = by };
    double began = seconds_of(CLOCK_MONOTONIC);
    struct ledger_row row;
    struct db_rows rows;
    size_t count = 0;

    ledger_usage(b->ledger, &query, &rows);
    while (ledger_row_next(&rows, &row))
        count++;
    if (db_end(&rows, NULL) != ERR_NONE)
        exit(1);
    printf("usage by %s: %zu rows in %.3f s\n", what, count, seconds_of(CLOCK_MONOTONIC) - began);
}

static void run_ask(struct bench *b)
{
    struct diag why = { 0 };
    struct ledger_entry entry;
    struct db_rows rows;
    size_t count = 0;

    ask_usage(b, "day", LEDGER_BY_DAY);
    ask_usage(b, "site", LEDGER_BY_SITE);
    double began = seconds_of(CLOCK_MONOTONIC);

    ledger_entries(
        b->ledger, SLICE("customer0"), (struct wall){ 0 }, (struct wall){ INT64_MAX }, &rows);
    while (ledger_entry_next(&rows, &entry))
        count++;
    if (db_end(&rows, NULL) != ERR_NONE)
        exit(1);
    double took = seconds_of(CLOCK_MONOTONIC) - began;

    printf(
        "entries of a customer: %zu in %.3f s, %.0f a second\n", count, took, (double)count / took);
    began = seconds_of(CLOCK_MONOTONIC);
    if (ledger_audit(b->ledger, &why) != ERR_NONE) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    printf("audit: %.3f s\n", seconds_of(CLOCK_MONOTONIC) - began);
}

int main(int count, char **words)
{
    bool is_settle = count >= 6 && strcmp(words[1], "settle") == 0;
    bool is_ask = count == 3 && strcmp(words[1], "ask") == 0;
    struct bench b = { .batch_max = 300 };
    struct diag why = { 0 };

    if (!is_settle && !is_ask) {
        fprintf(stderr, "meter-ledger settle FILE NODES SITES DAYS [ENTRIES] | ask FILE\n");
        return 2;
    }
    b.path = words[2];
    if (ledger_open(b.path, &b.ledger, &why) != ERR_NONE) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    if (is_ask) {
        run_ask(&b);
    } else {
        b.teller_count = strtoul(words[3], NULL, 10);
        b.tellers = mem_array(b.teller_count, sizeof *b.tellers);
        if (count > 6)
            b.batch_max = strtoul(words[6], NULL, 10);
        run_settle(&b, strtoul(words[4], NULL, 10), strtod(words[5], NULL));
        mem_free(b.tellers);
    }
    ledger_close(b.ledger);
    return 0;
}
