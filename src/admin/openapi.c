// SPDX-License-Identifier: Apache-2.0
/* The table of routes as an OpenAPI document. */
#include <stdio.h>
#include <string.h>

#include "admin/admin_priv.h"
#include "admin/schemas.h"

enum { TEXT_MAX = 256 };

static json_t *text_json(const char *key, const char *text)
{
    json_t *object = json_object();

    json_put_text(object, key, slice_text(text));
    return object;
}

static json_t *ref_json(const char *kind, const char *name)
{
    char text[TEXT_MAX];

    snprintf(text, sizeof text, "#/components/%s/%s", kind, name);
    return text_json("$ref", text);
}

static json_t *words_json(const char *words)
{
    struct slice rest = slice_text(words), word;
    json_t *list = json_array();

    while (slice_cut(&rest, ' ', &word))
        json_array_append_new(list, json_of_text(word));
    return list;
}

static json_t *field_schema(const struct admin_field *f)
{
    json_t *schema = text_json("type", f->kind == ADMIN_FIELD_NUMBER ? "integer" : "string");

    switch (f->kind) {
    case ADMIN_FIELD_TEXT:
        json_put_number(schema, "minLength", f->least);
        json_put_number(schema, "maxLength", f->most);
        break;
    case ADMIN_FIELD_NUMBER:
        json_put_number(schema, "minimum", f->least);
        json_put_number(schema, "maximum", f->most);
        break;
    case ADMIN_FIELD_CHOICE: json_object_set_new(schema, "enum", words_json(f->words)); break;
    case ADMIN_FIELD_ADDRESS: {
        json_t *any = json_array();

        json_array_append_new(any, text_json("format", "ipv4"));
        json_array_append_new(any, text_json("format", "ipv6"));
        json_object_set_new(schema, "anyOf", any);
        break;
    }
    }
    if (f->pattern != NULL)
        json_put_text(schema, "pattern", slice_text(f->pattern));
    return schema;
}

static json_t *field_json(const struct admin_field *f, const char *in)
{
    json_t *object = text_json("name", f->name);

    json_put_text(object, "in", slice_text(in));
    json_put_flag(object, "required", f->is_needed);
    json_put_text(object, "description", slice_text(f->help));
    json_object_set_new(object, "schema", field_schema(f));
    return object;
}

static json_t *fields_json(const struct admin_route *route)
{
    json_t *list = json_array();

    if (route->part != NULL)
        json_array_append_new(list, field_json(route->part, "path"));
    for (const struct admin_field *f = route->query; f != NULL && f->name != NULL; f++)
        json_array_append_new(list, field_json(f, "query"));
    return list;
}

/* {"TYPE": {"schema": ...}} */
static json_t *content_json(const char *type, const char *schema)
{
    json_t *content = json_object(), *media = json_object();

    json_object_set_new(media, "schema",
        schema[0] != '\0' ? ref_json("schemas", schema) : text_json("type", "object"));
    json_object_set_new(content, type, media);
    return content;
}

static json_t *good_json(const struct admin_route *route)
{
    json_t *good = text_json("description", "As asked");

    json_object_set_new(good, "content",
        content_json(route->type != NULL ? route->type : "application/json", route->answer));
    if (route->method == HTTP_GET && route->type == NULL) {
        json_t *headers = json_object(), *tag = text_json("description", "Of these bytes");

        json_object_set_new(tag, "schema", text_json("type", "string"));
        json_object_set_new(headers, "ETag", tag);
        json_object_set_new(good, "headers", headers);
    }
    return good;
}

/* Whatever is asked may be wrong, not be the asker's, or come too often. */
static json_t *responses_json(const struct admin_route *route)
{
    json_t *responses = json_object();
    struct slice all = SLICE("400 401 403 405 429 500"), more = slice_text(""), one;
    char status[8];

    if (route->errors != NULL)
        more = slice_text(route->errors);
    json_object_set_new(responses, "200", good_json(route));
    if (route->method == HTTP_GET && route->type == NULL)
        json_object_set_new(
            responses, "304", text_json("description", "If-None-Match names what is there"));
    while (slice_cut(&all, ' ', &one) || slice_cut(&more, ' ', &one)) {
        snprintf(status, sizeof status, "%.*s", SLICE_ARG(one));
        json_object_set_new(responses, status, ref_json("responses", "error"));
    }
    return responses;
}

