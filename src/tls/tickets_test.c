// SPDX-License-Identifier: Apache-2.0
/* Ticket keys that come from a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tls/tickets_priv.h"

static const struct wall NOW = { 1700000000000 };

enum { TEXT_BYTES = 48, VECTOR_BYTES = 16 };

/* What a machine gives a visitor to keep, and the file that its keys come from. */
struct sealed {
    unsigned char name[TICKET_NAME_BYTES], vector[VECTOR_BYTES], bytes[TEXT_BYTES], mac[32];
};

struct machine {
    char path[64];
    struct tls_tickets *tickets;
};

static void machine_open(struct machine *m)
{
    snprintf(m->path, sizeof m->path, "/tmp/tickets-test-XXXXXX");
    int fd = mkstemp(m->path);

    assert_true(fd >= 0);
    close(fd);
    m->tickets = tls_tickets_new(NOW);
}

static void machine_close(struct machine *m)
{
    unlink(m->path);
    tls_tickets_unref(m->tickets);
}

/* Writes keys, each of them 80 times its letter, with `more` bytes behind them; and reads them. */
static enum err load(struct machine *m, const char *letters, size_t more, struct diag *why)
{
    FILE *file = fopen(m->path, "w");

    assert_non_null(file);
    for (const char *at = letters; *at != '\0'; at++)
        for (size_t i = 0; i < TLS_TICKET_KEY_BYTES; i++)
            fputc(*at, file);
    for (size_t i = 0; i < more; i++)
        fputc('!', file);
    fclose(file);
    return tls_tickets_load(m->tickets, slice_text(m->path), why);
}

static void load_good(struct machine *m, const char *letters)
{
    struct diag why = { 0 };

    assert_int_equal(load(m, letters, 0, &why), ERR_NONE);
    assert_string_equal(why.text, "");
}

static void mac_of(EVP_MAC_CTX *context, const struct sealed *s, unsigned char mac[32])
{
    size_t length = 0;

    assert_int_equal(EVP_MAC_init(context, NULL, 0, NULL), 1);
    assert_int_equal(EVP_MAC_update(context, s->bytes, sizeof s->bytes), 1);
    assert_int_equal(EVP_MAC_final(context, mac, &length, 32), 1);
    assert_int_equal(length, 32);
}

static EVP_MAC_CTX *mac_new(void)
{
    EVP_MAC *kind = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(kind);

    EVP_MAC_free(kind);
    assert_non_null(context);
    return context;
}

static struct sealed seal(struct machine *m, struct wall now)
{
    static const unsigned char TEXT[TEXT_BYTES] =
        "a session, as long as three blocks of the cipher";
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_MAC_CTX *mac = mac_new();
    struct sealed s = { 0 };
    int length = 0;

    assert_true(tls_tickets_seal(m->tickets, now, s.name, s.vector, cipher, mac));
    EVP_CIPHER_CTX_set_padding(cipher, 0);
    assert_int_equal(EVP_EncryptUpdate(cipher, s.bytes, &length, TEXT, sizeof TEXT), 1);
    assert_int_equal(length, TEXT_BYTES);
    mac_of(mac, &s, s.mac);
    EVP_CIPHER_CTX_free(cipher);
    EVP_MAC_CTX_free(mac);
    return s;
}

/* What a machine makes of a ticket; where it opens, it must be what was sealed. */
static enum ticket_found opened(struct machine *m, const struct sealed *s, struct wall now)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_MAC_CTX *mac = mac_new();
    unsigned char made[32], text[TEXT_BYTES];
    int length = 0;
    enum ticket_found found = tls_tickets_open(m->tickets, now, s->name, s->vector, cipher, mac);

    if (found != TICKET_UNKNOWN) {
        mac_of(mac, s, made);
        assert_memory_equal(made, s->mac, sizeof made);
        EVP_CIPHER_CTX_set_padding(cipher, 0);
        assert_int_equal(EVP_DecryptUpdate(cipher, text, &length, s->bytes, TEXT_BYTES), 1);
        assert_memory_equal(text, "a session, as long as", 21);
    }
    EVP_CIPHER_CTX_free(cipher);
    EVP_MAC_CTX_free(mac);
    return found;
}

