// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rewrite/scene_test.h"

static void check(const char *before, const char *expected)
{
    struct rewrite_site site = scene_site();

    scene_check(rewrite_page, &site, before, expected);
}

static void stays(const char *page)
{
    check(page, page);
}

static size_t count(const char *page, enum rewrite_fate fate)
{
    return scene_count(rewrite_page, page, fate);
}

#define S "//static.acme.test"

static void what_a_page_embeds_moves(void **)
{
    check("<img src=a.png>", "<img src=" S "/docs/a.png>");
    check("<IMG alt=x SRC = '/a.png'>", "<IMG alt=x SRC = '" S "/a.png'>");
    check("<script src=\"../app.js\"></script>", "<script src=\"" S "/app.js\"></script>");
    check("<link rel='alternate StyleSheet' href=site.css>",
        "<link rel='alternate StyleSheet' href=" S "/docs/site.css>");
    check("<link href=/a.png rel=icon><link rel=preload as=image imagesrcset='/a.png 1x'>",
        "<link href=" S "/a.png rel=icon><link rel=preload as=image imagesrcset='" S "/a.png 1x'>");
    check("<video src=/film.mp4 poster=/a.png><source src=/film.mp4></video>",
        "<video src=" S "/film.mp4 poster=" S "/a.png><source src=" S "/film.mp4></video>");
    check("<input type=IMAGE src=/a.png><body background=/a.png>",
        "<input type=IMAGE src=" S "/a.png><body background=" S "/a.png>");
    check("<object data=/a.png></object>", "<object data=" S "/a.png></object>");
    check("<svg><image xlink:href=/a.png /></svg>", "<svg><image xlink:href=" S "/a.png /></svg>");
    check("<noscript><img src=/a.png></noscript>", "<noscript><img src=" S "/a.png></noscript>");
    check("<template><img src=/a.png></template>", "<template><img src=" S "/a.png></template>");
}

static void every_candidate_of_a_set_moves(void **)
{
    check("<img srcset='a.png, /b.jpg 2x,/a.png 300w , x.png 4x'>",
        "<img srcset='" S "/docs/a.png, " S "/b.jpg 2x," S "/a.png 300w , x.png 4x'>");
    check("<source srcset=' , /a.png,, /x,y.png 2x (a, b) , /b.jpg'>",
        "<source srcset=' , " S "/a.png,, " S "/x,y.png 2x (a, b) , " S "/b.jpg'>");
    stays("<img srcset='/a&notin;.png 2x'>");
}

static void styles_of_a_page_are_style_sheets(void **)
{
    check("<style>b{c:url(a.png)}</style><p style=\"background:url('/a.png')\">",
        "<style>b{c:url(" S "/docs/a.png)}</style><p style=\"background:url('" S "/a.png')\">");
    check("<p style='mask:url(/a.png);background:url(&quot;/a.png&quot;)'>",
        "<p style='mask:url(/a.png);background:url(&quot;" S "/a.png&quot;)'>");
    stays("<style type=text/less>b{c:url(/a.png)}</style>");
    stays("<p style='content:&nonsense; url(/a.png)'>");
    stays("<p style='fill:url(/logo.svg#x)'>");
}

static void what_leads_elsewhere_stays(void **)
{
    stays("<a href=/a.png>x</a><form action=/a.png></form><iframe src=/a.png></iframe>");
    stays("<link rel=canonical href=/a.png><link rel=manifest href=/a.png><area href=/a.png>");
    stays("<input src=/a.png><embed src=/logo.svg><object data=/logo.svg></object>");
    stays("<svg><use href=/logo.svg#a /></svg><meta content=/a.png><img data-src=/a.png>");
    stays("<track src=/a.png><q cite=/a.png></q><image href=/a.png>");
}

