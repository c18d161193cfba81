// SPDX-License-Identifier: Apache-2.0
/* What the log of NATS adds: servers that keep none, forget it, hang or die; orders of strangers.
 */
#include "bus/follower_test.h"

#define STREAM "waypost_example_orders"
#define ORDERS "waypost.example.orders"

/* Longer than it takes to notice, to come back and to begin the log again, on a slow machine. */
#define SOON span_s(12)

static struct follower A, B;
static struct world *WORLD;

static int begin(void **)
{
    WORLD = world_new(NATS_REAL);
    return 0;
}

static int end(void **)
{
    follower_close(&A);
    follower_close(&B);
    world_free(WORLD);
    return 0;
}

/* The same, followers and all, with another server or another configuration of it. */
static void restart(const char *configuration)
{
    server_kill(&WORLD->server);
    server_start(&WORLD->server, configuration);
}

static void until(bool (*is_met)(void *), void *what)
{
    assert_true(bench_until(WORLD->bench, is_met, what, SOON));
}

/* Asks the server, as an operator's tool would, and takes the text of the answer that follows
 * `word`, up to a quote. */
static void ask_server_for(const char *subject, const char *payload, const char *word, char *text)
{
    int fd = server_connect(&WORLD->server);
    char answer[16384] = "";
    size_t got = 0;

    assert_true(fd >= 0);
    dprintf(fd,
        "CONNECT {\"verbose\":false}\r\nSUB _INBOX.test 1\r\nPUB %s _INBOX.test %zu\r\n%s\r\n",
        subject, strlen(payload), payload);
    while (strstr(answer, "MSG _INBOX.test") == NULL || strstr(answer, "}\r\n") == NULL) {
        ssize_t more = read(fd, answer + got, sizeof answer - 1 - got);

        assert_true(more > 0);
        got += (size_t)more;
        answer[got] = '\0';
    }
    if (strstr(answer, "\"error\"") != NULL)
        fail_msg("%s", answer);
    const char *at = strstr(answer, word);

    assert_non_null(at);
    snprintf(text, 128, "%.*s", (int)strcspn(at + strlen(word), "\""), at + strlen(word));
    close(fd);
}

static void ask_server(const char *subject, const char *payload)
{
    char text[128];

    ask_server_for(subject, payload, "", text);
}

static void make_stream(const char *limits)
{
    char config[400];

    snprintf(config, sizeof config,
        "{\"name\":\"" STREAM "\",\"subjects\":[\"" ORDERS "\"],\"retention\":\"limits\","
        "\"storage\":\"file\",\"num_replicas\":1,%s}",
        limits);
    ask_server("$JS.API.STREAM.CREATE." STREAM, config);
}

static void start_both(void)
{
    follower_start(&A, WORLD, "a", 0, 0);
    follower_start(&B, WORLD, "b", 0, 0);
}

static bool is_parted(void *what)
{
    const struct follower *f = what;

    return f->is_behind && !bus_is_linked(f->bus);
}

static void assert_refused(unsigned id, const char *word)
{
    follower_ask(&A, id, "refused");
    const struct told_answer *answer = follower_answer(&A, WORLD);

    assert_int_not_equal(answer->err, ERR_NONE);
    if (strstr(answer->why, word) == NULL)
        fail_msg("expected \"%s\" in: %s", word, answer->why);
}

static void assert_lanes_go_on(void)
{
    struct told_node *c = world_node(WORLD, 0, "c"), *d = world_node(WORLD, 1, "d");

    say(c, BUS_REPORTS, "hello");
    world_hear(WORLD, d, 1);
    assert_int_equal(c->lost_count + d->lost_count, 0);
    assert_true(bus_is_linked(A.bus));
    assert_int_equal(counter_read(&bus_counts(A.bus)->cut), 0);
}

static void a_server_without_a_log_is_told_with_the_mend(void **)
{
    restart("");
    follower_open(&A, WORLD, 0, "a");
    follower_follow(&A, 0, 0);
    until(is_fallen_behind, &A);
    world_settle(WORLD);
    assert_refused(1, "start nats-server with -js");
    assert_lanes_go_on();
    assert_true(A.is_behind);
}

