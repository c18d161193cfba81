// SPDX-License-Identifier: Apache-2.0
#include "admin/order_ask.h"

#include <inttypes.h>
#include <stdio.h>

#include "admin/json.h"
#include "base/hash.h"

static void put(json_t *object, const char *key, const char *value)
{
    if (value != NULL)
        json_put_text(object, key, slice_text(value));
}

void order_ask_write(const struct order_words *words, struct text *out)
{
    json_t *object = json_object();

    put(object, words->key, words->value);
    put(object, "site", words->site);
    put(object, "id", words->id);
    if (words->is_soft)
        json_put_flag(object, "soft", true);
    json_write(object, out);
}

const char *order_ask_id(char id[ORDER_ASK_ID_SIZE])
{
    snprintf(
        id, ORDER_ASK_ID_SIZE, "%016" PRIx64 "%016" PRIx64, hash_seed_random(), hash_seed_random());
    return id;
}

bool order_ask_number(struct slice answer, uint64_t *number)
{
    json_t *json = json_read(answer);

    *number = json_get_number(json_object_get(json, "order"), "number");
    json_decref(json);
    return *number != 0;
}

enum order_progress order_ask_progress(struct slice answer)
{
    json_t *json = json_read(answer), *receipt;
    size_t i, applied = 0, owed = 0;

    json_array_foreach (json_object_get(json, "receipts"), i, receipt) {
        bool is_applied = json_get_flag(receipt, "applied");

        applied += is_applied;
        owed += !is_applied && json_get_flag(receipt, "present");
    }
    json_decref(json);
    return applied > 0 && owed == 0 ? ORDER_APPLIED : ORDER_UNDER_WAY;
}
