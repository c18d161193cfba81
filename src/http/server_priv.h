// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the files of the server share: connection.c reads requests, answer.c writes answers,
 * server.c keeps the connections and their time.
 *
 * A connection holds its exchanges in the order of their requests, which is the order in which
 * their answers leave. The body of a request belongs to the newest of them. An exchange that is
 * over stays, without its service, while the rest of its request's body is read.
 *
 * Memory that is good until the turn's end only (scratch, bodies at hand) is called fleeting. An
 * answer may consist of it while nothing stands in the way of its leaving within the turn;
 * whatever has not left by then is copied when the stream tells what it sent.
 */

#include "base/list.h"
#include "http/carrier_priv.h"
#include "http/guard.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/stream.h"
#include "wire/http_chunk.h"

enum {
    HTTP_BODY_JOINED_MAX = 4 * 1024, // a body at hand up to this is copied behind its head
    HTTP_DRAIN_MAX = 64 * 1024,      // of a request's body that nobody wants
    HTTP_LINGER_MAX = 256 * 1024,    // of input dropped after the last answer
    HTTP_LINGER_MS = 2000,           // for the other side to read the last answer
    HTTP_EXCHANGES_FREE_MAX = 64,    // kept for the next requests
    HTTP_EVICT_TRIES = 32,           // connections looked at to find an idle one
};

enum http_intake {
    HTTP_INTAKE_HEAD, // the next request
    HTTP_INTAKE_BODY, // the newest exchange's body
    HTTP_INTAKE_DROP, // there will be no further request
    HTTP_INTAKE_HOLD, // what comes may not be a request: as the newest exchange is answered
};

struct http_connection;

struct http_task {
    struct http_exchange x;
    struct http_connection *connection;
    struct http_task *next; // the request behind it; in the free list, the next free one
    struct list doomed;     // in the server's list when it is to be cut

    struct http_sink *sink;
    uint64_t body_left; // with HTTP_BODY_LENGTH
    struct http_chunk body_chunk;
    uint32_t body_dropped;

    struct slice interim; // 100 Continue, until it was sent
    struct slice ahead;   // head, and what is joined to it, until it was sent
    struct slice body;    // at hand, not joined
    char *own;            // memory of ours that they lie in, or NULL
    struct http_source *source;
    int64_t source_left; // -1: not known
    uint64_t chunk_left; // data that the head of the open chunk has promised
    size_t in_flight;    // bytes of the last pull, of which
    size_t in_source;    //   these are the source's
    uint8_t frame_at, frame_length, tail_at;
    char frame[2 + HTTP_CHUNK_HEAD_BYTES]; // the end of one chunk and the head of the next

    bool is_internal : 1;    // an answer of our own, unknown to the service
    bool is_head : 1;        // HEAD: an answer without body
    bool is_old : 1;         // HTTP/1.0
    bool keeps_alive : 1;    // the connection outlives the answer
    bool expects : 1;        // waits for 100 Continue
    bool has_body : 1;       // of the request, still to be read
    bool is_sink_full : 1;   //
    bool is_replied : 1;     //
    bool is_upgraded : 1;    // answered with 101: both bodies end with the connection
    bool is_over : 1;        // the service has been told
    bool is_aborted : 1;     //
    bool is_fleeting : 1;    // ahead or body lie in fleeting memory
    bool is_chunked : 1;     // the answer
    bool has_chunk : 1;      // at least one was begun
    bool is_last : 1;        // the last pull was the source's last
    bool is_source_over : 1; // and all of it was sent
    bool is_pulled : 1;      // in the last pull
};

