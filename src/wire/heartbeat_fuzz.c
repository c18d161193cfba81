// SPDX-License-Identifier: Apache-2.0
/* Heartbeats: whatever is taken for one is the same bytes when it is written again. */
#include <assert.h>
#include <string.h>

#include "wire/heartbeat.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char out[HEARTBEAT_SIZE];
    struct heartbeat heartbeat;

    if (!heartbeat_parse(slice_of(data, size), &heartbeat))
        return 0;
    assert(heartbeat.at.ms >= 0 && heartbeat.epoch.ms >= 0 && size == HEARTBEAT_SIZE);
    heartbeat_write(&heartbeat, out);
    assert(memcmp(out, data, size) == 0);
    return 0;
}
