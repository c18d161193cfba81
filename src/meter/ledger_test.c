// SPDX-License-Identifier: Apache-2.0
#include "meter/ledger_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void what_is_settled_is_there_once(void **)
{
    struct chain c = chain_of("fra1", "fra");
    struct settle_position position;
    struct place p;
    uint64_t reached = 0;

    place_init(&p);
    for (uint64_t i = 0; i < 10; i++)
        chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, 10);
    settle_all(&p, &c);
    settle_all(&p, &c);
    assert_int_equal(settle(&p, &c, 3, 7, &reached), SETTLE_ALL); // and in part
    assert_int_equal(reached, 10);
    assert_int_equal(settle(&p, &c, 0, 0, &reached), SETTLE_ALL); // asks how far it is
    assert_int_equal(reached, 10);
    assert_int_equal(ledger_position(p.ledger, SLICE("fra1"), &position, NULL), ERR_NONE);
    assert_memory_equal(position.hash, c.last, sizeof c.last);
    assert_int_equal(hits_of(&p, "acme"), 100);
    audit_is_good(&p);
    chain_done(&c);
    place_done(&p);
}

static void a_node_that_never_told_anything_is_at_zero(void **)
{
    static const unsigned char zeros[USAGE_HASH_SIZE];
    struct settle_position position = { .sequence = 7 };
    struct place p;

    place_init(&p);
    assert_int_equal(ledger_position(p.ledger, SLICE("fra1"), &position, NULL), ERR_NONE);
    assert_int_equal(position.sequence, 0);
    assert_memory_equal(position.hash, zeros, sizeof zeros);
    audit_is_good(&p);
    place_done(&p);
}

static void a_batch_counts_up_to_the_entry_that_does_not_follow(void **)
{
    struct chain c = chain_of("fra1", "fra");
    struct place p;
    uint64_t reached = 0;

    place_init(&p);
    for (uint64_t i = 0; i < 10; i++)
        chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, 1);
    assert_int_equal(settle(&p, &c, 1, 10, &reached), SETTLE_GAP);
    assert_int_equal(reached, 0);
    struct slice fifth = c.entries[4];

    c.entries[4] = c.entries[5]; // 1 2 3 4 6 6 7 ...
    assert_int_equal(settle(&p, &c, 0, 10, &reached), SETTLE_GAP);
    assert_int_equal(reached, 4);
    assert_int_equal(hits_of(&p, ""), 4);
    c.entries[4] = fifth;
    settle_all(&p, &c);
    assert_int_equal(hits_of(&p, ""), 10);
    audit_is_good(&p);
    chain_done(&c);
    place_done(&p);
}

static void another_entry_of_the_same_number_is_refused(void **)
{
    struct chain c = chain_of("fra1", "fra"), other = chain_of("fra1", "fra");
    struct place p;
    uint64_t reached = 0;

    place_init(&p);
    chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, 1);
    chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, 1);
    chain_add(&other, "acme", "www.acme.test", NOVEMBER_MS, 2); // a node that forgot itself
    chain_add(&other, "acme", "www.acme.test", NOVEMBER_MS, 2);
    chain_add(&other, "acme", "www.acme.test", NOVEMBER_MS, 2);
    settle_all(&p, &c);
    assert_int_equal(settle(&p, &other, 0, 3, &reached), SETTLE_FORK);
    assert_int_equal(settle(&p, &other, 1, 3, &reached), SETTLE_FORK);
    assert_int_equal(settle(&p, &other, 2, 3, &reached), SETTLE_FORK); // before is not ours
    assert_int_equal(reached, 2);
    assert_int_equal(hits_of(&p, ""), 2);
    audit_is_good(&p);
    chain_done(&c);
    chain_done(&other);
    place_done(&p);
}

static void nobody_settles_for_another_and_nobody_corrects_by_settling(void **)
{
    struct chain c = chain_of("fra1", "fra");
    char room[USAGE_ENTRY_MAX];
    struct usage_entry correction;
    struct settle_position position;
    enum settle_answer answer;
    struct place p;
    uint64_t reached = 0;

    place_init(&p);
    chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, 1);
    c.node = SLICE("nyc1");
    assert_int_equal(settle(&p, &c, 0, 1, &reached), SETTLE_FOREIGN);
    c.node = SLICE("fra1");
    assert_true(usage_entry_parse(c.entries[0], &correction));
    correction.reason = SLICE("because I say so");
    c.entries[0] = usage_entry_write(&correction, room);
    assert_int_equal(settle(&p, &c, 0, 1, &reached), SETTLE_FOREIGN);
    c.entries[0] = SLICE("noise");
    assert_int_equal(settle(&p, &c, 0, 1, &reached), SETTLE_FOREIGN);
    c.entries[0] = SLICE_NONE;
    assert_int_equal(settle(&p, &c, 0, 1, &reached), SETTLE_FOREIGN);
    assert_int_equal(ledger_settle(p.ledger, &(struct ledger_batch){ c.node, SLICE("\1\1cut") },
                         &answer, &position, NULL),
        ERR_NONE);
    assert_int_equal(answer, SETTLE_FOREIGN);
    assert_int_equal(reached, 0);
    assert_int_equal(hits_of(&p, ""), 0);
    chain_done(&c);
    place_done(&p);
}

