// SPDX-License-Identifier: Apache-2.0
#include "bus/subject.h"

#include <assert.h>

#include "base/attr.h"
#include "base/writer.h"

static const struct slice PREFIX = { "waypost.", 8 };

static const struct slice LANES[] = {
    [BUS_REPORTS] = { "reports", 7 },
    [BUS_HEARTBEATS] = { "heartbeats", 10 },
    [BUS_MAPS] = { "maps", 4 },
    [BUS_USAGE] = { "usage", 5 },
};

static_assert(COUNT_OF(LANES) == BUS_LANE_COUNT, "each lane has its word");

static const char HEX[] = "0123456789ABCDEF";

static bool is_plain(char c)
{
    char low = ascii_lower(c);

    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static void write_name(struct writer *w, struct slice name)
{
    assert(name.length > 0 && name.length <= BUS_NAME_MAX);
    for (size_t i = 0; i < name.length; i++) {
        unsigned char byte = (unsigned char)name.at[i];
        char escaped[3] = { '%', HEX[byte >> 4], HEX[byte & 15] };

        if (is_plain(name.at[i]))
            write_slice(w, slice_of(&name.at[i], 1));
        else
            write_slice(w, slice_of(escaped, sizeof escaped));
    }
}

static struct writer begin(char *out, struct slice network)
{
    struct writer w = writer_on(out, SUBJECT_MAX);

    write_slice(&w, PREFIX);
    write_name(&w, network);
    write_slice(&w, SLICE("."));
    return w;
}

static void end(struct writer *w)
{
    write_slice(w, slice_of("", 1)); // the terminating zero
    assert(!w->is_short);
}

void subject_write(char *out, struct slice network, enum bus_lane lane, struct slice node)
{
    struct writer w = begin(out, network);

    assert(lane < BUS_LANE_COUNT);
    write_slice(&w, LANES[lane]);
    write_slice(&w, SLICE("."));
    write_name(&w, node);
    end(&w);
}

void subject_write_all(char *out, struct slice network)
{
    struct writer w = begin(out, network);

    write_slice(&w, SLICE("*.*"));
    end(&w);
}

void subject_write_log(char *out, struct slice network)
{
    struct writer w = begin(out, network);

    write_slice(&w, SLICE("orders"));
    end(&w);
}

void subject_write_stream(char *out, struct slice network)
{
    struct writer w = writer_on(out, SUBJECT_MAX);

    write_slice(&w, SLICE("waypost_"));
    write_name(&w, network);
    write_slice(&w, SLICE("_orders"));
    end(&w);
}

/* -1: not a digit of ours. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte from the front of `rest`; false when it is not in its form. */
static bool read_byte(struct slice *rest, char *byte)
{
    if (is_plain(rest->at[0])) {
        *byte = rest->at[0];
        *rest = slice_from(*rest, 1);
        return true;
    }
    if (rest->at[0] != '%' || rest->length < 3)
        return false;
    int high = hex_value(rest->at[1]), low = hex_value(rest->at[2]);

    if (high < 0 || low < 0)
        return false;
    *byte = (char)(unsigned char)(high << 4 | low);
    *rest = slice_from(*rest, 3);
    return !is_plain(*byte);
}

static bool read_name(struct slice text, char *room, struct slice *name)
{
    size_t length = 0;

    while (text.length > 0)
        if (length == BUS_NAME_MAX || !read_byte(&text, &room[length++]))
            return false;
    *name = slice_of(room, length);
    return length > 0;
}

static bool read_lane(struct slice text, enum bus_lane *lane)
{
    for (unsigned i = 0; i < BUS_LANE_COUNT; i++)
        if (slice_equal(text, LANES[i])) {
            *lane = (enum bus_lane)i;
            return true;
        }
    return false;
}

bool subject_read(
    struct slice subject, struct slice network, enum bus_lane *lane, char *room, struct slice *node)
{
    char own[BUS_NAME_MAX];
    struct slice rest = slice_from(subject, PREFIX.length), part, name;

    if (!slice_starts(subject, PREFIX))
        return false;
    if (!slice_cut(&rest, '.', &part) || !read_name(part, own, &name) ||
        !slice_equal(name, network))
        return false;
    return slice_cut(&rest, '.', &part) && read_lane(part, lane) && read_name(rest, room, node);
}
