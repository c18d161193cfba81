// SPDX-License-Identifier: Apache-2.0
/*
 * One walk over the whole tree of the file. Each leaf is a prefix and the offset of a record; a
 * record is read once, however many prefixes lead to it, and lies in a place: one of the squares
 * of the globe, or a country. Places with an address in them become the cells.
 *
 * The file is the operator's, but may be cut short, half written or hostile all the same. It is
 * copied first, so that nobody can change it under the library, which maps it. The library holds
 * to the bytes of the file; that the walk ends is seen to here, by counting nodes.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "steer/countries.h"
#include "steer/geo.h"
#include "steer/geo_record_priv.h"
#include "steer/prefix_table.h"

enum {
    RECORDS_MAX = 1 << 22, // different ones, in one file
    ENTRIES_MAX = 1 << 24, // after merging
    COLUMNS = 360 / GEO_SQUARE_DEGREES,
    ROWS = 180 / GEO_SQUARE_DEGREES,
    SQUARES_AT = 1, // place 0 is nowhere
    COUNTRIES_AT = SQUARES_AT + ROWS * COLUMNS,
    PLACES = COUNTRIES_AT + COUNTRIES_COUNT,
    V4_AT = 96, // bits of zeros before the addresses of IPv4
    FD_PATH_BYTES = 40,
};

static_assert(1 + ROWS * COLUMNS / 4 + COUNTRIES_COUNT <= GEO_CELLS_MAX, "wider squares all fit");
static_assert((int)PLACES <= (int)PREFIX_NUMBER_MAX, "a place is a number of the table");

struct record {
    uint32_t offset; // in the file: its name
    uint32_t place;
    struct geo_record said;
    double weight; // of the addresses that lead to it, in /24 or /32
};

/* Where a record of the tree leads: to a node, to data, or nowhere. */
struct branch {
    uint64_t value;
    MMDB_entry_s entry;
    uint8_t type; // MMDB_RECORD_TYPE_...
};

struct reading {
    MMDB_s file;
    struct branch v4; // of a file with both: where IPv4 begins
    struct record *records;
    size_t record_count, record_room;
    uint32_t *slots; // positions in records and 1, by hash of the offset
    size_t slot_count;
    struct prefix_entry *entries; // their numbers are places
    size_t entry_count, entry_room;
    uint64_t nodes_left;
    const char *path;
    char kind[sizeof((struct geo *)NULL)->kind];
    enum err err;
    struct diag *why;
};

static void fail(struct reading *r, enum err err, const char *text)
{
    if (r->err != ERR_NONE)
        return;
    r->err = err;
    diag_say(r->why, "%s: %s", r->path, text);
}

static void fail_broken(struct reading *r)
{
    fail(r, ERR_PARSE, "the file is broken: please fetch it again");
}

static uint32_t place_of(const struct geo_record *said)
{
    if (said->location.is_set) {
        int row = (int)((said->location.latitude + 90) / GEO_SQUARE_DEGREES);
        int column = (int)((said->location.longitude + 180) / GEO_SQUARE_DEGREES);

        // The north pole is of the last row, and 180 degrees east are as many west.
        row = row < ROWS ? row : ROWS - 1;
        return SQUARES_AT + (uint32_t)(row * COLUMNS + column % COLUMNS);
    }
    return said->country == COUNTRIES_COUNT ? 0 : COUNTRIES_AT + (uint32_t)said->country;
}

/* The first of the four squares that make one twice as wide. */
static uint32_t place_coarse(uint32_t place)
{
    if (place < SQUARES_AT || place >= COUNTRIES_AT)
        return place;
    uint32_t row = (place - SQUARES_AT) / COLUMNS, column = (place - SQUARES_AT) % COLUMNS;

    return SQUARES_AT + row / 2 * 2 * COLUMNS + column / 2 * 2;
}

static size_t slot_of(const struct reading *r, uint32_t offset)
{
    size_t at = hash_mix(offset) & (r->slot_count - 1);

    while (r->slots[at] != 0 && r->records[r->slots[at] - 1].offset != offset)
        at = (at + 1) & (r->slot_count - 1);
    return at;
}

