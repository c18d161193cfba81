// SPDX-License-Identifier: Apache-2.0
#include "meter/ledger.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"
#include "meter/ledger_priv.h"
#include "tls/sha256.h"

static_assert((int)USAGE_HASH_SIZE == (int)SHA256_SIZE, "entries are chained by it");

enum { VALUES_BEFORE_KINDS = 8, VALUES_OF_ENTRY = VALUES_BEFORE_KINDS + USAGE_KIND_COUNT };

enum err ledger_open(const char *path, struct ledger **ledger, struct diag *why)
{
    struct db_plan plan = ledger_plan;
    struct db *db = NULL;

    plan.path = path;
    TRY(db_open(&plan, &db, why));
    *ledger = mem_new(struct ledger);
    (*ledger)->db = db;
    return ERR_NONE;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    db_close(ledger->db);
    mem_free(ledger);
}

uint64_t ledger_told_again(const struct ledger *ledger)
{
    return ledger->told_again;
}

enum err ledger_end(struct ledger *ledger, enum err err, struct diag *why)
{
    if (err == ERR_NONE)
        return db_commit(ledger->db, why);
    db_rollback(ledger->db);
    return err;
}

enum err ledger_position(
    struct ledger *ledger, struct slice node, struct settle_position *position, struct diag *why)
{
    struct settle_position read = { 0 };
    bool is_hash = true;
    struct db_rows rows;

    db_ask(ledger->db, LEDGER_POSITION, (struct db_value[]){ db_text(node) }, 1, &rows);
    while (db_next(&rows)) {
        struct slice hash = db_bytes_at(&rows, 1);

        read.sequence = (uint64_t)db_number_at(&rows, 0);
        is_hash = hash.length == sizeof read.hash;
        if (is_hash)
            memcpy(read.hash, hash.at, hash.length);
    }
    TRY(db_end(&rows, why));
    if (!is_hash) {
        diag_say(why, "the hash of node %.*s is none", SLICE_ARG(node));
        return ERR_PARSE;
    }
    *position = read;
    return ERR_NONE;
}

static enum err set_position(
    struct ledger *l, struct slice node, const struct settle_position *position, struct diag *why)
{
    const struct db_value values[] = { db_text(node), db_number((int64_t)position->sequence),
        db_bytes(slice_of(position->hash, sizeof position->hash)) };

    return db_run(l->db, LEDGER_POSITION_SET, values, COUNT_OF(values), why);
}

void ledger_added(const struct usage_entry *entry, struct slice before, struct ledger_added *added)
{
    struct usage_entry last;
    bool goes_on =
        entry->reason.length == 0 && usage_entry_parse(before, &last) && last.boot == entry->boot;

    *added = (struct ledger_added){ .is_new = false };
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
        uint64_t from = entry->from.of[kind], to = entry->to.of[kind];

        added->of[kind] = (int64_t)(to - from);
        if (goes_on && from < to && from < last.to.of[kind]) {
            added->of[kind] = to > last.to.of[kind] ? (int64_t)(to - last.to.of[kind]) : 0;
            added->is_partly_known = true;
        }
        added->is_new |= added->of[kind] != 0;
    }
}

/* Beyond what the ledger has of the boot. */
static enum err count(
    struct ledger *l, const struct usage_entry *entry, struct ledger_added *added, struct diag *why)
{
    const struct db_value values[] = { db_text(entry->node), db_text(entry->customer),
        db_text(entry->site) };
    struct db_rows rows;

    db_ask(l->db, LEDGER_NEWEST, values, COUNT_OF(values), &rows);
    ledger_added(entry, db_next(&rows) ? db_bytes_at(&rows, 0) : SLICE_NONE, added);
    return db_end(&rows, why);
}

static enum err set_newest(struct ledger *l, const struct usage_entry *entry, struct diag *why)
{
    const struct db_value values[] = { db_text(entry->node), db_text(entry->customer),
        db_text(entry->site), db_number((int64_t)entry->sequence) };

    return db_run(l->db, LEDGER_NEWEST_SET, values, COUNT_OF(values), why);
}

/* `values` has room for them. */
static void put_kinds(const struct ledger_added *added, struct db_value *values)
{
    for (size_t kind = 0; kind < USAGE_KIND_COUNT; kind++)
        values[kind] = db_number(added->of[kind]);
}

static enum err add_sum(struct ledger *l, const struct usage_entry *entry,
    const struct ledger_added *added, struct diag *why)
{
    struct db_value values[4 + USAGE_KIND_COUNT] = { db_text(entry->customer),
        db_number(ledger_slot_ms(entry->begin)), db_text(entry->site), db_text(entry->pop) };

    put_kinds(added, values + 4);
    return db_run(l->db, LEDGER_SUM_ADD, values, COUNT_OF(values), why);
}

/* The position moves to it. ERR_RANGE: the sum would be too much, and nothing was done. */
static enum err add_entry(struct ledger *l, const struct usage_entry *entry, struct slice bytes,
    struct settle_position *position, struct diag *why)
{
    struct db_value values[VALUES_OF_ENTRY] = { db_text(entry->node),
        db_number((int64_t)entry->sequence), db_text(entry->pop), db_text(entry->customer),
        db_text(entry->site), db_number(entry->begin.ms), db_number(entry->end.ms),
        db_bytes(bytes) };
    struct ledger_added added;

