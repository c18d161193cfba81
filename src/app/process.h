// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A running program: worker threads with a loop each, one control thread, and the nodes that live
 * on them. Start opens everything or nothing; a reload has two phases (app/reload.h); stop lets
 * open requests end.
 */

#include "admin/admin.h"
#include "app/certificates_watch.h"
#include "app/node.h"
#include "app/root.h"
#include "app/steering.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/errors.h"
#include "io/epoch.h"
#include "io/pool.h"
#include "io/workers.h"

struct access_log;
struct bus_hub;
struct changes;
struct consulting;
struct history;
struct ordering;
struct orders;
struct reload;
struct settling;
struct tls_tickets;
struct usage;

enum {
    PROCESS_NODES_MAX = 64,
    PROCESS_ADMIN_MAX = 64 * (FACES_MAX + 2), // ports and sockets of the admin face
};

struct process_plan {
    const char *config;        // path
    const struct slice *nodes; // names; none: those whose address this machine has
    size_t node_count;
    bool all_nodes;   // every node of the network, in this process
    unsigned workers; // 0: as many as there are processors
    enum log_level log_level;
};

struct process {
    const char *config;
    struct log log;
    struct epoch epoch;
    struct workers *workers;
    struct workers *control;
    struct pool *pool; // for blocking work
    struct access_log *access;
    struct running_node *nodes[PROCESS_NODES_MAX];
    struct steering *steering[PROCESS_NODES_MAX];  // of each
    struct orders *orders[PROCESS_NODES_MAX];      // likewise
    struct history *histories[PROCESS_NODES_MAX];  // likewise
    struct settling *settlings[PROCESS_NODES_MAX]; // likewise; NULL: it keeps no journal
    struct usage *usage[PROCESS_NODES_MAX];        // likewise
    bool is_journaled;                             // and the next start wants to know of it
    bool is_booked[PROCESS_NODES_MAX];             // all of it is on disk, or nobody wants it
    struct bus_hub *hub;                           // where they meet, unless the bus is elsewhere
    uint64_t bus_hash;                             // of the bus's settings that are in use
    size_t node_count;
    int locks[PROCESS_NODES_MAX]; // of the nodes' folders
    size_t lock_count;
    struct release *release; // in use; control thread
    struct reload *reload;
    struct tls_tickets *tickets; // of visitors; they outlive releases
    struct certificates_watch certificates_watch;
    struct ordering *ordering;
    struct consulting *consulting;
    bool is_admin_afar; // its ports are open on the nodes' own addresses
    struct admin *admin;
    struct changes *changes; // what its first node saw change
    struct admin_source source;
    struct listener *admin_listeners[PROCESS_ADMIN_MAX];
    size_t admin_listener_count;
    struct instant started;
    uint64_t descriptors; // that it may have open;
    uint32_t admitted;    // connections of each node, for which they suffice
};

/*
 * Loads the configuration, makes the nodes and opens their ports; threads run when it returns.
 * ERR_CONFIG: `errors` has the list; otherwise `why` says what is amiss.
 */
[[nodiscard]] enum err process_start(const struct process_plan *plan, struct process **process,
    struct conf_errors *errors, struct diag *why);

/* Serves until SIGTERM or SIGINT; SIGHUP reloads, SIGUSR1 has the files of access logs opened anew.
 * These must be blocked in all threads. Then stops gently (app/stopping.h). */
void process_run(struct process *process);

/* Stops at once what process_run did not stop. Accepts NULL. */
void process_free(struct process *process);

/* From now on operators are asked for what the release says; by the control thread. */
void process_admit(struct process *process, const struct release *release);

/* Says so when the descriptors do not suffice for the connections that so many nodes are granted.
 */
void process_warn_of_descriptors(
    struct process *process, const struct network *network, size_t node_count);

struct loop *process_control(const struct process *process);

/* status.c: what the admin face asks. */
extern const struct admin_source_ops process_source_ops;
