// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/metrics.h"

enum { PAGE_MAX = 1 << 20 };

struct part_counts {
    struct counter in, out, lost;
};

static const struct counter_row rows[] = {
    COUNTER_ROW(struct part_counts, in, "part_packets_total", "direction=\"in\"", "Packets"),
    COUNTER_ROW(struct part_counts, out, "part_packets_total", "direction=\"out\"", "Packets"),
    COUNTER_ROW(struct part_counts, lost, "part_lost_total", "", "Packets lost"),
};

/* Strict reading of the text format, 0.0.4: what it refuses a scraper may refuse. */
struct reading {
    char family[100];
    const char *type;
    char seen[100][100]; // families
    size_t seen_count;
    struct slice lines[1000]; // name and labels of samples
    size_t line_count;
};

static size_t name_length(struct slice s)
{
    size_t length = 0;

    while (length < s.length &&
           (s.at[length] == '_' || s.at[length] == ':' ||
               (ascii_lower(s.at[length]) >= 'a' && ascii_lower(s.at[length]) <= 'z') ||
               (length > 0 && s.at[length] >= '0' && s.at[length] <= '9')))
        length++;
    return length;
}

/* From behind the brace to behind the closing one. */
static struct slice read_labels(struct slice s)
{
    for (;;) {
        size_t name = name_length(s);

        assert_true(name > 0);
        s = slice_from(s, name);
        assert_true(slice_starts(s, SLICE("=\"")));
        size_t at = 2;

        for (; at < s.length && s.at[at] != '"'; at++)
            if (s.at[at] == '\\') {
                at++;
                assert_true(at < s.length && strchr("\\\"n", s.at[at]) != NULL);
            }
        s = slice_from(s, at);
        assert_true(slice_starts(s, SLICE("\"")));
        s = slice_from(s, 1);
        assert_true(s.length > 0 && (s.at[0] == ',' || s.at[0] == '}'));
        if (s.at[0] == '}')
            return slice_from(s, 1);
        s = slice_from(s, 1);
    }
}

static void read_value(struct slice s)
{
    char text[64], *end;

    assert_true(s.length > 1 && s.length < sizeof text);
    assert_int_equal(s.at[0], ' ');
    memcpy(text, s.at + 1, s.length - 1);
    text[s.length - 1] = '\0';
    if (strcmp(text, "NaN") == 0 || strcmp(text, "+Inf") == 0 || strcmp(text, "-Inf") == 0)
        return;
    assert_int_equal(strspn(text, "0123456789.e+-"), strlen(text));
    strtod(text, &end);
    assert_true(end != text && *end == '\0');
}

static void read_comment(struct reading *r, struct slice line)
{
    bool is_help = slice_starts(line, SLICE("# HELP "));

    assert_true(is_help || slice_starts(line, SLICE("# TYPE ")));
    line = slice_from(line, 7);
    size_t name = name_length(line);

    assert_true(name > 0 && name < sizeof r->family && line.at[name] == ' ');
    if (is_help) {
        snprintf(r->family, sizeof r->family, "%.*s", (int)name, line.at);
        for (size_t i = 0; i < r->seen_count; i++)
            assert_string_not_equal(r->seen[i], r->family);
        memcpy(r->seen[r->seen_count++], r->family, sizeof r->family);
        r->type = NULL;
        return;
    }
    assert_true(slice_equal(slice_head(line, name), slice_text(r->family)));
    assert_null(r->type);
    struct slice type = slice_from(line, name + 1);

    r->type = slice_equal(type, SLICE("counter")) ? "counter" : "gauge";
    assert_true(slice_equal(type, slice_text(r->type)));
    assert_int_equal(slice_ends(slice_text(r->family), SLICE("_total")), r->type[0] == 'c');
    assert_true(slice_starts(slice_text(r->family), SLICE("waypost_")));
}

