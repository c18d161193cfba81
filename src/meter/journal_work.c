// SPDX-License-Identifier: Apache-2.0
/* The journal's work on the pool. */
#include <assert.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "meter/journal_priv.h"

void journal_batch_add(struct journal_batch *batch, struct slice entry)
{
    if (batch->length + USAGE_BATCH_ENTRY_MAX > batch->room) {
        batch->room = 2 * batch->room + USAGE_BATCH_ENTRY_MAX;
        batch->bytes = mem_resize(batch->bytes, batch->room);
    }
    batch->length += usage_batch_put(entry, batch->bytes + batch->length);
    batch->count++;
}

void journal_batch_done(struct journal_batch *batch)
{
    mem_free(batch->bytes);
    *batch = (struct journal_batch){ 0 };
}

static char *put_records(
    char *out, const struct journal_batch *batch, enum journal_record_kind kind, uint64_t write)
{
    struct slice rest = slice_of(batch->bytes, batch->length);
    struct journal_record record = { .kind = kind, .write = write };

    while (usage_batch_next(&rest, &record.payload))
        out += journal_record_write(&record, out);
    assert(rest.length == 0);
    return out;
}

static char *put_record(
    char *out, enum journal_record_kind kind, uint64_t write, struct slice payload)
{
    const struct journal_record record = { .kind = kind, .write = write, .payload = payload };

    return out + journal_record_write(&record, out);
}

static enum err append(struct journal_job *w)
{
    const size_t records = w->entries.count + w->totals.count + 2;
    char oldest[JOURNAL_OLDEST_SIZE], settled[JOURNAL_SETTLED_SIZE];
    char *image = mem_alloc(w->entries.length + w->totals.length + sizeof oldest + sizeof settled +
                            records * JOURNAL_RECORD_EXTRA);
    const uint64_t write = w->number != 0 ? 0 : w->writer.size_bytes;
    char *out = image;

    if (w->number != 0)
        out = put_record(out, JOURNAL_OLDEST, write, journal_oldest_write(&w->oldest, oldest));
    out = put_records(out, &w->entries, JOURNAL_ENTRY, write);
    out = put_records(out, &w->totals, JOURNAL_TOTALS, write);
    if (w->settled.sequence > 0)
        out = put_record(out, JOURNAL_SETTLED, write, journal_settled_write(&w->settled, settled));
    enum err err = segment_append(&w->writer, slice_of(image, (size_t)(out - image)));

    mem_free(image);
    return err;
}

enum err journal_work_make(
    const struct journal_job *job, const char *path, struct segment_writer *writer)
{
    enum err err = segment_make(writer, path);

    if (err != ERR_MISSING)
        return err;
    if (mkdir(job->folder, 0700) != 0)
        return err_from_errno(errno);
    TRY(file_sync_folder(job->folder));
    return segment_make(writer, path);
}

static enum err write_entries(struct journal_job *w)
{
    char path[SEGMENT_PATH_MAX];
    enum err err = ERR_NONE;

    if (w->number != 0) {
        segment_abandon(&w->writer);
        segment_path(w->folder, w->number, ".entries", path);
        err = journal_work_make(w, path, &w->writer);
        if (err == ERR_EXISTS)
            return err; // one that could not be deleted; not ours to delete now
    }
    if (err == ERR_NONE)
        err = append(w);
    if (err == ERR_NONE)
        err = segment_sync(&w->writer);
    if (err == ERR_NONE && w->number != 0)
        err = file_sync_folder(path);
    if (err == ERR_NONE)
        return ERR_NONE;
    segment_abandon(&w->writer);
    // Nothing in it was told to anybody. Should it stay, its entries are read once all the same.
    if (w->number != 0)
        unlink(path);
    return err;
}

static void collect(struct journal_job *w, struct journal_scan *scan)
{
    struct journal_asked *a = &w->asked;
    enum journal_scanning found;

    while (a->room_bytes - a->length >= USAGE_BATCH_ENTRY_MAX &&
           (found = journal_scan_next(scan)) != SCAN_END) {
        if (found != SCAN_ENTRY) {
            a->broken += found == SCAN_TORN || found == SCAN_BROKEN || found == SCAN_ERROR;
            continue;
        }
        if (a->first == 0) {
            a->first = scan->entry.sequence;
            memcpy(a->before, scan->entry.before, USAGE_HASH_SIZE);
        }
        a->length += usage_batch_put(scan->record.payload, a->room + a->length);
        a->last.sequence = scan->entry.sequence;
        memcpy(a->last.hash, scan->hash, USAGE_HASH_SIZE);
        a->number = journal_scan_segment(scan)->number;
        a->offset = journal_scan_offset(scan);
    }
}

static enum err read_entries(struct journal_job *w)
{
    struct journal_asked *a = &w->asked;
    struct journal_scan scan = {
        .folder = w->folder, .node = w->node, .segments = w->segments, .count = w->segment_count
    };
    uint64_t number = a->number, offset = a->offset;

    if (a->has_word && (a->is_held = journal_scan_holds(&scan, &a->word))) {
        a->after = a->word;
        number = 0;
    }
    size_t index = journal_segment_behind(w->segments, w->segment_count, a->after.sequence);

    // Where the last batch ended its segment, that one is not the first with entries behind it.
    if (index == w->segment_count || w->segments[index].number != number)
        offset = 0;
    journal_scan_begin(&scan, index, offset, a->after.sequence);
    collect(w, &scan);
    journal_scan_end(&scan);
    return ERR_NONE;
}

static enum err sweep(struct journal_job *w)
{
    char path[SEGMENT_PATH_MAX];
    enum err err = ERR_NONE;

    for (size_t i = 0; i < w->segment_count; i++)
        if (unlink(segment_path(w->folder, w->segments[i].number, ".entries", path)) != 0 &&
            errno != ENOENT)
            err = err_from_errno(errno);
    return err;
}

void journal_work(struct pool_job *job)
{
    struct journal_job *w = container_of(job, struct journal_job, job);

    switch (w->task) {
    case TASK_WRITE: w->err = write_entries(w); break;
    case TASK_ASK: w->err = read_entries(w); break;
    case TASK_SWEEP: w->err = sweep(w); break;
    case TASK_MOVE: w->err = journal_work_move(w); break;
    }
}
