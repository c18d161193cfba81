// SPDX-License-Identifier: Apache-2.0
#include "wire/load_metrics.h"

#include "base/attr.h"
#include "base/writer.h"

enum { MILLION = 1000000, FRACTION_DIGITS = 6 };

#define EXPONENT_MAX 1000000000 // beyond it all numbers are 0 or too large; sums of it still fit
#define PREFIX       SLICE("TEXT ")

struct metric {
    const char *name;
    uint64_t most_millionths;
};

#define METRIC_MOST ((uint64_t)LOAD_METRIC_MOST * MILLION)

static const struct metric METRICS[LOAD_METRIC_COUNT] = {
    [LOAD_METRIC_CPU] = { "cpu_utilization", METRIC_MOST },
    [LOAD_METRIC_MEMORY] = { "mem_utilization", MILLION },
    [LOAD_METRIC_APPLICATION] = { "application_utilization", METRIC_MOST },
    [LOAD_METRIC_RATE] = { "rps_fractional", METRIC_MOST },
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_byte(char c)
{
    char lower = ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || is_digit(c) || c == '_' || c == '.' || c == '-';
}

/* Blanks as in a field, and the ends of lines that a body may have. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice s)
{
    while (s.length > 0 && is_blank(s.at[0]))
        s = slice_from(s, 1);
    while (s.length > 0 && is_blank(s.at[s.length - 1]))
        s.length--;
    return s;
}

/* "12", "-3", "+06"; what is beyond EXPONENT_MAX counts as that. */
static bool parse_exponent(struct slice text, int64_t *exponent)
{
    bool is_negative = text.length > 0 && text.at[0] == '-';
    int64_t sum = 0;

    if (is_negative || (text.length > 0 && text.at[0] == '+'))
        text = slice_from(text, 1);
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.at[i]))
            return false;
        sum = sum * 10 + (text.at[i] - '0');
        if (sum > EXPONENT_MAX)
            sum = EXPONENT_MAX;
    }
    *exponent = is_negative ? -sum : sum;
    return true;
}

/*
 * The number that the digits of `text` (digits and at most one point) make, times ten to the
 * `exponent`, in millionths, rounded to the nearest. Only the digits before the place of the
 * millionths enter, so nothing is lost to a type's precision. False: above `most`.
 */
static bool scale(struct slice text, int64_t exponent, uint64_t most, uint64_t *millionths)
{
    int64_t whole = (int64_t)slice_find(text, '.');      // digits left of the point
    int64_t places = whole + exponent + FRACTION_DIGITS; // digits that enter
    uint64_t sum = 0;
    bool rounds_up = false;

    for (size_t i = 0; i < text.length && places >= 0; i++) {
        uint64_t digit = (uint64_t)(text.at[i] - '0');

        if (text.at[i] == '.')
            continue;
        if (places-- == 0) {
            rounds_up = digit >= 5;
            break;
        }
        sum = sum * 10 + digit;
        if (sum > most)
            return false;
    }
    for (; sum > 0 && places > 0; places--) {
        sum *= 10;
        if (sum > most)
            return false;
    }
    sum += rounds_up;
    if (sum > most)
        return false;
    *millionths = sum;
    return true;
}

/* As printers of doubles write it: "0.31", "120", ".5", "1e-06", "-0". */
static bool parse_number(struct slice text, uint64_t most, uint64_t *millionths)
{
    bool is_negative = text.length > 0 && text.at[0] == '-';
    size_t at = 0, digits = 0, points = 0;
    int64_t exponent = 0;

    if (is_negative)
        text = slice_from(text, 1);
    for (; at < text.length && (is_digit(text.at[at]) || text.at[at] == '.'); at++) {
        if (is_negative && text.at[at] > '0')
            return false;
        digits += is_digit(text.at[at]);
        points += text.at[at] == '.';
    }
    if (digits == 0 || points > 1)
        return false;
    if (at < text.length && ascii_lower(text.at[at]) != 'e')
        return false;
    if (at < text.length && !parse_exponent(slice_from(text, at + 1), &exponent))
        return false;
    return scale(slice_head(text, at), exponent, most, millionths);
}

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.length; i++)
        if (!is_name_byte(name.at[i]))
            return false;
    return name.length > 0;
}

/* One "name=value". A name that is said twice contradicts itself. */
static bool learn(struct slice member, struct load_metrics *metrics)
{
    size_t equals = slice_find(member, '=');
    struct slice name = trim(slice_head(member, equals));
    struct slice value = trim(slice_from(member, equals + 1));

    if (equals == member.length || !is_name(name))
        return false;
    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++) {
        if (!slice_equal(name, slice_text(METRICS[i].name)))
            continue;
        if (metrics->is_known[i] ||
            !parse_number(value, METRICS[i].most_millionths, &metrics->millionths[i]))
            return false;
        metrics->is_known[i] = true;
    }
    return true;
}

/* False also where nothing at all is said. */
static bool learn_all(struct slice text, struct load_metrics *metrics)
{
    struct slice member;
    bool has_any = false;

    while (slice_cut(&text, ',', &member)) {
        member = trim(member);
        if (member.length == 0)
            continue;
        if (!learn(member, metrics))
            return false;
        has_any = true;
    }
    return has_any;
}

bool load_metrics_parse(struct slice text, struct load_metrics *metrics)
{
    struct load_metrics found = { 0 };

    *metrics = found;
    text = trim(text);
    if (slice_starts(text, PREFIX))
        text = slice_from(text, PREFIX.length);
    if (!learn_all(text, &found))
        return false;
    *metrics = found;
    return true;
}

/* Without zeros at the end: "0.31", "120". */
static void write_millionths(struct writer *w, uint64_t millionths)
{
    uint64_t fraction = millionths % MILLION;
    char digits[FRACTION_DIGITS];
    size_t count = FRACTION_DIGITS;

    for (size_t i = FRACTION_DIGITS; i > 0; fraction /= 10)
        digits[--i] = (char)('0' + fraction % 10);
    while (count > 0 && digits[count - 1] == '0')
        count--;
    write_number(w, (int64_t)(millionths / MILLION));
    if (count > 0)
        write_slice(w, SLICE("."));
    write_slice(w, slice_of(digits, count));
}

size_t load_metrics_write(const struct load_metrics *metrics, char text[LOAD_METRICS_TEXT_MAX])
{
    struct writer w = writer_on(text, LOAD_METRICS_TEXT_MAX - 1);
    bool is_first = true;

    write_slice(&w, PREFIX);
    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++) {
        if (!metrics->is_known[i])
            continue;
        write_slice(&w, is_first ? SLICE_NONE : SLICE(","));
        write_slice(&w, slice_text(METRICS[i].name));
        write_slice(&w, SLICE("="));
        write_millionths(&w, metrics->millionths[i]);
        is_first = false;
    }
    text[w.length] = 0;
    return w.length;
}
