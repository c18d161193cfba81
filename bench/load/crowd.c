// SPDX-License-Identifier: Apache-2.0

/*
 * A crowd for web servers: connections that asked once and keep still, and readers that take their
 * time. Comes one by one, says "here" when all are, holds them until standard input ends, and
 * prints one line of JSON.
 *
 *     crowd -p PORT -s PORT_OF_HTTPS -u PATH [-i PLAIN] [-t TLS] [-2 HTTP/2]
 *         -i -t -2   so many connections that ask for PATH, wait for the answer, and are idle then
 *         -z COUNT   readers by TLS; each asks for the path of -l, and once its head has come takes
 *         -b BYTES   so many bytes a second (default: 4096)
 *         -l PATH    what they ask for, much longer than they have time for
 *
 * Once it has had its answer a connection is a socket and no more here, so that ten thousand cost
 * nothing: TLS is let go of without a word, and readers count sealed bytes.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "cpu.h"

enum { ROOM = 65536, EVENTS_MAX = 64, PATH_MAX_BYTES = 100, HOST_BYTES = 10, FRAME_HEAD = 9 };
enum { RECEIVE_BUFFER = 16384, TICK_MS = 50, TICKS_EACH = 10, PATIENCE_S = 10 };

static const char HOST[] = "bench.test", AGENT[] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0";

enum kind { PLAIN, TLS, HTTP_2, SLOW, KINDS };

struct options {
    uint16_t port, tls_port;
    size_t counts[KINDS];
    const char *path, *long_path;
    size_t bytes_per_s;
};

struct crowd {
    struct options options;
    SSL_CTX *tls;
    int epoll;
    int *slow; // sockets of readers
    size_t *taken;
    size_t lost;
    char room[ROOM];
};

/* A connection while it asks. */
struct visit {
    int fd;
    SSL *ssl; // NULL: plain
    char *room;
    size_t length;
};

