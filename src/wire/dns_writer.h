// SPDX-License-Identifier: Apache-2.0
#pragma once

/* DNS messages written: header, question, records, OPT. Names are not compressed. */

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/dns_message.h"
#include "wire/dns_name.h"

/*
 * Appends to a buffer. What does not fit is left out as a whole and remembered in is_full, which
 * is asked once at the end.
 */
struct dns_writer {
    char *out;
    size_t used, room;
    bool is_full;
};

static inline void dns_u16_put(char *at, uint16_t value)
{
    at[0] = (char)(value >> 8);
    at[1] = (char)value;
}

static inline void dns_u32_put(char *at, uint32_t value)
{
    dns_u16_put(at, (uint16_t)(value >> 16));
    dns_u16_put(at + 2, (uint16_t)value);
}

struct dns_header {
    uint16_t id, flags; // flags with opcode and the lower bits of the rcode
    uint16_t question_count, answer_count, authority_count, additional_count;
};

/* Writes DNS_HEADER_SIZE octets. */
void dns_header_put(char *out, const struct dns_header *header);

void dns_write_bytes(struct dns_writer *w, struct slice bytes);
void dns_write_u16(struct dns_writer *w, uint16_t value);
void dns_write_u32(struct dns_writer *w, uint32_t value);
void dns_write_name(struct dns_writer *w, const struct dns_name *name); // not compressed

void dns_write_question(
    struct dns_writer *w, const struct dns_name *name, uint16_t type, uint16_t class);

/* Class IN; `data` is at most 65535 octets. */
void dns_write_record(struct dns_writer *w, const struct dns_name *owner, uint16_t type,
    uint32_t ttl, struct slice data);

/*
 * OPT with what `edns` says; the rcode's upper bits go in. With `ecs` (NULL or not present: none)
 * the subnet option is added, with this scope.
 */
struct dns_opt {
    struct dns_edns edns;
    enum dns_rcode rcode;
    const struct dns_ecs *ecs;
    uint8_t scope_bits;
};

void dns_write_opt(struct dns_writer *w, const struct dns_opt *opt);

/* Octets that dns_write_opt takes. */
size_t dns_opt_size(const struct dns_ecs *ecs);