static void read_page(struct slice page)
{
    struct reading *r = calloc(1, sizeof *r);
    struct slice line;

    assert_true(slice_ends(page, SLICE("\n")));
    page.length--;
    while (slice_cut(&page, '\n', &line)) {
        if (line.length > 0 && line.at[0] == '#') {
            read_comment(r, line);
            continue;
        }
        size_t name = name_length(line);

        assert_non_null(r->type);
        assert_true(slice_equal(slice_head(line, name), slice_text(r->family)));
        struct slice rest = slice_from(line, name);

        if (rest.length > 0 && rest.at[0] == '{')
            rest = read_labels(slice_from(rest, 1));
        read_value(rest);
        struct slice sample = slice_head(line, line.length - rest.length);

        for (size_t i = 0; i < r->line_count; i++)
            assert_false(slice_equal(r->lines[i], sample));
        r->lines[r->line_count++] = sample;
    }
    free(r);
}

static void add_node(
    struct metrics *m, const char *node, const void *const *instances, size_t count)
{
    struct metrics_label label = { SLICE("node"), slice_text(node) };

    metrics_add_counters(m, &(struct metrics_set){ .rows = rows,
                                .row_count = COUNT_OF(rows),
                                .labels = &label,
                                .label_count = 1,
                                .instances = instances,
                                .instance_count = count });
}

static void page_is(struct metrics *m, const char *expected)
{
    struct text page;

    text_init(&page, PAGE_MAX);
    metrics_write(m, &page);
    assert_string_equal(page.at == NULL ? "" : page.at, expected);
    if (page.length > 0)
        read_page(text_slice(&page));
    text_done(&page);
    metrics_done(m);
}

static void counters_of_all_workers_are_summed(void **)
{
    struct part_counts one = { .in = { 1 }, .out = { 10 } }, two = { .in = { 2 }, .lost = { 5 } };
    struct metrics m;

    metrics_init(&m);
    metrics_add_counters(&m, &(struct metrics_set){ .rows = rows,
                                 .row_count = COUNT_OF(rows),
                                 .instances = (const void *const[]){ &one, &two },
                                 .instance_count = 2 });
    page_is(&m, "# HELP waypost_part_packets_total Packets\n"
                "# TYPE waypost_part_packets_total counter\n"
                "waypost_part_packets_total{direction=\"in\"} 3\n"
                "waypost_part_packets_total{direction=\"out\"} 10\n"
                "# HELP waypost_part_lost_total Packets lost\n"
                "# TYPE waypost_part_lost_total counter\n"
                "waypost_part_lost_total 5\n");
}

/* Who sums up the visitors' rows must not get those of another face with them. */
static void what_two_count_alike_is_told_apart_by_a_prefix(void **)
{
    struct part_counts one = { .in = { 1 } }, two = { .in = { 2 }, .lost = { 3 } };
    const void *instance = &two;
    struct metrics m;

    metrics_init(&m);
    add_node(&m, "fra1", (const void *const[]){ &one }, 1);
    metrics_add_counters(&m, &(struct metrics_set){ .prefix = "other_",
                                 .rows = rows,
                                 .row_count = COUNT_OF(rows),
                                 .instances = &instance,
                                 .instance_count = 1 });
    page_is(&m, "# HELP waypost_part_packets_total Packets\n"
                "# TYPE waypost_part_packets_total counter\n"
                "waypost_part_packets_total{direction=\"in\",node=\"fra1\"} 1\n"
                "waypost_part_packets_total{direction=\"out\",node=\"fra1\"} 0\n"
                "# HELP waypost_part_lost_total Packets lost\n"
                "# TYPE waypost_part_lost_total counter\n"
                "waypost_part_lost_total{node=\"fra1\"} 0\n"
                "# HELP waypost_other_part_packets_total Packets\n"
                "# TYPE waypost_other_part_packets_total counter\n"
                "waypost_other_part_packets_total{direction=\"in\"} 2\n"
                "waypost_other_part_packets_total{direction=\"out\"} 0\n"
                "# HELP waypost_other_part_lost_total Packets lost\n"
                "# TYPE waypost_other_part_lost_total counter\n"
                "waypost_other_part_lost_total 3\n");
}

