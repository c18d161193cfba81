// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "steer/votes.h"
#include "steer/watch.h"

enum { POPS_MAX = 8, NODES_MAX = 8, NAME_SIZE = 8, WORLD_NODES_MAX = POPS_MAX * NODES_MAX };

static const struct check CHECKS[] = { { .id = 10 }, { .id = 20 }, { .id = 30 } };
static const struct checks LIST = { .list = CHECKS, .count = COUNT_OF(CHECKS) };

/*
 * A network drawn as "D|Uu|-": pops apart, a letter for each of their nodes and its word of the
 * first check. D: down, U: up, -: none; in small letters where it does not count. The first node is
 * this one.
 */
struct world {
    struct network network;
    struct pop pops[POPS_MAX];
    struct node nodes[POPS_MAX][NODES_MAX];
    char names[WORLD_NODES_MAX][NAME_SIZE];
    uint64_t ids[WORLD_NODES_MAX];
    size_t count;
    struct votes *votes;
    unsigned changes;
    struct votes_tally told; // with the last change
};

static void node_add(struct world *w, size_t pop)
{
    struct pop *p = &w->pops[pop];
    struct node *node = &w->nodes[pop][p->node_count++];
    int length = snprintf(w->names[w->count], NAME_SIZE, "n%zu", w->count);

    node->name = slice_of(w->names[w->count], (size_t)length);
    w->ids[w->count++] = hash_bytes(node->name, 0);
}

static void world_draw(struct world *w, const char *drawn)
{
    *w = (struct world){ .network = { .pops = w->pops, .pop_count = 1 } };
    for (; *drawn != '\0'; drawn++) {
        if (*drawn == '|')
            w->network.pop_count++;
        else
            node_add(w, w->network.pop_count - 1);
    }
    for (size_t i = 0; i < w->network.pop_count; i++)
        w->pops[i].nodes = w->nodes[i];
}

static void say(struct world *w, size_t node, enum votes_word word)
{
    votes_say(w->votes, w->ids[node], 0, word);
}

/* The nodes say what is drawn. */
static void say_all(struct world *w, const char *drawn)
{
    for (size_t node = 0; *drawn != '\0'; drawn++) {
        if (*drawn == '|')
            continue;
        say(w, node,
            *drawn == '-'                    ? VOTES_NONE
            : *drawn == 'D' || *drawn == 'd' ? VOTES_DOWN
                                             : VOTES_UP);
        votes_count(w->votes, w->ids[node], *drawn != 'd' && *drawn != 'u');
        node++;
    }
}

static void world_begin(struct world *w, const char *drawn)
{
    world_draw(w, drawn);
    w->votes = votes_new(w->ids[0]);
    votes_use(w->votes, &w->network, &LIST, NULL);
    say_all(w, drawn);
}

static void changed(void *to, uint32_t check, const struct votes_tally *tally)
{
    struct world *w = to;

    assert_int_equal(check, 0);
    w->changes++;
    w->told = *tally;
}

static bool decide(struct world *w)
{
    votes_decide(w->votes, changed, w);
    return votes_tally(w->votes, 0).is_down;
}

static bool is_down_with(const char *drawn, struct votes_sight sight)
{
    struct world w;

    world_begin(&w, drawn);
    votes_sight(w.votes, sight);
    bool is_down = decide(&w);

    assert_int_equal(w.changes, is_down);
    votes_free(w.votes);
    return is_down;
}

static bool is_down(const char *drawn)
{
    return is_down_with(drawn, (struct votes_sight){ 0 });
}

static bool is_down_for_the_blind(const char *drawn)
{
    return is_down_with(drawn, (struct votes_sight){ .is_blind = true });
}

static bool is_down_for_the_suspect(const char *drawn)
{
    return is_down_with(drawn, (struct votes_sight){ .is_suspect = true });
}

static void what_nobody_speaks_of_is_fit(void **)
{
    assert_false(is_down("-"));
    assert_false(is_down("-|-|-"));
    assert_false(is_down("-|d|d|d"));
}

