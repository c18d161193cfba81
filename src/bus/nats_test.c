// SPDX-License-Identifier: Apache-2.0
/* What NATS adds: servers that are away, hang, come back, or refuse; other networks; strangers. */
#include "bus/world_test.h"

/* A call that waited for the server would take its write deadline of 200 ms, or seconds. */
enum { WAITED_US = 190000 };

/* Longer than it takes to notice and to come back, on a slow machine. */
#define SOON span_s(6)

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool is_lost_now(void *what)
{
    const struct told_node *node = what;

    return node->lost_count > 0 && !bus_is_linked(node->bus);
}

/* For how long this thread could have run so far, but others did: no wait of its own. Where the
 * kernel does not tell, 0. */
static int64_t kept_from_running_us(void)
{
    unsigned long long ran, was_ready = 0;
    FILE *file = fopen("/proc/thread-self/schedstat", "r");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &ran, &was_ready) != 2)
        was_ready = 0;
    fclose(file);
    return (int64_t)(was_ready / 1000);
}

/* Publishes without end for so long while the loops turn; returns for how long the slowest call
 * waited. */
static int64_t publish_for(struct world *w, struct told_node *node, int64_t time_us)
{
    static const char PAYLOAD[100000];
    int64_t begin = now_us(), worst = 0;

    while (now_us() - begin < time_us) {
        int64_t kept = kept_from_running_us(), before = now_us();

        bus_publish(node->bus, BUS_REPORTS, slice_of(PAYLOAD, sizeof PAYLOAD));
        int64_t took = now_us() - before;
        int64_t waited = took - (kept_from_running_us() - kept);

        worst = waited > worst ? waited : worst;
        bench_until(w->bench, bench_never, NULL, span_ms(2));
    }
    return worst;
}

static size_t hello_count(const struct told_node *node)
{
    size_t count = 0;

    for (size_t i = 0; i < node->heard_count; i++)
        count += strcmp(node->heard[i].text, "hello") == 0;
    return count;
}

static bool has_heard_hello(void *what)
{
    return hello_count(what) > 0;
}

/* What was said before may be on its way still: it comes first. */
static void assert_they_talk(struct world *w, struct told_node *a, struct told_node *b)
{
    a->heard_count = b->heard_count = 0;
    say(a, BUS_REPORTS, "hello");
    world_until(w, has_heard_hello, b);
    world_settle(w);
    assert_int_equal(hello_count(b), 1);
    assert_heard(b, b->heard_count - 1, BUS_REPORTS, "a", "hello");
    say(b, BUS_HEARTBEATS, "hello to you");
    world_hear(w, a, 1);
}

static void nodes_start_without_a_server_and_talk_when_it_comes(void **)
{
    struct world *w = world_new(NATS_REAL);

    server_kill(&w->server);
    struct told_node *a = world_open_node(w, 0, "example", "a");
    struct told_node *b = world_open_node(w, 1, "example", "b");

    world_until(w, is_lost_now, a);
    assert_non_null(strstr(a->why, "127.0.0.1:")); // which server, and what about it
    assert_true(publish_for(w, a, 1500000) < WAITED_US);
    assert_int_equal(a->lost_count, 1);
    assert_int_equal(counter_read(&bus_counts(a->bus)->cut), 0); // there was no way to lose
    server_start(&w->server, "");
    assert_true(bench_until(w->bench, is_linked_now, a, SOON));
    assert_true(bench_until(w->bench, is_linked_now, b, SOON));
    assert_they_talk(w, a, b);
    assert_int_equal(a->linked_count, 1);
    world_free(w);
}

