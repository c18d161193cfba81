// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/writer.h"
#include "steer/geo.h"
#include "steer/geo_file_test.h"

static struct geo *load(void)
{
    struct geo *geo = NULL;
    struct diag why = { 0 };
    enum err err = geo_load(file_path(), &geo, &why);

    if (err != ERR_NONE)
        print_error("%s\n", why.text);
    assert_int_equal(err, ERR_NONE);
    return geo;
}

static struct geo *load_entries(const struct geo_write_entry *entries, size_t count)
{
    file_write(entries, count);
    return load();
}

static struct geo_found find(const struct geo *geo, const char *text)
{
    struct ip ip;

    assert_true(ip_parse(slice_text(text), &ip));
    return geo_find(geo, &ip);
}

static const struct geo_cell *cell(const struct geo *geo, const char *text)
{
    return &geo->cells[find(geo, text).cell];
}

static void save_bytes(const void *bytes, size_t count)
{
    FILE *out = fopen(file_path(), "wb");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, count, out), count);
    assert_int_equal(fclose(out), 0);
}

static void assert_refused(enum err expected, const char *words)
{
    struct geo *geo = NULL;
    struct diag why = { 0 };

    assert_int_equal(geo_load(file_path(), &geo, &why), expected);
    assert_null(geo);
    assert_non_null(strstr(why.text, file_path()));
    assert_non_null(strstr(why.text, words));
}

static void a_country_alone_has_its_place_from_our_table(void **)
{
    struct geo_write_entry entries[] = { of_country("10.0.0.0/8", "NZ"),
        of_country("2001:db8::/32", "NZ"), of_country("11.0.0.0/8", "IS"),
        of_country("12.0.0.0/8", "ZZ") };
    struct geo *geo = load_entries(entries, COUNT_OF(entries));

    assert_int_equal(geo->cell_count, 3);
    assert_int_equal(geo->prefix_count, 3);
    assert_string_equal(geo->kind, "waypost-City");
    assert_string_equal(cell(geo, "10.1.2.3")->country, "NZ");
    assert_true(cell(geo, "10.1.2.3")->location.is_set);
    assert_float_equal(cell(geo, "10.1.2.3")->location.latitude, -38.5, 3);
    assert_float_equal(cell(geo, "10.1.2.3")->location.longitude, 175, 3);
    assert_ptr_equal(cell(geo, "2001:db8::1"), cell(geo, "10.1.2.3"));
    assert_int_equal(find(geo, "10.1.2.3").scope_bits, 8);
    assert_int_equal(find(geo, "2001:db8::1").scope_bits, 32);
    assert_string_equal(cell(geo, "11.1.2.3")->country, "IS");
    assert_int_equal(find(geo, "12.0.0.1").cell, 0); // no country we know
    assert_int_equal(find(geo, "13.0.0.1").cell, 0);
    assert_false(geo->cells[0].location.is_set);
    geo_free(geo);
}

static void what_lies_in_one_square_is_one_cell_in_the_middle_of_its_addresses(void **)
{
    struct geo_write_entry entries[] = { placed("10.0.0.0/24", "NL", 51.2, 4.0),
        placed("10.0.1.0/24", "NL", 51.4, 4.4), placed("10.0.2.0/23", "BE", 51.1, 3.2),
        placed("10.0.4.0/24", "NL", 51.1, 3.2), placed("10.0.5.0/24", "DE", 50.9, 4.4) };
    struct geo *geo = load_entries(entries, COUNT_OF(entries));

    assert_int_equal(geo->cell_count, 3);
    assert_int_equal(find(geo, "10.0.0.1").cell, find(geo, "10.0.4.1").cell);
    assert_int_equal(find(geo, "10.0.0.1").scope_bits, 22);
    assert_int_equal(find(geo, "10.0.4.1").scope_bits, 24);
    assert_int_not_equal(find(geo, "10.0.0.1").cell, find(geo, "10.0.5.1").cell);
    // Three /24 are of the Netherlands, two of Belgium.
    assert_string_equal(cell(geo, "10.0.2.1")->country, "NL");
    assert_float_equal(cell(geo, "10.0.2.1")->location.latitude, 51.18, 1e-6);
    assert_float_equal(cell(geo, "10.0.2.1")->location.longitude, 3.6, 1e-6);
    geo_free(geo);
}

static void the_edges_of_the_globe_are_in_squares_too(void **)
{
    struct geo_write_entry entries[] = { placed("10.0.0.0/24", "", 90, 180),
        placed("10.0.1.0/24", "", -90, -180), placed("10.0.2.0/24", "", 89, -179) };
    struct geo *geo = load_entries(entries, COUNT_OF(entries));

    assert_int_equal(geo->cell_count, 3);
    assert_int_equal(find(geo, "10.0.0.1").cell, find(geo, "10.0.2.1").cell);
    assert_string_equal(cell(geo, "10.0.1.1")->country, "");
    assert_float_equal(cell(geo, "10.0.1.1")->location.latitude, -90, 1e-6);
    geo_free(geo);
}

