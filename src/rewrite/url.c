// SPDX-License-Identifier: Apache-2.0
/*
 * What a URL names, by the URL standard as far as it is sure, and whether that is ours to move.
 */
#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "base/writer.h"
#include "rewrite/rewrite_priv.h"

enum { SEGMENTS_MAX = 128, PATH_MAX_BYTES = 4096 };

/* A path, cut at its slashes. Each part is bytes as they are written somewhere. */
struct segments {
    struct {
        struct slice said;    // decoded from the page, still percent-encoded
        struct slice written; // in the file
    } rows[SEGMENTS_MAX];
    size_t count;
    bool is_unclear; // there are too many
    bool is_folder;
};

/* Of a URL, cut apart. */
struct url {
    enum url_host host;
    bool is_relative;    // to the base's folder
    struct decoded path; // without its first slash
    struct slice tail;   // query and fragment, as written
};

/* By what stands behind the last dot of a path. */
static unsigned kind_of(struct slice path)
{
    static const struct {
        const char *end;
        unsigned kind;
    } rows[] = { { "png", KIND_RASTER }, { "gif", KIND_RASTER }, { "jpg", KIND_RASTER },
        { "jpeg", KIND_RASTER }, { "webp", KIND_RASTER }, { "avif", KIND_RASTER },
        { "apng", KIND_RASTER }, { "bmp", KIND_RASTER }, { "ico", KIND_RASTER },
        { "svg", KIND_SVG }, { "css", KIND_SHEET }, { "js", KIND_SCRIPT }, { "mjs", KIND_SCRIPT },
        { "mp4", KIND_MEDIA }, { "m4v", KIND_MEDIA }, { "webm", KIND_MEDIA }, { "ogv", KIND_MEDIA },
        { "ogg", KIND_MEDIA }, { "oga", KIND_MEDIA }, { "opus", KIND_MEDIA }, { "mp3", KIND_MEDIA },
        { "m4a", KIND_MEDIA }, { "wav", KIND_MEDIA }, { "flac", KIND_MEDIA }, { "woff", KIND_FONT },
        { "woff2", KIND_FONT }, { "ttf", KIND_FONT }, { "otf", KIND_FONT }, { "eot", KIND_FONT } };

    size_t dot = path.length;

    while (dot > 0 && path.at[dot - 1] != '.' && path.at[dot - 1] != '/')
        dot--;
    struct slice extension = dot > 0 && path.at[dot - 1] == '.' ? slice_from(path, dot) : SLICE("");

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (slice_same(extension, slice_text(rows[i].end)))
            return rows[i].kind;
    return 0;
}

/* Where the scheme ends: its colon; 0 when there is none. */
static size_t scheme_length(struct slice url)
{
    for (size_t i = 0; i < url.length; i++) {
        char c = ascii_lower(url.at[i]);
        bool is_letter = c >= 'a' && c <= 'z';

        if (c == ':')
            return i;
        if (!is_letter && (i == 0 || ((c < '0' || c > '9') && c != '+' && c != '-' && c != '.')))
            return 0;
    }
    return 0;
}

/* Whose host it is. A port counts unless it is the scheme's own. */
static enum url_host host_of(struct rewrite_site *site, struct slice host, struct slice scheme)
{
    struct slice usual = slice_same(scheme, SLICE("https")) ? SLICE(":443") : SLICE(":80");

    if (slice_same(host, site->host))
        return URL_SITE;
    if (scheme.length > 0 && slice_ends(host, usual))
        host.length -= usual.length;
    if (slice_same(host, site->host))
        return URL_SITE;
    for (size_t i = 0; i < site->alias_count; i++)
        if (slice_same(host, site->aliases[i]))
            return URL_SITE;
    for (size_t i = 0; i < site->page_count; i++)
        if (slice_same(host, site->pages[i]))
            return URL_PAGE;
    return URL_ELSEWHERE;
}

/* Behind "//": the host, and what follows it. */
static void cut_host(struct rewriting *w, struct url *url, struct slice scheme, size_t from)
{
    struct slice rest = slice_of(url->path.bytes + from, url->path.length - from);
    size_t length = slice_find(rest, '/');

    url->host = host_of(w->site, slice_head(rest, length), scheme);
    from += length + (length < rest.length);
    url->path = decoded_part(&url->path, from, url->path.length);
}

/* Spaces around a URL are not of it (URL standard §4.4, 1). */
static struct decoded trimmed(struct decoded text)
{
    size_t from = 0, to = text.length;

    while (from < to && (unsigned char)text.bytes[from] <= ' ')
        from++;
    while (to > from && (unsigned char)text.bytes[to - 1] <= ' ')
        to--;
    return decoded_part(&text, from, to);
}

/* Where the path ends: at the query or the fragment. */
static size_t path_length(struct slice url)
{
    size_t end = 0;

    while (end < url.length && url.at[end] != '?' && url.at[end] != '#')
        end++;
    return end;
}

/* What it is by its form alone; REWRITE_MOVED: `url` says what it names. */
static enum rewrite_fate cut_url(struct rewriting *w, struct decoded text, struct url *url)
{
    size_t end = path_length(slice_of(text.bytes, text.length)), past, scheme;
    struct slice path = slice_of(text.bytes, end), name;

