// SPDX-License-Identifier: Apache-2.0

/*
 * Load for DNS servers, from one thread, in a closed loop: each socket keeps a number of questions
 * open. Prints one line of JSON.
 *
 *     dns_load -p PORT -n NAME [-m udp|tcp|tcp-each] [-c SOCKETS] [-w WINDOW] [-t SECONDS]
 *         [-W WARM_UP_SECONDS]
 *         -s PIDS     the server's processes, to charge CPU time to
 *         -n NAME     a % in it stands for a random number below -N, in seven digits
 *         -e          client subnet (RFC 7871): a random /24 in each question
 *         -R RCODE    the answer's code; another counts as bad
 *         -A COUNT    least number of records in the answer; fewer count as bad
 *
 * udp and tcp fill each socket's window in one call once it is half empty, so that both sides can
 * work in batches. tcp-each opens a connection for each question.
 *
 * A question's id holds the number of its slot in the window, and above it how often the slot was
 * used, so that an answer that comes after its question was given up is not taken for the next one.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cpu.h"
#include "latency.h"

enum {
    SLOT_BITS = 6,
    WINDOW_MAX = 1 << SLOT_BITS,
    SOCKETS_MAX = 256,
    QUESTION_MAX = 320,
    ANSWER_MAX = 1500,
    RECEIVE_MAX = 65536,
    DIGITS = 7,
};

static const uint64_t LOST_NS = 500000000;

enum mode { UDP, TCP, TCP_EACH };

struct options {
    uint16_t port;
    enum mode mode;
    const char *name;
    uint32_t numbers;
    unsigned sockets, window;
    double seconds, warm_up;
    struct cpu_watch server;
    bool has_subnet;
    unsigned rcode, answers_least;
};

struct question {
    uint8_t bytes[QUESTION_MAX];
    size_t length;
    size_t number_at, subnet_at; // 0: none
};

struct slot {
    uint64_t asked_at; // 0: free
    uint16_t used;
};

struct socket_state {
    int fd;
    unsigned open; // questions
    struct slot slots[WINDOW_MAX];
    size_t held; // of a TCP stream
    uint8_t in[RECEIVE_MAX];
};

struct tally {
    uint64_t asked, answers, bad, lost, late, bytes;
};

struct load {
    struct options options;
    struct sockaddr_in to;
    struct question question;
    uint64_t random;
    unsigned next_source;
    struct tally tally;
    struct latency latency;
    struct socket_state *sockets;
    int epoll; // of tcp-each
    uint8_t out[WINDOW_MAX][QUESTION_MAX];
    uint8_t in[WINDOW_MAX][ANSWER_MAX];
};

static uint32_t draw(struct load *l)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return (uint32_t)(l->random >> 16);
}

static void put(struct question *q, const void *bytes, size_t length)
{
    memcpy(q->bytes + q->length, bytes, length);
    q->length += length;
}

/* The labels of a name; false when it does not fit. */
static bool put_name(struct question *q, const char *name)
{
    while (*name != '\0') {
        size_t length = strcspn(name, ".");
        uint8_t *size;

        if (length > 50 || q->length > 200)
            return false;
        size = q->bytes + q->length++;
        for (size_t i = 0; i < length; i++) {
            if (name[i] == '%') {
                q->number_at = q->length;
                q->length += DIGITS;
            } else {
                q->bytes[q->length++] = (uint8_t)name[i];
            }
        }
        *size = (uint8_t)(q->bytes + q->length - size - 1);
        name += length + (name[length] == '.');
    }
    put(q, "", 1);
    return true;
}

static bool make_question(struct load *l)
{
    static const uint8_t header[12] = { [5] = 1 }, type_a[] = { 0, 1, 0, 1 };
    // OPT of 1232 bytes with a client subnet: family 1, source 24, scope 0, three octets to fill
    static const uint8_t opt[] = { 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0,
        0, 0, 0 };
    struct question *q = &l->question;

    put(q, header, sizeof header);
    if (!put_name(q, l->options.name))
        return false;
    put(q, type_a, sizeof type_a);
    if (l->options.has_subnet) {
        q->bytes[11] = 1;
        put(q, opt, sizeof opt);
        q->subnet_at = q->length - 3;
    }
    return true;
}

