// SPDX-License-Identifier: Apache-2.0
#include "wire/heartbeat.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

enum { VERSION = 1, MARK_SIZE = 4 };

static const char MARK[MARK_SIZE] = { 'w', 'p', 'h', VERSION };

struct slice heartbeat_write(const struct heartbeat *heartbeat, char out[HEARTBEAT_SIZE])
{
    assert(heartbeat->at.ms >= 0 && heartbeat->epoch.ms >= 0);
    char *to = out + MARK_SIZE;

    memcpy(out, MARK, MARK_SIZE);
    to = number_put(to, heartbeat->observer, 8);
    to = number_put(to, heartbeat->boot, 8);
    to = number_put(to, heartbeat->sequence, 8);
    to = number_put(to, (uint64_t)heartbeat->at.ms, 8);
    to = number_put(to, heartbeat->flags, 1);
    to = number_put(to, heartbeat->release, 8);
    to = number_put(to, (uint64_t)heartbeat->epoch.ms, 8);
    to = number_put(to, heartbeat->map, 8);
    to = number_put(to, heartbeat->era, 8);
    to = number_put(to, heartbeat->order, 8);
    to = number_put(to, heartbeat->drains, 8);
    assert(to == out + HEARTBEAT_SIZE);
    return slice_of(out, HEARTBEAT_SIZE);
}

/* False: the sign is set. */
static bool get_wall(const char **in, struct wall *wall)
{
    uint64_t ms = number_get(in, 8);

    wall->ms = (int64_t)(ms & INT64_MAX);
    return ms <= INT64_MAX;
}

bool heartbeat_parse(struct slice bytes, struct heartbeat *heartbeat)
{
    if (bytes.length != HEARTBEAT_SIZE || memcmp(bytes.at, MARK, MARK_SIZE) != 0)
        return false;
    const char *in = bytes.at + MARK_SIZE;
    struct heartbeat read = { 0 };

    read.observer = number_get(&in, 8);
    read.boot = number_get(&in, 8);
    read.sequence = number_get(&in, 8);
    if (!get_wall(&in, &read.at))
        return false;
    read.flags = (uint8_t)number_get(&in, 1);
    read.release = number_get(&in, 8);
    if (!get_wall(&in, &read.epoch))
        return false;
    read.map = number_get(&in, 8);
    read.era = number_get(&in, 8);
    read.order = number_get(&in, 8);
    read.drains = number_get(&in, 8);
    *heartbeat = read;
    return true;
}

bool heartbeat_says_same(const struct heartbeat *a, const struct heartbeat *b)
{
    return a->flags == b->flags && a->release == b->release && a->epoch.ms == b->epoch.ms &&
           a->map == b->map && a->era == b->era && a->order == b->order && a->drains == b->drains;
}
