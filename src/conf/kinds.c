// SPDX-License-Identifier: Apache-2.0
#include "conf/kinds.h"

#include <assert.h>

#include "base/addr.h"
#include "base/attr.h"
#include "conf/network.h"
#include "conf/units.h"

enum { TEXT_MAX = 1024 };

/* Text goes into paths, log lines and pages: control bytes have no business in it. */
static bool is_clean(struct slice text)
{
    return text.length > 0 && text.length <= TEXT_MAX && !slice_has_control(text);
}

static enum err read_text(struct arena *, struct slice text, void *field)
{
    if (!is_clean(text))
        return ERR_PARSE;
    *(struct slice *)field = text;
    return ERR_NONE;
}

static enum err read_hash(struct arena *, struct slice text, void *field)
{
    struct slice digits = slice_from(text, strlen("sha256:"));
    unsigned char hash[TOKEN_HASH_SIZE] = { 0 };

    if (!slice_starts(text, SLICE("sha256:")) || digits.length != 2 * sizeof hash)
        return ERR_PARSE;
    for (size_t i = 0; i < digits.length; i++) {
        int digit = ascii_hex(digits.at[i]);

        if (digit < 0)
            return ERR_PARSE;
        hash[i / 2] = (unsigned char)(hash[i / 2] << 4 | digit);
    }
    memcpy(field, hash, sizeof hash);
    return ERR_NONE;
}

static enum err read_name(struct arena *, struct slice text, void *field)
{
    if (!units_is_name(text))
        return ERR_PARSE;
    *(struct slice *)field = text;
    return ERR_NONE;
}

static enum err read_host(struct arena *arena, struct slice text, void *field)
{
    char host[UNITS_HOST_MAX + 1];
    size_t length;

    TRY(units_host(text, host, &length));
    *(struct slice *)field = arena_copy(arena, slice_of(host, length));
    return ERR_NONE;
}

static enum err read_mailbox(struct arena *, struct slice text, void *field)
{
    char host[UNITS_HOST_MAX + 1];
    size_t length, at = slice_find(text, '@');

    if (at == 0 || !is_clean(text) || slice_find(text, ' ') < text.length)
        return ERR_PARSE;
    TRY(units_host(slice_from(text, at + 1), host, &length));
    *(struct slice *)field = text;
    return ERR_NONE;
}

static enum err read_path(struct arena *arena, struct slice text, void *field)
{
    if (text.length == 0 || text.at[0] != '/' || slice_find(text, ' ') < text.length)
        return ERR_PARSE;
    return read_text(arena, text, field);
}

static enum err read_path_or_none(struct arena *arena, struct slice text, void *field)
{
    if (text.length > 0)
        return read_path(arena, text, field);
    *(struct slice *)field = SLICE_NONE;
    return ERR_NONE;
}

/* Patterns are held against the path alone, so a question mark could never match. */
static enum err read_pattern(struct arena *arena, struct slice text, void *field)
{
    if (text.length == 0 || (text.at[0] != '/' && text.at[0] != '*') ||
        slice_find(text, ' ') < text.length || slice_find(text, '?') < text.length ||
        slice_find(text, '#') < text.length)
        return ERR_PARSE;
    return read_text(arena, text, field);
}

static enum err read_bus(struct arena *arena, struct slice text, void *field)
{
    struct slice rest = slice_from(text, strlen("nats://")), part;
    struct endpoint endpoint;
    size_t count = 0;

    if (slice_equal(text, SLICE("local")))
        return read_text(arena, text, field);
    if (!slice_starts(text, SLICE("nats://")))
        return ERR_PARSE;
    for (; slice_cut(&rest, ',', &part); count++)
        if (!endpoint_parse(part, 0, &endpoint))
            return ERR_PARSE;
    return count == 0 || count > KIND_BUS_SERVERS_MAX ? ERR_PARSE : read_text(arena, text, field);
}

static enum err read_currency(struct arena *, struct slice text, void *field)
{
    if (text.length != 3)
        return ERR_PARSE;
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < 'A' || text.at[i] > 'Z')
            return ERR_PARSE;
    *(struct slice *)field = text;
    return ERR_NONE;
}

static enum err read_address(struct arena *, struct slice text, void *field)
{
    return ip_parse(text, field) ? ERR_NONE : ERR_PARSE;
}

static enum err read_endpoint(struct arena *, struct slice text, void *field)
{
    return endpoint_parse(text, 0, field) ? ERR_NONE : ERR_PARSE;
}

static enum err read_port(struct arena *, struct slice text, void *field)
{
    uint64_t port = 0;

    if (!slice_equal(text, SLICE("off")) && (!slice_number(text, UINT16_MAX, &port) || port == 0))
        return ERR_PARSE;
    *(uint16_t *)field = (uint16_t)port;
    return ERR_NONE;
}

static enum err read_duration(struct arena *, struct slice text, void *field)
{
    return units_duration(text, field);
}

static enum err read_size(struct arena *, struct slice text, void *field)
{
    return units_size(text, field);
}

static enum err read_bit_rate(struct arena *, struct slice text, void *field)
{
    return units_bit_rate(text, field);
}

static enum err read_request_rate(struct arena *, struct slice text, void *field)
{
    return units_request_rate(text, field);
}

static enum err read_count(struct arena *, struct slice text, void *field)
{
    return slice_number(text, INT64_MAX, field) ? ERR_NONE : ERR_PARSE;
}

static enum err read_money(struct arena *, struct slice text, void *field)
{
    return units_money(text, field);
}

static enum err read_yes_no(struct arena *, struct slice text, void *field)
{
    bool is_yes = slice_equal(text, SLICE("yes")) || slice_equal(text, SLICE("true"));

