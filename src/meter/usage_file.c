// SPDX-License-Identifier: Apache-2.0
#include "meter/usage_file.h"

#include <assert.h>

#include "base/hash.h"

static const char MARK[8] = "wpusage";
static const uint64_t SEED = UINT64_C(0x7770757361676531); // so that zeros are not their own hash

static uint64_t header_hash(const struct usage_file_header *header)
{
    return hash_bytes(slice_of(header, offsetof(struct usage_file_header, check)), SEED);
}

void usage_file_header_write(
    struct usage_file_header *header, uint64_t boot, struct wall begin, unsigned workers)
{
    memcpy(header->mark, MARK, sizeof MARK);
    header->version = USAGE_FILE_VERSION;
    header->kinds = USAGE_KIND_COUNT;
    header->workers = workers;
    header->unused = 0;
    header->boot = boot;
    header->begin_ms = begin.ms;
    header->check = header_hash(header);
    atomic_store(&header->slots, 0);
    atomic_store(&header->seen_ms, begin.ms);
}

bool usage_file_header_is_ours(const struct usage_file_header *header)
{
    return memcmp(header->mark, MARK, sizeof MARK) == 0 && header->check == header_hash(header) &&
           header->version == USAGE_FILE_VERSION && header->kinds <= USAGE_KIND_COUNT &&
           header->workers > 0 && header->workers <= USAGE_WORKERS_MAX && header->begin_ms >= 0 &&
           header->begin_ms <= USAGE_WALL_MAX.ms;
}

uint64_t usage_names_hash(struct slice customer, struct slice site)
{
    uint64_t hash = hash_bytes(site, hash_bytes(customer, SEED));

    return hash == 0 ? 1 : hash;
}

static bool is_plain(struct slice text)
{
    return text.length <= USAGE_NAME_MAX && !slice_has_control(text);
}

bool usage_names_are_sane(struct slice customer, struct slice site)
{
    return (customer.length == 0) == (site.length == 0) && is_plain(customer) && is_plain(site) &&
           customer.length + site.length <= USAGE_SLOT_NAMES_MAX;
}

void usage_names_write(struct usage_names *names, struct slice customer, struct slice site)
{
    assert(usage_names_are_sane(customer, site));
    names->customer_length = (uint8_t)customer.length;
    names->site_length = (uint8_t)site.length;
    if (customer.length > 0) {
        memcpy(names->text, customer.at, customer.length);
        memcpy(names->text + customer.length, site.at, site.length);
    }
    names->check = usage_names_hash(customer, site);
}

struct slice usage_names_customer(const struct usage_names *names)
{
    return slice_of(names->text, names->customer_length);
}

struct slice usage_names_site(const struct usage_names *names)
{
    return slice_of(names->text + names->customer_length, names->site_length);
}

bool usage_names_are_whole(const struct usage_names *names)
{
    if ((size_t)names->customer_length + names->site_length > USAGE_SLOT_NAMES_MAX)
        return false;
    struct slice customer = usage_names_customer(names), site = usage_names_site(names);

    return names->check == usage_names_hash(customer, site) && usage_names_are_sane(customer, site);
}

bool usage_lines_sum(struct usage_line *lines, unsigned workers, struct usage_totals *totals)
{
    *totals = (struct usage_totals){ 0 };
    for (unsigned worker = 0; worker < workers; worker++)
        for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
            uint64_t more = counter_read(&usage_line(lines, worker)->of[kind]);

            if (more > INT64_MAX - totals->of[kind])
                return false;
            totals->of[kind] += more;
        }
    return true;
}
