// SPDX-License-Identifier: Apache-2.0
/* Servers that let in whom they know: passwords, tokens, certificates; and what is told otherwise.
 */
#include "bus/world_test.h"
#include "tls/authority_test.h"

struct access {
    const char *user, *password, *token, *ca, *cert, *key;
    bool is_tls;
};

static struct slice text_or_none(const char *text)
{
    return text == NULL ? SLICE_NONE : slice_text(text);
}

static enum err try_open(
    struct world *w, unsigned index, const struct access *access, struct diag *why)
{
    struct told_node *node = &w->nodes[index];
    struct endpoint server = server_endpoint(&w->server);
    char name[2] = { (char)('a' + index), '\0' };
    struct bus_nats_plan plan = { .network = SLICE("example"),
        .node = slice_text(name),
        .servers = &server,
        .server_count = 1,
        .user = text_or_none(access->user),
        .password = text_or_none(access->password),
        .token = text_or_none(access->token),
        .ca = text_or_none(access->ca),
        .cert = text_or_none(access->cert),
        .key = text_or_none(access->key),
        .is_tls = access->is_tls };

    *node = (struct told_node){ .user.ops = &TOLD_OPS };
    return bus_nats_open(&plan, w->bench->loops[index], &node->user, &node->bus, why);
}

static struct told_node *open_with(struct world *w, unsigned index, const struct access *access)
{
    struct diag why = { .text = "" };

