// SPDX-License-Identifier: Apache-2.0
#include "app/history_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/root.h"
#include "base/attr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "conf/load.h"
#include "io/file.h"
#include "steer/geo.h"

enum {
    PATH_ROOM = HISTORY_PATH_MAX + 64, // with a file's name
    HEAD_BYTES = 64,                   // of a segment, in which its release is
};

#define SEGMENT_ENDING ".past"
#define RELEASE_ENDING ".release"
#define RELEASE_MAGIC  UINT64_C(0x0a31657361656c52)

struct segment {
    int64_t begin_us;
    uint64_t bytes;
};

/* Those in the folder, oldest first. */
struct segments {
    struct segment *list;
    size_t count;
    uint64_t bytes; // of all
};

static const char *path_of(const char *folder, int64_t begin_us, char path[PATH_ROOM])
{
    snprintf(path, PATH_ROOM, "%s/%020" PRId64 SEGMENT_ENDING, folder, begin_us);
    return path;
}

static const char *release_path(const char *folder, uint64_t hash, char path[PATH_ROOM])
{
    snprintf(path, PATH_ROOM, "%s/%016" PRIx64 RELEASE_ENDING, folder, hash);
    return path;
}

static int segment_order(const void *a, const void *b)
{
    const struct segment *left = a, *right = b;

    return (left->begin_us > right->begin_us) - (left->begin_us < right->begin_us);
}

static bool segment_of(const char *folder, const char *name, struct segment *segment)
{
    char path[PATH_ROOM];
    struct stat status;
    uint64_t begin_us;
    struct slice text = slice_text(name);

    if (!slice_ends(text, SLICE(SEGMENT_ENDING)) ||
        !slice_number(slice_head(text, text.length - strlen(SEGMENT_ENDING)), INT64_MAX, &begin_us))
        return false;
    segment->begin_us = (int64_t)begin_us;
    if (stat(path_of(folder, segment->begin_us, path), &status) != 0)
        return false;
    segment->bytes = (uint64_t)status.st_size;
    return true;
}

static struct segments segments_list(const char *folder)
{
    struct segments s = { 0 };
    DIR *dir = opendir(folder);
    struct segment segment;

    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (s.count == HISTORY_SEGMENTS_MAX || !segment_of(folder, entry->d_name, &segment))
            continue;
        s.list = mem_resize(s.list, (s.count + 1) * sizeof *s.list);
        s.list[s.count++] = segment;
        s.bytes += segment.bytes;
    }
    if (dir != NULL)
        closedir(dir);
    if (s.count > 0)
        qsort(s.list, s.count, sizeof *s.list, segment_order);
    return s;
}

/* Of which release a segment is, as its first bytes say. */
static bool release_of(const char *folder, int64_t begin_us, uint64_t *release)
{
    char path[PATH_ROOM], head[HEAD_BYTES];
    size_t length = 0;
    int fd = open(path_of(folder, begin_us, path), O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    enum err err = file_read(fd, head, sizeof head, 0, &length);

    close(fd);
    return err == ERR_NONE && past_head_release(slice_of(head, length), release);
}

/* Of all segments, and of `next` unless that is NULL: *count hashes, each perhaps again. */
static uint64_t *releases_used(
    const char *folder, const struct segments *s, const uint64_t *next, size_t *count)
{
    uint64_t *used = mem_array(s->count + 1, sizeof *used);

    *count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (release_of(folder, s->list[i].begin_us, &used[*count]))
            ++*count;
    if (next != NULL)
        used[(*count)++] = *next;
    return used;
}

static bool is_among(const uint64_t *list, size_t count, uint64_t hash)
{
    size_t at = 0;

    while (at < count && list[at] != hash)
        at++;
    return at < count;
}

/* Removes the releases that no segment is of, but for the one that is about to be; NULL: none. */
static void releases_prune(const char *folder, const struct segments *s, const uint64_t *next)
{
    char path[PATH_ROOM];
    DIR *dir = opendir(folder);
    size_t count;
    uint64_t *used = releases_used(folder, s, next, &count);

    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char *rest = NULL;
        uint64_t hash = strtoull(entry->d_name, &rest, 16);

        if (rest == entry->d_name || strcmp(rest, RELEASE_ENDING) != 0 ||
            is_among(used, count, hash))
            continue;
        unlink(release_path(folder, hash, path));
    }
    if (dir != NULL)
        closedir(dir);
    mem_free(used);
}

/* Makes room for a segment that begins now: a segment ends at the latest where the next begins.
 * Where none does, since nothing is to be kept, all goes. */
