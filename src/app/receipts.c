// SPDX-License-Identifier: Apache-2.0
#include "app/receipts.h"

#include <string.h>

#include "base/mem.h"

struct step {
    uint64_t number;
    struct wall at;
};

/* What one node said; steps rise. */
struct said {
    uint64_t node, era;
    uint64_t turn; // of all that was said, when this was said last
    size_t count;
    struct step steps[RECEIPT_STEPS];
};

struct receipts {
    struct said *list[RECEIPT_NODES_MAX];
    size_t count;
    uint64_t turn; // the newest
};

struct receipts *receipts_new(void)
{
    return mem_new(struct receipts);
}

void receipts_free(struct receipts *receipts)
{
    if (receipts == NULL)
        return;
    for (size_t i = 0; i < receipts->count; i++)
        mem_free(receipts->list[i]);
    mem_free(receipts);
}

static struct said *find(const struct receipts *receipts, uint64_t node)
{
    for (size_t i = 0; i < receipts->count; i++)
        if (receipts->list[i]->node == node)
            return receipts->list[i];
    return NULL;
}

/* Room for one more node, or that of the one which said nothing for longest. */
static struct said *add(struct receipts *receipts, uint64_t node)
{
    struct said *said = receipts->list[0];

    if (receipts->count < RECEIPT_NODES_MAX)
        said = receipts->list[receipts->count++] = mem_new(struct said);
    else
        for (size_t i = 1; i < receipts->count; i++)
            if (receipts->list[i]->turn < said->turn)
                said = receipts->list[i];
    said->node = node;
    said->count = 0;
    return said;
}

void receipts_take(
    struct receipts *receipts, uint64_t node, uint64_t era, uint64_t number, struct wall at)
{
    struct said *said = find(receipts, node);

    if (said == NULL)
        said = add(receipts, node);
    said->turn = ++receipts->turn;
    if (said->era != era)
        said->count = 0;
    said->era = era;
    while (said->count > 0 && said->steps[said->count - 1].number > number)
        said->count--;
    if (said->count > 0 && said->steps[said->count - 1].number == number)
        return;
    if (said->count == RECEIPT_STEPS)
        memmove(said->steps, said->steps + 1, --said->count * sizeof said->steps[0]);
    said->steps[said->count++] = (struct step){ number, at };
}

struct wall receipts_find(
    const struct receipts *receipts, uint64_t node, uint64_t era, uint64_t number)
{
    const struct said *said = find(receipts, node);

    if (said != NULL && said->era == era)
        for (size_t i = 0; i < said->count; i++)
            if (said->steps[i].number >= number)
                return said->steps[i].at;
    return (struct wall){ 0 };
}
