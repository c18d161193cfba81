// SPDX-License-Identifier: Apache-2.0
#pragma once

/* SHA-256 (FIPS 180-4), where somebody might want two different things to have one hash: entries of
 * the ledger, plans, tokens. For tables there is base/hash.h. */

#include "base/slice.h"

enum { SHA256_SIZE = 32 };

/* Any thread. */
void sha256(struct slice bytes, unsigned char hash[SHA256_SIZE]);
