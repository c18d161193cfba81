// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/order.h"

static const struct order PURGE = { .id = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
    .kind = ORDER_PURGE_URL,
    .is_soft = true,
    .at = { INT64_C(0x0000018000000102) },
    .by = { "root", 4 },
    .site = { "www.x", 5 },
    .text = { "/a?b", 4 } };

static const struct order DRAIN = { .kind = ORDER_DRAIN_POP, .text = { "fra", 3 } };

/* What PURGE is on the wire. */
static const unsigned char BYTES[] = { 'w', 'p', 'o', 1,   //
    0, 1,                                                  // kind, flags
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, // id
    0, 0, 1, 0x80, 0, 0, 1, 2,                             // at
    4, 5, 0, 4,                                            // lengths
    'r', 'o', 'o', 't', 'w', 'w', 'w', '.', 'x', '/', 'a', '?', 'b' };

enum { KIND_AT = 4, FLAGS_AT = 5, AT_AT = 22, BY_LENGTH_AT = 30, TEXT_AT = 43 };

static bool is_order(const unsigned char *bytes, size_t length)
{
    struct order order;

    return order_parse(slice_of(bytes, length), &order);
}

static bool is_equal(const struct order *a, const struct order *b)
{
    return memcmp(a->id, b->id, ORDER_ID_SIZE) == 0 && a->kind == b->kind &&
           a->is_soft == b->is_soft && a->at.ms == b->at.ms && slice_equal(a->by, b->by) &&
           slice_equal(a->site, b->site) && slice_equal(a->text, b->text);
}

static void an_order_is_the_same_bytes_on_every_machine(void **)
{
    char room[ORDER_MAX];
    struct slice bytes = order_write(&PURGE, room);

    assert_int_equal(bytes.length, sizeof BYTES);
    assert_memory_equal(bytes.at, BYTES, sizeof BYTES);
}

static void what_was_written_is_read_again(void **)
{
    struct order order;

    assert_true(order_parse(slice_of(BYTES, sizeof BYTES), &order));
    assert_true(is_equal(&order, &PURGE));
}

static void every_kind_comes_through_at_its_limits(void **)
{
    static char long_text[ORDER_TEXT_MAX];
    char room[ORDER_MAX];
    struct order order;

    memset(long_text, 'x', sizeof long_text);
    for (int kind = 0; kind < ORDER_KIND_COUNT; kind++) {
        bool is_purge = order_is_purge((enum order_kind)kind);
        const struct order written = {
            .kind = (enum order_kind)kind,
            .at = { INT64_MAX },
            .by = { long_text + 2, ORDER_BY_MAX },
            .site = { long_text + 2, is_purge ? ORDER_SITE_MAX : 0 },
            .text = { long_text, kind == ORDER_PURGE_SITE ? 0 : sizeof long_text },
        };

        long_text[0] = kind <= ORDER_PURGE_PREFIX ? '/' : 'x';
        long_text[1] = '/';
        assert_true(order_is_sane(&written));
        assert_true(order_parse(order_write(&written, room), &order));
        assert_true(is_equal(&order, &written));
    }
}

static void what_is_cut_short_or_too_long_is_no_order(void **)
{
    unsigned char longer[sizeof BYTES + 1] = { 0 };

    for (size_t length = 0; length < sizeof BYTES; length++)
        assert_false(is_order(BYTES, length));
    memcpy(longer, BYTES, sizeof BYTES);
    assert_true(is_order(longer, sizeof BYTES));
    assert_false(is_order(longer, sizeof longer));
}

static void what_a_later_version_wrote_is_no_order_here(void **)
{
    static const struct {
        size_t at;
        unsigned char byte;
    } CHANGES[] = {
        { 0, 'W' }, { 3, 2 }, { KIND_AT, ORDER_KIND_COUNT }, { KIND_AT, 255 }, { FLAGS_AT, 2 },
        { FLAGS_AT, 3 }, { AT_AT, 0x80 }, // before 1970
    };

    for (size_t i = 0; i < COUNT_OF(CHANGES); i++) {
        unsigned char bytes[sizeof BYTES];

        memcpy(bytes, BYTES, sizeof bytes);
        bytes[CHANGES[i].at] = CHANGES[i].byte;
        assert_false(is_order(bytes, sizeof bytes));
    }
}

