// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "admin/json.h"
#include "admin/table_why_priv.h"

enum {
    SENTENCES_MAX = 20,
    RIVALS_MAX = 3, // of those that cost too much, the first are of interest
};

/* The sentences below the tables: a bounded number, and how many there would be more. */
struct sentences {
    const struct why_page *page;
    struct text *out;
    size_t start; // of the sentence being said
    size_t count, hidden, rivals;
};

/* The names of those that the client is drawn from: "ams, fra and 3 more". */
static void say_equals(const struct why_page *p, struct text *out)
{
    const json_t *target;
    size_t i, count = 0;

    json_array_foreach (p->targets, i, target) {
        if (!json_get_flag(target, "is_in_band") || !json_get_flag(target, "is_fit") ||
            json_get_flag(target, "sheds_client"))
            continue;
        if (count++ < WHY_NAMES_SHOWN)
            text_say(out, "%s%s", count == 1 ? "" : ", ", table_text_of(target, "name"));
    }
    if (count > WHY_NAMES_SHOWN)
        text_say(out, " and %zu more", count - WHY_NAMES_SHOWN);
}

static void say_drawn(const struct why_page *p, struct text *out)
{
    char margin[TABLE_AMOUNT_MAX];

    if (!p->is_by_cost) {
        text_say(out, "it is drawn by weight");
        return;
    }
    text_say(out, "it is drawn by hash from those as good: ");
    say_equals(p, out);
    text_say(out, " (within %s)", table_ms(json_get_real(p->why, "margin_ms"), margin));
}

/* No other is up, so that nothing had to be weighed. */
static bool is_alone(const struct why_page *p)
{
    const json_t *target;
    size_t i, fit = 0;

    json_array_foreach (p->targets, i, target) {
        fit += json_get_flag(target, "is_fit");
    }
    return fit == 1;
}

static void say_best(const struct why_page *p, struct text *out)
{
    if (json_array_size(p->targets) == 1)
        text_say(out, "it is the only one");
    else if (is_alone(p))
        text_say(out, "it is the only one that is up");
    else if (!p->is_by_cost || !json_is_object(json_object_get(p->why, "map")))
        text_say(out, "it is the first in the list");
    else if (json_get_flag(p->why, "is_dominant"))
        text_say(out, "it is the best: no other has less latency or less load");
    else
        text_say(out, "it is the best");
}

/* Failing open has four steps; from the second on they are named. */
static void say_reason(const struct why_page *p, const json_t *answer, struct text *out)
{
    if (table_text_is(answer, "reason", "best"))
        say_best(p, out);
    else if (table_text_is(answer, "reason", "drawn"))
        say_drawn(p, out);
    else if (table_text_is(answer, "reason", "next") && is_alone(p))
        text_say(out, "it is the only one that is up");
    else if (table_text_is(answer, "reason", "next"))
        text_say(out, "it is the %s that is up and takes this client",
            p->is_by_cost ? "best" : "first in the list");
    else if (table_text_is(answer, "reason", "over_capacity"))
        text_say(out, "all that are up are over their capacity (step 2 of 4 of failing open)");
    else if (table_text_is(answer, "reason", "reserve"))
        text_say(out, "it is a reserve and no other is up (step 3 of 4 of failing open)");
    else if (table_text_is(answer, "reason", "all_down"))
        text_say(out, "none is up, so all count as up (step 4 of 4 of failing open)");
    else if (table_text_is(answer, "reason", "nothing"))
        text_say(out, "none is up and the site says `all_down: nodata`");
    else
        text_say(out, "%s", table_text_of(answer, "reason"));
}

static bool agree(const json_t *a, const json_t *b)
{
    static const char *const KEYS[] = { "target", "node", "reason" };

    for (size_t i = 0; i < COUNT_OF(KEYS); i++)
        if (!slice_equal(json_get_text(a, KEYS[i]), json_get_text(b, KEYS[i])))
            return false;
    return true;
}

static void say_addresses(const json_t *answer, struct text *out)
{
    const json_t *address;
    size_t i;

    json_array_foreach (json_object_get(answer, "addresses"), i, address) {
        text_say(out, " %s", json_is_string(address) ? json_string_value(address) : "-");
    }
}

void why_answers(const struct why_page *p, struct text *out)
{
    size_t count = json_array_size(p->answers), taken;

    for (size_t i = 0; i < count; i += taken) {
        const json_t *answer = json_array_get(p->answers, i);
        const json_t *next = json_array_get(p->answers, i + 1);
        size_t start = out->length;

        taken = next != NULL && agree(answer, next) ? 2 : 1;
        text_say(out, "answer");
        if (taken < count)
            text_say(out, " %s", table_text_of(answer, "type"));
        if (json_get_text(answer, "target").length == 0)
            text_say(out, ": no address");
        else
            text_say(out, ": %s", table_text_of(answer, "target"));
        if (json_get_text(answer, "node").length > 0)
            text_say(out, " (node %s)", table_text_of(answer, "node"));
        say_addresses(answer, out);
        if (taken == 2)
            say_addresses(next, out);
        text_say(out, ", since ");
        say_reason(p, answer, out);
        text_say(out, "; kept for %" PRIu64 " s", json_get_number(p->why, "ttl_s"));
        table_end_line(out, start);
    }
}

