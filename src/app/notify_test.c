// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/notify.h"

/* A socket that hears what is told to `name`. */
static int listen_at(const char *name)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(at.sun_path, name, strlen(name));
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (const struct sockaddr *)&at,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
        0);
    return fd;
}

static void assert_told_at(const char *name)
{
    char heard[32] = "";
    int fd = listen_at(name);

    setenv("NOTIFY_SOCKET", name, 1);
    assert_true(notify_tell("READY=1") == ERR_NONE);
    assert_int_equal(recv(fd, heard, sizeof heard, 0), 7);
    assert_memory_equal(heard, "READY=1", 7);
    close(fd);
}

static void who_asked_hears_that_we_serve(void **)
{
    char path[64], name[64];

    snprintf(path, sizeof path, "/tmp/waypost-notify-%d", (int)getpid());
    assert_told_at(path);
    unlink(path);
    snprintf(name, sizeof name, "@waypost-notify-%d", (int)getpid());
    assert_told_at(name);
}

static void where_nobody_asked_nobody_is_told(void **)
{
    unsetenv("NOTIFY_SOCKET");
    assert_true(notify_tell("READY=1") == ERR_NONE);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_true(notify_tell("READY=1") == ERR_NONE);
}

static void what_is_no_name_of_a_socket_is_an_error(void **)
{
    char name[256];

    memset(name, 'a', sizeof name - 1);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_true(notify_tell("READY=1") == ERR_RANGE);
    setenv("NOTIFY_SOCKET", "somewhere", 1);
    assert_true(notify_tell("READY=1") == ERR_RANGE);
}

static void a_socket_without_a_listener_is_an_error(void **)
{
    setenv("NOTIFY_SOCKET", "/tmp/waypost-notify-nobody", 1);
    assert_true(notify_tell("READY=1") == ERR_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asked_hears_that_we_serve),
        cmocka_unit_test(where_nobody_asked_nobody_is_told),
        cmocka_unit_test(what_is_no_name_of_a_socket_is_an_error),
        cmocka_unit_test(a_socket_without_a_listener_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