static void alone_a_node_goes_by_its_own_word(void **)
{
    assert_true(is_down("D"));
    assert_false(is_down("U"));
    assert_true(is_down("D|-|-"));
    assert_true(is_down("D|u|u|u"));
    assert_false(is_down("U|d|d|d"));
}

static void of_two_groups_our_own_word_decides(void **)
{
    assert_true(is_down("D|U"));
    assert_false(is_down("U|D"));
    assert_true(is_down("D|U|-|u"));
    assert_true(is_down("DU|U"));
    assert_false(is_down("UD|D"));
}

static void without_a_word_of_our_own_all_of_two_groups_must_say_down(void **)
{
    assert_true(is_down("-|D"));
    assert_false(is_down("-|U"));
    assert_true(is_down("-|D|D"));
    assert_false(is_down("-|D|U"));
    assert_true(is_down("-D"));
}

static void of_three_groups_and_more_the_majority_decides(void **)
{
    assert_true(is_down("U|D|D"));
    assert_false(is_down("D|U|U"));
    assert_true(is_down("D|D|U"));
    assert_true(is_down("U|D|D|D|U"));
    assert_false(is_down("D|D|U|U|U"));
    assert_true(is_down("-|D|D|U"));
    assert_false(is_down("-|D|U|U"));
}

static void a_tie_of_many_groups_is_ours_to_break(void **)
{
    assert_true(is_down("D|D|U|U"));
    assert_false(is_down("U|D|D|U"));
    assert_false(is_down("-|D|D|U|U"));
    assert_true(is_down("D|U|-|D|U"));
}

static void many_nodes_of_one_pop_are_one_voice(void **)
{
    assert_false(is_down("U|DDDDD|U"));
    assert_true(is_down("U|DDDDD|D"));
    assert_false(is_down("UUUUU|D|U|D|U"));
    assert_true(is_down("U|D|D|UUUUU|D"));
}

static void a_group_is_down_by_more_than_half_of_its_nodes(void **)
{
    assert_false(is_down("U|DU|D")); // a tie is up
    assert_true(is_down("U|DDU|D"));
    assert_false(is_down("U|DUU|D"));
    assert_true(is_down("U|Du|D")); // what does not count makes no tie
    assert_true(is_down("U|D-|D"));
    assert_false(is_down("U|d-|D|U"));
}

static void who_does_not_count_changes_nothing(void **)
{
    assert_false(is_down("U|d|d|D|U"));
    assert_true(is_down("D|u|u|D|U"));
    assert_false(is_down("U|d|d|d|d"));
}

static void the_blind_go_by_the_others(void **)
{
    assert_false(is_down_for_the_blind("D|U"));
    assert_true(is_down_for_the_blind("U|D"));
    assert_false(is_down_for_the_blind("D|U|D")); // a tie without us is up
    assert_true(is_down_for_the_blind("U|D|D|U|D"));
    assert_false(is_down_for_the_blind("D|D|U|D|U"));
    assert_false(is_down_for_the_blind("DU|-")); // their neighbour in the pop sees
}

static void where_nobody_sees_the_blind_go_by_their_own_word(void **)
{
    assert_true(is_down_for_the_blind("D|u|u"));
    assert_true(is_down_for_the_blind("D|-"));
    assert_false(is_down_for_the_blind("U|d|d"));
    assert_false(is_down_for_the_blind("-|d|d"));
}

static void the_suspect_go_by_their_own_word_alone(void **)
{
    assert_true(is_down_for_the_suspect("D|U|U|U"));
    assert_false(is_down_for_the_suspect("U|D|D|D"));
    assert_false(is_down_for_the_suspect("-|D|D|D"));
    assert_true(
        is_down_with("D|U|U", (struct votes_sight){ .is_blind = true, .is_suspect = true }));
}

