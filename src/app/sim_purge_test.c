// SPDX-License-Identifier: Apache-2.0
/*
 * Purges in a simulated world. The origins' answer has a version, in its body and its ETag; it
 * changes, and then is purged: whoever asks from then on gets the new one.
 */
#include "app/sim_raw_test.h"
#include "cache/purges.h"

enum { VERSIONS = 48, ANSWER_ROOM = 512 };

struct answers {
    struct raw_pair *pair;
    struct raw_script script;
    const char *fields; // besides those that all have
    unsigned version, count;
    char text[VERSIONS][ANSWER_ROOM]; // what is on its way is good until the end
};

#define ON_ERROR "Cache-Control: max-age=60, stale-if-error=60\r\n"
#define BROKEN   "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"
#define FRESH    "Cache-Control: max-age=60\r\nSurrogate-Key: a b\r\nCache-Tag: c,d\r\n"

/* From now on the origins' answer is the next version, or the same with other fields. */
static void say(struct answers *a, const char *fields, bool is_new)
{
    assert_true(a->count < VERSIONS);
    char *text = a->text[a->count++];

    a->version += is_new;
    a->fields = fields;
    snprintf(text, ANSWER_ROOM,
        "HTTP/1.1 200 OK\r\nETag: \"%02u\"\r\n%sContent-Length: "
        "26\r\n\r\n%02u-abcdefghijklmnopqrstuvw",
        a->version, fields, a->version);
    a->script.answer = slice_text(text);
    raw_pair_say(a->pair, &a->script);
}

static void change(struct answers *a)
{
    say(a, a->fields, true);
}

static struct answers *answers_open(struct world *w, const struct raw_script *script)
{
    struct answers *a = mem_new(struct answers);

    a->script = *script;
    a->script.cut_at = SIZE_MAX;
    a->pair = raw_pair_open(w, &a->script);
    say(a, FRESH, true);
    return a;
}

static void answers_close(struct answers *a)
{
    raw_pair_close(a->pair);
    mem_free(a);
}

static unsigned requests(const struct answers *a)
{
    return a->pair->each[0].requests + a->pair->each[1].requests;
}

static struct purges *purges(const struct world *w)
{
    return store_purges(w->node->store);
}

static void purge(struct world *w, enum purge_kind kind, const char *text, bool is_soft)
{
    purges_add(purges(w), kind, SLICE("static.test"), slice_text(text), is_soft);
}

static unsigned version_of(const struct ask *ask)
{
    assert_int_equal(ask->err, ERR_NONE);
    assert_int_equal(ask->status, 200);
    assert_int_equal(ask->body_bytes, 26);
    assert_string_equal(ask->start + 2, "-abcdefghijklmnopqrstuvw");
    return (unsigned)(ask->start[0] - '0') * 10 + (unsigned)(ask->start[1] - '0');
}

/* Asks, and says whether the answer is of that version and its Cache-Status has those words. */
static void check(
    struct world *w, const char *path, const char *more, unsigned version, const char *how)
{
    struct ask ask;

    ask_and_wait(w, &ask, path, more);
    if (!ask_has(&ask, how))
        fail_msg("%s\n%s", how, ask.fields);
    assert_int_equal(version_of(&ask), version);
}

static const struct {
    enum purge_kind kind;
    const char *text;
} HITS[] = { { PURGE_URL, "/x/y?z" }, { PURGE_PREFIX, "/x/" }, { PURGE_TAG, "b" },
    { PURGE_TAG, "d" }, { PURGE_SITE, "" } },
  MISSES[] = { { PURGE_URL, "/x/y" }, { PURGE_PREFIX, "/x/z" }, { PURGE_TAG, "e" } };

static void gone_story(struct world *w)
{
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });

    a->script.to_validation = SLICE("HTTP/1.1 304 Not Modified\r\n\r\n"); // would keep the old one
    check(w, "/x/y?z", "", 1, "uri-miss; stored");
    for (size_t i = 0; i < COUNT_OF(MISSES); i++)
        purge(w, MISSES[i].kind, MISSES[i].text, false);
    purges_add(purges(w), PURGE_SITE, SLICE("www.test"), SLICE_NONE, false);
    check(w, "/x/y?z", "", 1, "hit");
    for (size_t i = 0; i < COUNT_OF(HITS); i++) {
        change(a);
        purge(w, HITS[i].kind, HITS[i].text, false);
        check(w, "/x/y?z", "", a->version, "uri-miss; stored");
        check(w, "/x/y?z", "", a->version, "hit");
    }
    assert_int_equal(requests(a), 1 + COUNT_OF(HITS));
    answers_close(a);
}

static void what_is_purged_is_asked_for_as_if_it_were_not_there(void **)
{
    in_many_worlds(gone_story);
}