static void rows_of_one_name_stand_together_whichever_node_they_are_of(void **)
{
    struct part_counts one = { .in = { 1 } }, two = { .in = { 2 }, .lost = { UINT64_MAX } };
    struct metrics m;

    metrics_init(&m);
    add_node(&m, "fra1", (const void *const[]){ &one }, 1);
    add_node(&m, "nyc1", (const void *const[]){ &two }, 1);
    page_is(&m, "# HELP waypost_part_packets_total Packets\n"
                "# TYPE waypost_part_packets_total counter\n"
                "waypost_part_packets_total{direction=\"in\",node=\"fra1\"} 1\n"
                "waypost_part_packets_total{direction=\"out\",node=\"fra1\"} 0\n"
                "waypost_part_packets_total{direction=\"in\",node=\"nyc1\"} 2\n"
                "waypost_part_packets_total{direction=\"out\",node=\"nyc1\"} 0\n"
                "# HELP waypost_part_lost_total Packets lost\n"
                "# TYPE waypost_part_lost_total counter\n"
                "waypost_part_lost_total{node=\"fra1\"} 0\n"
                "waypost_part_lost_total{node=\"nyc1\"} 18446744073709551615\n");
}

static void label_values_and_help_are_escaped(void **)
{
    const struct metrics_label labels[] = {
        { SLICE("path"), SLICE("C:\\\"a\"\nb") },
        { SLICE("site"), SLICE("") },
    };
    struct metrics m;

    metrics_init(&m);
    metrics_add_value(&m, &(struct metrics_value){ .name = "depth_bytes",
                              .help = "In \\ out\nof \"it\"",
                              .kind = COUNTER_GAUGE,
                              .labels = labels,
                              .label_count = 2,
                              .value = 1 });
    page_is(&m, "# HELP waypost_depth_bytes In \\\\ out\\nof \"it\"\n"
                "# TYPE waypost_depth_bytes gauge\n"
                "waypost_depth_bytes{path=\"C:\\\\\\\"a\\\"\\nb\",site=\"\"} 1\n");
}

static void add_number(struct metrics *m, const char *name, double number)
{
    metrics_add_value(m, &(struct metrics_value){
                             .name = name, .help = "h", .kind = COUNTER_GAUGE, .value = number });
}

static void numbers_are_written_shortest_and_read_back_the_same(void **)
{
    struct metrics m;
    struct text page;

    metrics_init(&m);
    add_number(&m, "a", 0.1);
    add_number(&m, "b", 4294967296);
    add_number(&m, "c", 1.0 / 3);
    add_number(&m, "d", (double)NAN);
    add_number(&m, "e", -(double)INFINITY);
    add_number(&m, "f", -2.5e-300);
    text_init(&page, PAGE_MAX);
    metrics_write(&m, &page);
    read_page(text_slice(&page));
    assert_non_null(strstr(page.at, "\nwaypost_a 0.1\n"));
    assert_non_null(strstr(page.at, "\nwaypost_b 4294967296\n"));
    assert_non_null(strstr(page.at, "\nwaypost_c 0.33333333333333331\n"));
    assert_non_null(strstr(page.at, "\nwaypost_d NaN\n"));
    assert_non_null(strstr(page.at, "\nwaypost_e -Inf\n"));
    assert_non_null(strstr(page.at, "\nwaypost_f -2.5e-300\n"));
    text_done(&page);
    metrics_done(&m);
}

static void a_page_without_parts_is_empty(void **)
{
    struct metrics m;

    metrics_init(&m);
    page_is(&m, "");
}

static void samples_beyond_the_limit_are_left_out_and_counted(void **)
{
    struct metrics m;
    struct text page;

    metrics_init(&m);
    for (int i = 0; i < METRICS_MAX + 3; i++)
        add_number(&m, "a", i);
    assert_int_equal(m.sample_count, METRICS_MAX);
    assert_int_equal(m.refused, 3);
    text_init(&page, SIZE_MAX);
    metrics_write(&m, &page);
    assert_non_null(strstr(page.at, "\nwaypost_a 99999\n"));
    assert_null(strstr(page.at, "\nwaypost_a 100000\n"));
    text_done(&page);
    metrics_done(&m);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(counters_of_all_workers_are_summed),
        cmocka_unit_test(what_two_count_alike_is_told_apart_by_a_prefix),
        cmocka_unit_test(rows_of_one_name_stand_together_whichever_node_they_are_of),
        cmocka_unit_test(label_values_and_help_are_escaped),
        cmocka_unit_test(numbers_are_written_shortest_and_read_back_the_same),
        cmocka_unit_test(a_page_without_parts_is_empty),
        cmocka_unit_test(samples_beyond_the_limit_are_left_out_and_counted),
    };

    return cmocka_run_group_tests_name("admin/metrics", cases, NULL, NULL);
}
