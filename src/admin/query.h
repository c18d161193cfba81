// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The query of a path, "?name=www.acme.example&client=192.0.2.7": read and written. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "admin/text.h"
#include "base/arena.h"
#include "base/slice.h"

/*
 * The value of the first such key in a path with its query, in the arena, with %41 and + read as
 * what they stand for; what is no escape stands for itself. False when the key is not there.
 */
bool query_find(struct slice path, struct slice key, struct arena *arena, struct slice *value);

/* The number under that key, which is one (admin_route_check has seen to it); `otherwise` where the
 * key is not there. */
uint64_t query_number(struct slice path, const char *key, struct arena *arena, uint64_t otherwise);

/* Adds the value with all but letters, digits and "-._~" escaped (RFC 3986 §2). */
void query_escape(struct text *out, struct slice value);
