// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/hash.h"
#include "cache/purges.h"

static const struct slice SITE = { "a.example", 9 };

static int setup(void **state)
{
    *state = purges_new(7);
    return 0;
}

static int teardown(void **state)
{
    purges_free(*state);
    return 0;
}

static uint64_t purge(struct purges *p, enum purge_kind kind, const char *text, bool is_soft)
{
    return purges_add(p, kind, SITE, slice_text(text), is_soft);
}

static enum purged judge(
    const struct purges *p, const char *key, const char *tags, uint64_t generation)
{
    const struct purge_subject subject = { .key = slice_text(key), .tags = slice_text(tags) };

    return purges_judge(p, &subject, generation);
}

static void check(const struct purges *p, const char *key, enum purged expected)
{
    assert_int_equal(judge(p, key, "", 0), expected);
}

static void nothing_is_purged_at_first(void **state)
{
    check(*state, "a.example/", PURGED_NOT);
    assert_int_equal(purges_generation(*state), 0);
}

static void a_url_is_purged_with_all_its_variants(void **state)
{
    purge(*state, PURGE_URL, "/a?b=1", false);
    check(*state, "a.example/a?b=1", PURGED_GONE);
    check(*state, "a.example/a?b=1\n00\n3", PURGED_GONE);
    check(*state, "a.example/a?b=12", PURGED_NOT);
    check(*state, "a.example/a", PURGED_NOT);
    check(*state, "b.example/a?b=1", PURGED_NOT);
}

static void what_began_after_a_purge_is_not_purged(void **state)
{
    uint64_t first = purge(*state, PURGE_URL, "/a", false);
    uint64_t second = purge(*state, PURGE_URL, "/a", false);

    assert_int_equal(second, first + 1);
    assert_int_equal(purges_generation(*state), second);
    assert_int_equal(judge(*state, "a.example/a", "", first), PURGED_GONE);
    assert_int_equal(judge(*state, "a.example/a", "", second), PURGED_NOT);
}

static void a_prefix_is_of_path_and_query_by_bytes(void **state)
{
    purge(*state, PURGE_PREFIX, "/img/a", false);
    check(*state, "a.example/img/a", PURGED_GONE);
    check(*state, "a.example/img/abc/d?e", PURGED_GONE);
    check(*state, "a.example/img/", PURGED_NOT);
    check(*state, "a.example/img/b", PURGED_NOT);
    check(*state, "b.example/img/a", PURGED_NOT);
    purge(*state, PURGE_PREFIX, "/q?x=", false);
    check(*state, "a.example/q?x=1", PURGED_GONE);
    check(*state, "a.example/q?y=1", PURGED_NOT);
}

static void an_empty_prefix_is_the_whole_site(void **state)
{
    purge(*state, PURGE_PREFIX, "", false);
    check(*state, "a.example/anything", PURGED_GONE);
    check(*state, "b.example/anything", PURGED_NOT);
}

static void prefixes_are_found_up_to_their_longest_length(void **state)
{
    static const size_t lengths[] = { 1, 63, 64, 65, 127, 128, 8000, 8191 };
    static char path[9000], key[9010];

    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    snprintf(key, sizeof key, "a.example%s", path);
    for (unsigned i = 0; i < COUNT_OF(lengths); i++) {
        uint64_t before = purges_generation(*state);

        purges_add(*state, PURGE_PREFIX, SITE, slice_of(path, lengths[i]), false);
        assert_int_equal(judge(*state, key, "", before), PURGED_GONE);
        assert_int_equal(judge(*state, key, "", before + 1), PURGED_NOT);
    }
}

static void a_tag_is_found_in_either_field_and_exactly(void **state)
{
    static const char tags[] = "Surrogate-Key:  one two\tthree \r\n"
                               "cache-tag: four, five six ,,seven\r\n"
                               "Surrogate-Key: eight\r\n";
    static const char *const hit[] = { "one", "two", "three", "four", "five six", "seven",
        "eight" };
    static const char *const missed[] = { "One", "on", "five", "six", "eight\r", "", "Surrogate" };

    for (unsigned i = 0; i < COUNT_OF(hit); i++) {
        uint64_t before = purges_generation(*state);

        purge(*state, PURGE_TAG, hit[i], false);
        assert_int_equal(judge(*state, "a.example/", tags, before), PURGED_GONE);
        assert_int_equal(judge(*state, "b.example/", tags, before), PURGED_NOT);
        assert_int_equal(judge(*state, "a.example/", "", before), PURGED_NOT);
    }
    uint64_t before = purges_generation(*state);

    for (unsigned i = 0; i < COUNT_OF(missed); i++)
        purge(*state, PURGE_TAG, missed[i], false);
    assert_int_equal(judge(*state, "a.example/", tags, before), PURGED_NOT);
}

