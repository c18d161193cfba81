// SPDX-License-Identifier: Apache-2.0
/* From what nodes count to what is billed, whatever happens between. */
#include "app/sim_usage_test.h"

#include <unistd.h>

#include "app/accounts.h"
#include "app/sim_intruder_test.h"
#include "meter/closing.h"
#include "wire/settle.h"

/* Between two nodes, both ways. */
static void books_cut(struct books *b, size_t x, size_t y, bool is_cut)
{
    bus_hub_cut(b->w->hub, b->w->nodes[x]->name, b->w->nodes[y]->name, is_cut);
    bus_hub_cut(b->w->hub, b->w->nodes[y]->name, b->w->nodes[x]->name, is_cut);
}

static uint64_t books_unsettled(const struct books *b, size_t node)
{
    struct journal_state state = journal_state(settling_journal(b->settlings[node]));

    return state.last - state.settled;
}

static void in_many_books(void (*story)(struct books *))
{
    for (uint64_t seed = 1; seed <= (seeds() + 4) / 5; seed++) {
        struct books *b = books_open(seed);

        story(b);
        books_close(b);
    }
}

static const struct settling_counts *counts_of(const struct books *b, size_t node)
{
    return settling_counts(b->settlings[node]);
}

static void counted_and_settled(struct books *b)
{
    books_run(b, span_s(60));
    books_balance(b, span_s(11));
    for (size_t i = 0; i < BOOKS_NODES; i++) {
        assert_int_equal(books_unsettled(b, i), 0);
        assert_int_equal(counter_read(&counts_of(b, i)->refusals), 0);
        assert_int_equal(counter_read(&counts_of(b, i)->unanswered), 0);
        assert_int_equal(counter_read(&counts_of(b, i)->late), 0);
        assert_int_equal(
            counter_read(&closing_counts(settling_closing(b->settlings[i]))->clamped), 0);
    }
}

static void what_is_counted_is_in_the_ledger_within_an_interval(void **)
{
    in_many_books(counted_and_settled);
}

/* Entries end on multiples of ten seconds: none is in two slots of five minutes. */
static void intervals_end_on_multiples_of_utc(void **)
{
    struct books *b = books_open(1);
    struct ledger *ledger = NULL;
    struct ledger_entry entry;
    struct db_rows rows;
    char path[100];
    size_t count = 0;

    books_run(b, span_s(60));
    books_balance(b, span_s(11));
    assert_int_equal(ledger_open(books_ledger(b, path), &ledger, NULL), ERR_NONE);
    ledger_entries(ledger, SLICE("acme"), (struct wall){ 0 }, (struct wall){ INT64_MAX }, &rows);
    for (; ledger_entry_next(&rows, &entry); count++) {
        assert_int_equal(entry.end.ms % SETTLING_TICK_MS, 0);
        assert_true(entry.end.ms - entry.begin.ms <= SETTLING_TICK_MS);
    }
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    assert_true(count >= 12);
    ledger_close(ledger);
    books_close(b);
}

static void cut_and_healed(struct books *b)
{
    books_run(b, span_s(20));
    books_cut(b, FIRST, SECOND, true);
    books_run(b, span_s(120));
    assert_true(books_unsettled(b, SECOND) > 20);
    assert_true(counter_read(&counts_of(b, SECOND)->unanswered) > 10);
    assert_true(books_unsettled(b, THIRD) < 10);
    books_cut(b, FIRST, SECOND, false);
    books_run(b, span_s(5));
    assert_true(books_unsettled(b, SECOND) < 10);
    books_balance(b, span_s(15));
    assert_int_equal(counter_read(&counts_of(b, SECOND)->refusals), 0);
}

static void a_node_cut_from_the_bus_settles_when_it_is_healed(void **)
{
    in_many_books(cut_and_healed);
}

