// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/json.h"
#include "admin/orders.h"
#include "admin/routes.h"

static const struct admin_route *find(const char *path, enum http_method method)
{
    bool is_path;

    return admin_route_find(slice_text(path), method, &is_path);
}

static bool is_path(const char *path)
{
    bool is;
    const struct admin_route *route = admin_route_find(slice_text(path), HTTP_DELETE, &is);

    return route == NULL && is;
}

static void each_path_is_found_by_its_method_alone(void **)
{
    for (const struct admin_route *route = admin_routes; route->path != NULL; route++) {
        bool has_part = route->part != NULL;

        assert_true(has_part == (strchr(route->path, '{') != NULL));
        assert_ptr_equal(find(route->path, route->method), route);
        assert_true(is_path(route->path));
    }
    assert_null(find("/api/v1/reload", HTTP_GET));
    assert_null(find("/api/v1/status", HTTP_POST));
    assert_false(is_path("/api/v1/statu"));
    assert_false(is_path("/api/v1/status/"));
    assert_false(is_path("/api/v1/orders/"));
    assert_true(is_path("/api/v1/orders/7"));
}

static void what_is_written_out_is_not_a_part_that_is_left_open(void **)
{
    struct arena arena;

    arena_init(&arena, 4096);
    assert_string_equal(find("/api/v1/invoices/verify", HTTP_POST)->answer, "verdict");
    assert_null(find("/api/v1/invoices/verify", HTTP_GET));
    assert_string_equal(find("/api/v1/invoices/acme", HTTP_GET)->answer, "invoice");
    assert_string_equal(
        admin_route_allow(SLICE("/api/v1/invoices/verify"), &arena), "Allow: POST\r\n");
    assert_string_equal(
        admin_route_allow(SLICE("/api/v1/invoices/acme"), &arena), "Allow: GET, HEAD\r\n");
    arena_done(&arena);
}

/* The code of what is refused; "" for what is taken. */
static const char *check(const char *path)
{
    static char code[64];
    struct slice all = slice_text(path);
    const struct admin_route *route = NULL;
    struct admin_refusal refusal;
    struct arena arena;
    bool is;

    arena_init(&arena, 1 << 20);
    route = admin_route_find(slice_head(all, slice_find(all, '?')), HTTP_GET, &is);
    assert_non_null(route);
    code[0] = '\0';
    if (!admin_route_check(route, all, &arena, &refusal)) {
        assert_int_equal(refusal.status, 400);
        assert_true(refusal.message.text[0] != '\0' && refusal.mend.text[0] != '\0');
        snprintf(code, sizeof code, "%s", refusal.code);
    }
    arena_done(&arena);
    return code;
}

static void fields_that_are_not_known_or_there_twice_are_refused(void **)
{
    assert_string_equal(check("/api/v1/status"), "");
    assert_string_equal(check("/api/v1/status?"), "");
    assert_string_equal(check("/api/v1/status?x"), "query");
    assert_string_equal(check("/api/v1/orders?limit=3&after=9"), "");
    assert_string_equal(check("/api/v1/orders?Limit=3"), "query");
    assert_string_equal(check("/api/v1/orders?limit=3&limit=3"), "query");
    assert_string_equal(check("/api/v1/orders?limit=3&after=9&limit=4"), "query");
    assert_string_equal(check("/api/v1/orders?=3"), "query");
    assert_string_equal(check("/api/v1/orders?&&limit=3&"), "");
}

static void numbers_have_bounds(void **)
{
    assert_string_equal(check("/api/v1/changes?limit=1"), "");
    assert_string_equal(check("/api/v1/changes?limit=512"), "");
    assert_string_equal(check("/api/v1/changes?limit=513"), "limit");
    assert_string_equal(check("/api/v1/changes?limit=0"), "limit");
    assert_string_equal(check("/api/v1/changes?limit=-1"), "limit");
    assert_string_equal(check("/api/v1/changes?limit=1e2"), "limit");
    assert_string_equal(check("/api/v1/changes?limit="), "limit");
    assert_string_equal(check("/api/v1/changes?limit"), "limit");
    assert_string_equal(check("/api/v1/changes?after=9223372036854775807"), "");
    assert_string_equal(check("/api/v1/changes?after=9223372036854775808"), "after");
    assert_string_equal(check("/api/v1/changes?after=99999999999999999999999"), "after");
}

