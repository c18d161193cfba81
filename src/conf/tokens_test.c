// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "conf/load_test.h"
#include "conf/summary.h"

#define HASH_A "sha256:00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"
#define HASH_B "sha256:000000000000000000000000000000000000000000000000000000000000000b"
#define TOKENS BASE "    tokens:\n"

static void a_customers_tokens_reach_it_by_name_role_and_hash(void **)
{
    struct network *network = load(TOKENS "      deploy: {role: manager, hash: \"" HASH_A "\"}\n"
                                          "      look: {hash: \"" HASH_B "\"}\n");
    const struct customer *acme = network_customer(network, SLICE("acme"));

    assert_int_equal(acme->token_count, 2);
    check_text(acme->tokens[0].name, "deploy");
    assert_int_equal(acme->tokens[0].role, TOKEN_CHANGER);
    assert_int_equal(acme->tokens[0].hash[1], 0x11);
    assert_int_equal(acme->tokens[0].hash[16], 0xff);
    check_text(acme->tokens[1].name, "look");
    assert_int_equal(acme->tokens[1].role, TOKEN_VIEWER);
    assert_int_equal(acme->tokens[1].hash[31], 0x0b);
    assert_null(network_customer(network, SLICE("globex")));
    network_free(network);
}

static void tokens_of_operators_stand_in_for_the_file(void **)
{
    struct network *network =
        load(BASE "admin: {tls: {cert: /c, key: /k},\n"
                  "  tokens: {anna: {role: operator, hash: \"" HASH_A "\"}}}\n");

    assert_int_equal(network->admin.token.length, 0);
    assert_int_equal(network->admin.token_count, 1);
    check_text(network->admin.tokens[0].name, "anna");
    assert_int_equal(network->admin.tokens[0].role, TOKEN_CHANGER);
    network_free(network);
    network = load(TOKENS "      look: {hash: \"" HASH_B "\"}\n"
                          "admin: {tls: {cert: /c, key: /k}}\n");
    assert_int_equal(network->admin.token_count, 0);
    network_free(network);
}

static void each_side_has_its_own_word_for_who_changes(void **)
{
    check_errors(TOKENS "      x: {role: operator, hash: \"" HASH_A "\"}\n",
        "net.yaml:11:17: role: found \"operator\", expected one of viewer, manager\n");
    check_errors(BASE "admin: {tls: {cert: /c, key: /k},\n"
                      "  tokens: {x: {role: manager, hash: \"" HASH_A "\"}}}\n",
        "net.yaml:11:22: role: found \"manager\", expected one of viewer, operator\n");
}

static void two_tokens_of_one_hash_are_refused_wherever_they_are(void **)
{
    check_errors(TOKENS "      x: {hash: \"" HASH_A "\"}\n"
                        "admin: {tls: {cert: /c, key: /k},\n"
                        "  tokens: {anna: {hash: \"" HASH_A "\"}}}\n",
        "net.yaml:11:17: token \"x\" has the hash of \"anna\" at net.yaml:13:12; make one for each "
        "with `waypost token`\n");
    check_errors(TOKENS "      x: {hash: \"" HASH_A "\"}\n"
                        "      y: {hash: \"" HASH_A "\"}\n"
                        "      z: {hash: \"" HASH_A "\"}\n",
        "net.yaml:12:17: token \"y\" has the hash of \"x\" at net.yaml:11:7; make one for each "
        "with "
        "`waypost token`\n"
        "net.yaml:13:17: token \"z\" has the hash of \"y\" at net.yaml:12:7; make one for each "
        "with "
        "`waypost token`\n");
}

/* Somebody may paste the token where its hash belongs. */
static void what_may_be_a_token_is_in_no_error(void **)
{
    check_errors(TOKENS "      x: {hash: geheim}\n",
        "net.yaml:11:17: hash: found text, not shown here, expected sha256: and 64 hexadecimal "
        "digits, as `waypost token` prints\n");
    char *errors = errors_of(TOKENS "      x: geheim\n");

    assert_null(strstr(errors, "geheim"));
    free(errors);
    errors = errors_of(BASE "    tokens: geheim\n");
    assert_null(strstr(errors, "geheim"));
    free(errors);
}

static void a_hash_is_whole_and_says_of_which_kind_it_is(void **)
{
    static const char *const WRONG[] = { "",
        "sha256:", "sha256:00112233445566778899aabbccddeeffFFEEDDCCBBAA998877665544332211000",
        "sha512:00112233445566778899aabb",
        "sha256:0g112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100" };
    char text[1024];

    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        snprintf(text, sizeof text, TOKENS "      x: {hash: \"%s\"}\n", WRONG[i]);
        char *errors = errors_of(text);

        assert_non_null(strstr(errors, "expected sha256: and 64"));
        free(errors);
    }
    check_errors(TOKENS "      x: {role: viewer}\n",
        "net.yaml:11:7: a customer's token lacks \"hash\": What `waypost token` printed for it; "
        "the token itself is nowhere.\n");
}

static void the_summary_says_who_may_ask_and_shows_no_hash(void **)
{
    struct network *network = load(TOKENS "      deploy: {role: manager, hash: \"" HASH_A "\"}\n"
                                          "admin: {tls: {cert: /c, key: /k},\n"
                                          "  tokens: {anna: {hash: \"" HASH_B "\"}}}\n");
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    conf_summary_write(network, out);
    fclose(out);
    assert_non_null(strstr(text, "\n  token anna  viewer\n"));
    assert_non_null(strstr(text, "\n    token deploy  manager\n"));
    assert_null(strstr(text, "sha256"));
    assert_null(strstr(text, "00112233"));
    free(text);
    network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customers_tokens_reach_it_by_name_role_and_hash),
        cmocka_unit_test(tokens_of_operators_stand_in_for_the_file),
        cmocka_unit_test(each_side_has_its_own_word_for_who_changes),
        cmocka_unit_test(two_tokens_of_one_hash_are_refused_wherever_they_are),
        cmocka_unit_test(what_may_be_a_token_is_in_no_error),
        cmocka_unit_test(a_hash_is_whole_and_says_of_which_kind_it_is),
        cmocka_unit_test(the_summary_says_who_may_ask_and_shows_no_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