/* The first asks, and before the answer's head came, or in the midst of its body, it is purged. */
static void begun_story(struct world *w)
{
    const struct raw_script slowly = { .wait = span_ms(400), .drip = span_ms(50), .step = 20 };
    struct answers *a = answers_open(w, &slowly);

    for (size_t i = 0; i < COUNT_OF(HITS); i++) {
        struct ask before[2], after[2];
        unsigned old = a->version, asked = requests(a);

        ask_start(w, &before[0], "/x/y?z", "");
        ask_start(w, &before[1], "/x/y?z", "");
        sim_run_for(w->sim, span_ms(200 + (int64_t)sim_draw(w->sim, 600)));
        change(a);
        purge(w, HITS[i].kind, HITS[i].text, false);
        ask_start(w, &after[0], "/x/y?z", "");
        ask_start(w, &after[1], "/x/y?z", "");
        world_wait(w, before, 2);
        world_wait(w, after, 2);
        for (size_t k = 0; k < 2; k++) {
            assert_in_range(version_of(&before[k]), old, a->version);
            assert_int_equal(version_of(&after[k]), a->version);
        }
        assert_int_equal(requests(a), asked + 2);
        check(w, "/x/y?z", "", a->version, "hit");
        purge(w, PURGE_SITE, "", false); // for the next
    }
    answers_close(a);
}

static void a_fill_begun_before_a_purge_is_not_joined_after_it(void **)
{
    in_many_worlds(begun_story);
}

static void joined_story(struct world *w)
{
    const struct raw_script slowly = { .wait = span_ms(300), .drip = span_ms(100), .step = 150 };
    struct answers *a = answers_open(w, &slowly);
    struct ask asks[3];

    ask_start(w, &asks[0], "/x/y?z", "");
    sim_run_for(w->sim, span_ms(200));
    purge(w, PURGE_URL, "/x/y", false);
    purge(w, PURGE_PREFIX, "/y", false);
    ask_start(w, &asks[1], "/x/y?z", "");
    sim_run_for(w->sim, span_ms(250)); // the head is there
    purge(w, PURGE_TAG, "other", false);
    ask_start(w, &asks[2], "/x/y?z", "");
    world_wait(w, asks, COUNT_OF(asks));
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        assert_int_equal(version_of(&asks[i]), 1);
    assert_in_range(requests(a), 1, 2); // the last asks for itself where the head was late
    answers_close(a);
}

static void a_fill_that_a_purge_does_not_match_is_shared_on(void **)
{
    in_many_worlds(joined_story);
}

static void variants_story(struct world *w)
{
    static const char *const LANGUAGES[] = { "Accept-Language: de\r\n", "Accept-Language: fr\r\n" };
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });

    say(a, FRESH "Vary: Accept-Language\r\n", true);
    for (size_t round = 0; round <= COUNT_OF(HITS); round++) {
        for (size_t i = 0; i < 2; i++)
            check(w, "/x/y?z", LANGUAGES[i], a->version, "-miss; stored");
        for (size_t i = 0; i < 2; i++)
            check(w, "/x/y?z", LANGUAGES[i], a->version, "hit");
        change(a);
        if (round < COUNT_OF(HITS))
            purge(w, HITS[round].kind, HITS[round].text, false);
    }
    answers_close(a);
}

static void all_variants_are_purged(void **)
{
    in_many_worlds(variants_story);
}

#define NOT_MODIFIED "HTTP/1.1 304 Not Modified\r\n"

static void soft_story(struct world *w)
{
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });

    a->script.to_validation = SLICE(NOT_MODIFIED "\r\n");
    say(a, FRESH, true);
    check(w, "/x/y?z", "", a->version, "uri-miss; stored");
    for (size_t i = 0; i < COUNT_OF(HITS); i++) {
        purge(w, HITS[i].kind, HITS[i].text, true);
        check(w, "/x/y?z", "", a->version, "fwd=stale; stored");
        check(w, "/x/y?z", "", a->version, "hit");
    }
    assert_int_equal(requests(a), 1 + COUNT_OF(HITS));
    a->script.to_validation = SLICE_NONE;
    change(a);
    purge(w, PURGE_SITE, "", true);
    check(w, "/x/y?z", "", a->version, "fwd=stale; stored");
    answers_close(a);
}

static void what_is_purged_softly_is_validated(void **)
{
    in_many_worlds(soft_story);
}

static void beside_story(struct world *w)
{
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });

    say(a, "Cache-Control: max-age=60, stale-while-revalidate=60\r\n", true);
    check(w, "/x", "", 2, "uri-miss; stored");
    change(a);
    purge(w, PURGE_URL, "/x", true);
    check(w, "/x", "", 2, "hit"); // as what is served stale is told
    sim_run_for(w->sim, span_s(1));
    check(w, "/x", "", 3, "hit");
    change(a);
    purge(w, PURGE_URL, "/x", false);
    check(w, "/x", "", 4, "uri-miss; stored");
    answers_close(a);
}

