// SPDX-License-Identifier: Apache-2.0

/*
 * The origin behind the caches under test: one thread, as fast as such a thing can be, so that it
 * is never the bottleneck.
 *
 *     http_origin PORT [ADDRESS]     127.0.0.1 unless said otherwise
 *
 * /ANYTHING/SIZE and /ANYTHING/SIZE/MORE are SIZE bytes of the alphabet over and over, fresh for a
 * day. /count is the number of requests answered so far (itself left out): by it the bench knows
 * whether a cache answered from memory or asked.
 */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { BODY_MAX = 16 << 20, HEAD_MAX = 8192, EVENTS_MAX = 256, STUCK_MS = 10000 };

struct connection {
    int fd;
    size_t held; // bytes of requests not answered yet
    char in[HEAD_MAX];
};

struct origin {
    int listener, epoll;
    char *body;
    unsigned long answered;
    time_t date_at;
    char date[64];
};

/* Waits for slow readers: the caches under test read at once, or the bench has failed anyway. */
static void send_all(int fd, struct iovec *parts, size_t count)
{
    while (count > 0) {
        ssize_t sent = writev(fd, parts, (int)count);

        if (sent < 0) {
            struct pollfd wait = { .fd = fd, .events = POLLOUT };

            if (poll(&wait, 1, STUCK_MS) <= 0 || (wait.revents & (POLLERR | POLLHUP)) != 0)
                return;
            continue;
        }
        while (count > 0 && (size_t)sent >= parts->iov_len) {
            sent -= (ssize_t)parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + sent;
            parts->iov_len -= (size_t)sent;
        }
    }
}

static const char *date(struct origin *o)
{
    time_t now = time(NULL);

    if (now != o->date_at) {
        struct tm tm;

        gmtime_r(&now, &tm);
        strftime(o->date, sizeof o->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        o->date_at = now;
    }
    return o->date;
}

/* The request stands at `request`, ended by the blank line, and starts "GET /". */
static void answer(struct origin *o, int fd, const char *request)
{
    char head[512], count[24];
    struct iovec parts[2];
    const char *slash = strchr(request, '/');
    const char *size_text = slash != NULL ? strpbrk(slash + 1, "/ \r") : NULL;
    unsigned long size = size_text != NULL ? strtoul(size_text + 1, NULL, 10) : 0;
    char *body = o->body;
    int length;

    if (size > BODY_MAX)
        size = BODY_MAX;
    if (slash != NULL && strncmp(slash, "/count ", 7) == 0) {
        size = (unsigned long)snprintf(count, sizeof count, "%lu", o->answered);
        body = count;
    } else {
        o->answered++;
    }
    length = snprintf(head, sizeof head,
        "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: application/octet-stream\r\n"
        "Content-Length: %lu\r\nCache-Control: %s\r\nETag: \"v1-%lu\"\r\n"
        "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n",
        date(o), size, body == count ? "no-store" : "public, max-age=86400", size);
    parts[0] = (struct iovec){ head, (size_t)length };
    parts[1] = (struct iovec){ body, size };
    send_all(fd, parts, 2);
}

static void forget(struct connection *c)
{
    close(c->fd);
    free(c);
}

/* Answers all whole requests that have come; keeps the rest. */
static void serve(struct origin *o, struct connection *c)
{
    ssize_t came = recv(c->fd, c->in + c->held, sizeof c->in - 1 - c->held, 0);
    char *at = c->in, *end;

    if (came <= 0) {
        forget(c);
        return;
    }
    c->held += (size_t)came;
    c->in[c->held] = '\0';
    while ((end = strstr(at, "\r\n\r\n")) != NULL) {
        answer(o, c->fd, at);
        at = end + 4;
    }
    c->held -= (size_t)(at - c->in);
    if (c->held == sizeof c->in - 1) {
        forget(c);
        return;
    }
    memmove(c->in, at, c->held);
}

static void take_connections(struct origin *o)
{
    int fd;

    while ((fd = accept4(o->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = malloc(sizeof *c);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

        if (c == NULL) {
            close(fd);
            return;
        }
        c->fd = fd;
        c->held = 0;
        if (epoll_ctl(o->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            forget(c);
    }
}

static int open_listener(const char *address, uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || // inherited
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4096) != 0)
        return -1;
    return fd;
}

int main(int argc, char **argv)
{
    struct origin o = {
        .listener = -1, .epoll = epoll_create1(EPOLL_CLOEXEC), .body = malloc(BODY_MAX)
    };
    struct epoll_event event = { .events = EPOLLIN }, events[EVENTS_MAX];

    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 || argc == 3)
        o.listener = open_listener(argc == 3 ? argv[2] : "127.0.0.1", (uint16_t)atoi(argv[1]));
    if (o.listener < 0 || o.body == NULL ||
        epoll_ctl(o.epoll, EPOLL_CTL_ADD, o.listener, &event) != 0) {
        fprintf(stderr, "http_origin: cannot listen; usage: http_origin PORT [ADDRESS]\n");
        return 2;
    }
    for (size_t i = 0; i < BODY_MAX; i++)
        o.body[i] = (char)('a' + i % 26);
    for (;;) {
        int count = epoll_wait(o.epoll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                take_connections(&o);
            else
                serve(&o, events[i].data.ptr);
        }
    }
}