static void a_change_is_told_once_with_its_count(void **)
{
    struct world w;

    world_begin(&w, "U|U|U|U");
    assert_false(decide(&w));
    assert_int_equal(w.changes, 0);
    say_all(&w, "U|D|D|D");
    assert_false(votes_tally(w.votes, 0).is_down); // not before it is decided
    assert_true(decide(&w));
    assert_int_equal(w.changes, 1);
    assert_true(w.told.is_down);
    assert_int_equal(w.told.by, VOTES_BY_GROUPS);
    assert_int_equal(w.told.own, VOTES_UP);
    assert_int_equal(w.told.groups, 4);
    assert_int_equal(w.told.down, 3);
    say(&w, 0, VOTES_DOWN); // changes nothing
    assert_true(decide(&w));
    assert_int_equal(w.changes, 1);
    assert_int_equal(votes_tally(w.votes, 0).down, 4);
    say_all(&w, "U|U|U|D");
    assert_false(decide(&w));
    assert_int_equal(w.changes, 2);
    assert_false(w.told.is_down);
    votes_free(w.votes);
}

static void it_is_told_who_decided(void **)
{
    struct world w;

    world_begin(&w, "D|D|U");
    assert_int_equal(votes_tally(w.votes, 0).by, VOTES_BY_GROUPS);
    assert_int_equal(votes_tally(w.votes, 1).by, VOTES_BY_NOBODY);
    say_all(&w, "D|D|u");
    assert_int_equal(votes_tally(w.votes, 0).by, VOTES_BY_SELF);
    say_all(&w, "-|D|D");
    assert_int_equal(votes_tally(w.votes, 0).by, VOTES_BY_GROUPS);
    votes_sight(w.votes, (struct votes_sight){ .is_suspect = true });
    assert_int_equal(votes_tally(w.votes, 0).by, VOTES_BY_NOBODY);
    votes_free(w.votes);
}

static void who_leaves_and_comes_back_counts_as_it_spoke_last(void **)
{
    struct world w;

    world_begin(&w, "U|D|D|D|U");
    assert_true(decide(&w));
    votes_count(w.votes, w.ids[1], false); // two against two, and we say up
    assert_false(decide(&w));
    votes_count(w.votes, w.ids[1], true);
    assert_true(decide(&w));
    votes_free(w.votes);
}

static void a_word_taken_back_counts_no_more(void **)
{
    struct world w;

    world_begin(&w, "-|D|D|U");
    assert_true(decide(&w));
    say(&w, 2, VOTES_NONE);
    assert_false(decide(&w));
    assert_int_equal(votes_tally(w.votes, 0).groups, 2);
    votes_free(w.votes);
}

enum { MANY_POPS = 8 };

/* Eight pops of a node each; check 0 is watched by five of them. */
struct watched {
    struct world w;
    struct check checks[3];
    struct checks list;
    struct watch_table *table;
    size_t watchers[MANY_POPS], others[MANY_POPS];
    size_t watcher_count, other_count;
};

static void watched_begin(struct watched *d, bool we_watch)
{
    static const char DRAWN[] = "U|U|U|U|U|U|U|U";
    uint64_t id = 0;

    do {
        *d = (struct watched){ 0 };
        world_draw(&d->w, DRAWN);
        for (size_t i = 0; i < COUNT_OF(d->checks); i++) {
            id++;
            d->checks[i] = (struct check){ .id = id, .every = span_s(1) };
        }
        d->list = (struct checks){ .list = d->checks, .count = COUNT_OF(d->checks) };
        d->table = watch_table_new(&d->w.network, &d->list);
        if (watch_has(d->table, 0, d->w.ids[0]) == we_watch)
            break;
        watch_table_free(d->table);
    } while (true);
    for (size_t i = 1; i < MANY_POPS; i++)
        if (watch_has(d->table, 0, d->w.ids[i]))
            d->watchers[d->watcher_count++] = i;
        else
            d->others[d->other_count++] = i;
    d->w.votes = votes_new(d->w.ids[0]);
    votes_use(d->w.votes, &d->w.network, &d->list, d->table);
    say_all(&d->w, DRAWN);
}

