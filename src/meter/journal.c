// SPDX-License-Identifier: Apache-2.0
#include "meter/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "io/loop.h"
#include "meter/journal_priv.h"

#define COUNTER_ROW_OF_JOURNAL(field, name, labels, help) \
    COUNTER_ROW(struct journal_counts, field, name, labels, help),

const struct counter_row journal_counter_rows[] = { JOURNAL_COUNTERS(COUNTER_ROW_OF_JOURNAL) };
const size_t journal_counter_row_count = COUNT_OF(journal_counter_rows);

static void work_next(struct journal *j);

static bool is_same(const struct journal_position *a, const struct journal_position *b)
{
    return a->sequence == b->sequence && memcmp(a->hash, b->hash, USAGE_HASH_SIZE) == 0;
}

static struct journal_position position_of(const struct closing *closing)
{
    const struct closing_position *p = closing_position(closing);
    struct journal_position position = { .sequence = p->sequence };

    memcpy(position.hash, p->hash, USAGE_HASH_SIZE);
    return position;
}

static void try_again_later(struct journal *j)
{
    timer_set(j->loop, &j->retry, instant_after(loop_now(j->loop), JOURNAL_RETRY));
}

/* Said once each way. */
static void note_result(struct journal *j, enum err err)
{
    if (err != ERR_NONE) {
        counter_up(&j->counts.errors);
        if (!j->is_failing)
            log_line(j->log, LOG_ERROR, "usage",
                "cannot_write node=%s folder=%s reason=\"%s\" mend=\"make room or mend the disk; "
                "until then visitors are served and counted, but a power cut would lose what was "
                "counted since\"",
                j->node, j->folder, err_text(err));
    } else if (j->is_failing) {
        log_line(
            j->log, LOG_INFO, "usage", "can_write_again node=%s folder=%s", j->node, j->folder);
    }
    j->is_failing = err != ERR_NONE;
}

/* The ledger holds our chain up to here. */
static void settle(struct journal *j, const struct journal_position *position)
{
    j->settled = *position;
    j->has_word = false;
}

static struct journal_segment *newest(struct journal *j)
{
    return &j->segments[j->segment_count - 1];
}

static void add_segment(struct journal *j, const struct journal_segment *segment)
{
    if (j->segment_count == j->segment_room) {
        j->segment_room = 2 * j->segment_room + 16;
        j->segments = mem_resize(j->segments, j->segment_room * sizeof *j->segments);
    }
    j->segments[j->segment_count++] = *segment;
}

static void forget_segments(struct journal *j, size_t count)
{
    j->segment_count -= count;
    if (j->segment_count > 0)
        memmove(j->segments, j->segments + count, j->segment_count * sizeof *j->segments);
}

static void end_write(struct journal *j)
{
    struct journal_job *w = &j->job;

    if (w->err != ERR_NONE) {
        // A segment that was just begun is deleted instead.
        counter_add(&j->counts.abandoned, w->number == 0);
        try_again_later(j);
        return;
    }
    struct journal_position last = position_of(j->closing);

    if (w->number != 0) {
        add_segment(j, &(struct journal_segment){ .number = w->number });
        j->complete_number = w->number;
        j->totals_bytes = w->totals.length;
    }
    if (newest(j)->first == 0)
        newest(j)->first = last.sequence - w->entries.count + 1;
    newest(j)->last = last.sequence;
    newest(j)->bytes = w->writer.size_bytes;
    if (w->settled.sequence > 0)
        j->noted_settled = w->settled.sequence;
    counter_add(&j->counts.written, w->entries.count);
    counter_up(&j->counts.writes);
    j->last = last;
    j->wants_write = false;
    journal_batch_done(&j->put);
    j->user->ops->written(j->user, last.sequence);
}

/* What was read is the successor of what the ledger said that it holds. */
static bool is_wanted(const struct journal *j)
{
    const struct journal_asked *a = &j->job.asked;

    if (a->has_word && !a->is_held)
        return false;
    return a->first == 0 || (a->first == a->after.sequence + 1 &&
                                memcmp(a->before, a->after.hash, USAGE_HASH_SIZE) == 0);
}

static void end_ask(struct journal *j)
{
    const struct journal_asked *a = &j->job.asked;
    struct journal_pending pending = {
        .batch = slice_of(a->room, a->length), .first = a->first, .last = a->last.sequence
    };

    counter_add(&j->counts.errors, a->broken);
    if (a->has_word && a->is_held)
        settle(j, &a->word);
    if (a->is_told)
        j->doubts = is_wanted(j) ? 0 : j->doubts + 1;
    j->wants_move = j->doubts >= JOURNAL_DOUBTS;
    j->asked = a->last;
    j->at_number = a->number;
    j->at_offset = a->offset;
    j->at_sequence = a->last.sequence;
    j->ask_room = 0;
    j->user->ops->pending(j->user, &pending);
    mem_free(a->room);
}

