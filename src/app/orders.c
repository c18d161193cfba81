// SPDX-License-Identifier: Apache-2.0
#include "app/orders.h"

#include <assert.h>
#include <string.h>

#include "app/noting.h"
#include "app/orders_journal.h"
#include "app/receipts.h"
#include "base/hash.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "cache/purges.h"
#include "io/loop.h"
#include "io/pool.h"

enum { SHOWN_MAX = 200 }; // of an order's text in the log

static_assert((int)ORDERS_PAYLOAD_MAX >= (int)BUS_ORDER_MAX, "the file takes what the bus carries");
static_assert((int)BUS_ORDER_MAX >= (int)ORDER_MAX, "the bus carries the longest order");
static_assert((int)BUS_ORDER_ID_SIZE == (int)ORDER_ID_SIZE, "the order's id is the log's");

/* After an order, and what was drained then. */
struct position {
    uint64_t era, number, drains;
};

/* One order as it came, and as it is read. */
struct kept {
    struct orders_kept shown; // its texts are those of the payload
    size_t length;
    char payload[];
};

struct orders {
    struct loop *loop;
    struct pool *pool;
    struct log *log;
    char *node;
    uint64_t self;
    struct purges *purges;
    struct changes *changes; // NULL: nobody wants to know
    struct orders_user *user;
    struct bus *bus;
    struct drains *drains;
    struct kept *ring[ORDERS_KEPT]; // the newest stands before `next`
    size_t next, count;
    struct position applied, written;
    bool is_behind, is_linked;
    struct timer doubt; // set: it could catch up, but has not for a while
    struct list waiters;
    size_t waiter_count;
    uint64_t ticket; // of the newest order given
    struct receipts *receipts;
    struct orders_journal_user journal_user;
    struct orders_journal *journal; // NULL: memory alone
    struct orders_counts counts;
};

#define COUNTER_ROW_OF_ORDERS(field, name, labels, help) \
    COUNTER_ROW(struct orders_counts, field, name, labels, help),

const struct counter_row orders_counter_rows[] = { ORDERS_COUNTERS(COUNTER_ROW_OF_ORDERS) };
const size_t orders_counter_row_count = COUNT_OF(orders_counter_rows);

/* The newest is 0; there is one. */
static const struct kept *kept_at(const struct orders *o, size_t at)
{
    const struct kept *kept = o->ring[(o->next + ORDERS_KEPT - 1 - at) % ORDERS_KEPT];

    assert(kept != NULL);
    return kept;
}

static void keep(struct orders *o, const struct orders_record *record)
{
    struct slice payload = record->payload;
    struct kept *kept = mem_alloc(sizeof *kept + payload.length);

    memcpy(kept->payload, payload.at, payload.length);
    kept->length = payload.length;
    kept->shown.era = record->era;
    kept->shown.number = record->number;
    kept->shown.applied = record->applied;
    bool is_order = order_parse(slice_of(kept->payload, kept->length), &kept->shown.order);

    assert(is_order);
    mem_free(o->ring[o->next]);
    o->ring[o->next] = kept;
    o->next = (o->next + 1) % ORDERS_KEPT;
    o->count += o->count < ORDERS_KEPT;
}

/* The log tells two that were given with one id apart only as long as it remembers ids. */
static bool is_repeated(const struct orders *o, const struct order *order)
{
    for (size_t i = 0; i < o->count; i++)
        if (memcmp(kept_at(o, i)->shown.order.id, order->id, ORDER_ID_SIZE) == 0)
            return true;
    return false;
}

/* For the log: cut, and without what would end a quoted value. */
static const char *shown(struct slice text, char room[SHOWN_MAX])
{
    struct slice head = slice_head(text, SHOWN_MAX - 1);

    for (size_t i = 0; i < head.length; i++)
        room[i] = head.at[i] == '"' ? '\'' : head.at[i];
    room[head.length] = '\0';
    return room;
}

static void tell_drained(struct orders *o)
{
    if (o->user != NULL)
        o->user->ops->drained(o->user, o->drains);
}

static void tell_moved(struct orders *o)
{
    (void)receipts_take(
        o->receipts, o->self, o->written.era, o->written.number, loop_wall(o->loop));
    if (o->user != NULL)
        o->user->ops->moved(o->user);
}

static void reach(struct orders *o, struct position position)
{
    o->written = position;
    tell_moved(o);
}

static enum drain_kind drain_kind_of(enum order_kind kind)
{
    switch (kind) {
    case ORDER_DRAIN_POP:
    case ORDER_UNDRAIN_POP: return DRAIN_POP;
    case ORDER_DRAIN_NODE:
    case ORDER_UNDRAIN_NODE: return DRAIN_NODE;
    case ORDER_DRAIN_ORIGIN:
    case ORDER_UNDRAIN_ORIGIN: return DRAIN_ORIGIN;
    case ORDER_PURGE_URL:
    case ORDER_PURGE_PREFIX:
    case ORDER_PURGE_TAG:
    case ORDER_PURGE_SITE:
    case ORDER_KIND_COUNT: break;
    }
    assert(false);
    return DRAIN_KIND_COUNT;
}

