// SPDX-License-Identifier: Apache-2.0
/*
 * The back end of one process: buses meet at a hub, and a message goes straight into the inboxes of
 * the others. Under one lock, so that a bus that left the hub hears nothing more.
 *
 * The log is a book of the hub, which is born with its first bus, by whose clock its era is.
 */
#include <assert.h>

#include "base/list.h"
#include "base/mem.h"
#include "bus/book.h"
#include "bus/bus_priv.h"

/* `from` is not heard by `to`. */
struct cut {
    struct list link;
    char *from, *to;
};

struct bus_hub {
    pthread_mutex_t lock; // of all
    struct list buses;    // in the order in which they came, so that the simulation repeats itself
    struct list cuts;
    struct book book; // zeroed before it is born
};

struct local_bus {
    struct bus bus;
    struct bus_hub *hub;
    struct list link;
};

struct bus_hub *bus_hub_new(void)
{
    struct bus_hub *hub = mem_new(struct bus_hub);

    pthread_mutex_init(&hub->lock, NULL);
    list_init(&hub->buses);
    list_init(&hub->cuts);
    return hub;
}

static void cut_free(struct cut *cut)
{
    list_remove(&cut->link);
    mem_free(cut->from);
    mem_free(cut->to);
    mem_free(cut);
}

void bus_hub_free(struct bus_hub *hub)
{
    if (hub == NULL)
        return;
    assert(list_empty(&hub->buses));
    list_each_safe (link, &hub->cuts)
        cut_free(container_of(link, struct cut, link));
    book_done(&hub->book);
    pthread_mutex_destroy(&hub->lock);
    mem_free(hub);
}

static struct cut *find_cut(const struct bus_hub *hub, struct slice from, struct slice to)
{
    list_each (link, &hub->cuts) {
        struct cut *cut = container_of(link, struct cut, link);

        if (slice_equal(slice_text(cut->from), from) && slice_equal(slice_text(cut->to), to))
            return cut;
    }
    return NULL;
}

static struct local_bus *local_of(struct bus *bus)
{
    return container_of(bus, struct local_bus, bus);
}

static bool is_cut_off(const struct bus_hub *hub, struct slice from, struct slice to)
{
    return find_cut(hub, from, to) != NULL;
}

/* Puts the user at a place from which the book can go on. False: it is there. */
static bool skip(const struct book *book, uint64_t era, uint64_t number, struct desk_order *gap)
{
    bool is_other = era != 0 && era != book->era;
    uint64_t next = book_next(book);

    *gap = (struct desk_order){ .era = book->era, .is_gap = true };
    if (is_other || number + 1 < book->first)
        gap->number = book->first;
    else if (number >= next)
        gap->number = next;
    return gap->number != 0;
}

/* Tells a bus what it has not heard, as much as it takes. With the lock held. */
static void catch_up(struct bus_hub *hub, struct bus *bus)
{
    bool is_cut = is_cut_off(hub, BUS_LOG, bus->node), has_room = true;
    uint64_t era, number;

    if (!desk_place(&bus->desk, &era, &number))
        return;
    while (!is_cut && has_room) {
        struct desk_order next;

        if (!skip(&hub->book, era, number, &next)) {
            const struct book_order *order = book_get(&hub->book, number + 1);

            if (order == NULL)
                break;
            next = (struct desk_order){
                .era = hub->book.era, .number = number + 1, .payload = order->payload
            };
        }
        has_room = desk_tell(&bus->desk, &next);
        desk_place(&bus->desk, &era, &number);
    }
    desk_tell_behind(&bus->desk, is_cut || !has_room);
}

static void catch_up_all(struct bus_hub *hub)
{
    list_each (link, &hub->buses)
        catch_up(hub, &container_of(link, struct local_bus, link)->bus);
}

static void add(struct bus_hub *hub, struct bus *bus, const struct desk_question *q)
{
    struct desk_answer answer = { .era = hub->book.era };

    answer.number = book_find(&hub->book, q->id);
    if (answer.number == 0)
        answer.number = book_add(&hub->book, q->id, q->payload);
    if (!is_cut_off(hub, BUS_LOG, bus->node))
        desk_answer(&bus->desk, q->key, &answer);
}

static void attend(struct bus *bus)
{
    struct bus_hub *hub = local_of(bus)->hub;
    struct desk_question q;

    pthread_mutex_lock(&hub->lock);
    if (is_cut_off(hub, bus->node, BUS_LOG))
        desk_refuse(&bus->desk, ERR_UNREACHABLE, "cut from the log of orders");
    while (desk_fetch(&bus->desk, &q)) {
        add(hub, bus, &q);
        mem_free((void *)(uintptr_t)q.payload.at); // the desk's, and ours now
    }
    catch_up_all(hub);
    pthread_mutex_unlock(&hub->lock);
}

void bus_hub_cut(struct bus_hub *hub, struct slice from, struct slice to, bool is_cut)
{
    pthread_mutex_lock(&hub->lock);
    struct cut *cut = find_cut(hub, from, to);

    if (is_cut && cut == NULL) {
        cut = mem_new(struct cut);
        cut->from = mem_text(from.at, from.length);
        cut->to = mem_text(to.at, to.length);
        list_append(&hub->cuts, &cut->link);
    } else if (!is_cut && cut != NULL) {
        cut_free(cut);
    }
    catch_up_all(hub);
    pthread_mutex_unlock(&hub->lock);
}

static void publish(struct bus *bus, struct message *message)
{
    struct bus_hub *hub = local_of(bus)->hub;

    pthread_mutex_lock(&hub->lock);
    list_each (link, &hub->buses) {
        struct bus *other = &container_of(link, struct local_bus, link)->bus;

        if (!slice_equal(other->node, bus->node) && find_cut(hub, bus->node, other->node) == NULL)
            inbox_put(&other->inbox, message_ref(message));
    }
    pthread_mutex_unlock(&hub->lock);
    counter_up(&bus->counts.sent);
    message_unref(message);
}

static void leave(struct bus *bus)
{
    struct local_bus *local = local_of(bus);

    pthread_mutex_lock(&local->hub->lock);
    list_remove(&local->link);
    pthread_mutex_unlock(&local->hub->lock);
    bus_done(bus);
    mem_free(local);
}

static const struct bus_ops LOCAL_OPS = { .publish = publish, .attend = attend, .free = leave };

struct bus *bus_local_open(
    struct bus_hub *hub, struct loop *loop, struct slice node, struct bus_user *user)
{
    struct local_bus *local = mem_new(struct local_bus);

    local->hub = hub;
    bus_init(&local->bus, &LOCAL_OPS, loop, node, user);
    inbox_tell(&local->bus.inbox, true, "");
    pthread_mutex_lock(&hub->lock);
    if (hub->book.era == 0)
        book_init(&hub->book, (uint64_t)loop_wall(loop).ms, 1);
    list_append(&hub->buses, &local->link);
    pthread_mutex_unlock(&hub->lock);
    return &local->bus;
}
