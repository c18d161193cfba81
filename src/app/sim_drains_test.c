// SPDX-License-Identifier: Apache-2.0
/* Drains in a simulated world of twenty nodes: what resolvers and visitors meet, through releases
 * and restarts. */
#include <unistd.h>

#include "app/sim_orders_test.h"
#include "app/sim_reload_test.h"
#include "io/stream.h"

enum { CLIENTS = 20 };

/* Whether answers lead to addresses that end in first to last. */
struct leading {
    struct sim_wish wish;
    const struct resolver *r;
    uint8_t first, last;
    bool is_wanted;
};

static bool is_so(struct sim_wish *wish)
{
    const struct leading *l = container_of(wish, struct leading, wish);

    for (unsigned i = 0; i < l->r->asking.subnets; i++) {
        uint8_t end = l->r->answers[i].bytes[3];

        if ((end >= l->first && end <= l->last) != l->is_wanted)
            return false;
    }
    return true;
}

/* Of the resolver's clients, all or none. */
static struct span time_until_led(
    struct world *w, const struct resolver *r, uint8_t first, uint8_t last, bool is_wanted)
{
    struct leading leading = { { is_so }, r, first, last, is_wanted };
    struct instant start = sim_now(w->sim);

    assert_true(sim_run_until(w->sim, &leading.wish, span_s(10)));
    return instant_since(start, sim_now(w->sim));
}

static void resolve(struct world *w, struct resolver *r, const char *name, size_t node)
{
    resolver_start(w, r,
        (struct asking){ .name = name, .subnets = CLIENTS, .every = span_ms(20), .node = node });
}

static void a_drained_pop_is_out_of_all_answers_at_once_and_back_at_once(void **)
{
    struct figures f = { .list = mem_array(FIGURES_MAX, sizeof(int64_t)) };

    for (uint64_t seed = 1; seed <= few_seeds(); seed++) {
        struct world *w = twenty(seed);
        struct resolver near, far;

        resolve(w, &near, "static.test", 0);
        resolve(w, &far, "static.test", 1);
        time_until_led(w, &near, 1, 4, true); // its own pop is the nearest it knows
        give(w, 17, ORDER_DRAIN_POP, "fra");
        figures_add(&f, time_until_led(w, &near, 1, 4, false).ns / 1000000);
        time_until_led(w, &far, 1, 4, false);
        sim_run_for(w->sim, span_s(15)); // past the next map
        assert_true(is_so(&(struct leading){ { is_so }, &near, 1, 4, false }.wish));
        give(w, 3, ORDER_UNDRAIN_POP, "fra");
        figures_add(&f, time_until_led(w, &near, 1, 4, true).ns / 1000000);
        assert_int_equal(near.empty + far.empty, 0);
        resolver_stop(w, &near);
        resolver_stop(w, &far);
        world_close(w);
    }
    assert_true(figures_tell(&f, "ms until answers follow a drain") <= 100);
    mem_free(f.list);
}

static void of_a_pop_with_one_node_drained_the_others_are_answered(void **)
{
    struct world *w = twenty(1);
    struct resolver r;

    resolve(w, &r, "static.test", 0);
    time_until_led(w, &r, 1, 4, true);
    give(w, 9, ORDER_DRAIN_NODE, "fra2");
    time_until_led(w, &r, 2, 2, false);
    assert_true(is_so(&(struct leading){ { is_so }, &r, 1, 4, true }.wish));
    give(w, 9, ORDER_DRAIN_NODE, "fra1");
    time_until_led(w, &r, 3, 4, true);
    resolver_stop(w, &r);
    world_close(w);
}

static void when_all_pops_are_drained_visitors_are_answered_nevertheless(void **)
{
    static const char *const POPS[] = { "fra", "nyc", "sin", "gru", "lhr" };
    struct world *w = twenty(1);
    struct resolver r;

    resolve(w, &r, "static.test", 0);
    for (size_t i = 0; i < COUNT_OF(POPS); i++)
        give(w, i, ORDER_DRAIN_POP, POPS[i]);
    sim_run_for(w->sim, span_s(15));
    assert_true(is_so(&(struct leading){ { is_so }, &r, 1, 20, true }.wish));
    assert_int_equal(r.empty, 0);
    resolver_stop(w, &r);
    world_close(w);
}