static void watched_end(struct watched *d)
{
    votes_free(d->w.votes);
    watch_table_free(d->table);
}

static void only_watchers_are_asked_while_one_counts(void **)
{
    struct watched d;

    watched_begin(&d, false);
    assert_int_equal(d.watcher_count, WATCHERS);
    say(&d.w, d.others[0], VOTES_DOWN);
    say(&d.w, d.others[1], VOTES_DOWN);
    say(&d.w, 0, VOTES_DOWN);
    assert_false(decide(&d.w));
    assert_int_equal(votes_tally(d.w.votes, 0).groups, WATCHERS);
    assert_int_equal(votes_tally(d.w.votes, 0).down, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_false(decide(&d.w));
        say(&d.w, d.watchers[i], VOTES_DOWN);
    }
    assert_true(decide(&d.w));
    watched_end(&d);
}

static void our_own_word_breaks_no_tie_of_watchers_unless_we_watch(void **)
{
    for (unsigned we_watch = 0; we_watch < 2; we_watch++) {
        struct watched d;

        watched_begin(&d, we_watch != 0);
        say(&d.w, 0, VOTES_DOWN);
        for (size_t i = 2 - we_watch; i < d.watcher_count; i++)
            votes_count(d.w.votes, d.w.ids[d.watchers[i]], false);
        assert_int_equal(votes_tally(d.w.votes, 0).groups, 2);
        assert_int_equal(decide(&d.w), we_watch != 0);
        watched_end(&d);
    }
}

static void without_a_watcher_all_are_asked(void **)
{
    struct watched d;

    watched_begin(&d, false);
    for (size_t i = 0; i < d.watcher_count; i++)
        votes_count(d.w.votes, d.w.ids[d.watchers[i]], false);
    say(&d.w, d.others[0], VOTES_DOWN);
    say(&d.w, d.others[1], VOTES_DOWN);
    assert_int_equal(votes_tally(d.w.votes, 0).groups, 3);
    assert_true(decide(&d.w));
    watched_end(&d);
}

static void strangers_have_no_vote(void **)
{
    struct world w;

    world_begin(&w, "-|-");
    for (uint64_t stranger = 1; stranger < 10; stranger++) {
        votes_count(w.votes, stranger, true);
        votes_say(w.votes, stranger, 0, VOTES_DOWN);
    }
    assert_false(decide(&w));
    assert_int_equal(votes_tally(w.votes, 0).groups, 0);
    votes_free(w.votes);
}

static void whether_we_count_is_no_matter_of_presence(void **)
{
    struct world w;

    world_begin(&w, "D");
    votes_count(w.votes, w.ids[0], false);
    assert_true(decide(&w));
    assert_int_equal(votes_tally(w.votes, 0).groups, 1);
    votes_free(w.votes);
}

static void what_was_said_outlives_a_release(void **)
{
    static const struct check LATER[] = { { .id = 5 }, { .id = 10 } };
    static const struct checks LATER_LIST = { .list = LATER, .count = COUNT_OF(LATER) };
    struct world w, later;

    world_begin(&w, "U|D|D|U|D");
    assert_true(decide(&w));
    world_draw(&later, "--|-|-|-|-|-"); // another node of our pop: the others move on
    later.network.pops = later.pops;
    for (size_t i = 1; i < 5; i++) // the same names as before
        later.nodes[i][0].name = w.nodes[i][0].name;
    votes_use(w.votes, &later.network, &LATER_LIST, NULL);
    votes_decide(w.votes, changed, &w);
    assert_int_equal(w.changes, 1);
    struct votes_tally tally = votes_tally(w.votes, 1);

    assert_true(tally.is_down);
    assert_int_equal(tally.groups, 5);
    assert_int_equal(tally.down, 3);
    assert_int_equal(tally.own, VOTES_UP);
    assert_int_equal(votes_tally(w.votes, 0).groups, 0);
    votes_free(w.votes);
}

