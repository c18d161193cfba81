// SPDX-License-Identifier: Apache-2.0
/*
 * What is written down of a visit to a site whose customer has an access log. What the request
 * says is copied when it comes, as its head is gone when the answer has left; the line is made
 * then, and put into the worker's ring.
 */
#include "delivery/note_priv.h"

struct note {
    struct http_told told;
    struct access_line line;
    struct instant began;
};

/* The first field of that name, in lower case, which is none that the parser knows. */
static struct slice field_of(const struct http_head *head, struct slice name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (head->fields[i].id == HTTP_NAME_OTHER && slice_same(head->fields[i].name, name))
            return head->fields[i].value;
    return SLICE_NONE;
}

static struct slice keep(struct arena *arena, struct slice text, size_t most)
{
    return text.at == NULL ? text : arena_copy(arena, slice_head(text, most));
}

void visit_note(struct visit *visit)
{
    struct http_exchange *x = visit_exchange(visit);
    const struct http_head *head = x->request;
    struct delivery *d = visit->delivery;
    struct note *note = arena_room(&x->arena, sizeof *note);

    *note = (struct note){
        .line = {
            .client = x->peer.ip,
            .method = keep(&x->arena, head->method_text, ACCESS_METHOD_MAX),
            .target = keep(&x->arena, x->authority.path, ACCESS_TARGET_MAX),
            .protocol = http_exchange_protocol(x),
            .tls = http_exchange_tls(x),
            .referer = keep(&x->arena, field_of(head, SLICE("referer")), ACCESS_REFERER_MAX),
            .agent = keep(&x->arena, field_of(head, SLICE("user-agent")), ACCESS_AGENT_MAX),
            .cache = SLICE("none"),
            .began = loop_wall(d->setup.loop),
        },
        .began = loop_now(d->setup.loop),
    };
    x->told = &note->told;
    visit->note = note;
    // The line names what is in the root, and a slow reader may outlast a reload.
    visit->root = d->root;
    snapshot_hold(visit->root, d->setup.worker);
}

void note_outcome(struct note *note, struct slice outcome)
{
    note->line.cache = outcome;
}

void visit_write_down(struct visit *visit)
{
    struct delivery *d = visit->delivery;
    const struct route *route = visit->route;
    const struct node *self = route->rows->self;
    struct note *note = visit->note;

    note->line.site = route->site->host;
    note->line.pop = self->pop->name;
    note->line.node = d->setup.node;
    note->line.status = note->told.status;
    note->line.sent_bytes = note->told.sent_bytes;
    note->line.took = instant_since(note->began, loop_now(d->setup.loop));
    size_t length = access_line_write(&note->line, route->log.format, d->line);

    // What finds no room is counted by the ring.
    (void)line_ring_put(d->setup.lines, route->log.whom, slice_of(d->line, length));
}
