// SPDX-License-Identifier: Apache-2.0
#include "admin/token.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* What is wrong with it; NULL: nothing. RFC 6750 §2.1: b68token. */
static const char *fault_of(struct slice token)
{
    if (token.length < ADMIN_TOKEN_MIN)
        return "it is shorter than 16 characters; `openssl rand -hex 32` makes a good one";
    if (token.length > ADMIN_TOKEN_MAX)
        return "it is longer than 512 characters";
    for (size_t i = 0; i < token.length; i++)
        if (token.at[i] <= ' ' || token.at[i] > '~')
            return "it has characters other than letters, digits and signs";
    return NULL;
}

enum err admin_token_load(struct slice file, char **token, struct diag *why)
{
    char path[PATH_MAX], bytes[2 * ADMIN_TOKEN_MAX];

    snprintf(path, sizeof path, "%.*s", SLICE_ARG(file));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // no wait for a pipe's writer
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    const char *fault = got < 0 ? strerror(errno) : NULL;

    if (fd >= 0)
        close(fd);
    struct slice text = slice_of(bytes, got < 0 ? 0 : (size_t)got);

    while (text.length > 0 && strchr(" \t\r\n", text.at[text.length - 1]) != NULL)
        text = slice_head(text, text.length - 1);
    text = slice_trim(text);
    if (fault == NULL)
        fault = fault_of(text);
    if (fault != NULL) {
        diag_say(why, "%s cannot be used: %s", path, fault);
        return ERR_CONFIG;
    }
    *token = mem_text(text.at, text.length);
    return ERR_NONE;
}

bool admin_token_shown(struct slice authorization, struct slice *token)
{
    struct slice scheme = slice_head(authorization, strlen("Bearer "));
    struct slice shown = slice_trim(slice_from(authorization, scheme.length));

    if (!slice_same(scheme, SLICE("Bearer ")) || fault_of(shown) != NULL)
        return false;
    *token = shown;
    return true;
}
