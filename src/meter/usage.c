// SPDX-License-Identifier: Apache-2.0
/*
 * The mapping is as long as it may ever get, its file only as long as it is in use: a chunk's room
 * is taken from the file system before anybody touches it, since a page that cannot be had when it
 * is written to would end the process.
 */
#include "meter/usage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "meter/answers.h"
#include "meter/usage_file.h"
#include "meter/usage_past.h"

enum {
    TABLE_FIRST = 256,         // a power of two
    PATH_ROOM = PATH_MAX - 16, // for what is put behind, .broken or a number
};

struct usage {
    struct log *log;
    char *path; // of the live boot's file; NULL: in memory
    int fd;
    unsigned workers;
    char *base;
    size_t chunks_bytes, mapped_bytes, chunk_bytes; // chunks_bytes: those that may be touched
    struct usage_file_header *header;
    uint32_t *table; // slots by their names' hash; 0: free. At most half full
    size_t table_room;
    bool is_full_said, is_stuck_said;
    struct usage_past *dead[USAGE_DEAD_MAX]; // oldest first
    size_t dead_count;
    struct answers *answers;
    struct usage_counts counts;
};

#define COUNTER_ROW_OF_USAGE(field, name, labels, help) \
    COUNTER_ROW(struct usage_counts, field, name, labels, help),

const struct counter_row usage_counter_rows[] = { USAGE_COUNTERS(COUNTER_ROW_OF_USAGE) };
const size_t usage_counter_row_count = COUNT_OF(usage_counter_rows);

/* Where files may be: PATH of the live boot, PATH.1 and so on of dead ones. */
struct place {
    char path[PATH_ROOM];
};

/* One whose path is too long is none. */
static size_t places_of(const struct usage_plan *plan, struct place places[2])
{
    char *absolute = realpath(plan->state, NULL);
    uint64_t hash = hash_bytes(slice_text(absolute != NULL ? absolute : plan->state), 0);
    size_t count = 0;
    int length = -1;

    free(absolute);
    if (plan->shared != NULL)
        length = snprintf(places[count].path, PATH_ROOM, "%s/waypost-%016llx-%.*s.usage",
            plan->shared, (unsigned long long)hash, SLICE_ARG(plan->node));
    count += length > 0 && length < PATH_ROOM;
    length = snprintf(
        places[count].path, PATH_ROOM, "%s/%.*s/usage.totals", plan->state, SLICE_ARG(plan->node));
    count += length > 0 && length < PATH_ROOM;
    return count;
}

static const char *numbered(const char *path, unsigned number, char room[PATH_MAX])
{
    int length = snprintf(room, PATH_MAX, "%s.%u", path, number);

    assert(length > 0 && length < PATH_MAX);
    return room;
}

/* A file of ours, not a link or pipe that somebody laid there: on tmpfs anybody may. */
static int open_ours(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat file;

    if (fd >= 0 && (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || file.st_uid != geteuid())) {
        close(fd);
        errno = EPERM;
        return -1;
    }
    return fd;
}

static void set_aside(struct usage *u, const char *path, const char *why)
{
    char aside[PATH_MAX];

    int length = snprintf(aside, sizeof aside, "%s.broken", path);
    bool is_moved = length > 0 && length < PATH_MAX && rename(path, aside) == 0;

    counter_up(&u->counts.broken);
    log_line(u->log, LOG_ERROR, "usage",
        "totals_set_aside file=%s%s reason=\"%s\" mend=\"none: what was not journaled of that boot "
        "is lost\"",
        path, is_moved ? ".broken" : "", why);
}

static void forget_oldest(struct usage *u)
{
    usage_past_free(u->dead[0]);
    u->dead_count--;
    memmove(u->dead, u->dead + 1, u->dead_count * sizeof(struct usage_past *));
}

/* Room for one more dead boot. */
static void give_up_oldest(struct usage *u)
{
    struct usage_past *oldest = u->dead[0];

    if (u->dead_count < USAGE_DEAD_MAX)
        return;
    counter_up(&u->counts.given_up);
    log_line(u->log, LOG_ERROR, "usage",
        "boot_given_up file=%s boot=%llu reason=\"%d wait already\"", oldest->path,
        (unsigned long long)oldest->boot.boot, USAGE_DEAD_MAX);
    unlink(oldest->path);
    forget_oldest(u);
}

