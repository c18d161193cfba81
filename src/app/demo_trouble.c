// SPDX-License-Identifier: Apache-2.0
#include "app/demo_trouble.h"

#include <assert.h>

struct row {
    struct slice path;
    const char *done; // "acme/ams ... until 10:02:11 UTC"
    const char *wish; // "To have acme/ams ..."
};

static const struct row ROWS[DEMO_TROUBLE_COUNT] = {
    [DEMO_STOP] = { { "/demo/stop", 10 }, "refuses connections", "refuse connections" },
    [DEMO_SLOW] = { { "/demo/slow", 10 }, "answers 300 ms later", "answer 300 ms later" },
    [DEMO_FAIL] = { { "/demo/fail", 10 }, "answers 503 to everything", "answer 503 to everything" },
    [DEMO_WELL] = { { "/demo/well", 10 }, "is well", "be well again" },
};

static_assert(DEMO_SLOW_MS == 300, "the rows say so");

enum demo_trouble_kind demo_trouble_find(struct slice path)
{
    for (unsigned i = 0; i < DEMO_TROUBLE_COUNT; i++)
        if (slice_equal(ROWS[i].path, path))
            return i;
    return DEMO_TROUBLE_COUNT;
}

void demo_trouble_begin(
    struct demo_trouble *trouble, enum demo_trouble_kind kind, struct instant now)
{
    assert(kind < DEMO_TROUBLE_COUNT);
    if (kind == DEMO_WELL)
        trouble->until[DEMO_SLOW] = trouble->until[DEMO_FAIL] = now;
    else
        trouble->until[kind] = instant_after(now, span_s(DEMO_TROUBLE_S));
}

bool demo_trouble_has(
    const struct demo_trouble *trouble, enum demo_trouble_kind kind, struct instant now)
{
    return instant_since(now, trouble->until[kind]).ns > 0;
}

void demo_trouble_write_done(struct text *out, const struct demo_server *server,
    enum demo_trouble_kind kind, struct wall now)
{
    const unsigned second = (unsigned)((wall_s(now) + DEMO_TROUBLE_S) % 86400);

    text_say(out, "%s/%s %s", server->customer->name, server->name, ROWS[kind].done);
    if (kind != DEMO_WELL)
        text_say(out, " until %02u:%02u:%02u UTC, then is well again by itself", second / 3600,
            second / 60 % 60, second % 60);
    text_add(out, SLICE(".\n"));
}

void demo_trouble_write_help(
    struct text *out, const struct demo_server *server, uint16_t port, enum demo_trouble_kind kind)
{
    char address[IP_TEXT_MAX];

    for (unsigned i = 0; i < DEMO_TROUBLE_COUNT; i++) {
        if (kind != DEMO_TROUBLE_COUNT && i != kind)
            continue;
        text_say(out, "To have %s/%s %s", server->customer->name, server->name, ROWS[i].wish);
        if (i != DEMO_WELL)
            text_say(out, " for %d s", DEMO_TROUBLE_S);
        text_say(out, ": curl -d '' http://%s:%u%.*s\n", ip_text(&server->address, address), port,
            SLICE_ARG(ROWS[i].path));
    }
}
