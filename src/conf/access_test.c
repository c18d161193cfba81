// SPDX-License-Identifier: Apache-2.0
#include "conf/load_test.h"

#define LOG BASE "    access_log: "

static const struct customer_access *access_of(const struct network *network)
{
    return &network->customers[0].access;
}

static void a_file_or_a_pipe_and_the_form_reach_the_customer(void **)
{
    struct network *network = load(LOG "{file: /var/log/a.log, format: json}\n");

    check_text(access_of(network)->file, "/var/log/a.log");
    assert_int_equal(access_of(network)->pipe.length, 0);
    assert_int_equal(access_of(network)->format, ACCESS_JSON);
    network_free(network);
    network = load(LOG "{pipe: 'gzip >> /var/log/a.gz'}\n");
    check_text(access_of(network)->pipe, "gzip >> /var/log/a.gz");
    assert_int_equal(access_of(network)->format, ACCESS_COMBINED);
    assert_true(customer_access_is_given(access_of(network)));
    network_free(network);
}

static void who_says_nothing_has_no_log(void **)
{
    struct network *network = load(BASE);

    assert_false(customer_access_is_given(access_of(network)));
    network_free(network);
}

static void a_log_has_one_place_to_go(void **)
{
    check_errors(LOG "{file: /a, pipe: cat}\n",
        "net.yaml:10:28: an access log is written to a \"file\" or a \"pipe\", not both; leave one "
        "out, or have the program at the pipe write the file, as tee does\n");
    check_errors(LOG "{format: json}\n",
        "net.yaml:10:5: an access log needs a \"file\", such as /var/log/waypost/acme.log, or a "
        "\"pipe\"\n");
    check_errors(LOG "{file: a.log}\n",
        "net.yaml:10:24: file: found \"a.log\", expected a path that begins with a slash, such as "
        "/health\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_or_a_pipe_and_the_form_reach_the_customer),
        cmocka_unit_test(who_says_nothing_has_no_log),
        cmocka_unit_test(a_log_has_one_place_to_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
