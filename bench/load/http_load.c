// SPDX-License-Identifier: Apache-2.0

/*
 * Load for HTTP/1.1 servers, from one thread, in a closed loop: each connection asks again as soon
 * as its answer is whole. Or in an open one: requests are due at their times, whatever the server
 * does, and what an answer takes counts from there. Prints one line of JSON.
 *
 *     http_load -p PORT -u PATH [-c CONNECTIONS] [-t SECONDS] [-w WARM_UP_SECONDS] [-n REQUESTS]
 *         -s PIDS    the server's processes, to charge CPU time to
 *         -e BYTES   length each body must have; another counts as bad
 *         -n         that many answers instead of -t seconds, without warm-up
 *         -k         a connection for each request
 *         -P DEPTH   requests sent together on a connection (pipelining)
 *         -U FIRST   append a running number to PATH: every URL is new
 *         -Z COUNT   append a number below COUNT, the smaller the likelier (Zipf, exponent 0.9)
 *         -S SEED    of those draws; the same seed draws the same numbers
 *         -B         a request head as browsers send it, of 300 bytes
 *         -r RATE    an open loop: so many requests a second, by whichever connection is free
 *         -i         ask once on each connection, say "idle", hold them until standard input ends
 *
 * Large bodies are dropped inside the kernel (MSG_TRUNC), so the load costs far less than the
 * server and the server is what is measured. On loopback the sender's core runs the receiver's half
 * of TCP too: what is charged to the server holds that, alike for every server.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cpu.h"
#include "latency.h"

enum { DEPTH_MAX = 16, HEAD_MAX = 2048, BATCH_MAX = 16384, BUFFER_SIZE = 65536, EVENTS_MAX = 512 };

static const uint64_t STUCK_NS = 5000000000;

struct options {
    uint16_t port;
    const char *path;
    size_t connections;
    double seconds, warm_up;
    double rate;       // requests a second that are due; 0: a closed loop
    uint64_t requests; // 0: by time
    struct cpu_watch server;
    int64_t body_length; // -1: any
    bool connection_each, unique, browser, idle;
    unsigned depth;
    uint64_t first;
    size_t objects; // of -Z; 0: off
    uint64_t seed;
};

struct connection {
    int fd;            // -1: none
    unsigned due;      // answers of this batch still to come
    int64_t body_left; // -1: in the head
    size_t held;       // bytes of an unfinished head
    uint64_t sent_at;
    char head[HEAD_MAX];
};

struct tally {
    uint64_t answers, bytes, errors, bad;
};

struct load {
    struct options options;
    struct sockaddr_in to;
    int epoll;
    bool stopping;
    struct connection *connections;
    struct connection **free; // of an open loop: a ring of those that wait for work
    size_t free_at, free_count;
    double due_at, due_step; // when the next request is to leave, in nanoseconds, and the distance
    char batch[BATCH_MAX];   // the requests, made once unless each is new
    size_t batch_length;
    uint64_t serial, random;
    double *likely; // [i]: how likely a number is i or less, times a constant
    struct tally tally;
    struct latency latency;
    char buffer[BUFFER_SIZE];
};

static bool make_popularity(struct load *l)
{
    double sum = 0;

    l->likely = calloc(l->options.objects, sizeof *l->likely);
    if (l->likely == NULL)
        return false;
    for (size_t i = 0; i < l->options.objects; i++) {
        sum += pow((double)(i + 1), -0.9);
        l->likely[i] = sum;
    }
    return true;
}

static uint64_t draw_popular(struct load *l)
{
    size_t low = 0, high = l->options.objects - 1;
    double drawn;

    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    drawn = (double)(l->random >> 11) * 0x1p-53 * l->likely[high];
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (l->likely[middle] < drawn)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void make_batch(struct load *l)
{
    const struct options *o = &l->options;
    const char *more =
        o->browser
            ? "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
              "Firefox/128.0\r\n"
              "Accept: image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n"
              "Referer: http://bench.test/index.html\r\n"
            : "";

    l->batch_length = 0;
    for (unsigned i = 0; i < o->depth; i++) {
        char number[24] = "";

        if (o->unique || o->objects > 0)
            snprintf(number, sizeof number, "%llu",
                (unsigned long long)(o->unique ? l->serial++ : draw_popular(l)));
        l->batch_length += (size_t)snprintf(l->batch + l->batch_length,
            sizeof l->batch - l->batch_length, "GET %s%s HTTP/1.1\r\nHost: bench.test\r\n%s%s\r\n",
            o->path, number, more, o->connection_each ? "Connection: close\r\n" : "");
    }
}

/* What the answer takes counts from `at`. */
static void ask(struct load *l, struct connection *c, uint64_t at)
{
    if (l->options.unique || l->options.objects > 0)
        make_batch(l);
    c->due = l->options.depth;
    c->body_left = -1;
    c->held = 0;
    c->sent_at = at;
    if (send(c->fd, l->batch, l->batch_length, MSG_NOSIGNAL) != (ssize_t)l->batch_length)
        l->tally.errors++;
}

