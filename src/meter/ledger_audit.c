// SPDX-License-Identifier: Apache-2.0
#include "meter/ledger_priv.h"
#include "tls/sha256.h"

enum { FIRST_KIND = 4 }; // of LEDGER_AUDIT_COUNTED

/* The chain that is being read. */
struct chain {
    char node[USAGE_NAME_MAX];
    size_t node_length;
    struct settle_position at;
    uint64_t chains; // read so far
};

static struct slice name_of(const struct chain *chain)
{
    return slice_of(chain->node, chain->node_length);
}

/* The node's position is that of its last entry. */
static enum err audit_end(struct ledger *l, const struct chain *chain, struct diag *why)
{
    struct settle_position kept;

    if (chain->chains == 0)
        return ERR_NONE;
    TRY(ledger_position(l, name_of(chain), &kept, why));
    if (kept.sequence == chain->at.sequence &&
        memcmp(kept.hash, chain->at.hash, sizeof kept.hash) == 0)
        return ERR_NONE;
    diag_say(why,
        "the last entry of node %.*s has number %llu and is not the one that was kept, %llu",
        SLICE_ARG(name_of(chain)), (unsigned long long)chain->at.sequence,
        (unsigned long long)kept.sequence);
    return ERR_PARSE;
}

/* Columns and bytes of the row at hand say the same. */
static bool agrees(const struct db_rows *rows, const struct usage_entry *entry)
{
    return slice_equal(db_bytes_at(rows, 0), entry->node) &&
           db_number_at(rows, 1) == (int64_t)entry->sequence &&
           slice_equal(db_bytes_at(rows, 2), entry->pop) &&
           slice_equal(db_bytes_at(rows, 3), entry->customer) &&
           slice_equal(db_bytes_at(rows, 4), entry->site) &&
           db_number_at(rows, 5) == entry->begin.ms && db_number_at(rows, 6) == entry->end.ms;
}

/* NULL: it is as it should be. */
static const char *fault_of(
    const struct db_rows *rows, struct slice bytes, const struct chain *chain)
{
    struct usage_entry entry;

    if (!usage_entry_parse(bytes, &entry))
        return "is none";
    if (!agrees(rows, &entry))
        return "says something else than its columns";
    if (entry.sequence != chain->at.sequence + 1)
        return "does not follow: one before it is missing";
    if (memcmp(entry.before, chain->at.hash, sizeof entry.before) != 0)
        return "does not follow: the one before it was changed";
    return NULL;
}

static enum err audit_entry(
    struct ledger *l, const struct db_rows *rows, struct chain *chain, struct diag *why)
{
    struct slice node = db_bytes_at(rows, 0), bytes = db_bytes_at(rows, 7);

    if (chain->chains == 0 || !slice_equal(node, name_of(chain))) {
        TRY(audit_end(l, chain, why));
        chain->node_length = node.length < sizeof chain->node ? node.length : sizeof chain->node;
        memcpy(chain->node, node.at, chain->node_length);
        chain->at = (struct settle_position){ 0 };
        chain->chains++;
    }
    const char *fault = fault_of(rows, bytes, chain);

    if (fault != NULL) {
        diag_say(why, "entry %lld of node %.*s %s", (long long)db_number_at(rows, 1),
            SLICE_ARG(node), fault);
        return ERR_PARSE;
    }
    chain->at.sequence++;
    sha256(bytes, chain->at.hash);
    return ERR_NONE;
}

static enum err audit_entries(struct ledger *l, struct diag *why)
{
    struct chain chain = { .chains = 0 };
    enum err err = ERR_NONE;
    uint64_t nodes = 0;
    struct db_rows rows;

    db_ask(l->db, LEDGER_AUDIT_ENTRIES, NULL, 0, &rows);
    while (err == ERR_NONE && db_next(&rows))
        err = audit_entry(l, &rows, &chain, why);
    enum err read = db_end(&rows, err == ERR_NONE ? why : NULL);

    TRY(err);
    TRY(read);
    TRY(audit_end(l, &chain, why));
    ledger_nodes(l, &rows);
    while (db_next(&rows))
        nodes++;
    TRY(db_end(&rows, why));
    if (nodes == chain.chains)
        return ERR_NONE;
    diag_say(why, "of %llu nodes that settled entries, %llu have any", (unsigned long long)nodes,
        (unsigned long long)chain.chains);
    return ERR_PARSE;
}

/* What an entry adds is what it says, but for what one before it said. */
static bool counts_once(const struct db_rows *rows)
{
    struct usage_entry entry;
    struct ledger_added added;

    if (!usage_entry_parse(db_bytes_at(rows, 2), &entry))
        return false;
    ledger_added(&entry, db_bytes_at(rows, 3), &added);
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        if (db_number_at(rows, FIRST_KIND + kind) != added.of[kind])
            return false;
    return true;
}

static enum err audit_counted(struct ledger *l, struct diag *why)
{
    enum err err = ERR_NONE;
    struct db_rows rows;

    db_ask(l->db, LEDGER_AUDIT_COUNTED, NULL, 0, &rows);
    while (err == ERR_NONE && db_next(&rows)) {
        if (counts_once(&rows))
            continue;
        diag_say(why, "entry %lld of node %.*s says something else than its columns",
            (long long)db_number_at(&rows, 1), SLICE_ARG(db_bytes_at(&rows, 0)));
        err = ERR_PARSE;
    }
    enum err read = db_end(&rows, err == ERR_NONE ? why : NULL);

    TRY(err);
    return read;
}

static enum err audit_sums(struct ledger *l, struct diag *why)
{
    bool differs = false;
    struct db_rows rows;

    db_ask(l->db, LEDGER_AUDIT_SUMS, NULL, 0, &rows);
    while (db_next(&rows)) {
        diag_say(why,
            "the sums of %.*s at %.*s in the five minutes from %lld ms differ from the "
            "entries",
            SLICE_ARG(db_bytes_at(&rows, 2)), SLICE_ARG(db_bytes_at(&rows, 3)),
            (long long)db_number_at(&rows, 1));
        differs = true;
    }
    TRY(db_end(&rows, differs ? NULL : why));
    return differs ? ERR_PARSE : ERR_NONE;
}

enum err ledger_audit(struct ledger *ledger, struct diag *why)
{
    TRY(db_check(ledger->db, why));
    TRY(audit_entries(ledger, why));
    TRY(audit_counted(ledger, why));
    return audit_sums(ledger, why);
}