/* Of a drain or its end. ERR_LIMIT: one too many. */
static enum err drain(struct orders *o, const struct order *order, struct position at)
{
    enum drain_kind kind = drain_kind_of(order->kind);
    enum err err = ERR_NONE;

    if (order->kind >= ORDER_UNDRAIN_POP)
        (void)drains_remove(o->drains, kind, order->text); // undrained twice is undrained
    else
        err = drains_add(o->drains, &(struct drain){ .kind = kind,
                                        .name = order->text,
                                        .by = order->by,
                                        .since = order->at,
                                        .era = at.era,
                                        .number = at.number });
    o->applied.drains = drains_hash(o->drains);
    return err == ERR_EXISTS ? ERR_NONE : err;
}

static void purge(struct orders *o, const struct order *order)
{
    static const enum purge_kind KINDS[] = { [ORDER_PURGE_URL] = PURGE_URL,
        [ORDER_PURGE_PREFIX] = PURGE_PREFIX,
        [ORDER_PURGE_TAG] = PURGE_TAG,
        [ORDER_PURGE_SITE] = PURGE_SITE };

    (void)purges_add(o->purges, KINDS[order->kind], order->site, order->text, order->is_soft);
}

/* Only drains: purges may be many thousand a second. */
static void say_drained(struct orders *o, const struct order *order, uint64_t number, enum err err)
{
    char text[SHOWN_MAX], by[SHOWN_MAX];

    log_line(o->log, err == ERR_NONE ? LOG_INFO : LOG_ERROR, "orders",
        "%s node=%s number=%llu order=\"%s\" name=\"%s\" by=\"%s\"",
        err == ERR_NONE ? "applied" : "too_many_drains", o->node, (unsigned long long)number,
        order_kind_text(order->kind), shown(order->text, text), shown(order->by, by));
}

static void apply(struct orders *o, const struct order *order, struct position at)
{
    if (order_is_purge(order->kind)) {
        counter_up(&o->counts.applied);
        purge(o, order);
        note_order(o->changes, loop_wall(o->loop), order, at.number, true);
        return;
    }
    enum err err = drain(o, order, at);

    counter_up(err == ERR_NONE ? &o->counts.applied : &o->counts.refused);
    say_drained(o, order, at.number, err);
    note_order(o->changes, loop_wall(o->loop), order, at.number, err == ERR_NONE);
    tell_drained(o);
}

/* The position is now that of the record, which goes to the disk. */
static void move_on(struct orders *o, const struct orders_record *record)
{
    o->applied.era = record->era;
    o->applied.number = record->number;
    if (o->journal != NULL)
        orders_journal_put(o->journal, record, o->applied.drains);
    else
        reach(o, o->applied);
}

static void take_gap(struct orders *o, uint64_t era, uint64_t number)
{
    counter_up(&o->counts.gaps);
    log_line(o->log, LOG_WARNING, "orders",
        "lost node=%s after=%llu before=%llu new_log=%s done=\"all that is stored is stale now\"",
        o->node, (unsigned long long)o->applied.number, (unsigned long long)number,
        o->applied.era != 0 && o->applied.era != era ? "yes" : "no");
    note_gap(o->changes, loop_wall(o->loop), number);
    purges_add_all(o->purges, true);
}

void orders_gap(struct orders *orders, uint64_t era, uint64_t number)
{
    take_gap(orders, era, number);
    move_on(orders, &(struct orders_record){ .kind = ORDERS_PASSED,
                        .era = era,
                        .number = number > 0 ? number - 1 : 0,
                        .applied = loop_wall(orders->loop) });
}

static bool is_next(const struct orders *o, uint64_t era, uint64_t number)
{
    if (o->applied.era == 0)
        return number == 1;
    return era == o->applied.era && number == o->applied.number + 1;
}

