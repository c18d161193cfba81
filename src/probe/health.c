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
    health->halves = 0;
    if (health->successes < rise)
        health->successes++;
    if (health->verdict == HEALTH_DOWN && health->successes < rise)
        return false;
    return decide(health, HEALTH_UP);
}

static bool learn_miss(struct health *health, uint32_t halves, uint16_t fall)
{
    health->successes = 0;
    if (health_patience(health, fall) > 0)
        health->halves += halves;
    return health_patience(health, fall) == 0 && decide(health, HEALTH_DOWN);
}

bool health_learn(struct health *health, enum health_news news, uint16_t rise, uint16_t fall)
{
    assert(rise > 0 && fall > 0);
    if (news == HEALTH_SUCCESS)
        return learn_success(health, rise);
    return learn_miss(health, news == HEALTH_SILENCE ? 1 : 2, fall);
}

uint32_t health_patience(const struct health *health, uint16_t fall)
{
    uint32_t limit = 2 * (uint32_t)fall;

    return health->halves < limit ? limit - health->halves : 0;
}

bool health_is_doubtful(const struct health *health)
{
    return health->halves > 0 && health->verdict != HEALTH_DOWN;
}
