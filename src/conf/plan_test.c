// SPDX-License-Identifier: Apache-2.0
#include "base/attr.h"
#include "conf/currency.h"
#include "conf/load_test.h"

/* Two pops and a plan, with more lines of it. */
#define PLAN(rest)                                                                 \
    "zone: a.example\npops:\n  fra: {nodes: {a: {address: 192.0.2.1}}}\n"          \
    "  sin: {nodes: {b: {address: 192.0.2.2}}}\nplans:\n  p:\n    currency: EUR\n" \
    "    " rest "\n"

/* One mistake each: what the file has wrong, and all that is said about it. */
static const struct {
    const char *text, *expected;
} mistakes[] = {
    { "zone: a.example\npops: {b: {nodes: {c: {address: 192.0.2.1}}}}\n"
      "plans: {p: {currency: EUX}}\n",
        "net.yaml:3:23: ISO 4217 has no currency \"EUX\", did you mean \"EUR\"?\n" },
    { PLAN("per_gb: 1\n    per_mbit: 2"),
        "net.yaml:9:5: traffic has one price: \"per_gb\" or \"per_mbit\", not both; leave one "
        "out\n" },
    { PLAN("tiers: [{per_gb: 1}]\n    per_gb: 2"),
        "net.yaml:8:5: traffic has one price: \"per_gb\" or \"tiers\", not both; leave one out\n" },
    { PLAN("tiers: {per_gb: 1}"), "net.yaml:8:12: tiers: found a map, expected a list with at "
                                  "least one item, such as [a, b]\n" },
    { PLAN("tiers: [{up_to: 1 TB}]"), "net.yaml:8:13: a tier lacks \"per_gb\": Price of 10^9 bytes "
                                      "sent, of those within the tier.\n"
                                      "net.yaml:8:14: the last tier is for all the rest; leave its "
                                      "\"up_to\" out, or add a tier for what is beyond\n" },
    { PLAN("tiers: [{per_gb: 1}, {per_gb: 2}]"),
        "net.yaml:8:13: a tier without \"up_to\" is for all the rest, so those after it are never "
        "reached; add one, such as `up_to: 10 TB`\n" },
    { PLAN("tiers: [{up_to: 2 TB, per_gb: 1}, {up_to: 2000 GB, per_gb: 2}, {per_gb: 3}]"),
        "net.yaml:8:47: up_to: found \"2000 GB\", expected more than that of the tier before "
        "it\n" },
    { PLAN("included: {traffic: 1 GB}"),
        "net.yaml:8:16: \"traffic\" has no meaning without `per_gb` or `tiers`; add that, or leave "
        "it out\n" },
    { PLAN("per_mbit: 1\n    included: {traffic: 1 GB, requests: 1, answers: 2}"),
        "net.yaml:9:16: \"traffic\" has no meaning without `per_gb` or `tiers`; add that, or leave "
        "it out\n"
        "net.yaml:9:31: \"requests\" has no meaning without per_million_requests; add that, or "
        "leave it out\n"
        "net.yaml:9:44: \"answers\" has no meaning without per_million_answers; add that, or leave "
        "it out\n" },
    { PLAN("groups: {asia: {pops: [sim], per_gb: 1}}"),
        "net.yaml:8:28: there is no pop \"sim\", did you mean \"sin\"?\n" },
    { PLAN("groups: {asia: {pops: [sin, fra, sin], per_gb: 1}}"),
        "net.yaml:8:38: pop \"sin\" is in a group of this plan already, at net.yaml:8:28; its "
        "traffic has one price\n" },
    { PLAN("groups: {b: {pops: [sin, fra], per_gb: 1}, a: {pops: fra, per_mbit: 1}}"),
        "net.yaml:8:58: pop \"fra\" is in a group of this plan already, at net.yaml:8:30; its "
        "traffic has one price\n" },
    { PLAN("groups: {asia: {pops: sin}}"), "net.yaml:8:14: a group needs a price of its own: "
                                           "\"per_gb\", \"tiers\" or \"per_mbit\"\n" },
    { PLAN("groups: {asia: {pops: sin, per_gb: 1, included: {requests: 4}}}"),
        "net.yaml:8:54: unknown key \"requests\" in a group's included, known are: traffic\n" },
    { PLAN("groups: {asia: 3}"),
        "net.yaml:8:20: found \"3\", expected a group: lines of `key: value`\n" },
};

