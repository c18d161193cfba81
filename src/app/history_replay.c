// SPDX-License-Identifier: Apache-2.0
#include "app/history_replay.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>

#include "admin/moment.h"
#include "admin/names.h"
#include "admin/why.h"
#include "app/history_disk.h"
#include "app/root.h"
#include "base/attr.h"
#include "base/mem.h"
#include "conf/checks.h"
#include "steer/geo.h"
#include "steer/rows.h"

enum { ARENA_MAX = 64 << 20 };

struct history_replay {
    char *folder;
    struct slice node;
    /* What was played last, on rows of its own. */
    struct moment segment; // 0: nothing
    char *bytes;           // of the segment, as far as it was read
    struct past_reader reader;
    struct past_player *player;
    struct past_release of;
    struct network *network;
    struct checks *checks;
    struct steer_rows *rows;
    struct release *release; // whose geography is used; NULL: own_geo
    struct geo *own_geo;
    struct release *given;    // with the question at hand; NULL: taken
    struct release *spare[4]; // not needed any more
    size_t spare_count;
};

struct history_replay *history_replay_new(const char *folder, struct slice node)
{
    struct history_replay *r = mem_new(struct history_replay);

    r->folder = mem_text(folder, strlen(folder));
    r->node = node;
    return r;
}

static void played_forget(struct history_replay *r)
{
    past_player_free(r->player);
    mem_free(r->bytes);
    r->player = NULL;
    r->bytes = NULL;
    r->segment = (struct moment){ 0 };
    r->reader = (struct past_reader){ .at = 0 };
}

/* Releases are counted by the control thread, which asks for those that are to go. */
static void release_spare(struct history_replay *r, struct release **release)
{
    if (*release == NULL)
        return;
    assert(r->spare_count < COUNT_OF(r->spare));
    r->spare[r->spare_count++] = *release;
    *release = NULL;
}

static void rows_forget(struct history_replay *r)
{
    release_spare(r, &r->release);
    steer_rows_free(r->rows);
    checks_free(r->checks);
    network_free(r->network);
    geo_free(r->own_geo);
    r->rows = NULL;
    r->checks = NULL;
    r->network = NULL;
    r->own_geo = NULL;
    r->of = (struct past_release){ 0 };
}

void history_replay_forget(struct history_replay *replay)
{
    played_forget(replay);
    rows_forget(replay);
}

struct release *history_replay_spare(struct history_replay *replay)
{
    return replay->spare_count == 0 ? NULL : replay->spare[--replay->spare_count];
}

void history_replay_free(struct history_replay *replay)
{
    if (replay == NULL)
        return;
    history_replay_forget(replay);
    while (replay->spare_count > 0)
        release_drop(history_replay_spare(replay));
    mem_free(replay->folder);
    mem_free(replay);
}

static void refuse(struct admin_replay *q, int status, const char *code)
{
    q->refusal.status = status;
    q->refusal.code = code;
}

/* A mend that names a file of ours is none for a customer. */
static void mend_by_file(struct admin_replay *q, const char *mend, const char *path)
{
    if (q->is_of_customer)
        diag_say(&q->refusal.mend, "ask for another time");
    else
        diag_say(&q->refusal.mend, "%s %s", mend, path);
}

/* That of the release in use, or else of the file that was named then. */
static bool geo_find_again(struct history_replay *r, struct admin_replay *q, uint64_t wanted)
{
    char path[PATH_MAX];
    struct slice name = r->network->geo;

    if (r->given->geo->hash == wanted) {
        r->release = r->given;
        r->given = NULL;
        return true;
    }
    snprintf(path, sizeof path, "%.*s", SLICE_ARG(name));
    enum err err = ERR_NONE;

    if (name.length == 0)
        r->own_geo = geo_none();
    else
        err = geo_load(path, &r->own_geo, NULL);
    if (err == ERR_NONE && r->own_geo->hash == wanted)
        return true;
    refuse(q, 409, "geography");
    diag_say(&q->refusal.message, "the geography of that time, %016llx, is not there any more",
        (unsigned long long)wanted);
    mend_by_file(q, "put back the file that was then", path);
    return false;
}

/* The rows of that release, unless they are there. */
static bool rows_find(
    struct history_replay *r, struct admin_replay *q, const struct past_release *of)
{
    if (r->rows != NULL && r->of.release == of->release && r->of.geo == of->geo)
        return true;
    rows_forget(r);
    r->network = history_disk_release(r->folder, of->release);
    const struct node *self = r->network == NULL ? NULL : network_node(r->network, r->node);

    if (self == NULL) {
        refuse(q, 409, "release");
        diag_say(&q->refusal.message, "the release of that time, %016llx, cannot be read any more",
            (unsigned long long)of->release);
        mend_by_file(q, "ask for another time; its text was kept in", r->folder);
    } else if (geo_find_again(r, q, of->geo)) {
        r->checks = checks_new(r->network);
        r->rows = steer_rows_new(
            r->network, self, r->checks, r->release != NULL ? r->release->geo : r->own_geo);
        r->of = *of;
    }
    return r->rows != NULL;
}

