// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A running node: its store and origin connections, shared by its workers, and on each worker's
 * loop its DNS server, its HTTP server and the delivery between that and the store. It is given
 * loops and knows no threads, so that several nodes may share the workers of a process, and a
 * whole node runs on simulated loops in a test.
 *
 * Ports are `faces`. A change of configuration that moves or adds an address opens its sockets
 * first, on every worker; only when all are open is the new root published.
 */

#include "app/root.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/store.h"
#include "delivery/delivery.h"
#include "dns/server.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/stream.h"
#include "origin/pool.h"
#include "tls/server.h"

enum { FACES_MAX = 64 }; // of one node: addresses times services

enum face_kind { FACE_DNS, FACE_HTTP, FACE_HTTPS };

struct face {
    enum face_kind kind;
    struct endpoint at;
};

struct faces {
    struct face list[FACES_MAX];
    size_t count;
};

/* An open face of one worker. */
struct open_face {
    struct face face;
    struct listener *http;  // of FACE_HTTP and FACE_HTTPS
    struct dns_server *dns; // of FACE_DNS
};

struct running_node;

/* What a node has on one worker. Between start and stop it belongs to that worker's thread. */
struct node_worker {
    struct running_node *node;
    unsigned index;
    struct loop *loop;
    struct loop_hook hook;
    struct timer sweep; // of the first worker: closes old origin connections
    struct loop_message drain;
    atomic_bool is_drain_posted;
    bool is_ending; // it is stopped; this worker alone
    struct delivery *delivery;
    struct http_server *http;
    struct listener_user secure; // of HTTPS, before `http`
    struct tls_counts tls_counts;
    struct dns_source dns_source;
    const struct dns_zones *zones;       // of this turn
    const struct steer_map *map;         // likewise
    const struct network_limits *limits; // likewise; what the server was told of
    struct dns_counts dns_counts;
    struct open_face open[FACES_MAX];
    size_t open_count;
};

struct running_node {
    struct slice name;   // own copy
    struct slice cdn_id; // likewise: the network's zone at the start
    struct log *log;
    struct epoch_reader *control; // of the thread that publishes
    struct snapshot root;
    struct store *store;
    struct origin_pool *pool;
    struct access_log *access; // likewise, the process's; NULL: no lines are put together
    struct usage *usage;       // what is delivered, by site; NULL: not counted
    struct delivery_load load; // told to probes; the control thread writes it
    atomic_bool is_drained;    // by an operator; likewise
    uint64_t memory_bytes;
    uint64_t seed;
    const char *machine;
    uint32_t connections_most; // however many the configuration grants
    unsigned worker_count;
    struct node_worker *workers;
};

struct node_plan {
    struct slice name;
    struct loop *const *loops; // of the workers, not running yet
    unsigned loop_count;
    struct epoch_reader *control;
    struct log *log;
    struct usage *usage;       // of as many workers; outlives the node. NULL: nothing is counted
    struct access_log *access; // with a ring for each loop_index; NULL: none
    uint64_t seed;             // of what is drawn: a simulated node draws the same again
    const char *machine;       // stands before /proc and /sys where its load is read; NULL: nothing
    uint32_t connections_most; // that this process has descriptors for; 0: any number
};

/* Takes the root over and publishes it. Opens no socket. */
[[nodiscard]] enum err node_new(
    const struct node_plan *plan, struct root **root, struct running_node **node, struct diag *why);

/* The workers do not run any more. Accepts NULL. */
void node_free(struct running_node *node);

/* What the root's configuration asks for. ERR_LIMIT: more than FACES_MAX. */
[[nodiscard]] enum err node_faces(const struct root *root, struct faces *faces, struct diag *why);

/* On the worker's thread: opens what is not open yet. On error, what this call opened is closed. */
[[nodiscard]] enum err node_worker_open(
    struct node_worker *worker, const struct faces *faces, struct diag *why);

/* On the worker's thread: closes what is open and not among the faces. */
void node_worker_close_others(struct node_worker *worker, const struct faces *faces);

/* On the worker's thread, at the end: no new connections; open ones end after their answer. */
void node_worker_drain(struct node_worker *worker);

/*
 * By an operator: from now on answers close their connections, and idle ones are closed; the node
 * goes on serving whoever comes. Or no more. By the control thread; effective within the workers'
 * next turns.
 */
void node_set_drained(struct running_node *node, bool is_drained);

/* Puts a new root into use; *root becomes NULL. By the control thread. */
void node_publish(struct running_node *node, struct root **root);

/* The root in use; for the control thread. */
struct root *node_root(const struct running_node *node);