static void each_mistake_of_a_plan_is_told_with_place_and_mend(void **)
{
    for (size_t i = 0; i < COUNT_OF(mistakes); i++)
        check_errors(mistakes[i].text, mistakes[i].expected);
}

static void a_plan_is_what_its_settings_say(void **)
{
    struct network *network =
        load(PLAN("monthly: 50.00\n    minimum: 100\n    per_million_requests: 0.60\n"
                  "    per_million_answers: 0.1\n"
                  "    included: {traffic: 100 GB, requests: 1000000, answers: 7}\n"
                  "    tiers: [{up_to: 10 TB, per_gb: 0.020}, {per_gb: 0.010}]\n"
                  "    groups:\n"
                  "      west: {pops: fra, per_mbit: 2}\n"
                  "      asia: {pops: [sin], per_gb: 0.050, included: {traffic: 1 GB}}"));
    const struct plan *plan = &network->plans[0];

    assert_int_equal(plan->monthly_microcents, INT64_C(5000000000));
    assert_int_equal(plan->minimum_microcents, INT64_C(10000000000));
    assert_int_equal(plan->requests.million_microcents, 60000000);
    assert_int_equal(plan->requests.included, 1000000);
    assert_int_equal(plan->answers.million_microcents, 10000000);
    assert_int_equal(plan->answers.included, 7);
    assert_int_equal(plan->traffic.included_bytes, UINT64_C(100000000000));
    assert_int_equal(plan->traffic.tier_count, 2);
    assert_int_equal(plan->traffic.tiers[0].up_to_bytes, UINT64_C(10000000000000));
    assert_int_equal(plan->traffic.tiers[0].gigabyte_microcents, 2000000);
    assert_true(plan->traffic.tiers[1].up_to_bytes == PLAN_REST);
    assert_int_equal(plan->traffic.tiers[1].gigabyte_microcents, 1000000);
    assert_int_equal(plan->group_count, 2);
    check_text(plan->groups[0].name, "asia");
    check_text(plan->groups[0].pops[0], "sin");
    assert_int_equal(plan->groups[0].traffic.tiers[0].gigabyte_microcents, 5000000);
    assert_int_equal(plan->groups[0].traffic.included_bytes, 1000000000);
    check_text(plan->groups[1].name, "west");
    assert_null(plan->groups[1].traffic.tiers);
    assert_int_equal(plan->groups[1].traffic.megabit_microcents, 200000000);
    network_free(network);
}

static void a_plan_has_limits_on_tiers_groups_and_pops(void **)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    fputs(PLAN("tiers: [{per_gb: 1}"), out);
    for (int i = 0; i < PLAN_TIERS_MAX; i++)
        fprintf(out, ", {up_to: %d TB, per_gb: 1}", i + 1);
    fputs("]\n    groups: {g: {pops: fra, per_gb: 1}", out);
    for (int i = 0; i < PLAN_GROUPS_MAX; i++)
        fprintf(out, ", g%d: {pops: sin, per_gb: 1}", i);
    fputs("}\n", out);
    fclose(out);
    char *printed = errors_of(text);

    assert_non_null(strstr(printed, "tiers: found 17, expected at most 16\n"));
    assert_non_null(strstr(printed, "groups: found 17, expected at most 16\n"));
    free(printed);
    free(text);
}

static void a_currency_has_the_decimals_of_its_smallest_coin(void **)
{
    assert_int_equal(currency_digits(SLICE("EUR")), 2);
    assert_int_equal(currency_digits(SLICE("JPY")), 0);
    assert_int_equal(currency_digits(SLICE("BHD")), 3);
    assert_int_equal(currency_digits(SLICE("CLF")), 4);
    assert_int_equal(currency_digits(SLICE("QQQ")), -1);
    assert_int_equal(currency_digits(SLICE("EURO")), -1);
    assert_int_equal(currency_digits(SLICE_NONE), -1);
    for (size_t i = 0; i < currency_count(); i++)
        assert_in_range(currency_digits(currency_word(NULL, i)), 0, CURRENCY_DIGITS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_of_a_plan_is_told_with_place_and_mend),
        cmocka_unit_test(a_plan_is_what_its_settings_say),
        cmocka_unit_test(a_plan_has_limits_on_tiers_groups_and_pops),
        cmocka_unit_test(a_currency_has_the_decimals_of_its_smallest_coin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