static void what_is_dynamic_or_of_others_stays(void **)
{
    stays("<img src=/chart.png><img src=/list.php?id=1><script src=/page.html></script>");
    assert_int_equal(count("<img src=/chart.png><img src=/list.php>", REWRITE_DYNAMIC), 2);
    stays("<img src=/a.png/><img src=/app.js>"); // a folder; no picture
    stays("<img src=//cdn.example/a.png><img src=https://cdn.example/a.png>");
    assert_int_equal(count("<img src=//cdn.example/a.png>", REWRITE_FOREIGN), 1);
    stays("<img src=data:image/png;base64,AA><img src=#a><img src='?a'><img src=''><img src>");
    assert_int_equal(count("<img src=data:,><img src=#a>", REWRITE_NOTHING), 2);
    stays("<img src=http:a.png><img src='/a\\b.png'><img src='/a.p&#10;ng'><img src=\\\\a.png>");
    assert_int_equal(count("<img src=http:a.png><img src='/a.p\nng'>", REWRITE_UNCLEAR), 2);
    stays("<img src=//x@www.acme.test/a.png><img src=//www.acme.test:8080/a.png>");
}

static void own_names_are_known_in_full(void **)
{
    check("<img src=http://www.acme.test/a.png><img src=//WWW.acme.test/a.png>",
        "<img src=" S "/a.png><img src=" S "/a.png>");
    check("<img src=https://www.acme.test:443/a.png?b#c>", "<img src=" S "/a.png?b#c>");
    stays("<img src=http://www.acme.test:443/a.png>");
    stays("<img src=http://static.acme.test/a.png><img src=//static.acme.test.cdn.test/a.png>");
    assert_int_equal(count("<img src=http://static.acme.test:80/x>", REWRITE_THERE), 1);
}

static void dots_are_resolved_and_all_else_is_kept(void **)
{
    check("<img src=./../docs/./a.png>", "<img src=" S "/docs/a.png>");
    check("<img src=../../../a.png>", "<img src=" S "/a.png>");
    check("<img src='%2e%2E/a.png'>", "<img src='" S "/a.png'>");
    check("<img src='c d.gif'><img src=c%20d.gif>",
        "<img src='" S "/docs/c d.gif'><img src=" S "/docs/c%20d.gif>");
    check("<img src=' /a.png '>", "<img src=' " S "/a.png '>");
    check("<img src=/%61.png>", "<img src=" S "/%61.png>");
    check("<img src=x/../a.png?../>", "<img src=" S "/docs/a.png?../>");
    stays("<img src=/docs%2Fa.png><img src=/a.png/..><img src=/a.png/.>");
}

static void character_references_are_understood_and_kept(void **)
{
    check(
        "<img src='/r&amp;d.png?a=1&amp;b&copy'>", "<img src='" S "/r&amp;d.png?a=1&amp;b&copy'>");
    check("<img src='/r&d.png'>", "<img src='/r&d.png'>"); // &d might be one we do not know
    check("<img src='&#47;a&period;png'>", "<img src='" S "/a&period;png'>");
    check("<img src='/&#X61;.png'>", "<img src='" S "/&#X61;.png'>");
    check("<img src='/caf&#233;.png'>", "<img src='" S "/caf&#233;.png'>");
    check("<img src='&#46;&#46;/a.png'>", "<img src='" S "/a.png'>");
    check("<img src='/a.png?x=1&lt=2'>", "<img src='" S "/a.png?x=1&lt=2'>");
    stays("<img src='/caf&eacute;.png'><img src='/a&#0;.png'><img src='/a&#;.png'>");
}