static void write_question(struct load *l, uint8_t *out, uint16_t id)
{
    const struct question *q = &l->question;

    memcpy(out, q->bytes, q->length);
    out[0] = (uint8_t)(id >> 8);
    out[1] = (uint8_t)id;
    if (q->number_at > 0) {
        uint32_t number = draw(l) % l->options.numbers;

        for (size_t i = DIGITS; i-- > 0; number /= 10)
            out[q->number_at + i] = (uint8_t)('0' + number % 10);
    }
    if (q->subnet_at > 0) {
        uint32_t subnet = draw(l);

        out[q->subnet_at] = (uint8_t)(1 + (subnet & 0xff) % 223); // unicast
        out[q->subnet_at + 1] = (uint8_t)(subnet >> 8);
        out[q->subnet_at + 2] = (uint8_t)(subnet >> 16);
    }
}

static uint16_t slot_id(const struct socket_state *s, unsigned slot)
{
    return (uint16_t)((unsigned)s->slots[slot].used << SLOT_BITS | slot);
}

static void slot_free(struct socket_state *s, unsigned slot)
{
    s->slots[slot].asked_at = 0;
    s->slots[slot].used++;
    s->open--;
}

struct answer {
    const uint8_t *bytes;
    size_t length;
    uint64_t came_at; // one reading of the clock for all of a batch
};

static void take_answer(struct load *l, struct socket_state *s, struct answer answer)
{
    unsigned id, slot;

    if (answer.length < 12) {
        l->tally.bad++;
        return;
    }
    id = (unsigned)(answer.bytes[0] << 8 | answer.bytes[1]);
    slot = id % WINDOW_MAX;
    if (s->slots[slot].asked_at == 0 || slot_id(s, slot) != id) {
        l->tally.late++;
        return;
    }
    latency_record(&l->latency, answer.came_at - s->slots[slot].asked_at);
    slot_free(s, slot);
    if ((answer.bytes[2] & 0x80) == 0 || (answer.bytes[3] & 15u) != l->options.rcode ||
        (unsigned)(answer.bytes[6] << 8 | answer.bytes[7]) < l->options.answers_least)
        l->tally.bad++;
    l->tally.answers++;
    l->tally.bytes += answer.length;
}

/* So many slots are free that filling them is worth a call. */
static bool wants_more(const struct load *l, const struct socket_state *s)
{
    return s->open == 0 || s->open <= l->options.window / 2;
}

/* A free slot, now taken; there is one. */
static unsigned slot_take(struct load *l, struct socket_state *s, uint64_t now)
{
    unsigned slot = 0;

    while (s->slots[slot].asked_at != 0)
        slot++;
    s->slots[slot].asked_at = now;
    s->open++;
    l->tally.asked++;
    return slot;
}

static void give_up_lost(struct load *l, struct socket_state *s, uint64_t now)
{
    for (unsigned slot = 0; slot < WINDOW_MAX; slot++) {
        if (s->slots[slot].asked_at != 0 && now - s->slots[slot].asked_at > LOST_NS) {
            slot_free(s, slot);
            l->tally.lost++;
        }
    }
}

