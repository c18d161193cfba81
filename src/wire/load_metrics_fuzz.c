// SPDX-License-Identifier: Apache-2.0
/* Load metrics: never out of bounds or out of range, and what was read is read again from what is
 * written. */
#include <assert.h>

#include "wire/load_metrics.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static bool has_any(const struct load_metrics *metrics)
{
    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++)
        if (metrics->is_known[i])
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct load_metrics metrics, again;
    char text[LOAD_METRICS_TEXT_MAX];
    bool is_good = load_metrics_parse(slice_of(data, size), &metrics);
    size_t length = load_metrics_write(&metrics, text);

    assert(length == strlen(text));
    assert(is_good || !has_any(&metrics));
    assert(load_metrics_parse(slice_of(text, length), &again) == has_any(&metrics));
    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++) {
        assert(metrics.millionths[i] <= (uint64_t)LOAD_METRIC_MOST * 1000000);
        assert(metrics.is_known[i] == again.is_known[i]);
        assert(metrics.millionths[i] == again.millionths[i]);
    }
    assert(metrics.millionths[LOAD_METRIC_MEMORY] <= 1000000);
    return 0;
}
