// SPDX-License-Identifier: Apache-2.0
/* What the node that keeps the accounts answers, and what it does when the ledger cannot be had. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "app/accounts.h"
#include "app/sim_release_test.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/sim.h"
#include "meter/ledger_test.h"

enum { HEARD_MAX = 256, LOG_BYTES = 1 << 16 };

struct heard {
    char node[16];
    enum settle_answer answer;
    uint64_t sequence;
};

struct office {
    struct sim *sim;
    struct epoch epoch;
    struct kernel *kernel;
    struct loop *loop;
    struct log log;
    struct place place; // where the ledger is
    struct accounts *accounts;
    struct accounts_user user;
    struct heard heard[HEARD_MAX];
    size_t heard_count;
};

static void on_answered(struct accounts_user *user, struct slice node, enum settle_answer answer,
    const struct settle_position *position)
{
    struct office *o = container_of(user, struct office, user);
    struct heard *heard = &o->heard[o->heard_count++];

    assert_true(o->heard_count < HEARD_MAX);
    *heard = (struct heard){ .answer = answer, .sequence = position->sequence };
    snprintf(heard->node, sizeof heard->node, "%.*s", SLICE_ARG(node));
}

static const struct accounts_user_ops USER = { .answered = on_answered };

static void office_open(struct office *o)
{
    const struct accounts_plan plan = {
        .loop = o->loop, .log = &o->log, .node = SLICE("fra1"), .path = o->place.path
    };

    assert_int_equal(accounts_new(&plan, &o->user, &o->accounts), ERR_NONE);
}

static void office_init(struct office *o)
{
    const struct ip address = ip_v4(10, 0, 0, 1);

    *o = (struct office){ .user.ops = &USER };
    o->sim = sim_new(1);
    epoch_init(&o->epoch);
    o->kernel = sim_kernel(o->sim, &address);
    o->loop = loop_new(o->kernel, &o->epoch, 0);
    sim_kernel_turns(o->kernel, o->loop);
    log_init(&o->log, memfd_create("log", 0), LOG_INFO);
    place_init_in_folder(&o->place);
    ledger_close(o->place.ledger);
    o->place.ledger = NULL;
    office_open(o);
}

static void office_done(struct office *o)
{
    accounts_free(o->accounts);
    place_done(&o->place);
    loop_free(o->loop);
    kernel_free(o->kernel);
    epoch_done(&o->epoch);
    sim_free(o->sim);
    close(o->log.fd);
}

static void rest(struct office *o)
{
    sim_run_for(o->sim, span_ms(10));
}

/* How often the text is in the log. */
static size_t logged(const struct office *o, const char *text)
{
    static char log[LOG_BYTES];
    ssize_t length = pread(o->log.fd, log, sizeof log - 1, 0);
    size_t count = 0;

    assert_true(length >= 0);
    log[length] = '\0';
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

/* Entries from..to-1 of the chain, counted from 0. */
static void tell(struct office *o, const struct chain *c, size_t from, size_t to)
{
    char *room = mem_array(CHAIN_MAX, USAGE_BATCH_ENTRY_MAX);
    size_t length = 0;

    for (size_t i = from; i < to; i++)
        length += usage_batch_put(c->entries[i], room + length);
    accounts_settle(o->accounts, &(struct ledger_batch){ c->node, slice_of(room, length) });
    mem_free(room); // it was copied
}

static void assert_answered(
    const struct office *o, size_t at, const char *node, enum settle_answer answer, uint64_t up_to)
{
    assert_true(at < o->heard_count);
    assert_string_equal(o->heard[at].node, node);
    assert_int_equal(o->heard[at].answer, answer);
    assert_int_equal(o->heard[at].sequence, up_to);
}

static struct chain ten(const char *node)
{
    struct chain c = chain_of(node, "fra");

    for (uint64_t i = 0; i < 10; i++)
        chain_add(&c, "acme", "www.test", NOVEMBER_MS, 1);
    return c;
}

static void each_batch_is_answered_with_how_far_the_chain_is(void **)
{
    struct chain a = ten("nyc1"), b = ten("sin1");
    struct office o;

    office_init(&o);
    tell(&o, &a, 0, 0);
    tell(&o, &b, 0, 4);
    assert_int_equal(o.heard_count, 0); // not within the call
    rest(&o);
    assert_answered(&o, 0, "nyc1", SETTLE_ALL, 0);
    assert_answered(&o, 1, "sin1", SETTLE_ALL, 4);
    tell(&o, &a, 0, 10);
    rest(&o);
    assert_answered(&o, 2, "nyc1", SETTLE_ALL, 10);
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->settled), 14);
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->all), 3);
    assert_false(accounts_is_failing(o.accounts));
    chain_done(&a);
    chain_done(&b);
    office_done(&o);
}

