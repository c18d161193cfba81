// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Compiler contracts and the few macros that are used everywhere. */

#include <stddef.h>

#define PRINTS(fmt, at) __attribute__((format(printf, fmt, at)))
#define SCOPED(drop)    __attribute__((cleanup(drop)))
#define ALIGNED(bytes)  __attribute__((aligned(bytes)))
/* A large local that is written before it is read: the compiler need not zero it first. */
#define UNSET           __attribute__((uninitialized))
#define LIKELY(claim)   __builtin_expect(!!(claim), 1)
#define UNLIKELY(claim) __builtin_expect(!!(claim), 0)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* From a member back to the struct it is embedded in; the compiler checks the member's type. */
#define container_of(ptr, type, member) \
    ((type *)(void *)((char *)(1 ? (ptr) : &((type *)NULL)->member) - offsetof(type, member)))

enum { CACHE_LINE_BYTES = 64 }; // what two threads must not share when both write

/* AddressSanitizer or ThreadSanitizer watches: memory costs more then, and is not to be hidden. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#define IS_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define IS_SANITIZED false
#endif