static void of_what_waited_for_the_way_the_newest_of_each_lane_goes(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct told_node *b = world_node(w, 1, "b");

    server_signal(&w->server, SIGSTOP);
    struct told_node *a = world_open_node(w, 0, "example", "a");
    char text[24];

    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "%d", i);
        say(a, i % 2 == 0 ? BUS_REPORTS : BUS_HEARTBEATS, text);
    }
    server_signal(&w->server, SIGCONT);
    world_hear(w, b, 2);
    world_settle(w);
    assert_int_equal(b->heard_count, 2);
    assert_heard(b, 0, BUS_REPORTS, "a", "8");
    assert_heard(b, 1, BUS_HEARTBEATS, "a", "9");
    say(a, BUS_REPORTS, "and so on");
    world_hear(w, b, 3);
    assert_int_equal(counter_read(&bus_counts(a->bus)->full_out), 8);
    world_free(w);
}

static void a_server_that_died_is_told_once_and_found_again(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");

    for (unsigned round = 1; round <= 2; round++) {
        server_kill(&w->server);
        assert_true(publish_for(w, a, 1000000) < WAITED_US);
        world_until(w, is_lost_now, a);
        world_until(w, is_lost_now, b);
        assert_int_equal(a->lost_count, round);
        server_start(&w->server, "");
        int64_t back = now_us();

        assert_true(bench_until(w->bench, is_linked_now, a, SOON));
        assert_true(bench_until(w->bench, is_linked_now, b, SOON));
        print_message("# found again after %d ms\n", (int)((now_us() - back) / 1000));
        assert_they_talk(w, a, b);
        assert_int_equal(a->linked_count, round + 1);
        assert_int_equal(counter_read(&bus_counts(a->bus)->cut), round);
    }
    world_free(w);
}

static void a_server_that_hangs_makes_nobody_wait(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");

    server_signal(&w->server, SIGSTOP);
    int64_t begin = now_us(), worst = publish_for(w, a, 4000000); // far more than buffers take

    print_message("# slowest publish %d us\n", (int)worst);
    assert_true(worst < WAITED_US);
    world_until(w, is_lost_now, a);
    world_until(w, is_lost_now, b); // which says nothing and hears that nothing comes
    assert_true(now_us() - begin < 6000000);
    assert_int_equal(a->lost_count, 1);
    server_signal(&w->server, SIGCONT);
    begin = now_us();
    assert_true(bench_until(w->bench, is_linked_now, a, SOON));
    assert_true(bench_until(w->bench, is_linked_now, b, SOON));
    print_message("# found again after %d ms\n", (int)((now_us() - begin) / 1000));
    assert_they_talk(w, a, b);
    world_free(w);
}

static void a_bus_goes_at_once_while_its_server_is_away(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");
    struct told_node *c;

    server_signal(&w->server, SIGSTOP);
    publish_for(w, a, 300000);
    c = world_open_node(w, 2, "example", "c"); // which waits for the server to greet it
    int64_t begin = now_us();

    node_free(a);
    node_free(c);
    int64_t took = now_us() - begin;

    print_message("# gone after %d ms\n", (int)(took / 1000));
    assert_true(took < 3000000);
    server_kill(&w->server);
    world_until(w, is_lost_now, b);
    begin = now_us();
    node_free(b);
    assert_true(now_us() - begin < 1000000);
    world_free(w);
}

static void networks_that_share_a_server_do_not_meet(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct told_node *a = world_open_node(w, 0, "example", "a");
    struct told_node *b = world_open_node(w, 1, "example.org", "b");

    world_until(w, is_linked_now, a);
    world_until(w, is_linked_now, b);
    say(a, BUS_REPORTS, "1");
    say(b, BUS_REPORTS, "2");
    world_settle(w);
    assert_int_equal(a->heard_count + b->heard_count, 0);
    assert_int_equal(counter_read(&bus_counts(a->bus)->malformed), 0);
    world_free(w);
}

struct counting {
    const struct bus *bus;
    uint64_t malformed;
};

static bool has_counted(void *what)
{
    const struct counting *c = what;

    return counter_read(&bus_counts(c->bus)->malformed) >= c->malformed;
}

