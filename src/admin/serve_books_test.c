// SPDX-License-Identifier: Apache-2.0
#include "admin/ask_test.h"
#include "admin/books_test.h"
#include "admin/customers_test.h"
#include "admin/tokens.h"

/* A source that keeps the accounts, and answers when it is told to. */
struct books_fake {
    struct bench *bench;
    struct place place;
    struct books_known known;
    bool is_full, is_late;
    struct books_call *waiting; // one at a time
    enum err err;               // that the ledger says
    struct timer turn;          // when it answers
};

static struct books_fake *fake_of(struct admin_source *source)
{
    // The bench has one place for the fake of a test.
    return (struct books_fake *)(void *)container_of(source, struct bench, source)->orders;
}

static void tell_known(struct admin_source *source, struct books_known *known)
{
    *known = fake_of(source)->known;
}

static void answer_waiting(struct books_fake *f)
{
    struct books_call *call = f->waiting;
    struct diag why = { .text = "disk full" };
    enum err err = f->err;

    assert_non_null(call);
    f->waiting = NULL;
    if (err == ERR_NONE)
        err = books_call_work(call, f->place.ledger, &why);
    books_call_done(call, err, &why);
}

static void on_turn(struct timer *timer)
{
    answer_waiting(container_of(timer, struct books_fake, turn));
}

static bool take_call(struct admin_source *source, struct books_call *call)
{
    struct books_fake *f = fake_of(source);

    if (f->is_full || f->waiting != NULL)
        return false;
    f->waiting = call;
    if (!f->is_late)
        timer_set(f->bench->loop, &f->turn, loop_now(f->bench->loop));
    return true;
}

static const struct admin_source_ops OPS = { .books_known = tell_known, .books_ask = take_call };

static struct bench *fake_open(struct books_fake *f)
{
    *f = (struct books_fake){
        .bench = bench_open(&OPS), .known = books_known, .turn.fire = on_turn
    };
    books_ledger(&f->place);
    f->bench->orders = (struct orders_fake *)(void *)f;
    return f->bench;
}

static void fake_close(struct books_fake *f)
{
    bench_close(f->bench);
    place_done(&f->place);
}

static int post(struct bench *b, const char *path, const char *body, char answer[4096])
{
    size_t size = strlen(body) + 256;
    char *request = mem_alloc(size);

    snprintf(request, size,
        "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
        "%zu\r\n\r\n%s",
        path, strlen(body), body);
    int status = ask(b, request, answer);

    mem_free(request);
    return status;
}

static void usage_and_invoices_are_answered_by_the_ledger(void **)
{
    struct books_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    const struct books_waiting waiting = { SLICE("fra1"), 3 };

    f.known.waiting = &waiting;
    f.known.waiting_count = 1;
    assert_int_equal(ask(b, REQUEST("GET /api/v1/usage?month=2020-01"), answer), 200);
    assert_non_null(strstr(answer, "\"entries\": 3"));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/usage?customer=acme&by=pop"), answer), 200);
    assert_non_null(strstr(answer, "\"pop\": \"nyc\""));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/invoices?month=2026-11"), answer), 200);
    assert_non_null(strstr(answer, "\"amount\": \"30.01\""));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/invoices/acme?month=2026-11"), answer), 200);
    assert_non_null(strstr(answer, "\"invoice\": 1,"));
    assert_int_equal(post(b, "/api/v1/invoices/verify", answer, answer), 200);
    assert_non_null(strstr(answer, "\"verified\": true"));
    fake_close(&f);
}

static void a_correction_is_posted(void **)
{
    struct books_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    assert_int_equal(
        post(b, "/api/v1/corrections",
            "{\"customer\": \"acme\", \"site\": \"www.acme.test\", \"month\": \"2026-11\","
            " \"kind\": \"hit\", \"take_back\": 10, \"reason\": \"our own tests\"}",
            answer),
        200);
    assert_non_null(strstr(answer, "\"sequence\": 1,"));
    assert_int_equal(hits_of(&f.place, "acme"), 4790);
    assert_int_equal(post(b, "/api/v1/corrections", "", answer), 400);
    assert_int_equal(post(b, "/api/v1/corrections", "{}", answer), 400);
    assert_int_equal(ask(b, REQUEST("GET /api/v1/corrections"), answer), 405);
    fake_close(&f);
}

static void what_is_wrong_is_told_with_code_and_mend(void **)
{
    static const struct {
        const char *path;
        int status;
    } CASES[] = {
        { "/api/v1/usage?customer=acne", 404 },
        { "/api/v1/usage?by=week", 400 },
        { "/api/v1/invoices?month=13", 400 },
        { "/api/v1/invoices/acne", 404 },
    };
    struct books_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096], request[256];

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        snprintf(request, sizeof request,
            "GET %s HTTP/1.1\r\nHost: 127.0.0.1:8653\r\nConnection: close\r\n\r\n", CASES[i].path);
        assert_int_equal(ask(b, request, answer), CASES[i].status);
        assert_non_null(strstr(answer, "\"code\": "));
        assert_non_null(strstr(answer, "\"mend\": "));
    }
    fake_close(&f);
}

