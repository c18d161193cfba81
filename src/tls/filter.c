// SPDX-License-Identifier: Apache-2.0
/*
 * OpenSSL keeps its errors in a list of the thread's: each call that may fail begins with an empty
 * one, or it would be told of another connection's failure.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "io/stream.h"
#include "tls/filter_priv.h"

enum {
    TAG = 0x746c7366,
    RECORD_MAX = SEALER_BYTES_MAX,
    RECORD_MORE = 256,       // what sealing adds to one, at most (RFC 8446 §5.2)
    READ_AHEAD = 64 * 1024,  // asked of the stream at a time
    SEALED_FIRST = 2 * 1024, // room that is taken first: a handshake's message, a request
    // Sealed and not sent, at most. The user's bytes have their own, lower limit; what is left are
    // OpenSSL's own answers, to somebody who asks for new keys without end and reads nothing.
    WAITS_MAX = 2 * STREAM_WRITE_MAX,
};

/* How OpenSSL speaks to a BIO whose kernel may seal; openssl/bio.h has them in a comment. */
enum { SET_KTLS = 72, SET_KTLS_TYPE = 74, CLEAR_KTLS_TYPE = 75 };

static struct tls_filter *filter_of(struct stream_filter *filter)
{
    return container_of(filter, struct tls_filter, filter);
}

static const struct tls_filter *filter_at(const struct stream_filter *filter)
{
    union {
        const struct stream_filter *known;
        struct stream_filter *untouched;
    } of = { .known = filter };

    return filter_of(of.untouched);
}

static struct tls_filter *filter_behind(BIO *bio)
{
    struct tls_filter *f = BIO_get_data(bio);

    assert(f != NULL && f->tag == TAG);
    return f;
}

static int below_read(BIO *bio, char *room, size_t most, size_t *got)
{
    struct tls_filter *f = filter_behind(bio);
    enum err err = ERR_NONE;

    BIO_clear_retry_flags(bio);
    *got = 0;
    if (f->below == ERR_NONE)
        err = stream_receive_sealed(f->filter.stream, room, most, got);
    if (*got > 0 && !f->has_heard) {
        f->has_heard = true;
        f->visit.is_plain = *room >= 'A' && *room <= 'Z'; // a method; a TLS record begins with 22
    }
    if (*got > 0)
        return 1;
    if (err == ERR_AGAIN)
        BIO_set_retry_read(bio);
    else if (f->below == ERR_NONE)
        f->below = err == ERR_NONE ? ERR_CLOSED : err;
    return 0;
}

/* Makes room for `more` bytes behind what waits. */
static void reserve(struct tls_filter *f, size_t more)
{
    size_t needed = f->sealed_end + more;
    size_t room = f->sealed_room > 0 ? f->sealed_room : SEALED_FIRST;

    if (needed <= f->sealed_room)
        return;
    while (room < needed && room < RECORD_MAX)
        room *= 2;
    if (room < needed)
        room = (needed + RECORD_MAX - 1) / RECORD_MAX * RECORD_MAX;
    f->sealed = mem_resize(f->sealed, room);
    f->sealed_room = room;
}

/* One record behind what waits, where there is room for it. */
static bool seal_record(struct tls_filter *f, uint8_t type, struct slice bytes)
{
    assert(f->sealed_end + bytes.length + SEALER_MORE <= f->sealed_room);
    size_t length =
        sealer_seal(&f->sealer, type, bytes, (unsigned char *)f->sealed + f->sealed_end);

    f->sealed_end += length;
    return length > 0;
}

/*
 * What OpenSSL would have a kernel seal. Its KeyUpdate is the last of it: kernels cannot change
 * keys, and from there on OpenSSL seals by itself, with new ones and from record 0 on.
 */
static bool seal_for_openssl(struct tls_filter *f, struct slice bytes)
{
    uint8_t type = f->next_type != 0 ? f->next_type : SSL3_RT_APPLICATION_DATA;
    bool is_last =
        type == SSL3_RT_HANDSHAKE && bytes.length > 0 && bytes.at[0] == SSL3_MT_KEY_UPDATE;
    bool is_done = true;

    f->next_type = 0;
    while (bytes.length > 0 && is_done) {
        struct slice now = slice_head(bytes, RECORD_MAX);

        reserve(f, now.length + SEALER_MORE);
        is_done = seal_record(f, type, now);
        bytes = slice_from(bytes, now.length);
    }
    if (is_last && is_done)
        sealer_stop(&f->sealer);
    return is_done;
}

