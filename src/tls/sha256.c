// SPDX-License-Identifier: Apache-2.0
#include "tls/sha256.h"

#include <assert.h>

#include <openssl/evp.h>

void sha256(struct slice bytes, unsigned char hash[SHA256_SIZE])
{
    unsigned length = 0;
    int done = EVP_Digest(bytes.at, bytes.length, hash, &length, EVP_sha256(), NULL);

    // It fails for want of memory alone, or where OpenSSL is set up to have no SHA-256, and with it
    // no TLS either.
    assert(done == 1 && length == SHA256_SIZE);
}
