// SPDX-License-Identifier: Apache-2.0
#include "admin/orders_test.h"

#include "admin/ask_test.h"
#include "admin/json.h"

/* A source whose log takes orders, now or later, or does not. */
struct orders_fake {
    struct bench *bench;
    bool is_late;
    enum err err;
    unsigned count;        // of orders that came
    uint64_t tickets[100]; // their tickets
    struct order order;    // the newest, its texts copied
    char site[64], text[64], by[64];
    size_t limit; // that was asked for
};

static struct orders_fake *fake_of(struct admin_source *source)
{
    return container_of(source, struct bench, source)->orders;
}

static void say(struct orders_fake *f, uint64_t ticket)
{
    admin_order_done(f->bench->admin, ticket,
        &(struct admin_order_result){ f->err, 0xabc, f->err == ERR_NONE ? f->count : 0,
            f->err == ERR_NONE ? NULL : "the log is away" });
}

static void take(
    struct admin_source *source, struct admin *, uint64_t ticket, const struct order *order)
{
    struct orders_fake *f = fake_of(source);

    assert_true(order_is_sane(order));
    f->order = *order;
    snprintf(f->site, sizeof f->site, "%.*s", SLICE_ARG(order->site));
    snprintf(f->text, sizeof f->text, "%.*s", SLICE_ARG(order->text));
    snprintf(f->by, sizeof f->by, "%.*s", SLICE_ARG(order->by));
    f->tickets[f->count++] = ticket;
    if (!f->is_late)
        say(f, ticket);
}

static const struct order given = { .id = { 0xab, [15] = 0x01 },
    .kind = ORDER_PURGE_URL,
    .is_soft = true,
    .at = { 1795341600000 },
    .by = { "root", 4 },
    .site = { "static.acme.test", 16 },
    .text = { "/logo.png", 9 } };
static const struct admin_receipt receipts[] = {
    { { "fra1", 4 }, { "fra", 3 }, true, { 1795341605000 }, { 1795341600004 } },
    { { "nyc1", 4 }, { "nyc", 3 }, false, { 1795341540000 }, { 0 } },
    { { "sin1", 4 }, { "sin", 3 }, false, { 0 }, { 0 } },
};
static const struct admin_order kept[] = { { 0xabc, 7, &given, receipts, 3 } };

static void tell(struct admin_source *source, struct arena *,
    const struct admin_orders_question *question, struct admin_orders *orders)
{
    fake_of(source)->limit = question->limit;
    orders->network = &orders_network;
    orders->drains = orders_drains;
    orders->drain_count = 2;
    if (question->limit == 0)
        return;
    orders->node = SLICE("fra1");
    orders->now.ms = 1795341605500;
    orders->era = 0xabc;
    orders->applied = 7;
    orders->orders = kept;
    orders->order_count = question->number == 0 || question->number == 7;
}

static const struct admin_source_ops OPS = { .order = take, .orders = tell };

static struct bench *fake_open(struct orders_fake *f)
{
    *f = (struct orders_fake){ .bench = bench_open(&OPS) };
    f->bench->orders = f;
    return f->bench;
}

/* Posts the body, in one piece. */
static int post(struct bench *b, const char *path, const char *body, char answer[4096])
{
    char request[1024];

    snprintf(request, sizeof request,
        "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
        "%zu\r\n\r\n%s",
        path, strlen(body), body);
    return ask(b, request, answer);
}

static void an_order_is_given_to_the_log_and_its_number_told(void **)
{
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    const struct wall before = loop_wall(b->loop);
    char answer[4096];

    assert_int_equal(post(b, "/api/v1/purge",
                         "{\"url\": \"http://static.acme.test/a?b\", \"soft\": true}", answer),
        200);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.order.kind, ORDER_PURGE_URL);
    assert_true(
        f.order.is_soft && f.order.at.ms >= before.ms && f.order.at.ms <= loop_wall(b->loop).ms);
    assert_string_equal(f.site, "static.acme.test");
    assert_string_equal(f.text, "/a?b");
    assert_string_equal(f.by, "loopback");
    assert_non_null(strstr(answer, "\"number\": 1,"));
    assert_non_null(strstr(answer, "\"era\": \"0000000000000abc\""));
    assert_non_null(strstr(answer, "\"kind\": \"purge url\""));
    assert_non_null(strstr(answer, "\"path\": \"/a?b\""));
    assert_non_null(strstr(answer, "\"soft\": true"));
    bench_close(b);
}

static void drains_and_their_ends_are_orders_too(void **)
{
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    assert_int_equal(post(b, "/api/v1/drain", "{\"origin\": \"acme/ams\"}", answer), 200);
    assert_int_equal(f.order.kind, ORDER_DRAIN_ORIGIN);
    assert_string_equal(f.text, "acme/ams");
    assert_non_null(strstr(answer, "\"origin\": \"acme/ams\""));
    assert_null(strstr(answer, "\"soft\""));
    assert_int_equal(post(b, "/api/v1/undrain", "{\"pop\": \"sin\"}", answer), 200);
    assert_int_equal(f.order.kind, ORDER_UNDRAIN_POP);
    assert_int_equal(f.count, 2);
    bench_close(b);
}

