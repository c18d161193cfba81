// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What a record of a geography file says of a place, whichever of the usual makers wrote it:
 *
 *     MaxMind, DB-IP       location.latitude, location.longitude, country.iso_code,
 *                          registered_country.iso_code
 *     ip-location-db       latitude, longitude, country_code
 *     IPinfo               lat, lng (or latitude, longitude) as text; country or country_code
 */

#include <maxminddb.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/network.h"

struct geo_record {
    size_t country;           // position in the list of countries; COUNTRIES_COUNT: not known
    struct location location; // not set: not said, or too uncertain to be better than the country
};

/* Fields that are not there, or not of a kind we know, are not said. ERR_PARSE: broken data. */
[[nodiscard]] enum err geo_record_read(MMDB_entry_s entry, struct geo_record *record);
