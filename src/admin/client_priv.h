// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the ways of asking share: client.c asks here, client_afar.c from afar, client_listen.c goes
 * on to listen. */

#include "admin/client.h"
#include "admin/text.h"

/* A connection to a node here. */
struct client_call {
    const struct client_ask *ask;
    const char *name; // of who is asked, for people
    struct instant deadline;
    struct diag *why;
    int fd;
    char endpoint[ENDPOINT_TEXT_MAX];
};

/* Connects and sends the question; closed with client_call_end whatever came of it. */
[[nodiscard]] enum err client_call_begin(
    struct client_call *call, const struct client_ask *ask, struct diag *why);
void client_call_end(struct client_call *call);

/* Waits for bytes; *got 0: the other side has ended. */
[[nodiscard]] enum err client_call_receive(
    struct client_call *call, char *room, size_t room_bytes, size_t *got);

/* From now on the other side has so much time again. */
void client_call_be_patient(struct client_call *call);

/* Events as they come, put together from pieces. */
struct client_hearing {
    struct client_listener *listener;
    struct text pending;
    bool has_enough;
};

/* Bytes of the body; ERR_LIMIT: an event is too long. */
[[nodiscard]] enum err client_hear(struct client_hearing *hearing, struct slice bytes);

/* With a hearing the body goes there, and the answer is empty but for its status, unless that is no
 * 200. */
[[nodiscard]] enum err client_ask_afar(const struct client_ask *ask, struct client_hearing *hearing,
    struct client_answer *answer, struct diag *why);
