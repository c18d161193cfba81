// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <linux/tls.h>
#include <string.h>

#include <openssl/crypto.h>

#include "tls/sealer_priv.h"

enum { OUTER_TYPE = 23, LEGACY_VERSION = 0x0303 }; // of all that is sealed (RFC 8446 §5.2)

/* What kernels are told, alike for all ciphers. */
struct keys {
    const EVP_CIPHER *cipher;
    const unsigned char *key, *salt, *iv, *number; // the nonce's base is salt, then iv
    size_t salt_size, size;
};

static struct keys keys_of_aes_128(const struct tls12_crypto_info_aes_gcm_128 *k)
{
    return (struct keys){ EVP_aes_128_gcm(), k->key, k->salt, k->iv, k->rec_seq, sizeof k->salt,
        sizeof *k };
}

static struct keys keys_of_aes_256(const struct tls12_crypto_info_aes_gcm_256 *k)
{
    return (struct keys){ EVP_aes_256_gcm(), k->key, k->salt, k->iv, k->rec_seq, sizeof k->salt,
        sizeof *k };
}

static struct keys keys_of_chacha(const struct tls12_crypto_info_chacha20_poly1305 *k)
{
    return (struct keys){ EVP_chacha20_poly1305(), k->key, k->iv, k->iv, k->rec_seq, 0, sizeof *k };
}

static struct keys keys_of(const void *told)
{
    const struct tls_crypto_info *info = told;

    switch (info->version == TLS_1_3_VERSION ? info->cipher_type : 0) {
    case TLS_CIPHER_AES_GCM_128: return keys_of_aes_128(told);
    case TLS_CIPHER_AES_GCM_256: return keys_of_aes_256(told);
    case TLS_CIPHER_CHACHA20_POLY1305: return keys_of_chacha(told);
    default: return (struct keys){ 0 };
    }
}

static uint64_t number_of(const unsigned char bytes[8])
{
    uint64_t number = 0;

    for (size_t i = 0; i < 8; i++)
        number = number << 8 | bytes[i];
    return number;
}

bool sealer_start(struct sealer *s, void *told)
{
    struct keys keys = keys_of(told);
    EVP_CIPHER_CTX *cipher = keys.cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;

    if (cipher == NULL || EVP_EncryptInit_ex(cipher, keys.cipher, NULL, keys.key, NULL) != 1) {
        EVP_CIPHER_CTX_free(cipher);
        return false;
    }
    sealer_stop(s);
    s->cipher = cipher;
    s->next = number_of(keys.number);
    memcpy(s->iv, keys.salt, keys.salt_size);
    memcpy(s->iv + keys.salt_size, keys.iv, SEALER_NONCE - keys.salt_size);
    OPENSSL_cleanse(told, keys.size);
    return true;
}

void sealer_stop(struct sealer *s)
{
    EVP_CIPHER_CTX_free(s->cipher); // which wipes the key
    OPENSSL_cleanse(s, sizeof *s);
    *s = (struct sealer){ 0 };
}

/* RFC 8446 §5.3: the record's number, over the end of the base. */
static void nonce_of(const struct sealer *s, unsigned char nonce[SEALER_NONCE])
{
    memcpy(nonce, s->iv, SEALER_NONCE);
    for (size_t i = 0; i < 8; i++)
        nonce[SEALER_NONCE - 1 - i] ^= (unsigned char)(s->next >> 8 * i);
}

size_t sealer_seal(struct sealer *s, uint8_t type, struct slice bytes, unsigned char *out)
{
    size_t inner = bytes.length + 1, outer = inner + SEALER_TAG;
    unsigned char nonce[SEALER_NONCE], *to = out + SEALER_HEADER;
    bool is_in_place = bytes.at == (const char *)to;
    int went = 0;

    assert(bytes.length <= SEALER_BYTES_MAX && s->next < UINT64_MAX);
    nonce_of(s, nonce);
    s->next++;
    out[0] = OUTER_TYPE;
    out[1] = LEGACY_VERSION >> 8;
    out[2] = LEGACY_VERSION & 0xff;
    out[3] = (unsigned char)(outer >> 8);
    out[4] = (unsigned char)outer;
    to[bytes.length] = type;
    size_t apart = is_in_place ? 0 : bytes.length; // else the type goes with the bytes
    bool is_done =
        EVP_EncryptInit_ex(s->cipher, NULL, NULL, NULL, nonce) == 1 &&
        EVP_EncryptUpdate(s->cipher, NULL, &went, out, SEALER_HEADER) == 1 &&
        (apart == 0 || EVP_EncryptUpdate(s->cipher, to, &went, (const unsigned char *)bytes.at,
                           (int)apart) == 1) &&
        EVP_EncryptUpdate(s->cipher, to + apart, &went, to + apart, (int)(inner - apart)) == 1 &&
        EVP_EncryptFinal_ex(s->cipher, to + inner, &went) == 1 &&
        EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_AEAD_GET_TAG, SEALER_TAG, to + inner) == 1;

    return is_done ? SEALER_HEADER + outer : 0;
}
