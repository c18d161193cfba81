// SPDX-License-Identifier: Apache-2.0
/*
 * What is not settled, chained anew behind what the ledger holds: one new segment, put in the place
 * of all others at once by its name.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "meter/journal_priv.h"

enum { BUFFER_BYTES = 1 << 20 };

/* A segment in the making. */
struct making {
    struct segment_writer writer;
    char *buffer;
    size_t length;
    uint64_t write;
    enum err err; // the first there was
};

static void flush(struct making *m)
{
    if (m->err == ERR_NONE)
        m->err = segment_append(&m->writer, slice_of(m->buffer, m->length));
    m->write = m->writer.size_bytes;
    m->length = 0;
}

static void add(struct making *m, enum journal_record_kind kind, struct slice payload)
{
    const struct journal_record record = { .kind = kind, .write = m->write, .payload = payload };

    if (m->length + JOURNAL_RECORD_MAX > BUFFER_BYTES)
        flush(m);
    m->length += journal_record_write(&record, m->buffer + m->length);
}

/*
 * The last entry that the ledger may have. What it holds is of our chain: that one. It took none of
 * ours ever, or has nothing: none. Else it has, for all we know, what was here before this start.
 */
static uint64_t last_had(struct journal_job *w, struct journal_scan *scan)
{
    struct journal_moved *m = &w->moved;
    uint64_t least = m->to.sequence < m->read_last ? m->to.sequence : m->read_last;

    if (journal_scan_holds(scan, &m->to))
        return m->to.sequence;
    if (m->settled == 0 || m->to.sequence == 0)
        return 0;
    m->is_guess = true;
    return least > m->settled ? least : m->settled;
}

static void add_again(struct journal_job *w, struct making *m, struct closing *closing,
    const struct usage_entry *entry)
{
    char room[USAGE_ENTRY_MAX];

    if (w->moved.entries == 0)
        closing_move(closing, w->moved.to.sequence, w->moved.to.hash);
    struct slice bytes = closing_again(closing, entry, room);

    if (bytes.length == 0)
        return;
    add(m, JOURNAL_ENTRY, bytes);
    w->moved.entries++;
}

static void add_from_disk(struct journal_job *w, struct making *m, struct closing *closing)
{
    struct journal_scan scan = {
        .folder = w->folder, .node = w->node, .segments = w->segments, .count = w->segment_count
    };
    uint64_t had = last_had(w, &scan);
    enum journal_scanning found;

    journal_scan_begin(&scan, 0, 0, 0);
    while (m->err == ERR_NONE && (found = journal_scan_next(&scan)) != SCAN_END) {
        if (found == SCAN_TOTALS)
            closing_restore(closing, &scan.entry, true);
        if (found != SCAN_ENTRY)
            continue;
        if (scan.entry.sequence > had) {
            add_again(w, m, closing, &scan.entry);
            continue;
        }
        closing_learn(closing, &scan.entry, scan.hash);
        w->moved.left_out += w->moved.is_guess && scan.entry.sequence > w->moved.settled;
    }
    journal_scan_end(&scan);
}

static void add_from_memory(struct journal_job *w, struct making *m, struct closing *closing)
{
    struct slice rest = slice_of(w->entries.bytes, w->entries.length), bytes;
    struct usage_entry entry;

    while (usage_batch_next(&rest, &bytes)) {
        bool is_entry = usage_entry_parse(bytes, &entry);

        assert(is_entry);
        add_again(w, m, closing, &entry);
    }
}

static void make(struct journal_job *w, struct making *m)
{
    struct closing *closing = closing_new(w->node, w->node);
    const struct journal_oldest oldest = { .number = w->number, .first = w->moved.to.sequence + 1 };
    char room[USAGE_ENTRY_MAX];
    struct slice bytes;
    size_t at = 0;

    add(m, JOURNAL_OLDEST, journal_oldest_write(&oldest, room));
    add(m, JOURNAL_SETTLED, journal_settled_write(&w->moved.to, room));
    add_from_disk(w, m, closing);
    add_from_memory(w, m, closing);
    if (w->moved.entries == 0)
        closing_move(closing, w->moved.to.sequence, w->moved.to.hash);
    const struct closing_position *last = closing_position(closing);

    w->moved.last.sequence = last->sequence;
    memcpy(w->moved.last.hash, last->hash, USAGE_HASH_SIZE);
    while (closing_totals(closing, &at, room, &bytes))
        add(m, JOURNAL_TOTALS, bytes);
    flush(m);
    closing_free(closing);
}

static void delete_others(const struct journal_job *w)
{
    char path[SEGMENT_PATH_MAX];

    // Should one stay, the new one says that it counts no more.
    for (size_t i = 0; i < w->segment_count; i++)
        unlink(segment_path(w->folder, w->segments[i].number, ".entries", path));
}

enum err journal_work_move(struct journal_job *job)
{
    char made[SEGMENT_PATH_MAX], path[SEGMENT_PATH_MAX];
    struct making m = { .writer.fd = -1 };

    segment_path(job->folder, job->number, ".new", made);
    segment_path(job->folder, job->number, ".entries", path);
    unlink(made);
    TRY(journal_work_make(job, made, &m.writer));
    m.buffer = mem_alloc(BUFFER_BYTES);
    make(job, &m);
    if (m.err == ERR_NONE)
        m.err = segment_sync(&m.writer);
    if (m.err == ERR_NONE && rename(made, path) != 0)
        m.err = err_from_errno(errno);
    if (m.err == ERR_NONE)
        m.err = file_sync_folder(path);
    job->moved.bytes = m.writer.size_bytes;
    segment_abandon(&m.writer);
    mem_free(m.buffer);
    if (m.err == ERR_NONE) {
        segment_abandon(&job->writer); // nothing is appended to what counts no more
        delete_others(job);
    } else {
        unlink(made);
        unlink(path); // else the next start would take it for good
    }
    return m.err;
}
