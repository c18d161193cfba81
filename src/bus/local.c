// SPDX-License-Identifier: Apache-2.0
/*
 * The back end of one process: buses meet at a hub, and a message goes straight into the inboxes of
 * the others. Under one lock, so that a bus that left the hub hears nothing more.
 */
#include <assert.h>

#include "base/mem.h"
#include "bus/local_priv.h"

/* `from` is not heard by `to`. */
struct cut {
    struct list link;
    char *from, *to;
};

struct bus_hub *bus_hub_new(void)
{
    struct bus_hub *hub = mem_new(struct bus_hub);

    pthread_mutex_init(&hub->lock, NULL);
    list_init(&hub->buses);
    list_init(&hub->cuts);
    list_init(&hub->waiting);
    list_init(&hub->batch);
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
    hub_log_end(hub);
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

bool hub_is_cut(const struct bus_hub *hub, struct slice from, struct slice to)
{
    return find_cut(hub, from, to) != NULL;
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
    hub_log_tell(hub);
    pthread_mutex_unlock(&hub->lock);
}

static void publish(struct bus *bus, struct message *message)
{
    struct bus_hub *hub = local_of(bus)->hub;

    pthread_mutex_lock(&hub->lock);
    list_each (link, &hub->buses) {
        struct bus *other = &container_of(link, struct local_bus, link)->bus;

        if (!slice_equal(other->node, bus->node) && !hub_is_cut(hub, bus->node, other->node))
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
    hub_log_forget(local->hub, bus);
    pthread_mutex_unlock(&local->hub->lock);
    bus_done(bus);
    mem_free(local);
}

static const struct bus_ops LOCAL_OPS = {
    .publish = publish, .attend = hub_log_attend, .free = leave
};

struct bus *bus_local_open(
    struct bus_hub *hub, struct loop *loop, struct slice node, struct bus_user *user)
{
    struct local_bus *local = mem_new(struct local_bus);

    local->hub = hub;
    bus_init(&local->bus, &LOCAL_OPS, loop, node, user);
    inbox_tell(&local->bus.inbox, true, "");
    hub_log_begin(hub, loop);
    pthread_mutex_lock(&hub->lock);
    list_append(&hub->buses, &local->link);
    pthread_mutex_unlock(&hub->lock);
    return &local->bus;
}