/* More than one batch carries. */
static void what_gathered_for_long_is_told_batch_upon_batch(void **)
{
    struct books *b = books_open(1);

    books_cut(b, FIRST, SECOND, true);
    while (books_unsettled(b, SECOND) < 1500) {
        for (size_t slot = 0; slot < BOOKS_SLOTS; slot++)
            books_count(b, SECOND, slot, 1);
        sim_run_for(b->w->sim, span_ms(SETTLING_TICK_MS));
    }
    books_cut(b, FIRST, SECOND, false);
    uint64_t before = counter_read(&counts_of(b, SECOND)->batches);

    books_balance(b, span_s(5));
    assert_true(counter_read(&counts_of(b, SECOND)->batches) - before >= 3);
    books_close(b);
}

/* What the accounts' node says gets lost: it hears each batch again and again. */
static void half_cut(struct books *b)
{
    books_run(b, span_s(20));
    bus_hub_cut(b->w->hub, SLICE("fra1"), SLICE("nyc1"), true);
    books_run(b, span_s(60));
    bus_hub_cut(b->w->hub, SLICE("fra1"), SLICE("nyc1"), false);
    books_balance(b, span_s(20));
}

static void answers_that_get_lost_cost_nothing(void **)
{
    in_many_books(half_cut);
}

static void keeper_dead_and_back(struct books *b)
{
    books_run(b, span_s(25));
    books_node_kill(b, FIRST);
    books_run(b, span_s(60));
    assert_true(books_unsettled(b, SECOND) > 10 && books_unsettled(b, THIRD) > 10);
    books_node_start(b, FIRST);
    books_run(b, span_s(20));
    books_balance(b, span_s(15));
}

static void the_accounts_node_may_be_away_and_come_back(void **)
{
    in_many_books(keeper_dead_and_back);
}

/* Of each chain that there is. */
static uint64_t entries_in_ledger(const struct books *b)
{
    struct settle_position position;
    struct ledger *ledger = NULL;
    struct db_rows rows;
    struct slice node;
    uint64_t sum = 0;
    char path[100];

    assert_int_equal(ledger_open(books_ledger(b, path), &ledger, NULL), ERR_NONE);
    ledger_nodes(ledger, &rows);
    while (ledger_node_next(&rows, &node, &position))
        sum += position.sequence;
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    ledger_close(ledger);
    return sum;
}

/* As fees.md says: the file is carried over while nobody takes anything. */
static void keeper_moved(struct books *b)
{
    static const char KEEPER[] = "accounts: {node: fra1}";
    char text[sizeof BOOKS_NETWORK];

    memcpy(text, BOOKS_NETWORK, sizeof text);
    memcpy(strstr(text, KEEPER), "accounts: {node: sin1}", sizeof KEEPER - 1);
    struct release *release = world_release(text);

    books_run(b, span_s(30));
    settling_use(b->settlings[FIRST], release->network);
    sim_run_for(b->w->sim, span_ms(100)); // what was under way
    uint64_t before = entries_in_ledger(b);

    books_run(b, span_s(60));
    assert_int_equal(entries_in_ledger(b), before);
    assert_true(counter_read(&counts_of(b, FIRST)->moved) > 0);
    assert_true(counter_read(&counts_of(b, SECOND)->refusals) > 0);
    assert_true(books_unsettled(b, SECOND) > 10);
    b->keeper = THIRD;
    books_node_kill(b, FIRST);
    books_node_kill(b, THIRD);
    for (size_t i = 0; i < BOOKS_NODES; i++) {
        if (b->is_down[i])
            books_node_start(b, i);
        settling_use(b->settlings[i], release->network);
    }
    books_run(b, span_s(10));
    books_balance(b, span_s(20));
    for (size_t i = 0; i < BOOKS_NODES; i++)
        assert_int_equal(books_unsettled(b, i), 0);
    release_drop(release);
}

static void accounts_that_move_to_another_node_take_nothing_behind_their_back(void **)
{
    in_many_books(keeper_moved);
}

