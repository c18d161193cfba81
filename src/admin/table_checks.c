// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/table_priv.h"
#include "base/mem.h"

/* Before the up ones come those of whom nothing is known, and the down ones before all. */
enum standing { STANDS_DOWN, STANDS_UNKNOWN, STANDS_UP, STANDING_COUNT };

struct judged {
    const json_t *check;
    enum standing standing;
    double trouble; // among those that stand alike
};

const char *table_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL || text[0] == '\0' ? "-" : text;
}

bool table_text_is(const json_t *object, const char *key, const char *text)
{
    return slice_equal(json_get_text(object, key), slice_text(text));
}

void table_end_line(struct text *out, size_t start)
{
    for (size_t i = start; i < out->length; i++)
        if (ascii_is_control(out->at[i]))
            out->at[i] = '?';
    text_add(out, SLICE("\n"));
}

const char *table_ms(double ms, char text[TABLE_AMOUNT_MAX])
{
    // One decimal where it says something; 99.95 would be shown as 100.0.
    snprintf(text, TABLE_AMOUNT_MAX, "%.*f ms", ms != 0 && fabs(ms) < 99.95, ms);
    return text;
}

const char *table_percent(double share, char text[TABLE_AMOUNT_MAX])
{
    double percent = 100 * share;

    snprintf(text, TABLE_AMOUNT_MAX, "%.*f %%", percent != 0 && fabs(percent) < 9.95, percent);
    return text;
}

