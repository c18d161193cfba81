// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/mem.h"
#include "meter/plan_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is taken for a plan is written in the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct arena arena;
    struct plan plan;
    struct diag why;

    arena_init(&arena, 1 << 20);
    if (plan_text_parse(text, &arena, &plan, &why) == ERR_NONE) {
        char *room = mem_alloc(PLAN_TEXT_MAX);

        if (!slice_equal(plan_text_write(&plan, room), text))
            abort();
        mem_free(room);
    }
    arena_done(&arena);
    return 0;
}
