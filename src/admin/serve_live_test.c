// SPDX-License-Identifier: Apache-2.0
/* Watchers of live figures, on a simulated loop. */
#include "admin/ask_test.h"
#include "admin/customers_test.h"
#include "admin/tokens.h"

enum { SITES = 900 }; // so that what a watcher does not read outgrows what lies between

struct orders_fake {
    size_t sites; // that the source tells of
    unsigned samples;
    uint64_t requests; // of the only node, one more with each sample
};

static void tell_live(struct admin_source *source, struct arena *arena, struct admin_live *live)
{
    struct orders_fake *p = container_of(source, struct bench, source)->orders;

    p->samples++;
    live->nodes = arena_array(arena, 1, sizeof live->nodes[0]);
    live->node_count = 1;
    live->nodes[0] = (struct admin_live_node){ .node = SLICE("fra1"), .pop = SLICE("fra") };
    live->nodes[0].requests = ++p->requests;
    live->sites = arena_array(arena, p->sites, sizeof live->sites[0]);
    live->site_count = p->sites;
    for (size_t i = 0; i < p->sites; i++) {
        char *name = arena_alloc(arena, 256);

        snprintf(name, 256, "%05zu.%0200d.test", i, 0);
        live->sites[i] =
            (struct admin_live_site){ .site = slice_text(name), .customer = SLICE("acme") };
    }
}

static const struct admin_source_ops OPS = { .live = tell_live };

struct scene {
    struct bench *bench;
    struct orders_fake fake;
};

static void scene_open(struct scene *s)
{
    *s = (struct scene){ .bench = bench_open(&OPS) };
    s->bench->orders = &s->fake;
}

static void scene_close(struct scene *s)
{
    bench_close(s->bench);
}

#define WATCH(query) "GET /api/v1/live" query " HTTP/1.1\r\nHost: 127.0.0.1:8653\r\n\r\n"

static size_t count_of(const struct asker *o, const char *wanted)
{
    size_t count = 0;

    for (const char *at = o->came.at; at != NULL && (at = strstr(at, wanted)) != NULL; at++)
        count++;
    return count;
}

static size_t events(const struct asker *o)
{
    return count_of(o, "event: live\ndata: {");
}

static void run(struct scene *s, int64_t ms)
{
    sim_run_for(s->bench->sim, span_ms(ms));
}

static void a_watcher_is_greeted_and_told_once_a_second(void **)
{
    struct scene s;
    struct asker o;

    scene_open(&s);
    asker_begin(s.bench, &o, WATCH(""));
    assert_int_equal(count_of(&o, "HTTP/1.1 200 OK\r\n"), 1);
    assert_int_equal(count_of(&o, "Content-Type: text/event-stream\r\n"), 1);
    assert_int_equal(count_of(&o, "retry: 3000\n\n"), 1);
    assert_int_equal(events(&o), 0);
    run(&s, 1000);
    assert_int_equal(events(&o), 1);
    assert_int_equal(count_of(&o, "\"requests_per_s\":1.0,"), 1);
    run(&s, 5000);
    assert_int_equal(events(&o), 6);
    asker_done(&o);
    scene_close(&s);
}

static void longer_intervals_begin_with_an_event_after_a_second(void **)
{
    struct scene s;
    struct asker o;

    scene_open(&s);
    asker_begin(s.bench, &o, WATCH("?every=4"));
    run(&s, 1000);
    assert_int_equal(events(&o), 1);
    run(&s, 3000);
    assert_int_equal(events(&o), 1);
    run(&s, 1000);
    assert_int_equal(events(&o), 2);
    // Two samples were taken between which four seconds lie, and one request came.
    assert_int_equal(count_of(&o, "\"requests_per_s\":0.25,"), 1);
    asker_done(&o);
    scene_close(&s);
}

static void nothing_is_sampled_while_nobody_watches(void **)
{
    struct scene s;
    struct asker o;

    scene_open(&s);
    run(&s, 5000);
    assert_int_equal(s.fake.samples, 0);
    asker_begin(s.bench, &o, WATCH("?every=10"));
    run(&s, 9000);
    assert_int_equal(s.fake.samples, 2); // when it came, and after a second
    asker_done(&o);
    run(&s, 13000); // the next event finds out that nobody is there
    unsigned before = s.fake.samples;

    run(&s, 30000);
    assert_int_equal(s.fake.samples, before);
    scene_close(&s);
}

static void who_left_in_a_long_interval_is_found_out_before_its_end(void **)
{
    struct scene s;
    struct asker o[ADMIN_WATCHERS_MAX], late;

    scene_open(&s);
    for (size_t i = 0; i < COUNT_OF(o); i++)
        asker_begin(s.bench, &o[i], WATCH("?every=60"));
    run(&s, 5000);
    asker_done(&o[0]);
    run(&s, 21000);
    asker_begin(s.bench, &late, WATCH(""));
    assert_int_equal(count_of(&late, "HTTP/1.1 200 "), 1);
    asker_done(&late);
    for (size_t i = 1; i < COUNT_OF(o); i++) {
        assert_int_equal(events(&o[i]), 1);
        asker_done(&o[i]);
    }
    scene_close(&s);
}

