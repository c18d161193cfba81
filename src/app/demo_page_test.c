// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/demo_page.h"

static const struct demo_page page = { .server = &demo_servers[1],
    .now = { 1795341600000 },
    .served = 3,
    .embed = "http://static.acme.example:8080" };

static void page_embeds_what_may_be_cached_from_the_static_site(void **)
{
    struct text out;

    text_init(&out, DEMO_PAGE_MAX);
    demo_page_write(&out, &page);
    assert_non_null(strstr(out.at, "href='http://static.acme.example:8080/style.css'"));
    assert_non_null(strstr(out.at, "src='http://static.acme.example:8080/img/sky.png'"));
    assert_non_null(strstr(out.at, "src='http://static.acme.example:8080/img/tile-"));
    text_done(&out);
}

static void page_says_who_made_it_and_when(void **)
{
    struct text out;

    text_init(&out, DEMO_PAGE_MAX);
    demo_page_write(&out, &page);
    assert_non_null(strstr(out.at, "<strong>Chicago</strong>"));
    assert_non_null(strstr(out.at, "<code>acme/chi</code>"));
    assert_non_null(strstr(out.at, ">10:00:00<"));
    text_done(&out);
    demo_page_write_clock(&out, &page);
    assert_string_equal(out.at, "{\"time\": \"10:00:00\", \"server\": \"acme/chi\"}\n");
    text_done(&out);
    demo_page_write_cart(&out, &page);
    assert_non_null(strstr(out.at, "10:00:00"));
    text_done(&out);
}

/* Every element that is opened is closed, in order; texts have no stray brackets. */
static void is_well_formed(const char *xml)
{
    char open[16][32];
    size_t depth = 0;

    for (const char *at = strchr(xml, '<'); at != NULL; at = strchr(at + 1, '<')) {
        const char *end = strchr(at, '>');
        size_t name = strcspn(at + 1, " />\n");

        assert_non_null(end);
        if (at[1] == '/') {
            name = strcspn(at + 2, ">");
            assert_true(depth > 0);
            assert_true(strlen(open[--depth]) == name && strncmp(open[depth], at + 2, name) == 0);
        } else if (end[-1] != '/') {
            assert_true(depth < 16 && name > 0 && name < sizeof open[0]);
            memcpy(open[depth], at + 1, name);
            open[depth++][name] = '\0';
        }
    }
    assert_int_equal(depth, 0);
}

static void pictures_are_well_formed_and_differ_by_customer(void **)
{
    void (*const writers[])(struct text *, const struct demo_customer *) = {
        demo_page_write_logo,
        demo_page_write_hills,
        demo_page_write_rare,
    };
    struct text one, two;

    text_init(&one, DEMO_PAGE_MAX);
    text_init(&two, DEMO_PAGE_MAX);
    for (size_t i = 0; i < COUNT_OF(writers); i++) {
        writers[i](&one, &demo_customers[0]);
        writers[i](&two, &demo_customers[1]);
        is_well_formed(one.at);
        assert_string_not_equal(one.at, two.at);
        text_done(&one);
        text_done(&two);
    }
}

static void each_tile_is_a_picture_of_its_own(void **)
{
    struct text tiles[DEMO_TILE_COUNT];

    for (unsigned i = 0; i < DEMO_TILE_COUNT; i++) {
        text_init(&tiles[i], DEMO_PAGE_MAX);
        demo_page_write_tile(&tiles[i], &demo_customers[0], i);
        is_well_formed(tiles[i].at);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(tiles[i].at, tiles[j].at);
    }
    for (unsigned i = 0; i < DEMO_TILE_COUNT; i++)
        text_done(&tiles[i]);
}

static void sky_has_light_and_dark_places(void **)
{
    size_t seen[256] = { 0 }, tones = 0;
    struct text sky;

    text_init(&sky, DEMO_PAGE_MAX);
    demo_page_write_sky(&sky, &demo_customers[0]);
    assert_false(sky.is_full);
    // behind the palette: the pixels, and little else
    for (size_t i = 900; i < sky.length; i++)
        seen[(unsigned char)sky.at[i]]++;
    for (size_t i = 0; i < 256; i++)
        tones += seen[i] > 100;
    assert_true(tones > 100);
    text_done(&sky);
}

static void braces_of_the_style_sheet_are_balanced(void **)
{
    struct text css;
    int depth = 0;

    text_init(&css, DEMO_PAGE_MAX);
    demo_page_write_css(&css, &demo_customers[1]);
    assert_non_null(strstr(css.at, "--hue: 18;"));
    for (const char *at = css.at; *at != '\0'; at++) {
        depth += (*at == '{') - (*at == '}');
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    text_done(&css);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(page_embeds_what_may_be_cached_from_the_static_site),
        cmocka_unit_test(page_says_who_made_it_and_when),
        cmocka_unit_test(pictures_are_well_formed_and_differ_by_customer),
        cmocka_unit_test(each_tile_is_a_picture_of_its_own),
        cmocka_unit_test(sky_has_light_and_dark_places),
        cmocka_unit_test(braces_of_the_style_sheet_are_balanced),
    };

    return cmocka_run_group_tests_name("app/demo_page", cases, NULL, NULL);
}
