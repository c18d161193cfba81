// SPDX-License-Identifier: Apache-2.0
/* Which path is for whom, asked on the machine itself: with each token, and with none. */
#include "admin/ask_test.h"
#include "admin/customers_test.h"
#include "admin/tokens.h"

/* A network of two customers, and who gave the newest order, as the source was told. */
struct orders_fake {
    struct bench *bench;
    struct network *network;
    char by[ORDER_BY_MAX + 1];
};

static struct network *network_of(struct admin_source *source)
{
    return container_of(source, struct bench, source)->orders->network;
}

static bool healthy(struct admin_source *, struct diag *)
{
    return true;
}

static void tell_metrics(struct admin_source *, struct metrics *)
{
}

static void tell_status(struct admin_source *source, struct arena *, struct admin_status *status)
{
    status->network = network_of(source);
}

static const struct steer_rows ROWS;

/* Notes the name, and knows no site. */
static void explain(struct admin_source *source, struct arena *, const struct admin_question *q,
    struct admin_why *w)
{
    struct bench *b = container_of(source, struct bench, source);

    snprintf(b->asked_name, sizeof b->asked_name, "%.*s", SLICE_ARG(q->name));
    w->network = network_of(source);
    w->rows = &ROWS;
}

static void tell_nothing(struct admin_source *source, const struct slice *, struct admin_view *view)
{
    view->network = network_of(source);
}

static void tell_no_answers(struct admin_source *, struct arena *, struct admin_answers *)
{
}

static void reload(struct admin_source *source, struct admin *admin)
{
    container_of(source, struct bench, source)->reloads++;
    admin_reload_done(admin, &(struct admin_reload_result){ NULL, 0xdef, 10 });
}

static void take(
    struct admin_source *source, struct admin *admin, uint64_t ticket, const struct order *order)
{
    struct orders_fake *p = container_of(source, struct bench, source)->orders;

    snprintf(p->by, sizeof p->by, "%.*s", SLICE_ARG(order->by));
    admin_order_done(admin, ticket, &(struct admin_order_result){ ERR_NONE, 1, 1, NULL });
}

static void tell_orders(struct admin_source *source, struct arena *,
    const struct admin_orders_question *, struct admin_orders *orders)
{
    orders->network = network_of(source);
}

static const struct admin_source_ops OPS = { .healthy = healthy,
    .metrics = tell_metrics,
    .status = tell_status,
    .why = explain,
    .view = tell_nothing,
    .answers = tell_no_answers,
    .reload = reload,
    .order = take,
    .orders = tell_orders };

static void place_open(struct orders_fake *p)
{
    *p = (struct orders_fake){ .bench = bench_open(&OPS), .network = customers_load() };
    p->bench->orders = p;
    admin_admit(p->bench->admin, NULL, admin_tokens_new(p->network, NULL));
}

static void place_close(struct orders_fake *p)
{
    bench_close(p->bench);
    network_free(p->network);
}

/* The status of an answer to who shows that token; none at all with TOKEN_NOBODY + 1. */
static int ask_as(struct orders_fake *p, int who, const char *line, const char *order)
{
    char request[1024], field[128] = "", body[4096];
    struct mint mint;

    if (who <= TOKEN_NOBODY)
        snprintf(field, sizeof field, "Authorization: Bearer %s\r\n", token_of(who, &mint));
    snprintf(request, sizeof request,
        "%s HTTP/1.1\r\nHost: 127.0.0.1:8653\r\nConnection: close\r\n%sContent-Length: "
        "%zu\r\n\r\n%s",
        line, field, strlen(order), order);
    return ask(p->bench, request, body);
}

enum { WHO_COUNT = TOKEN_NOBODY + 2 };

struct access {
    const char *line, *order;
    int expected[WHO_COUNT]; // acme's manager, its viewer, acm, operator, viewer, nobody, no token
};

