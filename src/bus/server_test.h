// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A real nats-server on loopback, as a child that does not outlive the test. */

#include <arpa/inet.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/addr.h"

const char *leaks_accepted(void) __asm__("__lsan_default_suppressions");

/* libnats (3.4) forgets the part of a message that it has when its connection ends. */
const char *leaks_accepted(void)
{
    return "leak:natsBuf_Create";
}

struct nats_server {
    char folder[64];     // for its configuration and what that names
    char jetstream[128]; // configuration of a log in it
    uint16_t port;
    pid_t process; // 0: not running
};

static inline void sleep_ms(long ms)
{
    struct timespec wait = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&wait, NULL);
}

static inline struct sockaddr_in server_address(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline struct endpoint server_endpoint(const struct nats_server *s)
{
    return (struct endpoint){ ip_v4(127, 0, 0, 1), s->port };
}

/* A blocking connection; -1 when there is nobody. */
static inline int server_connect(const struct nats_server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = server_address(s->port);

    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A port that was free a moment ago. */
static inline void server_init(struct nats_server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = server_address(0);
    socklen_t length = sizeof address;

    *s = (struct nats_server){ .folder = "/tmp/bus-test-XXXXXX" };
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->jetstream, sizeof s->jetstream, "jetstream { store_dir: \"%s\", max_file: 100MB }",
        s->folder);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    s->port = ntohs(address.sin_port);
    close(fd);
}

static inline void server_path(const struct nats_server *s, const char *name, char *path)
{
    snprintf(path, 128, "%s/%s", s->folder, name);
}

/* With so much more in its configuration; returns when it takes connections. */
static inline void server_start(struct nats_server *s, const char *more)
{
    char path[128];

    server_path(s, "conf", path);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "listen: 127.0.0.1:%u\n%s\n", s->port, more);
    fclose(file);
    fflush(stdout); // or the child would print it again
    s->process = fork();
    if (s->process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl("/usr/sbin/nats-server", "nats-server", "-c", path, "-l", "/dev/null", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500; i++) {
        int fd = server_connect(s);

        if (fd >= 0) {
            close(fd);
            return;
        }
        assert_int_equal(waitpid(s->process, NULL, WNOHANG), 0);
        sleep_ms(10);
    }
    fail_msg("nats-server does not come up");
}

static inline void server_signal(const struct nats_server *s, int number)
{
    kill(s->process, number);
}

static inline void server_kill(struct nats_server *s)
{
    if (s->process == 0)
        return;
    server_signal(s, SIGKILL);
    waitpid(s->process, NULL, 0);
    s->process = 0;
}

static inline int server_remove(const char *path, const struct stat *, int, struct FTW *)
{
    return remove(path);
}

static inline void server_done(struct nats_server *s)
{
    server_kill(s);
    nftw(s->folder, server_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Says so to the server, as a client of its own would, and waits until it was taken. */
static inline void server_say(const struct nats_server *s, const char *text)
{
    int fd = server_connect(s);
    char answer[4096] = "";
    size_t got = 0;

    assert_true(fd >= 0);
    dprintf(fd, "CONNECT {\"verbose\":false}\r\n%sPING\r\n", text);
    while (strstr(answer, "PONG") == NULL) {
        ssize_t more = read(fd, answer + got, sizeof answer - 1 - got);

        assert_true(more > 0);
        got += (size_t)more;
    }
    close(fd);
}
