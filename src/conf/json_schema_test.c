// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/json_schema.h"
#include "conf/load.h"
#include "conf/units.h"
#include "conf/yaml.h"

/*
 * A validator of as much of JSON Schema as the tables need. JSON is YAML, so our own reader
 * reads the schema; what it can say of a plain text is what editors see after YAML 1.2.
 */

static bool validates(const struct yaml_node *schema, const struct yaml_node *value);

static bool is_text(const struct yaml_node *node, const char *text)
{
    return node != NULL && node->kind == YAML_TEXT && slice_equal(node->text, slice_text(text));
}

static struct yaml_node *get(const struct yaml_node *map, const char *key)
{
    return yaml_find(map, slice_text(key));
}

static bool has_type(const struct yaml_node *value, const struct yaml_node *type)
{
    double number;

    if (type == NULL)
        return true;
    if (type->kind == YAML_LIST) {
        for (const struct yaml_node *one = type->first; one != NULL; one = one->next)
            if (has_type(value, one))
                return true;
        return false;
    }
    if (is_text(type, "object"))
        return value->kind == YAML_MAP;
    if (is_text(type, "array"))
        return value->kind == YAML_LIST;
    bool is_number = value->kind == YAML_TEXT && value->is_plain &&
                     units_decimal(value->text, &number) == ERR_NONE;

    return value->kind == YAML_TEXT && is_text(type, "number") == is_number;
}

static bool matches(struct slice text, const struct yaml_node *pattern)
{
    char terminated[256];
    regex_t regex;

    if (pattern == NULL)
        return true;
    snprintf(terminated, sizeof terminated, "%.*s", SLICE_ARG(text));
    assert_int_equal(regcomp(&regex, pattern->text.at, REG_EXTENDED | REG_NOSUB), 0);
    bool is_match = regexec(&regex, terminated, 0, NULL, 0) == 0;

    regfree(&regex);
    return is_match;
}

static bool validates_object(const struct yaml_node *schema, const struct yaml_node *value)
{
    const struct yaml_node *required = get(schema, "required");
    const struct yaml_node *rest = get(schema, "additionalProperties");

    for (const struct yaml_node *key = required == NULL ? NULL : required->first; key != NULL;
         key = key->next)
        if (yaml_find(value, key->text) == NULL)
            return false;
    for (const struct yaml_node *child = value->first; child != NULL; child = child->next) {
        const struct yaml_node *known = yaml_find(get(schema, "properties"), child->key);

        if (!matches(child->key, get(get(schema, "propertyNames"), "pattern")))
            return false;
        if (known == NULL && is_text(rest, "false"))
            return false;
        if (!validates(known != NULL ? known : rest, child))
            return false;
    }
    return true;
}

static bool is_any_of(const struct yaml_node *list, const struct yaml_node *value, bool is_enum)
{
    for (const struct yaml_node *one = list->first; one != NULL; one = one->next)
        if (is_enum ? value->kind == YAML_TEXT && slice_equal(one->text, value->text)
                    : validates(one, value))
            return true;
    return false;
}

static bool validates(const struct yaml_node *schema, const struct yaml_node *value)
{
    const struct yaml_node *any = get(schema, "anyOf"), *words = get(schema, "enum");
    const struct yaml_node *items = get(schema, "items");

    if (any != NULL && !is_any_of(any, value, false))
        return false;
    if (words != NULL && !is_any_of(words, value, true))
        return false;
    if (!has_type(value, get(schema, "type")))
        return false;
    if (value->kind == YAML_TEXT)
        return matches(value->text, get(schema, "pattern"));
    if (value->kind == YAML_MAP)
        return validates_object(schema, value);
    for (const struct yaml_node *item = value->first; item != NULL; item = item->next)
        if (!validates(items, item))
            return false;
    return true;
}

static char *printed(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    write(out);
    fclose(out);
    return text;
}

/* The whole file at `name`, from the top of the source tree; freed by the caller. */
static char *source_text(const char *name)
{
    char path[PATH_MAX], *text = calloc(1, 1 << 20);

    snprintf(path, sizeof path, "%.*s../../%s",
        (int)(strlen(__FILE__) - strlen("json_schema_test.c")), __FILE__, name);
    FILE *file = fopen(path, "r");

    if (file != NULL) {
        size_t got = fread(text, 1, (1 << 20) - 1, file);

        text[got] = '\0';
        fclose(file);
    }
    return text;
}

