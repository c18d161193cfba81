// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/pair_test.h"
#include "io/stream.h"

enum { BIG = 5 * 1024 * 1024, HUGE_BODY = 8 * BIG };

struct heard {
    const struct talker *talker;
    size_t length;
};

static bool has_heard(void *what)
{
    const struct heard *h = what;

    return h->talker->in_length >= h->length;
}

static void expect(struct pair *p, const struct talker *talker, const char *bytes, size_t length)
{
    struct heard heard = { talker, length };

    assert_true(bench_until(p->bench, has_heard, &heard, WITHIN));
    assert_int_equal(talker->in_length, length);
    assert_memory_equal(talker->in, bytes, length);
}

static bool is_over(void *what)
{
    const struct talker *t = what;

    return t->is_closed || t->has_ended;
}

static void what_is_sent_comes_and_comes_back(void **state)
{
    struct pair *p = pair_open(state);

    p->far.is_echo = true;
    talker_say(&p->near, "hello", 5);
    expect(p, &p->far, "hello", 5);
    expect(p, &p->near, "hello", 5);
    assert_true(stream_is_idle(p->near.stream));
    pair_close(p);
}

static void a_large_body_comes_whole_both_ways(void **state)
{
    struct pair *p = pair_open(state);
    char *bytes = pattern(BIG);

    p->far.is_echo = true;
    p->near.out_max = 300000; // several pulls a turn
    talker_say(&p->near, bytes, BIG);
    expect(p, &p->far, bytes, BIG);
    expect(p, &p->near, bytes, BIG);
    assert_int_equal(p->near.out_at, BIG);
    assert_true(loop_counts(p->bench->loop)->bytes_out.total == BIG);
    assert_true(loop_counts(p->bench->loop)->bytes_in.total == BIG);
    pair_close(p);
    mem_free(bytes);
}

static void what_is_not_taken_comes_again_before_the_rest(void **state)
{
    struct pair *p = pair_open(state);

    p->far.takes_nothing = true;
    talker_say(&p->near, "par", 3);
    bench_settle(p->bench);
    assert_int_equal(p->far.in_length, 0);
    assert_false(stream_is_idle(p->far.stream));
    p->far.takes_nothing = false;
    talker_say(&p->near, "tial", 4);
    expect(p, &p->far, "partial", 7);
    assert_int_equal(p->far.offered, 7);
    pair_close(p);
}

static void untaken_input_up_to_the_limit_closes_the_stream(void **state)
{
    struct pair *p = pair_open(state);
    char *bytes = pattern(STREAM_KEEP_MAX);

    p->far.takes_nothing = true;
    talker_say(&p->near, bytes, STREAM_KEEP_MAX - 1);
    bench_settle(p->bench);
    assert_false(p->far.is_closed);
    assert_int_equal(p->far.offered, STREAM_KEEP_MAX - 1);
    talker_say(&p->near, bytes, 1);
    assert_true(bench_until(p->bench, is_over, &p->far, WITHIN));
    assert_int_equal(p->far.why, ERR_LIMIT);
    assert_int_equal(loop_counts(p->bench->loops[1])->input_full.total, 1);
    assert_true(bench_until(p->bench, is_over, &p->near, WITHIN));
    assert_int_equal(p->near.why, ERR_RESET);
    pair_close(p);
    mem_free(bytes);
}

static void a_paused_stream_hears_nothing_until_resumed(void **state)
{
    struct pair *p = pair_open(state);

    p->far.pauses = true;
    p->far.take_max = 2;
    talker_say(&p->near, "abcd", 4);
    bench_settle(p->bench);
    size_t first = p->far.in_length; // 1 where the network cut it

    assert_true(first <= 2);
    talker_say(&p->near, "ef", 2);
    bench_settle(p->bench);
    assert_int_equal(p->far.in_length, first);
    p->far.pauses = false;
    p->far.take_max = 0;
    stream_resume(p->far.stream);
    assert_int_equal(p->far.in_length, first); // never at once
    expect(p, &p->far, "abcdef", 6);
    pair_close(p);
}

static void resumed_without_new_bytes_the_kept_ones_come(void **state)
{
    struct pair *p = pair_open(state);

    p->far.pauses = p->far.takes_nothing = true;
    talker_say(&p->near, "kept", 4);
    bench_settle(p->bench);
    p->far.pauses = p->far.takes_nothing = false;
    stream_resume(p->far.stream);
    expect(p, &p->far, "kept", 4);
    pair_close(p);
}

static void pause_in_the_call(struct talker *t)
{
    stream_pause(t->stream);
    stream_resume(t->stream);
    stream_pause(t->stream);
}

