// SPDX-License-Identifier: Apache-2.0
#include "meter/ledger_priv.h"
#include "meter/ledger_test.h"

enum { TEXT_MAX = 1000 };

/* Two customers, three sites and two pops, over the end of a month. */
static void fill(struct place *p)
{
    struct chain fra = chain_of("fra1", "fra"), nyc = chain_of("nyc1", "nyc");

    chain_add(&fra, "acme", "a.test", NOVEMBER_MS, 1);
    chain_add(&fra, "acme", "b.test", NOVEMBER_MS + 299999, 2);
    chain_add(&fra, "acme", "a.test", NOVEMBER_MS + 300000, 4);
    chain_add(&fra, "brook", "c.test", NOVEMBER_MS + HOUR_MS, 8);
    chain_add(&nyc, "acme", "a.test", NOVEMBER_MS + 2 * (int64_t)DAY_MS, 16);
    chain_add(&nyc, "acme", "a.test", DECEMBER_MS - 1, 32);
    chain_add(&nyc, "acme", "a.test", DECEMBER_MS, 64);
    chain_add(&nyc, "", "", DECEMBER_MS, 128);
    settle_all(p, &fra);
    settle_all(p, &nyc);
    chain_done(&fra);
    chain_done(&nyc);
}

/* Rows as "customer/site/pop@at=hits ". */
static const char *told(struct place *p, const struct ledger_query *query, char text[TEXT_MAX])
{
    struct ledger_row row;
    struct db_rows rows;
    size_t length = 0;

    text[0] = '\0';
    ledger_usage(p->ledger, query, &rows);
    while (ledger_row_next(&rows, &row)) {
        assert_int_equal(row.added[USAGE_SENT_BYTES], 1000 * row.added[USAGE_HIT]);
        length += (size_t)snprintf(text + length, TEXT_MAX - length, "%.*s/%.*s/%.*s@%lld=%lld ",
            SLICE_ARG(row.customer), SLICE_ARG(row.site), SLICE_ARG(row.pop),
            row.at.ms == 0 ? 0 : (long long)(row.at.ms - NOVEMBER_MS) / HOUR_MS,
            (long long)row.added[USAGE_HIT]);
    }
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    return text;
}

static void usage_is_told_by_whatever_is_asked_for(void **)
{
    struct ledger_query query = { .from = { NOVEMBER_MS }, .to = { DECEMBER_MS } };
    char text[TEXT_MAX];
    struct place p;

    place_init(&p);
    fill(&p);
    query.by = LEDGER_BY_HOUR;
    assert_string_equal(told(&p, &query, text), "//@0=7 //@1=8 //@48=16 //@719=32 ");
    query.by = LEDGER_BY_DAY;
    assert_string_equal(told(&p, &query, text), "//@0=15 //@48=16 //@696=32 ");
    query.by = LEDGER_BY_MONTH;
    assert_string_equal(told(&p, &query, text), "//@0=63 ");
    query.by = LEDGER_BY_CUSTOMER;
    assert_string_equal(told(&p, &query, text), "acme//@0=55 brook//@0=8 ");
    query.by = LEDGER_BY_SITE;
    assert_string_equal(
        told(&p, &query, text), "acme/a.test/@0=53 acme/b.test/@0=2 brook/c.test/@0=8 ");
    query.by = LEDGER_BY_POP;
    assert_string_equal(told(&p, &query, text), "//fra@0=15 //nyc@0=48 ");
    query.to.ms = INT64_MAX;
    query.by = LEDGER_BY_MONTH;
    assert_string_equal(told(&p, &query, text), "//@0=63 //@720=192 ");
    query.by = LEDGER_BY_CUSTOMER;
    assert_string_equal(told(&p, &query, text), "//@0=128 acme//@0=119 brook//@0=8 ");
    place_done(&p);
}

static void usage_is_narrowed_by_customer_site_pop_and_time(void **)
{
    struct ledger_query query = { .customer = SLICE("acme"),
        .from = { NOVEMBER_MS },
        .to = { DECEMBER_MS },
        .by = LEDGER_BY_SITE };
    char text[TEXT_MAX];
    struct place p;

    place_init(&p);
    fill(&p);
    assert_string_equal(told(&p, &query, text), "acme/a.test/@0=53 acme/b.test/@0=2 ");
    query.pop = SLICE("fra");
    assert_string_equal(told(&p, &query, text), "acme/a.test/@0=5 acme/b.test/@0=2 ");
    query.site = SLICE("a.test");
    assert_string_equal(told(&p, &query, text), "acme/a.test/@0=5 ");
    query.from.ms = NOVEMBER_MS + 300000;
    assert_string_equal(told(&p, &query, text), "acme/a.test/@0=4 ");
    query.customer = SLICE("brook");
    assert_string_equal(told(&p, &query, text), "");
    query.customer = SLICE("nobody");
    assert_string_equal(told(&p, &query, text), "");
    place_done(&p);
}

static void an_empty_ledger_has_no_rows(void **)
{
    struct ledger_query query = { .to = { INT64_MAX } };
    char text[TEXT_MAX];
    struct place p;

    place_init(&p);
    for (int by = 0; by < LEDGER_BY_COUNT; by++) {
        query.by = (enum ledger_by)by;
        assert_string_equal(told(&p, &query, text), "");
    }
    place_done(&p);
}

