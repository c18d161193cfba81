// SPDX-License-Identifier: Apache-2.0
/*
 * Measures what hearing costs one node of many, without the way there: the digests and heartbeats
 * of all others, as they would come, are handed to a node's hearing, and the processor's time
 * within it is counted.
 *
 *   bus-hear [NODES [ORIGINS [SECONDS]]]      default: 200 nodes, 500 origins, 30 s after the first
 *
 * The others tell what nodes tell: each second all of the checks that they watch and a thirtieth of
 * the rest, every ten seconds all they hold; four heartbeats a second. Time is simulated.
 */
#include <stdint.h>
#include <time.h>

#include "app/hearing.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"
#include "network.h"
#include "steer/observer.h"
#include "steer/view.h"
#include "steer/watch.h"
#include "wire/digest.h"

enum {
    STEPS = 4, // a second
    STEP_MS = 1000 / STEPS,
    REST_S = 30, // from one look of who does not watch to the next
    ALL_S = 10,  // from one time that all is told to the next
    FIRST_S = 12,
    EPOCH_S = STEER_EPOCH_MS / 1000,
};

struct world {
    struct sim *sim;
    struct epoch epoch;
    struct log log;
    struct loop *loop;
    struct network *network;
    struct checks *checks;
    struct watch_table *watch;
    struct observer *observer;
    struct view *view;
    struct hearing *hearing;
    struct loop_message message;
    unsigned nodes, step;
    uint64_t *sequences; // of each node's digests and heartbeats
    double hearing_ns, facts_ns, messages, reports, facts_count;
    char bytes[BUS_PAYLOAD_MAX];
};

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void hand_over(struct world *w, enum bus_lane lane, unsigned node, struct slice payload)
{
    struct bus_user *user = hearing_user(w->hearing);
    char room[NODE_NAME_ROOM];
    struct slice from = node_name(node, room);
    double began = now_ns();

    user->ops->message(user, lane, from, payload);
    w->hearing_ns += now_ns() - began;
    w->messages++;
}

static void beat(struct world *w, unsigned node)
{
    char room[NODE_NAME_ROOM], bytes[HEARTBEAT_SIZE];
    const struct heartbeat heartbeat = { .observer = hash_bytes(node_name(node, room), 0),
        .boot = 1,
        .sequence = ++w->sequences[node],
        .at = loop_wall(w->loop),
        .release = w->network->hash };

    hand_over(w, BUS_HEARTBEATS, node, heartbeat_write(&heartbeat, bytes));
}

/* What is measured of a node by HTTP, or of an origin. */
static const enum report_kind KINDS[] = { REPORT_LATENCY, REPORT_RESPONSE, REPORT_EXCESS,
    REPORT_ERRORS, REPORT_HEALTH, REPORT_CPU, REPORT_MEMORY };
enum { ORIGIN_KINDS = 5, NODE_KINDS = 7 };

/* The reports of one check, if they are told in this second. */
static void tell_check(struct world *w, struct digest_writer *writer, uint32_t at,
    const struct digest *head, unsigned second)
{
    const struct check *check = &w->checks->list[at];
    unsigned phase = (unsigned)(hash_mix(check->id ^ head->observer) % REST_S);
    unsigned ago = (second + phase) % REST_S;
    size_t kinds = check->node != NULL ? NODE_KINDS : ORIGIN_KINDS;
    bool is_watched = watch_has(w->watch, at, head->observer);

    if (!is_watched && ago != 0 && (second + head->observer) % ALL_S != 0)
        return;
    for (size_t i = 0; i < kinds; i++) {
        bool is_health = KINDS[i] == REPORT_HEALTH;
        const struct report report = { .observer = head->observer,
            .check = check->id,
            .kind = KINDS[i],
            .value = is_health ? 1 : 1000 + (int64_t)ago,
            .spread = is_health ? 0 : 10,
            .evidence = 5000,
            .at = { head->at.ms - (is_watched ? 0 : ago * 1000) } };

        (void)digest_add(writer, &report);
    }
}

static void tell(struct world *w, unsigned node, unsigned second)
{
    char room[NODE_NAME_ROOM];
    const struct digest head = { .observer = hash_bytes(node_name(node, room), 0),
        .boot = 1,
        .sequence = ++w->sequences[node],
        .at = loop_wall(w->loop) };
    struct digest_writer writer;

    digest_begin(&writer, w->bytes, sizeof w->bytes, &head);
    for (uint32_t i = 0; i < w->checks->count; i++)
        tell_check(w, &writer, i, &head, second);
    w->reports += writer.count;
    hand_over(w, BUS_REPORTS, node, digest_end(&writer));
}

