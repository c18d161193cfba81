// SPDX-License-Identifier: Apache-2.0
#include "wire/digest.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

enum { VERSION = 1, MARK_SIZE = 4, COUNT_AT = DIGEST_HEADER_SIZE - 4 };

static const char MARK[MARK_SIZE] = { 'w', 'p', 'd', VERSION };

void digest_begin(struct digest_writer *writer, char *out, size_t room, const struct digest *head)
{
    assert(room >= DIGEST_HEADER_SIZE && head->at.ms >= 0);
    *writer = (struct digest_writer){
        .out = out, .room = room, .used = DIGEST_HEADER_SIZE, .at = head->at
    };
    memcpy(out, MARK, MARK_SIZE);
    out = number_put(out + MARK_SIZE, head->observer, 8);
    out = number_put(out, head->boot, 8);
    out = number_put(out, head->sequence, 8);
    number_put(out, (uint64_t)head->at.ms, 8);
}

static uint32_t age_of(const struct report *report, struct wall at)
{
    if (report->at.ms >= at.ms)
        return 0;
    return at.ms - report->at.ms > UINT32_MAX ? UINT32_MAX : (uint32_t)(at.ms - report->at.ms);
}

bool digest_add(struct digest_writer *writer, const struct report *report)
{
    assert(report_is_sane(report));
    if (writer->count == DIGEST_REPORTS_MAX || writer->room - writer->used < DIGEST_REPORT_SIZE)
        return false;
    char *out = writer->out + writer->used;

    out = number_put(out, report->check, 8);
    out = number_put(out, (uint64_t)report->kind, 1);
    out = number_put(out, (uint64_t)report->value, 8);
    out = number_put(out, (uint64_t)report->spread, 8);
    out = number_put(out, report->evidence, 4);
    number_put(out, age_of(report, writer->at), 4);
    writer->used += DIGEST_REPORT_SIZE;
    writer->count++;
    return true;
}

struct slice digest_end(struct digest_writer *writer)
{
    number_put(writer->out + COUNT_AT, writer->count, 4);
    return slice_of(writer->out, writer->used);
}

bool digest_parse(struct slice bytes, struct digest *digest)
{
    if (bytes.length < DIGEST_HEADER_SIZE || memcmp(bytes.at, MARK, MARK_SIZE) != 0)
        return false;
    const char *in = bytes.at + MARK_SIZE;
    struct digest read = { .reports = slice_from(bytes, DIGEST_HEADER_SIZE) };

    read.observer = number_get(&in, 8);
    read.boot = number_get(&in, 8);
    read.sequence = number_get(&in, 8);
    uint64_t at_ms = number_get(&in, 8);

    read.count = (size_t)number_get(&in, 4);
    if (at_ms > INT64_MAX || read.count > DIGEST_REPORTS_MAX ||
        read.reports.length != read.count * DIGEST_REPORT_SIZE)
        return false;
    read.at.ms = (int64_t)at_ms;
    *digest = read;
    return true;
}

bool digest_next(const struct digest *digest, size_t *at, struct report *report)
{
    for (; *at < digest->count; ++*at) {
        const char *in = digest->reports.at + *at * DIGEST_REPORT_SIZE;
        struct report read = { .observer = digest->observer };

        read.check = number_get(&in, 8);
        uint64_t kind = number_get(&in, 1);

        if (kind >= REPORT_KIND_COUNT)
            continue;
        read.kind = (enum report_kind)kind;
        read.value = (int64_t)number_get(&in, 8);
        read.spread = (int64_t)number_get(&in, 8);
        read.evidence = (uint32_t)number_get(&in, 4);
        read.at.ms = digest->at.ms - (int64_t)number_get(&in, 4);
        *report = read;
        ++*at;
        return true;
    }
    return false;
}
