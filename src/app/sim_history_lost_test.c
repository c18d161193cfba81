// SPDX-License-Identifier: Apache-2.0
/* A node's past, of which something is lost: on the disk, for want of room, or with the time. */
#include <signal.h>
#include <sys/resource.h>

#include "app/sim_past_test.h"
#include "steer/geo_write.h"

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
    for (int i = 0; i < 100; i++) {
        sim_run_for(p.w->sim, span_ms(700));
        if (i == 50)
            use_network(p.w, SECOND);
        note_now(&p);
    }
    sim_run_for(p.w->sim, span_ms(1100));
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

/* The list of segments is by name, and this is one of before. */
static void old_segment(const struct past *p, struct span age, off_t bytes, char path[512])
{
    struct moment at = { loop_moment(p->w->control).us - age.ns / 1000 };

    snprintf(path, 512, "%s/%020lld.past", p->folder, (long long)at.us);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), bytes), 0);
    fclose(file);
}

static void the_oldest_goes_when_all_is_too_large(void **)
{
    static struct past p;
    char older[512], newer[512];

    past_open(&p, 13);
    sim_run_for(p.w->sim, span_s(2));
    note_now(&p);
    sim_run_for(p.w->sim, span_us(1)); // of two things at one moment, the later holds
    old_segment(&p, span_s(600), 1 << 20, older);
    old_segment(&p, span_s(300), 1 << 20, newer);
    use_network(p.w, "history: {size: 3 MiB}\n" SITE_ROWS("5s"));
    sim_run_for(p.w->sim, span_s(2));
    assert_int_equal(access(older, F_OK), 0);
    use_network(p.w, "history: {size: 2 MiB}\n" SITE_ROWS("5s"));
    sim_run_for(p.w->sim, span_s(2));
    assert_int_not_equal(access(older, F_OK), 0);
    assert_int_equal(access(newer, F_OK), 0);
    check(&p, &p.noted[0]);
    past_close(&p);
}

/* More of it in a second than is noted: the rest is lost, and nobody guesses it. */
static void what_came_too_fast_is_said_to_be_lost(void **)
{
    static struct past p;

    past_open(&p, 14);
    sim_run_for(p.w->sim, span_ms(3500));
    note_now(&p);
    sim_run_for(p.w->sim, span_ms(1200));
    for (int i = 0; i <= HISTORY_EVENTS_MAX; i++)
        steer_health_set(node_root(p.w->node)->rows, 0, STEER_DRAINED, i % 2 == 0);
    sim_run_for(p.w->sim, span_us(1));
    note_now(&p); // of the last of them, which had no room
    sim_run_for(p.w->sim, span_s(2));
    note_now(&p);
    assert_true(counter_read(&history_counts(p.history)->lost) > HISTORY_EVENTS_MAX);
    check(&p, &p.noted[0]);
    check_refused(&p, p.noted[1].at, "gap");
    check(&p, &p.noted[2]);
    past_close(&p);
}

/* What was then and what is at the same time of now are not mixed. */
static void a_clock_that_is_set_back_begins_anew(void **)
{
    static struct past p;

    past_open(&p, 15);
    sim_run_for(p.w->sim, span_s(100));
    note_now(&p);
    sim_run_for(p.w->sim, span_s(2));
    sim_kernel_wall_step(p.w->clocks[0], span_s(-30));
    for (int i = 0; i < 30; i++) {
        sim_run_for(p.w->sim, span_s(1));
        steer_health_set(node_root(p.w->node)->rows, 0, STEER_DRAINED, i % 2 == 0);
        sim_run_for(p.w->sim, span_us(1));
        if (i > 3)
            note_now(&p);
    }
    sim_run_for(p.w->sim, span_s(2));
    for (size_t i = 1; i < p.count; i++)
        check(&p, &p.noted[i]);
    past_close(&p);
}