void orders_take(struct orders *orders, uint64_t era, uint64_t number, struct slice payload)
{
    struct orders *o = orders;
    struct orders_record record = {
        .era = era, .number = number, .applied = loop_wall(o->loop), .payload = payload
    };
    struct order order;

    if (era == o->applied.era && number <= o->applied.number) {
        counter_up(&o->counts.repeated);
        return;
    }
    // The bus tells of gaps itself; that it forgot to is no reason to serve what was purged.
    if (!is_next(o, era, number))
        take_gap(o, era, number);
    if (!order_parse(payload, &order)) {
        counter_up(&o->counts.unknown);
        log_remote(o->log, record.applied, "orders", "unknown node=%s number=%llu bytes=%zu",
            o->node, (unsigned long long)number, payload.length);
        // Kept in the file as it is: a later version of this program may know it.
        record.payload = slice_head(payload, ORDERS_PAYLOAD_MAX);
    } else if (is_repeated(o, &order)) {
        counter_up(&o->counts.repeated);
        record.kind = ORDERS_PASSED;
        record.payload = SLICE_NONE;
    } else {
        apply(o, &order, (struct position){ .era = era, .number = number });
        keep(o, &record);
    }
    move_on(o, &record);
}

static void on_doubt(struct timer *timer)
{
    purges_doubt(container_of(timer, struct orders, doubt)->purges, true);
}

/* Whether there is a reason for doubt has changed: the log is in reach, and we are behind it. */
static void look_behind(struct orders *o)
{
    if (o->is_behind && o->is_linked) {
        timer_set(o->loop, &o->doubt, instant_after(loop_now(o->loop), ORDERS_DOUBT));
        return;
    }
    timer_clear(o->loop, &o->doubt);
    purges_doubt(o->purges, false);
}

void orders_behind(struct orders *orders, bool is_behind)
{
    if (orders->is_behind == is_behind)
        return;
    orders->is_behind = is_behind;
    look_behind(orders);
}

void orders_linked(struct orders *orders, bool is_linked)
{
    if (orders->is_linked == is_linked)
        return;
    orders->is_linked = is_linked;
    look_behind(orders);
}

/* A drain as the order that it was, but for its id. */
static void add_drain(struct orders_image *image, const struct drain *drain)
{
    static const enum order_kind KINDS[DRAIN_KIND_COUNT] = { [DRAIN_POP] = ORDER_DRAIN_POP,
        [DRAIN_NODE] = ORDER_DRAIN_NODE,
        [DRAIN_ORIGIN] = ORDER_DRAIN_ORIGIN };
    const struct order order = {
        .kind = KINDS[drain->kind], .at = drain->since, .by = drain->by, .text = drain->name
    };
    char room[ORDER_MAX];

    orders_image_add(image, &(struct orders_record){ .kind = ORDERS_DRAIN,
                                .era = drain->era,
                                .number = drain->number,
                                .payload = order_write(&order, room) });
}

/*
 * All that is known: first the drains in force, then the newest orders. Read in that turn they give
 * the same set again: what an order of those drained or took back is as it left it, and what none
 * of them named is as it was before.
 */
static void write_image(struct orders_journal_user *user, struct orders_image *image)
{
    const struct orders *o = container_of(user, struct orders, journal_user);
    const struct drain *drains;
    size_t count = drains_list(o->drains, &drains);

    for (size_t i = 0; i < count; i++)
        add_drain(image, &drains[i]);
    for (size_t i = o->count; i-- > 0;) {
        const struct kept *kept = kept_at(o, i);

        orders_image_add(image, &(struct orders_record){ .kind = ORDERS_APPLIED,
                                    .era = kept->shown.era,
                                    .number = kept->shown.number,
                                    .applied = kept->shown.applied,
                                    .payload = slice_of(kept->payload, kept->length) });
    }
    orders_image_add(image, &(struct orders_record){ .kind = ORDERS_PASSED,
                                .era = o->applied.era,
                                .number = o->applied.number,
                                .applied = loop_wall(o->loop) });
}

/* As it was when it was applied, but for the purges: the store is empty. */
static void read_again(struct orders_journal_user *user, const struct orders_record *record)
{
    struct orders *o = container_of(user, struct orders, journal_user);
    const struct position at = { .era = record->era, .number = record->number };
    struct order order;

    if (record->kind != ORDERS_DRAIN) {
        o->applied.era = at.era;
        o->applied.number = at.number;
    }
    if (record->kind == ORDERS_PASSED || !order_parse(record->payload, &order))
        return;
    if (!order_is_purge(order.kind) && drain(o, &order, at) != ERR_NONE)
        counter_up(&o->counts.refused);
    if (record->kind == ORDERS_APPLIED)
        keep(o, record);
}

static void forget_all(struct orders *o)
{
    drains_free(o->drains);
    o->drains = drains_new();
    for (size_t i = 0; i < ORDERS_KEPT; i++) {
        mem_free(o->ring[i]);
        o->ring[i] = NULL;
    }
    o->next = o->count = 0;
    o->applied = (struct position){ 0 };
}

static void on_forget(struct orders_journal_user *user)
{
    forget_all(container_of(user, struct orders, journal_user));
}

static void on_written(
    struct orders_journal_user *user, uint64_t era, uint64_t number, uint64_t drains)
{
    reach(
        container_of(user, struct orders, journal_user), (struct position){ era, number, drains });
}

