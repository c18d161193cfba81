// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "steer/countries.h"
#include "steer/geo_record_priv.h"

static const double NO_NUMBER = (double)NAN;

enum { NUMBER_TEXT_MAX = 32, RADIUS_KM_MAX = 500 };

#define PATH(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What lies at a path of names; false where nothing does. */
static bool field_at(
    MMDB_entry_s *entry, const char *const *path, MMDB_entry_data_s *field, enum err *err)
{
    int status = MMDB_aget_value(entry, field, path);

    if (status == MMDB_SUCCESS)
        return field->has_data;
    // A record may have text or a list where another has names: then the path leads nowhere.
    if (status != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR &&
        status != MMDB_INVALID_LOOKUP_PATH_ERROR)
        *err = ERR_PARSE;
    return false;
}

static bool number_in(struct slice text, double *number)
{
    char copy[NUMBER_TEXT_MAX], *end;

    if (text.length == 0 || text.length >= sizeof copy)
        return false;
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    *number = strtod(copy, &end);
    return end == copy + text.length;
}

/* NO_NUMBER where there is none. */
static double number_at(MMDB_entry_s *entry, const char *const *path, enum err *err)
{
    MMDB_entry_data_s field;
    double number;

    if (!field_at(entry, path, &field, err))
        return NO_NUMBER;
    switch (field.type) {
    case MMDB_DATA_TYPE_DOUBLE: return field.double_value;
    case MMDB_DATA_TYPE_FLOAT: return (double)field.float_value;
    case MMDB_DATA_TYPE_INT32: return field.int32;
    case MMDB_DATA_TYPE_UINT16: return field.uint16;
    case MMDB_DATA_TYPE_UINT32: return field.uint32;
    case MMDB_DATA_TYPE_UTF8_STRING:
        return number_in(slice_of(field.utf8_string, field.data_size), &number) ? number
                                                                                : NO_NUMBER;
    default: return NO_NUMBER;
    }
}

static struct location location_of(double latitude, double longitude)
{
    // Some makers write 0, 0 for "not known"; nobody lives there.
    bool is_set =
        fabs(latitude) <= 90 && fabs(longitude) <= 180 && (latitude != 0 || longitude != 0);

    return is_set ? (struct location){ latitude, longitude, true } : (struct location){ 0 };
}

static struct location read_location(MMDB_entry_s *entry, enum err *err)
{
    static const char *const paths[][2][3] = {
        { { "location", "latitude" }, { "location", "longitude" } },
        { { "latitude" }, { "longitude" } },
        { { "lat" }, { "lng" } },
    };

    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        double latitude = number_at(entry, paths[i][0], err);

        if (isnan(latitude))
            continue;
        return location_of(latitude, number_at(entry, paths[i][1], err));
    }
    return (struct location){ 0 };
}

static size_t read_country(MMDB_entry_s *entry, enum err *err)
{
    static const char *const paths[][3] = {
        { "country", "iso_code" },
        { "country_code" },
        { "country" }, // after the code: it may be a name in full there
        { "registered_country", "iso_code" },
    };
    size_t country = COUNTRIES_COUNT;

    for (size_t i = 0; i < COUNT_OF(paths) && country == COUNTRIES_COUNT; i++) {
        MMDB_entry_data_s field;

        if (field_at(entry, paths[i], &field, err) && field.type == MMDB_DATA_TYPE_UTF8_STRING)
            country = country_find(slice_of(field.utf8_string, field.data_size));
    }
    return country;
}

enum err geo_record_read(MMDB_entry_s entry, struct geo_record *record)
{
    enum err err = ERR_NONE;
    struct geo_record read = { .country = read_country(&entry, &err) };

    read.location = read_location(&entry, &err);
    // Coordinates as vague as this are the middle of a country's land; ours is nearer its people.
    if (read.country != COUNTRIES_COUNT && read.location.is_set &&
        number_at(&entry, PATH("location", "accuracy_radius"), &err) > RADIUS_KM_MAX)
        read.location.is_set = false;
    if (err == ERR_NONE)
        *record = read;
    return err;
}
