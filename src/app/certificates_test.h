// SPDX-License-Identifier: Apache-2.0
#pragma once

/* A folder with certificates of an authority of its own, and networks that name them. */

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "app/certificates.h"
#include "conf/load.h"
#include "tls/authority_test.h"

#define NOW wall_from_s(INT64_C(1800000000))

/* A folder with the files of three certificates, and what is loaded with them. */
struct place {
    char folder[64];
    struct authority authority;
    struct conf_errors errors;
    struct network *network;
    struct certificates *certificates;
};

static inline void issue(struct place *p, const char *name, const struct claim *claim)
{
    char certificate[128], key[128];

    snprintf(certificate, sizeof certificate, "%s/%s.pem", p->folder, name);
    snprintf(key, sizeof key, "%s/%s.key", p->folder, name);
    authority_issue(&p->authority, claim, certificate, key);
}

static inline void place_open(struct place *p)
{
    *p = (struct place){ .folder = "/tmp/certificates-test-XXXXXX" };
    assert_non_null(mkdtemp(p->folder));
    authority_init(&p->authority, "ours", NOW);
    issue(p, "a", &(struct claim){ .names = "DNS:a.test", .till_s = INT64_C(100) * DAY_S });
    issue(p, "b", &(struct claim){ .names = "DNS:b.test", .till_s = INT64_C(13) * DAY_S });
    issue(p, "old",
        &(struct claim){
            .names = "DNS:b.test", .from_s = INT64_C(-20) * DAY_S, .till_s = -DAY_S - 1 });
    conf_errors_init(&p->errors);
}

static inline void unload(struct place *p)
{
    certificates_free(p->certificates);
    network_free(p->network);
    conf_errors_done(&p->errors);
    p->certificates = NULL;
    p->network = NULL;
}

static inline void place_close(struct place *p)
{
    static const char *const FILES[] = { "a.pem", "a.key", "b.pem", "b.key", "old.pem", "old.key",
        "token", "tickets" };

    unload(p);
    authority_done(&p->authority);
    for (size_t i = 0; i < COUNT_OF(FILES); i++) {
        char path[128];

        snprintf(path, sizeof path, "%s/%s", p->folder, FILES[i]);
        unlink(path);
    }
    rmdir(p->folder);
}

/* Loads sites a.test and b.test with these settings; a percent sign stands for the folder. */
static inline void load_with(struct place *p, const char *a, const char *b, const char *more)
{
    const char *const parts[] = { "zone: z.test\npops: {p: {nodes: {n: {address: 192.0.2.1}}}}\n",
        more,
        ("\ncustomers:\n  c:\n    origins: {o: {address: \"192.0.2.7:80\"}}\n    sites:\n"
         "      a.test: {deliver: o"),
        a, "}\n      b.test: {deliver: o", b, "}\n" };
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        for (const char *c = parts[i]; *c != '\0'; c++)
            if (*c == '%')
                fputs(p->folder, out);
            else
                fputc(*c, out);
    fclose(out);
    unload(p);
    p->network = conf_load_text("net.yaml", slice_text(text), &p->errors);
    conf_errors_print(&p->errors, stderr);
    assert_non_null(p->network);
    p->certificates = certificates_new(p->network, NULL, NOW, &p->errors);
    free(text);
}

#define A   ", tls: {cert: %/a.pem, key: %/a.key}"
#define B   ", tls: {cert: %/b.pem, key: %/b.key}"
#define OLD ", tls: {cert: %/old.pem, key: %/old.key}"