struct trees {
    struct yaml_tree tree;
    struct conf_errors errors;
    char *schema_text;
    const struct yaml_node *schema;
};

static void trees_init(struct trees *t)
{
    yaml_tree_init(&t->tree);
    conf_errors_init(&t->errors);
    t->schema_text = printed(conf_json_schema_write);
    t->schema = yaml_read(&t->tree, "schema", slice_text(t->schema_text), &t->errors);
    assert_non_null(t->schema);
    assert_int_equal(t->errors.count, 0);
}

static void trees_done(struct trees *t)
{
    yaml_tree_done(&t->tree);
    conf_errors_done(&t->errors);
    free(t->schema_text);
}

static bool accepts(struct trees *t, const char *text)
{
    const struct yaml_node *value = yaml_read(&t->tree, "value", slice_text(text), &t->errors);

    assert_non_null(value);
    return validates(t->schema, value);
}

static void the_schema_accepts_the_examples(void **)
{
    static const char *const names[] = { "network.yaml", "measured.yaml", "https.yaml" };
    struct trees t;

    trees_init(&t);
    assert_true(is_text(get(t.schema, "$schema"), "https://json-schema.org/draft/2020-12/schema"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64];

        snprintf(path, sizeof path, "tests/corpus/conf-load/%s", names[i]);
        char *example = source_text(path);

        assert_true(example[0] != '\0' && accepts(&t, example));
        free(example);
    }
    trees_done(&t);
}

static void the_schema_refuses_what_the_loader_refuses(void **)
{
#define POPS "pops: {a: {nodes: {b: {address: 192.0.2.1}}}}\n"
    static const char *const wrong[] = {
        "zone: a.example\n",
        POPS,
        "zone: a.example\nzonne: b\n" POPS,
        "zone: [a.example]\n" POPS,
        "zone: a b\n" POPS,
        "zone: a.example\npops: {a: {}}\n",
        "zone: a.example\npops: {\"a b\": {nodes: {b: {address: 192.0.2.1}}}}\n",
        "zone: a.example\npops: {a: {nodes: {b: {address: 192.0.2.1, capacity: 10}}}}\n",
        "zone: a.example\ncustomers: {c: {sites: {d: {policy: fast}}}}\n" POPS,
        "zone: a.example\ncustomers: {c: {sites: {d: {ttl: 20}}}}\n" POPS,
        "zone: a.example\ncustomers: {c: {sites: {d: {paths: {img: {}}}}}}\n" POPS,
        "zone: a.example\ncustomers: {c: {sites: {d: {all_down: none}}}}\n" POPS,
        "zone: a.example\ncustomers: {c: {sites: {d: {weigh: {cpu: much}}}}}\n" POPS,
        "zone: a.example\ncustomers: {c: {sites: {d: {probe: {ftp: file}}}}}\n" POPS,
        "zone: a.example\ncustomers: {c: {sites: {d: {probe: {port: off}}}}}\n" POPS,
        "zone: a.example\nplans: {p: {currency: euro}}\n" POPS,
    };
    struct trees t;

    trees_init(&t);
    assert_true(accepts(&t, "zone: a.example\n" POPS));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct conf_errors errors;

        conf_errors_init(&errors);
        assert_false(accepts(&t, wrong[i]));
        assert_null(conf_load_text("wrong", slice_text(wrong[i]), &errors));
        conf_errors_done(&errors);
    }
    trees_done(&t);
}

static void the_reference_page_in_the_manual_is_current(void **)
{
    char *page = source_text("docs/manual/reference/settings.md");
    char *now = printed(conf_reference_write);

    if (strcmp(page, now) != 0)
        fprintf(stderr, "mend: build/src/conf-json_schema-test --reference "
                        "> docs/manual/reference/settings.md\n");
    assert_string_equal(page, now);
    free(page);
    free(now);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_accepts_the_examples),
        cmocka_unit_test(the_schema_refuses_what_the_loader_refuses),
        cmocka_unit_test(the_reference_page_in_the_manual_is_current),
    };

    if (argc == 2 && strcmp(argv[1], "--reference") == 0) {
        conf_reference_write(stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--schema") == 0) {
        conf_json_schema_write(stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
