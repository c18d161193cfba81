// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Datagrams in batches: what arrived in one call is handed over in one call, answers are written
 * beside the questions, and all of them leave in one call.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/slice.h"

struct loop;
struct datagram_socket;
struct datagram_user;

enum {
    DATAGRAM_BATCH_MAX = 64,
    DATAGRAM_IN_MAX = 4096,  // a longer one is cut, as the kernel does
    DATAGRAM_OUT_MAX = 4096, // room for each answer
};

struct datagram {
    const struct endpoint *peer;
    struct slice in;
    char *out;         // DATAGRAM_OUT_MAX bytes
    size_t out_length; // 0: no answer
};

/* What the batch points to is good for the call. */
typedef void datagram_batch_fn(struct datagram_user *user, struct datagram *batch, size_t count);

struct datagram_user {
    datagram_batch_fn *batch;
};

/* Bound with SO_REUSEPORT. Bound to one address, answers come from it; so a host with several has
 * a socket for each. */
[[nodiscard]] enum err datagram_open(struct loop *loop, const struct endpoint *at,
    struct datagram_user *user, struct datagram_socket **socket);

/* For ICMP echo requests and what answers them (echo_open of io/kernel.h); used by io/ping.h. */
[[nodiscard]] enum err datagram_open_echo(struct loop *loop, enum ip_family family,
    struct datagram_user *user, struct datagram_socket **socket);

/* Where it is bound, with the port the system chose where 0 was asked for. */
struct endpoint datagram_at(const struct datagram_socket *socket);

/* Accepts NULL. */
void datagram_close(struct datagram_socket *socket);

/* One datagram of our own; lost ones are lost. False: the system did not even take it; counted. */
bool datagram_send(struct datagram_socket *socket, const struct endpoint *to, struct slice bytes);
