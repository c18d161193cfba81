// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/says_test.h"
#include "admin/text.h"
#include "base/attr.h"

#define HEAD    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

/* Writes down what it heard, each behind a bar; wants so many. */
struct notes {
    struct client_listener listener;
    char text[200];
    int wanted;
};

static bool heard(struct client_listener *listener, struct slice data)
{
    struct notes *notes = container_of(listener, struct notes, listener);
    size_t length = strlen(notes->text);

    snprintf(notes->text + length, sizeof notes->text - length, "|%.*s", SLICE_ARG(data));
    return --notes->wanted > 0;
}

static void check(const char *says, int wanted, enum err expected, const char *text)
{
    struct notes notes = { .listener = { heard }, .wanted = wanted };
    struct client_answer answer;
    struct diag why = { 0 };
    struct says_node node;

    says_start(&node, says);
    const struct client_ask ask = {
        .socket = node.path, .method = "GET", .path = "/api/v1/live", .patience = span_s(10)
    };

    assert_int_equal(pthread_create(&node.thread, NULL, says_main, &node), 0);
    assert_int_equal(client_listen(&ask, &notes.listener, &answer, &why), expected);
    pthread_join(node.thread, NULL);
    assert_string_equal(notes.text, text);
    if (expected != ERR_NONE)
        assert_true(why.text[0] != '\0');
    client_answer_done(&answer);
    says_end(&node);
}

static void events_are_heard_one_by_one_until_it_is_enough(void **)
{
    check(HEAD "\r\nevent: live\ndata: one\n\n: still here\n\ndata:two\n\ndata: three\n\n", 2,
        ERR_NONE, "|one|two");
    check(CHUNKED "14\r\nevent: live\ndata: on\r\n3\r\ne\n\n\r\nb\r\ndata: two\n\n\r\n0\r\n\r\n", 2,
        ERR_NONE, "|one|two");
}

static void a_node_that_ends_is_told_from_one_that_was_enough(void **)
{
    check(HEAD "\r\ndata: one\n\ndata: tw", 5, ERR_CLOSED, "|one");
    check(CHUNKED "b\r\ndata: one\n\n\r\n0\r\n\r\n", 5, ERR_CLOSED, "|one");
    check("", 1, ERR_PARSE, "");
}

static void what_is_none_of_ours_is_refused(void **)
{
    check(CHUNKED "x\r\n", 1, ERR_PARSE, "");
    check("SSH-2.0-OpenSSH\r\n\r\n", 1, ERR_PARSE, "");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(events_are_heard_one_by_one_until_it_is_enough),
        cmocka_unit_test(a_node_that_ends_is_told_from_one_that_was_enough),
        cmocka_unit_test(what_is_none_of_ours_is_refused),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