static void one_that_may_not_make_the_log_is_told_so_and_has_its_lanes(void **)
{
    char configuration[400];

    snprintf(configuration, sizeof configuration,
        "%s\nno_auth_user: node\nauthorization: {users: [{user: node, password: p, permissions: "
        "{publish: {deny: \"$JS.API.STREAM.CREATE.>\"}}}]}",
        WORLD->server.jetstream);
    restart(configuration);
    follower_open(&A, WORLD, 0, "a");
    follower_follow(&A, 0, 0);
    bench_until(WORLD->bench, bench_never, NULL, span_ms(1500)); // there is no answer to wait for
    assert_refused(1, "Permissions Violation");
    assert_non_null(strstr(A.answers[0].why, "STREAM.CREATE"));
    assert_lanes_go_on();
}

static void a_server_with_too_little_room_for_the_log_says_so(void **)
{
    char configuration[200];

    snprintf(configuration, sizeof configuration, "jetstream { store_dir: \"%s\", max_file: 1MB }",
        WORLD->server.folder);
    restart(configuration);
    follower_open(&A, WORLD, 0, "a");
    follower_follow(&A, 0, 0);
    until(is_fallen_behind, &A);
    world_settle(WORLD);
    assert_refused(1, "nsufficient storage");
}

static void a_stream_that_takes_no_more_refuses_and_says_why(void **)
{
    make_stream("\"max_msgs\":2,\"discard\":\"new\"");
    follower_start(&A, WORLD, "a", 0, 0);
    follower_give(&A, WORLD, 1, "one");
    follower_give(&A, WORLD, 2, "two");
    assert_refused(3, "maximum messages exceeded");
    world_settle(WORLD);
    assert_int_equal(A.told_count, 2);
}

static void a_stream_of_the_name_for_other_subjects_is_not_used(void **)
{
    ask_server("$JS.API.STREAM.CREATE." STREAM,
        "{\"name\":\"" STREAM "\",\"subjects\":[\"else\"],\"retention\":\"limits\","
        "\"storage\":\"file\",\"num_replicas\":1}");
    follower_open(&A, WORLD, 0, "a");
    follower_follow(&A, 0, 0);
    until(is_fallen_behind, &A);
    world_settle(WORLD);
    assert_refused(1, "does not take the subject");
}

static void orders_of_a_cut_are_told_afterwards_once_and_in_order(void **)
{
    char text[24];

    start_both();
    follower_give(&A, WORLD, 1, "1");
    follower_hear(&B, WORLD, 1);
    server_kill(&WORLD->server);
    until(is_fallen_behind, &A);
    until(is_fallen_behind, &B);
    follower_close(&B); // back only when others have ordered
    server_start(&WORLD->server, WORLD->server.jetstream);
    until(is_up_to_date, &A);
    assert_int_equal(A.behind_count - 1, 1); // at the start, and in the cut
    assert_int_equal(counter_read(&bus_counts(A.bus)->behind), 1);
    for (unsigned i = 2; i <= 40; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(follower_give(&A, WORLD, i, text), i);
    }
    uint64_t era = A.told[0].era;

    follower_start(&B, WORLD, "b", era, 1);
    follower_hear(&B, WORLD, 39);
    follower_hear(&A, WORLD, 40);
    for (unsigned i = 2; i <= 40; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_order(&B, i - 2, i, text);
        assert_order(&A, i - 1, i, text);
    }
    assert_int_equal(A.told[39].era, era);
    assert_int_equal(counter_read(&bus_counts(A.bus)->order_gaps), 0);
}

