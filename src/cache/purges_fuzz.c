// SPDX-License-Identifier: Apache-2.0
/*
 * Tags of strangers' fields, and purges of any text against a list that is searched through.
 * Each tag that is read is one by which the object can be purged; what the table says of an
 * object is what the list says.
 */
#include <assert.h>
#include <string.h>

#include "cache/purges.h"

enum { PURGES = 48, TEXT_ROOM = 300 }; // fewer than there are lengths of prefixes

struct input {
    const char *at;
    size_t left;
};

static unsigned take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return (unsigned char)*in->at++;
}

/* The next bytes, their count first. */
static struct slice take_text(struct input *in)
{
    size_t length = take(in);
    struct slice text = slice_head(slice_of(in->at, in->left), length);

    in->at += text.length;
    in->left -= text.length;
    return text;
}

static const struct slice SITES[] = { { "a", 1 }, { "ab", 2 } };

struct entry {
    enum purge_kind kind;
    unsigned site;
    struct slice text;
    bool is_soft;
};

static bool has_tag(struct slice lines, struct slice wanted)
{
    struct purge_tags tags = { .lines = lines };
    struct slice tag;

    while (purge_tags_next(&tags, &tag))
        if (slice_equal(tag, wanted))
            return true;
    return false;
}

static bool matches(const struct entry *e, unsigned site, struct slice path, struct slice tags)
{
    if (e->site != site)
        return false;
    switch (e->kind) {
    case PURGE_URL: return slice_equal(path, e->text);
    case PURGE_PREFIX: return slice_starts(path, e->text);
    case PURGE_TAG: return has_tag(tags, e->text);
    case PURGE_SITE:
    case PURGE_KIND_COUNT: break;
    }
    return true;
}

static enum purged expected(const struct entry *list, unsigned count, unsigned began, unsigned site,
    struct slice path, struct slice tags)
{
    enum purged purged = PURGED_NOT;

    for (unsigned i = began; i < count; i++) // the first has generation 1
        if (matches(&list[i], site, path, tags) && purged != PURGED_GONE)
            purged = list[i].is_soft ? PURGED_STALE : PURGED_GONE;
    return purged;
}

/* A path begins with a slash and ends before a line feed: what follows is of the variant. */
static void judge(
    struct input *in, const struct purges *p, const struct entry *list, unsigned count)
{
    char key[TEXT_ROOM];
    unsigned site = take(in) % 2, began = take(in) % (count + 1);
    struct slice tail = take_text(in), tags = take_text(in);
    size_t length = SITES[site].length;

    memcpy(key, SITES[site].at, length);
    key[length] = '/';
    if (tail.length > 0)
        memcpy(key + length + 1, tail.at, tail.length);
    const struct purge_subject subject = { .key = slice_of(key, length + 1 + tail.length),
        .tags = tags };
    struct slice path = slice_from(subject.key, length);

    path = slice_head(path, slice_find(path, '\n'));
    assert(purges_judge(p, &subject, began) == expected(list, count, began, site, path, tags));
}

static void compare(struct input *in)
{
    struct purges *p = purges_new(take(in));
    struct entry list[PURGES];
    unsigned count = 0;

    while (in->left > 0) {
        unsigned what = take(in);

        if (what % 2 == 0 || count == PURGES) {
            judge(in, p, list, count);
            continue;
        }
        const struct entry e = { .kind = (enum purge_kind)(what / 2 % PURGE_KIND_COUNT),
            .site = what / 8 % 2,
            .text = take_text(in),
            .is_soft = what / 16 % 2 != 0 };

        list[count++] = e;
        purges_add(p, e.kind, SITES[e.site], e.text, e.is_soft);
    }
    purges_free(p);
}

/* A tag lies in its line, has nothing in it that divides, and is one to purge by. */
static void check_tag(struct purges *p, struct slice lines, struct slice tag, char divider)
{
    const struct purge_subject subject = { .key = SLICE("a/"), .tags = lines };
    uint64_t before = purges_generation(p);

    assert(tag.length > 0 && tag.at >= lines.at);
    assert(tag.at + tag.length <= lines.at + lines.length);
    assert(slice_equal(tag, slice_trim(tag)) && slice_find(tag, '\r') == tag.length);
    assert(slice_find(tag, divider) == tag.length);
    purges_add(p, PURGE_TAG, SLICE("a"), tag, false);
    assert(purges_judge(p, &subject, before) == PURGED_GONE);
}

static void read_tags(struct slice lines)
{
    struct purges *p = purges_new(1);
    struct purge_tags tags = { .lines = lines };
    struct slice tag;

    for (unsigned i = 0; i < PURGES && purge_tags_next(&tags, &tag); i++)
        check_tag(p, lines, tag, tags.is_comma ? ',' : ' ');
    purges_free(p);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct input in = { (const char *)data, size };

    if (take(&in) % 2 == 0)
        read_tags(slice_of(in.at, in.left));
    else
        compare(&in);
    return 0;
}