static int below_write(BIO *bio, const char *bytes, size_t length, size_t *went)
{
    struct tls_filter *f = filter_behind(bio);

    BIO_clear_retry_flags(bio);
    if (f->sealed_end - f->sealed_at + length > WAITS_MAX) {
        f->below = ERR_LIMIT;
        return 0;
    }
    if (sealer_is_on(&f->sealer)) {
        if (!seal_for_openssl(f, slice_of(bytes, length))) {
            f->below = ERR_TLS;
            return 0;
        }
    } else {
        reserve(f, length);
        memcpy(f->sealed + f->sealed_end, bytes, length);
        f->sealed_end += length;
    }
    *went = length;
    return 1;
}

static long below_control(BIO *bio, int what, long number, void *at)
{
    struct tls_filter *f = filter_behind(bio);

    switch (what) {
    case BIO_CTRL_FLUSH: return 1; // the stream does that at the turn's end
    case BIO_CTRL_EOF: return f->below == ERR_CLOSED;
    case SET_KTLS: return number != 0 && sealer_start(&f->sealer, at); // 0: for reading
    case BIO_CTRL_GET_KTLS_SEND: return sealer_is_on(&f->sealer);
    case SET_KTLS_TYPE: f->next_type = (uint8_t)number; return 0;
    case CLEAR_KTLS_TYPE: f->next_type = 0; return 0;
    default: return 0;
    }
}

void tls_settings_init(SSL_CTX *ssl)
{
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    // Our BIO says that its kernel seals, and is it: where OpenSSL was built without, it seals.
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_ENABLE_KTLS);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_default_read_buffer_len(ssl, READ_AHEAD);
}

void tls_context_init(
    struct tls_context *context, const SSL_METHOD *method, const struct tls_side *side)
{
    SSL_CTX *ssl = SSL_CTX_new(method);
    BIO_METHOD *below = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");

    assert(ssl != NULL && below != NULL);
    BIO_meth_set_read_ex(below, below_read);
    BIO_meth_set_write_ex(below, below_write);
    BIO_meth_set_ctrl(below, below_control);
    tls_settings_init(ssl);
    context->side = side;
    atomic_init(&context->uses, 1);
    context->ssl = ssl;
    context->below = below;
}

void tls_context_ref(struct tls_context *context)
{
    atomic_fetch_add_explicit(&context->uses, 1, memory_order_relaxed);
}

void tls_context_unref(struct tls_context *context)
{
    if (atomic_fetch_sub_explicit(&context->uses, 1, memory_order_acq_rel) > 1)
        return;
    if (context->side->drop != NULL)
        context->side->drop(context);
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->below);
    mem_free(context);
}

/* Looking costs a third of clearing what is clear. */
static void errors_forget(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* What OpenSSL says of a certificate, in our words. */
static enum err certificate_failure(struct tls_filter *f, long verdict)
{
    const char *text = X509_verify_cert_error_string(verdict);

    snprintf(f->why, sizeof f->why, "certificate of %s: %s", f->name, text);
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return ERR_CERT_TIME;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return ERR_CERT_NAME;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return ERR_CERT_AUTHORITY;
    default: return ERR_CERT;
    }
}

/* Why the last call gave nothing. ERR_AGAIN is for now, anything else for good. */
static enum err failure_of(struct tls_filter *f, int result)
{
    int what = SSL_get_error(f->ssl, result);
    unsigned long reason = ERR_peek_error();
    long verdict = SSL_get_verify_result(f->ssl);

    if (what == SSL_ERROR_WANT_READ)
        return ERR_AGAIN;
    f->reason = ERR_GET_REASON(reason);
    if (f->below != ERR_NONE) {
        f->failed = f->below;
        if (f->below == ERR_CLOSED)
            snprintf(f->why, sizeof f->why, "closed %s",
                f->is_greeted ? "without a TLS end" : "within the TLS handshake");
    } else if (!f->is_greeted && verdict != X509_V_OK) {
        f->failed = certificate_failure(f, verdict);
    } else {
        const char *text = ERR_reason_error_string(reason);

        f->failed = ERR_TLS;
        snprintf(f->why, sizeof f->why, "TLS: %s", text == NULL ? "unknown failure" : text);
    }
    ERR_clear_error();
    return f->failed;
}

static enum err greet(struct stream_filter *filter)
{
    struct tls_filter *f = filter_of(filter);

    if (f->failed != ERR_NONE)
        return f->failed;
    ERR_clear_error();
    int done = SSL_do_handshake(f->ssl);
    enum err err = done == 1 ? ERR_NONE : failure_of(f, done);