static const struct orders_journal_user_ops JOURNAL_OPS = {
    .read = read_again, .forget = on_forget, .image = write_image, .written = on_written
};

static void begin_journal(struct orders *o, const char *path)
{
    const struct orders_journal_plan plan = {
        .loop = o->loop, .pool = o->pool, .log = o->log, .node = o->node, .path = path
    };

    o->journal = orders_journal_new(&plan, &o->journal_user);
    orders_journal_read(o->journal);
    if (o->applied.era != 0)
        reach(o, o->applied);
}

struct orders *orders_new(const struct orders_plan *plan)
{
    struct orders *o = mem_new(struct orders);

    o->loop = plan->loop;
    o->pool = plan->pool;
    o->log = plan->log;
    o->node = mem_text(plan->node.at, plan->node.length);
    o->self = hash_bytes(plan->node, 0);
    o->purges = plan->purges;
    o->changes = plan->changes;
    o->drains = drains_new();
    o->receipts = receipts_new();
    o->doubt.fire = on_doubt;
    list_init(&o->waiters);
    o->journal_user.ops = &JOURNAL_OPS;
    if (plan->path != NULL)
        begin_journal(o, plan->path);
    return o;
}

void orders_free(struct orders *orders)
{
    if (orders == NULL)
        return;
    timer_clear(orders->loop, &orders->doubt);
    orders_journal_free(orders->journal);
    forget_all(orders);
    drains_free(orders->drains);
    receipts_free(orders->receipts);
    mem_free(orders->node);
    mem_free(orders);
}

void orders_use(struct orders *orders, struct orders_user *user)
{
    orders->user = user;
}

void orders_join(struct orders *orders, struct bus *bus)
{
    assert(orders->bus == NULL);
    orders->bus = bus;
    bus_follow(bus, orders->applied.era, orders->applied.number);
}

static void answer_to(
    struct orders *o, struct orders_waiter *waiter, const struct orders_answer *answer)
{
    orders_forget(o, waiter);
    if (answer->err != ERR_NONE)
        counter_up(&o->counts.not_taken);
    waiter->done(waiter, answer);
}

void orders_ordered(struct orders *orders, uint64_t ticket, const struct orders_answer *answer)
{
    list_each (link, &orders->waiters) {
        struct orders_waiter *waiter = container_of(link, struct orders_waiter, link);

        if (waiter->ticket == ticket) {
            answer_to(orders, waiter, answer);
            return;
        }
    }
}

void orders_give(struct orders *orders, const struct order *order, struct orders_waiter *waiter)
{
    char room[ORDER_MAX];

    counter_up(&orders->counts.given);
    waiter->ticket = ++orders->ticket;
    list_append(&orders->waiters, &waiter->link);
    orders->waiter_count++;
    if (orders->bus == NULL)
        answer_to(
            orders, waiter, &(struct orders_answer){ ERR_CLOSED, 0, 0, "this node has no bus" });
    else if (orders->waiter_count > ORDERS_WAITING_MAX)
        answer_to(orders, waiter,
            &(struct orders_answer){ ERR_LIMIT, 0, 0, "too many orders wait already; try again" });
    else
        bus_order(orders->bus, waiter->ticket, order->id, order_write(order, room));
}

void orders_forget(struct orders *orders, struct orders_waiter *waiter)
{
    if (list_empty(&waiter->link)) // it has its answer
        return;
    list_remove(&waiter->link);
    assert(orders->waiter_count > 0);
    orders->waiter_count--;
}

struct orders_position orders_position(const struct orders *orders)
{
    const struct position *written = &orders->written;

    return (struct orders_position){ written->era, written->number, written->drains };
}

bool orders_is_behind(const struct orders *orders)
{
    return orders->is_behind;
}

bool orders_is_unwritten(const struct orders *orders)
{
    return orders->journal != NULL && orders_journal_is_failing(orders->journal);
}

const struct drains *orders_drained(const struct orders *orders)
{
    return orders->drains;
}

const struct orders_kept *orders_newest(const struct orders *orders, size_t at)
{
    return at < orders->count ? &kept_at(orders, at)->shown : NULL;
}

void orders_heard(
    struct orders *orders, uint64_t node, uint64_t era, uint64_t number, struct wall at)
{
    if (node != orders->self)
        (void)receipts_take(orders->receipts, node, era, number, at);
}

struct wall orders_receipt(
    const struct orders *orders, uint64_t node, uint64_t era, uint64_t number)
{
    return receipts_find(orders->receipts, node, era, number);
}

const struct orders_counts *orders_counts(const struct orders *orders)
{
    return &orders->counts;
}

const struct orders_journal *orders_journal(const struct orders *orders)
{
    return orders->journal;
}