static void slots_grow(struct reading *r)
{
    mem_free(r->slots);
    r->slot_count = r->slot_count == 0 ? 1024 : 2 * r->slot_count;
    r->slots = mem_array(r->slot_count, sizeof *r->slots);
    for (size_t i = 0; i < r->record_count; i++)
        r->slots[slot_of(r, r->records[i].offset)] = (uint32_t)i + 1;
}

/* Reads it, unless that was done; NULL on failure. Good until the next call. */
static struct record *record_at(struct reading *r, MMDB_entry_s entry)
{
    if (2 * r->record_count >= r->slot_count)
        slots_grow(r);
    size_t slot = slot_of(r, entry.offset);

    if (r->slots[slot] != 0)
        return &r->records[r->slots[slot] - 1];
    struct record record = { .offset = entry.offset };

    if (r->record_count >= RECORDS_MAX) {
        fail(r, ERR_LIMIT, "the file has too many different records: one of countries will do");
        return NULL;
    }
    if (geo_record_read(entry, &record.said) != ERR_NONE) {
        fail_broken(r);
        return NULL;
    }
    record.place = place_of(&record.said);
    if (r->record_count == r->record_room) {
        r->record_room = 2 * r->record_room + 256;
        r->records = mem_resize(r->records, r->record_room * sizeof *r->records);
    }
    r->records[r->record_count++] = record;
    r->slots[slot] = (uint32_t)r->record_count;
    return &r->records[r->record_count - 1];
}

/* The two halves of a prefix, next to each other and of one place. */
static bool are_halves(const struct prefix_entry *low, const struct prefix_entry *high)
{
    if (low->number != high->number || low->prefix.length != high->prefix.length ||
        low->prefix.ip.family != high->prefix.ip.family || low->prefix.length == 0)
        return false;
    struct prefix whole = prefix_of(&high->prefix.ip, (uint8_t)(high->prefix.length - 1));

    return ip_equal(&whole.ip, &low->prefix.ip);
}

/* Leaves come in the order of their addresses, so that whole ones can be put together at once. */
static void leaf_add(struct reading *r, const struct ip *ip, unsigned length, struct record *record)
{
    int whole = ip->family == IP_V4 ? 24 : 32; // what a small network has of either kind

    if (record == NULL || record->place == 0)
        return;
    record->weight += ldexp(1, whole - (int)length);
    if (r->entry_count == r->entry_room) {
        r->entry_room = 2 * r->entry_room + 1024;
        r->entries = mem_resize(r->entries, r->entry_room * sizeof *r->entries);
    }
    r->entries[r->entry_count++] = (struct prefix_entry){ { *ip, (uint8_t)length }, record->place };
    while (r->entry_count >= 2 &&
           are_halves(&r->entries[r->entry_count - 2], &r->entries[r->entry_count - 1])) {
        r->entry_count--;
        r->entries[r->entry_count - 1].prefix.length--;
    }
    if (r->entry_count > ENTRIES_MAX)
        fail(r, ERR_LIMIT, "the file has too many different networks: one of countries will do");
}

/* Both sides of a node; false when it is not a good one. */
static bool branches_read(struct reading *r, const struct branch *parent, struct branch sides[2])
{
    MMDB_search_node_s node;

    if (r->err != ERR_NONE)
        return false;
    // Each node has one parent, but for IPv4, which may be led to from elsewhere; so a walk that
    // sees far more nodes than there are goes in circles.
    if (r->nodes_left == 0 ||
        MMDB_read_node(&r->file, (uint32_t)parent->value, &node) != MMDB_SUCCESS) {
        fail_broken(r);
        return false;
    }
    r->nodes_left--;
    sides[0] = (struct branch){ node.left_record, node.left_record_entry, node.left_record_type };
    sides[1] =
        (struct branch){ node.right_record, node.right_record_entry, node.right_record_type };
    return true;
}

/* 6to4, Teredo and mapped addresses lead to the same part of the tree as IPv4 itself. */
static bool is_alias(const struct reading *r, const struct branch *b, enum ip_family family)
{
    return family == IP_V6 && b->type == MMDB_RECORD_TYPE_SEARCH_NODE &&
           r->v4.type == MMDB_RECORD_TYPE_SEARCH_NODE && b->value == r->v4.value;
}

