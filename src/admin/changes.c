// SPDX-License-Identifier: Apache-2.0
#include "admin/changes.h"

#include <assert.h>

#include "admin/json.h"
#include "admin/scope.h"
#include "base/mem.h"

/* A change with texts of its own. */
struct kept {
    struct change change;
    char *texts[5];
};

struct changes {
    struct kept ring[CHANGES_MAX]; // by number modulo its size
    uint64_t newest;               // 0: none yet
};

const char *change_kind_text(enum change_kind kind)
{
    static const char *const TEXTS[] = {
        [CHANGE_TARGET] = "target",
        [CHANGE_ORDER] = "order",
        [CHANGE_RELEASE] = "release",
        [CHANGE_NODE] = "node",
        [CHANGE_CERTIFICATE] = "certificate",
    };

    static_assert(COUNT_OF(TEXTS) == CHANGE_KIND_COUNT, "each kind has a text");
    assert((unsigned)kind < CHANGE_KIND_COUNT);
    return TEXTS[kind];
}

struct changes *changes_new(void)
{
    return mem_new(struct changes);
}

static void forget(struct kept *kept)
{
    for (size_t i = 0; i < COUNT_OF(kept->texts); i++) {
        mem_free(kept->texts[i]);
        kept->texts[i] = NULL;
    }
}

void changes_free(struct changes *changes)
{
    if (changes == NULL)
        return;
    for (size_t i = 0; i < CHANGES_MAX; i++)
        forget(&changes->ring[i]);
    mem_free(changes);
}

/* Cut where it is too long, before a byte that continues a character. */
static struct slice cut(struct slice text)
{
    size_t length = CHANGES_TEXT_MAX;

    if (text.length <= length)
        return text;
    while (length > 0 && ((unsigned char)text.at[length] & 0xc0) == 0x80)
        length--;
    return slice_head(text, length);
}

static struct slice keep(struct kept *kept, size_t at, struct slice text)
{
    kept->texts[at] = mem_text(text.at, text.length);
    return slice_of(kept->texts[at], text.length);
}

/* One more of a row of orders. */
static bool is_another(const struct change *last, const struct change *change)
{
    return change->kind == CHANGE_ORDER && last->kind == CHANGE_ORDER &&
           change->at.ms - last->at.ms < CHANGES_ROW_MS && slice_equal(last->what, change->what) &&
           slice_equal(last->by, change->by) && slice_equal(last->site, change->site) &&
           slice_equal(last->customer, change->customer);
}

void changes_add(struct changes *changes, const struct change *change)
{
    if (changes == NULL)
        return;
    struct kept *last = &changes->ring[changes->newest % CHANGES_MAX];

    if (changes->newest > 0 && is_another(&last->change, change)) {
        last->change.more++;
        return;
    }
    struct kept *kept = &changes->ring[++changes->newest % CHANGES_MAX];

    forget(kept);
    kept->change = *change;
    kept->change.number = changes->newest;
    kept->change.more = 0;
    kept->change.what = keep(kept, 0, cut(change->what));
    kept->change.text = keep(kept, 1, cut(change->text));
    kept->change.by = keep(kept, 4, cut(change->by));
    kept->change.customer = keep(kept, 2, change->customer);
    kept->change.site = keep(kept, 3, change->site);
}

static bool is_theirs(const struct changes_question *q, const struct change *change)
{
    if (q->scope->is_operator)
        return true;
    if (change->site.length > 0) {
        const struct site *site = network_site(q->network, change->site);

        return site != NULL && slice_equal(site->customer->name, q->scope->customer);
    }
    return change->customer.length > 0 && slice_equal(change->customer, q->scope->customer);
}

static json_t *change_json(const struct change *change, const struct admin_scope *scope)
{
    json_t *object = json_object();

    json_put_number(object, "number", change->number);
    json_put_time(object, "at", change->at);
    json_put_text(object, "kind", slice_text(change_kind_text(change->kind)));
    json_put_text(object, "what", change->what);
    json_put_text(object, "text", change->text);
    if (change->by.length > 0)
        json_put_text(object, "by", admin_scope_who(scope, change->by));
    if (change->more > 0)
        json_put_number(object, "more", change->more);
    return object;
}

void changes_write(
    const struct changes *changes, const struct changes_question *question, struct text *out)
{
    json_t *object = json_object(), *list = json_array();
    uint64_t oldest = changes->newest < CHANGES_MAX ? 1 : changes->newest - CHANGES_MAX + 1;
    uint64_t number = changes->newest, last = 0;

    if (question->after != 0 && question->after <= number)
        number = question->after - 1;
    for (; number >= oldest && number > 0; number--) {
        const struct change *change = &changes->ring[number % CHANGES_MAX].change;

        if (!is_theirs(question, change))
            continue;
        if (json_array_size(list) == question->limit)
            break;
        json_array_append_new(list, change_json(change, question->scope));
        last = number;
    }
    json_put_time(object, "now", question->now);
    json_object_set_new(object, "changes", list);
    if (number >= oldest && number > 0 && last > 0)
        json_put_number(object, "after", last);
    json_write(object, out);
}
