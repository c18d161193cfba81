// SPDX-License-Identifier: Apache-2.0
#include "admin/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "waypost_"

enum { NUMBER_TEXT_MAX = 32 };

struct metrics_sample {
    struct metrics_sample *next;
    struct slice labels; // as written, without braces
    struct slice value;  // likewise
};

struct metrics_family {
    struct metrics_family *next;
    const char *name, *help;
    enum counter_kind kind;
    struct metrics_sample *first, *last;
};

void metrics_init(struct metrics *m)
{
    *m = (struct metrics){ 0 };
    arena_init(&m->arena, SIZE_MAX / 2); // METRICS_MAX is the limit
}

void metrics_done(struct metrics *m)
{
    arena_done(&m->arena);
    metrics_init(m);
}

/* The format's own rule for names. */
static bool is_name(const char *name)
{
    size_t length =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789");

    return length > 0 && name[length] == '\0' && !(name[0] >= '0' && name[0] <= '9');
}

static bool ends_in_total(const char *name)
{
    size_t length = strlen(name);

    return length > 6 && strcmp(name + length - 6, "_total") == 0;
}

/* The family of that name, new if need be. Rows of one name mostly come one after the other. */
static struct metrics_family *family_of(
    struct metrics *m, const char *name, const char *help, enum counter_kind kind)
{
    if (m->last != NULL && strcmp(m->last->name, name) == 0)
        return m->last;
    for (struct metrics_family *f = m->first; f != NULL; f = f->next)
        if (strcmp(f->name, name) == 0) {
            assert(f->kind == kind);
            return f;
        }
    assert(is_name(name));
    assert((kind == COUNTER_TOTAL) == ends_in_total(name));
    struct metrics_family *f = arena_new(&m->arena, struct metrics_family);

    *f = (struct metrics_family){ .name = name, .help = help, .kind = kind };
    if (m->last == NULL)
        m->first = f;
    else
        m->last->next = f;
    m->last = f;
    return f;
}

/* The row's own labels, then the set's, with what the format escapes in values escaped. */
static struct slice labels_text(
    struct arena *arena, const char *own, const struct metrics_label *labels, size_t count)
{
    size_t most = strlen(own) + 1;

    for (size_t i = 0; i < count; i++)
        most += labels[i].name.length + 2 * labels[i].value.length + 4;
    char *text = arena_alloc(arena, most), *to = stpcpy(text, own);

    for (size_t i = 0; i < count; i++) {
        if (to != text)
            *to++ = ',';
        to = mempcpy(to, labels[i].name.at, labels[i].name.length);
        to = mempcpy(to, "=\"", 2);
        for (size_t j = 0; j < labels[i].value.length; j++) {
            char c = labels[i].value.at[j];

            if (c == '\\' || c == '"' || c == '\n')
                *to++ = '\\';
            *to++ = c == '\n' ? 'n' : c;
        }
        *to++ = '"';
    }
    return slice_of(text, (size_t)(to - text));
}

static void add(
    struct metrics *m, struct metrics_family *family, struct slice labels, const char *value)
{
    struct metrics_sample *sample = arena_new(&m->arena, struct metrics_sample);

    sample->labels = labels;
    sample->value = arena_copy(&m->arena, slice_text(value));
    if (family->last == NULL)
        family->first = sample;
    else
        family->last->next = sample;
    family->last = sample;
}

/* Counts the sample; false when there is no room for it. */
static bool admit(struct metrics *m)
{
    if (m->sample_count == METRICS_MAX) {
        m->refused++;
        return false;
    }
    m->sample_count++;
    return true;
}

static uint64_t sum(const struct metrics_set *set, size_t offset)
{
    uint64_t total = 0;

    for (size_t i = 0; i < set->instance_count; i++)
        total += counter_read((const void *)((const char *)set->instances[i] + offset));
    return total;
}

static const char *name_of(
    struct metrics *m, const struct metrics_set *set, const struct counter_row *row)
{
    if (set->prefix == NULL)
        return row->name;
    char *name = arena_alloc(&m->arena, strlen(set->prefix) + strlen(row->name) + 1);

    stpcpy(stpcpy(name, set->prefix), row->name);
    return name;
}

void metrics_add_counters(struct metrics *m, const struct metrics_set *set)
{
    for (size_t i = 0; i < set->row_count; i++) {
        const struct counter_row *row = &set->rows[i];
        char value[NUMBER_TEXT_MAX];

        if (!admit(m))
            continue;
        snprintf(value, sizeof value, "%" PRIu64, sum(set, row->offset));
        add(m, family_of(m, name_of(m, set, row), row->help, row->kind),
            labels_text(&m->arena, row->labels, set->labels, set->label_count), value);
    }
}

/* The shortest text that reads back as the same number; the format's words for what is none. */
static void number_text(double number, char text[NUMBER_TEXT_MAX])
{
    if (isnan(number)) {
        snprintf(text, NUMBER_TEXT_MAX, "NaN");
    } else if (isinf(number)) {
        snprintf(text, NUMBER_TEXT_MAX, number > 0 ? "+Inf" : "-Inf");
    } else {
        snprintf(text, NUMBER_TEXT_MAX, "%.15g", number);
        if (strtod(text, NULL) != number)
            snprintf(text, NUMBER_TEXT_MAX, "%.17g", number);
    }
}

void metrics_add_counts(struct metrics *m, const struct metrics_label *label,
    const struct counter_row *rows, size_t row_count, const void *counts)
{
    metrics_add_counters(m, &(struct metrics_set){ .rows = rows,
                                .row_count = row_count,
                                .labels = label,
                                .label_count = 1,
                                .instances = &counts,
                                .instance_count = 1 });
}

void metrics_add_value(struct metrics *m, const struct metrics_value *value)
{
    char text[NUMBER_TEXT_MAX];

    if (!admit(m))
        return;
    number_text(value->value, text);
    add(m, family_of(m, value->name, value->help, value->kind),
        labels_text(&m->arena, "", value->labels, value->label_count), text);
}

static void write_help(struct text *out, const struct metrics_family *f)
{
    text_say(out, "# HELP " PREFIX "%s ", f->name);
    for (const char *at = f->help; *at != '\0';) {
        size_t plain = strcspn(at, "\\\n");

        text_add(out, slice_of(at, plain));
        at += plain;
        if (*at != '\0')
            text_add(out, *at++ == '\n' ? SLICE("\\n") : SLICE("\\\\"));
    }
    text_say(
        out, "\n# TYPE " PREFIX "%s %s\n", f->name, f->kind == COUNTER_TOTAL ? "counter" : "gauge");
}

static void write_sample(struct text *out, const char *name, const struct metrics_sample *s)
{
    text_say(out, PREFIX "%s", name);
    if (s->labels.length > 0) {
        text_add(out, SLICE("{"));
        text_add(out, s->labels);
        text_add(out, SLICE("}"));
    }
    text_add(out, SLICE(" "));
    text_add(out, s->value);
    text_add(out, SLICE("\n"));
}

void metrics_write(const struct metrics *m, struct text *out)
{
    for (const struct metrics_family *f = m->first; f != NULL; f = f->next) {
        write_help(out, f);
        for (const struct metrics_sample *s = f->first; s != NULL; s = s->next)
            write_sample(out, f->name, s);
    }
}
