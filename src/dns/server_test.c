// SPDX-License-Identifier: Apache-2.0
#include "dns/ask_test.h"
#include "dns/builder.h"
#include "dns/server.h"
#include "io/talker_test.h"

enum { TALKERS = 3, ASKED_MAX = 4000, ASKED_BYTES = ASKED_MAX * 40 };

struct scene {
    struct bench *bench;
    struct dns_source source;
    const struct dns_zones *zones; // what the source gives
    struct dns_zones *built;
    struct dns_server *server;
    struct dns_counts counts;
    struct talker talkers[TALKERS];
    struct datagram_user user;
    struct datagram_socket *socket;
    char got[DATAGRAM_IN_MAX]; // the last datagram
    size_t got_length, got_count;
    char *asked; // queries on a stream, lengths in front
    size_t asked_length;
};

static struct ask_text text;

static const struct dns_zones *scene_zones(struct dns_source *source)
{
    return container_of(source, struct scene, source)->zones;
}

static void on_datagrams(struct datagram_user *user, struct datagram *batch, size_t count)
{
    struct scene *s = container_of(user, struct scene, user);

    s->got_count += count;
    s->got_length = batch[count - 1].in.length;
    memcpy(s->got, batch[count - 1].in.at, s->got_length);
}

static void add(struct dns_builder *b, const char *owner, uint16_t type, struct slice data)
{
    struct dns_name name;

    assert_true(dns_name_parse(slice_text(owner), &name));
    dns_builder_add(b, &name, type, 60, data);
}

static struct dns_zones *zones_build(void)
{
    struct dns_builder *b = dns_builder_new(1);
    struct dns_zones *zones;

    add(b, "test", DNS_TYPE_SOA, SLICE("\0\0\0\0\0\7\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\x1e"));
    add(b, "test", DNS_TYPE_NS, SLICE("\1n\0"));
    add(b, "www.test", DNS_TYPE_A, SLICE("\xc0\0\2\1"));
    for (unsigned char i = 0; i < 200; i++)
        add(b, "big.test", DNS_TYPE_A, slice_of((char[]){ 10, 0, 0, (char)i }, 4));
    assert_int_equal(dns_builder_finish(&b, &zones, NULL), ERR_NONE);
    return zones;
}

/* The server is on the second loop; whoever asks on the first. */
static struct scene *scene_open(void *const *state, size_t connections_max)
{
    struct scene *s = mem_new(struct scene);
    struct endpoint at = { bench_ip(1), 0 }, own = { bench_ip(0), 0 };
    struct dns_server_options options = { &at, 1, &s->source, &s->counts, connections_max, 0 };

    s->bench = bench_open(state);
    s->source.zones = scene_zones;
    s->zones = s->built = zones_build();
    s->user.batch = on_datagrams;
    s->asked = mem_alloc(ASKED_BYTES);
    assert_int_equal(dns_server_start(s->bench->loops[1], &options, &s->server, NULL), ERR_NONE);
    assert_int_equal(datagram_open(s->bench->loop, &own, &s->user, &s->socket), ERR_NONE);
    return s;
}

static void scene_close(struct scene *s)
{
    dns_server_stop(s->server);
    bench_close(s->bench);
    for (size_t i = 0; i < TALKERS; i++)
        talker_done(&s->talkers[i]);
    dns_zones_free(s->built);
    mem_free(s->asked);
    mem_free(s);
}

static bool scene_got(void *what)
{
    return ((struct scene *)what)->got_count > 0;
}

static const char *ask_datagram(struct scene *s, const char *name)
{
    struct ask_query query = { .name = name, .type = DNS_TYPE_A };
    struct endpoint at = dns_server_at(s->server, 0);
    char out[600];

    s->got_count = 0;
    datagram_send(s->socket, &at, ask_query_write(&query, out));
    assert_true(bench_until(s->bench, scene_got, s, WITHIN));
    ask_answer_say(&text, slice_of(s->got, s->got_length));
    return text.text;
}

