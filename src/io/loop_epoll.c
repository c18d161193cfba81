// SPDX-License-Identifier: Apache-2.0
/*
 * The real kernel. Each descriptor is registered once, edge-triggered and for everything; after
 * that a request costs one receive and one send and nothing else.
 */
#include <errno.h>
#include <linux/icmp.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/kernel.h"

enum {
    BACKLOG = 16384,
    DATAGRAM_BUFFER_BYTES = 4 << 20,
    // What the kernel holds for a connection beyond what is on its way. Without it, who reads
    // slowly pins megabytes of its memory, and it tells us of what was read in steps as large.
    UNSENT_MAX = 256 << 10,
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

struct kernel_epoll {
    struct kernel kernel;
    int epoll, wake;
    bool has_fine_wait; // older kernels, some sandboxes and valgrind know no epoll_pwait2
    struct epoll_event events[KERNEL_EVENTS_MAX];
    struct mmsghdr messages[KERNEL_BATCH_MAX];
    struct iovec pieces[KERNEL_BATCH_MAX];
    struct sockaddr_in6 peers[KERNEL_BATCH_MAX]; // room for both families
};

static struct kernel_epoll *of(struct kernel *kernel)
{
    return container_of(kernel, struct kernel_epoll, kernel);
}

static struct instant now(struct kernel *kernel)
{
    struct timespec t;

    (void)kernel;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct instant){ t.tv_sec * INT64_C(1000000000) + t.tv_nsec };
}

static struct wall wall(struct kernel *)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME_COARSE, &t); // its few milliseconds are what a wall clock is worth
    return (struct wall){ t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000 };
}

static struct moment moment(struct kernel *)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (struct moment){ t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000 };
}