static void what_no_node_would_send_is_dropped_and_counted(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct told_node *a = world_node(w, 0, "a");
    struct counting all = { a->bus, 4 };

    server_say(&w->server, "PUB waypost.example.gossip.b 2\r\nhi\r\n"
                           "PUB waypost.example.reports.%zz 2\r\nhi\r\n"
                           "PUB waypost.example.reports.a 4\r\necho\r\n" // another with our name
                           "PUB waypost.example.reports.b 4\r\ngood\r\n");
    world_hear(w, a, 1);
    assert_heard(a, 0, BUS_REPORTS, "b", "good");
    char *large = mem_alloc(BUS_PAYLOAD_MAX + 100);
    int length = snprintf(large, 100, "PUB waypost.example.reports.b %d\r\n", BUS_PAYLOAD_MAX + 1);

    memset(large + length, 'x', BUS_PAYLOAD_MAX + 1);
    memcpy(large + length + BUS_PAYLOAD_MAX + 1, "\r\n", 3);
    server_say(&w->server, large);
    world_until(w, has_counted, &all);
    assert_int_equal(counter_read(&bus_counts(a->bus)->malformed), 4);
    assert_int_equal(a->heard_count, 1);
    mem_free(large);
    world_free(w);
}

static void a_server_that_takes_less_than_we_send_is_told_by_a_counter(void **)
{
    struct world *w = world_new(NATS_REAL);

    server_kill(&w->server);
    server_start(&w->server, "max_payload: 1000");
    struct told_node *a = world_node(w, 0, "a"), *b = world_node(w, 1, "b");
    char payload[1001] = "";

    bus_publish(a->bus, BUS_REPORTS, slice_of(payload, sizeof payload));
    bus_publish(a->bus, BUS_REPORTS, slice_of(payload, sizeof payload - 1));
    world_hear(w, b, 1);
    bus_publish(a->bus, BUS_REPORTS, slice_of(payload, 1));
    world_hear(w, b, 2);
    assert_int_equal(counter_read(&bus_counts(a->bus)->too_large), 1);
    assert_int_equal(a->lost_count, 0);
    world_free(w);
}

static void one_server_of_two_is_enough(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct nats_server other;

    server_init(&other); // where nobody is
    for (unsigned i = 0; i < 4; i++) {
        struct told_node *node = &w->nodes[i];
        struct endpoint servers[2] = { server_endpoint(&w->server), server_endpoint(&other) };
        char name[2] = { (char)('a' + i), '\0' }; // each begins with another one
        struct bus_nats_plan plan = { .network = SLICE("example"),
            .node = slice_text(name),
            .servers = servers,
            .server_count = 2 };

        *node = (struct told_node){ .user.ops = &TOLD_OPS };
        assert_int_equal(
            bus_nats_open(&plan, w->bench->loops[i % BENCH_LOOPS], &node->user, &node->bus, NULL),
            ERR_NONE);
    }
    for (unsigned i = 0; i < 4; i++)
        world_until(w, is_linked_now, &w->nodes[i]);
    say(&w->nodes[0], BUS_REPORTS, "hello");
    for (unsigned i = 1; i < 4; i++)
        world_hear(w, &w->nodes[i], 1);
    world_free(w);
    server_done(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_start_without_a_server_and_talk_when_it_comes),
        cmocka_unit_test(of_what_waited_for_the_way_the_newest_of_each_lane_goes),
        cmocka_unit_test(a_server_that_died_is_told_once_and_found_again),
        cmocka_unit_test(a_server_that_hangs_makes_nobody_wait),
        cmocka_unit_test(a_bus_goes_at_once_while_its_server_is_away),
        cmocka_unit_test(networks_that_share_a_server_do_not_meet),
        cmocka_unit_test(what_no_node_would_send_is_dropped_and_counted),
        cmocka_unit_test(a_server_that_takes_less_than_we_send_is_told_by_a_counter),
        cmocka_unit_test(one_server_of_two_is_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
