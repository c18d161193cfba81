// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * HTTP/2 (RFC 9113) behind the same exchanges as HTTP/1. A connection that turns out to speak it
 * (its first bytes are the preface) gets a struct http2 and other stream operations; nghttp2 keeps
 * the protocol's state, and this is what stands around it:
 *
 *     http2.c          the connection: its session, its time, its end
 *     http2_flood.c    what it may not do too often
 *     http2_request.c  header blocks to requests, request bodies to sinks
 *     http2_head.c     heads of answers
 *     http2_answer.c   answers, and which of their bytes leave when
 *     http2_share.c    whose bytes those are
 *     http2_room.c     nghttp2's memory
 *
 * Within nghttp2's callbacks nothing is freed and no exchange ends: what is over is put into
 * `ended`, and told once nghttp2 has returned (http2_settle).
 */

#include <nghttp2/nghttp2.h>

#include "http/hpack.h"
#include "http/http2_flood_priv.h"
#include "http/http2_share_priv.h"
#include "http/server_priv.h"

enum {
    HTTP2_TAG = 0x68747032,
    HTTP2_WINDOW = 256 * 1024,      // of request bodies that wait for their sinks, a connection
    HTTP2_HELD_MAX = 64 * 1024,     // the same, a stream: the protocol's first window
    HTTP2_BLOCK_MAX = 64 * 1024,    // of a header block, unpacked
    HTTP2_MEMORY_MAX = 2048 * 1024, // that nghttp2 may hold for a connection
    HTTP2_ROOM_CLASSES = 17,        // sizes of nghttp2's memory that is used again, to 1 KiB
    HTTP2_FIELDS_MAX = 192,         // of an answer that is too large to be packed by us
    HTTP2_PACKED_MAX = 15 * 1024,   // of one that is not: within a frame that anybody takes
    HTTP2_PIECES_MAX = 4,           // iovecs that a source is asked for at a time
    HTTP2_PIECE_COPIED = 2 * 1024,  // pieces of a body up to this are copied behind their head
    HTTP2_BURST_BYTES = 64 * 1024,  // heads of frames, and what is copied, in one write
    HTTP2_BURST_LEAST = 16 * 1024,  // bytes of one write to a reader that is slow
    HTTP2_BURST_FIRST = 64 * 1024,  //
    HTTP2_BURST_MOST = 256 * 1024,  // and to one that takes all
    HTTP2_BURST_SEALED = 64 * 1024, // what a filter takes at a time (io/filter.h)
    HTTP2_PROGRESS_LEAST = 256,     // bytes that count as progress of a stream
    HTTP2_QUEUE_MAX = 200,          // frames that wait for a socket before reading stops
    HTTP2_NOTICE_MS = 1000,         // between the two GOAWAYs of a drain (RFC 9113 §6.8)
};

struct http2_task {
    struct http_exchange x;
    struct http2 *h2;
    struct http2_task *next; // in the free list
    struct list link;        // in the connection's tasks
    struct list ended;       // in its list of those that are over, to be told
    struct list pulled;      // in the connection's list of those that the burst has bytes of
    struct list fleeting;    // in its list of those whose body is good until the turn's end
    struct instant at;       // of the last progress
    uint32_t moved;          // since then
    int32_t stream;
    struct http_sink *sink;
    char *held; // of the request's body, not yet taken
    size_t held_at, held_length, held_room;

    struct slice head; // fields that go behind the status
    struct http_source *source;
    int64_t source_left; // -1: not known
    char *own;           // the body, when it was copied
    struct iovec pieces[HTTP2_PIECES_MAX];
    unsigned piece_at, piece_count;
    size_t left;   // in the pieces, of which no frame was made
    size_t framed; // bytes of the source in frames of this burst

    bool is_internal; // an answer of our own, unknown to the service
    bool is_head;
    bool expects;      // waits for 100 Continue
    bool is_continued; // which is on its way
    bool has_body;     // of the request, not all come
    bool is_sink_full;
    bool is_replied;
    bool is_done;   // the answer's last frame was made
    bool is_closed; // nghttp2 knows the stream no more
    bool is_aborted;
    bool is_bad;      // and counted as that
    bool is_last;     // the pieces are the last
    bool is_deferred; // nghttp2 waits for http2_task_resume
    bool is_woken;    // while the source was asked
    bool is_due;      // deferred only until the burst has left, as is_woken
};