static void a_slow_reader_holds_the_writer_not_memory(void **state)
{
    struct pair *p = pair_open(state);
    char *bytes = pattern(HUGE_BODY);

    p->far.heard = pause_in_the_call;
    talker_say(&p->near, bytes, HUGE_BODY);
    bench_settle(p->bench);
    size_t went = p->near.out_at;

    assert_true(went < HUGE_BODY);
    assert_true(p->far.in_length <= STREAM_READ_MAX);
    bench_settle(p->bench);
    assert_int_equal(p->near.out_at, went); // the kernels' buffers are full, and that is all
    p->far.heard = NULL;
    stream_resume(p->far.stream);
    expect(p, &p->far, bytes, HUGE_BODY);
    pair_close(p);
    mem_free(bytes);
}

static void finishing_sends_all_and_then_the_end(void **state)
{
    struct pair *p = pair_open(state);
    char *bytes = pattern(BIG);

    p->far.finishes_at_end = true;
    talker_say(&p->near, bytes, BIG);
    stream_finish(p->near.stream);
    assert_true(bench_until(p->bench, is_over, &p->far, WITHIN));
    assert_true(p->far.has_ended);
    expect(p, &p->far, bytes, BIG);
    assert_true(bench_until(p->bench, is_over, &p->near, WITHIN));
    assert_true(p->near.has_ended && !p->near.is_closed);
    assert_false(stream_is_idle(p->near.stream));
    pair_close(p);
    mem_free(bytes);
}

static void after_the_others_end_one_can_still_send(void **state)
{
    struct pair *p = pair_open(state);

    stream_finish(p->near.stream);
    assert_true(bench_until(p->bench, is_over, &p->far, WITHIN));
    talker_say(&p->far, "late", 4);
    expect(p, &p->near, "late", 4);
    pair_close(p);
}

static void a_reset_is_an_error_and_a_close_an_end(void **state)
{
    struct pair *p = pair_open(state);

    p->far.has_left = true;
    stream_close(p->far.stream, true);
    stream_close(p->far.stream, false); // once is enough
    assert_true(bench_until(p->bench, is_over, &p->near, WITHIN));
    assert_true(p->near.is_closed && !p->near.has_ended);
    assert_int_equal(p->near.why, ERR_RESET);
    pair_close(p);

    p = pair_open(state);
    stream_close(p->far.stream, false);
    assert_true(bench_until(p->bench, is_over, &p->near, WITHIN));
    assert_true(p->near.has_ended && !p->near.is_closed);
    pair_close(p);
}

static void what_came_before_a_failed_send_is_still_heard(void **state)
{
    struct pair *p = pair_open(state);
    char *bytes = pattern(BIG);

    // The far side refuses early, answers and leaves, while the near one is still sending.
    p->far.pauses = p->far.takes_nothing = true;
    talker_say(&p->near, bytes, BIG);
    bench_settle(p->bench);
    talker_say(&p->far, "413", 3);
    bench_settle(p->bench);
    assert_int_equal(p->near.in_length, 3);
    stream_close(p->far.stream, false);
    assert_true(bench_until(p->bench, is_over, &p->near, WITHIN));
    assert_memory_equal(p->near.in, "413", 3);
    assert_true(p->near.is_closed);
    assert_int_equal(p->near.why, ERR_RESET);
    pair_close(p);
    mem_free(bytes);
}

static void each_call_may_close_the_stream_it_is_about(void **state)
{
    for (enum call call = CALL_OPEN; call <= CALL_CLOSED; call++) {
        struct pair *p = mem_new(struct pair);
        struct bench *b = bench_open(state);
        struct endpoint at;

        pair_init(p, b);
        at = listener_at(p->host.listener);
        p->far.is_echo = true;
        p->far.close_in = call == CALL_OPEN ? CALL_DATA : call;
        p->near.close_in = call == CALL_OPEN ? CALL_OPEN : 0;
        p->near.stream = stream_connect(b->loop, &at, &p->near.user);
        talker_say(&p->near, "bytes", 5);
        p->far.finishes_at_end = call == CALL_FINISHED;
        if (call == CALL_END || call == CALL_FINISHED)
            stream_finish(p->near.stream);
        bench_settle(b);
        if (call == CALL_CLOSED) {
            stream_close(p->near.stream, true);
            bench_settle(b);
        }
        if (call != CALL_OPEN)
            assert_true(p->far.has_left);
        else
            assert_true(p->near.has_left);
        assert_int_equal(p->near.calls_after_close + p->far.calls_after_close, 0);
        pair_close(p);
    }
}

