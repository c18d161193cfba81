// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What conf_build is made of; build.h says what it does. */

#include "conf/build.h"

struct builder {
    struct arena *arena;
    struct conf_errors *errors;
};

/* A copy in the network's own memory; the text as read is given back once it is built. */
struct slice build_keep(struct builder *b, struct slice text);

/* Where the value of a key was written; where the section begins when it was not. */
struct conf_place build_place(const struct schema_head *head, struct slice key);

/* Tells of the key, where it is written, that it says nothing without `other`, which is not. */
void build_lacks(
    struct builder *b, const struct schema_head *head, const char *key, const char *other);

struct customer_access build_access(struct builder *b, const struct set_access *set);
struct network_bus build_bus(struct builder *b, const struct set_network *set);
struct network_tls build_tls(struct builder *b, const struct set_tls *set);
struct network_admin build_admin(struct builder *b, const struct set_admin *set);
struct site_https build_site_https(struct builder *b, const struct set_site *set);

/* What we show an origin of ourselves. */
struct certificate_files build_shown(struct builder *b, const struct set_origin *set);

struct pop_probe build_pop_probe(struct builder *b, const struct set_pop_probe *set);
struct site_probe build_site_probe(struct builder *b, const struct set_site_probe *set);

/* The pops are built already, as groups of plans name them. */
void build_plans(struct builder *b, const struct schema_list *list, struct network *network);

/* As many as the list has. */
const struct token *build_tokens(struct builder *b, const struct schema_list *list);

/* No two tokens of the network are the same, and where `admin` opens a port somebody has one. */
void build_tokens_check(const struct set_network *set, struct conf_errors *errors);

/* The customer's origins are built already, as its sites name them. */
void build_site(struct builder *b, const struct set_site *set, const struct customer *customer,
    struct site *site);