static void an_order_while_the_bus_is_away_is_refused_and_never_comes(void **)
{
    start_both();
    server_kill(&WORLD->server);
    until(is_parted, &A);
    struct instant asked = loop_now(WORLD->bench->loop);

    follower_ask(&A, 1, "never");
    until(is_counted, &(struct counted){ &A.answer_count, 1 });
    int64_t took_ns = instant_since(asked, loop_now(WORLD->bench->loop)).ns;

    assert_int_equal(A.answers[0].err, ERR_UNREACHABLE);
    assert_true(took_ns < span_ms(BUS_ORDER_WAIT_MS + 1000).ns);
    server_start(&WORLD->server, WORLD->server.jetstream);
    until(is_up_to_date, &A);
    until(is_up_to_date, &B);
    follower_give(&A, WORLD, 2, "but this");
    follower_hear(&B, WORLD, 1);
    assert_order(&B, 0, 1, "but this");
}

static void a_server_that_hangs_keeps_nobody_and_may_have_taken_the_order(void **)
{
    start_both();
    server_signal(&WORLD->server, SIGSTOP);
    assert_true(waitpid(WORLD->server.process, NULL, WUNTRACED) > 0); // all its threads stand
    struct instant asked = loop_now(WORLD->bench->loop);

    follower_ask(&A, 1, "perhaps");
    assert_true(instant_since(asked, loop_now(WORLD->bench->loop)).ns < span_ms(500).ns);
    until(is_counted, &(struct counted){ &A.answer_count, 1 });
    int64_t took_ns = instant_since(asked, loop_now(WORLD->bench->loop)).ns;

    assert_int_equal(A.answers[0].err, ERR_TIMEOUT);
    assert_non_null(strstr(A.answers[0].why, "may have"));
    assert_true(took_ns < span_ms(BUS_ORDER_WAIT_MS + 1000).ns);
    until(is_fallen_behind, &A);
    until(is_fallen_behind, &B);
    server_signal(&WORLD->server, SIGCONT);
    until(is_up_to_date, &A);
    until(is_up_to_date, &B);
    follower_give(&A, WORLD, 1, "perhaps"); // harmless: it is known by its id
    follower_give(&A, WORLD, 2, "for sure");
    follower_hear(&B, WORLD, 2);
    follower_hear(&A, WORLD, 2);
    assert_order(&B, 0, 1, "perhaps");
    assert_order(&B, 1, 2, "for sure");
}

static void a_stream_that_was_born_again_is_told_as_a_gap(void **)
{
    start_both();
    follower_give(&A, WORLD, 1, "one");
    follower_give(&A, WORLD, 2, "two");
    follower_hear(&B, WORLD, 2);
    uint64_t era = B.told[0].era;

    ask_server("$JS.API.STREAM.DELETE." STREAM, "");
    until(is_counted, &(struct counted){ &A.told_count, 3 });
    until(is_counted, &(struct counted){ &B.told_count, 3 });
    assert_int_equal(B.told[2].kind, TOLD_GAP);
    assert_int_equal(B.told[2].number, 1);
    assert_true(B.told[2].era > era);
    until(is_up_to_date, &A);
    until(is_up_to_date, &B);
    assert_int_equal(follower_give(&A, WORLD, 3, "three"), 1);
    follower_hear(&B, WORLD, 4);
    assert_order(&B, 3, 1, "three");
    assert_int_equal(B.told[3].era, B.told[2].era);
    assert_int_equal(A.answers[2].era, B.told[2].era);
}

static void what_a_log_threw_away_is_told_as_a_gap(void **)
{
    char text[24];

    make_stream("\"max_msgs\":5");
    follower_start(&A, WORLD, "a", 0, 0);
    for (unsigned i = 1; i <= 9; i++) {
        snprintf(text, sizeof text, "%u", i);
        follower_give(&A, WORLD, i, text);
    }
    follower_start(&B, WORLD, "b", A.answers[0].era, 2);
    follower_hear(&B, WORLD, 6);
    assert_int_equal(B.told[0].kind, TOLD_GAP);
    assert_int_equal(B.told[0].number, 5);
    assert_order(&B, 1, 5, "5");
    assert_order(&B, 5, 9, "9");
    follower_close(&B);
    follower_start(&B, WORLD, "b", A.answers[0].era, 4); // of which nothing is missing
    follower_hear(&B, WORLD, 5);
}

