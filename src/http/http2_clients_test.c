// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP/2 with the clients that people have: curl, nghttp and h2load, over loopback and without
 * TLS. What they hear is compared with what http/script_test.h gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/script_test.h"
#include "io/epoch.h"
#include "io/workers.h"

enum { HEARD_MAX = 4 * 1024 * 1024 };

struct place {
    struct workers *threads;
    struct epoch epoch;
    struct script script;
    struct http_server *server;
    struct listener *listener;
    struct endpoint at;
};

/* `service`: instead of the script, unless NULL. */
static void place_serve(struct place *p, const struct http_service *service)
{
    const struct workers_plan plan = { .name = "http2", .count = 1 };
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    struct endpoint at = { ip_v4(127, 0, 0, 1), 0 };

    limits.http2_plain = true;
    epoch_init(&p->epoch);
    assert_int_equal(workers_new(&plan, &p->epoch, &p->threads), ERR_NONE);
    struct loop *loop = workers_loop(p->threads, 0);

    script_init(&p->script, loop, 1);
    if (service != NULL)
        p->script.service = *service;
    p->server = http_server_new(loop, &p->script.service, &limits);
    assert_int_equal(
        listener_open(loop, &at, http_server_listener(p->server), &p->listener), ERR_NONE);
    p->at = listener_at(p->listener);
    assert_int_equal(workers_start(p->threads), ERR_NONE);
}

static void place_open(struct place *p)
{
    place_serve(p, NULL);
}

static void place_close(struct place *p)
{
    workers_stop(p->threads);
    listener_close(p->listener);
    http_server_free(p->server);
    script_done(&p->script);
    workers_free(p->threads);
    epoch_done(&p->epoch);
}

/* What a command that ends well prints; of its '@', the server's address is put in place. */
static struct slice heard_of(const struct place *p, const char *command)
{
    static char heard[HEARD_MAX];
    char line[1000], at[32];
    const char *rest = command;
    size_t length = 0;

    snprintf(at, sizeof at, "127.0.0.1:%u", p->at.port);
    for (; *rest != '\0' && length < sizeof line - sizeof at; rest++)
        if (*rest == '@')
            length += (size_t)sprintf(line + length, "%s", at);
        else
            line[length++] = *rest;
    line[length] = '\0';
    // NOLINTNEXTLINE(cert-env33-c): the commands are ours
    FILE *pipe = popen(line, "r");

    assert_non_null(pipe);
    size_t got = fread(heard, 1, sizeof heard, pipe);
    int status = pclose(pipe);

    if (status != 0)
        fail_msg("%s: %d: %.*s", line, status, (int)(got < 2000 ? got : 2000), heard);
    return slice_of(heard, got);
}

static void assert_pattern(struct slice heard, size_t length)
{
    assert_int_equal(heard.length, length);
    for (size_t i = 0; i < length; i++)
        if (heard.at[i] != script_byte(i))
            fail_msg("wrong byte at %zu", i);
}

static bool has(struct slice heard, const char *text)
{
    return memmem(heard.at, heard.length, text, strlen(text)) != NULL;
}

#define CURL "timeout 20 curl -sS --http2-prior-knowledge "

static void curl_hears_bodies_however_they_are_made(void **)
{
    struct place p;

    place_open(&p);
    assert_pattern(heard_of(&p, CURL "http://@/hand/1000"), 1000);
    assert_pattern(heard_of(&p, CURL "http://@/hand/300000"), 300000);
    assert_pattern(heard_of(&p, CURL "http://@/source/2000000"), 2000000);
    assert_pattern(heard_of(&p, CURL "http://@/stream/2000000"), 2000000);
    assert_pattern(heard_of(&p, CURL "http://@/later/5"), 5);
    assert_pattern(heard_of(&p, CURL "http://@/hand/0"), 0);
    place_close(&p);
    assert_int_equal(p.script.completed, 6);
}

