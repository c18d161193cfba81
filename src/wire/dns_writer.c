// SPDX-License-Identifier: Apache-2.0
#include "wire/dns_writer.h"

#include <assert.h>

enum { OPTION_HEAD = 4, ECS_HEAD = 4, QUESTION_TAIL = 4 };

void dns_header_put(char *out, const struct dns_header *header)
{
    dns_u16_put(out, header->id);
    dns_u16_put(out + 2, header->flags);
    dns_u16_put(out + 4, header->question_count);
    dns_u16_put(out + 6, header->answer_count);
    dns_u16_put(out + 8, header->authority_count);
    dns_u16_put(out + 10, header->additional_count);
}

/* Room for `length` octets more, taken; NULL when there is none. */
static char *take(struct dns_writer *w, size_t length)
{
    if (w->is_full || length > w->room - w->used) {
        w->is_full = true;
        return NULL;
    }
    w->used += length;
    return w->out + w->used - length;
}

void dns_write_bytes(struct dns_writer *w, struct slice bytes)
{
    char *to = take(w, bytes.length);

    if (to != NULL && bytes.length > 0)
        memcpy(to, bytes.at, bytes.length);
}

void dns_write_u16(struct dns_writer *w, uint16_t value)
{
    char *to = take(w, 2);

    if (to != NULL)
        dns_u16_put(to, value);
}

void dns_write_u32(struct dns_writer *w, uint32_t value)
{
    char *to = take(w, 4);

    if (to != NULL)
        dns_u32_put(to, value);
}

void dns_write_name(struct dns_writer *w, const struct dns_name *name)
{
    dns_write_bytes(w, dns_name_wire(name));
}

void dns_write_question(
    struct dns_writer *w, const struct dns_name *name, uint16_t type, uint16_t class)
{
    char *to = take(w, (size_t)name->length + QUESTION_TAIL);

    if (to == NULL)
        return;
    memcpy(to, name->bytes, name->length);
    dns_u16_put(to + name->length, type);
    dns_u16_put(to + name->length + 2, class);
}

void dns_write_record(struct dns_writer *w, const struct dns_name *owner, uint16_t type,
    uint32_t ttl, struct slice data)
{
    assert(data.length <= UINT16_MAX);
    char *to = take(w, owner->length + DNS_RECORD_HEAD + data.length);

    if (to == NULL)
        return;
    memcpy(to, owner->bytes, owner->length);
    to += owner->length;
    dns_u16_put(to, type);
    dns_u16_put(to + 2, DNS_CLASS_IN);
    dns_u32_put(to + 4, ttl);
    dns_u16_put(to + 8, (uint16_t)data.length);
    if (data.length > 0)
        memcpy(to + DNS_RECORD_HEAD, data.at, data.length);
}

size_t dns_opt_size(const struct dns_ecs *ecs)
{
    if (ecs == NULL || !ecs->is_present)
        return DNS_OPT_SIZE;
    return DNS_OPT_SIZE + OPTION_HEAD + ECS_HEAD + dns_ecs_octets(ecs->source_bits);
}

void dns_write_opt(struct dns_writer *w, const struct dns_opt *opt)
{
    size_t size = dns_opt_size(opt->ecs);
    char *to = take(w, size);

    if (to == NULL)
        return;
    to[0] = 0;
    dns_u16_put(to + 1, DNS_TYPE_OPT);
    dns_u16_put(to + 3, opt->edns.payload);
    to[5] = (char)(opt->rcode >> 4);
    to[6] = (char)opt->edns.version;
    dns_u16_put(to + 7, opt->edns.is_dnssec_ok ? DNS_OPT_DO : 0);
    dns_u16_put(to + 9, (uint16_t)(size - DNS_OPT_SIZE));
    if (size == DNS_OPT_SIZE)
        return;

    uint8_t family = opt->ecs->address.family;
    size_t octets = dns_ecs_octets(opt->ecs->source_bits);

    to += DNS_OPT_SIZE;
    dns_u16_put(to, DNS_OPTION_ECS);
    dns_u16_put(to + 2, (uint16_t)(ECS_HEAD + octets));
    dns_u16_put(to + 4, family == IP_V4 ? 1 : family == IP_V6 ? 2 : 0);
    to[6] = (char)opt->ecs->source_bits;
    to[7] = (char)opt->scope_bits;
    memcpy(to + 8, opt->ecs->address.bytes, octets);
}