static void a_customer_is_told_of_their_own_sites_alone(void **)
{
    static struct past p;

    past_open(&p, 16);
    sim_run_for(p.w->sim, span_s(3));
    note_now(&p);
    for (int i = 0; i < 2; i++) {
        struct admin_replay question = { .is_of_customer = true,
            .customer = i == 0 ? SLICE("acme") : SLICE("other") };

        ask_past(&p, &p.noted[0], &question);
        if (i == 0)
            assert_int_equal(question.refusal.status, 0);
        else
            assert_string_equal(question.refusal.code, "site"); // as one that is not there
        assert_int_equal(question.body.length > 0, i == 0);
        text_done(&question.body);
    }
    past_close(&p);
}

static void a_release_in_the_place_of_another_is_none(void **)
{
    static struct past p;
    char first[512], second[512];

    past_open(&p, 17);
    sim_run_for(p.w->sim, span_s(2));
    note_now(&p);
    sim_run_for(p.w->sim, span_us(1));
    newest_path(&p, ".release", first);
    use_network(p.w, SECOND);
    sim_run_for(p.w->sim, span_s(2));
    assert_int_equal(unlink(first), 0);
    newest_path(&p, ".release", second);
    assert_int_equal(rename(second, first), 0);
    check_refused(&p, p.noted[0].at, "release");
    past_close(&p);
}

static void geography_write(const char *path, size_t count)
{
    static const struct geo_write_entry ENTRIES[] = {
        { { { IP_V4, { 198, 51, 0 } }, 24 }, "DE", { 50, 8, true } },
        { { { IP_V4, { 198, 51, 1 } }, 24 }, "US", { 40, -74, true } },
    };

    assert_int_equal(geo_write(path, ENTRIES, count, NULL), ERR_NONE);
}

static void a_geography_that_was_replaced_is_said(void **)
{
    static struct past p;
    char network[sizeof FIRST + 200], file[100];

    p = (struct past){ .folder = "/tmp/waypost-past-XXXXXX" };
    assert_non_null(mkdtemp(p.folder));
    snprintf(file, sizeof file, "%s/world", p.folder);
    snprintf(network, sizeof network, "geo: %s\n%s", file, FIRST);
    geography_write(file, 1);
    p.w = world_prepared(18, network);
    world_steer(p.w);
    history_open(&p);
    sim_run_for(p.w->sim, span_s(3));
    note_now(&p);
    check(&p, &p.noted[0]);
    geography_write(file, 2);
    use_network(p.w, network);
    sim_run_for(p.w->sim, span_s(3));
    note_now(&p);
    check(&p, &p.noted[1]);
    check_refused(&p, p.noted[0].at, "geography");
    geography_write(file, 1); // as it asks for
    check(&p, &p.noted[0]);
    past_close(&p);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_torn_end_costs_what_it_held_and_no_more),
        cmocka_unit_test(a_release_whose_text_was_lost_is_kept_again),
        cmocka_unit_test(a_customer_is_told_nothing_of_our_files),
        cmocka_unit_test(what_a_full_disk_did_not_take_is_counted_as_lost),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_said_and_tried_again),
        cmocka_unit_test(the_oldest_goes_when_there_is_enough),
        cmocka_unit_test(nothing_is_kept_where_that_is_not_wanted),
        cmocka_unit_test(what_was_kept_goes_when_it_is_not_wanted_any_more),
        cmocka_unit_test(the_oldest_goes_when_all_is_too_large),
        cmocka_unit_test(what_came_too_fast_is_said_to_be_lost),
        cmocka_unit_test(a_clock_that_is_set_back_begins_anew),
        cmocka_unit_test(a_customer_is_told_of_their_own_sites_alone),
        cmocka_unit_test(a_release_in_the_place_of_another_is_none),
        cmocka_unit_test(a_geography_that_was_replaced_is_said),
    };

    return cmocka_run_group_tests_name("app/sim_history_lost", cases, NULL, NULL);
}