    if (end == 0)
        return REWRITE_NOTHING;
    scheme = scheme_length(path);
    name = slice_head(path, scheme);
    if (text.unclear_at < end)
        return REWRITE_UNCLEAR;
    if (scheme > 0 && !slice_same(name, SLICE("http")) && !slice_same(name, SLICE("https")))
        return REWRITE_NOTHING;
    if (scheme > 0 && !slice_starts(slice_from(path, scheme + 1), SLICE("//")))
        return REWRITE_UNCLEAR;
    if (slice_has_control(path) || slice_find(path, '\\') < end || end > PATH_MAX_BYTES)
        return REWRITE_UNCLEAR;
    past = decoded_place(&text, end);
    url->tail = slice_of(w->file.at + past, decoded_place(&text, text.length) - past);
    url->path = decoded_part(&text, 0, end);
    url->host = w->base.host;
    if (scheme > 0)
        cut_host(w, url, name, scheme + 3);
    else if (slice_starts(path, SLICE("//")))
        cut_host(w, url, SLICE_NONE, 2);
    else if (slice_starts(path, SLICE("/")))
        url->path = decoded_part(&url->path, 1, end);
    else
        url->is_relative = true;
    return REWRITE_MOVED;
}

/* "." and "..", and with %2e for a dot; how many dots, or 0. */
static size_t dots(struct slice said)
{
    size_t count = 0;

    while (said.length > 0) {
        if (said.at[0] == '.')
            said = slice_from(said, 1);
        else if (slice_same(slice_head(said, 3), SLICE("%2e")))
            said = slice_from(said, 3);
        else
            return 0;
        count++;
    }
    return count <= 2 ? count : 0;
}

static void add_segment(struct segments *s, struct slice said, struct slice written)
{
    size_t count = dots(said);

    if (count == 2)
        s->count -= s->count > 0;
    if (count > 0)
        return;
    if (s->count == SEGMENTS_MAX) {
        s->is_unclear = true;
        return;
    }
    s->rows[s->count].said = said;
    s->rows[s->count++].written = written;
}

/* The base's folder, cut at its slashes; both ends are slashes. */
static void add_folder(struct segments *s, struct slice folder)
{
    for (size_t from = 1, to; from < folder.length; from = to + 1) {
        to = from + slice_find(slice_from(folder, from), '/');
        struct slice part = slice_of(folder.at + from, to - from);

        add_segment(s, part, part);
    }
}

/* What ends in dots names a folder, so no file. */
static void add_path(struct segments *s, struct slice file, const struct decoded *path)
{
    for (size_t from = 0, to; from <= path->length; from = to + 1) {
        to = from + slice_find(slice_of(path->bytes + from, path->length - from), '/');
        size_t start = decoded_place(path, from), end = decoded_place(path, to);
        struct slice said = slice_of(path->bytes + from, to - from);

        s->is_folder = to == path->length && dots(said) > 0;
        add_segment(s, said, slice_of(file.at + start, end - start));
    }
}

static struct segments segments_of(struct rewriting *w, const struct url *url)
{
    struct segments s = { .count = 0 };

    if (url->is_relative)
        add_folder(&s, w->base.folder);
    add_path(&s, w->file, &url->path);
    return s;
}

/* The file that is meant; false when no file has such a name, or it is too long. */
static bool file_name(const struct segments *s, struct writer *out)
{
    for (size_t i = 0; i < s->count; i++) {
        struct slice said = s->rows[i].said;

        write_slice(out, SLICE("/"));
        for (size_t at = 0; at < said.length; at++) {
            char byte = said.at[at];
            bool may_escape = byte == '%' && at + 2 < said.length;
            int high = may_escape ? ascii_hex(said.at[at + 1]) : -1;
            int low = may_escape ? ascii_hex(said.at[at + 2]) : -1;

            if (high >= 0 && low >= 0) {
                byte = (char)(high << 4 | low);
                at += 2;
                if (byte == '/' || byte == '\0')
                    return false;
            }
            write_slice(out, slice_of(&byte, 1));
        }
    }
    return !out->is_short && s->count > 0;
}

/* Notes the edit: all is written as it was, behind the site's name. */
static void move(
    struct rewriting *w, struct decoded text, const struct url *url, const struct segments *s)
{
    struct rewrite_edits *edits = w->edits;
    size_t at = decoded_place(&text, 0), size = w->site->scheme.length + 2 + w->site->host.length;

    for (size_t i = 0; i < s->count; i++)
        size += 1 + s->rows[i].written.length;
    size += url->tail.length;
    struct writer out = writer_on(arena_room(w->arena, size), size);

