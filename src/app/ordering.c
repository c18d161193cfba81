// SPDX-License-Identifier: Apache-2.0
#include "app/ordering.h"

#include <assert.h>

#include "admin/admin.h"
#include "admin/scope.h"
#include "app/hearing.h"
#include "app/orders.h"
#include "app/process.h"
#include "base/hash.h"
#include "base/mem.h"
#include "steer/peers.h"

/* An order under way. */
struct given {
    struct orders_waiter waiter;
    struct ordering *ordering;
    struct admin *admin; // NULL: free for the next one
    uint64_t ticket;
};

struct ordering {
    struct process *process;
    struct given given[ADMIN_ORDERS_WAITING_MAX];
};

/* Whose word it is. */
static struct orders *first_orders(const struct ordering *ordering)
{
    return ordering->process->orders[0];
}

struct ordering *ordering_new(struct process *process)
{
    struct ordering *ordering = mem_new(struct ordering);

    ordering->process = process;
    return ordering;
}

void ordering_free(struct ordering *ordering)
{
    if (ordering == NULL)
        return;
    for (size_t i = 0; i < COUNT_OF(ordering->given); i++)
        if (ordering->given[i].admin != NULL)
            orders_forget(first_orders(ordering), &ordering->given[i].waiter);
    mem_free(ordering);
}

static void on_done(struct orders_waiter *waiter, const struct orders_answer *answer)
{
    struct given *given = container_of(waiter, struct given, waiter);
    struct admin *admin = given->admin;

    given->admin = NULL;
    admin_order_done(admin, given->ticket,
        &(struct admin_order_result){
            .err = answer->err, .era = answer->era, .number = answer->number, .why = answer->why });
}

void ordering_give(
    struct ordering *ordering, struct admin *admin, uint64_t ticket, const struct order *order)
{
    size_t at = 0;

    // As many as the admin has under way at most.
    while (at < COUNT_OF(ordering->given) && ordering->given[at].admin != NULL)
        at++;
    assert(at < COUNT_OF(ordering->given));
    struct given *given = &ordering->given[at];

    *given = (struct given){ { .done = on_done }, ordering, admin, ticket };
    orders_give(first_orders(ordering), order, &given->waiter);
}

/* What the first node heard of another one, or knows of itself and those of its process. */
static void fill_presence(
    const struct process *p, const struct node *node, uint64_t hash, struct admin_receipt *receipt)
{
    struct wall now = loop_wall(process_control(p));
    struct instant at = loop_now(process_control(p));
    struct peer peer;

    for (size_t i = 0; i < p->node_count; i++)
        if (slice_equal(p->nodes[i]->name, node->name)) {
            receipt->is_present = true;
            receipt->heard_at = now;
            return;
        }
    if (!peers_find(hearing_peers(steering_hearing(p->steering[0])), hash, at, &peer) ||
        !peer.is_heard)
        return;
    receipt->is_present = peer.is_present;
    receipt->heard_at.ms = now.ms - instant_since(peer.heard, at).ns / 1000000;
}

static void fill_receipts(const struct ordering *ordering, const struct orders_kept *kept,
    struct arena *arena, struct admin_order *order)
{
    const struct network *network = ordering->process->release->network;
    struct admin_receipt *receipts;
    size_t count = 0, at = 0;

    for (size_t i = 0; i < network->pop_count; i++)
        count += network->pops[i].node_count;
    receipts = arena_array(arena, count, sizeof *receipts);
    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++) {
            const struct node *node = &network->pops[i].nodes[j];
            uint64_t hash = hash_bytes(node->name, 0);
            struct admin_receipt *receipt = &receipts[at++];

            receipt->node = node->name;
            receipt->pop = node->pop->name;
            receipt->applied_at =
                orders_receipt(first_orders(ordering), hash, kept->era, kept->number);
            fill_presence(ordering->process, node, hash, receipt);
        }
    *order = (struct admin_order){ kept->era, kept->number, &kept->order, receipts, count };
}

static bool is_asked(const struct admin_orders_question *question, const struct network *network,
    const struct orders_kept *kept)
{
    return (question->number == 0 || question->number == kept->number) &&
           (question->after == 0 || kept->number < question->after) &&
           (question->scope == NULL ||
               admin_scope_has_order(question->scope, network, &kept->order));
}

void ordering_tell(struct ordering *ordering, struct arena *arena,
    const struct admin_orders_question *question, struct admin_orders *told)
{
    const struct process *p = ordering->process;
    const struct orders *orders = first_orders(ordering);
    struct orders_position position = orders_position(orders);
    struct admin_order *list = arena_array(arena, question->limit, sizeof *list);
    const struct orders_kept *kept;

    told->network = p->release->network;
    told->node = p->nodes[0]->name;
    told->now = loop_wall(process_control(p));
    told->era = position.era;
    told->applied = position.number;
    told->is_behind = orders_is_behind(orders);
    told->is_unwritten = orders_is_unwritten(orders);
    told->orders = list;
    told->drain_count = drains_list(orders_drained(orders), &told->drains);
    for (size_t i = 0; question->limit > 0; i++) {
        kept = orders_newest(orders, i);
        if (kept == NULL)
            break;
        if (!is_asked(question, told->network, kept))
            continue;
        told->has_more = told->order_count == question->limit;
        if (told->has_more)
            break;
        fill_receipts(ordering, kept, arena, &list[told->order_count++]);
    }
}
