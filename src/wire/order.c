// SPDX-License-Identifier: Apache-2.0
#include "wire/order.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

enum { VERSION = 1, MARK_SIZE = 4, FLAG_SOFT = 1 };

static const char MARK[MARK_SIZE] = { 'w', 'p', 'o', VERSION };

static_assert(MARK_SIZE + 1 + 1 + ORDER_ID_SIZE + 8 + 1 + 1 + 2 == ORDER_HEADER_SIZE,
    "the fields are the header");
static_assert(ORDER_BY_MAX <= UINT8_MAX && ORDER_SITE_MAX <= UINT8_MAX, "a byte tells the length");

/* Printed in logs and tables, and part of what a purge is compared by. */
static bool is_plain(struct slice text, size_t most)
{
    return text.length <= most && !slice_has_control(text);
}

/* "CUSTOMER/ORIGIN" */
static bool is_pair(struct slice text)
{
    size_t slash = slice_find(text, '/');

    return slash > 0 && slash + 1 < text.length;
}

static bool is_text_of(enum order_kind kind, struct slice text)
{
    switch (kind) {
    case ORDER_PURGE_URL:
    case ORDER_PURGE_PREFIX: return text.length > 0 && text.at[0] == '/';
    case ORDER_PURGE_SITE: return text.length == 0;
    case ORDER_DRAIN_ORIGIN:
    case ORDER_UNDRAIN_ORIGIN: return is_pair(text);
    case ORDER_PURGE_TAG:
    case ORDER_DRAIN_POP:
    case ORDER_DRAIN_NODE:
    case ORDER_UNDRAIN_POP:
    case ORDER_UNDRAIN_NODE: return text.length > 0;
    case ORDER_KIND_COUNT: break;
    }
    return false;
}

bool order_is_sane(const struct order *order)
{
    bool is_purge = order_is_purge(order->kind);

    return is_text_of(order->kind, order->text) && (order->site.length > 0) == is_purge &&
           (is_purge || !order->is_soft) && order->at.ms >= 0 &&
           is_plain(order->by, ORDER_BY_MAX) && is_plain(order->site, ORDER_SITE_MAX) &&
           is_plain(order->text, ORDER_TEXT_MAX);
}

struct slice order_write(const struct order *order, char *room)
{
    assert(order_is_sane(order));
    char *out = bytes_put(room, MARK, MARK_SIZE);

    out = number_put(out, (uint64_t)order->kind, 1);
    out = number_put(out, order->is_soft ? FLAG_SOFT : 0, 1);
    out = bytes_put(out, order->id, ORDER_ID_SIZE);
    out = number_put(out, (uint64_t)order->at.ms, 8);
    out = number_put(out, order->by.length, 1);
    out = number_put(out, order->site.length, 1);
    out = number_put(out, order->text.length, 2);
    out = bytes_put(out, order->by.at, order->by.length);
    out = bytes_put(out, order->site.at, order->site.length);
    out = bytes_put(out, order->text.at, order->text.length);
    return slice_of(room, (size_t)(out - room));
}

bool order_parse(struct slice bytes, struct order *order)
{
    if (bytes.length < ORDER_HEADER_SIZE || memcmp(bytes.at, MARK, MARK_SIZE) != 0)
        return false;
    const char *in = bytes.at + MARK_SIZE;
    uint64_t kind = number_get(&in, 1), flags = number_get(&in, 1);
    struct order read = { .is_soft = flags == FLAG_SOFT };

    memcpy(read.id, in, ORDER_ID_SIZE);
    in += ORDER_ID_SIZE;
    uint64_t at_ms = number_get(&in, 8);
    size_t by = (size_t)number_get(&in, 1), site = (size_t)number_get(&in, 1),
           text = (size_t)number_get(&in, 2);

    if (kind >= ORDER_KIND_COUNT || flags > FLAG_SOFT || at_ms > INT64_MAX ||
        bytes.length != ORDER_HEADER_SIZE + by + site + text)
        return false;
    read.kind = (enum order_kind)kind;
    read.at.ms = (int64_t)at_ms;
    read.by = bytes_get(&in, by);
    read.site = bytes_get(&in, site);
    read.text = bytes_get(&in, text);
    if (!order_is_sane(&read))
        return false;
    *order = read;
    return true;
}

const char *order_kind_text(enum order_kind kind)
{
    switch (kind) {
    case ORDER_PURGE_URL: return "purge url";
    case ORDER_PURGE_PREFIX: return "purge prefix";
    case ORDER_PURGE_TAG: return "purge tag";
    case ORDER_PURGE_SITE: return "purge site";
    case ORDER_DRAIN_POP: return "drain pop";
    case ORDER_DRAIN_NODE: return "drain node";
    case ORDER_DRAIN_ORIGIN: return "drain origin";
    case ORDER_UNDRAIN_POP: return "undrain pop";
    case ORDER_UNDRAIN_NODE: return "undrain node";
    case ORDER_UNDRAIN_ORIGIN: return "undrain origin";
    case ORDER_KIND_COUNT: break;
    }
    return "unknown";
}