static void a_drained_origin_gets_neither_visitors_nor_fills_while_another_will_do(void **)
{
    struct world *w = twenty(1);
    struct origin_pool_stats stats;
    struct resolver r;
    struct ask ask;

    resolve(w, &r, "www.test", 0);
    ask_one(w, &ask, 0, "/kept/1");
    assert_int_equal(w->origins[0].requests, 1); // the first in the list
    origin_pool_stats(w->nodes[0]->pool, &stats);
    assert_int_equal(stats.idle, 1);
    give(w, 12, ORDER_DRAIN_ORIGIN, "acme/one");
    time_until(w, &r, 0, false);
    origin_pool_stats(w->nodes[0]->pool, &stats);
    assert_int_equal(stats.idle, 0);
    for (size_t i = 0; i < TWENTY_NODES; i++) {
        ask_one(w, &ask, i, "/kept/2");
        assert_whole(&ask, 2);
    }
    assert_int_equal(w->origins[0].requests, 1);
    assert_int_equal(w->origins[1].requests, TWENTY_NODES);
    give(w, 12, ORDER_DRAIN_ORIGIN, "acme/two"); // none is left, so all are asked
    ask_one(w, &ask, 0, "/kept/3");
    assert_whole(&ask, 3);
    give(w, 12, ORDER_UNDRAIN_ORIGIN, "acme/one");
    time_until(w, &r, 0, true);
    resolver_stop(w, &r);
    world_close(w);
}

static void a_fill_from_an_origin_that_is_drained_meanwhile_ends_whole(void **)
{
    struct world *w = twenty(1);
    struct ask ask;

    w->origins[0].thinks = span_s(1);
    ask_start(w, &ask, "/kept/100000", "");
    sim_run_for(w->sim, span_ms(500));
    give(w, 1, ORDER_DRAIN_ORIGIN, "acme/one");
    world_wait(w, &ask, 1);
    assert_whole(&ask, 100000);
    assert_int_equal(w->origins[0].requests, 1);
    assert_int_equal(w->origins[1].requests, 0);
    world_close(w);
}

/* A visitor who has connected, and says nothing. */
struct idler {
    struct stream_user user;
    struct stream *stream;
    struct loop_message message;
    struct loop *loop;
    struct endpoint to;
    bool is_open, is_ended;
};

static void idler_open(struct stream_user *user)
{
    container_of(user, struct idler, user)->is_open = true;
}

static size_t idler_data(struct stream_user *, struct slice bytes)
{
    return bytes.length;
}

static void idler_end(struct stream_user *user)
{
    container_of(user, struct idler, user)->is_ended = true;
}

static size_t idler_pull(struct stream_user *, struct iovec *, size_t)
{
    return 0;
}

static void idler_sent(struct stream_user *, size_t)
{
}

static void idler_closed(struct stream_user *user, enum err)
{
    struct idler *i = container_of(user, struct idler, user);

    i->is_ended = true;
    i->stream = NULL;
}

static const struct stream_user_ops IDLER = { .open = idler_open,
    .data = idler_data,
    .end = idler_end,
    .pull = idler_pull,
    .sent = idler_sent,
    .closed = idler_closed };

static void idler_connect(struct loop_message *message)
{
    struct idler *i = container_of(message, struct idler, message);

    i->stream = stream_connect(i->loop, &i->to, &i->user);
}

static void idler_start(struct world *w, struct idler *i, size_t node)
{
    *i = (struct idler){ .user.ops = &IDLER,
        .message.run = idler_connect,
        .loop = w->outside,
        .to = { ip_v4(10, 0, 0, (uint8_t)(node + 1)), 80 } };
    loop_post(w->outside, &i->message);
    sim_run_for(w->sim, span_ms(50));
    assert_true(i->is_open);
}