static void a_node_without_the_accounts_names_the_one_that_keeps_them(void **)
{
    struct books_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    const struct books_waiting waiting = { SLICE("nyc1"), 7 };

    f.known.is_here = false;
    f.known.node = SLICE("nyc1");
    f.known.waiting = &waiting;
    f.known.waiting_count = 1;
    assert_int_equal(ask(b, REQUEST("GET /api/v1/usage"), answer), 409);
    assert_non_null(strstr(answer, "\"entries\": 7"));
    assert_non_null(strstr(answer, "\"node\": \"fra1\""));
    assert_non_null(strstr(answer, "--node fra1"));
    f.known.node = SLICE("fra1");
    assert_int_equal(ask(b, REQUEST("GET /api/v1/usage"), answer), 409);
    assert_non_null(strstr(answer, "\"code\": \"restart\""));
    f.known.keeper = SLICE_NONE;
    f.known.waiting_count = 0;
    assert_int_equal(ask(b, REQUEST("GET /api/v1/invoices"), answer), 409);
    assert_non_null(strstr(answer, "accounts: {node: fra1}"));
    assert_null(strstr(answer, "\"node\""));
    fake_close(&f);
}

static void a_ledger_that_fails_or_has_no_time_is_told(void **)
{
    struct books_fake f;
    struct bench *b = fake_open(&f);
    char answer[4096];

    f.err = ERR_SPACE;
    assert_int_equal(ask(b, REQUEST("GET /api/v1/usage"), answer), 503);
    assert_non_null(strstr(answer, "disk full"));
    f.is_full = true;
    assert_int_equal(ask(b, REQUEST("GET /api/v1/usage"), answer), 503);
    assert_non_null(strstr(answer, "\"code\": \"busy\""));
    fake_close(&f);
}

static void a_body_that_is_too_large_is_refused(void **)
{
    struct books_fake f;
    struct bench *b = fake_open(&f);
    char *body = mem_alloc(BOOKS_BODY_MAX + 2), answer[4096];

    memset(body, ' ', BOOKS_BODY_MAX + 1);
    body[BOOKS_BODY_MAX + 1] = '\0';
    assert_int_equal(post(b, "/api/v1/corrections", body, answer), 413);
    body[BOOKS_BODY_MAX] = '\0';
    assert_int_equal(post(b, "/api/v1/corrections", body, answer), 400);
    mem_free(body);
    fake_close(&f);
}

static void who_leaves_before_the_answer_does_no_harm(void **)
{
    struct books_fake f;
    struct bench *b = fake_open(&f);
    struct asker o;
    char answer[4096];

    f.is_late = true;
    asker_begin(b, &o, REQUEST("GET /api/v1/usage"));
    assert_non_null(f.waiting);
    asker_done(&o);
    sim_run_for(b->sim, span_ms(100));
    answer_waiting(&f);
    f.is_late = false;
    assert_int_equal(ask(b, REQUEST("GET /api/v1/usage"), answer), 200);
    // One that is on its way at the end goes with the admin.
    f.is_late = true;
    asker_begin(b, &o, REQUEST("GET /api/v1/usage"));
    bench_close(b);
    text_done(&o.came);
    place_done(&f.place);
}

static void a_body_that_never_comes_in_full_leaves_nothing(void **)
{
    struct books_fake f;
    struct bench *b = fake_open(&f);
    struct asker o;

    asker_begin(b, &o,
        "POST /api/v1/invoices/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{");
    asker_done(&o);
    sim_run_for(b->sim, span_ms(100));
    assert_null(f.waiting);
    fake_close(&f);
}

/* A correction whose body is on its way while what who asks may do is exchanged. */
static void correct_slowly(struct bench *b, int token, struct admin_tokens *then)
{
    static const char BODY[] =
        "{\"customer\": \"acme\", \"site\": \"www.acme.test\", \"month\": \"2026-11\","
        " \"kind\": \"hit\", \"take_back\": 10, \"reason\": \"too late\"}";
    char request[512];
    struct http_head head;
    struct asker o;
    struct mint mint;

    snprintf(request, sizeof request,
        "POST /api/v1/corrections HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
        token_of(token, &mint), strlen(BODY));
    asker_begin(b, &o, request);
    assert_false(o.has_ended);
    admin_admit(b->admin, NULL, then);
    o.to_send = slice_text(BODY);
    stream_ready(o.stream);
    sim_run_for(b->sim, span_ms(100));
    assert_non_null(strstr(asker_answer(&o, &head), "\"code\": \"token\""));
    assert_int_equal(head.status, 401);
    asker_done(&o);
}

