// SPDX-License-Identifier: Apache-2.0
/* A node's past: whatever happens to it, what it answered is answered again, or said to be lost. */
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/why.h"
#include "app/history.h"
#include "app/sim_reload_test.h"
#include "app/sim_steer_test.h"
#include "steer/drains.h"

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

static struct ip client_at(size_t at)
{
    return ip_v4(198, 51, (uint8_t)at, 7);
}

static char *text_of(struct text *text)
{
    char *copy = mem_text(text->at, text->length);

    text_done(text);
    return copy;
}

/* As the node's root has it now. */
static char *said_now(struct past *p, size_t site, size_t client)
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

static void note_now(struct past *p)
{
    size_t at = p->count % (SITES * CLIENTS);

    assert_true(p->count < MOMENTS_MAX);
    p->noted[p->count++] = (struct noted){ .at = loop_moment(p->w->control),
        .site = at % SITES,
        .client = at / SITES,
        .said = said_now(p, at % SITES, at / SITES) };
}

static void on_told(void *to, struct admin_replay *replay)
{
    struct past *p = to;

    p->told = replay;
}

struct told {
    struct sim_wish wish;
    const struct past *p;
};

static bool is_told(struct sim_wish *wish)
{
    return container_of(wish, struct told, wish)->p->told != NULL;
}

/* Has the question answered, which is made whole. */
static void ask_past(struct past *p, const struct noted *noted, struct admin_replay *question)
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
static char *replay(struct past *p, const struct noted *noted)
{
    struct admin_replay question = { 0 };

    ask_past(p, noted, &question);
    if (question.refusal.status == 0)
        return text_of(&question.body);
    assert_true(question.refusal.message.text[0] != '\0' && question.refusal.mend.text[0] != '\0');
    text_done(&question.body);
    return mem_text(question.refusal.code, strlen(question.refusal.code));
}

static void check(struct past *p, const struct noted *noted)
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

static void check_refused(struct past *p, struct moment at, const char *code)
{
    char *said = replay(p, &(struct noted){ .at = at });

    assert_string_equal(said, code);
    mem_free(said);
}

static void history_open(struct past *p)
{
    p->history = history_new(&(struct history_plan){ .loop = p->w->control,
        .pool = p->w->pool,
        .log = &p->w->log,
        .node = p->w->node,
        .folder = p->folder });
    steering_remember(p->w->steering[0], p->history);
}

static void past_open(struct past *p, uint64_t seed)
{
    *p = (struct past){ .w = world_prepared(seed, FIRST), .folder = "/tmp/waypost-past-XXXXXX" };
    assert_non_null(mkdtemp(p->folder));
    world_steer(p->w);
    history_open(p);
}

static void folder_empty(const char *folder)
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

static void past_close(struct past *p)
{
    for (size_t i = 0; i < p->count; i++)
        mem_free(p->noted[i].said);
    history_free(p->history);
    steering_remember(p->w->steering[0], NULL);
    world_close(p->w);
    folder_empty(p->folder);
}

static void drain(struct past *p, uint32_t check_at, bool is_drained)
{
    steer_health_set(node_root(p->w->node)->rows, check_at, STEER_DRAINED, is_drained);
}

/* A minute and a half in which everything happens. */
static void live(struct past *p)
{
    struct world *w = p->w;

    for (unsigned i = 0; i < 120; i++) {
        sim_run_for(w->sim, span_us((int64_t)sim_draw(w->sim, 1400000)));
        note_now(p);
        sim_run_for(w->sim, span_us(1)); // of two things at one moment, the later holds
        if (i == 20)
            origin_stop(&w->origins[0]);
        if (i == 40)
            origin_open(&w->origins[0]);
        if (i == 55)
            w->origins[1].thinks = span_ms(70);
        if (i == 60 || i == 63)
            drain(p, 1, i == 60);
        if (i == 70)
            use_network(w, SECOND);
        if (i == 90)
            w->origins[1].thinks = span_ms(0);
        if (i == 100)
            use_network(w, FIRST);
        note_now(p); // at once: it is in force
    }
    sim_run_for(w->sim, span_ms(1100));
}

