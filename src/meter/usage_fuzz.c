// SPDX-License-Identifier: Apache-2.0
/* The file of a dead boot: whatever it holds, reading ends within bounds, and what is believed is
 * what an entry may say. */
#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/file.h"
#include "meter/usage_file.h"
#include "meter/usage_past.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void slot_is_sane(const struct usage_slot *slot)
{
    uint64_t sum = 0;

    assert(usage_names_are_sane(slot->customer, slot->site));
    for (int kind = 0; kind < USAGE_KIND_COUNT; kind++) {
        assert(slot->totals.of[kind] <= INT64_MAX);
        sum |= slot->totals.of[kind];
    }
    assert(sum > 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static int fd = -1;
    struct usage_past *past;

    if (fd < 0)
        fd = memfd_create("usage", MFD_CLOEXEC);
    if (ftruncate(fd, 0) != 0 || file_write(fd, slice_of(data, size), 0) != ERR_NONE)
        return -1;
    if (usage_past_read(fd, &past) != ERR_NONE)
        return 0;
    assert(past->boot.begin.ms <= past->boot.end.ms && past->boot.end.ms <= USAGE_WALL_MAX.ms);
    assert(past->boot.slots * USAGE_SLOT_NAMES < size);
    for (size_t i = 0; i < past->boot.slots; i++)
        slot_is_sane(&past->slots[i]);
    usage_past_free(past);
    return 0;
}
