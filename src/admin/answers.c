// SPDX-License-Identifier: Apache-2.0
#include "admin/answers.h"

#include <stdio.h>

#include "admin/json.h"
#include "steer/pick.h"

/* Places of rows: one for each reason of each pair that a node may have. */
#define PLACES_OF_NODE ((uint64_t)(ANSWERS_PAIRS_MAX + 1) * ANSWERS_REASONS_MAX)

static bool is_asked(
    const struct admin_answers_question *question, const struct answers_given *given)
{
    return (!question->is_of_customer || slice_equal(question->customer, given->customer)) &&
           (question->site.length == 0 || slice_equal(question->site, given->site));
}

static json_t *row_json(
    struct slice node, const struct answers_given *given, enum steer_reason reason)
{
    json_t *row = json_object();

    json_put_text(row, "node", node);
    json_put_text(row, "customer", given->customer);
    json_put_text(row, "site", given->site);
    json_put_text(row, "target", given->target);
    json_put_text(row, "reason", slice_text(steer_reason_text(reason)));
    json_put_number(row, "addresses", given->addresses[reason]);
    return row;
}

/* A page in the making. */
struct page {
    const struct admin_answers_question *question;
    json_t *rows;
    uint64_t last; // place of the last row on it
    bool is_full;  // there was one more
};

/* The rows of a pair whose first place is `at`, less one. */
static void pair_put(
    struct page *page, struct slice node, const struct answers_given *given, uint64_t at)
{
    for (size_t reason = 0; reason < STEER_REASON_COUNT && !page->is_full; reason++) {
        uint64_t place = at + reason + 1;

        if (given->addresses[reason] == 0 || place <= page->question->after)
            continue;
        page->is_full = json_array_size(page->rows) == page->question->limit;
        if (page->is_full)
            return;
        json_array_append_new(page->rows, row_json(node, given, (enum steer_reason)reason));
        page->last = place;
    }
}

static void node_put(struct page *page, const struct admin_answers_node *node, uint64_t at)
{
    size_t count = node->answers == NULL ? 0 : answers_count(node->answers);

    for (size_t i = 0; i < count && !page->is_full; i++) {
        uint64_t first = at + i * ANSWERS_REASONS_MAX;
        struct answers_given given;

        if (first + ANSWERS_REASONS_MAX <= page->question->after)
            continue;
        answers_read(node->answers, i, &given);
        if (is_asked(page->question, &given))
            pair_put(page, node->node, &given, first);
    }
}

void admin_answers_write(const struct admin_answers *answers,
    const struct admin_answers_question *question, struct text *out)
{
    struct page page = { .question = question, .rows = json_array() };
    json_t *object = json_object();
    char place[24];

    for (size_t i = 0; i < answers->node_count && !page.is_full; i++)
        node_put(&page, &answers->nodes[i], i * PLACES_OF_NODE);
    json_object_set_new(object, "answers", page.rows);
    if (page.is_full) {
        snprintf(place, sizeof place, "%llu", (unsigned long long)page.last);
        json_put_text(object, "after", slice_text(place));
    }
    json_write(object, out);
}
