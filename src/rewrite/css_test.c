// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/writer.h"
#include "rewrite/css.h"

/* All tokens but spaces: i[name] f[name] @[name] s[string] u[url] b o, and marks as they are. */
static void check_bytes(struct slice sheet, const char *expected)
{
    static const char kinds[] = " if@sub?o";
    char room[1000];
    struct writer out = writer_on(room, sizeof room - 1);
    struct css_reader reader;
    struct css_token token;

    css_reader_init(&reader, sheet);
    while (css_next(&reader, &token)) {
        if (token.kind == CSS_SPACE)
            continue;
        write_slice(&out,
            token.kind == CSS_MARK ? slice_of(&token.mark, 1) : slice_of(&kinds[token.kind], 1));
        if (token.kind == CSS_MARK || token.kind == CSS_BAD || token.kind == CSS_OTHER)
            continue;
        write_slice(&out, SLICE("["));
        for (size_t i = token.start; i < token.start + token.length; i++)
            write_slice(&out, sheet.at[i] == '\0' ? SLICE("?") : slice_of(&sheet.at[i], 1));
        write_slice(&out, SLICE("]"));
    }
    assert_false(out.is_short);
    room[out.length] = '\0';
    assert_string_equal(room, expected);
}

static void check(const char *sheet, const char *expected)
{
    check_bytes(slice_text(sheet), expected);
}

static void a_url_stands_with_quotes_or_without(void **)
{
    check("a{b:url(x.png)}", "i[a]{i[b]:u[x.png]}");
    check("URL( \n x.png\t)", "u[x.png]");
    check("url( 'x.png' )", "f[url]s[x.png])");
    check("url()", "u[]");
    check("u\\72l(x)", "u[x]");
    check("\\000075 rl(x)", "u[x]");
    check("url(a\\)b\\20 c)", "u[a\\)b\\20 c]");
}

static void names_that_end_in_url_are_others(void **)
{
    check("-url(x)", "f[-url]i[x])");
    check("1url(x)", "o(i[x])");
    check("#url(x)", "o(i[x])");
    check("@url(x)", "@[url](i[x])");
    check("curl(x) url (x)", "f[curl]i[x])i[url](i[x])");
    check("1e-3url(x) 1e-url(x)", "o(i[x])o(i[x])");
    check("1e+3url(x) 1e+url(x)", "oo(i[x])o+u[x]");
    check("1e3url(x) +.5e-2 -1 --a -\\61", "o(i[x])ooi[--a]i[-\\61]");
    check_bytes(SLICE("a\0url(x)"), "f[a?url]i[x])"); // a zero is U+FFFD, so of the name
}

static void a_broken_url_is_thrown_away_up_to_its_end(void **)
{
    check("url(a b) c", "bi[c]");
    check("url(a'b) c", "bi[c]");
    check("url(a(b) c", "bi[c]");
    check("url(a\\\nb) c", "bi[c]");
    check("url(a b\\) c) d", "bi[d]");
    check("url(a\x01) b", "bi[b]");
}

static void strings_end_at_their_quote_or_break_at_the_line(void **)
{
    check("'a\"b' \"c'd\"", "s[a\"b]s[c'd]");
    check("'a\\'b' 'a\\\nb' 'a\\\r\nb'", "s[a\\'b]s[a\\\nb]s[a\\\r\nb]");
    check("'a\nb", "bi[b]");
    check("'a", "s[a]");
    check("'a\\", "s[a\\]");
}

static void comments_hold_nothing(void **)
{
    check("a/* url(x) */b/**/c/*/ d */e", "i[a]i[b]i[c]i[e]");
    check("a/* url(x)", "i[a]");
    check("a/b", "i[a]/i[b]");
}

static void what_the_end_cuts_off_is_still_a_url(void **)
{
    check("url(x", "u[x]");
    check("url( x ", "u[x]");
    check("url(x\\", "u[x\\]");
}

static void a_name_is_known_through_its_escapes(void **)
{
    struct css_reader reader;
    struct css_token token;

    css_reader_init(&reader, SLICE("@i\\6d\r\np\\6FrT"));
    assert_true(css_next(&reader, &token));
    assert_true(css_is(&reader, &token, SLICE("import")));
    assert_false(css_is(&reader, &token, SLICE("impor")));
    assert_false(css_is(&reader, &token, SLICE("imports")));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_url_stands_with_quotes_or_without),
        cmocka_unit_test(names_that_end_in_url_are_others),
        cmocka_unit_test(a_broken_url_is_thrown_away_up_to_its_end),
        cmocka_unit_test(strings_end_at_their_quote_or_break_at_the_line),
        cmocka_unit_test(comments_hold_nothing),
        cmocka_unit_test(what_the_end_cuts_off_is_still_a_url),
        cmocka_unit_test(a_name_is_known_through_its_escapes),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
