// SPDX-License-Identifier: Apache-2.0
/* Where the admin face may be asked: loopback, and a Unix socket in the node's folder. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "admin/admin_priv.h"

static bool is_loopback(const struct ip *ip)
{
    static const struct ip SIX = { .family = IP_V6, .bytes = { [15] = 1 } };

    return (ip->family == IP_V4 && ip->bytes[0] == 127) || ip_equal(ip, &SIX);
}

enum err admin_may_listen(const struct endpoint *at, struct diag *why)
{
    char text[ENDPOINT_TEXT_MAX];

    if (is_loopback(&at->ip))
        return ERR_NONE;
    diag_say(why,
        "admin cannot listen on %s: anything but loopback needs `admin: {tls: ..., token: ...}`; "
        "without, ask over the Unix socket or 127.0.0.1, from afar through ssh",
        endpoint_text(at, text));
    return ERR_DENIED;
}

enum err admin_socket_path(
    struct slice state, struct slice node, char path[ADMIN_PATH_MAX], struct diag *why)
{
    int length =
        snprintf(path, ADMIN_PATH_MAX, "%.*s/%.*s/admin.sock", SLICE_ARG(state), SLICE_ARG(node));

    if (length < ADMIN_PATH_MAX)
        return ERR_NONE;
    diag_say(why,
        "%.*s/%.*s/admin.sock is longer than the path of a socket may be (%d bytes); set "
        "a shorter `state`",
        SLICE_ARG(slice_head(state, 200)), SLICE_ARG(node), ADMIN_PATH_MAX - 1);
    return ERR_LIMIT;
}

/* The folder and those above it, where they are missing. */
static enum err make_folders(char *path, struct diag *why)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0755);

        if (made != 0 && errno != EEXIST) {
            diag_say(why, "the folder %s cannot be made: %s", path, strerror(errno));
            *slash = '/';
            return err_from_errno(errno);
        }
        *slash = '/';
    }
    return ERR_NONE;
}

enum err admin_open_unix(struct admin *admin, struct slice state, struct slice node,
    struct listener **listener, struct diag *why)
{
    char path[ADMIN_PATH_MAX];

    TRY(admin_socket_path(state, node, path, why));
    TRY(make_folders(path, why));
    enum err err = listener_open_unix(admin->loop, path, admin_listener(admin), listener);

    if (err != ERR_NONE)
        diag_say(why, "the admin socket %s cannot be opened: %s", path, err_text(err));
    return err;
}