static void what_has_no_head_yet_may_have_any_tag(void **state)
{
    struct purge_subject subject = { .key = SLICE("a.example/"), .has_unknown_tags = true };

    purge(*state, PURGE_URL, "/b", false);
    assert_int_equal(purges_judge(*state, &subject, 0), PURGED_NOT);
    purge(*state, PURGE_TAG, "x", true);
    assert_int_equal(purges_judge(*state, &subject, 0), PURGED_STALE);
    purge(*state, PURGE_TAG, "y", false);
    assert_int_equal(purges_judge(*state, &subject, 0), PURGED_GONE);
    assert_int_equal(purges_judge(*state, &subject, purges_generation(*state)), PURGED_NOT);
    subject.key = SLICE("b.example/");
    assert_int_equal(purges_judge(*state, &subject, 0), PURGED_NOT);
}

static void more_tags_than_are_looked_at_are_hit_by_each(void **state)
{
    static char tags[8 * PURGE_TAGS_MAX + 64];
    size_t length = (size_t)snprintf(tags, sizeof tags, "Cache-Tag: ");

    for (unsigned i = 0; i < PURGE_TAGS_MAX; i++)
        length += (size_t)snprintf(tags + length, sizeof tags - length, "t%u,", i);
    purge(*state, PURGE_TAG, "x", false);
    assert_int_equal(judge(*state, "a.example/", tags, 0), PURGED_NOT);
    snprintf(tags + length, sizeof tags - length, "u\r\n");
    assert_int_equal(judge(*state, "a.example/", tags, 0), PURGED_GONE);
}

static void a_soft_purge_makes_stale_and_a_hard_one_wins(void **state)
{
    purge(*state, PURGE_SITE, "", true);
    check(*state, "a.example/a", PURGED_STALE);
    purge(*state, PURGE_URL, "/a", false);
    check(*state, "a.example/a", PURGED_GONE);
    purge(*state, PURGE_URL, "/a", true);
    check(*state, "a.example/a", PURGED_GONE);
    assert_int_equal(judge(*state, "a.example/a", "", 2), PURGED_STALE);
    check(*state, "a.example/b", PURGED_STALE);
    check(*state, "b.example/b", PURGED_NOT);
}

static void all_can_be_purged(void **state)
{
    purges_add_all(*state, true);
    check(*state, "b.example/", PURGED_STALE);
    purges_add_all(*state, false);
    check(*state, "b.example/", PURGED_GONE);
    assert_int_equal(judge(*state, "b.example/", "", 2), PURGED_NOT);
}

static void doubt_lasts_until_it_is_taken_back(void **state)
{
    struct purges_stats stats;

    purge(*state, PURGE_URL, "/soft", true);
    purge(*state, PURGE_URL, "/hard", false);
    purges_doubt(*state, true);
    uint64_t generation = purges_generation(*state);

    check(*state, "a.example/", PURGED_DOUBT);
    check(*state, "a.example/soft", PURGED_STALE);
    check(*state, "a.example/hard", PURGED_GONE);
    assert_int_equal(judge(*state, "a.example/", "", generation), PURGED_NOT);
    purges_doubt(*state, true);
    assert_int_equal(judge(*state, "a.example/", "", generation), PURGED_DOUBT);
    purges_stats(*state, &stats);
    assert_true(stats.is_doubtful);
    purges_doubt(*state, false);
    check(*state, "a.example/", PURGED_NOT);
}

static void a_length_too_many_purges_by_the_next_shorter_one(void **state)
{
    char path[200], key[210];
    struct purges_stats stats;

    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    for (unsigned i = 0; i < PURGE_LENGTHS_MAX; i++)
        purges_add(*state, PURGE_PREFIX, SITE, slice_of(path, 2 * i + 3), false);
    uint64_t before = purges_generation(*state);

    purges_stats(*state, &stats);
    assert_int_equal(stats.widened, 0);
    purges_add(*state, PURGE_PREFIX, SITE, slice_of(path, 10), false); // by the first 9 bytes
    snprintf(key, sizeof key, "a.example%.9s!", path);
    assert_int_equal(judge(*state, key, "", before), PURGED_GONE);
    snprintf(key, sizeof key, "a.example%.8s!", path);
    assert_int_equal(judge(*state, key, "", before), PURGED_NOT);
    purges_add(*state, PURGE_PREFIX, SITE, slice_of(path, 2), false); // by the site
    assert_int_equal(judge(*state, "a.example/other", "", before), PURGED_GONE);
    purges_stats(*state, &stats);
    assert_int_equal(stats.widened, 2);
    assert_int_equal(stats.added[PURGE_PREFIX], PURGE_LENGTHS_MAX + 2);
}