static void entries_of_a_month_are_those_that_begin_in_it(void **)
{
    struct ledger_entry entry;
    struct db_rows rows;
    struct usage_entry parsed;
    struct place p;
    int64_t hits = 0;
    size_t count = 0;

    place_init(&p);
    fill(&p);
    ledger_entries(
        p.ledger, SLICE("acme"), (struct wall){ NOVEMBER_MS }, (struct wall){ DECEMBER_MS }, &rows);
    for (; ledger_entry_next(&rows, &entry); count++) {
        unsigned char hash[USAGE_HASH_SIZE];

        assert_true(usage_entry_parse(entry.bytes, &parsed));
        assert_true(slice_equal(entry.node, parsed.node) && slice_equal(entry.pop, parsed.pop));
        assert_true(slice_equal(entry.site, parsed.site));
        assert_int_equal(entry.sequence, parsed.sequence);
        assert_true(entry.begin.ms == parsed.begin.ms && entry.end.ms == parsed.end.ms);
        assert_int_equal(entry.added[USAGE_HIT], usage_entry_added(&parsed, USAGE_HIT));
        sha256(entry.bytes, hash);
        assert_memory_equal(hash, entry.hash, sizeof hash);
        hits += entry.added[USAGE_HIT];
    }
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    assert_int_equal(count, 5);
    assert_int_equal(hits, 55);
    place_done(&p);
}

/* What an operator's shell finds the kinds under. */
static void each_kind_has_the_column_of_its_name(void **)
{
    const char *question = "SELECT name FROM pragma_table_info('sums') WHERE cid > 4 ORDER BY cid";
    struct db_plan plan = ledger_plan;
    struct db_rows rows;
    struct db *db = NULL;
    int kind = 0;

    plan.path = DB_MEMORY;
    plan.statements = &question;
    plan.statement_count = 1;
    assert_int_equal(db_open(&plan, &db, NULL), ERR_NONE);
    db_ask(db, 0, NULL, 0, &rows);
    for (; db_next(&rows); kind++)
        assert_true(
            slice_equal(db_bytes_at(&rows, 0), slice_text(usage_kind_text((enum usage_kind)kind))));
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    assert_int_equal(kind, USAGE_KIND_COUNT);
    db_close(db);
}

static void every_kind_is_kept_apart(void **)
{
    const struct ledger_query query = { .to = { INT64_MAX }, .by = LEDGER_BY_POP };
    struct usage_entry entry = { .node = SLICE("fra1"),
        .pop = SLICE("fra"),
        .customer = SLICE("acme"),
        .site = SLICE("a.test"),
        .sequence = 1 };
    char room[USAGE_BATCH_ENTRY_MAX], bytes[USAGE_ENTRY_MAX];
    struct settle_position position;
    enum settle_answer answer;
    struct ledger_entry read;
    struct ledger_row row;
    struct db_rows rows;
    struct place p;

    place_init(&p);
    for (unsigned kind = 0; kind < USAGE_KIND_COUNT; kind++)
        entry.to.of[kind] = 1 + kind;
    const struct ledger_batch batch = { entry.node,
        slice_of(room, usage_batch_put(usage_entry_write(&entry, bytes), room)) };

    assert_int_equal(ledger_settle(p.ledger, &batch, &answer, &position, NULL), ERR_NONE);
    assert_int_equal(answer, SETTLE_ALL);
    ledger_usage(p.ledger, &query, &rows);
    assert_true(ledger_row_next(&rows, &row));
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        assert_int_equal(row.added[kind], 1 + kind);
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    ledger_entries(p.ledger, SLICE("acme"), (struct wall){ 0 }, (struct wall){ 1 }, &rows);
    assert_true(ledger_entry_next(&rows, &read));
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++)
        assert_int_equal(read.added[kind], 1 + kind);
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    audit_is_good(&p);
    place_done(&p);
}

static void nodes_are_listed_with_how_far_they_are(void **)
{
    struct settle_position position;
    struct db_rows rows;
    struct slice node;
    struct place p;

    place_init(&p);
    fill(&p);
    ledger_nodes(p.ledger, &rows);
    assert_true(ledger_node_next(&rows, &node, &position));
    assert_true(slice_equal(node, SLICE("fra1")));
    assert_int_equal(position.sequence, 4);
    assert_true(ledger_node_next(&rows, &node, &position));
    assert_true(slice_equal(node, SLICE("nyc1")));
    assert_int_equal(position.sequence, 4);
    assert_false(ledger_node_next(&rows, &node, &position));
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_is_told_by_whatever_is_asked_for),
        cmocka_unit_test(usage_is_narrowed_by_customer_site_pop_and_time),
        cmocka_unit_test(an_empty_ledger_has_no_rows),
        cmocka_unit_test(entries_of_a_month_are_those_that_begin_in_it),
        cmocka_unit_test(each_kind_has_the_column_of_its_name),
        cmocka_unit_test(every_kind_is_kept_apart),
        cmocka_unit_test(nodes_are_listed_with_how_far_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