static void an_order_deleted_from_the_middle_is_told_as_a_gap(void **)
{
    follower_start(&A, WORLD, "a", 0, 0);
    follower_give(&A, WORLD, 1, "one");
    follower_give(&A, WORLD, 2, "two");
    follower_give(&A, WORLD, 3, "three");
    ask_server("$JS.API.STREAM.MSG.DELETE." STREAM, "{\"seq\":2}");
    follower_start(&B, WORLD, "b", 0, 0);
    follower_hear(&B, WORLD, 3);
    assert_order(&B, 0, 1, "one");
    assert_int_equal(B.told[1].kind, TOLD_GAP);
    assert_int_equal(B.told[1].number, 3);
    assert_order(&B, 2, 3, "three");
}

/* Copies or moves a folder of the server's. */
static void put_folder(const char *program, const char *from, const char *to)
{
    char paths[2][128];
    int status = -1;

    server_path(&WORLD->server, from, paths[0]);
    server_path(&WORLD->server, to, paths[1]);
    pid_t child = fork();

    if (child == 0) {
        execl(program, program, strcmp(program, "/bin/cp") == 0 ? "-r" : "-T", paths[0], paths[1],
            (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_log_set_back_to_a_copy_is_told_as_a_gap_back(void **)
{
    start_both();
    follower_give(&A, WORLD, 1, "one");
    follower_hear(&B, WORLD, 1);
    server_kill(&WORLD->server);
    put_folder("/bin/cp", "jetstream", "copy");
    server_start(&WORLD->server, WORLD->server.jetstream);
    until(is_fallen_behind, &A);
    until(is_up_to_date, &A);
    follower_give(&A, WORLD, 2, "lost");
    until(is_counted, &(struct counted){ &B.told_count, 2 });
    server_kill(&WORLD->server);
    put_folder("/bin/mv", "jetstream", "lost");
    put_folder("/bin/mv", "copy", "jetstream");
    server_start(&WORLD->server, WORLD->server.jetstream);
    until(is_counted, &(struct counted){ &B.told_count, 3 });
    assert_int_equal(B.told[2].kind, TOLD_GAP);
    assert_int_equal(B.told[2].number, 2);
    assert_int_equal(B.told[2].era, B.told[0].era);
    until(is_up_to_date, &A);
    assert_int_equal(follower_give(&A, WORLD, 3, "another"), 2);
    follower_hear(&B, WORLD, 4);
    assert_order(&B, 3, 2, "another");
}

static void what_strangers_put_into_the_log_has_a_number_and_is_empty(void **)
{
    static char large[BUS_ORDER_MAX + 4096];

    start_both();
    follower_give(&A, WORLD, 1, "one");
    server_say(&WORLD->server, "PUB " ORDERS " 5\r\nhello\r\n");
    server_say(&WORLD->server, "PUB " ORDERS " 0\r\n\r\n");
    size_t at = (size_t)sprintf(large, "PUB " ORDERS " %d\r\n", BUS_ORDER_MAX + 2000);

    memset(large + at, 'x', BUS_ORDER_MAX + 2000);
    sprintf(large + at + BUS_ORDER_MAX + 2000, "\r\n");
    server_say(&WORLD->server, large); // which the server does not take
    assert_int_equal(follower_give(&A, WORLD, 2, "two"), 4);
    follower_hear(&B, WORLD, 4);
    assert_order(&B, 0, 1, "one");
    assert_order(&B, 1, 2, "");
    assert_order(&B, 2, 3, "");
    assert_order(&B, 3, 4, "two");
    assert_int_equal(counter_read(&bus_counts(B.bus)->orders_foreign), 2);
    assert_int_equal(counter_read(&bus_counts(B.bus)->orders_told), 2);
}

static void what_does_not_come_from_the_stream_is_no_order(void **)
{
    char inbox[128], lie[400];

    follower_start(&A, WORLD, "a", 0, 0);
    follower_give(&A, WORLD, 1, "one");
    follower_hear(&A, WORLD, 1);
    ask_server_for("$JS.API.CONSUMER.LIST." STREAM, "", "\"deliver_subject\":\"", inbox);
    snprintf(lie, sizeof lie, "PUB %s $JS.ACK." STREAM ".x.1.1.2.0.0 3\r\nlie\r\n", inbox);
    server_say(&WORLD->server, lie);
    snprintf(lie, sizeof lie, "PUB %s 3\r\nlie\r\n", inbox); // of no stream
    server_say(&WORLD->server, lie);
    follower_give(&A, WORLD, 2, "two");
    follower_hear(&A, WORLD, 2);
    assert_order(&A, 0, 1, "one");
    assert_order(&A, 1, 2, "two");
    // Servers of today let nobody else answer for a stream.
    assert_in_range(counter_read(&bus_counts(A.bus)->malformed), 1, 2);
}

static void a_restart_brings_nothing_twice(void **)
{
    start_both();
    for (unsigned i = 1; i <= 3; i++) {
        until(is_up_to_date, &A);
        until(is_up_to_date, &B);
        assert_int_equal(follower_give(&A, WORLD, i, "one more"), i);
        follower_hear(&B, WORLD, i);
        restart(WORLD->server.jetstream); // which forgets consumers
        until(is_fallen_behind, &A);
        until(is_fallen_behind, &B);
    }
    until(is_up_to_date, &A);
    until(is_up_to_date, &B);
    follower_hear(&A, WORLD, 3);
    follower_hear(&B, WORLD, 3);
}

static void a_long_log_comes_whole_to_a_loop_that_is_slow(void **)
{
    enum { LONG = 3000 };

    follower_start(&A, WORLD, "a", 0, 0);
    for (unsigned i = 1; i <= LONG;) {
        unsigned before = i;

        A.answer_count = 0;
        for (; i < before + 50; i++)
            follower_ask(&A, i, "one of many");
        until(is_counted, &(struct counted){ &A.answer_count, 50 });
    }
    follower_open(&B, WORLD, 1, "b");
    follower_follow(&B, 0, 0);
    for (unsigned turn = 0; turn < 200 && B.told_count < LONG; turn++) {
        sleep_ms(5);
        size_t before = B.told_count;

        loop_turn(WORLD->bench->loops[1], span_ms(0));
        assert_in_range(B.told_count - before, 0, 16); // a turn does not get longer
        assert_true(B.is_behind || turn < 2 || B.told_count == LONG);
    }
    until(is_up_to_date, &B);
    follower_hear(&B, WORLD, LONG);
    for (unsigned i = 0; i < LONG; i++)
        assert_int_equal(B.told[i].number, i + 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_server_without_a_log_is_told_with_the_mend),
        CASE(one_that_may_not_make_the_log_is_told_so_and_has_its_lanes),
        CASE(a_server_with_too_little_room_for_the_log_says_so),
        CASE(a_stream_that_takes_no_more_refuses_and_says_why),
        CASE(a_stream_of_the_name_for_other_subjects_is_not_used),
        CASE(orders_of_a_cut_are_told_afterwards_once_and_in_order),
        CASE(an_order_while_the_bus_is_away_is_refused_and_never_comes),
        CASE(a_server_that_hangs_keeps_nobody_and_may_have_taken_the_order),
        CASE(a_stream_that_was_born_again_is_told_as_a_gap),
        CASE(what_a_log_threw_away_is_told_as_a_gap),
        CASE(an_order_deleted_from_the_middle_is_told_as_a_gap),
        CASE(a_log_set_back_to_a_copy_is_told_as_a_gap_back),
        CASE(what_strangers_put_into_the_log_has_a_number_and_is_empty),
        CASE(what_does_not_come_from_the_stream_is_no_order),
        CASE(a_restart_brings_nothing_twice),
        CASE(a_long_log_comes_whole_to_a_loop_that_is_slow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