static void what_was_answered_is_answered_again(void **)
{
    static struct past p;

    for (uint64_t seed = 1; seed <= (seeds() + 9) / 10; seed++) {
        past_open(&p, seed);
        live(&p);
        for (size_t i = 0; i < p.count; i++)
            check(&p, &p.noted[i]);
        for (size_t i = 0; i < 40; i++) // in any order
            check(&p, &p.noted[sim_draw(p.w->sim, (uint32_t)p.count)]);
        assert_true(counter_read(&history_counts(p.history)->replays) == p.count + 40);
        past_close(&p);
    }
}

static void what_was_answered_while_nothing_was_noted_is_said_to_be_lost(void **)
{
    static struct past p;

    past_open(&p, 3);
    live(&p);
    struct moment written = loop_moment(p.w->control);

    history_leave(p.history); // nothing more is heard of it
    steering_remember(p.w->steering[0], NULL);
    history_free(p.history);
    sim_run_for(p.w->sim, span_s(7));
    struct moment away = { loop_moment(p.w->control).us - 2000000 };

    history_open(&p);
    sim_run_for(p.w->sim, span_s(3));
    for (size_t i = 0; i < p.count; i++)
        check(&p, &p.noted[i]);
    assert_true(away.us > written.us);
    check_refused(&p, away, "gap");
    check_refused(&p, (struct moment){ p.noted[0].at.us - 3600000000 }, "past");
    past_close(&p);
}

/* The newest of the files, by name. */
static void newest_path(const struct past *p, const char *ending, char path[512])
{
    char newest[256] = "";
    DIR *dir = opendir(p->folder);

    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strstr(entry->d_name, ending) != NULL && strcmp(entry->d_name, newest) > 0)
            snprintf(newest, sizeof newest, "%s", entry->d_name);
    closedir(dir);
    snprintf(path, 512, "%s/%s", p->folder, newest);
}

static void a_torn_end_costs_what_it_held_and_no_more(void **)
{
    static struct past p;
    char path[512];
    struct stat status;

    past_open(&p, 4);
    live(&p);
    newest_path(&p, ".past", path);
    steering_remember(p.w->steering[0], NULL);
    history_free(p.history);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(truncate(path, status.st_size * 2 / 3), 0);
    history_open(&p);
    sim_run_for(p.w->sim, span_s(2));
    size_t lost = 0;

    for (size_t i = 0; i < p.count; i++) {
        char *said = replay(&p, &p.noted[i]);
        bool is_lost = strcmp(said, "gap") == 0;

        lost += is_lost;
        if (!is_lost)
            assert_string_equal(said, p.noted[i].said);
        else
            assert_true(i > p.count / 2); // only at the end
        mem_free(said);
    }
    assert_true(lost > 0 && lost < p.count / 3);
    past_close(&p);
}

/* As a machine leaves it that lost its power: the name is there, and nothing behind it. */
static void a_release_whose_text_was_lost_is_kept_again(void **)
{
    static struct past p;
    char path[512];

    past_open(&p, 10);
    note_now(&p);
    check(&p, &p.noted[0]);
    steering_remember(p.w->steering[0], NULL);
    history_free(p.history);
    newest_path(&p, ".release", path);
    assert_int_equal(truncate(path, 0), 0);
    history_open(&p);
    sim_run_for(p.w->sim, span_s(3));
    note_now(&p);
    check(&p, &p.noted[1]);
    check(&p, &p.noted[0]);
    past_close(&p);
}