static void purge_numbers(struct purges *p, struct slice site, unsigned count)
{
    char text[32];

    for (unsigned i = 0; i < count; i++) {
        snprintf(text, sizeof text, "/%u", i);
        purges_add(p, PURGE_URL, site, slice_text(text), false);
    }
}

static void a_full_table_purges_the_sites_of_its_older_half(void **state)
{
    struct purges_stats stats;

    purge(*state, PURGE_URL, "/first", true);
    purge_numbers(*state, SLICE("c.example"), PURGES_MAX);
    purges_stats(*state, &stats);
    assert_true(stats.folds >= 2);
    assert_true(stats.entries <= PURGES_MAX);
    check(*state, "a.example/first", PURGED_STALE);
    check(*state, "a.example/other", PURGED_STALE); // more than was asked for
    assert_int_equal(judge(*state, "a.example/other", "", 1), PURGED_NOT);
    check(*state, "b.example/other", PURGED_NOT);
    check(*state, "c.example/0", PURGED_GONE);
    check(*state, "c.example/65535", PURGED_GONE);
    assert_int_equal(judge(*state, "c.example/other", "", PURGES_MAX), PURGED_NOT);
}

static void too_many_sites_are_purged_all_together(void **state)
{
    struct purges_stats stats;
    char site[32];

    for (unsigned i = 0; i < 2 * PURGES_MAX; i++) {
        snprintf(site, sizeof site, "s%u.example", i);
        purges_add(*state, PURGE_URL, slice_text(site), SLICE("/"), false);
        purges_stats(*state, &stats);
        assert_true(stats.entries <= PURGES_MAX);
    }
    check(*state, "s0.example/", PURGED_GONE);
    check(*state, "a.example/", PURGED_GONE);
    assert_int_equal(judge(*state, "a.example/", "", 2 * PURGES_MAX), PURGED_NOT);
    for (unsigned i = 0; i < 2 * PURGES_MAX; i++) {
        snprintf(site, sizeof site, "s%u.example/", i);
        assert_int_equal(judge(*state, site, "", i), PURGED_GONE);
    }
}

/* Few texts of few sites, so that much is hit. */
static const struct slice SITES[] = { { "a.example", 9 }, { "b.example", 9 } };
static const char *const PATHS[] = { "/", "/a", "/a/b", "/a/b?c", "/ab", "/b" };
static const char *const TAGS[] = { "t", "u", "v" };
static const char *const FIELDS[] = { "", "Surrogate-Key: t\r\n", "Cache-Tag: u,v\r\n",
    "Cache-Tag: t\r\nSurrogate-Key: x v\r\n" };
static const bool HAS_TAG[COUNT_OF(FIELDS)][COUNT_OF(TAGS)] = { { false }, { true },
    { false, true, true }, { true, false, true } };

struct naive {
    enum purge_kind kind;
    unsigned site, text;
    bool is_soft;
    uint64_t generation;
};

static bool matches(const struct naive *n, unsigned site, unsigned path, unsigned fields)
{
    if (n->site != site)
        return false;
    switch (n->kind) {
    case PURGE_URL: return n->text == path;
    case PURGE_PREFIX: return strncmp(PATHS[path], PATHS[n->text], strlen(PATHS[n->text])) == 0;
    case PURGE_TAG: return HAS_TAG[fields][n->text];
    case PURGE_SITE:
    case PURGE_KIND_COUNT: break;
    }
    return true;
}

enum { MODEL_PURGES = 40, MODEL_SEEDS = 200 };

static void check_model(const struct purges *p, const struct naive *list, unsigned count)
{
    for (unsigned i = 0; i < COUNT_OF(SITES) * COUNT_OF(PATHS) * COUNT_OF(FIELDS); i++) {
        unsigned site = i % COUNT_OF(SITES), path = i / COUNT_OF(SITES) % COUNT_OF(PATHS),
                 fields = i / COUNT_OF(SITES) / COUNT_OF(PATHS);
        char key[64];

        snprintf(key, sizeof key, "%s%s", SITES[site].at, PATHS[path]);
        for (uint64_t began = 0; began <= count; began++) {
            enum purged expected = PURGED_NOT;

            for (unsigned j = 0; j < count; j++)
                if (list[j].generation > began && matches(&list[j], site, path, fields) &&
                    expected != PURGED_GONE)
                    expected = list[j].is_soft ? PURGED_STALE : PURGED_GONE;
            assert_int_equal(judge(p, key, FIELDS[fields], began), expected);
        }
    }
}

