// SPDX-License-Identifier: Apache-2.0
/*
 * A server that reads no more from whoever asks it for the log, as nats-server 2.9 when its disk is
 * full: a relay before a real one, which leaves a connection standing once it asked.
 */
#include <poll.h>

#include "bus/follower_test.h"

enum { PAIRS_MAX = 32, BYTES_MAX = 65536 };

/* Longer than a link bears a server that does not answer. */
#define LONG span_s(5)

struct pair {
    int client, server; // -1: closed
    bool is_stuck;
};

static void pair_close(struct pair *p)
{
    close(p->client);
    close(p->server);
    *p = (struct pair){ -1, -1, false };
}

/* False: one of the two went. */
static bool pair_forward(struct pair *p, int from, int to)
{
    char bytes[BYTES_MAX];
    ssize_t length = recv(from, bytes, sizeof bytes, 0);

    if (length <= 0)
        return false;
    if (from == p->client && memmem(bytes, (size_t)length, "$JS.API", 7) != NULL)
        p->is_stuck = true;
    return p->is_stuck || send(to, bytes, (size_t)length, MSG_NOSIGNAL) == length;
}

/* A child's life. */
static void relay_run(int listener, const struct nats_server *server)
{
    struct pair pairs[PAIRS_MAX] = { 0 };
    size_t count = 0;

    for (;;) {
        struct pollfd wanted[1 + 2 * PAIRS_MAX] = { { listener, POLLIN, 0 } };

        for (size_t i = 0; i < count; i++) {
            wanted[1 + 2 * i] =
                (struct pollfd){ pairs[i].is_stuck ? -1 : pairs[i].client, POLLIN, 0 };
            wanted[2 + 2 * i] =
                (struct pollfd){ pairs[i].is_stuck ? -1 : pairs[i].server, POLLIN, 0 };
        }
        poll(wanted, 1 + 2 * count, -1);
        for (size_t i = 0; i < count; i++) {
            struct pair *p = &pairs[i];
            bool is_whole = wanted[1 + 2 * i].revents == 0 || pair_forward(p, p->client, p->server);

            if (is_whole && wanted[2 + 2 * i].revents != 0)
                is_whole = pair_forward(p, p->server, p->client);
            if (!is_whole)
                pair_close(p);
        }
        if (wanted[0].revents != 0 && count < PAIRS_MAX)
            pairs[count++] =
                (struct pair){ accept(listener, NULL, NULL), server_connect(server), false };
    }
}

/* Puts a relay before the server; nodes that are opened from now on go by it. */
static pid_t relay_start(struct nats_server *server)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = server_address(0);
    socklen_t length = sizeof address;

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, PAIRS_MAX), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    fflush(stdout); // or the child would print it again
    pid_t child = fork();

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        relay_run(listener, server);
    }
    close(listener);
    server->port = ntohs(address.sin_port);
    return child;
}

static void lanes_go_on_while_the_server_is_stuck_with_the_log(void **)
{
    struct world *w = world_new(NATS_REAL);
    pid_t relay = relay_start(&w->server);
    struct told_node *b = world_node(w, 1, "b");
    struct follower a;

    follower_open(&a, w, 0, "a");
    follower_follow(&a, 0, 0);
    world_until(w, is_fallen_behind, &a);
    bench_until(w->bench, bench_never, NULL, LONG);
    bus_publish(a.bus, BUS_HEARTBEATS, SLICE("here I am"));
    world_hear(w, b, 1);
    assert_true(bus_is_linked(a.bus));
    assert_int_equal(counter_read(&bus_counts(a.bus)->cut), 0);
    assert_true(a.is_behind);
    follower_ask(&a, 1, "refused");
    assert_int_not_equal(follower_answer(&a, w)->err, ERR_NONE);
    assert_int_equal(b->lost_count, 0);
    follower_close(&a);
    world_free(w);
    kill(relay, SIGKILL);
    waitpid(relay, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_go_on_while_the_server_is_stuck_with_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
