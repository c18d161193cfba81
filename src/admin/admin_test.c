// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include "admin/ask_test.h"
#include "admin/json.h"

static const struct customer acme = { .name = { "acme", 4 } };
static const struct site www = { .host = { "www.acme.test", 13 }, .customer = &acme };
static const struct site *const sites[] = { &www };
static const struct pop fra;
static const struct node fra1 = { .name = { "fra1", 4 }, .pop = &fra };
static const struct pop fra = { .name = { "fra", 3 }, .nodes = &fra1, .node_count = 1 };
static const struct network network = { .name = { "example", 7 },
    .zone = { "cdn.test", 8 },
    .pops = &fra,
    .pop_count = 1,
    .sites = sites,
    .site_count = 1,
    .hash = 0xabc,
    .serial = 9 };

static bool healthy(struct admin_source *source, struct diag *why)
{
    struct bench *b = container_of(source, struct bench, source);

    if (!b->is_healthy)
        diag_say(why, "the store of fra1 cannot be mapped");
    return b->is_healthy;
}

static void tell_metrics(struct admin_source *, struct metrics *m)
{
    metrics_add_value(
        m, &(struct metrics_value){
               .name = "answer_count", .help = "Of all", .kind = COUNTER_GAUGE, .value = 42 });
}

static void tell_status(struct admin_source *, struct arena *, struct admin_status *status)
{
    status->network = &network;
    status->version = SLICE("0.1");
    status->workers = 2;
}

static const struct steer_rows rows;

/* Runs the node fra1, and knows no site. */
static void explain(struct admin_source *source, struct arena *, const struct admin_question *q,
    struct admin_why *w)
{
    struct bench *b = container_of(source, struct bench, source);

    b->asked_client = q->client;
    snprintf(b->asked_name, sizeof b->asked_name, "%.*s", SLICE_ARG(q->name));
    w->network = &network;
    if (q->node.length == 0 || slice_equal(q->node, SLICE("fra1")))
        w->rows = &rows;
}

/* Knows that fra1 is in the network, and that it does not run here. */
static void tell_nothing(struct admin_source *, const struct slice *, struct admin_view *view)
{
    view->network = &network;
}

static void say_result(struct bench *b)
{
    admin_reload_done(b->admin, &(struct admin_reload_result){ b->errors, 0xdef, 10 });
}

static void reload(struct admin_source *source, struct admin *)
{
    struct bench *b = container_of(source, struct bench, source);

    b->reloads++;
    if (!b->answers_late)
        say_result(b);
}

static const struct admin_source_ops OPS = { .healthy = healthy,
    .metrics = tell_metrics,
    .status = tell_status,
    .why = explain,
    .view = tell_nothing,
    .reload = reload };

static void health_is_ok_or_says_what_is_amiss(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b, REQUEST("GET /healthz"), body), 200);
    assert_string_equal(body, "ok\n");
    b->is_healthy = false;
    assert_int_equal(ask(b, REQUEST("GET /healthz"), body), 503);
    assert_string_equal(body, "the store of fra1 cannot be mapped\n");
    bench_close(b);
}

static void metrics_hold_what_the_source_says_and_own_counts(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker o;
    struct http_head head;

    asker_begin(b, &o, REQUEST("GET /metrics?whatever"));
    const char *page = asker_answer(&o, &head);

    assert_int_equal(head.status, 200);
    assert_non_null(strstr(page, "\nwaypost_answer_count 42\n"));
    assert_non_null(strstr(page, "\nwaypost_admin_requests_total 1\n"));
    assert_non_null(strstr(page, "\nwaypost_admin_http_connections_total 1\n"));
    assert_null(strstr(page, "\nwaypost_http_")); // which is what visitors are counted by
    asker_done(&o);
    bench_close(b);
}

static void status_is_json(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b, REQUEST("GET /api/v1/status"), body), 200);
    json_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);

    assert_true(slice_equal(json_get_text(json, "network"), SLICE("example")));
    assert_int_equal(json_get_number(json, "workers"), 2);
    json_decref(json);
    bench_close(b);
}

/* The member `code` of the error in a body. */
static void error_is(const char *body, const char *code)
{
    json_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    const json_t *error = json_object_get(json, "error");

    assert_true(slice_equal(json_get_text(error, "code"), slice_text(code)));
    assert_true(json_get_text(error, "message").length > 0);
    assert_true(json_get_text(error, "mend").length > 0);
    json_decref(json);
}

