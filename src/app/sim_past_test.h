// SPDX-License-Identifier: Apache-2.0
#pragma once

/* For tests: a node that notes its past, what it said at each moment, and questions about it. */

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/why.h"
#include "app/history.h"
#include "app/sim_reload_test.h"
#include "app/sim_steer_test.h"

enum { CLIENTS = 6, MOMENTS_MAX = 400, SITES = 3 };

#define SITE_ROWS(ttl)                                                                            \
    STEERED_NETWORK "      www.test: {steer: [one, two], ttl: " ttl ", probe: {http: /health}}\n" \
                    "      share.test: {steer: [two, one], policy: weighted, probe: "             \
                    "{http: /health}}\n"                                                          \
                    "      static.test: {deliver: [one, two]}\n"

static const char FIRST[] = SITE_ROWS("5s"), SECOND[] = SITE_ROWS("9s");
static const char *const NAMES[SITES] = { "www.test", "share.test", "static.test" };

/* What was said at a moment, to one of the clients. */
struct noted {
    struct moment at;
    size_t site, client;
    char *said;
};

struct past {
    struct world *w;
    char folder[64];
    struct history *history;
    struct noted noted[MOMENTS_MAX];
    size_t count;
    struct admin_replay *told; // by the history, of the newest question
};

static inline struct ip client_at(size_t at)
{
    return ip_v4(198, 51, (uint8_t)at, 7);
}

static inline char *text_of(struct text *text)
{
    char *copy = mem_text(text->at, text->length);

    text_done(text);
    return copy;
}

/* As the node's root has it now. */
static inline char *said_now(struct past *p, size_t site, size_t client)
{
    const struct root *root = node_root(p->w->node);
    const struct ip ip = client_at(client);
    struct admin_why why = { .network = root->network,
        .rows = root->rows,
        .map = root_map(root),
        .is_past = true,
        .at = loop_moment(p->w->control) };
    struct arena arena;
    struct text text;

    why.now = (struct wall){ why.at.us / 1000 };
    arena_init(&arena, SIZE_MAX);
    text_init(&text, 1 << 20);
    why.why = steer_why(&arena, root->rows,
        steer_row_of(root->rows, network_site(root->network, slice_text(NAMES[site]))), why.map,
        &ip);
    admin_why_write(&why, &text);
    arena_done(&arena);
    return text_of(&text);
}

static inline void note_now(struct past *p)
{
    size_t at = p->count % (SITES * CLIENTS);

    assert_true(p->count < MOMENTS_MAX);
    p->noted[p->count++] = (struct noted){ .at = loop_moment(p->w->control),
        .site = at % SITES,
        .client = at / SITES,
        .said = said_now(p, at % SITES, at / SITES) };
}

static inline void on_told(void *to, struct admin_replay *replay)
{
    struct past *p = to;

    p->told = replay;
}

struct told {
    struct sim_wish wish;
    const struct past *p;
};

static inline bool is_told(struct sim_wish *wish)
{
    return container_of(wish, struct told, wish)->p->told != NULL;
}

/* Has the question answered, which is made whole. */
static inline void ask_past(
    struct past *p, const struct noted *noted, struct admin_replay *question)
{
    struct told told = { { is_told }, p };

    question->at = noted->at;
    question->question.name = slice_text(NAMES[noted->site]);
    question->question.client = client_at(noted->client);
    text_init(&question->body, 1 << 20);
    p->told = NULL;
    assert_int_equal(
        history_ask(p->history, question, node_root(p->w->node)->release, on_told, p), ERR_NONE);
    assert_true(sim_run_until(p->w->sim, &told.wish, span_s(5)));
}

/* The answer to a question, or the code of its refusal. */
static inline char *replay(struct past *p, const struct noted *noted)
{
    struct admin_replay question = { 0 };

    ask_past(p, noted, &question);
    if (question.refusal.status == 0)
        return text_of(&question.body);
    assert_true(question.refusal.message.text[0] != '\0' && question.refusal.mend.text[0] != '\0');
    text_done(&question.body);
    return mem_text(question.refusal.code, strlen(question.refusal.code));
}

static inline void check(struct past *p, const struct noted *noted)
{
    char *said = replay(p, noted);
    size_t at = 0;

    while (said[at] != '\0' && said[at] == noted->said[at])
        at++;
    if (said[at] != noted->said[at]) // longer than what cmocka shows
        fail_msg("%lld: replayed as %.200s, and was %.200s", (long long)noted->at.us,
            said + (at > 80 ? at - 80 : 0), noted->said + (at > 80 ? at - 80 : 0));
    mem_free(said);
}

static inline void check_refused(struct past *p, struct moment at, const char *code)
{
    char *said = replay(p, &(struct noted){ .at = at });

    assert_string_equal(said, code);
    mem_free(said);
}

static inline void history_open(struct past *p)
{
    p->history = history_new(&(struct history_plan){ .loop = p->w->control,
        .pool = p->w->pool,
        .log = &p->w->log,
        .node = p->w->node,
        .folder = p->folder });
    steering_remember(p->w->steering[0], p->history);
}

static inline void past_open(struct past *p, uint64_t seed)
{
    *p = (struct past){ .w = world_prepared(seed, FIRST), .folder = "/tmp/waypost-past-XXXXXX" };
    assert_non_null(mkdtemp(p->folder));
    world_steer(p->w);
    history_open(p);
}

static inline void folder_empty(const char *folder)
{
    DIR *dir = opendir(folder);
    char path[512];

    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    rmdir(folder);
}

static inline void past_close(struct past *p)
{
    for (size_t i = 0; i < p->count; i++)
        mem_free(p->noted[i].said);
    history_free(p->history);
    steering_remember(p->w->steering[0], NULL);
    world_close(p->w);
    folder_empty(p->folder);
}