static void each_order_has_an_id_of_its_own_unless_one_is_given(void **)
{
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    unsigned char first[ORDER_ID_SIZE];
    char answer[4096];

    post(b, "/api/v1/drain", "{\"pop\": \"fra\"}", answer);
    memcpy(first, f.order.id, sizeof first);
    post(b, "/api/v1/drain", "{\"pop\": \"fra\"}", answer);
    assert_memory_not_equal(first, f.order.id, sizeof first);
    post(b, "/api/v1/drain", "{\"pop\": \"fra\", \"id\": \"ff000000000000000000000000000001\"}",
        answer);
    assert_true(f.order.id[0] == 0xff && f.order.id[15] == 1);
    assert_non_null(strstr(answer, "\"id\": \"ff000000000000000000000000000001\""));
    bench_close(b);
}

static void what_is_wrong_reaches_no_log(void **)
{
    static const struct {
        const char *path, *body;
        int status;
    } CASES[] = {
        { "/api/v1/purge", "", 400 },
        { "/api/v1/purge", "{", 400 },
        { "/api/v1/purge", "{\"url\": \"http://static.acme.tast/\"}", 404 },
        { "/api/v1/purge", "{\"site\": \"www.acme.test\"}", 422 },
        { "/api/v1/purge", "{\"pop\": \"fra\"}", 400 },
        { "/api/v1/drain", "{\"pop\": \"sin\"}", 404 },
        { "/api/v1/drain/", "{\"pop\": \"fra\"}", 404 },
    };
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        assert_int_equal(post(b, CASES[i].path, CASES[i].body, answer), CASES[i].status);
        assert_non_null(strstr(answer, "\"code\": "));
        assert_non_null(strstr(answer, "\"message\": "));
        assert_non_null(strstr(answer, "\"mend\": "));
    }
    assert_int_equal(ask(b, REQUEST("GET /api/v1/purge"), answer), 405);
    assert_int_equal(f.count, 0);
    bench_close(b);
}

static void another_page_gives_no_orders(void **)
{
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    assert_int_equal(ask(b,
                         "POST /api/v1/drain HTTP/1.1\r\nHost: 127.0.0.1:8653\r\n"
                         "Origin: http://evil.test\r\nConnection: close\r\nContent-Length: "
                         "14\r\n\r\n{\"pop\": \"fra\"}",
                         answer),
        403);
    assert_int_equal(f.count, 0);
    bench_close(b);
}

static void a_body_may_come_in_chunks_up_to_a_limit(void **)
{
    static const char HEAD[] = "POST /api/v1/drain HTTP/1.1\r\nHost: localhost\r\n"
                               "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096], *request = mem_alloc(128 * 1024);

    snprintf(request, 1024, "%s7\r\n{\"pop\":\r\n7\r\n \"fra\"}\r\n0\r\n\r\n", HEAD);
    assert_int_equal(ask(b, request, answer), 200);
    assert_int_equal(f.count, 1);
    size_t length = (size_t)snprintf(request, 1024, "%s8000\r\n", HEAD);

    memset(request + length, ' ', 0x8000);
    snprintf(request + length + 0x8000, 16, "\r\n0\r\n\r\n");
    assert_int_equal(ask(b, request, answer), 413);
    length = (size_t)snprintf(request, 1024,
        "POST /api/v1/drain HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Content-Length: %d\r\n\r\n",
        ORDER_BODY_MAX + 1);
    memset(request + length, ' ', ORDER_BODY_MAX + 1);
    request[length + ORDER_BODY_MAX + 1] = '\0';
    assert_int_equal(ask(b, request, answer), 413);
    assert_int_equal(f.count, 1);
    mem_free(request);
    bench_close(b);
}

static void a_log_that_is_away_is_told_and_whether_it_may_have_taken_the_order(void **)
{
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    f.err = ERR_UNREACHABLE;
    assert_int_equal(post(b, "/api/v1/drain", "{\"pop\": \"fra\"}", answer), 503);
    assert_non_null(strstr(answer, "\"code\": \"log\""));
    assert_non_null(strstr(answer, "the log is away"));
    assert_non_null(strstr(answer, "nothing was changed"));
    f.err = ERR_TIMEOUT;
    assert_int_equal(post(b, "/api/v1/drain", "{\"pop\": \"fra\"}", answer), 504);
    assert_non_null(strstr(answer, "\"code\": \"unknown\""));
    assert_non_null(strstr(answer, "the same id"));
    assert_non_null(strstr(answer, "\"id\": \""));
    bench_close(b);
}

