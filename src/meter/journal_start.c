// SPDX-License-Identifier: Apache-2.0
/* What the journal finds at a start. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "meter/journal_priv.h"

static int by_number(const void *a, const void *b)
{
    const struct journal_segment *left = a, *right = b;

    return (left->number > right->number) - (left->number < right->number);
}

static void add_segment(struct journal_found *f, size_t *room, uint64_t number)
{
    if (f->segment_count == *room) {
        *room = 2 * *room + 16;
        f->segments = mem_resize(f->segments, *room * sizeof *f->segments);
    }
    f->segments[f->segment_count++] =
        (struct journal_segment){ .number = number, .bytes = UINT64_MAX };
}

static void say_unreadable(const struct journal_start *s, const char *path, enum err err)
{
    counter_up(&s->counts->errors);
    log_line(s->log, LOG_ERROR, "usage",
        "cannot_read node=%.*s file=%s reason=\"%s\" mend=\"what is in it is not billed until it "
        "can be read at a start\"",
        SLICE_ARG(s->node), path, err_text(err));
}

/* One that was not finished is of no use: it has nothing that is not in the others. */
static void delete_unfinished(const struct journal_start *s, const char *name)
{
    char path[SEGMENT_PATH_MAX];

    if (slice_ends(slice_text(name), SLICE(".new")) &&
        (size_t)snprintf(path, sizeof path, "%s/%s", s->folder, name) < sizeof path)
        unlink(path);
}

static void list_segments(const struct journal_start *s, struct journal_found *f)
{
    DIR *folder = opendir(s->folder);
    uint64_t number;
    size_t room = 0;

    if (folder == NULL) {
        if (errno != ENOENT) // it is made with the first entry
            say_unreadable(s, s->folder, err_from_errno(errno));
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (segment_number(entry->d_name, &number))
            add_segment(f, &room, number);
        else
            delete_unfinished(s, entry->d_name);
    }
    closedir(folder);
    if (f->segment_count > 0) {
        qsort(f->segments, f->segment_count, sizeof *f->segments, by_number);
        f->next_number = f->segments[f->segment_count - 1].number + 1;
    }
}

/* What a segment says of those before it; false: it cannot be read. */
static bool read_oldest(
    const struct journal_start *s, uint64_t number, struct journal_oldest *oldest)
{
    struct segment_reader reader = { .fd = -1 };
    char path[SEGMENT_PATH_MAX];
    struct journal_record record;

    if (segment_open(&reader, segment_path(s->folder, number, ".entries", path), 0, UINT64_MAX) !=
        ERR_NONE)
        return false;
    bool is_read = segment_next(&reader, &record) == SEGMENT_RECORD &&
                   record.kind == JOURNAL_OLDEST && journal_oldest_parse(record.payload, oldest);

    segment_close(&reader);
    return is_read;
}

/* They were settled, or another took their place, and could not be deleted then, or a power cut
 * brought them back. */
static void forget_done(const struct journal_start *s, struct journal_found *f)
{
    size_t newest = f->segment_count, first = 0;
    char path[SEGMENT_PATH_MAX];
    struct journal_oldest oldest = { 0 };

    while (newest > 0 && !read_oldest(s, f->segments[newest - 1].number, &oldest))
        newest--;
    for (; first < newest && f->segments[first].number < oldest.number; first++)
        unlink(segment_path(s->folder, f->segments[first].number, ".entries", path));
    f->segment_count -= first;
    if (first > 0)
        memmove(f->segments, f->segments + first, f->segment_count * sizeof *f->segments);
    // What was in segments that are not here any more was settled.
    f->has_oldest = f->segment_count > 0 && read_oldest(s, f->segments[0].number, &oldest);
    if (f->has_oldest)
        f->settled.sequence = oldest.first - 1;
}

/* Cut off, so that it is said once. */
static void cut_torn(const struct journal_start *s, const struct journal_scan *scan)
{
    const struct segment_reader *r = &scan->reader;
    char path[SEGMENT_PATH_MAX];

    segment_path(s->folder, journal_scan_segment(scan)->number, ".entries", path);
    bool is_cut = truncate(path, (off_t)r->wrong_at) == 0;

    counter_up(&s->counts->torn);
    log_line(s->log, LOG_WARNING, "usage",
        "torn_end node=%.*s file=%s kept=%" PRIu64 " cut_off=%" PRIu64 " reason=\"its last write "
        "was not finished%s\"",
        SLICE_ARG(s->node), path, r->wrong_at, r->wrong_end - r->wrong_at,
        is_cut ? "" : "; it stays, as the file cannot be changed");
}

