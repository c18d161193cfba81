// SPDX-License-Identifier: Apache-2.0
/* Any file either loads or is refused; what loads keeps the promises of steer/geo.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "steer/geo.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
const char *leaks_accepted(void) __asm__("__lsan_default_suppressions");

/* The library (1.7) forgets some 4 KiB where a file's list of languages is broken. */
const char *leaks_accepted(void)
{
    return "leak:libmaxminddb";
}

static void require(bool claim)
{
    if (!claim)
        abort();
}

static void check(const struct geo *geo)
{
    require(geo->cell_count > 1 && geo->cell_count <= GEO_CELLS_MAX && geo->prefix_count > 0);
    require(!geo->cells[0].location.is_set);
    for (size_t i = 1; i < geo->cell_count; i++) {
        const struct location *here = &geo->cells[i].location;

        require(here->is_set && here->latitude >= -90 && here->latitude <= 90);
        require(here->longitude >= -180 && here->longitude <= 180);
    }
    for (uint64_t i = 0; i < 64; i++) {
        uint64_t bits = hash_mix(geo->hash + i);
        struct ip ip = { .family = i % 2 ? IP_V4 : IP_V6 };

        for (size_t at = 0; at < ip_size(&ip) && at < sizeof bits; at++)
            ip.bytes[at] = (uint8_t)(bits >> 8 * at);
        struct geo_found found = geo_find(geo, &ip);

        require(found.cell < geo->cell_count);
        require(found.scope_bits <= (ip.family == IP_V4 ? 24 : 48));
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char path[40];
    struct geo *geo = NULL;
    struct diag why = { 0 };
    int file = memfd_create("fuzz", MFD_CLOEXEC);

    require(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    enum err err = geo_load(path, &geo, &why);

    close(file);
    require((err == ERR_NONE) == (geo != NULL));
    require(err == ERR_NONE || why.text[0] != '\0');
    if (geo != NULL)
        check(geo);
    geo_free(geo);
    return 0;
}
