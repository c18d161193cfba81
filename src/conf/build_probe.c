// SPDX-License-Identifier: Apache-2.0
#include "base/attr.h"
#include "conf/build_priv.h"

/* A greeting takes a round trip or two; signing in and fetching a file takes about ten. */
enum { TIMEOUT_MS = 800, TIMEOUT_SIGN_IN_MS = 5000 };

struct sign_in {
    struct slice user, password;
};

/* As given; where a file is to be fetched and nobody is named, as anybody may (RFC 1635). */
static struct sign_in sign_in_of(
    struct builder *b, struct slice user, struct slice password, struct slice path)
{
    if (user.length == 0 && path.length > 0)
        return (struct sign_in){ SLICE("anonymous"), SLICE("guest") };
    return (struct sign_in){ build_keep(b, user), build_keep(b, password) };
}

struct pop_probe build_pop_probe(struct builder *b, const struct set_pop_probe *set)
{
    static const char *const OF_FTP[] = { "user", "password", "path", "every" };
    const struct schema_head *head = &set->head;
    struct sign_in who = sign_in_of(b, set->user, set->password, set->path);

    for (size_t i = 0; i < COUNT_OF(OF_FTP) && yaml_find(head->at, SLICE("ftp")) == NULL; i++)
        build_lacks(b, head, OF_FTP[i], "`ftp`");
    if (yaml_find(head->at, SLICE("ftp")) != NULL && yaml_find(head->at, SLICE("user")) == NULL)
        build_lacks(b, head, "password", "`user`");
    return (struct pop_probe){
        .ftp = set->ftp,
        .user = who.user,
        .password = who.password,
        .path = build_keep(b, set->path),
        .every = set->every,
    };
}

/* The one of the four that is chosen; a second one is an error. */
static enum site_probe_kind choose(struct builder *b, const struct set_site_probe *set)
{
    const struct yaml_node *const at = set->head.at, *first = NULL;
    const struct {
        enum site_probe_kind kind;
        const struct yaml_node *value;
        bool is_chosen;
    } rows[] = {
        { SITE_PROBE_HTTP, yaml_find(at, SLICE("http")), true },
        { SITE_PROBE_TCP, yaml_find(at, SLICE("tcp")), set->tcp },
        { SITE_PROBE_FTP, yaml_find(at, SLICE("ftp")), true },
        { SITE_PROBE_ICMP, yaml_find(at, SLICE("icmp")), set->icmp },
    };
    enum site_probe_kind kind = SITE_PROBE_TCP;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].value == NULL || !rows[i].is_chosen)
            continue;
        if (first != NULL)
            conf_errors_add(b->errors, rows[i].value->key_at,
                "a probe measures by one of http, tcp, ftp and icmp: leave out \"%.*s\" or "
                "\"%.*s\"; another site may measure by the other",
                SHOWN(first->key), SHOWN(rows[i].value->key));
        else
            kind = rows[i].kind;
        first = first == NULL ? rows[i].value : first;
    }
    if (first == NULL && rows[1].value != NULL && slice_equal(rows[1].value->text, SLICE("no")))
        conf_errors_add(b->errors, rows[1].value->at,
            "tcp: found \"no\", which leaves nothing to measure; add one of http, ftp and icmp");
    return kind;
}

/* What is written, and says nothing about a probe of this kind. */
static void check_probe_meaning(
    struct builder *b, const struct set_site_probe *set, enum site_probe_kind kind)
{
    const struct yaml_node *port = yaml_find(set->head.at, SLICE("port"));

    if (kind != SITE_PROBE_HTTP) {
        build_lacks(b, &set->head, "expect", "`http`");
        build_lacks(b, &set->head, "match", "`http`");
    }
    if (kind != SITE_PROBE_FTP)
        build_lacks(b, &set->head, "user", "`ftp`");
    if (kind != SITE_PROBE_FTP || yaml_find(set->head.at, SLICE("user")) == NULL)
        build_lacks(b, &set->head, "password", kind == SITE_PROBE_FTP ? "`user`" : "`ftp`");
    if (kind == SITE_PROBE_ICMP && port != NULL)
        conf_errors_add(b->errors, port->key_at,
            "\"port\" has no meaning with `icmp`: an echo has none; leave it out");
}

struct site_probe build_site_probe(struct builder *b, const struct set_site_probe *set)
{
    enum site_probe_kind kind = choose(b, set);
    struct slice path = kind == SITE_PROBE_FTP ? set->ftp : set->http;
    struct sign_in who = { SLICE_NONE, SLICE_NONE };
    struct span timeout = set->timeout;

    if (kind == SITE_PROBE_FTP)
        who = sign_in_of(b, set->user, set->password, path);
    if (timeout.ns == 0)
        timeout = span_ms(who.user.length > 0 ? TIMEOUT_SIGN_IN_MS : TIMEOUT_MS);
    check_probe_meaning(b, set, kind);
    return (struct site_probe){
        .kind = kind,
        .path = build_keep(b, path),
        .port = (uint16_t)set->port,
        .expect = (uint16_t)set->expect,
        .match = build_keep(b, set->match),
        .user = who.user,
        .password = who.password,
        .load = build_keep(b, set->load),
        .every = set->every,
        .timeout = timeout,
        .rise = (uint16_t)set->rise,
        .fall = (uint16_t)set->fall,
    };
}
