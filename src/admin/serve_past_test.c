// SPDX-License-Identifier: Apache-2.0
/* Questions of the past: who may ask what, and how they are refused. */
#include <assert.h>

#include "admin/ask_test.h"
#include "admin/customers_test.h"
#include "admin/tokens.h"
#include "base/attr.h"

enum { LATE_MAX = 8 };

/* A source that answers at once or late, or refuses, and notes what it was asked. */
struct orders_fake {
    struct bench *bench;
    struct network *network;
    bool is_busy, is_late, lacks_a_file;
    struct admin_replay *late[LATE_MAX];
    size_t late_count;
    unsigned asked;
    struct moment at;
    char name[64], customer[64];
    bool is_of_customer;
};

static struct orders_fake *fake_of(struct admin_source *source)
{
    return container_of(source, struct bench, source)->orders;
}

static void refuse_for_a_file(struct admin_replay *replay)
{
    replay->refusal = (struct admin_refusal){ .status = 409, .code = "geography" };
    diag_say(&replay->refusal.message, "the geography of that time is not there any more");
    diag_say(&replay->refusal.mend, "put /var/lib/geo.mmdb back");
    admin_replay_done(replay);
}

static void answer(struct admin_replay *replay)
{
    assert(replay != NULL);
    text_say(&replay->body, "{\"said\": \"%.*s\"}\n", SLICE_ARG(replay->question.name));
    admin_replay_done(replay);
}

static bool take(struct admin_source *source, struct admin_replay *replay)
{
    struct orders_fake *f = fake_of(source);

    f->asked++;
    f->at = replay->at;
    f->is_of_customer = replay->is_of_customer;
    snprintf(f->name, sizeof f->name, "%.*s", SLICE_ARG(replay->question.name));
    snprintf(f->customer, sizeof f->customer, "%.*s", SLICE_ARG(replay->customer));
    if (f->is_busy) {
        replay->refusal = (struct admin_refusal){ .status = 503, .code = "busy" };
        diag_say(&replay->refusal.message, "too many");
        diag_say(&replay->refusal.mend, "wait");
        return false;
    }
    if (f->is_late)
        f->late[f->late_count++] = replay;
    else if (f->lacks_a_file)
        refuse_for_a_file(replay);
    else
        answer(replay);
    return true;
}

static void tell_network(struct admin_source *source, struct arena *,
    const struct admin_orders_question *, struct admin_orders *orders)
{
    orders->network = fake_of(source)->network;
}

static const struct admin_source_ops OPS = { .replay = take, .orders = tell_network };

static void place_open(struct orders_fake *f)
{
    *f = (struct orders_fake){ .bench = bench_open(&OPS), .network = customers_load() };
    f->bench->orders = f;
    admin_admit(f->bench->admin, NULL, admin_tokens_new(f->network, NULL));
}

static void place_close(struct orders_fake *f)
{
    bench_close(f->bench);
    network_free(f->network);
}

/* A question of who shows that token, or none. */
static void question_write(char request[1024], int who, const char *query)
{
    char field[128] = "";
    struct mint mint;

    if (who < TOKEN_NOBODY)
        snprintf(field, sizeof field, "Authorization: Bearer %s\r\n", token_of(who, &mint));
    snprintf(request, 1024,
        "GET /api/v1/why?%s HTTP/1.1\r\nHost: 127.0.0.1:8653\r\nConnection: close\r\n%s\r\n", query,
        field);
}

/* The status of the answer; `body` is written. */
static int ask_as(struct orders_fake *f, int who, const char *query, char body[4096])
{
    char request[1024];

    question_write(request, who, query);
    return ask(f->bench, request, body);
}

static void the_moment_asked_for_reaches_the_source(void **)
{
    struct orders_fake f;
    char body[4096];

    place_open(&f);
    int64_t now_us = loop_moment(f.bench->loop).us;

    assert_int_equal(
        ask_as(&f, TOKEN_NOBODY, "name=gone.test&at=2001-09-09T01:46:40.000125Z", body), 200);
    assert_string_equal(body, "{\"said\": \"gone.test\"}\n"); // also of what is no site now
    assert_int_equal(f.at.us, INT64_C(1000000000000125));
    assert_false(f.is_of_customer);
    assert_int_equal(ask_as(&f, TOKEN_NOBODY, "name=gone.test&at=-1h", body), 200);
    assert_true(llabs(now_us - INT64_C(3600000000) - f.at.us) < 5000000);
    place_close(&f);
}

static void what_is_no_time_that_has_been_is_refused(void **)
{
    static const char *const WRONG[] = { "at=", "at=soon", "at=-5parsecs", "at=2001-09-09",
        "at=2001-13-09T01:46:40Z", "at=2999-01-01T00:00:00Z", "at=-1h&at=-2h" };
    struct orders_fake f;
    char body[4096], query[128];

    place_open(&f);
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        snprintf(query, sizeof query, "name=a.test&%s", WRONG[i]);
        if (ask_as(&f, TOKEN_NOBODY, query, body) != 400 || strstr(body, "\"mend\"") == NULL)
            fail_msg("%s: %s", WRONG[i], body);
    }
    assert_int_equal(f.asked, 0);
    place_close(&f);
}

