// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The world's inside: io/sim.c holds clock, links and turns, io/sim_socket.c the
 * sockets, io/loop_sim.c the calls. */

#include "base/heap.h"
#include "base/list.h"
#include "io/kernel.h"
#include "io/sim.h"

enum sim_kind { SIM_STREAM, SIM_LISTENER, SIM_DATAGRAMS, SIM_ECHOES };

struct sim_kernel {
    struct kernel kernel;
    struct sim *sim;
    struct ip address;
    struct span wall_offset; // beside the world's
    struct loop *loop;
    struct list link;
    struct list ready; // sockets with an event to be told
};

struct sim_socket {
    struct sim *sim;
    int fd;
    uint64_t birth; // tells sockets apart that had the same fd
    enum sim_kind kind;
    struct endpoint local, remote;
    bool is_counted; // as a descriptor

    struct sim_kernel *watcher;
    void *owner;
    struct list ready;
    bool readable, writable, ended; // to be told

    struct list waiting; // listener: to be accepted; stream: in that list
    unsigned waiting_count;

    struct sim_socket *other; // of a stream; NULL before it is connected and when that one closed
    enum err error;
    bool is_connecting, fin_sent, fin_came;
    bool is_blocked;         // wants to hear when the window opens
    char *in;                // came, not read
    size_t in_at, in_length; // of it, within `in`,
    size_t in_room;          // which has room for so much
    size_t window_used;      // of what the other side may send: on its way or not read
    uint64_t sent_bytes;
    struct instant last_arrival; // of what was sent: streams keep their order
    struct instant other_last;   // the same of the other side, when that is gone

    struct list datagrams; // came, not read
    unsigned datagram_count;
};

enum sim_what {
    SIM_SYN,
    SIM_CONNECTED,
    SIM_REFUSED,
    SIM_DATA,
    SIM_WINDOW,
    SIM_FIN,
    SIM_RESET,
    SIM_DATAGRAM,
    SIM_ECHO,       // a datagram too: a request, answered by the address it goes to
    SIM_ECHO_REPLY, // and what comes of it
};

static inline bool sim_is_datagram(enum sim_what what)
{
    return what == SIM_DATAGRAM || what == SIM_ECHO || what == SIM_ECHO_REPLY;
}

/* Something on its way; all but SIM_DATAGRAM belong to one socket, if that is still the same. */
struct sim_packet {
    struct heap_link due;
    struct list link; // held in the dark, or in a socket's datagrams
    enum sim_what what;
    int fd;
    uint64_t birth;
    struct endpoint from, to;
    size_t length;
    char bytes[];
};

struct sim_path {
    struct ip from, to; // IP_NONE: any
    struct sim_link link;
    struct instant busy_until;
    struct instant last_datagram; // without jitter they keep their order
};

struct sim {
    uint64_t luck, trace;
    struct instant now;
    struct span wall_offset;
    struct list kernels;
    struct heap packets;
    struct list held; // packets that met darkness, in order
    struct sim_path *paths;
    size_t path_count;
    struct sim_path open_path;   // where no link was set
    struct sim_socket **sockets; // by fd
    size_t socket_count;         // length of the table
    size_t lowest_free;          // no free place is below
    unsigned descriptors, descriptors_max;
    uint64_t births;
    uint16_t port; // the last one given out
};

/* Adds to the trace. */
void sim_note(struct sim *sim, uint64_t what);

/* Never NULL: where no link was set, one that is at once and complete. */
struct sim_path *sim_path(struct sim *sim, const struct ip *from, const struct ip *to);

struct sim_packet *sim_packet_new(enum sim_what what, const void *bytes, size_t length);

/* Puts a stream's packet on its way from packet->from to packet->to, to arrive not before
 * `earliest`; returns when it will. */
struct instant sim_packet_send(struct sim *sim, struct sim_packet *packet, struct instant earliest);

/* The same for a datagram, which may be lost or come twice. */
void sim_datagram_send(struct sim *sim, struct sim_packet *packet);

/* The packet arrives; takes it. */
void sim_packet_arrive(struct sim *sim, struct sim_packet *packet);

struct sim_socket *sim_socket_new(struct sim *sim, enum sim_kind kind);
void sim_socket_free(struct sim_socket *socket);

/* What its watcher, if any, hears in its next turn. */
void sim_socket_tell(struct sim_socket *socket, bool readable, bool writable, bool ended);

/* Sends from one end of a stream to the other, behind what was sent before. */
void sim_socket_send(
    struct sim_socket *socket, const struct sim_socket *to, struct sim_packet *packet);
void sim_socket_signal(struct sim_socket *socket, const struct sim_socket *to, enum sim_what what);

extern const struct kernel_ops sim_kernel_ops;
