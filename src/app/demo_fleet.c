// SPDX-License-Identifier: Apache-2.0
#include "app/demo_fleet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"

enum {
    START_MS = 10000, // for one of them to serve
    LOOK_MS = 20,     // between two looks at whether it does
    WATCH_MS = 200,   // between two looks at whether all run
    NODE_END_S = 8,   // more than a node takes for open requests
    NATS_END_S = 3,
    WORKERS_ROOM = 12,
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum err start_part(struct demo_fleet *f, struct demo_part *part, struct diag *why)
{
    char workers[WORKERS_ROOM];

    part->again_ms = 0;
    if (part == &f->parts[DEMO_FLEET_NATS]) {
        const char *const words[] = { part->name, "-c", f->plan.nats, NULL };

        return child_start(words, &part->child, why);
    }
    snprintf(workers, sizeof workers, "%u", f->plan.workers);
    const char *const words[] = { f->program, "run", "-c", f->plan.config, "--node", part->name,
        "--workers", workers, "--quiet", NULL };

    return child_start(words, &part->child, why);
}

/* All of the demo has addresses of IPv4. */
static bool listens(const struct endpoint *at)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(at->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(&to.sin_addr, at->ip.bytes, sizeof to.sin_addr);
    bool is_there = fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;

    if (fd >= 0)
        close(fd);
    return is_there;
}

/* What the server says of why it does not start is in its log, which ends with the demo. */
static void show(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        fputs(line, stderr);
    if (file != NULL)
        fclose(file);
}

/* Another program in its place would be taken for it. */
static enum err find_free(const struct demo_part *part, struct diag *why)
{
    char address[ENDPOINT_TEXT_MAX];

    if (!listens(&part->at))
        return ERR_NONE;
    diag_say(why, "another program listens at %s, where %s is to; end it first",
        endpoint_text(&part->at, address), part->name);
    return ERR_ADDRESS_IN_USE;
}

static enum err await_part(struct demo_fleet *f, struct demo_part *part, struct diag *why)
{
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
    const int64_t until = now_ms() + START_MS;
    char address[ENDPOINT_TEXT_MAX], ending[CHILD_ENDING_SIZE];

    while (child_runs(&part->child) && now_ms() < until) {
        if (listens(&part->at))
            return ERR_NONE;
        nanosleep(&look, NULL);
    }
    if (part == &f->parts[DEMO_FLEET_NATS])
        show(f->plan.nats_log);
    diag_say(why, "%s does not serve at %s: %s", part->name, endpoint_text(&part->at, address),
        part->child.pid == 0 ? child_ending(&part->child, ending) : "it takes too long");
    return ERR_TIMEOUT;
}

static enum err start_server(struct demo_fleet *f, struct diag *why)
{
    struct demo_part *server = &f->parts[DEMO_FLEET_NATS];
    enum err err = start_part(f, server, why);

    if (err == ERR_MISSING)
        diag_say(why, "nats-server is not installed, which joins the pops of this demo; "
                      "`apt-get install nats-server`, or run `waypost demo`, which needs none");
    TRY(err);
    return await_part(f, server, why);
}

static enum err start_all(struct demo_fleet *f, struct diag *why)
{
    for (size_t i = 0; i < DEMO_PART_COUNT; i++)
        TRY(find_free(&f->parts[i], why));
    TRY(start_server(f, why));
    for (size_t i = 0; i < DEMO_POP_COUNT; i++)
        TRY(start_part(f, &f->parts[i], why));
    for (size_t i = 0; i < DEMO_POP_COUNT; i++)
        TRY(await_part(f, &f->parts[i], why));
    return ERR_NONE;
}

enum err demo_fleet_start(
    struct demo_fleet *fleet, const struct demo_fleet_plan *plan, struct diag *why)
{
    *fleet = (struct demo_fleet){ .plan = *plan };
    for (size_t i = 0; i < DEMO_POP_COUNT; i++)
        fleet->parts[i] = (struct demo_part){ .name = demo_pops[i].node,
            .at = { demo_pops[i].address, plan->ports.dns } };
    fleet->parts[DEMO_FLEET_NATS] =
        (struct demo_part){ .name = "nats-server", .at = { demo_bus, plan->ports.bus } };
    ssize_t length = readlink("/proc/self/exe", fleet->program, sizeof fleet->program - 1);

    if (length <= 0) {
        diag_say(why, "the path of this program cannot be read from /proc");
        return ERR_SYSTEM;
    }
    enum err err = start_all(fleet, why);

    if (err != ERR_NONE)
        demo_fleet_stop(fleet);
    return err;
}

/* Notices an end; starts what has been away for long enough. */
static void watch_part(struct demo_fleet *f, struct demo_part *part)
{
    char ending[CHILD_ENDING_SIZE];
    struct diag why = { 0 };

    if (child_runs(&part->child))
        return;
    if (part->again_ms == 0) {
        part->again_ms = now_ms() + DEMO_FLEET_AGAIN_S * 1000;
        fprintf(stderr, "waypost: %s ended (%s); it is started again in %d s\n", part->name,
            child_ending(&part->child, ending), DEMO_FLEET_AGAIN_S);
    } else if (now_ms() >= part->again_ms) {
        bool is_started = start_part(f, part, &why) == ERR_NONE;

        fprintf(stderr, "waypost: %s%s\n", is_started ? part->name : why.text,
            is_started ? " is started again" : "");
    }
}

void demo_fleet_run(struct demo_fleet *fleet)
{
    const struct timespec look = { .tv_nsec = WATCH_MS * 1000000L };
    sigset_t wanted;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    for (;;) {
        int number = sigtimedwait(&wanted, NULL, &look);

        if (number == SIGINT || number == SIGTERM)
            return;
        for (size_t i = 0; number == SIGHUP && i < DEMO_POP_COUNT; i++)
            child_signal(&fleet->parts[i].child, SIGHUP);
        for (size_t i = 0; i < DEMO_PART_COUNT; i++)
            watch_part(fleet, &fleet->parts[i]);
    }
}

void demo_fleet_stop(struct demo_fleet *fleet)
{
    for (size_t i = 0; i < DEMO_POP_COUNT; i++)
        child_signal(&fleet->parts[i].child, SIGTERM);
    for (size_t i = 0; i < DEMO_POP_COUNT; i++)
        child_await(&fleet->parts[i].child, span_s(NODE_END_S));
    child_signal(&fleet->parts[DEMO_FLEET_NATS].child, SIGTERM);
    child_await(&fleet->parts[DEMO_FLEET_NATS].child, span_s(NATS_END_S));
}