/* The field's value in an answer as it came, to be copied. */
static struct slice field_of(const struct asker *o, const char *name)
{
    const char *at = strstr(o->came.at, name);

    assert_non_null(at);
    struct slice rest = slice_text(at + strlen(name));

    return slice_head(rest, slice_find(rest, '\r'));
}

static void what_was_told_before_is_not_told_again_to_who_has_it(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker first, again, other;
    struct http_head head;
    char request[256];

    asker_begin(b, &first, REQUEST("GET /api/v1/openapi.json"));
    struct slice tag = field_of(&first, "\r\nETag: ");

    snprintf(request, sizeof request,
        "GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        "If-None-Match: W/\"x\", %.*s\r\n\r\n",
        SLICE_ARG(tag));
    asker_begin(b, &again, request);
    assert_string_equal(asker_answer(&again, &head), "");
    assert_int_equal(head.status, 304);
    assert_true(slice_equal(field_of(&again, "\r\nETag: "), tag));
    assert_true(slice_equal(field_of(&again, "\r\nCache-Control: "), SLICE("private, no-cache")));
    asker_begin(b, &other,
        "GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        "If-None-Match: \"0123456789abcdef\"\r\n\r\n");
    assert_true(strlen(asker_answer(&other, &head)) > 1000);
    assert_int_equal(head.status, 200);
    asker_done(&first);
    asker_done(&again);
    asker_done(&other);
    bench_close(b);
}

static void errors_and_changes_have_no_tag_and_are_not_kept(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker o;
    struct http_head head;

    asker_begin(b, &o,
        "GET /api/v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        "If-None-Match: *\r\n\r\n");
    asker_answer(&o, &head);
    assert_int_equal(head.status, 404);
    assert_int_equal(http_head_value(&head, HTTP_NAME_ETAG).length, 0);
    assert_true(slice_equal(field_of(&o, "\r\nCache-Control: "), SLICE("no-store")));
    asker_done(&o);
    // Nor has what was posted: that it was done once before is no reason not to say so.
    asker_begin(b, &o,
        "POST /api/v1/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        "If-None-Match: *\r\n\r\n");
    asker_answer(&o, &head);
    assert_int_equal(head.status, 200);
    assert_int_equal(http_head_value(&head, HTTP_NAME_ETAG).length, 0);
    asker_done(&o);
    bench_close(b);
}

#define POSTED(path, fields, length, body)                                      \
    "POST " path " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" fields \
    "Content-Length: " length "\r\n\r\n" body

static void a_body_that_is_not_said_to_be_json_is_not_read(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(
        ask(b, POSTED("/api/v1/drain", "Content-Type: text/xml; charset=utf-8\r\n", "2", "{}"),
            body),
        415);
    error_is(body, "type");
    assert_non_null(strstr(body, "Content-Type: application/json"));
    bench_close(b);
}

static void a_body_where_nothing_is_to_be_said_is_refused(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b, POSTED("/api/v1/reload", "", "2", "{}"), body), 400);
    error_is(body, "body");
    assert_int_equal(b->reloads, 0);
    assert_int_equal(ask(b, POSTED("/api/v1/reload", "", "0", ""), body), 200);
    bench_close(b);
}

static void fields_of_a_query_that_are_not_known_are_refused(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b, REQUEST("GET /api/v1/status?nodes=1"), body), 400);
    error_is(body, "query");
    assert_int_equal(ask(b, REQUEST("POST /api/v1/reload?now"), body), 400);
    assert_int_equal(b->reloads, 0);
    bench_close(b);
}

static void head_is_answered_without_a_body(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b, REQUEST("HEAD /healthz"), body), 200);
    assert_string_equal(body, "");
    bench_close(b);
}

static void what_is_not_there_is_refused_in_the_dress_of_its_path(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b, REQUEST("GET /metric"), body), 404);
    assert_true(slice_starts(slice_text(body), SLICE("there is nothing of that name")));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/statu"), body), 404);
    error_is(body, "missing");
    assert_int_equal(ask(b, REQUEST("POST /metrics"), body), 405);
    assert_int_equal(ask(b, REQUEST("GET /api/v1/reload"), body), 405);
    error_is(body, "method");
    assert_int_equal(b->reloads, 0);
    bench_close(b);
}