    write_slice(&out, w->site->scheme);
    write_slice(&out, SLICE("//"));
    write_slice(&out, w->site->host);
    for (size_t i = 0; i < s->count; i++) {
        write_slice(&out, SLICE("/"));
        write_slice(&out, s->rows[i].written);
    }
    write_slice(&out, url->tail);
    assert(!out.is_short && out.length == size);
    if (edits->count == edits->room) {
        size_t room = edits->room == 0 ? 64 : edits->room * 2;
        struct rewrite_edit *rows = arena_array(w->arena, room, sizeof *rows);

        if (edits->count > 0)
            memcpy(rows, edits->rows, edits->count * sizeof *rows);
        edits->rows = rows;
        edits->room = room;
    }
    edits->rows[edits->count++] =
        (struct rewrite_edit){ at, decoded_place(&text, text.length) - at, writer_slice(&out) };
}

/* Of a URL on one of the pages' hosts. */
static enum rewrite_fate decide(
    struct rewriting *w, const struct segments *s, unsigned kinds, enum url_ask ask)
{
    char room[PATH_MAX_BYTES];
    struct writer name = writer_on(room, sizeof room);
    unsigned kind;

    if (s->is_unclear)
        return REWRITE_UNCLEAR;
    if (s->is_folder || !file_name(s, &name))
        return REWRITE_DYNAMIC;
    kind = kind_of(writer_slice(&name));
    if ((kind & kinds) == 0 || !w->site->has(w->site, writer_slice(&name)))
        return REWRITE_DYNAMIC;
    if (ask == ASK_UNKNOWN)
        return REWRITE_UNCLEAR;
    if (ask == ASK_PAGE)
        return REWRITE_BOUND;
    if ((ask == ASK_CORS || kind == KIND_FONT) && !w->site->has_cors)
        return REWRITE_CORS;
    return REWRITE_MOVED;
}

void url_take(struct rewriting *w, struct decoded text, unsigned kinds, enum url_ask ask)
{
    struct url url = { .host = URL_ELSEWHERE };

    text = trimmed(text);
    enum rewrite_fate fate = cut_url(w, text, &url);

    if (fate == REWRITE_MOVED && url.host != URL_PAGE) {
        fate = url.host == URL_SITE ? REWRITE_THERE : REWRITE_FOREIGN;
    } else if (fate == REWRITE_MOVED) {
        struct segments s = segments_of(w, &url);

        fate = decide(w, &s, kinds, ask);
        if (fate == REWRITE_MOVED && w->edits->count == REWRITE_EDITS_MAX)
            w->has_too_many = true;
        else if (fate == REWRITE_MOVED)
            move(w, text, &url, &s);
    }
    w->edits->fates[fate]++;
}

/* As a browser would write it into a URL, and safe wherever one may stand. */
static void write_encoded(struct writer *out, struct slice segment, bool is_said)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < segment.length; i++) {
        unsigned char byte = (unsigned char)segment.at[i];
        char code[3] = { '%', digits[byte >> 4], digits[byte & 15] };
        char lower = ascii_lower(segment.at[i]);
        bool is_plain = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
                        (byte != '\0' && strchr("-._~/+:@=", byte) != NULL) ||
                        (is_said && byte == '%');

        write_slice(out, is_plain ? slice_of(&segment.at[i], 1) : slice_of(code, 3));
    }
}

struct url_base url_base_of(struct slice path, struct arena *arena)
{
    size_t room = 3 * path.length;
    struct writer out = writer_on(arena_room(arena, room), room);

    assert(slice_starts(path, SLICE("/")));
    while (path.at[path.length - 1] != '/')
        path.length--;
    write_encoded(&out, path, false);
    return (struct url_base){ .host = URL_PAGE, .folder = writer_slice(&out) };
}

/* Of a URL that names nothing: the page's own, or one that browsers ignore as a base. */
static bool is_no_base(struct decoded href)
{
    struct slice url = slice_of(href.bytes, href.length);
    struct slice scheme = slice_head(url, scheme_length(url));

    return scheme.length == 0 || slice_same(scheme, SLICE("data")) ||
           slice_same(scheme, SLICE("javascript"));
}

struct url_base url_base_told(struct rewriting *w, struct decoded href)
{
    struct url url = { .host = URL_ELSEWHERE };
    struct url_base base = { .host = URL_ELSEWHERE, .folder = SLICE("/") };
    enum rewrite_fate fate;

    href = trimmed(href);
    fate = cut_url(w, href, &url);
    if (fate == REWRITE_NOTHING)
        return is_no_base(href) ? w->base : base;
    struct slice path = slice_of(url.path.bytes, url.path.length);

    for (size_t i = 0; i < path.length; i++)
        if ((unsigned char)path.at[i] >= 0x80) // what it is in a URL depends on the page's encoding
            fate = REWRITE_UNCLEAR;
    if (fate == REWRITE_UNCLEAR)
        return base;
    struct segments s = segments_of(w, &url);
    size_t last = s.is_folder ? s.count : s.count - (s.count > 0);
    size_t room = 1;

    for (size_t i = 0; i < last; i++)
        room += 3 * s.rows[i].said.length + 1;
    struct writer out = writer_on(arena_room(w->arena, room), room);

    write_slice(&out, SLICE("/"));
    for (size_t i = 0; i < last; i++) {
        write_encoded(&out, s.rows[i].said, true);
        write_slice(&out, SLICE("/"));
    }
    base.host = s.is_unclear ? URL_ELSEWHERE : url.host;
    base.folder = writer_slice(&out);
    return base;
}