static void a_base_counts_for_the_whole_page(void **)
{
    check("<img src=docs/a.png><base href=/><base href=/docs/>",
        "<img src=" S "/docs/a.png><base href=/><base href=/docs/>");
    check("<base href='http://www.acme.test/x/y/../z'><img src=../a.png>",
        "<base href='http://www.acme.test/x/y/../z'><img src=" S "/a.png>");
    stays("<base href=//cdn.example/><img src=a.png><img src=/a.png>");
    stays("<base href=//static.acme.test/><img src=a.png>");
    check("<base href=data:,><base target=x><img src=/a.png>",
        "<base href=data:,><base target=x><img src=" S "/a.png>");
    check("<base href='/do\"cs/..'><img src=\"a.png\">",
        "<base href='/do\"cs/..'><img src=\"" S "/a.png\">");
    stays("<base href='/caf\xe9/'><img src=a.png>");
    stays("<base href=file:///C:/site/><img src=a.png><img src=/a.png>");
    check("<base href=javascript:0><base href=/><img src=a.png>",
        "<base href=javascript:0><base href=/><img src=" S "/docs/a.png>");
    check("<base href=//www.acme.test?x><img src=a.png>",
        "<base href=//www.acme.test?x><img src=" S "/a.png>");
    check("<!--<base href=/x/>--><svg><base href=/x/></svg><script>'<base href=/x/>'</script>"
          "<img src=a.png>",
        "<!--<base href=/x/>--><svg><base href=/x/></svg><script>'<base href=/x/>'</script>"
        "<img src=" S "/docs/a.png>");
}

static void what_another_host_would_not_be_asked_for_waits(void **)
{
    const char *page = "<script type=module src=/app.js></script><img crossorigin src=/a.png>"
                       "<link rel=preload as=font href=/font.woff2>";
    struct rewrite_site site = scene_site();

    stays(page);
    assert_int_equal(count(page, REWRITE_CORS), 3);
    assert_int_equal(count("<link rel=preload as=fetch href=/a.png><link rel=mask-icon "
                           "href=/logo.svg><link rel=modulepreload href=/app.js>",
                         REWRITE_CORS),
        3);
    site.has_cors = true;
    scene_check(rewrite_page, &site, page,
        "<script type=module src=" S "/app.js></script><img crossorigin src=" S "/a.png>"
        "<link rel=preload as=font href=" S "/font.woff2>");
    page = "<script src=/app.js integrity=sha256-x></script>";
    scene_check(rewrite_page, &site, page, page);
    assert_int_equal(count(page, REWRITE_BOUND), 1);
}

static void sources_are_asked_for_as_the_element_they_are_for(void **)
{
    const char *page = "<video crossorigin><source src=/film.mp4></video>"
                       "<picture><source srcset='/a.png 1x'><img crossorigin alt=x></picture>";
    struct rewrite_site site = scene_site();

    stays(page);
    assert_int_equal(count(page, REWRITE_CORS), 2);
    site.has_cors = true;
    scene_check(rewrite_page, &site, page,
        "<video crossorigin><source src=" S "/film.mp4></video>"
        "<picture><source srcset='" S "/a.png 1x'><img crossorigin alt=x></picture>");
    check("<audio crossorigin></audio><audio><source src=/film.mp4></audio>"
          "<picture><source srcset=/a.png><img></picture><picture></picture><img crossorigin>",
        "<audio crossorigin></audio><audio><source src=" S "/film.mp4></audio>"
        "<picture><source srcset=" S "/a.png><img></picture><picture></picture><img crossorigin>");
}

