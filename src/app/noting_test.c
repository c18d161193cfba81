// SPDX-License-Identifier: Apache-2.0
/* Changes as people read them, and who may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "admin/changes.h"
#include "admin/scope.h"
#include "app/noting.h"
#include "conf/checks.h"
#include "conf/network.h"
#include "steer/peers.h"
#include "steer/votes.h"
#include "wire/heartbeat.h"
#include "wire/order.h"

static struct customer acme = { .name = { "acme", 4 } };
static const struct wall NOW = { 1000 };

/* Whether somebody is told these words; an operator for NULL. */
static bool is_told(const struct changes *changes, const char *customer, const char *words)
{
    const struct admin_scope scope = { .is_operator = customer == NULL,
        .customer = slice_text(customer == NULL ? "" : customer) };
    const struct network network = { .site_count = 0 };
    const struct changes_question question = {
        .limit = CHANGES_MAX, .scope = &scope, .network = &network, .now = NOW
    };
    struct text out;

    text_init(&out, 1 << 20);
    changes_write(changes, &question, &out);
    bool is_so = strstr(out.at, words) != NULL;

    text_done(&out);
    return is_so;
}

static void drains_of_an_origin_are_told_its_customer(void **)
{
    struct changes *changes = changes_new();
    const struct order origin = { .kind = ORDER_DRAIN_ORIGIN, .text = SLICE("acme/ams") };
    const struct order pop = { .kind = ORDER_DRAIN_POP, .text = SLICE("acme") };

    note_order(changes, NOW, &origin, 7, true);
    assert_true(is_told(changes, NULL, "acme/ams") && is_told(changes, "acme", "acme/ams"));
    assert_true(is_told(changes, "acme", "order 7\""));
    assert_false(is_told(changes, "acm", "order 7"));
    assert_false(is_told(changes, "other", "order 7"));
    note_order(changes, NOW, &pop, 8, false);
    assert_true(is_told(changes, NULL, "order 8 had no room among the drains"));
    assert_false(is_told(changes, "acme", "order 8"));
    changes_free(changes);
}

static void an_origin_that_went_down_is_told_its_customer(void **)
{
    struct changes *changes = changes_new();
    const struct origin origin = { .name = SLICE("ams"), .customer = &acme };
    const struct check check = { .kind = CHECK_TCP, .origin = &origin };
    const struct votes_tally down = { .is_down = true, .by = VOTES_BY_NOBODY };
    const struct votes_tally up = { .by = VOTES_BY_GROUPS, .groups = 4, .down = 1 };

    note_target(changes, NOW, &check, &down);
    assert_true(is_told(changes, "acme", "went down") && is_told(changes, "acme", "acme/ams"));
    note_target(changes, NOW, &check, &up);
    assert_true(is_told(changes, "acme", "came up: of 4 places that look, 1 say it is down"));
    assert_false(is_told(changes, "other", "ams"));
    changes_free(changes);
}

static void what_becomes_of_nodes_is_told_operators_alone(void **)
{
    struct changes *changes = changes_new();
    struct heartbeat beat = { .flags = 0 };
    struct peer peer = { .name = SLICE("nyc1"), .heartbeat = &beat };

    note_peer(changes, NOW, &peer);
    assert_true(is_told(changes, NULL, "is missing"));
    beat.flags = HEARTBEAT_LEAVING;
    note_peer(changes, NOW, &peer);
    assert_true(is_told(changes, NULL, "has left, as it said"));
    peer.is_present = true;
    note_peer(changes, NOW, &peer);
    assert_true(is_told(changes, NULL, "is here"));
    assert_false(is_told(changes, "acme", "nyc1"));
    changes_free(changes);
}

static void a_refused_configuration_is_told_with_its_first_error(void **)
{
    struct changes *changes = changes_new();

    note_refusal(changes, NOW, 2, "unknown key \"prot\"");
    assert_true(is_told(changes, NULL, "2 errors in the configuration: unknown key"));
    note_refusal(changes, NOW, 1, "no pops");
    assert_true(is_told(changes, NULL, "1 error in the configuration: no pops"));
    assert_false(is_told(changes, "acme", "error"));
    note_gap(changes, NOW, 12);
    assert_true(is_told(changes, NULL, "those before 12 are no longer in the log"));
    changes_free(changes);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(drains_of_an_origin_are_told_its_customer),
        cmocka_unit_test(an_origin_that_went_down_is_told_its_customer),
        cmocka_unit_test(what_becomes_of_nodes_is_told_operators_alone),
        cmocka_unit_test(a_refused_configuration_is_told_with_its_first_error),
    };

    return cmocka_run_group_tests_name("app/noting", cases, NULL, NULL);
}