struct widest {
    MMDB_entry_s entry;
    unsigned length; // of its prefix; above every length until one is found
};

/* The shortest prefix with a place below here, the first of equals. */
static void widest_find(struct reading *r, const struct branch *b, enum ip_family family,
    unsigned length, struct widest *widest)
{
    struct branch sides[2];

    if (length >= widest->length || is_alias(r, b, family))
        return;
    if (b->type == MMDB_RECORD_TYPE_DATA) {
        const struct record *record = record_at(r, b->entry);

        if (record != NULL && record->place != 0)
            *widest = (struct widest){ b->entry, length };
    } else if (b->type == MMDB_RECORD_TYPE_SEARCH_NODE && branches_read(r, b, sides)) {
        widest_find(r, &sides[0], family, length + 1, widest);
        widest_find(r, &sides[1], family, length + 1, widest);
    } else if (b->type == MMDB_RECORD_TYPE_INVALID) {
        fail_broken(r);
    }
}

/* A part of the tree deeper than answers tell addresses apart. */
static void leaf_cut(
    struct reading *r, const struct branch *b, const struct ip *ip, unsigned length)
{
    unsigned bits = (unsigned)ip_size(ip) * 8;
    struct widest widest = { .length = bits + 1 };

    widest_find(r, b, ip->family, length, &widest);
    if (widest.length <= bits && r->err == ERR_NONE)
        leaf_add(r, ip, length, record_at(r, widest.entry));
}

/* `ip` is the prefix of this length, and is so again afterwards. */
static void walk(struct reading *r, const struct branch *b, struct ip *ip, unsigned length)
{
    unsigned most = ip->family == IP_V4 ? PREFIX_BITS_V4 : PREFIX_BITS_V6;
    uint8_t bit = (uint8_t)(0x80 >> length % 8);
    struct branch sides[2];

    if (b->type == MMDB_RECORD_TYPE_DATA) {
        leaf_add(r, ip, length, record_at(r, b->entry));
    } else if (b->type == MMDB_RECORD_TYPE_INVALID) {
        fail_broken(r);
    } else if (b->type == MMDB_RECORD_TYPE_SEARCH_NODE &&
               !(length > 0 && is_alias(r, b, ip->family))) {
        if (length == most) {
            leaf_cut(r, b, ip, length);
        } else if (branches_read(r, b, sides)) {
            walk(r, &sides[0], ip, length + 1);
            ip->bytes[length / 8] |= bit;
            walk(r, &sides[1], ip, length + 1);
            ip->bytes[length / 8] &= (uint8_t)~bit;
        }
    }
}

static void walk_all(struct reading *r)
{
    struct branch root = { .type = MMDB_RECORD_TYPE_SEARCH_NODE };
    struct ip v4 = { .family = IP_V4 }, v6 = { .family = IP_V6 };
    bool has_v6 = r->file.metadata.ip_version == 6;
    struct branch sides[2];

    r->nodes_left = 2 * (uint64_t)r->file.metadata.node_count + V4_AT;
    r->v4 = root;
    for (int i = 0; has_v6 && i < V4_AT && r->v4.type == MMDB_RECORD_TYPE_SEARCH_NODE; i++) {
        if (!branches_read(r, &r->v4, sides))
            return;
        r->v4 = sides[0];
    }
    walk(r, &r->v4, &v4, 0);
    if (has_v6)
        walk(r, &root, &v6, 0);
}

static size_t places_used(const struct reading *r, bool used[PLACES])
{
    size_t count = 0;

    memset(used, 0, PLACES * sizeof *used);
    for (size_t i = 0; i < r->entry_count; i++) {
        count += !used[r->entries[i].number];
        used[r->entries[i].number] = true;
    }
    return count;
}

