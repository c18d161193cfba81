// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "base/attr.h"
#include "meter/ledger_priv.h"

/*
 * A kind has a column of its own in entries and sums, named by usage_kind_text and in its order. A
 * new kind is added here and by a step of its own; the first step stays as it is.
 */
#define KINDS_1(X)  \
    X(hit)          \
    X(stale)        \
    X(miss)         \
    X(revalidated)  \
    X(collapsed)    \
    X(pass)         \
    X(refused)      \
    X(error)        \
    X(redirected)   \
    X(sent_bytes)   \
    X(filled_bytes) \
    X(dns_answers)  \
    X(dns_addresses)
#define KINDS(X) KINDS_1(X)

#define COLUMN(kind) ", " #kind " INTEGER NOT NULL"
#define NAME(kind)   ", " #kind
#define VALUE(kind)  ", ?"
#define GROW(kind)   ", " #kind " = " #kind " + excluded." #kind
#define OF_E(kind)   ", e." #kind
#define NOT_0(kind)  " OR " #kind " <> 0"
#define SUM(kind)    ", sum(" #kind ")"
#define SUM_0(kind)  ", coalesce(sum(" #kind "), 0)"

#define ONE(kind) +1
static_assert(0 KINDS(ONE) == USAGE_KIND_COUNT, "each kind has its column");

/* STRICT: a sum beyond 64 bits is an error and not a floating number. */
static const char *const STEPS[] = {
    "CREATE TABLE nodes(node TEXT NOT NULL PRIMARY KEY, sequence INTEGER NOT NULL,"
    " hash BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE entries(node TEXT NOT NULL, sequence INTEGER NOT NULL, pop TEXT NOT NULL,"
    " customer TEXT NOT NULL, site TEXT NOT NULL, begin_ms INTEGER NOT NULL,"
    " end_ms INTEGER NOT NULL, bytes BLOB NOT NULL" KINDS_1(
        COLUMN) ") STRICT;"
                "CREATE UNIQUE INDEX entries_by_node ON entries(node, sequence);"
                "CREATE INDEX entries_by_customer ON entries(customer, begin_ms);"
                "CREATE TABLE sums(customer TEXT NOT NULL, slot_ms INTEGER NOT NULL, site TEXT NOT "
                "NULL,"
                " pop TEXT NOT NULL, entries INTEGER NOT NULL" KINDS_1(
                    COLUMN) ", PRIMARY KEY(customer, slot_ms, site, pop)) STRICT, WITHOUT ROWID;"
                            "CREATE TABLE terms(customer TEXT NOT NULL, from_ms INTEGER NOT NULL, "
                            "plan TEXT NOT NULL,"
                            " PRIMARY KEY(customer, from_ms)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE newest(node TEXT NOT NULL, customer TEXT NOT NULL, site TEXT NOT NULL,"
    " sequence INTEGER NOT NULL, PRIMARY KEY(node, customer, site)) STRICT, WITHOUT ROWID;"
    "INSERT INTO newest SELECT node, customer, site, max(sequence) FROM entries"
    " WHERE node NOT LIKE '%/corrections' GROUP BY 1, 2, 3;",
};

/* The one who is asked for, or all, found one by one in the index: their number is small. */
#define WHO                                                                            \
    "WITH RECURSIVE who(customer) AS (SELECT CASE WHEN ?1 <> '' THEN ?1"               \
    " ELSE (SELECT min(customer) FROM sums) END"                                       \
    " UNION ALL SELECT (SELECT min(customer) FROM sums WHERE customer > who.customer)" \
    " FROM who WHERE ?1 = '' AND who.customer IS NOT NULL) "

/* Of what a row is by; the rest is empty. */
#define USAGE(customer, site, pop, at)                                                \
    WHO "SELECT " customer ", " site ", " pop ", " at KINDS(                          \
        SUM) " FROM who CROSS JOIN sums AS s ON s.customer = who.customer"            \
             " WHERE s.slot_ms >= ?4 AND s.slot_ms < ?5 AND (?2 = '' OR s.site = ?2)" \
             " AND (?3 = '' OR s.pop = ?3) GROUP BY 1, 2, 3, 4 ORDER BY 4, 1, 2, 3"

#define MONTH_OF(ms)    "unixepoch(" ms " / 1000, 'unixepoch', 'start of month') * 1000"
#define MONTH_AFTER(ms) "unixepoch(" ms " / 1000, 'unixepoch', 'start of month', '+1 month') * 1000"

#define ADDS "(0" KINDS(NOT_0) ")"

#define SUM_KEY "customer, begin_ms / 300000 * 300000, site, pop"