/* At any moment, but often around the end of an interval, when journals and ledger are written. */
static void run_a_while(struct books *b)
{
    books_run(b, span_ms((int64_t)sim_draw(b->w->sim, 12000)));
    if (sim_draw(b->w->sim, 2) == 0)
        return;
    struct wall now = loop_wall(b->w->control);

    sim_run_for(b->w->sim, span_ms(SETTLING_TICK_MS - now.ms % SETTLING_TICK_MS - 1));
    sim_run_for(b->w->sim, span_us((int64_t)sim_draw(b->w->sim, 20000)));
}

static void killed_at_any_moment(struct books *b)
{
    for (int i = 0; i < 12; i++) {
        size_t node = sim_draw(b->w->sim, BOOKS_NODES);

        run_a_while(b);
        if (b->is_down[node])
            books_node_start(b, node);
        else
            books_node_kill(b, node);
    }
    for (size_t i = 0; i < BOOKS_NODES; i++)
        if (b->is_down[i])
            books_node_start(b, i);
    books_balance(b, span_s(45));
}

static void nodes_that_are_killed_at_any_moment_lose_nothing_and_bill_nothing_twice(void **)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct books *b = books_open(seed);

        killed_at_any_moment(b);
        books_close(b);
    }
}

static void clocks_that_jump(struct books *b)
{
    static const int64_t STEPS_S[] = { 3600, -7200, 4, -3, 86400, -86400 };

    for (size_t i = 0; i < COUNT_OF(STEPS_S); i++) {
        books_run(b, span_s(15));
        sim_kernel_wall_step(b->w->clocks[sim_draw(b->w->sim, BOOKS_NODES)], span_s(STEPS_S[i]));
    }
    books_run(b, span_s(15));
    books_balance(b, span_s(30));
}

static void clocks_may_jump_and_the_books_balance(void **)
{
    in_many_books(clocks_that_jump);
}

/* Its folder is lost, with entries that were settled and entries that were not; the totals are
 * still there, or it would have nothing to tell. */
