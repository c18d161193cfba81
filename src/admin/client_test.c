// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "admin/says_test.h"
#include "admin/text.h"

static enum err ask(
    struct says_node *node, struct span patience, struct client_answer *answer, struct diag *why)
{
    struct client_ask ask = {
        .socket = node->path, .method = "GET", .path = "/api/v1/status", .patience = patience
    };

    assert_int_equal(pthread_create(&node->thread, NULL, says_main, node), 0);
    enum err err = client_ask(&ask, answer, why);

    pthread_join(node->thread, NULL);
    return err;
}

static void status_and_body_of_the_answer_are_handed_over(void **)
{
    struct client_answer answer;
    struct diag why;
    struct says_node node;

    says_start(&node, "HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 14\r\n\r\n"
                      "hello, operator");
    assert_int_equal(ask(&node, span_s(10), &answer, &why), ERR_NONE);
    assert_int_equal(answer.status, 422);
    assert_true(slice_equal(answer.body, SLICE("hello, operato")));
    assert_non_null(strstr(node.asked, "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n"));
    assert_non_null(strstr(node.asked, "\r\nConnection: close\r\n"));
    client_answer_done(&answer);
    says_end(&node);
}

static void a_body_is_sent_whole_behind_the_head(void **)
{
    static const char BODY[] = "{\"pop\": \"fra\"}";
    struct client_answer answer;
    struct diag why;
    struct says_node node;

    says_start(&node, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    struct client_ask order = { .socket = node.path,
        .method = "POST",
        .path = "/api/v1/drain",
        .body = slice_text(BODY),
        .patience = span_s(10) };

    assert_int_equal(pthread_create(&node.thread, NULL, says_main, &node), 0);
    assert_int_equal(client_ask(&order, &answer, &why), ERR_NONE);
    pthread_join(node.thread, NULL);
    assert_non_null(strstr(node.asked, "POST /api/v1/drain HTTP/1.1\r\n"));
    assert_non_null(strstr(node.asked, "\r\nContent-Length: 14\r\n\r\n{\"pop\": \"fra\"}"));
    client_answer_done(&answer);
    says_end(&node);
}

static void an_answer_that_is_cut_or_foreign_is_refused(void **)
{
    static const char *const ANSWERS[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Len",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
    };

    for (size_t i = 0; i < COUNT_OF(ANSWERS); i++) {
        struct client_answer answer;
        struct diag why = { 0 };
        struct says_node node;

        says_start(&node, ANSWERS[i]);
        assert_int_equal(ask(&node, span_s(10), &answer, &why), ERR_PARSE);
        assert_non_null(strstr(why.text, "cut or is none of ours"));
        assert_null(answer.memory);
        says_end(&node);
    }
}

static void patience_ends_with_the_mend(void **)
{
    struct client_answer answer;
    struct diag why = { 0 };
    struct says_node node;

    says_start(&node, "");
    node.keeps_silent = true;
    assert_int_equal(ask(&node, span_ms(50), &answer, &why), ERR_TIMEOUT);
    assert_non_null(strstr(why.text, "has not answered within"));
    assert_non_null(strstr(why.text, "look at its log"));
    says_end(&node);
}

static enum err ask_at(const char *path, struct diag *why)
{
    struct client_answer answer;
    struct client_ask ask = { .socket = path, .method = "GET", .path = "/", .patience = span_s(1) };

    return client_ask(&ask, &answer, why);
}

static void without_a_node_the_error_says_how_to_start_one(void **)
{
    struct diag why = { 0 };
    struct says_node node;

    assert_int_equal(ask_at("/nonexistent/fra1/admin.sock", &why), ERR_MISSING);
    assert_non_null(strstr(why.text, "no node runs here: /nonexistent/fra1/admin.sock"));
    assert_non_null(strstr(why.text, "waypost run"));
    says_start(&node, "");
    close(node.listener);
    assert_int_equal(ask_at(node.path, &why), ERR_REFUSED);
    assert_non_null(strstr(why.text, "it has ended; start it again"));
    says_end(&node);
}

static void a_path_too_long_for_a_socket_is_refused(void **)
{
    struct diag why = { 0 };
    char path[300];

    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(ask_at(path, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "set a shorter `state`"));
}

static void explained_is(int status, const char *body, const char *expected)
{
    struct client_answer answer = { .status = status, .body = slice_text(body) };
    struct text out;

    text_init(&out, 1 << 20);
    client_explain(&answer, &out);
    assert_string_equal(out.at, expected);
    text_done(&out);
}

static void errors_are_explained_with_places_message_and_mend(void **)
{
    explained_is(409,
        "{\"error\":{\"code\":\"busy\",\"message\":\"a reload is under way\","
        "\"mend\":\"ask again\"}}",
        "a reload is under way; ask again\n");
    explained_is(422,
        "{\"error\":{\"message\":\"2 errors\",\"mend\":\"mend them\"},\"errors\":["
        "{\"file\":\"a.yaml\",\"line\":3,\"column\":5,\"text\":\"ttl: found x\"},"
        "{\"file\":\"b.yaml\",\"line\":0,\"column\":0,\"text\":\"gone\"}],\"more\":7}",
        "a.yaml:3:5: ttl: found x\nb.yaml: gone\nand 7 more\n2 errors; mend them\n");
    explained_is(502, "<html>", "the node answered with status 502\n");
    explained_is(500, "", "the node answered with status 500\n");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(status_and_body_of_the_answer_are_handed_over),
        cmocka_unit_test(a_body_is_sent_whole_behind_the_head),
        cmocka_unit_test(an_answer_that_is_cut_or_foreign_is_refused),
        cmocka_unit_test(patience_ends_with_the_mend),
        cmocka_unit_test(without_a_node_the_error_says_how_to_start_one),
        cmocka_unit_test(a_path_too_long_for_a_socket_is_refused),
        cmocka_unit_test(errors_are_explained_with_places_message_and_mend),
    };

    return cmocka_run_group_tests_name("admin/client", cases, NULL, NULL);
}
