// SPDX-License-Identifier: Apache-2.0
/*
 * Whole nodes in a simulated world. Each case runs for SIM_SEEDS seeds (50 unless the environment
 * says otherwise), each with another network: delays, splits, small buffers.
 */
#include "app/sim_ask_test.h"
#include "io/datagram.h"

#define PROBE_PATH "/.well-known/waypost/probe"

enum { CROWD = 24 };

static void hit_story(struct world *w)
{
    struct ask a;

    ask_and_wait(w, &a, "/kept/3000", "");
    assert_whole(&a, 3000);
    assert_true(ask_has(&a, "fwd=uri-miss; stored"));
    for (int i = 0; i < 4; i++) {
        ask_and_wait(w, &a, "/kept/3000", "");
        assert_whole(&a, 3000);
        assert_true(ask_has(&a, "\"fra1\"; hit; ttl="));
        assert_true(ask_has(&a, "Age: "));
        assert_true(ask_has(&a, "Via: 1.1 fra1"));
    }
    assert_int_equal(origin_requests(w), 1);
}

static void a_miss_fills_and_the_next_visits_are_hits(void **)
{
    in_many_worlds(hit_story);
}

static void crowd(struct world *w, const char *path, size_t bytes, unsigned fills)
{
    struct ask *asks = mem_array(CROWD, sizeof *asks);

    for (size_t i = 0; i < CROWD; i++) {
        ask_start(w, &asks[i], path, "");
        sim_run_for(w->sim, span_us((int64_t)sim_draw(w->sim, 3000)));
    }
    world_wait(w, asks, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        assert_whole(&asks[i], bytes);
    assert_int_equal(origin_requests(w), fills);
    mem_free(asks);
}

static void crowd_story(struct world *w)
{
    crowd(w, "/kept/150000", 150000, 1);
}

static void all_who_ask_at_once_share_one_fill_on_every_worker(void **)
{
    in_many_worlds(crowd_story);
}

static void growing_story(struct world *w)
{
    crowd(w, "/grows/60000", 60000, 1);
}

static void what_grows_is_read_while_it_arrives(void **)
{
    in_many_worlds(growing_story);
}

static void private_story(struct world *w)
{
    struct ask a;

    crowd(w, "/private/9000", 9000, CROWD);
    ask_and_wait(w, &a, "/private/9000", "");
    assert_whole(&a, 9000);
    assert_true(ask_has(&a, "detail=uncacheable")); // it was remembered, and waited for nobody
    assert_int_equal(origin_requests(w), CROWD + 1);
}

static void a_private_answer_is_for_each_visitor_alone(void **)
{
    in_many_worlds(private_story);
}

static void variant_story(struct world *w)
{
    static const char *const LANGUAGES[] = { "Accept-Language: de\r\n", "Accept-Language: fr\r\n" };
    struct ask asks[8];

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(asks); i++)
            ask_start(w, &asks[i], "/vary/5000", LANGUAGES[i % 2]);
        world_wait(w, asks, COUNT_OF(asks));
        for (size_t i = 0; i < COUNT_OF(asks); i++)
            assert_whole(&asks[i], 5000);
    }
    assert_int_equal(origin_requests(w), 2);
}

static void each_variant_is_filled_once_and_given_to_its_own(void **)
{
    in_many_worlds(variant_story);
}

static void failover_story(struct world *w)
{
    struct ask a;

    origin_stop(&w->origins[0]);
    ask_and_wait(w, &a, "/kept/500", "");
    assert_whole(&a, 500);
    w->origins[1].says_503 = true;
    ask_and_wait(w, &a, "/kept/501", "");
    assert_true(a.status == 502 || a.status == 503);
    w->origins[1].says_503 = false;
    ask_and_wait(w, &a, "/kept/501", "");
    assert_whole(&a, 501);
}

static void the_next_origin_answers_when_the_first_is_gone(void **)
{
    in_many_worlds(failover_story);
}

static void missing_story(struct world *w)
{
    struct ask a;

    ask_and_wait(w, &a, "/second/700", "");
    assert_whole(&a, 700);
    assert_int_equal(w->origins[0].requests, 1);
    assert_int_equal(w->origins[1].requests, 1);
}

static void what_one_origin_misses_another_may_have(void **)
{
    in_many_worlds(missing_story);
}

static void stale_story(struct world *w)
{
    struct ask a;

    ask_and_wait(w, &a, "/brief/400", "");
    assert_whole(&a, 400);
    sim_run_for(w->sim, span_s(5));
    ask_and_wait(w, &a, "/brief/400", "");
    assert_whole(&a, 400);
    assert_int_equal(w->origins[0].not_modified, 1);
    sim_run_for(w->sim, span_s(5));
    origin_stop(&w->origins[0]);
    origin_stop(&w->origins[1]);
    ask_and_wait(w, &a, "/brief/400", "");
    assert_whole(&a, 400);
    assert_true(ask_has(&a, "fwd=stale"));
    sim_run_for(w->sim, span_s(700));
    ask_and_wait(w, &a, "/brief/400", "");

    assert_int_equal(a.status, 502);
}