    f->is_greeted = done == 1;
    if (err != ERR_AGAIN && f->context->side->greeted != NULL)
        f->context->side->greeted(f);
    return err;
}

static enum err receive(struct stream_filter *filter, void *room, size_t most, size_t *got)
{
    struct tls_filter *f = filter_of(filter);
    enum err err = f->failed;
    size_t total = 0;

    // As far as OpenSSL holds anything: else it would only find out that there is no more.
    for (bool is_more = true; total < most && is_more && err == ERR_NONE && !f->has_ended;) {
        size_t more = 0;

        errors_forget();
        int done = SSL_read_ex(f->ssl, (char *)room + total, most - total, &more);

        total += more;
        if (done != 1 && SSL_get_error(f->ssl, done) == SSL_ERROR_ZERO_RETURN)
            f->has_ended = true;
        else if (done != 1)
            err = failure_of(f, done);
        is_more = total == 0 || SSL_has_pending(f->ssl) == 1;
    }
    *got = total;
    return total > 0 ? ERR_NONE : err; // the error is told by the next call
}

static bool holds_input(const struct stream_filter *filter)
{
    const struct tls_filter *f = filter_at(filter);

    return f->has_ended || f->failed != ERR_NONE || f->below != ERR_NONE ||
           SSL_has_pending(f->ssl) == 1;
}

/* Where sealing has come to within what it was given. */
struct cursor {
    const struct iovec *iov, *end;
    size_t at; // within the first of them
};

static struct slice cursor_rest(const struct cursor *c)
{
    return slice_of((const char *)c->iov->iov_base + c->at, c->iov->iov_len - c->at);
}

static void cursor_move(struct cursor *c, size_t bytes)
{
    c->at += bytes;
    while (c->iov < c->end && c->at == c->iov->iov_len) {
        c->iov++;
        c->at = 0;
    }
}

/*
 * The next bytes to be sealed in one go, at most `most`: what is large as it lies, what is small
 * put together, so that a head and its body share a record.
 */
static struct slice next_bytes(struct cursor *c, char *gathered, size_t most)
{
    struct slice first = slice_head(cursor_rest(c), most);
    size_t length = 0;

    if (most > RECORD_MAX)
        most = RECORD_MAX;
    if (first.length >= most || c->iov + 1 == c->end) {
        cursor_move(c, first.length);
        return first;
    }
    while (c->iov < c->end && length < most) {
        struct slice more = slice_head(cursor_rest(c), most - length);

        memcpy(gathered + length, more.at, more.length);
        length += more.length;
        cursor_move(c, more.length);
    }
    return slice_of(gathered, length);
}

/* Room for what sealing from there on makes of at most `most` bytes, at once: an area that grows
 * bit by bit is copied as often. */
static void reserve_all(struct tls_filter *f, const struct cursor *from, size_t most)
{
    size_t bytes = 0, records = 1;

    for (const struct iovec *iov = from->iov; iov < from->end && bytes < most; iov++) {
        bytes += iov->iov_len;
        records += 1 + iov->iov_len / RECORD_MAX;
    }
    bytes = bytes < most ? bytes : most;
    reserve(f, bytes + records * RECORD_MORE);
}

/* OpenSSL has nothing to say itself, and would do no more than seal. */
static bool may_seal(const struct tls_filter *f)
{
    return sealer_is_on(&f->sealer) && f->failed == ERR_NONE && f->below == ERR_NONE &&
           !f->is_finished && SSL_is_init_finished(f->ssl) == 1 &&
           SSL_get_key_update_type(f->ssl) == SSL_KEY_UPDATE_NONE;
}

/* By our own hand, to where it waits. *total: how many were taken. */
static enum err seal_here(struct tls_filter *f, struct cursor *cursor, size_t most, size_t *total)
{
    while (*total < most && cursor->iov < cursor->end) {
        size_t left = most - *total;
        struct slice bytes = next_bytes(cursor, f->sealed + f->sealed_end + SEALER_HEADER,
            left < RECORD_MAX ? left : RECORD_MAX);

        if (!seal_record(f, SSL3_RT_APPLICATION_DATA, bytes)) {
            f->failed = ERR_TLS;
            snprintf(f->why, sizeof f->why, "TLS: the cipher failed");
            ERR_clear_error();
            return f->failed;
        }
        *total += bytes.length;
    }
    return ERR_NONE;
}

/* The same by OpenSSL. */
static enum err seal_there(struct tls_filter *f, struct cursor *cursor, size_t most, size_t *total)
{
    UNSET char gathered[RECORD_MAX];

