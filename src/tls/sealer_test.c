// SPDX-License-Identifier: Apache-2.0
#include <linux/tls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"
#include "tls/sealer_priv.h"

enum { TYPE_DATA = 23, TYPE_ALERT = 21, LONG = SEALER_BYTES_MAX };

/* RFC 8448 §3: the keys of both sides' data. */
static const struct tls12_crypto_info_aes_gcm_128 CLIENT = {
    .info = { TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128 },
    .key = { 0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5, 0xd9, 0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f,
        0x50, 0x51 },
    .salt = { 0x5b, 0x78, 0x92, 0x3d },
    .iv = { 0xee, 0x08, 0x57, 0x90, 0x33, 0xe5, 0x23, 0xd9 },
};
static const struct tls12_crypto_info_aes_gcm_128 SERVER = {
    .info = { TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128 },
    .key = { 0x9f, 0x02, 0x28, 0x3b, 0x6c, 0x9c, 0x07, 0xef, 0xc2, 0x6b, 0xb9, 0xf2, 0xac, 0x92,
        0xe3, 0x56 },
    .salt = { 0xcf, 0x78, 0x2b, 0x88 },
    .iv = { 0xdd, 0x83, 0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84 },
    .rec_seq = { 0, 0, 0, 0, 0, 0, 0, 1 },
};

static const unsigned char CLIENT_SEALED[] = "\x17\x03\x03\x00\x43"
                                             "\xa2\x3f\x70\x54\xb6\x2c\x94\xd0\xaf\xfa\xfe\x82"
                                             "\x28\xba\x55\xcb\xef\xac\xea\x42\xf9\x14\xaa\x66"
                                             "\xbc\xab\x3f\x2b\x98\x19\xa8\xa5\xb4\x6b\x39\x5b"
                                             "\xd5\x4a\x9a\x20\x44\x1e\x2b\x62\x97\x4e\x1f\x5a"
                                             "\x62\x92\xa2\x97\x70\x14\xbd\x1e\x3d\xea\xe6\x3a"
                                             "\xee\xbb\x21\x69\x49\x15\xe4";
static const unsigned char SERVER_SEALED[] = "\x17\x03\x03\x00\x43"
                                             "\x2e\x93\x7e\x11\xef\x4a\xc7\x40\xe5\x38\xad\x36"
                                             "\x00\x5f\xc4\xa4\x69\x32\xfc\x32\x25\xd0\x5f\x82"
                                             "\xaa\x1b\x36\xe3\x0e\xfa\xf9\x7d\x90\xe6\xdf\xfc"
                                             "\x60\x2d\xcb\x50\x1a\x59\xa8\xfc\xc4\x9c\x4b\xf2"
                                             "\xe5\xf0\xa2\x1c\x00\x47\xc2\xab\xf3\x32\x54\x0d"
                                             "\xd0\x32\xe1\x67\xc2\x95\x5d";

static struct sealer sealer_by(const struct tls12_crypto_info_aes_gcm_128 *known)
{
    struct tls12_crypto_info_aes_gcm_128 keys = *known;
    struct sealer s = { 0 };

    assert_true(sealer_start(&s, &keys));
    assert_true(sealer_is_on(&s));
    return s;
}

static void expect_record(const struct tls12_crypto_info_aes_gcm_128 *keys,
    const unsigned char *expected, bool is_in_place)
{
    struct sealer s = sealer_by(keys);
    unsigned char said[50], out[sizeof said + SEALER_MORE];
    const unsigned char *at = is_in_place ? out + SEALER_HEADER : said;

    for (size_t i = 0; i < sizeof said; i++)
        said[i] = (unsigned char)i;
    memcpy(out + SEALER_HEADER, said, sizeof said);
    assert_int_equal(
        sealer_seal(&s, TYPE_DATA, slice_of((const char *)at, sizeof said), out), sizeof out);
    assert_memory_equal(out, expected, sizeof out);
    sealer_stop(&s);
}

static void records_are_those_of_the_standards_example(void **)
{
    expect_record(&CLIENT, CLIENT_SEALED, false);
    expect_record(&SERVER, SERVER_SEALED, false);
}

static void bytes_may_be_sealed_where_they_lie(void **)
{
    expect_record(&CLIENT, CLIENT_SEALED, true);
    expect_record(&SERVER, SERVER_SEALED, true);
}

