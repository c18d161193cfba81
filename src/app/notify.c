// SPDX-License-Identifier: Apache-2.0
#include "app/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum err notify_tell(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };

    if (name == NULL || name[0] == '\0')
        return ERR_NONE;
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || length >= sizeof to.sun_path)
        return ERR_RANGE;
    memcpy(to.sun_path, name, length);
    if (name[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ERR_SYSTEM;
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
        (const struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));

    close(fd);
    return sent < 0 ? ERR_SYSTEM : ERR_NONE;
}
