// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Writes a file of MaxMind's format: for the demo, which has a world of its own, for tests, and for
 * whoever has prefixes of their own to place. Fields are those of MaxMind's country and city
 * files; IPv4 lies at ::/96, and is found under 6to4 and mapped addresses too, as in those.
 */

#include "base/addr.h"
#include "base/err.h"
#include "conf/network.h"

enum { GEO_WRITE_NODES_MAX = 1 << 24 };

struct geo_write_entry {
    struct prefix prefix;
    char country[3];          // ISO 3166; empty: not said
    struct location location; // not set: not said
};

/*
 * A longer prefix goes before a shorter one, of equal ones the later counts. The file is there as
 * a whole or not at all; one of that name is replaced. Equal entries, equal bytes.
 * ERR_LIMIT: more nodes than GEO_WRITE_NODES_MAX. Others as the file system says.
 */
[[nodiscard]] enum err geo_write(
    const char *path, const struct geo_write_entry *entries, size_t count, struct diag *why);
