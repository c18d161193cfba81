// SPDX-License-Identifier: Apache-2.0
#include "app/orders_journal.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "io/loop.h"
#include "io/pool.h"

/* What is being written, on a thread of the pool. */
struct writing {
    struct pool_job job;
    struct orders_file file;
    bool is_replacement;
    char *bytes;
    size_t length;
    uint64_t era, number, drains; // of the newest record in it
    enum err err;
};

struct orders_journal {
    struct orders_journal_user *user;
    struct loop *loop;
    struct pool *pool;
    struct log *log;
    char *node;
    struct writing writing;
    bool is_writing;
    bool has_news;                 // records that the write under way does not have
    bool owes_replacement;         // there is no file that may be appended to
    bool is_failing;               // the newest write did
    size_t made_bytes;             // of the file when it was made
    struct orders_image unwritten; // records to append
    uint64_t era, number, drains;  // of the newest record
    struct timer retry;
    struct orders_journal_counts counts;
};

#define COUNTER_ROW_OF_JOURNAL(field, name, labels, help) \
    COUNTER_ROW(struct orders_journal_counts, field, name, labels, help),

const struct counter_row orders_journal_counter_rows[] = { ORDERS_JOURNAL_COUNTERS(
    COUNTER_ROW_OF_JOURNAL) };
const size_t orders_journal_counter_row_count = COUNT_OF(orders_journal_counter_rows);

static void write_next(struct orders_journal *j);

void orders_image_add(struct orders_image *image, const struct orders_record *record)
{
    if (image->length + ORDERS_RECORD_MAX > image->room) {
        image->room = 2 * image->room + ORDERS_RECORD_MAX;
        image->bytes = mem_resize(image->bytes, image->room);
    }
    image->length += orders_record_write(record, image->bytes + image->length);
}

static void on_write(struct pool_job *job)
{
    struct writing *w = container_of(job, struct writing, job);
    struct slice bytes = slice_of(w->bytes, w->length);

    w->err = w->is_replacement ? orders_file_replace(&w->file, bytes)
                               : orders_file_append(&w->file, bytes);
}

/* Said once each way. */
static void note_result(struct orders_journal *j, enum err err)
{
    const char *path = j->writing.file.path;

    if (err != ERR_NONE) {
        counter_up(&j->counts.errors);
        if (!j->is_failing)
            log_line(j->log, LOG_ERROR, "orders",
                "cannot_write node=%s file=%s reason=\"%s\" mend=\"make room or mend the disk; "
                "until "
                "then this node obeys orders, but has no receipts and forgets them at a restart\"",
                j->node, path, err_text(err));
    } else if (j->is_failing) {
        log_line(j->log, LOG_INFO, "orders", "can_write_again node=%s file=%s", j->node, path);
    }
    j->is_failing = err != ERR_NONE;
}

static void on_written(struct pool_job *job)
{
    struct orders_journal *j = container_of(job, struct orders_journal, writing.job);
    struct writing *w = &j->writing;

    mem_free(w->bytes);
    w->bytes = NULL;
    j->is_writing = false;
    note_result(j, w->err);
    if (w->err != ERR_NONE) {
        j->owes_replacement = j->has_news = true;
        j->unwritten.length = 0;
        timer_set(j->loop, &j->retry, instant_after(loop_now(j->loop), ORDERS_RETRY));
        return;
    }
    counter_up(w->is_replacement ? &j->counts.rewrites : &j->counts.writes);
    if (w->is_replacement)
        j->made_bytes = w->file.size_bytes;
    j->user->ops->written(j->user, w->era, w->number, w->drains);
    write_next(j);
}

static bool is_too_long(const struct orders_journal *j)
{
    size_t bytes = j->writing.file.size_bytes + j->unwritten.length;

    return bytes > ORDERS_COMPACT_BYTES && bytes > ORDERS_COMPACT_TIMES * j->made_bytes;
}

static struct orders_image image_of(const struct orders_journal *j)
{
    struct orders_image image = { .bytes = mem_alloc(ORDERS_FILE_HEADER),
        .length = ORDERS_FILE_HEADER,
        .room = ORDERS_FILE_HEADER };

    orders_file_begin(image.bytes);
    j->user->ops->image(j->user, &image);
    return image;
}

