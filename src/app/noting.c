// SPDX-License-Identifier: Apache-2.0
#include "app/noting.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "admin/changes.h"
#include "admin/status.h"
#include "app/certificates.h"
#include "base/attr.h"
#include "conf/checks.h"
#include "conf/network.h"
#include "steer/peers.h"
#include "steer/votes.h"
#include "wire/order.h"

/* Room for a text that is being put together. */
struct said {
    char text[CHANGES_TEXT_MAX + 1];
};

PRINTS(2, 3) static struct slice say(struct said *said, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int length = vsnprintf(said->text, sizeof said->text, fmt, args);

    va_end(args);
    if (length < 0)
        length = 0;
    return slice_of(
        said->text, (size_t)length < sizeof said->text ? (size_t)length : sizeof said->text - 1);
}

void note_target(struct changes *changes, struct wall now, const struct check *check,
    const struct votes_tally *tally)
{
    char name[CHECK_NAME_MAX];
    struct said said;
    struct slice text = tally->is_down ? SLICE("went down") : SLICE("came up");

    if (tally->by == VOTES_BY_GROUPS)
        text = say(&said, "%s: of %u places that look, %u say it is down", text.at, tally->groups,
            tally->down);
    changes_add(changes,
        &(struct change){ .at = now,
            .kind = CHANGE_TARGET,
            .what = slice_text(check_name(check, name)),
            .text = text,
            .customer = check->origin == NULL ? SLICE_NONE : check->origin->customer->name });
}

void note_peer(struct changes *changes, struct wall now, const struct peer *peer)
{
    bool has_left = peer->heartbeat != NULL && (peer->heartbeat->flags & HEARTBEAT_LEAVING) != 0;
    struct said what;

    changes_add(changes,
        &(struct change){ .at = now,
            .kind = CHANGE_NODE,
            .what = say(&what, "node %.*s", SLICE_ARG(peer->name)),
            .text = peer->is_present ? SLICE("is here")
                    : has_left       ? SLICE("has left, as it said")
                                     : SLICE("is missing: its heartbeats are no longer heard") });
}

/* The customer of "CUSTOMER/ORIGIN". */
static struct slice customer_of(const struct order *order)
{
    bool is_origin = order->kind == ORDER_DRAIN_ORIGIN || order->kind == ORDER_UNDRAIN_ORIGIN;

    return is_origin ? slice_head(order->text, slice_find(order->text, '/')) : SLICE_NONE;
}

void note_order(struct changes *changes, struct wall now, const struct order *order,
    uint64_t number, bool is_applied)
{
    struct said what, text;
    const char *soft = order->is_soft ? ", softly" : "";

    if (changes == NULL)
        return;
    struct slice kind = slice_text(order_kind_text(order->kind));

    changes_add(changes,
        &(struct change){ .at = now,
            .kind = CHANGE_ORDER,
            .what = order_is_purge(order->kind)
                        ? kind
                        : say(&what, "%.*s %.*s", SLICE_ARG(kind), SLICE_ARG(order->text)),
            .text = order_is_purge(order->kind)
                        ? say(&text, "order %" PRIu64 "%s: %.*s %.*s", number, soft,
                              SLICE_ARG(order->site), SLICE_ARG(order->text))
                    : is_applied
                        ? say(&text, "order %" PRIu64, number)
                        : say(&text, "order %" PRIu64 " had no room among the drains", number),
            .by = order->by,
            .customer = customer_of(order),
            .site = order->site });
}

void note_gap(struct changes *changes, struct wall now, uint64_t number)
{
    struct said text;

    changes_add(changes, &(struct change){ .at = now,
                             .kind = CHANGE_ORDER,
                             .what = SLICE("orders lost"),
                             .text = say(&text,
                                 "those before %" PRIu64 " are no longer in the log; all that is "
                                 "stored is asked for anew",
                                 number) });
}

static void note(struct changes *changes, struct wall now, enum change_kind kind, struct slice what,
    struct slice text)
{
    changes_add(changes, &(struct change){ .at = now, .kind = kind, .what = what, .text = text });
}

void note_release(struct changes *changes, struct wall now, const struct network *network)
{
    char hash[ADMIN_RELEASE_TEXT_MAX];
    struct said what, text;

    note(changes, now, CHANGE_RELEASE,
        say(&what, "release %s", admin_release_text(network->hash, hash)),
        say(&text, "is in use: %zu site%s", network->site_count,
            network->site_count == 1 ? "" : "s"));
}

void note_refusal(struct changes *changes, struct wall now, size_t errors, const char *first)
{
    struct said text;

    note(changes, now, CHANGE_RELEASE, SLICE("release refused"),
        say(&text, "%zu error%s in the configuration: %s", errors, errors == 1 ? "" : "s", first));
}

/* The same certificate, with the same to be said of it. */
static bool has_same(const struct admin_certificate_status *list, size_t count,
    const struct admin_certificate_status *wanted)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(list[i].name, wanted->name) && list[i].till.ms == wanted->till.ms &&
            list[i].from.ms == wanted->from.ms && slice_equal(list[i].note, wanted->note))
            return true;
    return false;
}

void note_certificates(struct changes *changes, struct wall now, const struct certificates *before,
    const struct certificates *now_used)
{
    const struct admin_certificate_status *list, *old = NULL;
    struct arena arena;
    size_t old_count = 0;

    if (changes == NULL)
        return;
    arena_init(&arena, SIZE_MAX); // bounded by the release
    size_t count = certificates_tell(now_used, now, &arena, &list);

    if (before != NULL && before != now_used)
        old_count = certificates_tell(before, now, &arena, &old);
    for (size_t i = 0; i < count; i++) {
        const struct admin_certificate_status *c = &list[i];
        struct said what, text;
        bool is_new = before != NULL && before != now_used && !has_same(old, old_count, c);

        if (!is_new && (c->note.length == 0 || has_same(old, old_count, c)))
            continue;
        changes_add(changes,
            &(struct change){ .at = now,
                .kind = CHANGE_CERTIFICATE,
                .what = say(&what, "certificate %.*s", SLICE_ARG(c->name)),
                .text = c->note.length > 0
                            ? c->note
                            : say(&text, "is in use: %" PRId64 " days left", c->days_left),
                .site = network_site(now_used->network, c->name) != NULL ? c->name : SLICE_NONE });
    }
    arena_done(&arena);
}
