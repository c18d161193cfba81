// SPDX-License-Identifier: Apache-2.0
/* Digests: reading stays within bounds whatever the bytes are, and what of it is sane is read again
 * from what is written. */
#include <assert.h>
#include <stdlib.h>

#include "wire/digest.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static bool is_equal(const struct report *a, const struct report *b)
{
    return a->observer == b->observer && a->check == b->check && a->kind == b->kind &&
           a->value == b->value && a->spread == b->spread && a->evidence == b->evidence &&
           a->at.ms == b->at.ms;
}

/* The next one that a writer would take. */
static bool next_sane(const struct digest *digest, size_t *at, struct report *report)
{
    while (digest_next(digest, at, report)) {
        assert((unsigned)report->kind < REPORT_KIND_COUNT);
        assert(report->observer == digest->observer && report->at.ms <= digest->at.ms);
        if (report_is_sane(report))
            return true;
    }
    return false;
}

static struct slice write_again(const struct digest *digest, char *out, size_t room)
{
    struct digest_writer writer;
    struct report report;
    size_t at = 0;

    digest_begin(&writer, out, room, digest);
    while (next_sane(digest, &at, &report))
        assert(digest_add(&writer, &report));
    return digest_end(&writer);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct digest digest, again;
    struct report report, other;
    size_t at = 0, again_at = 0;

    if (!digest_parse(slice_of(data, size), &digest))
        return 0;
    assert(digest.at.ms >= 0 && digest.count <= DIGEST_REPORTS_MAX);
    assert(size == DIGEST_HEADER_SIZE + digest.count * DIGEST_REPORT_SIZE);
    char *out = malloc(size);

    assert(out != NULL);
    assert(digest_parse(write_again(&digest, out, size), &again));
    assert(again.observer == digest.observer && again.boot == digest.boot);
    assert(again.sequence == digest.sequence && again.at.ms == digest.at.ms);
    while (next_sane(&digest, &at, &report)) {
        assert(digest_next(&again, &again_at, &other));
        assert(is_equal(&report, &other));
    }
    assert(again_at == again.count);
    free(out);
    return 0;
}