static bool talker_can_speak(void *what)
{
    return ((struct talker *)what)->is_open;
}

static struct talker *connect_talker(struct scene *s, size_t index)
{
    struct talker *t = &s->talkers[index];
    struct endpoint at = dns_server_at(s->server, 0);

    talker_init(t);
    t->stream = stream_connect(s->bench->loop, &at, &t->user);
    assert_true(bench_until(s->bench, talker_can_speak, t, WITHIN));
    bench_settle(s->bench); // so that it is accepted before the next
    return t;
}

/* Appends a query, its length in front, to what a talker will say. */
static void ask_later(struct scene *s, const char *name)
{
    struct ask_query query = { .name = name, .type = DNS_TYPE_A };
    char out[600];
    struct slice message = ask_query_write(&query, out);

    assert_true(s->asked_length + 2 + message.length < ASKED_BYTES);
    dns_u16_put(s->asked + s->asked_length, (uint16_t)message.length);
    memcpy(s->asked + s->asked_length + 2, message.at, message.length);
    s->asked_length += 2 + message.length;
}

struct expectation {
    const struct talker *talker;
    size_t answers;
};

static size_t answers_of(const struct talker *t)
{
    size_t count = 0;

    for (size_t at = 0; at + 2 <= t->in_length; at += 2 + (size_t)dns_u16(t->in + at), count++)
        if (at + 2 + dns_u16(t->in + at) > t->in_length)
            break;
    return count;
}

static bool is_answered(void *what)
{
    const struct expectation *e = what;

    return answers_of(e->talker) >= e->answers;
}

static void check_answers(struct scene *s, const struct talker *t, size_t count)
{
    struct expectation e = { t, count };

    assert_true(bench_until(s->bench, is_answered, &e, WITHIN));
    assert_int_equal(answers_of(t), count);
}

/* The answer number `index` on a stream, as text. */
static const char *answer_text(const struct talker *t, size_t index)
{
    size_t at = 0;

    while (index-- > 0)
        at += 2 + (size_t)dns_u16(t->in + at);
    ask_answer_say(&text, slice_of(t->in + at + 2, dns_u16(t->in + at)));
    return text.text;
}

static bool has_ended(void *what)
{
    const struct talker *t = what;

    return t->has_ended || t->is_closed;
}

static void a_datagram_is_answered(void **state)
{
    struct scene *s = scene_open(state, 0);

    assert_string_equal(ask_datagram(s, "www.test"), "NOERROR aa | www.test 60 A 192.0.2.1");
    assert_string_equal(ask_datagram(s, "big.test"), "NOERROR aa tc");
    assert_int_equal(counter_read(&s->counts.queries_udp), 2);
    scene_close(s);
}

static void zones_are_taken_as_they_are_in_each_turn(void **state)
{
    struct scene *s = scene_open(state, 0);

    s->zones = NULL;
    assert_string_equal(ask_datagram(s, "www.test"), "SERVFAIL");
    s->zones = s->built;
    assert_string_equal(ask_datagram(s, "www.test"), "NOERROR aa | www.test 60 A 192.0.2.1");
    scene_close(s);
}

static void queries_on_one_connection_are_answered_in_order(void **state)
{
    struct scene *s = scene_open(state, 0);
    struct talker *t = connect_talker(s, 0);

    ask_later(s, "www.test");
    ask_later(s, "no.test");
    ask_later(s, "big.test");
    talker_say(t, s->asked, s->asked_length);
    check_answers(s, t, 3);
    assert_string_equal(answer_text(t, 0), "NOERROR aa | www.test 60 A 192.0.2.1");
    assert_memory_equal(answer_text(t, 1), "NXDOMAIN aa / test 30 SOA", 25);
    assert_non_null(strstr(answer_text(t, 2), "A 10.0.0.199"));

    talker_say(t, s->asked, s->asked_length);
    check_answers(s, t, 6);
    assert_int_equal(counter_read(&s->counts.queries_tcp), 6);
    assert_int_equal(counter_read(&s->counts.connections), 1);
    scene_close(s);
}