static void a_refusal_is_answered_counted_and_said_aloud(void **)
{
    struct chain a = ten("nyc1");
    struct office o;

    office_init(&o);
    tell(&o, &a, 5, 10);
    rest(&o);
    assert_answered(&o, 0, "nyc1", SETTLE_GAP, 0);
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->gap), 1);
    assert_int_equal(logged(&o, "entries_refused node=fra1 of=nyc1 reason=gap settled_up_to=0"), 1);
    a.node = SLICE("sin1");
    tell(&o, &a, 0, 1);
    rest(&o);
    assert_answered(&o, 1, "sin1", SETTLE_FOREIGN, 0);
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->foreign), 1);
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->settled), 0);
    a.node = SLICE("nyc1");
    chain_done(&a);
    office_done(&o);
}

static void a_refusal_is_said_once_while_the_chain_does_not_move(void **)
{
    struct chain a = ten("nyc1"), b = ten("sin1");
    struct office o;

    office_init(&o);
    for (int i = 0; i < 50; i++) {
        tell(&o, &a, 5, 10);
        sim_run_for(o.sim, span_s(3));
    }
    assert_int_equal(o.heard_count, 50); // it is answered each time
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->gap), 50);
    assert_int_equal(logged(&o, "entries_refused node=fra1 of=nyc1"), 1);
    tell(&o, &b, 5, 10); // of another one it was not said
    rest(&o);
    assert_int_equal(logged(&o, "entries_refused node=fra1 of=sin1"), 1);
    for (size_t i = 0; i < 6; i++) { // a liar may let its chain move as often as it likes
        tell(&o, &a, 0, i + 1);
        rest(&o);
        tell(&o, &a, i + 2, 10);
        rest(&o);
    }
    assert_int_equal(logged(&o, "of=nyc1 reason=gap settled_up_to=1 unsaid=49"), 1);
    assert_int_equal(logged(&o, "entries_refused node=fra1 of=nyc1"), 2);
    sim_run_for(o.sim, ACCOUNTS_QUIET);
    tell(&o, &a, 7, 10);
    rest(&o);
    assert_int_equal(logged(&o, "of=nyc1 reason=gap settled_up_to=6 unsaid=5"), 1);
    chain_done(&a);
    chain_done(&b);
    office_done(&o);
}

static void of_many_nodes_that_lie_the_last_are_known(void **)
{
    struct chain a = ten("nyc1");
    struct office o;
    char name[16];

    office_init(&o);
    for (int i = 0; i < ACCOUNTS_REFUSALS_MAX + 1; i++) {
        snprintf(name, sizeof name, "n%d", i);
        a.node = slice_text(name); // whose they are not
        tell(&o, &a, 0, 1);
        tell(&o, &a, 0, 1);
        rest(&o);
        tell(&o, &a, 0, 1);
        rest(&o);
    }
    assert_int_equal(logged(&o, "entries_refused"), ACCOUNTS_REFUSALS_MAX + 1);
    tell(&o, &a, 0, 1);
    rest(&o);
    assert_int_equal(logged(&o, "entries_refused"), ACCOUNTS_REFUSALS_MAX + 1);
    chain_done(&a);
    office_done(&o);
}

