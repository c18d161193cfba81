// SPDX-License-Identifier: Apache-2.0
#include "bus/queue.h"

#include <assert.h>

#include "base/mem.h"

struct message *message_new(enum bus_lane lane, struct slice from, struct slice payload)
{
    struct message *m = mem_alloc(sizeof *m + from.length + payload.length);
    char *behind = (char *)(m + 1);

    assert(lane < BUS_LANE_COUNT && from.length > 0);
    assert(payload.length <= BUS_PAYLOAD_MAX);
    atomic_init(&m->ref_count, 1);
    m->lane = lane;
    memcpy(behind, from.at, from.length);
    if (payload.length > 0)
        memcpy(behind + from.length, payload.at, payload.length);
    m->from = slice_of(behind, from.length);
    m->payload = slice_of(behind + from.length, payload.length);
    return m;
}

struct message *message_ref(struct message *message)
{
    atomic_fetch_add_explicit(&message->ref_count, 1, memory_order_relaxed);
    return message;
}

void message_unref(struct message *message)
{
    // Released so that whoever is last has seen all reading end.
    if (message != NULL &&
        atomic_fetch_sub_explicit(&message->ref_count, 1, memory_order_acq_rel) == 1)
        mem_free(message);
}

void queue_done(struct queue *queue)
{
    for (struct message *m; (m = queue_pop(queue)) != NULL;)
        message_unref(m);
}

struct message *queue_pop(struct queue *queue)
{
    if (queue->count == 0)
        return NULL;
    struct message *oldest = queue->slots[queue->first];

    queue->first = (queue->first + 1) % BUS_QUEUE_MAX;
    queue->count--;
    queue->bytes -= oldest->payload.length;
    return oldest;
}

size_t queue_push(struct queue *queue, struct message *message)
{
    size_t gone = 0;

    for (; queue->count == BUS_QUEUE_MAX ||
           queue->bytes + message->payload.length > BUS_QUEUE_BYTES_MAX;
         gone++)
        message_unref(queue_pop(queue));
    queue->slots[(queue->first + queue->count) % BUS_QUEUE_MAX] = message;
    queue->count++;
    queue->bytes += message->payload.length;
    return gone;
}

size_t queue_keep_newest(struct queue *queue)
{
    struct message *newest[BUS_LANE_COUNT] = { NULL };
    size_t count = queue->count, gone = 0;

    for (size_t i = 0; i < count; i++) {
        struct message *m = queue->slots[(queue->first + i) % BUS_QUEUE_MAX];

        newest[m->lane] = m;
    }
    // Once round the ring: what stays is put in again, in its order.
    for (size_t i = 0; i < count; i++) {
        struct message *m = queue_pop(queue);

        assert(m != NULL);
        if (m == newest[m->lane]) {
            gone += queue_push(queue, m);
        } else {
            message_unref(m);
            gone++;
        }
    }
    return gone;
}

static_assert((int)BUS_QUEUE_BYTES_MAX >= (int)BUS_PAYLOAD_MAX, "one message fits always");
