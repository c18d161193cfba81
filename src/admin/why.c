// SPDX-License-Identifier: Apache-2.0
#include "admin/why.h"

#include <assert.h>

#include "admin/json.h"
#include "admin/moment.h"
#include "admin/status.h"
#include "conf/summary.h"

/* What orders the targets of a row. */
static const char *order_text(enum site_policy policy)
{
    switch (policy) {
    case POLICY_BALANCED:
    case POLICY_STICKY: return "cost";
    case POLICY_STRICT: return "value";
    case POLICY_WEIGHTED: return "weight";
    case POLICY_ORDERED: return "list";
    }
    assert(false);
    return "";
}

static json_t *client_json(const struct why *why)
{
    json_t *object = json_object();
    char text[IP_TEXT_MAX];

    if (why->client.family != IP_NONE)
        json_put_text(object, "address", slice_text(ip_text(&why->client, text)));
    json_put_number(object, "cell", why->cell);
    if (why->place->country[0] != '\0')
        json_put_text(object, "country", slice_text(why->place->country));
    if (why->place->location.is_set) {
        json_put_real(object, "latitude", why->place->location.latitude);
        json_put_real(object, "longitude", why->place->location.longitude);
    }
    return object;
}

/* The member's addresses of these families. */
static json_t *addresses_json(
    const struct steer_target *target, const struct steer_member *member, uint8_t families)
{
    json_t *list = json_array();
    const struct ip *addresses =
        member->node != NULL ? member->node->addresses : &target->origin->address.ip;
    size_t count = member->node != NULL ? member->node->address_count : 1;

    for (size_t i = 0; i < count; i++) {
        uint8_t family = addresses[i].family == IP_V4 ? STEER_HAS_V4 : STEER_HAS_V6;
        char text[IP_TEXT_MAX];

        if ((families & family) != 0)
            json_array_append_new(list, json_string(ip_text(&addresses[i], text)));
    }
    return list;
}

/* What a question for one kind of address is answered with. */
static json_t *answer_json(const struct admin_why *w, const char *type, uint8_t family)
{
    const struct steer_row *row = w->why->row;
    struct steer_pick pick = steer_pick(w->rows, row, w->map, family, &w->why->client);
    const struct steer_target *target = &row->targets[pick.target];
    const struct steer_member *member = &row->members[pick.member];
    json_t *object = json_object();

    json_put_text(object, "type", slice_text(type));
    json_put_text(object, "reason", slice_text(steer_reason_text(pick.reason)));
    json_put_number(object, "scope_bits", pick.scope_bits);
    if (pick.reason == STEER_NOTHING)
        return object;
    json_put_text(object, "target", steer_target_name(target));
    if (member->node != NULL)
        json_put_text(object, "node", member->node->name);
    json_object_set_new(object, "addresses", addresses_json(target, member, family));
    return object;
}

static json_t *answers_json(const struct admin_why *w)
{
    const struct steer_row *row = w->why->row;
    json_t *list = json_array();
    uint8_t families = 0;

    for (size_t i = 0; i < row->member_count; i++)
        families |= row->members[i].families;
    if ((families & STEER_HAS_V4) != 0)
        json_array_append_new(list, answer_json(w, "A", STEER_HAS_V4));
    if ((families & STEER_HAS_V6) != 0)
        json_array_append_new(list, answer_json(w, "AAAA", STEER_HAS_V6));
    return list;
}

/* Some answer leads to the target. */
static bool is_answered(const json_t *answers, const struct steer_target *target)
{
    const json_t *answer;
    size_t i;

    json_array_foreach (answers, i, answer) {
        if (json_object_get(answer, "target") != NULL &&
            slice_equal(json_get_text(answer, "target"), steer_target_name(target)))
            return true;
    }
    return false;
}

/* How many nodes' measurements the facts of a row rest on, at most. */
static unsigned observers_of(const struct why *why)
{
    unsigned most = 0;

    for (size_t i = 0; i < why->candidate_count; i++)
        for (size_t j = 0; j < TERM_COUNT; j++)
            if (why->candidates[i].terms[j].fact.sources > most)
                most = why->candidates[i].terms[j].fact.sources;
    return most;
}

static json_t *map_json(const struct admin_why *w)
{
    const struct why *why = w->why;
    int64_t age_ms = w->now.ms - why->epoch.ms;
    json_t *object = json_object();
    char hash[ADMIN_RELEASE_TEXT_MAX];

    json_put_text(object, "hash", slice_text(admin_release_text(why->map_hash, hash)));
    json_put_time(object, "epoch", why->epoch);
    json_put_number(object, "age_s", age_ms < 0 ? 0 : (uint64_t)age_ms / 1000);
    json_put_number(object, "observers", observers_of(why));
    return object;
}

static bool is_time(enum site_term term)
{
    return term == TERM_LATENCY || term == TERM_RESPONSE || term == TERM_FTP;
}

static json_t *term_json(const struct admin_why *w, const struct why_term *term)
{
    const struct fact *fact = &term->fact;
    json_t *object = json_object();
    double unit = is_time(term->term) ? 1e3 : 1e6; // microseconds, or millionths

    json_put_real(object, "ms", term->ms);
    json_put_number(object, "weight", term->weight);
    json_put_number(object, "sources", fact->sources);
    if (fact->sources == 0)
        return object;
    json_put_real(object, is_time(term->term) ? "measured_ms" : "measured_share",
        (double)fact->measured / unit);
    json_put_real(
        object, is_time(term->term) ? "spread_ms" : "spread_share", (double)fact->spread / unit);
    json_put_real(object, "age_s", admin_fact_age_s(fact, w->why->epoch, w->now));
    return object;
}