static void udp_turn(struct load *l, struct socket_state *s)
{
    struct mmsghdr messages[WINDOW_MAX] = { 0 };
    struct iovec parts[WINDOW_MAX];
    unsigned window = l->options.window, count = 0;
    uint64_t now;
    int came;

    for (unsigned i = 0; i < window; i++) {
        parts[i] = (struct iovec){ l->in[i], ANSWER_MAX };
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    came = s->open > 0 ? recvmmsg(s->fd, messages, window, MSG_DONTWAIT, NULL) : 0;
    now = clock_ns();
    for (int i = 0; i < came; i++)
        take_answer(l, s, (struct answer){ l->in[i], messages[i].msg_len, now });
    if (!wants_more(l, s))
        return;
    while (s->open < window) {
        write_question(l, l->out[count], slot_id(s, slot_take(l, s, now)));
        parts[count] = (struct iovec){ l->out[count], l->question.length };
        count++;
    }
    // What the socket does not take is given up like any lost question.
    if (sendmmsg(s->fd, messages, count, 0) < 0 && errno != EAGAIN)
        l->tally.bad++;
}

/* False: the connection is lost. */
static bool tcp_receive(struct load *l, struct socket_state *s)
{
    ssize_t came = recv(s->fd, s->in + s->held, sizeof s->in - s->held, MSG_DONTWAIT);
    uint64_t now = clock_ns();
    size_t at = 0;

    if (came <= 0)
        return came < 0 && errno == EAGAIN;
    s->held += (size_t)came;
    while (s->held - at >= 2) {
        size_t length = (size_t)(s->in[at] << 8 | s->in[at + 1]);

        if (s->held - at < 2 + length)
            break;
        take_answer(l, s, (struct answer){ s->in + at + 2, length, now });
        at += 2 + length;
    }
    memmove(s->in, s->in + at, s->held - at);
    s->held -= at;
    return true;
}

static bool tcp_ask(struct load *l, struct socket_state *s)
{
    uint8_t out[WINDOW_MAX * QUESTION_MAX];
    size_t length = 0, one = l->question.length;
    uint64_t now = clock_ns();

    while (s->open < l->options.window) {
        out[length] = (uint8_t)(one >> 8);
        out[length + 1] = (uint8_t)one;
        write_question(l, out + length + 2, slot_id(s, slot_take(l, s, now)));
        length += 2 + one;
    }
    return send(s->fd, out, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool tcp_turn(struct load *l, struct socket_state *s)
{
    if (s->open > 0 && !tcp_receive(l, s))
        return false;
    return !wants_more(l, s) || tcp_ask(l, s);
}

static bool open_socket(struct load *l, struct socket_state *s)
{
    int on = 1, size = 4 << 20, type = l->options.mode == UDP ? SOCK_DGRAM : SOCK_STREAM;

    s->fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return false;
    // A larger buffer is a wish: what is lost without it is counted.
    if (type == SOCK_DGRAM && setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) != 0)
        l->tally.bad++;
    if (type == SOCK_STREAM && setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        return false;
    return connect(s->fd, (struct sockaddr *)&l->to, sizeof l->to) == 0;
}

/* A new connection, from another of 240 addresses each time, so that ports do not run out. */
static bool each_open(struct load *l, struct socket_state *s)
{
    struct sockaddr_in from = { .sin_family = AF_INET };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };
    struct linger at_once = { .l_onoff = 1 };
    int on = 1;

    from.sin_addr.s_addr = htonl(0x7f000101u + l->next_source++ % 240);
    s->held = 0;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return s->fd >= 0 &&
           setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
           bind(s->fd, (struct sockaddr *)&from, sizeof from) == 0 &&
           setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0 &&
           connect(s->fd, (struct sockaddr *)&l->to, sizeof l->to) == 0 && tcp_ask(l, s) &&
           epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &event) == 0;
}

static bool each_turn(struct load *l)
{
    struct epoll_event events[SOCKETS_MAX];
    int count = epoll_wait(l->epoll, events, SOCKETS_MAX, 0);

    for (int i = 0; i < count; i++) {
        struct socket_state *s = events[i].data.ptr;

        if (!tcp_receive(l, s))
            return false;
        if (s->open == 0) {
            close(s->fd);
            if (!each_open(l, s))
                return false;
        }
    }
    return true;
}

static bool run(struct load *l, uint64_t until)
{
    uint64_t now = clock_ns(), looked_at = now;

    for (; now < until; now = clock_ns()) {
        bool looks = l->options.mode == UDP && now - looked_at > LOST_NS / 2;

        if (l->options.mode == TCP_EACH && !each_turn(l))
            return false;
        for (unsigned i = 0; l->options.mode != TCP_EACH && i < l->options.sockets; i++) {
            struct socket_state *s = &l->sockets[i];

            if (looks)
                give_up_lost(l, s, now);
            if (l->options.mode == UDP)
                udp_turn(l, s);
            else if (!tcp_turn(l, s))
                return false;
        }
        if (looks)
            looked_at = now;
    }
    return true;
}

static int measure(struct load *l)
{
    struct tally from, to;
    uint64_t began, ended, cpu, own;
    bool is_going = run(l, clock_ns() + (uint64_t)(l->options.warm_up * 1e9));

    latency_reset(&l->latency);
    from = l->tally;
    cpu = cpu_watch_ns(&l->options.server);
    own = cpu_own_ns();
    began = clock_ns();
    is_going = is_going && run(l, began + (uint64_t)(l->options.seconds * 1e9));
    ended = clock_ns();
    to = l->tally;
    printf("{\"answers\": %llu, \"seconds\": %.4f, \"server_cpu_us\": %.1f, \"load_cpu_us\": %.1f, "
           "\"bytes\": %llu, \"errors\": %llu, \"bad\": %llu, \"lost\": %llu, \"late\": %llu, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
        (unsigned long long)(to.answers - from.answers), (double)(ended - began) / 1e9,
        (double)(cpu_watch_ns(&l->options.server) - cpu) / 1e3, (double)(cpu_own_ns() - own) / 1e3,
        (unsigned long long)(to.bytes - from.bytes), is_going ? 0ull : 1ull,
        (unsigned long long)to.bad, (unsigned long long)(to.lost - from.lost),
        (unsigned long long)(to.late - from.late), latency_us(&l->latency, 0.5),
        latency_us(&l->latency, 0.99));
    if (!is_going)
        fprintf(stderr, "dns_load: a connection was lost: %s\n", strerror(errno));
    return is_going ? 0 : 1;
}

static bool read_mode(const char *text, enum mode *mode)
{
    static const char *const names[] = { [UDP] = "udp", [TCP] = "tcp", [TCP_EACH] = "tcp-each" };

    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode = (enum mode)i;
            return true;
        }
    }
    return false;
}

