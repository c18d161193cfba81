// SPDX-License-Identifier: Apache-2.0
#include "admin/customers_test.h"
#include "admin/tokens.h"

static bool find(const struct admin_tokens *tokens, int which, struct admin_scope *scope)
{
    struct mint mint;

    return admin_tokens_find(tokens, slice_text(token_of(which, &mint)), scope);
}

static void a_customers_token_is_found_with_its_name_and_role(void **)
{
    struct network *network = customers_load();
    struct admin_tokens *tokens = admin_tokens_new(network, NULL);
    struct admin_scope scope;

    network_free(network); // tokens have all they need
    assert_true(find(tokens, TOKEN_ACME, &scope));
    assert_true(slice_equal(scope.customer, SLICE("acme")));
    assert_true(slice_equal(scope.token, SLICE("deploy")));
    assert_true(scope.may_change && scope.has_token && !scope.is_operator);
    assert_true(find(tokens, TOKEN_ACME_VIEWER, &scope));
    assert_true(slice_equal(scope.token, SLICE("see")) && !scope.may_change);
    assert_true(find(tokens, TOKEN_ACM, &scope));
    assert_true(slice_equal(scope.customer, SLICE("acm")));
    admin_tokens_free(tokens);
}

static void operators_are_those_of_the_network_and_who_has_the_file(void **)
{
    struct network *network = customers_load();
    struct admin_tokens *tokens = admin_tokens_new(network, "0123456789abcdef");
    struct admin_scope scope;

    assert_true(find(tokens, TOKEN_ANNA, &scope));
    assert_true(scope.is_operator && scope.may_change && scope.has_token);
    assert_true(slice_equal(scope.token, SLICE("anna")));
    assert_true(find(tokens, TOKEN_ANNA_VIEWER, &scope));
    assert_true(scope.is_operator && !scope.may_change);
    assert_true(admin_tokens_find(tokens, SLICE("0123456789abcdef"), &scope));
    assert_true(scope.is_operator && scope.may_change && scope.has_token);
    assert_int_equal(scope.token.length, 0);
    admin_tokens_free(tokens);
    network_free(network);
}

static void no_other_text_is_a_token(void **)
{
    struct network *network = customers_load();
    struct admin_tokens *tokens = admin_tokens_new(network, NULL);
    struct admin_scope scope = { 0 };
    struct mint mint;
    struct slice right = slice_text(token_of(TOKEN_ACME, &mint));

    assert_true(admin_tokens_find(tokens, right, &scope));
    scope = (struct admin_scope){ 0 };
    assert_false(find(tokens, TOKEN_NOBODY, &scope));
    assert_false(admin_tokens_find(tokens, slice_head(right, right.length - 1), &scope));
    assert_false(admin_tokens_find(tokens, slice_text(mint.hash), &scope));
    assert_false(admin_tokens_find(tokens, slice_from(slice_text(mint.hash), 7), &scope));
    assert_false(admin_tokens_find(tokens, SLICE("0123456789abcdef"), &scope)); // there is no file
    assert_false(admin_tokens_find(tokens, SLICE_NONE, &scope));
    assert_false(admin_tokens_find(NULL, right, &scope));
    assert_false(scope.is_operator || scope.may_change || scope.customer.length > 0);
    admin_tokens_free(tokens);
    network_free(network);
}

static void whose_a_hash_is_can_be_told(void **)
{
    struct network *network = customers_load();
    char text[ADMIN_TOKEN_OWNER_MAX];
    unsigned char hash[SHA256_SIZE];
    struct mint mint;

    sha256(slice_text(token_of(TOKEN_ACM, &mint)), hash);
    assert_true(admin_tokens_owner(network, hash, text));
    assert_string_equal(text, "token deploy of customer acm");
    sha256(slice_text(token_of(TOKEN_ANNA, &mint)), hash);
    assert_true(admin_tokens_owner(network, hash, text));
    assert_string_equal(text, "token anna of `admin`");
    sha256(slice_text(token_of(TOKEN_NOBODY, &mint)), hash);
    assert_false(admin_tokens_owner(network, hash, text));
    network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customers_token_is_found_with_its_name_and_role),
        cmocka_unit_test(operators_are_those_of_the_network_and_who_has_the_file),
        cmocka_unit_test(no_other_text_is_a_token),
        cmocka_unit_test(whose_a_hash_is_can_be_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
