// SPDX-License-Identifier: Apache-2.0
/*
 * Measures how soon all nodes of many hold what one of them found, and how soon after a cut all
 * hold the same: hearings of many nodes on one loop, with their views, in real time.
 *
 *   bus-fanout local NODES [CUT_S]      they meet within this process
 *   bus-fanout nats NODES [CUT_S]       each has a connection of its own to a nats-server, started
 *                                       here, on port 4299 of loopback
 *
 * Fan-out: a node's verdict on an origin changes and is told (the report is made at once); until
 * the last of the others was told. Then CUT_S seconds without the server, or in which one node is
 * not heard and hears nobody; every node finds something meanwhile: until all know that of all,
 * from the moment that the server listens again, or that the way is there.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/child.h"
#include "app/hearing.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "network.h"
#include "steer/observer.h"
#include "steer/peers.h"
#include "steer/view.h"

enum { PORT = 4299, TIMES = 100, SETTLE_S = 15, QUIET_S = 20, WAIT_S = 60, ORIGINS = 2 };

struct member {
    struct hearing_follower follower;
    struct world *w;
    struct observer *observer;
    struct view *view;
    struct hearing *hearing;
    struct timer second; // each tells at a time of its own
    unsigned at;
    uint64_t id; // as an observer
};

struct world {
    struct epoch epoch;
    struct log log;
    struct kernel *kernel;
    struct loop *loop;
    struct bus_hub *hub;
    struct network *network;
    struct checks *checks;
    struct loop_message message; // runs `act` within a turn
    void (*act)(struct world *w);
    struct child server;
    struct member *members;
    unsigned count, acting;
    struct wall marked;    // verdicts stamped then are the ones that count,
    uint64_t check;        // on this check,
    size_t told, expected; // and so many were heard
    unsigned char *known;  // of each pair, listener before teller
    uint32_t verdict;      // up or down, in turns
};

static double now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void on_presence(struct hearing_follower *, const struct peer *)
{
}

static void on_said(struct hearing_follower *, const struct peer *, const struct heartbeat *)
{
}

static void on_suspect(struct hearing_follower *, bool)
{
}

static void on_lane(struct hearing_follower *, enum bus_lane, const struct peer *, struct slice)
{
}

static void on_health(struct hearing_follower *follower, const struct report *report)
{
    struct member *m = container_of(follower, struct member, follower);
    struct world *w = m->w;

    if (report->check != w->check || report->at.ms != w->marked.ms)
        return;
    for (unsigned i = 0; i < w->count; i++) {
        unsigned char *known = &w->known[m->at * w->count + i];

        if (*known || w->members[i].id != report->observer)
            continue;
        *known = 1;
        w->told++;
    }
}

static const struct hearing_follower_ops OPS = { .presence = on_presence,
    .said = on_said,
    .health = on_health,
    .suspect = on_suspect,
    .message = on_lane };

static void on_second(struct timer *timer)
{
    struct member *m = container_of(timer, struct member, second);

    timer_set(m->w->loop, timer, instant_after(loop_now(m->w->loop), span_s(1)));
    hearing_tell(m->hearing);
}

static void on_act(struct loop_message *message)
{
    struct world *w = container_of(message, struct world, message);

    w->act(w);
}

/* Turns the loop until so many are told, or for so long. */
static bool run(struct world *w, double wait_ms)
{
    double until = now_ms(CLOCK_MONOTONIC) + wait_ms;

    while (now_ms(CLOCK_MONOTONIC) < until) {
        if (w->expected > 0 && w->told >= w->expected)
            return true;
        loop_turn(w->loop, span_ms(10));
    }
    return false;
}

static void act(struct world *w, void (*deed)(struct world *w))
{
    w->act = deed;
    loop_post(w->loop, &w->message);
}