static void pages_are_read_as_they_are_on_real_sites(void **)
{
    check("<img srcset='data:image/gif;base64,R0lGODlhAQABAAAAACw= 1x, /a.png 2x'>",
        "<img srcset='data:image/gif;base64,R0lGODlhAQABAAAAACw= 1x, " S "/a.png 2x'>");
    check("<img srcset=\"/a.png?w=1&h=2 1x,\r\n\t/a.png?w=2&amp;h=4 2x\">",
        "<img srcset=\"" S "/a.png?w=1&h=2 1x,\r\n\t" S "/a.png?w=2&amp;h=4 2x\">");
    check("<p style=\"background:image-set('/a.png' 1x,&quot;/b.jpg&quot; 2x)\">",
        "<p style=\"background:image-set('" S "/a.png' 1x,&quot;" S "/b.jpg&quot; 2x)\">");
    check("<style>\r\n<!--\r\nb{c:url(/a.png)}\r\n-->\r\n</style>",
        "<style>\r\n<!--\r\nb{c:url(" S "/a.png)}\r\n-->\r\n</style>");
    check("<!--[if IE]><img src=/a.png><![endif]--><!--[if !IE]><!--><img "
          "src=/a.png><!--<![endif]-->",
        "<!--[if IE]><img src=/a.png><![endif]--><!--[if !IE]><!--><img src=" S
        "/a.png><!--<![endif]-->");
    check("<svg viewBox='0 0 1 1'><title>a</title><style>b{c:url(#x)}</style><path/></svg>"
          "<math><mi>x</mi></math><title></svg><img src=/a.png></title><img src=/a.png>",
        "<svg viewBox='0 0 1 1'><title>a</title><style>b{c:url(#x)}</style><path/></svg>"
        "<math><mi>x</mi></math><title></svg><img src=/a.png></title><img src=" S "/a.png>");
    check(
        "<img alt='a > b' src=/a.png?a=1&amp;b=2#c>x<img alt=\"<img src='/a.png'>\" src='/a.png'>",
        "<img alt='a > b' src=" S "/a.png?a=1&amp;b=2#c>x<img alt=\"<img src='/a.png'>\" src='" S
        "/a.png'>");
    check("<img src=/a.png/ ><img src= /a.png\n><img src=\"/a.png\"/><IMG SRC=\"/a.png\"alt>",
        "<img src=/a.png/ ><img src= " S "/a.png\n><img src=\"" S "/a.png\"/><IMG SRC=\"" S
        "/a.png\"alt>");
    stays("<img src=\"/a\r\n.png\"><img src=\"/a\t.png\">");
}

static void own_ports_are_own_names(void **)
{
    static const struct slice pages[] = { { "localhost:8000", 14 } };
    struct rewrite_site site = scene_site();

    site.host = SLICE("static.acme.test:8080");
    site.pages = pages;
    scene_check(rewrite_page, &site,
        "<img src=http://localhost:8000/a.png><img src=//localhost/a.png>"
        "<img src=http://static.acme.test:8080/a.png><img src=http://static.acme.test/a.png>",
        "<img src=" S ":8080/a.png><img src=//localhost/a.png>"
        "<img src=http://static.acme.test:8080/a.png><img src=http://static.acme.test/a.png>");
}

static void a_scheme_may_be_asked_for(void **)
{
    struct rewrite_site site = scene_site();

    site.scheme = SLICE("https:");
    site.host = SLICE("static.acme.test:8443");
    scene_check(
        rewrite_page, &site, "<img src=/a.png>", "<img src=https://static.acme.test:8443/a.png>");
}

/* What is dropped of a path that is too long must not lead to a file that is not meant. */
static void a_path_of_too_many_parts_stays(void **)
{
    char page[129 * 2 + 128 * 3 + 40] = "<img src=/";

    for (int i = 0; i < 129; i++)
        strcat(page, "x/");
    for (int i = 0; i < 128; i++)
        strcat(page, "../");
    strcat(page, "a.png>");
    stays(page);
    assert_int_equal(count(page, REWRITE_UNCLEAR), 1);
}

static void no_byte_outside_of_urls_changes(void **)
{
    check("\xef\xbb\xbf<!doctype html>\r\n<P a=1 A=2><img\tsrc\n=/a.png\fx>\xff\xe9 &bad; <",
        "\xef\xbb\xbf<!doctype html>\r\n<P a=1 A=2><img\tsrc\n=" S "/a.png\fx>\xff\xe9 &bad; <");
    stays("<!-- <img src=/a.png> --><script>'<img src=/a.png>'</script><textarea><img src=/a.png>");
    stays("<img src=/a.png");
    stays("<img alt=x alt='y' src src=/a.png>"); // the first counts, and it is empty
}