const char *table_old(double age_s, char text[TABLE_AMOUNT_MAX])
{
    static const struct {
        double seconds;
        const char *unit;
    } UNITS[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    size_t unit = 0;

    while (unit + 1 < COUNT_OF(UNITS) && age_s < UNITS[unit].seconds)
        unit++;
    if (age_s > TABLE_OLD_S)
        snprintf(text, TABLE_AMOUNT_MAX, " (%.0f %s old)", floor(age_s / UNITS[unit].seconds),
            UNITS[unit].unit);
    else
        text[0] = '\0';
    return text;
}

const char *table_clock(const char *time, const char *now, char text[TABLE_CELL_MAX])
{
    enum { DAY_LENGTH = sizeof "2026-11-22T" - 1 };
    bool is_today = strlen(time) > DAY_LENGTH && strncmp(time, now, DAY_LENGTH) == 0;

    snprintf(text, TABLE_CELL_MAX, "%s", is_today ? time + DAY_LENGTH : time);
    return text;
}

const char *table_outcome(const json_t *check, char text[TABLE_CELL_MAX])
{
    static const struct {
        const char *outcome, *words;
    } WORDS[] = {
        { "ok", "answers again" },
        { "refused", "connection refused" },
        { "mismatch", "the answer lacks what must be in it" },
        { "protocol", "not what the protocol allows" },
        { "tls", "TLS handshake failed" },
        { "too_long", "the answer is too long" },
        { "denied", "cannot be sent from here" },
    };
    const char *outcome = table_text_of(check, "outcome");

    for (size_t i = 0; i < COUNT_OF(WORDS); i++)
        if (strcmp(outcome, WORDS[i].outcome) == 0)
            outcome = WORDS[i].words;
    if (strcmp(outcome, "status") == 0)
        snprintf(text, TABLE_CELL_MAX, "answered %" PRIu64, json_get_number(check, "reply"));
    else
        snprintf(text, TABLE_CELL_MAX, "%s", outcome);
    return text;
}

const char *table_verdict(const json_t *check, const char *now, char text[TABLE_CELL_MAX])
{
    char since[TABLE_CELL_MAX], outcome[TABLE_CELL_MAX];
    const char *verdict = table_text_of(check, "verdict");

    if (strcmp(verdict, "down") != 0) {
        snprintf(text, TABLE_CELL_MAX, "%s",
            strcmp(verdict, "unknown") == 0 ? "not known yet" : verdict);
        return text;
    }
    bool has_since = json_get_text(check, "since").length > 0;
    bool has_outcome = json_get_text(check, "outcome").length > 0;

    snprintf(text, TABLE_CELL_MAX, "down%s%s%s%s", has_since ? " since " : "",
        has_since ? table_clock(table_text_of(check, "since"), now, since) : "",
        has_outcome ? ": " : "", has_outcome ? table_outcome(check, outcome) : "");
    return text;
}

bool table_is_outvoted(const json_t *check)
{
    const json_t *counted = json_object_get(check, "counted");

    return table_text_is(counted, "by", "groups") &&
           !slice_equal(json_get_text(counted, "verdict"), json_get_text(check, "verdict"));
}

const char *table_counted(const json_t *check, char text[TABLE_CELL_MAX])
{
    const json_t *counted = json_object_get(check, "counted");
    uint64_t groups = json_get_number(counted, "groups"),
             down = json_get_number(counted, "groups_down");
    bool is_down = table_text_is(counted, "verdict", "down");

    snprintf(text, TABLE_CELL_MAX, "%s by %" PRIu64 " of %" PRIu64 " groups",
        is_down ? "down" : "up", is_down || down > groups ? down : groups - down, groups);
    return text;
}

const char *table_state(const json_t *check, const char *now, char text[TABLE_CELL_MAX])
{
    char counted[TABLE_CELL_MAX], own[TABLE_CELL_MAX];

    if (!table_is_outvoted(check))
        return table_verdict(check, now, text);
    int length = snprintf(text, TABLE_CELL_MAX, "%s, here ", table_counted(check, counted));
    size_t used = length < TABLE_CELL_MAX ? (size_t)length : TABLE_CELL_MAX - 1;

    snprintf(text + used, TABLE_CELL_MAX - used, "%s", table_verdict(check, now, own));
    return text;
}

/* A measure's value; 0 where it is missing. */
static double value_of(const json_t *check, const char *key)
{
    return json_get_real(json_object_get(check, key), "value");
}

static struct judged judge(const json_t *check)
{
    const char *verdict = table_text_of(check, "verdict");
    struct judged judged = { .check = check, .standing = STANDS_UNKNOWN };

    if (strcmp(verdict, "down") == 0 ||
        table_text_is(json_object_get(check, "counted"), "verdict", "down"))
        judged.standing = STANDS_DOWN;
    else if (strcmp(verdict, "up") == 0)
        judged.standing = STANDS_UP;
    // In milliseconds, as far as steering would count it; latency alone is no trouble, but sorts.
    judged.trouble = 300 * value_of(check, "errors_share") + value_of(check, "excess_us") / 1000 +
                     100 * fmax(0, value_of(check, "load_share") - 0.8) +
                     value_of(check, "latency_us") / 1e6;
    return judged;
}

static int worse_first(const void *left, const void *right)
{
    const struct judged *a = left, *b = right;

    if (a->standing != b->standing)
        return a->standing < b->standing ? -1 : 1;
    if (a->trouble != b->trouble)
        return a->trouble > b->trouble ? -1 : 1;
    int order = strcmp(table_text_of(a->check, "name"), table_text_of(b->check, "name"));

    return order != 0 ? order
                      : strcmp(table_text_of(a->check, "node"), table_text_of(b->check, "node"));
}

static void put_measure(
    struct table *t, const json_t *check, const char *key, const char *before, bool is_time)
{
    const json_t *measure = json_object_get(check, key);
    double value = json_get_real(measure, "value");
    char amount[TABLE_AMOUNT_MAX], old[TABLE_AMOUNT_MAX];

    if (!json_is_object(measure)) {
        table_cell(t, "-");
        return;
    }
    table_cell(t, "%s%s%s", before,
        is_time ? table_ms(value / 1000, amount) : table_percent(value, amount),
        table_old(json_get_real(measure, "age_s"), old));
}

static void put_check(struct table *t, const json_t *check, const char *now)
{
    char state[TABLE_CELL_MAX];

    table_cell(t, "%s", table_text_of(check, "name"));
    table_cell(t, "%s", table_text_of(check, "node"));
    put_measure(t, check, "latency_us", "", true);
    put_measure(t, check, "response_us", "", true);
    put_measure(t, check, "excess_us", "+", true);
    put_measure(t, check, "errors_share", "", false);
    put_measure(t, check, "cpu_share", "", false);
    put_measure(t, check, "memory_share", "", false);
    put_measure(t, check, "load_share", "", false);
    table_cell(t, "%s", table_state(check, now, state));
}

/* "... and 40 more, all up": of those from `shown` on. */
static void say_rest(const struct judged *list, size_t count, uint64_t left_out, struct text *out)
{
    uint64_t counts[STANDING_COUNT] = { 0 }, more = left_out;
    char text[TABLE_AMOUNT_MAX];

    for (size_t i = TABLE_CHECKS_SHOWN; i < count; i++) {
        counts[list[i].standing]++;
        more++;
    }
    if (more == 0)
        return;
    text_say(out, "... and %s more", table_count(more, text));
    if (counts[STANDS_UP] == more)
        text_say(out, ", all up");
    if (counts[STANDS_DOWN] > 0)
        text_say(out, ", %s of them down", table_count(counts[STANDS_DOWN], text));
    if (counts[STANDS_UNKNOWN] > 0)
        text_say(out, ", %s not known yet", table_count(counts[STANDS_UNKNOWN], text));
    text_say(out, "\n");
}

void table_checks(const json_t *status, struct text *out)
{
    static const struct table_column COLUMNS[] = { { "CHECK", false }, { "NODE", false },
        { "LATENCY", true }, { "RESPONSE", true }, { "EXCESS", true }, { "ERRORS", true },
        { "CPU", true }, { "MEMORY", true }, { "LOAD", true }, { "STATE", false } };
    const json_t *checks = json_object_get(status, "checks"), *check;
    size_t count = json_array_size(checks), i;
    struct judged *list = mem_array(count + 1, sizeof *list);
    struct table t;

    json_array_foreach (checks, i, check) {
        list[i] = judge(check);
    }
    if (count > 0)
        qsort(list, count, sizeof *list, worse_first);
    table_init(&t, COLUMNS, COUNT_OF(COLUMNS));
    for (i = 0; i < count && i < TABLE_CHECKS_SHOWN; i++)
        put_check(&t, list[i].check, table_text_of(status, "now"));
    if (t.cell_count > 0)
        text_add(out, SLICE("\n"));
    table_write(&t, out);
    say_rest(list, count, json_get_number(status, "checks_left_out"), out);
    table_done(&t);
    mem_free(list);
}
