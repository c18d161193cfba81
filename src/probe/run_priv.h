// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One probe under way, between the engine (probe/probe.c), which starts it, times it and tells
 * what came of it, and the runner that speaks the check's protocol.
 *
 * A runner embeds `struct run` and learns what to do from run->check. It reads the check anew at
 * each use and keeps no slice of it, since another release may put an equal one in its place.
 */

#include "base/list.h"
#include "io/loop.h"
#include "probe/probe.h"

struct ping;
struct run;
struct tls_client;
struct watch;

struct runner {
    /* Zeroed memory in which the run is embedded. */
    struct run *(*create)(void);
    /* Sets out; may call run_over at once. */
    void (*start)(struct run *run);
    /* Closes whatever is open, calling back nobody, and frees the run. */
    void (*drop)(struct run *run);
};

struct run {
    struct list link; // in its watch, oldest first
    const struct runner *runner;
    struct watch *watch;
    const struct check *check;
    struct loop *loop;
    struct ping *ping;
    struct timer timer; // the check's timeout
    struct instant start;
    struct probe_result result; // what is known so far: status, latency, load
    bool is_late;               // a later one has answered: a miss of this one says nothing
    bool load_is_wrong;         // load metrics came that could not be understood
};

extern const struct runner ftp_runner, http_runner, icmp_runner, tcp_runner;

/* The end: the run is dropped and its result told. */
void run_over(struct run *run, enum probe_outcome outcome);

/* The same, for a connection that ended with `why` before all came, or was never open. */
void run_failed(struct run *run, enum err why, bool was_open);

/* Whom the check trusts to vouch for its target; NULL: the file of authorities is no good. */
struct tls_client *run_trust(struct run *run);

/* The round trip is over: latency is the time since the start. */
void run_note_latency(struct run *run);
