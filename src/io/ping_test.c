// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/both_test.h"
#include "io/ping.h"

enum { SEED = 7 };

struct asker {
    struct ping_user user;
    unsigned answers;
    enum err err;
    struct span rtt;
    struct ping *again; // asks once more from within the answer
};

static void on_done(struct ping_user *user, enum err err, struct span rtt)
{
    struct asker *a = container_of(user, struct asker, user);
    struct ip to = user->to;

    a->answers++;
    a->err = err;
    a->rtt = rtt;
    if (a->again != NULL && a->answers == 1)
        assert_int_equal(ping_start(a->again, &to, span_s(1), user), ERR_NONE);
}

/* Of `count`, each zeroed; freed with mem_free. */
static struct asker *askers_new(size_t count)
{
    struct asker *askers = mem_array(count, sizeof *askers);

    for (size_t i = 0; i < count; i++)
        askers[i].user.done = on_done;
    return askers;
}

static bool has_answer(void *what)
{
    const struct asker *a = what;

    return a->answers > 0;
}

static enum err ask(struct ping *ping, struct asker *asker, struct ip to)
{
    return ping_start(ping, &to, span_s(1), &asker->user);
}

/* False on a machine that lets this process have neither kind of socket. */
static bool may_ping(struct bench *b)
{
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(1);
    enum err err = ask(ping, a, bench_ip(0));

    assert_true(err == ERR_NONE || (err == ERR_DENIED && b->sim == NULL));
    ping_free(ping);
    mem_free(a);
    return err == ERR_NONE;
}

static void an_echo_comes_back_once_with_its_round_trip(void **state)
{
    struct bench *b = bench_open(state);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(1);

    if (may_ping(b)) {
        assert_int_equal(ask(ping, a, bench_ip(1)), ERR_NONE);
        assert_int_equal(a->answers, 0);
        assert_true(bench_until(b, has_answer, a, WITHIN));
        bench_settle(b);
        assert_int_equal(a->answers, 1);
        assert_int_equal(a->err, ERR_NONE);
        assert_true(a->rtt.ns >= 0 && a->rtt.ns < span_s(1).ns);
        assert_int_equal(ping_counts(ping)->sent.total, 1);
        assert_int_equal(ping_counts(ping)->echoed.total, 1);
        assert_null(a->user.ping);
    }
    ping_free(ping);
    mem_free(a);
    bench_close(b);
}

static const struct ip HERE_V6 = { IP_V6, { [15] = 1 } };

/* A machine without IPv6 cannot show what it does. */
static bool has_version_six(struct bench *b)
{
    struct endpoint at = { HERE_V6, 0 };
    struct datagram_user nobody = { 0 };
    struct datagram_socket *socket = NULL;
    bool has = datagram_open(b->loop, &at, &nobody, &socket) == ERR_NONE;

    datagram_close(socket);
    return has;
}

static void version_six_works_the_same(void **state)
{
    struct bench *b = bench_open(state);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(1);

    if (may_ping(b) && has_version_six(b)) {
        assert_int_equal(ask(ping, a, HERE_V6), ERR_NONE);
        assert_true(bench_until(b, has_answer, a, WITHIN));
        assert_int_equal(a->err, ERR_NONE);
    }
    ping_free(ping);
    mem_free(a);
    bench_close(b);
}

static bool all_answered(void *what)
{
    const struct ping_counts *counts = what;

    return counts->echoed.total + counts->timeouts.total == counts->sent.total;
}

static void many_at_once_each_find_their_own_answer(void **state)
{
    enum { MANY = 1000 };

    struct bench *b = bench_open(state);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *askers = askers_new(MANY);
    bool may = may_ping(b);

    for (unsigned i = 0; may && i < MANY; i++)
        assert_int_equal(ask(ping, &askers[i], bench_ip(i % BENCH_LOOPS)), ERR_NONE);
    assert_true(bench_until(b, all_answered, (void *)(uintptr_t)ping_counts(ping), WITHIN));
    for (unsigned i = 0; may && i < MANY; i++) {
        assert_int_equal(askers[i].answers, 1);
        assert_int_equal(askers[i].err, ERR_NONE);
    }
    ping_free(ping);
    mem_free(askers);
    bench_close(b);
}