static void why_is_asked_of_a_name_a_client_and_a_node(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    ask(b, REQUEST("GET /api/v1/why?name=ww%77.Acme.test.&client=2001%3Adb8::7&node=fra1"), body);
    assert_string_equal(b->asked_name, "www.Acme.test.");
    assert_int_equal(b->asked_client.family, IP_V6);
    ask(b, REQUEST("GET /api/v1/why?name=x"), body);
    assert_int_equal(b->asked_client.family, IP_NONE);
    bench_close(b);
}

static void why_refuses_what_it_cannot_answer_and_names_the_mend(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b, REQUEST("GET /api/v1/why"), body), 400);
    error_is(body, "name");
    assert_int_equal(ask(b, REQUEST("GET /api/v1/why?name="), body), 400);
    assert_int_equal(ask(b, REQUEST("GET /api/v1/why?name=x&client=192.0.2"), body), 400);
    error_is(body, "client");
    assert_int_equal(ask(b, REQUEST("GET /api/v1/why?name=x&client="), body), 400);
    assert_string_equal(b->asked_name, "");
    assert_int_equal(ask(b, REQUEST("GET /api/v1/why?name=ww.acme.test"), body), 404);
    error_is(body, "site");
    assert_non_null(strstr(body, "did you mean www.acme.test?"));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/why?name=elsewhere.example"), body), 404);
    assert_non_null(strstr(body, "`waypost status` lists the sites"));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/why?name=x&node=fra2"), body), 404);
    error_is(body, "node");
    assert_non_null(strstr(body, "fra2"));
    assert_non_null(strstr(body, "did you mean fra1?"));
    assert_int_equal(ask(b, REQUEST("POST /api/v1/why?name=x"), body), 405);
    bench_close(b);
}

static void views_and_maps_are_of_nodes_that_run_here(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b, REQUEST("GET /api/v1/view?node=fr1"), body), 404);
    error_is(body, "node");
    assert_non_null(strstr(body, "did you mean fra1?"));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/map?node=fra1"), body), 404);
    assert_non_null(strstr(body, "ask on the machine where it runs: it is of pop fra"));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/map?node=elsewhere"), body), 404);
    assert_non_null(strstr(body, "lists the nodes"));
    assert_int_equal(ask(b, REQUEST("GET /api/v1/view?limit=0"), body), 400);
    error_is(body, "limit");
    assert_int_equal(ask(b, REQUEST("GET /api/v1/view?limit=10001"), body), 400);
    assert_int_equal(ask(b, REQUEST("GET /api/v1/view?after=12"), body), 400);
    error_is(body, "after");
    assert_int_equal(ask(b, REQUEST("POST /api/v1/map"), body), 405);
    bench_close(b);
}

static void a_reload_names_the_release_in_use(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b, REQUEST("POST /api/v1/reload"), body), 200);
    json_t *json = json_loads(body, 0, NULL);
    const json_t *release = json_object_get(json, "release");

    assert_true(slice_equal(json_get_text(release, "hash"), SLICE("0000000000000def")));
    assert_int_equal(json_get_number(release, "serial"), 10);
    json_decref(json);
    bench_close(b);
}

static void a_reload_that_fails_lists_all_errors_and_what_stays(void **)
{
    struct bench *b = bench_open(&OPS);
    struct conf_errors errors;
    char body[4096];

    conf_errors_init(&errors);
    conf_errors_add(&errors, (struct conf_place){ "w.yaml", 3, 5 }, "ttl: found \"x\"");
    conf_errors_add(&errors, (struct conf_place){ "w.yaml", 9, 1 }, "second");
    b->errors = &errors;
    assert_int_equal(ask(b, REQUEST("POST /api/v1/reload"), body), 422);
    error_is(body, "configuration");
    assert_non_null(strstr(body, "2 errors; release 0000000000000def stays in use"));
    json_t *json = json_loads(body, 0, NULL);
    const json_t *first = json_array_get(json_object_get(json, "errors"), 0);

    assert_true(slice_equal(json_get_text(first, "text"), SLICE("ttl: found \"x\"")));
    assert_int_equal(json_get_number(first, "line"), 3);
    json_decref(json);
    conf_errors_done(&errors);
    bench_close(b);
}