/* Its sums leave nobody without answers, and are not said to be a fault of the ledger. */
static void a_node_that_tells_too_much_is_refused_for_itself(void **)
{
    struct chain a = chain_of("nyc1", "nyc"), b = ten("sin1");
    struct office o;

    office_init(&o);
    for (int i = 0; i < 2; i++)
        chain_add(&a, "acme", "www.test", NOVEMBER_MS, INT64_MAX / 1000);
    tell(&o, &a, 0, 2);
    tell(&o, &b, 0, 10);
    rest(&o);
    assert_answered(&o, 0, "nyc1", SETTLE_EXCESS, 1);
    assert_answered(&o, 1, "sin1", SETTLE_ALL, 10);
    assert_int_equal(logged(&o, "entries_refused node=fra1 of=nyc1 reason=excess"), 1);
    assert_int_equal(logged(&o, "ledger_fails"), 0);
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->excess), 1);
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->errors), 0);
    assert_false(accounts_is_failing(o.accounts));
    chain_done(&a);
    chain_done(&b);
    office_done(&o);
}

static void of_each_node_one_batch_waits_and_of_all_no_more_than_the_limit(void **)
{
    enum { NODES = ACCOUNTS_BATCHES_MAX + 5 };
    struct office o;
    char name[16];

    office_init(&o);
    for (int i = 0; i < NODES; i++) {
        snprintf(name, sizeof name, "n%d", i);
        accounts_settle(o.accounts, &(struct ledger_batch){ .node = slice_text(name) });
        accounts_settle(o.accounts, &(struct ledger_batch){ .node = slice_text(name) });
    }
    rest(&o);
    assert_int_equal(o.heard_count, ACCOUNTS_BATCHES_MAX);
    assert_int_equal(
        counter_read(&accounts_counts(o.accounts)->dropped), 2 * NODES - ACCOUNTS_BATCHES_MAX);
    accounts_settle(o.accounts, &(struct ledger_batch){ .node = slice_text(name) });
    rest(&o);
    assert_answered(&o, ACCOUNTS_BATCHES_MAX, name, SETTLE_ALL, 0);
    office_done(&o);
}

static void noise_over(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(write(fd, "nonsense", 8), 8);
    close(fd);
}

static void a_broken_ledger_is_said_once_and_answers_nobody_until_it_is_moved_aside(void **)
{
    struct chain a = ten("nyc1");
    struct stat facts;
    struct office o;

    office_init(&o);
    noise_over(o.place.path);
    for (int i = 0; i < 3; i++) {
        tell(&o, &a, 0, 10);
        rest(&o);
    }
    assert_int_equal(o.heard_count, 0);
    assert_true(accounts_is_failing(o.accounts));
    assert_int_equal(logged(&o, "ledger_fails node=fra1"), 1);
    assert_int_equal(logged(&o, "move it aside or put a backup in its place"), 1);
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->failed), 3);
    assert_int_equal(stat(o.place.path, &facts), 0);
    assert_int_equal(facts.st_size, 8000); // it was not touched
    unlink(o.place.path);
    tell(&o, &a, 0, 10);
    rest(&o);
    assert_answered(&o, 0, "nyc1", SETTLE_ALL, 10);
    assert_false(accounts_is_failing(o.accounts));
    assert_int_equal(logged(&o, "ledger_works_again node=fra1"), 1);
    chain_done(&a);
    office_done(&o);
}