struct http2_gather; // a header block that is coming in (http2_request.c)

struct http2 {
    uint32_t tag;
    struct http_connection *connection;
    nghttp2_session *session;
    size_t memory;  // that the session holds
    bool has_frame; // of its server's rooms
    struct list tasks, ended, pulled, fleeting;
    unsigned task_count;
    struct http2_task *recent;   // that was asked for last, or NULL
    struct http2_gather *gather; // of the header block that is coming in
    size_t block;                // bytes of it, unpacked
    struct timer later;          // for what may not happen within a call of the service
    char *kept;                  // of the last burst, what the socket did not take
    size_t kept_at, kept_length;
    struct http2_share *kept_shares; // of that, from kept_share on
    unsigned kept_share, kept_share_count;
    struct arena heads;          // fields of answers, until they are packed;
    unsigned heads_due;          // those of so many are not
    struct slice head;           // fields of the one that nghttp2 has just begun
    struct http_told *head_told; // its exchange's
    bool is_head_begun;
    struct counter *head_sent; // whom that head counts for
    struct hpack *packer;      // NULL before the first answer
    size_t burst_most;         // bytes of the next one
    size_t in_turn;            // sent
    struct http2_floods floods;
    struct instant drained; // when the first GOAWAY left
    bool is_draining;
    bool is_ending; // the last GOAWAY is on its way
    bool is_deaf;   // and nothing is listened to any more
    bool is_lost;   // nghttp2 can go on no more
};

/* One write, while it is made. */
struct http2_burst {
    struct iovec iov[STREAM_PULL_MAX];
    size_t count, total, used;
    struct http2_share shares[HTTP2_SHARES_MAX];
    unsigned share_count;
    char bytes[HTTP2_BURST_BYTES];
};

/* What was nghttp2's and can be again, by size. */
struct http2_rooms {
    union http2_room *free[HTTP2_ROOM_CLASSES];
    unsigned free_count[HTTP2_ROOM_CLASSES];
    union http2_room *frame; // that is being packed, of whatever session; NULL until the first
};

/* What all connections of a server share. */
struct http2_shared {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    struct http2_gather *gather; // free, or NULL
    struct http2_task *free;
    unsigned free_count;
    struct http2_rooms rooms;
    nghttp2_nv fields[HTTP2_FIELDS_MAX];
    struct http2_burst burst;
};

static inline struct http2_task *http2_task_of(struct http_exchange *x)
{
    return container_of(x, struct http2_task, x);
}

static inline struct http_server *http2_server(const struct http2 *h2)
{
    return h2->connection->server;
}

/* What nghttp2 hands back. */
struct http2 *http2_of(void *user_data);

/* No stream is served any more, and the client is told why. */
void http2_terminate(struct http2 *h2, uint32_t error);

/* After anything has changed: tells who is over, closes what is finished, sees to output and time.
 * False when the connection is gone. */
bool http2_settle(struct http2 *h2);

/* http2_settle, once the service's call has returned. */
void http2_settle_later(struct http2 *h2);

/* A stream's task while nghttp2 knows it, or NULL; a new one; its last word, and it is free. */
struct http2_task *http2_task_at(struct http2 *h2, int32_t stream);
struct http2_task *http2_task_new(struct http2 *h2, int32_t stream);
void http2_task_end(struct http2_task *task);

/* It is over, which http2_settle will tell. */
void http2_task_ended(struct http2_task *task);

/* The client did something for it, in bytes. */
void http2_task_moved(struct http2_task *task, size_t bytes);

/* http2_room.c, http2_request.c */
nghttp2_mem http2_rooms(struct http2 *h2);
void http2_rooms_leave(struct http2 *h2); // nghttp2 has returned, and what it gave was copied
void http2_rooms_free(struct http2_rooms *rooms);
void http2_request_callbacks(nghttp2_session_callbacks *callbacks);
void http2_gather_drop(struct http2 *h2);
void http2_task_feed(struct http2_task *task);                      // hands over what is held
void http2_task_was_reset(struct http2_task *task, uint32_t error); // by a frame of ours

/* http2_answer.c */
extern const struct http_carrier http2_carrier;
void http2_answer_callbacks(nghttp2_session_callbacks *callbacks);
size_t http2_pull(struct stream_user *user, struct iovec *iov, size_t most);
void http2_sent(struct stream_user *user, size_t bytes);
