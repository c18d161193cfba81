// SPDX-License-Identifier: Apache-2.0
#include "admin/orders.h"

#include <stdio.h>

#include "admin/json.h"
#include "admin/names.h"
#include "admin/status.h"
#include "base/hex.h"
#include "steer/drains.h"

static void put_id(json_t *object, const struct order *order)
{
    char text[2 * ORDER_ID_SIZE];

    json_put_text(object, "id", hex_write(order->id, sizeof order->id, text));
}

/* As in the body that gives such an order; NULL: there is nothing beside the site. */
static const char *subject_key(enum order_kind kind)
{
    switch (kind) {
    case ORDER_PURGE_URL: return "path";
    case ORDER_PURGE_PREFIX: return "prefix";
    case ORDER_PURGE_TAG: return "tag";
    case ORDER_DRAIN_POP:
    case ORDER_UNDRAIN_POP: return "pop";
    case ORDER_DRAIN_NODE:
    case ORDER_UNDRAIN_NODE: return "node";
    case ORDER_DRAIN_ORIGIN:
    case ORDER_UNDRAIN_ORIGIN: return "origin";
    case ORDER_PURGE_SITE:
    case ORDER_KIND_COUNT: break;
    }
    return NULL;
}

json_t *admin_order_json(const struct admin_order *o)
{
    const struct order *order = o->order;
    json_t *object = json_object();
    const char *key = subject_key(order->kind);
    char text[ADMIN_RELEASE_TEXT_MAX];

    json_put_number(object, "number", o->number);
    json_put_text(object, "era", slice_text(admin_release_text(o->era, text)));
    put_id(object, order);
    json_put_text(object, "kind", slice_text(order_kind_text(order->kind)));
    if (order_is_purge(order->kind)) {
        json_put_text(object, "site", order->site);
        json_put_flag(object, "soft", order->is_soft);
    }
    if (key != NULL)
        json_put_text(object, key, order->text);
    json_put_text(object, "by", order->by);
    json_put_time(object, "given_at", order->at);
    return object;
}

static json_t *receipt_json(const struct admin_receipt *receipt, const struct admin_orders *of)
{
    const struct order *order = of->orders[0].order;
    json_t *object = json_object();
    int64_t after_ms = receipt->applied_at.ms - order->at.ms, silent_ms;

    json_put_text(object, "node", receipt->node);
    json_put_text(object, "pop", receipt->pop);
    json_put_flag(object, "present", receipt->is_present);
    json_put_flag(object, "applied", receipt->applied_at.ms != 0);
    if (receipt->applied_at.ms != 0) {
        json_put_time(object, "applied_at", receipt->applied_at);
        // Two clocks may be a little apart: that of who took the order, and that of who tells.
        json_put_number(object, "applied_after_ms", after_ms > 0 ? (uint64_t)after_ms : 0);
    }
    if (receipt->heard_at.ms != 0) {
        silent_ms = of->now.ms - receipt->heard_at.ms;
        json_put_time(object, "heard_at", receipt->heard_at);
        json_put_number(object, "heard_ago_ms", silent_ms > 0 ? (uint64_t)silent_ms : 0);
    }
    return object;
}

/* How many nodes there are, how many have it, and who has not. */
static void put_receipts(json_t *object, const struct admin_order *order)
{
    json_t *missing = json_array();
    size_t applied = 0;

    for (size_t i = 0; i < order->receipt_count; i++) {
        const struct admin_receipt *receipt = &order->receipts[i];

        applied += receipt->applied_at.ms != 0;
        if (receipt->applied_at.ms == 0 && json_array_size(missing) < ORDERS_MISSING_TOLD_MAX)
            json_array_append_new(missing, json_of_text(receipt->node));
    }
    json_put_number(object, "nodes", order->receipt_count);
    json_put_number(object, "applied", applied);
    json_object_set_new(object, "missing", missing);
}

static json_t *head_json(const struct admin_orders *orders)
{
    json_t *object = json_object();
    char text[ADMIN_RELEASE_TEXT_MAX];

    json_put_text(object, "node", orders->node);
    json_put_time(object, "now", orders->now);
    json_put_text(object, "era", slice_text(admin_release_text(orders->era, text)));
    json_put_number(object, "newest", orders->applied);
    json_put_flag(object, "behind", orders->is_behind);
    json_put_flag(object, "unwritten", orders->is_unwritten);
    return object;
}

void admin_orders_write(const struct admin_orders *orders, struct text *out)
{
    json_t *object = head_json(orders), *list = json_array();

    for (size_t i = 0; i < orders->order_count; i++) {
        const struct admin_order *order = &orders->orders[i];
        json_t *one = admin_order_json(order);

        put_receipts(one, order);
        json_array_append_new(list, one);
    }
    json_object_set_new(object, "orders", list);
    if (orders->has_more && orders->order_count > 0)
        json_put_number(object, "after", orders->orders[orders->order_count - 1].number);
    json_write(object, out);
}

void admin_order_write(const struct admin_orders *orders, struct text *out)
{
    const struct admin_order *order = &orders->orders[0];
    json_t *object = head_json(orders), *list = json_array();
    json_t *one = admin_order_json(order);

    put_receipts(one, order);
    json_object_set_new(object, "order", one);
    for (size_t i = 0; i < order->receipt_count; i++)
        json_array_append_new(list, receipt_json(&order->receipts[i], orders));
    json_object_set_new(object, "receipts", list);
    json_write(object, out);
}

static bool is_known(const struct drain *drain, const struct network *network)
{
    if (drain->kind == DRAIN_POP)
        return network_pop(network, drain->name) != NULL;
    if (drain->kind == DRAIN_NODE)
        return network_node(network, drain->name) != NULL;
    return admin_origin_find(network, drain->name) != NULL;
}

json_t *admin_drains_json(const struct drain *drains, size_t count, const struct network *network)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();

        json_put_text(object, "what", slice_text(drain_kind_text(drains[i].kind)));
        json_put_text(object, "name", drains[i].name);
        json_put_time(object, "since", drains[i].since);
        json_put_text(object, "by", drains[i].by);
        json_put_number(object, "order", drains[i].number);
        // What a release takes away may come back with another, and is drained then too.
        json_put_flag(object, "in_release", is_known(&drains[i], network));
        json_array_append_new(list, object);
    }
    return list;
}