/* Raw sockets hear all answers that come to the machine; the same addresses, the same numbers. */
static void answers_to_others_are_not_ours(void **state)
{
    struct bench *b = bench_open(state);
    struct ping *one = ping_new(b->loop, SEED), *other = ping_new(b->loops[1], SEED + 1000);
    struct asker *askers = askers_new(20);

    if (may_ping(b)) {
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(ask(i % 2 == 0 ? one : other, &askers[i], bench_ip(2)), ERR_NONE);
        bench_settle(b);
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(askers[i].answers, 1);
        assert_int_equal(ping_counts(one)->echoed.total, 10);
        assert_int_equal(ping_counts(other)->echoed.total, 10);
        assert_true(ping_counts(one)->strays.total == 10 || ping_counts(one)->strays.total == 0);
    }
    ping_free(one);
    ping_free(other);
    mem_free(askers);
    bench_close(b);
}

static void who_was_answered_may_ask_again_at_once(void **state)
{
    struct bench *b = bench_open(state);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(1);

    a->again = ping;
    if (may_ping(b)) {
        assert_int_equal(ask(ping, a, bench_ip(1)), ERR_NONE);
        bench_settle(b);
        assert_int_equal(a->answers, 2);
        assert_int_equal(a->err, ERR_NONE);
    }
    ping_free(ping);
    mem_free(a);
    bench_close(b);
}

static void who_stopped_hears_nothing(void **state)
{
    struct bench *b = bench_open(state);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(2);

    if (may_ping(b)) {
        assert_int_equal(ask(ping, &a[0], bench_ip(1)), ERR_NONE);
        ping_stop(&a[0].user);
        ping_stop(&a[0].user);
        assert_int_equal(ask(ping, &a[1], bench_ip(1)), ERR_NONE);
        bench_settle(b);
        assert_int_equal(a[0].answers, 0);
        assert_int_equal(a[1].answers, 1);
        assert_int_equal(ping_counts(ping)->strays.total, 1);
        assert_int_equal(ask(ping, &a[1], bench_ip(1)), ERR_NONE);
    }
    ping_free(ping); // with one under way
    bench_settle(b);
    assert_true(a[1].answers <= 1);
    assert_null(a[1].user.ping);
    ping_free(NULL);
    mem_free(a);
    bench_close(b);
}

static void the_round_trip_is_the_way_there_and_back(void **state)
{
    struct bench *b = bench_open(state);
    struct ip here = bench_ip(0), there = bench_ip(1);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(1);

    sim_link_set(b->sim, &here, &there, &(struct sim_link){ .delay = span_ms(30) });
    sim_link_set(b->sim, &there, &here, &(struct sim_link){ .delay = span_ms(12) });
    assert_int_equal(ask(ping, a, there), ERR_NONE);
    assert_true(bench_until(b, has_answer, a, WITHIN));
    assert_true(a->rtt.ns >= span_ms(42).ns && a->rtt.ns < span_ms(43).ns);
    ping_free(ping);
    mem_free(a);
    bench_close(b);
}

static void silence_ends_at_the_timeout(void **state)
{
    struct bench *b = bench_open(state);
    struct ip there = bench_ip(1), nowhere = ip_v4(127, 0, 9, 9);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(2);

    sim_link_set(b->sim, NULL, &there, &(struct sim_link){ .is_dark = true });
    assert_int_equal(ask(ping, &a[0], there), ERR_NONE);
    assert_int_equal(ask(ping, &a[1], nowhere), ERR_NONE); // where no machine is
    sim_run_for(b->sim, span_ms(999));
    assert_int_equal(a[0].answers + a[1].answers, 0);
    sim_run_for(b->sim, span_ms(2));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(a[i].answers, 1);
        assert_int_equal(a[i].err, ERR_TIMEOUT);
    }
    assert_int_equal(ping_counts(ping)->timeouts.total, 2);
    ping_free(ping);
    mem_free(a);
    bench_close(b);
}

static void an_answer_after_the_timeout_is_a_stray(void **state)
{
    struct bench *b = bench_open(state);
    struct ip there = bench_ip(1);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(1);

    sim_link_set(b->sim, NULL, &there, &(struct sim_link){ .delay = span_ms(1100) });
    assert_int_equal(ask(ping, a, there), ERR_NONE);
    sim_run_for(b->sim, span_s(2));
    assert_int_equal(a->answers, 1);
    assert_int_equal(a->err, ERR_TIMEOUT);
    assert_int_equal(ping_counts(ping)->strays.total, 1);
    ping_free(ping);
    mem_free(a);
    bench_close(b);
}

