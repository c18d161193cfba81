// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/orders_test.h"
#include "admin/text.h"
#include "wire/http_head.h"

static const struct admin_orders known = {
    .network = &orders_network, .drains = orders_drains, .drain_count = 2
};

/* What was read, with memory of its own. */
struct outcome {
    bool is_read;
    struct order order;
    struct admin_refusal refusal;
    struct arena arena;
};

static void outcome_of(struct outcome *o, enum admin_verb verb, struct slice body)
{
    *o = (struct outcome){ .order = { .at = { 7 }, .by = { "root", 4 } } };
    arena_init(&o->arena, 1 << 20);
    o->is_read =
        admin_order_read(&(struct admin_order_asked){ .verb = verb, .body = body, .known = &known },
            &o->arena, &o->order, &o->refusal);
}

struct good {
    enum admin_verb verb;
    const char *body;
    enum order_kind kind;
    const char *site, *text;
};

static void check_good(const struct good *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct outcome o;

        outcome_of(&o, cases[i].verb, slice_text(cases[i].body));
        if (!o.is_read)
            fail_msg("%s: %s", cases[i].body, o.refusal.message.text);
        assert_int_equal(o.order.kind, cases[i].kind);
        assert_true(slice_equal(o.order.site, slice_text(cases[i].site)));
        if (!slice_equal(o.order.text, slice_text(cases[i].text)))
            fail_msg("%s: %.*s", cases[i].body, SLICE_ARG(o.order.text));
        assert_true(slice_equal(o.order.by, SLICE("root")) && o.order.at.ms == 7);
        arena_done(&o.arena);
    }
}

struct bad {
    enum admin_verb verb;
    const char *body;
    int status;
    const char *code, *says; // within message or mend
};

static void check_bad(const struct bad *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct outcome o;

        outcome_of(&o, cases[i].verb, slice_text(cases[i].body));
        if (o.is_read)
            fail_msg("%s was taken", cases[i].body);
        if (o.refusal.status != cases[i].status || strcmp(o.refusal.code, cases[i].code) != 0)
            fail_msg("%s: %d %s, %s", cases[i].body, o.refusal.status, o.refusal.code,
                o.refusal.message.text);
        if (strstr(o.refusal.message.text, cases[i].says) == NULL &&
            strstr(o.refusal.mend.text, cases[i].says) == NULL)
            fail_msg("%s: %s; %s", cases[i].body, o.refusal.message.text, o.refusal.mend.text);
        assert_true(o.refusal.message.text[0] != '\0' && o.refusal.mend.text[0] != '\0');
        assert_true(o.order.kind == 0 && o.order.text.at == NULL && o.order.at.ms == 7);
        arena_done(&o.arena);
    }
}

#define STATIC "static.acme.test"

static void a_url_is_purged_by_its_path_as_objects_are_keyed(void **)
{
    static const struct good CASES[] = {
        { ADMIN_PURGE, "{\"url\": \"https://" STATIC "/logo.png\"}", ORDER_PURGE_URL, STATIC,
            "/logo.png" },
        { ADMIN_PURGE, "{\"url\": \"HTTP://STATIC.acme.test.cdn.TEST/\"}", ORDER_PURGE_URL, STATIC,
            "/" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC ":8080/a/./b/../%7ec?x=1&y=%20\"}",
            ORDER_PURGE_URL, STATIC, "/a/~c?x=1&y=%20" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC ":/%2f%2F\"}", ORDER_PURGE_URL, STATIC,
            "/%2F%2F" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC "\"}", ORDER_PURGE_URL, STATIC, "/" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC "?q\"}", ORDER_PURGE_URL, STATIC, "/?q" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC "/stra\u00dfe\"}", ORDER_PURGE_URL, STATIC,
            "/stra%C3%9Fe" },
    };

    check_good(CASES, COUNT_OF(CASES));
}

