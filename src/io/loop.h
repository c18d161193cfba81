// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One thread's turn of events: the only clock, the only sockets, the only timers that the code
 * above reads. A turn is always the same:
 *
 *     wait (a sleeping loop counts as turned) → clocks → hooks' begin → messages → datagrams
 *     → streams that can be read → timers → hooks' end → streams with output are pulled and sent
 *     → what was closed or retired is freed
 *
 * What the loop hands out (bytes that came, scratch memory, what the store finds) is good until
 * the end of the turn. The kernel below it is exchangeable (io/kernel.h): epoll, or a simulated
 * world with its own clock and network.
 *
 * All functions are for the loop's own thread but for loop_post and loop_stop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"

struct epoch;
struct epoch_reader;
struct kernel;
struct loop;

#define LOOP_COUNTERS(X)                                                                          \
    X(turns, "loop_turns_total", "", "Turns of the event loop")                                   \
    X(accepted, "loop_accepted_total", "", "Connections accepted")                                \
    X(accept_limited, "loop_accept_limited_total", "", "Accepts put off: no descriptors left")    \
    X(datagrams_in, "loop_datagrams_total", "direction=\"in\"", "Datagrams")                      \
    X(datagrams_out, "loop_datagrams_total", "direction=\"out\"", "Datagrams")                    \
    X(datagrams_dropped, "loop_datagrams_dropped_total", "", "Datagrams the kernel did not take") \
    X(bytes_in, "loop_stream_bytes_total", "direction=\"in\"", "Bytes over streams")              \
    X(bytes_out, "loop_stream_bytes_total", "direction=\"out\"", "Bytes over streams")            \
    X(input_full, "loop_stream_input_full_total", "", "Streams closed: input kept, limit reached")

struct loop_counts {
    LOOP_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row loop_counter_rows[];
extern const size_t loop_counter_row_count;

/* Called at both ends of each turn; embedded in what wants to know. begin and end may be NULL. */
struct loop_hook {
    struct list link;
    void (*begin)(struct loop_hook *hook);
    void (*end)(struct loop_hook *hook);
};

/* Something for another thread to do in its loop's next turn; embedded, never copied. */
struct loop_message {
    struct loop_message *next;
    void (*run)(struct loop_message *message);
};

/* Fires once, at or after its time, unless cleared. Zeroed is cleared. */
struct timer {
    struct heap_link link;
    void (*fire)(struct timer *timer);
};

/*
 * `index` tells the loops of one process apart (per-worker slots use it). The kernel and the epoch
 * must outlive the loop.
 */
struct loop *loop_new(struct kernel *kernel, struct epoch *epoch, unsigned index);

/* Closes all that is open on it, calling back nobody, and gives its memory back. */
void loop_free(struct loop *loop);

/* Turns until loop_stop. */
void loop_run(struct loop *loop);

/* One turn, waiting at most `wait` (negative: endless); true when anything happened. */
bool loop_turn(struct loop *loop, struct span wait);

/* How long the next turn may wait: nothing when work is left over, negative when nothing is due. */
struct span loop_patience(const struct loop *loop);

/* The loop ends after the turn it is in. Any thread. */
void loop_stop(struct loop *loop);

/* `message` runs in the loop's next turn, in order of posting; it must not be posted twice before
 * it ran. Any thread, also the loop's own. */
void loop_post(struct loop *loop, struct loop_message *message);

/* A message that was posted and has not run never will; any other is not looked at. For whoever
 * frees what holds it, once nobody posts it any more. */
void loop_unpost(struct loop *loop, const struct loop_message *message);

struct instant loop_now(const struct loop *loop);
struct wall loop_wall(const struct loop *loop);

/* The time when this is called, and not that of the turn. */
struct moment loop_moment(const struct loop *loop);
unsigned loop_index(const struct loop *loop);
struct loop_counts *loop_counts(struct loop *loop);
struct epoch_reader *loop_epoch_reader(struct loop *loop);

void loop_hook_add(struct loop *loop, struct loop_hook *hook);
void loop_hook_remove(struct loop *loop, struct loop_hook *hook);

/* Sets, or moves when set already. What is set while timers fire waits for the next turn. */
void timer_set(struct loop *loop, struct timer *timer, struct instant due);
void timer_clear(struct loop *loop, struct timer *timer);

static inline bool timer_is_set(const struct timer *timer)
{
    return timer->link.at != 0;
}

/*
 * Memory good until the end of the turn, not zeroed; NULL when the turn's share
 * (LOOP_SCRATCH_BYTES) is used up: the caller then takes memory of its own.
 */
void *loop_scratch(struct loop *loop, size_t size_bytes);

/* Gives back the unused end of the newest scratch: the caller kept `used` bytes of it. */
void loop_scratch_trim(struct loop *loop, void *scratch, size_t used);

/* True for memory that loop_scratch handed out this turn. */
bool loop_is_scratch(const struct loop *loop, const void *at);

enum {
    LOOP_SCRATCH_BYTES = 1 << 20,
    LOOP_INPUT_BYTES = 1 << 19, // what all streams may read in a turn; the rest waits for the next
};