static void end_sweep(struct journal *j)
{
    struct journal_job *w = &j->job;

    if (w->err != ERR_NONE) {
        counter_up(&j->counts.errors);
        log_line(j->log, LOG_WARNING, "usage",
            "cannot_delete node=%s folder=%s reason=\"%s\" mend=\"delete %010" PRIu64
            ".entries and those before it, which are settled\"",
            j->node, j->folder, err_text(w->err), w->segments[w->segment_count - 1].number);
    }
    forget_segments(j, w->segment_count);
}

static void end_move(struct journal *j)
{
    const struct journal_moved *m = &j->job.moved;

    if (j->job.err != ERR_NONE) {
        try_again_later(j);
        return;
    }
    log_line(j->log, LOG_ERROR, "usage",
        "chained_anew node=%s from=%" PRIu64 " to=%" PRIu64 " entries=%" PRIu64 " left_out=%" PRIu64
        " reason=\"the ledger's entries of this node are not those that were "
        "here\"",
        j->node, m->to.sequence + 1, m->last.sequence, m->entries, m->left_out);
    counter_up(&j->counts.moves);
    counter_add(&j->counts.left_out, m->left_out);
    forget_segments(j, j->segment_count);
    add_segment(j, &(struct journal_segment){ .number = j->job.number,
                       .first = m->entries > 0 ? m->to.sequence + 1 : 0,
                       .last = m->entries > 0 ? m->last.sequence : 0,
                       .bytes = m->bytes });
    j->complete_number = j->job.number;
    settle(j, &m->to);
    j->noted_settled = j->read_last = m->to.sequence;
    j->last = m->last;
    j->asked = (struct journal_position){ 0 };
    j->at_number = j->gap_behind = 0;
    j->doubts = 0;
    j->wants_move = j->wants_write = false;
    closing_move(j->closing, m->last.sequence, m->last.hash);
    journal_batch_done(&j->put);
    j->user->ops->written(j->user, m->last.sequence);
}

static void on_done(struct pool_job *job)
{
    struct journal *j = container_of(job, struct journal, job.job);
    bool is_written = j->job.task == TASK_WRITE || j->job.task == TASK_MOVE;

    if (is_written)
        note_result(j, j->job.err);
    // The user may ask or write from within: that begins when this job is put away.
    switch (j->job.task) {
    case TASK_WRITE: end_write(j); break;
    case TASK_ASK: end_ask(j); break;
    case TASK_SWEEP: end_sweep(j); break;
    case TASK_MOVE: end_move(j); break;
    }
    mem_free(j->job.segments);
    j->job.segments = NULL;
    journal_batch_done(&j->job.totals);
    j->is_working = false;
    work_next(j);
}

/* False: the pool took it not. */
static bool begin(struct journal *j, enum journal_task task, size_t segment_count)
{
    struct journal_job *w = &j->job;

    w->task = task;
    w->job = (struct pool_job){ .work = journal_work, .done = on_done, .loop = j->loop };
    w->segment_count = segment_count;
    w->segments = mem_array(segment_count, sizeof *w->segments);
    if (segment_count > 0)
        memcpy(w->segments, j->segments, segment_count * sizeof *w->segments);
    j->is_working = pool_submit(j->pool, &w->job) == ERR_NONE;
    if (j->is_working)
        return true;
    mem_free(w->segments);
    w->segments = NULL;
    try_again_later(j);
    return false;
}

static bool needs_segment(const struct journal *j)
{
    const struct segment_writer *writer = &j->job.writer;

    return writer->fd < 0 || writer->size_bytes > JOURNAL_SEGMENT_BYTES + 2 * j->totals_bytes;
}

static size_t count_unsettled(const struct journal *j)
{
    return j->segment_count -
           journal_segment_behind(j->segments, j->segment_count, j->settled.sequence);
}

static void begin_write(struct journal *j)
{
    struct journal_job *w = &j->job;
    char room[USAGE_ENTRY_MAX];
    struct slice bytes;
    size_t at = 0;

    w->number = 0;
    if (needs_segment(j)) {
        if (count_unsettled(j) >= JOURNAL_SEGMENTS_MAX) {
            note_result(j, ERR_LIMIT);
            try_again_later(j);
            return;
        }
        w->number = j->next_number++;
        w->oldest.number = j->segment_count > 0 ? j->segments[0].number : w->number;
        w->oldest.first = closing_position(j->closing)->sequence - j->put.count + 1;
        while (closing_totals(j->closing, &at, room, &bytes))
            journal_batch_add(&w->totals, bytes);
    }
    w->entries = j->put; // which nobody changes before it is written
    w->settled =
        j->settled.sequence > j->noted_settled ? j->settled : (struct journal_position){ 0 };
    if (!begin(j, TASK_WRITE, 0))
        journal_batch_done(&w->totals);
}

static void begin_move(struct journal *j)
{
    j->job.number = j->next_number++;
    j->job.entries = j->put;
    j->job.moved = (struct journal_moved){
        .to = j->word, .settled = j->settled.sequence, .read_last = j->read_last
    };
    begin(j, TASK_MOVE, j->segment_count);
}

