// SPDX-License-Identifier: Apache-2.0
#include "bus/keeper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "bus/book_bytes.h"

enum { SPARE_BYTES = 1 << 20 }; // what a file may be longer than needed, beside its double

static enum err failed(struct diag *why, const char *path)
{
    enum err err = err_from_errno(errno);

    diag_say(why, "%s: %s", path, strerror(errno));
    return err;
}

static enum err write_at(int fd, struct slice bytes, uint64_t at)
{
    while (bytes.length > 0) {
        ssize_t wrote = pwrite(fd, bytes.at, bytes.length, (off_t)at);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return ERR_SYSTEM;
        at += (uint64_t)wrote;
        bytes = slice_from(bytes, (size_t)wrote);
    }
    return ERR_NONE;
}

static bool sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? mem_text(".", 1) : mem_text(path, (size_t)(slash - path) + 1);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    mem_free(folder);
    return is_synced;
}

/* Puts a file with these bytes in the place of the one there is. The old one is held until the new
 * one is there, as it holds off other processes. */
static enum err replace(struct keeper *k, struct slice bytes, struct diag *why)
{
    int fd = open(k->beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return failed(why, k->beside);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || write_at(fd, bytes, 0) != ERR_NONE || fsync(fd) != 0 ||
        rename(k->beside, k->path) != 0) {
        enum err err = failed(why, k->beside);

        close(fd);
        unlink(k->beside);
        return err;
    }
    if (k->fd >= 0)
        close(k->fd);
    k->fd = fd;
    k->size = bytes.length;
    return sync_folder(k->path) ? ERR_NONE : failed(why, k->path);
}

static enum err append(struct keeper *k, struct slice bytes, struct diag *why)
{
    if (write_at(k->fd, bytes, k->size) == ERR_NONE && fdatasync(k->fd) == 0) {
        k->size += bytes.length;
        return ERR_NONE;
    }
    enum err err = failed(why, k->path);

    // What was refused is not to be there after a restart, if that can be had.
    return ftruncate(k->fd, (off_t)k->size) == 0 ? err : failed(why, k->path);
}

/* The book's head and orders; memory of the caller's, with so much more room at the end. */
static char *book_image(const struct book *book, size_t more, size_t *length)
{
    size_t room = BOOK_HEAD_SIZE + book->count * BOOK_ORDER_HEAD_SIZE + book->bytes + more;
    char *bytes = mem_alloc(room);

    book_head_write(bytes, book->era, book->first);
    *length = BOOK_HEAD_SIZE;
    for (uint64_t n = book->first; n < book_next(book); n++)
        *length += book_order_write(bytes + *length, book->era, n, book_get(book, n));
    assert(*length + more == room);
    return bytes;
}

static enum err write_anew(struct keeper *k, const struct book *book, struct diag *why)
{
    size_t length;
    char *bytes = book_image(book, 0, &length);
    enum err err = replace(k, slice_of(bytes, length), why);

    mem_free(bytes);
    return err;
}

static enum err read_file(struct keeper *k, char **bytes, size_t *length, struct diag *why)
{
    struct stat stat;
    size_t got = 0;

    if (fstat(k->fd, &stat) != 0)
        return failed(why, k->path);
    if (stat.st_size > KEEPER_FILE_MAX) {
        diag_say(why, "%s: longer than a log of orders can be", k->path);
        return ERR_LIMIT;
    }
    *length = (size_t)stat.st_size;
    *bytes = mem_alloc(*length + 1);
    while (got < *length) {
        ssize_t more = pread(k->fd, *bytes + got, *length - got, (off_t)got);

        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0) {
            errno = more == 0 ? EIO : errno; // shorter than it was a moment ago
            mem_free(*bytes);
            return failed(why, k->path);
        }
        got += (size_t)more;
    }
    return ERR_NONE;
}

/* In another era than that of the file, as far as that can be known: clocks go back. */
static void renew(struct book *book, uint64_t now)
{
    book->era = book->era >= now ? book->era + 1 : now;
}

static enum err set_aside(struct keeper *k, struct diag *why)
{
    char *name = mem_alloc(strlen(k->path) + sizeof ".broken");

    sprintf(name, "%s.broken", k->path);
    enum err err = rename(k->path, name) == 0 ? ERR_NONE : failed(why, name);

    mem_free(name);
    return err;
}

static enum err take_all(
    struct keeper *k, struct book *book, struct slice bytes, uint64_t now, struct diag *why)
{
    struct book_reader reader;
    struct book_order order;
    enum book_found found;
    bool is_book = book_reader_open(&reader, bytes);