static void a_node_that_lost_its_journal_goes_on_behind_what_is_settled(void **)
{
    struct books *b = books_open(1);
    char folder[100];

    books_run(b, span_s(30));
    books_balance(b, span_s(15));
    books_node_cut_power(b, SECOND);
    snprintf(folder, sizeof folder, "%s/usage-%d", b->folder, SECOND);
    assert_int_equal(nftw(folder, books_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
    books_node_start(b, SECOND);
    books_run(b, span_s(60));
    assert_true(counter_read(&counts_of(b, SECOND)->refusals) > 0);
    books_balance(b, span_s(60));
    books_close(b);
}

/* A file stands where its folder was. */
static void a_boot_that_died_is_kept_until_its_entries_are_on_disk(void **)
{
    struct books *b = books_open(1);
    char folder[100], away[110];

    books_run(b, span_s(15));
    books_count(b, SECOND, 1, 1000); // which no entry has
    books_node_kill(b, SECOND);
    snprintf(folder, sizeof folder, "%s/usage-%d", b->folder, SECOND);
    snprintf(away, sizeof away, "%s.away", folder);
    assert_int_equal(rename(folder, away), 0);
    fclose(fopen(folder, "w"));
    books_node_start(b, SECOND);
    books_run(b, span_s(25));
    assert_true(counter_read(&counts_of(b, SECOND)->late) > 0);
    assert_true(journal_is_failing(settling_journal(b->settlings[SECOND])));
    assert_true(counting_has_dead(b->usages[SECOND]));
    books_node_kill(b, SECOND);
    assert_int_equal(unlink(folder), 0);
    assert_int_equal(rename(away, folder), 0);
    books_node_start(b, SECOND);
    books_balance(b, span_s(45));
    assert_false(counting_has_dead(b->usages[SECOND]));
    books_close(b);
}

static void say_as(struct intruder *who, struct books *b, struct slice says)
{
    intruder_say(who, b->w, says);
    sim_run_for(b->w->sim, span_ms(100));
}

/* sin1 says that all of nyc1 is settled, and brings entries in its name. */
static void only_the_accounts_node_answers_and_each_tells_its_own(void **)
{
    struct books *b = books_open(1);
    struct settle answer = { .kind = SETTLE_ANSWER, .to = SLICE("nyc1"), .answer = SETTLE_ALL };
    char room[SETTLE_ANSWER_MAX];
    struct intruder third = { .lane = BUS_USAGE };

    books_run(b, span_s(15));
    books_cut(b, FIRST, SECOND, true);
    books_run(b, span_s(30));
    uint64_t before = books_unsettled(b, SECOND);

    memset(answer.position.hash, 0x11, sizeof answer.position.hash);
    answer.position.sequence = INT64_MAX;
    intruder_open(&third, b->w, "sin1");
    say_as(&third, b, settle_write(&answer, room));
    say_as(&third, b, SLICE("noise"));
    answer.kind = SETTLE_BATCH; // for one that keeps no accounts
    say_as(&third, b, settle_write(&answer, room));
    answer.to = SLICE("fra1"); // for none of those who hear it but one
    say_as(&third, b, settle_write(&answer, room));
    assert_int_equal(counter_read(&counts_of(b, SECOND)->strange), 3);
    assert_true(books_unsettled(b, SECOND) >= before);
    books_cut(b, FIRST, SECOND, false);
    books_balance(b, span_s(20));
    assert_int_equal(counter_read(&counts_of(b, SECOND)->refusals), 0);
    bus_free(third.bus);
    books_close(b);
}

static void at_the_end_all_is_written_down(void **)
{
    struct books *b = books_open(1);

    books_run(b, span_s(14));
    for (size_t i = 0; i < BOOKS_NODES; i++) {
        books_count(b, i, i, 7);
        settling_end(b->settlings[i]);
        assert_false(settling_is_written(b->settlings[i]));
    }
    sim_run_for(b->w->sim, span_ms(50));
    for (size_t i = 0; i < BOOKS_NODES; i++)
        assert_true(settling_is_written(b->settlings[i]));
    for (size_t i = 0; i < BOOKS_NODES; i++)
        books_node_cut_power(b, i);
    for (size_t i = 0; i < BOOKS_NODES; i++)
        books_node_start(b, i);
    books_balance(b, span_s(15));
    books_close(b);
}

static void terms_are_those_of_the_release(void **)
{
    struct books *b = books_open(1);
    struct ledger *ledger = NULL;
    struct ledger_term term;
    struct db_rows rows;
    char path[100];

    assert_int_equal(ledger_open(books_ledger(b, path), &ledger, NULL), ERR_NONE);
    ledger_terms(ledger, SLICE("acme"), (struct wall){ 0 }, (struct wall){ INT64_MAX }, &rows);
    assert_true(ledger_term_next(&rows, &term));
    assert_true(slice_starts(term.plan, SLICE("plan 1 standard\n")));
    assert_false(ledger_term_next(&rows, &term));
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    ledger_close(ledger);
    books_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_counted_is_in_the_ledger_within_an_interval),
        cmocka_unit_test(intervals_end_on_multiples_of_utc),
        cmocka_unit_test(a_node_cut_from_the_bus_settles_when_it_is_healed),
        cmocka_unit_test(what_gathered_for_long_is_told_batch_upon_batch),
        cmocka_unit_test(answers_that_get_lost_cost_nothing),
        cmocka_unit_test(the_accounts_node_may_be_away_and_come_back),
        cmocka_unit_test(accounts_that_move_to_another_node_take_nothing_behind_their_back),
        cmocka_unit_test(nodes_that_are_killed_at_any_moment_lose_nothing_and_bill_nothing_twice),
        cmocka_unit_test(clocks_may_jump_and_the_books_balance),
        cmocka_unit_test(a_node_that_lost_its_journal_goes_on_behind_what_is_settled),
        cmocka_unit_test(a_boot_that_died_is_kept_until_its_entries_are_on_disk),
        cmocka_unit_test(only_the_accounts_node_answers_and_each_tells_its_own),
        cmocka_unit_test(at_the_end_all_is_written_down),
        cmocka_unit_test(terms_are_those_of_the_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