static void where_a_leaf_is_divided_the_widest_part_decides(void **)
{
    struct geo_write_entry entries[] = { of_country("10.0.0.0/26", "DE"),
        of_country("10.0.0.128/25", "FR"), of_country("10.0.1.0/25", "ES"),
        of_country("10.0.1.128/25", "PT"), of_country("10.0.2.7/32", "IT"),
        of_country("2001:db8:0:1::/64", "JP"), of_country("2001:db8:0:8000::/50", "KR") };
    struct geo *geo = load_entries(entries, COUNT_OF(entries));

    assert_string_equal(cell(geo, "10.0.0.1")->country, "FR");
    assert_string_equal(cell(geo, "10.0.1.200")->country, "ES"); // the first of equals
    assert_string_equal(cell(geo, "10.0.2.200")->country, "IT");
    assert_int_equal(find(geo, "10.0.2.200").scope_bits, 24);
    assert_string_equal(cell(geo, "2001:db8::1")->country, "KR");
    assert_int_equal(find(geo, "2001:db8::1").scope_bits, 48);
    geo_free(geo);
}

static void ipv4_in_disguise_is_not_told_apart(void **)
{
    struct geo_write_entry entries[] = { of_country("10.0.0.0/8", "DE"),
        of_country("2001:db8::/32", "DE") };
    struct geo *geo = load_entries(entries, COUNT_OF(entries));

    assert_int_equal(geo->prefix_count, 2);
    assert_int_equal(find(geo, "2002:a00::1").cell, 0);
    assert_int_equal(find(geo, "::ffff:10.0.0.1").cell, 0);
    geo_free(geo);
}

/* Each square of the globe has a network of its own: more than there may be cells. */
static void too_many_squares_are_made_wider(void **)
{
    enum { SQUARES = 120 * 60 };
    struct geo_write_entry *entries = mem_array(SQUARES, sizeof *entries);

    for (size_t i = 0; i < SQUARES; i++) {
        struct ip ip = ip_v4(10, (uint8_t)(i / 256), (uint8_t)(i % 256), 0);

        entries[i].prefix = prefix_of(&ip, 24);
        entries[i].location =
            (struct location){ (int)(i / 120) * 3 - 88.5, (int)(i % 120) * 3 - 178.5, true };
    }
    struct geo *geo = load_entries(entries, SQUARES);

    assert_int_equal(geo->cell_count, 1 + SQUARES / 4);
    for (size_t i = 0; i < SQUARES; i++) {
        struct geo_found found = geo_find(geo, &entries[i].prefix.ip);
        const struct location *here = &geo->cells[found.cell].location;

        assert_true(found.cell > 0);
        assert_float_equal(here->latitude, entries[i].location.latitude, 1.51);
        assert_float_equal(here->longitude, entries[i].location.longitude, 1.51);
    }
    geo_free(geo);
    mem_free(entries);
}

static void equal_places_have_equal_hashes_and_others_do_not(void **)
{
    struct geo_write_entry entries[] = { of_country("10.0.0.0/9", "DE"),
        of_country("10.128.0.0/9", "DE"), of_country("11.0.0.0/8", "FR") };
    struct geo_write_entry same[] = { of_country("10.0.0.0/8", "DE"), entries[2] };
    struct geo *a = load_entries(entries, 3), *b = load_entries(same, 2);

    assert_true(a->hash == b->hash);
    geo_free(b);
    same[1] = of_country("11.0.0.0/8", "ES");
    b = load_entries(same, 2);
    assert_false(a->hash == b->hash);
    geo_free(b);
    same[1] = of_country("11.0.0.0/9", "FR");
    b = load_entries(same, 2);
    assert_false(a->hash == b->hash);
    geo_free(b);
    geo_free(a);
}

static void write_bytes(struct writer *w, int first, long second, int count)
{
    char bytes[] = { (char)first, (char)second };

    write_slice(w, slice_of(bytes, (size_t)count));
}

/*
 * One value of the format: {2 a map of two, [1 a list of one, 'text, d0.5 a double, f0.5 a float,
 * u5 a number of 16 bits, *5 a pointer to byte 5 of the data.
 */