static void a_reload_may_take_its_time_and_a_second_one_is_told_so(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker first;
    struct http_head head;
    char body[4096];

    b->answers_late = true;
    asker_begin(b, &first, REQUEST("POST /api/v1/reload"));
    assert_false(first.has_ended);
    assert_int_equal(ask(b, REQUEST("POST /api/v1/reload"), body), 409);
    error_is(body, "busy");
    assert_int_equal(b->reloads, 1);
    say_result(b);
    sim_run_for(b->sim, span_ms(100));
    assert_non_null(strstr(asker_answer(&first, &head), "0000000000000def"));
    assert_int_equal(head.status, 200);
    asker_done(&first);
    bench_close(b);
}

static void who_asked_for_a_reload_may_leave_before_its_end(void **)
{
    struct bench *b = bench_open(&OPS);
    struct asker o;
    char body[4096];

    b->answers_late = true;
    asker_begin(b, &o, REQUEST("POST /api/v1/reload"));
    stream_close(o.stream, true);
    o.stream = NULL;
    sim_run_for(b->sim, span_ms(100));
    say_result(b);
    asker_done(&o);
    b->answers_late = false;
    assert_int_equal(ask(b, REQUEST("POST /api/v1/reload"), body), 200);
    bench_close(b);
}

static void names_that_a_stranger_controls_are_refused_as_host(void **)
{
    struct bench *b = bench_open(&OPS);
    char body[4096];

    assert_int_equal(ask(b,
                         "GET /api/v1/status HTTP/1.1\r\nHost: evil.example:8653\r\n"
                         "Connection: close\r\n\r\n",
                         body),
        403);
    error_is(body, "foreign");
    assert_int_equal(ask(b,
                         "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n"
                         "Connection: close\r\n\r\n",
                         body),
        403);
    assert_int_equal(ask(b,
                         "GET /healthz HTTP/1.1\r\nHost: LOCALHOST:8653\r\n"
                         "Connection: close\r\n\r\n",
                         body),
        200);
    assert_int_equal(ask(b,
                         "GET /healthz HTTP/1.1\r\nHost: [::1]:8653\r\n"
                         "Connection: close\r\n\r\n",
                         body),
        200);
    bench_close(b);
}

/* A page could not read what comes; yet it would take a watcher's place, and learn how long all
 * takes. */
static void pages_from_elsewhere_change_nothing_and_are_told_nothing(void **)
{
    static const struct {
        const char *line, *field;
        int status;
    } CASES[] = {
        { "GET /api/v1/live", "Sec-Fetch-Site: cross-site", 403 },
        { "GET /api/v1/status", "Sec-Fetch-Site: same-site", 403 }, // another port of localhost
        { "GET /metrics", "Sec-Fetch-Site: cross-site", 403 },
        { "GET /api/v1/status", "Origin: http://localhost:3000", 403 },
        { "POST /api/v1/reload", "Sec-Fetch-Site: cross-site", 403 },
        { "POST /api/v1/reload", "Origin: https://evil.example", 403 },
        { "POST /api/v1/reload", "Origin: null", 403 },
        { "POST /api/v1/reload", "Origin: http://127.0.0.1:8653", 200 },
        { "GET /api/v1/status", "Sec-Fetch-Site: same-origin", 200 },
        { "GET /api/v1/status", "sec-fetch-site: none", 200 },
        { "GET /", "Sec-Fetch-Site: cross-site", 200 }, // a link to the dashboard
    };
    struct bench *b = bench_open(&OPS);
    char request[256];

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct http_head head;
        struct asker o;

        snprintf(request, sizeof request,
            "%s HTTP/1.1\r\nHost: 127.0.0.1:8653\r\n%s\r\nConnection: close\r\n\r\n", CASES[i].line,
            CASES[i].field);
        asker_begin(b, &o, request);
        asker_answer(&o, &head);
        assert_int_equal(head.status, CASES[i].status);
        asker_done(&o);
    }
    assert_int_equal(b->reloads, 1);
    bench_close(b);
}

static void ports_are_for_loopback_alone(void **)
{
    static const struct {
        const char *at;
        enum err err;
    } CASES[] = { { "127.0.0.1:8653", ERR_NONE }, { "127.0.0.13:1", ERR_NONE },
        { "[::1]:8653", ERR_NONE }, { "0.0.0.0:8653", ERR_DENIED }, { "[::]:8653", ERR_DENIED },
        { "10.0.0.1:8653", ERR_DENIED }, { "128.0.0.1:8653", ERR_DENIED },
        { "[7f00::1]:8653", ERR_DENIED } };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct endpoint at;
        struct diag why = { 0 };

        assert_true(endpoint_parse(slice_text(CASES[i].at), 0, &at));
        assert_int_equal(admin_may_listen(&at, &why), CASES[i].err);
        assert_int_equal(
            strstr(why.text, "but loopback needs `admin:") != NULL, CASES[i].err != ERR_NONE);
    }
}

