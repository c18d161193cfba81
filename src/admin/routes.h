// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * All that can be asked of the admin face, in one table: where, by which method, by whom, with
 * which fields, and what comes back. Requests are routed by it, their queries held against it
 * before anybody looks at them, and the OpenAPI document is written from it (/api/v1/openapi.json).
 * So what is served, what is refused and what is documented cannot part.
 *
 * What a field means beyond its bounds (whether there is such a site) is its server's affair; so
 * are the members of bodies.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "wire/http_head.h"

struct admin;
struct admin_refusal;
struct admin_scope;
struct http_exchange;
struct json_t;

enum admin_access {
    ADMIN_FOR_ALL,        // customers see what is theirs
    ADMIN_FOR_ALL_TO_ASK, // posted since it is long: it changes nothing, and viewers may ask it
    ADMIN_FOR_OPERATORS,
};

enum admin_field_kind {
    ADMIN_FIELD_TEXT,    // least to most bytes
    ADMIN_FIELD_NUMBER,  // whole, least to most
    ADMIN_FIELD_CHOICE,  // one of the words
    ADMIN_FIELD_ADDRESS, // of a client
};

/* Of a query, or the last part of a path. */
struct admin_field {
    const char *name;
    enum admin_field_kind kind;
    bool is_needed;
    uint64_t least, most;
    const char *words;   // of a choice: with a space between them
    const char *pattern; // that texts have, for the document; NULL: any
    const char *help;
};

struct admin_route {
    const char *path; // "/api/v1/orders/{number}": all below it, the rest is its server's to read
    enum http_method method; // HTTP_GET takes HTTP_HEAD too; any other changes something
    enum admin_access access;
    void (*serve)(struct admin *admin, struct http_exchange *x, const struct admin_scope *scope);
    const char *summary;
    const struct admin_field *query; // the last has no name; NULL: there are none
    const struct admin_field *part;  // what stands for {...}; NULL: nothing does
    const char *body;                // schema of the request's; NULL: there is none
    const char *answer;              // schema; NULL: plain text
    const char *type;                // media type of the answer; NULL: that of JSON, or of text
    const char *errors;              // statuses beyond those of all, with a space between them
};

/* The last has no path. */
extern const struct admin_route admin_routes[];

/* The first one of that path and method; else one of the path, and *is_path; NULL: neither. */
const struct admin_route *admin_route_find(
    struct slice path, enum http_method method, bool *is_path);

/* The field of a 405, "Allow: GET, HEAD\r\n", for a path that there is. In the arena. */
const char *admin_route_allow(struct slice path, struct arena *arena);

/*
 * Whether each field of the query is known, given once and within its bounds, and those that are
 * needed are there. False: `refusal` says which is not. Pure.
 */
[[nodiscard]] bool admin_route_check(const struct admin_route *route, struct slice path,
    struct arena *arena, struct admin_refusal *refusal);

/* The document of all paths of /api: OpenAPI 3.1. */
struct json_t *admin_openapi_json(void);
