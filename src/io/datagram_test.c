// SPDX-License-Identifier: Apache-2.0
#include "io/both_test.h"
#include "io/datagram.h"

enum { MANY = 300 };

struct post {
    struct datagram_user user;
    struct datagram_socket *socket;
    bool is_echo, closes;
    unsigned batches;
    size_t came, largest; // datagrams; in one batch
    size_t longest;
    bool seen[MANY];
    struct endpoint peer;
};

static void on_batch(struct datagram_user *user, struct datagram *batch, size_t count)
{
    struct post *p = container_of(user, struct post, user);

    assert_true(count > 0 && count <= DATAGRAM_BATCH_MAX);
    p->batches++;
    p->came += count;
    p->largest = count > p->largest ? count : p->largest;
    for (size_t i = 0; i < count; i++) {
        unsigned number;

        p->peer = *batch[i].peer;
        p->longest = batch[i].in.length > p->longest ? batch[i].in.length : p->longest;
        assert_int_equal(batch[i].out_length, 0);
        if (batch[i].in.length < sizeof number)
            continue;
        memcpy(&number, batch[i].in.at, sizeof number);
        if (number < MANY)
            p->seen[number] = true;
        // Even numbers are answered, odd ones are not.
        if (p->is_echo && number % 2 == 0) {
            memcpy(batch[i].out, batch[i].in.at, batch[i].in.length);
            batch[i].out_length = batch[i].in.length;
        }
    }
    if (p->closes)
        datagram_close(p->socket);
}

static void post_open(struct post *p, struct loop *loop, unsigned ip)
{
    struct endpoint at = { bench_ip(ip), 0 };

    *p = (struct post){ .user = { on_batch } };
    assert_int_equal(datagram_open(loop, &at, &p->user, &p->socket), ERR_NONE);
}

static void post_number(struct post *p, const struct endpoint *to, unsigned number)
{
    datagram_send(p->socket, to, slice_of(&number, sizeof number));
}

static bool half_came_back(void *what)
{
    const struct post *p = what;

    return p->came >= MANY / 2;
}

static void many_questions_are_answered_in_batches(void **state)
{
    struct bench *b = bench_open(state);
    struct post client, server;

    post_open(&client, b->loop, 0);
    post_open(&server, b->loops[1], 1);
    server.is_echo = true;
    struct endpoint at = datagram_at(server.socket), from = datagram_at(client.socket);

    for (unsigned i = 0; i < MANY; i++)
        post_number(&client, &at, i);
    assert_true(bench_until(b, half_came_back, &client, WITHIN));
    assert_int_equal(server.came, MANY);
    assert_int_equal(client.came, MANY / 2);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(server.seen[i]);
        assert_int_equal(client.seen[i], i % 2 == 0);
    }
    assert_int_equal(server.largest, DATAGRAM_BATCH_MAX);
    assert_true(endpoint_equal(&server.peer, &from));
    assert_true(endpoint_equal(&client.peer, &at));
    assert_int_equal(loop_counts(b->loops[1])->datagrams_in.total, MANY);
    assert_int_equal(loop_counts(b->loops[1])->datagrams_out.total, MANY / 2);
    assert_int_equal(loop_counts(b->loops[1])->datagrams_dropped.total, 0);
    bench_close(b);
}

static void a_turn_takes_a_bounded_number_and_the_next_goes_on(void **state)
{
    struct bench *b = bench_open(state);
    struct post client, server;

    post_open(&client, b->loop, 0);
    post_open(&server, b->loops[1], 1);
    struct endpoint at = datagram_at(server.socket);

    for (unsigned i = 0; i < MANY; i++)
        post_number(&client, &at, i);
    if (b->sim == NULL) { // loopback delivers at once
        loop_turn(b->loops[1], span_s(1));
        assert_int_equal(server.came, 4 * DATAGRAM_BATCH_MAX);
        assert_true(loop_turn(b->loops[1], span_s(1)));
    }
    bench_settle(b);
    assert_int_equal(server.came, MANY);
    bench_close(b);
}

static void a_socket_may_be_closed_in_its_own_batch(void **state)
{
    struct bench *b = bench_open(state);
    struct post client, server;

    post_open(&client, b->loop, 0);
    post_open(&server, b->loops[1], 1);
    server.is_echo = server.closes = true;
    struct endpoint at = datagram_at(server.socket);

    for (unsigned i = 0; i < MANY; i++)
        post_number(&client, &at, i);
    bench_settle(b);
    assert_int_equal(server.batches, 1);
    assert_int_equal(client.came, 0);
    datagram_close(NULL);
    bench_close(b);
}

static void what_is_too_long_is_cut(void **state)
{
    struct bench *b = bench_open(state);
    struct post client, server;
    char *bytes = mem_alloc(DATAGRAM_IN_MAX + 10);

    post_open(&client, b->loop, 0);
    post_open(&server, b->loops[1], 1);
    struct endpoint at = datagram_at(server.socket);

    datagram_send(client.socket, &at, slice_of(bytes, DATAGRAM_IN_MAX + 10));
    datagram_send(client.socket, &at, SLICE("ok"));
    bench_settle(b);
    assert_int_equal(server.came, 2);
    assert_int_equal(server.longest, DATAGRAM_IN_MAX);
    mem_free(bytes);
    bench_close(b);
}

static void what_cannot_be_sent_is_counted(void **state)
{
    struct bench *b = bench_open(state);
    struct post client;
    struct endpoint nowhere = { ip_v4(255, 255, 255, 255), 9 }; // broadcast, which we may not

    post_open(&client, b->loop, 0);
    datagram_send(client.socket, &nowhere, SLICE("lost"));
    assert_int_equal(loop_counts(b->loop)->datagrams_dropped.total, 1);
    assert_int_equal(loop_counts(b->loop)->datagrams_out.total, 0);
    bench_close(b);
}

static void version_six_works_the_same(void **state)
{
    struct bench *b = bench_open(state);
    struct post client, server;
    struct endpoint at = { { IP_V6, { [15] = 1 } }, 0 };

    client = server = (struct post){ .user = { on_batch } };
    if (datagram_open(b->loop, &at, &client.user, &client.socket) != ERR_NONE) {
        bench_close(b); // a machine without IPv6
        return;
    }
    assert_int_equal(datagram_open(b->loops[1], &at, &server.user, &server.socket), ERR_NONE);
    at = datagram_at(server.socket);
    post_number(&client, &at, 7);
    bench_settle(b);
    assert_true(server.seen[7]);
    assert_int_equal(server.peer.ip.family, IP_V6);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(many_questions_are_answered_in_batches),
        ON_BOTH(a_turn_takes_a_bounded_number_and_the_next_goes_on),
        ON_BOTH(a_socket_may_be_closed_in_its_own_batch),
        ON_BOTH(what_is_too_long_is_cut),
        { "what_cannot_be_sent_is_counted", what_cannot_be_sent_is_counted, NULL, NULL, REAL },
        ON_BOTH(version_six_works_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