/* Opens a record as RFC 8446 §5.2 has it. Returns how many bytes were in it, with its type. */
static size_t open_record(const EVP_CIPHER *cipher, const unsigned char *key,
    const unsigned char nonce[SEALER_NONCE], unsigned char *record, unsigned char *opened)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int outer = record[3] << 8 | record[4], inner = outer - SEALER_TAG, went = 0;

    assert_int_equal(EVP_DecryptInit_ex(ctx, cipher, NULL, key, nonce), 1);
    assert_int_equal(EVP_DecryptUpdate(ctx, NULL, &went, record, SEALER_HEADER), 1);
    assert_int_equal(EVP_DecryptUpdate(ctx, opened, &went, record + SEALER_HEADER, inner), 1);
    assert_int_equal(
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEALER_TAG, record + SEALER_HEADER + inner),
        1);
    assert_int_equal(EVP_DecryptFinal_ex(ctx, opened + went, &went), 1);
    EVP_CIPHER_CTX_free(ctx);
    return (size_t)inner;
}

static void expect_opened(struct sealer *s, const EVP_CIPHER *cipher, const unsigned char *key,
    unsigned char nonce[SEALER_NONCE], size_t length)
{
    static const unsigned char TYPES[] = { TYPE_DATA, TYPE_ALERT };
    static unsigned char said[LONG], out[LONG + SEALER_MORE], opened[LONG + 1];

    for (size_t i = 0; i < length; i++)
        said[i] = (unsigned char)(i * 7 + i / 256);
    for (size_t i = 0; i < 2; i++, nonce[SEALER_NONCE - 1] ^= 1) {
        struct slice bytes = slice_of((const char *)said, length);

        assert_int_equal(sealer_seal(s, TYPES[i], bytes, out), length + SEALER_MORE);
        assert_int_equal(open_record(cipher, key, nonce, out, opened), length + 1);
        assert_memory_equal(opened, said, length);
        assert_int_equal(opened[length], TYPES[i]);
    }
}

static void long_keys_seal_too_and_each_record_has_a_nonce_of_its_own(void **)
{
    struct tls12_crypto_info_aes_gcm_256 keys = {
        .info = { TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_256 },
        .key = "the key has two and thirty bytes",
        .salt = "salt",
        .iv = "\x10\x20\x30\x40\x50\x60\x70\x80",
        .rec_seq = { 1, 2, 3, 4, 5, 6, 7, 8 },
    };
    unsigned char nonce[SEALER_NONCE] = { 's', 'a', 'l', 't', 0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
        0x77, 0x88 };
    unsigned char key[32];
    struct sealer s = { 0 };

    memcpy(key, keys.key, sizeof key);
    assert_true(sealer_start(&s, &keys));
    expect_opened(&s, EVP_aes_256_gcm(), key, nonce, LONG);
    sealer_stop(&s);
}

static void chacha20_seals_too(void **)
{
    struct tls12_crypto_info_chacha20_poly1305 keys = {
        .info = { TLS_1_3_VERSION, TLS_CIPHER_CHACHA20_POLY1305 },
        .key = "the key has two and thirty bytes",
        .iv = "twelve bytes",
    };
    unsigned char key[32], nonce[SEALER_NONCE];
    struct sealer s = { 0 };

    memcpy(key, keys.key, sizeof key);
    memcpy(nonce, keys.iv, sizeof nonce);
    assert_true(sealer_start(&s, &keys));
    expect_opened(&s, EVP_chacha20_poly1305(), key, nonce, 1000);
    sealer_stop(&s);
}

static bool is_zero(const void *memory, size_t length)
{
    const unsigned char *bytes = memory;
    unsigned char any = 0;

    for (size_t i = 0; i < length; i++)
        any |= bytes[i];
    return any == 0;
}

static void keys_are_wiped_where_they_came_from_and_at_the_end(void **)
{
    struct tls12_crypto_info_aes_gcm_128 keys = CLIENT;
    struct sealer s = { 0 };

    assert_true(sealer_start(&s, &keys));
    assert_true(is_zero(&keys, sizeof keys));
    sealer_stop(&s);
    assert_true(is_zero(&s, sizeof s));
    sealer_stop(&s); // is off already
    assert_false(sealer_is_on(&s));
}

static void other_versions_and_ciphers_are_left_to_others(void **)
{
    struct tls12_crypto_info_aes_gcm_128 older = CLIENT, other = CLIENT, same;
    struct sealer s = { 0 };

    older.info.version = TLS_1_2_VERSION;
    same = older;
    assert_false(sealer_start(&s, &older));
    assert_memory_equal(&older, &same, sizeof same);
    other.info.cipher_type = TLS_CIPHER_AES_CCM_128;
    assert_false(sealer_start(&s, &other));
    assert_false(sealer_is_on(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_those_of_the_standards_example),
        cmocka_unit_test(bytes_may_be_sealed_where_they_lie),
        cmocka_unit_test(long_keys_seal_too_and_each_record_has_a_nonce_of_its_own),
        cmocka_unit_test(chacha20_seals_too),
        cmocka_unit_test(keys_are_wiped_where_they_came_from_and_at_the_end),
        cmocka_unit_test(other_versions_and_ciphers_are_left_to_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