/* To the nanosecond where the system can, else to the next millisecond. */
static int wait_on(struct kernel_epoll *k, int room, struct span wait)
{
    struct timespec limit = { .tv_sec = wait.ns / 1000000000, .tv_nsec = wait.ns % 1000000000 };
    int64_t ms = wait.ns < 0 ? -1 : (wait.ns + 999999) / 1000000;

    if (k->has_fine_wait)
        return epoll_pwait2(k->epoll, k->events, room, wait.ns < 0 ? NULL : &limit, NULL);
    return epoll_wait(k->epoll, k->events, room, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static size_t wait_for(
    struct kernel *kernel, struct kernel_event *events, size_t most, struct span wait)
{
    struct kernel_epoll *k = of(kernel);
    int came = wait_on(k, most < KERNEL_EVENTS_MAX ? (int)most : KERNEL_EVENTS_MAX, wait);
    size_t count = 0;

    for (int i = 0; i < came; i++) {
        uint32_t what = k->events[i].events;

        // The wake-up's counter is never read: edge-triggered, each write tells anew.
        if (k->events[i].data.ptr == k)
            continue;
        events[count++] = (struct kernel_event){ .owner = k->events[i].data.ptr,
            .readable = (what & EPOLLIN) != 0,
            .writable = (what & EPOLLOUT) != 0,
            .ended = (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 };
    }
    return count;
}

static void wake(struct kernel *kernel)
{
    uint64_t one = 1;
    ssize_t written = write(of(kernel)->wake, &one, sizeof one);

    (void)written; // it can only fail when a wake-up is pending already
}

static socklen_t to_address(const struct endpoint *from, union address *to)
{
    *to = (union address){ 0 };
    if (from->ip.family == IP_V4) {
        to->v4.sin_family = AF_INET;
        to->v4.sin_port = htons(from->port);
        memcpy(&to->v4.sin_addr, from->ip.bytes, 4);
        return sizeof to->v4;
    }
    to->v6.sin6_family = AF_INET6;
    to->v6.sin6_port = htons(from->port);
    memcpy(&to->v6.sin6_addr, from->ip.bytes, 16);
    return sizeof to->v6;
}

static struct endpoint from_address(const void *address)
{
    struct endpoint at = { 0 };
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memcpy(&any, address, sizeof any);
    if (any.sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        at.ip.family = IP_V4;
        at.port = ntohs(v4.sin_port);
        memcpy(at.ip.bytes, &v4.sin_addr, 4);
    } else if (any.sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        at.ip.family = IP_V6;
        at.port = ntohs(v6.sin6_port);
        memcpy(at.ip.bytes, &v6.sin6_addr, 16);
    }
    return at;
}

/* The error of the call that failed, with the descriptor closed. */
static enum err give_up(int fd)
{
    int number = errno;

    if (fd >= 0)
        close(fd);
    return err_from_errno(number);
}

static void set_option(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof value);
}

static void turn_on(int fd, int level, int option)
{
    set_option(fd, level, option, 1);
}

static enum err socket_at(const struct endpoint *at, int type, int *fd)
{
    union address address;
    socklen_t length = to_address(at, &address);
    int s = socket(address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (s < 0)
        return give_up(s);
    if (address.any.sa_family == AF_INET6)
        turn_on(s, IPPROTO_IPV6, IPV6_V6ONLY);
    turn_on(s, SOL_SOCKET, SO_REUSEADDR);
    turn_on(s, SOL_SOCKET, SO_REUSEPORT);
    if (bind(s, &address.any, length) != 0)
        return give_up(s);
    *fd = s;
    return ERR_NONE;
}

static enum err listen_at(struct kernel *kernel, const struct endpoint *at, int *fd)
{
    int s = -1;

    (void)kernel;
    TRY(socket_at(at, SOCK_STREAM, &s));
    turn_on(s, IPPROTO_TCP, TCP_NODELAY); // inherited by what is accepted, as is the next
    set_option(s, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MAX);
    if (listen(s, BACKLOG) != 0)
        return give_up(s);
    *fd = s;
    return ERR_NONE;
}

/* Nobody answers behind that name: the socket's owner died without removing it. */
static bool is_stale(const union address *address)
{
    struct stat file;
    bool is_refused;
    int s;

    if (lstat(address->local.sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return false;
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    is_refused =
        s >= 0 && connect(s, &address->any, sizeof address->local) != 0 && errno == ECONNREFUSED;
    if (s >= 0)
        close(s);
    return is_refused;
}

static enum err listen_unix(struct kernel *kernel, const char *path, int *fd)
{
    union address address = { .local = { .sun_family = AF_UNIX } };
    size_t length = strlen(path);
    int s;

    (void)kernel;
    if (length == 0 || length >= sizeof address.local.sun_path)
        return ERR_RANGE;
    memcpy(address.local.sun_path, path, length);
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0)
        return give_up(s);
    if (bind(s, &address.any, sizeof address.local) != 0) {
        if (errno != EADDRINUSE || !is_stale(&address))
            return give_up(s);
        if (unlink(path) != 0 || bind(s, &address.any, sizeof address.local) != 0)
            return give_up(s);
    }
    // Nobody can connect before listen, so there is no moment with other rights.
    if (chmod(path, 0600) != 0 || listen(s, BACKLOG) != 0)
        return give_up(s);
    *fd = s;
    return ERR_NONE;
}

static enum err accept_one(struct kernel *kernel, int fd, struct endpoint *peer, int *accepted)
{
    union address address;
    socklen_t length = sizeof address;
    int s = accept4(fd, &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)kernel;
    if (s < 0) {
        enum err err = err_from_errno(errno);

        // accept(2): errors that were pending on the new connection come here.
        return err == ERR_AGAIN || err == ERR_LIMIT || errno == EBADF || errno == EINVAL
                   ? err
                   : ERR_RESET;
    }
    *peer = from_address(&address);
    *accepted = s;
    return ERR_NONE;
}

static enum err connect_to(struct kernel *kernel, const struct endpoint *to, int *fd)
{
    union address address;
    socklen_t length = to_address(to, &address);
    int s = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    (void)kernel;
    if (s < 0)
        return give_up(s);
    turn_on(s, IPPROTO_TCP, TCP_NODELAY);
    if (connect(s, &address.any, length) != 0 && errno != EINPROGRESS)
        return give_up(s);
    *fd = s;
    return ERR_NONE;
}

static enum err connect_result(struct kernel *kernel, int fd)
{
    union address address;
    socklen_t length = sizeof address;
    int number = 0;
    socklen_t size = sizeof number;

    (void)kernel;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        return err_from_errno(errno);
    if (number == 0 && getpeername(fd, &address.any, &length) != 0)
        return ERR_AGAIN;
    return err_from_errno(number);
}

static struct endpoint local(struct kernel *kernel, int fd)
{
    union address address;
    socklen_t length = sizeof address;

    (void)kernel;
    if (getsockname(fd, &address.any, &length) != 0)
        return (struct endpoint){ 0 };
    return from_address(&address);
}

static enum err receive(struct kernel *kernel, int fd, void *room, size_t most, size_t *got)
{
    ssize_t came = recv(fd, room, most, 0);

    (void)kernel;
    if (came < 0)
        return err_from_errno(errno);
    *got = (size_t)came;
    return ERR_NONE;
}

static enum err send_all(
    struct kernel *kernel, int fd, const struct iovec *iov, size_t count, size_t *sent)
{
    ssize_t went;

    (void)kernel;
    if (count == 1) { // the usual answer; spares the kernel a copy of the header
        went = send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
    } else {
        struct iovec *pieces;

        memcpy(&pieces, &iov, sizeof pieces); // sendmsg does not write, but does not say so
        went =
            sendmsg(fd, &(struct msghdr){ .msg_iov = pieces, .msg_iovlen = count }, MSG_NOSIGNAL);
    }
    if (went < 0)
        return err_from_errno(errno);
    *sent = (size_t)went;
    return ERR_NONE;
}

static enum err peer_user(struct kernel *kernel, int fd, uint32_t *user)
{
    struct ucred peer;
    socklen_t length = sizeof peer;

    (void)kernel;
    // unix(7): as of the time of connect; of any other kind of socket there is no such user.
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.uid == (uid_t)-1)
        return ERR_UNSUPPORTED;
    *user = peer.uid;
    return ERR_NONE;
}

static size_t send_room(struct kernel *kernel, int fd)
{
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t length = sizeof memory;

    (void)kernel;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0 || length < sizeof memory ||
        memory[SK_MEMINFO_WMEM_QUEUED] > memory[SK_MEMINFO_SNDBUF])
        return 0;
    size_t left = memory[SK_MEMINFO_SNDBUF] - memory[SK_MEMINFO_WMEM_QUEUED];
    int unsent = 0;

    left -= left / 16; // its own bookkeeping is in that too
    if (ioctl(fd, SIOCOUTQNSD, &unsent) != 0 || unsent < 0 || unsent > UNSENT_MAX)
        return 0;
    // A buffer may have grown to megabytes for a reader that was quick; this one is not.
    return left < (size_t)(UNSENT_MAX - unsent) ? left : (size_t)(UNSENT_MAX - unsent);
}

static enum err round_trip(struct kernel *kernel, int fd, struct span *rtt)
{
    struct tcp_info info;
    socklen_t length = sizeof info;

    (void)kernel;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 || info.tcpi_rtt == 0)
        return ERR_UNSUPPORTED;
    *rtt = span_us(info.tcpi_rtt);
    return ERR_NONE;
}

static enum err untaken(struct kernel *kernel, int fd, size_t *bytes)
{
    int queued = 0;

    (void)kernel;
    if (ioctl(fd, SIOCOUTQ, &queued) != 0 || queued < 0)
        return ERR_UNSUPPORTED;
    *bytes = (size_t)queued;
    return ERR_NONE;
}

static void shut(struct kernel *kernel, int fd)
{
    (void)kernel;
    shutdown(fd, SHUT_WR);
}

/* Best effort: the forced ones need a privilege, the others are cut to the system's limit. */
static void widen_buffers(int fd)
{
    int bytes = DATAGRAM_BUFFER_BYTES;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static enum err datagram_open(struct kernel *kernel, const struct endpoint *at, int *fd)
{
    int s = -1;

    (void)kernel;
    TRY(socket_at(at, SOCK_DGRAM, &s));
    widen_buffers(s);
    *fd = s;
    return ERR_NONE;
}

/* A raw socket hears every ICMP message that comes to the machine; let only answers pass. */
static void hear_answers_alone(int fd, enum ip_family family)
{
    struct icmp_filter v4 = { .data = ~(1U << ICMP_ECHOREPLY) }; // a bit blocks
    struct icmp6_filter v6;

    ICMP6_FILTER_SETBLOCKALL(&v6);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6);
    if (family == IP_V4)
        setsockopt(fd, SOL_RAW, ICMP_FILTER, &v4, sizeof v4);
    else
        setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6, sizeof v6);
}