static void a_token_counts_that_is_known_when_the_body_is_complete(void **)
{
    struct network *network = customers_load();
    struct books_fake f;
    struct bench *b = fake_open(&f);
    // Whose it is then: nobody's, a customer's, an operator's who changes nothing.
    struct token lowered = network->admin.tokens[0], theirs = lowered;
    struct network changed = *network;

    theirs.role = TOKEN_CHANGER;
    lowered.role = TOKEN_VIEWER;
    admin_admit(b->admin, NULL, admin_tokens_new(network, NULL));
    correct_slowly(b, TOKEN_ANNA, NULL);
    admin_admit(b->admin, NULL, admin_tokens_new(network, NULL));
    changed.admin.tokens = &lowered;
    changed.admin.token_count = 1;
    correct_slowly(b, TOKEN_ANNA, admin_tokens_new(&changed, NULL));
    admin_admit(b->admin, NULL, admin_tokens_new(network, NULL));
    struct customer acme = { .name = SLICE("acme"), .tokens = &theirs, .token_count = 1 };

    changed.admin.token_count = 0;
    changed.customers = &acme;
    changed.customer_count = 1;
    correct_slowly(b, TOKEN_ANNA, admin_tokens_new(&changed, NULL));
    assert_int_equal(hits_of(&f.place, "acme"), 4800);
    fake_close(&f);
    network_free(network);
}

/* A ledger that takes all that comes, and answers nothing yet. */
struct slow_fake {
    struct books_known known;
    struct books_call *calls[32];
    size_t count;
};

static struct slow_fake *slow_of(struct admin_source *source)
{
    return (struct slow_fake *)(void *)container_of(source, struct bench, source)->orders;
}

static void tell_slow(struct admin_source *source, struct books_known *known)
{
    *known = slow_of(source)->known;
}

static bool take_slowly(struct admin_source *source, struct books_call *call)
{
    struct slow_fake *f = slow_of(source);

    f->calls[f->count++] = call;
    return true;
}

/* Asks with that token, and leaves. Whether it came to the ledger. */
static bool is_taken(struct bench *b, struct slow_fake *f, int token)
{
    size_t before = f->count;
    struct asker o;
    struct mint mint;
    char request[256];

    snprintf(request, sizeof request,
        "GET /api/v1/usage HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
        token_of(token, &mint));
    asker_begin(b, &o, request);
    assert_true(f->count > before || strstr(o.came.at, "\"code\": \"busy\"") != NULL);
    asker_done(&o);
    sim_run_for(b->sim, span_ms(100));
    return f->count > before;
}

static void one_customer_leaves_the_others_room_to_ask(void **)
{
    static const struct admin_source_ops SLOW_OPS = { .books_known = tell_slow,
        .books_ask = take_slowly };
    struct network *network = customers_load();
    struct slow_fake f = { .known = books_known };
    struct bench *b = bench_open(&SLOW_OPS);

    f.known.network = network;
    b->orders = (struct orders_fake *)(void *)&f;
    admin_admit(b->admin, NULL, admin_tokens_new(network, NULL));
    for (int i = 0; i < 4; i++)
        assert_true(is_taken(b, &f, i % 2 == 0 ? TOKEN_ACME : TOKEN_ACME_VIEWER));
    assert_false(is_taken(b, &f, TOKEN_ACME)); // though all who asked have left
    assert_true(is_taken(b, &f, TOKEN_ACM));
    for (int i = 5; i < 16; i++)
        assert_true(is_taken(b, &f, TOKEN_ANNA));
    assert_false(is_taken(b, &f, TOKEN_ANNA));
    books_call_done(f.calls[0], ERR_SPACE, &(struct diag){ 0 });
    assert_true(is_taken(b, &f, TOKEN_ACME));
    bench_close(b);
    network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_and_invoices_are_answered_by_the_ledger),
        cmocka_unit_test(a_correction_is_posted),
        cmocka_unit_test(what_is_wrong_is_told_with_code_and_mend),
        cmocka_unit_test(a_node_without_the_accounts_names_the_one_that_keeps_them),
        cmocka_unit_test(a_ledger_that_fails_or_has_no_time_is_told),
        cmocka_unit_test(a_body_that_is_too_large_is_refused),
        cmocka_unit_test(who_leaves_before_the_answer_does_no_harm),
        cmocka_unit_test(a_body_that_never_comes_in_full_leaves_nothing),
        cmocka_unit_test(a_token_counts_that_is_known_when_the_body_is_complete),
        cmocka_unit_test(one_customer_leaves_the_others_room_to_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