static void idler_stop(struct idler *i)
{
    if (i->stream != NULL)
        stream_close(i->stream, false);
}

static void a_drained_node_closes_connections_gently_and_goes_on_serving(void **)
{
    struct world *w = twenty(1);
    struct idler idlers[2];
    struct ask ask;

    idler_start(w, &idlers[0], 0);
    idler_start(w, &idlers[1], 1);
    ask_one(w, &ask, 0, "/kept/1000");
    assert_false(ask_has(&ask, "Connection: close"));
    assert_false(idlers[0].is_ended);
    give(w, 8, ORDER_DRAIN_NODE, "fra1");
    sim_run_for(w->sim, span_ms(50));
    assert_true(idlers[0].is_ended);
    assert_false(idlers[1].is_ended);
    for (size_t i = 0; i < 3; i++) {
        ask_one(w, &ask, 0, "/kept/1000");
        assert_whole(&ask, 1000);
        assert_true(ask_has(&ask, "Connection: close"));
    }
    ask_one(w, &ask, 1, "/kept/1000");
    assert_false(ask_has(&ask, "Connection: close"));
    give(w, 8, ORDER_UNDRAIN_NODE, "fra1");
    sim_run_for(w->sim, span_ms(50));
    ask_one(w, &ask, 0, "/kept/1000");
    assert_false(ask_has(&ask, "Connection: close"));
    idler_stop(&idlers[0]);
    idler_stop(&idlers[1]);
    world_close(w);
}

static bool is_marked(const struct world *w, size_t node, const char *host, const char *origin)
{
    const struct steer_rows *rows = node_root(w->nodes[node])->rows;
    const struct site *site = network_site(rows->network, slice_text(host));

    for (size_t i = 0; i < site->origin_count; i++)
        if (slice_equal(site->origins[i]->name, slice_text(origin)))
            return (steer_health(rows, checks_of_origin(rows->checks, site, i)) & STEER_DRAINED) !=
                   0;
    fail_msg("no such origin");
    return false;
}

static void a_new_release_takes_drains_over_and_may_name_what_was_drained_before(void **)
{
    static char later[sizeof TWENTY + 200];
    struct world *w = twenty(1);

    snprintf(later, sizeof later,
        "%s      later.test: {steer: [two, one], probe: {http: /later}}\n", TWENTY);
    give(w, 0, ORDER_DRAIN_ORIGIN, "acme/one");
    give(w, 0, ORDER_DRAIN_ORIGIN, "acme/nobody");
    assert_true(is_marked(w, 7, "www.test", "one"));
    use_network(w, later);
    for (size_t i = 0; i < TWENTY_NODES; i++) {
        assert_true(is_marked(w, i, "www.test", "one"));
        assert_true(is_marked(w, i, "later.test", "one"));
        assert_false(is_marked(w, i, "later.test", "two"));
        assert_true(has_drained(w, i, DRAIN_ORIGIN, "acme/nobody"));
    }
    give(w, 0, ORDER_UNDRAIN_ORIGIN, "acme/one");
    sim_run_for(w->sim, span_ms(20));
    assert_false(is_marked(w, 7, "later.test", "one"));
    world_close(w);
}

static void rename_pop(char *network, const char *from, const char *to)
{
    char pop[16];

    snprintf(pop, sizeof pop, "  %s: {", from);
    char *at = strstr(network, pop);

    assert_non_null(at);
    memcpy(at + 2, to, strlen(to));
}

/* sin1 comes into a pop that was drained by name, nyc1 out of one. */
static void a_node_is_drained_as_the_new_release_has_it(void **)
{
    static char later[sizeof TWENTY];
    enum { NYC1 = 4, SIN1 = 8 };
    struct world *w = twenty(1);
    struct idler idler;
    struct ask ask;

    give(w, 0, ORDER_DRAIN_POP, "nyc");
    give(w, 0, ORDER_DRAIN_POP, "lax");
    idler_start(w, &idler, SIN1);
    ask_one(w, &ask, NYC1, "/kept/1000");
    assert_true(ask_has(&ask, "Connection: close"));
    memcpy(later, TWENTY, sizeof later);
    rename_pop(later, "nyc", "bos");
    rename_pop(later, "sin", "lax");
    use_network(w, later);
    assert_true(idler.is_ended);
    ask_one(w, &ask, SIN1, "/kept/1000");
    assert_true(ask_has(&ask, "Connection: close"));
    ask_one(w, &ask, NYC1, "/kept/1000");
    assert_false(ask_has(&ask, "Connection: close"));
    idler_stop(&idler);
    world_close(w);
}

