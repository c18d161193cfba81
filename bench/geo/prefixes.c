// SPDX-License-Identifier: Apache-2.0
/*
 * Measures geography alone: the prefix table's bytes, the time to make it, and that of a look-up.
 *
 *   geo-prefixes random COUNT       COUNT random prefixes of each family, /8 to /24 and /20 to /48
 *   geo-prefixes file < TABLE       lines of PREFIX NUMBER
 *   geo-prefixes load FILE          one of MaxMind's format: only the time to load it
 *   geo-prefixes write COUNT FILE   makes one of the random IPv4 prefixes in random places
 *
 * Each look-up waits for the one before it, as the address is made from what that one found: so
 * this is the time until an answer is there, not how many can be under way at once.
 *
 *   random  random addresses, the table as warm as it stays among a million of them
 *   hot     a thousand addresses over and over
 *   cold    random addresses, after 64 MiB of something else went through the cache
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/mem.h"
#include "steer/geo.h"
#include "steer/geo_write.h"
#include "steer/prefix_table.h"

enum {
    ROUNDS = 7,
    LOOKUPS = 2000000,
    COLD_ROUNDS = 40,
    COLD_LOOKUPS = 500,
    OTHER_BYTES = 64 << 20
};

struct list {
    struct prefix_entry *entries;
    size_t count, room;
};

/* Of our own work, so that others on the machine count only for what they take from the cache. */
static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void add(struct list *list, const struct ip *ip, uint8_t length, uint32_t number)
{
    if (list->count == list->room) {
        list->room = 2 * list->room + 1024;
        list->entries = mem_resize(list->entries, list->room * sizeof *list->entries);
    }
    list->entries[list->count++] = (struct prefix_entry){ prefix_of(ip, length), number };
}

/* IPv6 within 2000::/3, where the world's addresses are. */
static struct ip random_ip(enum ip_family family, uint64_t seed)
{
    struct ip ip = { .family = (uint8_t)family };
    uint64_t bits = hash_mix(seed);

    memcpy(ip.bytes, &bits, family == IP_V4 ? 4 : 8);
    if (family == IP_V6)
        ip.bytes[0] = (uint8_t)(0x20 | (ip.bytes[0] & 0x1f));
    return ip;
}

static void add_random(struct list *list, size_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t draw = hash_mix(i + 1);
        struct ip v4 = random_ip(IP_V4, draw), v6 = random_ip(IP_V6, draw + 1);
        uint32_t number = (uint32_t)(draw >> 40) % 4096;

        // Half of all are of the longest kind, as in the tables of the world.
        add(list, &v4, (uint8_t)(draw % 2 ? 24 : 8 + draw / 2 % 16), number);
        add(list, &v6, (uint8_t)(draw % 2 ? 48 : 20 + draw / 2 % 28), number);
    }
}

static int add_lines(struct list *list)
{
    char line[200], prefix_word[100];
    uint32_t number;

    while (fgets(line, sizeof line, stdin) != NULL) {
        struct prefix prefix;

        if (sscanf(line, "%99s %" SCNu32, prefix_word, &number) != 2 ||
            !prefix_parse(slice_text(prefix_word), &prefix)) {
            fprintf(stderr, "not PREFIX NUMBER: %s", line);
            return 1;
        }
        add(list, &prefix.ip, prefix.length, number & PREFIX_NUMBER_MAX);
    }
    return 0;
}

/* Nanoseconds each, for `count` look-ups of `kinds` different addresses. */
static double time_lookups(const struct prefix_table *table, enum ip_family family, uint64_t first,
    uint64_t count, uint64_t kinds)
{
    volatile uint32_t sink;
    uint32_t found = 0;
    double start = now_ns();

    for (uint64_t i = 0; i < count; i++) {
        // Adds nothing, but the compiler and the processor must wait to know it.
        struct ip ip = random_ip(family, first + i % kinds + (found >> 30));

        found = prefix_table_find(table, &ip).number;
    }
    double taken = now_ns() - start;

    sink = found;
    (void)sink;
    return taken / (double)count;
}

/* What the loop costs without a look-up. */
static double time_nothing(enum ip_family family)
{
    volatile uint32_t sink;
    uint32_t found = 0;
    double start = now_ns();

    for (uint64_t i = 0; i < LOOKUPS; i++) {
        struct ip ip = random_ip(family, i + (found >> 30));

        found = ip.bytes[3];
        __asm__ volatile("" : "+r"(found));
    }
    sink = found;
    (void)sink;
    return (now_ns() - start) / LOOKUPS;
}