static void keep_broken(
    const struct journal_start *s, uint64_t number, const char *reason, uint64_t from, uint64_t to)
{
    char path[SEGMENT_PATH_MAX], kept[SEGMENT_PATH_MAX];

    segment_path(s->folder, number, ".entries", path);
    segment_path(s->folder, number, ".broken", kept);
    bool is_kept = link(path, kept) == 0 || errno == EEXIST;

    counter_up(&s->counts->broken);
    log_line(s->log, LOG_ERROR, "usage",
        "broken_segment node=%.*s file=%s from=%" PRIu64 " to=%" PRIu64 " reason=\"%s\" "
        "set_aside=\"%s\" done=\"what can be read of it is taken over\"",
        SLICE_ARG(s->node), path, from, to, reason, is_kept ? "as .broken" : strerror(errno));
}

static void check_chain(
    const struct journal_start *s, struct journal_found *f, const struct usage_entry *entry)
{
    const struct closing_position *last = closing_position(s->closing);

    if (last->sequence == 0 || (entry->sequence == last->sequence + 1 &&
                                   memcmp(entry->before, last->hash, USAGE_HASH_SIZE) == 0))
        return;
    f->gap_behind = last->sequence;
    counter_up(&s->counts->broken);
    log_line(s->log, LOG_ERROR, "usage",
        "broken_chain node=%.*s last=%" PRIu64 " next=%" PRIu64 " done=\"settled with the ledger "
        "anew\"",
        SLICE_ARG(s->node), last->sequence, entry->sequence);
}

static void take_entry(
    const struct journal_start *s, struct journal_found *f, const struct journal_scan *scan)
{
    const struct usage_entry *entry = &scan->entry;
    struct journal_segment *segment = &f->segments[scan->index];

    check_chain(s, f, entry);
    if (!f->has_oldest && f->settled.sequence < entry->sequence)
        f->settled.sequence = entry->sequence - 1; // as far as is known
    f->has_oldest = true;
    if (f->settled.sequence == entry->sequence - 1)
        memcpy(f->settled.hash, entry->before, USAGE_HASH_SIZE);
    if (segment->first == 0)
        segment->first = entry->sequence;
    segment->last = entry->sequence;
    closing_learn(s->closing, entry, scan->hash);
}

static void take(const struct journal_start *s, struct journal_found *f, struct journal_scan *scan,
    enum journal_scanning found)
{
    const struct journal_segment *segment = journal_scan_segment(scan);
    struct journal_position settled;
    uint64_t at;

    switch (found) {
    case SCAN_ENTRY: take_entry(s, f, scan); break;
    case SCAN_TOTALS: closing_restore(s->closing, &scan->entry, false); break;
    case SCAN_SETTLED:
        if (journal_settled_parse(scan->record.payload, &settled) &&
            settled.sequence > f->settled.sequence)
            f->settled = settled;
        break;
    case SCAN_TORN: cut_torn(s, scan); break;
    case SCAN_BROKEN:
        keep_broken(s, segment->number, "not what was written", scan->reader.wrong_at,
            scan->reader.wrong_end);
        break;
    case SCAN_FOREIGN:
        at = journal_scan_offset(scan);
        keep_broken(s, segment->number, "an entry of another node or of a later version", at, at);
        break;
    case SCAN_ERROR:
        counter_up(&s->counts->errors);
        keep_broken(s, scan->segments[scan->index - 1].number, err_text(scan->err), 0, 0);
        break;
    case SCAN_END: break;
    }
}

void journal_start_read(const struct journal_start *start, struct journal_found *found)
{
    enum journal_scanning event;

    *found = (struct journal_found){ .next_number = 1 };
    list_segments(start, found);
    forget_done(start, found);
    struct journal_scan scan = { .folder = start->folder,
        .node = start->node,
        .segments = found->segments,
        .count = found->segment_count };

    journal_scan_begin(&scan, 0, 0, 0);
    while ((event = journal_scan_next(&scan)) != SCAN_END)
        take(start, found, &scan, event);
    journal_scan_end(&scan);
    for (size_t i = 0; i < found->segment_count; i++) {
        char path[SEGMENT_PATH_MAX];
        struct stat facts;

        segment_path(start->folder, found->segments[i].number, ".entries", path);
        found->segments[i].bytes = stat(path, &facts) == 0 ? (uint64_t)facts.st_size : 0;
    }
    if (found->settled.sequence > closing_position(start->closing)->sequence)
        closing_move(start->closing, found->settled.sequence, found->settled.hash);
}