static void a_customer_asks_for_the_past_of_its_own_sites(void **)
{
    struct orders_fake f;
    char body[4096];

    place_open(&f);
    assert_int_equal(ask_as(&f, TOKEN_ACME, "name=static.acm.test&at=-1h", body), 404);
    assert_int_equal(f.asked, 0); // how long it takes would tell that it is there
    assert_int_equal(ask_as(&f, TOKEN_ACM, "name=static.acm.test&at=-1h", body), 200);
    assert_true(f.is_of_customer);
    assert_string_equal(f.customer, "acm");
    place_close(&f);
}

static void a_source_that_has_no_time_is_said_with_the_mend(void **)
{
    struct orders_fake f;
    char body[4096];

    place_open(&f);
    f.is_busy = true;
    assert_int_equal(ask_as(&f, TOKEN_NOBODY, "name=a.test&at=-1h", body), 503);
    assert_non_null(strstr(body, "\"wait\""));
    place_close(&f);
}

/* Read under a sanitizer, which sees whether what is gone is touched. */
static void who_has_left_is_answered_nothing(void **)
{
    char request[1024];
    struct orders_fake f;
    struct asker o[2];

    place_open(&f);
    f.is_late = true;
    question_write(request, TOKEN_NOBODY, "name=www.acme.test&at=-1h");
    for (size_t i = 0; i < COUNT_OF(o); i++) {
        asker_begin(f.bench, &o[i], request);
        stream_close(o[i].stream, true); // reset: who only ends its side is answered
        o[i].stream = NULL;
        asker_done(&o[i]);
        sim_run_for(f.bench->sim, span_ms(100));
    }
    answer(f.late[0]);
    sim_run_for(f.bench->sim, span_ms(100));
    f.is_late = false; // it goes on; and the other question ends with the admin
    assert_int_equal(
        ask_as(&f, TOKEN_NOBODY, "name=www.acme.test&at=-1h", (char[4096]){ "" }), 200);
    place_close(&f);
}

static void which_file_a_node_lacks_is_told_operators_alone(void **)
{
    struct orders_fake f;
    char body[4096];

    place_open(&f);
    f.lacks_a_file = true;
    assert_int_equal(ask_as(&f, TOKEN_ANNA, "name=www.acme.test&at=-1h", body), 409);
    assert_non_null(strstr(body, "/var/lib/geo.mmdb"));
    assert_int_equal(ask_as(&f, TOKEN_ACME, "name=www.acme.test&at=-1h", body), 409);
    assert_null(strstr(body, "geo.mmdb"));
    assert_non_null(strstr(body, "\"mend\": \"ask for another time"));
    place_close(&f);
}

static void a_customer_does_not_keep_the_others_from_the_past(void **)
{
    static const int WHO[] = { TOKEN_ACME, TOKEN_ACME_VIEWER, TOKEN_ACME, TOKEN_ACME, TOKEN_ACME,
        TOKEN_ACM, TOKEN_ANNA };
    static const char *const QUERIES[] = { [TOKEN_ACM] = "name=static.acm.test&at=-1h",
        [TOKEN_ACME] = "name=www.acme.test&at=-1h",
        [TOKEN_ACME_VIEWER] = "name=www.acme.test&at=-1h",
        [TOKEN_ANNA] = "name=www.acme.test&at=-1h" };
    struct asker o[COUNT_OF(WHO)];
    struct orders_fake f;

    place_open(&f);
    f.is_late = true;
    for (size_t i = 0; i < COUNT_OF(WHO); i++) {
        char request[1024];

        question_write(request, WHO[i], QUERIES[WHO[i]]);
        asker_begin(f.bench, &o[i], request);
        assert_true(o[i].has_ended == (i == 4)); // all but that one wait
    }
    assert_non_null(strstr(o[4].came.at, "HTTP/1.1 503 "));
    assert_int_equal(f.late_count, COUNT_OF(WHO) - 1);
    for (size_t i = 0; i < f.late_count; i++)
        answer(f.late[i]);
    sim_run_for(f.bench->sim, span_ms(100));
    for (size_t i = 0; i < COUNT_OF(WHO); i++) {
        struct http_head head;

        asker_answer(&o[i], &head);
        assert_int_equal(head.status, i == 4 ? 503 : 200);
        asker_done(&o[i]);
    }
    place_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_moment_asked_for_reaches_the_source),
        cmocka_unit_test(what_is_no_time_that_has_been_is_refused),
        cmocka_unit_test(a_customer_asks_for_the_past_of_its_own_sites),
        cmocka_unit_test(a_source_that_has_no_time_is_said_with_the_mend),
        cmocka_unit_test(who_has_left_is_answered_nothing),
        cmocka_unit_test(which_file_a_node_lacks_is_told_operators_alone),
        cmocka_unit_test(a_customer_does_not_keep_the_others_from_the_past),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
