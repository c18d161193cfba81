// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Measures what the checks of a release ask for, at their intervals, on one loop. Results go to
 * the user as they come; nobody is told anything by this part beyond that.
 *
 * Each check has a phase of its own (from its id and the seed), and each interval is up to a tenth
 * shorter than asked for, so that neither checks nor nodes march in step. A check may rest: be
 * probed at a longer interval than its own. Then a miss is confirmed as quickly as ever, and so is
 * the return of a target that was down: from its first success on its own interval holds.
 *
 * Usually a check has one probe under way. A miss is confirmed by more of them PROBE_CONFIRM_MS
 * apart, each with the check's whole timeout, until `fall` in a row have missed, silence counting
 * half, or one is answered (probe/health.h). They wait neither for each other nor, where the target
 * has always been quicker, for the timeout of the first: one that takes twice as long as usual is
 * in doubt. So with every 1 s, timeout 800 ms and fall 4, a target that falls silent is down in
 * 2.5 s, one that refuses in 1.35 s. What is under way when a later probe is answered is still
 * reported when it misses, but counts no more for the verdict.
 *
 * An alarm says that others have stopped hearing the target. Then confirming begins at once, with
 * timeouts of PROBE_ALARM_TIMEOUT_MS, and silence is a whole miss: there has been silence already.
 * So with fall 4 a target that is silent is down 0.7 s after the alarm. An answer ends it.
 *
 * Limits: an answer is read to PROBE_BODY_MAX bytes, redirects are not followed, a probe ends at
 * its check's timeout whatever comes; of one check at most PROBE_CONFIRM_MAX are under way, of all
 * PROBES_IN_FLIGHT_MAX; others wait for their next turn and are counted.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/err.h"
#include "conf/checks.h"
#include "probe/health.h"
#include "wire/load_metrics.h"

struct loop;
struct ping_counts;
struct probes;

enum {
    PROBE_BODY_MAX = 64 * 1024,
    PROBE_CONFIRM_MS = 100,
    PROBE_CONFIRM_MAX = 8,
    PROBE_SPREAD_MS = 500, // within which all new checks have their first probe
    PROBE_HURRY_MS = 1000, // between two probes of one check that were hurried, or two alarms
    PROBE_ALARM_TIMEOUT_MS = 400, // or twice what the target usually takes; never above the check's
    PROBES_IN_FLIGHT_MAX = 4096,
};

enum probe_outcome {
    PROBE_OK,
    PROBE_REFUSED,     // nobody listens
    PROBE_TIMEOUT,     // nothing, or not all of it, within the check's timeout
    PROBE_UNREACHABLE, // no way there, reset on the way
    PROBE_STATUS,      // another status, or FTP reply code, than is expected; redirects too
    PROBE_MISMATCH,    // the body lacks what must be in it
    PROBE_PROTOCOL,    // not what the protocol allows
    PROBE_TLS,         // handshake or certificate
    PROBE_TOO_LONG,    // the body passes PROBE_BODY_MAX without what must be in it
    PROBE_DENIED,      // it could not be sent from here (rights, descriptors): tells nothing of
                       // the target, and counts neither for nor against it
    PROBE_OUTCOME_COUNT,
};

struct probe_result {
    const struct check *check; // good for the call
    enum probe_outcome outcome;
    uint16_t status;      // of HTTP and FTP, as far as it came; else 0
    bool has_latency;     // a round trip was seen
    struct span latency;  // TCP: to the connection's opening; ICMP: to the echo
    struct span response; // with PROBE_OK, from the start to the end of the answer
    struct load_metrics load;
    struct instant now;
    struct wall at;
};

struct probe_user;

struct probe_user_ops {
    void (*result)(struct probe_user *user, const struct probe_result *result);
    /* The verdict changed, or the first one is reached. After `result` of the probe that did it. */
    void (*verdict)(struct probe_user *user, const struct check *check, bool is_up);
};

struct probe_user {
    const struct probe_user_ops *ops;
};

#define PROBE_COUNTERS(X)                                                                         \
    X(sent, "probe_sent_total", "", "Probes sent")                                                \
    X(ok, "probe_results_total", "outcome=\"ok\"", "Probes by outcome")                           \
    X(refused, "probe_results_total", "outcome=\"refused\"", "Probes by outcome")                 \
    X(timeout, "probe_results_total", "outcome=\"timeout\"", "Probes by outcome")                 \
    X(unreachable, "probe_results_total", "outcome=\"unreachable\"", "Probes by outcome")         \
    X(status, "probe_results_total", "outcome=\"status\"", "Probes by outcome")                   \
    X(mismatch, "probe_results_total", "outcome=\"mismatch\"", "Probes by outcome")               \
    X(protocol, "probe_results_total", "outcome=\"protocol\"", "Probes by outcome")               \
    X(tls, "probe_results_total", "outcome=\"tls\"", "Probes by outcome")                         \
    X(too_long, "probe_results_total", "outcome=\"too_long\"", "Probes by outcome")               \
    X(denied, "probe_results_total", "outcome=\"denied\"", "Probes by outcome")                   \
    X(alarms, "probe_alarms_total", "", "Targets looked for at once, as others do not hear them") \
    X(load_wrong, "probe_load_wrong_total", "", "Load metrics that could not be understood")      \
    X(limited, "probe_limited_total", "", "Probes put off: too many under way")

struct probe_counts {
    PROBE_COUNTERS(COUNTER_FIELD)
};

extern const struct counter_row probe_counter_rows[];
extern const size_t probe_counter_row_count;

/* `seed` sets the phases. The user must outlive the probes, and frees them or changes the checks
 * only outside its callbacks. */
struct probes *probes_new(struct loop *loop, uint64_t seed, struct probe_user *user);

/* Ends what is under way; calls back no more. Accepts NULL. */
void probes_free(struct probes *probes);

/*
 * Measures these from now on; in place of those before, of which checks with the same id go on as
 * they are, verdict and probes under way included; those of the others are ended. New ones are
 * probed at once, spread over PROBE_SPREAD_MS. The checks are the caller's and outlive their use.
 * `intervals`: how far apart probes of each are to be, by position, at least its own interval;
 * copied; NULL: all at their own.
 */
void probes_use(struct probes *probes, const struct checks *checks, const struct span *intervals);

/* Traffic has just failed there, or others found it otherwise: the next probe is due now, unless it
 * is known to be down and does not rest. As often as one likes; most calls change nothing
 * (PROBE_HURRY_MS). */
void probes_hurry(struct probes *probes, uint32_t check);

/* Others have stopped hearing it: is it there? Found out from now on, unless it is known to be
 * down. As often as one likes: within PROBE_HURRY_MS of an alarm another one changes nothing. */
void probes_alarm(struct probes *probes, uint32_t check);

/* What is known of a check. */
struct probe_state {
    enum health_verdict verdict;
    struct wall since;          // of the verdict; 0 while there is none
    bool has_outcome;           // the rest is there
    enum probe_outcome outcome; // of the newest probe that ended
    uint16_t status;            // that came with it; else 0
    struct wall at;
    uint32_t rise; // always there: successes in a row that bring it up when it is down
};

/* By position, in the newest release that probes_use was given. */
struct probe_state probes_state(const struct probes *probes, uint32_t check);

/* Every check in use has had its first verdict, or cannot be probed from here. */
bool probes_are_settled(const struct probes *probes);

const struct probe_counts *probes_counts(const struct probes *probes);
const struct ping_counts *probes_ping_counts(const struct probes *probes);

/* "timeout": as in metrics and /api/v1. */
const char *probe_outcome_text(enum probe_outcome outcome);