/* The bytes of the segment as it is now, behind what was played of it. */
static bool bytes_read(struct history_replay *r, struct moment segment)
{
    size_t length = 0;
    char *bytes = NULL;

    if (history_disk_read(r->folder, segment, &bytes, &length) != ERR_NONE)
        return false;
    mem_free(r->bytes);
    r->bytes = bytes;
    r->reader.bytes = slice_of(bytes, length);
    r->segment = segment;
    return true;
}

static void refuse_gap(
    const struct history_replay *r, struct admin_replay *q, struct moment till, const char *why)
{
    char text[MOMENT_TEXT_MAX];

    refuse(q, 404, "gap");
    diag_say(&q->refusal.message, "what %.*s answered then is not known: %s after %s",
        SLICE_ARG(r->node), why, moment_text(till, text));
    diag_say(&q->refusal.mend, "ask for another time: nothing was written down until it was "
                               "started, or its disk mended");
}

/* Plays all that was until the moment; false when it is refused. */
static bool play_to(struct history_replay *r, struct admin_replay *q)
{
    struct past_record record;

    for (;;) {
        struct past_reader next = r->reader;

        if (!past_read(&next, &record)) {
            if (next.moment.us >= q->at.us)
                return true;
            refuse_gap(r, q, next.moment, "nothing was written down");
            return false;
        }
        if (record.at.us > q->at.us)
            return true;
        enum err err = past_play(r->player, &record);

        if (err != ERR_NONE) {
            refuse(q, 409, err == ERR_STALE ? "version" : "broken");
            diag_say(&q->refusal.message, "%s",
                err == ERR_STALE ? "this version of waypost plans otherwise than the one that "
                                   "answered then"
                                 : "what was written down of that time is damaged");
            diag_say(&q->refusal.mend,
                err == ERR_STALE ? "ask the version that ran then" : "ask for another time");
            played_forget(r);
            return false;
        }
        r->reader = next;
    }
}

static bool key_find(struct history_replay *r, struct admin_replay *q)
{
    struct past_reader reader = r->reader;
    struct past_record key;

    if (!past_read(&reader, &key)) {
        refuse_gap(r, q, r->segment, "nothing whole was written down");
        return false;
    }
    if (!rows_find(r, q, &key.release))
        return false;
    r->player = past_player_new(r->rows);
    return true;
}

/* Brings the state to the moment asked for; false when it is refused. */
static bool state_find(struct history_replay *r, struct admin_replay *q)
{
    struct moment segment = { 0 }, oldest = { 0 };
    char text[MOMENT_TEXT_MAX];

    if (!history_disk_find(r->folder, q->at, &segment, &oldest)) {
        refuse(q, 404, "past");
        if (oldest.us == 0)
            diag_say(
                &q->refusal.message, "nothing was kept of what %.*s answered", SLICE_ARG(r->node));
        else
            diag_say(&q->refusal.message,
                "what %.*s answered then is not kept; the oldest is of %s", SLICE_ARG(r->node),
                moment_text(oldest, text));
        diag_say(&q->refusal.mend, "set `history` to keep more, for the next time");
        return false;
    }
    if (r->segment.us != segment.us || r->player == NULL || r->reader.moment.us > q->at.us)
        played_forget(r);
    if (!bytes_read(r, segment)) {
        played_forget(r);
        refuse_gap(r, q, segment, "its file cannot be read");
        return false;
    }
    if (r->player == NULL && !key_find(r, q)) {
        played_forget(r);
        return false;
    }
    return play_to(r, q);
}

/* Another customer's site is answered as one that is not there. */
static const struct site *site_find(const struct history_replay *r, const struct admin_replay *q)
{
    const struct site *site = admin_site_find(r->network, q->question.name);

    return site != NULL && q->is_of_customer && !slice_equal(site->customer->name, q->customer)
               ? NULL
               : site;
}

static void explain(const struct history_replay *r, struct admin_replay *q)
{
    const struct site *site = site_find(r, q);
    struct admin_why why = { .network = r->network,
        .rows = r->rows,
        .map = past_player_map(r->player),
        .is_past = true,
        .at = q->at,
        .now = { q->at.us / 1000 } };
    struct arena arena;

    if (site == NULL) {
        refuse(q, 404, "site");
        diag_say(&q->refusal.message, "there was no site \"%.*s\" in this network then",
            SLICE_ARG(slice_head(q->question.name, 255)));
        diag_say(&q->refusal.mend, "`waypost status` lists the sites there are now");
        return;
    }
    arena_init(&arena, ARENA_MAX);
    why.why = steer_why(&arena, r->rows, steer_row_of(r->rows, site), why.map, &q->question.client);
    admin_why_write(&why, &q->body);
    arena_done(&arena);
}

void history_replay_answer(
    struct history_replay *replay, struct admin_replay *question, struct release *release)
{
    replay->given = release;
    if (state_find(replay, question))
        explain(replay, question);
    release_spare(replay, &replay->given);
}