static void texts_have_lengths_and_no_control_bytes(void **)
{
    char path[1024] = "/api/v1/why?name=";
    size_t begun = strlen(path);

    memset(path + begun, 'a', 512);
    assert_string_equal(check(path), "");
    path[begun + 512] = 'a';
    assert_string_equal(check(path), "name");
    assert_string_equal(check("/api/v1/why?name="), "name");
    assert_string_equal(check("/api/v1/why?name=a%00b"), "name");
    assert_string_equal(check("/api/v1/why?name=a%0Ab"), "name");
    assert_string_equal(check("/api/v1/why"), "name");
    assert_string_equal(check("/api/v1/why?node=fra1"), "name");
}

static void choices_and_addresses_are_what_they_should_be(void **)
{
    assert_string_equal(check("/api/v1/usage?by=day"), "");
    assert_string_equal(check("/api/v1/usage?by=da"), "by");
    assert_string_equal(check("/api/v1/usage?by=day%20month"), "by");
    assert_string_equal(check("/api/v1/usage?by="), "by");
    assert_string_equal(check("/api/v1/why?name=x&client=2001:db8::7"), "");
    assert_string_equal(check("/api/v1/why?name=x&client=192.0.2.7.1"), "client");
}

/* Each reference within a document leads to something that is there. */
static void check_references(const json_t *document, json_t *at)
{
    json_t *value;
    const char *key;
    size_t i;

    json_array_foreach (at, i, value)
        check_references(document, value);
    json_object_foreach(at, key, value)
    {
        check_references(document, value);
        if (!slice_equal(slice_text(key), SLICE("$ref")))
            continue;
        struct slice rest = slice_from(slice_text(json_string_value(value)), 2), part;
        const json_t *to = document;

        while (slice_cut(&rest, '/', &part)) {
            char name[128];

            snprintf(name, sizeof name, "%.*s", SLICE_ARG(part));
            to = json_object_get(to, name);
        }
        if (to == NULL)
            fail_msg("%s leads nowhere", json_string_value(value));
    }
}

static void the_document_says_which_fields_are_needed(void **)
{
    json_t *document = admin_openapi_json();
    const json_t *why =
        json_object_get(json_object_get(json_object_get(document, "paths"), "/api/v1/why"), "get");
    const json_t *fields = json_object_get(why, "parameters"), *one;
    size_t i;

    assert_int_equal(json_array_size(fields), 4);
    json_array_foreach (fields, i, one) {
        bool is_name = slice_equal(json_get_text(one, "name"), SLICE("name"));

        assert_true(json_get_flag(one, "required") == is_name);
        assert_true(slice_equal(json_get_text(one, "in"), SLICE("query")));
    }
    json_decref(document);
}

static void the_document_has_every_path_of_the_api_and_every_schema_it_names(void **)
{
    json_t *document = admin_openapi_json(), *names = json_object();
    const json_t *paths = json_object_get(document, "paths");
    size_t documented = 0;

    for (const struct admin_route *route = admin_routes; route->path != NULL; route++) {
        const json_t *path = json_object_get(paths, route->path);
        const char *method = route->method == HTTP_GET ? "get" : "post";
        const json_t *operation = json_object_get(path, method);

        if (!slice_starts(slice_text(route->path), SLICE("/api/"))) {
            assert_null(path);
            continue;
        }
        assert_true(json_get_text(operation, "summary").length > 0);
        const char *id = json_string_value(json_object_get(operation, "operationId"));

        assert_null(json_object_get(names, id));
        json_object_set_new(names, id, json_true());
        documented++;
    }
    assert_true(documented >= 20);
    check_references(document, document);
    json_decref(names);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_is_found_by_its_method_alone),
        cmocka_unit_test(what_is_written_out_is_not_a_part_that_is_left_open),
        cmocka_unit_test(fields_that_are_not_known_or_there_twice_are_refused),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(texts_have_lengths_and_no_control_bytes),
        cmocka_unit_test(choices_and_addresses_are_what_they_should_be),
        cmocka_unit_test(the_document_says_which_fields_are_needed),
        cmocka_unit_test(the_document_has_every_path_of_the_api_and_every_schema_it_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
