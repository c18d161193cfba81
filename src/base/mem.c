// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *mem_alloc(size_t size_bytes)
{
    return mem_array(1, size_bytes);
}

void *mem_array(size_t count, size_t item_bytes)
{
    void *memory = calloc(count + (count == 0), item_bytes + (item_bytes == 0));

    assert(memory != NULL && "out of memory");
    return memory;
}

void *mem_resize(void *old, size_t size_bytes)
{
    void *memory = realloc(old, size_bytes + (size_bytes == 0));

    assert(memory != NULL && "out of memory");
    return memory;
}

char *mem_text(const char *bytes, size_t length)
{
    assert(length < SIZE_MAX);
    char *text = mem_alloc(length + 1);

    if (length > 0) // of a slice of nothing, `bytes` may be NULL
        memcpy(text, bytes, length);
    return text;
}

void mem_free(void *memory)
{
    free(memory);
}
