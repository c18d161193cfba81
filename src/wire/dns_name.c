// SPDX-License-Identifier: Apache-2.0
#include "wire/dns_name.h"

#include <assert.h>
#include <endian.h>

enum { POINTER_BITS = 0xc0, WORD = 8 };

static const uint64_t STIR = UINT64_C(0x9e3779b97f4a7c15);

static unsigned octet(struct slice s, size_t at)
{
    return (unsigned char)s.at[at];
}

/* Sets bit 0x20 of each octet that is a capital letter, of eight at once. */
static uint64_t word_lower(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = word & (0x7f * ones);
    uint64_t over_z = low + (0x7f - 'Z') * ones;
    uint64_t from_a = low + (0x80 - 'A') * ones;

    return word | (((from_a ^ over_z) & ~word & (0x80 * ones)) >> 2);
}

static uint64_t word_stir(uint64_t hash, uint64_t word)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(hash ^ word) * STIR;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Little-endian, so that the octets of a short word lie in front of its zeros everywhere. */
static uint64_t word_at(const char *at)
{
    uint64_t word;

    memcpy(&word, at, WORD);
    return le64toh(word);
}

static void word_put(char *at, uint64_t word)
{
    word = htole64(word);
    memcpy(at, &word, WORD);
}

/* What is left of a name behind its whole words, 0 to 7 octets, with zeros behind. */
static uint64_t word_last(struct slice name)
{
    size_t left = name.length % WORD;
    const char *end = name.at + name.length;
    uint64_t word = 0;

    if (left == 0)
        return 0;
    if (name.length > WORD)
        return word_at(end - WORD) >> (64 - 8 * left);
    while (left-- > 0)
        word = word << 8 | (unsigned char)name.at[left];
    return word;
}

static uint64_t hash_start(uint64_t seed, size_t length)
{
    return seed ^ (length * STIR);
}

size_t dns_name_measure(struct slice message, size_t at, uint8_t *label_count)
{
    size_t end = at;
    uint8_t labels = 0;

    while (end < message.length && octet(message, end) != 0) {
        if (octet(message, end) > DNS_LABEL_MAX)
            return 0;
        end += octet(message, end) + 1;
        labels++;
        if (end - at >= DNS_NAME_MAX)
            return 0;
    }
    if (end >= message.length)
        return 0;
    *label_count = labels;
    return end + 1 - at;
}

uint64_t dns_name_lower(
    struct slice wire, uint8_t label_count, uint64_t seed, struct dns_name *name)
{
    assert(wire.length >= 1 && wire.length <= DNS_NAME_MAX);
    uint64_t hash = hash_start(seed, wire.length);
    size_t at = 0;

    for (; at + WORD <= wire.length; at += WORD) {
        uint64_t word = word_lower(word_at(wire.at + at));

        word_put(name->bytes + at, word);
        hash = word_stir(hash, word);
    }
    uint64_t last = word_lower(word_last(wire));

    word_put(name->bytes + at, last);
    name->length = (uint8_t)wire.length;
    name->label_count = label_count;
    return word_stir(hash, last);
}

uint64_t dns_name_hash(struct slice lower, uint64_t seed)
{
    uint64_t hash = hash_start(seed, lower.length);
    size_t at = 0;

    for (; at + WORD <= lower.length; at += WORD)
        hash = word_stir(hash, word_at(lower.at + at));
    return word_stir(hash, word_last(lower));
}

/* Adds a label or the root's zero octet; false when the name becomes too long. */
static bool name_add(struct dns_name *name, const char *label, size_t length)
{
    if (name->length + 1 + length + (length > 0) > DNS_NAME_MAX)
        return false;
    name->bytes[name->length] = (char)length;
    memcpy(name->bytes + name->length + 1, label, length);
    name->length = (uint8_t)(name->length + 1 + length);
    name->label_count = (uint8_t)(name->label_count + (length > 0));
    return true;
}

bool dns_name_read(struct slice message, size_t *at, struct dns_name *name)
{
    struct dns_name read = { 0 };
    size_t here = *at;
    size_t start = here; // where the run of labels that is read began
    size_t behind = 0;   // the first pointer; 0: none yet

    while (here < message.length) {
        unsigned length = octet(message, here);

        if (length >= POINTER_BITS) {
            if (here + 2 > message.length)
                return false;
            size_t to = (size_t)(length & 0x3f) << 8 | octet(message, here + 1);

            if (to >= start)
                return false;
            behind = behind == 0 ? here + 2 : behind;
            here = start = to;
            continue;
        }
        if (length > DNS_LABEL_MAX || length >= message.length - here)
            return false;
        if (!name_add(&read, message.at + here + 1, length))
            return false;
        here += length + 1;
        if (length == 0) {
            *at = behind == 0 ? here : behind;
            *name = read;
            return true;
        }
    }
    return false;
}

