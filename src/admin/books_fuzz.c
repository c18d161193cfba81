// SPDX-License-Identifier: Apache-2.0
/* Questions to the accounts, whoever asks them; the first byte chooses which. What is read is
 * within the limits of the ledger, what is not is refused with a mend. */
#include <stdlib.h>
#include <string.h>

#include "admin/books.h"
#include "admin/orders_test.h"
#include "admin/routes.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const struct books_known KNOWN = { .network = &orders_network, .now = { 1795341600000 } };

static void must_be_sane(const struct books_question *q)
{
    struct usage_entry entry = { .node = SLICE("fra1/corrections"),
        .pop = SLICE("fra"),
        .customer = SLICE("acme"),
        .site = SLICE("www.acme.test"),
        .sequence = 1,
        .reason = q->reason };

    if (q->verb == BOOKS_USAGE &&
        (q->period.from.ms >= q->period.to.ms || q->period.from.ms % LEDGER_SLOT_MS != 0 ||
            q->period.to.ms % LEDGER_SLOT_MS != 0 || (unsigned)q->by >= LEDGER_BY_COUNT))
        abort();
    if (month_begin(q->month).ms >= month_end(q->month).ms && q->verb != BOOKS_USAGE)
        abort();
    if (q->verb != BOOKS_CORRECT)
        return;
    entry.begin = entry.end = q->at;
    entry.from.of[q->kind] = q->take_back;
    if (q->take_back == 0 || q->reason.length == 0 || !usage_entry_is_sane(&entry))
        abort();
}

/* As a request is read: its query is held against the table of routes first. */
static bool path_read(struct slice path, struct arena *arena, struct books_question *question,
    struct admin_refusal *refusal)
{
    bool is_path, is_usage = slice_starts(path, SLICE("/api/v1/usage?"));
    const struct admin_route *route =
        admin_route_find(slice_head(path, slice_find(path, '?')), HTTP_GET, &is_path);

    *refusal = (struct admin_refusal){ 404, "missing", { .text = "-" }, { .text = "-" } };
    return route != NULL && admin_route_check(route, path, arena, refusal) &&
           (is_usage ? books_read_usage : books_read_invoices)(
               path, &KNOWN, arena, question, refusal);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const char *const PATHS[] = { "/api/v1/usage?", "/api/v1/invoices/",
        "/api/v1/invoices" };
    struct admin_refusal refusal = { 0 };
    struct books_question question = { 0 };
    struct arena arena;
    bool is_read;

    if (size == 0)
        return 0;
    size_t which = data[0] % (COUNT_OF(PATHS) + 1);

    arena_init(&arena, 1 << 20);
    if (which == COUNT_OF(PATHS)) {
        is_read = books_read_correction(
            slice_of(data + 1, size - 1), &KNOWN, &arena, &question, &refusal);
    } else {
        size_t length = strlen(PATHS[which]);
        char *path = arena_room(&arena, length + size);

        memcpy(path, PATHS[which], length);
        memcpy(path + length, data + 1, size - 1);
        is_read = path_read(slice_of(path, length + size - 1), &arena, &question, &refusal);
    }
    if (is_read)
        must_be_sane(&question);
    else if (refusal.status < 400 || refusal.status > 499 || refusal.message.text[0] == '\0' ||
             refusal.mend.text[0] == '\0')
        abort();
    arena_done(&arena);
    return 0;
}
