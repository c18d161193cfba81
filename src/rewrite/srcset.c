// SPDX-License-Identifier: Apache-2.0
#include "rewrite/html_priv.h"
#include "rewrite/rewrite_priv.h"

/* Moves behind the descriptors of a candidate; a comma in parentheses ends none. */
static size_t skip_descriptors(const struct decoded *set, size_t at)
{
    bool is_within = false;

    for (; at < set->length; at++) {
        char c = set->bytes[at];

        if (c == ',' && !is_within)
            return at;
        is_within = c == '(' || (is_within && c != ')');
    }
    return at;
}

void srcset_take(struct rewriting *w, struct decoded set, enum url_ask ask)
{
    size_t at = 0;

    if (set.unclear_at < set.length) { // where candidates end is not sure
        w->edits->fates[REWRITE_UNCLEAR]++;
        return;
    }
    while (at < set.length) {
        char c = set.bytes[at];
        size_t start = at, end;

        if (html_is_space(c) || c == ',') {
            at++;
            continue;
        }
        while (at < set.length && !html_is_space(set.bytes[at]))
            at++;
        end = at;
        while (set.bytes[end - 1] == ',') // it begins with something else
            end--;
        url_take(w, decoded_part(&set, start, end), KIND_IMAGE, ask);
        if (end == at)
            at = skip_descriptors(&set, at);
    }
}