    book_init(book, is_book ? reader.era : now, is_book ? reader.next : 1);
    while ((found = book_reader_next(&reader, &order)) == BOOK_ORDER)
        book_add(book, order.id, order.payload);
    k->size = bytes.length - reader.rest.length;
    if (is_book && found == BOOK_TORN)
        return ftruncate(k->fd, (off_t)k->size) == 0 ? ERR_NONE : failed(why, k->path);
    if (is_book && found == BOOK_END)
        return ERR_NONE;
    TRY(set_aside(k, why));
    renew(book, now);
    TRY(write_anew(k, book, why));
    diag_say(why, "%s: broken after order %llu: set aside, and the log goes on in another era",
        k->path, (unsigned long long)(book_next(book) - 1));
    return ERR_NONE;
}

static enum err read_book(struct keeper *k, struct book *book, uint64_t now, struct diag *why)
{
    char *bytes = NULL;
    size_t length = 0;

    if (flock(k->fd, LOCK_EX | LOCK_NB) != 0) {
        diag_say(why, "%s: another process uses it", k->path);
        return ERR_EXISTS;
    }
    TRY(read_file(k, &bytes, &length, why));
    enum err err = take_all(k, book, slice_of(bytes, length), now, why);

    mem_free(bytes);
    return err;
}

static void work(struct pool_job *job)
{
    struct keeper *k = container_of(job, struct keeper, job);
    struct slice bytes = slice_of(k->bytes, k->length);

    k->err = k->is_whole ? replace(k, bytes, &k->why) : append(k, bytes, &k->why);
    k->is_doubted = k->err != ERR_NONE;
    mem_free(k->bytes);
    k->bytes = NULL;
}

static void work_done(struct pool_job *job)
{
    struct keeper *k = container_of(job, struct keeper, job);

    k->is_busy = false;
    k->done(k, k->err, k->err == ERR_NONE ? "" : k->why.text);
}

enum err keeper_open(
    struct keeper *keeper, const struct keeper_plan *plan, struct book *book, struct diag *why)
{
    uint64_t now = (uint64_t)loop_wall(plan->loop).ms;
    size_t length = strlen(plan->path);

    *keeper = (struct keeper){ .pool = plan->pool, .fd = -1 };
    *book = (struct book){ .era = 0 };
    keeper->job = (struct pool_job){ .work = work, .done = work_done, .loop = plan->loop };
    keeper->path = mem_text(plan->path, length);
    keeper->beside = mem_alloc(length + sizeof ".new");
    sprintf(keeper->beside, "%s.new", plan->path);
    keeper->fd = open(plan->path, O_RDWR | O_CLOEXEC);
    if (keeper->fd >= 0)
        return read_book(keeper, book, now, why);
    if (errno != ENOENT)
        return failed(why, plan->path);
    book_init(book, now, 1);
    return write_anew(keeper, book, why);
}

void keeper_close(struct keeper *keeper)
{
    if (keeper->path == NULL)
        return;
    if (keeper->is_busy)
        loop_unpost(keeper->job.loop, &keeper->job.message);
    if (keeper->fd >= 0)
        close(keeper->fd);
    mem_free(keeper->bytes);
    mem_free(keeper->path);
    mem_free(keeper->beside);
    *keeper = (struct keeper){ .fd = -1 };
}

enum err keeper_write(struct keeper *keeper, const struct book *book,
    const struct book_order *const *orders, size_t count)
{
    size_t needed = BOOK_HEAD_SIZE + book->count * BOOK_ORDER_HEAD_SIZE + book->bytes, more = 0;

    assert(!keeper->is_busy && count > 0 && count <= KEEPER_BATCH_MAX);
    for (size_t i = 0; i < count; i++)
        more += BOOK_ORDER_HEAD_SIZE + orders[i]->payload.length;
    keeper->is_whole = keeper->is_doubted || keeper->size > 2 * needed + SPARE_BYTES;
    keeper->length = 0;
    keeper->bytes = keeper->is_whole ? book_image(book, more, &keeper->length) : mem_alloc(more);
    for (size_t i = 0; i < count; i++)
        keeper->length += book_order_write(
            keeper->bytes + keeper->length, book->era, book_next(book) + i, orders[i]);
    enum err err = pool_submit(keeper->pool, &keeper->job);

    keeper->is_busy = err == ERR_NONE;
    if (err != ERR_NONE) {
        mem_free(keeper->bytes);
        keeper->bytes = NULL;
    }
    return err;
}