static void control_bytes_are_in_no_order(void **)
{
    for (size_t at = ORDER_HEADER_SIZE; at < sizeof BYTES; at++)
        for (int byte = 0; byte < 256; byte++) {
            unsigned char bytes[sizeof BYTES];

            memcpy(bytes, BYTES, sizeof bytes);
            bytes[at] = (unsigned char)byte;
            bool is_control = byte < ' ' || byte == 0x7f;

            if (is_control || at != TEXT_AT) // where a slash must stand
                assert_int_equal(is_order(bytes, sizeof bytes), !is_control);
        }
}

static void an_order_has_what_its_kind_needs_and_nothing_else(void **)
{
    struct order order = PURGE;

    order.site = SLICE_NONE;
    assert_false(order_is_sane(&order));
    order = PURGE;
    order.text = SLICE("a");
    assert_false(order_is_sane(&order));
    order.kind = ORDER_PURGE_PREFIX;
    assert_false(order_is_sane(&order));
    order.kind = ORDER_PURGE_TAG;
    assert_true(order_is_sane(&order));
    order.kind = ORDER_PURGE_SITE;
    assert_false(order_is_sane(&order));
    order.text = SLICE_NONE;
    assert_true(order_is_sane(&order));

    order = DRAIN;
    assert_true(order_is_sane(&order));
    order.is_soft = true;
    assert_false(order_is_sane(&order));
    order = DRAIN;
    order.site = SLICE("www.x");
    assert_false(order_is_sane(&order));
    order = DRAIN;
    order.text = SLICE_NONE;
    assert_false(order_is_sane(&order));
    order = DRAIN;
    order.at.ms = -1;
    assert_false(order_is_sane(&order));
}

static void an_origin_is_named_with_its_customer(void **)
{
    static const struct slice WRONG[] = { { "ams", 3 }, { "/ams", 4 }, { "acme/", 5 } };
    struct order order = { .kind = ORDER_DRAIN_ORIGIN, .text = SLICE("acme/ams") };

    assert_true(order_is_sane(&order));
    order.kind = ORDER_UNDRAIN_ORIGIN;
    assert_true(order_is_sane(&order));
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        order.text = WRONG[i];
        assert_false(order_is_sane(&order));
    }
}

static void what_is_over_its_limit_is_not_sane(void **)
{
    static char many[ORDER_TEXT_MAX + 1];
    struct order order = PURGE;

    memset(many, '/', sizeof many);
    order.text = slice_of(many, ORDER_TEXT_MAX + 1);
    assert_false(order_is_sane(&order));
    order = PURGE;
    order.by = slice_of(many, ORDER_BY_MAX + 1);
    assert_false(order_is_sane(&order));
    order = PURGE;
    order.site = slice_of(many, ORDER_SITE_MAX + 1);
    assert_false(order_is_sane(&order));
}

static void each_kind_has_a_name_of_its_own(void **)
{
    for (int a = 0; a < ORDER_KIND_COUNT; a++)
        for (int b = a + 1; b <= ORDER_KIND_COUNT; b++)
            assert_string_not_equal(
                order_kind_text((enum order_kind)a), order_kind_text((enum order_kind)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_the_same_bytes_on_every_machine),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(every_kind_comes_through_at_its_limits),
        cmocka_unit_test(what_is_cut_short_or_too_long_is_no_order),
        cmocka_unit_test(what_a_later_version_wrote_is_no_order_here),
        cmocka_unit_test(control_bytes_are_in_no_order),
        cmocka_unit_test(an_order_has_what_its_kind_needs_and_nothing_else),
        cmocka_unit_test(an_origin_is_named_with_its_customer),
        cmocka_unit_test(what_is_over_its_limit_is_not_sane),
        cmocka_unit_test(each_kind_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