/* What the file at `path` holds; NULL: nothing, or there is none. */
static struct usage_past *read_past(struct usage *u, const char *path)
{
    int fd = open_ours(path);
    struct usage_past *past = NULL;

    if (fd < 0 && errno == ENOENT)
        return NULL;
    enum err err = fd >= 0 ? usage_past_read(fd, &past) : ERR_DENIED;

    if (fd >= 0)
        close(fd);
    if (err == ERR_MISSING)
        unlink(path);
    if (err != ERR_NONE && err != ERR_MISSING)
        set_aside(
            u, path, err == ERR_PARSE ? "no totals, or those of another version" : err_text(err));
    if (err != ERR_NONE)
        return NULL;
    if (past->broken > 0) {
        counter_up(&u->counts.broken);
        log_line(u->log, LOG_ERROR, "usage", "totals_damaged file=%s sites=%zu lost=%zu", path,
            past->boot.slots, past->broken);
    }
    past->path = mem_text(path, strlen(path));
    return past;
}

static void add_past(struct usage *u, struct usage_past *past)
{
    size_t at = u->dead_count++;

    for (; at > 0 && u->dead[at - 1]->boot.boot > past->boot.boot; at--)
        u->dead[at] = u->dead[at - 1];
    u->dead[at] = past;
}

/* One that is of no use goes. */
static bool is_wanted(struct usage_past *past, bool is_journaled)
{
    if (is_journaled && past->boot.slots > 0)
        return true;
    unlink(past->path);
    usage_past_free(past);
    return false;
}

/* The file of the last boot gets a number, so that the next one may have its name. Where it cannot,
 * what was read is as good, and the next one has another place. */
static void put_away(struct usage *u, struct usage_past *past)
{
    char path[PATH_MAX];
    unsigned number = 1;

    give_up_oldest(u);
    while (number < USAGE_DEAD_MAX && access(numbered(past->path, number, path), F_OK) == 0)
        number++;
    if (rename(past->path, numbered(past->path, number, path)) == 0) {
        mem_free(past->path);
        past->path = mem_text(path, strlen(path));
    } else {
        log_line(u->log, LOG_WARNING, "usage", "file_stays file=%s reason=\"%s\"", past->path,
            strerror(errno));
    }
    add_past(u, past);
}

static void find_dead(struct usage *u, const char *path, bool is_journaled)
{
    char room[PATH_MAX];
    struct usage_past *past;

    for (unsigned number = 1; number <= USAGE_DEAD_MAX; number++) {
        past = read_past(u, numbered(path, number, room));
        if (past == NULL || !is_wanted(past, is_journaled))
            continue;
        give_up_oldest(u);
        add_past(u, past);
    }
    past = read_past(u, path);
    if (past != NULL && is_wanted(past, is_journaled))
        put_away(u, past);
}

/* Takes the file system's room for one chunk more, or for the header. */
static bool grow(struct usage *u, size_t from, size_t bytes)
{
    int failed = 0;

    if (from + bytes > u->mapped_bytes)
        return false;
    if (u->path != NULL)
        do
            failed = posix_fallocate(u->fd, (off_t)from, (off_t)bytes);
        while (failed == EINTR);
    if (failed == 0)
        return true;
    if (!u->is_full_said)
        log_line(u->log, LOG_ERROR, "usage",
            "no_room file=%s reason=\"%s\" mend=\"make room there and reload; until then new sites "
            "are counted for nobody\"",
            u->path, strerror(failed));
    u->is_full_said = true;
    return false;
}

static size_t slots_of(const struct usage *u)
{
    return atomic_load_explicit(&u->header->slots, memory_order_acquire);
}

static char *chunk_of(const struct usage *u, size_t slot)
{
    return u->base + USAGE_FILE_HEADER + slot / USAGE_CHUNK_SLOTS * u->chunk_bytes;
}

static struct usage_names *names_of(const struct usage *u, size_t slot)
{
    return usage_chunk_names(chunk_of(u, slot), slot % USAGE_CHUNK_SLOTS);
}

static struct usage_line *lines_of(const struct usage *u, size_t slot)
{
    return usage_chunk_lines(chunk_of(u, slot), slot % USAGE_CHUNK_SLOTS);
}

