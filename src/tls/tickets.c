// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/mem.h"
#include "tls/tickets_priv.h"

enum {
    MAC_BYTES = 32,
    CIPHER_BYTES = 32,
    VECTOR_BYTES = 16,
    DRAWN_MAX = 3, // the one that seals, and two that open
};

/* As it stands in a file. */
struct key_bytes {
    unsigned char name[TICKET_NAME_BYTES], mac[MAC_BYTES], cipher[CIPHER_BYTES];
};

static_assert(sizeof(struct key_bytes) == TLS_TICKET_KEY_BYTES, "without holes");

struct key {
    struct key_bytes bytes;
    struct wall from;
};

struct tls_tickets {
    _Atomic unsigned uses;
    EVP_CIPHER *cipher; // looking it up costs more than using it
    pthread_mutex_t lock;
    struct key keys[TLS_TICKET_KEYS_MAX]; // the first one seals
    size_t count;
    bool are_given; // from a file: never exchanged by us
};

static struct key key_draw(struct wall now)
{
    struct key key = { .from = now };
    int drawn = RAND_bytes(key.bytes.name, sizeof key.bytes.name);

    drawn &= RAND_priv_bytes(key.bytes.mac, sizeof key.bytes.mac);
    drawn &= RAND_priv_bytes(key.bytes.cipher, sizeof key.bytes.cipher);
    assert(drawn == 1); // without chance there are no keys at all
    return key;
}

struct tls_tickets *tls_tickets_new(struct wall now)
{
    struct tls_tickets *tickets = mem_new(struct tls_tickets);

    atomic_init(&tickets->uses, 1);
    tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    assert(tickets->cipher != NULL);
    pthread_mutex_init(&tickets->lock, NULL);
    tickets->keys[0] = key_draw(now);
    tickets->count = 1;
    return tickets;
}

struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets)
{
    if (tickets != NULL)
        atomic_fetch_add_explicit(&tickets->uses, 1, memory_order_relaxed);
    return tickets;
}

void tls_tickets_unref(struct tls_tickets *tickets)
{
    if (tickets == NULL || atomic_fetch_sub_explicit(&tickets->uses, 1, memory_order_acq_rel) > 1)
        return;
    EVP_CIPHER_free(tickets->cipher);
    pthread_mutex_destroy(&tickets->lock);
    OPENSSL_cleanse(tickets->keys, sizeof tickets->keys);
    mem_free(tickets);
}

enum err tls_tickets_load(struct tls_tickets *tickets, struct slice file, struct diag *why)
{
    char *path = mem_text(file.at, file.length);
    FILE *from = fopen(path, "re");
    struct key_bytes read[TLS_TICKET_KEYS_MAX + 1];
    size_t length = from == NULL ? 0 : fread(read, 1, sizeof read, from);
    const char *reason = NULL;

    if (from == NULL || ferror(from) != 0)
        reason = strerror(errno);
    else if (length == 0 || length % TLS_TICKET_KEY_BYTES != 0 || length == sizeof read)
        reason = "it has to hold one to eight keys of 80 bytes each";
    if (from != NULL)
        fclose(from);
    if (reason != NULL) {
        diag_say(why, "the ticket keys in %s cannot be used: %s", path, reason);
    } else {
        pthread_mutex_lock(&tickets->lock);
        tickets->count = length / TLS_TICKET_KEY_BYTES;
        tickets->are_given = true;
        for (size_t i = 0; i < tickets->count; i++)
            tickets->keys[i] = (struct key){ .bytes = read[i] };
        pthread_mutex_unlock(&tickets->lock);
    }
    OPENSSL_cleanse(read, sizeof read);
    mem_free(path);
    return reason == NULL ? ERR_NONE : ERR_CONFIG;
}

/* A clock that is put back a little, or another loop's that lags, is no reason for a new key; one
 * that is put back by hours is. */
static bool is_due(const struct tls_tickets *tickets, struct wall now)
{
    int64_t age_ms = now.ms - tickets->keys[0].from.ms;
    int64_t life_ms = TLS_TICKET_KEY_LIFE.ns / 1000000;

    return !tickets->are_given && (age_ms >= life_ms || age_ms <= -life_ms);
}

static bool may_open(const struct tls_tickets *tickets, const struct key *key, struct wall now)
{
    int64_t age_ms = now.ms - key->from.ms;

    return tickets->are_given || age_ms < DRAWN_MAX * (TLS_TICKET_KEY_LIFE.ns / 1000000);
}

/* The key that seals now. */
static struct key_bytes sealing(struct tls_tickets *tickets, struct wall now)
{
    pthread_mutex_lock(&tickets->lock);
    if (is_due(tickets, now)) {
        size_t kept = tickets->count < DRAWN_MAX ? tickets->count : DRAWN_MAX - 1;

        memmove(&tickets->keys[1], &tickets->keys[0], kept * sizeof tickets->keys[0]);
        tickets->keys[0] = key_draw(now); // twice a day: the others may wait so long
        tickets->count = kept + 1;
    }
    struct key_bytes bytes = tickets->keys[0].bytes;

    pthread_mutex_unlock(&tickets->lock);
    return bytes;
}

static bool set_mac(EVP_MAC_CTX *mac, struct key_bytes *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM wants[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, wants) == 1;
}

bool tls_tickets_seal(struct tls_tickets *tickets, struct wall now,
    unsigned char name[TICKET_NAME_BYTES], unsigned char *vector, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac)
{
    struct key_bytes key = sealing(tickets, now);
    bool is_ready = RAND_bytes(vector, VECTOR_BYTES) == 1 &&
                    EVP_EncryptInit_ex2(cipher, tickets->cipher, key.cipher, vector, NULL) == 1 &&
                    set_mac(mac, &key);

    memcpy(name, key.name, sizeof key.name);
    OPENSSL_cleanse(&key, sizeof key);
    return is_ready;
}

enum ticket_found tls_tickets_open(struct tls_tickets *tickets, struct wall now,
    const unsigned char name[TICKET_NAME_BYTES], const unsigned char *vector,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    enum ticket_found found = TICKET_UNKNOWN;
    struct key_bytes key = { 0 };

    pthread_mutex_lock(&tickets->lock);
    for (size_t i = 0; i < tickets->count && found == TICKET_UNKNOWN; i++) {
        const struct key *at = &tickets->keys[i];

        if (memcmp(at->bytes.name, name, TICKET_NAME_BYTES) != 0 || !may_open(tickets, at, now))
            continue;
        key = at->bytes;
        found = i > 0 || is_due(tickets, now) ? TICKET_IS_OLD : TICKET_OPENS;
    }
    pthread_mutex_unlock(&tickets->lock);
    if (found != TICKET_UNKNOWN &&
        (EVP_DecryptInit_ex2(cipher, tickets->cipher, key.cipher, vector, NULL) != 1 ||
            !set_mac(mac, &key)))
        found = TICKET_UNKNOWN;
    OPENSSL_cleanse(&key, sizeof key);
    return found;
}
