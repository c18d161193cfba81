// SPDX-License-Identifier: Apache-2.0
#include "tls/issuer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

enum { SERIAL_BYTES = 16, NAMES_MAX = 1024, HOUR_S = 3600 };

struct tls_issuer {
    EVP_PKEY *key;
    X509 *certificate;
    const char *name;
    int64_t from_s, till_s;
};

static bool add_extension(X509 *certificate, X509 *by, int kind, const char *text)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, by, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, text);
    bool is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return is_added;
}

/* RFC 5280 §4.1.2.2: positive, at most 20 bytes, never given twice. */
static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    BIGNUM *number;
    bool is_set = false;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] &= 0x7f;
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    if (number != NULL)
        is_set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_set;
}

/* All but the extensions and the signature. */
static bool fill(X509 *certificate, EVP_PKEY *key, const struct tls_issuer *issuer)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME *by =
        issuer->certificate != NULL ? X509_get_subject_name(issuer->certificate) : subject;
    int kind = issuer->certificate != NULL ? NID_organizationName : NID_commonName;

    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), issuer->from_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), issuer->till_s) != NULL &&
           X509_set_pubkey(certificate, key) == 1 &&
           X509_NAME_add_entry_by_NID(
               subject, kind, MBSTRING_UTF8, (const unsigned char *)issuer->name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, by) == 1;
}

/* For `key`, by the issuer's; the issuer's own while it has none. NULL: it could not be made. */
static X509 *certify(const struct tls_issuer *issuer, EVP_PKEY *key, const char *names)
{
    X509 *made = X509_new();
    X509 *by = issuer->certificate != NULL ? issuer->certificate : made;
    bool is_done = made != NULL && fill(made, key, issuer);

    if (issuer->certificate == NULL)
        is_done = is_done &&
                  add_extension(made, by, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                  add_extension(made, by, NID_key_usage, "critical,keyCertSign") &&
                  add_extension(made, by, NID_subject_key_identifier, "hash");
    else
        is_done = is_done && add_extension(made, by, NID_subject_alt_name, names) &&
                  add_extension(made, by, NID_basic_constraints, "critical,CA:FALSE") &&
                  add_extension(made, by, NID_ext_key_usage, "serverAuth") &&
                  add_extension(made, by, NID_authority_key_identifier, "keyid:always");
    if (is_done && X509_sign(made, issuer->key, EVP_sha256()) > 0)
        return made;
    X509_free(made);
    return NULL;
}

enum err tls_issuer_new(
    const char *name, struct wall now, struct span life, struct tls_issuer **issuer)
{
    struct tls_issuer *made = mem_new(struct tls_issuer);

    made->name = name;
    made->from_s = wall_s(now) - HOUR_S;
    made->till_s = made->from_s + life.ns / span_s(1).ns;
    made->key = EVP_EC_gen("P-256");
    if (made->key != NULL)
        made->certificate = certify(made, made->key, NULL);
    if (made->certificate == NULL) {
        tls_issuer_free(made);
        return ERR_TLS;
    }
    *issuer = made;
    return ERR_NONE;
}

void tls_issuer_free(struct tls_issuer *issuer)
{
    if (issuer == NULL)
        return;
    X509_free(issuer->certificate);
    EVP_PKEY_free(issuer->key);
    mem_free(issuer);
}

/* A fresh file, which an old one of that name does not lend its rights; NULL, with errno. */
static FILE *begin(const char *path, mode_t mode)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    return fd < 0 ? NULL : fdopen(fd, "w");
}

static enum err end(FILE *file, bool is_written, const char *path, struct diag *why)
{
    if (file != NULL && fclose(file) == 0 && is_written)
        return ERR_NONE;
    diag_say(why, "%s cannot be written: %s", path, strerror(errno));
    return ERR_SYSTEM;
}

static enum err write_certificate(const X509 *certificate, const char *path, struct diag *why)
{
    FILE *file = begin(path, 0644);

    return end(file, file != NULL && PEM_write_X509(file, certificate) == 1, path, why);
}

static enum err write_key(const EVP_PKEY *key, const char *path, struct diag *why)
{
    FILE *file = begin(path, 0600);

    return end(file,
        file != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1, path, why);
}

enum err tls_issuer_write(const struct tls_issuer *issuer, const char *path, struct diag *why)
{
    return write_certificate(issuer->certificate, path, why);
}

/* "a,b" as "DNS:a,DNS:b"; false: too long. */
static bool write_names(struct slice names, char text[NAMES_MAX])
{
    struct slice name;
    size_t used = 0;

    while (slice_cut(&names, ',', &name)) {
        int length = snprintf(text + used, NAMES_MAX - used, "%sDNS:%.*s", used > 0 ? "," : "",
            SLICE_ARG(slice_trim(name)));

        used += (size_t)length;
        if (used >= NAMES_MAX)
            return false;
    }
    return used > 0;
}

enum err tls_issuer_issue(const struct tls_issuer *issuer, struct slice names,
    const char *certificate_path, const char *key_path, struct diag *why)
{
    char text[NAMES_MAX];
    EVP_PKEY *key = write_names(names, text) ? EVP_EC_gen("P-256") : NULL;
    X509 *certificate = key == NULL ? NULL : certify(issuer, key, text);
    enum err err = ERR_TLS;

    if (certificate != NULL) {
        err = write_key(key, key_path, why);
        if (err == ERR_NONE)
            err = write_certificate(certificate, certificate_path, why);
    } else {
        diag_say(why, "a certificate for %.*s cannot be made", SLICE_ARG(slice_head(names, 200)));
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return err;
}
