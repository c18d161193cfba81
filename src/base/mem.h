// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Small long-lived memory. It cannot be NULL: out of memory here ends the process with a message,
 * since on Linux that path cannot be tested honestly. Big memory (the store, queues) is sized from
 * settings and mapped once; task memory is an arena.
 */

#include <stddef.h>

/* Zeroed. Freed with mem_free. */
void *mem_alloc(size_t size_bytes) __attribute__((malloc, returns_nonnull, alloc_size(1)));

/* Zeroed array; a product that overflows ends the process. */
void *mem_array(size_t count, size_t item_bytes) __attribute__((returns_nonnull));

/* Grows or shrinks; what is new is not zeroed. */
void *mem_resize(void *old, size_t size_bytes) __attribute__((returns_nonnull));

/* A terminated copy of `length` bytes. */
char *mem_text(const char *bytes, size_t length) __attribute__((returns_nonnull));

/* Accepts NULL. */
void mem_free(void *memory);

#define mem_new(type) ((type *)mem_alloc(sizeof(type)))