static void prune(const struct history_disk *d, struct moment now, uint64_t release)
{
    struct segments s = segments_list(d->folder);
    bool keeps = d->limits.keep.ns > 0;
    int64_t least_us = now.us - d->limits.keep.ns / 1000;
    char path[PATH_ROOM];
    size_t gone = 0;

    for (; gone < s.count; gone++) {
        bool is_old = gone + 1 < s.count && s.list[gone + 1].begin_us < least_us;

        if (keeps && !is_old && s.bytes <= d->limits.size_bytes)
            break;
        unlink(path_of(d->folder, s.list[gone].begin_us, path));
        s.bytes -= s.list[gone].bytes;
    }
    s.count -= gone;
    if (s.count > 0)
        memmove(s.list, s.list + gone, s.count * sizeof *s.list);
    releases_prune(d->folder, &s, keeps ? &release : NULL);
    mem_free(s.list);
}

static void put_u64(char *out, uint64_t number)
{
    memcpy(out, &number, sizeof number);
}

static uint64_t u64_at(const char *bytes)
{
    uint64_t number;

    memcpy(&number, bytes, sizeof number);
    return number;
}

/* magic checksum, and for each text the lengths of path and text, and both. */
static char *release_pack(const struct network *network, size_t *length)
{
    size_t size = 16, at = 16;

    for (size_t i = 0; i < network->history.text_count; i++)
        size += 16 + network->history.texts[i].path.length + network->history.texts[i].text.length;
    char *bytes = mem_alloc(size);

    for (size_t i = 0; i < network->history.text_count; i++) {
        const struct slice parts[] = { network->history.texts[i].path,
            network->history.texts[i].text };

        put_u64(bytes + at, parts[0].length);
        put_u64(bytes + at + 8, parts[1].length);
        at += 16;
        for (size_t k = 0; k < COUNT_OF(parts); k++) {
            if (parts[k].length > 0)
                memcpy(bytes + at, parts[k].at, parts[k].length);
            at += parts[k].length;
        }
    }
    put_u64(bytes, RELEASE_MAGIC);
    put_u64(bytes + 8, hash_bytes(slice_of(bytes + 16, size - 16), RELEASE_MAGIC));
    *length = size;
    return bytes;
}

/* A file that is whole or not there. */
static enum err write_whole(const char *folder, const char *path, struct slice bytes)
{
    char fresh[PATH_ROOM];

    snprintf(fresh, sizeof fresh, "%s/fresh", folder);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_from_errno(errno);
    enum err err = file_write(fd, bytes, 0);

    close(fd);
    if (err == ERR_NONE && rename(fresh, path) != 0)
        err = err_from_errno(errno);
    if (err != ERR_NONE)
        unlink(fresh);
    return err;
}

static enum err read_whole(const char *path, char **bytes, size_t *length)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) != 0 || status.st_size > HISTORY_FILE_BYTES_MAX) {
        if (fd >= 0)
            close(fd);
        return ERR_MISSING;
    }
    *bytes = mem_alloc((size_t)status.st_size + 1);
    enum err err = file_read(fd, *bytes, (size_t)status.st_size, 0, length);

    close(fd);
    if (err != ERR_NONE)
        mem_free(*bytes);
    return err;
}

/* Whether a file says just that: one of a machine that lost its power may be empty. */
static bool file_says(const char *path, struct slice wanted)
{
    char *bytes = NULL;
    size_t length = 0;

    if (read_whole(path, &bytes, &length) != ERR_NONE)
        return false;
    bool is_so = slice_equal(slice_of(bytes, length), wanted);

    mem_free(bytes);
    return is_so;
}

static enum err release_keep(const struct history_disk *d, const struct network *network)
{
    char path[PATH_ROOM];
    size_t length;
    char *bytes = release_pack(network, &length);
    const struct slice packed = slice_of(bytes, length);
    enum err err = ERR_NONE;

    if (!file_says(release_path(d->folder, network->hash, path), packed))
        err = write_whole(d->folder, path, packed);
    mem_free(bytes);
    return err;
}

void history_disk_init(struct history_disk *disk, const char *folder)
{
    *disk = (struct history_disk){ .fd = -1 };
    snprintf(disk->folder, sizeof disk->folder, "%s", folder);
    past_writer_init(&disk->writer);
}

static void segment_end(struct history_disk *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
    d->writer.length = 0;
    d->made_count = 0;
}

void history_disk_done(struct history_disk *disk)
{
    segment_end(disk);
    past_writer_done(&disk->writer);
}

/* What was made goes to the segment. */
static enum err flush(struct history_disk *d)
{
    struct slice bytes = slice_of(d->writer.bytes, d->writer.length);

    if (d->fd < 0 || bytes.length == 0)
        return ERR_NONE;
    TRY(file_write(d->fd, bytes, d->size_bytes));
    d->size_bytes += bytes.length;
    d->written_bytes += bytes.length;
    d->record_count += d->made_count;
    d->writer.length = 0;
    d->made_count = 0;
    return ERR_NONE;
}

/* A file of its own, however the clock was set. */
static enum err segment_make(struct history_disk *d, struct moment *at)
{
    char path[PATH_ROOM];