static void encode(struct writer *w, const char *word)
{
    long count = strtol(word + 1, NULL, 10);
    double number = strtod(word + 1, NULL);
    float small = (float)number;
    uint64_t bits;
    uint32_t small_bits;

    memcpy(&bits, &number, sizeof bits);
    memcpy(&small_bits, &small, sizeof small_bits);
    bits = htobe64(bits);
    small_bits = htobe32(small_bits);
    switch (word[0]) {
    case '{': write_bytes(w, 0xe0 | (int)count, 0, 1); break;
    case '[': write_bytes(w, (int)count, 4, 2); break;
    case '*': write_bytes(w, 0x20 | (int)(count / 256), count % 256, 2); break;
    case 'u':
        write_bytes(w, 0xa2, 0, 1);
        write_bytes(w, (int)(count / 256), count % 256, 2);
        break;
    case 'd':
        write_bytes(w, 0x68, 0, 1);
        write_slice(w, slice_of(&bits, sizeof bits));
        break;
    case 'f':
        write_bytes(w, 4, 8, 2);
        write_slice(w, slice_of(&small_bits, sizeof small_bits));
        break;
    default:
        write_bytes(w, 0x40 | (int)strlen(word + 1), 0, 1);
        write_slice(w, slice_text(word + 1));
    }
}

static void encode_all(struct writer *w, const char *words)
{
    char copy[500], *rest = copy;

    snprintf(copy, sizeof copy, "%s", words);
    for (const char *word; (word = strsep(&rest, " ")) != NULL;)
        encode(w, word);
}