static void begin_all(struct world *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        struct member *m = &w->members[i];

        hearing_begin(m->hearing);
        timer_set(w->loop, &m->second,
            instant_after(loop_now(w->loop), span_us((int64_t)i * 1000000 / w->count)));
    }
}

static void join(struct member *m, bool has_nats)
{
    const struct endpoint server = { ip_v4(127, 0, 0, 1), PORT };
    struct bus_user *user = hearing_user(m->hearing);
    char room[NODE_NAME_ROOM];
    struct diag why = { 0 };
    struct bus *bus = NULL;
    const struct bus_nats_plan plan = { .network = SLICE("bench"),
        .node = node_name(m->at, room),
        .servers = &server,
        .server_count = 1 };

    if (!has_nats)
        bus = bus_local_open(m->w->hub, m->w->loop, plan.node, user);
    else if (bus_nats_open(&plan, m->w->loop, user, &bus, &why) != ERR_NONE) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    hearing_join(m->hearing, &bus);
}

static void open_member(struct world *w, unsigned at, bool has_nats)
{
    struct member *m = &w->members[at];
    char room[NODE_NAME_ROOM];
    struct slice name = node_name(at, room);

    *m = (struct member){ .follower.ops = &OPS, .w = w, .second.fire = on_second, .at = at };
    m->id = hash_bytes(name, 0);
    m->observer = observer_new(m->id);
    m->view = view_new();
    m->hearing = hearing_new(&(struct hearing_plan){ .loop = w->loop,
        .log = &w->log,
        .name = name,
        .boot = at + 1,
        .observer = m->observer,
        .view = m->view });
    hearing_follow(m->hearing, &m->follower);
    hearing_use(m->hearing, w->network, w->checks);
    join(m, has_nats);
}

/* Until it listens. */
static void start_server(struct world *w)
{
    static const char *const WORDS[] = { "nats-server", "-a", "127.0.0.1", "-p", "4299", "-l",
        "/dev/null", NULL };
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
    struct diag why = { 0 };

    if (child_start(WORDS, &w->server, &why) != ERR_NONE) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    for (bool is_there = false; !is_there;) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        is_there = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
        close(fd);
        usleep(5000);
    }
}

static void open_world(struct world *w, unsigned nodes, bool has_nats)
{
    w->count = nodes;
    w->members = mem_array(nodes, sizeof *w->members);
    w->known = mem_array((size_t)nodes * nodes, 1);
    w->network = network_make(nodes, ORIGINS);
    w->checks = checks_new(w->network);
    for (size_t i = 0; i < w->checks->count; i++)
        if (w->checks->list[i].origin != NULL)
            w->check = w->checks->list[i].id;
    epoch_init(&w->epoch);
    log_init(&w->log, STDERR_FILENO, LOG_ERROR);
    w->hub = bus_hub_new();
    w->message.run = on_act;
    if (kernel_epoll_new(&w->kernel) != ERR_NONE)
        exit(1);
    w->loop = loop_new(w->kernel, &w->epoch, 0);
    if (has_nats)
        start_server(w);
    for (unsigned i = 0; i < nodes; i++)
        open_member(w, i, has_nats);
    act(w, begin_all);
}

/* From now on news are those that are stamped now. */
static void mark(struct world *w, size_t expected)
{
    memset(w->known, 0, (size_t)w->count * w->count);
    w->told = 0;
    w->expected = expected;
    w->marked = loop_wall(w->loop);
    w->verdict = !w->verdict;
}

static void find(struct member *m)
{
    struct world *w = m->w;

    observer_learn(m->observer, w->check, REPORT_HEALTH, w->marked, w->verdict);
    hearing_tell(m->hearing);
}

static void find_one(struct world *w)
{
    find(&w->members[w->acting]);
}

