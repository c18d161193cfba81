// SPDX-License-Identifier: Apache-2.0
#include "http/upgrade.h"

#include <assert.h>

#include "base/attr.h"
#include "base/writer.h"
#include "http/server_priv.h"

static bool may_be_handed_on(struct slice protocol)
{
    struct slice name = slice_head(protocol, slice_find(protocol, '/'));

    return name.length > 0 && !slice_same(name, SLICE("h2c")) && !slice_same(name, SLICE("h2")) &&
           !slice_same(name, SLICE("HTTP")) && !slice_same(name, SLICE("TLS"));
}

static bool is_asked_for(const struct http_exchange *x)
{
    const struct http_head *head = x->request;

    // RFC 9110 §7.8: without the connection option it was not meant for us, and 1.0 has none.
    return head->first[HTTP_NAME_UPGRADE] != 0 && head->minor > 0 && x->carrier == &http1_carrier &&
           x->framing == HTTP_BODY_NONE &&
           http_head_has_token(head, HTTP_NAME_CONNECTION, SLICE("upgrade"));
}

struct slice http_upgrade_offer(
    const struct http_exchange *x, char room[static HTTP_UPGRADE_OFFER_MAX])
{
    struct writer w = writer_on(room, HTTP_UPGRADE_OFFER_MAX);

    if (!is_asked_for(x))
        return SLICE_NONE;
    for (const struct http_field *f = NULL;
         (f = http_head_next(x->request, HTTP_NAME_UPGRADE, f)) != NULL;) {
        struct slice rest = f->value, protocol;

        while (slice_cut(&rest, ',', &protocol)) {
            protocol = slice_trim(protocol);
            if (!may_be_handed_on(protocol))
                continue;
            if (w.length > 0)
                write_slice(&w, SLICE(", "));
            write_slice(&w, protocol);
        }
    }
    return w.is_short ? SLICE_NONE : writer_slice(&w);
}

bool http_upgrade_is_offered(const struct http_exchange *x)
{
    char UNSET room[HTTP_UPGRADE_OFFER_MAX];

    return is_asked_for(x) && http_upgrade_offer(x, room).length > 0;
}

bool http_upgrade_fits(struct slice offer, struct slice chosen)
{
    struct slice protocol;

    while (slice_cut(&offer, ',', &protocol))
        if (slice_same(slice_trim(protocol), chosen))
            return true;
    return false;
}

void http_upgrade_hold(struct http_exchange *x)
{
    struct http_connection *c = http_task_of(x)->connection;

    assert(c->last == http_task_of(x) && c->intake != HTTP_INTAKE_BODY);
    c->intake = HTTP_INTAKE_HOLD;
}

void http_upgrade(struct http_exchange *x, const struct http_reply *reply, struct http_sink *sink)
{
    struct http_task *task = http_task_of(x);
    struct http_connection *c = task->connection;

    assert(c->intake == HTTP_INTAKE_HOLD && reply->source != NULL && reply->status == 101);
    c->is_upgraded = true;
    c->intake = HTTP_INTAKE_BODY;
    task->is_upgraded = true;
    task->keeps_alive = false;
    task->has_body = true;
    task->sink = sink;
    task->body_left = UINT64_MAX;
    x->framing = HTTP_BODY_UNTIL_CLOSE;
    counter_up(&c->server->counts.upgraded);
    http_connection_mark(c);
    http_reply(x, reply);
}