static void begin_writing(struct orders_journal *j)
{
    struct writing *w = &j->writing;

    w->is_replacement = j->owes_replacement || is_too_long(j);
    if (w->is_replacement)
        mem_free(j->unwritten.bytes);
    struct orders_image image = w->is_replacement ? image_of(j) : j->unwritten;

    j->unwritten = (struct orders_image){ 0 };
    w->bytes = image.bytes;
    w->length = image.length;
    w->era = j->era;
    w->number = j->number;
    w->drains = j->drains;
    j->owes_replacement = j->has_news = false;
    j->is_writing = true;
    w->job = (struct pool_job){ .work = on_write, .done = on_written, .loop = j->loop };
    if (pool_submit(j->pool, &w->job) == ERR_NONE)
        return;
    w->err = ERR_LIMIT; // as if the write had failed: the bytes are gone
    on_written(&w->job);
}

/* At once, unless a write is under way or has failed: what comes meanwhile goes with the next. */
static void write_next(struct orders_journal *j)
{
    if (j->has_news && !j->is_writing && !timer_is_set(&j->retry))
        begin_writing(j);
}

static void on_retry(struct timer *timer)
{
    write_next(container_of(timer, struct orders_journal, retry));
}

void orders_journal_put(
    struct orders_journal *journal, const struct orders_record *record, uint64_t drains)
{
    journal->era = record->era;
    journal->number = record->number;
    journal->drains = drains;
    journal->has_news = true;
    if (journal->unwritten.length + ORDERS_RECORD_MAX > ORDERS_UNWRITTEN_BYTES) {
        journal->owes_replacement = true;
        journal->unwritten.length = 0;
    }
    if (!journal->owes_replacement)
        orders_image_add(&journal->unwritten, record);
    write_next(journal);
}

static void set_aside(struct orders_journal *j, const char *reason, size_t at)
{
    enum err err = orders_file_set_aside(&j->writing.file);

    log_line(j->log, LOG_ERROR, "orders",
        "broken_file node=%s file=%s reason=\"%s\" at=%zu set_aside=\"%s\" "
        "done=\"the log is followed from its beginning\"",
        j->node, j->writing.file.path, reason, at, err == ERR_NONE ? "as .broken" : err_text(err));
    j->user->ops->forget(j->user);
    j->owes_replacement = true;
}

static void read_records(struct orders_journal *j, struct slice bytes)
{
    struct orders_file *file = &j->writing.file;
    enum orders_reading reading;
    struct orders_record record;
    size_t at = 0;

    while ((reading = orders_record_read(bytes, &at, &record)) == ORDERS_READ_RECORD)
        j->user->ops->read(j->user, &record);
    if (reading == ORDERS_READ_BROKEN) {
        set_aside(j, "not what was written", at);
        return;
    }
    if (reading == ORDERS_READ_TORN)
        log_line(j->log, LOG_WARNING, "orders",
            "torn_end node=%s file=%s kept=%zu cut_off=%zu reason=\"its last write was not "
            "finished\"",
            j->node, file->path, at, bytes.length - at);
    if (at < ORDERS_FILE_HEADER || orders_file_keep(file, at) != ERR_NONE)
        j->owes_replacement = true;
    j->made_bytes = at;
}

void orders_journal_read(struct orders_journal *journal)
{
    char *bytes = NULL;
    size_t length = 0;
    enum err err = orders_file_load(&journal->writing.file, &bytes, &length);

    if (err == ERR_NONE)
        read_records(journal, slice_of(bytes, length));
    else if (err == ERR_MISSING)
        journal->owes_replacement = true;
    else
        set_aside(journal, err_text(err), 0);
    mem_free(bytes);
}

struct orders_journal *orders_journal_new(
    const struct orders_journal_plan *plan, struct orders_journal_user *user)
{
    struct orders_journal *j = mem_new(struct orders_journal);

    j->user = user;
    j->loop = plan->loop;
    j->pool = plan->pool;
    j->log = plan->log;
    j->node = mem_text(plan->node, strlen(plan->node));
    j->retry.fire = on_retry;
    orders_file_init(&j->writing.file, plan->path);
    return j;
}

void orders_journal_free(struct orders_journal *journal)
{
    if (journal == NULL)
        return;
    timer_clear(journal->loop, &journal->retry);
    orders_file_done(&journal->writing.file);
    mem_free(journal->writing.bytes);
    mem_free(journal->unwritten.bytes);
    mem_free(journal->node);
    mem_free(journal);
}

bool orders_journal_is_failing(const struct orders_journal *journal)
{
    return journal->is_failing;
}

const struct orders_journal_counts *orders_journal_counts(const struct orders_journal *journal)
{
    return &journal->counts;
}
