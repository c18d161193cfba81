// SPDX-License-Identifier: Apache-2.0
#include "app/hearing.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/loop.h"
#include "steer/observer.h"
#include "steer/peers.h"
#include "steer/view.h"
#include "wire/digest.h"

enum { DIGEST_MAX = DIGEST_HEADER_SIZE + DIGEST_REPORTS_MAX * DIGEST_REPORT_SIZE };

static_assert(DIGEST_MAX <= (int)BUS_PAYLOAD_MAX, "the bus carries the longest digest");

struct hearing {
    struct bus_user user;
    struct bus *bus; // NULL: alone
    struct loop *loop;
    struct log *log;
    struct observer *observer;
    struct view *view;
    struct peers *peers;
    const struct checks *checks;
    char *name;
    struct digest head; // of the next digest
    struct digest_writer writer;
    struct instant told_all;
    bool owes_all, is_lost;
    struct hearing_counts counts;
    char bytes[DIGEST_MAX]; // of the digest being made
};

#define COUNTER_ROW_OF_HEARING(field, name, labels, help) \
    COUNTER_ROW(struct hearing_counts, field, name, labels, help),

const struct counter_row hearing_counter_rows[] = { HEARING_COUNTERS(COUNTER_ROW_OF_HEARING) };
const size_t hearing_counter_row_count = COUNT_OF(hearing_counter_rows);

static void count_dropped(struct hearing *h, enum peers_verdict verdict, struct slice from)
{
    switch (verdict) {
    case PEERS_TWIN:
        counter_up(&h->counts.twin);
        log_remote(h->log, loop_wall(h->loop), "bus", "twin node=%s", h->name);
        break;
    case PEERS_UNKNOWN: counter_up(&h->counts.unknown); break;
    case PEERS_IMPOSTOR:
        counter_up(&h->counts.impostor);
        log_remote(h->log, loop_wall(h->loop), "bus", "impostor node=%s from=\"%.*s\"", h->name,
            SLICE_ARG(from));
        break;
    case PEERS_FUTURE: counter_up(&h->counts.future); break;
    case PEERS_REPLAYED: counter_up(&h->counts.replayed); break;
    case PEERS_HEARD:
    case PEERS_RETURNED:
    case PEERS_VERDICT_COUNT: assert(false);
    }
}

static void take_all(struct hearing *h, const struct digest *digest)
{
    struct report report;

    for (size_t at = 0; digest_next(digest, &at, &report);) {
        if (checks_find(h->checks, report.check) == CHECK_NONE)
            counter_up(&h->counts.foreign);
        else
            (void)view_take(h->view, &report, loop_wall(h->loop)); // which counts what it refuses
    }
}

static void on_message(
    struct bus_user *user, enum bus_lane lane, struct slice from, struct slice payload)
{
    struct hearing *h = container_of(user, struct hearing, user);
    struct digest digest;

    if (lane != BUS_REPORTS)
        return;
    if (!digest_parse(payload, &digest)) {
        counter_up(&h->counts.malformed);
        return;
    }
    enum peers_verdict verdict =
        peers_hear(h->peers, from, &digest, loop_wall(h->loop), loop_now(h->loop));

    if (verdict != PEERS_HEARD && verdict != PEERS_RETURNED) {
        count_dropped(h, verdict, from);
        return;
    }
    h->owes_all |= verdict == PEERS_RETURNED;
    counter_up(&h->counts.taken);
    take_all(h, &digest);
}

static void on_linked(struct bus_user *user, bool is_linked, const char *why)
{
    struct hearing *h = container_of(user, struct hearing, user);

    if (!is_linked)
        log_line(h->log, LOG_WARNING, "bus", "lost node=%s reason=\"%s\"", h->name,
            why == NULL ? "" : why);
    else if (h->is_lost)
        log_line(h->log, LOG_INFO, "bus", "back node=%s", h->name);
    h->is_lost = !is_linked;
    h->owes_all |= is_linked;
}

static const struct bus_user_ops USER_OPS = { .message = on_message, .linked = on_linked };

static void digest_open(struct hearing *h)
{
    h->head.at = loop_wall(h->loop);
    digest_begin(&h->writer, h->bytes, sizeof h->bytes, &h->head);
    h->head.sequence++;
}

static void digest_send(struct hearing *h)
{
    counter_up(&h->counts.told);
    counter_add(&h->counts.told_reports, h->writer.count);
    bus_publish(h->bus, BUS_REPORTS, digest_end(&h->writer));
}

/* What was measured before the clock was set back would look new at each telling. */
static void tell_others(struct hearing *h, const struct report *report)
{
    if (report->at.ms > h->head.at.ms || report->at.ms < h->head.at.ms - VIEW_KEPT_MS)
        return;
    if (digest_add(&h->writer, report))
        return;
    digest_send(h);
    digest_open(h);
    bool has_room = digest_add(&h->writer, report);

    assert(has_room);
}

static void tell_again(void *to, const struct report *report)
{
    tell_others(to, report);
}

static void tell_self(void *to, const struct report *report)
{
    struct hearing *h = to;

    (void)view_take(h->view, report, loop_wall(h->loop));
}

static void tell_news(void *to, const struct report *report)
{
    tell_self(to, report);
    tell_others(to, report);
}

/* Also where nothing is new, so that others know it for present. */
static void tell(struct hearing *h)
{
    struct instant now = loop_now(h->loop);
    bool is_all = h->owes_all || instant_since(h->told_all, now).ns >= HEARING_ALL.ns;

    digest_open(h);
    observer_report(h->observer, is_all ? tell_self : tell_news, h);
    if (is_all) {
        observer_each(h->observer, tell_again, h);
        h->told_all = now;
        h->owes_all = false;
    }
    digest_send(h);
}

void hearing_tell(struct hearing *hearing)
{
    if (hearing->bus == NULL)
        observer_report(hearing->observer, tell_self, hearing);
    else
        tell(hearing);
}

struct hearing *hearing_new(const struct hearing_plan *plan)
{
    struct hearing *h = mem_new(struct hearing);

    h->user.ops = &USER_OPS;
    h->loop = plan->loop;
    h->log = plan->log;
    h->observer = plan->observer;
    h->view = plan->view;
    h->peers = peers_new(plan->name);
    h->name = mem_text(plan->name.at, plan->name.length);
    h->head = (struct digest){ .observer = hash_bytes(plan->name, 0), .boot = plan->boot };
    h->owes_all = true;
    return h;
}

void hearing_free(struct hearing *hearing)
{
    if (hearing == NULL)
        return;
    bus_free(hearing->bus);
    peers_free(hearing->peers);
    mem_free(hearing->name);
    mem_free(hearing);
}

struct bus_user *hearing_user(struct hearing *hearing)
{
    return &hearing->user;
}

void hearing_join(struct hearing *hearing, struct bus **bus)
{
    assert(hearing->bus == NULL);
    hearing->bus = *bus;
    *bus = NULL;
}

void hearing_use(
    struct hearing *hearing, const struct network *network, const struct checks *checks)
{
    peers_use(hearing->peers, network);
    hearing->checks = checks;
}

const struct bus *hearing_bus(const struct hearing *hearing)
{
    return hearing->bus;
}

const struct hearing_counts *hearing_counts(const struct hearing *hearing)
{
    return &hearing->counts;
}
