// SPDX-License-Identifier: Apache-2.0
/*
 * The log of one process: a book of the hub, in memory or kept in a file. In memory an order is in
 * it when it was given. With a file it waits, and goes with all that wait into the next batch that
 * the keeper writes; only when that is on disk is it in the book, answered and told.
 */
#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "bus/local_priv.h"

/* Between the desk and the book. */
struct given {
    struct list link;
    struct bus *bus; // NULL: it left
    uint64_t key;
    struct book_order order; // its payload is ours
};

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
    bool is_cut = hub_is_cut(hub, BUS_LOG, bus->node), has_room = true;
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

void hub_log_tell(struct bus_hub *hub)
{
    list_each (link, &hub->buses)
        catch_up(hub, &container_of(link, struct local_bus, link)->bus);
}

static void given_free(struct given *given)
{
    mem_free((void *)(uintptr_t)given->order.payload.at); // the desk's, and ours
    mem_free(given);
}

static struct given *given_of(struct list *link)
{
    return container_of(link, struct given, link);
}

static void list_free(struct list *list)
{
    for (struct list *link; (link = list_pop(list)) != NULL;)
        given_free(given_of(link));
}

static void settle(struct bus_hub *hub, struct given *given, const struct desk_answer *answer)
{
    if (given->bus != NULL && !hub_is_cut(hub, BUS_LOG, given->bus->node))
        desk_answer(&given->bus->desk, given->key, answer);
    given_free(given);
}

static struct desk_answer taken(const struct bus_hub *hub, uint64_t number)
{
    return (struct desk_answer){ .era = hub->book.era, .number = number };
}

static struct desk_answer refused(enum err err, const char *why)
{
    struct desk_answer answer = { .err = err };

    snprintf(answer.why, sizeof answer.why, "%s", why);
    return answer;
}

/* The batch is in the book, or nowhere. */
static void settle_batch(struct bus_hub *hub, enum err err, const char *why)
{
    for (struct list *link; (link = list_pop(&hub->batch)) != NULL;) {
        struct given *given = given_of(link);
        struct desk_answer answer =
            err == ERR_NONE
                ? taken(hub, book_add(&hub->book, given->order.id, given->order.payload))
                : refused(err, why);

        settle(hub, given, &answer);
    }
}

static bool is_in_batch(const struct bus_hub *hub, const unsigned char *id)
{
    list_each (link, &hub->batch) {
        if (memcmp(given_of(link)->order.id, id, BUS_ORDER_ID_SIZE) == 0)
            return true;
    }
    return false;
}

/* Moves what waits into the batch, but for what is in the book, which is answered, and the second
 * of an id, which waits for the first. Returns how many there are, and they are in `orders`. */
static size_t fill_batch(struct bus_hub *hub, const struct book_order **orders)
{
    size_t count = 0;

    list_each_safe (link, &hub->waiting) {
        struct given *given = given_of(link);
        uint64_t number = book_find(&hub->book, given->order.id);

        if (count == KEEPER_BATCH_MAX)
            break;
        if (number == 0 && is_in_batch(hub, given->order.id))
            continue;
        list_remove(link);
        hub->waiting_count--;
        if (number != 0) {
            struct desk_answer answer = taken(hub, number);

            settle(hub, given, &answer);
            continue;
        }
        list_append(&hub->batch, link);
        orders[count++] = &given->order;
    }
    return count;
}

/* Until nothing waits, or the keeper is at work. */
static void write_waiting(struct bus_hub *hub)
{
    const struct book_order *orders[KEEPER_BATCH_MAX];
    size_t count;

    while (!(hub->is_kept && hub->keeper.is_busy) && (count = fill_batch(hub, orders)) > 0) {
        enum err err =
            hub->is_kept ? keeper_write(&hub->keeper, &hub->book, orders, count) : ERR_NONE;

        if (err != ERR_NONE)
            settle_batch(hub, err, "too much waits to be written to disk");
        else if (!hub->is_kept)
            settle_batch(hub, ERR_NONE, "");
    }
}

static void fetch(struct bus_hub *hub, struct bus *bus)
{
    struct desk_question q;

    if (hub_is_cut(hub, bus->node, BUS_LOG))
        desk_refuse(&bus->desk, ERR_UNREACHABLE, "cut from the log of orders");
    while (hub->waiting_count < HUB_WAITING_MAX && desk_fetch(&bus->desk, &q)) {
        struct given *given = mem_new(struct given);

        given->bus = bus;
        given->key = q.key;
        memcpy(given->order.id, q.id, sizeof q.id);
        given->order.payload = q.payload;
        list_append(&hub->waiting, &given->link);
        hub->waiting_count++;
    }
}

static void on_written(struct keeper *keeper, enum err err, const char *why)
{
    struct bus_hub *hub = container_of(keeper, struct bus_hub, keeper);

    pthread_mutex_lock(&hub->lock);
    settle_batch(hub, err, why);
    list_each (link, &hub->buses)
        fetch(hub, &container_of(link, struct local_bus, link)->bus);
    write_waiting(hub);
    hub_log_tell(hub);
    pthread_mutex_unlock(&hub->lock);
}

void hub_log_attend(struct bus *bus)
{
    struct bus_hub *hub = local_of(bus)->hub;

    pthread_mutex_lock(&hub->lock);
    fetch(hub, bus);
    write_waiting(hub);
    hub_log_tell(hub);
    pthread_mutex_unlock(&hub->lock);
}

static void forget_in(struct list *list, const struct bus *bus)
{
    list_each (link, list) {
        if (given_of(link)->bus == bus)
            given_of(link)->bus = NULL;
    }
}

void hub_log_forget(struct bus_hub *hub, struct bus *bus)
{
    forget_in(&hub->waiting, bus);
    forget_in(&hub->batch, bus);
}

void hub_log_begin(struct bus_hub *hub, struct loop *loop)
{
    pthread_mutex_lock(&hub->lock);
    if (hub->book.era == 0)
        book_init(&hub->book, (uint64_t)loop_wall(loop).ms, 1);
    pthread_mutex_unlock(&hub->lock);
}

void hub_log_end(struct bus_hub *hub)
{
    if (hub->is_kept)
        keeper_close(&hub->keeper);
    list_free(&hub->waiting);
    list_free(&hub->batch);
    book_done(&hub->book);
}

enum err bus_hub_log(
    struct bus_hub *hub, struct pool *pool, struct loop *loop, const char *path, struct diag *why)
{
    struct keeper_plan plan = { pool, loop, path };

    assert(list_empty(&hub->buses) && hub->book.era == 0);
    if (why != NULL)
        why->text[0] = '\0';
    if (path == NULL)
        return ERR_NONE;
    enum err err = keeper_open(&hub->keeper, &plan, &hub->book, why);

    hub->is_kept = err == ERR_NONE;
    hub->keeper.done = on_written;
    if (err != ERR_NONE) {
        keeper_close(&hub->keeper);
        book_done(&hub->book);
    }
    return err;
}