static const struct access CASES[] = {
    { "GET /healthz", "", { 200, 200, 200, 200, 200, 401, 200 } },
    { "GET /metrics", "", { 403, 403, 403, 200, 200, 401, 200 } },
    { "GET /api/v1/status", "", { 200, 200, 200, 200, 200, 401, 200 } },
    { "GET /api/v1/why", "", { 400, 400, 400, 400, 400, 401, 400 } },
    { "GET /api/v1/view", "", { 403, 403, 403, 404, 404, 401, 404 } },
    { "GET /api/v1/map", "", { 403, 403, 403, 404, 404, 401, 404 } },
    { "GET /api/v1/answers", "", { 200, 200, 200, 200, 200, 401, 200 } },
    { "GET /api/v1/answers?site=static.acm.test", "", { 404, 404, 200, 200, 200, 401, 200 } },
    { "GET /api/v1/answers?limit=0", "", { 400, 400, 400, 400, 400, 401, 400 } },
    { "GET /api/v1/answers?after=x", "", { 400, 400, 400, 400, 400, 401, 400 } },
    { "GET /api/v1/orders", "", { 200, 200, 200, 200, 200, 401, 200 } },
    { "GET /api/v1/orders/7", "", { 404, 404, 404, 404, 404, 401, 404 } },
    { "GET /nowhere", "", { 404, 404, 404, 404, 404, 401, 404 } },
    { "POST /api/v1/reload", "", { 403, 403, 403, 200, 403, 401, 200 } },
    { "POST /api/v1/purge", "{\"site\": \"static.acme.test\"}",
        { 200, 403, 404, 200, 403, 401, 200 } },
    { "POST /api/v1/purge", "{\"tag\": \"x\", \"site\": \"static.acm.test\"}",
        { 404, 403, 200, 200, 403, 401, 200 } },
    { "POST /api/v1/drain", "{\"origin\": \"acme/ams\"}", { 200, 403, 404, 200, 403, 401, 200 } },
    { "POST /api/v1/drain", "{\"pop\": \"fra\"}", { 403, 403, 403, 200, 403, 401, 200 } },
    { "POST /api/v1/undrain", "{\"node\": \"gone\"}", { 403, 403, 403, 404, 403, 401, 404 } },
};

static void each_path_is_for_whom_it_should_be(void **)
{
    struct orders_fake p;

    place_open(&p);
    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        for (int who = 0; who < WHO_COUNT; who++) {
            int status = ask_as(&p, who, CASES[i].line, CASES[i].order);

            if (status != CASES[i].expected[who])
                fail_msg("%s %s by %d: %d", CASES[i].line, CASES[i].order, who, status);
        }
    assert_int_equal(p.bench->reloads, 2); // of an operator, and of who showed nothing
    place_close(&p);
}

static void orders_tell_whose_token_gave_them(void **)
{
    static const char *const BY[] = {
        [TOKEN_ACME] = "acme/deploy", [TOKEN_ANNA] = "token anna", [TOKEN_NOBODY + 1] = "loopback"
    };
    struct orders_fake p;

    place_open(&p);
    for (int who = 0; who < WHO_COUNT; who++)
        if (who < (int)COUNT_OF(BY) && BY[who] != NULL) {
            assert_int_equal(
                ask_as(&p, who, "POST /api/v1/drain", "{\"origin\": \"acme/ams\"}"), 200);
            assert_string_equal(p.by, BY[who]);
        }
    place_close(&p);
}

/* How long it takes would tell that it is there. */
static void why_of_anothers_site_is_not_even_asked(void **)
{
    struct orders_fake p;

    place_open(&p);
    assert_int_equal(ask_as(&p, TOKEN_ACME, "GET /api/v1/why?name=static.acm.test", ""), 404);
    assert_string_equal(p.bench->asked_name, "");
    assert_int_equal(ask_as(&p, TOKEN_ACM, "GET /api/v1/why?name=static.acm.test", ""), 404);
    assert_string_equal(p.bench->asked_name, "static.acm.test"); // the source knows no site
    place_close(&p);
}

static void a_token_that_is_not_known_is_refused_where_none_is_needed(void **)
{
    static const char *const REQUESTS[] = {
        REQUEST("GET /healthz"),
        ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
         "Authorization: Basic eDp5\r\n\r\n"),
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization:\r\n\r\n",
    };
    char body[4096];
    struct orders_fake p;

    place_open(&p);
    for (int i = 0; i < 30; i++) // here nobody is made to wait
        for (size_t j = 0; j < COUNT_OF(REQUESTS); j++)
            assert_int_equal(ask(p.bench, REQUESTS[j], body), j == 0 ? 200 : 401);
    place_close(&p);
}

static void a_token_is_that_of_the_newest_release(void **)
{
    struct orders_fake p;

    place_open(&p);
    assert_int_equal(ask_as(&p, TOKEN_ACME, "GET /healthz", ""), 200);
    admin_admit(p.bench->admin, NULL, NULL);
    assert_int_equal(ask_as(&p, TOKEN_ACME, "GET /healthz", ""), 401);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_is_for_whom_it_should_be),
        cmocka_unit_test(orders_tell_whose_token_gave_them),
        cmocka_unit_test(why_of_anothers_site_is_not_even_asked),
        cmocka_unit_test(a_token_that_is_not_known_is_refused_where_none_is_needed),
        cmocka_unit_test(a_token_is_that_of_the_newest_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
