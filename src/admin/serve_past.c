// SPDX-License-Identifier: Apache-2.0
/* Answers of the past: /api/v1/why with &at=TIME, answered in its own time. */
#include "admin/admin_priv.h"
#include "admin/moment.h"
#include "base/mem.h"
#include "io/loop.h"

enum {
    QUESTION_MAX = 1 << 16, // memory of what a query says
    PAST_OF_ONE_MAX = 4,    // questions of one customer, so that none keeps the others from asking
};

/* It outlives its exchange where who asked leaves before it is answered. */
struct past_call {
    struct list link; // of the admin's
    struct admin *admin;
    struct http_exchange *x; // NULL: left
    struct arena arena;
    struct admin_replay replay;
};

void admin_past_init(struct admin *admin)
{
    list_init(&admin->past);
}

static void call_free(struct past_call *call)
{
    list_remove(&call->link);
    text_done(&call->replay.body);
    arena_done(&call->arena);
    mem_free(call);
}

void admin_past_done(struct admin *admin)
{
    list_each_safe (link, &admin->past)
        call_free(container_of(link, struct past_call, link));
}

void admin_past_leave(struct admin *admin, const struct http_exchange *x)
{
    list_each (link, &admin->past) {
        struct past_call *call = container_of(link, struct past_call, link);

        if (call->x == x)
            call->x = NULL;
    }
}

static void refuse(struct http_exchange *x, const struct admin_refusal *why)
{
    admin_answer_json(x, why->status, why->status == 503 ? "Retry-After: 1\r\n" : "",
        admin_error_json(why->code, why->message.text, why->mend.text));
}

void admin_replay_done(struct admin_replay *replay)
{
    struct past_call *call = container_of(replay, struct past_call, replay);

    // What a node lacks to answer again is the operators' to mend, who are told of their files.
    if (replay->refusal.status == 409 && replay->is_of_customer)
        diag_say(&replay->refusal.mend, "ask for another time, or the operators of this network");
    if (call->x != NULL && replay->refusal.status != 0)
        refuse(call->x, &replay->refusal);
    else if (call->x != NULL)
        admin_answer_written(call->x, &replay->body);
    call_free(call);
}

static struct past_call *call_new(struct admin *admin, struct http_exchange *x,
    const struct admin_question *question, const struct admin_scope *scope)
{
    struct past_call *call = mem_new(struct past_call);
    struct admin_replay *replay = &call->replay;

    call->admin = admin;
    call->x = x;
    arena_init(&call->arena, QUESTION_MAX);
    replay->question = *question;
    replay->question.name = arena_copy(&call->arena, question->name);
    replay->question.node = arena_copy(&call->arena, question->node);
    replay->is_of_customer = !scope->is_operator;
    replay->customer = arena_copy(&call->arena, scope->customer);
    text_init(&replay->body, ADMIN_ANSWER_MAX);
    list_append(&admin->past, &call->link);
    return call;
}

/* The moment asked for; false when it is answered as wrong. */
static bool read_moment(
    const struct admin *admin, struct http_exchange *x, struct slice text, struct moment *at)
{
    struct moment now = loop_moment(admin->loop);

    if (!moment_parse(text, now, at)) {
        admin_answer_json(x, 400, "",
            admin_error_json("at", "that is no time",
                "give one in UTC, such as at=2026-11-22T10:05:00.125Z, or at=-90s for then"));
        return false;
    }
    if (at->us <= now.us)
        return true;
    admin_answer_json(x, 400, "",
        admin_error_json("at", "that time is yet to come", "ask for one that has been"));
    return false;
}

/* Whether one more may be on its way. Those count too whose asker has left. */
static bool has_room(const struct admin *admin, const struct admin_scope *scope)
{
    size_t of_them = 0;

    list_each (link, &admin->past)
        of_them += slice_equal(
            container_of(link, struct past_call, link)->replay.customer, scope->customer);
    return scope->is_operator || of_them < PAST_OF_ONE_MAX;
}

void admin_serve_past(struct admin *admin, struct http_exchange *x, struct slice at,
    const struct admin_question *question, const struct admin_scope *scope)
{
    struct moment moment;

    if (!read_moment(admin, x, at, &moment))
        return;
    if (!has_room(admin, scope)) {
        admin_answer_json(x, 503, "Retry-After: 1\r\n",
            admin_error_json(
                "busy", "too many questions of the past are under way", "ask again in a second"));
        return;
    }
    if (!http_exchange_keep(x)) {
        admin_answer_json(x, 503, "Retry-After: 1\r\n",
            admin_error_json("busy", "the question is too large to wait", "ask for less"));
        return;
    }
    struct past_call *call = call_new(admin, x, question, scope);

    call->replay.at = moment;
    if (admin->source->ops->replay(admin->source, &call->replay))
        return;
    refuse(x, &call->replay.refusal);
    call_free(call);
}