    while (*total < most && cursor->iov < cursor->end) {
        struct slice bytes = next_bytes(cursor, gathered, most - *total);
        size_t went = 0;

        errors_forget();
        int done = SSL_write_ex(f->ssl, bytes.at, bytes.length, &went);

        if (done != 1) {
            enum err err = failure_of(f, done);

            return err == ERR_AGAIN ? ERR_TLS : err; // nothing that it could wait for
        }
        *total += went;
    }
    return ERR_NONE;
}

static enum err seal(struct stream_filter *filter, const struct iovec *iov, size_t count,
    size_t most_waiting, size_t *taken)
{
    struct tls_filter *f = filter_of(filter);
    struct cursor cursor = { .iov = iov, .end = iov + count };
    size_t waits = f->sealed_end - f->sealed_at, total = 0;
    size_t most = waits < most_waiting ? most_waiting - waits : 0;

    cursor_move(&cursor, 0);
    if (most > 0 && cursor.iov < cursor.end)
        reserve_all(f, &cursor, most);
    TRY(may_seal(f) ? seal_here(f, &cursor, most, &total) : seal_there(f, &cursor, most, &total));
    *taken = total;
    return ERR_NONE;
}

static void finish(struct stream_filter *filter)
{
    struct tls_filter *f = filter_of(filter);

    if (!f->is_greeted || f->is_finished || f->failed != ERR_NONE)
        return;
    f->is_finished = true;
    ERR_clear_error();
    if (SSL_shutdown(f->ssl) < 0) // RFC 8446 §6.1
        ERR_clear_error();
}

static struct slice sealed(const struct stream_filter *filter)
{
    const struct tls_filter *f = filter_at(filter);

    if (f->sealed == NULL)
        return SLICE_NONE;
    return slice_of(f->sealed + f->sealed_at, f->sealed_end - f->sealed_at);
}

/* What waits for a slow reader lies in no more memory than it needs: a record less pays for moving
 * it. */
static void pack(struct tls_filter *f)
{
    size_t waits = f->sealed_end - f->sealed_at;

    if (f->sealed_room - waits < RECORD_MAX)
        return;
    memmove(f->sealed, f->sealed + f->sealed_at, waits);
    f->sealed = mem_resize(f->sealed, waits);
    f->sealed_at = 0;
    f->sealed_end = f->sealed_room = waits;
}

static void went(struct stream_filter *filter, size_t bytes)
{
    struct tls_filter *f = filter_of(filter);

    f->sealed_at += bytes;
    assert(f->sealed_at <= f->sealed_end);
    if (f->sealed_at < f->sealed_end) {
        pack(f);
        return;
    }
    mem_free(f->sealed);
    f->sealed = NULL;
    f->sealed_at = f->sealed_end = f->sealed_room = 0;
}

static const char *why(const struct stream_filter *filter)
{
    return filter_at(filter)->why;
}

static void free_filter(struct stream_filter *filter)
{
    struct tls_filter *f = filter_of(filter);

    SSL_free(f->ssl);
    sealer_stop(&f->sealer);
    tls_context_unref(f->context);
    mem_free(f->sealed);
    mem_free(f->name);
    mem_free(f);
}

static const struct stream_filter_ops FILTER_OPS = {
    .greet = greet,
    .receive = receive,
    .holds_input = holds_input,
    .seal = seal,
    .finish = finish,
    .sealed = sealed,
    .went = went,
    .why = why,
    .free = free_filter,
};

struct tls_filter *tls_filter_new(struct tls_context *context, struct slice name)
{
    struct tls_filter *f = mem_new(struct tls_filter);
    BIO *bio = BIO_new(context->below);

    f->tag = TAG;
    f->filter.ops = &FILTER_OPS;
    f->context = context;
    f->ssl = SSL_new(context->ssl);
    f->name = name.length > 0 ? mem_text(name.at, name.length) : NULL;
    assert(f->ssl != NULL && bio != NULL);
    BIO_set_data(bio, f);
    BIO_set_init(bio, 1);
    SSL_set_bio(f->ssl, bio, bio);
    tls_context_ref(context);
    return f;
}

void tls_filter_say(struct tls_filter *f, struct slice bytes)
{
    f->sealed_at = f->sealed_end = 0;
    reserve(f, bytes.length);
    memcpy(f->sealed, bytes.at, bytes.length);
    f->sealed_end = bytes.length;
}

const struct tls_filter *tls_filter_of(const struct stream_filter *filter)
{
    return filter->ops == &FILTER_OPS ? filter_at(filter) : NULL;
}
