// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Subjects, the addresses of messages on NATS:
 *
 *     waypost.NETWORK.LANE.NODE
 *     waypost.NETWORK.orders        kept by the stream waypost_NETWORK_orders
 *
 * Names may hold any byte; in a subject dots part and stars are patterns, so that all but letters,
 * digits, '-' and '_' is written as '%' and two hexadecimal digits in capitals. One name has one
 * form: a subject that is written otherwise was not made by us. Pure.
 */

#include <stdbool.h>

#include "bus/bus.h"

enum {
    SUBJECT_NAME_MAX = 3 * BUS_NAME_MAX,     // escaped
    SUBJECT_MAX = 2 * SUBJECT_NAME_MAX + 32, // with the terminating zero
};

/* Written to `out`, with room for SUBJECT_MAX. Names have 1 to BUS_NAME_MAX bytes. */
void subject_write(char *out, struct slice network, enum bus_lane lane, struct slice node);

/* The pattern of all lanes and nodes of a network. */
void subject_write_all(char *out, struct slice network);

/* Of the log: the subject of its orders, which is not among those, and the name of its stream. */
void subject_write_log(char *out, struct slice network);
void subject_write_stream(char *out, struct slice network);

/*
 * False: not a subject of this network, no lane we know, or a name that is empty, too long or not
 * in its form. `room` takes the name, BUS_NAME_MAX bytes, and *node is in it.
 */
bool subject_read(struct slice subject, struct slice network, enum bus_lane *lane, char *room,
    struct slice *node);
