// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a chunked body: the decoder stays within them, never gives more data than it was
 * shown, and pieces of any size lead to the same data and the same end. The first byte of the
 * input says how it is cut.
 */
#include <assert.h>

#include "base/hash.h"
#include "wire/http_chunk.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct outcome {
    enum http_chunk_step last;
    size_t taken, length;
    uint64_t sum;
};

static struct outcome decode(struct slice bytes, size_t piece)
{
    struct outcome o = { .last = HTTP_CHUNK_MORE };
    struct http_chunk c;

    http_chunk_init(&c);
    while (o.taken < bytes.length && o.last != HTTP_CHUNK_DONE && o.last != HTTP_CHUNK_BAD) {
        struct slice part = slice_head(slice_from(bytes, o.taken), piece), data;
        const char *start = part.at;

        while ((o.last = http_chunk_next(&c, &part, &data)) == HTTP_CHUNK_DATA) {
            assert(data.at == part.at && data.length > 0 && data.length <= part.length);
            for (size_t i = 0; i < data.length; i++)
                o.sum = hash_mix(o.sum ^ (unsigned char)data.at[i]);
            o.length += data.length;
            http_chunk_take(&c, &part, data.length);
        }
        assert(o.last != HTTP_CHUNK_MORE || part.length == 0);
        o.taken += (size_t)(part.at - start);
    }
    assert(o.taken <= bytes.length && o.length <= o.taken);
    return o;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice bytes = slice_of(data + 1, size - 1);
    struct outcome whole = decode(bytes, bytes.length);
    struct outcome pieces = decode(bytes, (size_t)data[0] % 31 + 1);

    assert(whole.last == pieces.last && whole.taken == pieces.taken);
    assert(whole.length == pieces.length && whole.sum == pieces.sum);
    return 0;
}
