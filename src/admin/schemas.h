// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What answers and bodies of the API are made of, as data: one line for each kind of object, from
 * which the OpenAPI document has its schemas. A story holds each against the real answers, with
 * members that are not named here forbidden, so that what is added to an answer is added here.
 *
 * A line is members with a space between them: NAME:TYPE, or NAME?:TYPE for one that may be left
 * out. A type is
 *
 *     text  flag  real  time (RFC 3339, UTC)  whole (a whole number)  count (one from 0)
 *     hash (16 hexadecimal digits)  a,b,c (one of these words)
 *     @NAME (an object of that line)  [TYPE] (a list)  {TYPE} (an object with any names)  TYPE|null
 */

#include <stddef.h>

struct json_t;

struct schema {
    const char *name, *members;
};

/* The last has no name. */
extern const struct schema schemas[];

/* {"NAME": JSON Schema, ...} of all. */
struct json_t *schemas_json(void);