static void who_left_before_the_log_answered_harms_nobody(void **)
{
    static const char REQUEST_TEXT[] = "POST /api/v1/drain HTTP/1.1\r\nHost: localhost\r\n"
                                       "Content-Length: 14\r\n\r\n{\"pop\": \"fra\"}";
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    struct asker gone, stays;
    struct http_head head;

    f.is_late = true;
    asker_begin(b, &gone, REQUEST_TEXT);
    asker_begin(b, &stays, REQUEST_TEXT);
    assert_int_equal(f.count, 2);
    asker_done(&gone);
    sim_run_for(b->sim, span_ms(100));
    say(&f, f.tickets[0]);
    say(&f, f.tickets[1]);
    sim_run_for(b->sim, span_ms(100));
    assert_int_equal(http_response_parse(text_slice(&stays.came), 0, &head), HTTP_PARSE_DONE);
    assert_int_equal(head.status, 200);
    asker_done(&stays);
    bench_close(b);
}

static void as_many_orders_as_there_is_room_for_are_under_way(void **)
{
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    struct asker *askers = mem_array(ADMIN_ORDERS_WAITING_MAX, sizeof *askers);
    char answer[4096];

    f.is_late = true;
    for (size_t i = 0; i < ADMIN_ORDERS_WAITING_MAX; i++)
        asker_begin(b, &askers[i],
            "POST /api/v1/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n"
            "{\"pop\": \"fra\"}");
    assert_int_equal(f.count, ADMIN_ORDERS_WAITING_MAX);
    assert_int_equal(post(b, "/api/v1/drain", "{\"pop\": \"fra\"}", answer), 503);
    assert_non_null(strstr(answer, "\"code\": \"busy\""));
    for (size_t i = 0; i < ADMIN_ORDERS_WAITING_MAX; i++) {
        say(&f, f.tickets[i]);
        asker_done(&askers[i]);
    }
    f.is_late = false;
    assert_int_equal(post(b, "/api/v1/drain", "{\"pop\": \"fra\"}", answer), 200);
    mem_free(askers);
    bench_close(b);
}

static void orders_are_listed_with_how_many_receipts_they_have(void **)
{
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    assert_int_equal(ask(b, REQUEST("GET /api/v1/orders"), answer), 200);
    assert_int_equal(f.limit, ORDERS_TOLD_DEFAULT);
    assert_non_null(strstr(answer, "\"newest\": 7"));
    assert_non_null(strstr(answer, "\"behind\": false"));
    assert_non_null(strstr(answer, "\"nodes\": 3,"));
    assert_non_null(strstr(answer, "\"applied\": 1,"));
    assert_non_null(strstr(answer, "\"missing\": [\n        \"nyc1\",\n        \"sin1\"\n"));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/orders?limit=3"), answer), 200);
    assert_int_equal(f.limit, 3);
    assert_int_equal(ask(b, REQUEST("GET /api/v1/orders?limit=0"), answer), 400);
    assert_int_equal(ask(b, REQUEST("GET /api/v1/orders?limit=1001"), answer), 400);
    bench_close(b);
}

static void one_order_is_told_with_every_receipt(void **)
{
    struct orders_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    assert_int_equal(ask(b, REQUEST("GET /api/v1/orders/7"), answer), 200);
    assert_non_null(strstr(answer, "\"given_at\": \"2026-11-22T10:00:00Z\""));
    assert_non_null(strstr(answer, "\"applied_after_ms\": 4"));
    assert_non_null(strstr(answer, "\"heard_at\": \"2026-11-22T09:59:00Z\""));
    assert_non_null(strstr(answer, "\"heard_ago_ms\": 65500"));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/orders/"), answer), 404);
    for (size_t i = 0; i < 3; i++) {
        static const char *const REQUESTS[] = { REQUEST("GET /api/v1/orders/8"),
            REQUEST("GET /api/v1/orders/0"), REQUEST("GET /api/v1/orders/7x") };

        assert_int_equal(ask(b, REQUESTS[i], answer), 404);
        assert_non_null(strstr(answer, "`waypost orders`"));
    }
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_given_to_the_log_and_its_number_told),
        cmocka_unit_test(drains_and_their_ends_are_orders_too),
        cmocka_unit_test(each_order_has_an_id_of_its_own_unless_one_is_given),
        cmocka_unit_test(what_is_wrong_reaches_no_log),
        cmocka_unit_test(another_page_gives_no_orders),
        cmocka_unit_test(a_body_may_come_in_chunks_up_to_a_limit),
        cmocka_unit_test(a_log_that_is_away_is_told_and_whether_it_may_have_taken_the_order),
        cmocka_unit_test(who_left_before_the_log_answered_harms_nobody),
        cmocka_unit_test(as_many_orders_as_there_is_room_for_are_under_way),
        cmocka_unit_test(orders_are_listed_with_how_many_receipts_they_have),
        cmocka_unit_test(one_order_is_told_with_every_receipt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