static void a_page_of_more_urls_than_the_limit_is_left(void **)
{
    static const char one[] = "<img src=/a.png>";
    size_t length = (REWRITE_EDITS_MAX + 1) * (sizeof one - 1);
    char *page = malloc(length);
    struct rewrite_site site = scene_site();
    struct rewrite_edits edits;
    struct arena arena;

    assert_non_null(page);
    for (size_t at = 0; at < length; at += sizeof one - 1)
        memcpy(page + at, one, sizeof one - 1);
    arena_init(&arena, REWRITE_ARENA_BYTES);
    assert_int_equal(
        rewrite_page(&site, SLICE("/"), slice_of(page, length), &arena, &edits), ERR_LIMIT);
    length -= sizeof one - 1;
    assert_int_equal(
        rewrite_page(&site, SLICE("/"), slice_of(page, length), &arena, &edits), ERR_NONE);
    arena_done(&arena);
    arena_init(&arena, 4096);
    assert_int_equal(
        rewrite_page(&site, SLICE("/"), slice_of(page, length), &arena, &edits), ERR_SPACE);
    arena_done(&arena);
    free(page);
}

static void encodings_without_ascii_are_told(void **)
{
    assert_int_equal(rewrite_readable(SLICE("<p>\xe9\xff</p>")), ERR_NONE);
    assert_int_equal(rewrite_readable(SLICE("")), ERR_NONE);
    assert_int_equal(rewrite_readable(SLICE("\xff\xfe<\0p\0")), ERR_UNSUPPORTED);
    assert_int_equal(rewrite_readable(SLICE("\xfe\xff\0<\0p")), ERR_UNSUPPORTED);
    assert_int_equal(rewrite_readable(SLICE("<\0p\0>\0")), ERR_UNSUPPORTED);
    assert_int_equal(rewrite_readable(SLICE("<p>\x1b$B<\x1b(B")), ERR_UNSUPPORTED);
    assert_int_equal(rewrite_readable(slice_of("", REWRITE_FILE_BYTES_MAX + 1)), ERR_LIMIT);
}

static void a_host_is_written_as_it_may_stand_in_a_url(void **)
{
    assert_true(rewrite_is_host(SLICE("static.acme.test")));
    assert_true(rewrite_is_host(SLICE("localhost:8080")));
    for (const char *const *bad = (const char *const[]){ "", "a b", "a/b", "http://a", "a:", "a:0",
             "a:70000", ".a", "a.", "a\"b", ":80", NULL };
         *bad != NULL; bad++)
        assert_false(rewrite_is_host(slice_text(*bad)));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_a_page_embeds_moves),
        cmocka_unit_test(every_candidate_of_a_set_moves),
        cmocka_unit_test(styles_of_a_page_are_style_sheets),
        cmocka_unit_test(what_leads_elsewhere_stays),
        cmocka_unit_test(what_is_dynamic_or_of_others_stays),
        cmocka_unit_test(own_names_are_known_in_full),
        cmocka_unit_test(dots_are_resolved_and_all_else_is_kept),
        cmocka_unit_test(character_references_are_understood_and_kept),
        cmocka_unit_test(a_base_counts_for_the_whole_page),
        cmocka_unit_test(what_another_host_would_not_be_asked_for_waits),
        cmocka_unit_test(sources_are_asked_for_as_the_element_they_are_for),
        cmocka_unit_test(pages_are_read_as_they_are_on_real_sites),
        cmocka_unit_test(own_ports_are_own_names),
        cmocka_unit_test(a_scheme_may_be_asked_for),
        cmocka_unit_test(a_path_of_too_many_parts_stays),
        cmocka_unit_test(no_byte_outside_of_urls_changes),
        cmocka_unit_test(a_page_of_more_urls_than_the_limit_is_left),
        cmocka_unit_test(encodings_without_ascii_are_told),
        cmocka_unit_test(a_host_is_written_as_it_may_stand_in_a_url),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