static void losses_time_out_and_copies_change_nothing(void **state)
{
    enum { MANY = 400 };

    struct bench *b = bench_open(state);
    struct ip there = bench_ip(1);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *askers = askers_new(MANY);

    sim_link_set(b->sim, NULL, NULL, &(struct sim_link){ .loss = 0.3, .duplicate = 0.3 });
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(ask(ping, &askers[i], there), ERR_NONE);
    sim_run_for(b->sim, span_s(2));
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(askers[i].answers, 1);
    assert_true(all_answered((void *)(uintptr_t)ping_counts(ping)));
    assert_true(ping_counts(ping)->echoed.total > MANY / 4);
    assert_true(ping_counts(ping)->timeouts.total > MANY / 8);
    assert_true(ping_counts(ping)->strays.total > MANY / 16);
    ping_free(ping);
    mem_free(askers);
    bench_close(b);
}

static void more_than_the_limit_are_refused_and_counted(void **state)
{
    struct bench *b = bench_open(state);
    struct ip there = bench_ip(1);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *askers = askers_new(PINGS_MAX + 1);

    for (unsigned i = 0; i < PINGS_MAX; i++)
        assert_int_equal(ask(ping, &askers[i], there), ERR_NONE);
    assert_int_equal(ask(ping, &askers[PINGS_MAX], there), ERR_LIMIT);
    assert_int_equal(ping_counts(ping)->limited.total, 1);
    ping_stop(&askers[17].user); // a place in the middle is found again
    assert_int_equal(ask(ping, &askers[PINGS_MAX], there), ERR_NONE);
    sim_run_for(b->sim, span_s(2));
    assert_int_equal(askers[PINGS_MAX].answers, 1);
    assert_int_equal(askers[PINGS_MAX].err, ERR_NONE);
    assert_int_equal(ping_counts(ping)->echoed.total, PINGS_MAX);
    ping_free(ping);
    mem_free(askers);
    bench_close(b);
}

static void the_other_family_is_unreachable(void **state)
{
    struct bench *b = bench_open(state); // of machines with IPv4 alone
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(1);

    assert_int_equal(ask(ping, a, HERE_V6), ERR_UNREACHABLE);
    assert_null(a->user.ping);
    ping_free(ping);
    mem_free(a);
    bench_close(b);
}

static void bring_loopback_up(void)
{
    struct ifreq interface = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (s >= 0) {
        ioctl(s, SIOCSIFFLAGS, &interface);
        close(s);
    }
}

/*
 * Runs `body` in a process in a network of its own, where the kernel grants nobody unprivileged
 * echo sockets until told to; it is true for success. True also where no such network may be made.
 */
