// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * An authority that is made up on the spot, and the certificates it issues: for a network that
 * runs for a while on one machine, so that HTTPS can be tried without asking anybody. Its key is
 * in no file and goes with it; who trusts it trusts nothing that is made later.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

struct tls_issuer;

/* What it issues is valid from an hour before `now` for so long. `name` is for people. */
[[nodiscard]] enum err tls_issuer_new(
    const char *name, struct wall now, struct span life, struct tls_issuer **issuer);

/* Accepts NULL. */
void tls_issuer_free(struct tls_issuer *issuer);

/* Its own certificate, in PEM, for those who are to trust it. Blocks, as does the next. */
[[nodiscard]] enum err tls_issuer_write(
    const struct tls_issuer *issuer, const char *path, struct diag *why);

/*
 * A new key, in a file that its owner alone may read, and a certificate for these host names,
 * written as "shop.example,*.shop.example". On error files may have been begun.
 */
[[nodiscard]] enum err tls_issuer_issue(const struct tls_issuer *issuer, struct slice names,
    const char *certificate_path, const char *key_path, struct diag *why);
