// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the tests of asking ask: a Unix socket with somebody behind it who says one thing. */

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/client.h"

/* A node that says one thing, whatever it is asked, and ends the connection. */
struct says_node {
    char folder[64], path[100];
    const char *says;
    bool keeps_silent; // until the client has left
    char asked[1024];
    int listener;
    pthread_t thread;
};

static inline void *says_main(void *argument)
{
    struct says_node *node = argument;
    int fd = accept(node->listener, NULL, NULL);
    size_t length = 0;

    while (strstr(node->asked, "\r\n\r\n") == NULL) {
        ssize_t got = recv(fd, node->asked + length, sizeof node->asked - 1 - length, 0);

        if (got <= 0)
            break;
        length += (size_t)got;
    }
    if (node->keeps_silent)
        while (recv(fd, node->asked, 1, 0) > 0)
            ;
    for (const char *at = node->says; *at != '\0';) { // in small pieces
        ssize_t went = send(fd, at, strlen(at) < 7 ? strlen(at) : 7, MSG_NOSIGNAL);

        if (went <= 0)
            break;
        at += went;
    }
    close(fd);
    return NULL;
}

static inline void says_start(struct says_node *node, const char *says)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    memset(node, 0, sizeof *node);
    node->says = says;
    snprintf(node->folder, sizeof node->folder, "/tmp/admin-client-XXXXXX");
    assert_non_null(mkdtemp(node->folder));
    snprintf(node->path, sizeof node->path, "%s/admin.sock", node->folder);
    memcpy(address.sun_path, node->path, sizeof node->path);
    node->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(node->listener, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(node->listener, 1), 0);
}

static inline void says_end(struct says_node *node)
{
    close(node->listener);
    unlink(node->path);
    rmdir(node->folder);
}