static void a_refused_connection_is_told_later(void **state)
{
    struct bench *b = bench_open(state);
    struct host host;
    struct talker t;

    talker_init(&t);
    host_open(&host, b->loop, 0, NULL, 0);
    struct endpoint at = listener_at(host.listener);

    listener_close(host.listener);
    t.stream = stream_connect(b->loop, &at, &t.user);
    assert_int_equal(t.calls, 0);
    assert_true(bench_until(b, is_over, &t, WITHIN));
    assert_int_equal(t.why, ERR_REFUSED);
    assert_int_equal(t.calls, 1);

    talker_init(&t);
    at.ip.family = IP_V6; // no route from here: refused by our own side, and told later too
    memset(at.ip.bytes, 0xfd, sizeof at.ip.bytes);
    t.stream = stream_connect(b->loop, &at, &t.user);
    assert_int_equal(t.calls, 0);
    assert_true(bench_until(b, is_over, &t, WITHIN));
    assert_true(t.why != ERR_NONE);
    bench_close(b);
}

static void ten_thousand_small_messages_keep_their_order(void **state)
{
    enum { MESSAGES = 10000, LENGTH = 9, ALL = MESSAGES * LENGTH };
    struct pair *p = pair_open(state);
    char *bytes = pattern(ALL);

    for (size_t i = 0; i < MESSAGES; i++) {
        p->near.out = bytes;
        p->near.out_length = (i + 1) * (size_t)LENGTH;
        stream_ready(p->near.stream);
        loop_turn(p->bench->loop, (struct span){ 0 });
    }
    expect(p, &p->far, bytes, ALL);
    pair_close(p);
    mem_free(bytes);
}

static void a_stream_moves_from_one_loop_to_another(void **state)
{
    struct pair *p = pair_open(state);
    struct talker heir;

    p->far.is_echo = true;
    talker_init(&heir);
    talker_say(&p->near, "one", 3);
    expect(p, &p->near, "one", 3);
    assert_true(stream_is_idle(p->near.stream));
    p->far.is_echo = false;
    stream_detach(p->near.stream);
    unsigned calls = p->near.calls;

    talker_say(&p->far, "onetwo", 6);
    p->far.out_at = 3;
    bench_settle(p->bench);
    assert_int_equal(p->near.calls, calls);
    heir.stream = p->near.stream;
    stream_attach(heir.stream, p->bench->loops[2], &heir.user);
    assert_ptr_equal(stream_loop(heir.stream), p->bench->loops[2]);
    expect(p, &heir, "two", 3);
    talker_say(&heir, "three", 5);
    expect(p, &p->far, "onethree", 8);
    assert_int_equal(p->near.calls, calls);
    pair_close(p);
    talker_done(&heir);
}

static void detach_now(struct talker *t)
{
    stream_detach(t->stream);
}

static void a_stream_may_be_detached_in_its_own_call_and_discarded(void **state)
{
    struct pair *p = pair_open(state);

    p->far.heard = detach_now;
    talker_say(&p->near, "last", 4);
    expect(p, &p->far, "last", 4);
    assert_null(stream_loop(p->far.stream));
    stream_discard(p->far.stream);
    assert_true(bench_until(p->bench, is_over, &p->near, WITHIN));
    assert_true(p->near.has_ended);
    pair_close(p);
}

static void an_end_that_came_while_detached_is_told_after_attaching(void **state)
{
    struct pair *p = pair_open(state);

    stream_detach(p->near.stream);
    stream_close(p->far.stream, false);
    bench_settle(p->bench);
    stream_attach(p->near.stream, p->bench->loops[2], &p->near.user);
    assert_false(p->near.has_ended);
    assert_true(bench_until(p->bench, is_over, &p->near, WITHIN));
    assert_true(p->near.has_ended);
    pair_close(p);
}

static void connections_outlive_their_listener(void **state)
{
    struct pair *p = pair_open(state);

    listener_close(p->host.listener);
    listener_close(NULL);
    bench_settle(p->bench);
    p->far.is_echo = true;
    talker_say(&p->near, "still here", 10);
    expect(p, &p->near, "still here", 10);
    pair_close(p);
}

static void a_listener_may_turn_a_connection_away(void **state)
{
    struct pair *p = pair_open(state);
    struct endpoint at = listener_at(p->host.listener);
    struct talker second;

    talker_init(&second);
    second.stream = stream_connect(p->bench->loop, &at, &second.user);
    assert_true(bench_until(p->bench, is_over, &second, WITHIN));
    assert_int_equal(p->host.count, 1);
    assert_int_equal(loop_counts(p->bench->loops[1])->accepted.total, 2);
    pair_close(p);
}

static void who_connects_is_known_by_address(void **state)
{
    struct pair *p = pair_open(state);
    struct endpoint at = listener_at(p->host.listener), near = stream_peer(p->near.stream);
    struct endpoint far = stream_peer(p->far.stream);
    uint32_t user;

    assert_int_equal(stream_peer_user(p->near.stream, &user), ERR_UNSUPPORTED);

    assert_true(endpoint_equal(&near, &at));
    assert_true(far.ip.family == IP_V4 && far.ip.bytes[0] == 127 && far.port != 0);
    pair_close(p);
}

