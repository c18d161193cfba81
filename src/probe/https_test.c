// SPDX-License-Identifier: Apache-2.0
/* Probes of a target that speaks TLS. */
#include <assert.h>

#include "probe/lab_test.h"
#include "tls/authority_test.h"

static const struct claim GOOD = { .names = "DNS:www.example.net" };

/* A lab whose target stands behind a door where `server` greets. */
struct safe {
    struct lab *lab;
    struct listener_user door;
    struct listener *listener;
    struct authority authority;
    struct tls_context *server;
};

static struct stream_user *accept_tls(struct listener_user *user, struct stream *stream)
{
    struct safe *s = container_of(user, struct safe, door);

    server_filter(s->server, stream);
    return target_accept(&s->lab->target.user, stream);
}

static void safe_open(struct safe *s, void *const *state, const struct claim *claim)
{
    struct endpoint at = { bench_ip(1), 0 };

    s->lab = lab_open(state, CHECK_HTTP);
    s->door.accept = accept_tls;
    assert_int_equal(listener_open(s->lab->bench->loops[1], &at, &s->door, &s->listener), ERR_NONE);
    authority_init(&s->authority, "ours", loop_wall(s->lab->bench->loop));
    s->server = server_new(&s->authority, claim);
    s->lab->list[0].to = listener_at(s->listener);
    s->lab->list[0].is_tls = true;
    s->lab->list[0].ca = slice_text(s->authority.file);
}

static void safe_close(struct safe *s)
{
    listener_close(s->listener);
    lab_close(s->lab);
    tls_context_unref(s->server);
    authority_done(&s->authority);
}

static void an_answer_over_tls_is_ok_and_its_latency_that_of_the_connection(void **state)
{
    struct safe s;
    struct sim_link link = { .delay = span_ms(10) };

    safe_open(&s, state, &GOOD);
    if (s.lab->bench->sim != NULL)
        sim_link_set(s.lab->bench->sim, NULL, NULL, &link);
    assert_int_equal(lab_probe_once(s.lab), PROBE_OK);
    assert_int_equal(s.lab->last.status, 200);
    if (s.lab->bench->sim != NULL) {
        assert_int_equal(
            s.lab->last.latency.ns, span_ms(20).ns); // the greeting takes as long again
        assert_true(s.lab->last.response.ns >= span_ms(60).ns);
    }
    safe_close(&s);
}

static void who_cannot_prove_the_name_is_down(void **state)
{
    static const struct claim OTHER = { .names = "DNS:other.example.net" };
    struct safe s;

    safe_open(&s, state, &OTHER);
    assert_int_equal(lab_probe_once(s.lab), PROBE_TLS);
    assert_int_equal(s.lab->last.status, 0);
    assert_true(s.lab->last.has_latency);
    assert_int_equal(s.lab->target.heard_length, 0);
    safe_close(&s);
}

static void a_certificate_is_looked_at_by_every_probe(void **state)
{
    struct safe s;

    safe_open(&s, state, &GOOD);
    assert_int_equal(lab_probe_once(s.lab), PROBE_OK);
    tls_context_unref(s.server);
    s.server = server_new(&s.authority,
        &(struct claim){ .names = GOOD.names, .from_s = -2 * DAY_S, .till_s = -DAY_S });
    assert_int_equal(lab_probe_once(s.lab), PROBE_TLS);
    safe_close(&s);
}

static void without_its_file_of_authorities_nobody_is_asked(void **state)
{
    struct safe s;

    safe_open(&s, state, &GOOD);
    s.lab->list[0].ca = SLICE("/nowhere/ca.pem");
    assert_int_equal(lab_probe_once(s.lab), PROBE_TLS);
    assert_int_equal(s.lab->target.visits, 0);
    safe_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_answer_over_tls_is_ok_and_its_latency_that_of_the_connection),
        ON_BOTH(who_cannot_prove_the_name_is_down),
        ON_BOTH(a_certificate_is_looked_at_by_every_probe),
        ON_BOTH(without_its_file_of_authorities_nobody_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
