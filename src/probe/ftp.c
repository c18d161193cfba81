// SPDX-License-Identifier: Apache-2.0
/*
 * FTP as far as a check goes (RFC 959, 2428): the greeting; with a user, sign-in; with a path, that
 * file, to at most PROBE_BODY_MAX bytes; then QUIT, whose answer nobody waits for. What was asked
 * for last ends the response time.
 *
 * Data comes from the address of the control connection, whatever address a server names: so that
 * it can neither send us elsewhere nor fails where it does not know its own public one.
 */
#include <assert.h>

#include "base/mem.h"
#include "base/writer.h"
#include "io/stream.h"
#include "probe/ftp_reply.h"
#include "probe/needle.h"
#include "probe/run_priv.h"

/* What the next reply answers. */
enum step { GREETING, USER, PASSWORD, TYPE, EXTENDED, PASSIVE, RETRIEVE, QUIT };

struct ftp {
    struct run run;
    struct stream_user control, data;
    struct stream *control_stream, *data_stream;
    enum step step;
    struct ftp_reply reply;
    char *command;
    struct slice unsent; // of it
    struct needle needle;
    size_t body_bytes;
    bool is_data_open, is_data_over; // was, and all of it came
    bool is_confirmed;               // by the server, that it was all
};

/* The command with its argument; the next reply is to `step`. */
static void say(struct ftp *ftp, enum step step, struct slice verb, struct slice argument)
{
    size_t room = verb.length + argument.length + 3;

    assert(ftp->unsent.length == 0);
    mem_free(ftp->command);
    ftp->command = mem_alloc(room);
    struct writer w = writer_on(ftp->command, room);

    write_slice(&w, verb);
    if (argument.length > 0)
        write_slice(&w, SLICE(" "));
    write_slice(&w, argument);
    write_slice(&w, SLICE("\r\n"));
    ftp->unsent = writer_slice(&w);
    ftp->step = step;
    stream_ready(ftp->control_stream);
}

/* All that was asked for is there; the run is over when QUIT is on its way, mostly in this turn. */
static void conclude(struct ftp *ftp)
{
    if (ftp->data_stream != NULL)
        stream_close(ftp->data_stream, false);
    ftp->data_stream = NULL;
    say(ftp, QUIT, SLICE("QUIT"), SLICE_NONE);
}

static size_t data_bytes(struct stream_user *user, struct slice bytes)
{
    struct ftp *ftp = container_of(user, struct ftp, data);
    struct slice body = slice_head(bytes, PROBE_BODY_MAX - ftp->body_bytes);

    if (ftp->unsent.length > 0) { // nothing has been asked for yet
        run_over(&ftp->run, PROBE_PROTOCOL);
        return bytes.length;
    }
    ftp->body_bytes += body.length;
    needle_read(&ftp->needle, ftp->run.check->match, body);
    if (body.length == bytes.length)
        return bytes.length;
    if (ftp->needle.is_found)
        conclude(ftp);
    else
        run_over(&ftp->run, PROBE_TOO_LONG);
    return bytes.length;
}

/* Both sides of a transfer's end have come, in whichever order, or one of them; like all that
 * follows, PROBE_OK: it goes on. */
static enum probe_outcome end_transfer(struct ftp *ftp)
{
    if (!ftp->is_data_over || !ftp->is_confirmed)
        return PROBE_OK;
    if (!ftp->needle.is_found)
        return PROBE_MISMATCH;
    conclude(ftp);
    return PROBE_OK;
}

static void go_on(struct ftp *ftp, enum probe_outcome outcome)
{
    if (outcome != PROBE_OK)
        run_over(&ftp->run, outcome);
}

static void data_open(struct stream_user *user)
{
    container_of(user, struct ftp, data)->is_data_open = true;
}

static void data_end(struct stream_user *user)
{
    struct ftp *ftp = container_of(user, struct ftp, data);

    stream_close(ftp->data_stream, false);
    ftp->data_stream = NULL;
    ftp->is_data_over = true;
    go_on(ftp, end_transfer(ftp));
}

static void data_closed(struct stream_user *user, enum err why)
{
    struct ftp *ftp = container_of(user, struct ftp, data);

    ftp->data_stream = NULL;
    run_failed(&ftp->run, why, ftp->is_data_open);
}

static size_t nothing_to_pull(struct stream_user *, struct iovec *, size_t)
{
    return 0;
}

static void nothing_sent(struct stream_user *, size_t)
{
}

static const struct stream_user_ops DATA_OPS = {
    .open = data_open,
    .data = data_bytes,
    .end = data_end,
    .pull = nothing_to_pull,
    .sent = nothing_sent,
    .closed = data_closed,
};

static enum probe_outcome retrieve(struct ftp *ftp, uint16_t port)
{
    struct endpoint at = { ftp->run.check->to.ip, port };

    ftp->data.ops = &DATA_OPS;
    ftp->data_stream = stream_connect(ftp->run.loop, &at, &ftp->data);
    say(ftp, RETRIEVE, SLICE("RETR"), ftp->run.check->path);
    return PROBE_OK;
}

static enum probe_outcome signed_in(struct ftp *ftp)
{
    if (ftp->run.check->path.length == 0)
        conclude(ftp);
    else
        say(ftp, TYPE, SLICE("TYPE I"), SLICE_NONE);
    return PROBE_OK;
}

static enum probe_outcome take_greeting(struct ftp *ftp, uint16_t code)
{
    if (code == 120) // ready in some minutes
        return PROBE_OK;
    if (code != 220)
        return PROBE_STATUS;
    if (ftp->run.check->user.length == 0)
        conclude(ftp);
    else
        say(ftp, USER, SLICE("USER"), ftp->run.check->user);
    return PROBE_OK;
}