    if (try_open(w, index, access, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    return &w->nodes[index];
}

static bool is_lost_now(void *what)
{
    const struct told_node *node = what;

    return node->lost_count > 0 && !bus_is_linked(node->bus);
}

static void assert_lets_in(struct world *w, const struct access *access)
{
    struct told_node *a = open_with(w, 0, access), *b = open_with(w, 1, access);

    world_until(w, is_linked_now, a);
    world_until(w, is_linked_now, b);
    say(a, BUS_REPORTS, "hello");
    world_hear(w, b, 1);
    assert_int_equal(a->lost_count + b->lost_count, 0);
    node_free(a);
    node_free(b);
}

/* `word` is in the reason. */
static void assert_keeps_out(struct world *w, const struct access *access, const char *word)
{
    struct told_node *a = open_with(w, 0, access);

    world_until(w, is_lost_now, a);
    if (strcasestr(a->why, word) == NULL)
        fail_msg("expected \"%s\" in: %s", word, a->why);
    bench_until(w->bench, bench_never, NULL, span_ms(800)); // while it is tried again
    assert_int_equal(a->lost_count, 1);
    assert_int_equal(a->linked_count, 0);
    node_free(a);
}

static void restart(struct world *w, const char *configuration)
{
    server_kill(&w->server);
    server_start(&w->server, configuration);
}

static void a_user_comes_in_with_the_right_password_alone(void **)
{
    struct world *w = world_new(NATS_REAL);

    restart(w, "authorization: {user: node, password: \"s3 cret\"}");
    assert_lets_in(w, &(struct access){ .user = "node", .password = "s3 cret" });
    assert_keeps_out(w, &(struct access){ .user = "node", .password = "guess" }, "authorization");
    assert_keeps_out(w, &(struct access){ 0 }, "authorization");
    world_free(w);
}

static void a_token_opens(void **)
{
    struct world *w = world_new(NATS_REAL);

    restart(w, "authorization: {token: \"t0ken\"}");
    assert_lets_in(w, &(struct access){ .token = "t0ken" });
    assert_keeps_out(w, &(struct access){ .token = "other" }, "authorization");
    world_free(w);
}

static void one_that_may_not_listen_is_not_linked_and_told_why(void **)
{
    struct world *w = world_new(NATS_REAL);

    restart(w, "authorization: {users: [{user: node, password: p, permissions: "
               "{publish: \">\", subscribe: \"elsewhere.>\"}}]}");
    assert_keeps_out(w, &(struct access){ .user = "node", .password = "p" }, "permissions");
    world_free(w);
}

struct tls_files {
    struct authority ours, other;
    char cert[128], key[128], client_cert[128], client_key[128], conf[512];
};

/* A server for `names`, certified by ours. By itself it hangs up on who needs more than two seconds
 * to shake hands, which on a slow machine is before a node has read the certificates it trusts. */
static void tls_start(struct world *w, struct tls_files *f, const char *names, bool asks_clients)
{
    struct wall now = wall_from_s(time(NULL));

    authority_init(&f->ours, "ours", now);
    authority_init(&f->other, "other", now);
    server_path(&w->server, "cert", f->cert);
    server_path(&w->server, "key", f->key);
    server_path(&w->server, "client-cert", f->client_cert);
    server_path(&w->server, "client-key", f->client_key);
    authority_issue(&f->ours, &(struct claim){ .names = names }, f->cert, f->key);
    authority_issue(
        &f->ours, &(struct claim){ .names = "DNS:node.test" }, f->client_cert, f->client_key);
    snprintf(f->conf, sizeof f->conf,
        "tls: {cert_file: \"%s\", key_file: \"%s\", ca_file: \"%s\", verify: %s, timeout: 60}",
        f->cert, f->key, f->ours.file, asks_clients ? "true" : "false");
    restart(w, f->conf);
}

static void tls_done(struct tls_files *f)
{
    authority_done(&f->ours);
    authority_done(&f->other);
}

static void tls_is_spoken_with_a_server_that_our_authority_vouches_for(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct tls_files f;

    tls_start(w, &f, "IP:127.0.0.1", false);
    assert_lets_in(w, &(struct access){ .ca = f.ours.file });
    assert_keeps_out(w, &(struct access){ .ca = f.other.file }, "certificate");
    assert_keeps_out(w, &(struct access){ .is_tls = true }, "certificate");
    assert_keeps_out(w, &(struct access){ 0 }, "certificate");
    tls_done(&f);
    world_free(w);
}

static void a_certificate_for_another_address_is_not_taken(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct tls_files f;

    tls_start(w, &f, "IP:192.0.2.1", false);
    assert_keeps_out(w, &(struct access){ .ca = f.ours.file }, "address mismatch");
    tls_done(&f);
    world_free(w);
}

static void a_node_shows_its_certificate_where_one_is_asked_for(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct tls_files f;

    tls_start(w, &f, "IP:127.0.0.1", true);
    assert_lets_in(
        w, &(struct access){ .ca = f.ours.file, .cert = f.client_cert, .key = f.client_key });
    assert_keeps_out(w, &(struct access){ .ca = f.ours.file }, "127.0.0.1");
    tls_done(&f);
    world_free(w);
}

static void files_that_cannot_be_used_are_told_at_once(void **)
{
    struct world *w = world_new(NATS_REAL);
    struct tls_files f;
    struct diag why = { .text = "" };

    tls_start(w, &f, "IP:127.0.0.1", false);
    assert_int_equal(try_open(w, 0, &(struct access){ .ca = "/nowhere/ca" }, &why), ERR_CONFIG);
    assert_non_null(strstr(why.text, "/nowhere/ca"));
    assert_int_equal(try_open(w, 0, &(struct access){ .ca = f.key }, &why), ERR_CONFIG);
    assert_non_null(strstr(why.text, f.key));
    assert_int_equal(
        try_open(w, 0,
            &(struct access){ .ca = f.ours.file, .cert = f.client_cert, .key = "/nowhere/key" },
            &why),
        ERR_CONFIG);
    assert_int_equal(
        try_open(
            w, 0, &(struct access){ .ca = f.ours.file, .cert = f.client_cert, .key = f.key }, NULL),
        ERR_CONFIG); // a key to another certificate
    tls_done(&f);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_comes_in_with_the_right_password_alone),
        cmocka_unit_test(a_token_opens),
        cmocka_unit_test(one_that_may_not_listen_is_not_linked_and_told_why),
        cmocka_unit_test(tls_is_spoken_with_a_server_that_our_authority_vouches_for),
        cmocka_unit_test(a_certificate_for_another_address_is_not_taken),
        cmocka_unit_test(a_node_shows_its_certificate_where_one_is_asked_for),
        cmocka_unit_test(files_that_cannot_be_used_are_told_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