static void those_who_are_due_together_share_a_sample(void **)
{
    struct scene s;
    struct asker o[3];

    scene_open(&s);
    for (size_t i = 0; i < COUNT_OF(o); i++)
        asker_begin(s.bench, &o[i], WATCH(""));
    run(&s, 3000);
    unsigned before = s.fake.samples;

    run(&s, 4000);
    assert_int_equal(s.fake.samples, before + 4);
    assert_true(events(&o[0]) >= 6 && events(&o[1]) >= 5 && events(&o[2]) >= 5);
    for (size_t i = 0; i < COUNT_OF(o); i++)
        asker_done(&o[i]);
    scene_close(&s);
}

static void wrong_intervals_are_refused_with_the_mend(void **)
{
    static const char *const WRONG[] = { REQUEST("GET /api/v1/live?every=0"),
        REQUEST("GET /api/v1/live?every=61"), REQUEST("GET /api/v1/live?every=-1"),
        REQUEST("GET /api/v1/live?every="), REQUEST("GET /api/v1/live?every=1.5") };
    struct scene s;
    char body[4096];

    scene_open(&s);
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        assert_int_equal(ask(s.bench, WRONG[i], body), 400);
        assert_non_null(strstr(body, "\"mend\": \"give 1 to 60\""));
    }
    assert_int_equal(s.fake.samples, 0);
    scene_close(&s);
}

static void one_watcher_more_than_may_be_is_refused_until_another_leaves(void **)
{
    struct scene s;
    struct asker o[ADMIN_WATCHERS_MAX], late;

    scene_open(&s);
    for (size_t i = 0; i < COUNT_OF(o); i++)
        asker_begin(s.bench, &o[i], WATCH(""));
    asker_begin(s.bench, &late, WATCH(""));
    assert_int_equal(count_of(&late, "HTTP/1.1 503 "), 1);
    assert_int_equal(count_of(&late, "\r\nRetry-After: 10\r\n"), 1);
    asker_done(&late);
    asker_done(&o[3]);
    run(&s, 3000);
    asker_begin(s.bench, &o[3], WATCH(""));
    assert_int_equal(count_of(&o[3], "HTTP/1.1 200 "), 1);
    for (size_t i = 0; i < COUNT_OF(o); i++)
        asker_done(&o[i]);
    scene_close(&s);
}

/* Begins to watch with that token; false: it is refused, as too many watch. */
static bool watch_as(struct scene *s, struct asker *o, int who)
{
    char request[512];
    struct mint mint;

    snprintf(request, sizeof request,
        "GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n",
        token_of(who, &mint));
    asker_begin(s->bench, o, request);
    assert_int_equal(count_of(o, "HTTP/1.1 200 ") + count_of(o, "HTTP/1.1 503 "), 1);
    return count_of(o, "HTTP/1.1 200 ") == 1;
}

static void a_customer_does_not_keep_the_others_from_watching(void **)
{
    struct network *network = customers_load();
    static const int WHO[] = { TOKEN_ACME_VIEWER, TOKEN_ACME, TOKEN_ACME, TOKEN_ACME, TOKEN_ACME,
        TOKEN_ACM, TOKEN_ANNA };
    struct asker o[COUNT_OF(WHO)];
    struct scene s;

    scene_open(&s);
    admin_admit(s.bench->admin, NULL, admin_tokens_new(network, NULL));
    for (size_t i = 0; i < COUNT_OF(WHO); i++)
        assert_true(watch_as(&s, &o[i], WHO[i]) == (i != 4));
    for (size_t i = 0; i < COUNT_OF(WHO); i++)
        asker_done(&o[i]);
    scene_close(&s);
    network_free(network);
}

/* Of as many customers as there are watchers, with a token each: that of TOKEN_NOBODY + 1 + i. */
static struct network *many_customers_load(void)
{
    struct conf_errors errors;
    struct text text;
    struct mint mint;

    text_init(&text, 1 << 16);
    text_say(&text, "zone: cdn.test\npops: {fra: {nodes: {fra1: {address: 192.0.2.10}}}}\n"
                    "admin: {tls: {cert: /c, key: /k}}\ncustomers:\n");
    for (int i = 0; i < ADMIN_WATCHERS_MAX; i++) {
        token_of(TOKEN_NOBODY + 1 + i, &mint);
        text_say(&text, "  c%d: {tokens: {t: {hash: \"%s\"}}}\n", i, mint.hash);
    }
    conf_errors_init(&errors);
    struct network *network = conf_load_text("net.yaml", text_slice(&text), &errors);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    text_done(&text);
    assert_non_null(network);
    return network;
}