static void a_prefix_may_have_a_star_at_its_end(void **)
{
    static const struct good CASES[] = {
        { ADMIN_PURGE, "{\"prefix\": \"https://" STATIC "/img/*\"}", ORDER_PURGE_PREFIX, STATIC,
            "/img/" },
        { ADMIN_PURGE, "{\"prefix\": \"https://" STATIC "/img/lo\"}", ORDER_PURGE_PREFIX, STATIC,
            "/img/lo" },
        { ADMIN_PURGE, "{\"prefix\": \"https://" STATIC "/list?page=\"}", ORDER_PURGE_PREFIX,
            STATIC, "/list?page=" },
        { ADMIN_PURGE, "{\"prefix\": \"https://" STATIC "/a**\"}", ORDER_PURGE_PREFIX, STATIC,
            "/a*" },
    };

    check_good(CASES, COUNT_OF(CASES));
}

static void tags_and_sites_are_of_one_site(void **)
{
    static const struct good CASES[] = {
        { ADMIN_PURGE, "{\"tag\": \"product-7\", \"site\": \"" STATIC "\"}", ORDER_PURGE_TAG,
            STATIC, "product-7" },
        { ADMIN_PURGE, "{\"site\": \"" STATIC ".\", \"tag\": \"a b\"}", ORDER_PURGE_TAG, STATIC,
            "a b" },
        { ADMIN_PURGE, "{\"site\": \"Static.Acme.Test\"}", ORDER_PURGE_SITE, STATIC, "" },
    };

    check_good(CASES, COUNT_OF(CASES));
}

static void soft_is_said_by_true_alone(void **)
{
    static const struct {
        const char *body;
        bool is_soft;
    } CASES[] = {
        { "{\"site\": \"" STATIC "\", \"soft\": true}", true },
        { "{\"soft\": false, \"site\": \"" STATIC "\"}", false },
        { "{\"site\": \"" STATIC "\"}", false },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct outcome o;

        outcome_of(&o, ADMIN_PURGE, slice_text(CASES[i].body));
        assert_true(o.is_read && o.order.is_soft == CASES[i].is_soft);
        arena_done(&o.arena);
    }
}

static void pops_nodes_and_origins_are_drained_and_taken_back(void **)
{
    static const struct good CASES[] = {
        { ADMIN_DRAIN, "{\"pop\": \"fra\"}", ORDER_DRAIN_POP, "", "fra" },
        { ADMIN_DRAIN, "{\"node\": \"nyc1\"}", ORDER_DRAIN_NODE, "", "nyc1" },
        { ADMIN_DRAIN, "{\"origin\": \"acme/nyc\"}", ORDER_DRAIN_ORIGIN, "", "acme/nyc" },
        { ADMIN_UNDRAIN, "{\"pop\": \"nyc\"}", ORDER_UNDRAIN_POP, "", "nyc" },
        { ADMIN_UNDRAIN, "{\"node\": \"fra1\"}", ORDER_UNDRAIN_NODE, "", "fra1" },
        { ADMIN_UNDRAIN, "{\"origin\": \"acme/ams\"}", ORDER_UNDRAIN_ORIGIN, "", "acme/ams" },
    };

    check_good(CASES, COUNT_OF(CASES));
}

static void what_left_the_release_can_be_undrained_and_not_drained(void **)
{
    static const struct good GOOD = { ADMIN_UNDRAIN, "{\"pop\": \"sin\"}", ORDER_UNDRAIN_POP, "",
        "sin" };
    static const struct bad BAD[] = {
        { ADMIN_DRAIN, "{\"pop\": \"sin\"}", 404, "pop", "no pop \"sin\"" },
        { ADMIN_UNDRAIN, "{\"node\": \"sin\"}", 404, "node", "no node \"sin\"" },
    };

    check_good(&GOOD, 1);
    check_bad(BAD, COUNT_OF(BAD));
}

static void an_id_makes_asking_again_harmless(void **)
{
    struct outcome o;

    outcome_of(
        &o, ADMIN_DRAIN, SLICE("{\"pop\": \"fra\", \"id\": \"000102030405060708090a0B0c0D0e0f\"}"));
    assert_true(o.is_read);
    for (unsigned i = 0; i < ORDER_ID_SIZE; i++)
        assert_int_equal(o.order.id[i], i);
    arena_done(&o.arena);
    outcome_of(&o, ADMIN_DRAIN, SLICE("{\"pop\": \"fra\"}"));
    assert_true(o.is_read);
    for (unsigned i = 0; i < ORDER_ID_SIZE; i++)
        assert_int_equal(o.order.id[i], 0);
    arena_done(&o.arena);
}

