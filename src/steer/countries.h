// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Countries and a place for each: near where most of its people live, rather than in the middle of
 * its land, so that a distance to it is one to its clients. One decimal of a degree is 11 km.
 *
 * The codes are those of ISO 3166-1 in two letters, and XK, which makers of files use for Kosovo.
 */

#include "base/slice.h"

enum { COUNTRIES_COUNT = 250 };

struct country {
    char code[3];
    double latitude, longitude; // degrees
};

/* Sorted by code. */
extern const struct country countries[COUNTRIES_COUNT];

/* The position in the list; COUNTRIES_COUNT where there is none of this code. Case is ignored. */
size_t country_find(struct slice code);