static void a_restart_goes_on_where_the_ledger_is(void **)
{
    struct chain a = ten("nyc1");
    struct office o;

    office_init(&o);
    tell(&o, &a, 0, 6);
    rest(&o);
    tell(&o, &a, 6, 8);
    accounts_free(o.accounts); // with a batch on its way
    office_open(&o);
    tell(&o, &a, 6, 10);
    rest(&o);
    assert_answered(&o, 1, "nyc1", SETTLE_ALL, 10);
    chain_done(&a);
    office_done(&o);
}

#define NETWORK_OF(plans, customer)                                                      \
    "network: example\nzone: cdn.test\nnameservers: [ns1.cdn.test]\n"                    \
    "contact: hostmaster@cdn.test\n"                                                     \
    "pops: {fra: {nodes: {fra1: {address: 10.0.0.1}}, cache: {memory: 16 MiB}}}\n" plans \
    "customers: {acme: {" customer "origins: {one: {address: \"10.0.1.1:80\"}}, "        \
    "sites: {a.test: {deliver: [one]}}}}\n"

static void agree(struct office *o, const char *text)
{
    struct release *release = world_release(text);

    accounts_agree(o->accounts, release->network);
    release_drop(release);
}

/* The plans' first lines, of all terms of acme. */
static const char *terms(struct office *o, char text[400])
{
    struct ledger_term term;
    struct db_rows rows;
    size_t length = 0;

    text[0] = '\0';
    place_open(&o->place);
    ledger_terms(
        o->place.ledger, SLICE("acme"), (struct wall){ 0 }, (struct wall){ INT64_MAX }, &rows);
    while (ledger_term_next(&rows, &term))
        length += (size_t)snprintf(text + length, 400 - length, "%.*s,",
            SLICE_ARG(slice_head(term.plan, slice_find(term.plan, '\n'))));
    assert_int_equal(db_end(&rows, NULL), ERR_NONE);
    ledger_close(o->place.ledger);
    o->place.ledger = NULL;
    return text;
}

static const char STANDARD[] = NETWORK_OF("plans: {standard: {currency: EUR, monthly: 50.00}, "
                                          "big: {currency: EUR, monthly: 90.00}}\n",
    "plan: standard, ");
static const char BIG[] =
    NETWORK_OF("plans: {big: {currency: EUR, monthly: 90.00}}\n", "plan: big, ");
static const char NO_PLAN[] = NETWORK_OF("", "");

static void a_release_that_changes_a_plan_is_written_down_and_others_are_not(void **)
{
    char text[400];
    struct office o;

    office_init(&o);
    agree(&o, STANDARD);
    rest(&o);
    agree(&o, STANDARD);
    rest(&o);
    assert_string_equal(terms(&o, text), "plan 1 standard,");
    agree(&o, BIG);
    agree(&o, NO_PLAN); // before the other is written
    rest(&o);
    assert_string_equal(terms(&o, text), "plan 1 standard,plan 1 big,,");
    assert_int_equal(counter_read(&accounts_counts(o.accounts)->terms), 3);
    assert_int_equal(logged(&o, "terms_changed node=fra1 customers=1"), 3);
    office_done(&o);
}

static void terms_that_cannot_be_written_wait_in_their_order(void **)
{
    char text[400];
    struct office o;

    office_init(&o);
    noise_over(o.place.path);
    agree(&o, STANDARD);
    rest(&o);
    for (int i = 0; i < 2 * ACCOUNTS_TERMS_MAX; i++)
        agree(&o, NO_PLAN);
    agree(&o, BIG); // the newest is kept, however many there were
    sim_run_for(o.sim, span_s(25));
    assert_int_equal(logged(&o, "ledger_fails"), 1);
    assert_true(counter_read(&accounts_counts(o.accounts)->errors) >= 3);
    unlink(o.place.path);
    sim_run_for(o.sim, span_s(11));
    assert_string_equal(terms(&o, text), "plan 1 standard,,plan 1 big,");
    office_done(&o);
}

struct question {
    struct accounts_question question;
    int64_t hits;
    bool is_done;
};