static bool say(const struct visit *v, const void *bytes, size_t length)
{
    size_t went;

    if (v->ssl != NULL)
        return SSL_write_ex(v->ssl, bytes, length, &went) == 1;
    return send(v->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool hear(struct visit *v)
{
    size_t got = 0;

    if (v->length == ROOM)
        return false;
    if (v->ssl == NULL) {
        ssize_t came = recv(v->fd, v->room + v->length, ROOM - v->length, 0);

        got = came > 0 ? (size_t)came : 0;
    } else if (SSL_read_ex(v->ssl, v->room + v->length, ROOM - v->length, &got) != 1) {
        return false;
    }
    v->length += got;
    return got > 0;
}

/* HTTP/1.1: the head, and the body if it is to be waited for. */
static bool ask_1(struct visit *v, const char *path, bool has_body)
{
    char request[PATH_MAX_BYTES + 200];
    int length = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n\r\n", path, HOST, AGENT);
    const char *end = NULL;

    if (!say(v, request, (size_t)length))
        return false;
    while (end == NULL) {
        if (!hear(v))
            return false;
        end = memmem(v->room, v->length, "\r\n\r\n", 4);
    }
    if (memcmp(v->room, "HTTP/1.1 200 ", 13) != 0)
        return false;
    v->room[v->length < ROOM ? v->length : ROOM - 1] = '\0';
    const char *field = strcasestr(v->room, "\r\nContent-Length:");
    size_t body = field == NULL || field > end ? 0 : strtoul(field + 17, NULL, 10);

    while (has_body && v->length < (size_t)(end + 4 - v->room) + body)
        if (!hear(v))
            return false;
    return body > 0;
}

/* Adds a field's value behind its HPACK prefix (RFC 7541 §6.2), not packed. */
static size_t add_field(uint8_t *at, uint8_t prefix, const char *value)
{
    size_t length = strlen(value);

    at[0] = prefix;
    at[1] = (uint8_t)length;
    memcpy(at + 2, value, length);
    return 2 + length;
}

/* The end of its answer has come (RFC 9113 §4.1); *failed: something else has. */
static bool look_2(struct visit *v, size_t *at, bool *failed)
{
    static const uint8_t ACK[FRAME_HEAD] = { 0, 0, 0, 4, 1 };
    bool is_done = false;

    while (!*failed && v->length - *at >= FRAME_HEAD) {
        const uint8_t *head = (const uint8_t *)v->room + *at;
        size_t length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        uint8_t type = head[3], flags = head[4];

        if (v->length - *at < FRAME_HEAD + length)
            break;
        if (type == 4 && (flags & 1) == 0)
            *failed = !say(v, ACK, sizeof ACK);
        if (type == 1) // :status 200 comes first, from the static table
            *failed = length == 0 || head[FRAME_HEAD] != 0x88;
        if (type == 3 || type == 7)
            *failed = true;
        is_done |= type <= 1 && (flags & 1) == 1;
        *at += FRAME_HEAD + length;
    }
    return is_done;
}

static bool ask_2(struct visit *v, const char *path)
{
    static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0"; // SETTINGS
    uint8_t out[512] = { 0 };
    size_t length = sizeof PREFACE, head = length, at = 0;
    bool failed = false;

    memcpy(out, PREFACE, sizeof PREFACE); // whose last byte is the frame's last
    length += FRAME_HEAD;
    out[length++] = 0x82; // GET
    out[length++] = 0x87; // https
    length += add_field(out + length, 0x04, path);
    length += add_field(out + length, 0x41, HOST); // remembered, as browsers ask for
    length += add_field(out + length, 0x7a, AGENT);
    out[head + 2] = (uint8_t)(length - head - FRAME_HEAD);
    out[head + 3] = 1;     // HEADERS
    out[head + 4] = 1 | 4; // the whole request
    out[head + 8] = 1;     // stream
    if (!say(v, out, length))
        return false;
    while (!look_2(v, &at, &failed))
        if (failed || !hear(v))
            return false;
    return !failed;
}

static int connect_to(uint16_t port, bool is_slow)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, little = RECEIVE_BUFFER;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        (is_slow && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little) != 0) ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool greet(const struct crowd *c, struct visit *v, enum kind kind)
{
    const char *protocol = kind == HTTP_2 ? "\x02h2" : "\x08http/1.1";
    const unsigned char *chosen;
    unsigned length;

    v->ssl = SSL_new(c->tls);
    if (v->ssl == NULL || SSL_set_fd(v->ssl, v->fd) != 1 ||
        SSL_set_alpn_protos(v->ssl, (const unsigned char *)protocol, (unsigned)strlen(protocol)) !=
            0 ||
        SSL_connect(v->ssl) != 1)
        return false;
    SSL_get0_alpn_selected(v->ssl, &chosen, &length);
    return length == strlen(protocol) - 1 && memcmp(chosen, protocol + 1, length) == 0;
}

/* One more comes and has its answer; its socket, or -1. */
static int come(struct crowd *c, enum kind kind)
{
    const struct options *o = &c->options;
    uint16_t port = kind == PLAIN ? o->port : o->tls_port;
    struct visit v = { .fd = connect_to(port, kind == SLOW), .room = c->room };
    bool is_good = v.fd >= 0 && (kind == PLAIN || greet(c, &v, kind));

    if (is_good && kind == HTTP_2)
        is_good = ask_2(&v, o->path);
    else if (is_good)
        is_good = ask_1(&v, kind == SLOW ? o->long_path : o->path, kind != SLOW);
    if (v.ssl != NULL) {
        SSL_set_quiet_shutdown(v.ssl, 1);
        SSL_free(v.ssl);
    }
    if (is_good)
        return v.fd;
    fprintf(stderr, "crowd: a connection was not served (%s)\n", strerror(errno));
    ERR_print_errors_fp(stderr);
    return -1;
}

static bool come_all(struct crowd *c)
{
    for (enum kind kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < c->options.counts[kind]; i++) {
            int fd = come(c, kind);
            struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.fd = fd };

            if (fd < 0)
                return false;
            if (kind == SLOW)
                c->slow[i] = fd;
            else if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
                return false;
        }
    return true;
}