static bool in_own_network(bool (*body)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
            _exit(0);
        bring_loopback_up();
        _exit(body() ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_answered_by(struct ip to, enum err expected)
{
    struct bench *b = bench_new(NULL);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(1);
    enum err err = to.family == IP_V6 && !has_version_six(b) ? expected : ask(ping, a, to);

    if (a->user.ping != NULL)
        err = bench_until(b, has_answer, a, WITHIN) ? a->err : ERR_TIMEOUT;
    ping_free(ping);
    mem_free(a);
    bench_close(b);
    return err == expected;
}

static bool echoes_over_raw_sockets(void)
{
    return is_answered_by(bench_ip(1), ERR_NONE);
}

static bool finds_no_way_out(void)
{
    return is_answered_by(ip_v4(192, 0, 2, 1), ERR_UNREACHABLE);
}

/* What a forger may vary: an echo reply as it goes over the wire. */
struct forgery {
    uint8_t type, code;
    uint16_t checksum, id, sequence;
    uint64_t luck;
};

static void forge(int fd, struct forgery forgery, size_t length, unsigned from)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    struct ip source = bench_ip(from), here = bench_ip(0);
    uint16_t words[8];
    uint32_t sum = 0;

    memcpy(words, &forgery, sizeof words);
    for (size_t i = 0; i < length / 2; i++)
        sum += words[i];
    sum = (sum >> 16) + (sum & 0xffff);
    forgery.checksum = (uint16_t) ~(sum + (sum >> 16));
    memcpy(&at.sin_addr, source.bytes, 4);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
        _exit(2);
    memcpy(&at.sin_addr, here.bytes, 4);
    if (sendto(fd, &forgery, length, 0, (struct sockaddr *)&at, sizeof at) != (ssize_t)length)
        _exit(2);
}

static void forge_all_but_right(int fd, const struct asker *a)
{
    struct forgery right = { .sequence = htons(a->user.sequence), .luck = a->user.luck };
    struct forgery wrong = right;

    wrong.luck++;
    forge(fd, wrong, sizeof wrong, 1);
    wrong = right;
    wrong.sequence = htons(a->user.sequence + 1);
    forge(fd, wrong, sizeof wrong, 1);
    wrong.sequence = htons(a->user.sequence + PINGS_MAX);
    forge(fd, wrong, sizeof wrong, 1);
    wrong = right;
    wrong.code = 1;
    forge(fd, wrong, sizeof wrong, 1);
    forge(fd, right, sizeof right, 2);
    forge(fd, right, sizeof right - 1, 1);
    forge(fd, right, sizeof right - 8, 1);
}

/* The machine itself is silent, so that whatever answers is the forger. */
static bool tells_forgeries_from_the_right_one(void)
{
    int silent = open("/proc/sys/net/ipv4/icmp_echo_ignore_all", O_WRONLY | O_CLOEXEC);
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

    if (silent < 0 || write(silent, "1", 1) != 1 || fd < 0)
        return true; // not for us to say here
    struct bench *b = bench_new(NULL);
    struct ping *ping = ping_new(b->loop, SEED);
    struct asker *a = askers_new(1);
    struct ip there = bench_ip(1);
    bool is_fooled = ping_start(ping, &there, span_s(5), &a->user) != ERR_NONE;

    forge_all_but_right(fd, a);
    bench_settle(b);
    is_fooled |= a->answers > 0 || ping_counts(ping)->strays.total != 7;
    forge(fd, (struct forgery){ .sequence = htons(a->user.sequence), .luck = a->user.luck },
        sizeof(struct forgery), 1);
    bench_settle(b);
    is_fooled |= a->answers != 1 || a->err != ERR_NONE;
    is_fooled |= ping_start(ping, &there, span_ms(20), &a->user) != ERR_NONE;
    bench_settle(b);
    is_fooled |= a->answers != 2 || a->err != ERR_TIMEOUT;
    ping_free(ping);
    mem_free(a);
    bench_close(b);
    close(fd);
    close(silent);
    return !is_fooled;
}

static bool become_nobody(void)
{
    return setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
}

static bool is_denied(void)
{
    return !become_nobody() || is_answered_by(bench_ip(1), ERR_DENIED);
}

static bool echoes_unprivileged(void)
{
    static const char everyone[] = "0 2147483647";
    int range = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC);
    bool is_granted = range >= 0 && write(range, everyone, strlen(everyone)) > 0;

    if (range >= 0)
        close(range);
    if (!is_granted || !become_nobody())
        return true; // not for us to say here
    return is_answered_by(bench_ip(1), ERR_NONE) && is_answered_by(HERE_V6, ERR_NONE);
}

static void without_the_unprivileged_kind_a_raw_socket_serves(void **)
{
    assert_true(in_own_network(echoes_over_raw_sockets));
}

static void forged_answers_are_not_heard(void **)
{
    assert_true(in_own_network(tells_forgeries_from_the_right_one));
}

static void with_the_unprivileged_kind_nobody_needs_rights(void **)
{
    assert_true(in_own_network(echoes_unprivileged));
}

static void without_a_way_it_is_told_at_once(void **)
{
    assert_true(in_own_network(finds_no_way_out));
}

static void without_either_kind_it_is_denied(void **)
{
    assert_true(in_own_network(is_denied));
}

#define SIMULATED_ALONE(case)              \
    {                                      \
#case, case, NULL, NULL, SIMULATED \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_echo_comes_back_once_with_its_round_trip),
        ON_BOTH(many_at_once_each_find_their_own_answer),
        ON_BOTH(answers_to_others_are_not_ours),
        ON_BOTH(who_was_answered_may_ask_again_at_once),
        ON_BOTH(who_stopped_hears_nothing),
        cmocka_unit_test(version_six_works_the_same),
        cmocka_unit_test(without_the_unprivileged_kind_a_raw_socket_serves),
        cmocka_unit_test(forged_answers_are_not_heard),
        cmocka_unit_test(with_the_unprivileged_kind_nobody_needs_rights),
        cmocka_unit_test(without_a_way_it_is_told_at_once),
        cmocka_unit_test(without_either_kind_it_is_denied),
        SIMULATED_ALONE(the_round_trip_is_the_way_there_and_back),
        SIMULATED_ALONE(silence_ends_at_the_timeout),
        SIMULATED_ALONE(an_answer_after_the_timeout_is_a_stray),
        SIMULATED_ALONE(losses_time_out_and_copies_change_nothing),
        SIMULATED_ALONE(more_than_the_limit_are_refused_and_counted),
        SIMULATED_ALONE(the_other_family_is_unreachable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