    TRY(count(l, entry, &added, why));
    put_kinds(&added, values + VALUES_BEFORE_KINDS);
    TRY(add_sum(l, entry, &added, why));
    TRY(db_run(l->db, LEDGER_ENTRY_ADD, values, COUNT_OF(values), why));
    if (added.is_new && entry->reason.length == 0)
        TRY(set_newest(l, entry, why));
    l->told_again += added.is_partly_known;
    position->sequence = entry->sequence;
    sha256(bytes, position->hash);
    return ERR_NONE;
}

/* Whether what came again is what came before. */
static enum err compare_kept(struct ledger *l, const struct usage_entry *entry, struct slice bytes,
    enum settle_answer *answer, struct diag *why)
{
    const struct db_value values[] = { db_text(entry->node), db_number((int64_t)entry->sequence) };
    bool is_same = false;
    struct db_rows rows;

    db_ask(l->db, LEDGER_ENTRY_BYTES, values, COUNT_OF(values), &rows);
    while (db_next(&rows))
        is_same = slice_equal(db_bytes_at(&rows, 0), bytes);
    TRY(db_end(&rows, why));
    *answer = is_same ? SETTLE_ALL : SETTLE_FORK;
    return ERR_NONE;
}

/* One entry of a batch. */
static enum err take(struct ledger *l, struct slice node, struct slice bytes,
    enum settle_answer *answer, struct settle_position *position, struct diag *why)
{
    struct usage_entry entry;

    *answer = SETTLE_FOREIGN;
    if (!usage_entry_parse(bytes, &entry) || !slice_equal(entry.node, node) ||
        entry.reason.length > 0)
        return ERR_NONE;
    if (entry.sequence <= position->sequence)
        return compare_kept(l, &entry, bytes, answer, why);
    *answer = SETTLE_GAP;
    if (entry.sequence != position->sequence + 1)
        return ERR_NONE;
    *answer = SETTLE_FORK;
    if (memcmp(entry.before, position->hash, sizeof entry.before) != 0)
        return ERR_NONE;
    enum err err = add_entry(l, &entry, bytes, position, why);

    // That is no fault of the ledger: the next node's entries may go into it.
    *answer = err == ERR_RANGE ? SETTLE_EXCESS : SETTLE_ALL;
    return err == ERR_RANGE ? ERR_NONE : err;
}

static enum err settle(struct ledger *l, const struct ledger_batch *batch,
    enum settle_answer *answer, struct settle_position *position, struct diag *why)
{
    TRY(ledger_position(l, batch->node, position, why));
    struct slice rest = batch->entries, entry;
    uint64_t before = position->sequence;

    *answer = SETTLE_ALL;
    while (*answer == SETTLE_ALL && usage_batch_next(&rest, &entry))
        TRY(take(l, batch->node, entry, answer, position, why));
    if (*answer == SETTLE_ALL && rest.length > 0)
        *answer = SETTLE_FOREIGN; // cut short
    return position->sequence == before ? ERR_NONE : set_position(l, batch->node, position, why);
}

enum err ledger_settle(struct ledger *ledger, const struct ledger_batch *batch,
    enum settle_answer *answer, struct settle_position *position, struct diag *why)
{
    struct settle_position reached;
    enum settle_answer answered = SETTLE_ALL;

    TRY(db_begin(ledger->db, why));
    TRY(ledger_end(ledger, settle(ledger, batch, &answered, &reached, why), why));
    *answer = answered;
    *position = reached;
    return ERR_NONE;
}

/* That there is as much to take back. */
static enum err check_used(struct ledger *l, const struct usage_entry *entry, struct diag *why)
{
    const struct db_value values[] = { db_text(entry->customer), db_text(entry->site),
        db_text(entry->pop), db_number(entry->begin.ms) };
    int short_of = -1;
    struct db_rows rows;

    db_ask(l->db, LEDGER_USED, values, COUNT_OF(values), &rows);
    while (db_next(&rows))
        for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
            int64_t added = usage_entry_added(entry, (enum usage_kind)kind);

            if (added < 0 && db_number_at(&rows, 1 + kind) < -added)
                short_of = kind;
        }
    TRY(db_end(&rows, why));
    if (short_of < 0)
        return ERR_NONE;
    diag_say(why, "it takes back more %s than %.*s had at %.*s in that month",
        usage_kind_text((enum usage_kind)short_of), SLICE_ARG(entry->site), SLICE_ARG(entry->pop));
    return ERR_RANGE;
}

static enum err correct(struct ledger *l, const struct usage_entry *correction,
    struct settle_position *position, struct diag *why)
{
    struct usage_entry entry = *correction;
    char room[USAGE_ENTRY_MAX];

    TRY(ledger_position(l, entry.node, position, why));
    entry.sequence = position->sequence + 1;
    memcpy(entry.before, position->hash, sizeof entry.before);
    if (entry.reason.length == 0 || !usage_entry_is_sane(&entry)) {
        diag_say(why, "that is no correction: it needs a reason, and names and times that may be");
        return ERR_RANGE;
    }
    TRY(check_used(l, &entry, why));
    TRY(add_entry(l, &entry, usage_entry_write(&entry, room), position, why));
    return set_position(l, entry.node, position, why);
}

enum err ledger_correct(struct ledger *ledger, const struct usage_entry *correction,
    struct settle_position *position, struct diag *why)
{
    struct settle_position reached;

    TRY(db_begin(ledger->db, why));
    TRY(ledger_end(ledger, correct(ledger, correction, &reached, why), why));
    *position = reached;
    return ERR_NONE;
}