/* A file of one node for IPv4 alone, whose upper half leads to this value. */
static void save_record(const char *words)
{
    char file[1000];
    struct writer w = writer_on(file, sizeof file);

    write_slice(&w, SLICE("\0\0\1\0\0\x11"));
    write_slice(&w, SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    encode_all(&w, words);
    write_slice(&w, SLICE("\xab\xcd\xefMaxMind.com"));
    encode_all(&w, "{9 'binary_format_major_version u2 'binary_format_minor_version u0");
    encode_all(&w, "'build_epoch");
    write_slice(&w, SLICE("\x04\x02\x65\x92\x00\x80"));
    encode_all(
        &w, "'database_type '\x1bx! 'description {0 'ip_version u4 'languages [0 'node_count");
    write_slice(&w, SLICE("\xc1\x01"));
    encode_all(&w, "'record_size u24");
    assert_false(w.is_short);
    save_bytes(file, w.length);
}

static void assert_place(const char *country, double latitude, double longitude)
{
    struct geo *geo = load();

    assert_int_equal(geo->cell_count, 2);
    assert_int_equal(find(geo, "10.0.0.1").cell, 0);
    assert_string_equal(cell(geo, "200.0.0.1")->country, country);
    assert_float_equal(cell(geo, "200.0.0.1")->location.latitude, latitude, 1e-3);
    assert_float_equal(cell(geo, "200.0.0.1")->location.longitude, longitude, 1e-3);
    geo_free(geo);
}

static void the_fields_of_all_usual_makers_are_understood(void **)
{
    save_record("{2 'country {1 'iso_code 'FR 'location {2 'latitude d48.5 'longitude d2.25");
    assert_place("FR", 48.5, 2.25);
    save_record("{1 'registered_country {1 'iso_code 'IS");
    assert_place("IS", 64.1, -21.8);
    save_record("{3 'country_code 'DE 'latitude f50.25 'longitude f8.5");
    assert_place("DE", 50.25, 8.5);
    save_record("{4 'country 'Germany 'country_code 'DE 'lat '50.25 'lng '8.5");
    assert_place("DE", 50.25, 8.5);
    save_record("{3 'country 'FR 'latitude '48.5 'longitude '-2");
    assert_place("FR", 48.5, -2);
    save_record("{1 'country_code 'is");
    assert_place("IS", 64.1, -21.8);
    save_record("{2 'lat u3 'lng f-2.5");
    assert_place("", 3, -2.5);
}

static void coordinates_that_say_nothing_leave_it_to_the_country(void **)
{
    const char *records[] = {
        "{3 'country_code 'IS 'lat '91 'lng '1", // nowhere on the globe
        "{3 'country_code 'IS 'lat '1 'lng '-181",
        "{3 'country_code 'IS 'lat 'nan 'lng '1",
        "{3 'country_code 'IS 'lat '0 'lng '0", // what some makers write for "not known"
        "{2 'country_code 'IS 'lat '50",        // half of a place
        "{3 'country_code 'IS 'lat '50N 'lng '1",
        "{3 'country_code 'IS 'lat ' 'lng '1",
        "{2 'country_code 'IS 'location [0",
        "{3 'country_code 'IS 'lat {0 'lng '1",
        // So vague that the middle of the country's land is meant.
        "{2 'country_code 'IS 'location {3 'latitude d65 'longitude d-18 'accuracy_radius u1000",
    };

    for (size_t i = 0; i < COUNT_OF(records); i++) {
        save_record(records[i]);
        assert_place("IS", 64.1, -21.8);
    }
    save_record(
        "{2 'country_code 'IS 'location {3 'latitude d65 'longitude d-18 'accuracy_radius u500");
    assert_place("IS", 65, -18);
}

static void what_the_file_says_of_itself_is_kept_if_it_can_be_shown(void **)
{
    save_record("{1 'country_code 'IS");
    struct geo *geo = load();

    assert_string_equal(geo->kind, "-x!");
    assert_int_equal(wall_s(geo->built), 0x65920080);
    geo_free(geo);
}

static void a_file_of_something_else_says_what_is_needed(void **)
{
    save_record("{1 'autonomous_system_number u7");
    assert_refused(ERR_PARSE, "no places in it, as it is of the kind '-x!'");
    save_record("'text");
    assert_refused(ERR_PARSE, "countries or cities");
    save_record("[1 'x");
    assert_refused(ERR_PARSE, "countries or cities");
    save_record("{1 'country_code 'ZZ");
    assert_refused(ERR_PARSE, "countries or cities");
}

static void broken_data_is_refused(void **)
{
    save_record("*2047"); // behind the end
    assert_refused(ERR_PARSE, "fetch it again");
    save_record("{1 'country_code *0"); // within itself
    assert_refused(ERR_PARSE, "countries or cities");
    save_record("{2 'country *2047 'country_code 'IS");
    assert_refused(ERR_PARSE, "fetch it again");
    struct geo *geo = NULL;

    assert_int_equal(geo_load(file_path(), &geo, NULL), ERR_PARSE); // nobody asks why
}

static void overwrite(const char *bytes, size_t count)
{
    int file = open(file_path(), O_WRONLY | O_CLOEXEC);

    assert_int_equal(pwrite(file, bytes, count, 0), count);
    close(file);
}

static void a_tree_that_goes_in_circles_is_refused(void **)
{
    save_record("{1 'country_code 'IS");
    overwrite("\0\0\0", 3); // the lower half is the whole again
    assert_refused(ERR_PARSE, "broken");
    overwrite("\0\0\0\0\0\0", 6);
    assert_refused(ERR_PARSE, "broken");
    overwrite("\0\0\1\x7f\0\0", 6); // to behind the end
    assert_refused(ERR_PARSE, "broken");
}

static void what_is_no_such_file_is_named_for_what_it_is(void **)
{
    assert_refused(ERR_MISSING, "No such file");
    assert_int_equal(mkdir(file_path(), 0700), 0);
    assert_refused(ERR_PARSE, "name the .mmdb file itself");
    assert_int_equal(rmdir(file_path()), 0);
    assert_int_equal(mkfifo(file_path(), 0600), 0);
    assert_refused(ERR_PARSE, "not a file");
    unlink(file_path());
    save_bytes("", 0);
    assert_refused(ERR_PARSE, "is empty");
    save_bytes("\x1f\x8b\x08\x00\x00", 5);
    assert_refused(ERR_PARSE, "unpack it");
    save_bytes("PK\x03\x04\x00", 5);
    assert_refused(ERR_PARSE, "unpack it");
    save_bytes("network,country\n10.0.0.0/8,DE\n", 30);
    assert_refused(ERR_PARSE, "not a file of MaxMind's format");
    assert_int_equal(truncate(file_path(), (off_t)GEO_FILE_BYTES_MAX + 1), 0);
    assert_refused(ERR_LIMIT, "1 GiB");
}

static void a_file_cut_short_anywhere_is_refused(void **)
{
    struct geo_write_entry entries[] = { placed("10.0.0.0/8", "DE", 50, 8),
        of_country("2001:db8::/32", "FR") };
    struct stat about;

    file_write(entries, COUNT_OF(entries));
    assert_int_equal(stat(file_path(), &about), 0);
    for (off_t size = about.st_size - 1; size > 0; size -= size > 400 ? 7 : 1) {
        assert_int_equal(truncate(file_path(), size), 0);
        assert_refused(ERR_PARSE, "cut short");
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, file_gone)
    const struct CMUnitTest tests[] = {
        CASE(a_country_alone_has_its_place_from_our_table),
        CASE(what_lies_in_one_square_is_one_cell_in_the_middle_of_its_addresses),
        CASE(the_edges_of_the_globe_are_in_squares_too),
        CASE(where_a_leaf_is_divided_the_widest_part_decides),
        CASE(ipv4_in_disguise_is_not_told_apart),
        CASE(too_many_squares_are_made_wider),
        CASE(equal_places_have_equal_hashes_and_others_do_not),
        CASE(the_fields_of_all_usual_makers_are_understood),
        CASE(coordinates_that_say_nothing_leave_it_to_the_country),
        CASE(what_the_file_says_of_itself_is_kept_if_it_can_be_shown),
        CASE(a_file_of_something_else_says_what_is_needed),
        CASE(broken_data_is_refused),
        CASE(a_tree_that_goes_in_circles_is_refused),
        CASE(what_is_no_such_file_is_named_for_what_it_is),
        CASE(a_file_cut_short_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