/* With the log and the nodes' files in this folder. */
static struct world *twenty_in(const char *folder, uint64_t seed)
{
    struct world *w = twenty_on(seed, folder);
    char path[200];
    struct diag why = { 0 };

    snprintf(path, sizeof path, "%s/orders.log", folder);
    assert_int_equal(pool_new(0, 64, &w->pool), ERR_NONE);
    assert_int_equal(bus_hub_log(w->hub, w->pool, w->control, path, &why), ERR_NONE);
    assert_string_equal(why.text, "");
    return w;
}

static void empty_folder(const struct world *w, const char *folder)
{
    char path[200];

    for (size_t i = 0; i < w->node_count; i++) {
        snprintf(path, sizeof path, "%s/%.*s", folder, SLICE_ARG(w->nodes[i]->name));
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/orders.log", folder);
    unlink(path);
}

static void after_a_restart_of_all_what_was_drained_is_so_from_the_first_answer(void **)
{
    char folder[] = "/tmp/waypost-drains-XXXXXX";
    struct resolver r;

    assert_non_null(mkdtemp(folder));
    struct world *w = twenty_in(folder, 1);

    world_nodes_steer(w);
    give(w, 0, ORDER_DRAIN_POP, "nyc");
    give(w, 5, ORDER_DRAIN_POP, "fra");
    time_until_all_have(w, give(w, 9, ORDER_UNDRAIN_POP, "nyc"));
    world_close(w);

    w = twenty_in(folder, 2);
    world_nodes_steer(w);
    for (size_t i = 0; i < TWENTY_NODES; i++) {
        assert_int_equal(position_of(w, i), 3);
        assert_true(has_drained(w, i, DRAIN_POP, "fra"));
        assert_false(has_drained(w, i, DRAIN_POP, "nyc"));
    }
    resolve(w, &r, "static.test", 0);
    assert_true(is_so(&(struct leading){ { is_so }, &r, 1, 4, false }.wish));
    assert_int_equal(give(w, 0, ORDER_UNDRAIN_POP, "fra"), 4); // the same log goes on
    time_until_led(w, &r, 1, 4, true);
    for (size_t i = 0; i < TWENTY_NODES; i++) {
        const struct orders_counts *counts = orders_counts(w->orders[i]);

        assert_int_equal(counter_read(&counts->applied), 1);
        assert_int_equal(counter_read(&counts->gaps), 0);
    }
    resolver_stop(w, &r);
    empty_folder(w, folder);
    world_close(w);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_drained_pop_is_out_of_all_answers_at_once_and_back_at_once),
        cmocka_unit_test(of_a_pop_with_one_node_drained_the_others_are_answered),
        cmocka_unit_test(when_all_pops_are_drained_visitors_are_answered_nevertheless),
        cmocka_unit_test(a_drained_origin_gets_neither_visitors_nor_fills_while_another_will_do),
        cmocka_unit_test(a_fill_from_an_origin_that_is_drained_meanwhile_ends_whole),
        cmocka_unit_test(a_drained_node_closes_connections_gently_and_goes_on_serving),
        cmocka_unit_test(a_new_release_takes_drains_over_and_may_name_what_was_drained_before),
        cmocka_unit_test(a_node_is_drained_as_the_new_release_has_it),
        cmocka_unit_test(after_a_restart_of_all_what_was_drained_is_so_from_the_first_answer),
    };

    return cmocka_run_group_tests_name("app/sim_drains", cases, NULL, NULL);
}