/* Removes the file, and the folders above it up to `folder`. */
static void remove_up_to(const char *folder, char *path)
{
    unlink(path);
    for (char *slash = strrchr(path, '/'); strlen(path) > strlen(folder);
         slash = strrchr(path, '/')) {
        *slash = '\0';
        rmdir(path);
    }
}

static void the_socket_lies_in_the_node_s_folder_for_its_owner_alone(void **)
{
    char folder[] = "/tmp/admin-XXXXXX", path[ADMIN_PATH_MAX], state[64];
    struct kernel *kernel;
    struct epoch epoch;
    struct listener *listener;
    struct admin_source source = { &OPS };
    struct stat stat_of;

    assert_non_null(mkdtemp(folder));
    snprintf(state, sizeof state, "%s/a/b", folder);
    epoch_init(&epoch);
    assert_int_equal(kernel_epoll_new(&kernel), ERR_NONE);
    struct loop *loop = loop_new(kernel, &epoch, 0);
    struct admin *admin = admin_new(loop, &source);

    assert_int_equal(
        admin_open_unix(admin, slice_text(state), SLICE("fra1"), &listener, NULL), ERR_NONE);
    assert_int_equal(admin_socket_path(slice_text(state), SLICE("fra1"), path, NULL), ERR_NONE);
    assert_true(slice_ends(slice_text(path), SLICE("/a/b/fra1/admin.sock")));
    assert_int_equal(stat(path, &stat_of), 0);
    assert_true(S_ISSOCK(stat_of.st_mode));
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    listener_close(listener);
    admin_free(admin);
    loop_free(loop);
    kernel_free(kernel);
    epoch_done(&epoch);
    remove_up_to(folder, path);
}

static void a_socket_path_that_is_too_long_names_the_mend(void **)
{
    char state[200], path[ADMIN_PATH_MAX];
    struct diag why = { 0 };

    memset(state, 's', sizeof state);
    assert_int_equal(
        admin_socket_path(slice_of(state, sizeof state), SLICE("fra1"), path, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "set a shorter `state`"));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(health_is_ok_or_says_what_is_amiss),
        cmocka_unit_test(metrics_hold_what_the_source_says_and_own_counts),
        cmocka_unit_test(status_is_json),
        cmocka_unit_test(what_was_told_before_is_not_told_again_to_who_has_it),
        cmocka_unit_test(errors_and_changes_have_no_tag_and_are_not_kept),
        cmocka_unit_test(a_body_that_is_not_said_to_be_json_is_not_read),
        cmocka_unit_test(a_body_where_nothing_is_to_be_said_is_refused),
        cmocka_unit_test(fields_of_a_query_that_are_not_known_are_refused),
        cmocka_unit_test(head_is_answered_without_a_body),
        cmocka_unit_test(what_is_not_there_is_refused_in_the_dress_of_its_path),
        cmocka_unit_test(why_is_asked_of_a_name_a_client_and_a_node),
        cmocka_unit_test(why_refuses_what_it_cannot_answer_and_names_the_mend),
        cmocka_unit_test(views_and_maps_are_of_nodes_that_run_here),
        cmocka_unit_test(a_reload_names_the_release_in_use),
        cmocka_unit_test(a_reload_that_fails_lists_all_errors_and_what_stays),
        cmocka_unit_test(a_reload_may_take_its_time_and_a_second_one_is_told_so),
        cmocka_unit_test(who_asked_for_a_reload_may_leave_before_its_end),
        cmocka_unit_test(names_that_a_stranger_controls_are_refused_as_host),
        cmocka_unit_test(pages_from_elsewhere_change_nothing_and_are_told_nothing),
        cmocka_unit_test(ports_are_for_loopback_alone),
        cmocka_unit_test(the_socket_lies_in_the_node_s_folder_for_its_owner_alone),
        cmocka_unit_test(a_socket_path_that_is_too_long_names_the_mend),
    };

    return cmocka_run_group_tests_name("admin/admin", cases, NULL, NULL);
}
