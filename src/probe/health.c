// SPDX-License-Identifier: Apache-2.0
#include "probe/health.h"

#include <assert.h>

static bool learn_success(struct health *health, uint16_t rise, struct instant now)
{
    bool was_down = health->verdict == HEALTH_DOWN, was_up = health->verdict == HEALTH_UP;

    health->halves = 0;
    if (health->successes < health_rise(health, rise))
        health->successes++;
    if (was_up || (was_down && health->successes < health_rise(health, rise)))
        return false;
    health->verdict = HEALTH_UP;
    health->has_risen |= was_down;
    health->rose = now;
    return true;
}

static void note_relapse(struct health *health, struct instant now)
{
    bool is_relapse = health->has_risen && instant_since(health->rose, now).ns < HEALTH_RELAPSE.ns;

    if (!is_relapse)
        health->relapses = 0;
    else if (1 << health->relapses < HEALTH_RELAPSE_MOST)
        health->relapses++;
}

static bool learn_miss(struct health *health, uint32_t halves, uint16_t fall, struct instant now)
{
    health->successes = 0;
    if (health_patience(health, fall) > 0)
        health->halves += halves;
    if (health->verdict == HEALTH_DOWN || health_patience(health, fall) > 0)
        return false;
    note_relapse(health, now);
    health->verdict = HEALTH_DOWN;
    return true;
}

bool health_learn(
    struct health *health, enum health_news news, struct health_limits limits, struct instant now)
{
    assert(limits.rise > 0 && limits.fall > 0);
    if (news == HEALTH_SUCCESS)
        return learn_success(health, limits.rise, now);
    return learn_miss(health, news == HEALTH_SILENCE ? 1 : 2, limits.fall, now);
}

uint32_t health_rise(const struct health *health, uint16_t rise)
{
    return (uint32_t)rise << health->relapses;
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