/* From places to cells, in the order of places, so that equal files have equal cells. */
static void cells_number(struct reading *r, struct geo *geo)
{
    bool *used = mem_array(PLACES, sizeof *used);
    uint32_t *cell_at = mem_array(PLACES, sizeof *cell_at);

    if (places_used(r, used) >= GEO_CELLS_MAX) {
        for (size_t i = 0; i < r->entry_count; i++)
            r->entries[i].number = place_coarse(r->entries[i].number);
        for (size_t i = 0; i < r->record_count; i++)
            r->records[i].place = place_coarse(r->records[i].place);
        places_used(r, used);
    }
    geo->cell_count = 1;
    for (size_t place = SQUARES_AT; place < PLACES; place++)
        if (used[place])
            cell_at[place] = (uint32_t)geo->cell_count++;
    for (size_t i = 0; i < r->entry_count; i++)
        r->entries[i].number = cell_at[r->entries[i].number];
    for (size_t i = 0; i < r->record_count; i++)
        r->records[i].place = cell_at[r->records[i].place];
    geo->cells = mem_array(geo->cell_count, sizeof *geo->cells);
    mem_free(cell_at);
    mem_free(used);
}

/* By cell, then by country. Positions in the file make the order, and so sums, the same again. */
static int records_compare(const void *left, const void *right)
{
    const struct record *a = left, *b = right;

    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    if (a->said.country != b->said.country)
        return a->said.country < b->said.country ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Of the records of one cell: where its addresses are on average, and the country of most. */
static struct geo_cell cell_of(const struct record *records, size_t count)
{
    double latitude = 0, longitude = 0, weight = 0, here = 0, most = 0;
    size_t country = COUNTRIES_COUNT;

    for (size_t i = 0; i < count; i++) {
        const struct geo_record *said = &records[i].said;
        double share = records[i].weight;

        here = i > 0 && records[i - 1].said.country == said->country ? here + share : share;
        if (here > most && said->country != COUNTRIES_COUNT) {
            most = here;
            country = said->country;
        }
        if (!said->location.is_set)
            continue;
        weight += share;
        latitude += share * said->location.latitude;
        longitude += share * said->location.longitude;
    }
    struct geo_cell cell = { 0 };

    if (country != COUNTRIES_COUNT)
        memcpy(cell.country, countries[country].code, sizeof cell.country);
    assert(weight > 0 || country != COUNTRIES_COUNT);
    if (weight > 0)
        cell.location = (struct location){ latitude / weight, longitude / weight, true };
    else
        cell.location =
            (struct location){ countries[country].latitude, countries[country].longitude, true };
    return cell;
}

static void cells_fill(struct reading *r, struct geo *geo)
{
    size_t first = 0;

    qsort(r->records, r->record_count, sizeof *r->records, records_compare);
    for (size_t i = 0; i <= r->record_count; i++) {
        if (i < r->record_count && r->records[i].place == r->records[first].place)
            continue;
        if (r->records[first].place != 0)
            geo->cells[r->records[first].place] = cell_of(&r->records[first], i - first);
        first = i;
    }
}

static uint64_t hash_number(uint64_t hash, double number)
{
    return hash_bytes(slice_of(&number, sizeof number), hash);
}

static uint64_t geo_hash(const struct reading *r, const struct geo *geo)
{
    uint64_t hash = geo->cell_count;

    for (size_t i = 1; i < geo->cell_count; i++) {
        const struct geo_cell *cell = &geo->cells[i];

        hash = hash_bytes(slice_of(cell->country, sizeof cell->country), hash);
        hash = hash_number(hash_number(hash, cell->location.latitude), cell->location.longitude);
    }
    for (size_t i = 0; i < r->entry_count; i++) {
        const struct prefix_entry *entry = &r->entries[i];

        hash = hash_bytes(slice_of(entry->prefix.ip.bytes, sizeof entry->prefix.ip.bytes), hash);
        hash = hash_mix(hash ^ ((uint64_t)entry->number << 16 |
                                   (uint64_t)entry->prefix.ip.family << 8 | entry->prefix.length));
    }
    return hash;
}

static struct geo *geo_make(struct reading *r)
{
    if (r->err == ERR_NONE && r->entry_count == 0) {
        r->err = ERR_PARSE;
        diag_say(r->why,
            "%s: no places in it, as it is of the kind '%s': please give one of "
            "countries or cities",
            r->path, r->kind);
    }
    if (r->err != ERR_NONE)
        return NULL;
    struct geo *geo = mem_new(struct geo);

    cells_number(r, geo);
    cells_fill(r, geo);
    geo->prefix_count = r->entry_count;
    geo->hash = geo_hash(r, geo);
    memcpy(geo->kind, r->kind, sizeof geo->kind);
    if (r->file.metadata.build_epoch <= UINT32_MAX)
        geo->built = wall_from_s((int64_t)r->file.metadata.build_epoch);
    if (prefix_table_new(r->entries, r->entry_count, &geo->table) != ERR_NONE) {
        fail(r, ERR_LIMIT, "the file has too many different networks: one of countries will do");
        geo_free(geo);
        return NULL;
    }
    return geo;
}

static void fail_system(struct reading *r)
{
    fail(r, err_from_errno(errno), strerror(errno));
}

/* Something of this size can be read as such a file. */
static void source_check(struct reading *r, const struct stat *about)
{
    if (!S_ISREG(about->st_mode))
        fail(r, ERR_PARSE, "not a file: please name the .mmdb file itself");
    else if (about->st_size == 0)
        fail(r, ERR_PARSE, "the file is empty: please fetch it again");
    else if (about->st_size > GEO_FILE_BYTES_MAX)
        fail(r, ERR_LIMIT, "the file is larger than 1 GiB: one of countries will do");
}

/* A copy in memory, so that it stays as it is; -1 on failure. */
static int copy_make(struct reading *r, int from, off_t size)
{
    int copy = memfd_create("geography", MFD_CLOEXEC);

    if (copy < 0)
        fail_system(r);
    for (ssize_t count = 1; r->err == ERR_NONE && size > 0 && count > 0; size -= count) {
        count = sendfile(copy, from, NULL, (size_t)size);
        if (count < 0)
            fail_system(r);
        // None left though some should be: it is being cut this moment, and will be refused.
    }
    return copy;
}

static int copy_open(struct reading *r)
{
    struct stat about = { 0 };
    // Not blocking, or a pipe in place of the file would hold us here for ever.
    int from = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), copy = -1;

    if (from < 0 || fstat(from, &about) != 0)
        fail_system(r);
    else
        source_check(r, &about);
    if (r->err == ERR_NONE)
        copy = copy_make(r, from, about.st_size);
    if (from >= 0)
        close(from);
    return copy;
}