static void it_is_served_meanwhile_where_it_says_so_itself(void **)
{
    in_many_worlds(beside_story);
}

static void down_story(struct world *w)
{
    const struct raw_script broken = { .answer = SLICE(BROKEN), .cut_at = SIZE_MAX };
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });
    struct ask ask;

    say(a, ON_ERROR, true);
    check(w, "/x", "", 2, "uri-miss; stored");
    raw_pair_say(a->pair, &broken);
    purge(w, PURGE_URL, "/x", true);
    check(w, "/x", "", 2, "detail=origin-failed");
    purge(w, PURGE_URL, "/x", false);
    ask_and_wait(w, &ask, "/x", "");
    assert_int_equal(ask.status, 503);
    answers_close(a);
}

static void it_stands_in_for_a_failed_origin_and_what_is_gone_does_not(void **)
{
    in_many_worlds(down_story);
}

/* The origin is asked whether the old one still holds when that is purged, and then it fails. */
static void failing_story(struct world *w, const struct raw_script *broken, int status)
{
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });
    struct ask ask;

    say(a, ON_ERROR, true);
    check(w, "/x", "", 2, "uri-miss; stored");
    raw_pair_say(a->pair, broken);
    purge(w, PURGE_URL, "/x", true);
    ask_start(w, &ask, "/x", "");
    sim_run_for(w->sim, span_ms(200));
    purge(w, PURGE_URL, "/x", false);
    world_wait(w, &ask, 1);
    assert_int_equal(ask.status, status);
    answers_close(a);
}

static void broken_story(struct world *w)
{
    const struct raw_script script = {
        .answer = SLICE(BROKEN), .cut_at = SIZE_MAX, .wait = span_ms(500)
    };

    failing_story(w, &script, 503);
}

static void closing_story(struct world *w)
{
    const struct raw_script script = {
        .answer = SLICE("H"), .cut_at = SIZE_MAX, .end = RAW_CLOSES, .wait = span_ms(500)
    };

    failing_story(w, &script, 502);
}

static void what_is_purged_while_the_origin_is_asked_does_not_stand_in(void **)
{
    in_many_worlds(broken_story);
    in_many_worlds(closing_story);
}

static void doubt_story(struct world *w)
{
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });

    a->script.to_validation = SLICE(NOT_MODIFIED "\r\n");
    say(a, "Cache-Control: max-age=60, stale-while-revalidate=60\r\n", true);
    check(w, "/x", "", 2, "uri-miss; stored");
    check(w, "/y", "", 2, "uri-miss; stored");
    purges_doubt(purges(w), true);
    check(w, "/x", "", 2, "fwd=stale; stored");
    check(w, "/x", "", 2, "hit");
    check(w, "/z", "", 2, "uri-miss; stored");
    check(w, "/z", "", 2, "hit");
    purges_doubt(purges(w), false);
    unsigned asked = requests(a);

    check(w, "/y", "", 2, "hit");
    assert_int_equal(requests(a), asked);
    answers_close(a);
}

static void in_doubt_what_was_stored_before_is_validated(void **)
{
    in_many_worlds(doubt_story);
}

static bool names_tags(const struct ask *ask)
{
    return ask_has(ask, "Surrogate-Key") || ask_has(ask, "Cache-Tag");
}

static void told_story(struct world *w)
{
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });
    struct ask ask;

    for (size_t i = 0; i < 2; i++) { // filled, and from the store
        ask_and_wait(w, &ask, "/x", "");
        assert_int_equal(version_of(&ask), 1);
        assert_false(names_tags(&ask));
        assert_true(ask_has(&ask, "ETag: \"01\""));
    }
    ask_and_wait(w, &ask, "/x", "If-None-Match: \"01\"\r\n");
    assert_int_equal(ask.status, 304);
    assert_false(names_tags(&ask));
    ask_and_wait(w, &ask, "/y", "Authorization: Basic eDp5\r\n"); // passed
    assert_int_equal(version_of(&ask), 1);
    assert_false(names_tags(&ask));
    answers_close(a);
}

static void visitors_are_not_told_of_tags(void **)
{
    in_many_worlds(told_story);
}

static void retagged_story(struct world *w)
{
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });

    a->script.to_validation =
        SLICE(NOT_MODIFIED "Cache-Control: max-age=60\r\nSurrogate-Key: new\r\n\r\n");
    say(a, FRESH, true);
    check(w, "/x", "", 2, "uri-miss; stored");
    purge(w, PURGE_TAG, "a", true);
    check(w, "/x", "", 2, "fwd=stale; stored");
    purge(w, PURGE_TAG, "a", false); // it has that one no more
    check(w, "/x", "", 2, "hit");
    purge(w, PURGE_TAG, "c", true); // the 304 said nothing of Cache-Tag
    check(w, "/x", "", 2, "fwd=stale; stored");
    change(a);
    purge(w, PURGE_TAG, "new", false);
    check(w, "/x", "", 3, "uri-miss; stored");
    answers_close(a);
}