bool dns_name_skip(struct slice message, size_t *at)
{
    size_t here = *at;

    while (here < message.length) {
        unsigned length = octet(message, here);
        size_t step = length >= POINTER_BITS ? 2 : length + 1;

        if ((length > DNS_LABEL_MAX && length < POINTER_BITS) || step > message.length - here)
            return false;
        here += step;
        if (here - *at > DNS_NAME_MAX)
            return false;
        if (length == 0 || length >= POINTER_BITS) {
            *at = here;
            return true;
        }
    }
    return false;
}

/* One octet of text, escapes resolved; moves *at behind it. False when the escape is malformed. */
static bool text_octet(struct slice text, size_t *at, char *value)
{
    uint64_t number;

    if (text.at[*at] != '\\') {
        *value = text.at[(*at)++];
        return true;
    }
    if (*at + 1 >= text.length)
        return false;
    if (text.at[*at + 1] < '0' || text.at[*at + 1] > '9') {
        *value = text.at[*at + 1];
        *at += 2;
        return true;
    }
    struct slice digits = slice_head(slice_from(text, *at + 1), 3);

    if (digits.length < 3 || !slice_number(digits, UINT8_MAX, &number))
        return false;
    *value = (char)number;
    *at += 4;
    return true;
}

bool dns_name_parse(struct slice text, struct dns_name *name)
{
    struct dns_name parsed = { 0 };
    char label[DNS_LABEL_MAX];
    size_t at = 0, length = 0;

    if (slice_equal(text, SLICE("."))) {
        *name = (struct dns_name){ .length = 1 };
        return true;
    }
    while (at < text.length) {
        if (text.at[at] == '.') {
            if (length == 0 || !name_add(&parsed, label, length))
                return false;
            length = 0;
            at++;
            continue;
        }
        if (length == DNS_LABEL_MAX || !text_octet(text, &at, &label[length]))
            return false;
        length++;
    }
    if (length > 0 && !name_add(&parsed, label, length))
        return false;
    if (parsed.length == 0)
        return false;
    bool has_root = name_add(&parsed, "", 0);

    assert(has_root); // each label left room for it
    *name = parsed;
    return true;
}

static char *octet_text(unsigned char value, char *to)
{
    char lower = ascii_lower((char)value);

    if ((lower >= 'a' && lower <= 'z') || (value >= '0' && value <= '9') || value == '-' ||
        value == '_') {
        *to++ = (char)value;
        return to;
    }
    *to++ = '\\';
    *to++ = (char)('0' + value / 100);
    *to++ = (char)('0' + value / 10 % 10);
    *to++ = (char)('0' + value % 10);
    return to;
}

const char *dns_name_text(const struct dns_name *name, char *text)
{
    char *to = text;
    size_t at = 0;

    while (name->bytes[at] != 0) {
        size_t end = at + 1 + (unsigned char)name->bytes[at];

        if (at > 0)
            *to++ = '.';
        for (at++; at < end; at++)
            to = octet_text((unsigned char)name->bytes[at], to);
    }
    if (to == text)
        *to++ = '.';
    *to = '\0';
    return text;
}

bool dns_name_prepend(struct dns_name *name, struct slice label)
{
    struct dns_name longer = { 0 };

    if (label.length == 0 || label.length > DNS_LABEL_MAX)
        return false;
    bool is_added = name_add(&longer, label.at, label.length);

    assert(is_added); // any one label fits
    longer.bytes[longer.length++] = 0;
    if (!dns_name_append(&longer, name))
        return false;
    *name = longer;
    return true;
}

bool dns_name_append(struct dns_name *name, const struct dns_name *zone)
{
    if (name->length - 1 + zone->length > DNS_NAME_MAX)
        return false;
    memcpy(name->bytes + name->length - 1, zone->bytes, zone->length);
    name->length = (uint8_t)(name->length - 1 + zone->length);
    name->label_count = (uint8_t)(name->label_count + zone->label_count);
    return true;
}

bool dns_name_lies_in(struct slice name, struct slice zone)
{
    while (name.length > zone.length)
        name = dns_name_parent(name);
    return slice_equal(name, zone);
}
