// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Ticket keys as OpenSSL asks for them. */

#include <stdbool.h>

#include <openssl/evp.h>

#include "tls/tickets.h"

enum { TICKET_NAME_BYTES = 16 };

enum ticket_found {
    TICKET_UNKNOWN,
    TICKET_OPENS,
    TICKET_IS_OLD
}; // old: opens, and is to be renewed

/* Readies both contexts to seal at `now`, with a new vector; a key that is due for exchange is
 * exchanged. False when OpenSSL cannot. */
bool tls_tickets_seal(struct tls_tickets *tickets, struct wall now,
    unsigned char name[TICKET_NAME_BYTES], unsigned char *vector, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac);

/* Readies them to open what was sealed under that name. */
enum ticket_found tls_tickets_open(struct tls_tickets *tickets, struct wall now,
    const unsigned char name[TICKET_NAME_BYTES], const unsigned char *vector,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac);
