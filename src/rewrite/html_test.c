// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/writer.h"
#include "rewrite/html.h"

/* All tokens in a line: <name a=b;> </name> {raw}; foreign names with a star. */
static void check(const char *page, const char *expected)
{
    char room[2000];
    struct writer out = writer_on(room, sizeof room - 1);
    struct html_reader reader;
    struct html_token token;

    html_reader_init(&reader, slice_text(page));
    while (html_next(&reader, &token)) {
        if (token.kind == HTML_RAW) {
            write_slice(&out, SLICE("{"));
            write_slice(&out, token.raw);
            write_slice(&out, SLICE("}"));
            continue;
        }
        write_slice(&out, token.kind == HTML_START ? SLICE("<") : SLICE("</"));
        write_slice(&out, token.name);
        write_slice(&out, token.is_foreign ? SLICE("*") : SLICE(""));
        for (size_t i = 0; i < token.attribute_count && token.kind == HTML_START; i++) {
            write_slice(&out, SLICE(" "));
            write_slice(&out, token.attributes[i].name);
            write_slice(&out, SLICE("="));
            write_slice(&out, token.attributes[i].value);
            write_slice(&out, SLICE(";"));
        }
        write_slice(&out, token.is_closed ? SLICE("/>") : SLICE(">"));
    }
    assert_false(out.is_short);
    room[out.length] = '\0';
    assert_string_equal(room, expected);
}

static void attributes_are_found_however_they_are_quoted(void **)
{
    check("<img src=a.png alt='it is' title=\"a > b\" ismap>",
        "<img src=a.png; alt=it is; title=a > b; ismap=;>");
    check("<img\n\tsrc\f=\r a.png/>", "<img src=a.png/;>");
    check("<img src='a'alt=b />", "<img src=a; alt=b;/>");
    check("<a/b=c/ d>", "<a b=c/; d=;>");
    check("<a =b=c>", "<a =b=c;>");
    check("<a b= >text", "<a b=;>");
    check("<a \"x\"=<b>", "<a \"x\"=<b;>");
}

static void what_is_no_tag_is_text(void **)
{
    check("1 < 2 <3> <> </> < a> <b>", "<b>");
    check("</ img><b></3><i>", "<b><i>");
    check("<?php echo '<img src=a>' ?><b>", "<b>");
    check("<?a><b>", "<b>");
}

static void comments_end_where_browsers_end_them(void **)
{
    check("<!-- <img> --><b>", "<b>");
    check("<!--> <b> --><i>", "<b><i>");
    check("<!---> <b> --><i>", "<b><i>");
    check("<!-- <img> --!><b>", "<b>");
    check("<!-- -- > <img> --><b>", "<b>");
    check("<!----><b>", "<b>");
    check("<!-- <!-- --> <b> -->", "<b>");
    check("<!-x <img> <b>", "<b>");
    check("<!-- <img>", "");
    check("<!DOCTYPE html PUBLIC \"a>b\"><b>", "<b>");
}

static void a_tag_that_the_end_cuts_off_is_none(void **)
{
    check("<b><img src=a.png", "<b>");
    check("<b><img src='a.png>", "<b>");
    check("<b><im", "<b>");
    check("<b></", "<b>");
    check("<b><", "<b>");
}

static void scripts_hold_no_tags(void **)
{
    check("<script>'<img>' </scripty> </script ><b>", "<script></script><b>");
    check("<SCRIPT>a<!--b</SCRIPT><b>", "<SCRIPT></SCRIPT><b>");
    check("<script><!-- <script> </script> <i> --> </script><b>", "<script></script><b>");
    check("<script><!--> <script> </script><b>", "<script></script><b>");
    check("<script><!-- <script></script></script><b>", "<script></script><b>");
    check("<script><!-- <scripts> </script><b>", "<script></script><b>");
    check("<script/><img>", "<script/>");
}

static void raw_text_ends_at_its_own_end_tag(void **)
{
    check("<style>a</styl></style></style x=y><b>", "<style>{a</styl>}</style></style><b>");
    check("<title><img></title><textarea></title><img></textarea><b>",
        "<title></title><textarea></textarea><b>");
    check("<noscript><!-- </noscript><b> -->", "<noscript>{<!-- }</noscript><b>");
    check("<iframe><img></iframe><xmp><img></xmp><b>", "<iframe></iframe><xmp></xmp><b>");
    check("<plaintext></plaintext><img>", "<plaintext>");
    check("<style>a", "<style>");
}

