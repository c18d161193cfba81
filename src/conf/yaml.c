// SPDX-License-Identifier: Apache-2.0
#include "conf/yaml.h"

#include <assert.h>
#include <string.h>

#include <yaml.h>

#include "base/hash.h"

enum { INDEX_FROM = 8 }; // maps with fewer keys are searched one by one

/* A list or map that is being filled. */
struct level {
    struct yaml_node *node;
    struct slice key; // of the value that comes next
    struct conf_place key_at;
    bool has_key;
};

struct reader {
    struct yaml_tree *tree;
    struct conf_errors *errors;
    const char *file;
    struct level levels[YAML_DEPTH_MAX];
    size_t depth;
    struct yaml_node *root;
};

void yaml_tree_init(struct yaml_tree *tree)
{
    arena_init(&tree->arena, YAML_BYTES_MAX);
    tree->node_count = 0;
}

void yaml_tree_done(struct yaml_tree *tree)
{
    arena_done(&tree->arena);
}

const char *yaml_kind_text(const struct yaml_node *node)
{
    switch (node->kind) {
    case YAML_LIST: return "a list";
    case YAML_MAP: return "a map";
    case YAML_TEXT: break;
    }
    return "text";
}

/* Where the key stands in the index, or the empty slot where it would. */
static struct yaml_node **slot_of(const struct yaml_node *map, struct slice key)
{
    size_t mask = map->slot_count - 1;
    size_t at = hash_bytes(key, 0) & mask;

    while (map->slots[at] != NULL && !slice_equal(map->slots[at]->key, key))
        at = (at + 1) & mask;
    return &map->slots[at];
}

static void index_build(struct yaml_tree *tree, struct yaml_node *map, size_t slot_count)
{
    map->slot_count = slot_count;
    map->slots = arena_array(&tree->arena, slot_count, sizeof(struct yaml_node *));
    for (struct yaml_node *child = map->first; child != NULL; child = child->next)
        *slot_of(map, child->key) = child;
}

/* Adds at the end. In a map the key is not there yet. */
static void append(struct yaml_tree *tree, struct yaml_node *parent, struct yaml_node *child)
{
    child->next = NULL;
    if (parent->last == NULL)
        parent->first = child;
    else
        parent->last->next = child;
    parent->last = child;
    parent->count++;
    if (parent->kind != YAML_MAP || parent->count < INDEX_FROM)
        return;
    if (parent->count * 2 > parent->slot_count)
        index_build(tree, parent, parent->slot_count == 0 ? 32 : parent->slot_count * 4);
    else
        *slot_of(parent, child->key) = child;
}

struct yaml_node *yaml_find(const struct yaml_node *map, struct slice key)
{
    if (map == NULL || map->kind != YAML_MAP)
        return NULL;
    if (map->slot_count > 0)
        return *slot_of(map, key);
    for (struct yaml_node *child = map->first; child != NULL; child = child->next)
        if (slice_equal(child->key, key))
            return child;
    return NULL;
}

struct yaml_node *yaml_take(struct yaml_node *map, struct slice key)
{
    struct yaml_node *found = yaml_find(map, key);
    struct yaml_node *before = NULL;

    if (found == NULL)
        return NULL;
    for (struct yaml_node *child = map->first; child != found; child = child->next)
        before = child;
    if (before == NULL)
        map->first = found->next;
    else
        before->next = found->next;
    if (map->last == found)
        map->last = before;
    map->count--;
    if (map->slot_count > 0) {
        // A hole would end searches early, so the index is made anew.
        memset((void *)map->slots, 0, map->slot_count * sizeof(struct yaml_node *));
        for (struct yaml_node *child = map->first; child != NULL; child = child->next)
            *slot_of(map, child->key) = child;
    }
    return found;
}

void yaml_merge(struct yaml_tree *tree, struct yaml_node *into, struct yaml_node *from,
    struct conf_errors *errors)
{
    assert(into->kind == YAML_MAP && from->kind == YAML_MAP);
    for (struct yaml_node *child = from->first, *next; child != NULL; child = next) {
        struct yaml_node *old = yaml_find(into, child->key);

        next = child->next;
        if (old == NULL)
            append(tree, into, child);
        else if (old->kind == YAML_MAP && child->kind == YAML_MAP)
            yaml_merge(tree, old, child, errors); // no deeper than YAML_DEPTH_MAX
        else
            conf_errors_add(errors, child->key_at,
                "\"%.*s\" is given twice: keep this one or the one at %s:%d:%d", SHOWN(child->key),
                old->key_at.file, old->key_at.line, old->key_at.column);
    }
    from->first = from->last = NULL;
}

static struct conf_place place_of(const struct reader *r, const yaml_mark_t *mark)
{
    return (struct conf_place){ r->file, (int)mark->line + 1, (int)mark->column + 1 };
}

/* Hangs the node into what is being filled. */
static void add(struct reader *r, struct yaml_node *node)
{
    if (r->depth == 0) {
        r->root = node;
        return;
    }
    struct level *level = &r->levels[r->depth - 1];

    assert(level->node != NULL);
    if (level->node->kind == YAML_MAP) {
        const struct yaml_node *old = yaml_find(level->node, level->key);

        node->key = level->key;
        node->key_at = level->key_at;
        level->has_key = false;
        if (old != NULL) {
            conf_errors_add(r->errors, node->key_at,
                "\"%.*s\" is given twice: keep this one or the one at line %d", SHOWN(node->key),
                old->key_at.line);
            return;
        }
    }
    append(r->tree, level->node, node);
}

