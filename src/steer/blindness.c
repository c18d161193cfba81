// SPDX-License-Identifier: Apache-2.0
#include "steer/blindness.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "steer/watch.h"

struct sight {
    uint64_t id;
    bool is_watched; // else none of it counts
    bool is_up;
    bool is_fallen;      // down, and was up before
    bool is_lost;        // was up when we went blind, or had just fallen
    struct instant fell; // where it is fallen
};

struct blindness {
    struct sight *sights; // by position of the check, and so by its id
    size_t count;
    bool is_blind;
};

struct blindness *blindness_new(void)
{
    return mem_new(struct blindness);
}

void blindness_free(struct blindness *blindness)
{
    if (blindness == NULL)
        return;
    mem_free(blindness->sights);
    mem_free(blindness);
}

static bool fell_lately(const struct sight *s, struct instant now)
{
    return s->is_watched && s->is_fallen && instant_since(s->fell, now).ns <= BLINDNESS_WINDOW.ns;
}

static void look_for_loss(struct blindness *b, struct instant now)
{
    size_t up = 0, fallen = 0;

    for (size_t i = 0; i < b->count; i++) {
        up += b->sights[i].is_watched && b->sights[i].is_up;
        fallen += fell_lately(&b->sights[i], now);
    }
    if (up + fallen < BLINDNESS_CHECKS_LEAST || fallen <= up)
        return;
    b->is_blind = true;
    for (size_t i = 0; i < b->count; i++) {
        struct sight *s = &b->sights[i];

        s->is_lost = (s->is_watched && s->is_up) || fell_lately(s, now);
    }
}

/* Also where all of them have left the release, or are watched by others. */
static void look_for_return(struct blindness *b)
{
    size_t lost = 0, up = 0;

    for (size_t i = 0; i < b->count; i++) {
        bool is_lost = b->sights[i].is_watched && b->sights[i].is_lost;

        lost += is_lost;
        up += is_lost && b->sights[i].is_up;
    }
    b->is_blind = lost > 0 && up <= lost / 2;
}

static int sights_order(const void *a, const void *b)
{
    const struct sight *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

void blindness_use(struct blindness *blindness, const struct checks *checks,
    const struct watch_table *watch, uint64_t self)
{
    struct sight *before = blindness->sights;
    size_t before_count = blindness->count;

    blindness->sights = mem_array(checks->count + 1, sizeof *before);
    blindness->count = checks->count;
    for (uint32_t i = 0; i < checks->count; i++) {
        struct sight *to = &blindness->sights[i];

        to->id = checks->list[i].id;
        const struct sight *from =
            before_count == 0 ? NULL : bsearch(to, before, before_count, sizeof *to, sights_order);

        if (from != NULL)
            *to = *from;
        to->is_watched = watch == NULL || watch_has(watch, i, self);
    }
    mem_free(before);
    if (blindness->is_blind)
        look_for_return(blindness);
}

void blindness_learn(struct blindness *blindness, uint32_t check, bool is_up, struct instant now)
{
    assert(check < blindness->count);
    struct sight *s = &blindness->sights[check];
    bool has_fallen = s->is_up && !is_up;

    s->is_up = is_up;
    if (is_up)
        s->is_fallen = false;
    if (has_fallen) {
        s->is_fallen = true;
        s->fell = now;
    }
    if (has_fallen && !blindness->is_blind)
        look_for_loss(blindness, now);
    else if (is_up && blindness->is_blind)
        look_for_return(blindness);
}

bool blindness_is_blind(const struct blindness *blindness)
{
    return blindness->is_blind;
}
