// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Heads for tests, from the fields alone. */

#include <stdio.h>

#include "wire/http_head.h"

struct test_head {
    char text[4096];
    struct http_head head;
};

static inline void response_of(struct test_head *h, int status, const char *fields)
{
    snprintf(h->text, sizeof h->text, "HTTP/1.1 %d X\r\n%s\r\n", status, fields);
    assert_int_equal(http_response_parse(slice_text(h->text), 0, &h->head), HTTP_PARSE_DONE);
}

static inline void request_of(struct test_head *h, const char *method, const char *fields)
{
    snprintf(
        h->text, sizeof h->text, "%s /a HTTP/1.1\r\nHost: a.example\r\n%s\r\n", method, fields);
    assert_int_equal(http_request_parse(slice_text(h->text), 0, &h->head), HTTP_PARSE_DONE);
}
