// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A thin dress for jansson: our slices and texts in, its objects owned throughout. Where memory
 * runs out jansson returns NULL, takes NULL everywhere, and json_write then adds nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "admin/text.h"
#include "base/clock.h"
#include "base/slice.h"

/* Bytes that are not UTF-8 become '?', since JSON cannot hold them. */
json_t *json_of_text(struct slice text);

void json_put_text(json_t *object, const char *key, struct slice text);

/* Numbers beyond what JSON readers hold exactly in 63 bits are cut to it. */
void json_put_number(json_t *object, const char *key, uint64_t number);

/* Written with twelve digits: 0.41 stays 0.41. What is not finite becomes null. */
void json_put_real(json_t *object, const char *key, double real);

void json_put_flag(json_t *object, const char *key, bool is_set);

/* As RFC 3339, seconds, UTC. */
void json_put_time(json_t *object, const char *key, struct wall wall);

/* Writes with a line for each member and a line end, and gives the object back. */
void json_write(json_t *object, struct text *out);

/* Likewise, all in one line and without its end. */
void json_write_line(json_t *object, struct text *out);

/* NULL for what is not JSON, or has a member twice; given back with json_decref. */
json_t *json_read(struct slice text);

/* A member's text or number; empty or 0 where it is missing or something else. */
struct slice json_get_text(const json_t *object, const char *key);
uint64_t json_get_number(const json_t *object, const char *key);

/* Of either kind of number; 0 where there is none. */
double json_get_real(const json_t *object, const char *key);

/* False where it is missing or something else. */
bool json_get_flag(const json_t *object, const char *key);