/* "getOrdersNumber" of GET /api/v1/orders/{number}. */
static void name_operation(const struct admin_route *route, char text[TEXT_MAX])
{
    bool is_first = true;
    size_t length =
        (size_t)snprintf(text, TEXT_MAX, "%s", route->method == HTTP_GET ? "get" : "post");

    for (const char *c = route->path + strlen("/api/v1/"); *c != '\0'; c++) {
        bool is_letter = *c >= 'a' && *c <= 'z';

        if (is_letter && length + 1 < TEXT_MAX)
            text[length++] = (char)(is_first ? *c - 'a' + 'A' : *c);
        is_first = !is_letter;
    }
    text[length] = '\0';
}

static json_t *operation_json(const struct admin_route *route)
{
    json_t *operation = text_json("summary", route->summary), *fields = fields_json(route);
    char name[TEXT_MAX];

    name_operation(route, name);
    json_put_text(operation, "operationId", slice_text(name));
    json_put_text(operation, "description",
        route->access == ADMIN_FOR_OPERATORS ? SLICE("For operators alone.")
                                             : SLICE("Customers see and change what is theirs."));
    json_object_set_new(operation, "parameters", fields);
    if (route->body != NULL) {
        json_t *body = json_object();

        json_put_flag(body, "required", true);
        json_object_set_new(body, "content", content_json("application/json", route->body));
        json_object_set_new(operation, "requestBody", body);
    }
    json_object_set_new(operation, "responses", responses_json(route));
    return operation;
}

static json_t *paths_json(void)
{
    json_t *paths = json_object();

    for (const struct admin_route *route = admin_routes; route->path != NULL; route++) {
        json_t *path = json_object_get(paths, route->path);

        if (!slice_starts(slice_text(route->path), SLICE("/api/")))
            continue;
        if (path == NULL) {
            path = json_object();
            json_object_set_new(paths, route->path, path);
        }
        json_object_set_new(
            path, route->method == HTTP_GET ? "get" : "post", operation_json(route));
    }
    return paths;
}

static json_t *components_json(void)
{
    json_t *components = json_object(), *responses = json_object(),
           *error = text_json("description", "It was not done, why, and what to do about it"),
           *schemes = json_object(), *bearer = text_json("type", "http");

    json_object_set_new(error, "content", content_json("application/json", "error"));
    json_object_set_new(responses, "error", error);
    json_put_text(bearer, "scheme", SLICE("bearer"));
    json_put_text(bearer, "description",
        SLICE("Of an operator or a customer. Not needed on the machine itself: over the Unix "
              "socket, or a loopback port."));
    json_object_set_new(schemes, "token", bearer);
    json_object_set_new(components, "schemas", schemas_json());
    json_object_set_new(components, "responses", responses);
    json_object_set_new(components, "securitySchemes", schemes);
    return components;
}

/* With a token, or without one where none is needed. */
static json_t *security_json(void)
{
    json_t *list = json_array(), *token = json_object();

    json_object_set_new(token, "token", json_array());
    json_array_append_new(list, token);
    json_array_append_new(list, json_object());
    return list;
}

json_t *admin_openapi_json(void)
{
    json_t *object = text_json("openapi", "3.1.0"), *info = text_json("title", "waypost"),
           *servers = json_array();

    json_put_text(info, "version", SLICE("v1"));
    json_put_text(info, "summary", SLICE("The admin API of a node"));
    json_put_text(info, "description",
        SLICE("Names are never changed or taken away within v1; new ones may come. Amounts have "
              "their unit in the name, times are UTC. Lists that are longer than an answer have "
              "`after`, to be given back for the next page."));
    json_array_append_new(servers, text_json("url", "/"));
    json_object_set_new(object, "info", info);
    json_object_set_new(object, "servers", servers);
    json_object_set_new(object, "security", security_json());
    json_object_set_new(object, "paths", paths_json());
    json_object_set_new(object, "components", components_json());
    return object;
}