static void what_is_not_there_is_told_with_the_nearest(void **)
{
    static const struct bad CASES[] = {
        { ADMIN_PURGE, "{\"url\": \"http://statik.acme.test/\"}", 404, "site",
            "did you mean static.acme.test?" },
        { ADMIN_PURGE, "{\"site\": \"nobody.example\"}", 404, "site", "`waypost status`" },
        { ADMIN_PURGE, "{\"url\": \"http:///x\"}", 404, "site", "no site \"\"" },
        { ADMIN_PURGE, "{\"site\": \"www.acme.test\"}", 422, "steered", "nothing of it is stored" },
        { ADMIN_DRAIN, "{\"pop\": \"frb\"}", 404, "pop", "did you mean fra?" },
        { ADMIN_DRAIN, "{\"pop\": \"FRA\"}", 404, "pop", "did you mean fra?" },
        { ADMIN_DRAIN, "{\"node\": \"nyc2\"}", 404, "node", "did you mean nyc1?" },
        { ADMIN_DRAIN, "{\"origin\": \"ams\"}", 404, "origin", "did you mean acme/ams?" },
        { ADMIN_DRAIN, "{\"origin\": \"acme/frankfurt\"}", 404, "origin", "`waypost status`" },
    };

    check_bad(CASES, COUNT_OF(CASES));
}

static void a_url_that_names_nothing_stored_is_refused_with_the_mend(void **)
{
    static const struct bad CASES[] = {
        { ADMIN_PURGE, "{\"url\": \"" STATIC "/logo.png\"}", 400, "url", "https://static" },
        { ADMIN_PURGE, "{\"url\": \"ftp://" STATIC "/logo.png\"}", 400, "url", "URL of http" },
        { ADMIN_PURGE, "{\"url\": \"\"}", 400, "url", "URL of http" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC "/a#top\"}", 400, "url", "fragment" },
        { ADMIN_PURGE, "{\"url\": \"http://me@" STATIC "/a\"}", 400, "url", "before the @" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC ":99999/a\"}", 404, "site", "99999" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC "/%4\"}", 400, "url", "escape" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC "/a%00\"}", 400, "url", "escape" },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC "/../..\"}", 400, "url", "/.." },
        { ADMIN_PURGE, "{\"url\": \"http://" STATIC "/?a b\"}", 400, "url", "%20" },
        { ADMIN_PURGE, "{\"prefix\": \"http://" STATIC "/?\u00e9\"}", 400, "url", "query" },
        { ADMIN_PURGE, "{\"prefix\": \"/img/\"}", 400, "url", "URL of http" },
    };

    check_bad(CASES, COUNT_OF(CASES));
}