static void sections_of_cdata_are_in_foreign_content_alone(void **)
{
    check("<![CDATA[ <img> ]]><b>", "<b>"); // a bogus comment up to the first ">"
    check("<![CDATA[ > <i> ]]><b>", "<i><b>");
    check("<svg><![CDATA[ > <i> ]]><g/></svg><![CDATA[><b>", "<svg*><g*/></svg*><b>");
    check(
        "<svg><desc><![CDATA[><b></desc><![CDATA[><i>]]></svg>", "<svg*><desc*><b></desc></svg*>");
    check("<math><mi><![CDATA[><b></mi><![CDATA[><i>]]></math>", "<math*><mi*><b></mi></math*>");
}

static void foreign_elements_hold_tags_where_html_holds_text(void **)
{
    check("<svg><style><a></a></style><title>t<b></title></svg><title><i></title>",
        "<svg*><style*><a*></a*></style*><title*><b></title></svg*><title></title>");
    check("<svg><script><a/></script></svg>", "<svg*><script*><a*/></script*></svg*>");
    check("<svg/><style>a</style>", "<svg*/><style>{a}</style>");
}

static void html_breaks_out_of_foreign_content(void **)
{
    check("<svg><g><p><style>a</style>", "<svg*><g*><p><style>{a}</style>");
    check("<svg><font><font size=1><style>a</style>",
        "<svg*><font*><font size=1;><style>{a}</style>");
    check("<svg></p><style>a</style>", "<svg*></p*><style>{a}</style>");
    check("<svg><g></svg><style>a</style>", "<svg*><g*></svg*><style>{a}</style>");
    check("<svg></g><style>a</style>", "<svg*></g*><style*></style*>");
    check("<math><annotation-xml encoding=TEXT/html><style>a</style></annotation-xml><mi/>",
        "<math*><annotation-xml* encoding=TEXT/html;><style>{a}</style></annotation-xml><mi*/>");
    check("<math><annotation-xml><style></style>", "<math*><annotation-xml*><style*></style*>");
}

static void a_tag_with_too_many_attributes_says_so(void **)
{
    char page[4 + 2 * (HTML_ATTRIBUTES_MAX + 1) + 1] = "<a";
    struct html_reader reader;
    struct html_token token;

    for (size_t i = 0; i <= HTML_ATTRIBUTES_MAX; i++)
        memcpy(page + 2 + 2 * i, " b", 2);
    page[2 + 2 * (HTML_ATTRIBUTES_MAX + 1)] = '>';
    html_reader_init(&reader, slice_text(page));
    assert_true(html_next(&reader, &token));
    assert_true(token.is_cut);
    assert_int_equal(token.attribute_count, HTML_ATTRIBUTES_MAX);
}

static void content_that_is_foreign_too_deep_is_given_up(void **)
{
    char page[5 + 3 * HTML_FOREIGN_MAX + 4] = "<svg>";
    struct html_reader reader;
    struct html_token token;
    size_t count = 0;

    for (size_t i = 0; i < HTML_FOREIGN_MAX; i++)
        memcpy(page + 5 + 3 * i, "<g>", 3);
    memcpy(page + 5 + 3 * HTML_FOREIGN_MAX, "<b>", 3);
    html_reader_init(&reader, slice_text(page));
    while (html_next(&reader, &token))
        count++;
    assert_int_equal(count, HTML_FOREIGN_MAX); // the last of them, and <b>, are not read
    assert_true(reader.is_lost);
}

static void the_first_of_two_attributes_counts_in_any_case(void **)
{
    struct html_reader reader;
    struct html_token token;

    html_reader_init(&reader, SLICE("<img SRC=a src=b>"));
    assert_true(html_next(&reader, &token));
    assert_true(slice_equal(html_attribute(&token, SLICE("src"))->value, SLICE("a")));
    assert_null(html_attribute(&token, SLICE("alt")));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(attributes_are_found_however_they_are_quoted),
        cmocka_unit_test(what_is_no_tag_is_text),
        cmocka_unit_test(comments_end_where_browsers_end_them),
        cmocka_unit_test(a_tag_that_the_end_cuts_off_is_none),
        cmocka_unit_test(scripts_hold_no_tags),
        cmocka_unit_test(raw_text_ends_at_its_own_end_tag),
        cmocka_unit_test(sections_of_cdata_are_in_foreign_content_alone),
        cmocka_unit_test(foreign_elements_hold_tags_where_html_holds_text),
        cmocka_unit_test(html_breaks_out_of_foreign_content),
        cmocka_unit_test(a_tag_with_too_many_attributes_says_so),
        cmocka_unit_test(content_that_is_foreign_too_deep_is_given_up),
        cmocka_unit_test(the_first_of_two_attributes_counts_in_any_case),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