static void begin_ask(struct journal *j)
{
    struct journal_asked *a = &j->job.asked;
    bool is_next = j->at_sequence == j->settled.sequence;

    *a = (struct journal_asked){ .is_told = j->is_told,
        .has_word = j->has_word,
        .word = j->word,
        .after = j->settled,
        .number = is_next ? j->at_number : 0,
        .offset = is_next ? j->at_offset : 0,
        .room = mem_alloc(j->ask_room),
        .room_bytes = j->ask_room };
    if (begin(j, TASK_ASK, j->segment_count))
        j->is_told = j->has_word = false;
    else
        mem_free(a->room);
}

/* How many of the oldest segments are settled, and have no total that a newer one has not. Where
 * entries are missing, what is before them tells what they held. */
static size_t count_done(const struct journal *j)
{
    size_t count = 0;

    if (j->doubts > 0 || (j->gap_behind > 0 && j->settled.sequence <= j->gap_behind))
        return 0;

    while (count < j->segment_count && j->segments[count].last <= j->settled.sequence &&
           j->segments[count].number < j->complete_number)
        count++;
    return count;
}

static void work_next(struct journal *j)
{
    bool waits = timer_is_set(&j->retry);

    if (j->is_working)
        return;
    if (j->wants_move && !waits)
        begin_move(j);
    else if (j->wants_write && !waits)
        begin_write(j);
    else if (j->ask_room > 0)
        begin_ask(j);
    else if (count_done(j) > 0)
        begin(j, TASK_SWEEP, count_done(j));
}

static void on_retry(struct timer *timer)
{
    work_next(container_of(timer, struct journal, retry));
}

struct journal *journal_new(const struct journal_plan *plan, struct journal_user *user)
{
    struct journal *j = mem_new(struct journal);

    *j = (struct journal){ .user = user,
        .loop = plan->loop,
        .pool = plan->pool,
        .log = plan->log,
        .closing = plan->closing,
        .node = mem_text(plan->node, strlen(plan->node)),
        .folder = mem_text(plan->folder, strlen(plan->folder)),
        .next_number = 1,
        .retry.fire = on_retry,
        .job.writer.fd = -1 };
    j->job.folder = j->folder;
    j->job.node = slice_text(j->node);
    return j;
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    timer_clear(journal->loop, &journal->retry);
    loop_unpost(journal->loop, &journal->job.job.message);
    segment_abandon(&journal->job.writer);
    if (journal->is_working && journal->job.task == TASK_ASK)
        mem_free(journal->job.asked.room);
    mem_free(journal->job.segments);
    journal_batch_done(&journal->job.totals);
    journal_batch_done(&journal->put);
    mem_free(journal->segments);
    mem_free(journal->node);
    mem_free(journal->folder);
    mem_free(journal);
}

void journal_read(struct journal *journal)
{
    struct journal *j = journal;
    const struct journal_start start = { .folder = j->folder,
        .node = j->job.node,
        .log = j->log,
        .closing = j->closing,
        .counts = &j->counts };
    struct journal_found found;

    assert(j->segment_count == 0 && !j->is_working);
    journal_start_read(&start, &found);
    j->segments = found.segments;
    j->segment_count = j->segment_room = found.segment_count;
    j->next_number = found.next_number;
    j->gap_behind = found.gap_behind;
    j->settled = found.settled;
    j->noted_settled = found.settled.sequence;
    j->last = position_of(j->closing);
    j->read_last = j->last.sequence;
}

bool journal_takes(const struct journal *journal)
{
    return !journal->wants_write && !journal->wants_move &&
           journal->put.length + USAGE_BATCH_ENTRY_MAX <= JOURNAL_UNWRITTEN_BYTES;
}

void journal_put(struct journal *journal, struct slice entry)
{
    assert(journal_takes(journal));
    journal_batch_add(&journal->put, entry);
}

void journal_write(struct journal *journal)
{
    if (journal->put.count == 0)
        return;
    journal->wants_write = true;
    work_next(journal);
}

void journal_ask(struct journal *journal, size_t room)
{
    assert(room >= USAGE_BATCH_ENTRY_MAX && room <= JOURNAL_PENDING_BYTES);
    journal->ask_room = room;
    work_next(journal);
}

void journal_settled(
    struct journal *journal, uint64_t sequence, const unsigned char hash[USAGE_HASH_SIZE])
{
    struct journal_position word = { .sequence = sequence };

    memcpy(word.hash, hash, USAGE_HASH_SIZE);
    journal->word = word;
    journal->is_told = true;
    if (is_same(&word, &journal->settled) ||
        (word.sequence > journal->settled.sequence &&
            (is_same(&word, &journal->asked) || is_same(&word, &journal->last))))
        settle(journal, &word);
    else
        journal->has_word = true;
    work_next(journal);
}

bool journal_is_failing(const struct journal *journal)
{
    return journal->is_failing;
}

struct journal_state journal_state(const struct journal *journal)
{
    struct journal_state state = { .settled = journal->settled.sequence,
        .last = journal->last.sequence,
        .segments = journal->segment_count,
        .unwritten_bytes = journal->put.length };

    for (size_t i = 0; i < journal->segment_count; i++)
        state.bytes += journal->segments[i].bytes;
    return state;
}

const struct journal_counts *journal_counts(const struct journal *journal)
{
    return &journal->counts;
}
