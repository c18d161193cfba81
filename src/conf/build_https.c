// SPDX-License-Identifier: Apache-2.0
#include "base/attr.h"
#include "conf/build_priv.h"

/* The place, to be told of after the text as read is given back. */
static struct conf_place keep_place(
    struct builder *b, const struct schema_head *head, const char *key)
{
    struct conf_place at = build_place(head, slice_text(key));

    if (at.file != NULL)
        at.file = build_keep(b, slice_text(at.file)).at;
    return at;
}

static struct certificate_files build_files(struct builder *b, const struct set_files *set)
{
    return (struct certificate_files){
        .cert = build_keep(b, set->cert),
        .key = build_keep(b, set->key),
        .ocsp = build_keep(b, set->ocsp),
        .at = keep_place(b, &set->head, "cert"),
    };
}

static const struct certificate_more *build_more(struct builder *b, const struct schema_list *list)
{
    const struct set_files *set = list->items;
    struct certificate_more *more = arena_array(b->arena, list->count, sizeof *more);

    for (size_t i = 0; i < list->count; i++)
        more[i] = (struct certificate_more){ .name = build_keep(b, set[i].head.name),
            .files = build_files(b, &set[i]) };
    return more;
}

struct certificate_files build_shown(struct builder *b, const struct set_origin *set)
{
    if (yaml_find(set->head.at, SLICE("key")) == NULL)
        build_lacks(b, &set->head, "cert", "\"key\"");
    if (yaml_find(set->head.at, SLICE("cert")) == NULL)
        build_lacks(b, &set->head, "key", "\"cert\"");
    return (struct certificate_files){
        .cert = build_keep(b, set->cert),
        .key = build_keep(b, set->key),
        .at = keep_place(b, &set->head, "cert"),
    };
}

struct network_tls build_tls(struct builder *b, const struct set_tls *set)
{
    if (set->oldest == TLS_OLDEST_1_3)
        build_lacks(b, &set->head, "ciphers", "TLS 1.2, whose ciphers they are");
    return (struct network_tls){
        .oldest = (enum tls_oldest)set->oldest,
        .ciphers = build_keep(b, set->ciphers),
        .ciphers_at = keep_place(b, &set->head, "ciphers"),
        .tickets = build_keep(b, set->tickets),
        .tickets_at = keep_place(b, &set->head, "tickets"),
        .standard = build_files(b, &set->standard),
        .more = build_more(b, &set->certificates),
        .more_count = set->certificates.count,
    };
}

struct network_admin build_admin(struct builder *b, const struct set_admin *set)
{
    return (struct network_admin){
        .files = build_files(b, &set->tls),
        .token = build_keep(b, set->token),
        .token_at = keep_place(b, &set->head, "token"),
        .tokens = build_tokens(b, &set->tokens),
        .token_count = set->tokens.count,
    };
}

struct site_https build_site_https(struct builder *b, const struct set_site *set)
{
    bool has_hsts = yaml_find(set->head.at, SLICE("hsts")) != NULL;

    if (!has_hsts)
        build_lacks(b, &set->head, "hsts_subdomains", "`hsts`");
    if (set->hsts.ns % span_s(1).ns != 0)
        conf_errors_add(b->errors, build_place(&set->head, SLICE("hsts")),
            "hsts: found \"%.*s\", expected whole seconds",
            SHOWN(yaml_find(set->head.at, SLICE("hsts"))->text));
    return (struct site_https){
        .files = build_files(b, &set->tls),
        .is_only = set->https == 1,
        .has_hsts = has_hsts,
        .hsts_subdomains = set->hsts_subdomains,
        .hsts = set->hsts,
    };
}
