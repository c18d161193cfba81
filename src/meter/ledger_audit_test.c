// SPDX-License-Identifier: Apache-2.0
#include "meter/ledger_priv.h"
#include "meter/ledger_test.h"

/* What somebody could do to the file behind our back, and what is said of it. */
static const struct {
    const char *deed, *finding;
} DEEDS[] = {
    { "UPDATE entries SET hit = 0 WHERE node = 'fra1' AND sequence = 3",
        "entry 3 of node fra1 says something else than its columns" },
    { "UPDATE entries SET customer = 'brook' WHERE node = 'fra1' AND sequence = 3",
        "entry 3 of node fra1 says something else than its columns" },
    { "DELETE FROM entries WHERE node = 'fra1' AND sequence = 3",
        "entry 4 of node fra1 does not follow: one before it is missing" },
    { "DELETE FROM entries WHERE node = 'fra1' AND sequence = 5",
        "the last entry of node fra1 has number 4 and is not the one that was kept, 5" },
    { "DELETE FROM entries WHERE node = 'fra1'", "of 2 nodes that settled entries, 1 have any" },
    { "UPDATE entries SET bytes = x'00' WHERE node = 'nyc1' AND sequence = 1",
        "entry 1 of node nyc1 is none" },
    { NULL, // forged
        "entry 3 of node fra1 does not follow: the one before it was changed" },
    { "UPDATE sums SET hit = hit + 1 WHERE site = 'a.test'", "the sums of a.test at fra" },
    { "DELETE FROM sums WHERE site = 'b.test'", "the sums of b.test at nyc" },
    { "UPDATE nodes SET sequence = 4 WHERE node = 'nyc1'",
        "the last entry of node nyc1 has number 5 and is not the one that was kept, 4" },
    { "DELETE FROM nodes WHERE node = 'nyc1'", "is not the one that was kept, 0" },
};

static void fill(struct place *p)
{
    struct chain fra = chain_of("fra1", "fra"), nyc = chain_of("nyc1", "nyc");

    for (int64_t i = 0; i < 5; i++) {
        chain_add(&fra, "acme", "a.test", NOVEMBER_MS + i * 100000, 7);
        chain_add(&nyc, "acme", "b.test", NOVEMBER_MS + i * 100000, 11);
    }
    settle_all(p, &fra);
    settle_all(p, &nyc);
    chain_done(&fra);
    chain_done(&nyc);
}

/* By a statement of its own, as an operator's shell would. */
static void do_deed(const struct place *p, const char *deed)
{
    struct db_plan plan = ledger_plan;
    struct db *db = NULL;

    plan.path = p->path;
    plan.statements = &deed;
    plan.statement_count = 1;
    assert_int_equal(db_open(&plan, &db, NULL), ERR_NONE);
    assert_int_equal(db_run(db, 0, NULL, 0, NULL), ERR_NONE);
    db_close(db);
}

/* Entry 2 of fra1 written anew, with the columns to match and another hash. */
static void forge(const struct place *p)
{
    struct chain forged = chain_of("fra1", "fra");
    char deed[2 * USAGE_ENTRY_MAX + 100];
    size_t length = 0;

    chain_add(&forged, "acme", "a.test", NOVEMBER_MS, 7);
    chain_add(&forged, "acme", "a.test", NOVEMBER_MS + 100000, 8);
    length += (size_t)snprintf(
        deed, sizeof deed, "UPDATE entries SET hit = 8, sent_bytes = 8000, bytes = x'");
    for (size_t i = 0; i < forged.entries[1].length; i++)
        length += (size_t)snprintf(
            deed + length, sizeof deed - length, "%02x", (unsigned char)forged.entries[1].at[i]);
    snprintf(deed + length, sizeof deed - length, "' WHERE node = 'fra1' AND sequence = 2");
    do_deed(p, deed);
    chain_done(&forged);
}

static void whatever_is_changed_is_found(void **)
{
    for (size_t i = 0; i < COUNT_OF(DEEDS); i++) {
        struct diag why = { 0 };
        struct place p;

        place_init_in_folder(&p);
        fill(&p);
        audit_is_good(&p);
        if (DEEDS[i].deed == NULL)
            forge(&p);
        else
            do_deed(&p, DEEDS[i].deed);
        assert_int_equal(ledger_audit(p.ledger, &why), ERR_PARSE);
        if (strstr(why.text, DEEDS[i].finding) == NULL)
            fail_msg("%s instead of %s", why.text, DEEDS[i].finding);
        place_done(&p);
    }
}

/* As a node tells them whose journal forgot them. */
static void what_is_told_again_under_other_numbers_counts_once(void **)
{
    struct chain c = chain_of("fra1", "fra"), other = chain_of("nyc1", "nyc");
    struct diag why = { 0 };
    struct place p;

    place_init_in_folder(&p);
    chain_go(&c, "a.test", 1, 0, 50);
    chain_go(&c, "b.test", 1, 0, 7);
    chain_go(&c, "a.test", 1, 50, 100);
    chain_go(&c, "a.test", 1, 0, 50);   // nothing of it is new
    chain_go(&c, "a.test", 1, 50, 120); // 20 are
    chain_go(&c, "b.test", 1, 7, 9);    // all of it is
    chain_go(&c, "a.test", 2, 0, 10);   // totals that began anew
    chain_go(&c, "a.test", 2, 30, 40);  // what is missing between is not made up
    chain_go(&other, "a.test", 1, 0, 50);
    settle_all(&p, &c);
    settle_all(&p, &other);
    assert_int_equal(hits_of(&p, "acme"), 120 + 9 + 20 + 50);
    assert_int_equal(ledger_told_again(p.ledger), 2);
    audit_is_good(&p);
    do_deed(&p, "UPDATE entries SET hit = 70 WHERE node = 'fra1' AND sequence = 5");
    assert_int_equal(ledger_audit(p.ledger, &why), ERR_PARSE);
    assert_non_null(strstr(why.text, "entry 5 of node fra1 says something else than its columns"));
    chain_done(&c);
    chain_done(&other);
    place_done(&p);
}

static void a_ledger_of_the_first_version_knows_what_was_told(void **)
{
    struct chain c = chain_of("fra1", "fra");
    struct place p;

    place_init_in_folder(&p);
    chain_go(&c, "a.test", 1, 0, 50);
    chain_go(&c, "a.test", 1, 50, 100);
    settle_all(&p, &c);
    ledger_close(p.ledger);
    do_deed(&p, "DROP TABLE newest");
    do_deed(&p, "PRAGMA user_version = 1");
    place_open(&p);
    chain_go(&c, "a.test", 1, 0, 120);
    settle_all(&p, &c);
    assert_int_equal(hits_of(&p, "acme"), 120);
    audit_is_good(&p);
    chain_done(&c);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_again_under_other_numbers_counts_once),
        cmocka_unit_test(a_ledger_of_the_first_version_knows_what_was_told),
        cmocka_unit_test(whatever_is_changed_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