static void a_304_may_change_the_tags(void **)
{
    in_many_worlds(retagged_story);
}

static void marked_story(struct world *w)
{
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });

    for (size_t i = 0; i < 4; i++) {
        say(a, "Cache-Control: private\r\n", true);
        check(w, "/p", "", a->version, "uri-miss");
        say(a, FRESH, true);
        check(w, "/p", "", a->version, "detail=uncacheable");
        purge(w, i % 2 == 0 ? PURGE_URL : PURGE_PREFIX, "/p", i / 2 == 0);
        check(w, "/p", "", a->version, "uri-miss; stored");
        purge(w, PURGE_SITE, "", false);
    }
    answers_close(a);
}

static void what_was_known_as_uncacheable_is_tried_anew(void **)
{
    in_many_worlds(marked_story);
}

static void parts_story(struct world *w)
{
    struct answers *a = answers_open(w, &(struct raw_script){ .step = 0 });
    struct ask ask;

    check(w, "/x", "", 1, "uri-miss; stored");
    change(a);
    purge(w, PURGE_URL, "/x", false);
    ask_and_wait(w, &ask, "/x", "Range: bytes=0-1\r\n");
    assert_int_equal(ask.status, 206);
    assert_string_equal(ask.start, "02");
    check(w, "/x", "If-None-Match: \"01\"\r\n", 2, "hit");
    answers_close(a);
}

static void parts_and_conditions_are_of_the_new_one(void **)
{
    in_many_worlds(parts_story);
}

/* Changes, purges and visits in any order: who asks after a purge gets what was there before it,
 * or newer. */
static void random_story(struct world *w)
{
    enum { ASKS = 60 };
    const struct raw_script script = { .wait = span_ms((int64_t)sim_draw(w->sim, 60)),
        .drip = span_ms((int64_t)sim_draw(w->sim, 20)),
        .step = 1 + sim_draw(w->sim, 200) };
    struct answers *a = answers_open(w, &script);
    struct ask *asks = mem_array(ASKS, sizeof *asks);
    unsigned least[ASKS];
    unsigned purged = 1;

    say(a, sim_draw(w->sim, 2) == 0 ? FRESH : FRESH "Vary: Accept-Language\r\n", true);
    for (size_t i = 0; i < ASKS; i++) {
        if (sim_draw(w->sim, 3) == 0 && a->count < VERSIONS) {
            size_t how = sim_draw(w->sim, COUNT_OF(HITS));

            change(a);
            purge(w, HITS[how].kind, HITS[how].text, sim_draw(w->sim, 4) == 0);
            purged = a->version;
        }
        least[i] = purged;
        ask_start(w, &asks[i], "/x/y?z",
            sim_draw(w->sim, 2) == 0 ? "Accept-Language: de\r\n" : "Accept-Language: fr\r\n");
        sim_run_for(w->sim, span_ms((int64_t)sim_draw(w->sim, 120)));
    }
    world_wait(w, asks, ASKS);
    for (size_t i = 0; i < ASKS; i++)
        assert_in_range(version_of(&asks[i]), least[i], a->version);
    mem_free(asks);
    answers_close(a);
}

static void nobody_gets_what_was_purged_before_he_asked(void **)
{
    in_many_worlds(random_story);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_is_purged_is_asked_for_as_if_it_were_not_there),
        cmocka_unit_test(a_fill_begun_before_a_purge_is_not_joined_after_it),
        cmocka_unit_test(a_fill_that_a_purge_does_not_match_is_shared_on),
        cmocka_unit_test(all_variants_are_purged),
        cmocka_unit_test(what_is_purged_softly_is_validated),
        cmocka_unit_test(it_is_served_meanwhile_where_it_says_so_itself),
        cmocka_unit_test(it_stands_in_for_a_failed_origin_and_what_is_gone_does_not),
        cmocka_unit_test(what_is_purged_while_the_origin_is_asked_does_not_stand_in),
        cmocka_unit_test(in_doubt_what_was_stored_before_is_validated),
        cmocka_unit_test(visitors_are_not_told_of_tags),
        cmocka_unit_test(a_304_may_change_the_tags),
        cmocka_unit_test(what_was_known_as_uncacheable_is_tried_anew),
        cmocka_unit_test(parts_and_conditions_are_of_the_new_one),
        cmocka_unit_test(nobody_gets_what_was_purged_before_he_asked),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
