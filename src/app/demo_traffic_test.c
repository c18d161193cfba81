// SPDX-License-Identifier: Apache-2.0
#include "app/demo_bench_test.h"
#include "app/demo_origin.h"
#include "app/demo_traffic.h"
#include "io/datagram.h"
#include "wire/dns_message.h"
#include "wire/dns_writer.h"

static const struct demo_ports ports = DEMO_PORTS_DEFAULT;

/* The DNS of one pop: pages are at the first origin, the rest is at this pop. */
struct name_server {
    struct datagram_user user;
    struct datagram_socket *socket;
    struct ip pop;
    unsigned asked;
    uint64_t networks; // a bit for each of the first that asked
};

static void on_batch(struct datagram_user *user, struct datagram *batch, size_t count)
{
    struct name_server *s = container_of(user, struct name_server, user);
    struct dns_query query;

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(dns_query_parse(batch[i].in, 0, &query), DNS_ANSWERABLE);
        assert_true(query.ecs.is_present && query.ecs.source_bits == 24);
        bool is_page = slice_starts(dns_name_wire(&query.name), SLICE("\3www"));
        struct ip origin = demo_servers[0].address;
        struct dns_writer w = { batch[i].out, DNS_HEADER_SIZE, DATAGRAM_OUT_MAX, false };

        s->asked++;
        s->networks |= UINT64_C(1) << query.ecs.address.bytes[2];
        dns_header_put(w.out, &(struct dns_header){ query.id, DNS_FLAG_QR, 1, 1, 0, 0 });
        dns_write_question(&w, &query.name, query.type, query.class);
        dns_write_record(
            &w, &query.name, DNS_TYPE_A, 20, slice_of(is_page ? origin.bytes : s->pop.bytes, 4));
        batch[i].out_length = w.used;
    }
}

/* Name servers at all pops; one web server at each pop, and one as origin of both customers. */
struct world {
    struct bench *bench;
    struct name_server names[DEMO_POP_COUNT];
    struct demo_server servers[DEMO_POP_COUNT];
    struct demo_origin *caches[DEMO_POP_COUNT], *origin;
    struct demo_traffic *traffic;
};

static struct world *world_open(void)
{
    struct world *w = mem_new(struct world);
    struct demo_ports as_pop = ports;

    w->bench = bench_open();
    as_pop.origin = ports.http;
    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        struct endpoint at = { demo_pops[i].address, ports.dns };

        w->servers[i] = demo_servers[1];
        w->servers[i].address = demo_pops[i].address;
        w->names[i] = (struct name_server){ .user = { on_batch }, .pop = demo_pops[i].address };
        assert_int_equal(
            datagram_open(w->bench->loop, &at, &w->names[i].user, &w->names[i].socket), ERR_NONE);
        assert_int_equal(
            demo_origin_open(w->bench->loop,
                &(struct demo_origin_plan){ &w->servers[i], as_pop, { 0 } }, &w->caches[i], NULL),
            ERR_NONE);
    }
    assert_int_equal(
        demo_origin_open(w->bench->loop,
            &(struct demo_origin_plan){ &demo_servers[0], ports, { 0 } }, &w->origin, NULL),
        ERR_NONE);
    assert_int_equal(demo_traffic_start(w->bench->loop, &ports, &w->traffic, NULL), ERR_NONE);
    return w;
}

static void world_close(struct world *w)
{
    demo_traffic_stop(w->traffic);
    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        datagram_close(w->names[i].socket);
        demo_origin_close(w->caches[i]);
    }
    demo_origin_close(w->origin);
    bench_close(w->bench);
    mem_free(w);
}

static void visits_go_from_the_question_to_the_last_picture(void **)
{
    struct world *w = world_open();
    const struct demo_traffic_counts *counts = demo_traffic_counts(w->traffic);

    sim_run_for(w->bench->sim, span_s(120));
    assert_in_range(counter_read(&counts->visits), 140, 150);
    assert_true(counter_read(&counts->questions) > 3 * counter_read(&counts->visits));
    assert_int_equal(counter_read(&counts->requests), counter_read(&counts->questions));
    assert_int_equal(counter_read(&counts->unanswered), 0);
    assert_int_equal(counter_read(&counts->failures), 0);
    assert_int_equal(counter_read(&counts->refused), 0);
    assert_true(counter_read(&counts->received_bytes) > 1000000);
    uint64_t served = demo_origin_served(w->origin);

    assert_true(served > 0);
    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        assert_true(w->names[i].asked > 20);
        assert_true(demo_origin_served(w->caches[i]) > 10);
        served += demo_origin_served(w->caches[i]);
    }
    assert_int_equal(served, counter_read(&counts->requests));
    world_close(w);
}

static void visitors_come_from_many_networks(void **)
{
    struct world *w = world_open();
    uint64_t networks = 0;

    sim_run_for(w->bench->sim, span_s(120));
    for (size_t i = 0; i < DEMO_POP_COUNT; i++)
        networks |= w->names[i].networks;
    assert_true(__builtin_popcountll(networks) > 40);
    world_close(w);
}

static void who_gets_no_answer_leaves(void **)
{
    struct world *w = world_open();
    const struct demo_traffic_counts *counts = demo_traffic_counts(w->traffic);
    const struct sim_link dark = { .is_dark = true };

    sim_link_set(w->bench->sim, NULL, NULL, &dark);
    sim_run_for(w->bench->sim, span_s(60));
    assert_in_range(counter_read(&counts->visits), 70, 75);
    assert_in_range(counter_read(&counts->unanswered), 65, counter_read(&counts->visits));
    assert_int_equal(counter_read(&counts->refused), 0);
    world_close(w);
}

static void failures_are_counted_and_the_visit_goes_on(void **)
{
    struct world *w = world_open();
    const struct demo_traffic_counts *counts = demo_traffic_counts(w->traffic);

    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        demo_origin_close(w->caches[i]);
        w->caches[i] = NULL;
    }
    sim_run_for(w->bench->sim, span_s(60));
    assert_true(counter_read(&counts->failures) > 50);
    assert_int_equal(counter_read(&counts->failures) + demo_origin_served(w->origin),
        counter_read(&counts->requests));
    world_close(w);
}

static void the_traffic_can_be_stopped_at_any_moment(void **)
{
    for (int ms = 700; ms < 5000; ms += 97) {
        struct world *w = world_open();
        const struct sim_link slow = { .delay = span_ms(40), .chunk_max = 1000 };

        sim_link_set(w->bench->sim, NULL, NULL, &slow);
        sim_run_for(w->bench->sim, span_ms(ms));
        demo_traffic_stop(w->traffic);
        w->traffic = NULL;
        sim_run_for(w->bench->sim, span_s(1));
        world_close(w);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(visits_go_from_the_question_to_the_last_picture),
        cmocka_unit_test(visitors_come_from_many_networks),
        cmocka_unit_test(who_gets_no_answer_leaves),
        cmocka_unit_test(failures_are_counted_and_the_visit_goes_on),
        cmocka_unit_test(the_traffic_can_be_stopped_at_any_moment),
    };

    return cmocka_run_group_tests_name("app/demo_traffic", cases, NULL, NULL);
}
