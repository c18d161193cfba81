// SPDX-License-Identifier: Apache-2.0
#include "admin/scope.h"

#include <string.h>

#include "steer/drains.h"

const struct network *admin_scope_network(
    const struct admin_scope *scope, const struct network *network, struct arena *arena)
{
    if (scope->is_operator)
        return network;
    const struct customer *own = network_customer(network, scope->customer);
    size_t most = own == NULL ? 0 : own->site_count, count = 0;
    const struct site **sites = arena_array(arena, most, sizeof sites[0]);
    struct network *narrow = arena_new(arena, struct network);

    for (size_t i = 0; i < network->site_count && count < most; i++)
        if (network->sites[i]->customer == own)
            sites[count++] = network->sites[i];
    *narrow = *network;
    narrow->customers = own;
    narrow->customer_count = own != NULL;
    narrow->sites = sites;
    narrow->site_count = count;
    return narrow;
}

/* "CUSTOMER/NAME" of theirs, as origins, and tokens that gave orders, are told by. */
static bool is_own_name(const struct admin_scope *scope, struct slice name)
{
    return name.length > scope->customer.length && name.at[scope->customer.length] == '/' &&
           slice_starts(name, scope->customer);
}

bool admin_scope_has_order(
    const struct admin_scope *scope, const struct network *network, const struct order *order)
{
    if (scope->is_operator)
        return true;
    if (order_is_purge(order->kind)) {
        const struct site *site = network_site(network, order->site);

        return site != NULL && slice_equal(site->customer->name, scope->customer);
    }
    return (order->kind == ORDER_DRAIN_ORIGIN || order->kind == ORDER_UNDRAIN_ORIGIN) &&
           is_own_name(scope, order->text);
}

struct slice admin_scope_who(const struct admin_scope *scope, struct slice by)
{
    return scope->is_operator || is_own_name(scope, by) ? by : SLICE("operator");
}

static void narrow_drains(const struct admin_scope *scope, struct arena *arena,
    const struct drain **drains, size_t *count)
{
    struct drain *own = arena_array(arena, *count, sizeof *own);
    size_t own_count = 0;

    for (size_t i = 0; i < *count; i++)
        if ((*drains)[i].kind == DRAIN_ORIGIN && is_own_name(scope, (*drains)[i].name)) {
            own[own_count] = (*drains)[i];
            own[own_count].by = admin_scope_who(scope, own[own_count].by);
            own_count++;
        }
    *drains = own;
    *count = own_count;
}

/* The certificate of a site of theirs; where its file lies is not. */
static void narrow_certificates(struct arena *arena, struct admin_status *status)
{
    struct admin_certificate_status *own =
        arena_array(arena, status->certificate_count, sizeof *own);
    size_t count = 0;

    for (size_t i = 0; i < status->certificate_count; i++)
        if (network_site(status->network, status->certificates[i].name) != NULL) {
            own[count] = status->certificates[i];
            own[count++].file = SLICE_NONE;
        }
    status->certificates = own;
    status->certificate_count = count;
}

static void narrow_bare_sites(struct arena *arena, struct admin_status *status)
{
    struct slice *own = arena_array(arena, status->bare_count, sizeof *own);
    size_t count = 0;

    for (size_t i = 0; i < status->bare_count; i++)
        if (network_site(status->network, status->bare_sites[i]) != NULL)
            own[count++] = status->bare_sites[i];
    status->bare_sites = own;
    status->bare_count = count;
}

static void narrow_origins(
    const struct admin_scope *scope, struct arena *arena, struct admin_status *status)
{
    struct admin_origin_status *own = arena_array(arena, status->origin_count, sizeof *own);
    size_t count = 0;

    for (size_t i = 0; i < status->origin_count; i++)
        if (slice_equal(status->origins[i].origin->customer->name, scope->customer))
            own[count++] = status->origins[i];
    status->origins = own;
    status->origin_count = count;
}

static void narrow_checks(
    const struct admin_scope *scope, struct arena *arena, struct admin_status *status)
{
    struct admin_check_status *own = arena_array(arena, status->check_count, sizeof *own);
    size_t count = 0;

    for (size_t i = 0; i < status->check_count; i++) {
        const struct origin *origin = status->checks[i].check->origin;

        if (origin != NULL && slice_equal(origin->customer->name, scope->customer))
            own[count++] = status->checks[i];
    }
    status->checks = own;
    status->check_count = count;
}

void admin_scope_status(
    const struct admin_scope *scope, struct arena *arena, struct admin_status *status)
{
    if (scope->is_operator)
        return;
    status->customer = scope->customer;
    status->network = admin_scope_network(scope, status->network, arena);
    status->node_count = 0; // their totals are of all customers
    status->peer_count = 0;
    narrow_origins(scope, arena, status);
    narrow_certificates(arena, status);
    narrow_bare_sites(arena, status);
    narrow_checks(scope, arena, status);
    narrow_drains(scope, arena, &status->drains, &status->drain_count);
}

void admin_scope_orders(
    const struct admin_scope *scope, struct arena *arena, struct admin_orders *orders)
{
    if (scope->is_operator)
        return;
    struct admin_order *own = arena_array(arena, orders->order_count, sizeof *own);
    struct order *copies = arena_array(arena, orders->order_count, sizeof *copies);

    for (size_t i = 0; i < orders->order_count; i++) {
        copies[i] = *orders->orders[i].order;
        copies[i].by = admin_scope_who(scope, copies[i].by);
        own[i] = orders->orders[i];
        own[i].order = &copies[i];
    }
    orders->orders = own;
    orders->network = admin_scope_network(scope, orders->network, arena);
    narrow_drains(scope, arena, &orders->drains, &orders->drain_count);
}
