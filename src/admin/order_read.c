// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>

#include "admin/json.h"
#include "admin/names.h"
#include "admin/orders.h"
#include "cache/key.h"
#include "steer/drains.h"

enum { SHOWN_MAX = 100 }; // bytes of what was given, in an error

#define SHOWN(given) SLICE_ARG(slice_head(given, SHOWN_MAX))

/* What is being read. */
struct reading {
    const struct admin_order_asked *asked;
    struct arena *arena;
    json_t *json;
    struct order *order;
    struct admin_refusal *refusal;
};

/* A member that says what the order is of. */
struct subject {
    const char *key;
    enum order_kind kind; // of purges, and of drains
    enum order_kind undrain;
    bool (*read)(struct reading *r, struct slice given);
};

static bool refuse(struct reading *r, int status, const char *code)
{
    r->refusal->status = status;
    r->refusal->code = code;
    return false;
}

/* Of a name that there is not, with what was probably meant. */
static bool refuse_name(
    struct reading *r, const char *what, struct slice given, struct slice nearest)
{
    diag_say(&r->refusal->message, "there is no %s \"%.*s\" in this network", what, SHOWN(given));
    if (nearest.length > 0)
        diag_say(&r->refusal->mend, "did you mean %.*s?", SLICE_ARG(nearest));
    else
        diag_say(&r->refusal->mend, "`waypost status` lists what there is");
    return refuse(r, 404, what);
}

/* The site whose objects are meant. */
static bool read_site(struct reading *r, struct slice given)
{
    const struct network *network = r->asked->known->network;
    const struct site *site = admin_site_find(network, given);

    if (site == NULL)
        return refuse_name(r, "site", given, admin_site_nearest(network, given));
    if (site->kind != SITE_DELIVER) {
        diag_say(&r->refusal->message,
            "%.*s is steered to its origins: nothing of it is stored here", SLICE_ARG(site->host));
        diag_say(&r->refusal->mend, "name a site that is delivered, or purge at its origins");
        return refuse(r, 422, "steered");
    }
    r->order->site = site->host;
    return true;
}

static bool refuse_url(struct reading *r, struct slice given, const char *fault, const char *mend)
{
    diag_say(&r->refusal->message, "\"%.*s\" %s", SHOWN(given), fault);
    diag_say(&r->refusal->mend, "%s", mend);
    return refuse(r, 400, "url");
}

/* What stands behind scheme and "://"; false for anything but http and https. */
static bool without_scheme(struct slice url, struct slice *rest)
{
    static const struct slice SCHEMES[] = { { "http://", 7 }, { "https://", 8 } };

    for (size_t i = 0; i < COUNT_OF(SCHEMES); i++)
        if (slice_same(slice_head(url, SCHEMES[i].length), SCHEMES[i])) {
            *rest = slice_from(url, SCHEMES[i].length);
            return true;
        }
    return false;
}

/* The port says where a node listens, and nothing about what is stored. */
static struct slice without_port(struct slice authority)
{
    size_t colon = slice_find(authority, ':');
    struct slice port = slice_from(authority, colon + 1);
    uint64_t number;

    if (port.length == 0 || slice_number(port, UINT16_MAX, &number))
        return slice_head(authority, colon);
    return authority;
}

static bool is_sendable(struct slice query)
{
    for (size_t i = 0; i < query.length; i++)
        if (query.at[i] <= ' ' || query.at[i] >= '\x7f')
            return false; // char may be signed: above ASCII is below ' '
    return true;
}

/* The path as objects are keyed by it. */
static bool read_path(struct reading *r, struct slice given, struct slice path)
{
    char *room = arena_alloc(r->arena, HTTP_TARGET_MAX);

    if (path.length == 0 || path.at[0] != '/') { // RFC 3986 §6.2.3: an empty path is "/"
        char *whole = arena_alloc(r->arena, path.length + 1);

        whole[0] = '/';
        if (path.length > 0)
            memcpy(whole + 1, path.at, path.length);
        path = slice_of(whole, path.length + 1);
    }
    if (!is_sendable(slice_from(path, slice_find(path, '?'))))
        return refuse_url(r, given, "has a query that no visitor can send",
            "write it as it is asked for, with escapes such as %20");
    if (!cache_path_normalise(path, room, HTTP_TARGET_MAX, &r->order->text) ||
        r->order->text.length > ORDER_TEXT_MAX)
        return refuse_url(r, given, "has a path that no visitor can ask for",
            "look for a broken escape such as %4, for too many /.., or for a path that is too "
            "long");
    return true;
}