static void a_stale_copy_is_validated_and_stands_in_when_origins_are_down(void **)
{
    in_many_worlds(stale_story);
}

static void cut_story(struct world *w)
{
    struct ask a;

    ask_and_wait(w, &a, "/cut/40000", "");
    assert_true(a.err != ERR_NONE);
    assert_false(a.is_wrong);
    assert_true(a.body_bytes < 20000 + 64); // the origin sends in pieces of 64
    unsigned before = origin_requests(w);

    ask_and_wait(w, &a, "/cut/40000", "");
    assert_true(origin_requests(w) > before);
}

static void half_an_answer_is_told_as_such_and_not_kept(void **)
{
    in_many_worlds(cut_story);
}

static void range_story(struct world *w)
{
    struct ask a;

    ask_and_wait(w, &a, "/kept/90000", "");
    ask_and_wait(w, &a, "/kept/90000", "Range: bytes=0-99\r\n");
    assert_int_equal(a.status, 206);
    assert_int_equal(a.body_bytes, 100);
    assert_false(a.is_wrong);
    assert_true(ask_has(&a, "Content-Range: bytes 0-99/90000"));
    ask_and_wait(w, &a, "/kept/90000", "Range: bytes=89990-\r\n");
    assert_int_equal(a.body_bytes, 10);
    ask_and_wait(w, &a, "/kept/90000", "Range: bytes=90000-\r\n");
    assert_int_equal(a.status, 416);
    ask_and_wait(w, &a, "/kept/90000", "If-None-Match: \"k\"\r\n");
    assert_int_equal(a.status, 304);
    assert_int_equal(a.body_bytes, 0);
    assert_int_equal(origin_requests(w), 1);
}

static void ranges_and_conditions_are_answered_from_the_store(void **)
{
    in_many_worlds(range_story);
}

static void leaver_story(struct world *w)
{
    struct ask first, second;

    ask_start(w, &first, "/grows/50000", "");
    sim_run_for(w->sim, span_ms((int64_t)sim_draw(w->sim, 100)));
    ask_start(w, &second, "/grows/50000", "");
    sim_run_for(w->sim, span_ms((int64_t)sim_draw(w->sim, 30)));
    if (!first.is_done && first.client != NULL)
        http_client_cancel(first.client);
    world_wait(w, &second, 1);
    assert_whole(&second, 50000);
}

static void a_fill_goes_on_when_the_one_who_caused_it_leaves(void **)
{
    in_many_worlds(leaver_story);
}

static void reload_story(struct world *w)
{
    struct ask before, after;
    struct root *root = world_root(", paths: {/kept/*: {cache: no}}");

    ask_start(w, &before, "/grows/50000", "");
    sim_run_for(w->sim, span_ms((int64_t)sim_draw(w->sim, 120)));
    node_publish(w->node, &root);
    world_wait(w, &before, 1);
    assert_whole(&before, 50000);
    ask_and_wait(w, &after, "/kept/100", "");
    assert_whole(&after, 100);
    assert_true(ask_has(&after, "fwd=bypass"));
}

static void a_new_root_counts_for_the_next_request_and_the_old_one_ends_in_peace(void **)
{
    in_many_worlds(reload_story);
}

static void outgrown_story(struct world *w)
{
    struct ask a;
    struct root *root = world_root(", object_max: 20 KiB");

    node_publish(w->node, &root);
    ask_and_wait(w, &a, "/grows/100000", "");
    assert_whole(&a, 100000);
    ask_and_wait(w, &a, "/grows/15000", "");
    assert_whole(&a, 15000);
    ask_and_wait(w, &a, "/grows/15000", "");
    assert_whole(&a, 15000);
    assert_true(ask_has(&a, "; hit;"));
    ask_and_wait(w, &a, "/kept/50000", "");
    assert_whole(&a, 50000);
    assert_true(ask_has(&a, "fwd-status=200"));
}

static void what_outgrows_the_limit_is_read_to_its_end_and_not_kept(void **)
{
    in_many_worlds(outgrown_story);
}

static void a_body_larger_than_the_memory_arrives_whole(void **)
{
    const struct sim_link plain = { .delay = span_us(200) };

    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct world *w = world_open(seed, &plain);
        struct ask a;

        ask_and_wait(w, &a, "/kept/20000000", ""); // the store has 16 MiB
        assert_whole(&a, 20000000);
        ask_and_wait(w, &a, "/kept/300", "");
        assert_whole(&a, 300);
        world_close(w);
    }
}

