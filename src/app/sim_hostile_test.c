// SPDX-License-Identifier: Apache-2.0
/* Whole nodes in a simulated world, and origins that are broken, slow or malicious. */
#include "app/sim_raw_test.h"

#define KEPT_HEAD "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"k\"\r\n"
#define SIZED     KEPT_HEAD "Content-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz"
#define CHUNKED                                                  \
    KEPT_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n" \
              "15;x=\"y\"\r\nfghijklmnopqrstuvwxyz\r\n0\r\n\r\n"

static struct raw_script say(struct slice answer)
{
    return (struct raw_script){ .answer = answer, .cut_at = SIZE_MAX };
}

static void assert_alphabet(const struct ask *a)
{
    assert_int_equal(a->err, ERR_NONE);
    assert_int_equal(a->status, 200);
    assert_int_equal(a->body_bytes, 26);
    assert_string_equal(a->start, "abcdefghijklmnopqrstuvwxyz");
}

/* Told to be incomplete: by a status of ours, or by an end that is none. */
static void assert_not_whole(const struct ask *a)
{
    assert_true(a->err != ERR_NONE || a->status == 502 || a->status == 504);
    if (a->status == 200)
        assert_memory_equal(a->start, "abcdefghijklmnopqrstuvwxyz", a->body_bytes);
}