/* Three of five said down; one of them is in the release no more. */
static void observers_that_leave_the_release_take_their_words_with_them(void **)
{
    struct world w;

    world_begin(&w, "U|D|D|D|U");
    assert_true(decide(&w));
    w.network.pop_count = 5;
    w.pops[3] = w.pops[4];
    w.network.pop_count = 4;
    votes_use(w.votes, &w.network, &LIST, NULL);
    assert_false(decide(&w));
    assert_int_equal(votes_tally(w.votes, 0).groups, 4);
    assert_int_equal(votes_tally(w.votes, 0).down, 2);
    votes_free(w.votes);
}

/* What is decided depends on who says what, not on the order in which it came. */
static void the_order_of_words_makes_no_difference(void **)
{
    uint64_t luck = 1;

    for (unsigned round = 0; round < 300; round++) {
        static const char DRAWN[] = "---|--|-|----|-|--";
        char final[sizeof DRAWN];
        struct world straight, crooked;

        for (size_t i = 0; i < sizeof DRAWN; i++)
            final[i] = DRAWN[i] == '-' ? "UDud-"[hash_mix(++luck) % 5] : DRAWN[i];
        world_begin(&straight, final);
        world_begin(&crooked, DRAWN);
        for (unsigned i = 0; i < 60; i++) {
            size_t node = hash_mix(++luck) % crooked.count;

            say(&crooked, node, (enum votes_word)(hash_mix(++luck) % 3));
            votes_count(crooked.votes, crooked.ids[node], hash_mix(++luck) % 2 == 0);
            if (i % 7 == 0)
                (void)decide(&crooked);
        }
        say_all(&crooked, final);
        assert_int_equal(decide(&straight), decide(&crooked));
        struct votes_tally a = votes_tally(straight.votes, 0), b = votes_tally(crooked.votes, 0);

        assert_int_equal(a.groups, b.groups);
        assert_int_equal(a.down, b.down);
        votes_free(straight.votes);
        votes_free(crooked.votes);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_nobody_speaks_of_is_fit),
        cmocka_unit_test(alone_a_node_goes_by_its_own_word),
        cmocka_unit_test(of_two_groups_our_own_word_decides),
        cmocka_unit_test(without_a_word_of_our_own_all_of_two_groups_must_say_down),
        cmocka_unit_test(of_three_groups_and_more_the_majority_decides),
        cmocka_unit_test(a_tie_of_many_groups_is_ours_to_break),
        cmocka_unit_test(many_nodes_of_one_pop_are_one_voice),
        cmocka_unit_test(a_group_is_down_by_more_than_half_of_its_nodes),
        cmocka_unit_test(who_does_not_count_changes_nothing),
        cmocka_unit_test(the_blind_go_by_the_others),
        cmocka_unit_test(where_nobody_sees_the_blind_go_by_their_own_word),
        cmocka_unit_test(the_suspect_go_by_their_own_word_alone),
        cmocka_unit_test(a_change_is_told_once_with_its_count),
        cmocka_unit_test(it_is_told_who_decided),
        cmocka_unit_test(who_leaves_and_comes_back_counts_as_it_spoke_last),
        cmocka_unit_test(a_word_taken_back_counts_no_more),
        cmocka_unit_test(only_watchers_are_asked_while_one_counts),
        cmocka_unit_test(our_own_word_breaks_no_tie_of_watchers_unless_we_watch),
        cmocka_unit_test(without_a_watcher_all_are_asked),
        cmocka_unit_test(strangers_have_no_vote),
        cmocka_unit_test(whether_we_count_is_no_matter_of_presence),
        cmocka_unit_test(what_was_said_outlives_a_release),
        cmocka_unit_test(observers_that_leave_the_release_take_their_words_with_them),
        cmocka_unit_test(the_order_of_words_makes_no_difference),
    };

    return cmocka_run_group_tests_name("steer/votes", cases, NULL, NULL);
}