/* False: no slot is left. */
static bool add_slot(struct usage *u, struct slice customer, struct slice site)
{
    size_t slot = slots_of(u);
    size_t end = slot / USAGE_CHUNK_SLOTS * u->chunk_bytes + u->chunk_bytes;

    if (slot == USAGE_SLOTS_MAX)
        return false;
    if (end > u->chunks_bytes) {
        if (!grow(u, USAGE_FILE_HEADER + u->chunks_bytes, u->chunk_bytes))
            return false;
        u->chunks_bytes = end;
    }
    usage_names_write(names_of(u, slot), customer, site);
    atomic_store_explicit(&u->header->slots, (uint32_t)slot + 1, memory_order_release);
    return true;
}

/* Reserves addresses for all that there may ever be. */
static bool map(struct usage *u)
{
    size_t chunks = (USAGE_SLOTS_MAX + USAGE_CHUNK_SLOTS - 1) / USAGE_CHUNK_SLOTS;
    int flags = u->path != NULL ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

    u->chunk_bytes = usage_chunk_bytes(u->workers);
    u->mapped_bytes = USAGE_FILE_HEADER + chunks * u->chunk_bytes;
    void *base = mmap(NULL, u->mapped_bytes, PROT_READ | PROT_WRITE, flags, u->fd, 0);

    u->base = base == MAP_FAILED ? NULL : base;
    u->header = (struct usage_file_header *)(void *)u->base;
    return u->base != NULL;
}

/* The first boot of the file, with slot 0. */
static bool begin(struct usage *u, struct wall now)
{
    uint64_t boot = (uint64_t)now.ms;

    if (u->dead_count > 0 && boot <= u->dead[u->dead_count - 1]->boot.boot)
        boot = u->dead[u->dead_count - 1]->boot.boot + 1;
    if (!map(u))
        return false;
    if (grow(u, 0, USAGE_FILE_HEADER)) {
        usage_file_header_write(u->header, boot, now, u->workers);
        if (add_slot(u, SLICE_NONE, SLICE_NONE))
            return true;
    }
    munmap(u->base, u->mapped_bytes);
    return false;
}

/* False, and why it is said: another place is to be tried. */
static bool begin_at(struct usage *u, const char *path, struct wall now)
{
    // What is there now could not be moved away.
    u->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (u->fd < 0) {
        log_line(
            u->log, LOG_WARNING, "usage", "no_file file=%s reason=\"%s\"", path, strerror(errno));
        return false;
    }
    u->path = mem_text(path, strlen(path));
    if (begin(u, now))
        return true;
    close(u->fd);
    unlink(path);
    mem_free(u->path);
    u->path = NULL;
    u->fd = -1;
    u->is_full_said = false;
    return false;
}

static struct usage *make(unsigned workers, struct log *log)
{
    struct usage *u = mem_new(struct usage);

    assert(workers > 0 && workers <= USAGE_WORKERS_MAX);
    u->log = log;
    u->fd = -1;
    u->workers = workers;
    u->table = mem_array(TABLE_FIRST, sizeof *u->table);
    u->table_room = TABLE_FIRST;
    u->answers = answers_new(workers);
    return u;
}

static void begin_in_memory(struct usage *u, struct wall now)
{
    bool has_begun = begin(u, now);

    assert(has_begun); // addresses alone are asked for
}

struct usage *usage_new(unsigned workers, struct wall now)
{
    struct usage *u = make(workers, NULL);

    begin_in_memory(u, now);
    return u;
}

struct usage *usage_open(const struct usage_plan *plan)
{
    struct usage *u = make(plan->workers, plan->log);
    struct place places[2];
    size_t count = places_of(plan, places);

    for (size_t i = 0; i < count; i++)
        find_dead(u, places[i].path, plan->is_journaled);
    for (size_t i = 0; i < count; i++)
        if (begin_at(u, places[i].path, plan->now))
            return u;
    log_line(u->log, LOG_ERROR, "usage",
        "totals_in_memory node=%.*s mend=\"make room in /dev/shm or in the state folder and start "
        "again; until then a kill costs what was not journaled\"",
        SLICE_ARG(plan->node));
    begin_in_memory(u, plan->now);
    return u;
}

