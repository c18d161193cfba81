// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "tls/certificate_priv.h"

/* Keys that want a password are refused: nobody is there to type it. */
static int no_password(char *room, int most, int is_writing, void *unused)
{
    (void)room;
    (void)most;
    (void)is_writing;
    (void)unused;
    return -1;
}

/* What OpenSSL says of the last failure, in words that help whoever made the file. */
static const char *reason(void)
{
    unsigned long first = ERR_peek_error();
    const char *text = ERR_reason_error_string(first);

    unsigned long last = ERR_peek_last_error();

    if (ERR_GET_REASON(last) == PEM_R_BAD_PASSWORD_READ ||
        ERR_GET_REASON(first) == ERR_R_INTERRUPTED_OR_CANCELLED)
        text = "it is encrypted";
    else if ((ERR_GET_LIB(first) == ERR_LIB_PEM && ERR_GET_REASON(first) == PEM_R_NO_START_LINE) ||
             ERR_GET_LIB(first) == ERR_LIB_OSSL_DECODER)
        text = "it holds none in PEM";
    ERR_clear_error();
    return text == NULL ? "unknown failure" : text;
}

enum err certificate_load(SSL_CTX *ssl, const struct pem_files *files, struct diag *why)
{
    const char *key_file = files->key_file[0] != '\0' ? files->key_file : files->cert_file;

    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(ssl, no_password);
    if (access(files->cert_file, R_OK) != 0) {
        diag_say(
            why, "the certificate in %s cannot be read: %s", files->cert_file, strerror(errno));
        return ERR_CONFIG;
    }
    if (access(key_file, R_OK) != 0) {
        diag_say(why, "the key in %s cannot be read: %s", key_file, strerror(errno));
        return ERR_CONFIG;
    }
    if (SSL_CTX_use_certificate_chain_file(ssl, files->cert_file) != 1) {
        diag_say(why, "the certificate in %s cannot be used: %s", files->cert_file, reason());
        return ERR_CONFIG;
    }
    if (SSL_CTX_use_PrivateKey_file(ssl, key_file, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(ssl) == 1)
        return ERR_NONE;
    int what = ERR_GET_REASON(ERR_peek_error());

    if (what == X509_R_KEY_VALUES_MISMATCH || what == X509_R_KEY_TYPE_MISMATCH ||
        what == SSL_R_NO_CERTIFICATE_ASSIGNED)
        diag_say(why, "the key in %s does not belong to the certificate in %s", key_file,
            files->cert_file);
    else
        diag_say(why, "the key in %s cannot be used: %s", key_file, reason());
    ERR_clear_error();
    return ERR_CONFIG;
}

/* Zero when it says no time that can be told. */
static struct wall wall_of(const ASN1_TIME *time)
{
    struct tm parts;

    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
        return (struct wall){ 0 };
    return wall_from_s(timegm(&parts));
}

void certificate_span(const X509 *certificate, struct wall *from, struct wall *till)
{
    *from = wall_of(X509_get0_notBefore(certificate));
    *till = wall_of(X509_get0_notAfter(certificate));
}

bool certificate_covers(X509 *certificate, struct slice name)
{
    return name.length > 0 && X509_check_host(certificate, name.at, name.length,
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

GENERAL_NAMES *certificate_names(const X509 *certificate)
{
    return X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

struct slice certificate_host(const GENERAL_NAMES *names, int at)
{
    int type;
    const ASN1_STRING *text = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, at), &type);

    if (type != GEN_DNS)
        return SLICE_NONE;
    return slice_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
}

/* What is said of that certificate alone; NULL when there is no such. */
static OCSP_SINGLERESP *single_about(OCSP_BASICRESP *basic, const X509 *certificate)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        ASN1_INTEGER *serial = NULL;
        // It is asked about, not changed.
        const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);

        OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)(uintptr_t)id);
        if (serial != NULL && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0)
            return single;
    }
    return NULL;
}

/* NULL: it is fit to be shown, till then. */
static const char *response_fault(
    OCSP_RESPONSE *response, const X509 *certificate, struct wall now, struct wall *till)
{
    OCSP_BASICRESP *basic = NULL;
    OCSP_SINGLERESP *single = NULL;
    ASN1_GENERALIZEDTIME *next = NULL;
    const char *fault = NULL;

    if (response == NULL)
        return "it is no OCSP response in DER";
    if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    if (basic == NULL)
        return "the authority did not answer";
    single = single_about(basic, certificate);
    if (single == NULL)
        fault = "it is about another certificate";
    else if (OCSP_single_get0_status(single, NULL, NULL, NULL, &next) != V_OCSP_CERTSTATUS_GOOD)
        fault = "the authority does not vouch for the certificate";
    *till = (struct wall){ INT64_MAX };
    if (next != NULL)
        *till = wall_of(next);
    if (fault == NULL && till->ms <= now.ms)
        fault = "it is too old";
    OCSP_BASICRESP_free(basic);
    return fault;
}

enum err staple_load(struct staple *staple, const char *file, const X509 *certificate,
    struct wall now, struct diag *why)
{
    FILE *from = fopen(file, "re");
    unsigned char *bytes = mem_alloc(STAPLE_MAX);
    const unsigned char *at = bytes;
    const char *fault = strerror(errno);
    size_t length = from == NULL ? 0 : fread(bytes, 1, STAPLE_MAX, from);

    *staple = (struct staple){ 0 };
    if (from != NULL) {
        OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)length);

        fault = response_fault(response, certificate, now, &staple->till);
        OCSP_RESPONSE_free(response);
        ERR_clear_error();
        fclose(from);
    }
    if (fault != NULL) {
        diag_say(why, "the OCSP response in %s cannot be shown: %s", file, fault);
        mem_free(bytes);
        return ERR_CONFIG;
    }
    staple->bytes = mem_resize(bytes, length);
    staple->length = length;
    return ERR_NONE;
}

void staple_done(struct staple *staple)
{
    mem_free(staple->bytes);
    *staple = (struct staple){ 0 };
}
