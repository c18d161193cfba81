// SPDX-License-Identifier: Apache-2.0
/* Subjects: what is read is written back as it was; any name comes back from its subject. */
#include <assert.h>

#include "bus/subject.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_read(struct slice bytes, struct slice network)
{
    char room[BUS_NAME_MAX], again[SUBJECT_MAX];
    struct slice node;
    enum bus_lane lane;

    if (!subject_read(bytes, network, &lane, room, &node))
        return;
    subject_write(again, network, lane, node);
    assert(slice_equal(slice_text(again), bytes));
}

static void check_write(struct slice name)
{
    char subject[SUBJECT_MAX], room[BUS_NAME_MAX];
    struct slice node;
    enum bus_lane lane;

    subject_write(subject, name, BUS_HEARTBEATS, name);
    bool is_read = subject_read(slice_text(subject), name, &lane, room, &node);

    assert(is_read && lane == BUS_HEARTBEATS && slice_equal(node, name));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice bytes = slice_of(data, size);

    check_read(bytes, SLICE("example"));
    if (size > 0 && size <= BUS_NAME_MAX)
        check_write(bytes);
    return 0;
}