static enum err echo_open(struct kernel *kernel, enum ip_family family, int *fd)
{
    int domain = family == IP_V4 ? AF_INET : AF_INET6;
    int protocol = family == IP_V4 ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
    int s = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

    (void)kernel;
    if (s < 0) {
        s = socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
        if (s < 0)
            return give_up(s);
        hear_answers_alone(s, family);
    }
    widen_buffers(s);
    *fd = s;
    return ERR_NONE;
}

static size_t datagram_receive(
    struct kernel *kernel, int fd, struct kernel_datagram *batch, size_t most)
{
    struct kernel_epoll *k = of(kernel);
    unsigned room = most < KERNEL_BATCH_MAX ? (unsigned)most : KERNEL_BATCH_MAX;

    for (unsigned i = 0; i < room; i++) {
        k->pieces[i] = batch[i].bytes;
        k->messages[i].msg_hdr.msg_namelen = sizeof k->peers[i];
    }
    int came = recvmmsg(fd, k->messages, room, MSG_DONTWAIT, NULL);

    for (int i = 0; i < came; i++) {
        batch[i].peer = from_address(&k->peers[i]);
        batch[i].bytes.iov_len = k->messages[i].msg_len;
    }
    return came < 0 ? 0 : (size_t)came;
}

static size_t datagram_send(
    struct kernel *kernel, int fd, const struct kernel_datagram *batch, size_t count)
{
    struct kernel_epoll *k = of(kernel);
    size_t room = count < KERNEL_BATCH_MAX ? count : KERNEL_BATCH_MAX, taken = 0;

