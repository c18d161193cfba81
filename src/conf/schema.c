// SPDX-License-Identifier: Apache-2.0
#include "conf/schema.h"

#include <assert.h>
#include <stdio.h>

#include "base/attr.h"
#include "conf/kinds.h"
#include "conf/network.h"
#include "conf/units.h"

enum { KNOWN_TEXT_MAX = 200 }; // room for the list of what is known, in an error

struct decoder {
    struct arena *arena;
    struct conf_errors *errors;
};

struct schema_hint schema_hint(
    struct slice text, schema_word_fn *word, const void *words, size_t count)
{
    size_t near = text.length / 3 > 2 ? text.length / 3 : 2; // so many slips still look alike
    struct slice nearest = SLICE_NONE;
    struct schema_hint hint = { "" };

    for (size_t i = 0; i < count; i++) {
        struct slice candidate = word(words, i);
        size_t distance = slice_distance(text, candidate);

        // A word that shares nothing with what was written is no help, however short both are.
        if (distance <= near && distance < candidate.length) {
            near = distance == 0 ? 0 : distance - 1;
            nearest = candidate;
        }
        if (distance == 0)
            break;
    }
    if (nearest.length > 0)
        snprintf(hint.text, sizeof hint.text, ", did you mean \"%.*s\"?", SHOWN(nearest));
    return hint;
}

static struct slice row_key(const void *rows, size_t at)
{
    return slice_text(((const struct schema_row *)rows)[at].key);
}

static struct slice list_word(const void *words, size_t at)
{
    return slice_text(((const char *const *)words)[at]);
}

static size_t word_count(const char *const *words)
{
    size_t count = 0;

    while (words[count] != NULL)
        count++;
    return count;
}

/* "a, b, c", cut to fit. */
static void join(char text[KNOWN_TEXT_MAX], schema_word_fn *word, const void *words, size_t count)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used < KNOWN_TEXT_MAX; i++)
        used += (size_t)snprintf(text + used, KNOWN_TEXT_MAX - used, "%s%.*s", i > 0 ? ", " : "",
            SLICE_ARG(word(words, i)));
}

/* What stands at the place, for "found ...". */
struct found {
    char text[CONF_SHOWN_MAX + 8];
};

static struct found found_at(const struct yaml_node *node)
{
    struct found found;

    if (node->kind != YAML_TEXT)
        snprintf(found.text, sizeof found.text, "%s", yaml_kind_text(node));
    else if (node->text.length == 0)
        snprintf(found.text, sizeof found.text, "nothing");
    else
        snprintf(found.text, sizeof found.text, "\"%.*s\"", SHOWN(node->text));
    return found;
}

/* Where lines with the hash of a token should be, somebody may write the token itself. */
static bool has_hash(const struct schema_section *section)
{
    for (size_t i = 0; i < section->row_count; i++)
        if (section->rows[i].kind == KIND_HASH)
            return true;
    return false;
}

static bool is_secret(const struct schema_row *row)
{
    return row->kind == KIND_SECRET || row->kind == KIND_HASH ||
           (row->kind == KIND_SECTION && has_hash(row->section));
}

/* Likewise, but keeps what is not for everybody's eyes. */
static struct found found_safe(const struct yaml_node *node, bool may_be_secret)
{
    struct found hidden = { "text, not shown here" };

    return may_be_secret && node->kind == YAML_TEXT && node->text.length > 0 ? hidden
                                                                             : found_at(node);
}

static void expected(struct decoder *d, const struct schema_row *row, const struct yaml_node *node,
    const char *expects)
{
    conf_errors_add(
        d->errors, node->at, "%s: found %s, expected %s", row->key, found_at(node).text, expects);
}

static bool decode_word(
    struct decoder *d, const struct schema_row *row, const struct yaml_node *node, unsigned *out)
{
    size_t count = word_count(row->words);
    char known[KNOWN_TEXT_MAX];

    if (node->kind == YAML_TEXT)
        for (unsigned i = 0; i < count; i++)
            if (slice_equal(node->text, slice_text(row->words[i]))) {
                *out = i;
                return true;
            }
    join(known, list_word, row->words, count);
    struct schema_hint hint = { "" };

    if (node->kind == YAML_TEXT)
        hint = schema_hint(node->text, list_word, row->words, count);
    conf_errors_add(d->errors, node->at, "%s: found %s, expected one of %s%s", row->key,
        found_at(node).text, known, hint.text);
    return false;
}