    for (int tries = 0; tries < 100; tries++, at->us++) {
        d->fd =
            open(path_of(d->folder, at->us, path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (d->fd >= 0 || errno != EEXIST)
            break;
    }
    d->size_bytes = 0;
    return d->fd >= 0 ? ERR_NONE : err_from_errno(errno);
}

static enum err segment_begin(struct history_disk *d, const struct history_event *event)
{
    const struct network *network = event->root->network;
    const struct past_release release = { network->hash, event->root->rows->geo->hash };
    struct moment at = event->at;

    if (d->fd >= 0 && !event->is_gap)
        past_write_tick(&d->writer, at); // until here the one before is right
    TRY(flush(d));
    segment_end(d);
    d->limits = network->history;
    prune(d, at, network->hash);
    if (d->limits.keep.ns == 0)
        return ERR_NONE;
    if (mkdir(d->folder, 0700) != 0 && errno != EEXIST)
        return err_from_errno(errno);
    TRY(release_keep(d, network));
    TRY(segment_make(d, &at));
    past_write_key(&d->writer, at, &release, event->map, event->all_health);
    d->made_count++;
    return ERR_NONE;
}

static enum err event_write(struct history_disk *d, const struct history_event *event)
{
    if (event->kind == PAST_KEY)
        return segment_begin(d, event);
    if (d->fd < 0)
        return ERR_NONE;
    switch (event->kind) {
    case PAST_MAP: past_write_map(&d->writer, event->at, event->map, event->is_planned); break;
    case PAST_HEALTH: past_write_health(&d->writer, event->at, event->check, event->health); break;
    case PAST_TICK: past_write_tick(&d->writer, event->at); break;
    case PAST_KEY:
    case PAST_KIND_COUNT: break;
    }
    d->made_count++;
    return ERR_NONE;
}

enum err history_disk_write(
    struct history_disk *disk, const struct history_event *events, size_t count)
{
    enum err err = ERR_NONE;

    disk->written_bytes = disk->record_count = 0;
    for (size_t i = 0; i < count && err == ERR_NONE; i++)
        err = event_write(disk, &events[i]);
    if (err == ERR_NONE)
        err = flush(disk);
    if (err != ERR_NONE)
        segment_end(disk);
    return err;
}

bool history_disk_find(
    const char *folder, struct moment at, struct moment *segment, struct moment *oldest)
{
    struct segments s = segments_list(folder);
    bool is_found = false;

    if (s.count > 0)
        oldest->us = s.list[0].begin_us;
    for (size_t i = 0; i < s.count && s.list[i].begin_us <= at.us; i++) {
        segment->us = s.list[i].begin_us;
        is_found = true;
    }
    mem_free(s.list);
    return is_found;
}

enum err history_disk_read(const char *folder, struct moment segment, char **bytes, size_t *length)
{
    char path[PATH_ROOM];

    return read_whole(path_of(folder, segment.us, path), bytes, length);
}

/* How many texts there are, which go to `texts` unless that is NULL; 0: it is no release. */
static size_t release_unpack(struct slice bytes, struct conf_text *texts)
{
    size_t count = 0;

    if (bytes.length < 16 || u64_at(bytes.at) != RELEASE_MAGIC ||
        u64_at(bytes.at + 8) != hash_bytes(slice_from(bytes, 16), RELEASE_MAGIC))
        return 0;
    struct slice rest = slice_from(bytes, 16);

    for (; rest.length >= 16; count++) {
        uint64_t path = u64_at(rest.at), text = u64_at(rest.at + 8);

        rest = slice_from(rest, 16);
        if (path > rest.length || text > rest.length - path)
            return 0;
        if (texts != NULL)
            texts[count] = (struct conf_text){ slice_head(rest, path),
                slice_head(slice_from(rest, path), text) };
        rest = slice_from(rest, path + text);
    }
    return count;
}

static struct network *release_load(struct slice bytes)
{
    size_t count = release_unpack(bytes, NULL);
    struct network *network = NULL;
    struct conf_errors errors;

    if (count == 0)
        return NULL;
    struct conf_text *texts = mem_array(count, sizeof *texts);

    release_unpack(bytes, texts);
    conf_errors_init(&errors);
    network = conf_load_texts(texts, count, &errors);
    conf_errors_done(&errors);
    mem_free(texts);
    return network;
}

struct network *history_disk_release(const char *folder, uint64_t hash)
{
    char path[PATH_ROOM], *bytes = NULL;
    size_t length = 0;

    if (read_whole(release_path(folder, hash, path), &bytes, &length) != ERR_NONE)
        return NULL;
    struct network *network = release_load(slice_of(bytes, length));

    mem_free(bytes);
    if (network == NULL || network->hash == hash)
        return network;
    network_free(network);
    return NULL;
}