static void draw_facts(struct world *w)
{
    struct arena arena;
    char room[NODE_NAME_ROOM];
    int64_t now_ms = loop_wall(w->loop).ms;
    const struct wall epoch = { now_ms - now_ms % STEER_EPOCH_MS };
    double began = now_ns();

    arena_init(&arena, SIZE_MAX);
    view_facts(w->view, &arena, w->checks, w->watch, hash_bytes(node_name(0, room), 0), epoch);
    w->facts_ns += now_ns() - began;
    w->facts_count++;
    arena_done(&arena);
}

/* A quarter of a second: everybody's heartbeat, and the digests of a quarter of all. */
static void on_step(struct loop_message *message)
{
    struct world *w = container_of(message, struct world, message);

    for (unsigned node = 1; node < w->nodes; node++) {
        beat(w, node);
        if (node % STEPS == w->step % STEPS)
            tell(w, node, w->step / STEPS);
    }
    if (w->step % (STEPS * EPOCH_S) == 0)
        draw_facts(w);
    w->step++;
}

static void run_for(struct world *w, unsigned seconds)
{
    w->hearing_ns = w->facts_ns = w->messages = w->reports = w->facts_count = 0;
    for (unsigned i = 0; i < seconds * STEPS; i++) {
        loop_post(w->loop, &w->message);
        sim_run_for(w->sim, span_ms(STEP_MS));
    }
}

static void open_world(struct world *w, unsigned nodes, unsigned origins)
{
    const struct ip ip = ip_v4(10, 0, 0, 1);
    char room[NODE_NAME_ROOM];
    struct slice name = node_name(0, room);

    w->nodes = nodes;
    w->sequences = mem_array(nodes, sizeof *w->sequences);
    w->network = network_make(nodes, origins);
    w->checks = checks_new(w->network);
    w->watch = watch_table_new(w->network, w->checks);
    w->sim = sim_new(1);
    epoch_init(&w->epoch);
    log_init(&w->log, -1, LOG_ERROR);
    struct kernel *kernel = sim_kernel(w->sim, &ip);

    w->loop = loop_new(kernel, &w->epoch, 0);
    sim_kernel_turns(kernel, w->loop);
    w->message.run = on_step;
    w->observer = observer_new(hash_bytes(name, 0));
    w->view = view_new();
    w->hearing = hearing_new(&(struct hearing_plan){ .loop = w->loop,
        .log = &w->log,
        .name = name,
        .boot = 1,
        .observer = w->observer,
        .view = w->view });
    hearing_use(w->hearing, w->network, w->checks);
}

static unsigned number(int argc, char **argv, int at, unsigned otherwise)
{
    uint64_t value = otherwise;

    if (at < argc && (!slice_number(slice_text(argv[at]), 100000, &value) || value == 0)) {
        fputs("usage: bus-hear [NODES [ORIGINS [SECONDS]]]\n", stderr);
        exit(2);
    }
    return (unsigned)value;
}

int main(int argc, char **argv)
{
    struct world *w = mem_new(struct world);
    unsigned nodes = number(argc, argv, 1, 200), origins = number(argc, argv, 2, 500);
    unsigned seconds = number(argc, argv, 3, 30);

    open_world(w, nodes, origins);
    run_for(w, FIRST_S);
    run_for(w, seconds);
    const struct view_counts *view = view_counts(w->view);
    const struct hearing_counts *hearing = hearing_counts(w->hearing);

    printf("%u nodes, %u origins: each hears %.0f messages and %.0f reports a second\n", nodes,
        origins, w->messages / seconds, w->reports / seconds);
    printf("processor time of hearing: %.2f ms a second, %.2f %% of a core, %.0f ns a report\n",
        w->hearing_ns / seconds / 1e6, w->hearing_ns / seconds / 1e7, w->hearing_ns / w->reports);
    printf("facts of an epoch: %.1f ms\n", w->facts_ns / w->facts_count / 1e6);
    printf("digests taken %llu, reports taken %llu, replayed %llu, beyond the view's limit %llu\n",
        (unsigned long long)counter_read(&hearing->taken),
        (unsigned long long)counter_read(&view->taken),
        (unsigned long long)counter_read(&view->replayed),
        (unsigned long long)counter_read(&view->full));
    return 0; // with which the memory goes
}
