// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rewrite/scene_test.h"

#define FOUR        "x(x(x(x("
#define PARENTHESES FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR

static void check(const char *before, const char *expected)
{
    struct rewrite_site site = scene_site();

    scene_check(rewrite_sheet, &site, before, expected);
}

static void pictures_of_rules_move(void **)
{
    check("b{background:url(a.png) no-repeat}",
        "b{background:url(//static.acme.test/docs/a.png) no-repeat}");
    check("b{background:url( '../a.png' )}", "b{background:url( '//static.acme.test/a.png' )}");
    check("b{cursor:URL(\"/b.jpg?v=2#x\"),auto}",
        "b{cursor:URL(\"//static.acme.test/b.jpg?v=2#x\"),auto}");
}

static void imports_move_with_url_and_without(void **)
{
    check("@import 'site.css';@import url(../site.css) screen;@import url('/site.css');",
        "@import '//static.acme.test/docs/site.css';@import url(//static.acme.test/site.css) "
        "screen;@import url('//static.acme.test/site.css');");
    check("@import 'a.png';", "@import 'a.png';");
    check("@import 'site.css' supports(font-format('/site.css'));@import '/site.css';",
        "@import '//static.acme.test/docs/site.css' supports(font-format('/site.css'));"
        "@import '//static.acme.test/site.css';");
}

static void sets_of_pictures_move_and_their_types_stay(void **)
{
    check("b{background:image-set('a.png' 1x, url(/b.jpg) 2x, '/a.png' type('/a.png'))}",
        "b{background:image-set('//static.acme.test/docs/a.png' 1x, "
        "url(//static.acme.test/b.jpg) 2x, '//static.acme.test/a.png' type('/a.png'))}");
}

static void other_strings_are_text(void **)
{
    check("b{content:'/a.png';quotes:'a.png'}", "b{content:'/a.png';quotes:'a.png'}");
    check("/* url(/a.png) */ b[src='/a.png']{}", "/* url(/a.png) */ b[src='/a.png']{}");
    check("b{c:image-set('/x' }b{content:'/a.png'}", "b{c:image-set('/x' }b{content:'/a.png'}");
    check("@charset '/a.png';@namespace url(/a.png);@namespace x '/a.png';b{c:url(/a.png)}",
        "@charset '/a.png';@namespace url(/a.png);@namespace x '/a.png';b{c:url("
        "//static.acme.test/a.png)}");
}

static void escapes_are_understood_and_kept(void **)
{
    check("b{c:url(c\\20 d.gif)}", "b{c:url(//static.acme.test/docs/c\\20 d.gif)}");
    check("b{c:url('\\2f \\61.png')}", "b{c:url('//static.acme.test/\\61.png')}");
    check("b{c:url('/a\\\n.png')}", "b{c:url('//static.acme.test/a\\\n.png')}");
}

static void fonts_and_masks_wait_for_a_site_that_allows_them(void **)
{
    const char *sheet = "@font-face{src:url(/font.woff2)}b{mask-image:url(/a.png)}";
    struct rewrite_site site = scene_site();

    assert_int_equal(scene_count(rewrite_sheet, sheet, REWRITE_CORS), 2);
    check(sheet, sheet);
    site.has_cors = true;
    scene_check(rewrite_sheet, &site, sheet,
        "@font-face{src:url(//static.acme.test/font.woff2)}b{mask-image:url("
        "//static.acme.test/a.png)}");
}

static void references_into_drawings_stay_with_the_page(void **)
{
    const char *sheet = "b{filter:url(/logo.svg#f);clip-path:url(/logo.svg#c);fill:url(/logo.svg)}";

    assert_int_equal(scene_count(rewrite_sheet, sheet, REWRITE_BOUND), 3);
    check("a:hover b{fill:url(/logo.svg);background:url(/logo.svg)}",
        "a:hover b{fill:url(/logo.svg);background:url(//static.acme.test/logo.svg)}");
}

/* Of a mask it may be a part, or of a filter; and what it is relative to, browsers differ on. */
static void urls_that_are_kept_for_later_stay(void **)
{
    const char *sheet = ":root{--p:url(/a.png);--q: image-set('/a.png' 1x)}";

    assert_int_equal(scene_count(rewrite_sheet, sheet, REWRITE_UNCLEAR), 2);
    check("b{--p:url(/a.png);c:url(/a.png)}", "b{--p:url(/a.png);c:url(//static.acme.test/a.png)}");
    check("b{-\\-p:url(/a.png)}", "b{-\\-p:url(/a.png)}");
}

static void sheets_are_read_as_they_are_on_real_sites(void **)
{
    check("\xef\xbb\xbf@import 'site.css' layer(base) screen and (min-width: "
          "1px);\r\nb{c:url(a.png)}",
        "\xef\xbb\xbf@import '//static.acme.test/docs/site.css' layer(base) screen and "
        "(min-width: 1px);\r\nb{c:url(//static.acme.test/docs/a.png)}");
    check("@import url(site.css) layer supports(background: url('/a.png'));",
        "@import url(//static.acme.test/docs/site.css) layer supports(background: "
        "url('/a.png'));"); // whose picture is not fetched; a sheet is what is asked for here
    check("b{background:url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E\"),"
          "url(//www.acme.test/a.png)}",
        "b{background:url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E\"),"
        "url(//static.acme.test/a.png)}");
    check("<!-- b{c:url(/a.png)} -->", "<!-- b{c:url(//static.acme.test/a.png)} -->");
    check("b{c:url(/a b.png)}d{c:url(/a.png)}",
        "b{c:url(/a b.png)}d{c:url(//static.acme.test/a.png)}"); // thrown away by browsers
    check("b{*background:url(/a.png);filter:progid:X(src='/a.png',sizingMethod='scale')}",
        "b{*background:url(//static.acme.test/a.png);filter:progid:X(src='/a.png',"
        "sizingMethod='scale')}");
    check("@media print{@font-face{src:local('a.png'),url(/a.png)}}",
        "@media print{@font-face{src:local('a.png'),url(//static.acme.test/a.png)}}");
    check("b{c:url(/a.png", "b{c:url(//static.acme.test/a.png");
}

static void strings_in_parentheses_too_deep_are_text(void **)
{
    char sheet[300];

    snprintf(sheet, sizeof sheet, "b{c:%.*surl('/a.png')", 2 * 63, PARENTHESES);
    assert_int_equal(scene_count(rewrite_sheet, sheet, REWRITE_MOVED), 1);
    snprintf(sheet, sizeof sheet, "b{c:%.*surl('/a.png')", 2 * 64, PARENTHESES);
    assert_int_equal(scene_count(rewrite_sheet, sheet, REWRITE_MOVED), 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(pictures_of_rules_move),
        cmocka_unit_test(imports_move_with_url_and_without),
        cmocka_unit_test(sets_of_pictures_move_and_their_types_stay),
        cmocka_unit_test(other_strings_are_text),
        cmocka_unit_test(escapes_are_understood_and_kept),
        cmocka_unit_test(fonts_and_masks_wait_for_a_site_that_allows_them),
        cmocka_unit_test(references_into_drawings_stay_with_the_page),
        cmocka_unit_test(urls_that_are_kept_for_later_stay),
        cmocka_unit_test(sheets_are_read_as_they_are_on_real_sites),
        cmocka_unit_test(strings_in_parentheses_too_deep_are_text),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
