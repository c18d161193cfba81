// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the settings say of HTTPS: which files prove who we are, to visitors and to operators.
 * Paths are as written; whoever reads the files says what is wrong with them (app/certificates.h),
 * at the place where they were named.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/slice.h"
#include "conf/place.h"
#include "conf/token.h"

/* A certificate with its chain, its key, and perhaps its issuer's word that it still holds. */
struct certificate_files {
    struct slice cert, key, ocsp; // cert and key empty: none is given; ocsp empty: none
    struct conf_place at;         // of `cert`; the file's name is the network's
};

/* One for the names that stand in it. */
struct certificate_more {
    struct slice name; // of ours, for people
    struct certificate_files files;
};

enum tls_oldest { TLS_OLDEST_1_2, TLS_OLDEST_1_3 };

/* Of all nodes. */
struct network_tls {
    enum tls_oldest oldest;
    struct slice ciphers;              // of TLS 1.2, in OpenSSL's words; empty: the usual ones
    struct conf_place ciphers_at;      // of `ciphers`
    struct slice tickets;              // file of keys that nodes share; empty: each has its own
    struct conf_place tickets_at;      // of `tickets`
    struct certificate_files standard; // for names without one of their own
    const struct certificate_more *more;
    size_t more_count;
};

/* Of a deliver site. */
struct site_https {
    struct certificate_files files; // empty: the network's, if any
    bool is_only;                   // plain requests are sent to https
    bool has_hsts, hsts_subdomains; // browsers are told to come by HTTPS alone ...
    struct span hsts;               // ... for so long; 0: no more
};

/* How the admin face is asked from afar; without it, from the machine itself alone. */
struct network_admin {
    struct certificate_files files; // empty: loopback alone
    struct slice token;             // file of an operator's; empty: none
    struct conf_place token_at;
    const struct token *tokens; // of operators
    size_t token_count;
};

static inline bool certificate_is_given(const struct certificate_files *files)
{
    return files->cert.length > 0;
}