static void broken_story(struct world *w, struct slice answer)
{
    struct raw_script script = say(answer);
    struct raw_pair *pair = raw_pair_open(w, &script);
    struct ask asks[4];

    script.cut_at = sim_draw(w->sim, answer.length);
    script.end = sim_draw(w->sim, 2) == 0 ? RAW_CLOSES : RAW_RESETS;
    raw_pair_say(pair, &script);
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        ask_start(w, &asks[i], "/x", "");
    world_wait(w, asks, COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        assert_not_whole(&asks[i]);
    script = say(answer);
    raw_pair_say(pair, &script);
    ask_and_wait(w, &asks[0], "/x", "");
    assert_alphabet(&asks[0]);
    ask_and_wait(w, &asks[0], "/x", "");
    assert_alphabet(&asks[0]);
    assert_true(ask_has(&asks[0], "hit;"));
    raw_pair_close(pair);
}

static void sized_story(struct world *w)
{
    broken_story(w, SLICE(SIZED));
}

static void chunked_story(struct world *w)
{
    broken_story(w, SLICE(CHUNKED));
}

static void an_answer_broken_off_anywhere_is_never_told_as_whole(void **)
{
    in_many_worlds(sized_story);
}

static void nor_is_one_in_chunks(void **)
{
    in_many_worlds(chunked_story);
}

static void drip_story(struct world *w)
{
    struct raw_script script = say(sim_draw(w->sim, 2) == 0 ? SLICE(SIZED) : SLICE(CHUNKED));

    script.wait = span_ms((int64_t)sim_draw(w->sim, 300));
    script.drip = span_ms(1 + (int64_t)sim_draw(w->sim, 40));
    script.step = 1 + sim_draw(w->sim, 9);
    struct raw_pair *pair = raw_pair_open(w, &script);
    struct ask asks[6];

    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        ask_start(w, &asks[i], "/x", "");
        sim_run_for(w->sim, span_ms((int64_t)sim_draw(w->sim, 200)));
    }
    world_wait(w, asks, COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        assert_alphabet(&asks[i]);
    assert_int_equal(pair->each[0].requests + pair->each[1].requests, 1);
    raw_pair_close(pair);
}

static void an_answer_that_drips_in_is_shared_by_all_who_come_meanwhile(void **)
{
    in_many_worlds(drip_story);
}

/* Each would be taken for something else by somebody. */
static const char *const MALFORMED[] = {
    "\r\n\r\n",
    "abc\r\n\r\n",
    "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc",
};

static void malformed_story(struct world *w)
{
    struct raw_script script = say(SLICE(SIZED));
    struct raw_pair *pair = raw_pair_open(w, &script);
    char path[16];
    struct ask a;

    for (size_t i = 0; i < COUNT_OF(MALFORMED); i++) {
        script = say(slice_text(MALFORMED[i]));
        raw_pair_say(pair, &script);
        snprintf(path, sizeof path, "/m%zu", i);
        ask_and_wait(w, &a, path, "");
        assert_not_whole(&a);
        ask_and_wait(w, &a, path, "Authorization: Basic eDp5\r\n"); // this one is passed
        assert_not_whole(&a);
    }
    raw_pair_close(pair);
}

static void malformed_answers_become_errors_of_ours(void **)
{
    in_many_worlds(malformed_story);
}

static void endless_story(struct world *w)
{
    static const char *const HEADS[] = { "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n", "",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" };
    static const char *const MORE[] = { "aaaaaaaaaaaaaaaa", "A: b\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "aaaaaaaaaaaaaaaa" };
    struct raw_script script = say(SLICE(""));
    struct raw_pair *pair = raw_pair_open(w, &script);
    struct ask a;

    for (size_t i = 0; i < COUNT_OF(HEADS); i++) {
        script = say(slice_text(HEADS[i]));
        script.for_ever = slice_text(MORE[i]);
        script.drip = span_ms(1);
        raw_pair_say(pair, &script);
        ask_and_wait(w, &a, "/x", "");
        assert_not_whole(&a);
    }
    raw_pair_close(pair);
}

static void what_never_ends_is_given_up(void **)
{
    in_many_worlds(endless_story);
}

static void silent_story(struct world *w)
{
    struct raw_script script = say(SLICE(SIZED));
    struct raw_pair *pair = raw_pair_open(w, &script);
    struct ask asks[3];

    ask_start(w, &asks[0], "/hang", "");
    ask_start(w, &asks[1], "/hang", "");
    ask_start(w, &asks[2], "/hang", "Authorization: Basic eDp5\r\n");
    world_wait(w, asks, COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        assert_int_equal(asks[i].status, 504);
        assert_true(ask_has(&asks[i], "Date: "));
        assert_true(ask_has(&asks[i], "Cache-Control: no-store"));
        assert_true(ask_has(&asks[i], "detail=origin-timeout"));
    }
    raw_pair_close(pair);
}

static void origins_that_stay_silent_are_told_by_504(void **)
{
    in_many_worlds(silent_story);
}

#define STALE_HEAD   "HTTP/1.1 200 OK\r\nCache-Control: max-age=0\r\nETag: \"k\"\r\n"
#define STALE_ANSWER STALE_HEAD "Content-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz"

static void validated_story(struct world *w, const char *not_modified)
{
    struct raw_script script = say(SLICE(STALE_ANSWER));
    struct raw_pair *pair = raw_pair_open(w, &script);
    struct ask asks[3];

    script.to_validation = slice_text(not_modified);
    script.wait = span_ms(100);
    raw_pair_say(pair, &script);
    ask_and_wait(w, &asks[0], "/x", "");
    assert_alphabet(&asks[0]);
    sim_run_for(w->sim, span_s(2));
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        ask_start(w, &asks[i], "/x", "");
    world_wait(w, asks, COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        assert_alphabet(&asks[i]);
    raw_pair_close(pair);
}

static void no_store_story(struct world *w)
{
    validated_story(w, "HTTP/1.1 304 Not Modified\r\nCache-Control: no-store\r\n\r\n");
}

static void varied_story(struct world *w)
{
    validated_story(w, "HTTP/1.1 304 Not Modified\r\nETag: \"k\"\r\nVary: Accept-Language\r\n\r\n");
}

static void a_304_that_forbids_storing_still_brings_the_visitors_the_whole(void **)
{
    in_many_worlds(no_store_story);
}

static void so_does_one_that_says_that_the_answer_varies(void **)
{
    in_many_worlds(varied_story);
}

static void vary_story(struct world *w)
{
    struct raw_script script =
        say(SLICE("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nVary: X-One\r\n"
                  "Vary: Accept-Language\r\nContent-Length: 0\r\n\r\n"));
    struct raw_pair *pair = raw_pair_open(w, &script);
    struct ask a;

    ask_and_wait(w, &a, "/x", "Accept-Language: de\r\n");
    ask_and_wait(w, &a, "/x", "Accept-Language: fr\r\n");
    assert_true(ask_has(&a, "fwd=vary-miss; stored"));
    assert_int_equal(pair->each[0].requests + pair->each[1].requests, 2);
    ask_and_wait(w, &a, "/x", "Accept-Language: fr\r\n");
    assert_true(ask_has(&a, "hit;"));
    assert_int_equal(pair->each[0].requests + pair->each[1].requests, 2);
    raw_pair_close(pair);
}

static void every_line_of_vary_counts(void **)
{
    in_many_worlds(vary_story);
}

static void part_story(struct world *w)
{
    struct raw_script script = say(SLICE(SIZED));

    script.cut_at = sizeof SIZED - 1 - 10; // after "p"
    script.end = RAW_RESETS;
    script.drip = span_ms(50);
    script.step = 8;
    struct raw_pair *pair = raw_pair_open(w, &script);
    struct ask asks[3];

    ask_start(w, &asks[0], "/x", "");
    sim_run_for(w->sim, span_ms(200 + (int64_t)sim_draw(w->sim, 300)));
    ask_start(w, &asks[1], "/x", "Range: bytes=20-22\r\n");
    ask_start(w, &asks[2], "/x", "Range: bytes=0-3\r\n");
    world_wait(w, asks, COUNT_OF(asks));
    assert_not_whole(&asks[0]);
    assert_true(asks[1].err != ERR_NONE || asks[1].status == 502);
    assert_true(asks[2].err != ERR_NONE || asks[2].status == 206 || asks[2].status == 502);
    raw_pair_close(pair);
}

static void who_waits_for_a_part_that_never_comes_is_told(void **)
{
    in_many_worlds(part_story);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(an_answer_broken_off_anywhere_is_never_told_as_whole),
        cmocka_unit_test(nor_is_one_in_chunks),
        cmocka_unit_test(an_answer_that_drips_in_is_shared_by_all_who_come_meanwhile),
        cmocka_unit_test(malformed_answers_become_errors_of_ours),
        cmocka_unit_test(what_never_ends_is_given_up),
        cmocka_unit_test(origins_that_stay_silent_are_told_by_504),
        cmocka_unit_test(a_304_that_forbids_storing_still_brings_the_visitors_the_whole),
        cmocka_unit_test(so_does_one_that_says_that_the_answer_varies),
        cmocka_unit_test(every_line_of_vary_counts),
        cmocka_unit_test(who_waits_for_a_part_that_never_comes_is_told),
    };

    return cmocka_run_group_tests_name("app/sim_hostile", cases, NULL, NULL);
}
