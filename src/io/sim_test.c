// SPDX-License-Identifier: Apache-2.0
#include "io/pair_test.h"
#include "io/sim.h"

enum { LONG = 200000 };

/* A connected pair in a world of that seed, on links as given. */
static struct pair *world_open(uint64_t seed, const struct sim_link *link)
{
    struct bench *b = bench_new(sim_new(seed));
    struct pair *p = mem_new(struct pair);

    sim_link_set(b->sim, NULL, NULL, link);
    pair_init(p, b);
    pair_connect(p);
    return p;
}

static bool all_heard(void *what)
{
    const struct pair *p = what;

    return p->far.in_length == p->near.out_length && p->near.in_length == p->far.out_length;
}

static bool near_is_over(void *what)
{
    const struct talker *t = what;

    return t->is_closed || t->has_ended;
}

/* Sends LONG bytes there and back; returns how long it took. */
static struct span exchange(struct pair *p)
{
    char *bytes = pattern(LONG);
    struct instant start = sim_now(p->bench->sim);

    p->far.is_echo = true;
    talker_say(&p->near, bytes, LONG);
    assert_true(bench_until(p->bench, all_heard, p, span_s(3600)));
    assert_memory_equal(p->near.in, bytes, LONG);
    mem_free(bytes);
    return instant_since(start, sim_now(p->bench->sim));
}

static uint64_t trace_of(uint64_t seed)
{
    struct sim_link rough = { .delay = span_ms(5),
        .jitter = span_ms(20),
        .loss = 0.1,
        .chunk_max = 700,
        .buffer_bytes = 5000 };
    struct pair *p = world_open(seed, &rough);

    exchange(p);
    uint64_t trace = sim_trace(p->bench->sim);

    pair_close(p);
    return trace;
}

static void the_same_seed_gives_the_same_run_and_another_another(void **)
{
    uint64_t first = trace_of(7);

    assert_true(trace_of(7) == first);
    assert_true(trace_of(8) != first);
}

static void a_rough_network_loses_no_byte_of_a_stream(void **)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        trace_of(seed);
}

static void bytes_take_as_long_as_the_link(void **)
{
    struct sim_link slow = { .delay = span_ms(40) };
    struct pair *p = world_open(1, &slow);
    struct span rtt;
    struct instant start = sim_now(p->bench->sim);

    p->far.is_echo = true;
    talker_say(&p->near, "x", 1);
    assert_true(bench_until(p->bench, all_heard, p, WITHIN));
    struct span took = instant_since(start, sim_now(p->bench->sim));

    assert_true(took.ns >= span_ms(80).ns && took.ns < span_ms(81).ns);
    assert_int_equal(stream_rtt(p->near.stream, &rtt), ERR_NONE);
    assert_true(rtt.ns == span_ms(80).ns);
    pair_close(p);
}

static void a_narrow_link_takes_its_time_for_each_byte(void **)
{
    struct sim_link narrow = { .bytes_per_s = LONG / 4 };
    struct pair *p = world_open(1, &narrow);
    struct span took = exchange(p); // both ways share the one path

    assert_true(took.ns > span_ms(7900).ns && took.ns < span_ms(8500).ns);
    pair_close(p);
}

static void small_buffers_make_sends_partial(void **)
{
    struct sim_link small = { .delay = span_ms(1), .buffer_bytes = 1000 };
    struct pair *p = world_open(1, &small);

    p->far.pauses = p->far.takes_nothing = true;
    char *bytes = pattern(LONG);

    talker_say(&p->near, bytes, LONG);
    bench_settle(p->bench);
    assert_true(p->near.out_at <= 2000); // what was read once, and the buffer
    p->far.pauses = p->far.takes_nothing = false;
    stream_resume(p->far.stream);
    assert_true(bench_until(p->bench, all_heard, p, span_s(3600)));
    assert_true(p->far.offered <= 1000);
    pair_close(p);
    mem_free(bytes);
}

static void in_the_dark_nothing_comes_and_with_light_a_stream_goes_on(void **)
{
    struct sim_link clear = { .delay = span_ms(1) }, dark = { .is_dark = true };
    struct pair *p = world_open(1, &clear);
    struct ip from = bench_ip(0), to = bench_ip(1);

    sim_link_set(p->bench->sim, &from, &to, &dark);
    talker_say(&p->near, "into the night", 14);
    bench_settle(p->bench);
    assert_int_equal(p->far.in_length, 0);
    talker_say(&p->far, "the other way is open", 21);
    bench_settle(p->bench);
    assert_int_equal(p->near.in_length, 21);
    sim_link_set(p->bench->sim, &from, &to, &clear);
    assert_true(bench_until(p->bench, all_heard, p, WITHIN));
    assert_memory_equal(p->far.in, "into the night", 14);
    pair_close(p);
}