static void wrong_missing_and_foreign_members_are_refused(void **)
{
    static const struct bad CASES[] = {
        { ADMIN_PURGE, "", 400, "json", "not an object" },
        { ADMIN_PURGE, "purge all", 400, "json", "not an object" },
        { ADMIN_PURGE, "[\"" STATIC "\"]", 400, "json", "not an object" },
        { ADMIN_PURGE, "{\"site\": \"" STATIC "\"", 400, "json", "not an object" },
        { ADMIN_PURGE, "{\"site\": \"" STATIC "\"} x", 400, "json", "not an object" },
        { ADMIN_PURGE, "{\"site\": \"" STATIC "\", \"site\": \"" STATIC "\"}", 400, "json", "" },
        { ADMIN_PURGE, "{\"site\": \"static\\u0000.acme.test\"}", 400, "json", "" },
        { ADMIN_PURGE, "{}", 400, "empty", "url, prefix, tag" },
        { ADMIN_PURGE, "{\"soft\": true}", 400, "empty", "url, prefix, tag" },
        { ADMIN_PURGE, "{\"all\": true}", 400, "member", "\"all\" is not known" },
        { ADMIN_PURGE, "{\"pop\": \"fra\"}", 400, "member", "\"pop\" is not known" },
        { ADMIN_DRAIN, "{\"pop\": \"fra\", \"soft\": true}", 400, "member", "not known" },
        { ADMIN_PURGE, "{\"site\": 7}", 400, "member", "no text" },
        { ADMIN_PURGE, "{\"site\": null}", 400, "member", "no text" },
        { ADMIN_PURGE, "{\"site\": \"" STATIC "\", \"soft\": 1}", 400, "member", "true nor" },
        { ADMIN_PURGE, "{\"site\": \"" STATIC "\", \"url\": \"http://" STATIC "/\"}", 400, "member",
            "another thing" },
        { ADMIN_PURGE,
            "{\"tag\": \"a\", \"site\": \"" STATIC "\", \"url\": \"http://" STATIC "/\"}", 400,
            "member", "another thing" },
        { ADMIN_DRAIN, "{\"pop\": \"fra\", \"node\": \"fra1\"}", 400, "member", "another thing" },
        { ADMIN_PURGE, "{\"tag\": \"a\"}", 400, "site", "--site HOST" },
        { ADMIN_PURGE, "{\"tag\": \"\", \"site\": \"" STATIC "\"}", 400, "tag", "Surrogate-Key" },
        { ADMIN_PURGE, "{\"tag\": \"a,b\", \"site\": \"" STATIC "\"}", 400, "tag", "commas" },
        { ADMIN_PURGE, "{\"tag\": \" a\", \"site\": \"" STATIC "\"}", 400, "tag", "no tag" },
        { ADMIN_PURGE, "{\"tag\": \"a\\tb\", \"site\": \"" STATIC "\"}", 400, "tag", "no tag" },
        { ADMIN_DRAIN, "{\"pop\": \"fra\", \"id\": \"7\"}", 400, "id", "32 hexadecimal" },
        { ADMIN_DRAIN, "{\"pop\": \"fra\", \"id\": \"00000000000000000000000000000000\"}", 400,
            "id", "random" },
        { ADMIN_DRAIN, "{\"pop\": \"fra\", \"id\": \"0000000000000000000000000000000g\"}", 400,
            "id", "32 hexadecimal" },
    };

    check_bad(CASES, COUNT_OF(CASES));
}

/* A body whose path has so many bytes. */
static struct outcome path_of(size_t length, const char *unit)
{
    struct outcome o;
    struct text body;

    text_init(&body, 64 * 1024);
    text_say(&body, "{\"url\": \"http://" STATIC "/");
    for (size_t i = 1; i < length; i++)
        text_say(&body, "%s", unit);
    text_say(&body, "\"}");
    outcome_of(&o, ADMIN_PURGE, text_slice(&body));
    text_done(&body);
    return o;
}

static void a_path_is_no_longer_than_a_request_may_have_it(void **)
{
    struct outcome o = path_of(HTTP_TARGET_MAX, "a");

    assert_true(o.is_read && o.order.text.length == HTTP_TARGET_MAX);
    arena_done(&o.arena);
    o = path_of(HTTP_TARGET_MAX + 1, "a");
    assert_true(!o.is_read && o.refusal.status == 400);
    arena_done(&o.arena);
    o = path_of(HTTP_TARGET_MAX / 3 + 2, "<"); // longer once it is escaped
    assert_true(!o.is_read && o.refusal.status == 400);
    arena_done(&o.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_purged_by_its_path_as_objects_are_keyed),
        cmocka_unit_test(a_prefix_may_have_a_star_at_its_end),
        cmocka_unit_test(tags_and_sites_are_of_one_site),
        cmocka_unit_test(soft_is_said_by_true_alone),
        cmocka_unit_test(pops_nodes_and_origins_are_drained_and_taken_back),
        cmocka_unit_test(what_left_the_release_can_be_undrained_and_not_drained),
        cmocka_unit_test(an_id_makes_asking_again_harmless),
        cmocka_unit_test(what_is_not_there_is_told_with_the_nearest),
        cmocka_unit_test(a_url_that_names_nothing_stored_is_refused_with_the_mend),
        cmocka_unit_test(wrong_missing_and_foreign_members_are_refused),
        cmocka_unit_test(a_path_is_no_longer_than_a_request_may_have_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