static double time_cold(const struct prefix_table *table, enum ip_family family, char *other)
{
    double sum = 0;

    for (uint64_t round = 0; round < COLD_ROUNDS; round++) {
        for (size_t i = 0; i < OTHER_BYTES; i += 64)
            other[i]++;
        sum += time_lookups(table, family, round << 32, COLD_LOOKUPS, COLD_LOOKUPS);
    }
    return sum / COLD_ROUNDS;
}

static void report(const struct prefix_table *table, enum ip_family family)
{
    char *other = mem_alloc(OTHER_BYTES);
    double nothing = INFINITY;

    double random = INFINITY, hot = INFINITY, cold = INFINITY;

    for (uint64_t round = 0; round < ROUNDS; round++) {
        nothing = fmin(nothing, time_nothing(family));
        random = fmin(random, time_lookups(table, family, round << 32, LOOKUPS, LOOKUPS));
        hot = fmin(hot, time_lookups(table, family, round << 32, LOOKUPS, 1000));
        cold = fmin(cold, time_cold(table, family, other));
    }
    printf("IPv%d: random %.1f ns, hot %.1f ns, cold %.1f ns (%.1f ns for the loop taken off)\n",
        (int)family, random - nothing, hot - nothing, cold - nothing, nothing);
    mem_free(other);
}

static int time_load(const char *path)
{
    struct geo *geo;
    struct diag why;
    double start = now_ns();

    if (geo_load(path, &geo, &why) != ERR_NONE) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    printf("%s: loaded in %.0f ms, %zu cells, %zu prefixes, %zu bytes\n", geo->kind,
        (now_ns() - start) / 1e6, geo->cell_count, geo->prefix_count,
        prefix_table_bytes(geo->table));
    geo_free(geo);
    return 0;
}

/* Within the belt where people live, so that cells are as many as may be without being widened. */
static struct location random_place(uint64_t seed)
{
    uint64_t draw = hash_mix(seed);

    return (struct location){ .latitude = (double)(draw % 90) - 44.5,
        .longitude = (double)(draw / 90 % 360) - 179.5,
        .is_set = true };
}

/* Each /8 has a place too, so that no address is without one. */
static int write_random(const char *path, size_t count)
{
    struct geo_write_entry *entries = mem_array(256 + count, sizeof *entries);
    struct diag why;

    for (uint64_t i = 0; i < 256 + count; i++) {
        uint64_t draw = hash_mix(i + 1);
        struct ip ip = random_ip(IP_V4, draw);
        uint8_t length = (uint8_t)(draw % 2 ? 24 : 9 + draw / 2 % 15);

        if (i < 256) {
            ip.bytes[0] = (uint8_t)i;
            length = 8;
        }
        entries[i].prefix = prefix_of(&ip, length);
        entries[i].location = random_place(i);
    }
    enum err err = geo_write(path, entries, 256 + count, &why);

    mem_free(entries);
    if (err != ERR_NONE)
        fprintf(stderr, "%s\n", why.text);
    return err != ERR_NONE;
}

int main(int argc, char **argv)
{
    struct list list = { 0 };
    struct prefix_table *table;

    if (argc == 3 && strcmp(argv[1], "load") == 0)
        return time_load(argv[2]);
    if (argc == 4 && strcmp(argv[1], "write") == 0)
        return write_random(argv[3], strtoull(argv[2], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "random") == 0) {
        add_random(&list, strtoull(argv[2], NULL, 10));
    } else if (argc == 2 && strcmp(argv[1], "file") == 0) {
        if (add_lines(&list) != 0)
            return 1;
    } else {
        fprintf(stderr, "usage: geo-prefixes random COUNT | file < TABLE | load FILE | "
                        "write COUNT FILE\n");
        return 2;
    }
    double start = now_ns();

    if (prefix_table_new(list.entries, list.count, &table) != ERR_NONE) {
        fprintf(stderr, "too many prefixes\n");
        return 1;
    }
    printf("%zu prefixes: made in %.0f ms, %zu bytes\n", list.count, (now_ns() - start) / 1e6,
        prefix_table_bytes(table));
    report(table, IP_V4);
    report(table, IP_V6);
    prefix_table_free(table);
    mem_free(list.entries);
    return 0;
}