/* Says what the file is, if it is one that people take for the right one. */
static void fail_format(struct reading *r, int copy)
{
    uint8_t start[4] = { 0 };
    bool is_packed = pread(copy, start, sizeof start, 0) == sizeof start &&
                     ((start[0] == 0x1f && start[1] == 0x8b) || memcmp(start, "PK\3\4", 4) == 0);

    if (is_packed)
        fail(r, ERR_PARSE, "the file is packed: please unpack it, and name the .mmdb file in it");
    else
        fail(r, ERR_PARSE, "not a file of MaxMind's format (.mmdb), or cut short");
}

/* What can be shown of the file's word for what it is. */
static void kind_read(struct reading *r)
{
    const char *kind = r->file.metadata.database_type;

    for (size_t i = 0; i + 1 < sizeof r->kind && kind[i] != '\0'; i++)
        r->kind[i] = kind[i] > ' ' && kind[i] < 0x7f ? kind[i] : '-';
}

enum err geo_load(const char *path, struct geo **geo, struct diag *why)
{
    struct reading r = { .path = path, .why = why };
    char copy_path[FD_PATH_BYTES];
    struct geo *made = NULL;
    int copy = copy_open(&r);

    snprintf(copy_path, sizeof copy_path, "/proc/self/fd/%d", copy);
    if (r.err == ERR_NONE) {
        if (MMDB_open(copy_path, MMDB_MODE_MMAP, &r.file) == MMDB_SUCCESS) {
            kind_read(&r);
            walk_all(&r);
            made = geo_make(&r);
            MMDB_close(&r.file);
        } else {
            fail_format(&r, copy);
        }
    }
    if (copy >= 0)
        close(copy);
    mem_free(r.records);
    mem_free(r.slots);
    mem_free(r.entries);
    if (made != NULL)
        *geo = made;
    return r.err;
}