static void a_link_resets_connections_after_so_many_bytes(void **)
{
    struct sim_link brittle = { .delay = span_ms(1), .reset_after = 1234 };
    struct pair *p = world_open(1, &brittle);
    char *bytes = pattern(LONG);

    talker_say(&p->near, bytes, LONG);
    assert_true(bench_until(p->bench, near_is_over, &p->near, WITHIN));
    assert_true(bench_until(p->bench, near_is_over, &p->far, WITHIN));
    assert_int_equal(p->near.why, ERR_RESET);
    assert_int_equal(p->far.why, ERR_RESET);
    assert_int_equal(p->far.in_length, 1234);
    pair_close(p);
    mem_free(bytes);
}

static void a_link_may_refuse_and_a_dark_one_never_answers(void **)
{
    struct sim_link clear = { 0 }, refuses = { .refuses = true }, dark = { .is_dark = true };
    struct pair *p = world_open(1, &clear);
    struct endpoint at = listener_at(p->host.listener);
    struct talker t;

    talker_init(&t);
    sim_link_set(p->bench->sim, NULL, NULL, &refuses);
    t.stream = stream_connect(p->bench->loop, &at, &t.user);
    assert_true(bench_until(p->bench, near_is_over, &t, WITHIN));
    assert_int_equal(t.why, ERR_REFUSED);
    talker_init(&t);
    sim_link_set(p->bench->sim, NULL, NULL, &dark);
    t.stream = stream_connect(p->bench->loop, &at, &t.user);
    assert_false(bench_until(p->bench, near_is_over, &t, span_s(3600)));
    assert_int_equal(t.calls, 0);
    pair_close(p);
}

struct post {
    struct datagram_user user;
    struct datagram_socket *socket;
    size_t came, late; // late: after a higher number
    unsigned highest;
};

static void on_batch(struct datagram_user *user, struct datagram *batch, size_t count)
{
    struct post *p = container_of(user, struct post, user);

    for (size_t i = 0; i < count; i++) {
        unsigned number;

        memcpy(&number, batch[i].in.at, sizeof number);
        p->late += number < p->highest;
        p->highest = number > p->highest ? number : p->highest;
    }
    p->came += count;
}

static void datagrams_are_lost_doubled_and_overtaken_as_the_link_says(void **)
{
    struct sim_link link = { 0 };
    struct pair *p = world_open(1, &link);
    struct endpoint at = { bench_ip(1), 53 }, from = { bench_ip(0), 0 };
    struct post server = { .user = { on_batch } }, client = server;

    assert_int_equal(
        datagram_open(p->bench->loops[1], &at, &server.user, &server.socket), ERR_NONE);
    assert_int_equal(datagram_open(p->bench->loop, &from, &client.user, &client.socket), ERR_NONE);
    for (int round = 0; round < 3; round++) {
        server.came = server.late = server.highest = 0;
        link = (struct sim_link){ .loss = round == 1 ? 0.25 : 0,
            .duplicate = round == 1 ? 0.5 : 0,
            .jitter = span_ms(round == 2 ? 5 : 0) };
        sim_link_set(p->bench->sim, NULL, NULL, &link);
        for (unsigned i = 0; i < 1000; i++)
            datagram_send(client.socket, &at, slice_of(&i, sizeof i));
        bench_settle(p->bench);
        if (round == 0)
            assert_true(server.came == 1000 && server.late == 0);
        else if (round == 1)
            assert_true(server.came > 1150 && server.came < 1350); // 750 and 500
        else
            assert_true(server.came == 1000 && server.late > 500);
    }
    pair_close(p);
}

static void post_open(struct post *p, struct loop *loop, const struct endpoint *at)
{
    *p = (struct post){ .user = { on_batch } };
    assert_int_equal(datagram_open(loop, at, &p->user, &p->socket), ERR_NONE);
}

