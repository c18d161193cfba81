// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What an FTP server does with its guests: answers each command as its script says, and hands out
 * one file. */

#include "probe/lab_test.h"

/* What is answered to commands that begin so; the first row that fits. NULL: silence. "%u" in it
 * stands for the data port, "%p" for the same in two numbers. */
struct ftp_line {
    const char *command, *answer;
};

struct ftp_host;

struct ftp_guest {
    struct stream_user user;
    struct list link;
    struct ftp_host *host;
    struct stream *stream;
    bool is_data;
    struct slice out;
    char text[256];
};

struct ftp_host {
    struct listener_user control, data;
    struct listener *control_listener, *data_listener;
    struct endpoint at, data_at;
    const char *greeting;
    const struct ftp_line *script; // ends with a NULL command
    struct slice file;
    bool is_hasty;  // sends it before it is asked to
    bool is_asked;  //
    bool goes_on;   // the file has no end
    bool cuts;      // resets the connection behind it
    bool is_closer; // closes the control connection behind each answer
    struct list guests;
    unsigned data_visits, open;
    char heard[512]; // all commands
    size_t heard_length;
};

static inline struct ftp_guest *ftp_guest_of(struct stream_user *user)
{
    return container_of(user, struct ftp_guest, user);
}

static inline void ftp_guest_free(struct ftp_guest *g)
{
    list_remove(&g->link);
    g->host->open--;
    mem_free(g);
}

static inline void ftp_guest_say(struct ftp_guest *g, const char *answer)
{
    unsigned port = g->host->data_at.port;
    struct writer w = writer_on(g->text, sizeof g->text);

    for (; *answer != '\0'; answer++) {
        if (*answer == '%' && answer[1] == 'u') {
            write_number(&w, port);
        } else if (*answer == '%' && answer[1] == 'p') {
            write_number(&w, port >> 8);
            write_slice(&w, SLICE(","));
            write_number(&w, port & 255);
        } else {
            write_slice(&w, slice_of(answer, 1));
            continue;
        }
        answer++;
    }
    assert_false(w.is_short);
    g->out = writer_slice(&w);
    stream_ready(g->stream);
}

static inline void ftp_host_send(struct ftp_host *h)
{
    h->is_asked = true;
    list_each (link, &h->guests) {
        struct ftp_guest *g = container_of(link, struct ftp_guest, link);

        if (g->is_data)
            stream_ready(g->stream);
    }
}

static inline size_t ftp_guest_data(struct stream_user *user, struct slice bytes)
{
    struct ftp_guest *g = ftp_guest_of(user);
    struct ftp_host *h = g->host;
    const struct ftp_line *line = h->script;

    if (!slice_ends(bytes, SLICE("\r\n")))
        return 0;
    assert_false(g->is_data);
    assert_in_range(h->heard_length + bytes.length, 0, sizeof h->heard);
    memcpy(h->heard + h->heard_length, bytes.at, bytes.length);
    h->heard_length += bytes.length;
    if (slice_starts(bytes, SLICE("RETR")))
        ftp_host_send(h);
    while (line->command != NULL && !slice_starts(bytes, slice_text(line->command)))
        line++;
    if (line->command != NULL && line->answer != NULL)
        ftp_guest_say(g, line->answer);
    return bytes.length;
}

static inline void ftp_guest_end(struct stream_user *user)
{
    struct ftp_guest *g = ftp_guest_of(user);

    stream_close(g->stream, false);
    ftp_guest_free(g);
}

static inline size_t ftp_guest_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct ftp_guest *g = ftp_guest_of(user);

    if (g->out.length == 0 || most == 0 || (g->is_data && !g->host->is_asked))
        return 0;
    iov[0] = stream_iovec(g->out);
    return 1;
}

static inline void ftp_guest_sent(struct stream_user *user, size_t bytes)
{
    struct ftp_guest *g = ftp_guest_of(user);
    struct ftp_host *h = g->host;

    g->out = slice_from(g->out, bytes);
    if (g->out.length > 0)
        return;
    if (g->is_data && h->goes_on) {
        g->out = h->file;
        stream_ready(g->stream);
    } else if (g->is_data && h->cuts) {
        stream_close(g->stream, true);
        ftp_guest_free(g);
    } else if (g->is_data || h->is_closer) {
        stream_finish(g->stream);
    }
}

static inline void ftp_guest_closed(struct stream_user *user, enum err why)
{
    (void)why;
    ftp_guest_free(ftp_guest_of(user));
}

static const struct stream_user_ops FTP_GUEST_OPS = {
    .data = ftp_guest_data,
    .end = ftp_guest_end,
    .pull = ftp_guest_pull,
    .sent = ftp_guest_sent,
    .closed = ftp_guest_closed,
};

static inline struct ftp_guest *ftp_guest_new(struct ftp_host *h, struct stream *stream)
{
    struct ftp_guest *g = mem_new(struct ftp_guest);

    g->user.ops = &FTP_GUEST_OPS;
    g->host = h;
    g->stream = stream;
    h->open++;
    list_append(&h->guests, &g->link);
    return g;
}
