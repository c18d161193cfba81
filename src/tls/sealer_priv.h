// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Sealing of TLS 1.3 records (RFC 8446 §5.2) in our place and not OpenSSL's, which copies each byte
 * twice on its way: from where it lies to a buffer of its own, and from there to what is sent.
 *
 * The keys are those that OpenSSL made in its handshake and is ready to give to a kernel (ktls);
 * the ciphers are OpenSSL's too. Nothing but the framing, the nonce and the count is ours.
 *
 * A nonce is never used twice: while a sealer is on, nobody else seals with its key, and it counts
 * on with each record, even one that failed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/slice.h"

enum {
    SEALER_BYTES_MAX = 16 * 1024, // in a record (RFC 8446 §5.1)
    SEALER_HEADER = 5,
    SEALER_NONCE = 12,
    SEALER_TAG = 16,
    SEALER_MORE = SEALER_HEADER + 1 + SEALER_TAG, // that sealing adds; one is the record's type
};

/* Off when all is zero. */
struct sealer {
    EVP_CIPHER_CTX *cipher; // NULL: off
    uint64_t next;          // the number of the next record
    unsigned char iv[SEALER_NONCE];
};

static inline bool sealer_is_on(const struct sealer *s)
{
    return s->cipher != NULL;
}

/*
 * Switches on, with keys as kernels take them: one of the structs of linux/tls.h, as its first
 * member tells, which is wiped. False, with all as before: another version or cipher than TLS 1.3
 * has with us.
 */
[[nodiscard]] bool sealer_start(struct sealer *s, void *keys);

/* Switches off and wipes the keys; accepts one that is off. */
void sealer_stop(struct sealer *s);

/*
 * Seals one record of `type` (RFC 8446 §5.1) into `out`, which has room for the bytes and
 * SEALER_MORE; they may lie there already, at SEALER_HEADER. How long it came out; 0: it failed,
 * and nothing of `out` may be sent.
 */
[[nodiscard]] size_t sealer_seal(
    struct sealer *s, uint8_t type, struct slice bytes, unsigned char *out);
