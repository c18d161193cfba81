// SPDX-License-Identifier: Apache-2.0
/* Answers of a stream: what is read lies in the bytes, and is one of two things. */
#include <assert.h>

#include "bus/nats_ack.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const char *begin = (const char *)data;
    struct nats_ack ack;

    if (!nats_ack_read(slice_of(data, size), &ack))
        return 0;
    assert((ack.number > 0) != (ack.error.length > 0));
    if (ack.error.length > 0)
        assert(ack.error.at > begin && ack.error.at + ack.error.length < begin + size);
    return 0;
}