static bool degrees(const struct yaml_node *node, double most, double *out)
{
    double value;

    if (node->kind != YAML_TEXT || units_decimal(node->text, &value) != ERR_NONE || value > most ||
        value < -most)
        return false;
    *out = value;
    return true;
}

static bool decode_location(struct decoder *d, const struct schema_row *row,
    const struct yaml_node *node, struct location *out)
{
    struct location found = { .is_set = true };

    if (node->kind != YAML_LIST || node->count != 2) {
        expected(d, row, node, kind_of(KIND_LOCATION)->expects);
        return false;
    }
    if (!degrees(node->first, 90, &found.latitude)) {
        expected(d, row, node->first, "a latitude in degrees, from -90 to 90, such as 50.11");
        return false;
    }
    if (!degrees(node->last, 180, &found.longitude)) {
        expected(d, row, node->last, "a longitude in degrees, from -180 to 180, such as 8.68");
        return false;
    }
    *out = found;
    return true;
}

/* Holds the value against one limit of its row, written in the row's own units. */
static bool is_within(struct decoder *d, const struct schema_row *row, const struct yaml_node *node,
    const void *value, bool is_most)
{
    const struct kind *kind = kind_of(row->kind);
    const char *text = is_most ? row->most : row->least;
    _Alignas(max_align_t) char limit[sizeof(struct endpoint) + 16];

    if (text == NULL)
        return true;
    assert(kind->measure != NULL && kind->size_bytes <= sizeof limit);
    enum err err = kind->read(d->arena, slice_text(text), limit);

    assert(err == ERR_NONE);
    double difference = kind->measure(value) - kind->measure(limit);

    if (is_most ? difference <= 0 : difference >= 0)
        return true;
    conf_errors_add(d->errors, node->at, "%s: found %s, expected at %s %s", row->key,
        found_at(node).text, is_most ? "most" : "least", text);
    return false;
}

/* A single value that is no section. False, told, and *out as it was, when it is wrong. */
static bool decode_value(
    struct decoder *d, const struct schema_row *row, const struct yaml_node *node, void *out)
{
    const struct kind *kind = kind_of(row->kind);
    _Alignas(max_align_t) char value[sizeof(struct endpoint) + 16] = { 0 };

    if (row->kind == KIND_WORD)
        return decode_word(d, row, node, out);
    if (row->kind == KIND_LOCATION)
        return decode_location(d, row, node, out);
    assert(kind->read != NULL && kind->size_bytes <= sizeof value);
    enum err err = node->kind != YAML_TEXT ? ERR_PARSE : kind->read(d->arena, node->text, value);

    if (err != ERR_NONE) {
        conf_errors_add(d->errors, node->at, "%s: found %s%s, expected %s", row->key,
            found_safe(node, is_secret(row)).text,
            err == ERR_RANGE ? " (too many digits, or too large)" : "", kind->expects);
        return false;
    }
    if (!is_within(d, row, node, value, false) || !is_within(d, row, node, value, true))
        return false;
    memcpy(out, value, kind->size_bytes);
    return true;
}

static size_t item_bytes(const struct schema_row *row)
{
    return row->kind == KIND_SECTION ? row->section->size_bytes : kind_of(row->kind)->size_bytes;
}

/* The name an item stands under in its map; host names are made lower case. */
static struct slice decode_key(
    struct decoder *d, const struct schema_row *row, const struct yaml_node *item)
{
    const struct kind *kind = kind_of(row->key_kind);
    struct slice key = SLICE_NONE;

    if (kind->read(d->arena, item->key, &key) != ERR_NONE)
        conf_errors_add(d->errors, item->key_at, "%s: found \"%.*s\", expected %s", row->key,
            SHOWN(item->key), kind->expects);
    return key;
}

static void decode_item(
    struct decoder *d, const struct schema_row *row, const struct yaml_node *item, void *field)
{
    if (row->kind == KIND_SECTION) {
        schema_read(row->section, item, field, d->arena, d->errors);
        if (row->shape == SHAPE_MAP)
            ((struct schema_head *)field)->name = decode_key(d, row, item);
        return;
    }
    if (row->shape == SHAPE_MAP)
        decode_key(d, row, item);
    decode_value(d, row, item, field);
}

