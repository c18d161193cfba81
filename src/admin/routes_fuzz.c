// SPDX-License-Identifier: Apache-2.0
/* Any target of a request: routed, and its query held against the table. */
#include <stdlib.h>

#include "admin/orders.h"
#include "admin/routes.h"

static void must(bool claim)
{
    if (!claim)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice target = slice_of(data, size);
    struct slice path = slice_head(target, slice_find(target, '?'));
    static const enum http_method METHODS[] = { HTTP_GET, HTTP_POST };
    struct arena arena;

    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(METHODS); i++) {
        struct admin_refusal refusal;
        bool is_path = false;
        const struct admin_route *route = admin_route_find(path, METHODS[i], &is_path);

        if (route == NULL) {
            if (is_path)
                must(slice_starts(slice_text(admin_route_allow(path, &arena)), SLICE("Allow: ")));
            continue;
        }
        must(route->method == METHODS[i]);
        if (admin_route_check(route, target, &arena, &refusal))
            continue;
        must(refusal.status == 400 && refusal.code != NULL);
        must(refusal.message.text[0] != '\0' && refusal.mend.text[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