static struct yaml_node *node_new(struct reader *r, enum yaml_kind kind, const yaml_event_t *event)
{
    struct yaml_node *node = arena_new(&r->tree->arena, struct yaml_node);

    node->kind = kind;
    node->at = place_of(r, &event->start_mark);
    if (++r->tree->node_count > YAML_NODES_MAX || r->tree->arena.is_full) {
        conf_errors_add(r->errors, node->at,
            "the configuration is too large: at most %d values in all files", YAML_NODES_MAX);
        return NULL;
    }
    return node;
}

static bool is_key(const struct reader *r)
{
    if (r->depth == 0)
        return false;
    const struct level *level = &r->levels[r->depth - 1];

    assert(level->node != NULL);
    return level->node->kind == YAML_MAP && !level->has_key;
}

static bool refuse(struct reader *r, const yaml_event_t *event, const char *what)
{
    conf_errors_add(r->errors, place_of(r, &event->start_mark), "%s", what);
    return false;
}

static bool take_scalar(struct reader *r, const yaml_event_t *event)
{
    struct slice raw = slice_of(event->data.scalar.value, event->data.scalar.length);
    struct slice text = arena_copy(&r->tree->arena, raw);

    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
        return refuse(
            r, event, "anchors (&) and tags (!) are not supported: write the value alone");
    if (is_key(r)) {
        struct level *level = &r->levels[r->depth - 1];

        level->key = text;
        level->key_at = place_of(r, &event->start_mark);
        level->has_key = true;
        return true;
    }
    struct yaml_node *node = node_new(r, YAML_TEXT, event);

    if (node == NULL)
        return false;
    node->text = text;
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    add(r, node);
    return true;
}

static bool open_level(struct reader *r, const yaml_event_t *event, enum yaml_kind kind)
{
    bool is_map = kind == YAML_MAP;

    if ((is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor) != NULL ||
        (is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag) != NULL)
        return refuse(
            r, event, "anchors (&) and tags (!) are not supported: write the value alone");
    if (is_key(r))
        return refuse(r, event, "a key must be text; quote it if it begins with [ or {");
    if (r->depth == YAML_DEPTH_MAX)
        return refuse(r, event, "nested too deeply: no setting lies this deep");
    struct yaml_node *node = node_new(r, kind, event);

    if (node == NULL)
        return false;
    add(r, node);
    r->levels[r->depth++] = (struct level){ .node = node };
    return true;
}

/* One event of the syntax; false ends the reading. */
static bool take(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: return true;
    case YAML_DOCUMENT_START_EVENT:
        return r->root == NULL || refuse(r, event, "a second document: one file holds one");
    case YAML_ALIAS_EVENT:
        return refuse(r, event,
            "aliases (*name) are not supported: write the value out, and quote text that begins "
            "with *");
    case YAML_SCALAR_EVENT: return take_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT: return open_level(r, event, YAML_LIST);
    case YAML_MAPPING_START_EVENT: return open_level(r, event, YAML_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: r->depth--; return true;
    }
    return false;
}

/* The place of a byte that is no UTF-8: for those the parser knows the offset alone. */
static struct conf_place place_of_byte(const struct reader *r, struct slice text, size_t offset)
{
    struct conf_place at = { r->file, 1, 1 };

    for (size_t i = 0; i < offset && i < text.length; i++) {
        at.column = text.at[i] == '\n' ? 1 : at.column + 1;
        at.line += text.at[i] == '\n';
    }
    return at;
}

static void syntax_error(struct reader *r, const yaml_parser_t *parser, struct slice text)
{
    const char *problem = parser->problem == NULL ? "not understood" : parser->problem;
    const char *context = parser->context == NULL ? "" : parser->context;
    const char *mend = "";

    if (parser->error == YAML_READER_ERROR) {
        conf_errors_add(r->errors, place_of_byte(r, text, parser->problem_offset),
            "no text: %s; files are UTF-8", problem);
        return;
    }
    if (strstr(context, "alias") != NULL)
        mend = "; quote text that begins with *, such as \"*.jpg\"";
    else if (strstr(problem, "cannot start any token") != NULL)
        mend = "; indent with blanks, not tabs, and quote text that begins with @, ` or %";
    else if (strstr(problem, "mapping values are not allowed") != NULL)
        mend = "; check the indentation, and quote text that holds a colon and a blank";
    conf_errors_add(r->errors, place_of(r, &parser->problem_mark), "no YAML: %s%s%s%s", problem,
        context[0] == '\0' ? "" : " ", context, mend);
}

struct yaml_node *yaml_read(
    struct yaml_tree *tree, const char *file, struct slice text, struct conf_errors *errors)
{
    struct reader r = { .tree = tree, .errors = errors, .file = file };
    yaml_parser_t parser;
    bool goes_on = true;

    if (yaml_parser_initialize(&parser) == 0) {
        conf_errors_add(errors, (struct conf_place){ .file = file }, "no memory left to read it");
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.length);
    while (goes_on) {
        yaml_event_t event;

        if (yaml_parser_parse(&parser, &event) == 0) {
            syntax_error(&r, &parser, text);
            yaml_parser_delete(&parser);
            return NULL;
        }
        bool is_last = event.type == YAML_STREAM_END_EVENT;
        bool is_good = take(&r, &event);

        yaml_event_delete(&event);
        if (!is_good) {
            yaml_parser_delete(&parser);
            return NULL;
        }
        goes_on = !is_last;
    }
    yaml_parser_delete(&parser);
    if (r.root == NULL)
        conf_errors_add(errors, (struct conf_place){ .file = file }, "empty: no settings in it");
    return r.root;
}