/* False when there were enough sentences: nothing is to be said. */
static bool sentence_begin(struct sentences *s)
{
    if (s->count == SENTENCES_MAX) {
        s->hidden++;
        return false;
    }
    if (s->count++ == 0)
        text_add(s->out, SLICE("\n"));
    s->start = s->out->length;
    return true;
}

static void sentence_end(struct sentences *s)
{
    text_say(s->out, ".");
    table_end_line(s->out, s->start);
}

/* What failed, since when, and what brings it back. */
static void say_down(struct sentences *s, const char *who, const json_t *check)
{
    char clock[TABLE_CELL_MAX], outcome[TABLE_CELL_MAX], every[TABLE_AMOUNT_MAX];
    uint64_t every_ms = json_get_number(check, "every_ms");

    if (!sentence_begin(s))
        return;
    text_say(s->out, "%s is down", who);
    if (json_get_text(check, "since").length > 0)
        text_say(
            s->out, " since %s", table_clock(table_text_of(check, "since"), s->page->now, clock));
    if (json_is_object(check))
        text_say(s->out,
            "; probe \"%s\": %s; %" PRIu64 " good answers in a row, one every %s, bring it back",
            table_text_of(check, "name"), table_outcome(check, outcome),
            json_get_number(check, "rise"),
            every_ms < 1000 ? table_ms((double)every_ms, every)
                            : table_duration(every_ms / 1000, every));
    sentence_end(s);
}

/* The answers go by most nodes, the fills made here by what is seen from here. */
static void say_outvoted(struct sentences *s, const char *who, const json_t *check)
{
    char counted[TABLE_CELL_MAX];
    bool is_down_here = table_text_is(check, "verdict", "down");

    if (!sentence_begin(s))
        return;
    text_say(s->out, "%s is %s of nodes; the probes of this node %s", who,
        table_counted(check, counted),
        is_down_here                            ? "do not reach it"
        : table_text_is(check, "verdict", "up") ? "do reach it"
                                                : "have no verdict yet");
    sentence_end(s);
}

static void say_member(struct sentences *s, const json_t *target, const json_t *member)
{
    const json_t *check = json_array_get(json_object_get(member, "checks"), 0);
    const char *node = json_string_value(json_object_get(member, "node"));
    const char *who = node != NULL ? node : table_text_of(target, "name");

    if (json_get_flag(member, "is_drained")) {
        if (!sentence_begin(s))
            return;
        text_say(s->out, "%s is drained by an operator: nobody new is sent there", who);
        sentence_end(s);
    } else if (json_get_flag(member, "is_leaving")) {
        if (!sentence_begin(s))
            return;
        text_say(s->out, "%s says that it is being stopped: nobody new is sent there", who);
        sentence_end(s);
    } else if (table_is_outvoted(check)) {
        say_outvoted(s, who, check);
    } else if (json_get_flag(member, "is_down")) {
        say_down(s, who, check);
    }
}

static void say_load(struct sentences *s, const json_t *target)
{
    char load[TABLE_AMOUNT_MAX], share[TABLE_AMOUNT_MAX];

    if (!sentence_begin(s))
        return;
    text_say(s->out, "%s has a load of %s and sends %s of its clients elsewhere, this one too",
        table_text_of(target, "name"), table_percent(json_get_real(target, "load"), load),
        table_percent(json_get_real(target, "shed_share"), share));
    sentence_end(s);
}

/* What it would have to cost to come first. */
static void say_rival(struct sentences *s, const json_t *target)
{
    bool is_by_value = table_text_is(s->page->why, "ordered_by", "value");
    double now_ms = json_get_real(target, is_by_value ? "value_ms" : "cost_ms");
    double below_ms = json_get_real(target, "wins_below_ms");
    char now[TABLE_AMOUNT_MAX], below[TABLE_AMOUNT_MAX];

    if (now_ms < below_ms || s->rivals++ >= RIVALS_MAX || !sentence_begin(s))
        return;
    text_say(s->out, "%s would be first if its %s fell below %s (now %s)",
        table_text_of(target, "name"), is_by_value ? "value" : "cost", table_ms(below_ms, below),
        table_ms(now_ms, now));
    sentence_end(s);
}

static void say_reserve(struct sentences *s, const json_t *target)
{
    if (!sentence_begin(s))
        return;
    text_say(s->out, "%s is a reserve: used when no other is up", table_text_of(target, "name"));
    sentence_end(s);
}

static void say_target(struct sentences *s, const json_t *target)
{
    const json_t *member;
    size_t i;

    json_array_foreach (json_object_get(target, "members"), i, member) {
        say_member(s, target, member);
    }
    if (json_get_flag(target, "is_picked") || !json_get_flag(target, "is_fit"))
        return;
    if (json_get_flag(target, "is_reserve"))
        say_reserve(s, target);
    else if (json_get_flag(target, "sheds_client"))
        say_load(s, target);
    else if (json_is_number(json_object_get(target, "wins_below_ms")))
        say_rival(s, target);
}

void why_changes(const struct why_page *p, struct text *out)
{
    struct sentences s = { .page = p, .out = out };
    const json_t *target;
    size_t i;

    json_array_foreach (p->targets, i, target) {
        say_target(&s, target);
    }
    if (s.hidden > 0)
        text_say(out, "... and %zu more.\n", s.hidden);
}
