// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "wire/heartbeat.h"

static const struct heartbeat BEAT = { .observer = UINT64_C(0x0102030405060708),
    .boot = UINT64_C(0x1112131415161718),
    .sequence = UINT64_C(0x2122232425262728),
    .at = { INT64_C(0x0000018000000001) },
    .flags = HEARTBEAT_LEAVING | HEARTBEAT_BLIND,
    .release = UINT64_C(0x3132333435363738),
    .epoch = { INT64_C(0x0000018000000002) },
    .map = UINT64_C(0x4142434445464748),
    .era = UINT64_C(0x5152535455565758),
    .order = UINT64_C(0x6162636465666768),
    .drains = UINT64_C(0xf1f2f3f4f5f6f7f8) };

enum { AT = 28, FLAGS = 36, EPOCH = 45 };

/* What BEAT is on the wire. */
static const unsigned char BYTES[HEARTBEAT_SIZE] = { 'w', 'p', 'h', 1, //
    1, 2, 3, 4, 5, 6, 7, 8,                                            // observer
    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,                    // boot
    0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,                    // sequence
    0, 0, 1, 0x80, 0, 0, 0, 1,                                         // at
    5,                                                                 // flags
    0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38,                    // release
    0, 0, 1, 0x80, 0, 0, 0, 2,                                         // epoch
    0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,                    // map
    0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,                    // era
    0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,                    // order
    0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8 };                  // drains

static void a_heartbeat_is_the_same_bytes_on_every_machine(void **)
{
    char out[HEARTBEAT_SIZE];
    struct slice bytes = heartbeat_write(&BEAT, out);

    assert_int_equal(bytes.length, sizeof BYTES);
    assert_memory_equal(bytes.at, BYTES, sizeof BYTES);
}

static void what_was_written_is_read_again(void **)
{
    struct heartbeat read;

    assert_true(heartbeat_parse(slice_of(BYTES, sizeof BYTES), &read));
    assert_true(read.observer == BEAT.observer);
    assert_true(read.boot == BEAT.boot);
    assert_true(read.sequence == BEAT.sequence);
    assert_true(read.at.ms == BEAT.at.ms);
    assert_int_equal(read.flags, BEAT.flags);
    assert_true(read.release == BEAT.release);
    assert_true(read.epoch.ms == BEAT.epoch.ms);
    assert_true(read.map == BEAT.map);
    assert_true(read.era == BEAT.era);
    assert_true(read.order == BEAT.order);
    assert_true(read.drains == BEAT.drains);
}

static void what_is_cut_anywhere_or_longer_is_none(void **)
{
    char longer[sizeof BYTES + 1] = { 0 };
    struct heartbeat read = { .boot = 7 };

    for (size_t length = 0; length < sizeof BYTES; length++)
        assert_false(heartbeat_parse(slice_of(BYTES, length), &read));
    memcpy(longer, BYTES, sizeof BYTES);
    assert_false(heartbeat_parse(slice_of(longer, sizeof longer), &read));
    assert_int_equal(read.boot, 7);
}

static void another_mark_or_version_is_refused(void **)
{
    struct heartbeat read = { .boot = 7 };

    for (size_t i = 0; i < 4; i++) {
        char bytes[sizeof BYTES];

        memcpy(bytes, BYTES, sizeof bytes);
        bytes[i]++;
        assert_false(heartbeat_parse(slice_of(bytes, sizeof bytes), &read));
    }
    assert_int_equal(read.boot, 7);
}

static void times_before_1970_are_refused(void **)
{
    const size_t signs[] = { AT, EPOCH };

    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        struct heartbeat read = { .boot = 7 };
        char bytes[sizeof BYTES];

        memcpy(bytes, BYTES, sizeof bytes);
        bytes[signs[i]] = (char)0x80;
        assert_false(heartbeat_parse(slice_of(bytes, sizeof bytes), &read));
        assert_int_equal(read.boot, 7);
        bytes[signs[i]] = 0x7f;
        assert_true(heartbeat_parse(slice_of(bytes, sizeof bytes), &read));
    }
}

static void flags_of_a_later_version_come_through(void **)
{
    char bytes[sizeof BYTES];
    struct heartbeat read;

    memcpy(bytes, BYTES, sizeof bytes);
    bytes[FLAGS] = (char)0xff;
    assert_true(heartbeat_parse(slice_of(bytes, sizeof bytes), &read));
    assert_int_equal(read.flags, 0xff);
}

static void two_say_the_same_whoever_said_it_and_when(void **)
{
    struct heartbeat read;

    for (size_t i = AT - 24; i < HEARTBEAT_SIZE; i++) {
        char bytes[sizeof BYTES];

        memcpy(bytes, BYTES, sizeof bytes);
        bytes[i] ^= 1;
        assert_true(heartbeat_parse(slice_of(bytes, sizeof bytes), &read));
        assert_int_equal(heartbeat_says_same(&BEAT, &read), i < FLAGS);
        assert_int_equal(heartbeat_says_same(&read, &BEAT), i < FLAGS);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_heartbeat_is_the_same_bytes_on_every_machine),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(what_is_cut_anywhere_or_longer_is_none),
        cmocka_unit_test(another_mark_or_version_is_refused),
        cmocka_unit_test(times_before_1970_are_refused),
        cmocka_unit_test(flags_of_a_later_version_come_through),
        cmocka_unit_test(two_say_the_same_whoever_said_it_and_when),
    };

    return cmocka_run_group_tests_name("wire/heartbeat", cases, NULL, NULL);
}
