// SPDX-License-Identifier: Apache-2.0
#include "app/access_place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIPE_BYTES = 1 << 20, FILE_MODE = 0640 };

struct access_place *access_place_new(
    const struct access_whither *whither, struct access_counts *counts, struct log *log)
{
    struct access_place *place = mem_new(struct access_place);
    const struct slice shown = whither->is_pipe ? whither->customer : whither->name;

    *place = (struct access_place){ .name = mem_text(whither->name.at, whither->name.length),
        .shown = mem_text(shown.at, shown.length),
        .is_pipe = whither->is_pipe,
        .log = log,
        .counts = counts,
        .fd = -1,
        .held = mem_alloc(PLACE_HELD_MAX) };
    return place;
}

static const char *kind(const struct access_place *place)
{
    return place->is_pipe ? "pipe" : "file";
}

static void shut(struct access_place *place)
{
    if (place->fd >= 0)
        close(place->fd);
    place->fd = -1;
}

void access_place_leave(struct access_place *place, struct instant now)
{
    place->until = instant_after(now, span_ms(PLACE_LEAVE_MS));
}

bool access_place_is_left(struct access_place *place, struct instant now)
{
    bool has_time = now.ns < place->until.ns;

    if (place->is_pipe && has_time && place->fd >= 0 && !access_place_flush(place, now) &&
        place->fd >= 0)
        return false;
    shut(place); // a program reads the end of its input, and has time to write what it has
    return !has_time || !child_runs(&place->child);
}

void access_place_free(struct access_place *place)
{
    uint64_t left = 0;

    shut(place);
    child_await(&place->child, (struct span){ 0 });
    for (size_t i = 0; i < place->held_length; i++)
        left += place->held[i] == '\n';
    counter_add(&place->counts->dropped, left);
    place->lost += left;
    if (place->lost > 0)
        log_line(place->log, LOG_ERROR, "access", "lines_lost %s=\"%s\" lines=%llu", kind(place),
            place->shown, (unsigned long long)place->lost);
    mem_free(place->held);
    mem_free(place->shown);
    mem_free(place->name);
    mem_free(place);
}

/* Takes what was written off what is held. */
static void went(struct access_place *place, size_t bytes)
{
    if (bytes == 0)
        return;
    place->is_within_line = place->held[bytes - 1] != '\n';
    place->held_length -= bytes;
    memmove(place->held, place->held + bytes, place->held_length);
    counter_add(&place->counts->bytes, bytes);
}

static void pause_before_next(struct access_place *place, struct instant now)
{
    struct span most = span_s(PLACE_PAUSE_MOST_S);

    place->pause =
        place->pause.ns == 0 ? span_s(PLACE_PAUSE_LEAST_S) : (struct span){ place->pause.ns * 2 };
    if (place->pause.ns > most.ns)
        place->pause = most;
    place->again = instant_after(now, place->pause);
}

/* The operator hears of it once, until it works again. */
static void fail(struct access_place *place, const char *why, struct instant now)
{
    counter_up(&place->counts->failures);
    pause_before_next(place, now);
    if (!place->is_failing)
        log_line(place->log, LOG_ERROR, "access",
            "not_written %s=\"%s\" reason=\"%s\" mend=\"it is tried again by itself; visitors are "
            "served, lines that find no room are lost\"",
            kind(place), place->shown, why);
    place->is_failing = true;
}

static void works(struct access_place *place)
{
    if (!place->is_failing && place->lost == 0)
        return;
    log_line(place->log, LOG_WARNING, "access", "written_again %s=\"%s\" lost_lines=%llu",
        kind(place), place->shown, (unsigned long long)place->lost);
    place->is_failing = false;
    place->lost = 0;
    if (!place->is_pipe)
        place->pause = (struct span){ 0 };
}

static int open_file(const struct access_place *place)
{
    // Not to wait for a reader, where it is a named pipe.
    return open(
        place->name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);
}

