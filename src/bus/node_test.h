// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A user of a bus that writes down what it hears. */

#include <stdio.h>

#include "bus/bus.h"
#include "io/both_test.h"

enum { HEARD_MAX = 4096 };

struct heard {
    enum bus_lane lane;
    char from[BUS_NAME_MAX + 1];
    char text[24]; // the payload's beginning
    size_t length;
};

struct told_node {
    struct bus_user user;
    struct bus *bus;
    struct heard heard[HEARD_MAX];
    size_t heard_count;
    unsigned linked_count, lost_count; // times told
    char why[200];
};

static inline struct told_node *told_node_of(struct bus_user *user)
{
    return container_of(user, struct told_node, user);
}

static inline void told_message(
    struct bus_user *user, enum bus_lane lane, struct slice from, struct slice payload)
{
    struct told_node *node = told_node_of(user);

    assert_true(node->heard_count < HEARD_MAX);
    struct heard *heard = &node->heard[node->heard_count++];

    heard->lane = lane;
    heard->length = payload.length;
    snprintf(heard->from, sizeof heard->from, "%.*s", SLICE_ARG(from));
    snprintf(heard->text, sizeof heard->text, "%.*s",
        (int)(payload.length < 20 ? payload.length : 20), payload.at);
}

static inline void told_linked(struct bus_user *user, bool is_linked, const char *why)
{
    struct told_node *node = told_node_of(user);

    assert_int_equal(is_linked, bus_is_linked(node->bus));
    node->linked_count += is_linked;
    node->lost_count += !is_linked;
    assert_int_equal(why[0] == '\0', is_linked); // a loss has its reason
    snprintf(node->why, sizeof node->why, "%s", why);
}

static const struct bus_user_ops TOLD_OPS = { .message = told_message, .linked = told_linked };