static void a_query_may_come_octet_by_octet(void **state)
{
    struct scene *s = scene_open(state, 0);
    struct talker *t = connect_talker(s, 0);

    ask_later(s, "www.test");
    for (size_t i = 0; i < s->asked_length; i++) {
        assert_int_equal(t->in_length, 0);
        talker_say(t, s->asked + i, 1);
        bench_until(s->bench, bench_never, NULL, span_ms(1));
    }
    check_answers(s, t, 1);
    scene_close(s);
}

static void who_sends_no_more_still_gets_its_answers(void **state)
{
    struct scene *s = scene_open(state, 0);
    struct talker *t = connect_talker(s, 0);

    ask_later(s, "big.test");
    ask_later(s, "www.test");
    talker_say(t, s->asked, s->asked_length);
    stream_finish(t->stream);
    assert_true(bench_until(s->bench, has_ended, t, WITHIN));
    assert_int_equal(answers_of(t), 2);
    scene_close(s);
}

static void what_is_no_message_closes_the_connection(void **state)
{
    struct scene *s = scene_open(state, 0);
    struct talker *short_one = connect_talker(s, 0), *long_one = connect_talker(s, 1);

    talker_say(short_one, "\0\13", 2);
    assert_true(bench_until(s->bench, has_ended, short_one, WITHIN));
    talker_say(long_one, "\xff\xff", 2);
    assert_true(bench_until(s->bench, has_ended, long_one, WITHIN));
    assert_int_equal(counter_read(&s->counts.connections_malformed), 2);
    scene_close(s);
}

static void the_longest_idle_connection_makes_room(void **state)
{
    struct scene *s = scene_open(state, 2);
    struct talker *first = connect_talker(s, 0), *second = connect_talker(s, 1);

    ask_later(s, "www.test");
    talker_say(first, s->asked, s->asked_length);
    check_answers(s, first, 1);
    struct talker *third = connect_talker(s, 2);

    assert_true(bench_until(s->bench, has_ended, second, WITHIN));
    assert_false(has_ended(first));
    talker_say(third, s->asked, s->asked_length);
    check_answers(s, third, 1);
    assert_int_equal(counter_read(&s->counts.connections_limited), 1);
    scene_close(s);
}

static void an_idle_connection_is_closed(void **state)
{
    struct scene *s = scene_open(state, 0);
    struct talker *first = connect_talker(s, 0);

    bench_until(s->bench, bench_never, NULL, span_s(6));
    struct talker *second = connect_talker(s, 1);

    ask_later(s, "www.test");
    bench_until(s->bench, bench_never, NULL, span_s(3));
    assert_false(has_ended(first));
    bench_until(s->bench, bench_never, NULL, span_s(2));
    assert_true(has_ended(first));
    assert_false(has_ended(second));

    // A query renews the lease.
    talker_say(second, s->asked, s->asked_length);
    check_answers(s, second, 1);
    bench_until(s->bench, bench_never, NULL, span_s(9));
    assert_false(has_ended(second));
    bench_until(s->bench, bench_never, NULL, span_s(2));
    assert_true(has_ended(second));
    assert_int_equal(counter_read(&s->counts.connections_idle), 2);
    scene_close(s);
}

static void half_a_message_slowly_sent_holds_no_connection(void **state)
{
    struct scene *s = scene_open(state, 0);
    struct talker *t = connect_talker(s, 0);

    ask_later(s, "www.test");
    for (size_t i = 0; i < 12; i++) {
        talker_say(t, s->asked + i, 1);
        bench_until(s->bench, bench_never, NULL, span_s(1));
    }
    assert_true(has_ended(t));
    scene_close(s);
}

