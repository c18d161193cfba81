// SPDX-License-Identifier: Apache-2.0
#include "app/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err make_folder(const char *path, mode_t mode, struct diag *why)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return ERR_NONE;
    diag_say(why, "the folder %s cannot be made: %s; make it, or set `state` to another", path,
        strerror(errno));
    return err_from_errno(errno);
}

enum err state_lock(struct slice state, struct slice node, int *lock, struct diag *why)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%.*s", SLICE_ARG(state));
    TRY(make_folder(path, 0755, why));
    snprintf(path, sizeof path, "%.*s/%.*s", SLICE_ARG(state), SLICE_ARG(node));
    TRY(make_folder(path, 0700, why));
    snprintf(path, sizeof path, "%.*s/%.*s/lock", SLICE_ARG(state), SLICE_ARG(node));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        diag_say(why, "%s cannot be opened: %s", path, strerror(errno));
        return err_from_errno(errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        diag_say(why,
            "node %.*s runs already: another process holds %s; stop it first, or use "
            "`waypost reload` for a changed configuration",
            SLICE_ARG(node), path);
        return ERR_EXISTS;
    }
    *lock = fd;
    return ERR_NONE;
}

const char *state_path(
    struct slice state, struct slice node, const char *file, char path[STATE_PATH_MAX])
{
    snprintf(path, STATE_PATH_MAX, "%.*s/%.*s/%s", SLICE_ARG(state), SLICE_ARG(node), file);
    return path;
}