static void random_purges_agree_with_a_list_of_them(void **)
{
    for (uint64_t seed = 0; seed < MODEL_SEEDS; seed++) {
        struct purges *p = purges_new(seed);
        struct naive list[MODEL_PURGES];
        unsigned count = (unsigned)(seed % MODEL_PURGES) + 1;

        for (unsigned i = 0; i < count; i++) {
            uint64_t lot = hash_mix(seed * MODEL_PURGES + i + 1);
            enum purge_kind kind = lot % 16 == 0 ? PURGE_SITE : (enum purge_kind)(lot / 16 % 3);
            unsigned text = (unsigned)(lot / 256 % 6) % (kind == PURGE_TAG ? 3 : 6);
            struct naive n = { kind, (unsigned)(lot >> 40 & 1), text, (lot >> 50 & 1) != 0, i + 1 };
            const char *words = kind == PURGE_TAG    ? TAGS[text]
                                : kind == PURGE_SITE ? ""
                                                     : PATHS[text];

            assert_int_equal(
                purges_add(p, kind, SITES[n.site], slice_text(words), n.is_soft), n.generation);
            list[i] = n;
        }
        check_model(p, list, count);
        purges_free(p);
    }
}

enum { WATCHED = 16, ROUNDS = 200000, THREADS = 3 };

/* What control tells the workers: each number's newest purge. */
struct shared {
    struct purges *purges;
    _Atomic uint64_t newest[WATCHED];
    _Atomic bool is_over;
    _Atomic unsigned failures;
};

static void *ask(void *argument)
{
    struct shared *s = argument;
    char key[32];

    for (unsigned i = 0; !atomic_load(&s->is_over); i = (i + 1) % WATCHED) {
        uint64_t newest = atomic_load(&s->newest[i]);
        struct purge_subject subject = { .key = SLICE_NONE };

        snprintf(key, sizeof key, "%s/watched/%u", i % 2 == 0 ? "a.example" : "b.example", i);
        subject.key = slice_text(key);
        if (newest > 0 && purges_judge(s->purges, &subject, newest - 1) != PURGED_GONE)
            atomic_fetch_add(&s->failures, 1);
    }
    return NULL;
}

/* With so many others between them that both halves change places many times. */
static void a_purge_holds_on_all_threads_from_when_it_was_made(void **)
{
    struct shared s = { .purges = purges_new(3) };
    pthread_t threads[THREADS];
    char text[32];

    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &s), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned number = i / 64 % WATCHED;
        bool is_watched = i % 64 == 0;
        struct slice site = is_watched ? SITES[number % 2] : SLICE("c.example");
        enum purge_kind kind = i / 1024 % 2 == 0 ? PURGE_URL : PURGE_PREFIX;

        snprintf(text, sizeof text, "/watched/%u", is_watched ? number : i);
        uint64_t generation = purges_add(s.purges, kind, site, slice_text(text), false);

        if (is_watched)
            atomic_store(&s.newest[number], generation);
    }
    atomic_store(&s.is_over, true);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(s.failures, 0);
    purges_free(s.purges);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(nothing_is_purged_at_first),
        CASE(a_url_is_purged_with_all_its_variants),
        CASE(what_began_after_a_purge_is_not_purged),
        CASE(a_prefix_is_of_path_and_query_by_bytes),
        CASE(an_empty_prefix_is_the_whole_site),
        CASE(prefixes_are_found_up_to_their_longest_length),
        CASE(a_tag_is_found_in_either_field_and_exactly),
        CASE(what_has_no_head_yet_may_have_any_tag),
        CASE(more_tags_than_are_looked_at_are_hit_by_each),
        CASE(a_soft_purge_makes_stale_and_a_hard_one_wins),
        CASE(all_can_be_purged),
        CASE(doubt_lasts_until_it_is_taken_back),
        CASE(a_length_too_many_purges_by_the_next_shorter_one),
        CASE(a_full_table_purges_the_sites_of_its_older_half),
        CASE(too_many_sites_are_purged_all_together),
        cmocka_unit_test(random_purges_agree_with_a_list_of_them),
        cmocka_unit_test(a_purge_holds_on_all_threads_from_when_it_was_made),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
