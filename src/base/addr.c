// SPDX-License-Identifier: Apache-2.0
#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

struct ip ip_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct ip){ .family = IP_V4, .bytes = { a, b, c, d } };
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

uint64_t ip_client(const struct ip *ip)
{
    uint64_t client = ip->family == IP_V4 ? 1 : 0;
    size_t size = ip->family == IP_V4 ? 4 : 8;

    for (size_t i = 0; i < size; i++)
        client = client << 8 | ip->bytes[i];
    return client;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return ip_equal(&a->ip, &b->ip) && a->port == b->port;
}

bool ip_parse(struct slice text, struct ip *ip)
{
    char copy[IP_TEXT_MAX];
    struct ip parsed = { 0 };

    // A zero byte would end the copy early, and what follows it would go unread.
    if (text.length == 0 || text.length >= sizeof copy || slice_find(text, '\0') < text.length)
        return false;
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    if (inet_pton(AF_INET, copy, parsed.bytes) == 1)
        parsed.family = IP_V4;
    else if (inet_pton(AF_INET6, copy, parsed.bytes) == 1)
        parsed.family = IP_V6;
    else
        return false;
    *ip = parsed;
    return true;
}

static bool port_parse(struct slice text, uint16_t *port)
{
    uint64_t number;

    if (!slice_number(text, UINT16_MAX, &number) || number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

/* "[address]" and an optional ":port". */
static bool bracketed_parse(struct slice text, struct endpoint *endpoint)
{
    size_t close = slice_find(text, ']');

    if (close == text.length || !ip_parse(slice_from(slice_head(text, close), 1), &endpoint->ip))
        return false;
    struct slice rest = slice_from(text, close + 1);

    if (rest.length > 0 && (rest.at[0] != ':' || !port_parse(slice_from(rest, 1), &endpoint->port)))
        return false;
    return endpoint->ip.family == IP_V6;
}

bool endpoint_parse(struct slice text, uint16_t port, struct endpoint *endpoint)
{
    struct endpoint parsed = { .port = port };

    if (text.length > 0 && text.at[0] == '[') {
        if (!bracketed_parse(text, &parsed))
            return false;
    } else if (!ip_parse(text, &parsed.ip)) {
        // Not an address alone; so the only colon there can be is the one before the port.
        size_t colon = slice_find(text, ':');

        if (!ip_parse(slice_head(text, colon), &parsed.ip) ||
            !port_parse(slice_from(text, colon + 1), &parsed.port))
            return false;
    }
    if (parsed.port == 0)
        return false;
    *endpoint = parsed;
    return true;
}

bool prefix_parse(struct slice text, struct prefix *prefix)
{
    size_t slash = slice_find(text, '/');
    struct ip ip;
    uint64_t length;

    if (!ip_parse(slice_head(text, slash), &ip))
        return false;
    if (slash == text.length)
        length = ip_size(&ip) * 8;
    else if (!slice_number(slice_from(text, slash + 1), ip_size(&ip) * 8, &length))
        return false;
    struct prefix parsed = prefix_of(&ip, (uint8_t)length);

    if (!ip_equal(&parsed.ip, &ip))
        return false;
    *prefix = parsed;
    return true;
}

const char *ip_text(const struct ip *ip, char *text)
{
    int family = ip->family == IP_V4 ? AF_INET : AF_INET6;

    if (ip->family == IP_NONE || inet_ntop(family, ip->bytes, text, IP_TEXT_MAX) == NULL)
        snprintf(text, IP_TEXT_MAX, "none");
    return text;
}

const char *endpoint_text(const struct endpoint *endpoint, char *text)
{
    char ip[IP_TEXT_MAX];

    ip_text(&endpoint->ip, ip);
    snprintf(text, ENDPOINT_TEXT_MAX, endpoint->ip.family == IP_V6 ? "[%s]:%u" : "%s:%u", ip,
        (unsigned)endpoint->port);
    return text;
}

struct prefix prefix_of(const struct ip *ip, uint8_t length)
{
    struct prefix prefix = { .ip = *ip, .length = length };

    assert(length <= ip_size(ip) * 8);
    for (size_t i = 0; i < sizeof prefix.ip.bytes; i++) {
        size_t bits = i * 8 >= length ? 0 : length - i * 8;

        if (bits < 8)
            prefix.ip.bytes[i] &= (uint8_t)(0xff00u >> bits);
    }
    return prefix;
}

bool prefix_holds(const struct prefix *prefix, const struct ip *ip)
{
    if (prefix->ip.family != ip->family)
        return false;
    struct prefix same = prefix_of(ip, prefix->length);

    return ip_equal(&same.ip, &prefix->ip);
}

/* The address that a router on the way would make of this one; itself for nearly all. */
static struct ip address_meant(const struct ip *ip)
{
    static const uint8_t MAPPED[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t TRANSLATED[12] = { 0x00, 0x64, 0xff, 0x9b }; // RFC 6052 §2.1

    if (ip->family == IP_V6 && (memcmp(ip->bytes, MAPPED, sizeof MAPPED) == 0 ||
                                   memcmp(ip->bytes, TRANSLATED, sizeof TRANSLATED) == 0))
        return ip_v4(ip->bytes[12], ip->bytes[13], ip->bytes[14], ip->bytes[15]);
    return *ip;
}

bool ip_is_private(const struct ip *ip)
{
    static const char *const PRIVATE[] = { "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10",
        "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3", "::/96",
        "64:ff9b:1::/48", "fc00::/7", "fe80::/9", "ff00::/8" };
    struct ip meant = address_meant(ip);

    for (size_t i = 0; i < COUNT_OF(PRIVATE); i++) {
        struct prefix prefix;

        if (prefix_parse(slice_text(PRIVATE[i]), &prefix) && prefix_holds(&prefix, &meant))
            return true;
    }
    return false;
}