static bool read_url(struct reading *r, struct slice given)
{
    struct slice rest, authority;

    if (!without_scheme(given, &rest))
        return refuse_url(r, given, "is no URL of http or https",
            "write all of it, such as https://static.example.com/logo.png");
    if (slice_find(rest, '#') < rest.length)
        return refuse_url(r, given, "has a fragment",
            "leave out what begins with #: browsers keep it for themselves");
    size_t end = 0;

    while (end < rest.length && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    authority = slice_head(rest, end);
    if (slice_find(authority, '@') < authority.length)
        return refuse_url(r, given, "has a user in it", "leave out what stands before the @");
    return read_site(r, without_port(authority)) && read_path(r, given, slice_from(rest, end));
}

/* All that begins with the path; a star at the end says the same. */
static bool read_prefix(struct reading *r, struct slice given)
{
    size_t star = given.length > 0 && given.at[given.length - 1] == '*';

    return read_url(r, slice_head(given, given.length - star));
}

/* As purge_tag_next of cache/purges.h may find one. */
static bool is_tag(struct slice tag)
{
    for (size_t i = 0; i < tag.length; i++)
        if (tag.at[i] == ',' || ascii_is_control(tag.at[i]))
            return false;
    return tag.length > 0 && tag.length <= ORDER_TEXT_MAX && slice_trim(tag).length == tag.length;
}

static bool read_tag(struct reading *r, struct slice given)
{
    const json_t *site = json_object_get(r->json, "site");

    if (!is_tag(given)) {
        diag_say(&r->refusal->message, "this is no tag that an object can have");
        diag_say(&r->refusal->mend,
            "give one of those in the fields Surrogate-Key or Cache-Tag, without commas");
        return refuse(r, 400, "tag");
    }
    if (!json_is_string(site)) {
        diag_say(&r->refusal->message, "a tag is of one site, and no site is named");
        diag_say(&r->refusal->mend, "add the site's host: --site HOST, or a member `site`");
        return refuse(r, 400, "site");
    }
    r->order->text = arena_copy(r->arena, given);
    return read_site(r, json_get_text(r->json, "site"));
}

/* Who is drained may be ended by name, though the release does not have it any more. */
static bool is_drained(const struct reading *r, enum drain_kind kind, struct slice name)
{
    const struct admin_orders *known = r->asked->known;

    for (size_t i = 0; i < known->drain_count; i++)
        if (known->drains[i].kind == kind && slice_equal(known->drains[i].name, name))
            return r->asked->verb == ADMIN_UNDRAIN;
    return false;
}

static bool read_pop(struct reading *r, struct slice given)
{
    const struct network *network = r->asked->known->network;

    r->order->text = arena_copy(r->arena, given);
    return network_pop(network, given) != NULL || is_drained(r, DRAIN_POP, given) ||
           refuse_name(r, "pop", given, admin_pop_nearest(network, given));
}

static bool read_node(struct reading *r, struct slice given)
{
    const struct network *network = r->asked->known->network;

    r->order->text = arena_copy(r->arena, given);
    return network_node(network, given) != NULL || is_drained(r, DRAIN_NODE, given) ||
           refuse_name(r, "node", given, admin_node_nearest(network, given));
}

static bool read_origin(struct reading *r, struct slice given)
{
    const struct network *network = r->asked->known->network;
    const struct origin *nearest;
    char name[2 * SHOWN_MAX];

    r->order->text = arena_copy(r->arena, given);
    if (admin_origin_find(network, given) != NULL || is_drained(r, DRAIN_ORIGIN, given))
        return true;
    nearest = admin_origin_nearest(network, given);
    if (nearest == NULL)
        return refuse_name(r, "origin", given, SLICE_NONE);
    int length = snprintf(name, sizeof name, "%.*s/%.*s", SHOWN(nearest->customer->name),
        SLICE_ARG(slice_head(nearest->name, SHOWN_MAX - 1)));

    return refuse_name(r, "origin", given, slice_of(name, (size_t)length));
}

/* `site` comes last: beside `tag` it says where. */
static const struct subject PURGED[] = {
    { "url", ORDER_PURGE_URL, ORDER_KIND_COUNT, read_url },
    { "prefix", ORDER_PURGE_PREFIX, ORDER_KIND_COUNT, read_prefix },
    { "tag", ORDER_PURGE_TAG, ORDER_KIND_COUNT, read_tag },
    { "site", ORDER_PURGE_SITE, ORDER_KIND_COUNT, read_site },
};

static const struct subject DRAINED[] = {
    { "pop", ORDER_DRAIN_POP, ORDER_UNDRAIN_POP, read_pop },
    { "node", ORDER_DRAIN_NODE, ORDER_UNDRAIN_NODE, read_node },
    { "origin", ORDER_DRAIN_ORIGIN, ORDER_UNDRAIN_ORIGIN, read_origin },
};

static_assert(COUNT_OF(PURGED) == 4 && COUNT_OF(DRAINED) == 3, "the mends below name them all");

static bool is_purge(const struct reading *r)
{
    return r->asked->verb == ADMIN_PURGE;
}

static const char *subjects_text(const struct reading *r)
{
    return is_purge(r) ? "name one of url, prefix, tag (with site), site; and with it soft, id"
                       : "name one of pop, node, origin; and with it id";
}

/* The subject of that key; NULL for another member. */
static const struct subject *subject_of(const struct reading *r, struct slice key)
{
    const struct subject *subjects = is_purge(r) ? PURGED : DRAINED;

    for (size_t i = 0; i < (is_purge(r) ? COUNT_OF(PURGED) : COUNT_OF(DRAINED)); i++)
        if (slice_equal(key, slice_text(subjects[i].key)))
            return &subjects[i];
    return NULL;
}

static bool refuse_member(struct reading *r, struct slice key, const char *fault)
{
    diag_say(&r->refusal->message, "the member \"%.*s\" %s", SHOWN(key), fault);
    diag_say(&r->refusal->mend, "%s", subjects_text(r));
    return refuse(r, 400, "member");
}

/* Thirty-two hexadecimal digits, not all zero. */
static bool read_id(struct reading *r, struct slice given)
{
    unsigned char any = 0;
    bool is_hex = given.length == 2 * sizeof r->order->id;

    for (size_t i = 0; is_hex && i < given.length; i++) {
        int digit = ascii_hex(given.at[i]);

        is_hex = digit >= 0;
        r->order->id[i / 2] = (unsigned char)(r->order->id[i / 2] << 4 | (digit & 15));
        any |= r->order->id[i / 2];
    }
    if (is_hex && any != 0)
        return true;
    diag_say(&r->refusal->message, "the id is not one of an order");
    diag_say(&r->refusal->mend, "give 32 hexadecimal digits drawn at random, or leave it out");
    return refuse(r, 400, "id");
}

/* Each member is known and of its type. */
static bool check_members(struct reading *r)
{
    const char *key;
    json_t *value;

    json_object_foreach(r->json, key, value)
    {
        struct slice name = slice_text(key);
        bool is_soft = is_purge(r) && slice_equal(name, SLICE("soft"));

        if (subject_of(r, name) == NULL && !is_soft && !slice_equal(name, SLICE("id")))
            return refuse_member(r, name, "is not known here");
        if (is_soft ? !json_is_boolean(value) : !json_is_string(value))
            return refuse_member(r, name, is_soft ? "is neither true nor false" : "is no text");
    }
    r->order->is_soft = json_get_flag(r->json, "soft");
    return true;
}

/* What the order is of: there is one such member, and beside a tag the site where it is. */
static bool find_subject(struct reading *r, const struct subject **subject)
{
    bool has_tag = is_purge(r) && json_object_get(r->json, "tag") != NULL;
    const char *key;
    json_t *value;

    *subject = NULL;
    json_object_foreach(r->json, key, value)
    {
        const struct subject *other = subject_of(r, slice_text(key));

        if (other == NULL || (has_tag && other->kind == ORDER_PURGE_SITE))
            continue;
        if (*subject != NULL)
            return refuse_member(r, slice_text(key), "is of another thing than the rest");
        *subject = other;
    }
    if (*subject != NULL)
        return true;
    diag_say(&r->refusal->message, "the body does not say what this is of");
    diag_say(&r->refusal->mend, "%s", subjects_text(r));
    return refuse(r, 400, "empty");
}

static bool read_order(struct reading *r)
{
    const struct subject *subject;

    if (!json_is_object(r->json)) {
        diag_say(&r->refusal->message, "the body is not an object in JSON");
        diag_say(&r->refusal->mend, "%s", subjects_text(r));
        return refuse(r, 400, "json");
    }
    if (!check_members(r) || !find_subject(r, &subject))
        return false;
    if (r->asked->is_customers && !is_purge(r) && subject->kind != ORDER_DRAIN_ORIGIN) {
        diag_say(&r->refusal->message, "pops and nodes are drained by operators alone");
        diag_say(&r->refusal->mend, "name an origin of yours: {\"origin\": \"CUSTOMER/NAME\"}");
        return refuse(r, 403, "operators");
    }
    r->order->kind = r->asked->verb == ADMIN_UNDRAIN ? subject->undrain : subject->kind;
    if (json_object_get(r->json, "id") != NULL && !read_id(r, json_get_text(r->json, "id")))
        return false;
    if (!subject->read(r, json_get_text(r->json, subject->key)))
        return false;
    if (!r->arena->is_full && order_is_sane(r->order))
        return true;
    return refuse_member(r, slice_text(subject->key), "is longer than an order may be");
}

bool admin_order_read(const struct admin_order_asked *asked, struct arena *arena,
    struct order *order, struct admin_refusal *refusal)
{
    struct order made = { .at = order->at, .by = order->by };
    struct reading r = { .asked = asked, .arena = arena, .order = &made, .refusal = refusal };

    *refusal = (struct admin_refusal){ 0 };
    r.json = json_read(asked->body);
    bool is_read = read_order(&r);

    json_decref(r.json);
    if (is_read)
        *order = made;
    return is_read;
}
