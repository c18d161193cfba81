// SPDX-License-Identifier: Apache-2.0
#include "admin/pages.h"

#include <assert.h>
#include <stdio.h>

#include "base/arena.h"
#include "http/exchange.h"
#include "io/loop.h"
#include "wire/http_date.h"
#include "wire/http_tag.h"

enum { FIELDS_MAX = 1024, TAG_MAX = 32 };

/* Styles that scripts set on what they draw are no inline styles: 'self' is enough. */
#define POLICY                                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src " \
    "'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

const struct page *page_find(const struct page *list, size_t count, struct slice path)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(list[i].path, path))
            return &list[i];
    return NULL;
}

/* The weight of a coding is zero: "q=0", "q=0.000". */
static bool is_refused(struct slice parameters)
{
    struct slice part;

    while (slice_cut(&parameters, ';', &part)) {
        part = slice_trim(part);
        if (part.length < 3 || !slice_same(slice_head(part, 2), SLICE("q=")))
            continue;
        for (size_t i = 2; i < part.length; i++)
            if (part.at[i] != '0' && part.at[i] != '.')
                return false;
        return true;
    }
    return false;
}

bool page_may_gzip(const struct http_head *request)
{
    struct slice list = http_head_value(request, HTTP_NAME_ACCEPT_ENCODING), one, name = SLICE_NONE;

    while (slice_cut(&list, ',', &one)) {
        slice_cut(&one, ';', &name);
        if (slice_same(slice_trim(name), SLICE("gzip")))
            return !is_refused(one);
    }
    return false;
}

bool page_is_known(const struct http_head *request, struct slice tag)
{
    static const char *const ENDINGS[] = { "", "-gzip" };
    char text[TAG_MAX];

    for (size_t i = 0; i < COUNT_OF(ENDINGS); i++) {
        int length = snprintf(text, sizeof text, "\"%.*s%s\"", SLICE_ARG(tag), ENDINGS[i]);

        assert(length > 0 && length < TAG_MAX);
        if (http_tag_is_listed(
                request, HTTP_NAME_IF_NONE_MATCH, slice_of(text, (size_t)length), false))
            return true;
    }
    return false;
}

bool pages_serve(struct http_exchange *x, struct slice path)
{
    const struct page *page = page_find(pages, page_count, path);

    if (page == NULL)
        return false;
    if (x->request->method != HTTP_GET && x->request->method != HTTP_HEAD) {
        http_reply_status(x, 405, SLICE("Allow: GET, HEAD\r\n"));
        return true;
    }
    char date[HTTP_DATE_BYTES], *fields = arena_alloc(&x->arena, FIELDS_MAX);
    bool is_known = page_is_known(x->request, page->tag), is_gzip = page_may_gzip(x->request);
    struct slice body = is_gzip ? page->gzip : page->plain;

    http_date_write(loop_wall(x->loop), date);
    int length = snprintf(fields, FIELDS_MAX,
        "Date: %.*s\r\nContent-Type: %.*s\r\n%sETag: \"%.*s%s\"\r\nVary: Accept-Encoding\r\n"
        "Cache-Control: no-cache\r\nContent-Security-Policy: " POLICY "\r\n"
        "Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n",
        HTTP_DATE_BYTES, date, SLICE_ARG(page->type), is_gzip ? "Content-Encoding: gzip\r\n" : "",
        SLICE_ARG(page->tag), is_gzip ? "-gzip" : "");

    assert(length > 0 && length < FIELDS_MAX);
    if (is_known)
        body = SLICE_NONE;
    http_reply(x, &(struct http_reply){ .status = is_known ? 304 : 200,
                      .fields = slice_of(fields, (size_t)length),
                      .length = (int64_t)body.length,
                      .body = body });
    return true;
}
