// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "admin/json.h"
#include "admin/table_priv.h"

enum { SHORT_HASH = 8 };

/* Nothing is to be said of it but that it is there. */
static bool is_well(const json_t *peer, const char *release)
{
    bool is_there = table_text_is(peer, "state", "self") || table_text_is(peer, "state", "present");
    bool is_same =
        json_get_text(peer, "release").length == 0 || table_text_is(peer, "release", release);

    return is_there && is_same && !json_get_flag(peer, "leaving") &&
           !json_get_flag(peer, "suspect") && !json_get_flag(peer, "blind");
}

static void put_heard(struct table *t, const json_t *peer)
{
    uint64_t age_ms = json_get_number(peer, "heard_ms");
    char text[TABLE_AMOUNT_MAX];

    if (json_object_get(peer, "heard_ms") == NULL)
        table_cell(t, "%s", table_text_is(peer, "state", "self") ? "self" : "never");
    else if (age_ms < 1000)
        table_cell(t, "%" PRIu64 " ms ago", age_ms);
    else
        table_cell(t, "%s ago", table_duration(age_ms / 1000, text));
}

/* "present, suspect" */
static void put_state(struct table *t, const json_t *peer)
{
    table_cell(t, "%s%s%s%s", table_text_of(peer, "state"),
        json_get_flag(peer, "leaving") && !table_text_is(peer, "state", "left") ? ", leaving" : "",
        json_get_flag(peer, "suspect") ? ", suspect" : "",
        json_get_flag(peer, "blind") ? ", blind" : "");
}

static void put_orders(struct table *t, const json_t *peer, const char *era)
{
    const json_t *orders = json_object_get(peer, "orders");

    if (json_get_text(orders, "era").length == 0)
        table_cell(t, "-");
    else
        table_cell(t, "%" PRIu64 "%s", json_get_number(orders, "applied"),
            table_text_is(orders, "era", era) ? "" : " of another log");
}

/* The log that this process follows: of the first that runs here. */
static const char *own_era(const json_t *peers)
{
    size_t i;
    const json_t *peer;

    json_array_foreach (peers, i, peer) {
        const json_t *orders = json_object_get(peer, "orders");

        if (table_text_is(peer, "state", "self") && json_is_object(orders))
            return table_text_of(orders, "era");
    }
    return "-";
}

static void put_peer(struct table *t, const json_t *peer, const char *release, const char *era)
{
    const json_t *map = json_object_get(peer, "map");

    table_cell(t, "%s", table_text_of(peer, "name"));
    table_cell(t, "%s", table_text_of(peer, "pop"));
    put_heard(t, peer);
    put_state(t, peer);
    table_cell(t, "%.*s", SHORT_HASH, table_text_of(map, "hash"));
    if (table_text_is(peer, "release", release))
        table_cell(t, "same");
    else
        table_cell(t, "%.*s", SHORT_HASH, table_text_of(peer, "release"));
    put_orders(t, peer, era);
}

/* As many as may be shown, those that are well or those that are not; returns how many were not. */
static size_t put_some(struct table *t, const json_t *status, bool well, size_t room)
{
    const json_t *peers = json_object_get(status, "peers"), *peer;
    const char *release = table_text_of(json_object_get(status, "release"), "hash");
    const char *era = own_era(peers);
    size_t more = 0, i;

    json_array_foreach (peers, i, peer) {
        if (is_well(peer, release) != well)
            continue;
        if (room == 0) {
            more++;
            continue;
        }
        room--;
        put_peer(t, peer, release, era);
    }
    return more;
}

void table_peers(const json_t *status, struct text *out)
{
    static const struct table_column COLUMNS[] = { { "PEER", false }, { "POP", false },
        { "HEARD", true }, { "STATE", false }, { "MAP", false }, { "RELEASE", false },
        { "ORDERS", true } };
    char amount[TABLE_AMOUNT_MAX];
    struct table t;

    if (json_array_size(json_object_get(status, "peers")) < 2)
        return; // whoever is alone has nobody to hear
    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    size_t ill_left = put_some(&t, status, false, TABLE_PEERS_SHOWN);
    size_t shown = t.cell_count / COUNT_OF(COLUMNS);
    size_t well_left = put_some(&t, status, true, TABLE_PEERS_SHOWN - shown);

    text_add(out, SLICE("\n"));
    table_write(&t, out);
    if (ill_left + well_left > 0)
        text_say(out, "... and %s more%s", table_count(ill_left + well_left, amount),
            ill_left == 0 ? ", all present" : "");
    if (ill_left > 0)
        text_say(out, ", %s of them not well", table_count(ill_left, amount));
    if (ill_left + well_left > 0)
        text_say(out, "\n");
    table_done(&t);
}
