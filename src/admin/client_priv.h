// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Who is asked from afar: client_afar.c, for client_ask. */

#include "admin/client.h"

[[nodiscard]] enum err client_ask_afar(
    const struct client_ask *ask, struct client_answer *answer, struct diag *why);