static void find_all(struct world *w)
{
    for (unsigned i = 0; i < w->count; i++)
        find(&w->members[i]);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void fan_out(struct world *w)
{
    double took_ms[TIMES];

    for (unsigned i = 0; i < TIMES; i++) {
        w->expected = 0;
        run(w, 37 + (double)(hash_mix(i) % 100)); // at any moment of the others' seconds
        w->acting = (unsigned)(hash_mix(i + 7) % w->count);
        mark(w, w->count - 1);
        double began = now_ms(CLOCK_MONOTONIC);

        act(w, find_one);
        if (!run(w, WAIT_S * 1000.0))
            printf("%zu of %u were told\n", w->told, w->count - 1);
        took_ms[i] = now_ms(CLOCK_MONOTONIC) - began;
    }
    qsort(took_ms, TIMES, sizeof *took_ms, compare);
    printf("told to the last of %u others: median %.1f ms, 90 %% %.1f, worst %.1f\n", w->count - 1,
        took_ms[TIMES / 2], took_ms[TIMES * 9 / 10], took_ms[TIMES - 1]);
}

/* What all this costs while nothing happens; the server's share is not in it. */
static void be_quiet(struct world *w)
{
    w->expected = 0;
    double began = now_ms(CLOCK_PROCESS_CPUTIME_ID), loop = now_ms(CLOCK_THREAD_CPUTIME_ID);

    run(w, QUIET_S * 1000.0);
    printf("processor time for each node and second: %.3f ms, of which %.3f ms on its loop\n",
        (now_ms(CLOCK_PROCESS_CPUTIME_ID) - began) / QUIET_S / w->count,
        (now_ms(CLOCK_THREAD_CPUTIME_ID) - loop) / QUIET_S / w->count);
}

/* Where they meet in this process, it is the first node alone that the others do not hear. */
static void set_cut(struct world *w, bool has_nats, bool is_cut)
{
    char one[NODE_NAME_ROOM], other[NODE_NAME_ROOM];

    if (has_nats && is_cut) {
        child_signal(&w->server, SIGKILL);
        child_await(&w->server, span_s(5));
    } else if (has_nats) {
        start_server(w);
    }
    for (unsigned i = 1; !has_nats && i < w->count; i++) {
        bus_hub_cut(w->hub, node_name(0, one), node_name(i, other), is_cut);
        bus_hub_cut(w->hub, node_name(i, other), node_name(0, one), is_cut);
    }
}

static void cut(struct world *w, bool has_nats, unsigned cut_s)
{
    w->expected = 0;
    set_cut(w, has_nats, true);
    run(w, cut_s * 500.0);
    mark(w, 0);
    act(w, find_all);
    run(w, cut_s * 500.0);
    printf("after a cut of %u s: %zu of %u were told meanwhile, ", cut_s, w->told,
        w->count * (w->count - 1));
    w->expected = (size_t)w->count * (w->count - 1);
    set_cut(w, has_nats, false);
    double began = now_ms(CLOCK_MONOTONIC);
    bool is_done = run(w, WAIT_S * 1000.0);

    printf("%s of all %.2f s after its end\n",
        is_done ? "everything is known" : "NOT everything is known",
        (now_ms(CLOCK_MONOTONIC) - began) / 1000);
}

int main(int argc, char **argv)
{
    struct world *w = mem_new(struct world);
    uint64_t nodes = 0, cut_s = 0;
    bool has_nats = argc > 1 && strcmp(argv[1], "nats") == 0;

    if (argc < 3 || (!has_nats && strcmp(argv[1], "local") != 0) ||
        !slice_number(slice_text(argv[2]), 500, &nodes) || nodes < 2 ||
        (argc > 3 && !slice_number(slice_text(argv[3]), 3600, &cut_s))) {
        fputs("usage: bus-fanout local|nats NODES [CUT_S]\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    open_world(w, (unsigned)nodes, has_nats);
    run(w, SETTLE_S * 1000.0);
    fan_out(w);
    be_quiet(w);
    if (cut_s > 0)
        cut(w, has_nats, (unsigned)cut_s);
    return 0; // with which all goes
}