struct http_connection {
    struct stream_user user;
    struct stream *stream;
    struct http_server *server;
    struct list link;
    struct timer timer;
    struct http2 *h2; // NULL: it speaks HTTP/1
    struct http_task *first, *last;
    struct instant at;      // of the last progress
    struct instant head_at; // when the first byte of an incomplete head came
    uint32_t seen;          // of an incomplete head
    uint32_t dropped;       // input behind the last request
    uint32_t moved;         // since `at`
    uint32_t untaken;       // of what was sent, at `at`, while is_blocked
    uint16_t task_count;
    uint8_t intake;   // enum http_intake
    bool is_used : 1; // a request has come
    bool becomes_http2 : 1;
    bool is_paused : 1;    //
    bool is_upgraded : 1;  // it speaks another protocol
    bool is_blocked : 1;   // the last send was cut short
    bool is_lingering : 1; // the other side may be sending: not closed without warning
    bool is_finishing : 1; // all was sent, the other side is to close
    bool has_ended : 1;    // the other side sends no more
    bool is_greeting : 1;  // TLS comes first
    bool is_closed : 1;    // and about to be freed
};

struct http_server {
    struct loop *loop;
    struct http_service *service;
    struct http_server_limits limits;
    uint32_t progress_bytes; // by which a body has to get on within limits.stall
    struct listener_user listener;
    struct http_guard guard;
    struct list connections; // those looked at last are behind
    size_t open_count;
    struct http_task *free;
    unsigned free_count;
    struct list doomed;
    struct timer doom;
    struct loop_hook hook;
    bool is_late; // nothing that is made ready now is sure to leave within this turn
    bool is_draining;
    struct instant drained_at;
    struct http2_shared *h2; // NULL before the first connection that needs it
    struct http_server_counts counts;
    struct http_head head; // of the request that is being served
};

static inline struct http_task *http_task_of(struct http_exchange *x)
{
    return container_of(x, struct http_task, x);
}

/* connection.c */
extern const struct stream_user_ops http_connection_ops;

struct http_connection *http_connection_new(struct http_server *server, struct stream *stream);

/* Closes it, with `reset` so that the client can tell that an answer is cut, and frees it; tells
 * the service. */
void http_connection_close(struct http_connection *c, bool reset);

/* After the last answer: closes in a way that does not lose it. False when it is freed. */
bool http_connection_conclude(struct http_connection *c);

/* For streams: all has left, and from now on the other side has HTTP_LINGER_MS to close. */
void http_connection_finished(struct stream_user *user);

/* All exchanges end incomplete, unless they have ended. */
void http_connection_cancel(struct http_connection *c);

/* No further request is taken; what still comes is dropped. */
void http_connection_take_no_more(struct http_connection *c);

/* Pauses or resumes the stream, and sees to the timer, after anything has changed. */
void http_connection_settle(struct http_connection *c);

/* The peer did what it was waited for; or moved so many bytes, which counts when it is enough. */
void http_connection_mark(struct http_connection *c);
void http_connection_progress(struct http_connection *c, size_t bytes);

/* Its reader has taken enough since the last mark of what the kernel holds for it. */
bool http_connection_has_read_on(const struct http_connection *c);

/* What the other side is waited for, and till when. */
enum http_wait {
    HTTP_WAIT_NONE,
    HTTP_WAIT_GREETING,
    HTTP_WAIT_IDLE,
    HTTP_WAIT_HEAD,
    HTTP_WAIT_UPGRADED,
    HTTP_WAIT_STALL,
    HTTP_WAIT_LINGER
};
enum http_wait http_connection_waits(const struct http_connection *c, struct instant *due);

/* answer.c, for http1_carrier and http_connection_ops. */
void http1_reply(struct http_exchange *x, const struct http_reply *reply);
size_t http_connection_pull(struct stream_user *user, struct iovec *iov, size_t most);
void http_connection_sent(struct stream_user *user, size_t bytes);

/* server.c: a new newest exchange of the connection, and taking out its oldest. */
struct http_task *http_task_new(struct http_connection *c);
void http_task_free(struct http_task *task);

/* Has the connection cut in this turn or the next, never within the call. */
void http_task_doom(struct http_task *task);

/* status.c: "HTTP/1.1 200 OK" with its line end, ready made; empty for an unknown status. */
struct slice http_status_line(int status);
