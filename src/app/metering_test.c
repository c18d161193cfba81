// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "app/metering.h"

struct scene {
    struct usage *usage;
    struct metrics metrics;
    struct text page;
};

static int setup(void **state)
{
    static struct scene scene;

    scene.usage = usage_new(2, (struct wall){ 1 });
    usage_site(scene.usage, SLICE_NONE, SLICE_NONE);
    metrics_init(&scene.metrics);
    text_init(&scene.page, 16 << 20);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    usage_close(s->usage, true);
    metrics_done(&s->metrics);
    text_done(&s->page);
    return 0;
}

static void count(struct scene *s, const char *site, enum usage_kind kind, uint64_t more)
{
    struct usage_line *lines = usage_site(s->usage, SLICE("acme"), slice_text(site));

    counter_add(&usage_line(lines, 1)->of[kind], more);
}

static bool page_has(const struct scene *s, const char *row)
{
    return memmem(s->page.at, s->page.length, row, strlen(row)) != NULL;
}

static void show(struct scene *s)
{
    metering_show(s->usage, &(struct metrics_label){ SLICE("node"), SLICE("fra1") }, &s->metrics);
    metrics_write(&s->metrics, &s->page);
}

static void each_kind_has_its_row(void **state)
{
    struct scene *s = *state;

    count(s, "a.test", USAGE_HIT, 3);
    count(s, "a.test", USAGE_SENT_BYTES, 4000);
    count(s, "a.test", USAGE_DNS_ADDRESSES, 5);
    show(s);
    assert_true(page_has(s, "waypost_site_requests_total{node=\"fra1\",customer=\"acme\","
                            "site=\"a.test\",outcome=\"hit\"} 3\n"));
    assert_true(page_has(s, "waypost_site_sent_bytes_total{node=\"fra1\",customer=\"acme\","
                            "site=\"a.test\"} 4000\n"));
    assert_true(page_has(s, "waypost_site_dns_addresses_total{node=\"fra1\",customer=\"acme\","
                            "site=\"a.test\"} 5\n"));
    assert_false(page_has(s, "site=\"*\""));
}

static void sites_beyond_the_limit_share_a_row(void **state)
{
    struct scene *s = *state;
    char name[20];

    for (int i = 1; i <= METERING_SITES_SHOWN + 5; i++) {
        snprintf(name, sizeof name, "%d.test", i);
        count(s, name, USAGE_HIT, 2);
    }
    show(s);
    assert_true(page_has(s, "site=\"1000.test\",outcome=\"hit\"} 2\n"));
    assert_false(page_has(s, "site=\"1001.test\""));
    assert_true(page_has(s, "customer=\"*\",site=\"*\",outcome=\"hit\"} 10\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_has_its_row, setup, teardown),
        cmocka_unit_test_setup_teardown(sites_beyond_the_limit_share_a_row, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
