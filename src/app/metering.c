// SPDX-License-Identifier: Apache-2.0
#include "app/metering.h"

#include "app/wall.h"
#include "base/mem.h"
#include "conf/network.h"
#include "meter/answers.h"
#include "steer/pick.h"

struct usage *metering_open(
    const struct network *network, struct slice node, unsigned workers, struct log *log)
{
    char *state = mem_text(network->state.at, network->state.length);
    struct usage *usage = usage_open(&(struct usage_plan){ .shared = "/dev/shm",
        .state = state,
        .node = node,
        .workers = workers,
        .log = log,
        .now = wall_now(),
        .is_journaled = network->accounts_node.length > 0 });

    mem_free(state);
    return usage;
}

static const char REQUESTS_HELP[] = "Requests for a site, by outcome";

/* How a kind is called in /metrics. */
static const struct shown {
    const char *name, *help;
    bool has_outcome;
} SHOWN[USAGE_KIND_COUNT] = {
    [USAGE_HIT] = { "site_requests_total", REQUESTS_HELP, true },
    [USAGE_STALE] = { "site_requests_total", REQUESTS_HELP, true },
    [USAGE_MISS] = { "site_requests_total", REQUESTS_HELP, true },
    [USAGE_REVALIDATED] = { "site_requests_total", REQUESTS_HELP, true },
    [USAGE_COLLAPSED] = { "site_requests_total", REQUESTS_HELP, true },
    [USAGE_PASS] = { "site_requests_total", REQUESTS_HELP, true },
    [USAGE_REFUSED] = { "site_requests_total", REQUESTS_HELP, true },
    [USAGE_ERROR] = { "site_requests_total", REQUESTS_HELP, true },
    [USAGE_REDIRECTED] = { "site_requests_total", REQUESTS_HELP, true },
    [USAGE_SENT_BYTES] = { "site_sent_bytes_total", "Bytes of a site's answers that were sent",
        false },
    [USAGE_FILLED_BYTES] = { "site_filled_bytes_total",
        "Bytes of bodies that came from a site's origins", false },
    [USAGE_DNS_ANSWERS] = { "site_dns_answers_total", "Answers with addresses for a site", false },
    [USAGE_DNS_ADDRESSES] = { "site_dns_addresses_total", "Addresses given out for a site", false },
};

static void show(const struct usage_slot *slot, enum usage_kind kind,
    const struct metrics_label *node, struct metrics *metrics)
{
    const struct metrics_label labels[] = { *node, { SLICE("customer"), slot->customer },
        { SLICE("site"), slot->site }, { SLICE("outcome"), slice_text(usage_kind_text(kind)) } };

    metrics_add_value(metrics, &(struct metrics_value){ .name = SHOWN[kind].name,
                                   .help = SHOWN[kind].help,
                                   .kind = COUNTER_TOTAL,
                                   .labels = labels,
                                   .label_count = COUNT_OF(labels) - !SHOWN[kind].has_outcome,
                                   .value = (double)slot->totals.of[kind] });
}

/* One row for all sites that have none of their own. */
static struct usage_slot sum_of_others(const struct usage *usage, size_t from, size_t slots)
{
    struct usage_slot sum = { .customer = SLICE("*"), .site = SLICE("*") }, slot;

    for (size_t i = from; i < slots; i++) {
        usage_live_slot(usage, i, &slot);
        for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
            sum.totals.of[kind] += slot.totals.of[kind];
    }
    return sum;
}

static void show_given(
    const struct answers_given *given, const struct metrics_label *node, struct metrics *metrics)
{
    for (size_t reason = 0; reason < STEER_REASON_COUNT; reason++) {
        const struct metrics_label labels[] = { *node, { SLICE("customer"), given->customer },
            { SLICE("site"), given->site }, { SLICE("target"), given->target },
            { SLICE("reason"), slice_text(steer_reason_text((enum steer_reason)reason)) } };

        if (given->addresses[reason] > 0)
            metrics_add_value(metrics, &(struct metrics_value){ .name = "addresses_given_total",
                                           .help = "Addresses given out, by target and reason",
                                           .kind = COUNTER_TOTAL,
                                           .labels = labels,
                                           .label_count = COUNT_OF(labels),
                                           .value = (double)given->addresses[reason] });
    }
}

/* Pairs that nobody has asked for yet have no rows: most have none ever. */
static void show_answers(
    const struct answers *answers, const struct metrics_label *node, struct metrics *metrics)
{
    struct answers_given others = { SLICE("*"), SLICE("*"), SLICE("*"), { 0 } }, given;
    size_t count = answers_count(answers);

    for (size_t i = 0; i < count; i++) {
        answers_read(answers, i, &given);
        if (i > 0 && i <= METERING_PAIRS_SHOWN) {
            show_given(&given, node, metrics);
            continue;
        }
        for (size_t reason = 0; reason < ANSWERS_REASONS_MAX; reason++)
            others.addresses[reason] += given.addresses[reason];
    }
    show_given(&others, node, metrics);
    metrics_add_value(metrics, &(struct metrics_value){ .name = "addresses_pairs_homeless_total",
                                   .help = "Targets of sites counted for nobody: no room left",
                                   .kind = COUNTER_TOTAL,
                                   .labels = node,
                                   .label_count = 1,
                                   .value = (double)answers_homeless(answers) });
}

void metering_show(
    const struct usage *usage, const struct metrics_label *node, struct metrics *metrics)
{
    const void *counts = usage_counts(usage);
    struct usage_boot boot;

    usage_live(usage, &boot);
    size_t own = boot.slots < METERING_SITES_SHOWN + 1 ? boot.slots : METERING_SITES_SHOWN + 1;
    const struct usage_slot others = sum_of_others(usage, own, boot.slots);

    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
        for (size_t i = 0; i < own; i++) {
            struct usage_slot slot;

            usage_live_slot(usage, i, &slot);
            show(&slot, (enum usage_kind)kind, node, metrics);
        }
        if (own < boot.slots)
            show(&others, (enum usage_kind)kind, node, metrics);
    }
    show_answers(usage_answers(usage), node, metrics);
    metrics_add_counters(metrics, &(struct metrics_set){ .rows = usage_counter_rows,
                                      .row_count = usage_counter_row_count,
                                      .labels = node,
                                      .label_count = 1,
                                      .instances = &counts,
                                      .instance_count = 1 });
}