static void machines_with_the_same_file_open_each_others_tickets(void **)
{
    struct machine one, two, other;

    machine_open(&one);
    machine_open(&two);
    machine_open(&other);
    load_good(&one, "a");
    load_good(&two, "a");
    load_good(&other, "b");
    struct sealed s = seal(&one, NOW);

    assert_int_equal(opened(&one, &s, NOW), TICKET_OPENS);
    assert_int_equal(opened(&two, &s, NOW), TICKET_OPENS);
    assert_int_equal(opened(&other, &s, NOW), TICKET_UNKNOWN);
    machine_close(&one);
    machine_close(&two);
    machine_close(&other);
}

static void the_first_key_seals_and_all_open(void **)
{
    static const char *const FILES[] = { "a", "ba", "cba", "hgfedcba" };
    struct machine m;
    struct sealed first;

    machine_open(&m);
    for (size_t i = 0; i < COUNT_OF(FILES); i++) {
        load_good(&m, FILES[i]);
        struct sealed s = seal(&m, NOW);

        assert_int_equal(s.name[0], FILES[i][0]);
        assert_int_equal(opened(&m, &s, NOW), TICKET_OPENS);
        if (i == 0)
            first = s;
        else
            assert_int_equal(opened(&m, &first, NOW), TICKET_IS_OLD);
    }
    load_good(&m, "hg");
    assert_int_equal(opened(&m, &first, NOW), TICKET_UNKNOWN); // its key was taken out of the file
    machine_close(&m);
}

static void keys_of_a_file_are_never_exchanged_by_us(void **)
{
    struct wall later = { NOW.ms + 100 * (TLS_TICKET_KEY_LIFE.ns / 1000000) };
    struct machine m;

    machine_open(&m);
    load_good(&m, "a");
    struct sealed before = seal(&m, NOW), after = seal(&m, later);

    assert_memory_equal(before.name, after.name, sizeof before.name);
    assert_int_equal(opened(&m, &before, later), TICKET_OPENS);
    machine_close(&m);
}

static void what_was_drawn_opens_no_more_once_keys_are_given(void **)
{
    struct machine m;

    machine_open(&m);
    struct sealed drawn = seal(&m, NOW);

    assert_int_equal(opened(&m, &drawn, NOW), TICKET_OPENS);
    load_good(&m, "ab");
    assert_int_equal(opened(&m, &drawn, NOW), TICKET_UNKNOWN);
    machine_close(&m);
}

static void a_file_that_is_not_whole_keys_is_named_and_changes_nothing(void **)
{
    static const struct {
        const char *letters;
        size_t more;
    } CASES[] = { { "", 0 }, { "", 1 }, { "", 79 }, { "b", 1 }, { "b", 79 }, { "bcdefghi", 1 },
        { "bcdefghij", 0 }, { "bcdefghijk", 7 } };
    struct machine m;
    struct diag why;

    machine_open(&m);
    load_good(&m, "a");
    struct sealed s = seal(&m, NOW);

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        why = (struct diag){ 0 };
        assert_int_equal(load(&m, CASES[i].letters, CASES[i].more, &why), ERR_CONFIG);
        assert_non_null(strstr(why.text, m.path));
        assert_non_null(strstr(why.text, "80 bytes"));
        assert_int_equal(opened(&m, &s, NOW), TICKET_OPENS);
    }
    machine_close(&m);
}

static void a_file_that_cannot_be_read_is_named_with_the_reason(void **)
{
    static const struct {
        const char *path, *reason;
    } CASES[] = { { "/nowhere/tickets", "No such file" }, { "/tmp", "Is a directory" } };
    struct machine m;
    struct diag why;

    machine_open(&m);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        why = (struct diag){ 0 };
        assert_int_equal(tls_tickets_load(m.tickets, slice_text(CASES[i].path), &why), ERR_CONFIG);
        assert_non_null(strstr(why.text, CASES[i].path));
        assert_non_null(strstr(why.text, CASES[i].reason));
    }
    machine_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_with_the_same_file_open_each_others_tickets),
        cmocka_unit_test(the_first_key_seals_and_all_open),
        cmocka_unit_test(keys_of_a_file_are_never_exchanged_by_us),
        cmocka_unit_test(what_was_drawn_opens_no_more_once_keys_are_given),
        cmocka_unit_test(a_file_that_is_not_whole_keys_is_named_and_changes_nothing),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