static bool connect_to(struct load *l, struct connection *c)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return false;
    // Loopback connects at once, so the socket may block here and only here.
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        connect(c->fd, (struct sockaddr *)&l->to, sizeof l->to) != 0 ||
        fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        close(c->fd);
        c->fd = -1;
        return false;
    }
    return true;
}

/* Closes by reset, since ports that rest in TIME_WAIT would run out within seconds. */
static void drop(struct connection *c)
{
    struct linger at_once = { .l_onoff = 1 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(c->fd);
    c->fd = -1;
}

/* At once, or when it is the connection's turn. */
static void ask_next(struct load *l, struct connection *c)
{
    if (l->due_step > 0)
        l->free[(l->free_at + l->free_count++) % l->options.connections] = c;
    else
        ask(l, c, clock_ns());
}

static void go_on(struct load *l, struct connection *c, bool is_broken)
{
    if (l->stopping)
        return;
    if (is_broken || l->options.connection_each) {
        drop(c);
        if (!connect_to(l, c)) {
            l->tally.errors++;
            return;
        }
    }
    ask_next(l, c);
}

/* -1: the head names none. */
static int64_t content_length(const char *head, const char *end)
{
    static const char name[] = "\r\nContent-Length:";
    const size_t length = sizeof name - 1;

    for (const char *p = head; p + length < end; p++) {
        p = memchr(p, '\r', (size_t)(end - p));
        if (p == NULL || p + length >= end)
            return -1;
        if (strncasecmp(p, name, length) == 0)
            return strtoll(p + length, NULL, 10);
    }
    return -1;
}

static void judge(struct load *l, const char *head, int64_t body_length)
{
    int64_t wanted = l->options.body_length;

    if (memcmp(head, "HTTP/1.1 200 ", 13) != 0 || (wanted >= 0 && body_length != wanted))
        l->tally.bad++;
}

/* Bytes of `data` that belong to the head; sets body_left at its end. 0: it cannot be read. */
static size_t take_head(struct load *l, struct connection *c, const char *data, size_t length)
{
    const char *start = data, *end;
    size_t have = length, held = c->held;

    if (held > 0) {
        have = length < sizeof c->head - held ? length : sizeof c->head - held;
        memcpy(c->head + held, data, have);
        start = c->head;
        have += held;
    }
    end = memmem(start, have, "\r\n\r\n", 4);
    if (end == NULL) {
        if (have >= sizeof c->head)
            return 0;
        if (held == 0)
            memcpy(c->head, data, length);
        c->held = have;
        return length;
    }
    c->held = 0;
    c->body_left = content_length(start, end + 2);
    judge(l, start, c->body_left);
    return c->body_left < 0 ? 0 : (size_t)(end + 4 - start) - held;
}

enum outcome { MORE_TO_COME, BATCH_DONE, BROKEN };

static enum outcome answer_done(struct load *l, struct connection *c)
{
    c->body_left = -1;
    l->tally.answers++;
    if (--c->due > 0)
        return MORE_TO_COME;
    latency_record(&l->latency, clock_ns() - c->sent_at);
    return BATCH_DONE;
}

static enum outcome consume(struct load *l, struct connection *c, const char *data, size_t length)
{
    while (length > 0) {
        size_t taken;

        if (c->body_left < 0) {
            taken = take_head(l, c, data, length);
            if (taken == 0)
                return BROKEN;
        } else {
            taken = (size_t)c->body_left < length ? (size_t)c->body_left : length;
            c->body_left -= (int64_t)taken;
        }
        data += taken;
        length -= taken;
        if (c->body_left == 0 && answer_done(l, c) == BATCH_DONE)
            return length == 0 ? BATCH_DONE : BROKEN;
    }
    return MORE_TO_COME;
}

/* One receive. A long rest of a body is thrown away by the kernel, without copying. */
static enum outcome receive(struct load *l, struct connection *c, bool *is_drained)
{
    bool drops = c->due == 1 && c->body_left > BUFFER_SIZE;
    size_t room = drops ? (size_t)c->body_left : sizeof l->buffer;
    ssize_t came = recv(c->fd, l->buffer, room, drops ? MSG_TRUNC : 0);

    *is_drained = came < (ssize_t)room;
    if (came < 0 && errno == EAGAIN)
        return MORE_TO_COME;
    if (came <= 0)
        return BROKEN;
    l->tally.bytes += (uint64_t)came;
    if (!drops)
        return consume(l, c, l->buffer, (size_t)came);
    c->body_left -= came;
    return c->body_left == 0 ? answer_done(l, c) : MORE_TO_COME;
}

static void on_readable(struct load *l, struct connection *c)
{
    enum outcome outcome;
    bool is_drained;

    do {
        outcome = receive(l, c, &is_drained);
    } while (outcome == MORE_TO_COME && !is_drained);
    if (outcome == BROKEN && !l->stopping)
        l->tally.errors++;
    if (outcome != MORE_TO_COME)
        go_on(l, c, outcome == BROKEN);
}

struct moment {
    uint64_t at, server_cpu, own_cpu;
    struct tally tally;
};

static struct moment moment_now(const struct load *l)
{
    return (struct moment){
        .at = clock_ns(),
        .server_cpu = cpu_watch_ns(&l->options.server),
        .own_cpu = cpu_own_ns(),
        .tally = l->tally,
    };
}

/* Of an open loop, all that is due leaves; the nanoseconds until there is more to do. */
static uint64_t ask_due(struct load *l)
{
    uint64_t now = clock_ns();

    for (; l->free_count > 0 && l->due_at <= (double)now; l->due_at += l->due_step) {
        struct connection *c = l->free[l->free_at];

        l->free_at = (l->free_at + 1) % l->options.connections;
        l->free_count--;
        ask(l, c, (uint64_t)l->due_at);
    }
    if (l->free_count == 0 || l->due_at - (double)now > 1e8)
        return 100000000;
    return (uint64_t)(l->due_at - (double)now);
}

static void turn(struct load *l)
{
    struct epoll_event events[EVENTS_MAX];
    struct timespec wait = { .tv_nsec = l->due_step > 0 ? (long)ask_due(l) : 100000000 };
    int count = epoll_pwait2(l->epoll, events, EVENTS_MAX, &wait, NULL);

    for (int i = 0; i < count; i++)
        on_readable(l, events[i].data.ptr);
}

/* Runs until `until` or `answers` are in. False: nothing has come for STUCK_NS. */
static bool run(struct load *l, uint64_t until, uint64_t answers)
{
    uint64_t last = l->tally.answers, last_at = clock_ns(), now = last_at;

    while (now < until && (answers == 0 || l->tally.answers < answers)) {
        turn(l);
        now = clock_ns();
        if (l->tally.answers != last) {
            last = l->tally.answers;
            last_at = now;
        }
        if (now - last_at > STUCK_NS)
            return false;
    }
    return true;
}

static void print(const struct load *l, const struct moment *from, const struct moment *to)
{
    double seconds = (double)(to->at - from->at) / 1e9;

    printf("{\"answers\": %llu, \"seconds\": %.4f, \"server_cpu_us\": %.1f, \"load_cpu_us\": %.1f, "
           "\"bytes\": %llu, \"errors\": %llu, \"bad\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, "
           "\"p999_us\": %.1f}\n",
        (unsigned long long)(to->tally.answers - from->tally.answers), seconds,
        (double)(to->server_cpu - from->server_cpu) / 1e3,
        (double)(to->own_cpu - from->own_cpu) / 1e3,
        (unsigned long long)(to->tally.bytes - from->tally.bytes),
        (unsigned long long)to->tally.errors, (unsigned long long)to->tally.bad,
        latency_us(&l->latency, 0.5), latency_us(&l->latency, 0.99),
        latency_us(&l->latency, 0.999));
    fflush(stdout);
}

/* Every connection has had one answer and now waits, until standard input ends. */
static void hold_idle(struct load *l)
{
    char byte;

    puts("idle");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    for (size_t i = 0; i < l->options.connections; i++)
        drop(&l->connections[i]);
}

static int measure(struct load *l)
{
    const struct options *o = &l->options;
    uint64_t answers = o->idle ? o->connections : o->requests;
    struct moment from, to;
    bool is_going;

    l->stopping = o->idle;
    from = moment_now(l);
    l->due_step = o->rate > 0 ? 1e9 / o->rate : 0;
    for (size_t i = 0; i < o->connections; i++) {
        if (!connect_to(l, &l->connections[i])) {
            fprintf(stderr, "http_load: connection %zu: %s\n", i, strerror(errno));
            return 1;
        }
        ask_next(l, &l->connections[i]);
    }
    l->due_at = (double)clock_ns();
    if (answers == 0) {
        is_going = run(l, clock_ns() + (uint64_t)(o->warm_up * 1e9), 0);
        latency_reset(&l->latency);
        from = moment_now(l);
        is_going = is_going && run(l, from.at + (uint64_t)(o->seconds * 1e9), 0);
    } else {
        is_going = run(l, UINT64_MAX, answers);
    }
    to = moment_now(l);
    if (!is_going)
        fprintf(stderr, "http_load: no answer for 5 s\n");
    if (o->idle && is_going)
        hold_idle(l);
    print(l, &from, &to);
    return is_going ? 0 : 1;
}

static bool read_options(struct options *o, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "p:u:c:t:w:n:s:e:kP:U:Z:S:Br:i")) != -1) {
        switch (option) {
        case 'p': o->port = (uint16_t)atoi(optarg); break;
        case 'u': o->path = optarg; break;
        case 'c': o->connections = strtoul(optarg, NULL, 10); break;
        case 't': o->seconds = atof(optarg); break;
        case 'w': o->warm_up = atof(optarg); break;
        case 'n': o->requests = strtoull(optarg, NULL, 10); break;
        case 's':
            if (!cpu_watch_parse(&o->server, optarg))
                return false;
            break;
        case 'e': o->body_length = atoll(optarg); break;
        case 'k': o->connection_each = true; break;
        case 'P': o->depth = (unsigned)atoi(optarg); break;
        case 'U':
            o->unique = true;
            o->first = strtoull(optarg, NULL, 10);
            break;
        case 'Z': o->objects = strtoul(optarg, NULL, 10); break;
        case 'S': o->seed = strtoull(optarg, NULL, 10); break;
        case 'B': o->browser = true; break;
        case 'r': o->rate = atof(optarg); break;
        case 'i': o->idle = true; break;
        default: return false;
        }
    }
    return o->port > 0 && o->connections > 0 && o->depth > 0 && o->depth <= DEPTH_MAX &&
           strlen(o->path) < 256 && optind == argc;
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof *l);
    int status;

    if (l == NULL)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    l->options = (struct options){
        .path = "/", .connections = 64, .seconds = 2, .warm_up = 0.5, .body_length = -1, .depth = 1
    };
    if (!read_options(&l->options, argc, argv)) {
        fprintf(stderr, "http_load: the head of bench/load/http_load.c lists the options\n");
        return 2;
    }
    l->serial = l->options.first;
    l->random = 0x9e3779b97f4a7c15u * (l->options.seed + 1);
    l->to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(l->options.port) };
    l->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->connections = calloc(l->options.connections, sizeof *l->connections);
    l->free = calloc(l->options.connections, sizeof *l->free);
    if (l->epoll < 0 || l->connections == NULL || l->free == NULL ||
        (l->options.objects > 0 && !make_popularity(l)))
        return 2;
    make_batch(l);
    status = measure(l);
    free(l->likely);
    free(l->connections);
    free(l->free);
    free(l);
    return status;
}