static void a_customer_is_told_nothing_of_our_files(void **)
{
    static struct past p;
    char path[512];

    past_open(&p, 11);
    sim_run_for(p.w->sim, span_s(3));
    note_now(&p);
    newest_path(&p, ".release", path);
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < 2; i++) {
        struct admin_replay question = { .is_of_customer = i == 1, .customer = SLICE("acme") };

        ask_past(&p, &p.noted[0], &question);
        assert_string_equal(question.refusal.code, "release");
        assert_int_equal(strstr(question.refusal.mend.text, p.folder) != NULL, i == 0);
        assert_null(strstr(question.refusal.message.text, p.folder));
        text_done(&question.body);
    }
    past_close(&p);
}

static void what_a_full_disk_did_not_take_is_counted_as_lost(void **)
{
    static struct past p;
    struct rlimit before, full;
    char path[512];
    struct stat status;

    past_open(&p, 12);
    sim_run_for(p.w->sim, span_s(20));
    newest_path(&p, ".past", path);
    assert_int_equal(stat(path, &status), 0);
    const struct history_counts *counts = history_counts(p.history);
    uint64_t records = counter_read(&counts->records), bytes = counter_read(&counts->bytes);

    assert_true(records > 10 && bytes == (uint64_t)status.st_size);
    assert_int_equal(counter_read(&counts->lost), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = (struct rlimit){ (rlim_t)status.st_size, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    sim_run_for(p.w->sim, span_ms(1100)); // one write, of a tick at the least
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(counter_read(&counts->errors), 1);
    assert_true(counter_read(&counts->lost) >= 1);
    assert_int_equal(counter_read(&counts->records), records);
    assert_int_equal(counter_read(&counts->bytes), bytes);
    sim_run_for(p.w->sim, span_s(12));
    assert_true(counter_read(&counts->records) > records);
    past_close(&p);
}

static void a_folder_that_cannot_be_written_is_said_and_tried_again(void **)
{
    static struct past p;

    p = (struct past){ .w = world_prepared(5, FIRST), .folder = "/tmp/waypost-past-XXXXXX" };
    assert_non_null(mkdtemp(p.folder));
    rmdir(p.folder);
    FILE *in_the_way = fopen(p.folder, "w");

    assert_non_null(in_the_way);
    fclose(in_the_way);
    world_steer(p.w);
    history_open(&p);
    sim_run_for(p.w->sim, span_s(30));
    note_now(&p);
    check_refused(&p, p.noted[0].at, "past");
    assert_true(counter_read(&history_counts(p.history)->errors) >= 2);
    assert_int_equal(counter_read(&history_counts(p.history)->bytes), 0);
    unlink(p.folder);
    sim_run_for(p.w->sim, span_s(12));
    note_now(&p);
    check(&p, &p.noted[1]);
    past_close(&p);
}

static void the_oldest_goes_when_there_is_enough(void **)
{
    static struct past p;

    past_open(&p, 6);
    note_now(&p);
    check(&p, &p.noted[0]);
    use_network(p.w, "history: {keep: 2m}\n" SITE_ROWS("5s"));
    for (int i = 0; i < 6; i++) { // each a segment
        sim_run_for(p.w->sim, span_s(40));
        use_network(p.w, i % 2 == 0 ? "history: {keep: 2m}\n" SITE_ROWS("9s")
                                    : "history: {keep: 2m}\n" SITE_ROWS("5s"));
    }
    sim_run_for(p.w->sim, span_s(2));
    note_now(&p);
    check(&p, &p.noted[1]);
    check_refused(&p, p.noted[0].at, "past");
    past_close(&p);
}

static void nothing_is_kept_where_that_is_not_wanted(void **)
{
    static struct past p;
    struct stat status;

    p = (struct past){ .w = world_prepared(7, "history: {keep: 0s}\n" SITE_ROWS("5s")),
        .folder = "/tmp/waypost-past-XXXXXX" };
    assert_non_null(mkdtemp(p.folder));
    rmdir(p.folder);
    world_steer(p.w);
    history_open(&p);
    sim_run_for(p.w->sim, span_s(20));
    note_now(&p);
    check_refused(&p, p.noted[0].at, "past");
    assert_int_not_equal(stat(p.folder, &status), 0);
    assert_int_equal(mkdir(p.folder, 0700), 0);
    past_close(&p);
}

static void what_was_kept_goes_when_it_is_not_wanted_any_more(void **)
{
    static struct past p;

    past_open(&p, 9);
    note_now(&p);
    check(&p, &p.noted[0]);
    use_network(p.w, "history: {keep: 0s}\n" SITE_ROWS("5s"));
    sim_run_for(p.w->sim, span_s(5));
    check_refused(&p, p.noted[0].at, "past");
    assert_int_equal(rmdir(p.folder), 0); // no text of a configuration is left in it either
    assert_int_equal(mkdir(p.folder, 0700), 0);
    past_close(&p);
}

enum { TARGETS = 100, TARGETS_TEXT = 16384 };

/* So many origins of one site, all of them measured, and none quite as it was before. */
static char *network_of_many(void)
{
    static const char HEAD[] = "zone: cdn.test\ncustomers:\n  acme:\n    origins:\n";
    static const char POP[] = "pops: {fra: {nodes: {fra1: {address: 10.0.0.1}}, "
                              "cache: {memory: 16 MiB}}}\n";
    char *text = mem_alloc(TARGETS_TEXT);
    size_t used = (size_t)snprintf(text, TARGETS_TEXT, "%s%s", POP, HEAD);

    for (int i = 0; i < TARGETS; i++)
        used += (size_t)snprintf(text + used, TARGETS_TEXT - used,
            "      o%d: {address: \"10.0.1.%d:80\"}\n", i, i % 2 + 1);
    used += (size_t)snprintf(text + used, TARGETS_TEXT - used,
        "    sites: {www.test: {probe: {http: /health}, steer: [o0");
    for (int i = 1; i < TARGETS; i++)
        used += (size_t)snprintf(text + used, TARGETS_TEXT - used, ", o%d", i);
    snprintf(text + used, TARGETS_TEXT - used, "]}}\n");
    return text;
}

static void a_day_of_a_hundred_targets_takes_less_than_200_mb(void **)
{
    static struct past p;
    char *network = network_of_many();

    p = (struct past){ .w = world_prepared(8, network), .folder = "/tmp/waypost-past-XXXXXX" };
    assert_non_null(mkdtemp(p.folder));
    for (size_t i = 0; i < WORLD_ORIGINS; i++)
        p.w->origins[i].noise = span_ms(3);
    world_steer(p.w);
    history_open(&p);
    sim_run_for(p.w->sim, span_s(600));
    double day_mb = (double)counter_read(&history_counts(p.history)->bytes) * 144 / 1e6;

    fprintf(stderr, "# %.1f MB in a day of %zu checks\n", day_mb,
        node_root(p.w->node)->rows->checks->count);
    assert_true(day_mb > 10 && day_mb < 200);
    past_close(&p);
    mem_free(network);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_was_answered_is_answered_again),
        cmocka_unit_test(what_was_answered_while_nothing_was_noted_is_said_to_be_lost),
        cmocka_unit_test(a_torn_end_costs_what_it_held_and_no_more),
        cmocka_unit_test(a_release_whose_text_was_lost_is_kept_again),
        cmocka_unit_test(a_customer_is_told_nothing_of_our_files),
        cmocka_unit_test(what_a_full_disk_did_not_take_is_counted_as_lost),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_said_and_tried_again),
        cmocka_unit_test(the_oldest_goes_when_there_is_enough),
        cmocka_unit_test(nothing_is_kept_where_that_is_not_wanted),
        cmocka_unit_test(what_was_kept_goes_when_it_is_not_wanted_any_more),
        cmocka_unit_test(a_day_of_a_hundred_targets_takes_less_than_200_mb),
    };

    return cmocka_run_group_tests_name("app/sim_history", cases, NULL, NULL);
}
