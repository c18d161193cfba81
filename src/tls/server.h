// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * TLS towards visitors: which certificate is shown to whom, and accepted streams that speak it.
 *
 * A server is made from files on whatever thread may block, and frozen. It belongs to a release;
 * connections hold it by a count, so one that was greeted under an older release goes on with what
 * it was shown. Only ticket keys outlive releases (tls/tickets.h).
 *
 * Who asks for a name is shown that name's certificate, else the wildcard's one label up, else the
 * default's; where none is left the connection ends with the alert unrecognized_name. Where there
 * are two for a name, of RSA and of ECDSA, the visitor's signature algorithms choose. One bad
 * certificate takes no other name down: each has a verdict of its own, and those that are unusable
 * are left out. An expired one is shown all the same, since to refuse is the visitor's to decide.
 *
 * TLS 1.2 at least, forward secrecy and authenticated encryption alone, no renegotiation, no early
 * data, no sessions kept on our side. HTTP/2 is offered by ALPN where the listener says so.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/slice.h"

struct stream_filter;
struct tls_server;
struct tls_tickets;

enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* A certificate and for whom it is. Several may name the same files. */
struct tls_certificate {
    const struct slice *names; // "shop.example", "*.shop.example"; ASCII case does not matter
    size_t name_count;
    struct slice cert_file; // PEM: the certificate, then those it hangs by
    struct slice key_file;  // PEM, not encrypted; empty: it is in cert_file
    struct slice ocsp_file; // DER, an OCSP response; empty: none
    bool is_default;        // for all other names, and for who tells none; the first one counts
    bool has_own_names;     // for those that stand in it too
};

/* From good to worse; what comes with more than one is told as the worst. */
enum tls_fitness {
    TLS_FITNESS_GOOD,
    TLS_FITNESS_UNSTAPLED, // shown without its OCSP response, which is no good or too old
    TLS_FITNESS_EXPIRING,  // within warn_before
    TLS_FITNESS_UNCOVERED, // valid, but not for each of its names, or for none
    TLS_FITNESS_EARLY,     // not valid yet; shown all the same
    TLS_FITNESS_EXPIRED,   // likewise
    TLS_FITNESS_UNUSABLE,  // left out: its names are served by the default, if any
};

struct tls_verdict {
    enum tls_fitness fitness;
    struct wall from, till;   // when it is valid; zero when it could not be read
    char text[DIAG_TEXT_MAX]; // with the file's name and the date; empty when good
    struct {                  // what tls_verdict_renew judges by
        enum tls_fitness fitness;
        char text[DIAG_TEXT_MAX];
        struct slice file; // the plan's
        struct span warn_before;
    } timeless;
};

struct tls_server_plan {
    const struct tls_certificate *certificates;
    size_t count;
    enum tls_version least;
    struct slice ciphers;        // of TLS 1.2, in OpenSSL's words; empty: ours
    struct slice suites;         // of TLS 1.3, likewise
    struct tls_tickets *tickets; // NULL: nobody resumes
    struct span warn_before;     // how long before its end a certificate is told as expiring
    struct slice plain_reply;    // what is said to who speaks without TLS; empty: nothing
};

/*
 * Reads all files, so it blocks. `verdicts` has room for each certificate. ERR_CONFIG, when the
 * plan itself is wrong (ciphers that do not exist): no server, and the verdicts are not filled. A
 * certificate that cannot be used is no error here; who wants it to be one looks at the verdicts.
 */
[[nodiscard]] enum err tls_server_new(const struct tls_server_plan *plan, struct wall now,
    struct tls_server **server, struct tls_verdict *verdicts, struct diag *why);

/* The verdict of a later moment, with no file read: time alone makes certificates valid, and ends
 * them. What the plan's slices lie in is still there. */
void tls_verdict_renew(struct tls_verdict *verdict, struct wall now);

/* Any thread; each connection is a use of its own. Both accept NULL. */
struct tls_server *tls_server_ref(struct tls_server *server);
void tls_server_unref(struct tls_server *server);

/* True when a visitor who asks for `name` would be shown a certificate. */
bool tls_server_knows(const struct tls_server *server, struct slice name);

#define TLS_COUNTERS(X)                                                                      \
    X(greeted_1_2, "tls_handshakes_total", "version=\"1.2\"", "TLS handshakes completed")    \
    X(greeted_1_3, "tls_handshakes_total", "version=\"1.3\"", "TLS handshakes completed")    \
    X(resumed, "tls_resumed_total", "", "TLS handshakes shortened by a ticket")              \
    X(greeted_h2, "tls_http2_total", "", "TLS handshakes that chose HTTP/2")                 \
    X(plain, "tls_failed_total", "reason=\"plain\"", "TLS handshakes that failed")           \
    X(unknown_name, "tls_failed_total", "reason=\"name\"", "TLS handshakes that failed")     \
    X(wrong_protocol, "tls_failed_total", "reason=\"alpn\"", "TLS handshakes that failed")   \
    X(wrong_version, "tls_failed_total", "reason=\"version\"", "TLS handshakes that failed") \
    X(wrong_cipher, "tls_failed_total", "reason=\"cipher\"", "TLS handshakes that failed")   \
    X(refused, "tls_failed_total", "reason=\"refused\"", "TLS handshakes that failed")       \
    X(cut, "tls_failed_total", "reason=\"cut\"", "TLS handshakes that failed")               \
    X(malformed, "tls_failed_total", "reason=\"malformed\"", "TLS handshakes that failed")

/* One for each loop, which outlives its streams. `refused`: the visitor sent an alert; `cut`: the
 * visitor went away; a handshake that we end for its slowness is not counted here. */
struct tls_counts {
    TLS_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row tls_counter_rows[];
extern const size_t tls_counter_row_count;

struct tls_accept {
    struct tls_counts *counts;
    struct wall now;
    bool has_h2; // offered, and preferred to HTTP/1.1
};

/* For stream_filter_set within a listener's accept. `open` comes when the handshake is done. */
struct stream_filter *tls_server_filter(struct tls_server *server, const struct tls_accept *how);

enum tls_protocol { TLS_PROTOCOL_HTTP_1_1, TLS_PROTOCOL_HTTP_2 };

/* Of a stream's filter that tls_server_filter made, once the stream is open. */
enum tls_protocol tls_filter_protocol(const struct stream_filter *filter);

/* Memory for what is sealed and was not taken yet, bytes. */
size_t tls_filter_sealed(const struct stream_filter *filter);

/* The name that the visitor asked for, in lower case; empty when none was told. */
struct slice tls_filter_name(const struct stream_filter *filter);

/* For people: "TLSv1.3" and "TLS_AES_128_GCM_SHA256". */
const char *tls_filter_version(const struct stream_filter *filter);
const char *tls_filter_cipher(const struct stream_filter *filter);

bool tls_filter_is_resumed(const struct stream_filter *filter);
