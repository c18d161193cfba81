// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as what an origin answers to who offers to leave HTTP, or does not: heads of 101 and
 * what stands before, in and behind them, in pieces of any size. Nothing but a 101 that was asked
 * for makes a tunnel; what comes out of one is what went in behind that head, and into one goes
 * nothing before it.
 *
 * The first eight bytes seed the world; the ninth says how fast it is, the tenth who does what.
 */
#include "http/client.h"
#include "http/upgrade.h"
#include "http/world_test.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum {
    OFFERS = 1,
    ORIGIN_ENDS = 2,
    ORIGIN_IS_EARLY = 4,
    CALLER_IS_SLOW = 8,
    HEADS_MAX = 64, // before the last; the client takes fewer
};

#define ASKED "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define UP    "what the visitor says in the other protocol"

struct origin {
    struct listener_user user;
    struct visitor visitor;
    struct slice says;
    unsigned traits;
    bool has_come;
};

static void origin_say(struct origin *o)
{
    o->visitor.leaves_half = (o->traits & ORIGIN_ENDS) != 0;
    visitor_say(&o->visitor, o->says);
}

static size_t origin_data(struct stream_user *user, struct slice bytes)
{
    struct origin *o = container_of(visitor_of(user), struct origin, visitor);
    bool had_all = o->visitor.in_length >= strlen(ASKED);
    size_t taken = visitor_data(user, bytes);

    if (!had_all && o->visitor.in_length >= strlen(ASKED) && (o->traits & ORIGIN_IS_EARLY) == 0)
        origin_say(o);
    return taken;
}

static const struct stream_user_ops ORIGIN_OPS = {
    .data = origin_data,
    .end = visitor_end,
    .pull = visitor_pull,
    .sent = visitor_sent,
    .closed = visitor_closed,
};

static struct stream_user *origin_accept(struct listener_user *user, struct stream *stream)
{
    struct origin *o = container_of(user, struct origin, user);

    if (o->has_come)
        return NULL;
    o->has_come = true;
    visitor_init(&o->visitor);
    o->visitor.user.ops = &ORIGIN_OPS;
    o->visitor.stream = stream;
    if ((o->traits & ORIGIN_IS_EARLY) != 0)
        origin_say(o);
    return &o->visitor.user;
}

struct caller {
    struct http_client_user user;
    struct http_client *client; // NULL: over
    struct http_source up;
    struct slice left;  // of what is said up
    struct slice below; // of the origin's bytes, behind their last head
    struct timer timer;
    struct loop *loop;
    unsigned traits;
    int status;
    size_t heard;
};

static void caller_head(struct http_client_user *user, const struct http_head *head)
{
    struct caller *c = container_of(user, struct caller, user);
    struct slice chosen = http_head_value(head, HTTP_NAME_UPGRADE);

    assert(c->status == 0);
    c->status = head->status;
    assert(c->status >= 200 || c->status == 101);
    assert(c->status != 101 || (c->traits & OFFERS) != 0);
    if (c->status == 101 && !http_upgrade_fits(SLICE("chat/2, websocket"), chosen)) {
        http_client_cancel(c->client); // as who passes it on does
        c->client = NULL;
    }
}

static void caller_go_on(struct timer *timer)
{
    const struct caller *c = container_of(timer, struct caller, timer);

    if (c->client != NULL)
        http_client_resume(c->client);
}

static size_t caller_body(struct http_client_user *user, struct slice bytes)
{
    struct caller *c = container_of(user, struct caller, user);
    size_t taken = (c->traits & CALLER_IS_SLOW) != 0 ? (bytes.length + 1) / 2 : bytes.length;

    if (c->status == 101)
        assert(slice_equal(
            slice_head(slice_from(c->below, c->heard), taken), slice_head(bytes, taken)));
    c->heard += taken;
    if (taken < bytes.length)
        timer_set(c->loop, &c->timer, instant_after(loop_now(c->loop), span_us(100)));
    return taken;
}

static void caller_done(struct http_client_user *user, enum err why, bool)
{
    struct caller *c = container_of(user, struct caller, user);

    c->client = NULL;
    assert(why != ERR_NONE || c->status != 101 || c->heard == c->below.length);
}

static const struct http_client_ops CALLER_OPS = {
    .head = caller_head, .body = caller_body, .done = caller_done
};

static size_t up_pull(struct http_source *source, struct iovec *iov, size_t, bool *is_last)
{
    const struct caller *c = container_of(source, struct caller, up);

    assert(c->status == 101);
    *is_last = true;
    iov[0] = stream_iovec(c->left);
    return c->left.length > 0;
}

static void up_sent(struct http_source *source, size_t bytes)
{
    struct caller *c = container_of(source, struct caller, up);

    c->left = slice_from(c->left, bytes);
}

static const struct http_source_ops UP_OPS = { .pull = up_pull, .sent = up_sent };

/* What stands behind the last head of an answer. */
static struct slice behind_heads(struct slice bytes)
{
    struct http_head head;

    for (int i = 0; i < HEADS_MAX; i++) {
        if (http_response_parse(bytes, 0, &head) != HTTP_PARSE_DONE)
            return SLICE_NONE;
        bytes = slice_from(bytes, head.length);
        if (head.status >= 200 || head.status == 101)
            return bytes;
    }
    return SLICE_NONE;
}

static void check_heard(const struct origin *o, const struct caller *c)
{
    struct slice heard = visitor_heard(&o->visitor);

    if (c->status != 101)
        assert(heard.length <= strlen(ASKED));
    else
        assert(slice_starts(SLICE(ASKED UP), heard));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    uint64_t seed;

    if (size < sizeof seed + 2)
        return 0;
    memcpy(&seed, data, sizeof seed);
    unsigned char pace = data[sizeof seed];
    struct slice bytes = slice_from(slice_of(data, size), sizeof seed + 2);
    struct world *w = world_new(seed);
    struct sim_link link = { .delay = span_us(pace % 8), .chunk_max = pace % 4 * 30 };
    struct origin o = { .user = { origin_accept }, .says = bytes, .traits = data[sizeof seed + 1] };
    struct caller c = { .user = { &CALLER_OPS },
        .up = { &UP_OPS },
        .left = SLICE(UP),
        .below = behind_heads(bytes),
        .timer = { .fire = caller_go_on },
        .loop = w->loops[1],
        .traits = o.traits };
    const struct http_client_request request = { .head = SLICE(ASKED),
        .method = HTTP_GET,
        .upgrade = (o.traits & OFFERS) != 0 ? &c.up : NULL,
        .times = { span_s(1), span_s(1), span_s(1) } };

    sim_link_set(w->sim, NULL, NULL, &link);
    world_listen(w, &o.user);
    c.client = http_client_start(w->loops[1], &w->at, NULL, &request, &c.user);
    for (int i = 0; i < 12; i++)
        sim_run_for(w->sim, span_ms(i * i));
    check_heard(&o, &c);
    sim_run_for(w->sim, span_s(5));
    check_heard(&o, &c);
    if (c.client != NULL)
        http_client_cancel(c.client);
    timer_clear(c.loop, &c.timer);
    visitor_done(&o.visitor);
    world_free(w);
    return 0;
}