    for (size_t i = 0; i < room; i++) {
        union address address;
        socklen_t length = to_address(&batch[i].peer, &address);

        memcpy(&k->peers[i], &address, length);
        k->pieces[i] = batch[i].bytes;
        k->messages[i].msg_hdr.msg_namelen = length;
    }
    for (size_t at = 0; at < room;) {
        int sent = sendmmsg(fd, k->messages + at, (unsigned)(room - at), MSG_DONTWAIT);

        if (sent < 0 && errno == EAGAIN)
            break;
        taken += sent > 0 ? (size_t)sent : 0;
        at += sent > 0 ? (size_t)sent : 1; // one that cannot be sent must not hold up the others
    }
    return taken;
}

static enum err watch(struct kernel *kernel, int fd, void *owner)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = owner };

    if (epoll_ctl(of(kernel)->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        return errno == ENOSPC ? ERR_LIMIT : err_from_errno(errno);
    return ERR_NONE;
}

static void unwatch(struct kernel *kernel, int fd)
{
    epoll_ctl(of(kernel)->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void close_fd(struct kernel *kernel, int fd, bool reset)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    (void)kernel;
    if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static void free_kernel(struct kernel *kernel)
{
    struct kernel_epoll *k = of(kernel);

    if (k->epoll >= 0)
        close(k->epoll);
    if (k->wake >= 0)
        close(k->wake);
    mem_free(k);
}

static const struct kernel_ops OPS = {
    .now = now,
    .wall = wall,
    .moment = moment,
    .wait = wait_for,
    .wake = wake,
    .listen = listen_at,
    .listen_unix = listen_unix,
    .accept = accept_one,
    .connect = connect_to,
    .connect_result = connect_result,
    .local = local,
    .receive = receive,
    .send = send_all,
    .room = send_room,
    .round_trip = round_trip,
    .untaken = untaken,
    .peer_user = peer_user,
    .shut = shut,
    .datagram_open = datagram_open,
    .echo_open = echo_open,
    .datagram_receive = datagram_receive,
    .datagram_send = datagram_send,
    .watch = watch,
    .unwatch = unwatch,
    .close = close_fd,
    .free = free_kernel,
};

enum err kernel_epoll_new(struct kernel **kernel)
{
    struct kernel_epoll *k = mem_new(struct kernel_epoll);
    struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = k };

    k->kernel.ops = &OPS;
    k->epoll = epoll_create1(EPOLL_CLOEXEC);
    k->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (k->epoll < 0 || k->wake < 0 || epoll_ctl(k->epoll, EPOLL_CTL_ADD, k->wake, &event) != 0) {
        enum err err = err_from_errno(errno);

        free_kernel(&k->kernel);
        return err;
    }
    k->has_fine_wait = true;
    k->has_fine_wait = wait_on(k, KERNEL_EVENTS_MAX, (struct span){ 0 }) >= 0;
    for (size_t i = 0; i < KERNEL_BATCH_MAX; i++) {
        k->messages[i].msg_hdr.msg_iov = &k->pieces[i];
        k->messages[i].msg_hdr.msg_iovlen = 1;
        k->messages[i].msg_hdr.msg_name = &k->peers[i];
    }
    *kernel = &k->kernel;
    return ERR_NONE;
}

void kernel_free(struct kernel *kernel)
{
    if (kernel != NULL)
        kernel->ops->free(kernel);
}