/* Thousands of big answers to a peer that reads none, until it does. */
static void answers_wait_for_a_slow_reader_within_bounds(void **state)
{
    struct scene *s = scene_open(state, 0);
    struct talker *t = connect_talker(s, 0);

    for (size_t i = 0; i < ASKED_MAX; i++)
        ask_later(s, "big.test");
    stream_pause(t->stream);
    talker_say(t, s->asked, s->asked_length);
    bench_until(s->bench, bench_never, NULL, span_s(1));
    assert_true(counter_read(&s->counts.queries_tcp) < ASKED_MAX);
    stream_resume(t->stream);
    check_answers(s, t, ASKED_MAX);
    scene_close(s);
}

/* Half-closed, with more on its way than its window takes. */
static void who_sends_no_more_may_read_slowly(void **state)
{
    struct scene *s = scene_open(state, 0);
    struct talker *t = connect_talker(s, 0);

    for (size_t i = 0; i < 120; i++)
        ask_later(s, "big.test");
    stream_pause(t->stream);
    talker_say(t, s->asked, s->asked_length);
    stream_finish(t->stream);
    bench_until(s->bench, bench_never, NULL, span_s(1));
    stream_resume(t->stream);
    assert_true(bench_until(s->bench, has_ended, t, WITHIN));
    assert_int_equal(answers_of(t), 120);
    scene_close(s);
}

static void a_connection_that_is_reset_leaves_nothing(void **state)
{
    struct scene *s = scene_open(state, 1);
    struct talker *t = connect_talker(s, 0);

    ask_later(s, "big.test");
    talker_say(t, s->asked, s->asked_length);
    bench_until(s->bench, bench_never, NULL, span_ms(1));
    stream_close(t->stream, true);
    bench_settle(s->bench);
    connect_talker(s, 1);
    assert_int_equal(counter_read(&s->counts.connections_limited), 0);
    scene_close(s);
}

static void an_address_that_is_not_ours_is_told(void **)
{
    static char kind[] = "real";
    void *state = kind;
    struct bench *b = bench_open(&state);
    struct endpoint at[] = { { bench_ip(1), 0 }, { ip_v4(192, 0, 2, 1), 5353 } };
    struct dns_source source = { .zones = scene_zones };
    struct dns_counts counts = { 0 };
    struct dns_server_options options = { at, 2, &source, &counts, 0, 0 };
    struct dns_server *server = NULL;
    struct diag why = { 0 };

    assert_int_equal(dns_server_start(b->loop, &options, &server, &why), ERR_ADDRESS);
    assert_null(server);
    assert_string_equal(why.text, "DNS at 192.0.2.1:5353: address is not on this machine");
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_datagram_is_answered),
        ON_BOTH(zones_are_taken_as_they_are_in_each_turn),
        ON_BOTH(queries_on_one_connection_are_answered_in_order),
        ON_BOTH(a_query_may_come_octet_by_octet),
        ON_BOTH(who_sends_no_more_still_gets_its_answers),
        ON_BOTH(what_is_no_message_closes_the_connection),
        ON_BOTH(the_longest_idle_connection_makes_room),
        { "an_idle_connection_is_closed", an_idle_connection_is_closed, NULL, NULL, SIMULATED },
        { "half_a_message_slowly_sent_holds_no_connection",
            half_a_message_slowly_sent_holds_no_connection, NULL, NULL, SIMULATED },
        { "answers_wait_for_a_slow_reader_within_bounds",
            answers_wait_for_a_slow_reader_within_bounds, NULL, NULL, SIMULATED },
        { "who_sends_no_more_may_read_slowly", who_sends_no_more_may_read_slowly, NULL, NULL,
            SIMULATED },
        ON_BOTH(a_connection_that_is_reset_leaves_nothing),
        cmocka_unit_test(an_address_that_is_not_ours_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