static void curl_sees_what_http1_would_say(void **)
{
    struct place p;

    place_open(&p);
    struct slice heard = heard_of(&p, CURL "-i http://@/status/404");

    assert_true(has(heard, "HTTP/2 404 \r\ncontent-length: 14\r\ncontent-type: text/plain\r\n"));
    assert_true(has(heard, "404 Not Found\n"));
    heard = heard_of(&p, CURL "-I http://@/hand/77");
    assert_true(has(heard, "content-length: 77\r\n"));
    heard = heard_of(&p, CURL "-b 'a=1; b=2' http://@/kept");
    assert_true(has(heard, "GET 127.0.0.1 /kept a=1; b=2"));
    place_close(&p);
}

static void curl_is_echoed(void **)
{
    struct place p;

    place_open(&p);
    struct slice heard =
        heard_of(&p, "head -c 1500000 /dev/zero | " CURL "-T - -X POST http://@/echo");

    assert_int_equal(heard.length, 1500000);
    place_close(&p);
}

static void a_cut_answer_is_seen_to_be_cut(void **)
{
    struct place p;

    place_open(&p);
    struct slice heard = heard_of(&p, CURL "-o /dev/null http://@/cut/100000 2>&1; true");

    if (!has(heard, "INTERNAL_ERROR"))
        fail_msg("%.*s", SLICE_ARG(heard));
    place_close(&p);
    assert_int_equal(p.script.cut, 1);
}

static void nghttp_hears_many_streams(void **)
{
    struct place p;

    place_open(&p);
    struct slice heard = heard_of(&p,
        "timeout 20 nghttp -n -s -m 50 -w 16 -W 16 http://@/source/100000 http://@/stream/70000");

    assert_true(has(heard, "200  97K /source/100000"));
    place_close(&p);
    assert_int_equal(p.script.completed, 100);
}

static void h2load_counts_no_failure(void **)
{
    struct place p;

    place_open(&p);
    struct slice heard = heard_of(&p, "timeout 60 h2load -n 20000 -c 2 -m 50 http://@/hand/1024");

    assert_true(has(heard, "20000 succeeded, 0 failed, 0 errored"));
    heard = heard_of(&p, "timeout 60 h2load -n 2000 -c 5 -m 10 -w 14 -W 16 http://@/source/90000");
    assert_true(has(heard, "2000 succeeded, 0 failed, 0 errored"));
    place_close(&p);
    assert_int_equal(p.script.completed, 22000);
}

enum { LONG = 28000 }; // of a field: two frames, and no letter below packs

/* Answers with a field that is the path's letter over and over. */
static void serve_long_head(struct http_service *service, struct http_exchange *x)
{
    static const char name[] = "X-Long: ";
    const size_t start = sizeof name - 1;
    char *fields = arena_room(&x->arena, start + LONG + 2);

    (void)service;
    memcpy(fields, name, start);
    memset(fields + start, x->request->target.at[1], LONG);
    memcpy(fields + start + LONG, "\r\n", 2);
    http_reply(
        x, &(struct http_reply){ .status = 200, .fields = slice_of(fields, start + LONG + 2) });
}

static void forget(struct http_service *service, struct http_exchange *x, bool complete)
{
    (void)service, (void)x, (void)complete;
}

static void heads_of_several_frames_come_whole_beside_others(void **)
{
    struct place p;

    place_serve(&p, &(struct http_service){ serve_long_head, forget });
    struct slice heard =
        heard_of(&p, "for letter in X Z X Z; do timeout 20 nghttp -nv -m 40 http://@/$letter | "
                     "grep -cE \"x-long: ($letter{1000}){28}$\" & done; wait");

    assert_int_equal(heard.length, strlen("40\n40\n40\n40\n"));
    assert_memory_equal(heard.at, "40\n40\n40\n40\n", heard.length);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curl_hears_bodies_however_they_are_made),
        cmocka_unit_test(curl_sees_what_http1_would_say),
        cmocka_unit_test(curl_is_echoed),
        cmocka_unit_test(a_cut_answer_is_seen_to_be_cut),
        cmocka_unit_test(nghttp_hears_many_streams),
        cmocka_unit_test(h2load_counts_no_failure),
        cmocka_unit_test(heads_of_several_frames_come_whole_beside_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
