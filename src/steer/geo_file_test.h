// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Files for the tests of reading and writing them: a name of their own, and bytes. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "steer/geo_write.h"

static const char *file_path(void)
{
    static char path[100];

    if (path[0] == '\0')
        snprintf(path, sizeof path, "/tmp/waypost-geo-%d.mmdb", (int)getpid());
    return path;
}

static int file_gone(void **)
{
    unlink(file_path());
    return 0;
}

static struct geo_write_entry placed(
    const char *prefix, const char *country, double latitude, double longitude)
{
    struct geo_write_entry entry = { .location = { latitude, longitude, true } };

    snprintf(entry.country, sizeof entry.country, "%s", country);
    assert_true(prefix_parse(slice_text(prefix), &entry.prefix));
    return entry;
}

static struct geo_write_entry of_country(const char *prefix, const char *country)
{
    struct geo_write_entry entry = placed(prefix, country, 0, 0);

    entry.location.is_set = false;
    return entry;
}

static void file_write(const struct geo_write_entry *entries, size_t count)
{
    struct diag why;

    assert_int_equal(geo_write(file_path(), entries, count, &why), ERR_NONE);
}