/* A new program has not read the beginning of the line that the old one was reading. */
static void skip_rest_of_line(struct access_place *place)
{
    if (!place->is_within_line)
        return;
    const char *end = memchr(place->held, '\n', place->held_length);

    assert(end != NULL); // lines are held whole
    size_t length = (size_t)(end + 1 - place->held);

    place->held_length -= length;
    memmove(place->held, place->held + length, place->held_length);
    place->is_within_line = false;
    place->lost++;
    counter_up(&place->counts->dropped);
}

static void start_program(struct access_place *place, struct instant now)
{
    const char *const words[] = { "/bin/sh", "-c", place->name, NULL };
    struct diag why = { 0 };
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        fail(place, strerror(errno), now);
        return;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); // the kernel's own size will do, too
    if (fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0 &&
        child_start_fed(words, ends[0], &place->child, &why) == ERR_NONE) {
        counter_up(&place->counts->programs);
        skip_rest_of_line(place);
        place->fd = ends[1];
        pause_before_next(place, now); // should it end again
    } else {
        close(ends[1]);
        fail(place, why.text, now);
    }
    close(ends[0]);
}

static void open_place(struct access_place *place, struct instant now)
{
    if (now.ns < place->again.ns)
        return;
    if (place->is_pipe) {
        start_program(place, now);
        return;
    }
    place->fd = open_file(place);
    if (place->fd < 0)
        fail(place, strerror(errno), now);
}

static void program_ended(struct access_place *place, struct instant now)
{
    char how[CHILD_ENDING_SIZE];

    shut(place);
    child_await(&place->child, (struct span){ 0 });
    if (instant_since(place->again, now).ns > span_s(PLACE_PAUSE_MOST_S).ns)
        place->pause = (struct span){ 0 }; // it had worked for long
    fail(place, child_ending(&place->child, how), now);
}

static void write_failed(struct access_place *place, int reason, struct instant now)
{
    if (reason == EAGAIN || reason == EINTR)
        return;
    if (place->is_pipe)
        program_ended(place, now);
    else
        fail(place, strerror(reason), now);
}

bool access_place_flush(struct access_place *place, struct instant now)
{
    if (place->fd >= 0 && place->is_pipe && !child_runs(&place->child))
        program_ended(place, now);
    if (place->fd < 0)
        open_place(place, now);
    if (place->fd < 0 || place->held_length == 0)
        return place->held_length == 0;
    if (!place->is_pipe && place->is_failing && now.ns < place->again.ns)
        return false;
    ssize_t length = write(place->fd, place->held, place->held_length);

    if (length < 0) {
        write_failed(place, errno, now);
        return false;
    }
    went(place, (size_t)length);
    if (place->held_length == 0)
        works(place);
    return place->held_length == 0;
}

void access_place_add(struct access_place *place, struct slice line, struct instant now)
{
    assert(line.length > 0 && line.length <= PLACE_HELD_MAX);
    if (line.length > PLACE_HELD_MAX - place->held_length)
        access_place_flush(place, now);
    if (line.length > PLACE_HELD_MAX - place->held_length) {
        counter_up(&place->counts->dropped);
        if (place->lost++ == 0)
            log_line(place->log, LOG_WARNING, "access", "too_slow %s=\"%s\" held_bytes=%zu",
                kind(place), place->shown, place->held_length);
        return;
    }
    memcpy(place->held + place->held_length, line.at, line.length);
    place->held_length += line.length;
}

void access_place_reopen(struct access_place *place, struct instant now)
{
    if (place->is_pipe || place->fd < 0)
        return;
    // What is held goes on in the old file only where it is the end of a line that is in there.
    if (place->is_within_line)
        access_place_flush(place, now);
    int fd = open_file(place);

    if (fd < 0) {
        fail(place, strerror(errno), now);
        return;
    }
    skip_rest_of_line(place);
    close(place->fd);
    place->fd = fd;
    place->again = now;
    counter_up(&place->counts->reopened);
}