static void all_customers_do_not_keep_operators_from_watching(void **)
{
    struct network *network = many_customers_load();
    struct asker o[ADMIN_WATCHERS_MAX + 4];
    size_t watching = 0;
    struct scene s;

    scene_open(&s);
    admin_admit(s.bench->admin, NULL, admin_tokens_new(network, NULL));
    for (int i = 0; i < ADMIN_WATCHERS_MAX; i++)
        watching += watch_as(&s, &o[i], TOKEN_NOBODY + 1 + i);
    assert_int_equal(watching, 12);
    for (size_t i = ADMIN_WATCHERS_MAX; i < COUNT_OF(o); i++) {
        asker_begin(s.bench, &o[i], WATCH(""));
        assert_int_equal(count_of(&o[i], "HTTP/1.1 200 "), 1);
    }
    for (size_t i = 0; i < COUNT_OF(o); i++)
        asker_done(&o[i]);
    scene_close(&s);
    network_free(network);
}

static void who_does_not_read_is_cut_off_and_holds_up_nobody(void **)
{
    struct scene s;
    struct asker slow, quick;

    scene_open(&s);
    s.fake.sites = SITES;
    asker_begin(s.bench, &slow, WATCH(""));
    asker_begin(s.bench, &quick, WATCH("?every=60"));
    stream_pause(slow.stream);
    for (int i = 0; i < 60 && !slow.has_ended; i++)
        run(&s, 1000);
    // What lay between is read; then comes the end.
    if (slow.stream != NULL)
        stream_resume(slow.stream);
    run(&s, 5000);
    assert_true(slow.has_ended);
    assert_int_equal(count_of(&slow, "\r\n0\r\n\r\n"), 0); // not as if that had been all
    assert_false(quick.has_ended);
    assert_true(events(&quick) >= 1);
    asker_done(&slow);
    asker_done(&quick);
    scene_close(&s);
}

static void streams_end_whole_when_the_process_stops(void **)
{
    struct scene s;
    struct asker o, late;

    scene_open(&s);
    asker_begin(s.bench, &o, WATCH(""));
    run(&s, 1000);
    admin_leave(s.bench->admin);
    run(&s, 100);
    assert_int_equal(count_of(&o, "\r\n0\r\n\r\n"), 1);
    run(&s, 5000);
    assert_int_equal(events(&o), 1);
    asker_begin(s.bench, &late, WATCH(""));
    assert_int_equal(count_of(&late, "HTTP/1.1 503 "), 1);
    asker_done(&late);
    asker_done(&o);
    scene_close(&s);
}

static void head_has_no_body_and_is_no_watcher(void **)
{
    struct scene s;
    struct asker o;

    scene_open(&s);
    asker_begin(s.bench, &o, REQUEST("HEAD /api/v1/live"));
    run(&s, 3000);
    assert_true(o.has_ended);
    assert_int_equal(count_of(&o, "HTTP/1.1 200 OK\r\n"), 1);
    assert_int_equal(count_of(&o, "retry"), 0);
    assert_int_equal(s.fake.samples, 0);
    asker_done(&o);
    scene_close(&s);
}

static void a_token_that_is_taken_back_ends_the_stream_and_customers_see_no_nodes(void **)
{
    struct network *network = customers_load();
    char request[512];
    struct mint mint;
    struct scene s;
    struct asker o;

    scene_open(&s);
    s.fake.sites = 3;
    admin_admit(s.bench->admin, NULL, admin_tokens_new(network, NULL));
    snprintf(request, sizeof request,
        "GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:8653\r\nAuthorization: Bearer %s\r\n\r\n",
        token_of(TOKEN_ACME_VIEWER, &mint));
    asker_begin(s.bench, &o, request);
    run(&s, 2000);
    assert_int_equal(events(&o), 2);
    assert_int_equal(count_of(&o, "\"nodes\":[]"), 2);
    assert_int_equal(count_of(&o, "\"customer\":\"acme\""), 6);
    admin_admit(s.bench->admin, NULL, NULL);
    run(&s, 2000);
    assert_int_equal(events(&o), 2);
    assert_int_equal(count_of(&o, "\r\n0\r\n\r\n"), 1);
    asker_done(&o);
    scene_close(&s);
    network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watcher_is_greeted_and_told_once_a_second),
        cmocka_unit_test(longer_intervals_begin_with_an_event_after_a_second),
        cmocka_unit_test(nothing_is_sampled_while_nobody_watches),
        cmocka_unit_test(who_left_in_a_long_interval_is_found_out_before_its_end),
        cmocka_unit_test(those_who_are_due_together_share_a_sample),
        cmocka_unit_test(wrong_intervals_are_refused_with_the_mend),
        cmocka_unit_test(one_watcher_more_than_may_be_is_refused_until_another_leaves),
        cmocka_unit_test(a_customer_does_not_keep_the_others_from_watching),
        cmocka_unit_test(all_customers_do_not_keep_operators_from_watching),
        cmocka_unit_test(who_does_not_read_is_cut_off_and_holds_up_nobody),
        cmocka_unit_test(streams_end_whole_when_the_process_stops),
        cmocka_unit_test(head_has_no_body_and_is_no_watcher),
        cmocka_unit_test(a_token_that_is_taken_back_ends_the_stream_and_customers_see_no_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