/* Whether the node has the row's shape, and items where some are needed; told when not. */
static bool has_shape(struct decoder *d, const struct schema_row *row, const struct yaml_node *node)
{
    bool is_list = row->shape == SHAPE_LIST;
    bool may_be_empty = !is_list && !row->is_required;
    bool is_right = node->kind == (is_list ? YAML_LIST : YAML_MAP);

    if (is_right && (node->count > 0 || may_be_empty))
        return true;
    conf_errors_add(d->errors, node->at, "%s: found %s, expected %s", row->key,
        is_right ? "none" : found_safe(node, is_secret(row)).text,
        is_list ? "a list with at least one item, such as [a, b]"
                : "a map with at least one line of `name: value`");
    return false;
}

static void decode_list(struct decoder *d, const struct schema_row *row,
    const struct yaml_node *node, struct schema_list *out)
{
    bool is_single = node->kind == YAML_TEXT && row->shape == SHAPE_LIST && node->text.length > 0;

    if (!is_single && !has_shape(d, row, node))
        return;
    size_t count = is_single ? 1 : node->count, size = item_bytes(row), i = 0;
    char *items = arena_array(d->arena, count, size);
    const struct yaml_node **nodes = arena_array(d->arena, count, sizeof nodes[0]);

    for (const struct yaml_node *item = is_single ? node : node->first; i < count;
         item = item->next, i++) {
        nodes[i] = item;
        decode_item(d, row, item, items + i * size);
    }
    *out = (struct schema_list){ items, nodes, count };
}

static void decode_default(struct decoder *d, const struct schema_row *row, void *field)
{
    struct yaml_node standard = { .kind = YAML_TEXT };

    if (row->shape == SHAPE_ONE && row->kind == KIND_SECTION)
        schema_read(row->section, NULL, field, d->arena, d->errors);
    if (row->standard == NULL)
        return;
    assert(row->shape == SHAPE_ONE);
    standard.text = slice_text(row->standard);
    bool is_good = decode_value(d, row, &standard, field);

    assert(is_good);
}

static void unknown_keys(
    struct decoder *d, const struct schema_section *section, const struct yaml_node *node)
{
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        bool is_known = false;
        char known[KNOWN_TEXT_MAX];

        for (size_t i = 0; i < section->row_count && !is_known; i++)
            is_known = slice_equal(child->key, slice_text(section->rows[i].key));
        if (is_known)
            continue;
        struct schema_hint hint =
            schema_hint(child->key, row_key, section->rows, section->row_count);

        join(known, row_key, section->rows, section->row_count);
        if (hint.text[0] != '\0')
            conf_errors_add(d->errors, child->key_at, "unknown key \"%.*s\" in %s%s",
                SHOWN(child->key), section->title, hint.text);
        else
            conf_errors_add(d->errors, child->key_at, "unknown key \"%.*s\" in %s, known are: %s",
                SHOWN(child->key), section->title, known);
    }
}

/* Where to say that something is missing: at the section's name, or where the file begins. */
static struct conf_place section_place(const struct yaml_node *node)
{
    return node->key.at != NULL ? node->key_at : node->at;
}

void schema_read(const struct schema_section *section, const struct yaml_node *node, void *out,
    struct arena *arena, struct conf_errors *errors)
{
    struct decoder d = { arena, errors };

    if (node != NULL && node->kind != YAML_MAP) {
        conf_errors_add(errors, node->at, "found %s, expected %s: lines of `key: value`",
            found_safe(node, has_hash(section)).text, section->title);
        return;
    }
    ((struct schema_head *)out)->at = node;
    if (node != NULL)
        unknown_keys(&d, section, node);
    for (size_t i = 0; i < section->row_count; i++) {
        const struct schema_row *row = &section->rows[i];
        const struct yaml_node *value = yaml_find(node, slice_text(row->key));
        void *field = (char *)out + row->offset;

        if (value == NULL && row->is_required && node != NULL)
            conf_errors_add(errors, section_place(node), "%s lacks \"%s\": %s", section->title,
                row->key, row->help);
        else if (value == NULL)
            decode_default(&d, row, field);
        else if (row->shape != SHAPE_ONE)
            decode_list(&d, row, value, field);
        else if (row->kind == KIND_SECTION)
            schema_read(row->section, value, field, arena, errors);
        else
            decode_value(&d, row, value, field);
    }
}