static void loopback_has_a_round_trip_time(void **state)
{
    struct pair *p = pair_open(state);
    struct sim_link link = { .delay = span_ms(3) };
    struct span rtt;

    if (p->bench->sim != NULL)
        sim_link_set(p->bench->sim, NULL, NULL, &link);
    assert_int_equal(stream_rtt(p->far.stream, &rtt), ERR_NONE);
    assert_true(rtt.ns > 0 && rtt.ns < span_s(1).ns);
    pair_close(p);
}

static bool is_all_taken(void *what)
{
    struct pair *p = what;
    size_t untaken = 1;

    assert_int_equal(stream_untaken(p->near.stream, &untaken), ERR_NONE);
    return p->far.in_length == p->near.out_length && untaken == 0;
}

static void what_the_other_side_has_not_taken_is_known(void **state)
{
    enum { LENGTH = 16 << 20 };
    struct pair *p = pair_open(state);
    char *bytes = pattern(LENGTH);
    size_t untaken = 0;

    stream_pause(p->far.stream);
    talker_say(&p->near, bytes, LENGTH);
    bench_settle(p->bench);
    assert_int_equal(stream_untaken(p->near.stream, &untaken), ERR_NONE);
    assert_in_range(untaken, 1, p->near.out_at);
    stream_resume(p->far.stream);
    assert_true(bench_until(p->bench, is_all_taken, p, WITHIN));
    mem_free(bytes);
    pair_close(p);
}

static void a_unix_listener_replaces_a_stale_name_but_not_a_live_one(void **state)
{
    struct bench *b = bench_open(state);
    struct talker t;
    struct host host = { .user = { host_accept }, .talkers = &t, .room = 1 };
    struct listener *second;
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    struct stat file;
    uint32_t user = UINT32_MAX;

    talker_init(&t);
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/stream-test-%d.sock", (int)getpid());
    assert_int_equal(
        listener_open_unix(b->loop, name.sun_path, &host.user, &host.listener), ERR_NONE);
    assert_int_equal(
        listener_open_unix(b->loop, name.sun_path, &host.user, &second), ERR_ADDRESS_IN_USE);
    listener_close(host.listener);
    assert_int_equal(
        listener_open_unix(b->loop, name.sun_path, &host.user, &host.listener), ERR_NONE);
    assert_int_equal(stat(name.sun_path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);

    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(write(fd, "ping", 4), 4);
    struct heard heard = { &t, 4 };

    assert_true(bench_until(b, has_heard, &heard, WITHIN));
    assert_int_equal(stream_peer(t.stream).ip.family, IP_NONE);
    assert_int_equal(stream_peer_user(t.stream, &user), ERR_NONE);
    assert_int_equal(user, geteuid());
    close(fd);
    unlink(name.sun_path);
    bench_close(b);
    talker_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_is_sent_comes_and_comes_back),
        ON_BOTH(a_large_body_comes_whole_both_ways),
        ON_BOTH(what_is_not_taken_comes_again_before_the_rest),
        ON_BOTH(untaken_input_up_to_the_limit_closes_the_stream),
        ON_BOTH(a_paused_stream_hears_nothing_until_resumed),
        ON_BOTH(resumed_without_new_bytes_the_kept_ones_come),
        ON_BOTH(a_slow_reader_holds_the_writer_not_memory),
        ON_BOTH(finishing_sends_all_and_then_the_end),
        ON_BOTH(after_the_others_end_one_can_still_send),
        ON_BOTH(a_reset_is_an_error_and_a_close_an_end),
        ON_BOTH(what_came_before_a_failed_send_is_still_heard),
        ON_BOTH(each_call_may_close_the_stream_it_is_about),
        ON_BOTH(a_refused_connection_is_told_later),
        ON_BOTH(ten_thousand_small_messages_keep_their_order),
        ON_BOTH(a_stream_moves_from_one_loop_to_another),
        ON_BOTH(a_stream_may_be_detached_in_its_own_call_and_discarded),
        ON_BOTH(an_end_that_came_while_detached_is_told_after_attaching),
        ON_BOTH(connections_outlive_their_listener),
        ON_BOTH(a_listener_may_turn_a_connection_away),
        ON_BOTH(who_connects_is_known_by_address),
        ON_BOTH(loopback_has_a_round_trip_time),
        ON_BOTH(what_the_other_side_has_not_taken_is_known),
        { "a_unix_listener_replaces_a_stale_name_but_not_a_live_one",
            a_unix_listener_replaces_a_stale_name_but_not_a_live_one, NULL, NULL, REAL },
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