static enum err count_hits(
    struct accounts_question *question, struct ledger *ledger, struct diag *why)
{
    const struct ledger_query query = { .to = { INT64_MAX }, .by = LEDGER_BY_POP };
    struct question *q = container_of(question, struct question, question);
    struct ledger_row row;
    struct db_rows rows;

    ledger_usage(ledger, &query, &rows);
    while (ledger_row_next(&rows, &row))
        q->hits += row.added[USAGE_HIT];
    return db_end(&rows, why);
}

static void on_done(struct accounts_question *question)
{
    container_of(question, struct question, question)->is_done = true;
}

static void a_question_is_answered_from_what_was_settled_before_it(void **)
{
    struct question q = { .question = { .work = count_hits, .done = on_done } };
    struct chain a = ten("nyc1");
    struct office o;

    office_init(&o);
    tell(&o, &a, 0, 10);
    assert_int_equal(accounts_ask(o.accounts, &q.question), ERR_NONE);
    assert_false(q.is_done);
    rest(&o);
    assert_true(q.is_done);
    assert_int_equal(q.question.err, ERR_NONE);
    assert_int_equal(q.hits, 10);
    chain_done(&a);
    office_done(&o);
}

static void a_question_to_a_ledger_that_cannot_be_had_says_why(void **)
{
    struct question q = { .question = { .work = count_hits, .done = on_done } };
    struct office o;

    office_init(&o);
    noise_over(o.place.path);
    assert_int_equal(accounts_ask(o.accounts, &q.question), ERR_NONE);
    rest(&o);
    assert_true(q.is_done);
    assert_int_equal(q.question.err, ERR_PARSE);
    assert_true(q.question.why.text[0] != '\0');
    office_done(&o);
}

static void too_many_questions_are_refused_at_once(void **)
{
    struct question q[ACCOUNTS_QUESTIONS_MAX + 1];
    struct office o;

    office_init(&o);
    for (size_t i = 0; i <= ACCOUNTS_QUESTIONS_MAX; i++) {
        q[i] = (struct question){ .question = { .work = count_hits, .done = on_done } };
        assert_int_equal(accounts_ask(o.accounts, &q[i].question),
            i < ACCOUNTS_QUESTIONS_MAX ? ERR_NONE : ERR_LIMIT);
    }
    rest(&o);
    assert_true(q[ACCOUNTS_QUESTIONS_MAX - 1].is_done);
    assert_false(q[ACCOUNTS_QUESTIONS_MAX].is_done);
    assert_int_equal(accounts_ask(o.accounts, &q[ACCOUNTS_QUESTIONS_MAX].question), ERR_NONE);
    rest(&o);
    assert_true(q[ACCOUNTS_QUESTIONS_MAX].is_done);
    office_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_batch_is_answered_with_how_far_the_chain_is),
        cmocka_unit_test(a_refusal_is_answered_counted_and_said_aloud),
        cmocka_unit_test(a_refusal_is_said_once_while_the_chain_does_not_move),
        cmocka_unit_test(of_many_nodes_that_lie_the_last_are_known),
        cmocka_unit_test(a_node_that_tells_too_much_is_refused_for_itself),
        cmocka_unit_test(of_each_node_one_batch_waits_and_of_all_no_more_than_the_limit),
        cmocka_unit_test(a_broken_ledger_is_said_once_and_answers_nobody_until_it_is_moved_aside),
        cmocka_unit_test(a_restart_goes_on_where_the_ledger_is),
        cmocka_unit_test(a_release_that_changes_a_plan_is_written_down_and_others_are_not),
        cmocka_unit_test(terms_that_cannot_be_written_wait_in_their_order),
        cmocka_unit_test(a_question_is_answered_from_what_was_settled_before_it),
        cmocka_unit_test(a_question_to_a_ledger_that_cannot_be_had_says_why),
        cmocka_unit_test(too_many_questions_are_refused_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
