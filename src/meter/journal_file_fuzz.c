// SPDX-License-Identifier: Apache-2.0
/* Segments of the journal: reading stays within bounds and ends whatever the bytes are, what is
 * read is written again as the same bytes, and a window anywhere finds the same records. */
#include <assert.h>
#include <string.h>

#include "meter/journal_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void write_again(const struct journal_record *record, const unsigned char *end)
{
    static char room[JOURNAL_RECORD_MAX];
    size_t length = journal_record_write(record, room);

    assert(memcmp(room, end - length, length) == 0);
}

/* What ends with the window is told apart from what goes on behind it. */
static void cut_is_told(const unsigned char *data, size_t from, size_t to)
{
    struct journal_window window = { .bytes = slice_of(data, to - 1) };
    struct journal_record record;
    size_t at = from;

    assert(journal_record_read(&window, &at, &record) == JOURNAL_READ_MORE && at == from);
    window.is_end = true;
    enum journal_reading reading = journal_record_read(&window, &at, &record);

    assert(reading == (from == to - 1 ? JOURNAL_READ_END : JOURNAL_READ_WRONG) && at == from);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct journal_window window = { .bytes = slice_of(data, size), .is_end = true };
    struct journal_position settled;
    struct journal_record record;
    struct journal_oldest oldest;
    size_t at = JOURNAL_FILE_HEADER;

    journal_file_is_ours(slice_head(window.bytes, JOURNAL_FILE_HEADER));
    for (;;) {
        size_t before = at;
        enum journal_reading reading = journal_record_read(&window, &at, &record);

        assert(reading != JOURNAL_READ_MORE);
        if (reading == JOURNAL_READ_RECORD) {
            assert(at > before && at <= size && record.write <= before);
            write_again(&record, data + at);
            cut_is_told(data, before, at);
            if (record.kind == JOURNAL_SETTLED)
                (void)journal_settled_parse(record.payload, &settled);
            if (record.kind == JOURNAL_OLDEST)
                (void)journal_oldest_parse(record.payload, &oldest);
            continue;
        }
        assert(at == before);
        if (reading == JOURNAL_READ_END)
            break;
        at++;
        if (!journal_record_find(&window, &at))
            break;
        assert(at > before && at + JOURNAL_RECORD_HEADER <= size);
    }
    return 0;
}
