// SPDX-License-Identifier: Apache-2.0
#include "bus/nats_ack.h"

enum { DEPTH_MAX = 8 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct slice *rest)
{
    while (rest->length > 0 && is_blank(rest->at[0]))
        *rest = slice_from(*rest, 1);
}

/* What stands between two quotes, the first of which is next. False: there is no second. */
static bool read_string(struct slice *rest, struct slice *string)
{
    for (size_t i = 1; i < rest->length; i++) {
        if (rest->at[i] == '\\') {
            i++;
        } else if (rest->at[i] == '"') {
            *string = slice_of(rest->at + 1, i - 1);
            *rest = slice_from(*rest, i + 1);
            return true;
        }
    }
    return false;
}

static bool read_number(struct slice rest, uint64_t *number)
{
    size_t length = 0;

    while (length < rest.length && rest.at[length] >= '0' && rest.at[length] <= '9')
        length++;
    return slice_number(slice_head(rest, length), INT64_MAX, number);
}

/* After a string at this depth: the value of a member that we want, if it is one. */
static bool read_member(struct slice name, unsigned depth, struct slice *rest, struct nats_ack *ack)
{
    skip_blanks(rest);
    if (rest->length == 0 || rest->at[0] != ':')
        return true; // a value itself
    *rest = slice_from(*rest, 1);
    skip_blanks(rest);
    if (depth == 1 && slice_equal(name, SLICE("seq")))
        return read_number(*rest, &ack->number);
    if (depth == 2 && slice_equal(name, SLICE("description")) && rest->length > 0 &&
        rest->at[0] == '"')
        return read_string(rest, &ack->error);
    return true;
}

/* What is not a string: brackets count, all else is passed over. */
static bool pass(struct slice *rest, unsigned *depth)
{
    char c = rest->at[0];

    *rest = slice_from(*rest, 1);
    if (c == '{' || c == '[')
        return ++*depth <= DEPTH_MAX;
    if (c == '}' || c == ']')
        return (*depth)-- > 0;
    return *depth > 0;
}

bool nats_ack_read(struct slice bytes, struct nats_ack *ack)
{
    struct slice rest = slice_trim(bytes);
    struct nats_ack found = { .number = 0 };
    unsigned depth = 0;

    if (rest.length == 0 || rest.at[0] != '{')
        return false;
    do {
        struct slice name;

        if (rest.at[0] != '"') {
            if (!pass(&rest, &depth))
                return false;
        } else if (!read_string(&rest, &name) || !read_member(name, depth, &rest, &found)) {
            return false;
        }
    } while (rest.length > 0 && depth > 0);
    // A refusal has a number as well, which is 0.
    if (found.error.length > 0)
        found.number = 0;
    *ack = found;
    return rest.length == 0 && depth == 0 && (found.number > 0 || found.error.length > 0);
}
