// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Why an operation did not happen. Every function that can fail returns one of these and
 * nothing else; answers (hit or miss, up or down) have enums of their own.
 */

#include "base/attr.h"

#define ERR_LIST(X)                                               \
    X(NONE, "no error")                                           \
    X(RANGE, "value out of range")                                \
    X(STALE, "older than what is known")                          \
    X(SPACE, "no room left")                                      \
    X(PARSE, "malformed input")                                   \
    X(MISSING, "not found")                                       \
    X(EXISTS, "already there")                                    \
    X(AGAIN, "would block")                                       \
    X(CLOSED, "closed by the other side")                         \
    X(RESET, "connection reset")                                  \
    X(REFUSED, "refused")                                         \
    X(TIMEOUT, "timed out")                                       \
    X(UNREACHABLE, "unreachable")                                 \
    X(ADDRESS_IN_USE, "address already in use")                   \
    X(ADDRESS, "address is not on this machine")                  \
    X(DENIED, "permission denied")                                \
    X(LIMIT, "limit reached")                                     \
    X(UNSUPPORTED, "not supported")                               \
    X(CONFIG, "configuration is wrong")                           \
    X(TLS, "TLS failed")                                          \
    X(CERT, "certificate is not valid")                           \
    X(CERT_TIME, "certificate has expired or is not yet valid")   \
    X(CERT_NAME, "certificate is for another name")               \
    X(CERT_AUTHORITY, "certificate is from an unknown authority") \
    X(SYSTEM, "system call failed")

enum err {
#define X(name, text) ERR_##name,
    ERR_LIST(X)
#undef X
};

/* Leaves the calling function with the error, if there is one. The only macro that may return. */
#define TRY(call)                   \
    do {                            \
        enum err try_err_ = (call); \
        if (try_err_ != ERR_NONE)   \
            return try_err_;        \
    } while (0)

/* Static text, never NULL. */
const char *err_text(enum err err);

/* The error that says what errno says; ERR_SYSTEM where none fits better. */
enum err err_from_errno(int number);

enum { DIAG_TEXT_MAX = 400, DIAG_FILE_MAX = 200 };

/*
 * What a human needs to mend an error. Filled only on failure; parsing never prints. File and
 * place are there for settings, empty for the rest.
 */
struct diag {
    char file[DIAG_FILE_MAX];
    int line;   // from 1; 0: no place
    int column; // from 1
    char text[DIAG_TEXT_MAX];
};

/* Writes the text, cut to fit. Accepts NULL, for callers who do not ask why. */
void diag_say(struct diag *why, const char *fmt, ...) PRINTS(2, 3);
