// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The certificates of a release: which files stand for whom, read and judged when it is loaded, so
 * that a bad one is an error at the place where it is named and never takes other sites down. Read
 * again with each reload, whether or not the configuration changed: renewed files are picked up.
 * What is told of them later is judged by the time then, and by what was read.
 *
 * Frozen; any thread reads them.
 */

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/errors.h"
#include "conf/network.h"
#include "tls/server.h"

struct admin_certificate_status;
struct metrics;

struct certificate {
    const struct site *site;             // NULL: for all names that have none, or as the rest says
    const struct certificate_more *more; // for the names in it; NULL: not one of these
    bool is_admin;                       // of the admin port
    const struct certificate_files *files;
};

enum { CERTIFICATES_WARN_DAYS = 14, CERTIFICATE_NAME_MAX = 260 };

struct certificates {
    const struct network *network;
    struct tls_server *visitors; // NULL: no certificate is given
    struct tls_server *admin;    // NULL: loopback alone
    char *token;                 // with admin; NULL: none in a file
    const struct certificate *list;
    const struct tls_verdict *verdicts; // one for each, of the moment they were read
    size_t count;
};

/*
 * Reads all files that the network names, so it blocks. NULL: `errors` has what is wrong with each
 * that cannot be used. `tickets` seal the tickets of visitors, unless the network names a file of
 * keys. The network must outlive them.
 */
[[nodiscard]] struct certificates *certificates_new(const struct network *network,
    struct tls_tickets *tickets, struct wall now, struct conf_errors *errors);

/* Accepts NULL. */
void certificates_free(struct certificates *certificates);

/* "shop.example", "certificates.NAME", "default" or "admin"; terminated; returns `text`. */
const char *certificate_name(
    const struct certificate *certificate, char text[CERTIFICATE_NAME_MAX]);

/* Whole days until the end; negative after it. */
int64_t certificate_days_left(const struct tls_verdict *verdict, struct wall now);

/* Whether visitors of the site can be greeted by HTTPS. */
bool certificates_cover(const struct certificates *certificates, const struct site *site);

/* One line each, for people, where there is any; and one for each site that none is for. */
void certificates_write(const struct certificates *certificates, struct wall now, FILE *out);

/* For status and metrics. Returns how many; `list` lies in the arena. */
size_t certificates_tell(const struct certificates *certificates, struct wall now,
    struct arena *arena, const struct admin_certificate_status **list);

/* The delivered sites that none is for. Returns how many; `list` lies in the arena. */
size_t certificates_lacking(
    const struct certificates *certificates, struct arena *arena, const struct slice **list);
void certificates_count(const struct certificates *certificates, struct metrics *metrics);

/* A warning for each that is not good at `now`. */
void certificates_warn(const struct certificates *certificates, struct wall now, struct log *log);