/* Adds the check at that position, if there is one. */
static void add_check(const struct admin_why *w, json_t *list, uint32_t at)
{
    if (at != CHECK_NONE && w->checks != NULL)
        json_array_append_new(list, admin_check_json(&w->checks[at]));
}

static json_t *member_json(
    const struct admin_why *w, const struct steer_target *target, const struct why_member *m)
{
    json_t *object = json_object(), *checks = json_array();

    if (m->member->node != NULL)
        json_put_text(object, "node", m->member->node->name);
    json_object_set_new(
        object, "addresses", addresses_json(target, m->member, STEER_HAS_V4 | STEER_HAS_V6));
    json_put_flag(object, "is_down", (m->health & STEER_DOWN) != 0);
    json_put_flag(object, "is_drained", (m->health & STEER_DRAINED) != 0);
    json_put_flag(object, "is_leaving", (m->health & STEER_LEAVING) != 0);
    add_check(w, checks, m->member->check);
    add_check(w, checks, m->member->load_check);
    json_object_set_new(object, "checks", checks);
    return object;
}

/* How it was judged. */
static void put_judgement(json_t *object, const struct why_candidate *c)
{
    if (c->rank >= 0)
        json_put_number(object, "rank", (uint64_t)c->rank);
    json_put_real(object, "cost_ms", c->cost_ms);
    json_put_real(object, "value_ms", c->value_ms);
    if (c->load >= 0)
        json_put_real(object, "load", c->load);
    json_put_real(object, "pressure", c->pressure);
    if (c->wins_below_ms >= 0)
        json_put_real(object, "wins_below_ms", c->wins_below_ms);
    json_put_flag(object, "is_fit", c->is_fit);
    json_put_flag(object, "is_in_band", c->is_in_band);
    json_put_flag(object, "sheds_client", c->sheds_client);
    json_put_real(object, "shed_share", (double)c->shed / STEER_SHED_ALL);
}

static json_t *target_json(
    const struct admin_why *w, const struct why_candidate *c, const json_t *answers)
{
    json_t *object = json_object(), *terms = json_object(), *members = json_array(),
           *checks = json_array();

    json_put_text(object, "name", steer_target_name(c->target));
    json_put_number(object, "weight", c->target->weight);
    json_put_flag(object, "is_reserve", c->target->is_reserve);
    json_put_flag(object, "is_picked", is_answered(answers, c->target));
    put_judgement(object, c);
    for (enum site_term i = 0; i < TERM_COUNT; i++)
        json_object_set_new(terms, site_term_text(i), term_json(w, &c->terms[i]));
    json_object_set_new(object, "terms", terms);
    for (size_t i = 0; i < c->member_count; i++)
        json_array_append_new(members, member_json(w, c->target, &c->members[i]));
    json_object_set_new(object, "members", members);
    add_check(w, checks, c->target->ftp_check);
    json_object_set_new(object, "checks", checks);
    return object;
}

static void put_targets(json_t *object, const struct admin_why *w, const json_t *answers)
{
    json_t *list = json_array();
    uint64_t left_out = 0;

    for (size_t i = 0; i < w->why->candidate_count; i++) {
        const struct why_candidate *c = &w->why->candidates[i];

        if (i < WHY_TARGETS_MAX || is_answered(answers, c->target))
            json_array_append_new(list, target_json(w, c, answers));
        else
            left_out++;
    }
    json_object_set_new(object, "targets", list);
    json_put_number(object, "targets_left_out", left_out);
}

/* By what it was replayed. */
static void put_past(json_t *object, const struct admin_why *w)
{
    char hash[ADMIN_RELEASE_TEXT_MAX], at[MOMENT_TEXT_MAX];

    json_put_text(object, "at", slice_text(moment_text(w->at, at)));
    json_put_text(object, "release", slice_text(admin_release_text(w->network->hash, hash)));
}

void admin_why_write(const struct admin_why *w, struct text *out)
{
    const struct why *why = w->why;
    const struct site *site = why->row->site;
    json_t *object = json_object(), *answers = answers_json(w);

    json_put_text(object, "name", site->host);
    json_put_text(object, "customer", site->customer->name);
    json_put_text(object, "kind", slice_text(admin_kind_text(site->kind)));
    json_put_text(object, "policy", slice_text(site_policy_text(site->policy)));
    json_put_text(object, "ordered_by", slice_text(order_text(site->policy)));
    json_put_text(
        object, "all_down", slice_text(site->all_down == ALL_DOWN_NODATA ? "nodata" : "any"));
    json_put_number(object, "ttl_s", (uint64_t)site->ttl.ns / 1000000000);
    json_put_text(object, "node", w->rows->self->name);
    json_put_time(object, "now", w->now);
    if (w->is_past)
        put_past(object, w);
    json_object_set_new(object, "client", client_json(why));
    json_put_text(object, "latency_basis", slice_text(steer_latency_basis_text(why->basis)));
    json_put_real(object, "margin_ms", why->margin_ms);
    json_put_flag(object, "is_dominant", why->is_dominated);
    if (why->has_map)
        json_object_set_new(object, "map", map_json(w));
    json_object_set(object, "answers", answers);
    put_targets(object, w, answers);
    json_decref(answers);
    json_write(object, out);
}