/* Some batch of some node, as a bus that loses, doubles and reorders would bring it. */
static void bring_any(struct place *p, const struct chain *chains, size_t count, uint64_t *luck)
{
    const struct chain *c = &chains[(*luck = hash_mix(*luck + 1)) % count];
    size_t from = (*luck = hash_mix(*luck + 1)) % c->count;
    size_t to = from + (*luck = hash_mix(*luck + 1)) % (c->count - from + 1);
    uint64_t reached = 0;
    enum settle_answer answer = settle(p, c, from, to, &reached);

    assert_true(answer == SETTLE_ALL || answer == SETTLE_GAP);
    assert_true(answer != SETTLE_ALL || reached >= to || from == to);
}

static void in_whatever_order_batches_come_the_ledger_is_the_same(void **)
{
    enum { NODES = 3, ENTRIES = 40, WORLDS = 30 };
    struct chain chains[NODES] = { chain_of("fra1", "fra"), chain_of("fra2", "fra"),
        chain_of("nyc1", "nyc") };
    int64_t hits = 0;

    for (size_t i = 0; i < NODES * ENTRIES; i++) {
        chain_add(&chains[i % NODES], i % 5 == 0 ? "acme" : "brook",
            i % 2 == 0 ? "a.test" : "b.test", NOVEMBER_MS + (int64_t)i * 100000, i);
        hits += (int64_t)i;
    }
    for (uint64_t world = 1; world <= WORLDS; world++) {
        uint64_t luck = world;
        struct place p;

        place_init(&p);
        for (int i = 0; i < 60; i++)
            bring_any(&p, chains, NODES, &luck);
        for (size_t i = 0; i < NODES; i++)
            settle_all(&p, &chains[i]);
        assert_int_equal(hits_of(&p, ""), hits);
        audit_is_good(&p);
        place_done(&p);
    }
    for (size_t i = 0; i < NODES; i++)
        chain_done(&chains[i]);
}

static void a_ledger_that_is_closed_or_cut_off_goes_on_where_it_was(void **)
{
    struct chain c = chain_of("fra1", "fra");
    struct place p;
    uint64_t reached = 0;

    place_init_in_folder(&p);
    for (uint64_t i = 0; i < 100; i++)
        chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, 1);
    for (size_t i = 0; i < 100; i += 10) {
        assert_int_equal(settle(&p, &c, i, i + 10, &reached), SETTLE_ALL);
        ledger_close(p.ledger);
        place_open(&p);
    }
    assert_int_equal(hits_of(&p, ""), 100);
    audit_is_good(&p);
    chain_done(&c);
    place_done(&p);
}

static void a_full_disk_costs_nothing_but_the_wait(void **)
{
    struct chain c = chain_of("fra1", "fra");
    struct rlimit old, small = { 96 * 1024, 0 };
    struct outcome last = { .err = ERR_NONE };
    struct place p;
    uint64_t reached = 0;
    size_t at = 0;

    signal(SIGXFSZ, SIG_IGN);
    place_init_in_folder(&p);
    for (uint64_t i = 0; i < CHAIN_MAX; i++)
        chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, 1);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (; at < CHAIN_MAX && last.err == ERR_NONE; at += last.err == ERR_NONE)
        last = try_settle(&p, &c, at, at + 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(at > 0 && at < CHAIN_MAX);
    assert_true(last.why.text[0] != '\0');
    assert_int_equal(settle(&p, &c, 0, 0, &reached), SETTLE_ALL);
    assert_int_equal(reached, at);
    settle_all(&p, &c);
    assert_int_equal(hits_of(&p, ""), CHAIN_MAX);
    audit_is_good(&p);
    chain_done(&c);
    place_done(&p);
}

static void a_broken_file_is_told_and_not_touched(void **)
{
    struct diag why = { 0 };
    struct ledger *ledger = NULL;
    struct stat facts;
    struct place p;

    place_init_in_folder(&p);
    ledger_close(p.ledger);
    p.ledger = NULL;
    int fd = open(p.path, O_WRONLY);
    char noise[8192];

    memset(noise, 0x5a, sizeof noise);
    assert_int_equal(pwrite(fd, noise, sizeof noise, 0), (ssize_t)sizeof noise);
    assert_int_equal(fstat(fd, &facts), 0);
    close(fd);
    off_t before = facts.st_size;

    assert_int_equal(ledger_open(p.path, &ledger, &why), ERR_PARSE);
    assert_true(why.text[0] != '\0');
    assert_null(ledger);
    assert_int_equal(stat(p.path, &facts), 0);
    assert_int_equal(facts.st_size, before);
    place_done(&p);
}

