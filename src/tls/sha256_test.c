// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tls/sha256.h"

static void hash_is(struct slice bytes, const char *expected)
{
    unsigned char hash[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];

    sha256(bytes, hash);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(text, expected);
}

/* Of NIST's example values for FIPS 180-4; one block, two blocks, none. */
static void the_standards_examples_have_the_standards_hashes(void **)
{
    hash_is(SLICE("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_is(SLICE("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    hash_is(SLICE_NONE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_examples_have_the_standards_hashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