void usage_close(struct usage *usage, bool is_settled)
{
    if (usage == NULL)
        return;
    munmap(usage->base, usage->mapped_bytes);
    if (usage->path != NULL) {
        close(usage->fd);
        if (is_settled)
            unlink(usage->path);
    }
    for (size_t i = 0; i < usage->dead_count; i++)
        usage_past_free(usage->dead[i]);
    answers_free(usage->answers);
    mem_free(usage->path);
    mem_free(usage->table);
    mem_free(usage);
}

/* Where the site's slot stands in the table, or the free place where it would. */
static uint32_t *table_find(
    const struct usage *u, uint64_t hash, struct slice customer, struct slice site)
{
    size_t at = hash & (u->table_room - 1);

    for (; u->table[at] != 0; at = (at + 1) & (u->table_room - 1)) {
        const struct usage_names *names = names_of(u, u->table[at]);

        if (names->check == hash && slice_equal(usage_names_customer(names), customer) &&
            slice_equal(usage_names_site(names), site))
            break;
    }
    return &u->table[at];
}

static void table_grow(struct usage *u)
{
    size_t slots = slots_of(u);

    if (2 * slots < u->table_room)
        return;
    mem_free(u->table);
    u->table_room *= 2;
    u->table = mem_array(u->table_room, sizeof *u->table);
    for (size_t slot = 1; slot < slots; slot++) {
        const struct usage_names *names = names_of(u, slot);

        *table_find(u, names->check, usage_names_customer(names), usage_names_site(names)) =
            (uint32_t)slot;
    }
}

struct usage_line *usage_site(struct usage *usage, struct slice customer, struct slice site)
{
    uint64_t hash = usage_names_hash(customer, site);
    bool is_sane = site.length > 0 && usage_names_are_sane(customer, site);
    uint32_t *place;

    table_grow(usage);
    place = table_find(usage, hash, customer, site);
    if (is_sane && *place == 0 && add_slot(usage, customer, site))
        *place = (uint32_t)slots_of(usage) - 1;
    if (*place == 0)
        counter_up(&usage->counts.homeless);
    return lines_of(usage, *place);
}

void usage_live(const struct usage *usage, struct usage_boot *boot)
{
    const struct usage_file_header *header = usage->header;

    *boot = (struct usage_boot){ .boot = header->boot,
        .begin = { header->begin_ms },
        .end = { atomic_load(&header->seen_ms) },
        .slots = slots_of(usage) };
}

void usage_live_slot(const struct usage *usage, size_t at, struct usage_slot *slot)
{
    const struct usage_names *names = names_of(usage, at);

    assert(at < slots_of(usage));
    slot->customer = usage_names_customer(names);
    slot->site = usage_names_site(names);
    bool is_sane = usage_lines_sum(lines_of(usage, at), usage->workers, &slot->totals);

    assert(is_sane); // 2^63 of anything take longer than a boot lives
}

bool usage_dead(const struct usage *usage, struct usage_boot *boot)
{
    if (usage->dead_count > 0)
        *boot = usage->dead[0]->boot;
    return usage->dead_count > 0;
}

void usage_dead_slot(const struct usage *usage, size_t at, struct usage_slot *slot)
{
    assert(usage->dead_count > 0 && at < usage->dead[0]->boot.slots);
    *slot = usage->dead[0]->slots[at];
}

/* Emptied first: so it tells nothing where it cannot be deleted. */
static bool is_deleted(const char *path)
{
    bool is_empty = truncate(path, 0) == 0;

    return unlink(path) == 0 || errno == ENOENT || is_empty;
}

bool usage_bury(struct usage *usage)
{
    assert(usage->dead_count > 0);
    const char *path = usage->dead[0]->path;

    if (!is_deleted(path)) {
        if (!usage->is_stuck_said)
            log_line(usage->log, LOG_ERROR, "usage",
                "file_stays file=%s reason=\"%s\" mend=\"delete it: its entries are written, and "
                "until it is gone no later ones are\"",
                path, strerror(errno));
        usage->is_stuck_said = true;
        return false;
    }
    usage->is_stuck_said = false;
    forget_oldest(usage);
    return true;
}

void usage_tick(struct usage *usage, struct wall now)
{
    atomic_store(&usage->header->seen_ms, now.ms);
}

struct answers *usage_answers(const struct usage *usage)
{
    return usage->answers;
}

const struct usage_counts *usage_counts(const struct usage *usage)
{
    return &usage->counts;
}
