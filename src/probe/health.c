// SPDX-License-Identifier: Apache-2.0
#include "probe/health.h"

#include <assert.h>

/* True when that is news. */
static bool decide(struct health *health, enum health_verdict verdict)
{
    bool is_news = health->verdict != verdict;

    health->verdict = verdict;
    return is_news;
}

static bool learn_success(struct health *health, uint16_t rise)
{
    health->misses = 0;
    if (health->successes < rise)
        health->successes++;
    if (health->verdict == HEALTH_DOWN && health->successes < rise)
        return false;
    return decide(health, HEALTH_UP);
}

static bool learn_miss(struct health *health, uint16_t fall)
{
    health->successes = 0;
    if (health->misses < fall)
        health->misses++;
    return health->misses >= fall && decide(health, HEALTH_DOWN);
}

bool health_learn(struct health *health, bool is_ok, uint16_t rise, uint16_t fall)
{
    assert(rise > 0 && fall > 0);
    return is_ok ? learn_success(health, rise) : learn_miss(health, fall);
}

bool health_is_doubtful(const struct health *health)
{
    return health->misses > 0 && health->verdict != HEALTH_DOWN;
}
