// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A digest: reports of one observer, as bytes for the bus. Numbers are big-endian and of fixed
 * size, so that reading is checking; unknown versions are refused, unknown kinds of report passed
 * over. Pure.
 *
 *     "wpd" version(1)  observer(8) boot(8) sequence(8) at_ms(8) count(4)
 *     then for each report: check(8) kind(1) value(8) spread(8) evidence(4) age_ms(4)
 *
 * Times are milliseconds; `age_ms` is before `at_ms`, so that no report is younger than its digest.
 * `boot` is drawn at each start of the observer and `sequence` counts its digests, so that a
 * replayed or overtaken one is known for what it is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"
#include "wire/report.h"

enum { DIGEST_HEADER_SIZE = 40, DIGEST_REPORT_SIZE = 33, DIGEST_REPORTS_MAX = 15000 };

struct digest {
    uint64_t observer, boot, sequence;
    struct wall at; // when it was made, by its maker's clock
    size_t count;
    struct slice reports; // still in bytes
};

/* Begins; then one call for each report; `room` is at least DIGEST_HEADER_SIZE. */
struct digest_writer {
    char *out;
    size_t room, used;
    struct wall at;
    uint32_t count;
};

void digest_begin(struct digest_writer *writer, char *out, size_t room, const struct digest *head);

/* False: no room left, or DIGEST_REPORTS_MAX: the digest stands without it. The report is sane; its
 * age is kept within 0 and what four bytes hold. */
bool digest_add(struct digest_writer *writer, const struct report *report);

/* Good as long as `out` is. */
struct slice digest_end(struct digest_writer *writer);

/* False: not a digest, cut short, or longer than it says. The reports are those of `bytes`. */
bool digest_parse(struct slice bytes, struct digest *digest);

/* The next report from `at` (0 to begin with); false at the end. Ranges are the receiver's to
 * check (report_is_sane). */
bool digest_next(const struct digest *digest, size_t *at, struct report *report);
