// SPDX-License-Identifier: Apache-2.0
#include "meter/journal_scan.h"

#include <assert.h>

#include "tls/sha256.h"

void journal_scan_begin(struct journal_scan *scan, size_t index, uint64_t offset, uint64_t after)
{
    assert(!scan->is_open);
    scan->index = index;
    scan->offset = offset;
    scan->after = after;
}

void journal_scan_end(struct journal_scan *scan)
{
    if (scan->is_open)
        segment_close(&scan->reader);
    scan->is_open = false;
}

static void leave_segment(struct journal_scan *s)
{
    journal_scan_end(s);
    s->index++;
    s->offset = 0;
}

/* An entry that is given for the first time is the newest now. False: it was given before. */
static bool note_entry(struct journal_scan *s)
{
    if (s->entry.sequence <= s->after)
        return false;
    s->after = s->entry.sequence;
    sha256(s->record.payload, s->hash);
    return true;
}

/* SCAN_END: nothing to tell of this record. */
static enum journal_scanning tell_record(struct journal_scan *s)
{
    bool has_entry = s->record.kind == JOURNAL_ENTRY || s->record.kind == JOURNAL_TOTALS;

    if (has_entry &&
        (!usage_entry_parse(s->record.payload, &s->entry) || !slice_equal(s->entry.node, s->node)))
        return SCAN_FOREIGN;
    switch (s->record.kind) {
    case JOURNAL_ENTRY: return note_entry(s) ? SCAN_ENTRY : SCAN_END;
    case JOURNAL_TOTALS: return SCAN_TOTALS;
    case JOURNAL_SETTLED: return SCAN_SETTLED;
    case JOURNAL_OLDEST:
    case JOURNAL_RECORD_KIND_COUNT: break;
    }
    return SCAN_END;
}

static enum err open_segment(struct journal_scan *s)
{
    char path[SEGMENT_PATH_MAX];
    const struct journal_segment *segment = &s->segments[s->index];

    segment_path(s->folder, segment->number, ".entries", path);
    TRY(segment_open(&s->reader, path, s->offset, segment->bytes));
    s->is_open = true;
    return ERR_NONE;
}

enum journal_scanning journal_scan_next(struct journal_scan *scan)
{
    while (scan->index < scan->count) {
        if (!scan->is_open && (scan->err = open_segment(scan)) != ERR_NONE) {
            leave_segment(scan);
            return SCAN_ERROR;
        }
        enum journal_scanning told;

        switch (segment_next(&scan->reader, &scan->record)) {
        case SEGMENT_RECORD:
            if ((told = tell_record(scan)) != SCAN_END)
                return told;
            break;
        case SEGMENT_END: leave_segment(scan); break;
        case SEGMENT_TORN: return SCAN_TORN;
        case SEGMENT_BROKEN: return SCAN_BROKEN;
        case SEGMENT_ERROR:
            scan->err = scan->reader.err;
            leave_segment(scan);
            return SCAN_ERROR;
        }
    }
    return SCAN_END;
}

uint64_t journal_scan_offset(const struct journal_scan *scan)
{
    return scan->is_open ? segment_at(&scan->reader) : 0;
}

const struct journal_segment *journal_scan_segment(const struct journal_scan *scan)
{
    return scan->index < scan->count ? &scan->segments[scan->index] : NULL;
}

size_t journal_segment_behind(
    const struct journal_segment *segments, size_t count, uint64_t sequence)
{
    size_t i = 0;

    while (i < count && segments[i].last <= sequence)
        i++;
    return i;
}

bool journal_scan_holds(struct journal_scan *scan, const struct journal_position *position)
{
    uint64_t sequence = position->sequence;
    bool is_held = false, is_past = sequence == 0;
    enum journal_scanning found = SCAN_END;

    // One before is enough to find it; the next one names it, too, should itself be unreadable.
    journal_scan_begin(scan,
        sequence == 0 ? scan->count
                      : journal_segment_behind(scan->segments, scan->count, sequence - 1),
        0, 0);
    while (!is_past && !is_held && (found = journal_scan_next(scan)) != SCAN_END) {
        const struct usage_entry *entry = &scan->entry;

        if (found != SCAN_ENTRY)
            continue;
        is_past = entry->sequence > sequence;
        if (entry->sequence == sequence)
            is_held = memcmp(scan->hash, position->hash, USAGE_HASH_SIZE) == 0;
        else if (entry->sequence == sequence + 1)
            is_held = memcmp(entry->before, position->hash, USAGE_HASH_SIZE) == 0;
    }
    journal_scan_end(scan);
    return is_held;
}
