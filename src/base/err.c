// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const char *err_text(enum err err)
{
    switch (err) {
#define X(name, text) \
    case ERR_##name: return text;
        ERR_LIST(X)
#undef X
    }
    return "unknown error";
}

enum err err_from_errno(int number)
{
    switch (number) {
    case 0: return ERR_NONE;
    case EAGAIN:
    case EINPROGRESS: return ERR_AGAIN;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE: return ERR_RESET;
    case ECONNREFUSED: return ERR_REFUSED;
    case ETIMEDOUT: return ERR_TIMEOUT;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN: return ERR_UNREACHABLE;
    case EADDRINUSE: return ERR_ADDRESS_IN_USE;
    case EADDRNOTAVAIL: return ERR_ADDRESS;
    case EACCES:
    case EPERM: return ERR_DENIED;
    case ENOENT: return ERR_MISSING;
    case EEXIST: return ERR_EXISTS;
    case ENOSPC: return ERR_SPACE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return ERR_LIMIT;
    default: return ERR_SYSTEM;
    }
}

void diag_say(struct diag *why, const char *fmt, ...)
{
    va_list args;

    if (why == NULL)
        return;
    va_start(args, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, args);
    va_end(args);
}