static void probe_story(struct world *w)
{
    struct delivery_load *load = &w->node->load;
    struct ask a;

    ask_and_wait(w, &a, PROBE_PATH, "");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.start, "ok\n");
    assert_false(ask_has(&a, "endpoint-load-metrics"));
    atomic_store(&load->cpu, 310000);
    atomic_store(&load->rate, 1500);
    ask_and_wait(w, &a, PROBE_PATH, "");
    assert_true(
        ask_has(&a, "endpoint-load-metrics: TEXT cpu_utilization=0.31,rps_fractional=1.5\n"));
    atomic_store(&load->memory, 1000000);
    atomic_store(&load->application, 1250000);
    atomic_store(&load->cpu, DELIVERY_LOAD_UNKNOWN);
    ask_and_wait(w, &a, PROBE_PATH, "");
    assert_true(ask_has(&a, "endpoint-load-metrics: TEXT mem_utilization=1,"
                            "application_utilization=1.25,rps_fractional=1.5\n"));
    ask_and_wait(w, &a, "/kept/3000", "");
    assert_whole(&a, 3000);
    assert_false(ask_has(&a, "endpoint-load-metrics"));
    assert_int_equal(origin_requests(w), 1);
}

static void a_probe_is_told_what_is_known_of_the_load_and_no_one_else(void **)
{
    in_many_worlds(probe_story);
}

struct asker {
    struct datagram_user user;
    size_t answers;
    unsigned char last[64];
};

static void on_answer(struct datagram_user *user, struct datagram *batch, size_t count)
{
    struct asker *a = container_of(user, struct asker, user);

    a->answers += count;
    memcpy(a->last, batch[count - 1].in.at, sizeof a->last);
}

static void dns_story(struct world *w)
{
    static const unsigned char QUERY[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                         "\x03www\x04test\x00\x00\x01\x00\x01";
    const struct endpoint node = { ip_v4(10, 0, 0, 1), 53 }, own = { ip_v4(10, 0, 2, 1), 0 };
    struct asker asker = { .user.batch = on_answer };
    struct datagram_socket *socket = NULL;

    assert_int_equal(datagram_open(w->outside, &own, &asker.user, &socket), ERR_NONE);
    datagram_send(socket, &node, slice_of(QUERY, sizeof QUERY - 1));
    sim_run_for(w->sim, span_s(1));
    assert_int_equal(asker.answers, 1);
    assert_memory_equal(asker.last, "\x12\x34\x85\x00\x00\x01\x00\x01", 8);
    assert_memory_equal(asker.last + sizeof QUERY - 1 + 12, "\x0a\x00\x01\x01", 4);
    datagram_close(socket);
}

static void the_page_name_leads_to_the_first_origin(void **)
{
    in_many_worlds(dns_story);
}

static uint64_t trace_of(uint64_t seed)
{
    const struct sim_link link = link_of(seed);
    struct world *w = world_open(seed, &link);
    struct ask a;

    ask_and_wait(w, &a, "/kept/20000", "");
    uint64_t trace = sim_trace(w->sim);

    world_close(w);
    return trace;
}

static void the_same_seed_gives_the_same_run(void **)
{
    for (uint64_t seed = 1; seed < 4; seed++)
        assert_true(trace_of(seed) == trace_of(seed));
    assert_true(trace_of(1) != trace_of(2));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_miss_fills_and_the_next_visits_are_hits),
        cmocka_unit_test(all_who_ask_at_once_share_one_fill_on_every_worker),
        cmocka_unit_test(what_grows_is_read_while_it_arrives),
        cmocka_unit_test(a_private_answer_is_for_each_visitor_alone),
        cmocka_unit_test(each_variant_is_filled_once_and_given_to_its_own),
        cmocka_unit_test(the_next_origin_answers_when_the_first_is_gone),
        cmocka_unit_test(what_one_origin_misses_another_may_have),
        cmocka_unit_test(a_stale_copy_is_validated_and_stands_in_when_origins_are_down),
        cmocka_unit_test(half_an_answer_is_told_as_such_and_not_kept),
        cmocka_unit_test(ranges_and_conditions_are_answered_from_the_store),
        cmocka_unit_test(a_fill_goes_on_when_the_one_who_caused_it_leaves),
        cmocka_unit_test(a_new_root_counts_for_the_next_request_and_the_old_one_ends_in_peace),
        cmocka_unit_test(what_outgrows_the_limit_is_read_to_its_end_and_not_kept),
        cmocka_unit_test(a_body_larger_than_the_memory_arrives_whole),
        cmocka_unit_test(a_probe_is_told_what_is_known_of_the_load_and_no_one_else),
        cmocka_unit_test(the_page_name_leads_to_the_first_origin),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
    };

    return cmocka_run_group_tests_name("app/sim", cases, NULL, NULL);
}
