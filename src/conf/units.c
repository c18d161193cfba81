// SPDX-License-Identifier: Apache-2.0
#include "conf/units.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/attr.h"

enum { DIGITS_MAX = 18 }; // what always fits into 63 bits

struct unit {
    const char *name;
    uint64_t factor; // of the smallest unit
};

/* `digits` divided by ten to the power of `decimals`. */
struct number {
    uint64_t digits;
    unsigned decimals;
};

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes a decimal number off the front of *text. */
static enum err number_cut(struct slice *text, struct number *number)
{
    struct number found = { 0 };
    size_t at = 0, digit_count = 0;
    bool has_point = false;

    for (; at < text->length; at++) {
        char c = text->at[at];

        if (c == '.' && !has_point && digit_count > 0) {
            has_point = true;
        } else if (is_digit(c)) {
            if (++digit_count > DIGITS_MAX)
                return ERR_RANGE;
            found.digits = found.digits * 10 + (uint64_t)(c - '0');
            found.decimals += has_point;
        } else {
            break;
        }
    }
    if (digit_count == 0 || (has_point && found.decimals == 0))
        return ERR_PARSE;
    *text = slice_from(*text, at);
    *number = found;
    return ERR_NONE;
}

/* number times factor, when that is a whole number of at most INT64_MAX. */
static enum err scale(struct number number, uint64_t factor, uint64_t *whole)
{
    uint64_t product;

    // Trailing zeros of either side first, so that a long but plain number does not overflow.
    for (; number.decimals > 0 && number.digits % 10 == 0; number.decimals--)
        number.digits /= 10;
    for (; number.decimals > 0 && factor % 10 == 0; number.decimals--)
        factor /= 10;
    uint64_t divisor = power_of_ten(number.decimals);

    if (__builtin_mul_overflow(number.digits, factor, &product) || product % divisor != 0 ||
        product / divisor > INT64_MAX)
        return ERR_RANGE;
    *whole = product / divisor;
    return ERR_NONE;
}

static enum err with_unit(
    struct slice text, const struct unit *units, size_t count, uint64_t *whole)
{
    struct number number;

    TRY(number_cut(&text, &number));
    text = slice_trim(text);
    for (size_t i = 0; i < count; i++)
        if (slice_equal(text, slice_text(units[i].name)))
            return scale(number, units[i].factor, whole);
    return ERR_PARSE;
}

enum err units_duration(struct slice text, struct span *span)
{
    static const struct unit UNITS[] = {
        { "us", 1000 },
        { "ms", 1000000 },
        { "s", UINT64_C(1000000000) },
        { "m", UINT64_C(60) * 1000000000 },
        { "h", UINT64_C(3600) * 1000000000 },
        { "d", UINT64_C(86400) * 1000000000 },
    };
    uint64_t whole;

    TRY(with_unit(text, UNITS, COUNT_OF(UNITS), &whole));
    span->ns = (int64_t)whole;
    return ERR_NONE;
}

enum err units_size(struct slice text, uint64_t *bytes)
{
    static const struct unit UNITS[] = {
        { "B", 1 },
        { "kB", 1000 },
        { "MB", 1000000 },
        { "GB", UINT64_C(1000000000) },
        { "TB", UINT64_C(1000000000000) },
        { "KiB", UINT64_C(1) << 10 },
        { "MiB", UINT64_C(1) << 20 },
        { "GiB", UINT64_C(1) << 30 },
        { "TiB", UINT64_C(1) << 40 },
    };

    return with_unit(text, UNITS, COUNT_OF(UNITS), bytes);
}

enum err units_bit_rate(struct slice text, uint64_t *bits_per_s)
{
    static const struct unit UNITS[] = {
        { "bit/s", 1 },
        { "kbit/s", 1000 },
        { "Mbit/s", 1000000 },
        { "Gbit/s", UINT64_C(1000000000) },
        { "Tbit/s", UINT64_C(1000000000000) },
    };

    return with_unit(text, UNITS, COUNT_OF(UNITS), bits_per_s);
}

static double number_double(struct number number)
{
    return (double)number.digits / (double)power_of_ten(number.decimals);
}

enum err units_request_rate(struct slice text, double *requests_per_s)
{
    struct number number;

    TRY(number_cut(&text, &number));
    if (!slice_equal(slice_trim(text), SLICE("req/s")))
        return ERR_PARSE;
    *requests_per_s = number_double(number);
    return ERR_NONE;
}

enum err units_decimal(struct slice text, double *number)
{
    bool is_negative = text.length > 0 && text.at[0] == '-';
    struct number found;

    text = slice_from(text, is_negative);
    TRY(number_cut(&text, &found));
    if (text.length > 0)
        return ERR_PARSE;
    *number = is_negative ? -number_double(found) : number_double(found);
    return ERR_NONE;
}

enum err units_money(struct slice text, int64_t *microcents)
{
    struct number number;
    uint64_t whole;

    TRY(number_cut(&text, &number));
    if (text.length > 0)
        return ERR_PARSE;
    TRY(scale(number, UINT64_C(100000000), &whole));
    *microcents = (int64_t)whole;
    return ERR_NONE;
}

const char *units_money_text(int64_t microcents, char text[UNITS_MONEY_MAX])
{
    assert(microcents >= 0);
    uint64_t whole = (uint64_t)microcents / 100000000;
    uint32_t part = (uint32_t)((uint64_t)microcents % 100000000);
    int decimals = 8;

    for (; decimals > 2 && part % 10 == 0; decimals--)
        part /= 10;
    snprintf(text, UNITS_MONEY_MAX, "%" PRIu64 ".%0*" PRIu32, whole, decimals, part);
    return text;
}

static bool is_letter_or_digit(char c)
{
    return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* RFC 1123 §2.1, and the underscore that service names use. */
static bool is_label(struct slice label)
{
    if (label.length == 0 || label.length > 63 || label.at[0] == '-' ||
        label.at[label.length - 1] == '-')
        return false;
    for (size_t i = 0; i < label.length; i++)
        if (!is_letter_or_digit(label.at[i]) && label.at[i] != '-' && label.at[i] != '_')
            return false;
    return true;
}

static bool is_digits(struct slice s)
{
    for (size_t i = 0; i < s.length; i++)
        if (!is_digit(s.at[i]))
            return false;
    return true;
}

enum err units_host(struct slice text, char host[UNITS_HOST_MAX + 1], size_t *length)
{
    struct slice label = SLICE_NONE;

    if (text.length > 0 && text.at[text.length - 1] == '.')
        text.length--;
    if (text.length == 0)
        return ERR_PARSE;
    if (text.length > UNITS_HOST_MAX)
        return ERR_RANGE;
    for (struct slice rest = text; slice_cut(&rest, '.', &label);)
        if (!is_label(label))
            return ERR_PARSE;
    if (is_digits(label))
        return ERR_PARSE; // no top-level domain is a number: this is an address, or half of one
    for (size_t i = 0; i < text.length; i++)
        host[i] = ascii_lower(text.at[i]);
    host[text.length] = '\0';
    *length = text.length;
    return ERR_NONE;
}

bool units_is_name(struct slice text)
{
    if (text.length == 0 || text.length > UNITS_NAME_MAX || !is_letter_or_digit(text.at[0]))
        return false;
    for (size_t i = 1; i < text.length; i++) {
        char c = text.at[i];

        if (!is_letter_or_digit(c) && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}