static enum probe_outcome take_user(struct ftp *ftp, uint16_t code)
{
    if (code == 230) // no password is asked for
        return signed_in(ftp);
    if (code != 331)
        return PROBE_STATUS;
    say(ftp, PASSWORD, SLICE("PASS"), ftp->run.check->password);
    return PROBE_OK;
}

static enum probe_outcome take_password(struct ftp *ftp, uint16_t code)
{
    return code == 230 || code == 202 ? signed_in(ftp) : PROBE_STATUS;
}

static enum probe_outcome take_type(struct ftp *ftp, uint16_t code)
{
    if (code != 200)
        return PROBE_STATUS;
    say(ftp, EXTENDED, SLICE("EPSV"), SLICE_NONE);
    return PROBE_OK;
}

static enum probe_outcome take_extended(struct ftp *ftp, uint16_t code)
{
    uint16_t port = 0;

    if (code == 229)
        return ftp_extended_port(ftp->reply.text, &port) ? retrieve(ftp, port) : PROBE_PROTOCOL;
    if (code < 500 || ftp->run.check->to.ip.family != IP_V4)
        return PROBE_STATUS;
    say(ftp, PASSIVE, SLICE("PASV"), SLICE_NONE);
    return PROBE_OK;
}

static enum probe_outcome take_passive(struct ftp *ftp, uint16_t code)
{
    struct endpoint at = { 0 };

    if (code != 227)
        return PROBE_STATUS;
    return ftp_passive_endpoint(ftp->reply.text, &at) ? retrieve(ftp, at.port) : PROBE_PROTOCOL;
}

static enum probe_outcome take_transfer(struct ftp *ftp, uint16_t code)
{
    if (code < 200)
        return PROBE_OK;
    if (code != 226 && code != 250)
        return PROBE_STATUS;
    ftp->is_confirmed = true;
    return end_transfer(ftp);
}

static enum probe_outcome take_reply(struct ftp *ftp)
{
    uint16_t code = ftp->reply.code;

    switch (ftp->step) {
    case GREETING: return take_greeting(ftp, code);
    case USER: return take_user(ftp, code);
    case PASSWORD: return take_password(ftp, code);
    case TYPE: return take_type(ftp, code);
    case EXTENDED: return take_extended(ftp, code);
    case PASSIVE: return take_passive(ftp, code);
    case RETRIEVE: return take_transfer(ftp, code);
    case QUIT: break;
    }
    return PROBE_OK;
}

static struct ftp *ftp_of(struct stream_user *user)
{
    return container_of(user, struct ftp, control);
}

static void control_open(struct stream_user *user)
{
    run_note_latency(&ftp_of(user)->run);
}

static size_t control_data(struct stream_user *user, struct slice bytes)
{
    struct ftp *ftp = ftp_of(user);
    struct slice rest = bytes;

    while (ftp->step != QUIT) {
        enum ftp_reply_step step = ftp_reply_next(&ftp->reply, &rest);

        if (step == FTP_REPLY_MORE)
            return bytes.length - rest.length;
        // Who answers before the question is out is not answering it.
        enum probe_outcome outcome =
            step == FTP_REPLY_DONE && ftp->unsent.length == 0 ? PROBE_OK : PROBE_PROTOCOL;

        if (outcome == PROBE_OK) {
            ftp->run.result.status = ftp->reply.code;
            outcome = take_reply(ftp);
        }
        if (outcome != PROBE_OK) {
            run_over(&ftp->run, outcome);
            return bytes.length;
        }
        ftp->reply = (struct ftp_reply){ 0 };
    }
    return bytes.length;
}

static void control_end(struct stream_user *user)
{
    struct ftp *ftp = ftp_of(user);

    run_over(&ftp->run, ftp->step == QUIT ? PROBE_OK : PROBE_PROTOCOL);
}

static size_t control_pull(struct stream_user *user, struct iovec *iov, size_t most)
{
    struct ftp *ftp = ftp_of(user);

    if (ftp->unsent.length == 0 || most == 0)
        return 0;
    iov[0] = stream_iovec(ftp->unsent);
    return 1;
}

static void control_sent(struct stream_user *user, size_t bytes)
{
    struct ftp *ftp = ftp_of(user);

    ftp->unsent = slice_from(ftp->unsent, bytes);
    if (ftp->step == QUIT && ftp->unsent.length == 0)
        run_over(&ftp->run, PROBE_OK);
}

static void control_closed(struct stream_user *user, enum err why)
{
    struct ftp *ftp = ftp_of(user);

    ftp->control_stream = NULL;
    if (ftp->step == QUIT)
        run_over(&ftp->run, PROBE_OK);
    else
        run_failed(&ftp->run, why, ftp->run.result.has_latency);
}

static const struct stream_user_ops CONTROL_OPS = {
    .open = control_open,
    .data = control_data,
    .end = control_end,
    .pull = control_pull,
    .sent = control_sent,
    .closed = control_closed,
};

static struct run *ftp_create(void)
{
    return &mem_new(struct ftp)->run;
}

static void ftp_start(struct run *run)
{
    struct ftp *ftp = container_of(run, struct ftp, run);

    needle_init(&ftp->needle, run->check->match);
    ftp->control.ops = &CONTROL_OPS;
    ftp->control_stream = stream_connect(run->loop, &run->check->to, &ftp->control);
}

static void ftp_drop(struct run *run)
{
    struct ftp *ftp = container_of(run, struct ftp, run);

    if (ftp->control_stream != NULL)
        stream_close(ftp->control_stream, false);
    if (ftp->data_stream != NULL)
        stream_close(ftp->data_stream, false);
    needle_done(&ftp->needle);
    mem_free(ftp->command);
    mem_free(ftp);
}

const struct runner ftp_runner = { ftp_create, ftp_start, ftp_drop };