static const char *const STATEMENTS[LEDGER_STATEMENT_COUNT] = {
    [LEDGER_POSITION] = "SELECT sequence, hash FROM nodes WHERE node = ?1",
    [LEDGER_POSITION_SET] = "INSERT INTO nodes VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE"
                            " SET sequence = excluded.sequence, hash = excluded.hash",
    [LEDGER_NODES] = "SELECT node, sequence, hash FROM nodes ORDER BY node",
    [LEDGER_ENTRY_ADD] =
        "INSERT INTO entries(node, sequence, pop, customer, site, begin_ms,"
        " end_ms, bytes" KINDS(NAME) ") VALUES(?, ?, ?, ?, ?, ?, ?, ?" KINDS(VALUE) ")",
    [LEDGER_ENTRY_BYTES] = "SELECT bytes FROM entries WHERE node = ?1 AND sequence = ?2",
    [LEDGER_SUM_ADD] = "INSERT INTO sums(customer, slot_ms, site, pop, entries" KINDS(
        NAME) ") VALUES(?, ?, ?, ?, 1" KINDS(VALUE) ") ON CONFLICT DO UPDATE"
                                                    " SET entries = entries + 1" KINDS(GROW),
    [LEDGER_NEWEST] = "SELECT e.bytes FROM newest AS n CROSS JOIN entries AS e ON e.node = n.node"
                      " AND e.sequence = n.sequence WHERE n.node = ?1 AND n.customer = ?2"
                      " AND n.site = ?3",
    [LEDGER_NEWEST_SET] = "INSERT INTO newest VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
                          " SET sequence = excluded.sequence",
    [LEDGER_USED] = "SELECT 0" KINDS(SUM_0) " FROM sums WHERE customer = ?1 AND site = ?2"
                                            " AND pop = ?3 AND slot_ms >= " MONTH_OF(
                                                "?4") " AND slot_ms < " MONTH_AFTER("?4"),
    [LEDGER_ENTRIES] = "SELECT node, sequence, pop, site, begin_ms, end_ms, bytes" KINDS(
        NAME) " FROM entries WHERE customer = ?1 AND begin_ms >= ?2 AND begin_ms < ?3"
              " ORDER BY begin_ms",
    [LEDGER_TERM_ADD] = "INSERT INTO terms VALUES(?1, ?2, ?3)",
    [LEDGER_TERM_NEWEST] = "SELECT from_ms, plan FROM terms WHERE customer = ?1"
                           " ORDER BY from_ms DESC LIMIT 1",
    [LEDGER_TERMS_NEWEST] = "SELECT customer, plan, max(from_ms) FROM terms GROUP BY customer"
                            " HAVING plan <> ''",
    [LEDGER_TERMS] = "SELECT customer, from_ms, plan FROM terms WHERE customer = ?1"
                     " AND from_ms < ?3 AND from_ms >= coalesce((SELECT max(from_ms) FROM terms"
                     " WHERE customer = ?1 AND from_ms <= ?2), ?2) ORDER BY from_ms",
    [LEDGER_CUSTOMERS] =
        "WITH RECURSIVE who(customer) AS (SELECT min(customer) FROM sums UNION ALL"
        " SELECT (SELECT min(customer) FROM sums WHERE customer > who.customer) FROM who"
        " WHERE who.customer IS NOT NULL)"
        " SELECT customer FROM who WHERE EXISTS (SELECT 1 FROM sums AS s"
        " WHERE s.customer = who.customer AND s.slot_ms >= ?1 AND s.slot_ms < ?2)"
        " UNION SELECT customer FROM terms AS t WHERE plan <> '' AND from_ms < ?2"
        " AND NOT EXISTS (SELECT 1 FROM terms AS n WHERE n.customer = t.customer"
        " AND n.from_ms > t.from_ms AND n.from_ms <= ?1) ORDER BY 1",
    [LEDGER_AUDIT_ENTRIES] = "SELECT node, sequence, pop, customer, site, begin_ms, end_ms,"
                             " bytes FROM entries ORDER BY node, sequence",
    [LEDGER_AUDIT_COUNTED] =
        "WITH told AS (SELECT node, sequence, max(CASE WHEN " ADDS " THEN sequence END)"
        " OVER (PARTITION BY node, customer, site ORDER BY sequence"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest FROM entries)"
        " SELECT e.node, e.sequence, e.bytes, b.bytes" KINDS(
            OF_E) " FROM told AS t CROSS JOIN entries AS e ON e.node = t.node AND e.sequence = "
                  "t.sequence LEFT JOIN entries AS b ON b.node = t.node AND b.sequence = t.newest",
    [LEDGER_AUDIT_SUMS] = "WITH told AS (SELECT " SUM_KEY ", count(*)" KINDS(
        SUM) " FROM entries GROUP BY 1, 2, 3, 4),"
             " kept AS (SELECT customer, slot_ms, site, pop, entries" KINDS(
                 NAME) " FROM sums)"
                       " SELECT * FROM (SELECT * FROM (SELECT * FROM told EXCEPT SELECT * FROM "
                       "kept)"
                       " UNION ALL SELECT * FROM (SELECT * FROM kept EXCEPT SELECT * FROM told)) "
                       "LIMIT 1",
    [LEDGER_USAGE + LEDGER_BY_HOUR] = USAGE("''", "''", "''", "s.slot_ms / 3600000 * 3600000"),
    [LEDGER_USAGE + LEDGER_BY_DAY] = USAGE("''", "''", "''", "s.slot_ms / 86400000 * 86400000"),
    [LEDGER_USAGE + LEDGER_BY_MONTH] = USAGE("''", "''", "''", MONTH_OF("s.slot_ms")),
    [LEDGER_USAGE + LEDGER_BY_CUSTOMER] = USAGE("s.customer", "''", "''", "0"),
    [LEDGER_USAGE + LEDGER_BY_SITE] = USAGE("s.customer", "s.site", "''", "0"),
    [LEDGER_USAGE + LEDGER_BY_POP] = USAGE("''", "''", "s.pop", "0"),
};

static_assert(LEDGER_SLOT_MS == 300000, "as in SUM_KEY");

const struct db_plan ledger_plan = {
    .application = 0x77706c67, // "wplg"
    .steps = STEPS,
    .step_count = COUNT_OF(STEPS),
    .statements = STATEMENTS,
    .statement_count = COUNT_OF(STATEMENTS),
};
