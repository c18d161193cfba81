// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Tells who started us that we serve, by systemd's protocol: a datagram to the socket that
 * NOTIFY_SOCKET names, a path, or with an @ before it an abstract name. So a unit that waits for us
 * waits for open ports, and a start that fails is seen to fail.
 */

#include "base/err.h"

/*
 * `state`: "READY=1". ERR_NONE too where nobody asked to be told. ERR_RANGE: NOTIFY_SOCKET is no
 * name of a socket; ERR_SYSTEM: nobody hears there.
 */
[[nodiscard]] enum err notify_tell(const char *state);