static void a_sum_beyond_what_a_number_holds_is_refused_and_stops_nobody_else(void **)
{
    struct chain c = chain_of("fra1", "fra"), other = chain_of("fra2", "fra");
    struct place p;
    uint64_t reached = 0;

    place_init(&p);
    for (int i = 0; i < 3; i++)
        chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, INT64_MAX / 1000 / 2 + 1);
    chain_add(&other, "acme", "ftp.acme.test", NOVEMBER_MS, 5);
    chain_add(&other, "acme", "www.acme.test", NOVEMBER_MS + DAY_MS, 5);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(settle(&p, &c, 0, 3, &reached), SETTLE_EXCESS);
        assert_int_equal(reached, 1);
    }
    settle_all(&p, &other);
    assert_int_equal(hits_of(&p, ""), INT64_MAX / 1000 / 2 + 1 + 10);
    audit_is_good(&p);
    chain_done(&c);
    chain_done(&other);
    place_done(&p);
}

static struct usage_entry correction_of(uint64_t back, const char *reason)
{
    struct usage_entry entry = { .node = SLICE("fra1/corrections"),
        .pop = SLICE("fra"),
        .customer = SLICE("acme"),
        .site = SLICE("www.acme.test"),
        .boot = 1,
        .begin = { NOVEMBER_MS + 20 * (int64_t)DAY_MS },
        .end = { NOVEMBER_MS + 20 * (int64_t)DAY_MS },
        .reason = slice_text(reason) };

    entry.from.of[USAGE_HIT] = back;
    return entry;
}

static void a_correction_takes_back_and_is_an_entry_of_its_own_chain(void **)
{
    struct chain c = chain_of("fra1", "fra");
    struct usage_entry back = correction_of(30, "a test that was run by mistake");
    struct settle_position position;
    struct place p;

    place_init(&p);
    chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, 100);
    settle_all(&p, &c);
    assert_int_equal(ledger_correct(p.ledger, &back, &position, NULL), ERR_NONE);
    assert_int_equal(position.sequence, 1);
    assert_int_equal(hits_of(&p, "acme"), 70);
    assert_int_equal(ledger_correct(p.ledger, &back, &position, NULL), ERR_NONE);
    assert_int_equal(position.sequence, 2);
    assert_int_equal(hits_of(&p, "acme"), 40);
    settle_all(&p, &c); // the node's own chain is where it was
    audit_is_good(&p);
    chain_done(&c);
    place_done(&p);
}

static void a_correction_without_a_reason_or_of_more_than_there_was_is_refused(void **)
{
    struct chain c = chain_of("fra1", "fra");
    struct usage_entry silent = correction_of(1, ""), greedy = correction_of(101, "all and more");
    struct settle_position position;
    struct diag why = { 0 };
    struct place p;

    place_init(&p);
    chain_add(&c, "acme", "www.acme.test", NOVEMBER_MS, 100);
    chain_add(&c, "acme", "www.acme.test", DECEMBER_MS, 100); // of another month
    settle_all(&p, &c);
    assert_int_equal(ledger_correct(p.ledger, &silent, &position, &why), ERR_RANGE);
    assert_non_null(strstr(why.text, "reason"));
    assert_int_equal(ledger_correct(p.ledger, &greedy, &position, &why), ERR_RANGE);
    assert_non_null(strstr(why.text, "more hit than www.acme.test had at fra"));
    assert_int_equal(hits_of(&p, "acme"), 200);
    greedy.from.of[USAGE_HIT] = 100;
    assert_int_equal(ledger_correct(p.ledger, &greedy, &position, NULL), ERR_NONE);
    assert_int_equal(hits_of(&p, "acme"), 100);
    chain_done(&c);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_settled_is_there_once),
        cmocka_unit_test(a_node_that_never_told_anything_is_at_zero),
        cmocka_unit_test(a_batch_counts_up_to_the_entry_that_does_not_follow),
        cmocka_unit_test(another_entry_of_the_same_number_is_refused),
        cmocka_unit_test(nobody_settles_for_another_and_nobody_corrects_by_settling),
        cmocka_unit_test(in_whatever_order_batches_come_the_ledger_is_the_same),
        cmocka_unit_test(a_ledger_that_is_closed_or_cut_off_goes_on_where_it_was),
        cmocka_unit_test(a_full_disk_costs_nothing_but_the_wait),
        cmocka_unit_test(a_broken_file_is_told_and_not_touched),
        cmocka_unit_test(a_sum_beyond_what_a_number_holds_is_refused_and_stops_nobody_else),
        cmocka_unit_test(a_correction_takes_back_and_is_an_entry_of_its_own_chain),
        cmocka_unit_test(a_correction_without_a_reason_or_of_more_than_there_was_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
