// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/json.h"
#include "admin/mint.h"
#include "admin/token.h"
#include "admin/tokens.h"
#include "conf/load.h"

static const unsigned char RANDOM[MINT_RANDOM_SIZE] = { 0xde, 0xad, [31] = 0x01 };

#define TOKEN "wpt_dead000000000000000000000000000000000000000000000000000000000001"

/* Of FIPS 180-4's function, by another program. */
#define HASH "sha256:62e866021892c687940f45a354c0287686e13e08f78aa22975ec8fa5915d2c4d"

static void a_token_is_what_was_drawn_and_its_hash_that_of_its_text(void **)
{
    struct mint mint = { .name = SLICE("ci") };

    mint_make(&mint, RANDOM);
    assert_string_equal(mint.token, TOKEN);
    assert_string_equal(mint.hash, HASH);
}

#define BASE "zone: cdn.example.net\npops: {fra: {nodes: {fra1: {address: 192.0.2.10}}}}\n"

/* What is printed, put behind a network that lacks it, lets the token in. */
static void lets_in(const struct mint *mint, const char *behind, struct admin_scope *scope)
{
    struct conf_errors errors;
    struct slice shown;
    struct text text;
    char field[2 * MINT_TOKEN_SIZE];

    text_init(&text, 1 << 16);
    text_say(&text, BASE);
    struct text said;

    text_init(&said, 1 << 16);
    mint_say(mint, &said);
    assert_non_null(strstr(said.at, TOKEN "\n"));
    const char *lines = strstr(said.at, "reload:\n\n");

    assert_non_null(lines);
    text_add(&text, slice_text(lines + strlen("reload:\n\n")));
    text_say(&text, "%s", behind);
    text_done(&said);
    conf_errors_init(&errors);
    struct network *network = conf_load_text("net.yaml", text_slice(&text), &errors);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    assert_non_null(network);
    struct admin_tokens *tokens = admin_tokens_new(network, NULL);

    snprintf(field, sizeof field, "Bearer %s", mint->token);
    assert_true(admin_token_shown(slice_text(field), &shown));
    assert_true(admin_tokens_find(tokens, shown, scope));
    assert_true(slice_equal(scope->customer, mint->customer));
    assert_true(slice_equal(scope->token, mint->name));
    admin_tokens_free(tokens);
    network_free(network);
    text_done(&text);
}

static void the_lines_for_a_customer_let_it_in(void **)
{
    struct mint mint = { SLICE("deploy"), SLICE("acme"), SLICE("manager"), "", "" };
    struct admin_scope scope;

    mint_make(&mint, RANDOM);
    lets_in(&mint, "", &scope);
    assert_true(!scope.is_operator && scope.may_change);
}

static void the_lines_for_an_operator_let_it_in(void **)
{
    struct mint mint = { SLICE("anna"), SLICE_NONE, SLICE("viewer"), "", "" };
    struct admin_scope scope;

    mint_make(&mint, RANDOM);
    lets_in(&mint, "  tls: {cert: /c, key: /k}\n", &scope);
    assert_true(scope.is_operator && !scope.may_change);
}

static void json_has_the_same(void **)
{
    struct mint mint = { SLICE("deploy"), SLICE("acme"), SLICE("manager"), "", "" };
    struct text text;

    mint_make(&mint, RANDOM);
    text_init(&text, 1 << 16);
    mint_write(&mint, &text);
    json_t *json = json_read(text_slice(&text));

    assert_true(slice_equal(json_get_text(json, "name"), SLICE("deploy")));
    assert_true(slice_equal(json_get_text(json, "customer"), SLICE("acme")));
    assert_true(slice_equal(json_get_text(json, "role"), SLICE("manager")));
    assert_true(slice_equal(json_get_text(json, "token"), SLICE(TOKEN)));
    assert_true(slice_equal(json_get_text(json, "hash"), SLICE(HASH)));
    json_decref(json);
    text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_what_was_drawn_and_its_hash_that_of_its_text),
        cmocka_unit_test(the_lines_for_a_customer_let_it_in),
        cmocka_unit_test(the_lines_for_an_operator_let_it_in),
        cmocka_unit_test(json_has_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
