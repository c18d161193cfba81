// SPDX-License-Identifier: Apache-2.0
#include "wire/report.h"

#include <assert.h>

#include "base/attr.h"

#define MILLION  INT64_C(1000000)
#define TRILLION INT64_C(1000000000000)

/*
 * A minute is past every timeout. Shares of what is finite end at all of it; CPU and load may pass
 * that, as a queue does, but a thousand times all of it is no measurement.
 */
static const struct {
    const char *text;
    int64_t most;
} KINDS[] = {
    [REPORT_LATENCY] = { "latency", 60 * MILLION },
    [REPORT_RESPONSE] = { "response", 60 * MILLION },
    [REPORT_EXCESS] = { "excess", 60 * MILLION },
    [REPORT_ERRORS] = { "errors", MILLION },
    [REPORT_CPU] = { "cpu", 1000 * MILLION },
    [REPORT_MEMORY] = { "memory", MILLION },
    [REPORT_LOAD] = { "load", 1000 * MILLION },
    [REPORT_RATE] = { "rate", TRILLION },
    [REPORT_IN_FLIGHT] = { "in_flight", TRILLION },
    [REPORT_HEALTH] = { "health", 1 },
};

static_assert(COUNT_OF(KINDS) == REPORT_KIND_COUNT, "each kind has a row");

int64_t report_most(enum report_kind kind)
{
    assert((unsigned)kind < REPORT_KIND_COUNT);
    return KINDS[kind].most;
}

bool report_is_sane(const struct report *report)
{
    if ((unsigned)report->kind >= REPORT_KIND_COUNT)
        return false;
    int64_t most = KINDS[report->kind].most;

    return report->value >= 0 && report->value <= most && report->spread >= 0 &&
           report->spread <= most && report->evidence > 0 &&
           report->evidence <= REPORT_EVIDENCE_MOST && report->at.ms >= 0;
}

const char *report_kind_text(enum report_kind kind)
{
    assert((unsigned)kind < REPORT_KIND_COUNT);
    return KINDS[kind].text;
}
