// SPDX-License-Identifier: Apache-2.0
#include "wire/settle.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

enum { VERSION = 1, MARK_SIZE = 4, HEAD_SIZE = MARK_SIZE + 2 };

static const char MARK[MARK_SIZE] = { 'w', 'p', 's', VERSION };

static_assert((int)SETTLE_HEAD_MAX == HEAD_SIZE + (int)USAGE_NAME_MAX, "the longest name fits");

struct slice settle_write(const struct settle *settle, char *room)
{
    assert(settle->to.length > 0 && settle->to.length <= USAGE_NAME_MAX);
    char *out = bytes_put(room, MARK, MARK_SIZE);

    out = number_put(out, settle->kind, 1);
    out = number_put(out, settle->to.length, 1);
    out = bytes_put(out, settle->to.at, settle->to.length);
    switch (settle->kind) {
    case SETTLE_BATCH: out = bytes_put(out, settle->entries.at, settle->entries.length); break;
    case SETTLE_ANSWER:
        out = number_put(out, settle->answer, 1);
        out = number_put(out, settle->position.sequence, 8);
        out = bytes_put(out, settle->position.hash, sizeof settle->position.hash);
        break;
    }
    return slice_of(room, (size_t)(out - room));
}

static bool parse_answer(struct slice rest, struct settle *settle)
{
    const char *in = rest.at;

    if (rest.length != 1 + 8 + USAGE_HASH_SIZE)
        return false;
    uint64_t answer = number_get(&in, 1);

    if (answer >= SETTLE_ANSWER_COUNT)
        return false;
    settle->answer = (enum settle_answer)answer;
    settle->position.sequence = number_get(&in, 8);
    if (settle->position.sequence > INT64_MAX)
        return false;
    memcpy(settle->position.hash, in, USAGE_HASH_SIZE);
    return true;
}

bool settle_parse(struct slice bytes, struct settle *settle)
{
    struct settle read = { 0 };

    if (bytes.length < HEAD_SIZE || memcmp(bytes.at, MARK, MARK_SIZE) != 0)
        return false;
    const char *in = bytes.at + MARK_SIZE;
    uint64_t kind = number_get(&in, 1), length = number_get(&in, 1);

    if (length == 0 || length > bytes.length - HEAD_SIZE)
        return false;
    read.to = slice_of(in, length);
    struct slice rest = slice_from(bytes, HEAD_SIZE + length);

    if (kind == SETTLE_BATCH) {
        read.kind = SETTLE_BATCH;
        read.entries = rest;
    } else {
        read.kind = SETTLE_ANSWER;
        if (kind != SETTLE_ANSWER || !parse_answer(rest, &read))
            return false;
    }
    *settle = read;
    return true;
}

const char *settle_answer_text(enum settle_answer answer)
{
    switch (answer) {
    case SETTLE_ALL: return "settled";
    case SETTLE_GAP: return "gap";
    case SETTLE_FORK: return "fork";
    case SETTLE_FOREIGN: return "foreign";
    case SETTLE_EXCESS: return "excess";
    case SETTLE_MOVED: return "moved";
    case SETTLE_ANSWER_COUNT: break;
    }
    return "unknown";
}