/* What an idle connection is still told (a ticket, settings) is let go; its end is a loss. */
static void look_at(struct crowd *c, int fd)
{
    ssize_t came = recv(fd, c->room, ROOM, MSG_DONTWAIT);

    if (came > 0 || (came < 0 && errno == EAGAIN))
        return;
    c->lost++;
    close(fd);
}

/* A part of the readers takes what it may. */
static void read_slowly(struct crowd *c, size_t part)
{
    size_t each = c->options.bytes_per_s * TICKS_EACH * TICK_MS / 1000;

    for (size_t i = part; i < c->options.counts[SLOW]; i += TICKS_EACH) {
        ssize_t came = c->slow[i] < 0 ? -1 : recv(c->slow[i], NULL, each, MSG_TRUNC | MSG_DONTWAIT);

        if (came > 0) {
            c->taken[i] += (size_t)came;
        } else if (c->slow[i] >= 0 && (came == 0 || errno != EAGAIN)) {
            c->lost++;
            close(c->slow[i]);
            c->slow[i] = -1;
        }
    }
}

static void hold(struct crowd *c)
{
    struct epoll_event events[EVENTS_MAX], input = { .events = EPOLLIN, .data.fd = STDIN_FILENO };
    uint64_t due = clock_ns();
    bool is_over = epoll_ctl(c->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0;

    puts("here");
    fflush(stdout);
    for (size_t part = 0; !is_over;) {
        int count = epoll_wait(c->epoll, events, EVENTS_MAX, TICK_MS / 2);

        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != STDIN_FILENO)
                look_at(c, events[i].data.fd);
            else
                is_over = read(STDIN_FILENO, c->room, ROOM) <= 0;
        }
        if (clock_ns() >= due) {
            read_slowly(c, part++ % TICKS_EACH);
            due += TICK_MS * UINT64_C(1000000);
        }
    }
}

static void print(const struct crowd *c)
{
    size_t least = SIZE_MAX, total = 0;

    for (size_t i = 0; i < c->options.counts[SLOW]; i++) {
        total += c->taken[i];
        least = c->taken[i] < least ? c->taken[i] : least;
    }
    printf("{\"lost\": %zu, \"taken\": %zu, \"taken_least\": %zu}\n", c->lost, total,
        total > 0 ? least : 0);
}

static bool read_options(struct options *o, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "p:s:u:l:i:t:2:z:b:")) != -1) {
        switch (option) {
        case 'p': o->port = (uint16_t)atoi(optarg); break;
        case 's': o->tls_port = (uint16_t)atoi(optarg); break;
        case 'u': o->path = optarg; break;
        case 'l': o->long_path = optarg; break;
        case 'i': o->counts[PLAIN] = strtoul(optarg, NULL, 10); break;
        case 't': o->counts[TLS] = strtoul(optarg, NULL, 10); break;
        case '2': o->counts[HTTP_2] = strtoul(optarg, NULL, 10); break;
        case 'z': o->counts[SLOW] = strtoul(optarg, NULL, 10); break;
        case 'b': o->bytes_per_s = strtoul(optarg, NULL, 10); break;
        default: return false;
        }
    }
    return strlen(o->path) < PATH_MAX_BYTES && strlen(o->long_path) < PATH_MAX_BYTES &&
           optind == argc;
}

int main(int argc, char **argv)
{
    struct crowd *c = calloc(1, sizeof *c);

    if (c == NULL)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    c->options = (struct options){ .path = "/", .long_path = "/", .bytes_per_s = 4096 };
    if (!read_options(&c->options, argc, argv)) {
        fprintf(stderr, "crowd: the head of bench/load/crowd.c lists the options\n");
        return 2;
    }
    c->tls = SSL_CTX_new(TLS_client_method());
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->slow = calloc(c->options.counts[SLOW] + 1, sizeof *c->slow);
    c->taken = calloc(c->options.counts[SLOW] + 1, sizeof *c->taken);
    if (c->tls == NULL || c->epoll < 0 || c->slow == NULL || c->taken == NULL ||
        SSL_CTX_set_ciphersuites(c->tls, "TLS_AES_128_GCM_SHA256") != 1)
        return 2;
    if (!come_all(c))
        return 1;
    hold(c);
    print(c);
    return 0;
}
