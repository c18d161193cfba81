// SPDX-License-Identifier: Apache-2.0
/* A certificate's days go by, and nobody reloads. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "admin/status.h"
#include "app/certificates_test.h"
#include "app/certificates_watch.h"
#include "base/arena.h"
#include "io/epoch.h"
#include "io/kernel.h"
#include "io/sim.h"

/* A loop whose days go by as fast as we like, and what is said meanwhile. */
struct days {
    struct place place;
    struct epoch epoch;
    struct sim *sim;
    struct kernel *kernel;
    struct loop *loop;
    struct log log;
    struct certificates_watch watch;
};

static void days_open(struct days *d)
{
    const struct ip address = ip_v4(192, 0, 2, 1);

    place_open(&d->place);
    epoch_init(&d->epoch);
    d->sim = sim_new(1);
    d->kernel = sim_kernel(d->sim, &address);
    d->loop = loop_new(d->kernel, &d->epoch, 0);
    sim_kernel_turns(d->kernel, d->loop);
    sim_wall_step(d->sim, span_ms(NOW.ms - loop_wall(d->loop).ms));
    log_init(&d->log, memfd_create("log", 0), LOG_INFO);
    certificates_watch_init(&d->watch, d->loop, &d->log);
}

static void days_close(struct days *d)
{
    certificates_watch_done(&d->watch);
    sim_kernel_turns(d->kernel, NULL);
    loop_free(d->loop);
    kernel_free(d->kernel);
    sim_free(d->sim);
    epoch_done(&d->epoch);
    close(d->log.fd);
    place_close(&d->place);
}

static void take_into_use(struct days *d)
{
    loop_turn(d->loop, span_s(0)); // which looks at the clock
    certificates_watch_set(&d->watch, d->place.certificates);
}

/* How many lines with these words there are by now. */
static size_t said(const struct days *d, const char *words)
{
    char text[16384];
    ssize_t length = pread(d->log.fd, text, sizeof text - 1, 0);
    size_t count = 0;

    assert_in_range(length, 0, sizeof text - 2);
    text[length] = '\0';
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

static void one_that_comes_near_its_end_is_told_once_a_day_and_then_that_it_has_ended(void **)
{
    struct days d;

    days_open(&d);
    load_with(&d.place, A, "", "");
    take_into_use(&d);
    sim_run_for(d.sim, span_s(85 * DAY_S + DAY_S / 2));
    assert_int_equal(said(&d, "certificate"), 0);
    sim_run_for(d.sim, span_s(DAY_S));
    assert_int_equal(said(&d, "certificate name=a.test days_left=14 "), 1);
    assert_int_equal(said(&d, "expires on"), 1);
    sim_run_for(d.sim, span_s(13 * DAY_S));
    assert_int_equal(said(&d, "certificate name=a.test "), 14);
    assert_int_equal(said(&d, "expired on"), 0);
    sim_run_for(d.sim, span_s(2 * DAY_S));
    assert_int_equal(said(&d, "certificate name=a.test "), 16);
    assert_int_equal(said(&d, "expired on"), 2);
    days_close(&d);
}

static void a_release_is_told_of_at_once_and_the_one_before_no_more(void **)
{
    struct days d;

    days_open(&d);
    load_with(&d.place, A, B, "");
    take_into_use(&d);
    assert_int_equal(said(&d, "name=b.test days_left=13 "), 1);
    sim_run_for(d.sim, span_s(DAY_S / 2));
    load_with(&d.place, A, A, "");
    take_into_use(&d);
    assert_int_equal(said(&d, "is not for b.test"), 1);
    sim_run_for(d.sim, span_s(DAY_S - 1));
    assert_int_equal(said(&d, "is not for b.test"), 1); // its day begins with it
    sim_run_for(d.sim, span_s(2));
    assert_int_equal(said(&d, "is not for b.test"), 2);
    assert_int_equal(said(&d, "name=b.test"), 3);
    days_close(&d);
}

static void nothing_is_said_once_it_is_done(void **)
{
    struct days d;

    days_open(&d);
    load_with(&d.place, A, B, "");
    take_into_use(&d);
    assert_int_equal(said(&d, "name=b.test"), 1);
    certificates_watch_done(&d.watch);
    sim_run_for(d.sim, span_s(3 * DAY_S));
    assert_int_equal(said(&d, "name=b.test"), 1);
    days_close(&d);
}

static void status_tells_what_has_become_of_each_by_now(void **)
{
    const struct wall later = wall_from_s(wall_s(NOW) + 90 * INT64_C(86400));
    const struct admin_certificate_status *told;
    struct place p;
    struct arena arena;

    place_open(&p);
    load_with(&p, A, B, "");
    arena_init(&arena, 1 << 16);
    assert_int_equal(certificates_tell(p.certificates, NOW, &arena, &told), 2);
    assert_int_equal(told[0].note.length, 0);
    assert_int_equal(certificates_tell(p.certificates, later, &arena, &told), 2);
    assert_int_equal(told[0].days_left, 10);
    assert_non_null(memmem(told[0].note.at, told[0].note.length, "expires on", 10));
    assert_non_null(memmem(told[1].note.at, told[1].note.length, "expired on", 10));
    arena_done(&arena);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_comes_near_its_end_is_told_once_a_day_and_then_that_it_has_ended),
        cmocka_unit_test(a_release_is_told_of_at_once_and_the_one_before_no_more),
        cmocka_unit_test(nothing_is_said_once_it_is_done),
        cmocka_unit_test(status_tells_what_has_become_of_each_by_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