    if (!is_yes && !slice_equal(text, SLICE("no")) && !slice_equal(text, SLICE("false")))
        return ERR_PARSE;
    *(bool *)field = is_yes;
    return ERR_NONE;
}

static double measure_span(const void *field)
{
    return (double)((const struct span *)field)->ns;
}

static double measure_uint64(const void *field)
{
    return (double)*(const uint64_t *)field;
}

static double measure_double(const void *field)
{
    return *(const double *)field;
}

static double measure_money(const void *field)
{
    return (double)*(const int64_t *)field;
}

#define NUMBER "[0-9]+(\\.[0-9]+)?"
#define HOST \
    "[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\\.?"

static const struct kind kinds[] = {
    [KIND_TEXT] = { "text", "text without control characters, not empty", NULL, false,
        sizeof(struct slice), read_text, NULL },
    [KIND_SECRET] = { "secret text", "text without control characters, not empty", NULL, false,
        sizeof(struct slice), read_text, NULL },
    [KIND_HASH] = { "hash of a token",
        "sha256: and 64 hexadecimal digits, as `waypost token` prints", "^sha256:[0-9A-Fa-f]{64}$",
        false, TOKEN_HASH_SIZE, read_hash, NULL },
    [KIND_NAME] = { "name", "a name of letters, digits, - _ and dots, at most 63, such as fra1",
        "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", false, sizeof(struct slice), read_name, NULL },
    [KIND_HOST] = { "host name",
        "a host name in ASCII (xn-- for others), such as www.acme.example; an address is none",
        "^" HOST "$", false, sizeof(struct slice), read_host, NULL },
    [KIND_MAILBOX] = { "mail address", "a mail address, such as hostmaster@example.net",
        "^[^@ ]+@" HOST "$", false, sizeof(struct slice), read_mailbox, NULL },
    [KIND_PATH] = { "path", "a path that begins with a slash, such as /health", "^/[^ ]*$", false,
        sizeof(struct slice), read_path, NULL },
    [KIND_PATH_OR_NONE] = { "path, or nothing",
        "a path that begins with a slash, such as /probe.txt, or nothing", "^(/[^ ]*)?$", false,
        sizeof(struct slice), read_path_or_none, NULL },
    [KIND_PATTERN] = { "path pattern",
        "a path pattern that begins with / or *, without blanks, ? and #, such as /img/*",
        "^[/*][^ ?#]*$", false, sizeof(struct slice), read_pattern, NULL },
    [KIND_BUS] = { "bus", "local, or addresses such as nats://10.0.0.5:4222,10.0.0.6:4222",
        "^(local|nats://.+)$", false, sizeof(struct slice), read_bus, NULL },
    [KIND_CURRENCY] = { "currency", "a currency's three letters, such as EUR", "^[A-Z]{3}$", false,
        sizeof(struct slice), read_currency, NULL },
    [KIND_ADDRESS] = { "address", "a literal address, such as 192.0.2.10 or \"2001:db8::10\"",
        "^[0-9A-Fa-f.:]+$", false, sizeof(struct ip), read_address, NULL },
    [KIND_ENDPOINT] = { "address and port",
        "a literal address with its port, such as 198.51.100.7:80 or \"[2001:db8::7]:80\"",
        "^([0-9.]+|\\[[0-9A-Fa-f.:]+\\]):[0-9]{1,5}$", false, sizeof(struct endpoint),
        read_endpoint, NULL },
    [KIND_PORT] = { "port", "a port from 1 to 65535, or off", "^([0-9]{1,5}|off)$", true,
        sizeof(uint16_t), read_port, NULL },
    [KIND_DURATION] = { "duration",
        "a duration with its unit (us, ms, s, m, h, d), such as 20s or 500ms",
        "^" NUMBER " *(us|ms|s|m|h|d)$", false, sizeof(struct span), read_duration, measure_span },
    [KIND_SIZE] = { "size",
        "a size with its unit (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB), such as 4 GiB",
        "^" NUMBER " *([kMGT]?B|[KMGT]iB)$", false, sizeof(uint64_t), read_size, measure_uint64 },
    [KIND_BIT_RATE] = { "bit rate",
        "a bit rate with its unit (bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s), such as 10 Gbit/s",
        "^" NUMBER " *[kMGT]?bit/s$", false, sizeof(uint64_t), read_bit_rate, measure_uint64 },
    [KIND_REQUEST_RATE] = { "request rate", "a request rate with its unit, such as 500 req/s",
        "^" NUMBER " *req/s$", false, sizeof(double), read_request_rate, measure_double },
    [KIND_COUNT] = { "number", "a whole number, such as 200", "^[0-9]+$", true, sizeof(uint64_t),
        read_count, measure_uint64 },
    [KIND_LOCATION] = { "location",
        "a list of latitude and longitude in degrees, such as [50.11, 8.68]", NULL, false,
        sizeof(struct location), NULL, NULL },
    [KIND_MONEY] = { "money", "an amount with at most eight decimals and no sign, such as 0.020",
        "^" NUMBER "$", true, sizeof(int64_t), read_money, measure_money },
    [KIND_YES_NO] = { "yes or no", "yes or no", "^(yes|no|true|false)$", true, sizeof(bool),
        read_yes_no, NULL },
    [KIND_WORD] = { "one of", "one of a few words", NULL, false, sizeof(unsigned), NULL, NULL },
    [KIND_SECTION] = { "section", "a section: lines of `key: value`", NULL, false, 0, NULL, NULL },
};

static_assert(COUNT_OF(kinds) == SCHEMA_KIND_COUNT, "each kind has its row");

const struct kind *kind_of(enum schema_kind kind)
{
    assert(kind < SCHEMA_KIND_COUNT);
    return &kinds[kind];
}