static bool read_options(struct options *o, int argc, char **argv)
{
    bool is_right = true;
    int option;

    while ((option = getopt(argc, argv, "p:m:n:N:c:w:t:W:s:eR:A:")) != -1) {
        switch (option) {
        case 'p': o->port = (uint16_t)atoi(optarg); break;
        case 'm': is_right = is_right && read_mode(optarg, &o->mode); break;
        case 'n': o->name = optarg; break;
        case 'N': o->numbers = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'c': o->sockets = (unsigned)atoi(optarg); break;
        case 'w': o->window = (unsigned)atoi(optarg); break;
        case 't': o->seconds = atof(optarg); break;
        case 'W': o->warm_up = atof(optarg); break;
        case 's': is_right = is_right && cpu_watch_parse(&o->server, optarg); break;
        case 'e': o->has_subnet = true; break;
        case 'R': o->rcode = (unsigned)atoi(optarg); break;
        case 'A': o->answers_least = (unsigned)atoi(optarg); break;
        default: return false;
        }
    }
    if (o->mode == TCP_EACH)
        o->window = 1;
    return is_right && o->port > 0 && o->numbers > 0 && o->sockets > 0 &&
           o->sockets <= SOCKETS_MAX && o->window > 0 && o->window <= WINDOW_MAX && optind == argc;
}

static bool open_all(struct load *l)
{
    for (unsigned i = 0; i < l->options.sockets; i++) {
        struct socket_state *s = &l->sockets[i];

        if (!(l->options.mode == TCP_EACH ? each_open(l, s) : open_socket(l, s)))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof *l);

    if (l == NULL)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    l->options = (struct options){ .name = "",
        .numbers = 1,
        .sockets = 16,
        .window = 16,
        .seconds = 2,
        .warm_up = 0.5,
        .answers_least = 1 };
    l->random = 0x9e3779b97f4a7c15u;
    if (!read_options(&l->options, argc, argv) || !make_question(l)) {
        fprintf(stderr, "dns_load: the head of bench/load/dns_load.c lists the options\n");
        return 2;
    }
    l->to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(l->options.port) };
    l->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->sockets = calloc(l->options.sockets, sizeof *l->sockets);
    if (l->epoll < 0 || l->sockets == NULL)
        return 2;
    if (!open_all(l)) {
        fprintf(stderr, "dns_load: cannot connect: %s\n", strerror(errno));
        return 1;
    }
    return measure(l);
}