static void sockets_at_one_address_share_by_the_peer(void **)
{
    struct sim_link link = { 0 };
    struct pair *p = world_open(1, &link);
    struct endpoint at = { bench_ip(1), 53 }, from = { bench_ip(0), 0 };
    struct post servers[2], clients[20];
    unsigned number = 0;

    for (int i = 0; i < 2; i++)
        post_open(&servers[i], p->bench->loops[1 + i], &at);
    for (int i = 0; i < 20; i++) {
        size_t before = servers[0].came;

        post_open(&clients[i], p->bench->loop, &from);
        for (int j = 0; j < 10; j++)
            datagram_send(clients[i].socket, &at, slice_of(&number, sizeof number));
        bench_settle(p->bench);
        assert_true(servers[0].came == before || servers[0].came == before + 10);
    }
    assert_true(servers[0].came > 0 && servers[1].came > 0);
    assert_int_equal(servers[0].came + servers[1].came, 200);
    pair_close(p);
}

struct restless {
    struct loop_message message;
    struct loop *loop;
    unsigned turns;
};

static void post_again(struct loop_message *message)
{
    struct restless *r = container_of(message, struct restless, message);

    r->turns++;
    loop_post(r->loop, message);
}

static void an_idle_world_skips_time_and_a_busy_one_spends_it(void **)
{
    struct sim_link link = { 0 };
    struct pair *p = world_open(1, &link);
    uint64_t turns = loop_counts(p->bench->loop)->turns.total;
    struct restless r = { { .run = post_again }, p->bench->loop, 0 };

    sim_run_for(p->bench->sim, span_s(86400));
    assert_true(loop_counts(p->bench->loop)->turns.total <= turns + 1);
    loop_post(r.loop, &r.message);
    sim_run_for(p->bench->sim, span_ms(10));
    assert_true(r.turns > 400 && r.turns <= 10000);
    pair_close(p);
}

static void utc_can_be_stepped_and_the_monotonic_clock_not(void **)
{
    struct sim_link link = { 0 };
    struct pair *p = world_open(1, &link);
    struct instant now;
    struct wall wall;

    loop_turn(p->bench->loop, (struct span){ 0 });
    now = loop_now(p->bench->loop);
    wall = loop_wall(p->bench->loop);
    sim_wall_step(p->bench->sim, span_s(-3600));
    loop_turn(p->bench->loop, (struct span){ 0 });
    assert_true(loop_now(p->bench->loop).ns == now.ns);
    assert_true(loop_wall(p->bench->loop).ms == wall.ms - 3600000);
    pair_close(p);
}

static void the_clock_of_one_machine_can_be_set_apart(void **)
{
    struct sim_link link = { 0 };
    struct pair *p = world_open(1, &link);

    sim_kernel_wall_step(p->bench->kernels[1], span_s(3600));
    for (size_t i = 0; i < 2; i++)
        loop_turn(p->bench->loops[i], (struct span){ 0 });
    assert_true(loop_wall(p->bench->loops[1]).ms == loop_wall(p->bench->loops[0]).ms + 3600000);
    assert_true(loop_now(p->bench->loops[1]).ns == loop_now(p->bench->loops[0]).ns);
    pair_close(p);
}

static void a_stopped_loop_is_turned_no_more(void **)
{
    struct sim_link link = { 0 };
    struct pair *p = world_open(1, &link);

    loop_stop(p->bench->loops[1]);
    talker_say(&p->near, "anybody?", 8);
    sim_run_for(p->bench->sim, span_s(1));
    assert_int_equal(p->far.in_length, 0);
    pair_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_run_and_another_another),
        cmocka_unit_test(a_rough_network_loses_no_byte_of_a_stream),
        cmocka_unit_test(bytes_take_as_long_as_the_link),
        cmocka_unit_test(a_narrow_link_takes_its_time_for_each_byte),
        cmocka_unit_test(small_buffers_make_sends_partial),
        cmocka_unit_test(in_the_dark_nothing_comes_and_with_light_a_stream_goes_on),
        cmocka_unit_test(a_link_resets_connections_after_so_many_bytes),
        cmocka_unit_test(a_link_may_refuse_and_a_dark_one_never_answers),
        cmocka_unit_test(datagrams_are_lost_doubled_and_overtaken_as_the_link_says),
        cmocka_unit_test(sockets_at_one_address_share_by_the_peer),
        cmocka_unit_test(an_idle_world_skips_time_and_a_busy_one_spends_it),
        cmocka_unit_test(utc_can_be_stepped_and_the_monotonic_clock_not),
        cmocka_unit_test(the_clock_of_one_machine_can_be_set_apart),
        cmocka_unit_test(a_stopped_loop_is_turned_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
